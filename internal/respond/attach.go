package respond

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// EvidenceRequest attaches evidence. A reading names its datastream and nothing more: what it says is read from the log,
// never taken from the person.
type EvidenceRequest struct {
	Kind       string `json:"kind" enum:"photo,form,note,reading"`
	Text       string `json:"text,omitempty"`
	Datastream int64  `json:"datastream,omitempty" doc:"for a reading; the one that opened the case when left out"`
	// File is the body of a photo or a form.
	File []byte `json:"-"`
}

// Attach adds evidence to an open case.
func (s *Service) Attach(ctx context.Context, caseID int64, r EvidenceRequest, key string) (Receipt, error) {
	c, _, err := s.look(ctx, "case.attach", caseID)
	if err != nil {
		return Receipt{}, err
	}
	who := access.From(ctx)
	a := Attachment{Evidence: lifecycle.Evidence{Kind: r.Kind}, By: actorName(who), ByID: who.ID, Text: strings.TrimSpace(r.Text)}
	if err := checkText(a.Text, "text", r.Kind == "note"); err != nil {
		return Receipt{}, err
	}
	a.Text = guard.Mask(a.Text)
	r.Text = a.Text
	var body []byte
	original := ""              // the SHA-256 of a file as it was sent
	more := map[string]string{} // what goes into the vault beside the words
	switch r.Kind {
	case "photo", "form":
		if body, a.Media, err = acceptFile(r.File, r.Kind); err != nil {
			return Receipt{}, err
		}
		sum := sha256.Sum256(body)
		original = hex.EncodeToString(sum[:])
		if c.Private {
			more[fileMedia] = a.Media
			if body, more[fileKey], err = sealFile(body); err != nil {
				return Receipt{}, err
			}
			a.Media, sum = "application/octet-stream", sha256.Sum256(body)
		}
		a.Blob = hex.EncodeToString(sum[:])
	case "reading":
		if a.Reading, err = s.reading(ctx, caseID, r.Datastream); err != nil {
			return Receipt{}, err
		}
	case "note":
	default:
		return Receipt{}, web.Errorf(http.StatusUnprocessableEntity, "case.evidence_kind", "expected one of %s, got %q",
			strings.Join(lifecycle.EvidenceKinds, ", "), r.Kind).At("kind")
	}
	// The reading is left out of what must stay the same under one key: a repeat asks for the same thing, though the log
	// has gone on.
	request := []any{"evidence", caseID, r, original}
	if c.Private { // nor are words, of which a digest could be guessed
		request = []any{"evidence", caseID, r.Kind, original}
	}
	return s.write(ctx, key, request, func(tx *db.Tx, now time.Time) (Receipt, error) {
		c, err := s.openCase(tx, caseID)
		if err != nil {
			return Receipt{}, err
		}
		a.At = now
		words := a.Text
		if c.Private {
			a.Text = ""
		}
		if a.Blob != "" {
			if err := putBlob(tx, a.Blob, a.Media, body); err != nil {
				return Receipt{}, err
			}
		}
		if err := insertEvidence(tx, caseID, &a); err != nil {
			return Receipt{}, err
		}
		data := map[string]any{"evidence": a.ID, "kind": a.Kind}
		detail := map[string]any{"evidence": a.ID, "kind": a.Kind}
		if a.Blob != "" {
			data["sha256"], detail["sha256"] = a.Blob, a.Blob
		}
		if a.Reading != nil {
			data["reading"] = a.Reading
			detail["datastream"], detail["value"], detail["unit"] = a.Reading.Datastream, a.Reading.Value, a.Reading.Unit
			detail["reading_at"] = a.Reading.At.UTC().Format(time.RFC3339Nano)
		}
		e := Entry{At: now, Actor: who, Kind: "evidence", Text: evidenceText(a), Free: words, Data: data}
		if _, err := s.enterWith(tx, c, &e, more); err != nil {
			return Receipt{}, err
		}
		if err := changed(tx, c, "evidence", now); err != nil {
			return Receipt{}, err
		}
		return Receipt{Case: caseID, Entry: e.ID, Item: a.ID}, ledger.Append(tx, ledger.Entry{
			Action: "case.attach", Actor: actorName(who), ActorID: who.ID, Subject: "case", SubjectID: caseID, At: now, Detail: detail,
		})
	})
}

// reading is the newest of a datastream; 0 means the one that opened the case. It is refused when it can prove nothing in
// the case, whatever it says. Neither the asset nor the definition of a case ever changes, so this holds until the write.
func (s *Service) reading(ctx context.Context, caseID, datastream int64) (*lifecycle.Reading, error) {
	var c *Case
	var k *lifecycle.Kind
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if c, err = getCase(tx, caseID); err == nil {
			k, err = s.version(tx, c.Definition)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if datastream == 0 && len(c.Datastreams) > 0 {
		datastream = c.Datastreams[0]
	}
	r, err := s.Readings.Latest(ctx, datastream)
	if errors.Is(err, db.ErrNotFound) {
		return nil, web.Errorf(http.StatusUnprocessableEntity, "case.no_reading", "the datastream has no reading").At("datastream")
	}
	if err != nil {
		return nil, fmt.Errorf("newest reading of datastream %d: %w", datastream, err)
	}
	if refusal := k.Belongs(r, c.Asset, c.Datastreams); refusal != nil {
		return nil, refusal
	}
	return &r, nil
}

// File returns the file of a piece of evidence and its media type. One of a private case is opened by the vault, which notes who
// asked.
func (s *Service) File(ctx context.Context, caseID, evidence int64) (media string, body []byte, err error) {
	c, _, err := s.look(ctx, "case.read", caseID)
	if err != nil {
		return "", nil, err
	}
	entry := int64(0)
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if media, body, err = getBlob(tx, caseID, evidence); err != nil || !c.Private {
			return err
		}
		entry, err = entryOf(tx, caseID, evidence)
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		err = web.Errorf(http.StatusNotFound, "case.no_file", "there is no such file")
	}
	if err != nil || !c.Private {
		return media, body, err
	}
	r := c.resource()
	r.Type, r.ID = wordsType, entry
	words, err := s.Vault.Open(ctx, r, access.Operations)
	if err != nil {
		return "", nil, err
	}
	body, err = openFile(body, words[fileKey])
	return words[fileMedia], body, err
}

func evidenceText(a Attachment) lifecycle.Text {
	t := map[string]lifecycle.Text{
		"photo":   lifecycle.Words("Photo attached", "上传照片"),
		"form":    lifecycle.Words("Signed form attached", "上传签字表单"),
		"note":    lifecycle.Words("Written evidence attached", "提交文字说明"),
		"reading": lifecycle.Words("Reading attached", "提交监测数据"),
	}[a.Kind]
	if a.Reading != nil {
		value := fmt.Sprintf("%g %s", a.Reading.Value, a.Reading.Unit)
		t = lifecycle.Words(t.En+": "+value, t.Zh+"："+value)
	}
	return t
}
