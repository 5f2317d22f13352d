package series

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"
)

const hourly = int64(hour)

// demand is what a part of town draws in an hour: a pattern of the week, stretched by a season, with noise.
func demand(i int, season float64, r *rand.Rand) float64 {
	h := float64(i % 24)
	x := 100 - 60*math.Cos(2*math.Pi*(h-4)/24)
	if i/24%7 >= 5 {
		x *= 0.8
	}
	return 20 + season*x + 3*r.NormFloat64()
}

func flowProfile() *ProfileParams {
	return &ProfileParams{Learn: 14 * int64(day), Memory: 20, Level: 3 * int64(day), Every: hourly, Q: 1e-3}
}

func TestProfileKnowsTheWeek(t *testing.T) {
	p := flowProfile()
	r := rand.New(rand.NewPCG(1, 1))
	var s Profile
	var judged, over int
	var sum, square, early float64
	for i := range 24 * 7 * 30 {
		d, ok := s.Next(p, int64(i)*hourly+1, demand(i, 1, r))
		if week := i / 168; week == 2 {
			early += d.Spread / 168
		}
		if learning := i < 14*24; ok == learning {
			t.Fatalf("hour %d: judges %v", i, ok)
		}
		if !ok {
			continue
		}
		judged++
		sum += d.Z
		square += d.Z * d.Z
		if d.Score > 1 {
			over++
		}
	}
	n := float64(judged)
	if m, sd := sum/n, math.Sqrt(square/n); math.Abs(m) > 0.1 || sd < 0.9 || sd > 1.15 {
		t.Errorf("deviations have mean %.2f and spread %.2f, want 0 and 1", m, sd)
	}
	if rate := float64(over) / n; rate > 2*p.Q {
		t.Errorf("rate of false alarms %.2g, asked for %g", rate, p.Q)
	}
	// In the third week: of the noise, 3, and of a mean of two visits.
	if want := 3 * math.Sqrt(1+1./2); math.Abs(early/want-1) > 0.1 {
		t.Errorf("spread %.2f in the week after the learning, want %.2f", early, want)
	}
	if f := s.Inflation(); f > 1.15 {
		t.Errorf("inflation %.2f of independent noise", f)
	}
}

// A season stretches the pattern; a leak adds to every hour. Only the leak is a deviation, and the scale tells the season.
func TestProfileTellsLeakFromSeason(t *testing.T) {
	for _, tc := range []struct {
		name   string
		season float64 // of the pattern, reached over 60 days
		leak   float64
	}{
		{"neither", 1, 0}, {"season", 1.3, 0}, {"leak", 1, 15}, {"leak in a season", 1.3, 15},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := flowProfile()
			r := rand.New(rand.NewPCG(2, 2))
			var s Profile
			var largest, before, first float64
			for i := range 80 * 24 {
				season := 1 + (tc.season-1)*min(max(float64(i)/24-14, 0)/60, 1)
				x := demand(i, season, r)
				if i >= 75*24 {
					x += tc.leak
				}
				d, ok := s.Next(p, int64(i)*hourly+1, x)
				switch {
				case !ok:
				case i < 75*24:
					largest = max(largest, math.Abs(d.Z))
					before = s.Base()
				case i < 75*24+6:
					first += d.Z / 6
				}
			}
			if largest > 5.5 {
				t.Errorf("largest deviation before the leak: %.1f spreads", largest)
			}
			if found := first > 2; found != (tc.leak > 0) {
				t.Errorf("mean deviation of the first six hours: %.1f spreads", first)
			}
			if math.Abs(s.Scale()-tc.season) > 0.06 {
				t.Errorf("scale %.2f, want %.2f", s.Scale(), tc.season)
			}
			if shift := s.Base() - before; math.Abs(shift-tc.leak) > 4 {
				t.Errorf("after 5 days the base has moved by %.1f, want about %g", shift, tc.leak)
			}
		})
	}
}

// One wild reading changes what is expected next by a little only.
func TestProfileForgivesOneReading(t *testing.T) {
	p := flowProfile()
	r := rand.New(rand.NewPCG(3, 9))
	var s Profile
	var largest, widest float64
	for i := range 60 * 24 {
		x := demand(i, 1, r)
		if i == 30*24 {
			x = 1e6
		}
		if d, ok := s.Next(p, int64(i)*hourly+1, x); ok && i != 30*24 {
			largest, widest = max(largest, math.Abs(d.Z)), max(widest, d.Spread)
		}
	}
	if largest > 5 || widest > 10 {
		t.Errorf("largest deviation beside the wild reading: %.1f spreads; widest spread %g", largest, widest)
	}
}

