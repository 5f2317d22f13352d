package city

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/outbox"
)

var roomMigrations = []db.Migrations{ledger.Migrations(), outbox.Migrations(), Migrations()}

// packs stand for the loaded packs.
type packs []Kind

func (p packs) Kinds() []Kind { return p }

var testKinds = packs{
	{ID: "gas/kitchen-alarm", Title: Name{"Restaurant gas alarm", "餐饮场所燃气报警器"}},
	{ID: "gas/home-alarm", Title: Name{"Household gas alarm", "家用燃气报警器"}, Home: true},
	{ID: "gas/main", Title: Name{"Gas main", "燃气主管"}},
	{ID: "gas/van", Title: Name{"Leak-detection van", "泄漏检测车"}, Mobile: true},
	{ID: "water/pump", Title: Name{"Pump", "水泵"}},
}

// town is a small city in a fresh register, imported from testdata/town.
type town struct {
	*Service
	t     testing.TB
	ctx   context.Context
	clock *clock.Virtual
}

func empty(t testing.TB, d *db.DB) *town {
	c := clock.NewVirtual(time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC))
	s := New(Deps{DB: d, Clock: c, Access: access.AllowAll, Kinds: testKinds})
	ctx := access.With(t.Context(), access.Actor{Kind: access.KindAccount, ID: 1, Name: "Register Office"})
	if err := s.Load(ctx); err != nil {
		t.Fatal(err)
	}
	return &town{Service: s, t: t, ctx: ctx, clock: c}
}

var townFiles = []struct{ as, file string }{
	{Areas, "areas.geojson"}, {Organisations, "organisations.csv"}, {Places, "places.csv"}, {Assets, "assets.csv"}, {Duties, "duties.csv"},
}

func newTown(t testing.TB, d *db.DB) *town {
	w := empty(t, d)
	for _, f := range townFiles {
		w.must(f.as, f.file, w.read(f.file))
	}
	return w
}

func (w *town) read(file string) string {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "town", file))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

func (w *town) load(as, name, content string) (Report, error) {
	o := ImportOptions{Coordinates: "wgs84", Encoding: "utf-8"}
	if strings.HasSuffix(name, "geojson") {
		o = ImportOptions{}
	}
	return w.Import(w.ctx, as, name, strings.NewReader(content), o)
}

func (w *town) must(as, name, content string) Report {
	w.t.Helper()
	r, err := w.load(as, name, content)
	if err != nil {
		w.t.Fatalf("import %s: %v", name, err)
	}
	return r
}

// refused imports what must be refused, and returns the list of problems.
func (w *town) refused(as, name, content string) string {
	w.t.Helper()
	before := w.dump()
	r, err := w.load(as, name, content)
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		w.t.Fatalf("%s was not refused: %+v %v\n%s", name, r, err, content)
	}
	if after := w.dump(); after != before {
		w.t.Fatalf("%s was refused, and the register changed:\n%s\n%s", name, before, after)
	}
	return refusal.Error()
}

// dump is the whole register as text.
func (w *town) dump() string {
	w.t.Helper()
	var b bytes.Buffer
	for _, what := range Registers {
		if err := w.Export(w.ctx, &b, what, "geojson"); err != nil {
			w.t.Fatal(err)
		}
	}
	return b.String()
}

