package sim

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Drainage runs street -> gully -> sewer -> pump station -> canal. Ten stations share the built-up city: a place drains to the
// nearest one. What they do on an ordinary day is a function of time; what a storm makes of them is worked out once, minute by
// minute, when it is planted (storm.go).

// hollow is a road gauge with the dip in the road around it.
type hollow struct {
	asset   string
	at      XY
	block   int
	deep    float64 // 0.6 a shallow dip, 1.4 an underpass
	station int     // where it drains to
}

// drain is a pump station and what drains to it.
type drain struct {
	asset string
	at    XY
	area  float64 // ha
	pumps int
	each  float64 // m3/s of one pump
	seed  uint64
}

const (
	drainCount = 10
	canalLevel = 2.6 // m, as the gates keep it

	// runoff is the share of the rain on the built-up city that comes down the sewers.
	runoff = 0.62
	// drainDesign is the rain that a station's pumps keep up with, in mm/h: about once a year.
	drainDesign = 33.0
)

// buildDrainage spreads the stations over the built cells, the most built-up first and none close to another.
func (b *builder) buildDrainage(built []int) {
	l, n := b.land, &b.net
	var at []XY
	for _, c := range built {
		wish := l.cells[c].centre
		if len(at) == drainCount || slices.ContainsFunc(at, func(p XY) bool { return p.distance(wish) < 950 }) {
			continue
		}
		at = append(at, wish)
		town := stem(towns[l.cells[c].town].name)
		name := numbered(Name{town.En + " Drainage Pump Station", town.Zh}, len(at), "号雨水泵站")
		place := b.site("drainage-pump-station", fmt.Sprintf("site-drainage-pump-station-%02d", len(at)), wish, 30, name)
		a := b.asset("flood/pump-station", orgDrainage, place, b.Places[b.places[place]].at, name)
		d := drain{asset: a.ID, at: wish, area: 70 + 70*b.own(a, "area"), pumps: 4, seed: b.Seed ^ nameHash("drain", a.ID)}
		d.each = runoff * drainDesign * d.area * 10 / 3600 / float64(d.pumps)
		k := len(n.stations)
		n.stations = append(n.stations, d)
		b.stream(a, "flood/sump-level", "", time.Minute, model{kind: modelSump, zone: k})
		b.stream(a, "flood/pumps-running", "", time.Minute, model{kind: modelPumpsRunning, zone: k})
		b.device(a)
	}
	below := ""
	for k, f := range [3]float64{0.15, 0.5, 0.85} {
		p := along(l.canal, f)
		block := slices.IndexFunc(l.blocks, func(bl block) bool { return inside(p, bl.shape[:]) })
		place := b.addPlace(Place{
			ID: fmt.Sprintf("site-canal-%d", k+1), Kind: "river-section", Area: b.cellIDs[l.blocks[block].cell],
			Name: numbered(Name{"Moat Canal Section", "护城河"}, k+1, "号断面"), Geometry: pointGeometry(p), at: p,
		})
		a := b.asset("flood/river-gauge", orgWaterWorks, place, p, numbered(Name{"Moat Canal Gauge", "护城河"}, k+1, "号水位站"))
		if below != "" {
			b.feed(below, a.ID)
		}
		below = a.ID
		n.canals = append(n.canals, a.ID)
		b.stream(a, "flood/level", "", 5*time.Minute, model{kind: modelCanal})
		b.device(a)
	}
	worth := make([]float64, len(n.stations)) // how much there is to see where it pours
	for k := range n.hollows {
		h := &n.hollows[k]
		for i := range n.stations {
			if h.at.distance(n.stations[i].at) < h.at.distance(n.stations[h.station].at) {
				h.station = i
			}
		}
		if d := h.at.distance(n.stations[h.station].at); d < 1200 {
			worth[h.station] += math.Max(0, h.deep-0.8) * math.Exp(-d/900)
		}
	}
	for k := range worth {
		if worth[k] > worth[n.heart] {
			n.heart = k
		}
	}
}

// StormTown is the office of the town below the worst of the storm.
func (w *World) StormTown() string {
	s := w.net.stations[w.net.heart]
	a := w.Assets[w.assets[s.asset]]
	best := math.Inf(1)
	area := a.Area
	for _, h := range w.net.hollows {
		if d := h.at.distance(s.at) - 400*h.deep; h.station == w.net.heart && d < best {
			best, area = d, w.Assets[w.assets[h.asset]].Area
		}
	}
	for _, x := range w.Areas {
		if x.ID == area {
			return "org-" + x.Parent
		}
	}
	panic("sim: a gauge in no cell")
}

// everyday is the sump of a station without a storm: it fills with what the city sends down anyway and is pumped empty, over and
// over; in rain more pumps run and it stands higher.
func (d *drain) everyday(w *World, m moment) (level, running float64) {
	period := 1500 + 1500*unit(d.seed, 1)
	_, x := math.Modf(float64(m.sec)/period + unit(d.seed, 2))
	rain := math.Min(20, w.sky.rain(m, d.at))
	running = math.Ceil(rain / 9)
	if x < 0.75 {
		level = x / 0.75
	} else {
		level, running = (1-x)/0.25, math.Max(1, running)
	}
	return 0.75 + 0.55*level + 0.02*rain, running
}

// sump is a station's level and the pumps that run.
func (w *World) sump(d *model, m moment, st *state) (level, running float64) {
	if level, running, ok := st.drained(d.zone, m); ok {
		return level, running
	}
	return w.net.stations[d.zone].everyday(w, m)
}
