package replay

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/clock"
)

// fakeServer keeps the contract of the routes that a replay uses, and no more.
type fakeServer struct {
	t *testing.T
	*httptest.Server

	mu       sync.Mutex // guards all below
	token    string
	imported map[string][]byte // body by list
	streams  []string          // external ids; the id is the index and 1
	readings []string          // as they came: id,at,value
	posts    []time.Time       // the clock at each batch
	reports  map[string]Report
	busy     int            // answers 503 so many times first
	refuse   map[string]int // values that are refused
	lag      int            // goes down by one at each question
	alerts   []map[string]any
	clock    clock.Clock
	drill    func(real time.Duration) (shown time.Time, speed float64)
	began    time.Time
}

func newFakeServer(t *testing.T, c clock.Clock) *fakeServer {
	f := &fakeServer{t: t, imported: map[string][]byte{}, reports: map[string]Report{}, clock: c}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/city/import", f.importCity)
	mux.HandleFunc("PUT /api/v1/datastreams", f.register)
	mux.HandleFunc("GET /api/v1/datastreams/{id}/history", f.history)
	mux.HandleFunc("POST /api/v1/readings.csv", f.postReadings)
	mux.HandleFunc("POST /api/v1/reports/import", f.postReports)
	mux.HandleFunc("GET /api/v1/time", func(w http.ResponseWriter, _ *http.Request) {
		now, speed := f.drill(f.clock.Now().Sub(f.began))
		f.answer(w, map[string]any{"now": now, "speed": speed})
	})
	mux.HandleFunc("GET /api/v1/watch/counters", func(w http.ResponseWriter, _ *http.Request) {
		f.answer(w, map[string]any{"total": map[string]any{"lag": f.lag}})
		f.lag = max(0, f.lag-1)
	})
	mux.HandleFunc("GET /api/v1/alerts", func(w http.ResponseWriter, r *http.Request) {
		after, _ := strconv.Atoi(r.FormValue("after")) // pages of two
		rest := f.alerts[after:]
		page := map[string]any{"items": rest[:min(2, len(rest))]}
		if len(rest) > 2 {
			page["next"] = after + 2
		}
		f.answer(w, page)
	})
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		switch {
		case f.token != "" && r.Header.Get("Authorization") != "Bearer "+f.token:
			f.problem(w, http.StatusUnauthorized, "access.sign_in", "sign in first")
		case f.busy > 0:
			f.busy--
			w.Header().Set("Retry-After", "3")
			f.problem(w, http.StatusServiceUnavailable, "web.busy", "busy")
		default:
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fakeServer) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		f.t.Error(err)
	}
}

