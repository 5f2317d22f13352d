package engine

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const dayAheadRules = `
- id: coming
  title: {en: Coming, zh-CN: 预计}
  watches: methane
  on: kitchen-alarm
  every: 10m
  late: 90m
  derives:
    coming: {day_ahead: {figure: highest, series: 3}}
    hours: {of: coming, hours_until: {}}
  levels: {blue: {when: "coming >= 31"}, yellow: {when: "coming >= 31.5"}, orange: {when: "coming >= 31.5 && hours < 6"}, red: {when: "coming >= 32 && hours < 4"}}
  clear: {when: "!(coming >= 30.5)", for: 0s}
  silent_after: 300d
  because: {en: "{{coming}} in {{hours}} h", zh-CN: "{{hours}} 小时后 {{coming}}"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: gas-duty
`

// gasDay is a series with habits, in the local time of the tests (UTC+8), and days that differ.
func gasDay(at int64, r *rand.Rand) float64 {
	local := at/hour + 8
	rough := math.Sin(float64(local/24) * 1.7)
	return 20 + 10*math.Sin(2*math.Pi*float64(local%24-9)/24) + 2*rough + 0.5*r.NormFloat64()
}

// warmed are the states of three instruments after seven weeks, and the time until which they were fed.
func warmed(t testing.TB, ds []*Detector) ([]Shard, int64) {
	e, r := dayAheadEngine(ds), rand.New(rand.NewPCG(5, 5))
	at := t0
	for ; at < t0+49*24*hour; at += 10 * minute {
		for id := int64(1); id <= 3; id++ {
			run(e, []Reading{number(id, at+id*second, gasDay(at, r))})
		}
	}
	shards, err := e.Captured(e.Capture())
	if err != nil {
		t.Fatal(err)
	}
	return shards, at
}

func dayAheadEngine(ds []*Detector) *Engine {
	e := New(ds)
	e.SetZone(time.FixedZone("", 8*3600))
	return e
}

func taken(t interface{ Fatal(...any) }, ds []*Detector, shards []Shard) *Engine {
	e := dayAheadEngine(ds)
	for _, s := range shards {
		if changed, err := e.Restore(s); err != nil || len(changed) > 0 {
			t.Fatal(changed, err)
		}
	}
	for id := int64(1); id <= 3; id++ {
		e.Bind(harbour(id), nil)
	}
	return e
}

// After weeks of learning, late readings in any order and a restart anywhere give the alerts of readings in order.
func TestDayAheadAnyOrderAndRestore(t *testing.T) {
	ds := compiled(t, dayAheadRules)
	shards, begin := warmed(t, ds)
	raised := 0
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		rough := rapid.SampledFrom([]float64{0, 2, 6}).Draw(t, "how much it is changed")
		var as []arrival
		at := begin
		for range rapid.IntRange(1, 150).Draw(t, "n") {
			at += rapid.SampledFrom([]int64{0, 10 * minute, 10 * minute, 10 * minute, hour, 5 * hour}).Draw(t, "step")
			v := gasDay(at, r) + rough*r.NormFloat64()
			as = append(as, arrival{Reading: number(1+r.Int64N(3), at, v), when: at + rapid.SampledFrom([]int64{0, 0, 20 * minute, 89 * minute}).Draw(t, "late")})
		}
		cut := rapid.IntRange(0, len(as)).Draw(t, "cut")
		finish := func(as []arrival, cut int) string {
			e, book := taken(t, ds, shards), &Book{}
			play(e, as[:cut], book)
			if cut < len(as) {
				kept, err := e.Captured(e.Capture())
				if err != nil {
					t.Fatal(err)
				}
				if len(kept) == 0 {
					kept = shards
				}
				e = taken(t, ds, kept) // all three are in one
			}
			play(e, as[cut:], book)
			return told(book)
		}
		shuffled := slices.Clone(as)
		for i := range as {
			as[i].when = as[i].Reading.At
		}
		want := finish(as, len(as))
		slices.SortStableFunc(shuffled, func(a, b arrival) int { return cmp.Compare(a.when, b.when) })
		if got := finish(shuffled, len(as)); got != want {
			t.Fatalf("in order:\n%s\nas it came:\n%s", want, got)
		}
		if got := finish(shuffled, cut); got != want {
			t.Fatalf("in order:\n%s\nas it came, with a restart before the %dth:\n%s", want, cut, got)
		}
		raised += strings.Count(want, "since")
	})
	if raised == 0 {
		t.Error("nothing was raised in any run")
	}
}

