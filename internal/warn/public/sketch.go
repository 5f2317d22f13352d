package public

import (
	"context"
	"html/template"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/internal/warn/hazard"
)

// Bounds of the map: how large it is, and how much of the register it shows.
const (
	mapWidth     = 1000
	maxOutlines  = 64
	outlinePoint = 120 // points of an outline
	outlinesKept = 10 * time.Minute
	maxPath      = 100_000 // bytes of all the warnings' outlines together
)

// outlines are the districts as the map draws them. They are read again when the areas change, and now and then.
type outlines struct {
	of    []area.Area
	read  time.Time
	rings [][]cap.Ring // by district
}

// sketch is the map of the warnings: an addition to the list, which says the same in words.
type sketch struct {
	Width, Height int
	Land          []template.HTMLAttr // paths of the districts, as d="..."
	Areas         []shade             // the mildest first, so that the most severe lie above
	Marks         []mark
}

// shade is where a warning holds.
type shade struct {
	Level hazard.Level
	Path  template.HTMLAttr
}

// mark is the number of a warning in the middle of its area.
type mark struct {
	N, X, Y int
	Level   hazard.Level
}

// districts are the areas that the map draws: those at the top, or below the city where that alone is at the top.
func districts(areas []area.Area) []area.Area {
	below := func(parent int64) (out []area.Area) {
		for _, a := range areas {
			if a.Parent == parent {
				out = append(out, a)
			}
		}
		return out
	}
	list := below(0)
	for range 3 {
		if len(list) != 1 {
			break
		}
		next := below(list[0].ID)
		if len(next) == 0 {
			break
		}
		list = next
	}
	return list[:min(len(list), maxOutlines)]
}

// outline returns the districts' outlines. Without them the map still shows the warnings' own.
func (s *Service) outline(ctx context.Context, areas []area.Area, now time.Time) []cap.Ring {
	s.drawn.Lock()
	defer s.drawn.Unlock()
	of := districts(areas)
	if o := &s.drawn.outlines; s.gazetteer != nil && (!slices.Equal(o.of, of) || now.Sub(o.read) > outlinesKept || now.Before(o.read)) {
		all, err := s.gazetteer.Outlines(ctx)
		if err != nil {
			slog.WarnContext(ctx, "the public map has no new outlines", "err", err)
		} else {
			*o = outlines{of: of, read: now}
			for _, a := range of {
				var rings []cap.Ring
				for _, shape := range all[a.ID] {
					if small, ok := area.Ring(shape).Simplify(outlinePoint); ok {
						rings = append(rings, small)
					}
				}
				o.rings = append(o.rings, rings)
			}
		}
	}
	return slices.Concat(s.drawn.outlines.rings...)
}

// located gives places of others' warnings that are named by codes alone the outlines of the register; the whole city is left out.
func (s *Service) located(ctx context.Context, list []Warning) []Warning {
	list = slices.Clone(list)
	for i := range list {
		w := &list[i]
		if w.relay == nil || w.relay.Whole {
			continue
		}
		w.Areas = slices.Clone(w.Areas)
		for j := range w.Areas[:min(len(w.Areas), area.MaxAreas)] {
			at := &w.Areas[j]
			if at.ID == 0 {
				continue
			}
			shapes, err := s.areas.Geometry(ctx, at.ID)
			if err != nil {
				slog.WarnContext(ctx, "the public map lacks an area", "area", at.ID, "err", err)
			}
			for _, shape := range shapes {
				if small, ok := area.Ring(shape).Simplify(outlinePoint); ok {
					at.Rings = append(at.Rings, small)
				}
			}
		}
	}
	return list
}

// mapLand is the land under a map, the same for all maps of a picture.
type mapLand struct {
	to    projection
	known bool
	land  []template.HTMLAttr
}

func survey(land []cap.Ring) (t mapLand) {
	if t.to, t.known = fit(land); !t.known {
		return t
	}
	var d []string
	for _, r := range land {
		d = append(d, t.to.text(r))
	}
	t.land = []template.HTMLAttr{attr(strings.Join(d, ""))}
	return t
}

// landOf returns the land under the maps of a picture.
func (s *Service) landOf(ctx context.Context, p *picture) mapLand {
	p.under.Do(func() { p.under.mapLand = survey(s.outline(ctx, p.areas, p.at)) })
	return p.under.mapLand
}

