package sim

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"time"
)

func scenario(seed uint64) *Scenario { return NewScenario(Build(seed), monday.Add(9*time.Hour)) }

func (s *Scenario) incidentByID(t testing.TB, id string) Incident {
	t.Helper()
	truth := s.Truth()
	k := slices.IndexFunc(truth.Incidents, func(i Incident) bool { return i.ID == id })
	if k < 0 {
		t.Fatalf("no %s", id)
	}
	return truth.Incidents[k]
}

// reach is when a datastream of the property first shows at least v.
func (s *Scenario) reach(property string, v float64, from, to time.Time) (time.Time, string) {
	for r := range s.Readings(from, to) {
		if d := s.World.Datastreams[r.Datastream]; d.Property == property && r.Value >= v {
			return r.At, d.ID
		}
	}
	return time.Time{}, ""
}

func TestTruthIsTheSameEachTime(t *testing.T) {
	var one, two bytes.Buffer
	if err := scenario(1).Truth().Encode(&one); err != nil {
		t.Fatal(err)
	}
	if err := scenario(1).Truth().Encode(&two); err != nil {
		t.Fatal(err)
	}
	if one.Len() < 1000 || !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Errorf("%d and %d bytes of truth", one.Len(), two.Len())
	}
	var back Truth
	if err := json.Unmarshal(one.Bytes(), &back); err != nil || len(back.Incidents) != 3 {
		t.Errorf("%d incidents, %v", len(back.Incidents), err)
	}
}

func TestLeakClimbsThroughTheLevelsBeforeItHarms(t *testing.T) {
	for _, seed := range append(slices.Clone(seeds), 3, 4, 5, 6, 7, 8) {
		s := scenario(seed)
		i := s.incidentByID(t, LeakID)
		if kitchens := slices.DeleteFunc(slices.Clone(i.Assets), func(id string) bool {
			return s.World.Assets[s.World.assets[id]].Kind != "gas/kitchen-alarm"
		}); len(kitchens) < 3 {
			t.Errorf("seed %d: only %d kitchens at the leak", seed, len(kitchens))
		}
		if i.Start.Sub(s.Start) != LeakAfter {
			t.Errorf("seed %d: it begins after %s", seed, i.Start.Sub(s.Start))
		}
		// A red rule of 20 %LEL for 10 s speaks within the demo's first minute.
		for _, c := range []struct {
			level float64
			after time.Duration
		}{{5, 10 * time.Second}, {10, 12 * time.Second}, {20, 18 * time.Second}} {
			at, _ := s.reach("gas/methane", c.level, s.Start, i.HarmfulAt)
			if at.IsZero() || at.Sub(i.Start) > c.after {
				t.Errorf("seed %d: %g %%LEL are reached at %s, %s after the start", seed, c.level, at, at.Sub(i.Start))
			}
		}
		at, _ := s.reach("gas/methane", 100, s.Start, i.HarmfulAt.Add(time.Minute))
		if d := at.Sub(i.HarmfulAt); at.IsZero() || d < -30*time.Second || d > 30*time.Second {
			t.Errorf("seed %d: 100 %%LEL show at %s, the truth says %s", seed, at, i.HarmfulAt)
		}
		if lead := i.HarmfulAt.Sub(i.Start); lead < 5*time.Minute || lead > 20*time.Minute {
			t.Errorf("seed %d: harm after %s", seed, lead)
		}
	}
}

func TestAlarmsThatSenseTheLeakReportEveryFiveSeconds(t *testing.T) {
	s := scenario(1)
	i := s.incidentByID(t, LeakID)
	last := map[string]time.Time{}
	n := 0
	for r := range s.Readings(i.Start.Add(3*time.Minute), i.Start.Add(8*time.Minute)) {
		d := s.World.Datastreams[r.Datastream]
		if d.Property != "gas/methane" || !slices.Contains(i.Datastreams, d.ID) {
			continue
		}
		if before, ok := last[d.ID]; ok && r.At.Sub(before) != AlertInterval {
			t.Errorf("%s reported after %s", d.ID, r.At.Sub(before))
		}
		last[d.ID] = r.At
		n++
	}
	if n < 60*3 {
		t.Errorf("%d readings", n)
	}
}

