package engine

import (
	"time"

	"github.com/anlan-city/anlan/internal/pack"
)

// File is the pack's file that this package brings the decoder for.
const File = "detectors.yaml"

// Defaults of what a rule may leave out.
const (
	// DefaultEvery is how often a detector's instruments are expected to speak. A longer gap is missing data and pauses the
	// rule's delays.
	DefaultEvery = 5 * time.Minute

	// DefaultStep is how often a detector that joins others looks at the clock while something counts.
	DefaultStep = time.Minute
)

// Declaration is that of detectors.yaml: a list of rules.
func Declaration() pack.Declaration {
	return pack.Declaration{File: File, Title: "The detectors: what raises an alert, at which level, and what clears it", Of: []ruleDoc{}}
}

// ruleDoc is a detector as it stands in detectors.yaml.
type ruleDoc struct {
	ID       pack.String `yaml:"id" pack:"required,name" doc:"unique within the pack"`
	Title    pack.Text   `yaml:"title" pack:"required" doc:"what the alert is called"`
	Maturity pack.String `yaml:"maturity" pack:"required,one of stable trial draft" doc:"how far it may be trusted"`
	Owner    pack.String `yaml:"owner" pack:"required,name" doc:"the post that answers for the rule, and whose alarm load it counts to"`

	Watches  pack.String        `yaml:"watches" doc:"a property that the pack observes; each instrument of it is judged by itself"`
	On       pack.Names         `yaml:"on" doc:"the kinds of asset it is watched on"`
	Together pack.String        `yaml:"together" pack:"one of place" doc:"place: the instruments of one place make one alert"`
	Inputs   pack.Map[inputDoc] `yaml:"inputs" doc:"instead of watches: several properties judged together, each under the name that conditions use"`
	Per      pack.String        `yaml:"per" pack:"one of asset place area" doc:"what inputs belong to: the instruments of one asset, place or area are judged together"`
	Joins    *joinsDoc          `yaml:"joins" doc:"instead of watches: alerts of other detectors and reports of people that count together, as the variable signals"`

	Derives pack.Map[deriveDoc] `yaml:"derives" doc:"further variables for the conditions, each made from the readings"`
	Budget  *budgetDoc          `yaml:"budget" doc:"how many false alarms the owner allows; the limits of statistical variables follow from it"`

	Every        pack.Duration      `yaml:"every" pack:"above 0s" default:"5m" doc:"how often an instrument speaks; a longer gap pauses all delays. Of inputs, a reading counts in its interval and the next"`
	Late         pack.Duration      `yaml:"late" default:"as every" doc:"readings that come up to so late, in any order, give the same alerts as in order; later ones are counted and not judged. Late is how much older one is than the newest, of several instruments that are judged together than the newest of them all. With joins it is at least that of the detectors joined"`
	Levels       pack.Map[levelDoc] `yaml:"levels" pack:"required" doc:"blue, yellow, orange, red: those that the rule raises"`
	Clear        *clearDoc          `yaml:"clear" pack:"required" doc:"what ends the alert"`
	Quiet        pack.Duration      `yaml:"quiet" doc:"an alert that comes back so soon after it cleared is the same alert again"`
	Chatter      *chatterDoc        `yaml:"chatter" doc:"when an alert comes and goes often, it stands until it has been calm for longer"`
	SuppressedBy pack.Names         `yaml:"suppressed_by" doc:"detectors of this pack: while one of their alerts stands at the same asset or place, this one's rests"`
	Upstream     pack.Names         `yaml:"suppressed_from_upstream" doc:"detectors, of this pack or as pack/detector of another: while one of their alerts stands at an asset upstream in the network, this one's rests, and so does the notice that an instrument of this one is silent"`
	Silent       pack.Duration      `yaml:"silent_after" doc:"an instrument that says nothing for so long raises a monitoring alert; needed with watches; of inputs, for those that no other rule has it for, here or under the input"`
	Stuck        *stuckDoc          `yaml:"stuck" doc:"an instrument whose value does not move raises a monitoring alert"`

	Origin *originDoc `yaml:"origin" doc:"which asset the wind points at; worked out when an alert is looked at, as a hint that decides nothing"`

	Because pack.Text     `yaml:"because" pack:"required" doc:"why the alert was raised, with {{value}}, {{place}}, … and the names of variables"`
	Source  pack.String   `yaml:"source" pack:"required" doc:"standard and clause, or data, that the limits come from"`
	False   []pack.String `yaml:"known_false_alarms" pack:"required" doc:"what else looks like this"`
	Opens   *opensDoc     `yaml:"opens" doc:"the case that the alert opens; left out: none"`
	Pos     pack.Pos      `pack:"exactly one of watches inputs joins,at least one of silent_after joins inputs"`
}

