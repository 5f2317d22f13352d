package lifecycle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"cel.dev/cel-go/cel"
)

// Text is a wording in both languages of the console.
type Text struct {
	En string `json:"en"`
	Zh string `json:"zh-CN"`
}

// Words are a text in English and Chinese.
func Words(en, zh string) Text { return Text{En: en, Zh: zh} }

// Verbatim is what stands the same in both languages: a name that nobody has translated.
func Verbatim(s string) Text { return Words(s, s) }

// Kind is the life cycle of one kind of case, as a pack's cases.yaml states it. It is data: a case keeps the Kind that it
// was opened with, whatever the pack says later.
type Kind struct {
	// ID is unique among all packs: "gas-leak".
	ID    string `json:"id"`
	Title Text   `json:"title"`
	// OpenedBy says what opens a case of this kind: alert, finding, report, person.
	OpenedBy Openers `json:"opened_by"`
	// Calendar is the id of the calendar by which working days count; empty where none do.
	Calendar string `json:"calendar,omitempty"`
	// Private cases are for their parties alone: what people write in them stands in the vault.
	Private bool `json:"private,omitempty"`
	// Promises run across states.
	Promises []Promise `json:"limits,omitempty"`
	// Recurs says when a closed case is opened again, instead of a new one.
	Recurs *Recurrence `json:"recurs,omitempty"`
	// Owner is Assigned where nobody has a case before a move gives it to a unit; empty: who holds what it is about has it.
	Owner string `json:"owner,omitempty"`
	// Escalates names the chain of notices that begins when a limit passes.
	Escalates string `json:"escalates,omitempty"`
	// States in reading order; a case begins in the first.
	States []State `json:"states"`
	// Moves in the order in which the console offers them.
	Moves []Move `json:"moves"`
	// Pack is the pack that it stands in.
	Pack string `json:"pack"`
}

// Assigned is the word of Kind.Owner, SinceOpening that of Promise.Since.
const (
	Assigned     = "assigned"
	SinceOpening = "opening"
)

// Openers are what opens cases of a kind. One alone is written as a text.
type Openers []string

// MarshalJSON gives a text for one, and a list for several.
func (o Openers) MarshalJSON() ([]byte, error) {
	if len(o) == 1 {
		return json.Marshal(o[0])
	}
	return json.Marshal([]string(o))
}

// UnmarshalJSON reads either.
func (o *Openers) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*o = Openers{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(o))
}

// Promise is a limit that runs across states: a first answer, the closing. It begins when the case is opened, or with one of
// the moves of From, and is met by one of the moves of MetBy, or where there are none by the end.
type Promise struct {
	ID    string   `json:"id"`
	Title Text     `json:"title"`
	Due   Term     `json:"due"`
	From  []string `json:"from,omitempty"`
	MetBy []string `json:"met_by,omitempty"`
	// Since is SinceOpening where it counts from the opening, though it begins with a move; empty: from the move.
	Since string `json:"since,omitempty"`
	// With is who has to keep it: owner or desk.
	With string `json:"with,omitempty"`
}

// Again says whether the promise holds anew when a closed case is opened again: one of the closing does, a first answer was given.
func (p *Promise) Again() bool { return len(p.From) == 0 && len(p.MetBy) == 0 }

// Recurrence is how long after its proven end a case is opened again, in the state To, when the same thing is told of the same
// asset, or where there is none of the same place.
type Recurrence struct {
	Within Term   `json:"within"`
	To     string `json:"to"`
}

// State is where a case can stand.
type State struct {
	ID    string `json:"id"`
	Title Text   `json:"title"`
	// Due is how long a case may stand here before it is overdue; zero means no limit.
	Due Term `json:"due,omitzero"`
	// DueBy names the form field that holds the moment by which the case must have moved on.
	DueBy string `json:"due_by,omitempty"`
	// End makes this the last state: "proven" (mended, with evidence), "unfounded" (there was nothing to mend), "merged"
	// (another case goes on in its place) or "closed" (it ended with a reason, which proves nothing).
	End string `json:"end,omitempty"`
	// With is who is on the clock here: "owner", also where it is empty, or "desk". Post is its post.
	With string `json:"with,omitempty"`
	Post string `json:"post,omitempty"`
	// Escalates is as the kind's, for this state.
	Escalates string `json:"escalates,omitempty"`
}

// What a move may do beside leading to another state.
const (
	Extend   = "extend"   // sets a limit later
	Transfer = "transfer" // gives the case to another owner
	Return   = "return"   // gives it back to the owner before
	List     = "list"     // lists its supervision (挂牌督办)
	Delist   = "delist"   // ends the listing (摘牌)
	Merge    = "merge"    // has another case go on in its place
	Split    = "split"    // opens a part for each of several organisations
	Reopen   = "reopen"   // opens a closed case again
)

// Effects are all of them.
var Effects = []string{Extend, Transfer, Return, List, Delist, Merge, Split, Reopen}

