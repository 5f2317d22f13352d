package city

import (
	"testing"

	"github.com/peterstace/simplefeatures/geom"
)

// register is a city of areas alone.
func register(t *testing.T, plots ...plot) *Service {
	t.Helper()
	a, err := newAtlas(plots)
	if err != nil {
		t.Fatal(err)
	}
	s := &Service{}
	s.picture.Store(&picture{areas: a, assets: map[int64]Spot{7: {Asset: 7}, 8: {Asset: 8}}})
	return s
}

func TestAboveGrid(t *testing.T) {
	square := func(w float64) geom.Geometry {
		g, err := geom.UnmarshalWKT("POLYGON((0 0,0 1,1 1,1 0,0 0))")
		if err != nil {
			t.Fatal(err)
		}
		return g.TransformXY(func(p geom.XY) geom.XY { return geom.XY{X: p.X * w, Y: p.Y * w} })
	}
	city := plot{id: 1, key: "city", level: "district", shape: square(9)}
	cell := plot{id: 3, key: "cell", level: GridLevel, parent: "town", shape: square(1)}
	lone := plot{id: 4, key: "lone", level: GridLevel, shape: square(1)}
	s := register(t, city, plot{id: 2, key: "town", level: TownLevel, parent: "city", shape: square(3)}, cell, lone)
	for area, want := range map[int64]int64{1: 1, 2: 2, 3: 2, 4: 0, 99: 0} {
		if got := s.AboveGrid(area); got != want {
			t.Errorf("above %d is %d, want %d", area, got, want)
		}
	}
	// A town is told of for all that lies in it; what lies in none is told of for none.
	for area, want := range map[int64]int64{1: 0, 2: 2, 3: 2, 4: 0, 99: 0} {
		if got := s.Town(area); got != want {
			t.Errorf("town of %d is %d, want %d", area, got, want)
		}
	}
	// Two areas lie in no other: neither is the whole city.
	if got := s.WholeCity(); got != 0 {
		t.Errorf("the whole city is %d of two", got)
	}
	// A register that names no towns has the areas above its grid in their stead.
	bare := register(t, city, plot{id: 2, key: "town", level: "ward", parent: "city", shape: square(3)}, cell)
	for area, want := range map[int64]int64{1: 1, 2: 2, 3: 2} {
		if got := bare.Town(area); got != want {
			t.Errorf("without towns, town of %d is %d, want %d", area, got, want)
		}
	}
	if got := bare.WholeCity(); got != 1 {
		t.Errorf("the whole city is %d", got)
	}
	n := 0
	s.EachAsset(func(Spot) { n++ })
	if n != 2 {
		t.Errorf("%d assets, want 2", n)
	}
}
