package detect

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/methods/plume"
	"github.com/anlan-city/anlan/internal/methods/series"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// window is the time that an origin rests on, in steps of the rule's every.
type window struct{ from, until, every int64 } // µs

func (w window) steps() int { return int((w.until-w.from)/w.every) + 1 }

// of is the step of a time within the window.
func (w window) of(at int64) int { return int((at - w.from) / w.every) }

// shorten leaves the newest part, of whole steps.
func (w *window) shorten(span int64) {
	if most := min(int(span/w.every), maxOriginSteps); w.steps() > most {
		w.from = w.until - int64(max(most, 1)-1)*w.every
	}
}

// standing are the alert's instruments with where they stand, the one that raised it first.
func (s *Service) standing(ctx context.Context, a *Alert, d *engine.Detector) ([]instrument, error) {
	streams, err := s.Register.Streams(ctx, a.Datastreams)
	if err != nil {
		return nil, err
	}
	ids := slices.DeleteFunc(slices.Clone(a.Datastreams), func(id int64) bool { return id == a.Datastream })
	var out []instrument
	for _, id := range append([]int64{a.Datastream}, ids...) {
		st, ok := streams[id]
		if !ok || st.Point == nil || !known(*st.Point) || !d.Watches(st.Property, st.Kind) || s.Surroundings.Home(st.Asset) {
			continue
		}
		if out = append(out, instrument{id, *st.Point}); len(out) == maxOriginSeries {
			break
		}
	}
	return out, nil
}

// lastWord is until when readings count: the last one there is, but none from after the time that is asked about, nor from
// when the alert had its end and only waited to be cleared.
func (s *Service) lastWord(ctx context.Context, a *Alert, d *engine.Detector, instruments []instrument, asOf time.Time) (int64, error) {
	since, end := db.Micros(a.Since), db.Micros(s.Clock.Now())
	if a.ClearedAt != nil {
		end = db.Micros(*a.ClearedAt) - d.ClearFor.Microseconds()
	}
	if !asOf.IsZero() {
		end = min(end, db.Micros(asOf))
	}
	end = max(end, since)
	last := since
	for _, x := range instruments {
		newest, err := s.Readings.History(ctx, x.datastream, a.Since, db.Time(end), 1)
		if err != nil {
			return 0, fmt.Errorf("readings of datastream %d: %w", x.datastream, err)
		}
		if len(newest) > 0 {
			last = max(last, newest[0].At)
		}
	}
	return last, nil
}

// around are the assets that it may come from: those within reach of an instrument.
func (s *Service) around(d *engine.Detector, instruments []instrument, middle [2]float64, reach float64) []Candidate {
	out := []Candidate{}
	for _, n := range s.Surroundings.Assets(d.Origin.Among, middle, reach+d.Origin.Within) {
		if slices.ContainsFunc(instruments, func(x instrument) bool { return metres(x.at, n.Point) <= d.Origin.Within }) {
			out = append(out, Candidate{Asset: n.Asset, Name: n.Name, Point: n.Point})
		}
	}
	return out
}

// eachNumber hands over the readings of a series that count, in the order of time: of two of one instant the first.
func (s *Service) eachNumber(ctx context.Context, datastream, from, until int64, fn func(at int64, v float64)) error {
	stored, err := s.Readings.History(ctx, datastream, db.Time(from), db.Time(until), maxOriginReadings)
	if err != nil {
		return fmt.Errorf("readings of datastream %d: %w", datastream, err)
	}
	last := int64(math.MinInt64)
	for _, r := range stored {
		v, ok := r.Value.Float()
		if ok && r.Marks.Judged() && r.At > last && !math.IsNaN(v) && !math.IsInf(v, 0) {
			last = r.At
			fn(r.At, v)
		}
	}
	return nil
}

// excess is how far an instrument lay above its background in each step, on the mean, NaN where it said nothing. The
// background is the rule's.
func (s *Service) excess(ctx context.Context, d *engine.Detector, datastream int64, w window) (out []float64, heard bool, err error) {
	var background series.Background
	warm := min(originWarmup*d.Origin.Background.Fall, maxWarmup.Microseconds())
	sums := newMeans(w.steps())
	err = s.eachNumber(ctx, datastream, w.from-warm, w.until, func(at int64, v float64) {
		v = min(max(v, d.Property.Range[0]), d.Property.Range[1]) // as the engine takes it
		if x := background.Excess(&d.Origin.Background, at, v); at >= w.from {
			heard = true
			sums.add(w.of(at), x)
		}
	})
	return sums.values(), heard, err
}

// means are the means of the readings of each step.
type means struct {
	sum   []float64
	count []int
}

func newMeans(n int) means { return means{make([]float64, n), make([]int, n)} }

func (m means) add(n int, v float64) {
	m.sum[n] += v
	m.count[n]++
}

func (m means) values() []float64 {
	for n := range m.sum {
		m.sum[n] /= float64(m.count[n]) // 0/0 is NaN
	}
	return m.sum
}

