package drill

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/access/vault"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
	"github.com/anlan-city/anlan/internal/respond/plan"
	"github.com/anlan-city/anlan/internal/trial/backtest"
)

const root = "../../../"

// shared is a folder of the data that these tests share with others; a test without it is skipped, and says so.
func shared(t *testing.T, name string) string {
	t.Helper()
	dir := root + "../shared/data/" + name
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("needs the recorded data %s, which is not part of the repository: %v", name, err)
	}
	return dir
}

// detectorsOf are those of a pack in a folder of the repository, only those of some names where any are given.
func detectorsOf(t *testing.T, dir string, names ...string) (out []*engine.Detector) {
	t.Helper()
	p, err := pack.Load(os.DirFS(root+dir), dir)
	if err != nil {
		t.Fatal(err)
	}
	ds, err := engine.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range ds {
		if _, short, _ := strings.Cut(d.ID, "/"); names == nil || slices.Contains(names, short) {
			out = append(out, d)
		}
	}
	return out
}

// planOf is the one plan of a shipped pack.
func planOf(t *testing.T, name string) *plan.Plan {
	t.Helper()
	p, err := pack.Load(os.DirFS(root+"packs/"+name), "packs/"+name)
	if err != nil {
		t.Fatal(err)
	}
	ds, err := engine.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	plans, err := plan.Plans(p, ds)
	if err != nil || len(plans) != 1 {
		t.Fatal(plans, err)
	}
	return plans[0]
}

// incident is a case kind of these tests: it ends only with a reading that shows the danger gone, and by a second person.
func incident(below, above map[string]lifecycle.Limit) *lifecycle.Kind {
	words := func(s string) lifecycle.Text { return lifecycle.Words(s, s) }
	return &lifecycle.Kind{
		ID: plan.CaseKind, Title: lifecycle.Words("Incident", "突发事件"), OpenedBy: lifecycle.Openers{"person"}, Pack: "drill",
		States: []lifecycle.State{
			{ID: "handling", Title: words("handling")}, {ID: "over", Title: words("over")}, {ID: "closed", Title: words("closed"), End: "proven"},
		},
		Moves: []lifecycle.Move{
			{ID: "report-over", Title: words("report over"), From: []string{"handling"}, To: "over", Who: []string{"duty-officer"},
				Guard: &lifecycle.Guard{When: "case.open_tasks == 0", Because: words("tasks are open")}},
			{ID: "verify", Title: words("verify"), From: []string{"over"}, To: "closed", Who: []string{"duty-officer"}, ByOtherThan: []string{"report-over"},
				Requires: []lifecycle.Requirement{{Evidence: "reading", Below: below, Above: above, Title: words("reading")}}},
		},
	}
}

// register knows an organisation for each kind and duty, but for those that are missing; there are three towns.
type register struct{ missing []string }

func (register) Locate(_ context.Context, s inspect.Spot) (inspect.Spot, error) { return s, nil }

func (register) Name(_ context.Context, kind string, id int64) lifecycle.Text {
	if id == 0 {
		return lifecycle.Text{}
	}
	return lifecycle.Words(fmt.Sprintf("%s %d", kind, id), fmt.Sprintf("%s %d", kind, id))
}

// kinds are the organisations of the register; the place in the list is the number, from 101.
var kinds = []string{
	"flood-command", "weather-service", "emergency-bureau", "traffic-police", "housing-bureau", "transport-bureau", "fire-brigade", "power-company",
	"education-bureau", "health-bureau", "drainage-company", "river-authority", "water-bureau", "water-company", "sanitation-bureau", "ecology-bureau",
	"industry-bureau", "gas-company",
}

func (r register) Find(_ context.Context, w plan.Way, _ inspect.Spot) ([]int64, error) {
	switch {
	case w.Kind == "town-office":
		return []int64{201, 202, 203}, nil
	case w.Duty == "territory":
		return []int64{202}, nil
	case w.Kind != "" && !slices.Contains(r.missing, w.Kind):
		if i := slices.Index(kinds, w.Kind); i >= 0 {
			return []int64{int64(101 + i)}, nil
		}
	}
	return nil, nil
}

func (register) Above(a, b int64) bool { return a == b }

func (register) Pack(context.Context, int64) string { return "" }

