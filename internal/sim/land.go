package sim

import (
	"cmp"
	"math"
	"slices"
)

// The land is one warped lattice. Lines of constant i run along the coast (i = 0) and further and further inland; lines of
// constant j run from the coast inland, j = 0 in the middle of the river, north of it j > 0. Streets are edges of the
// lattice, blocks its meshes, grid cells groups of three by three blocks, towns groups of cells, districts groups of towns:
// so all borders nest exactly and every point on land lies in one cell. Piers and the island are meshes of the same kind.

const (
	linesInland = 33 // i = 0..33
	linesNorth  = 24 // j = 1..24; j = 1 is the embankment
	linesSouth  = 21
	cellBlocks  = 3 // blocks along the side of a cell

	islandPier = 99 // corner.pier of the island's lattice

	cityReach = 9100 // metres inland to the city's western limit
)

// corner names a vertex of the lattice: line i, line j and, off the main land, the pier (1, 2, ...) or the island.
type corner struct{ i, j, pier int }

// block is a mesh of the lattice: what lies between streets.
type block struct {
	corners [4]corner // counter-clockwise as seen by a reader of the map
	shape   [4]XY
	inland  float64 // metres from the coast
	off     float64 // metres from the river's embankment, south negative
	cell    int     // index into land.cells
	use     use
}

// use is what stands on a block.
type use uint8

const (
	useResidential use = iota
	useOldTown
	useCommercial
	useTowers
	useIndustry
	usePort
	useGasPlant
	useWaterPlant
	useCampus
	usePark
	useVillage
	useFarmland
	useForest
	useLake
	useRiver // the half of the river and its bank
	useBeach
)

// pier is reclaimed ground in front of the coast between lines from and to.
type pier struct {
	from, to int
	depth    float64 // metres into the sea
	use      use
	name     Name
}

// cell is a grid cell before it has a name.
type cell struct {
	blocks []int
	town   int // index into towns
	centre XY
	inland float64
	off    float64
}

// town is a subdistrict or a town; a cell belongs to the nearest seed on its side of the river.
type town struct {
	name     Name
	district int
	inland   float64 // the seed
	off      float64
	island   bool
}

type land struct {
	seed   uint64
	sInl   []float64 // metres inland of line i
	sOff   []float64 // metres from the embankment of line |j|, from 1 on
	piers  []pier
	blocks []block
	cells  []cell
	canal  []XY
	rail   []XY
	island struct {
		centre XY
		long   float64 // half axes
		wide   float64
	}
	// coast holds the natural line between two corners of the shore, from the lesser to the greater.
	coast map[[2]corner][]XY
}

func newLand(seed uint64) *land {
	l := &land{seed: seed, coast: map[[2]corner][]XY{}}
	at := 0.0
	for i := range linesInland + 1 {
		l.sInl = append(l.sInl, at)
		at += 205 + 4.9*float64(i)
	}
	at = 0
	for k := range max(linesNorth, linesSouth) + 1 {
		if k == 0 {
			l.sOff = append(l.sOff, 0) // never used: line 0 is the river itself
			continue
		}
		l.sOff = append(l.sOff, at)
		at += 150 + 5.5*float64(k)
	}
	l.piers = []pier{
		{-9, -7, 230, usePort, Name{"Fishing Harbour", "渔港码头"}},
		{10, 12, 520, usePort, Name{"Container Pier 1", "集装箱一号码头"}},
		{13, 15, 640, usePort, Name{"Container Pier 2", "集装箱二号码头"}},
		{16, 18, 560, usePort, Name{"Bulk Cargo Pier", "散货码头"}},
		{21, 24, 430, useGasPlant, Name{"LNG Terminal", "液化天然气接收站"}},
	}
	l.island.centre = l.at(-2700, -2900)
	l.island.long, l.island.wide = 1250, 720
	l.layMainland()
	l.layPiers()
	l.layIsland()
	l.roughenCoast()
	l.layWater()
	l.assignUses()
	return l
}

