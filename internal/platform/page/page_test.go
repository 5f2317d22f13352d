package page

import (
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/anlan-city/anlan/internal/platform/web"
)

func TestTextsAreComplete(t *testing.T) {
	problems, err := CheckTexts(os.DirFS("texts"), os.DirFS("templates"), os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Error(p)
	}
}

// TestCheckTextsFinds holds that each kind of mistake is seen.
func TestCheckTextsFinds(t *testing.T) {
	texts := fstest.MapFS{
		"en.json":    {Data: []byte(`{"a": "A", "only": "x", "idle": "y", "level.red": "Red", "void": ""}`)},
		"zh-CN.json": {Data: []byte(`{"a": "甲", "idle": "闲", "level.red": "红", "void": "空"}`)},
	}
	source := fstest.MapFS{"x.html": {Data: []byte(`{{t "a"}} {{t "only"}} {{t "void"}} {{t "gone"}} {{t (print "level." .)}}`)}}
	problems, err := CheckTexts(texts, source)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`"gone" is used but not in the texts`, `en: "void" is empty`, `nothing uses "idle"`, `zh-CN has no "only", en has`}
	if strings.Join(problems, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", problems, want)
	}
}

func TestLanguage(t *testing.T) {
	for _, c := range []struct{ query, header, want string }{
		{"", "", Chinese}, {"?lang=en", "zh-CN", English}, {"?lang=zh-CN", "en", Chinese}, {"?lang=xx", "en-GB,en;q=0.8", English},
		{"", "de-DE, en;q=0.5", English}, {"", "fr", Chinese}, {"", "zh-TW", Chinese}, {"", "en;q=0.1, zh;q=0.9", Chinese}, {"", ";;;", Chinese},
	} {
		r := httptest.NewRequest("GET", "/"+c.query, nil)
		r.Header.Set("Accept-Language", c.header)
		if got := Language(r, Chinese); got != c.want {
			t.Errorf("%q %q: %s, want %s", c.query, c.header, got, c.want)
		}
	}
}

// TestAPageSaysItsClockOnce: after each time only where the zone has summer time, so that one sentence can't say it.
func TestAPageSaysItsClockOnce(t *testing.T) {
	at := time.Date(2026, 11, 22, 20, 5, 0, 0, time.UTC)
	for zone, want := range map[string][4]string{
		"Asia/Shanghai": {"23 November 2026, 04:05", "2026年11月23日 04:05", "All times are China Standard Time (UTC+8).", "时间均为北京时间。"},
		"Asia/Tokyo":    {"23 November 2026, 05:05", "2026年11月23日 05:05", "All times are UTC+09:00.", "时间均为 UTC+09:00。"},
		"UTC":           {"22 November 2026, 20:05", "2026年11月22日 20:05", "All times are UTC.", "时间均为 UTC。"},
		"Europe/Vienna": {"22 November 2026, 21:05 (UTC+01:00)", "2026年11月22日 21:05（UTC+01:00）", "", ""},
	} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		s := set(t)
		s.site.TimeZone = loc
		if got := [4]string{s.Time(English, at), s.Time(Chinese, at), s.clock(English), s.clock(Chinese)}; got != want {
			t.Errorf("%s: %q", zone, got)
		}
	}
	w := httptest.NewRecorder()
	set(t).Write(w, httptest.NewRequest("GET", "/x?lang=en", nil), 200, true, View{Template: "one", Title: "One"})
	if strings.Count(w.Body.String(), "All times are UTC&#43;08:00.") != 1 {
		t.Errorf("the page doesn't say its clock once: %s", w.Body)
	}
}

// TestPageIsSelfContained: no script, nothing from elsewhere, and the choices travel in every link.
func TestPageIsSelfContained(t *testing.T) {
	s := set(t)
	w := httptest.NewRecorder()
	s.Write(w, httptest.NewRequest("GET", "/x?lang=en&text=large&area=3", nil), 200, true, View{Template: "one", Title: "<Title>", Data: "</p><script>alert(1)</script>"})
	body := w.Body.String()
	for _, bad := range []string{"<script", "http://", "https://", " style=", "onclick"} {
		if strings.Contains(strings.ReplaceAll(body, "http://www.w3.org/2000/svg", ""), bad) || strings.Contains(body, "http:%") {
			t.Errorf("the page holds %q", bad)
		}
	}
	if !strings.Contains(body, `<html lang="en" class="large">`) || !strings.Contains(body, "&lt;Title&gt; – City") {
		t.Errorf("page is %s", body)
	}
	for _, m := range regexp.MustCompile(`href="(/[^"]*)"`).FindAllStringSubmatch(body, -1) {
		if to := m[1]; !strings.HasPrefix(to, "/page-") && !strings.Contains(to, "lang=") {
			t.Errorf("link %s loses the language", to)
		}
	}
	if !strings.Contains(body, `href="/x?area=3&amp;lang=zh-CN&amp;text=large"`) || !strings.Contains(body, `href="/x?area=3&amp;lang=en"`) {
		t.Errorf("the switches don't keep the rest of the address: %s", body)
	}
	h := w.Header()
	if !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") || h.Get("Cache-Control") != "no-store" || h.Get("Vary") != "Accept-Language" || h.Get("Set-Cookie") != "" {
		t.Errorf("headers %v", h)
	}
}

func TestNest(t *testing.T) {
	key := func(a [2]int64) (int64, int64) { return a[0], a[1] }
	var got []string
	for _, n := range Nest([][2]int64{{1, 0}, {2, 0}, {3, 2}, {4, 1}, {5, 4}, {6, 99}, {7, 8}, {8, 7}}, key) {
		got = append(got, fmt.Sprintf("%d@%d", n.Item[0], n.Depth))
	}
	if want := "[1@0 4@1 5@2 2@0 3@1 6@0 7@0 8@1]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
}

func TestStyleSheetIsServed(t *testing.T) {
	r := web.NewRouter("test")
	Routes(r)
	w := httptest.NewRecorder()
	r.Server().Handler.ServeHTTP(w, httptest.NewRequest("GET", stylePath, nil))
	body, _ := io.ReadAll(w.Result().Body)
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(string(body), "prefers-color-scheme: dark") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if regexp.MustCompile(`@import|url\(|@font-face`).Match(body) {
		t.Error("the style sheet loads something")
	}
}

func set(t *testing.T) *Set {
	t.Helper()
	s, err := New(Site{Name: Text{"City", "城市"}, TimeZone: time.FixedZone("", 8*3600), Language: Chinese, Nav: []Link{{"/x", Text{"X", "某"}}},
		Feeds: []Feed{{"/feed", "application/atom+xml", Text{"Feed", "订阅"}}}},
		fstest.MapFS{"one.html": {Data: []byte(`{{define "main"}}<h1>{{.}}</h1><a href="{{link "/y?z=1"}}">y</a>{{end}}`)}},
		fstest.MapFS{"en.json": {Data: []byte(`{}`)}, "zh-CN.json": {Data: []byte(`{}`)}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
