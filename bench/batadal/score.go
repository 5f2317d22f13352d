package main

import (
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/methods/joint"
	"github.com/anlan-city/anlan/internal/methods/series"
)

// rule is how alerts are counted; score does as it says.
const rule = `An attack is found when, in one of its hours, an alert is raised, or an alert that stands already meets a fresh
exceedance: a row over a limit by itself, not by what Drift remembers. Time to detection runs from the attack's first
hour to that hour. An alert is false when it touches no attack, when it stood in one without finding it, or when it was
raised more than the hold before the attack that it runs into. S_TTD is 1 - mean(time to detection / duration), 0 for a
missed attack; S_CLF is the mean of the shares of attack hours with an alert standing and of other hours without.
`

// alert is a standing alarm, rows from first to last inclusive: last is the row before the one in which it cleared.
type alert struct {
	first, last int
	why         string // at the row with the highest score
}

// outcome is what a chart said over a table.
type outcome struct {
	alerts   []alert
	standing []bool // per row
	fresh    []bool // per row: over a limit by itself
}

func watch(c *joint.Chart, p *joint.Params, t *table, hold int64) outcome {
	var (
		w      outcome
		alarm  series.Alarm
		delays = series.Delays{On: []series.OnDelay{{}}, Off: hold, Every: hour}
		peak   float64
	)
	for i, at := range t.at {
		r := c.Next(p, at, t.rows[i])
		step := series.Step{At: at, Span: hour, Calm: r.Score() < 1}
		if !step.Calm {
			step.Met = 1
		}
		from, to := alarm.Step(&delays, step)
		if to > from {
			w.alerts = append(w.alerts, alert{first: i})
			peak = 0
		}
		if to > 0 {
			a := &w.alerts[len(w.alerts)-1]
			a.last = i
			if r.Score() > peak {
				peak, a.why = r.Score(), words(t.names, r)
			}
		}
		w.standing = append(w.standing, to > 0)
		w.fresh = append(w.fresh, r.Fresh() >= 1)
	}
	return w
}

// pumpCycle is the median time between two switchings-on of the same pump or valve, in whole hours.
func pumpCycle(t *table) int64 {
	var cycles []int64
	for k, name := range t.names {
		if !strings.HasPrefix(name, "S_") {
			continue
		}
		last := -1
		for i := 1; i < len(t.rows); i++ {
			if t.rows[i-1][k] == 0 && t.rows[i][k] == 1 {
				if last >= 0 {
					cycles = append(cycles, t.at[i]-t.at[last])
				}
				last = i
			}
		}
	}
	if len(cycles) == 0 {
		return hour
	}
	slices.Sort(cycles)
	return cycles[len(cycles)/2]
}

// attacks are the runs of flagged rows.
func attacks(t *table) [][2]int {
	var out [][2]int
	for i, on := range t.attack {
		switch {
		case !on:
		case i > 0 && t.attack[i-1]:
			out[len(out)-1][1] = i
		default:
			out = append(out, [2]int{i, i})
		}
	}
	return out
}

// duration is an attack's hours.
func duration(t *table, a [2]int) int { return int((t.at[a[1]]-t.at[a[0]])/hour) + 1 }

// score is the figures of a run.
type score struct {
	delay        []int  // per attack, hours from its start to detection; -1 for missed
	wrong        []bool // per alert
	ttd, clf     float64
	tpr, tnr     float64
	falsePerHour float64
}

func judge(t *table, w outcome, hold int64) score {
	var s score
	s.wrong = make([]bool, len(w.alerts))
	for k := range s.wrong {
		s.wrong[k] = true
	}
	for _, a := range attacks(t) {
		delay := -1
		for k, alert := range w.alerts {
			if alert.last < a[0] || alert.first > a[1] {
				continue
			}
			at := max(alert.first, a[0])
			if alert.first < a[0] {
				for at <= min(alert.last, a[1]) && !w.fresh[at] {
					at++
				}
			}
			if at > min(alert.last, a[1]) {
				continue // stood there from before, and nothing new came
			}
			if t.at[a[0]]-t.at[alert.first] <= hold {
				s.wrong[k] = false
			}
			if delay < 0 {
				delay = int((t.at[at] - t.at[a[0]]) / hour)
			}
		}
		s.delay = append(s.delay, delay)
		if delay >= 0 {
			s.ttd += 1 - float64(delay)/float64(duration(t, a))
		}
	}
	if len(s.delay) > 0 {
		s.ttd /= float64(len(s.delay))
	}
	var hit, flagged, quiet, free float64
	for i, on := range t.attack {
		if on {
			flagged++
			if w.standing[i] {
				hit++
			}
			continue
		}
		free++
		if !w.standing[i] {
			quiet++
		}
	}
	s.tpr, s.tnr = hit/max(flagged, 1), quiet/max(free, 1)
	s.clf = (s.tpr + s.tnr) / 2
	for _, f := range s.wrong {
		if f {
			s.falsePerHour++
		}
	}
	s.falsePerHour /= max(free, 1)
	return s
}