func (f *fakeServer) problem(w http.ResponseWriter, status int, code, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"status":%d,"code":%q,"detail":%q}`, status, code, detail)
}

func (f *fakeServer) body(r *http.Request) []byte {
	var b bytes.Buffer
	if _, err := b.ReadFrom(r.Body); err != nil {
		f.t.Error(err)
	}
	return b.Bytes()
}

func (f *fakeServer) importCity(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("coordinates") != "wgs84" {
		f.t.Error("the import does not declare its coordinates")
	}
	f.imported[r.FormValue("as")] = f.body(r)
	f.answer(w, map[string]any{})
}

func (f *fakeServer) register(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Items []struct {
			ExternalID string `json:"external_id"`
		} `json:"items"`
	}
	if err := json.Unmarshal(f.body(r), &in); err != nil {
		f.t.Error(err)
	}
	var out []map[string]any
	for _, it := range in.Items {
		if !slices.Contains(f.streams, it.ExternalID) {
			f.streams = append(f.streams, it.ExternalID)
		}
		out = append(out, map[string]any{"id": slices.Index(f.streams, it.ExternalID) + 1, "external_id": it.ExternalID})
	}
	f.answer(w, map[string]any{"items": out})
}

func (f *fakeServer) history(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.Atoi(r.PathValue("id"))
	from, _ := time.Parse(time.RFC3339Nano, r.FormValue("from"))
	to, _ := time.Parse(time.RFC3339Nano, r.FormValue("to"))
	items := []map[string]any{}
	for _, line := range f.readings {
		cells := strings.Split(line, ",")
		at, _ := time.Parse(time.RFC3339Nano, cells[1])
		if cells[0] == f.streams[id-1] && !at.Before(from) && !at.After(to) {
			var value any = cells[2]
			if n, err := strconv.ParseFloat(cells[2], 64); err == nil {
				value = n
			}
			items = append(items, map[string]any{"at": at, "value": value})
		}
	}
	f.answer(w, map[string]any{"items": items})
}

func (f *fakeServer) postReadings(w http.ResponseWriter, r *http.Request) {
	f.posts = append(f.posts, f.clock.Now())
	rows, err := csv.NewReader(r.Body).ReadAll()
	if err != nil || strings.Join(rows[0], ",") != "datastream,at,value" {
		f.t.Errorf("%v %v", rows, err)
	}
	accepted := 0
	refused := []refusal{}
	for i, row := range rows[1:] {
		if f.refuse[row[2]] > 0 {
			refused = append(refused, refusal{Index: i + 2, Code: "sensing.future", Message: "lies in the future"})
			continue
		}
		accepted++
		f.readings = append(f.readings, strings.Join(row, ","))
	}
	f.answer(w, map[string]any{"accepted": accepted, "refused": refused, "refused_count": len(refused)})
}

func (f *fakeServer) postReports(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Source string
		Items  []Report
	}
	if err := json.Unmarshal(f.body(r), &in); err != nil || in.Source == "" {
		f.t.Error(err, in)
	}
	accepted, duplicate := 0, 0
	refused := []refusal{}
	for i, report := range in.Items {
		if _, ok := f.reports[report.ExternalID]; ok {
			duplicate++
		} else if f.refuse[report.ExternalID] > 0 {
			refused = append(refused, refusal{Index: i, Field: "category", Message: "is about people"})
		} else {
			accepted++
			f.reports[report.ExternalID] = report
		}
	}
	f.answer(w, map[string]any{"accepted": accepted, "duplicate": duplicate, "refused": refused})
}

// leap is a clock that passes whenever someone waits for it.
type leap struct{ *clock.Virtual }

func (l leap) After(d time.Duration) <-chan time.Time {
	l.Advance(d)
	return l.Virtual.After(0)
}

const twoKinds = `title: Two kinds
time_zone: UTC
coordinates: wgs84
places: [{id: site, kind: park, name: {en: Site, zh-CN: 站点}, point: [10, 50]}]
assets: [{id: mast, pack: weather, kind: weather-station, name: 气象站, place: site, point: [10, 50]}]
readings:
- file: f.csv
  time: t
  series:
  - {column: v, asset: mast, property: weather/wind-speed, unit: m/s}
  - {column: w, asset: mast, property: weather/sky, unit: "1", type: text}
