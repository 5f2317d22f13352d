package public_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/internal/warn/hazard"
	"github.com/anlan-city/anlan/internal/warn/partner"
	"github.com/anlan-city/anlan/internal/warn/public"
	"github.com/anlan-city/anlan/internal/warn/warntest"
)

// neighbours is the room with a weather service whose feed it reads.
type neighbours struct {
	*city
	t        *testing.T
	c        *clock.Virtual
	partners *partner.Service
	id       int64
	feed     atomic.Value // the document that the feed answers with
}

func newNeighbours(t *testing.T, d *db.DB, covers string) *neighbours {
	t.Helper()
	n := &neighbours{t: t, c: clock.NewVirtual(start)}
	n.partners = partner.New(partner.Deps{DB: d, Clock: n.c, Access: access.AllowAll, Register: registerOf{}, Hazards: hazardsOf{t}, Changed: func(tx *db.Tx) { n.pages.RelayChanged(tx) }})
	n.city = newCityAt(t, d, n.c, warntest.Town{}, atlas{}, n.partners, nil)
	n.feed.Store("")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, n.feed.Load()) }))
	t.Cleanup(server.Close)
	p, err := n.partners.Add(as(first), partner.Registration{Title: page.Text{English: "Weather office", Chinese: "市气象台"}, URL: server.URL, Service: "weather", Covers: covers})
	if err != nil {
		t.Fatal(err)
	}
	n.id = p.ID
	return n
}

// reads has the partner's feed be read once with this message in it.
func (n *neighbours) reads(a *cap.Alert) {
	n.t.Helper()
	document, err := cap.Encode(a)
	if err != nil {
		n.t.Fatal(err)
	}
	n.feed.Store(string(document))
	p, err := n.partners.Poll(as(first), n.id)
	if err != nil || p.LastError != "" {
		n.t.Fatal(err, p.LastError)
	}
}

type registerOf struct{}

func (registerOf) Areas(ctx context.Context) (out []partner.Area, err error) {
	areas, err := warntest.Town{}.Areas(ctx)
	for _, a := range areas {
		rings, err := warntest.Town{}.Geometry(ctx, a.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, partner.Area{ID: a.ID, Parent: a.Parent, Code: a.Code, Name: a.Name, Rings: rings})
	}
	return out, err
}

type hazardsOf struct{ t testing.TB }

func (h hazardsOf) Hazards(context.Context) (out []partner.Hazard, err error) {
	for _, x := range warntest.Shipped(h.t).All() {
		out = append(out, partner.Hazard{ID: x.ID, Title: x.Event})
	}
	return out, nil
}

// rain is the weather service's warning over the old quay, in Chinese alone.
func rain(id string, change func(*cap.Alert)) *cap.Alert {
	at := func(d time.Duration) *cap.Time { return &cap.Time{Time: start.Add(d)} }
	a := &cap.Alert{Identifier: id, Sender: "weather@partner.example", Sent: *at(-time.Minute), Status: cap.Actual, MsgType: cap.TypeAlert, Scope: cap.Public,
		Infos: []cap.Info{{Language: "zh-CN", Categories: []string{"Met"}, Event: "暴雨", Urgency: "Expected", Severity: "Moderate", Certainty: "Likely",
			Onset: at(0), Expires: at(6*time.Hour + 30*time.Second), SenderName: "市气象台值班室", Headline: "市气象台发布暴雨黄色预警", Description: "预计有<暴雨>。", Instruction: "避免外出。",
			Web:   "https://weather.example/w/" + id,
			Areas: []cap.Area{{Description: "老码头", Polygons: []cap.Ring{{{Lat: 30.07, Lon: 122.01}, {Lat: 30.07, Lon: 122.06}, {Lat: 30.12, Lon: 122.06}, {Lat: 30.07, Lon: 122.01}}}}}}}}
	if change != nil {
		change(a)
	}
	return a
}

const rainHead = "市气象台发布暴雨黄色预警"

