package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
)

var start = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// each runs fn with a fresh ledger on both engines.
func each(t *testing.T, fn func(t *testing.T, d *db.DB, s *Service, c *clock.Virtual)) {
	dbtest.Each(t, []db.Migrations{Migrations()}, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(start)
		fn(t, d, open(t, d, c, filepath.Join(t.TempDir(), "ledger.key")), c)
	})
}

func open(t testing.TB, d *db.DB, c clock.Clock, keyFile string) *Service {
	t.Helper()
	s, err := New(t.Context(), Deps{
		DB: d, Clock: c, KeyFile: keyFile, Origin: "city.example/ledger",
		MayRead: func(context.Context) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func entry(i int) Entry {
	return Entry{
		Action: "case.move", Actor: "duty officer", ActorID: 3, Subject: "case", SubjectID: int64(i%5 + 1),
		At: start.Add(time.Duration(i) * time.Second), Detail: map[string]any{"move": "close", "note": fmt.Sprintf("第%d次 <ok>", i)},
	}
}

func appendAll(t testing.TB, d *db.DB, from, to int) {
	t.Helper()
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		for i := from; i < to; i++ {
			if err := Append(tx, entry(i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func fill(t testing.TB, d *db.DB, s *Service, from, to int) {
	t.Helper()
	appendAll(t, d, from, to)
	if err := s.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func execute(t testing.TB, d *db.DB, query string, args ...any) {
	t.Helper()
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(query, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func mustVerify(t testing.TB, d *db.DB, s *Service, earlier ...[]byte) Report {
	t.Helper()
	r, err := VerifyStore(t.Context(), d, s.VerifierKey(), earlier...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRecordIsCanonical(t *testing.T) {
	e := Entry{
		Action: "warning.approve", Actor: "值班员", ActorID: 12, Subject: "warning", SubjectID: 9, At: start.In(time.FixedZone("", 8*3600)),
		Detail: map[string]any{"z": 1.50, "a": []any{true, nil, "<&>\u2028"}, "n": 12},
	}
	got, err := e.record()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"action":"warning.approve","actor":"值班员","actor_id":12,"at":"2026-11-23T08:00:00.000000Z",` +
		`"detail":{"a":[true,null,"<&>` + "\u2028" + `"],"n":12,"z":1.5},"subject":"warning","subject_id":9}`
	if string(got) != want {
		t.Errorf("record\n got %s\nwant %s", got, want)
	}
}

func TestEntriesThatSayTooLittleOrTooMuchAreRefused(t *testing.T) {
	for name, e := range map[string]Entry{
		"no action":  {Actor: "a", At: start},
		"no actor":   {Action: "a.b", At: start},
		"no time":    {Action: "a.b", Actor: "a"},
		"too large":  {Action: "a.b", Actor: "a", At: start, Detail: map[string]any{"x": strings.Repeat("x", MaxRecord)}},
		"no JSON":    {Action: "a.b", Actor: "a", At: start, Detail: map[string]any{"x": func() {}}},
		"not finite": {Action: "a.b", Actor: "a", At: start, Detail: map[string]any{"x": 1 / zero}},
	} {
		if _, err := e.record(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

var zero float64

// A second implementation of RFC 6962 §2.1, straight from its recursive definition.
func rfc6962(leaves [][]byte) tlog.Hash {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	default:
		k := 1
		for k*2 < n {
			k *= 2
		}
		l, r := rfc6962(leaves[:k]), rfc6962(leaves[k:])
		return sha256.Sum256(append(append([]byte{1}, l[:]...), r[:]...))
	}
}

func TestGrowingTreeAgreesWithRFC6962AndTlog(t *testing.T) {
	var g growing
	var leaves [][]byte
	stored := []tlog.Hash{}
	reader := tlog.HashReaderFunc(func(is []int64) ([]tlog.Hash, error) {
		hs := make([]tlog.Hash, len(is))
		for i, pos := range is {
			hs[i] = stored[pos]
		}
		return hs, nil
	})
	for i := range 300 {
		if got, want := g.root(), rfc6962(leaves); got != want {
			t.Fatalf("size %d: root %s, RFC 6962 says %s", i, got, want)
		}
		leaf := []byte{byte(i), byte(i >> 8)}
		leaves = append(leaves, leaf)
		want, err := tlog.StoredHashes(int64(i), leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, want...)
		nodes := g.add(hashOf(leaf))
		if len(nodes) != len(want)-1 {
			t.Fatalf("leaf %d completes %d nodes, tlog says %d", i, len(nodes), len(want)-1)
		}
		for _, n := range nodes {
			if stored[n.pos()] != n.hash {
				t.Fatalf("leaf %d: node at level %d differs from tlog's", i, n.level)
			}
		}
	}
}

func TestTilesAgreeWithTlog(t *testing.T) {
	const size = 70_000 // the example of C2SP tlog-tiles: three levels, partial on each
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(is []int64) ([]tlog.Hash, error) {
		hs := make([]tlog.Hash, len(is))
		for i, pos := range is {
			hs[i] = stored[pos]
		}
		return hs, nil
	})
	got := map[string][]byte{}
	ts := newTiles(func(name string, data []byte) error {
		got[name] = bytes.Clone(data)
		return nil
	})
	for i := range size {
		leaf := sha256.Sum256([]byte{byte(i), byte(i >> 8), byte(i >> 16)})
		hs, err := tlog.StoredHashes(int64(i), leaf[:], reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hs...)
		if err := ts.add(leaf[:]); err != nil {
			t.Fatal(err)
		}
	}
	if err := ts.flush(); err != nil {
		t.Fatal(err)
	}
	entries := 0
	for name := range got {
		if strings.HasPrefix(name, "tile/entries/") {
			entries++
		}
	}
	tiles := tlog.NewTiles(8, 0, size)
	if len(tiles) != len(got)-entries || entries != 274 {
		t.Errorf("%d tiles and %d bundles of entries, want %d and 274", len(got)-entries, entries, len(tiles))
	}
	for _, tile := range tiles {
		want, err := tlog.ReadTileData(tile, reader)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got[tilePath(tile)], want) {
			t.Errorf("tile %s differs from tlog's", tilePath(tile))
		}
	}
	for _, name := range []string{"tile/0/000", "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1", "tile/entries/273.p/112"} {
		if got[name] == nil {
			t.Errorf("tile %s, named in the specification, is missing", name)
		}
	}
}

func TestAnEntryCommitsWithItsDeedOrNotAtAll(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *Service, _ *clock.Virtual) {
		refused := errors.New("the deed was refused")
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			if err := Append(tx, entry(0)); err != nil {
				return err
			}
			return refused
		})
		if !errors.Is(err, refused) {
			t.Fatal(err)
		}
		fill(t, d, s, 1, 4)
		if r := mustVerify(t, d, s); r.Size != 3 {
			t.Errorf("%d entries, want the 3 whose deeds were done", r.Size)
		}
	})
}

func TestSequencedTreeIsTheTreeOfTheLeaves(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *Service, _ *clock.Virtual) {
		if r := mustVerify(t, d, s); r.Size != 0 {
			t.Errorf("a new ledger has %d entries", r.Size)
		}
		n := 0
		for _, batch := range []int{1, 1, 2, 3, 7, 64, 1, sequenceBatch + 30} {
			fill(t, d, s, n, n+batch)
			n += batch
			var leaves [][]byte
			err := d.Read(t.Context(), func(tx *db.Tx) error {
				ls, err := leavesBetween(tx, 0, int64(n))
				for i, l := range ls {
					leaves = append(leaves, l.Leaf.Leaf)
					if i > 0 && ls[i-1].ID > l.ID {
						t.Errorf("index %d has id %d after id %d", i, l.ID, ls[i-1].ID)
					}
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			r := mustVerify(t, d, s)
			if r.Size != int64(n) || r.Root != rfc6962(leaves) {
				t.Errorf("after %d entries: size %d, root %s, want %s", n, r.Size, r.Root, rfc6962(leaves))
			}
		}
	})
}

func TestManyWritersAllGetTheirPlace(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *Service, _ *clock.Virtual) {
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				for i := range 25 {
					if err := d.Write(context.Background(), func(tx *db.Tx) error { return Append(tx, entry(w*25+i)) }); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range 2 { // sequencers in each other's way must not make two trees
			wg.Go(func() {
				for range 20 {
					if err := s.Sequence(context.Background()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if err := s.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r := mustVerify(t, d, s); r.Size != 200 || r.Waiting != 0 {
			t.Errorf("%d sequenced, %d waiting, want 200 and 0", r.Size, r.Waiting)
		}
	})
}

// On PostgreSQL a transaction of another connection can take a lower id and commit later. It must be given the next index,
// not be passed over.
func TestALateCommitIsNotPassedOver(t *testing.T) {
	url := dbtest.PostgresURL(t)
	d, err := db.Open(t.Context(), db.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(t.Context(), Migrations()); err != nil {
		t.Fatal(err)
	}
	s := open(t, d, clock.NewVirtual(start), filepath.Join(t.TempDir(), "ledger.key"))

	other, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	late, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	e := entry(0)
	rec, err := e.record()
	if err != nil {
		t.Fatal(err)
	}
	salt := bytes.Repeat([]byte{7}, saltSize)
	leaf := leafOf(salt, rec)
	if _, err := late.Exec(`insert into ledger_leaves (appended_at, subject, subject_id, leaf, salt, record) values ($1, $2, $3, $4, $5, $6)`,
		db.Micros(e.At), e.Subject, e.SubjectID, leaf[:], salt, string(rec)); err != nil {
		t.Fatal(err)
	}
	fill(t, d, s, 1, 3) // ids above the one still open
	if r := mustVerify(t, d, s); r.Size != 2 {
		t.Fatalf("%d entries sequenced beside an open transaction, want 2", r.Size)
	}
	if err := late.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := s.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := mustVerify(t, d, s); r.Size != 3 {
		t.Errorf("%d entries, want 3: the late one was passed over", r.Size)
	}
	var idx int64
	if err := d.Read(t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow(`select idx from ledger_leaves order by id nulls first limit 1`).Scan(&idx)
	}); err != nil {
		t.Fatal(err)
	}
	if idx != 2 {
		t.Errorf("the lowest id committed last and has index %d, want 2", idx)
	}
}

func TestRunSequencesWithinASecondAndHealthSpeaksUpAfterTen(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *Service, c *clock.Virtual) {
		appendAll(t, d, 0, 1) // at the start of the clock
		if err := s.Health(t.Context()); err != nil {
			t.Errorf("a fresh entry is no alarm: %v", err)
		}
		c.Advance(MaxWait + time.Second)
		if err := s.Health(t.Context()); err == nil {
			t.Error("an entry without a place after 10 s must be an alarm")
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		c.AwaitSleepers(1)
		c.Advance(time.Second)
		c.AwaitSleepers(1)
		if err := s.Health(t.Context()); err != nil {
			t.Error(err)
		}
		if r := mustVerify(t, d, s); r.Size != 1 {
			t.Errorf("%d entries sequenced, want 1", r.Size)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestProofs(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *Service, _ *clock.Virtual) {
		v, err := ParseKey(s.VerifierKey())
		if err != nil {
			t.Fatal(err)
		}
		fill(t, d, s, 0, 11)
		note1, err := s.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		old, err := openCheckpoint([]byte(note1), v)
		if err != nil {
			t.Fatal(err)
		}
		fill(t, d, s, 11, 40)

		text, err := s.Consistency(t.Context(), old.size)
		if err != nil {
			t.Fatal(err)
		}
		front, msg, _ := strings.Cut(text, "\n\n")
		var proof tlog.TreeProof
		for _, l := range strings.Split(front, "\n") {
			h, err := tlog.ParseHash(l)
			if err != nil {
				t.Fatal(err)
			}
			proof = append(proof, h)
		}
		now, err := openCheckpoint([]byte(msg), v)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckTree(proof, now.size, now.root, old.size, old.root); err != nil {
			t.Errorf("the proof that %d extends %d: %v", now.size, old.size, err)
		}
		other := old.root
		other[0] ^= 1
		if tlog.CheckTree(proof, now.size, now.root, old.size, other) == nil {
			t.Error("the proof also holds for another earlier tree")
		}

		var leaves []stored
		if err := d.Read(t.Context(), func(tx *db.Tx) (err error) {
			leaves, err = leavesBetween(tx, 0, 40)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for _, l := range leaves {
			text, err := s.Proof(t.Context(), l.Index)
			if err != nil {
				t.Fatal(err)
			}
			if i, err := CheckProof(text, s.VerifierKey(), l.Salt, l.Record); err != nil || i != l.Index {
				t.Errorf("entry %d: %d, %v", l.Index, i, err)
			}
			if _, err := CheckProof(text, s.VerifierKey(), l.Salt, bytes.Replace(l.Record, []byte("close"), []byte("reopn"), 1)); err == nil {
				t.Errorf("entry %d: the proof also holds for another record", l.Index)
			}
		}
		for _, n := range []int64{-1, 40} {
			if _, err := s.Proof(t.Context(), n); err == nil {
				t.Errorf("a proof for entry %d, which is not there", n)
			}
		}
	})
}

func TestErasureKeepsProofsAndIsNeverSilent(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *Service, _ *clock.Virtual) {
		fill(t, d, s, 0, 9)
		before := mustVerify(t, d, s)
		note1, err := s.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var l stored
		if err := d.Read(t.Context(), func(tx *db.Tx) error {
			ls, err := leavesBetween(tx, 4, 5)
			l = ls[0]
			return err
		}); err != nil {
			t.Fatal(err)
		}
		proof, err := s.Proof(t.Context(), 4)
		if err != nil {
			t.Fatal(err)
		}
		erase := func() error {
			return d.Write(t.Context(), func(tx *db.Tx) error {
				return Erase(tx, l.ID, Entry{Action: "ledger.erase", Actor: "administrator", At: start, Detail: map[string]any{"reason": "court order"}})
			})
		}
		if err := erase(); err != nil {
			t.Fatal(err)
		}
		if err := erase(); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("erasing twice: %v", err)
		}
		if r := mustVerify(t, d, s, []byte(note1)); r.Root != before.Root || r.Erased != 1 || r.Waiting != 1 {
			t.Errorf("before the next checkpoint: %+v", r)
		}
		if err := s.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r := mustVerify(t, d, s, []byte(note1)); r.Size != 10 || r.Erased != 1 {
			t.Errorf("after it: %+v", r)
		}
		if _, err := CheckProof(proof, s.VerifierKey(), l.Salt, l.Record); err != nil {
			t.Errorf("a proof handed out before the erasure no longer holds: %v", err)
		}
		dir := t.TempDir()
		if err := Export(t.Context(), d, dir); err != nil {
			t.Fatal(err)
		}
		if r, err := Verify(dir, s.VerifierKey(), []byte(note1)); err != nil || r.Erased != 1 {
			t.Errorf("exported: %+v, %v", r, err)
		}
		if b, err := os.ReadFile(filepath.Join(dir, leavesFile)); err != nil || bytes.Contains(b, l.Record) {
			t.Errorf("the export still holds the erased record (%v)", err)
		}

		execute(t, d, `update ledger_leaves set salt = null, record = null, subject = '', subject_id = 0 where idx = 6`)
		wantBroken(t, d, s, 6, 6)
	})
}

func wantBroken(t *testing.T, d *db.DB, s *Service, from, to int64) {
	t.Helper()
	_, err := VerifyStore(t.Context(), d, s.VerifierKey())
	var b *BrokenError
	if !errors.As(err, &b) || b.From != from || b.To != to {
		t.Errorf("got %v, want entries %d to %d to be named", err, from, to)
	}
}

// Every way in which someone with write access to the database could change history.
func TestTamperingWithTheStoreIsFound(t *testing.T) {
	forge := func(d *db.DB, idx int64) error { // a record with a fitting salt and leaf
		return d.Write(context.Background(), func(tx *db.Tx) error {
			e := entry(99)
			e.SubjectID = 1
			rec, err := e.record()
			if err != nil {
				return err
			}
			salt := make([]byte, saltSize)
			leaf := leafOf(salt, rec)
			_, err = tx.Exec(`update ledger_leaves set salt = $1, record = $2, leaf = $3, appended_at = $4, subject_id = 1 where idx = $5`,
				salt, string(rec), leaf[:], db.Micros(e.At), idx)
			return err
		})
	}
	cases := []struct {
		name     string
		tamper   func(t *testing.T, d *db.DB)
		from, to int64
	}{
		{"record", func(t *testing.T, d *db.DB) {
			execute(t, d, `update ledger_leaves set record = replace(record, 'close', 'clone') where idx = 5`)
		}, 5, 5},
		{"salt", func(t *testing.T, d *db.DB) {
			execute(t, d, `update ledger_leaves set salt = (select leaf from ledger_leaves where idx = 1) where idx = 5`)
		}, 5, 5},
		{"leaf", func(t *testing.T, d *db.DB) {
			execute(t, d, `update ledger_leaves set leaf = (select leaf from ledger_leaves where idx = 1) where idx = 5`)
		}, 5, 5},
		{"subject", func(t *testing.T, d *db.DB) {
			execute(t, d, `update ledger_leaves set subject_id = 77 where idx = 5`)
		}, 5, 5},
		{"time", func(t *testing.T, d *db.DB) {
			execute(t, d, `update ledger_leaves set appended_at = appended_at + 1 where idx = 5`)
		}, 5, 5},
		{"deleted", func(t *testing.T, d *db.DB) {
			execute(t, d, `delete from ledger_leaves where idx = 5`)
		}, 5, 5},
		{"last deleted", func(t *testing.T, d *db.DB) {
			execute(t, d, `delete from ledger_leaves where idx = 11`)
		}, 11, 11},
		{"forged with a fitting leaf", func(t *testing.T, d *db.DB) {
			if err := forge(d, 5); err != nil {
				t.Fatal(err)
			}
		}, 4, 5},
		{"last forged, which completes no node", func(t *testing.T, d *db.DB) {
			if err := forge(d, 10); err != nil {
				t.Fatal(err)
			}
		}, 7, 10}, // the checkpoints stand at 7 and 11
		{"swapped", func(t *testing.T, d *db.DB) {
			execute(t, d, `update ledger_leaves set idx = -1 where idx = 2`)
			execute(t, d, `update ledger_leaves set idx = 2 where idx = 3`)
			execute(t, d, `update ledger_leaves set idx = 3 where idx = -1`)
		}, 2, 3},
		{"node", func(t *testing.T, d *db.DB) {
			execute(t, d, `update ledger_hashes set hash = (select leaf from ledger_leaves where idx = 1) where pos = $1`, tlog.StoredHashIndex(2, 1))
		}, 4, 7},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, d *db.DB, s *Service, clk *clock.Virtual) {
				size := 12
				if strings.HasPrefix(c.name, "last forged") {
					size = 11
				}
				fill(t, d, s, 0, 7)
				clk.Advance(time.Hour)
				fill(t, d, s, 7, size)
				mustVerify(t, d, s)
				c.tamper(t, d)
				wantBroken(t, d, s, c.from, c.to)
			})
		})
	}
}

func TestTamperingWithTheHeadIsFound(t *testing.T) {
	cases := map[string]string{
		"checkpoint":               `update ledger_checkpoints set note = replace(note, '12', '13')`,
		"size":                     `update ledger_tree set size = 11`,
		"an entry beyond the tree": `update ledger_leaves set idx = 20 where idx = 11`,
		"no checkpoint":            `delete from ledger_checkpoints`,
	}
	for name, query := range cases {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, d *db.DB, s *Service, _ *clock.Virtual) {
				fill(t, d, s, 0, 12)
				mustVerify(t, d, s)
				execute(t, d, query)
				if _, err := VerifyStore(t.Context(), d, s.VerifierKey()); err == nil {
					t.Error("not found")
				}
			})
		})
	}
}

// Whoever holds an earlier checkpoint sees that history was rewritten, even by someone who has the signing key.
func TestAnEarlierCheckpointExposesARewrittenHistory(t *testing.T) {
	keyFile := filepath.Join(t.TempDir(), "ledger.key")
	build := func(n int) (*db.DB, *Service) {
		d := dbtest.SQLite(t, Migrations())
		s := open(t, d, clock.NewVirtual(start), keyFile)
		fill(t, d, s, 0, n)
		return d, s
	}
	d, s := build(8)
	msg, err := s.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept := []byte(msg)
	fill(t, d, s, 8, 20)
	if r := mustVerify(t, d, s, kept); len(r.Extends) != 1 || r.Extends[0] != 8 {
		t.Errorf("extends %v, want [8]", r.Extends)
	}
	for name, size := range map[string]int{"grown": 20, "of the same size": 8, "cut off": 5} {
		rewritten, s := build(size)
		mustVerify(t, rewritten, s) // by itself it looks right
		if _, err := VerifyStore(t.Context(), rewritten, s.VerifierKey(), kept); err == nil {
			t.Errorf("%s: a rewritten history passes for the old one", name)
		}
		dir := t.TempDir()
		if err := Export(t.Context(), rewritten, dir); err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(dir, s.VerifierKey(), kept); err == nil {
			t.Errorf("%s: a rewritten history passes for the old one as files", name)
		}
	}
}

// Any one byte of any exported file, changed in any of two ways, must be noticed.
func TestEveryByteOfAnExportCounts(t *testing.T) {
	d := dbtest.SQLite(t, Migrations())
	c := clock.NewVirtual(start)
	s := open(t, d, c, filepath.Join(t.TempDir(), "ledger.key"))
	fill(t, d, s, 0, 3)
	c.Advance(time.Hour)
	fill(t, d, s, 3, 5)
	if err := d.Write(t.Context(), func(tx *db.Tx) error {
		return Erase(tx, 2, Entry{Action: "ledger.erase", Actor: "administrator", At: start})
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := Export(t.Context(), d, dir); err != nil {
		t.Fatal(err)
	}
	if r, err := Verify(dir, s.VerifierKey()); err != nil || r.Size != 6 || r.Erased != 1 || len(r.Extends) != 1 {
		t.Fatalf("untouched: %+v, %v", r, err)
	}
	files, flips := 0, 0
	err := filepath.WalkDir(dir, func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		whole, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		try := func(what string, b []byte) {
			if err := os.WriteFile(file, b, 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := Verify(dir, s.VerifierKey()); err == nil {
				t.Errorf("%s of %s goes unnoticed", what, filepath.Base(file))
			}
			flips++
		}
		for i := range whole {
			for _, mask := range []byte{0x01, 0x20} {
				b := bytes.Clone(whole)
				b[i] ^= mask
				try(fmt.Sprintf("byte %d (%q to %q)", i, whole[i], b[i]), b)
			}
		}
		try("the missing last byte", whole[:len(whole)-1])
		try("a byte more", append(bytes.Clone(whole), whole[len(whole)-1]))
		if err := os.Remove(file); err != nil {
			return err
		}
		if _, err := Verify(dir, s.VerifierKey()); err == nil {
			t.Errorf("%s is missing and nobody notices", filepath.Base(file))
		}
		return os.WriteFile(file, whole, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(dir, s.VerifierKey()); err != nil {
		t.Errorf("put back: %v", err)
	}
	t.Logf("%d changes in %d files", flips, files)
	if files != 5 || flips < 1000 {
		t.Errorf("%d files, %d changes: the test does not reach what it is for", files, flips)
	}
}

// The program that docs/ledger.md prints, in another language and without Anlan, checks an export, and fails on a changed one.
func TestTheProgramInTheDocsVerifies(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 installed to run the program in docs/ledger.md")
	}
	doc, err := os.ReadFile("../../docs/ledger.md")
	if err != nil {
		t.Fatal(err)
	}
	_, program, ok := strings.Cut(string(doc), "```python\n")
	program, _, ok2 := strings.Cut(program, "```")
	if !ok || !ok2 {
		t.Fatal("docs/ledger.md no longer prints a program")
	}
	d := dbtest.SQLite(t, Migrations())
	s := open(t, d, clock.NewVirtual(start), filepath.Join(t.TempDir(), "ledger.key"))
	fill(t, d, s, 0, 20)
	err = d.Write(t.Context(), func(tx *db.Tx) error {
		return Erase(tx, 3, Entry{Action: "ledger.erase", Actor: "administrator", At: start})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := Export(t.Context(), d, dir); err != nil {
		t.Fatal(err)
	}
	run := func() ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), python, "-c", program)
		cmd.Dir = dir
		return cmd.CombinedOutput()
	}
	if out, err := run(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file := filepath.Join(dir, leavesFile)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.Replace(b, []byte("close"), []byte("clone"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := run(); err == nil {
		t.Error("it does not see a changed record")
	}
}

func TestVerifyNamesTheFirstWrongLeafAndTheWrongKey(t *testing.T) {
	d := dbtest.SQLite(t, Migrations())
	s := open(t, d, clock.NewVirtual(start), filepath.Join(t.TempDir(), "ledger.key"))
	fill(t, d, s, 0, 30)
	dir := t.TempDir()
	if err := Export(t.Context(), d, dir); err != nil {
		t.Fatal(err)
	}
	other := open(t, dbtest.SQLite(t, Migrations()), clock.NewVirtual(start), filepath.Join(t.TempDir(), "other.key"))
	if _, err := Verify(dir, other.VerifierKey()); !errors.Is(err, ErrNotSigned) {
		t.Errorf("another key: %v", err)
	}
	if _, err := Verify(dir, "nonsense"); err == nil {
		t.Error("a key that is none")
	}
	file := filepath.Join(dir, leavesFile)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(b, []byte("\n"))
	for _, i := range []int{17, 23} {
		lines[i] = bytes.Replace(lines[i], []byte("close"), []byte("clone"), 1)
	}
	if err := os.WriteFile(file, bytes.Join(lines, nil), 0o644); err != nil {
		t.Fatal(err)
	}
	var broken *BrokenError
	if _, err := Verify(dir, s.VerifierKey()); !errors.As(err, &broken) || broken.From != 17 || broken.To != 17 {
		t.Errorf("got %v, want entry 17", err)
	}
}

// The last letter of a signature has bits that decode to nothing. They must not be a place where a byte can change.
func TestASignatureHasOneSpelling(t *testing.T) {
	d := dbtest.SQLite(t, Migrations())
	s := open(t, d, clock.NewVirtual(start), filepath.Join(t.TempDir(), "ledger.key"))
	v, err := ParseKey(s.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	msg, err := s.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openCheckpoint([]byte(msg), v); err != nil {
		t.Fatal(err)
	}
	end := strings.LastIndexByte(msg, '=')
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		other := msg[:end-1] + string(c) + msg[end:]
		if _, err := openCheckpoint([]byte(other), v); (err == nil) != (other == msg) {
			t.Errorf("last letter %c instead of %c: %v", c, msg[end-1], err)
		}
	}
}

func TestTheKeyIsPrivateAndBelongsToTheLedger(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *Service, c *clock.Virtual) {
		dir := t.TempDir()
		file := filepath.Join(dir, "second.key")
		if _, err := New(t.Context(), Deps{DB: d, Clock: c, KeyFile: file}); err == nil {
			t.Error("a ledger whose key file is missing was opened with a new key")
		}
		if _, err := os.Stat(file); err == nil {
			t.Error("and a key was made")
		}
		open(t, dbtest.SQLite(t, Migrations()), c, file)
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("key file has mode %o", info.Mode().Perm())
		}
		if _, err := New(t.Context(), Deps{DB: d, Clock: c, KeyFile: file}); err == nil || !strings.Contains(err.Error(), s.VerifierKey()) {
			t.Errorf("opened with another ledger's key: %v", err)
		}
	})
}

func TestHTTP(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, s *Service, _ *clock.Virtual) {
		fill(t, d, s, 0, 12)
		appendAll(t, d, 12, 13)
		r := web.NewRouter("test")
		s.Routes(r)
		h := r.Server().Handler
		get := func(path string, status int) string {
			t.Helper()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
			if w.Code != status {
				t.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
			}
			return w.Body.String()
		}
		var page struct {
			Items []struct {
				ID     int64
				Index  *int64
				Record json.RawMessage
				Salt   []byte
				Erased bool
			}
			Next int64
		}
		decode := func(body string) {
			t.Helper()
			page.Items, page.Next = nil, 0
			if err := json.Unmarshal([]byte(body), &page); err != nil {
				t.Fatal(err)
			}
		}
		decode(get("/api/v1/ledger?limit=5", 200))
		if len(page.Items) != 5 || page.Items[0].Index != nil || *page.Items[1].Index != 11 || page.Next == 0 {
			t.Errorf("first page %+v", page)
		}
		decode(get(fmt.Sprintf("/api/v1/ledger?limit=5&after=%d", page.Next), 200))
		if len(page.Items) != 5 || *page.Items[0].Index != 7 {
			t.Errorf("second page %+v", page)
		}
		decode(get("/api/v1/ledger?subject=case&subject_id=2", 200))
		if len(page.Items) != 3 {
			t.Errorf("%d entries about case 2, want 3", len(page.Items))
		}
		index := *page.Items[1].Index
		text := get(fmt.Sprintf("/ledger/proof/%d", index), 200)
		key := get("/ledger/key", 200)
		if i, err := CheckProof(text, key, page.Items[1].Salt, page.Items[1].Record); err != nil || i != index {
			t.Errorf("what the API answers does not verify: %v", err)
		}
		if !strings.HasPrefix(get("/ledger/checkpoint", 200), "city.example/ledger\n12\n") {
			t.Error("checkpoint")
		}
		get("/ledger/consistency/3", 200)
		get("/ledger/consistency/13", 404)
		get("/ledger/proof/12", 404)
		get("/ledger/proof/x", 400)

		s.mayRead = func(context.Context) error { return web.Errorf(http.StatusForbidden, "access.denied", "no") }
		get("/api/v1/ledger", 403)
		s.mayRead = nil
		get("/api/v1/ledger", 403)
	})
}

// BenchmarkAppend writes entries from many goroutines as rooms do: each in a write of its own, which share commits.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			d := dbtest.SQLite(b, Migrations())
			b.ReportAllocs()
			b.SetParallelism(max(writers/2, 1)) // times GOMAXPROCS
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if err := d.Write(context.Background(), func(tx *db.Tx) error { return Append(tx, entry(i)) }); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// BenchmarkSequence is the cost of giving entries their place.
func BenchmarkSequence(b *testing.B) {
	d := dbtest.SQLite(b, Migrations())
	s := open(b, d, clock.NewVirtual(start), filepath.Join(b.TempDir(), "ledger.key"))
	appendAll(b, d, 0, b.N)
	b.ResetTimer()
	if err := s.Sequence(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}