// The scenario is the quiet city plus what the truth lists, and what lies upstream of it in the networks.
func TestIncidentsTouchNothingElse(t *testing.T) {
	s := scenario(1)
	listed := map[string]bool{}
	for _, i := range s.Truth().Incidents {
		for _, d := range i.Datastreams {
			listed[d] = true
		}
	}
	to := s.Start.Add(5 * time.Hour)
	quiet := map[Reading]bool{}
	for r := range s.World.Readings(s.Start, to) {
		quiet[r] = true
	}
	touched := map[string]bool{}
	for r := range s.Readings(s.Start, to) {
		if quiet[r] {
			continue
		}
		d := s.World.Datastreams[r.Datastream]
		touched[d.ID] = true
		switch d.model.kind {
		case modelPlantFlow, modelZoneInflow, modelZoneOutflow, modelPumpPower, modelSourceFlow:
			continue // the water and the gas that are lost have to come from somewhere
		}
		if !listed[d.ID] {
			t.Fatalf("%s differs at %s, but the truth does not list it", d.ID, r.At)
		}
		if d.Property == "gas/methane" && r.Value >= 5 && d.model.kind != modelKitchen && d.model.kind != modelProbe {
			t.Errorf("%s shows %g", d.ID, r.Value)
		}
	}
	for id := range listed {
		d := s.World.Datastreams[slices.IndexFunc(s.World.Datastreams, func(d Datastream) bool { return d.ID == id })]
		if d.Property == "flood/depth" {
			continue // a gully may swallow what falls
		}
		if !touched[id] {
			t.Errorf("the truth lists %s, but nothing shows there", id)
		}
	}
}

func TestMethaneFallsAfterTheRepair(t *testing.T) {
	s := scenario(1)
	i := s.incidentByID(t, LeakID)
	repaired := i.Start.Add(4 * time.Minute)
	if err := s.Repair(LeakID, repaired); err != nil {
		t.Fatal(err)
	}
	after := s.incidentByID(t, LeakID)
	if after.Repaired == nil || !after.Repaired.Equal(repaired) || !after.HarmfulAt.Equal(i.HarmfulAt) {
		t.Errorf("after the repair: repaired %v, harmful %s, was %s", after.Repaired, after.HarmfulAt, i.HarmfulAt)
	}
	if !after.End.Before(i.End) || after.End.Sub(repaired) > 25*time.Minute {
		t.Errorf("it fades at %s, %s after the repair", after.End, after.End.Sub(repaired))
	}
	if at, id := s.reach("gas/methane", 3, after.End, after.End.Add(time.Hour)); !at.IsZero() {
		t.Errorf("%s still shows 3 %%LEL at %s", id, at)
	}
	if at, id := s.reach("gas/methane", 100, s.Start, after.End.Add(time.Hour)); !at.IsZero() {
		t.Errorf("%s reached 100 %%LEL at %s in spite of the repair", id, at)
	}
	// Without a repair by people it ends by itself, later.
	if got := i.End; got.Before(i.Start.Add(LeakUnrepaired)) || got.After(i.Start.Add(2*time.Hour)) {
		t.Errorf("unrepaired, it fades at %s", got)
	}
}

// Values meet at the instant of the repair: nothing jumps.
func TestRoomIsContinuous(t *testing.T) {
	for _, r := range []room{
		{arrival: 0, volume: 15, inflow: 60, vent: 1500},
		{arrival: 0, volume: 35, inflow: 13, vent: 80},
		{arrival: 0, volume: soilTime * (1 + 8*10) / 3600, inflow: 1, vent: 10}, // both time constants alike
	} {
		before, after := r.methane(299.999, 300), r.methane(300.001, 300)
		if d := after - before; d > 0.05 || d < -0.05 {
			t.Errorf("%+v jumps from %.3f to %.3f", r, before, after)
		}
		for t0 := 300.0; t0 < 4000; t0 += 10 {
			if v := r.methane(t0, 300); v < 0 || v != v {
				t.Fatalf("%+v shows %g at %g", r, v, t0)
			}
		}
		if v := r.methane(7200, 300); v > 0.5 {
			t.Errorf("%+v still holds %.2f %%LEL two hours later", r, v)
		}
	}
}

