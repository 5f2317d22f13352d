package partner

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

func TestOverHTTP(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, _ := newService(t, d)
	f := newFeed(t)
	f.put("/w", document(t, warning("rain", nil)))
	f.put("/x", document(t, warning("x", func(a *cap.Alert) { a.MsgType = cap.TypeCancel }))) // without references
	f.put("/feed", f.atom("/w", "/x"))
	r := web.NewRouter("test")
	s.Routes(r)
	h := r.Server(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { next.ServeHTTP(w, req.WithContext(admin)) })
	}).Handler
	ask := func(method, path, body string, want int) map[string]any {
		t.Helper()
		req := httptest.NewRequest(method, path, strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		res := httptest.NewRecorder()
		h.ServeHTTP(res, req)
		b, _ := io.ReadAll(res.Body)
		if res.Code != want {
			t.Fatalf("%s %s: %d %s", method, path, res.Code, b)
		}
		var out map[string]any
		_ = json.Unmarshal(b, &out)
		return out
	}
	p := ask("POST", "/api/v1/warnings/partners", fmt.Sprintf(`{"title":{"en":"Weather office","zh-CN":"气象台"},"url":"%s/feed","service":"weather"}`, f.URL), 201)
	at := fmt.Sprintf("/api/v1/warnings/partners/%v", p["id"])
	if p = ask("POST", at+"/poll", "", 200); p["in_force"] != 1.0 || p["refused"] != 1.0 || p["last_ok_at"] == nil {
		t.Errorf("after a poll: %v", p)
	}
	one := func(path string) []any { return ask("GET", path, "", 200)["items"].([]any) }
	if n := len(one("/api/v1/warnings/received")); n != 1 {
		t.Errorf("%d in force", n)
	}
	page := ask("GET", "/api/v1/warnings/received?state=all&limit=1", "", 200)
	rest := one(fmt.Sprintf("/api/v1/warnings/received?state=all&after=%v", page["next"]))
	m := rest[0].(map[string]any)
	if len(rest) != 1 || m["in_force"] != true || len(m["places"].([]any)[0].(map[string]any)["rings"].([]any)) != 1 {
		t.Errorf("the second page: %v", rest)
	}
	bad := page["items"].([]any)[0].(map[string]any)
	whole := ask("GET", fmt.Sprintf("/api/v1/warnings/received/%v/message", bad["id"]), "", 200)
	if whole["verdict"] != "reject" || len(whole["problems"].([]any)) == 0 || !strings.Contains(whole["document"].(string), "<identifier>x<") {
		t.Errorf("the refused one: %v", whole)
	}
	ask("GET", "/api/v1/warnings/received/99/message", "", 404)
	ask("PATCH", at, `{"every":5}`, 422)
	if p = ask("PATCH", at, `{"every":120}`, 200); p["every"] != 120.0 || p["service"] != "weather" {
		t.Errorf("changed: %v", p)
	}
	ask("DELETE", at, "", 204)
	ask("POST", at+"/poll", "", 404)
	if n := len(one("/api/v1/warnings/received")); n != 0 {
		t.Errorf("%d in force of a partner that was removed", n)
	}
	var deeds []string
	err := d.Read(admin, func(tx *db.Tx) error {
		rows, err := tx.Query("select json_text(record, 'action') from ledger_leaves order by id nulls last")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var a string
			if err := rows.Scan(&a); err != nil {
				return err
			}
			deeds = append(deeds, a)
		}
		return rows.Err()
	})
	if err != nil || !slices.Equal(deeds, []string{"partner.add", "partner.poll", "partner.change", "partner.remove"}) {
		t.Errorf("in the ledger: %v, %v", deeds, err)
	}
}

// nobody refuses everything.
type nobody struct{}

func (nobody) Decide(context.Context, string, access.Resource, access.Purpose) error {
	return web.Errorf(403, "access.denied", "no")
}

func TestNobodyDoesWithoutARight(t *testing.T) {
	s, _ := newService(t, dbtest.SQLite(t, allMigrations...))
	s.Access = nobody{}
	ctx := context.Background()
	for what, do := range map[string]func() error{
		"add":      func() error { _, err := s.Add(ctx, Registration{}); return err },
		"change":   func() error { _, err := s.Change(ctx, 1, func(*Registration) {}); return err },
		"remove":   func() error { return s.Remove(ctx, 1) },
		"poll":     func() error { _, err := s.Poll(ctx, 1); return err },
		"partners": func() error { _, err := s.Views(ctx); return err },
		"received": func() error { _, err := s.Received(ctx, "all", 0, 0, 10); return err },
		"one":      func() error { _, _, err := s.ReceivedOne(ctx, 1); return err },
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), "no") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestTheLoopReadsAndEnds runs the room as the product does, on a virtual clock.
func TestTheLoopReadsAndEnds(t *testing.T) {
	s, c := newService(t, dbtest.SQLite(t, allMigrations...))
	f := newFeed(t)
	read := make(chan struct{}, 100)
	body := document(t, warning("rain", nil))
	f.serve("/feed", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, body)
		read <- struct{}{}
	})
	p := add(t, s, f.registration())
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	<-read
	until(t, s, func() bool { return len(inForce(t, s)) == 1 && view(t, s, p.ID).NextAt.After(start) })
	c.Advance(time.Minute)
	<-read
	until(t, s, func() bool { return view(t, s, p.ID).NextAt.Equal(start.Add(2 * time.Minute)) })
	c.Advance(6 * time.Hour)
	<-read
	until(t, s, func() bool { return slices.Contains(told(t, s.DB), "relay.ended") })
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := told(t, s.DB); !slices.Equal(got, []string{"relay.issued", "relay.ended"}) {
		t.Errorf("told %v", got)
	}
}

// until waits for what the loop writes after it was heard.
func until(t testing.TB, s *Service, so func() bool) {
	t.Helper()
	for range 100_000 {
		if so() {
			return
		}
	}
	t.Fatal("it never became so")
}
