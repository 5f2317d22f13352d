package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/platform/textfile"
	"github.com/anlan-city/anlan/internal/respond/deadline"
)

// request is one row that could be read.
type request struct {
	line                   int
	id, kind, department   string
	opened, target, closed time.Time       // target and closed are zero where there is none
	flag                   deadline.Status // OnTime or Late as the city says; "" where it says nothing
}

// refusal is a row that could not be read, and why.
type refusal struct {
	line           int
	field, message string
}

// record is a file as it was read.
type record struct {
	zone     *time.Location
	rows     int // all that the file holds, below its header
	requests []*request
	refused  []refusal
	// odd is what is strange but clear, by what it is: it is kept, and counted here.
	odd map[string][]refusal
}

// columns are those that are read; each must be there, once.
var columns = [...]string{"case_id", "opened_at", "target_at", "closed_at", "on_time", "status", "type", "department"}

func readRecord(data string, zone *time.Location) (*record, error) {
	file := data
	if info, err := os.Stat(data); err != nil {
		return nil, err
	} else if info.IsDir() {
		file = filepath.Join(data, "requests.csv.gz")
	}
	f, err := textfile.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rec, err := parse(f, zone)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return rec, nil
}

// parse reads the text of a file of requests, with either ending of lines.
func parse(in io.Reader, zone *time.Location) (*record, error) {
	r := csv.NewReader(in)
	r.FieldsPerRecord = -1 // counted below, with the line
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("the header: %w", err)
	}
	at, err := places(header)
	if err != nil {
		return nil, err
	}
	width := len(header)
	rec := &record{zone: zone, odd: map[string][]refusal{}}
	seen := map[string]int{}
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rec, nil
		}
		rec.rows++
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			rec.refuse(syntax.Line, "", "not CSV: %v", syntax.Err) // the reader goes on with the next line
			continue
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		if len(fields) != width {
			rec.refuse(line, "", "%d fields, the header has %d", len(fields), width)
			continue
		}
		rec.take(line, func(column string) string { return strings.TrimSpace(fields[at[column]]) }, seen)
	}
}

func places(header []string) (map[string]int, error) {
	at := map[string]int{}
	for i, name := range header {
		name = strings.TrimSpace(name)
		if _, twice := at[name]; twice && slices.Contains(columns[:], name) {
			return nil, fmt.Errorf("line 1: the column %s stands twice", name)
		}
		at[name] = i
	}
	for _, name := range columns {
		if _, ok := at[name]; !ok {
			return nil, fmt.Errorf("line 1: there is no column %s", name)
		}
	}
	return at, nil
}

func (rec *record) refuse(line int, field, format string, args ...any) {
	rec.refused = append(rec.refused, refusal{line, field, fmt.Sprintf(format, args...)})
}

func (rec *record) note(what string, line int, field, format string, args ...any) {
	rec.odd[what] = append(rec.odd[what], refusal{line, field, fmt.Sprintf(format, args...)})
}

// What is odd but clear.
const (
	oddOffset  = "an offset that is not the city's at that time (the moment is clear all the same)"
	oddLocal   = "a time without an offset (read by the city's clock)"
	oddOrder   = "closed before opened"
	oddTarget  = "a target before it was opened"
	oddNoFlag  = "closed, with a target, and no flag"
	oddUnasked = "a flag that says late where there is no target"
)

// take reads one row into the record, or refuses it at the first field that cannot be read.
func (rec *record) take(line int, field func(string) string, seen map[string]int) {
	for _, name := range columns {
		if text := field(name); !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\uFFFD") {
			rec.refuse(line, name, "bytes that are no text: %q", text)
			return
		}
	}
	q := &request{line: line, id: strings.Clone(field("case_id")), kind: strings.Clone(field("type")), department: strings.Clone(field("department"))}
	if q.id == "" {
		rec.refuse(line, "case_id", "missing")
		return
	}
	if first, twice := seen[q.id]; twice {
		rec.refuse(line, "case_id", "%s stands in line %d already", q.id, first)
		return
	}
	var notes []func()
	for _, f := range []struct {
		name string
		to   *time.Time
	}{{"opened_at", &q.opened}, {"target_at", &q.target}, {"closed_at", &q.closed}} {
		text := strings.Clone(field(f.name))
		if text == "" && f.name != "opened_at" {
			continue
		}
		at, odd, err := moment(text, rec.zone)
		if err != nil {
			rec.refuse(line, f.name, "%v", err)
			return
		}
		*f.to = at
		if odd != "" {
			notes = append(notes, func() { rec.note(odd, line, f.name, "%s", text) })
		}
	}
	switch flag := field("on_time"); flag {
	case "ONTIME":
		q.flag = deadline.OnTime
	case "OVERDUE":
		q.flag = deadline.Late
	case "":
	default:
		rec.refuse(line, "on_time", "%q: expected ONTIME, OVERDUE or nothing", flag)
		return
	}
	switch status := field("status"); {
	case status != "Open" && status != "Closed":
		rec.refuse(line, "status", "%q: expected Open or Closed", status)
		return
	case status == "Closed" && q.closed.IsZero():
		rec.refuse(line, "closed_at", "missing, but the status is Closed")
		return
	case status == "Open" && !q.closed.IsZero():
		rec.refuse(line, "status", "Open, but there is a closed_at")
		return
	}
	seen[q.id] = line
	for _, note := range notes {
		note()
	}
	if !q.closed.IsZero() && q.closed.Before(q.opened) {
		rec.note(oddOrder, line, "closed_at", "%s, opened %s", q.closed.In(rec.zone).Format(time.RFC3339), q.opened.In(rec.zone).Format(time.RFC3339))
	}
	if !q.target.IsZero() && q.target.Before(q.opened) {
		rec.note(oddTarget, line, "target_at", "%s, opened %s", q.target.In(rec.zone).Format(time.RFC3339), q.opened.In(rec.zone).Format(time.RFC3339))
	}
	if q.flag == "" && !q.closed.IsZero() && !q.target.IsZero() {
		rec.note(oddNoFlag, line, "on_time", "empty")
	}
	if q.flag == deadline.Late && q.target.IsZero() {
		rec.note(oddUnasked, line, "on_time", "OVERDUE")
	}
	rec.requests = append(rec.requests, q)
}

