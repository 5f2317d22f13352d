package reports

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// maxForm bounds a sent form; the longest description in Chinese, percent-encoded, is 36 kB.
const maxForm = 96 << 10

// steps are the pages of the form, one question each. The answers travel in the form itself, so nothing of a report that
// was begun and not sent is ever kept on the server.
var steps = []string{"category", "text", "place", "contact", "check"}

// publicRoutes adds what anyone may use, without an account, a script or a cookie.
func (s *Service) publicRoutes(r *web.Router) {
	// A form without a session has nothing to forge; the check keeps other sites from filing in a visitor's name all the same.
	guard := http.NewCrossOriginProtection()
	r.HandleFunc("GET /report", asPublic(s.startPage))
	r.HandleUpload("POST /report", maxForm, web.Anyone, guard.Handler(asPublic(s.formPage)))
	r.HandleFunc("GET /report/find", asPublic(s.findPage))
	r.HandleFunc("GET /report/{number}", asPublic(s.trackPage))
}

// asPublic lets everybody act as the public here: staff who report from their own browser report as anyone does, and their
// account isn't written down.
func asPublic(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h(w, r.WithContext(access.With(r.Context(), access.Actor{})))
	}
}

// form is the dot of all pages of the form.
type form struct {
	Filing
	Step      string
	Returning bool // a single answer is being changed, from the page that shows them all
	Errors    []*web.Error
	Groups    []group
	Areas     []page.Nested[Area]
	Number    int // of the question, from 1
	Questions int
	Chosen    Category
	ChosenAt  page.Text
	Website   string // the trap for machines: hidden, and empty for people
}

type group struct {
	ID         string
	Categories []Category
}

// Error returns the text key of what is wrong with a field, or nothing.
func (f form) Error(field string) string {
	for _, e := range f.Errors {
		if e.Field == field {
			return e.Code
		}
	}
	return ""
}

func (s *Service) startPage(w http.ResponseWriter, r *http.Request) {
	f := form{Step: steps[0]}
	f.Submission = rand.Text()
	s.show(w, r, http.StatusOK, f)
}

func (s *Service) formPage(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		web.WriteError(w, r, tooLarge(err))
		return
	}
	v := r.PostForm
	f := form{Filing: Filing{
		Category: v.Get("category"), Text: v.Get("description"), Address: v.Get("address"), Lon: v.Get("lon"), Lat: v.Get("lat"),
		Name: v.Get("name"), Phone: v.Get("phone"), Email: v.Get("email"), Submission: v.Get("submission"),
	}, Step: v.Get("step"), Returning: v.Get("returning") == "1", Website: v.Get("website")}
	f.Area, _ = strconv.ParseInt(v.Get("area"), 10, 64)
	if len(f.Submission) < 20 || len(f.Submission) > 64 || unprintable(f.Submission) {
		f.Submission = rand.Text()
	}
	at := slices.Index(steps, f.Step)
	if at < 0 {
		f.Step = steps[0]
		s.show(w, r, http.StatusOK, f)
		return
	}
	areas, err := s.locator.Areas(r.Context())
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	to := v.Get("go")
	switch change, isChange := strings.CutPrefix(to, "change-"); {
	case isChange && slices.Contains(steps, change):
		f.Step, f.Returning = change, true
		s.show(w, r, http.StatusOK, f)
	case to == "back" && f.Returning:
		f.Step = "check"
		s.show(w, r, http.StatusOK, f)
	case to == "back" && at > 0:
		f.Step = steps[at-1]
		s.show(w, r, http.StatusOK, f)
	case f.Step == "check":
		s.submit(w, r, f, areas)
	default:
		if f.Errors = s.checkStep(f, areas); len(f.Errors) > 0 {
			s.show(w, r, http.StatusUnprocessableEntity, f)
			return
		}
		f.Step = steps[at+1]
		if f.Returning {
			f.Step = "check"
		}
		f.Returning = false
		s.show(w, r, http.StatusOK, f)
	}
}

