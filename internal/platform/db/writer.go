package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/jackc/pgx/v5/stdlib"
)

// writer is the one goroutine that changes the store.
type writer struct {
	pool   *sql.DB // one connection, the writer's own
	engine Engine
	begin  string
	sig    *signals
	health *health
	setup  func(context.Context, *sql.Conn) error // run on each new connection
	behind *checkpointer                          // SQLite only

	jobs    chan job
	quit    chan struct{}
	stopped chan struct{}
	lost    chan error // receives once, when the right to write is gone
	once    sync.Once

	// mu guards against a send on jobs after the writer has looked for the last time: enqueue holds it for reading.
	mu     sync.RWMutex
	closed bool

	// Used by the goroutine alone.
	conn   *sql.Conn
	stmts  map[string]*sql.Stmt
	fenced error
}

type job struct {
	fn   func(tx *Tx) error
	done func(error)
}

func newWriter(pool *sql.DB, engine Engine, begin string, sig *signals, h *health, setup func(context.Context, *sql.Conn) error) *writer {
	w := &writer{
		pool: pool, engine: engine, begin: begin, sig: sig, health: h, setup: setup,
		jobs: make(chan job, maxGroup), quit: make(chan struct{}), stopped: make(chan struct{}),
		lost: make(chan error, 1),
	}
	go w.run()
	return w
}

func (w *writer) enqueue(ctx context.Context, j job) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return ErrClosed
	}
	select {
	case w.jobs <- j:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the writer: %w", ctx.Err())
	}
}

func (w *writer) close() {
	w.once.Do(func() {
		w.mu.Lock()
		w.closed = true
		w.mu.Unlock()
		close(w.quit)
		<-w.stopped
		w.behind.stop()
	})
	<-w.stopped
}

func (w *writer) run() {
	defer close(w.stopped)
	defer w.pool.Close()
	defer w.drop()
	group := make([]job, 0, maxGroup)
	for {
		select {
		case j := <-w.jobs:
			group = append(group[:0], j)
			// Who is about to hand in a job, and only has to be given a processor, comes along.
			for n := 0; n < len(group) && len(group) < maxGroup; {
				n = len(group)
				runtime.Gosched()
				group = w.gather(group)
			}
			w.commit(group)
		case <-w.quit:
			// What was accepted before the close is still carried out.
			for len(w.jobs) > 0 {
				w.commit(w.gather(group[:0]))
			}
			return
		}
	}
}

// gather takes what queued up during the last commit, without waiting for more.
func (w *writer) gather(group []job) []job {
	for len(group) < maxGroup {
		select {
		case j := <-w.jobs:
			group = append(group, j)
		default:
			return group
		}
	}
	return group
}

func (w *writer) commit(group []job) {
	outcomes := make([]error, len(group))
	after, err := w.transact(group, outcomes)
	if err != nil {
		for i := range outcomes {
			if outcomes[i] == nil {
				outcomes[i] = err
			}
		}
	} else {
		for _, fn := range after {
			fn()
		}
		w.behind.wake()
	}
	for i, j := range group {
		w.health.met(outcomes[i])
		j.done(outcomes[i])
	}
}

// transact runs the group in one transaction. Its error fails every job that has no error of its own.
func (w *writer) transact(group []job, outcomes []error) (after []func(), err error) {
	ctx := context.Background()
	if err := w.connect(ctx); err != nil {
		return nil, err
	}
	if _, err := w.exec(ctx, w.begin, nil); err != nil {
		w.drop()
		return nil, fmt.Errorf("begin write: %w", err)
	}
	alone := len(group) == 1
	for i, j := range group {
		fns, jobErr, txErr := w.runJob(ctx, j, alone)
		if txErr != nil {
			w.rollback(ctx)
			return nil, txErr
		}
		outcomes[i] = jobErr
		if jobErr == nil {
			after = append(after, fns...)
		} else if alone {
			w.rollback(ctx)
			return nil, jobErr
		}
	}
	if _, err := w.exec(ctx, "commit", nil); err != nil {
		broken := errors.Is(err, driver.ErrBadConn) || w.conn.PingContext(ctx) != nil
		w.rollback(ctx)
		if broken {
			w.drop()
			return nil, fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
		}
		return nil, fmt.Errorf("commit: %w", err)
	}
	return after, nil
}

// runJob runs one function. A job that shares the transaction stands in a savepoint, so that its failure is its own;
// txErr says that the transaction itself can't go on.
func (w *writer) runJob(ctx context.Context, j job, alone bool) (after []func(), jobErr, txErr error) {
	if !alone {
		if _, err := w.exec(ctx, "savepoint job", nil); err != nil {
			return nil, nil, fmt.Errorf("savepoint: %w", err)
		}
	}
	q := &jobQueryer{w: w}
	tx := &Tx{ctx: ctx, q: q, signals: w.sig}
	jobErr = call(j.fn, tx)
	q.close()
	if jobErr == nil && (q.failed != nil || w.aborted()) {
		jobErr = errIgnored
		if q.failed != nil {
			jobErr = fmt.Errorf("%w: %w", errIgnored, q.failed)
		}
	}
	if alone {
		return tx.after, jobErr, nil
	}
	if jobErr != nil {
		if _, err := w.exec(ctx, "rollback to savepoint job", nil); err != nil {
			return nil, nil, fmt.Errorf("take back a failed write: %w", err)
		}
	}
	if _, err := w.exec(ctx, "release savepoint job", nil); err != nil {
		return nil, nil, fmt.Errorf("release savepoint: %w", err)
	}
	return tx.after, jobErr, nil
}