// at turns (metres inland, metres from the embankment) into a place. It is smooth and one to one over the city.
func (l *land) at(inland, off float64) XY {
	side := math.Copysign(1, off) // -0 is the south embankment
	return l.across(inland, off+side*(l.riverHalf(inland)+24), math.Abs(off))
}

// riverHalf is half the river's width: a harbour mouth that narrows upstream.
func (l *land) riverHalf(inland float64) float64 {
	s := math.Max(inland, -600)
	return 36 + 78*math.Exp(-s/2800) + 95*math.Exp(-s/420)
}

// across is the place t metres from the middle of the river; far is the distance that damps the river's meanders.
func (l *land) across(inland, t, far float64) XY {
	bay := 700 - 2100*math.Exp(-square((t+350)/2300)) + // the bay the city was founded for
		1000*math.Exp(-square((t-4300)/1100)) + // North Cape
		620*math.Exp(-square((t+4100)/900)) + // Sand Spit
		150*drift(l.seed^0xc0a57, int64(t), 900) + 45*drift(l.seed^0xc0a58, int64(t), 300)
	x := bay*math.Exp(-math.Max(inland, 0)/5200) - inland
	bend := 1 - math.Exp(-math.Max(inland, 0)/900)
	meander := bend * (430*math.Sin(inland*2*math.Pi/5600+0.4) + 75*math.Sin(inland*2*math.Pi/2450+1.9))
	y := t + meander*math.Exp(-square(far/2900))
	p := XY{x + 3300, y}
	// Streets that were laid by people, not by a compass.
	p = p.add(XY{relief(l.seed^0x57, p, 1100), relief(l.seed^0x58, p, 1100)}.times(60 * bend))
	const turn = -0.30 // radians: the coast faces east-south-east
	sin, cos := math.Sincos(turn)
	return XY{p.X*cos - p.Y*sin, p.X*sin + p.Y*cos}
}

func square(v float64) float64 { return v * v }

// offLine is the signed distance of line j from the river's embankment.
func (l *land) offLine(j int) float64 {
	if j < 0 {
		return -l.sOff[-j]
	}
	return l.sOff[j]
}

func (l *land) corner(c corner) XY {
	switch {
	case c.pier == islandPier:
		return l.islandCorner(c.i, c.j)
	case c.pier > 0:
		return l.at(-l.piers[c.pier-1].depth, l.offLine(c.j))
	case c.j == 0:
		return l.across(l.sInl[c.i], 0, 0)
	}
	p := l.at(l.sInl[c.i], l.offLine(c.j))
	if c.i > 0 && abs(c.j) > 1 { // the shore and the embankments stay smooth
		r := generator(l.seed, "corner", c.i, c.j)
		p = p.add(XY{r.Float64() - 0.5, r.Float64() - 0.5}.times(26))
	}
	return p
}

func abs(v int) int { return max(v, -v) }

// The island is a square lattice pressed into an ellipse.
const (
	islandI = 6 // blocks across
	islandJ = 9 // blocks along
)

func (l *land) islandCorner(i, j int) XY {
	u, v := 2*float64(i)/islandI-1, 2*float64(j)/islandJ-1
	x, y := u*math.Sqrt(1-v*v/2), v*math.Sqrt(1-u*u/2)
	angle := math.Atan2(y, x)
	lobes := 1 + 0.16*math.Sin(2*angle+0.6) + 0.11*math.Sin(3*angle+2.2)
	p := XY{x * l.island.wide, y * l.island.long}.times(lobes)
	sin, cos := math.Sincos(-0.55)
	return l.island.centre.add(XY{p.X*cos - p.Y*sin, p.X*sin + p.Y*cos})
}

func (l *land) addBlock(b block) {
	for k, c := range b.corners {
		b.shape[k] = l.corner(c)
	}
	l.cells[b.cell].blocks = append(l.cells[b.cell].blocks, len(l.blocks))
	l.blocks = append(l.blocks, b)
}