reports: [{file: r.csv, id: "r{id}", category: water/leak, text: "{text}", received: t}]
`

func twoKindsFiles(t *testing.T) (mapping, dir string) {
	return files(t, map[string]string{"m.yaml": twoKinds,
		"f.csv": "t,v,w\n2022-01-02T00:00Z,1.5,clear\n2022-01-02T00:01Z,2,\"a, b\"\n2022-01-02T00:02Z,,dull\n",
		"r.csv": "id,t,text\n1,2022-01-02T00:00:30Z,it leaks\n2,2022-01-02T00:03Z,still\n"})
}

func replay(t *testing.T, f *fakeServer, o Options) (string, error) {
	t.Helper()
	var out bytes.Buffer
	o.URL, o.Out, o.Clock, o.HTTP = f.URL, &out, f.clock, f.Client()
	err := Run(context.Background(), o)
	return out.String(), err
}

func TestRun(t *testing.T) {
	f := newFakeServer(t, leap{clock.NewVirtual(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))})
	f.busy = 2 // it waits and goes on
	mapping, dir := twoKindsFiles(t)
	out, err := replay(t, f, Options{Mapping: mapping, From: dir})
	if err != nil {
		t.Fatal(err, out)
	}
	for _, want := range []string{"Two kinds\n", "5 rows of 2 files\n", "readings   5 of 2 datastreams, 2022-01-02 00:00 to 2022-01-02 00:02 UTC\n",
		"missing    1 cells without a value: mast/weather/wind-speed 1\n", "registered 1 places, 1 assets, 2 datastreams\n", "sent       7 in ", "accepted   7\n", "refused    0\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if want := []string{"mast/weather/wind-speed,2022-01-02T00:00:00Z,1.5", "mast/weather/sky,2022-01-02T00:00:00Z,clear",
		"mast/weather/sky,2022-01-02T00:01:00Z,a, b", "mast/weather/wind-speed,2022-01-02T00:01:00Z,2", "mast/weather/sky,2022-01-02T00:02:00Z,dull"}; !sameLines(f.readings, want) {
		t.Errorf("got %q", f.readings)
	}
	if len(f.reports) != 2 || f.reports["r1"].ReceivedAt != time.Date(2022, 1, 2, 0, 0, 30, 0, time.UTC) {
		t.Errorf("%+v", f.reports)
	}
	assets := string(f.imported["assets"])
	for _, want := range []string{`"external_id":"mast"`, `"place":"site"`, `"name_zh":"气象站"`, `"coordinates":[10,50]`} {
		if !strings.Contains(assets, want) {
			t.Errorf("no %s in %s", want, assets)
		}
	}

	before := len(f.readings)
	out, err = replay(t, f, Options{Mapping: mapping, From: dir})
	if err != nil {
		t.Fatal(err)
	}
	// "a, b" comes back from the fake as "a", so it alone is taken for new.
	if !strings.Contains(out, "known      4 readings") || !strings.Contains(out, "2 reports recognised") || len(f.readings) != before+1 {
		t.Errorf("a second run sent %d readings:\n%s", len(f.readings)-before, out)
	}
}

func sameLines(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

func TestRunKeepsThePace(t *testing.T) {
	start := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	f := newFakeServer(t, leap{clock.NewVirtual(start)})
	mapping, dir := files(t, map[string]string{"m.yaml": "readings: [{file: f.csv, time: t, series: [{column: v, datastream: a}]}]",
		"f.csv": "t,v\n2022-01-02T00:00Z,1\n2022-01-02T00:00:00.01Z,2\n2022-01-02T01:00Z,3\n2022-01-02T02:00Z,4\n"})
	out, err := replay(t, f, Options{Mapping: mapping, From: dir, Speed: 60})
	if err != nil {
		t.Fatal(err)
	}
	want := []time.Duration{0, tick, time.Minute, 2 * time.Minute} // an hour takes a minute
	var got []time.Duration
	for _, at := range f.posts {
		got = append(got, at.Sub(start).Round(time.Millisecond))
	}
	if !slices.Equal(got, want) {
		t.Errorf("sent at %v, want %v", got, want)
	}
	if !strings.Contains(out, "could not ask what the server has already: the mapping does not declare the asset of a. A second run doubles it") {
		t.Error(out)
	}
}

// A replay that follows a drill sends each thing when the drill's clock reaches it, and waits while that stands still.
func TestRunFollowsTheDrill(t *testing.T) {
	start := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	f := newFakeServer(t, leap{clock.NewVirtual(start)})
	f.drill = func(real time.Duration) (shown time.Time, speed float64) {
		if real < 30*time.Second {
			return time.Date(2022, 1, 2, 0, 0, 0, 0, time.UTC), 0
		}
		return time.Date(2022, 1, 2, 0, 0, 0, 0, time.UTC).Add(60 * (real - 30*time.Second)), 60
	}
	f.began = start
	mapping, dir := files(t, map[string]string{"m.yaml": "readings: [{file: f.csv, time: t, series: [{column: v, datastream: a}]}]",
		"f.csv": "t,v\n2022-01-02T00:00Z,1\n2022-01-02T00:00:01Z,2\n2022-01-02T01:00Z,3\n2022-01-02T02:00Z,4\n"})
	if _, err := replay(t, f, Options{Mapping: mapping, From: dir, Follow: true}); err != nil {
		t.Fatal(err)
	}
	want := []time.Duration{0, 30*time.Second + tick, 90 * time.Second, 150 * time.Second}
	var got []time.Duration
	for _, at := range f.posts {
		got = append(got, at.Sub(start).Round(time.Millisecond))
	}
	if !slices.Equal(got, want) {
		t.Errorf("sent at %v, want %v", got, want)
	}
	if _, err := replay(t, f, Options{Mapping: mapping, From: dir, Follow: true, Speed: 2}); err == nil || !strings.Contains(err.Error(), "expected no speed") {
		t.Errorf("follow and speed together: %v", err)
	}
}

func TestRunTellsWhatIsRefused(t *testing.T) {
	f := newFakeServer(t, leap{clock.NewVirtual(time.Unix(0, 0))})
	f.refuse = map[string]int{"2": 1, "r2": 1}
	mapping, dir := twoKindsFiles(t)
	out, err := replay(t, f, Options{Mapping: mapping, From: dir})
	if !errors.Is(err, ErrIncomplete) {
		t.Errorf("got %v", err)
	}
	if want := "refused    2\n  category: 1 or more, such as r2: is about people\n  sensing.future: 1 or more, such as mast/weather/wind-speed at 2022-01-02T00:01:00Z: lies in the future\n"; !strings.Contains(out, want) {
		t.Errorf("no %q in\n%s", want, out)
	}
}

func TestRunNeedsAToken(t *testing.T) {
	f := newFakeServer(t, leap{clock.NewVirtual(time.Unix(0, 0))})
	f.token = "secret"
	mapping, dir := twoKindsFiles(t)
	_, err := replay(t, f, Options{Mapping: mapping, From: dir, TokenFile: filepath.Join(dir, "absent")})
	if err == nil || !strings.Contains(err.Error(), "--token") {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "local.token"), []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := replay(t, f, Options{Mapping: mapping, From: dir, TokenFile: filepath.Join(dir, "local.token")}); err != nil {
		t.Error(err)
	}
}

func TestRunWithoutAServer(t *testing.T) {
	f := newFakeServer(t, leap{clock.NewVirtual(time.Unix(0, 0))})
	f.Close()
	mapping, dir := twoKindsFiles(t)
	_, err := replay(t, f, Options{Mapping: mapping, From: dir})
	if err == nil || !strings.Contains(err.Error(), "is the server running?") {
		t.Errorf("got %v", err)
	}
	if out, err := replay(t, f, Options{Mapping: mapping, From: dir, Check: true}); err != nil || !strings.Contains(out, "readings   5") {
		t.Errorf("--check needs no server: %v\n%s", err, out)
	}
}

func TestRunScoresAlerts(t *testing.T) {
	f := newFakeServer(t, leap{clock.NewVirtual(time.Unix(0, 0))})
	f.lag = 3
	at := func(minute int) time.Time { return time.Date(2022, 1, 2, 0, minute, 0, 0, time.UTC) }
	alert := func(detector, kind string, from, to int) map[string]any {
		return map[string]any{"detector": detector, "kind": kind, "raised_at": at(from), "cleared_at": at(to)}
	}
	f.alerts = []map[string]any{alert("p/d", "hazard", 2, 3), alert("p/other", "hazard", 2, 3), alert("p/d", "monitoring", 4, 5),
		alert("p/d", "hazard", 8, 9), alert("p/d", "hazard", 100, 101)}
	var rows strings.Builder
	for i, v := range []int{1, 1, 9, 9, 1, 1, 1, 1, 6, 1, 1} {
		fmt.Fprintf(&rows, "2022-01-02T00:%02dZ,%d\n", i, v)
	}
	mapping, dir := files(t, map[string]string{"m.yaml": `
