package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// A server that is killed while readings come, again and again, tells the same alerts as one that nobody disturbs: the same
// steps of each, in their order, once. Whoever sends gets an answer or sends again.
func TestAlertsSurviveKills(t *testing.T) {
	bin := build(t)
	for _, engine := range []struct {
		name     string
		database func(t *testing.T) string
	}{
		{"sqlite", func(*testing.T) string { return "" }},
		{"postgres", func(t *testing.T) string { return dbtest.PostgresURL(t) }},
	} {
		t.Run(engine.name, func(t *testing.T) {
			seed := rand.Uint64()
			want := play(t, &killed{bin: bin, data: t.TempDir(), database: engine.database(t)})
			disturbed := &killed{bin: bin, data: t.TempDir(), database: engine.database(t), rng: rand.New(rand.NewPCG(seed, 1))}
			got := play(t, disturbed)
			t.Logf("%d alerts, %d kills, %d answers lost; seed %d", len(want), disturbed.kills, disturbed.lost, seed)
			if kinds := kindsOf(want); len(kinds) < 12 || disturbed.kills < 8 {
				t.Errorf("%d kills, and alerts of only %d kinds, prove little: %q", disturbed.kills, len(kinds), kinds)
			}
			for i := range max(len(got), len(want)) {
				if a, b := line(got, i), line(want, i); a != b {
					t.Fatalf("of %d alerts, undisturbed %d, the first that differs\n  disturbed   %s\n  undisturbed %s", len(got), len(want), a, b)
				}
			}
		})
	}
}

func line(of []string, i int) string {
	if i < len(of) {
		return of[i]
	}
	return "none"
}

