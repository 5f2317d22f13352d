package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/joint/sitrep"
	"github.com/anlan-city/anlan/internal/sim"
)

// Six hours of storm with four agencies, in the whole product, on a clock that goes on when the drill says so. The city speaks
// by the doors that every sensor and hotline takes; people act by the API that the console uses.
func TestSixHoursOfStormWithFourAgencies(t *testing.T) {
	d := startStorm(t)
	duty, second := d.signIn("duty-officer"), d.signIn("second-officer")
	agencies := d.agencies()

	// The plan is proposed: level IV first, level III when water stands in several underpasses.
	var proposed proposal
	d.until("level III is proposed", 3*time.Hour, func() bool {
		proposed = d.proposal(duty, "open", "III")
		return proposed.ID != 0
	})
	t.Logf("after %s of rain: level III is proposed for %d reasons", d.rain(), len(proposed.Reasons))
	d.wouldHandOver(duty, "proposal", proposed.ID)
	var board board
	duty.must("POST", "/api/v1/plans/flood/responses", map[string]any{"level": "III", "proposal": proposed.ID, "grade": "larger",
		"why": "Underpasses stand under water and it goes on raining."}, &board)
	for _, a := range agencies {
		if len(board.of(a.organisation, "waiting")) == 0 {
			t.Errorf("no task for %s at level III", a.as)
		}
	}
	d.wouldHandOver(duty, "response", board.ID)
	d.acknowledge(agencies, &board)
	d.reportUpward(duty, board.Case)
	var asked struct{ Item int64 }
	duty.must("POST", fmt.Sprintf("/api/v1/rooms/%d/requests", board.Case), map[string]any{"what": "Mobile pumps", "kind": "equipment", "quantity": 4}, &asked)
	d.wouldHandOver(duty, "request", asked.Item)
	duty.must("POST", fmt.Sprintf("/api/v1/rooms/%d/requests/%d/cancel", board.Case, asked.Item), map[string]any{"reason": "The drainage company has enough."}, nil)
	duty.move(board.Case, "verify", map[string]any{"situation": "Underpasses under water in three towns, nobody in danger."})
	duty.move(board.Case, "grade", map[string]any{"grade": "larger", "hazard": "flood", "grade_basis": "Traffic cut in several places, more rain to come."})
	duty.move(board.Case, "respond", map[string]any{"lead": d.owner(duty, board.Case), "response": "iii"})

	// It gets worse: the rain passes the mark of the next level.
	d.until("level II is proposed", 3*time.Hour, func() bool {
		proposed = d.proposal(duty, "raise", "II")
		return proposed.ID != 0
	})
	t.Logf("after %s of rain: level II is proposed", d.rain())
	duty.must("POST", fmt.Sprintf("/api/v1/responses/%d/level", board.ID), map[string]any{"level": "II", "proposal": proposed.ID,
		"why": "50 mm in three hours at several gauges."}, &board)
	d.acknowledge(agencies, &board)

	// The pumps of one station stop. Its own company takes the case on; its crew starts them again.
	d.until("the stopped pumps are a case", 4*time.Hour, func() bool { return d.caseOf(duty, "high-water", d.asset("flood/pump-station")) != 0 })
	pumps := d.caseOf(duty, "high-water", d.asset("flood/pump-station"))
	t.Logf("after %s of rain: the stopped pumps are case %d", d.rain(), pumps)
	drainage := agencies[0]
	drainage.move(pumps, "accept", nil)
	d.room(duty, agencies, &board, pumps)
	drainage.move(pumps, "arrive", nil)
	if !d.repaired(sim.PumpFailureID) {
		t.Error("the crew is on site, and the pumps do not run")
	}

	// A feeder has tripped by now: the power company's own case.
	power := agencies[2]
	d.until("a tripped feeder is a case", 2*time.Hour, func() bool { return d.caseOf(duty, "power-outage", nil) != 0 })
	dark := d.caseOf(duty, "power-outage", nil)
	power.move(dark, "accept", nil)
	power.move(dark, "arrive", nil)

	d.reports(duty, agencies, &board)

	// The storm ends.
	d.pass(stormStart.Add(sim.StormAfter + sim.StormLasts + 30*time.Minute).Sub(d.clock.Now()))
	d.finish(duty, agencies, &board)
	d.proven(drainage, second, pumps, map[string]any{"action": "Control cabinet dried, all four pumps run."})
	d.proven(power, second, dark, map[string]any{"action": "Load switched to the neighbouring feeder.", "cause": "weather"})
	d.endIncident(duty, second, board.Case)
	d.clocksKept(duty, board.Case)
	d.handOver(duty, second)
	d.scored(duty)
}