// draw makes the map, nil where there is nothing to be shown.
func draw(land mapLand, warnings []Warning) *sketch {
	if len(warnings) == 0 {
		return nil
	}
	to, ok := land.to, land.known
	if !ok {
		var frame []cap.Ring
		for _, w := range warnings {
			for _, a := range w.Areas {
				frame = append(frame, a.Rings...)
			}
		}
		to, ok = fit(frame)
	}
	if !ok {
		return nil
	}
	out := &sketch{Width: mapWidth, Height: to.height, Land: land.land}
	taken := map[[2]int]bool{}
	left := maxPath
	for i, w := range warnings {
		var d []string
		var best cap.Ring
		for _, a := range w.Areas {
			for _, r := range a.Rings {
				if text := to.text(r); text != "" && len(text) <= left {
					d, left = append(d, text), left-len(text)
				}
				if spread(r) > spread(best) {
					best = r
				}
			}
		}
		if best == nil {
			continue
		}
		out.Areas = append(out.Areas, shade{w.Level, attr(strings.Join(d, ""))})
		x, y := to.xy(middle(best))
		x, y = min(max(x, 30), mapWidth-30), min(max(y, 30), to.height-30)
		for taken[[2]int{x / 50, y / 50}] && x < mapWidth-80 { // beside another's number, not on it
			x += 52
		}
		taken[[2]int{x / 50, y / 50}] = true
		out.Marks = append(out.Marks, mark{N: i + 1, X: x, Y: y, Level: w.Level})
	}
	slices.Reverse(out.Areas)
	slices.Reverse(out.Marks)
	return out
}

// projection puts degrees on the map: as on a map of the globe's surface around the middle.
type projection struct {
	west, north, scale, narrow float64
	height                     int
}

func fit(rings []cap.Ring) (p projection, ok bool) {
	west, east, south, north := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, r := range rings {
		for _, at := range r {
			west, east, south, north = min(west, at.Lon), max(east, at.Lon), min(south, at.Lat), max(north, at.Lat)
		}
	}
	if !(east > west && north > south) {
		return p, false
	}
	p.narrow = math.Cos((south + north) / 2 * math.Pi / 180)
	const margin = 16
	wide, high := (east-west)*p.narrow, north-south
	p.scale = min((mapWidth-2*margin)/wide, (mapWidth-2*margin)/high)
	p.height = max(160, int(high*p.scale)+2*margin)
	p.west = west - (mapWidth/p.scale-wide)/2/p.narrow
	p.north = north + (float64(p.height)/p.scale-high)/2
	return p, true
}

func (p projection) xy(at cap.Point) (x, y int) {
	limit := func(f float64) int { return int(math.Round(min(max(f, -2*mapWidth), 3*mapWidth))) }
	return limit((at.Lon - p.west) * p.narrow * p.scale), limit((p.north - at.Lat) * p.scale)
}

// text is a ring as a path, in whole units: what is smaller can't be seen.
func (p projection) text(r cap.Ring) string {
	b := make([]byte, 0, 8*len(r))
	lastX, lastY, n := 0, 0, 0
	for i, at := range r {
		x, y := p.xy(at)
		if i > 0 && x == lastX && y == lastY {
			continue
		}
		b = append(b, "ML"[min(n, 1)])
		b = strconv.AppendInt(b, int64(x), 10)
		b = append(b, ' ')
		b = strconv.AppendInt(b, int64(y), 10)
		lastX, lastY, n = x, y, n+1
	}
	if n < 3 {
		return ""
	}
	return string(append(b, 'Z'))
}

// attr is a path as an attribute; it holds digits, spaces and letters of paths alone.
func attr(path string) template.HTMLAttr { return template.HTMLAttr(`d="` + path + `"`) }

// spread tells large rings from small ones.
func spread(r cap.Ring) (area float64) {
	for i := 1; i < len(r); i++ {
		area += r[i-1].Lon*r[i].Lat - r[i].Lon*r[i-1].Lat
	}
	return math.Abs(area)
}

// middle is the mean of the corners; it need not lie inside.
func middle(r cap.Ring) cap.Point {
	var m cap.Point
	for _, at := range r[min(1, len(r)):] {
		m.Lat, m.Lon = m.Lat+at.Lat/float64(len(r)-1), m.Lon+at.Lon/float64(len(r)-1)
	}
	return m
}

// remaining is how long something lasts still, in words that are true for the minute in which the page is drawn.
func (s *Service) remaining(lang string, left time.Duration) string {
	switch minutes := int(math.Ceil(left.Minutes())); {
	case minutes <= 1:
		return s.pages.T(lang, "left.minute")
	case minutes < 90:
		return s.pages.T(lang, "left.minutes", minutes)
	case left < 36*time.Hour:
		return s.pages.T(lang, "left.hours", int(math.Round(left.Hours())))
	}
	return s.pages.T(lang, "left.days", int(math.Round(left.Hours()/24)))
}
