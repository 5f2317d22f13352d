// Command cap judges recorded warnings as a careful receiver does, and compares with what is expected of one.
//
//	go run ./bench/cap -data ../shared/data/cap [-short]
//
// The folder holds expectations.csv (columns file, expected and reason are read) and the files that it names. Printed are
// the verdict for each file with its reasons, how fast messages are read and judged, and what hostile documents cost. The
// last line is verdicts=right/all; the command fails when a hostile document is taken or breaks its bounds, and never
// because of a verdict.
package main

import (
	"encoding/csv"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/anlan-city/anlan/internal/warn/cap"
)

func main() {
	dir := flag.String("data", "../shared/data/cap", "folder with expectations.csv and the messages")
	short := flag.Bool("short", false, "measure the speed for a tenth of the time")
	flag.Parse()
	if err := run(os.Stdout, *dir, *short); err != nil {
		fmt.Fprintln(os.Stderr, "cap:", err)
		os.Exit(1)
	}
}

// recorded is one file with what is expected.
type recorded struct {
	name, expected, reason string
	document               []byte
}

func run(w io.Writer, dir string, short bool) error {
	files, err := load(dir)
	if err != nil {
		return err
	}
	right := verdicts(w, files)
	length := 3 * time.Second
	if short {
		length /= 10
	}
	speed(w, files, length)
	hostileErr := hostile(w)
	fmt.Fprintf(w, "\nverdicts=%d/%d\n", right, len(files))
	return hostileErr
}

// load reads the expectations by the names of their columns.
func load(dir string) ([]recorded, error) {
	f, err := os.Open(filepath.Join(dir, "expectations.csv"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read expectations.csv: %w", err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("expectations.csv is empty")
	}
	column := func(name string) int { return slices.Index(rows[0], name) }
	name, expected, reason := column("file"), column("expected"), column("reason")
	if name < 0 || expected < 0 {
		return nil, fmt.Errorf("expectations.csv has no column file or expected")
	}
	var files []recorded
	for _, row := range rows[1:] {
		r := recorded{name: row[name], expected: row[expected]}
		if reason >= 0 {
			r.reason = row[reason]
		}
		if r.document, err = os.ReadFile(filepath.Join(dir, filepath.FromSlash(r.name))); err != nil {
			return nil, err
		}
		files = append(files, r)
	}
	return files, nil
}

// verdicts prints what we make of each file and counts where that is what is expected.
func verdicts(w io.Writer, files []recorded) (right int) {
	fmt.Fprintln(w, "Verdicts: what a careful receiver does")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "file\texpected\tgot\tkind\treasons")
	for _, f := range files {
		a := cap.Assess(f.document, cap.Receiving)
		mark := ""
		if string(a.Verdict) == f.expected {
			right++
		} else {
			mark = " <-- differs: " + f.reason
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s%s\n", f.name, f.expected, a.Verdict, kind(a), reasons(a), mark)
	}
	t.Flush()
	return right
}

func kind(a cap.Assessment) string {
	switch {
	case a.Kind == "":
		return "unreadable"
	case a.MsgType != "":
		return a.Kind + " " + a.MsgType
	}
	return fmt.Sprintf("%s, %d enclosed", a.Kind, a.Messages)
}

// reasons are what decides the verdict, or the notes on what is accepted.
func reasons(a cap.Assessment) string {
	weight := cap.Note
	switch a.Verdict {
	case cap.Reject:
		weight = cap.Wrong
	case cap.Warn:
		weight = cap.Doubt
	}
	var out []string
	more := 0
	for _, p := range a.Problems {
		if p.Grade < weight {
			continue
		}
		if len(out) == 2 {
			more++
			continue
		}
		text := p.String()
		if p.Grade == cap.Note {
			text = "note: " + text
		}
		out = append(out, text)
	}
	if more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	if len(out) == 0 {
		return "-"
	}
	return strings.Join(out, "; ")
}

// speed reads and judges the messages, not the feeds, over and over.
func speed(w io.Writer, files []recorded, length time.Duration) {
	var documents [][]byte
	size := 0
	for _, f := range files {
		if !cap.IsFeed(f.document) {
			documents = append(documents, f.document)
			size += len(f.document)
		}
	}
	if len(documents) == 0 {
		return
	}
	start, rounds := time.Now(), 0
	for time.Since(start) < length {
		for _, d := range documents {
			cap.Assess(d, cap.Receiving)
		}
		rounds++
	}
	took := time.Since(start)
	n := rounds * len(documents)
	fmt.Fprintf(w, "\nSpeed, one core: %.0f messages/s, %.0f ns each, %.1f MB/s (%d messages of %.1f kB on average)\n",
		float64(n)/took.Seconds(), float64(took.Nanoseconds())/float64(n), float64(rounds*size)/took.Seconds()/1e6, n, float64(size)/float64(len(documents))/1e3)
}
