package skill

import (
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/platform/page"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func warned(id int64, hazard, verdict string, lead time.Duration, steps ...string) Row {
	r := Row{Warning: id, Hazard: hazard, Verdict: verdict}
	for i, s := range steps {
		r.Steps = append(r.Steps, Step{noon.Add(time.Duration(i) * time.Hour), s})
	}
	if verdict == Happened || verdict == Partly {
		r.Began = noon.Add(lead)
	}
	return r
}

// TestFiguresByHand is a table counted by hand: 3 hits (one in part), 1 false alarm, 2 missed.
func TestFiguresByHand(t *testing.T) {
	rows := []Row{
		warned(1, "flood", Happened, 2*time.Hour, "yellow"),
		warned(2, "flood", Partly, 30*time.Minute, "yellow"),
		warned(3, "flood", Happened, -10*time.Minute, "yellow"),
		warned(4, "flood", DidNot, 0, "yellow"),
		warned(5, "flood", CannotTell, 0, "yellow"),
		warned(6, "flood", "", 0, "yellow"),
		{Missed: 1, Hazard: "flood", Level: "yellow", Began: noon},
		{Missed: 2, Hazard: "flood", Level: "yellow", Began: noon},
		warned(7, "fire", Happened, time.Hour, "red"),
	}
	f := figures("flood", "yellow", rows)
	if f.Issued != 6 || f.Judged != 5 || f.Waiting != 1 || f.Hits != 3 || f.Partly != 1 || f.False != 1 || f.Unclear != 1 || f.Missed != 2 {
		t.Errorf("counts %+v", f)
	}
	if *f.POD.Value != .6 || f.POD.Of != 5 || *f.FAR.Value != .25 || f.FAR.Of != 4 || *f.CSI.Value != .5 || f.CSI.Of != 6 {
		t.Errorf("POD %v FAR %v CSI %v", *f.POD.Value, *f.FAR.Value, *f.CSI.Value)
	}
	// Leads -10, 30, 120: the median is 30, the first tenth -10 + 0.2*40.
	if f.Lead.N != 3 || f.Lead.Late != 1 || *f.Lead.Median != 30 || *f.Lead.Tenth != -2 {
		t.Errorf("lead %+v %v %v", f.Lead, *f.Lead.Median, *f.Lead.Tenth)
	}
	if empty := figures("gas-leak", "", rows); empty.POD.Value != nil || empty.FAR.Value != nil || empty.CSI.Value != nil || empty.Lead.Median != nil {
		t.Errorf("figures of nothing: %+v", empty)
	}
	if got := table(rows); len(got) != 7 || got[0].Hazard != "" || got[0].Issued != 7 || got[1].Level != "red" {
		t.Errorf("table of %d: %+v", len(got), got)
	}
}

// TestLeadIsOfTheHighestLevel: a warning raised to red at 13:00 was out in red from 13:00, whatever stood before and after.
func TestLeadIsOfTheHighestLevel(t *testing.T) {
	r := warned(1, "flood", Happened, 90*time.Minute, "yellow", "red", "orange")
	if d, ok := r.lead(); !ok || d != 30*time.Minute || r.top() != "red" {
		t.Errorf("lead %v at %s", d, r.top())
	}
}

// TestFiguresAddUp: whatever the rows are, each has one verdict, and the figures of the parts add up to those of the whole.
func TestFiguresAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rows []Row
		for i := range rapid.IntRange(0, 40).Draw(t, "rows") {
			hazard := rapid.SampledFrom([]string{"flood", "fire", "gas-leak"}).Draw(t, "hazard")
			level := rapid.SampledFrom(levels).Draw(t, "level")
			if rapid.Bool().Draw(t, "missed") {
				rows = append(rows, Row{Missed: int64(i + 1), Hazard: hazard, Level: level, Began: noon})
				continue
			}
			verdict := rapid.SampledFrom([]string{"", Happened, Partly, DidNot, CannotTell}).Draw(t, "verdict")
			rows = append(rows, warned(int64(i+1), hazard, verdict, time.Duration(rapid.IntRange(-300, 300).Draw(t, "lead"))*time.Minute, level,
				rapid.SampledFrom(levels).Draw(t, "next")))
		}
		all := table(rows)
		whole, sum := all[0], Figures{}
		for _, f := range all {
			if f.Judged+f.Waiting != f.Issued || f.Hits+f.False+f.Unclear != f.Judged || f.Partly > f.Hits || f.Lead.N != f.Hits || f.Lead.Late > f.Lead.N {
				t.Fatalf("counts don't add up: %+v", f)
			}
			for _, r := range []Ratio{f.POD, f.FAR, f.CSI} {
				if (r.Value == nil) != (r.Of == 0) || r.Value != nil && (*r.Value < 0 || *r.Value > 1) {
					t.Fatalf("ratio %+v", r)
				}
			}
			if f.Hazard != "" && f.Level != "" {
				sum.Issued, sum.Hits, sum.False, sum.Missed = sum.Issued+f.Issued, sum.Hits+f.Hits, sum.False+f.False, sum.Missed+f.Missed
			}
		}
		if sum.Issued != whole.Issued || sum.Hits != whole.Hits || sum.False != whole.False || sum.Missed != whole.Missed {
			t.Fatalf("the parts have %+v, the whole %+v", sum, whole)
		}
	})
}

func TestTextsAreComplete(t *testing.T) {
	problems, err := page.CheckTexts(os.DirFS("texts"), os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Error(p)
	}
}
