package packtest

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/trial/casetest"
)

// Report is what became of a pack's tests.
type Report struct {
	Suite   *Suite
	Results []*Result
	Cases   []*casetest.Result
	Gaps    pack.Diagnostics // of coverage; empty where a test failed or was left out
	Failed  int
	LeftOut int // tests that match did not choose
}

// Run runs the tests whose name match finds, all where it is nil. Coverage is looked at where all ran and passed.
func (s *Suite) Run(match *regexp.Regexp) (*Report, error) {
	r := &Report{Suite: s}
	for _, t := range s.Tests {
		if match != nil && !match.MatchString(t.Name) {
			r.LeftOut++
			continue
		}
		result := s.run(t)
		if result.Failed() {
			r.Failed++
		}
		r.Results = append(r.Results, result)
	}
	for _, t := range s.Cases {
		if match != nil && !match.MatchString(t.Name) {
			r.LeftOut++
			continue
		}
		result, err := t.Run(context.Background(), s.law)
		if err != nil {
			return nil, err
		}
		if result.Failed() {
			r.Failed++
		}
		r.Cases = append(r.Cases, result)
	}
	var err error
	if r.Failed == 0 && r.LeftOut == 0 {
		r.Gaps, err = s.Coverage(r.Results)
		r.Gaps = append(r.Gaps, casetest.Coverage(s.Pack, s.law.Kinds, r.Cases)...).Sorted()
	}
	return r, err
}

// Ran is how many tests ran.
func (r *Report) Ran() int { return len(r.Results) + len(r.Cases) }

// Write says what became of the tests; all of them, with every step of every alert, where verbose.
func (r *Report) Write(w io.Writer, verbose bool) {
	for _, x := range r.Results {
		if verbose {
			fmt.Fprintf(w, "%s  %s\n", map[bool]string{true: "FAIL", false: "ok  "}[x.Failed()], x.Test.Name)
			for i := range x.Steps {
				fmt.Fprintf(w, "        %7s  %s: %s\n", span(x.Steps[i].At), r.Suite.say(&x.Steps[i]), x.Steps[i].Text.EN)
			}
		}
		for i := range x.Failures {
			fmt.Fprint(w, r.Suite.explain(x, &x.Failures[i]))
		}
	}
	for _, x := range r.Cases {
		x.Write(w, verbose)
	}
	for _, d := range r.Gaps {
		fmt.Fprintln(w, d)
	}
	fmt.Fprintf(w, "%s: %s", r.Suite.Dir, counted(r.Ran(), "test"))
	if r.Failed > 0 {
		fmt.Fprintf(w, ", %d failed", r.Failed)
	} else if r.Ran() > 0 {
		fmt.Fprint(w, " passed")
	}
	if r.LeftOut > 0 {
		fmt.Fprintf(w, ", %d left out", r.LeftOut)
	}
	if len(r.Gaps) > 0 {
		fmt.Fprintf(w, ", %s in coverage", counted(len(r.Gaps), "gap"))
	}
	fmt.Fprintln(w)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// say is a step in words: "methane-indoor yellow".
func (s *Suite) say(st *Step) string {
	return s.short(st.Detector) + " " + what(st.Level, st.Fault, st.Cleared)
}

func what(level, fault string, cleared bool) string {
	switch {
	case fault != "" && cleared:
		return map[string]string{silent: "heard again", stuck: "moves again", comms: "all heard again"}[fault]
	case fault == comms:
		return "link lost"
	case fault != "":
		return fault
	case cleared:
		return "cleared"
	}
	return level
}

func window(from, to time.Duration) string {
	switch from {
	case to:
		return span(to)
	case 0:
		return "by " + span(to)
	}
	return span(from) + " to " + span(to)
}

// explain is a failure as a person reads it: where it stands, what was expected beside what came, and what the instrument
// said around that time.
func (s *Suite) explain(r *Result, f *Failure) string {
	var b strings.Builder
	at, got := r.Test.Pos, f.Got
	var message string
	switch e := f.Expected; {
	case e == nil:
		message = fmt.Sprintf("%s at %s, which nothing expects: %s", s.say(got), span(got.At), got.Text.EN)
	case got == nil:
		at = e.Pos
		message = fmt.Sprintf("expected %s %s, %s; nothing of the kind came", e.Detector, what(e.Level, e.Fault, e.Cleared), window(e.From, e.To))
	default:
		at = e.Pos
		message = fmt.Sprintf("expected %s %s, %s; it came otherwise", e.Detector, what(e.Level, e.Fault, e.Cleared), window(e.From, e.To))
	}
	fmt.Fprintf(&b, "%s: %s: %s\n%s", at, r.Test.Name, message, excerpt(at))
	if f.Expected != nil && got != nil {
		b.WriteString(s.beside(f.Expected, got))
	}
	b.WriteString(s.plot(&r.Test.story, f))
	return b.String()
}

// excerpt is the line of the file with a caret under the place, as problems of a pack have it.
func excerpt(at pack.Pos) string {
	var ds pack.Diagnostics
	ds.Add(at, "", "")
	_, lines, _ := strings.Cut(ds[0].String(), "\n")
	return lines + "\n"
}

// beside lists what was expected and what came, with a mark where they differ.
func (s *Suite) beside(e *Expectation, got *Step) string {
	ds := s.differences(e, got)
	rows := [][3]string{{"", "expected", "got"}}
	add := func(difference, name, expected, came string) {
		if expected == "" {
			return
		}
		mark := ""
		if slices.Contains(ds, difference) {
			mark = "   <-"
		}
		if came == "" {
			came = "-"
		}
		rows = append(rows, [3]string{name, expected, came + mark})
	}
	add(differsTime, "time", window(e.From, e.To), span(got.At))
	add(differsWhat, "what", what(e.Level, e.Fault, e.Cleared), what(got.Level, got.Fault, got.Cleared))
	add(differsAsset, "asset", e.Asset, got.Asset)
	add(differsPlace, "place", e.Place, got.Place)
	add(differsArea, "area", e.Area, got.Area)
	add(differsOpens, "opens", e.Opens, got.Opens)
	add(differsTextEN, "text en", e.Text.EN, got.Text.EN)
	add(differsTextZH, "text zh-CN", e.Text.ZH, got.Text.ZH)
	width := 0
	for _, r := range rows {
		width = max(width, len([]rune(r[1])))
	}
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "      %-10s %s%s  %s\n", r[0], r[1], strings.Repeat(" ", width-len([]rune(r[1]))), r[2])
	}
	return b.String()
}