// checkStep returns what is wrong with the page that was sent.
func (s *Service) checkStep(f form, areas []Area) []*web.Error {
	switch f.Step {
	case "category":
		return f.checkCategory(s.categories)
	case "text":
		return f.checkText()
	case "place":
		errs := f.checkPlace(areas)
		if len(errs) == 0 {
			var where *web.Error
			if errors.As(s.locate(&row{}, f.Filing, areas), &where) {
				errs = append(errs, where)
			}
		}
		return errs
	}
	return f.checkContact()
}

func (s *Service) submit(w http.ResponseWriter, r *http.Request, f form, areas []Area) {
	// A form that was tampered with, or whose areas have changed meanwhile, goes back to the page that is wrong.
	for _, step := range steps[:len(steps)-1] {
		g := f
		g.Step = step
		if g.Errors = s.checkStep(g, areas); len(g.Errors) > 0 {
			g.Returning = true
			s.show(w, r, http.StatusUnprocessableEntity, g)
			return
		}
	}
	if f.Website != "" {
		// Said openly and not swallowed: a browser may have filled the hidden field for a person.
		f.Errors, f.Website = []*web.Error{wrong("report.trap", "send")}, ""
		s.show(w, r, http.StatusUnprocessableEntity, f)
		return
	}
	if !s.limit.allow(s.client(r), s.clock.Now()) {
		f.Errors = []*web.Error{wrong("report.too_often", "send")}
		w.Header().Set("Retry-After", "60")
		s.show(w, r, http.StatusTooManyRequests, f)
		return
	}
	number, err := s.File(r.Context(), f.Filing)
	if err != nil {
		var e *web.Error
		if !errors.As(err, &e) {
			slog.ErrorContext(r.Context(), "report not filed", "err", err)
		}
		f.Errors = []*web.Error{wrong("report.failed", "send")}
		s.show(w, r, http.StatusServiceUnavailable, f)
		return
	}
	q := url.Values{"filed": {"1"}}
	for _, key := range []string{"lang", "text"} {
		if value := r.URL.Query().Get(key); value != "" {
			q.Set(key, value)
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, "/report/"+number+"?"+q.Encode(), http.StatusSeeOther)
}

// show writes a page of the form. It is never kept by a cache: it holds what a resident typed.
func (s *Service) show(w http.ResponseWriter, r *http.Request, status int, f form) {
	areas, err := s.locator.Areas(r.Context())
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	f.Areas = page.Nest(areas, func(a Area) (int64, int64) { return a.ID, a.Parent })
	f.Number, f.Questions = slices.Index(steps, f.Step)+1, len(steps)-1
	f.Chosen = s.categories.byID[f.Category]
	for _, a := range areas {
		if a.ID == f.Area {
			f.ChosenAt = a.Name
		}
	}
	for _, id := range groups {
		g := group{ID: id}
		for _, c := range s.categories.all {
			if c.Group == id && c.Form == nil {
				g.Categories = append(g.Categories, c)
			}
		}
		f.Groups = append(f.Groups, g)
	}
	lang := s.pages.Language(r)
	s.pages.Write(w, r, status, true, page.View{Template: f.Step, Title: s.pages.T(lang, "title."+f.Step), Failed: len(f.Errors) > 0, Data: f})
}

func (s *Service) findPage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	number := q.Get("number")
	q.Del("number")
	if parsed, ok := ParseNumber(number); ok {
		number = parsed
	}
	if strings.Trim(number, "./ ") == "" || len(number) > 40 {
		number = "0"
	}
	http.Redirect(w, r, "/report/"+url.PathEscape(number)+"?"+q.Encode(), http.StatusSeeOther)
}

func (s *Service) trackPage(w http.ResponseWriter, r *http.Request) {
	lang := s.pages.Language(r)
	report, err := s.Track(r.Context(), r.PathValue("number"))
	if web.NotFound(err) {
		s.pages.Write(w, r, http.StatusNotFound, true, page.View{Template: "missing", Title: s.pages.T(lang, "missing.title")})
		return
	}
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	dot := struct {
		Tracked
		Filed bool
	}{report, r.URL.Query().Get("filed") == "1"}
	s.pages.Write(w, r, http.StatusOK, true, page.View{Template: "track", Title: s.pages.T(lang, "track.title", report.Number), Data: dot})
}

func tooLarge(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return err
	}
	return web.Errorf(http.StatusBadRequest, "report.form", "the form could not be read")
}
