package public

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/hazard"
)

// oneWarning serves /warnings/{number} as a page and /warnings/{number}.xml as CAP; /warnings/{number}.{version}.xml is
// one published message and never changes.
func (s *Service) oneWarning(w http.ResponseWriter, r *http.Request) {
	s.cached(func(p *picture, r *http.Request) (key, maker) {
		name := r.PathValue("name")
		if file, ok := strings.CutSuffix(name, ".xml"); ok {
			return key{what: "cap", name: file}, func(ctx context.Context) (*sheet, error) { return s.document(ctx, file) }
		}
		to := s.pages.Reader(r)
		return key{what: "detail", name: name, Reader: to}, func(ctx context.Context) (*sheet, error) { return s.detailPage(ctx, p, name, to) }
	})(w, r)
}

func (s *Service) document(ctx context.Context, name string) (*sheet, error) {
	number, version := name, 0
	if before, after, ok := strings.Cut(name, "."); ok {
		n, err := strconv.Atoi(after)
		if err != nil || n < 1 || messageName(before, n) != name { // one message has one address, and one place on the shelf
			return nil, errNoPublic(name)
		}
		number, version = before, n
	}
	text, sent, err := s.warnings.PublishedDocument(ctx, number, version)
	if errors.Is(err, db.ErrNotFound) {
		err = errNoPublic(name)
	}
	if err != nil {
		return nil, err
	}
	return newSheet("application/cap+xml; charset=utf-8", "", []byte(text), sent)
}

// card is a warning as the public page shows it.
type card struct {
	Number      string
	Level       hazard.Level
	Event       page.Text
	Headline    page.Text
	Description page.Text
	Instruction page.Text
	Areas       []page.Text
	Onset       time.Time
	Expires     time.Time
	Sent        time.Time
	Sender      page.Text
	Begun       bool
	Current     bool // in force, or to come
	Updated     bool
	Left        page.Text    // how long it lasts still, in words
	Single      bool         // it has the page for itself
	Change      string       // upgrade or downgrade, by the latest message; empty for neither
	From        hazard.Level // before it
	Anchor      string       // within the list
	Link        string       // where it is told in full
	Relay       *relay       // it is another service's
	// Rest is what the list leaves out of the description, in the page's language.
	Rest string
	// Spoken is, by the page's language, that of the texts where it is another.
	Spoken map[string]string
}

func (s *Service) card(w Warning, now time.Time) card {
	out := card{Number: w.Number, Level: w.Level, Event: w.Event, Headline: w.Headline, Description: w.Description, Instruction: w.Instruction,
		Onset: w.Onset, Expires: w.Expires, Sent: w.Latest.Sent, Sender: s.issuer.Name, Begun: !w.Onset.After(now), Current: w.over(now) == nil, Updated: w.Latest.Kind == "update",
		Left:   page.Text{English: s.remaining(page.English, w.Expires.Sub(now)), Chinese: s.remaining(page.Chinese, w.Expires.Sub(now))},
		Change: w.Latest.Change, From: w.Latest.From}
	out.Anchor, out.Link = w.anchor(), "/warnings/"+w.Number
	if w.relay != nil {
		out.Relay, out.Spoken, out.Sender, out.Areas, out.Link = w.relay, w.relay.Spoken, w.relay.issuer, w.relay.Places, "/warnings#"+out.Anchor
		if len(out.Areas) > 0 {
			return out
		}
		if w.relay.Whole {
			out.Areas = []page.Text{{English: s.pages.T(page.English, "relay.whole"), Chinese: s.pages.T(page.Chinese, "relay.whole")}}
			return out
		}
	}
	for _, a := range w.Areas {
		out.Areas = append(out.Areas, a.Name)
	}
	return out
}

// maxListed is how much of a description the list prints, in cells of a screen: a Chinese character takes two.
const maxListed = 400

// shorten leaves of the description what the list prints.
func (c *card) shorten(lang string) {
	text, rest := brief(c.Description.In(lang), lang, maxListed)
	c.Description, c.Rest = page.Text{English: text, Chinese: text}, rest
}

