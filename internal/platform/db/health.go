package db

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// failureCounts is how long a failure of the store speaks against it. On a full disk small writes may still succeed between
// large ones that fail, so that one success proves nothing.
const failureCounts = 30 * time.Second

// health remembers what the writer met.
type health struct {
	failure atomic.Pointer[failure]
	file    os.FileInfo // SQLite's, as it was opened
	path    string
}

type failure struct {
	err error
	at  time.Time
}

// met remembers an error if it is the store's and not the caller's.
func (h *health) met(err error) {
	if storeFailed(err) {
		h.failure.Store(&failure{err, time.Now()})
	}
}

// Healthy is nil while the store takes writes: none failed lately for a reason of the store's own, and the file that is
// written is still the one that the next start would find.
func (d *DB) Healthy() error {
	if f := d.health.failure.Load(); f != nil && time.Since(f.at) < failureCounts {
		return fmt.Errorf("a write failed %s ago: %w", time.Since(f.at).Round(time.Second), f.err)
	}
	if d.health.file != nil {
		now, err := os.Stat(d.health.path)
		if err != nil {
			return fmt.Errorf("the database file is gone: %w", err)
		}
		if !os.SameFile(now, d.health.file) {
			return fmt.Errorf("another file stands in the place of the database %s", d.health.path)
		}
	}
	return nil
}

// storeFailed tells a full disk, a broken file or a lost server from a refused row.
func storeFailed(err error) bool {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOTADB:
			return true
		}
		return false
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code[:2] {
		case "53", "57", "58", "XX": // out of resources, shut down, system error, internal error
			return true
		}
		return false
	}
	return errors.Is(err, ErrUnknownOutcome)
}
