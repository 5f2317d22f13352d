//go:build linux

package main

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/bench/ingest/rig"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/pack"
)

// The packs are sound, their rules are those that planted readings are expected to break, and a calm reading breaks none.
func TestPacksHaveTheRulesThatAreExpected(t *testing.T) {
	dirs, err := writePacks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for k := range kinds {
		for q := range properties {
			for _, id := range rulesOf(k, q) {
				want[id] = true
			}
		}
	}
	if len(want) != detectors {
		t.Fatalf("%d rules are expected, want %d", len(want), detectors)
	}
	dir := dirs[len(dirs)-1] // one of them takes long enough
	p, err := pack.Load(os.DirFS(dir), "packs/"+filepath.Base(dir))
	if err != nil {
		t.Fatal(err)
	}
	ds, err := engine.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(ds) != perPack*(properties+1) {
		t.Errorf("%s has %d rules", dir, len(ds))
	}
	for _, d := range ds {
		if !want[d.ID] {
			t.Errorf("%s is not expected of anything", d.ID)
		}
	}
}

// Each datastream is planted once at most, each round has its number, and each stands in its own request.
func TestPlanPlantsEachDatastreamOnce(t *testing.T) {
	p := plan{rounds: 60, perSecond: 40}
	seen := map[int]bool{}
	for round := range p.rounds {
		for _, stream := range p.at(round) {
			if seen[stream] || stream < 0 || stream >= datastreams {
				t.Fatalf("round %d plants %d, a second time or out of bounds", round, stream)
			}
			seen[stream] = true
		}
	}
	if len(seen) != p.rounds*p.perSecond {
		t.Errorf("%d are planted", len(seen))
	}
}

// In a request each reading's time and value stand where they are written to.
func TestRequestKnowsItsPlaces(t *testing.T) {
	ids := make([]int64, 2*perRequest)
	for i := range ids {
		ids[i] = int64(i * i) // of one to seven digits
	}
	r := makeRequest(&rig.Conn{}, ids, perRequest)
	if len(r.stamps) != perRequest || len(r.values) != perRequest {
		t.Fatal(len(r.stamps), len(r.values))
	}
	copy(r.bytes[r.stamps[7]:], "2026-11-28T10:00:00.000Z")
	copy(r.bytes[r.values[7]:], planted)
	if want := `{"@iot.id":1014049},"components":["phenomenonTime","result"],"dataArray":[["2026-11-28T10:00:00.000Z",95.0]]}`; !bytes.Contains(r.bytes, []byte(want)) {
		t.Errorf("%s does not hold %s", r.bytes, want)
	}
}

// Alerts that are raised are heard, and what else the stream tells is not.
func TestListenerHearsWhatIsRaised(t *testing.T) {
	l := &listener{told: map[name][]time.Time{}}
	stream := `id: 0
event: heartbeat
data: {"at":"2026-11-28T10:00:00Z"}

id: 1
event: alert.raised
data: {"subject":"alert.raised","alert":1,"detector":"load-0/k1-q0","datastreams":[7]}

id: 2
event: alert.cleared
data: {"subject":"alert.cleared","alert":1,"detector":"load-0/k1-q0","datastreams":[7]}
`
	_ = l.hear(bufio.NewReader(strings.NewReader(stream))) // it ends with the stream
	if n, err := l.heard(); n != 1 || err != nil || len(l.told[name{"load-0/k1-q0", 7}]) != 1 {
		t.Errorf("%d heard, %v: %v", n, err, l.told)
	}
}
