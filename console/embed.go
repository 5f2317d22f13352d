// Package console carries the built web console inside the binary and serves
// it under /console/.
//
// The console is a static single-page app: the server never renders it, and
// every request the page makes goes back to the host it came from. The build
// (npm run build) writes dist/app.html and dist/assets/; neither is committed,
// so a program built without Node serves the committed dist/index.html, which
// says how to build. Keeping the two pages under two names means that a build
// leaves the working tree clean.
//
// The package must not know about sessions or the API: what a visitor may see
// is decided by the API alone, the pages are the same for everyone.
package console

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// Prefix is the path that the console is built for and served under.
const Prefix = "/console/"

// Policy is the Content-Security-Policy of every console page. It has no
// 'unsafe-inline' and names no other host, so neither an injected script nor
// a careless dependency can send what an officer sees elsewhere.
const Policy = "default-src 'self'; script-src 'self'; style-src 'self'; worker-src 'self'; " +
	"img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

//go:embed all:dist
var dist embed.FS

// Handler serves the console under Prefix. A path that names no file is a page
// of the app and gets its HTML, except a file below assets/, where it is a 404:
// a tab opened before an upgrade must see a missing chunk fail, not parse HTML
// as JavaScript. The pages of the city's assets stand below assets/ too; they
// have no ending.
func Handler() http.Handler {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("console: the embedded folder dist is missing: " + err.Error()) // impossible: go:embed would not compile
	}
	return handler(files)
}

// Built reports whether the real console, not only the stub page, is embedded.
func Built() bool {
	_, err := fs.Stat(dist, "dist/"+app)
	return err == nil
}

const (
	app  = "app.html"   // written by the build
	stub = "index.html" // committed, says how to build
)

func handler(files fs.FS) http.Handler {
	page := app
	if _, err := fs.Stat(files, app); err != nil {
		page = stub
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		rest, under := strings.CutPrefix(r.URL.Path, Prefix)
		if !under {
			http.Redirect(w, r, Prefix, http.StatusFound)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", Policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")

		name := path.Clean(rest)
		info, err := fs.Stat(files, name)
		hashed := strings.HasPrefix(name, "assets/")
		switch {
		case err == nil && !info.IsDir() && hashed:
			// The name holds a hash of the content (Vite), so it never changes.
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		case err == nil && !info.IsDir():
			h.Set("Cache-Control", "no-cache")
		case hashed && path.Ext(name) != "":
			http.NotFound(w, r)
			return
		default:
			name = page
			h.Set("Cache-Control", "no-cache")
		}
		if name == app || name == stub {
			// ServeFileFS redirects .../index.html to its folder, and an embedded
			// file has no modification time to answer 304 with: write it plainly.
			b, err := fs.ReadFile(files, page)
			if err != nil {
				http.Error(w, "the console is missing from this program", http.StatusInternalServerError)
				return
			}
			h.Set("Content-Type", "text/html; charset=utf-8")
			if r.Method == http.MethodGet {
				_, _ = w.Write(b) // a client that went away is not our error
			}
			return
		}
		http.ServeFileFS(w, r, files, name)
	})
}
