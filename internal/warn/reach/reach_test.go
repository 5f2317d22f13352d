package reach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/delivery"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
)

var (
	noon = time.Date(2026, 11, 28, 4, 0, 0, 0, time.UTC)
	mine = []db.Migrations{ledger.Migrations(), outbox.Migrations(), delivery.Migrations(), Migrations()}
	desk = access.Actor{Kind: access.KindAccount, ID: 1, Name: "Administrator", Roles: []string{"administrator"}}
)

type bench struct {
	t     *testing.T
	d     *db.DB
	clock *clock.Virtual
	s     *Service
	sent  []delivery.Message
	fail  map[string]error // by address
	r     *delivery.Runner
}

// The register: 1 the city, 10 and 20 districts, 11 a town in 10.
func areas(context.Context) (map[int64]int64, error) {
	return map[int64]int64{1: 0, 10: 1, 11: 10, 12: 10, 20: 1}, nil
}

func newBench(t *testing.T, d *db.DB) *bench {
	t.Helper()
	b := &bench{t: t, d: d, clock: clock.NewVirtual(noon), fail: map[string]error{}}
	push, err := delivery.NewWebPush(b.clock, delivery.PushOptions{KeyFile: filepath.Join(t.TempDir(), "vapid.json"), Contact: "duty@city.example"})
	if err != nil {
		t.Fatal(err)
	}
	b.s, err = New(Deps{
		DB: d, Clock: b.clock, Access: access.AllowAll, Areas: areas, Hazards: func() []string { return []string{"gas-leak", "flood"} },
		Number:   func(context.Context, int64) (string, error) { return "2026-0001", nil },
		CheckURL: delivery.NewWebhook(b.clock, nil).Check, CheckBrowser: push.CheckAddress, KeyFile: filepath.Join(t.TempDir(), "recipients.key"),
	})
	if err != nil {
		t.Fatal(err)
	}
	b.s.Refresh(context.Background())
	adapters := map[string]delivery.Adapter{}
	for _, c := range channelNames() {
		adapters[c] = b
	}
	b.r = delivery.New(delivery.Deps{DB: d, Clock: b.clock, Adapters: adapters, Resolve: b.s.Resolve, Gone: b.s.Gone})
	return b
}

// Send fulfils delivery.Adapter.
func (b *bench) Send(_ context.Context, m delivery.Message) (string, error) {
	if err := b.fail[m.Address]; err != nil {
		return "", err
	}
	b.sent = append(b.sent, m)
	return "took it", nil
}

// Pace fulfils delivery.Paced: one at a time, so that what was sent needs no lock.
func (b *bench) Pace() delivery.Pace { return delivery.Pace{AtOnce: 1, InARow: 1} }

func as(a access.Actor) context.Context { return access.With(context.Background(), a) }

func (b *bench) add(title string, change ...func(*Draft)) Recipient {
	b.t.Helper()
	d := Draft{Title: page.Text{English: title, Chinese: title}, Channel: Webhook, Address: "https://hook.example/" + title}
	for _, c := range change {
		c(&d)
	}
	r, err := b.s.Add(as(desk), d)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bench) put(change ...func(*Publication)) {
	b.t.Helper()
	p := b.publication()
	for _, c := range change {
		c(&p)
	}
	if err := b.d.Write(context.Background(), func(tx *db.Tx) error { return b.s.Put(tx, p) }); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) publication() Publication {
	return Publication{
		Number: "2026-0001", Version: 1, Kind: "alert", Status: "Actual", Scope: "Public", Level: "orange", Hazard: "gas-leak",
		Event: page.Text{English: "Gas leak", Chinese: "燃气泄漏"}, Headline: page.Text{English: "Gas leak near the harbour", Chinese: "港区附近燃气泄漏"},
		Description: page.Text{English: "A main has broken.", Chinese: "主管破裂。"}, Instruction: page.Text{English: "Stay away. Do not smoke.", Chinese: "请勿靠近，严禁明火。"},
		Places: []Place{{ID: 10, Code: "310100", Name: page.Text{English: "Harbour", Chinese: "港区"}}}, Onset: noon, Expires: noon.Add(6 * time.Hour),
		Sent: b.clock.Now(), Identifier: "urn:x.1", URL: "https://city.example/warnings/2026-0001", CAP: "<alert/>",
	}
}

