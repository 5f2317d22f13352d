package joint

import (
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/respond/joint/sitrep"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// plainRequest is the model: what a request may do, said as plainly as possible.
type plainRequest struct {
	id, by, asked int64
	cancelled     bool
	given         []*plainGift
}

type plainGift struct {
	id, by, n int64
	state     string
}

func (r *plainRequest) open() int64 {
	n := r.asked
	for _, g := range r.given {
		if g.state == "committed" || g.state == "arrived" || g.state == "released" {
			n -= g.n
		}
	}
	return n
}

// Random walks through requests, against the plain model; after each, the tables hold what the entries say, never more is
// committed than was asked, and all reports of the timeline can be traced.
func TestRequestsAgainstAPlainModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, dbtest.SQLite(t, rooms()...))
		agencies := []int64{0, gas, fire, 50}
		var all []*plainRequest
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			by := rapid.SampledFrom(agencies).Draw(rt, "by")
			n := int64(rapid.IntRange(0, 4).Draw(rt, "n"))
			step := rapid.SampledFrom([]string{"ask", "commit", "decline", "arrive", "release", "withdraw", "cancel"}).Draw(rt, "step")
			if step == "ask" || len(all) == 0 {
				r, err := w.Ask(as(by), w.id, ResourceRequest{What: "pumps", Kind: "equipment", Quantity: n}, "")
				if (err == nil) != (n >= 1) {
					rt.Fatalf("ask for %d: %v", n, err)
				}
				if err == nil {
					all = append(all, &plainRequest{id: r.Item, by: by, asked: n})
				}
				continue
			}
			q := rapid.SampledFrom(all).Draw(rt, "request")
			switch step {
			case "commit":
				r, err := w.Commit(as(by), w.id, q.id, CommitRequest{Quantity: n}, "")
				if want := !q.cancelled && n >= 1 && n <= q.open(); (err == nil) != want {
					rt.Fatalf("%d commits %d of %d open: %v, want %t", by, n, q.open(), err, want)
				}
				if err == nil {
					q.given = append(q.given, &plainGift{r.Item, by, n, "committed"})
				}
			case "decline":
				r, err := w.Commit(as(by), w.id, q.id, CommitRequest{Decline: true, Reason: "none free"}, "")
				if (err == nil) == q.cancelled {
					rt.Fatalf("decline of a request that is cancelled %t: %v", q.cancelled, err)
				}
				if err == nil {
					q.given = append(q.given, &plainGift{r.Item, by, 0, "declined"})
				}
			case "cancel":
				under := false
				for _, g := range q.given {
					under = under || g.state == "committed" || g.state == "arrived"
				}
				_, err := w.CancelAsk(as(by), w.id, q.id, EndRequest{Reason: "over"}, "")
				if want := !q.cancelled && !under && (by == q.by || by == 0); (err == nil) != want {
					rt.Fatalf("%d cancels: %v, want %t", by, err, want)
				}
				q.cancelled = q.cancelled || err == nil
			default:
				if len(q.given) == 0 {
					continue
				}
				g := rapid.SampledFrom(q.given).Draw(rt, "gift")
				from := map[string]string{"arrive": "committed", "release": "arrived", "withdraw": "committed"}[step]
				may := by == 0 || by == g.by || by == q.by && step != "withdraw"
				_, err := w.Step(as(by), w.id, q.id, g.id, StepRequest{Step: step, Reason: "as said"}, "")
				if want := may && g.state == from; (err == nil) != want {
					rt.Fatalf("%d: %s of a gift that is %s: %v, want %t", by, step, g.state, err, want)
				}
				if err == nil {
					g.state = map[string]string{"arrive": "arrived", "release": "released", "withdraw": "withdrawn"}[step]
				}
			}
		}
		w.agrees()
		for i, v := range w.room().Requests {
			q := all[i]
			want := q.open()
			if q.cancelled {
				want = 0
			}
			if v.Open != want || v.Open < 0 || v.Committed > v.Quantity || v.Released > v.Arrived || v.Arrived > v.Committed {
				rt.Fatalf("request %+v, the model has %d open", v, want)
			}
		}
		for _, form := range sitrep.Forms() {
			made, err := w.Report(as(fire), w.id, ReportRequest{Post: "staff", Form: form, Agency: gas}, "")
			if err != nil {
				rt.Fatal(err)
			}
			r, err := w.Read(as(fire), w.id, made.Item)
			if err != nil {
				rt.Fatal(err)
			}
			if wrong := sitrep.Check(r.Body, w.entries()); len(wrong) > 0 {
				rt.Fatalf("%s: %v", form, wrong)
			}
		}
	})
}
