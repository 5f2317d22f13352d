package sim

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// networks is the physics behind the instruments: who draws how much from whom. Nothing in it is stored per instant.
//
// Water runs plant -> trunk -> six zones, each with a pump station and a service reservoir -> some sixty district metered
// areas (DMA). For a zone z with mean demand B,
//
//	DMA inlet  = demand(t) + leakage(t) + bursts          demand = mean * rhythm * noise * heat
//	reservoir  : d(storage)/dt = -WaterBuffered * B * (rhythm(t) - day's mean)
//	zone inlet = sum of its DMA inlets + d(storage)/dt
//	plant      = sum of zone inlets + trunk losses
//
// so inflow = demand + leakage + storage change holds by construction, and because the reservoir follows the rhythm, whose
// integral over a day is kept in a table, what is stored at an instant needs no adding up. Gas is the same with the pressure
// in the trunk mains (line pack) as the storage: regulators draw, two sources feed.
type networks struct {
	regulators []regulator
	dmas       []dma
	zones      []zone
	sources    [2]XY   // LNG terminal, western gate
	gasMean    float64 // m3/h of all regulators
	waterMean  float64
	water      *rhythm
	gas        *rhythm
	hollows    []hollow
	stations   []drain
	canals     []string // assets
	feeders    []feeder
	lifts      []lift
	heart      int // of the storm, an index into stations
}

// regulator feeds a district; its mean flow is in m3/h.
type regulator struct {
	mean float64
	seed uint64
	at   XY
}

// dma is a district metered area. Demand and leak are means in m3/h, head the pressure at its inlet in kPa at mean demand.
type dma struct {
	zone   int
	demand float64
	leak   float64
	head   float64
	seed   uint64
	at     XY
	cell   int
	inlet  string // the asset at its inlet
}

// zone is a supply zone around one reservoir.
type zone struct {
	dmas   []int
	mean   float64 // m3/h of demand
	floor  float64 // m2 of the reservoir
	middle float64 // m, its level at midnight
	head   float64 // kPa behind its pumps
}

const (
	zoneCount      = 6
	dmaCount       = 60
	regulatorCount = 40

	// WaterBuffered is the share of the daily swing that reservoirs take up, GasBuffered the share that line pack does.
	WaterBuffered = 0.75
	GasBuffered   = 0.60
	// WaterLeakage is leakage in the DMAs as a share of their demand, WaterTrunkLoss that of the trunk mains before them.
	WaterLeakage   = 0.11
	WaterTrunkLoss = 0.010
	// GasLoss is unaccounted-for gas between sources and regulators.
	GasLoss = 0.006
	// GasLinePack is what the trunk mains hold for each kPa, in m3.
	GasLinePack = 160.0
	// gasTrunkPressure is the mean at the sources' outlets in kPa, westernShare what the pipeline gate feeds.
	gasTrunkPressure = 1600.0
	westernShare     = 0.38
)

var zoneSeeds = [zoneCount]struct {
	name        Name
	inland, off float64
}{
	{Name{"Wangchao East", "望潮东"}, 700, 700},
	{Name{"Wangchao West", "望潮西"}, 2600, 1000},
	{Name{"Yunfan", "云帆"}, 1200, 3000},
	{Name{"Heqing East", "河清东"}, 800, -900},
	{Name{"Heqing West", "河清西"}, 2700, -1100},
	{Name{"Qingyu", "青屿"}, 1400, -2900},
}

// buildAssets puts the instruments where they belong. Each group draws from its own generators.
func (b *builder) buildAssets() {
	b.counters = map[string]int{}
	b.net.water, b.net.gas = waterRhythm(), gasRhythm()
	built := b.builtCells()
	b.buildGas(built)
	b.buildWater(built)
	b.buildFlood()
	b.buildWeather()
	b.buildDrainage(built)
	b.buildPower(built)
}

// builtCells lists the main land's cells, the most built-up first.
func (b *builder) builtCells() []int {
	count := make([]int, len(b.land.cells))
	var cells []int
	for k, c := range b.land.cells {
		if c.inland < 0 {
			continue
		}
		for _, bl := range c.blocks {
			count[k] += len(b.buildingsOf[bl])
		}
		cells = append(cells, k)
	}
	slices.SortStableFunc(cells, func(x, y int) int { return count[y] - count[x] })
	return cells
}

