package sim

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestScore(t *testing.T) {
	start := monday
	at := func(minutes float64) time.Time { return start.Add(time.Duration(minutes * float64(time.Minute))) }
	truth := Truth{Start: start, Incidents: []Incident{
		{ID: "leak", Start: at(1), HarmfulAt: at(11), End: at(30), Assets: []string{"alarm-1", "alarm-2"}, Places: []string{"street"}},
		{ID: "burst", Start: at(5), HarmfulAt: at(40), End: at(100), Assets: []string{"meter"}, Places: []string{"street"}},
	}}
	alert := func(id string, minutes float64, assets ...string) Alert {
		return Alert{ID: id, Raised: at(minutes), Assets: assets}
	}
	for _, c := range []struct {
		name                           string
		alerts                         []Alert
		found, missed, false, repeated int
		warning                        []float64
		by                             []string // alert that found each incident
	}{
		{name: "silence misses all", missed: 2, by: []string{"", ""}},
		{"each found once", []Alert{alert("b", 10, "meter"), alert("a", 2, "alarm-2")}, 2, 0, 0, 0, []float64{9, 30}, []string{"a", "b"}},
		{"the first alert counts", []Alert{alert("late", 8, "alarm-1"), alert("early", 3, "alarm-2")}, 1, 1, 0, 1, []float64{8}, []string{"early", ""}},
		{"too late is found without warning", []Alert{alert("a", 20, "alarm-1")}, 1, 1, 0, 0, []float64{-9}, []string{"a", ""}},
		{"grace after the end", []Alert{alert("a", 40, "alarm-1")}, 1, 1, 0, 0, []float64{-29}, []string{"a", ""}},
		{"beyond the grace is false", []Alert{alert("a", 40.5, "alarm-1")}, 0, 2, 1, 0, nil, []string{"", ""}},
		{"before it began is false", []Alert{alert("a", 0.5, "alarm-1")}, 0, 2, 1, 0, nil, []string{"", ""}},
		{"elsewhere is false", []Alert{alert("a", 2, "alarm-9"), alert("b", 2)}, 0, 2, 2, 0, nil, []string{"", ""}},
		{"before the scenario is not scored", []Alert{alert("a", -60, "alarm-9")}, 0, 2, 0, 0, nil, []string{"", ""}},
		{"a place will do", []Alert{{ID: "a", Raised: at(2), Places: []string{"street"}}}, 1, 1, 0, 0, []float64{9}, []string{"a", ""}},
		{"what began last claims a common place", []Alert{{ID: "a", Raised: at(6), Places: []string{"street"}}}, 1, 1, 0, 0, []float64{34}, []string{"", "a"}},
		{"one instant is settled by id", []Alert{alert("y", 2, "alarm-1"), alert("x", 2, "alarm-2")}, 1, 1, 0, 1, []float64{9}, []string{"x", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 2 { // in either order
				got := Score(truth, c.alerts, at(120))
				if got.Planted != 2 || got.Pending != 0 || got.Found != c.found || got.Missed != c.missed || got.False != c.false || got.Repeated != c.repeated {
					t.Errorf("planted %d found %d missed %d false %d repeated %d", got.Planted, got.Found, got.Missed, got.False, got.Repeated)
				}
				if !slices.Equal(got.Warning, c.warning) {
					t.Errorf("warning %v, want %v", got.Warning, c.warning)
				}
				for k, by := range c.by {
					if i := got.Incidents[k]; i.Alert != by || i.Found != (by != "") || (i.Warning != nil) != i.Found {
						t.Errorf("%s was found by %q, want %q", i.ID, i.Alert, by)
					}
				}
				slices.Reverse(c.alerts)
			}
		})
	}
}

// What has not begun is not missed: an incident counts from its first instant on.
func TestScoreOfWhatIsToCome(t *testing.T) {
	truth := Truth{Start: monday, Incidents: []Incident{
		{ID: "leak", Start: monday.Add(time.Minute), HarmfulAt: monday.Add(time.Hour), End: monday.Add(time.Hour), Assets: []string{"alarm"}},
		{ID: "burst", Start: monday.Add(2 * time.Minute), HarmfulAt: monday.Add(time.Hour), End: monday.Add(time.Hour), Assets: []string{"meter"}},
	}}
	found := []Alert{{ID: "a", Raised: monday.Add(90 * time.Second), Assets: []string{"alarm"}}}
	for _, c := range []struct {
		seconds                int
		alerts                 []Alert
		found, missed, pending int
	}{
		{0, nil, 0, 0, 2}, {60, nil, 0, 1, 1}, {100, found, 1, 0, 1}, {119, nil, 0, 1, 1}, {120, found, 1, 1, 0},
	} {
		got := Score(truth, c.alerts, monday.Add(time.Duration(c.seconds)*time.Second))
		if got.Planted != 2 || got.Found != c.found || got.Missed != c.missed || got.Pending != c.pending {
			t.Errorf("after %d s: %+v", c.seconds, got)
		}
	}
}

// A constant threshold on the readings finds the leak, and is scored as one would by hand.
func TestScoreOfAThreshold(t *testing.T) {
	s := scenario(1)
	raised := map[string]bool{}
	var alerts []Alert
	for r := range s.Readings(s.Start, s.Start.Add(10*time.Minute)) {
		d := s.World.Datastreams[r.Datastream]
		if d.Property == "gas/methane" && r.Value >= 20 && !raised[d.Asset] {
			raised[d.Asset] = true
			alerts = append(alerts, Alert{ID: d.Asset, Raised: r.At, Assets: []string{d.Asset}})
		}
	}
	card := Score(s.Truth(), alerts, s.Start.Add(10*time.Minute))
	if card.Found != 1 || card.False != 0 || card.Missed+card.Pending != 2 || card.Repeated != len(alerts)-1 || card.Warning[0] < 8 {
		t.Errorf("%+v", card)
	}
}

// Before anything is found the lists are empty ones: who reads them as such must not fail.
func TestScoreOfNothingYet(t *testing.T) {
	out, err := json.Marshal(Score(Truth{}, nil, time.Now()))
	if err != nil || strings.Contains(string(out), "null") {
		t.Fatalf("%s, %v", out, err)
	}
}