func (w *town) count(query string, args ...any) (n int) {
	w.t.Helper()
	err := w.DB.Read(w.ctx, func(tx *db.Tx) error { return tx.QueryRow(query, args...).Scan(&n) })
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *town) assetOf(externalID string) Asset {
	w.t.Helper()
	id, err := w.AssetID(w.ctx, externalID)
	if err != nil || id == 0 {
		w.t.Fatalf("asset %s: %d %v", externalID, id, err)
	}
	a, err := w.Asset(w.ctx, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func TestTown(t *testing.T) {
	dbtest.Each(t, roomMigrations, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)

		main := w.assetOf("A3")
		if main.Kind != "gas/main" || main.Pack != "gas" || main.KindTitle.ZH != "燃气主管" || main.State != "unknown" {
			t.Errorf("main: %+v", main)
		}
		if got, want := string(main.Properties), `{"diameter_mm":300.0,"material":"PE"}`; got != want {
			t.Errorf("properties %s, want %s", got, want)
		}
		alarm := w.assetOf("A1")
		if alarm.Point != (Point{113.1, 23.1}) || alarm.PlaceName.EN != "Dumpling House" || alarm.OrganisationName.ZH != "安澜燃气" {
			t.Errorf("alarm without a position of its own: %+v", alarm)
		}
		home := w.assetOf("A2")
		if home.Premises != PremisesHome || home.Kind != "gas/home-alarm" {
			t.Errorf("household alarm: %+v", home)
		}

		// From the cell upward; a point on a border belongs to the cell that sorts first; nothing outside.
		names := func(lon, lat float64) (s string) {
			for _, id := range w.AreaAt(lon, lat) {
				s += " " + w.AreaName(id).EN
			}
			return s
		}
		for at, want := range map[Point]string{
			{113.1, 23.1}: " Cell 1 Harbour District", {113.3, 23.1}: " Cell 2 Harbour District",
			{113.2, 23.1}: " Cell 1 Harbour District", {113.0, 23.0}: " Cell 1 Harbour District", {113.41, 23.1}: "", {0, 0}: "",
		} {
			if got := names(at[0], at[1]); got != want {
				t.Errorf("areas at %v: %q, want %q", at, got, want)
			}
		}
		if a := w.AreaAt(113.1, 23.1); alarm.Area != a[0] || !w.AreaWithin(a[0], a[1]) || w.AreaWithin(a[1], a[0]) {
			t.Errorf("areas of the alarm: %d %v", alarm.Area, a)
		} else if w.WholeCity() != a[len(a)-1] {
			t.Errorf("the whole city is %d", w.WholeCity())
		}

		// The second time nothing changes.
		revision := w.count("select revision from city_settings")
		for _, f := range townFiles {
			r := w.must(f.as, f.file, w.read(f.file))
			if r.Added != 0 || r.Changed != 0 || r.Unchanged != r.Records || r.Records == 0 {
				t.Errorf("second import of %s: %+v", f.file, r)
			}
		}
		if now := w.count("select revision from city_settings"); now != revision {
			t.Errorf("revision went from %d to %d without a change", revision, now)
		}

		// A column that is absent stays, an empty cell clears.
		r := w.must(Assets, "part.csv", "external_id,name_en,organisation\nA1,Kitchen alarm at the door,\n")
		if a := w.assetOf("A1"); r.Changed != 1 || a.Name != (Name{"Kitchen alarm at the door", "厨房报警器"}) || a.Organisation != 0 || a.Properties == nil {
			t.Errorf("partial import: %+v %+v", r, a)
		}

		// Import, decision and news are one.
		if got := w.count("select count(*) from outbox where subject = 'city.imported'"); got != 6 {
			t.Errorf("%d events, want 6", got)
		}
		if got := w.count("select count(*) from ledger_leaves where subject = $1", Assets); got != 2 {
			t.Errorf("%d ledger entries, want 2", got)
		}
	})
}

func TestChangedBordersMovePlaces(t *testing.T) {
	dbtest.Each(t, roomMigrations, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		area := func() string { return w.AreaName(w.assetOf("A2").Area).EN }
		if got := area(); got != "Cell 2" {
			t.Fatalf("area %s", got)
		}
		border := func(x string) string {
			return strings.NewReplacer("113.2,", x+",").Replace(w.read("areas.geojson"))
		}
		if r := w.must(Areas, "moved.geojson", border("113.35")); r.Changed != 2 {
			t.Errorf("%+v", r)
		}
		if got := area(); got != "Cell 1" {
			t.Errorf("area %s after the border moved", got)
		}
		// Cell 1 shrinks, cell 2 does not follow: a place that had a cell would have none.
		text := w.refused(Areas, "gap.geojson", strings.Replace(border("113.35"), "[113.35,23.0],[113.35,23.2],[113.0,23.2]", "[113.25,23.0],[113.25,23.2],[113.0,23.2]", 1))
		if want := `gap.geojson: place "P2" lies in grid cell "D1-G1" now and would lie in none`; text != want {
			t.Errorf("%s\nwant %s", text, want)
		}
	})
}

