package verify

import (
	"testing"

	"pgregory.net/rapid"
)

func TestStanding(t *testing.T) {
	first := 100 * day
	for _, c := range []struct {
		name         string
		since, clear int64 // clear 0: it stands
		stale        int
	}{
		{"stale from the start", first - 5*day, 0, 1},
		{"becomes stale", first - hour, 0, 1},
		{"clears before it is", first - hour, first + hour, 0},
		{"stale on the first day only", first - 5*day, first + hour, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := NewLoad(first)
			l.Standing(c.since, "a")
			if c.clear != 0 {
				l.Clear(c.clear, "a")
			}
			r := l.Report(first + 3*day)
			if r.Stale != c.stale || r.Alarms != 0 || r.Fleeting != 0 || len(r.Top) != 0 {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestFloodSince(t *testing.T) {
	every := func(n int, from, step int64) (out []int64) {
		for i := range n {
			out = append(out, from+int64(i)*step)
		}
		return out
	}
	burst := every(12, hour, 10*second) // the eleventh comes 100 s after the first
	for _, c := range []struct {
		name   string
		alarms []int64
		now    int64
		since  int64 // 0: no flood
	}{
		{"none", nil, hour, 0},
		{"ten are not yet one", every(10, hour, second), hour + 9*second, 0},
		{"eleven are", every(11, hour, second), hour + 10*second, hour + 10*second},
		{"eleven in eleven minutes are not", every(11, hour, 66*second), hour + 660*second, 0},
		{"just before it has ended", burst, hour + 70*second + tenMinutes - 1, hour + 100*second},
		{"four are left", burst, hour + 70*second + tenMinutes, 0},
		{"kept up by five in ten minutes", append(burst, every(20, hour+110*second+2*60*second, 2*60*second)...), hour + 110*second + 40*60*second, hour + 100*second},
		{"ended and begun anew", append(burst, every(11, 3*hour, second)...), 3*hour + 20*second, 3*hour + 10*second},
		{"what is still to come does not count", burst, hour + 50*second, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			since, flooded := FloodSince(c.alarms, c.now)
			if since != c.since || flooded != (c.since != 0) {
				t.Errorf("%d %v, want %d", since, flooded, c.since)
			}
		})
	}
}

// The state at any instant is that of one who looks every second.
func TestFloodSinceEverySecond(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var alarms []int64
		at := int64(0)
		for range rapid.IntRange(0, 80).Draw(t, "n") {
			at += rapid.SampledFrom([]int64{1, 5, 30, 60, 130, 400}).Draw(t, "step") * second
			alarms = append(alarms, at)
		}
		var since int64
		flooded := false
		for now := int64(0); now < at+tenMinutes+second; now += second {
			n := 0
			for _, a := range alarms {
				if a > now-tenMinutes && a <= now {
					n++
				}
			}
			if flooded && n < FloodBelow {
				since, flooded = 0, false
			}
			if !flooded && n > FloodAbove {
				since, flooded = now, true
			}
			if s, f := FloodSince(alarms, now); s != since || f != flooded {
				t.Fatalf("at %d: %d %v, want %d %v", now/second, s, f, since, flooded)
			}
		}
	})
}
