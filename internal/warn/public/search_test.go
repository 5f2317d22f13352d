package public_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/internal/warn/hazard"
	"github.com/anlan-city/anlan/internal/warn/public"
	"github.com/anlan-city/anlan/internal/warn/warntest"
)

// atlas is what the town's register knows of places.
type atlas struct{}

func (atlas) Places(words string, limit int) (out []public.Spot) {
	for _, s := range []public.Spot{
		{Name: page.Text{English: "Quay School", Chinese: "码头小学"}, Lon: 122.05, Lat: 30.08}, {Name: page.Text{English: "Hill School", Chinese: "山区小学"}, Lon: 123, Lat: 31},
	} {
		if len(out) < limit && (strings.Contains(strings.ToLower(s.Name.English), strings.ToLower(words)) || strings.Contains(s.Name.Chinese, words)) {
			out = append(out, s)
		}
	}
	return out
}

func (atlas) At(lon, lat float64) []int64 {
	switch {
	case lon > 122 && lon < 122.1 && lat > 30.05 && lat < 30.1:
		return []int64{11, 10}
	case lon == 123:
		return []int64{20}
	}
	return nil
}

func (atlas) Outlines(ctx context.Context) (map[int64][][][2]float64, error) {
	out := map[int64][][][2]float64{}
	for _, id := range []int64{10, 11, 12, 20} {
		out[id], _ = warntest.Town{}.Geometry(ctx, id)
	}
	return out, nil
}

// TestIsItMyStreet: a name or a position is answered by what holds there and until when, or that nothing does.
func TestIsItMyStreet(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, c := newCity(t, d, atlas{}, nil)
	var log bytes.Buffer
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(old) })
	p := gasLeak()
	p.Areas = []int64{11}
	w := issue(t, s, p)
	for _, c := range []struct {
		where string
		want  []string
		not   string
	}{
		{"old quay", []string{"Old Quay", "in Harbour", "Gas leak near the old harbour</a>", "23 November 2026, 15:30", "ends in about 6 hours"}, "In a part of this area"},
		{"Harbour", []string{"<h3>Harbour", "In a part of this area", "15:30"}, ""},
		{"老码头", []string{"Old Quay", "15:30"}, ""},
		{"310200", []string{"<h3>Hills", "No warning is in force here"}, ""},
		{"quay school", []string{"Quay School", "in Old Quay", "Gas leak near the old harbour</a>"}, "No warning is in force here"},
		{"小学", []string{"Quay School", "Hill School", "No warning is in force here", "15:30"}, ""},
		{"30.08,122.05", []string{"in Old Quay", "Gas leak near the old harbour</a>", "What to do", "<li>Do not return until officials say that it is safe.</li>"}, "outside the city"},
		{"122.05，30.08", []string{"Gas leak near the old harbour</a>"}, ""},
		{"31,123", []string{"in Hills", "No warning is in force here"}, ""},
		{"0,0", []string{"outside the city"}, "No warning is in force here"},
		{"0,1", []string{"outside the city"}, "<h3>"},
		{"老码头 镇", []string{"<h3>Old Quay", "15:30"}, ""},
		{"老碼頭鎮", []string{"<h3>Old Quay", "15:30"}, ""},
		{"碼頭　小學", []string{"<h3>Quay School", "15:30"}, ""},
		{"Old  Quay", []string{"<h3>Old Quay", "15:30"}, ""},
		{"３０.０８，１２２.０５", []string{"in Old Quay"}, ""},
		{"山区\xff", []string{"Warnings for “山区”", "<h3>Hills"}, ""},
		{"1e9,5", []string{"No district, town or place"}, ""},
		{"x", []string{"two to eighty characters"}, "<h3>"},
		{strings.Repeat("y", 90), []string{"two to eighty characters"}, strings.Repeat("y", 81)},
		{"<script>alert(1)</script>", []string{"&lt;script&gt;", "No district, town or place"}, "<script"},
		{"\xff\xfe", []string{"two to eighty characters"}, ""},
		{"\u202eold\u200b quay\x00", []string{"Warnings for “old quay”", "<h3>Old Quay"}, "\u202e"},
	} {
		res := fetch(t, s, "/warnings?lang=en&where="+url.QueryEscape(c.where), nil)
		body := get(t, s, "/warnings?lang=en&where="+url.QueryEscape(c.where))
		answer, _, _ := strings.Cut(body, "</section>")
		if _, after, ok := strings.Cut(answer, `<section class="answer"`); ok {
			answer = after
		}
		for _, want := range c.want {
			if !strings.Contains(answer, want) {
				t.Errorf("%q: no %q in %s", c.where, want, answer)
			}
		}
		if c.not != "" && strings.Contains(answer, c.not) {
			t.Errorf("%q: %q in %s", c.where, c.not, answer)
		}
		if strings.Contains(body, strings.Repeat("y", 81)) {
			t.Errorf("%q: the page repeats it all", c.where)
		}
		if !utf8.ValidString(body) {
			t.Errorf("%q: the page is not UTF-8", c.where)
		}
		if !strings.Contains(body, "<h2>In force in the city</h2>") {
			t.Errorf("%q: the city's warnings follow without a heading", c.where)
		}
		if res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("ETag") != "" {
			t.Errorf("%q may be kept: %v", c.where, res.Header)
		}
		if len(c.where) > 3 && strings.Contains(log.String(), c.where) {
			t.Errorf("%q is in the log: %s", c.where, log.String())
		}
	}
	if n := s.pages.Kept(); n > 0 {
		t.Errorf("%d answers are kept", n)
	}
	c.Set(w.Expires)
	if body := get(t, s, "/warnings?lang=en&where=old+quay"); !strings.Contains(body, "No warning is in force here") {
		t.Error("the warning is over, and the search doesn't know")
	}
}