// kindsOf are the detectors that the alerts are of, with the fault where it is one of the watch.
func kindsOf(alerts []string) (kinds []string) {
	for _, a := range alerts {
		kind, _, _ := strings.Cut(a, " of ")
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// instrument is one series of the story. Its readings are some days old when they are sent, so that the machine's clock,
// which no two runs share, finds nobody silent.
type instrument struct {
	asset, kind, place, property, unit string
	every                              time.Duration
	value                              func(n int) float64
}

func (in instrument) id() string { return in.asset + "/" + in.property }

const (
	readings  = 480 // of each instrument
	batchSize = 4   // of each instrument in a batch
)

// story is a city in which a lot happens: of each way to judge there is a rule that raises, steps and clears.
func story() []instrument {
	// swing goes through steps again and again, each for a number of readings.
	swing := func(shift, length int, steps ...float64) func(int) float64 {
		return func(n int) float64 { return steps[(n+shift)/length%len(steps)] + float64(n%7)/100 }
	}
	still := func(n int) float64 {
		if n > 20 && n < 470 {
			return 300
		}
		return 300 + float64(n%5)
	}
	at := func(asset, kind, place, property, unit string, every time.Duration, value func(int) float64) instrument {
		return instrument{asset, kind, place, property, unit, every, value}
	}
	const half, minute, five, hour = 30 * time.Second, time.Minute, 5 * time.Minute, time.Hour
	return []instrument{
		at("alarm-1", "gas/kitchen-alarm", "noodles", "gas/methane", "%LEL", half, swing(0, 12, 1, 6, 12, 25, 1, 1, 1, 1)),
		at("alarm-2", "gas/kitchen-alarm", "grill", "gas/methane", "%LEL", half, swing(31, 9, 1, 25, 6, 1, 1, 1, 1, 1)),
		at("alarm-2", "gas/kitchen-alarm", "grill", "gas/carbon-monoxide", "ppm", five, swing(0, 15, 5, 60, 120, 5)),
		at("probe", "gas/street-probe", "corner", "gas/methane", "%LEL", five, swing(3, 5, 1, 7, 22, 1, 1)), // it chatters
		at("fence-1", "gas/fence-monitor", "works", "gas/methane-ambient", "ppm", minute, swing(0, 20, 2, 4, 2, 2, 2, 2, 2)),
		at("fence-2", "gas/fence-monitor", "works", "gas/methane-ambient", "ppm", minute, swing(10, 20, 2, 2, 14, 2, 2, 2, 2)),
		at("main", "gas/medium-pressure-point", "square", "gas/pressure", "kPa", minute, still),
		at("air", "air/station", "park", "air/pm25", "µg/m3", hour, swing(0, 30, 40, 130, 200, 300, 60, 30)),
		at("air", "air/station", "park", "air/o3", "µg/m3", hour, swing(0, 7, 60, 120, 310, 420, 80)),
		at("air", "air/station", "park", "air/no2", "µg/m3", hour, swing(0, 5, 60, 80, 710, 1300, 70, 60)),
		at("rain", "flood/rain-gauge", "bridge", "flood/rain", "mm/h", five, swing(0, 10, 0, 30, 70, 5, 0, 0, 0)),
		at("noise", "water/quality-point", "spring", "water/turbidity", "NTU", 15*time.Minute, swing(0, 6, 0.4, 1.6, 4, 6, 0.3, 0.3)),
	}
}

// batch is the n-th batch of readings. Within it those of some instruments come in another order than they were taken: a
// rule that waits for late ones takes back what it had told, and tells it anew.
func batch(ins []instrument, epoch time.Time, n int) (out []map[string]any) {
	for _, in := range ins {
		var own []map[string]any
		for i := n * batchSize; i < (n+1)*batchSize; i++ {
			own = append(own, map[string]any{"datastream": in.id(), "at": epoch.Add(time.Duration(i) * in.every), "value": in.value(i)})
		}
		if in.asset == "alarm-1" || in.asset == "noise" {
			own[1], own[2] = own[2], own[1]
		}
		out = append(out, own...)
	}
	return out
}

// play sends the story and returns the alerts in the end.
func play(t *testing.T, s *killed) []string {
	t.Helper()
	t.Cleanup(s.end)
	s.start(t)
	ins := story()
	s.register(t, ins)
	// The same in every run, and old enough for every instrument; no reading lies in the future.
	epoch := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	batches := readings / batchSize
	plan := map[int]disturbance{} // by the batch
	if s.rng != nil {
		at := s.rng.Perm(batches)
		for i, d := range []disturbance{sending, storing, answered, settled, twice, stopped, sending, storing, answered, settled, twice} {
			plan[at[i]] = d
		}
	}
	for n := range batches {
		b := batch(ins, epoch, n)
		d, planned := plan[n]
		if planned && s.disturb(t, d, b) {
			continue // it was acknowledged
		}
		if err := s.post(nil, b); err != nil {
			t.Fatal(err)
		}
	}
	s.judged(t)
	return s.alerts(t)
}

// killed is a server that is killed.
type killed struct {
	bin, data, database string
	rng                 *rand.Rand // nil: it is left in peace

	cmd         *exec.Cmd
	url, token  string
	kills, lost int // lost: requests without an answer
}

var listensOn = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// start starts the server and returns when it says where it listens.
func (s *killed) start(t *testing.T) {
	t.Helper()
	args := []string{"serve", "--listen", "127.0.0.1:0", "--mqtt", "off", "--data", s.data}
	if s.database != "" {
		args = append(args, "--database", s.database)
	}
	s.cmd = exec.Command(s.bin, args...)
	log, err := os.Create(filepath.Join(s.data, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() // the server has its own
	s.cmd.Stderr = log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	buf := make([]byte, 4096)
	for s.url = ""; s.url == ""; s.url = listensOn.FindString(said.String()) {
		n, err := out.Read(buf)
		said.Write(buf[:n])
		if err != nil {
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("the server said no address: %v\n%s%s", err, said.String(), text)
		}
	}
	token, err := os.ReadFile(filepath.Join(s.data, "local.token"))
	if err != nil {
		t.Fatal(err)
	}
	s.token = strings.TrimSpace(string(token))
}

// kill ends the server as a power cut would end the process.
func (s *killed) kill() {
	s.kills++
	s.end()
}

func (s *killed) end() {
	if s.cmd != nil {
		s.cmd.Process.Kill()
		s.cmd.Wait() // its exit status says that it was killed
		s.cmd = nil
	}
}

// disturbance is a way in which a server comes down.
type disturbance int

const (
	sending  disturbance = iota // killed while it takes a request
	storing                     // killed when the request is with it: its answer is lost, if there was to be one
	answered                    // killed right after the answer: the detectors have hardly begun
	settled                     // killed when all is judged
	twice                       // killed, and once more as it goes through the log again
	stopped                     // ended in peace, so that the next start goes on from a snapshot
)

// disturb brings the server down as it takes readings, and up again. It tells whether the readings were acknowledged.
func (s *killed) disturb(t *testing.T, how disturbance, readings []map[string]any) bool {
	t.Helper()
	p := s.cmd.Process
	trace := &httptrace.ClientTrace{}
	switch how {
	case sending:
		trace.GotConn = func(httptrace.GotConnInfo) { go p.Kill() }
	case storing:
		trace.WroteRequest = func(httptrace.WroteRequestInfo) { p.Kill() }
	}
	err := s.post(trace, readings)
	var lost *url.Error // there was no answer; anything else is one, and not the right one
	if err != nil && (how > storing || !errors.As(err, &lost) && !errors.Is(err, io.ErrUnexpectedEOF)) {
		t.Fatal(err)
	}
	if err != nil {
		s.lost++
	}
	switch how {
	case settled:
		s.judged(t)
	case twice:
		s.kill()
		s.start(t)
	case stopped:
		if err := p.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := s.cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		s.cmd = nil
	}
	if how != stopped {
		s.kill()
	}
	s.start(t)
	return err == nil
}

func (s *killed) do(trace *httptrace.ClientTrace, method, path string, body, into any) error {
	var b bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&b).Encode(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequest(method, s.url+path, &b)
	if err != nil {
		return err
	}
	if trace != nil {
		req = req.WithContext(httptrace.WithClientTrace(req.Context(), trace))
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%d %s", res.StatusCode, answer)
	}
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(answer, into)
}

func (s *killed) must(t *testing.T, method, path string, body, into any) {
	t.Helper()
	if err := s.do(nil, method, path, body, into); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
}

// post sends readings once.
func (s *killed) post(trace *httptrace.ClientTrace, readings []map[string]any) error {
	var receipt struct{ Accepted int }
	err := s.do(trace, http.MethodPost, "/api/v1/readings", map[string]any{"source": "crash", "readings": readings}, &receipt)
	if err == nil && receipt.Accepted != len(readings) {
		return fmt.Errorf("%d of %d readings accepted", receipt.Accepted, len(readings))
	}
	return err
}

// register brings the city in.
func (s *killed) register(t *testing.T, ins []instrument) {
	t.Helper()
	type feature struct {
		Type       string            `json:"type"`
		Geometry   any               `json:"geometry"`
		Properties map[string]string `json:"properties"`
	}
	var places, assets []feature
	var streams []map[string]string
	for i, in := range ins {
		point := map[string]any{"type": "Point", "coordinates": []float64{121.5 + float64(i)/20, 31.2}}
		same := func(id string) func(feature) bool {
			return func(f feature) bool { return f.Properties["external_id"] == id }
		}
		if !slices.ContainsFunc(places, same(in.place)) {
			places = append(places, feature{"Feature", point, map[string]string{"external_id": in.place, "name_en": in.place}})
		}
		if !slices.ContainsFunc(assets, same(in.asset)) {
			assets = append(assets, feature{"Feature", point, map[string]string{"external_id": in.asset, "kind": in.kind, "name_en": in.asset, "place": in.place}})
		}
		streams = append(streams, map[string]string{"external_id": in.id(), "asset": in.asset, "property": in.property, "unit": in.unit, "name": in.id()})
	}
	for _, list := range []struct {
		as       string
		features []feature
	}{{"places", places}, {"assets", assets}} {
		s.must(t, http.MethodPost, "/api/v1/city/import?format=geojson&coordinates=wgs84&as="+list.as, map[string]any{"type": "FeatureCollection", "features": list.features}, nil)
	}
	s.must(t, http.MethodPut, "/api/v1/datastreams", map[string]any{"items": streams}, nil)
}

// judged asks until the detectors have judged all readings; each request takes its time. It gives up on a server that gets no
// further, however often it is asked.
func (s *killed) judged(t *testing.T) {
	t.Helper()
	lag, same := int64(-1), 0
	for same < 50_000 {
		var counters struct{ Total struct{ Lag int64 } }
		s.must(t, http.MethodGet, "/api/v1/watch/counters", nil, &counters)
		if counters.Total.Lag == 0 {
			return
		}
		if same++; counters.Total.Lag != lag {
			lag, same = counters.Total.Lag, 0
		}
	}
	t.Fatalf("%d readings are not judged", lag)
}

// alerts are all alerts with their history, a line each.
func (s *killed) alerts(t *testing.T) (out []string) {
	t.Helper()
	type alert struct {
		ID                    int64
		Detector, Kind, Fault string
		AssetName             map[string]string `json:"asset_name"`
		PlaceName             map[string]string `json:"place_name"`
		Since                 time.Time
		History               []struct {
			At          time.Time
			Kind, Level string
			UndoneAt    *time.Time `json:"undone_at"`
		}
	}
	var ids []int64
	for after := int64(0); ; {
		var page struct {
			Items []alert
			Next  int64
		}
		query := url.Values{"state": {"all"}, "limit": {"100"}}
		if after != 0 {
			query.Set("after", fmt.Sprint(after))
		}
		s.must(t, http.MethodGet, "/api/v1/alerts?"+query.Encode(), nil, &page)
		for _, a := range page.Items {
			ids = append(ids, a.ID)
		}
		if after = page.Next; after == 0 {
			break
		}
	}
	type told struct {
		at   time.Time
		text string
	}
	var all []told
	for _, id := range ids {
		var a alert
		s.must(t, http.MethodGet, fmt.Sprintf("/api/v1/alerts/%d", id), nil, &a)
		line := fmt.Sprintf("%s %s of %s at %s since %s:", cmp.Or(a.Fault, a.Kind), a.Detector, a.AssetName["en"], a.PlaceName["en"], a.Since.Format(time.RFC3339))
		for _, h := range a.History {
			line += " " + h.At.Format("0102T150405") + " " + h.Kind + " " + h.Level
			if h.UndoneAt != nil {
				line += " (undone)"
			}
			line += ","
		}
		all = append(all, told{a.Since, line})
	}
	slices.SortFunc(all, func(a, b told) int { return cmp.Or(a.at.Compare(b.at), strings.Compare(a.text, b.text)) })
	for _, a := range all {
		out = append(out, a.text)
	}
	return out
}
