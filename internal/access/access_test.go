package access

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
)

var (
	start  = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	tables = []db.Migrations{ledger.Migrations(), Migrations()}
)

const goodPassword = "harbour lantern seven tides"

// house is access behind its own routes.
type house struct {
	t     *testing.T
	db    *db.DB
	clock *clock.Virtual
	dir   string
	s     *Service
	h     http.Handler
}

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		h := &house{t: t, db: d, clock: clock.NewVirtual(start), dir: t.TempDir()}
		h.restart(Deps{})
		fn(t, h)
	})
}

// restart starts the service anew on the same data.
func (h *house) restart(d Deps) {
	h.t.Helper()
	d.DB, d.Clock, d.DataDir = h.db, h.clock, h.dir
	d.Scopes = tree{}
	s, err := New(h.t.Context(), d)
	if err != nil {
		h.t.Fatal(err)
	}
	h.s = s
	r := web.NewRouter("test")
	s.Routes(r)
	who := func(w http.ResponseWriter, r *http.Request) {
		a := From(r.Context())
		fmt.Fprintf(w, "%s %s", a.Kind, a.Name)
	}
	r.HandleFunc("GET /whoami", who)
	r.HandleFunc("POST /whoami", who)
	h.h = r.Server(s.Authenticate).Handler
}

// call is a request as a browser on this machine sends it, unless a test changes it.
type call struct {
	method, path string
	body         any
	remote, host string
	cookie       string // as anlan_session
	header       map[string]string
	ctx          context.Context
}

type answer struct {
	status int
	body   string
	cookie *http.Cookie
	header http.Header
}

func (h *house) do(c call) answer {
	h.t.Helper()
	var body io.Reader
	contentType := ""
	switch b := c.body.(type) {
	case nil:
	case url.Values:
		body, contentType = strings.NewReader(b.Encode()), "application/x-www-form-urlencoded"
	default:
		text, err := json.Marshal(b)
		if err != nil {
			h.t.Fatal(err)
		}
		body, contentType = bytes.NewReader(text), "application/json"
	}
	r := httptest.NewRequest(c.method, c.path, body)
	if c.ctx != nil {
		r = r.WithContext(c.ctx)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	r.RemoteAddr, r.Host = "127.0.0.1:5000", "127.0.0.1:8080"
	if c.remote != "" {
		r.RemoteAddr = c.remote
	}
	if c.host != "" {
		r.Host = c.host
	}
	if c.cookie != "" {
		r.AddCookie(&http.Cookie{Name: cookieName, Value: c.cookie})
	}
	for k, v := range c.header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.h.ServeHTTP(w, r)
	a := answer{status: w.Code, body: w.Body.String(), header: w.Header()}
	for _, k := range w.Result().Cookies() {
		if strings.HasSuffix(k.Name, cookieName) {
			a.cookie = k
		}
	}
	return a
}

func (h *house) want(status int, c call) answer {
	h.t.Helper()
	a := h.do(c)
	if a.status != status {
		h.t.Fatalf("%s %s: %d %s, want %d", c.method, c.path, a.status, a.body, status)
	}
	return a
}

func (h *house) whoami(cookie string) string {
	h.t.Helper()
	return h.want(200, call{method: "GET", path: "/whoami", cookie: cookie}).body
}

func (h *house) signIn(name, password string) answer {
	h.t.Helper()
	return h.do(call{method: "POST", path: "/api/v1/session", body: map[string]string{"name": name, "password": password}})
}

// as is the context of an administrator of the organisation; 0 is the city.
func (h *house) as(organisation int64, roles ...string) context.Context {
	return With(h.t.Context(), Actor{Kind: KindAccount, ID: 900, Name: "tester", Organisation: organisation, Roles: roles})
}

// account makes an account with goodPassword and returns its id.
func (h *house) account(name string, organisation int64, roles ...string) int64 {
	h.t.Helper()
	a, link, err := h.s.CreateAccount(h.as(0, Administrator), AccountSpec{Name: name, Organisation: organisation, CityWide: organisation == 0, Roles: roles})
	if err != nil {
		h.t.Fatal(err)
	}
	h.setUp(link, "")
	return a.ID
}

func (h *house) setUp(link, name string) {
	h.t.Helper()
	h.want(200, call{method: "POST", path: link, body: url.Values{"name": {name}, "password": {goodPassword}, "repeat": {goodPassword}}})
}

// entries are the actions in the ledger, oldest first.
func (h *house) entries() []string {
	h.t.Helper()
	var list []string
	err := h.db.Read(h.t.Context(), func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			var rec string
			if err := rows.Scan(&rec); err != nil {
				return err
			}
			var r struct{ Action, Actor string }
			if err := json.Unmarshal([]byte(rec), &r); err != nil {
				return err
			}
			list = append(list, r.Action+" by "+r.Actor)
			return nil
		}, `select record from ledger_leaves order by id nulls first`)
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

func status(t *testing.T, err error) int {
	t.Helper()
	var e *web.Error
	if err != nil && !errors.As(err, &e) {
		t.Fatalf("not an error for people: %v", err)
	}
	if e == nil {
		return 200
	}
	return e.Status
}

func TestTheFirstAdministratorComesInByTheLinkOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		link, err := h.s.SetupLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(strings.TrimPrefix(link, "/setup/")) != 43 { // 256 bits in base64
			t.Fatalf("link %s", link)
		}
		for range 3 { // looking does not use it up
			a := h.want(200, call{method: "GET", path: link, header: map[string]string{"Accept-Language": "en"}})
			if !strings.Contains(a.body, "first administrator") || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("page %s, %v", a.body, a.header)
			}
		}
		if a := h.want(200, call{method: "GET", path: link + "?lang=zh-CN"}); !strings.Contains(a.body, "设置首位管理员") {
			t.Errorf("no Chinese page: %s", a.body)
		}
		h.want(404, call{method: "GET", path: "/setup/" + secret()})

		form := url.Values{"name": {"管理员一号"}, "password": {goodPassword}, "repeat": {goodPassword}}
		wrong := url.Values{"name": {"管理员一号"}, "password": {goodPassword}, "repeat": {"something else entirely"}}
		h.want(422, call{method: "POST", path: link, body: wrong})
		short := url.Values{"name": {"管理员一号"}, "password": {"eleven char"}, "repeat": {"eleven char"}}
		if a := h.want(422, call{method: "POST", path: link, body: short}); !strings.Contains(a.body, "12") {
			t.Errorf("the page does not say how long: %s", a.body)
		}
		h.want(422, call{method: "POST", path: link, body: url.Values{"name": {"a b"}, "password": {goodPassword}, "repeat": {goodPassword}}})

		// Eight at once: only one of them may become administrator.
		var wg sync.WaitGroup
		codes := make([]int, 8)
		for i := range codes {
			wg.Go(func() {
				f := url.Values{"name": {fmt.Sprintf("admin%d", i)}, "password": form["password"], "repeat": form["repeat"]}
				codes[i] = h.do(call{method: "POST", path: link, body: f}).status
			})
		}
		wg.Wait()
		slices.Sort(codes)
		if codes[0] != 200 || codes[1] != 404 {
			t.Errorf("answers %v, want one 200 and else 404", codes)
		}
		h.want(404, call{method: "POST", path: link, body: form})
		h.want(404, call{method: "GET", path: link})
		if again, err := h.s.SetupLink(t.Context()); err != nil || again != "" {
			t.Errorf("a second first administrator is offered: %q, %v", again, err)
		}
		accounts, err := h.s.Accounts(h.as(0, Administrator))
		if err != nil || len(accounts) != 1 || !accounts[0].CityWide || !slices.Equal(accounts[0].Roles, []string{Administrator}) {
			t.Errorf("accounts %+v, %v", accounts, err)
		}
		if got := h.signIn(accounts[0].Name, goodPassword); got.status != 200 {
			t.Errorf("sign in: %d %s", got.status, got.body)
		}
		if e := h.entries(); len(e) != 1 || !strings.HasPrefix(e[0], "account.setup by admin") {
			t.Errorf("ledger %v", e)
		}
	})
}

