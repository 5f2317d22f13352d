package joint

import (
	"math"
	"slices"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

const (
	minutes = int64(60e6)
	hours   = 60 * minutes
)

// tank is a zone with one inflow, one outflow and a tank of 200 m².
func tank() *BalanceParams {
	return &BalanceParams{
		Terms: []Term{{In, 1}, {Out, 1}, {Store, 200}},
		Every: hours, MaxAge: 20 * minutes, Cover: 0.9,
	}
}

type fed struct {
	at   int64 // minutes
	term int
	x    float64
}

// each gives all terms every ten minutes.
func each(from, to int64, x func(term int, at int64) float64, terms ...int) (all []fed) {
	for at := from; at <= to; at += 10 {
		for _, term := range terms {
			all = append(all, fed{at, term, x(term, at)})
		}
	}
	return all
}

// steady: 50 in, 10 out, and the tank rises by 0.1 m an hour, so that 20 are consumed.
func steady(term int, at int64) float64 {
	return [...]float64{50, 10, 2 + 0.1*float64(at)/60}[term]
}

func TestBalance(t *testing.T) {
	for _, tc := range []struct {
		name string
		feed []fed
		want []Imbalance // From and To in minutes
		lost int64
	}{
		{
			"steady", each(0, 120, steady, 0, 1, 2),
			[]Imbalance{{0, 60, 50, 10, 20, 0}, {60, 120, 50, 10, 20, 0}}, 0,
		},
		{
			"flows that change within the hour", append(
				[]fed{{0, 0, 60}, {0, 1, 0}, {0, 2, 1}},
				append(each(10, 50, func(term int, at int64) float64 { return [...]float64{30, 0, 1}[term] }, 0, 1, 2),
					each(60, 60, func(term int, at int64) float64 { return [...]float64{999, 999, 1}[term] }, 0, 1, 2)...)...),
			// 60 for ten minutes and 30 for fifty.
			[]Imbalance{{0, 60, 35, 0, 0, 0}}, 0,
		},
		{
			"it begins in the middle of an hour", each(30, 120, steady, 0, 1, 2),
			// The flows were seen for half of the hour, and the tank at its end only.
			[]Imbalance{{0, 60, 0, 0, 0, 3}, {60, 120, 50, 10, 20, 0}}, 0,
		},
		{
			"no tank", each(0, 150, steady, 0, 1),
			// It waits for the tank for twenty minutes, and then does without.
			[]Imbalance{{0, 60, 50, 10, 0, 1}, {60, 120, 50, 10, 0, 1}}, 0,
		},
		{
			"one flow stops", append(each(0, 50, steady, 0, 1, 2), each(60, 150, steady, 1, 2)...),
			[]Imbalance{{0, 60, 50, 10, 20, 0}, {60, 120, 0, 10, 20, 1}}, 0,
		},
		{
			"the tank is read at other times than the hour",
			func() []fed {
				all := each(0, 130, steady, 0, 1)
				for at := int64(-5); at < 130; at += 10 {
					all = append(all, fed{at, 2, steady(2, at)})
				}
				slices.SortStableFunc(all, func(a, b fed) int { return int(a.at - b.at) })
				return all
			}(),
			// The hour before the first is opened by the tank's reading at five minutes to.
			[]Imbalance{{-60, 0, 0, 0, 0, 3}, {0, 60, 50, 10, 20, 0}, {60, 120, 50, 10, 20, 0}}, 0,
		},
		{
			"all stop for hours", append(each(0, 70, steady, 0, 1, 2), each(300, 420, steady, 0, 1, 2)...),
			// From 60 on: until 90 were seen. 120 to 300 is passed over.
			[]Imbalance{{0, 60, 50, 10, 20, 0}, {60, 120, 0, 0, 0, 3}, {300, 360, 50, 10, 20, 0}, {360, 420, 50, 10, 20, 0}}, 3,
		},
		{
			"a flow that pauses, and a tank that does at the end of the hour",
			func() (all []fed) {
				for _, f := range each(0, 180, steady, 0, 1, 2) {
					if f.term == 0 && f.at > 10 && f.at < 60 || f.term == 2 && f.at > 110 && f.at < 140 {
						continue
					}
					all = append(all, f)
				}
				return all
			}(),
			// The flow spoke for half an hour of the first. How high the tank was at 120 is not known within 30 minutes.
			[]Imbalance{{0, 60, 0, 10, 20, 1}, {60, 120, 50, 10, 0, 1}, {120, 180, 50, 10, 0, 1}}, 0,
		},
		{
			"one is ahead when all stop", append(
				append(each(0, 50, steady, 0, 1, 2), fed{60, 0, 9e6}, fed{70, 0, 9e6}),
				each(300, 360, steady, 0, 1, 2)...),
			// What the next hour had already is dropped with it.
			[]Imbalance{{0, 60, 50, 10, 0, 1}, {300, 360, 50, 10, 20, 0}}, 4,
		},
		{
			"a reading that is too old", slices.Insert(each(0, 60, steady, 0, 1, 2), 10, fed{1, 0, 9999}),
			[]Imbalance{{0, 60, 50, 10, 20, 0}}, 0,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := tank()
			if err := p.Check(); err != nil {
				t.Fatal(err)
			}
			var s Balance
			var got []Imbalance
			const start = 1000 * hours
			for _, f := range tc.feed {
				if b, ok := s.Next(p, f.term, start+f.at*minutes, f.x); ok {
					b.From, b.To = (b.From-start)/minutes, (b.To-start)/minutes
					b.Stored = math.Round(b.Stored*1e6) / 1e6
					got = append(got, b)
				}
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got\n%+v, want\n%+v", got, tc.want)
			}
			if s.Lost() != tc.lost {
				t.Errorf("%d intervals passed over, want %d", s.Lost(), tc.lost)
			}
		})
	}
}

