package public_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/warn/hazard"
)

// sign is what a display reads.
type sign struct {
	Sequence   int64
	ValidUntil time.Time `json:"valid_until"`
	Warnings   []struct {
		Level   hazard.Level
		Colour  string
		Chinese screen `json:"zh-CN"`
		English screen `json:"en"`
	}
}

type screen struct{ Lines []string }

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
	if len(none.Warnings) != 0 || none.Warnings == nil || !none.ValidUntil.Equal(start.Add(3*time.Minute)) {
		t.Errorf("calm: %+v", none)
	}
	soon := gasLeak()
	soon.Level, soon.Expires = hazard.Blue, start.Add(90*time.Second)
	issue(t, s, soon)
	p := gasLeak()
	p.Level, p.Areas = hazard.Red, []int64{10}
	w := issue(t, s, p)
	g := read("/warnings/sign.json?area=310101&columns=24&lines=4")
	if len(g.Warnings) != 2 || g.Warnings[0].Level != hazard.Red || g.Warnings[0].Colour != "#ff0000" || !g.ValidUntil.Equal(soon.Expires) || g.Sequence != none.Sequence+2 {
		t.Fatalf("%+v", g)
	}
	if got := strings.Join(g.Warnings[0].English.Lines, "|"); got != "Gas leak: red warning|Leave the area on foot,|against the wind|Until 15:30" {
		t.Error(got)
	}
	if got := strings.Join(g.Warnings[0].Chinese.Lines, "|"); got != "燃气泄漏红色预警|请步行向上风方向撤离，禁|止吸烟|有效至15:30" {
		t.Error(got)
	}
	small := read("/warnings/sign.json?area=310101&columns=16&lines=4")
	if got := strings.Join(small.Warnings[0].Chinese.Lines, "|"); got != "燃气泄漏红色预警|请步行向上风方向|撤离，禁止吸烟|有效至15:30" {
		t.Error(got)
	}
	if text := get(t, s, "/warnings/sign.txt?area=310101&columns=24"); !strings.HasPrefix(text, "valid-until 2026-11-23T01:31:30Z sequence 2\n\n燃气泄漏红色预警\n") {
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

// TestASmallSign: on four lines of sixteen stand what happened and its level, what to do, and until when, on another day too.
func TestASmallSign(t *testing.T) {
	s, _ := newService(t, dbtest.SQLite(t, allMigrations...))
	p := gasLeak()
	p.Level, p.Expires = hazard.Red, start.Add(30*time.Hour)
	p.Headline.Chinese, p.Instruction.Chinese = "南埠街道老码头社区及周边区域发生燃气泄漏", "立即逆风撤离，不要使用明火和电器开关。\n不要返回。"
	p.Headline.English, p.Instruction.English = "Gas leak in Nanbu", "Leave now. Use neither fire nor switches."
	issue(t, s, p)
	var g sign
	for path, want := range map[string][2]string{
		"columns=16&lines=4": {"燃气泄漏红色预警|立即逆风撤离|至11月24日15:30", "Gas leak: red|Leave now|To 24 Nov 15:30"},
		"columns=16&lines=2": {"燃气泄漏红色预警|至11月24日15:30", "Gas leak: red|To 24 Nov 15:30"},
		"columns=32&lines=4": {"燃气泄漏红色预警|立即逆风撤离，不要使用明火和电器|开关。|有效至11月24日15:30", "Gas leak: red warning|Leave now. Use neither fire nor|switches.|Until 24 Nov 15:30"},
		"columns=40&lines=6": {"燃气泄漏红色预警|南埠街道老码头社区及周边区域发生燃气泄漏|立即逆风撤离，不要使用明火和电器开关。|有效至11月24日15:30",
			"Gas leak: red warning|Gas leak in Nanbu|Leave now. Use neither fire nor|switches.|Until 24 Nov 15:30"},
	} {
		if err := json.Unmarshal([]byte(get(t, s, "/warnings/sign.json?"+path)), &g); err != nil {
			t.Fatal(err)
		}
		if got := [2]string{strings.Join(g.Warnings[0].Chinese.Lines, "|"), strings.Join(g.Warnings[0].English.Lines, "|")}; got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
}
