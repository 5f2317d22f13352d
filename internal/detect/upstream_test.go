package detect

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// mesh is a grid of a hundred pipes by a hundred that closes in itself, whose directions nobody has entered: each pipe is fed by
// its four neighbours.
type mesh struct{ asked int }

const pipes = 10_000

func (m *mesh) Upstream(asset int64) (up []int64) {
	m.asked++
	for _, step := range []int64{1, pipes - 1, 100, pipes - 100} {
		up = append(up, 1000+(asset-1000+step)%pipes)
	}
	return up
}

// meshed is a room with a hundred instruments on a mesh.
func meshed(t testing.TB, net Network) (s *Service, datastreams []int64) {
	s = room(t, dbtest.SQLite(t, tables...), newLog(), clock.NewVirtual(db.Time(t0)), func(x *Deps) { x.Network = net })
	must(t, s.load(t.Context()))
	for id := int64(1); id <= 100; id++ {
		st := harbour(id)
		st.Asset = 1000 + 50*id
		s.engine.Bind(st, nil)
		datastreams = append(datastreams, id)
	}
	return s, datastreams
}

// However many instruments an alert is about, the network is walked once.
func TestUpstreamWalksOnce(t *testing.T) {
	net := &mesh{}
	s, ids := meshed(t, net)
	if got := s.upstream(ids); len(got) != pipes-len(ids) || !slices.IsSorted(got) {
		t.Errorf("%d assets feed all", len(got))
	}
	if net.asked > pipes {
		t.Errorf("%d looks at %d pipes", net.asked, pipes)
	}
}

func BenchmarkUpstream(b *testing.B) {
	s, ids := meshed(b, &mesh{})
	for b.Loop() {
		s.upstream(ids)
	}
}

// What feeds all is what the definition says, in any network, for more assets than one word of the walk holds.
func TestUpstreamOfAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n = 100
		net := feeds{}
		pairs := rapid.SliceOfN(rapid.Int64Range(0, n*n-1), 0, rapid.SampledFrom([]int{5, 50, 400}).Draw(t, "most")).Draw(t, "pairs")
		for _, p := range pairs {
			net[p/n] = append(net[p/n], p%n)
		}
		asked := rapid.SliceOfNDistinct(rapid.Int64Range(0, n-1), 1, 80, rapid.ID).Draw(t, "asked")
		var want []int64
		for at := range int64(n) {
			if !slices.ContainsFunc(asked, func(a int64) bool { return a == at || !reaches(net, a, at) }) {
				want = append(want, at)
			}
		}
		var got []int64
		w := walkUp(net, asked)
		for _, at := range w.feedAll(len(asked)) {
			got = append(got, w.assets[at])
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

// reaches says whether one asset lies upstream of another.
func reaches(net feeds, from, to int64) bool {
	seen := map[int64]bool{from: true}
	for next := []int64{from}; len(next) > 0; next = next[1:] {
		for _, up := range net[next[0]] {
			if up == to {
				return true
			}
			if !seen[up] {
				seen[up], next = true, append(next, up)
			}
		}
	}
	return false
}

// A long line is walked up to a bound.
func TestUpstreamBound(t *testing.T) {
	net := feeds{}
	for at := range int64(2 * maxUpstream) {
		net[at] = []int64{at + 1}
	}
	for n, want := range map[int]int{1: maxUpstream, 2: maxUpstream} {
		if got := walkUp(net, []int64{0, 1}[:n]).feedAll(n); len(got) != want {
			t.Errorf("%d asked: %d feed all, want %d", n, len(got), want)
		}
	}
}
