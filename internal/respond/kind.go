package respond

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Text is a wording in both languages of the console.
type Text struct {
	En string `yaml:"en" json:"en"`
	Zh string `yaml:"zh-CN" json:"zh-CN"`
}

// Kind is the life cycle of one kind of case, as a pack's cases.yaml states it. It is data: a case keeps the Kind that it
// was opened with, whatever the pack says later.
type Kind struct {
	// ID is unique among all packs: "gas-leak".
	ID    string `yaml:"id" json:"id"`
	Title Text   `yaml:"title" json:"title"`
	// OpenedBy says what news opens a case of this kind: alert, finding or person.
	OpenedBy string `yaml:"opened_by" json:"opened_by"`
	// States in reading order; a case begins in the first.
	States []State `yaml:"states" json:"states"`
	// Moves in the order in which the console offers them.
	Moves []Move `yaml:"moves" json:"moves"`
	// Pack is the folder it came from, set by the loader. Properties are named within it.
	Pack string `yaml:"-" json:"pack,omitempty"`
}

// State is where a case can stand.
type State struct {
	ID    string `yaml:"id" json:"id"`
	Title Text   `yaml:"title" json:"title"`
	// Due is how long a case may stand here before it is overdue: 5m, 4h, 10d. Empty means no limit.
	Due Span `yaml:"due,omitempty" json:"due,omitempty"`
	// DueBy names the form field that holds the moment by which the case must have moved on.
	DueBy string `yaml:"due_by,omitempty" json:"due_by,omitempty"`
	// End makes this the last state: "proven" (mended, with evidence) or "unfounded" (there was nothing to mend).
	End string `yaml:"end,omitempty" json:"end,omitempty"`
}

// Move takes a case from one state to another.
type Move struct {
	ID    string   `yaml:"id" json:"id"`
	Title Text     `yaml:"title" json:"title"`
	From  []string `yaml:"from" json:"from"`
	To    string   `yaml:"to" json:"to"`
	// Who lists the roles that may make it.
	Who []string `yaml:"who" json:"who"`
	// ByOtherThan lists moves; whoever has made one of them in this case, at any time, cannot make this one.
	ByOtherThan []string `yaml:"by_other_than,omitempty" json:"by_other_than,omitempty"`
	// Requires lists what must be filled in or attached.
	Requires []Requirement `yaml:"requires,omitempty" json:"requires,omitempty"`
	Guard    *Guard        `yaml:"guard,omitempty" json:"guard,omitempty"`
	// Opens lists the tasks that come into being with the move.
	Opens []TaskTemplate `yaml:"opens,omitempty" json:"opens,omitempty"`
}

// Requirement is either a form field that the move fills in or evidence that must be attached to the case before it.
// Evidence counts only if it is newer than the moment the case came into its present state: the photo of a repair that
// failed does not prove the next one.
type Requirement struct {
	// Field is the name under which the answer is kept with the case; Kind is text, number, time or choice.
	Field string `yaml:"field,omitempty" json:"field,omitempty"`
	Kind  string `yaml:"kind,omitempty" json:"kind,omitempty"`
	// Options of a choice.
	Options []Option `yaml:"options,omitempty" json:"options,omitempty"`
	// Evidence is photo, form, note or reading.
	Evidence string `yaml:"evidence,omitempty" json:"evidence,omitempty"`
	// Below and Above give, for a reading, the limit of each property that may serve, with its unit: {methane: 3 %LEL}.
	Below map[string]Limit `yaml:"below,omitempty" json:"below,omitempty"`
	Above map[string]Limit `yaml:"above,omitempty" json:"above,omitempty"`
	Title Text             `yaml:"title" json:"title"`
}

// Option is one answer of a choice.
type Option struct {
	ID    string `yaml:"id" json:"id"`
	Title Text   `yaml:"title" json:"title"`
}

