package engine

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/methods/series"
	"github.com/anlan-city/anlan/internal/pack"
)

// Detector is a compiled rule. It is read-only and may be used by many goroutines.
type Detector struct {
	ID       string // "gas/methane-indoor"
	Title    pack.Text
	Maturity string
	Owner    string

	// Property and Kinds are what is watched on what; of several inputs Property is that of the first, and Kinds are those of
	// all. A detector that joins others has neither.
	Property pack.Property
	Kinds    []pack.Kind
	Inputs   []Input
	Joins    *Joins
	Together bool // the instruments of one place make one alert
	scope    Scope

	Levels       []RuleLevel
	Clear        *pack.Condition
	ClearFor     time.Duration
	Every, Late  time.Duration
	SilentAfter  time.Duration // 0: never
	Stuck        *Stuck
	Quiet        time.Duration
	Chatter      *Chatter
	SuppressedBy []string // ids of detectors: at the same asset or place
	// SuppressedUpstream are ids of detectors, of any pack: at an asset upstream in the network.
	SuppressedUpstream []string

	because     pack.Text
	Source      string
	FalseAlarms []string
	Opens       Opens
	Origin      *Origin // nil: nobody asks where it comes from

	// Rule and Clears are the rule, and what ends its alert, in words of both languages.
	Rule, Clears Wording

	vars   []variable // what conditions speak of, in the order of their values
	given  int        // how many of vars are not derived
	delays series.Delays
	// falseAlarms is how many false alarms a day the budget allows for one subject, 0 where none is stated; statistics is how
	// many variables share them.
	falseAlarms float64
	statistics  int
	hash        string // of everything that a saved state depends on
	members     map[string][]int
	chained     bool // it judges gauges by those upstream of them
}

// Input is one of several properties that are judged together.
type Input struct {
	Name     string
	Property pack.Property
	Kinds    []pack.Kind
	Combine  string  // sum, mean, highest, lowest
	Unknown  float64 // what it counts as while nothing is heard of it; NaN: unknown
	Stuck    *Stuck

	SilentAfter time.Duration // as the input says, or the rule; 0: never
}

// RuleLevel is one level of a rule.
type RuleLevel struct {
	Level       Level
	When        *pack.Condition
	For, Within time.Duration
}

// Opens says which case an alert of the detector opens, and from which level on. The zero value opens none.
type Opens struct {
	Case string
	Plan string
	From Level
}

// Stuck says when an instrument whose value does not move is a finding of its own.
type Stuck struct {
	After  time.Duration
	By     float64
	Except *pack.Condition // over value; nil: no exception

	move series.Move
}

// Chatter says when an alert that comes and goes is held until it has settled.
type Chatter struct {
	Raises         int
	Within, Settle time.Duration
}

// Joins says which signals count together at a place.
type Joins struct {
	Within  time.Duration
	Near    float64 // metres; 0: the place itself
	InOrder bool
	Of      []Member
}

// Member is one signal: alerts of a detector, or reports of a category.
type Member struct {
	Alert   string // id of a detector
	From    Level
	Reports string // id of a category
	AtLeast int
	Title   Wording // of the detector or the category
}

// Compile compiles the detectors of a pack. A pack without the file has none. All problems come at once, as
// pack.Diagnostics; there are no detectors then. What is worth a warning is kept with the pack.
func Compile(p *pack.Pack) ([]*Detector, error) { return compile(&compiler{pack: p}) }

// CompileTrial is Compile for rules that a program has made of the written ones, to see what becomes of them: that a
// condition never holds is no mistake in them.
func CompileTrial(p *pack.Pack) ([]*Detector, error) { return compile(&compiler{pack: p, trial: true}) }

