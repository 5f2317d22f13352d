package app

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// usualMemory is up to where the collector lets the heap grow without haste, in bytes. With what SQLite keeps outside of
	// the heap a city of ten thousand instruments then takes less than 600 MB.
	usualMemory = 400 << 20

	// unhurried is how far the heap may grow between two collections below that, in percent of what lives.
	unhurried = 200
)

// KeepMemory has the garbage collector rest while there is little to keep, and work harder before the program grows large,
// until ctx ends. It changes the whole process; who sets GOGC or GOMEMLIMIT is left alone.
//
// A limit that stood fast would be a cliff: once more lived than it allows, the program would do little but collect. So it
// follows what lives, and the more that is, the further: what a collection costs, and keeps others waiting for, grows with it.
func KeepMemory(ctx context.Context) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(unhurried)
	debug.SetMemoryLimit(usualMemory)
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		metrics.Read(live)
		lives := int64(live[0].Value.Uint64())
		debug.SetMemoryLimit(max(usualMemory, 7*lives/4, 3*lives-usualMemory))
	}
}
