package main

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// instruments are the columns of the observations, by their place on the fence.
var instruments = []string{"E", "N", "NE", "NW", "S", "SE", "SW", "W"}

// row is one minute: ppm of each instrument, NaN where it is missing, and the wind.
type row struct {
	at      int64 // µs
	ppm     []float64
	windDir float64 // radians; which way they count is not stated, and does not matter here
}

// release is one controlled release.
type release struct {
	start, end int64 // µs
	point      string
	gramsHour  float64
}

func readRows(dir string) ([]row, error) {
	f, err := os.Open(filepath.Join(dir, "obs_1min_2022-05-09_15.csv.gz"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	records, err := csv.NewReader(z).ReadAll()
	if err != nil {
		return nil, err
	}
	var out []row
	for i, r := range records[1:] {
		t, err := time.Parse(time.RFC3339, r[0])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+2, err)
		}
		x := row{at: t.UnixMicro()}
		for _, cell := range r[1 : 1+len(instruments)] {
			v := math.NaN()
			if cell != "" {
				if v, err = strconv.ParseFloat(cell, 64); err != nil {
					return nil, fmt.Errorf("line %d: %w", i+2, err)
				}
			}
			x.ppm = append(x.ppm, v)
		}
		if x.windDir, err = strconv.ParseFloat(r[2+len(instruments)], 64); err != nil {
			x.windDir = math.NaN()
		}
		out = append(out, x)
	}
	return out, nil
}

// readReleases are the releases that overlap the observations, in the order of time.
func readReleases(dir string, from, to int64) ([]release, error) {
	f, err := os.Open(filepath.Join(dir, "controlled_releases.csv"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	column := func(name string) int { return slices.Index(records[0], name) }
	start, end, point, flow := column("tc_ExpStartDatetime"), column("tc_ExpEndDatetime"), column("tc_EPID"), column("tc_C1MassFlow")
	var out []release
	for i, r := range records[1:] {
		var x release
		for _, t := range []struct {
			cell string
			into *int64
		}{{r[start], &x.start}, {r[end], &x.end}} {
			at, err := time.Parse("2006-01-02 15:04:05-07:00", t.cell)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+2, err)
			}
			*t.into = at.UnixMicro()
		}
		x.point = strings.TrimSpace(r[point])
		x.gramsHour, _ = strconv.ParseFloat(r[flow], 64)
		if x.end > from && x.start <= to {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b release) int { return int((a.start - b.start) / 1e6) })
	return out, nil
}
