package coverage

import (
	"cmp"
	"slices"
)

// Totals are the counts of what passes a filter. Each of Kinds, Areas and Cells adds up to Total.
type Totals struct {
	Total Counts      `json:"total"`
	Kinds []KindCount `json:"kinds" doc:"by kind of asset"`
	Areas []AreaCount `json:"areas" doc:"by the areas inside the one that was asked for, or by districts; area 0: outside of all"`
	Cells []Cell      `json:"cells" doc:"by kind and area; pairs without assets are left out"`
	// Places count the places that hold at least one asset that passes the kind, area and words of the filter.
	Places      Counts         `json:"places" doc:"places with assets, by the state of their assets together"`
	Datastreams map[string]int `json:"datastreams" doc:"all datastreams by liveness, whatever the filter"`
}

// KindCount is a line of the totals.
type KindCount struct {
	Kind  string `json:"kind"`
	Title Text   `json:"title"`
	Counts
}

// AreaCount is a column of the totals.
type AreaCount struct {
	Area int64 `json:"area"`
	Name Text  `json:"name"`
	Counts
}

// Cell is where a line and a column meet.
type Cell struct {
	Kind string `json:"kind"`
	Area int64  `json:"area"`
	Counts
}

// pair is a cell's place.
type pair struct {
	kind *kind
	area int64
}

func (v *view) totals(f Filter) Totals {
	m := v.matcher(f)
	columns := v.columns(f.Area)
	column := map[int64]int64{} // of an area, once it was asked
	columnOf := func(area int64) int64 {
		c, ok := column[area]
		if !ok {
			for _, id := range columns {
				if v.within(area, id) {
					c = id
				}
			}
			column[area] = c
		}
		return c
	}
	var t Totals
	kinds, areas, cells := map[*kind]*Counts{}, map[int64]*Counts{}, map[pair]*Counts{}
	for i := range v.verdicts {
		x, a := &v.verdicts[i], &v.assets[i]
		if !m.ofAsset(a, x) {
			continue
		}
		p := pair{v.entries[i].kind, columnOf(a.Area)}
		t.Total.add(x)
		into(kinds, p.kind).add(x)
		into(areas, p.area).add(x)
		into(cells, p).add(x)
	}
	for k, c := range kinds {
		t.Kinds = append(t.Kinds, KindCount{k.id, k.title, *c})
	}
	for id, c := range areas {
		t.Areas = append(t.Areas, AreaCount{id, v.areas[id].Name, *c})
	}
	for p, c := range cells {
		t.Cells = append(t.Cells, Cell{p.kind.id, p.area, *c})
	}
	slices.SortFunc(t.Kinds, func(a, b KindCount) int { return cmp.Compare(a.Kind, b.Kind) })
	slices.SortFunc(t.Areas, func(a, b AreaCount) int { return cmp.Or(last(a.Area, b.Area), cmp.Compare(a.Area, b.Area)) })
	slices.SortFunc(t.Cells, func(a, b Cell) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), last(a.Area, b.Area), cmp.Compare(a.Area, b.Area))
	})
	for i := range v.places {
		if c, state, ok := v.place(i, m); ok && (len(f.States) == 0 || slices.Contains(f.States, state)) {
			t.Places.count(state)
			if c.Late > 0 {
				t.Places.Late++
			}
			if c.Unjudged > 0 {
				t.Places.Unjudged++
			}
			if c.Overdue > 0 {
				t.Places.Overdue++
			}
			if c.DueSoon > 0 {
				t.Places.DueSoon++
			}
		}
	}
	t.Datastreams = map[string]int{}
	for i, l := range Livenesses {
		t.Datastreams[string(l)] = v.streams[i]
	}
	return t
}

// last puts 0, which is no area, behind all areas.
func last(a, b int64) int {
	switch {
	case a == 0 && b != 0:
		return 1
	case b == 0 && a != 0:
		return -1
	}
	return 0
}

func into[K comparable](m map[K]*Counts, k K) *Counts {
	c := m[k]
	if c == nil {
		c = &Counts{}
		m[k] = c
	}
	return c
}

// place sums up a place. ok says whether one of its assets passes the filter, whatever the state of that asset.
func (v *view) place(i int, m *matcher) (c Counts, state State, ok bool) {
	states := m.States
	m.States = nil
	defer func() { m.States = states }()
	for _, j := range v.places[i].assets {
		ok = ok || m.ofAsset(&v.assets[j], &v.verdicts[j])
		c.add(&v.verdicts[j])
	}
	return c, StateOfPlace(&c), ok
}
