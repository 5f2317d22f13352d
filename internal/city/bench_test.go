package city

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// gridCity is a city of n by n grid cells whose inner corners are shifted, so that cells are no rectangles.
func gridCity(n int) string {
	r := rand.New(rand.NewPCG(1, 2))
	const west, south, size = 113.0, 23.0, 0.005
	corner := make([][][2]float64, n+1)
	for i := range corner {
		corner[i] = make([][2]float64, n+1)
		for j := range corner[i] {
			x, y := west+float64(i)*size, south+float64(j)*size
			if i > 0 && i < n && j > 0 && j < n {
				x, y = x+(r.Float64()-0.5)*size/3, y+(r.Float64()-0.5)*size/3
			}
			corner[i][j] = [2]float64{rounded(x), rounded(y)}
		}
	}
	var b strings.Builder
	b.WriteString("external_id,level,name_en,parent,geometry\n")
	e := number(rounded(west + float64(n)*size))
	top := number(rounded(south + float64(n)*size))
	fmt.Fprintf(&b, "D,district,District,,\"POLYGON((113 23,%[1]s 23,%[1]s %[2]s,113 %[2]s,113 23))\"\n", e, top)
	at := func(c [2]float64) string { return number(c[0]) + " " + number(c[1]) }
	for i := range n {
		for j := range n {
			a, z, c, d := corner[i][j], corner[i+1][j], corner[i+1][j+1], corner[i][j+1]
			fmt.Fprintf(&b, "G%d-%d,grid,Cell,D,\"POLYGON((%s,%s,%s,%s,%s))\"\n", i, j, at(a), at(z), at(c), at(d), at(a))
		}
	}
	return b.String()
}

func BenchmarkAreaAt(b *testing.B) {
	const n = 71 // 5,041 cells
	w := empty(b, dbtest.SQLite(b, roomMigrations...))
	start := time.Now()
	w.must(Areas, "grid.csv", gridCity(n))
	b.Logf("%d cells imported in %.2f s", n*n, time.Since(start).Seconds())
	r := rand.New(rand.NewPCG(3, 4))
	b.ReportAllocs()
	for b.Loop() {
		if len(w.AreaAt(113+r.Float64()*n*0.005, 23+r.Float64()*n*0.005)) != 2 {
			b.Fatal("no cell")
		}
	}
}

// BenchmarkImport takes 100,000 assets at 10,000 places into an empty register, and the same file again.
func BenchmarkImport(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { benchmarkImport(b, func() *db.DB { return dbtest.SQLite(b, roomMigrations...) }) })
	b.Run("postgres", func(b *testing.B) { benchmarkImport(b, func() *db.DB { return dbtest.Postgres(b, roomMigrations...) }) })
}

func benchmarkImport(b *testing.B, open func() *db.DB) {
	const assets, perPlace = 100_000, 10
	r := rand.New(rand.NewPCG(5, 6))
	var places, list bytes.Buffer
	places.WriteString("external_id,name_en,name_zh,address,lon,lat\n")
	for i := range assets / perPlace {
		fmt.Fprintf(&places, "P%d,Building %d,人民路 %d 号,人民路 %d 号,%.6f,%.6f\n", i, i, i, i, 113+r.Float64()*0.35, 23+r.Float64()*0.35)
	}
	list.WriteString("external_id,kind,name_en,name_zh,place,lon,lat,properties.model,properties.installed\n")
	for i := range assets {
		fmt.Fprintf(&list, "A%d,gas/kitchen-alarm,Alarm %d,报警器 %d,P%d,%.6f,%.6f,KA-%d,2024-05-01\n", i, i, i, i/perPlace, 113+r.Float64()*0.35, 23+r.Float64()*0.35, i%9)
	}
	for b.Loop() {
		w := empty(b, open())
		w.must(Areas, "grid.csv", gridCity(71))
		start := time.Now()
		w.must(Places, "places.csv", places.String())
		b.ReportMetric(time.Since(start).Seconds(), "s/10k-places")
		start = time.Now()
		w.must(Assets, "assets.csv", list.String())
		b.ReportMetric(time.Since(start).Seconds(), "s/100k-assets")
		start = time.Now()
		if rep := w.must(Assets, "assets.csv", list.String()); rep.Unchanged != assets {
			b.Fatalf("%+v", rep)
		}
		b.ReportMetric(time.Since(start).Seconds(), "s/again")
		start = time.Now()
		if _, total, err := w.MissingDuties(w.ctx, 1); err != nil || total == 0 {
			b.Fatal(total, err)
		}
		b.ReportMetric(time.Since(start).Seconds(), "s/missing-duties")
		w.DB.Close()
	}
}
