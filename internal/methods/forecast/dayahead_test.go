package forecast

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func ahead(f Figure, within int) *DayAheadParams {
	p := &DayAheadParams{Habits: *habits(), Figure: f, Within: within}
	p.Habits.Inputs = 0
	return p
}

// What is told of the coming hours is nearer than the same hours of the day before, is not told for six weeks, and its band
// holds the share that it promises: of the highest hour, too, which is mostly higher than each hour is likely to be.
func TestDayAheadFigures(t *testing.T) {
	x, _, _ := town(24*400, rand.New(rand.NewPCG(1, 2)))
	for f, spans := range map[Figure][]int{Highest: {24, 6}, Lowest: {24}, Mean: {24}} {
		for _, within := range spans {
			p := ahead(f, within)
			var s DayAhead
			var model, yesterday, bias float64
			n, in, first := 0, 0, 0
			for k := range x {
				if k%97 != 0 { // an hour is missing now and then
					s.Next(p, start+int64(k)*hour, x[k])
				}
				got, ok := s.Tell(p)
				if ok && first == 0 {
					first = k
				}
				if !ok || k+within >= len(x) || k%97 == 0 {
					continue
				}
				came := p.Habits.out(p.figure(func(i int) float64 { return x[k+1+i] }))
				model += math.Abs(got.Likely - came)
				bias += got.Likely - came
				yesterday += math.Abs(p.Habits.out(p.figure(func(i int) float64 { return x[k+1+i-24] })) - came)
				n++
				if got.Low <= came && came <= got.High {
					in++
				}
				if ahead := (got.At - start) / hour; ahead <= int64(k) || ahead > int64(k+within) {
					t.Fatalf("hour %d: told of hour %d", k, ahead)
				}
			}
			if first < 24*38 || first > 24*43 {
				t.Errorf("figure %d within %d: first told in day %d", f, within, first/24)
			}
			if model > 0.8*yesterday || math.Abs(bias) > 0.25*model {
				t.Errorf("figure %d within %d: %.3f of yesterday's error, bias %.3f of it", f, within, model/yesterday, bias/model)
			}
			if share := float64(in) / float64(n); n < 8000 || math.Abs(share-0.8) > 0.03 {
				t.Errorf("figure %d within %d: %.3f of %d in the 80 %% band", f, within, share, n)
			}
		}
	}
}

// Nothing is told while the record is no better than that of the day before, nor when half of a day is missing.
func TestDayAheadUnknown(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	p := ahead(Highest, 24)
	x, _, _ := town(24*140, r)
	for _, c := range []struct{ gap, want int }{{3, 0}, {12, 0}, {13, 11}, {3 * 24, 11}, {15 * 24, 9 * 24}} {
		var s DayAhead
		last := 0 // the last hour after the gap in which nothing was told
		for k := range x {
			if k >= 24*100 && k < 24*100+c.gap {
				continue
			}
			s.Next(p, start+int64(k)*hour, x[k])
			if _, ok := s.Tell(p); !ok && k >= 24*100 {
				last = k - 24*100 - c.gap + 1
			}
		}
		if last != c.want {
			t.Errorf("after a gap of %d h nothing is told for %d h, not %d", c.gap, last, c.want)
		}
		if s.size, s.rival = 2, 1; c.gap == 3 {
			if got, ok := s.Tell(p); ok {
				t.Errorf("%v is told, with errors twice those of the day before", got)
			}
		}
	}
}

// A snapshot anywhere changes nothing, and a state that goes on leaves the one that it was copied from as it was.
func TestDayAheadSnapshot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		x, _, _ := town(24*44, r)
		p := ahead(Figure(rapid.IntRange(0, 2).Draw(t, "figure")), rapid.IntRange(1, 24).Draw(t, "within"))
		p.Habits.Week = false // which is quicker
		cut := rapid.IntRange(0, len(x)).Draw(t, "cut")
		var a, b DayAhead
		for k := range x {
			if k == cut {
				kept, _ := a.AppendBinary(nil)
				copied := a
				if err := b.UnmarshalBinary(kept); err != nil {
					t.Fatal(err)
				}
				copied.Next(p, start+int64(k)*hour, 5000)
				if again, _ := a.AppendBinary(nil); !bytes.Equal(again, kept) {
					t.Fatal("a copy changed what it was copied from")
				}
			}
			if k%13 == 0 && r.IntN(2) == 0 || k > cut && k < cut+r.IntN(300) {
				continue
			}
			at := start + int64(k)*hour
			a.Next(p, at, x[k])
			if k < cut {
				continue
			}
			b.Next(p, at, x[k])
			f, ok := a.Tell(p)
			g, also := b.Tell(p)
			if f != g || ok != also {
				t.Fatalf("hour %d: %v %v and %v %v", k, f, ok, g, also)
			}
		}
	})
}

// Readings of a minute become hours; half an hour is not one.
func TestHourly(t *testing.T) {
	type hourOf struct {
		hour int64
		mean float64
	}
	for name, c := range map[string]struct {
		every int64
		at    []int64 // minutes from the start of an hour
		want  []hourOf
	}{
		"each hour":             {60, []int64{0, 60, 120}, []hourOf{{0, 0}, {1, 60}, {2, 120}}},
		"a quarter":             {15, []int64{0, 15, 30, 45, 60, 75}, []hourOf{{0, 22.5}}},
		"half of it":            {15, []int64{0, 15, 75, 90, 120}, []hourOf{{0, 7.5}, {1, 82.5}}},
		"less":                  {15, []int64{0, 60, 120, 180}, nil},
		"two at once":           {40, []int64{0, 100}, []hourOf{{0, 0}, {1, 100}}},
		"more than are due":     {60, []int64{0, 30, 60}, []hourOf{{0, 0}, {1, 60}}},
		"the clock is put back": {30, []int64{60, 90, 60, 90, 120, 150}, []hourOf{{1, 75}, {2, 135}}},
		"put back in the hour":  {30, []int64{60, 0, 90}, []hourOf{{1, 75}}},
	} {
		var s Hourly
		var got []hourOf
		begin := start / hour * hour
		for _, m := range c.at {
			s.Next(&HourlyParams{Every: c.every * minute}, begin+m*minute, float64(m), func(at int64, mean float64) {
				got = append(got, hourOf{(at - begin) / hour, mean})
			})
			state, _ := s.AppendBinary(nil)
			s = Hourly{}
			if err := s.UnmarshalBinary(state); err != nil {
				t.Fatal(err)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: %v, want %v", name, got, c.want)
			}
		}
	}
}

func BenchmarkDayAhead(b *testing.B) {
	x, _, _ := town(24*400, rand.New(rand.NewPCG(1, 2)))
	var s DayAhead
	p := ahead(Highest, 24)
	for k := 0; b.Loop(); k++ {
		s.Next(p, start+int64(k)*hour, x[k%len(x)])
	}
}
