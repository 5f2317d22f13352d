package vault

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
)

var (
	start  = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	tables = []db.Migrations{ledger.Migrations(), Migrations()}
	caller = map[string]string{"telephone": "0550-1234567", "name": "someone who reported"}
)

type room struct {
	t     *testing.T
	db    *db.DB
	clock *clock.Virtual
	file  string
	s     *Service
}

func each(t *testing.T, fn func(t *testing.T, r *room)) {
	policy, err := access.NewPolicy(nil)
	if err != nil {
		t.Fatal(err)
	}
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		r := &room{t: t, db: d, clock: clock.NewVirtual(start), file: filepath.Join(t.TempDir(), "vault.key")}
		r.s, err = New(t.Context(), Deps{DB: d, Clock: r.clock, Access: policy, KeyFile: r.file})
		if err != nil {
			t.Fatal(err)
		}
		fn(t, r)
	})
}

func (r *room) write(fn func(tx *db.Tx) error) {
	r.t.Helper()
	if err := r.db.Write(r.t.Context(), fn); err != nil {
		r.t.Fatal(err)
	}
}

func (r *room) seal(owner Ref, data map[string]string, keep time.Duration) {
	r.t.Helper()
	r.write(func(tx *db.Tx) error { return Seal(tx, owner, data, keep) })
}

func (r *room) exec(query string, args ...any) {
	r.t.Helper()
	r.write(func(tx *db.Tx) error {
		_, err := tx.Exec(query, args...)
		return err
	})
}

// rows returns everything that the vault's table holds, as bytes.
func (r *room) rows() [][]byte {
	r.t.Helper()
	var list [][]byte
	err := r.db.Read(r.t.Context(), func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			var a, b []byte
			err := rows.Scan(&a, &b)
			list = append(list, slices.Concat(a, b))
			return err
		}, `select wrapped_key, sealed from vault_items order by owner_type nulls first, owner_id nulls first`)
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return list
}

func (r *room) ledger() []string {
	r.t.Helper()
	var list []string
	err := r.db.Read(r.t.Context(), func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			var rec string
			err := rows.Scan(&rec)
			list = append(list, rec)
			return err
		}, `select record from ledger_leaves order by id nulls first`)
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return list
}

func officer(org int64) context.Context {
	return access.With(context.Background(), access.Actor{Kind: access.KindAccount, ID: 3, Name: "officer", Organisation: org, Roles: []string{access.DutyOfficer}})
}

func report(id int64) access.Resource {
	return access.Resource{Type: "report", ID: id, Organisation: 2}
}

func TestWhatIsSealedOpensForAPurposeAndLeavesATrace(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		r.seal(Ref{"report", 7}, caller, 0)
		r.seal(Ref{"case", 7}, map[string]string{"flat": "4-2-501"}, 0)
		got, err := r.s.Open(officer(2), report(7), access.FollowUp)
		if err != nil || len(got) != 2 || got["telephone"] != caller["telephone"] {
			t.Fatalf("%v, %v", got, err)
		}
		if got, err := r.s.Open(officer(0), access.Resource{Type: "case", ID: 7, Organisation: 2}, access.Operations); err != nil || got["flat"] != "4-2-501" {
			t.Fatalf("%v, %v", got, err)
		}
		trace := r.ledger()
		if len(trace) != 2 || !strings.Contains(trace[0], `"action":"vault.open","actor":"officer","actor_id":3`) ||
			!strings.Contains(trace[0], `"detail":{"purpose":"follow-up"},"subject":"report","subject_id":7`) {
			t.Errorf("ledger %v", trace)
		}
		for _, rec := range trace {
			if strings.Contains(rec, "1234567") || strings.Contains(rec, "501") {
				t.Errorf("the ledger holds what was opened: %s", rec)
			}
		}
	})
}

func TestWhoMayNotOpen(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		r.seal(Ref{"report", 7}, caller, 0)
		as := func(a access.Actor) context.Context { return access.With(context.Background(), a) }
		for name, tt := range map[string]struct {
			ctx     context.Context
			r       access.Resource
			purpose access.Purpose
			status  int
		}{
			"the public":               {context.Background(), report(7), access.FollowUp, 401},
			"the program":              {as(access.System("detector")), report(7), access.Operations, 403},
			"a device":                 {as(access.DeviceActor(1, "d", "s")), report(7), access.Operations, 403},
			"an analyst":               {as(access.Actor{Kind: access.KindAccount, Roles: []string{access.Analyst}}), report(7), access.Operations, 403},
			"an administrator":         {as(access.Actor{Kind: access.KindAccount, Roles: []string{access.Administrator}}), report(7), access.Administration, 403},
			"another organisation":     {officer(5), report(7), access.FollowUp, 403},
			"out of interest":          {officer(2), report(7), access.Analysis, 403},
			"whose owner nobody named": {officer(2), access.Resource{Type: "report", ID: 7}, access.FollowUp, 403},
			"what was never sealed":    {officer(2), report(8), access.FollowUp, 404},
		} {
			got, err := r.s.Open(tt.ctx, tt.r, tt.purpose)
			var e *web.Error
			if got != nil || !errors.As(err, &e) || e.Status != tt.status {
				t.Errorf("%s: %v, %v, want %d", name, got, err, tt.status)
			}
		}
		if trace := r.ledger(); len(trace) != 0 {
			t.Errorf("nothing was opened, yet the ledger says %v", trace)
		}
	})
}

