package sim

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheStormIsOneOfASeed(t *testing.T) {
	for _, seed := range seeds {
		w := Build(seed)
		var one, two bytes.Buffer
		s := NewStorm(w, monday)
		if err := s.Truth().Encode(&one); err != nil {
			t.Fatal(err)
		}
		if err := NewStorm(Build(seed), monday).Truth().Encode(&two); err != nil {
			t.Fatal(err)
		}
		if one.String() != two.String() {
			t.Errorf("seed %d: two storms", seed)
		}
		kinds := map[string]int{}
		for _, i := range s.Truth().Incidents {
			kinds[i.Kind]++
			if i.Averted || i.Repaired != nil {
				t.Errorf("seed %d: %s is settled before anybody did anything", seed, i.ID)
			}
			if i.HarmfulAt.Before(i.Start) || i.End.Before(i.Start) || i.Start.Before(monday.Add(StormAfter)) || i.Start.After(monday.Add(StormAfter+StormLasts)) {
				t.Errorf("seed %d: %s from %s to %s, harmful at %s", seed, i.ID, i.Start, i.End, i.HarmfulAt)
			}
			if i.Name.En == "" || i.Name.Zh == "" || len(i.Datastreams) == 0 {
				t.Errorf("seed %d: %+v", seed, i)
			}
		}
		for kind, least := range map[string]int{"rainstorm": 1, "pump-failure": 1, "underpass-flooded": 5, "feeder-trip": 2, "lift-trapped": 1} {
			if kinds[kind] < least {
				t.Errorf("seed %d: %d of %s, want %d", seed, kinds[kind], kind, least)
			}
		}
		town := w.StormTown()
		if !slices.ContainsFunc(w.Organisations, func(o Organisation) bool { return o.ID == town && o.Kind == "town-office" }) {
			t.Errorf("seed %d: the storm's town is %q", seed, town)
		}
	}
}

// Any instant of the storm can be asked for, wherever the span is cut.
func TestAnySpanOfTheStormIsTheSumOfItsParts(t *testing.T) {
	s := NewStorm(Build(1), monday)
	from := monday.Add(StormAfter + PumpFailsAfter - 20*time.Minute)
	cuts := []time.Duration{0, time.Second, 90 * time.Second, 20 * time.Minute, 33 * time.Minute}
	whole := slices.Collect(s.Readings(from, from.Add(cuts[len(cuts)-1])))
	var parts []Reading
	for k := 1; k < len(cuts); k++ {
		parts = append(parts, slices.Collect(s.Readings(from.Add(cuts[k-1]), from.Add(cuts[k])))...)
	}
	if len(whole) < 20000 || !slices.Equal(whole, parts) {
		t.Errorf("%d readings in one go, %d in parts", len(whole), len(parts))
	}
}

func TestTheStormTouchesNothingElse(t *testing.T) {
	s := NewStorm(Build(1), monday)
	listed := map[string]bool{}
	for _, i := range s.Truth().Incidents {
		for _, d := range i.Datastreams {
			listed[d] = true
		}
	}
	to := monday.Add(StormAfter + StormLasts)
	quiet := map[Reading]bool{}
	for r := range s.World.Readings(monday, to) {
		quiet[r] = true
	}
	touched := map[string]bool{}
	for r := range s.Readings(monday, to) {
		if quiet[r] {
			continue
		}
		id := s.World.Datastreams[r.Datastream].ID
		if touched[id] = true; !listed[id] {
			t.Fatalf("%s differs at %s, but the truth does not list it", id, r.At)
		}
		if r.At.Before(monday.Add(StormAfter)) {
			t.Fatalf("%s differs at %s, before the first rain", id, r.At)
		}
	}
	for id := range listed {
		if !touched[id] && !strings.HasSuffix(id, "/depth") { // a gully may swallow what falls
			t.Errorf("the truth lists %s, but nothing shows there", id)
		}
	}
}

// A pond never holds more water than fell and came up, and is empty when it is over.
func TestTheStormDrains(t *testing.T) {
	w := Build(1)
	r := NewStorm(w, monday).now.Load().storm
	for k := range w.net.stations {
		if low, high := slices.Min(r.levels[k][:]), slices.Max(r.levels[k][:]); low < 0.3 || high > sumpSpills+0.001 {
			t.Errorf("station %d stands between %.2f and %.2f m", k, low, high)
		}
		if end := r.levels[k][stormTable]; end > 2 {
			t.Errorf("station %d still stands at %.2f m", k, end)
		}
	}
	for k := range w.net.hollows {
		if end := r.ponds[k][stormTable]; end > 0.05 {
			t.Errorf("hollow %d still has %.2f m", k, end)
		}
	}
	if rise := slices.Max(r.canal[:]); rise < 0.3 || rise > 2.5 {
		t.Errorf("the canal rises by %.2f m", rise)
	}
}

