package series

import (
	"encoding"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// What all statistical detectors promise alike. Each is a fresh state and the number that it says of a reading.
type statistic struct {
	name  string
	state any // pointer to the zero value
	next  func(state any, at int64, x float64) float64
	sized int
}

func statistics() []statistic {
	everyday, likelihood, novelty := EverydayFor(1e-3), LikelihoodFor(1e-3), NoveltyFor(1e-3)
	everyday.Learn, novelty.Learn, novelty.Forget = 5, 5, 20
	cusum, hinkley := CUSUMFor(1e-3, Both, 8), PageHinkleyFor(1e-3, Up, 8)
	return []statistic{
		{"everyday", new(Everyday), func(s any, at int64, x float64) float64 {
			f := s.(*Everyday).Next(&everyday, at, x)
			if f.Alarm {
				return -f.Score
			}
			return f.Score
		}, 241},
		{"likelihood", new(Likelihood), func(s any, at int64, x float64) float64 {
			return s.(*Likelihood).Next(&likelihood, at, x)
		}, 29},
		{"novelty", new(Novelty), func(s any, at int64, x float64) float64 { return s.(*Novelty).Next(&novelty, at, x) }, 41},
		{"cusum", new(Shift), func(s any, at int64, x float64) float64 { return s.(*Shift).Next(&cusum, at, x) }, 37},
		{"page-hinkley", new(Shift), func(s any, at int64, x float64) float64 { return s.(*Shift).Next(&hinkley, at, x) }, 37},
	}
}

func fresh(state any) any { return reflect.New(reflect.TypeOf(state).Elem()).Interface() }

// A snapshot anywhere changes nothing.
func TestStatisticSnapshot(t *testing.T) {
	for _, c := range statistics() {
		t.Run(c.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				xs := rapid.SliceOfN(rapid.Float64Range(-1e18, 1e18), 1, 80).Draw(t, "readings")
				cut := rapid.IntRange(0, len(xs)-1).Draw(t, "cut")
				a, b := fresh(c.state), fresh(c.state)
				at := rapid.Int64Range(-1e15, 2e15).Draw(t, "begin")
				for i, x := range xs {
					at += rapid.Int64Range(0, 2*3600e6).Draw(t, "gap")
					if i == cut {
						raw, err := b.(encoding.BinaryAppender).AppendBinary([]byte("before"))
						if err != nil || len(raw) != len("before")+c.sized {
							t.Fatalf("%d bytes, %v; the comment says %d", len(raw)-len("before"), err, c.sized)
						}
						b = fresh(c.state)
						if err := b.(encoding.BinaryUnmarshaler).UnmarshalBinary(raw[len("before"):]); err != nil {
							t.Fatal(err)
						}
					}
					va, vb := c.next(a, at, x), c.next(b, at, x)
					if va != vb || math.IsNaN(va) || math.IsInf(va, 0) {
						t.Fatalf("reading %d: %g, after a snapshot %g", i, va, vb)
					}
				}
				if !reflect.DeepEqual(a, b) {
					t.Fatal("the states differ")
				}
			})
		})
	}
}

// A series in another unit and with another zero gives the same scores: exactly so where the arithmetic is exact.
func TestStatisticInvariance(t *testing.T) {
	for _, c := range statistics() {
		t.Run(c.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				xs := rapid.SliceOfN(rapid.IntRange(-1000, 1000), 1, 200).Draw(t, "readings")
				scale := math.Ldexp(1, rapid.IntRange(-12, 12).Draw(t, "scale"))
				zero := scale * float64(rapid.IntRange(-1e9, 1e9).Draw(t, "zero"))
				a, b := fresh(c.state), fresh(c.state)
				for i, x := range xs {
					at := int64(1e15) + int64(i)*300e6
					if va, vb := c.next(a, at, float64(x)), c.next(b, at, float64(x)*scale+zero); va != vb {
						t.Fatalf("reading %d: %g, in the other unit %g", i, va, vb)
					}
				}
			})
		})
	}
}

// A series that never moves gives nothing.
func TestStatisticConstant(t *testing.T) {
	for _, c := range statistics() {
		for _, x := range []float64{0, 0.1, -1e9, 1e300} {
			s := fresh(c.state)
			for i := range 5000 {
				if v := c.next(s, int64(i)*300e6, x); v != 0 {
					t.Fatalf("%s of a constant %g: %g at reading %d", c.name, x, v, i)
				}
			}
		}
	}
}

func TestStatisticStateIsPlain(t *testing.T) {
	for _, c := range statistics() {
		if !plain(reflect.TypeOf(c.state).Elem()) {
			t.Errorf("%s holds something that is not copied by assignment", c.name)
		}
		s, noise := fresh(c.state), rand.New(rand.NewPCG(1, 2))
		at := int64(0)
		if n := testing.AllocsPerRun(1000, func() { at += 300e6; c.next(s, at, noise.NormFloat64()) }); n != 0 {
			t.Errorf("%s allocates %g times a reading", c.name, n)
		}
	}
	for name, c := range map[string]struct{ got, said uintptr }{
		"everyday":   {unsafe.Sizeof(Everyday{}), 240},
		"likelihood": {unsafe.Sizeof(Likelihood{}), 32},
		"novelty":    {unsafe.Sizeof(Novelty{}), 40},
		"shift":      {unsafe.Sizeof(Shift{}), 40},
	} {
		if c.got != c.said || c.got >= 256 {
			t.Errorf("%s takes %d bytes, its comment says %d, and 256 are too many", name, c.got, c.said)
		}
	}
}

func plain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return plain(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if !plain(t.Field(i).Type) {
				return false
			}
		}
		return true
	}
	return t.Kind() >= reflect.Bool && t.Kind() <= reflect.Complex128
}

// A damaged state is told, and leaves what was there.
func TestStatisticDamagedState(t *testing.T) {
	for _, c := range statistics() {
		s := fresh(c.state)
		for i := range 100 {
			c.next(s, int64(i)*300e6, float64(i%7))
		}
		raw, _ := s.(encoding.BinaryAppender).AppendBinary(nil)
		notANumber := append([]byte(nil), raw...)
		for i := 1; i < 9; i++ { // each begins with a float64
			notANumber[i] = 0xff
		}
		version := append([]byte(nil), raw...)
		version[0]++
		for what, bad := range map[string][]byte{
			"nothing": {}, "cut short": raw[:len(raw)-1], "too long": append(raw[:len(raw):len(raw)], 0),
			"not a number": notANumber, "another version": version,
		} {
			kept := fresh(c.state)
			_ = kept.(encoding.BinaryUnmarshaler).UnmarshalBinary(raw)
			if err := kept.(encoding.BinaryUnmarshaler).UnmarshalBinary(bad); err == nil {
				t.Errorf("%s takes a state that is %s", c.name, what)
			}
			if !reflect.DeepEqual(kept, s) {
				t.Errorf("%s: a state that is %s has changed what was there", c.name, what)
			}
		}
	}
}
