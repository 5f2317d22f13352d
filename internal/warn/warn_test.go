package warn

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/testdata"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/internal/warn/reach"
	"github.com/anlan-city/anlan/internal/warn/skill"
	"github.com/anlan-city/anlan/internal/warn/warntest"
	"github.com/anlan-city/anlan/internal/warn/wording"
)

func gasLeak() Proposal {
	return Proposal{
		Level: Orange, Hazard: "gas-leak", Areas: []int64{10},
		Headline:    page.Text{English: "Gas leak near the old harbour", Chinese: "老港区附近发生燃气泄漏"},
		Description: page.Text{English: "A main has broken on Quay Road.", Chinese: "码头路一处燃气主管破裂。"},
		Expires:     start.Add(6 * time.Hour),
	}
}

// issue proposes as the first and approves as the second officer.
func issue(t testing.TB, s *desk, p Proposal) Warning {
	t.Helper()
	w, err := s.Propose(as(first), p)
	if err != nil {
		t.Fatal(err)
	}
	if w, err = s.Approve(as(second), w.ID, w.Version); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestFromProposalToAllClear(t *testing.T) {
	dbtest.Each(t, allMigrations, func(t *testing.T, d *db.DB) {
		s, c := newService(t, d)
		w, err := s.Propose(as(first), gasLeak())
		if err != nil {
			t.Fatal(err)
		}
		if w.State != Proposed || w.Number != "2026-0001" || w.ProposedBy != "Duty officer" || w.Public || w.Sent != nil {
			t.Errorf("proposed: %+v", w)
		}
		if w.Instruction.English == "" || w.Instruction.Chinese == "" {
			t.Error("the hazard's own instruction was not filled in")
		}
		if body := get(t, s, "/warnings.atom"); strings.Contains(body, "2026-0001") {
			t.Error("a proposal is in the feed")
		}
		w, err = s.Approve(as(second), w.ID, w.Version)
		if err != nil {
			t.Fatal(err)
		}
		if w.State != Issued || !w.Public || w.Sent == nil || w.Severity != "Severe" {
			t.Errorf("issued: %+v", w)
		}
		c.Advance(time.Minute)
		update := gasLeak()
		update.Level, update.Areas = Red, []int64{10, 12}
		if w, err = s.ProposeUpdate(as(second), w.ID, update); err != nil {
			t.Fatal(err)
		}
		if w.Level != Orange || w.Pending == nil || w.Pending.Level != Red {
			t.Errorf("update waits: %+v", w)
		}
		// Whoever approved the first message may propose the next, but not approve it.
		if _, err := s.Approve(as(second), w.ID, 0); code(err) != "warning.second_officer" {
			t.Errorf("own update approved: %v", err)
		}
		if w, err = s.Approve(as(first), w.ID, 2); err != nil {
			t.Fatal(err)
		}
		if w.Level != Red || w.Pending != nil || w.Version != 2 {
			t.Errorf("updated: %+v", w)
		}
		c.Advance(time.Minute)
		if w, err = s.AllClear(as(first), w.ID, "The main is closed."); err != nil {
			t.Fatal(err)
		}
		if w.State != Cancelled || w.EndKind != "all-clear" || w.Public {
			t.Errorf("all clear: %+v", w)
		}

		want := []string{"warning.proposed", "warning.issued", "warning.proposed", "warning.updated", "warning.cancelled"}
		if got := subjects(t, d); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("events %v, want %v", got, want)
		}
		if got := ledgerActions(t, d); fmt.Sprint(got) != "[warning.propose warning.approve warning.propose warning.approve warning.all-clear]" {
			t.Errorf("ledger %v", got)
		}
		// Three messages, each naming all before it.
		for n, want := range []int{0, 1, 2} {
			a := document(t, s, fmt.Sprintf("/warnings/2026-0001.%d.xml", n+1))
			if len(a.References) != want {
				t.Errorf("message %d names %v", n+1, a.References)
			}
		}
		last := document(t, s, "/warnings/2026-0001.xml")
		if last.MsgType != cap.TypeUpdate || last.Infos[0].ResponseTypes[0] != "AllClear" || last.Infos[0].Urgency != "Past" {
			t.Errorf("all clear is %+v", last)
		}
		if len(last.Infos) != 2 || last.Infos[0].Language != "en" || last.Infos[1].Language != "zh-CN" {
			t.Error("not one info per language")
		}
		if polygons := len(last.Infos[0].Areas[1].Polygons); polygons != 2 {
			t.Errorf("two islands have %d polygons", polygons)
		}
		if p := last.Infos[0].Areas[0].Polygons[0][0]; p.Lat > 31 || p.Lon < 121 {
			t.Errorf("polygon is not lat,lon: %v", p)
		}
	})
}

