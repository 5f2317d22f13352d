package events

import "time"

// CaseOpened says that work with an owner and an end has begun. Of Alert, Finding and Report at most one is not 0: what
// the case was opened for. Its title stays in its room: it may be a person's words.
type CaseOpened struct {
	Case    int64       `json:"case"`
	Kind    string      `json:"kind"` // "gas-leak"
	State   string      `json:"state"`
	Level   string      `json:"level,omitempty"` // the alert's: red, orange, yellow, blue
	Alert   int64       `json:"alert,omitempty"`
	Finding int64       `json:"finding,omitempty"`
	Report  int64       `json:"report,omitempty"`
	Asset   int64       `json:"asset,omitempty"`
	Place   int64       `json:"place,omitempty"`
	Area    int64       `json:"area,omitempty"`
	Owner   int64       `json:"owner,omitempty"`   // organisation
	Parties []int64     `json:"parties,omitempty"` // the other organisations in it: its news is theirs too
	Point   *[2]float64 `json:"point,omitempty"`   // longitude, latitude
	DueAt   *time.Time  `json:"due_at,omitempty"`
	At      time.Time   `json:"at"`
}

// Subject is the event's name.
func (CaseOpened) Subject() string { return "case.opened" }

// CaseMoved says that a person has taken a case from one state to the next.
type CaseMoved struct {
	Case    int64      `json:"case"`
	Kind    string     `json:"kind"`
	Move    string     `json:"move"`
	From    string     `json:"from"`
	To      string     `json:"to"`
	By      int64      `json:"by"` // account
	Area    int64      `json:"area,omitempty"`
	Owner   int64      `json:"owner,omitempty"`
	Parties []int64    `json:"parties,omitempty"` // the other organisations in it: its news is theirs too
	DueAt   *time.Time `json:"due_at,omitempty"`
	At      time.Time  `json:"at"`
}

// Subject is the event's name.
func (CaseMoved) Subject() string { return "case.moved" }

// CaseChanged says that something was added to a case without a move: a note, evidence, a task given or done, or news of
// its alert. What it is, the room tells.
type CaseChanged struct {
	Case  int64  `json:"case"`
	What  string `json:"what"` // note, evidence, task or alert
	Area  int64  `json:"area,omitempty"`
	Owner int64  `json:"owner,omitempty"`
	// Parties are the other organisations in the case; its news is theirs too.
	Parties []int64   `json:"parties,omitempty"`
	At      time.Time `json:"at"`
}

// Subject is the event's name.
func (CaseChanged) Subject() string { return "case.changed" }

// CaseClosed says how a case ended, so that the report, the finding and the detector that asked for it learn the verified
// outcome: "proven" (there was something, and it is mended, with evidence) or "unfounded".
type CaseClosed struct {
	Case    int64     `json:"case"`
	Kind    string    `json:"kind"`
	State   string    `json:"state"`
	Outcome string    `json:"outcome"`
	Alert   int64     `json:"alert,omitempty"`
	Finding int64     `json:"finding,omitempty"`
	Report  int64     `json:"report,omitempty"`
	Asset   int64     `json:"asset,omitempty"`
	Area    int64     `json:"area,omitempty"`
	Owner   int64     `json:"owner,omitempty"`
	Parties []int64   `json:"parties,omitempty"` // the other organisations in it: its news is theirs too
	At      time.Time `json:"at"`
}

// Subject is the event's name.
func (CaseClosed) Subject() string { return "case.closed" }

// CaseOverdue says that a case has stood in a state, or one of its tasks has stayed open, for longer than it may. It comes
// once per deadline.
type CaseOverdue struct {
	Case  int64  `json:"case"`
	Kind  string `json:"kind"`
	State string `json:"state"`
	Task  int64  `json:"task,omitempty"` // 0: the case itself
	// Limit is the limit's name: "state", "limit:closing", "task:7", "ask:3". Organisation and Post had to keep it.
	Limit        string `json:"limit"`
	Organisation int64  `json:"organisation,omitempty"`
	Post         string `json:"post,omitempty"`
	// Chain names the chain of notices that the case's kind wants; empty where it names none.
	Chain   string    `json:"chain,omitempty"`
	Level   string    `json:"level,omitempty"`
	Area    int64     `json:"area,omitempty"`
	Owner   int64     `json:"owner,omitempty"`
	Parties []int64   `json:"parties,omitempty"` // the other organisations in it: its news is theirs too
	DueAt   time.Time `json:"due_at"`
	At      time.Time `json:"at"`
}

// Subject is the event's name.
func (CaseOverdue) Subject() string { return "case.overdue" }

// CaseAsk says that a move was asked for that needs another person's approval, or was decided on.
type CaseAsk struct {
	Case    int64     `json:"case"`
	Ask     int64     `json:"ask"`
	Move    string    `json:"move"`
	State   string    `json:"state"` // open, granted, refused or withdrawn
	Area    int64     `json:"area,omitempty"`
	Owner   int64     `json:"owner,omitempty"`
	Parties []int64   `json:"parties,omitempty"` // the other organisations in it: its news is theirs too
	At      time.Time `json:"at"`
}

// Subject is the event's name.
func (CaseAsk) Subject() string { return "case.ask" }

// CaseReopened says that a closed case is worked on again: somebody decided so, or the same thing came again.
type CaseReopened struct {
	Case    int64     `json:"case"`
	Kind    string    `json:"kind"`
	State   string    `json:"state"`
	Alert   int64     `json:"alert,omitempty"` // the one that came again
	Area    int64     `json:"area,omitempty"`
	Owner   int64     `json:"owner,omitempty"`
	Parties []int64   `json:"parties,omitempty"` // the other organisations in it: its news is theirs too
	At      time.Time `json:"at"`
}

// Subject is the event's name.
func (CaseReopened) Subject() string { return "case.reopened" }