// Guard is a condition in CEL over `fields` (what the case's forms hold, with the answers of this move), `case` (state,
// level, open_tasks, opened_at) and `now`. Because tells a person why it does not hold.
type Guard struct {
	When    string `yaml:"when" json:"when"`
	Because Text   `yaml:"because" json:"because"`
}

// TaskTemplate is a task that a move opens, for a post of the organisation that owns the case.
type TaskTemplate struct {
	Title Text   `yaml:"title" json:"title"`
	Post  string `yaml:"post,omitempty" json:"post,omitempty"`
	Due   Span   `yaml:"due,omitempty" json:"due,omitempty"`
}

// Span is a length of time as a pack writes it: a whole number and m, h or d (minutes, hours, days of 24 hours).
type Span string

var spanShape = regexp.MustCompile(`^([1-9][0-9]{0,4})([mhd])$`)

// Duration is its length; an empty Span is 0.
func (s Span) Duration() (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	m := spanShape.FindStringSubmatch(string(s))
	if m == nil {
		return 0, fmt.Errorf("%q is no length of time; write a whole number and m, h or d: 30m, 4h, 10d", string(s))
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0, err
	}
	return time.Duration(n) * map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[m[2]], nil
}

// Limit is a number with its unit as a pack writes it: "3 %LEL". A limit without its unit is refused, since 3 ppm and
// 3 %LEL are five orders of magnitude apart in what they mean.
type Limit string

// Split returns the number and the unit.
func (l Limit) Split() (float64, string, error) {
	number, unit, ok := strings.Cut(strings.TrimSpace(string(l)), " ")
	v, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || strings.TrimSpace(unit) == "" {
		return 0, "", fmt.Errorf("%q is no limit; write a number and its unit: 3 %%LEL", string(l))
	}
	return v, strings.TrimSpace(unit), nil
}

// The closed sets of the language.
var (
	roles         = []string{"duty-officer", "inspector", "grid-worker", "operator", "analyst", "administrator"}
	fieldKinds    = []string{"text", "number", "time", "choice"}
	evidenceKinds = []string{"photo", "form", "note", "reading"}
	openers       = []string{"alert", "finding", "person"}
	ends          = []string{"proven", "unfounded"}
)

// Hash is the content address of a definition: equal meaning, equal hash.
func (k *Kind) Hash() (hash string, body []byte, err error) {
	body, err = json.Marshal(k)
	if err != nil {
		return "", nil, fmt.Errorf("encode case kind %s: %w", k.ID, err)
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]), body, nil
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

// Problem is something wrong in a definition. Path leads to it through keys (string) and list positions (int), so that
// the loader can point at line and column.
type Problem struct {
	Path    []any
	Message string
	// Offered are the words that would have been understood here, for a suggestion.
	Wrong   string
	Offered []string
}

// Check finds what is wrong with a definition beyond its form. Nothing found means that each state can be reached and can
// reach an end, and that each text exists in both languages.
func (k *Kind) Check() []Problem {
	c := checker{kind: k}
	c.run()
	return c.found
}

type checker struct {
	kind  *Kind
	found []Problem
}

func (c *checker) say(message string, path ...any) {
	c.found = append(c.found, Problem{Path: path, Message: message})
}

func (c *checker) unknown(what, word string, offered []string, path ...any) {
	c.found = append(c.found, Problem{Path: path, Message: fmt.Sprintf("unknown %s %q", what, word), Wrong: word, Offered: offered})
}

func (c *checker) text(t Text, what string, path ...any) {
	switch {
	case t == Text{}:
		c.say(what+" has no title; write title: {en: ..., zh-CN: ...}", path...)
	case strings.TrimSpace(t.En) == "":
		c.say(what+" has no English title", path...)
	case strings.TrimSpace(t.Zh) == "":
		c.say(what+" has no Chinese title (zh-CN)", path...)
	}
}

var (
	idShape    = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	fieldShape = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	// personal are field names that would make a case a file on a person (design §2, guard 1).
	personal = regexp.MustCompile(`(^|_)(phone|mobile|id_number|id_card|identity|passport|plate|license_plate|imsi|imei|mac|face|resident|tenant|caller|household)(_|$)`)
)

