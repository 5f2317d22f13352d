package sim

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/peterstace/simplefeatures/geom"
)

// seeds that the tests build. The demo's is 1.
var seeds = []uint64{1, 2, 20261123}

func fingerprint(t testing.TB, w *World) [32]byte {
	t.Helper()
	h := sha256.New()
	for _, f := range w.Files() {
		fmt.Fprintln(h, f.Name)
		if err := f.Write(h); err != nil {
			t.Fatal(err)
		}
	}
	return [32]byte(h.Sum(nil))
}

func TestSameSeedSameBytes(t *testing.T) {
	seen := map[[32]byte]uint64{}
	for _, seed := range seeds {
		one, two := fingerprint(t, Build(seed)), fingerprint(t, Build(seed))
		if one != two {
			t.Errorf("seed %d gave two different cities", seed)
		}
		if other, ok := seen[one]; ok {
			t.Errorf("seeds %d and %d gave the same city", seed, other)
		}
		seen[one] = seed
	}
}

// An entity's generator depends on its own name only: what another one draws, or whether it exists, can't shift it.
func TestGeneratorsAreIndependent(t *testing.T) {
	alone := generator(7, "asset", "a").Uint64()
	generator(7, "asset", "b").Uint64()
	if again := generator(7, "asset", "a").Uint64(); again != alone {
		t.Errorf("drawing for b changed a: %d, then %d", alone, again)
	}
	names := map[uint64]string{}
	for _, parts := range [][]any{{"a", "b"}, {"ab"}, {"a", "b", ""}, {"b", "a"}, {"a", 1}, {"a", "1", 2}, {"a", 12}} {
		h := nameHash(parts...)
		if parts[0] == "a" && len(parts) == 2 && parts[1] == 1 {
			continue // ("a", 1) and ("a", "1") are one name on purpose
		}
		if other, ok := names[h]; ok {
			t.Errorf("%v and %s have the same generator", parts, other)
		}
		names[h] = fmt.Sprint(parts)
	}
}

func TestSizes(t *testing.T) {
	for _, seed := range seeds {
		w := Build(seed)
		buildings := 0
		for _, p := range w.Places {
			if strings.HasPrefix(p.ID, "bld-") {
				buildings++
			}
		}
		for what, c := range map[string][3]int{
			"assets":      {len(w.Assets), 900, 1100},
			"datastreams": {len(w.Datastreams), 4000, 4500},
			"buildings":   {buildings, 3000, 7000},
			"roads":       {len(w.Roads), 300, 900},
			"areas":       {len(w.Areas), 150, 300},
			"missing":     {len(w.MissingDuties), 3, 3},
		} {
			if c[0] < c[1] || c[0] > c[2] {
				t.Errorf("seed %d: %d %s, want %d to %d", seed, c[0], what, c[1], c[2])
			}
		}
		for z, zn := range w.net.zones {
			if len(zn.dmas) == 0 {
				t.Errorf("seed %d: supply zone %d feeds nobody", seed, z)
			}
		}
	}
}

