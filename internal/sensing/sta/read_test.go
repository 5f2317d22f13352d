package sta

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
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

// readWorld is the API of a small city over HTTP.
type readWorld struct {
	t    testing.TB
	s    *Service
	core *sensing.Service
	url  string
	http *http.Client
	as   access.Actor // who asks
}

// readStart is a server on an empty store.
func readStart(t testing.TB, d *db.DB) *readWorld {
	t.Helper()
	now := clock.NewVirtual(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
	packs := readPacks{}
	core, err := sensing.New(context.Background(), sensing.Options{
		DB: d, Clock: now, Access: access.AllowAll, Property: packs.Property,
		Asset: func(id int64) sensing.Asset { return sensing.Asset{Home: id == 8} },
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(context.Background(), Deps{DB: d, Clock: now, Access: access.AllowAll, Core: core, Assets: readAssets{}, Packs: packs})
	if err != nil {
		t.Fatal(err)
	}
	w := &readWorld{t: t, s: s, core: core, as: access.Actor{Kind: access.KindAccount, Name: "watch"}}
	h := s.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(rw, r.WithContext(access.With(r.Context(), w.as)))
	}))
	t.Cleanup(server.Close)
	w.url, w.http = server.URL+Root, server.Client()
	return w
}

func readMigrations() []db.Migrations {
	return []db.Migrations{ledger.Migrations(), sensing.Migrations(), Migrations()}
}

// onBoth runs a test on both engines.
func onBoth(t *testing.T, fn func(t *testing.T, w *readWorld)) {
	dbtest.Each(t, readMigrations(), func(t *testing.T, d *db.DB) { fn(t, readStart(t, d)) })
}

type readPacks struct{}

func (readPacks) Property(string) (sensing.Property, bool) { return sensing.Property{}, false }
func (readPacks) Properties() []string                     { return nil }

// readAssets is a register with an asset at the street, 7, and one in a home, 8.
type readAssets struct{}

func (readAssets) AssetByKey(key string) (int64, bool) {
	id, ok := map[string]int64{"street-7": 7, "home-8": 8}[key]
	return id, ok
}

func (readAssets) Asset(id int64) (RegisterAsset, bool) {
	return RegisterAsset{ExternalID: map[int64]string{7: "street-7", 8: "home-8"}[id], Name: "asset"}, id == 7 || id == 8
}

// call sends a request and returns status, headers and body.
func (w *readWorld) call(method, path, body string) (int, http.Header, string) {
	w.t.Helper()
	target := path
	if !strings.HasPrefix(path, "http") {
		target = w.url + path
	}
	var in io.Reader
	if body != "" {
		in = bytes.NewReader([]byte(body))
	}
	// Tests write query options as people do.
	if at := strings.IndexByte(target, '?'); at >= 0 && strings.ContainsAny(target[at:], " ") {
		target = target[:at] + strings.ReplaceAll(target[at:], " ", "%20")
	}
	req, err := http.NewRequest(method, target, in)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := w.http.Do(req)
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

// get is the JSON of a GET, which must succeed.
func (w *readWorld) get(path string) map[string]any {
	w.t.Helper()
	status, _, body := w.call("GET", path, "")
	if status != 200 {
		w.t.Fatalf("GET %s: %d %s", path, status, body)
	}
	return w.parse(path, body)
}

func (w *readWorld) parse(path, body string) map[string]any {
	w.t.Helper()
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var out map[string]any
	if err := d.Decode(&out); err != nil {
		w.t.Fatalf("GET %s: %v in %s", path, err, body)
	}
	if d.More() {
		w.t.Fatalf("GET %s: something follows the JSON: %s", path, body)
	}
	return out
}

// refused checks that a GET fails with a status and says something.
func (w *readWorld) refused(path string, status int, says string) {
	w.t.Helper()
	got, _, body := w.call("GET", path, "")
	if got != status || !strings.Contains(body, says) {
		w.t.Errorf("GET %s: %d %s, want %d with %q", path, got, body, status, says)
	}
}

// post makes an entity and returns its id.
func (w *readWorld) post(path, body string) int64 {
	w.t.Helper()
	status, h, answer := w.call("POST", path, body)
	if status != 201 {
		w.t.Fatalf("POST %s %s: %d %s", path, body, status, answer)
	}
	at := h.Get("Location")
	var id int64
	if _, err := fmt.Sscanf(at[strings.LastIndexByte(at, '('):], "(%d)", &id); err != nil {
		w.t.Fatalf("Location %s: %v", at, err)
	}
	return id
}

// ids are those of a list, as text.
func (w *readWorld) ids(path string) string {
	w.t.Helper()
	return idsOf(w.get(path)["value"])
}

func idsOf(list any) string {
	var out []string
	for _, v := range list.([]any) {
		out = append(out, fmt.Sprint(v.(map[string]any)["@iot.id"]))
	}
	return strings.Join(out, " ")
}

// same compares the ids of a list.
func (w *readWorld) same(path, want string) {
	w.t.Helper()
	if got := w.ids(path); got != want {
		w.t.Errorf("GET %s: [%s], want [%s]", path, got, want)
	}
}

// filtered compares the ids that a filter leaves, over all pages and with the count.
func (w *readWorld) filtered(set, filter, want string) {
	w.t.Helper()
	path := set + "?$count=true&$top=3&$filter=" + url.QueryEscape(filter)
	var got []string
	count := ""
	for path != "" {
		page := w.get(path)
		if s := idsOf(page["value"]); s != "" {
			got = append(got, s)
		}
		count = fmt.Sprint(page["@iot.count"])
		next, _ := page["@iot.nextLink"].(string)
		path = next
	}
	if all := strings.Join(got, " "); all != want || count != fmt.Sprint(len(strings.Fields(want))) {
		w.t.Errorf("%s?$filter=%s: [%s] of %s, want [%s]", set, filter, all, count, want)
	}
}

func (w *readWorld) seal() {
	w.t.Helper()
	if err := w.core.Seal(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}
