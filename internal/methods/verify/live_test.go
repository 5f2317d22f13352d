package verify

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestLive(t *testing.T) {
	alerts := []Verified{
		{Detector: "gas/indoor", Hazard: "gas-leak", Case: 1, Raised: 90 * second, Outcome: Unverified},
		{Detector: "gas/indoor", Hazard: "gas-leak", Case: 1, Raised: 100 * second, Outcome: Real, Onset: 160 * second},
		{Detector: "gas/street", Hazard: "gas-leak", Case: 1, Raised: 120 * second, Outcome: Real},
		{Detector: "gas/indoor", Hazard: "gas-leak", Case: 2, Raised: 200 * second, Outcome: False},
		{Detector: "gas/indoor", Hazard: "gas-leak", Raised: 300 * second, Outcome: Unverified},
		{Detector: "gas/indoor", Hazard: "gas-leak", Raised: 310 * second, Outcome: Drill},
		{Detector: "gas/indoor", Hazard: "gas-leak", Raised: 320 * second, Outcome: Unclear},
		{Detector: "gas/indoor", Hazard: "gas-leak", Raised: 2000 * second, Outcome: False}, // after the time
	}
	missed := []Missed{
		{Hazard: "gas-leak", Detectors: []string{"gas/street"}, At: 500 * second},
		{Hazard: "gas-leak", Detectors: []string{"gas/street"}, At: 0}, // before it
	}
	detectors, hazards := Live(alerts, missed, 50*second, 1000*second)
	if len(detectors) != 2 || len(hazards) != 1 {
		t.Fatalf("%v %v", detectors, hazards)
	}
	in, st, all := detectors[0], detectors[1], hazards[0]
	if in.Name != "gas/indoor" || in.Alarms != 5 || in.Real != 1 || in.False != 1 || in.Drill != 1 || in.Unclear != 1 || in.Unverified != 1 ||
		in.Missed != 0 || in.POD != 1 || in.FAR != 0.5 || in.Lead != (LeadTimes{1, 70, 70}) {
		t.Errorf("%+v", in)
	}
	near(t, "verified", in.Verified, 0.8, 1e-12)
	if st.Alarms != 1 || st.Real != 1 || st.Missed != 1 || st.POD != 0.5 || st.FAR != 0 || st.Lead.N != 0 || st.Lead.Median.Defined() {
		t.Errorf("%+v", st)
	}
	// The case that both detectors found is one hit of the hazard.
	if all.Name != "gas-leak" || all.Real != 1 || all.False != 1 || all.Missed != 1 || all.POD != 0.5 || all.Lead.Median != 70 {
		t.Errorf("%+v", all)
	}
}

func TestNothing(t *testing.T) {
	f := Nothing("gas/indoor")
	if f.Name != "gas/indoor" || f.Alarms != 0 || f.POD.Defined() || f.FAR.Defined() || f.CSI.Defined() || f.Verified.Defined() ||
		f.PODInterval.Low.Defined() || f.Lead.Median.Defined() {
		t.Errorf("%+v", f)
	}
}

// Every alarm is counted once, whatever the order of the alerts, and a case is one alarm.
func TestLiveAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var alerts []Verified
		single, cases := 0, map[int64]bool{}
		for range rapid.IntRange(0, 20).Draw(t, "alerts") {
			a := Verified{
				Detector: "d", Hazard: "h", Case: rapid.Int64Range(0, 5).Draw(t, "case"), Raised: rapid.Int64Range(0, 99).Draw(t, "raised"),
				Outcome: rapid.SampledFrom([]Outcome{Unverified, Real, False, Unclear, Drill}).Draw(t, "outcome"),
				Onset:   rapid.Int64Range(0, 200).Draw(t, "onset"),
			}
			if alerts = append(alerts, a); a.Case == 0 {
				single++
			} else {
				cases[a.Case] = true
			}
		}
		ds, hs := Live(alerts, nil, 0, 100)
		if len(alerts) == 0 {
			if len(ds)+len(hs) != 0 {
				t.Fatal("figures of nothing")
			}
			return
		}
		f := ds[0]
		if f.Alarms != single+len(cases) || f.Real+f.False+f.Unclear+f.Drill+f.Unverified != f.Alarms || f.Lead.N > f.Real {
			t.Fatalf("%+v", f)
		}
		again, _ := Live(rapid.Permutation(alerts).Draw(t, "order"), nil, 0, 100)
		if fmt.Sprint(again) != fmt.Sprint(ds) { // NaN is not equal to itself
			t.Fatalf("%+v\n%+v", again, ds)
		}
		f.Name = hs[0].Name
		if fmt.Sprint(f) != fmt.Sprint(hs[0]) {
			t.Fatal("one detector alone is its hazard")
		}
	})
}
