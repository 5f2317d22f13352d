package main

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/methods/forecast"
	"github.com/anlan-city/anlan/internal/platform/textfile"
)

// reading is one level (m) of a gauge, 0 being the uppermost.
type reading struct {
	gauge int
	at    int64
	x     float64
}

// record is a folder of recorded levels.
type record struct {
	names    []string // of the gauges, downstream
	least    []int64  // shortest travel time between neighbours that is possible
	readings []reading
}

func read(dir string) (*record, error) {
	names, least, err := stations(filepath.Join(dir, "stations_approx.csv"))
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "river_levels.csv.gz")
	f, err := textfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	path = f.Name()
	rec := &record{names: names, least: least}
	rows := csv.NewReader(f)
	rows.FieldsPerRecord = -1
	var column [3]int
	spoken := make([]bool, len(names))
	for n := 1; ; n++ {
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if n == 1 {
			for i, name := range []string{"station", "dateTime", "value"} {
				if column[i] = slices.IndexFunc(row, func(h string) bool { return strings.TrimSpace(h) == name }); column[i] < 0 {
					return nil, fmt.Errorf("%s: no column %s", path, name)
				}
			}
			continue
		}
		if len(row) <= slices.Max(column[:]) {
			continue
		}
		value := strings.TrimSpace(row[column[2]])
		if value == "" || strings.EqualFold(value, "nan") || strings.EqualFold(value, "null") {
			continue
		}
		i := slices.Index(names, row[column[0]])
		if i < 0 {
			return nil, fmt.Errorf("%s:%d: station %q is not in stations_approx.csv", path, n, row[column[0]])
		}
		at, err := clock(row[column[1]])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: dateTime: %w", path, n, err)
		}
		x, err := strconv.ParseFloat(value, 64)
		if err != nil || math.IsInf(x, 0) {
			return nil, fmt.Errorf("%s:%d: value: %q is no level", path, n, value)
		}
		rec.readings = append(rec.readings, reading{i, at, x})
		spoken[i] = true
	}
	for i, name := range names {
		if !spoken[i] {
			return nil, fmt.Errorf("%s: no reading of %s; take it out of stations_approx.csv", path, name)
		}
	}
	// Days come newest first: putting readings in order is the engine's work, done here by sorting.
	slices.SortFunc(rec.readings, func(a, b reading) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.gauge, b.gauge)) })
	return rec, nil
}

// clock reads a time, UTC where it says no offset.
func clock(cell string) (int64, error) {
	for _, layout := range []string{"2006-01-02 15:04:05Z07:00", time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, strings.TrimSpace(cell)); err == nil {
			return t.UnixMicro(), nil
		}
	}
	return 0, fmt.Errorf("%q is no time such as 2022-11-16 00:00:00+00:00", cell)
}

// stations reads the gauges in their order, and how long a wave at forecast.Fastest takes along the straight lines between
// them.
func stations(path string) (names []string, least []int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(rows) < 3 {
		return nil, nil, fmt.Errorf("%s: fewer than two gauges", path)
	}
	var column [4]int
	for i, name := range []string{"station", "order_downstream", "lat_approx", "lon_approx"} {
		if column[i] = slices.Index(rows[0], name); column[i] < 0 {
			return nil, nil, fmt.Errorf("%s: no column %s", path, name)
		}
	}
	type gauge struct {
		name            string
		order, lat, lon float64
	}
	var gauges []gauge
	for n, r := range rows[1:] {
		g := gauge{name: r[column[0]]}
		for i, x := range []*float64{&g.order, &g.lat, &g.lon} {
			if *x, err = strconv.ParseFloat(r[column[i+1]], 64); err != nil {
				return nil, nil, fmt.Errorf("%s:%d: %w", path, n+2, err)
			}
		}
		gauges = append(gauges, g)
	}
	slices.SortFunc(gauges, func(a, b gauge) int { return cmp.Compare(a.order, b.order) })
	for i, g := range gauges {
		names = append(names, g.name)
		if i > 0 {
			const degree = 111.2e3 // m
			h := gauges[i-1]
			way := degree * math.Hypot(g.lat-h.lat, (g.lon-h.lon)*math.Cos(g.lat*math.Pi/180))
			least = append(least, int64(way/forecast.Fastest*1e6))
		}
	}
	return names, least, nil
}

// levels lays each gauge's readings on the steps from the first at which all have spoken to the last; in between on
// straight lines. Only the fitting and the truth are read from it; the forecasts are made from the readings.
func (rec *record) levels() (first int64, out [][]float64) {
	n := len(rec.names)
	begin, last := make([]int64, n), make([]reading, n)
	end := int64(0)
	for _, r := range rec.readings {
		if begin[r.gauge] == 0 {
			begin[r.gauge] = r.at
		}
		end = max(end, r.at)
	}
	first = (slices.Max(begin) + step - 1) / step
	out = make([][]float64, n)
	for i := range out {
		out[i] = make([]float64, end/step-first+1)
	}
	for _, r := range rec.readings {
		if p := last[r.gauge]; p.at != 0 && r.at > p.at {
			for k := max(p.at/step+1, first); k <= r.at/step; k++ {
				out[r.gauge][k-first] = p.x + (r.x-p.x)*float64(k*step-p.at)/float64(r.at-p.at)
			}
		} else if p.at == 0 && r.at/step >= first {
			out[r.gauge][r.at/step-first] = r.x
		}
		last[r.gauge] = r
	}
	for i, r := range last { // a gauge that ends early stays where it was
		for k := r.at/step + 1; k <= end/step; k++ {
			out[i][k-first] = r.x
		}
	}
	return first, out
}
