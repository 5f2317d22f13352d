package sta

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/sensing"
)

// writeWorld is the API over HTTP, on a clock that stands still.
type writeWorld struct {
	t     testing.TB
	d     *db.DB
	s     *Service
	core  *sensing.Service
	clock *clock.Virtual
	url   string
	http  *http.Client
	names map[string]string // ids by name, for {name} in paths and bodies
}

func writeStart(t testing.TB, d *db.DB) *writeWorld {
	t.Helper()
	now := clock.NewVirtual(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
	packs := writePacks{}
	core, err := sensing.New(context.Background(), sensing.Options{
		DB: d, Clock: now, Access: access.AllowAll, Property: packs.Property, Asset: func(int64) sensing.Asset { return sensing.Asset{} },
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(context.Background(), Deps{DB: d, Clock: now, Access: access.AllowAll, Core: core, Assets: writeAssets{}, Packs: packs})
	if err != nil {
		t.Fatal(err)
	}
	w := &writeWorld{t: t, d: d, s: s, core: core, clock: now, names: map[string]string{}}
	h := s.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		name := r.Header.Get("Test-Actor")
		if name == "" {
			name = "desk"
		}
		h.ServeHTTP(rw, r.WithContext(access.With(r.Context(), access.System(name))))
	}))
	t.Cleanup(server.Close)
	w.url, w.http = server.URL+Root, server.Client()
	return w
}

func writeBoth(t *testing.T, fn func(t *testing.T, w *writeWorld)) {
	migrations := []db.Migrations{ledger.Migrations(), sensing.Migrations(), Migrations()}
	dbtest.Each(t, migrations, func(t *testing.T, d *db.DB) { fn(t, writeStart(t, d)) })
}

type writePacks struct{}

func (writePacks) Property(name string) (sensing.Property, bool) {
	p, ok := map[string]sensing.Property{
		"gas/methane": {Unit: "%LEL", Number: true, Range: [2]float64{0, 100}},
		"water/level": {Unit: "m", Number: true},
	}[name]
	return p, ok
}

func (writePacks) Properties() []string { return []string{"gas/methane", "water/level"} }

type writeAssets struct{}

func (writeAssets) AssetByKey(key string) (int64, bool) {
	id, ok := map[string]int64{"PUMP-1": 41, "WELL-2": 42}[key]
	return id, ok
}

func (writeAssets) Asset(id int64) (RegisterAsset, bool) {
	a, ok := map[int64]RegisterAsset{
		41: {ExternalID: "PUMP-1", Name: "pump 1", Description: "a pump", Lon: 121.5, Lat: 31.25, Placed: true},
		42: {ExternalID: "WELL-2", Name: "well 2"},
	}[id]
	return a, ok
}

// call is one request and what its answer must hold.
type call struct {
	do     string // "POST /Things"
	body   string
	status int
	want   string // parts that the answer must hold, one a line; a part after "!" it must not hold
	as     string // a name for the entity that was made
	header string // "Prefer: return=minimal"
}

func (w *writeWorld) run(c call) (http.Header, string) {
	w.t.Helper()
	method, path, _ := strings.Cut(w.fill(c.do), " ")
	status, header, body := w.send(method, path, w.fill(c.body), c.header)
	if status != c.status {
		w.t.Fatalf("%s %s\n%s\nanswered %d, want %d: %s", method, path, w.fill(c.body), status, c.status, body)
	}
	for part := range strings.Lines(w.fill(c.want)) {
		part = strings.TrimSpace(part)
		if not, found := strings.CutPrefix(part, "!"); found == strings.Contains(body, strings.TrimPrefix(not, "!")) && part != "" {
			w.t.Fatalf("%s %s\n%s\nanswered %s\nwant %s", method, path, w.fill(c.body), body, part)
		}
	}
	if c.as != "" {
		w.names[c.as] = idIn(header.Get("Location"))
	}
	return header, body
}

var idPattern = regexp.MustCompile(`\((\d+)\)`)

func idIn(link string) string {
	if m := idPattern.FindStringSubmatch(link); m != nil {
		return m[1]
	}
	return ""
}

