package app

import (
	"context"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/respond/plan"
	"github.com/anlan-city/anlan/internal/respond/plan/drainage"
	"github.com/anlan-city/anlan/internal/sensing"
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
	_, value, at, ok = g.newest(of)
	return value, at, ok
}

// Past fulfils drainage.Readings.
func (g gauges) Past(ctx context.Context, of drainage.Gauge, from, to time.Time, step time.Duration) []float64 {
	stream, _, _, ok := g.newest(of)
	if !ok {
		return nil
	}
	q := sensing.BucketQuery{Datastream: stream, From: from.UnixMicro(), To: to.UnixMicro(), Width: step.Microseconds()}
	buckets, err := g.sensing.Buckets(ctx, q)
	if err != nil {
		slog.WarnContext(ctx, "no past of a gauge, so no advice on its basin", "asset", of.Asset, "property", of.Property, "err", err)
		return nil
	}
	out := slices.Repeat([]float64{math.NaN()}, int((q.To-q.From+q.Width-1)/q.Width))
	for _, b := range buckets {
		out[(b.From-q.From)/q.Width] = b.Avg
	}
	return out
}

// newest is the datastream of a gauge that spoke last, with what it said.
func (g gauges) newest(of drainage.Gauge) (stream int64, value float64, at time.Time, ok bool) {
	asset, ok := g.city.AssetByKey(of.Asset)
	if !ok {
		return 0, 0, at, false
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
			stream, value, at = d.ID, v, st.Latest.Time()
		}
	}
	return stream, value, at, !at.IsZero()
}