func compile(c *compiler) ([]*Detector, error) {
	p := c.pack
	var docs []ruleDoc
	err := p.Decode(File, &docs)
	if errors.Is(err, pack.ErrNoFile) {
		return nil, nil
	}
	c.Join(err)
	c.titles = map[string]Wording{}
	for i := range docs {
		c.ids = append(c.ids, docs[i].ID.Value)
		c.titles[p.ID(docs[i].ID.Value)] = TextOf(docs[i].Title)
	}
	for _, cat := range p.Categories {
		c.titles[cat.ID] = TextOf(cat.Title)
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
	c.circles(docs, ds)
	if err := c.Err(); err != nil {
		return nil, err
	}
	c.lint(docs, ds)
	return ds, nil
}

type compiler struct {
	pack.Diagnostics
	pack  *pack.Pack
	trial bool
	ids   []string // of all detectors of the file, without the pack's name
	// titles are those of the pack's detectors and categories, by their full ids.
	titles map[string]Wording
}

func (c *compiler) detector(doc *ruleDoc) *Detector {
	d := &Detector{
		ID: c.pack.ID(doc.ID.Value), Title: doc.Title, Together: doc.Together.Value == "place", Every: doc.Every.Value, Late: doc.Late.Value,
		SilentAfter: doc.Silent.Value, Quiet: doc.Quiet.Value, because: doc.Because, Source: doc.Source.Value,
		Maturity: doc.Maturity.Value, Owner: doc.Owner.Value,
	}
	if doc.Every.IsZero() {
		if d.Every = DefaultEvery; doc.Joins != nil {
			d.Every = DefaultStep
		}
		if doc.Late.IsZero() {
			d.Late = d.Every
		}
	}
	for _, f := range doc.False {
		d.FalseAlarms = append(d.FalseAlarms, f.Value)
	}
	c.subject(doc, d)
	c.budget(doc, d)
	c.variables(doc, d)
	c.levels(doc, d)
	c.consistent(doc, d)
	if !c.trial {
		c.decided(doc, d)
	}
	c.management(doc, d)
	c.template(doc, d)
	c.opens(doc, d)
	c.origin(doc, d)
	d.delays = series.Delays{Off: micros(d.ClearFor), Every: micros(d.Every)}
	for _, l := range d.Levels {
		d.delays.On = append(d.delays.On, series.OnDelay{For: micros(l.For), Within: micros(l.Within)})
	}
	d.hash = d.fingerprint(doc)
	if len(c.Diagnostics) == 0 {
		d.Rule, d.Clears = d.words()
	}
	return d
}

// subject resolves what is watched on what.
func (c *compiler) subject(doc *ruleDoc, d *Detector) {
	switch {
	case doc.Joins != nil:
		d.scope = ScopePlace
		c.joins(doc.Joins, d)
	case len(doc.Inputs) > 0:
		if doc.Per.IsZero() {
			c.Add(doc.Inputs[0].Key.Pos, pack.CodeRequired, "inputs need to say what they belong to: per: asset, place or area")
		}
		d.scope = map[string]Scope{"asset": ScopeAsset, "place": ScopePlace, "area": ScopeArea}[doc.Per.Value]
		for _, e := range doc.Inputs {
			in := Input{Name: underscored(e.Key), Combine: e.Value.Combine.Value, Unknown: math.NaN()}
			if in.Combine == "" {
				in.Combine = "mean"
			}
			in.Property, in.Kinds = c.watched(e.Value.Watches, e.Value.On)
			c.variableName(e.Key, d)
			if x := e.Value.Unknown; x != nil {
				if in.Unknown = x.Value; in.Property.ID != "" && (in.Unknown < in.Property.Range[0] || in.Unknown > in.Property.Range[1]) {
					c.Add(x.Pos, pack.CodeValue, "%s", outside(in.Property))
				}
			}
			in.Stuck = c.stuck(e.Value.Stuck, d, in.Property)
			if in.SilentAfter = d.SilentAfter; !e.Value.Silent.IsZero() {
				in.SilentAfter = e.Value.Silent.Value
				c.silence(e.Value.Silent, d)
			}
			d.Inputs = append(d.Inputs, in)
			d.vars = append(d.vars, variable{name: in.Name, said: TextOf(in.Property.Title), unit: in.Property.Unit, perDay: float64(24*time.Hour) / float64(d.Every), reach: in.reach()})
			for _, k := range in.Kinds {
				if !slices.ContainsFunc(d.Kinds, func(x pack.Kind) bool { return x.ID == k.ID }) {
					d.Kinds = append(d.Kinds, k)
				}
			}
		}
		d.Property = d.Inputs[0].Property
	default:
		if len(doc.On) == 0 && !doc.Watches.IsZero() {
			c.Add(doc.Watches.Pos, pack.CodeRequired, "it lacks \"on\", the kinds of asset that it is watched on")
		}
		d.Property, d.Kinds = c.watched(doc.Watches, doc.On)
		if d.Together {
			d.scope = ScopePlace
		}
		d.vars = []variable{{name: "value", said: TextOf(d.Property.Title), unit: d.Property.Unit, perDay: float64(24*time.Hour) / float64(d.Every), reach: reachOf(d.Property)}}
	}
	if doc.Joins != nil {
		d.vars = []variable{{name: "signals", said: Wording{"signals together", "同时出现的信号数"}, reach: pack.Reach{
			Highest: float64(len(doc.Joins.Of)), Words: fmt.Sprintf("signals ranges from 0 to %d, one for each that is joined", len(doc.Joins.Of))}}}
	}
	d.given = len(d.vars)
	for _, x := range []struct {
		key  pack.String
		fits bool
		want string
	}{{doc.Together, !doc.Watches.IsZero(), "watches"}, {doc.Per, len(doc.Inputs) > 0, "inputs"}} {
		if !x.key.IsZero() && !x.fits {
			c.Add(x.key.Pos, pack.CodeValue, "this goes with %s only", x.want)
		}
	}
}

// watched resolves a property of this pack and the kinds of asset that measure it.
func (c *compiler) watched(name pack.String, on pack.Names) (prop pack.Property, kinds []pack.Kind) {
	if name.Value != "" {
		if p := c.pack.Property(c.pack.ID(name.Value)); p != nil {
			prop = *p
		} else {
			c.Add(name.Pos, pack.CodeReference, "the pack observes no %q%s", name.Value, pack.Suggest(name.Value, c.propertyNames()))
		}
	}
	for _, n := range on {
		k := c.pack.Kind(c.pack.ID(n.Value))
		switch {
		case n.Value == "": // noted by the decoder
		case k == nil:
			c.Add(n.Pos, pack.CodeReference, "the pack has no kind of asset %q%s", n.Value, pack.Suggest(n.Value, c.kindNames()))
		case prop.ID != "" && !slices.Contains(k.Measures, prop.ID):
			c.Add(n.Pos, pack.CodeReference, "a %s does not measure %s", n.Value, name.Value)
		default:
			kinds = append(kinds, *k)
		}
	}
	return prop, kinds
}

func (c *compiler) joins(doc *joinsDoc, d *Detector) {
	j := &Joins{Within: doc.Within.Value, Near: doc.Near.Value, InOrder: doc.InOrder}
	d.members = map[string][]int{}
	for i := range doc.Of {
		m := &doc.Of[i]
		x := Member{AtLeast: m.AtLeast}
		twice := slices.IndexFunc(doc.Of[:i], func(o memberDoc) bool {
			return o.Alert.Value == m.Alert.Value && o.From.Value == m.From.Value && o.Reports.Value == m.Reports.Value
		})
		if what := cmp.Or(m.Alert, m.Reports); twice >= 0 && what.Value != "" {
			c.Add(what.Pos, pack.CodeTwice, "%s is joined a second time; the first is in line %d, and one signal counts once", what.Value, cmp.Or(doc.Of[twice].Alert, doc.Of[twice].Reports).Line)
		}
		switch {
		case !m.Alert.IsZero():
			x.Alert = c.pack.ID(m.Alert.Value)
			if !strings.Contains(m.Alert.Value, "/") && !slices.Contains(c.ids, m.Alert.Value) {
				c.Add(m.Alert.Pos, pack.CodeReference, "the pack has no detector %q%s", m.Alert.Value, pack.Suggest(m.Alert.Value, c.ids))
			}
			x.From = Blue
			if !m.From.IsZero() {
				x.From = c.level(m.From)
			}
			d.members[x.Alert] = append(d.members[x.Alert], i)
		case !m.Reports.IsZero():
			if doc.Near.IsZero() {
				c.Add(m.Reports.Pos, pack.CodeRequired, "a report names a point, so joins needs near, the metres around a place within which it counts")
			}
			x.Reports = c.pack.ID(m.Reports.Value)
			c.reports(m, &x)
			d.members[x.Reports] = append(d.members[x.Reports], i)
		}
		id := x.Alert + x.Reports
		if x.Title = c.titles[id]; x.Title == (Wording{}) {
			x.Title = Wording{id, id}
		}
		j.Of = append(j.Of, x)
	}
	d.Joins = j
}

func (c *compiler) reports(m *memberDoc, x *Member) {
	var names []string
	found := strings.Contains(m.Reports.Value, "/")
	for _, cat := range c.pack.Categories {
		names = append(names, strings.TrimPrefix(cat.ID, c.pack.Name+"/"))
		if cat.ID != x.Reports {
			continue
		}
		found = true
		if !cat.Place {
			c.Add(m.Reports.Pos, pack.CodePerson, "the category %q is not about places, and detectors read no other", m.Reports.Value)
		}
	}
	if !found {
		c.Add(m.Reports.Pos, pack.CodeReference, "the pack has no category %q%s", m.Reports.Value, pack.Suggest(m.Reports.Value, names))
	}
}

// circles notes rules that suppress each other, so that nobody is told of either, and those that join what can't be joined: the
// alert of a rule that joins others itself (see Engine.pass).
func (c *compiler) circles(docs []ruleDoc, ds []*Detector) {
	index := map[string]int{}
	for i, d := range ds {
		index[d.ID] = i
	}
	for i, d := range ds {
		if d.Joins == nil {
			continue
		}
		for m, of := range d.Joins.Of {
			if x, there := index[of.Alert]; there && ds[x].Joins != nil {
				c.Add(docs[i].Joins.Of[m].Alert.Pos, pack.CodeCircle, "%s joins others itself; only rules that judge readings can be joined", c.short(of.Alert))
			}
		}
	}
	var way []int
	closed := make([]bool, len(ds))
	var follow func(i int)
	follow = func(i int) {
		way = append(way, i)
		for k, by := range ds[i].SuppressedBy {
			x, there := index[by]
			from := slices.Index(way, x)
			switch {
			case !there || closed[x]:
			case from < 0:
				follow(x)
			case x == i:
				c.Add(docs[i].SuppressedBy[k].Pos, pack.CodeCircle, "a detector can't suppress itself")
			default:
				var names []string
				for _, w := range way[from:] {
					names = append(names, c.short(ds[w].ID))
				}
				c.Add(docs[i].SuppressedBy[k].Pos, pack.CodeCircle, "%s suppress each other: while their alerts stand, nobody is told of any", strings.Join(names, " and "))
			}
		}
		way, closed[i] = way[:len(way)-1], true
	}
	for i := range ds {
		if !closed[i] {
			follow(i)
		}
	}
}

// budget is how many false alarms a day the owner allows for one of the instruments.
func (c *compiler) budget(doc *ruleDoc, d *Detector) {
	b := doc.Budget
	if b == nil || b.Series.Value <= 0 {
		return
	}
	d.falseAlarms = b.Alarms.Value / b.Series.Value
	for i := range doc.Derives {
		if x := &doc.Derives[i].Value; x.Unusual != nil || x.Shift != nil || x.Hour != nil || x.Extreme != nil || x.Jointly != nil {
			d.statistics++
		}
	}
	switch q := d.falseAlarms * d.Every.Hours() / 24; {
	case d.statistics == 0:
		c.Add(b.Pos, pack.CodeValue, "no variable of the rule takes its limit from a budget")
	case q > 0.1:
		c.Add(b.Pos, pack.CodeValue, "the budget allows a false alarm every %.1f readings; no detector is needed for that", 1/q)
	}
}

var variableNames = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// reserved are placeholders of texts that no variable may be called by.
var reserved = []string{"value", "unit", "level", "duration", "asset", "place", "area", "signals", "deviating", "raises"}

func (c *compiler) variableName(key pack.String, d *Detector) {
	switch {
	case !variableNames.MatchString(key.Value):
		hint := ", such as rain_3h"
		if variableNames.MatchString(underscored(key)) {
			hint = fmt.Sprintf(", did you mean %q?", underscored(key))
		}
		c.Add(key.Pos, pack.CodeValue, "%q is no name of a variable; these are lower-case words of a-z and 0-9 joined by underscores%s", key.Value, hint)
	case slices.Contains(reserved, key.Value), slices.ContainsFunc(d.vars, func(v variable) bool { return v.name == key.Value }):
		c.Add(key.Pos, pack.CodeTwice, "%q means something already; give the variable another name", key.Value)
	}
}

// underscored is a name as conditions can speak of it: one that was joined by hyphens is noted, and taken as it was meant.
func underscored(key pack.String) string { return strings.ReplaceAll(key.Value, "-", "_") }

func (c *compiler) variables(doc *ruleDoc, d *Detector) {
	for i := range doc.Derives {
		e := &doc.Derives[i]
		c.variableName(e.Key, d)
		if d.Joins != nil {
			c.Add(e.Key.Pos, pack.CodeValue, "a detector that joins others derives nothing")
			continue
		}
		d.vars = append(d.vars, c.derived(d, underscored(e.Key), &e.Value))
	}
}

func (d *Detector) variableNames() []string {
	names := make([]string, len(d.vars))
	for i, v := range d.vars {
		names[i] = v.name
	}
	return names
}

func (d *Detector) units() []string {
	units := make([]string, len(d.vars))
	for i, v := range d.vars {
		units[i] = v.unit
	}
	return units
}

func (c *compiler) level(s pack.String) Level {
	level, err := ParseLevel(s.Value)
	if err != nil || level == None {
		hint := pack.Suggest(s.Value, Levels)
		if hint == "" {
			hint = "; there are blue, yellow, orange and red"
		}
		c.Add(s.Pos, pack.CodeLevel, "unknown level %q%s", s.Value, hint)
	}
	return level
}

func (c *compiler) levels(doc *ruleDoc, d *Detector) {
	conditions, err := pack.NewConditions(d.variableNames()...)
	if err != nil {
		return // a name that is no name was noted
	}
	conditions = conditions.In(d.units()...)
	if reaches := d.reaches(doc); !c.trial {
		conditions = conditions.Within(reaches)
	}
	several := d.Together
	for _, e := range doc.Levels {
		level := c.level(e.Key)
		if level == None {
			continue
		}
		l := e.Value
		switch {
		case !l.Within.IsZero() && l.For.Value == 0 && !c.trial:
			c.Add(l.Within.Pos, pack.CodeValue, "within says over how long the time of \"for\" may be gathered in pieces; without a for it does nothing")
		case !l.Within.IsZero() && l.Within.Value < l.For.Value:
			c.Add(l.Within.Pos, pack.CodeValue, "%s can't be gathered within %s", span(l.For.Value).EN, span(l.Within.Value).EN)
		case several && l.For.Value > 0 && l.Within.IsZero():
			c.Add(l.For.Pos, pack.CodeRequired, "with several instruments together no run is unbroken; say within how long %s may be gathered", span(l.For.Value).EN)
		}
		d.Levels = append(d.Levels, RuleLevel{Level: level, When: conditions.Compile(l.When, &c.Diagnostics), For: l.For.Value, Within: l.Within.Value})
	}
	slices.SortStableFunc(d.Levels, func(a, b RuleLevel) int { return int(a.Level) - int(b.Level) })
	if doc.Clear != nil {
		d.Clear, d.ClearFor = conditions.Compile(doc.Clear.When, &c.Diagnostics), doc.Clear.For.Value
	}
}

// management compiles what keeps alerts few.
func (c *compiler) management(doc *ruleDoc, d *Detector) {
	switch at := doc.Silent; {
	case d.Joins != nil && !at.IsZero():
		c.Add(at.Pos, pack.CodeValue, "a detector that joins others has no instruments that could fall silent")
	case !at.IsZero():
		c.silence(at, d)
	}
	d.Stuck = c.stuck(doc.Stuck, d, d.watched()...)
	if doc.Stuck != nil && d.Joins != nil {
		c.Add(doc.Stuck.Pos, pack.CodeValue, "a detector that joins others has no instruments that could be stuck")
	}
	if x := doc.Chatter; x != nil {
		d.Chatter = &Chatter{Raises: x.Raises, Within: x.Within.Value, Settle: x.Settle.Value}
	}
	for _, n := range doc.SuppressedBy {
		d.SuppressedBy = append(d.SuppressedBy, c.suppressor(n))
	}
	for _, n := range doc.Upstream { // its own, too: of several outages in a row the first explains the others
		d.SuppressedUpstream = append(d.SuppressedUpstream, c.suppressor(n))
		if d.Joins != nil {
			c.Add(n.Pos, pack.CodeValue, "a detector that joins others stands at a place, and not in a network; say it of those that it joins")
		}
	}
}

// suppressor is the id of a detector that explains alerts of another.
func (c *compiler) suppressor(n pack.String) string {
	name := strings.TrimPrefix(n.Value, c.pack.Name+"/")
	if name != "" && !strings.Contains(name, "/") && !slices.Contains(c.ids, name) {
		c.Add(n.Pos, pack.CodeReference, "the pack has no detector %q%s", name, pack.Suggest(name, c.ids))
	}
	return c.pack.ID(n.Value)
}

func (c *compiler) silence(after pack.Duration, d *Detector) {
	if after.Value < d.Every {
		c.Add(after.Pos, pack.CodeValue, "silent_after is shorter than %s, the time between two readings", span(d.Every).EN)
	}
}

// SilenceOf is after how long an instrument of an input is silent, 0: never. A detector without inputs has input 0.
func (d *Detector) SilenceOf(input int) time.Duration {
	if input < len(d.Inputs) {
		return d.Inputs[input].SilentAfter
	}
	return d.SilentAfter
}

// misses says whether somebody is told when an instrument of a property on a kind of asset falls silent.
func (d *Detector) misses(property, kind string) bool { return d.missedAfter(property, kind) > 0 }

// missedAfter is after how long somebody is told of that, 0: never.
func (d *Detector) missedAfter(property, kind string) (after time.Duration) {
	if len(d.Inputs) == 0 && d.Watches(property, kind) {
		return d.SilentAfter
	}
	for _, in := range d.Inputs {
		if in.SilentAfter > 0 && in.Property.ID == property && (after == 0 || in.SilentAfter < after) &&
			slices.ContainsFunc(in.Kinds, func(k pack.Kind) bool { return k.ID == kind }) {
			after = in.SilentAfter
		}
	}
	return after
}

// stuck compiles when instruments of some properties count as stuck, nil where nothing says so.
func (c *compiler) stuck(doc *stuckDoc, d *Detector, of ...pack.Property) *Stuck {
	if doc == nil {
		return nil
	}
	s := &Stuck{After: doc.After.Value, By: doc.By.Value, move: series.Move{Resolution: doc.By.Value, Every: 2 * micros(d.Every)}}
	if over, err := pack.NewConditions("value"); err == nil && !doc.Except.IsZero() {
		if !c.trial && len(of) == 1 && of[0].ID != "" {
			over = over.Within([]pack.Reach{reachOf(of[0])})
		}
		s.Except = over.Compile(doc.Except, &c.Diagnostics)
	}
	if !doc.After.IsZero() && doc.After.Value < 2*d.Every {
		c.Add(doc.After.Pos, pack.CodeValue, "after is shorter than two readings, %s", span(2*d.Every).EN)
	}
	return s
}

// watched are the properties that the detector's instruments measure.
func (d *Detector) watched() (of []pack.Property) {
	if d.Joins != nil {
		return nil
	}
	if len(d.Inputs) == 0 {
		return []pack.Property{d.Property}
	}
	for _, in := range d.Inputs {
		if !slices.ContainsFunc(of, func(p pack.Property) bool { return p.ID == in.Property.ID }) {
			of = append(of, in.Property)
		}
	}
	return of
}

// stuckOf says when an instrument of an input is stuck, nil where it never is: what the input says, else what the rule does.
func (d *Detector) stuckOf(input int) *Stuck {
	if input < len(d.Inputs) && d.Inputs[input].Stuck != nil {
		return d.Inputs[input].Stuck
	}
	return d.Stuck
}

func (c *compiler) opens(doc *ruleDoc, d *Detector) {
	o := doc.Opens
	if o == nil || o.From.Value == "" {
		return
	}
	from := c.level(o.From)
	if from != None && len(d.Levels) > 0 && from > d.Levels[len(d.Levels)-1].Level {
		c.Add(o.From.Pos, pack.CodeLevel, "the rule never raises %s, so it would never open the case", from)
	}
	d.Opens = Opens{Case: o.Case.Value, Plan: o.Plan.Value, From: from}
}

// fixed are the placeholders that every text may use; the names of variables come to these.
var fixed = []string{"value", "unit", "level", "duration", "asset", "place", "area", "deviating"}

var placeholder = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)

