package engine

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/anlan-city/anlan/internal/methods/joint"
	"github.com/anlan-city/anlan/internal/methods/series"
	"github.com/anlan-city/anlan/internal/pack"
)

// quantile is the probability of a false alarm per value of a variable that the budget allows, when all statistical
// variables of the rule share it.
func (c *compiler) quantile(d *Detector, perDay float64) float64 {
	return d.falseAlarms / float64(max(d.statistics, 1)) / perDay
}

// statistical compiles a variable that is a multiple of the limit that the budget sets.
func (c *compiler) statistical(d *Detector, of int, doc *deriveDoc, v *variable, base variable) {
	if doc.Unusual == nil && doc.Shift == nil && doc.Hour == nil && doc.Extreme == nil && doc.Jointly == nil {
		return // what it is made of was not understood, and is noted
	}
	if d.falseAlarms == 0 {
		c.Add(doc.Pos, pack.CodeRequired, "%s needs a budget: its limit follows from how many false alarms the owner allows", v.name)
		return
	}
	v.ratio, v.unit = true, ""
	q := c.quantile(d, base.perDay)
	said := func(en, zh string) { v.said = Wording{en, zh} }
	switch {
	case doc.Unusual != nil:
		p := series.EverydayFor(q)
		said("unusual "+base.said.EN, base.said.ZH+"异常程度")
		v.fresh = follows(of, func(s *series.Everyday, _ *known, at int64, x float64) float64 { return s.Next(&p, at, x).Score })
	case doc.Shift != nil:
		c.shift(of, doc.Shift, v, base, q)
		said("shift of "+base.said.EN, base.said.ZH+"均值偏移")
	case doc.Hour != nil:
		c.hour(d, of, doc.Hour, v, q)
		said(base.said.EN+" unlike the hour", base.said.ZH+"偏离同期规律")
	case doc.Extreme != nil:
		c.extreme(of, doc.Extreme, v, q)
		said("extreme "+base.said.EN, base.said.ZH+"极端程度")
	case doc.Jointly != nil:
		c.jointly(d, doc.Jointly, v, q)
		said("deviation from how they go together", "偏离联动关系程度")
	}
}

var sides = map[string]series.Side{"up": series.Up, "down": series.Down, "both": series.Both}

func (c *compiler) shift(of int, doc *shiftDoc, v *variable, base variable, q float64) {
	learn := math.Round(doc.Learn.Value.Hours() / 24 * base.perDay)
	least := 200.0
	if base.perDay <= 1 {
		least = 14
	}
	if !doc.Learn.IsZero() && learn < least {
		c.Add(doc.Learn.Pos, pack.CodeValue, "learn is %g values, fewer than %g, from which no mean is known well enough", learn, least)
		return
	}
	p := series.CUSUMFor(q, sides[doc.Direction.Value], learn)
	p.Drift = doc.Size.Value / 2
	p.Limit = series.CUSUMLimit(q, p.Drift, sidesOf(doc.Direction.Value))
	if !doc.Forget.IsZero() {
		p.Follow = doc.Forget.Value.Hours() / 24 * base.perDay
	}
	v.fresh = follows(of, func(s *series.Shift, _ *known, at int64, x float64) float64 { return s.Next(&p, at, x) })
}

func sidesOf(direction string) int {
	if direction == "both" {
		return 2
	}
	return 1
}

// hour is the profile of the week. Its limit is for both sides together, so one side alone takes twice the probability.
func (c *compiler) hour(d *Detector, of int, doc *hourDoc, v *variable, q float64) {
	p := series.ProfileParams{Learn: micros(doc.Learn.Value), Memory: 20, Level: micros(doc.Follow.Value), Every: micros(d.Every), Q: min(2*q/float64(sidesOf(doc.Direction.Value)), 0.5)}
	direction := doc.Direction.Value
	v.fresh = follows(of, func(s *series.Profile, k *known, at int64, x float64) float64 {
		p := p
		p.Zone = k.zone
		dev, ok := s.Next(&p, at, x)
		if !ok || direction == "up" && dev.Z < 0 || direction == "down" && dev.Z > 0 {
			return 0
		}
		return dev.Score
	})
}

