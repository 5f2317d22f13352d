package joint

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/joint/sitrep"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

//go:embed report.html report.css
var files embed.FS

// policy allows our own style sheet and nothing else: a printed page has no scripts.
const policy = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// pages are the printable reports, in the two languages.
type pages struct {
	byLang map[string]*template.Template
	zone   *time.Location
	css    []byte
	style  string // path of the style sheet, by its content
}

func newPages(zone *time.Location) (*pages, error) {
	css, err := files.ReadFile("report.css")
	if err != nil {
		return nil, fmt.Errorf("style of reports: %w", err)
	}
	sum := sha256.Sum256(css)
	p := &pages{byLang: map[string]*template.Template{}, zone: zone, css: css, style: "/room-report-" + hex.EncodeToString(sum[:6]) + ".css"}
	for _, lang := range []string{page.English, page.Chinese} {
		t, err := template.New("report.html").Funcs(p.funcs(lang)).ParseFS(files, "report.html")
		if err != nil {
			return nil, fmt.Errorf("page of reports: %w", err)
		}
		p.byLang[lang] = t
	}
	return p, nil
}

func (p *pages) funcs(lang string) template.FuncMap {
	pick := func(t lifecycle.Text) string {
		if lang == page.Chinese {
			return t.Zh
		}
		return t.En
	}
	return template.FuncMap{
		"lang": func() string { return lang },
		"in":   pick,
		"t":    func(en, zh string) string { return pick(lifecycle.Words(en, zh)) },
		"when": func(t time.Time) string {
			t = t.In(p.zone)
			if lang == page.Chinese {
				return fmt.Sprintf("%d年%d月%d日 %s", t.Year(), t.Month(), t.Day(), t.Format("15:04"))
			}
			return t.Format("2 January 2006, 15:04 (UTC-07:00)")
		},
		"day": func(t time.Time) string {
			t = t.In(p.zone)
			return fmt.Sprintf("%d年%d月%d日", t.Year(), t.Month(), t.Day())
		},
		"clock2": func(t time.Time) string { return t.In(p.zone).Format("01-02 15:04") },
		"clock":  func(t *time.Time) string { return t.In(p.zone).Format("01-02 15:04") },
		"ends":   ends,
		"sketch": sketch,
		"where":  where,
		"points": func(points [][2]float64) string {
			var b strings.Builder
			for _, q := range points {
				fmt.Fprintf(&b, "%.1f,%.1f ", q[0], q[1])
			}
			return strings.TrimSpace(b.String())
		},
	}
}

// maxRefs is how many entries a printed line names one by one; the API names all.
const maxRefs = 8

// ends are the entries that a printed line names: all, or where there are many the first, the last and how many.
func ends(entries []int64) (out struct {
	All         []int64
	First, Last int64
	N           int
}) {
	if len(entries) <= maxRefs {
		out.All = entries
		return out
	}
	out.First, out.Last, out.N = entries[0], entries[len(entries)-1], len(entries)
	return out
}

// where are the corners of a shape in words: latitude first, as people say it.
func where(shape map[string]any) string {
	var out []string
	for _, p := range corners(shape) {
		out = append(out, strconv.FormatFloat(p[1], 'f', 5, 64)+", "+strconv.FormatFloat(p[0], 'f', 5, 64))
		if len(out) == 4 {
			out = append(out, "…")
			break
		}
	}
	return strings.Join(out, "; ")
}

func corners(shape map[string]any) (out [][2]float64) {
	var walk func(v any)
	walk = func(v any) {
		list, ok := v.([]any)
		if !ok {
			return
		}
		if len(list) == 2 {
			x, ok1 := list[0].(float64)
			y, ok2 := list[1].(float64)
			if ok1 && ok2 {
				out = append(out, [2]float64{x, y})
				return
			}
		}
		for _, part := range list {
			walk(part)
		}
	}
	walk(shape["coordinates"])
	if n := len(out); shape["type"] == "Polygon" && n > 1 && out[0] == out[n-1] {
		out = out[:n-1] // a ring says its first corner twice
	}
	return out
}

// drawn is one mark of the sketch, in its units.
type drawn struct {
	N      int
	Type   string
	Points [][2]float64
	At     [2]float64 // where its number stands
}

// Size of the sketch.
const sketchWidth, sketchHeight = 640, 360

// sketch draws the marks of a section to scale, north up, numbered as the lines are. Nil without marks.
func sketch(s sitrep.Section) []drawn {
	low, high := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	var out []drawn
	n := 0
	for i, l := range s.Lines {
		if l.Shape == nil {
			continue
		}
		kind, _ := l.Shape["type"].(string)
		d := drawn{N: i + 1, Type: kind, Points: corners(l.Shape)}
		for _, p := range d.Points {
			for k := range 2 {
				low[k], high[k] = min(low[k], p[k]), max(high[k], p[k])
			}
			n++
		}
		out = append(out, d)
	}
	if n == 0 {
		return nil
	}
	narrow := math.Cos((low[1] + high[1]) / 2 * math.Pi / 180)
	span := max((high[0]-low[0])*narrow/sketchWidth, (high[1]-low[1])/sketchHeight, 1e-6) * 1.25
	for i := range out {
		d := &out[i]
		for j, p := range d.Points {
			d.Points[j] = [2]float64{
				sketchWidth/2 + (p[0]-(low[0]+high[0])/2)*narrow/span,
				sketchHeight/2 - (p[1]-(low[1]+high[1])/2)/span,
			}
		}
		if len(d.Points) > 0 {
			d.At = d.Points[0]
		}
	}
	return out
}

func (s *Service) pageRoutes(r *web.Router) {
	r.HandleFunc("GET /rooms/{case}/reports/{report}", s.reportPage)
	r.HandleFunc("GET "+s.pages.style, func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/css; charset=utf-8")
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		if _, err := w.Write(s.pages.css); err != nil {
			return // the reader has gone
		}
	})
}

// reportPage prints a report: A4, no script, in the language that the address or the browser asks for.
func (s *Service) reportPage(w http.ResponseWriter, r *http.Request) {
	caseID, err1 := strconv.ParseInt(r.PathValue("case"), 10, 64)
	id, err2 := strconv.ParseInt(r.PathValue("report"), 10, 64)
	if err1 != nil || err2 != nil {
		web.WriteError(w, r, web.Errorf(http.StatusNotFound, "room.no_report", "there is no such report"))
		return
	}
	p, err := s.Read(r.Context(), caseID, id)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	lang := page.Language(r, page.Chinese)
	other := map[string]string{page.English: page.Chinese, page.Chinese: page.English}[lang]
	names := s.names(r.Context())
	dot := struct {
		*ReportPage
		Style, Other string
		City         lifecycle.Text
		Name         func(int64) lifecycle.Text
		Called       func(post string) lifecycle.Text
	}{p, s.pages.style, other, s.City, names, s.Posts}
	var b bytes.Buffer
	if err := s.pages.byLang[lang].Execute(&b, dot); err != nil {
		web.WriteError(w, r, fmt.Errorf("print report %d: %w", id, err))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", lang)
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "private, no-store")
	h.Add("Vary", "Accept-Language")
	if _, err := b.WriteTo(w); err != nil {
		slog.DebugContext(r.Context(), "report not sent", "err", err)
	}
}
