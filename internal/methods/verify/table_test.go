package verify

import (
	"encoding/json"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func near(t *testing.T, what string, got Score, want, within float64) {
	t.Helper()
	if math.Abs(float64(got)-want) > within || !got.Defined() {
		t.Errorf("%s %v, want %v", what, got, want)
	}
}

// Finley's tornado forecasts of 1884: the table that these scores were invented on (Murphy 1996, Weather and Forecasting 11, 3).
func TestFinley(t *testing.T) {
	f := Table{Hits: 28, Misses: 23, FalseAlarms: 72, Quiet: 2680}
	near(t, "POD", f.POD(), 0.549, 0.0005)
	near(t, "FAR", f.FAR(), 0.720, 0.0005)
	near(t, "CSI", f.CSI(), 0.228, 0.0005)
	near(t, "bias", f.Bias(), 1.96, 0.005)
	near(t, "POFD", f.POFD(), 0.0262, 0.00005)
	near(t, "HK", f.HK(), 0.523, 0.0005)
}

// Values of Newcombe 1998, Stat. Med. 17, 857, table I, method 3.
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		part, whole int
		low, high   float64
	}{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}} {
		got := Wilson(c.part, c.whole)
		near(t, "low", got.Low, c.low, 0.00006)
		near(t, "high", got.High, c.high, 0.00006)
	}
	if got := Wilson(0, 0); got.Low.Defined() || got.High.Defined() {
		t.Error(got)
	}
}

func TestScoresOfNothingAreNull(t *testing.T) {
	b, err := json.Marshal(Table{}.Scores())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"pod":null,"pod_95":{"low":null,"high":null},"far":null,"far_95":{"low":null,"high":null},"csi":null,"pofd":null,"bias":null,"hk":null}`
	if string(b) != want {
		t.Errorf("%s", b)
	}
	var back Scores
	if err := json.Unmarshal(b, &back); err != nil || back.POD.Defined() {
		t.Errorf("%v %v", back, err)
	}
}

func TestScoresStayInTheirRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 1000)
		x := Table{n.Draw(t, "hits"), n.Draw(t, "misses"), n.Draw(t, "false"), n.Draw(t, "quiet")}
		for _, s := range []Score{x.POD(), x.FAR(), x.CSI(), x.POFD()} {
			if s.Defined() && (s < 0 || s > 1) {
				t.Fatalf("%v of %+v", s, x)
			}
		}
		if s := x.HK(); s.Defined() && (s < -1 || s > 1) {
			t.Fatalf("HK %v of %+v", s, x)
		}
		// 1/CSI = 1/(1-FAR) + 1/POD - 1 (Roebber 2009, Weather and Forecasting 24, 601, eq. 2).
		if x.Hits > 0 {
			left, right := 1/x.CSI(), 1/(1-x.FAR())+1/x.POD()-1
			if math.Abs(float64(left-right)) > 1e-9*float64(left) {
				t.Fatalf("%v is not %v", left, right)
			}
		}
		w := Wilson(x.Hits, x.Hits+x.Misses)
		if p := x.POD(); p.Defined() && !(w.Low <= p && p <= w.High && w.Low >= 0 && w.High <= 1) {
			t.Fatalf("%v outside %v", p, w)
		}
	})
}

func TestQuantile(t *testing.T) {
	ten := []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for _, c := range []struct {
		share float64
		want  int64
	}{{0, 1}, {0.1, 1}, {0.11, 2}, {0.5, 5}, {0.9, 9}, {1, 10}} {
		if got, ok := Quantile(ten, c.share); got != c.want || !ok {
			t.Errorf("%v: %d, want %d", c.share, got, c.want)
		}
	}
	if _, ok := Quantile[int64](nil, 0.5); ok {
		t.Error("a quantile of nothing")
	}
}
