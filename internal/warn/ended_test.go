package warn

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/internal/warn/skill"
	"github.com/anlan-city/anlan/internal/warn/warntest"
)

func newSkill(t testing.TB, s *desk) *skill.Service {
	t.Helper()
	k, err := skill.New(skill.Deps{DB: s.db, Clock: s.clock, Access: access.AllowAll, Warnings: s, Site: warntest.Site()})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func withSkill() []db.Migrations { return append(slices.Clone(allMigrations), skill.Migrations()) }

// ask sends a request to the routes of skill too.
func ask(t *testing.T, s *desk, k *skill.Service, a access.Actor, method, path, body string, status int, out any) string {
	t.Helper()
	return warntest.Call(t, warntest.Handler(s.Service, s.public, k), a, method, path, body, status, out)
}

// TestFromEndToFigures: warnings that ended in each way wait, are judged and are counted; those of exercises never are.
func TestFromEndToFigures(t *testing.T) {
	dbtest.Each(t, withSkill(), func(t *testing.T, d *db.DB) {
		s, c := newService(t, d)
		k := newSkill(t, s)
		until := func() Proposal { p := gasLeak(); p.Expires = c.Now().Add(time.Hour); return p }
		hit := issue(t, s, until())
		c.Advance(10 * time.Minute)
		higher := until()
		higher.Level = Red
		if _, err := s.ProposeUpdate(as(first), hit.ID, higher); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Approve(as(second), hit.ID, 2); err != nil {
			t.Fatal(err)
		}
		drill := until()
		drill.Status = cap.Exercise
		exercise := issue(t, s, drill)
		secret := until()
		secret.Scope, secret.Restriction = cap.Restricted, "officials"
		hidden := issue(t, s, secret)
		withdrawn, err := s.Propose(as(first), until())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Withdraw(as(first), withdrawn.ID, "x"); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[int64]string{hit.ID: "warning.in_force", exercise.ID: "warning.not_actual", withdrawn.ID: "warning.never_issued", 999: "warning.unknown"} {
			if _, err := k.Judge(as(first), id, skill.Word{Verdict: skill.DidNot}); code(err) != want {
				t.Errorf("judged %d: %v, want %s", id, err, want)
			}
		}
		c.Advance(20 * time.Minute)
		if _, err := s.AllClear(as(first), hit.ID, "repaired"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Cancel(as(first), hidden.ID, "wrong"); err != nil {
			t.Fatal(err)
		}
		expired := issue(t, s, until())
		c.Advance(2 * time.Hour) // nobody runs the loop

		var list struct {
			Items   []skill.Item
			Overdue int
		}
		ask(t, s, k, first, "GET", "/api/v1/warnings/verdicts?waiting=true", "", 200, &list)
		var ends []string
		for _, it := range list.Items {
			ends = append(ends, fmt.Sprint(it.Number, " ", it.End, " ", it.Level))
		}
		if want := []string{expired.Number + " expired orange", hidden.Number + " cancel orange", hit.Number + " all-clear red"}; !slices.Equal(ends, want) || list.Overdue != 0 {
			t.Errorf("waiting %q, want %q", ends, want)
		}

		began := start.Add(25 * time.Minute)
		var said struct{ Items []skill.Verdict }
		verdict := fmt.Sprintf("/api/v1/warnings/%d/verdict", hit.ID)
		ask(t, s, k, first, "POST", verdict, `{"verdict":"happened","began":"2026-11-23T01:55:00Z","what":"It burned; call 13812345678.","evidence":[{"kind":"case","id":4}]}`, 200, &said)
		if v := said.Items[0]; v.Version != 1 || v.Began == nil || !v.Began.Equal(began) || strings.Contains(v.What, "13812345678") || v.By != "Duty officer" || len(v.Evidence) != 1 {
			t.Errorf("verdict %+v", v)
		}
		ask(t, s, k, second, "POST", verdict, `{"verdict":"partly","began":"2026-11-23T01:55:00Z","what":"It smouldered."}`, 422, nil)
		ask(t, s, k, second, "POST", verdict, `{"verdict":"partly","began":"2026-11-23T01:55:00Z","what":"It smouldered.","reason":"The report is in."}`, 200, &said)
		if len(said.Items) != 2 || said.Items[0].Verdict != skill.Happened || said.Items[1].Verdict != skill.Partly {
			t.Errorf("versions %+v", said.Items)
		}
		ask(t, s, k, first, "POST", fmt.Sprintf("/api/v1/warnings/%d/verdict", expired.ID), `{"verdict":"did-not"}`, 200, nil)
		var missed skill.Missed
		ask(t, s, k, first, "POST", "/api/v1/warnings/missed", `{"hazard":"gas-leak","level":"red","areas":[10],"at":"2026-11-23T02:00:00Z","what":"A second leak.","source":"The fire brigade."}`, 201, &missed)
		if missed.ID == 0 {
			t.Errorf("missed %+v", missed)
		}

		var out skill.Skill
		ask(t, s, k, first, "GET", "/api/v1/warnings/skill", "", 200, &out)
		all := out.Figures[0]
		if all.Issued != 3 || all.Waiting != 1 || all.Hits != 1 || all.Partly != 1 || all.False != 1 || all.Missed != 1 || *all.POD.Value != .5 || *all.FAR.Value != .5 || all.CSI.Of != 3 {
			t.Errorf("figures %+v", all)
		}
		if all.Lead.N != 1 || *all.Lead.Median != 15 { // red since 01:40, began at 01:55
			t.Errorf("lead %+v", all.Lead)
		}
		for figure, want := range map[string]int{"issued": 3, "judged": 2, "waiting": 1, "hits": 1, "partly": 1, "false": 1, "cannot-tell": 0, "missed": 1, "lead": 1, "late": 0} {
			ask(t, s, k, first, "GET", "/api/v1/warnings/skill/rows?figure="+figure, "", 200, &list)
			if len(list.Items) != want {
				t.Errorf("%d rows behind %s, want %d", len(list.Items), figure, want)
			}
		}
		ask(t, s, k, first, "GET", "/api/v1/warnings/skill/rows?figure=issued&hazard=gas-leak&level=red", "", 200, &list)
		if len(list.Items) != 1 || list.Items[0].Number != hit.Number {
			t.Errorf("rows of one level %+v", list.Items)
		}
		ask(t, s, k, first, "GET", "/api/v1/warnings/skill?from=2026-11-24T00:00:00Z&to=2026-11-25T00:00:00Z", "", 200, &out)
		if len(out.Figures) != 1 || out.Figures[0].Issued != 0 || out.Figures[0].POD.Value != nil {
			t.Errorf("figures of another day %+v", out.Figures)
		}

		// The public sees what was public, in both languages, and nothing that officers wrote.
		for lang, want := range map[string][2]string{"en": {"How good our warnings were", "All warnings"}, "zh-CN": {"预警效果检验", "全部预警"}} {
			text := ask(t, s, k, access.Actor{}, "GET", "/warnings/skill?lang="+lang, "", 200, nil)
			if !strings.Contains(text, want[0]) || !strings.Contains(text, `<th scope="row">`+want[1]+`</th>`) || !strings.Contains(text, `<th scope="row">`+want[1]+" · ") || strings.Contains(text, "smouldered") || strings.Contains(text, hidden.Number) || strings.Contains(text, "<script") {
				t.Errorf("page %s", text)
			}
		}
		text := ask(t, s, k, access.Actor{}, "GET", "/warnings/skill?lang=en&figure=issued", "", 200, nil)
		if !strings.Contains(text, hit.Number) || strings.Contains(text, hidden.Number) || strings.Contains(text, exercise.Number) || !strings.Contains(text, "15 min") {
			t.Errorf("rows %s", text)
		}

		// So does the API, to whom has no account: the same figures, with the list behind each.
		var page struct{ Items []map[string]any }
		ask(t, s, k, access.Actor{}, "GET", "/api/v1/warnings/skill", "", 200, &out)
		if all := out.Figures[0]; all.Issued != 2 || all.Hits != 1 || all.False != 1 || all.Missed != 1 || *all.POD.Value != .5 {
			t.Errorf("public figures %+v", all)
		}
		for figure, want := range map[string]int{"issued": 2, "hits": 1, "false": 1, "missed": 1, "waiting": 0} {
			text := ask(t, s, k, access.Actor{}, "GET", "/api/v1/warnings/skill/rows?figure="+figure, "", 200, &page)
			if len(page.Items) != want || strings.Contains(text, "smouldered") || strings.Contains(text, "The report is in") || strings.Contains(text, "Duty officer") || strings.Contains(text, "second leak") || strings.Contains(text, "evidence") {
				t.Errorf("public rows behind %s: %s", figure, text)
			}
			if figure == "hits" && (!strings.Contains(text, `"verdict":"partly"`) || !strings.Contains(text, hit.Number)) {
				t.Errorf("public hits %s", text)
			}
		}
		ask(t, s, k, first, "GET", "/api/v1/warnings/skill/rows?figure=hits", "", 200, &page)
		if v, _ := page.Items[0]["verdict"].(map[string]any); v["what"] != "It smouldered." || v["by"] != "Duty officer" {
			t.Errorf("an officer reads it whole: %v", v)
		}

		c.Advance(skill.Due)
		ask(t, s, k, first, "GET", "/api/v1/warnings/verdicts", "", 200, &list)
		if len(list.Items) != 1 || !list.Items[0].Overdue || list.Overdue != 1 {
			t.Errorf("overdue %+v", list)
		}
		got := ledgerActions(t, d)
		if n := len(got); fmt.Sprint(got[n-4:]) != "[warning.judge warning.judge warning.judge warning.judge]" {
			t.Errorf("ledger %v", got)
		}
		if got := subjects(t, d); fmt.Sprint(got[len(got)-4:]) != "[warning.judged warning.judged warning.judged warning.missed]" {
			t.Errorf("events %v", got)
		}
	})
}

func TestVerdictsAreRefused(t *testing.T) {
	s, c := newService(t, dbtest.SQLite(t, withSkill()...))
	k := newSkill(t, s)
	p := gasLeak()
	w := issue(t, s, p)
	c.Advance(7 * time.Hour)
	at := func(d time.Duration) *time.Time { t := start.Add(d); return &t }
	for name, test := range map[string]struct {
		word  skill.Word
		field string
	}{
		"none":                  {skill.Word{}, "verdict"},
		"another word":          {skill.Word{Verdict: "true"}, "verdict"},
		"without a time":        {skill.Word{Verdict: skill.Happened, What: "x"}, "began"},
		"without what":          {skill.Word{Verdict: skill.Partly, Began: at(time.Hour), What: " "}, "what"},
		"it did not, at a time": {skill.Word{Verdict: skill.DidNot, Began: at(time.Hour)}, "began"},
		"still to come":         {skill.Word{Verdict: skill.Happened, Began: at(8 * time.Hour), What: "x"}, "began"},
		"after the end":         {skill.Word{Verdict: skill.Happened, Began: at(6 * time.Hour), What: "x"}, "began"},
		"last month":            {skill.Word{Verdict: skill.Happened, Began: at(-8 * 24 * time.Hour), What: "x"}, "began"},
		"a reason at first":     {skill.Word{Verdict: skill.DidNot, Reason: "x"}, "reason"},
		"a person as evidence":  {skill.Word{Verdict: skill.DidNot, Evidence: []skill.Evidence{{Kind: "person", ID: 1}}}, "evidence[0]"},
		"much evidence":         {skill.Word{Verdict: skill.DidNot, Evidence: make([]skill.Evidence, 21)}, "evidence"},
		"a novel":               {skill.Word{Verdict: skill.DidNot, What: strings.Repeat("a", 2001)}, "what"},
	} {
		if _, err := k.Judge(as(first), w.ID, test.word); err == nil || fieldOf(err) != test.field {
			t.Errorf("%s: %v at %q, want %s", name, err, fieldOf(err), test.field)
		}
	}
	good := skill.Missed{Hazard: "fire", Level: "red", Areas: []int64{10}, At: start, What: "x", Source: "y"}
	for field, spoil := range map[string]func(*skill.Missed){
		"hazard": func(m *skill.Missed) { m.Hazard = "dragon" },
		"level":  func(m *skill.Missed) { m.Level = "green" },
		"areas":  func(m *skill.Missed) { m.Areas = nil },
		"at":     func(m *skill.Missed) { m.At = c.Now().Add(time.Minute) },
		"what":   func(m *skill.Missed) { m.What = "" },
		"source": func(m *skill.Missed) { m.Source = "" },
	} {
		m := good
		spoil(&m)
		if _, err := k.Miss(as(first), m); err == nil || fieldOf(err) != field {
			t.Errorf("missed with a wrong %s: %v", field, err)
		}
	}
	for name, a := range map[string]access.Actor{"the program": access.System("clock"), "a device": {Kind: access.KindDevice, ID: 2}, "the public": {}} {
		if _, err := k.Judge(as(a), w.ID, skill.Word{Verdict: skill.DidNot}); code(err) != "warning.person_only" {
			t.Errorf("%s judged: %v", name, err)
		}
		if _, err := k.Miss(as(a), good); code(err) != "warning.person_only" {
			t.Errorf("%s noted: %v", name, err)
		}
	}
	// Who answers for another district can't judge.
	k.Access = scopeFunc(func(r access.Resource) error {
		if r.Area == 10 {
			return web.Errorf(http.StatusForbidden, "access.denied", "not your district")
		}
		return nil
	})
	if _, err := k.Judge(as(first), w.ID, skill.Word{Verdict: skill.DidNot}); code(err) != "access.denied" {
		t.Errorf("judged in another district: %v", err)
	}
	if _, err := k.Miss(as(first), good); code(err) != "access.denied" {
		t.Errorf("noted in another district: %v", err)
	}
	k.Access = deciderFunc(func(string) error { return web.Errorf(403, "access.denied", "no") })
	for name, deed := range map[string]func() error{
		"waiting":  func() error { _, _, err := k.Waiting(context.Background(), true); return err },
		"verdicts": func() error { _, err := k.Verdicts(context.Background(), w.ID); return err },
		"skill":    func() error { _, err := k.Skill(context.Background(), time.Time{}, time.Time{}); return err },
		"rows": func() error {
			_, err := k.Rows(context.Background(), "hits", "", "", time.Time{}, time.Time{})
			return err
		},
	} {
		if err := deed(); code(err) != "access.denied" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
