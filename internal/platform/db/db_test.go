package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

var things = db.Migrations{Room: "things", Files: fstest.MapFS{"0001_things.sql": {Data: []byte(`-- +goose Up
create table things (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT not null unique,
	size REAL,
	raw BLOB,
	flag INTEGER not null default 0,
	doc TEXT not null default '{}'
) STRICT;
create table copies (name TEXT not null, doc TEXT not null) STRICT;
`)}}}

func insert(name string) func(tx *db.Tx) error {
	return func(tx *db.Tx) error {
		_, err := tx.Exec("insert into things (name) values ($1)", name)
		return err
	}
}

func names(t *testing.T, d *db.DB) []string {
	t.Helper()
	var out []string
	err := d.Read(context.Background(), func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			var n string
			err := rows.Scan(&n)
			out = append(out, n)
			return err
		}, "select name from things order by name nulls last, id")
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAFailedWriteTakesBackOnlyItsOwn(t *testing.T) {
	dbtest.Each(t, []db.Migrations{things}, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		// The first write holds the writer until all others have queued up, so that they share one commit.
		queued, first := make(chan struct{}), make(chan error, 1)
		if err := d.WriteAsync(ctx, func(tx *db.Tx) error { <-queued; return nil }, func(err error) { first <- err }); err != nil {
			t.Fatal(err)
		}
		boom := errors.New("boom")
		fail := map[int]func(tx *db.Tx) error{
			3: func(tx *db.Tx) error { _ = insert("lost")(tx); return boom },
			5: func(tx *db.Tx) error { _, err := tx.Exec("insert into things (name) values ($1)", "n1"); return err }, // taken
			7: func(tx *db.Tx) error { panic("mistake") },
		}
		var after []int
		outcomes := make([]error, 10)
		var wg sync.WaitGroup
		for i := range outcomes {
			fn := fail[i]
			if fn == nil {
				fn = insert(fmt.Sprint("n", i))
			}
			wg.Add(1)
			err := d.WriteAsync(ctx, func(tx *db.Tx) error {
				tx.AfterCommit(func() { after = append(after, i) })
				return fn(tx)
			}, func(err error) { outcomes[i] = err; wg.Done() })
			if err != nil {
				t.Fatal(err)
			}
		}
		close(queued)
		wg.Wait()
		if err := <-first; err != nil {
			t.Fatal(err)
		}
		for i, err := range outcomes {
			if (fail[i] != nil) != (err != nil) {
				t.Errorf("write %d: %v", i, err)
			}
		}
		if !errors.Is(outcomes[3], boom) || !db.IsUnique(outcomes[5]) || !strings.Contains(outcomes[7].Error(), "mistake") {
			t.Errorf("wrong reasons: %v", outcomes)
		}
		if got := fmt.Sprint(names(t, d)); got != "[n0 n1 n2 n4 n6 n8 n9]" {
			t.Errorf("stored %s", got)
		}
		if got := fmt.Sprint(after); got != "[0 1 2 4 6 8 9]" {
			t.Errorf("AfterCommit ran for %s", got)
		}
	})
}

// together runs the functions in one commit and returns their outcomes: a first write holds the writer until all have
// queued up.
func together(t *testing.T, d *db.DB, fns ...func(tx *db.Tx) error) []error {
	t.Helper()
	ctx := context.Background()
	queued, outcomes := make(chan struct{}), make([]error, len(fns))
	var wg sync.WaitGroup
	if err := d.WriteAsync(ctx, func(*db.Tx) error { <-queued; return nil }, func(error) {}); err != nil {
		t.Fatal(err)
	}
	for i, fn := range fns {
		wg.Add(1)
		if err := d.WriteAsync(ctx, fn, func(err error) { outcomes[i] = err; wg.Done() }); err != nil {
			t.Fatal(err)
		}
	}
	close(queued)
	wg.Wait()
	return outcomes
}

