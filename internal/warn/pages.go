package warn

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

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// feed is one form in which programs follow the warnings.
type feed struct {
	path        string
	contentType string
	title       page.Text
	write       func(cap.FeedHead, []cap.Item) ([]byte, error)
}

// feeds are all of them; every public page points at each.
var feeds = []feed{
	{"/warnings.atom", "application/atom+xml", page.Text{English: "Current warnings (Atom)", Chinese: "当前生效预警（Atom）"}, cap.WriteAtom},
	{"/warnings.rss", "application/rss+xml", page.Text{English: "Current warnings (RSS)", Chinese: "当前生效预警（RSS）"}, cap.WriteRSS},
	{"/warnings.edxl", "application/xml", page.Text{English: "Current warnings (EDXL-DE)", Chinese: "当前生效预警（EDXL-DE）"}, cap.WriteEDXL},
}

// Feeds are the feeds that pages point at.
func Feeds() []page.Feed {
	var out []page.Feed
	for _, f := range feeds {
		out = append(out, page.Feed{Path: f.path, Type: f.contentType, Title: f.title})
	}
	return out
}

// publicRoutes adds what anyone may read, without an account.
func (s *Service) publicRoutes(r *web.Router) {
	r.HandleFunc("GET /warnings", s.listPage)
	for _, f := range feeds {
		r.HandleFunc("GET "+f.path, s.feedPage(f))
	}
	r.HandleFunc("GET /warnings/sign.json", s.signPage("json"))
	r.HandleFunc("GET /warnings/sign.txt", s.signPage("txt"))
	r.HandleFunc("GET /warnings/{name}", s.oneWarning)
	s.signatureRoutes(r)
}

func (s *Service) feedPage(f feed) http.HandlerFunc {
	return s.cached(func(p *picture, r *http.Request) (key, maker) {
		lang := s.pages.Language(r)
		return key{what: f.path, Reader: page.Reader{Lang: lang}}, func(context.Context) (*sheet, error) {
			body, err := s.writeFeed(f, slices.Concat(p.inForce, p.ended), p.changed, lang)
			if err != nil {
				return nil, err
			}
			return newSheet(f.contentType+"; charset=utf-8", lang, body, p.changed)
		}
	})
}

// maker makes a document that nobody has asked for yet.
type maker func(context.Context) (*sheet, error)

// cached serves documents of the present picture. choose tells which one the request is for and how it is made; it must
// not look into the request later than that.
func (s *Service) cached(choose func(p *picture, r *http.Request) (key, maker)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, err := s.present(r.Context())
		if err != nil {
			web.WriteError(w, r, err)
			return
		}
		k, make := choose(p, r)
		d, err := p.shelf.get(k, func() (*sheet, error) {
			// Others may wait for it, so that the first one leaves is no reason to stop.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
			defer cancel()
			return make(ctx)
		})
		switch {
		case errors.Is(err, errMissing):
			s.pages.Write(w, r, http.StatusNotFound, true, page.View{Template: "missing", Title: s.pages.T(s.pages.Language(r), "missing.title")})
		case err != nil:
			web.WriteError(w, r, err)
		default:
			d.serve(w, r)
		}
	}
}

// errMissing is that there is no such public warning, to be told on a page.
var errMissing = errors.New("no such public warning")

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
		if err != nil || n < 1 {
			return nil, errNoPublic(name)
		}
		number, version = before, n
	}
	var text string
	var sent time.Time
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		text, sent, err = publicDocument(tx, number, version)
		return err
	})
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
	Level       Level
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
	Left        page.Text // how long it lasts still, in words
	Single      bool      // it has the page for itself
	Change      string    // upgrade or downgrade, by the latest message; empty for neither
	From        Level     // before it
	Anchor      string    // within the list
	Link        string    // where it is told in full
	Relay       *relay    // it is another service's
	// Spoken is, by the page's language, that of the texts where it is another.
	Spoken map[string]string
}

