//go:build linux

// Command cases measures cases at work: 100,000 open ones with three appointments each, people who move 200 a second, pages
// that are opened beside, limits that pass meanwhile, and readings that become alerts in an inbox. Then it kills the server again and again, sets its clock an hour
// ahead and back, and cuts its power, and looks whether every limit passed once and every acknowledged move is there once.
//
//	go run ./bench/cases
//
// The cases are opened through the room itself, some of them in the past, so that their limits fall due in the run. The server
// is the product in a process of its own, on a clock that can be set; moves and pages go over HTTP as the console's do. Late is
// by how much a limit was told after it had passed, in the calm phase. How long a move took counts from when it was due.
//
// A power cut is made by forgetfs (see bench/crash), with fewer cases, since that file system lies in memory.
//
// The last line is for machines. The exit code is not 0 when something was lost or doubled.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/anlan-city/anlan/bench/crash/forgetfs"
	"github.com/anlan-city/anlan/bench/ingest/rig"
)

func main() {
	if len(os.Args) > 1 && parts[os.Args[1]] != nil {
		if err := parts[os.Args[1]](os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, os.Args[1]+":", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.IntVar(&o.cases, "cases", 100_000, "how many cases are open")
	flag.DurationVar(&o.calm, "calm", time.Minute, "how long the undisturbed phase is")
	flag.IntVar(&o.kills, "kills", 50, "how often to kill the server")
	flag.IntVar(&o.cuts, "powercuts", 10, "how often to cut its power")
	flag.BoolVar(&o.keep, "keep", false, "keep the work folder with the server's log")
	short := flag.Bool("short", false, "less of all, under 45 seconds")
	flag.Parse()
	if *short {
		o.cases, o.calm, o.kills, o.cuts = min(o.cases, 8_000), min(o.calm, 6*time.Second), min(o.kills, 3), min(o.cuts, 1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "cases:", err)
		os.Exit(1)
	}
}

type options struct {
	cases, kills, cuts int
	calm               time.Duration
	keep               bool
}

const (
	// limitsPerSecond pass in the calm phase.
	limitsPerSecond = 50
	// limitsLater pass in the hours after it, into which the clock is set.
	limitsLater = 2_000
	// cutCases is how many cases are open when the power is cut.
	cutCases = 5_000
	jump     = time.Hour
)

func run(ctx context.Context, o options, out io.Writer) (err error) {
	work, err := os.MkdirTemp("", "anlan-cases-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil || o.keep {
			fmt.Fprintln(out, "the server's log is in", work)
			return
		}
		err = os.RemoveAll(work)
	}()
	calm := trial{options: o, dir: filepath.Join(work, "kills"), out: out, disturbances: o.kills}
	if err := calm.run(ctx); err != nil {
		return err
	}
	cut := trial{options: o, dir: filepath.Join(work, "cuts"), out: out, disturbances: o.cuts, fs: forgetfs.New(forgetfs.WithFile)}
	cut.options.cases, cut.options.calm = min(o.cases, cutCases), 0
	if o.cuts > 0 {
		if err := cut.run(ctx); errors.Is(err, forgetfs.ErrUnavailable) {
			fmt.Fprintf(out, "no power was cut: %v\n", err)
		} else if err != nil {
			return err
		}
	}
	v, w := calm.verdict, cut.verdict
	p := func(all []time.Duration, percent int) float64 { return percentile(all, percent) }
	fmt.Fprintf(out, "\n%-36s%12s%12s%12s%12s\n", "ms", "median", "p95", "p99", "longest")
	for _, row := range []struct {
		name string
		all  []time.Duration
	}{{"a limit is told after it passed", v.late}, {"a move, from when it was due", calm.moves}, {"a case's page", calm.pages}, {fmt.Sprintf("that of a case of %d lines", longLines), calm.long},
		{"a reading to a notice in an inbox", calm.alerts}} {
		fmt.Fprintf(out, "%-36s%12.1f%12.1f%12.1f%12.1f\n", row.name, p(row.all, 50), p(row.all, 95), p(row.all, 99), p(row.all, 100))
	}
	fmt.Fprintf(out, "\n%d kills and %d settings of the clock: %s\n", calm.downs, calm.jumps, v)
	fmt.Fprintf(out, "%d power cuts and %d settings of the clock: %s\n", cut.downs, cut.jumps, w)
	lost, doubled := v.lostTimers+v.lostMoves+w.lostTimers+w.lostMoves, v.doubledTimers+v.doubledMoves+w.doubledTimers+w.doubledMoves
	fmt.Fprintf(out, "open=%d timers=%d late_ms_p99=%.1f moves_per_s=%.0f move_ms_p95=%.1f lost=%d doubled=%d\n",
		calm.filled.Open, calm.timers, p(v.late, 99), calm.rate, p(calm.moves, 95), lost, doubled)
	if lost+doubled+v.early+w.early > 0 {
		return errors.New("something was lost, doubled or early")
	}
	return nil
}

// trial is one store with one server, started again and again.
type trial struct {
	options
	dir          string
	out          io.Writer
	disturbances int
	fs           *forgetfs.FS // nil: the server is killed

	filled       filled
	timers       int
	downs, jumps int
	moves, pages []time.Duration // of the calm phase
	long         []time.Duration
	alerts       []time.Duration
	rate         float64
	verdict      verdict
}

func (t *trial) run(ctx context.Context) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	data, packs, clockAt := filepath.Join(t.dir, "data"), filepath.Join(t.dir, "bench"), filepath.Join(t.dir, "clock")
	if err := errors.Join(os.MkdirAll(data, 0o700), writePack(packs), setClock(clockAt, 0), os.Setenv(clockFile, clockAt)); err != nil {
		return err
	}
	if t.fs != nil {
		if err := t.fs.Mount(data); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, t.fs.Unmount()) }()
	}
	s := &rig.Server{Binary: self, Data: data, Log: filepath.Join(t.dir, "server.log"), Packs: []string{packs}, NoMQTT: true}
	if err := s.Start(ctx); err != nil { // it makes the store
		return err
	}
	defer s.Kill()
	owner, holder, err := register(ctx, s)
	if err != nil {
		return err
	}
	if err := s.Stop(); err != nil {
		return err
	}
	begin := time.Now()
	from := begin.Add(time.Duration(t.cases)*time.Millisecond + 5*time.Second).Truncate(time.Microsecond) // enough to fill and to start
	to := from.Add(t.calm)
	due := dues(from, to, t.kills)
	if err := t.ask(ctx, self, &t.filled, "fill", fillWork{data, packs, t.cases, owner, due}); err != nil {
		return err
	}
	t.timers = 3 * t.filled.Open
	fmt.Fprintf(t.out, "%d cases are open with %d appointments, filled in %.1f s\n", t.filled.Open, t.timers, time.Since(begin).Seconds())
	if err := s.Start(ctx); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "the server is ready after %.1f s\n", s.Ready.Seconds())
	d, err := signIn(ctx, s, t.filled.Quiet)
	if err != nil {
		return err
	}
	if t.calm > 0 {
		if time.Until(from) < 0 {
			return fmt.Errorf("the store took %s to fill and start: longer than thought", time.Since(begin))
		}
		<-time.After(time.Until(from))
		quiet, end := context.WithDeadline(ctx, to)
		var wg sync.WaitGroup
		var errs [3]error
		wg.Go(func() { errs[0] = d.work(quiet, false) })
		wg.Go(func() { errs[1] = d.look(quiet) })
		wg.Go(func() { errs[2] = d.alarm(quiet, s.Client(false), holder) })
		wg.Wait()
		end()
		if err := errors.Join(errs[:]...); err != nil {
			return err
		}
		t.moves, t.pages, t.long, t.alerts, t.rate = d.took, d.pages, d.long, d.alerts, float64(len(d.took))/t.calm.Seconds()
	}
	offset, err := t.disturb(ctx, s, d, clockAt)
	if err != nil {
		return err
	}
	const patience = 2 * time.Second
	<-time.After(patience) // what fell due just now
	end := time.Now()
	if err := s.Stop(); err != nil {
		return err
	}
	var f found
	if err := t.ask(ctx, self, &f, "read", data); err != nil {
		return err
	}
	t.verdict = f.judge(due, t.timers, d.state, from, to, end.Add(offset-patience))
	return nil
}