func TestASetupLinkDiesAfterADayAndWhenANewOneIsPrinted(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		first, err := h.s.SetupLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		second, err := h.s.SetupLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		h.want(404, call{method: "GET", path: first})
		h.clock.Advance(LinkLife - time.Second)
		h.want(200, call{method: "GET", path: second})
		h.clock.Advance(time.Second)
		h.want(404, call{method: "GET", path: second})
		h.want(404, call{method: "POST", path: second, body: url.Values{"name": {"admin"}, "password": {goodPassword}, "repeat": {goodPassword}}})
		if n := len(h.s.known.Load().accounts); n != 0 {
			t.Errorf("%d accounts", n)
		}
		// What is in the database opens nothing: it holds digests.
		third, err := h.s.SetupLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := h.db.Read(t.Context(), func(tx *db.Tx) error {
			return tx.Each(func(rows *sql.Rows) error {
				var b []byte
				if err := rows.Scan(&b); err != nil {
					return err
				}
				if strings.Contains(third, string(b)) {
					t.Error("the link stands in the database")
				}
				return nil
			}, `select token from access_links`)
		}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestASessionFromSignInToSignOut(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.account("officer", 0, DutyOfficer)
		h.want(401, call{method: "GET", path: "/api/v1/session"})
		if got := h.signIn("officer", "not the password"); got.status != 401 || got.cookie != nil {
			t.Fatalf("wrong password: %+v", got)
		}
		if got := h.signIn("nobody-here", goodPassword); got.status != 401 {
			t.Fatalf("unknown name: %+v", got)
		}
		in := h.signIn("ＯＦＦＩＣＥＲ", goodPassword) // names are compared without case and width
		if in.status != 200 || in.cookie == nil {
			t.Fatalf("sign in: %+v", in)
		}
		c := in.cookie
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.MaxAge != 0 || len(c.Value) != 43 {
			t.Errorf("cookie %+v", c)
		}
		var body sessionBody
		if err := json.Unmarshal([]byte(h.want(200, call{method: "GET", path: "/api/v1/session", cookie: c.Value}).body), &body); err != nil {
			t.Fatal(err)
		}
		if body.Actor.Name != "officer" || !slices.Equal(body.Actor.Roles, []string{DutyOfficer}) || body.Demo || body.Notice != nil {
			t.Errorf("session %+v", body)
		}
		if got := h.whoami(c.Value); got != "account officer" {
			t.Errorf("whoami: %s", got)
		}
		if err := h.db.Read(t.Context(), func(tx *db.Tx) error {
			_, err := findSession(tx, digest(c.Value))
			return err
		}); err != nil {
			t.Errorf("the session is not stored under the cookie's digest: %v", err)
		}
		out := h.want(204, call{method: "DELETE", path: "/api/v1/session", cookie: c.Value})
		if out.cookie == nil || out.cookie.MaxAge >= 0 || out.cookie.Value != "" {
			t.Errorf("the cookie is not taken back: %+v", out.cookie)
		}
		if got := h.whoami(c.Value); got != "public " {
			t.Errorf("the old cookie still works after signing out: %s", got)
		}
	})
}

