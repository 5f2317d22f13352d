package skill

import (
	"math"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// line is a row of the public table.
type line struct {
	Event         page.Text
	Level         string
	Counts        []count
	POD, FAR, CSI share
	Median, Tenth string
	N             int
}

type count struct {
	Figure, To string
	N          int
}

type share struct{ Percent, Of int }

func shareOf(r Ratio) share {
	if r.Value == nil {
		return share{}
	}
	return share{int(math.Round(*r.Value * 100)), r.Of}
}

// shown is an item as the public list has it.
type shown struct {
	Item
	LeadText string
}

// skillPage is /warnings/skill for anyone: real warnings to the public alone. With ?figure= it lists what stands behind a number.
func (s *Service) skillPage(w http.ResponseWriter, r *http.Request) {
	if err := s.Access.Decide(r.Context(), "warning.read", access.Resource{Type: "warning"}, access.PublicInformation); err != nil {
		web.WriteError(w, r, err)
		return
	}
	q, lang := r.URL.Query(), s.pages.Language(r)
	found, items, err := s.skill(r.Context(), time.Time{}, time.Time{}, true)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	dot := struct {
		From, To time.Time
		Overdue  int
		Lines    []line
		Figure   string
		Of       string
		Rows     []shown
	}{From: found.From, To: found.To, Overdue: found.Overdue}
	if figure := q.Get("figure"); slices.Contains(Counts(), figure) {
		dot.Figure = figure
		if event, ok := s.Warnings.Event(q.Get("hazard")); ok {
			dot.Of = event.In(lang)
		}
		for _, it := range behind(items, figure, q.Get("hazard"), q.Get("level")) {
			one := shown{Item: it}
			if it.Lead != nil {
				one.LeadText = s.minutes(lang, *it.Lead)
			}
			dot.Rows = append(dot.Rows, one)
		}
	}
	for _, f := range found.Figures {
		l := line{Level: f.Level, POD: shareOf(f.POD), FAR: shareOf(f.FAR), CSI: shareOf(f.CSI), N: f.Lead.N}
		if f.Hazard != "" {
			l.Event, _ = s.Warnings.Event(f.Hazard)
			if l.Event == (page.Text{}) { // the table of hazards has changed since
				l.Event = page.Text{English: f.Hazard, Chinese: f.Hazard}
			}
		}
		for _, c := range []count{{CountIssued, "", f.Issued}, {CountWaiting, "", f.Waiting}, {CountHits, "", f.Hits}, {CountPartly, "", f.Partly},
			{CountFalse, "", f.False}, {CountUnclear, "", f.Unclear}, {CountMissed, "", f.Missed}} {
			c.To = "/warnings/skill?" + url.Values{"figure": {c.Figure}, "hazard": {f.Hazard}, "level": {f.Level}}.Encode()
			l.Counts = append(l.Counts, c)
		}
		if f.Lead.Median != nil {
			l.Median, l.Tenth = s.minutes(lang, *f.Lead.Median), s.minutes(lang, *f.Lead.Tenth)
		}
		dot.Lines = append(dot.Lines, l)
	}
	w.Header().Set("Cache-Control", "no-cache")
	s.pages.Write(w, r, http.StatusOK, false, page.View{Template: "skill", Title: s.pages.T(lang, "title"), Data: dot})
}

func (s *Service) minutes(lang string, m float64) string {
	return s.pages.T(lang, "minutes", int(math.Round(m)))
}