func (c *checker) run() {
	k := c.kind
	if !idShape.MatchString(k.ID) {
		c.say("a case kind needs an id of lower-case letters, digits and hyphens", "id")
	}
	c.text(k.Title, "case kind "+k.ID, "title")
	if !slices.Contains(openers, k.OpenedBy) {
		c.unknown("opener", k.OpenedBy, openers, "opened_by")
	}
	if len(k.States) == 0 {
		c.say("case kind "+k.ID+" has no states", "states")
		return
	}
	var states, moves []string
	fields := map[string]bool{}
	for i, s := range k.States {
		if slices.Contains(states, s.ID) {
			c.say(fmt.Sprintf("state %q stands here twice", s.ID), "states", i, "id")
		}
		states = append(states, s.ID)
	}
	for i, m := range k.Moves {
		if slices.Contains(moves, m.ID) {
			c.say(fmt.Sprintf("move %q stands here twice", m.ID), "moves", i, "id")
		}
		moves = append(moves, m.ID)
		for _, r := range m.Requires {
			if r.Kind == "time" {
				fields[r.Field] = true
			}
		}
	}
	for i, s := range k.States {
		c.state(i, s, fields)
	}
	for i, m := range k.Moves {
		c.move(i, m, states, moves)
	}
	if len(c.found) == 0 { // reachability of a broken graph would only repeat the above in other words
		c.reach()
	}
}

func (c *checker) state(i int, s State, timeFields map[string]bool) {
	if !idShape.MatchString(s.ID) {
		c.say("a state needs an id of lower-case letters, digits and hyphens", "states", i, "id")
	}
	c.text(s.Title, "state "+s.ID, "states", i, "title")
	if _, err := s.Due.Duration(); err != nil {
		c.say(err.Error(), "states", i, "due")
	}
	if s.Due != "" && s.DueBy != "" {
		c.say("state "+s.ID+" has both due and due_by; one of them", "states", i, "due_by")
	}
	if s.DueBy != "" && !timeFields[s.DueBy] {
		c.unknown("field of kind time", s.DueBy, keys(timeFields), "states", i, "due_by")
	}
	if s.End != "" {
		if !slices.Contains(ends, s.End) {
			c.unknown("end", s.End, ends, "states", i, "end")
		}
		if s.Due != "" || s.DueBy != "" {
			c.say("state "+s.ID+" is an end; nothing is due after it", "states", i)
		}
	}
}

func (c *checker) move(i int, m Move, states, moves []string) {
	at := func(path ...any) []any { return append([]any{"moves", i}, path...) }
	if !idShape.MatchString(m.ID) {
		c.say("a move needs an id of lower-case letters, digits and hyphens", at("id")...)
	}
	c.text(m.Title, "move "+m.ID, at("title")...)
	if len(m.From) == 0 {
		c.say("move "+m.ID+" starts nowhere; write from: [state]", at("from")...)
	}
	for j, s := range m.From {
		if !slices.Contains(states, s) {
			c.unknown("state", s, states, at("from", j)...)
		} else if c.kind.State(s).End != "" {
			c.say("state "+s+" is an end; no move leaves it", at("from", j)...)
		}
	}
	if !slices.Contains(states, m.To) {
		c.unknown("state", m.To, states, at("to")...)
	}
	if len(m.Who) == 0 {
		c.say("move "+m.ID+" may be made by nobody; write who: [role]", at("who")...)
	}
	for j, r := range m.Who {
		if !slices.Contains(roles, r) {
			c.unknown("role", r, roles, at("who", j)...)
		}
	}
	for j, o := range m.ByOtherThan {
		switch {
		case !slices.Contains(moves, o):
			c.unknown("move", o, moves, at("by_other_than", j)...)
		case o == m.ID:
			c.say("move "+m.ID+" cannot be made by another person than itself", at("by_other_than", j)...)
		}
	}
	names := map[string]bool{}
	for j, r := range m.Requires {
		c.requirement(r, at("requires", j))
		if r.Field != "" && names[r.Field] {
			c.say(fmt.Sprintf("field %q stands in this move twice", r.Field), at("requires", j, "field")...)
		}
		names[r.Field] = true
	}
	if m.Guard != nil {
		if _, err := compileGuard(m.Guard.When); err != nil {
			c.say(err.Error(), at("guard", "when")...)
		}
		c.text(m.Guard.Because, "the guard's because", at("guard", "because")...)
	}
	for j, t := range m.Opens {
		c.text(t.Title, "task of move "+m.ID, at("opens", j, "title")...)
		if _, err := t.Due.Duration(); err != nil {
			c.say(err.Error(), at("opens", j, "due")...)
		}
	}
}