func TestTheDatabaseAloneSaysNothing(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		for i := range int64(3) {
			r.seal(Ref{"report", i + 1}, caller, 0) // the same person three times
		}
		r.seal(Ref{"report", 4}, map[string]string{"telephone": "1"}, 0)
		rows := r.rows()
		for i, row := range rows {
			for _, secret := range caller {
				if bytes.Contains(row, []byte(secret)) {
					t.Error("the contents stand in the database")
				}
			}
			if len(row) != len(rows[0]) {
				t.Errorf("row %d has %d bytes, the first %d: short contents show by their length", i, len(row), len(rows[0]))
			}
			for j, other := range rows[:i] {
				if bytes.Equal(row, other) || bytes.Equal(row[len(row)-64:], other[len(other)-64:]) {
					t.Errorf("rows %d and %d of one person are alike", i, j)
				}
			}
		}
		// A row put in another's place does not open there.
		r.exec(`update vault_items set wrapped_key = (select wrapped_key from vault_items where owner_id = 2),
			sealed = (select sealed from vault_items where owner_id = 2) where owner_id = 1`)
		if got, err := r.s.Open(officer(2), report(1), access.FollowUp); err == nil {
			t.Errorf("report 1 opens as report 2: %v", got)
		}
		r.exec(`update vault_items set sealed = (select sealed from vault_items where owner_id = 3) where owner_id = 2`)
		if got, err := r.s.Open(officer(2), report(2), access.FollowUp); err == nil {
			t.Errorf("contents of report 3 open under report 2: %v", got)
		}
	})
}

func TestErasureAfterItsTime(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		const open, short, reopened, late = 1, 2, 3, 4
		for id := range int64(4) {
			keep := time.Duration(0)
			if id+1 == short {
				keep = 24 * time.Hour
			}
			r.seal(Ref{"report", id + 1}, caller, keep)
		}
		r.write(func(tx *db.Tx) error {
			for _, id := range []int64{short, reopened, late} {
				if err := Close(tx, Ref{"report", id}, start); err != nil {
					return err
				}
			}
			return Reopen(tx, Ref{"report", reopened})
		})
		r.seal(Ref{"report", late}, map[string]string{"telephone": "came in late"}, 0)

		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.s.Run(ctx) }()
		have := func(want ...int64) {
			t.Helper()
			r.clock.AwaitSleepers(1)
			var ids []int64
			err := r.db.Read(t.Context(), func(tx *db.Tx) error {
				return tx.Each(func(rows *sql.Rows) error {
					var id int64
					err := rows.Scan(&id)
					ids = append(ids, id)
					return err
				}, `select owner_id from vault_items order by owner_id nulls first`)
			})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(ids, want) {
				t.Errorf("at %s the vault holds %v, want %v", r.clock.Now().Sub(start), ids, want)
			}
		}
		have(open, short, reopened, late)
		r.clock.Advance(24*time.Hour - time.Second)
		have(open, short, reopened, late)
		r.clock.Advance(eraseEvery)
		have(open, reopened, late)
		if _, err := r.s.Open(officer(2), report(short), access.FollowUp); err == nil {
			t.Error("what was erased opens")
		}
		r.clock.Advance(89 * 24 * time.Hour)
		have(open, reopened)
		cancel()
		r.clock.Advance(time.Hour)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if trace := r.ledger(); len(trace) != 2 || !strings.Contains(trace[0], `"action":"vault.erase"`) || !strings.Contains(trace[0], `"subject":"report","subject_id":2`) {
			t.Errorf("ledger %v", trace)
		}
		if err := r.s.Health(t.Context()); err != nil {
			t.Errorf("health: %v", err)
		}
	})
}

func TestErasureOfMoreThanOneBatch(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		const n = 2*eraseBatch + 5
		r.write(func(tx *db.Tx) error {
			for i := range int64(n) {
				if err := Seal(tx, Ref{"report", i + 1}, caller, time.Hour); err != nil {
					return err
				}
				if err := Close(tx, Ref{"report", i + 1}, start); err != nil {
					return err
				}
			}
			return nil
		})
		r.clock.Advance(2 * time.Hour)
		if r.s.Health(t.Context()) == nil {
			t.Error("things kept past their time are no alarm")
		}
		if err := r.s.eraseDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left, trace := len(r.rows()), len(r.ledger()); left != 0 || trace != n {
			t.Errorf("%d rows left, %d entries, want 0 and %d", left, trace, n)
		}
	})
}