// layMainland makes the cells of the main land and drops those beyond the city's limits.
func (l *land) layMainland() {
	for ci := 0; ci < linesInland; ci += cellBlocks {
		for cj := -linesSouth; cj < linesNorth; cj += cellBlocks {
			inland := (l.sInl[ci] + l.sInl[min(ci+cellBlocks, linesInland)]) / 2
			off := (l.offLine(orEmbankment(cj)) + l.offLine(orEmbankment(cj+cellBlocks))) / 2
			limit := 1 + 0.12*drift(l.seed^0x11317, int64(math.Atan2(off, inland)*1000), 350)
			if math.Pow(inland/cityReach, 2.6)+math.Pow(math.Abs(off)/5700, 2.6) > limit {
				continue
			}
			l.cells = append(l.cells, cell{inland: inland, off: off, town: nearestTown(inland, off)})
			for i := ci; i < ci+cellBlocks; i++ {
				for j := cj; j < cj+cellBlocks; j++ {
					l.addBlock(block{
						corners: [4]corner{{i, j, 0}, {i, j + 1, 0}, {i + 1, j + 1, 0}, {i + 1, j, 0}},
						inland:  (l.sInl[i] + l.sInl[i+1]) / 2,
						off:     (l.offLine(orEmbankment(j)) + l.offLine(orEmbankment(j+1))) / 2,
						cell:    len(l.cells) - 1,
					})
				}
			}
		}
	}
}

// orEmbankment spares callers the line in the river: nothing is measured from there.
func orEmbankment(j int) int {
	if j == 0 {
		return 1
	}
	return j
}

func (l *land) layPiers() {
	for k, p := range l.piers {
		off := (l.offLine(p.from) + l.offLine(p.to)) / 2
		l.cells = append(l.cells, cell{inland: -p.depth / 2, off: off, town: nearestTown(0, off)})
		for j := p.from; j < p.to; j++ {
			l.addBlock(block{
				corners: [4]corner{{-1, j, k + 1}, {-1, j + 1, k + 1}, {0, j + 1, 0}, {0, j, 0}},
				inland:  -p.depth / 2, off: (l.offLine(j) + l.offLine(j+1)) / 2,
				cell: len(l.cells) - 1, use: p.use,
			})
		}
	}
}

func (l *land) layIsland() {
	home := slices.IndexFunc(towns, func(t town) bool { return t.island })
	for ci := 0; ci < islandI; ci += 2 {
		for cj := 0; cj < islandJ; cj += cellBlocks {
			l.cells = append(l.cells, cell{inland: -2700, off: -2900, town: home})
			for i := ci; i < ci+2; i++ {
				for j := cj; j < cj+cellBlocks; j++ {
					l.addBlock(block{
						corners: [4]corner{{i, j, islandPier}, {i + 1, j, islandPier}, {i + 1, j + 1, islandPier}, {i, j + 1, islandPier}},
						inland:  -2700, off: -2900, cell: len(l.cells) - 1,
					})
				}
			}
		}
	}
	for k := range l.cells {
		var c XY
		for _, b := range l.cells[k].blocks {
			c = c.add(centroid(l.blocks[b].shape[:]))
		}
		l.cells[k].centre = c.times(1 / float64(len(l.cells[k].blocks)))
	}
}

// nearestTown picks the town whose seed is nearest on the same side of the river: no town spans it.
func nearestTown(inland, off float64) int {
	best, pick := math.Inf(1), 0
	for k, t := range towns {
		if t.island || (t.off > 0) != (off > 0) {
			continue
		}
		if d := math.Hypot(inland-t.inland, off-t.off); d < best {
			best, pick = d, k
		}
	}
	return pick
}

// edge is the key of a lattice edge in either direction.
func edge(a, b corner) ([2]corner, bool) {
	if a.pier != b.pier && a.pier > b.pier || a.pier == b.pier && (a.i > b.i || a.i == b.i && a.j > b.j) {
		return [2]corner{b, a}, true
	}
	return [2]corner{a, b}, false
}

// edgeCounts counts the blocks on each edge: one means border.
func (l *land) edgeCounts(blocks []int) map[[2]corner]int {
	n := make(map[[2]corner]int, 4*len(blocks))
	for _, b := range blocks {
		for _, e := range l.blockEdges(b) {
			n[e]++
		}
	}
	return n
}