// drill is a running product and its people.
type drill struct {
	*App
	t     *testing.T
	clock *clock.Virtual
	keys  int
	watch *person // who looks whether all is judged
}

func startStorm(t *testing.T) *drill {
	t.Helper()
	c := clock.NewVirtual(stormStart)
	o := Options{Listen: "127.0.0.1:0", MQTT: "off", Data: t.TempDir(), Clock: c, Demo: &DemoOptions{Seed: 1, Scenario: sim.StormScenario, Speed: 1}}
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
	d := &drill{App: a, t: t, clock: c}
	d.watch = d.signIn("duty-officer")
	return d
}

// pass lets the city live on for a while, two minutes at a time, each time until all that it has sent is judged and told.
func (d *drill) pass(span time.Duration) {
	d.t.Helper()
	for end := d.clock.Now().Add(span); d.clock.Now().Before(end); {
		d.clock.Advance(min(2*time.Minute, end.Sub(d.clock.Now())))
		now := d.clock.Now().Truncate(time.Second)
		for tries := 0; ; tries++ { // each request takes its time
			var counters struct{ Total map[string]int64 }
			d.watch.must("GET", "/api/v1/watch/counters", nil, &counters)
			if at := d.demo.reached.Load(); at != nil && !at.Before(now) && counters.Total["lag"] == 0 && d.told() {
				break
			}
			if tries%500 == 499 { // who looked at the clock just before it moved, and lay down just after
				d.clock.Advance(time.Second)
			}
			if tries == 50_000 {
				d.t.Fatalf("the city does not catch up with its clock at %s: it has reached %v, %v", now, d.demo.reached.Load(), counters.Total)
			}
		}
	}
}

// told says whether every event has reached all rooms that wait for it.
func (d *drill) told() bool {
	d.t.Helper()
	waiting := 0
	err := d.db.Read(context.Background(), func(tx *db.Tx) error { return tx.QueryRow(`select count(*) from outbox`).Scan(&waiting) })
	if err != nil {
		d.t.Fatal(err)
	}
	lag, err := d.bus.Lag(context.Background())
	if err != nil {
		d.t.Fatal(err)
	}
	for _, n := range lag {
		waiting += int(n)
	}
	return waiting == 0
}

// until lets the city live on until something is so.
func (d *drill) until(what string, atMost time.Duration, so func() bool) {
	d.t.Helper()
	for end := d.clock.Now().Add(atMost); !so(); d.pass(time.Minute) {
		if d.clock.Now().After(end) {
			d.t.Fatalf("%s: not within %s", what, atMost)
		}
	}
}

// rain is how long it has been raining.
func (d *drill) rain() time.Duration { return d.clock.Now().Sub(stormStart) - sim.StormAfter }

// person is a signed-in post of the demo.
type person struct {
	d            *drill
	as           string
	organisation int64
	c            http.Client
}

func (d *drill) signIn(as string) *person {
	d.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	p := &person{d: d, as: as, c: http.Client{Jar: jar}}
	var session struct {
		Actor struct {
			Organisation int64
			Roles        []string
		}
	}
	p.must("POST", "/api/v1/session/demo", map[string]any{"as": as}, &session)
	p.organisation = session.Actor.Organisation
	return p
}

// agencies signs in the four of the storm, each in its own organisation.
func (d *drill) agencies() (out []*person) {
	d.t.Helper()
	var offer struct {
		Posts []struct{ As string }
	}
	d.watch.must("GET", "/api/v1/session/demo", nil, &offer)
	var names []string
	for _, o := range offer.Posts {
		p := d.signIn(o.As)
		if p.organisation == 0 || slices.ContainsFunc(out, func(q *person) bool { return q.organisation == p.organisation }) {
			d.t.Errorf("%s works for organisation %d", p.as, p.organisation)
		}
		out, names = append(out, p), append(names, p.as)
	}
	if !slices.Equal(names, []string{"drainage", "traffic", "power", "town"}) {
		d.t.Fatalf("the demo offers %v", names)
	}
	return out
}

