package replay

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/anlan-city/anlan/internal/platform/clock"
)

// Defaults of Options.
const (
	DefaultURL = "http://127.0.0.1:8080"

	// batchReadings is large enough that a commit's sync is no matter, and small enough that the server's writer stays free.
	batchReadings = 20_000
	batchReports  = 1_000 // the most that the server takes
)

// Options say what to replay, where to and how fast.
type Options struct {
	Mapping string  // the mapping file
	From    string  // the folder of the recorded files
	Speed   float64 // recorded seconds per second; 0 is as fast as it goes
	Follow  bool    // send each thing when the server's clock, that of a drill, reaches it, in place of Speed

	Since, Until time.Time // only what happened from Since on and before Until; zero: no bound

	URL       string // of the server, DefaultURL by default
	Token     string
	TokenFile string // read when there is no Token; it may be absent

	Truth   string // a file in place of that of the mapping's truth section
	SkipBad bool   // leave out cells and rows with a problem instead of sending nothing
	Check   bool   // read and count only, without a server

	Out      io.Writer
	Terminal bool // Out is a terminal: draw a bar
	Clock    clock.Clock
	HTTP     *http.Client
}

// ErrIncomplete says that the server refused some of what was sent; the summary told what and why.
var ErrIncomplete = errors.New("the server refused a part")

// Run replays. It prints a summary to Out in any case. Problems in the mapping or the files are returned as Problems.
func Run(ctx context.Context, o Options) error {
	if o.Speed < 0 {
		return fmt.Errorf("speed %g: expected 0 for as fast as it goes, 1 for the recorded pace, or more", o.Speed)
	}
	if o.Follow && o.Speed != 0 {
		return errors.New("follow takes its pace from the server's clock: expected no speed beside it")
	}
	plan, left, err := read(o.Mapping, o.From, o.Truth, o.SkipBad)
	if err != nil {
		return err
	}
	if !o.Since.IsZero() || !o.Until.IsZero() {
		if plan.within(o.Since, o.Until); len(plan.Readings)+len(plan.Reports) == 0 && plan.Count.Outside > 0 {
			return fmt.Errorf("nothing happened in the period: expected since and until to reach into what the files hold (%s readings and reports outside of it)", thousands(plan.Count.Outside))
		}
	}
	r := &run{o: o, plan: plan, source: "replay-" + strings.TrimSuffix(filepath.Base(o.Mapping), filepath.Ext(o.Mapping))}
	r.printRead(left)
	if o.Check {
		return nil
	}
	if r.client, err = newClient(o); err != nil {
		return err
	}
	if err := r.register(ctx); err != nil {
		return err
	}
	if err := r.findKnown(ctx); err != nil {
		return err
	}
	err = r.send(ctx)
	r.printSent()
	if err != nil {
		return err
	}
	if plan.truth != nil && len(plan.Readings) > 0 {
		if err := r.scoreAlerts(ctx); err != nil {
			return err
		}
	}
	if r.refused > 0 {
		return ErrIncomplete
	}
	return nil
}

// run is one replay.
type run struct {
	o        Options
	plan     *Plan
	readings []Reading // of the plan, those that the server has not
	source   string
	client   *client
	ids      map[string]int64 // the server's, of datastreams by external id
	pace     *pace
	bar      *progress

	known     int    // readings that the server has already
	unchecked string // why it could not be asked

	// Readings and reports are sent side by side; mu guards what both count.
	mu                      sync.Mutex
	sent, accepted, refused int
	recognised              int // reports that the server had
	reasons                 map[string]*reason
}

// reason is why the server refused something, and how often.
type reason struct {
	count   int
	example string
}

func newClient(o Options) (*client, error) {
	c := &client{base: strings.TrimSuffix(cmp.Or(o.URL, DefaultURL), "/"), token: o.Token, http: o.HTTP, clock: o.Clock}
	if c.http == nil {
		c.http = &http.Client{Timeout: 2 * time.Minute}
	}
	if c.token == "" && o.TokenFile != "" {
		content, err := os.ReadFile(o.TokenFile)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("read the token: %w", err)
		}
		c.token = strings.TrimSpace(string(content))
	}
	return c, nil
}

func (r *run) register(ctx context.Context) error {
	file := filepath.Base(r.o.Mapping)
	if err := r.client.importEntities(ctx, file, "places", r.plan.Places, r.plan.outside); err != nil {
		return err
	}
	if err := r.client.importEntities(ctx, file, "assets", r.plan.Assets, r.plan.outside); err != nil {
		return err
	}
	var err error
	if r.ids, err = r.client.registerDatastreams(ctx, r.plan.Datastreams); err != nil {
		return err
	}
	if n := len(r.plan.Places) + len(r.plan.Assets) + len(r.ids); n > 0 {
		fmt.Fprintf(r.o.Out, "registered %s places, %s assets, %s datastreams\n",
			thousands(len(r.plan.Places)), thousands(len(r.plan.Assets)), thousands(len(r.ids)))
	}
	return nil
}

