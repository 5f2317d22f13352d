package access

import (
	"embed"
	"errors"
	"io/fs"
	"net/http"

	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
)

//go:embed templates texts
var pageFiles embed.FS

// newPages parses the page of one-time links.
func newPages(site page.Site) (*page.Set, error) {
	templates, err := fs.Sub(pageFiles, "templates")
	if err != nil {
		return nil, err
	}
	texts, err := fs.Sub(pageFiles, "texts")
	if err != nil {
		return nil, err
	}
	return page.New(site, templates, texts)
}

// setupView is what the page of a one-time link shows.
type setupView struct {
	First   bool   // it makes the first administrator, who still needs a name
	Name    string // of the account, or what was typed
	Problem string // of the field Wrong, in the page's language
	Wrong   string // name, password or repeat
	Min     int
}

func (s *Service) setupRoutes(r *web.Router) {
	r.HandleFunc("GET /setup/{link}", s.showSetup)
	r.HandleFunc("POST /setup/{link}", s.useSetup)
}

// showSetup shows the form. Looking does not use the link up: mail scanners and previews look too.
func (s *Service) showSetup(w http.ResponseWriter, r *http.Request) {
	a, err := s.linkFor(r.Context(), r.PathValue("link"))
	if err != nil {
		s.setupFailed(w, r, err)
		return
	}
	v := setupView{First: a == nil}
	if a != nil {
		v.Name = a.name
	}
	s.writeSetup(w, r, http.StatusOK, v)
}

// useSetup sets the password and uses the link up. Afterwards the person signs in like anyone else.
func (s *Service) useSetup(w http.ResponseWriter, r *http.Request) {
	link := r.PathValue("link")
	a, err := s.linkFor(r.Context(), link)
	if err != nil {
		s.setupFailed(w, r, err)
		return
	}
	v := setupView{First: a == nil, Name: r.PostFormValue("name")}
	if a != nil {
		v.Name = a.name
	}
	password := r.PostFormValue("password")
	lang := s.pages.Language(r)
	if password != r.PostFormValue("repeat") {
		v.Wrong, v.Problem = "repeat", s.pages.T(lang, "setup.differ")
		s.writeSetup(w, r, http.StatusUnprocessableEntity, v)
		return
	}
	_, err = s.useLinkOf(r.Context(), link, v.Name, password)
	if e := new(web.Error); errors.As(err, &e) && (e.Field == "name" || e.Field == "password") {
		v.Wrong, v.Problem = e.Field, s.pages.T(lang, "setup."+e.Code)
		if e.Field == "password" {
			v.Problem = s.pages.T(lang, "setup."+e.Code, MinPassword, MaxPassword)
		}
		s.writeSetup(w, r, e.Status, v)
		return
	}
	if err != nil {
		s.setupFailed(w, r, err)
		return
	}
	s.pages.Write(w, r, http.StatusOK, true, page.View{Template: "done", Title: s.pages.T(lang, "setup.done"), Data: v})
}

func (s *Service) writeSetup(w http.ResponseWriter, r *http.Request, status int, v setupView) {
	v.Min = MinPassword
	title := "setup.title"
	if v.First {
		title = "setup.first"
	}
	s.pages.Write(w, r, status, true, page.View{
		Template: "setup", Title: s.pages.T(s.pages.Language(r), title), Failed: v.Problem != "", Data: v,
	})
}

func (s *Service) setupFailed(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, errLink) {
		web.WriteError(w, r, err)
		return
	}
	s.pages.Write(w, r, http.StatusNotFound, true, page.View{Template: "gone", Title: s.pages.T(s.pages.Language(r), "setup.gone")})
}
