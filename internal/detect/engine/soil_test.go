package engine

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// saved is what a snapshot would hold, shard by shard.
func saved(t *rapid.T, e *Engine) map[shardKey][]byte {
	out := map[shardKey][]byte{}
	for key, s := range e.shards {
		state, err := s.encode(&writer{}, &writer{})
		if err != nil {
			t.Fatal(err)
		}
		out[key] = state
	}
	return out
}

// Whatever changes what is saved of a subject marks its shard.
func TestWhatChangesIsMarked(t *testing.T) {
	ds := compiled(t, manyDetectors)
	rapid.Check(t, func(t *rapid.T) {
		e := New(ds)
		before := saved(t, e)
		at := t0
		for range rapid.IntRange(1, 40).Draw(t, "n") {
			at += rapid.SampledFrom([]int64{0, 30 * second, minute, 20 * minute}).Draw(t, "step")
			id := rapid.SampledFrom([]int64{1, 2, 65, 101, 201}).Draw(t, "id")
			what := rapid.SampledFrom([]string{"reading", "reading", "reading", "clock", "report", "move", "delete"}).Draw(t, "what")
			switch what {
			case "reading":
				run(e, []Reading{number(id, at, rapid.SampledFrom([]float64{0, 6, 25}).Draw(t, "v"))})
			case "clock":
				e.Tick(at, t0, nil)
			case "report":
				e.Report(Report{ID: at, At: at, Category: "gas/gas-smell", Point: harbour(1).Point}, nil)
			case "move":
				s := harbour(id)
				s.Place++
				e.Bind(s, nil)
			case "delete":
				e.Bind(Stream{ID: id}, nil)
			}
			after := saved(t, e)
			for key, s := range e.shards {
				if !s.dirty && !bytes.Equal(before[key], after[key]) {
					t.Fatalf("%s changed %v, which is not marked", what, key)
				}
			}
			before = after
			e.Capture()
		}
	})
}