func (p *person) try(method, path string, body, into any) (int, string) {
	p.d.t.Helper()
	var b bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&b).Encode(body); err != nil {
			p.d.t.Fatal(err)
		}
	}
	req, err := http.NewRequest(method, p.d.URL()+path, &b)
	if err != nil {
		p.d.t.Fatal(err)
	}
	if body != nil {
		p.d.keys++
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", fmt.Sprint("storm-", p.d.keys))
	}
	res, err := p.c.Do(req)
	if err != nil {
		p.d.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		p.d.t.Fatal(err)
	}
	if into != nil && res.StatusCode < 300 {
		if err := json.Unmarshal(answer, into); err != nil {
			p.d.t.Fatalf("%s: %v in %s", path, err, answer)
		}
	}
	return res.StatusCode, string(answer)
}

func (p *person) must(method, path string, body, into any) {
	p.d.t.Helper()
	if status, answer := p.try(method, path, body, into); status >= 300 {
		p.d.t.Fatalf("%s %s by %s: %d %s", method, path, p.as, status, answer)
	}
}

func (p *person) move(caseID int64, move string, fields map[string]any) {
	p.d.t.Helper()
	p.must("POST", fmt.Sprintf("/api/v1/cases/%d/moves", caseID), map[string]any{"move": move, "fields": fields}, nil)
}

type proposal struct {
	ID          int64
	Plan        string
	What, Level string
	Reasons     []struct{ Name string }
}

// proposal is what the program proposes about the flood plan now, if it is this.
func (d *drill) proposal(p *person, what, level string) proposal {
	d.t.Helper()
	var list struct{ Items []proposal }
	p.must("GET", "/api/v1/plan-proposals", nil, &list)
	for _, x := range list.Items {
		if x.Plan == "flood" && x.What == what && x.Level == level {
			return x
		}
	}
	return proposal{}
}

type task struct {
	ID           int64
	Name         string
	Organisation int64
	Post, State  string
	Asks         *struct{ Kind string }
	SecondsLeft  *int64 `json:"seconds_left"`
	Late         bool
}

type board struct {
	ID, Case int64
	Level    string
	Agencies []struct {
		Agency string
		Tasks  []task
	}
}

// of are the tasks of an organisation in a state; 0 stands for all organisations.
func (b *board) of(organisation int64, state string) (out []task) {
	for _, a := range b.Agencies {
		for _, x := range a.Tasks {
			if (organisation == 0 || x.Organisation == organisation) && x.State == state {
				out = append(out, x)
			}
		}
	}
	return out
}

// acknowledge has each agency take on what waits for it: one request for each task, and none for anybody else's.
func (d *drill) acknowledge(agencies []*person, b *board) {
	d.t.Helper()
	for _, p := range agencies {
		waiting := b.of(p.organisation, "waiting")
		d.inInbox(p, agencies, b, waiting)
		for _, x := range waiting {
			p.must("POST", fmt.Sprintf("/api/v1/cases/%d/tasks/%d/acknowledge", b.Case, x.ID), map[string]any{}, nil)
		}
		d.t.Logf("%s: %d tasks acknowledged, one request each", p.as, len(waiting))
	}
	d.watch.must("GET", fmt.Sprintf("/api/v1/responses/%d", b.ID), nil, b)
	for _, p := range agencies {
		if left := b.of(p.organisation, "waiting"); len(left) > 0 {
			d.t.Errorf("%s still has %d tasks that nobody took on: %+v", p.as, len(left), left)
		}
	}
}

// inInbox looks whether an agency's inbox has what waits for it at once, and nothing of the others.
func (d *drill) inInbox(p *person, agencies []*person, b *board, waiting []task) {
	d.t.Helper()
	var inbox struct {
		Organisation int64
		Items        []struct {
			What           string
			ID, Case       int64
			AcknowledgedAt *time.Time `json:"acknowledged_at"`
		}
	}
	p.must("GET", "/api/v1/inbox", nil, &inbox)
	if inbox.Organisation != p.organisation {
		d.t.Errorf("%s sees the inbox of organisation %d", p.as, inbox.Organisation)
	}
	open := map[int64]bool{}
	for _, i := range inbox.Items {
		if i.What == "task" && i.Case == b.Case && i.AcknowledgedAt == nil {
			open[i.ID] = true
		}
	}
	for _, x := range waiting {
		if !open[x.ID] {
			d.t.Errorf("task %d (%s) is not in the inbox of %s", x.ID, x.Name, p.as)
		}
		delete(open, x.ID)
	}
	if len(open) > 0 {
		d.t.Errorf("the inbox of %s has tasks that are not on its part of the board: %v", p.as, open)
	}
	for _, q := range agencies {
		if status, answer := p.try("GET", fmt.Sprintf("/api/v1/inbox?organisation=%d", q.organisation), nil, nil); (status == http.StatusOK) != (q == p) {
			d.t.Errorf("%s asks for the inbox of %s: %d %s", p.as, q.as, status, answer)
		}
	}
}

