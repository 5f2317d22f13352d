package respond

import (
	"slices"
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
	// Post is the owner's post that has the case. Desk is the organisation that runs it: it gives the work out, checks it and
	// ends it; 0 is the city's own watch. Parties are the others in it.
	Post    string
	Desk    int64
	Parties []Party
	// Private cases are for their parties alone.
	Private bool
	// Parent is the case that this was split from, MergedInto the one that goes on in its place.
	Parent, MergedInto int64
	// Category is the report's, Listed the level at which its supervision is listed (挂牌督办); empty where there is none.
	Category, Listed string
	// Reopened counts how often it was closed and opened again.
	Reopened int64
	// Datastreams are those whose readings opened the case.
	Datastreams []int64
	OpenedAt    time.Time
	DueAt       time.Time // zero: nothing is due
	ClosedAt    time.Time // zero: open
	Outcome     string    // "" while open, then proven or unfounded
}

// Party is an organisation that takes part in a case beside its owner and its desk.
type Party struct {
	Organisation int64     `json:"organisation"`
	Role         string    `json:"role"` // lead, assist or invited
	By           string    `json:"by"`
	At           time.Time `json:"at"`
}

func (c *Case) resource() access.Resource {
	r := access.Resource{Type: "case", ID: c.ID, Organisation: c.Owner, Area: c.Area, Private: c.Private}
	if c.Private || c.Desk != 0 {
		r.Parties = append(r.Parties, c.Desk)
	}
	if c.Private {
		r.Parties = append(r.Parties, c.Owner)
	}
	for _, p := range c.Parties {
		r.Parties = append(r.Parties, p.Organisation)
	}
	return r
}

// TakesPart says whether an organisation has, runs or takes part in the case; 0 is the city itself.
func (c *Case) TakesPart(organisation int64) bool { return c.takesPart(organisation) }

// takesPart says whether an organisation has, runs or takes part in the case.
func (c *Case) takesPart(organisation int64) bool {
	return organisation == c.Owner || organisation == c.Desk ||
		slices.ContainsFunc(c.Parties, func(p Party) bool { return p.Organisation == organisation })
}

// Entry is one line of a case's timeline. Text of the program stands in both languages, text of a person in Free.
type Entry struct {
	ID    int64
	At    time.Time
	Actor access.Actor // Kind, ID and Name only
	// Kind is alert, finding, report, move, ask, note, evidence, task, party, part, merged or overdue.
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
	// AcknowledgedAt is when somebody of the team took it on, AcknowledgedBy who; zero: nobody has.
	AcknowledgedAt time.Time
	AcknowledgedBy string
	DoneAt         time.Time // zero: not done
	// Origin is what gave it, where that was not the case itself: "plan:7", "instruction:3", "lesson:2".
	Origin string
	// Answer is what was said when it was done.
	Answer string
}
