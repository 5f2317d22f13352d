//go:build linux

// Command crash proves that Anlan loses nothing: it sends readings in each way that senders have, follows them over MQTT and
// makes decisions through the API, kills the server with SIGKILL or cuts its power at random moments, starts it again, and at
// the end reads everything back.
//
//	go run ./bench/crash -kills 40 -powercuts 10
//
// A SIGKILL tests recovery only, since the kernel's page cache survives it. For a power cut the data folder lies on forgetfs,
// a file system that forgets what was not synced; half of the cuts leave a random part of the unsynced pages behind. The
// control run has syncing switched off and must lose data, or the power cuts prove nothing.
//
// Readings come over POST /api/v1/readings, as single Observations and as data arrays of SensorThings, and as Observations
// that are published over MQTT with QoS 1, several under way; each datastream gets its own in one way. A publisher sends again
// what has no PUBACK when it comes back. A subscriber follows all datastreams in one session that outlives its connections.
//
// At the end every acknowledged reading must be there once with its value; one that was sent again may be there again if it
// bears the mark of a duplicate. The subscriber must have heard of every acknowledged reading, those of a datastream in their
// order, and of none that is not there. Every acknowledged decision must be there once, the ledger must verify, and the
// alerts must be those of an undisturbed run of the same readings.
//
// The last line is for machines. The exit code is not 0 when anything above does not hold.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"text/tabwriter"

	"github.com/anlan-city/anlan/bench/crash/forgetfs"
)

func main() {
	var o options
	flag.IntVar(&o.kills, "kills", 40, "how often to kill the server")
	flag.IntVar(&o.cuts, "powercuts", 10, "how often to cut its power")
	short := flag.Bool("short", false, "fewer of both, under 45 seconds")
	flag.StringVar(&o.binary, "bin", "", "the server to test; by default it is built from ./cmd/anlan")
	flag.Uint64Var(&o.seed, "seed", 1, "of all that is random here")
	flag.BoolVar(&o.keep, "keep", false, "keep the work folder with the servers' logs")
	flag.Parse()
	if *short {
		o.kills, o.cuts = min(o.kills, 8), min(o.cuts, 4)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(1)
	}
}

type options struct {
	kills, cuts int
	binary      string
	seed        uint64
	keep        bool
}

// controlCuts is how many cuts the control run has: one would do, two make sure.
const controlCuts = 2

func run(ctx context.Context, o options, out io.Writer) (err error) {
	work, err := os.MkdirTemp("", "anlan-crash-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil || o.keep {
			fmt.Fprintln(out, "the servers' logs are in", work)
			return
		}
		err = os.RemoveAll(work)
	}()
	if o.binary == "" {
		o.binary = filepath.Join(work, "anlan")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", o.binary, "./cmd/anlan") // as make build does, so that its cache serves
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build: %w\n%s", err, text)
		}
	}
	killed, err := trialOf(ctx, "SIGKILL", o, work, o.kills, disturbance{})
	if err != nil {
		return err
	}
	rows := []outcome{killed}
	var cut, control outcome
	why := ""
	if o.cuts > 0 {
		cut, err = trialOf(ctx, "power cut", o, work, o.cuts, disturbance{fs: forgetfs.New(forgetfs.WithFile)})
		switch {
		case errors.Is(err, forgetfs.ErrUnavailable):
			why = fmt.Sprintf("no power was cut: %v", err)
		case err != nil:
			return err
		default:
			control, err = trialOf(ctx, "control", o, work, controlCuts, disturbance{fs: forgetfs.New(forgetfs.WithFile), noSync: true})
			if err != nil {
				return err
			}
			rows = append(rows, cut, control)
		}
	}
	printTable(out, rows, why)
	acked, lost, doubled := killed.acked()+cut.acked(), killed.lost()+cut.lost(), killed.readings().doubled+cut.readings().doubled
	fmt.Fprintf(out, "kills=%d powercuts=%d acked=%d lost=%d doubled=%d control_lost=%d\n",
		killed.disturbed, cut.disturbed, acked, lost, doubled, control.lost())
	return verdict(killed, cut, control, why)
}

