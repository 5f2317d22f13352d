package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// MaxRead ends a read transaction that runs too long: on SQLite it would keep the write-ahead log from being reused.
	MaxRead = 5 * time.Second

	// maxReaders bounds the reads under way. The pool has twice as many connections, so that each read finds one for making
	// a plan and none waits for another that waits.
	maxReaders = 16

	// maxPlans bounds how many plans of reads are kept.
	maxPlans = 500

	// maxGroup bounds how many writes share one commit, so that the first of them is not kept waiting for a crowd.
	maxGroup = 512
)

// ErrUnknownOutcome says that the connection broke while a commit was under way: the change is there as a whole or not at
// all, and only looking tells which.
var ErrUnknownOutcome = errors.New("the connection broke during the commit; whether it happened is unknown")

// ErrClosed says that the store was closed.
var ErrClosed = errors.New("the store is closed")

// ErrFenced says that another server wrote to the database while this one had lost its connection. What this process
// remembers is out of date, so it must not write again before it has been started anew.
var ErrFenced = errors.New("another server has taken over this database")

// ErrNotFound is what a row's absence looks like on both engines.
var ErrNotFound = sql.ErrNoRows

// Engine names the database behind the store.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Options say where the store is and how safe it is.
type Options struct {
	// URL is "sqlite:/path/to/anlan.db" or "postgres://user@host/name".
	URL string
	// ReadOnly opens an existing store for reading, beside a server that may be writing.
	ReadOnly bool
	// NoSync answers before the data is on disk. It exists for one purpose: the control run that shows that the
	// power-cut test can see a loss.
	NoSync bool
}

// DB is an open store. Its methods are safe for concurrent use.
type DB struct {
	engine  Engine
	opts    Options
	signals signals
	health  health
	reader  *sql.DB
	reading chan struct{} // holds one for each read under way, at most maxReaders
	plans   sync.Map      // text -> *sql.Stmt of reads
	planned atomic.Int64  // how many
	writer  *writer       // nil when opened read-only
	// migrator opens a connection pool apart from the writer's for schema changes, which happen before the first write.
	migrator func() (*sql.DB, error)
}

// Open opens the store and proves that it can be reached.
func Open(ctx context.Context, o Options) (*DB, error) {
	scheme, rest, _ := strings.Cut(o.URL, ":")
	var d *DB
	var err error
	name := redact(o.URL)
	switch scheme {
	case "sqlite":
		name = rest
		d, err = openSQLite(rest, o)
	case "postgres", "postgresql":
		d, err = openPostgres(ctx, o)
	default:
		return nil, errors.New("database URL: expected sqlite:PATH or postgres://USER@HOST/NAME") // what it is may hold a password
	}
	if err != nil {
		return nil, err
	}
	if err := d.reader.PingContext(ctx); err != nil {
		d.Close()
		return nil, fmt.Errorf("open database %s: %w", name, err)
	}
	return d, nil
}

// Engine says which engine is behind the store.
func (d *DB) Engine() Engine { return d.engine }

// Lost receives ErrFenced when this process has lost the right to write for good; every further Write fails with it. The
// process then has to end.
func (d *DB) Lost() <-chan error {
	if d.writer == nil {
		return nil
	}
	return d.writer.lost
}

// Close waits for the writes that were accepted, then closes. It may be called twice.
func (d *DB) Close() error {
	if d.writer == nil {
		return d.reader.Close()
	}
	d.writer.close()
	err := d.reader.Close()
	d.writer.behind.release()
	return err
}

// Write runs fn in the writer's next transaction and returns after the synced commit. Others' functions may share the
// commit but not the outcome: if fn returns an error only its own changes are taken back, and Write returns that error.
//
// fn must be quick and touch nothing but tx. It is called once. Once it has been queued, the end of ctx no longer stops
// it: an outcome that nobody waits for is an outcome that nobody knows.
func (d *DB) Write(ctx context.Context, fn func(tx *Tx) error) error {
	done := make(chan error, 1)
	if err := d.WriteAsync(ctx, fn, func(err error) { done <- err }); err != nil {
		return err
	}
	return <-done
}

// WriteAsync is Write for a caller that does not wait: done is called by the writer after the commit, once, and must not
// block. If WriteAsync itself returns an error, fn was not queued and done will not be called.
func (d *DB) WriteAsync(ctx context.Context, fn func(tx *Tx) error, done func(error)) error {
	if d.writer == nil {
		return errors.New("the store is open for reading only")
	}
	return d.writer.enqueue(ctx, job{fn: fn, done: done})
}

// Read runs fn over one snapshot, for at most MaxRead.
func (d *DB) Read(ctx context.Context, fn func(tx *Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, MaxRead)
	defer cancel()
	select {
	case d.reading <- struct{}{}:
		defer func() { <-d.reading }()
	case <-ctx.Done():
		return fmt.Errorf("wait to read: %w", ctx.Err())
	}
	opts := &sql.TxOptions{ReadOnly: true}
	if d.engine == Postgres {
		opts.Isolation = sql.LevelRepeatableRead
	}
	stx, err := d.reader.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("begin read: %w", err)
	}
	defer stx.Rollback() // a read has nothing to keep
	return fn(&Tx{ctx: ctx, q: poolQueryer{stx, d}})
}

// Tx is a transaction. It carries its context, since a write must not pass on a caller's: ending a statement that way
// would make SQLite take back the whole transaction, and with it the neighbours' writes.
type Tx struct {
	ctx     context.Context
	q       queryer
	after   []func()
	signals *signals // nil in a read
}

type queryer interface {
	exec(ctx context.Context, query string, args []any) (sql.Result, error)
	query(ctx context.Context, query string, args []any) (*sql.Rows, error)
	queryRow(ctx context.Context, query string, args []any) *sql.Row
}

