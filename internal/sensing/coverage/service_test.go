package coverage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
)

func count(t *testing.T, d *db.DB, query string, args ...any) (n int) {
	t.Helper()
	if err := d.Read(context.Background(), func(tx *db.Tx) error { return tx.QueryRow(query, args...).Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

func exec(t *testing.T, d *db.DB, query string, args ...any) {
	t.Helper()
	if err := d.Write(context.Background(), func(tx *db.Tx) error { _, err := tx.Exec(query, args...); return err }); err != nil {
		t.Fatal(err)
	}
}

// states are the assets in the order of the list.
func states(t *testing.T, s *Service) string {
	t.Helper()
	lines, next, err := s.Assets(t.Context(), Filter{}, "", 1000)
	if err != nil || next != "" {
		t.Fatal(next, err)
	}
	var out []string
	for _, l := range lines {
		out = append(out, fmt.Sprintf("%d:%s", l.ID, l.State))
	}
	return strings.Join(out, " ")
}

func reasons(t *testing.T, s *Service, asset int64, lang string) string {
	t.Helper()
	d, err := s.Asset(t.Context(), asset)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range d.Reasons {
		if text := r.Text.EN; lang == "en" {
			out = append(out, text)
		} else {
			out = append(out, r.Text.ZH)
		}
	}
	return strings.Join(out, " | ")
}

func TestWhatWatches(t *testing.T) {
	w := smallTown()
	s, c := start(t, dbtest.SQLite(t, rooms...), w)
	if _, _, err := s.Assets(t.Context(), Filter{}, "", 10); err == nil || !strings.Contains(err.Error(), "still being read") {
		t.Fatalf("before the register was read: %v", err)
	}
	methane, battery := w.watch(11, "gas/methane"), w.watch(11, "gas/battery")
	w.watch(12, "gas/methane")
	home, level := w.watch(14, "gas/methane"), w.watch(15, "water/level")
	w.hear(methane, noon)
	w.hear(battery, noon)
	w.hear(home, noon.Add(-90*time.Minute))
	w.hear(level, noon)
	load(t, s)

	if got, want := states(t, s), "16:unwatched 12:mute 14:watched 11:watched 15:watched 13:none"; got != want {
		t.Errorf("list\n got %s\nwant %s", got, want)
	}
	for asset, want := range map[int64][2]string{
		11: {"", ""},
		12: {"Battery: nothing measures it | Methane: registered, and never heard", "电池电压：未接入监测 | 甲烷浓度：已登记，从未上报"},
		13: {"Nothing is measured on this kind of asset", "此类设施设备不设监测项目"},
		14: {"Methane: late: last heard 1 h 30 min ago, expected every 40 min", "甲烷浓度：上报延迟：1小时30分钟前最近上报，应每40分钟上报"},
		15: {"No warning rule judges what is measured", "所测项目均无告警规则"},
		16: {"Level: nothing measures it", "水位：未接入监测"},
	} {
		if en, zh := reasons(t, s, asset, "en"), reasons(t, s, asset, "zh"); en != want[0] || zh != want[1] {
			t.Errorf("%d: %q %q", asset, en, zh)
		}
	}
	d, err := s.Asset(t.Context(), 14)
	if err != nil || d.Name.EN != "Home alarm" || !d.Late || !d.Judged || !d.LastHeard.Equal(noon.Add(-90*time.Minute)) {
		t.Errorf("an asset in a home is called by its kind: %+v %v", d.Line, err)
	}
	if p := d.Properties[0]; p.Datastreams[0].Every != "PT40M" || p.Datastreams[0].From != FromDetector || p.Liveness != Late {
		t.Errorf("%+v", p)
	}
	if found, _, err := s.Assets(t.Context(), Filter{Text: "asset 14"}, "", 10); err != nil || len(found) != 0 {
		t.Errorf("found an asset in a home by its hidden name: %v %v", found, err)
	}

	// The detector calls it silent after 2 h.
	c.Advance(30 * time.Minute)
	if got, want := states(t, s), "16:unwatched 12:mute 14:mute 11:watched 15:watched 13:none"; got != want {
		t.Errorf("after 2 h\n got %s\nwant %s", got, want)
	}
	if got := reasons(t, s, 14, "en"); got != "Methane: silent for 2 h, expected every 40 min" {
		t.Error(got)
	}
	w.hear(home, c.Now())
	c.Advance(viewKept)
	if got := states(t, s); !strings.Contains(got, "14:watched") {
		t.Errorf("after it spoke again: %s", got)
	}

	// A second datastream for the same property is a second chance.
	spare := w.watch(14, "gas/methane")
	load(t, s)
	c.Advance(3 * time.Hour)
	w.hear(spare, c.Now())
	if got := states(t, s); !strings.Contains(got, "14:watched") {
		t.Errorf("with a spare instrument: %s", got)
	}
}

// The service keeps up by itself: with the register, with new datastreams, and with what another process wrote.
func TestKeepsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.SQLite(t, rooms...)
		w := smallTown()
		s, c := start(t, d, w)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		settle := func(advance time.Duration) string {
			synctest.Wait()
			c.Advance(advance)
			synctest.Wait()
			return states(t, s)
		}
		if got := settle(0); !strings.HasPrefix(got, "11:unwatched 12:unwatched 14:unwatched 15:unwatched") {
			t.Error(got)
		}
		w.hear(w.watch(15, "water/level"), c.Now())
		if got := settle(probeEvery); !strings.Contains(got, "15:watched") {
			t.Errorf("a new datastream: %s", got)
		}
		w.assets = append(w.assets, Asset{ID: 17, Kind: "water/gauge"})
		s.Refresh()
		if got := settle(0); !strings.Contains(got, "17:unwatched") {
			t.Errorf("a new asset: %s", got)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestPlacesAndTotals(t *testing.T) {
	w := smallTown()
	s, _ := start(t, dbtest.SQLite(t, rooms...), w)
	w.hear(w.watch(11, "gas/methane"), noon)
	w.watch(12, "gas/methane")
	w.watch(0, "gas/methane") // of no asset
	load(t, s)
	p, err := s.Place(t.Context(), 21)
	if err != nil || p.State != Partly || p.Counts.Assets != 3 || p.Counts.None != 1 || p.Counts.Partly != 1 || p.Counts.Mute != 1 || len(p.Assets) != 3 {
		t.Errorf("%+v %v", p, err)
	}
	if p, err = s.Place(t.Context(), 99); err != nil || p.State != None || p.Assets == nil {
		t.Errorf("an empty place: %+v %v", p, err)
	}
	var e *web.Error
	if _, err = s.Place(t.Context(), 100); !errors.As(err, &e) || e.Status != 404 {
		t.Errorf("no such place: %v", err)
	}
	ps, next, err := s.Places(t.Context(), Filter{States: []State{Unwatched}}, 0, 2)
	if err != nil || len(ps) != 2 || ps[0].ID != 22 || ps[1].ID != 23 || next != 23 {
		t.Errorf("%+v %d %v", ps, next, err)
	}
	if ps, next, err = s.Places(t.Context(), Filter{States: []State{Unwatched}}, next, 2); err != nil || len(ps) != 1 || ps[0].ID != 24 || next != 0 {
		t.Errorf("%+v %d %v", ps, next, err)
	}

	got, at, err := s.Totals(t.Context(), Filter{})
	if err != nil || !at.Equal(noon) {
		t.Fatal(at, err)
	}
	if got.Total.Assets != 6 || got.Total.Unwatched != 3 || got.Total.None != 1 || got.Places.Assets != 4 || got.Places.Unwatched != 3 || got.Datastreams["never"] != 2 || got.Datastreams["alive"] != 1 {
		t.Errorf("%+v", got)
	}
	var areas []string
	for _, a := range got.Areas {
		areas = append(areas, fmt.Sprintf("%s=%d", a.Name.EN, a.Assets))
	}
	if fmt.Sprint(areas) != "[East=3 West=2 =1]" { // districts below the one city; last what lies in none
		t.Error(areas)
	}
	inner, _, err := s.Totals(t.Context(), Filter{Area: 2, Kind: "gas"})
	if err != nil || inner.Total.Assets != 3 || len(inner.Areas) != 1 || inner.Areas[0].Area != 4 || len(inner.Kinds) != 2 {
		t.Errorf("inside a district: %+v %v", inner, err)
	}
}

func TestWorks(t *testing.T) {
	dbtest.Each(t, rooms, func(t *testing.T, d *db.DB) {
		w := smallTown()
		s, c := start(t, d, w)
		w.watch(12, "gas/methane")
		w.watch(12, "gas/battery")
		load(t, s)
		draft := WorkDraft{Asset: 12, Until: noon.Add(4 * time.Hour), Reason: " Hose replaced, ask 13812345678 "}
		first, err := s.Announce(officer(5), draft, "k1")
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.Announce(officer(5), WorkDraft{Asset: 12, Until: noon.Add(9 * time.Hour), Reason: "other"}, "k1")
		if err != nil || again.ID != first.ID || again.Reason != "Hose replaced, ask ***" || !again.Until.Equal(draft.Until) {
			t.Errorf("repeat gives %+v %v, want the first again", again, err)
		}
		if got := states(t, s); !strings.Contains(got, "12:works") {
			t.Errorf("at once: %s", got)
		}
		if got := reasons(t, s, 12, "zh"); got != "甲烷浓度：已登记，从未上报 | 电池电压：已登记，从未上报 | 计划作业：Hose replaced, ask ***" {
			t.Errorf("the silence is still told: %s", got)
		}
		tt, _, err := s.Totals(t.Context(), Filter{})
		if err != nil || tt.Total.Works != 1 || tt.Total.Mute != 0 {
			t.Errorf("counted separately: %+v %v", tt.Total, err)
		}
		if on, ok := s.Works(12, noon.Add(time.Hour)); !ok || on.ID != first.ID {
			t.Errorf("%+v %v", on, ok)
		}
		for _, at := range []time.Time{noon.Add(-time.Second), noon.Add(4 * time.Hour)} {
			if on, ok := s.Works(12, at); ok {
				t.Errorf("works at %s: %+v", at, on)
			}
		}

		// A place's works are those of all that stands there.
		later := noon.Add(24 * time.Hour)
		site, err := s.Announce(officer(6), WorkDraft{Place: 21, From: &later, Until: later.Add(time.Hour), Reason: "Site closed"}, "")
		if err != nil {
			t.Fatal(err)
		}
		if on, ok := s.Works(11, later.Add(time.Minute)); !ok || on.ID != site.ID {
			t.Errorf("%+v %v", on, ok)
		}
		if _, ok := s.Works(14, later.Add(time.Minute)); ok {
			t.Error("works at another place")
		}

		// After a restart they are known.
		s2, c2 := start(t, d, w)
		load(t, s2)
		if on, ok := s2.Works(12, noon.Add(time.Hour)); !ok || on.ID != first.ID {
			t.Errorf("after a restart: %+v %v", on, ok)
		}

		// They end by themselves, and early.
		c2.Advance(4 * time.Hour)
		if got := states(t, s2); !strings.Contains(got, "12:mute") {
			t.Errorf("after their end: %s", got)
		}
		c.Advance(time.Hour)
		ended, err := s.End(officer(6), first.ID)
		if err != nil || ended.EndedAt == nil || ended.EndedBy != "officer 6" {
			t.Fatalf("%+v %v", ended, err)
		}
		if got := states(t, s); !strings.Contains(got, "12:mute") {
			t.Errorf("after they were ended: %s", got)
		}
		if _, err := s.End(officer(6), first.ID); err != nil {
			t.Errorf("the same request again: %v", err)
		}
		var e *web.Error
		if _, err := s.End(officer(5), first.ID); !errors.As(err, &e) || e.Code != "coverage.works_over" {
			t.Errorf("another's: %v", err)
		}
		if _, err := s.End(officer(5), 999); !errors.As(err, &e) || e.Status != 404 {
			t.Errorf("unknown: %v", err)
		}
		if _, err := s.End(officer(6), site.ID); err != nil { // taken back before they began
			t.Error(err)
		}
		if _, ok := s.Works(11, later.Add(time.Minute)); ok {
			t.Error("works that were taken back are on")
		}

		for when, want := range map[string][]int64{"": {site.ID, first.ID}, "current": nil, "coming": nil, "past": {site.ID, first.ID}} {
			list, err := s.ListWorks(t.Context(), when, 0, 0, 0, 10)
			var ids []int64
			for _, x := range list {
				ids = append(ids, x.ID)
			}
			if err != nil || !slices.Equal(ids, want) {
				t.Errorf("%s works: %v %v, want %v", when, ids, err, want)
			}
		}
		if list, err := s.ListWorks(t.Context(), "", 12, 0, 0, 10); err != nil || len(list) != 1 {
			t.Errorf("of one asset: %v %v", list, err)
		}
		if n := count(t, d, "select count(*) from ledger_leaves where subject = 'works'"); n != 4 {
			t.Errorf("%d leaves, want 2 announced and 2 ended", n)
		}
		if n := count(t, d, "select count(*) from ledger_leaves where record like '%138%'"); n != 0 {
			t.Error("the ledger tells a phone number")
		}
		if n := count(t, d, "select count(*) from coverage_works"); n != 2 {
			t.Errorf("%d works kept", n)
		}
	})
}

// What detect asks: works may have begun before they were announced, yet explain nothing that happened before; and when they
// are over is known at once, after a restart too.
func TestWorksForAlerts(t *testing.T) {
	dbtest.Each(t, rooms, func(t *testing.T, d *db.DB) {
		w := smallTown()
		s, c := start(t, d, w)
		load(t, s)
		c.Advance(time.Hour)
		begun := noon.Add(30 * time.Minute)
		late, err := s.Announce(officer(5), WorkDraft{Asset: 14, From: &begun, Until: noon.Add(3 * time.Hour), Reason: "x"}, "k3")
		if err != nil {
			t.Fatal(err)
		}
		if on, ok := s.Works(14, noon.Add(59*time.Minute)); ok {
			t.Errorf("explained afterwards: %+v", on)
		}
		if on, ok := s.Works(14, noon.Add(time.Hour)); !ok || on.ID != late.ID {
			t.Errorf("%+v %v", on, ok)
		}
		ends := func(s *Service, id int64, want time.Time) {
			t.Helper()
			if end, ok := s.WorksEnd(id); !ok || !end.Equal(want) {
				t.Errorf("works %d end at %s %v, want %s", id, end, ok, want)
			}
		}
		ends(s, late.ID, noon.Add(3*time.Hour))
		if _, err := s.End(officer(5), late.ID); err != nil {
			t.Fatal(err)
		}
		ends(s, late.ID, noon.Add(time.Hour))
		s2, _ := start(t, d, w)
		ends(s2, late.ID, noon.Add(time.Hour))
		if _, ok := s.WorksEnd(4711); ok {
			t.Error("unknown works end")
		}
	})
}

func TestRefusedWorks(t *testing.T) {
	w := smallTown()
	s, _ := start(t, dbtest.SQLite(t, rooms...), w)
	good := WorkDraft{Asset: 12, Until: noon.Add(time.Hour), Reason: "x"}
	long, early := noon.Add(-25*time.Hour), noon.Add(2*time.Hour)
	for name, c := range map[string]struct {
		change func(d *WorkDraft)
		field  string
	}{
		"nowhere":            {func(d *WorkDraft) { d.Asset = 0 }, "asset"},
		"two subjects":       {func(d *WorkDraft) { d.Place = 21 }, "asset"},
		"no such asset":      {func(d *WorkDraft) { d.Asset = 999 }, "asset"},
		"no such place":      {func(d *WorkDraft) { d.Asset, d.Place = 0, 999 }, "place"},
		"no reason":          {func(d *WorkDraft) { d.Reason = " \n" }, "reason"},
		"long reason":        {func(d *WorkDraft) { d.Reason = strings.Repeat("长", maxReason+1) }, "reason"},
		"NUL":                {func(d *WorkDraft) { d.Reason = "a\x00" }, "reason"},
		"over":               {func(d *WorkDraft) { d.Until = noon }, "until"},
		"end before begin":   {func(d *WorkDraft) { d.From = &early }, "until"},
		"explained too late": {func(d *WorkDraft) { d.From = &long }, "from"},
		"for ever":           {func(d *WorkDraft) { d.Until = noon.Add(MaxWorks + time.Hour) }, "until"},
	} {
		d := good
		c.change(&d)
		_, err := s.Announce(officer(1), d, "")
		var e *web.Error
		if !errors.As(err, &e) || e.Field != c.field || e.Status != 422 {
			t.Errorf("%s: %v, want a refusal of %s", name, err, c.field)
		}
	}
}

func TestCalibration(t *testing.T) {
	dbtest.Each(t, rooms, func(t *testing.T, d *db.DB) {
		w := smallTown()
		s, c := start(t, d, w)
		level := w.watch(15, "water/level")
		w.hear(level, noon)
		load(t, s)
		due := func(asset int64) string {
			t.Helper()
			d, err := s.Asset(t.Context(), asset)
			if err != nil {
				t.Fatal(err)
			}
			return d.DueOn + " " + string(d.Due)
		}
		if got := due(15); got != " " {
			t.Errorf("unknown: %q", got)
		}
		if _, err := s.Calibrate(officer(1), CalibrationDraft{Datastream: level, Certificate: "JL-2025-0142", CalibratedOn: "2025-11-28", DueOn: "2026-11-28"}, "a"); err != nil {
			t.Fatal(err)
		}
		again, err := s.Calibrate(officer(1), CalibrationDraft{Datastream: level, Certificate: "other", DueOn: "2029-11-28"}, "a")
		if err != nil || again.Certificate != "JL-2025-0142" || again.Due != DueSoon {
			t.Errorf("the same request again: %+v %v", again, err)
		}
		if got := due(15); got != "2026-11-28 soon" {
			t.Error(got)
		}
		// In the city it is the next day from 16:00 UTC on.
		c.Advance(4 * time.Hour)
		w.hear(level, c.Now())
		if got := due(15); got != "2026-11-28 overdue" {
			t.Error(got)
		}
		if got := reasons(t, s, 15, "zh"); got != "所测项目均无告警规则 | 检定已于2026-11-28到期" {
			t.Error(got)
		}
		if got := states(t, s); !strings.HasPrefix(got, "11:unwatched 12:unwatched 14:unwatched 16:unwatched 15:watched 13:") {
			t.Errorf("overdue stands before the rest: %s", got)
		}
		tt, _, err := s.Totals(t.Context(), Filter{Due: Overdue})
		if err != nil || tt.Total.Assets != 1 || tt.Total.Overdue != 1 {
			t.Errorf("%+v %v", tt.Total, err)
		}
		// The asset's own counts as well: the nearest of both.
		if _, err := s.Calibrate(officer(1), CalibrationDraft{Asset: 15, Certificate: "c2", DueOn: "2027-06-01"}, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Calibrate(officer(1), CalibrationDraft{Datastream: level, Certificate: "c3", DueOn: "2028-01-01"}, ""); err != nil {
			t.Fatal(err)
		}
		if got := due(15); got != "2027-06-01 ok" {
			t.Error(got)
		}
		s, _ = start(t, d, w)
		load(t, s)
		if got := due(15); got != "2027-06-01 ok" {
			t.Errorf("after a restart: %s", got)
		}
		if n := count(t, d, "select count(*) from coverage_calibrations"); n != 3 {
			t.Errorf("%d kept, want all 3", n)
		}

		file := "asset,datastream,certificate,calibrated_on,due_on\nA-16,,C-16,2026-11-01,2026-12-20\n,d1,C-d1,,2026-11-01\n"
		n, err := s.ImportCalibrations(officer(1), []byte(file))
		if err != nil || n != 2 {
			t.Fatal(n, err)
		}
		if got := due(15) + ", " + due(16); got != "2026-11-01 overdue, 2026-12-20 soon" {
			t.Error(got)
		}
		list, next, err := s.Calibrations(t.Context(), "", "", 1)
		if err != nil || len(list) != 1 || list[0].Certificate != "C-d1" || next == "" {
			t.Errorf("%+v %q %v", list, next, err)
		}
		list, next, err = s.Calibrations(t.Context(), "", next, 5)
		if err != nil || len(list) != 2 || list[0].Certificate != "C-16" || next != "" {
			t.Errorf("%+v %q %v", list, next, err)
		}
		if list, _, err = s.Calibrations(t.Context(), DueSoon, "", 5); err != nil || len(list) != 1 {
			t.Errorf("%+v %v", list, err)
		}
		if n := count(t, d, "select count(*) from ledger_leaves where subject = 'calibration'"); n != 4 {
			t.Errorf("%d leaves, want 3 and one for the list", n)
		}

		_, err = s.ImportCalibrations(officer(1), []byte("设施编号,证书编号,有效期至\nA-16,C,2027-01-01\nA-99,C,2027-01-01\nA-11,C,next year\n"))
		var e *web.Error
		if !errors.As(err, &e) || e.Line != 3 || e.Column != 1 || len(e.Errors) != 2 || e.Errors[1].Line != 4 || e.Errors[1].Column != 8 {
			t.Errorf("%+v", e)
		}
		if n := count(t, d, "select count(*) from coverage_calibrations"); n != 5 {
			t.Errorf("%d kept: a refused list left something behind", n)
		}
	})
}

func TestRefusedCalibrations(t *testing.T) {
	w := smallTown()
	s, _ := start(t, dbtest.SQLite(t, rooms...), w)
	load(t, s)
	good := CalibrationDraft{Asset: 15, Certificate: "C", CalibratedOn: "2026-11-28", DueOn: "2027-11-28"}
	if _, err := s.Calibrate(officer(1), good, ""); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(d *CalibrationDraft)
		field  string
	}{
		"nothing":            {func(d *CalibrationDraft) { d.Asset = 0 }, "asset"},
		"unknown asset":      {func(d *CalibrationDraft) { d.Asset = 999 }, "asset"},
		"unknown datastream": {func(d *CalibrationDraft) { d.Asset, d.Datastream = 0, 999 }, "datastream"},
		"no certificate":     {func(d *CalibrationDraft) { d.Certificate = " " }, "certificate"},
		"a person's number":  {func(d *CalibrationDraft) { d.Certificate = "13812345678" }, "certificate"},
		"no date":            {func(d *CalibrationDraft) { d.DueOn = "" }, "due_on"},
		"30 February":        {func(d *CalibrationDraft) { d.DueOn = "2027-02-30" }, "due_on"},
		"not yet done":       {func(d *CalibrationDraft) { d.CalibratedOn = "2026-11-29" }, "calibrated_on"},
		"due before":         {func(d *CalibrationDraft) { d.DueOn = "2026-11-28" }, "due_on"},
	} {
		d := good
		c.change(&d)
		_, err := s.Calibrate(officer(1), d, "")
		var e *web.Error
		if !errors.As(err, &e) || e.Field != c.field || e.Status != 422 {
			t.Errorf("%s: %v, want a refusal of %s", name, err, c.field)
		}
	}
}

func TestHeartbeat(t *testing.T) {
	dbtest.Each(t, rooms, func(t *testing.T, d *db.DB) {
		w := smallTown()
		s, _ := start(t, d, w)
		level := w.watch(15, "water/level")
		w.hear(level, noon.Add(-time.Hour))
		every := func() string {
			t.Helper()
			d, err := s.Asset(t.Context(), 15)
			if err != nil {
				t.Fatal(err)
			}
			x := d.Properties[0].Datastreams[0]
			return fmt.Sprintf("%s %s %s %s", x.Every, x.From, x.Liveness, d.State)
		}
		load(t, s)
		if got := every(); got != "P1D default alive watched" {
			t.Error(got)
		}
		exec(t, d, "insert into sta_things (id, name, description, properties) values (1, 'T', '', '{\"heartbeat\":\"PT50M\"}')")
		exec(t, d, "insert into sta_sensors (id, name, description, encoding_type, metadata, properties) values (1, 'S', '', '', '', '')")
		exec(t, d, `insert into sta_datastreams (id, name, description, observation_type, unit, observed_area, properties, thing, sensor)
			values (1, 'D', '', '', '', '', '', 1, 1)`)
		load(t, s)
		if got := every(); got != "PT50M thing alive watched" {
			t.Error(got)
		}
		exec(t, d, "update sta_datastreams set properties = '{\"heartbeat\": \"PT30M\"}' where id = 1")
		load(t, s)
		if got := every(); got != "PT30M datastream late watched" {
			t.Error(got)
		}
		if err := s.SetHeartbeat(officer(1), level, "PT10M"); err != nil {
			t.Fatal(err)
		}
		if got := every(); got != "PT10M set mute mute" {
			t.Errorf("at once: %s", got)
		}
		if err := s.SetHeartbeat(officer(1), level, ""); err != nil {
			t.Fatal(err)
		}
		exec(t, d, "update sta_datastreams set properties = '{\"heartbeat\": \"often\"}' where id = 1")
		load(t, s)
		if got := every(); got != "P1D default alive watched" {
			t.Error(got)
		}
		if got := reasons(t, s, 15, "en"); !strings.Contains(got, `Level: the declared heartbeat "often" is no ISO 8601 duration`) {
			t.Error(got)
		}
		var e *web.Error
		if err := s.SetHeartbeat(officer(1), level, "often"); !errors.As(err, &e) || e.Field != "heartbeat" {
			t.Error(err)
		}
		if err := s.SetHeartbeat(officer(1), 999, "PT1M"); !errors.As(err, &e) || e.Status != 404 {
			t.Error(err)
		}
		if n := count(t, d, "select count(*) from ledger_leaves where subject = 'datastream'"); n != 2 {
			t.Errorf("%d leaves", n)
		}
	})
}
