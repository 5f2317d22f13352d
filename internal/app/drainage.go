package app

import (
	"context"
	"time"

	"github.com/anlan-city/anlan/internal/respond/plan"
	"github.com/anlan-city/anlan/internal/respond/plan/drainage"
)

// drainage is what advises on the basins of the packs; nil where none has any.
func (a *App) drainage(r register) plan.Adviser {
	if len(a.packs.basins) == 0 {
		return nil
	}
	return &drainage.Adviser{Basins: a.packs.basins, Readings: gauges{r}, Clock: a.clock}
}

// gauges says what instruments show.
type gauges struct{ register }

var _ drainage.Readings = gauges{}

// Latest fulfils drainage.Readings. One that speaks in another unit than its pack's is none.
func (g gauges) Latest(_ context.Context, of drainage.Gauge) (value float64, at time.Time, ok bool) {
	asset, ok := g.city.AssetByKey(of.Asset)
	if !ok {
		return 0, at, false
	}
	for _, d := range g.sensing.On(map[int64]bool{asset: true})[asset] {
		if p, declared := g.packs.properties[d.Property]; d.Property != of.Property || !declared || d.Unit != p.Unit {
			continue
		}
		st, known := g.sensing.State(d.ID)
		if !known || !st.HasLatest() || st.Latest.Time().Before(at) {
			continue
		}
		if v, number := st.Latest.Value.Float(); number {
			value, at, ok = v, st.Latest.Time(), true
		}
	}
	return value, at, ok && !at.IsZero()
}
