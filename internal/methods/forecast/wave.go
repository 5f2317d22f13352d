package forecast

import "math"

// River says how a wave runs down a chain of gauges, uppermost first. The same River serves any number of states and is
// read-only. FitRiver makes one from the levels of a single wave.
type River struct {
	Step  int64 // µs between two levels of the model: the usual span between readings
	Back  int   // steps of the past that are kept: all travel times and a few times each Store, so that any gauge may be silent
	Ahead int   // steps that a forecast reaches

	Reaches []Reach // from each gauge to the next one
	Base    float64 // level (m) to which the uppermost gauge falls back, and
	Recede  int64   // the time constant of its falling, µs: all that is known of what comes from further up

	// Forget is the time constant, µs, with which a gauge's difference from the routed level fades: it stands for side
	// streams, which come from the same rain.
	Forget int64

	// Slack is by how much, µs, a front may be early or late before the difference is taken for water. Without it every
	// steep front that is a quarter of an hour early would announce half a metre.
	Slack int64

	// Floor (m) and Part are the error that a forecast is allowed: Part of the change that it foretells, Floor at least.
	Floor, Part float64
	Timing      float64 // share of the lead time by which a peak may come early or late
	Cover       Cover
}

// What a River is made of beside what a wave teaches. The permissible errors are those of the Chinese standard for
// hydrological forecasting, GB/T 22482-2008: for a level, 20 % of the change within the lead time and not less than
// 0.10 m; for the time of the peak, 30 % of the lead time. (The figures are written down from memory of the standard and
// were not checked against its text: draft until someone has.) Forget and Slack are round numbers that were set before any
// forecast was scored.
const (
	DefaultForget = 12 * hour
	DefaultSlack  = hour
	DefaultFloor  = 0.10
	DefaultPart   = 0.20
	DefaultTiming = 0.30
)

// leads are the lead times, in hours, at which a Wave holds its forecasts against what came.
var leads = [...]int64{2, 4, 6, 8, 10}

// Wave is the state of a chain of gauges: the levels of the last Back steps of each, and how good its forecasts were. The
// zero value has seen nothing. It takes 8 Back bytes a gauge.
//
// Readings may be missing: a gauge that is silent for longer than Slack is put in by what its upper neighbour sends down,
// until it speaks again; in shorter gaps, and at the uppermost gauge, levels lie on a straight line.
type Wave struct {
	gauges []gauge
}

// gauge is the state of one gauge.
type gauge struct {
	at     int64 // of the newest reading; 0 before the first
	x      float64
	head   int64     // newest slot of level; slot k is the time k Step
	level  []float64 // slot k stands at k modulo the length; NaN: in a gap
	spread Spread
	timing float64
	trials [len(leads)]trial
}

// trial is a forecast that waits for its outcome.
type trial struct {
	from, due, until int64   // slots: the window in which the outcome may come, its middle; until = 0: none waits
	top              float64 // highest level foretold for the window
	low, high        float64 // the least and the most that may have come by due
	below, above     float64 // the margins of top
	highest          float64 // seen in the window so far
	steep            bool    // the level moves so fast about due that early or late matters
	missed           bool    // the level at due lay outside the band
}

// Next takes a reading x (m) of a gauge, 0 being the uppermost, made at the given time after 1970. A reading that is not newer
// than the gauge's last one is left aside. It allocates nothing but at the first reading, and once an hour when the
// gauge puts a forecast on trial.
func (w *Wave) Next(p *River, i int, at int64, x float64) {
	if at <= 0 || i < 0 || i > len(p.Reaches) {
		return
	}
	if len(w.gauges) != len(p.Reaches)+1 {
		w.gauges = make([]gauge, len(p.Reaches)+1)
	}
	g := &w.gauges[i]
	slot := at / p.Step
	n := int64(p.Back)
	switch {
	case g.at == 0 || len(g.level) != p.Back: // the first; or the River is another one
		*g = gauge{at: at, x: x, head: slot, level: make([]float64, n), spread: NewSpread(), timing: p.Timing}
		for k := range g.level {
			g.level[k] = x
		}
		return
	case at <= g.at:
		return
	}
	begin, gap := max(g.head+1, slot-n+1), i > 0 && at-g.at > p.Slack
	for k := begin; k <= slot; k++ {
		switch {
		case gap && k < slot:
			g.level[k%n] = math.NaN()
		case gap:
			g.level[k%n] = x
		default:
			g.level[k%n] = g.x + (x-g.x)*float64(k*p.Step-g.at)/float64(at-g.at)
		}
	}
	last, every := g.head, max(hour/p.Step, 1)
	g.at, g.x, g.head = at, x, slot
	if slot-last > every {
		g.trials = [len(leads)]trial{} // a line over a gap is no outcome
	}
	for k := begin; k <= slot; k++ {
		g.judge(p, k, g.level[k%n])
	}
	// Once an hour a gauge puts its own forecasts on trial.
	if i > 0 && slot/every > last/every {
		w.try(p, i, at)
	}
}