func TestSessionFixation(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.account("officer", 0, DutyOfficer)
		h.account("attacker", 2, Operator)
		planted := secret() // a cookie that the attacker chose for the victim's browser
		in := h.want(200, call{method: "POST", path: "/api/v1/session", cookie: planted, body: map[string]string{"name": "officer", "password": goodPassword}})
		if in.cookie.Value == planted {
			t.Fatal("the session took the secret that the browser brought along")
		}
		if got := h.whoami(planted); got != "public " {
			t.Errorf("the planted cookie is signed in: %s", got)
		}
		// The attacker plants a session of their own, which is valid.
		own := h.signIn("attacker", goodPassword).cookie.Value
		in = h.want(200, call{method: "POST", path: "/api/v1/session", cookie: own, body: map[string]string{"name": "officer", "password": goodPassword}})
		if got := h.whoami(own); got != "public " {
			t.Errorf("the planted session goes on: %s", got)
		}
		if in.cookie.Value == own {
			t.Error("the planted session became the officer's")
		}
	})
}

// A drill lives through days in minutes; whoever plays it stays signed in.
func TestSessionsKeepThePeoplesTime(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		people := clock.NewVirtual(start)
		h.restart(Deps{People: people})
		h.account("officer", 0, DutyOfficer)
		c := h.signIn("officer", goodPassword).cookie.Value
		h.clock.Advance(30 * MaxSession)
		if got := h.whoami(c); got != "account officer" {
			t.Errorf("after 30 days of the drill: %s", got)
		}
		people.Advance(MaxIdle + time.Second)
		if got := h.whoami(c); got != "public " {
			t.Errorf("after the idle time of life: %s", got)
		}
	})
}

func TestSessionsEnd(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		id := h.account("officer", 0, DutyOfficer)
		h.account("admin", 0, Administrator)

		idle := h.signIn("officer", goodPassword).cookie.Value
		h.clock.Advance(MaxIdle)
		if got := h.whoami(idle); got != "account officer" {
			t.Errorf("within the idle time: %s", got)
		}
		h.settle()
		h.clock.Advance(MaxIdle + time.Second)
		if got := h.whoami(idle); got != "public " {
			t.Errorf("after the idle time: %s", got)
		}

		busy := h.signIn("officer", goodPassword).cookie.Value
		for range 23 {
			h.clock.Advance(time.Hour)
			if got := h.whoami(busy); got != "account officer" {
				t.Fatalf("a session in use ended after %s: %s", h.clock.Now().Sub(start), got)
			}
			h.settle()
		}
		h.clock.Advance(time.Hour + time.Second)
		if got := h.whoami(busy); got != "public " {
			t.Errorf("after a day, however busy: %s", got)
		}

		roles := h.signIn("officer", goodPassword).cookie.Value
		if _, err := h.s.ChangeAccount(h.as(0, Administrator), id, AccountChange{Roles: []string{Analyst}}); err != nil {
			t.Fatal(err)
		}
		if got := h.want(200, call{method: "GET", path: "/api/v1/session", cookie: roles}).body; !strings.Contains(got, Analyst) || strings.Contains(got, DutyOfficer) {
			t.Errorf("the new role waits for the next sign-in: %s", got)
		}
		off := true
		if _, err := h.s.ChangeAccount(h.as(0, Administrator), id, AccountChange{Disabled: &off}); err != nil {
			t.Fatal(err)
		}
		if got := h.whoami(roles); got != "public " {
			t.Errorf("a disabled account is still signed in: %s", got)
		}
		if got := h.signIn("officer", goodPassword); got.status != 401 {
			t.Errorf("a disabled account signs in: %d", got.status)
		}

		// A dead session is removed in time.
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- h.s.Run(ctx) }()
		h.clock.AwaitSleepers(1)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		var left int
		if err := h.db.Read(t.Context(), func(tx *db.Tx) error {
			return tx.QueryRow(`select count(*) from access_sessions`).Scan(&left)
		}); err != nil {
			t.Fatal(err)
		}
		if left != 0 {
			t.Errorf("%d dead sessions are left", left)
		}
	})
}

// settle waits for the writes that nobody waits for: they are done when a write queued after them is.
func (h *house) settle() {
	h.t.Helper()
	if err := h.db.Write(h.t.Context(), func(*db.Tx) error { return nil }); err != nil {
		h.t.Fatal(err)
	}
}

