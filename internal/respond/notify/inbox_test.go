package notify

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/delivery"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
)

func (w *world) inbox(organisation int64, post string) *Inbox {
	w.t.Helper()
	in, err := w.Inbox(as(officer(1, 0)), organisation, post, false)
	if err != nil {
		w.t.Fatal(err)
	}
	return in
}

func titles(in *Inbox) string {
	var out []string
	for _, i := range in.Items {
		text := i.What + ":" + i.Title.En + i.Text
		if i.Over {
			text = "over:" + text
		}
		out = append(out, text)
	}
	return strings.Join(out, " | ")
}

func TestInbox(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.finding()
		give := func(text, post string, due time.Duration) int64 {
			x := respond.Task{Case: id, Free: text, Organisation: gasCo, Post: post, OpenedAt: w.now()}
			if due != 0 {
				x.DueAt = w.now().Add(due)
			}
			w.write(func(tx *db.Tx) error { return w.Cases.Give(tx, access.System("test"), &x) })
			return x.ID
		}
		give("whenever", "crew", 0)
		taken := give("taken on", "crew", time.Hour)
		give("soon", "crew", 2*time.Hour)
		give("call 13812345678", "office", 3*time.Hour)
		give("late", "", time.Minute)
		w.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`update case_tasks set acknowledged_at = $1, acknowledged_by = 'crew' where id = $2`, db.Micros(w.now()), taken)
			return err
		})
		w.clock.Advance(2 * time.Minute)
		w.raise(1, "orange")
		w.raise(2, "red")
		w.clear(1)

		want := "task:late | notice:Methane indoors · Alarm 7 | task:soon | notice:Hazard rectification · Harbour Road | task:whenever | task:taken on | over:notice:Methane indoors · Alarm 7"
		in := w.inbox(gasCo, "crew")
		if got := titles(in); got != want || in.Waiting != 5 || fmt.Sprint(in.Posts) != "[crew office]" || in.OrganisationName.Zh != "燃气公司" {
			t.Errorf("%s\nwant\n%s\n%+v", got, want, in)
		}
		if all := w.inbox(gasCo, ""); len(all.Items) != 8 || !strings.Contains(titles(all), "call ") || strings.Contains(titles(all), "13812345678") {
			t.Errorf("%s", titles(all))
		}
		newest, err := w.Inbox(as(officer(1, 0)), gasCo, "crew", true)
		if err != nil || newest.Items[0].What != "notice" || newest.Items[0].At.Before(newest.Items[1].At) {
			t.Errorf("%s, %v", titles(newest), err)
		}
		if got := titles(w.inbox(bureau, "")); got != "" {
			t.Errorf("the bureau's: %s", got)
		}
		// What is over goes by itself.
		w.clock.Advance(overShown + time.Second)
		if got := titles(w.inbox(gasCo, "crew")); strings.Contains(got, "over:") {
			t.Error(got)
		}
		// Of a case that is private to its parties nothing but the task itself.
		w.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`update cases set private = 1, level = 'red' where id = $1`, id)
			return err
		})
		for _, i := range w.inbox(gasCo, "crew").Items {
			if i.What == "task" && (i.Why != nil || i.Level != "") {
				t.Errorf("%+v", i)
			}
		}
		// And that to its parties alone, whoever else may look.
		own, err := w.Inbox(as(officer(1, gasCo)), gasCo, "crew", false)
		if err != nil || !strings.Contains(titles(own), "task") {
			t.Errorf("its own: %s, %v", titles(own), err)
		}
		w.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`update cases set desk = 999 where id = $1`, id)
			return err
		})
		city, err := w.Inbox(as(officer(1, 0)), gasCo, "crew", false)
		if err != nil || slices.ContainsFunc(city.Items, func(i Item) bool { return i.What == "task" && i.Case == id }) {
			t.Errorf("the city's view: %s, %v", titles(city), err)
		}
	})
}

