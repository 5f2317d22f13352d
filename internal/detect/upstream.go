package detect

import "slices"

// maxUpstream bounds how many assets are looked at on the way up a network.
const maxUpstream = 10_000

// upstream are the assets that all of some datastreams hang on, near or far: what fails at one of them explains an alert about
// all of these, and what fails at one that feeds only some does not. In a ring everything is upstream of everything, and still
// nothing is of itself. However many datastreams ask, the network is walked once.
func (s *Service) upstream(datastreams []int64) (common []int64) {
	if s.Network == nil || s.engine == nil {
		return nil
	}
	var assets []int64
	for _, id := range datastreams {
		assets = append(assets, s.engine.Stream(id).Asset)
	}
	slices.Sort(assets)
	assets = slices.Compact(assets)
	w := walkUp(s.Network, assets)
	for _, n := range w.feedAll(len(assets)) {
		common = append(common, w.assets[n])
	}
	slices.Sort(common)
	return common
}

// above is the part of a network that lies above some assets. Within it an asset goes by its place in assets, so that lists
// serve where maps would take most of the time.
type above struct {
	assets []int64 // those asked about first, then by how near they are
	up     [][]int32
}

// walkUp looks at the assets nearest to those asked about first, and at no more than maxUpstream beside them.
func walkUp(network Network, asked []int64) *above {
	w := &above{assets: slices.Clone(asked)}
	place := make(map[int64]int32, len(asked))
	for n, asset := range asked {
		place[asset] = int32(n)
	}
	for n := 0; n < len(w.assets); n++ {
		var up []int32
		for _, asset := range network.Upstream(w.assets[n]) {
			at, met := place[asset]
			if !met {
				if len(w.assets) == len(asked)+maxUpstream {
					continue
				}
				at = int32(len(w.assets))
				place[asset], w.assets = at, append(w.assets, asset)
			}
			up = append(up, at)
		}
		w.up = append(w.up, up)
	}
	return w
}

// feedAll are those that each of the first n hangs on, none of these n themselves.
func (w *above) feedAll(n int) (left []int32) {
	for at := n; at < len(w.up); at++ {
		left = append(left, int32(at))
	}
	if n < 2 {
		return left
	}
	ring, order := w.rings()
	fed := make([]uint64, len(w.up)) // by ring: which of 64 of the first n hang on it, one bit each
	for first := 0; first < n && len(left) > 0; first += 64 {
		clear(fed)
		var all uint64
		for at := first; at < min(first+64, n); at++ {
			bit := uint64(1) << (at - first)
			fed[ring[at]] |= bit
			all |= bit
		}
		for _, at := range slices.Backward(order) { // downstream first, so that a ring is complete before it is handed up
			for _, up := range w.up[at] {
				fed[ring[up]] |= fed[ring[at]]
			}
		}
		left = slices.DeleteFunc(left, func(at int32) bool { return fed[ring[at]] != all })
	}
	return left
}

// rings numbers the rings of the network, in which each feeds each; what is in none is one by itself. In order a ring stands
// in one piece, behind all that feed it (Tarjan, "Depth-First Search and Linear Graph Algorithms", SIAM J. Comput. 1, 1972).
func (w *above) rings() (ring, order []int32) {
	ring = make([]int32, len(w.up))
	met := make([]int32, len(w.up)) // as the how manyth, from 1 on
	var open []int32                // met, and their ring is not known yet
	var last, count int32
	var visit func(at int32) (lowest int32) // the first met of the open ones that feed it
	visit = func(at int32) int32 {
		last++
		met[at], ring[at] = last, -1
		lowest, from := last, len(open)
		open = append(open, at)
		for _, up := range w.up[at] {
			switch {
			case met[up] == 0:
				lowest = min(lowest, visit(up))
			case ring[up] < 0:
				lowest = min(lowest, met[up])
			}
		}
		if lowest == met[at] {
			for _, x := range open[from:] {
				ring[x] = count
			}
			order, open = append(order, open[from:]...), open[:from]
			count++
		}
		return lowest
	}
	for at := range w.up {
		if met[at] == 0 {
			visit(int32(at))
		}
	}
	return ring, order
}
