package engine

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/pack"
)

// What keeps no rule from running, but is for certain not what its writer wants. Each of these is a warning of the pack.

func (c *compiler) lint(docs []ruleDoc, ds []*Detector) {
	if c.trial {
		return
	}
	for i, d := range ds {
		c.heard(&docs[i], d, ds)
		c.sparse(&docs[i], d, ds)
		c.flaps(&docs[i], d)
		c.unused(&docs[i], d)
		c.clears(&docs[i], d)
		c.from(&docs[i], d, ds)
	}
}

// heard warns of inputs whose instruments may fall silent without anybody being told.
func (c *compiler) heard(doc *ruleDoc, d *Detector, ds []*Detector) {
	for i, in := range d.Inputs {
		if in.SilentAfter > 0 {
			continue
		}
		var mute []string
		for _, k := range in.Kinds {
			if !slices.ContainsFunc(ds, func(x *Detector) bool { return x.misses(in.Property.ID, k.ID) }) {
				mute = append(mute, c.short(k.ID))
			}
		}
		if len(mute) > 0 {
			c.pack.Warn(doc.Inputs[i].Key.Pos, pack.CodeUnheard, "when the %s of a %s falls silent, nobody is told: no rule has silent_after for it",
				c.short(in.Property.ID), strings.Join(mute, " or a "))
		}
	}
}

// maxMissed is how many readings between two an instrument may lose and not be missed, where a span is to be filled with them. One
// that speaks every T fills every/T of it, so that of a lasting T beyond every/leastCover nothing comes. But stations
// lose a reading or two every day; to be told of each would teach people not to look.
const maxMissed = 5

// sparse warns of numbers over a span that may stay unknown for good without anybody being told: the instrument speaks, and too
// rarely to fill the span.
func (c *compiler) sparse(doc *ruleDoc, d *Detector, ds []*Detector) {
	for _, e := range doc.Derives {
		x := &e.Value
		if x.Average.IsZero() && x.Lowest.IsZero() && x.Highest.IsZero() {
			continue
		}
		of := 0
		if !x.Of.IsZero() {
			of = slices.IndexFunc(d.vars[:d.given], func(v variable) bool { return v.name == x.Of.Value })
		}
		if of < 0 {
			continue // what that is made of is looked at by itself
		}
		property, kinds := d.Property, d.Kinds
		if len(d.Inputs) > 0 {
			property, kinds = d.Inputs[of].Property, d.Inputs[of].Kinds
		}
		for _, k := range kinds {
			after := time.Duration(0)
			for _, r := range ds {
				if t := r.missedAfter(property.ID, k.ID); t > 0 && (after == 0 || t < after) {
					after = t
				}
			}
			if after > (maxMissed+1)*d.Every {
				c.pack.Warn(e.Key.Pos, pack.CodeSparse, "%s is unknown while a %s sends its %s more rarely than every %s, and nobody is told of one that is silent for less than %s",
					e.Key.Value, c.short(k.ID), c.short(property.ID), span(d.Every*4/3).EN, span(after).EN)
				break
			}
		}
	}
}

// short is an id without this pack's name; that of another pack stays as it is.
func (c *compiler) short(id string) string { return strings.TrimPrefix(id, c.pack.Name+"/") }

// flaps warns where the alert clears as soon as its lowest level fails, and at once. Where a variable has two values only, as
// a state has, no limit can stand lower; then a time must.
func (c *compiler) flaps(doc *ruleDoc, d *Detector) {
	if d.ClearFor > 0 || len(d.Levels) == 0 || d.Levels[0].When == nil || d.Clear == nil || doc.Clear == nil || d.Chatter != nil {
		return
	}
	between, tried := false, false
	c.against(d, d.Levels[0].When, d.Clear, func(in []float64) bool {
		tried = true
		between = !d.Levels[0].When.Holds(in...) && !d.Clear.Holds(in...)
		return !between
	})
	if tried && !between {
		c.pack.Warn(doc.Clear.When.Pos, pack.CodeFlaps, "clear holds at once where %s does not: readings about the limit raise and clear the alert again and again", d.Levels[0].Level)
	}
}

// unused warns of variables that no condition, no other variable and no text speaks of.
func (c *compiler) unused(doc *ruleDoc, d *Detector) {
	if d.Joins != nil {
		return
	}
	used := map[string]bool{}
	var conditions []*pack.Condition
	for _, l := range d.Levels {
		conditions = append(conditions, l.When)
	}
	for _, v := range d.vars {
		used[v.name] = slices.ContainsFunc(append(conditions, d.Clear), func(x *pack.Condition) bool { return x.Mentions(v.name) })
	}
	for _, m := range placeholder.FindAllStringSubmatch(doc.Because.EN.Value+doc.Because.ZH.Value, -1) {
		used[m[1]] = true
	}
	for _, e := range doc.Derives {
		x := &e.Value
		switch {
		case x.Jointly != nil:
			return // it is made of all inputs
		case x.Balance != nil:
			for _, n := range slices.Concat(x.Balance.In, x.Balance.Out) {
				used[n.Value] = true
			}
			for _, s := range x.Balance.Stored {
				used[s.Level.Value] = true
			}
		case x.Of.IsZero():
			used[d.vars[0].name] = true
		default:
			used[x.Of.Value] = true
		}
	}
	for _, e := range doc.Inputs {
		if !used[e.Key.Value] {
			c.pack.Warn(e.Key.Pos, pack.CodeUnused, "nothing speaks of the input %s", e.Key.Value)
		}
	}
	for _, e := range doc.Derives {
		if !used[e.Key.Value] {
			c.pack.Warn(e.Key.Pos, pack.CodeUnused, "nothing speaks of %s", e.Key.Value)
		}
	}
}

