package outside

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/sensing"
)

var (
	tables = []db.Migrations{outbox.Migrations(), ledger.Migrations(), detect.Migrations(), Migrations()}
	noon   = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
)

// town is what a room of outside models sees of a city: gauges 1 to 3, of which 3 stands in a home.
type town struct {
	mu       sync.Mutex
	readings map[int64][]sensing.Stored // guarded by mu, as is n
	n        int
}

func (c *town) Series(_ context.Context, s Selection) (out []Series, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := max(c.n, 3)
	for id := int64(1); id <= int64(n); id++ {
		if s.Property != "" || slices.Contains(s.Datastreams, id) {
			out = append(out, Series{Home: id == 3, Unit: "m", Stream: engine.Stream{
				ID: id, Property: "flood/level", Kind: "flood/gauge", Asset: 100 + id, Place: 200 + id, Area: 7, Organisation: 3, Point: &[2]float64{121.5, 31.2},
				AssetName: detect.Wording{EN: fmt.Sprintf("Gauge %d", id), ZH: fmt.Sprintf("水位计%d", id)}, PlaceName: detect.Wording{EN: "Bridge", ZH: "大桥"},
			}})
		}
	}
	return out, nil
}

func (c *town) read(id int64, at time.Time, v float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.readings == nil {
		c.readings = map[int64][]sensing.Stored{}
	}
	c.readings[id] = append(c.readings[id], sensing.Stored{Reading: sensing.Reading{Datastream: id, At: at.UnixMicro(), Value: sensing.Number(v)}})
}

func (c *town) History(_ context.Context, id int64, from, to time.Time, limit int) (out []sensing.Stored, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.readings[id] {
		if r.At >= from.UnixMicro() && r.At <= to.UnixMicro() {
			out = append(out, r)
		}
	}
	return out[max(0, len(out)-limit):], nil
}

// hasty is a clock on which nobody waits.
type hasty struct{ *clock.Virtual }

func (h hasty) After(time.Duration) <-chan time.Time {
	ch := make(chan time.Time, 1)
	ch <- h.Now()
	return ch
}

// theirs is a model at the other end of the wire.
type theirs struct {
	*httptest.Server
	mu        sync.Mutex
	questions []Question // guarded by mu, as are headers and answer
	headers   []http.Header
	answer    func(q Question) any             // what it says
	handle    func(w http.ResponseWriter) bool // true: it has answered by itself
}

func newTheirs(t testing.TB) *theirs {
	m := &theirs{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var q Question
		if err := json.Unmarshal(body, &q); err != nil {
			t.Errorf("the question is not JSON: %v", err)
		}
		m.mu.Lock()
		m.questions, m.headers = append(m.questions, q), append(m.headers, r.Header)
		handle, answer := m.handle, m.answer
		m.mu.Unlock()
		if handle != nil && handle(w) {
			return
		}
		json.NewEncoder(w).Encode(answer(q))
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *theirs) asked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.questions)
}

type object = map[string]any

// scoring answers with one score for each series, at the time of the question, by its place in the question.
func scoring(version string, scores ...float64) func(q Question) any {
	return func(q Question) any {
		list := []object{}
		for i, s := range scores {
			list = append(list, object{"series": q.Series[i].ID, "at": q.AskedAt, "score": s, "reasons": []string{"rises  fast,\nask 13812345678"}})
		}
		return object{"version": version, "scores": list}
	}
}

// room is a room of outside models over a store, with the real detect.
type room struct {
	*Service
	t      *testing.T
	clock  *clock.Virtual
	town   *town
	detect *detect.Service
	env    map[string]string
}

type noLog struct{}

func (noLog) Tail(ctx context.Context, _ int64, _ func(sensing.Batch) error) error {
	<-ctx.Done()
	return nil
}
func (noLog) Hold(string, int64) {}
func (noLog) LastSeq() int64     { return 0 }

type noRegister struct{}

