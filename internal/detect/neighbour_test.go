package detect

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/sensing"
)

// chain is a register in which datastream n+1 lies upstream of n, once both are there.
type chain map[int64]bool

func (c chain) Streams(_ context.Context, ids []int64) (map[int64]engine.Stream, error) {
	out := map[int64]engine.Stream{}
	for _, id := range ids {
		if !c[id] {
			continue
		}
		s := harbour(id)
		if c[id+1] {
			s.Upstream = []int64{id + 1}
		}
		if c[id-1] {
			s.Downstream = []int64{id - 1}
		}
		out[id] = s
	}
	return out, nil
}

// Whoever was bound before its neighbour was there learns of it when the neighbour first speaks.
func TestANewNeighbourIsToldToThoseItIsLinkedWith(t *testing.T) {
	there := chain{1: true, 3: true}
	s, err := New(Deps{Register: there, Detectors: compiled(t, testDetectors)})
	if err != nil {
		t.Fatal(err)
	}
	s.engine = engine.New(s.Detectors)
	speak := func(ids ...int64) {
		t.Helper()
		var rs []sensing.Stored
		for _, id := range ids {
			rs = append(rs, sensing.Stored{Reading: sensing.Reading{Datastream: id, At: t0}})
		}
		if _, err := s.bind(t.Context(), rs); err != nil {
			t.Fatal(err)
		}
	}
	speak(1, 3)
	there[2] = true
	speak(1, 2)
	for id, want := range map[int64][2][]int64{1: {{2}, nil}, 2: {{3}, {1}}, 3: {nil, {2}}} {
		if got := s.engine.Stream(id); !slices.Equal(got.Upstream, want[0]) || !slices.Equal(got.Downstream, want[1]) {
			t.Errorf("%d has %v upstream and %v downstream, want %v", id, got.Upstream, got.Downstream, want)
		}
	}
}

func (chain) Zone(context.Context) (*time.Location, error) { return time.UTC, nil }
