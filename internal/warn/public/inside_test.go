package public

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/internal/warn/hazard"
)

var start = time.Date(2026, 11, 23, 1, 30, 0, 0, time.UTC)

// nobody has published anything.
type nobody struct{ Warnings }

func (nobody) Issuer() Issuer { return Issuer{TimeZone: time.UTC} }

// bare is the room where nothing is published.
func bare(t *testing.T) *Service {
	t.Helper()
	s, err := New(Deps{Clock: clock.NewVirtual(start), Warnings: nobody{}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestShelfIsBounded(t *testing.T) {
	var s shelf
	var wg sync.WaitGroup
	for i := range 3 * maxDocuments {
		wg.Go(func() {
			d, err := s.get(key{area: int64(i)}, func() (*sheet, error) { return newSheet("x", "", make([]byte, 40_000), time.Time{}) })
			if err != nil || len(d.body) != 40_000 {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	sum := 0
	for _, at := range s.slots {
		sum += at.size
	}
	if len(s.slots) > maxDocuments || s.bytes > maxDocumentBytes || sum != s.bytes || len(s.slots) < 100 {
		t.Errorf("%d documents, %d bytes, %d counted", len(s.slots), sum, s.bytes)
	}
	made := 0
	for range 2 {
		if _, err := s.get(key{what: "bad"}, func() (*sheet, error) { made++; return nil, errMissing }); !errors.Is(err, errMissing) {
			t.Error(err)
		}
	}
	if made != 2 {
		t.Error("a failure is kept")
	}
}

// TestDrawingIsBounded: whatever the warnings hold, the drawing stays small and within its frame.
func TestDrawingIsBounded(t *testing.T) {
	var rings []cap.Ring
	for i := range 500 {
		f := float64(i) / 100
		rings = append(rings, cap.Ring{{Lat: 30, Lon: f}, {Lat: 30, Lon: f + 300}, {Lat: 31 + f, Lon: f}, {Lat: 30, Lon: f}})
	}
	big := make([]Warning, 60)
	for i := range big {
		big[i].Level, big[i].Areas = hazard.Red, []area.Place{{Rings: rings}}
	}
	out := draw(mapLand{}, big)
	for _, m := range out.Marks {
		if m.X < 0 || m.X > out.Width+60 || m.Y < 0 || m.Y > out.Height {
			t.Errorf("a number at %d,%d of %dx%d", m.X, m.Y, out.Width, out.Height)
		}
	}
	size := 0
	for _, a := range out.Areas {
		size += len(a.Path)
	}
	if size > maxPath+len(big)*len(`d=""`) {
		t.Errorf("%d bytes of paths", size)
	}
	for _, bad := range [][]cap.Ring{nil, {{}}, {{{Lat: 1, Lon: 1}}}, {{{Lat: 1, Lon: 1}, {Lat: 1, Lon: 2}, {Lat: 1, Lon: 1}}}} {
		draw(survey(bad), []Warning{{Areas: []area.Place{{Rings: bad}}}})
	}
}

func TestRemaining(t *testing.T) {
	s := bare(t)
	for left, want := range map[time.Duration]string{
		time.Second: "(ends within a minute)", 61 * time.Second: "(ends in about 2 minutes)", 89 * time.Minute: "(ends in about 89 minutes)",
		3*time.Hour + 10*time.Minute: "(ends in about 3 hours)", 36 * time.Hour: "(ends in about 2 days)", 6 * 24 * time.Hour: "(ends in about 6 days)",
	} {
		if got := s.remaining(page.English, left); got != want {
			t.Errorf("%s: %s", left, got)
		}
	}
	if got := s.remaining(page.Chinese, 5*time.Hour); got != "（约 5 小时后结束）" {
		t.Error(got)
	}
}

// TestSignFits: no line is wider than the screen and no screen longer, and the letters of the headline come in their order.
func TestSignFits(t *testing.T) {
	s := bare(t)
	rapid.Check(t, func(t *rapid.T) {
		lang := rapid.SampledFrom([]string{page.English, page.Chinese}).Draw(t, "lang")
		columns, lines := rapid.SampledFrom(signColumns).Draw(t, "columns"), rapid.SampledFrom(signLines).Draw(t, "lines")
		text := rapid.StringOfN(rapid.SampledFrom([]rune("港区，。（）ab c-Ünïx、…1 \n  ")), 0, 160, -1)
		headline := text.Draw(t, "headline")
		w := Warning{Level: rapid.SampledFrom(levels).Draw(t, "level"), Headline: page.Text{English: headline, Chinese: headline},
			Instruction: page.Text{English: text.Draw(t, "todo"), Chinese: "撤离"}, Expires: start.Add(48 * time.Hour)}
		got := s.screen(w, lang, columns, lines, start)
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

// TestBriefEndsWithASentence: what the list prints of a long text and the rest are the text, and the first ends where a sentence does.
func TestBriefEndsWithASentence(t *testing.T) {
	for _, c := range []struct{ text, lang, head, rest string }{
		{"Short.", page.English, "Short.", ""},
		{"It rose 3.5 m. It will rise on and on.", page.English, "It rose 3.5 m.", "It will rise on and on."},
		{"It rose. A line\nAnother line of it", page.English, "It rose. A line", "Another line of it"},
		{"水位上涨。预计继续上涨，请远离河道。", page.Chinese, "水位上涨。", "预计继续上涨，请远离河道。"},
		{"no end of this sentence is near", page.English, "no end of this…", "…sentence is near"},
		{"没有句号的长句子没有句号", page.Chinese, "没有句号的长句…", "…子没有句号"},
	} {
		if head, rest := brief(c.text, c.lang, 16); head != c.head || rest != c.rest {
			t.Errorf("%q: %q and %q", c.text, head, rest)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom([]rune("港区。！ ab.?\n")), 0, 60, -1).Draw(t, "text")
		head, rest := brief(text, page.Chinese, 20)
		if textWidth(strings.TrimSuffix(head, "…"), page.Chinese) > 20 {
			t.Fatalf("%q is too long", head)
		}
		if got := strings.TrimSuffix(head, "…") + strings.TrimPrefix(rest, "…"); strings.Join(strings.Fields(got), "") != strings.Join(strings.Fields(text), "") {
			t.Fatalf("%q became %q and %q", text, head, rest)
		}
	})
}

func TestTextsAreComplete(t *testing.T) {
	code := fstest.MapFS{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		code[f] = &fstest.MapFile{Data: text}
	}
	problems, err := page.CheckTexts(os.DirFS("texts"), os.DirFS("templates"), code)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Error(p)
	}
}