// TestNobodyApprovesAlone attacks the second pair of eyes from every side.
func TestNobodyApprovesAlone(t *testing.T) {
	dbtest.Each(t, allMigrations, func(t *testing.T, d *db.DB) {
		s, _ := newService(t, d)
		w, err := s.Propose(as(first), gasLeak())
		if err != nil {
			t.Fatal(err)
		}
		renamed := first
		renamed.Name, renamed.Roles, renamed.Organisation = "Somebody else", []string{"administrator"}, 9
		for name, a := range map[string]access.Actor{
			"the proposer":                   first,
			"the proposer under a new name":  renamed,
			"the program":                    access.System("detector"),
			"the program with the second id": {Kind: access.KindSystem, ID: 2, Name: "Duty officer"},
			"a device":                       {Kind: access.KindDevice, ID: 2, Name: "gauge"},
			"the public":                     {},
			"an account without an id":       {Kind: access.KindAccount, Name: "nobody"},
		} {
			if _, err := s.Approve(as(a), w.ID, 0); err == nil {
				t.Errorf("%s approved", name)
			}
			if a.ID != first.ID || a.Kind != access.KindAccount {
				if _, err := s.Propose(as(a), gasLeak()); err == nil {
					t.Errorf("%s proposed", name)
				}
			}
		}
		if got := subjects(t, d); fmt.Sprint(got) != "[warning.proposed]" {
			t.Errorf("events %v", got)
		}
		if w, _ := s.Get(as(first), w.ID); w.MayApprove {
			t.Error("the proposer is offered to approve")
		}
		// A second proposal can't slip in under the approver's hand.
		if _, err := s.Approve(as(second), w.ID, 7); code(err) != "warning.version" {
			t.Errorf("approved a version that doesn't wait: %v", err)
		}
		// Of many approvals at once, one counts.
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() {
				_, errs[i] = s.Approve(as(access.Actor{Kind: access.KindAccount, ID: int64(100 + i), Name: "x", Roles: first.Roles}), w.ID, 1)
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if code(err) != "warning.nothing_pending" {
				t.Errorf("lost with %v", err)
			}
		}
		if won != 1 {
			t.Errorf("%d approvals of one warning", won)
		}
	})
}

func TestOnlyActualReachesThePublic(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, _ := newService(t, d)
	secret := "Only for those who train"
	for _, p := range []struct{ status, scope, restriction string }{
		{cap.Exercise, cap.Public, ""}, {cap.Test, cap.Public, ""}, {cap.System, cap.Public, ""}, {cap.Draft, cap.Public, ""},
		{cap.Actual, cap.Restricted, "officials"},
	} {
		q := gasLeak()
		q.Status, q.Scope, q.Restriction, q.Headline.English = p.status, p.scope, p.restriction, secret
		w := issue(t, s, q)
		if w.Public || w.State != Issued {
			t.Errorf("%v: %+v", p, w)
		}
		for _, path := range []string{"/warnings", "/warnings?lang=en", "/warnings?area=10&lang=en", "/warnings.atom?lang=en", "/warnings/" + w.Number + "?lang=en", "/warnings/" + w.Number + ".xml", "/warnings/" + w.Number + ".1.xml"} {
			res := fetch(t, s, path, nil)
			body, _ := io.ReadAll(res.Body)
			if bytes.Contains(body, []byte(secret)) || strings.HasPrefix(path, "/warnings/") && res.StatusCode != 404 {
				t.Errorf("%v shows at %s: %d", p, path, res.StatusCode)
			}
		}
		// Nor through an update, nor by changing the status on the way.
		q.Status, q.Scope, q.Restriction = cap.Actual, cap.Public, ""
		if _, err := s.ProposeUpdate(as(first), w.ID, q); code(err) != "warning.audience_fixed" {
			t.Errorf("%v became real by an update: %v", p, err)
		}
	}
	issue(t, s, gasLeak())
	if body := get(t, s, "/warnings?lang=en"); !strings.Contains(body, "Gas leak near the old harbour") {
		t.Error("the real one isn't on the page")
	}
}

// recorder keeps what leaves the room.
type recorder struct{ got []reach.Publication }

func (*recorder) Refresh(context.Context) {}
func (r *recorder) Put(_ *db.Tx, p reach.Publication) error {
	r.got = append(r.got, p)
	return nil
}

// What leaves says which level was in force before, how far it reaches, and where the public finds the document.
func TestWhatLeavesTheRoom(t *testing.T) {
	s, c := newService(t, dbtest.SQLite(t, allMigrations...))
	r := &recorder{}
	s.reach = r
	w := issue(t, s, gasLeak())
	was := w.Level
	c.Advance(time.Minute)
	higher := gasLeak()
	higher.Level = Red
	if _, err := s.ProposeUpdate(as(first), w.ID, higher); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Approve(as(second), w.ID, 2); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Minute)
	if _, err := s.AllClear(as(second), w.ID, "closed"); err != nil {
		t.Fatal(err)
	}
	drill := gasLeak()
	drill.Status = cap.Exercise
	issue(t, s, drill)
	if len(r.got) != 4 || was == Red {
		t.Fatalf("%d left, the first %s", len(r.got), was)
	}
	for i, want := range []struct{ kind, level, before, document string }{
		{"alert", string(was), "", ".1.xml"}, {"update", "red", string(was), ".2.xml"}, {"all-clear", "red", "red", ".3.xml"}, {"alert", string(was), "", ""},
	} {
		p := r.got[i]
		if p.Kind != want.kind || p.Level != want.level || p.Before != want.before {
			t.Errorf("%d: %s, %s, before %s; expected %v", i, p.Kind, p.Level, p.Before, want)
		}
		if want.document == "" && p.CAPURL != "" || want.document != "" && p.CAPURL != "https://city.example/warnings/"+w.Number+want.document {
			t.Errorf("%d: the document is at %q", i, p.CAPURL)
		}
		if p.CAPURL != "" && get(t, s, strings.TrimPrefix(p.CAPURL, "https://city.example")) != p.CAP {
			t.Errorf("%d: another document is at %s", i, p.CAPURL)
		}
		if p.Headline.Chinese != higher.Headline.Chinese || (p.Kind == "all-clear") != (p.Told.Chinese == "预警解除："+p.Headline.Chinese) {
			t.Errorf("%d: %q, in CAP %q", i, p.Headline.Chinese, p.Told.Chinese)
		}
		for _, x := range p.Places {
			if len(x.Polygons) == 0 || !strings.Contains(p.CAP, "<polygon>"+x.Polygons[0]+"</polygon>") {
				t.Errorf("%d: %s has no outline that CAP has: %q", i, x.Name.English, x.Polygons)
			}
		}
	}
}

