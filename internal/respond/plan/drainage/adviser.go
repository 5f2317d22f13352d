package drainage

import (
	"context"
	"errors"
	"fmt"
	"math"
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
	// model names what worked the advice out.
	model = "methods/basin"
)

// Readings says what an instrument shows.
type Readings interface {
	// Latest is the newest value of a gauge, in the unit of the pack that declares the property; false where there is none. It
	// answers from memory.
	Latest(ctx context.Context, g Gauge) (value float64, at time.Time, ok bool)
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
	rain, ok := a.read(ctx, b.Rain)
	if !ok {
		return nil, nil
	}
	outer, ok := a.read(ctx, b.Outer)
	if !ok {
		return nil, nil
	}
	s := b.Model.Dry()
	for i, g := range b.Levels {
		stage, ok := a.read(ctx, g)
		if !ok {
			return nil, nil
		}
		if err := b.Model.SetStage(&s, b.Model.Storages[i].Name, stage); err != nil {
			return nil, err
		}
	}
	for i, g := range b.Running {
		if n, ok := a.read(ctx, g); ok {
			s.Running[i] = min(max(int(math.Round(n)), 0), b.Model.Stations[i].Units)
		}
	}
	w := basin.Weather{Step: lasts, Rain: [][]float64{{max(rain, 0)}}, Outer: []float64{outer}}
	says, err := b.Model.Advise(s, w, basin.Options{Horizon: b.LookAhead})
	if err != nil {
		return nil, err
	}
	if len(says.Blocks) == 0 || !better(says) {
		return nil, nil
	}
	return b.words(says, rain, outer), nil
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

// words are the advice for people. Its figures are rounded, so that what differs by nothing that a crew could do is the same advice.
func (b *Basin) words(a *basin.Advice, rain, outer float64) *plan.Advised {
	first := a.Blocks[0]
	minutes := int((first.To - first.From).Minutes())
	x := &plan.Advised{
		Title: lifecycle.Words(fmt.Sprintf("%s: pumps and gates for the next %d min", b.Title.En, minutes), fmt.Sprintf("%s：未来%d分钟泵闸调度", b.Title.Zh, minutes)),
		Because: lifecycle.Words(
			fmt.Sprintf("if it goes on raining %.0f mm/h for %.0f h with %.1f m outside", rain, lasts.Hours(), outer),
			fmt.Sprintf("按当前雨强 %.0f mm/h 持续%.0f小时、外河水位 %.1f m 推算", rain, lasts.Hours(), outer)),
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
	figure("peak, share of the room that is left", "预计最大蓄满度", math.Round(100*a.Expected.Peak), "%")
	figure("the same if nothing is ordered", "不干预时最大蓄满度", math.Round(100*a.Nobody.Peak), "%")
	return x
}

func tens(v float64) float64 { return math.Round(v/10) * 10 }
