package drainage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/methods/basin"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
	"github.com/anlan-city/anlan/internal/respond/plan"
)

const (
	// fresh is how old a reading may be that advice rests on.
	fresh = 30 * time.Minute
	// lasts is for how long the rain of now is taken to go on: no forecast is at hand, and short of one this is the usual guess.
	lasts = 2 * time.Hour
	// step is that of what is read of the past and of what is taken to come.
	step = 10 * time.Minute
	// lunarDay is the time from one high water to the next but one.
	lunarDay = 24*time.Hour + 50*time.Minute
	// model names what worked the advice out.
	model = "methods/basin"
)

// Readings says what an instrument shows.
type Readings interface {
	// Latest is the newest value of a gauge, in the unit of the pack that declares the property; false where there is none. It
	// answers from memory.
	Latest(ctx context.Context, g Gauge) (value float64, at time.Time, ok bool)
	// Past is the means of a gauge over each step of a span, NaN where it said nothing; none of a gauge that is not there.
	Past(ctx context.Context, g Gauge, from, to time.Time, step time.Duration) []float64
}

// Adviser advises responses on basins.
type Adviser struct {
	Basins   []*Basin
	Readings Readings
	Clock    clock.Clock
}

var _ plan.Adviser = (*Adviser)(nil)

// Advise fulfils plan.Adviser.
func (a *Adviser) Advise(ctx context.Context, p *plan.Plan, _ plan.Activation) ([]plan.Advised, error) {
	var out []plan.Advised
	var errs []error
	for _, b := range a.Basins {
		if b.Plan != p.ID || p.Agency(b.Agency) == nil {
			continue
		}
		x, err := a.basin(ctx, b)
		if err != nil {
			errs = append(errs, fmt.Errorf("basin %s: %w", b.ID, err))
		}
		if x != nil {
			out = append(out, *x)
		}
	}
	return out, errors.Join(errs...)
}

// basin advises on one basin; nil where there is nothing to say.
func (a *Adviser) basin(ctx context.Context, b *Basin) (*plan.Advised, error) {
	n, ok, err := a.now(ctx, b)
	if err != nil || !ok {
		return nil, err
	}
	w := basin.Persistence(step, n.rain, lasts, n.outside)
	says, err := b.Model.Advise(n.state, w, basin.Options{Horizon: b.LookAhead})
	if err != nil {
		return nil, err
	}
	if len(says.Blocks) == 0 || !better(says) {
		return nil, nil
	}
	return b.words(says, n), nil
}

// now is a basin as its instruments show it.
type now struct {
	state   basin.State
	rain    float64   // mm/h
	outside []float64 // stages of the water outside, from now on
	tide    bool      // as it was a lunar day ago
	unsure  bool      // nothing counts the pumps that can run
}

// now reads a basin; not ok where an instrument that is needed is silent, or was during the rain that is still on its way.
func (a *Adviser) now(ctx context.Context, b *Basin) (n now, ok bool, err error) {
	rain, ok1 := a.read(ctx, b.Rain)
	outer, ok2 := a.read(ctx, b.Outer)
	if !ok1 || !ok2 {
		return n, false, nil
	}
	n.rain, n.outside = max(rain, 0), []float64{outer}
	if ok, err = a.ground(ctx, b, &n.state, outer); err != nil || !ok {
		return n, false, err
	}
	for i, g := range b.Levels {
		stage, ok := a.read(ctx, g)
		if !ok {
			return n, false, nil
		}
		if err := b.Model.SetStage(&n.state, b.Model.Storages[i].Name, stage); err != nil {
			return n, false, err
		}
	}
	for i, g := range b.Openings {
		if b.Model.Gates[i].Fixed {
			continue
		}
		open, ok := a.read(ctx, g)
		if !ok {
			return n, false, nil
		}
		n.state.Openings[i] = min(max(open/100, 0), 1)
	}
	for i := range b.Stations {
		units := b.Model.Stations[i].Units
		count := func(g Gauge, otherwise int) (int, bool) {
			v, ok := a.read(ctx, g)
			if !ok {
				return otherwise, false
			}
			return min(max(int(math.Round(v)), 0), units), true
		}
		able, counted := count(b.Able[i], units)
		running, _ := count(b.Running[i], 0)
		n.state.Available[i], n.state.Running[i] = able, min(running, able)
		n.unsure = n.unsure || !counted
	}
	if b.Tidal {
		from := a.Clock.Now().Add(-lunarDay)
		if past, ok := a.past(ctx, b.Outer, from, from.Add(b.LookAhead)); ok {
			n.tide, n.outside = true, nil
			for _, v := range past {
				n.outside = append(n.outside, outer+v-past[0])
			}
		}
	}
	return n, true, nil
}