// asset adds an asset with a running number of its kind.
func (b *builder) asset(kind, org, place string, at XY, name Name) *Asset {
	b.counters[kind]++
	id := fmt.Sprintf("%s-%03d", kind[strings.IndexByte(kind, '/')+1:], b.counters[kind])
	id = kind[:strings.IndexByte(kind, '/')] + "-" + id
	p := b.Places[b.places[place]]
	if name == (Name{}) {
		k := kindName(kind)
		name = Name{p.Name.En + " " + uncapitalised(k.En), p.Name.Zh + k.Zh}
	}
	b.assets[id] = len(b.Assets)
	b.Assets = append(b.Assets, Asset{
		ID: id, Kind: kind, Place: place, Area: p.Area, Organisation: org, Name: name,
		Geometry: pointGeometry(at), at: at,
	})
	return &b.Assets[len(b.Assets)-1]
}

// feed says that an asset is fed by another. Which street mains hang together is not laid out, so they have no links.
func (b *builder) feed(downstream, upstream string) {
	a := &b.Assets[b.assets[downstream]]
	a.Upstream = append(a.Upstream, upstream)
}

func uncapitalised(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// stream adds a datastream to the asset. The suffix tells two streams of one property apart.
func (b *builder) stream(a *Asset, property, suffix string, interval time.Duration, m model) {
	p := propertyOf(property)
	id := a.ID + "/" + p.ID[strings.IndexByte(p.ID, '/')+1:]
	name := p.Name
	if suffix != "" {
		id += "-" + suffix
		s := map[string]Name{"inlet": {"inlet", "进口"}, "outlet": {"outlet", "出口"}}[suffix]
		name = Name{name.En + " (" + s.En + ")", name.Zh + "（" + s.Zh + "）"}
	}
	m.seed = b.Seed ^ nameHash("datastream", id)
	m.at = a.at
	m.scale = math.Pow(10, float64(p.decimals))
	m.phase = int64(mix(m.seed, -7) % uint64(interval/time.Second))
	b.Datastreams = append(b.Datastreams, Datastream{
		ID: id, Asset: a.ID, Property: p.ID, Unit: p.Unit, Name: name, Interval: interval, model: m,
	})
}

// device adds what every battery-fed instrument reports about itself, every quarter of an hour.
func (b *builder) device(a *Asset) {
	pack := a.Kind[:strings.IndexByte(a.Kind, '/')]
	b.stream(a, pack+"/battery", "", 15*time.Minute, model{kind: modelBattery})
	b.stream(a, pack+"/signal", "", 15*time.Minute, model{kind: modelSteady, a: -93 + 22*b.own(a, "signal"), b: 4, c: 1.6, period: 5 * 3600})
}

// own is a uniform number that belongs to an asset's trait.
func (b *builder) own(a *Asset, trait string) float64 {
	return generator(b.Seed, "trait", a.ID, trait).Float64()
}

// draw picks n blocks without repeats, each with a chance in proportion to its weight (Efraimidis and Spirakis 2006: the
// n largest u^(1/w)), so that a block's chance does not depend on the others' draws.
func (b *builder) draw(what string, n int, weight func(k int, bl *block) float64) []int {
	type key struct {
		block int
		v     float64
	}
	var keys []key
	for k := range b.land.blocks {
		bl := &b.land.blocks[k]
		w := weight(k, bl)
		if w <= 0 || b.side(what, k) < 0 {
			continue
		}
		c := bl.corners[0]
		keys = append(keys, key{k, math.Pow(generator(b.Seed, what, c.i, c.j, c.pier).Float64(), 1/w)})
	}
	slices.SortStableFunc(keys, func(x, y key) int { return cmp.Compare(y.v, x.v) })
	var out []int
	for _, k := range keys[:min(n, len(keys))] {
		out = append(out, k.block)
	}
	return out
}

// side picks one of the block's sides that has a street, or -1.
func (b *builder) side(what string, k int) int {
	bl := &b.land.blocks[k]
	c := bl.corners[0]
	first := generator(b.Seed, "side", what, c.i, c.j, c.pier).IntN(4)
	for n := range 4 {
		s := (first + n) % 4
		e, _ := edge(bl.corners[s], bl.corners[(s+1)%4])
		if _, ok := b.streets.class[e]; ok && e[0].j != 0 && e[1].j != 0 {
			return s
		}
	}
	return -1
}

const kerbDepth = 7 // metres from the middle of the street: the verge

// roadSection is the place that stands for one side of a street between two crossings.
func (b *builder) roadSection(k, side int) string {
	bl := &b.land.blocks[k]
	c := bl.corners[0]
	id := fmt.Sprintf("sec-%d-%02d-%02d-%d", c.pier, c.i+1, c.j+linesSouth, side)
	if _, ok := b.places[id]; ok {
		return id
	}
	from, to := bl.corners[side], bl.corners[(side+1)%4]
	street := b.streetOf(from, to)
	one := b.streetOf(bl.corners[(side+3)%4], from)
	two := b.streetOf(to, bl.corners[(side+2)%4])
	return b.addPlace(Place{
		ID: id, Kind: "road-section", Area: b.cellIDs[bl.cell],
		Name:     Name{fmt.Sprintf("%s (%s to %s)", street.En, one.En, two.En), fmt.Sprintf("%s（%s至%s）", street.Zh, one.Zh, two.Zh)},
		Geometry: lineGeometry([]XY{bl.kerb(side, 0.15, kerbDepth), bl.kerb(side, 0.85, kerbDepth)}),
		at:       bl.kerb(side, 0.5, kerbDepth),
	})
}

// atKerb adds an asset on the verge of a drawn block.
func (b *builder) atKerb(what, kind, org string, k int) *Asset {
	side := b.side(what, k)
	c := b.land.blocks[k].corners[0]
	f := 0.2 + 0.6*generator(b.Seed, "kerb", what, c.i, c.j, c.pier).Float64()
	return b.asset(kind, org, b.roadSection(k, side), b.land.blocks[k].kerb(side, f, kerbDepth), Name{})
}

// station adds a site of its own on the open ground nearest to a wish, with an asset on it.
func (b *builder) station(kind, org string, wish XY, size float64, name Name) *Asset {
	what := kind[strings.IndexByte(kind, '/')+1:]
	place := b.site(what, fmt.Sprintf("site-%s-%02d", what, b.counters[kind]+1), wish, size, name)
	return b.asset(kind, org, place, b.Places[b.places[place]].at, name)
}

// site adds a place on the open ground nearest to a wish.
func (b *builder) site(kind, id string, wish XY, size float64, name Name) string {
	best, pick := math.Inf(1), -1
	for k := range b.land.blocks {
		bl := &b.land.blocks[k]
		open := bl.use == usePark || bl.use == useForest || bl.use == useFarmland || bl.use == useBeach || bl.use == useVillage
		if !open || len(b.buildingsOf[k]) > 0 {
			continue
		}
		at := bl.local(0.5, 0.5)
		if d := at.distance(wish); d < best && toLine(at, b.land.rail) > 60 && toLine(at, b.land.canal) > 60 {
			best, pick = d, k
		}
	}
	b.buildingsOf[pick] = append(b.buildingsOf[pick], len(b.Places)) // taken
	bl := &b.land.blocks[pick]
	at := bl.local(0.5, 0.5)
	h := size / 2
	return b.addPlace(Place{
		ID: id, Kind: kind, Area: b.cellIDs[bl.cell], Name: name,
		Geometry: polygonGeometry([]XY{at.add(XY{-h, -h}), at.add(XY{h, -h}), at.add(XY{h, h}), at.add(XY{-h, h})}), at: at,
	})
}

func (b *builder) buildGas(built []int) {
	l, n := b.land, &b.net
	// The LNG terminal fills its pier; twelve monitors stand along its fence.
	gasPier := len(l.piers) - 1
	var pierBlocks []int
	for k, bl := range l.blocks {
		if bl.corners[0].pier == gasPier+1 {
			pierBlocks = append(pierBlocks, k)
		}
	}
	ring := l.outline(pierBlocks)[0]
	middle := centroid(ring)
	for k := range ring {
		ring[k] = between(ring[k], middle, 0.06)
	}
	cell := b.cellIDs[l.blocks[pierBlocks[0]].cell]
	plant := b.addPlace(Place{ID: "site-lng", Kind: "gas-plant", Area: cell, Name: l.piers[gasPier].name, Geometry: polygonGeometry(ring), at: middle})
	for k := range 12 {
		b.fenceMonitor(plant, along(append(slices.Clone(ring), ring[0]), (float64(k)+0.5)/12))
	}
	n.sources[0] = middle
	terminal := b.asset("gas/source-station", orgGas, plant, middle, Name{})
	sources := []string{terminal.ID}
	b.sourceStation(terminal, 1-westernShare)
	west := b.station("gas/source-station", orgGas, l.at(8200, 1700), 70, Name{"West Gas Gate Station", "西部天然气门站"})
	n.sources[1] = west.at
	sources = append(sources, west.ID)
	b.sourceStation(west, westernShare)

	for k, c := range built[:regulatorCount] {
		blocks := l.cells[c].blocks
		what := fmt.Sprintf("regulator-%d", c)
		pick := b.draw(what, 1, func(k int, _ *block) float64 { return inBlocks(k, blocks) })[0]
		a := b.atKerb(what, "gas/regulator", orgGas, pick)
		n.regulators = append(n.regulators, regulator{300 + 450*b.own(a, "mean"), b.Seed ^ nameHash("regulator", a.ID), a.at})
		n.gasMean += n.regulators[k].mean
		for _, s := range sources {
			b.feed(a.ID, s)
		}
		b.stream(a, "gas/pressure", "inlet", time.Minute, model{kind: modelRegulatorInlet, zone: k})
		b.stream(a, "gas/pressure", "outlet", time.Minute, model{kind: modelRegulatorOutlet, zone: k})
		b.stream(a, "gas/flow", "", 5*time.Minute, model{kind: modelRegulatorFlow, zone: k})
		b.stream(a, "gas/temperature", "", 5*time.Minute, model{kind: modelAirTemperature, a: 1.5})
		b.stream(a, "gas/methane", "", time.Minute, model{kind: modelProbe, a: 0.1})
		b.device(a)
	}
	b.buildKitchens()
	for _, k := range b.draw("street-probe", 120, func(k int, bl *block) float64 {
		return foodWeight(bl.use) + 0.12*float64(min(len(b.buildingsOf[k]), 5))
	}) {
		a := b.atKerb("street-probe", "gas/street-probe", orgGas, k)
		b.stream(a, "gas/methane", "", time.Minute, model{kind: modelProbe, a: 0.1 + 1.1*math.Pow(b.own(a, "sewer gas"), 8)})
		b.stream(a, "gas/temperature", "", 5*time.Minute, model{kind: modelGroundTemperature})
		b.device(a)
	}
	b.mains("gas/main", orgGas, built[:dmaCount], 64, 3)
}

func (b *builder) fenceMonitor(place string, at XY) {
	a := b.asset("gas/fence-monitor", orgGas, place, at, Name{})
	k := b.counters["gas/fence-monitor"]
	a.Name = numbered(Name{"LNG Terminal Fence Monitor", "接收站厂界"}, k, "号甲烷监测仪")
	b.stream(a, "gas/methane-ambient", "", time.Minute, model{kind: modelAmbient})
	b.stream(a, "weather/wind-speed", "", time.Minute, model{kind: modelWindSpeed})
	b.stream(a, "weather/wind-direction", "", time.Minute, model{kind: modelWindDirection})
	b.stream(a, "weather/temperature", "", 5*time.Minute, model{kind: modelAirTemperature})
	b.device(a)
}

func (b *builder) sourceStation(a *Asset, share float64) {
	b.stream(a, "gas/flow", "", time.Minute, model{kind: modelSourceFlow, a: share})
	b.stream(a, "gas/pressure", "inlet", time.Minute, model{kind: modelSteady, a: 3900, b: 60, c: 4, period: 6 * 3600})
	b.stream(a, "gas/pressure", "outlet", time.Minute, model{kind: modelSourcePressure})
	b.stream(a, "gas/temperature", "", 5*time.Minute, model{kind: modelGroundTemperature})
	b.stream(a, "gas/odorant", "", 5*time.Minute, model{kind: modelSteady, a: 24, b: 1.5, c: 0.4, period: 7 * 3600})
	b.stream(a, "gas/methane", "", time.Minute, model{kind: modelProbe, a: 0.2})
}

// foodWeight says how likely restaurants are, by the use of the block.
func foodWeight(u use) float64 {
	switch u {
	case useOldTown:
		return 5
	case useCommercial, useTowers:
		return 2.2
	case useResidential:
		return 0.35
	case useCampus:
		return 0.6
	}
	return 0
}

const kitchenCount = 300

// buildKitchens turns 300 buildings into restaurants with a gas alarm in the kitchen.
func (b *builder) buildKitchens() {
	type key struct {
		place int
		v     float64
	}
	var keys []key
	for k := range b.land.blocks {
		w := foodWeight(b.land.blocks[k].use)
		if w == 0 {
			continue
		}
		for _, p := range b.buildingsOf[k] {
			keys = append(keys, key{p, math.Pow(generator(b.Seed, "restaurant", b.Places[p].ID).Float64(), 1/w)})
		}
	}
	slices.SortStableFunc(keys, func(x, y key) int { return cmp.Compare(y.v, x.v) })
	for _, k := range keys[:kitchenCount] {
		p := &b.Places[k.place]
		r := generator(b.Seed, "restaurant name", p.ID)
		first, second := restaurantFirst[r.IntN(len(restaurantFirst))], restaurantSecond[r.IntN(len(restaurantSecond))]
		p.Kind = "restaurant"
		house := Name{first[1] + " " + second[1], first[0] + second[0]}
		p.Name = Name{house.En + ", " + p.Name.En, p.Name.Zh + house.Zh}
		a := b.asset("gas/kitchen-alarm", orgGas, p.ID, p.at, Name{house.En + " kitchen gas alarm", house.Zh + "厨房燃气报警器"})
		b.stream(a, "gas/methane", "", kitchenInterval, model{kind: modelKitchen})
		b.stream(a, "gas/carbon-monoxide", "", 5*time.Minute, model{kind: modelKitchenCO})
		b.stream(a, "gas/temperature", "", 5*time.Minute, model{kind: modelKitchenTemperature, a: 2 * b.own(a, "warm")})
		b.device(a)
	}
}

// kitchenInterval is how often an alarm reports when all is well; see AlertInterval.
const kitchenInterval = 30 * time.Second

func inBlocks(k int, blocks []int) float64 {
	if slices.Contains(blocks, k) {
		return 1
	}
	return 0
}

// along is the point at fraction f of a line's length.
func along(line []XY, f float64) XY {
	total := 0.0
	for k := 1; k < len(line); k++ {
		total += line[k-1].distance(line[k])
	}
	rest := total * f
	for k := 1; k < len(line); k++ {
		d := line[k-1].distance(line[k])
		if rest <= d {
			return between(line[k-1], line[k], rest/d)
		}
		rest -= d
	}
	return line[len(line)-1]
}

// mains lays pipes under the streets that bound the given cells: one asset for each side of a cell, kept off the middle of
// the street by depth metres so that gas and water do not lie in one trench.
func (b *builder) mains(kind, org string, cells []int, n int, depth float64) {
	l := b.land
	seen := map[[2]corner]bool{}
	cells = slices.Clone(cells)
	centre := l.at(900, 300) // the oldest pipes first, so that those in the register hang together
	slices.SortStableFunc(cells, func(x, y int) int {
		return cmp.Compare(l.cells[x].centre.distance(centre), l.cells[y].centre.distance(centre))
	})
	for _, c := range cells {
		blocks := l.cells[c].blocks // three by three, line i outer
		if len(blocks) != cellBlocks*cellBlocks {
			continue
		}
		for side, row := range [4][3]int{{0, 1, 2}, {2, 5, 8}, {8, 7, 6}, {6, 3, 0}} {
			var line []XY
			whole := true
			for _, r := range row {
				bl := &l.blocks[blocks[r]]
				e, _ := edge(bl.corners[side], bl.corners[(side+1)%4])
				if _, ok := b.streets.class[e]; !ok || seen[e] || bl.use == useRiver {
					whole = false
					break
				}
				line = append(line, bl.kerb(side, 0.02, depth), bl.kerb(side, 0.98, depth))
			}
			if !whole || b.counters[kind] >= n {
				continue
			}
			for _, r := range row {
				e, _ := edge(l.blocks[blocks[r]].corners[side], l.blocks[blocks[r]].corners[(side+1)%4])
				seen[e] = true
			}
			middle := blocks[row[1]]
			a := b.asset(kind, org, b.roadSection(middle, side), between(line[2], line[3], 0.5), Name{})
			a.Geometry = lineGeometry(line)
			pipe := kindName(kind)
			street := b.streetOf(l.blocks[middle].corners[side], l.blocks[middle].corners[(side+1)%4])
			a.Name = numbered(Name{street.En + " " + uncapitalised(pipe.En), street.Zh}, b.counters[kind], "号"+pipe.Zh)
		}
	}
}

func (b *builder) buildWater(built []int) {
	l, n := b.land, &b.net
	n.zones = make([]zone, zoneCount)
	for _, c := range built[:dmaCount] {
		best, pick := math.Inf(1), 0
		for z, s := range zoneSeeds {
			d := math.Hypot(l.cells[c].inland-s.inland, l.cells[c].off-s.off)
			if (l.cells[c].off > 0) != (s.off > 0) {
				d += 3000 // few mains cross the river
			}
			if d < best {
				best, pick = d, z
			}
		}
		what := fmt.Sprintf("dma-%d", c)
		blocks := l.cells[c].blocks
		k := b.draw(what, 1, func(k int, _ *block) float64 { return inBlocks(k, blocks) })[0]
		a := b.atKerb(what, "water/dma-inlet", orgWater, k)
		d := dma{zone: pick, demand: 70 + 110*b.own(a, "demand"), head: 285 + 60*b.own(a, "head"), seed: b.Seed ^ nameHash("dma", a.ID), at: a.at, cell: c, inlet: a.ID}
		d.leak = d.demand * WaterLeakage * (0.5 + b.own(a, "leak"))
		at := len(n.dmas)
		n.dmas = append(n.dmas, d)
		z := &n.zones[pick]
		z.dmas = append(z.dmas, at)
		z.mean += d.demand
		n.waterMean += d.demand
		town := stem(towns[l.cells[c].town].name)
		a.Name = numbered(Name{town.En + " district meter", town.Zh}, at+1, "号分区计量点")
		b.stream(a, "water/flow", "", 5*time.Minute, model{kind: modelDMAFlow, zone: at})
		b.stream(a, "water/pressure", "", time.Minute, model{kind: modelPressurePoint, zone: at})
		b.stream(a, "water/temperature", "", 15*time.Minute, model{kind: modelWaterTemperature})
		b.device(a)
	}
	b.waterPlant()
	for z := range n.zones {
		b.waterZone(z)
	}
	dmaOf := map[int]int{}
	for k, d := range n.dmas {
		dmaOf[d.cell] = k
	}
	for _, k := range b.draw("pressure-point", 160, func(k int, bl *block) float64 {
		if _, ok := dmaOf[bl.cell]; !ok {
			return 0
		}
		return float64(len(b.buildingsOf[k]))
	}) {
		a := b.atKerb("pressure-point", "water/pressure-point", orgWater, k)
		d := dmaOf[l.blocks[k].cell]
		b.feed(a.ID, n.dmas[d].inlet)
		drop := 0.02*a.at.distance(n.dmas[d].at) + 14*b.own(a, "ground")
		b.stream(a, "water/pressure", "", 5*time.Minute, model{kind: modelPressurePoint, zone: d, a: drop})
		b.stream(a, "water/temperature", "", 15*time.Minute, model{kind: modelWaterTemperature})
		b.device(a)
	}
	for _, k := range b.draw("quality-point", 20, func(k int, bl *block) float64 {
		return inBlocks(k, l.cells[bl.cell].blocks) * float64(len(b.buildingsOf[k]))
	}) {
		a := b.atKerb("quality-point", "water/quality-point", orgWater, k)
		b.waterQuality(a, 0.42)
		b.device(a)
	}
	b.mains("water/main", orgWater, built[:dmaCount], 60, 5)
}

func (b *builder) waterQuality(a *Asset, chlorine float64) {
	b.stream(a, "water/chlorine", "", 5*time.Minute, model{kind: modelSteady, a: chlorine, b: 0.06, c: 0.008, period: 9 * 3600})
	b.stream(a, "water/turbidity", "", 5*time.Minute, model{kind: modelSteady, a: 0.22, b: 0.06, c: 0.01, period: 11 * 3600})
	b.stream(a, "water/ph", "", 15*time.Minute, model{kind: modelSteady, a: 7.5, b: 0.12, c: 0.02, period: 20 * 3600})
	b.stream(a, "water/conductivity", "", 15*time.Minute, model{kind: modelSteady, a: 410, b: 35, c: 3, period: 30 * 3600})
	b.stream(a, "water/temperature", "", 15*time.Minute, model{kind: modelWaterTemperature})
}

// waterPlantID is the one plant's asset.
const waterPlantID = "water-plant-001"

func (b *builder) waterPlant() {
	pick := slices.IndexFunc(b.land.blocks, func(bl block) bool { return bl.use == useWaterPlant })
	bl := &b.land.blocks[pick]
	name := Name{"Yuantou Water Plant", "源头水厂"}
	ring := make([]XY, 4)
	for k, f := range [4][2]float64{{0.05, 0.05}, {0.95, 0.05}, {0.95, 0.95}, {0.05, 0.95}} {
		ring[k] = bl.local(f[0], f[1])
	}
	place := b.addPlace(Place{ID: "site-water-plant", Kind: "water-plant", Area: b.cellIDs[bl.cell], Name: name, Geometry: polygonGeometry(ring), at: bl.local(0.5, 0.5)})
	a := b.asset("water/plant", orgWater, place, bl.local(0.5, 0.5), name)
	b.stream(a, "water/flow", "", time.Minute, model{kind: modelPlantFlow})
	b.stream(a, "water/pressure", "", time.Minute, model{kind: modelSteady, a: 520, b: 14, c: 2.5, period: 4 * 3600})
	b.stream(a, "water/level", "", time.Minute, model{kind: modelSteady, a: 3.6, b: 0.05, c: 0.004, period: 8 * 3600})
	b.waterQuality(a, 0.78)
	b.stream(a, "water/power", "", time.Minute, model{kind: modelPumpPower, zone: -1})
}

// waterZone adds a zone's reservoir and pump station, and a booster in the four largest.
func (b *builder) waterZone(z int) {
	s := zoneSeeds[z]
	zn := &b.net.zones[z]
	zn.middle, zn.head = 3.4, 430
	// The floor is chosen so that the year's largest daily swing moves the level by 1.5 m either way about the middle.
	low, high := 0.0, 0.0
	for k := range b.net.water.integral {
		low, high = min(low, slices.Min(b.net.water.integral[k][:])), max(high, slices.Max(b.net.water.integral[k][:]))
	}
	zn.floor = math.Round(WaterBuffered * zn.mean * (high - low) / 2 / 1.5)
	zn.middle += WaterBuffered * zn.mean * (high + low) / 2 / zn.floor // at midnight
	wish := b.land.at(s.inland, s.off)
	r := b.station("water/reservoir", orgWater, wish, 44, Name{s.name.En + " Service Reservoir", s.name.Zh + "清水库"})
	b.feed(r.ID, waterPlantID)
	reservoir := r.ID // r does not outlast the next asset
	b.stream(r, "water/level", "", time.Minute, model{kind: modelReservoirLevel, zone: z})
	b.stream(r, "water/flow", "inlet", 5*time.Minute, model{kind: modelZoneInflow, zone: z})
	b.stream(r, "water/flow", "outlet", 5*time.Minute, model{kind: modelZoneOutflow, zone: z})
	b.stream(r, "water/chlorine", "", 5*time.Minute, model{kind: modelSteady, a: 0.6, b: 0.05, c: 0.008, period: 9 * 3600})
	b.stream(r, "water/temperature", "", 15*time.Minute, model{kind: modelWaterTemperature})
	for k := range 2 {
		if k == 1 && z%3 == 2 {
			continue // ten stations in all
		}
		name := numbered(Name{s.name.En + " Pump Station", s.name.Zh}, k+1, "号泵站")
		p := b.station("water/pump-station", orgWater, wish.add(XY{300 - 700*float64(k), 250}), 26, name)
		b.feed(p.ID, reservoir)
		for _, d := range zn.dmas {
			b.feed(b.net.dmas[d].inlet, p.ID)
		}
		share := 1 - 0.65*float64(k)
		b.stream(p, "water/flow", "", 5*time.Minute, model{kind: modelZoneInflow, zone: z, a: share})
		b.stream(p, "water/pressure", "inlet", time.Minute, model{kind: modelSteady, a: 240, b: 9, c: 2, period: 3 * 3600})
		b.stream(p, "water/pressure", "outlet", time.Minute, model{kind: modelSteady, a: zn.head, b: 10, c: 2, period: 3 * 3600})
		b.stream(p, "water/power", "", time.Minute, model{kind: modelPumpPower, zone: z, a: share})
		b.stream(p, "water/temperature", "", 15*time.Minute, model{kind: modelAirTemperature, a: 4})
	}
}

func (b *builder) buildFlood() {
	l := b.land
	below := ""
	for k := range 16 {
		inland := 250 + 8600*float64(k)/15
		side := 1.0
		if k%2 == 1 {
			side = -1
		}
		bl := l.riverBlock(inland, side)
		if bl < 0 {
			continue
		}
		at := l.across(inland, side*(l.riverHalf(inland)+7), 0)
		name := numbered(Name{"Lan River Gauge", "澜江"}, k+1, "号水位站")
		place := b.addPlace(Place{
			ID: fmt.Sprintf("site-river-%02d", k+1), Kind: "river-section", Area: b.cellIDs[l.blocks[bl].cell],
			Name: numbered(Name{"Lan River Section", "澜江"}, k+1, "号断面"), Geometry: pointGeometry(at), at: at,
		})
		a := b.asset("flood/river-gauge", orgWaterWorks, place, at, name)
		if below != "" { // they are numbered from the mouth inland
			b.feed(below, a.ID)
		}
		below = a.ID
		b.stream(a, "flood/level", "", 5*time.Minute, model{kind: modelRiverLevel, a: inland})
		b.stream(a, "flood/flow", "", 5*time.Minute, model{kind: modelRiverFlow, a: inland})
		b.stream(a, "flood/velocity", "", 5*time.Minute, model{kind: modelRiverVelocity, a: inland})
		b.stream(a, "flood/temperature", "", 15*time.Minute, model{kind: modelWaterTemperature})
		b.device(a)
	}
	for k, pierNo := range []int{0, 2} { // the fishing harbour and the second container pier
		bl := slices.IndexFunc(l.blocks, func(bl block) bool { return bl.corners[0].pier == pierNo+1 })
		at := l.blocks[bl].local(0.5, 0.06)
		place := b.addPlace(Place{
			ID: fmt.Sprintf("site-tide-%d", k+1), Kind: "quay", Area: b.cellIDs[l.blocks[bl].cell], Name: l.piers[pierNo].name,
			Geometry: pointGeometry(at), at: at,
		})
		a := b.asset("flood/tide-gauge", orgWaterWorks, place, at, Name{})
		b.stream(a, "flood/level", "", 5*time.Minute, model{kind: modelTide})
		b.stream(a, "flood/temperature", "", 15*time.Minute, model{kind: modelWaterTemperature})
		b.device(a)
	}
	cells := slices.Clone(l.cells)
	step := float64(len(cells)) / 36
	for k := range 36 {
		c := cells[int(float64(k)*step)]
		a := b.station("flood/rain-gauge", orgWeather, c.centre, 6, numbered(Name{stem(towns[c.town].name).En + " Rain Gauge", stem(towns[c.town].name).Zh}, k+1, "号雨量站"))
		b.stream(a, "flood/rain", "", 5*time.Minute, model{kind: modelRain})
		b.stream(a, "flood/temperature", "", 15*time.Minute, model{kind: modelAirTemperature})
		b.device(a)
	}
	for _, k := range b.draw("road-gauge", 40, func(k int, bl *block) float64 { return float64(min(len(b.buildingsOf[k]), 8)) }) {
		a := b.atKerb("road-gauge", "flood/road-gauge", orgDrainage, k)
		deep := 0.6 + 0.8*b.own(a, "hollow")
		b.stream(a, "flood/depth", "", 5*time.Minute, model{kind: modelRoadDepth, zone: len(b.net.hollows), a: deep})
		b.net.hollows = append(b.net.hollows, hollow{asset: a.ID, at: a.at, block: k, deep: deep})
		b.stream(a, "flood/temperature", "", 15*time.Minute, model{kind: modelAirTemperature})
		b.device(a)
	}
}

// riverBlock is the half-river block on the side at a distance from the coast, or -1.
func (l *land) riverBlock(inland, side float64) int {
	j := 0
	if side < 0 {
		j = -1
	}
	return slices.IndexFunc(l.blocks, func(bl block) bool {
		c := bl.corners[0]
		return c.pier == 0 && c.j == j && inland >= l.sInl[c.i] && inland < l.sInl[c.i+1]
	})
}

func (b *builder) buildWeather() {
	l := b.land
	wishes := []XY{
		l.at(300, 600), l.at(2400, 2350), l.at(900, 3600), l.at(300, 5100), l.at(1500, -1500), l.at(800, -4200),
		l.at(3600, -300), l.at(5200, 2600), l.at(5300, -3000), l.at(7300, 600), l.at(8000, 3400), l.island.centre,
	}
	for k, wish := range wishes {
		name := numbered(Name{"Weather Station", "澜港"}, k+1, "号自动气象站")
		a := b.station("weather/station", orgWeather, wish, 16, name)
		high := -0.6 * b.own(a, "height")
		b.stream(a, "weather/temperature", "", time.Minute, model{kind: modelAirTemperature, a: high})
		b.stream(a, "weather/humidity", "", time.Minute, model{kind: modelHumidity})
		b.stream(a, "weather/pressure", "", time.Minute, model{kind: modelAirPressure, a: 1.5 * high})
		b.stream(a, "weather/wind-speed", "", time.Minute, model{kind: modelWindSpeed})
		b.stream(a, "weather/wind-direction", "", time.Minute, model{kind: modelWindDirection})
		b.stream(a, "weather/rain", "", time.Minute, model{kind: modelRain})
		b.stream(a, "weather/solar", "", time.Minute, model{kind: modelSolar})
		b.stream(a, "weather/visibility", "", time.Minute, model{kind: modelVisibility})
	}
}