// findKnown leaves what the server has already out of r.readings, so that a replay can be repeated or taken up after a break
// without doubling a reading.
func (r *run) findKnown(ctx context.Context) error {
	type key struct {
		stream int32
		at     int64
		value  string
	}
	known := map[key]bool{}
	type period struct{ first, last int64 }
	periods := map[int32]period{}
	for _, x := range r.plan.Readings {
		p, ok := periods[x.Stream]
		if !ok {
			p = period{x.At, x.At}
		}
		periods[x.Stream] = period{min(p.first, x.At), max(p.last, x.At)}
	}
	for _, stream := range slices.Sorted(maps.Keys(periods)) {
		id, ok := r.ids[r.plan.Datastreams[stream].ID]
		if !ok {
			r.unchecked = "the mapping does not declare the asset of " + r.plan.Datastreams[stream].ID
			continue
		}
		err := r.client.history(ctx, id, periods[stream].first, periods[stream].last, func(at int64, value any) {
			known[key{stream, at, plain(value)}] = true
		})
		var refused *refusedError
		if errors.As(err, &refused) && (refused.status == http.StatusForbidden || refused.status == http.StatusUnauthorized) {
			r.unchecked = "the token may send readings, not read them"
			break
		} else if err != nil {
			return fmt.Errorf("ask what the server has of %s: %w", r.plan.Datastreams[stream].ID, err)
		}
	}
	for _, x := range r.plan.Readings {
		if known[key{x.Stream, x.At, r.plan.Value(x)}] {
			r.known++
		} else {
			r.readings = append(r.readings, x)
		}
	}
	return nil
}

// plain is a JSON value as Plan.Value writes it.
func plain(v any) string {
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case string:
		return v
	}
	return fmt.Sprint(v)
}

// send sends readings and reports side by side, each in its order.
func (r *run) send(ctx context.Context) error {
	total := len(r.readings) + len(r.plan.Reports)
	start := r.o.Clock.Now()
	r.reasons = map[string]*reason{}
	r.pace = &pace{clock: r.o.Clock, speed: r.o.Speed, start: start, first: math.MaxInt64}
	if r.o.Follow {
		r.pace.follow = r.client.time
	}
	r.bar = &progress{out: r.o.Out, terminal: r.o.Terminal, clock: r.o.Clock, start: start, total: total}
	for _, x := range r.readings {
		r.pace.first = min(r.pace.first, x.At)
	}
	for _, x := range r.plan.Reports {
		r.pace.first = min(r.pace.first, x.ReceivedAt.UnixMicro())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make(chan error, 2)
	go func() { errs <- r.sendReadings(ctx) }()
	go func() { errs <- r.sendReports(ctx) }()
	var first error
	for range 2 {
		if err := <-errs; err != nil && first == nil {
			first = err
			cancel() // the other one need not go on
		}
	}
	return first
}

func (r *run) sendReadings(ctx context.Context) error {
	at := func(i int) int64 { return r.readings[i].At }
	return r.pace.batches(ctx, len(r.readings), batchReadings, at, func(from, to int) error {
		got, err := r.client.postReadings(ctx, r.source, r.csv(r.readings[from:to]))
		if err != nil {
			return broken("readings", at(from), at(to-1), err)
		}
		r.note(to-from, at(to-1), got, func(f refusal) string {
			x := r.readings[min(max(from, from+f.Index-2), to-1)] // Index is the line; the header is the first
			return fmt.Sprintf("%s at %s: %s", r.plan.Datastreams[x.Stream].ID, time.UnixMicro(x.At).UTC().Format(time.RFC3339Nano), f.Message)
		})
		return nil
	})
}

func (r *run) sendReports(ctx context.Context) error {
	all := r.plan.Reports
	at := func(i int) int64 { return all[i].ReceivedAt.UnixMicro() }
	return r.pace.batches(ctx, len(all), batchReports, at, func(from, to int) error {
		got, err := r.client.postReports(ctx, r.source, all[from:to])
		if err != nil {
			return broken("reports", at(from), at(to-1), err)
		}
		r.note(to-from, at(to-1), got, func(f refusal) string {
			return fmt.Sprintf("%s: %s", all[min(max(from, from+f.Index), to-1)].ExternalID, f.Message)
		})
		return nil
	})
}

// note counts what became of a batch.
func (r *run) note(n int, at int64, got receipt, example func(refusal) string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent += n
	r.accepted += got.Accepted
	r.recognised += got.Known
	r.refused += max(got.RefusedN, len(got.Refused))
	for _, f := range got.Refused { // the server lists the first hundred of a batch, so reasons may count less than refused
		code := cmp.Or(f.Code, f.Field)
		if r.reasons[code] == nil {
			r.reasons[code] = &reason{example: example(f)}
		}
		r.reasons[code].count++
	}
	r.bar.show(r.sent, at)
}

func broken(what string, first, last int64, err error) error {
	form := func(us int64) string { return time.UnixMicro(us).UTC().Format(time.RFC3339) }
	return fmt.Errorf("stopped at %s of %s to %s: %w; run the same command again to go on", what, form(first), form(last), err)
}

// csv writes readings as POST /api/v1/readings.csv takes them.
func (r *run) csv(readings []Reading) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	record := []string{"datastream", "at", "value"}
	_ = w.Write(record) // a bytes.Buffer takes everything
	for _, x := range readings {
		record[0] = r.plan.Datastreams[x.Stream].ID
		record[1] = time.UnixMicro(x.At).UTC().Format(time.RFC3339Nano)
		record[2] = r.plan.Value(x)
		_ = w.Write(record)
	}
	w.Flush()
	return b.Bytes()
}

