package warn

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/skill"
)

// TestVerdictsAndMissedAreHeldTogether: the second of two officers is told, evidence must exist, areas must be known, what was missed
// can be taken back once and counts no more, and lists come in pages.
func TestVerdictsAndMissedAreHeldTogether(t *testing.T) {
	dbtest.Each(t, withSkill(), func(t *testing.T, d *db.DB) {
		s, c := newService(t, d)
		k := newSkill(t, s)
		k.Find = func(_ context.Context, kind string, id int64) error {
			if kind == "case" && id == 7 {
				return nil
			}
			return web.Errorf(404, "x", "none")
		}
		var ids []int64
		for range 3 {
			ids = append(ids, issue(t, s, gasLeak()).ID)
		}
		c.Advance(7 * time.Hour)
		s.expire(context.Background())
		verdict := fmt.Sprintf("/api/v1/warnings/%d/verdict", ids[0])
		ask(t, s, k, first, "POST", verdict, `{"verdict":"did-not","evidence":[{"kind":"case","id":7},{"kind":"alert","id":7}]}`, 422, nil)
		ask(t, s, k, first, "POST", verdict, `{"verdict":"did-not","evidence":[{"kind":"case","id":7}],"revises":0}`, 200, nil)
		text := ask(t, s, k, second, "POST", verdict, `{"verdict":"cannot-tell","reason":"Nobody was there.","revises":0}`, 409, nil)
		if !strings.Contains(text, "verdict.version") {
			t.Error(text)
		}
		if text = ask(t, s, k, second, "POST", verdict, `{"verdict":"cannot-tell","reason":"Nobody was there.","revises":1}`, 200, nil); strings.Contains(text, "revises") {
			t.Error(text)
		}

		note := func(area int) string {
			return fmt.Sprintf(`{"hazard":"gas-leak","level":"red","areas":[10,%d],"at":"2026-11-23T02:00:00Z","what":"A leak.","source":"The fire brigade."}`, area)
		}
		if text := ask(t, s, k, first, "POST", "/api/v1/warnings/missed", note(99), 422, nil); !strings.Contains(text, "areas[1]") {
			t.Error(text)
		}
		var m skill.Missed
		ask(t, s, k, first, "POST", "/api/v1/warnings/missed", note(11), 201, &m)
		missed := func() int {
			var out skill.Skill
			ask(t, s, k, first, "GET", "/api/v1/warnings/skill", "", 200, &out)
			return out.Figures[0].Missed
		}
		if n := missed(); n != 1 {
			t.Errorf("%d missed", n)
		}
		back := fmt.Sprintf("/api/v1/warnings/missed/%d/take-back", m.ID)
		ask(t, s, k, first, "POST", back, `{"reason":" "}`, 422, nil)
		ask(t, s, k, second, "POST", back, `{"reason":"It was a drill."}`, 200, &m)
		if m.TakenBack == nil || m.TakenBack.Reason != "It was a drill." || missed() != 0 {
			t.Errorf("%+v, %d missed", m, missed())
		}
		ask(t, s, k, second, "POST", back, `{"reason":"Again."}`, 409, nil)
		ask(t, s, k, second, "POST", "/api/v1/warnings/missed/99/take-back", `{"reason":"x"}`, 404, nil)
		ask(t, s, k, access.Actor{}, "POST", back, `{"reason":"x"}`, 403, nil)

		seen := map[int64]bool{}
		for after, pages := "", 0; pages == 0 || after != ""; pages++ {
			var page struct {
				Items []skill.Item
				Total int
				Next  string
			}
			ask(t, s, k, first, "GET", "/api/v1/warnings/skill/rows?figure=issued&limit=2&after="+after, "", 200, &page)
			for _, it := range page.Items {
				if seen[it.Warning] {
					t.Errorf("%d comes twice", it.Warning)
				}
				seen[it.Warning] = true
			}
			if page.Total != 3 || pages > 1 {
				t.Fatalf("page %d: %+v", pages, page)
			}
			after = page.Next
		}
		if len(seen) != 3 {
			t.Errorf("seen %v", seen)
		}
		ask(t, s, k, first, "GET", "/api/v1/warnings/verdicts?after=w999", "", 422, nil)
	})
}

// TestIssuedVersionsNeverChange looks at every issued version after every deed, down to the last column, on either engine.
func TestIssuedVersionsNeverChange(t *testing.T) {
	dbtest.Each(t, allMigrations, func(t *testing.T, d *db.DB) {
		s, c := newService(t, d)
		was := map[string]string{}
		look := func(deed string, least int) {
			t.Helper()
			now := map[string]string{}
			err := d.Read(context.Background(), func(tx *db.Tx) error {
				return tx.Each(func(rows *sql.Rows) error {
					columns, err := rows.Columns()
					if err != nil {
						return err
					}
					values, into := make([]any, len(columns)), make([]any, len(columns))
					for i := range values {
						into[i] = &values[i]
					}
					err = rows.Scan(into...)
					row := ""
					for i, v := range values {
						if b, ok := v.([]byte); ok {
							v = string(b)
						}
						row += fmt.Sprintf("%s=%v|", columns[i], v)
					}
					now[fmt.Sprint(values[0])] = row
					return err
				}, "select id, warning_versions.* from warning_versions where state = 'issued' order by id nulls last")
			})
			if err != nil {
				t.Fatal(err)
			}
			for id, row := range was {
				if now[id] != row {
					t.Errorf("after %s:\n%s\nwas\n%s", deed, now[id], row)
				}
			}
			if was = now; len(now) < least {
				t.Errorf("after %s: %d issued versions, want %d", deed, len(now), least)
			}
		}
		do := func(deed string, least int, fn func() (Warning, error)) (w Warning) {
			t.Helper()
			w, err := fn()
			if err != nil {
				t.Fatalf("%s: %v", deed, err)
			}
			look(deed, least)
			return w
		}
		update := gasLeak()
		update.Level = Red
		w := do("issue", 1, func() (Warning, error) { return issue(t, s, gasLeak()), nil })
		do("a proposed update", 1, func() (Warning, error) { return s.ProposeUpdate(as(first), w.ID, update) })
		do("its withdrawal", 1, func() (Warning, error) { return s.Withdraw(as(first), w.ID, "A mistake.") })
		do("another update", 1, func() (Warning, error) { return s.ProposeUpdate(as(first), w.ID, update) })
		do("its approval", 2, func() (Warning, error) { return s.Approve(as(second), w.ID, 0) })
		text := ask(t, s, newSkill(t, s), access.Actor{}, "GET", "/warnings/"+w.Number+"?lang=zh-CN", "", 200, nil)
		if !strings.Contains(text, "升级") {
			t.Error("the page's list of messages doesn't say upgrade")
		}
		do("the end", 3, func() (Warning, error) { return s.Cancel(as(first), w.ID, "All was repaired.") })
		other := do("a second warning", 4, func() (Warning, error) { return issue(t, s, gasLeak()), nil })
		do("its all-clear", 5, func() (Warning, error) { return s.AllClear(as(first), other.ID, "It is over.") })
		do("a third", 6, func() (Warning, error) { return issue(t, s, gasLeak()), nil })
		c.Advance(7 * time.Hour)
		s.expire(context.Background())
		look("expiry", 6)
	})
}
