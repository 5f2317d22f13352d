package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"modernc.org/sqlite"
)

// openSQLite opens one file with a write-ahead log: one connection writes, several read beside it.
func openSQLite(path string, o Options) (*DB, error) {
	path = strings.TrimPrefix(path, "//")
	if path == "" {
		return nil, errors.New("database URL: expected a path, as in sqlite:/var/lib/anlan/anlan.db")
	}
	drv := newSQLiteDriver()
	sync := "FULL"
	if o.NoSync {
		sync = "OFF"
	}
	// PostgreSQL's LIKE tells upper from lower case; this pragma is deprecated but the only way for all of LIKE's forms.
	common := []string{"case_sensitive_like(1)", "busy_timeout(10000)", "foreign_keys(1)", "temp_store(MEMORY)"}
	reader := sql.OpenDB(sqliteConnector{drv, dsn(path, append(common, "query_only(1)")...)})
	reader.SetMaxOpenConns(2 * maxReaders)
	reader.SetMaxIdleConns(2 * maxReaders)
	d := &DB{engine: SQLite, opts: o, reader: reader, reading: make(chan struct{}, maxReaders)}
	if o.ReadOnly {
		return d, nil
	}
	// The write-ahead log is set up before anyone reads, by the connection that may write.
	writeDSN := dsn(path, append(common, "journal_mode(WAL)", "synchronous("+sync+")",
		"secure_delete(ON)", // what was erased must not stay in free pages
		"journal_size_limit(67108864)", "cache_size(-32768)",
		fmt.Sprintf("wal_autocheckpoint(%d)", logFrames))...)
	d.migrator = func() (*sql.DB, error) {
		pool := sql.OpenDB(sqliteConnector{drv, writeDSN})
		pool.SetMaxOpenConns(1)
		return pool, pool.Ping()
	}
	first, err := d.migrator()
	if err == nil {
		err = first.Close()
	}
	if err != nil {
		reader.Close()
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	d.health.path = path
	if d.health.file, err = os.Stat(path); err != nil {
		reader.Close()
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	pool := sql.OpenDB(sqliteConnector{drv, writeDSN})
	pool.SetMaxOpenConns(1)
	d.writer = newWriter(pool, SQLite, "begin immediate", &d.signals, &d.health, nil)
	d.writer.behind = newCheckpointer(sqliteConnector{drv, writeDSN}, path)
	return d, nil
}

func dsn(path string, pragmas ...string) string {
	q := url.Values{}
	for _, p := range pragmas {
		q.Add("_pragma", p)
	}
	// A path may hold characters that mean something in a URI.
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// sqliteConnector opens connections through a driver value of our own, so that our functions stay off the driver that
// other code of the process may use.
type sqliteConnector struct {
	drv *sqlite.Driver
	dsn string
}

func (c sqliteConnector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.drv.Open(c.dsn)
}

func (c sqliteConnector) Driver() driver.Driver { return c.drv }

// newSQLiteDriver makes SQLite speak our subset: JSON functions that PostgreSQL is given under the same names.
func newSQLiteDriver() *sqlite.Driver {
	d := &sqlite.Driver{}
	d.MustRegisterDeterministicScalarFunction("json_text", 2, func(_ *sqlite.FunctionContext, a []driver.Value) (driver.Value, error) {
		switch v := field(a).(type) {
		case nil:
			return nil, nil
		case string:
			return v, nil
		default:
			b, err := json.Marshal(v)
			return string(b), err
		}
	})
	d.MustRegisterDeterministicScalarFunction("json_num", 2, func(_ *sqlite.FunctionContext, a []driver.Value) (driver.Value, error) {
		if f, ok := field(a).(float64); ok {
			return f, nil
		}
		return nil, nil
	})
	d.MustRegisterDeterministicScalarFunction("json_bool", 2, func(_ *sqlite.FunctionContext, a []driver.Value) (driver.Value, error) {
		if b, ok := field(a).(bool); ok {
			if b {
				return int64(1), nil
			}
			return int64(0), nil
		}
		return nil, nil
	})
	return d
}

// field is one top-level field of a JSON object in text; nil where there is none.
func field(a []driver.Value) any {
	text, ok := a[0].(string)
	if !ok {
		return nil
	}
	key, ok := a[1].(string)
	if !ok {
		return nil
	}
	var obj map[string]any
	if json.Unmarshal([]byte(text), &obj) != nil {
		return nil
	}
	return obj[key]
}