type clockView struct {
	ID, Case    int64
	Report, How string
	DueAt       time.Time `json:"due_at"`
	StartedAt   time.Time `json:"started_at"`
	State       string
	Overdue     bool
}

// clocks are those of an incident's reports upward.
func (d *drill) clocks(p *person, caseID int64) []clockView {
	d.t.Helper()
	var page struct{ Clocks []clockView }
	p.must("GET", fmt.Sprintf("/api/v1/watch/reports?case=%d", caseID), nil, &page)
	return page.Clocks
}

// reportUpward gives the first report in time: by telephone and in writing.
func (d *drill) reportUpward(duty *person, caseID int64) {
	d.t.Helper()
	d.until("the reports upward have their clocks", 5*time.Minute, func() bool { return len(d.clocks(duty, caseID)) > 0 })
	var made struct{ ID int64 }
	duty.must("POST", "/api/v1/watch/reports", map[string]any{"case": caseID, "report": "first"}, &made)
	duty.must("POST", fmt.Sprintf("/api/v1/watch/reports/%d/sign", made.ID), map[string]any{"version": 1}, nil)
	told := 0
	for _, c := range d.clocks(duty, caseID) {
		if c.Report != "first" || c.State != "running" {
			continue
		}
		how := map[string]string{"phone": "phone", "writing": "fax"}[c.How]
		duty.must("POST", fmt.Sprintf("/api/v1/watch/reports/%d/tell", made.ID), map[string]any{"version": 1, "how": how, "clock": c.ID}, nil)
		told++
	}
	if told == 0 {
		d.t.Errorf("no first report is due: %+v", d.clocks(duty, caseID))
	}
}

// clocksKept looks at the clocks at the end: the first report was in time, later ones are still due.
func (d *drill) clocksKept(p *person, caseID int64) {
	d.t.Helper()
	met, runs := 0, 0
	for _, c := range d.clocks(p, caseID) {
		switch {
		case c.Overdue:
			d.t.Errorf("a report upward is late: %+v", c)
		case c.Report == "first" && c.State == "met":
			met++
		case c.State == "running" && c.DueAt.After(d.clock.Now()):
			runs++
		}
	}
	d.t.Logf("reports upward: %d clocks met in time, %d still run", met, runs)
	if met == 0 || runs == 0 {
		d.t.Errorf("%+v", d.clocks(p, caseID))
	}
}

// wouldHandOver looks whether something stands on the page of a handover that has begun.
func (d *drill) wouldHandOver(p *person, kind string, id int64) {
	d.t.Helper()
	var begun struct{ ID int64 }
	p.must("POST", "/api/v1/watch/handovers", map[string]any{}, &begun)
	var page struct {
		Items []struct {
			Kind string
			ID   int64
		}
	}
	p.must("GET", fmt.Sprintf("/api/v1/watch/handovers/%d", begun.ID), nil, &page)
	for _, i := range page.Items {
		if i.Kind == kind && i.ID == id {
			return
		}
	}
	d.t.Errorf("%s %d is open and would not be handed over: %+v", kind, id, page.Items)
}

// handOver ends the shift: what is still open is handed over as a whole, by two persons.
func (d *drill) handOver(leaves, arrives *person) {
	d.t.Helper()
	var begun struct{ ID int64 }
	leaves.must("POST", "/api/v1/watch/handovers", map[string]any{}, &begun)
	type page struct {
		State, Seen string
		Items       []json.RawMessage
	}
	var p page
	path := fmt.Sprintf("/api/v1/watch/handovers/%d", begun.ID)
	leaves.must("GET", path, nil, &p)
	leaves.must("POST", path+"/leave", map[string]any{"seen": p.Seen, "remark": "The rain is over; underpasses are still being pumped out."}, nil)
	arrives.must("GET", path, nil, &p)
	if status, _ := leaves.try("POST", path+"/arrive", map[string]any{"seen": p.Seen}, nil); status < 400 {
		d.t.Error("one person signed for both sides")
	}
	arrives.must("POST", path+"/arrive", map[string]any{"seen": p.Seen}, nil)
	arrives.must("GET", path, nil, &p)
	d.t.Logf("handed over: %d open items, %s", len(p.Items), p.State)
	if p.State != "done" || len(p.Items) == 0 {
		d.t.Errorf("handover %s with %d items", p.State, len(p.Items))
	}
}

