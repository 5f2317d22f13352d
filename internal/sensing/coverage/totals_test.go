package coverage

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// Whatever the city, its silences and the filter: the totals are the list, counted; pages together are the list, each asset
// once, in its order; and the file for the map holds the same.
func TestTotalsEqualTheList(t *testing.T) {
	d := dbtest.SQLite(t, rooms...)
	rapid.Check(t, func(rt *rapid.T) {
		w := &town{areas: []Area{{1, 0, Text{"City", "全市"}}, {2, 1, Text{"East", "东区"}}, {3, 1, Text{"West", "西区"}}, {4, 2, Text{"Cell", "网格"}}, {5, 4, Text{"Inner", "内"}}}}
		kinds := []string{"gas/alarm", "gas/home-alarm", "gas/valve", "water/gauge", "gone/kind"}
		n := rapid.IntRange(0, 40).Draw(rt, "assets")
		for i := range n {
			w.assets = append(w.assets, Asset{ID: int64(i + 1), Kind: rapid.SampledFrom(kinds).Draw(rt, "kind"), Area: rapid.Int64Range(0, 6).Draw(rt, "area"),
				Place: rapid.Int64Range(0, 9).Draw(rt, "place"), Key: fmt.Sprintf("A-%d", i), Name: Text{fmt.Sprintf("Asset %d", i), ""}})
			for _, p := range []string{"gas/methane", "gas/battery", "water/level"} {
				if rapid.Bool().Draw(rt, "watched") {
					if id := w.watch(int64(i+1), p); rapid.Bool().Draw(rt, "heard") {
						w.hear(id, noon.Add(-time.Duration(rapid.IntRange(0, 80).Draw(rt, "hours"))*time.Hour))
					}
				}
			}
		}
		s, _ := start(t, d, w)
		load(t, s)
		for i := range n {
			if rapid.IntRange(0, 4).Draw(rt, "fact") == 0 {
				s.remember(Work{ID: int64(i + 1), Asset: int64(i + 1), From: noon.Add(-time.Hour), Until: noon.Add(time.Hour), Reason: "x"})
			}
			if rapid.IntRange(0, 2).Draw(rt, "fact") == 0 {
				day, _ := dayOf("2026-11-28")
				s.rememberCalibrations([]Calibration{{ID: int64(i + 1), Asset: int64(i + 1), dueDay: day + rapid.IntRange(-3, 60).Draw(rt, "day")}})
			}
		}
		f := Filter{
			Kind: rapid.SampledFrom([]string{"", "gas", "water/gauge", "ga"}).Draw(rt, "of kind"), Area: rapid.SampledFrom([]int64{0, 1, 2, 3, 4, 77}).Draw(rt, "in area"),
			Due: rapid.SampledFrom([]Due{"", Overdue, DueSoon}).Draw(rt, "due"), Late: rapid.Bool().Draw(rt, "late"), Unjudged: rapid.Bool().Draw(rt, "unjudged"),
			Text: rapid.SampledFrom([]string{"", "a-1"}).Draw(rt, "words"),
		}
		for _, state := range States {
			if rapid.IntRange(0, 3).Draw(rt, "state") == 0 {
				f.States = append(f.States, state)
			}
		}

		var lines []Line
		limit := rapid.IntRange(1, 12).Draw(rt, "limit")
		for after, more := "", true; more; more = after != "" {
			page, next, err := s.Assets(t.Context(), f, after, limit)
			if err != nil || len(page) > limit {
				rt.Fatal(len(page), err)
			}
			lines, after = append(lines, page...), next
		}
		var want Counts
		seen := map[int64]bool{}
		for _, l := range lines {
			if seen[l.ID] {
				rt.Fatalf("%d stands twice in the list", l.ID)
			}
			seen[l.ID] = true
			want.count(l.State)
			if l.Late {
				want.Late++
			}
			if l.State != None && l.State != Unwatched && !l.Judged {
				want.Unjudged++
			}
			switch l.Due {
			case Overdue:
				want.Overdue++
			case DueSoon:
				want.DueSoon++
			}
			if quiet := l.State == Watched && !l.Late && l.Judged && l.Due != Overdue && l.Due != DueSoon && l.Works == nil; quiet != (len(l.Reasons) == 0) {
				rt.Fatalf("%d is %s and has the reasons %v", l.ID, l.State, l.Reasons)
			}
		}
		got, _, err := s.Totals(t.Context(), f)
		if err != nil || got.Total != want {
			rt.Fatalf("%+v\n total %+v\n  list %+v %v", f, got.Total, want, err)
		}
		sums := [3]Counts{}
		for _, k := range got.Kinds {
			plus(&sums[0], k.Counts)
		}
		for _, a := range got.Areas {
			plus(&sums[1], a.Counts)
		}
		for _, c := range got.Cells {
			plus(&sums[2], c.Counts)
		}
		if sums != [3]Counts{want, want, want} {
			rt.Fatalf("parts %+v, total %+v", sums, want)
		}
		if t := got.Total; t.Assets != t.Watched+t.Partly+t.Mute+t.Unwatched+t.Works+t.None {
			rt.Fatalf("states don't add up: %+v", t)
		}

		v, err := s.look()
		if err != nil {
			rt.Fatal(err)
		}
		rank := -1
		for _, l := range lines {
			r := v.verdicts[v.homeOf[l.ID]].rank()
			if r < rank {
				rt.Fatalf("%d stands too late in the list", l.ID)
			}
			rank = r
		}
		places, _, err := s.Places(t.Context(), f, 0, 1000)
		if err != nil || len(places) != got.Places.Assets {
			rt.Fatalf("%d places, counted %d", len(places), got.Places.Assets)
		}
		if !slices.IsSortedFunc(places, func(a, b PlaceLine) int { return int(a.ID - b.ID) }) {
			rt.Fatal("places are out of order")
		}
	})
}

func plus(a *Counts, b Counts) {
	a.Assets += b.Assets
	a.Watched += b.Watched
	a.Partly += b.Partly
	a.Mute += b.Mute
	a.Unwatched += b.Unwatched
	a.Works += b.Works
	a.None += b.None
	a.Late += b.Late
	a.Unjudged += b.Unjudged
	a.Overdue += b.Overdue
	a.DueSoon += b.DueSoon
}
