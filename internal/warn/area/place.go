package area

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/peterstace/simplefeatures/geom"

	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/internal/warn/outline"
	"github.com/anlan-city/anlan/internal/warn/wording"
)

const (
	// MaxAreas bounds how many areas of the register a warning holds for.
	MaxAreas = 50
	// maxDrawn and maxAround bound how many rings an officer draws and around how many assets bands lie; maxCorners, how many
	// points one ring has.
	maxDrawn   = 20
	maxAround  = 20
	maxCorners = 2000
	// maxNameRunes bounds the name of a drawn area.
	maxNameRunes = 100
	// nearby is how far outside the box around all areas, in degrees, a point may be drawn: some 20 km.
	nearby = .2
	// named is how many areas the name of a drawn one lists.
	named = 3
	// asWhole is the share from which an area is told to lie in a drawn one as a whole: nobody draws along a border to the metre.
	asWhole = .98
)

// Where says where a warning holds: by any mix of areas of the register, drawn rings and bands around assets.
type Where struct {
	Areas  []int64  `json:"areas,omitempty" required:"false" maxItems:"50"`
	Drawn  []Drawn  `json:"drawn,omitempty" required:"false" maxItems:"20"`
	Around []Around `json:"around,omitempty" required:"false" maxItems:"20"`
}

// Empty says whether nothing is named.
func (w Where) Empty() bool { return len(w.Areas)+len(w.Drawn)+len(w.Around) == 0 }

// Drawn is an area that an officer has drawn.
type Drawn struct {
	Name page.Text `json:"name,omitempty" required:"false" doc:"in both languages or in none; by the areas that it lies in when absent"`
	Ring Outline   `json:"ring" doc:"longitude and latitude of at least 3 different points; closed for you; must not cross itself"`
}

// Outline is a ring of longitudes and latitudes.
type Outline [][2]float64

// Around is a band around an asset. Of an asset in a home it lies around the building.
type Around struct {
	Asset  int64   `json:"asset"`
	Metres float64 `json:"metres" doc:"from 10 to 50,000"`
}

// Place is one area of a warning, frozen when it was proposed.
type Place struct {
	ID    int64      `json:"id"` // 0: drawn, or a band around an asset
	Code  string     `json:"code,omitempty"`
	Name  page.Text  `json:"name"`
	Rings []cap.Ring `json:"rings,omitempty"`
	// Touches are all areas of the register but grid cells that the rings touch, and those around them, lowest first. Warnings
	// that were published before there were drawn ones have none: see Areas.
	Touches []int64 `json:"touches,omitempty"`
	// Whole are those of them that lie in the rings as a whole, of what was drawn or is a band. Warnings that were published before
	// this was kept have none, and hold for parts.
	Whole []int64 `json:"whole,omitempty"`
	// Asks are the smallest areas that hold together what the rings hold: whose officers it takes.
	Asks []int64 `json:"asks,omitempty"`
}

// GroundOf is the ground of a register that knows outlines alone, and no assets.
func GroundOf(r Register) Ground { return bareGround{r} }

// bareGround makes shapes of outlines.
type bareGround struct{ register Register }

func (g bareGround) Shapes(ctx context.Context) (map[int64]geom.Geometry, error) {
	list, err := g.register.Areas(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]geom.Geometry, len(list))
	for _, a := range list {
		outlines, err := g.register.Geometry(ctx, a.ID)
		if err != nil {
			return nil, err
		}
		var rings []cap.Ring
		for _, o := range outlines {
			rings = append(rings, Ring(o))
		}
		if len(rings) > 0 {
			out[a.ID] = outline.Shape(rings)
		}
	}
	return out, nil
}

func (bareGround) Thing(context.Context, int64) (page.Text, geom.Geometry, bool, error) {
	return page.Text{}, geom.Geometry{}, false, nil
}

// terrain is the register's areas as one proposal sees them.
type terrain struct {
	list     []Area // parents first
	byID     map[int64]Area
	children map[int64][]int64
	shapes   map[int64]geom.Geometry
	box      geom.Envelope
}

