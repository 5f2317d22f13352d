package backtest

import (
	"strings"
	"testing"
)

// Every mistake is told with its file, line and field, all at once.
func TestTruthSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name, content string
		want          []string
	}{
		{"empty", "", []string{":1: the file is empty: expected a header with the columns start, end"}},
		{"columns", "strat,end\n1,2\n", []string{`:1: strat: unknown column, did you mean "start"?`, ":1: start: the column is missing"}},
		{"twice", "start,end,start\n", []string{":1: start: the column stands there twice"}},
		{"times", "start,end\n2026-03-01 00:00:00,2026-03-01T00:00:00Z\n2026-03-01T00:00:00Z,later\n", []string{
			`:2: start: expected a time with its offset, such as 2026-11-23T03:00:00Z or 2026-11-23 11:00:00+08:00, got "2026-03-01 00:00:00"`,
			`:3: end: expected a time`}},
		{"order", "start,end,harmful_at\n2026-03-02T00:00:00Z,2026-03-01T00:00:00Z,\n2026-03-02T00:00:00Z,,2026-03-01T00:00:00Z\n", []string{
			":2: end: the event ends before it starts", ":3: harmful_at: it harms before it starts"}},
		{"fields", "# a comment\nstart,end\n2026-03-02T00:00:00Z\n", []string{":3: the row has 1 fields, the header has 2"}},
		{"quotes", "start,end\n\"2026\" x,\n", []string{":2: extraneous or missing"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := file(t, "events.csv", c.content)
			_, err := ReadTruth(path)
			if err == nil {
				t.Fatal("nothing is wrong")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), path+w) {
					t.Errorf("no %q in\n%v", w, err)
				}
			}
		})
	}
}

func TestForecastsSayWhatIsWrong(t *testing.T) {
	path := file(t, "f.csv", "detector,issued,from,until,probability\n,2026-03-02T00:00:00Z,2026-03-01T00:00:00Z,2026-02-01T00:00:00Z,1.5\nm,x,x,x,NaN\n")
	_, err := ReadForecasts(path)
	for _, w := range []string{":2: detector: is empty", ":2: until: the time forecast ends", ":2: issued: it was said after", ":2: probability: expected 0 to 1, got 1.5",
		":3: issued: ", ":3: probability: expected a number"} {
		if err == nil || !strings.Contains(err.Error(), path+w) {
			t.Errorf("no %q in\n%v", w, err)
		}
	}
}

func TestTablesSayWhatIsWrong(t *testing.T) {
	p := packs(t, "testdata/drill")
	path := file(t, "h.csv", `asset,property,kind,at,value,place
g,levl,,2026-03-01T00:00:00Z,1,
g,level,gage,2026-03-01T00:00:00Z,1,
g,level,,2026-03-01T00:00:00Z,high,
g,level,,2026-03-01T00:01:00Z,1,dam
,level,,2026-03-01T00:01:00Z,1,dam
g,level,,2026-03-01T00:02:00Z,,
`)
	_, err := FromTable(path, p.All)
	for _, w := range []string{`:2: property: the packs observe no "levl"`, `:3: kind: the packs have no kind of asset "gage"`, `:4: value: expected a number, got "high"`,
		`:5: asset: g stood at place "" with unit "" before`, ":6: asset: is empty"} {
		if err == nil || !strings.Contains(err.Error(), path+w) {
			t.Errorf("no %q in\n%v", w, err)
		}
	}
}

// Whatever a file holds, reading it ends with events that make sense or with an error that names the file.
func FuzzSheets(f *testing.F) {
	f.Add("start,end,name\n2026-03-01T00:00:00Z,,x\n")
	f.Add("start,end,harmful_at,asset\n2026-03-01T00:00:00Z,2026-03-01T00:00:00Z,2026-03-01T00:00:00Z,a;b\n")
	f.Add("\xef\xbb\xbfstart,end\n\"\n")
	f.Add("\x1f\x8b\x08")
	f.Fuzz(func(t *testing.T, content string) {
		n := 0
		err := readSheet("events.csv", strings.NewReader(content), []string{"start", "end"}, []string{"name", "asset"}, func(s *sheet) {
			n++
			if from, ok := s.time("start", 0); ok {
				if to, ok := s.time("end", from); ok && to < from && s.text("end") == "" {
					t.Errorf("an empty end is %d, before %d", to, from)
				}
			}
			for _, a := range s.list("asset") {
				if strings.TrimSpace(a) == "" {
					t.Error("an asset without a name")
				}
			}
		})
		if err != nil && !strings.Contains(err.Error(), "events.csv") {
			t.Errorf("%v names no file", err)
		}
	})
}
