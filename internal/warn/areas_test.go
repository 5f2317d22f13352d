package warn

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/peterstace/simplefeatures/geom"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// quay adds a gauge to the town, at 122.05, 30.02.
type quay struct{ bareGround }

func (quay) Thing(_ context.Context, asset int64) (page.Text, geom.Geometry, bool, error) {
	switch asset {
	case 7:
		return page.Text{English: "East Gate gauge", Chinese: "东门水位站"}, geom.NewPointXY(122.05, 30.02).AsGeometry(), true, nil
	case 8:
		return page.Text{English: "Far gauge", Chinese: "远方水位站"}, geom.NewPointXY(10, 50).AsGeometry(), true, nil
	}
	if asset >= 100 { // those of the alerts in the tests of suggestions
		return page.Text{English: fmt.Sprintf("Gauge %d", asset/100), Chinese: fmt.Sprintf("%d号水位站", asset/100)}, geom.NewPointXY(122.05, 30.02).AsGeometry(), true, nil
	}
	return page.Text{}, geom.Geometry{}, false, nil
}

func withQuay(t testing.TB) *Service {
	t.Helper()
	s, _ := newService(t, dbtest.SQLite(t, allMigrations...))
	s.ground = quay{bareGround{town{}}}
	return s
}

func box(lon, lat, side float64) Outline {
	return Outline{{lon, lat}, {lon + side, lat}, {lon + side, lat + side}, {lon, lat + side}}
}

func TestWhereAWarningHolds(t *testing.T) {
	s := withQuay(t)
	for name, test := range map[string]struct {
		where Where
		names []string
		asks  []int64
	}{
		"an area":                 {Where{Areas: []int64{10}}, []string{"Harbour 港区"}, []int64{10}},
		"the same area twice":     {Where{Areas: []int64{10, 10}}, []string{"Harbour 港区"}, []int64{10}},
		"its part outside of it":  {Where{Areas: []int64{10, 12}}, []string{"Harbour 港区", "Two Islands 双岛镇"}, []int64{10, 12}},
		"drawn in a district":     {Where{Drawn: []Drawn{{Ring: box(122.01, 30.01, .01)}}}, []string{"Part of Harbour 港区部分区域"}, []int64{10}},
		"drawn in a town":         {Where{Drawn: []Drawn{{Ring: box(122.01, 30.06, .01)}}}, []string{"Part of Old Quay 老码头镇部分区域"}, []int64{11}},
		"drawn over a line":       {Where{Drawn: []Drawn{{Ring: box(122.01, 30.045, .01)}}}, []string{"Parts of Old Quay and Harbour 老码头镇、港区部分区域"}, []int64{11, 10}},
		"with a name":             {Where{Drawn: []Drawn{{Name: page.Text{English: "Fish market", Chinese: "鱼市"}, Ring: box(122.01, 30.01, .01)}}}, []string{"Fish market 鱼市"}, []int64{10}},
		"around an asset":         {Where{Around: []Around{{7, 500}}}, []string{"Within 500 m of East Gate gauge 东门水位站周边500米"}, []int64{10}},
		"around it by kilometres": {Where{Around: []Around{{7, 1500}}}, []string{"Within 1.5 km of East Gate gauge 东门水位站周边1.5公里"}, []int64{10}},
		"drawn within a district": {Where{Areas: []int64{10}, Drawn: []Drawn{{Ring: box(122.01, 30.01, .01)}}}, []string{"Harbour 港区"}, []int64{10}},
		"twice the same ring":     {Where{Drawn: []Drawn{{Ring: box(122.01, 30.01, .01)}, {Ring: box(122.01, 30.01, .01)}}}, []string{"Part of Harbour 港区部分区域"}, []int64{10}},
		"one band in another":     {Where{Around: []Around{{7, 500}, {7, 800}}}, []string{"Within 800 m of East Gate gauge 东门水位站周边800米"}, []int64{10}},
	} {
		places, err := s.places(as(first), test.where)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var names []string
		for _, p := range places {
			names = append(names, p.Name.English+" "+p.Name.Chinese)
			if !slices.Contains(p.Touches, 10) {
				t.Errorf("%s: %v doesn't touch the district", name, p.Touches)
			}
			for _, r := range p.Rings {
				if err := r.Check(); err != nil || len(r) > cap.MaxPoints {
					t.Errorf("%s: ring of %d points: %v", name, len(r), err)
				}
			}
		}
		if !slices.Equal(names, test.names) {
			t.Errorf("%s: %q, want %q", name, names, test.names)
		}
		if asks := areaIDs(Content{Areas: places}); !slices.Equal(asks, test.asks) {
			t.Errorf("%s: asks %v, want %v", name, asks, test.asks)
		}
	}
}

