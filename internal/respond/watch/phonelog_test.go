package watch

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

func TestACallOpensAnIncident(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		called := start.Add(-10 * time.Minute)
		req := LineRequest{At: &called, Caller: Resident, Where: "滨海路鱼市门口", What: "闻到燃气味，我的电话13812345678", Harm: "1人头晕", Asset: 7, Open: true, Grade: "major",
			Contact: "周先生 13887654321"}
		r, err := w.Log(officer(1), req, "key-1")
		if err != nil {
			t.Fatal(err)
		}
		if again, err := w.Log(officer(1), req, "key-1"); err != nil || again != r {
			t.Errorf("the same request again: %+v, %v", again, err)
		}
		page, err := w.cases.Case(officer(2), r.Case)
		if err != nil {
			t.Fatal(err)
		}
		if page.Kind != IncidentKind || page.Fields["grade"] != "major" || *page.Area != 30 || page.Timeline[0].Kind != "call" || !strings.Contains(page.Timeline[0].Text.(lifecycle.Text).Zh, "群众电话报告") {
			t.Errorf("case %+v %+v", page.CaseView, page.Timeline)
		}
		lines, _, err := w.Lines(officer(2), LineFilter{})
		if err != nil || len(lines) != 1 || lines[0].Case != r.Case || !lines[0].At.Equal(called) || !lines[0].Contact || strings.Contains(lines[0].What, "138") {
			t.Errorf("log %+v, %v", lines, err)
		}
		up, err := w.Reports(officer(2), r.Case)
		if err != nil || len(up.Clocks) != 3 || !up.Clocks[0].DueAt.Equal(called.Add(30*time.Minute)) {
			t.Errorf("clocks run from the call: %+v, %v", up, err)
		}
		// How he is reached stands in the vault and nowhere else, the number that he said not at all.
		for _, secret := range []string{"13887654321", "周先生", "13812345678"} {
			w.nowhere(secret)
		}
		contact, err := w.Contact(officer(2), r.Item, access.FollowUp)
		if err != nil || contact["contact"] != "周先生 13887654321" {
			t.Errorf("%v, %v", contact, err)
		}
		if n := w.count(`select count(*) from ledger_leaves where json_text(record, 'action') = 'vault.open'`); n != 1 {
			t.Errorf("%d openings in the ledger", n)
		}
		refused(t, "access.denied")(w.Contact(as(access.Actor{Kind: access.KindAccount, ID: 8, Name: "a", Roles: []string{access.Analyst}}), r.Item, access.Operations))
		// Ninety days after the end it is gone.
		w.move(r.Case, "close", nil)
		if n := w.count(`select count(*) from vault_items where erase_at is not null`); n != 1 {
			t.Error("the time to the erasure does not run")
		}
	})
}

