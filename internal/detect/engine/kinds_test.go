package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// rule is a rule over the kitchen alarms of the harbour, with what a case adds.
func rule(with string) string {
	return `
- id: tried
  title: {en: Tried, zh-CN: 试}
  because: {en: "{{value}} {{unit}}", zh-CN: "{{value}}"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: gas-duty
` + with
}

const kitchen = `
  watches: methane
  on: kitchen-alarm
  every: 1m
  late: 0s
  silent_after: 24h
`

// hear feeds one reading a minute of datastream 1, NaN being none, and tells the alerts.
func hear(t *testing.T, rules string, values ...float64) string {
	t.Helper()
	e, book := New(compiled(t, rules)), &Book{}
	book.Add(e.Bind(harbour(1), nil)...)
	for i, v := range values {
		at := t0 + int64(i)*minute
		if !math.IsNaN(v) {
			book.Add(e.Evaluate(number(1, at, v), at, nil)...)
		}
	}
	var out []string
	for _, line := range strings.Split(told(book), "\n") {
		_, what, _ := strings.Cut(line, " since ")
		out = append(out, what)
	}
	return strings.Join(out, "; ")
}

func rep(v float64, n int) []float64 { return slices.Repeat([]float64{v}, n) }

func noise(n int, mean, sd float64) []float64 {
	r := rand.New(rand.NewPCG(7, uint64(n)))
	out := make([]float64, n)
	for i := range out {
		out[i] = mean + sd*r.NormFloat64()
	}
	return out
}