// asset is one that a storm's incident began at, by its kind: the stopped pump station, a tripped feeder.
func (d *drill) asset(kind string) *int64 {
	for _, i := range d.demo.scenario.Truth().Incidents {
		for _, a := range d.demo.scenario.World.Assets {
			if i.ID != sim.StormID && a.ID == i.Asset && a.Kind == kind {
				id, _ := d.city.AssetByKey(a.ID)
				return &id
			}
		}
	}
	d.t.Fatalf("nothing happens at a %s", kind)
	return nil
}

// caseOf is the open case of a kind, at an asset or anywhere; 0 where there is none.
func (d *drill) caseOf(p *person, kind string, asset *int64) int64 {
	d.t.Helper()
	var list struct {
		Items []struct {
			ID    int64
			Asset *int64
		}
	}
	p.must("GET", "/api/v1/cases?state=open&limit=500&kind="+kind, nil, &list)
	for _, c := range list.Items {
		if asset == nil || c.Asset != nil && *c.Asset == *asset {
			return c.ID
		}
	}
	return 0
}

// repaired waits until the simulated crew has heard of its case.
func (d *drill) repaired(id string) bool {
	for range 10_000 {
		for _, i := range d.demo.scenario.Truth().Incidents {
			if i.ID == id && i.Repaired != nil {
				return true
			}
		}
		d.watch.must("GET", "/api/v1/session", nil, nil)
	}
	return false
}

// said is what each agency writes into its log in the joint room.
var said = map[string]string{
	"drainage": "All four pumps of the station stand, the sump is at 3 m.",
	"traffic":  "Four underpasses are closed and guarded.",
	"power":    "The station's second supply is live.",
	"town":     "Ground floors in three streets have been told.",
}

// holds tells whether a report has a line with these words.
func holds(r *sitrep.Report, words string) bool {
	for _, section := range r.Sections {
		for _, line := range section.Lines {
			if strings.Contains(line.Text.En, words) {
				return true
			}
		}
	}
	return false
}

// room is what is said and decided in the joint room while the pumps stand.
func (d *drill) room(duty *person, agencies []*person, b *board, pumps int64) {
	d.t.Helper()
	room := fmt.Sprintf("/api/v1/rooms/%d", b.Case)
	for _, p := range agencies {
		p.must("POST", room+"/presence", map[string]any{"post": p.as + "-duty", "step": "join"}, nil)
		p.must("POST", room+"/log", map[string]any{"post": p.as + "-duty", "text": said[p.as], "topic": "situation", "significant": true}, nil)
	}
	var page struct{ Alert *int64 }
	duty.must("GET", fmt.Sprintf("/api/v1/cases/%d", pumps), nil, &page)
	duty.must("POST", room+"/decisions", map[string]any{"post": "flood-duty", "what": "Mobile pumps go to the stopped station first.",
		"why": "What drains to it has no other way.", "alerts": []int64{*page.Alert}}, nil)
	if status, answer := agencies[1].try("POST", fmt.Sprintf("/api/v1/cases/%d/notes", d.foreign(duty, agencies[1])), map[string]any{"text": "x"}, nil); status < 400 {
		d.t.Errorf("the traffic police wrote into a case of another organisation: %s", answer)
	}
}

// foreign is a case that an agency has no part in.
func (d *drill) foreign(duty, p *person) int64 {
	d.t.Helper()
	var list struct {
		Items []struct {
			ID    int64
			Owner *int64
		}
	}
	duty.must("GET", "/api/v1/cases?state=open&limit=500&kind=high-water", nil, &list)
	for _, c := range list.Items {
		if c.Owner != nil && *c.Owner != p.organisation {
			return c.ID
		}
	}
	d.t.Fatal("there is no such case")
	return 0
}