func TestAcknowledgeANotice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.raise(1, "orange")
		w.pass(3 * time.Minute)
		ctx := as(officer(3, gasCo))
		n, err := w.Acknowledge(ctx, 1, "k1")
		if err != nil || n.State != Acknowledged || fmt.Sprint(w.alerts.taken) != "[1]" {
			t.Fatalf("%+v, alerts %v, %v", n, w.alerts.taken, err)
		}
		w.settle()
		if w.openCalls() != 0 || w.run(1).State != Acknowledged || w.run(1).EndedBy != "officer" {
			t.Errorf("%d calls are open, the run is %+v", w.openCalls(), w.run(1))
		}
		for range 2 { // the same request, and a new one
			if n, err := w.Acknowledge(ctx, 1, "k1"); err != nil || n.State != Acknowledged {
				t.Errorf("%+v, %v", n, err)
			}
		}
		if n := w.count(`select count(*) from ledger_leaves where subject = 'notice'`); n != 1 {
			t.Errorf("%d leaves of the ledger", n)
		}
		// The other post was told, too: its notice asks for nothing any more.
		if n, err := w.Acknowledge(as(officer(4, 0)), 2, "k2"); err != nil || n.State != withdrawn {
			t.Errorf("%+v, %v", n, err)
		}
		_, err = w.Acknowledge(ctx, 99, "k3")
		refused(t, "notice.not_found", 404, err)
		w.clear(1)
		w.want("over", "10 0/duty-officer over:10 over:0/duty-officer")
		if n, err := w.Acknowledge(ctx, 3, "k4"); err != nil || n.State != Acknowledged {
			t.Errorf("read that it is over: %+v, %v", n, err)
		}
	})
}

// Who may not acknowledge the alert may take note of the notice all the same; what fails otherwise fails as a whole.
func TestAcknowledgeWhatOneMayNot(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms...))
	w.raise(1, "orange")
	w.alerts.fails = errors.New("the store is away")
	if _, err := w.Acknowledge(as(officer(3, gasCo)), 1, ""); err == nil || w.openCalls() != 1 {
		t.Errorf("%v, %d open calls", err, w.openCalls())
	}
	w.alerts.fails = web.Errorf(http.StatusForbidden, "access.denied", "no")
	if n, err := w.Acknowledge(as(officer(3, gasCo)), 1, ""); err != nil || n.State != Acknowledged || w.run(1).State != Acknowledged {
		t.Errorf("%+v, %v", n, err)
	}
}

// scopes: the bureau (20) stands above the gas company (10).
type scopes struct{}

func (scopes) Covers(organisation, owner, _ int64) bool {
	return organisation == owner || organisation == bureau && owner == gasCo
}

// Touches fulfils access.Scopes; nothing here touches several areas.
func (scopes) Touches(int64, int64) bool { return false }

func TestWhoseInboxes(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms...))
	policy, err := access.NewPolicy(scopes{})
	if err != nil {
		t.Fatal(err)
	}
	w.access = policy
	w.restart(w.DB)
	w.raise(1, "orange")
	w.pass(3 * time.Minute)
	person := func(organisation int64, role string) context.Context {
		return as(access.Actor{Kind: access.KindAccount, ID: 9, Name: "x", Organisation: organisation, Roles: []string{role}})
	}
	for _, x := range []struct {
		who          context.Context
		organisation int64
		read, take   bool
		what         string
		notice       int64
	}{
		{person(gasCo, access.Operator), gasCo, true, true, "their own", 1},
		{person(gasCo, access.Analyst), gasCo, true, false, "an analyst changes nothing", 1},
		{person(bureau, access.DutyOfficer), gasCo, true, true, "one that they stand above", 1},
		{person(district, access.DutyOfficer), gasCo, false, false, "another's", 1},
		{person(gasCo, access.Operator), 0, false, false, "the city's own watch", 2},
		{person(0, access.DutyOfficer), 0, true, true, "the city's, by the city", 2},
		{context.Background(), gasCo, false, false, "the public", 1},
		{as(access.DeviceActor(1, "d", "s")), gasCo, false, false, "a device", 1},
		{as(access.System("s")), gasCo, true, false, "the program takes no note", 1},
	} {
		if _, err := w.Inbox(x.who, x.organisation, "", false); (err == nil) != x.read {
			t.Errorf("%s: read: %v", x.what, err)
		}
		if err := w.decide(x.who, "notice.acknowledge", x.organisation); (err == nil) != x.take {
			t.Errorf("%s: take note: %v", x.what, err)
		}
		if _, err := w.Acknowledge(x.who, x.notice, ""); (err == nil) != x.take {
			t.Errorf("%s: take note: %v", x.what, err)
		}
	}
}

