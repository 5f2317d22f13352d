package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// buildBuildings fills each block as its use demands. A block's buildings come from the block's own generator.
func (b *builder) buildBuildings() {
	l := b.land
	b.buildingsOf = make([][]int, len(l.blocks))
	for k := range l.blocks {
		bl := &l.blocks[k]
		c := bl.corners[0]
		s := site{builder: b, block: k, r: generator(b.Seed, "block", c.i, c.j, c.pier)}
		s.wide = (bl.shape[0].distance(bl.shape[1]) + bl.shape[3].distance(bl.shape[2])) / 2
		s.deep = (bl.shape[1].distance(bl.shape[2]) + bl.shape[0].distance(bl.shape[3])) / 2
		s.fill(bl.use)
	}
}

// site is a block being built on. Its plan is in metres: x along the coast, y inland, from the block's first corner.
type site struct {
	*builder
	block      int
	r          *rand.Rand
	wide, deep float64
	n          int
}

func (s *site) fill(u use) {
	switch u {
	case useOldTown:
		s.grid(4, 4, 15, 0.9, 0.88, "shop")
	case useResidential:
		rows := min(5, int((s.deep-34)/34))
		s.grid(2, rows, 18, 0.42, 0.94, "residential-building")
	case useCommercial:
		s.grid(2, 3, 19, 0.7, 0.85, "shop")
	case useTowers:
		s.grid(2, 2, 24, 0.58, 0.9, "office")
		s.grid(1, 1, 60, 0.5, 0.4, "office")
	case useIndustry:
		s.grid(1, 3, 22, 0.72, 0.85, "factory")
	case usePort:
		s.grid(2, max(2, int(s.deep/80)), 28, 0.62, 0.8, "warehouse")
	case useGasPlant:
		s.tanks()
	case useWaterPlant:
		s.grid(3, 3, 20, 0.7, 1, "basin")
	case useCampus:
		s.grid(2, 2, 26, 0.55, 0.8, "school")
	case useVillage:
		s.grid(3, 4, 20, 0.42, 0.36, "village-house")
	case useFarmland:
		s.grid(3, 3, 24, 0.25, 0.035, "village-house")
	case usePark:
		s.grid(3, 3, 40, 0.3, 0.05, "pavilion")
	}
}

// grid sets up to nx by ny buildings inside a margin, each filling the share of its lot and standing with the chance.
func (s *site) grid(nx, ny int, margin, share, chance float64, kind string) {
	if s.wide < 2*margin+20 || s.deep < 2*margin+20 {
		return
	}
	if s.land.blocks[s.block].corners[0].i == 0 && kind != "warehouse" {
		margin += 8 // keep off the shore
	}
	lotX, lotY := (s.wide-2*margin)/float64(nx), (s.deep-2*margin)/float64(ny)
	for i := range nx {
		for j := range ny {
			if kind == "shop" && nx == 4 && i%3 != 0 && j%3 != 0 {
				s.skip(5) // the old town's courtyards
				continue
			}
			if s.r.Float64() >= chance {
				s.skip(4)
				continue
			}
			fx := math.Min(0.96, share*(0.85+0.3*s.r.Float64()))
			fy := math.Min(0.96, share*(0.85+0.3*s.r.Float64()))
			w, d := lotX*fx, lotY*fy
			switch kind {
			case "residential-building": // slabs that face south
				w, d = lotX*(0.78+0.16*s.r.Float64()), math.Min(15, lotY*0.5)
				s.r.Float64()
			case "office":
				w, d = math.Min(w, 46), math.Min(d, 46)
			case "village-house":
				w, d = math.Min(w, 17), math.Min(d, 13)
			case "shop":
				w, d = math.Min(w, 42), math.Min(d, 42)
			case "factory":
				w, d = math.Min(w, 150), math.Min(d, 75)
			}
			x := margin + lotX*float64(i) + (lotX-w)*s.r.Float64()
			y := margin + lotY*float64(j) + (lotY-d)*(0.3+0.4*s.r.Float64())
			s.put(kind, []XY{{x, y}, {x + w, y}, {x + w, y + d}, {x, y + d}})
		}
	}
}

