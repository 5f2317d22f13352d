package watch

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
)

// server is the room behind HTTP; the header Test-Officer says who comes.
func (w *world) server(t *testing.T) string {
	r := web.NewRouter("test")
	w.Routes(r)
	s := httptest.NewUnstartedServer(nil)
	s.Config = r.Server(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
			ctx := req.Context()
			switch req.Header.Get("Test-Officer") {
			case "1":
				ctx = access.With(ctx, access.From(officer(1)))
			case "2":
				ctx = access.With(ctx, access.From(officer(2)))
			}
			next.ServeHTTP(rw, req.WithContext(ctx))
		})
	})
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

// ask sends a request and returns the status and the answer.
func ask(t *testing.T, who, method, url, body string, headers ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Test-Officer", who)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestTheBriefCountsItsRows(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, b := w.call("major"), w.call("general")
		w.clock.Advance(time.Hour)
		w.move(b, "close", nil)
		ok(t)(w.Instruct(officer(1), InstructionRequest{Text: "查明原因", Leader: "分管副市长", Case: a, Teams: []Team{{40, ""}}, DueAt: w.now().Add(time.Hour)}, ""))
		report := ok(t)(w.Start(officer(1), StartRequest{Case: a, Report: First}, ""))
		ok(t)(w.Tell(officer(1), report, TellRequest{Version: 1, How: ByPhone, To: cityOffice}, ""))
		w.pass(25 * time.Hour)
		w.call("") // after the day that is asked for

		brief, err := w.Brief(officer(2), respond.Span{From: start.Add(-time.Hour), To: start.Add(26 * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for _, f := range brief.Figures {
			got[f.ID()] = f.N
			if f.N != len(f.Rows) {
				t.Errorf("%s is %d, with %d rows", f.ID(), f.N, len(f.Rows))
			}
			again, err := w.Figure(officer(2), brief.Span, f.ID())
			if err != nil || again.N != f.N {
				t.Errorf("%s asked for by itself: %+v, %v", f.ID(), again, err)
			}
		}
		for id, n := range map[string]int{
			"cases/incident/new": 2, "cases/incident/closed": 1, "cases/incident/open": 1, "cases/incident/overdue": 1,
			"incidents/major/open": 1, "incidents/general/closed": 1, "districts/3/new": 2, "warnings/yellow/active": 1,
			"reports/first/told": 1, "reports/first/late": 1, "reports/first/overdue": 3, "reports/follow-up/overdue": 1, "instructions/all/new": 1, "instructions/all/overdue": 1,
		} {
			if got[id] != n {
				t.Errorf("%s is %d, want %d in %v", id, got[id], n, got)
			}
		}
		if len(brief.Incidents) != 2 || brief.Incidents[0].ID != a || len(brief.Warnings) != 1 || len(brief.Overdue) != 6 {
			t.Errorf("%d incidents, %d warnings, %d overdue", len(brief.Incidents), len(brief.Warnings), len(brief.Overdue))
		}
		refused(t, "watch.figure")(w.Figure(officer(2), brief.Span, "cases/none/new"))
		refused(t, "access.denied")(w.Brief(as(access.Actor{Kind: access.KindAccount, ID: 3, Name: "x"}), brief.Span))
		// Another organisation's desk counts what it sees, which is nothing.
		theirs, err := w.Brief(of(77, 5), brief.Span)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range theirs.Figures {
			if f.Group != GroupWarnings {
				t.Errorf("they see %s", f.ID())
			}
		}
	})
}

func TestWhichBrief(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, tables()...)) // it is noon in the city
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for name, c := range map[string]struct {
		date     string
		from, to time.Time
		want     [2]string
	}{
		"the last day":       {want: [2]string{"2026-11-22T04:00:00Z", "2026-11-23T04:00:00Z"}},
		"of this morning":    {date: "2026-11-23", want: [2]string{"2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"}},
		"of tomorrow, begun": {date: "2026-11-24", want: [2]string{"2026-11-23T00:00:00Z", "2026-11-23T04:00:00Z"}},
		"of a shift":         {from: at("2026-11-22T12:00:00Z"), to: at("2026-11-23T00:00:00Z"), want: [2]string{"2026-11-22T12:00:00Z", "2026-11-23T00:00:00Z"}},
	} {
		s, err := w.BriefSpan(c.date, c.from, c.to)
		if err != nil || s.From.Format(time.RFC3339) != c.want[0] || s.To.Format(time.RFC3339) != c.want[1] {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	for code, c := range map[string][3]string{"watch.date": {"monday"}, "watch.span": {"2026-11-25"}} {
		_, err := w.BriefSpan(c[0], time.Time{}, time.Time{})
		refused(t, code)(nil, err)
	}
	_, err := w.BriefSpan("", start, start.Add(-time.Hour))
	refused(t, "watch.span")(nil, err)
}

func TestThePrintedBrief(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, tables()...))
	w.call("major")
	w.clock.Advance(2 * time.Hour)
	base := w.server(t)
	for lang, want := range map[string][]string{
		"en":    {`<html lang="en">`, "Langang Morning brief of the watch", "Emergency incident", "Incidents by grade", `href="/console/cases/1"`},
		"zh-CN": {`<html lang="zh-CN">`, "澜港市 值班日报", "突发事件：滨海路鱼市门口", "信息报送"},
	} {
		status, body := ask(t, "1", "GET", base+"/api/v1/watch/brief?lang="+lang, "")
		if status != 200 {
			t.Fatal(status, body)
		}
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("%s: no %q", lang, text)
			}
		}
		if strings.Contains(body, "officer-1") {
			t.Error("an account stands in the brief")
		}
		for _, m := range regexp.MustCompile(`>((?:brief|group|of|column|grade|level)\.[a-z]+)<`).FindAllStringSubmatch(body, -1) {
			t.Errorf("%s: a key without its text: %s", lang, m[1])
		}
		// Each number leads to its rows.
		links := regexp.MustCompile(`href="(/console/duty/rows\?[^"]+)">(\d+)<`).FindAllStringSubmatch(body, -1)
		if len(links) < 6 {
			t.Errorf("%d links", len(links))
		}
		for _, m := range links {
			q := strings.ReplaceAll(strings.TrimPrefix(m[1], "/console/duty/rows"), "&amp;", "&")
			status, rows := ask(t, "2", "GET", base+"/api/v1/watch/brief/rows"+q, "")
			var f Figure
			if err := json.Unmarshal([]byte(rows), &f); err != nil || status != 200 || len(f.Rows) == 0 || m[2] != strconv.Itoa(len(f.Rows)) {
				t.Errorf("%s: %d %s, want %s rows", q, status, rows, m[2])
			}
		}
		style := regexp.MustCompile(`href="(/watch-brief-[0-9a-f]+\.css)"`).FindStringSubmatch(body)
		if style == nil {
			t.Fatal("no style sheet")
		}
		if status, css := ask(t, "1", "GET", base+style[1], ""); status != 200 || !strings.Contains(css, "@page") {
			t.Errorf("style %d", status)
		}
	}
	if status, _ := ask(t, "", "GET", base+"/api/v1/watch/brief", ""); status != 401 {
		t.Errorf("the public gets %d", status)
	}
	if status, _ := ask(t, "1", "GET", base+"/api/v1/watch/brief?from="+url.QueryEscape("yesterday"), ""); status != 422 {
		t.Errorf("a wrong time gets %d", status)
	}
}

