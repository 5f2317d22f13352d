package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/anlan-city/anlan/internal/platform/textfile"
)

// hours is one hourly series, NaN where it is missing, and what else was measured in the same hours.
type hours struct {
	name   string
	begin  int64 // µs of the first; local time, as the habits follow the clock on the wall
	x      []float64
	inputs [][]float64
}

func (h *hours) at(k int) int64 { return h.begin + int64(k)*hour }

// set writes a value into its hour and leaves NaN where hours are skipped.
func (h *hours) set(at int64, x float64, inputs []float64) {
	if len(h.x) == 0 {
		h.begin = at
	}
	if at < h.begin { // rows may come in any order
		h.pad(at, h.begin+int64(len(h.x)-1)*hour)
	}
	k := int((at - h.begin) / hour)
	for len(h.x) <= k {
		h.x = append(h.x, math.NaN())
		h.inputs = append(h.inputs, nil)
	}
	h.x[k], h.inputs[k] = x, inputs
}

// pad makes the series begin and end at those hours, where it does so later or sooner, with hours that are missing.
func (h *hours) pad(begin, end int64) {
	if n := int((h.begin - begin + hour - 1) / hour); n > 0 {
		gap := make([]float64, n)
		for i := range gap {
			gap[i] = math.NaN()
		}
		h.x, h.inputs = append(gap, h.x...), append(make([][]float64, n), h.inputs...)
		h.begin -= int64(n) * hour
	}
	for h.at(len(h.x)-1) < end {
		h.x, h.inputs = append(h.x, math.NaN()), append(h.inputs, nil)
	}
}

// table reads a CSV file row by row.
func table(path string, row func(cell func(string) string) error) error {
	f, err := textfile.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := csv.NewReader(f)
	head, err := r.Read()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for n := 2; ; n++ {
		cells, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = row(func(name string) string {
				if i := slices.Index(head, name); i >= 0 {
					return cells[i]
				}
				return ""
			})
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", path, n, err)
		}
	}
}

func number(s string) float64 {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return math.NaN() // NA
	}
	return x
}

var zones = []string{"ERCOT", "COAST", "EAST", "FWEST", "NORTH", "NCENT", "SOUTH", "SCENT", "WEST"}

func load(path string) ([]*hours, error) {
	var out []*hours
	for _, z := range zones {
		out = append(out, &hours{name: z})
	}
	err := table(path, func(cell func(string) string) error {
		at, err := time.Parse("2006-01-02T15:04:05", cell("time"))
		if err != nil {
			return err
		}
		for i, z := range zones {
			out[i].set(at.UnixMicro(), number(cell(z)), nil)
		}
		return nil
	})
	return out, err
}

// weather is what an air station measures beside PM2.5, in units of about one.
func weather(cell func(string) string) []float64 {
	wind := number(cell("WSPM"))
	north, east := compass(cell("wd"))
	return []float64{math.Log1p(wind), wind * north / 3, wind * east / 3}
}

func compass(wd string) (north, east float64) {
	points := []string{"N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW"}
	i := slices.Index(points, wd)
	if i < 0 {
		return math.NaN(), math.NaN()
	}
	a := 2 * math.Pi * float64(i) / 16
	return math.Cos(a), math.Sin(a)
}

func air(path string) ([]*hours, error) {
	byName := map[string]*hours{}
	var out []*hours
	err := table(path, func(cell func(string) string) error {
		name := cell("station")
		h := byName[name]
		if h == nil {
			h = &hours{name: name}
			byName[name] = h
			out = append(out, h)
		}
		at, err := time.Parse("2006-1-2 15", cell("year")+"-"+cell("month")+"-"+cell("day")+" "+cell("hour"))
		if err != nil {
			return err
		}
		h.set(at.UnixMicro(), number(cell("PM2.5")), weather(cell))
		return nil
	})
	return out, err
}
