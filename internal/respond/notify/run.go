package notify

import (
	"time"

	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// What a run can be about, beside the words of other rooms.
const (
	AboutAlert = "alert"
	AboutTask  = "task"
	AboutCase  = "case"

	AboutWarning    = "warning" // one that was proposed; Name is the version
	AboutSuggestion = "warning-suggestion"
)

// The states of a run; doc.go says what they mean.
const (
	Held         = "held"
	Running      = "running"
	Spent        = "spent"
	Acknowledged = "acknowledged"
	Over         = "over"
)

// Run is a chain that runs, or ran, about something.
type Run struct {
	ID         int64
	Chain      string
	Definition string // hash
	About      string
	AboutID    int64
	// Name parts several runs about one thing: the limit of a case that has passed, "overdue" of a task, "owner", the
	// version of a warning.
	Name     string
	Occasion int64 // the last event that began it, or changed its level
	Case     int64 // 0: none
	Title    lifecycle.Text
	Level    string
	// Owner has to act, by its post; Desk runs it.
	Owner int64
	Post  string
	Desk  int64
	Spot  inspect.Spot // asset, place and area only
	// StateID and Since are where a case stood that was overdue.
	StateID string
	Since   time.Time
	HeldBy  int64 // alert

	State      string
	Ready      bool
	place      place
	link       int // of links, told last; -1: none
	Generation int64
	BegunAt    time.Time
	EndedAt    time.Time // zero: not yet
	EndedBy    string
}

const (
	// nameOverdue parts the run about a task that is late from the one about a task that nobody has taken on.
	nameOverdue = "overdue"
	// nameOwner is that of a run about a case without an owner.
	nameOwner = "owner"
)

// target is a post that is told.
type target struct {
	Organisation int64
	Post         string
}

// Notice is what a post was told.
type Notice struct {
	ID int64
	// Run is the chain that told it; Over says that it tells of the end.
	Run  int64
	Over bool
	// Organisation 0 is the city's own watch, an empty post all of them.
	Organisation   int64
	Post           string
	About          string
	AboutID        int64
	Case           int64
	Level          string
	Title          lifecycle.Text // what it is about
	Text           lifecycle.Text // why they are told
	Step, Round    int
	At             time.Time
	State          string    // open, acknowledged or withdrawn
	AcknowledgedAt time.Time // zero: not yet
	AcknowledgedBy string
}

// The states of a notice, beside Acknowledged.
const (
	open      = "open"
	withdrawn = "withdrawn"
)
