package db

import (
	"context"
	"database/sql"
	"encoding/binary"
	"log/slog"
	"os"
)

// What the write-ahead log holds, in frames of a page each.
const (
	// logFrames is when the writer does a checkpoint of its own, within a commit.
	logFrames = 8192

	// checkpointEvery is how many frames are worth a checkpoint beside the writer.
	checkpointEvery = 1024

	// nearlyFull is from when on a checkpoint follows the other: one that copies all before the next commit lets that commit
	// begin the log anew, and if none does, the writer's own finds next to nothing left.
	nearlyFull = logFrames * 7 / 8
	worthThen  = 32
)

// checkpointer copies what stands in SQLite's write-ahead log into the database, beside the writer instead of within its
// commits: a commit that does it itself keeps everybody waiting for tens of milliseconds. A passive checkpoint takes no lock
// that the writer needs.
//
// SQLite syncs the database only with a checkpoint that finds nothing left to copy, most often the writer's. So that this one
// does not pay for all others, the file is synced here after each.
//
// Whoever closes a file gives up all locks that the process has on it, SQLite's too. So both files stay open until no connection is
// left: see release.
type checkpointer struct {
	pool  *sql.DB
	path  string
	file  *os.File // the database
	index *os.File // of the log
	due   chan struct{}
	quit  chan struct{}
	done  chan struct{}
}

func newCheckpointer(c sqliteConnector, path string) *checkpointer {
	p := &checkpointer{pool: sql.OpenDB(c), path: path, due: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
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

// release lets the files go, after stop and once all connections are closed. It may be called on nil.
func (p *checkpointer) release() {
	if p == nil {
		return
	}
	p.file.Close()
	p.index.Close()
}

func (p *checkpointer) run() {
	defer close(p.done)
	defer p.pool.Close()
	for {
		select {
		case <-p.quit:
			return
		case <-p.due:
		}
		for p.copy() {
		}
	}
}

// copy does a checkpoint if that is worth it, and says whether it copied anything.
func (p *checkpointer) copy() bool {
	written, copied, err := p.frames()
	if err != nil {
		slog.Debug("the write-ahead log can't be looked at, so the writer copies it", "database", p.path, "err", err)
		return false
	}
	worth := uint32(checkpointEvery)
	if written > nearlyFull {
		worth = worthThen
	}
	if written < copied+worth {
		return false
	}
	done, err := p.checkpoint()
	if err != nil {
		slog.Debug("a checkpoint has to wait", "err", err)
		return false
	}
	if done <= int64(copied) { // somebody still reads what stood there before
		return false
	}
	if err := p.file.Sync(); err != nil {
		slog.Error("the database can't be synced", "database", p.path, "err", err)
		return false
	}
	return true
}

// checkpoint copies what nobody is in the way of, and returns how many frames of the log stand in the database then.
func (p *checkpointer) checkpoint() (copied int64, err error) {
	var busy, written int64
	err = p.pool.QueryRowContext(context.Background(), "pragma wal_checkpoint(passive)").Scan(&busy, &written, &copied)
	return copied, err
}

// frames are how many frames of the log are valid, and how many of these stand in the database. The length of the log doesn't
// tell, since one that is begun anew keeps it. See the WAL-index in https://www.sqlite.org/walformat.html
func (p *checkpointer) frames() (written, copied uint32, err error) {
	if p.index == nil {
		if _, err := p.checkpoint(); err != nil { // with a connection of its own the index stays the same file
			return 0, 0, err
		}
		if p.file == nil {
			if p.file, err = os.Open(p.path); err != nil {
				return 0, 0, err
			}
		}
		if p.index, err = os.Open(p.path + "-shm"); err != nil {
			return 0, 0, err
		}
	}
	var b [100]byte
	if _, err := p.index.ReadAt(b[:], 0); err != nil {
		return 0, 0, err
	}
	return binary.NativeEndian.Uint32(b[16:]), binary.NativeEndian.Uint32(b[96:]), nil
}
