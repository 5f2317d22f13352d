package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/app"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// server is a running product and what a local command may ask of it.
type server struct {
	*app.App
	t     *testing.T
	token string
}

func start(t *testing.T, o app.Options) *server {
	t.Helper()
	o.Listen = "127.0.0.1:0"
	if o.Data == "" {
		o.Data = t.TempDir()
	}
	a, err := app.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
	token, err := os.ReadFile(filepath.Join(o.Data, "local.token"))
	if err != nil {
		t.Fatal(err)
	}
	return &server{a, t, strings.TrimSpace(string(token))}
}

// do sends a request as a command of this machine's user and fails on anything but success.
func (s *server) do(method, path, contentType, body string) []byte {
	s.t.Helper()
	status, answer := s.try(method, path, contentType, body)
	if status >= 300 {
		s.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	return answer
}

func (s *server) try(method, path, contentType, body string) (int, []byte) {
	s.t.Helper()
	req, err := http.NewRequest(method, s.URL()+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, answer
}

const place = `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point","coordinates":[121.5,31.2]},
	"properties":{"external_id":"p-1","name_en":"Building 4","name_zh":"4号楼"}}]}`

const asset = `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":null,
	"properties":{"external_id":"a-1","kind":"gas/kitchen-alarm","name_en":"Kitchen alarm","name_zh":"厨房报警器","place":"p-1"}}]}`

const stream = `{"items":[{"external_id":"a-1/methane","asset":"a-1","property":"gas/methane","unit":"%LEL","name":"Methane"}]}`

func (s *server) register() {
	s.t.Helper()
	s.do("POST", "/api/v1/city/import?as=places&filename=places.geojson", "application/octet-stream", place)
	s.do("POST", "/api/v1/city/import?as=assets&filename=assets.geojson", "application/octet-stream", asset)
	s.do("PUT", "/api/v1/datastreams", "application/json", stream)
}

// leak sends a minute of readings far above the red limit, five seconds apart.
func (s *server) leak() {
	s.t.Helper()
	var b strings.Builder
	b.WriteString("datastream,at,value\n")
	for i := range 12 {
		fmt.Fprintf(&b, "a-1/methane,2026-11-23T03:00:%02dZ,40\n", i*5)
	}
	s.do("POST", "/api/v1/readings.csv?source=gateway", "text/csv", b.String())
}

// await follows the event stream until an event of the subject comes, and returns its data.
func (s *server) await(subject string) string {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", s.URL()+"/api/v1/live?after=0", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		s.t.Fatalf("live: %s", res.Status)
	}
	var seen bytes.Buffer
	buf := make([]byte, 4096)
	for {
		n, err := res.Body.Read(buf)
		seen.Write(buf[:n])
		for _, e := range strings.Split(seen.String(), "\n\n") {
			if _, data, ok := strings.Cut(e, "event: "+subject+"\ndata: "); ok && strings.Contains(seen.String(), e+"\n\n") {
				return data
			}
		}
		if err != nil {
			s.t.Fatalf("the stream ended before %s: %v\n%s", subject, err, seen.String())
		}
	}
}

// caughtUp asks for the counters until the detectors, which load their state while others are served already, are not behind.
func (s *server) caughtUp() map[string]int64 {
	s.t.Helper()
	for range 10_000 {
		var counters struct{ Total map[string]int64 }
		if err := json.Unmarshal(s.do("GET", "/api/v1/watch/counters", "", ""), &counters); err != nil {
			s.t.Fatal(err)
		}
		if counters.Total["lag"] == 0 {
			return counters.Total
		}
	}
	s.t.Fatal("the detectors do not catch up")
	return nil
}

// From the socket to the case: readings in, an alert by the rule, a case that the pack names, on both engines.
func TestReadingsBecomeACase(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			o := app.Options{Data: t.TempDir()}
			if engine == "postgres" {
				o.Database = dbtest.PostgresURL(t)
			}
			s := start(t, o)
			s.register()
			s.leak()
			opened := s.await("case.opened")
			if !strings.Contains(opened, `"gas-leak"`) {
				t.Fatal(opened)
			}
			var alerts struct{ Items []map[string]any }
			if err := json.Unmarshal(s.do("GET", "/api/v1/alerts?state=open", "", ""), &alerts); err != nil {
				t.Fatal(err)
			}
			if len(alerts.Items) != 1 || alerts.Items[0]["level"] != "red" || alerts.Items[0]["detector"] != "gas/methane-indoor" {
				t.Fatalf("%v", alerts.Items)
			}

			// A restart on the same data loses nothing and raises nothing twice.
			if err := s.Stop(); err != nil {
				t.Fatal(err)
			}
			if err := s.Stop(); err != nil {
				t.Fatal("the second stop:", err)
			}
			s = start(t, o)
			counters := s.caughtUp()
			for _, station := range []string{"in", "accepted", "logged", "stored", "evaluated"} {
				if counters[station] != 12 {
					t.Errorf("%s: %d of 12", station, counters[station])
				}
			}
			var again struct{ Items []map[string]any }
			if err := json.Unmarshal(s.do("GET", "/api/v1/cases?state=all", "", ""), &again); err != nil {
				t.Fatal(err)
			}
			if len(again.Items) != 1 {
				t.Errorf("%d cases after the restart", len(again.Items))
			}
			var ready struct{ Ready bool }
			if err := json.Unmarshal(s.do("GET", "/readyz", "", ""), &ready); err != nil || !ready.Ready {
				t.Errorf("not ready: %v", err)
			}
			metrics := string(s.do("GET", "/metrics", "", ""))
			for _, want := range []string{`anlan_readings_total{outcome="accepted",source="gateway"} 12`, `anlan_readings_at{station="stored"} 12`, "anlan_detect_evaluated_total 12"} {
				if !strings.Contains(metrics, want) {
					t.Errorf("no %s on /metrics", want)
				}
			}
		})
	}
}

func TestStartNamesWhatIsWrong(t *testing.T) {
	running := start(t, app.Options{})
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	port := strings.TrimPrefix(running.URL(), "http://")
	held := t.TempDir()
	start(t, app.Options{Data: held})
	for _, c := range []struct {
		name string
		o    app.Options
		want string
	}{
		{"port in use", app.Options{Listen: port, Data: t.TempDir()}, "another program has the port"},
		{"data folder is a file", app.Options{Listen: "127.0.0.1:0", Data: file}, "data folder"},
		{"data folder in use", app.Options{Listen: "127.0.0.1:0", Data: held}, "in use by another Anlan server"},
		{"wrong database URL", app.Options{Listen: "127.0.0.1:0", Data: t.TempDir(), Database: "mysql://x"}, "expected sqlite:PATH or postgres://"},
		{"database out of reach", app.Options{Listen: "127.0.0.1:0", Data: t.TempDir(), Database: "postgres://x@127.0.0.1:1/x"}, "open database"},
		{"wrong bus URL", app.Options{Listen: "127.0.0.1:0", Data: t.TempDir(), Bus: "somewhere"}, "expected nats://host:port"},
		{"address without a port", app.Options{Listen: "localhost", Data: t.TempDir()}, "expected host:port"},
		{"broken pack", app.Options{Listen: "127.0.0.1:0", Data: t.TempDir(), Packs: []string{"testdata/broken"}}, `did you mean "orange"?`},
	} {
		a, err := app.New(c.o)
		if err == nil {
			err = a.Start(context.Background())
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", c.name, err, c.want)
		}
	}
}
