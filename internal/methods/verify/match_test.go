package verify

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestMatch(t *testing.T) {
	events := []Event{
		{Start: 100, End: 200, Places: []string{"mill"}},
		{Start: 300, End: 400, Onset: 350, Places: []string{"mill", "bridge"}},
		{Start: 300, End: 320, Assets: []string{"pump"}},
	}
	at := func(from, to int64, places ...string) Alert { return Alert{From: from, To: to, Places: places} }
	missed := Found{None, None, 0}
	for _, c := range []struct {
		name     string
		rule     Rule
		alerts   []Alert
		found    []Found
		verdicts []Verdict
	}{
		{"nothing said", Rule{}, nil, []Found{missed, missed, missed}, []Verdict{}},
		{"one hit, one elsewhere", Rule{}, []Alert{at(150, 160, "mill"), at(150, 160, "dam")},
			[]Found{{0, 0, -50}, missed, missed}, []Verdict{Hit, FalseAlarm}},
		{"the edges belong to it", Rule{}, []Alert{at(50, 100, "mill"), at(400, 500, "bridge")},
			[]Found{{0, None, 0}, {1, 1, -50}, missed}, []Verdict{Hit, Hit}},
		{"just beyond is false", Rule{}, []Alert{at(50, 99, "mill"), at(401, 500, "bridge")},
			[]Found{missed, missed, missed}, []Verdict{FalseAlarm, FalseAlarm}},
		{"ahead of it", Rule{Before: 60}, []Alert{at(40, 45, "mill"), at(240, 241, "mill")},
			[]Found{{0, 0, 60}, {1, 1, 110}, missed}, []Verdict{Hit, Hit}},
		{"behind it", Rule{After: 30}, []Alert{at(230, 231, "mill"), at(431, 440, "mill")},
			[]Found{{0, 0, -130}, missed, missed}, []Verdict{Hit, FalseAlarm}},
		{"in its traces", Rule{Linger: 30}, []Alert{at(230, 231, "mill"), at(231, 240, "mill")},
			[]Found{missed, missed, missed}, []Verdict{Lingering, FalseAlarm}},
		{"one alert for two events", Rule{}, []Alert{at(150, 330, "mill")},
			[]Found{{0, 0, -50}, {0, None, 0}, missed}, []Verdict{Hit}},
		{"or for the one that began last", Rule{Once: true}, []Alert{at(150, 330, "mill")},
			[]Found{missed, {0, None, 0}, missed}, []Verdict{Hit}},
		{"what stood already has no lead, what came then has", Rule{}, []Alert{at(310, 315, "mill"), at(250, 330, "mill")},
			[]Found{missed, {1, 0, 40}, missed}, []Verdict{Repeated, Hit}},
		{"unless it must be raised within", Rule{Raised: true}, []Alert{at(310, 315, "mill"), at(250, 330, "mill")},
			[]Found{missed, {0, 0, 40}, missed}, []Verdict{Hit, Lingering}},
		{"an asset will do", Rule{}, []Alert{{From: 310, To: 310, Assets: []string{"pump"}}},
			[]Found{missed, missed, {0, 0, -10}}, []Verdict{Hit}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Match(events, c.alerts, c.rule)
			if !reflect.DeepEqual(got.Events, c.found) || !slices.Equal(got.Verdicts, c.verdicts) {
				t.Errorf("got %v %v, want %v %v", got.Events, got.Verdicts, c.found, c.verdicts)
			}
		})
	}
}

func TestAnEventAnywhereIsFoundAnywhere(t *testing.T) {
	got := Match([]Event{{Start: 1, End: 2}}, []Alert{{From: 1, To: 1, Places: []string{"x"}}}, Rule{})
	if table := got.Table(); table != (Table{Hits: 1}) {
		t.Error(table)
	}
}

