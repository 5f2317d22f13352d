package app

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A drill lives in its own time, goes on where it was after a restart, and shares no folder with a city.
func TestADrillHasItsOwnTime(t *testing.T) {
	from := time.Date(2022, 10, 20, 14, 0, 0, 0, time.UTC)
	of := func(data string, d DrillOptions) (*App, error) {
		a, err := New(Options{Listen: "127.0.0.1:0", Data: data, Drill: d})
		if err != nil {
			return nil, err
		}
		return a, a.setDrillClock(context.Background())
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
		{data, DrillOptions{From: from, Speed: 60}, "holds a drill: go on with --drill-from 2022-10-20T14:00:00Z --drill-speed 600"},
		{city, DrillOptions{From: from, Speed: 60}, "is that of a city"},
		{t.TempDir(), DrillOptions{From: from}, "drill-speed 0"},
	} {
		if _, err := of(x.data, x.of); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%+v: %v, want %q", x.of, err, x.want)
		}
	}
}