// nowhere looks through every table for a text in the clear.
func (w *world) nowhere(secret string) {
	w.t.Helper()
	names := `select name from sqlite_master where type = 'table' and name not like 'sqlite_%'`
	if w.DB.Engine() == db.Postgres {
		names = `select cast(table_name as text) from information_schema.tables where table_schema = 'public'`
	}
	err := w.DB.Read(context.Background(), func(tx *db.Tx) error {
		var tables []string
		err := tx.Each(func(rows *sql.Rows) error {
			var name string
			err := rows.Scan(&name)
			tables = append(tables, name)
			return err
		}, names)
		if err != nil {
			return err
		}
		if len(tables) < 20 {
			w.t.Fatalf("only %d tables", len(tables))
		}
		for _, table := range tables {
			rows, err := tx.Query(`select * from ` + table)
			if err != nil {
				return err
			}
			columns, err := rows.Columns()
			if err != nil {
				return err
			}
			for rows.Next() {
				cells, to := make([]any, len(columns)), make([]any, len(columns))
				for i := range cells {
					to[i] = &cells[i]
				}
				if err := rows.Scan(to...); err != nil {
					return err
				}
				for i, c := range cells {
					text, _ := c.(string)
					if b, isBytes := c.([]byte); isBytes {
						text = string(b)
					}
					if strings.Contains(text, secret) {
						w.t.Errorf("%q stands in %s.%s", secret, table, columns[i])
					}
				}
			}
			if err := rows.Close(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestALineThatOpensNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r, err := w.Log(officer(1), LineRequest{Caller: Unit, Unit: 40, Where: "调度室", What: "例行通报：晚高峰供气正常"}, "")
		if err != nil || r.Case != 0 || r.Item == 0 {
			t.Fatal(r, err)
		}
		if n := w.count(`select count(*) from cases`); n != 0 {
			t.Error("a case was opened")
		}
		caseID := w.call("")
		r, err = w.Log(officer(2), LineRequest{Caller: Unit, UnitName: "Harbour police", Where: "鱼市", What: "现场已封控", Case: caseID}, "")
		if err != nil {
			t.Fatal(err)
		}
		c, err := w.cases.Case(officer(1), caseID)
		last := c.Timeline[len(c.Timeline)-1]
		if err != nil || last.Kind != "call" || !strings.Contains(last.Text.(lifecycle.Text).En, "by Harbour police: 鱼市；现场已封控") {
			t.Errorf("%+v, %v", last, err)
		}
		// A line is put right by another, which goes where the first one went; both stay.
		fix, err := w.Log(officer(2), LineRequest{Caller: Unit, UnitName: "Harbour police", Where: "鱼市", What: "现场尚未封控", Corrects: r.Item}, "")
		if err != nil || fix.Case != caseID {
			t.Fatal(fix, err)
		}
		lines, _, err := w.Lines(officer(1), LineFilter{Case: caseID})
		if err != nil || len(lines) != 3 || lines[0].Corrects != r.Item || lines[1].CorrectedBy != fix.Item || lines[1].What != "现场已封控" {
			t.Errorf("%+v, %v", lines, err)
		}
	})
}

func TestWhatTheLogRefuses(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, tables()...))
	future, old := start.Add(time.Hour), start.Add(-8*24*time.Hour)
	good := LineRequest{Caller: Resident, Where: "here", What: "smoke"}
	for code, change := range map[string]func(*LineRequest){
		"watch.caller":               func(r *LineRequest) { r.Caller = "citizen" },
		"watch.missing":              func(r *LineRequest) { r.What = " " },
		"watch.too_long":             func(r *LineRequest) { r.Where = strings.Repeat("x", 301) },
		"watch.unreadable":           func(r *LineRequest) { r.Harm = "a\x00b" },
		"watch.future":               func(r *LineRequest) { r.At = &future },
		"watch.too_early":            func(r *LineRequest) { r.At = &old },
		"watch.unknown_spot":         func(r *LineRequest) { r.Asset = 901 },
		"watch.contact":              func(r *LineRequest) { r.Contact = "13812345678" },
		"watch.case":                 func(r *LineRequest) { r.Open, r.Case = true, 1 },
		"watch.grade":                func(r *LineRequest) { r.Grade = "major" },
		"watch.not_found":            func(r *LineRequest) { r.Corrects = 99 },
		"case.not_found":             func(r *LineRequest) { r.Case = 99 },
		"watch.unknown_organisation": func(r *LineRequest) { r.Caller, r.Unit = Unit, 999 },
	} {
		r := good
		change(&r)
		refused(t, code)(w.Log(officer(1), r, ""))
	}
	refused(t, "access.denied")(w.Log(as(access.Actor{Kind: access.KindAccount, ID: 5, Name: "i", Roles: []string{access.Inspector}}), good, ""))
	refused(t, "access.sign_in")(w.Log(context.Background(), good, ""))
	if _, err := w.Log(as(access.System("x")), good, ""); err == nil {
		t.Error("the program wrote into the phone log")
	}
	if n := w.count(`select count(*) from watch_lines`); n != 0 {
		t.Errorf("%d lines of refused calls", n)
	}
	other := newWorld(t, dbtest.SQLite(t, tables()...), &lifecycle.Kind{ID: "else", OpenedBy: lifecycle.Openers{"person"}, States: []lifecycle.State{{ID: "a"}}})
	r := good
	r.Open = true
	refused(t, "watch.no_incident_kind")(other.Log(officer(1), r, ""))
}

func TestADeskReadsItsOwnLog(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, who := range []context.Context{officer(1), of(40, 2), of(41, 3)} {
			if _, err := w.Log(who, LineRequest{Caller: Unit, UnitName: "x", Where: "here", What: "smoke"}, ""); err != nil {
				t.Fatal(err)
			}
		}
		for who, want := range map[context.Context]int{officer(9): 3, of(40, 9): 1, of(42, 9): 0} {
			lines, _, err := w.Lines(who, LineFilter{Limit: 2})
			if want == 3 {
				want = 2 // a page
			}
			if err != nil || len(lines) != want {
				t.Errorf("%v sees %d lines, want %d, %v", access.From(who), len(lines), want, err)
			}
		}
		lines, next, err := w.Lines(officer(9), LineFilter{Limit: 2})
		more, end, err2 := w.Lines(officer(9), LineFilter{Limit: 2, Before: next})
		if err != nil || err2 != nil || len(lines) != 2 || len(more) != 1 || end != 0 || more[0].ID == lines[1].ID {
			t.Errorf("%d, %d, next %d and %d", len(lines), len(more), next, end)
		}
		// The desk that opened a case takes part in it, whoever owns the place.
		r, err := w.Log(of(41, 3), LineRequest{Caller: Resident, Where: "here", What: "smoke", Open: true}, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.cases.Case(of(41, 3), r.Case); err != nil {
			t.Errorf("the desk that opened it cannot read it: %v", err)
		}
	})
}