func TestEndedWarningsLeaveAtOnce(t *testing.T) {
	dbtest.Each(t, allMigrations, func(t *testing.T, d *db.DB) {
		s, c := newService(t, d)
		shown := func() bool {
			// The feed tells of an early end too, until the warning would have ended by itself.
			feed := strings.Contains(get(t, s, "/warnings.atom?lang=en"), "<title>Gas leak near the old harbour")
			list := strings.Contains(get(t, s, "/warnings?lang=en"), "old harbour</h2>")
			if feed != list {
				t.Error("page and feed disagree")
			}
			return feed
		}
		for name, end := range map[string]func(Warning) error{
			"cancelled": func(w Warning) error { _, err := s.Cancel(as(first), w.ID, "the sensor was broken"); return err },
			"all clear": func(w Warning) error { _, err := s.AllClear(as(first), w.ID, "repaired"); return err },
			// Nobody runs the clock's loop here: the end must not depend on it.
			"expired": func(w Warning) error { c.Set(w.Expires); return nil },
		} {
			p := gasLeak()
			p.Expires = c.Now().Add(time.Hour)
			w := issue(t, s, p)
			if !shown() {
				t.Errorf("%s: not shown while in force", name)
			}
			if err := end(w); err != nil {
				t.Fatal(err)
			}
			if shown() {
				t.Errorf("%s: still shown", name)
			}
			if page := get(t, s, "/warnings/"+w.Number+"?lang=en"); !strings.Contains(page, "Ended on") {
				t.Errorf("%s: its own page doesn't say that it ended", name)
			}
			p.Expires = c.Now().Add(time.Hour)
			for what, deed := range map[string]func() error{
				"update":    func() error { _, err := s.ProposeUpdate(as(first), w.ID, p); return err },
				"cancel":    func() error { _, err := s.Cancel(as(first), w.ID, "again"); return err },
				"all clear": func() error { _, err := s.AllClear(as(first), w.ID, "again"); return err },
				"approve":   func() error { _, err := s.Approve(as(second), w.ID, 0); return err },
			} {
				if err := deed(); code(err) != "warning.not_in_force" && code(err) != "warning.nothing_pending" {
					t.Errorf("%s after %s: %v", what, name, err)
				}
			}
		}
	})
}

// A receiver that polls learns from the feed alone that a warning it holds has ended early.
func TestFeedTellsOfAnEarlyEnd(t *testing.T) {
	schema := testdata.Shared(t, "cap", "schema", "CAP-v1.2.xsd")
	xmllint := testdata.Program(t, "xmllint", "libxml2-utils")
	lint := func(t *testing.T, document string, arguments ...string) {
		t.Helper()
		c := exec.Command(xmllint, append(append([]string{"--noout", "--nonet"}, arguments...), "-")...)
		c.Stdin = strings.NewReader(document)
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("xmllint: %v\n%s\n%s", err, out, document)
		}
	}
	type entry struct {
		Title    string `xml:"title"`
		MsgType  string `xml:"urn:oasis:names:tc:emergency:cap:1.2 msgType"`
		Response string `xml:"urn:oasis:names:tc:emergency:cap:1.2 responseType"`
		Urgency  string `xml:"urn:oasis:names:tc:emergency:cap:1.2 urgency"`
		Onset    string `xml:"urn:oasis:names:tc:emergency:cap:1.2 onset"`
		Expires  string `xml:"urn:oasis:names:tc:emergency:cap:1.2 expires"`
		ID       string `xml:"id"`
	}
	for _, test := range []struct {
		name string
		end  func(*desk, int64) (Warning, error)
		want entry
	}{
		{"all clear", func(s *desk, id int64) (Warning, error) { return s.AllClear(as(first), id, "The main is closed.") },
			entry{Title: "All clear: Gas leak near the old harbour", MsgType: "Update", Response: "AllClear", Urgency: "Past"}},
		{"cancel", func(s *desk, id int64) (Warning, error) { return s.Cancel(as(first), id, "The sensor was broken.") },
			entry{Title: "Cancelled: Gas leak near the old harbour", MsgType: "Cancel", Response: "None", Urgency: "Expected"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dbtest.Each(t, allMigrations, func(t *testing.T, d *db.DB) {
				s, c := newService(t, d)
				w := issue(t, s, gasLeak()) // until 15:30 in the city
				drill := gasLeak()
				drill.Status = cap.Exercise
				exercise := issue(t, s, drill)
				c.Advance(time.Hour)
				for _, id := range []int64{w.ID, exercise.ID} {
					if _, err := test.end(s, id); err != nil {
						t.Fatal(err)
					}
				}
				held := fetch(t, s, "/warnings.atom?lang=en", nil)
				c.Advance(5*time.Hour - time.Second)
				text := get(t, s, "/warnings.atom?lang=en")
				lint(t, text)
				var feed struct {
					Entries []entry `xml:"entry"`
				}
				if err := xml.Unmarshal([]byte(text), &feed); err != nil {
					t.Fatal(err)
				}
				want := test.want
				want.Onset, want.Expires, want.ID = "2026-11-23T10:30:00+08:00", "2026-11-23T15:30:00+08:00", "https://city.example/warnings/2026-0001.2.xml"
				if len(feed.Entries) != 1 || feed.Entries[0] != want {
					t.Fatalf("feed %+v, want %+v", feed.Entries, want)
				}
				// The entry and the message it leads to say the same, and the message is sound.
				path := strings.TrimPrefix(want.ID, "https://city.example")
				lint(t, get(t, s, path), "--schema", schema)
				a := document(t, s, path)
				info := a.Infos[0]
				if a.MsgType != want.MsgType || info.Headline != want.Title || info.Expires.String() != want.Expires || info.Onset.String() != want.Onset ||
					info.ResponseTypes[0] != want.Response || info.Urgency != want.Urgency {
					t.Errorf("message %+v", a)
				}
				if page := get(t, s, "/warnings?lang=en"); strings.Contains(page, "old harbour</h2>") || !strings.Contains(page, "Ended in the last 24 hours") {
					t.Error("listed as current after its end")
				}
				if page := get(t, s, "/warnings/2026-0001?lang=en"); !strings.Contains(page, "Ended on") {
					t.Error("its page doesn't say that it ended")
				}
				c.Advance(time.Second)
				for _, h := range []http.Header{nil, {"If-None-Match": {held.Header.Get("ETag")}}, {"If-Modified-Since": {held.Header.Get("Last-Modified")}}} {
					res := fetch(t, s, "/warnings.atom?lang=en", h)
					if body, _ := io.ReadAll(res.Body); res.StatusCode != 200 || bytes.Contains(body, []byte("<entry>")) {
						t.Errorf("%v after the first end that was announced: %d %s", h, res.StatusCode, body)
					}
				}
			})
		})
	}
}

