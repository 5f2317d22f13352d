package plan

import (
	"fmt"
	"time"

	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Activation is a response: a plan that a person has opened at some level.
type Activation struct {
	ID         int64
	Plan       string
	Definition string
	Site       string // "" where the plan is for the whole city, else such as "place:12"
	Level      string // of an ended response the last one
	State      string // active or ended
	Drill      bool
	Case       int64
	inspect.Spot
	Agencies   []Player
	Generation int64
	// Spoke is whether reasons of the program's own have justified some level during it.
	Spoke    bool
	OpenedAt time.Time
	EndedAt  time.Time // zero: active
}

// Player is who plays a part, as it was settled when the response was opened.
type Player struct {
	Agency        string  `json:"agency"`
	Organisations []int64 `json:"organisations"`
	// How is the way by which they were found, "chosen" where a person did, or "" for a gap.
	How string `json:"how,omitempty"`
}

// Change is a decision about a response. From is "" at the opening, To at the end.
type Change struct {
	At           time.Time
	From, To     string
	ByID         int64
	By           string
	Organisation int64 // of whoever decided
	Why          string
	DecidedBy    lifecycle.Text // in whose name; empty in old rows
	Proposal     int64
}

// Proposal is what the program puts before a person.
type Proposal struct {
	ID         int64
	Plan       string
	Site       string
	What       string // open, raise, lower or end
	Level      string // to open, or to raise or lower to; "" to end
	Activation int64
	State      string // open, taken, declined or lapsed
	Reasons    []Reason
	Drill      bool
	inspect.Spot
	At, ChangedAt time.Time
	DecidedAt     time.Time
	DecidedBy     string
	Why           string
}

// Given is a task that is out: which task of the plan the case's task is.
type Given struct {
	Task   int64 // of the case
	Name   string
	Agency string
	Level  string // at which it was given
}

// Advice is what a model works out for a response.
type Advice struct {
	ID         int64
	Activation int64
	Body       Advised
	State      string // open, taken, declined or lapsed
	At         time.Time
	DecidedAt  time.Time
	DecidedBy  string
	Why        string
}

// Advised are the words and figures of an advice. Agency is who would carry it out, Post its post.
type Advised struct {
	Title   lifecycle.Text `json:"title"`
	Because lifecycle.Text `json:"because"`
	Agency  string         `json:"agency"`
	Post    string         `json:"post"`
	Model   string         `json:"model"` // what worked it out, with its version
	Figures []Figure       `json:"figures"`
}

// Figure is one number of an advice.
type Figure struct {
	Title lifecycle.Text `json:"title"`
	Value float64        `json:"value"`
	Unit  string         `json:"unit"`
	// Asset is the thing that it is about; 0 where it is about none.
	Asset int64 `json:"asset,omitempty"`
}

// origin is what a response's tasks are given by.
func origin(activation int64) string { return fmt.Sprintf("plan:%d", activation) }

// siteOf is the site of something for a plan.
func (p *Plan) siteOf(s inspect.Spot, caseID int64) string {
	switch {
	case p.Per == "city":
		return ""
	case s.Place != 0:
		return fmt.Sprintf("place:%d", s.Place)
	case s.Asset != 0:
		return fmt.Sprintf("asset:%d", s.Asset)
	case caseID != 0:
		return fmt.Sprintf("case:%d", caseID)
	case s.Point != nil:
		return fmt.Sprintf("point:%.4f,%.4f", s.Point[0], s.Point[1])
	}
	return fmt.Sprintf("area:%d", s.Area)
}

// next is what the program should propose about a site, given what is in force there ("" for nothing) and the level that the
// standing reasons justify; spoke says whether they have ever justified any during the response. "" is for nothing.
func next(inForce, justified string, spoke bool) (what string) {
	switch was, is := rank(inForce), rank(justified); {
	case is > was && was == 0:
		return "open"
	case is > was:
		return "raise"
	case is == was || !spoke: // what a person opened by hand, a person ends by hand
		return ""
	case is == 0:
		return "end"
	default:
		return "lower"
	}
}