func (s *Service) terrain(ctx context.Context) (*terrain, error) {
	list, err := s.register.Areas(ctx)
	if err != nil {
		return nil, fmt.Errorf("list areas: %w", err)
	}
	shapes, err := s.ground.Shapes(ctx)
	if err != nil {
		return nil, fmt.Errorf("outlines of areas: %w", err)
	}
	t := &terrain{list: list, byID: make(map[int64]Area, len(list)), children: map[int64][]int64{}, shapes: shapes}
	for _, a := range list {
		t.byID[a.ID] = a
		t.children[a.Parent] = append(t.children[a.Parent], a.ID)
		if g, ok := shapes[a.ID]; ok {
			t.box = t.box.ExpandToIncludeEnvelope(g.Envelope())
		}
	}
	return t, nil
}

// depth is how many areas lie around one. It is bounded, since a register that was loaded wrongly may hold a circle.
func (t *terrain) depth(id int64) (d int) {
	for p := t.byID[id].Parent; p != 0 && d < 16; p = t.byID[p].Parent {
		d++
	}
	return d
}

// below appends the areas that lie in one, by the register.
func (t *terrain) below(id int64, to []int64, level int) []int64 {
	for _, c := range t.children[id] {
		if level < 16 {
			to = t.below(c, append(to, c), level+1)
		}
	}
	return to
}

// above are the areas that one lies in.
func (t *terrain) above(id int64) (up []int64) {
	for p := t.byID[id].Parent; p != 0 && len(up) < 16; p = t.byID[p].Parent {
		up = append(up, p)
	}
	return up
}

// lowestFirst sorts areas by how deep they lie, and drops doubles.
func (t *terrain) lowestFirst(ids []int64) []int64 {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	slices.SortStableFunc(ids, func(a, b int64) int { return t.depth(b) - t.depth(a) })
	return ids
}

// touch finds which areas the place's rings touch, which lie in them as a whole, and whose officers it takes: of each area that is
// touched, those in it that are, and the area itself where they leave more than a sliver of the part.
func (t *terrain) touch(p *Place) {
	on, ok := outline.On(outline.Shape(p.Rings))
	if !ok {
		return
	}
	var touches, asks []int64
	touched := map[int64]bool{}
	for _, a := range t.list {
		if shape, ok := t.shapes[a.ID]; ok && on.Touches(shape) {
			touched[a.ID] = true
			touches = append(touches, a.ID)
			if on.ShareOf(shape) >= asWhole {
				p.Whole = append(p.Whole, a.ID)
			}
		}
	}
	for _, id := range touches {
		var in []geom.Geometry
		for _, c := range t.below(id, nil, 0) {
			if touched[c] {
				in = append(in, t.shapes[c])
			}
		}
		if len(in) > 0 {
			part, ok := outline.On(on.Within(t.shapes[id]))
			if ok && !part.Rest(in) {
				continue
			}
		}
		asks = append(asks, id)
	}
	for _, id := range touches {
		touches = append(touches, t.above(id)...)
	}
	p.Touches, p.Asks, p.Whole = t.lowestFirst(touches), t.lowestFirst(asks), t.lowestFirst(p.Whole)
}

// Places looks up where a proposal holds, and simplifies the outlines.
func (s *Service) Places(ctx context.Context, w Where) ([]Place, error) {
	t, err := s.terrain(ctx)
	if err != nil {
		return nil, err
	}
	out, err := s.placesOn(ctx, t, w)
	return fold(out), err
}