// TestARelayedWarningStandsBesideOurs: after one poll it is on every page that it concerns, as its issuer's, and in none of our feeds.
func TestARelayedWarningStandsBesideOurs(t *testing.T) {
	dbtest.Each(t, append(allMigrations, partner.Migrations()), func(t *testing.T, d *db.DB) {
		s := newNeighbours(t, d, "wider")
		red := gasLeak()
		red.Level, red.Areas = hazard.Red, []int64{12}
		issue(t, s.city, red)
		blue := gasLeak()
		blue.Level, blue.Headline.English = hazard.Blue, "Small leak"
		issue(t, s.city, blue)
		before := get(t, s.city, "/warnings.atom?lang=en")
		if strings.Contains(get(t, s.city, "/warnings?lang=en"), rainHead) {
			t.Fatal("shown before it was read")
		}
		s.reads(rain("rain-1", nil))
		list := get(t, s.city, "/warnings?lang=en")
		for _, want := range []string{
			"Warnings in force: 3.", "Relayed from Weather office:", "Yellow warning", `<h2 id="r1" lang="zh-CN">` + rainHead, "市气象台值班室", "老码头", `lang="zh-CN">预计有&lt;暴雨&gt;。`,
			"避免外出。", `href="https://weather.example/w/rain-1"`, "23 November 2026, 15:30", "in its issuer’s words", `href="/warnings?lang=en#r1"`,
		} {
			if !strings.Contains(list, want) {
				t.Errorf("no %q on the list", want)
			}
		}
		// By severity, ours and theirs together: red, yellow, blue.
		if a, b, c := strings.Index(list, `class="warning red"`), strings.Index(list, `class="warning yellow"`), strings.Index(list, `class="warning blue"`); a < 0 || b < a || c < b {
			t.Errorf("order %d %d %d", a, b, c)
		}
		if page := get(t, s.city, "/warnings?lang=zh-CN"); !strings.Contains(page, "转发市气象台：") || strings.Contains(page, `lang="zh-CN">`+rainHead) {
			t.Error("the Chinese list")
		}
		if !strings.Contains(list, `<path class="yellow"`) {
			t.Error("not on the map")
		}
		for path, want := range map[string]bool{"?area=11": true, "?area=10": true, "?area=12": false, "?area=20": false,
			"?where=Old+Quay": true, "?where=30.08,122.05": true, "?where=30.11,122.011": false, "?where=Hills": false} {
			body := get(t, s.city, "/warnings"+path+"&lang=en")
			answer := body
			if strings.HasPrefix(path, "?where") {
				_, answer, _ = strings.Cut(body, `class="answer"`)
				answer, _, _ = strings.Cut(answer, "</section>")
			}
			if got := strings.Contains(answer, rainHead); got != want {
				t.Errorf("%s shows it: %v", path, got)
			}
		}
		sign := get(t, s.city, "/warnings/sign.json?area=310101")
		for _, want := range []string{`"number": "relayed-1"`, `"level": "yellow"`, `"issuer"`, "转发市气象台值班", "Relayed"} {
			if !strings.Contains(sign, want) {
				t.Errorf("no %q for the displays: %s", want, sign)
			}
		}
		for _, f := range public.Feeds() {
			if body := get(t, s.city, f.Path+"?lang=zh-CN"); strings.Contains(body, "暴雨") || strings.Contains(body, "rain-1") {
				t.Errorf("%s carries another's message as ours", f.Path)
			}
		}
		if after := get(t, s.city, "/warnings.atom?lang=en"); after != before {
			t.Error("our feed has changed")
		}
		// What only others may warn of is never composed here.
		p := gasLeak()
		p.Hazard = "rainstorm"
		if _, err := s.Propose(as(first), p); err == nil {
			t.Error("a rainstorm can be composed")
		}
		// Its cancel takes it away with the poll that reads it.
		sequence := sequenceOf(t, s.city)
		cancel := rain("rain-2", func(a *cap.Alert) {
			a.MsgType, a.Sent = cap.TypeCancel, cap.Time{Time: start}
			a.References = cap.References{rain("rain-1", nil).Reference()}
		})
		s.reads(cancel)
		for _, path := range []string{"/warnings?lang=en", "/warnings?area=11&lang=en", "/warnings/sign.json"} {
			if strings.Contains(get(t, s.city, path), rainHead) || strings.Contains(get(t, s.city, path), "relayed-1") {
				t.Errorf("%s shows it after its cancel", path)
			}
		}
		if now := sequenceOf(t, s.city); now <= sequence {
			t.Errorf("sequence %d after %d", now, sequence)
		}
	})
}

// sequenceOf is that of the displays.
func sequenceOf(t *testing.T, s *city) int64 {
	t.Helper()
	var g sign
	warntest.Call(t, s.handler(), access.Actor{}, "GET", "/warnings/sign.json", "", 200, &g)
	return g.Sequence
}

// TestARelayedWarningEndsToTheSecond, though nobody runs a loop; and the count of changes never falls.
func TestARelayedWarningEndsToTheSecond(t *testing.T) {
	d := dbtest.SQLite(t, append(allMigrations, partner.Migrations())...)
	s := newNeighbours(t, d, "wider")
	s.reads(rain("rain-1", nil))
	before := sequenceOf(t, s.city)
	end := start.Add(6*time.Hour + 30*time.Second)
	s.c.Set(end.Add(-time.Second))
	if !strings.Contains(get(t, s.city, "/warnings?lang=en"), rainHead) {
		t.Error("gone before its end")
	}
	s.c.Set(end)
	if strings.Contains(get(t, s.city, "/warnings?lang=en"), rainHead) {
		t.Error("there at its end")
	}
	ended := sequenceOf(t, s.city)
	if ended <= before {
		t.Errorf("sequence %d after %d", ended, before)
	}
	s.c.Advance(time.Minute) // read anew, while the loop still has written nothing
	if again := sequenceOf(t, s.city); again < ended {
		t.Errorf("sequence %d after %d", again, ended)
	}
}