// reports makes the three reports, each within five seconds, and walks each of their lines to its source.
func (d *drill) reports(duty *person, agencies []*person, b *board) {
	d.t.Helper()
	asked := []map[string]any{{"form": sitrep.Summary}, {"form": sitrep.Special}, {"form": sitrep.Briefing}}
	for _, p := range agencies {
		asked = append(asked, map[string]any{"form": sitrep.Activity, "agency": p.organisation})
	}
	room := fmt.Sprintf("/api/v1/rooms/%d/reports", b.Case)
	for _, r := range asked {
		r["post"] = "flood-duty"
		begun := time.Now()
		var made respond.Receipt
		duty.must("POST", room, r, &made)
		took := time.Since(begun)
		var page struct {
			Body   sitrep.Report
			Intact bool
		}
		duty.must("GET", fmt.Sprintf("%s/%d", room, made.Item), nil, &page)
		lines := d.walk(duty, b, &page.Body)
		for as, said := range said {
			own := r["form"] == sitrep.Activity && slices.ContainsFunc(agencies, func(p *person) bool { return p.as == as && p.organisation == r["agency"] })
			if got := holds(&page.Body, said); got != (own || r["form"] != sitrep.Activity) {
				d.t.Errorf("%s for organisation %v holds the line of %s: %t", r["form"], r["agency"], as, got)
			}
		}
		d.t.Logf("%s for organisation %v: %d lines in %s", r["form"], r["agency"], lines, took.Round(time.Millisecond))
		if took > 5*time.Second || !page.Intact || lines == 0 {
			d.t.Errorf("%v: %s, %d lines, intact: %t", r, took, lines, page.Intact)
		}
	}
}

