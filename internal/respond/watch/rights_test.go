package watch

import (
	"context"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/respond"
)

// Organisations of these tests: 40 owns the incident, 50 runs a desk, 60 was asked in to help.
const (
	owner  = 40
	desk   = 50
	helper = 60
)

// incidentOf logs a resident's call at a desk, which opens an incident; the helper takes part in it from then on.
func (w *world) incidentOf(who context.Context) (line, caseID int64) {
	w.t.Helper()
	r, err := w.Log(who, LineRequest{Caller: Resident, Where: "滨海路鱼市门口", What: "闻到燃气味", Open: true, Grade: "larger", Contact: "周先生 13887654321"}, "")
	if err != nil {
		w.t.Fatal(err)
	}
	err = w.DB.Write(w.t.Context(), func(tx *db.Tx) error {
		if _, err := tx.Exec(`update cases set owner = $1 where id = $2`, owner, r.Case); err != nil {
			return err
		}
		return w.cases.Invite(tx, access.From(officer(1)), r.Case, respond.Party{Organisation: helper, Role: "assist", At: w.now()})
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.news()
	return r.Item, r.Case
}

func TestOnlyTheDeskReportsUpward(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for name, at := range map[string]context.Context{"the city's own watch": officer(1), "a desk": of(desk, 2)} {
			_, c := w.incidentOf(at)
			report := ok(t)(w.Start(at, StartRequest{Case: c, Report: First}, ""))
			for _, who := range []context.Context{of(helper, 3), of(owner, 4), of(77, 5)} {
				refused(t, "access.denied")(w.Start(who, StartRequest{Case: c, Report: FollowUp}, ""))
				refused(t, "access.denied")(w.Amend(who, report, "一切正常", ""))
				refused(t, "access.denied")(w.Sign(who, report, 1, ""))
				refused(t, "access.denied")(w.Tell(who, report, TellRequest{Version: 1, How: ByPhone, To: cityOffice}, ""))
			}
			if got := w.running(c); got != "first/phone +1h0m0s, first/writing +2h0m0s" {
				t.Errorf("%s: a refused telling met a clock: %s", name, got)
			}
			ok(t)(w.Amend(at, report, "初报", ""))
			ok(t)(w.Sign(at, report, 2, ""))
			ok(t)(w.Tell(at, report, TellRequest{Version: 2, How: Fax, To: cityOffice}, ""))
			ok(t)(w.Tell(officer(9), report, TellRequest{Version: 2, How: ByPhone, To: cityOffice}, "")) // the city stands above every desk
		}
	})
}

func TestOnlyTheDeskInstructs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, c := w.incidentOf(of(desk, 2))
		r := InstructionRequest{Text: "全力抢险", Leader: "市长", Case: c, Teams: []Team{{owner, ""}}, DueAt: start.Add(time.Hour)}
		for _, who := range []context.Context{of(helper, 3), of(owner, 4), of(77, 5)} {
			refused(t, "access.denied")(w.Instruct(who, r, ""))
		}
		if n := w.count(`select count(*) from case_tasks`); n != 0 {
			t.Errorf("%d tasks of refused instructions", n)
		}
		ok(t)(w.Instruct(of(desk, 2), r, ""))
		ok(t)(w.Instruct(officer(1), r, ""))
	})
}

func TestWhoOpensACallersContact(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		line, _ := w.incidentOf(of(desk, 2))
		for _, who := range []context.Context{of(helper, 3), of(77, 5)} {
			refused(t, "access.denied")(w.Contact(who, line, access.Operations))
		}
		if n := w.count(`select count(*) from ledger_leaves where json_text(record, 'action') = 'vault.open'`); n != 0 {
			t.Errorf("%d openings stand in the ledger", n)
		}
		for _, who := range []context.Context{of(desk, 6), of(owner, 7), officer(8)} {
			if got, err := w.Contact(who, line, access.FollowUp); err != nil || got["contact"] == "" {
				t.Errorf("%v: %v, %v", access.From(who), got, err)
			}
		}
	})
}
