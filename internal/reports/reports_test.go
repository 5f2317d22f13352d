package reports

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/access/vault"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/testdata"
	"github.com/anlan-city/anlan/internal/platform/web"
)

var (
	start         = time.Date(2026, 11, 23, 1, 30, 0, 0, time.UTC)
	allMigrations = []db.Migrations{ledger.Migrations(), vault.Migrations(), outbox.Migrations(), Migrations()}
	operator      = access.Actor{Kind: access.KindAccount, ID: 1, Name: "Officer", Roles: []string{"duty-officer"}}
)

// town is one district of a tenth of a degree with one part.
type town struct{}

func (town) AreaAt(lon, lat float64) []int64 {
	switch {
	case lon < 122 || lon > 122.1 || lat < 30 || lat > 30.1:
		return nil
	case lat > 30.05:
		return []int64{11, 10}
	}
	return []int64{10}
}

func (town) Areas(context.Context) ([]Area, error) {
	return []Area{
		{ID: 10, Name: page.Text{English: "Harbour", Chinese: "港区"}, Point: [2]float64{122.05, 30.02}},
		{ID: 11, Parent: 10, Name: page.Text{English: "Old Quay", Chinese: "老码头镇"}, Point: [2]float64{122.05, 30.07}},
	}, nil
}

func site() page.Site {
	return page.Site{Name: page.Text{English: "Lanjing", Chinese: "澜境市"}, TimeZone: time.FixedZone("", 8*3600), Language: page.Chinese,
		Nav: []page.Link{{Path: "/warnings", Title: page.Text{English: "Warnings", Chinese: "预警信息"}}, {Path: "/report", Title: page.Text{English: "Report a problem", Chinese: "我要上报"}}}}
}

func newService(t testing.TB, d *db.DB) (*Service, *vault.Service, *clock.Virtual) {
	t.Helper()
	c := clock.NewVirtual(start)
	v, err := vault.New(context.Background(), vault.Deps{DB: d, Clock: c, Access: access.AllowAll, KeyFile: filepath.Join(t.TempDir(), "vault.key")})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Deps{DB: d, Clock: c, Access: access.AllowAll, Locator: town{}, Site: site()})
	if err != nil {
		t.Fatal(err)
	}
	return s, v, c
}

func leak() Filing {
	return Filing{Category: "gas-smell", Text: "Smell of gas at the gate, please call 13812345678.", Area: 11, Address: "Quay Road 12",
		Name: "A. Resident", Phone: "13987654321", Email: "resident@example.org"}
}