// Who mends the pumps in time averts what would have come of it, and the truth says so.
func TestMendingThePumpsAvertsWhatFollows(t *testing.T) {
	s := NewStorm(Build(1), monday)
	before := s.Truth()
	pump := s.incidentByID(t, PumpFailureID)
	if err := s.Repair(StormID, pump.Start); err == nil {
		t.Error("the rain was repaired")
	}
	at := pump.Start.Add(15 * time.Minute)
	if err := s.Repair(PumpFailureID, at); err != nil {
		t.Fatal(err)
	}
	averted, deeper := 0, 0
	for k, i := range s.Truth().Incidents {
		was := before.Incidents[k]
		if was.ID != i.ID || !was.Start.Equal(i.Start) || !was.HarmfulAt.Equal(i.HarmfulAt) {
			t.Errorf("%s: a repair moved what would have been", i.ID)
		}
		if i.Averted {
			averted++
			if was.Start.Before(at) {
				t.Errorf("%s had begun before the repair and is said to be averted", i.ID)
			}
		}
		if i.Kind == "underpass-flooded" && i.End.After(was.End) {
			deeper++
		}
	}
	if averted < 3 || deeper > 0 {
		t.Errorf("%d incidents averted, %d underpasses under water for longer than before", averted, deeper)
	}
	card := Score(s.Truth(), nil, monday.Add(12*time.Hour))
	if card.Planted != len(before.Incidents)-averted || card.Missed != card.Planted {
		t.Errorf("%+v", card)
	}
	// Running pumps show at once, and the level falls.
	w := s.World
	k := slices.IndexFunc(w.Datastreams, func(d Datastream) bool { return d.Asset == pump.Asset && d.Property == "flood/pumps-running" })
	value := func(t time.Time) float64 { return w.value(k, momentOf(t.UnixMicro()), s.now.Load()) }
	if a, b := value(at.Add(-5*time.Minute)), value(at.Add(5*time.Minute)); a != 0 || b == 0 {
		t.Errorf("%g pumps run before the repair, %g after", a, b)
	}
	// The repairs of one run give the same storm again, in whatever order.
	var feeder Incident
	for _, i := range s.Truth().Incidents {
		if i.Kind == "feeder-trip" && i.Start.Before(at) {
			feeder = i
		}
	}
	if feeder.ID == "" {
		t.Fatal("no feeder trips before the pumps fail")
	}
	off := feeder.Start.Add(20 * time.Minute)
	if err := s.Repair(feeder.ID, off); err != nil {
		t.Fatal(err)
	}
	if got := s.incidentByID(t, feeder.ID); !got.End.Equal(off) {
		t.Errorf("the feeder is live again at %s, want %s", got.End, off)
	}
	again := NewStorm(w, monday)
	for _, i := range []Incident{s.incidentByID(t, feeder.ID), s.incidentByID(t, PumpFailureID)} {
		if err := again.Repair(i.ID, *i.Repaired); err != nil {
			t.Fatal(err)
		}
	}
	var one, two bytes.Buffer
	if s.Truth().Encode(&one) != nil || again.Truth().Encode(&two) != nil || one.String() != two.String() {
		t.Error("the same repairs in another order gave another truth")
	}
}

func TestTheStormMakesPeopleCall(t *testing.T) {
	s := NewStorm(Build(1), monday)
	calls := map[string]int{}
	for r := range s.Reports(monday, monday.Add(12*time.Hour)) {
		if r.Incident != "" {
			calls[r.Category]++
			if i := s.incidentByID(t, r.Incident); r.At.Before(i.Start) || r.At.After(i.End) {
				t.Errorf("%s at %s speaks of %s from %s to %s", r.ID, r.At, i.ID, i.Start, i.End)
			}
		}
	}
	for category, least := range map[string]int{"flood/standing-water": 15, "power/power-cut": 8, "lifts/lift-broken": 1} {
		if calls[category] < least {
			t.Errorf("%d calls about %s", calls[category], category)
		}
	}
}
