package coverage

import (
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/sensing"
)

// view is one evaluation of everything, from which totals and lists are both told, so that they add up.
type view struct {
	*index
	at       int64 // microseconds
	verdicts []verdict
	streams  [len(Livenesses)]int // datastreams by liveness
	order    []int32              // of the list; made when first asked for
}

// evaluate judges all assets at a time. The caller holds s.mu for reading.
func (s *Service) evaluate(ix *index, now int64) *view {
	v := &view{index: ix, at: now, verdicts: make([]verdict, len(ix.assets))}
	today := s.day(now)
	var sights []Sight // one slice for all
	for i := range ix.entries {
		sights = s.judge(ix, i, now, today, &v.verdicts[i], sights[:0], &v.streams)
	}
	for i := range ix.loose {
		l, _ := s.hear(&ix.loose[i], now)
		v.streams[l.rank()]++
	}
	return v
}

// judge fills in the verdict on one asset and returns what it was based on. tally may be nil.
func (s *Service) judge(ix *index, i int, now int64, today int, out *verdict, sights []Sight, tally *[len(Livenesses)]int) []Sight {
	e, a := &ix.entries[i], &ix.assets[i]
	measured, judged := false, false
	for j := range e.sights {
		x := &e.sights[j]
		sight := Sight{Due: x.due, Judged: x.judged, Watched: len(x.streams) > 0}
		for k := range x.streams {
			l, last := s.hear(&x.streams[k], now)
			if tally != nil {
				tally[l.rank()]++
			}
			out.last = max(out.last, last)
			if sight.Liveness == "" || l.rank() < sight.Liveness.rank() {
				sight.Liveness = l
			}
			if c := s.calibrations[subject{datastream: x.streams[k].id}]; c != nil {
				out.calibration(c.dueDay)
			}
		}
		measured = measured || sight.Watched
		judged = judged || sight.Watched && sight.Judged
		out.late = out.late || sight.Liveness == Late
		sights = append(sights, sight)
	}
	out.unjudged = measured && !judged
	if c := s.calibrations[subject{asset: a.ID}]; c != nil {
		out.calibration(c.dueDay)
	}
	out.due = dueAt(out.dueDay, today)
	out.work = s.workOn(a.ID, a.Place, now)
	out.state = StateOf(sights, out.work != nil)
	return sights
}

// calibration notes a day to calibrate: the nearest counts.
func (v *verdict) calibration(day int) {
	if v.dueDay == 0 || day < v.dueDay {
		v.dueDay = day
	}
}

// hear is how a datastream is doing, and when it last spoke. One that was just deleted counts as never heard, until the next
// look.
func (s *Service) hear(x *stream, now int64) (Liveness, int64) {
	st, ok := s.Streams.State(x.id)
	if !ok {
		st = sensing.State{}
	}
	last := lastHeard(&st)
	return x.expect.LivenessAt(last, now), last
}

// Filter narrows totals and lists; zero fields don't.
type Filter struct {
	Kind     string // "gas/kitchen-alarm", or "gas" for the whole pack
	Area     int64  // and all that lies in it
	States   []State
	Due      Due  // Overdue or DueSoon
	Late     bool // only what speaks late
	Unjudged bool // only what is measured and judged by no detector
	Text     string
}

// matcher is a filter that is ready to be asked a hundred thousand times.
type matcher struct {
	Filter
	pack  string
	text  string
	areas map[int64]bool
}

func (v *view) matcher(f Filter) *matcher {
	m := &matcher{Filter: f, text: strings.ToLower(f.Text)}
	if f.Kind != "" && !strings.Contains(f.Kind, "/") {
		m.pack = f.Kind + "/"
	}
	if f.Area != 0 {
		m.areas = map[int64]bool{}
		for id := range v.areas {
			if v.within(id, f.Area) {
				m.areas[id] = true
			}
		}
	}
	return m
}

func (m *matcher) ofAsset(a *Asset, x *verdict) bool {
	switch {
	case m.pack != "" && !strings.HasPrefix(a.Kind, m.pack):
		return false
	case m.pack == "" && m.Kind != "" && a.Kind != m.Kind:
		return false
	case m.areas != nil && !m.areas[a.Area]:
		return false
	case len(m.States) > 0 && !slices.Contains(m.States, x.state):
		return false
	case m.Due != "" && x.due != m.Due, m.Late && !x.late, m.Unjudged && !x.unjudged:
		return false
	case m.text == "":
		return true
	}
	// The name of an asset in a home is not shown, so it is not found by either.
	return strings.Contains(strings.ToLower(a.Key), m.text) || holds(a.PlaceName, m.text) || !a.Home && holds(a.Name, m.text)
}

func holds(t Text, lower string) bool {
	return strings.Contains(strings.ToLower(t.EN), lower) || strings.Contains(strings.ToLower(t.ZH), lower)
}

// sorted is the order of the list: what is blind first, then by id.
func (v *view) sorted() []int32 {
	if v.order == nil {
		var by [8][]int32
		for i := range v.verdicts {
			r := v.verdicts[i].rank()
			by[r] = append(by[r], int32(i))
		}
		v.order = make([]int32, 0, len(v.verdicts))
		for _, part := range by {
			v.order = append(v.order, part...)
		}
	}
	return v.order
}

// page are up to limit assets that pass the filter, behind a place in the list.
func (v *view) page(f Filter, after cursor, limit int) (at []int32, next cursor) {
	m := v.matcher(f)
	for _, i := range v.sorted() {
		x, a := &v.verdicts[i], &v.assets[i]
		if here := (cursor{x.rank(), a.ID}); !here.behind(after) || !m.ofAsset(a, x) {
			continue
		}
		if len(at) == limit {
			last := at[limit-1]
			return at, cursor{v.verdicts[last].rank(), v.assets[last].ID}
		}
		at = append(at, i)
	}
	return at, cursor{}
}