// city is the rooms of a drill.
type city struct {
	*Drill
	t     *testing.T
	db    *db.DB
	cases *respond.Service
	plans *plan.Service
}

func migrations() []db.Migrations {
	return []db.Migrations{ledger.Migrations(), outbox.Migrations(), timers.Migrations(), vault.Migrations(), inspect.Migrations(), respond.Migrations(), plan.Migrations()}
}

func newCity(t *testing.T, d *db.DB, begin time.Time, detectors []*engine.Detector, h *backtest.History, p *plan.Plan, kind *lifecycle.Kind, missing ...string) *city {
	t.Helper()
	c := clock.NewVirtual(begin)
	x := &city{Drill: New(t.Context(), c, detectors, h), t: t, db: d}
	t.Cleanup(x.Close)
	r := register{missing}
	var err error
	x.cases, err = respond.New(respond.Deps{DB: d, Clock: c, Access: access.AllowAll, Readings: x, Register: r, Kinds: []*lifecycle.Kind{kind}})
	if err != nil {
		t.Fatal(err)
	}
	x.plans, err = plan.New(plan.Deps{DB: d, Clock: c, Access: access.AllowAll, Cases: x.cases, Register: r, Plans: []*plan.Plan{p}})
	if err != nil {
		t.Fatal(err)
	}
	x.Join(timers.New(d, c, x.cases.Timers()), x.plans)
	return x
}

func officer(id int64) context.Context {
	return access.With(context.Background(), access.Actor{Kind: access.KindAccount, ID: id, Name: fmt.Sprintf("officer %d", id), Roles: []string{"duty-officer"}})
}

// proposed plays until the program proposes something of these, and returns it.
func (x *city) proposed(within time.Duration, what ...string) plan.ProposalView {
	x.t.Helper()
	var found plan.ProposalView
	look := func() (bool, error) {
		ps, _, err := x.plans.Proposals(officer(1), true, 0, 10)
		for _, p := range ps {
			if slices.Contains(what, strings.TrimSpace(p.What+" "+p.Level)) {
				found = p
				return true, nil
			}
		}
		return false, err
	}
	ok, err := look() // it may have come while something else was waited for
	if err == nil && !ok {
		ok, err = x.Until(x.t.Context(), x.clock.Now().Add(within), look)
	}
	if err != nil {
		x.t.Fatal(err)
	}
	if !ok {
		ps, _, _ := x.plans.Proposals(officer(1), true, 0, 10)
		x.t.Fatalf("within %v, by %v, nothing of %v was proposed; open are %v; alerts %v", within, x.clock.Now(), what, ps, x.Raised)
	}
	x.t.Logf("%s  proposed: %s %s, for %s", found.At.Format("01-02 15:04"), found.What, found.Level, reasons(found.Reasons))
	return found
}

func reasons(rs []plan.Reason) string {
	var out []string
	for _, r := range rs {
		out = append(out, r.Text.En)
	}
	if len(out) == 0 {
		return "nothing that stands any more"
	}
	return strings.Join(out, "; ")
}

func (x *city) pass(d time.Duration) {
	x.t.Helper()
	if err := x.To(x.t.Context(), x.clock.Now().Add(d)); err != nil {
		x.t.Fatal(err)
	}
}

func (x *city) open(p plan.ProposalView, r plan.OpenRequest) int64 {
	x.t.Helper()
	r.Level, r.Proposal, r.Why = p.Level, p.ID, "as proposed"
	done, err := x.plans.Open(officer(1), p.Plan, r, "")
	if err != nil {
		x.t.Fatal(err)
	}
	x.log(done.Item)
	return done.Item
}

func (x *city) level(id int64, p plan.ProposalView) {
	x.t.Helper()
	if _, err := x.plans.SetLevel(officer(1), id, plan.LevelRequest{Level: p.Level, Why: "as proposed", Proposal: p.ID}, ""); err != nil {
		x.t.Fatal(err)
	}
	x.log(id)
}

func (x *city) board(id int64) *plan.Board {
	x.t.Helper()
	b, err := x.plans.Board(officer(1), id)
	if err != nil {
		x.t.Fatal(err)
	}
	return b
}

func (x *city) log(id int64) {
	x.t.Helper()
	b := x.board(id)
	x.t.Logf("%s  %s, level %s: %+v", x.clock.Now().Format("01-02 15:04"), b.Title.En, b.Level, b.Counts)
}

