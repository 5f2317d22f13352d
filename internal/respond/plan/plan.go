package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Levels are the response levels (应急响应) from the lowest to the highest.
var levels = [...]string{"IV", "III", "II", "I"}

// colours of alerts and warnings, and grades of incidents, from the lowest.
var (
	colours = [...]string{"blue", "yellow", "orange", "red"}
	grades  = [...]string{"general", "larger", "major", "extraordinary"}
)

// Plan is one emergency plan. It is data: an activation keeps the Plan that it was opened with, whatever the pack says later.
type Plan struct {
	// ID is unique among all packs: "gas-leak".
	ID    string         `json:"id"`
	Pack  string         `json:"pack"`
	Title lifecycle.Text `json:"title"`
	// About is the hazard, as warnings name it.
	About string `json:"about"`
	// Source names the real plan or rule that it follows, with its clauses, and which values are working values.
	Source string `json:"source"`
	// Per is "city" or "place": whether there is one response at a time, or one for each place where it happens.
	Per       string     `json:"per"`
	Agencies  []Agency   `json:"agencies"`
	Resources []Resource `json:"resources,omitempty"`
	// Levels from the lowest to the highest.
	Levels []Level `json:"levels"`
	Tasks  []Task  `json:"tasks"`
}

// Agency is a part to play, and how to find in the register who plays it.
type Agency struct {
	ID    string         `json:"id"`
	Title lifecycle.Text `json:"title"`
	// Lead is whether it leads (牵头单位): it owns the case. Exactly one does.
	Lead bool `json:"lead,omitempty"`
	// Each is whether every organisation that is found plays it, such as all towns, or only the first.
	Each bool `json:"each,omitempty"`
	// Found are ways to find it, in order: the first that finds any counts.
	Found []Way `json:"found_by"`
}

// Way is one way to find an organisation in the register: exactly one of Organisation, Kind and Duty is set.
type Way struct {
	Organisation string `json:"organisation,omitempty"` // its external id
	Kind         string `json:"kind,omitempty"`         // its kind
	// Duty is the link of the chain of duty that leads to it. With Of, the duty is for assets of that kind in the area; with
	// Pack, one that is limited to that pack counts too.
	Duty string `json:"duty,omitempty"`
	Pack string `json:"pack,omitempty"`
	Of   string `json:"of,omitempty"`
}

// Resource is what an agency has ready for the plan.
type Resource struct {
	ID    string         `json:"id"`
	Title lifecycle.Text `json:"title"`
	Of    string         `json:"of"` // the agency
	Count float64        `json:"count"`
	Unit  lifecycle.Text `json:"unit"`
}

// Level is one response level.
type Level struct {
	ID    string         `json:"id"` // IV, III, II or I
	Title lifecycle.Text `json:"title"`
	// DecidedBy is who opens it by the plan, as an office.
	DecidedBy lifecycle.Text `json:"decided_by"`
	// ProposedBy says when the program proposes it: any one suffices.
	ProposedBy []Trigger `json:"proposed_by,omitempty"`
	// Without are tasks of lower levels that this level does not have.
	Without []string `json:"without,omitempty"`
}

// Trigger is a condition that justifies a level: exactly one of Warning, Alerts and Incident is set.
type Trigger struct {
	Warning string   `json:"warning,omitempty"` // a hazard
	Alerts  []string `json:"alerts,omitempty"`  // full ids of detectors
	From    string   `json:"from,omitempty"`    // the lowest colour of the warning or the alert
	AtLeast int      `json:"at_least,omitempty"`
	// Incident is the lowest grade.
	Incident string `json:"incident,omitempty"`
}

// Task is what one agency does.
type Task struct {
	ID     string         `json:"id"`
	Title  lifecycle.Text `json:"title"`
	Agency string         `json:"agency"`
	Post   string         `json:"post"`
	// Due is within what time of the opening of the level that brings it.
	Due time.Duration `json:"due"`
	// From is the lowest level that has it; the higher ones have it too, unless one says otherwise.
	From  string             `json:"from"`
	Needs map[string]float64 `json:"needs,omitempty"` // count of each resource
	Asks  *Question          `json:"asks,omitempty"`
	// Done says how it is known to be done.
	Done lifecycle.Text `json:"done_when"`
}

// Question is what the team answers when a task is done.
type Question struct {
	Title lifecycle.Text `json:"title"`
	Kind  string         `json:"kind"` // text or number
}

// Hash is the content address of a definition: equal meaning, equal hash.
func (p *Plan) Hash() (hash string, body []byte, err error) {
	if body, err = json.Marshal(p); err != nil {
		return "", nil, fmt.Errorf("encode plan %s: %w", p.ID, err)
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]), body, nil
}

// Decode is the definition of a body that Hash gave.
func Decode(body []byte) (*Plan, error) {
	p := &Plan{}
	return p, json.Unmarshal(body, p)
}

