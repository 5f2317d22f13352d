package sitrep

import (
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// The kinds of entry that a joint room writes, beside those of the case itself.
const (
	KindRoom      = "room"      // the room was opened: what was known of the incident by then
	KindLog       = "log"       // a line of an agency
	KindPresence  = "presence"  // an agency's post joined, left, or was invited
	KindMark      = "mark"      // something on the map
	KindDecision  = "decision"  // who decided what, why, on what facts
	KindObjective = "objective" // as in ICS-202
	KindResource  = "resource"  // a step of a request for resources
	KindReport    = "report"    // a report was made, or signed
	KindAction    = "action"    // what the review asks for
	KindLesson    = "lesson"    // a lesson went out
)

// State is what stands at the end of some entries. Each item names the entries that made it.
type State struct {
	Seats      []Seat
	Marks      []Mark
	Decisions  []Decision
	Objectives []Objective
	Requests   []Request
	Tasks      []Task
}

// Seat is a post of an agency in the room.
type Seat struct {
	Organisation int64
	Post         string
	Joined, Left time.Time // Left is zero while it is here
	Entries      []int64
}

// Mark is something on the map that is in force.
type Mark struct {
	ID           int64
	Kind, Label  string
	Organisation int64
	Shape        map[string]any // GeoJSON
	At           time.Time
	Entries      []int64
}

// Decision is in force unless a later one took its place.
type Decision struct {
	ID                 int64
	What, Why          string
	Organisation       int64
	Post               string
	From               string
	At                 time.Time
	SupersededBy       int64
	Facts              []any
	Entry              int64
	Superseding, Until int64 // the decision before it, the entry that ended it
}

// Objective is what the room wants to reach.
type Objective struct {
	ID      int64
	Words   string
	State   string // current, met or dropped
	At      time.Time
	Entries []int64
}

// Request is a request for resources and what came of it.
type Request struct {
	ID           int64
	What, Unit   string
	Organisation int64
	Place        string
	NeededBy     string
	At           time.Time
	Cancelled    bool
	Ask          int64 // its entry
	Quantity     float64
	Commitments  []Commitment
	Entries      []int64
}

// Commitment is what one agency answered to a request.
type Commitment struct {
	ID           int64
	Organisation int64
	With         string
	Quantity     float64
	State        string // declined, committed, arrived, released or withdrawn
	ETA          string
	At           time.Time
	Commit       int64 // the entry of the commitment, Arrive that of the arrival, Release that of the release
	Arrive       int64
	Arrived      float64 // as the entry of the arrival says: a figure is the sum of its own entries, never of others
	Release      int64
	Released     float64
	Withdraw     int64
}

// Task is a task of the case.
type Task struct {
	ID           int64
	Words        lifecycle.Text
	Organisation int64
	State        string // open, acknowledged, done or withdrawn
	At           time.Time
	Entries      []int64
}

// Replay gives the state after the entries.
func Replay(entries []respond.Entry) State {
	var s State
	for i := range entries {
		s.apply(&entries[i])
	}
	return s
}

func (s *State) apply(e *respond.Entry) {
	switch e.Kind {
	case KindPresence:
		s.presence(e)
	case KindMark:
		s.mark(e)
	case KindDecision:
		s.decide(e)
	case KindObjective:
		s.objective(e)
	case KindResource:
		s.resource(e)
	case "task":
		s.task(e)
	}
}

func (s *State) presence(e *respond.Entry) {
	org, post := number(e, "organisation"), word(e, "post")
	here := slices.IndexFunc(s.Seats, func(x Seat) bool { return x.Organisation == org && x.Post == post && x.Left.IsZero() })
	switch word(e, "step") {
	case "join":
		if here < 0 {
			s.Seats = append(s.Seats, Seat{Organisation: org, Post: post, Joined: e.At, Entries: []int64{e.ID}})
		}
	case "leave":
		if here >= 0 {
			s.Seats[here].Left = e.At
			s.Seats[here].Entries = append(s.Seats[here].Entries, e.ID)
		}
	}
}

func (s *State) mark(e *respond.Entry) {
	id := number(e, "mark")
	i := slices.IndexFunc(s.Marks, func(m Mark) bool { return m.ID == id })
	switch word(e, "step") {
	case "place":
		s.Marks = append(s.Marks, Mark{
			ID: id, Kind: word(e, "kind"), Label: word(e, "label"), Organisation: e.By(), Shape: object(e, "shape"), At: e.At, Entries: []int64{e.ID},
		})
	case "move":
		if i >= 0 {
			m := &s.Marks[i]
			m.Shape, m.Label, m.Entries = object(e, "shape"), word(e, "label"), append(m.Entries, e.ID)
		}
	case "lift":
		if i >= 0 {
			s.Marks = slices.Delete(s.Marks, i, i+1)
		}
	}
}

func (s *State) decide(e *respond.Entry) {
	d := Decision{
		ID: number(e, "decision"), What: e.Free, Why: word(e, "why"), Organisation: e.By(), Post: word(e, "post"), From: word(e, "from"),
		At: e.At, Entry: e.ID, Superseding: number(e, "supersedes"),
	}
	d.Facts, _ = e.Data["facts"].([]any)
	if d.Superseding != 0 {
		if i := slices.IndexFunc(s.Decisions, func(x Decision) bool { return x.ID == d.Superseding }); i >= 0 {
			s.Decisions[i].SupersededBy, s.Decisions[i].Until = d.ID, e.ID
		}
	}
	s.Decisions = append(s.Decisions, d)
}

func (s *State) objective(e *respond.Entry) {
	id := number(e, "objective")
	i := slices.IndexFunc(s.Objectives, func(o Objective) bool { return o.ID == id })
	switch step := word(e, "step"); step {
	case "set":
		s.Objectives = append(s.Objectives, Objective{ID: id, Words: e.Free, State: "current", At: e.At, Entries: []int64{e.ID}})
	case "met", "dropped":
		if i >= 0 {
			s.Objectives[i].State, s.Objectives[i].Entries = step, append(s.Objectives[i].Entries, e.ID)
		}
	}
}

func (s *State) resource(e *respond.Entry) {
	id := number(e, "request")
	if word(e, "step") == "ask" {
		s.Requests = append(s.Requests, Request{
			ID: id, What: e.Free, Unit: word(e, "unit"), Organisation: e.By(), Place: word(e, "place"), NeededBy: word(e, "needed_by"),
			At: e.At, Ask: e.ID, Quantity: amount(e, "quantity"), Entries: []int64{e.ID},
		})
		return
	}
	i := slices.IndexFunc(s.Requests, func(r Request) bool { return r.ID == id })
	if i < 0 {
		return
	}
	r := &s.Requests[i]
	r.Entries = append(r.Entries, e.ID)
	commitment := number(e, "commitment")
	j := slices.IndexFunc(r.Commitments, func(c Commitment) bool { return c.ID == commitment })
	switch step := word(e, "step"); step {
	case "cancel":
		r.Cancelled = true
	case "commit", "decline":
		c := Commitment{
			ID: commitment, Organisation: e.By(), With: word(e, "with"), Quantity: amount(e, "quantity"), State: "committed", ETA: word(e, "eta"),
			At: e.At, Commit: e.ID,
		}
		if step == "decline" {
			c.State = "declined"
		}
		r.Commitments = append(r.Commitments, c)
	case "arrive":
		if j >= 0 {
			c := &r.Commitments[j]
			c.State, c.Arrive, c.Arrived = "arrived", e.ID, amount(e, "quantity")
		}
	case "release":
		if j >= 0 {
			c := &r.Commitments[j]
			c.State, c.Release, c.Released = "released", e.ID, amount(e, "quantity")
		}
	case "withdraw":
		if j >= 0 {
			r.Commitments[j].State, r.Commitments[j].Withdraw = "withdrawn", e.ID
		}
	}
}

func (s *State) task(e *respond.Entry) {
	id := number(e, "task")
	state := word(e, "state")
	if i := slices.IndexFunc(s.Tasks, func(t Task) bool { return t.ID == id }); i >= 0 {
		s.Tasks[i].Entries = append(s.Tasks[i].Entries, e.ID)
		if state != "" {
			s.Tasks[i].State = state
		}
		return
	}
	if state == "open" {
		s.Tasks = append(s.Tasks, Task{ID: id, Words: e.Words(), Organisation: number(e, "organisation"), State: state, At: e.At, Entries: []int64{e.ID}})
	}
}

// Figures are the sums of a request, each with the entries that it adds up.
func (r *Request) figures() (asked, committed, arrived, released Figure) {
	asked = Figure{Name: "asked", Value: r.Quantity, Rule: SumQuantity, Entries: []int64{r.Ask}}
	committed = Figure{Name: "committed", Rule: SumQuantity}
	arrived = Figure{Name: "arrived", Rule: SumQuantity}
	released = Figure{Name: "released", Rule: SumQuantity}
	for _, c := range r.Commitments {
		switch c.State {
		case "withdrawn", "declined":
			continue
		}
		committed.add(c.Quantity, c.Commit)
		if c.Arrive != 0 {
			arrived.add(c.Arrived, c.Arrive)
		}
		if c.Release != 0 {
			released.add(c.Released, c.Release)
		}
	}
	return asked, committed, arrived, released
}

func (f *Figure) add(quantity float64, entry int64) {
	f.Value += quantity
	f.Entries = append(f.Entries, entry)
}

// --- what entries hold. Data comes from JSON, so every number is a double.

func number(e *respond.Entry, name string) int64 { return int64(amount(e, name)) }

func amount(e *respond.Entry, name string) float64 {
	switch n := e.Data[name].(type) {
	case float64:
		return n
	case int64:
		return float64(n)
	case int:
		return float64(n)
	}
	return 0
}

func word(e *respond.Entry, name string) string {
	s, _ := e.Data[name].(string)
	return s
}

func object(e *respond.Entry, name string) map[string]any {
	m, _ := e.Data[name].(map[string]any)
	return m
}

func flag(e *respond.Entry, name string) bool {
	b, _ := e.Data[name].(bool)
	return b
}
