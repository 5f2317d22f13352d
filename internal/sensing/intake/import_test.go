package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

var stations = map[string]string{
	"east/level": "m", "west/level": "m", "east/flow": "m3/h", "east/pump": "1", "a/no2": "ug/m3", "b/no2": "ug/m3", "东门/水位": "m", "east/temperature": "°C",
}

func input(name, content string) Input {
	return Input{name, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }}
}

func layoutOf(t testing.TB, mapping string) *Layout {
	t.Helper()
	l, err := ParseLayout("m.yaml", []byte(mapping))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// said is what was taken, a line a reading.
func said(f *fake) string {
	var b strings.Builder
	for _, r := range f.taken {
		for id, d := range f.byID {
			if d.ID == r.Datastream {
				fmt.Fprintf(&b, "%s %s %s\n", id, time.UnixMicro(r.At).UTC().Format(time.RFC3339Nano), r.Value)
			}
		}
	}
	return b.String()
}

func gb(t testing.TB, s string) string {
	t.Helper()
	out, err := simplifiedchinese.GB18030.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestImport(t *testing.T) {
	const long = "source: water\ntime_zone: Asia/Shanghai\ntime: time\nseries:\n  - {column: level, datastream: \"{site}/level\", unit: cm}\n"
	for _, c := range []struct{ name, mapping, file, content, want string }{
		{"a long table", long, "l.csv", "site,time,level\neast,2026-11-23 11:00:00,123\nwest,2026-11-23 11:00:00,\neast,2026-11-23T03:15:00Z,124.5\n",
			"east/level 2026-11-23T03:00:00Z 1.23\neast/level 2026-11-23T03:15:00Z 1.245\n"},
		{"semicolons, a mark, decimal commas", long + "decimal: comma\nmissing: [NA, '-999']\n", "l.csv", "\ufeffsite;time;level\neast;2026-11-23 11:00;123,5\neast;2026-11-23 11:15;NA\neast;2026-11-23 11:30;-999\n",
			"east/level 2026-11-23T03:00:00Z 1.235\n"},
		{"decimal commas, and texts that have commas", "source: w\ndecimal: comma\ntime: t\nseries:\n  - {column: note, datastream: east/pump, type: text}\n  - {column: lead, datastream: east/flow, values: {\"<0,5\": 0.25}}\n", "l.csv",
			"t;note;lead\n2026-11-23T03:00:00Z;dry, dusty;<0,5\n2026-11-23T03:01:00Z;NA.;1,5\n",
			"east/pump 2026-11-23T03:00:00Z dry, dusty\neast/flow 2026-11-23T03:00:00Z 0.25\neast/pump 2026-11-23T03:01:00Z NA.\neast/flow 2026-11-23T03:01:00Z 1.5\n"},
		{"GeoJSON with decimal commas in texts", "source: w\ndecimal: comma\ntime: t\nseries: [{column: v, datastream: east/flow}]\n", "l.json",
			`{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"t":"2026-11-23T03:00:00Z","v":"1,5"}},{"type":"Feature","properties":{"t":"2026-11-23T03:01:00Z","v":2.5}}]}`,
			"east/flow 2026-11-23T03:00:00Z 1.5\neast/flow 2026-11-23T03:01:00Z 2.5\n"},
		{"a wide table", "source: w\ntime: {column: [date, hour], format: \"DD.MM.YYYY hh:mm\", time_zone: UTC}\nseries:\n  - {column: \"no2_{station}\", datastream: \"{station}/no2\", unit: mg/m3}\n",
			"w.csv", "date,hour,no2_a,no2_b\n23.11.2026,03:00,0.021,0.0185\n", "a/no2 2026-11-23T03:00:00Z 21\nb/no2 2026-11-23T03:00:00Z 18.5\n"},
		{"no header, lines to skip, tabs", "source: w\nskip_lines: 2\nheader: [t, v]\ntime: {column: t, format: unix}\nseries: [{column: v, datastream: east/level, times: 0.01, plus: 1}]\n",
			"w.tsv", "Logger 7\nstarted today\n1795402800\t50\n", "east/level 2026-11-23T03:00:00Z 1.5\n"},
		{"GB 18030", "source: w\nencoding: gb18030\ntime_zone: Asia/Shanghai\ntime: 时间\nwhere: {质量: [好, 可]}\nseries: [{column: 水位, datastream: \"{站点}/水位\", unit: mm}]\n",
			"水.csv", gb(t, "站点,时间,水位,质量\n东门,2026-11-23 11:00,1234,好\n东门,2026-11-23 11:05,9999,坏\n"), "东门/水位 2026-11-23T03:00:00Z 1.234\n"},
		{"words for values, and a series for each kind of row", "source: w\ntime: t\nseries:\n  - {column: v, datastream: east/pump, type: truth, values: {RUN: true, \"*\": false}, where: {kind: pump}}\n  - {column: v, datastream: east/flow, unit: L/s, where: {kind: flow}}\n",
			"l.csv", "t,kind,v\n2026-11-23T03:00:00Z,pump,RUN\n2026-11-23T03:00:00Z,flow,10\n2026-11-23T03:01:00Z,pump,STOP\n2026-11-23T03:01:00Z,other,x\n",
			"east/pump 2026-11-23T03:00:00Z true\neast/flow 2026-11-23T03:00:00Z 36\neast/pump 2026-11-23T03:01:00Z false\n"},
		{"GeoJSON", "source: w\ntime: {column: at, format: unix_ms}\nseries:\n  - {column: measured.level, datastream: \"{@id}/level\", unit: mm}\n  - {column: t, datastream: \"{@id}/temperature\", unit: '[degF]'}\n", "g.geojson",
			`{"type":"FeatureCollection","features":[
			{"type":"Feature","id":"east","geometry":{"type":"Point","coordinates":[121.5,31.2]},"properties":{"at":1795402800000,"measured":{"level":1234}}},
			{"type":"Feature","id":"west","geometry":null,"properties":{"measured":{"level":null},"at":1795402800000}},
			{"type":"Feature","id":"east","properties":{"at":1795402860000,"t":50}}]}`,
			"east/level 2026-11-23T03:00:00Z 1.234\neast/temperature 2026-11-23T03:01:00Z 10\n"},
		{"GeoJSON with its type behind", "source: w\ntime: at\nseries: [{column: v, datastream: east/level}]\n", "g.json",
			"\ufeff" + `{"name":"x","features":[{"properties":{"v":"1.5","at":"2026-11-23T03:00:00Z"},"type":"Feature"}],"bbox":[1,2],"type":"FeatureCollection"}`, "east/level 2026-11-23T03:00:00Z 1.5\n"},
	} {
		log := newFake(stations)
		s := &Service{Options: Options{Log: log, Clock: clock.NewVirtual(noon), Access: access.AllowAll}}
		report, err := s.Import(context.Background(), layoutOf(t, c.mapping), []Input{input(c.file, c.content)}, ImportOptions{})
		if err != nil || said(log) != c.want || report.Accepted != len(log.taken) || report.Files[0].Readings != len(log.taken) {
			t.Errorf("%s: %v, %+v\n%s\nexpected\n%s", c.name, err, report, said(log), c.want)
		}
	}
}

func TestRefusedFiles(t *testing.T) {
	const mapping = "source: water\ntime: time\nseries:\n  - {column: level, datastream: \"{site}/level\", unit: cm}\n  - {column: flow, datastream: \"{site}/flow\"}\n"
	for _, c := range []struct {
		name, mapping, file, content string
		want                         []string
	}{
		{"all cells that are wrong", mapping, "l.csv", "site,time,level,flow\neast,2026-11-23T03:00:00Z,12x,5\n东门,yesterday,\"1\",2\nnorth,2026-11-23T03:00:00Z,1,\nnorth,2026-11-23T03:01:00Z,1,\n,2026-11-23T03:00:00Z,1,\n", []string{
			`l.csv:2:27: level: expected a number, got "12x"`,
			`l.csv:3:4: time: expected a time such as 2026-11-23T03:00:00Z, got "yesterday"`,
			`l.csv:4:28: level: datastream: there is none with the external id "north/level"`,
			`l.csv:6:1: site: is empty, and is a part of the datastream's id {site}/level`}},
		{"columns that are not there", mapping, "l.csv", "site,tim,lvl,flow\n", []string{
			`m.yaml:2:7: time: l.csv has no column "time", did you mean "tim"?`,
			`m.yaml:4:14: column: l.csv has no column "level"; its columns: site, tim, lvl, flow`}},
		{"no zone", mapping, "l.csv", "site,time,level,flow\neast,2026-11-23 03:00,1,5\n", []string{`l.csv:2:6: time: the time "2026-11-23 03:00" has no offset: say time_zone in the mapping`}},
		{"rows of another length", mapping, "l.csv", "site,time,level,flow\neast,2026-11-23T03:00:00Z,1\neast,2026-11-23T03:00:00Z,x,1\n", []string{
			"l.csv:2:1: the row has 3 fields, expected 4 as the header has", `l.csv:3:27: level: expected a number, got "x"`}},
		{"points among decimal commas", mapping + "decimal: comma\n", "l.csv", "site;time;level;flow\neast;2026-11-23T03:00:00Z;1.234;1.234,5\n", []string{
			`l.csv:2:27: level: expected a number with a decimal comma and no points, got "1.234"`, `l.csv:2:33: flow: expected a number with a decimal comma and no points, got "1.234,5"`}},
		{"quotes", mapping, "l.csv", "site,time,level,flow\ne\"ast,2026-11-23T03:00:00Z,1,1\n", []string{"l.csv:2:2: a quote is out of place"}},
		{"an open quote", mapping, "l.csv", "site,time,level,flow\n\"east,2026-11-23T03:00:00Z,1,1\n" + strings.Repeat("east,2026-11-23T03:00:00Z,1,1\n", 200_000), []string{"l.csv:2:1: what begins here is longer than 4 MB"}},
		{"another encoding", mapping, "l.csv", gb(t, "site,time,level,flow\n东门,2026-11-23T03:00:00Z,1,1\n"), []string{"l.csv:2:1: site: the text is not UTF-8: for a file from Chinese Excel say encoding: gb18030"}},
		{"UTF-16", mapping, "l.csv", "\xff\xfes\x00", []string{"l.csv: the file is UTF-16"}},
		{"a spreadsheet", mapping, "l.csv", "PK\x03\x04", []string{"l.csv: the file is packed or a spreadsheet"}},
		{"nothing", mapping, "l.csv", "", []string{"l.csv: the file is empty"}},
		{"a name that says nothing", mapping, "l.bin", "x", []string{`l.bin: the name's ending ".bin" doesn't say what the file is`}},
		{"units that don't fit", "source: w\ntime: time\nseries: [{column: level, datastream: east/level, unit: kPa}]\n", "l.csv", "time,level\n2026-11-23T03:00:00Z,1\n", []string{
			`l.csv:2:22: level: unit: datastream east/level is in "m": kPa can't be converted to m: one measures g.m-1.s-2, the other m`}},
		{"no GeoJSON", mapping, "g.geojson", `{"type":"Feature"}`, []string{`g.geojson:1:18: expected a GeoJSON FeatureCollection, and this is "Feature"`}},
		{"broken GeoJSON", mapping, "g.geojson", "{\"type\":\"FeatureCollection\",\"features\":[\n {\"type\":\"Feature\",}]}", []string{"g.geojson:2:20: not valid JSON: "}},
		{"cut GeoJSON", mapping, "g.geojson", "{\"type\":\"FeatureCollection\",\"features\":[\n", []string{"g.geojson:2:1: not valid JSON: the file ends too early"}},
		{"GeoJSON without a property that its datastream is named by", mapping, "g.geojson", "{\"type\":\"FeatureCollection\",\"features\":[\n {\"type\":\"Feature\",\"properties\":{\"flow\":1,\"time\":\"2026-11-23T03:00:00Z\",\"level\":1}},\n {\"type\":\"Feature\",\"properties\":{\"site\":\"east\"}}]}", []string{
			`g.geojson:2:1: site: is empty, and is a part of the datastream's id {site}/level`, `g.geojson:2:1: site: is empty, and is a part of the datastream's id {site}/flow`}},
		{"GeoJSON cells", mapping, "g.geojson", "{\"type\":\"FeatureCollection\",\"features\":[\n {\"type\":\"Feature\",\"properties\":{\"site\":\"east\",\"time\":\"2026-11-23T03:00:00Z\",\"level\":\"höher\"}},\n {\"type\":\"Point\"}]}", []string{
			`g.geojson:2:86: level: expected a number, got "höher"`, `g.geojson:3:2: type: expected an object of type "Feature"`, `m.yaml:5:14: column: g.geojson has no column "flow"`}},
	} {
		log := newFake(stations)
		s := &Service{Options: Options{Log: log, Clock: clock.NewVirtual(noon), Access: access.AllowAll}}
		_, err := s.Import(context.Background(), layoutOf(t, c.mapping), []Input{input(c.file, c.content)}, ImportOptions{})
		var e *web.Error
		if !errors.As(err, &e) || e.Status != 422 || e.Code != "intake.bad_file" {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for i, want := range c.want {
			if i >= len(e.Errors) || !strings.HasPrefix(e.Errors[i].Message, want) {
				t.Errorf("%s: %+v\nexpected\n%s", c.name, e.Errors, strings.Join(c.want, "\n"))
				break
			}
		}
		if len(e.Errors) != len(c.want) || log.calls > 0 {
			t.Errorf("%s: %d problems, expected %d; %d calls of the log: %+v", c.name, len(e.Errors), len(c.want), log.calls, e.Errors)
		}
	}
}

func TestMistakesInLayouts(t *testing.T) {
	for _, c := range []struct {
		mapping string
		want    []string
	}{
		{"tme: t\nseries: [{column: v, datastream: x}]\n", []string{`m.yaml:1:1: unknown key "tme", did you mean "time"?`}},
		{"time: t\n", []string{"m.yaml:1:1: series: is missing"}},
		{"time: {column: t, fromat: iso}\nseries:\n  - {colum: v, datastream: \"{x\"}\n", []string{
			`m.yaml:1:19: unknown key "fromat", did you mean "format"?`, `m.yaml:3:6: unknown key "colum", did you mean "column"?`, "m.yaml:3:28: datastream: a { without a name and its }"}},
		{"time: t\nformat: xlsx\nencoding: gbk\nseries: [{column: v, datastream: x, unit: metres, scale: 1, times: 2}]\n", []string{
			`m.yaml:2:9: format: unknown value "xlsx", expected one of: csv, geojson`, `m.yaml:3:11: encoding: unknown value "gbk"`,
			`m.yaml:4:10: scale: scale and times, offset and plus are two words for the same; keep one`, `m.yaml:4:43: unit: unit "metres", column 1: unknown unit "metres", did you mean "m"?`}},
		{"time: {column: t, format: DD/MM, time_zone: Mars}\nseries: [{column: v, datastream: x}]\n", []string{
			`m.yaml:1:27: time_format: unknown time format "DD/MM"`, `m.yaml:1:45: time_zone: unknown time zone "Mars"`}},
	} {
		_, err := ParseLayout("m.yaml", []byte(c.mapping))
		var ps Problems
		if !errors.As(err, &ps) || len(ps) != len(c.want) {
			t.Errorf("%s: %v\nexpected\n%s", c.mapping, err, strings.Join(c.want, "\n"))
			continue
		}
		for i, want := range c.want {
			if !strings.HasPrefix(ps[i].Error(), want) {
				t.Errorf("%s: %v\nexpected\n%s", c.mapping, ps[i], want)
			}
		}
	}
}

func TestSkipBadAndDryRun(t *testing.T) {
	l := layoutOf(t, "source: w\ntime: time\nseries: [{column: level, datastream: \"{site}/level\"}]\n")
	content := "site,time,level\neast,2026-11-23T03:00:00Z,1\neast,2026-11-23T03:01:00Z,x\nnorth,2026-11-23T03:01:00Z,1\nnorth,2026-11-23T03:02:00Z,1\neast,2026-11-23T03:02:00Z,\n"
	for _, dry := range []bool{true, false} {
		log := newFake(stations)
		s := &Service{Options: Options{Log: log, Clock: clock.NewVirtual(noon), Access: access.AllowAll}}
		r, err := s.Import(context.Background(), l, []Input{input("l.csv", content)}, ImportOptions{DryRun: dry, SkipBad: true})
		want := FileReport{File: "l.csv", Rows: 5, Readings: 1, Missing: 1, LeftOut: 3}
		if err != nil || r.Files[0] != want || r.ProblemsN != 2 || len(r.Problems) != 2 || dry != (len(log.taken) == 0) {
			t.Errorf("dry run %v: %v %+v, %d taken", dry, err, r, len(log.taken))
		}
	}
}

// broken is a log that fails with the second batch.
type broken struct{ *fake }

func (b broken) Append(ctx context.Context, source string, rs []sensing.Reading) (sensing.Receipt, error) {
	if b.calls > 0 {
		return sensing.Receipt{}, errors.New("the disk is full")
	}
	return b.fake.Append(ctx, source, rs)
}

func TestImportSaysHowFarItCame(t *testing.T) {
	content := "time,level\n" + strings.Repeat("2026-11-23T03:00:00Z,1\n", batchSize+1)
	s := &Service{Options: Options{Log: broken{newFake(stations)}, Clock: clock.NewVirtual(noon), Access: access.AllowAll}}
	_, err := s.Import(context.Background(), layoutOf(t, "source: w\ntime: time\nseries: [{column: level, datastream: east/level}]\n"), []Input{input("l.csv", content)}, ImportOptions{})
	var e *web.Error // what the log says is not for the wire, but how far it came is
	if !errors.As(err, &e) || e.Status != 500 || e.Code != "intake.half_done" || !strings.Contains(e.Message, "after 20000 readings were taken") {
		t.Error(err)
	}
}

// endless is a file of n rows that is never in memory.
type endless struct {
	rows int
	rest []byte
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		if e.rows == 0 {
			return 0, io.EOF
		}
		e.rows--
		e.rest = []byte("east,2026-11-23T03:00:00Z,1.25,36\n")
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

func (e *endless) Close() error { return nil }

// counting is a log that only counts.
type counting struct {
	*fake
	n int
}

func (c *counting) Append(_ context.Context, _ string, rs []sensing.Reading) (sensing.Receipt, error) {
	c.n += len(rs)
	return sensing.Receipt{Accepted: len(rs)}, nil
}

func TestAFileIsNeverInMemory(t *testing.T) {
	const rows = 600_000 // 20 MB; what is held does not depend on it
	log := &counting{fake: newFake(stations)}
	s := &Service{Options: Options{Log: log, Clock: clock.NewVirtual(noon), Access: access.AllowAll}}
	l := layoutOf(t, "source: w\nheader: [site, time, level, flow]\ntime: time\nseries: [{column: level, datastream: \"{site}/level\"}]\n")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r, err := s.Import(context.Background(), l, []Input{{"l.csv", func() (io.ReadCloser, error) { return &endless{rows: rows}, nil }}}, ImportOptions{})
	runtime.ReadMemStats(&after)
	if err != nil || r.Accepted != rows || log.n != rows {
		t.Fatal(err, r)
	}
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 16<<20 {
		t.Errorf("the heap has grown by %d MB", grown>>20)
	}
}

// Who may not send for the source is told before his files are put down: this body never ends.
func TestUploadOfAStranger(t *testing.T) {
	policy, err := access.NewPolicy(nil)
	if err != nil {
		t.Fatal(err)
	}
	url := serve(t, Options{Log: newFake(stations), Clock: clock.NewVirtual(noon), Access: policy})
	r, w := io.Pipe()
	defer w.Close()
	go io.WriteString(w, "--x\r\nContent-Disposition: form-data; name=\"mapping\"\r\n\r\ntime: time\nseries: [{column: level, datastream: east/level}]\n\r\n--x\r\n"+
		"Content-Disposition: form-data; name=\"file\"; filename=\"l.csv\"\r\n\r\ntime,level\n")
	if status, got := post(t, url+"/api/v1/readings/import?source=water", "gas", "multipart/form-data; boundary=x", r); status != 403 {
		t.Error(status, got)
	}
}

func TestUploadsAtATime(t *testing.T) {
	s, err := New(Options{Log: newFake(stations), Clock: clock.NewVirtual(noon), Access: access.AllowAll, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ underWay, status int }{{maxImports - 1, 200}, {maxImports, 503}} {
		for len(s.importing) < c.underWay {
			s.importing <- struct{}{}
		}
		contentType, body := form(t, "mapping", "m.yaml", "source: w\ntime: time\nseries: [{column: level, datastream: east/level}]\n", "file", "l.csv", "time,level\n2026-11-23T03:00:00Z,1\n")
		req := httptest.NewRequest(http.MethodPost, "/api/v1/readings/import", body)
		req.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		s.postImport(w, req)
		if w.Code != c.status || len(s.importing) != c.underWay {
			t.Errorf("%d %s, %d under way", w.Code, w.Body, len(s.importing))
		}
	}
}

func TestNothingIsLeftOfAnImportThatWasKilled(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, uploads+"123")
	other := filepath.Join(dir, "anlan.db")
	if err := errors.Join(os.Mkdir(left, 0o700), os.WriteFile(filepath.Join(left, "0"), []byte("time,level\n"), 0o600), os.WriteFile(other, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Log: newFake(stations), Clock: clock.NewVirtual(noon), Access: access.AllowAll, TempDir: dir}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", left, err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
}

func form(t *testing.T, parts ...string) (string, io.Reader) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(parts); i += 3 {
		part, err := w.CreateFormFile(parts[i], parts[i+1])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, parts[i+2]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), &b
}

func TestImportOverHTTP(t *testing.T) {
	policy, err := access.NewPolicy(nil)
	if err != nil {
		t.Fatal(err)
	}
	log := newFake(stations)
	url := serve(t, Options{Log: log, Clock: clock.NewVirtual(noon), Access: policy})
	const mapping = "time: time\nseries: [{column: level, datastream: \"{site}/level\"}]\n"
	const good = "site,time,level\neast,2026-11-23T03:00:00Z,1\n"
	for _, c := range []struct {
		name, query, as string
		parts           []string
		status          int
		want            string
		taken           int // so far
	}{
		{"a stranger", "?source=water", "", []string{"mapping", "m.yaml", mapping, "file", "l.csv", good}, 401, `"code":"access.sign_in"`, 0},
		{"another's token", "?source=gas", "water", []string{"mapping", "m.yaml", mapping, "file", "l.csv", good}, 403, `"code":"access.denied"`, 0},
		{"no source", "", "water", []string{"mapping", "m.yaml", mapping, "file", "l.csv", good}, 422, `"code":"intake.no_source"`, 0},
		{"the wrong way round", "?source=water", "water", []string{"file", "l.csv", good, "mapping", "m.yaml", mapping}, 422, `the part mapping must stand before the files`, 0},
		{"no file", "?source=water", "water", []string{"mapping", "m.yaml", mapping}, 422, `the part file is missing`, 0},
		{"a bad mapping", "?source=water", "water", []string{"mapping", "m.yaml", "tme: x\n", "file", "l.csv", good}, 422, `m.yaml:1:1: unknown key \"tme\", did you mean \"time\"?`, 0},
		{"a parameter", "?source=water&dry_run=maybe", "water", []string{"mapping", "m.yaml", mapping, "file", "l.csv", good}, 422, `"field":"dry_run"`, 0},
		{"one good file, one bad", "?source=water", "water", []string{"mapping", "m.yaml", mapping, "file", "l.csv", good, "file", "k.csv", "site,time,level\neast,x,1\n"}, 422, `k.csv:2:6: time: expected a time`, 0},
		{"tried only", "?source=water&dry_run=true", "water", []string{"mapping", "m.yaml", mapping, "file", "l.csv", good}, 200, `"readings":1,"missing":0,"left_out":0,"ambiguous":0}],"accepted":0,"marked":0,"refused":[],"refused_count":0,"dry_run":true`, 0},
		{"two files", "?source=water", "water", []string{"mapping", "m.yaml", mapping, "file", "l.csv", good, "file", "k.csv", good}, 200, `"accepted":2`, 2},
		{"refused by the log", "?source=water", "water", []string{"mapping", "m.yaml", mapping, "file", "l.csv", "site,time,level\neast,1969-11-23T03:00:00Z,1\n"}, 200, `"accepted":0,"marked":0,"refused":[{"file":"l.csv","line":2,"code":"sensing.too_old","message":"l.csv:2: at: lies before 1970"}],"refused_count":1`, 2},
	} {
		contentType, body := form(t, c.parts...)
		status, got := post(t, url+"/api/v1/readings/import"+c.query, c.as, contentType, body)
		if status != c.status || !strings.Contains(got, c.want) || len(log.taken) != c.taken {
			t.Errorf("%s: %d %s\nexpected %d %s; %d taken", c.name, status, got, c.status, c.want, len(log.taken))
		}
	}
	if status, got := post(t, url+"/api/v1/readings/import?source=water", "water", "text/csv", strings.NewReader(good)); status != 422 || !strings.Contains(got, "expected multipart/form-data") {
		t.Error(status, got)
	}
	contentType, body := form(t, "mapping", "m.yaml", mapping, "file", "l.csv", good)
	cut, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	if status, got := post(t, url+"/api/v1/readings/import?source=water", "water", contentType, bytes.NewReader(cut[:len(cut)-20])); status != http.StatusUnprocessableEntity || !strings.Contains(got, "the form breaks off") {
		t.Error(status, got)
	}
}
