package intake

import (
	"context"
	"sync"

	"github.com/anlan-city/anlan/internal/sensing"
)

// fake is a log in memory.
type fake struct {
	mu      sync.Mutex
	byID    map[string]sensing.Datastream
	taken   []sensing.Reading
	sources []string
	calls   int
}

func newFake(units map[string]string) *fake {
	f := &fake{byID: map[string]sensing.Datastream{}}
	for id, unit := range units {
		f.byID[id] = sensing.Datastream{ID: int64(len(f.byID) + 1), ExternalID: id, Unit: unit}
	}
	return f
}

func (f *fake) Append(_ context.Context, source string, rs []sensing.Reading) (sensing.Receipt, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	f.sources = append(f.sources, source)
	var receipt sensing.Receipt
	for i, r := range rs {
		if r.At < 0 {
			receipt.Refused = append(receipt.Refused, sensing.Refusal{Index: i, Code: "sensing.too_old", Message: "at: lies before 1970"})
			continue
		}
		f.taken = append(f.taken, r)
		receipt.Accepted++
	}
	return receipt, nil
}

func (f *fake) LookupExternal(id string) (sensing.Datastream, bool) {
	d, ok := f.byID[id]
	return d, ok
}

var _ Log = (*fake)(nil)
