package main

import (
	"cmp"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
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
	readings []reading
}

func read(dir string) (*record, error) {
	names, err := stations(filepath.Join(dir, "stations_approx.csv"))
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "river_levels.csv.gz")
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	rec := &record{names: names}
	rows := csv.NewReader(z)
	for n := 1; ; n++ {
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if n == 1 || len(row) < 3 || row[2] == "" {
			continue
		}
		i := slices.Index(names, row[0])
		if i < 0 {
			return nil, fmt.Errorf("%s:%d: station %q is not in stations_approx.csv", path, n, row[0])
		}
		at, err := time.Parse("2006-01-02 15:04:05Z07:00", row[1])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: dateTime: %w", path, n, err)
		}
		x, err := strconv.ParseFloat(row[2], 64)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: value: %w", path, n, err)
		}
		rec.readings = append(rec.readings, reading{i, at.UnixMicro(), x})
	}
	// Days come newest first: putting readings in order is the engine's work, done here by sorting.
	slices.SortFunc(rec.readings, func(a, b reading) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.gauge, b.gauge)) })
	return rec, nil
}

func stations(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	name, order := slices.Index(rows[0], "station"), slices.Index(rows[0], "order_downstream")
	if name < 0 || order < 0 {
		return nil, fmt.Errorf("%s: no column station or order_downstream", path)
	}
	slices.SortFunc(rows[1:], func(a, b []string) int {
		i, _ := strconv.Atoi(a[order])
		j, _ := strconv.Atoi(b[order])
		return cmp.Compare(i, j)
	})
	var out []string
	for _, r := range rows[1:] {
		out = append(out, r[name])
	}
	return out, nil
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
