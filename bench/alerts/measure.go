//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/anlan-city/anlan/bench/ingest/rig"
)

// patience is how long the last alerts are waited for.
const patience = 30 * time.Second

// warmUp is how many rounds are sent first, without anything planted: in them the detectors come to know the datastreams.
const warmUp = 3

// result is what a run came to.
type result struct {
	ready, again time.Duration // until the server was ready: without data, and with what this run left
	registered   time.Duration
	bound        time.Duration // from the first reading until all of the warm-up are judged

	sent            int64
	took            time.Duration
	late            time.Duration   // the longest that a request waited for a free connection
	settled         time.Duration   // from the last answer until all are judged
	waits, fromSend []time.Duration // from the due time, and from the sending, until it was told
	expected        int
	told            int // alerts over the live stream
	lost            int // in the database: planted and not there,
	doubled         int // there twice,
	strange         int // and there without having been planted
	alerts          int // in the database
	before          int // in a folder that was used before
	afterRestart    int
	missing         int64         // readings that were acknowledged and not judged
	server          time.Duration // CPU
	client          time.Duration
	others          float64 // cores that other programs kept busy
	peak            int64
}

// measure sends, listens and counts.
func measure(ctx context.Context, s *rig.Server, o options, ids []int64, r *result) error {
	local := s.Client(false)
	silent := func(int, time.Time, time.Time) {}
	begin := time.Now()
	warm := &sending{addr: s.Addr, ids: ids, plan: plan{rounds: warmUp}, first: begin, told: silent}
	if err := warm.run(ctx); err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	was, err := local.Settled(ctx)
	if err != nil {
		return err
	}
	r.bound = time.Since(begin)

	listening, stop := context.WithCancel(ctx)
	defer stop()
	ears, err := listen(listening, s)
	if err != nil {
		return err
	}
	if err := s.ResetPeak(); err != nil {
		return err
	}
	serverCPU, clientCPU, machineCPU, err := cpu(s)
	if err != nil {
		return err
	}
	before := fates{}
	if err := before.read(ctx, local); err != nil {
		return err
	}
	var mu sync.Mutex
	type moments struct{ due, sent time.Time }
	handed := map[name]moments{}
	begin = time.Now().Add(step)
	run := &sending{addr: s.Addr, ids: ids, plan: plan{o.seconds, o.planted}, first: begin, told: func(stream int, due, sent time.Time) {
		mu.Lock()
		defer mu.Unlock()
		for _, rule := range rulesOf(kindOf(stream/properties), stream%properties) {
			handed[name{rule, ids[stream]}] = moments{due, sent}
		}
	}}
	if err := run.run(ctx); err != nil {
		return err
	}
	end := time.Now()
	r.sent, r.took, r.late, r.expected = run.acked.Load(), end.Sub(begin), time.Duration(run.late.Load()), len(handed)
	is, err := local.Settled(ctx)
	if err != nil {
		return err
	}
	r.settled = time.Since(end)
	r.missing = r.sent - (is.Evaluated - was.Evaluated)
	for begin := time.Now(); ; {
		n, err := ears.heard()
		if err != nil {
			return fmt.Errorf("the live stream broke off: %w", err)
		}
		if n >= r.expected || time.Since(begin) > patience {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	s1, c1, m1, err := cpu(s)
	if err != nil {
		return err
	}
	r.server, r.client = s1-serverCPU, c1-clientCPU
	r.others = (m1 - machineCPU - r.server - r.client).Seconds() / time.Since(begin).Seconds()
	if r.peak, err = s.Peak(); err != nil {
		return err
	}
	ears.mu.Lock()
	defer ears.mu.Unlock()
	for n, at := range handed {
		for _, t := range ears.told[n] {
			r.waits, r.fromSend = append(r.waits, t.Sub(at.due)), append(r.fromSend, t.Sub(at.sent))
		}
	}
	for _, times := range ears.told {
		r.told += len(times)
	}
	found := fates{}
	if err := found.read(ctx, local); err != nil {
		return err
	}
	for n, count := range before {
		if found[n] -= count; found[n] == 0 {
			delete(found, n)
		}
	}
	r.alerts, r.before = found.total(), before.total()
	for n := range handed {
		switch count := found[n]; {
		case count == 0:
			r.lost++
		case count > 1:
			r.doubled += count - 1
		}
		delete(found, n)
	}
	r.strange = found.total()
	slices.Sort(r.waits)
	slices.Sort(r.fromSend)
	return nil
}

func cpu(s *rig.Server) (server, client, machine time.Duration, err error) {
	server, err1 := s.CPU()
	client, err2 := rig.OwnCPU()
	machine, err3 := rig.MachineCPU()
	return server, client, machine, errors.Join(err1, err2, err3)
}

// percentile of waits that are in order, in milliseconds; 0 of none.
func percentile(waits []time.Duration, p float64) float64 {
	if len(waits) == 0 {
		return 0
	}
	return float64(waits[int(float64(len(waits)-1)*p/100)]) / float64(time.Millisecond)
}

func (r *result) rate() float64 { return float64(r.sent) / r.took.Seconds() }

func (r *result) print(out io.Writer) {
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(what, format string, args ...any) { fmt.Fprintf(tw, what+"\t"+format+"\n", args...) }
	row("start with 10,000 rules, no data", "%.1f s", r.ready.Seconds())
	row("register 10,000 assets, 100,000 datastreams", "%.1f s", r.registered.Seconds())
	row("first readings of all: sent and judged", "%.1f s for %d rounds", r.bound.Seconds(), warmUp)
	row("readings", "%d in %.1f s, %.0f/s; a request waited at most %.1f ms to be sent", r.sent, r.took.Seconds(), r.rate(), float64(r.late)/1e6)
	waits := func(what string, w []time.Duration) {
		row(what, "p50 %.1f ms, p95 %.1f, p99 %.1f, p99.9 %.1f, longest %.1f", percentile(w, 50), percentile(w, 95), percentile(w, 99), percentile(w, 99.9), percentile(w, 100))
	}
	waits("reading due to alert told", r.waits)
	waits("reading sent to alert told", r.fromSend)
	row("alerts", "%d planted, %d told, %d in the database: %d lost, %d doubled, %d not planted; %d after a restart", r.expected, r.told, r.alerts, r.lost, r.doubled, r.strange, r.afterRestart)
	row("readings not judged", "%d; the last ones were judged %d ms after the last answer", r.missing, r.settled.Milliseconds())
	row("server", "%.2f cores, %.2f µs a reading, peak %d MB", r.server.Seconds()/r.took.Seconds(), r.server.Seconds()*1e6/float64(max(r.sent, 1)), r.peak/1e6)
	row("client", "%.2f cores; other programs %.2f", r.client.Seconds()/r.took.Seconds(), r.others)
	row("start again, with that data", "%.1f s", r.again.Seconds())
	tw.Flush()
}

func (r *result) lastLine(out io.Writer) error {
	_, err := fmt.Fprintf(out, "detectors=%d readings_per_s=%.0f alert_ms_p50=%.1f alert_ms_p99=%.1f alerts_expected=%d alerts=%d\n",
		detectors, r.rate(), percentile(r.waits, 50), percentile(r.waits, 99), r.expected, r.alerts)
	return err
}

// verdict says what does not hold.
func (r *result) verdict() error {
	var errs []error
	if r.expected == 0 {
		errs = append(errs, errors.New("nothing was planted"))
	}
	if r.lost+r.doubled+r.strange > 0 || r.told != r.expected || r.afterRestart != r.before+r.alerts {
		errs = append(errs, fmt.Errorf("of %d alerts %d were lost, %d doubled, %d were not planted, %d were told, %d are there after a restart",
			r.expected, r.lost, r.doubled, r.strange, r.told, r.afterRestart))
	}
	if r.missing != 0 {
		errs = append(errs, fmt.Errorf("%d readings were acknowledged and not judged", r.missing))
	}
	return errors.Join(errs...)
}
