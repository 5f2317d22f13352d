package warn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// feed is one form in which programs follow the warnings.
type feed struct {
	path        string
	contentType string
	title       page.Text
	write       func(s *Service, list []full, changed time.Time, lang string) ([]byte, error)
}

// feeds are all of them; every public page points at each.
var feeds = []feed{
	{"/warnings.atom", "application/atom+xml", page.Text{English: "Current warnings (Atom)", Chinese: "当前生效预警（Atom）"}, (*Service).feed},
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
			body, err := f.write(s, slices.Concat(p.inForce, p.ended), p.changed, lang)
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
	Updated     bool
	Single      bool // it has the page for itself
}

func (s *Service) card(f full, now time.Time) card {
	c := f.shown.content
	out := card{Number: f.number, Level: c.Level, Event: c.About.Event, Headline: c.Headline, Description: c.Description, Instruction: c.Instruction,
		Onset: c.Onset, Expires: c.Expires, Sent: f.shown.sent, Sender: s.options.SenderName, Begun: !c.Onset.After(now), Updated: f.shown.kind == kindUpdate}
	for _, a := range c.Areas {
		out.Areas = append(out.Areas, a.Name)
	}
	return out
}

type option struct {
	ID       int64
	Name     page.Text
	Depth    int
	Selected bool
}

func (s *Service) listPage(w http.ResponseWriter, r *http.Request) {
	s.cached(func(p *picture, r *http.Request) (key, maker) {
		to := s.pages.Reader(r)
		chosen, _ := strconv.ParseInt(r.URL.Query().Get("area"), 10, 64)
		if _, ok := p.area(chosen); !ok {
			chosen = 0
		}
		return key{what: "list", area: chosen, Reader: to}, func(context.Context) (*sheet, error) { return s.renderList(p, chosen, to) }
	})(w, r)
}

func (s *Service) renderList(p *picture, chosen int64, to page.Reader) (*sheet, error) {
	var dot struct {
		Cards  []card
		Areas  []option
		Chosen *page.Text
		Now    time.Time
		Feeds  []page.Feed
		Others int // warnings elsewhere
		Levels []Level
	}
	dot.Now, dot.Feeds, dot.Levels = p.at, Feeds(), levels
	for _, n := range page.Nest(p.areas, func(a Area) (int64, int64) { return a.ID, a.Parent }) {
		o := option{ID: n.Item.ID, Name: n.Item.Name, Depth: n.Depth, Selected: n.Item.ID == chosen}
		if o.Selected {
			dot.Chosen = &o.Name
		}
		dot.Areas = append(dot.Areas, o)
	}
	for _, f := range p.inForce {
		if dot.Chosen == nil || f.shown.content.touches(chosen, p.parents) {
			dot.Cards = append(dot.Cards, s.card(f, p.at))
		} else {
			dot.Others++
		}
	}
	here := &url.URL{Path: "/warnings"}
	if chosen != 0 {
		here.RawQuery = url.Values{"area": {strconv.FormatInt(chosen, 10)}}.Encode()
	}
	body, err := s.pages.Render(to, here, page.View{Template: "list", Title: s.pages.T(to.Lang, "list.title"), Data: dot})
	if err != nil {
		return nil, err
	}
	return newSheet("", to.Lang, body, time.Time{})
}

// touches says whether the warning holds in the area, in one around it, or in a part of it.
func (c Content) touches(area int64, parents map[int64]int64) bool {
	for _, a := range c.Areas {
		if slices.Contains(a.Touches, area) {
			return true
		}
		if a.ID == 0 || len(a.Touches) > 0 {
			continue
		}
		if slices.Contains(chain(parents, area), a.ID) || slices.Contains(chain(parents, a.ID), area) {
			return true
		}
	}
	return false
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

func (s *Service) detailPage(ctx context.Context, p *picture, number string, to page.Reader) (*sheet, error) {
	var f full
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		f, err = publicWarning(tx, number)
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		return nil, errMissing
	}
	if err != nil {
		return nil, err
	}
	dot := struct {
		card
		Ended     string // cancel, all-clear or expired; empty while in force
		EndedAt   time.Time
		EndReason string
	}{card: s.card(f, p.at)}
	dot.Single = true
	if over := f.over(p.at); over != nil {
		dot.Ended, dot.EndedAt, dot.EndReason = over.kind, over.at, over.reason
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
