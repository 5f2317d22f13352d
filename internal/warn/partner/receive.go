package partner

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

const (
	// maxReferences bounds what one message may do to others.
	maxReferences = 1000
	// keptRefused is how much of a refused document is kept, in bytes, and refusedKept how many of a partner's.
	keptRefused = 64 << 10
	refusedKept = 1000
)

// errChanged says that the partner was changed or removed while it was read.
var errChanged = errors.New("the partner was changed while it was read")

// candidate is a document that was judged and is not kept yet.
type candidate struct {
	Message
	alert    *cap.Alert // nil where it is no CAP message
	digest   string
	document []byte
}

// judge reads a document and says what is to be thought of it. It touches no store.
func (s *Service) judge(p *Partner, document []byte, hazards []Hazard, g *ground, now time.Time) *candidate {
	c := &candidate{document: document, Message: Message{Partner: p.ID, ReceivedAt: now, Verdict: cap.Reject, Problems: []Problem{}, Texts: map[string]Text{},
		Places: []Place{}, Placement: unplaced, Onset: now, Expires: now, Sent: now}}
	a, problems, err := cap.Decode(bytes.NewReader(document))
	if err != nil {
		c.refuse("form", err.Error())
		return c
	}
	problems = append(problems, cap.Check(a, cap.Receiving)...)
	c.alert, c.Verdict, c.Problems = a, cap.Judge(problems), problemsOf(problems)
	c.Sender, c.Identifier, c.MsgType, c.Status, c.Scope = cut(a.Sender, 500), cut(a.Identifier, 500), cut(a.MsgType, 50), cut(a.Status, 50), cut(a.Scope, 50)
	if !a.Sent.IsZero() {
		c.Sent = a.Sent.UTC()
	}
	if c.Sender != a.Sender || c.Identifier != a.Identifier {
		c.refuse("identity", "sender and identifier have at most 500 characters")
	}
	if len(a.References) > maxReferences {
		c.refuse("references", "the message names more than 1000 others")
	}
	if p.Trust == BySignature {
		if c.SignedBy, err = s.Verifier.Verify(document, p.Title.In("en"), []byte(p.Pinned)); err != nil {
			c.SignedBy = ""
			c.refuse("signature", err.Error())
		}
	}
	content, err := cap.Encode(a)
	if err != nil {
		c.refuse("form", err.Error())
	}
	if c.Verdict == cap.Reject {
		c.digest = refusedDigest(document)
		return c
	}
	sum := sha256.Sum256(content)
	c.digest = hex.EncodeToString(sum[:])
	r := read(a, p, hazards, g)
	c.Hazard, c.Level, c.Texts, c.Places, c.Placement = r.hazard, r.level, r.texts, r.places, r.placement
	c.Speaks, c.Clears, c.Onset, c.Expires = r.speaks, r.clears, r.onset.UTC(), r.expires.UTC()
	c.concerns = g.smallest(c.touches())
	if c.Placement == wholeCity {
		c.concerns = g.tops()
	}
	return c
}

// within refuses what claims to be real inside an envelope that says it is not.
func (c *candidate) within(status string) {
	if status != "" && status != cap.Actual && c.Status == cap.Actual && c.Verdict != cap.Reject {
		c.refuse("envelope", "the envelope says "+status+", the message in it "+cap.Actual)
	}
}

// refuse adds a reason why a message doesn't count.
func (c *candidate) refuse(rule, why string) {
	c.Verdict = cap.Reject
	c.Problems = append(c.Problems, Problem{Grade: cap.Wrong.String(), Rule: rule, Message: cut(why, 500)})
	c.digest, c.Speaks = refusedDigest(c.document), false
}

// refusedDigest is of the bytes: the same content may come again, rightly signed.
func refusedDigest(document []byte) string {
	sum := sha256.Sum256(document)
	return "refused " + hex.EncodeToString(sum[:])
}

// keep takes a judged document into the picture and returns the message that stands for it: that of before, if it is known. also runs
// in the same transaction.
func (s *Service) keep(ctx context.Context, p *Partner, c *candidate, now time.Time, also func(tx *db.Tx, id int64) error) (id int64, err error) {
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		ok, err := same(tx, p)
		if err != nil {
			return err
		}
		if !ok {
			return errChanged
		}
		if id, err = s.insert(tx, p, c, now); err != nil || also == nil {
			return err
		}
		return also(tx, id)
	})
	return id, err
}

func (s *Service) insert(tx *db.Tx, p *Partner, c *candidate, now time.Time) (int64, error) {
	m := c.Message // a write that is tried again must begin from what was judged
	digest := c.digest
	if m.Verdict != cap.Reject {
		id, has, err := byName(tx, p.ID, c.alert)
		if err != nil {
			return 0, err
		}
		if id != 0 && has == digest {
			return id, nil
		}
		if id != 0 {
			x := candidate{Message: m, document: c.document}
			x.Problems = slices.Clone(m.Problems)
			x.refuse("identifier-reused", "a message of this sender, identifier and time was received before and says something else")
			m, digest = x.Message, x.digest
		}
	}
	if id, err := byDigest(tx, p.ID, digest); err != nil || id != 0 {
		return id, err
	}
	document := string(c.document)
	switch {
	case m.Verdict != cap.Reject && !utf8.Valid(c.document): // one of another character set is kept as it was read
		content, err := cap.Encode(c.alert)
		if err != nil {
			return 0, err
		}
		document = string(content)
	case m.Verdict == cap.Reject:
		document = text(c.document)
	}
	if m.Verdict != cap.Reject && m.Placement == elsewhere { // what it says of others' places is not ours to keep; what it ends may be
		document, m.Texts, m.Places = "", map[string]Text{}, []Place{}
	}
	if err := insertMessage(tx, &m, digest, document); err != nil {
		return 0, err
	}
	if m.Verdict == cap.Reject {
		return m.ID, pruneRefused(tx, p.ID)
	}
	for _, r := range c.alert.References {
		if err := insertReference(tx, &m, r); err != nil {
			return 0, err
		}
	}
	return m.ID, s.settle(tx, p, &m, c.alert.References, now)
}

