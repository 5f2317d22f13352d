package sim

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestReportsOfAWeek(t *testing.T) {
	w := Build(1)
	all := slices.Collect(w.Reports(monday, monday.Add(28*24*time.Hour)))
	again := slices.Collect(Build(1).Reports(monday, monday.Add(28*24*time.Hour)))
	if !slices.Equal(all, again) {
		t.Error("the same seed gave other reports")
	}
	if !slices.IsSortedFunc(all, func(a, b Report) int { return a.At.Compare(b.At) }) {
		t.Error("reports are out of order")
	}
	ids := map[string]bool{}
	days := [7]float64{}
	hours := [24]float64{}
	category := map[string]float64{}
	english, contacts := 0.0, 0.0
	chinese := regexp.MustCompile(`\p{Han}`)
	number := regexp.MustCompile(`[0-9][0-9 ]{8,}[0-9]`)
	synthetic := regexp.MustCompile(`^(1540000[0-9]{4}|07700 900[0-9]{3})$`)
	for _, r := range all {
		if ids[r.ID] {
			t.Fatalf("%s comes twice", r.ID)
		}
		ids[r.ID] = true
		local := r.At.Add(cityZoneSeconds * time.Second)
		days[(int(local.Weekday())+6)%7]++
		hours[local.Hour()]++
		category[r.Category]++
		if strings.ContainsAny(r.Text, "{}%") || len(r.Text) < 12 {
			t.Errorf("%s reads %q", r.ID, r.Text)
		}
		if r.Language == "en" {
			english++
		}
		if han := chinese.MatchString(r.Text); han != (r.Language == "zh-CN") {
			t.Errorf("%s is said to be %s: %q", r.ID, r.Language, r.Text)
		}
		if n := number.FindString(r.Text); n != "" {
			contacts++
			if !synthetic.MatchString(n) {
				t.Errorf("%s holds the number %q", r.ID, n)
			}
		}
		if r.Incident != "" {
			t.Errorf("%s blames %s", r.ID, r.Incident)
		}
	}
	for d := range days {
		days[d] /= 4
	}
	weekday := (days[0] + days[1] + days[2] + days[3] + days[4]) / 5
	weekend := (days[5] + days[6]) / 2
	if math.Abs(weekday-ReportsPerWeekday) > 0.08*ReportsPerWeekday {
		t.Errorf("%.0f reports on a weekday, want %d", weekday, ReportsPerWeekday)
	}
	if weekend >= 0.95*weekday || weekend < 0.5*weekday {
		t.Errorf("%.0f reports on a day of the weekend, %.0f on a weekday", weekend, weekday)
	}
	if hours[3] > 0.25*hours[10] {
		t.Errorf("%.0f reports between 3 and 4, %.0f between 10 and 11", hours[3], hours[10])
	}
	n := float64(len(all))
	if s := english / n; math.Abs(s-EnglishShare) > 0.02 {
		t.Errorf("%.3f of the reports are in English", s)
	}
	if s := contacts / n; math.Abs(s-ContactShare) > 0.008 {
		t.Errorf("%.3f of the reports hold a number", s)
	}
	for _, c := range Categories() {
		if (category[c.ID] == 0) != (c.Share == 0) { // a share of 0: only an incident brings it
			t.Errorf("%g reports of %s, whose share is %g", category[c.ID], c.ID, c.Share)
		}
	}
}

func TestSharesOfCategories(t *testing.T) {
	sum := 0.0
	for _, c := range Categories() {
		sum += c.Share
		if len(c.texts[0]) < 2 || len(c.texts[1]) < 2 {
			t.Errorf("%s has too few texts", c.ID)
		}
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("the shares add up to %g", sum)
	}
}

func TestIncidentsMakePeopleReport(t *testing.T) {
	s := scenario(1)
	to := s.Start.Add(8 * time.Hour)
	all := slices.Collect(s.Reports(s.Start, to))
	quiet := slices.Collect(s.World.Reports(s.Start, to))
	if !slices.IsSortedFunc(all, func(a, b Report) int { return a.At.Compare(b.At) }) {
		t.Error("reports are out of order")
	}
	caused := map[string]int{}
	first := map[string]time.Time{}
	var background []Report
	for _, r := range all {
		if r.Incident == "" {
			background = append(background, r)
			continue
		}
		caused[r.Incident+" "+r.Category]++
		if _, ok := first[r.Incident]; !ok {
			first[r.Incident] = r.At
		}
	}
	if !slices.Equal(background, quiet) {
		t.Error("the incidents changed the everyday reports")
	}
	for key, least := range map[string]int{
		LeakID + " gas/gas-smell": 5, BurstID + " water/water-on-road": 4, BurstID + " water/low-pressure": 4, FloodID + " flood/standing-water": 5,
	} {
		if caused[key] < least {
			t.Errorf("%d reports of %s", caused[key], key)
		}
	}
	for _, i := range s.Truth().Incidents {
		// The sensors must have a chance to be first: nobody reports in the first half minute.
		if d := first[i.ID].Sub(i.Start); d < 30*time.Second {
			t.Errorf("%s is reported after %s", i.ID, d)
		}
		for _, r := range all {
			if r.Incident != i.ID || i.ID == FloodID {
				continue
			}
			x := (r.Point[0] - i.Point[0]) * metresPerDegreeLon
			y := (r.Point[1] - i.Point[1]) * metresPerDegreeLat
			if d := math.Hypot(x, y); d > 900 {
				t.Errorf("%s is reported %.0f m away", i.ID, d)
			}
		}
	}
	// A repair ends the reports.
	if err := s.Repair(LeakID, s.Start.Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	end := s.incidentByID(t, LeakID).End
	for r := range s.Reports(s.Start, to) {
		if r.Incident == LeakID && r.At.After(end) {
			t.Errorf("%s comes after the gas has gone", r.ID)
		}
	}
}

func TestAnySpanOfReportsIsTheSumOfItsParts(t *testing.T) {
	s := scenario(1)
	from, to := s.Start.Add(-90*time.Minute), s.Start.Add(3*time.Hour)
	whole := slices.Collect(s.Reports(from, to))
	var parts []Report
	for at := from; at.Before(to); at = at.Add(7 * time.Minute) {
		until := at.Add(7 * time.Minute)
		if until.After(to) {
			until = to
		}
		parts = append(parts, slices.Collect(s.Reports(at, until))...)
	}
	if len(whole) < 40 || !slices.Equal(whole, parts) {
		t.Errorf("%d reports in one go, %d in parts", len(whole), len(parts))
	}
}

func TestStreetIn(t *testing.T) {
	for _, c := range []struct{ address, want Name }{
		{Name{"128 Guanhai Road", "观海路128号"}, Name{"Guanhai Road", "观海路"}},
		{Name{"Yuhuo Noodle House, 12 Linpu Street", "临浦街12号渔火面馆"}, Name{"Linpu Street", "临浦街"}},
		{Name{"Qingyu 31", "青屿31号"}, Name{"Qingyu 31", "青屿"}},
	} {
		if got := streetIn(c.address); got != c.want {
			t.Errorf("streetIn(%v) = %v, want %v", c.address, got, c.want)
		}
	}
}
