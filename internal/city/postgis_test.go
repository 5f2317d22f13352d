package city

import (
	"database/sql"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/peterstace/simplefeatures/geom"
	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// The areas that the atlas finds at a point are those that PostGIS finds, inside, on the border and at the corners, for
// shapes with holes and for several parts. Coordinates lie on a lattice, where both engines compute without rounding.
func TestAtlasAgreesWithPostGIS(t *testing.T) {
	if found, _ := filepath.Glob("/usr/share/postgresql/*/extension/postgis.control"); len(found) == 0 {
		t.Skip("PostGIS is not installed: apt-get install postgresql-15-postgis-3")
	}
	pg, err := sql.Open("pgx", dbtest.PostgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close()
	if _, err := pg.ExecContext(t.Context(), "create extension if not exists postgis"); err != nil {
		t.Fatal(err)
	}
	points := 0
	rapid.Check(t, func(t *rapid.T) {
		shape := drawShape(t)
		if shape.Validate() != nil {
			t.Skip("crosses itself")
		}
		a, err := newAtlas([]plot{{id: 1, key: "x", level: GridLevel, shape: shape}})
		if err != nil {
			t.Fatal(err)
		}
		var xs, ys []string
		var covers, holds []bool
		probe := func(x, y float64) {
			xs, ys = append(xs, number(x)), append(ys, number(y))
			n := a.at(x, y)
			covers = append(covers, n != nil)
			holds = append(holds, n != nil && n.holds(x, y))
		}
		seq := shape.DumpCoordinates()
		for i := range seq.Length() {
			p := seq.GetXY(i)
			probe(p.X, p.Y)
			if i > 0 {
				q := seq.GetXY(i - 1)
				probe((p.X+q.X)/2, (p.Y+q.Y)/2) // on an edge, or between two rings
			}
		}
		for range 30 {
			probe(lattice(t, "x"), lattice(t, "y"))
		}
		rows, err := pg.Query(fmt.Sprintf(`select st_covers(g, p), st_contains(g, p) from st_geomfromtext($1) g,
			unnest(array[%s]::float8[], array[%s]::float8[]) with ordinality u(x, y, n), lateral st_makepoint(x, y) p order by n`,
			strings.Join(xs, ","), strings.Join(ys, ",")), shape.AsText())
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for i := 0; rows.Next(); i++ {
			var c, h bool
			if err := rows.Scan(&c, &h); err != nil {
				t.Fatal(err)
			}
			points++
			if c != covers[i] || h != holds[i] {
				t.Fatalf("%s at %s %s: covers %v, holds %v; PostGIS %v, %v", shape.AsText(), xs[i], ys[i], covers[i], holds[i], c, h)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("%d points compared", points)
}

// lattice is a coordinate that is a multiple of 1/1024.
func lattice(t *rapid.T, name string) float64 {
	return 113 + float64(rapid.IntRange(0, 512).Draw(t, name))/1024
}

// drawShape draws one to three stars, the first perhaps with a hole.
func drawShape(t *rapid.T) geom.Geometry {
	var polygons []geom.Polygon
	for i := range rapid.IntRange(1, 3).Draw(t, "parts") {
		x, y := 113+float64(100+200*i)/1024, 113+float64(rapid.IntRange(100, 400).Draw(t, "y"))/1024
		rings := []geom.LineString{star(t, x, y, 40, 99)}
		if rapid.Bool().Draw(t, "hole") {
			rings = append(rings, star(t, x, y, 5, 30))
		}
		polygons = append(polygons, geom.NewPolygon(rings))
	}
	return geom.NewMultiPolygon(polygons).AsGeometry()
}

func star(t *rapid.T, x, y float64, least, most int) geom.LineString {
	var xy []float64
	n := rapid.IntRange(3, 12).Draw(t, "corners")
	for i := range n {
		r := float64(rapid.IntRange(least, most).Draw(t, "radius"))
		angle := 2 * math.Pi * float64(i) / float64(n)
		xy = append(xy, x+math.Round(r*math.Cos(angle))/1024, y+math.Round(r*math.Sin(angle))/1024)
	}
	return geom.NewLineStringXY(append(xy, xy[0], xy[1])...)
}