func TestTouchesAreLowestFirst(t *testing.T) {
	s := withQuay(t)
	places, err := s.places(as(first), Where{Drawn: []Drawn{{Ring: box(122.01, 30.06, .01)}}})
	if err != nil || !slices.Equal(places[0].Touches, []int64{11, 10}) {
		t.Errorf("touches %v %v", places, err)
	}
	if places, err = s.places(as(first), Where{Areas: []int64{10}}); err != nil || !slices.Equal(places[0].Touches, []int64{11, 12, 10}) {
		t.Errorf("touches %v %v", places, err)
	}
}

func TestWhereIsRefused(t *testing.T) {
	s := withQuay(t)
	circle := func(n int) (o Outline) {
		for i := range n {
			a := 2 * math.Pi * float64(i) / float64(n)
			o = append(o, [2]float64{122.05 + .01*math.Cos(a), 30.02 + .01*math.Sin(a)})
		}
		return o
	}
	for name, test := range map[string]struct {
		where Where
		code  string
		field string
	}{
		"unknown area":       {Where{Areas: []int64{10, 99}}, "warning.unknown_area", "areas[1]"},
		"unmapped area":      {Where{Areas: []int64{20}}, "warning.area_unmapped", "areas[0]"},
		"two points":         {Where{Drawn: []Drawn{{Ring: Outline{{122, 30}, {122.1, 30}, {122, 30}}}}}, "warning.drawn_points", "drawn[0].ring"},
		"one point often":    {Where{Drawn: []Drawn{{Ring: Outline{{122, 30}, {122, 30}, {122, 30}, {122, 30}}}}}, "warning.drawn_points", "drawn[0].ring"},
		"nothing":            {Where{Drawn: []Drawn{{}}}, "warning.drawn_points", "drawn[0].ring"},
		"a line":             {Where{Drawn: []Drawn{{Ring: Outline{{122, 30}, {122.1, 30}, {122.05, 30}}}}}, "warning.drawn_crosses", "drawn[0].ring"},
		"a bow tie":          {Where{Drawn: []Drawn{{Ring: box(122, 30, .1)}, {Ring: Outline{{122, 30}, {122.1, 30.1}, {122.1, 30}, {122, 30.1}}}}}, "warning.drawn_crosses", "drawn[1].ring"},
		"under a metre":      {Where{Drawn: []Drawn{{Ring: box(122, 30, .000002)}}}, "warning.drawn_small", "drawn[0].ring"},
		"swapped":            {Where{Drawn: []Drawn{{Ring: Outline{{122, 30}, {122.1, 30}, {122.1, 30.1}, {30, 122}}}}}, "warning.drawn_range", "drawn[0].ring[3]"},
		"another city":       {Where{Drawn: []Drawn{{Ring: Outline{{122, 30}, {122.1, 30}, {122.1, 30.1}, {116, 40}}}}}, "warning.drawn_outside", "drawn[0].ring[3]"},
		"not a number":       {Where{Drawn: []Drawn{{Ring: Outline{{math.NaN(), 30}, {122.1, 30}, {122.1, 30.1}}}}}, "warning.drawn_range", "drawn[0].ring[0]"},
		"just over the line": {Where{Drawn: []Drawn{{Ring: box(121.9, 29.9, .05)}}}, "warning.drawn_outside", "drawn[0].ring"},
		"too many points":    {Where{Drawn: []Drawn{{Ring: circle(maxCorners + 1)}}}, "warning.drawn_points", "drawn[0].ring"},
		"too many rings":     {Where{Drawn: make([]Drawn, maxDrawn+1)}, "warning.too_many_areas", "drawn"},
		"a name in one":      {Where{Drawn: []Drawn{{Name: page.Text{English: "Market"}, Ring: box(122, 30, .01)}}}, "warning.text_missing", "drawn[0].name.zh-CN"},
		"a name of two":      {Where{Drawn: []Drawn{{Name: page.Text{English: "A\nB", Chinese: "甲"}, Ring: box(122, 30, .01)}}}, "warning.text_form", "drawn[0].name"},
		"unknown asset":      {Where{Around: []Around{{99, 500}}}, "warning.unknown_asset", "around[0].asset"},
		"9 m":                {Where{Around: []Around{{7, 9}}}, "warning.around_metres", "around[0].metres"},
		"100 km":             {Where{Around: []Around{{7, 500}, {7, 100_000}}}, "warning.around_metres", "around[1].metres"},
		"no distance":        {Where{Around: []Around{{7, math.NaN()}}}, "warning.around_metres", "around[0].metres"},
		"far away":           {Where{Around: []Around{{8, 500}}}, "warning.drawn_outside", "around[0].asset"},
		"too many bands":     {Where{Around: make([]Around, maxAround+1)}, "warning.too_many_areas", "around"},
	} {
		_, err := s.places(as(first), test.where)
		var e *web.Error
		if !errors.As(err, &e) || e.Code != test.code || e.Field != test.field {
			t.Errorf("%s: %v (field %q), want %s at %s", name, err, fieldOf(err), test.code, test.field)
		}
	}
	// A ring of many points is taken, and published with few.
	places, err := s.places(as(first), Where{Drawn: []Drawn{{Ring: circle(maxCorners)}}})
	if err != nil || len(places[0].Rings[0]) > cap.MaxPoints {
		t.Errorf("a circle: %v", err)
	}
}