func TestANewPasswordEndsAllSessions(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		id := h.account("officer", 0, DutyOfficer)
		one, two := h.signIn("officer", goodPassword).cookie.Value, h.signIn("officer", goodPassword).cookie.Value
		const next = "another lantern eight tides"
		put := func(status int, cookie, old, password string) answer {
			t.Helper()
			return h.want(status, call{method: "PUT", path: "/api/v1/session/password", cookie: cookie, body: map[string]string{"password": old, "new_password": password}})
		}
		put(403, one, "not the password", next)
		put(422, one, goodPassword, "short")
		put(403, "", goodPassword, next)
		before := h.s.known.Load().accounts[id]
		three := put(200, one, goodPassword, next).cookie.Value
		for _, old := range []string{one, two} {
			if got := h.whoami(old); got != "public " {
				t.Errorf("a session from before the change: %s", got)
			}
		}
		if got := h.whoami(three); got != "account officer" {
			t.Errorf("the session that changed it: %s", got)
		}
		if got := h.signIn("officer", goodPassword).status; got != 401 {
			t.Errorf("the old password: %d", got)
		}
		// Someone whose old password was just found right while it was being changed.
		late, err := h.s.start(t.Context(), before)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.whoami(late.Value); got != "public " {
			t.Errorf("a session begun with the old password after the change: %s", got)
		}
		link, err := h.s.NewLink(h.as(0, Administrator), id)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.whoami(three); got != "account officer" {
			t.Errorf("issuing a link already ended the session: %s", got)
		}
		h.setUp(link, "")
		if got := h.whoami(three); got != "public " {
			t.Errorf("after the link was used: %s", got)
		}
		if got := h.signIn("officer", goodPassword).status; got != 200 {
			t.Errorf("the password set by the link: %d", got)
		}
	})
}

func TestCookiesOverHTTPSBelongToTheHost(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.account("officer", 0, DutyOfficer)
		h.restart(Deps{Secure: true})
		in := h.signIn("officer", goodPassword)
		if c := in.cookie; c.Name != "__Host-anlan_session" || !c.Secure || c.Domain != "" || c.Path != "/" {
			t.Errorf("cookie %+v", c)
		}
		if got := h.whoami(in.cookie.Value); got != "public " {
			t.Errorf("a cookie without the prefix, which another host of the domain could have set: %s", got)
		}
		if got := h.do(call{method: "GET", path: "/whoami", header: map[string]string{"Cookie": "__Host-anlan_session=" + in.cookie.Value}}).body; got != "account officer" {
			t.Errorf("whoami: %s", got)
		}
	})
}

func TestCrossSiteRequestsChangeNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.account("officer", 0, DutyOfficer)
		cookie := h.signIn("officer", goodPassword).cookie.Value
		for name, header := range map[string]map[string]string{
			"a page of another site":              {"Sec-Fetch-Site": "cross-site"},
			"a page of another host of the site":  {"Sec-Fetch-Site": "same-site"},
			"an old browser, by its origin":       {"Origin": "https://evil.example"},
			"an origin that hides":                {"Origin": "null"},
			"another port of this machine's name": {"Origin": "http://127.0.0.1:9999"},
		} {
			for _, path := range []string{"/whoami", "/api/v1/session/demo"} {
				a := h.do(call{method: "POST", path: path, cookie: cookie, header: header, body: map[string]string{"as": "duty-officer"}})
				if a.status != 403 || !strings.Contains(a.body, "access.cross_site") {
					t.Errorf("%s, POST %s: %d %s", name, path, a.status, a.body)
				}
			}
			if a := h.do(call{method: "DELETE", path: "/api/v1/session", cookie: cookie, header: header}); a.status != 403 {
				t.Errorf("%s signs the officer out: %d", name, a.status)
			}
			if a := h.do(call{method: "GET", path: "/whoami", header: header}); a.status != 200 {
				t.Errorf("%s may follow a link: %d", name, a.status)
			}
		}
		for name, header := range map[string]map[string]string{
			"the console itself": {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8080"},
			"no browser":         {},
		} {
			if a := h.do(call{method: "POST", path: "/whoami", cookie: cookie, header: header}); a.body != "account officer" {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
	})
}

func TestSignInIsThrottledPerAccountAndAddress(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.account("officer", 0, DutyOfficer)
		h.account("other", 0, DutyOfficer)
		before := len(h.entries())
		try := func(name, password, remote string) int {
			return h.do(call{method: "POST", path: "/api/v1/session", remote: remote, body: map[string]string{"name": name, "password": password}}).status
		}
		const attacker, victim = "203.0.113.9:1", "198.51.100.7:1"
		for i := range accountBurst {
			if got := try("officer", "guess number one", attacker); got != 401 {
				t.Fatalf("attempt %d: %d", i, got)
			}
		}
		for range 3 {
			if got := try("officer", goodPassword, attacker); got != 429 {
				t.Errorf("the sixth attempt, even with the right password: %d", got)
			}
		}
		if got := try("OFFICER", goodPassword, attacker); got != 429 {
			t.Errorf("in capitals: %d", got)
		}
		if got := try("officer", goodPassword, victim); got != 200 {
			t.Errorf("the holder, from elsewhere, is locked out: %d", got)
		}
		if got := try("other", goodPassword, attacker); got != 200 {
			t.Errorf("another account from that address: %d", got)
		}
		if e := h.entries()[before:]; len(e) != 1 || e[0] != "session.limited by public" {
			t.Errorf("ledger %v, want one entry for the whole row of refusals", e)
		}
		a := h.do(call{method: "POST", path: "/api/v1/session", remote: attacker, body: map[string]string{"name": "officer", "password": "x"}})
		if a.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		h.clock.Advance(accountEvery)
		if got := try("officer", goodPassword, attacker); got != 200 {
			t.Errorf("after the wait: %d", got)
		}
		// Signing in forgives what went before: an officer who mistypes each morning is not held back in the evening.
		const clumsy = "198.51.100.200:1"
		for round := range 3 {
			for range accountBurst - 1 {
				if got := try("officer", "harbour lantern", clumsy); got != 401 {
					t.Fatalf("round %d: %d", round, got)
				}
			}
			if got := try("officer", goodPassword, clumsy); got != 200 {
				t.Fatalf("round %d, the right password: %d", round, got)
			}
		}
		// One password on many accounts. The names are made up, so no hash depends on them.
		n := 0
		for i := 0; i < 2*addressBurst; i++ {
			if wait, _ := h.s.throttle.attempt(h.clock.Now(), fmt.Sprintf("account%d", i), netip.MustParseAddr("203.0.113.77")); wait == 0 {
				n++
			}
		}
		if n != addressBurst {
			t.Errorf("%d accounts tried from one address, want %d", n, addressBurst)
		}
	})
}

