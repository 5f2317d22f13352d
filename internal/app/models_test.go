package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/app"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// A model of others from its registration to an alert: asked in shadow while nobody is told, approved by an official, alerting
// live, with the alert there after a restart.
func TestAnOutsideModelGoesLive(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			var told atomic.Value
			model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				var q struct {
					AskedAt float64 `json:"asked_at"`
					Series  []struct{ ID string }
				}
				if err != nil || json.Unmarshal(body, &q) != nil || len(q.Series) != 1 {
					t.Errorf("question %s", body)
					return
				}
				told.Store(string(body))
				fmt.Fprintf(w, `{"version":"7","scores":[{"series":%q,"at":%f,"score":0.9,"reasons":["rises"]}]}`, q.Series[0].ID, q.AskedAt)
			}))
			defer model.Close()
			c := clock.NewVirtual(time.Date(2026, 11, 23, 2, 55, 0, 0, time.UTC))
			o := app.Options{Data: t.TempDir(), Clock: c}
			if engine == "postgres" {
				o.Database = dbtest.PostgresURL(t)
			}
			s := start(t, o)
			s.register()
			officer := s.dutyOfficer()
			administrator := s.signIn("administrator")
			s.do("POST", "/api/v1/readings.csv?source=gateway", "text/csv", "datastream,at,value\na-1/methane,2026-11-23T02:50:00Z,1\n")
			type view struct {
				ID      int64
				State   string
				Answers string `json:"answered_version"`
			}
			var m view
			administrator("POST", "/api/v1/models", fmt.Sprintf(`{"name":"leak-net","title":{"en":"Leak net","zh-CN":"泄漏神经网络"},"source":"A university","url":%q,
				"property":"gas/methane","kinds":["gas/kitchen-alarm"],"every":"1m","levels":{"yellow":{"when":"value >= 0.6"}},"clear":{"when":"value < 0.3","for":"5m"}}`, model.URL), &m)
			administrator("POST", fmt.Sprintf("/api/v1/models/%d/shadow", m.ID), `{}`, &m)
			var alerts struct {
				Items []struct {
					Detector, Maturity, State string
					Because                   map[string]string
				}
			}
			await := func(what string, holds func() bool) {
				t.Helper()
				for range 5_000 {
					if holds() {
						return
					}
					c.Advance(time.Second) // the room looks every second, whenever it begins to
				}
				t.Fatal("never: " + what)
			}
			await("an answer in shadow", func() bool {
				s.get("GET", fmt.Sprintf("/api/v1/models/%d", m.ID), "", &m)
				return m.Answers == "7"
			})
			if q := told.Load().(string); !strings.Contains(q, `"readings":[[1795402200,1]]`) || strings.Contains(q, "name") || strings.Contains(q, "point") {
				t.Errorf("the model was told %s", q)
			}
			var raised struct{ Items []struct{ State string } }
			s.get("GET", fmt.Sprintf("/api/v1/models/%d/alerts", m.ID), "", &raised)
			s.get("GET", "/api/v1/alerts?state=all", "", &alerts)
			if len(raised.Items) != 1 || raised.Items[0].State != "shadow" || len(alerts.Items) != 0 {
				t.Fatalf("in shadow %+v, told %+v", raised, alerts)
			}
			var approved struct {
				Model   view
				Figures struct{ Answered int }
			}
			officer("POST", fmt.Sprintf("/api/v1/models/%d/approve", m.ID), `{"version":"7","note":"on its figures"}`, &approved)
			if approved.Model.State != "live" || approved.Figures.Answered == 0 {
				t.Fatalf("%+v", approved)
			}
			await("an alert", func() bool {
				s.get("GET", "/api/v1/alerts", "", &alerts)
				return len(alerts.Items) > 0
			})
			if event := s.await("alert.raised"); !strings.Contains(event, "outside/leak-net") {
				t.Error(event)
			}
			if err := s.Stop(); err != nil {
				t.Fatal(err)
			}
			s = start(t, o)
			s.caughtUp()
			s.get("GET", "/api/v1/alerts", "", &alerts)
			if a := alerts.Items; len(a) != 1 || a[0].Detector != "outside/leak-net" || a[0].Maturity != "trial" || a[0].State != "raised" || !strings.Contains(a[0].Because["en"], "version 7") {
				t.Errorf("%+v", a)
			}
			var figures struct {
				Detectors []struct {
					Title map[string]string
					Owner string
				}
			}
			s.get("GET", "/api/v1/watch/figures", "", &figures)
			named := false
			for _, d := range figures.Detectors {
				named = named || d.Title["zh-CN"] == "泄漏神经网络" && d.Owner == "outside"
			}
			if !named {
				t.Errorf("the figures of the watch know no such model: %+v", figures)
			}
		})
	}
}
