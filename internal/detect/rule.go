package detect

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/methods/series"
	"github.com/anlan-city/anlan/internal/pack"
)

// File is the pack's file that this room brings the decoder for.
const File = "detectors.yaml"

// DefaultEvery is how often a detector's instruments are expected to speak where its rule does not say. A longer gap is
// missing data and pauses the rule's delays.
const DefaultEvery = 5 * time.Minute

// A detector as it stands in detectors.yaml.
type ruleDoc struct {
	ID         pack.String        `yaml:"id" pack:"required,name" doc:"unique within the pack"`
	Title      pack.Text          `yaml:"title" pack:"required" doc:"what the alert is called"`
	Watches    pack.String        `yaml:"watches" pack:"required" doc:"a property that the pack observes"`
	On         pack.Names         `yaml:"on" pack:"required" doc:"the kinds of asset it is watched on"`
	Together   pack.String        `yaml:"together" pack:"one of place" doc:"place: the instruments of one place make one alert"`
	Background *backgroundDoc     `yaml:"above_background" doc:"judge the excess over each instrument's own moving background"`
	Every      pack.Duration      `yaml:"every" doc:"how often an instrument speaks; a longer gap pauses all delays (5m)"`
	Levels     pack.Map[levelDoc] `yaml:"levels" pack:"required" doc:"blue, yellow, orange, red: those that the rule raises"`
	Clear      *clearDoc          `yaml:"clear" pack:"required" doc:"what ends the alert"`
	Silent     pack.Duration      `yaml:"silent_after" pack:"required" doc:"an instrument that says nothing for so long raises a monitoring alert"`
	Because    pack.Text          `yaml:"because" pack:"required" doc:"why the alert was raised, with {{value}}, {{place}}, …"`
	Source     pack.String        `yaml:"source" pack:"required" doc:"standard and clause, or data, that the limits come from"`
	False      []pack.String      `yaml:"known_false_alarms" pack:"required" doc:"what else looks like this"`
	Maturity   pack.String        `yaml:"maturity" pack:"required,one of stable trial draft" doc:"how far it may be trusted"`
	Owner      pack.String        `yaml:"owner" pack:"required,name" doc:"the post that answers for the rule"`
	Opens      *opensDoc          `yaml:"opens" pack:"required" doc:"the case that the alert opens"`
	Pos        pack.Pos
}

type backgroundDoc struct {
	Rise pack.Number   `yaml:"rise_per_hour" pack:"required" doc:"the fastest that clean air rises, in the property's unit per hour"`
	Fall pack.Duration `yaml:"fall" pack:"required" doc:"time constant of coming down to a lower reading"`
	Pos  pack.Pos
}

type levelDoc struct {
	When   pack.Expr     `yaml:"when" pack:"required" doc:"the condition"`
	For    pack.Duration `yaml:"for" doc:"how long it must hold (0s)"`
	Within pack.Duration `yaml:"within" doc:"lets the time be gathered in pieces that fade over so long"`
	Pos    pack.Pos
}

type clearDoc struct {
	When pack.Expr     `yaml:"when" pack:"required" doc:"the condition"`
	For  pack.Duration `yaml:"for" pack:"required" doc:"how long it must hold; also how long a level must have failed before the alert steps down"`
	Pos  pack.Pos
}

type opensDoc struct {
	Case pack.String `yaml:"case" pack:"required,name" doc:"the kind of case"`
	Plan pack.String `yaml:"plan" pack:"name" doc:"the plan that goes with it"`
	From pack.String `yaml:"from" pack:"required" doc:"the lowest level that opens it"`
	Pos  pack.Pos
}

