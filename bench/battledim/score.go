package main

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// rule says which leaks an alarm can have meant.
type rule struct {
	least float64 // m³/h that the leak must lose at the alarm
	zones bool    // the alarm must be of the leak's zone
}

// strict is the rule of the last line. The contest's rule without places would credit any alarm to some leak: there is
// always one running. loose is that rule, for comparison.
var (
	strict = rule{least: 1, zones: true}
	loose  = rule{}
)

// result is what a detector's alarms are worth under a rule.
type result struct {
	events   int
	found    int
	abrupt   int
	delays   []float64 // hours from a found leak's start, sorted
	false    int       // alarms that found no leak
	growth   int       // of these, how many followed a growth of the zone's leaks by least, since the zone's last alarm
	eur      float64
	perfect  float64
	verdicts []verdict // one for each rise
}

// verdict is what became of one alarm.
type verdict struct {
	alarm
	leak *leak // nil for a false one
	lost float64
}

// score takes alarms in order of time. A rise finds the leak that started last, among the new ones that run, were not
// found before, and fit the rule. All other rises are false and cost 500 EUR, repeats too. A found leak is worth 0.80 EUR
// for each m³ from the alarm to its end. Falls are repairs, and neither found nor false.
func (r rule) score(rec *record, alarms []alarm) result {
	var res result
	found := map[*leak]bool{}
	before := map[string]float64{} // the new leaks' flow at each zone's last alarm
	for i := range rec.leaks {
		if l := &rec.leaks[i]; !l.beforeYear {
			res.events++
			res.perfect += l.perfect
		}
	}
	slices.SortStableFunc(alarms, func(a, b alarm) int { return cmp.Compare(a.at, b.at) })
	for _, a := range alarms {
		row := rec.row(a.at)
		var best *leak
		var now float64
		for i := range rec.leaks {
			l := &rec.leaks[i]
			if l.beforeYear || r.zones && a.zone != "town" && l.zone != a.zone {
				continue
			}
			q := float64(l.flow[row])
			now += q
			if a.size > 0 && l.from <= a.at && a.at <= l.to && !found[l] && q >= r.least && (best == nil || l.from > best.from) {
				best = l
			}
		}
		grown := now-before[a.zone] >= max(r.least, 0.1)
		before[a.zone] = now
		if a.size <= 0 {
			continue
		}
		v := verdict{alarm: a, leak: best}
		if best == nil {
			res.false++
			res.eur -= 500
			if grown {
				res.growth++
			}
		} else {
			found[best] = true
			v.lost = float64(best.flow[row])
			res.found++
			if best.abrupt {
				res.abrupt++
			}
			res.delays = append(res.delays, float64(a.at-best.from)/hour)
			res.eur += 0.80 * rec.volume(best, a.at)
		}
		res.verdicts = append(res.verdicts, v)
	}
	slices.Sort(res.delays)
	return res
}

// delay is the median time to detection, in hours; 0 when nothing was found.
func (r *result) delay() float64 {
	n := len(r.delays)
	if n == 0 {
		return 0
	}
	return (r.delays[(n-1)/2] + r.delays[n/2]) / 2
}

// repairs counts the leaks that were stopped before the year's end, and those of them after which a fall was raised in
// their zone within a day.
func repairs(rec *record, alarms []alarm) (seen, all int) {
	for _, l := range rec.leaks {
		if l.to >= rec.at[len(rec.at)-1] {
			continue
		}
		all++
		for _, a := range alarms {
			if a.size < 0 && (a.zone == l.zone || a.zone == "town") && a.at >= l.to && a.at < l.to+24*hour {
				seen++
				break
			}
		}
	}
	return seen, all
}

// blind is what as many alarms at random times score on the average: what a rule gives for nothing.
func (r rule) blind(rec *record, alarms []alarm, learn int64, draws int) (found, delay, eur float64) {
	rnd := rand.New(rand.NewPCG(2019, 1))
	from := rec.at[0] + learn
	span := rec.at[len(rec.at)-1] - from
	for range draws {
		random := slices.Clone(alarms)
		for i := range random {
			random[i].at = from + rnd.Int64N(span)
		}
		res := r.score(rec, random)
		found += float64(res.found) / float64(draws)
		delay += res.delay() / float64(draws)
		eur += res.eur / float64(draws)
	}
	return found, delay, eur
}
