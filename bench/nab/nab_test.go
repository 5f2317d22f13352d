package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/testdata"
)

func about(a, b float64) bool { return math.Abs(a-b) < 1e-5 }

// hundred rows, the first 15 on probation, one anomaly of ten rows.
func hundred() *file {
	return &file{name: "c/f.csv", x: make([]float64, 100), windows: []window{{40, 49}}}
}

// Worked out by hand from the rule: S(p) = 2/(1+e^5p) - 1, S(-1) = 0.986614.
func TestGain(t *testing.T) {
	f := hundred()
	for _, c := range []struct {
		row, in int
		want    float64
	}{
		{20, -1, -1}, // before the first window
		{39, -1, -1},
		{40, 0, 1},            // p = -1
		{44, 0, 0.917429},     // p = -0.6: (2/(1+e^-3) - 1) / S(-1) = 0.905148 / 0.986614
		{49, 0, 0.24824},      // p = -0.1: 0.244919 / 0.986614
		{50, -1, -0.270847},   // p = 1/9
		{58, -1, -0.986614},   // p = 1
		{76, -1, -0.99999939}, // p = 3
		{77, -1, -1},          // beyond 3
	} {
		in, gain := f.gain(c.row)
		if in != c.in || !about(gain, c.want) {
			t.Errorf("row %d: window %d, %.6f, want %d, %.6f", c.row, in, gain, c.in, c.want)
		}
	}
	f.windows = append(f.windows, window{60, 79})
	if in, gain := f.gain(55); in != -1 || !about(gain, 2/(1+math.Exp(5*6./9))-1) {
		t.Errorf("between windows %d, %.6f: it is the one before that counts", in, gain)
	}
	if in, gain := f.gain(60); in != 1 || gain != 1 {
		t.Errorf("second window: %d, %g", in, gain)
	}
}

func TestTally(t *testing.T) {
	for _, c := range []struct {
		name       string
		detections []int
		want       [3]float64 // normalised, by profile
	}{
		{"silent", nil, [3]float64{0, 0, 0}},
		{"perfect", []int{40}, [3]float64{100, 100, 100}},
		{"the best of a window counts, once", []int{40, 41, 49}, [3]float64{100, 100, 100}},
		{"on probation", []int{0, 14, 40}, [3]float64{100, 100, 100}},
		{"first row after probation", []int{15, 40}, [3]float64{100 * 1.89 / 2, 100 * 1.78 / 2, 100 * 2.89 / 3}},
		{"late", []int{49}, [3]float64{100 * 1.248242 / 2, 100 * 1.248242 / 2, 100 * 2.248242 / 3}},
		{"missed and a false alarm", []int{90}, [3]float64{-5.5, -11, -100 * 0.11 / 3}},
	} {
		got := hundred().tally(c.detections)
		for i, p := range profiles {
			if math.Abs(got.normal(p)-c.want[i]) > 1e-3 {
				t.Errorf("%s, %s: %.4f, want %.4f", c.name, p.name, got.normal(p), c.want[i])
			}
		}
	}
	long := &file{x: make([]float64, 10000)}
	if p := long.probation(); p != 750 {
		t.Errorf("probation of a long file %d, want 750", p)
	}
	if !math.IsNaN((tally{}).normal(profiles[0])) {
		t.Error("a category without windows has a score")
	}
}

// The sweep finds the best threshold, takes rows of one score together, and may stay silent.
func TestSweep(t *testing.T) {
	f := hundred()
	scores := make([]float64, 100)
	scores[3] = 9    // on probation
	scores[30] = 0.5 // costs 0.11
	scores[45], scores[49] = 0.5, 0.2
	threshold, best := sweep([]*file{f}, map[string][]float64{f.name: scores}, profiles[0])
	if _, gain := f.gain(45); threshold != 0.5 || best.outside != 1 || !about(best.gained, gain) {
		t.Errorf("threshold %g, %+v", threshold, best)
	}
	scores[45], scores[49] = 0, 0
	if threshold, best := sweep([]*file{f}, map[string][]float64{f.name: scores}, profiles[0]); !math.IsInf(threshold, 1) || best.outside != 0 {
		t.Errorf("nothing to find: threshold %g, %+v", threshold, best)
	}
}