// Forecast is the path of a gauge as seen at the given time, which must not be earlier than the newest reading. Where the
// upper end of the chain has been silent for longer than the state remembers, the chain begins at the first gauge that
// speaks, and less is known ahead. It is false for the gauge at which the chain begins, and while one has never spoken.
func (w *Wave) Forecast(p *River, i int, now int64) (Path, bool) {
	course, from := w.course(p, i, now)
	if course == nil || from >= i {
		return Path{}, false
	}
	g := &w.gauges[i]
	t := now / p.Step
	out := Path{From: (t + 1) * p.Step, Step: p.Step, Now: now, At: course[p.Back-1], Likely: course[p.Back:],
		Below: make([]float64, p.Ahead), Above: make([]float64, p.Ahead), Timing: g.timing, Known: now + p.Lead(i) - p.Lead(from)}
	change := 0.
	for k, x := range out.Likely {
		change = max(change, math.Abs(x-out.At))
		unit := p.permissible(change)
		out.Below[k], out.Above[k] = unit*g.spread.below, unit*g.spread.above
	}
	return out, true
}

// Lead is how far ahead, µs, gauge i is known: the time that high water takes from the uppermost gauge. What a forecast
// says beyond it is right only if no more comes from above; its band does not count with that.
func (p *River) Lead(i int) int64 {
	var sum int64
	for _, r := range p.Reaches[:i] {
		sum += r.Fast + r.Store
	}
	return sum
}

// permissible is the error allowed to a forecast that foretells the given change.
func (p *River) permissible(change float64) float64 { return max(p.Floor, p.Part*change) }

// course is the levels of gauge i from Back-1 steps before now until Ahead after, seen ones and then foretold ones, and
// the gauge at which the chain begins; nil where there is none.
func (w *Wave) course(p *River, i int, now int64) (course []float64, from int) {
	if i < 0 || i >= len(w.gauges) || len(w.gauges) != len(p.Reaches)+1 {
		return nil, 0
	}
	first := now/p.Step - int64(p.Back) + 1
	for j := range w.gauges[:i+1] {
		g := &w.gauges[j]
		if g.at == 0 || len(g.level) != p.Back || g.head > now/p.Step {
			return nil, 0
		}
		path := make([]float64, p.Back+p.Ahead)
		seen := int(max(g.head-first+1, 0))
		for k := range seen {
			path[k] = g.level[(first+int64(k))%int64(len(g.level))]
		}
		switch {
		case course != nil:
			p.continueLower(&p.Reaches[j-1], course, path, seen)
		case seen == 0:
			continue
		default:
			from = j
			p.continueUpper(path, seen, j)
		}
		course = path
	}
	return course, from
}

// continueUpper lets the gauge at which the chain begins fall back to its base: another one than the uppermost to its
// lowest level of late.
func (p *River) continueUpper(path []float64, seen, gauge int) {
	base := p.Base
	if gauge > 0 {
		base = math.Inf(1)
		for k, x := range path[:seen] {
			switch {
			case !math.IsNaN(x):
				base = min(base, x)
			case k == 0:
				path[k] = firstNumber(path[:seen])
			default:
				path[k] = path[k-1]
			}
		}
	}
	keep := math.Exp(-float64(p.Step) / float64(p.Recede))
	for k := seen; k < len(path); k++ {
		path[k] = path[k-1]
		if over := path[k-1] - base; over > 0 {
			path[k] = base + over*keep
		}
	}
}

