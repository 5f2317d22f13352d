package public

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// Routes adds what anyone may read, without an account.
func (s *Service) Routes(r *web.Router) {
	r.HandleFunc("GET /warnings", s.listPage)
	r.HandleFunc("GET /warnings/{$}", func(w http.ResponseWriter, r *http.Request) { // as people type it
		to := url.URL{Path: "/warnings", RawQuery: r.URL.RawQuery}
		http.Redirect(w, r, to.String(), http.StatusMovedPermanently)
	})
	for _, f := range feeds {
		r.HandleFunc("GET "+f.path, s.feedPage(f))
	}
	r.HandleFunc("GET /warnings/sign.json", s.signPage("json"))
	r.HandleFunc("GET /warnings/sign.txt", s.signPage("txt"))
	r.HandleFunc("GET /warnings/{name}", s.oneWarning)
	r.HandleFunc("GET "+certificatePath, s.certificate)
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
