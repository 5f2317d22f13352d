package warn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// feedPath is where the feed is, for every page to point at.
const feedPath = "/warnings.atom"

// publicRoutes adds what anyone may read, without an account.
func (s *Service) publicRoutes(r *web.Router) {
	r.HandleFunc("GET /warnings", s.listPage)
	r.HandleFunc("GET "+feedPath, s.feedPage)
	r.HandleFunc("GET /warnings/{name}", s.oneWarning)
	s.signatureRoutes(r)
	s.feedRoutes(r)
}

// current returns what is in force for the public at this moment, the most
// severe first; what was ended early, for those who hold it still; and when any
// of it last changed. The page and the feed are both made of it, so they can't
// disagree.
func (s *Service) current(ctx context.Context) (list, ended []full, changed time.Time, err error) {
	if err := s.access.Decide(ctx, "warning.read", access.Resource{Type: "warning"}, access.PublicInformation); err != nil {
		return nil, nil, time.Time{}, err
	}
	now := s.clock.Now()
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		if list, err = publicWarnings(tx, now); err != nil {
			return err
		}
		if ended, err = publicEnds(tx, now); err != nil {
			return err
		}
		changed, err = publicChanged(tx, now)
		return err
	})
	slices.SortStableFunc(list, func(a, b full) int {
		return slices.Index(levels, a.shown.content.Level) - slices.Index(levels, b.shown.content.Level)
	})
	return list, ended, changed, err
}

func (s *Service) feedPage(w http.ResponseWriter, r *http.Request) {
	list, ended, changed, err := s.current(r.Context())
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	document, err := s.feed(slices.Concat(list, ended), changed, s.pages.Language(r))
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	w.Header().Add("Vary", "Accept-Language")
	if changed.Unix() > 0 {
		w.Header().Set("Last-Modified", changed.UTC().Format(http.TimeFormat))
	}
	serve(w, r, "application/atom+xml; charset=utf-8", document, changed)
}

// oneWarning serves /warnings/{number} as a page and /warnings/{number}.xml as CAP; /warnings/{number}.{version}.xml is
// one published message and never changes.
func (s *Service) oneWarning(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if err := s.access.Decide(r.Context(), "warning.read", access.Resource{Type: "warning"}, access.PublicInformation); err != nil {
		web.WriteError(w, r, err)
		return
	}
	if document, ok := strings.CutSuffix(name, ".xml"); ok {
		s.document(w, r, document)
		return
	}
	s.detailPage(w, r, name)
}

func (s *Service) document(w http.ResponseWriter, r *http.Request, name string) {
	number, version := name, 0
	if before, after, ok := strings.Cut(name, "."); ok {
		n, err := strconv.Atoi(after)
		if err != nil || n < 1 {
			web.WriteError(w, r, errNoPublic(name))
			return
		}
		number, version = before, n
	}
	var document string
	var sent time.Time
	err := s.db.Read(r.Context(), func(tx *db.Tx) (err error) {
		document, sent, err = publicDocument(tx, number, version)
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		err = errNoPublic(name)
	}
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	serve(w, r, "application/cap+xml; charset=utf-8", []byte(document), sent)
}

// serve answers with a document that can be asked for conditionally.
func serve(w http.ResponseWriter, r *http.Request, contentType string, document []byte, modified time.Time) {
	sum := sha256.Sum256(document)
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("ETag", `"`+hex.EncodeToString(sum[:12])+`"`)
	h.Set("Cache-Control", "no-cache") // may be kept, but must be asked for: that a warning has ended shows at once
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", modified, strings.NewReader(string(document)))
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

func (s *Service) card(f full) card {
	c := f.shown.content
	out := card{Number: f.number, Level: c.Level, Event: c.About.Event, Headline: c.Headline, Description: c.Description, Instruction: c.Instruction,
		Onset: c.Onset, Expires: c.Expires, Sent: f.shown.sent, Sender: s.options.SenderName, Begun: !c.Onset.After(s.clock.Now()), Updated: f.shown.kind == kindUpdate}
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
	list, _, _, err := s.current(r.Context())
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	areas, err := s.areas.Areas(r.Context())
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	var dot struct {
		Cards  []card
		Areas  []option
		Chosen *page.Text
		Now    time.Time
		Feed   string
		Others int // warnings elsewhere
		Levels []Level
	}
	dot.Now, dot.Feed, dot.Levels = s.clock.Now(), feedPath, levels
	chosen, _ := strconv.ParseInt(r.URL.Query().Get("area"), 10, 64)
	parents := map[int64]int64{}
	for _, a := range areas {
		parents[a.ID] = a.Parent
	}
	for _, n := range page.Nest(areas, func(a Area) (int64, int64) { return a.ID, a.Parent }) {
		o := option{ID: n.Item.ID, Name: n.Item.Name, Depth: n.Depth, Selected: n.Item.ID == chosen}
		if o.Selected {
			dot.Chosen = &o.Name
		}
		dot.Areas = append(dot.Areas, o)
	}
	for _, f := range list {
		if dot.Chosen == nil || f.shown.content.touches(chosen, parents) {
			dot.Cards = append(dot.Cards, s.card(f))
		} else {
			dot.Others++
		}
	}
	w.Header().Set("Cache-Control", "no-cache")
	s.pages.Write(w, r, http.StatusOK, false, page.View{Template: "list", Title: s.pages.T(s.pages.Language(r), "list.title"), Feed: feedPath, Data: dot})
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

func (s *Service) detailPage(w http.ResponseWriter, r *http.Request, number string) {
	var f full
	err := s.db.Read(r.Context(), func(tx *db.Tx) (err error) {
		f, err = publicWarning(tx, number)
		return err
	})
	lang := s.pages.Language(r)
	w.Header().Set("Cache-Control", "no-cache")
	if errors.Is(err, db.ErrNotFound) {
		s.pages.Write(w, r, http.StatusNotFound, false, page.View{Template: "missing", Title: s.pages.T(lang, "missing.title"), Feed: feedPath})
		return
	}
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	dot := struct {
		card
		Ended     string // cancel, all-clear or expired; empty while in force
		EndedAt   time.Time
		EndReason string
	}{card: s.card(f)}
	dot.Single = true
	switch {
	case f.endedAt != nil:
		dot.Ended, dot.EndedAt, dot.EndReason = f.endKind, *f.endedAt, f.endReason
	case !f.expires.After(s.clock.Now()):
		dot.Ended, dot.EndedAt = "expired", f.expires
	}
	s.pages.Write(w, r, http.StatusOK, false, page.View{Template: "detail", Title: f.shown.content.Headline.In(lang), Feed: feedPath, Data: dot})
}

func errNoPublic(name string) error {
	return web.Errorf(http.StatusNotFound, "warning.unknown", "there is no public warning %q", name)
}

// messageName names one published message of a warning in addresses.
func messageName(number string, version int) string { return fmt.Sprintf("%s.%d", number, version) }
