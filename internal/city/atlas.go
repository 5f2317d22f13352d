package city

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/peterstace/simplefeatures/geom"
	"github.com/tidwall/rtree"
)

// atlas answers what lies where. It is built once from all areas and never changed, so it needs no lock.
type atlas struct {
	byKey map[string]*node
	byID  map[int64]*node
	tree  rtree.RTreeG[*node]
	cells int // how many areas are grid cells
	tops  int // how many areas lie in no other; top is one of them
	top   *node
	towns bool // some are of the level "town"
	// min and max are the box around all areas; they mean nothing while there are none.
	min, max [2]float64
}

// node is an area in the atlas. id is 0 for an area that an import is only about to add.
type node struct {
	id       int64
	key      string // external id
	level    string
	name     Name
	parent   *node
	depth    int
	shape    geom.Geometry
	prepared geom.PreparedGeometry
	min, max [2]float64
}

// plot is what an atlas is made from.
type plot struct {
	id                 int64
	key, level, parent string
	name               Name
	shape              geom.Geometry
}

// misshapen is an area that can't be looked up by a position.
type misshapen struct {
	key string
	why error
}

func (m *misshapen) Error() string { return fmt.Sprintf("area %s: %v", m.key, m.why) }

// newAtlas builds an atlas. Parents that are not among the plots, and circles, are the caller's to refuse first; here they
// are cut off.
func newAtlas(plots []plot) (*atlas, error) {
	a := &atlas{byKey: make(map[string]*node, len(plots)), byID: make(map[int64]*node, len(plots))}
	for _, p := range plots {
		n := &node{id: p.id, key: p.key, level: p.level, name: p.name, shape: p.shape}
		var ok bool
		if n.min, n.max, ok = box(p.shape); !ok {
			return nil, &misshapen{p.key, errors.New("it has no geometry")}
		}
		var err error
		if n.prepared, err = geom.Prepare(p.shape); err != nil {
			return nil, &misshapen{p.key, err}
		}
		// The library fills the index of a prepared geometry at its first use, without a lock: make that use here.
		if _, err := n.prepared.Covers(geom.NewPointXY(n.min[0], n.min[1]).AsGeometry()); err != nil {
			return nil, &misshapen{p.key, err}
		}
		if len(a.byKey) == 0 {
			a.min, a.max = n.min, n.max
		}
		for i := range 2 {
			a.min[i], a.max[i] = min(a.min[i], n.min[i]), max(a.max[i], n.max[i])
		}
		a.byKey[n.key] = n
		if n.id != 0 {
			a.byID[n.id] = n
		}
		if n.level == GridLevel {
			a.cells++
		}
		a.towns = a.towns || n.level == TownLevel
		a.tree.Insert(n.min, n.max, n)
	}
	for _, p := range plots {
		a.byKey[p.key].parent = a.byKey[p.parent]
	}
	for _, n := range a.byKey {
		if n.parent == nil {
			a.tops, a.top = a.tops+1, n
		}
		for up := n.parent; up != nil && n.depth <= len(plots); up = up.parent {
			n.depth++
		}
	}
	return a, nil
}

// empty says whether there are no areas.
func (a *atlas) empty() bool { return a == nil || len(a.byKey) == 0 }

// at is the smallest area at a point: a grid cell if there is one, else the deepest area, and of several (on a border) the
// one whose external id sorts first. nil where there is none.
func (a *atlas) at(x, y float64) *node {
	for _, n := range a.candidates(x, y) {
		if n.covers(x, y) {
			return n
		}
	}
	return nil
}

// cellsAt are the grid cells at a point. More than one means a point on a border, where the first counts, or cells that
// overlap: inside says that the point lies within more than one of them.
func (a *atlas) cellsAt(x, y float64) (cells []*node, inside int) {
	for _, n := range a.candidates(x, y) {
		if n.level == GridLevel && n.covers(x, y) {
			cells = append(cells, n)
			if n.holds(x, y) {
				inside++
			}
		}
	}
	return cells, inside
}

// candidates are the areas whose box holds the point, in the order in which they are to be asked.
func (a *atlas) candidates(x, y float64) []*node {
	if a == nil {
		return nil
	}
	var found []*node
	p := [2]float64{x, y}
	a.tree.Search(p, p, func(_, _ [2]float64, n *node) bool {
		found = append(found, n)
		return true
	})
	slices.SortFunc(found, func(n, m *node) int {
		if (n.level == GridLevel) != (m.level == GridLevel) {
			if n.level == GridLevel {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(m.depth, n.depth), cmp.Compare(n.key, m.key))
	})
	return found
}

// covers says whether the point lies in the area or on its border.
func (n *node) covers(x, y float64) bool {
	ok, err := n.prepared.Covers(geom.NewPointXY(x, y).AsGeometry())
	return ok && err == nil
}

// holds says whether the point lies in the area and not on its border.
func (n *node) holds(x, y float64) bool {
	ok, err := n.prepared.Contains(geom.NewPointXY(x, y).AsGeometry())
	return ok && err == nil
}

// within says whether the area is m or lies in it, by parents.
func (n *node) within(m *node) bool {
	for up := n; up != nil; up = up.parent {
		if up == m {
			return true
		}
	}
	return false
}

// box is a shape's bounding box; ok is false for an empty shape.
func box(g geom.Geometry) (lo, hi [2]float64, ok bool) {
	minXY, ok1 := g.Envelope().Min().XY()
	maxXY, ok2 := g.Envelope().Max().XY()
	return [2]float64{minXY.X, minXY.Y}, [2]float64{maxXY.X, maxXY.Y}, ok1 && ok2
}

// pointOf is a point on the shape that stands for it: where its sign is drawn and in which area it counts.
func pointOf(g geom.Geometry) (x, y float64, ok bool) {
	xy, ok := g.PointOnSurface().XY()
	return xy.X, xy.Y, ok
}
