package engine

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/anlan-city/anlan/internal/methods/forecast"
	"github.com/anlan-city/anlan/internal/pack"
)

// A rule with peak_from_upstream judges a gauge together with the gauges upstream of it: their readings go to its subject,
// too, where they are relayed to the wave and judged by nothing else.

// maxChain is how many gauges of a river are followed upwards.
const maxChain = 16

// wave is the cell of a chain of gauges.
type wave struct {
	params *forecast.ChainParams
	ahead  int64
	state  forecast.Chain
	slot   int64 // of the newest forecast
	last   float64
}

func (c *compiler) wave(d *Detector, of int, doc *waveDoc, v *variable) {
	if len(d.Inputs) > 0 || d.Together || of != 0 || d.chained {
		c.Add(doc.Pos, pack.CodeValue, "peak_from_upstream is made once, of the value of single gauges")
		return
	}
	d.chained = true
	p := &forecast.ChainParams{Step: micros(d.Every), Rise: doc.Rise.Value, Keep: int(60 * 24 * usHour / float64(micros(d.Every)))}
	ahead := micros(doc.Ahead.Value)
	v.fresh = func() cell { return &wave{params: p, ahead: ahead, last: math.NaN()} }
}

func (w *wave) next(at int64, k *known) (float64, bool) {
	if k.gauges < 2 { // nothing is known upstream
		w.last = k.vars[0]
		return w.last, true
	}
	w.state.Within(k.least)
	w.state.Next(w.params, k.gauges, k.gauge, at, k.relayed)
	slot := at / w.params.Step
	if slot == w.slot && k.gauge < k.gauges-1 { // gauges upstream speak together: one of them is heard at once, the others by the next
		return w.last, false
	}
	w.slot, w.last = slot, k.vars[0]
	if path, ok := w.state.Forecast(at); ok {
		for i, level := range path.Likely {
			if path.From+int64(i)*path.Step > at+w.ahead {
				break
			}
			if math.IsNaN(w.last) || level > w.last {
				w.last = level
			}
		}
	}
	return w.last, true
}

func (w *wave) set(from cell) {
	f := from.(*wave)
	w.last, w.slot, w.state = f.last, f.slot, f.state.Clone()
}

func (w *wave) AppendBinary(b []byte) ([]byte, error) {
	return w.state.AppendBinary(binary.AppendVarint(appendFloat(b, w.last), w.slot))
}

func (w *wave) UnmarshalBinary(b []byte) (err error) {
	if w.last, b, err = cutFloat(b); err != nil {
		return err
	}
	slot, n := binary.Varint(b)
	if n <= 0 {
		return errors.New("wave: a saved state is cut short")
	}
	w.slot = slot
	return w.state.UnmarshalBinary(b[n:])
}

// rechain has the subjects in question watch the gauges that are upstream of them now.
func (e *Engine) rechain() {
	for _, sub := range sortedSubjects(e.unchained) {
		if e.streams[sub.ID] != nil {
			e.follow(sub, e.upstream(sub.ID))
		}
	}
	clear(e.unchained)
}

// upstream is the way of the water to a datastream, uppermost first and itself last, as far as the engine knows it. Where
// several rivers meet, it follows the first that is named.
func (e *Engine) upstream(id int64) []int64 {
	way := []int64{id}
	for len(way) < maxChain {
		next := int64(0)
		for _, up := range e.Stream(way[0]).Upstream {
			if e.streams[up] != nil && !slices.Contains(way, up) {
				next = up
				break
			}
		}
		if next == 0 {
			break
		}
		way = slices.Insert(way, 0, next)
	}
	return way
}

// follow gives a subject these sources, in their order. Where they are others than before, its wave begins anew.
func (e *Engine) follow(sub *subject, way []int64) {
	sub.least = nil
	for i := 1; i < len(way); i++ {
		sub.least = append(sub.least, travel(e.Stream(way[i-1]).Point, e.Stream(way[i]).Point))
	}
	resumed := sub.resumed
	sub.resumed = false
	if slices.EqualFunc(sub.sources, way, func(in *instrument, id int64) bool { return in.id == id }) {
		if resumed {
			e.soil(sub)
			sub.said = nil
			sub.again(&e.known, nil)
		}
		return
	}
	if !slices.ContainsFunc(sub.sources, func(in *instrument) bool { return in.id == sub.ID }) {
		return // the gauge itself is judged by this rule no more
	}
	e.soil(sub)
	e.unrelay(sub)
	for i, id := range way[:len(way)-1] {
		in := &instrument{id: id, detector: sub.detector, subject: sub}
		sub.insert(i, in, 0)
		e.streams[id].under = append(e.streams[id].under, in)
	}
}

// unrelay takes the gauges upstream out of a subject, which has been marked as changing.
func (e *Engine) unrelay(sub *subject) {
	for _, in := range slices.Clone(sub.sources) {
		if !in.relay() {
			continue
		}
		sub.drop(in)
		if st := e.streams[in.id]; st != nil {
			st.under = slices.DeleteFunc(st.under, func(x *instrument) bool { return x == in })
		}
		e.restored[in.id] = slices.DeleteFunc(e.restored[in.id], func(x *instrument) bool { return x == in })
	}
}

// travel is the shortest time, µs, that water takes between two points.
func travel(a, b *[2]float64) int64 {
	if a == nil || b == nil {
		return 0
	}
	narrow := math.Cos(a[1] * math.Pi / 180)
	metres := math.Hypot((a[0]-b[0])*narrow, a[1]-b[1]) * MetresPerDegree
	return int64(metres / forecast.Fastest * 1e6)
}

// relay says that the instrument is upstream of what its subject judges.
func (in *instrument) relay() bool { return in.detector.chained && in.id != in.subject.ID }

// unchain notes that the gauges upstream of a datastream, or of those downstream of it, may be others now.
func (e *Engine) unchain(id int64) {
	seen := map[int64]bool{}
	next := []int64{id}
	for len(next) > 0 && len(seen) < 1000 {
		id := next[0]
		if next = next[1:]; seen[id] || e.streams[id] == nil {
			continue
		}
		seen[id] = true
		for _, in := range e.streams[id].under {
			if in.detector.chained && !in.relay() {
				e.unchained[in.subject] = true
			}
		}
		next = append(next, e.streams[id].Downstream...)
	}
}
