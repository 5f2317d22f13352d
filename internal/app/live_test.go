package app

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/sim"
)

// quarter has organisation 41 answer for area 7.
type quarter struct{}

func (quarter) Covers(organisation, _, area int64) bool { return organisation == 41 && area == 7 }

func (quarter) Touches(organisation, area int64) bool {
	return organisation == 41 && (area == 7 || area == 1)
} // 7 lies in 1

// Who follows the stream sees of each room what its pages would show, and nothing else.
func TestVisible(t *testing.T) {
	policy, err := access.NewPolicy(quarter{})
	if err != nil {
		t.Fatal(err)
	}
	person := func(organisation int64, roles ...string) context.Context {
		return access.With(context.Background(), access.Actor{Kind: access.KindAccount, ID: 1, Organisation: organisation, Roles: roles})
	}
	asked := []context.Context{
		person(0, access.DutyOfficer), person(40, access.Operator), person(41, access.GridWorker), person(42, access.Operator), context.Background(),
	}
	for _, c := range []struct {
		event outbox.Event
		sees  string // the city's duty officer, the owner 40, 41 who answers for area 7, the stranger 42, the public
	}{
		{events.CaseOpened{Case: 1, Owner: 40, Area: 7}, "yyynn"},
		{events.CaseMoved{Case: 1, Owner: 40, Area: 7}, "yyynn"},
		{events.CaseChanged{Case: 1, Owner: 40, Area: 7}, "yyynn"},
		{events.CaseOverdue{Case: 1, Owner: 40, Area: 7}, "yyynn"},
		{events.CaseClosed{Case: 1, Owner: 40, Area: 7}, "yyynn"},
		{events.CaseOpened{Case: 1, Owner: 40, Area: 8}, "yynnn"},
		{events.CaseOpened{Case: 1}, "ynnnn"}, // nobody's is the city's
		{events.ReportReceived{Report: 1, Area: 7}, "ynynn"},
		{events.ReportClosed{Report: 1, Area: 8}, "ynnnn"},
		{events.FindingRecorded{Finding: 1, Owner: 40, Area: 8}, "yynnn"},
		{events.AlertRaised{AlertFacts: events.AlertFacts{Alert: 1, Organisation: 40, Area: 8}}, "yyyyn"},
		{events.WarningIssued{Warning: events.Warning{Warning: 1, Scope: "Public", Areas: []int64{7}}}, "yyyyn"},
		{events.WarningIssued{Warning: events.Warning{Warning: 1, Scope: "Restricted", Concerns: []int64{8, 7}}}, "ynynn"}, // one of its areas is enough
		{events.WarningProposed{Warning: events.Warning{Warning: 1, Scope: "Restricted", Concerns: []int64{8}}}, "ynnnn"},
		{events.WarningIssued{Warning: events.Warning{Warning: 1, Scope: "Restricted", Concerns: []int64{1}}}, "ynynn"}, // a part of it is enough
		{events.WarningJudged{Warning: 1, Scope: "Restricted", Concerns: []int64{8}}, "ynnnn"},
		{events.RelayIssued{Relay: events.Relay{Relay: 1, Scope: "Public", Areas: []int64{8}}}, "yyyyn"},
		{events.RelayIssued{Relay: events.Relay{Relay: 1, Scope: "Restricted", Concerns: []int64{8, 7}}}, "ynynn"},
		{events.RelayEnded{Relay: events.Relay{Relay: 1, Scope: "Private"}}, "ynnnn"}, // of no place: the city's own
		{events.AssetMoved{Asset: 1}, "yyyyn"},
		{events.TaskGiven{TaskFacts: events.TaskFacts{Task: 1, Case: 2, Organisation: 40}}, "yynnn"},
		{events.NoticeGiven{Notice: events.Notice{Notice: 1, Organisation: 40, About: "alert", ID: 3}}, "yynnn"},
		{events.NoticeGiven{Notice: events.Notice{Notice: 1, About: "alert", ID: 3}}, "ynnnn"}, // for the city's own watch
		{events.NoticeSounded{Notice: events.Notice{About: "alert", ID: 3, Organisation: 40}}, "yynnn"},
		{events.NoticeSounded{Notice: events.Notice{About: "case", ID: 3}}, "ynnnn"},
		{events.RegisterImported{Register: "assets"}, "yyyyn"},
	} {
		data, err := json.Marshal(c.event)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		for _, ctx := range asked {
			if visible(ctx, policy, bus.Message{Subject: c.event.Subject(), Data: data}) {
				got += "y"
			} else {
				got += "n"
			}
		}
		if got != c.sees {
			t.Errorf("%s %s: %s, want %s", c.event.Subject(), data, got, c.sees)
		}
	}
	if visible(asked[0], policy, bus.Message{Subject: "case.opened", Data: []byte("{")}) {
		t.Error("what can't be read is shown")
	}
}