// Each way of judging, on readings that are worked out by hand.
func TestEachKind(t *testing.T) {
	for name, c := range map[string]struct {
		rule   string
		values []float64
		want   string
	}{
		// A window reaches back by its span and up to an eighth more.
		"rise within": {`
  derives: {rise: {rise_within: 8m}}
  levels: {red: {when: "rise >= 10"}}
  clear: {when: "rise < 2", for: 0s}`,
			slices.Concat(rep(5, 10), rep(14, 1), rep(15.5, 1), rep(15.5, 30)), "11: 11 red, 18 cleared"},
		"fall within": {`
  derives: {fall: {fall_within: 8m}}
  levels: {red: {when: "fall >= 10"}}
  clear: {when: "fall < 2", for: 0s}`,
			slices.Concat(rep(50, 10), rep(39, 40)), "10: 10 red, 18 cleared"},
		"mean of a span": {`
  derives: {mean: {average_over: 8m}}
  levels: {red: {when: "mean >= 10"}}
  clear: {when: "mean < 1", for: 0s}`,
			slices.Concat(rep(0, 10), rep(20, 4), rep(0, 20)), "13: 13 red, 21 cleared"},
		"a mean of too few readings is none": {`
  derives: {mean: {average_over: 8m}}
  levels: {red: {when: "mean >= 10"}}
  clear: {when: "mean < 1", for: 0s}`,
			slices.Concat(rep(20, 3), rep(0, 20)), ""},
		"a mean from three quarters of its span on": {`
  derives: {mean: {average_over: 8m}}
  levels: {red: {when: "mean >= 10"}}
  clear: {when: "mean < 1", for: 0s}`,
			rep(20, 20), "6: 6 red"},
		"an alert waits for the mean after a gap": {`
  derives: {mean: {average_over: 8m}}
  levels: {yellow: {when: "mean >= 10"}, red: {when: "mean >= 30"}}
  clear: {when: "mean < 1", for: 0s}`,
			slices.Concat(rep(40, 10), rep(math.NaN(), 20), rep(0, 20)), "6: 6 red, 35 cleared"},
		"and does not step down before it": {`
  derives: {mean: {average_over: 8m}}
  levels: {yellow: {when: "mean >= 10"}, red: {when: "mean >= 30"}}
  clear: {when: "!(mean >= 1)", for: 0s}`,
			slices.Concat(rep(40, 10), rep(math.NaN(), 20), rep(20, 20)), "6: 6 red, 35 yellow"},
		"a gap in the span counts against it": { // in minute 28 only two of its three minutes are left in the span
			`
  derives: {mean: {average_over: 8m}}
  levels: {red: {when: "mean >= 10"}}
  clear: {when: "!(mean >= 10)", for: 0s}`,
			slices.Concat(rep(0, 20), rep(math.NaN(), 3), rep(90, 3), rep(0, 20)), "28: 28 red, 33 cleared"},
		"the lowest of too few readings is none": {`
  derives: {low: {lowest_over: 8m}}
  levels: {red: {when: "low >= 10"}}
  clear: {when: "low < 10", for: 0s}`,
			slices.Concat(rep(20, 10), rep(math.NaN(), 20), rep(20, 10), rep(5, 1), rep(20, 3)), "6: 6 red, 40 cleared"},
		"the highest of too few readings is none": {`
  derives: {high: {highest_over: 8m}}
  levels: {red: {when: "high >= 10"}}
  clear: {when: "high < 10", for: 0s}`,
			slices.Concat(rep(20, 10), rep(math.NaN(), 20), rep(5, 10)), "6: 6 red, 35 cleared"},
		"what is made of an unknown mean is unknown": {`
  derives: {mean: {average_over: 8m}, low: {of: mean, lowest_over: 8m}, twice: {of: mean, rise_within: 8m}}
  levels: {red: {when: "low >= 10"}}
  clear: {when: "low < 10 && !(twice > 99)", for: 0s}`,
			slices.Concat(rep(20, 20), rep(math.NaN(), 20), rep(0, 20)), "12: 12 red, 50 cleared"},
		"a sum that passes its limit passes it at once": {`
  derives: {sum: {total_over: 8m}}
  levels: {red: {when: "sum >= 30"}}
  clear: {when: "sum < 10", for: 0s}`,
			slices.Concat(rep(20, 3), rep(0, 20)), "1: 1 red, 11 cleared"},
		"what a rate comes to": {`
  derives: {amount: {amount_over: 1h}}
  levels: {red: {when: "amount >= 20"}}
  clear: {when: "amount < 1", for: 0s}`,
			slices.Concat(rep(0, 10), rep(60, 30), rep(0, 90)), "29: 29 red, 100 cleared"},
		"one figure a day": { // the readings begin at 05:20; the night of the second day is higher
			`
  derives: {night: {mean_between: {from: "02:00", to: "04:00"}}}
  levels: {red: {when: "night >= 10"}}
  clear: {when: "night < 5", for: 0s}`,
			slices.Concat(rep(2, 24*60), rep(30, 18*60), rep(12, 6*60), rep(2, 24*60)), "2800: 2800 red, 4240 cleared"},
		"hours to a level": {`
  derives: {soon: {hours_to: {above: 50, within: 4h}}}
  levels: {red: {when: "soon <= 1"}}
  clear: {when: "soon > 2", for: 0s}`,
			func() []float64 { // a steady rise of 10 an hour from 0 reaches 50 in the fifth hour
				var v []float64
				for i := range 300 {
					v = append(v, float64(i)/6)
				}
				return v
			}(), "240: 240 red"},
		"a shift that stays": {`
  budget: {false_alarms_per_day: 0.1, over: 1}
  derives: {moved: {shift: {direction: up, learn: 5h}}}
  levels: {red: {when: "moved >= 1"}}
  clear: {when: "moved < 0.1", for: 0s}`,
			slices.Concat(noise(600, 10, 1), noise(100, 13, 1)), "602: 602 red"},
		"unusual": {`
  budget: {false_alarms_per_day: 0.02, over: 1}
  derives: {odd: {unusual: {}}}
  levels: {red: {when: "odd >= 1"}}
  clear: {when: "odd < 0.1", for: 24h}`,
			slices.Concat(noise(2000, 10, 1), noise(20, 40, 1)), "2000: 2000 red"},
		"extreme": {`
  budget: {false_alarms_per_day: 0.1, over: 1}
  derives: {tail: {extreme: {learn: 1000}}}
  levels: {red: {when: "tail >= 1"}}
  clear: {when: "tail < 0.1", for: 24h}`,
			slices.Concat(noise(2000, 10, 1), rep(20, 1)), "2000: 2000 red"},
		"unlike the hour": {`
  budget: {false_alarms_per_day: 0.01, over: 1}
  derives: {apart: {unlike_the_hour: {learn: 14d}}}
  levels: {red: {when: "apart >= 1"}}
  clear: {when: "apart < 0.1", for: 24h}`,
			func() []float64 { // busy by day, quiet by night; then a busy night
				r := rand.New(rand.NewPCG(1, 1))
				var v []float64
				for i := range 20*1440 + 5*60 {
					x := 10 + 0.5*r.NormFloat64()
					if hour := (i/60 + 5) % 24; hour >= 8 && hour < 20 || i >= 20*1440 {
						x += 30
					}
					v = append(v, x)
				}
				return v
			}(), "28800: 28800 red"},
		"a day ahead": { // busy from 8 to 20 on workdays, and at no time of the weekend
			`
  derives:
    coming: {day_ahead: {figure: highest, series: 1}}
  levels: {blue: {when: "coming >= 45"}}
  clear: {when: "coming < 30", for: 0s}`,
			func() []float64 {
				var v []float64
				for i := range 52*1440 - 320 { // from Friday, 05:20
					x, h := 20.0, (i+320)/60
					if day := h / 24 % 7; day != 1 && day != 2 && h%24 >= 8 && h%24 < 20 {
						x = 50
					}
					v = append(v, x)
				}
				return v
			}(),
			// Known from Monday of the seventh week, 18:59, on. On Friday at 19:59 no busy hour is within 24, and on Sunday at 08:59 one is.
			"65619: 65619 blue, 71439 cleared; 73659: 73659 blue"},
		"comes back within quiet": {`
  quiet: 10m
  levels: {red: {when: "value >= 10"}}
  clear: {when: "value < 5", for: 1m}`,
			slices.Concat(rep(20, 3), rep(0, 5), rep(20, 3), rep(0, 30), rep(20, 2)), "0: 0 red, 4 cleared, 8 again red, 12 cleared; 41: 41 red"},
		"chatters": {`
  chatter: {raises: 3, within: 20m, settle: 10m}
  levels: {red: {when: "value >= 10"}}
  clear: {when: "value < 5", for: 1m}`,
			slices.Concat(rep(20, 2), rep(0, 3), rep(20, 2), rep(0, 3), rep(20, 2), rep(0, 3), rep(20, 2), rep(0, 30)),
			"0: 0 red, 3 cleared; 5: 5 red, 8 cleared, 10 again red, 28 cleared"},
		"stuck": {`
  stuck: {after: 5m, by: 0.1, except: "value <= 0"}
  levels: {red: {when: "value >= 90"}}
  clear: {when: "value < 5", for: 1m}`,
			slices.Concat(rep(0, 20), []float64{7, 7.05, 7, 7, 7, 7, 7, 7, 8}), "20: 25 stuck, 28 cleared"},
		"a gap does not make it stuck": {`
  stuck: {after: 5m, except: "value <= 0"}
  levels: {red: {when: "value >= 90"}}
  clear: {when: "value < 5", for: 1m}`,
			slices.Concat([]float64{7}, rep(math.NaN(), 60), []float64{7, 7, 9}), ""},
		"in several pieces that fade": {`
  levels: {red: {when: "value >= 10", for: 3m, within: 10m}}
  clear: {when: "value < 5", for: 30m}`,
			[]float64{0, 20, 20, 0, 20, 20, 0, 20}, "1: 5 red"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := hear(t, rule(kitchen+c.rule), c.values...); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// Many instruments of one organisation that fall silent together are one fault of the link; a few are each their own.
func TestLinkLost(t *testing.T) {
	for _, n := range []int{3, 8} {
		e, book := New(compiled(t, rule(kitchen+"  levels: {red: {when: \"value >= 90\"}}\n  clear: {when: \"value < 5\", for: 1m}")+"")), &Book{}
		for id := range int64(10) {
			book.Add(e.Bind(harbour(id+1), nil)...)
		}
		speak := func(at int64, from int) {
			for id := from; id < 10; id++ {
				book.Add(e.Evaluate(number(int64(id+1), at+int64(id)*second, 1), at, nil)...)
			}
		}
		at := t0
		for ; at < t0+hour; at += minute {
			speak(at, 0)
		}
		lost := at
		for ; at < lost+25*hour; at += minute { // the first n say nothing more
			speak(at, n)
			book.Add(e.Tick(at, t0, nil)...)
		}
		var silent, comms int
		for _, a := range book.Episodes() {
			switch a.Fault {
			case SilentFault:
				silent++
			case CommsFault:
				comms++
				if got := len(a.Steps[0].Datastreams); got != n {
					t.Errorf("%d instruments in the fault, want %d", got, n)
				}
			}
		}
		want := fmt.Sprint(n, 0)
		if n >= minOutage {
			want = fmt.Sprint(0, 1)
		}
		if got := fmt.Sprint(silent, comms); got != want {
			t.Errorf("%d fell silent: %s, want %s", n, got, want)
		}
		for range 3 {
			speak(at, 0)
			at += minute
		}
		for _, a := range book.Episodes() {
			if a.Stands() {
				t.Errorf("%s stands though all have spoken", a.Fault)
			}
		}
	}
}

// How many are no chance: of a few half, of thousands those that one platform loses at once.
func TestOutageOf(t *testing.T) {
	for _, c := range []struct {
		n     int
		every int64
		want  int
	}{{4, minute, 5}, {10, minute, 5}, {100, 5 * minute, 6}, {3482, hour, 21}, {1_000_000, 5 * minute, 175}} {
		if got := outageOf(c.n, c.every); got != c.want {
			t.Errorf("of %d: %d, want %d", c.n, got, c.want)
		}
	}
}

// Two kitchens whose alarms begin at the same moment are two signals to whoever joins them; and a place that only lies near
// them has none of its own.
func TestJoinedNear(t *testing.T) {
	rules := testDetectors + `
- id: many
  title: {en: Many, zh-CN: 多处}
  joins:
    within: 1m
    near: 500
    of: [{alert: methane-indoor}]
  levels: {red: {when: "signals >= 1"}}
  clear: {when: "signals < 1", for: 0s}
  because: {en: "x", zh-CN: "x"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: gas-duty
`
	e, book := New(compiled(t, rules)), &Book{}
	for id := int64(1); id <= 3; id++ {
		book.Add(e.Bind(harbour(id), nil)...)
	}
	for m := range int64(60) {
		at := t0 + m*30*second
		for id := int64(1); id <= 3; id++ {
			v := 0.0
			if id == 1 && m < 10 || id == 2 && m < 30 {
				v = 25
			}
			book.Add(e.Evaluate(number(id, at, v), at, nil)...)
		}
		book.Add(e.Tick(at, at, nil)...)
	}
	var got []string
	for _, a := range book.Episodes() {
		if a.Detector.ID == "gas/many" {
			got = append(got, fmt.Sprintf("%d %d-%d", a.Subject.ID, (a.RaisedAt-t0)/minute, (a.ClearedAt-t0)/minute))
		}
	}
	slices.Sort(got)
	// 501's own alert clears at 15 min and counts for a minute more, that minute included; the other stands until 25.
	if want := "[501 0-17 502 0-27]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
}

// A report that is heard again, after a start, is still one report.
func TestReportHeardAgain(t *testing.T) {
	ds := compiled(t, manyDetectors) // joined asks for two reports
	e := New(ds)
	e.Bind(harbour(1), nil)
	report := Report{ID: 7, At: t0, Category: "gas/gas-smell", Point: harbour(1).Point}
	e.Report(report, nil)
	for m := range int64(9) {
		e.Tick(t0+m*minute, t0, nil)
	}
	again := restarted(t, e, ds)
	again.Bind(harbour(1), nil)
	again.Report(report, nil)
	for _, sub := range again.subjects {
		for _, m := range sub.now.members {
			if len(m.reports) > 1 {
				t.Errorf("%s counts one report %d times", sub.detector.ID, len(m.reports))
			}
		}
	}
}

// A balance of a zone, and a chart that names who deviates.
func TestJointly(t *testing.T) {
	rules := rule(`
  inputs:
    in:  {watches: methane, on: kitchen-alarm}
    out: {watches: methane-ambient, on: fence-monitor}
  per: area
  every: 1m
  late: 0s
  budget: {false_alarms_per_day: 0.05, over: 1}
  derives:
    lost: {balance: {in: [in], out: [out], interval: 1m}}
    apart: {jointly: {learn: 24h, calibrate: 8h}}
  levels: {yellow: {when: "lost > 20"}, red: {when: "apart >= 1"}}
  clear: {when: "apart < 0.5 && lost < 5", for: 5m}`)
	rules = strings.Replace(rules, `because: {en: "{{value}} {{unit}}"`, `because: {en: "{{lost}} lost, {{deviating}} deviates"`, 1)
	e, book := New(compiled(t, rules)), &Book{}
	ids := []int64{1, 2, 3, 101, 102}
	for _, id := range ids {
		book.Add(e.Bind(harbour(id), nil)...)
	}
	r := rand.New(rand.NewPCG(3, 3))
	flow := 0.0
	for i := range 48 * 60 {
		at := t0 + int64(i)*minute
		flow = 0.95*flow + r.NormFloat64()
		for _, id := range ids {
			v := 20 + flow + 0.05*r.NormFloat64()
			if id == 2 && i >= 40*60 { // it tells a likely value, but not what the others tell
				v = 20 - flow
			}
			book.Add(e.Evaluate(number(id, at, v), at, nil)...)
		}
	}
	var said []string
	for _, a := range book.Episodes() {
		if a.Level != Red {
			continue
		}
		c := a.Steps[0]
		said = append(said, fmt.Sprintf("%d %v", (c.At-t0)/minute, c.Deviators))
		if got := c.Detector.Because(c, harbour(2)).EN; !strings.Contains(got, "Alarm 2") {
			t.Errorf("%q does not name who deviates", got)
		}
	}
	if len(said) == 0 || !strings.HasPrefix(said[0], "240") || !strings.Contains(said[0], "[2") {
		t.Errorf("found %v", said)
	}
}

// What is not known of an input neither raises an alert nor clears one; of an input that has no instrument nothing is to be
// known.
func TestUnknownInput(t *testing.T) {
	none := math.NaN()
	dead := slices.Concat(rep(100, 10), rep(none, 60))
	for name, c := range map[string]struct {
		levels    string
		gas, fans []float64 // each minute; nil: it is not there
		want      string
	}{
		"the gas dies": {`
  levels: {orange: {when: "gas >= 70 && fans < 1", for: 2m}}
  clear: {when: "!(gas >= 50) || fans >= 1", for: 1m}`, dead, rep(0, 70), "2 orange"},
		"and the fans start": {`
  levels: {orange: {when: "gas >= 70 && fans < 1", for: 2m}}
  clear: {when: "!(gas >= 50) || fans >= 1", for: 1m}`, dead, slices.Concat(rep(0, 40), rep(1, 30)), "2 orange, 41 cleared"},
		"and comes back": {`
  levels: {orange: {when: "gas >= 70 && fans < 1", for: 2m}}
  clear: {when: "!(gas >= 50) || fans >= 1", for: 1m}`, slices.Concat(rep(100, 10), rep(none, 30), rep(20, 10)), rep(0, 50), "2 orange, 41 cleared"},
		"a level is not left for a lower one": {`
  levels: {yellow: {when: "gas >= 30"}, orange: {when: "gas >= 70"}}
  clear: {when: "gas < 20 && fans >= 0", for: 1m}`, dead, rep(0, 70), "0 orange"},
		"by arithmetic": {`
  levels: {orange: {when: "gas >= 70"}}
  clear: {when: "!(gas - fans * 10 >= 50)", for: 1m}`, dead, rep(0, 70), "0 orange"},
		"its highest of a span": {`
  derives: {peak: {of: gas, highest_over: 10m}, climb: {of: peak, rise_within: 10m}}
  levels: {orange: {when: "peak >= 70"}}
  clear: {when: "!(peak >= 50) && !(climb >= 50) && fans < 1", for: 1m}`, dead, rep(0, 70), "8 orange"},
		"the fans were never heard": {`
  levels: {orange: {when: "gas >= 70 && !(fans >= 1)"}}
  clear: {when: "gas < 50", for: 1m}`, rep(100, 20), rep(none, 20), ""},
		"there are no fans": {`
  levels: {orange: {when: "gas >= 70 && !(fans >= 1)"}}
  clear: {when: "gas < 50", for: 1m}`, rep(100, 20), nil, "0 orange"},
		"the time of a level waits": {`
  levels: {orange: {when: "gas >= 70 && fans < 1", for: 12m}}
  clear: {when: "gas < 50", for: 1m}`, rep(100, 40), slices.Concat(rep(0, 10), rep(none, 20), rep(0, 10)), "32 orange"},
	} {
		t.Run(name, func(t *testing.T) {
			ds, _ := lint(t, tunnelRule("x", fans+"  silent_after: 24h"+c.levels))
			e := New(ds)
			said := [][]float64{c.gas, c.fans}
			for id, values := range said {
				if values != nil {
					e.Bind(box(int64(id+1)), nil)
				}
			}
			var got []Change
			for i := range c.gas {
				at := t0 + int64(i)*minute
				for id, values := range said {
					if values != nil && !math.IsNaN(values[i]) {
						got = e.Evaluate(number(int64(id+1), at, values[i]), at, got)
					}
				}
			}
			if tell(got) != c.want {
				t.Errorf("got %q, want %q", tell(got), c.want)
			}
		})
	}
}

// An instrument that is taken out of the register keeps nothing standing, once a span has no reading of it any more.
func TestInputTakenAway(t *testing.T) {
	ds, _ := lint(t, tunnelRule("x", fans+`  silent_after: 24h
  derives: {peak: {of: gas, highest_over: 10m}}
  levels: {orange: {when: "peak >= 70"}}
  clear: {when: "!(peak >= 50) && fans < 1", for: 1m}`))
	e := New(ds)
	got := live(e, 10, func(id int64, _ int) float64 { return map[int64]float64{1: 100, 2: 0}[id] })
	got = e.Bind(Stream{ID: 1}, got)
	for i := int64(10); i < 60; i++ {
		got = e.Evaluate(number(2, t0+i*minute, 0), t0+i*minute, got)
	}
	if s := tell(got); !strings.HasPrefix(s, "8 orange, ") || !strings.HasSuffix(s, " cleared") {
		t.Error(s)
	}
}