// skip burns draws so that one missing building does not move its neighbours.
func (s *site) skip(n int) {
	for range n {
		s.r.Float64()
	}
}

func (s *site) tanks() {
	y := s.deep * 0.3
	for _, f := range []float64{0.3, 0.72} {
		radius := math.Min(38, s.wide*0.22)
		var ring []XY
		for k := range 20 {
			sin, cos := math.Sincos(float64(k) / 20 * 2 * math.Pi)
			ring = append(ring, XY{s.wide/2 + cos*radius, s.deep*f + sin*radius})
		}
		s.put("tank", ring)
	}
	s.put("office", []XY{{16, y + 60}, {34, y + 60}, {34, y + 95}, {16, y + 95}})
}

// put adds a building from its plan, unless a canal, the railway or a lake runs through it.
func (s *site) put(kind string, plan []XY) {
	l := s.land
	bl := &l.blocks[s.block]
	ring := make([]XY, len(plan))
	for k, p := range plan {
		ring[k] = bl.local(p.X/s.wide, p.Y/s.deep)
	}
	at := centroid(ring)
	reach := at.distance(ring[0])
	if toLine(at, l.canal) < reach+16 || toLine(at, l.rail) < reach+14 {
		return
	}
	s.n++
	c := bl.corners[0]
	id := fmt.Sprintf("bld-%02d-%02d-%02d", c.i+1, c.j+linesSouth, s.n)
	if c.pier > 0 {
		id = fmt.Sprintf("bld-p%d-%d-%02d-%02d", c.pier, c.i+1, c.j+linesSouth, s.n)
	}
	s.buildingsOf[s.block] = append(s.buildingsOf[s.block], len(s.Places))
	s.addPlace(Place{
		ID: id, Kind: kind, Area: s.cellIDs[bl.cell], Name: s.address(s.block, at),
		Geometry: polygonGeometry(ring), at: at,
	})
}

// address is the street of the nearest side that has one, and a number that grows along it.
func (b *builder) address(k int, at XY) Name {
	bl := &b.land.blocks[k]
	best, side := math.Inf(1), -1
	for n := range 4 {
		a, c := bl.corners[n], bl.corners[(n+1)%4]
		e, _ := edge(a, c)
		if _, ok := b.streets.class[e]; !ok {
			continue
		}
		if d := toSegment(at, bl.shape[n], bl.shape[(n+1)%4]); d < best {
			best, side = d, n
		}
	}
	if side < 0 {
		t := stem(towns[b.land.cells[bl.cell].town].name)
		c := bl.corners[0]
		return Name{fmt.Sprintf("%s %d", t.En, abs(c.i*50+c.j)), fmt.Sprintf("%s%d号", t.Zh, abs(c.i*50+c.j))}
	}
	from, to := bl.corners[side], bl.corners[(side+1)%4]
	e, _ := edge(from, to)
	p, q := b.land.corner(e[0]), b.land.corner(e[1])
	f := ((at.X-p.X)*(q.X-p.X) + (at.Y-p.Y)*(q.Y-p.Y)) / square(p.distance(q))
	step := e[0].i
	if e[0].i == e[1].i {
		step = e[0].j + linesSouth
	}
	odd := 0
	if side == 0 || side == 3 {
		odd = 1
	}
	number := 2*(12*max(step, 0)+int(12*math.Max(0, math.Min(0.99, f)))) + odd + 1
	street := b.streetOf(from, to)
	return Name{fmt.Sprintf("%d %s", number, street.En), fmt.Sprintf("%s%d号", street.Zh, number)}
}

// kerb is a place on the verge of a block's side, depth metres from the street's middle; f runs along the side.
func (bl *block) kerb(side int, f, depth float64) XY {
	a, c := bl.shape[side], bl.shape[(side+1)%4]
	return between(a, c, f).add(leftOf(a, c).times(depth))
}
