package sensing

import (
	"math"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// sealed appends so many readings, one a minute from a minute on, and seals them.
func sealed(t *testing.T, s *Service, stream int64, from, count int) {
	t.Helper()
	rs := make([]Reading, count)
	for i := range rs {
		rs[i] = rd(stream, at(from+i), Number(float64(from+i)))
	}
	if _, err := s.Append(ctx, "gw", rs); err != nil {
		t.Fatal(err)
	}
	if err := s.Seal(ctx); err != nil {
		t.Fatal(err)
	}
}

func chunksOf(t *testing.T, s *Service, lane int64) (out headers) {
	t.Helper()
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		return laneHeaders(tx, lane, math.MinInt64, math.MaxInt64, func(_ int64, h header) { out = append(out, h) })
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Seals that bring little make small chunks, which do not become many, and whole ones as soon as there is enough.
func TestSmallChunksAreMadeIntoOne(t *testing.T) {
	dbtest.Each(t, all, func(t *testing.T, d *db.DB) {
		s := start(t, d)
		stream := datastream(t, s, "one")
		lane := s.streams[stream].lanes[0].id
		n := 0
		for range 3 * smallChunks {
			sealed(t, s, stream, n, 10)
			n += 10
			if got := chunksOf(t, s, lane); len(got) > smallChunks || got.count() != int64(n) {
				t.Fatalf("%d chunks with %d of %d readings", len(got), got.count(), n)
			}
		}
		sealed(t, s, stream, n, 2*chunkSize-n)
		if got := chunksOf(t, s, lane); len(got) != 2 || got[0].count != chunkSize || got[1].count != chunkSize {
			t.Fatalf("chunks %+v, want two whole ones", got)
		}
		sealed(t, s, stream, 2*chunkSize, 1)
		sealed(t, s, stream, 2*chunkSize+1, 1)
		s = start(t, d)
		all := history(t, s, stream, 3*chunkSize)
		if len(all) != 2*chunkSize+2 || all[0] != "0:0" || all[len(all)-1] != "2049:2049" {
			t.Fatalf("%d readings from %s to %s", len(all), all[0], all[len(all)-1])
		}
		balanced(t, s, 2*chunkSize+2, 0)
	})
}

// Who has read the headers of small chunks finds their readings, no others and none twice, also after a seal has made one of
// them, and after a deletion has made two of that.
func TestHeadersOfChunksThatWereMerged(t *testing.T) {
	dbtest.Each(t, all, func(t *testing.T, d *db.DB) {
		s := start(t, d)
		stream := datastream(t, s, "one")
		lane := s.streams[stream].lanes[0].id
		for i := range smallChunks {
			sealed(t, s, stream, 10*i, 10)
		}
		stale := chunksOf(t, s, lane)
		if len(stale) != smallChunks {
			t.Fatalf("%d small chunks, want %d", len(stale), smallChunks)
		}
		sealed(t, s, stream, 10*smallChunks, 10)
		if got := chunksOf(t, s, lane); len(got) != 1 {
			t.Fatalf("%d chunks, want one made of all", len(got))
		}
		check := func(gone int64) {
			t.Helper()
			for _, h := range stale {
				records, err := s.loadRange(ctx, lane, h)
				if err != nil {
					t.Fatal(err)
				}
				n := h.n0
				for _, r := range records {
					if n == gone {
						n++
					}
					if int64(r.n) != n {
						t.Fatalf("header %d: reading %d, want %d", h.n0, r.n, n)
					}
					n++
				}
				if n == gone {
					n++
				}
				if n != h.n0+h.count {
					t.Fatalf("header %d: readings up to %d, want %d", h.n0, n, h.n0+h.count)
				}
			}
		}
		check(-1)
		if err := s.Change(ctx, "gw", func(tx *Tx) error { _, err := tx.Delete(readingID(lane, 29)); return err }); err != nil {
			t.Fatal(err)
		}
		check(29)
		sealed(t, s, stream, 10*smallChunks+10, chunkSize)
		check(29)
	})
}
