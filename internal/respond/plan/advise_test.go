package plan

import (
	"context"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// model advises a number of pumps.
type model struct{ pumps []float64 }

func (m *model) Advise(_ context.Context, p *Plan, a Activation) ([]Advised, error) {
	var out []Advised
	for _, n := range m.pumps {
		out = append(out, Advised{
			Title: lifecycle.Words("Run pumps", "开启水泵"), Because: lifecycle.Words("the sump rises", "集水池水位上涨"), Agency: "water", Post: "pump-crew",
			Model: "test 1", Figures: []Figure{{Title: lifecycle.Words("pumps", "开机台数"), Value: n, Unit: "1"}},
		})
	}
	return out, nil
}

// Advice is shown, is carried out by nobody, and becomes a task only by a person.
func TestAdvice(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		m := &model{pumps: []float64{3}}
		w.Adviser = m
		id := w.mustOpen(OpenRequest{Level: "IV"})
		ask := func() []AdviceView {
			t.Helper()
			if err := w.Advise(context.Background()); err != nil {
				t.Fatal(err)
			}
			return w.board(id).Advice
		}
		tasks := w.count("select count(*) from case_tasks")
		for range 3 { // the same figures stand there once
			if as := ask(); len(as) != 1 || as[0].State != "open" || as[0].Figures[0].Value != 3 {
				t.Fatalf("%+v", as)
			}
		}
		if n := w.count("select count(*) from case_tasks"); n != tasks {
			t.Fatal("advice was carried out by the program")
		}
		m.pumps = []float64{5}
		as := ask()
		if len(as) != 2 || as[0].State != "open" || as[0].Figures[0].Value != 5 || as[1].State != "lapsed" {
			t.Fatalf("%+v", as)
		}
		_, err := w.SettleAdvice(officer(1), id, as[1].ID, AdviceRequest{Take: true, Why: "x"}, "")
		refused(t, err, "plan.advice_settled", "")
		_, err = w.SettleAdvice(officer(1), id, 99, AdviceRequest{Take: true, Why: "x"}, "")
		refused(t, err, "plan.no_advice", "")
		_, err = w.SettleAdvice(officer(1), id, as[0].ID, AdviceRequest{Take: true}, "")
		refused(t, err, "plan.text", "why")
		if _, err := w.SettleAdvice(officer(1), id, as[0].ID, AdviceRequest{Take: true, Why: "the crew is there"}, ""); err != nil {
			t.Fatal(err)
		}
		b := w.board(id)
		last := b.Agencies[0].Tasks[len(b.Agencies[0].Tasks)-1]
		if last.Name != "advice" || last.Organisation != 40 || last.Post != "pump-crew" || !strings.Contains(last.Title.Zh, "开启水泵：开机台数 5") {
			t.Errorf("%+v", last)
		}
		if as := ask(); as[0].State != "taken" || as[0].Why != "the crew is there" {
			t.Errorf("the same figures come back after they were taken: %+v", as)
		}
		m.pumps = []float64{6}
		if _, err := w.SettleAdvice(officer(1), id, ask()[0].ID, AdviceRequest{Why: "one pump is under repair"}, ""); err != nil {
			t.Fatal(err)
		}
		if as := ask(); len(as) != 3 || as[0].State != "declined" {
			t.Errorf("%+v", as)
		}
		m.pumps = []float64{7}
		ask()
		w.finish(id)
		if _, err := w.End(officer(1), id, EndRequest{Why: "over"}, ""); err != nil {
			t.Fatal(err)
		}
		if as := ask(); len(as) != 4 || as[0].State != "lapsed" {
			t.Errorf("after the end: %+v", as)
		}
		if n := w.count("select count(*) from ledger_leaves where record like '%plan.advice%'"); n != 2 {
			t.Errorf("%d ledger entries of two words on advice", n)
		}
	})
}