// Detector is a compiled rule. It is read-only and may be used by many goroutines.
type Detector struct {
	ID          string // "gas/methane-indoor"
	Title       pack.Text
	Property    pack.Property
	Kinds       []pack.Kind
	Together    bool // one alert per place
	Levels      []RuleLevel
	Clear       *pack.Condition
	ClearFor    time.Duration
	Every       time.Duration
	SilentAfter time.Duration
	Because     pack.Text
	Source      string
	FalseAlarms []string
	Maturity    string
	Owner       string
	Opens       Opens

	// Rule and Clears are the rule, and what ends its alert, in words of both languages.
	Rule, Clears Wording

	delays series.Delays
	follow *series.Follow // nil: the reading itself is judged
	hash   string         // of everything that a saved state depends on
}

// RuleLevel is one level of a rule.
type RuleLevel struct {
	Level       Level
	When        *pack.Condition
	For, Within time.Duration
}

// Opens says which case an alert of the detector opens, and from which level on.
type Opens struct {
	Case string
	Plan string
	From Level
}

// Compile compiles the detectors of a pack. A pack without the file has none. All problems come at once, as
// pack.Diagnostics; there are no detectors then.
func Compile(p *pack.Pack) ([]*Detector, error) {
	var docs []ruleDoc
	var c compiler
	err := p.Decode(File, &docs)
	if errors.Is(err, pack.ErrNoFile) {
		return nil, nil
	}
	c.Join(err)
	c.pack = p
	if c.plain, err = pack.NewConditions("value"); err != nil {
		return nil, err
	}
	if c.above, err = pack.NewConditions("value", "excess"); err != nil {
		return nil, err
	}
	seen := map[string]pack.Pos{}
	var ds []*Detector
	for i := range docs {
		id := docs[i].ID
		if at, twice := seen[id.Value]; twice && id.Value != "" {
			c.Add(id.Pos, pack.CodeTwice, "the detector %q stands here a second time; the first is in line %d", id.Value, at.Line)
		}
		seen[id.Value] = id.Pos
		ds = append(ds, c.detector(&docs[i]))
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	return ds, nil
}

type compiler struct {
	pack.Diagnostics
	pack         *pack.Pack
	plain, above *pack.Conditions
}

func (c *compiler) detector(doc *ruleDoc) *Detector {
	d := &Detector{
		ID: c.pack.ID(doc.ID.Value), Title: doc.Title, Together: doc.Together.Value == "place", Every: doc.Every.Value,
		SilentAfter: doc.Silent.Value, Because: doc.Because, Source: doc.Source.Value, Maturity: doc.Maturity.Value, Owner: doc.Owner.Value,
	}
	if d.Every == 0 {
		d.Every = DefaultEvery
	}
	for _, f := range doc.False {
		d.FalseAlarms = append(d.FalseAlarms, f.Value)
	}
	c.subject(doc, d)
	c.background(doc, d)
	c.levels(doc, d)
	c.consistent(doc, d)
	c.template(doc)
	c.opens(doc, d)
	if at := doc.Silent; !at.IsZero() && d.SilentAfter < d.Every {
		c.Add(at.Pos, pack.CodeValue, "silent_after is shorter than %s, the time between two readings", d.Every)
	}
	d.delays = series.Delays{Off: micros(d.ClearFor), Every: micros(d.Every)}
	for _, l := range d.Levels {
		d.delays.On = append(d.delays.On, series.OnDelay{For: micros(l.For), Within: micros(l.Within)})
	}
	d.hash = d.fingerprint()
	if len(c.Diagnostics) == 0 {
		d.Rule, d.Clears = d.words()
	}
	return d
}

// subject resolves what is watched on what.
func (c *compiler) subject(doc *ruleDoc, d *Detector) {
	if name := doc.Watches; name.Value != "" {
		if p := c.pack.Property(c.pack.ID(name.Value)); p != nil {
			d.Property = *p
		} else {
			c.Add(name.Pos, pack.CodeReference, "the pack observes no %q%s", name.Value, pack.Suggest(name.Value, c.propertyNames()))
		}
	}
	for _, name := range doc.On {
		k := c.pack.Kind(c.pack.ID(name.Value))
		switch {
		case name.Value == "": // noted by the decoder
		case k == nil:
			c.Add(name.Pos, pack.CodeReference, "the pack has no kind of asset %q%s", name.Value, pack.Suggest(name.Value, c.kindNames()))
		case d.Property.ID != "" && !slices.Contains(k.Measures, d.Property.ID):
			c.Add(name.Pos, pack.CodeReference, "a %s does not measure %s", name.Value, doc.Watches.Value)
		default:
			d.Kinds = append(d.Kinds, *k)
		}
	}
}

func (c *compiler) background(doc *ruleDoc, d *Detector) {
	b := doc.Background
	if b == nil {
		return
	}
	if !b.Rise.IsZero() && b.Rise.Value <= 0 {
		c.Add(b.Rise.Pos, pack.CodeValue, "rise_per_hour needs to be above 0, or the background can never follow clean air")
	}
	if !b.Fall.IsZero() && b.Fall.Value <= 0 {
		c.Add(b.Fall.Pos, pack.CodeValue, "fall needs to be above 0")
	}
	d.follow = &series.Follow{Rise: b.Rise.Value, Fall: micros(b.Fall.Value), Every: micros(d.Every)}
}

func (c *compiler) levels(doc *ruleDoc, d *Detector) {
	conditions := c.plain
	if d.follow != nil {
		conditions = c.above
	}
	for _, e := range doc.Levels {
		level, err := ParseLevel(e.Key.Value)
		if err != nil || level == None {
			c.Add(e.Key.Pos, pack.CodeLevel, "unknown level %q%s", e.Key.Value, pack.Suggest(e.Key.Value, Levels))
			continue
		}
		l := e.Value
		switch {
		case !l.Within.IsZero() && l.Within.Value < l.For.Value:
			c.Add(l.Within.Pos, pack.CodeValue, "%s can't be gathered within %s", span(l.For.Value).EN, span(l.Within.Value).EN)
		case d.Together && l.For.Value > 0 && l.Within.IsZero():
			c.Add(l.For.Pos, pack.CodeRequired, "with several instruments together no run is unbroken; say within how long %s may be gathered", span(l.For.Value).EN)
		}
		d.Levels = append(d.Levels, RuleLevel{Level: level, When: conditions.Compile(l.When, &c.Diagnostics), For: l.For.Value, Within: l.Within.Value})
	}
	slices.SortStableFunc(d.Levels, func(a, b RuleLevel) int { return int(a.Level) - int(b.Level) })
	if doc.Clear != nil {
		d.Clear, d.ClearFor = conditions.Compile(doc.Clear.When, &c.Diagnostics), doc.Clear.For.Value
	}
}

// consistent tries the conditions at, between and around all numbers that stand in them: a level and the clear condition
// must never hold together, and where a level holds those below it must hold too, or a worse leak would sound less bad.
func (c *compiler) consistent(doc *ruleDoc, d *Detector) {
	all := []*pack.Condition{d.Clear}
	for _, l := range d.Levels {
		all = append(all, l.When)
	}
	if slices.Contains(all, nil) {
		return
	}
	values, excesses := pack.Probes("value", all...), []float64{0}
	if d.follow != nil {
		excesses = pack.Probes("excess", all...)
	}
	if values == nil {
		values = []float64{0}
	}
	clash, order := map[Level]bool{}, map[Level]bool{}
	for _, v := range values {
		for _, x := range excesses {
			in := d.inputs(v, x)
			for i, l := range d.Levels {
				if !l.When.Holds(in...) {
					continue
				}
				entry := doc.level(l.Level)
				if d.Clear.Holds(in...) && !clash[l.Level] {
					clash[l.Level] = true
					c.Add(entry.When.Pos, pack.CodeClash, "%s and clear both hold at %s", l.Level, d.at(v, x))
				}
				if i > 0 && !d.Levels[i-1].When.Holds(in...) && !order[l.Level] {
					order[l.Level] = true
					c.Add(entry.When.Pos, pack.CodeOrder, "%s holds at %s and %s does not", l.Level, d.at(v, x), d.Levels[i-1].Level)
				}
			}
		}
	}
}

func (doc *ruleDoc) level(l Level) levelDoc {
	e, _ := doc.Levels.Get(l.String())
	return e
}

func (d *Detector) at(value, excess float64) string {
	if d.follow != nil {
		return "an excess of " + pack.FormatNumber(excess)
	}
	return pack.FormatNumber(value)
}

// inputs are the values of the conditions' variables.
func (d *Detector) inputs(value, excess float64) []float64 {
	if d.follow != nil {
		return []float64{value, excess}
	}
	return []float64{value}
}

// placeholders are what `because` may use.
var placeholders = []string{"value", "unit", "excess", "background", "level", "duration", "asset", "place", "area"}

var placeholder = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)

