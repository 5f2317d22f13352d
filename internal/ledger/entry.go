package ledger

import (
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// MaxRecord is the size of the largest record in bytes. An entry names what was decided; documents belong elsewhere, and
// their hash here.
const MaxRecord = 64 << 10

const (
	saltSize = 32
	leafSize = sha256.Size

	// timeFormat keeps the microseconds that SQL keeps, always six of them, so that a time has one spelling.
	timeFormat = "2006-01-02T15:04:05.000000Z"
)

// Entry is one decision. Action is "room.verb" in the words of access; Actor and ActorID are who took it; Subject and
// SubjectID are what it was about ("case", 7). Detail holds the grounds, in values that JSON has: numbers are doubles,
// so an integer beyond 2^53 goes in as text.
type Entry struct {
	Action    string
	Actor     string
	ActorID   int64
	Subject   string
	SubjectID int64
	At        time.Time
	Detail    map[string]any
}

// Append writes e to the ledger in the transaction of the deed that it records.
func Append(tx *db.Tx, e Entry) error {
	rec, err := e.record()
	if err != nil {
		return err
	}
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails: the runtime ends the program instead
	leaf := leafOf(salt, rec)
	_, err = tx.Exec(`insert into ledger_leaves (appended_at, subject, subject_id, leaf, salt, record)
		values ($1, $2, $3, $4, $5, $6)`,
		db.Micros(e.At), e.Subject, e.SubjectID, leaf[:], salt, string(rec))
	if err != nil {
		return fmt.Errorf("append %s to the ledger: %w", e.Action, err)
	}
	return nil
}

// record is the canonical form of e that the leaf commits to.
func (e Entry) record() ([]byte, error) {
	switch {
	case e.Action == "":
		return nil, errors.New("ledger entry without an action")
	case e.Actor == "":
		return nil, fmt.Errorf("ledger entry %s without an actor", e.Action)
	case e.At.IsZero():
		return nil, fmt.Errorf("ledger entry %s without a time", e.Action)
	}
	r := record{
		Action: e.Action, Actor: e.Actor, ActorID: e.ActorID,
		At: e.At.UTC().Format(timeFormat), Detail: e.Detail,
		Subject: e.Subject, SubjectID: e.SubjectID,
	}
	if r.Detail == nil {
		r.Detail = map[string]any{}
	}
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("ledger entry %s: %w", e.Action, err)
	}
	if b, err = canonical(b); err != nil {
		return nil, fmt.Errorf("ledger entry %s: %w", e.Action, err)
	}
	if len(b) > MaxRecord {
		return nil, fmt.Errorf("ledger entry %s has %d bytes, more than %d", e.Action, len(b), MaxRecord)
	}
	return b, nil
}

type record struct {
	Action    string         `json:"action"`
	Actor     string         `json:"actor"`
	ActorID   int64          `json:"actor_id"`
	At        string         `json:"at"`
	Detail    map[string]any `json:"detail"`
	Subject   string         `json:"subject"`
	SubjectID int64          `json:"subject_id"`
}

// canonical brings JSON into the form of RFC 8785.
func canonical(b []byte) ([]byte, error) {
	v := jsontext.Value(b)
	if err := v.Canonicalize(); err != nil {
		return nil, err
	}
	return v, nil
}

// leafOf is what the tree is built over: SHA-256(salt ‖ record).
func leafOf(salt, record []byte) [leafSize]byte {
	h := sha256.New()
	h.Write(salt)
	h.Write(record)
	return [leafSize]byte(h.Sum(nil))
}

// hashOf is the leaf's hash in the tree, as in RFC 6962.
func hashOf(leaf []byte) tlog.Hash { return tlog.RecordHash(leaf) }

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the ledger's tables.
func Migrations() db.Migrations {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	return db.Migrations{Room: "ledger", Files: sub}
}