// brief is the beginning of a text up to the end of a sentence, and the rest of it.
func brief(text, lang string, most int) (head, rest string) {
	if textWidth(text, lang) <= most {
		return text, ""
	}
	used, sentence, gap, at := 0, 0, 0, 0
	var before rune
	for i, r := range text {
		if used += cells(r, lang); used > most {
			break
		}
		switch {
		case r == '\n', unicode.IsSpace(r) && strings.ContainsRune(".!?", before):
			sentence = i
		case strings.ContainsRune("。！？", r):
			sentence = i + utf8.RuneLen(r)
		case unicode.IsSpace(r):
			gap = i
		}
		before, at = r, i
	}
	switch {
	case sentence > 0:
		return text[:sentence], strings.TrimSpace(text[sentence:])
	case gap > 0:
		at = gap
	}
	return text[:at] + "…", "…" + strings.TrimSpace(text[at:])
}

// past is a warning that is over, as the page tells of it.
type past struct {
	card
	Ended     string // cancel, all-clear or expired
	EndedAt   time.Time
	EndReason string
}

func (s *Service) listPage(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("where") && strings.TrimSpace(r.URL.Query().Get("where")) != "" {
		s.searchPage(w, r)
		return
	}
	s.listCached(w, r)
}

func (s *Service) listCached(w http.ResponseWriter, r *http.Request) {
	s.cached(func(p *picture, r *http.Request) (key, maker) {
		to := s.pages.Reader(r)
		chosen, _ := strconv.ParseInt(r.URL.Query().Get("area"), 10, 64)
		if _, ok := p.area(chosen); !ok {
			chosen = 0
		}
		return key{what: "list", area: chosen, Reader: to}, func(ctx context.Context) (*sheet, error) { return s.renderList(ctx, p, chosen, to) }
	})(w, r)
}

// renderList makes the list for an area, 0 for the whole city.
func (s *Service) renderList(ctx context.Context, p *picture, chosen int64, to page.Reader) (*sheet, error) {
	here := &url.URL{Path: "/warnings"}
	if chosen != 0 {
		here.RawQuery = url.Values{"area": {strconv.FormatInt(chosen, 10)}}.Encode()
	}
	body, err := s.listBody(ctx, p, chosen, to, nil, here)
	if err != nil {
		return nil, err
	}
	return newSheet("", to.Lang, body, time.Time{})
}

// listBody makes the list. Of its parts, those that are the same for all areas are made once.
func (s *Service) listBody(ctx context.Context, p *picture, chosen int64, to page.Reader, found *search, at *url.URL) ([]byte, error) {
	var dot struct {
		Search *search
		Cards  []template.HTML
		Areas  template.HTML // the options of the choice
		Chosen *page.Text
		Now    time.Time
		Map    template.HTML
		Past   []template.HTML
		Foot   template.HTML
		Others int // warnings elsewhere
	}
	dot.Search, dot.Now = found, p.at
	if a, ok := p.area(chosen); ok {
		dot.Chosen = &a.Name
	}
	part := func(name string, id int64, data any) (template.HTML, error) {
		return p.part(key{what: name, area: id, Reader: to}, func() (template.HTML, error) { return s.pages.Part(to, "list", name, data) })
	}
	holds := func(w Warning) bool { return dot.Chosen == nil || w.touches(chosen, p.parents) }
	var err error
	var one template.HTML
	for _, w := range p.shown {
		if !holds(w) {
			dot.Others++
			continue
		}
		name := "card"
		if w.relay != nil {
			name = "relayed"
		}
		one, err := p.part(key{what: name, area: w.ID, Reader: to}, func() (template.HTML, error) {
			c := s.card(w, p.at)
			c.shorten(to.Lang)
			return s.pages.Part(to, "list", name, c)
		})
		if err != nil {
			return nil, err
		}
		dot.Cards = append(dot.Cards, one)
	}
	for _, w := range p.past {
		if !holds(w) {
			continue
		}
		over := w.over(p.at)
		if one, err = part("past", w.ID, past{s.card(w, p.at), over.Kind, over.At, over.Reason}); err != nil {
			return nil, err
		}
		dot.Past = append(dot.Past, one)
	}
	var here []Warning // what the map shows
	for _, w := range p.shown {
		if holds(w) {
			here = append(here, w)
		}
	}
	if dot.Map, err = p.part(key{what: "map", area: chosen, Reader: to}, func() (template.HTML, error) { return s.mapOf(ctx, p, here, to) }); err != nil {
		return nil, err
	}
	if dot.Foot, err = part("foot", 0, struct {
		Feeds  []page.Feed
		Levels []hazard.Level
	}{Feeds(), levels}); err != nil {
		return nil, err
	}
	if dot.Areas, err = s.choice(p, chosen, to); err != nil {
		return nil, err
	}
	return s.pages.Render(to, at, page.View{Template: "list", Title: s.pages.T(to.Lang, "list.title"), Data: dot})
}

