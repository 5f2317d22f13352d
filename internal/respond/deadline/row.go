package deadline

import (
	"time"

	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Row is one promise of a time, as respond keeps it.
type Row struct {
	ID, Case int64
	// Name is "state:<id>", "limit:<id>", "task:<n>" or "ask:<n>", What its first word (state, case, task, ask).
	Name, What string
	Title      lifecycle.Text
	Kind       string
	Category   string
	// Who had to: whoever did at its end, or does now.
	Organisation int64
	Post         string
	Area         int64
	Started      time.Time
	FirstDue     time.Time
	Due          time.Time
	Extensions   int
	Ended        time.Time // zero: not ended
	State        State
	Private      bool
	// Inherited: the limit had passed when this organisation got the case. It is late once, for whoever had it then.
	Inherited bool
}

// State is how far a row has come.
type State string

// The states of a row.
const (
	Running   State = "running"
	Met       State = "met"
	Withdrawn State = "withdrawn"
	PassedOn  State = "passed-on"
)

// Status is what a row is in the report.
type Status string

// What a row can be. Each is exactly one of them.
const (
	OnTime      Status = "on-time"
	Late        Status = "late"
	Within      Status = "within" // open, its limit not passed
	Past        Status = "past"   // open past its limit
	Passed      Status = "passed-on"
	IsWithdrawn Status = "withdrawn"
)

// Statuses are all of them, in the order in which they are shown.
var statuses = [...]Status{OnTime, Late, Within, Past, Passed, IsWithdrawn}

// Status says what a row is at a time.
func (r *Row) Status(now time.Time) Status {
	switch {
	case r.Inherited:
		return Passed
	case r.State == Withdrawn:
		return IsWithdrawn
	case r.State == Running && now.After(r.Due):
		return Past
	case r.State == Running:
		return Within
	case r.Ended.After(r.Due):
		return Late
	case r.State == PassedOn:
		return Passed
	default:
		return OnTime
	}
}

// Lateness is by how much a row that is late, or open past its limit, is so; 0 for the others.
func (r *Row) Lateness(now time.Time) time.Duration {
	switch r.Status(now) {
	case Late:
		return r.Ended.Sub(r.Due)
	case Past:
		return now.Sub(r.Due)
	default:
		return 0
	}
}
