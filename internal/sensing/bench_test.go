package sensing

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// Each single append waits for its own synced commit; 64 senders share commits.
func BenchmarkSingles(b *testing.B) {
	s := start(b, dbtest.SQLite(b, all...))
	running, stop := context.WithCancel(ctx)
	b.Cleanup(stop)
	go s.Run(running)
	id := datastream(b, s, "one")
	b.SetParallelism(32) // times two cores
	var clock atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Append(ctx, "bench", []Reading{rd(id, clock.Add(1), Number(1))}); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "readings/s")
}

func BenchmarkBulk(b *testing.B) {
	s := start(b, dbtest.SQLite(b, all...))
	running, stop := context.WithCancel(ctx)
	b.Cleanup(stop)
	go s.Run(running)
	rs := make([]Reading, 1000)
	for i := range rs {
		rs[i] = rd(datastream(b, s, fmt.Sprint(i)), at(i), Number(float64(i)/10))
	}
	b.SetParallelism(4)
	b.ResetTimer()
	var clock atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		rs := slices.Clone(rs)
		for pb.Next() {
			at := clock.Add(1)
			for i := range rs {
				rs[i].At = at
			}
			if _, err := s.Append(ctx, "bench", rs); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N*len(rs))/b.Elapsed().Seconds(), "readings/s")
}

// A sealed reading by its id, and a page of a hundred by time, each with its own read of the store.
func BenchmarkReads(b *testing.B) {
	s := start(b, dbtest.SQLite(b, all...))
	id := datastream(b, s, "one")
	var ids []int64
	for i := range 5 {
		rs := make([]Reading, 1000)
		for j := range rs {
			rs[j] = rd(id, int64(i*1000+j)*60e6, Number(float64(j)/10))
		}
		r, err := s.Append(ctx, "bench", rs)
		if err != nil {
			b.Fatal(err)
		}
		ids = append(ids, r.IDs...)
	}
	if err := s.Seal(ctx); err != nil {
		b.Fatal(err)
	}
	b.Run("get", func(b *testing.B) {
		for i := range b.N {
			if _, err := s.Get(ctx, ids[i%len(ids)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("newest hundred", func(b *testing.B) {
		for range b.N {
			n := 0
			err := s.Scan(ctx, Query{Datastreams: []int64{id}, Order: ByTimeDesc}, func(Stored) error {
				if n++; n == 100 {
					return ErrStop
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("all in 500 buckets", func(b *testing.B) {
		for range b.N {
			if _, err := s.Buckets(ctx, BucketQuery{Datastream: id, From: 0, To: 5000 * 60e6, Width: 600e6}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