func (c *compiler) extreme(of int, doc *extremeDoc, v *variable, q float64) {
	p := &series.SpotParams{Learn: doc.Learn, Tail: 0.02, Q: q, Depth: doc.Mean, Two: doc.Direction.Value == "both"}
	if q >= p.Tail {
		c.Add(doc.Pos, pack.CodeValue, "the budget allows a false alarm every %.0f values; what is extreme is rarer than one in 50", 1/q)
		return
	}
	sign := 1.0
	if doc.Direction.Value == "down" {
		sign = -1
	}
	v.fresh = follows(of, func(s *series.Spot, _ *known, at int64, x float64) float64 {
		score, _ := s.Next(p, at, sign*x)
		return score
	})
}

// balance is the cell of a zone's balance.
type balance struct {
	params *joint.BalanceParams
	inputs []int // of which variable each term is
	state  joint.Balance
	last   float64
}

func (c *compiler) balance(d *Detector, doc *balanceDoc, v *variable) {
	p := &joint.BalanceParams{Every: max(micros(doc.Interval.Value), micros(d.Every)), MaxAge: micros(d.Every), Cover: 0.5}
	if doc.Interval.IsZero() {
		p.Every = max(int64(usHour), micros(d.Every))
	}
	var inputs []int
	term := func(name pack.String, role joint.Role, factor float64) {
		for i, in := range d.Inputs {
			if in.Name == name.Value {
				inputs = append(inputs, i)
				p.Terms = append(p.Terms, joint.Term{Role: role, Factor: factor})
				return
			}
		}
		if name.Value != "" {
			c.Add(name.Pos, pack.CodeReference, "there is no input %q%s", name.Value, pack.Suggest(name.Value, d.variableNames()[:d.given]))
		}
	}
	for _, n := range doc.In {
		term(n, joint.In, 1)
	}
	for _, n := range doc.Out {
		term(n, joint.Out, 1)
	}
	for _, s := range doc.Stored {
		term(s.Level, joint.Store, s.Area.Value)
	}
	v.said = Wording{"in minus out minus stored", "流入减流出减蓄变量"}
	v.perDay = 24 * usHour / float64(p.Every)
	if len(inputs) > 0 {
		v.unit = d.Inputs[inputs[0]].Property.Unit
	}
	v.fresh = func() cell { return &balance{params: p, inputs: inputs, last: math.NaN()} }
}

func (b *balance) next(at int64, k *known) (float64, bool) {
	fresh := false
	for term, i := range b.inputs {
		if math.IsNaN(k.vars[i]) {
			continue
		}
		if x, ok := b.state.Next(b.params, term, at, k.vars[i]); ok && x.Complete() {
			b.last, fresh = x.Value(), true
		} else if ok {
			b.last = math.NaN()
		}
	}
	k.unsure[len(k.vars)] = math.IsNaN(b.last) // the newest interval lacks a reading, or none is complete yet
	return b.last, fresh
}

func (b *balance) set(from cell) {
	f := from.(*balance)
	b.last, b.state = f.last, f.state.Clone()
}

func (b *balance) AppendBinary(to []byte) ([]byte, error) {
	return b.state.AppendBinary(appendFloat(to, b.last))
}

func (b *balance) UnmarshalBinary(from []byte) (err error) {
	if b.last, from, err = cutFloat(from); err != nil {
		return err
	}
	return b.state.UnmarshalBinary(from)
}

// chart is the cell of a control chart over all sources of a subject. Which these are is known when they speak: a source more,
// less or in the place of another makes another row of it, so the chart begins anew.
type chart struct {
	rule    *chartRule
	params  *joint.Params
	of      []sensor // the state's, or of what waits
	state   joint.Chart
	last    float64
	guilty  []int
	waiting []byte // a saved state, until the sources have spoken
}

// sensor is a datastream as a part of an input.
type sensor struct {
	id    int64
	input int
}

type chartRule struct {
	joint.Params
	states     []bool // of each input
	resolution float64
}

// Harmonics and lags of a chart: what the hour of the day explains is no deviation, and a level follows from the level before
// and what flowed since. Drift looks back over some ten rows. Bench batadal says how these were chosen.
const (
	chartLags      = 1
	chartHarmonics = 3
	chartFade      = 0.1
	chartExplained = 0.9
)