func TestAnIgnoredFailureFailsTheWrite(t *testing.T) {
	dbtest.Each(t, []db.Migrations{things}, func(t *testing.T, d *db.DB) {
		if err := d.Write(context.Background(), insert("taken")); err != nil {
			t.Fatal(err)
		}
		for how, ignore := range map[string]func(tx *db.Tx){
			"exec": func(tx *db.Tx) { _ = insert("taken")(tx) },
			"row": func(tx *db.Tx) {
				var id int64
				_ = tx.QueryRow("insert into things (name) values ('taken') returning id").Scan(&id)
			},
		} {
			after := false
			careless := func(tx *db.Tx) error {
				if err := insert("lost")(tx); err != nil {
					return err
				}
				tx.AfterCommit(func() { after = true })
				ignore(tx)
				return nil
			}
			alone := d.Write(context.Background(), careless)
			shared := together(t, d, insert("before "+how), careless, insert("behind "+how))
			for _, err := range []error{alone, shared[1]} {
				if err == nil || !strings.Contains(err.Error(), "ignored a failed statement") || !db.IsUnique(err) {
					t.Errorf("%s: %v", how, err)
				}
			}
			if shared[0] != nil || shared[2] != nil {
				t.Errorf("%s: the neighbours failed: %v", how, shared)
			}
			if after {
				t.Errorf("%s: AfterCommit ran", how)
			}
		}
		if got := fmt.Sprint(names(t, d)); got != "[before exec before row behind exec behind row taken]" {
			t.Errorf("stored %s", got)
		}
	})
}

func TestResultsLeftOpenDoNotHoldTheWriter(t *testing.T) {
	dbtest.Each(t, []db.Migrations{things}, func(t *testing.T, d *db.DB) {
		if errs := together(t, d, insert("a"), insert("b")); errs[0] != nil || errs[1] != nil {
			t.Fatal(errs)
		}
		for how, leave := range map[string]func(tx *db.Tx){
			"rows": func(tx *db.Tx) {
				rows, err := tx.Query("select id from things")
				if err != nil {
					t.Error(err)
				}
				rows.Next()
			},
			"row": func(tx *db.Tx) { tx.QueryRow("select id from things") },
		} {
			leaver := func(tx *db.Tx) error { leave(tx); panic("mistake") }
			if err := d.Write(context.Background(), leaver); err == nil || !strings.Contains(err.Error(), "mistake") {
				t.Fatalf("%s: %v", how, err)
			}
			got := together(t, d, leaver, insert("behind "+how))
			if got[0] == nil || got[1] != nil {
				t.Fatalf("%s: %v", how, got)
			}
		}
	})
}

func TestReadCannotWrite(t *testing.T) {
	dbtest.Each(t, []db.Migrations{things}, func(t *testing.T, d *db.DB) {
		if err := d.Read(context.Background(), insert("sneaked in")); err == nil {
			t.Fatal("a read wrote")
		}
		if got := names(t, d); len(got) != 0 {
			t.Fatalf("stored %v", got)
		}
	})
}

