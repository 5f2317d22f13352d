package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city"
	"github.com/anlan-city/anlan/internal/sensing"
)

// Detectors see, of the assets that feed one another, the datastreams of the same property, and see it when that changes.
func TestStreamsKnowTheirNeighbours(t *testing.T) {
	a, err := New(Options{Listen: "127.0.0.1:0", MQTT: off, Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
	ctx := access.With(t.Context(), access.System("test"))
	load := func(as, file string) {
		t.Helper()
		if _, err := a.city.Import(ctx, as, as+".csv", strings.NewReader(file), city.ImportOptions{Coordinates: "wgs84"}); err != nil {
			t.Fatal(err)
		}
	}
	load(city.Places, "external_id,name_en,lon,lat\nP,Bridge,121.5,31.2\n")
	load(city.Assets, `external_id,kind,name_en,place,upstream
low,flood/river-gauge,Low,P,high; fork
high,flood/river-gauge,High,P,
fork,flood/river-gauge,Fork,P,
`)
	ids := map[string]int64{}
	err = a.sensing.Change(ctx, "test", func(tx *sensing.Tx) (err error) {
		for _, name := range []string{"low level", "high level", "fork level", "low flow", "fork flow"} {
			asset, property, _ := strings.Cut(name, " ")
			on, _ := a.city.AssetByKey(asset)
			if ids[name], err = tx.AddDatastream(sensing.Datastream{ExternalID: name, Asset: on, Property: "flood/" + property}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	check := func(name, upstream, downstream string) {
		t.Helper()
		got, err := register{a}.Streams(ctx, []int64{ids[name]})
		if err != nil {
			t.Fatal(err)
		}
		names := func(found []int64) string {
			var all []string
			for name, id := range ids {
				if slices.Contains(found, id) {
					all = append(all, name)
				}
			}
			slices.Sort(all)
			return strings.Join(all, ", ")
		}
		if st := got[ids[name]]; names(st.Upstream) != upstream || names(st.Downstream) != downstream {
			t.Errorf("%s: %q upstream, %q downstream, want %q, %q", name, names(st.Upstream), names(st.Downstream), upstream, downstream)
		}
	}
	check("low level", "fork level, high level", "")
	check("low flow", "fork flow", "")
	check("high level", "", "low level")
	load(city.Assets, "external_id,upstream\nlow,high\n")
	check("low level", "high level", "")
	check("fork level", "", "")
}