// TestOnlyWhatIsRealIsPassedOn: exercises, tests and what is not for the public never show.
func TestOnlyWhatIsRealIsPassedOn(t *testing.T) {
	d := dbtest.SQLite(t, append(allMigrations, partner.Migrations())...)
	s := newNeighbours(t, d, "wider")
	for i, change := range []func(*cap.Alert){
		func(a *cap.Alert) { a.Status = cap.Exercise }, func(a *cap.Alert) { a.Status = cap.Test }, func(a *cap.Alert) { a.Status = cap.System },
		func(a *cap.Alert) { a.Status = cap.Draft }, func(a *cap.Alert) { a.Scope, a.Restriction = cap.Restricted, "officials" },
	} {
		s.reads(rain(fmt.Sprint("hidden-", i), change))
		for _, path := range []string{"/warnings?lang=zh-CN", "/warnings?area=11", "/warnings?where=Old+Quay", "/warnings/sign.json", "/warnings/sign.txt"} {
			if body := get(t, s.city, path); strings.Contains(body, rainHead) || strings.Contains(body, "relayed-") {
				t.Errorf("case %d shows on %s", i, path)
			}
		}
	}
}

// TestARelayedWarningWithoutMuchToSay: no level, no place, another language, and a hostile address.
func TestARelayedWarningWithoutMuchToSay(t *testing.T) {
	d := dbtest.SQLite(t, append(allMigrations, partner.Migrations())...)
	s := newNeighbours(t, d, "city")
	s.reads(rain("rain-1", func(a *cap.Alert) {
		i := &a.Infos[0]
		i.Language, i.Headline, i.Event, i.Severity, i.Areas, i.Web = "de", "", "Dauerregen", "Unknown", nil, "javascript:alert(1)"
	}))
	list := get(t, s.city, "/warnings?lang=en")
	for _, want := range []string{"Warning without a level", `lang="de">Dauerregen`, "The whole city"} {
		if !strings.Contains(list, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(list, "javascript") {
		t.Error("a hostile address is linked")
	}
	for _, path := range []string{"/warnings?area=11&lang=en", "/warnings?area=20&lang=en", "/warnings?where=Hills&lang=en"} {
		if !strings.Contains(get(t, s.city, path), "Dauerregen") {
			t.Errorf("not on %s", path)
		}
	}
	// When its partner is removed it is gone at once.
	if err := s.partners.Remove(as(first), s.id); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(get(t, s.city, "/warnings?lang=en"), "Dauerregen") {
		t.Error("shown after its partner was removed")
	}
}

// TestThePublicReadsWhatChanged: the list says what an update did to the level, the page of the warning what each message did.
func TestThePublicReadsWhatChanged(t *testing.T) {
	dbtest.Each(t, allMigrations, func(t *testing.T, d *db.DB) {
		s, _ := newService(t, d)
		p := gasLeak()
		p.Level, p.Areas = hazard.Yellow, []int64{11}
		w := issue(t, s, p)
		if strings.Contains(get(t, s, "/warnings?lang=en"), "graded") {
			t.Error("the first message has changed nothing")
		}
		for _, step := range []struct {
			level     hazard.Level
			want, has string
		}{{hazard.Orange, "upgraded from yellow to orange", "由黄色升级为橙色"}, {hazard.Blue, "downgraded from orange to blue", "由橙色降级为蓝色"}} {
			p.Level = step.level
			u, err := s.ProposeUpdate(as(first), w.ID, p)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Approve(as(second), u.ID, 0); err != nil {
				t.Fatal(err)
			}
			for path, want := range map[string]string{"/warnings?lang=en": step.want, "/warnings?lang=zh-CN": step.has, "/warnings?area=11&lang=en": step.want} {
				if !strings.Contains(get(t, s, path), want) {
					t.Errorf("%s lacks %q", path, want)
				}
			}
		}
		page := get(t, s, "/warnings/"+w.Number+"?lang=en")
		for _, want := range []string{"Updated, upgraded from yellow to orange", "Updated, downgraded from orange to blue"} {
			if !strings.Contains(page, want) {
				t.Errorf("the history lacks %q", want)
			}
		}
		// A chosen area has its own map, and the way to the figures.
		area := get(t, s, "/warnings?area=11&lang=en")
		if !strings.Contains(area, `<svg class="map"`) || !strings.Contains(area, `href="/warnings/skill?lang=en"`) {
			t.Error("no map, or no way to the figures")
		}
		if calm := get(t, s, "/warnings?area=12&lang=en"); strings.Contains(calm, `<svg class="map"`) {
			t.Error("a map of nothing")
		}
	})
}