func (c *checker) requirement(r Requirement, path []any) {
	at := func(more ...any) []any { return append(slices.Clone(path), more...) }
	c.text(r.Title, "requirement", at("title")...)
	switch {
	case (r.Field == "") == (r.Evidence == ""):
		c.say("a requirement names either a field or evidence", at()...)
	case r.Field != "":
		if !fieldShape.MatchString(r.Field) {
			c.say("a field needs a name of lower-case letters, digits and underscores", at("field")...)
		}
		if personal.MatchString(r.Field) {
			c.say(fmt.Sprintf("field %q would hold a person's identifier; a case holds none", r.Field), at("field")...)
		}
		if !slices.Contains(fieldKinds, r.Kind) {
			c.unknown("field kind", r.Kind, fieldKinds, at("kind")...)
		}
		if (r.Kind == "choice") != (len(r.Options) > 0) {
			c.say("options belong to a field of kind choice, and only to it", at("kind")...)
		}
		for j, o := range r.Options {
			if !idShape.MatchString(o.ID) {
				c.say("an option needs an id of lower-case letters, digits and hyphens", at("options", j, "id")...)
			}
			c.text(o.Title, "option "+o.ID, at("options", j, "title")...)
		}
	default:
		if !slices.Contains(evidenceKinds, r.Evidence) {
			c.unknown("evidence kind", r.Evidence, evidenceKinds, at("evidence")...)
		}
		if r.Kind != "" || len(r.Options) > 0 {
			c.say("kind and options belong to a field, not to evidence", at("kind")...)
		}
		if r.Evidence == "reading" && len(r.Below)+len(r.Above) == 0 {
			c.say("a reading needs its limit; write below: {property: 3 unit}", at("evidence")...)
		}
	}
	if r.Evidence != "reading" && len(r.Below)+len(r.Above) > 0 {
		c.say("below and above belong to a reading", at()...)
	}
	for side, limits := range map[string]map[string]Limit{"below": r.Below, "above": r.Above} {
		for property, l := range limits {
			if _, _, err := l.Split(); err != nil {
				c.say(err.Error(), at(side, property)...)
			}
		}
	}
}

// reach walks the graph both ways: a state that nothing leads to is a typing error, one that leads to no end is a trap.
func (c *checker) reach() {
	k := c.kind
	from := map[string]bool{k.Start().ID: true}
	toEnd := map[string]bool{}
	for _, s := range k.States {
		if s.End != "" {
			toEnd[s.ID] = true
		}
	}
	for range k.States { // each pass settles at least one more state or none is left
		for _, m := range k.Moves {
			for _, f := range m.From {
				from[m.To] = from[m.To] || from[f]
				toEnd[f] = toEnd[f] || toEnd[m.To]
			}
		}
	}
	for i, s := range k.States {
		if !from[s.ID] {
			c.say(fmt.Sprintf("no move leads to state %q", s.ID), "states", i, "id")
		}
		if !toEnd[s.ID] {
			c.say(fmt.Sprintf("from state %q there is no way to an end", s.ID), "states", i, "id")
		}
	}
}

func keys(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
