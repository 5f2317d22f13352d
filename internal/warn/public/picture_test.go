package public_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/internal/warn/hazard"
	"github.com/anlan-city/anlan/internal/warn/public"
	"github.com/anlan-city/anlan/internal/warn/warntest"
)

// TestThePublicReadsEachDeedAtOnce: whoever looks after an officer's deed was answered sees it, though nobody runs a loop.
func TestThePublicReadsEachDeedAtOnce(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, c := newService(t, d)
	paths := []string{"/warnings?lang=en", "/warnings?lang=en&area=10", "/warnings?lang=en&text=large"}
	shows := func(text string, want bool) {
		t.Helper()
		for _, path := range paths {
			if got := strings.Contains(get(t, s, path), text); got != want {
				t.Errorf("%s shows %q: %v", path, text, got)
			}
		}
	}
	shows("<article", false)
	w := issue(t, s, gasLeak())
	shows("Gas leak near the old harbour</h2>", true)
	update := gasLeak()
	update.Level, update.Headline.English = hazard.Red, "Gas cloud over the old harbour"
	if _, err := s.ProposeUpdate(as(first), w.ID, update); err != nil {
		t.Fatal(err)
	}
	shows("Gas cloud", false)
	if _, err := s.Approve(as(second), w.ID, 0); err != nil {
		t.Fatal(err)
	}
	shows("Gas cloud over the old harbour</h2>", true)
	// A second before its end it is there, at its end it is gone.
	c.Set(w.Expires.Add(-time.Second))
	shows("<article", true)
	c.Set(w.Expires)
	shows("<article", false)
	// A clock that is set back shows what was in force then.
	c.Set(start.Add(time.Minute))
	shows("<article", true)
}

// TestAFailingStoreLeavesThePublicInformed: while the store can't be read, what was read is shown on, and still ends in time.
func TestAFailingStoreLeavesThePublicInformed(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, c := newService(t, d)
	w := issue(t, s, gasLeak())
	if !strings.Contains(get(t, s, "/warnings?lang=en"), "<article") {
		t.Fatal("not shown")
	}
	s.away = true
	c.Advance(2 * time.Minute)
	if !strings.Contains(get(t, s, "/warnings?lang=en"), "<article") {
		t.Error("not shown from memory")
	}
	c.Set(w.Expires)
	if body := get(t, s, "/warnings?lang=en"); strings.Contains(body, "<article") || !strings.Contains(body, "No warnings are in force") {
		t.Error("its end is not shown from memory")
	}
	// What memory can't know is not guessed.
	p := gasLeak()
	p.Expires = c.Now().Add(time.Hour)
	s.away = false
	w = issue(t, s, p)
	s.away = true
	if _, err := s.Cancel(as(first), w.ID, "over"); err != nil {
		t.Fatal(err)
	}
	if res := fetch(t, s, "/warnings?lang=en", nil); res.StatusCode != 500 {
		t.Errorf("a picture from before the last deed: %d", res.StatusCode)
	}
}

// TestConditionalAndCompressed: each form has a tag of its own, and either tag is answered by 304.
func TestConditionalAndCompressed(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, c := newService(t, d)
	issue(t, s, gasLeak())
	for _, path := range []string{"/warnings?lang=en", "/warnings/2026-0001?lang=en", "/warnings.atom?lang=en", "/warnings/2026-0001.xml"} {
		plain := fetch(t, s, path, nil)
		body, _ := io.ReadAll(plain.Body)
		small := fetch(t, s, path, http.Header{"Accept-Encoding": {"br, gzip;q=0.5"}})
		if small.Header.Get("Content-Encoding") != "gzip" || small.Header.Get("ETag") == plain.Header.Get("ETag") {
			t.Fatalf("%s: %v", path, small.Header)
		}
		z, err := gzip.NewReader(small.Body)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(z); err != nil || !bytes.Equal(text, body) {
			t.Errorf("%s: the compressed form differs: %v", path, err)
		}
		for _, tag := range []string{plain.Header.Get("ETag"), small.Header.Get("ETag"), "W/" + plain.Header.Get("ETag"), `"other", ` + plain.Header.Get("ETag"), "*"} {
			if res := fetch(t, s, path, http.Header{"If-None-Match": {tag}}); res.StatusCode != 304 || res.Header.Get("ETag") == "" {
				t.Errorf("%s: %s: %d", path, tag, res.StatusCode)
			}
		}
		for _, no := range []string{"gzip;q=0", "identity", "gzip; q=0.0", "xgzip"} {
			if res := fetch(t, s, path, http.Header{"Accept-Encoding": {no}}); res.Header.Get("Content-Encoding") == "gzip" {
				t.Errorf("%s: compressed for %q", path, no)
			}
		}
		if res := fetch(t, s, path, http.Header{"If-None-Match": {`"x"`}, "If-Modified-Since": {c.Now().Format(http.TimeFormat)}}); res.StatusCode != 200 {
			t.Errorf("%s: a foreign tag is answered by %d", path, res.StatusCode)
		}
	}
	// Two changes within one second are two.
	before := fetch(t, s, "/warnings.atom", nil).Header.Get("Last-Modified")
	issue(t, s, gasLeak())
	if res := fetch(t, s, "/warnings.atom", http.Header{"If-Modified-Since": {before}}); res.StatusCode != 200 {
		t.Errorf("a second change within the second: %d", res.StatusCode)
	}
}