func (s *Service) card(f full, now time.Time) card {
	c := f.shown.content
	out := card{Number: f.number, Level: c.Level, Event: c.About.Event, Headline: c.Headline, Description: c.Description, Instruction: c.Instruction,
		Onset: c.Onset, Expires: c.Expires, Sent: f.shown.sent, Sender: s.options.SenderName, Begun: !c.Onset.After(now), Current: f.over(now) == nil, Updated: f.shown.kind == kindUpdate,
		Left: page.Text{English: s.remaining(page.English, c.Expires.Sub(now)), Chinese: s.remaining(page.Chinese, c.Expires.Sub(now))}}
	if change := f.shown.kind.change(f.from, c.Level); change == changeUp || change == changeDown {
		out.Change, out.From = change, f.from
	}
	out.Anchor, out.Link = f.anchor(), "/warnings/"+f.number
	if f.relay != nil {
		out.Relay, out.Spoken, out.Sender, out.Areas, out.Link = f.relay, f.relay.Spoken, f.relay.issuer, f.relay.Places, "/warnings#"+out.Anchor
		if len(out.Areas) > 0 {
			return out
		}
		if f.relay.Whole {
			out.Areas = []page.Text{{English: s.pages.T(page.English, "relay.whole"), Chinese: s.pages.T(page.Chinese, "relay.whole")}}
			return out
		}
	}
	for _, a := range c.Areas {
		out.Areas = append(out.Areas, a.Name)
	}
	return out
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
	holds := func(f full) bool { return dot.Chosen == nil || f.shown.content.touches(chosen, p.parents) }
	var err error
	var one template.HTML
	for _, f := range p.shown {
		if !holds(f) {
			dot.Others++
			continue
		}
		name := "card"
		if f.relay != nil {
			name = "relayed"
		}
		if one, err = part(name, f.id, s.card(f, p.at)); err != nil {
			return nil, err
		}
		dot.Cards = append(dot.Cards, one)
	}
	for _, f := range p.past {
		if !holds(f) {
			continue
		}
		over := f.over(p.at)
		if one, err = part("past", f.id, past{s.card(f, p.at), over.kind, over.at, over.reason}); err != nil {
			return nil, err
		}
		dot.Past = append(dot.Past, one)
	}
	var here []full // what the map shows
	for _, f := range p.shown {
		if holds(f) {
			here = append(here, f)
		}
	}
	if dot.Map, err = p.part(key{what: "map", area: chosen, Reader: to}, func() (template.HTML, error) { return s.mapOf(ctx, p, here, to) }); err != nil {
		return nil, err
	}
	if dot.Foot, err = part("foot", 0, struct {
		Feeds  []page.Feed
		Levels []Level
	}{Feeds(), levels}); err != nil {
		return nil, err
	}
	if dot.Areas, err = s.choice(p, chosen, to); err != nil {
		return nil, err
	}
	return s.pages.Render(to, at, page.View{Template: "list", Title: s.pages.T(to.Lang, "list.title"), Data: dot})
}

// mapOf draws warnings in force, with the list that goes with it; nothing where there are none.
func (s *Service) mapOf(ctx context.Context, p *picture, list []full, to page.Reader) (template.HTML, error) {
	dot := struct {
		*sketch
		List []card
	}{sketch: draw(s.landOf(ctx, p), s.located(ctx, list))}
	if dot.sketch == nil {
		return "", nil
	}
	for _, f := range list {
		dot.List = append(dot.List, s.card(f, p.at))
	}
	return s.pages.Part(to, "list", "map", dot)
}

// choice are the options of the list of areas, with one selected.
func (s *Service) choice(p *picture, chosen int64, to page.Reader) (template.HTML, error) {
	all, err := p.part(key{what: "choice", Reader: page.Reader{Lang: to.Lang}}, func() (template.HTML, error) {
		return s.pages.Part(to, "list", "choice", page.Nest(p.areas, func(a Area) (int64, int64) { return a.ID, a.Parent }))
	})
	if chosen == 0 || err != nil {
		return all, err
	}
	value := fmt.Sprintf(`value="%d"`, chosen)
	return template.HTML(strings.Replace(string(all), value, value+" selected", 1)), nil
}

// touches says whether the warning holds in the area, in one around it, or in a part of it.
func (c Content) touches(area int64, parents map[int64]int64) bool {
	whole, partly := c.holdsIn(area, parents)
	return whole || partly
}

// holdsIn says whether the warning holds in all of the area, or in a part of it.
func (c Content) holdsIn(area int64, parents map[int64]int64) (whole, partly bool) {
	for _, a := range c.Areas {
		if slices.Contains(a.Touches, area) {
			partly = true
		}
		if a.ID == 0 { // drawn: its rings tell, and no area of the register is it
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

// published is a message of a warning as its page lists it.
type published struct {
	Kind     Kind
	Change   string // upgrade or downgrade; empty for neither
	From     Level  // before it
	Level    Level
	Headline string
	Sent     time.Time
	File     string // the name of its CAP document, without .xml
}

func (s *Service) detailPage(ctx context.Context, p *picture, number string, to page.Reader) (*sheet, error) {
	var f full
	var messages []version
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		if f, err = publicWarning(tx, number); err != nil {
			return err
		}
		if messages, err = loadVersions(tx, f.id); err == nil {
			f.from = levelBefore(messages, f.shown.n)
		}
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		return nil, errMissing
	}
	if err != nil {
		return nil, err
	}
	dot := struct {
		past
		Map      *sketch
		Messages []published
	}{past: past{card: s.card(f, p.at)}}
	dot.Single = true
	if over := f.over(p.at); over != nil {
		dot.Ended, dot.EndedAt, dot.EndReason = over.kind, over.at, over.reason
	} else {
		dot.Map = draw(s.landOf(ctx, p), []full{f})
	}
	for _, v := range slices.Backward(messages) {
		if v.state == Issued {
			headline, _, _ := v.kind.texts(v.content, to.Lang)
			one := published{Kind: v.kind, Level: v.content.Level, Headline: headline, Sent: v.sent, File: messageName(f.number, v.n)}
			if change := v.kind.change(levelBefore(messages, v.n), v.content.Level); change == changeUp || change == changeDown {
				one.Change, one.From = change, levelBefore(messages, v.n)
			}
			dot.Messages = append(dot.Messages, one)
		}
	}
	here := &url.URL{Path: "/warnings/" + f.number}
	body, err := s.pages.Render(to, here, page.View{Template: "detail", Title: f.shown.content.Headline.In(to.Lang), Data: dot})
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