// roughenCoast breaks the straight edges of the natural shore into headlands and coves, always seaward, so that nothing
// that stands on a block can end up in the sea. Quays stay straight.
func (l *land) roughenCoast() {
	all := make([]int, len(l.blocks))
	for b := range all {
		all[b] = b
	}
	counts := l.edgeCounts(all)
	for _, b := range l.blocks {
		for k, c := range b.corners {
			d := b.corners[(k+1)%4]
			e, _ := edge(c, d)
			shore := c.pier == islandPier || c.pier == 0 && c.i == 0 && d.i == 0
			if counts[e] != 1 || !shore || c.pier == 0 && l.besidePier(e) {
				continue
			}
			p, q := l.corner(e[0]), l.corner(e[1])
			seaward := leftOf(p, q)
			if p.add(seaward).distance(centroid(b.shape[:])) < p.sub(seaward).distance(centroid(b.shape[:])) {
				seaward = seaward.times(-1)
			}
			r := generator(l.seed, "shore", e[0].i, e[0].j, e[1].i, e[1].j)
			rough := 0.16
			if c.pier == islandPier {
				rough = 0.22
			}
			line := []XY{p, q}
			for range 3 {
				var finer []XY
				for m := 1; m < len(line); m++ {
					middle := between(line[m-1], line[m], 0.4+0.2*r.Float64())
					bump := line[m-1].distance(line[m]) * rough * (0.2 + r.Float64())
					finer = append(finer, line[m-1], middle.add(seaward.times(bump)))
				}
				line = append(finer, q)
			}
			l.coast[e] = line
		}
	}
}

// besidePier tells whether a shore edge touches a pier: docks are built straight, and a bump could cross a slanting quay.
func (l *land) besidePier(e [2]corner) bool {
	return slices.ContainsFunc(l.piers, func(p pier) bool {
		return e[0].j >= p.from && e[0].j <= p.to || e[1].j >= p.from && e[1].j <= p.to
	})
}

// outline traces the borders of a set of blocks as simple open rings, large before small. A ring that runs
// counter-clockwise surrounds blocks, one that runs clockwise a hole.
func (l *land) outline(blocks []int) [][]XY {
	counts := l.edgeCounts(blocks)
	next := map[corner][]corner{}
	var starts []corner // in the order of the blocks, so that the result does not depend on a map's order
	for _, b := range blocks {
		c := l.blocks[b].corners
		for k := range c {
			d := c[(k+1)%4]
			if e, _ := edge(c[k], d); counts[e] == 1 {
				next[c[k]] = append(next[c[k]], d)
				starts = append(starts, c[k])
			}
		}
	}
	var rings [][]XY
	for _, s := range starts {
		path := []corner{s}
		for at := s; len(next[at]) > 0; {
			to := next[at][0]
			next[at] = next[at][1:]
			// Where blocks touch at a corner only, the way comes by twice: what lies between is a ring of its own.
			if k := slices.Index(path, to); k >= 0 {
				rings = append(rings, l.ring(path[k:]))
				path = path[:k+1]
			} else {
				path = append(path, to)
			}
			at = to
		}
	}
	slices.SortStableFunc(rings, func(a, b []XY) int {
		return cmp.Compare(math.Abs(signedArea(b)), math.Abs(signedArea(a)))
	})
	return rings
}

// ring walks the corners and back to the first.
func (l *land) ring(corners []corner) []XY {
	var out []XY
	for k, c := range corners {
		out = append(out, l.edgeLine(c, corners[(k+1)%len(corners)])...)
	}
	return out
}

// edgeLine is the way from a towards b without b.
func (l *land) edgeLine(a, b corner) []XY {
	e, turned := edge(a, b)
	line, ok := l.coast[e]
	if !ok {
		return []XY{l.corner(a)}
	}
	line = slices.Clone(line)
	if turned {
		slices.Reverse(line)
	}
	return line[:len(line)-1]
}

