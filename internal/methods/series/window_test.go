package series

import (
	"math"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// read is one reading of a series that is drawn: times jump, stand still, go back a little, and leave gaps of any length.
type read struct {
	at int64
	x  float64
}

func drawSeries(t *rapid.T) []read {
	at := rapid.SampledFrom([]int64{1e15, 0, -1e12, 7}).Draw(t, "from")
	var out []read
	for range rapid.IntRange(1, 120).Draw(t, "n") {
		at += rapid.OneOf(
			rapid.SampledFrom([]int64{0, sec, 30 * sec, minute, 10 * minute, 75 * minute, -5 * sec}),
			rapid.Int64Range(0, 200*minute),
		).Draw(t, "span")
		out = append(out, read{at, rapid.Float64Range(-10, 200).Draw(t, "x")})
	}
	return out
}

func drawOver(t *rapid.T) *Over {
	return &Over{
		Span:  rapid.SampledFrom([]int64{8, 10 * minute, 60 * minute, 61*minute + 3, 24 * 60 * minute}).Draw(t, "over"),
		Every: rapid.SampledFrom([]int64{minute, 5 * minute, 90 * minute, 48 * 60 * minute}).Draw(t, "every"),
	}
}

// inWindow are the readings that a window holds after the last of them, by the definition: readings that are late are as
// old as the newest before them; the window begins eight eighths before the one that has begun.
func inWindow(o *Over, all []read) (in []read, begin int64) {
	newest := int64(math.MinInt64)
	var settled []read
	for _, r := range all {
		newest = max(newest, r.at)
		settled = append(settled, read{newest, r.x})
	}
	width := o.width()
	begin = int64(math.Floor(float64(newest)/float64(width))-8) * width
	if q := newest / width; newest >= 0 { // exact where a float is not
		begin = (q - 8) * width
	}
	for _, r := range settled {
		if r.at >= begin {
			in = append(in, r)
		}
	}
	return in, begin
}

func TestWindowIsWhatItSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawOver(t)
		all := drawSeries(t)
		var e Extremes
		var s Sum
		var c Change
		for n, r := range all {
			low, high := e.Next(o, r.at, r.x)
			total, mean := s.Next(o, r.at, r.x)
			rise, fall := c.Next(o, r.at, r.x)

			in, begin := inWindow(o, all[:n+1])
			if reach := in[len(in)-1].at - begin; reach < o.Span || reach >= o.Span+o.width()+8 {
				t.Fatalf("the window reaches back by %d, span %d", reach, o.Span)
			}
			wantLow, wantHigh, sum := math.Inf(1), math.Inf(-1), 0.0
			for _, i := range in {
				wantLow, wantHigh, sum = min(wantLow, i.x), max(wantHigh, i.x), sum+i.x
			}
			if low != wantLow || high != wantHigh {
				t.Fatalf("reading %d: lowest %g highest %g, want %g %g", n, low, high, wantLow, wantHigh)
			}
			if rise != r.x-wantLow || fall != wantHigh-r.x {
				t.Fatalf("reading %d: rise %g fall %g", n, rise, fall)
			}
			if !near(total, sum) || !near(mean, sum/float64(len(in))) || s.Count() != len(in) {
				t.Fatalf("reading %d: total %g mean %g of %d, want %g of %d", n, total, mean, s.Count(), sum, len(in))
			}
		}
	})
}

// The integral is held to a model that knows each reading's stretch of time, and cuts it at the window's begin.
func TestIntegralIsWhatItSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawOver(t)
		all := drawSeries(t)
		var s Integral
		for n, r := range all {
			total, mean := s.Next(o, r.at, r.x)

			_, begin := inWindow(o, all[:n+1])
			var value, time float64
			last := all[0].at
			for _, r := range all[1 : n+1] {
				at := max(r.at, last)
				from := max(at-o.Every, last, begin)
				if part := float64(at - from); part > 0 {
					value, time = value+r.x*part, time+part
				}
				last = at
			}
			want := r.x
			if time > 0 {
				want = value / time
			}
			if !near(total, value/hour) || !near(mean, want) || s.Covered() != int64(time) {
				t.Fatalf("reading %d: %g, mean %g over %d, want %g, %g over %g", n, total, mean, s.Covered(), value/hour, want, time)
			}
		}
	})
}

// The share is the time within the span itself, to the part of an eighth that is taken in proportion.
func TestShareIsWhatItSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawOver(t)
		all := drawSeries(t)
		after := rapid.Int64Range(0, 2*o.Span).Draw(t, "after")
		var s Integral
		if s.Share(o, all[0].at) != 0 {
			t.Fatal("what was never heard speaks for time")
		}
		for n, r := range all {
			s.Next(o, r.at, r.x)
			now := s.last
			if n == len(all)-1 {
				now += after // nothing more is heard
			}
			var known float64
			last := all[0].at
			for _, r := range all[1 : n+1] {
				at := max(r.at, last)
				known += float64(max(at-max(at-o.Every, last, now-o.Span), 0))
				last = at
			}
			got := s.Share(o, now)
			if off := math.Abs(got - known/float64(o.Span)); off > float64(o.width())/float64(o.Span)+1e-9 || got < 0 || got > 1 {
				t.Fatalf("reading %d: %g, want %g", n, got, known/float64(o.Span))
			}
		}
	})
}