func TestThrottleIsBounded(t *testing.T) {
	th := newThrottle()
	for i := range 3 * maxThrottled {
		th.attempt(start, "x", netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if n := len(th.buckets); n > maxThrottled+2 {
		t.Errorf("%d entries", n)
	}
	if wait, _ := th.attempt(start, "x", netip.MustParseAddr("192.0.2.1")); wait == 0 {
		t.Error("a stranger in the crowd goes unthrottled")
	}
	if wait, _ := th.attempt(start.Add(time.Hour), "x", netip.MustParseAddr("192.0.2.1")); wait != 0 {
		t.Error("an hour later all is forgiven")
	}
	if a, b := network(netip.MustParseAddr("2001:db8::1")), network(netip.MustParseAddr("2001:db8::ffff:2")); a != b {
		t.Errorf("one subscriber counts as two: %s, %s", a, b)
	}
	if a, b := network(netip.MustParseAddr("::ffff:192.0.2.1")), network(netip.MustParseAddr("192.0.2.1")); a != b {
		t.Errorf("a mapped address counts as another: %s, %s", a, b)
	}
}

func TestDemoOnlyFromThisMachineToThisMachine(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		enter := call{method: "POST", path: "/api/v1/session/demo", body: map[string]string{"as": "duty-officer"}}
		h.want(404, enter) // nobody enabled it
		for _, listen := range []string{":8080", "0.0.0.0:8080", "192.0.2.1:8080", "[::]:8080", "example.org:8080", "127.0.0.1.example.org:8080", ""} {
			if h.s.EnableDemo(t.Context(), listen) == nil {
				t.Errorf("the demo opens on %q", listen)
			}
		}
		h.want(404, enter)
		for _, listen := range []string{"127.0.0.1:8080", "[::1]:8080", "localhost:0"} {
			if err := h.s.EnableDemo(t.Context(), listen); err != nil {
				t.Errorf("%s: %v", listen, err)
			}
		}
		for name, change := range map[string]func(c *call){
			"another machine":             func(c *call) { c.remote = "192.0.2.1:5000" },
			"another machine by IPv6":     func(c *call) { c.remote = "[2001:db8::1]:5000" },
			"a rebound name":              func(c *call) { c.host = "evil.example" },
			"a rebound name with a port":  func(c *call) { c.host = "evil.example:8080" },
			"a name that looks local":     func(c *call) { c.host = "127.0.0.1.evil.example" },
			"through a proxy":             func(c *call) { c.header = map[string]string{"X-Forwarded-For": "127.0.0.1"} },
			"through a proxy, standard":   func(c *call) { c.header = map[string]string{"Forwarded": "for=127.0.0.1"} },
			"through a proxy, by Via":     func(c *call) { c.header = map[string]string{"Via": "1.1 proxy"} },
			"through a proxy, by real IP": func(c *call) { c.header = map[string]string{"X-Real-IP": "127.0.0.1"} },
		} {
			c := enter
			change(&c)
			if a := h.do(c); a.status != 403 || a.cookie != nil {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		in := h.want(200, enter)
		if !strings.Contains(in.body, `"demo":true`) || !strings.Contains(in.body, "without a password") || !strings.Contains(in.body, "演示") {
			t.Errorf("the demo does not say so: %s", in.body)
		}
		second := h.want(200, call{method: "POST", path: "/api/v1/session/demo", host: "localhost:8080", remote: "[::1]:9", body: map[string]string{"as": "second-officer"}})
		if a, b := h.whoami(in.cookie.Value), h.whoami(second.cookie.Value); a != "account demo-duty-officer" || b != "account demo-second-officer" {
			t.Errorf("signed in as %s and %s", a, b)
		}
		h.want(422, call{method: "POST", path: "/api/v1/session/demo", body: map[string]string{"as": "administrator"}})

		// Posts of agencies come on top, each with its own organisation and nothing else.
		posts := []DemoPost{{ID: "drainage", Organisation: 7, Title: Words{English: "Drainage", Chinese: "排水"}, Roles: []string{Operator}}}
		if err := h.s.OfferDemoPosts(t.Context(), DemoPost{ID: "all", Roles: []string{DutyOfficer}}); err == nil {
			t.Error("a post without an organisation would see the whole city")
		}
		for range 2 { // a demo that starts again finds its accounts
			if err := h.s.OfferDemoPosts(t.Context(), posts...); err != nil {
				t.Fatal(err)
			}
		}
		if offer := h.want(200, call{method: "GET", path: "/api/v1/session/demo"}); !strings.Contains(offer.body, `"as":"drainage"`) || !strings.Contains(offer.body, "排水") {
			t.Errorf("the post is not offered: %s", offer.body)
		}
		if offer := h.do(call{method: "GET", path: "/api/v1/session/demo", remote: "192.0.2.1:5000"}); strings.Contains(offer.body, "drainage") {
			t.Errorf("posts are offered to another machine: %s", offer.body)
		}
		if a := h.do(call{method: "POST", path: "/api/v1/session/demo", remote: "192.0.2.1:5000", body: map[string]string{"as": "drainage"}}); a.status != 403 || a.cookie != nil {
			t.Errorf("a post from another machine: %d", a.status)
		}
		in7 := h.want(200, call{method: "POST", path: "/api/v1/session/demo", body: map[string]string{"as": "drainage"}})
		if !strings.Contains(in7.body, `"organisation":7`) || !strings.Contains(in7.body, `"operator"`) {
			t.Errorf("signed in as %s", in7.body)
		}
		posts[0].Organisation = 8
		if err := h.s.OfferDemoPosts(t.Context(), posts...); err != nil {
			t.Fatal(err)
		}
		if again := h.want(200, call{method: "POST", path: "/api/v1/session/demo", body: map[string]string{"as": "drainage"}}); !strings.Contains(again.body, `"organisation":8`) {
			t.Errorf("the post did not move with its organisation: %s", again.body)
		}

		// The cookie of a demo session is worth nothing elsewhere.
		if a := h.do(call{method: "GET", path: "/whoami", cookie: in.cookie.Value, remote: "192.0.2.1:5000"}); a.body != "public " {
			t.Errorf("a demo session from another machine: %s", a.body)
		}
		// A demo account can't be entered by a password, not even an empty one.
		for _, p := range []string{"", goodPassword} {
			if got := h.signIn("demo-duty-officer", p).status; got != 401 {
				t.Errorf("password %q: %d", p, got)
			}
		}
		if _, err := h.s.NewLink(h.as(0, Administrator), h.s.known.Load().names["demo-duty-officer"].id); err == nil {
			t.Error("a demo account was given a link for a password")
		}
		if link, err := h.s.SetupLink(t.Context()); err != nil || link == "" {
			t.Errorf("a demo account counts as an administrator: %q %v", link, err)
		}
		e := h.entries()
		slices.Sort(e)
		if len(e) != 4 || e[0] != "account.change by demo" || e[1] != "account.create by demo" || e[3] != e[1] {
			t.Errorf("ledger %v", e)
		}
		// The next start without the demo closes it, for open sessions too.
		h.restart(Deps{})
		h.want(404, enter)
		if got := h.whoami(in.cookie.Value); got != "public " {
			t.Errorf("a demo session outlives the demo: %s", got)
		}
	})
}

func TestDeviceTokens(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		info, text, err := h.s.CreateToken(h.as(0, Administrator), TokenSpec{Name: "gateway 4", Source: "gas-scada", Prefixes: []string{"gas/"}, Organisation: 2})
		if err != nil {
			t.Fatal(err)
		}
		bearer := func(text string) answer {
			return h.do(call{method: "POST", path: "/whoami", header: map[string]string{"Authorization": "Bearer " + text}})
		}
		if a := bearer(text); a.body != "device gateway 4" {
			t.Errorf("%d %s", a.status, a.body)
		}
		for _, wrong := range []string{text + "x", text[:len(text)-1], "", "anlan_device_"} {
			if a := bearer(wrong); a.status != 401 || !strings.Contains(a.header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("token %q: %d %s", wrong, a.status, a.body)
			}
		}
		if a := h.do(call{method: "GET", path: "/whoami", header: map[string]string{"Authorization": "Basic YTpi"}}); a.status != 401 {
			t.Errorf("another scheme falls back to the public: %d", a.status)
		}
		if got := h.whoami(text); got != "public " {
			t.Errorf("a device token as a cookie: %s", got)
		}
		h.settle()
		list, err := h.s.Tokens(h.as(0, Administrator))
		if err != nil || len(list) != 1 || list[0].LastUsed == nil || !list[0].LastUsed.Equal(start) {
			t.Errorf("tokens %+v, %v", list, err)
		}
		if err := h.db.Read(t.Context(), func(tx *db.Tx) error {
			tokens, err := allTokens(tx)
			if err == nil && tokens[0].usedAt.Load() != db.Micros(start) {
				t.Errorf("last use %d", tokens[0].usedAt.Load())
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if b, err := json.Marshal(list); err != nil || bytes.Contains(b, []byte(text)) {
			t.Errorf("the list shows the secret (%v)", err)
		}
		if _, _, err := h.s.CreateToken(h.as(0, Administrator), TokenSpec{Name: "x", Source: "gas-scada", Organisation: 1}); status(t, err) != 409 {
			t.Errorf("another organisation took over the source: %v", err)
		}
		// The same service that admitted it refuses it right after, and so does another process, once it has looked.
		second, err := New(t.Context(), Deps{DB: h.db, Clock: h.clock, Scopes: tree{}})
		if err != nil {
			t.Fatal(err)
		}
		generation := h.s.Generation()
		if err := h.s.RevokeToken(h.as(0, Administrator), info.ID); err != nil {
			t.Fatal(err)
		}
		if h.s.Generation() == generation {
			t.Error("whoever remembers decisions is not told")
		}
		if a := bearer(text); a.status != 401 {
			t.Errorf("a revoked token: %d %s", a.status, a.body)
		}
		if h.s.Alive(With(t.Context(), DeviceActor(info.ID, "gateway 4", "gas-scada"))) {
			t.Error("a stream of the revoked token goes on")
		}
		if err := second.refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := second.bearer(t.Context(), text, peer{}); status(t, err) != 401 {
			t.Errorf("the other process still admits it: %v", err)
		}
		if err := h.s.RevokeToken(h.as(0, Administrator), info.ID); status(t, err) != 404 {
			t.Errorf("revoked twice: %v", err)
		}
		if e := h.entries(); !slices.Equal(e, []string{"token.create by tester", "token.revoke by tester"}) {
			t.Errorf("ledger %v", e)
		}
	})
}

func TestTheLocalTokenIsThisMachinesUsersOnly(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		file := filepath.Join(h.dir, localTokenFile)
		read := func() string {
			t.Helper()
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != 0o600 {
				t.Errorf("mode %o", info.Mode().Perm())
			}
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			return strings.TrimSpace(string(b))
		}
		old := read()
		use := func(text, remote string, header map[string]string) answer {
			hd := map[string]string{"Authorization": "Bearer " + text}
			for k, v := range header {
				hd[k] = v
			}
			return h.do(call{method: "POST", path: "/whoami", remote: remote, header: hd})
		}
		if a := use(old, "", nil); a.body != "system local command" {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := use(old, "192.0.2.1:1", nil); a.status != 401 {
			t.Errorf("from another machine: %d", a.status)
		}
		if a := use(old, "", map[string]string{"X-Forwarded-For": "192.0.2.1"}); a.status != 401 {
			t.Errorf("through a proxy on this machine: %d", a.status)
		}
		h.restart(Deps{})
		if read() == old {
			t.Error("the token outlives a restart")
		}
		if a := use(old, "", nil); a.status != 401 {
			t.Errorf("the token of the run before: %d", a.status)
		}
		if a := use("", "", nil); a.status != 401 {
			t.Errorf("an empty token: %d", a.status)
		}
	})
}

func TestAdministratorsStayInTheirOrganisation(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		two := h.account("operator-two", 2, Operator)
		five := h.account("operator-five", 5, Operator)
		h.account("admin", 0, Administrator)
		admin2 := h.as(2, Administrator)
		yes, city, org2, org5 := true, true, int64(2), int64(5)
		for name, tt := range map[string]struct {
			err  error
			want int
		}{
			"make a city account": {second(h.s.CreateAccount(admin2, AccountSpec{Name: "x1", CityWide: true, Roles: []string{Administrator}})), 403},
			"make one elsewhere":  {second(h.s.CreateAccount(admin2, AccountSpec{Name: "x2", Organisation: 5, Roles: []string{Operator}})), 403},
			"neither nor":         {second(h.s.CreateAccount(admin2, AccountSpec{Name: "x3", Roles: []string{Operator}})), 422},
			"both":                {second(h.s.CreateAccount(admin2, AccountSpec{Name: "x4", CityWide: true, Organisation: 2, Roles: []string{Operator}})), 422},
			"an invented role":    {second(h.s.CreateAccount(admin2, AccountSpec{Name: "x5", Organisation: 2, Roles: []string{"king"}})), 422},
			"make one at home":    {second(h.s.CreateAccount(admin2, AccountSpec{Name: "x6", Organisation: 2, Roles: []string{Operator}})), 200},
			"change one elsewhere": {func() error {
				_, err := h.s.ChangeAccount(admin2, five, AccountChange{Disabled: &yes})
				return err
			}(), 403},
			"move one out": {func() error {
				_, err := h.s.ChangeAccount(admin2, two, AccountChange{Organisation: &org5})
				return err
			}(), 403},
			"raise one to the city": {func() error {
				_, err := h.s.ChangeAccount(admin2, two, AccountChange{CityWide: &city})
				return err
			}(), 403},
			"fetch one": {func() error {
				_, err := h.s.ChangeAccount(admin2, five, AccountChange{Organisation: &org2})
				return err
			}(), 403},
			"a link elsewhere":         {func() error { _, err := h.s.NewLink(admin2, five); return err }(), 403},
			"a token elsewhere":        {second(h.s.CreateToken(admin2, TokenSpec{Name: "t", Source: "s", Organisation: 5})), 403},
			"a token of the city":      {second(h.s.CreateToken(admin2, TokenSpec{Name: "t", Source: "s"})), 403},
			"an operator as admin":     {second(h.s.CreateAccount(h.as(2, Operator), AccountSpec{Name: "x7", Organisation: 2, Roles: []string{Operator}})), 403},
			"nobody":                   {second(h.s.CreateAccount(t.Context(), AccountSpec{Name: "x8", Organisation: 2, Roles: []string{Operator}})), 401},
			"an account that isn't so": {func() error { _, err := h.s.NewLink(admin2, 999); return err }(), 404},
		} {
			if got := status(t, tt.err); got != tt.want {
				t.Errorf("%s: %d (%v), want %d", name, got, tt.err, tt.want)
			}
		}
		list, err := h.s.Accounts(admin2)
		if err != nil || len(list) != 2 {
			t.Errorf("an administrator of organisation 2 sees %d accounts, want its own 2 (%v)", len(list), err)
		}
		if _, _, err := h.s.CreateAccount(h.as(0, Administrator), AccountSpec{Name: "Operator-TWO", Organisation: 5, Roles: []string{Operator}}); status(t, err) != 409 {
			t.Errorf("a name that differs in case only: %v", err)
		}
	})
}

