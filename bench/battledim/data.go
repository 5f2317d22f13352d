package main

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/platform/textfile"
)

const (
	step = 5 * 60e6 // µs between rows
	hour = 3600e6
)

// record is the year: what the sensors read, and what was true.
type record struct {
	at    []int64     // of each row, µs; the file's clock is taken for UTC
	read  [][]float64 // of each sensor, in the order of sensors
	leaks []leak
}

// sensors are the columns of the flows and the level. The first three are m³/h, the last is m.
var sensors = []string{"p227_m3h", "p235_m3h", "PUMP_1_m3h", "T1_level_m"}

// leak is one of the contest's leaks.
type leak struct {
	pipe       string
	zone       string // the zone that its pipe lies in
	from, to   int64
	abrupt     bool
	perfect    float64   // EUR of a detection at the start
	flow       []float32 // m³/h at each row
	beforeYear bool      // it ran already when the year began
}

func load(dir string) (*record, error) {
	rec := &record{read: make([][]float64, len(sensors))}
	err := table(filepath.Join(dir, "2019_scada_flows_levels.csv.gz"), append([]string{"timestamp"}, sensors...), func(row []string) error {
		at, err := clock(row[0])
		if err != nil {
			return err
		}
		rec.at = append(rec.at, at)
		for i, v := range row[1:] {
			x, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			if strings.TrimSpace(v) == "" {
				x, err = math.NaN(), nil
			}
			if err != nil {
				return fmt.Errorf("column %s: %w", sensors[i], err)
			}
			rec.read[i] = append(rec.read[i], x)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(rec.at) == 0 {
		return nil, fmt.Errorf("%s: no rows", dir)
	}
	rec.order()
	upper, err := behindPump(filepath.Join(dir, "L-TOWN.inp.gz"))
	if err != nil {
		return nil, err
	}
	err = table(filepath.Join(dir, "leaks.csv"), []string{"link", "start", "end", "type", "perfect_score_eur"}, func(row []string) error {
		l := leak{pipe: row[0], zone: "lower", abrupt: row[3] == "abrupt"}
		if upper[l.pipe] {
			l.zone = "upper"
		}
		if l.from, err = clock(row[1]); err != nil {
			return err
		}
		if l.to, err = clock(row[2]); err != nil {
			return err
		}
		if l.perfect, err = strconv.ParseFloat(row[4], 64); err != nil {
			return fmt.Errorf("perfect_score_eur: %w", err)
		}
		if l.from > rec.at[len(rec.at)-1] {
			return nil // nobody could have seen it
		}
		l.beforeYear = l.from < rec.at[0]
		rec.leaks = append(rec.leaks, l)
		return nil
	})
	if err != nil {
		return nil, err
	}
	pipes := []string{"timestamp"}
	for i := range rec.leaks {
		l := &rec.leaks[i]
		pipes, l.flow = append(pipes, l.pipe), make([]float32, len(rec.at))
	}
	err = table(filepath.Join(dir, "2019_leak_flows_m3h.csv.gz"), pipes, func(row []string) error {
		at, err := clock(row[0])
		if err != nil {
			return err
		}
		k, there := slices.BinarySearch(rec.at, at)
		if !there {
			return nil
		}
		for i, v := range row[1:] {
			x, err := strconv.ParseFloat(v, 32)
			if err != nil {
				return fmt.Errorf("column %s: %w", pipes[i+1], err)
			}
			rec.leaks[i].flow[k] = float32(x)
		}
		return nil
	})
	return rec, err
}

// order puts the rows in the order of time. Of several of one time the first counts.
func (r *record) order() {
	by := make([]int, len(r.at))
	for i := range by {
		by[i] = i
	}
	slices.SortStableFunc(by, func(a, b int) int { return cmp.Compare(r.at[a], r.at[b]) })
	by = slices.CompactFunc(by, func(a, b int) bool { return r.at[a] == r.at[b] })
	at, read := r.at, r.read
	r.at, r.read = nil, make([][]float64, len(read))
	for _, i := range by {
		r.at = append(r.at, at[i])
		for k := range read {
			r.read[k] = append(r.read[k], read[k][i])
		}
	}
}

func clock(s string) (at int64, err error) {
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		var t time.Time
		if t, err = time.Parse(layout, strings.TrimSpace(s)); err == nil {
			return t.UnixMicro(), nil
		}
	}
	return 0, err
}

// row is the row at or before a time; the first where there is none.
func (r *record) row(at int64) int {
	k, there := slices.BinarySearch(r.at, at)
	if !there {
		k--
	}
	return max(k, 0)
}

// volume is how much a leak lost from a time on to its end, in m³.
func (r *record) volume(l *leak, from int64) float64 {
	var sum float64
	for _, q := range l.flow[r.row(from) : r.row(l.to)+1] {
		sum += float64(q)
	}
	return sum * step / hour
}

// table reads the named columns of a CSV.
func table(path string, columns []string, each func(row []string) error) error {
	f, err := textfile.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	c := csv.NewReader(f)
	c.ReuseRecord = true
	head, err := c.Read()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	where := make([]int, len(columns))
	for i, name := range columns {
		where[i] = -1
		for j, h := range head {
			if h == name {
				where[i] = j
			}
		}
		if where[i] < 0 {
			return fmt.Errorf("%s: no column %s", path, name)
		}
	}
	picked := make([]string, len(columns))
	for {
		row, err := c.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for i, j := range where {
			picked[i] = row[j]
		}
		if err := each(picked); err != nil {
			line, _ := c.FieldPos(0)
			return fmt.Errorf("%s:%d: %w", path, line, err)
		}
	}
}

// behindPump is the pipes from which the tank T1 can be reached over open pipes: the zone that PUMP_1 alone feeds. It says
// for each leak which zone's alarm can have meant it; no detector sees it.
func behindPump(path string) (map[string]bool, error) {
	f, err := textfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	type pipe struct{ id, a, b string }
	var pipes []pipe
	section := ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		text, _, _ := strings.Cut(lines.Text(), ";")
		field := strings.Fields(text)
		switch {
		case len(field) == 0:
		case strings.HasPrefix(field[0], "["):
			section = field[0]
		case section == "[PIPES]" && len(field) >= 3 && field[len(field)-1] != "Closed":
			pipes = append(pipes, pipe{field[0], field[1], field[2]})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	nodes, found := map[string]bool{"T1": true}, map[string]bool{}
	for grown := true; grown; {
		grown = false
		for _, p := range pipes {
			if !found[p.id] && (nodes[p.a] || nodes[p.b]) {
				found[p.id], nodes[p.a], nodes[p.b], grown = true, true, true, true
			}
		}
	}
	if len(found) == 0 || len(found) == len(pipes) {
		return nil, fmt.Errorf("%s: no zone behind the pump: %d of %d pipes", path, len(found), len(pipes))
	}
	return found, nil
}