// placesOn are the places before what lies in another is dropped.
func (s *Service) placesOn(ctx context.Context, t *terrain, w Where) ([]Place, error) {
	switch {
	case len(w.Areas) > MaxAreas:
		return nil, web.Errorf(422, "warning.too_many_areas", "a warning holds for at most %d areas; choose a larger one", MaxAreas).At("areas")
	case len(w.Drawn) > maxDrawn:
		return nil, web.Errorf(422, "warning.too_many_areas", "at most %d areas can be drawn", maxDrawn).At("drawn")
	case len(w.Around) > maxAround:
		return nil, web.Errorf(422, "warning.too_many_areas", "a warning lies around at most %d assets", maxAround).At("around")
	}
	var out []Place
	for i, id := range w.Areas {
		if slices.Contains(w.Areas[:i], id) {
			continue
		}
		p, err := s.registered(ctx, t, id, fmt.Sprintf("areas[%d]", i))
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	out = t.foldAreas(out)
	for i, d := range w.Drawn {
		p, err := t.drawn(d, fmt.Sprintf("drawn[%d]", i))
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	for i, a := range w.Around {
		p, err := s.around(ctx, t, a, fmt.Sprintf("around[%d]", i))
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// registered is an area of the register.
func (s *Service) registered(ctx context.Context, t *terrain, id int64, field string) (Place, error) {
	a, ok := t.byID[id]
	if !ok {
		return Place{}, web.Errorf(422, "warning.unknown_area", "there is no area %d", id).At(field)
	}
	outlines, err := s.register.Geometry(ctx, id)
	if err != nil {
		return Place{}, fmt.Errorf("outline of area %d: %w", id, err)
	}
	p := Place{ID: id, Code: a.Code, Name: a.Name, Asks: []int64{id},
		Touches: t.lowestFirst(append(t.below(id, []int64{id}, 0), t.above(id)...))}
	for _, o := range outlines {
		if small, ok := Ring(o).Simplify(cap.MaxPoints); ok {
			p.Rings = append(p.Rings, small)
		}
	}
	if len(p.Rings) == 0 {
		return Place{}, web.Errorf(422, "warning.area_unmapped", "area %q has no outline on the map, so nobody could tell whether they are in it", a.Name.English).At(field)
	}
	return p, nil
}

// drawn is an area as an officer has drawn it.
func (t *terrain) drawn(d Drawn, field string) (Place, error) {
	if len(d.Ring) > maxCorners {
		return Place{}, web.Errorf(422, "warning.drawn_points", "the ring has %d points, at most %d are taken", len(d.Ring), maxCorners).At(field + ".ring")
	}
	var ring cap.Ring
	for i, xy := range d.Ring {
		if err := t.near(xy); err != nil {
			return Place{}, err.At(fmt.Sprintf("%s.ring[%d]", field, i))
		}
		p := cap.Point{Lat: xy[1], Lon: xy[0]}
		if len(ring) == 0 || ring[len(ring)-1] != p {
			ring = append(ring, p)
		}
	}
	if len(ring) > 1 && ring[0] != ring[len(ring)-1] {
		ring = append(ring, ring[0])
	}
	if len(ring) < 4 {
		return Place{}, web.Errorf(422, "warning.drawn_points", "a drawn area needs at least 3 different points, this one has %d", max(0, len(ring)-1)).At(field + ".ring")
	}
	if ring.Check() != nil {
		return Place{}, web.Errorf(422, "warning.drawn_crosses", "the ring crosses or touches itself, or encloses nothing; draw around the area once").At(field + ".ring")
	}
	small, ok := ring.Simplify(cap.MaxPoints)
	if !ok {
		return Place{}, web.Errorf(422, "warning.drawn_small", "the drawn area is too small to be published: coordinates are kept to about one metre").At(field + ".ring")
	}
	p := Place{Rings: []cap.Ring{small}, Name: d.Name}
	if t.touch(&p); len(p.Asks) == 0 {
		return Place{}, web.Errorf(422, "warning.drawn_outside", "the drawn area lies in no area of the register").At(field + ".ring")
	}
	return p, t.nameDrawn(&p, field+".name")
}

// near refuses a point that is no place in the city or next to it.
func (t *terrain) near(xy [2]float64) *web.Error {
	if !(math.Abs(xy[0]) <= 180 && math.Abs(xy[1]) <= 90) { // not a number fails, too
		return web.Errorf(422, "warning.drawn_range", "%v, %v is not a longitude and a latitude (longitude comes first)", xy[0], xy[1])
	}
	lo, ok1 := t.box.Min().XY()
	hi, ok2 := t.box.Max().XY()
	if !ok1 || !ok2 {
		return web.Errorf(422, "warning.drawn_outside", "the register has no area with an outline yet, so nothing can be drawn in the city")
	}
	if xy[0] < lo.X-nearby || xy[0] > hi.X+nearby || xy[1] < lo.Y-nearby || xy[1] > hi.Y+nearby {
		return web.Errorf(422, "warning.drawn_outside", "%v, %v lies far outside the city, which reaches from %.4f, %.4f to %.4f, %.4f (longitude comes first)", xy[0], xy[1], lo.X, lo.Y, hi.X, hi.Y)
	}
	return nil
}

// around is a band around an asset.
func (s *Service) around(ctx context.Context, t *terrain, a Around, field string) (Place, error) {
	if !(a.Metres >= outline.MinAround && a.Metres <= outline.MaxAround) {
		return Place{}, web.Errorf(422, "warning.around_metres", "a band around an asset is %d to %d m wide, not %v", outline.MinAround, outline.MaxAround, a.Metres).At(field + ".metres")
	}
	name, shape, ok, err := s.ground.Thing(ctx, a.Asset)
	if err != nil {
		return Place{}, fmt.Errorf("asset %d: %w", a.Asset, err)
	}
	if !ok {
		return Place{}, web.Errorf(422, "warning.unknown_asset", "there is no asset %d", a.Asset).At(field + ".asset")
	}
	rings, err := outline.Around(shape, a.Metres)
	if err != nil {
		return Place{}, web.Errorf(422, "warning.around_shape", "no band can be drawn around asset %d: %v", a.Asset, err).At(field + ".asset")
	}
	p := Place{Rings: rings}
	if t.touch(&p); len(p.Asks) == 0 {
		return Place{}, web.Errorf(422, "warning.drawn_outside", "the band around asset %d lies in no area of the register", a.Asset).At(field + ".asset")
	}
	in, more := t.names(p.Asks)
	p.Name = BandName(name, a.Metres, in, more)
	return p, nil
}

// BandName is what a band around a thing is called, with the areas that it lies in, as many as there is room for: few know where an
// instrument stands. more says that it lies in others, too. What was published around a thing comes back as a drawn area of that name when
// the warning is updated, so it is never longer than such a name may be.
func BandName(thing page.Text, metres float64, in []page.Text, more bool) page.Text {
	over := func(name string) int { return max(0, utf8.RuneCountInString(name)-maxNameRunes) }
	for n := len(in); n >= 0; n-- {
		if name := bandName(thing, metres, in[:n], more || n < len(in)); over(name.English)+over(name.Chinese) == 0 {
			return name
		}
	}
	whole := bandName(thing, metres, nil, false)
	short := page.Text{English: cut(thing.In(page.English), over(whole.English)), Chinese: cut(thing.In(page.Chinese), over(whole.Chinese))}
	return bandName(short, metres, nil, false)
}

// cut takes n characters off the end of a name, and says so.
func cut(name string, n int) string {
	if n == 0 {
		return name
	}
	r := []rune(name)
	return string(r[:max(0, len(r)-n-1)]) + "…"
}

func bandName(thing page.Text, metres float64, in []page.Text, more bool) page.Text {
	en, zh := strconv.FormatFloat(math.Round(metres), 'f', -1, 64)+" m", strconv.FormatFloat(math.Round(metres), 'f', -1, 64)+"米"
	if metres >= 1000 {
		km := strconv.FormatFloat(math.Round(metres/100)/10, 'f', -1, 64)
		en, zh = km+" km", km+"公里"
	}
	name := page.Text{English: "Within " + en + " of " + thing.In(page.English), Chinese: thing.In(page.Chinese) + "周边" + zh}
	switch {
	case len(in) == 0:
	case more:
		name.English += " (" + listed(in, page.English, ", ", ", ") + " and others)"
		name.Chinese += "（" + listed(in, page.Chinese, "、", "、") + "等地）"
	default:
		name.English += " (" + listed(in, page.English, ", ", " and ") + ")"
		name.Chinese += "（" + listed(in, page.Chinese, "、", "、") + "）"
	}
	return name
}

// InSentence has the name that we give a drawn area or a band read well after "in" and "for".
func InSentence(name page.Text) page.Text {
	name.English = strings.NewReplacer("Within ", "the area within ", "Parts of ", "parts of ", "Part of ", "part of ", "All of ", "all of ", wholeCity.English, "the whole city").Replace(name.English)
	return name
}

var wholeCity = page.Text{English: "The whole city", Chinese: "全市"}

// nameDrawn holds that a given name is in both languages, and gives one where there is none: by the smallest area around it all, or by
// the few that lie in it as a whole and those that it lies in.
func (t *terrain) nameDrawn(p *Place, field string) error {
	if strings.TrimSpace(p.Name.English+p.Name.Chinese) != "" {
		if err := wording.Check(field, &p.Name, maxNameRunes); err != nil {
			return err
		}
		return wording.Line(field, p.Name)
	}
	whole, partly := t.coarsest(*p)
	if len(whole)+len(partly) > named && len(partly) > 0 {
		if around := t.aroundAll(p.Asks); around != 0 {
			whole, partly = nil, []int64{around}
		}
	}
	switch {
	case len(partly) == 0 && len(whole) > 1 && t.isCity(whole):
		p.Name = wholeCity
	case len(partly) == 0:
		p.Name = t.listed(whole, named)
	case len(whole) == 0:
		few := t.listed(partly, named)
		p.Name = page.Text{English: "Parts of " + few.English, Chinese: few.Chinese + "部分区域"}
		if len(partly) == 1 {
			p.Name.English = "Part of " + few.English
		}
	default:
		all, few := t.listed(whole, max(1, named-len(partly))), t.listed(partly, max(1, named-len(whole)))
		p.Name = page.Text{English: "All of " + all.English + ", and parts of " + few.English, Chinese: all.Chinese + "全域及" + few.Chinese + "部分区域"}
	}
	return nil
}

// names are the few areas that people know a place by: those that it lies in, or the smallest around them all where they are many; more
// says that some are left out.
func (t *terrain) names(ids []int64) (names []page.Text, more bool) {
	if len(ids) > named {
		if around := t.aroundAll(ids); around != 0 {
			ids = []int64{around}
		}
	}
	for _, id := range ids[:min(len(ids), named)] {
		names = append(names, t.byID[id].Name)
	}
	return names, len(ids) > named
}

func listed(names []page.Text, lang, between, last string) string {
	var b strings.Builder
	for i, n := range names {
		switch {
		case i > 0 && i == len(names)-1:
			b.WriteString(last)
		case i > 0:
			b.WriteString(between)
		}
		b.WriteString(n.In(lang))
	}
	return b.String()
}

// coarsest parts the areas that a drawn place takes into those that lie in it as a whole, the largest that do, and the others.
func (t *terrain) coarsest(p Place) (whole, partly []int64) {
	for _, id := range p.Asks {
		top := int64(0)
		for _, up := range append([]int64{id}, t.above(id)...) {
			if slices.Contains(p.Whole, up) {
				top = up
			}
		}
		switch {
		case top == 0:
			partly = append(partly, id)
		case !slices.Contains(whole, top):
			whole = append(whole, top)
		}
	}
	return whole, partly
}

// isCity says whether areas are all that lie in no other.
func (t *terrain) isCity(ids []int64) bool {
	return !slices.ContainsFunc(t.list, func(a Area) bool {
		_, below := t.byID[a.Parent]
		return !below && !slices.Contains(ids, a.ID)
	})
}

// listed names areas, at most so many.
func (t *terrain) listed(ids []int64, most int) page.Text {
	var en, zh []string
	for _, id := range ids[:min(len(ids), most)] {
		en, zh = append(en, t.byID[id].Name.In(page.English)), append(zh, t.byID[id].Name.In(page.Chinese))
	}
	out := page.Text{English: en[0], Chinese: strings.Join(zh, "、")}
	switch last := len(en) - 1; {
	case len(ids) > most:
		out = page.Text{English: strings.Join(en, ", ") + " and others", Chinese: out.Chinese + "等地"}
	case last > 0:
		out.English = strings.Join(en[:last], ", ") + " and " + en[last]
	}
	return out
}

// aroundAll is the smallest area that all of some lie in or are, by the register; 0 for none.
func (t *terrain) aroundAll(ids []int64) int64 {
	common := append([]int64{ids[0]}, t.above(ids[0])...)
	for _, id := range ids[1:] {
		up := append([]int64{id}, t.above(id)...)
		common = slices.DeleteFunc(common, func(c int64) bool { return !slices.Contains(up, c) })
	}
	if len(common) == 0 {
		return 0
	}
	return common[0]
}

// foldAreas drops areas that lie in another of them, by the register and on the ground.
func (t *terrain) foldAreas(ps []Place) []Place {
	return slices.DeleteFunc(slices.Clone(ps), func(p Place) bool {
		for _, up := range t.above(p.ID) {
			if !slices.ContainsFunc(ps, func(o Place) bool { return o.ID == up }) {
				continue
			}
			if on, ok := outline.On(t.shapes[p.ID]); ok && on.LiesIn(t.shapes[up]) {
				return true
			}
		}
		return false
	})
}

// fold drops what was drawn and lies in another place of the warning. Areas of the register stay: they have a name and a code.
func fold(ps []Place) []Place {
	var out []Place
	for i, p := range ps {
		on, ok := outline.On(outline.Shape(p.Rings))
		drop := p.ID == 0 && ok && slices.ContainsFunc(ps[:i], func(o Place) bool { return on.LiesIn(outline.Shape(o.Rings)) })
		for j := i + 1; p.ID == 0 && ok && !drop && j < len(ps); j++ {
			other := outline.Shape(ps[j].Rings)
			back, ok := outline.On(other)
			drop = ok && on.LiesIn(other) && !back.LiesIn(outline.Shape(p.Rings)) // of two that are the same, the first stays
		}
		if !drop {
			out = append(out, p)
		}
	}
	return out
}

// Areas are those of the register that the place stands for: itself, or those that it takes where it was drawn.
func (p Place) Areas() []int64 {
	if p.ID != 0 {
		return []int64{p.ID}
	}
	return p.Asks
}

// IDs are the areas of the register that places stand for, each once.
func IDs(places []Place) []int64 {
	ids := []int64{}
	for _, p := range places {
		for _, id := range p.Areas() {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// AreaName is an area as warnings name it.
type AreaName struct {
	ID    int64     `json:"id" doc:"0: drawn, or a band around an asset"`
	Name  page.Text `json:"name"`
	Rings []Outline `json:"rings,omitempty" doc:"of what the register does not know: longitude, latitude"`
}

// Names are the names of places, with the rings of those that the register doesn't know.
func Names(places []Place) []AreaName {
	names := make([]AreaName, len(places))
	for i, a := range places {
		names[i] = AreaName{ID: a.ID, Name: a.Name}
		if a.ID != 0 {
			continue
		}
		for _, r := range a.Rings {
			names[i].Rings = append(names[i].Rings, outlineOf(r))
		}
	}
	return names
}

// Ring is a ring of longitudes and latitudes as CAP writes it.
func Ring(o [][2]float64) cap.Ring {
	r := make(cap.Ring, len(o))
	for i, p := range o {
		r[i] = cap.Point{Lat: p[1], Lon: p[0]}
	}
	return r
}

func outlineOf(r cap.Ring) Outline {
	o := make(Outline, len(r))
	for i, p := range r {
		o[i] = [2]float64{p.Lon, p.Lat}
	}
	return o
}