// scoreAlerts asks for the alerts once the detectors have caught up, and prints how they fare.
func (r *run) scoreAlerts(ctx context.Context) error {
	if err := r.client.evaluated(ctx); err != nil {
		return err
	}
	first, last := r.plan.Period()
	alerts, err := r.client.alerts(ctx, r.plan.truth.Detector.s, first, last)
	if err != nil {
		return err
	}
	fmt.Fprintln(r.o.Out)
	return printScores(r.o.Out, r.plan, alerts)
}

// printRead says what the files hold.
func (r *run) printRead(left Problems) {
	p, c, out := r.plan, &r.plan.Count, r.o.Out
	if p.Title != "" {
		fmt.Fprintln(out, p.Title)
	}
	fmt.Fprintf(out, "read       %s rows of %d files", thousands(c.Rows), c.Files)
	if c.Skipped > 0 {
		fmt.Fprintf(out, ", %s of them not chosen by where", thousands(c.Skipped))
	}
	fmt.Fprintln(out)
	if n := len(p.Readings); n > 0 {
		first, last := p.Period()
		form := func(us int64) string { return time.UnixMicro(us).UTC().Format("2006-01-02 15:04") }
		fmt.Fprintf(out, "readings   %s of %s datastreams, %s to %s UTC\n", thousands(n), thousands(len(p.Datastreams)), form(first), form(last))
	}
	if n := len(p.Reports); n > 0 {
		fmt.Fprintf(out, "reports    %s, %s of them with the place unknown\n", thousands(n), thousands(c.PlaceUnknown))
	}
	if c.Missing > 0 {
		fmt.Fprintf(out, "missing    %s cells without a value:", thousands(c.Missing))
		for i, d := range mostMissing(p.Datastreams) {
			if i == 5 {
				fmt.Fprint(out, ", ...")
				break
			}
			if i > 0 {
				fmt.Fprint(out, ",")
			}
			fmt.Fprintf(out, " %s %s", d.ID, thousands(d.Missing))
		}
		fmt.Fprintln(out)
	}
	if c.Repeated > 0 {
		fmt.Fprintf(out, "repeated   %s (same datastream, time and value; sent once)\n", thousands(c.Repeated))
	}
	if c.Ambiguous > 0 {
		fmt.Fprintf(out, "ambiguous  %s local times that the clock showed twice; the first was taken\n", thousands(c.Ambiguous))
	}
	if c.Outside > 0 {
		fmt.Fprintf(out, "outside    %s readings and reports from before or after the period\n", thousands(c.Outside))
	}
	if len(left) > 0 {
		fmt.Fprintf(out, "left out   %s:\n%v\n", thousands(c.LeftOut), left)
	}
}

func mostMissing(all []Datastream) []Datastream {
	var some []Datastream
	for _, d := range all {
		if d.Missing > 0 {
			some = append(some, d)
		}
	}
	slices.SortFunc(some, func(a, b Datastream) int { return cmp.Or(cmp.Compare(b.Missing, a.Missing), cmp.Compare(a.ID, b.ID)) })
	return some
}

// printSent says what became of what was sent.
func (r *run) printSent() {
	out, took := r.o.Out, r.o.Clock.Now().Sub(r.pace.start)
	if r.unchecked != "" {
		fmt.Fprintf(out, "could not ask what the server has already: %s. A second run doubles it\n", r.unchecked)
	}
	if r.known > 0 {
		fmt.Fprintf(out, "known      %s readings that the server has already; not sent again\n", thousands(r.known))
	}
	fmt.Fprintf(out, "sent       %s in %s\n", thousands(r.sent), took.Round(time.Millisecond))
	fmt.Fprintf(out, "accepted   %s", thousands(r.accepted))
	if r.recognised > 0 {
		fmt.Fprintf(out, ", and %s reports recognised as there already", thousands(r.recognised))
	}
	fmt.Fprintf(out, "\nrefused    %s\n", thousands(r.refused))
	for _, code := range slices.Sorted(maps.Keys(r.reasons)) {
		fmt.Fprintf(out, "  %s: %s or more, such as %s\n", code, thousands(r.reasons[code].count), r.reasons[code].example)
	}
	if rest := r.sent - r.accepted - r.recognised - r.refused; rest != 0 {
		fmt.Fprintf(out, "  the server's answers do not add up: %s are unaccounted for\n", thousands(rest))
	}
}

func isHan(c rune) bool { return unicode.Is(unicode.Han, c) }