func TestScopes(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, roomMigrations...))
	org := func(key string) int64 {
		id, ok := w.OrganisationID(key)
		if !ok {
			t.Fatalf("no organisation %s", key)
		}
		return id
	}
	cell := w.AreaAt(113.1, 23.1)[0]
	for _, c := range []struct {
		who         string
		owner, area int64
		want        bool
	}{
		{"GASCO", org("GASCO"), 0, true},
		{"HOUSING", org("GASCO"), 0, false},
		{"GOV", org("HOUSING"), 0, true},
		{"HOUSING", org("GOV"), 0, false},
		{"D1-OFFICE", 0, cell, true},        // territory over the district around the cell
		{"GOV", org("GASCO"), cell, true},   // leadership
		{"GASCO", 0, cell, false},           // answers for an asset there, not for the area
		{"GASCO", org("HOUSING"), 0, false}, // another's
	} {
		if got := w.Covers(org(c.who), c.owner, c.area); got != c.want {
			t.Errorf("Covers(%s, %d, %d) = %v", c.who, c.owner, c.area, got)
		}
	}
	if w.Covers(0, 0, 0) || w.Covers(99, 98, 97) {
		t.Error("strangers are covered")
	}

	// What touches an area concerns who answers for it, for one around it, and for a part of it, but not for the part beside it.
	w.must(Duties, "cell.csv", "kind,organisation,area,role\nterritory,GASCO,D1-G1,assist\n")
	above, beside := w.AreaAt(113.1, 23.1)[1], w.AreaAt(113.3, 23.1)[0]
	for _, c := range []struct {
		who  string
		area int64
		want bool
	}{
		{"D1-OFFICE", cell, true}, {"D1-OFFICE", beside, true}, {"D1-OFFICE", above, true},
		{"GASCO", cell, true}, {"GASCO", above, true}, {"GASCO", beside, false},
	} {
		if got := w.Touches(org(c.who), c.area); got != c.want {
			t.Errorf("Touches(%s, %d) = %v", c.who, c.area, got)
		}
	}
	if w.Touches(0, above) || w.Touches(org("GOV"), 0) || w.Touches(org("GOV"), 97) {
		t.Error("strangers are touched")
	}
}

func TestAnotherProcessIsSeen(t *testing.T) {
	d := dbtest.SQLite(t, roomMigrations...)
	here, there := empty(t, d), empty(t, d)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- here.Run(ctx) }()
	here.clock.AwaitSleepers(1)
	there.must(Areas, "areas.geojson", there.read("areas.geojson"))
	here.clock.Advance(lookEvery)
	here.clock.AwaitSleepers(1)
	if got := here.AreaAt(113.1, 23.1); len(got) != 2 {
		t.Errorf("areas %v", got)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSettings(t *testing.T) {
	dbtest.Each(t, roomMigrations, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		want := Settings{Name: Name{"Anlan", "安澜"}, TimeZone: "Asia/Shanghai"}
		if err := w.SetSettings(w.ctx, want); err != nil {
			t.Fatal(err)
		}
		got, err := w.Settings(w.ctx)
		if err != nil || got.Name != want.Name || got.TimeZone != want.TimeZone || *got.Bounds != [4]float64{113, 23, 113.4, 23.2} {
			t.Errorf("%+v %v", got, err)
		}
		for _, bad := range []Settings{{Name: want.Name, TimeZone: "Asia/Shanghia"}, {Name: want.Name}, {TimeZone: "UTC"}} {
			if err := w.SetSettings(w.ctx, bad); err == nil {
				t.Errorf("%+v accepted", bad)
			}
		}
	})
}