// Hours that happened to read the same in two weeks are not free of noise.
func TestProfileQuietHours(t *testing.T) {
	p := flowProfile()
	r := rand.New(rand.NewPCG(3, 8))
	var s Profile
	for i := range 14 * 24 {
		x := demand(i, 1, r)
		if h := i % 24; h >= 2 && h <= 4 {
			x = 7
		}
		s.Next(p, int64(i)*hourly+1, x)
	}
	for h := range 4 {
		x := [...]float64{demand(0, 1, r), demand(1, 1, r), 7, 7.5}[h]
		if d, _ := s.Next(p, int64(14*24+h)*hourly+1, x); math.Abs(d.Z) > 10 {
			t.Errorf("hour %d: %.1f spreads", h, d.Z)
		}
	}
}

// A pattern that is flat for years says nothing about its scale, and does no harm.
func TestProfileFlatForYears(t *testing.T) {
	p := flowProfile()
	var s Profile
	for i := range 8 * 366 * 24 {
		if d, _ := s.Next(p, int64(i)*hourly+1, 5); math.IsNaN(d.Z) {
			t.Fatalf("hour %d: not a number", i)
		}
	}
	if s.Scale() != 1 {
		t.Errorf("scale %g", s.Scale())
	}
	if d, _ := s.Next(p, int64(8*366*24)*hourly+1, 6); !(d.Z > 5) || math.IsInf(d.Z, 0) {
		t.Errorf("the first that differs: %g spreads", d.Z)
	}
}

// After Relevel a shift is the new usual within hours, without it within days.
func TestProfileRelevel(t *testing.T) {
	for _, relevel := range []bool{false, true} {
		p := flowProfile()
		r := rand.New(rand.NewPCG(4, 2))
		var s Profile
		var z float64
		for i := range 20*24 + 8 {
			x := demand(i, 1, r)
			if i >= 20*24 {
				x += 30
			}
			if i == 20*24+2 && relevel {
				s.Relevel()
			}
			if d, _ := s.Next(p, int64(i)*hourly+1, x); i >= 20*24+4 {
				z += d.Z / 4
			}
		}
		if usual := math.Abs(z) < 1.5; usual != relevel {
			t.Errorf("relevel %v: %.1f spreads off, two to six hours after", relevel, z)
		}
	}
}

// Local time: the pattern stays at its clock time when the clocks change.
func TestProfileInLocalTime(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	p := flowProfile()
	p.Zone, p.Level = zone, 0
	r := rand.New(rand.NewPCG(5, 2))
	var s Profile
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, zone)
	var largest float64
	for i := range 40 * 24 {
		at := from.Add(time.Duration(i) * time.Hour)
		x := 50 + r.NormFloat64()
		if at.Hour() == 7 {
			x += 100
		}
		if d, ok := s.Next(p, at.UnixMicro(), x); ok {
			largest = max(largest, math.Abs(d.Z))
		}
	}
	if largest > 8 {
		t.Errorf("largest deviation over the change of clocks: %.1f spreads", largest)
	}
}

// A profile that saw each hour of the week once knows no spread, so it goes on learning.
func TestProfileLearnsEnough(t *testing.T) {
	p := flowProfile()
	p.Learn = 3 * int64(day)
	r := rand.New(rand.NewPCG(5, 3))
	var s Profile
	first := 0
	for i := 0; first == 0; i++ {
		d, ok := s.Next(p, int64(i)*hourly+1, demand(i, 1, r))
		if !ok {
			continue
		}
		first = i
		if d.Spread < 1 || d.Spread > 10 {
			t.Errorf("spread %g, want about 3", d.Spread)
		}
	}
	if first != 168*3/2 {
		t.Errorf("it judged after %d hours", first)
	}
}

