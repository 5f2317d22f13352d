package city

import (
	"testing"

	"github.com/peterstace/simplefeatures/geom"
)

func TestAboveGrid(t *testing.T) {
	square := func(w float64) geom.Geometry {
		g, err := geom.UnmarshalWKT("POLYGON((0 0,0 1,1 1,1 0,0 0))")
		if err != nil {
			t.Fatal(err)
		}
		return g.TransformXY(func(p geom.XY) geom.XY { return geom.XY{X: p.X * w, Y: p.Y * w} })
	}
	a, err := newAtlas([]plot{
		{id: 1, key: "city", level: "district", shape: square(9)},
		{id: 2, key: "town", level: "town", parent: "city", shape: square(3)},
		{id: 3, key: "cell", level: GridLevel, parent: "town", shape: square(1)},
		{id: 4, key: "lone", level: GridLevel, shape: square(1)},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &Service{}
	s.picture.Store(&picture{areas: a, assets: map[int64]Spot{7: {Asset: 7}, 8: {Asset: 8}}})
	for area, want := range map[int64]int64{1: 1, 2: 2, 3: 2, 4: 0, 99: 0} {
		if got := s.AboveGrid(area); got != want {
			t.Errorf("above %d is %d, want %d", area, got, want)
		}
	}
	n := 0
	s.EachAsset(func(Spot) { n++ })
	if n != 2 {
		t.Errorf("%d assets, want 2", n)
	}
}
