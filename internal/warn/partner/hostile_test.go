package partner

import (
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// TestHostileFeeds: whatever a partner answers, the poll ends, nothing of it is in force, and it is said why.
func TestHostileFeeds(t *testing.T) {
	s, c := newService(t, dbtest.SQLite(t, allMigrations...))
	f := newFeed(t)
	other := newFeed(t)
	other.put("/w", document(t, warning("other", nil)))
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	good := document(t, warning("rain", nil))
	text := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
	}
	to := func(address string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, address, http.StatusFound) }
	}
	r := f.registration()
	p := add(t, s, r)
	for name, x := range map[string]struct {
		answer http.HandlerFunc
		why    string
	}{
		"10 MB":       {text("<feed xmlns='http://www.w3.org/2005/Atom'>" + strings.Repeat(" ", 10<<20) + "</feed>"), "more than"},
		"a gzip bomb": {bomb, "more than"},
		"deep":        {text("<feed xmlns='http://www.w3.org/2005/Atom'>" + strings.Repeat("<entry>", 1000)), "nested deeper"},
		"an entity bomb": {text(`<!DOCTYPE feed [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><feed xmlns="http://www.w3.org/2005/Atom"><title>&b;</title></feed>`),
			"document type"},
		"a file":                 {text(`<!DOCTYPE alert [<!ENTITY a SYSTEM "file:///etc/passwd">]><alert xmlns="` + cap.Namespace12 + `"><identifier>&a;</identifier></alert>`), ""},
		"cut":                    {text(good[:len(good)/2]), ""},
		"a web page":             {text("<html><body>Under construction</body></html>"), ""},
		"nothing":                {text(""), ""},
		"a redirect loop":        {to("/feed"), "redirects more than"},
		"a redirect elsewhere":   {to(other.URL + "/w"), "neither the feed's host"},
		"a redirect into a file": {to("file:///etc/passwd"), ""},
		"404":                    {nil, "404"},
		"304 unasked":            {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }, "304"},
		"a broken answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, good[:500])
		}, "broke off"},
		"slow": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, good[:100])
			w.(http.Flusher).Flush()
			select {
			case <-over:
			case <-r.Context().Done():
			}
		}, "no whole answer within"},
	} {
		f.serve("/feed", x.answer)
		c.Advance(2 * time.Hour)
		before := p.Failures
		p = poll(t, s, p)
		if p.Failures != before+1 || p.LastError == "" || !strings.Contains(p.LastError, x.why) {
			t.Errorf("%s: %d failures, %q, want one more and %q", name, p.Failures, p.LastError, x.why)
		}
	}
	if got := inForce(t, s); len(got) != 0 || other.count("/w") != 0 {
		t.Errorf("in force %v; the other host was asked %d times", got, other.count("/w"))
	}

	// Links: to other hosts, to files, to nothing; the rest of the feed is taken all the same.
	f.put("/good", good)
	f.put("/feed", f.atom(other.URL+"/w", "file:///etc/passwd", "gopher://x/y", "/bad", "/good"))
	f.put("/bad", "<html/>")
	c.Advance(2 * time.Hour)
	p = poll(t, s, p)
	if got := received(t, s, "all"); len(got) != 2 || other.count("/w") != 0 {
		t.Errorf("%d kept; the other host was asked %d times", len(got), other.count("/w"))
	}
	v := view(t, s, p.ID)
	if v.Unfetched < 1 || v.Refused != 1 || v.Failures != 0 {
		t.Errorf("seen as %+v", v)
	}
	// Once the administrator lists the host, its documents are taken.
	hosts := []string{strings.TrimPrefix(other.URL, "http://")}
	if _, err := s.Change(admin, p.ID, Changes{Hosts: &hosts}.apply); err != nil {
		t.Fatal(err)
	}
	poll(t, s, p)
	if other.count("/w") != 1 {
		t.Error("a host that the administrator listed is not asked")
	}
}

