package respond

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/access/vault"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// privately is a room with disputes, real access and a real vault.
func privately(t *testing.T, d *db.DB) (*world, *vault.Service) {
	t.Helper()
	w := newWorld(t, d, made(t, "dispute"), kind(t, "gas", "gas-leak"))
	policy, err := access.NewPolicy(nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.New(context.Background(), vault.Deps{DB: d, Clock: w.clock, Access: policy, KeyFile: filepath.Join(t.TempDir(), "vault.key")})
	if err != nil {
		t.Fatal(err)
	}
	w.Access, w.Vault = policy, v
	return w, v
}

// dump is everything that stands in the database, but for what belongs to the engine itself.
func (w *world) dump() string {
	w.t.Helper()
	var out strings.Builder
	err := w.DB.Read(context.Background(), func(tx *db.Tx) error {
		for _, table := range []string{
			"cases", "case_definitions", "case_timeline", "case_evidence", "evidence_blobs", "case_tasks", "case_limits", "case_asks", "case_links",
			"respond_requests", "outbox", "timers", "ledger_leaves", "vault_items",
		} {
			err := tx.Each(func(rows *sql.Rows) error {
				columns, err := rows.Columns()
				if err != nil {
					return err
				}
				values, into := make([]any, len(columns)), make([]any, len(columns))
				for i := range values {
					into[i] = &values[i]
				}
				if err := rows.Scan(into...); err != nil {
					return err
				}
				for i, v := range values {
					fmt.Fprintf(&out, "%s.%s %s\n", table, columns[i], v)
				}
				return nil
			}, "select * from "+table)
			if err != nil {
				return fmt.Errorf("%s: %w", table, err)
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.String()
}

// Nothing that somebody writes in a private case stands anywhere but in the vault, in whatever form; its parties can read it,
// and after the end it is gone.
func TestPrivateCase(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w, v := privately(t, d)
		police, justice, stranger := of(7, 1, "duty-officer"), of(8, 2, "duty-officer"), of(9, 3, "duty-officer")
		mayor := of(0, 4, "duty-officer", "administrator", "analyst")
		words := []string{}
		say := func(s string) string { words = append(words, s); return s }
		at := func(who access.Actor, fn func(ctx context.Context, key string) (Receipt, error)) Receipt {
			t.Helper()
			w.clock.Advance(time.Second)
			r, err := fn(as(who), fmt.Sprintf("key %d", len(words)))
			if err != nil {
				t.Fatalf("%+v", err)
			}
			return r
		}

		id := at(police, func(ctx context.Context, key string) (Receipt, error) {
			return w.OpenByHand(ctx, NewCase{Kind: "dispute", Title: say("noise upstairs of the Lindens"), Text: say("every night since May"), Area: 30, Place: 3,
				Level: "red", Post: say("desk of old Ma"), Fields: map[string]any{"matter": say("the month of May")}}, key)
		}).Case
		task := at(police, func(ctx context.Context, key string) (Receipt, error) {
			return w.OpenTask(ctx, id, TaskRequest{Title: say("visit the family on the third floor"), Assignee: say("old Ma")}, key)
		}).Item
		at(police, func(ctx context.Context, key string) (Receipt, error) {
			return w.Note(ctx, id, say("both sides wish to talk"), key)
		})
		at(police, func(ctx context.Context, key string) (Receipt, error) {
			return w.FinishTask(ctx, id, task, say("they were at home"), key)
		})
		at(police, func(ctx context.Context, key string) (Receipt, error) {
			return w.Move(ctx, id, MoveRequest{Move: "accept", Fields: map[string]any{"matter": say("a piano at night"), "sort": "noise"}, Note: say("urgent, says she")}, key)
		})
		if _, err := w.OpenTask(as(police), id, TaskRequest{Title: "x", Organisation: 8}, ""); code(err) != "case.not_a_party" {
			t.Errorf("a task for one who takes no part: %v", err)
		}
		if _, err := w.Case(as(justice), id); err == nil {
			t.Error("an office reads a case before it was invited")
		}
		at(police, func(ctx context.Context, key string) (Receipt, error) {
			return w.InviteByHand(ctx, id, PartyRequest{Organisation: 8, Role: "invited"}, key)
		})
		until := w.page7(police, id).DueAt.Add(day)
		ask := at(justice, func(ctx context.Context, key string) (Receipt, error) {
			return w.Move(ctx, id, MoveRequest{Move: "extend", Fields: map[string]any{"until": until.Format(time.RFC3339Nano), "why": say("the uncle is abroad")}, Note: say("asked on the stairs")}, key)
		}).Item
		at(police, func(ctx context.Context, key string) (Receipt, error) {
			return w.DecideAsk(ctx, id, ask, Decision{Granted: true, Reason: say("until he is back")}, key)
		})
		if got := w.page7(police, id).DueAt; !got.Equal(until.Truncate(time.Second)) {
			t.Errorf("due %v, want %v", got, until)
		}
		pdf := []byte("%PDF-1.7 " + say("agreement between the Lindens and the Maples"))
		sum := sha256.Sum256(pdf)
		evidence := at(justice, func(ctx context.Context, key string) (Receipt, error) {
			return w.Attach(ctx, id, EvidenceRequest{Kind: "form", Text: say("signed in the kitchen"), File: pdf}, key)
		}).Item
		at(justice, func(ctx context.Context, key string) (Receipt, error) {
			return w.Attach(ctx, id, EvidenceRequest{Kind: "note", Text: say("the piano moves downstairs")}, key)
		})
		w.clock.Advance(40 * day)
		w.settle()
		if n := w.overdues(id); n != 1 {
			t.Errorf("%d limits passed, want that of the talks", n)
		}

		// Nowhere a word, nor a digest that somebody could guess at.
		everything := w.dump()
		look := func(what string) {
			t.Helper()
			everything := w.dump()
			for _, s := range append(words, hex.EncodeToString(sum[:])) {
				if i := strings.Index(everything, s); i >= 0 {
					t.Errorf("%s: %q stands at %q", what, s, everything[max(0, i-60):min(len(everything), i+60)])
				}
			}
			for _, s := range words {
				b, err := json.Marshal(map[string]any{"fields": nil, "note": s})
				if err != nil {
					t.Fatal(err)
				}
				request, err := json.Marshal([]any{"note", id, s})
				if err != nil {
					t.Fatal(err)
				}
				for _, guess := range [][]byte{[]byte(s), b, request} {
					if sum := sha256.Sum256(guess); strings.Contains(everything, hex.EncodeToString(sum[:])) {
						t.Errorf("%s: a digest of %q stands in the database", what, s)
					}
				}
			}
		}
		look("while it is open")
		if strings.Contains(everything, "answers_sha256") {
			t.Error("the ledger binds words of a private case by a digest")
		}
		if n := w.count("select count(*) from outbox"); n != 0 {
			t.Errorf("%d events tell of a private case", n)
		}
		if c := w.page7(police, id); c.Place != nil || c.Point != nil || c.Level != "" || c.Asset != nil || c.Title.(lifecycle.Text).En != "Mediation" {
			t.Errorf("%+v", c.CaseView)
		}

		// Its parties read it, and the ledger says so; nobody else does, the city and its administrator included.
		for _, who := range []access.Actor{police, justice} {
			opened := w.count("select count(*) from ledger_leaves where json_text(record, 'action') = 'vault.open'")
			got, err := w.Words(as(who), id)
			if err != nil {
				t.Fatal(err)
			}
			b, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range words {
				if s != "desk of old Ma" && s != "old Ma" && !strings.HasPrefix(s, "agreement") && !bytes.Contains(b, []byte(s)) {
					t.Errorf("%q is lost: %s", s, b)
				}
			}
			media, body, err := w.File(as(who), id, evidence)
			if err != nil || media != "application/pdf" || !bytes.Equal(body, pdf) {
				t.Errorf("%s %q %v", media, body, err)
			}
			if n := w.count("select count(*) from ledger_leaves where json_text(record, 'action') = 'vault.open'"); n != opened+len(got)+1 {
				t.Errorf("%d openings noted, want %d", n-opened, len(got)+1)
			}
			look("after it was read")
		}
		for _, who := range []access.Actor{stranger, mayor, of(8, 5, "analyst"), access.System("respond"), {}} {
			if who.Organisation != 8 && who.Kind != access.KindSystem { // the program knows of the case, not what is in it
				if _, err := w.Lines(as(who), id, 0, 0); err == nil || who.Kind == access.KindAccount && code(err) != "case.not_found" {
					t.Errorf("%v reads the timeline: %v", who, err)
				}
				if _, err := w.Case(as(who), id); err == nil || who.Kind == access.KindAccount && code(err) != "case.not_found" {
					t.Errorf("%v reads the page, or learns that there is one: %v", who, err)
				}
				if _, err := w.Note(as(who), id, "x", ""); err == nil || who.Kind == access.KindAccount && code(err) != "case.not_found" {
					t.Errorf("%v notes something, or learns that there is a case: %v", who, err)
				}
			}
			if _, err := w.Words(as(who), id); err == nil {
				t.Errorf("%v reads the words", who)
			}
			if _, _, err := w.File(as(who), id, evidence); err == nil {
				t.Errorf("%v reads the file", who)
			}
			if who.Kind != access.KindAccount || who.Organisation == 8 {
				continue
			}
			found, _, err := w.Cases(as(who), Filter{Limit: 10})
			if err != nil || len(found) != 0 {
				t.Errorf("%v sees %v (%v)", who, found, err)
			}
		}

		// A repeat is still known for one.
		at(police, func(ctx context.Context, _ string) (Receipt, error) { return w.Note(ctx, id, say("goodbye"), "again") })
		n := w.count("select count(*) from case_timeline")
		at(police, func(ctx context.Context, _ string) (Receipt, error) { return w.Note(ctx, id, "goodbye", "again") })
		if got := w.count("select count(*) from case_timeline"); got != n {
			t.Error("the repeat was carried out again")
		}

		at(police, func(ctx context.Context, key string) (Receipt, error) {
			return w.Move(ctx, id, MoveRequest{Move: "settle", Fields: map[string]any{"terms": say("no piano after nine")}}, key)
		})
		at(police, func(ctx context.Context, key string) (Receipt, error) {
			return w.Note(ctx, id, say("they greet each other again"), key)
		})
		look("after the end")
		telling := []string{"dispute", "settle", "organisation", "invited", w.page7(police, id).Definition}
		err := w.DB.Read(context.Background(), func(tx *db.Tx) error {
			return tx.Each(func(rows *sql.Rows) error {
				var record string
				if err := rows.Scan(&record); err != nil {
					return err
				}
				for _, s := range telling {
					if strings.Contains(record, s) {
						t.Errorf("the ledger tells of %q: %s", s, record)
					}
				}
				return nil
			}, `select record from ledger_leaves where json_text(record, 'action') like 'case.%' order by id nulls last`)
		})
		if err != nil {
			t.Error(err)
		}
		if n := w.count("select count(*) from vault_items where erase_at is null"); n != 0 {
			t.Errorf("%d things in the vault are kept for ever", n)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		w.clock.Advance(vault.DefaultKeep + time.Hour)
		go func() { done <- v.Run(ctx) }()
		patience := time.After(time.Minute)
		for w.count("select count(*) from vault_items") > 0 {
			select {
			case <-patience:
				t.Fatal("not erased after a minute")
			default:
				runtime.Gosched()
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got, err := w.Words(as(police), id); err != nil || len(got) != 0 {
			t.Errorf("after the erasure: %v %v", got, err)
		}
		if _, _, err := w.File(as(police), id, evidence); err == nil {
			t.Error("the file outlived its key")
		}
	})
}

// page7 is a page as somebody in particular sees it.
func (w *world) page7(who access.Actor, id int64) *CasePage {
	w.t.Helper()
	c, err := w.Case(as(who), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// Of private cases only the number per town is told, from ten on.
func TestTotals(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w, _ := privately(t, d)
		w.Town = func(area int64) int64 { return area / 10 }
		w.city.asTold = true
		police := of(7, 1, "duty-officer")
		areas := []int64{}
		for i := range int64(10) {
			areas = append(areas, 31, 40+i%2, 50)
		}
		areas = areas[:len(areas)-1] // town 5 has nine
		for _, area := range append(areas, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) {
			if _, err := w.OpenByHand(as(police), NewCase{Kind: "dispute", Title: "x", Area: area}, ""); err != nil {
				t.Fatal(err)
			}
		}
		got, err := w.Totals(as(of(9, 9, "analyst")), "dispute")
		if err != nil || len(got) != 2 || got[0].Area != 3 || got[0].Cases != 10 || got[1].Area != 4 || got[1].Cases != 10 || got[1].AreaName.En != "area 4" {
			t.Errorf("%+v %v", got, err)
		}
		for _, kind := range []string{"gas-leak", "", "x"} {
			if _, err := w.Totals(as(police), kind); code(err) != "case.kind" {
				t.Errorf("totals of %q: %v", kind, err)
			}
		}
		if _, err := w.Totals(context.Background(), "dispute"); err == nil {
			t.Error("the public counts")
		}
	})
}