// send sends what is due and says to whom, in the order of their addresses.
func (b *bench) send() string {
	b.t.Helper()
	b.sent = nil
	for _, c := range channelNames() {
		for {
			n, err := b.r.Send(context.Background(), c)
			if err != nil {
				b.t.Fatal(err)
			}
			if n == 0 {
				break
			}
		}
	}
	var to []string
	for _, m := range b.sent {
		to = append(to, strings.TrimPrefix(m.Address, "https://hook.example/"))
	}
	slices.Sort(to)
	return strings.Join(to, " ")
}

func kind(version int, kind string) func(*Publication) {
	return func(p *Publication) { p.Version, p.Kind = version, kind }
}

func TestWhoGetsWhat(t *testing.T) {
	dbtest.Each(t, mine, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		b.add("all")
		b.add("district", func(d *Draft) { d.Areas = []int64{10} })
		b.add("town", func(d *Draft) { d.Areas = []int64{11} })
		b.add("city", func(d *Draft) { d.Areas = []int64{1} })
		b.add("hills", func(d *Draft) { d.Areas = []int64{20} })
		b.add("flood", func(d *Draft) { d.Hazards = []string{"flood"} })
		b.add("red", func(d *Draft) { d.From = "red" })
		b.add("drills", func(d *Draft) { d.Statuses = []string{"Exercise"} })
		b.add("both", func(d *Draft) { d.Statuses = []string{"Actual", "Exercise"} })
		b.add("staff", func(d *Draft) { d.Restricted = true })
		off := b.add("off")
		no := false
		if _, err := b.s.Edit(as(desk), off.ID, Change{Active: &no}); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, x := range []struct {
			name, want string
			change     func(*Publication)
		}{
			{"a district", "all both city district staff town", func(*Publication) {}},
			{"one of its towns by what it touches", "all both city district staff", func(p *Publication) { p.Places = []Place{{ID: 12, Touches: []int64{12, 10, 1}}} }},
			{"a drawing across two districts", "all both city district hills staff town", func(p *Publication) { p.Places = []Place{{Touches: []int64{11, 10, 20, 1}}} }},
			{"a drawing outside", "all both staff", func(p *Publication) { p.Places = []Place{{}} }},
			{"a red one", "all both city district red staff town", func(p *Publication) { p.Level = "red" }},
			{"a flood", "all both city district flood staff town", func(p *Publication) { p.Hazard = "flood" }},
			{"an exercise", "both drills", func(p *Publication) { p.Status = "Exercise" }},
			{"a restricted one", "staff", func(p *Publication) { p.Scope = "Restricted" }},
			{"a private one", "", func(p *Publication) { p.Scope = "Private" }},
			{"a test", "", func(p *Publication) { p.Status = "Test" }},
			{"a system message", "", func(p *Publication) { p.Status = "System" }},
			{"a draft", "", func(p *Publication) { p.Status = "Draft" }},
		} {
			n++
			b.put(x.change, func(p *Publication) { p.Number = fmt.Sprintf("2026-%04d", n) })
			if got := b.send(); got != x.want {
				t.Errorf("%s: %q, want %q", x.name, got, x.want)
			}
		}
	})
}

func TestLaterMessages(t *testing.T) {
	dbtest.Each(t, mine, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		b.add("first")
		b.add("shaky")
		b.add("hills", func(d *Draft) { d.Areas = []int64{20} })
		b.add("late", func(d *Draft) { d.From = "red" })
		b.fail["https://hook.example/shaky"] = errors.New("busy")
		b.put()
		b.put() // the same once more: nothing is doubled
		if got := b.send(); got != "first" {
			t.Fatalf("the warning went to %q", got)
		}
		// Another district, and red. Who had the first learns of it though it concerns him no more; the message that never
		// arrived is not sent after the newer one.
		b.add("new")
		b.put(kind(2, "update"), func(p *Publication) { p.Level, p.Places = "red", []Place{{ID: 20}} })
		delete(b.fail, "https://hook.example/shaky")
		b.clock.Advance(time.Minute)
		if got := b.send(); got != "first hills late new shaky" {
			t.Errorf("the update went to %q", got)
		}
		for _, m := range b.sent {
			if !strings.HasPrefix(m.Key, "warning:2026-0001.2:") {
				t.Errorf("%s was sent after the update", m.Key)
			}
		}
		// One who joins now is not told of its end; all others are.
		b.add("stranger")
		b.put(kind(3, "all-clear"))
		if got := b.send(); got != "first hills late new shaky" {
			t.Errorf("the end went to %q", got)
		}
		// A warning that was taken back before it left at all is never heard of.
		b.put(func(p *Publication) { p.Number = "2026-0002" })
		b.put(func(p *Publication) { p.Number = "2026-0002" }, kind(2, "cancel"))
		if got := b.send(); got != "" {
			t.Errorf("a warning that nobody got was cancelled for %q", got)
		}
	})
}