// firstNumber is the first level that is not in a gap; the newest one never is.
func firstNumber(x []float64) float64 {
	for _, v := range x {
		if !math.IsNaN(v) {
			return v
		}
	}
	return 0
}

// continueLower lets a gauge go on with what its upper neighbour sends down, and with its difference from that: after its
// last level, and in the gaps before.
func (p *River) continueLower(r *Reach, upper, path []float64, seen int) {
	routed := make([]float64, len(path))
	r.route(upper, routed, p.Step)
	differs, last := 0., false // whether the last step was seen
	keep := math.Exp(-float64(p.Step) / float64(p.Forget))
	for k := range path {
		if k < seen && !math.IsNaN(path[k]) {
			last = true
			continue
		}
		if last {
			differs, last = beyond(path[k-1], routed, k-1, int(p.Slack/p.Step)), false
		}
		differs *= keep
		path[k] = routed[k] + differs
	}
}

// beyond is by how much x lies outside of what was routed within slack steps of k.
func beyond(x float64, routed []float64, k, slack int) float64 {
	low, high := bounds(routed[max(0, k-slack):min(len(routed), k+slack+1)])
	return x - min(max(x, low), high)
}

func bounds(x []float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, v := range x {
		low, high = min(low, v), max(high, v)
	}
	return low, high
}

// try puts forecasts of gauge i on trial, one for each lead at which none waits, where anything is to happen at all: quiet
// days would teach that every forecast is exact.
func (w *Wave) try(p *River, i int, at int64) {
	g := &w.gauges[i]
	var path Path
	for n := range g.trials {
		k := int(leads[n]*hour/p.Step) - 1
		if g.trials[n].until != 0 || k < 0 || k >= p.Ahead || leads[n]*hour > p.Lead(i) { // beyond what is known at best
			continue
		}
		if path.Likely == nil {
			var ok bool
			if path, ok = w.Forecast(p, i, at); !ok {
				return
			}
			if low, high := bounds(path.Likely); max(high, path.At)-min(low, path.At) < p.Floor {
				return
			}
		}
		if at+leads[n]*hour > path.Known {
			continue
		}
		sway := path.sway(k)
		from, until := max(k-sway, 0), min(k+sway, p.Ahead-1)
		c := trial{from: g.head + 1 + int64(from), due: g.head + 1 + int64(k), until: g.head + 1 + int64(until),
			below: path.Below[k], above: path.Above[k], highest: math.Inf(-1)}
		_, c.top = bounds(path.Likely[from : until+1])
		c.low, c.high = path.Band(k)
		wide := int(math.Round(p.Timing * float64(k+1)))
		low, high := bounds(path.Likely[max(k-wide, 0):min(k+wide+1, p.Ahead)])
		c.steep = high-low > p.Floor
		g.trials[n] = c
	}
}

// judge holds the trials against the level of a new slot. How far the water rose is judged by the highest level of the
// window, whenever in the window it came; whether it came in time, by the level at the due time.
func (g *gauge) judge(p *River, slot int64, x float64) {
	for n := range g.trials {
		c := &g.trials[n]
		if c.until == 0 || slot < c.from {
			continue
		}
		c.highest = max(c.highest, x)
		if slot == c.due {
			c.missed = x < c.low || x > c.high
		}
		if slot < c.until {
			continue
		}
		g.spread.Learn(&p.Cover, c.highest < c.top-c.below, c.highest > c.top+c.above)
		if c.steep {
			miss := 1 - p.Cover.Share
			if c.missed {
				miss -= 1
			}
			g.timing = min(max(g.timing*math.Exp(-p.Cover.Rate*miss), 0.02), 0.5)
		}
		*c = trial{}
	}
}

// Clone is a copy that shares nothing with w.
func (w *Wave) Clone() Wave {
	out := Wave{gauges: append([]gauge(nil), w.gauges...)}
	for i := range out.gauges {
		out.gauges[i].level = append([]float64(nil), out.gauges[i].level...)
	}
	return out
}