// mapOf draws warnings in force, with the list that goes with it; nothing where there are none.
func (s *Service) mapOf(ctx context.Context, p *picture, list []Warning, to page.Reader) (template.HTML, error) {
	dot := struct {
		*sketch
		List []card
	}{sketch: draw(s.landOf(ctx, p), s.located(ctx, list))}
	if dot.sketch == nil {
		return "", nil
	}
	for _, w := range list {
		dot.List = append(dot.List, s.card(w, p.at))
	}
	return s.pages.Part(to, "list", "map", dot)
}

// choice are the options of the list of areas, with one selected.
func (s *Service) choice(p *picture, chosen int64, to page.Reader) (template.HTML, error) {
	all, err := p.part(key{what: "choice", Reader: page.Reader{Lang: to.Lang}}, func() (template.HTML, error) {
		return s.pages.Part(to, "list", "choice", page.Nest(p.areas, func(a area.Area) (int64, int64) { return a.ID, a.Parent }))
	})
	if chosen == 0 || err != nil {
		return all, err
	}
	value := fmt.Sprintf(`value="%d"`, chosen)
	return template.HTML(strings.Replace(string(all), value, value+" selected", 1)), nil
}

// touches says whether the warning holds in the area, in one around it, or in a part of it.
func (w *Warning) touches(area int64, parents map[int64]int64) bool {
	whole, partly := w.holdsIn(area, parents)
	return whole || partly
}

// holdsIn says whether the warning holds in all of the area, or in a part of it.
func (w *Warning) holdsIn(area int64, parents map[int64]int64) (whole, partly bool) {
	for _, a := range w.Areas {
		if slices.Contains(a.Touches, area) {
			partly = true
		}
		if a.ID == 0 { // drawn: what its rings hold was reckoned when it was
			whole = whole || slices.Contains(a.Whole, area)
			continue
		}
		whole = whole || slices.Contains(chain(parents, area), a.ID)
		partly = partly || slices.Contains(chain(parents, a.ID), area)
	}
	return whole, partly
}

// chain is the area and all around it, innermost first. Its length is bounded, since a register that was loaded wrongly
// may hold a circle.
func chain(parents map[int64]int64, area int64) []int64 {
	var out []int64
	for area != 0 && len(out) < 16 {
		out = append(out, area)
		area = parents[area]
	}
	return out
}

// message is one of a warning as its page lists it.
type message struct {
	Message
	Headline string // in the page's language
	File     string // the name of its CAP document, without .xml
}

func (s *Service) detailPage(ctx context.Context, p *picture, number string, to page.Reader) (*sheet, error) {
	w, err := s.warnings.PublishedByNumber(ctx, number)
	if errors.Is(err, db.ErrNotFound) {
		return nil, errMissing
	}
	if err != nil {
		return nil, err
	}
	dot := struct {
		past
		Map      *sketch
		Messages []message
	}{past: past{card: s.card(w, p.at)}}
	dot.Single = true
	if over := w.over(p.at); over != nil {
		dot.Ended, dot.EndedAt, dot.EndReason = over.Kind, over.At, over.Reason
	} else {
		dot.Map = draw(s.landOf(ctx, p), []Warning{w})
	}
	for _, m := range slices.Backward(w.Messages) {
		dot.Messages = append(dot.Messages, message{m, m.Headline.In(to.Lang), messageName(w.Number, m.Version)})
	}
	here := &url.URL{Path: "/warnings/" + w.Number}
	body, err := s.pages.Render(to, here, page.View{Template: "detail", Title: w.Headline.In(to.Lang), Data: dot})
	if err != nil {
		return nil, err
	}
	return newSheet("", to.Lang, body, time.Time{})
}

func errNoPublic(name string) error {
	return web.Errorf(http.StatusNotFound, "warning.unknown", "there is no public warning %q", name)
}

// messageName names one published message of a warning in addresses.
func messageName(number string, version int) string { return fmt.Sprintf("%s.%d", number, version) }