// Of repeated timestamps the first row is meant.
func TestLabels(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if strings.HasSuffix(name, ".gz") {
			z := gzip.NewWriter(&b)
			fmt.Fprint(z, text)
			z.Close()
		} else {
			b.WriteString(text)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	rows := "timestamp,value\n2020-01-01 00:00:00,1\n2020-01-01 00:05:00,2\n2020-01-01 00:05:00,3\n2020-01-01 00:10:00,4.5\n"
	write("data/c/f.csv.gz", rows)
	write("labels/combined_windows.json", `{"c/f.csv": [["2020-01-01 00:05:00.000000", "2020-01-01 00:10:00.000000"]]}`)
	files, _, err := readCorpus(dir)
	if err != nil {
		t.Fatal(err)
	}
	if f := files[0]; len(f.x) != 4 || f.x[3] != 4.5 || f.category() != "c" || f.windows[0] != (window{1, 3}) {
		t.Errorf("%+v", f)
	}
	write("labels/combined_windows.json", `{"c/f.csv": [["2020-01-01 00:03:00", "2020-01-01 00:09:00"]]}`)
	if files, _, err := readCorpus(dir); err != nil || files[0].windows[0] != (window{1, 2}) {
		t.Errorf("a label between rows: %v", err)
	}
	write("labels/combined_windows.json", `{"c/f.csv": [["2020-01-01 00:07:00", "2020-01-01 00:08:00"]]}`)
	if _, _, err := readCorpus(dir); err == nil || !strings.Contains(err.Error(), "no row from 2020-01-01 00:07:00 to 2020-01-01 00:08:00") {
		t.Errorf("a label without a row: %v", err)
	}
	write("data/d/new.csv", rows)
	write("labels/combined_windows.json", `{"c/f.csv": [], "c/gone.csv": []}`)
	files, left, err := readCorpus(dir)
	if err != nil || len(files) != 1 || strings.Join(left, ", ") != "c/gone.csv (labelled, but not there), d/new.csv (no label says what is an anomaly in it)" {
		t.Errorf("%d files, left out %q, %v", len(files), left, err)
	}
	write("labels/combined_windows.json", `{"c/f.csv": [], "d/new.csv": []}`)
	if files, left, err := readCorpus(dir); err != nil || len(files) != 2 || len(left) != 0 || len(files[1].x) != 4 {
		t.Errorf("%d files, left out %q, %v", len(files), left, err)
	}
	write("labels/combined_windows.json", `{"c/f.csv": []}`)
	write("data/c/f.csv.gz", rows+"2020-01-01 00:15:00,much\n")
	if _, _, err := readCorpus(dir); err == nil || !strings.Contains(err.Error(), "f.csv.gz:6:") {
		t.Errorf("a value that is no number: %v", err)
	}
}

// With a series more and one less the published figures hold no longer: the rest is scored, and the output says so.
func TestAnotherCorpus(t *testing.T) {
	from, dir := testdata.Shared(t, "nab"), t.TempDir()
	link := func(at string) {
		t.Helper()
		abs, err := filepath.Abs(filepath.Join(from, at))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, at)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(abs, path); err != nil {
			t.Fatal(err)
		}
	}
	link("results")
	link("labels")
	for _, c := range []string{"artificialWithAnomaly", "realTraffic"} {
		link("data/" + c)
	}
	if err := os.MkdirAll(filepath.Join(dir, "data", "mine"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "data", "mine", "new.csv"), []byte("timestamp,value\n2020-01-01 00:00:00,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(&out, dir, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"left out: mine/new.csv (no label", "left out: realAdExchange/exchange-2_cpc_results.csv (labelled, but not there)", "not the published corpus", "\nstandard="} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}

// The shipped detector on the recorded benchmark: the scorer proves itself, and the figures are those that are promised.
func TestShipped(t *testing.T) {
	dir := testdata.Shared(t, "nab")
	var out bytes.Buffer
	if err := run(&out, dir, true); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	last := lines[len(lines)-1]
	m := regexp.MustCompile(`^standard=(\S+) low_fp=(\S+) low_fn=(\S+) loco_standard=(\S+)$`).FindStringSubmatch(last)
	if m == nil {
		t.Fatalf("last line %q", last)
	}
	var v [4]float64
	for i := range v {
		v[i], _ = strconv.ParseFloat(m[i+1], 64)
	}
	if v[0] < 70 || v[1] < 60 || v[2] < 75 || v[3] < v[0]-2 {
		t.Errorf("%s; promised are 70, 60, 75, and at most 2 less when a category is left out", last)
	}
}
