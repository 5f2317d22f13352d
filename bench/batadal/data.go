package main

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/methods/joint"
	"github.com/anlan-city/anlan/internal/platform/textfile"
)

const recorded = "batadal_normal_2014_and_attacks_2016.csv.gz"

// table is a file of hourly rows.
type table struct {
	names   []string
	at      []int64 // µs; the files state no zone, so their clock is taken as UTC
	rows    [][]float64
	attack  []bool
	flagged bool // ATT_FLAG is there and says something: 0 or 1 somewhere
	digits  int  // the most decimals that a number has
	again   int  // rows left out, of a time that had one before

	step float64 // to which readings are rounded; 0: resolution
}

// readTable reads a CSV file. A missing or unreadable cell is NaN, a missing column is an error where it
// is needed.
func readTable(path string) (*table, error) {
	f, err := textfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t, err := parse(raw)
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
	number := func(cell string) float64 {
		if r.Comma == ';' { // where the comma is free, it is the decimal sign
			cell = strings.Replace(cell, ",", ".", 1)
		}
		return number(cell)
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
	var times []string
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
		cell := func(i int) string {
			if i < 0 || i >= len(cells) {
				return ""
			}
			return strings.TrimSpace(cells[i])
		}
		row := make([]float64, len(from))
		for k, i := range from {
			if row[k] = number(cell(i)); !math.IsNaN(row[k]) {
				_, decimals, _ := strings.Cut(strconv.FormatFloat(row[k], 'f', -1, 64), ".")
				t.digits = max(t.digits, len(decimals))
			}
		}
		on, known, err := attacked(cell(flag))
		if err != nil {
			return nil, fmt.Errorf("line %d: ATT_FLAG: %w", line, err)
		}
		times, t.rows, t.attack = append(times, strings.TrimSpace(cells[when])), append(t.rows, row), append(t.attack, on)
		t.flagged = t.flagged || known
	}
	if len(t.rows) == 0 {
		return nil, errors.New("no rows")
	}
	if t.at, err = clocks(times); err != nil {
		return nil, err
	}
	t.order()
	return t, nil
}

// order puts the rows in the order of time. Of several of one time the first is kept.
func (t *table) order() {
	by := make([]int, len(t.at))
	for i := range by {
		by[i] = i
	}
	slices.SortStableFunc(by, func(a, b int) int { return cmp.Compare(t.at[a], t.at[b]) })
	o := *t
	o.at, o.rows, o.attack = nil, nil, nil
	for _, i := range by {
		if n := len(o.at); n > 0 && o.at[n-1] == t.at[i] {
			o.again++
			continue
		}
		o.at, o.rows, o.attack = append(o.at, t.at[i]), append(o.rows, t.rows[i]), append(o.attack, t.attack[i])
	}
	*t = o
}

// attacked reads an ATT_FLAG: 1 or 0, true or false; empty or -999 is not known.
func attacked(cell string) (on, known bool, err error) {
	switch x := number(cell); {
	case x == 0, strings.EqualFold(cell, "false"):
		return false, true, nil
	case x == 1, strings.EqualFold(cell, "true"):
		return true, true, nil
	case cell == "", x == -999, strings.EqualFold(cell, "nan"):
		return false, false, nil
	}
	return false, false, fmt.Errorf("%q is neither 0 nor 1, nor -999 for unknown", cell)
}

// number is a cell's number, NaN where there is none.
func number(cell string) float64 {
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil || math.IsInf(v, 0) {
		return math.NaN()
	}
	return v
}

// layouts are the ways in which times are read, the contest's own first.
var layouts = []string{"2/1/06 15", "2/1/2006 15", "2/1/06 15:04", "2/1/2006 15:04", "2/1/2006 15:04:05", "1/2/06 15:04", "1/2/2006 15:04", "1/2/2006 15:04:05",
	"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02 15", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006/1/2 15:04:05", "2006/1/2 15:04",
	"2006-01-02 15:04:05Z07:00", time.RFC3339}

// clocks reads the times of a file, all in one way. Where several ways read them, that counts in which most rows are an hour
// after the one before: 04/07 is a day of July or of April.
func clocks(cells []string) ([]int64, error) {
	var best []int64
	most, furthest := -1, 0
	for _, layout := range layouts {
		var at []int64
		hourly := 0
		for i, s := range cells {
			t, err := time.Parse(layout, s)
			if err != nil {
				break
			}
			if at = append(at, t.UnixMicro()); i > 0 && at[i]-at[i-1] == hour {
				hourly++
			}
		}
		if furthest = max(furthest, len(at)); len(at) == len(cells) && hourly > most {
			best, most = at, hourly
		}
	}
	if best == nil {
		return nil, fmt.Errorf("line %d: DATETIME: %q is no time like 31/12/14 23, or not written as those above it", furthest+2, cells[furthest])
	}
	return best, nil
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
	return &table{names: t.names, at: t.at[from:to], rows: t.rows[from:to], attack: t.attack[from:to], flagged: t.flagged, digits: t.digits, again: t.again, step: t.step}
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
		from := slices.IndexFunc(t.names, func(x string) bool { return strings.EqualFold(x, name) })
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
func sensors(names []string, resolution float64) []joint.Sensor {
	out := make([]joint.Sensor, len(names))
	for i, name := range names {
		out[i] = joint.Sensor{State: strings.HasPrefix(name, "S_"), Resolution: resolution}
	}
	return out
}
