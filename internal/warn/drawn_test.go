package warn

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/warntest"
)

func withQuay(t testing.TB) *desk {
	t.Helper()
	s, _ := newService(t, dbtest.SQLite(t, allMigrations...))
	s.areas = quay()
	return s
}

// quay is the town with its gauges.
func quay() *area.Service {
	return area.New(area.Deps{Access: access.AllowAll, Register: warntest.Town{}, Ground: warntest.NewQuay()})
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
		where area.Where
		code  string
	}{
		"in the town":           {area.Where{Drawn: []area.Drawn{{Ring: warntest.Box(122.01, 30.06, .01)}}}, ""},
		"over the line":         {area.Where{Drawn: []area.Drawn{{Ring: warntest.Box(122.01, 30.045, .01)}}}, "access.denied"},
		"a finger over it":      {area.Where{Drawn: []area.Drawn{{Ring: area.Outline{{122.01, 30.06}, {122.011, 30.02}, {122.012, 30.06}}}}}, "access.denied"},
		"the whole district":    {area.Where{Drawn: []area.Drawn{{Ring: warntest.Box(121.95, 29.95, .2)}}}, "access.denied"},
		"a band into the next":  {area.Where{Around: []area.Around{{Asset: 7, Metres: 5000}}}, "access.denied"},
		"hidden behind its own": {area.Where{Areas: []int64{11}, Drawn: []area.Drawn{{Ring: warntest.Box(122.01, 30.02, .01)}}}, "access.denied"},
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
	p.Areas, p.Around = nil, []area.Around{{Asset: 7, Metres: 500}}
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
	if got := a.Infos[1].Areas; len(got) != 3 || got[2].Description != "东门水位站周边500米（港区）" || len(got[2].Polygons) != 1 || len(got[2].Geocodes) != 0 {
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
func strip(t *testing.T, s *desk) {
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
