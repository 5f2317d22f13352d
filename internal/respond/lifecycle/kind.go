package lifecycle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Text is a wording in both languages of the console.
type Text struct {
	En string `json:"en"`
	Zh string `json:"zh-CN"`
}

// Words are a text in English and Chinese.
func Words(en, zh string) Text { return Text{En: en, Zh: zh} }

// Kind is the life cycle of one kind of case, as a pack's cases.yaml states it. It is data: a case keeps the Kind that it
// was opened with, whatever the pack says later.
type Kind struct {
	// ID is unique among all packs: "gas-leak".
	ID    string `json:"id"`
	Title Text   `json:"title"`
	// OpenedBy says what news opens a case of this kind: alert, finding or person.
	OpenedBy string `json:"opened_by"`
	// States in reading order; a case begins in the first.
	States []State `json:"states"`
	// Moves in the order in which the console offers them.
	Moves []Move `json:"moves"`
	// Pack is the pack that it stands in.
	Pack string `json:"pack"`
}

// State is where a case can stand.
type State struct {
	ID    string `json:"id"`
	Title Text   `json:"title"`
	// Due is how long a case may stand here before it is overdue; 0 means no limit.
	Due time.Duration `json:"due,omitempty"`
	// DueBy names the form field that holds the moment by which the case must have moved on.
	DueBy string `json:"due_by,omitempty"`
	// End makes this the last state: "proven" (mended, with evidence) or "unfounded" (there was nothing to mend).
	End string `json:"end,omitempty"`
}

// Move takes a case from one state to another.
type Move struct {
	ID    string   `json:"id"`
	Title Text     `json:"title"`
	From  []string `json:"from"`
	To    string   `json:"to"`
	// Who lists the roles that may make it.
	Who []string `json:"who"`
	// ByOtherThan lists moves; whoever has made one of them in this case, at any time, cannot make this one.
	ByOtherThan []string `json:"by_other_than,omitempty"`
	// Requires lists what must be filled in or attached.
	Requires []Requirement `json:"requires,omitempty"`
	Guard    *Guard        `json:"guard,omitempty"`
	// Opens lists the tasks that come into being with the move.
	Opens []TaskTemplate `json:"opens,omitempty"`
}

// Requirement is either a form field that the move fills in or evidence that must be attached to the case before it.
// Evidence counts only if it is newer than the moment the case came into its present state: the photo of a repair that
// failed does not prove the next one.
type Requirement struct {
	// Field is the name under which the answer is kept with the case; Kind is text, number, time or choice.
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

// Guard is a condition in CEL over `fields` (what the case's forms hold, with the answers of this move), `case` (state,
// level, open_tasks, opened_at) and `now`. Because tells a person why it does not hold.
type Guard struct {
	When    string `json:"when"`
	Because Text   `json:"because"`
}

// TaskTemplate is a task that a move opens, for a post of the organisation that owns the case.
type TaskTemplate struct {
	Title Text          `json:"title"`
	Post  string        `json:"post,omitempty"`
	Due   time.Duration `json:"due,omitempty"`
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
