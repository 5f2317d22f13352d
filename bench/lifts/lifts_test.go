package main

import (
	"bytes"
	"compress/gzip"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/platform/testdata"
)

// massFault is when the monitoring of 22 units went at once.
const massFault = "2022-01-13T11:01:01"

func recorded(t *testing.T, lists int) *record {
	t.Helper()
	r, err := readRecord(testdata.Shared(t, "sensors", "lifts-db-2022-01"))
	if err != nil {
		t.Fatal(err)
	}
	return r.until(lists)
}

func played(t *testing.T, r *record) []*engine.Episode {
	t.Helper()
	rules, err := shipped(true)
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := play(rules, r)
	if err != nil {
		t.Fatal(err)
	}
	return alerts
}

// The 22 units whose monitoring went at once are one monitoring fault and no outage, and for half a day no alert of each: after a
// day without monitoring a unit is a matter of its own.
func TestMassFaultIsOneFault(t *testing.T) {
	r := recorded(t, 15*24)
	at, err := moment(massFault)
	if err != nil {
		t.Fatal(err)
	}
	var lost []int
	for i, u := range r.units {
		if slices.Contains(u.steps, step{at, unknown}) {
			lost = append(lost, i)
		}
	}
	if len(lost) != 22 {
		t.Fatalf("%d units, not 22", len(lost))
	}
	halfDay := (12 * time.Hour).Microseconds()
	var many, each int
	for _, a := range played(t, r) {
		if a.RaisedAt < at || a.RaisedAt >= at+halfDay {
			continue
		}
		if a.Detector.ID == "lifts/monitoring-lost-many" {
			many++
			if more, _ := a.Steps[0].Variable("more"); a.RaisedAt != at || more != 22 {
				t.Errorf("raised at %d with %g more", a.RaisedAt, more)
			}
			continue
		}
		for _, i := range lost {
			if about(a, i) && stateAt(r.units[i], a.RaisedAt) == unknown {
				each++
				t.Errorf("%s at unit %d, %s", a.Detector.ID, r.units[i].id, stamp(a.RaisedAt))
			}
		}
	}
	if many != 1 || each != 0 {
		t.Errorf("%d faults of many, %d alerts of single units", many, each)
	}
}

func stateAt(u *unit, at int64) (s state) {
	for _, x := range u.steps {
		if x.at <= at {
			s = x.to
		}
	}
	return s
}

func stamp(at int64) string { return time.UnixMicro(at).UTC().Format(time.RFC3339) }

// A unit that changes its state 168 times gives a handful of alerts: not none, and not one for each change.
func TestFlappingUnit(t *testing.T) {
	r := recorded(t, math.MaxInt)
	i := slices.IndexFunc(r.units, func(u *unit) bool { return u.id == flapping })
	if i < 0 || r.flips(i) != 168 {
		t.Fatalf("unit %d: %d changes", i, r.flips(i))
	}
	r.units = r.units[i : i+1]
	alerts := played(t, r)
	n := 0
	for _, a := range alerts {
		if about(a, 0) {
			n++
			t.Log(a.Detector.ID, a.Level, stamp(a.RaisedAt))
		}
	}
	if n < 1 || n > 5 {
		t.Errorf("%d alerts", n)
	}
}

// The limit of monitoring-lost-many follows from the first nine days: by chance it would be passed less than once in five years, and
// one fewer would be passed more often than that.
func TestLimitFollowsFromTheFirstNineDays(t *testing.T) {
	r := recorded(t, math.MaxInt)
	end, err := moment("2022-01-10T00:00:00")
	if err != nil {
		t.Fatal(err)
	}
	lists := 0
	for lists < len(r.snapshots) && r.snapshots[lists] < end {
		lists++
	}
	training := r.until(lists)
	hours := float64(lists - 1)
	rate := float64(training.changesInto(unknown)) / hours
	rules, err := shipped(true)
	if err != nil {
		t.Fatal(err)
	}
	limit := -1
	for _, d := range rules {
		if d.ID == "lifts/monitoring-lost-many" {
			for n := range 100 { // the least number that the yellow condition takes
				if d.Levels[0].When.Holds(0, float64(n)) {
					limit = n
					break
				}
			}
		}
	}
	const fiveYears = 5 * 365.25 * 24
	if often := 1 / tail(limit, 2*rate); often < fiveYears {
		t.Errorf("%d in two hours comes once in %.0f hours at %.3f an hour", limit, often, rate)
	}
	if often := 1 / tail(limit-1, 2*rate); often >= fiveYears {
		t.Errorf("%d would do: once in %.0f hours", limit-1, often)
	}
	t.Logf("%.0f hours, %.3f an hour", hours, rate)
}

// tail is the probability that a Poisson variable of the given mean is n or more.
func tail(n int, mean float64) float64 {
	below, term := 0.0, math.Exp(-mean)
	for k := range n {
		below += term
		term *= mean / float64(k+1)
	}
	return 1 - below
}

func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("takes several seconds")
	}
	var out bytes.Buffer
	if err := run(&out, testdata.Shared(t, "sensors", "lifts-db-2022-01"), true); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	last := lines[len(lines)-1]
	if !strings.HasPrefix(last, "units=3482 alerts=") || !strings.Contains(last, " comms_faults=2 ") {
		t.Error(last)
	}
}

func TestUnitThatSaysNonsense(t *testing.T) {
	dates := `["2022-01-01T00:01:01", "2022-01-01T01:01:01"]`
	for want, log := range map[string]string{
		"unknown state":   `{"1": [{"date": "2022-01-01T00:01:01", "init": {"state": "BROKEN", "type": "ELEVATOR"}}]}`,
		"entry 2":         `{"1": [{"date": "2022-01-01T00:01:01", "init": {"state": "ACTIVE"}}, {"date": "today", "not_listed": true}]}`,
		"unknown state 7": `{"1": [{"date": "2022-01-01T00:01:01", "changes": {"replace": [{"path": "state", "value": 7}]}}]}`,
		"the number":      `{"x": []}`,
		"changelog":       `{"1": `,
	} {
		dir := t.TempDir()
		zipped(t, dir, "elevators-2022-01-dates.json.gz", dates)
		zipped(t, dir, "elevators-2022-01-changelog.json.gz", log)
		if _, err := readRecord(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func zipped(t *testing.T, dir, name, content string) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
