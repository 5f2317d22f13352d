package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/respond/deadline"
)

const header = "case_id,opened_at,target_at,closed_at,on_time,status,type,department\n"

func newYork(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestMoment(t *testing.T) {
	zone := newYork(t)
	for _, c := range []struct{ text, utc, odd, wrong string }{
		{"2015-01-16T08:30:00-05:00", "2015-01-16T13:30:00Z", "", ""},
		{"2015-07-16T08:30:00-04:00", "2015-07-16T12:30:00Z", "", ""},
		{"2015-07-16T08:30:00-05:00", "2015-07-16T13:30:00Z", oddOffset, ""},
		{"2015-07-16T12:30:00Z", "2015-07-16T12:30:00Z", oddOffset, ""},
		{"2015-11-01T01:30:00-04:00", "2015-11-01T05:30:00Z", "", ""}, // the first half past one
		{"2015-11-01T01:30:00-05:00", "2015-11-01T06:30:00Z", "", ""}, // the second
		{"2015-03-08T02:30:00-05:00", "2015-03-08T07:30:00Z", oddOffset, ""},
		{"2015-01-16 08:30:00", "2015-01-16T13:30:00Z", oddLocal, ""},
		{"2015-07-16T08:30:00", "2015-07-16T12:30:00Z", oddLocal, ""},
		{"2015-03-08 01:59:59", "2015-03-08T06:59:59Z", oddLocal, ""},
		{"2015-03-08 03:00:00", "2015-03-08T07:00:00Z", oddLocal, ""},
		{"2015-03-08 02:00:00", "", "", "left this time out"},
		{"2015-03-08 02:59:59", "", "", "left this time out"},
		{"2015-11-01 00:59:59", "2015-11-01T04:59:59Z", oddLocal, ""},
		{"2015-11-01 01:00:00", "", "", "twice"},
		{"2015-11-01 01:59:59", "", "", "twice"},
		{"2015-11-01 02:00:00", "2015-11-01T07:00:00Z", oddLocal, ""},
		{"03/04/2015 08:30", "", "", "no time"},
		{"2015-02-29T08:30:00-05:00", "", "", "no time"},
		{"2015-01-16", "", "", "no time"},
		{"1421415000", "", "", "no time"},
		{"", "", "", "no time"},
	} {
		at, odd, err := moment(c.text, zone)
		switch {
		case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
			t.Errorf("%q: %v, %v; want a refusal with %q", c.text, at, err, c.wrong)
		case c.wrong == "" && (err != nil || at.UTC().Format(time.RFC3339) != c.utc || odd != c.odd):
			t.Errorf("%q: %s, %q, %v; want %s, %q", c.text, at.UTC().Format(time.RFC3339), odd, err, c.utc, c.odd)
		}
	}
}

// Each row that is not compared is refused or counted, with its line and field.
func TestRowsThatAreOdd(t *testing.T) {
	file := strings.ReplaceAll(header+
		`1,2015-01-01T00:00:00-05:00,2015-01-02T00:00:00-05:00,2015-01-02T00:00:00-05:00,ONTIME,Closed,lamp,A
2,2015-01-01T00:00:00-05:00,2015-01-02T00:00:00-05:00,2015-01-02T00:00:01-05:00,OVERDUE,Closed,lamp,A
3,2015-01-01T00:00:00-05:00,2015-01-02T00:00:00-05:00,2015-01-01T23:59:59-05:00,OVERDUE,Closed,"lamp, old",A
4,2015-01-01T00:00:00-05:00,,2015-01-02T00:00:00-05:00,ONTIME,Closed,lamp,A
5,2015-01-01T00:00:00-05:00,2015-01-02T00:00:00-05:00,2015-01-02T00:00:00-05:00,,Closed,lamp,A
6,2015-01-01T00:00:00-05:00,2015-01-02T00:00:00-05:00,,OVERDUE,Open,lamp,A
7,2015-01-03T00:00:00-05:00,2015-01-04T00:00:00-05:00,2015-01-02T00:00:00-05:00,ONTIME,Closed,lamp,A
8,2015-01-01T00:00:00-05:00,soon,2015-01-02T00:00:00-05:00,ONTIME,Closed,lamp,A
9,2015-01-01T00:00:00-05:00,2015-01-02T00:00:00-05:00,2015-01-02T00:00:00-05:00,yes,Closed,lamp,A
10,2015-01-01T00:00:00-05:00,2015-01-02T00:00:00-05:00,,ONTIME,Closed,lamp,A
11,2015-01-01T00:00:00-05:00,2015-01-02T00:00:00-05:00,2015-01-02T00:00:00-05:00,ONTIME,Open,lamp,A
1,2015-01-01T00:00:00-05:00,2015-01-02T00:00:00-05:00,2015-01-02T00:00:00-05:00,ONTIME,Closed,lamp,A
12,2015-01-01T00:00:00-05:00,2015-01-02T00:00:00-05:00,ONTIME,Closed,lamp,A
13,,2015-01-02T00:00:00-05:00,2015-01-02T00:00:00-05:00,ONTIME,Closed,lamp,A
14,2015-11-01T00:30:00-04:00,2015-11-01T01:30:00-05:00,2015-11-01T01:45:00-04:00,ONTIME,Closed,lamp,A
15,2015-11-01T00:30:00-04:00,2015-11-01T01:30:00-04:00,2015-11-01T01:15:00-05:00,OVERDUE,Closed,lamp,A
`, "\n", "\r\n")
	rec, err := parse(strings.NewReader(file), newYork(t))
	if err != nil {
		t.Fatal(err)
	}
	if rec.rows != 16 || len(rec.requests) != 9 || len(rec.refused) != 7 {
		t.Errorf("%d rows, %d read, %d refused: %+v", rec.rows, len(rec.requests), len(rec.refused), rec.refused)
	}
	want := map[int]string{9: "target_at", 10: "on_time", 11: "closed_at", 12: "status", 13: "case_id", 14: "", 15: "opened_at"}
	for _, r := range rec.refused {
		if field, ok := want[r.line]; !ok || field != r.field {
			t.Errorf("line %d is refused at %q: %s", r.line, r.field, r.message)
		}
		delete(want, r.line)
	}
	if len(want) > 0 {
		t.Errorf("not refused: %v", want)
	}
	for what, line := range map[string]int{oddNoFlag: 6, oddOrder: 8} {
		if list := rec.odd[what]; len(list) != 1 || list[0].line != line {
			t.Errorf("%s: %v, want line %d", what, list, line)
		}
	}
	c := compare(rec.requests)
	if c.compared != 6 || c.equal != 5 || len(c.other) != 1 || c.other[0].line != 4 {
		t.Errorf("%d of %d equal, not: %+v", c.equal, c.compared, c.other)
	}
	if g := c.types["lamp, old"]; g == nil || g.compared != 1 || g.equal != 0 {
		t.Errorf("the group of a quoted type: %+v", g)
	}
}

// The report's own judgement is what is compared: were it to change, the comparison would see it.
func TestTheReportItselfJudges(t *testing.T) {
	at := time.Date(2015, 6, 1, 12, 0, 0, 0, time.UTC)
	q := &request{opened: at.Add(-time.Hour), target: at, closed: at}
	if got := q.limit().Status(at); got != deadline.OnTime {
		t.Errorf("closed at the limit: %s", got)
	}
	q.closed = at.Add(time.Second)
	if got := q.limit().Status(at); got != deadline.Late {
		t.Errorf("closed a second after the limit: %s", got)
	}
}

func TestTerms(t *testing.T) {
	c, err := readCalendar()
	if err != nil {
		t.Fatal(err)
	}
	zone := newYork(t)
	for _, r := range []struct {
		opened, target string
		want           term
	}{
		{"2015-04-01T10:52:45-04:00", "2015-04-02T10:52:45-04:00", term{1, true}},
		{"2015-09-03T11:39:00-04:00", "2015-09-09T11:39:20-04:00", term{3, true}},    // over Labor Day
		{"2015-01-14T18:54:12-05:00", "2015-01-30T08:30:00-05:00", term{10, true}},   // in the evening, over a holiday
		{"2015-03-06T09:00:00-05:00", "2015-03-13T09:00:00-04:00", term{7, false}},   // over the change of clocks
		{"2015-02-10T12:00:00-05:00", "2015-08-09T12:00:00-04:00", term{180, false}}, // half a year
	} {
		q := &request{}
		for text, to := range map[string]*time.Time{r.opened: &q.opened, r.target: &q.target} {
			if *to, err = time.Parse(time.RFC3339, text); err != nil {
				t.Fatal(err)
			}
		}
		if got := termsOf(c, q, zone); !slices.Contains(got, r.want) {
			t.Errorf("%s to %s: %v, want %v among them", r.opened, r.target, got, r.want)
		}
	}
}

func TestFilesThatAreNone(t *testing.T) {
	zone := newYork(t)
	for name, text := range map[string]string{
		"empty": "", "no such column": "case_id,opened_at\n", "twice": strings.TrimSpace(header) + ",status\n", "semicolons": strings.ReplaceAll(header, ",", ";"),
	} {
		if _, err := parse(strings.NewReader(text), zone); err == nil {
			t.Errorf("%s: taken as a file of requests", name)
		}
	}
	rec, err := parse(strings.NewReader(header+"1,\"2015\n"), zone)
	if err != nil || len(rec.refused) != 1 {
		t.Errorf("a quote that is not closed: %+v, %v", rec, err)
	}
	rec, err = parse(strings.NewReader(header+"1,2015-01-01T00:00:00-05:00,,,,Open,\xff,A\n"), zone)
	if err != nil || len(rec.refused) != 1 || rec.refused[0].field != "type" {
		t.Errorf("bytes that are no text: %+v, %v", rec, err)
	}
}

func TestRun(t *testing.T) {
	text := header + "1,2015-01-01T00:00:00-05:00,2015-01-02T00:00:00-05:00,2015-01-02T00:00:00-05:00,ONTIME,Closed,lamp,\n"
	for _, packed := range []bool{false, true} {
		dir := t.TempDir()
		name, body := "requests.csv", []byte(text)
		if packed {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			if _, err := z.Write(body); err != nil {
				t.Fatal(err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			name, body = "requests.csv.gz", b.Bytes()
		}
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, data := range []string{dir, filepath.Join(dir, name)} {
			var out bytes.Buffer
			if err := run(&out, data, "America/New_York", false); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if last := lines[len(lines)-1]; last != "on_time_equal=1/1" {
				t.Errorf("%s: the last line is %q", data, last)
			}
		}
	}
}

// The whole year: every closed row with a target and a flag.
func TestBoston(t *testing.T) {
	dir := "../../../shared/data/reports/boston-2015"
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the shared data are not here: %v", err)
	}
	var out bytes.Buffer
	if err := run(&out, dir, "America/New_York", false); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(out.String(), "\non_time_equal=79031/79031\n") {
		t.Errorf("...%s", out.String()[max(out.Len()-200, 0):])
	}
}
