package sim

import (
	"fmt"
	"time"
)

// World is the whole simulated city as plain values, each thing pointing at others by their external id. Slices are in a
// fixed order. Treat it as read-only.
type World struct {
	Seed          uint64
	Name          Name
	Areas         []Area
	Organisations []Organisation
	Duties        []Duty
	// MissingDuties are links that ought to exist and were left out on purpose: what a check of the chain of duties has to
	// find.
	MissingDuties []Duty
	Places        []Place
	Assets        []Asset
	Datastreams   []Datastream
	Roads         []Road
	// Base is what a map draws beneath everything else, in drawing order.
	Base []Feature

	places map[string]int // index by id
	assets map[string]int
	net    networks
	sky    sky
	hydro  hydrology
	clocks []clockwork // how datastreams of equal interval take turns
	habit  *rhythm     // when people report
	// addressed lists the places that people name, as indices.
	addressed []int
}

// Area is a district, a town or a grid cell. Parent is empty for districts.
type Area struct {
	ID       string
	Level    string // "district", "town", "grid"
	Parent   string
	Name     Name
	Geometry Geometry
	// Residents is how many live there, by ResidentsSource; 0 for grid cells.
	Residents int
}

// Organisation is an agency, a utility or an enterprise.
type Organisation struct {
	ID     string
	Kind   string // "government", "bureau", "town-office", "utility", "enterprise"
	Parent string
	Name   Name
}

// Duty says that an organisation answers for an area, a place or an asset; exactly one of the three is set.
type Duty struct {
	Organisation string
	Kind         string // "leadership", "territory", "regulator", "enterprise"
	Area         string
	Place        string
	Asset        string
}

// Place is a site with a geometry. Area is the grid cell in which it lies.
type Place struct {
	ID       string
	Kind     string // "building", "restaurant", "road-section", "school", "metro-station", ...
	Area     string
	Name     Name
	Geometry Geometry

	at XY
}

// Asset is a thing at a place that can fail. Its kind is "<pack>/<kind>".
type Asset struct {
	ID           string
	Kind         string
	Place        string
	Area         string
	Organisation string
	Name         Name
	Geometry     Geometry
	// Upstream are the assets that feed it, or that the river passes before it.
	Upstream []string

	at XY
}

// Datastream is one series of readings of one asset. Its property is "<pack>/<property>".
type Datastream struct {
	ID       string
	Asset    string
	Property string
	Unit     string
	Name     Name
	// Interval between two readings. An instrument that senses an incident reports faster: see AlertInterval.
	Interval time.Duration

	model model
}

// Road is a run of streets between two ends. Two roads meet where they share a position exactly.
type Road struct {
	ID       string
	Class    string // "expressway", "primary", "secondary", "street", "lane", "causeway", "rail"
	Name     Name
	Bridge   bool
	Geometry Geometry
}

// Feature is a piece of the base map.
type Feature struct {
	Kind     string // "land", "forest", "park", "built-up", "industry", "beach", "water", "pier", "breakwater"
	Name     Name
	Geometry Geometry
}

// Build makes the city of a seed. It takes some tens of milliseconds.
func Build(seed uint64) *World {
	w := &World{Seed: seed, Name: cityName, places: map[string]int{}, assets: map[string]int{}}
	l := newLand(seed)
	b := &builder{World: w, land: l, cellIDs: make([]string, len(l.cells))}
	b.buildAreas()
	b.buildStreets()
	b.buildBuildings()
	b.buildBase()
	b.buildOrganisations()
	b.buildAssets()
	b.buildDuties()
	w.sky = newSky(seed)
	w.hydro = newHydrology(seed, l)
	w.clocks = newClockworks(w.Datastreams)
	w.habit = reportRhythm()
	for k, p := range w.Places {
		if spoken[p.Kind] {
			w.addressed = append(w.addressed, k)
		}
	}
	b.buildAmenities()
	return w
}

// builder is what Build needs while it builds, and World does not keep.
type builder struct {
	*World
	land    *land
	cellIDs []string // area id of each land cell
	streets streetPlan
	// buildingsOf lists each block's buildings as indices into Places.
	buildingsOf [][]int
	counters    map[string]int // running numbers of assets, by prefix
}