// browser is a subscription with keys that are some.
func browser(t *testing.T, name string) Subscribe {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var s Subscribe
	s.Endpoint = "https://push.example/" + name
	s.Keys = delivery.SubscriptionKeys{P256dh: base64.RawURLEncoding.EncodeToString(key.PublicKey().Bytes()), Auth: base64.RawURLEncoding.EncodeToString(make([]byte, 16))}
	return s
}

func TestBrowsersAreReached(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		push, err := delivery.NewWebPush(clock.System(), delivery.PushOptions{KeyFile: t.TempDir() + "/vapid.json"})
		if err != nil {
			t.Fatal(err)
		}
		w.Service.Deps.Push = push
		crew, all, other := browser(t, "crew"), browser(t, "all"), browser(t, "other")
		crew.Post, all.Language, other.Organisation = "crew", "zh-CN", "20"
		for i, s := range []Subscribe{crew, all, other, crew} { // the last one again
			id := int64(i%3 + 1)
			w.city.accounts[id] = officer(id, gasCo)
			if err := w.Subscribe(as(officer(id, gasCo)), s); err != nil {
				t.Fatal(err)
			}
		}
		pushed := func() (out []string) {
			w.read(func(tx *db.Tx) error {
				out = nil
				ds, err := delivery.List(tx, delivery.Filter{Limit: 100})
				for _, d := range ds {
					if d.Channel == PushChannel {
						var s delivery.Subscription
						if err := json.Unmarshal([]byte(d.Address), &s); err != nil {
							return err
						}
						out = append(out, strings.TrimPrefix(s.Endpoint, "https://push.example/")+" "+d.Language+" "+d.State)
					}
				}
				return err
			})
			return out
		}
		w.raise(1, "red") // for all of the company
		if got := fmt.Sprint(pushed()); got != "[crew  waiting all zh-CN waiting]" {
			t.Errorf("%s", got)
		}
		w.acknowledgeAlert(1)
		if got := fmt.Sprint(pushed()); got != "[crew  withdrawn all zh-CN withdrawn]" {
			t.Errorf("after the acknowledgement: %s", got)
		}
		// One leaves the company, another browser is gone.
		delete(w.city.accounts, 1)
		address, err := all.Address()
		if err != nil {
			t.Fatal(err)
		}
		w.write(func(tx *db.Tx) error { return w.Gone(tx, PushChannel, address) })
		w.raise(2, "red")
		if got := len(pushed()); got != 2 {
			t.Errorf("%v", pushed())
		}
		if n := w.count(`select count(*) from push_subscriptions`); n != 1 {
			t.Errorf("%d browsers are left", n)
		}
		// Twelve browsers of one person: the oldest make room.
		for i := range 12 {
			if err := w.Subscribe(as(officer(7, gasCo)), browser(t, fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		if n := w.count(`select count(*) from push_subscriptions where account = 7`); n != mostBrowsers {
			t.Errorf("%d browsers of one person", n)
		}
		if err := w.Unsubscribe(as(officer(8, gasCo)), "https://push.example/11"); err != nil || w.count(`select count(*) from push_subscriptions where account = 7`) != mostBrowsers {
			t.Error("another's browser was taken off", err)
		}
		if err := w.Unsubscribe(as(officer(7, gasCo)), "https://push.example/11"); err != nil || w.count(`select count(*) from push_subscriptions where account = 7`) != mostBrowsers-1 {
			t.Error(err)
		}
		bad := browser(t, "bad")
		bad.Endpoint = "https://10.0.0.1/x"
		refused(t, "push.subscription", 422, w.Subscribe(as(officer(7, gasCo)), bad))
		refused(t, "push.person", 403, w.Subscribe(as(access.System("s")), browser(t, "s")))
	})
}

func TestHTTP(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms...))
	w.raise(1, "orange")
	r := web.NewRouter("test")
	w.Routes(r)
	handler := r.Server(func(next http.Handler) http.Handler { return next }).Handler
	ask := func(method, path, body string) (int, string) {
		t.Helper()
		req := httptest.NewRequest(method, path, strings.NewReader(body)).WithContext(as(officer(3, gasCo)))
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		res := httptest.NewRecorder()
		handler.ServeHTTP(res, req)
		return res.Code, res.Body.String()
	}
	for _, x := range []struct {
		method, path, body string
		status             int
		holds              string
	}{
		{"GET", "/api/v1/inbox", "", 200, `"title":{"en":"Methane indoors · Alarm 7","zh-CN":"室内甲烷泄漏 · 7 号报警器"}`},
		{"GET", "/api/v1/inbox", "", 200, `"organisation":10,"organisation_name":{"en":"Gas Company","zh-CN":"燃气公司"}`},
		{"GET", "/api/v1/inbox?organisation=0", "", 200, `"items":[]`},
		{"GET", "/api/v1/inbox?organisation=x", "", 422, `"field":"organisation"`},
		{"GET", "/api/v1/inbox?order=best", "", 422, `order`},
		{"POST", "/api/v1/notices/1/acknowledge", "", 200, `"state":"acknowledged"`},
		{"POST", "/api/v1/notices/9/acknowledge", "", 404, `"code":"notice.not_found"`},
		{"GET", "/api/v1/push/key", "", 404, `"code":"push.off"`},
		{"POST", "/api/v1/push/subscriptions", `{"endpoint":"https://push.example/x","keys":{"p256dh":"a","auth":"b"}}`, 404, `"code":"push.off"`},
		{"POST", "/api/v1/push/subscriptions/remove", `{"endpoint":"https://push.example/x"}`, 204, ""},
		{"GET", "/api/v1/deliveries?state=withdrawn", "", 200, `"channel":"file","state":"withdrawn"`},
		{"GET", "/api/v1/deliveries?state=lost", "", 422, `state`},
	} {
		status, body := ask(x.method, x.path, x.body)
		if status != x.status || !strings.Contains(body, x.holds) {
			t.Errorf("%s %s: %d %s", x.method, x.path, status, body)
		}
	}
}

// The team takes its task on with the notice; whoever else is told only takes note that it has not.
func TestAcknowledgeATask(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.finding()
		for i, x := range []struct {
			organisation int64
			taken        bool
		}{{0, false}, {gasCo, true}} {
			task := w.task(id, 0)
			w.pass(10 * time.Minute)
			w.pass(10 * time.Minute)
			for _, n := range w.notices() {
				if n.AboutID == task && n.Organisation == x.organisation {
					if _, err := w.Acknowledge(as(officer(int64(i+1), x.organisation)), n.ID, ""); err != nil {
						t.Fatal(err)
					}
				}
			}
			w.settle()
			var got *respond.Task
			w.read(func(tx *db.Tx) (err error) {
				got, err = respond.TaskByID(tx, task)
				return err
			})
			if taken := !got.AcknowledgedAt.IsZero(); taken != x.taken || w.openCalls() != 0 {
				t.Errorf("organisation %d: the task is taken on: %t; %d calls are open", x.organisation, taken, w.openCalls())
			}
		}
	})
}
