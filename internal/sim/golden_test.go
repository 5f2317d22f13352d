package sim

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestWhatStoodStays: what was added to the city later (schools, hospitals, stations, residents) has shifted nothing that stood in it
// before: the bytes of the city of seed 1 without them, its reports and its incidents, as they were then.
func TestWhatStoodStays(t *testing.T) {
	w := Build(1)
	got := map[string]string{}
	for _, f := range w.Files() {
		var b bytes.Buffer
		if err := f.Write(&b); err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		for line := range strings.Lines(b.String()) {
			if !strings.Contains(line, `"external_id":"amenity-`) {
				before, _, had := strings.Cut(line, `,"residents":`)
				_, after, _ := strings.Cut(line, `},"geometry"`)
				if had {
					line = before + `},"geometry"` + after
				}
				fmt.Fprint(h, strings.TrimRight(line, ",\n"))
			}
		}
		got[f.Name] = hex.EncodeToString(h.Sum(nil)[:8])
	}
	at := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	h := sha256.New()
	for _, sc := range []*Scenario{NewScenario(w, at), NewStorm(w, at)} {
		fmt.Fprintf(h, "%+v\n", sc.Truth())
		for r := range sc.Reports(at, at.Add(72*time.Hour)) {
			fmt.Fprintf(h, "%+v\n", r)
		}
		for r := range sc.Readings(at.Add(4*time.Hour), at.Add(4*time.Hour+5*time.Minute)) {
			fmt.Fprintf(h, "%+v\n", r)
		}
	}
	got["truth, reports and readings"] = hex.EncodeToString(h.Sum(nil)[:8])
	for name, want := range stood {
		if got[name] != want {
			t.Errorf("%s: %s, was %s", name, got[name], want)
		}
	}
	if len(got) != len(stood) {
		t.Errorf("%#v", got)
	}
}

var stood = map[string]string{
	"areas.geojson": "b1e3611f8afcd0c5", "assets.geojson": "74da22c57811a830", "basemap.geojson": "852d64d97b2bfecd",
	"datastreams.csv": "556016eaac5a3e48", "duties.csv": "bc3d5a51f0730610", "organisations.csv": "7cb31ec5009234df",
	"places.geojson": "4bb3338b7b37801a", "roads.geojson": "4a66c152c909b380", "truth, reports and readings": "6eb2ee1cf8a548f9",
}

// TestAmenities: every town has what needs care, each under a name of its own, and its residents; a district has the sum of its towns.
func TestAmenities(t *testing.T) {
	for _, seed := range seeds {
		w := Build(seed)
		kinds, named := map[string]int{}, map[string]string{}
		for _, p := range w.Places {
			if !strings.HasPrefix(p.ID, "amenity-") {
				continue
			}
			kinds[p.Kind]++
			if other := named[p.Name.Zh]; other != "" {
				t.Errorf("seed %d: %s and %s are both called %s", seed, p.ID, other, p.Name.Zh)
			}
			named[p.Name.Zh] = p.ID
		}
		for kind, least := range map[string]int{"school": 20, "kindergarten": 20, "care-home": 15, "hospital": 5, "clinic": 15, "metro-station": 10, "bus-station": 15} {
			if kinds[kind] < least {
				t.Errorf("seed %d: %d of %s, want %d at least", seed, kinds[kind], kind, least)
			}
		}
		sum, all := map[string]int{}, 0
		for _, a := range w.Areas {
			if a.Level == "town" {
				sum[a.Parent] += a.Residents
			}
			if (a.Level == "grid") != (a.Residents == 0) {
				t.Errorf("seed %d: %s %s has %d residents", seed, a.Level, a.ID, a.Residents)
			}
		}
		for _, a := range w.Areas {
			if a.Level == "district" {
				all += a.Residents
				if a.Residents != sum[a.ID] {
					t.Errorf("seed %d: %s has %d residents, its towns %d", seed, a.ID, a.Residents, sum[a.ID])
				}
			}
		}
		if all < 100_000 || all > 1_500_000 {
			t.Errorf("seed %d: %d live in the city", seed, all)
		}
		t.Log(seed, all, kinds)
	}
}
