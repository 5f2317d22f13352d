package respond

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/access/vault"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// What people write in a private case stands in the vault, entry by entry, and nowhere else: no list, count, event or ledger
// entry holds it, and it is erased on the vault's schedule once the case has ended. What remains is that a case of that kind was
// opened, which moves were made, and when.

// Vault opens what was sealed; *vault.Service fulfils it.
type Vault interface {
	// Open returns what was sealed for r, once access has decided and the ledger has noted who opened it.
	Open(ctx context.Context, r access.Resource, p access.Purpose) (map[string]string, error)
}

// wordsType is the vault's name for the words of one entry of a timeline; a case's title is under "case".
const wordsType = "case-words"

const field = "field:"

// enter adds a line to a timeline; in a private case its words go into the vault.
func (s *Service) enter(tx *db.Tx, c *Case, e *Entry) (added bool, err error) {
	return s.enterWith(tx, c, e, nil)
}

// enterWith is enter with more that goes into the vault, where the case is private.
func (s *Service) enterWith(tx *db.Tx, c *Case, e *Entry, more map[string]string) (added bool, err error) {
	if !c.Private {
		return insertEntry(tx, c.ID, e)
	}
	words := map[string]string{}
	maps.Copy(words, more)
	if e.Free != "" {
		words["text"] = e.Free
	}
	line := *e
	line.Free = ""
	if answers, ok := e.Data["fields"].(map[string]any); ok {
		line.Data = maps.Clone(e.Data)
		kept := map[string]any{}
		for name, v := range answers {
			if text, isText := v.(string); isText {
				words[field+name] = text
			} else {
				kept[name] = v
			}
		}
		line.Data["fields"] = kept
	}
	if added, err = insertEntry(tx, c.ID, &line); err != nil || !added {
		return added, err
	}
	e.ID = line.ID
	if len(words) == 0 {
		return true, nil
	}
	ref := vault.Ref{Type: wordsType, ID: e.ID}
	if err := vault.Seal(tx, ref, words, 0); err != nil || c.ClosedAt.IsZero() {
		return true, err
	}
	return true, vault.Close(tx, ref, c.ClosedAt) // what is said after the end is erased with the rest
}

// detail is what the ledger keeps of a deed. Whoever may read the ledger reads of a private case that something was done in it, when
// and by whom, but not of what kind it is, what was done, or for which office; nor a hash of few words, which could be guessed.
func (c *Case) detail(facts map[string]any) map[string]any {
	if !c.Private {
		return facts
	}
	kept := map[string]any{"private": true}
	for _, name := range []string{"generation", "task", "ask", "evidence"} {
		if v, ok := facts[name]; ok {
			kept[name] = v
		}
	}
	return kept
}

// takeWords takes out of a private case what people wrote when it was opened; nil where there is nothing, or the case is not
// private.
func (c *Case) takeWords() map[string]string {
	if !c.Private || c.Title == "" && len(c.Fields) == 0 {
		return nil
	}
	words := map[string]string{"title": c.Title}
	kept := map[string]any{}
	for name, v := range c.Fields {
		if text, isText := v.(string); isText {
			words[field+name] = text
		} else {
			kept[name] = v
		}
	}
	c.Title, c.Fields = "", kept
	return words
}

// sealWords puts into the vault what takeWords took.
func (c *Case) sealWords(tx *db.Tx, words map[string]string) error {
	if len(words) == 0 {
		return nil
	}
	return vault.Seal(tx, vault.Ref{Type: "case", ID: c.ID}, words, 0)
}

// The words of an entry of a private case that has a file.
const (
	fileKey   = "file-key"
	fileMedia = "file-media"
)

// sealFile makes a file of a private case unreadable but for who opens the vault: what comes back is stored, key goes there. A
// fresh key is used once, so its nonce may be fixed.
func sealFile(body []byte) (sealed []byte, key string, err error) {
	k := make([]byte, 32)
	rand.Read(k)
	gcm, err := fileCipher(k)
	if err != nil {
		return nil, "", err
	}
	return gcm.Seal(nil, make([]byte, gcm.NonceSize()), body, nil), hex.EncodeToString(k), nil
}

// openFile is what sealFile was given.
func openFile(sealed []byte, key string) ([]byte, error) {
	k, err := hex.DecodeString(key)
	if err != nil {
		return nil, fmt.Errorf("key of a file: %w", err)
	}
	gcm, err := fileCipher(k)
	if err != nil {
		return nil, err
	}
	body, err := gcm.Open(nil, make([]byte, gcm.NonceSize()), sealed, nil)
	if err != nil {
		return nil, fmt.Errorf("open a file: %w", err)
	}
	return body, nil
}

func fileCipher(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("key of a file: %w", err)
	}
	return cipher.NewGCM(block)
}

// unworded are the answers of a private case without what people wrote.
func unworded(m *lifecycle.Move, fields map[string]any) map[string]any {
	out := maps.Clone(fields)
	for _, q := range m.Requires {
		if q.Kind == "text" || q.Kind == "post" {
			delete(out, q.Field)
		}
	}
	return out
}

// closeVault starts the time to the erasure of all that was written in a private case.
func (s *Service) closeVault(tx *db.Tx, c *Case, at time.Time) error {
	entries, err := timeline(tx, c.ID)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := vault.Close(tx, vault.Ref{Type: wordsType, ID: e.ID}, at); err != nil {
			return err
		}
	}
	return vault.Close(tx, vault.Ref{Type: "case", ID: c.ID}, at)
}

// PrivateWords are what people wrote in a private case, by the entry of the timeline; 0 is what it was opened with.
type PrivateWords struct {
	Entry  int64             `json:"entry"`
	Title  string            `json:"title,omitempty"`
	Text   string            `json:"text,omitempty"`
	Fields map[string]string `json:"fields,omitempty"`
}

// Words opens what people wrote in a private case. Each opening stands in the ledger.
func (s *Service) Words(ctx context.Context, caseID int64) ([]PrivateWords, error) {
	c, _, err := s.look(ctx, "case.read", caseID)
	if err != nil {
		return nil, err
	}
	if !c.Private {
		return nil, web.Errorf(http.StatusNotFound, "case.not_private", "case %d has nothing in the vault", caseID)
	}
	var entries []Entry
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		entries, err = timeline(tx, caseID)
		return err
	}); err != nil {
		return nil, err
	}
	out := []PrivateWords{}
	refs := append([]Entry{{}}, entries...)
	for _, e := range refs {
		r := c.resource()
		if e.ID != 0 {
			r.Type, r.ID = wordsType, e.ID
		}
		words, err := s.Vault.Open(ctx, r, access.Operations)
		if web.NotFound(err) {
			continue // nothing was written, or it is erased
		}
		if err != nil {
			return nil, err
		}
		w := PrivateWords{Entry: e.ID, Title: words["title"], Text: words["text"], Fields: map[string]string{}}
		for name, text := range words {
			if name, ok := strings.CutPrefix(name, field); ok {
				w.Fields[name] = text
			}
		}
		out = append(out, w)
	}
	return out, nil
}
