package main

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/platform/textfile"
)

// instruments are the columns of the observations, by their place on the fence.
var instruments = []string{"E", "N", "NE", "NW", "S", "SE", "SW", "W"}

// row is one minute: ppm of each instrument, NaN where it is missing, and the wind, NaN likewise.
type row struct {
	at        int64 // µs
	ppm       []float64
	windSpeed float64 // m/s
	windDir   float64 // radians; see convention for how they count
}

// release is one controlled release.
type release struct {
	start, end int64 // µs
	point      string
	lat, lon   float64
	gramsHour  float64
}

// readRows reads the one file of observations, in the order of time; of several rows of one minute the first counts.
func readRows(dir string) ([]row, error) {
	found, err := filepath.Glob(filepath.Join(dir, "obs_1min_*.csv*"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("%s: want one obs_1min_*.csv or .csv.gz, found %d", dir, len(found))
	}
	name := filepath.Base(found[0])
	records, err := readCSV(dir, name)
	if err != nil {
		return nil, err
	}
	columns := []string{"time_utc", "wind_speed_m_s", "wind_dir_rad"}
	for _, i := range instruments {
		columns = append(columns, "ch4_ppm_"+i)
	}
	at, err := places(name, records, columns)
	if err != nil {
		return nil, err
	}
	var out []row
	for i, r := range records[1:] {
		cell := func(c int) string { // a row may be cut short
			if c < len(r) {
				return r[c]
			}
			return ""
		}
		t, err := moments(cell(at[0]))
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", name, i+2, err)
		}
		x := row{at: t, windSpeed: number(cell(at[1])), windDir: number(cell(at[2]))}
		for _, c := range at[3:] {
			x.ppm = append(x.ppm, number(cell(c)))
		}
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b row) int { return cmp.Compare(a.at, b.at) })
	out = slices.CompactFunc(out, func(a, b row) bool { return a.at == b.at })
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no readings", name)
	}
	return out, nil
}

// moments reads a time as the files of the site write it, UTC where it says no offset.
func moments(cell string) (int64, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, strings.TrimSpace(cell)); err == nil {
			return t.UnixMicro(), nil
		}
	}
	return 0, fmt.Errorf("%q is no time such as 2022-05-09T06:00:00Z", cell)
}

// places are the columns' positions in a file with a header.
func places(file string, records [][]string, columns []string) ([]int, error) {
	var out []int
	for _, c := range columns {
		i := -1
		if len(records) > 0 {
			i = slices.IndexFunc(records[0], func(h string) bool { return strings.TrimSpace(h) == c })
		}
		if i < 0 {
			return nil, fmt.Errorf("%s: no column %s", file, c)
		}
		out = append(out, i)
	}
	return out, nil
}

// number is a cell's number, NaN where there is none.
func number(cell string) float64 {
	v, err := strconv.ParseFloat(strings.TrimSpace(cell), 64)
	if err != nil || math.IsInf(v, 0) {
		return math.NaN()
	}
	return v
}

// readReleases are the releases that overlap the observations, in the order of time.
func readReleases(dir string, from, to int64) ([]release, error) {
	const name = "controlled_releases.csv"
	records, err := readCSV(dir, name)
	if err != nil {
		return nil, err
	}
	at, err := places(name, records, []string{"tc_ExpStartDatetime", "tc_ExpEndDatetime", "tc_EPID", "tc_Latitude", "tc_Longitude", "tc_C1MassFlow"})
	if err != nil {
		return nil, err
	}
	var out []release
	for i, r := range records[1:] {
		x := release{point: strings.TrimSpace(r[at[2]]), lat: number(r[at[3]]), lon: number(r[at[4]]), gramsHour: number(r[at[5]])}
		for n, into := range []*int64{&x.start, &x.end} {
			if *into, err = moments(r[at[n]]); err != nil {
				return nil, fmt.Errorf("%s: line %d: %w", name, i+2, err)
			}
		}
		if x.end > from && x.start <= to {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b release) int { return cmp.Compare(a.start, b.start) })
	return out, nil
}

// location is a line of sensor_locations.csv or source_locations.csv.
type location struct {
	name             string
	lat, lon, height float64 // degrees, m
}

func readLocations(dir, name string) ([]location, error) {
	records, err := readCSV(dir, name)
	if err != nil {
		return nil, err
	}
	at, err := places(name, records, []string{"name", "lat", "lon", "height"})
	if err != nil {
		return nil, err
	}
	var out []location
	for i, r := range records[1:] {
		l := location{strings.TrimSpace(r[at[0]]), number(r[at[1]]), number(r[at[2]]), number(r[at[3]])}
		if math.IsNaN(l.lat + l.lon + l.height) {
			return nil, fmt.Errorf("%s: line %d: not a place", name, i+2)
		}
		out = append(out, l)
	}
	return out, nil
}

func readCSV(dir, name string) ([][]string, error) {
	f, err := textfile.Open(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows := csv.NewReader(f)
	rows.FieldsPerRecord = -1
	records, err := rows.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return records, nil
}
