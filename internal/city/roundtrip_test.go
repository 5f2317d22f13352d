package city

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/city/coords"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// import(export(x)) is x: whatever stands in a register, each format carries it into an empty one, and back into the one
// that it came from without a change.
func TestRoundTrip(t *testing.T) {
	from, to := empty(t, dbtest.SQLite(t, roomMigrations...)), empty(t, dbtest.SQLite(t, roomMigrations...))
	rapid.Check(t, func(t *rapid.T) {
		from.clear()
		for _, f := range drawTown(t) {
			if _, err := from.load(f.as, f.as+".geojson", f.file); err != nil {
				t.Fatalf("%v\n%s", err, f.file)
			}
		}
		want := from.dump()
		format := rapid.SampledFrom([]string{"geojson", "csv", "xlsx"}).Draw(t, "format")
		to.clear()
		for _, as := range Registers {
			var file bytes.Buffer
			if err := from.Export(from.ctx, &file, as, format); err != nil {
				t.Fatal(err)
			}
			if _, err := to.load(as, as+"."+format, file.String()); err != nil {
				t.Fatalf("%v\n%s", err, file.String())
			}
			r, err := from.load(as, as+"."+format, file.String())
			if err != nil || r.Added+r.Changed > 0 {
				t.Fatalf("back into its own register: %+v %v\n%s", r, err, file.String())
			}
		}
		if got := to.dump(); got != want {
			t.Fatalf("after %s\n%s\nwant\n%s", format, got, want)
		}
	})
}

// A file in GCJ-02 says the same as one in WGS 84, to the last digit kept.
func TestRoundTripGCJ02(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, roomMigrations...))
	want := w.dump()
	lon, lat := coords.GCJ02.FromWGS84(113.1, 23.1)
	file := "external_id,lon,lat\nP1," + number(lon) + "," + number(lat) + "\n"
	r, err := w.Import(w.ctx, Places, "gcj.csv", strings.NewReader(file), ImportOptions{Coordinates: "gcj02"})
	if err != nil || r.Unchanged != 1 {
		t.Errorf("%+v %v", r, err)
	}
	if got := w.dump(); got != want {
		t.Error("the register changed")
	}
	if r, err = w.Import(w.ctx, Places, "wrong.csv", strings.NewReader(file), ImportOptions{Coordinates: "wgs84"}); err != nil || r.Changed != 1 {
		t.Errorf("taken as WGS 84 it is another position: %+v %v", r, err)
	}
}