// TestSlashAtTheEnd: the address as people type it leads to the page.
func TestSlashAtTheEnd(t *testing.T) {
	s, _ := newCity(t, dbtest.SQLite(t, allMigrations...), atlas{}, nil)
	res := fetch(t, s, "/warnings/?lang=zh-CN&where=%2F%2Fx", nil)
	if got := res.Header.Get("Location"); res.StatusCode != 301 || got != "/warnings?lang=zh-CN&where=%2F%2Fx" {
		t.Errorf("%d %q", res.StatusCode, got)
	}
}

// TestDrawnOverADistrict: what lies in a drawn area as a whole is not told to lie in it in part.
func TestDrawnOverADistrict(t *testing.T) {
	s, _ := newCity(t, dbtest.SQLite(t, allMigrations...), atlas{}, nil)
	p := gasLeak()
	p.Areas, p.Drawn = nil, []area.Drawn{{Ring: warntest.Box(121.999, 30.0495, .102)}} // over the old quay, into the harbour
	issue(t, s, p)
	for where, partly := range map[string]bool{"old quay": false, "harbour": true} {
		answer, _, _ := strings.Cut(get(t, s, "/warnings?lang=en&where="+url.QueryEscape(where)), "</section>")
		if got := strings.Contains(answer, "In a part of this area only"); got != partly || !strings.Contains(answer, "Gas leak near") {
			t.Errorf("%s: in a part %v, want %v: %s", where, got, partly, answer)
		}
	}
}

// TestPublicSearchShowsOnlyActual completes TestNothingButActualIsPublic.
func TestPublicSearchShowsOnlyActual(t *testing.T) {
	s, _ := newCity(t, dbtest.SQLite(t, allMigrations...), atlas{}, nil)
	for _, status := range []string{cap.Exercise, cap.Test, cap.System, cap.Draft} {
		p := gasLeak()
		p.Status = status
		issue(t, s, p)
	}
	p := gasLeak()
	p.Scope, p.Restriction = cap.Restricted, "officials"
	issue(t, s, p)
	for _, where := range []string{"harbour", "quay", "30.08,122.05"} {
		for _, lang := range []string{"en", "zh-CN"} {
			if body := get(t, s, "/warnings?lang="+lang+"&where="+where); strings.Contains(body, "class=\"warning ") || strings.Contains(body, "/warnings/2026") {
				t.Errorf("%s shows what is not for the public", where)
			}
		}
	}
}

// TestMapIsBounded: whatever the register and the warnings hold, the drawing stays small and within its frame.
func TestMapIsBounded(t *testing.T) {
	s, _ := newCity(t, dbtest.SQLite(t, allMigrations...), atlas{}, nil)
	if strings.Contains(get(t, s, "/warnings?lang=en"), "<svg class=\"map\"") {
		t.Error("a map of nothing")
	}
	for i := range 3 {
		p := gasLeak()
		p.Level, p.Areas = hazard.Levels()[i], []int64{10, 12}
		issue(t, s, p)
	}
	body := get(t, s, "/warnings?lang=en")
	svg, _, _ := strings.Cut(body[strings.Index(body, `<svg class="map"`):], "</svg>")
	for _, want := range []string{`role="img"`, `aria-label="Map of`, `class="land"`, `class="red" d="M`, `fill="url(#tile-yellow)"`, ">3</text>"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %s in %s", want, svg)
		}
	}
	if strings.Contains(svg, "style=") || strings.Contains(svg, "NaN") || strings.Contains(svg, "ZgotmplZ") {
		t.Error(svg)
	}
}