// TestUnknownValuesFillNoCache: whatever an address says, only what exists is kept.
func TestUnknownValuesFillNoCache(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, _ := newService(t, d)
	issue(t, s, gasLeak())
	for i := range 300 {
		for _, path := range []string{
			"/warnings?area=%d", "/warnings?lang=x%d", "/warnings?text=%d", "/warnings?utm=%d", "/warnings?area=10&x=%d", "/warnings/2026-9%03d", "/warnings/2026-9%03d.xml",
			"/warnings/2026-0001.9%d.xml", "/warnings.atom?x=%d", "/warnings/%d",
		} {
			fetch(t, s, fmt.Sprintf(path, 1000+i), nil)
		}
	}
	if n := s.pages.Kept(); n > 4 {
		t.Errorf("%d documents are kept", n)
	}
	for _, name := range []string{"2026-0001.+1", "2026-0001.01", "2026-0001.0001", "2026-0001.0", "2026-0001.-1", "2026-0001.1.1", "2026-0001.", "2026-0001.1 "} {
		if res := fetch(t, s, "/warnings/"+url.PathEscape(name)+".xml", nil); res.StatusCode != 404 {
			t.Errorf("%q: %d", name, res.StatusCode)
		}
	}
	if res := fetch(t, s, "/warnings/2026-0001.1.xml", nil); res.StatusCode != 200 {
		t.Errorf("the message by its own name: %d", res.StatusCode)
	}
	// The switches of a page don't carry on what a stranger wrote into its address.
	if body := get(t, s, "/warnings?lang=en&utm=spam"); strings.Contains(body, "spam") {
		t.Error("the page holds what the address said")
	}
}

// TestNothingButActualIsPublic holds every public address against messages that are none of the public's business.
func TestNothingButActualIsPublic(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, c := newService(t, d)
	secret := page.Text{English: "Only for those who train", Chinese: "仅供演练人员"}
	var hidden []warn.Warning
	for _, p := range []struct{ status, scope, restriction string }{
		{cap.Exercise, cap.Public, ""}, {cap.Test, cap.Public, ""}, {cap.System, cap.Public, ""}, {cap.Draft, cap.Public, ""}, {cap.Actual, cap.Restricted, "officials"},
	} {
		q := gasLeak()
		q.Level, q.Status, q.Scope, q.Restriction, q.Headline = hazard.Red, p.status, p.scope, p.restriction, secret
		hidden = append(hidden, issue(t, s, q))
	}
	waiting := gasLeak()
	waiting.Headline = secret
	w, err := s.Propose(as(first), waiting)
	if err != nil {
		t.Fatal(err)
	}
	hidden = append(hidden, w)
	look := func() {
		t.Helper()
		for _, path := range publicPaths(hidden) {
			for _, lang := range []string{"en", "zh-CN"} {
				at := path + "&lang=" + lang
				if !strings.Contains(path, "?") {
					at = path + "?lang=" + lang
				}
				body := get(t, s, at)
				if strings.Contains(body, secret.English) || strings.Contains(body, secret.Chinese) || strings.Contains(body, `class="warning `) || strings.Contains(body, "<entry>") || strings.Contains(body, "<identifier>") {
					t.Errorf("%s shows what is not for the public", at)
				}
			}
		}
	}
	look()
	for _, w := range hidden { // ended ones are no news either
		if _, err := s.Cancel(as(first), w.ID, secret.English); err != nil {
			t.Fatal(err)
		}
	}
	c.Advance(time.Minute)
	look()
}

// publicPaths are addresses of every kind that the public may ask for.
func publicPaths(ws []warn.Warning) []string {
	paths := []string{"/warnings", "/warnings?area=10", "/warnings?text=large", "/warnings?area=11", "/warnings/sign.json", "/warnings/sign.txt", "/warnings/sign.json?area=310100"}
	for _, f := range public.Feeds() {
		paths = append(paths, f.Path)
	}
	for _, w := range ws {
		for _, suffix := range []string{"", ".xml", ".1.xml"} {
			paths = append(paths, "/warnings/"+w.Number+suffix)
		}
	}
	return paths
}

// TestThePictureIsThePublics: what an officer may see changes nothing of it, and a refusal is not kept.
func TestThePictureIsThePublics(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, c := newService(t, d)
	asked := 0
	s.access = actorFunc(func(a access.Actor) error {
		asked++
		if a.Kind != access.KindPublic {
			t.Errorf("asked for %v", a)
		}
		return nil
	})
	for range 20 {
		warntest.Call(t, s.handler(), first, "GET", "/warnings", "", 200, nil)
	}
	if asked != 1 {
		t.Errorf("asked %d times for one picture", asked)
	}
	c.Advance(time.Minute)
	s.access = actorFunc(func(access.Actor) error { return errors.New("no") })
	warntest.Call(t, s.handler(), first, "GET", "/warnings", "", 500, nil)
	s.access = access.AllowAll
	warntest.Call(t, s.handler(), first, "GET", "/warnings", "", 200, nil)
}

type actorFunc func(access.Actor) error

func (f actorFunc) Decide(ctx context.Context, _ string, _ access.Resource, _ access.Purpose) error {
	return f(access.From(ctx))
}

// TestThePictureIsDrawnAhead: the loop draws it after a change, of ours or of others, and by the minute, though nobody asks.
func TestThePictureIsDrawnAhead(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, c := newService(t, d)
	drawn := make(chan struct{})
	s.access = actorFunc(func(access.Actor) error { drawn <- struct{}{}; return nil })
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.pages.Run(ctx) }()
	<-drawn
	c.AwaitSleepers(1)
	issue(t, s, gasLeak())
	<-drawn
	if err := d.Write(ctx, func(tx *db.Tx) error { s.pages.RelayChanged(tx); return nil }); err != nil {
		t.Fatal(err)
	}
	<-drawn
	c.AwaitSleepers(3) // those that a change outran sleep on
	c.Advance(time.Minute)
	<-drawn
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
