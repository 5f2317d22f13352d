package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/testdata"
	"github.com/anlan-city/anlan/packs"
)

// The shipped parameters are those that follow from the training hours, and no others.
func TestShippedParametersAreCalibrated(t *testing.T) {
	rows, err := readRows(testdata.Shared(t, "sensors", "methane-metec"))
	if err != nil {
		t.Fatal(err)
	}
	c := calibrate(rows)
	d, err := detector(packs.FS(), "gas", "gas/methane-ambient")
	if err != nil {
		t.Fatal(err)
	}
	yellow := d.Levels[0]
	if got, want := yellow.When.Source(), fmt.Sprintf("excess >= %g", c.raise); got != want {
		t.Errorf("yellow when %s, calibrated %s", got, want)
	}
	if got, want := d.Clear.Source(), fmt.Sprintf("excess < %g", c.clear); got != want {
		t.Errorf("clear when %s, calibrated %s", got, want)
	}
	if yellow.For != c.on || yellow.Within != c.hold || d.ClearFor != c.hold {
		t.Errorf("for %s within %s, clear for %s; calibrated %s, %s, %s", yellow.For, yellow.Within, d.ClearFor, c.on, c.hold, c.hold)
	}
	if d.Every != time.Minute {
		t.Errorf("every %s", d.Every)
	}
	// The variant with the calibrated rise and fall is the shipped detector: it finds the same, alert by alert.
	v, err := compile(c, fall)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(play(d, rows)), fmt.Sprint(play(v, rows)); got != want {
		t.Errorf("shipped %s\ncalibrated %s", got, want)
	}
}

// Nothing outside the training hours reaches a parameter.
func TestCalibrationSeesTrainingHoursOnly(t *testing.T) {
	rows, err := readRows(testdata.Shared(t, "sensors", "methane-metec"))
	if err != nil {
		t.Fatal(err)
	}
	want := calibrate(rows).String()
	from, to := moment(trainingFrom), moment(trainingTo)
	for i := range rows {
		if rows[i].at <= from || rows[i].at >= to {
			rows[i].windDir = 0
			for j := range rows[i].ppm {
				rows[i].ppm[j] = 1000
			}
		}
	}
	if got := calibrate(rows).String(); got != want {
		t.Errorf("with other readings outside the training hours:\n%s\ninstead of\n%s", got, want)
	}
}

// Issue 4 asks for 16 of the 17 releases with at most 2 false episodes in the week.
func TestMethaneAmbientOnRecordedReleases(t *testing.T) {
	dir := testdata.Shared(t, "sensors", "methane-metec")
	var out bytes.Buffer
	if err := run(&out, dir, true, false); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	last := lines[len(lines)-1]
	var events, found, falseAlerts, ttd int
	if _, err := fmt.Sscanf(last, "events=%d found=%d false=%d ttd_median_min=%d", &events, &found, &falseAlerts, &ttd); err != nil {
		t.Fatalf("%s: %v", last, err)
	}
	if events != 17 || found < 16 || falseAlerts > 2 {
		t.Error(last)
	}
	t.Log(last)
}