func TestDuties(t *testing.T) {
	dbtest.Each(t, roomMigrations, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		chain := func(asset string) (s []string) {
			duties, err := w.DutiesFor(w.ctx, SubjectAsset, w.assetOf(asset).ID)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range duties {
				s = append(s, d.Kind+" "+d.OrganisationName.EN)
			}
			return s
		}
		for asset, want := range map[string]string{
			"A1": "leadership City Government, territory Harbour District Office, regulator Housing Bureau, enterprise Anlan Gas",
			"A4": "leadership City Government, territory Harbour District Office, regulator Housing Bureau, enterprise Anlan Gas",
			"A5": "leadership City Government, territory Harbour District Office",
		} {
			if got := strings.Join(chain(asset), ", "); got != want {
				t.Errorf("%s: %s\nwant %s", asset, got, want)
			}
		}

		missing := func() string {
			items, total, err := w.MissingDuties(w.ctx, 0)
			if err != nil || total != len(items) {
				t.Fatal(err, total, len(items))
			}
			var s []string
			for _, m := range items {
				s = append(s, m.Kind+" "+m.Subject+" "+m.ExternalID)
			}
			return strings.Join(s, ", ")
		}
		// Nobody regulates or runs the pump: the only regulator is limited to gas.
		if got, want := missing(), "regulator asset A5, enterprise asset A5"; got != want {
			t.Errorf("missing %s, want %s", got, want)
		}
		// A second district in which nobody leads is told once, at the district and not at its cells.
		w.must(Areas, "more.geojson", strings.NewReplacer("D1", "D2", "113.", "114.").Replace(w.read("areas.geojson")))
		w.must(Duties, "more.csv", "kind,organisation,area\nterritory,GOV,D2-G1\n")
		if got, want := missing(), "leadership area D2, territory area D2-G2, regulator asset A5, enterprise asset A5"; got != want {
			t.Errorf("missing %s, want %s", got, want)
		}
		// Most cells have somebody of their own, then the one that has not is told, though the district answers for it; and
		// so with assets of a kind.
		w.must(Duties, "cells.csv", "kind,organisation,area\nterritory,GOV,D1-G1\nterritory,GOV,D2-G2\nleadership,GOV,D2\n")
		w.must(Assets, "alarms.csv", "external_id,kind,name_en,place,organisation\nB1,gas/kitchen-alarm,B1,P1,GASCO\nB2,gas/kitchen-alarm,B2,P1,GASCO\n")
		w.must(Duties, "alarms.csv", "kind,organisation,asset\nenterprise,GASCO,B1\nenterprise,GASCO,B2\n")
		if got, want := missing(), "regulator asset A5, enterprise asset A5, territory area D1-G2, enterprise asset A1"; got != want {
			t.Errorf("missing %s, want %s", got, want)
		}
		if _, err := w.DutiesFor(w.ctx, SubjectAsset, 4711); err == nil {
			t.Error("duties for an asset that isn't there")
		}
	})
}

func TestSpots(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, roomMigrations...))
	items, _, err := w.Assets(w.ctx, AssetFilter{})
	if err != nil || len(items) == 0 {
		t.Fatal(items, err)
	}
	for _, a := range items {
		id, ok := w.AssetByKey(a.ExternalID)
		s, found := w.AssetSpot(id)
		if !ok || !found || s.Asset != a.ID || s.Place != a.Place || s.Area != a.Area || s.Organisation != a.Organisation ||
			s.Kind != a.Kind || s.AssetName != a.Name || s.PlaceName != a.PlaceName || s.Home != (a.Premises == PremisesHome) {
			t.Errorf("asset %+v\n is at %+v", a, s)
		}
	}
	if _, ok := w.AssetSpot(1 << 40); ok {
		t.Error("an asset that does not exist has a spot")
	}
}
