package watch

import (
	"slices"
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
	Grades      []Grade // the highest first
	Pos         pack.Pos
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
	To              lifecycle.Text
	Source, Basis   string
}

// grade returns the rules of a grade; those that hold until it is graded where it has none, or one that the rules don't know.
func (r *Rules) grade(id string) Grade {
	i := slices.IndexFunc(r.Grades, func(g Grade) bool { return g.ID == id })
	if i < 0 {
		i = slices.IndexFunc(r.Grades, func(g Grade) bool { return g.ID == r.UntilGraded })
	}
	return r.Grades[max(i, 0)]
}

// Incident is what the clocks of a case's reports upward go by.
type Incident struct {
	Case int64
	// Known is when the watch knew of it. Since is when the clocks of its present grade began: Known, or when it was graded anew.
	Known, Since time.Time
	Grade        string
	Ended        time.Time // zero: not
	Outcome      string
}

// regrade sets another grade. The first grading puts right what nobody had said before, so its clocks run from when the watch
// knew; one that changes a grade begins its own.
func (i *Incident) regrade(grade string, now time.Time) {
	if i.Grade == grade {
		return
	}
	if i.Grade != "" {
		i.Since = now
	}
	i.Grade = grade
}

// Told is that a report was told upward.
type Told struct {
	Report string // first, follow-up or final
	How    string // phone or writing
	To     string // the office, as the step names it in English; or a person's own words
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
	var last time.Time
	firsts := false
	for _, t := range told {
		if t.At.After(last) {
			last = t.At
		}
		firsts = firsts || t.Report == First
	}
	had := func(s Step, since time.Time) bool {
		return slices.ContainsFunc(told, func(t Told) bool {
			return t.Report == s.Report && t.How == s.How && t.To == s.To.En && !t.At.Before(since)
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
				out = append(out, Want{s, last, last.Add(s.Every)})
			}
		case Final:
			if !i.Ended.IsZero() && !had(s, i.Ended) && (firsts || !unfounded) {
				out = append(out, Want{s, i.Ended, i.Ended.Add(s.Within)})
			}
		}
	}
	return out
}
