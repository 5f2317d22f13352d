package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/app"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// From announced works to the case of a leak that outlasts them: the alert is there at once, marked, and nothing is opened
// for it; it survives a restart; when the works are over while it stands, its case is opened, once.
func TestLeakDuringPlannedWorks(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			c := clock.NewVirtual(time.Date(2026, 11, 23, 2, 55, 0, 0, time.UTC))
			o := app.Options{Data: t.TempDir(), Clock: c}
			if engine == "postgres" {
				o.Database = dbtest.PostgresURL(t)
			}
			s := start(t, o)
			s.register()
			var works struct{ ID int64 }
			officer := s.dutyOfficer()
			officer("POST", "/api/v1/coverage/works", fmt.Sprintf(`{"asset":%d,"until":"2026-11-23T05:00:00Z","reason":"Hose replaced"}`, s.firstAsset()), &works)
			c.Set(time.Date(2026, 11, 23, 3, 1, 0, 0, time.UTC))
			s.leak()
			raised := s.await("alert.raised")
			if !strings.Contains(raised, `"works":{"works":1,"reason":"Hose replaced","until":"2026-11-23T05:00:00Z","rests":true}`) {
				t.Fatal(raised)
			}
			s.caughtUp()
			s.alertRests(true, 1)

			if err := s.Stop(); err != nil {
				t.Fatal(err)
			}
			s = start(t, o)
			s.caughtUp()
			s.alertRests(true, 1)
			var cases struct{ Items []map[string]any }
			s.get("GET", "/api/v1/cases?state=all", "", &cases)
			if len(cases.Items) != 0 {
				t.Fatalf("%d cases while it rests", len(cases.Items))
			}

			// The crew is done early; the gas is still there.
			officer = s.signIn("officer")
			officer("POST", fmt.Sprintf("/api/v1/coverage/works/%d/end", works.ID), `{}`, nil)
			s.alertRests(false, 0)
			for !s.toldOver() { // the room looks every second, whenever it begins to
				c.Advance(time.Second)
			}
			if over := s.await("alert.rest_over"); !strings.Contains(over, `"rests":false`) {
				t.Error(over)
			}
			if opened := s.await("case.opened"); !strings.Contains(opened, `"gas-leak"`) {
				t.Error(opened)
			}
			s.get("GET", "/api/v1/cases?state=all", "", &cases)
			if len(cases.Items) != 1 {
				t.Errorf("%d cases", len(cases.Items))
			}
		})
	}
}

const goodPassword = "correct horse battery staple"

// dutyOfficer makes the first administrator, has her make a duty officer, and signs that one in.
func (s *server) dutyOfficer() func(method, path, body string, into any) {
	s.t.Helper()
	claim := func(link, name string) {
		s.t.Helper()
		res, err := http.PostForm(s.URL()+link, url.Values{"name": {name}, "password": {goodPassword}, "repeat": {goodPassword}})
		if err != nil {
			s.t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			s.t.Fatalf("account %s: %s", name, res.Status)
		}
	}
	_, link, ok := strings.Cut(s.Greeting(), s.URL()+"/setup/")
	if !ok {
		s.t.Fatal(s.Greeting())
	}
	claim("/setup/"+link, "administrator")
	var made struct{ Link string }
	s.signIn("administrator")("POST", "/api/v1/accounts", `{"name":"officer","organisation":0,"city_wide":true,"roles":["duty-officer"]}`, &made)
	claim(made.Link, "officer")
	return s.signIn("officer")
}

// signIn is a person's session.
func (s *server) signIn(name string) func(method, path, body string, into any) {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	client := http.Client{Jar: jar}
	ask := func(method, path, body string, into any) {
		s.t.Helper()
		req, err := http.NewRequest(method, s.URL()+path, strings.NewReader(body))
		if err != nil {
			s.t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := client.Do(req)
		if err != nil {
			s.t.Fatal(err)
		}
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode >= 300 {
			s.t.Fatalf("%s %s by %s: %s %s %v", method, path, name, res.Status, answer, err)
		}
		if into == nil {
			return
		}
		if err := json.Unmarshal(answer, into); err != nil {
			s.t.Fatal(err)
		}
	}
	ask("POST", "/api/v1/session", fmt.Sprintf(`{"name":%q,"password":%q}`, name, goodPassword), nil)
	return ask
}

// get asks and decodes the answer.
func (s *server) get(method, path, body string, into any) {
	s.t.Helper()
	contentType := ""
	if body != "" {
		contentType = "application/json"
	}
	if err := json.Unmarshal(s.do(method, path, contentType, body), into); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) firstAsset() int64 {
	s.t.Helper()
	var assets struct{ Items []struct{ ID int64 } }
	s.get("GET", "/api/v1/assets", "", &assets)
	if len(assets.Items) == 0 {
		s.t.Fatal("no assets")
	}
	return assets.Items[0].ID
}

// toldOver says whether alert 1 is known to count again.
func (s *server) toldOver() bool {
	s.t.Helper()
	var alert struct {
		Works struct {
			OverAt *time.Time `json:"over_at"`
		}
	}
	s.get("GET", "/api/v1/alerts/1", "", &alert)
	return alert.Works.OverAt != nil
}

// alertRests wants one open alert, which is marked and rests or not, and so many to be counted as resting.
func (s *server) alertRests(want bool, count int) {
	s.t.Helper()
	var alerts struct {
		Items []struct {
			State string
			Works *struct{ Rests bool }
		}
		Resting int
	}
	s.get("GET", "/api/v1/alerts", "", &alerts)
	if len(alerts.Items) != 1 || alerts.Items[0].Works == nil || alerts.Items[0].Works.Rests != want || alerts.Resting != count {
		s.t.Fatalf("%+v", alerts)
	}
}