// What is stored counts per hour, whatever the interval.
func TestBalanceOfHalfHours(t *testing.T) {
	p := tank()
	p.Every = hours / 2
	var s Balance
	n := 0
	for _, f := range each(0, 90, steady, 0, 1, 2) {
		if b, ok := s.Next(p, f.term, 1000*hours+f.at*minutes, f.x); ok {
			n++
			if math.Abs(b.Value()-20) > 1e-6 || !b.Complete() {
				t.Errorf("%+v", b)
			}
		}
	}
	if n != 3 {
		t.Errorf("%d intervals", n)
	}
}

func TestBalanceClone(t *testing.T) {
	p := tank()
	var s Balance
	s.Next(p, 0, 1000*hours, 1)
	c := s.Clone()
	before, _ := c.AppendBinary(nil)
	s.Next(p, 0, 1000*hours+minutes, 5)
	if after, _ := c.AppendBinary(nil); !slices.Equal(before, after) {
		t.Error("a reading of the one changed the other")
	}
}

func TestImbalanceValue(t *testing.T) {
	b := Imbalance{In: 50, Out: 10, Stored: 15}
	if b.Value() != 25 || !b.Complete() {
		t.Errorf("%g", b.Value())
	}
}

func TestBalanceCheck(t *testing.T) {
	for _, change := range []func(*BalanceParams){
		func(p *BalanceParams) { p.Terms = nil },
		func(p *BalanceParams) { p.Terms = []Term{{Store, 1}} },
		func(p *BalanceParams) { p.Terms[1].Role = 0 },
		func(p *BalanceParams) { p.Terms[1].Factor = 0 },
		func(p *BalanceParams) { p.MaxAge = 2 * hours },
		func(p *BalanceParams) { p.Every = 0 },
		func(p *BalanceParams) { p.Cover = 1.5 },
	} {
		p := tank()
		if change(p); p.Check() == nil {
			t.Errorf("accepted %+v", *p)
		}
	}
}

