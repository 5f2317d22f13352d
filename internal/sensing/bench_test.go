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