// moment reads a time. One with an offset is a moment by itself; odd says when the offset is not the city's then. One without is
// read by the city's clock, and refused in the hour that the clock leaves out in spring, and in that which it shows twice in
// autumn. Nothing else is guessed at: 03/04/2015 is two days.
func moment(text string, zone *time.Location) (at time.Time, odd string, err error) {
	if at, err = time.Parse(time.RFC3339, text); err == nil {
		_, said := at.Zone()
		if _, is := at.In(zone).Zone(); said != is {
			odd = oddOffset
		}
		return at, odd, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		wall, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		at, err := onTheClock(wall, zone)
		return at, oddLocal, err
	}
	return time.Time{}, "", fmt.Errorf("%q is no time such as 2015-01-16T08:30:00-05:00", text)
}

// onTheClock is the one moment at which the city's clock shows a time.
func onTheClock(wall time.Time, zone *time.Location) (time.Time, error) {
	show := func(t time.Time) string { return t.Format("2006-01-02 15:04:05.999999999") }
	var found []time.Time
	offsets := map[int]bool{}
	for _, near := range []time.Duration{-24 * time.Hour, 24 * time.Hour} { // the offsets before and after a change
		_, offset := wall.Add(near).In(zone).Zone()
		if offsets[offset] {
			continue
		}
		offsets[offset] = true
		if at := wall.Add(-time.Duration(offset) * time.Second); show(at.In(zone)) == show(wall) {
			found = append(found, at.In(zone))
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return time.Time{}, fmt.Errorf("%q: the clocks of %s left this time out when they were put forward", show(wall), zone)
	default:
		return time.Time{}, fmt.Errorf("%q: the clocks of %s showed this time twice: give its offset", show(wall), zone)
	}
}

func (rec *record) print(w io.Writer) {
	count := func(yes func(*request) bool) (n int) {
		for _, r := range rec.requests {
			if yes(r) {
				n++
			}
		}
		return n
	}
	closed := func(r *request) bool { return !r.closed.IsZero() }
	target := func(r *request) bool { return !r.target.IsZero() }
	flag := func(r *request) bool { return r.flag != "" }
	fmt.Fprintf(w, "%d rows: %d read, %d refused. Times in %s.\n", rec.rows, len(rec.requests), len(rec.refused), rec.zone)
	fmt.Fprintf(w, "Closed: %d with a target and a flag, %d with a target and no flag, %d without a target.\n",
		count(func(r *request) bool { return closed(r) && target(r) && flag(r) }), count(func(r *request) bool { return closed(r) && target(r) && !flag(r) }),
		count(func(r *request) bool { return closed(r) && !target(r) }))
	fmt.Fprintf(w, "Open: %d with a target (%d flagged OVERDUE, %d ONTIME, %d without a flag), %d without. No moment is known at which they were flagged, so\nthey are not compared.\n",
		count(func(r *request) bool { return !closed(r) && target(r) }), count(func(r *request) bool { return !closed(r) && target(r) && r.flag == deadline.Late }),
		count(func(r *request) bool { return !closed(r) && target(r) && r.flag == deadline.OnTime }), count(func(r *request) bool { return !closed(r) && target(r) && !flag(r) }),
		count(func(r *request) bool { return !closed(r) && !target(r) }))
	fmt.Fprintf(w, "Closed at the very second of the target: %d.\n", count(func(r *request) bool { return closed(r) && target(r) && r.closed.Equal(r.target) }))
	examples(w, "refused", rec.refused, shown)
	for _, what := range []string{oddOrder, oddTarget, oddNoFlag, oddUnasked, oddOffset, oddLocal} {
		examples(w, "odd, kept: "+what, rec.odd[what], 3)
	}
}

func examples(w io.Writer, what string, list []refusal, most int) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "%d %s\n", len(list), what)
	for i, r := range list {
		if i == most {
			fmt.Fprintf(w, "  and %d more\n", len(list)-most)
			return
		}
		if r.field == "" {
			fmt.Fprintf(w, "  line %d: %s\n", r.line, r.message)
		} else {
			fmt.Fprintf(w, "  line %d, %s: %s\n", r.line, r.field, r.message)
		}
	}
}