// blowing is the wind of each step, NaN where it is not known, and whose it is.
type blowing struct {
	mast        Mast
	from, speed []float64
}

// wind is what the nearest mast says that has readings of both, or nil.
func (s *Service) wind(ctx context.Context, o *engine.Origin, middle [2]float64, w window) (*blowing, error) {
	masts := s.Surroundings.Winds(o.From, o.Speed, middle, o.Near)
	slices.SortStableFunc(masts, func(a, b Mast) int { return cmpDistance(middle, a.Nearby, b.Nearby) })
	for _, m := range masts[:min(len(masts), maxOriginMasts)] {
		if s.Surroundings.Home(m.Asset) {
			continue
		}
		east, north, err := s.held(ctx, m.Direction, w, func(v float64) (float64, float64) { return math.Sincos(v * math.Pi / 180) })
		if err != nil {
			return nil, err
		}
		speed, _, err := s.held(ctx, m.Speed, w, func(v float64) (float64, float64) { return max(v, 0), 0 })
		if err != nil {
			return nil, err
		}
		both := false
		for n := range east {
			east[n] = degrees(east[n], north[n])
			both = both || !math.IsNaN(east[n]+speed[n])
		}
		if both {
			return &blowing{m, east, speed}, nil
		}
	}
	return nil, nil
}

// held is the mean of two figures of what a series says in each step, and where it says nothing those of what it said last, for
// as long as that speaks.
func (s *Service) held(ctx context.Context, datastream int64, w window, of func(float64) (x, y float64)) (xs, ys []float64, err error) {
	x, y := newMeans(w.steps()), newMeans(w.steps())
	newest := make([]int64, w.steps()) // when each step's last reading was
	lastX, lastY, last := math.NaN(), math.NaN(), int64(math.MinInt64/2)
	err = s.eachNumber(ctx, datastream, w.from-windHolds.Microseconds(), w.until, func(at int64, v float64) {
		a, b := of(v)
		if at < w.from {
			lastX, lastY, last = a, b, at
			return
		}
		n := w.of(at)
		x.add(n, a)
		y.add(n, b)
		newest[n] = at
	})
	xs, ys = x.values(), y.values()
	for n := range xs {
		switch {
		case !math.IsNaN(xs[n]):
			lastX, lastY, last = xs[n], ys[n], newest[n]
		case w.from+int64(n)*w.every-last <= windHolds.Microseconds():
			xs[n], ys[n] = lastX, lastY
		}
	}
	return xs, ys, err
}

// told is the wind as the answer tells it: its mean over the steps in which it carried, by its strength.
func (w *blowing) told(middle [2]float64, calm float64) *OriginWind {
	if w == nil {
		return nil
	}
	t := &OriginWind{Asset: w.mast.Asset, Name: w.mast.Name, Distance: metres(middle, w.mast.Point)}
	var east, north, speed, carried float64
	for n, v := range w.speed {
		if v >= calm && !math.IsNaN(w.from[n]) {
			a := w.from[n] * math.Pi / 180
			east, north = east+v*math.Sin(a), north+v*math.Cos(a)
			speed, carried = speed+v, carried+1
		}
	}
	t.Carried = carried / float64(len(w.speed))
	if carried > 0 {
		from, mean := degrees(east, north), speed/carried
		t.From, t.Speed = &from, &mean
	}
	return t
}

// ---- on the ground: a degree is a fixed length over the few kilometres that matter

func known(p [2]float64) bool { return p != [2]float64{} }

func offset(from, to [2]float64) (east, north float64) {
	return (to[0] - from[0]) * engine.MetresPerDegree * math.Cos(from[1]*math.Pi/180), (to[1] - from[1]) * engine.MetresPerDegree
}

func metres(a, b [2]float64) float64 { return math.Hypot(offset(a, b)) }

// bearing is the direction from one point to another.
func bearing(a, b [2]float64) float64 { return degrees(offset(a, b)) }

// degrees is the direction of a vector, clockwise from north.
func degrees(east, north float64) float64 {
	return math.Mod(math.Atan2(east, north)*180/math.Pi+360, 360)
}

func cmpDistance(from [2]float64, a, b Nearby) int {
	switch x, y := metres(from, a.Point), metres(from, b.Point); {
	case x != y && x < y, x == y && a.Asset < b.Asset:
		return -1
	case x == y && a.Asset == b.Asset:
		return 0
	}
	return 1
}

// midpoint is the middle of the instruments, and how far the furthest stands from it.
func midpoint(all []instrument) (middle [2]float64, reach float64) {
	for _, x := range all {
		middle[0] += x.at[0] / float64(len(all))
		middle[1] += x.at[1] / float64(len(all))
	}
	for _, x := range all {
		reach = max(reach, metres(middle, x.at))
	}
	return middle, reach
}

// height is where instruments and leaks are taken to be, in metres: the register does not tell, and instruments hang where
// people breathe.
const height = 2

func onSite(middle, p [2]float64) plume.Point {
	east, north := offset(middle, p)
	return plume.Point{East: east, North: north, Height: height}
}