func (c *compiler) template(doc *ruleDoc) {
	for _, s := range []pack.String{doc.Because.EN, doc.Because.ZH} {
		for _, m := range placeholder.FindAllStringSubmatch(s.Value, -1) {
			word := m[1]
			switch {
			case !slices.Contains(placeholders, word):
				c.Add(s.Pos, pack.CodeTemplate, "nothing fills {{%s}}%s there are %s", word, orSemicolon(pack.Suggest(word, placeholders)), strings.Join(placeholders, ", "))
			case doc.Background == nil && (word == "excess" || word == "background"):
				c.Add(s.Pos, pack.CodeTemplate, "{{%s}} needs above_background", word)
			}
		}
	}
}

func orSemicolon(s string) string {
	if s == "" {
		return ";"
	}
	return s
}

func (c *compiler) opens(doc *ruleDoc, d *Detector) {
	o := doc.Opens
	if o == nil || o.From.Value == "" {
		return
	}
	from, err := ParseLevel(o.From.Value)
	switch {
	case err != nil || from == None:
		c.Add(o.From.Pos, pack.CodeLevel, "unknown level %q%s", o.From.Value, pack.Suggest(o.From.Value, Levels))
	case len(d.Levels) > 0 && from > d.Levels[len(d.Levels)-1].Level:
		c.Add(o.From.Pos, pack.CodeLevel, "the rule never raises %s, so it would never open the case", from)
	}
	d.Opens = Opens{Case: o.Case.Value, Plan: o.Plan.Value, From: from}
}