func TestEpisodes(t *testing.T) {
	in := []Alert{
		{From: 40, To: 50, Source: "a", Assets: []string{"x"}}, {From: 10, To: 20, Source: "a", Assets: []string{"w"}},
		{From: 29, To: 35, Source: "a", Assets: []string{"x"}}, {From: 21, To: 22, Source: "b"}, {From: 60, To: 61, Source: "a"},
	}
	want := []Alert{
		{From: 10, To: 50, Source: "a", Assets: []string{"w", "x"}}, {From: 21, To: 22, Source: "b"}, {From: 60, To: 61, Source: "a"},
	}
	if got := Episodes(in, 10); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if !slices.Equal(in[0].Assets, []string{"x"}) || len(Episodes(in, 0)) != 5 {
		t.Error("what was given has changed, or no gap joins")
	}
}

func TestQuietIntervals(t *testing.T) {
	events := []Event{{Start: 105, End: 112}}
	alerts := []Alert{{From: 130, To: 131}, {From: 132, To: 140}, {From: 0, To: 5}, {From: 400, To: 500}}
	// Intervals 100, 110, ..., 190. Busy: 100 and 110 by the event, 130 and 140 by alerts.
	if got := QuietIntervals(events, alerts, Rule{}, 100, 205, 10); got != 6 {
		t.Errorf("%d, want 6", got)
	}
	// The traces of the event take 120 as well.
	if got := QuietIntervals(events, alerts, Rule{Linger: 10}, 100, 205, 10); got != 5 {
		t.Errorf("%d, want 5", got)
	}
}

// Each against the plainest way to write it.
func TestMatchAgainstAllPairs(t *testing.T) {
	place := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 2)
	rapid.Check(t, func(t *rapid.T) {
		var events []Event
		var alerts []Alert
		for range rapid.IntRange(0, 8).Draw(t, "events") {
			s := rapid.Int64Range(0, 100).Draw(t, "start")
			events = append(events, Event{Start: s, End: s + rapid.Int64Range(0, 30).Draw(t, "for"), Places: place.Draw(t, "places")})
		}
		for range rapid.IntRange(0, 8).Draw(t, "alerts") {
			s := rapid.Int64Range(0, 100).Draw(t, "from")
			alerts = append(alerts, Alert{From: s, To: s + rapid.Int64Range(0, 30).Draw(t, "stands"), Places: place.Draw(t, "names")})
		}
		span := rapid.Int64Range(0, 20)
		rule := Rule{Before: span.Draw(t, "before"), After: span.Draw(t, "after"), Linger: span.Draw(t, "linger"), Raised: rapid.Bool().Draw(t, "raised")}
		got := Match(events, alerts, rule)
		wantFalse := 0
		belongs := func(e Event, a Alert) bool {
			return e.concerns(&a) && a.From <= e.End+rule.After && a.To >= e.Start-rule.Before && !(rule.Raised && a.From < e.Start-rule.Before)
		}
		for k, e := range events {
			first := None
			for i, a := range alerts {
				if belongs(e, a) && (first == None || a.From < alerts[first].From) {
					first = i
				}
			}
			if got.Events[k].First != first {
				t.Fatalf("event %d was found by %d, want %d", k, got.Events[k].First, first)
			}
		}
		for i, a := range alerts {
			excused := slices.ContainsFunc(events, func(e Event) bool {
				return e.concerns(&a) && a.From <= e.End+max(rule.After, rule.Linger) && a.To >= e.Start-rule.Before
			})
			if !excused {
				wantFalse++
			}
			if (got.Verdicts[i] == FalseAlarm) == excused {
				t.Fatalf("alert %d is %d", i, got.Verdicts[i])
			}
		}
		if table := got.Table(); table.FalseAlarms != wantFalse || table.Hits+table.Misses != len(events) {
			t.Fatal(table)
		}
		quiet := 0
		for n := int64(0); n < 20; n++ { // intervals of 7 from 3
			from, to := 3+7*n, 3+7*n+6
			busy := slices.ContainsFunc(events, func(e Event) bool {
				return e.Start-rule.Before <= to && e.End+max(rule.After, rule.Linger) >= from
			}) || slices.ContainsFunc(alerts, func(a Alert) bool { return a.From <= to && a.To >= from })
			if !busy {
				quiet++
			}
		}
		if got := QuietIntervals(events, alerts, rule, 3, 3+7*20, 7); got != quiet {
			t.Fatalf("%d quiet intervals, want %d", got, quiet)
		}
	})
}
