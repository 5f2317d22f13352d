package joint

import "math"

// Rule is a bound that learned rows always kept: while a state goes From one value To another (or stays), Sensor is never
// above, or below, Bound. It is how a pump that is switched by the level of a tank, or the flow that a running pump must
// have, shows in the data, without being told.
type Rule struct {
	State    int  // the column of the state, -1 for a rule that holds always
	From, To bool // the state one row before, and now
	Before   bool // Bound is for the sensor's reading one row before, else for the one now
	Sensor   int
	High     bool // Bound is the most, else the least
	Bound    float64
}

const (
	// ruleTail is how many extremes a bound is drawn from.
	ruleTail = 8
	// ruleRows is how many rows a condition must have been seen in before it makes rules.
	ruleRows = 50
	// alike is how many rows in a row count as one: what flows and fills changes over hours, not from row to row. On the
	// normal year of BATADAL 1 to 6 made no more difference than two alerts in 8,761 hours.
	alike = 3
	// broken stands for the count of a bound that was broken.
	broken = -1
)

// rules learns the extremes of every sensor under every condition, that is: always, and for each state under each of
// its four steps, now and one row before. Few of these bounds say anything; admit keeps those that do.
type rules struct {
	conditions []condition
	counted    int    // rows that count has seen
	admitted   []rule // while Watching
}

// condition is what was seen while one condition held; slices are by sensor.
type condition struct {
	state    int // -1: always
	from, to bool
	before   bool

	n         int
	low, high []tail // of -x and x

	// from bind on
	least, most    []float64 // the extremes seen until then
	floor, ceiling []float64 // the bounds
	under, above   []int32   // rows that lay beyond the extremes, whether or not the condition held; or broken
}

type rule struct {
	Rule
	seen float64 // the extreme that was seen
}

func newRules(p *Params) rules {
	r := rules{conditions: []condition{newCondition(p, condition{state: -1})}}
	for i, sensor := range p.Sensors {
		if !sensor.State {
			continue
		}
		for bits := range 8 {
			r.conditions = append(r.conditions, newCondition(p, condition{state: i, from: bits&1 != 0, to: bits&2 != 0, before: bits&4 != 0}))
		}
	}
	return r
}

func newCondition(p *Params, c condition) condition {
	n := len(p.Sensors)
	c.low, c.high = make([]tail, n), make([]tail, n)
	return c
}

// reading is the row that the condition speaks of, nil while it doesn't hold.
func (c *condition) reading(row, before []float64) []float64 {
	switch {
	case c.state < 0:
		return row
	case before == nil || !is(row[c.state], c.to) || !is(before[c.state], c.from):
		return nil
	case c.before:
		return before
	}
	return row
}

// is tells whether a state has the value; a missing one has none.
func is(x float64, on bool) bool { return !math.IsNaN(x) && (x > 0.5) == on }

// learn takes a complete row.
func (r *rules) learn(p *Params, row, before []float64) {
	for i := range r.conditions {
		c := &r.conditions[i]
		x := c.reading(row, before)
		if x == nil {
			continue
		}
		if c.n == 0 {
			for k := range c.low {
				c.low[k], c.high[k] = newTail(ruleTail), newTail(ruleTail)
			}
		}
		c.n++
		for k, v := range x {
			c.low[k].add(-v)
			c.high[k].add(v)
		}
	}
}

// size is how many one-sided bounds are learned.
func (r *rules) size() int {
	var n int
	for i := range r.conditions {
		if c := &r.conditions[i]; c.n >= ruleRows {
			n += 2 * len(c.low)
		}
	}
	return max(n, 1)
}