// walk goes from each line of a report to its entries in the case's timeline as the API shows it, and on from each entry to the
// task, alert or decision that it speaks of. It returns how many lines there are.
func (d *drill) walk(p *person, b *board, r *sitrep.Report) (lines int) {
	d.t.Helper()
	type line struct {
		ID    int64
		Kind  string
		Actor string
		Text  json.RawMessage
		Data  map[string]any
	}
	var page struct {
		Timeline []line
		Earlier  int
		Tasks    []struct{ ID int64 }
	}
	p.must("GET", fmt.Sprintf("/api/v1/cases/%d", b.Case), nil, &page)
	for page.Earlier > 0 { // the page holds the newest alone
		earlier := page
		earlier.Timeline = nil
		p.must("GET", fmt.Sprintf("/api/v1/cases/%d/timeline?before=%d", b.Case, page.Timeline[0].ID), nil, &struct {
			Items   *[]line
			Earlier *int
		}{&earlier.Timeline, &earlier.Earlier})
		page.Timeline, page.Earlier = append(earlier.Timeline, page.Timeline...), earlier.Earlier
	}
	entries, tasks := map[int64]int{}, map[int64]bool{}
	for i, e := range page.Timeline {
		entries[e.ID] = i
	}
	for _, x := range page.Tasks {
		tasks[x.ID] = true
	}
	for _, section := range r.Sections {
		for n, line := range section.Lines {
			lines++
			if len(line.Entries) == 0 {
				d.t.Errorf("%s, %s, line %d rests on nothing: %s", r.Form, section.ID, n, line.Text.En)
			}
			for _, id := range line.Entries {
				i, known := entries[id]
				if !known {
					d.t.Errorf("%s, %s, line %d rests on entry %d, which the timeline does not have", r.Form, section.ID, n, id)
					continue
				}
				e := page.Timeline[i]
				if e.Actor == "" {
					d.t.Errorf("entry %d has nobody who made it", id)
				}
				if says := spoken(e.Text); len(line.Entries) == 1 && len(line.Figures) == 0 && !slices.ContainsFunc(says, func(w string) bool {
					return strings.Contains(line.Text.En, w) || strings.Contains(line.Text.Zh, w)
				}) {
					d.t.Errorf("%s, %s: %q is not what entry %d says: %q", r.Form, section.ID, line.Text.Zh, id, says)
				}
				if x, ok := e.Data["task"].(float64); ok && !tasks[int64(x)] {
					d.t.Errorf("entry %d speaks of task %v, which the case does not have", id, x)
				}
				if x, ok := e.Data["activation"].(float64); ok && int64(x) != b.ID {
					d.t.Errorf("entry %d speaks of response %v", id, x)
				}
				alerts, _ := e.Data["alerts"].([]any)
				for _, x := range alerts {
					alert, _ := x.(float64)
					if of, ok := x.(map[string]any); ok {
						alert, _ = of["id"].(float64)
					}
					if status, answer := p.try("GET", fmt.Sprintf("/api/v1/alerts/%d", int64(alert)), nil, nil); status != http.StatusOK {
						d.t.Errorf("entry %d rests on alert %v: %d %s", id, x, status, answer)
					}
				}
			}
		}
	}
	// And by the room's own rules, figures included.
	var all []respond.Entry
	err := d.db.Read(context.Background(), func(tx *db.Tx) (err error) {
		all, err = respond.Timeline(tx, b.Case)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	for _, wrong := range sitrep.Check(r, all) {
		d.t.Errorf("%s: %s", r.Form, wrong)
	}
	return lines
}

// spoken are the words of an entry: a person's, or the program's in both languages.
func spoken(text json.RawMessage) []string {
	var words string
	if json.Unmarshal(text, &words) == nil {
		return []string{words}
	}
	var both struct {
		En string `json:"en"`
		Zh string `json:"zh-CN"`
	}
	if json.Unmarshal(text, &both) != nil {
		return nil
	}
	_, who, _ := strings.Cut(both.Zh, "：") // who is there stands in reports without the word for joining
	return slices.DeleteFunc([]string{both.En, both.Zh, who}, func(w string) bool { return w == "" })
}

// finish has the agencies report their tasks done; what is with others is withdrawn by the officer with a reason, and the
// response ends.
func (d *drill) finish(duty *person, agencies []*person, b *board) {
	d.t.Helper()
	duty.must("GET", fmt.Sprintf("/api/v1/responses/%d", b.ID), nil, b)
	for _, p := range agencies {
		for _, x := range b.of(p.organisation, "acknowledged") {
			answer := "Done as ordered."
			if x.Asks != nil && x.Asks.Kind == "number" {
				answer = "4"
			}
			p.must("POST", fmt.Sprintf("/api/v1/cases/%d/tasks/%d/done", b.Case, x.ID), map[string]any{"answer": answer}, nil)
		}
	}
	duty.must("GET", fmt.Sprintf("/api/v1/responses/%d", b.ID), nil, b)
	var left []map[string]any
	for _, x := range append(b.of(0, "waiting"), b.of(0, "acknowledged")...) {
		if slices.ContainsFunc(agencies, func(p *person) bool { return p.organisation == x.Organisation }) {
			d.t.Errorf("task %d of one of the four is %s at the end", x.ID, x.State)
		}
		left = append(left, map[string]any{"task": x.ID, "reason": "Settled by telephone: this agency takes no part in the drill."})
	}
	end := fmt.Sprintf("/api/v1/responses/%d/end", b.ID)
	if status, answer := duty.try("POST", end, map[string]any{"why": "The rain is over."}, nil); status < 400 {
		d.t.Errorf("the response ended with %d open tasks: %s", len(left), answer)
	}
	duty.must("POST", end, map[string]any{"why": "The rain is over.", "withdraw": left}, b)
	for _, p := range agencies {
		d.t.Logf("%s: %d tasks done", p.as, len(b.of(p.organisation, "done")))
	}
}

// owner is the unit that leads a case.
func (d *drill) owner(p *person, caseID int64) int64 {
	d.t.Helper()
	var page struct{ Owner int64 }
	p.must("GET", fmt.Sprintf("/api/v1/cases/%d", caseID), nil, &page)
	return page.Owner
}

// endIncident brings the incident itself to its end: control is reported by one officer, ended by another, on a signed form.
func (d *drill) endIncident(duty, second *person, caseID int64) {
	d.t.Helper()
	var page struct {
		State, Outcome string
		Tasks          []struct {
			ID    int64
			State string
		}
	}
	path := fmt.Sprintf("/api/v1/cases/%d", caseID)
	duty.must("GET", path, nil, &page)
	for _, x := range page.Tasks {
		if x.State == "open" {
			duty.must("POST", fmt.Sprintf("%s/tasks/%d/done", path, x.ID), map[string]any{"answer": "Reported by telephone."}, nil)
		}
	}
	duty.move(caseID, "control", map[string]any{"measures": "Pumped out, feeders live, roads open.", "harm": "None."})
	gone := map[string]any{"danger_gone": "No rain, every gauge under 10 cm."}
	if status, answer := duty.try("POST", path+"/moves", map[string]any{"move": "end-response", "fields": gone}, nil); status < 400 {
		d.t.Errorf("one officer reported control and ended the response: %s", answer)
	}
	second.move(caseID, "end-response", gone)
	lessons := map[string]any{"lessons": "The station's control cabinet stands too low."}
	if status, answer := second.try("POST", path+"/moves", map[string]any{"move": "finish", "fields": lessons}, nil); status < 400 {
		d.t.Errorf("the incident ended without its signed report: %s", answer)
	}
	d.pass(time.Minute) // evidence is newer than what it proves
	second.attach(path+"/evidence", "form", []byte("%PDF-1.7\n% signed\n"))
	second.move(caseID, "finish", lessons)
	second.must("GET", path, nil, &page)
	if page.Outcome != "proven" {
		d.t.Errorf("the incident is %s, outcome %q", page.State, page.Outcome)
	}
}

// attach uploads a file as evidence.
func (p *person) attach(path, kind string, file []byte) {
	p.d.t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreateFormFile("file", "report.pdf")
	if err == nil {
		_, err = part.Write(file)
	}
	if err = errors.Join(err, form.WriteField("kind", kind), form.Close()); err != nil {
		p.d.t.Fatal(err)
	}
	req, err := http.NewRequest("POST", p.d.URL()+path, &b)
	if err != nil {
		p.d.t.Fatal(err)
	}
	p.d.keys++
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Idempotency-Key", fmt.Sprint("storm-", p.d.keys))
	res, err := p.c.Do(req)
	if err != nil {
		p.d.t.Fatal(err)
	}
	defer res.Body.Close()
	if answer, _ := io.ReadAll(res.Body); res.StatusCode >= 300 {
		p.d.t.Fatalf("attach to %s: %d %s", path, res.StatusCode, answer)
	}
}

// proven brings a case that its crew is on the site of to its proven end: reported by its owner, verified by a second person
// with a reading.
func (d *drill) proven(owner, second *person, caseID int64, fields map[string]any) {
	d.t.Helper()
	var page struct {
		State string
		Moves []struct {
			ID string `json:"name"`
			To string
		}
	}
	owner.must("GET", fmt.Sprintf("/api/v1/cases/%d", caseID), nil, &page)
	for _, m := range page.Moves {
		if strings.HasPrefix(m.ID, "report-") {
			owner.move(caseID, m.ID, fields)
			d.closed(second, caseID)
			return
		}
	}
	d.t.Fatalf("case %d in %s has no way to report: %+v", caseID, page.State, page.Moves)
}

// closed attaches readings until one proves the end, and verifies.
func (d *drill) closed(second *person, caseID int64) {
	d.t.Helper()
	case_ := fmt.Sprintf("/api/v1/cases/%d", caseID)
	c, err := d.caseRow(caseID)
	if err != nil {
		d.t.Fatal(err)
	}
	why := ""
	d.until(fmt.Sprintf("case %d is proven and closed", caseID), 6*time.Hour, func() bool {
		for _, stream := range c.Datastreams {
			if status, answer := second.try("POST", case_+"/evidence", map[string]any{"kind": "reading", "datastream": stream}, nil); status >= 300 {
				why = answer
				continue
			}
			status, answer := second.try("POST", case_+"/moves", map[string]any{"move": "verify"}, nil)
			if status < 300 {
				return true
			}
			why = answer
		}
		if len(c.Datastreams) == 0 {
			d.t.Fatalf("case %d has no sensor", caseID)
		}
		return false
	})
	var page struct{ Outcome string }
	second.must("GET", case_, nil, &page)
	if page.Outcome != "proven" {
		d.t.Errorf("case %d ended as %q, last %s", caseID, page.Outcome, why)
	}
	d.t.Logf("after %s of rain: case %d is closed by proof", d.rain(), caseID)
}

func (d *drill) caseRow(id int64) (c *respond.Case, err error) {
	err = d.db.Read(context.Background(), func(tx *db.Tx) (err error) {
		c, err = respond.Find(tx, id)
		return err
	})
	return c, err
}

// scored holds what was claimed against what was planted.
func (d *drill) scored(p *person) {
	d.t.Helper()
	var card sim.Card
	p.must("GET", "/api/v1/score", nil, &card)
	d.t.Logf("%d planted, %d found, %d missed, %d false", card.Planted, card.Found, card.Missed, card.False)
	if card.Missed > 0 || card.False > 0 {
		for _, i := range card.Incidents {
			if !i.Found {
				d.t.Errorf("missed: %s", i.Name.En)
			}
		}
		d.t.Errorf("%d missed, %d false", card.Missed, card.False)
	}
}