// A balance over any clocks and gaps gives each interval once and in order, its flows lie within the readings, and what a
// tank took over whole runs of intervals is what its levels say. A snapshot or a clone anywhere changes nothing.
func TestBalanceAnyClocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := tank()
		p.MaxAge = rapid.Int64Range(1, 60).Draw(t, "age") * minutes
		n := rapid.IntRange(1, 300).Draw(t, "readings")
		cut := rapid.IntRange(0, n).Draw(t, "cut")
		var whole, before, after Balance
		at, last := 1000*hours, int64(0)
		for i := range n {
			at += rapid.Int64Range(0, 30).Draw(t, "step") * minutes
			if rapid.IntRange(0, 40).Draw(t, "gap") == 0 {
				at += rapid.Int64Range(0, 500).Draw(t, "long") * minutes
			}
			term := rapid.IntRange(0, 2).Draw(t, "term")
			x := rapid.Float64Range(1, 5).Draw(t, "x")
			if i == cut {
				b, _ := before.AppendBinary(nil)
				if err := after.UnmarshalBinary(b); err != nil {
					t.Fatal(err)
				}
				after = after.Clone()
			}
			s := &before
			if i >= cut {
				s = &after
			}
			want, wok := whole.Next(p, term, at, x)
			got, ok := s.Next(p, term, at, x)
			if got != want || ok != wok {
				t.Fatalf("reading %d: %v, want %v", i, got, want)
			}
			if !ok {
				continue
			}
			if got.From < last || got.To > at || got.To-got.From != p.Every {
				t.Fatalf("interval %+v after one until %d, at %d", got, last, at)
			}
			last = got.To
			if got.Complete() && (got.In < 0.999 || got.In > 5.001 || math.Abs(got.Stored) > 4.001*200) {
				t.Fatalf("%+v", got)
			}
		}
	})
}

// What is consumed in a zone comes out, whatever the inflow, the tank and the clocks of the sensors do.
func TestBalanceFindsConsumption(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := tank()
		consumed := rapid.Float64Range(0, 100).Draw(t, "consumed")
		offsets := [3]int64{rapid.Int64Range(0, 9).Draw(t, "in"), rapid.Int64Range(0, 9).Draw(t, "out"), rapid.Int64Range(0, 9).Draw(t, "tank")}
		in, out := rapid.Float64Range(0, 100).Draw(t, "inflow"), rapid.Float64Range(0, 100).Draw(t, "outflow")
		var s Balance
		complete := 0
		for m := range int64(6 * 60) {
			for term, off := range offsets {
				if m%10 != off {
					continue
				}
				x := [...]float64{in, out, 3 + (in-out-consumed)/200*float64(m)/60}[term]
				b, ok := s.Next(p, term, 1000*hours+m*minutes, x)
				if !ok || !b.Complete() {
					continue
				}
				complete++
				if math.Abs(b.Value()-consumed) > 1e-6 {
					t.Fatalf("%+v: %g consumed, want %g", b, b.Value(), consumed)
				}
			}
		}
		if complete < 4 {
			t.Fatalf("%d complete intervals of six hours", complete)
		}
	})
}

func TestBalanceSize(t *testing.T) {
	if n := unsafe.Sizeof(Balance{}); n != 40 {
		t.Errorf("a Balance holds %d bytes; its comment says otherwise", n)
	}
	if n := unsafe.Sizeof(account{}); n != 72 {
		t.Errorf("a term holds %d bytes; the comment of Balance says otherwise", n)
	}
	p := tank()
	var s Balance
	at := 1000 * hours
	if n := testing.AllocsPerRun(1000, func() {
		for term := range 3 {
			s.Next(p, term, at, 1)
		}
		at += 10 * minutes
	}); n != 0 {
		t.Errorf("%v allocations a round", n)
	}
	for _, b := range [][]byte{nil, {balanceVersion}, {9}, {balanceVersion, 0, 0, 200, 200, 200, 1}, append([]byte{balanceVersion, 0, 0, 0}, 1)} {
		if s.UnmarshalBinary(b) == nil {
			t.Errorf("took up %v", b)
		}
	}
}
