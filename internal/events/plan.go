package events

import "time"

// Plan is what every event about an emergency plan says. Reasons and words stay in their room.
type Plan struct {
	Plan  string    `json:"plan"`  // "flood"
	Pack  string    `json:"pack"`  // "flood"
	Level string    `json:"level"` // I, II, III or IV: proposed, or in force now; of an ended response the last one
	Drill bool      `json:"drill,omitempty"`
	Area  int64     `json:"area,omitempty"`
	At    time.Time `json:"at"`
}

// PlanProposed says that the program proposes to a person to open a response level, to raise or lower it, or to end the
// response; or that it does so no longer.
type PlanProposed struct {
	Plan
	Proposal   int64  `json:"proposal"`
	What       string `json:"what"`                 // open, raise, lower or end
	State      string `json:"state"`                // open, taken, declined or lapsed
	Activation int64  `json:"activation,omitempty"` // what is to be raised, lowered or ended
}

// Subject is the event's name.
func (PlanProposed) Subject() string { return "plan.proposed" }

// PlanOpened says that an official has opened a response level, and that its tasks are out.
type PlanOpened struct {
	Plan
	Activation int64 `json:"activation"`
	Case       int64 `json:"case"`
	By         int64 `json:"by"` // account
	Tasks      int   `json:"tasks"`
	Gaps       int   `json:"gaps,omitempty"` // agencies that the register does not know
}

// Subject is the event's name.
func (PlanOpened) Subject() string { return "plan.opened" }

// PlanChanged says that an official has raised or lowered the level of a response.
type PlanChanged struct {
	Plan
	Activation int64  `json:"activation"`
	Case       int64  `json:"case"`
	From       string `json:"from"`
	By         int64  `json:"by"` // account
	Given      int    `json:"given"`
	Withdrawn  int    `json:"withdrawn"`
}

// Subject is the event's name.
func (PlanChanged) Subject() string { return "plan.changed" }

// PlanEnded says that an official has ended a response.
type PlanEnded struct {
	Plan
	Activation int64 `json:"activation"`
	Case       int64 `json:"case"`
	By         int64 `json:"by"` // account
}

// Subject is the event's name.
func (PlanEnded) Subject() string { return "plan.ended" }

// PlanAdvised says that there is new advice of a model on a response's board, or that a person has taken or declined one.
type PlanAdvised struct {
	Plan
	Activation int64  `json:"activation"`
	Advice     int64  `json:"advice"`
	State      string `json:"state"` // open, taken, declined or lapsed
}

// Subject is the event's name.
func (PlanAdvised) Subject() string { return "plan.advised" }