// errIgnored fails a function that goes on after a failed statement. PostgreSQL has given up the transaction by then and
// would answer its commit with a silent rollback; SQLite would store the half, so it is refused there too.
var errIgnored = errors.New("a write ignored a failed statement and was taken back")

// aborted says whether PostgreSQL has given up the transaction.
func (w *writer) aborted() (yes bool) {
	if w.engine == Postgres {
		w.conn.Raw(func(c any) error {
			yes = c.(*stdlib.Conn).Conn().PgConn().TxStatus() == 'E'
			return nil
		})
	}
	return yes
}

// jobQueryer is the writer's connection in the hands of one function: it remembers what the function may leave behind.
type jobQueryer struct {
	w      *writer
	failed error // of the first statement that failed
	rows   []*sql.Rows
	row    []*sql.Row
}

func (q *jobQueryer) note(err error) {
	if q.failed == nil {
		q.failed = err
	}
}

func (q *jobQueryer) exec(ctx context.Context, text string, args []any) (sql.Result, error) {
	res, err := q.w.exec(ctx, text, args)
	q.note(err)
	return res, err
}

func (q *jobQueryer) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	rows, err := q.w.query(ctx, text, args)
	q.note(err)
	if err == nil {
		q.rows = append(q.rows, rows)
	}
	return rows, err
}

func (q *jobQueryer) queryRow(ctx context.Context, text string, args []any) *sql.Row {
	row := q.w.queryRow(ctx, text, args)
	q.note(row.Err())
	q.row = append(q.row, row)
	return row
}

// close ends what a panic or a forgotten Close left open: an open result keeps the connection, which then could neither
// run the next statement nor be dropped.
func (q *jobQueryer) close() {
	for _, r := range q.rows {
		r.Close()
	}
	for _, r := range q.row {
		r.Scan() // the only way to close a Row; harmless after the function's own
	}
}

// call turns a panic into an error: one room's mistake must not take the writer, and with it every room, down.
func call(fn func(*Tx) error, tx *Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a write: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(tx)
}

func (w *writer) connect(ctx context.Context) error {
	if w.conn != nil {
		return nil
	}
	if w.fenced != nil {
		return w.fenced
	}
	conn, err := w.pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect for writing: %w", err)
	}
	if w.setup != nil {
		if err := w.setup(ctx, conn); err != nil {
			w.conn = conn
			w.drop() // with whatever lock it holds
			err = fmt.Errorf("connect for writing: %w", err)
			if errors.Is(err, ErrFenced) {
				w.fenced = err
				w.lost <- err
			}
			return err
		}
	}
	w.conn, w.stmts = conn, map[string]*sql.Stmt{}
	return nil
}

// drop gives the connection back to be closed; the next write opens a new one.
func (w *writer) drop() {
	if w.conn == nil {
		return
	}
	for _, s := range w.stmts {
		s.Close()
	}
	w.conn.Raw(func(any) error { return driver.ErrBadConn }) // tells the pool to close it, not to keep it
	w.conn.Close()
	w.conn, w.stmts = nil, nil
}

func (w *writer) rollback(ctx context.Context) {
	if _, err := w.exec(ctx, "rollback", nil); err != nil {
		w.drop() // whatever state it was left in must not leak into the next transaction
	}
}

// overwrite says how thoroughly SQLite erases. The setting takes effect when it is prepared, so no plan is kept.
func (w *writer) overwrite(ctx context.Context, how string) error {
	_, err := w.conn.ExecContext(ctx, "pragma secure_delete = "+how)
	return err
}

// prepare keeps each statement's plan: the texts are constants of the program, so there are only so many.
func (w *writer) prepare(ctx context.Context, q string) (*sql.Stmt, error) {
	if s, ok := w.stmts[q]; ok {
		return s, nil
	}
	s, err := w.conn.PrepareContext(ctx, w.engine.text(q))
	if err != nil {
		return nil, err
	}
	w.stmts[q] = s
	return s, nil
}

func (w *writer) exec(ctx context.Context, q string, args []any) (sql.Result, error) {
	if w.engine == Postgres {
		return w.conn.ExecContext(ctx, q, args...) // pgx keeps plans by itself
	}
	s, err := w.prepare(ctx, q)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

func (w *writer) query(ctx context.Context, q string, args []any) (*sql.Rows, error) {
	if w.engine == Postgres {
		return w.conn.QueryContext(ctx, q, args...)
	}
	s, err := w.prepare(ctx, q)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

func (w *writer) queryRow(ctx context.Context, q string, args []any) *sql.Row {
	if w.engine == Postgres {
		return w.conn.QueryRowContext(ctx, q, args...)
	}
	s, err := w.prepare(ctx, q)
	if err != nil {
		return w.conn.QueryRowContext(ctx, w.engine.text(q), args...) // answers with the same error
	}
	return s.QueryRowContext(ctx, args...)
}