// ground works out how much of the rain of the last hours is still on its way to the storages: the model in dry weather, moved
// through that rain.
func (a *Adviser) ground(ctx context.Context, b *Basin, s *basin.State, outer float64) (bool, error) {
	*s = b.Model.Dry()
	var span time.Duration // after three times its constant a catchment has given off 95 % of what fell
	for _, c := range b.Model.Catchments {
		span = max(span, (3*c.Concentration + step - 1).Truncate(step))
	}
	rain, ok := a.past(ctx, b.Rain, a.Clock.Now().Add(-span), a.Clock.Now())
	if !ok {
		return false, nil
	}
	w := basin.Weather{Step: step, Rain: [][]float64{rain}, Outer: []float64{outer}}
	alone, err := basin.Nobody(&b.Model)(*s, w)
	if err != nil {
		return false, err
	}
	after, _, err := b.Model.Run(*s, alone, w, 0, span, basin.DefaultStep)
	if err != nil {
		return false, err
	}
	copy(s.Ground, after.Ground)
	return true, nil
}

// better says whether the advice is worth a crew's attention: less water, or a lower peak. What only saves energy is none in a
// flood.
func better(a *basin.Advice) bool {
	return a.Expected.Flood+1 < a.Nobody.Flood || a.Expected.Flood <= a.Nobody.Flood && a.Expected.Peak+0.01 < a.Nobody.Peak
}

func (a *Adviser) read(ctx context.Context, g Gauge) (float64, bool) {
	if g == (Gauge{}) {
		return 0, false
	}
	v, at, ok := a.Readings.Latest(ctx, g)
	return v, ok && !at.Before(a.Clock.Now().Add(-fresh)) && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// past reads what a gauge said over a span. A silence of no more than what counts as fresh is filled with what was said last, or
// first; a longer one is not ok.
func (a *Adviser) past(ctx context.Context, g Gauge, from, to time.Time) ([]float64, bool) {
	vs := a.Readings.Past(ctx, g, from, to, step)
	first := slices.IndexFunc(vs, func(v float64) bool { return !math.IsNaN(v) })
	if first < 0 {
		return nil, false
	}
	last, silent := vs[first], 0
	for i, v := range vs {
		if silent++; !math.IsNaN(v) {
			last, silent = v, 0
		}
		if time.Duration(silent)*step > fresh {
			return nil, false
		}
		vs[i] = last
	}
	return vs, true
}

// words are the advice for people. Its figures are rounded, so that what differs by nothing that a crew could do is the same advice.
func (b *Basin) words(a *basin.Advice, n now) *plan.Advised {
	first := a.Blocks[0]
	minutes := int((first.To - first.From).Minutes())
	outEn, outZh := fmt.Sprintf("with %.1f m outside", n.outside[0]), fmt.Sprintf("外河水位 %.1f m", n.outside[0])
	if n.tide {
		outEn, outZh = outEn+", the tide as a day ago", outZh+"（潮位参照前一日）"
	}
	if n.unsure {
		outEn, outZh = outEn+", all pumps able to run", outZh+"、水泵均可投运"
	}
	x := &plan.Advised{
		Title: lifecycle.Words(fmt.Sprintf("%s: pumps and gates for the next %d min", b.Title.En, minutes), fmt.Sprintf("%s：未来%d分钟泵闸调度", b.Title.Zh, minutes)),
		Because: lifecycle.Words(
			fmt.Sprintf("if it goes on raining %.0f mm/h for %.0f h %s", n.rain, lasts.Hours(), outEn),
			fmt.Sprintf("按当前雨强 %.0f mm/h 持续%.0f小时、%s推算", n.rain, lasts.Hours(), outZh)),
		Agency: b.Agency, Post: b.Post, Model: model, Figures: []plan.Figure{},
	}
	figure := func(en, zh string, v float64, unit string) {
		x.Figures = append(x.Figures, plan.Figure{Title: lifecycle.Words(en, zh), Value: v, Unit: unit})
	}
	for i, n := range first.Units {
		if n == basin.Auto {
			continue // its own switches do
		}
		figure("pumps running at "+b.Stations[i].En, b.Stations[i].Zh+"开机台数", float64(n), "1")
	}
	for i, o := range first.Openings {
		if !b.Model.Gates[i].Fixed {
			figure("opening of "+b.Gates[i].En, b.Gates[i].Zh+"开度", math.Round(100*o), "%")
		}
	}
	figure("water above the danger stage, expected", "预计超控制水位水量", tens(a.Expected.Flood), "m3")
	figure("the same if nothing is ordered", "不干预时超控制水位水量", tens(a.Nobody.Flood), "m3")
	figure("the same with equal filling", "等比蓄水时超控制水位水量", tens(a.Equal.Flood), "m3")
	figure("peak, share of the room that is left", "预计最大蓄满度", math.Round(100*a.Expected.Peak), "%")
	figure("the same if nothing is ordered", "不干预时最大蓄满度", math.Round(100*a.Nobody.Peak), "%")
	return x
}

func tens(v float64) float64 { return math.Round(v/10) * 10 }
