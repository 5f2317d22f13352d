package partner

import (
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// Message is one message as it was received.
type Message struct {
	ID         int64           `json:"id"`
	Partner    int64           `json:"partner"`
	Sender     string          `json:"sender" doc:"as the message says; empty where it could not be read"`
	Identifier string          `json:"identifier"`
	Sent       time.Time       `json:"sent"`
	MsgType    string          `json:"msg_type" doc:"Alert, Update, Cancel, Ack or Error"`
	Status     string          `json:"status" doc:"Actual, Exercise, System, Test or Draft; only Actual is ever shown to the public"`
	Scope      string          `json:"scope"`
	Verdict    cap.Verdict     `json:"verdict" enum:"accept,warn,reject" doc:"reject: kept with its reasons and never in force"`
	Problems   []Problem       `json:"problems"`
	SignedBy   string          `json:"signed_by,omitempty" doc:"whose pinned key its signature verified against"`
	ReceivedAt time.Time       `json:"received_at"`
	Hazard     string          `json:"hazard,omitempty" doc:"as the city calls it; empty where it has no word for it"`
	Level      string          `json:"level,omitempty" doc:"red, orange, yellow or blue; empty where it states none"`
	Texts      map[string]Text `json:"texts" doc:"by language, in the issuer's words"`
	Places     []Place         `json:"places"`
	Placement  string          `json:"placement" enum:"placed,city,unplaced,elsewhere" doc:"city: its partner speaks of this city alone; unplaced: it can't be told whether it concerns the city, so it is not in force"`
	Speaks     bool            `json:"-"`
	Clears     bool            `json:"-"`
	Onset      time.Time       `json:"onset"`
	Expires    time.Time       `json:"expires"`
	ReplacedBy int64           `json:"replaced_by,omitempty" doc:"the message that ended it"`
	EndedAt    *time.Time      `json:"ended_at"`
	EndKind    string          `json:"end_kind,omitempty" doc:"update, cancel, all-clear, expired, removed (with its partner) or distrusted"`
	UnlistedAt *time.Time      `json:"unlisted_at" doc:"since when the partner's feed has no longer listed it; it stays in force until it expires"`
	// Force says it by the clock.
	Force bool `json:"in_force" doc:"whether it is in force now, for officers; for the public only if it is also Actual and Public"`

	// concerns are the areas whose people may read it where it isn't for all: the smallest that it touches, or touched before it was
	// judged again, and those of the messages that it ended, so that who read the beginning reads the end.
	concerns []int64

	thread int64 // under which other rooms know it, 0 none
	told   int   // untold, toldStanding, toldEnded
}

const (
	untold = iota
	toldStanding
	toldEnded
)

// Problem is what is wrong with a message.
type Problem struct {
	Grade   string `json:"grade" enum:"note,doubt,wrong"`
	Rule    string `json:"rule"`
	Path    string `json:"path,omitempty"`
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
}

func problemsOf(ps []cap.Problem) []Problem {
	out := []Problem{}
	for _, p := range ps {
		if len(out) == 100 { // one document can have thousands, and nobody reads them
			break
		}
		out = append(out, Problem{Grade: p.Grade.String(), Rule: p.Rule, Path: cut(p.Path, 200), Line: p.Line, Message: cut(p.Message, 500)})
	}
	return out
}

// inForce says whether it is in force at a time, whatever its status and scope.
func (m *Message) inForce(now time.Time) bool {
	return m.Verdict != cap.Reject && m.Speaks && (m.Placement == placed || m.Placement == wholeCity) && m.EndedAt == nil && m.Expires.After(now)
}

// tellable says whether other rooms may be told of it: as real, or as the exercise that it is.
func (m *Message) tellable() bool { return m.Status == cap.Actual || m.Status == cap.Exercise }

func (m *Message) heard() *heard {
	return &heard{id: m.ID, sender: m.Sender, identifier: m.Identifier, sent: m.Sent, msgType: m.MsgType, status: m.Status, clears: m.Clears, expires: m.Expires}
}

// end writes how it ended, and says whether that has changed.
func (m *Message) end(e ending) (changed bool) {
	if e.by == m.ReplacedBy && e.kind == m.EndKind {
		return false
	}
	at := e.at
	m.ReplacedBy, m.EndedAt, m.EndKind = e.by, &at, e.kind
	return true
}

// join adds to the areas that it concerns, and says whether they have grown.
func (m *Message) join(areas []int64) (grown bool) {
	for _, id := range areas {
		if !slices.Contains(m.concerns, id) {
			m.concerns, grown = append(m.concerns, id), true
		}
	}
	return grown
}

// touches are the areas of the register that it touches.
func (m *Message) touches() []int64 {
	out, seen := []int64{}, map[int64]bool{}
	for _, p := range m.Places {
		for _, id := range p.Touches {
			if !seen[id] {
				seen[id] = true
				out = append(out, id)
			}
		}
	}
	return out
}

// Relayed is another service's warning that is in force for the public.
type Relayed struct {
	ID        int64
	Partner   int64
	Title     page.Text // the partner's name
	Service   string    // weather, marine, seismology or other
	Hazard    string    // empty where the city has no word for it
	Level     string    // empty where it states none
	Texts     map[string]Text
	Places    []Place
	WholeCity bool // it holds for the city as a whole, though it names no place on the map
	Sent      time.Time
	Onset     time.Time
	Expires   time.Time
	// UnlistedAt is since when the partner's feed has no longer listed it, nil while it does.
	UnlistedAt *time.Time
}

// Touches are the areas of the register in which it holds.
func (r *Relayed) Touches() []int64 { return (&Message{Places: r.Places}).touches() }
