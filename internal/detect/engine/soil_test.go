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
		left := 0 // of the snapshot of that moment, which is handed out while further changes come
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
			some, err := e.Captured(rapid.IntRange(0, 2).Draw(t, "hand out"))
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range some {
				if !bytes.Equal(s.State, before[shardKey{s.Scope, s.N}]) {
					t.Fatalf("%v %d is handed out as it became later", s.Scope, s.N)
				}
			}
			if left -= len(some); left == 0 {
				before = after
				left = e.Capture()
			}
		}
	})
}

// Of instruments that are gone nothing is left, in memory or on disk.
func TestWhatIsGoneIsForgotten(t *testing.T) {
	ds := compiled(t, testDetectors)
	e := New(ds)
	disk := map[shardKey]Shard{}
	save := func() {
		shards, err := e.Captured(e.Capture())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range shards {
			disk[shardKey{s.Scope, s.N}] = s
		}
	}
	ids := []int64{1, 2, 65, 101, 102}
	for _, id := range ids {
		run(e, every(30*second, id, 25, 25, 60))
	}
	save()
	for _, id := range ids {
		e.Bind(Stream{ID: id}, nil)
	}
	save()
	if len(e.subjects) != 0 || len(e.shards) != 0 || len(disk) == 0 {
		t.Errorf("%d subjects, %d shards, %d on disk", len(e.subjects), len(e.shards), len(disk))
	}
	again := New(ds)
	for _, s := range disk {
		if _, err := again.Restore(s); err != nil {
			t.Fatal(err)
		}
	}
	if len(again.subjects) != 0 || len(again.Known()) != 0 {
		t.Errorf("%d subjects and %d instruments come back", len(again.subjects), len(again.Known()))
	}
	// The same instrument is watched anew when it comes again, also before the empty state was saved.
	run(e, every(30*second, 1, 25))
	e.Bind(Stream{ID: 1}, nil)
	if got := tell(run(e, []Reading{number(1, t0+hour, 25)})) + tell(e.Bind(harbour(1), nil)); got != "" {
		t.Error(got)
	}
	if got := tell(run(e, []Reading{number(1, t0+hour+30*second, 25), number(1, t0+hour+minute, 25)})); got != "60.5 red" && got != "61 red" {
		t.Error(got)
	}
	save()
	if len(e.subjects) != 1 || len(e.shards) != 1 {
		t.Errorf("%d subjects, %d shards", len(e.subjects), len(e.shards))
	}
}