// rank orders levels: 0 is none, 1 the lowest.
func rank(level string) int { return slices.Index(levels[:], level) + 1 }

// Level returns the level of that name, or nil.
func (p *Plan) Level(id string) *Level {
	if i := slices.IndexFunc(p.Levels, func(l Level) bool { return l.ID == id }); i >= 0 {
		return &p.Levels[i]
	}
	return nil
}

// Agency returns the agency of that name, or nil.
func (p *Plan) Agency(id string) *Agency {
	if i := slices.IndexFunc(p.Agencies, func(a Agency) bool { return a.ID == id }); i >= 0 {
		return &p.Agencies[i]
	}
	return nil
}

// Lead is the agency that leads.
func (p *Plan) Lead() *Agency {
	return &p.Agencies[max(0, slices.IndexFunc(p.Agencies, func(a Agency) bool { return a.Lead }))]
}

// Task returns the task of that name, or nil.
func (p *Plan) Task(id string) *Task {
	if i := slices.IndexFunc(p.Tasks, func(t Task) bool { return t.ID == id }); i >= 0 {
		return &p.Tasks[i]
	}
	return nil
}

// At are the tasks of a level, in the order of the plan; none for no level.
func (p *Plan) At(level string) []Task {
	l := p.Level(level)
	if l == nil {
		return nil
	}
	var out []Task
	for _, t := range p.Tasks {
		if rank(t.From) <= rank(level) && !slices.Contains(l.Without, t.ID) {
			out = append(out, t)
		}
	}
	return out
}

// Step is what a change of level means: the tasks to give and the ids of those that no longer apply. It depends on the two
// levels alone, so that the tasks that are out are always those of the level in force.
func (p *Plan) Step(from, to string) (give []Task, withdraw []string) {
	before, after := p.At(from), p.At(to)
	has := func(ts []Task, id string) bool {
		return slices.ContainsFunc(ts, func(t Task) bool { return t.ID == id })
	}
	for _, t := range after {
		if !has(before, t.ID) {
			give = append(give, t)
		}
	}
	for _, t := range before {
		if !has(after, t.ID) {
			withdraw = append(withdraw, t.ID)
		}
	}
	return give, withdraw
}

// Needs is how much of each resource the tasks of a level take together.
func (p *Plan) Needs(level string) map[string]float64 {
	out := map[string]float64{}
	for _, t := range p.At(level) {
		for id, n := range t.Needs {
			out[id] += n
		}
	}
	return out
}

// Reason is something that stands and speaks for a level: an alert, a warning or an incident.
type Reason struct {
	Kind string `json:"kind"` // alert, warning, relay (another service's warning) or incident
	Ref  int64  `json:"ref"`  // its number
	// Name is the alert's detector or the warning's hazard; empty for an incident.
	Name  string         `json:"name,omitempty"`
	Level string         `json:"level"` // colour, or grade of an incident
	Text  lifecycle.Text `json:"text"`
	Drill bool           `json:"drill,omitempty"`
	// Streams are the datastreams of an alert.
	Streams []int64   `json:"streams,omitempty"`
	Since   time.Time `json:"since"`
}

// Hears says whether some level of the plan asks for reasons of this kind and name.
func (p *Plan) Hears(kind, name string) bool {
	return slices.ContainsFunc(p.Levels, func(l Level) bool {
		return slices.ContainsFunc(l.ProposedBy, func(t Trigger) bool { return t.about(kind, name) })
	})
}

// Justified is the highest level that the standing reasons justify, with the reasons that do; "" where they justify none.
func (p *Plan) Justified(standing []Reason) (level string, why []Reason) {
	for _, l := range slices.Backward(p.Levels) {
		holds := false
		for _, t := range l.ProposedBy {
			if n := count(standing, t); n == 0 || n < t.AtLeast { // too few of them say nothing
				continue
			}
			holds = true
			for _, r := range standing {
				if t.meets(r) && !slices.ContainsFunc(why, func(x Reason) bool { return x.Kind == r.Kind && x.Ref == r.Ref }) {
					why = append(why, r)
				}
			}
		}
		if holds {
			return l.ID, why
		}
	}
	return "", nil
}

func count(standing []Reason, t Trigger) (n int) {
	for _, r := range standing {
		if t.meets(r) {
			n++
		}
	}
	return n
}

func (t Trigger) about(kind, name string) bool {
	switch kind {
	case "warning", "relay":
		return t.Warning != "" && t.Warning == name
	case "alert":
		return slices.Contains(t.Alerts, name)
	case "incident":
		return t.Incident != ""
	}
	return false
}

// meets says whether a reason is of the trigger's kind and grave enough.
func (t Trigger) meets(r Reason) bool {
	if !t.about(r.Kind, r.Name) {
		return false
	}
	scale, least := colours[:], t.From
	if r.Kind == "incident" {
		scale, least = grades[:], t.Incident
	}
	at := slices.Index(scale, r.Level)
	return at >= 0 && at >= slices.Index(scale, least)
}
