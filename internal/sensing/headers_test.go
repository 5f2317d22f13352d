package sensing

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// What a header says without the columns is never wrong, and exact where the instrument keeps its rhythm.
func TestHeadersKnowPlacesOfTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 50).Draw(t, "n")
		step := rapid.Int64Range(0, 100).Draw(t, "step")
		jitter := rapid.Int64Range(0, 150).Draw(t, "jitter")
		base := rapid.Int64Range(-1000, 1000).Draw(t, "base")
		records := make([]record, n)
		for i := range records {
			records[i] = record{at: base + int64(i)*step + rapid.Int64Range(0, jitter).Draw(t, "late"), n: uint32(7 + i)}
		}
		h := newHeader(7, records)
		low := rapid.Int64Range(base-10, base+int64(n)*step+jitter+10).Draw(t, "from")
		x := span{low, low + rapid.Int64Range(0, 3000).Draw(t, "length"), math.MaxInt64}
		got, exact := h.within(x)
		if want := x.count(records); exact && got != want {
			t.Fatalf("%d within %v, want %d (%+v)", got, x, want, h)
		}
		if !exact && jitter == 0 {
			t.Fatalf("a steady rhythm is not known: %+v", h)
		}
		at, place := h.from(x.from)
		to, last := h.upTo(x.to)
		for i := range records {
			r := &records[i]
			if r.at >= x.from && (r.at < at || r.at == at && int64(r.n) < place) {
				t.Fatalf("reading %d at %d lies before %d at %d (%+v)", r.n, r.at, place, at, h)
			}
			if r.at <= x.to && (r.at > to || r.at == to && int64(r.n) > last) {
				t.Fatalf("reading %d at %d lies behind %d at %d (%+v)", r.n, r.at, last, to, h)
			}
		}
	})
}

// rhythms fills a store with datastreams of all kinds: steady, late by a little, irregular, late data first, intervals.
func rhythms(t *testing.T, s *Service) (all []Stored) {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 4))
	for k := range 12 {
		stream := datastream(t, s, fmt.Sprint("rhythm ", k))
		var rs []Reading
		for i := range 2*chunkSize + 100*k {
			r := rd(stream, at(i), Number(float64(i)))
			switch k % 6 {
			case 1:
				r.At += rng.Int64N(30e6)
			case 2:
				r.At = at(0) + rng.Int64N(1e11)
			case 3:
				r.At = at(3000 - i)
			case 4:
				r.More = &More{Until: r.At + rng.Int64N(90e6)}
			case 5:
				r.At = at(i / 7)
			}
			rs = append(rs, r)
		}
		for part := range slices.Chunk(rs, 700) {
			if _, err := s.Append(ctx, "gw", part); err != nil {
				t.Fatal(err)
			}
			if k%4 != 3 {
				if err := s.Seal(ctx); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	err := s.Scan(ctx, Query{}, func(r Stored) error { all = append(all, r); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Pages in any order, from any place, over any span and skip are those of a plain list.
func TestPagesOfManyRhythms(t *testing.T) {
	dbtest.Each(t, all, func(t *testing.T, d *db.DB) {
		s := start(t, d)
		everything := rhythms(t, s)
		s = start(t, d) // knows no headers yet
		rng := rand.New(rand.NewPCG(5, 6))
		for i := range 600 {
			q := Query{Order: Order(rng.IntN(4))}
			s.manyRuns = 4 + 100*(i%2) // runs held in parts, and as a whole
			var want []Stored
			if rng.IntN(3) > 0 {
				q.From = everything[rng.IntN(len(everything))].At - rng.Int64N(2)
				q.To = q.From + rng.Int64N(6e10)
			}
			if rng.IntN(4) == 0 {
				q.Until = everything[rng.IntN(len(everything))].At + 1
			}
			if rng.IntN(2) == 0 {
				q.Skip = rng.Int64N(int64(len(everything)) / 2)
			}
			x := q.span()
			for _, r := range everything {
				if c := pack(r.Reading); x.has(&c) {
					want = append(want, r)
				}
			}
			switch order := q.Order; order {
			case ByIDDesc:
				slices.Reverse(want)
			case ByTime, ByTimeDesc:
				slices.SortFunc(want, func(a, b Stored) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID)) })
				if order == ByTimeDesc {
					slices.Reverse(want)
				}
			}
			if n, err := s.Count(ctx, q); err != nil || n != int64(len(want)) {
				t.Fatalf("%+v: counted %d of %d, %v", q, n, len(want), err)
			}
			if rng.IntN(2) == 0 && len(want) > 0 {
				at := rng.IntN(len(want))
				q.After = &Key{want[at].At, want[at].ID}
				want = want[at+1:]
			}
			want = want[min(len(want), int(q.Skip)):]
			want = want[:min(len(want), 50)]
			var got []Stored
			err := s.Scan(context.Background(), q, func(r Stored) error {
				if got = append(got, r); len(got) == 50 {
					return ErrStop
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.EqualFunc(got, want, func(a, b Stored) bool { return a.ID == b.ID && a.At == b.At }) {
				t.Fatalf("question %d %+v after %v: %d readings unlike the %d wanted\n%.200v\n%.200v", i, q, q.After, len(got), len(want), got, want)
			}
		}
	})
}
