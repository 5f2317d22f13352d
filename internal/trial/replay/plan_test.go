package replay

import (
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/testdata"
)

const replays = "../../../replays"

// TestRecordedSets reads the three shipped mappings against the recorded files and holds the figures that their
// SOURCE.md states.
func TestRecordedSets(t *testing.T) {
	t.Run("methane", func(t *testing.T) {
		p := mustRead(t, replays+"/methane.yaml", testdata.Shared(t, "sensors", "methane-metec"))
		const minutes = 9720
		if len(p.Places) != 1 || len(p.Assets) != 14 || len(p.Datastreams) != 10 || len(p.Events) != 596 {
			t.Errorf("%d places, %d assets, %d datastreams, %d events", len(p.Places), len(p.Assets), len(p.Datastreams), len(p.Events))
		}
		if p.Count.Rows-596-8-5 != minutes || p.Count.Cells != 10*minutes || len(p.Readings)+p.Count.Missing != p.Count.Cells {
			t.Errorf("%d readings, %+v", len(p.Readings), p.Count)
		}
		if d := p.datastream(t, "metec-SE/gas/methane-ambient"); d.Missing != 580 {
			t.Errorf("SE has %d gaps, want 580", d.Missing)
		}
		// 2022-05-09T06:00Z: 4.2713 rad against the clock from east, blowing towards, comes from 25.3 degrees.
		want := 270 - 4.2713*180/3.141592653589793
		if got := p.first(t, "metec-mast/weather/wind-direction"); got < want-1e-6 || got > want+1e-6 {
			t.Errorf("wind from %g, want %g", got, want)
		}
		first, last := p.Period()
		if s := score(p.Events, nil, first, last); s.Events != 17 {
			t.Errorf("%d releases overlap the readings, want 17", s.Events)
		}
	})
	t.Run("river", func(t *testing.T) {
		p := mustRead(t, replays+"/river.yaml", testdata.Shared(t, "sensors", "river-wear-2022"))
		if len(p.Assets) != 5 || len(p.Datastreams) != 5 || len(p.Readings) != 14088 {
			t.Errorf("%d assets, %d datastreams, %d readings", len(p.Assets), len(p.Datastreams), len(p.Readings))
		}
		if !slices.IsSortedFunc(p.Readings, func(a, b Reading) int { return int(a.At - b.At) }) {
			t.Error("not in the order of time")
		}
		declared := map[string]bool{}
		for _, a := range p.Assets {
			declared[a.ID] = true
		}
		for _, d := range p.Datastreams {
			if !declared[d.Asset] {
				t.Errorf("datastream %s is of %q, which is no asset of the mapping", d.ID, d.Asset)
			}
		}
	})
	t.Run("boston", func(t *testing.T) {
		p := mustRead(t, replays+"/boston.yaml", testdata.Shared(t, "reports", "boston-2015"))
		if len(p.Reports) != 115_773 || p.Count.PlaceUnknown != 13_062+387+143 {
			t.Errorf("%d reports, %d without a place", len(p.Reports), p.Count.PlaceUnknown)
		}
		closed, due, litter := 0, 0, 0
		for _, r := range p.Reports {
			if r.Category == "Needle Pickup" { // one that is not ours stays as it is
				litter++
			}
			if r.State == "closed" {
				closed++
			}
			if r.DueAt != nil {
				due++
			}
		}
		if closed != 96_427 || due == 0 || litter != 622 {
			t.Errorf("%d closed, %d with a deadline, %d of one kind", closed, due, litter)
		}
		first := p.Reports[0]
		if first.ExternalID != "boston-101001240735" || !first.ReceivedAt.Equal(time.Date(2015, 1, 1, 5, 25, 23, 0, time.UTC)) ||
			first.Channel != "app" || first.Category != "street-light" || *first.Point != [2]float64{-71.0944, 42.3474} {
			t.Errorf("%+v", first)
		}
	})
}