func TestTheSubsetMeansTheSame(t *testing.T) {
	dbtest.Each(t, []db.Migrations{things}, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		err := d.Write(ctx, func(tx *db.Tx) error {
			for _, r := range []struct{ name, doc string }{
				{"Abc", `{"s":"水","n":1.5,"b":true}`}, {"abc", `{"s":null,"n":"1.5","b":0}`}, {"100%", `{}`}, {"é", `{"n":3,"b":false}`},
			} {
				if _, err := tx.Exec("insert into things (name, doc) values ($1, $2)", r.name, r.doc); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for query, want := range map[string]string{
			"select name from things where name like 'a%' order by name nulls last, id":                                               "[abc]",
			`select name from things where name like '%\%' escape '\' order by name nulls last, id`:                                   "[100%]",
			"select name from things order by name nulls last, id":                                                                    "[100% Abc abc é]",
			"select name from things where json_num(doc, 'n') > 1 order by name nulls last, id":                                       "[Abc é]",
			"select name from things where json_bool(doc, 'b') = 1 order by name nulls last, id":                                      "[Abc]",
			"select name from things where json_bool(doc, 'b') is null order by name nulls last, id":                                  "[100% abc]",
			"select name from things where json_text(doc, 's') = '水' order by id nulls last":                                          "[Abc]",
			`select name from things where name in (select value from json_list('["abc","é"]')) order by name nulls last, id`:         "[abc é]",
			`select name from things where id in (select cast(value as bigint) from json_list('[1,3]')) order by name nulls last, id`: "[100% Abc]",
			"select lower(name) from things order by lower(name) nulls last, id":                                                      "[100% abc abc é]",
		} {
			var got []string
			err := d.Read(ctx, func(tx *db.Tx) error {
				return tx.Each(func(rows *sql.Rows) error {
					var n string
					err := rows.Scan(&n)
					got = append(got, n)
					return err
				}, query)
			})
			if err != nil || fmt.Sprint(got) != want {
				t.Errorf("%s\n got %v, %v\nwant %s", query, got, err, want)
			}
		}
	})
}

func TestIdsAreNeverUsedTwice(t *testing.T) {
	dbtest.Each(t, []db.Migrations{things}, func(t *testing.T, d *db.DB) {
		var ids []int64
		for _, n := range []string{"a", "b"} {
			err := d.Write(context.Background(), func(tx *db.Tx) error {
				var id int64
				if err := tx.QueryRow("insert into things (name) values ($1) returning id", n).Scan(&id); err != nil {
					return err
				}
				ids = append(ids, id)
				_, err := tx.Exec("delete from things where id = $1", id)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if ids[1] <= ids[0] {
			t.Fatalf("id %d came after %d", ids[1], ids[0])
		}
	})
}

func TestNewerDataIsRefused(t *testing.T) {
	newer := db.Migrations{Room: "things", Files: fstest.MapFS{
		"0001_things.sql": things.Files.(fstest.MapFS)["0001_things.sql"],
		"0002_more.sql":   {Data: []byte("-- +goose Up\ncreate table more (id INTEGER PRIMARY KEY) STRICT;\n")},
	}}
	dbtest.Each(t, []db.Migrations{newer}, func(t *testing.T, d *db.DB) {
		err := d.Migrate(context.Background(), things)
		if !errors.Is(err, db.ErrNewerData) || !strings.Contains(err.Error(), "things is at version 2, this program knows 1") {
			t.Fatal(err)
		}
	})
}

func TestOneWriterPerDatabase(t *testing.T) {
	url := dbtest.PostgresURL(t)
	ctx := context.Background()
	first, err := db.Open(ctx, db.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	if second, err := db.Open(ctx, db.Options{URL: url}); err == nil || !strings.Contains(err.Error(), "another Anlan server") {
		t.Fatalf("second server: %v %v", second, err)
	}
	first.Close()
	second, err := db.Open(ctx, db.Options{URL: url})
	if err != nil {
		t.Fatal("a standby could not take over:", err)
	}
	second.Close()
}

// disconnect has the server end the connections of all Anlan servers to the database.
func disconnect(t *testing.T, url string) {
	t.Helper()
	admin, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	// With a timeout the call returns when the backends are gone, and their locks with them.
	_, err = admin.Exec(`select pg_terminate_backend(pid, 10000) from pg_stat_activity
		where datname = current_database() and application_name = 'anlan'`)
	if err != nil {
		t.Fatal(err)
	}
}

func TestAWriterGoesOnAfterItsConnectionBroke(t *testing.T) {
	url := dbtest.PostgresURL(t)
	d := cutOff(t, url)
	if err := d.Write(context.Background(), insert("back")); err != nil {
		t.Fatal("nobody else wrote, but:", err)
	}
	select {
	case err := <-d.Lost():
		t.Fatal(err)
	default:
	}
}

func TestAWriterIsFencedOnceAnotherWrote(t *testing.T) {
	for _, gone := range []bool{false, true} {
		t.Run(fmt.Sprint("the other is gone: ", gone), func(t *testing.T) {
			url, ctx := dbtest.PostgresURL(t), context.Background()
			first := cutOff(t, url)
			second, err := db.Open(ctx, db.Options{URL: url})
			if err != nil {
				t.Fatal(err)
			}
			defer second.Close()
			if gone {
				second.Close()
			}
			for range 2 {
				if err := first.Write(ctx, insert("stale")); !errors.Is(err, db.ErrFenced) {
					t.Fatalf("a writer that was replaced: %v", err)
				}
			}
			if err := <-first.Lost(); !errors.Is(err, db.ErrFenced) {
				t.Fatal(err)
			}
			if got := names(t, first); len(got) != 0 {
				t.Errorf("stored %v", got)
			}
		})
	}
}

// cutOff opens a store whose writer has just noticed that its connection is gone.
func cutOff(t *testing.T, url string) *db.DB {
	t.Helper()
	ctx := context.Background()
	d, err := db.Open(ctx, db.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(ctx, things); err != nil {
		t.Fatal(err)
	}
	disconnect(t, url)
	if err := d.Write(ctx, insert("into the void")); err == nil {
		t.Fatal("wrote over a connection that is gone")
	}
	return d
}

func TestTheServersEndNoticesASilentLoss(t *testing.T) {
	ask := func(d *db.DB) string {
		t.Helper()
		var got string
		err := d.Write(context.Background(), func(tx *db.Tx) error {
			return tx.QueryRow(`select concat_ws(' ', current_setting('tcp_keepalives_idle'), current_setting('tcp_keepalives_interval'),
				current_setting('tcp_keepalives_count'), current_setting('tcp_user_timeout'))`).Scan(&got)
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for query, want := range map[string]string{"": "6 3 3 15000", "?tcp_keepalives_idle=60": "60 3 3 15000"} {
		d, err := db.Open(context.Background(), db.Options{URL: dbtest.PostgresURL(t) + query})
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(d); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
		d.Close()
	}
}

func TestOpenNamesWhatIsWrong(t *testing.T) {
	for url, want := range map[string]string{
		"mysql://root:secret@x":  `expected sqlite:PATH or postgres://USER@HOST/NAME`,
		"host=x password=secret": `expected sqlite:PATH or postgres://USER@HOST/NAME`,
		"sqlite:":                "expected a path",
		"sqlite:" + filepath.Join(t.TempDir(), "no", "such", "dir.db"): "no/such/dir.db",
		"postgres://someone:secret@127.0.0.1:1/none":                   "postgres://someone@127.0.0.1:1/none",
		"postgres://127.0.0.1:1/none?user=me&password=secret":          "postgres://127.0.0.1:1/none:",
		"postgres://someone@127.0.0.1:1/none?password=top@secret":      "postgres://someone@127.0.0.1:1/none:",
		"postgres://someone:%secret@127.0.0.1:1/none":                  "postgres://...",
	} {
		_, err := db.Open(context.Background(), db.Options{URL: url})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestCloseCarriesOutWhatWasAccepted(t *testing.T) {
	path := "sqlite:" + filepath.Join(t.TempDir(), "anlan.db")
	ctx := context.Background()
	d, err := db.Open(ctx, db.Options{URL: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(ctx, things); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if err := d.WriteAsync(ctx, insert(fmt.Sprint(i)), func(err error) {
			if err != nil {
				t.Error(err)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	d.Close()
	d.Close()
	if err := d.Write(ctx, insert("late")); !errors.Is(err, db.ErrClosed) {
		t.Fatalf("write after close: %v", err)
	}
	d, err = db.Open(ctx, db.Options{URL: path})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if got := len(names(t, d)); got != 100 {
		t.Fatalf("%d of 100 writes are there", got)
	}
}

// A disk that is full speaks against the store for a while, even though a small write fits again.
func TestHealthyTellsOfAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "anlan.db")
	ctx := context.Background()
	d, err := db.Open(ctx, db.Options{URL: "sqlite:" + path})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Migrate(ctx, things); err != nil {
		t.Fatal(err)
	}
	if err := d.Healthy(); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(ctx, insert("a")); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(ctx, insert("a")); err == nil || d.Healthy() != nil {
		t.Fatalf("a refused row is the caller's fault: %v, %v", err, d.Healthy())
	}
	err = d.Write(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec("pragma max_page_count = 8"); err != nil { // what a full disk looks like to SQLite
			return err
		}
		_, err := tx.Exec("insert into things (name, raw) values ($1, $2)", "large", make([]byte, 1<<20))
		return err
	})
	if err == nil || d.Healthy() == nil {
		t.Fatalf("a full disk went unnoticed: %v, %v", err, d.Healthy())
	}
	if err := d.Write(ctx, insert("small")); err != nil || d.Healthy() == nil {
		t.Fatalf("one small write proves nothing: %v, %v", err, d.Healthy())
	}
}

func TestHealthyMissesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "anlan.db")
	d, err := db.Open(context.Background(), db.Options{URL: "sqlite:" + path})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if d.Healthy() == nil {
		t.Fatal("the file is gone and nobody says so")
	}
}

// What is deleted can't be found in the file any more, but for what is discarded, also after something was.
func TestDeletedIsOverwritten(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	d, err := db.Open(ctx, db.Options{URL: "sqlite:" + filepath.Join(dir, "a.db")})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(ctx, things); err != nil {
		t.Fatal(err)
	}
	words := []string{"first-secret ", "copied-thing ", "later-secret "}
	for i, w := range words {
		insert := "insert into things (name, doc) values ($1, $2)"
		if i == 1 {
			insert = "insert into copies (name, doc) values ($1, $2)"
		}
		if err := d.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(insert, w, strings.Repeat(w, 10_000))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	for i, w := range words {
		if err := d.Write(ctx, func(tx *db.Tx) error {
			if i == 1 {
				_, err := tx.Discard("delete from copies where name = $1", w)
				return err
			}
			_, err := tx.Exec("delete from things where name = $1", w)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil { // and with it the write-ahead log is copied and gone
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range words {
		if there := strings.Contains(string(file), strings.Repeat(w, 20)); there != (i == 1) {
			t.Errorf("%sis in the file: %v", w, there)
		}
	}
}