// dues are the times at which limits pass: many in the calm phase, and some in the hours after it, into which the clock is set.
func dues(from, to time.Time, seed int) []time.Time {
	rng := rand.New(rand.NewPCG(uint64(seed), 2))
	var out []time.Time
	taken := map[int64]bool{}
	add := func(from time.Time, within time.Duration) {
		at := from.Add(time.Duration(rng.Int64N(int64(within)))).Truncate(time.Microsecond)
		if !taken[at.UnixMicro()] { // a limit is known by its moment
			taken[at.UnixMicro()] = true
			out = append(out, at)
		}
	}
	for range int(to.Sub(from).Seconds() * limitsPerSecond) {
		add(from, to.Sub(from))
	}
	for range limitsLater {
		add(to, 5*jump/2)
	}
	return out
}

// settings are what the clock is set to one after the other: ahead, right, behind, right, and ahead again, past what it has
// seen before.
var settings = []time.Duration{jump, 0, -jump, 0, 2 * jump}

// disturb brings the server down again and again while people work, and sets its clock in between. offset is by how much the
// clock is wrong in the end.
func (t *trial) disturb(ctx context.Context, s *rig.Server, d *desks, clockAt string) (offset time.Duration, err error) {
	rng := rand.New(rand.NewPCG(uint64(t.disturbances), 3))
	for i := range t.disturbances {
		if n := (i + 1) * len(settings) / t.disturbances; n > t.jumps {
			offset = settings[n-1]
			if err := setClock(clockAt, offset); err != nil {
				return offset, err
			}
			t.jumps++
		}
		working, finish := context.WithTimeout(ctx, 200*time.Millisecond+time.Duration(rng.IntN(1500))*time.Millisecond)
		done := make(chan error, 1)
		go func() { done <- d.work(working, true) }()
		<-working.Done()
		if t.fs == nil {
			s.Kill() // with moves under way
		} else {
			t.fs.PowerCut(rng, s.Shoot)
			s.Kill()
		}
		finish()
		if err := <-done; err != nil {
			return offset, err
		}
		if t.fs != nil {
			if err := t.fs.Remount(); err != nil {
				return offset, err
			}
		}
		t.downs++
		if err := s.Start(ctx); err != nil {
			return offset, fmt.Errorf("after %d disturbances: %w", t.downs, err)
		}
	}
	return offset, nil
}

func setClock(file string, offset time.Duration) error {
	if err := os.WriteFile(file+".new", []byte(strconv.Itoa(int(offset/time.Second))), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file) // so that nobody reads half of it
}

// percentile is the p-th percentile of some durations, in milliseconds; 0 of none.
func percentile(all []time.Duration, p int) float64 {
	if len(all) == 0 {
		return 0
	}
	all = slices.Sorted(slices.Values(all))
	return float64(all[(len(all)-1)*p/100]) / float64(time.Millisecond)
}
