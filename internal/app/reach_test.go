package app_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/app"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// office is a program at the other end: it checks what it gets as a careful receiver does, and keeps it.
type office struct {
	*httptest.Server
	t      *testing.T
	name   string
	id     int64
	secret string

	mu     sync.Mutex
	fails  http.Header // answers 500 with this header while it is not nil
	failed int
	got    []hook
	ids    map[string]int
	news   chan struct{}
}

// hook is a webhook that was taken.
type hook struct {
	Type string
	Data struct {
		Number, Status, Level, CAP string
		LevelBefore                string `json:"level_before"`
		Version                    int
	}
}

func newOffice(t *testing.T, name string) *office {
	o := &office{t: t, name: name, ids: map[string]int{}, news: make(chan struct{}, 100)}
	o.Server = httptest.NewServer(http.HandlerFunc(o.take))
	t.Cleanup(o.Close)
	return o
}

func (o *office) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	o.mu.Lock()
	defer o.mu.Unlock()
	defer func() { o.news <- struct{}{} }()
	id := r.Header.Get("webhook-id")
	key, err2 := base64.StdEncoding.DecodeString(strings.TrimPrefix(o.secret, "whsec_"))
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, r.Header.Get("webhook-timestamp"), body)
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); err != nil || err2 != nil || r.Header.Get("webhook-signature") != want {
		o.t.Errorf("%s: signature %q, expected %q (%v %v)", o.name, r.Header.Get("webhook-signature"), want, err, err2)
	}
	if o.fails != nil {
		o.failed++
		for k, v := range o.fails {
			w.Header()[k] = v
		}
		http.Error(w, "not now", http.StatusInternalServerError)
		return
	}
	var h hook
	if err := json.Unmarshal(body, &h); err != nil {
		o.t.Errorf("%s: %v", o.name, err)
	}
	o.ids[id]++
	o.got = append(o.got, h)
	w.WriteHeader(http.StatusNoContent)
}

// await waits for so many requests.
func (o *office) await(n int) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for range n {
		select {
		case <-o.news:
		case <-ctx.Done():
			o.t.Fatalf("%s got nothing for a minute; before: %v", o.name, o.told())
		}
	}
}

// told is what it was told, in order.
func (o *office) told() (out []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, h := range o.got {
		out = append(out, fmt.Sprintf("%s %s %d", h.Type, h.Data.Status, h.Data.Version))
	}
	return out
}

func (o *office) answerWith(fails http.Header) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fails = fails
}

// officer makes a further account; there is an administrator.
func (s *server) officer(name string) func(method, path, body string, into any) {
	s.t.Helper()
	var made struct{ Link string }
	s.signIn("administrator")("POST", "/api/v1/accounts", fmt.Sprintf(`{"name":%q,"organisation":0,"city_wide":true,"roles":["duty-officer"]}`, name), &made)
	res, err := http.PostForm(s.URL()+made.Link, url.Values{"name": {name}, "password": {goodPassword}, "repeat": {goodPassword}})
	if err != nil || res.StatusCode != http.StatusOK {
		s.t.Fatal(res, err)
	}
	res.Body.Close()
	return s.signIn(name)
}

const harbour = `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[121,31],[121.1,31],[121.1,31.1],[121,31.1],[121,31]]]},
	"properties":{"external_id":"310101","name_en":"Harbour","name_zh":"港区","level":"district"}}]}`

func leakIn(area int64, level, status string) string {
	return fmt.Sprintf(`{"level":%q,"hazard":"gas-leak","areas":[%d],"headline":{"en":"Gas leak near the harbour","zh-CN":"港区附近燃气泄漏"},
		"description":{"en":"A main has broken.","zh-CN":"主管破裂。"},"expires":%q,"status":%q}`, level, area, time.Now().Add(30*time.Minute).UTC().Format(time.RFC3339), status)
}