func TestRepairRefuses(t *testing.T) {
	s := scenario(1)
	for _, c := range []struct {
		id    string
		after time.Duration
		want  string
	}{
		{"incident-x", time.Hour, `no incident "incident-x" in this scenario`},
		{FloodID, time.Hour, "incident-flood-wave can't be repaired"},
		{LeakID, 0, "incident-gas-leak begins at 2026-11-23T01:00:20Z: it can't be repaired at 2026-11-23T01:00:00Z"},
	} {
		if err := s.Repair(c.id, s.Start.Add(c.after)); err == nil || err.Error() != c.want {
			t.Errorf("Repair(%s, +%s): %v", c.id, c.after, err)
		}
	}
	// The first repair counts.
	first := s.Start.Add(5 * time.Minute)
	for _, at := range []time.Time{first, first.Add(time.Minute)} {
		if err := s.Repair(LeakID, at); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.incidentByID(t, LeakID).Repaired; !got.Equal(first) {
		t.Errorf("repaired at %s", got)
	}
}

func TestBurstShowsBeforeItHarms(t *testing.T) {
	for _, seed := range seeds {
		s := scenario(seed)
		i := s.incidentByID(t, BurstID)
		if lead := i.HarmfulAt.Sub(i.Start); lead < 10*time.Minute || lead > 90*time.Minute {
			t.Errorf("seed %d: harm after %s", seed, lead)
		}
		quiet := map[int]float64{}
		for r := range s.World.Readings(i.Start.Add(burstRamp), i.HarmfulAt) {
			if _, ok := quiet[r.Datastream]; !ok {
				quiet[r.Datastream] = r.Value
			}
		}
		more, less := 0.0, 0.0
		for r := range s.Readings(i.Start.Add(burstRamp), i.HarmfulAt) {
			d := s.World.Datastreams[r.Datastream]
			if v, ok := quiet[r.Datastream]; ok && slices.Contains(i.Datastreams, d.ID) {
				switch d.Property {
				case "water/flow":
					more = max(more, r.Value/v-1)
				case "water/pressure":
					less = max(less, v-r.Value)
				}
			}
		}
		if more < 0.25 || less < 30 {
			t.Errorf("seed %d: flow rises by %.0f %%, pressure falls by %.0f kPa", seed, 100*more, less)
		}
		if err := s.Repair(BurstID, i.Start.Add(20*time.Minute)); err != nil {
			t.Fatal(err)
		}
		end := s.incidentByID(t, BurstID).End
		if want := i.Start.Add(20*time.Minute + burstRamp); !end.Equal(want) {
			t.Errorf("seed %d: repaired, it ends at %s, want %s", seed, end, want)
		}
	}
}

func TestFloodTravelsDownTheRiver(t *testing.T) {
	for _, seed := range seeds {
		for _, start := range []time.Time{monday, monday.Add(6 * time.Hour), monday.Add(230 * 24 * time.Hour)} {
			s := NewScenario(Build(seed), start)
			i := s.incidentByID(t, FloodID)
			rain, _ := s.reach("flood/rain", 20, i.Start, i.HarmfulAt)
			if rain.IsZero() || i.HarmfulAt.Sub(rain) < time.Hour {
				t.Errorf("seed %d: heavy rain at %s, harm at %s", seed, rain, i.HarmfulAt)
			}
			warned := map[float64]time.Time{} // by metres from the sea
			for at := i.Start; at.Before(i.HarmfulAt.Add(2 * time.Hour)); at = at.Add(time.Minute) {
				for k := range s.World.Datastreams {
					m := &s.World.Datastreams[k].model
					if m.kind != modelRiverLevel || s.World.value(k, momentOf(at.UnixMicro()), s.now.Load()) < WarningLevel(m.a) {
						continue
					}
					if _, ok := warned[m.a]; !ok {
						warned[m.a] = at
					}
				}
			}
			source, city := 8850.0, 0.0
			for inland := range warned {
				if inland < 3500 {
					city = max(city, inland)
				}
			}
			if !warned[source].Before(warned[city]) || warned[city].IsZero() {
				t.Errorf("seed %d: the warning level is passed upstream at %s, in the city at %s", seed, warned[source], warned[city])
			}
			if lead := i.HarmfulAt.Sub(warned[source]); lead < 20*time.Minute {
				t.Errorf("seed %d: upstream passes its warning level only %s before harm", seed, lead)
			}
		}
	}
}
