package series

import (
	"testing"

	"pgregory.net/rapid"
)

// stuckFor runs a notation, one reading a minute, and returns the minutes that the last reading is told to be stuck for.
func stuckFor(m *Move, notation string) float64 {
	var s Stuck
	var still int64
	for i, v := range expand(notation) {
		if v != nil {
			still = s.Next(m, int64(1e15)+int64(i)*minute, *v)
		}
	}
	return float64(still) / float64(minute)
}

func TestStuck(t *testing.T) {
	m := &Move{Resolution: 0.15, Rest: []float64{0, 100}, Every: 5 * minute}
	for _, c := range []struct {
		name, series string
		want         float64
	}{
		{"one reading", "7", 0},
		{"the same for ten minutes", "7x10", 10},
		{"it moved just now", "7x10 8", 0},
		{"it moved three minutes ago", "7x10 8x3", 3},
		{"trembling within the resolution", "7 7.1 7 7.1 7", 4},
		{"and by more", "7 7.2 7 7.2 7", 0},
		{"a drift ends it", "7+0.1x20", 0},
		{"at rest", "0x500", 0},
		{"at the other rest, trembling", "100.1 99.9 100x500", 0},
		{"it came from rest and stuck", "0x10 7x10", 10},
		{"rest in between begins anew", "7x10 0 7x3", 3},
		{"a short gap counts", "7x9 _x3 7", 13},
		{"a long gap counts as one reading's time", "7x9 _x300 7", 14},
	} {
		if got := stuckFor(m, c.series); got != c.want {
			t.Errorf("%s: %s\n got %g min, want %g", c.name, c.series, got, c.want)
		}
	}
}

// Against looking back: what is told to be still was within the resolution, and a value that is all equal is never told
// to be still for less than it is.
func TestStuckAgainstLookingBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &Move{Resolution: rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(t, "resolution"), Rest: []float64{-3}, Every: 5 * minute}
		var all []read
		at, newest := int64(1e15), int64(0)
		var s Stuck
		for range rapid.IntRange(1, 100).Draw(t, "n") {
			at += rapid.SampledFrom([]int64{0, sec, minute, 4 * minute, 5 * minute, 600 * minute, -minute}).Draw(t, "span")
			r := read{max(at, newest), rapid.SampledFrom([]float64{-3, 0, 0, 0, 0, 0.4, 0.5, 1, 2}).Draw(t, "x")}
			all, newest = append(all, r), r.at // a late reading is as old as the newest
			still := s.Next(m, at, r.x)

			equal, within := int64(0), int64(0)
			low, high, same := r.x, r.x, true
			for i := len(all) - 1; i > 0; i-- {
				p := all[i-1]
				low, high, same = min(low, p.x), max(high, p.x), same && p.x == r.x
				if r.x <= -3+m.Resolution || p.x <= -3+m.Resolution || high-low > m.Resolution {
					break
				}
				span := min(all[i].at-p.at, m.Every)
				within += span
				if same {
					equal += span
				}
			}
			if still < equal || still > within {
				t.Fatalf("still for %d, equal for %d, within the resolution for %d", still, equal, within)
			}
		}
	})
}

func TestStuckSnapshot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &Move{Resolution: 100, Rest: []float64{-10}, Every: 10 * minute}
		snapshot(t, drawSeries(t), func(s *Stuck, r read) [2]float64 { return [2]float64{float64(s.Next(m, r.at, r.x))} })
	})
}

func BenchmarkStuck(b *testing.B) {
	m, s := &Move{Resolution: 1, Rest: []float64{0}, Every: minute}, Stuck{}
	b.ReportAllocs()
	for i := range b.N {
		s.Next(m, int64(i)*minute, 5+float64(i/1000%7))
	}
}
