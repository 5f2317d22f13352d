package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// streetPlan knows which edges of the lattice are streets and what they are called.
type streetPlan struct {
	class map[[2]corner]string
}

// buildStreets decides edge by edge and then joins equal neighbours into roads.
func (b *builder) buildStreets() {
	l := b.land
	b.streets.class = map[[2]corner]string{}
	uses := map[[2]corner][]use{}
	for _, bl := range l.blocks {
		for k, c := range bl.corners {
			e, _ := edge(c, bl.corners[(k+1)%4])
			uses[e] = append(uses[e], bl.use)
		}
	}
	for e, us := range uses {
		if class := b.classOf(e, us); class != "" {
			b.streets.class[e] = class
		}
	}
	for i := range linesInland + 1 {
		var line []corner
		for j := -linesSouth; j <= linesNorth; j++ {
			line = append(line, corner{i, j, 0})
		}
		b.addRoads(fmt.Sprintf("road-i%02d", i), line)
	}
	for j := -linesSouth; j <= linesNorth; j++ {
		var line []corner
		for k, p := range l.piers {
			if j > p.from && j < p.to {
				line = append(line, corner{-1, j, k + 1})
			}
		}
		for i := range linesInland + 1 {
			line = append(line, corner{i, j, 0})
		}
		b.addRoads(fmt.Sprintf("road-j%02d", j+linesSouth), line)
	}
	for i := 1; i < islandI; i++ {
		var line []corner
		for j := range islandJ + 1 {
			line = append(line, corner{i, j, islandPier})
		}
		b.addRoads(fmt.Sprintf("road-q%d", i), line)
	}
	for j := 1; j < islandJ; j++ {
		var line []corner
		for i := range islandI + 1 {
			line = append(line, corner{i, j, islandPier})
		}
		b.addRoads(fmt.Sprintf("road-r%d", j), line)
	}
	b.addLanes()
	b.addCrossings()
}

// bridgeAt tells which lines cross the river.
func bridgeAt(i int) bool { return i == 3 || i == 21 || i > 0 && i%6 == 0 }

// classOf gives the edge's class or "". Wild ground has few streets, and some small streets were never built: that is what
// makes large blocks between small ones.
func (b *builder) classOf(e [2]corner, us []use) string {
	a, c := e[0], e[1]
	all := func(kinds ...use) bool {
		return !slices.ContainsFunc(us, func(u use) bool { return !slices.Contains(kinds, u) })
	}
	if a.pier == islandPier {
		switch {
		case len(us) < 2 || all(useForest) && a.i != 3:
			return ""
		case a.i == c.i && a.i == 3:
			return "secondary"
		}
		return "street"
	}
	if a.pier > 0 || c.pier > 0 {
		if a.pier == c.pier || len(us) < 2 {
			return "" // the quay's edge itself
		}
		return "street"
	}
	along := a.i == c.i // along the coast
	if along && (a.j == 0 || c.j == 0) {
		if bridgeAt(a.i) {
			return lineClass(a.i)
		}
		return ""
	}
	if !along && a.j == 0 {
		return ""
	}
	class := lineClass(a.i)
	ring := along && a.i == 21 && min(a.j, c.j) >= -15 && max(a.j, c.j) <= 15
	if !along {
		class = lineClass(abs(a.j))
		ring = abs(a.j) == 15 && max(a.i, c.i) <= 21
		if abs(a.j) == 1 {
			class = "secondary" // the embankment
		}
	}
	if ring {
		return "expressway"
	}
	missing := 0.10
	switch {
	case all(useLake, usePark):
		return ""
	case all(useForest, useLake):
		missing = 0.93
	case all(useForest, useFarmland, useLake):
		missing = 0.80
	case all(useFarmland, useVillage, useForest, useBeach):
		missing = 0.55
	case all(useOldTown, usePark):
		missing = 0
	case all(useIndustry, usePort):
		missing = 0.35
	case all(useCampus):
		missing = 1
	}
	switch class {
	case "primary":
		missing = 0
	case "secondary":
		missing *= 0.45
	}
	if generator(b.Seed, "street", a.i, a.j, c.i, c.j).Float64() < missing {
		return ""
	}
	return class
}

func lineClass(k int) string {
	switch {
	case k > 0 && k%6 == 0:
		return "primary"
	case k%3 == 0:
		return "secondary"
	}
	return "street"
}

// addRoads joins the edges of a lattice line into runs of one class, breaking at bridges.
func (b *builder) addRoads(id string, line []corner) {
	l := b.land
	var run []XY
	var class string
	bridge := false
	n := 0
	var name Name
	flush := func() {
		if len(run) > 1 {
			n++
			title := name
			if bridge {
				title = Name{stemOfStreet(name).En + " Bridge", stemOfStreet(name).Zh + "大桥"}
			}
			b.Roads = append(b.Roads, Road{fmt.Sprintf("%s-%d", id, n), class, title, bridge, lineGeometry(run)})
		}
		run = nil
	}
	for k := 1; k < len(line); k++ {
		from, to := line[k-1], line[k]
		e, _ := edge(from, to)
		c, ok := b.streets.class[e]
		over := from.pier == 0 && from.i == to.i && (from.j == 0 || to.j == 0)
		if !ok {
			flush()
			continue
		}
		if len(run) == 0 || c != class || over != bridge {
			flush()
			run = []XY{l.corner(from)}
			class, bridge, name = c, over, b.streetOf(from, to)
		}
		if way := l.edgeLine(from, to); len(way) > 2 && from.i == 0 {
			// A street on the natural shore stays behind the beach.
			way = way[:1]
			run = append(run, way[1:]...)
		}
		run = append(run, l.corner(to))
	}
	flush()
}