// TestAResidentReports walks through the form as a browser without scripts does, and looks at everything that is kept.
func TestAResidentReports(t *testing.T) {
	dbtest.Each(t, allMigrations, func(t *testing.T, d *db.DB) {
		s, v, _ := newService(t, d)
		b := browser{t: t, s: s}
		b.open("/report?lang=en")
		b.expect("What do you want to report?", "Question 1 of 4")
		b.send("next", nil)
		b.expect("There is a problem", "Choose what it is about")
		b.send("next", url.Values{"category": {"gas-smell"}})
		b.expect("What is wrong?")
		b.send("next", url.Values{"description": {"gas"}})
		b.expect("Say a little more")
		b.send("next", url.Values{"description": {"Smell of gas at the gate,\r\nplease call 13812345678."}})
		b.expect("Where is it?")
		b.send("next", url.Values{"area": {"0"}, "lat": {"x"}})
		b.expect("Choose a district or town", "Say where it is", "Latitude must be")
		b.send("next", url.Values{"area": {"11"}, "address": {"Quay Road 12"}, "lat": {""}})
		b.expect("May we ask back?")
		b.send("back", nil)
		b.expect("Where is it?", "Quay Road 12")
		b.send("next", nil)
		b.send("next", url.Values{"phone": {"13987654321"}, "email": {"resident@example.org"}, "name": {"A. Resident"}})
		b.expect("Check your answers", "Smell of gas or gas leak", "Old Quay", "13987654321")
		b.send("change-place", nil)
		b.expect("Where is it?")
		b.send("next", url.Values{"address": {"Quay Road 14"}})
		b.expect("Check your answers", "Quay Road 14")
		b.send("next", nil)
		b.expect("Report received", "Open: the city has it", "Smell of gas or gas leak")
		for _, secret := range []string{"Quay Road", "please call", "1398765", "resident@"} {
			if strings.Contains(b.body, secret) {
				t.Errorf("the page under the number shows %q", secret)
			}
		}
		number, ok := ParseNumber(strings.TrimPrefix(b.path, "/report/"))
		if !ok || !strings.HasPrefix(number, "261123-") {
			t.Fatalf("number %q", b.path)
		}

		items, _, err := s.List(as(operator), Query{State: Open, Limit: 10})
		if err != nil || len(items) != 1 {
			t.Fatalf("%v %v", items, err)
		}
		r := items[0]
		if r.Number != number || r.Text != "Smell of gas at the gate,\nplease call ***." || r.Address != "Quay Road 14" || r.Area != 11 ||
			r.Precision != ByArea || r.Point == nil || *r.Point != [2]float64{122.05, 30.07} || !r.Contact || r.Channel != "web" || !r.ReceivedAt.Equal(start) {
			t.Errorf("report %+v", r)
		}
		// Nothing of the person stands anywhere but in the vault.
		for _, dump := range []string{
			strings.Join(column(t, d, "select number || category || text || address || channel from reports"), "\n"),
			strings.Join(column(t, d, "select payload from outbox"), "\n"),
			strings.Join(column(t, d, "select record from ledger_leaves"), "\n"),
		} {
			for _, secret := range []string{"13812345678", "13987654321", "resident@", "A. Resident"} {
				if strings.Contains(dump, secret) {
					t.Errorf("%q stands in %s", secret, dump)
				}
			}
		}
		sealed, err := v.Open(as(operator), access.Resource{Type: "report", ID: r.ID}, access.FollowUp)
		if err != nil || sealed["phone"] != "13987654321" || sealed["email"] != "resident@example.org" || !strings.Contains(sealed["text"], "13812345678") {
			t.Errorf("sealed %v, %v", sealed, err)
		}
		if got := column(t, d, "select subject from outbox order by id nulls last"); fmt.Sprint(got) != "[report.received]" {
			t.Errorf("events %v", got)
		}
		var e events.ReportReceived
		if err := json.Unmarshal([]byte(column(t, d, "select payload from outbox")[0]), &e); err != nil || e.About != "place" || e.Area != 11 || e.Number != number {
			t.Errorf("event %+v, %v", e, err)
		}
	})
}

// TestSentTwiceFiledOnce: a double click, or a second try after a broken connection.
func TestSentTwiceFiledOnce(t *testing.T) {
	dbtest.Each(t, allMigrations, func(t *testing.T, d *db.DB) {
		s, _, _ := newService(t, d)
		f := leak()
		f.Submission = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		first, err := s.File(context.Background(), f)
		if err != nil {
			t.Fatal(err)
		}
		second, err := s.File(context.Background(), f)
		if err != nil || first != second {
			t.Errorf("filed as %s and %s, %v", first, second, err)
		}
		if n := len(column(t, d, "select number from reports")); n != 1 {
			t.Errorf("%d reports", n)
		}
	})
}

// TestATakenNumberIsDrawnAgain gives out the same random bytes twice.
func TestATakenNumberIsDrawnAgain(t *testing.T) {
	dbtest.Each(t, allMigrations, func(t *testing.T, d *db.DB) {
		s, _, _ := newService(t, d)
		s.random = bytes.NewReader([]byte("abcdefabcdefuvwxyz"))
		first, err := s.File(context.Background(), leak())
		if err != nil {
			t.Fatal(err)
		}
		second, err := s.File(context.Background(), leak())
		if err != nil || first == second {
			t.Errorf("%s, then %s, %v", first, second, err)
		}
	})
}