// A gap of an hour and a half in a span of eight counts the same all the way through it, and no more when it has left.
func TestShareOfAGap(t *testing.T) {
	o := &Over{Span: 8 * 60 * minute, Every: 5 * minute}
	start := int64(1e15) / o.width() * o.width()
	var s Integral
	for m := int64(0); m <= 1200; m += 5 {
		if m > 300 && m <= 390 {
			continue
		}
		s.Next(o, start+m*minute, 1)
		want := 390. / 480
		switch {
		case m <= 300:
			want = float64(m) / 480
		case m <= 480:
			want = float64(m-90) / 480
		case m >= 960:
			want = 1
		case m > 780:
			continue // it leaves, by eighths
		}
		if got := s.Share(o, start+m*minute); math.Abs(got-want) > 1e-9 {
			t.Errorf("minute %d: %g, want %g", m, got, want)
		}
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*(1+math.Abs(a)+math.Abs(b)) }

func TestWindowByHand(t *testing.T) {
	o := &Over{Span: 80 * minute, Every: 10 * minute} // eighths of ten minutes
	start := int64(1e15) / (10 * minute) * (10 * minute)
	var c Change
	var rain Sum
	var flow Integral
	for _, s := range []struct {
		minute                    int64
		x                         float64
		rise, fall, sum, integral float64
	}{
		{0, 2, 0, 0, 2, 0},
		{30, 5, 3, 0, 7, 5. / 6}, // ten of the thirty minutes are known
		{40, 3, 1, 2, 10, 8. / 6},
		{89, 3, 1, 2, 13, 11. / 6},   // 0 min is still held
		{90, 3, 0, 2, 14, 11.3 / 6},  // and has left
		{121, 4, 1, 0, 13, 73. / 60}, // 30 min has left, and what 40 min spoke for as well
		{1000, 9, 0, 0, 9, 9. / 6},   // after a long gap there is only this one
	} {
		at := start + s.minute*minute
		rise, fall := c.Next(o, at, s.x)
		sum, _ := rain.Next(o, at, s.x)
		integral, _ := flow.Next(o, at, s.x)
		if rise != s.rise || fall != s.fall {
			t.Errorf("minute %d: rise %g fall %g, want %g %g", s.minute, rise, fall, s.rise, s.fall)
		}
		if !near(sum, s.sum) || !near(integral, s.integral) {
			t.Errorf("minute %d: sum %g integral %g, want %g %g", s.minute, sum, integral, s.sum, s.integral)
		}
	}
}

// Steady rain of 6 mm/h over one hour is 6 mm, and no more than an eighth above that.
func TestIntegralOfSteadyRain(t *testing.T) {
	o := &Over{Span: 60 * minute, Every: 5 * minute}
	var s Integral
	for m := range int64(600) {
		mm, mean := s.Next(o, int64(1e15)+m*minute, 6)
		if m > 70 && (mm < 6 || mm > 6*9./8 || mean != 6) {
			t.Fatalf("minute %d: %g mm, mean %g mm/h", m, mm, mean)
		}
	}
}

type state interface {
	AppendBinary([]byte) ([]byte, error)
	UnmarshalBinary([]byte) error
}

// snapshot holds a state to one that is written down and taken up again after each reading.
func snapshot[S any, P interface {
	*S
	state
}](t *rapid.T, all []read, next func(P, read) [2]float64) {
	var a, b S
	for _, r := range all {
		if x, y := next(P(&a), r), next(P(&b), r); x != y {
			t.Fatalf("%T: %v before, %v after a snapshot", a, x, y)
		}
		bytes, err := P(&b).AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var c S
		if err := P(&c).UnmarshalBinary(bytes); err != nil {
			t.Fatal(err)
		}
		b = c
		if P(&c).UnmarshalBinary(bytes[:len(bytes)-1]) == nil || P(&c).UnmarshalBinary(append(bytes, 0)) == nil || P(&c).UnmarshalBinary(nil) == nil {
			t.Fatalf("%T: a state that was cut short or is too long was taken", c)
		}
	}
}

func TestWindowSnapshots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o, all := drawOver(t), drawSeries(t)
		pair := func(a, b float64) [2]float64 { return [2]float64{a, b} }
		snapshot(t, all, func(s *Extremes, r read) [2]float64 { return pair(s.Next(o, r.at, r.x)) })
		snapshot(t, all, func(s *Sum, r read) [2]float64 { return pair(s.Next(o, r.at, r.x)) })
		snapshot(t, all, func(s *Integral, r read) [2]float64 { return pair(s.Next(o, r.at, r.x)) })
		snapshot(t, all, func(s *Change, r read) [2]float64 { return pair(s.Next(o, r.at, r.x)) })
	})
}

func TestStateSizes(t *testing.T) {
	for name, c := range map[string][2]uintptr{
		"Extremes": {unsafe.Sizeof(Extremes{}), 160}, "Sum": {unsafe.Sizeof(Sum{}), 160}, "Change": {unsafe.Sizeof(Change{}), 160},
		"Integral": {unsafe.Sizeof(Integral{}), 168}, "Stuck": {unsafe.Sizeof(Stuck{}), 40},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: %d bytes, its comment says %d", name, c[0], c[1])
		}
	}
}

func BenchmarkChange(b *testing.B) {
	o, s := &Over{Span: 60 * minute}, Change{}
	b.ReportAllocs()
	for i := range b.N {
		s.Next(o, int64(i)*minute, float64(i%7))
	}
}

func BenchmarkIntegral(b *testing.B) {
	o, s := &Over{Span: 60 * minute, Every: 5 * minute}, Integral{}
	b.ReportAllocs()
	for i := range b.N {
		s.Next(o, int64(i)*minute, float64(i%7))
	}
}
