package area

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/internal/warn/hazard"
	"github.com/anlan-city/anlan/internal/warn/outline"
)

// Bounds on what is listed of what lies inside; the counts are whole.
const (
	maxCareItems  = 100
	maxOtherItems = 20
	maxSorts      = 200
	maxInAreas    = 100
	// fewPeople is the total of people below which no number is shown.
	fewPeople = 20
	// whole is the share from which an area counts as lying inside as a whole: published outlines are simplified.
	whole = .999
	// mostly is how much of an area's part must lie in areas that it holds for their numbers to stand in for its own.
	mostly = .95
)

// Inside is what lies inside the area of a warning.
type Inside struct {
	Places    int              `json:"places"`
	Assets    int              `json:"assets"`
	Kinds     []InsideKind     `json:"kinds" doc:"what needs care first, in the order of the packs; then what else packs name; then other kinds, the most first"`
	LeftOut   int              `json:"left_out,omitempty" doc:"places and assets of kinds that are not listed, for there are too many kinds"`
	Residents *InsideResidents `json:"residents" doc:"null: the register has no number for any of it"`
	Areas     []InsideArea     `json:"areas" doc:"areas of the register that it touches, the smallest first; grid cells are left out"`
}

// InsideKind is one sort of what lies inside.
type InsideKind struct {
	ID        string       `json:"id" doc:"a group of a pack, or the kind itself"`
	Title     page.Text    `json:"title"`
	NeedsCare bool         `json:"needs_care"`
	Count     int          `json:"count"`
	Items     []InsideItem `json:"items" doc:"the first 100 where care is needed, else 20; of things in homes the buildings"`
}

// InsideItem is a place or an asset.
type InsideItem struct {
	Type  string    `json:"type" enum:"place,asset"`
	ID    int64     `json:"id"`
	Name  page.Text `json:"name"`
	Place page.Text `json:"place,omitzero" doc:"where an asset stands"`
}

// InsideResidents is about how many people live inside.
type InsideResidents struct {
	About    *int         `json:"about" doc:"two figures of it; null when under 20"`
	Shown    page.Text    `json:"shown" doc:"as it is to be shown"`
	Complete bool         `json:"complete" doc:"false: of a part the register has no number"`
	From     []InsideFrom `json:"from" doc:"the numbers that it was reckoned from, by the share of ground"`
}

// InsideFrom is a number of the register.
type InsideFrom struct {
	Area   int64     `json:"area"`
	Name   page.Text `json:"name"`
	Total  int       `json:"total"`
	Year   int       `json:"year"`
	Source string    `json:"source"`
	Share  float64   `json:"share" doc:"what share of the area's ground lies inside, from 0 to 1"`
}

// InsideArea is an area of the register that lies inside in part.
type InsideArea struct {
	ID    int64     `json:"id"`
	Name  page.Text `json:"name"`
	Share float64   `json:"share" doc:"of its ground, from 0 to 1"`
}

// Inside says what lies inside the area that a proposal would have. Nothing is stored. Points count where they lie in it as it would
// be published; of areas a share of the ground.
func (s *Service) Inside(ctx context.Context, w Where) (Inside, error) {
	if err := s.access.Decide(ctx, "city.read", access.Resource{Type: "asset"}, access.Operations); err != nil {
		return Inside{}, err
	}
	t, err := s.terrain(ctx)
	if err != nil {
		return Inside{}, err
	}
	places, err := s.placesOn(ctx, t, w)
	if err != nil {
		return Inside{}, err
	}
	if len(places) == 0 {
		return Inside{}, web.Errorf(422, "warning.no_area", "a warning needs at least one area").At("areas")
	}
	out := Inside{Kinds: []InsideKind{}, Areas: []InsideArea{}}
	if s.holdings == nil {
		return out, nil
	}
	var rings []cap.Ring
	for _, p := range places {
		rings = append(rings, p.Rings...)
	}
	sorts := newSorts(s.hazards.Groups(), s.holdings)
	s.holdings.Standing(outline.NewMask(rings).Holds, func(x Standing) {
		if x.Asset {
			out.Assets++
		} else {
			out.Places++
		}
		sorts.add(x)
	})
	out.Kinds, out.LeftOut = sorts.list()

	r := &reckoning{terrain: t, holdings: s.holdings, named: map[int64]bool{}, shares: map[int64]float64{}}
	r.on, r.ok = outline.On(outline.Shape(rings))
	var touched []int64
	for _, p := range places {
		touched = append(touched, p.Touches...)
		r.named[p.ID] = p.ID != 0
	}
	for _, id := range t.lowestFirst(touched) {
		if share := r.share(id); share > 0 && len(out.Areas) < maxInAreas {
			out.Areas = append(out.Areas, InsideArea{id, t.byID[id].Name, math.Round(share*1000) / 1000})
		}
	}
	out.Residents = r.residents()
	return out, nil
}

// sorts counts things by their groups, or by their kinds where no pack names them.
type sorts struct {
	holdings Holdings
	groups   map[string]*sorting // by kind, as packs name it
	order    []*sorting
	others   map[string]*sorting
}

type sorting struct {
	InsideKind
	most int
}

