package series

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func follow() *Follow { return &Follow{Rise: 0.04, Fall: 30 * minute, Every: 5 * minute} }

// On clean air the background lies just under the readings; eight hours of gas lift it by no more than Rise allows; after
// the gas it is where it was.
func TestBackground(t *testing.T) {
	f, b := follow(), Background{}
	r := rand.New(rand.NewPCG(1, 2))
	at := int64(1e15)
	run := func(hours int, level float64) (mean float64) {
		n := hours * 60
		for range n {
			at += minute
			mean += b.Excess(f, at, level+0.05*r.NormFloat64()) / float64(n)
		}
		return mean
	}
	run(24, 2)
	if v := b.Value(); v < 1.85 || v > 2 {
		t.Fatalf("background of clean air at 2 ppm is %.3f", v)
	}
	before := b.Value()
	if mean := run(8, 12); mean < 9.7 {
		t.Errorf("mean excess of 10 ppm of gas is %.2f", mean)
	}
	if up := b.Value() - before; up > 8*0.04+1e-9 {
		t.Errorf("eight hours of gas lifted the background by %.3f", up)
	}
	run(4, 2)
	if v := b.Value(); v < 1.85 || v > 2 {
		t.Errorf("four hours after the gas the background is %.3f", v)
	}
	// The shortfall below the line settles where the formula says.
	var short, above float64
	for range 5000 {
		at += minute
		if e := b.Excess(f, at, 2+0.05*r.NormFloat64()); e < 0 {
			short -= e / 5000
		} else {
			above += 1. / 5000
		}
	}
	if want := 0.04 * 0.5 * above; math.Abs(short-want) > 0.1*want {
		t.Errorf("mean shortfall %.4f, want about %.4f", short, want)
	}
}

func TestBackgroundStartsInGas(t *testing.T) {
	f, b := follow(), Background{}
	if e := b.Excess(f, 1e15, 50); e != 0 {
		t.Errorf("excess of the first reading is %g", e)
	}
	for m := range int64(180) {
		b.Excess(f, 1e15+m*minute, 2)
	}
	if v := b.Value(); v > 2.3 {
		t.Errorf("three hours of clean air after a first reading of 50 ppm: background %.2f", v)
	}
}

// The line does not depend on how often an instrument speaks, and a gap moves it no more than Every does.
func TestBackgroundInTime(t *testing.T) {
	f := follow()
	slow, fast := Background{}, Background{}
	for s := int64(0); s <= 7200; s++ {
		x := 10.0
		fast.Excess(f, 1e15+s*sec, x)
		if s == 0 {
			fast = Background{value: 2, at: 1e15}
		}
		if s%60 == 0 {
			slow.Excess(f, 1e15+s*sec, x)
			if s == 0 {
				slow = Background{value: 2, at: 1e15}
			}
		}
	}
	if math.Abs(slow.Value()-fast.Value()) > 1e-6 {
		t.Errorf("each minute %.6f, each second %.6f", slow.Value(), fast.Value())
	}
	gap := Background{value: 2, at: 1e15}
	gap.Excess(f, 1e15+100*3600*sec, 10)
	if want := 2 + 0.04*5/60; math.Abs(gap.Value()-want) > 1e-9 {
		t.Errorf("after a gap of 100 h %.6f, want %.6f", gap.Value(), want)
	}
}

func TestBackgroundSnapshot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, a, b := follow(), Background{}, Background{}
		at := int64(1e15)
		for range rapid.IntRange(1, 50).Draw(t, "n") {
			at += rapid.Int64Range(-minute, 100*minute).Draw(t, "span")
			x := rapid.Float64Range(-10, 200).Draw(t, "x")
			if e1, e2 := a.Excess(f, at, x), b.Excess(f, at, x); e1 != e2 {
				t.Fatalf("%g before, %g after a snapshot", e1, e2)
			}
			state, _ := b.AppendBinary(nil)
			b = Background{}
			if err := b.UnmarshalBinary(state); err != nil {
				t.Fatal(err)
			}
			if b.UnmarshalBinary(state[:len(state)-1]) == nil {
				t.Fatal("a state that was cut short was taken")
			}
		}
	})
}

func BenchmarkBackground(b *testing.B) {
	f, s := follow(), Background{}
	b.ReportAllocs()
	for i := range b.N {
		s.Excess(f, int64(i)*sec, float64(i%7))
	}
}