func (c *compiler) propertyNames() []string {
	var names []string
	for _, p := range c.pack.Properties {
		names = append(names, strings.TrimPrefix(p.ID, c.pack.Name+"/"))
	}
	return names
}

func (c *compiler) kindNames() []string {
	var names []string
	for _, k := range c.pack.Kinds {
		names = append(names, strings.TrimPrefix(k.ID, c.pack.Name+"/"))
	}
	return names
}

// fingerprint changes when a saved state no longer means the same.
func (d *Detector) fingerprint() string {
	h := sha256.New()
	fmt.Fprintln(h, d.ID, d.Property.ID, d.Property.Range, d.Together, d.delays, d.SilentAfter)
	if d.follow != nil {
		fmt.Fprintln(h, *d.follow)
	}
	for _, l := range d.Levels {
		fmt.Fprintln(h, l.Level, source(l.When))
	}
	fmt.Fprintln(h, source(d.Clear))
	return hex.EncodeToString(h.Sum(nil)[:12])
}

func source(c *pack.Condition) string {
	if c == nil {
		return ""
	}
	return c.Source()
}

// level is the colour of the n-th level of the rule; 0 is none.
func (d *Detector) level(n int) Level {
	if n == 0 {
		return None
	}
	return d.Levels[n-1].Level
}

// rank is the rule's highest level that is not above l, counted from 1.
func (d *Detector) rank(l Level) int {
	n := 1
	for i, rl := range d.Levels {
		if rl.Level <= l {
			n = i + 1
		}
	}
	return n
}

func micros(d time.Duration) int64 { return d.Microseconds() }