func (c *compiler) template(doc *ruleDoc, d *Detector) {
	known := slices.Clone(fixed)
	for _, v := range d.vars {
		if !slices.Contains(known, v.name) {
			known = append(known, v.name)
		}
	}
	for _, s := range []pack.String{doc.Because.EN, doc.Because.ZH} {
		if strings.ContainsAny(placeholder.ReplaceAllString(s.Value, ""), "{}") {
			c.Add(s.Pos, pack.CodeTemplate, "a brace stands here that belongs to no placeholder; people would read it. A placeholder is written {{value}}")
		}
		for _, m := range placeholder.FindAllStringSubmatch(s.Value, -1) {
			if word := m[1]; !slices.Contains(known, word) {
				c.Add(s.Pos, pack.CodeTemplate, "nothing fills {{%s}}%s there are %s", word, orSemicolon(pack.Suggest(word, known)), strings.Join(known, ", "))
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
func (d *Detector) fingerprint(doc *ruleDoc) string {
	h := sha256.New()
	fmt.Fprintln(h, stateVersion, d.ID, d.Property.ID, d.Property.Range, d.scope, d.Together, d.delays, d.Late, d.falseAlarms, d.Quiet)
	for _, in := range d.Inputs {
		fmt.Fprintln(h, in.Name, in.Property.ID, in.Property.Range, in.Combine)
		if !math.IsNaN(in.Unknown) {
			fmt.Fprintln(h, "unknown", in.Unknown)
		}
		if s := in.Stuck; s != nil {
			fmt.Fprintln(h, "stuck", s.After, s.By, source(s.Except))
		}
	}
	for _, e := range doc.Derives {
		fmt.Fprintln(h, e.Key.Value, pack.Plain(e.Value))
	}
	for _, l := range d.Levels {
		fmt.Fprintln(h, l.Level, source(l.When))
	}
	fmt.Fprintln(h, source(d.Clear))
	if d.Stuck != nil {
		fmt.Fprintln(h, "stuck", d.Stuck.After, d.Stuck.By, source(d.Stuck.Except))
	}
	if d.Chatter != nil {
		fmt.Fprintln(h, "chatter", *d.Chatter)
	}
	if d.Joins != nil {
		fmt.Fprintln(h, "joins", *d.Joins)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

func source(c *pack.Condition) string {
	if c == nil {
		return ""
	}
	return c.Source()
}

// Watches says whether the detector judges readings of a property of a kind of asset.
func (d *Detector) Watches(property, kind string) bool {
	is := func(p pack.Property, kinds []pack.Kind) bool {
		return p.ID == property && slices.ContainsFunc(kinds, func(k pack.Kind) bool { return k.ID == kind })
	}
	if len(d.Inputs) == 0 {
		return is(d.Property, d.Kinds)
	}
	return slices.ContainsFunc(d.Inputs, func(in Input) bool { return is(in.Property, in.Kinds) })
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
