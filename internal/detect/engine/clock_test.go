package engine

import (
	"testing"

	"pgregory.net/rapid"
)

// How often the clock is looked at says nothing to what joins others: a log that is read in one go gives what it would have
// given minute by minute.
func TestJoinsSeldomLookedAt(t *testing.T) {
	ds := compiled(t, manyDetectors)
	rapid.Check(t, func(t *rapid.T) {
		ids := []int64{1, 2, 65, 101, 102, 201}
		var as []arrival
		at := t0
		for range rapid.IntRange(1, 200).Draw(t, "n") {
			at += rapid.SampledFrom([]int64{0, second, 30 * second, 30 * second, minute, 4 * minute, 20 * minute}).Draw(t, "step")
			a := arrival{when: at}
			if rapid.IntRange(0, 9).Draw(t, "kind") == 0 {
				a.Report = Report{ID: int64(len(as)), At: at, Category: "gas/gas-smell", Point: harbour(1).Point}
			} else {
				a.Reading = number(rapid.SampledFrom(ids).Draw(t, "id"), at, rapid.SampledFrom([]float64{0, 2, 4, 6, 12, 25}).Draw(t, "v"))
			}
			as = append(as, a)
		}
		end := at + hour
		finish := func(look bool) string {
			e, book := New(ds), &Book{}
			for _, id := range ids {
				book.Add(e.Bind(harbour(id), nil)...)
			}
			for _, a := range as {
				if look {
					book.Add(e.Tick(a.when, end, nil)...)
				}
				if a.Category != "" {
					book.Add(e.Report(a.Report, nil)...)
				} else {
					book.Add(run(e, []Reading{a.Reading})...)
				}
			}
			book.Add(e.Tick(end, end, nil)...)
			return told(book)
		}
		want := finish(true)
		if got := finish(false); got != want {
			t.Fatalf("minute by minute:\n%s\nin one go:\n%s", want, got)
		}
	})
}
