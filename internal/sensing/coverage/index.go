package coverage

import (
	"cmp"
	"slices"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/sensing"
)

// rulebook is what the packs say about kinds and properties. It never changes.
type rulebook struct {
	kinds      map[string]*kind
	properties map[string]*property
}

type kind struct {
	id       string
	title    Text
	measures []*property
	judged   map[*property]Expectation // by the most impatient detector
}

type property struct {
	id    string
	title Text
	unit  string
}

func textOf(t pack.Text) Text { return Text{t.In("en"), t.In("zh-CN")} }

func newRulebook(kinds []pack.Kind, properties map[string]pack.Property, detectors []Detector) *rulebook {
	b := &rulebook{kinds: map[string]*kind{}, properties: map[string]*property{}}
	for _, p := range properties {
		b.properties[p.ID] = &property{p.ID, textOf(p.Title), p.Unit}
	}
	for _, k := range kinds {
		entry := &kind{id: k.ID, title: textOf(k.Title), judged: map[*property]Expectation{}}
		for _, id := range k.Measures {
			entry.measures = append(entry.measures, b.property(id))
		}
		b.kinds[k.ID] = entry
	}
	for _, d := range detectors {
		for _, id := range d.Kinds {
			k, p := b.kind(id), b.property(d.Property)
			e := ofDetector(d.SilentAfter)
			if old, ok := k.judged[p]; !ok || e.Every < old.Every {
				k.judged[p] = e
			}
		}
	}
	return b
}

// kind is a kind by its id. One that no loaded pack declares measures nothing.
func (b *rulebook) kind(id string) *kind {
	k := b.kinds[id]
	if k == nil {
		k = &kind{id: id, title: Text{id, id}, judged: map[*property]Expectation{}}
		b.kinds[id] = k
	}
	return k
}

// property is a property by its id. One that no loaded pack declares is called by its id.
func (b *rulebook) property(id string) *property {
	p := b.properties[id]
	if p == nil {
		p = &property{id: id, title: Text{id, id}}
		b.properties[id] = p
	}
	return p
}

// registry is the register as coverage needs it. It is replaced as a whole.
type registry struct {
	assets []Asset // by id
	places []place // by id; those with assets
	areas  map[int64]Area
	parent map[int64]int64
	inner  map[int64][]int64 // children by id, in the order of their names' ids
}

type place struct {
	id, area int64
	name     Text
	assets   []int32 // where in registry.assets
}

func newRegistry(assets []Asset, areas []Area) *registry {
	r := &registry{assets: assets, areas: map[int64]Area{}, parent: map[int64]int64{}, inner: map[int64][]int64{}}
	slices.SortFunc(r.assets, func(a, b Asset) int { return cmp.Compare(a.ID, b.ID) })
	for _, a := range areas {
		r.areas[a.ID], r.parent[a.ID] = a, a.Parent
		r.inner[a.Parent] = append(r.inner[a.Parent], a.ID)
	}
	for _, in := range r.inner {
		slices.Sort(in)
	}
	at := map[int64]int{}
	for i, a := range r.assets {
		if a.Place == 0 {
			continue
		}
		j, ok := at[a.Place]
		if !ok {
			j = len(r.places)
			at[a.Place] = j
			r.places = append(r.places, place{id: a.Place, area: a.Area, name: a.PlaceName})
		}
		r.places[j].assets = append(r.places[j].assets, int32(i))
	}
	slices.SortFunc(r.places, func(a, b place) int { return cmp.Compare(a.id, b.id) })
	return r
}

// maxDepth bounds walks up the areas: a circle can't be stored, but a bound costs nothing.
const maxDepth = 32

// within says whether an area is another or lies in it.
func (r *registry) within(area, outer int64) bool {
	for range maxDepth {
		if area == outer {
			return true
		}
		if area = r.parent[area]; area == 0 {
			return false
		}
	}
	return false
}

// columns are the areas by which totals are told for what lies in an area: its children. Without an area, or above a single
// one that holds all others, they are the districts. An area without children stands for itself.
func (r *registry) columns(area int64) []int64 {
	in := r.inner[area]
	if area == 0 && len(in) == 1 && len(r.inner[in[0]]) > 0 {
		in = r.inner[in[0]]
	}
	if len(in) == 0 && area != 0 {
		return []int64{area}
	}
	return in
}

// index binds assets to their datastreams and what is expected of these. It is replaced as a whole.
type index struct {
	*registry
	entries []entry         // as registry.assets
	homeOf  map[int64]int32 // where an asset stands, by id
	// loose are the datastreams of no asset of the register: they are counted, and otherwise the catalogue's.
	loose []stream
	// newest is the highest id of a datastream.
	newest int64
}

type entry struct {
	kind   *kind
	sights []sight
}

// sight is a property of an asset with the datastreams that watch it.
type sight struct {
	of      *property
	due     bool
	judged  bool
	streams []stream
}

type stream struct {
	id     int64
	name   string
	expect Expectation
	// ignored is a heartbeat that its sender declared and that can't be read.
	ignored string
}

// expectations is what was declared for datastreams, by id.
type expectations struct {
	set      map[int64]Expectation
	declared map[int64]declaration
}

// declaration is properties.heartbeat as SensorThings has it.
type declaration struct {
	text string
	from Origin
}

// expect is what is expected of a datastream.
func (x expectations) expect(id int64, k *kind, p *property) (e Expectation, ignored string) {
	e = Expectation{DefaultEvery, FromDefault}
	if k != nil {
		if by, ok := k.judged[p]; ok {
			e = by
		}
	}
	if d, ok := x.declared[id]; ok {
		if every, err := ParseEvery(d.text); err != nil {
			ignored = d.text
		} else {
			e = Expectation{every, d.from}
		}
	}
	if by, ok := x.set[id]; ok {
		return by, ""
	}
	return e, ignored
}

func newIndex(r *registry, book *rulebook, all func(func(sensing.DatastreamState)), x expectations) *index {
	ix := &index{registry: r, entries: make([]entry, len(r.assets)), homeOf: make(map[int64]int32, len(r.assets))}
	for i := range r.assets {
		a := &r.assets[i]
		k := book.kind(a.Kind)
		e := entry{kind: k, sights: make([]sight, len(k.measures))}
		for j, p := range k.measures {
			_, judged := k.judged[p]
			e.sights[j] = sight{of: p, due: true, judged: judged}
		}
		ix.entries[i], ix.homeOf[a.ID] = e, int32(i)
	}
	all(func(d sensing.DatastreamState) {
		ix.newest = max(ix.newest, d.ID)
		i, ok := ix.homeOf[d.Asset]
		if !ok || d.Asset == 0 {
			e, ignored := x.expect(d.ID, nil, nil)
			ix.loose = append(ix.loose, stream{d.ID, d.Name, e, ignored})
			return
		}
		en, p := &ix.entries[i], book.property(d.Property)
		e, ignored := x.expect(d.ID, en.kind, p)
		j := slices.IndexFunc(en.sights, func(s sight) bool { return s.of == p })
		if j < 0 {
			_, judged := en.kind.judged[p]
			en.sights = append(en.sights, sight{of: p, judged: judged})
			j = len(en.sights) - 1
		}
		en.sights[j].streams = append(en.sights[j].streams, stream{d.ID, d.Name, e, ignored})
	})
	return ix
}
