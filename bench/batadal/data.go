package main

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/methods/joint"
)

const recorded = "batadal_normal_2014_and_attacks_2016.csv.gz"

// table is a file of hourly rows.
type table struct {
	names   []string
	at      []int64 // µs; the files state no zone, so their clock is taken as UTC
	rows    [][]float64
	attack  []bool
	flagged bool // ATT_FLAG is there and says something: 0 or 1 somewhere
}

// readTable reads a CSV file, plain or gzip. A missing or unreadable cell is NaN, a missing column is an error where it
// is needed.
func readTable(path string) (*table, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if raw, err = io.ReadAll(z); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	t, err := parse(bytes.TrimPrefix(raw, []byte("\ufeff")))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

func parse(raw []byte) (*table, error) {
	r := csv.NewReader(bytes.NewReader(raw))
	r.FieldsPerRecord, r.TrimLeadingSpace = -1, true
	if first, _, _ := bytes.Cut(raw, []byte("\n")); bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		r.Comma = ';'
	}
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	t, flag, when := &table{}, -1, -1
	var from []int
	for i, name := range header {
		switch name = strings.TrimSpace(name); strings.ToUpper(name) {
		case "DATETIME":
			when = i
		case "ATT_FLAG":
			flag = i
		case "":
		default:
			t.names, from = append(t.names, name), append(from, i)
		}
	}
	if when < 0 {
		return nil, errors.New("line 1: no column DATETIME")
	}
	for line := 2; ; line++ {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if when >= len(cells) {
			return nil, fmt.Errorf("line %d: no DATETIME", line)
		}
		at, err := clock(cells[when])
		if err != nil {
			return nil, fmt.Errorf("line %d: DATETIME: %w", line, err)
		}
		row := make([]float64, len(from))
		for k, i := range from {
			row[k] = number(cells, i)
		}
		f := number(cells, flag)
		t.at, t.rows, t.attack = append(t.at, at), append(t.rows, row), append(t.attack, f == 1)
		t.flagged = t.flagged || f == 0 || f == 1
	}
	if len(t.rows) == 0 {
		return nil, errors.New("no rows")
	}
	return t, nil
}

func number(cells []string, i int) float64 {
	if i < 0 || i >= len(cells) {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(cells[i]), 64)
	if err != nil || math.IsInf(v, 0) {
		return math.NaN()
	}
	return v
}

func clock(s string) (int64, error) {
	s = strings.TrimSpace(s)
	for _, layout := range []string{"2/1/06 15", "2/1/2006 15", "2/1/06 15:04", "2/1/2006 15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02 15", time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UnixMicro(), nil
		}
	}
	return 0, fmt.Errorf("%q is no time like 31/12/14 23", s)
}

// normalYear is the rows before the first gap of over a day: the contest's data set 03.
func (t *table) normalYear() *table {
	end := len(t.at)
	for i := 1; i < len(t.at); i++ {
		if t.at[i]-t.at[i-1] > 24*hour {
			end = i
			break
		}
	}
	return t.slice(0, end)
}

func (t *table) slice(from, to int) *table {
	return &table{names: t.names, at: t.at[from:to], rows: t.rows[from:to], attack: t.attack[from:to], flagged: t.flagged}
}

// column is the values of a column.
func (t *table) column(k int) []float64 {
	x := make([]float64, len(t.rows))
	for i, row := range t.rows {
		x[i] = row[k]
	}
	return x
}

// columns lays the rows out in the order of names.
func (t *table) columns(names []string) (*table, error) {
	o := *t
	o.names, o.rows = names, make([][]float64, len(t.rows))
	for i := range o.rows {
		o.rows[i] = make([]float64, len(names))
	}
	for k, name := range names {
		from := slices.Index(t.names, name)
		if from < 0 {
			return nil, fmt.Errorf("no column %s", name)
		}
		for i, row := range t.rows {
			o.rows[i][k] = row[from]
		}
	}
	return &o, nil
}

// sensors declares the columns: S_* are pumps and valves that are on (1) or off (0).
func sensors(names []string) []joint.Sensor {
	out := make([]joint.Sensor, len(names))
	for i, name := range names {
		out[i] = joint.Sensor{State: strings.HasPrefix(name, "S_"), Resolution: resolution}
	}
	return out
}