// second drops the results before an error.
func second[A, B any](_ A, _ B, err error) error { return err }

func TestTheLastAdministratorStays(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		one := h.account("admin-one", 0, Administrator)
		h.account("admin-of-two", 2, Administrator)
		off := true
		ctx := h.as(0, Administrator)
		if _, err := h.s.ChangeAccount(ctx, one, AccountChange{Disabled: &off}); status(t, err) != 409 {
			t.Errorf("the last one was disabled: %v", err)
		}
		if _, err := h.s.ChangeAccount(ctx, one, AccountChange{Roles: []string{Analyst}}); status(t, err) != 409 {
			t.Errorf("the last one lost the role: %v", err)
		}
		h.account("admin-two", 0, Administrator, DutyOfficer)
		if _, err := h.s.ChangeAccount(ctx, one, AccountChange{Disabled: &off}); err != nil {
			t.Errorf("with another one there: %v", err)
		}
	})
}

func TestAliveEndsALongAnswer(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		id := h.account("officer", 0, DutyOfficer)
		cookie := h.signIn("officer", goodPassword).cookie.Value
		var inside context.Context
		h.h = h.s.Authenticate(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { inside = r.Context() }))
		h.want(200, call{method: "GET", path: "/", cookie: cookie})
		inside = context.WithoutCancel(inside)
		if !h.s.Alive(inside) {
			t.Fatal("ended at once")
		}
		off := true
		if _, err := h.s.ChangeAccount(h.as(0, Administrator), id, AccountChange{Disabled: &off}); err != nil {
			t.Fatal(err)
		}
		if h.s.Alive(inside) {
			t.Error("the stream of a disabled account goes on")
		}
		if !h.s.Alive(t.Context()) {
			t.Error("the public has no session to end")
		}
	})
}

