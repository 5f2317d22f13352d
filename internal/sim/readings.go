package sim

import (
	"cmp"
	"iter"
	"slices"
	"time"
)

// Reading is one value of one datastream, an index into World.Datastreams.
type Reading struct {
	Datastream int
	At         time.Time
	Value      float64
}

// How much gets lost. Single readings drop out; now and then an instrument is silent for a while. Both together are GapShare
// of all readings due, which the tests hold the readings against.
const (
	DropoutShare = 0.004
	// An instrument fails with OutageChance in each OutageSlot, for OutageShortest to OutageLongest.
	OutageChance   = 0.04
	OutageSlot     = 6 * time.Hour
	OutageShortest = 10 * time.Minute
	OutageLongest  = 70 * time.Minute

	GapShare = DropoutShare + OutageChance*float64(OutageShortest+OutageLongest)/2/float64(OutageSlot)
)

// Readings yields what the quiet city's instruments report in [from, to), in order of time; equal times come in a fixed
// order. It costs about as much as the values themselves: any span can be asked for, and spans asked for one after the
// other give the same as one long span.
func (w *World) Readings(from, to time.Time) iter.Seq[Reading] {
	return w.readings(from, to, func() *state { return nil })
}

// Readings is (*World).Readings with the scenario's incidents. A repair counts from the next reading on.
func (s *Scenario) Readings(from, to time.Time) iter.Seq[Reading] {
	return s.World.readings(from, to, s.now.Load)
}

// clockwork is all datastreams of one interval in the order of their phases. As each reports once per interval, in the
// same order every time, a handful of clockworks is merged instead of four thousand datastreams.
type clockwork struct {
	interval int64 // seconds
	streams  []int
	phases   []int64 // seconds, ascending
}

func newClockworks(ds []Datastream) []clockwork {
	var out []clockwork
	for k, d := range ds {
		interval := int64(d.Interval / time.Second)
		at := slices.IndexFunc(out, func(c clockwork) bool { return c.interval == interval })
		if at < 0 {
			at = len(out)
			out = append(out, clockwork{interval: interval})
		}
		out[at].streams = append(out[at].streams, k)
	}
	slices.SortFunc(out, func(a, b clockwork) int { return cmp.Compare(a.interval, b.interval) })
	for k := range out {
		out[k].order(ds)
	}
	return out
}

// order sorts by phase within the clockwork's interval, then by index.
func (c *clockwork) order(ds []Datastream) {
	phase := func(k int) int64 { return ds[k].model.phase % c.interval }
	slices.SortStableFunc(c.streams, func(a, b int) int { return cmp.Compare(phase(a), phase(b)) })
	c.phases = make([]int64, len(c.streams))
	for k, s := range c.streams {
		c.phases[k] = phase(s)
	}
}

// hand is a position in a clockwork.
type hand struct {
	*clockwork
	next  int   // index of the stream whose turn it is
	round int64 // start of the present interval, seconds since 1970
	sec   int64 // when its turn comes
	alert bool  // the fast clockwork of instruments that sense something
}

// begin sets the hand to the first turn at or after from.
func (h *hand) begin(from int64) {
	h.round = floorDiv(from, h.interval) * h.interval
	h.next, _ = slices.BinarySearch(h.phases, from-h.round)
	if h.next == len(h.phases) {
		h.next, h.round = 0, h.round+h.interval
	}
	h.sec = h.round + h.phases[h.next]
}

func (h *hand) advance() {
	if h.next++; h.next == len(h.phases) {
		h.next, h.round = 0, h.round+h.interval
	}
	h.sec = h.round + h.phases[h.next]
}

func (w *World) readings(from, to time.Time, load func() *state) iter.Seq[Reading] {
	return func(yield func(Reading) bool) {
		start, end := ceilSeconds(from), ceilSeconds(to)
		hands := make([]hand, 0, len(w.clocks)+1)
		if fast := w.alertClock(load()); fast != nil {
			hands = append(hands, hand{clockwork: fast, alert: true})
		}
		for k := range w.clocks {
			hands = append(hands, hand{clockwork: &w.clocks[k]})
		}
		for k := range hands {
			hands[k].begin(start)
		}
		var m moment
		var at time.Time
		for {
			h := &hands[0]
			for k := 1; k < len(hands); k++ {
				if hands[k].sec < h.sec {
					h = &hands[k]
				}
			}
			if h.sec >= end {
				return
			}
			k, sec := h.streams[h.next], h.sec
			h.advance()
			if sec != m.sec || at.IsZero() {
				m, at = momentOf(sec*1e6), time.Unix(sec, 0).UTC()
			}
			st := load()
			sensing := st.sensing(k, m)
			if sensing != h.alert || !sensing && w.silent(k, sec) {
				continue
			}
			if !yield(Reading{k, at, w.value(k, m, st)}) {
				return
			}
		}
	}
}

func ceilSeconds(t time.Time) int64 { return -floorDiv(-t.UnixMicro(), 1e6) }

// alertClock drives the instruments that an incident makes report faster. Which ones does not change with a repair.
func (w *World) alertClock(st *state) *clockwork {
	if st == nil {
		return nil
	}
	c := &clockwork{interval: int64(AlertInterval / time.Second)}
	for k, r := range st.rooms {
		if r != nil {
			c.streams = append(c.streams, k)
		}
	}
	if len(c.streams) == 0 {
		return nil
	}
	c.order(w.Datastreams)
	return c
}

// sensing tells whether an instrument is in its fast mode.
func (st *state) sensing(k int, m moment) bool {
	r := st.roomOf(k)
	return r != nil && m.seconds() >= r.arrival && m.us < st.incidents[0].End.UnixMicro() // rooms are those of the leak, which is first
}

// silent tells whether a reading that is due gets lost.
func (w *World) silent(k int, sec int64) bool {
	seed := w.Datastreams[k].model.seed
	if unit(seed+0xd209, sec) < DropoutShare {
		return true
	}
	const slotLength = int64(OutageSlot / time.Second)
	slot := floorDiv(sec, slotLength)
	if unit(seed+0x0f1, slot) >= OutageChance {
		return false
	}
	length := OutageShortest.Seconds() + (OutageLongest-OutageShortest).Seconds()*unit(seed+0x0f2, slot)
	start := (float64(slotLength) - length) * unit(seed+0x0f3, slot)
	into := float64(sec - slot*slotLength)
	return into >= start && into < start+length
}
