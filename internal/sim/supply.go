package sim

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Electricity runs substation -> feeder -> transformer -> lift. A feeder lives as long as no water stands at its lowest
// switchgear, which is that of its first transformer, beside a hollow of the road.

// feeder is a 10 kV line.
type feeder struct {
	asset        string
	transformers []string
	hollow       int     // index into hollows
	plinth       float64 // m of water there at which it trips
}

// lift stands in a building that a feeder supplies.
type lift struct {
	asset  string
	feeder int
	hollow int     // whose water gets to its door, or -1
	sill   float64 // m of water in the hollow at which it runs into the pit
	trap   bool    // is between two floors when the supply fails
}

const (
	substationCount = 5
	feedersEach     = 4
)

// buildPower puts substations on open ground in the built-up city and their feeders beside the deepest hollows.
func (b *builder) buildPower(built []int) {
	l, n := b.land, &b.net
	var places []string
	var at []XY
	for _, c := range built {
		wish := l.cells[c].centre
		if len(at) == substationCount || slices.ContainsFunc(at, func(p XY) bool { return p.distance(wish) < 1300 }) {
			continue
		}
		at = append(at, wish)
		town := stem(towns[l.cells[c].town].name)
		places = append(places, b.site("substation", fmt.Sprintf("site-substation-%d", len(at)), wish.add(XY{180, -120}), 36,
			Name{town.En + " 110 kV Substation", town.Zh + "110千伏变电站"}))
	}
	deepest := make([]int, len(n.hollows))
	for k := range deepest {
		deepest[k] = k
	}
	slices.SortStableFunc(deepest, func(x, y int) int { return cmp.Compare(n.hollows[y].deep, n.hollows[x].deep) })
	count := make([]int, len(at))
	for _, h := range deepest {
		best, pick := math.Inf(1), -1
		for k, p := range at {
			if d := p.distance(n.hollows[h].at); count[k] < feedersEach && d < best {
				best, pick = d, k
			}
		}
		if pick < 0 {
			break
		}
		count[pick]++
		b.feederBeside(h, places[pick], count[pick])
	}
	b.buildLifts()
}

func (b *builder) feederBeside(h int, place string, number int) {
	n := &b.net
	p := b.Places[b.places[place]]
	a := b.asset("power/feeder", orgPower, place, p.at, numbered(Name{p.Name.En + " Feeder", p.Name.Zh}, number, "号10千伏馈线"))
	k := len(n.feeders)
	f := feeder{asset: a.ID, hollow: h, plinth: 0.38 + 0.2*b.own(a, "plinth")}
	b.stream(a, "power/voltage", "", time.Minute, model{kind: modelFeederVoltage, zone: k})
	b.stream(a, "power/supply", "", 5*time.Minute, model{kind: modelFeederSupply, zone: k})
	// The second transformer stands a few streets on.
	second := n.hollows[h].block
	best := math.Inf(1)
	for i := range b.land.blocks {
		d := math.Abs(b.land.blocks[i].local(0.5, 0.5).distance(n.hollows[h].at) - 420)
		if d < best && len(b.buildingsOf[i]) > 1 && b.side("transformer", i) >= 0 {
			best, second = d, i
		}
	}
	for i, block := range []int{n.hollows[h].block, second} {
		t := b.atKerb(fmt.Sprintf("transformer-%d-%d", k, i), "power/distribution-transformer", orgPower, block)
		b.feed(t.ID, f.asset)
		f.transformers = append(f.transformers, t.ID)
		b.stream(t, "power/supply", "", 5*time.Minute, model{kind: modelTransformerSupply, zone: k})
	}
	n.feeders = append(n.feeders, f)
}

// buildLifts puts two lifts on each feeder, one near each of its transformers.
func (b *builder) buildLifts() {
	n := &b.net
	taken := map[int]bool{}
	for k := range n.feeders {
		for _, id := range n.feeders[k].transformers {
			from := b.Assets[b.assets[id]].at
			best, pick := math.Inf(1), -1
			for i := range b.Places {
				p := &b.Places[i]
				high := p.Kind == "residential-building" || p.Kind == "office" || p.Kind == "shop" || p.Kind == "school"
				if d := p.at.distance(from); high && strings.HasPrefix(p.ID, "bld-") && !taken[i] && d < best {
					best, pick = d, i
				}
			}
			taken[pick] = true
			p := b.Places[pick]
			a := b.asset("lifts/lift", orgProperty, p.ID, p.at, Name{"Lift, " + p.Name.En, p.Name.Zh + "电梯"})
			x := lift{asset: a.ID, feeder: k, hollow: -1, sill: 0.26 + 0.14*b.own(a, "sill"), trap: b.own(a, "trap") < 0.3}
			if h := n.feeders[k].hollow; p.at.distance(n.hollows[h].at) < 130 {
				x.hollow = h
			}
			at := len(n.lifts)
			n.lifts = append(n.lifts, x)
			b.stream(a, "lifts/service", "", 10*time.Minute, model{kind: modelLiftService, zone: at})
			b.stream(a, "lifts/trapped", "", time.Minute, model{kind: modelLiftTrapped, zone: at})
			b.stream(a, "lifts/monitoring", "", time.Hour, model{kind: modelLiftMonitoring, zone: at})
			b.stream(a, "lifts/pit-water", "", 10*time.Minute, model{kind: modelLiftPit, zone: at})
			b.feed(a.ID, id)
		}
	}
}