// clears warns where the condition that clears the alert speaks of other variables than all that raise it.
func (c *compiler) clears(doc *ruleDoc, d *Detector) {
	var raise, clear []string
	for _, v := range d.vars {
		if slices.ContainsFunc(d.Levels, func(l RuleLevel) bool { return l.When.Mentions(v.name) }) {
			raise = append(raise, v.name)
		}
		if d.Clear.Mentions(v.name) {
			clear = append(clear, v.name)
		}
	}
	if len(raise) > 0 && len(clear) > 0 && !slices.ContainsFunc(clear, func(v string) bool { return slices.Contains(raise, v) }) {
		c.pack.Warn(doc.Clear.When.Pos, pack.CodeOtherClear, "it clears on %s, but is raised on %s", strings.Join(clear, " and "), strings.Join(raise, " and "))
	}
}

// from warns of a level from which on something happens, and that is never raised.
func (c *compiler) from(doc *ruleDoc, d *Detector, ds []*Detector) {
	check := func(at pack.String, from Level, of *Detector) {
		if at.IsZero() || slices.ContainsFunc(of.Levels, func(l RuleLevel) bool { return l.Level == from }) {
			return
		}
		next := slices.IndexFunc(of.Levels, func(l RuleLevel) bool { return l.Level > from })
		if next < 0 {
			c.pack.Warn(at.Pos, pack.CodeNeverFrom, "%s never raises %s, nor anything above it", c.short(of.ID), from)
			return
		}
		c.pack.Warn(at.Pos, pack.CodeNeverFrom, "%s never raises %s; it will be from %s on", c.short(of.ID), from, of.Levels[next].Level)
	}
	if doc.Opens != nil {
		check(doc.Opens.From, d.Opens.From, d)
	}
	if d.Joins == nil {
		return
	}
	for i, m := range d.Joins.Of {
		if x := slices.IndexFunc(ds, func(x *Detector) bool { return x.ID == m.Alert }); x >= 0 {
			check(doc.Joins.Of[i].From, m.From, ds[x])
		}
	}
}

// decided notes a level, or a clear condition, whose comparisons each may hold and which as a whole never does, or always
// does: and where or was meant. What only intervals tell, pack.Conditions has noted.
func (c *compiler) decided(doc *ruleDoc, d *Detector) {
	try := func(when *pack.Condition, at pack.Pos) {
		values := make([][]float64, len(d.vars))
		total := 1
		for i, v := range d.vars {
			if values[i] = []float64{0}; when.Mentions(v.name) {
				if values[i] = v.reach.Reached(v.name, when); values[i] == nil {
					return
				}
				if v.reach.Unknown {
					values[i] = append(values[i], math.NaN())
				}
			}
			if total *= len(values[i]); total > maxProbes {
				return
			}
		}
		in := make([]float64, len(d.vars))
		for n := range total {
			for i := range values {
				in[i] = values[i][n%len(values[i])]
				n /= len(values[i])
			}
			if when.Holds(in...) {
				return
			}
		}
		c.Add(at, pack.CodeDecided, "%s can never hold: its parts exclude each other", when.Source())
	}
	for _, l := range d.Levels {
		if l.When != nil {
			try(l.When, doc.level(l.Level).When.Pos)
		}
	}
	if d.Clear != nil {
		try(d.Clear, doc.Clear.When.Pos)
	}
}

// Watch says what is told of the instruments themselves: when they are silent, and when they are stuck.
func (d *Detector) Watch() []Wording {
	var all []Wording
	silence := func(after time.Duration, en, zh string) {
		if after > 0 {
			all = append(all, Wording{fmt.Sprintf("%s that says nothing for %s is a finding of its own.", en, span(after).EN), fmt.Sprintf("%s超过%s无数据即告警。", zh, span(after).ZH)})
		}
	}
	if d.SilentAfter > 0 || len(d.Inputs) == 0 {
		silence(d.SilentAfter, "An instrument", "仪器")
	}
	for _, in := range d.Inputs {
		if in.SilentAfter != d.SilentAfter {
			silence(in.SilentAfter, "An instrument of “"+in.Property.Title.In("en")+"”", "“"+in.Property.Title.In("zh-CN")+"”仪器")
		}
	}
	say := func(s *Stuck, of pack.Property, named bool) {
		if s == nil {
			return
		}
		en, zh := "An instrument", "仪器"
		if named {
			en, zh = "An instrument of “"+of.Title.In("en")+"”", "“"+of.Title.In("zh-CN")+"”仪器"
		}
		w := Wording{fmt.Sprintf("%s that sends the same value for %s is a finding of its own", en, span(s.After).EN), fmt.Sprintf("%s数值连续%s不变即告警", zh, span(s.After).ZH)}
		if s.By > 0 {
			unit := strings.TrimSpace(pack.FormatNumber(s.By) + " " + strings.TrimPrefix(of.Unit, "1"))
			w.EN += fmt.Sprintf("; a change of up to %s is none", unit)
			w.ZH += fmt.Sprintf("，变幅不超过 %s 视为不变", unit)
		}
		if s.Except != nil {
			at := s.Except.Words(func(string) (string, string) { return "", strings.TrimPrefix(of.Unit, "1") }, " and ", " or ", "not ")
			w.EN += "; but not at " + at
			w.ZH += "，" + at + " 时除外"
		}
		all = append(all, Wording{w.EN + ".", w.ZH + "。"})
	}
	if len(d.Inputs) == 0 {
		say(d.Stuck, d.Property, false)
		return all
	}
	said := map[*Stuck]bool{}
	for i, in := range d.Inputs {
		if s := d.stuckOf(i); !said[s] {
			said[s] = true
			say(s, in.Property, in.Stuck != nil)
		}
	}
	return all
}