func fieldOf(err error) string {
	var e *web.Error
	errors.As(err, &e)
	if e == nil {
		return ""
	}
	return e.Field
}

// TestNobodyDrawsIntoTheNext: an officer of one town can't draw over its line, by any of the ways.
func TestNobodyDrawsIntoTheNext(t *testing.T) {
	s := withQuay(t)
	s.access = scopeFunc(func(r access.Resource) error {
		if r.Area != 0 && r.Area != 11 {
			return web.Errorf(403, "access.denied", "not your town")
		}
		return nil
	})
	for name, test := range map[string]struct {
		where Where
		code  string
	}{
		"in the town":           {Where{Drawn: []Drawn{{Ring: box(122.01, 30.06, .01)}}}, ""},
		"over the line":         {Where{Drawn: []Drawn{{Ring: box(122.01, 30.045, .01)}}}, "access.denied"},
		"a finger over it":      {Where{Drawn: []Drawn{{Ring: Outline{{122.01, 30.06}, {122.011, 30.02}, {122.012, 30.06}}}}}, "access.denied"},
		"the whole district":    {Where{Drawn: []Drawn{{Ring: box(121.95, 29.95, .2)}}}, "access.denied"},
		"a band into the next":  {Where{Around: []Around{{7, 5000}}}, "access.denied"},
		"hidden behind its own": {Where{Areas: []int64{11}, Drawn: []Drawn{{Ring: box(122.01, 30.02, .01)}}}, "access.denied"},
	} {
		p := gasLeak()
		p.Areas, p.Drawn, p.Around = test.where.Areas, test.where.Drawn, test.where.Around
		if _, err := s.Propose(as(first), p); code(err) != test.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What waits is held against the approver's scope too.
	s.access = access.AllowAll
	p := gasLeak()
	p.Areas, p.Around = nil, []Around{{7, 500}}
	w, err := s.Propose(as(first), p)
	if err != nil {
		t.Fatal(err)
	}
	s.access = scopeFunc(func(r access.Resource) error {
		if r.Area == 10 {
			return web.Errorf(403, "access.denied", "not your district")
		}
		return nil
	})
	if _, err := s.Approve(as(second), w.ID, 1); code(err) != "access.denied" {
		t.Errorf("approved: %v", err)
	}
}

// TestADrawnWarningGoesOut: from a request with all three ways to the message, the page and the event.
func TestADrawnWarningGoesOut(t *testing.T) {
	s := withQuay(t)
	body := `{"level":"red","hazard":"fire","areas":[12],"drawn":[{"ring":[[122.01,30.06],[122.02,30.06],[122.02,30.07]]}],"around":[{"asset":7,"metres":500}],
		"headline":{"en":"Fire","zh-CN":"火灾"},"description":{"en":"A store burns.","zh-CN":"一处仓库起火。"},"expires":"2026-11-23T05:00:00Z"}`
	var w Warning
	call(t, s, first, "POST", "/api/v1/warnings", body, 201, &w)
	call(t, s, second, "POST", fmt.Sprintf("/api/v1/warnings/%d/approve", w.ID), `{"version":1}`, 200, &w)
	if len(w.Areas) != 3 || w.Areas[1].ID != 0 || len(w.Areas[1].Rings) != 1 || w.Areas[0].Rings != nil {
		t.Errorf("areas %+v", w.Areas)
	}
	a := document(t, s, "/warnings/2026-0001.xml")
	if got := a.Infos[1].Areas; len(got) != 3 || got[2].Description != "东门水位站周边500米" || len(got[2].Polygons) != 1 || len(got[2].Geocodes) != 0 {
		t.Errorf("areas of the message %+v", got)
	}
	for area, want := range map[int]bool{0: true, 10: true, 11: true, 12: true, 20: false} {
		if got := strings.Contains(get(t, s, fmt.Sprintf("/warnings?lang=en&area=%d", area)), "Fire</h2>"); got != want {
			t.Errorf("area %d: shown %v", area, got)
		}
	}
	for _, record := range column(t, s.db, "select payload from outbox order by id nulls last") {
		if !strings.Contains(record, `"areas":[12,11,10]`) {
			t.Errorf("event %s", record)
		}
	}
}

// TestWarningsFromBeforeDrawingLoad: a stored warning of the first form is shown, filtered and ended.
func TestWarningsFromBeforeDrawingLoad(t *testing.T) {
	s := withQuay(t)
	w := issue(t, s, gasLeak())
	old := w
	ctx := as(first)
	strip(t, s)
	got, err := s.Get(ctx, w.ID)
	if err != nil || got.Areas[0].ID != old.Areas[0].ID {
		t.Fatalf("%+v %v", got, err)
	}
	for area, want := range map[int]bool{10: true, 11: true, 20: false} {
		if shown := strings.Contains(get(t, s, fmt.Sprintf("/warnings?lang=en&area=%d", area)), "old harbour"); shown != want {
			t.Errorf("area %d: shown %v", area, shown)
		}
	}
	s.access = scopeFunc(func(r access.Resource) error {
		if r.Area == 10 {
			return web.Errorf(403, "access.denied", "not your district")
		}
		return nil
	})
	if _, err := s.Cancel(ctx, w.ID, "x"); code(err) != "access.denied" {
		t.Errorf("cancelled in another district: %v", err)
	}
}

// strip writes contents as they were before places had touches. It goes around the room, which never changes what was issued.
func strip(t *testing.T, s *Service) {
	t.Helper()
	err := s.db.Write(context.Background(), func(tx *db.Tx) error {
		var text string
		if err := tx.QueryRow("select content from warning_versions where warning = 1").Scan(&text); err != nil {
			return err
		}
		old := regexp.MustCompile(`,"(touches|asks)":\[[^]]*\]`).ReplaceAllString(text, "")
		if old == text || strings.Contains(old, "touches") {
			t.Fatalf("nothing stripped of %s", text)
		}
		_, err := tx.Exec("update warning_versions set content = $1 where warning = 1", old)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