// The heart beats in real time, tells the city's time, and says how far the stream is, also past what was kept back.
func TestHeartbeat(t *testing.T) {
	city, real := clock.NewPaced(clock.Pace{At: time.Now(), Then: time.Now(), Speed: 1000}), clock.NewVirtual(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	a, err := New(Options{Listen: "127.0.0.1:0", Data: t.TempDir(), Clock: city})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer a.Stop()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.follow(w, r.WithContext(access.With(r.Context(), access.System("test"))), real)
	}))
	defer srv.Close()
	res, err := http.Get(srv.URL + "?after=0")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	next := func() (out []string) {
		for lines.Scan() && lines.Text() != "" {
			out = append(out, lines.Text())
		}
		return out
	}
	if got := next(); len(got) != 3 || got[0] != "id: 0" || got[1] != "event: heartbeat" {
		t.Fatalf("%q", got)
	}
	err = a.bus.Publish(t.Context(), []bus.Message{
		{ID: 1, Subject: "case.opened", Data: []byte("{")}, // nobody may see it
		{ID: 2, Subject: "case.opened", Data: []byte(`{"case":1}`)},
		{ID: 3, Subject: "case.opened", Data: []byte("{")},
		{ID: 4, Subject: "case.moved", Data: []byte(`{"case":1}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(next(), "|"); got != `id: 2|event: case.opened|data: {"subject":"case.opened","case":1}` {
		t.Error(got)
	}
	if got := strings.Join(next(), "|"); got != `id: 4|event: case.moved|data: {"subject":"case.moved","case":1}` {
		t.Error(got)
	}
	real.AwaitSleepers(1)
	real.Advance(heartbeat)
	got := next()
	if !slices.Equal(got[:2], []string{"id: 4", "event: heartbeat"}) || strings.Contains(got[2], `"2020-`) {
		t.Errorf("%q", got)
	}
}

// A crowd of probes costs one look, and a second later the next is true again.
func TestRecent(t *testing.T) {
	c := clock.NewVirtual(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
	asked := 0
	r := &recent[int]{clock: c, ask: func(ctx context.Context) int {
		if ctx.Err() != nil {
			t.Error("who asks first and leaves spoils it for the others")
		}
		asked++
		return asked
	}}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, step := range []struct {
		pass time.Duration
		want int
	}{{0, 1}, {0, 1}, {999 * time.Millisecond, 1}, {time.Millisecond, 2}, {time.Hour, 3}} {
		c.Advance(step.pass)
		if got, err := r.answer(gone, nil); err != nil || got != step.want {
			t.Errorf("after %s more: look %d, want %d (%v)", step.pass, got, step.want, err)
		}
	}
}

// The truth is never half a file: the former one stays whole until the new one is.
func TestTruthIsReplaced(t *testing.T) {
	dir := t.TempDir()
	path, former := filepath.Join(dir, truthFile), filepath.Join(dir, "former")
	if err := os.WriteFile(path, []byte("former"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(path, former); err != nil {
		t.Skipf("no hard links here: %v", err)
	}
	d := &demo{app: &App{options: Options{Data: dir}}, scenario: sim.NewScenario(sim.Build(1), time.Now())}
	if err := d.writeTruth(); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(former); err != nil || string(b) != "former" {
		t.Errorf("the former file was written into: it has %d bytes now, %v", len(b), err)
	}
	var truth sim.Truth
	if b, err := os.ReadFile(path); err != nil || json.Unmarshal(b, &truth) != nil || len(truth.Incidents) == 0 {
		t.Errorf("%d bytes and %d incidents, %v", len(b), len(truth.Incidents), err)
	}
	if left, err := filepath.Glob(path + "?*"); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
