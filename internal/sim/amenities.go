package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// What people in need of care are in, and where many wait: schools, kindergartens, hospitals, care homes, stations; and how many live
// where. All of it came to the city when everything else stood: it comes last, draws from generators of its own, and nothing looks
// at it, so that no reading, incident or report of a seed has changed by it (TestWhatStoodStays).

// ResidentsSource is where the numbers of residents come from, and says that they are made up.
const ResidentsSource = "Simulated yearbook 模拟年鉴"

// residentsYear is the year of these numbers.
const residentsYear = 2025

// amenityDepth is how far an entrance stands from the middle of its street: behind the kerb, before the buildings.
const amenityDepth = 14

// lived are the people on a block, about, by what stands on it.
var lived = map[use]float64{
	useResidential: 1150, useOldTown: 820, useCommercial: 160, useTowers: 240, useCampus: 420, useVillage: 190, useFarmland: 22, useIndustry: 15,
}

func (b *builder) buildAmenities() {
	byTown := make([][]int, len(towns))
	for k, bl := range b.land.blocks {
		switch bl.use {
		case useResidential, useOldTown, useCommercial, useVillage, useCampus:
			if t := b.land.cells[bl.cell].town; b.streetSide(k) >= 0 {
				byTown[t] = append(byTown[t], k)
			}
		}
	}
	for t, blocks := range byTown {
		r := generator(b.Seed, "amenity", t)
		order := r.Perm(len(blocks))
		name := stem(towns[t].name)
		next := 0
		add := func(id, kind string, n int, title func(k int) Name) {
			for k := range n {
				if next >= len(order) {
					return
				}
				b.amenity(r, fmt.Sprintf("amenity-%s-%02d-%d", id, t+1, k+1), kind, title(k), blocks[order[next]])
				next++
			}
		}
		of := func(en, zh string) func(int) Name {
			return func(k int) Name {
				if k == 0 {
					return Name{name.En + " " + en, name.Zh + zh}
				}
				return Name{fmt.Sprintf("%s No. %d %s", name.En, k+1, en), fmt.Sprintf("%s第%s%s", name.Zh, ordinals[k], zh)}
			}
		}
		n := len(blocks)
		add("school", "school", 1+min(n/18, 4), of("Primary School", "小学"))
		add("kindergarten", "kindergarten", 1+min(n/12, 5), of("Kindergarten", "幼儿园"))
		add("care-home", "care-home", 1+min(n/45, 1), of("Care Home", "养老院"))
		add("clinic", "clinic", 1, of("Community Health Centre", "社区卫生服务中心"))
		add("bus-station", "bus-station", 1, of("Bus Station", "公交总站"))
		if first := slices.IndexFunc(towns, func(o town) bool { return o.district == towns[t].district }); first == t {
			district := districts[towns[t].district]
			add("hospital", "hospital", 1, func(int) Name { return Name{stem(district).En + " District Hospital", district.Zh + "人民医院"} })
			add("secondary-school", "school", 1, func(int) Name { return Name{stem(district).En + " Secondary School", stem(district).Zh + "中学"} })
			if t == 0 {
				add("city-hospital", "hospital", 2, func(k int) Name {
					return Name{fmt.Sprintf("Langang No. %d Hospital", k+1), "澜港市第" + ordinals[k] + "医院"}
				})
			}
		}
	}
	b.buildMetro()
	b.countResidents()
}

var ordinals = []string{"一", "二", "三", "四", "五", "六", "七"}

// streetSide is the first side of a block that has a street; -1 for none.
func (b *builder) streetSide(k int) int {
	bl := &b.land.blocks[k]
	for side := range 4 {
		e, _ := edge(bl.corners[side], bl.corners[(side+1)%4])
		if class := b.streets.class[e]; class != "" && class != "expressway" {
			return side
		}
	}
	return -1
}

// amenity adds an entrance on the street of a block, off the canal and the railway.
func (b *builder) amenity(r *rand.Rand, id, kind string, name Name, k int) {
	bl := &b.land.blocks[k]
	side := max(0, b.streetSide(k))
	at := bl.kerb(side, 0.25+0.5*r.Float64(), amenityDepth)
	for f := 0.2; f < 0.85 && (toLine(at, b.land.canal) < 25 || toLine(at, b.land.rail) < 25); f += 0.1 {
		at = bl.kerb(side, f, amenityDepth)
	}
	b.addPlace(Place{ID: id, Kind: kind, Area: b.cellIDs[bl.cell], Name: name, Geometry: pointGeometry(at), at: at})
}

// buildMetro sets the stations of two lines: line 1 along the coast, line 2 from the old town inland. They are called by the street
// that they stand at.
func (b *builder) buildMetro() {
	r := generator(b.Seed, "metro")
	taken := map[string]bool{}
	stop := func(line, n int, wish corner) int {
		if k := b.blockAt(wish); k >= 0 && b.streetSide(k) >= 0 {
			side := b.streetSide(k)
			street := stemOfStreet(b.streetOf(b.land.blocks[k].corners[side], b.land.blocks[k].corners[(side+1)%4]))
			if taken[street.Zh] {
				return n
			}
			taken[street.Zh] = true
			b.amenity(r, fmt.Sprintf("amenity-metro-station-%d-%02d", line, n+1), "metro-station", Name{street.En + " Metro Station", street.Zh + "地铁站"}, k)
			return n + 1
		}
		return n
	}
	n := 0
	for j := -17; j <= 18; j += 2 {
		n = stop(1, n, corner{5, j, 0})
	}
	n = 0
	for i := 2; i <= 24; i += 2 {
		n = stop(2, n, corner{i, 6, 0})
	}
}

// blockAt is the block whose first corner is c; -1 for none.
func (b *builder) blockAt(c corner) int {
	return slices.IndexFunc(b.land.blocks, func(bl block) bool { return bl.corners[0] == c })
}

// countResidents says how many live in each town, and in each district, to the ten.
func (b *builder) countResidents() {
	total := map[string]int{}
	for t := range towns {
		n := 0.0
		for _, c := range b.land.cells {
			if c.town != t {
				continue
			}
			for _, k := range c.blocks {
				n += lived[b.land.blocks[k].use]
			}
		}
		n *= 0.9 + 0.2*generator(b.Seed, "residents", t).Float64()
		tens := 10 * max(10, int(math.Round(n/10)))
		total[townID(t)] += tens
		total[districtID(towns[t].district)] += tens
	}
	for i := range b.Areas {
		if n := total[b.Areas[i].ID]; n > 0 {
			b.Areas[i].Residents = n
		}
	}
}
