package partner

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

var (
	start         = time.Date(2026, 11, 23, 1, 30, 0, 0, time.UTC)
	allMigrations = []db.Migrations{ledger.Migrations(), outbox.Migrations(), Migrations()}
	admin         = access.With(context.Background(), access.Actor{Kind: access.KindAccount, ID: 1, Name: "Administrator", Roles: []string{"administrator"}})
)

// town is a register of a district with two towns side by side.
type town struct{}

func square(lon, lat, size float64) [][2]float64 {
	return [][2]float64{{lon, lat}, {lon + size, lat}, {lon + size, lat + size}, {lon, lat + size}, {lon, lat}}
}

func (town) Areas(context.Context) ([]Area, error) {
	return []Area{
		{ID: 10, Code: "310100", Name: page.Text{English: "Harbour", Chinese: "港区"}, Rings: [][][2]float64{square(122, 30, .2)}},
		{ID: 11, Parent: 10, Code: "310101", Rings: [][][2]float64{square(122, 30, .1)}},
		{ID: 12, Parent: 10, Code: "310102", Rings: [][][2]float64{square(122.1, 30.1, .1)}},
		{ID: 13, Parent: 10, Code: "310103"},
	}, nil
}

func (town) Hazards(context.Context) ([]Hazard, error) {
	return []Hazard{
		{"rainstorm", page.Text{English: "Rainstorm", Chinese: "暴雨"}},
		{"flood", page.Text{English: "River flood", Chinese: "洪水"}},
		{"gale", page.Text{English: "Gale", Chinese: "大风"}},
	}, nil
}

func newService(t testing.TB, d *db.DB) (*Service, *clock.Virtual) {
	t.Helper()
	c := clock.NewVirtual(start)
	s := New(Deps{DB: d, Clock: c, Access: access.AllowAll, Register: town{}, Hazards: town{}, Agent: "Anlan/test", Patience: 4 * time.Second,
		Jitter: func() float64 { return 0.5 }})
	return s, c
}

// feed plays a partner. Its answers can be changed while it is asked.
type feed struct {
	*httptest.Server
	mu       sync.Mutex
	pages    map[string]http.HandlerFunc
	asked    map[string]int
	requests []http.Header
	statuses []int
}

func newFeed(t testing.TB) *feed {
	f := &feed{pages: map[string]http.HandlerFunc{}, asked: map[string]int{}}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		page := f.pages[r.URL.Path]
		f.asked[r.URL.Path]++
		f.requests = append(f.requests, r.Header.Clone())
		f.mu.Unlock()
		if page == nil {
			http.NotFound(w, r)
			return
		}
		page(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *feed) serve(path string, h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pages[path] = h
}

// put serves a body under an ETag of its content.
func (f *feed) put(path, body string) {
	etag := fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(body)))
	f.serve(path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", etag)
		status := http.StatusOK
		if r.Header.Get("If-None-Match") == etag {
			status = http.StatusNotModified
		}
		f.mu.Lock()
		f.statuses = append(f.statuses, status)
		f.mu.Unlock()
		w.WriteHeader(status)
		if status == http.StatusOK {
			fmt.Fprint(w, body)
		}
	})
}

func (f *feed) count(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[path]
}

// atom is a feed that links documents.
func (f *feed) atom(documents ...string) string {
	var b strings.Builder
	b.WriteString(`<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:feed</id><title>Warnings</title><updated>2026-11-23T01:00:00Z</updated>`)
	for _, d := range documents {
		if !strings.Contains(d, "://") {
			d = f.URL + d
		}
		fmt.Fprintf(&b, `<entry><id>%s</id><title>w</title><updated>2026-11-23T01:00:00Z</updated><link type="application/cap+xml" href="%s"/></entry>`, d, d)
	}
	b.WriteString("</feed>")
	return b.String()
}

// warning is a message over the first town; change makes it another.
func warning(id string, change func(a *cap.Alert)) *cap.Alert {
	at := func(d time.Duration) *cap.Time { return &cap.Time{Time: start.Add(d)} }
	a := &cap.Alert{Identifier: id, Sender: "weather@partner.example", Sent: *at(-time.Minute), Status: cap.Actual, MsgType: cap.TypeAlert, Scope: cap.Public,
		Infos: []cap.Info{{Language: "en", Categories: []string{"Met"}, Event: "Rainstorm", Urgency: "Expected", Severity: "Moderate", Certainty: "Likely",
			Onset: at(0), Expires: at(6 * time.Hour), SenderName: "Weather office", Headline: "Heavy rain", Description: "It will rain.",
			Areas: []cap.Area{{Description: "Old Quay", Polygons: []cap.Ring{ring(122.02, 30.02, .02)}}}}}}
	if change != nil {
		change(a)
	}
	return a
}

func ring(lon, lat, size float64) cap.Ring {
	var r cap.Ring
	for _, p := range square(lon, lat, size) {
		r = append(r, cap.Point{Lat: p[1], Lon: p[0]})
	}
	return r
}

func document(t testing.TB, a *cap.Alert) string {
	t.Helper()
	b, err := cap.Encode(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// after makes a message one of a kind that refers to others.
func after(kind string, minutes int, others ...*cap.Alert) func(*cap.Alert) {
	return func(a *cap.Alert) {
		a.MsgType = kind
		a.Sent = cap.Time{Time: start.Add(time.Duration(minutes) * time.Minute)}
		for _, o := range others {
			a.References = append(a.References, o.Reference())
		}
	}
}

func (f *feed) registration() Registration {
	return Registration{Title: page.Text{English: "Weather office", Chinese: "气象台"}, URL: f.URL + "/feed", Service: "weather"}
}

func add(t testing.TB, s *Service, r Registration) *Partner {
	t.Helper()
	p, err := s.Add(admin, r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func poll(t testing.TB, s *Service, p *Partner) *Partner {
	t.Helper()
	p, err := s.Poll(admin, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func inForce(t testing.TB, s *Service) (out []string) {
	t.Helper()
	rs, err := s.InForce(context.Background(), s.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		out = append(out, r.Texts["en"].Headline)
	}
	return out
}

// told are the subjects of the events so far.
func told(t testing.TB, d *db.DB) (out []string) {
	t.Helper()
	err := d.Read(context.Background(), func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			var subject string
			err := rows.Scan(&subject)
			out = append(out, subject)
			return err
		}, `select subject from outbox order by id nulls last`)
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
