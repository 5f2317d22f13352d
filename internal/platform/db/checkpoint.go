package db

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
)

// checkpointEvery is how much the write-ahead log grows between two checkpoints, in bytes.
const checkpointEvery = 4 << 20

// checkpointer copies what stands in SQLite's write-ahead log into the database, beside the writer instead of within its
// commits: a commit that does it itself keeps everybody waiting for tens of milliseconds. A passive checkpoint takes no lock
// that the writer needs. It can't begin the log anew, which only the writer can: that still does a checkpoint of its own when
// the log is eight times as long, and finds most of it done.
type checkpointer struct {
	pool *sql.DB
	log  string // the file
	due  chan struct{}
	quit chan struct{}
	done chan struct{}
}

func newCheckpointer(c sqliteConnector, path string) *checkpointer {
	p := &checkpointer{pool: sql.OpenDB(c), log: path + "-wal", due: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	p.pool.SetMaxOpenConns(1)
	go p.run()
	return p
}

// wake says that something was committed. It doesn't block, and may be called on nil.
func (p *checkpointer) wake() {
	if p == nil {
		return
	}
	select {
	case p.due <- struct{}{}:
	default:
	}
}

// stop ends it. It may be called on nil.
func (p *checkpointer) stop() {
	if p == nil {
		return
	}
	close(p.quit)
	<-p.done
}

func (p *checkpointer) run() {
	defer close(p.done)
	defer p.pool.Close()
	var last int64
	for {
		select {
		case <-p.quit:
			return
		case <-p.due:
		}
		info, err := os.Stat(p.log)
		if err != nil {
			continue // it is made with the first commit
		}
		if size := info.Size(); size < last {
			last = size // begun anew
		} else if size-last < checkpointEvery {
			continue
		}
		last = info.Size()
		if _, err := p.pool.ExecContext(context.Background(), "pragma wal_checkpoint(passive)"); err != nil {
			slog.Debug("a checkpoint has to wait", "err", err)
		}
	}
}
