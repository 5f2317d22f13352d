package sensing

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/testdata"
)

// riverLevels are the recorded levels of five gauges in the order of the file: the newest day first.
func riverLevels(t *testing.T) (stations []string, levels []Reading) {
	t.Helper()
	f, err := os.Open(testdata.Shared(t, "sensors", "river-wear-2022", "river_levels.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		at, err := time.Parse("2006-01-02 15:04:05-07:00", row[1])
		if err != nil {
			t.Fatal(err)
		}
		i := slices.Index(stations, row[0])
		if i < 0 {
			i, stations = len(stations), append(stations, row[0])
		}
		if row[2] != "" {
			levels = append(levels, Reading{Datastream: int64(i), At: at.UnixMicro(), Value: Literal(row[2])})
		}
	}
	return stations, levels
}

// A river's levels that come newest day first, sealed now and then, are stored as those that come in the order of time: the
// same histories, counts, latest readings, sums and pages, and no reading taken for a repeat.
func TestRiverLevelsInAnyOrder(t *testing.T) {
	stations, levels := riverLevels(t)
	sorted := slices.Clone(levels)
	slices.SortStableFunc(sorted, func(a, b Reading) int { return int(a.At - b.At) })
	dbtest.Each(t, all, func(t *testing.T, d *db.DB) {
		s := start(t, d)
		var ids [2][]int64
		for order, rs := range [][]Reading{levels, sorted} {
			for _, name := range stations {
				ids[order] = append(ids[order], datastream(t, s, fmt.Sprint(name, order)))
			}
			marked := 0
			for part := range slices.Chunk(rs, 1000) {
				part = slices.Clone(part)
				for i := range part {
					part[i].Datastream = ids[order][part[i].Datastream]
				}
				receipt, err := s.Append(ctx, "river", part)
				if err != nil || receipt.Accepted != len(part) {
					t.Fatal(receipt.Accepted, err)
				}
				marked += receipt.Marked
				if err := s.Seal(ctx); err != nil {
					t.Fatal(err)
				}
			}
			if marked != 0 {
				t.Errorf("%d readings were taken for repeats", marked)
			}
		}
		total := 0
		for i, name := range stations {
			a, b := history(t, s, ids[0][i], 1e6), history(t, s, ids[1][i], 1e6)
			if total += len(a); !slices.Equal(a, b) {
				t.Errorf("%s: the histories differ", name)
			}
			x, _ := s.State(ids[0][i])
			y, _ := s.State(ids[1][i])
			if x.Count != y.Count || x.MinAt != y.MinAt || x.MaxAt != y.MaxAt || x.Latest.Value != y.Latest.Value {
				t.Errorf("%s: %+v\n%+v", name, x, y)
			}
			var sums [2][]Bucket
			for order := range sums {
				var err error
				if sums[order], err = s.Buckets(ctx, BucketQuery{Datastream: ids[order][i], From: x.MinAt, To: x.MaxAt + 1, Width: 3600e6}); err != nil {
					t.Fatal(err)
				}
				for j := range sums[order] {
					sums[order][j].lastID = 0
				}
			}
			if !slices.EqualFunc(sums[0], sums[1], func(a, b Bucket) bool {
				return a.From == b.From && a.Count == b.Count && a.Min == b.Min && a.Max == b.Max && a.Last == b.Last && a.Avg-b.Avg < 1e-9 && b.Avg-a.Avg < 1e-9
			}) {
				t.Errorf("%s: the sums differ", name)
			}
		}
		if total != len(levels) {
			t.Errorf("%d readings of %d", total, len(levels))
		}
	})
}
