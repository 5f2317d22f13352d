package watch

import (
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// The reports upward.
const (
	First    = "first"     // 初报
	FollowUp = "follow-up" // 续报
	Final    = "final"     // 终报
)

// The ways in which a step of the rules asks for a report.
const (
	ByPhone   = "phone"
	InWriting = "writing"
)

// Rules say what is reported upward of cases of one kind.
type Rules struct {
	Pack        string
	Case        string
	Field       string // holds the grade
	UntilGraded string
	Offices     []Office
	Grades      []Grade // the highest first
	Pos         pack.Pos
}

// Office is one that is reported to. What it is told, the offices that it covers have heard as well.
type Office struct {
	ID     string
	Title  lifecycle.Text
	Covers []string
}

// Grade is what is reported of incidents of one grade.
type Grade struct {
	ID    string
	Title lifecycle.Text
	Steps []Step
}

// Step is one report that a grade asks for.
type Step struct {
	ID, Report, How string
	Within, Every   time.Duration
	To              lifecycle.Text // the office's title
	Source, Basis   string
}

// office finds an office by its title in either language.
func (r *Rules) office(title string) (Office, bool) {
	i := slices.IndexFunc(r.Offices, func(o Office) bool { return called(title, o.Title) })
	if i < 0 {
		return Office{}, false
	}
	return r.Offices[i], true
}

func called(title string, t lifecycle.Text) bool {
	return strings.EqualFold(title, t.En) || title == t.Zh
}

// reaches says whether what was told to one has reached the office of a step: it is that office, or covers it.
func (r *Rules) reaches(told string, to lifecycle.Text) bool {
	if called(told, to) {
		return true
	}
	o, known := r.office(told)
	return known && slices.ContainsFunc(r.Offices, func(x Office) bool { return x.Title == to && slices.Contains(o.Covers, x.ID) })
}

// grade returns the rules of a grade; those that hold until it is graded where it has none, or one that the rules don't know.
func (r *Rules) grade(id string) Grade {
	i := slices.IndexFunc(r.Grades, func(g Grade) bool { return g.ID == id })
	if i < 0 {
		i = slices.IndexFunc(r.Grades, func(g Grade) bool { return g.ID == r.UntilGraded })
	}
	return r.Grades[max(i, 0)]
}

// rank is the place of a grade among all, the highest at 0.
func (r *Rules) rank(id string) int {
	g := r.grade(id).ID
	return slices.IndexFunc(r.Grades, func(x Grade) bool { return x.ID == g })
}

// Incident is what the clocks of a case's reports upward go by.
type Incident struct {
	Case int64
	// Known is when the watch knew of it. Since is when it was graded last: what its grade newly asks for begins then; Known, while
	// nobody has graded it.
	Known, Since time.Time
	// Renewed is when it last grew graver, or went on after its end: whoever had been told must hear of it at once. Zero: never.
	Renewed time.Time
	Grade   string
	Ended   time.Time // zero: not
	Outcome string
}

// regrade sets another grade.
func (i *Incident) regrade(r *Rules, grade string, now time.Time) {
	if i.Grade == grade {
		return
	}
	if r.rank(grade) < r.rank(i.Grade) {
		i.Renewed = now
	}
	i.Since, i.Grade = now, grade
}

// end takes over whether the case goes on.
func (i *Incident) end(ended time.Time, outcome string, now time.Time) {
	if !i.Ended.IsZero() && ended.IsZero() {
		i.Renewed = now
	}
	i.Ended, i.Outcome = ended, outcome
}

// Told is that a report was told upward.
type Told struct {
	Report string // first, follow-up or final
	How    string // phone or writing
	To     string // the office, by its title; or a person's own words
	At     time.Time
}

// Want is a report that has to be told, and by when.
type Want struct {
	Step
	Started, Due time.Time
}

// key tells whether two wants are the same report to the same office.
func (w Want) key() string { return w.Report + "/" + w.How + "/" + w.To.En }

// wants says which reports are still to be told of an incident. A report that was told to an office in the way it asked for
// need not be told again, also when the grade changes. Once an incident is over only its end is told, and that only where
// something was told before: of what turned out to be nothing nobody need hear who has not heard of it.
func (r *Rules) wants(i Incident, told []Told) []Want {
	if i.Outcome == "merged" { // the case that goes on in its place reports
		return nil
	}
	firsts := slices.ContainsFunc(told, func(t Told) bool { return t.Report == First })
	had := func(s Step, since time.Time) bool {
		return slices.ContainsFunc(told, func(t Told) bool {
			return t.Report == s.Report && t.How == s.How && r.reaches(t.To, s.To) && !t.At.Before(since)
		})
	}
	unfounded := i.Outcome == "unfounded"
	var out []Want
	for _, s := range r.grade(i.Grade).Steps {
		switch s.Report {
		case First:
			if !had(s, time.Time{}) && !unfounded {
				out = append(out, Want{s, i.Since, i.Since.Add(s.Within)})
			}
		case FollowUp:
			if firsts && i.Ended.IsZero() {
				out = append(out, r.followUp(s, i, told))
			}
		case Final:
			if !i.Ended.IsZero() && !had(s, i.Ended) && (firsts || !unfounded) {
				out = append(out, Want{s, i.Ended, i.Ended.Add(s.Within)})
			}
		}
	}
	return out
}

// followUp says when the next follow-up of a step is due. It counts from the last telling to that office in that way; what was
// told to somebody else, or otherwise, puts nothing off. Where there was none it counts from the very first report to anybody.
// An office that has heard of the incident hears at once that it has grown graver, or goes on after all: within the time of a
// first report.
func (r *Rules) followUp(s Step, i Incident, told []Told) Want {
	var first, last time.Time
	for _, t := range told {
		if t.Report == First && (first.IsZero() || t.At.Before(first)) {
			first = t.At
		}
		if t.How == s.How && r.reaches(t.To, s.To) && t.At.After(last) {
			last = t.At
		}
	}
	from := last
	if last.IsZero() {
		from = first
	}
	w := Want{s, from, from.Add(s.Every)}
	at, asked := r.atOnce(s, i.Grade)
	if !i.Renewed.After(from) || asked && last.IsZero() { // the first report, which is still to be told, says it all
		return w
	}
	if now := (Want{s, i.Renewed, i.Renewed.Add(at)}); now.Due.Before(w.Due) {
		return now
	}
	return w
}

// atOnce is how soon an office hears of news: as soon as of a first report in the same way. asked is false where the grade asks
// for no such report; then it is the shortest time of any.
func (r *Rules) atOnce(s Step, grade string) (within time.Duration, asked bool) {
	shortest := s.Every
	for _, x := range r.grade(grade).Steps {
		if x.Report != First {
			continue
		}
		if x.How == s.How && x.To == s.To {
			return min(x.Within, s.Every), true
		}
		shortest = min(shortest, x.Within)
	}
	return shortest, false
}

// goesOn is a first report that was asked for already under the grade before, at the office itself or at one that covers it: its
// clock goes on and does not begin anew. The first grading puts right what nobody had said before, so its time counts from when
// the clock began. Later, a graver grade gives its own time from when it was set, but never more than was left; a lighter one
// gives its own from when the clock began.
func (w Want) goesOn(before *Clock, i Incident) Want {
	own := before.Started.Add(w.Within)
	w.Started = before.Started
	switch {
	case before.Grade == i.Grade:
		w.Due = before.Due
	case before.Grade == "":
		w.Due = own
	default:
		w.Due = later(own, earlier(before.Due, i.Since.Add(w.Within)))
	}
	return w
}

// before finds the running clock that a want goes on from; nil: there is none, its clock begins.
func (r *Rules) before(w Want, running []*Clock) *Clock {
	var found *Clock
	for _, c := range running {
		switch {
		case c.Report != First || w.Report != First || c.How != w.How:
		case c.To == w.To:
			return c
		case found == nil && r.reaches(c.To.En, w.To):
			found = c
		}
	}
	return found
}