// Move takes a case from one state to another, or does something else to it and leaves it where it is (To is empty then).
type Move struct {
	ID    string   `json:"id"`
	Title Text     `json:"title"`
	From  []string `json:"from"`
	To    string   `json:"to,omitempty"`
	// Who lists the roles that may make it.
	Who []string `json:"who"`
	// Side says of which organisation who makes it must be: owner, desk, either of the two, or of any where it is empty.
	Side string `json:"side,omitempty"`
	// ByOtherThan lists moves; whoever has made one of them in this case, at any time, cannot make this one.
	ByOtherThan []string `json:"by_other_than,omitempty"`
	// Requires lists what must be filled in or attached.
	Requires []Requirement `json:"requires,omitempty"`
	Guard    *Guard        `json:"guard,omitempty"`
	// Opens lists the tasks that come into being with the move.
	Opens []TaskTemplate `json:"opens,omitempty"`
	// Does is one of Effects, or empty.
	Does string `json:"does,omitempty"`
	// Of is the promise that an extension is of; empty for the limit of the present state. Before is how long before that
	// limit it must be asked for at the latest, Most how far beyond it may reach, Times how often.
	Of     string `json:"of,omitempty"`
	Before Term   `json:"before,omitzero"`
	Most   Term   `json:"most,omitzero"`
	Times  int    `json:"times,omitempty"`
	// Parts is the state in which the parts of a split begin; empty for the first.
	Parts string `json:"parts,omitempty"`
	// Approval has the move take effect only once another person grants it.
	Approval *Approval `json:"approval,omitempty"`
}

// Approval is who decides on a move that was asked for, and within what time.
type Approval struct {
	Who    []string `json:"who"`
	Side   string   `json:"side,omitempty"`
	Within Term     `json:"within,omitzero"`
}

// Requirement is either a form field that the move fills in or evidence that must be attached to the case before it.
// Evidence counts only if it is newer than the moment the case came into its present state: the photo of a repair that
// failed does not prove the next one.
type Requirement struct {
	// Field is the name under which the answer is kept with the case; Kind is text, number, time, choice, organisation,
	// organisations, post or case.
	Field string `json:"field,omitempty"`
	Kind  string `json:"kind,omitempty"`
	// Options of a choice.
	Options []Option `json:"options,omitempty"`
	// Evidence is photo, form, note or reading.
	Evidence string `json:"evidence,omitempty"`
	// Below and Above give, for a reading, the limit of each property that may serve, by the property's full id.
	Below map[string]Limit `json:"below,omitempty"`
	Above map[string]Limit `json:"above,omitempty"`
	Title Text             `json:"title"`
}

// Option is one answer of a choice.
type Option struct {
	ID    string `json:"id"`
	Title Text   `json:"title"`
}

// Guard is a condition in CEL over `fields` (what the case's forms hold, with the answers of this move), `case` (state, level,
// owner, desk, open_tasks, opened_at, listed, open_parts, extensions, returns, reopened, overdue, parent, is_part) and `now`.
// Because tells a person why it does not hold.
type Guard struct {
	When    string `json:"when"`
	Because Text   `json:"because"`

	once    sync.Once // compiles it
	program cel.Program
	err     error
}

// TaskTemplate is a task that a move opens, for a post of the organisation that owns the case.
type TaskTemplate struct {
	Title Text   `json:"title"`
	Post  string `json:"post,omitempty"`
	Due   Term   `json:"due,omitzero"`
}

// Limit is a number with its unit.
type Limit struct {
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

// EvidenceKinds are the kinds of evidence that can be attached.
var EvidenceKinds = []string{"photo", "form", "note", "reading"}

// Hash is the content address of a definition: equal meaning, equal hash.
func (k *Kind) Hash() (hash string, body []byte, err error) {
	body, err = json.Marshal(k)
	if err != nil {
		return "", nil, fmt.Errorf("encode case kind %s: %w", k.ID, err)
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]), body, nil
}

// Decode is the definition of a body that Hash gave.
func Decode(body []byte) (*Kind, error) {
	k := &Kind{}
	return k, json.Unmarshal(body, k)
}

// Promise returns the promise of that name, or nil.
func (k *Kind) Promise(id string) *Promise {
	if i := slices.IndexFunc(k.Promises, func(p Promise) bool { return p.ID == id }); i >= 0 {
		return &k.Promises[i]
	}
	return nil
}

// Listing is what people call a level at which supervision is listed; nil where no move lists at it.
func (k *Kind) Listing(level string) *Text {
	for i := range k.Moves {
		if m := &k.Moves[i]; m.Does == List {
			for j := range m.ask("choice").Options {
				if o := &m.ask("choice").Options[j]; o.ID == level {
					return &o.Title
				}
			}
		}
	}
	return nil
}

// Chain names the chain of notices that begins when a limit passes in a state.
func (k *Kind) Chain(state string) string {
	if s := k.State(state); s != nil && s.Escalates != "" {
		return s.Escalates
	}
	return k.Escalates
}

// Parted says whether some move is the desk's alone: then who has the case must not run it too.
func (k *Kind) Parted() bool {
	return slices.ContainsFunc(k.Moves, func(m Move) bool { return m.Side == "desk" })
}

// Start is the state in which a case begins.
func (k *Kind) Start() *State { return &k.States[0] }

// State returns the state of that name, or nil.
func (k *Kind) State(id string) *State {
	if i := slices.IndexFunc(k.States, func(s State) bool { return s.ID == id }); i >= 0 {
		return &k.States[i]
	}
	return nil
}

// Move returns the move of that name, or nil.
func (k *Kind) Move(id string) *Move {
	if i := slices.IndexFunc(k.Moves, func(m Move) bool { return m.ID == id }); i >= 0 {
		return &k.Moves[i]
	}
	return nil
}
