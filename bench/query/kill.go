//go:build linux

package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the drivers that the server has too
	_ "modernc.org/sqlite"

	"github.com/anlan-city/anlan/bench/ingest/rig"
)

// onDisk is how many bytes the database of a server takes that was stopped in order, and how many of them are free pages
// of SQLite: the log had them while it was longer, and will have them again.
func onDisk(ctx context.Context, s *rig.Server) (size, free int64, err error) {
	if s.Database != "" {
		err = ask1(ctx, "pgx", s.Database, "select pg_database_size(current_database())", &size)
		return size, 0, err
	}
	entries, err := os.ReadDir(s.Data)
	if err != nil {
		return 0, 0, err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return 0, 0, err
		}
		if strings.HasPrefix(e.Name(), "anlan.db") {
			size += info.Size()
		}
	}
	file := "file:" + filepath.Join(s.Data, "anlan.db") + "?mode=ro"
	err = ask1(ctx, "sqlite", file, "select freelist_count * page_size from pragma_freelist_count, pragma_page_size", &free)
	return size, free, err
}

// ask1 asks a database for one number.
func ask1(ctx context.Context, driver, dsn, query string, into *int64) error {
	pool, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	defer pool.Close()
	return pool.QueryRowContext(ctx, query).Scan(into)
}

// kills is what came of killing the server.
type kills struct {
	listened, ready []time.Duration
	lost            int64
}

func (k kills) print(out io.Writer) {
	if len(k.ready) == 0 {
		return
	}
	slices.Sort(k.listened)
	slices.Sort(k.ready)
	fmt.Fprintf(out, "killed %d times while it took in readings: listened again after %d ms (median), %d ms (slowest), ready after %d ms, %d ms; %d acknowledged readings lost\n",
		len(k.ready), k.listened[len(k.listened)/2].Milliseconds(), k.listened[len(k.listened)-1].Milliseconds(),
		k.ready[len(k.ready)/2].Milliseconds(), k.ready[len(k.ready)-1].Milliseconds(), k.lost)
}

// atOnce is how many readings of each datastream are more than can be sent before a kill.
const atOnce = 2_000

// killed kills the server at random moments while readings come in, and times its starts. It works on a copy of the data,
// so that the folder can be used again; a PostgreSQL database gets the new readings for good.
func killed(ctx context.Context, s rig.Server, c city, o options) (k kills, err error) {
	if o.kills == 0 || o.only != "" {
		return k, nil
	}
	copied := s.Data + "-to-kill"
	if err := os.RemoveAll(copied); err != nil { // of a run that was broken off
		return k, err
	}
	if err := os.CopyFS(copied, os.DirFS(s.Data)); err != nil {
		return k, err
	}
	defer os.RemoveAll(copied)
	err = filepath.WalkDir(copied, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			err = os.Chmod(path, 0o600) // CopyFS makes them readable to more, which keys must not be
		}
		return err
	})
	if err != nil {
		return k, err
	}
	s.Data = copied
	if err := s.Start(ctx); err != nil {
		return k, err
	}
	defer s.Kill()
	ids, err := datastreams(ctx, s.Client(false))
	if err != nil {
		return k, err
	}
	rng := rand.New(rand.NewPCG(1, 1))
	// The new readings follow the last ones second by second, so that none lies in the future.
	behind := func(_ int64, n int) time.Time { return c.tick(c.per()).Add(time.Duration(n-c.per()) * time.Second) }
	next := c.per()
	for range o.kills {
		before, err := s.Client(false).Count(ctx, 0)
		if err != nil {
			return k, err
		}
		sending, stop := context.WithCancel(ctx)
		var acked atomic.Int64
		sent := make(chan error, 1)
		go func() { sent <- send(sending, &s, source{ids, c.Zeros, behind}, next, next+atOnce, &acked) }()
		select {
		case err := <-sent:
			stop()
			return k, fmt.Errorf("sending ended by itself: %w", err)
		case <-time.After(500*time.Millisecond + time.Duration(rng.IntN(2_000))*time.Millisecond):
		}
		s.Kill()
		stop()
		<-sent // it failed, as it should
		next += atOnce
		if err := s.Start(ctx); err != nil {
			return k, err
		}
		k.listened, k.ready = append(k.listened, s.Listened), append(k.ready, s.Ready)
		after, err := s.Client(false).Count(ctx, 0)
		if err != nil {
			return k, err
		}
		k.lost += max(0, acked.Load()-(after-before))
	}
	if k.lost > 0 {
		return k, fmt.Errorf("%d acknowledged readings are gone", k.lost)
	}
	return k, s.Stop()
}