// text is a refused document as far as it is kept and can be shown.
func text(document []byte) string {
	return string(bytes.ReplaceAll(bytes.ToValidUTF8(document[:min(len(document), keptRefused)], []byte("\uFFFD")), []byte{0}, []byte("\uFFFD")))
}

// settle works out what a new message means for others and they for it, and tells the other rooms.
func (s *Service) settle(tx *db.Tx, p *Partner, m *Message, references cap.References, now time.Time) error {
	others, err := enders(tx, m)
	if err != nil {
		return err
	}
	if m.end(endOf(m.heard(), others)) {
		if err := updateEnd(tx, m); err != nil {
			return err
		}
	}
	var over []*Message // those that other rooms know as in force and that it has ended
	touched := 0        // messages that it has ended, or ended otherwise
	if m.MsgType == cap.TypeUpdate || m.MsgType == cap.TypeCancel {
		for _, r := range references {
			targets, err := named(tx, p.ID, r)
			if err != nil {
				return err
			}
			for _, t := range targets {
				by, err := enders(tx, t)
				if err != nil {
					return err
				}
				if mayEnd(by, t, m.ID) {
					m.join(t.concerns)
				}
				if e := endOf(t.heard(), by); e.by == 0 || t.EndKind == byRemoval || !t.end(e) {
					continue
				}
				touched++
				if t.told == toldStanding {
					over, t.told = append(over, t), toldEnded
					if err := updateTold(tx, t); err != nil {
						return err
					}
				}
				if err := updateEnd(tx, t); err != nil {
					return err
				}
			}
		}
	}
	if err := passOn(tx, m, others); err != nil {
		return err
	}
	if m.shown(now) || touched > 0 {
		if err := s.changed(tx, 1+touched); err != nil {
			return err
		}
	}
	tx.Signal(signal)
	return s.tell(tx, p, m, over, now)
}

// passOn keeps whom a message concerns, and has all that may end it concern them too: messages come in any order.
func passOn(tx *db.Tx, m *Message, others []heard) error {
	if err := updateConcerns(tx, m); err != nil {
		return err
	}
	for _, h := range others {
		if !mayEnd(others, m, h.id) {
			continue
		}
		end, err := scanMessage(tx.QueryRow(`select `+messageColumns+` from received_messages where id = $1`, h.id))
		if err != nil {
			return err
		}
		if !end.join(m.concerns) {
			continue
		}
		further, err := enders(tx, end)
		if err != nil {
			return err
		}
		if err := passOn(tx, end, further); err != nil {
			return err
		}
	}
	return nil
}

// mayEnd says whether one of those that name a message could end it, were it the only one.
func mayEnd(enders []heard, m *Message, by int64) bool {
	return slices.ContainsFunc(enders, func(h heard) bool { return h.id == by && endOf(m.heard(), []heard{h}).by == by })
}

// tell tells the other rooms of a message that is in force, and of those that it has ended.
func (s *Service) tell(tx *db.Tx, p *Partner, m *Message, over []*Message, now time.Time) error {
	if m.inForce(now) && m.tellable() {
		m.thread, m.told = m.ID, toldStanding
		if len(over) > 0 { // it goes on under the number by which it is known
			m.thread, over = over[0].thread, over[1:]
		}
		if err := updateTold(tx, m); err != nil {
			return err
		}
		var e outbox.Event = events.RelayIssued{Relay: m.event(p, now)}
		if m.thread != m.ID {
			e = events.RelayUpdated{Relay: m.event(p, now)}
		}
		if err := outbox.Put(tx, e); err != nil {
			return err
		}
	}
	for _, x := range over {
		if err := outbox.Put(tx, events.RelayEnded{Relay: x.event(p, now), How: x.EndKind}); err != nil {
			return err
		}
	}
	return nil
}

func (m *Message) event(p *Partner, now time.Time) events.Relay {
	return events.Relay{Relay: m.thread, Message: m.ID, Partner: p.ID, Issuer: events.AlertText{EN: p.Title.In("en"), ZH: p.Title.In("zh-CN")},
		Service: p.Service, Status: m.Status, Scope: m.Scope, Hazard: m.Hazard, Level: m.Level, Areas: m.touches(), Concerns: m.concerns, Onset: m.Onset, Expires: m.Expires,
		WholeCity: m.Placement == wholeCity, At: now}
}

// pruneRefused keeps what a hostile feed can fill the store with bounded.
func pruneRefused(tx *db.Tx, partner int64) error {
	_, err := tx.Exec(`delete from received_messages where partner = $1 and verdict = 'reject' and id <= (
		select id from received_messages where partner = $1 and verdict = 'reject' order by id desc nulls last limit 1 offset $2)`, partner, refusedKept)
	return err
}
