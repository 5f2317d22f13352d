package verify

import (
	"testing"
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
