package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// A drill lives in its own time, goes on where it was after a restart, and shares no folder with a city.
func TestADrillHasItsOwnTime(t *testing.T) {
	from := time.Date(2022, 10, 20, 14, 0, 0, 0, time.UTC)
	of := func(data string, d DrillOptions) (*App, error) {
		a, err := New(Options{Listen: "127.0.0.1:0", Data: data, Drill: d})
		if err != nil {
			return nil, err
		}
		return a, a.setClock(context.Background())
	}
	data := t.TempDir()
	a, err := of(data, DrillOptions{From: from, Speed: 600})
	if err != nil {
		t.Fatal(err)
	}
	first := a.clock.Now()
	if first.Before(from) || first.Sub(from) > 10*time.Hour {
		t.Errorf("the drill begins at %s", first)
	}
	if a, err = of(data, DrillOptions{From: from, Speed: 600}); err != nil {
		t.Fatal(err)
	}
	if now := a.clock.Now(); now.Before(first) {
		t.Errorf("after a restart it is %s, before %s", now, first)
	}
	city := t.TempDir()
	if err := os.WriteFile(filepath.Join(city, "local.token"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		data string
		of   DrillOptions
		want string
	}{
		{data, DrillOptions{}, "holds a drill"},
		{data, DrillOptions{From: from.Add(time.Hour), Speed: 60}, "holds a drill: go on with --drill-from 2022-10-20T14:00:00Z"},
		{city, DrillOptions{From: from, Speed: 60}, "is that of a city"},
		{t.TempDir(), DrillOptions{From: from, Speed: -1}, "drill-speed -1: expected 0"},
	} {
		if _, err := of(x.data, x.of); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%+v: %v, want %q", x.of, err, x.want)
		}
	}
}

// Whoever leads a drill slows it down, stops it, and speeds it up; a restart goes on from there at the pace that it is given. A city lives
// in real time.
func TestTheLeaderSetsThePace(t *testing.T) {
	ctx := access.With(t.Context(), access.System("test"))
	start := func(o Options) *App {
		o.Listen = "127.0.0.1:0"
		a, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { a.Stop() })
		return a
	}
	data, from := t.TempDir(), time.Date(2022, 10, 20, 14, 0, 0, 0, time.UTC)
	a := start(Options{Data: data, Drill: DrillOptions{From: from, Speed: 600}})
	if err := a.setSpeed(ctx, 0, time.Time{}); err != nil {
		t.Fatal(err)
	}
	stands := a.timeView()
	if stands.Kind != "drill" || stands.Speed != 0 || stands.Now.Before(from) || !a.timeView().Now.Equal(stands.Now) {
		t.Errorf("%+v, then %+v", stands, a.timeView())
	}
	var refused *web.Error
	if err := a.setSpeed(ctx, 60, from); !errors.As(err, &refused) || refused.Code != "time.past" {
		t.Errorf("until a time that has passed: %v", err)
	}
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	a = start(Options{Data: data, Drill: DrillOptions{From: from, Speed: 1}})
	if now := a.timeView(); now.Speed != 1 || now.Now.Before(stands.Now) || now.Now.Sub(stands.Now) > time.Hour {
		t.Errorf("after a restart %+v, it stood at %s", now, stands.Now)
	}
	var noted int
	err := a.db.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`select count(*) from ledger_leaves where record like '%time.pace%'`).Scan(&noted)
	})
	if err != nil || noted != 1 {
		t.Errorf("%d entries in the ledger: %v", noted, err)
	}

	city := start(Options{Data: t.TempDir()})
	if err := city.setSpeed(ctx, 2, time.Time{}); !errors.As(err, &refused) || refused.Code != "time.life" {
		t.Errorf("a city's pace: %v", err)
	}
	if v := city.timeView(); v.Kind != "city" || v.Speed != 1 {
		t.Errorf("%+v", v)
	}
}
