package ledger

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// What Verify reads may come from anyone. A line that is taken is the one spelling of what it says.
func FuzzLine(f *testing.F) {
	for _, l := range []Leaf{
		{Index: 0, Leaf: make([]byte, leafSize), Salt: make([]byte, saltSize), Record: []byte(`{"action":"case.move"}`)},
		{Index: 12, Leaf: make([]byte, leafSize)},
	} {
		line, err := l.line()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(bytes.TrimSuffix(line, []byte("\n")))
	}
	f.Add([]byte(`{"index":0,"leaf":"","salt":null,"record":null}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		l, err := parseLine(line)
		if err != nil {
			return
		}
		again, err := l.line()
		if err != nil || !bytes.Equal(again, append(bytes.Clone(line), '\n')) {
			t.Errorf("%q is written %q, %v", line, again, err)
		}
	})
}

// A checkpoint or proof that is taken is, byte for byte, one that the key signed: the fuzzer has no key.
func FuzzCheckpointAndProof(f *testing.F) {
	d := dbtest.SQLite(f, Migrations())
	s := open(f, d, clock.NewVirtual(start), filepath.Join(f.TempDir(), "ledger.key"))
	fill(f, d, s, 0, 5)
	v, err := ParseKey(s.VerifierKey())
	if err != nil {
		f.Fatal(err)
	}
	msg, err := s.Checkpoint(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	proof, err := s.Proof(f.Context(), 3)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(msg)
	f.Add(proof)
	f.Add(proofHeader + "\nindex -1\n\n" + msg)
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := openCheckpoint([]byte(text), v); err == nil && !strings.HasPrefix(text, c.text()) {
			t.Errorf("taken as %+v: %q", c, text)
		}
		if _, err := CheckProof(text, s.VerifierKey(), nil, nil); err == nil {
			t.Errorf("proves an entry that is not there: %q", text)
		}
	})
}
