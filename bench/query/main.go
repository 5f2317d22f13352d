//go:build linux

// Command query measures how fast Anlan answers over many readings, how much disk they take, and how soon the server is
// ready after a kill.
//
//	go run ./bench/query -streams 10000 -rows 50000000
//	go run ./bench/query -dir /var/tmp/anlan-query        # fills the folder once, and uses it again
//	go run ./bench/query -short
//
// The server is the real program, a child process; it is filled over its own API by data arrays, in the order of time, as a
// city's instruments would: every datastream has readings over the last year, with one decimal, slowly varying; half of
// them come at equal steps, the others up to half a minute late. Then it is stopped in order, started afresh and asked one question after the other by a bare HTTP client. An
// answer is timed from the first byte of the question to the last byte of the answer, read and then held against what was
// filled in; answers are not compressed. At last it is killed again and again while it takes in more, on a copy of its data.
//
// The last line is for machines: medians, where several questions share a figure the worst of their medians. The exit code
// is not 0 when an answer is wrong.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/anlan-city/anlan/bench/ingest/rig"
)

type options struct {
	city
	dir      string
	keep     bool
	binary   string
	database string
	repeat   int
	budget   time.Duration
	kills    int
	only     string
}

func main() {
	o := options{repeat: 300, budget: 5 * time.Second, kills: 5}
	short := flag.Bool("short", false, "fewer rows, under 45 seconds")
	flag.IntVar(&o.Streams, "streams", 10_000, "datastreams, a multiple of 40")
	flag.IntVar(&o.Rows, "rows", 50_000_000, "readings in all, a multiple of 20 for each datastream")
	flag.BoolVar(&o.Zeros, "zeros", false, "write 12.0 for 12, as the encoders of some languages do, which is kept as it was written")
	flag.StringVar(&o.dir, "dir", "", "folder for the data; one that was filled before is used again")
	flag.BoolVar(&o.keep, "keep", false, "keep the folder; one that was named by -dir is always kept")
	flag.StringVar(&o.binary, "bin", "", "the server to measure; by default it is built from ./cmd/anlan")
	flag.StringVar(&o.database, "database", "", "postgres://... instead of SQLite: empty, or filled by a run with the same -dir")
	flag.IntVar(&o.kills, "kills", o.kills, "how often to kill the server at the end")
	flag.StringVar(&o.only, "only", "", "only questions whose name contains this; the last line then has zeros")
	flag.Parse()
	if *short {
		o.Streams, o.Rows = min(o.Streams, 2_000), min(o.Rows, 1_000_000)
		o.repeat, o.budget, o.kills = 30, 300*time.Millisecond, min(o.kills, 2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "query:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) (err error) {
	if o.Streams%(clients*perThing) != 0 || o.Rows%(o.Streams*perRequest) != 0 {
		return fmt.Errorf("%d datastreams with %d readings: expected a multiple of %d datastreams with a multiple of %d readings each",
			o.Streams, o.Rows, clients*perThing, perRequest)
	}
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "anlan-query-"); err != nil {
			return err
		}
		defer func() {
			if err != nil || o.keep {
				fmt.Fprintln(out, "the data and the server's log are in", o.dir)
				return
			}
			err = os.RemoveAll(o.dir)
		}()
	} else if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	if o.binary == "" {
		if o.binary, err = rig.Build(ctx, o.dir); err != nil {
			return err
		}
	}
	s := &rig.Server{Binary: o.binary, Data: filepath.Join(o.dir, "data"), Log: filepath.Join(o.dir, "server.log"), Database: o.database}
	filled, err := fillOnce(ctx, s, filepath.Join(o.dir, "filled.json"), o.city)
	if err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	filled.print(out)

	if err := s.Start(ctx); err != nil {
		return err
	}
	defer s.Kill()
	fmt.Fprintf(out, "started after a stop in order: listens after %d ms, ready after %d ms\n", s.Listened.Milliseconds(), s.Ready.Milliseconds())
	rows, err := askAll(ctx, s, o, filled.city)
	if err != nil {
		return err
	}
	peak := int64(0)
	for _, r := range rows {
		peak = max(peak, r.peak)
	}
	if err := s.Stop(); err != nil {
		return err
	}
	size, free, err := onDisk(ctx, s)
	if err != nil {
		return err
	}
	kills, err := killed(ctx, *s, filled.city, o)
	if err != nil {
		return fmt.Errorf("kill: %w", err)
	}
	printTable(out, rows)
	fmt.Fprintf(out, "%d MB on disk, %.2f bytes per reading, %d MB of them free for the log; the server held at most %d MB while it was filled, %d MB while it answered\n",
		size/1e6, float64(size)/float64(filled.Rows), free/1e6, filled.Peak/1e6, peak/1e6)
	kills.print(out)
	return lastLine(out, rows, float64(size)/float64(filled.Rows))
}
