package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/app"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// item is what an inbox shows of a notice.
type item struct {
	What  string
	ID    int64
	About string
	On    int64
	Over  bool
	Level string
	Why   struct {
		Zh string `json:"zh-CN"`
	}
}

// From the alert to the inbox of the watch in less than a second, by one press acknowledged with its alert, and told once more
// when it is over; a restart between loses no wait.
func TestAlertToInbox(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			c := clock.NewVirtual(time.Date(2026, 11, 23, 3, 1, 0, 0, time.UTC))
			o := app.Options{Data: t.TempDir(), Clock: c}
			if engine == "postgres" {
				o.Database = dbtest.PostgresURL(t)
			}
			s := start(t, o)
			s.register()
			officer := s.dutyOfficer()
			inbox := func() (items []item) {
				t.Helper()
				var in struct{ Items []item }
				officer("GET", "/api/v1/inbox", "", &in)
				for _, i := range in.Items {
					if i.What == "notice" && i.About == "alert" { // its case has no owner, which is told, too
						items = append(items, i)
					}
				}
				return items
			}
			began := time.Now()
			s.leak()
			s.await("alert.raised")
			raised := time.Now()
			given := s.await("notice.given")
			items := inbox()
			t.Logf("reading to alert %s, alert to inbox %s", raised.Sub(began).Round(time.Millisecond), time.Since(raised).Round(time.Millisecond))
			if len(items) != 1 || items[0].About != "alert" || items[0].On != 1 || items[0].Why.Zh != "告警待签收" || items[0].Level == "" {
				t.Fatalf("%s %+v", given, items)
			}

			if err := s.Stop(); err != nil {
				t.Fatal(err)
			}
			s = start(t, o)
			officer = s.signIn("officer")
			c.Advance(3 * time.Minute)
			for len(inbox()) < 2 { // the loop looks once a second, whenever it begins to
				c.Advance(time.Second)
			}
			if sound := s.await("notice.sounded"); !strings.Contains(sound, `"about":"alert","id":1`) {
				t.Error(sound)
			}
			officer("POST", fmt.Sprintf("/api/v1/notices/%d/acknowledge", items[0].ID), `{}`, nil)
			var alert struct{ State string }
			s.get("GET", "/api/v1/alerts/1", "", &alert)
			if alert.State != "acknowledged" {
				t.Errorf("the alert is %s", alert.State)
			}
			if left := inbox(); len(left) != 0 {
				t.Errorf("after the acknowledgement: %+v", left)
			}

			var b strings.Builder
			b.WriteString("datastream,at,value\n")
			for i := range 30 {
				fmt.Fprintf(&b, "a-1/methane,2026-11-23T03:%02d:00Z,0\n", 4+i)
			}
			c.Set(time.Date(2026, 11, 23, 3, 40, 0, 0, time.UTC))
			s.do("POST", "/api/v1/readings.csv?source=gateway", "text/csv", b.String())
			s.await("alert.cleared")
			for over := inbox(); len(over) != 2 || !over[0].Over; over = inbox() {
				c.Advance(time.Second)
			}
			lines, err := os.ReadFile(filepath.Join(o.Data, "notices.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(lines), `"key":"notice/1/`); n != 2 {
				t.Errorf("%d calls in the file:\n%s", n, lines)
			}
		})
	}
}

// From the proposal to the inbox of the watch, where the second officer finds it, and told once more when it is issued.
func TestProposalToInbox(t *testing.T) {
	s := start(t, app.Options{Data: t.TempDir()})
	first := s.dutyOfficer()
	second := s.officer("second")
	s.do("POST", "/api/v1/city/import?format=geojson&coordinates=wgs84&as=areas", "application/octet-stream", harbour)
	var areas struct{ Items []struct{ ID int64 } }
	first("GET", "/api/v1/areas", "", &areas)
	var w struct{ ID int64 }
	first("POST", "/api/v1/warnings", leakIn(areas.Items[0].ID, "orange", "Exercise"), &w)
	s.await("notice.given")
	var in struct{ Items []item }
	second("GET", "/api/v1/inbox", "", &in)
	if len(in.Items) != 1 || in.Items[0].About != "warning" || in.Items[0].On != w.ID || in.Items[0].Level != "orange" || in.Items[0].Why.Zh != "预警待审核签发" || in.Items[0].Over {
		t.Fatalf("%+v", in.Items)
	}
	second("POST", fmt.Sprintf("/api/v1/warnings/%d/approve", w.ID), "", nil)
	s.await("notice.withdrawn")
	second("GET", "/api/v1/inbox", "", &in)
	if len(in.Items) != 1 || in.Items[0].On != w.ID || !in.Items[0].Over || in.Items[0].Why.Zh != "预警已签发" {
		t.Errorf("%+v", in.Items)
	}
}
