package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/platform/textfile"
)

// file is one series of the corpus with its labels.
type file struct {
	name    string // category/name.csv
	at      []int64
	x       []float64
	windows []window // in order of time, none overlaps another
}

func (f *file) category() string { c, _, _ := strings.Cut(f.name, "/"); return c }

// window is an anomaly: rows from first to last, both within.
type window struct{ first, last int }

// readCorpus reads data/CATEGORY/NAME.csv.gz, or NAME.csv, and labels/combined_windows.json, sorted by name. Only what has both
// can be scored; left are the names of all else, with what they lack.
func readCorpus(dir string) (files []*file, left []string, err error) {
	path := filepath.Join(dir, "labels", "combined_windows.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	var labels map[string][][2]string
	if err := json.Unmarshal(text, &labels); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	there, err := seriesIn(dir)
	if err != nil {
		return nil, nil, err
	}
	for name, at := range there {
		windows, labelled := labels[name]
		if !labelled {
			left = append(left, name+" (no label says what is an anomaly in it)")
			continue
		}
		f, err := readSeries(name, at)
		if err != nil {
			return nil, nil, err
		}
		if err := f.label(windows); err != nil {
			return nil, nil, fmt.Errorf("%s: %s: %w", path, name, err)
		}
		files = append(files, f)
	}
	for name := range labels {
		if there[name] == "" {
			left = append(left, name+" (labelled, but not there)")
		}
	}
	if len(files) == 0 {
		return nil, nil, fmt.Errorf("%s: no series that has labels", dir)
	}
	slices.Sort(left)
	slices.SortFunc(files, func(a, b *file) int { return strings.Compare(a.name, b.name) })
	return files, left, nil
}

// seriesIn finds the files of a corpus by their names, category/name.csv.
func seriesIn(dir string) (map[string]string, error) {
	found := map[string]string{}
	for _, pattern := range []string{"*.csv", "*.csv.gz"} {
		paths, err := filepath.Glob(filepath.Join(dir, "data", "*", pattern))
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			category, name := filepath.Split(path)
			found[filepath.Base(category)+"/"+strings.TrimSuffix(name, ".gz")] = path
		}
	}
	return found, nil
}

func readSeries(name, path string) (*file, error) {
	f := &file{name: name}
	err := readRows(path, []string{"timestamp", "value"}, func(row []string) error {
		at, err := parseTime(row[0])
		if err != nil {
			return err
		}
		x, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			return err
		}
		f.at, f.x = append(f.at, at), append(f.x, x)
		return nil
	})
	return f, err
}

// label sets the windows: the rows from one time to another, both within. Of rows of one time (a clock change) a window begins and
// ends with the first.
func (f *file) label(windows [][2]string) error {
	for _, w := range windows {
		from, err := parseTime(w[0])
		if err != nil {
			return err
		}
		to, err := parseTime(w[1])
		if err != nil {
			return err
		}
		first := slices.IndexFunc(f.at, func(at int64) bool { return at >= from })
		last := slices.Index(f.at, to)
		if last < 0 {
			last = len(f.at) - 1
			for last >= 0 && f.at[last] > to {
				last--
			}
		}
		if first < 0 || last < first {
			return fmt.Errorf("no row from %s to %s", w[0], w[1])
		}
		f.windows = append(f.windows, window{first, last})
	}
	slices.SortFunc(f.windows, func(a, b window) int { return a.first - b.first })
	return nil
}

// readStored reads the published score of each row, by file.
func readStored(dir, detector string) (map[string][]float64, error) {
	scores := map[string][]float64{}
	name := ""
	path := filepath.Join(dir, "results", "raw_scores", detector+".csv.gz")
	err := readRows(path, []string{"file", "row", "anomaly_score"}, func(row []string) error {
		if row[0] != "" {
			name = row[0]
		}
		v, err := strconv.ParseFloat(row[2], 64)
		if err != nil {
			return err
		}
		if row[1] != strconv.Itoa(len(scores[name])) {
			return fmt.Errorf("row %s follows row %d", row[1], len(scores[name])-1)
		}
		scores[name] = append(scores[name], v)
		return nil
	})
	return scores, err
}

// readRows gives each row of a CSV with the given head to take.
func readRows(path string, head []string, take func(row []string) error) error {
	f, err := textfile.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.ReuseRecord = true
	got, err := r.Read()
	if err != nil || !slices.Equal(got, head) {
		return fmt.Errorf("%s: the head is not %s", path, strings.Join(head, ","))
	}
	for line := 2; ; line++ {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = take(row)
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", path, line, err)
		}
	}
}

func parseTime(text string) (int64, error) {
	t, err := time.Parse("2006-01-02 15:04:05", text) // takes a fraction of a second too
	return t.UnixMicro(), err
}