func (b *builder) addPlace(p Place) string {
	b.places[p.ID] = len(b.Places)
	b.Places = append(b.Places, p)
	return p.ID
}

// buildAreas names cells town by town, from the coast inland, and derives towns and districts from their cells.
func (b *builder) buildAreas() {
	l := b.land
	townBlocks := make([][]int, len(towns))
	districtBlocks := make([][]int, len(districts))
	count := make([]int, len(towns))
	var cells []Area
	for k, c := range l.cells {
		count[c.town]++
		id := fmt.Sprintf("grid-%02d%03d", c.town+1, count[c.town])
		b.cellIDs[k] = id
		townBlocks[c.town] = append(townBlocks[c.town], c.blocks...)
		d := towns[c.town].district
		districtBlocks[d] = append(districtBlocks[d], c.blocks...)
		cells = append(cells, Area{
			ID: id, Level: "grid", Parent: townID(c.town),
			Name: Name{
				fmt.Sprintf("%s Grid %02d", stem(towns[c.town].name).En, count[c.town]),
				fmt.Sprintf("%s第%02d网格", towns[c.town].name.Zh, count[c.town]),
			},
			Geometry: areaGeometry(l.outline(c.blocks)),
		})
	}
	for d, name := range districts {
		b.Areas = append(b.Areas, Area{ID: districtID(d), Level: "district", Name: name, Geometry: areaGeometry(l.outline(districtBlocks[d]))})
	}
	for t, town := range towns {
		b.Areas = append(b.Areas, Area{ID: townID(t), Level: "town", Parent: districtID(town.district), Name: town.name, Geometry: areaGeometry(l.outline(townBlocks[t]))})
	}
	b.Areas = append(b.Areas, cells...)
}

func districtID(d int) string { return fmt.Sprintf("district-%d", d+1) }
func townID(t int) string     { return fmt.Sprintf("town-%02d", t+1) }

// buildBase draws land, what covers it, and water.
func (b *builder) buildBase() {
	l := b.land
	add := func(kind string, name Name, g Geometry) { b.Base = append(b.Base, Feature{kind, name, g}) }
	add("land", Name{}, polygonGeometry(l.mainland()))
	var island []int
	patches := map[string][]int{}
	for k, bl := range l.blocks {
		if bl.corners[0].pier == islandPier {
			island = append(island, k)
		}
		patches[coverOf(bl.use)] = append(patches[coverOf(bl.use)], k)
	}
	add("land", towns[16].name, areaGeometry(l.outline(island)))
	for _, kind := range []string{"forest", "built-up", "industry", "pier", "park", "beach"} {
		for _, rings := range l.patches(patches[kind]) {
			add(kind, Name{}, polygonGeometry(rings...))
		}
	}
	add("water", Name{"Lan River", "澜江"}, polygonGeometry(l.river()))
	add("water", Name{"Moat Canal", "护城河"}, polygonGeometry(ribbon(l.canal, 13)))
	for _, lake := range []struct {
		name    Name
		s, t, r float64
	}{{Name{"Moon Lake", "月泊湖"}, 2350, 2350, 330}, {Name{"Zhuwu Reservoir", "竹坞水库"}, 7600, 3300, 420}, {Name{"Lotus Pond", "荷花池"}, 1500, -1550, 110}} {
		add("water", lake.name, polygonGeometry(l.blob(lake.name.En, l.at(lake.s, lake.t), lake.r)))
	}
	for _, wall := range l.breakwaters() {
		add("breakwater", Name{"Breakwater", "防波堤"}, polygonGeometry(ribbon(wall, 14)))
	}
}

// coverOf is how a block's use is drawn.
func coverOf(u use) string {
	switch u {
	case useFarmland, useVillage:
		return "farmland"
	case useForest:
		return "forest"
	case useIndustry, useWaterPlant:
		return "industry"
	case usePort, useGasPlant:
		return "pier"
	case usePark, useLake, useCampus, useRiver:
		return "park"
	case useBeach:
		return "beach"
	}
	return "built-up"
}