func printTable(out io.Writer, rows []outcome, why string) {
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := []string{"", "SIGKILL", "power cut", "control (no sync)"}
	for i := range len(rows) + 1 {
		fmt.Fprintf(tw, "%s\t", head[i])
	}
	fmt.Fprintln(tw)
	line := func(name string, value func(outcome) any) {
		fmt.Fprintf(tw, "%s\t", name)
		for _, r := range rows {
			fmt.Fprintf(tw, "%v\t", value(r))
		}
		fmt.Fprintln(tw)
	}
	line("disturbances", func(o outcome) any { return o.disturbed })
	line("of them during a start", func(o outcome) any { return o.starting })
	line("readings acknowledged", func(o outcome) any { return o.readings().acked })
	line("of them lost", func(o outcome) any { return o.readings().lost })
	line("doubled or changed", func(o outcome) any { return o.readings().doubled })
	for w := range ways {
		line("over "+w.String()+": acknowledged, lost, doubled", func(o outcome) any {
			return fmt.Sprintf("%d, %d, %d", o.ways[w].acked, o.ways[w].lost, o.ways[w].doubled)
		})
	}
	line("readings without an answer", func(o outcome) any { return o.readings().unanswered })
	line("of them there", func(o outcome) any { return o.readings().there })
	line("sent again and marked", func(o outcome) any { return o.readings().again })
	line("heard by the subscriber", func(o outcome) any { return o.heard.readings })
	line("missed by it", func(o outcome) any { return o.heard.missed })
	line("heard out of order", func(o outcome) any { return o.heard.unordered })
	line("heard and not there", func(o outcome) any { return o.heard.untrue })
	line("decisions acknowledged", func(o outcome) any { return o.deeds })
	line("of them lost or doubled", func(o outcome) any { return o.lostDeeds })
	line("cases missing or doubled", func(o outcome) any { return o.caseDifferences })
	line("alerts", func(o outcome) any { return o.alerts })
	line("alerts unlike the undisturbed run", func(o outcome) any { return o.alertDifferences })
	line("ledger", func(o outcome) any { return o.ledger })
	line("pages forgotten", func(o outcome) any { return o.forgotten.Pages })
	line("names forgotten", func(o outcome) any { return o.forgotten.Names })
	line("slowest start", func(o outcome) any { return o.slowest })
	line("could not start again", func(o outcome) any { return o.dead })
	line("took", func(o outcome) any { return o.took })
	tw.Flush()
	if why != "" {
		fmt.Fprintln(out, why)
	}
}

// verdict says what does not hold.
func verdict(killed, cut, control outcome, why string) error {
	var errs []error
	for _, o := range []outcome{killed, cut} {
		if o.disturbed == 0 {
			continue
		}
		r := o.readings()
		if n := o.lost() + r.doubled; n > 0 {
			errs = append(errs, fmt.Errorf("%s: %d lost, %d doubled: %v", o.name, o.lost(), r.doubled, o.examples))
		}
		if o.heard.unordered > 0 {
			errs = append(errs, fmt.Errorf("%s: %d messages out of order", o.name, o.heard.unordered))
		}
		if o.alertDifferences > 0 {
			errs = append(errs, fmt.Errorf("%s: the alerts are not those of an undisturbed run: %v", o.name, o.examples))
		}
		if o.caseDifferences > 0 {
			errs = append(errs, fmt.Errorf("%s: %d alerts without their one case: %v", o.name, o.caseDifferences, o.examples))
		}
		if o.ledger != ledgerGood {
			errs = append(errs, fmt.Errorf("%s: ledger %s", o.name, o.ledger))
		}
		if r.acked == 0 || o.deeds == 0 || o.alerts == 0 || o.heard.readings == 0 {
			errs = append(errs, fmt.Errorf("%s: %d readings, %d of them heard, %d decisions and %d alerts prove nothing", o.name, r.acked, o.heard.readings, o.deeds, o.alerts))
		}
	}
	if why == "" && cut.disturbed > 0 && control.lost() == 0 {
		errs = append(errs, errors.New("the control run lost nothing, so the power cuts prove nothing"))
	}
	return errors.Join(errs...)
}

// disturbance is how a trial's server is brought down: by SIGKILL, or by a power cut where fs is set.
type disturbance struct {
	fs     *forgetfs.FS
	noSync bool
}

// torn lets every second power cut leave a random part of what was not synced.
func torn(rng *rand.Rand, n int) *rand.Rand {
	if n%2 == 0 {
		return nil
	}
	return rng
}