func TestTheClockEndsWarnings(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, c := newService(t, d)
	p := gasLeak()
	p.Expires = start.Add(10 * time.Minute)
	w := issue(t, s, p)
	update := p
	update.Expires = start.Add(time.Hour)
	if _, err := s.ProposeUpdate(as(first), w.ID, update); err != nil { // waits for ever
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	defer func() { stop(); <-done }()
	for range 11 { // the loop wakes at least once a minute
		c.AwaitSleepers(1)
		c.Advance(time.Minute)
	}
	c.AwaitSleepers(1)
	w, err := s.Get(as(first), w.ID)
	if err != nil || w.State != Expired || !w.EndedAt.Equal(p.Expires) || w.Messages[1].State != Cancelled {
		t.Errorf("%+v, %v", w, err)
	}
	if got := subjects(t, d); got[len(got)-1] != "warning.expired" {
		t.Errorf("events %v", got)
	}
}

// TestPublishedIsImmutable: whatever is done to a warning, what was published stays byte for byte.
func TestPublishedIsImmutable(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, c := newService(t, d)
	w := issue(t, s, gasLeak())
	before := get(t, s, "/warnings/2026-0001.1.xml")
	c.Advance(time.Minute)
	update := gasLeak()
	update.Headline.English = "Something else"
	if _, err := s.ProposeUpdate(as(first), w.ID, update); err != nil {
		t.Fatal(err)
	}
	if get(t, s, "/warnings/2026-0001.xml") != before {
		t.Error("a proposal changed what is published")
	}
	if _, err := s.Withdraw(as(first), w.ID, "a mistake"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ProposeUpdate(as(first), w.ID, update); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Approve(as(second), w.ID, 3); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Cancel(as(first), w.ID, "over"); err != nil {
		t.Fatal(err)
	}
	if get(t, s, "/warnings/2026-0001.1.xml") != before {
		t.Error("the first message has changed")
	}
	// The store itself refuses: no statement changes a version that was issued.
	v := version{warning: w.ID, n: 1, approvedBy: 9, cap: "x", identifier: "y", sent: start}
	if err := d.Write(context.Background(), func(tx *db.Tx) error { return issueVersion(tx, &v) }); err == nil {
		t.Error("a published version was issued again")
	}
	if err := d.Write(context.Background(), func(tx *db.Tx) error { return withdrawVersion(tx, &v, "x") }); err == nil {
		t.Error("a published version was withdrawn")
	}
}

// TestWeatherIsOnlyRelayed: no weather warning can be composed, by hazard or by headline.
func TestWeatherIsOnlyRelayed(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, _ := newService(t, d)
	for _, id := range []string{"typhoon", "rainstorm", "snowstorm", "cold-wave", "gale", "sandstorm", "heat", "drought", "lightning", "hail", "frost", "fog", "haze", "road-icing"} {
		p := gasLeak()
		p.Hazard = id
		if _, err := s.Propose(as(first), p); code(err) != "warning.relayed_only" {
			t.Errorf("%s: %v", id, err)
		}
		p = gasLeak()
		p.Headline.Chinese = hazardOf(t, s, id).Event.Chinese + "红色预警"
		if _, err := s.Propose(as(first), p); code(err) != "warning.relayed_only" {
			t.Errorf("headline %s: %v", p.Headline.Chinese, err)
		}
		p = gasLeak()
		p.Headline.English = "Red " + hazardOf(t, s, id).Event.English + " warning"
		if _, err := s.Propose(as(first), p); code(err) != "warning.relayed_only" {
			t.Errorf("headline %s: %v", p.Headline.English, err)
		}
	}
	p := gasLeak()
	p.Hazard, p.Headline = "flood", page.Text{English: "River flood after the rainstorm", Chinese: "暴雨引发洪水，请远离河道"}
	if _, err := s.Propose(as(first), p); err != nil {
		t.Errorf("a flood that names its cause is refused: %v", err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, _ := newService(t, d)
	for _, c := range []struct {
		code, field string
		change      func(*Proposal)
	}{
		{"warning.unknown_level", "level", func(p *Proposal) { p.Level = "purple" }},
		{"warning.unknown_hazard", "hazard", func(p *Proposal) { p.Hazard = "demonstration" }},
		{"warning.no_area", "areas", func(p *Proposal) { p.Areas = nil }},
		{"warning.unknown_area", "areas[1]", func(p *Proposal) { p.Areas = []int64{10, 99} }},
		{"warning.area_unmapped", "areas[0]", func(p *Proposal) { p.Areas = []int64{20} }},
		{"warning.text_missing", "headline.zh-CN", func(p *Proposal) { p.Headline.Chinese = " " }},
		{"warning.text_missing", "instruction.en", func(p *Proposal) { p.Instruction.Chinese = "只有中文" }},
		{"warning.text_long", "headline.en", func(p *Proposal) { p.Headline.English = strings.Repeat("x", 161) }},
		{"warning.text_form", "description.en", func(p *Proposal) { p.Description.English = "bell \x07" }},
		{"warning.text_form", "headline.zh-CN", func(p *Proposal) { p.Headline.Chinese = "燃气\u202e泄漏" }},
		{"warning.text_form", "headline.en", func(p *Proposal) { p.Headline.English = "\u200b" }},
		{"warning.text_lines", "headline.en", func(p *Proposal) { p.Headline.English = "Gas leak\nin the port" }},
		{"warning.text_language", "headline.zh-CN", func(p *Proposal) { p.Headline = page.Text{English: "only english", Chinese: "only english"} }},
		{"warning.text_language", "description.en", func(p *Proposal) { p.Description.English = "只有中文" }},
		{"warning.relayed_only", "headline.zh-CN", func(p *Proposal) { p.Headline.Chinese = "發佈颱風二級預警" }},
		{"warning.relayed_only", "description.zh-CN", func(p *Proposal) { p.Description.Chinese = "市气象台发布暴雨橙色预警信号" }},
		{"warning.relayed_only", "instruction.en", func(p *Proposal) {
			p.Instruction = page.Text{English: "Typhoon signal No. 8: stay in.", Chinese: "请勿外出。"}
		}},
		{"warning.no_end", "expires", func(p *Proposal) { p.Expires = time.Time{} }},
		{"warning.over", "expires", func(p *Proposal) { p.Expires = start }},
		{"warning.too_long", "expires", func(p *Proposal) { p.Expires = start.Add(8 * 24 * time.Hour) }},
		{"warning.onset", "onset", func(p *Proposal) { p.Onset = p.Expires }},
		{"warning.long_begun", "onset", func(p *Proposal) { p.Onset = start.Add(-8 * 24 * time.Hour) }},
		{"warning.urgency", "urgency", func(p *Proposal) { p.Urgency = "Unknown" }},
		{"warning.certainty", "certainty", func(p *Proposal) { p.Certainty = "Unlikely" }},
		{"warning.status", "status", func(p *Proposal) { p.Status = "Real" }},
		{"warning.scope", "scope", func(p *Proposal) { p.Scope = "Private" }},
		{"warning.restriction", "restriction", func(p *Proposal) { p.Scope = "Restricted" }},
	} {
		p := gasLeak()
		c.change(&p)
		_, err := s.Propose(as(first), p)
		var e *web.Error
		if !errors.As(err, &e) || e.Code != c.code || e.Field != c.field {
			t.Errorf("want %s at %s, got %v", c.code, c.field, err)
		}
	}
	if got := subjects(t, d); len(got) > 0 {
		t.Errorf("events of refused proposals: %v", got)
	}
	w := issue(t, s, gasLeak())
	if _, err := s.Cancel(as(first), w.ID, "  "); code(err) != "warning.no_reason" {
		t.Errorf("cancelled without a reason: %v", err)
	}
	if _, err := s.Get(as(first), 999); code(err) != "warning.unknown" {
		t.Errorf("unknown warning: %v", err)
	}
}

// TestEveryStepAsksAccess: with a decider that always refuses, nothing can be done or read.
func TestEveryStepAsksAccess(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, _ := newService(t, d)
	w := issue(t, s, gasLeak())
	asked := map[string]bool{}
	s.access = deciderFunc(func(action string) error { asked[action] = true; return web.Errorf(403, "access.denied", "no") })
	ctx := as(second)
	for name, deed := range map[string]func() error{
		"propose":  func() error { _, err := s.Propose(ctx, gasLeak()); return err },
		"update":   func() error { _, err := s.ProposeUpdate(ctx, w.ID, gasLeak()); return err },
		"approve":  func() error { _, err := s.Approve(ctx, w.ID, 0); return err },
		"withdraw": func() error { _, err := s.Withdraw(ctx, w.ID, "x"); return err },
		"cancel":   func() error { _, err := s.Cancel(ctx, w.ID, "x"); return err },
		"clear":    func() error { _, err := s.AllClear(ctx, w.ID, "x"); return err },
		"get":      func() error { _, err := s.Get(ctx, w.ID); return err },
		"list":     func() error { _, err := s.List(ctx, "all", 0, 10); return err },
		"hazards":  func() error { _, err := s.Hazards(ctx); return err },
		"preview":  func() error { _, err := s.Preview(ctx, gasLeak()); return err },
	} {
		if err := deed(); code(err) != "access.denied" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, path := range []string{"/warnings", "/warnings.atom", "/warnings/2026-0001", "/warnings/2026-0001.xml"} {
		if res := fetch(t, s, path, nil); res.StatusCode != 403 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	for _, action := range []string{"warning.propose", "warning.approve", "warning.cancel", "warning.read"} {
		if !asked[action] {
			t.Errorf("%s was never asked", action)
		}
	}
}

type deciderFunc func(action string) error

func (f deciderFunc) Decide(_ context.Context, action string, _ access.Resource, _ access.Purpose) error {
	return f(action)
}

// TestScopeIsAskedPerArea: who may act in one district only can't reach into another.
func TestScopeIsAskedPerArea(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, _ := newService(t, d)
	p := gasLeak()
	p.Areas = []int64{10, 12}
	proposed, err := s.Propose(as(first), p)
	if err != nil {
		t.Fatal(err)
	}
	issued := issue(t, s, p)
	s.access = scopeFunc(func(r access.Resource) error {
		if r.Area == 12 {
			return web.Errorf(403, "access.denied", "not your district")
		}
		return nil
	})
	for name, deed := range map[string]func() error{
		"propose":  func() error { _, err := s.Propose(as(second), p); return err },
		"approve":  func() error { _, err := s.Approve(as(second), proposed.ID, 0); return err },
		"withdraw": func() error { _, err := s.Withdraw(as(second), proposed.ID, "x"); return err },
		"cancel":   func() error { _, err := s.Cancel(as(second), issued.ID, "x"); return err },
		"clear":    func() error { _, err := s.AllClear(as(second), issued.ID, "x"); return err },
	} {
		if err := deed(); code(err) != "access.denied" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRestrictedIsReadInItsAreas: whoever has none of a Restricted warning's areas in their scope reads nothing of it.
func TestRestrictedIsReadInItsAreas(t *testing.T) {
	d := dbtest.SQLite(t, withSkill()...)
	s, c := newService(t, d)
	k, err := skill.New(skill.Deps{DB: d, Clock: c, Access: s, Warnings: s, Site: warntest.Site()})
	if err != nil {
		t.Fatal(err)
	}
	p := gasLeak()
	p.Areas = []int64{10, 12}
	issue(t, s, p)
	p.Scope, p.Restriction = cap.Restricted, "the gas company and the districts"
	restricted := issue(t, s, p)
	mine := int64(12)
	s.access = scopeFunc(func(r access.Resource) error {
		if r.Area != 0 && r.Area != mine || len(r.Touches) > 0 && !slices.Contains(r.Touches, mine) {
			return web.Errorf(403, "access.denied", "not your district")
		}
		return nil
	})
	read := func() (listed int, err error) {
		list, err := s.List(as(second), "all", 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range list {
			if w.Scope == cap.Restricted {
				listed++
			}
		}
		if len(list) != 1 {
			t.Errorf("%d warnings on a page of one", len(list))
		}
		_, err = s.Get(as(second), restricted.ID)
		return listed, err
	}
	if n, err := read(); n != 1 || err != nil {
		t.Errorf("in one of its areas: %d listed, %v", n, err)
	}
	if number, err := s.Number(as(second), restricted.ID); err != nil || s.MayRead(as(second), number) != nil {
		t.Errorf("in one of its areas, who was told: %v", err)
	}
	mine = 11
	if n, err := read(); n != 0 || code(err) != "access.denied" {
		t.Errorf("elsewhere: %d listed, %v", n, err)
	}
	if _, err := s.Number(as(second), restricted.ID); code(err) != "access.denied" || code(s.MayRead(as(second), restricted.Number)) != "access.denied" {
		t.Errorf("elsewhere, who was told: %v", err)
	}
	c.Advance(6 * time.Hour)
	judged := func() (headlines int, err error) {
		items, _, err := k.Waiting(as(second), true)
		if err != nil || len(items) != 2 {
			t.Fatalf("%v, %v", items, err)
		}
		for _, it := range items {
			if it.Headline.English != "" {
				headlines++
			}
		}
		_, err = k.Verdicts(as(second), restricted.ID)
		return headlines, err
	}
	if n, err := judged(); n != 1 || code(err) != "access.denied" {
		t.Errorf("elsewhere, to be judged: %d headlines, %v", n, err)
	}
	mine = 12
	if n, err := judged(); n != 2 || err != nil {
		t.Errorf("in one of its areas, to be judged: %d headlines, %v", n, err)
	}
	mine = 11
	if n, err := read(); n != 0 || code(err) != "access.denied" {
		t.Errorf("elsewhere, after its end: %d listed, %v", n, err)
	}
}

type scopeFunc func(r access.Resource) error

func (f scopeFunc) Decide(_ context.Context, _ string, r access.Resource, _ access.Purpose) error {
	return f(r)
}

func TestFeedIsConditional(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, c := newService(t, d)
	issue(t, s, gasLeak())
	res := fetch(t, s, "/warnings.atom?lang=en", nil)
	tag, modified := res.Header.Get("ETag"), res.Header.Get("Last-Modified")
	if tag == "" || modified != "Mon, 23 Nov 2026 01:30:00 GMT" {
		t.Errorf("ETag %q, Last-Modified %q", tag, modified)
	}
	for _, h := range []http.Header{{"If-None-Match": {tag}}, {"If-Modified-Since": {modified}}} {
		if res := fetch(t, s, "/warnings.atom?lang=en", h); res.StatusCode != 304 {
			t.Errorf("%v: %d", h, res.StatusCode)
		}
	}
	c.Advance(6 * time.Hour) // its end
	for _, h := range []http.Header{{"If-None-Match": {tag}}, {"If-Modified-Since": {modified}}} {
		res := fetch(t, s, "/warnings.atom?lang=en", h)
		if body, _ := io.ReadAll(res.Body); res.StatusCode != 200 || bytes.Contains(body, []byte("<entry>")) {
			t.Errorf("%v after the end: %d", h, res.StatusCode)
		}
	}
}

// TestFeedLeadsToTheMessage reads the feed as a receiver does, who knows nothing of Anlan.
func TestFeedLeadsToTheMessage(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, _ := newService(t, d)
	issue(t, s, gasLeak())
	if !strings.Contains(get(t, s, "/warnings?lang=en"), `<link rel="alternate" type="application/atom+xml"`) {
		t.Error("the page doesn't name its feed")
	}
	var feed struct {
		Updated string `xml:"updated"`
		Entries []struct {
			ID    string `xml:"id"`
			Title string `xml:"title"`
			Links []struct {
				Rel  string `xml:"rel,attr"`
				Type string `xml:"type,attr"`
				Href string `xml:"href,attr"`
			} `xml:"link"`
			Severity string `xml:"urn:oasis:names:tc:emergency:cap:1.2 severity"`
			Expires  string `xml:"urn:oasis:names:tc:emergency:cap:1.2 expires"`
			Polygon  string `xml:"urn:oasis:names:tc:emergency:cap:1.2 polygon"`
		} `xml:"entry"`
	}
	if err := xml.Unmarshal([]byte(get(t, s, "/warnings.atom?lang=en")), &feed); err != nil {
		t.Fatal(err)
	}
	if len(feed.Entries) != 1 {
		t.Fatalf("%d entries", len(feed.Entries))
	}
	e := feed.Entries[0]
	if e.Severity != "Severe" || e.Expires != "2026-11-23T15:30:00+08:00" || !strings.HasPrefix(e.Polygon, "30,122 ") {
		t.Errorf("entry %+v", e)
	}
	for _, l := range e.Links {
		if l.Type == "application/cap+xml" {
			a := document(t, s, strings.TrimPrefix(l.Href, "https://city.example"))
			if a.Identifier != "urn:oid:2.49.0.1.156.0.2026-0001.1" || a.Sent.String() != "2026-11-23T09:30:00+08:00" {
				t.Errorf("the link leads to %s sent %s", a.Identifier, a.Sent)
			}
			return
		}
	}
	t.Error("no link to the CAP message")
}

func TestUTCIsWrittenAsMinusZero(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, _ := newService(t, d)
	s.options.TimeZone = nil
	issue(t, s, gasLeak())
	text := get(t, s, "/warnings/2026-0001.xml")
	if !strings.Contains(text, "<sent>2026-11-23T01:30:00-00:00</sent>") || strings.Contains(text, "Z<") {
		t.Errorf("times in %s", text)
	}
}

func TestFilterByDistrict(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, _ := newService(t, d)
	p := gasLeak()
	p.Areas = []int64{11}
	issue(t, s, p)
	for area, want := range map[int]bool{0: true, 11: true, 10: true, 12: false, 20: false} {
		if got := strings.Contains(get(t, s, fmt.Sprintf("/warnings?lang=en&area=%d", area)), "old harbour"); got != want {
			t.Errorf("area %d: shown %v", area, got)
		}
	}
}

// TestEveryWarningIsValid composes warnings of every level, hazard, kind and moment and holds them against the schema.
func TestEveryWarningIsValid(t *testing.T) {
	schema := testdata.Shared(t, "cap", "schema", "CAP-v1.2.xsd")
	xmllint := testdata.Program(t, "xmllint", "libxml2-utils")
	h := warntest.Shipped(t)
	dir := t.TempDir()
	files := 0
	rapid.Check(t, func(t *rapid.T) {
		o := Options{SenderName: page.Text{English: rapid.StringN(1, 20, -1).Draw(t, "sender") + "x"}}.withDefaults()
		o.TimeZone = rapid.SampledFrom([]*time.Location{nil, east8, time.FixedZone("", -5*3600-1800)}).Draw(t, "zone")
		sent := start.Add(time.Duration(rapid.Int64Range(0, 1e6).Draw(t, "sent")) * time.Second)
		text := func(name string) page.Text {
			return page.Text{English: seen(rapid.StringN(1, 60, 160).Draw(t, name), true) + " en", Chinese: seen(rapid.StringN(1, 60, 160).Draw(t, name), true) + " 中文"}
		}
		c := Content{Level: rapid.SampledFrom(levels).Draw(t, "level"), Hazard: rapid.SampledFrom(h.Composable()).Draw(t, "hazard"),
			Headline: text("headline"), Description: text("description"),
			Onset:   sent.Add(time.Duration(rapid.IntRange(-3600, 3600).Draw(t, "onset")) * time.Second),
			Expires: sent.Add(time.Duration(rapid.IntRange(3601, 500000).Draw(t, "expires")) * time.Second)}
		for i := range rapid.IntRange(1, 3).Draw(t, "areas") {
			lat := rapid.Float64Range(-80, 80).Draw(t, "lat")
			lon := rapid.Float64Range(-170, 170).Draw(t, "lon")
			ring, ok := cap.Ring{{Lat: lat, Lon: lon}, {Lat: lat, Lon: lon + .1}, {Lat: lat + .1, Lon: lon}, {Lat: lat, Lon: lon}}.Simplify(cap.MaxPoints)
			if !ok {
				t.Fatalf("triangle at %v,%v lost", lat, lon)
			}
			c.Areas = append(c.Areas, area.Place{ID: int64(i + 1), Code: "c", Name: page.Text{English: "Area", Chinese: "辖区"}, Rings: []cap.Ring{ring}})
		}
		if err := c.check(h, sent, DefaultMaxDuration); err != nil {
			t.Skip(err) // a headline that poses as a weather warning
		}
		r := record{number: "2026-0001", status: rapid.SampledFrom([]string{cap.Actual, cap.Exercise, cap.Test}).Draw(t, "status"), scope: cap.Public}
		v := version{n: 1, kind: rapid.SampledFrom([]Kind{kindAlert, kindUpdate, kindCancel, kindAllClear}).Draw(t, "kind"), content: c}
		var refs cap.References
		if v.kind != kindAlert {
			refs = cap.References{{Sender: o.Sender, Identifier: "x", Sent: cap.Time{Time: sent}}}
		}
		a, err := o.compose(r.message(v, sent, refs))
		if err != nil {
			t.Fatal(err)
		}
		document, err := cap.Encode(a)
		if err != nil {
			t.Fatal(err)
		}
		b, problems, err := cap.Decode(bytes.NewReader(document))
		if err != nil || cap.Judge(append(problems, cap.Check(b, cap.Publishing)...)) != cap.Accept {
			t.Fatalf("our own reader refuses it: %v %v", err, problems)
		}
		if got := b.Infos[0].Parameters[0].Value; got != string(c.Level) {
			t.Fatalf("colour %s, want %s", got, c.Level)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d.xml", files)), document, 0o600); err != nil {
			t.Fatal(err)
		}
		files++
	})
	all, _ := filepath.Glob(filepath.Join(dir, "*.xml"))
	output, err := exec.Command(xmllint, append([]string{"--noout", "--nonet", "--schema", schema}, all...)...).CombinedOutput()
	if err != nil {
		t.Errorf("xmllint: %v\n%s", err, output)
	}
	t.Logf("%d messages valid", len(all))
}

func TestScalesAreComplete(t *testing.T) {
	want := map[Level]string{Red: "Extreme", Orange: "Severe", Yellow: "Moderate", Blue: "Minor"}
	for _, l := range levels {
		for _, onset := range []time.Duration{-time.Hour, time.Hour} {
			urgency, severity, certainty := Content{Level: l, Onset: start.Add(onset)}.words(start)
			if severity != want[l] || urgency == "" || certainty == "" {
				t.Errorf("%s: %s %s %s", l, urgency, severity, certainty)
			}
		}
	}
}

func TestAPI(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	s, _ := newService(t, d)
	body := `{"level":"red","hazard":"fire","areas":[10],"headline":{"en":"Fire","zh-CN":"火灾"},"description":{"en":"A store burns.","zh-CN":"一处仓库起火。"},"expires":"2026-11-23T05:00:00Z"}`
	var w Warning
	call(t, s, first, "POST", "/api/v1/warnings", body, 201, &w)
	if w.State != Proposed || w.Areas[0].Name.Chinese != "港区" || w.Event.English != "Large fire" {
		t.Errorf("proposed %+v", w)
	}
	call(t, s, first, "POST", fmt.Sprintf("/api/v1/warnings/%d/approve", w.ID), "", 403, nil)
	call(t, s, second, "POST", fmt.Sprintf("/api/v1/warnings/%d/approve", w.ID), `{"version":1}`, 200, &w)
	if w.State != Issued {
		t.Errorf("approved %+v", w)
	}
	var list struct{ Items []Warning }
	for state, want := range map[string]int{"active": 1, "draft": 0, "all": 1} {
		call(t, s, first, "GET", "/api/v1/warnings?state="+state, "", 200, &list)
		if len(list.Items) != want {
			t.Errorf("%s: %d", state, len(list.Items))
		}
	}
	call(t, s, first, "POST", fmt.Sprintf("/api/v1/warnings/%d/cancel", w.ID), `{"reason":"A drill was mistaken for a fire."}`, 200, &w)
	if w.State != Cancelled || w.EndReason == "" {
		t.Errorf("cancelled %+v", w)
	}
	var preview struct{ CAP string }
	call(t, s, first, "POST", "/api/v1/warnings/preview", body, 200, &preview)
	if !strings.Contains(preview.CAP, "<event>Large fire</event>") {
		t.Errorf("preview %s", preview.CAP)
	}
}

func subjects(t testing.TB, d *db.DB) []string {
	return column(t, d, "select subject from outbox order by id nulls last")
}

func ledgerActions(t testing.TB, d *db.DB) []string {
	return column(t, d, "select json_text(record, 'action') from ledger_leaves order by id nulls last")
}

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

// What goes into a message's note or restriction can stand in XML.
func TestControlCharactersAreRefused(t *testing.T) {
	if _, err := wording.Reason("wrong\x01area"); code(err) != "warning.text_form" {
		t.Errorf("a reason: %v", err)
	}
	if err := checkAudience(cap.Actual, cap.Restricted, "the\uFFFEport"); code(err) != "warning.text_form" {
		t.Errorf("a restriction: %v", err)
	}
	if reason, err := wording.Reason("two lines\nof it"); err != nil || reason == "" {
		t.Errorf("an honest reason: %v", err)
	}
}

// Who was warned of a gas leak is not told of a flood in its place: an update keeps the hazard.
func TestAnUpdateKeepsTheHazard(t *testing.T) {
	s, _ := newService(t, dbtest.SQLite(t, allMigrations...))
	w := issue(t, s, gasLeak())
	p := gasLeak()
	p.Hazard = "flood"
	var e *web.Error
	if _, err := s.ProposeUpdate(as(first), w.ID, p); code(err) != "warning.hazard_fixed" || !errors.As(err, &e) || e.Field != "hazard" {
		t.Errorf("another hazard: %v", err)
	}
	p = gasLeak()
	p.Level = Red
	if _, err := s.ProposeUpdate(as(first), w.ID, p); err != nil {
		t.Errorf("another level: %v", err)
	}
}