func TestProfileBuckets(t *testing.T) {
	utc := func(s string) int64 {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return at.UnixMicro()
	}
	for _, tc := range []struct {
		at    string
		zone  *time.Location
		width int64
		want  int
	}{
		{"2026-03-02T00:00:00Z", nil, 0, 0}, // a Monday
		{"2026-03-02T00:59:59Z", nil, 0, 0},
		{"2026-03-08T23:00:00Z", nil, 0, 167},
		{"2026-03-08T23:00:00Z", nil, int64(day), 6},
		{"2026-03-01T16:30:00Z", time.FixedZone("CST", 8*3600), 0, 0},
		{"1969-12-28T23:00:00Z", nil, 0, 167}, // before 1970
	} {
		p := ProfileParams{Zone: tc.zone, Width: tc.width}
		if got, _ := p.bucket(utc(tc.at)); got != tc.want {
			t.Errorf("%s, width %d: bucket %d, want %d", tc.at, tc.width, got, tc.want)
		}
	}
}

// Persistent noise is seen as such.
func TestProfileInflation(t *testing.T) {
	p := flowProfile()
	r := rand.New(rand.NewPCG(6, 2))
	var s Profile
	var ar float64
	for i := range 15 * 24 {
		ar = 0.6*ar + r.NormFloat64()
		s.Next(p, int64(i)*hourly+1, 100+ar)
	}
	if f := s.Inflation(); f < 1.5 || f > 2.6 { // sqrt(1.6/0.4) = 2
		t.Errorf("inflation %.2f of noise with correlation 0.6", f)
	}
}

// Gaps and buckets that were never seen leave finite numbers.
func TestProfileWithGaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := flowProfile()
		p.Learn = int64(day) * rapid.Int64Range(1, 15).Draw(t, "learn")
		p.Level = int64(day) * rapid.Int64Range(0, 5).Draw(t, "level")
		steps := rapid.SliceOfN(rapid.Int64Range(0, 40*hourly), 1, 400).Draw(t, "steps")
		value := rapid.Float64Range(-1e6, 1e6)
		flat := rapid.Bool().Draw(t, "flat")
		cut := rapid.IntRange(0, len(steps)).Draw(t, "cut")
		var whole, before, after Profile
		var at int64 = 1e15
		for i, step := range steps {
			at += step
			x := 3.0
			if !flat {
				x = value.Draw(t, "x")
			}
			if i == cut {
				b, _ := before.AppendBinary(nil)
				if len(b) != 2122 {
					t.Fatalf("the state takes %d bytes", len(b))
				}
				if err := after.UnmarshalBinary(b); err != nil {
					t.Fatal(err)
				}
				if after != before {
					t.Fatal("the state taken up is not the one written down")
				}
			}
			s := &before
			if i >= cut {
				s = &after
			}
			want, wok := whole.Next(p, at, x)
			got, ok := s.Next(p, at, x)
			if got != want || ok != wok {
				t.Fatalf("reading %d: %v, want %v", i, got, want)
			}
			if math.IsNaN(got.Z) || math.IsInf(got.Z, 0) || math.IsNaN(got.Score) {
				t.Fatalf("reading %d: %+v", i, got)
			}
			if rapid.IntRange(0, 50).Draw(t, "relevel") == 0 {
				whole.Relevel()
				s.Relevel()
			}
		}
	})
}

func TestProfileSize(t *testing.T) {
	if n := unsafe.Sizeof(Profile{}); n != 2128 {
		t.Errorf("a Profile holds %d bytes; its comment says otherwise", n)
	}
	p := flowProfile()
	p.Zone = time.FixedZone("CST", 8*3600)
	var s Profile
	i := 0
	if n := testing.AllocsPerRun(2000, func() { s.Next(p, int64(i)*hourly, float64(i%24)); i++ }); n != 0 {
		t.Errorf("%v allocations a reading", n)
	}
	for _, b := range [][]byte{nil, {profileVersion, 0}, {9, 9}, append([]byte{profileVersion, 1}, make([]byte, 300)...)} {
		if s.UnmarshalBinary(b) == nil {
			t.Errorf("took up %d bytes", len(b))
		}
	}
}

func BenchmarkProfile(b *testing.B) {
	p := flowProfile()
	p.Zone = time.FixedZone("CST", 8*3600)
	var s Profile
	for i := 0; b.Loop(); i++ {
		s.Next(p, int64(i)*hourly/12, float64(i%24))
	}
}
