// Command nab runs the everyday tier of statistical detection over the Numenta Anomaly Benchmark v1.1 and scores it by the
// benchmark's own rule.
//
//	go run ./bench/nab -data ../shared/data/nab [-short]
//
// First it proves the scorer: from the published raw scores of three detectors it must find their published results.
// Then it runs series.Everyday with the parameters and the limit that ship, the same for all series and all three
// profiles, and prints what each category gets. No file's length, name or category is known to the detector.
//
// The benchmark lets a detector's parameters, and one threshold for all series, be chosen on its labels, and those of
// Everyday were. How much of the score that is worth is shown in two ways: the limit is chosen anew for each category on the
// other categories only (loco, leave one category out), and each parameter is halved and doubled.
//
// The last line is for machines.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"text/tabwriter"

	"github.com/anlan-city/anlan/internal/methods/series"
)

func main() {
	dir := flag.String("data", "../shared/data/nab", "folder of the benchmark: data, labels and results")
	short := flag.Bool("short", false, "leave out the neighbours of the parameters")
	flag.Parse()
	if err := run(os.Stdout, *dir, *short); err != nil {
		fmt.Fprintln(os.Stderr, "nab:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, dir string, short bool) error {
	files, without, err := readCorpus(dir)
	if err != nil {
		return err
	}
	for _, name := range without {
		fmt.Fprintf(w, "left out: %s\n", name)
	}
	if err := prove(w, dir, files); err != nil {
		return err
	}
	shipped := series.EverydayFor(series.EverydayQ)
	tallies := detect(files, shipped)
	printCategories(w, files, tallies, shipped)
	left := leaveOut(w, files)
	if !short {
		printNeighbours(w, files)
	}
	all := total(tallies)
	fmt.Fprintf(w, "standard=%.2f low_fp=%.2f low_fn=%.2f loco_standard=%.2f\n",
		all.normal(profiles[0]), all.normal(profiles[1]), all.normal(profiles[2]), left.normal(profiles[0]))
	return nil
}

// published are the standard scores that the stored raw scores must give (results/final_results.json).
var published = [...]struct {
	detector, name string
	standard       float64
}{
	{"ARTime", "ARTime", 74.85},
	{"contextOSE", "CAD OSE", 69.90},
	{"numentaTM", "NumentaTM", 64.55},
}

// publishedCorpus is the digest of the published corpus: see digest.
const publishedCorpus = "e7fafb2afaf66bde"

// digest tells corpora apart, by the names of their series, their lengths and their windows.
func digest(files []*file) string {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintln(h, f.name, len(f.x), f.windows)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// prove holds the scorer against what is published. On another corpus, with series more or less or other labels, the published
// figures do not hold: then it shows what the scores come to on what they cover, and says so.
func prove(w io.Writer, dir string, files []*file) error {
	fmt.Fprintln(w, "The scorer, on published raw scores, threshold chosen on the labels for each profile:")
	whole := digest(files) == publishedCorpus
	if !whole {
		fmt.Fprintln(w, "(not the published corpus: there is no published figure for it, so this proves nothing)")
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "detector\tpublished\tstandard\tlow_fp\tlow_fn\t")
	var wrong error
	for _, p := range published {
		scores, err := readStored(dir, p.detector)
		if !whole && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		var covered []*file
		for _, f := range files {
			if len(scores[f.name]) == len(f.x) {
				covered = append(covered, f)
			}
		}
		var got [len(profiles)]float64
		for i, profile := range profiles {
			_, t := sweep(covered, scores, profile)
			got[i] = t.normal(profile)
		}
		fmt.Fprintf(tw, "%s\t%.2f\t%.2f\t%.2f\t%.2f\t\n", p.name, p.standard, got[0], got[1], got[2])
		if whole && math.Abs(got[0]-p.standard) > 0.005 {
			wrong = fmt.Errorf("the scorer gives %s %.3f, published is %.2f", p.name, got[0], p.standard)
		}
	}
	tw.Flush()
	return wrong
}

// detect runs the everyday tier over each file and scores its alarms, in the order of the files.
func detect(files []*file, p series.EverydayParams) []tally {
	tallies := make([]tally, len(files))
	var alarms []int
	for k, f := range files {
		var s series.Everyday
		alarms = alarms[:0]
		for i, x := range f.x {
			if s.Next(&p, f.at[i], x).Alarm {
				alarms = append(alarms, i)
			}
		}
		tallies[k] = f.tally(alarms)
	}
	return tallies
}

func total(tallies []tally) (sum tally) {
	for _, t := range tallies {
		sum.add(t)
	}
	return sum
}

// byCategory adds up the tallies of each category; the files come sorted by it.
func byCategory(files []*file, tallies []tally) (names []string, sums []tally, counts []int) {
	for k, f := range files {
		if n := len(names); n == 0 || names[n-1] != f.category() {
			names, sums, counts = append(names, f.category()), append(sums, tally{}), append(counts, 0)
		}
		sums[len(sums)-1].add(tallies[k])
		counts[len(counts)-1]++
	}
	return names, sums, counts
}

func printCategories(w io.Writer, files []*file, tallies []tally, p series.EverydayParams) {
	fmt.Fprintf(w, "\nEveryday as it ships, limit %.2f, for %g false alarms a reading:\n", p.Limit, series.EverydayQ)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "category\tfiles\twindows\tfound\tfalse alarms\tstandard\tlow_fp\tlow_fn\t")
	line := func(name string, files int, t tally) {
		fmt.Fprintf(tw, "%s\t%d\t%d\t%d\t%d\t", name, files, t.windows, t.found, t.outside)
		for _, p := range profiles {
			if t.windows == 0 {
				fmt.Fprint(tw, "-\t")
				continue
			}
			fmt.Fprintf(tw, "%.1f\t", t.normal(p))
		}
		fmt.Fprintln(tw)
	}
	names, sums, counts := byCategory(files, tallies)
	for i, name := range names {
		line(name, counts[i], sums[i])
	}
	line("all", len(files), total(tallies))
	tw.Flush()
}
