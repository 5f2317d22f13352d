package public

import (
	"cmp"
	"context"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/internal/warn/hazard"
	"github.com/anlan-city/anlan/internal/warn/partner"
)

// Relays knows the warnings of other services that are in force for the public; partner.Service fulfils it.
type Relays interface {
	// Standing lists them. steps grows with each change of them.
	Standing(ctx context.Context, now time.Time) (list []partner.Relayed, steps int64, err error)
}

var _ Relays = (*partner.Service)(nil)

// relay is what the public is told of a warning that is another service's, beside what is told of our own.
type relay struct {
	Title  page.Text // the partner's name
	Places []page.Text
	Whole  bool              // it holds for the city as a whole
	Spoken map[string]string // by the page's language: the language of the issuer's text where it is another
	Web    map[string]string // by the page's language: where the issuer says more
	issuer page.Text
}

// maxRelayed bounds, in characters, what a page passes on of one text of others.
const maxRelayed = 4000

// passedOn makes of another's warning what the pages show of ours.
func (s *Service) passedOn(r partner.Relayed, f *facts) Warning {
	w := Warning{ID: r.ID, Level: hazard.Level(r.Level), Onset: r.Onset, Expires: r.Expires, Latest: Message{Kind: "alert", Sent: r.Sent},
		relay: &relay{Title: r.Title, Whole: r.WholeCity, Spoken: map[string]string{}, Web: map[string]string{}}}
	if r.Title.English == "" || r.Title.Chinese == "" {
		either := cmp.Or(r.Title.English, r.Title.Chinese)
		w.relay.Title = page.Text{English: either, Chinese: either}
	}
	if !w.Level.Valid() {
		w.Level = ""
	}
	w.Event, _ = s.warnings.Event(r.Hazard)
	for _, lang := range []string{page.English, page.Chinese} {
		text, spoken := inOrBest(r.Texts, lang)
		put := func(to *page.Text, value string) {
			if lang == page.English {
				to.English = value
			} else {
				to.Chinese = value
			}
		}
		put(&w.Headline, short(cmp.Or(text.Headline, text.Event), cap.MaxHeadline))
		put(&w.Description, short(text.Description, maxRelayed))
		put(&w.Instruction, short(text.Instruction, maxRelayed))
		put(&w.relay.issuer, short(cmp.Or(text.Issuer, w.relay.Title.In(lang)), cap.MaxHeadline))
		w.relay.Web[lang] = webAddress(text.Web)
		if spoken != lang && wellFormed.MatchString(spoken) {
			w.relay.Spoken[lang] = spoken
		}
	}
	for _, p := range r.Places {
		if p.Name != "" {
			w.relay.Places = append(w.relay.Places, page.Text{English: p.Name, Chinese: p.Name})
		}
		if len(p.Rings) == 0 { // named by codes: it holds in all of them
			for _, id := range p.Touches {
				a, _ := f.area(id)
				w.Areas = append(w.Areas, area.Place{ID: id, Code: a.Code, Name: a.Name})
			}
			continue
		}
		at := area.Place{}
		for _, id := range p.Touches {
			for _, up := range chain(f.parents, id) {
				if !slices.Contains(at.Touches, up) {
					at.Touches = append(at.Touches, up)
				}
			}
		}
		for _, ring := range p.Rings {
			at.Rings = append(at.Rings, area.Ring(ring))
		}
		w.Areas = append(w.Areas, at)
	}
	if r.WholeCity {
		for _, a := range f.areas {
			if a.Parent == 0 {
				w.Areas = append(w.Areas, area.Place{ID: a.ID, Code: a.Code, Name: a.Name})
			}
		}
	}
	return w
}

// inOrBest is the text in the language, else one that more people read, else any.
func inOrBest(texts map[string]partner.Text, lang string) (partner.Text, string) {
	base, _, _ := strings.Cut(lang, "-")
	known := slices.Sorted(maps.Keys(texts))
	for _, fits := range []func(string) bool{
		func(l string) bool { return l == lang },
		func(l string) bool { return l == base || strings.HasPrefix(l, base+"-") },
		func(l string) bool { return l == page.English || strings.HasPrefix(l, page.English+"-") },
		func(l string) bool { return l == page.Chinese },
		func(string) bool { return true },
	} {
		if at := slices.IndexFunc(known, fits); at >= 0 {
			return texts[known[at]], known[at]
		}
	}
	return partner.Text{}, lang
}

// wellFormed are names of languages as a page may say them.
var wellFormed = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$`)

// webAddress is an address that a page may point at, or nothing.
func webAddress(text string) string {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || len(text) > 2000 {
		return ""
	}
	return u.String()
}

// short is a text of at most so many characters.
func short(text string, most int) string {
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// anchor names a warning of others within the list; it has no page of its own, which is its issuer's.
func (w *Warning) anchor() string {
	if w.relay != nil {
		return "r" + strconv.FormatInt(w.ID, 10)
	}
	return "w" + w.Number
}

// rank orders levels, the most severe first and what states none last.
func rank(l hazard.Level) int {
	if at := slices.Index(levels, l); at >= 0 {
		return at
	}
	return len(levels)
}