// bind sets the bounds from what was learned so far, m among it, each with probability chance of being passed on a normal
// row.
func (r *rules) bind(p *Params, m *moments, chance float64) {
	for i := range r.conditions {
		c := &r.conditions[i]
		if c.n < ruleRows {
			continue
		}
		if c.floor == nil {
			n := len(c.low)
			c.least, c.most, c.floor, c.ceiling = make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
			c.under, c.above = make([]int32, n), make([]int32, n)
		}
		for k := range c.low {
			step := max(p.Sensors[k].Resolution, finest*math.Sqrt(max(m.cov(k, k), 0)), 1e-9*max(1, math.Abs(c.high[k].top[0])))
			c.least[k], c.most[k] = -c.low[k].top[0], c.high[k].top[0]
			c.ceiling[k] = max(c.high[k].limit(chance), c.most[k]+step)
			c.floor[k] = min(-c.low[k].limit(chance), c.least[k]-step)
		}
	}
}

// count takes a row that was not learned: how many of such rows lie beyond each extreme, whether or not the condition
// holds, and which bounds are broken while it does. It returns the worst breach.
func (r *rules) count(row, before []float64) (worst float64) {
	r.counted++
	for i := range r.conditions {
		c := &r.conditions[i]
		x := c.reading(row, before)
		for k := range c.above {
			if row[k] > c.most[k] && c.above[k] != broken {
				c.above[k]++
			}
			if row[k] < c.least[k] && c.under[k] != broken {
				c.under[k]++
			}
			if x == nil || k == c.state {
				continue
			}
			up, down := breach(x[k], c.most[k], c.ceiling[k]), breach(x[k], c.least[k], c.floor[k])
			worst = max(worst, up, down)
			if up >= 1 {
				c.above[k] = broken
			}
			if down >= 1 {
				c.under[k] = broken
			}
		}
	}
	return worst
}

// breach is how far x lies beyond the extreme that was seen, 1 when it is at the bound; negative within.
func breach(x, seen, bound float64) float64 { return (x - seen) / (bound - seen) }

// admit draws the final bounds and keeps those that say something.
//
// When a share f of all rows lies beyond the extreme, and n rows met the condition, then a sensor that had nothing to do
// with the condition would have kept to it with probability (1-f)^n, were the rows independent. Only where that is under
// chance, which is f n > -ln chance, with n rows counted as n/alike, the bound is a rule: that a pump was not seen running
// in ten rows says nothing when it ran in one of five hundred. A bound that count saw broken is no rule either. What holds
// always is kept for any sensor.
//
// widen is by how much the bounds must lie further beyond the extremes than their own tails say, so that all together
// keep the budget on the rows of count: their extremes are few, and some sensors have two humps.
func (r *rules) admit(p *Params, m *moments, chance, widen float64) {
	r.bind(p, m, chance)
	for i := range r.conditions {
		c := &r.conditions[i]
		says := func(beyond int32) bool {
			share := float64(beyond) / float64(r.counted)
			return c.state < 0 || share*float64(c.n)/alike >= -math.Log(chance)
		}
		for k := range c.above {
			if k == c.state {
				continue
			}
			add := func(high bool, seen, bound float64) {
				r.admitted = append(r.admitted, rule{Rule{c.state, c.from, c.to, c.before, k, high, seen + widen*(bound-seen)}, seen})
			}
			if says(c.above[k]) {
				add(true, c.most[k], c.ceiling[k])
			}
			if says(c.under[k]) {
				add(false, c.least[k], c.floor[k])
			}
		}
	}
	r.conditions = nil
}

// judge returns the worst breach and its rule: how far a reading lies beyond the extreme that was seen, as a multiple of
// how far the bound lies beyond it. by gets the breach of each sensor and state.
func (r *rules) judge(p *Params, row, before []float64, by []float64) (worst float64, broken Rule) {
	note := func(breach float64, rule Rule) {
		by[rule.Sensor] = max(by[rule.Sensor], breach)
		if rule.State >= 0 {
			by[rule.State] = max(by[rule.State], breach)
		}
		if breach > worst {
			worst, broken = breach, rule
		}
	}
	for i := range r.admitted {
		a := &r.admitted[i]
		c := condition{state: a.State, from: a.From, to: a.To, before: a.Before}
		if x := c.reading(row, before); x != nil {
			if v := x[a.Sensor]; a.High && v > a.seen || !a.High && v < a.seen {
				note(breach(v, a.seen, a.Bound), a.Rule)
			}
		}
	}
	return worst, broken
}