func TestFormLimitsAndTraps(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, _, c := newService(t, d)
	s.limit = newLimiter(2, time.Minute)
	post := func(from string, change url.Values) *http.Response {
		v := url.Values{"step": {"check"}, "go": {"next"}, "category": {"manhole"}, "description": {"cover is gone"}, "area": {"10"}, "address": {"x"}}
		for k := range change {
			v[k] = change[k]
		}
		r := httptest.NewRequest("POST", "/report?lang=en", strings.NewReader(v.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.RemoteAddr = from
		if o := change.Get("origin"); o != "" {
			r.Header.Set("Origin", o)
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}
		w := httptest.NewRecorder()
		handler(t, s).ServeHTTP(w, r)
		return w.Result()
	}
	if res := post("192.0.2.1:1", url.Values{"origin": {"https://evil.example"}}); res.StatusCode != 403 {
		t.Errorf("another site files: %d", res.StatusCode)
	}
	if res := post("192.0.2.1:1", url.Values{"website": {"http://spam"}}); res.StatusCode != 422 {
		t.Errorf("a machine files: %d", res.StatusCode)
	}
	if res := post("192.0.2.1:1", url.Values{"description": {strings.Repeat("x", maxForm)}}); res.StatusCode != 413 {
		t.Errorf("a body too large: %d", res.StatusCode)
	}
	if res := post("192.0.2.1:1", url.Values{"category": {"unsorted"}}); res.StatusCode != 422 {
		t.Errorf("a category that isn't offered: %d", res.StatusCode)
	}
	if n := len(column(t, d, "select number from reports")); n != 0 {
		t.Fatalf("%d reports filed by what must be refused", n)
	}
	for i, want := range []int{303, 303, 429} {
		if res := post("192.0.2.1:1", nil); res.StatusCode != want {
			t.Errorf("report %d: %d, want %d", i+1, res.StatusCode, want)
		}
	}
	if res := post("192.0.2.2:1", nil); res.StatusCode != 303 {
		t.Errorf("a neighbour is limited too: %d", res.StatusCode)
	}
	c.Advance(time.Minute)
	if res := post("192.0.2.1:1", nil); res.StatusCode != 303 {
		t.Errorf("still limited after a minute: %d", res.StatusCode)
	}
}

func TestLimiter(t *testing.T) {
	l := newLimiter(1, time.Minute)
	for _, c := range []struct {
		addr string
		want bool
	}{
		{"192.0.2.1", true}, {"192.0.2.1", false}, {"::ffff:192.0.2.1", false}, {"192.0.2.2", true},
		{"2001:db8::1", true}, {"2001:db8::2", false}, {"2001:db8:0:1::1", true},
	} {
		if got := l.allow(netip.MustParseAddr(c.addr), start); got != c.want {
			t.Errorf("%s: %v", c.addr, got)
		}
	}
	for i := range 3 * maxSenders { // memory stays bounded, whoever comes
		l.allow(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), start)
		if len(l.senders) > maxSenders {
			t.Fatalf("%d senders kept", len(l.senders))
		}
	}
}

func TestNumbers(t *testing.T) {
	n, err := newNumber(start, bytes.NewReader([]byte{255, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}))
	if err != nil || !strings.HasPrefix(n, "261123-345-678") || len(n) != len("261123-K7Q-MXR4") {
		t.Errorf("%s, %v", n, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		var seed [32]byte
		copy(seed[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed"))
		number, err := newNumber(start, rand.NewChaCha8(seed))
		if err != nil {
			t.Fatal(err)
		}
		for _, as := range []string{number, strings.ToLower(number), strings.ReplaceAll(number, "-", ""), " " + strings.ReplaceAll(number, "-", " ") + " "} {
			if got, ok := ParseNumber(as); !ok || got != number {
				t.Fatalf("%q reads as %q %v", as, got, ok)
			}
		}
		// No single slip leads to another number.
		plain := []byte(strings.ReplaceAll(number, "-", ""))
		i := rapid.IntRange(0, len(plain)-1).Draw(t, "place")
		from := alphabet
		if i < 6 {
			from = "0123456789"
		}
		other := append([]byte(nil), plain...)
		other[i] = from[rapid.IntRange(0, len(from)-1).Draw(t, "character")]
		if _, ok := ParseNumber(string(other)); ok && other[i] != plain[i] {
			t.Fatalf("%s passes for %s", other, plain)
		}
		if j := i + 1; j < len(plain) && j != 6 && plain[i] != plain[j] {
			swapped := append([]byte(nil), plain...)
			swapped[i], swapped[j] = swapped[j], swapped[i]
			if _, ok := ParseNumber(string(swapped)); ok {
				t.Fatalf("%s passes for %s", swapped, plain)
			}
		}
	})
	for _, bad := range []string{"", "261123", "261123-K7Q-MXR0", "../../etc", strings.Repeat("2", 100), "２６１１２３"} {
		if _, ok := ParseNumber(bad); ok {
			t.Errorf("%q is taken for a number", bad)
		}
	}
}

// TestCategoriesAreAboutPlaces attacks guards 1 and 2: nothing about persons, opinions, petitions or protest gets in.
func TestCategoriesAreAboutPlaces(t *testing.T) {
	if _, err := loadCategories(categoriesYAML); err != nil {
		t.Fatal(err)
	}
	place := func(en, zh string) Category {
		return Category{ID: "x", About: "place", Group: "streets", Title: page.Text{English: en, Chinese: zh}}
	}
	for _, c := range []Category{
		place("Suspicious person", "路灯"), place("Petition", "路灯"), place("Protest or rally", "路灯"), place("Opinions on policy", "路灯"),
		place("Homeless people", "路灯"), place("Noisy neighbour", "路灯"), place("Religious gathering", "路灯"), place("Journalist", "路灯"),
		place("Complaint against an employee", "路灯"), place("Tenant dispute", "路灯"), place("Missing person", "路灯"), place("Rumours", "路灯"),
		place("Lamp", "信访事项"), place("Lamp", "聚众上访"), place("Lamp", "可疑人员"), place("Lamp", "网络舆情"), place("Lamp", "游行示威"),
		place("Lamp", "宗教活动"), place("Lamp", "流动人口"), place("Lamp", "意见建议"), place("Lamp", "媒体记者"), place("Lamp", "重点人员"),
		{ID: "petition", About: "place", Group: "streets", Title: page.Text{English: "Lamp", Chinese: "路灯"}},
		{ID: "x", About: "person", Group: "streets", Title: page.Text{English: "Lamp", Chinese: "路灯"}},
		{ID: "x", About: "unknown", Group: "streets", Title: page.Text{English: "Lamp", Chinese: "路灯"}},
		{ID: "x", Group: "streets", Title: page.Text{English: "Lamp", Chinese: "路灯"}},
	} {
		if err := CheckCategory(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
	for _, c := range []Category{
		place("Street light not working", "路灯不亮"), place("Strike plate of a gate", "闸门"), place("Bridge, railing", "护栏"),
		place("Press the pump", "泵站"), place("Lightning strike damage", "雷击损坏"), place("Empty Litter Basket", "果皮箱"), place("Water pressure", "水压不足"), place("Marching ants in walls", "白蚁"),
	} {
		if err := CheckCategory(c); err != nil {
			t.Error(err)
		}
	}
	for name, want := range map[string]bool{"Phone Bank Service Inquiry": false, "Student Overcrowding": false, "Unsanitary Conditions - Employees": false,
		"General Comments For a Program or Policy": false, "Complaint Against Employee": true, "Missing Persons": true, "信访事项": true, "电话服务": false} {
		if _, refused := aboutPeopleElsewhere(name); refused != want {
			t.Errorf("%q: refused %v", name, refused)
		}
	}
}

func TestImport(t *testing.T) {
	dbtest.Each(t, allMigrations, func(t *testing.T, d *db.DB) {
		s, _, _ := newService(t, d)
		text := func(s string) *string { return &s }
		good := func(id string) Item {
			return Item{ExternalID: id, Category: "Street Light Outages", Text: "out, call 13812345678", Point: &[2]float64{122.05, 30.07}, Address: "Quay 1",
				ReceivedAt: "2015-01-01T00:25:23-05:00", ClosedAt: text("2015-01-02T16:17:43-05:00"), DueAt: text("2015-01-16T08:30:00-05:00"), Channel: "phone", Queue: "PWDx"}
		}
		items := []Item{good("a"), good("b"), good("a")}
		bad := []struct {
			field  string
			change func(*Item)
		}{
			{"external_id", func(i *Item) { i.ExternalID = "" }},
			{"external_id", func(i *Item) { i.ExternalID = "13812345678" }},
			{"external_id", func(i *Item) { i.ExternalID = strings.Repeat("x", 101) }},
			{"category", func(i *Item) { i.Category = "Complaint against an employee" }},
			{"category", func(i *Item) { i.Category = "信访" }},
			{"text", func(i *Item) { i.Text = "a\x00b" }},
			{"text", func(i *Item) { i.Text = strings.Repeat("字", maxText+1) }},
			{"address", func(i *Item) { i.Address = "车牌京A12345旁" }},
			{"queue", func(i *Item) { i.Queue = "11010519491231002X" }},
			{"received_at", func(i *Item) { i.ReceivedAt = "yesterday" }},
			{"received_at", func(i *Item) { i.ReceivedAt = "2027-01-01T00:00:00Z" }},
			{"received_at", func(i *Item) { i.ReceivedAt = "1066-01-01T00:00:00Z" }},
			{"closed_at", func(i *Item) { i.ClosedAt = text("2014-01-01T00:00:00Z") }},
			{"due_at", func(i *Item) { i.DueAt = text("soon") }},
			{"state", func(i *Item) { i.State = "pending" }},
			{"state", func(i *Item) { i.State = "open" }},
			{"point", func(i *Item) { i.Point = &[2]float64{30, 122} }},
		}
		for n, b := range bad {
			item := good(fmt.Sprint("bad", n))
			b.change(&item)
			items = append(items, item)
		}
		unknown := good("c")
		unknown.PlaceUnknown, unknown.ClosedAt, unknown.Category = true, nil, "manhole"
		items = append(items, unknown)
		done, err := s.Import(as(operator), Import{Source: "boston", Items: items})
		if err != nil {
			t.Fatal(err)
		}
		if done.Accepted != 3 || done.Duplicate != 1 || len(done.Refused) != len(bad) {
			t.Errorf("done %+v", done)
		}
		for n, r := range done.Refused {
			if r.Index != n+3 || r.Field != bad[n].field {
				t.Errorf("refused %+v, want field %s of item %d", r, bad[n].field, n+3)
			}
		}
		// The same bulk again: nothing new, no event twice.
		before := len(column(t, d, "select subject from outbox"))
		if done, err = s.Import(as(operator), Import{Source: "boston", Items: items[:2]}); err != nil || done.Accepted != 0 || done.Duplicate != 2 {
			t.Errorf("again %+v %v", done, err)
		}
		if after := len(column(t, d, "select subject from outbox")); after != before || before != 5 { // 3 received, 2 closed
			t.Errorf("%d events, then %d", before, after)
		}
		if done, err = s.Import(as(operator), Import{Source: "another", Items: items[:1]}); err != nil || done.Accepted != 1 {
			t.Errorf("the same id of another source: %+v %v", done, err)
		}
		reports, _, err := s.List(as(operator), Query{Limit: 10, State: Closed})
		if err != nil || len(reports) != 3 {
			t.Fatalf("%d closed, %v", len(reports), err)
		}
		r := reports[2]
		if r.Category != Unsorted || r.SourceCategory != "Street Light Outages" || r.Area != 11 || r.Precision != ByPoint || r.Text != "out, call ***" ||
			!r.ReceivedAt.Equal(time.Date(2015, 1, 1, 5, 25, 23, 0, time.UTC)) || r.DueAt == nil || r.ClosedAt == nil || r.ExternalID != "a" {
			t.Errorf("report %+v", r)
		}
		reports, _, err = s.List(as(operator), Query{Limit: 10, State: Open})
		if err != nil || len(reports) != 1 || reports[0].Point != nil || reports[0].Precision != Unknown || reports[0].Category != "manhole" {
			t.Errorf("open %+v, %v", reports, err)
		}
	})
}

func TestListPagesAndBoxes(t *testing.T) {
	dbtest.Each(t, allMigrations, func(t *testing.T, d *db.DB) {
		s, _, _ := newService(t, d)
		var items []Item
		for i := range 25 {
			items = append(items, Item{ExternalID: fmt.Sprint(i), Category: "tree", Point: &[2]float64{122 + float64(i)/1000, 30.01},
				ReceivedAt: start.Add(-time.Duration(i/3) * time.Minute).Format(time.RFC3339)}) // three at a time share their moment
		}
		if _, err := s.Import(as(operator), Import{Items: items}); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		pages := 0
		for after := ""; ; pages++ {
			var body struct {
				Items []Report
				Next  string
			}
			call(t, s, "GET", "/api/v1/reports?limit=10&after="+after, "", 200, &body)
			for _, r := range body.Items {
				if seen[r.ExternalID] {
					t.Errorf("%s twice", r.ExternalID)
				}
				seen[r.ExternalID] = true
			}
			if after = body.Next; after == "" {
				break
			}
		}
		if len(seen) != 25 || pages != 2 {
			t.Errorf("%d reports on %d pages", len(seen), pages+1)
		}
		for box, want := range map[string]int{"122.0045,30,122.0105,30.1": 6, "122,31,123,32": 0, "122.0145,-90,-170,90": 10, "": 25} {
			var body struct{ Items []Report }
			call(t, s, "GET", "/api/v1/reports?bbox="+box, "", 200, &body)
			if len(body.Items) != want {
				t.Errorf("bbox %s: %d, want %d", box, len(body.Items), want)
			}
		}
		for _, query := range []string{"bbox=1,2,3", "bbox=1,5,3,4", "bbox=a,b,c,d", "after=x", "state=lost", "limit=5000"} {
			call(t, s, "GET", "/api/v1/reports?"+query, "", 422, nil)
		}
	})
}

func TestTrackingTellsNothingMore(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, _, _ := newService(t, d)
	number, err := s.File(context.Background(), leak())
	if err != nil {
		t.Fatal(err)
	}
	b := browser{t: t, s: s}
	b.open("/report/find?lang=en&number=" + url.QueryEscape(strings.ToLower(strings.ReplaceAll(number, "-", ""))))
	b.expect("Report "+number, "Open", "Smell of gas")
	for _, secret := range []string{"gate", "Quay", "Old", "138", "example.org", "Resident"} {
		if strings.Contains(b.body, secret) {
			t.Errorf("shows %q", secret)
		}
	}
	for _, path := range []string{"/report/261123-222-2222", "/report/x", "/report/find?number=..%2F..%2Fetc", "/report/find?number=", "/report/find?number=" + strings.Repeat("9", 5000)} {
		if b.open(path + "&lang=en"); b.status != 404 {
			t.Errorf("%.40s: %d", path, b.status)
		}
	}
}

func TestAClosedCaseClosesItsReport(t *testing.T) {
	dbtest.Each(t, allMigrations, func(t *testing.T, d *db.DB) {
		s, v, _ := newService(t, d)
		if _, err := s.File(context.Background(), leak()); err != nil {
			t.Fatal(err)
		}
		data, _ := json.Marshal(events.CaseClosed{Case: 5, Report: 1, At: start.Add(time.Hour)})
		for range 2 { // delivered twice, as a bus may
			if err := s.caseClosed(context.Background(), bus.Message{Subject: "case.closed", Data: data}); err != nil {
				t.Fatal(err)
			}
		}
		r, err := s.Get(as(operator), 1)
		if err != nil || r.State != Closed || !r.ClosedAt.Equal(start.Add(time.Hour)) {
			t.Errorf("%+v %v", r, err)
		}
		if got := column(t, d, "select subject from outbox order by id nulls last"); fmt.Sprint(got) != "[report.received report.closed]" {
			t.Errorf("events %v", got)
		}
		if erase := column(t, d, "select cast(erase_at as text) from vault_items"); erase[0] != fmt.Sprint(db.Micros(start.Add(time.Hour+vault.DefaultKeep))) {
			t.Errorf("erasure at %v", erase)
		}
		_ = v
		for _, junk := range []string{"", "{", `{"report":"one"}`} {
			if err := s.caseClosed(context.Background(), bus.Message{Subject: "case.closed", Data: []byte(junk)}); !errors.Is(err, bus.ErrDrop) {
				t.Errorf("%q would be handed out for ever: %v", junk, err)
			}
		}
		other, _ := json.Marshal(events.CaseClosed{Case: 6, Alert: 3})
		if err := s.caseClosed(context.Background(), bus.Message{Data: other}); err != nil {
			t.Error(err)
		}
	})
}

// TestEveryStepAsksAccess: with a decider that always refuses, nothing can be filed or read.
func TestEveryStepAsksAccess(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, _, _ := newService(t, d)
	number, err := s.File(context.Background(), leak())
	if err != nil {
		t.Fatal(err)
	}
	s.access = denyAll{}
	for name, deed := range map[string]func() error{
		"file":   func() error { _, err := s.File(as(operator), leak()); return err },
		"import": func() error { _, err := s.Import(as(operator), Import{Items: []Item{{}}}); return err },
		"list":   func() error { _, _, err := s.List(as(operator), Query{Limit: 1}); return err },
		"get":    func() error { _, err := s.Get(as(operator), 1); return err },
		"none":   func() error { _, err := s.Get(as(operator), 99); return err },
		"track":  func() error { _, err := s.Track(as(operator), number); return err },
	} {
		var e *web.Error
		if err := deed(); !errors.As(err, &e) || e.Code != "access.denied" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type denyAll struct{}

func (denyAll) Decide(context.Context, string, access.Resource, access.Purpose) error {
	return web.Errorf(403, "access.denied", "no")
}

// TestBoston2015 brings a year of a real hotline in, as the bulk request takes it.
func TestBoston2015(t *testing.T) {
	if testing.Short() {
		t.Skip("a year of reports takes some seconds; left out with -short")
	}
	file, err := os.Open(testdata.Shared(t, "reports", "boston-2015", "requests.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	gz, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	rows := csv.NewReader(gz)
	header, err := rows.Read()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, name := range header {
		at[name] = i
	}
	d := dbtest.SQLite(t, allMigrations...)
	s, _, _ := newService(t, d)
	h := handler(t, s)
	var total Imported
	var batch []Item
	flush := func() {
		body, err := json.Marshal(Import{Source: "boston", Items: batch})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request("POST", "/api/v1/reports/import", string(body)))
		var done Imported
		if err := json.Unmarshal(w.Body.Bytes(), &done); err != nil || w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		total.Accepted += done.Accepted
		total.Duplicate += done.Duplicate
		total.Refused = append(total.Refused, done.Refused...)
		batch = batch[:0]
	}
	began := time.Now()
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		get := func(name string) string { return row[at[name]] }
		optional := func(name string) *string {
			if v := get(name); v != "" {
				return &v
			}
			return nil
		}
		item := Item{ExternalID: get("case_id"), Category: get("type"), Text: get("type") + " (" + get("reason") + ")", Address: get("location"),
			ReceivedAt: get("opened_at"), ClosedAt: optional("closed_at"), DueAt: optional("target_at"), State: State(strings.ToLower(get("status"))), Channel: get("channel"), Queue: get("queue")}
		lon, err1 := strconv.ParseFloat(get("lon"), 64)
		lat, err2 := strconv.ParseFloat(get("lat"), 64)
		if err1 == nil && err2 == nil {
			item.Point, item.PlaceUnknown = &[2]float64{lon, lat}, get("lat") == "42.3594" && get("lon") == "-71.0587"
		}
		if batch = append(batch, item); len(batch) == MaxImport {
			flush()
		}
	}
	flush()
	took := time.Since(began)
	reasons := map[string]int{}
	for _, r := range total.Refused {
		reasons[r.Field+": "+r.Message]++
	}
	t.Logf("accepted=%d duplicate=%d refused=%d in %s (%.0f/s)", total.Accepted, total.Duplicate, len(total.Refused), took.Round(time.Millisecond), float64(total.Accepted)/took.Seconds())
	if total.Accepted != 115_773 || total.Duplicate != 0 {
		t.Errorf("accepted %d, duplicate %d, refused %v", total.Accepted, total.Duplicate, reasons)
	}
	if n := column(t, d, "select cast(count(*) as text) from reports where precision = 'unknown'"); n[0] != "13062" {
		t.Errorf("%s reports at the placeholder", n[0])
	}
}

func TestTextsAreComplete(t *testing.T) {
	problems, err := page.CheckTexts(os.DirFS("texts"), os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if p != `"page.error-title" is used but not in the texts` { // the layout's
			t.Error(p)
		}
	}
	// What the form can say is wrong must be there in words.
	s, _, _ := newService(t, dbtest.SQLite(t, allMigrations...))
	for _, f := range []Filing{{}, {Text: "x", Address: strings.Repeat("x", 301), Lat: "1", Lon: "x", Phone: "x", Email: "x", Name: strings.Repeat("x", 201)},
		{Text: strings.Repeat("x", 4001), Lat: "91", Lon: "1"}, {Text: "bell \a \a \a"}} {
		areas, _ := town{}.Areas(context.Background())
		for _, e := range f.check(s.categories, areas) {
			if s.pages.T(page.Chinese, e.Code) == e.Code {
				t.Errorf("no text for %s", e.Code)
			}
		}
	}
}

// browser follows forms as a browser without scripts does: it sends what the page holds and what is typed over it.
type browser struct {
	t      *testing.T
	s      *Service
	path   string
	status int
	body   string
	values url.Values
}

var (
	inputTag = regexp.MustCompile(`<input [^>]*>`)
	areaTag  = regexp.MustCompile(`(?s)<textarea [^>]*name="([^"]*)"[^>]*>(.*?)</textarea>`)
	selected = regexp.MustCompile(`(?s)<select [^>]*name="([^"]*)".*?<option value="([^"]*)" selected`)
	attr     = regexp.MustCompile(`(\w+)="([^"]*)"`)
)

func (b *browser) open(path string) { b.do(httptest.NewRequest("GET", path, nil)) }

func (b *browser) send(button string, typed url.Values) {
	b.t.Helper()
	v := url.Values{}
	for k := range b.values {
		v[k] = b.values[k]
	}
	for k := range typed {
		v[k] = typed[k]
	}
	v.Set("go", button)
	r := httptest.NewRequest("POST", "/report?lang=en", strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.do(r)
}

func (b *browser) do(r *http.Request) {
	b.t.Helper()
	w := httptest.NewRecorder()
	handler(b.t, b.s).ServeHTTP(w, r)
	b.path, b.status, b.body = r.URL.Path, w.Code, w.Body.String()
	if w.Code == http.StatusSeeOther {
		b.open(w.Header().Get("Location"))
		return
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		b.t.Errorf("%s may be kept by a cache", r.URL.Path)
	}
	unescape := strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">", "&#43;", "+", "&amp;", "&").Replace
	b.values = url.Values{}
	for _, tag := range inputTag.FindAllString(strings.SplitN(b.body, "</form>", 2)[0], -1) {
		a := map[string]string{}
		for _, m := range attr.FindAllStringSubmatch(tag, -1) {
			a[m[1]] = unescape(m[2])
		}
		if a["type"] != "radio" || strings.Contains(tag, " checked") {
			b.values.Set(a["name"], a["value"])
		}
	}
	for _, m := range areaTag.FindAllStringSubmatch(b.body, -1) {
		b.values.Set(m[1], unescape(m[2]))
	}
	for _, m := range selected.FindAllStringSubmatch(b.body, -1) {
		b.values.Set(m[1], m[2])
	}
}

func (b *browser) expect(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		if !strings.Contains(b.body, text) {
			b.t.Fatalf("%s (%d) has no %q:\n%s", b.path, b.status, text, b.body)
		}
	}
}

func handler(t testing.TB, s *Service) http.Handler {
	t.Helper()
	r := web.NewRouter("test")
	s.Routes(r)
	page.Routes(r)
	return r.Server().Handler
}

func request(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r.WithContext(as(operator))
}

func call(t *testing.T, s *Service, method, path, body string, status int, out any) {
	t.Helper()
	w := httptest.NewRecorder()
	handler(t, s).ServeHTTP(w, request(method, path, body))
	if w.Code != status {
		t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	if out != nil {
		if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
			t.Fatal(err)
		}
	}
}

func as(a access.Actor) context.Context { return access.With(context.Background(), a) }

func column(t testing.TB, d *db.DB, query string) (out []string) {
	t.Helper()
	err := d.Read(context.Background(), func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			var s string
			err := rows.Scan(&s)
			out = append(out, s)
			return err
		}, query)
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