// bomb is 12 MB of spaces in 12 kB.
func bomb(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	block := []byte(strings.Repeat(" ", 1<<20))
	for range 12 {
		if _, err := z.Write(block); err != nil {
			return
		}
	}
	z.Close()
}

func view(t testing.TB, s *Service, id int64) View {
	t.Helper()
	vs, err := s.Views(admin)
	if err != nil {
		t.Fatal(err)
	}
	return vs[slices.IndexFunc(vs, func(v View) bool { return v.ID == id })]
}

func TestHTTPSNeverFallsBack(t *testing.T) {
	s, _ := newService(t, dbtest.SQLite(t, allMigrations...))
	plain := newFeed(t)
	plain.put("/feed", document(t, warning("rain", nil)))
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, plain.URL+"/feed", http.StatusFound) }))
	defer secure.Close()
	s.client.transport = secure.Client().Transport
	r := plain.registration()
	r.URL, r.Hosts = secure.URL+"/feed", []string{strings.TrimPrefix(plain.URL, "http://")}
	p := poll(t, s, add(t, s, r))
	if p.Failures != 1 || !strings.Contains(p.LastError, "https to http") || plain.count("/feed") != 0 {
		t.Errorf("%d failures, %q, asked %d times", p.Failures, p.LastError, plain.count("/feed"))
	}
}

func TestAPartnerSaysWhenToComeBack(t *testing.T) {
	s, c := newService(t, dbtest.SQLite(t, allMigrations...))
	f := newFeed(t)
	p := add(t, s, f.registration())
	answer := func(status int, header, value string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if header != "" {
				w.Header().Set(header, value)
			}
			w.WriteHeader(status)
			if status == 200 {
				fmt.Fprint(w, f.atom())
			}
		}
	}
	for _, x := range []struct {
		what   string
		answer http.HandlerFunc
		next   time.Duration
	}{
		{"in seconds", answer(503, "Retry-After", "7200"), 2 * time.Hour},
		{"as a date", answer(429, "Retry-After", start.Add(3*time.Hour).Format(http.TimeFormat)), 3 * time.Hour},
		{"by max-age", answer(200, "Cache-Control", "public, max-age=600"), 10 * time.Minute},
		{"a year at once", answer(200, "Cache-Control", "max-age=31536000"), time.Hour},
		{"sooner than we would", answer(200, "Cache-Control", "max-age=5"), time.Minute},
		{"nonsense", answer(200, "Retry-After", "soon"), time.Minute},
		{"nothing, failing", answer(500, "", ""), 2 * time.Minute},
		{"again", answer(500, "", ""), 4 * time.Minute},
		{"again", answer(500, "", ""), 8 * time.Minute},
		{"again", answer(500, "", ""), 16 * time.Minute},
		{"again", answer(500, "", ""), 32 * time.Minute},
		{"again", answer(500, "", ""), time.Hour},
		{"again", answer(500, "", ""), time.Hour},
	} {
		f.serve("/feed", x.answer)
		c.Set(start)
		if p = poll(t, s, p); !p.NextAt.Equal(start.Add(x.next)) {
			t.Errorf("%s: next after %s, want %s", x.what, p.NextAt.Sub(start), x.next)
		}
	}
	if !view(t, s, p.ID).Unread {
		t.Error("seven failures in a row, and it isn't said that it is not being read")
	}
}

func TestOnePollFetchesSoManyAndTheNextTheRest(t *testing.T) {
	s, c := newService(t, dbtest.SQLite(t, allMigrations...))
	f := newFeed(t)
	var pages []string
	for i := range maxNew + 5 {
		path := fmt.Sprintf("/w%d", i)
		f.put(path, document(t, warning(path, nil)))
		pages = append(pages, path)
	}
	f.put("/feed", f.atom(pages...))
	p := poll(t, s, add(t, s, f.registration()))
	if n := len(inForce(t, s)); n != maxNew {
		t.Errorf("%d after the first poll", n)
	}
	c.Advance(time.Minute)
	p = poll(t, s, p)
	if n := len(inForce(t, s)); n != maxNew+5 || p.ETag == "" {
		t.Errorf("%d after the second", n)
	}
}