func newSorts(groups []hazard.Group, h Holdings) *sorts {
	s := &sorts{holdings: h, groups: map[string]*sorting{}, others: map[string]*sorting{}}
	for _, g := range groups {
		one := &sorting{InsideKind{ID: g.ID, Title: g.Title, NeedsCare: g.Care}, maxOtherItems}
		if g.Care {
			one.most = maxCareItems
		}
		s.order = append(s.order, one)
		for _, k := range g.Kinds {
			s.groups[k] = one
		}
	}
	return s
}

func (s *sorts) add(x Standing) {
	one := s.groups[x.Kind]
	if one == nil {
		one = s.others[x.Kind]
	}
	if one == nil {
		title, ok := page.Text{}, false
		if x.Asset {
			title, ok = s.holdings.KindTitle(x.Kind)
		}
		switch {
		case !ok && x.Kind == "":
			title = page.Text{English: "Other places", Chinese: "其他点位"}
		case !ok:
			title = page.Text{English: x.Kind, Chinese: x.Kind}
		}
		one = &sorting{InsideKind{ID: x.Kind, Title: title}, maxOtherItems}
		s.others[x.Kind] = one
	}
	one.Count++
	item := InsideItem{Type: "place", ID: x.ID, Name: x.Name}
	switch {
	case x.Home: // the building, never the flat
		item.ID, item.Name = x.Place, x.PlaceName
	case x.Asset:
		item.Type, item.Place = "asset", x.PlaceName
	}
	if one.Items = append(one.Items, item); len(one.Items) >= 4*one.most {
		one.cut()
	}
}

// cut keeps the items that were entered first, each once.
func (s *sorting) cut() {
	slices.SortFunc(s.Items, func(a, b InsideItem) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID)) })
	s.Items = slices.CompactFunc(s.Items, func(a, b InsideItem) bool { return a.Type == b.Type && a.ID == b.ID })
	s.Items = s.Items[:min(len(s.Items), s.most)]
}

func (s *sorts) list() (kinds []InsideKind, leftOut int) {
	others := make([]*sorting, 0, len(s.others))
	for _, one := range s.others {
		others = append(others, one)
	}
	slices.SortFunc(others, func(a, b *sorting) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.ID, b.ID)) })
	kinds = []InsideKind{}
	for _, one := range slices.Concat(s.order, others) {
		switch {
		case one.Count == 0:
		case len(kinds) >= maxSorts:
			leftOut += one.Count
		default:
			one.cut()
			kinds = append(kinds, one.InsideKind)
		}
	}
	return kinds, leftOut
}

// reckoning estimates how many live inside.
type reckoning struct {
	*terrain
	holdings Holdings
	on       outline.Ground
	ok       bool
	named    map[int64]bool // areas that the warning holds for by name
	shares   map[int64]float64
}

// share is what share of an area lies inside.
func (r *reckoning) share(id int64) float64 {
	if share, known := r.shares[id]; known {
		return share
	}
	share := 0.0
	switch shape, drawn := r.shapes[id]; {
	case r.named[id] || slices.ContainsFunc(r.above(id), func(up int64) bool { return r.named[up] }):
		share = 1
	case drawn && r.ok:
		if share = r.on.ShareOf(shape); share >= whole {
			share = 1
		}
	}
	r.shares[id] = share
	return share
}

// of is how many live in an area's part inside: by its own number where it lies inside as a whole, else by those of the areas that it
// holds where they make up the part, else by its own number and the share. complete is false where a number is missing.
func (r *reckoning) of(id int64) (n float64, from []InsideFrom, complete bool) {
	share := r.share(id)
	if share == 0 {
		return 0, nil, true
	}
	own, known := r.holdings.Residents(id)
	mine := []InsideFrom{{Area: id, Name: r.byID[id].Name, Total: own.Total, Year: own.Year, Source: own.Source, Share: math.Round(share*1000) / 1000}}
	if known && share == 1 {
		return float64(own.Total), mine, true
	}
	complete = true
	ground := 0.0
	for _, c := range r.children[id] {
		cn, cfrom, cok := r.of(c)
		n, from, complete = n+cn, append(from, cfrom...), complete && cok
		ground += r.share(c) * r.shapes[c].Area()
	}
	complete = complete && ground >= mostly*share*r.shapes[id].Area() && len(r.children[id]) > 0
	if !complete && known {
		return float64(own.Total) * share, mine, true
	}
	return n, from, complete
}

func (r *reckoning) residents() *InsideResidents {
	out := &InsideResidents{Complete: true}
	n := 0.0
	for _, a := range r.list {
		if _, below := r.byID[a.Parent]; below {
			continue
		}
		an, from, complete := r.of(a.ID)
		n, out.From, out.Complete = n+an, append(out.From, from...), out.Complete && complete
	}
	if len(out.From) == 0 {
		return nil
	}
	about := twoFigures(n)
	if out.Shown = (page.Text{English: "<20", Chinese: "<20"}); n >= fewPeople {
		out.About = &about
		out.Shown = page.Text{English: "about " + thousands(about), Chinese: "约" + strconv.Itoa(about) + "人"}
	}
	out.From = out.From[:min(len(out.From), maxInAreas)]
	return out
}

// twoFigures rounds to two figures: shares of ground know no more.
func twoFigures(n float64) int {
	k := 1.0
	for n/k >= 100 {
		k *= 10
	}
	return int(math.Round(n/k) * k)
}

func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return thousands(n/1000) + fmt.Sprintf(",%03d", n%1000)
}