func TestIdsAreUniqueAndResolve(t *testing.T) {
	for _, seed := range seeds {
		w := Build(seed)
		ids := map[string]map[string]bool{}
		add := func(kind, id string) {
			if ids[kind] == nil {
				ids[kind] = map[string]bool{}
			}
			if ids[kind][id] {
				t.Errorf("seed %d: %s %q comes twice", seed, kind, id)
			}
			ids[kind][id] = true
		}
		has := func(kind, id, by string) {
			if id != "" && !ids[kind][id] {
				t.Errorf("seed %d: %s names %s %q, which does not exist", seed, by, kind, id)
			}
		}
		for _, a := range w.Areas {
			add("area", a.ID)
		}
		for _, o := range w.Organisations {
			add("organisation", o.ID)
		}
		for _, p := range w.Places {
			add("place", p.ID)
		}
		for _, a := range w.Assets {
			add("asset", a.ID)
		}
		for _, d := range w.Datastreams {
			add("datastream", d.ID)
		}
		for _, r := range w.Roads {
			add("road", r.ID)
		}
		named := func(id string, n Name) {
			if n.En == "" || n.Zh == "" {
				t.Errorf("seed %d: %s has no name in both languages: %+v", seed, id, n)
			}
		}
		for _, a := range w.Areas {
			has("area", a.Parent, a.ID)
			named(a.ID, a.Name)
		}
		for _, o := range w.Organisations {
			has("organisation", o.Parent, o.ID)
			named(o.ID, o.Name)
		}
		for _, p := range w.Places {
			has("area", p.Area, p.ID)
			named(p.ID, p.Name)
		}
		measures := map[string][]string{}
		for _, k := range Kinds() {
			measures[k.ID] = k.Measures
		}
		kindOf := map[string]string{}
		for _, a := range w.Assets {
			has("place", a.Place, a.ID)
			has("organisation", a.Organisation, a.ID)
			named(a.ID, a.Name)
			kindOf[a.ID] = a.Kind
			if p := w.Places[w.places[a.Place]]; p.Area != a.Area {
				t.Errorf("seed %d: %s lies in %s but its place in %s", seed, a.ID, a.Area, p.Area)
			}
		}
		// Water, gas, power, the river and the canal come from somewhere: all but the sources have what feeds them.
		fed, springs := map[string]int{}, map[string]int{}
		for _, a := range w.Assets {
			for _, up := range a.Upstream {
				has("asset", up, a.ID)
				if i, ok := w.assets[a.ID]; ok && w.assets[up] == i {
					t.Errorf("seed %d: %s feeds itself", seed, a.ID)
				}
			}
			if fed[a.Kind]++; len(a.Upstream) == 0 {
				springs[a.Kind]++
			}
		}
		for kind, want := range map[string]int{"flood/river-gauge": 2, "gas/regulator": 0, "water/reservoir": 0, "water/pump-station": 0, "water/dma-inlet": 0, "water/pressure-point": 0, "power/distribution-transformer": 0, "lifts/lift": 0} {
			if fed[kind] == 0 || springs[kind] != want {
				t.Errorf("seed %d: %d of %d %s have nothing upstream, want %d", seed, springs[kind], fed[kind], kind, want)
			}
		}
		reported := map[string]map[string]bool{}
		for _, d := range w.Datastreams {
			has("asset", d.Asset, d.ID)
			named(d.ID, d.Name)
			kind := kindOf[d.Asset]
			if !slices.Contains(measures[kind], d.Property) {
				t.Errorf("seed %d: %s reports %s, which its kind %s does not measure", seed, d.ID, d.Property, kind)
			}
			if reported[kind] == nil {
				reported[kind] = map[string]bool{}
			}
			reported[kind][d.Property] = true
		}
		for _, k := range Kinds() {
			for _, p := range k.Measures {
				if !reported[k.ID][p] {
					t.Errorf("seed %d: no %s reports %s", seed, k.ID, p)
				}
			}
		}
		for _, d := range append(slices.Clone(w.Duties), w.MissingDuties...) {
			has("organisation", d.Organisation, "a duty")
			has("area", d.Area, "a duty")
			has("place", d.Place, "a duty")
			has("asset", d.Asset, "a duty")
		}
		for _, d := range w.MissingDuties {
			if slices.Contains(w.Duties, d) {
				t.Errorf("seed %d: the missing duty %+v is there", seed, d)
			}
		}
	}
}

// shape reads a geometry with another library, through the GeoJSON that Export writes.
func shape(t *testing.T, id string, g Geometry) geom.Geometry {
	t.Helper()
	out, err := geom.UnmarshalGeoJSON(g.appendJSON(nil))
	if err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	return out
}

func TestGeometriesAreValidAndAreasNest(t *testing.T) {
	for _, seed := range seeds {
		w := Build(seed)
		area := map[string]float64{}
		children := map[string]float64{}
		for _, a := range w.Areas {
			s := shape(t, a.ID, a.Geometry).Area()
			if s <= 0 {
				t.Errorf("seed %d: %s has no area", seed, a.ID)
			}
			area[a.ID] = s
			children[a.Parent] += s
		}
		for _, a := range w.Areas {
			if a.Level == "grid" {
				continue
			}
			// Cells that cover their town without overlap have its area; so do towns and their district.
			if d := math.Abs(children[a.ID]-area[a.ID]) / area[a.ID]; d > 1e-6 {
				t.Errorf("seed %d: what lies in %s covers %.4f of it", seed, a.ID, children[a.ID]/area[a.ID])
			}
		}
		for _, r := range w.Roads {
			shape(t, r.ID, r.Geometry)
		}
		for _, f := range w.Base {
			shape(t, f.Kind, f.Geometry)
		}
		for _, a := range w.Assets {
			shape(t, a.ID, a.Geometry)
		}
	}
}

