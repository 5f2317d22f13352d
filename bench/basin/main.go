// Command basin plays three storms over a made-up drainage basin and holds the advice of methods/basin against doing nothing
// (each station on its own switches, the gates as they stand) and against equal filling (all storages at the same share of their room).
//
//	go run ./bench/basin [-short]
//
// The plant is the same kind of model as the adviser's, in steps of a minute instead of five; what this shows is what looking
// ahead is worth, also when the forecast or the model is wrong or nobody foretells anything, and not how well the model fits a real
// basin. -short leaves out the wrong forecasts but the two worst. The last line counts the three scenarios with a right forecast, and
// with none (unforetold): better means less flood volume, by a cubic metre at least; the volumes are sums over the three, with a
// right forecast. A fourth rain, which equal filling holds by itself, is in the table and not in the count.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/anlan-city/anlan/internal/methods/basin"
)

func main() {
	short := flag.Bool("short", false, "fewer wrong forecasts")
	flag.Parse()
	if err := run(os.Stdout, *short); err != nil {
		fmt.Fprintln(os.Stderr, "basin:", err)
		os.Exit(1)
	}
}

// result is one scenario under one forecast.
type result struct {
	scenario scenario
	wrong    wrong
	nothing, equal,
	off, advised basin.Meter
	slowest time.Duration // of the advices
}

func (r *result) beatsNothing() bool { return r.advised.Flood() <= r.nothing.Flood()-1 }
func (r *result) beatsEqual() bool   { return r.advised.Flood() <= r.equal.Flood()-1 }

func run(w io.Writer, short bool) error {
	all := errors()
	if short {
		all = []wrong{all[0], all[5], all[6], none()}
	}
	fmt.Fprintf(w, "A decision every %v, horizon %v, at most %d simulated blocks a decision. Flood: the most water above the danger stages, m³.\n",
		every, basin.DefaultHorizon, basin.DefaultBudget)
	fmt.Fprintln(w, "Off: no unit runs, gates as they stand. Nothing: stations on their own switches, gates as they stand. Peak: 1.00 is a danger stage.")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "scenario\tforecast\toff\tnothing\tequal filling\tadvice\tpeak nothing\tequal\tadvice\tm³ h advice\tkWh nothing\tequal\tadvice\tstarts nothing\tequal\tadvice\tslowest advice")
	sum := summary{of: len(scenarios())}
	played := append(scenarios(), kept())
	results := make([]*result, len(played)*len(all))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for n := range results {
		g.Go(func() (err error) {
			results[n], err = play(played[n/len(all)], all[n%len(all)])
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for k, sc := range played {
		for i, e := range all {
			r := results[k*len(all)+i]
			fmt.Fprintf(t, "%s\t%s\t%.0f\t%.0f\t%.0f\t%.0f\t%.2f\t%.2f\t%.2f\t%.0f\t%.0f\t%.0f\t%.0f\t%d\t%d\t%d\t%d ms\n", sc.name, e.name,
				r.off.Flood(), r.nothing.Flood(), r.equal.Flood(), r.advised.Flood(), r.nothing.Peak, r.equal.Peak, r.advised.Peak, r.advised.FloodHours,
				r.nothing.Energy, r.equal.Energy, r.advised.Energy, r.nothing.Starts, r.equal.Starts, r.advised.Starts, r.slowest.Milliseconds())
			if counts := k < sum.of; counts && i == 0 {
				sum.add(r)
			} else if counts && e.none {
				sum.unforetold(r)
			}
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return sum.print(w)
}

// summary is the last line.
type summary struct {
	nothing, equal, of              int
	blindNothing, blindEqual        int // with no forecast
	flood, floodNothing, floodEqual float64
}

func (s *summary) add(r *result) {
	if r.beatsNothing() {
		s.nothing++
	}
	if r.beatsEqual() {
		s.equal++
	}
	s.flood += r.advised.Flood()
	s.floodNothing += r.nothing.Flood()
	s.floodEqual += r.equal.Flood()
}

func (s *summary) unforetold(r *result) {
	if r.beatsNothing() {
		s.blindNothing++
	}
	if r.beatsEqual() {
		s.blindEqual++
	}
}

func (s *summary) print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "\nbetter_than_nothing=%d/%d better_than_equal=%d/%d flood_m3=%.0f flood_m3_nothing=%.0f flood_m3_equal=%.0f"+
		" unforetold_better_than_nothing=%d/%d unforetold_better_than_equal=%d/%d\n",
		s.nothing, s.of, s.equal, s.of, s.flood, s.floodNothing, s.floodEqual, s.blindNothing, s.of, s.blindEqual, s.of)
	return err
}

func play(sc scenario, e wrong) (*result, error) {
	model, plant := city(), city()
	for i := range plant.Catchments {
		plant.Catchments[i].Runoff = min(plant.Catchments[i].Runoff*e.runoff, 1)
	}
	g := basin.Game{Plant: plant, Start: start(plant), Truth: sc.weather, Span: sc.span, Every: every, Step: time.Minute,
		Forecast: e.forecast(sc.weather), Failures: sc.failures}
	r := &result{scenario: sc, wrong: e}
	advised := basin.Advised(model, basin.Options{}, every)
	timed := func(s basin.State, f basin.Weather) (basin.Settings, error) {
		began := time.Now()
		set, err := advised(s, f)
		r.slowest = max(r.slowest, time.Since(began))
		return set, err
	}
	for _, p := range []struct {
		who basin.Policy
		to  *basin.Meter
	}{{basin.Off(model), &r.off}, {basin.Nobody(model), &r.nothing}, {basin.EqualFilling(model, basin.Options{}), &r.equal}, {timed, &r.advised}} {
		m, _, err := g.Play(p.who)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", sc.name, err)
		}
		*p.to = m
	}
	return r, nil
}