func TestErasureBeforeItsTime(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		r.seal(Ref{"report", 7}, caller, 0)
		by := ledger.Entry{Action: "vault.erase", Actor: "officer", Subject: "report", SubjectID: 7, At: start, Detail: map[string]any{"reason": "asked by the person"}}
		for range 2 {
			r.write(func(tx *db.Tx) error { return Erase(tx, Ref{"report", 7}, by) })
		}
		if left, trace := len(r.rows()), r.ledger(); left != 0 || len(trace) != 1 {
			t.Errorf("%d rows left, ledger %v", left, trace)
		}
	})
}

func TestSealCommitsWithTheDeedOrNotAtAll(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		refused := errors.New("refused")
		err := r.db.Write(t.Context(), func(tx *db.Tx) error {
			if err := Seal(tx, Ref{"report", 7}, caller, 0); err != nil {
				return err
			}
			return refused
		})
		if !errors.Is(err, refused) || len(r.rows()) != 0 {
			t.Errorf("%v, %d rows", err, len(r.rows()))
		}
		for _, bad := range []struct {
			owner Ref
			data  map[string]string
			keep  time.Duration
		}{
			{Ref{"", 7}, caller, 0}, {Ref{"report", 0}, caller, 0}, {Ref{"report", 7}, caller, -time.Hour},
			{Ref{"report", 7}, map[string]string{"x": strings.Repeat("x", MaxData)}, 0},
		} {
			if r.db.Write(t.Context(), func(tx *db.Tx) error { return Seal(tx, bad.owner, bad.data, bad.keep) }) == nil {
				t.Errorf("sealed for %v", bad.owner)
			}
		}
		full := map[string]string{"x": strings.Repeat("安", MaxData/3-10)}
		r.seal(Ref{"report", 9}, full, 0)
		if got, err := r.s.Open(officer(2), report(9), access.FollowUp); err != nil || got["x"] != full["x"] {
			t.Errorf("the largest contents: %v", err)
		}
	})
}

func TestTheKeyIsPrivateAndBelongsToTheVault(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		info, err := os.Stat(r.file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		r.seal(Ref{"report", 7}, caller, 0)
		again := func(file string) (*Service, error) {
			return New(t.Context(), Deps{DB: r.db, Clock: r.clock, Access: access.AllowAll, KeyFile: file})
		}
		s, err := again(r.file)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Open(officer(2), report(7), access.FollowUp); err != nil || got["name"] != caller["name"] {
			t.Errorf("after a restart: %v, %v", got, err)
		}
		missing := filepath.Join(t.TempDir(), "missing")
		if _, err := again(missing); err == nil {
			t.Error("a vault without its key was opened")
		}
		if _, err := os.Stat(missing); err == nil {
			t.Error("and a new key was made")
		}
		if _, err := makeKey(missing); err != nil {
			t.Fatal(err)
		}
		if _, err := again(missing); err == nil {
			t.Error("a vault was opened with another's key")
		}
		if _, err := makeKey(missing); err == nil {
			t.Error("a key file was overwritten")
		}
		other, err := readKey(missing)
		if err != nil {
			t.Fatal(err)
		}
		r.exec(`update vault_key set public_key = $1`, other.PublicKey().Bytes())
		if r.s.Health(t.Context()) == nil {
			t.Error("contents go to someone else's key, and nobody says so")
		}
	})
	d := dbtest.SQLite(t, tables...)
	if err := d.Write(t.Context(), func(tx *db.Tx) error { return Seal(tx, Ref{"report", 1}, caller, 0) }); !errors.Is(err, ErrNoKey) {
		t.Errorf("sealed without a key: %v", err)
	}
}

// There is no way to search, list, count or compare what is in the vault. Whoever adds one meets this test first.
func TestThereAreNoMoreWaysIn(t *testing.T) {
	want := []string{
		"Close", "DefaultKeep", "Deps", "Erase", "ErrNoKey", "MaxData", "Migrations", "New", "Ref", "Ref.String", "Reopen", "Seal",
		"Service", "Service.Health", "Service.Open", "Service.Run",
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range f.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				name := d.Name.Name
				if d.Recv != nil {
					name = typeName(d.Recv.List[0].Type) + "." + name
				}
				got = append(got, name)
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						got = append(got, s.Name.Name)
					case *ast.ValueSpec:
						for _, n := range s.Names {
							got = append(got, n.Name)
						}
					}
				}
			}
		}
	}
	got = slices.DeleteFunc(got, func(name string) bool {
		parts := strings.Split(name, ".")
		return slices.ContainsFunc(parts, func(p string) bool { return !ast.IsExported(p) })
	})
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("exported names\n got %v\nwant %v", got, want)
	}
}

func typeName(e ast.Expr) string {
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

func BenchmarkSeal(b *testing.B) {
	d := dbtest.SQLite(b, tables...)
	if _, err := New(context.Background(), Deps{DB: d, Clock: clock.NewVirtual(start), Access: access.AllowAll, KeyFile: filepath.Join(b.TempDir(), "k")}); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	err := d.Write(context.Background(), func(tx *db.Tx) error {
		for i := range b.N {
			if err := Seal(tx, Ref{"report", int64(i + 1)}, caller, 0); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}
