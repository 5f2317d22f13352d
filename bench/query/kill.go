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

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that the server has too

	"github.com/anlan-city/anlan/bench/ingest/rig"
)

// onDisk is how many bytes the database of a server takes that was stopped in order.
func onDisk(ctx context.Context, s *rig.Server) (size int64, err error) {
	if s.Database != "" {
		pool, err := sql.Open("pgx", s.Database)
		if err != nil {
			return 0, err
		}
		defer pool.Close()
		err = pool.QueryRowContext(ctx, "select pg_database_size(current_database())").Scan(&size)
		return size, err
	}
	entries, err := os.ReadDir(s.Data)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasPrefix(e.Name(), "anlan.db") {
			size += info.Size()
		}
	}
	return size, err
}

// kills is what came of killing the server.
type kills struct {
	ready []time.Duration
	lost  int64
}

func (k kills) print(out io.Writer) {
	if len(k.ready) == 0 {
		return
	}
	slices.Sort(k.ready)
	fmt.Fprintf(out, "killed %d times while it took in readings: ready again after %d ms (median), %d ms (slowest); %d acknowledged readings lost\n",
		len(k.ready), k.ready[len(k.ready)/2].Milliseconds(), k.ready[len(k.ready)-1].Milliseconds(), k.lost)
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
	behind := func(n int) time.Time { return c.at(c.per()).Add(time.Duration(n-c.per()) * time.Second) }
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
		begin := time.Now()
		if err := s.Start(ctx); err != nil {
			return k, err
		}
		k.ready = append(k.ready, time.Since(begin))
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
