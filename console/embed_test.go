package console

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestHandler(t *testing.T) {
	built := fstest.MapFS{
		"index.html":              {Data: []byte("stub")},
		"app.html":                {Data: []byte("app")},
		"theme.js":                {Data: []byte("theme")},
		"assets/main-Ab12Cd34.js": {Data: []byte("main")},
	}
	bare := fstest.MapFS{"index.html": {Data: []byte("stub")}}

	const immutable, revalidate = "public, max-age=31536000, immutable", "no-cache"
	for _, tc := range []struct {
		name, method, path string
		files              fstest.MapFS
		status             int
		body, cache        string
	}{
		{"front page", "GET", "/console/", built, 200, "app", revalidate},
		{"a page of the app", "GET", "/console/cases/12", built, 200, "app", revalidate},
		{"the stub is never shown once built", "GET", "/console/index.html", built, 200, "app", revalidate},
		{"hashed file", "GET", "/console/assets/main-Ab12Cd34.js", built, 200, "main", immutable},
		{"file without a hash", "GET", "/console/theme.js", built, 200, "theme", revalidate},
		{"chunk of an older build", "GET", "/console/assets/main-00000000.js", built, 404, "404 page not found\n", ""},
		{"the page of an asset", "GET", "/console/assets/12", built, 200, "app", revalidate},
		{"a folder is not listed", "GET", "/console/assets", built, 200, "app", revalidate},
		{"escape is a page, not a file", "GET", "/console/../embed.go", built, 200, "app", revalidate},
		{"HEAD has no body", "HEAD", "/console/", built, 200, "", revalidate},
		{"POST", "POST", "/console/", built, 405, "method not allowed\n", ""},
		{"outside", "GET", "/console", built, 302, "<a href=\"/console/\">Found</a>.\n\n", ""},
		{"not built", "GET", "/console/", bare, 200, "stub", revalidate},
		{"not built, deep", "GET", "/console/watch", bare, 200, "stub", revalidate},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(tc.method, "http://anlan.test/console/", nil)
			r.URL.Path = tc.path
			handler(tc.files).ServeHTTP(w, r)
			if w.Code != tc.status || w.Body.String() != tc.body {
				t.Fatalf("%s %s = %d %q, want %d %q", tc.method, tc.path, w.Code, w.Body, tc.status, tc.body)
			}
			if got := w.Header().Get("Cache-Control"); got != tc.cache {
				t.Errorf("Cache-Control = %q, want %q", got, tc.cache)
			}
			if w.Code == http.StatusOK && w.Header().Get("Content-Security-Policy") != Policy {
				t.Errorf("policy = %q", w.Header().Get("Content-Security-Policy"))
			}
		})
	}
}

func TestPolicyAllowsNoInlineCodeAndNoOtherHost(t *testing.T) {
	for _, bad := range []string{"unsafe", "http:", "https:", "*"} {
		if strings.Contains(Policy, bad) {
			t.Errorf("policy contains %q: %s", bad, Policy)
		}
	}
	for _, must := range []string{"default-src 'self'", "script-src 'self'", "style-src 'self'", "worker-src 'self'", "img-src 'self' data: blob:"} {
		if !strings.Contains(Policy, must) {
			t.Errorf("policy lacks %q", must)
		}
	}
}

// The committed stub must itself obey the policy, or the page that says how
// to build would be broken where it is needed.
func TestEmbeddedPageIsServed(t *testing.T) {
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest("GET", "/console/", nil))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "安澜") {
		t.Fatalf("GET /console/ = %d %.80q", w.Code, w.Body)
	}
	if strings.Contains(w.Body.String(), "<style") || strings.Contains(w.Body.String(), "onclick") {
		t.Error("the page has inline style or code, which the policy blocks")
	}
}