func (c *compiler) jointly(d *Detector, doc *jointlyDoc, v *variable, q float64) {
	rows := func(span pack.Duration) int { return int(micros(span.Value) / micros(d.Every)) }
	r := &chartRule{resolution: doc.Resolution.Value, states: make([]bool, len(d.Inputs)), Params: joint.Params{
		Every: micros(d.Every), Lags: chartLags, Harmonics: chartHarmonics, Learn: rows(doc.Learn), Calibrate: rows(doc.Calibrate),
		FalseAlarm: q, Explained: chartExplained, Fade: chartFade,
	}}
	for _, n := range doc.States {
		i := slices.IndexFunc(d.Inputs, func(in Input) bool { return in.Name == n.Value })
		if i < 0 {
			c.Add(n.Pos, pack.CodeReference, "there is no input %q%s", n.Value, pack.Suggest(n.Value, d.variableNames()[:d.given]))
			continue
		}
		r.states[i] = true
	}
	least := r.Params
	least.Sensors = make([]joint.Sensor, 2)
	if err := least.Check(); err != nil && !doc.Learn.IsZero() && !doc.Calibrate.IsZero() {
		c.Add(doc.Pos, pack.CodeValue, "%s", err)
	}
	v.fresh = func() cell { return &chart{rule: r} }
}

func (c *chart) next(at int64, k *known) (float64, bool) {
	if c.params == nil || !slices.Equal(c.of, k.of) {
		p := c.rule.Params
		for _, x := range k.of {
			s := joint.Sensor{State: c.rule.states[x.input]}
			if !s.State {
				s.Resolution = c.rule.resolution
			}
			p.Sensors = append(p.Sensors, s)
		}
		if c.guilty = nil; p.Check() != nil {
			return 0, false // too few instruments, or too short a learning for so many
		}
		c.params, c.state = &p, joint.Chart{}
		if c.waiting != nil && (!slices.Equal(c.of, k.of) || c.state.UnmarshalBinary(c.waiting) != nil) {
			c.state = joint.Chart{}
		}
		c.of, c.waiting = slices.Clone(k.of), nil
	}
	r := c.state.Next(c.params, at, k.sources)
	c.last, c.guilty = r.Score(), c.guilty[:0]
	for i, by := range r.By {
		if by >= 1 {
			c.guilty = append(c.guilty, i)
		}
	}
	slices.SortStableFunc(c.guilty, func(a, b int) int {
		switch {
		case r.By[a] > r.By[b]:
			return -1
		case r.By[a] < r.By[b]:
			return 1
		}
		return 0
	})
	c.guilty = c.guilty[:min(len(c.guilty), maxDeviating)]
	if c.last < 1 { // what an input that is unknown would say can only add to it
		k.unsure[len(k.vars)] = slices.Contains(k.unsure[:len(c.rule.states)], true)
	}
	return c.last, true
}

// maxDeviating is how many sources an alert names, the worst first.
const maxDeviating = 5

func (c *chart) deviating() []int { return slices.Clone(c.guilty) }

func (c *chart) set(from cell) {
	f := from.(*chart)
	c.params, c.of, c.last, c.waiting, c.guilty = f.params, f.of, f.last, f.waiting, slices.Clone(f.guilty)
	c.state = f.state.Clone()
}

// AppendBinary begins with a 0 where an earlier form had the number of sources, of which it did not say which they are.
func (c *chart) AppendBinary(b []byte) ([]byte, error) {
	b = append(appendFloat(b, c.last), 0)
	if c.waiting == nil && c.params == nil {
		return b, nil
	}
	b = binary.AppendUvarint(b, uint64(len(c.of)))
	for _, x := range c.of {
		b = binary.AppendUvarint(binary.AppendVarint(b, x.id), uint64(x.input))
	}
	if c.waiting != nil {
		return append(b, c.waiting...), nil
	}
	return c.state.AppendBinary(b)
}

func (c *chart) UnmarshalBinary(b []byte) (err error) {
	damaged := errors.New("chart: a saved state is damaged")
	if c.last, b, err = cutFloat(b); err != nil {
		return err
	}
	c.params, c.of, c.waiting = nil, nil, nil
	form, size := binary.Uvarint(b)
	if size <= 0 {
		return damaged
	}
	if b = b[size:]; form != 0 || len(b) == 0 { // the earlier form, or nothing
		return nil
	}
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)) {
		return damaged
	}
	b = b[size:]
	for range n {
		id, size := binary.Varint(b)
		if size <= 0 {
			return damaged
		}
		b = b[size:]
		input, size := binary.Uvarint(b)
		if size <= 0 {
			return damaged
		}
		b = b[size:]
		c.of = append(c.of, sensor{id, int(input)})
	}
	c.waiting = slices.Clone(b)
	return nil
}
