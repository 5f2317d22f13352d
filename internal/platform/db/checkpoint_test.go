package db

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// A log that is begun anew keeps its length on disk; what is written into it then is copied beside the writer as before.
func TestALogBegunAnewIsCopiedToo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "anlan.db")
	c := sqliteConnector{newSQLiteDriver(), dsn(path, "journal_mode(WAL)", "synchronous(OFF)", fmt.Sprintf("wal_autocheckpoint(%d)", logFrames))}
	pool := sql.OpenDB(c)
	defer pool.Close()
	pool.SetMaxOpenConns(1)
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := pool.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec("create table blobs (raw BLOB)")
	p := newCheckpointer(c, path) // nobody wakes it, so that the test alone copies
	defer p.release()
	defer p.stop()

	pages := func(n int) { t.Helper(); exec("insert into blobs values (zeroblob($1))", n*4096) }
	left := func() (written, left uint32) {
		t.Helper()
		written, copied, err := p.frames()
		if err != nil {
			t.Fatal(err)
		}
		return written, written - copied
	}
	pages(checkpointEvery / 2)
	if p.copy() {
		t.Error("half of what is worth a checkpoint was copied")
	}
	last, anew := uint32(0), 0
	for n := 0; anew < 3 && n < 4*logFrames; n += checkpointEvery + 100 {
		pages(checkpointEvery + 100)
		written, _ := left()
		if written < last {
			anew++
		}
		last = written
		if !p.copy() {
			t.Fatalf("with %d frames in the log, begun anew %d times, nothing was copied", written, anew)
		}
		if _, left := left(); left > worthThen {
			t.Fatalf("%d frames are left of %d", left, written)
		}
	}
	if anew < 3 {
		t.Fatalf("the log was begun anew %d times", anew)
	}
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 2*logFrames*4096 {
		t.Errorf("the log has %d bytes", info.Size())
	}
}