// river is the open ring of the water between the banks, from the sea to beyond the western limit.
func (l *land) river() []XY {
	var north, south []XY
	for s := -150.0; s <= cityReach+2500; s += 60 {
		half := l.riverHalf(s)
		north = append(north, l.across(s, half, 0))
		south = append(south, l.across(s, -half, 0))
	}
	slices.Reverse(south)
	return append(north, south...)
}

// mainland is the open ring of all land that is drawn, beyond the city's limits too.
func (l *land) mainland() []XY {
	var ring []XY
	beyond := func(off float64) XY { return l.at(0, off) }
	for off := -13000.0; off < l.offLine(-linesSouth)-100; off += 120 {
		ring = append(ring, beyond(off))
	}
	for j := -linesSouth; j < linesNorth; j++ {
		a, b := corner{0, j, 0}, corner{0, j + 1, 0}
		quay := false
		for k, p := range l.piers {
			if j >= p.from && j < p.to {
				quay = true
				if j == p.from {
					ring = append(ring, l.corner(a))
				}
				ring = append(ring, l.corner(corner{-1, j, k + 1}), l.corner(corner{-1, j + 1, k + 1}))
			}
		}
		if !quay {
			ring = append(ring, l.edgeLine(a, b)...)
		}
	}
	for off := l.offLine(linesNorth); off < 13000; off += 120 {
		ring = append(ring, beyond(off))
	}
	return append(ring, l.at(15000, 13000), l.at(15000, -13000))
}

// layWater places the moat canal of the old town and the railway, the two lines that do not follow streets.
func (l *land) layWater() {
	for s := l.sInl[11]; s > 0; s -= 50 {
		l.canal = append(l.canal, l.at(s, l.offLine(9)+60*math.Sin(s/700)))
	}
	l.canal = append(l.canal, l.at(-40, l.offLine(9)))
	slices.Reverse(l.canal)
	for off := l.offLine(9); off > 0; off -= 50 {
		l.canal = append(l.canal, l.at(l.sInl[11]+90*math.Sin(off/520), off))
	}
	l.canal = append(l.canal, l.at(l.sInl[11], -10))
	for s := cityReach + 2000.0; s > 2500; s -= 120 {
		l.rail = append(l.rail, l.at(s, 3050-700*math.Sin((s-2500)/4200)))
	}
	for s := 2500.0; s > 250; s -= 100 { // the freight line bends down to the piers
		l.rail = append(l.rail, l.at(s, 3050-0.42*(s-2500)))
	}
}

func (l *land) assignUses() {
	for k := range l.blocks {
		b := &l.blocks[k]
		if b.use == useResidential {
			b.use = l.useOf(k, b)
		}
	}
}

// useOf decides what stands on a block by where it lies; the hash gives the exceptions that make a city look grown.
func (l *land) useOf(k int, b *block) use {
	c := b.corners[0]
	chance := generator(l.seed, "use", c.i, c.j, c.pier).Float64()
	if c.pier == islandPier {
		rim := c.i == 0 || c.j == 0 || c.i == islandI-1 || c.j == islandJ-1
		switch {
		case rim && chance < 0.5:
			return useForest
		case c.j <= 3 && !rim:
			return useVillage
		case chance < 0.35:
			return useVillage
		default:
			return useForest
		}
	}
	p := centroid(b.shape[:])
	s, t := b.inland, b.off
	wild := relief(l.seed^0xf0e57, p, 1500)
	reach := math.Hypot(s/1.25, t) + 600*relief(l.seed^0x5b4b, p, 1200) // the built-up area, ragged at its edge
	switch {
	case c.j == 0 || c.j == -1:
		return useRiver
	case c.i == 0 && l.quay(c.j): // the first row behind the piers works for them
		return usePort
	case math.Hypot(s-2350, t-2350) < 330:
		return useLake
	case math.Hypot(s-2350, t-2350) < 640, math.Hypot(s-1500, t+1550) < 210:
		return usePark
	case math.Hypot(s-6450, t-450) < 260:
		return useWaterPlant
	case math.Hypot(s-7600, t-3300) < 420:
		return useLake // the raw-water reservoir in the hills
	case s < 1500 && t > 0 && t < l.offLine(9)-40:
		if chance < 0.05 {
			return usePark
		}
		return useOldTown
	case s > 150 && s < 1350 && t < 0 && t > -1150:
		if chance < 0.06 {
			return usePark
		}
		return useTowers
	case s < 1900 && t > l.offLine(9) && c.j < linesNorth && t > 2500:
		if chance < 0.15 {
			return useResidential
		}
		return useIndustry
	case math.Hypot((s-4300)/1.5, t+2050) < 700:
		return useIndustry
	case math.Hypot(s-2500, t+2500) < 430:
		return useCampus
	case c.i == 0 && chance < 0.7 && t < -1200:
		return useBeach
	case reach < 2900:
		switch {
		case chance < 0.05:
			return usePark
		case chance < 0.26 || chance < 0.45 && (c.i%6 == 0 || c.j%6 == 0):
			return useCommercial
		}
		return useResidential
	case reach < 4300:
		switch {
		case chance < 0.06:
			return usePark
		case chance < 0.16:
			return useCommercial
		case chance < 0.55:
			return useResidential
		case chance < 0.64:
			return useIndustry
		case chance < 0.8:
			return useVillage
		}
		return useFarmland
	case s > 6200 && wild > 0.05 || wild > 0.55:
		return useForest
	case chance < 0.16:
		return useVillage
	}
	return useFarmland
}

