package backtest

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/methods/verify"
)

// Charts are drawn by hand as SVG: a page that someone mails to a colleague must not need anything else. Colours stand in
// the page's style sheet, so that they follow light and dark; what a colour says, a shape says too.

// chartWidth is the width of a chart in its own units; the page scales it.
const chartWidth = 960

// svg is a drawing under way.
type svg struct {
	b      strings.Builder
	height int
}

// newSVG begins a drawing that a screen reader calls by its title.
func newSVG(height int, title string) *svg {
	s := &svg{height: height}
	fmt.Fprintf(&s.b, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s"><title>%s</title>`, chartWidth, height, esc(title), esc(title))
	return s
}

func (s *svg) html() template.HTML {
	s.b.WriteString("</svg>")
	return template.HTML(s.b.String()) // all texts went through esc
}

func esc(text string) string { return template.HTMLEscapeString(text) }

func (s *svg) rect(class string, x, y, w, h float64, title string) {
	fmt.Fprintf(&s.b, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f">`, class, x, y, w, h)
	if title != "" {
		fmt.Fprintf(&s.b, "<title>%s</title>", esc(title))
	}
	s.b.WriteString("</rect>")
}

func (s *svg) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(&s.b, `<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, class, x1, y1, x2, y2)
}

func (s *svg) dot(class string, x, y, r float64, title string) {
	fmt.Fprintf(&s.b, `<circle class="%s" cx="%.1f" cy="%.1f" r="%.1f"><title>%s</title></circle>`, class, x, y, r, esc(title))
}

// text writes at a point; anchor is start, middle or end.
func (s *svg) text(x, y float64, anchor, text string) {
	fmt.Fprintf(&s.b, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, x, y, anchor, esc(text))
}

// axis maps values to places on a line.
type axis struct{ low, high, from, to float64 }

func (a axis) at(v float64) float64 {
	if a.high == a.low {
		return (a.from + a.to) / 2
	}
	return a.from + (v-a.low)/(a.high-a.low)*(a.to-a.from)
}

// ticks are round values within the axis, about n of them.
func (a axis) ticks(n float64) (out []float64, step float64) {
	raw := (a.high - a.low) / n
	if raw <= 0 {
		return []float64{a.low}, 1
	}
	step = math.Pow(10, math.Floor(math.Log10(raw)))
	for _, k := range []float64{1, 2, 5, 10} {
		if step*k >= raw {
			step *= k
			break
		}
	}
	for v := math.Ceil(a.low/step) * step; v <= a.high+step/1e6; v += step {
		out = append(out, v)
	}
	return out, step
}

// timeTicks are round instants within a period, at most about ten.
func timeTicks(from, to time.Time) (ticks []time.Time, layout string) {
	layout = "01-02"
	step := 24 * time.Hour
	for _, s := range []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 24 * time.Hour, 48 * time.Hour,
		7 * 24 * time.Hour, 28 * 24 * time.Hour, 91 * 24 * time.Hour, 364 * 24 * time.Hour} {
		if step = s; to.Sub(from) <= 10*s {
			break
		}
	}
	switch {
	case step < 24*time.Hour:
		layout = "01-02 15:04"
	case step >= 91*24*time.Hour:
		layout = "2006-01"
	}
	for t := from.Truncate(step); !t.After(to); t = t.Add(step) {
		if !t.Before(from) {
			ticks = append(ticks, t)
		}
	}
	return ticks, layout
}

// timeline draws the events above the alerts of one detector.
func (r *Report) timeline(d *DetectorReport, w words) template.HTML {
	const left, right, rowH = 84.0, chartWidth - 12.0, 26.0
	s := newSVG(108, d.ID+": "+w.Timeline)
	x := axis{float64(r.From.Unix()), float64(r.To.Unix()), left, right}
	clip := func(t time.Time) float64 { return min(max(x.at(float64(t.Unix())), left), right) }
	ticks, layout := timeTicks(r.From, r.To)
	for _, t := range ticks {
		s.line("grid", clip(t), 8, clip(t), 78)
		s.text(clip(t), 94, "middle", t.Format(layout))
	}
	s.text(left-8, 28, "end", w.Truth)
	s.text(left-8, 64, "end", w.Alerts)
	bar := func(class string, y, h float64, from, to time.Time, title string) {
		a, b := clip(from), clip(to)
		s.rect(class, a, y, max(b-a, 2), h, title)
	}
	for _, e := range d.EventList {
		class, say := "event", w.FoundEvent
		if !e.Found {
			class, say = "event missed", w.MissedEvent
		}
		bar(class, 10, rowH, e.Start, e.End, fmt.Sprintf("%s %s: %s – %s", say, e.Name, e.Start.Format(minuteForm), e.End.Format(minuteForm)))
		if e.Onset != e.Start {
			s.line("onset", clip(e.Onset), 6, clip(e.Onset), 10+rowH+4)
		}
	}
	order := slices.Clone(d.AlertList) // what found an event lies on top
	slices.SortStableFunc(order, func(a, b AlertReport) int { return rank(a) - rank(b) })
	for _, a := range order {
		y, h := 46.0, rowH
		if a.Verdict == "false" { // told apart by its height too
			y, h = y+rowH/2, rowH/2
		}
		bar("alert "+a.Verdict, y, h, a.From, a.To, fmt.Sprintf("%s %s: %s – %s", w.Verdicts[a.Verdict], a.Place, a.From.Format(minuteForm), a.To.Format(minuteForm)))
	}
	return s.html()
}

func rank(a AlertReport) int {
	return slices.Index([]string{"repeated", "lingering", "hit", "false"}, a.Verdict)
}

const minuteForm = "2006-01-02 15:04"

// leadChart stacks a dot for each lead time, over hours.
func leadChart(d *DetectorReport, w words) template.HTML {
	const left, right, base = 30.0, chartWidth - 30.0, 118.0
	s := newSVG(158, d.ID+": "+w.Leads)
	hours := make([]float64, len(d.Leads))
	for i, l := range d.Leads {
		hours[i] = l / 3600
	}
	low, high := min(slices.Min(hours), 0), max(slices.Max(hours), 0)
	pad := max((high-low)*0.04, 0.05)
	x := axis{low - pad, high + pad, left, right}
	ticks, step := x.ticks(10)
	for _, v := range ticks {
		s.line("grid", x.at(v), 20, x.at(v), base)
		s.text(x.at(v), base+16, "middle", number(v, step))
	}
	s.text((left+right)/2, base+34, "middle", w.LeadAxis)
	s.line("axis", x.at(0), 14, x.at(0), base)
	s.text(x.at(0), 10, "middle", w.OnsetLine)
	const bins = 80
	stacked := map[int]int{}
	most := 1
	for _, h := range hours {
		b := int((x.at(h) - left) / (right - left) * bins)
		stacked[b]++
		most = max(most, stacked[b])
	}
	clear(stacked)
	gap := min(9, (base-30)/float64(most))
	for _, h := range hours {
		b := int((x.at(h) - left) / (right - left) * bins)
		s.dot("lead", x.at(h), base-5-float64(stacked[b])*gap, 4, short(h*3600))
		stacked[b]++
	}
	mark := func(v float64, name string, y float64) {
		s.line("mark", x.at(v), y, x.at(v), base)
		if x.at(v) > (left+right)/2 {
			s.text(x.at(v)-4, y+8, "end", name+" "+short(v*3600))
		} else {
			s.text(x.at(v)+4, y+8, "start", name+" "+short(v*3600))
		}
	}
	mark(float64(d.Lead.Median)/3600, w.Median, 22)
	mark(float64(d.Lead.Tenth)/3600, w.Tenth, 36)
	return s.html()
}

// maxBars is how many bars an hourly chart has at most; beyond, a bar is the busiest of several hours.
const maxBars = 480

// loadChart draws the alarms of each hour with the target and the limit of the standards. hoursPerBar says how many hours
// a bar stands for.
func (r *Report) loadChart(p *Position, w words) (chart template.HTML, hoursPerBar int) {
	const left, right, top, base = 44.0, chartWidth - 70.0, 14.0, 150.0
	s := newSVG(186, p.Owner+": "+w.LoadAxis)
	hoursPerBar = max(1, (len(p.Hours)+maxBars-1)/maxBars)
	var bars []int
	for h := range slices.Chunk(p.Hours, hoursPerBar) {
		bars = append(bars, slices.Max(h))
	}
	high := float64(verify.LimitPerHour + 2)
	if len(bars) > 0 {
		high = max(high, float64(slices.Max(bars))*1.05)
	}
	y := axis{0, high, base, top}
	ticks, step := y.ticks(5)
	for _, v := range ticks {
		s.line("grid", left, y.at(v), right, y.at(v))
		s.text(left-6, y.at(v)+4, "end", number(v, step))
	}
	begin := r.From
	x := axis{0, float64(max(len(bars), 1)), left, right}
	for i, n := range bars {
		if n == 0 {
			continue
		}
		class := "bar"
		if n > verify.LimitPerHour {
			class = "bar over"
		}
		at := begin.Add(time.Duration(i*hoursPerBar) * time.Hour)
		s.rect(class, x.at(float64(i)), y.at(float64(n)), max(x.at(1)-x.at(0)-0.5, 1), base-y.at(float64(n)), fmt.Sprintf("%s: %d", at.Format(minuteForm), n))
	}
	for _, l := range []struct {
		v     float64
		class string
		name  string
	}{{verify.TargetPerHour, "target", w.Target}, {verify.LimitPerHour, "limit", w.Limit}} {
		s.line(l.class, left, y.at(l.v), right, y.at(l.v))
		s.text(right+6, y.at(l.v)+4, "start", l.name)
	}
	s.line("axis", left, base, right, base)
	instants, layout := timeTicks(r.From, r.To)
	t := axis{float64(begin.Unix()), float64(begin.Add(time.Duration(len(bars)*hoursPerBar) * time.Hour).Unix()), left, right}
	for _, i := range instants {
		s.text(t.at(float64(i.Unix())), base+16, "middle", i.Format(layout))
	}
	s.text(left, 10, "start", w.LoadAxis)
	return s.html(), hoursPerBar
}

// reliabilityChart draws what was said against what came, with 95 % intervals; a larger dot stands for more forecasts.
func reliabilityChart(p *ProbabilityModel, w words) template.HTML {
	const left, right, top, base = 340.0, 620.0, 14.0, 294.0
	s := newSVG(340, p.ID+": "+w.Reliability)
	x, y := axis{0, 1, left, right}, axis{0, 1, base, top}
	for _, v := range []float64{0, 0.2, 0.4, 0.6, 0.8, 1} {
		s.line("grid", x.at(v), top, x.at(v), base)
		s.line("grid", left, y.at(v), right, y.at(v))
		s.text(x.at(v), base+16, "middle", number(v, 0.2))
		s.text(left-6, y.at(v)+4, "end", number(v, 0.2))
	}
	s.line("target", x.at(0), y.at(0), x.at(1), y.at(1))
	s.text((left+right)/2, base+34, "middle", w.Said)
	s.text(left-44, (top+base)/2, "end", w.Happened)
	s.text(right+8, top+6, "start", w.Perfect)
	for _, b := range p.Reliability {
		if b.N == 0 {
			continue
		}
		px := x.at(float64(b.Said))
		s.line("mark", px, y.at(float64(b.Interval.Low)), px, y.at(float64(b.Interval.High)))
		s.dot("lead", px, y.at(float64(b.Happened)), 3+7*math.Sqrt(float64(b.N)/float64(p.Forecasts)),
			fmt.Sprintf("%s %s, %s %s, %s %d", w.Said, b.Said.Text(2), w.Happened, b.Happened.Text(2), w.Count, b.N))
	}
	return s.html()
}

// number writes a tick with as many digits as its step needs.
func number(v, step float64) string {
	digits := 0
	if step < 1 {
		digits = int(math.Ceil(-math.Log10(step) - 1e-9))
	}
	if math.Abs(v) < step/1e6 {
		v = 0 // never "-0"
	}
	return fmt.Sprintf("%.*f", digits, v)
}