// TestAWarningReachesItsRecipients through the whole product: signed webhooks with a signed CAP document, update and end, an
// exercise, a dead letter that is sent again, and a restart in the middle.
func TestAWarningReachesItsRecipients(t *testing.T) {
	o := app.Options{Data: t.TempDir()}
	s := start(t, o)
	first := s.dutyOfficer()
	second := s.officer("second")
	administrator := s.signIn("administrator")
	s.do("POST", "/api/v1/city/import?format=geojson&coordinates=wgs84&as=areas", "application/octet-stream", harbour)
	var areas struct{ Items []struct{ ID int64 } }
	first("GET", "/api/v1/areas", "", &areas)
	if len(areas.Items) != 1 {
		t.Fatalf("%+v", areas)
	}
	area := areas.Items[0].ID

	school, drilling, broken := newOffice(t, "school"), newOffice(t, "drilling"), newOffice(t, "broken")
	for _, x := range []struct {
		*office
		more string
	}{{school, `"areas":[` + fmt.Sprint(area) + `]`}, {drilling, `"statuses":["Actual","Exercise"]`}, {broken, `"from":"red"`}} {
		var made struct {
			ID     int64
			Secret string
		}
		administrator("POST", "/api/v1/warnings/recipients", fmt.Sprintf(`{"title":{"en":%q,"zh-CN":"单位"},"channel":"webhook","address":%q,%s}`, x.name, x.URL, x.more), &made)
		if !strings.HasPrefix(made.Secret, "whsec_") {
			t.Fatalf("%+v", made)
		}
		x.id, x.secret = made.ID, made.Secret
	}
	type warning struct {
		ID      int64
		Number  string
		Version int
	}
	publish := func(path, body string) (w warning) {
		t.Helper()
		first("POST", path, body, &w)
		second("POST", fmt.Sprintf("/api/v1/warnings/%d/approve", w.ID), "", &w)
		return w
	}
	states := func(w warning) map[int64]string {
		t.Helper()
		var out struct {
			Items []struct {
				Recipient int64
				Version   int
				State     string
			}
		}
		first("GET", fmt.Sprintf("/api/v1/warnings/%d/deliveries", w.ID), "", &out)
		all := map[int64]string{}
		for _, x := range out.Items {
			all[x.Recipient] += fmt.Sprintf("%d:%s ", x.Version, x.State)
		}
		return all
	}

	// Issued, updated and over: each once, the document signed by the key that the public finds.
	w := publish("/api/v1/warnings", leakIn(area, "orange", "Actual"))
	school.await(1)
	drilling.await(1)
	publish(fmt.Sprintf("/api/v1/warnings/%d/update", w.ID), leakIn(area, "yellow", ""))
	school.await(1)
	drilling.await(1)
	second("POST", fmt.Sprintf("/api/v1/warnings/%d/all-clear", w.ID), `{"reason":"closed"}`, nil)
	school.await(1)
	drilling.await(1)
	want := "[warning.issued Actual 1 warning.updated Actual 2 warning.all-clear Actual 3]"
	for _, x := range []*office{school, drilling} {
		if got := fmt.Sprint(x.told()); got != want {
			t.Errorf("%s was told %s, expected %s", x.name, got, want)
		}
	}
	if h := school.got[1].Data; h.Level != "yellow" || h.LevelBefore != "orange" {
		t.Errorf("the update says %s, and %s before", h.Level, h.LevelBefore)
	}
	pin, err := cap.ParsePin("city", s.do("GET", "/warnings/certificate.pem", "", ""))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range school.got {
		if _, err := cap.Verify([]byte(h.Data.CAP), []cap.Pin{pin}); err != nil {
			t.Errorf("version %d: %v", h.Data.Version, err)
		}
		if _, err := cap.Verify([]byte(strings.Replace(h.Data.CAP, "Gas leak", "No leak!", 1)), []cap.Pin{pin}); err == nil {
			t.Errorf("version %d: a changed document verifies", h.Data.Version)
		}
	}
	if got := states(w); len(got) != 2 || got[broken.id] != "" {
		t.Errorf("told: %v", got)
	}

	// An exercise goes to nobody but those who asked for exercises.
	x := publish("/api/v1/warnings", leakIn(area, "red", "Exercise"))
	drilling.await(1)
	if got := states(x); len(got) != 1 || got[drilling.id] == "" {
		t.Errorf("the exercise went to %v", got)
	}
	if page := string(s.do("GET", "/warnings?lang=en", "", "")); strings.Contains(page, x.Number) {
		t.Error("the exercise is public")
	}

	// A receiver that fails for longer than the warning lasts: a dead letter, which is sent again by hand.
	broken.answerWith(http.Header{"Retry-After": {"3600"}})
	r := publish("/api/v1/warnings", leakIn(area, "red", "Actual"))
	for _, each := range []*office{school, drilling, broken} {
		each.await(1)
	}
	type letter struct {
		ID          int64
		Key, Answer string
	}
	var dead struct{ Items []letter }
	for range 10_000 {
		if first("GET", "/api/v1/deliveries?state=dead&key-prefix=warning:"+r.Number+".", "", &dead); len(dead.Items) > 0 {
			break
		}
	}
	if len(dead.Items) != 1 || !strings.Contains(dead.Items[0].Answer, "500") {
		t.Fatalf("dead: %+v", dead)
	}
	broken.answerWith(nil)
	first("POST", fmt.Sprintf("/api/v1/deliveries/%d/retry", dead.Items[0].ID), "", nil)
	broken.await(1)
	if got := fmt.Sprint(broken.told()); got != "[warning.issued Actual 1]" || broken.failed != 1 {
		t.Errorf("sent again: %s after %d failures", got, broken.failed)
	}

	// The program ends while one receiver has not taken the warning yet: after the restart it gets it, and nobody anything twice.
	broken.answerWith(http.Header{})
	last := publish("/api/v1/warnings", leakIn(area, "red", "Actual"))
	for _, each := range []*office{school, drilling, broken} {
		each.await(1)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	broken.answerWith(nil)
	s = start(t, o)
	broken.await(1)
	first = s.signIn("officer")
	for range 10_000 {
		if strings.TrimSpace(states(last)[broken.id]) == "1:sent" {
			break
		}
	}
	for _, each := range []*office{school, drilling, broken} {
		if got := strings.TrimSpace(states(last)[each.id]); got != "1:sent" {
			t.Errorf("%s: %s", each.name, got)
		}
		for id, n := range each.ids {
			if n != 1 {
				t.Errorf("%s took %s %d times", each.name, id, n)
			}
		}
	}
	if len(school.got) != 5 || len(drilling.got) != 6 || len(broken.got) != 2 {
		t.Errorf("%v\n%v\n%v", school.told(), drilling.told(), broken.told())
	}
}