// plotted is how many instruments are shown at most.
const plotted = 5

// plot shows what the instruments that the detector judged said around the times of a failure.
func (s *Suite) plot(st *story, f *Failure) string {
	var b strings.Builder
	shown := 0
	for _, in := range s.judged(st, f) {
		if shown == plotted {
			b.WriteString("      further instruments are not shown\n")
			break
		}
		shown++
		marks := map[int]string{}
		mark := func(at time.Duration, text string) {
			i := int(at / st.every)
			if marks[i] != "" {
				text = marks[i] + ", " + text
			}
			marks[i] = text
		}
		if e := f.Expected; e != nil && e.From == e.To {
			mark(e.To, "expected")
		} else if e != nil {
			mark(e.From, "expected from")
			mark(e.To, "expected to")
		}
		if f.Got != nil {
			mark(f.Got.At, "got")
		}
		drawSeries(&b, st, in, marks)
	}
	return b.String()
}

// judged are the instruments that a failure is about: those that the step watched, else those that the detector reads, of the
// asset or place that was expected; all of the story where it reads none of them.
func (s *Suite) judged(st *story, f *Failure) []*instrument {
	detector, watched := "", []string(nil)
	if f.Got != nil {
		detector, watched = f.Got.Detector, f.Got.Watched
		if len(watched) == 0 {
			watched = []string{f.Got.Series}
		}
	} else {
		detector = s.Pack.ID(f.Expected.Detector)
	}
	var all []*instrument
	for _, in := range st.instruments {
		e := f.Expected
		switch {
		case f.Got != nil && !slices.Contains(watched, in.name), f.Got == nil && !s.rules.reads(detector, in):
		case f.Got == nil && e.Place != "" && in.asset.place.name != e.Place:
		case f.Got == nil && e.Asset != "" && in.asset.name != e.Asset && s.rules.alone(detector):
		default:
			all = append(all, in)
		}
	}
	if len(all) == 0 {
		return st.instruments
	}
	return all
}

// Of a series, so many readings are shown before and after each time that matters, and bars are so long at most.
const (
	shownAround = 2
	barLength   = 40
)

func drawSeries(b *strings.Builder, s *story, in *instrument, marks map[int]string) {
	fmt.Fprintf(b, "      %s\n", strings.TrimSpace(in.name+" "+in.unit))
	var rows []int
	lowest, highest := 0.0, 0.0
	for i, step := range in.steps {
		for m := range marks {
			if i >= m-shownAround && i <= m+shownAround && !slices.Contains(rows, i) {
				rows = append(rows, i)
				if !step.Missing {
					lowest, highest = min(lowest, step.Value), max(highest, step.Value)
				}
			}
		}
	}
	for m := range marks {
		if m >= len(in.steps) && !slices.Contains(rows, m) {
			rows = append(rows, m) // after the series' end
		}
	}
	slices.Sort(rows)
	for n, i := range rows {
		if n > 0 && i > rows[n-1]+1 || n == 0 && i > 0 {
			b.WriteString("             ...\n")
		}
		value, bar := "_", 0
		if i < len(in.steps) && !in.steps[i].Missing {
			value = strconv.FormatFloat(in.steps[i].Value, 'f', -1, 64)
			if highest > lowest {
				bar = int((in.steps[i].Value - lowest) / (highest - lowest) * barLength)
			}
		}
		line := fmt.Sprintf("      %9s %8s  %s", span(time.Duration(i)*s.every), value, strings.Repeat("#", bar))
		if i < len(in.steps) && !in.steps[i].Missing && in.limits != nil {
			if v := in.steps[i].Value; v < in.limits[0] || v > in.limits[1] { // the rule sees the end of the range
				line += "   counts as " + strconv.FormatFloat(min(max(v, in.limits[0]), in.limits[1]), 'f', -1, 64)
			}
		}
		if marks[i] != "" {
			line += "   <- " + marks[i]
		}
		fmt.Fprintln(b, strings.TrimRight(line, " "))
	}
}