func TestBothLanguagesSayTheSame(t *testing.T) {
	p, err := newBriefPages()
	if err != nil {
		t.Fatal(err)
	}
	for key := range p.texts[page.English] {
		if p.texts[page.Chinese][key] == "" {
			t.Errorf("zh-CN has no %s", key)
		}
	}
	if a, b := len(p.texts[page.English]), len(p.texts[page.Chinese]); a != b {
		t.Errorf("%d texts in English, %d in Chinese", a, b)
	}
	for _, g := range briefGroups {
		for _, key := range append([]string{"group." + g, "of." + g}, columnsOf(g)...) {
			if p.texts[page.English][key] == "" {
				t.Errorf("no text %s", key)
			}
		}
	}
}

func columnsOf(group string) (out []string) {
	for _, c := range briefColumns[group] {
		out = append(out, "column."+c)
	}
	return out
}

func TestTheWatchOverHTTP(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, tables()...))
	base := w.server(t) + "/api/v1/watch"
	want := func(who, method, path, body string, status int, parts ...string) string {
		t.Helper()
		got, answer := ask(t, who, method, base+path, body, "Idempotency-Key", digest(path, body))
		if got != status {
			t.Errorf("%s %s: %d %s, want %d", method, path, got, answer, status)
		}
		for _, part := range parts {
			if !strings.Contains(answer, part) {
				t.Errorf("%s %s: no %s in %s", method, path, part, answer)
			}
		}
		return answer
	}
	call := `{"caller":"resident","where":"鱼市","what":"燃气味","open":true,"grade":"major","contact":"周先生 13887654321"}`
	want("1", "POST", "/log", call, 200, `"case":1`)
	want("1", "POST", "/log", call, 200, `"id":1`) // the same key
	want("1", "POST", "/log", `{"caller":"resident","where":"鱼市"}`, 422, "web.invalid")
	want("1", "POST", "/log", `{"caller":"resident","where":"鱼市","what":" "}`, 422, "watch.missing", `"field":"what"`)
	want("", "POST", "/log", call+" ", 401)
	want("1", "GET", "/log", "", 200, `"where":"鱼市"`, `"contact":true`)
	want("1", "POST", "/log/1/contact", `{"purpose":"follow-up"}`, 200, "13887654321")
	want("1", "POST", "/log/1/contact", `{"purpose":"curiosity"}`, 422)
	want("1", "POST", "/log/9/contact", `{"purpose":"follow-up"}`, 404)
	want("1", "GET", "/reports", "", 200, `"how":"phone"`, `"basis":"rule"`)
	want("1", "POST", "/reports", `{"case":1,"report":"first"}`, 200, `"id":1`)
	want("1", "GET", "/reports/1", "", 200, "关于鱼市突发事件的初报")
	want("1", "GET", "/reports/1/draft?lang=en", "", 200, "First report")
	want("1", "POST", "/reports/1/versions", `{"text":"初报\n正在处置"}`, 200)
	want("2", "POST", "/reports/1/sign", `{"version":2}`, 200)
	want("1", "POST", "/reports/1/tell", `{"version":2,"how":"phone","to":"市委、市政府总值班室"}`, 200)
	want("1", "POST", "/instructions", `{"text":"查明原因","leader":"市长","case":1,"teams":[{"organisation":40}],"due_at":"2026-11-23T06:00:00Z"}`, 200)
	want("1", "GET", "/instructions", "", 200, `"organisation_name":{"en":"organisation 40"`)
	want("1", "POST", "/instructions/1/answer", `{"answer":"已查明"}`, 409, "watch.instruction_unfinished", `"field":"reason"`)
	want("1", "POST", "/instructions/1/answer", `{"answer":"已查明","reason":"先行反馈"}`, 200)
	want("1", "POST", "/posts", `{"organisation":40,"name":"duty-office","phone":"13812345678"}`, 422, "watch.mobile", `"field":"phone"`)
	want("1", "POST", "/posts", `{"organisation":40,"name":"duty-office","phone":"6288 1234","covered":true}`, 200)
	want("1", "POST", "/shifts", `{"post":1,"from":"2026-11-23T00:00:00Z","to":"2026-11-23T12:00:00Z","who":"officer-1"}`, 200)
	want("1", "POST", "/roster/import", "post,from,to,who\n40/duty-office,2026-11-24 08:00,2026-11-24 20:00,officer-2\n", 200, `"shifts":1`)
	want("1", "GET", "/roster", "", 200, `"who":"officer-2"`, `"gaps":[{`)
	want("1", "GET", "/phones", "", 200, "6288 1234", `"from_register":true`)
	want("1", "POST", "/shifts/1/remove", "", 200)
	want("1", "POST", "/posts/1/remove", "", 200)
	want("1", "POST", "/handovers", "", 200, `"id":1`)
	var p HandoverPage
	if err := json.Unmarshal([]byte(want("1", "GET", "/handovers/1", "", 200, `"may_sign":"leave"`)), &p); err != nil {
		t.Fatal(err)
	}
	sign := `{"seen":"` + p.Seen + `"}`
	want("1", "POST", "/handovers/1/remarks", `{"item":"case:1","text":"抢修中"}`, 200)
	want("1", "POST", "/handovers/1/leave", `{"seen":""}`, 409, "watch.handover_news", `"errors":[`)
	want("1", "POST", "/handovers/1/leave", sign, 200)
	want("1", "POST", "/handovers/1/arrive", sign, 403, "access.same_person")
	want("2", "POST", "/handovers/1/arrive", sign, 200)
	want("2", "GET", "/handovers", "", 200, `"state":"done"`)
	want("2", "GET", "/handovers/1", "", 200, "抢修中")
	want("2", "POST", "/handovers/1/withdraw", "", 409)
}