// Exec runs a statement that returns no rows.
func (tx *Tx) Exec(query string, args ...any) (sql.Result, error) {
	return tx.q.exec(tx.ctx, query, args)
}

// Discard is Exec for a delete from a table of which all stands elsewhere too, such as the log with its copies of readings.
// SQLite overwrites whatever else is deleted, since it may be what somebody has a right to see erased; here it leaves the pages
// that fall free as they are, also with what neighbours of the same table had there: that halves what is written.
func (tx *Tx) Discard(query string, args ...any) (sql.Result, error) {
	if q, ok := tx.q.(*jobQueryer); ok && q.w.engine == SQLite {
		q.note(q.w.overwrite(tx.ctx, "fast"))
		defer func() { q.note(q.w.overwrite(tx.ctx, "on")) }()
	}
	return tx.Exec(query, args...)
}

// Query runs a statement that returns rows, which the caller closes before the next statement.
func (tx *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	return tx.q.query(tx.ctx, query, args)
}

// QueryRow runs a statement that returns at most one row; Scan answers ErrNotFound where there is none.
func (tx *Tx) QueryRow(query string, args ...any) *sql.Row {
	return tx.q.queryRow(tx.ctx, query, args)
}

// AfterCommit has fn called once the transaction is on disk, in the order of the commits and of the calls. It is not
// called when the change was taken back. It must be quick: the writer waits for it.
func (tx *Tx) AfterCommit(fn func()) { tx.after = append(tx.after, fn) }

// Signal wakes whoever waits on the store's Signal of that name, once the transaction is on disk.
func (tx *Tx) Signal(name string) {
	if tx.signals != nil {
		tx.AfterCommit(func() { tx.signals.raise(name) })
	}
}

// Signal is a channel that receives after a commit that called Tx.Signal with the name. It holds one wake-up, so a waiter
// that was busy misses none; there is one waiter per name.
func (d *DB) Signal(name string) <-chan struct{} { return d.signals.channel(name) }

type signals struct {
	mu    sync.Mutex
	named map[string]chan struct{} // guarded by mu
}

func (s *signals) channel(name string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.named == nil {
		s.named = map[string]chan struct{}{}
	}
	c, ok := s.named[name]
	if !ok {
		c = make(chan struct{}, 1)
		s.named[name] = c
	}
	return c
}

func (s *signals) raise(name string) {
	select {
	case s.channel(name) <- struct{}{}:
	default: // a wake-up is waiting already
	}
}

// Each calls scan for every row of a query and closes it.
func (tx *Tx) Each(scan func(rows *sql.Rows) error, query string, args ...any) error {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// poolQueryer reads through database/sql.
type poolQueryer struct {
	tx *sql.Tx
	d  *DB
}

func (p poolQueryer) exec(ctx context.Context, q string, args []any) (sql.Result, error) {
	return p.tx.ExecContext(ctx, p.d.engine.text(q), args...)
}

func (p poolQueryer) query(ctx context.Context, q string, args []any) (*sql.Rows, error) {
	if s := p.d.prepared(ctx, q); s != nil {
		return p.tx.StmtContext(ctx, s).QueryContext(ctx, args...)
	}
	return p.tx.QueryContext(ctx, p.d.engine.text(q), args...)
}

func (p poolQueryer) queryRow(ctx context.Context, q string, args []any) *sql.Row {
	if s := p.d.prepared(ctx, q); s != nil {
		return p.tx.StmtContext(ctx, s).QueryRowContext(ctx, args...)
	}
	return p.tx.QueryRowContext(ctx, p.d.engine.text(q), args...)
}

// prepared is the plan of a read on SQLite, where making it takes longer than most reads; pgx keeps plans by itself. Rooms
// that build texts from parts have more of them than are worth keeping: beyond maxPlans there are no new ones.
func (d *DB) prepared(ctx context.Context, q string) *sql.Stmt {
	if d.engine != SQLite {
		return nil
	}
	if s, ok := d.plans.Load(q); ok {
		return s.(*sql.Stmt)
	}
	if d.planned.Add(1) > maxPlans {
		d.planned.Add(-1)
		return nil
	}
	// On a connection beside the read's own, of which the pool holds enough: see maxReaders.
	s, err := d.reader.PrepareContext(ctx, d.engine.text(q))
	if err != nil {
		d.planned.Add(-1)
		return nil // the read will say what is wrong
	}
	if other, loaded := d.plans.LoadOrStore(q, s); loaded {
		d.planned.Add(-1)
		s.Close()
		return other.(*sql.Stmt)
	}
	return s
}

// text is where the two dialects part: SQLite's table of a JSON list is called json_each.
func (e Engine) text(q string) string {
	if e == SQLite && strings.Contains(q, "json_list(") {
		return strings.ReplaceAll(q, "json_list(", "json_each(")
	}
	return q
}

// Micros is t as it stands in SQL: microseconds since 1970, UTC.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// Time is the instant of a stored number of microseconds.
func Time(us int64) time.Time { return time.UnixMicro(us).UTC() }

// Migrations are the schema changes of one room: files named 0001_what.sql in goose's form, written once for both engines
// in the type words INTEGER, REAL, TEXT, BLOB and STRICT.
type Migrations struct {
	Room  string
	Files fs.FS
}

// Embedded are the migrations of a room that embeds its folder "migrations".
func Embedded(room string, files embed.FS) Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	return Migrations{Room: room, Files: sub}
}

// redact shortens a URL to what may be shown: a password may stand before the host and in the query, and where the URL is
// malformed anywhere.
func redact(raw string) string {
	scheme, _, _ := strings.Cut(raw, ":")
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return scheme + "://..."
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if u.User != nil {
		shown.User = url.User(u.User.Username())
	}
	return shown.String()
}
