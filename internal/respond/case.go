package respond

import (
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Case is work that has an owner, a deadline and an end. Ids are 0 where there is none.
type Case struct {
	ID int64
	// Kind names the life cycle, Definition is the hash of the very version that this case lives by.
	Kind       string
	Definition string
	// Title is the first words of a person; empty where the case is called after its asset.
	Title string
	State string
	Since time.Time
	// Generation counts the moves.
	Generation int64
	Level      string
	Fields     map[string]any
	// What the case was opened for: at most one of the three.
	Alert   int64
	Finding int64
	Report  int64
	inspect.Spot
	// Datastreams are those whose readings opened the case.
	Datastreams []int64
	OpenedAt    time.Time
	DueAt       time.Time // zero: nothing is due
	ClosedAt    time.Time // zero: open
	Outcome     string    // "" while open, then proven or unfounded
}

func (c *Case) resource() access.Resource {
	return access.Resource{Type: "case", ID: c.ID, Organisation: c.Owner, Area: c.Area}
}

// Entry is one line of a case's timeline. Text of the program stands in both languages, text of a person in Free.
type Entry struct {
	ID    int64
	At    time.Time
	Actor access.Actor // Kind, ID and Name only
	// Kind is alert, finding, move, note, evidence, task or overdue.
	Kind string
	Move string
	Text lifecycle.Text
	Free string
	Data map[string]any
	// Event is the id of the event that the entry tells of; 0 where it tells of none.
	Event int64
}

// Attachment is a piece of evidence as the store keeps it.
type Attachment struct {
	lifecycle.Evidence
	By   string
	ByID int64
	Text string
	// Blob is the SHA-256 of the file, empty where there is none; Media its type.
	Blob  string
	Media string
}

// Task is one step of a case, for one team. Words of a pack stand in Text, words of a person in Free.
type Task struct {
	ID           int64
	Case         int64
	Text         lifecycle.Text
	Free         string
	Organisation int64
	Post         string
	State        string // open, done or withdrawn
	OpenedAt     time.Time
	DueAt        time.Time // zero: no limit
	DoneAt       time.Time // zero: not done
}

// timerOwner is whose the timers of cases are.
const timerOwner = "case"

// stateTimer is the name of the timer that belongs to the state a case is in. A task's is "task:" and its id.
const stateTimer = "state"