func (w *town) clear() {
	err := w.DB.Write(w.ctx, func(tx *db.Tx) error {
		for _, table := range []string{"duties", "paths", "resitings", "asset_links", "assets", "places", "organisations", "areas", "vocabulary"} {
			if _, err := tx.Exec("delete from city_" + table); err != nil {
				return err
			}
		}
		_, err := tx.Exec("update city_settings set revision = revision + 1")
		return err
	})
	if err == nil {
		err = w.Load(w.ctx)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

type townFile struct{ as, file string }

// drawTown draws a register of one district with two cells, as GeoJSON.
func drawTown(t *rapid.T) []townFile {
	text := rapid.Custom(func(t *rapid.T) string {
		s := rapid.StringOfN(rapid.OneOf(rapid.RuneFrom([]rune(`ab ,"';=+@-\/<&>{}_x0041é🔥`)), rapid.RuneFrom(nil, unicode.Han)), 1, 20, -1).Draw(t, "text")
		return strings.TrimSpace("n" + s)
	}).Filter(func(s string) bool {
		_, bad := guard.Value(s)
		_, name := guard.Name(s)
		return !bad && !name
	})
	quote := func(s string) string { return jsonList(s) }
	feature := func(geometry string, props ...string) string {
		return fmt.Sprintf(`{"type":"Feature","geometry":%s,"properties":{%s}}`, geometry, strings.Join(props, ","))
	}
	prop := func(name, value string) string { return quote(name) + ":" + quote(value) }
	collection := func(features []string) string {
		return `{"type":"FeatureCollection","features":[` + strings.Join(features, ",\n") + `]}`
	}
	// The border between the cells is anywhere, so that positions have all the digits that they may.
	border := number(rounded(rapid.Float64Range(113.1, 113.3).Draw(t, "border")))
	rect := func(w, e string) string {
		return fmt.Sprintf(`{"type":"Polygon","coordinates":[[[%[1]s,23],[%[2]s,23],[%[2]s,23.2],[%[1]s,23.2],[%[1]s,23]]]}`, w, e)
	}
	areas := []string{
		feature(rect("113", "113.4"), prop("external_id", "D"), prop("level", text.Draw(t, "level")), prop("name_zh", text.Draw(t, "district")),
			prop("residents", "812345"), `"residents_year":2020`, prop("residents_source", text.Draw(t, "source"))),
		feature(rect("113", border), prop("external_id", "G1"), prop("level", "grid"), prop("name_en", text.Draw(t, "cell")), prop("parent", "D")),
		feature(rect(border, "113.4"), prop("external_id", "G2"), prop("level", "grid"), prop("name_en", "2"), prop("parent", "D")),
	}
	position := func() string {
		return fmt.Sprintf("[%v,%v]", number(rapid.Float64Range(113.05, 113.35).Draw(t, "x")), number(rapid.Float64Range(23.05, 23.15).Draw(t, "y")))
	}
	shape := func() string {
		switch rapid.IntRange(0, 2).Draw(t, "shape") {
		case 0:
			return `{"type":"Point","coordinates":` + position() + `}`
		case 1:
			return `{"type":"MultiPoint","coordinates":[` + position() + "," + position() + `]}`
		}
		return `{"type":"Polygon","coordinates":[[[113.1,23.1],[113.11,23.1],[113.11,23.11],[113.1,23.1]],[[113.105,23.101],[113.106,23.101],[113.106,23.102],[113.105,23.101]]]}`
	}
	key := func(prefix string, n int) string { return fmt.Sprintf("%s%d%s", prefix, n, text.Draw(t, "key")) }
	var organisations, places, assets, duties, orgKeys, placeKeys, assetKeys []string
	for i := range rapid.IntRange(1, 3).Draw(t, "organisations") {
		k := key("O", i)
		props := []string{prop("external_id", k), prop("kind", text.Draw(t, "kind")), prop("name_en", text.Draw(t, "name"))}
		if i > 0 {
			props = append(props, prop("parent", orgKeys[0]))
		}
		orgKeys = append(orgKeys, k)
		organisations = append(organisations, feature("null", props...))
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "places") {
		k := key("P", i)
		placeKeys = append(placeKeys, k)
		places = append(places, feature(shape(), prop("external_id", k), prop("name_zh", text.Draw(t, "name")), prop("address", text.Draw(t, "address"))))
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "assets") {
		k := key("A", i)
		at := "null"
		if rapid.Bool().Draw(t, "own geometry") {
			at = shape()
		}
		props := []string{prop("external_id", k), prop("kind", rapid.SampledFrom(testKinds).Draw(t, "kind").ID), prop("name_en", text.Draw(t, "name")),
			prop("place", rapid.SampledFrom(placeKeys).Draw(t, "place"))}
		if rapid.Bool().Draw(t, "run by") {
			props = append(props, prop("organisation", rapid.SampledFrom(orgKeys).Draw(t, "organisation")))
		}
		if len(assetKeys) > 0 {
			feeders := rapid.SliceOfDistinct(rapid.SampledFrom(assetKeys), rapid.ID[string]).Draw(t, "upstream")
			props = append(props, quote("upstream")+":"+jsonList(feeders))
		}
		assetKeys = append(assetKeys, k)
		if rapid.Bool().Draw(t, "free") {
			props = append(props, fmt.Sprintf(`"properties":{%s:%s,"list":{"list":[1.50,true,null,-1e3]}}`, quote(text.Draw(t, "property")), quote(text.Draw(t, "value"))))
		}
		assets = append(assets, feature(at, props...))
	}
	over := rapid.SampledFrom([]string{"area", "place", "asset"}).Draw(t, "over")
	target := map[string]string{"area": "G1", "place": placeKeys[0], "asset": assetKeys[0]}[over]
	for _, kind := range DutyKinds {
		duties = append(duties, feature("null", prop("kind", kind), prop("organisation", orgKeys[0]), prop(over, target),
			prop("role", rapid.SampledFrom([]string{"lead", "assist"}).Draw(t, "role")), prop("post", text.Draw(t, "post"))))
	}
	return []townFile{{Areas, collection(areas)}, {Organisations, collection(organisations)}, {Places, collection(places)},
		{Assets, collection(assets)}, {Duties, collection(duties)}}
}