// What is known of the habits is kept once, though a subject has two states, and its words say how high and when.
func TestDayAheadIsKeptOnce(t *testing.T) {
	ds := compiled(t, dayAheadRules)
	shards, at := warmed(t, ds)
	e, r := taken(t, ds, shards), rand.New(rand.NewPCG(6, 6))
	for end := at + 3*24*hour; at < end; at += 10 * minute {
		late := number(1, at+second-30*minute, 30)
		run(e, []Reading{number(1, at+second, gasDay(at, r)), late})
	}
	for _, s := range e.subjects {
		if s.ID != 1 {
			continue
		}
		now, base := s.now.ins[0].cells[0].(*dayAhead), s.base.ins[0].cells[0].(*dayAhead)
		steps := 0
		for h := base.habits; h != now.habits; h = h.then {
			if steps++; h == nil || steps > 3 {
				t.Fatalf("the state behind does not come to the one before it in %d hours", steps)
			}
		}
		k := &known{vars: []float64{math.NaN()}, fresh: []bool{false}, unsure: []bool{false}, zone: e.known.zone}
		derive(s.now.ins[0].cells, at, k)
		words := ds[0].Because(Change{Detector: ds[0], Values: k.vars}, harbour(1)).EN
		var high, hours float64
		if _, err := fmt.Sscanf(words, "%g in %g h", &high, &hours); err != nil || math.Abs(high-30.5) > 4 || math.Mod(float64(at)/float64(hour)+8+hours, 24) < 14 || math.Mod(float64(at)/float64(hour)+8+hours, 24) > 16 {
			t.Errorf("%q, at %s: the peak is about 30 at 15:00", words, time.UnixMicro(at).UTC())
		}
	}
}

// A forecast that is older than three hours is none.
func TestDayAheadGrowsStale(t *testing.T) {
	ds := compiled(t, dayAheadRules)
	shards, at := warmed(t, ds)
	e := taken(t, ds, shards)
	for _, s := range e.subjects {
		cells := s.now.ins[0].cells
		for hours := range int64(8) {
			k := &known{vars: []float64{math.NaN()}, fresh: []bool{false}, unsure: []bool{false}, zone: e.known.zone}
			derive(cells, at+hours*hour+minute, k)
			if unknown := math.IsNaN(k.vars[1]) && math.IsNaN(k.vars[2]); unknown != (hours >= 3) {
				t.Errorf("%d hours after the last reading: %v", hours, k.vars)
			}
		}
	}
}

func TestDayAheadMistakes(t *testing.T) {
	for from, want := range map[string]string{
		"figure: highest, series: 3":                 "",
		"figure: mean, series: 3":                    "hours_until is made of a variable with day_ahead that is the highest or the lowest",
		"figure: highest, series: 501":               "20 kB of memory and of each snapshot for a series, 10 MB for 501 of them",
		"figure: highest, series: 3, within: 25h":    "whole hours, 24 at most",
		"figure: highest, series: 3, within: 90m":    "whole hours, 24 at most",
		"figure: highest, series: 3, factor_from: 0": "above 0",
		"figure: highest":                            "series",
	} {
		_, err := compileText(replaceOnce(t, dayAheadRules, "figure: highest, series: 3", from))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", from, err, want)
		}
	}
	if _, err := compileText(strings.Replace(dayAheadRules, "every: 10m", "every: 2h", 1)); err == nil || !strings.Contains(err.Error(), "a value each hour") {
		t.Error(err)
	}
	if _, err := compileText(strings.Replace(dayAheadRules, "of: coming, ", "", 1)); err == nil || !strings.Contains(err.Error(), "made of a variable with day_ahead") {
		t.Error(err)
	}
}

func TestDayAheadWords(t *testing.T) {
	d := compiled(t, replaceOnce(t, dayAheadRules, "series: 3}", "series: 3, within: 6h, edge: high}"))[0]
	for _, want := range []string{"Methane in air, highest forecast for the next 6 h, high estimate ≥ 32 %LEL", "甲烷浓度未来6小时预测最高值（偏高估计） ≥ 32 %LEL"} {
		if !strings.Contains(d.Rule.EN+d.Rule.ZH, want) {
			t.Errorf("%q is not in %s %s", want, d.Rule.EN, d.Rule.ZH)
		}
	}
}

// A reading of a rule that forecasts, in order, late, and at the end of an hour.
func BenchmarkDayAhead(b *testing.B) {
	ds := compiled(b, dayAheadRules)
	shards, begin := warmed(b, ds)
	for name, late := range map[string]bool{"in order": false, "late": true} {
		b.Run(name, func(b *testing.B) {
			e, r := taken(b, ds, shards), rand.New(rand.NewPCG(6, 6))
			var changes []Change
			b.ReportAllocs()
			b.ResetTimer()
			for i := range int64(b.N) {
				at := begin + i*minute
				if late && i%2 == 1 {
					at -= 30*minute + 7*second
				}
				changes = e.Evaluate(number(1, at, gasDay(at, r)), at, changes[:0])
			}
		})
	}
}
