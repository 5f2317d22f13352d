package respond

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// BenchmarkMoves makes moves from 16 desks at once, each synced before its answer, ledger leaf, timer and event included.
// Each desk works on a case of its own.
func BenchmarkMoves(b *testing.B) {
	const desks = 16
	w := newWorld(b, dbtest.SQLite(b, rooms()...))
	w.Service.Clock = clock.System()
	for i := range int64(desks) {
		w.alert("alert.raised", i+1, i+1, "red")
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	took := make([][]time.Duration, desks)
	var wg sync.WaitGroup
	b.ResetTimer()
	for desk := range desks {
		wg.Go(func() {
			me := as(officer(int64(desk + 1)))
			for n := 0; left.Add(-1) >= 0; n++ {
				move := MoveRequest{Move: "accept"}
				switch {
				case n == 1:
					move = MoveRequest{Move: "arrive"}
				case n > 1 && n%2 == 0:
					move = MoveRequest{Move: "report-safe", Fields: map[string]any{"cause": "joint", "action": "x"}}
				case n > 1:
					move = MoveRequest{Move: "send-back", Fields: map[string]any{"reason": "x"}}
				}
				start := time.Now()
				if _, err := w.Move(me, int64(desk+1), move, fmt.Sprintf("%d-%d", desk, n)); err != nil {
					b.Error(err)
					return
				}
				took[desk] = append(took[desk], time.Since(start))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	all := slices.Concat(took...)
	slices.Sort(all)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "moves/s")
	b.ReportMetric(float64(all[len(all)*95/100].Microseconds())/1000, "ms-p95")
}