func TestEveryPlaceLiesInOneCell(t *testing.T) {
	for _, seed := range seeds {
		w := Build(seed)
		rings := map[string][][]XY{}
		for _, a := range w.Areas {
			if a.Level != "grid" {
				continue
			}
			for _, l := range a.Geometry.Lines {
				var ring []XY
				for _, p := range l[:len(l)-1] {
					ring = append(ring, XY(struct{ X, Y float64 }{p[0], p[1]}))
				}
				rings[a.ID] = append(rings[a.ID], ring)
			}
		}
		cellsAt := func(p XY) []string {
			var in []string
			for id, parts := range rings {
				if slices.ContainsFunc(parts, func(r []XY) bool { return inside(p, r) }) {
					in = append(in, id)
				}
			}
			return in
		}
		for _, p := range w.Places {
			at := Position(p.at)
			if in := cellsAt(XY{at[0], at[1]}); len(in) != 1 || in[0] != p.Area {
				t.Errorf("seed %d: %s says it lies in %s, but lies in %v", seed, p.ID, p.Area, in)
			}
			shape(t, p.ID, p.Geometry)
			for _, l := range p.Geometry.Lines { // and so does all of it
				for _, c := range l {
					if !slices.ContainsFunc(rings[p.Area], func(r []XY) bool { return inside(XY{c[0], c[1]}, r) }) {
						t.Errorf("seed %d: a corner of %s lies outside its cell", seed, p.ID)
					}
				}
			}
		}
	}
}

// The invented city must lie on no real district: everything within 30 km of a point in the open East China Sea.
func TestCityLiesAtSea(t *testing.T) {
	for _, f := range Build(1).Base {
		for _, l := range f.Geometry.Lines {
			for _, p := range l {
				if math.Abs(p[0]-originLon) > 0.3 || math.Abs(p[1]-originLat) > 0.3 {
					t.Fatalf("%s reaches to %v", f.Kind, p)
				}
			}
		}
	}
}

func TestRoadsFormANetwork(t *testing.T) {
	w := Build(1)
	at := map[LonLat]int{}
	var parent []int
	var find func(int) int
	find = func(k int) int {
		if parent[k] != k {
			parent[k] = find(parent[k])
		}
		return parent[k]
	}
	node := func(p LonLat) int {
		k, ok := at[p]
		if !ok {
			k = len(parent)
			at[p] = k
			parent = append(parent, k)
		}
		return k
	}
	edges := 0
	for _, r := range w.Roads {
		if r.Class == "rail" || r.Class == "lane" {
			continue
		}
		l := r.Geometry.Lines[0]
		for k := 1; k < len(l); k++ {
			parent[find(node(l[k-1]))] = find(node(l[k]))
			edges++
		}
	}
	size := map[int]int{}
	largest := 0
	for k := range parent {
		size[find(k)]++
		largest = max(largest, size[find(k)])
	}
	// A few field roads end blind; the town itself, both banks and the island, is one network.
	if share := float64(largest) / float64(len(parent)); share < 0.9 {
		t.Errorf("the largest connected part has %.2f of %d crossings", share, len(parent))
	}
}

func TestExport(t *testing.T) {
	w := Build(1)
	dir := filepath.Join(t.TempDir(), "city")
	if err := w.Export(dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{
		"areas.geojson": len(w.Areas), "places.geojson": len(w.Places), "assets.geojson": len(w.Assets),
		"roads.geojson": len(w.Roads), "basemap.geojson": len(w.Base),
		"organisations.csv": len(w.Organisations), "duties.csv": len(w.Duties), "datastreams.csv": len(w.Datastreams),
	} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".csv") {
			rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
			if err != nil || len(rows) != want+1 {
				t.Errorf("%s: %d rows, %v; want a header and %d", name, len(rows), err, want)
			}
			continue
		}
		var c struct {
			Type     string
			Features []struct {
				Type       string
				Properties map[string]string
				Geometry   json.RawMessage
			}
		}
		if err := json.Unmarshal(b, &c); err != nil || c.Type != "FeatureCollection" || len(c.Features) != want {
			t.Errorf("%s: %s with %d features, %v; want %d", name, c.Type, len(c.Features), err, want)
		}
	}
	if err := w.Export(filepath.Join(dir, "areas.geojson")); err == nil {
		t.Error("exporting onto a file gave no error")
	}
}

func BenchmarkBuild(b *testing.B) {
	for b.Loop() {
		Build(1)
	}
}
