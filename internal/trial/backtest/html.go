package backtest

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/methods/verify"
)

//go:embed page.tmpl
var pageTemplate string

// page is what the template shows.
type page struct {
	*Report
	W     words
	Rule  string
	Loads []loadView
}

type loadView struct {
	*Position
	Chart       template.HTML
	HoursPerBar int
}

// WriteHTML writes the report as one page in en or zh-CN. The page loads nothing and runs no script; its own policy forbids
// both.
func (r *Report) WriteHTML(w io.Writer, lang string) error {
	if !slices.Contains([]string{"en", "zh-CN"}, lang) {
		return fmt.Errorf("language %q: expected en or zh-CN", lang)
	}
	words := wordsIn(lang)
	t, err := template.New("page").Funcs(template.FuncMap{
		"in":       func(x engine.Wording) string { return x.In(lang) },
		"two":      func(s verify.Score) string { return s.Text(2) },
		"one":      func(s verify.Score) string { return s.Text(1) },
		"three":    func(s verify.Score) string { return s.Text(3) },
		"percent":  percent,
		"within":   func(i verify.Interval) string { return i.Low.Text(2) + "–" + i.High.Text(2) },
		"minute":   func(t time.Time) string { return t.Format(minuteForm) },
		"span":     func(s verify.Score) string { return spanOf(s) },
		"lead":     func(s *float64) string { return spanOf(verify.Score(*s)) },
		"timeline": func(d DetectorReport) template.HTML { return r.timeline(&d, words) },
		"leads":    func(d DetectorReport) template.HTML { return leadChart(&d, words) },
		"reliable": func(p ProbabilityModel) template.HTML { return reliabilityChart(&p, words) },
		"level":    func(l engine.Level) string { return words.Levels[l.String()] },
	}).Parse(pageTemplate)
	if err != nil {
		return fmt.Errorf("the page's template: %w", err)
	}
	x := r.Rule
	p := page{Report: r, W: words}
	p.Rule = fmt.Sprintf(words.Rule, short(x.Before), short(x.After), short(max(x.Linger, x.After)), short(x.Join), short(x.Interval))
	for i := range r.Positions {
		chart, per := r.loadChart(&r.Positions[i], words)
		p.Loads = append(p.Loads, loadView{&r.Positions[i], chart, per})
	}
	return t.Execute(w, p)
}

func spanOf(s verify.Score) string {
	if !s.Defined() {
		return "-"
	}
	return short(float64(s))
}