func TestProxiesAreBelievedOnlyWhenTrusted(t *testing.T) {
	s := &Service{proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for _, tt := range []struct{ remote, forwarded, want string }{
		{"192.0.2.1:9", "", "192.0.2.1"},
		{"192.0.2.1:9", "198.51.100.7", "192.0.2.1"}, // a client's own invention
		{"10.0.0.1:9", "198.51.100.7", "198.51.100.7"},
		{"10.0.0.1:9", "203.0.113.5, 198.51.100.7", "198.51.100.7"}, // the left part is the client's invention
		{"10.0.0.1:9", "198.51.100.7, 10.0.0.2", "198.51.100.7"},
		{"10.0.0.1:9", "nonsense", "10.0.0.1"},
		{"[::ffff:10.0.0.1]:9", "198.51.100.7", "198.51.100.7"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.remote
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		if got := s.peer(r).addr.String(); got != tt.want {
			t.Errorf("%s forwarding for %q: %s, want %s", tt.remote, tt.forwarded, got, tt.want)
		}
	}
}

func TestPasswords(t *testing.T) {
	h := newHasher()
	phc, err := h.hash(t.Context(), goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("stored as %s", phc)
	}
	again, err := h.hash(t.Context(), goodPassword)
	if err != nil || again == phc {
		t.Errorf("two hashes of one password are equal (%v)", err)
	}
	for password, want := range map[string]bool{goodPassword: true, goodPassword + " ": false, "": false} {
		if ok, err := h.verify(t.Context(), phc, password); err != nil || ok != want {
			t.Errorf("%q: %t, %v", password, ok, err)
		}
	}
	// An account without a password is entered by nobody, not even by who guesses what it is compared with.
	for _, password := range []string{"", "x"} {
		if ok, err := h.verify(t.Context(), "", password); ok || err != nil {
			t.Errorf("no password: %t, %v", ok, err)
		}
	}
	for _, broken := range []string{"x", "$argon2id$v=19$m=19456,t=2,p=1$", "$argon2id$v=18$m=8,t=1,p=1$AAAA$" + strings.Repeat("A", 43)} {
		if ok, err := h.verify(t.Context(), broken, "x"); ok || err == nil {
			t.Errorf("%q: %t, %v", broken, ok, err)
		}
	}
	for password, want := range map[string]bool{
		strings.Repeat("a", MinPassword-1): false, strings.Repeat("a", MinPassword): true,
		strings.Repeat("安", MinPassword): true, strings.Repeat("安", MaxPassword): true, strings.Repeat("安", MaxPassword+1): false,
		"\xff" + strings.Repeat("a", MinPassword): false,
	} {
		if err := checkPassword(password); (err == nil) != want {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestTheActorOfAContext(t *testing.T) {
	if a := From(t.Context()); a.Kind != KindPublic {
		t.Errorf("no actor is %s", a.Kind)
	}
	if a := From(With(With(t.Context(), System("x")), Actor{})); a.Kind != KindPublic {
		t.Errorf("the inner actor does not count: %s", a.Kind)
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	d := dbtest.SQLite(b, tables...)
	s, err := New(context.Background(), Deps{DB: d, Clock: clock.NewVirtual(start)})
	if err != nil {
		b.Fatal(err)
	}
	admin := With(context.Background(), System("bench"))
	_, token, err := s.CreateToken(admin, TokenSpec{Name: "d", Source: "s"})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.EnableDemo(admin, "127.0.0.1:0"); err != nil {
		b.Fatal(err)
	}
	c, err := s.start(context.Background(), s.known.Load().names["demo-duty-officer"])
	if err != nil {
		b.Fatal(err)
	}
	var kind Kind
	h := s.Authenticate(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { kind = From(r.Context()).Kind }))
	run := func(name string, want Kind, set func(r *http.Request)) {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr, r.Host = "127.0.0.1:1", "localhost"
			set(r)
			for b.Loop() {
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
			if kind != want {
				b.Fatalf("got %s", kind)
			}
		})
	}
	run("device token", KindDevice, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) })
	run("session", KindAccount, func(r *http.Request) { r.AddCookie(c) })
}