// Those who had a warning of a district learn that it became smaller, though the change is not theirs.
func TestWhoHadItLearnsOfTheChange(t *testing.T) {
	b := newBench(t, dbtest.SQLite(t, mine...))
	b.add("town", func(d *Draft) { d.Areas = []int64{11} })
	b.put()
	b.send()
	b.put(kind(2, "update"), func(p *Publication) { p.Places = []Place{{ID: 20}} })
	if got := b.send(); got != "town" {
		t.Errorf("the update went to %q", got)
	}
}

func TestSecretsStayInside(t *testing.T) {
	dbtest.Each(t, mine, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		hook := b.add("hook", func(d *Draft) { d.Address = "https://hook.example/in?key=hidden-1" })
		pair := b.add("pair", func(d *Draft) { d.Asymmetric = true })
		robot := b.add("robot", func(d *Draft) {
			d.Channel, d.Address, d.Secret = DingTalk, "https://oapi.dingtalk.com/robot/send?access_token=hidden-2", "SEChidden-3"
		})
		if !strings.HasPrefix(hook.Secret, "whsec_") || !strings.HasPrefix(pair.Secret, "whsk_") || !strings.HasPrefix(pair.PublicKey, "whpk_") || robot.Secret != "" {
			t.Errorf("%+v %+v %+v", hook, pair, robot)
		}
		if hook.Address != "https://hook.example/in?…" || robot.Address != "https://oapi.dingtalk.com/…" {
			t.Errorf("shown: %s, %s", hook.Address, robot.Address)
		}
		b.put()
		b.send()
		for _, m := range b.sent {
			if m.Secret == "" || m.Channel == DingTalk && (m.Secret != "SEChidden-3" || !strings.HasSuffix(m.Address, "hidden-2")) {
				t.Errorf("the adapter got %q, %q", m.Address, m.Secret)
			}
		}
		rs, err := b.s.List(as(desk))
		if err != nil {
			t.Fatal(err)
		}
		reached, err := b.s.Reached(as(desk), 1, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		seen, _ := json.Marshal([]any{rs, reached})
		var stored string
		err = d.Read(context.Background(), func(tx *db.Tx) error {
			for _, q := range []string{
				`select coalesce(max(address || sealed || public_key), '') from warning_recipients where channel = 'dingtalk'`,
				`select coalesce(max(address || sealed), '') from warning_recipients where channel = 'webhook'`,
				`select coalesce(max(message || address || answer), '') from deliveries`,
			} {
				var text string
				if err := tx.QueryRow(q).Scan(&text); err != nil {
					return err
				}
				stored += text
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"hidden", hook.Secret, pair.Secret, strings.TrimPrefix(hook.Secret, "whsec_")} {
			if strings.Contains(string(seen), secret) || strings.Contains(stored, secret) {
				t.Errorf("%q stands in an answer or in the database", secret)
			}
		}
		if len(reached.Items) != 3 || reached.States["sent"] != 3 || reached.Items[2].Title.English != "hook" || reached.Items[2].Webhook == "" ||
			reached.Items[0].Proof != "took it" || reached.Items[0].EndedAt == nil || reached.Items[0].Version != 1 {
			t.Errorf("%s", seen)
		}
		// A new secret on demand, of the same kind.
		empty := ""
		again, err := b.s.Edit(as(desk), pair.ID, Change{Secret: &empty})
		if err != nil || !strings.HasPrefix(again.Secret, "whsk_") || again.Secret == pair.Secret {
			t.Errorf("%+v, %v", again, err)
		}
		// What was removed gets nothing more, and keeps its name.
		b.put(kind(2, "update"))
		if err := b.s.Remove(as(desk), hook.ID); err != nil {
			t.Fatal(err)
		}
		b.send()
		reached, err = b.s.Reached(as(desk), 1, 0, 100)
		if err != nil || reached.States["dead"] != 1 || reached.States["sent"] != 5 {
			t.Errorf("%+v %v", reached.States, err)
		}
		if err := b.s.Remove(as(desk), hook.ID); !web.NotFound(err) {
			t.Errorf("removed twice: %v", err)
		}
	})
}

func TestRecipientsAreChecked(t *testing.T) {
	b := newBench(t, dbtest.SQLite(t, mine...))
	for field, change := range map[string]func(*Draft){
		"title.en":    func(d *Draft) { d.Title.English = " " },
		"title.zh-CN": func(d *Draft) { d.Title.Chinese = strings.Repeat("长", 101) },
		"channel":     func(d *Draft) { d.Channel = "pigeon" },
		"address":     func(d *Draft) { d.Address = "http://hook.example/" },
		"secret":      func(d *Draft) { d.Secret = "short" },
		"language":    func(d *Draft) { d.Language = "fr" },
		"from":        func(d *Draft) { d.From = "purple" },
		"statuses[1]": func(d *Draft) { d.Statuses = []string{"Actual", "Test"} },
		"areas[0]":    func(d *Draft) { d.Areas = []int64{99} },
		"hazards[0]":  func(d *Draft) { d.Hazards = []string{"dragons"} },
	} {
		d := Draft{Title: page.Text{English: "x", Chinese: "x"}, Channel: Webhook, Address: "https://hook.example/"}
		change(&d)
		_, err := b.s.Add(as(desk), d)
		var e *web.Error
		if !errors.As(err, &e) || e.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	for _, x := range []struct {
		channel, address string
		good             bool
	}{
		{Email, "duty@school.example", true}, {Email, "Duty <duty@school.example>", false}, {Email, "a@b.example, c@d.example", false}, {Email, "a@b.example\r\nBcc: x@y.example", false},
		{SMS, "+8621123456", true}, {SMS, "911a", false}, {CellBroadcast, "district-7", true}, {CellBroadcast, "a b", false},
		{File, "warnings.jsonl", true}, {File, "warnings-port.jsonl", true}, {File, "notices.jsonl", false}, {File, "../warnings.jsonl", false}, {File, "anlan.db", false},
		{WeCom, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=x", true}, {Feishu, "https://169.254.169.254/", false},
		{WebPush, browser, true}, {WebPush, "https://push.example/hidden", false}, {WebPush, strings.Replace(browser, "https:", "http:", 1), false},
	} {
		_, err := b.s.Add(as(desk), Draft{Title: page.Text{English: "x", Chinese: "x"}, Channel: x.channel, Address: x.address})
		if (err == nil) != x.good {
			t.Errorf("%s %q: %v", x.channel, x.address, err)
		}
	}
	// The key opens what it sealed, after a restart as well, and another does not.
	file := filepath.Join(t.TempDir(), "k")
	one, err := newSealer(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := one.close(sealed{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := newSealer(file); err != nil {
		t.Error(err)
	} else if k, err := again.open(text); err != nil || k != (sealed{"a", "b"}) {
		t.Errorf("%+v %v", k, err)
	}
	if _, err := b.s.seal.open(text); err == nil {
		t.Error("another key opened it")
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}

// browser is the subscription of an office's browser; its keys are those of RFC 8291's example.
const browser = `{"endpoint":"https://push.example/hidden","expirationTime":null,"keys":{"p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4","auth":"BTBZMqHH6r4Tts7J_aSIgg"}}`

// A browser of an office gets what every other recipient gets, and one that is gone is shown as such.
func TestABrowserIsARecipient(t *testing.T) {
	b := newBench(t, dbtest.SQLite(t, mine...))
	r := b.add("screen", func(d *Draft) { d.Channel, d.Address, d.Areas = WebPush, browser, []int64{10} })
	if r.Address != "https://push.example/…" {
		t.Errorf("shown: %s", r.Address)
	}
	b.put(func(p *Publication) { p.Number, p.Places = "2026-0009", []Place{{ID: 20}} }) // not its area
	b.put()
	b.put(func(p *Publication) { p.Number, p.Status = "2026-0002", exercise })
	b.send()
	if len(b.sent) != 1 {
		t.Fatalf("%d were sent", len(b.sent))
	}
	m := b.sent[0]
	if m.Address != browser || m.Channel != WebPush || m.Subject.Zh != "【橙色预警】港区附近燃气泄漏" || m.Link != "/warnings/2026-0001" || m.Replaces != "warning:2026-0001" {
		t.Errorf("%+v", m)
	}
	statuses := []string{"Actual", "Exercise"}
	if _, err := b.s.Edit(as(desk), r.ID, Change{Statuses: &statuses}); err != nil {
		t.Fatal(err)
	}
	b.put(func(p *Publication) { p.Number, p.Status = "2026-0003", exercise })
	if b.send(); len(b.sent) != 1 || b.sent[0].Link != "/console/warnings" {
		t.Errorf("%+v", b.sent)
	}
	b.fail[browser] = fmt.Errorf("410: %w", delivery.ErrGone)
	b.put(kind(2, "all-clear"))
	b.send()
	rs, err := b.s.List(as(desk))
	if err != nil || len(rs) != 1 || rs[0].GoneAt == nil {
		t.Errorf("%+v %v", rs, err)
	}
}

// nobody may do anything.
type nobody struct{}

func (nobody) Decide(context.Context, string, access.Resource, access.Purpose) error {
	return web.Errorf(403, "access.denied", "no")
}

func TestOnlyAdministratorsKeepRecipients(t *testing.T) {
	b := newBench(t, dbtest.SQLite(t, mine...))
	b.s.Access = nobody{}
	if _, err := b.s.List(as(desk)); err == nil {
		t.Error("listed")
	}
	if _, err := b.s.Add(as(desk), Draft{}); err == nil {
		t.Error("added")
	}
	if _, err := b.s.Edit(as(desk), 1, Change{}); err == nil {
		t.Error("changed")
	}
	if err := b.s.Remove(as(desk), 1); err == nil {
		t.Error("removed")
	}
	if _, err := b.s.Reached(as(desk), 1, 0, 1); err == nil {
		t.Error("read")
	}
}

func TestShortTextsFit(t *testing.T) {
	b := newBench(t, dbtest.SQLite(t, mine...))
	for _, x := range []struct{ channel, lang, address string }{
		{SMS, "en", "+8621123456"}, {SMS, "zh-CN", "+8621123457"}, {SMS, "", "+8621123458"}, {CellBroadcast, "zh-CN", "d7"}, {CellBroadcast, "", "d8"},
	} {
		b.add("x", func(d *Draft) { d.Channel, d.Language, d.Address = x.channel, x.lang, x.address })
	}
	b.put(func(p *Publication) {
		p.Instruction = page.Text{English: strings.Repeat("Keep away from the river and help others to do so. ", 60), Chinese: strings.Repeat("请远离河道并提醒他人。", 200)}
	})
	b.send()
	if len(b.sent) != 5 {
		t.Fatalf("%d were sent", len(b.sent))
	}
	for _, m := range b.sent {
		c := delivery.SMS(smsSegments)
		if m.Channel == CellBroadcast {
			c = delivery.CellBroadcast()
		}
		text := m.Body.In(m.Language)
		if m.Language == "" {
			text = m.Body.Zh
			if m.Body.En != m.Body.Zh || !strings.Contains(text, "Gas leak") || !strings.Contains(text, "燃气泄漏") {
				t.Errorf("%s in both languages: %q", m.Channel, text)
			}
		}
		if l := c.Measure(text); l.Parts > c.Most || l.Parts < c.Most-1 || !strings.HasSuffix(text, "\nhttps://city.example/warnings/2026-0001") {
			t.Errorf("%s %s: %+v %q", m.Channel, m.Language, l, text)
		}
	}
}

// A gateway learns what it needs to choose the class of a broadcast and the cells, and what is replaced.
func TestGatewaysAreToldOfTheWarning(t *testing.T) {
	dbtest.Each(t, mine, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		b.add("cells", func(d *Draft) { d.Channel, d.Address = CellBroadcast, "district-7" })
		b.add("office", func(d *Draft) { d.Channel, d.Address = SMS, "+8621123456" })
		b.add("hook")
		b.put()
		b.send()
		ring := "31,121 31,121.1 31.1,121.1 31,121"
		b.put(kind(2, "update"), func(p *Publication) {
			p.Level, p.Before, p.CAPURL, p.Places[0].Polygons = "red", "orange", p.URL+".2.xml", []string{ring}
		})
		b.send()
		if len(b.sent) != 3 {
			t.Fatalf("%d were sent", len(b.sent))
		}
		for _, m := range b.sent {
			if m.Channel == Webhook {
				if !strings.Contains(string(m.Data), `"level_before":"orange"`) {
					t.Errorf("%s", m.Data)
				}
				continue
			}
			var got delivery.GatewayWarning
			if err := json.Unmarshal(m.Data, &got); err != nil {
				t.Fatalf("%s: %q: %v", m.Channel, m.Data, err)
			}
			area := delivery.GatewayArea{Code: "310100", Name: delivery.Text{En: "Harbour", Zh: "港区"}}
			if m.Channel == CellBroadcast {
				area.Polygons = []string{ring}
			}
			want := delivery.GatewayWarning{
				Number: "2026-0001", Version: 2, Kind: "update", Status: "Actual", Level: "red", LevelBefore: "orange", Hazard: "gas-leak",
				Areas: []delivery.GatewayArea{area}, Onset: noon, Expires: noon.Add(6 * time.Hour), Sent: noon, Identifier: "urn:x.1",
				CAP: "https://city.example/warnings/2026-0001.2.xml",
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s is told %+v, expected %+v", m.Channel, got, want)
			}
		}
	})
}