func (l *land) quay(j int) bool {
	return slices.ContainsFunc(l.piers, func(p pier) bool { return j >= p.from && j < p.to })
}

// patches gives the polygons that a set of blocks covers: for each group of blocks that share edges, the outer ring and then
// the holes.
func (l *land) patches(blocks []int) [][][]XY {
	var out [][][]XY
	for _, group := range l.groups(blocks) {
		rings := l.outline(group)
		slices.SortStableFunc(rings, func(a, b []XY) int { return cmp.Compare(signedArea(b), signedArea(a)) })
		out = append(out, rings)
	}
	return out
}

// groups splits blocks into those that hang together by edges; touching at a corner is not enough.
func (l *land) groups(blocks []int) [][]int {
	beside := map[[2]corner][]int{}
	for _, b := range blocks {
		for _, e := range l.blockEdges(b) {
			beside[e] = append(beside[e], b)
		}
	}
	var out [][]int
	seen := map[int]bool{}
	for _, b := range blocks {
		if seen[b] {
			continue
		}
		seen[b] = true
		group := []int{b}
		for k := 0; k < len(group); k++ {
			for _, e := range l.blockEdges(group[k]) {
				for _, n := range beside[e] {
					if !seen[n] {
						seen[n] = true
						group = append(group, n)
					}
				}
			}
		}
		out = append(out, group)
	}
	return out
}

func (l *land) blockEdges(b int) (edges [4][2]corner) {
	c := l.blocks[b].corners
	for k := range c {
		edges[k], _ = edge(c[k], c[(k+1)%4])
	}
	return edges
}

// blob is a rounded natural shape about a centre.
func (l *land) blob(name string, centre XY, radius float64) []XY {
	r := generator(l.seed, "blob", name)
	a, b := r.Float64()*6, r.Float64()*6
	var ring []XY
	for k := range 40 {
		sin, cos := math.Sincos(float64(k) / 40 * 2 * math.Pi)
		angle := math.Atan2(sin, cos)
		f := radius * (1 + 0.17*math.Sin(2*angle+a) + 0.09*math.Sin(3*angle+b))
		ring = append(ring, centre.add(XY{cos * f, sin * f}))
	}
	return ring
}

// breakwaters shelter the harbour: two arms from the capes that leave a gap for ships.
func (l *land) breakwaters() [][]XY {
	arm := func(off0, off1, sea0, sea1, bulge float64) []XY {
		var line []XY
		for k := range 25 {
			f := float64(k) / 24
			line = append(line, l.at(-(sea0+(sea1-sea0)*f)-bulge*math.Sin(f*math.Pi), off0+(off1-off0)*f))
		}
		return line
	}
	return [][]XY{arm(3950, 500, 250, 1500, 650), arm(-1700, -700, 0, 1250, 350)}
}