// fill puts ids for names: {thing}.
func (w *writeWorld) fill(s string) string {
	for name, id := range w.names {
		s = strings.ReplaceAll(s, "{"+name+"}", id)
	}
	return strings.ReplaceAll(s, "{root}", w.url)
}

func (w *writeWorld) send(method, path, body, header string) (int, http.Header, string) {
	w.t.Helper()
	r, err := http.NewRequest(method, w.url+strings.ReplaceAll(path, " ", "%20"), bytes.NewReader([]byte(body)))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for line := range strings.Lines(header) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		r.Header.Set(name, value)
	}
	res, err := w.http.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(b)
}

// counts are how many rows each set has.
func (w *writeWorld) counts() map[string]int {
	w.t.Helper()
	out := map[string]int{}
	for _, set := range sets {
		_, body := w.run(call{do: "GET /" + set + "?$count=true&$top=0", status: 200})
		var answer struct {
			Count int `json:"@iot.count"`
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			w.t.Fatalf("%s: %s", body, err)
		}
		out[set] = answer.Count
	}
	return out
}

// grown says what was added since before, as "Things+1 Datastreams+2".
func (w *writeWorld) grown(before map[string]int) string {
	w.t.Helper()
	after := w.counts()
	var parts []string
	for _, set := range sets {
		if d := after[set] - before[set]; d != 0 {
			parts = append(parts, fmt.Sprintf("%s%+d", set, d))
		}
	}
	return strings.Join(parts, " ")
}

const (
	location   = `{"name":"yard","description":"the yard","encodingType":"application/geo+json","location":{"type":"Point","coordinates":[121.5,31.25]}}`
	sensor     = `{"name":"probe","description":"a probe","encodingType":"application/pdf","metadata":"https://example.org/probe.pdf"}`
	property   = `{"name":"level","definition":"https://example.org/level","description":"how high the water stands"}`
	feature    = `{"name":"basin","description":"the basin","encodingType":"application/geo+json","feature":{"type":"Point","coordinates":[121.6,31.3]}}`
	metres     = `"unitOfMeasurement":{"name":"metre","symbol":"m","definition":"ucum:m"}`
	datastream = `"name":"level of the basin","description":"by radar","observationType":"http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",` + metres
	// gaugeJSON is a Thing with all that it can bring along, but for Observations.
	gaugeJSON = `{"name":"gauge","description":"a gauge","Locations":[` + location + `],"Datastreams":[{` + datastream + `,"Sensor":` + sensor + `,"ObservedProperty":` + property + `}]}`
)

// gauge makes a Thing with a Location and a Datastream: {thing}, {location}, {datastream}, {sensor}, {property}.
func (w *writeWorld) gauge() {
	w.t.Helper()
	w.run(call{do: "POST /Things", body: gaugeJSON, status: 201, as: "thing"})
	w.names["location"] = w.idAt("/Things({thing})/Locations")
	w.names["datastream"] = w.idAt("/Things({thing})/Datastreams")
	w.names["sensor"] = w.idAt("/Datastreams({datastream})/Sensor")
	w.names["property"] = w.idAt("/Datastreams({datastream})/ObservedProperty")
}

// count is the single number of a query.
func (w *writeWorld) count(query string, args ...any) (n int64) {
	w.t.Helper()
	err := w.d.Read(context.Background(), func(tx *db.Tx) error { return tx.QueryRow(query, args...).Scan(&n) })
	if err != nil {
		w.t.Fatalf("%s: %s", query, err)
	}
	return n
}

// idAt is the id of the first entity that a path leads to.
func (w *writeWorld) idAt(path string) string {
	w.t.Helper()
	_, body := w.run(call{do: "GET " + path, status: 200})
	m := regexp.MustCompile(`"@iot.id":(\d+)`).FindStringSubmatch(body)
	if m == nil {
		w.t.Fatalf("GET %s: no id in %s", path, body)
	}
	return m[1]
}

// sqliteStore is a store for tests that need no second engine.
func sqliteStore(t testing.TB) *db.DB {
	return dbtest.SQLite(t, ledger.Migrations(), sensing.Migrations(), Migrations())
}