// tasks are those of a board in some state; of some agencies where any are given.
func tasks(b *plan.Board, state string, agencies ...string) (out []plan.BoardTask) {
	for _, a := range b.Agencies {
		for _, t := range a.Tasks {
			if t.State == state && (agencies == nil || slices.Contains(agencies, a.Agency)) {
				out = append(out, t)
			}
		}
	}
	return out
}

// acknowledge says that posts have taken tasks on.
func (x *city) acknowledge(caseID int64, ts []plan.BoardTask) {
	x.t.Helper()
	for _, t := range ts {
		if _, err := x.cases.AcknowledgeTask(officer(3), caseID, t.ID, ""); err != nil {
			x.t.Fatal(err)
		}
	}
}

// answer is what a team says where its plan asks.
func answer(t plan.BoardTask) string {
	if t.Asks == nil {
		return ""
	}
	return "3"
}

func (x *city) finish(caseID int64, ts []plan.BoardTask) {
	x.t.Helper()
	for _, t := range ts {
		if _, err := x.cases.FinishTask(officer(2), caseID, t.ID, answer(t), ""); err != nil {
			x.t.Fatal(err)
		}
	}
}

// end finishes all but one task, withdraws that one with a reason, ends the response and closes its case by a reading of what
// opened it.
func (x *city) end(id int64, p plan.ProposalView) {
	x.t.Helper()
	b := x.board(id)
	open := append(tasks(b, "waiting"), tasks(b, "acknowledged")...)
	if len(open) == 0 {
		x.t.Fatal("no task is open at the end; the end would prove nothing")
	}
	x.finish(b.Case, open[1:])
	r := plan.EndRequest{Why: "it is over", Proposal: p.ID}
	if _, err := x.plans.End(officer(1), id, r, ""); err == nil {
		x.t.Fatal("ended with an open task")
	}
	if _, err := x.cases.Move(officer(1), b.Case, respond.MoveRequest{Move: "report-over"}, ""); err == nil {
		x.t.Fatal("the case moves on with an open task")
	}
	r.Withdraw = []plan.WithdrawTask{{Task: open[0].ID, Reason: "not needed any more"}}
	if _, err := x.plans.End(officer(1), id, r, ""); err != nil {
		x.t.Fatal(err)
	}
	x.log(id)
	if _, err := x.cases.Move(officer(1), b.Case, respond.MoveRequest{Move: "report-over"}, ""); err != nil {
		x.t.Fatal(err)
	}
	if _, err := x.cases.Move(officer(2), b.Case, respond.MoveRequest{Move: "verify"}, ""); err == nil {
		x.t.Fatal("the case is closed without a reading")
	}
	x.pass(time.Hour)
	if _, err := x.cases.Attach(officer(2), b.Case, respond.EvidenceRequest{Kind: "reading"}, ""); err != nil {
		x.t.Fatal(err)
	}
	if _, err := x.cases.Move(officer(2), b.Case, respond.MoveRequest{Move: "verify"}, ""); err != nil {
		x.t.Fatal(err)
	}
	c, err := x.cases.Case(officer(1), b.Case)
	if err != nil {
		x.t.Fatal(err)
	}
	if c.Outcome != "proven" || x.board(id).State != "ended" {
		x.t.Errorf("the case ended %q, the response is %s", c.Outcome, x.board(id).State)
	}
	if n := x.count("select count(*) from timers"); n != 0 {
		x.t.Errorf("%d timers are left", n)
	}
	if n := x.count("select count(*) from case_limits where state = 'running'"); n != 0 {
		x.t.Errorf("%d promises are still running", n)
	}
	if ps, _, _ := x.plans.Proposals(officer(1), true, 0, 10); len(ps) != 0 {
		x.t.Errorf("still proposed: %+v", ps)
	}
	x.t.Logf("%s  case %d closed by a reading of %g %s", x.clock.Now().Format("01-02 15:04"), b.Case, c.Evidence[0].Reading.Value, c.Evidence[0].Reading.Unit)
}

func (x *city) count(query string, args ...any) (n int) {
	x.t.Helper()
	err := x.db.Read(context.Background(), func(tx *db.Tx) error { return tx.QueryRow(query, args...).Scan(&n) })
	if err != nil {
		x.t.Fatal(err)
	}
	return n
}