func TestWithin(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 1, 1, hour, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		name            string
		since, until    time.Time
		readings, event int // how many stay
	}{
		{"no bound", time.Time{}, time.Time{}, 4, 2},
		{"from its first moment on", at(1), time.Time{}, 3, 2},
		{"before its last moment", time.Time{}, at(3), 3, 2},
		{"both", at(1), at(2), 1, 1},
		{"none of it", at(10), time.Time{}, 0, 0},
	} {
		p := &Plan{Events: []Event{{Start: at(0).UnixMicro(), End: at(1).UnixMicro()}, {Start: at(2).UnixMicro(), End: at(4).UnixMicro()}}}
		for h := range 4 {
			p.Readings = append(p.Readings, Reading{At: at(h).UnixMicro(), Text: noText})
			p.Reports = append(p.Reports, Report{ReceivedAt: at(h)})
		}
		p.within(c.since, c.until)
		if len(p.Readings) != c.readings || len(p.Reports) != c.readings || len(p.Events) != c.event || p.Count.Outside != 2*(4-c.readings) {
			t.Errorf("%s: %d readings, %d reports, %d events, %+v", c.name, len(p.Readings), len(p.Reports), len(p.Events), p.Count)
		}
	}
}

func (p *Plan) datastream(t *testing.T, id string) Datastream {
	t.Helper()
	i := slices.IndexFunc(p.Datastreams, func(d Datastream) bool { return d.ID == id })
	if i < 0 {
		t.Fatalf("no datastream %s in %+v", id, p.Datastreams)
	}
	return p.Datastreams[i]
}

func (p *Plan) first(t *testing.T, id string) float64 {
	t.Helper()
	for _, r := range p.Readings {
		if p.Datastreams[r.Stream].ID == id {
			return r.Number
		}
	}
	t.Fatalf("no reading of %s", id)
	return 0
}

