package main

import (
	"bufio"
	"compress/gzip"
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

// readCorpus reads data/CATEGORY/NAME.csv.gz and labels/combined_windows.json, sorted by name.
func readCorpus(dir string) ([]*file, error) {
	path := filepath.Join(dir, "labels", "combined_windows.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var labels map[string][][2]string
	if err := json.Unmarshal(text, &labels); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var files []*file
	for name, windows := range labels {
		f, err := readSeries(dir, name)
		if err != nil {
			return nil, err
		}
		if err := f.label(windows); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, name, err)
		}
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b *file) int { return strings.Compare(a.name, b.name) })
	return files, nil
}

func readSeries(dir, name string) (*file, error) {
	path := filepath.Join(dir, "data", filepath.FromSlash(name)+".gz")
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

// label sets the windows. Timestamps are those of rows; of repeated ones (a clock change) the first row is meant.
func (f *file) label(windows [][2]string) error {
	row := func(text string) (int, error) {
		at, err := parseTime(text)
		if err != nil {
			return 0, err
		}
		i := slices.Index(f.at, at)
		if i < 0 {
			return 0, fmt.Errorf("no row at %s", text)
		}
		return i, nil
	}
	for _, w := range windows {
		first, err := row(w[0])
		if err != nil {
			return err
		}
		last, err := row(w[1])
		if err != nil {
			return err
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

// readRows gives each row of a gzipped CSV with the given head to take.
func readRows(path string, head []string, take func(row []string) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	r := csv.NewReader(z)
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
