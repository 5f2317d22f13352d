package public

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// Bounds of a search. The words are in no log and no store.
const (
	maxWords = 80 // characters
	maxFound = 10
	searches = 4 // at a time; they are the only public pages that are made for one reader
)

// Spot is a place that people know by its name.
type Spot struct {
	Name     page.Text
	Lon, Lat float64
}

// Gazetteer tells where places and districts lie; the register fulfils it. It is safe for concurrent use.
type Gazetteer interface {
	// Places finds places of the public's by words in their names, at most limit of them, from memory. Homes are never among
	// them.
	Places(words string, limit int) []Spot
	// At lists the areas at a point, the innermost first; none outside the city.
	At(lon, lat float64) []int64
	// Outlines are the outer rings of the districts and towns as longitude, latitude.
	Outlines(ctx context.Context) (map[int64][][][2]float64, error)
}

// search is what was looked for and found.
type search struct {
	Words   string
	Short   bool // too short to look for, or too long
	Outside bool // a point that lies in no district
	More    bool // there are more matches than are told
	Found   []found
}

// found is a match, with the warnings that hold there.
type found struct {
	Name page.Text
	In   page.Text // the district or town around it
	Held []held
}

type held struct {
	card
	Partly bool // it holds in a part of the area
}

// searchPage answers "is it my street, until when".
func (s *Service) searchPage(w http.ResponseWriter, r *http.Request) {
	p, err := s.present(r.Context())
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	select {
	case s.searching <- struct{}{}:
		defer func() { <-s.searching }()
	case <-r.Context().Done():
		return
	}
	to, words := s.pages.Reader(r), strings.TrimSpace(r.URL.Query().Get("where"))
	here := &url.URL{Path: "/warnings", RawQuery: url.Values{"where": {words}}.Encode()}
	body, err := s.listBody(context.WithoutCancel(r.Context()), p, 0, to, s.search(p, words, to.Lang), here)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	page.Headers(w.Header(), to.Lang)
	w.Header().Set("Cache-Control", "no-store") // it holds what a resident typed
	if _, err := w.Write(body); err != nil {
		return // the reader has left; what they looked for is not told to the log either
	}
}

// search looks the words up in the register.
func (s *Service) search(p *picture, words, lang string) *search {
	out := &search{Words: words}
	if n := utf8.RuneCountInString(words); n > maxWords || n < 2 && !strings.ContainsFunc(words, func(r rune) bool { return r >= 0x2E80 }) || !utf8.ValidString(words) {
		out.Short = true
		if n > maxWords {
			out.Words = string([]rune(words)[:maxWords])
		}
		return out
	}
	if at, ok := position(words); ok {
		f := s.at(p, Spot{Name: page.Text{English: words, Chinese: words}, Lon: at.Lon, Lat: at.Lat})
		out.Found, out.Outside = []found{f}, f.In == page.Text{} && s.gazetteer != nil
		return out
	}
	low := strings.ToLower(words)
	var areas []area.Area
	for _, a := range p.areas {
		if a.Code == words || strings.Contains(strings.ToLower(a.Name.English), low) || strings.Contains(strings.ToLower(a.Name.Chinese), low) {
			areas = append(areas, a)
		}
	}
	exact := func(a area.Area) bool {
		return strings.EqualFold(a.Name.English, words) || strings.EqualFold(a.Name.Chinese, words) || a.Code == words
	}
	slices.SortStableFunc(areas, func(a, b area.Area) int {
		switch {
		case exact(a) == exact(b):
			return 0
		case exact(a):
			return -1
		}
		return 1
	})
	for _, a := range areas {
		f := found{Name: a.Name}
		if up, ok := p.area(a.Parent); ok {
			f.In = up.Name
		}
		for _, w := range p.shown {
			if whole, partly := w.holdsIn(a.ID, p.parents); whole || partly {
				f.Held = append(f.Held, held{s.card(w, p.at), !whole && w.relay == nil}) // how much of an area others mean is theirs to say
			}
		}
		out.Found = append(out.Found, f)
	}
	if s.gazetteer != nil && len(out.Found) <= maxFound {
		for _, spot := range s.gazetteer.Places(words, maxFound+1-len(out.Found)) {
			out.Found = append(out.Found, s.at(p, spot))
		}
	}
	if len(out.Found) > maxFound {
		out.Found, out.More = out.Found[:maxFound], true
	}
	return out
}

// at says what holds at a point.
func (s *Service) at(p *picture, spot Spot) found {
	f := found{Name: spot.Name}
	var around []int64
	if s.gazetteer != nil {
		around = s.gazetteer.At(spot.Lon, spot.Lat)
	}
	for _, id := range around {
		if a, ok := p.area(id); ok {
			f.In = a.Name
			break
		}
	}
	for _, w := range p.shown {
		if w.holdsAt(cap.Point{Lat: spot.Lat, Lon: spot.Lon}, around) {
			f.Held = append(f.Held, held{card: s.card(w, p.at)})
		}
	}
	return f
}

// holdsAt says whether the warning holds at a point, which lies in the areas given. Either answer of the register's areas and
// of the published outlines counts, since the outlines are simplified.
func (w *Warning) holdsAt(at cap.Point, around []int64) bool {
	for _, a := range w.Areas {
		if a.ID != 0 && slices.Contains(around, a.ID) || slices.ContainsFunc(a.Rings, func(r cap.Ring) bool { return inside(r, at) }) {
			return true
		}
	}
	return false
}

// inside says whether the point lies within the ring, by the parity of its crossings.
func inside(r cap.Ring, at cap.Point) (in bool) {
	for i := 1; i < len(r); i++ {
		a, b := r[i-1], r[i]
		if (a.Lat > at.Lat) != (b.Lat > at.Lat) && at.Lon < a.Lon+(at.Lat-a.Lat)/(b.Lat-a.Lat)*(b.Lon-a.Lon) {
			in = !in
		}
	}
	return in
}

var twoNumbers = regexp.MustCompile(`^([-+]?\d{1,3}(?:\.\d{1,12})?)\s*°?\s*[,，;\s]\s*([-+]?\d{1,3}(?:\.\d{1,12})?)°?$`)

// position reads "31.2,121.5": latitude first, as maps and phones write it; the other way round where only that can be.
func position(text string) (cap.Point, bool) {
	m := twoNumbers.FindStringSubmatch(text)
	if m == nil {
		return cap.Point{}, false
	}
	lat, err1 := strconv.ParseFloat(m[1], 64)
	lon, err2 := strconv.ParseFloat(m[2], 64)
	if math.Abs(lat) > 90 {
		lat, lon = lon, lat
	}
	return cap.Point{Lat: lat, Lon: lon}, err1 == nil && err2 == nil && math.Abs(lat) <= 90 && math.Abs(lon) <= 180
}