// streetOf names the street along an edge: one name for one lattice line, so a street keeps its name across the city.
func (b *builder) streetOf(from, to corner) Name {
	e, _ := edge(from, to)
	along := from.i == to.i
	if along && to.i < 0 { // a quay has no street: it goes by its pier
		return b.land.piers[to.pier-1].name
	}
	line, rank := 40+to.j+linesSouth, [2]string{"街", "Street"}
	switch {
	case to.pier == islandPier && along:
		line, rank = 100+to.i, [2]string{"路", "Road"}
	case to.pier == islandPier:
		line = 110 + to.j
	case along:
		line, rank = to.i, [2]string{"路", "Road"}
	}
	switch b.streets.class[e] {
	case "expressway":
		return Name{"Ring Expressway", "环城快速路"}
	}
	if to.pier != islandPier && (along && lineClass(to.i) == "primary" || !along && lineClass(abs(to.j)) == "primary") {
		rank = [2]string{"大道", "Avenue"}
	}
	return streetName(line, rank[0], rank[1])
}

// stemOfStreet drops the rank: 观海大道 -> 观海.
func stemOfStreet(n Name) Name {
	en := n.En
	for k := len(en) - 1; k > 0; k-- {
		if en[k] == ' ' {
			en = en[:k]
			break
		}
	}
	zh := []rune(n.Zh)
	cut := 1
	if len(zh) > 2 && string(zh[len(zh)-2:]) == "大道" {
		cut = 2
	}
	return Name{en, string(zh[:len(zh)-cut])}
}

// addLanes cuts the old town's blocks by alleys that nobody planned.
func (b *builder) addLanes() {
	for _, bl := range b.land.blocks {
		if bl.use != useOldTown {
			continue
		}
		c := bl.corners[0]
		r := generator(b.Seed, "lane", c.i, c.j)
		f, g := 0.35+0.3*r.Float64(), 0.35+0.3*r.Float64()
		lane := []XY{bl.local(f, 0), bl.local(f+0.06*r.Float64(), 0.5), bl.local(g, 1)}
		name := Name{b.streetOf(bl.corners[0], bl.corners[1]).En + " Lane", b.streetOf(bl.corners[0], bl.corners[1]).Zh + "支弄"}
		b.Roads = append(b.Roads, Road{fmt.Sprintf("lane-%02d-%02d", c.i, c.j+linesSouth), "lane", name, false, lineGeometry(lane)})
	}
}

// local is the place at fractions u (along the coast) and v (inland) of the block.
func (bl *block) local(u, v float64) XY {
	s := bl.shape
	return between(between(s[0], s[1], u), between(s[3], s[2], u), v)
}

// addCrossings adds what does not follow the lattice: the bridge to the island and the railway.
func (b *builder) addCrossings() {
	l := b.land
	shore := l.corner(corner{0, -12, 0})
	var landing corner
	best := math.Inf(1)
	for i := range islandI + 1 {
		for j := range islandJ + 1 {
			rim := i == 0 || i == islandI || j == 0 || j == islandJ
			if d := l.islandCorner(i, j).distance(shore); rim && d < best && (i > 0 && i < islandI) != (j > 0 && j < islandJ) {
				best, landing = d, corner{i, j, islandPier}
			}
		}
	}
	end := l.corner(landing)
	bow := leftOf(shore, end).times(shore.distance(end) * 0.08)
	var line []XY
	for k := range 13 {
		f := float64(k) / 12
		line = append(line, between(shore, end, f).add(bow.times(math.Sin(f*math.Pi))))
	}
	b.Roads = append(b.Roads,
		Road{"road-causeway", "causeway", Name{"Qingyu Sea Bridge", "青屿跨海大桥"}, true, lineGeometry(line)},
		Road{"rail-1", "rail", Name{"Langang Railway", "澜港铁路"}, false, lineGeometry(l.rail)})
}

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
		rows := min(5, int((s.wide-34)/30))
		s.grid(rows, 2, 18, 0.42, 0.94, "residential-building")
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
				s.skip(6) // the old town's courtyards
				continue
			}
			if s.r.Float64() >= chance {
				s.skip(5)
				continue
			}
			slab := s.r.Float64()
			fx := math.Min(0.96, share*(0.85+0.3*s.r.Float64()))
			fy := math.Min(0.96, share*(0.85+0.3*s.r.Float64()))
			w, d := lotX*fx, lotY*fy
			switch kind {
			case "residential-building": // slabs that face south
				w, d = math.Min(15, lotX*0.5), lotY*(0.78+0.16*slab)
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
		if class := b.streets.class[e]; class == "" || class == "expressway" {
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