type inputDoc struct {
	Watches pack.String `yaml:"watches" pack:"required" doc:"a property that the pack observes"`
	On      pack.Names  `yaml:"on" pack:"required" doc:"the kinds of asset it is watched on"`
	Combine pack.String `yaml:"combine" pack:"one of sum mean highest lowest" default:"mean" doc:"what several instruments come to: where it is a sum, all of them must have spoken"`

	Unknown *pack.Number  `yaml:"unknown_as" doc:"what the input counts as while nothing is heard of it, such as 0 for a fan that is then taken to stand still; left out: it is unknown, and what rests on it neither raises an alert nor clears one. A reading speaks for the interval (every) that it comes in and the next one"`
	Silent  pack.Duration `yaml:"silent_after" doc:"an instrument of this input that says nothing for so long raises a monitoring alert; left out: as the rule says"`
	Stuck   *stuckDoc     `yaml:"stuck" doc:"when an instrument of this input is stuck; left out: as the rule says"`
	Pos     pack.Pos
}

type joinsDoc struct {
	Within  pack.Duration `yaml:"within" pack:"required,above 0s" doc:"how long after its end a signal still counts"`
	Near    pack.Number   `yaml:"near" pack:"above 0,at most 10000" doc:"metres around the place, needed with reports; left out: the place itself"`
	InOrder bool          `yaml:"in_order" doc:"true: a signal counts only after the one that stands before it in the list"`
	Of      []memberDoc   `yaml:"of" pack:"required" doc:"the signals; at each place, signals is how many of them count just now"`
	Pos     pack.Pos
}

type memberDoc struct {
	Alert   pack.String `yaml:"alert" doc:"a detector of this pack, or pack/detector of another"`
	From    pack.String `yaml:"from" doc:"the lowest level of that alert that counts; left out: any"`
	Reports pack.String `yaml:"reports" doc:"a category of reports that is about places"`
	AtLeast int         `yaml:"at_least" pack:"at least 1,at most 100" default:"1" doc:"how many reports"`
	Pos     pack.Pos    `pack:"exactly one of alert reports"`
}

type budgetDoc struct {
	Alarms pack.Number `yaml:"false_alarms_per_day" pack:"required,above 0" doc:"that the owner allows this detector, all its instruments together"`
	Series pack.Number `yaml:"over" pack:"required,above 0" doc:"instruments, or subjects, that the detector is meant to watch"`
	Pos    pack.Pos
}

type levelDoc struct {
	When   pack.Expr     `yaml:"when" pack:"required" doc:"the condition"`
	For    pack.Duration `yaml:"for" default:"0s" doc:"how long it must hold"`
	Within pack.Duration `yaml:"within" doc:"lets the time of for be gathered in pieces: each reading at which the condition holds adds the time since the one before it (every at most), even if the condition did not hold then, and each other reading takes away its time × for / within. With every: 1m and for: 2m, two readings in a row are enough, without within three; with for: 2m, within: 10m a reading that fails in between costs 12 s, so a third one is needed"`
	Pos    pack.Pos
}

type clearDoc struct {
	When pack.Expr     `yaml:"when" pack:"required" doc:"the condition"`
	For  pack.Duration `yaml:"for" pack:"required" doc:"how long it must hold; also how long a higher level must have failed before the alert steps down; the lowest stands until it clears"`
	Pos  pack.Pos
}

type chatterDoc struct {
	Raises int           `yaml:"raises" pack:"required,at least 2,at most 5" doc:"so many times raised"`
	Within pack.Duration `yaml:"within" pack:"required" doc:"within so long: then the alert chatters"`
	Settle pack.Duration `yaml:"settle" pack:"required" doc:"and stands until it has stayed cleared for so long"`
	Pos    pack.Pos
}

type stuckDoc struct {
	After  pack.Duration `yaml:"after" pack:"required" doc:"how long the value must not have moved"`
	By     pack.Number   `yaml:"by" pack:"at least 0" default:"0" doc:"a change of no more than this is none, in the property's unit"`
	Except pack.Expr     `yaml:"except" doc:"values at which an instrument may rest, such as \"value <= 0\""`
	Pos    pack.Pos
}

type opensDoc struct {
	Case pack.String `yaml:"case" pack:"required,name" doc:"the kind of case"`
	Plan pack.String `yaml:"plan" pack:"name" doc:"the plan that goes with it"`
	From pack.String `yaml:"from" pack:"required" doc:"the lowest level that opens it"`
	Pos  pack.Pos
}
