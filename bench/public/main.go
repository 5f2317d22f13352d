//go:build linux

// Command public measures whether the public page stands while everyone looks at it: a red warning is out, and a city reads.
//
//	go run ./bench/public
//	go run ./bench/public -short
//
// The server is the real program, a child process on a port of its own, with 16 districts of 6 towns each in its register and a
// red warning and seven others in force. This process is the public: keep-alive connections that ask for the list of warnings
// (in both languages, of all districts and towns, in both text sizes), single warnings, the feeds, the CAP documents and the
// displays' feed, some compressed, some with the tag of what they have. The first phase is an open loop: every request has a time at which it is
// due, whatever became of those before it, and its latency counts from then to the last byte of the answer. Meanwhile two officers issue, update and end a warning again
// and again; each time is taken from the first byte of their last request to the first answer, to somebody else, that shows
// it. The second phase asks as fast as it can.
//
// Each answer is held against what it must say; the exit code is not 0 when one is wrong, or when fewer requests were answered
// than were asked for. The last line is for machines.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/anlan-city/anlan/bench/ingest/rig"
)

type options struct {
	rate    int // requests per second in the open loop
	readers int // connections
	steady  time.Duration
	full    time.Duration
	rounds  int // of issue, update and end
	binary  string
	dir     string
}

func main() {
	o := options{steady: 60 * time.Second, full: 15 * time.Second, rounds: 10}
	short := flag.Bool("short", false, "under a minute")
	flag.IntVar(&o.rate, "rate", 5000, "requests per second")
	flag.IntVar(&o.readers, "connections", 128, "keep-alive connections")
	flag.StringVar(&o.binary, "bin", "", "the server to measure; by default it is built from ./cmd/anlan")
	flag.StringVar(&o.dir, "dir", "", "folder for the data and the log; by default one that goes afterwards")
	flag.Parse()
	if *short {
		o.steady, o.full, o.rounds = 12*time.Second, 4*time.Second, 3
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "public:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) (err error) {
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "anlan-public-"); err != nil {
			return err
		}
		defer os.RemoveAll(o.dir)
	}
	if o.binary == "" {
		if o.binary, err = rig.Build(ctx, o.dir); err != nil {
			return err
		}
	}
	s := &rig.Server{Binary: o.binary, Data: filepath.Join(o.dir, "data"), Log: filepath.Join(o.dir, "server.log"), NoMQTT: true}
	if err := s.Start(ctx); err != nil {
		return err
	}
	defer s.Kill()
	d, err := newDesk(ctx, s)
	if err != nil {
		return fmt.Errorf("prepare the city: %w", err)
	}
	targets, err := d.targets(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d cores shared by server and readers; %d connections, %d different addresses\n", runtime.NumCPU(), o.readers, len(targets))

	cpu, err := s.CPU()
	if err != nil {
		return err
	}
	machine, err := rig.MachineCPU()
	if err != nil {
		return err
	}
	begin := time.Now()
	var steady result
	var shown figures
	g, phase := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		steady, err = read(phase, s.Addr, targets, o.readers, o.rate, o.steady)
		return err
	})
	g.Go(func() (err error) {
		shown, err = d.publish(phase, o.rounds, o.steady)
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	took := time.Since(begin)
	used, err := s.CPU()
	if err != nil {
		return err
	}
	all, err := rig.MachineCPU()
	if err != nil {
		return err
	}
	steady.print(out, fmt.Sprintf("at %d requests/s", o.rate))
	fmt.Fprintf(out, "the server used %.2f of %d cores, all processes of the machine together %.2f\n",
		(used-cpu).Seconds()/took.Seconds(), runtime.NumCPU(), (all-machine).Seconds()/took.Seconds())
	shown.print(out)

	full, err := read(ctx, s.Addr, targets, o.readers, 0, o.full)
	if err != nil {
		return err
	}
	full.print(out, "at full tilt")
	peak, err := s.Peak()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "the server held at most %d MB\n", peak>>20)
	errs := steady.errors + full.errors
	fmt.Fprintf(out, "requests_per_s=%.0f p50_ms=%.2f p99_ms=%.2f errors=%d max_per_s=%.0f publish_to_page_ms=%d publish_to_feed_ms=%d\n",
		steady.rate(), ms(steady.quantile(.5)), ms(steady.quantile(.99)), errs, full.rate(), shown.page.Milliseconds(), shown.feed.Milliseconds())
	if errs > 0 {
		return fmt.Errorf("%d answers were wrong; the first: %w", errs, firstOf(steady.first, full.first))
	}
	if steady.rate() < .99*float64(o.rate) {
		return fmt.Errorf("%.0f of %d requests/s were answered", steady.rate(), o.rate)
	}
	return nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