func (noRegister) Streams(context.Context, []int64) (map[int64]engine.Stream, error) { return nil, nil }
func (noRegister) Zone(context.Context) (*time.Location, error)                      { return time.UTC, nil }

func newRoom(t *testing.T, d *db.DB) *room {
	t.Helper()
	r := &room{t: t, clock: clock.NewVirtual(noon), town: &town{}, env: map[string]string{}}
	var err error
	r.detect, err = detect.New(detect.Deps{DB: d, Clock: r.clock, Access: access.AllowAll, Log: noLog{}, Register: noRegister{}})
	if err != nil {
		t.Fatal(err)
	}
	r.Service = New(Deps{
		DB: d, Clock: hasty{r.clock}, Access: access.AllowAll, Catalogue: r.town, Readings: r.town, Alerts: r.detect, Cases: []string{"flood"},
		Getenv: func(name string) (string, bool) { v, ok := r.env[name]; return v, ok },
	})
	return r
}

func each(t *testing.T, fn func(t *testing.T, r *room)) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) { fn(t, newRoom(t, d)) })
}

func person(id int64, name string) context.Context {
	return access.With(context.Background(), access.Actor{Kind: access.KindAccount, ID: id, Name: name})
}

var (
	admin   = person(1, "admin")
	officer = person(2, "officer")
)

func registration(url string) Registration {
	return Registration{
		Name: "flood-lstm", Title: detect.Wording{EN: "Flood by LSTM", ZH: "洪水LSTM模型"}, Source: "A university", URL: url,
		Property: "flood/level", Kinds: []string{"flood/gauge"}, Every: "5m", History: "1h", Horizon: "2h",
		Levels: map[string]Level{"yellow": {When: "value >= 0.6"}, "red": {When: "value >= 0.9", For: "5m"}}, Clear: &Clear{When: "value < 0.3", For: "5m"},
		Opens: &Opens{Case: "flood", From: "red"},
	}
}

// shadow registers a model and takes it into shadow.
func (r *room) shadow(reg Registration) *Model {
	r.t.Helper()
	m, err := r.Register(admin, reg)
	must(r.t, err)
	m, err = r.Move(admin, m.ID, Shadow, "")
	must(r.t, err)
	return m
}

// next lets a window pass and asks for it.
func (r *room) next(m *Model) *Model {
	r.t.Helper()
	r.clock.Advance(m.every)
	m = r.get(m.ID)
	must(r.t, r.ask(context.Background(), m, m.window(r.clock.Now())))
	return r.get(m.ID)
}

func (r *room) get(id int64) *Model {
	r.t.Helper()
	m, err := r.Service.model(context.Background(), id)
	must(r.t, err)
	return m
}

// last is the newest question.
func (r *room) last(m *Model) Asked {
	r.t.Helper()
	list, err := r.Asked(officer, m.ID, 0, 1)
	must(r.t, err)
	if len(list) != 1 {
		r.t.Fatal("never asked")
	}
	return list[0]
}

func (r *room) raised(m *Model) []Alert {
	r.t.Helper()
	list, err := r.Raised(officer, m.ID, 0, 100)
	must(r.t, err)
	return list
}

// alerts are those that people see.
func (r *room) alerts() []*detect.Alert {
	r.t.Helper()
	list, err := r.detect.List(officer, detect.Filter{}, 0, 100)
	must(r.t, err)
	return list
}

func (r *room) texts(query string) (out []string) {
	r.t.Helper()
	must(r.t, r.DB.Read(context.Background(), func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			var s string
			err := rows.Scan(&s)
			out = append(out, s)
			return err
		}, query)
	}))
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newRoomSQLite(t *testing.T) *room { return newRoom(t, dbtest.SQLite(t, tables...)) }

// newRoomOn is the room after a start of the program.
func newRoomOn(t *testing.T, before *room) *room {
	r := newRoom(t, before.DB)
	r.clock.Set(before.clock.Now())
	r.town = before.town
	r.Catalogue, r.Readings = before.town, before.town
	return r
}