readings: [{file: f.csv, time: t, series: [{column: v, datastream: a, property: p/q, unit: ppm, asset: x}]}]
truth:
  {file: truth.csv, start: from, end: to, detector: p/d, compare: {property: p/q, unit: ppm, limits: [5, 20]}}
`, "f.csv": "t,v\n" + rows.String(), "truth.csv": "from,to\n2022-01-02T00:01Z,2022-01-02T00:04Z\n2022-01-03T00:01Z,2022-01-03T00:04Z\n"})
	out, err := replay(t, f, Options{Mapping: mapping, From: dir})
	if err != nil {
		t.Fatal(err)
	}
	want := `
rule             events found   alerts   outside any event   median delay   90 % within   
p/d              1 of 1         2        1                   1m0s           1m0s          
constant 5 ppm   1 of 1         2        1                   1m0s           1m0s          
constant 20 ppm  0 of 1         0        0                   -              -             
`
	if squeeze(out[strings.Index(out, "\nrule"):]) != squeeze(want) {
		t.Errorf("got %s", out)
	}
	if f.lag != 0 {
		t.Error("did not wait for the detectors")
	}
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestProgress(t *testing.T) {
	c := clock.NewVirtual(time.Unix(0, 0))
	var out bytes.Buffer
	p := &progress{out: &out, terminal: true, clock: c, start: c.Now(), total: 2000}
	at := time.Date(2022, 5, 9, 6, 0, 0, 0, time.UTC).UnixMicro()
	c.Advance(time.Second)
	p.show(500, at)
	p.show(600, at) // too soon to be drawn
	c.Advance(time.Second)
	p.show(2000, at)
	want := "\r\x1b[K[#######.......................]  25 % 500 of 2,000, 500/s, recorded time 2022-05-09 06:00" +
		"\r\x1b[K[##############################] 100 % 2,000 of 2,000, 1,000/s, recorded time 2022-05-09 06:00\n"
	if out.String() != want {
		t.Errorf("got %q", out.String())
	}
	out.Reset()
	p = &progress{out: &out, clock: c, start: c.Now(), total: 2000}
	for n := 100; n <= 2000; n += 100 {
		p.show(n, at)
	}
	if lines := strings.Count(out.String(), "\n"); lines != 10 {
		t.Errorf("%d lines, want one at each tenth:\n%s", lines, out.String())
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: got %s", n, got)
		}
	}
}
