package warn

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/page"
)

// TestSign: a display learns by the code of its area what holds there, the most severe first, and until when it may show it.
func TestSign(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, c := newService(t, d)
	read := func(path string) (g sign) {
		t.Helper()
		if err := json.Unmarshal([]byte(get(t, s, path)), &g); err != nil {
			t.Fatal(err)
		}
		return g
	}
	none := read("/warnings/sign.json?area=310101")
	if len(none.Warnings) != 0 || none.Warnings == nil || !none.ValidUntil.Equal(start.Add(signFresh)) {
		t.Errorf("calm: %+v", none)
	}
	soon := gasLeak()
	soon.Level, soon.Expires = Blue, start.Add(90*time.Second)
	issue(t, s, soon)
	p := gasLeak()
	p.Level, p.Areas = Red, []int64{10}
	w := issue(t, s, p)
	g := read("/warnings/sign.json?area=310101&columns=24&lines=4")
	if len(g.Warnings) != 2 || g.Warnings[0].Level != Red || g.Warnings[0].Colour != "#ff0000" || !g.ValidUntil.Equal(soon.Expires) || g.Sequence != none.Sequence+2 {
		t.Fatalf("%+v", g)
	}
	if got := strings.Join(g.Warnings[0].English.Lines, "|"); got != "Red warning: Gas leak|near the old harbour|Until 15:30" {
		t.Error(got)
	}
	if got := strings.Join(g.Warnings[0].Chinese.Lines, "|"); got != "红色预警（一级）：老港区|附近发生燃气泄漏|有效至15:30" {
		t.Error(got)
	}
	if text := get(t, s, "/warnings/sign.txt?area=310101&columns=24"); !strings.HasPrefix(text, "valid-until 2026-11-23T01:31:30Z sequence 2\n\n红色预警") {
		t.Error(text)
	}
	if g := read("/warnings/sign.json?area=310200"); len(g.Warnings) != 0 {
		t.Errorf("another district: %+v", g)
	}
	// Asked again within the minute, nothing has changed; the next minute may show it longer.
	tag := fetch(t, s, "/warnings/sign.json", nil).Header.Get("ETag")
	c.Advance(59 * time.Second)
	if res := fetch(t, s, "/warnings/sign.json", http.Header{"If-None-Match": {tag}}); res.StatusCode != 304 {
		t.Errorf("within the minute: %d", res.StatusCode)
	}
	c.Advance(31 * time.Second)
	g = read("/warnings/sign.json")
	if len(g.Warnings) != 1 || g.Sequence != none.Sequence+3 {
		t.Errorf("after an expiry: %+v", g)
	}
	if _, err := s.AllClear(as(first), w.ID, "repaired"); err != nil {
		t.Fatal(err)
	}
	if g = read("/warnings/sign.json"); len(g.Warnings) != 0 || g.Sequence != none.Sequence+4 {
		t.Errorf("after the all-clear: %+v", g)
	}
	for path, status := range map[string]int{
		"/warnings/sign.json?area=nowhere": 404, "/warnings/sign.json?columns=21": 422, "/warnings/sign.txt?lines=x": 422, "/warnings/sign.json?lines=1000000": 422,
	} {
		if res := fetch(t, s, path, nil); res.StatusCode != status {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

// TestSignFits: no line is wider than the screen and no screen longer, and the letters of the headline come in their order.
func TestSignFits(t *testing.T) {
	s, _ := newService(t, dbtest.SQLite(t, allMigrations...))
	rapid.Check(t, func(t *rapid.T) {
		lang := rapid.SampledFrom([]string{page.English, page.Chinese}).Draw(t, "lang")
		columns, lines := rapid.SampledFrom(signColumns).Draw(t, "columns"), rapid.SampledFrom(signLines).Draw(t, "lines")
		text := rapid.StringOfN(rapid.SampledFrom([]rune("港区，。（）ab c-Ünïx、…1 \n  ")), 0, 160, -1)
		headline := text.Draw(t, "headline")
		c := Content{Level: rapid.SampledFrom(levels).Draw(t, "level"), Headline: page.Text{English: headline, Chinese: headline},
			Instruction: page.Text{English: text.Draw(t, "todo"), Chinese: "撤离"}, Expires: start.Add(48 * time.Hour)}
		got := s.screen(full{shown: version{content: c}}, lang, columns, lines, start)
		if len(got.Lines) == 0 || len(got.Lines) > lines {
			t.Fatalf("%d lines on a screen of %d: %q", len(got.Lines), lines, got.Lines)
		}
		for _, line := range got.Lines {
			if textWidth(line, lang) > columns || line == "" || strings.TrimSpace(line) != line {
				t.Fatalf("%q on a line of %d", line, columns)
			}
		}
		letters := func(s string) string {
			return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x3000 }), "")
		}
		if lines > 1 && !got.Cut && !strings.Contains(letters(strings.Join(got.Lines, "")), letters(headline)) {
			t.Fatalf("the headline %q is not whole in %q", headline, got.Lines)
		}
		if got.Cut && !slices.ContainsFunc(got.Lines, func(l string) bool { return strings.HasSuffix(l, "…") }) {
			t.Fatalf("cut without a mark: %q", got.Lines)
		}
	})
}
