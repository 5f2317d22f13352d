package detect

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/pack"
)

const (
	second = int64(1e6)
	minute = 60 * second
	hour   = 60 * minute
	t0     = int64(1_650_000_000 * 1e6) // 2022-04-15, µs
)

// The pack and the rules are those that the engine is tested with.
var (
	testPack      = harbourFile("pack.yaml")
	testDetectors = harbourFile("detectors.yaml")
)

func harbourFile(name string) string {
	b, err := os.ReadFile("engine/testdata/harbour/" + name)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// compiled are the rules of a detectors.yaml over the pack of the engine's tests.
func compiled(t testing.TB, rules string) []*engine.Detector {
	t.Helper()
	ds, err := compileText(rules)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func compileText(rules string) ([]*engine.Detector, error) {
	p, err := pack.Load(fstest.MapFS{"pack.yaml": {Data: []byte(testPack)}, engine.File: {Data: []byte(rules)}}, "packs/gas")
	if err != nil {
		return nil, err
	}
	return engine.Compile(p)
}

func replaceOnce(t testing.TB, s, from, to string) string {
	t.Helper()
	if !strings.Contains(s, from) {
		t.Fatalf("%q does not stand there", from)
	}
	return strings.Replace(s, from, to, 1)
}

func number(id, at int64, v float64) engine.Reading {
	return engine.Reading{Datastream: id, At: at, Value: v, Number: true}
}

// harbour is a register: datastreams 1 to 99 are kitchen alarms each at a place of their own, 101 to 199 fence monitors of
// place 900, 201 to 299 alarms in homes.
func harbour(id int64) engine.Stream {
	s := engine.Stream{
		ID: id, Property: "gas/methane", Kind: "gas/kitchen-alarm", Asset: 1000 + id, Place: 500 + id, Area: 7, Organisation: 3,
		Point:     &[2]float64{121.5, 31.2},
		AssetName: Wording{EN: fmt.Sprintf("Alarm %d", id), ZH: fmt.Sprintf("报警器%d", id)},
		PlaceName: Wording{EN: "Building 4", ZH: "4号楼"}, AreaName: Wording{EN: "Old Town", ZH: "老城"},
	}
	switch {
	case id > 200:
		s.Kind = "gas/home-alarm"
		s.AssetName = Wording{EN: "Alarm in flat 1203", ZH: "1203室报警器"}
	case id > 100:
		s.Property, s.Kind, s.Place = "gas/methane-ambient", "gas/fence-monitor", 900
	}
	return s
}

func every(step int64, id int64, values ...float64) (rs []engine.Reading) {
	for i, v := range values {
		rs = append(rs, number(id, t0+int64(i)*step, v))
	}
	return rs
}

// town makes readings of a few alarms and fence monitors that come and go in the detectors' range, with gaps, some late.
func town(t *rapid.T) []engine.Reading {
	ids := []int64{1, 2, 65, 101, 102, 201}
	var rs []engine.Reading
	at := t0
	for range rapid.IntRange(1, 250).Draw(t, "n") {
		at += rapid.SampledFrom([]int64{0, second, 30 * second, minute, 20 * minute}).Draw(t, "step")
		rs = append(rs, number(rapid.SampledFrom(ids).Draw(t, "id"), at+rapid.SampledFrom([]int64{0, 0, -minute}).Draw(t, "late"),
			rapid.SampledFrom([]float64{0, 2, 4, 6, 12, 25}).Draw(t, "v")))
	}
	return rs
}