func mustRead(t *testing.T, mapping, dir string) *Plan {
	t.Helper()
	p, _, err := Read(mapping, dir, false)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// files writes a mapping and recorded files into a folder of the test and returns the mapping's path and the folder.
func files(t *testing.T, all map[string]string) (mapping, dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range all {
		if strings.HasSuffix(name, ".gz") {
			var b strings.Builder
			w := gzip.NewWriter(&b)
			if _, err := w.Write([]byte(content)); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			content = b.String()
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "m.yaml"), dir
}

// lines shows a plan's readings as one line each, in the order of sending.
func (p *Plan) lines() string {
	var b strings.Builder
	for _, r := range p.Readings {
		b.WriteString(p.Datastreams[r.Stream].ID + "," + time.UnixMicro(r.At).UTC().Format(time.RFC3339Nano) + "," + p.Value(r) + "\n")
	}
	return b.String()
}

// TestLayouts: files as loggers and offices write them, and the readings that they are.
func TestLayouts(t *testing.T) {
	const wide = "readings:\n- file: f.csv\n  time: {column: t%s}\n  series:\n  - {column: v, asset: a, property: p/q, unit: m}\n"
	simple := func(time string) string { return strings.Replace(wide, "%s", time, 1) }
	for _, test := range []struct {
		name, mapping, file string
		content             string
		want                string
	}{
		{"byte-order mark, blanks and CRLF", simple(""), "f.csv", "\ufefft , v\r\n2022-01-02T03:04:05Z, 1.50\r\n", "a/p/q,2022-01-02T03:04:05Z,1.5\n"},
		{"gzip by its content, not its name", strings.Replace(simple(""), "f.csv", "f*", 1), "f.csv.gz", "t,v\n2022-01-02T03:04:05Z,1\n", "a/p/q,2022-01-02T03:04:05Z,1\n"},
		{"semicolons and decimal commas", strings.Replace(simple(", time_zone: Europe/Berlin, format: DD.MM.YYYY hh:mm"), "  time", "  decimal: comma\n  time", 1), "f.csv",
			"t;v\n02.07.2022 03:04;1,5\n", "a/p/q,2022-07-02T01:04:00Z,1.5\n"},
		{"tabs", simple(""), "f.csv", "t\tv\n2022-01-02 03:04:05.250+01:00\t-1e3\n", "a/p/q,2022-01-02T02:04:05.25Z,-1000\n"},
		{"lines above the header", strings.Replace(simple(""), "  time", "  skip_lines: 2\n  time", 1), "f.csv", "logger 7\n\nt,v\n2022-01-02T03:04Z,1\n", "a/p/q,2022-01-02T03:04:00Z,1\n"},
		{"no header", strings.Replace(simple(""), "  time", "  header: [t, v]\n  time", 1), "f.csv", "2022-01-02T03:04Z,1\n", "a/p/q,2022-01-02T03:04:00Z,1\n"},
		{"seconds since 1970", simple(", format: unix"), "f.csv", "t,v\n1641092645,1\n1641092645.5,2\n", "a/p/q,2022-01-02T03:04:05Z,1\na/p/q,2022-01-02T03:04:05.5Z,2\n"},
		{"date and time apart", strings.Replace(simple(", format: MM/DD/YYYY hh:mm AM"), "column: t", "column: [t, u]", 1), "f.csv", "t,u,v\n01/02/2022,03:04 PM,1\n", "a/p/q,2022-01-02T15:04:00Z,1\n"},
		{"a time zone whose clocks jump", simple(", time_zone: America/New_York"), "f.csv", "t,v\n2015-07-01 00:00:00,1\n2015-12-01 00:00:00,2\n", "a/p/q,2015-07-01T04:00:00Z,1\na/p/q,2015-12-01T05:00:00Z,2\n"},
		{"wide with a pattern", "readings:\n- file: f.csv\n  time: t\n  series:\n  - {column: \"no2_{s}\", asset: \"site-{s}\", property: air/no2, unit: ug, datastream: \"{s}\"}\n", "f.csv",
			"t,no2_A,no2_B,x\n2022-01-02T03:04Z,1,2,3\n", "A,2022-01-02T03:04:00Z,1\nB,2022-01-02T03:04:00Z,2\n"},
		{"long with a choice of rows", "readings:\n- file: f.csv\n  time: t\n  where: {ok: [1, yes]}\n  series:\n  - {column: v, where: {what: LVL}, asset: \"{site}\", property: flood/level, unit: m, times: 0.01}\n", "f.csv",
			"t,site,what,v,ok\n2022-01-02T03:04Z,A,LVL,123,1\n2022-01-02T03:04Z,A,TMP,9,1\n2022-01-02T03:05Z,B,LVL,124,yes\n2022-01-02T03:06Z,B,LVL,125,no\n",
			"A/flood/level,2022-01-02T03:04:00Z,1.23\nB/flood/level,2022-01-02T03:05:00Z,1.24\n"},
		{"truth values and texts", "readings:\n- file: f.csv\n  time: t\n  series:\n  - {column: v, type: truth, values: {RUN: true, STOP: false}, datastream: a}\n  - {column: w, type: text, datastream: b}\n", "f.csv",
			"t,v,w\n2022-01-02T03:04Z,RUN,up\n2022-01-02T03:05Z,STOP,down\n", "a,2022-01-02T03:04:00Z,true\nb,2022-01-02T03:04:00Z,up\na,2022-01-02T03:05:00Z,false\nb,2022-01-02T03:05:00Z,down\n"},
		{"sorted by time", simple(""), "f.csv", "t,v\n2022-01-03T00:00Z,3\n2022-01-01T00:00Z,1\n2022-01-02T00:00Z,2\n", "a/p/q,2022-01-01T00:00:00Z,1\na/p/q,2022-01-02T00:00:00Z,2\na/p/q,2022-01-03T00:00:00Z,3\n"},
		{"or left as they stand", "order: file\n" + simple(""), "f.csv", "t,v\n2022-01-03T00:00Z,3\n2022-01-01T00:00Z,1\n2022-01-03T00:00Z,3\n", "a/p/q,2022-01-03T00:00:00Z,3\na/p/q,2022-01-01T00:00:00Z,1\n"},
		{"JSON lines", strings.Replace(strings.Replace(simple(", format: unix_ms"), "f.csv", "f.jsonl", 1), "column: v", "column: p.v", 1), "f.jsonl",
			"{\"t\":1641092645000,\"p\":{\"v\":1.5}}\n\n{\"t\":1641092646000,\"p\":{\"v\":null}}\n", "a/p/q,2022-01-02T03:04:05Z,1.5\n"},
		{"JSON with records deeper down", strings.Replace(strings.Replace(simple(""), "f.csv", "f.json\n  records: data.items", 1), "column: v", "column: xy.1", 1), "f.json",
			`{"meta": {"items": 3}, "data": {"n": [1], "items": [{"t": "2022-01-02T03:04:05Z", "xy": [7, 8]}]}}`, "a/p/q,2022-01-02T03:04:05Z,8\n"},
		{"GB 18030", "readings:\n- file: f.csv\n  encoding: gb18030\n  time: 时间\n  series:\n  - {column: 数值, datastream: \"{站}\"}\n", "f.csv",
			"\xca\xb1\xbc\xe4,\xd5\xbe,\xca\xfd\xd6\xb5\n2022-01-02T03:04Z,\xb6\xab\xc3\xc5,1\n", "东门,2022-01-02T03:04:00Z,1\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			header := "time_zone: UTC\n"
			p := mustRead2(t, map[string]string{"m.yaml": header + test.mapping, test.file: test.content})
			if got := p.lines(); got != test.want {
				t.Errorf("got\n%swant\n%s", got, test.want)
			}
			if c := p.Count; c.Cells != len(p.Readings)+c.Missing+c.Repeated+c.LeftOut {
				t.Errorf("cells do not add up: %d readings, %+v", len(p.Readings), c)
			}
		})
	}
}

func mustRead2(t *testing.T, all map[string]string) *Plan {
	t.Helper()
	mapping, dir := files(t, all)
	return mustRead(t, mapping, dir)
}

// TestMistakes: what is wrong is said where it stands, and nothing is planned.
func TestMistakes(t *testing.T) {
	const good = "time_zone: UTC\nreadings:\n- file: f.csv\n  time: t\n  series:\n  - {column: v, asset: a, property: p/q, unit: m}\n"
	for _, test := range []struct {
		name, mapping, csv string
		want               string
	}{
		{"misspelt key", strings.Replace(good, "column", "colunm", 1), "", `m.yaml:6:6: unknown key "colunm", did you mean "column"?`},
		{"misspelt keys, all of them",
			"coordinats: wgs84\nassets:\n- {id: a, pakc: gas, colour: red}\n" + strings.Replace(strings.Replace(good, "column", "colunm", 1), "time:", "tiem: t\n  time:", 1) +
				"truth:\n  file: f.csv\n  compare: {clear: 90s, limit: [1]}\n", "", "m.yaml:1:1: unknown key \"coordinats\", did you mean \"coordinates\"?\n" +
				"m.yaml:3:11: unknown key \"pakc\", did you mean \"pack\"?\n" +
				"m.yaml:3:22: unknown key \"colour\", expected one of: decimal, delimiter, encoding, file, format, header, id, kind, missing, name, pack, place, point, records, skip_lines, where\n" +
				"m.yaml:7:3: unknown key \"tiem\", did you mean \"time\"?\n" +
				"m.yaml:10:6: unknown key \"colunm\", did you mean \"column\"?\n" +
				"m.yaml:13:25: unknown key \"limit\", did you mean \"limits\"?"},
		{"misspelt key at the top", "coordinats: wgs84\n" + good, "", `m.yaml:1:1: unknown key "coordinats", did you mean "coordinates"?`},
		{"not YAML", "readings: [", "", `m.yaml:1:11: sequence end token ']' not found`},
		{"a list where a text should be", strings.Replace(good, "asset: a", "asset: [a]", 1), "", `m.yaml:6:24: expected a text`},
		{"empty mapping", "", "", "m.yaml: the mapping is empty"},
		{"nothing to send", "title: x", "", "m.yaml: the mapping sends nothing: expected places, assets, readings or reports"},
		{"missing key", strings.Replace(good, ", unit: m", "", 1), "", "m.yaml:6:6: unit: is missing"},
		{"unknown zone", strings.Replace(good, "UTC", "Mars/Base", 1), "", `m.yaml:1:12: time_zone: unknown time zone "Mars/Base", expected a name such as Asia/Shanghai or UTC`},
		{"unknown system", "coordinates: bd09\n" + good, "", `m.yaml:1:14: coordinates: coordinate system "bd09" is not supported: export the file as gcj02 or wgs84`},
		{"point without a system", good + "places: [{id: x, name: n, point: [1, 2]}]", "", "m.yaml:7:34: point: say at the top of the mapping which system points are in, such as coordinates: wgs84"},
		{"lon and lat swapped", "coordinates: wgs84\nplaces: [{id: x, name: n, point: [40.5, -105.1]}]", "", "m.yaml:2:34: point: lon 40.5, lat -105.1: a latitude is between -90 and 90; are the two swapped?"},
		{"unknown column", strings.Replace(good, "column: v", "column: level", 1), "t,v\n", `m.yaml:6:14: column: f.csv: unknown column "level", expected one of: t, v`},
		{"a pattern that no column fits", strings.Replace(good, "column: v", `column: "w_{s}"`, 1), "t,v\n", `m.yaml:6:14: column: no file has a column like "w_{s}"`},
		{"no such file", strings.Replace(good, "f.csv", "g.csv", 1), "", "m.yaml:3:9: file: there is no file g.csv"},
		{"empty file", good, "", "f.csv: the file is empty: expected a header line with the columns' names"},
		{"two columns of one name", good, "t,v,v\n", "f.csv:1: v: two columns have this name"},
		{"not a number", good, "t,v\n2022-01-02T03:04Z,n/a\n", `f.csv:2:19: v: "n/a" is not a number; if it stands for a missing value, say missing: ["n/a"]`},
		{"infinite", good, "t,v\n2022-01-02T03:04Z,Inf\n", `f.csv:2:19: v: "Inf" is not a number; if it stands for a missing value, say missing: ["Inf"]`},
		{"not a time", good, "t,v\nyesterday,1\n", `f.csv:2:1: t: expected a time such as 2026-11-23T03:00:00Z, got "yesterday"`},
		{"a time without offset or zone", strings.Replace(good, "time_zone: UTC\n", "", 1), "t,v\n2022-01-02 03:04:05,1\n", `f.csv:2:1: t: the time "2022-01-02 03:04:05" has no offset: say time_zone in the mapping`},
		{"a time that the clock skipped", strings.Replace(good, "UTC", "America/New_York", 1), "t,v\n2015-03-08 02:30,1\n", `f.csv:2:1: t: the time "2015-03-08 02:30" does not exist in America/New_York: its clocks were put forward`},
		{"too few fields", good, "t,v\n2022-01-02T03:04Z\n", "f.csv:2:1: the row has 1 fields, the header has 2"},
		{"a stray quote", good, "t,v\n2022-01-02T03:04Z,\"1\"2\n", `f.csv:2:21: a quote is out of place: expected "..." around the whole field, with quotes inside doubled`},
		{"not UTF-8", good, "t,v\n2022-01-02T03:04Z,\xb6\xab\n", "f.csv:2:19: v: the text is not UTF-8: for a file from Chinese Excel say encoding: gb18030"},
		{"UTF-16", good, "\xff\xfet\x00", "f.csv: the file is UTF-16: save it as UTF-8"},
		{"all problems at once", good, "t,v\nx,1\n2022-01-02T03:04Z,y\n", "f.csv:2:1: t: expected a time such as 2026-11-23T03:00:00Z, got \"x\"\nf.csv:3:19: v: \"y\" is not a number; if it stands for a missing value, say missing: [\"y\"]"},
		{"asset declared twice", "coordinates: wgs84\nassets: [{file: f.csv, id: x, kind: k, name: n, place: p, point: {lon: t, lat: v}}]", "t,v\n1,2\n3,4\n", `f.csv:3:1: id: the id "x" was declared before`},
		{"place not on earth", "coordinates: wgs84\nassets: [{file: f.csv, id: \"{t}\", kind: k, name: n, place: p, point: {lon: t, lat: v}}]", "t,v\n1,200\n", "f.csv:2:1: t: lon 1, lat 200 is no point on earth in degrees"},
		{"a word without a meaning", "reports: [{file: f.csv, id: \"{v}\", category: \"{v}\", text: x, received: t, categories: {leak: water/leak}}]",
			"t,v\n2022-01-02T03:04Z,leek\n", `f.csv:2:1: categories: unknown value "leek", did you mean "leak"?; "*" stands for all others`},
	} {
		t.Run(test.name, func(t *testing.T) {
			mapping, dir := files(t, map[string]string{"m.yaml": test.mapping, "f.csv": test.csv})
			p, _, err := Read(mapping, dir, false)
			if err == nil {
				t.Fatalf("planned %+v", p)
			}
			if got := strings.ReplaceAll(err.Error(), dir+"/", ""); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestBrokenJSONSaysWhere(t *testing.T) {
	const mapping = "readings: [{file: f.json, time: t, series: [{column: v, datastream: a}]}]"
	for content, want := range map[string]string{
		"[\n{\"t\": 1},\n{\"t\" 2}]": "f.json:3:6: ",
		"{\"t\": 1}":                 "f.json:1:2: expected an array of records",
		"[]":                         "f.json: the file holds no records",
	} {
		m, dir := files(t, map[string]string{"m.yaml": mapping, "f.json": content})
		_, _, err := Read(m, dir, false)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", content, err, want)
		}
	}
}

func TestBadCellsAreLeftOutOnRequest(t *testing.T) {
	m, dir := files(t, map[string]string{
		"m.yaml": "readings: [{file: f.csv, time: t, series: [{column: v, datastream: a}, {column: w, datastream: b}]}]",
		"f.csv":  "t,v,w\n2022-01-02T03:04Z,1,x\nsoon,2,3\n2022-01-02T03:05Z,,4\n2022-01-02T03:05Z,,4\n",
	})
	p, problems, err := Read(m, dir, true)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.lines(), "a,2022-01-02T03:04:00Z,1\nb,2022-01-02T03:05:00Z,4\n"; got != want {
		t.Errorf("got %s want %s", got, want)
	}
	if c := p.Count; len(problems) != 2 || c.LeftOut != 3 || c.Missing != 2 || c.Repeated != 1 || c.Cells != 8 {
		t.Errorf("%d problems, %+v", len(problems), c)
	}
}

func TestClockShownTwice(t *testing.T) {
	p := mustRead2(t, map[string]string{
		"m.yaml": "time_zone: America/New_York\nreadings: [{file: f.csv, time: t, series: [{column: v, datastream: a}]}]",
		"f.csv":  "t,v\n2015-11-01 00:30,0\n2015-11-01 01:30,1\n2015-11-01 02:30,2\n",
	})
	want := "a,2015-11-01T04:30:00Z,0\na,2015-11-01T05:30:00Z,1\na,2015-11-01T07:30:00Z,2\n"
	if got := p.lines(); got != want || p.Count.Ambiguous != 1 {
		t.Errorf("got %s, %d ambiguous", got, p.Count.Ambiguous)
	}
}

func TestPointsAreConverted(t *testing.T) {
	p := mustRead2(t, map[string]string{"m.yaml": "coordinates: gcj02\nplaces: [{id: x, name: n, point: [116.3975, 39.9087]}]"})
	// Beijing is some 550 m to the west and 150 m to the south of where GCJ-02 shows it.
	if got := p.Places[0]; got.Lon > 116.3925 || got.Lon < 116.390 || got.Lat > 39.908 || got.Lat < 39.906 {
		t.Errorf("%+v", got)
	}
}

// TestDocExample reads the mapping that the guide begins with.
func TestDocExample(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/replay.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(guide), "The file `levels_2022.csv`:\n\n")
	table, rest, _ := strings.Cut(rest, "\n\nThe mapping:\n\n```yaml\n")
	mapping, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("the guide has another form than this test knows")
	}
	p := mustRead2(t, map[string]string{"m.yaml": mapping, "levels_2022.csv": strings.ReplaceAll(table, "    ", "")})
	if got, want := p.lines(), "gauge-East Gate/flood/level,2022-06-30T16:00:00Z,1.23\ngauge-East Gate/flood/level,2022-06-30T16:15:00Z,1.24\n"; got != want {
		t.Errorf("got %s want %s", got, want)
	}
	if p.Assets[0].ID != "gauge-East Gate" || p.Datastreams[0].Asset != p.Assets[0].ID {
		t.Errorf("%+v %+v", p.Assets, p.Datastreams)
	}
}

// FuzzFiles: whatever stands in a mapping or a recorded file, it is read or refused, and the cells add up.
func FuzzFiles(f *testing.F) {
	const mapping = "time_zone: UTC\nreadings:\n- {file: f.csv, time: t, where: {q: 1}, series: [{column: \"v_{s}\", datastream: \"{s}{q}\", times: 2}]}\n"
	f.Add(mapping, []byte("t,v_a,v_b,q\n2022-01-02T03:04Z,1,,1\n"))
	f.Add(mapping, []byte("\xef\xbb\xbft;v_a;q\n2022-01-02 03:04;\"1\n;1\n"))
	f.Add(strings.Replace(mapping, "time: t", "time: {column: [t, t], format: \"YYYYMMDD hh\"}, format: json, records: a.b", 1), []byte(`{"a":{"b":[{"t":1,"v_":{"x":[1,{}]}}]}}`))
	f.Add("coordinates: gcj02\nassets: [{file: f.csv, id: \"{a}\", kind: k, name: n, place: p, point: {lon: x, lat: y}}]\nreports: [{file: f.csv, id: \"{a}\", category: c, text: t, received: a, point: {lon: x, lat: y}, placeholder_points: [[1, 2]], states: {a: b}}]", []byte("a,x,y\n1,1,2\n"))
	f.Add("truth: {file: f.csv, start: a, end: {column: b, format: unix_ms}, detector: d, compare: {property: p, limits: [1], for: 2m}}", []byte("a,b\n2022-01-02,3\n"))
	f.Fuzz(func(t *testing.T, mapping string, file []byte) {
		dir := t.TempDir()
		for name, content := range map[string][]byte{"m.yaml": []byte(mapping), "f.csv": file} {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		p, _, err := Read(filepath.Join(dir, "m.yaml"), dir, true)
		if err != nil {
			return
		}
		rows := p.Count // a row that can't be read counts as one left out, without cells
		if rows.Cells > len(p.Readings)+rows.Missing+rows.Repeated+rows.LeftOut {
			t.Errorf("cells do not add up: %d readings, %+v", len(p.Readings), rows)
		}
	})
}
