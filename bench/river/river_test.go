package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/testdata"

	"github.com/anlan-city/anlan/internal/methods/forecast"
)

func TestWaves(t *testing.T) {
	level := make([]float64, 400)
	for k := range level {
		level[k] = 0.5
	}
	top := func(at int, high float64) {
		for d := -20; d <= 20; d++ {
			level[at+d] = max(level[at+d], 0.5+high*(1-math.Abs(float64(d))/20))
		}
	}
	top(60, 0.1)  // too small to begin with
	top(150, 0.6) // the first
	top(165, 0.4) // less than 12 h after it
	top(300, 0.3)
	var got []int
	for _, w := range forecast.Crests(step, level, 0) {
		got = append(got, w.Peak)
	}
	if fmt.Sprint(got) != "[60 150 300]" {
		t.Errorf("peaks at %v", got)
	}
	first, end, err := forecast.FirstCrest(step, level, firstRise)
	if err != nil || first.Peak != 150 || math.Abs(first.Rise()-0.6) > 1e-9 {
		t.Errorf("first wave %+v, %v", first, err)
	}
	if end <= 158 || end > 165 {
		t.Errorf("it ends at %d, not where the water rises anew", end)
	}
	if end := forecast.RunOff(level, forecast.Crest{Peak: 300, Top: 0.8, Base: 0.5}); end != 315 {
		t.Errorf("three quarters of the last have run off at %d, want 315", end)
	}
	if _, _, err := forecast.FirstCrest(step, level[:100], firstRise); err == nil {
		t.Error("a rise of 0.1 m was taken for a wave")
	}
}

// Files in other forms are read, and what can't be is said in words.
func TestOtherFiles(t *testing.T) {
	const stations = "station,order_downstream,lat_approx,lon_approx\nUp,1,54,-2\nDown,2,54.1,-2\n"
	for levels, want := range map[string]string{
		"station,dateTime,value\nUp,2022-11-16 00:00:00+00:00,1\nDown,2022-11-16 00:15:00+00:00,2\n":                          "",
		"\ufeffvalue,dateTime, station\n1,2022-11-16T00:00:00Z,Up\nNaN,2022-11-16T00:15:00Z,Up\n2,2022-11-16T00:15:00,Down\n": "",
		"station,dateTime,value\nUp,2022-11-16 00:00:00+00:00,1\n":                                                            "no reading of Down",
		"station,dateTime,value\nUp,yesterday,1\n":                                                                            `:2: dateTime: "yesterday" is no time`,
		"station,dateTime,value\nUp,2022-11-16 00:00:00+00:00,high\n":                                                         `:2: value: "high" is no level`,
		"station,value\nUp,1\n": "no column dateTime",
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{"stations_approx.csv": stations, "river_levels.csv": levels} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		rec, err := read(dir)
		switch {
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, want %s", levels, err, want)
		case want == "" && (err != nil || len(rec.readings) != 2 || rec.readings[1].x != 2):
			t.Errorf("%q: %v, %+v", levels, err, rec)
		}
	}
}

// What the issue asks of the recorded waves: each warned six hours ahead, no peak off by more than 0.10 m.
func TestRiverWear(t *testing.T) {
	var out strings.Builder
	if err := run(&out, testdata.Shared(t, "sensors", "river-wear-2022"), true); err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`events=(\d+) found=(\d+) lead_h_min=(\S+) peak_err_max_m=(\S+) false_per_1000h=(\S+)\n$`).FindStringSubmatch(out.String())
	if m == nil {
		t.Fatalf("no last line: %s", out.String())
	}
	var events, found int
	var lead, miss, falses float64
	fmt.Sscan(strings.Join(m[1:], " "), &events, &found, &lead, &miss, &falses)
	if events < 3 || found != events || lead < 6 || miss > 0.10 || falses > 5 {
		t.Error(m[0])
	}
}

// The trend's band holds its share on real water, too; but it foresees next to none of the fronts, which is why the gauges
// above are asked.
func TestTrendOnTheWear(t *testing.T) {
	rec, err := read(testdata.Shared(t, "sensors", "river-wear-2022"))
	if err != nil {
		t.Fatal(err)
	}
	e := &exercise{rec: rec, scoreFrom: 96 * 5}
	e.first, e.levels = rec.levels()
	for gauge := range e.levels {
		e.drill = append(e.drill, 10)
		a := e.trend(gauge)
		if in := float64(a.levelsIn) / float64(a.levels); a.levels < 1000 || in < 0.72 || in > 0.92 {
			t.Errorf("%s: %.3f of %d levels in the 80 %% band", rec.names[gauge], in, a.levels)
		}
	}
}
