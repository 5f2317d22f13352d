package lifecycle

import (
	"reflect"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
)

// everyDay is a calendar in which every day is a working day.
type everyDay struct{}

func (everyDay) Add(t time.Time, days int) time.Time { return t.AddDate(0, 0, days) }

const day = 24 * time.Hour

// of is an account of an organisation.
func of(organisation, id int64, roles ...string) access.Actor {
	a := officer(id, roles...)
	a.Organisation = organisation
	return a
}

// handling is a request that organisation 5, below 50, handles for desk 9 since noon; its limit is in five days, its closing in ten.
func handling() Snapshot {
	return Snapshot{
		State: "handling", Since: noon, OpenedAt: noon.Add(-time.Hour), Owner: 5, Desk: 9, Days: everyDay{},
		Covers: func(organisation, other int64) bool { return organisation == 50 && other == 5 },
		Limits: []Limited{{Name: StateLimit, DueAt: noon.Add(5 * day)}, {Name: "limit:closing", DueAt: noon.Add(10 * day)}},
	}
}

func at(d time.Duration) string { return noon.Add(d).Format(time.RFC3339) }

func TestEffects(t *testing.T) {
	k := request(t)
	operator, desk := of(5, 1, "operator"), of(9, 2, "duty-officer")
	type answers = map[string]any
	for _, tt := range []struct {
		name   string
		move   string
		who    access.Actor
		fields answers
		after  time.Duration // noon
		change func(c *Snapshot)
		code   string
		says   string
		want   func(s Step) any // what is looked at, and
		is     any
	}{
		// --- extension
		{name: "extend asks", move: "extend", who: operator, fields: answers{"until": at(9 * day)},
			want: func(s Step) any {
				return []any{s.Ask, s.DecideBy.Equal(noon.Add(day)), s.Limit, s.Until.Equal(noon.Add(9 * day)), s.Stays}
			}, is: []any{true, true, "state", true, true}},
		{name: "extend to the most", move: "extend", who: operator, fields: answers{"until": at(10 * day)}},
		{name: "extend beyond the most", move: "extend", who: operator, fields: answers{"until": at(10*day + time.Second)}, code: CodeExtension, says: "more than 5 working days"},
		{name: "extend to the limit itself", move: "extend", who: operator, fields: answers{"until": at(5 * day)}, code: CodeExtension, says: "must lie after"},
		{name: "extend to an earlier time", move: "extend", who: operator, fields: answers{"until": at(day)}, code: CodeExtension},
		{name: "extend in the last moment", move: "extend", who: operator, fields: answers{"until": at(6 * day)}, after: 4 * day},
		{name: "extend too late", move: "extend", who: operator, fields: answers{"until": at(6 * day)}, after: 4*day + time.Microsecond, code: CodeExtension, says: "Too late"},
		{name: "extend a second time", move: "extend", who: operator, fields: answers{"until": at(6 * day)},
			change: func(c *Snapshot) { c.Limits[0].Extensions = 1 }},
		{name: "extend a third time", move: "extend", who: operator, fields: answers{"until": at(6 * day)},
			change: func(c *Snapshot) { c.Limits[0].Extensions = 2 }, code: CodeExtension, says: "2 times"},
		{name: "extend what has no limit", move: "extend", who: operator, fields: answers{"until": at(6 * day)},
			change: func(c *Snapshot) { c.Limits = c.Limits[1:] }, code: CodeNoLimit},
		{name: "extend without a time", move: "extend", who: operator, code: CodeField},
		{name: "extend while it is asked for", move: "extend", who: operator, fields: answers{"until": at(6 * day)},
			change: func(c *Snapshot) { c.Asks = []string{"extend"} }, code: CodeAsked},
		{name: "extend by the desk", move: "extend", who: of(9, 1, "operator"), fields: answers{"until": at(6 * day)}, code: CodeSide, says: "has the case"},
		{name: "extend by who stands above the owner", move: "extend", who: of(50, 1, "operator"), fields: answers{"until": at(6 * day)}},
		{name: "extend by the city", move: "extend", who: of(0, 1, "operator"), fields: answers{"until": at(6 * day)}},
		{name: "extend a promise, at once", move: "extend-closing", who: desk, fields: answers{"closing_until": at(15 * day)},
			want: func(s Step) any {
				return []any{s.Ask, s.Limit, s.Until.Equal(noon.Add(15 * day)), s.Due.Equal(noon.Add(5 * day))}
			}, is: []any{false, "limit:closing", true, true}},

		// --- transfer and return
		{name: "dispatch", move: "dispatch", who: desk, fields: answers{"organisation": 6.0, "post": "crew"},
			change: func(c *Snapshot) { c.State = "intake" },
			want:   func(s Step) any { return []any{s.Owner, s.Post, s.To.ID, s.Stays} }, is: []any{int64(6), "crew", "handling", false}},
		{name: "dispatch to nobody", move: "dispatch", who: desk, fields: answers{"organisation": 0.0, "post": "crew"},
			change: func(c *Snapshot) { c.State = "intake" }, code: CodeField},
		{name: "dispatch to half an organisation", move: "dispatch", who: desk, fields: answers{"organisation": 1.5, "post": "crew"},
			change: func(c *Snapshot) { c.State = "intake" }, code: CodeField},
		{name: "dispatch by the owner", move: "dispatch", who: of(5, 1), fields: answers{"organisation": 6.0, "post": "crew"},
			change: func(c *Snapshot) { c.State = "intake" }, code: CodeSide, says: "runs the case"},
		{name: "send back", move: "send-back", who: operator, fields: answers{"reason": "not ours"},
			change: func(c *Snapshot) { c.Before = &Holder{4, "office"} },
			want:   func(s Step) any { return []any{s.Owner, s.Post, s.To.ID} }, is: []any{int64(4), "office", "intake"}},
		{name: "send back to nobody", move: "send-back", who: operator, fields: answers{"reason": "not ours"}, code: CodeNobody},
		{name: "send back once too often", move: "send-back", who: operator, fields: answers{"reason": "not ours"},
			change: func(c *Snapshot) { c.Before, c.Returns = &Holder{}, 2 }, code: CodeGuard, says: "twice"},

		// --- listing
		{name: "list", move: "list", who: desk, fields: answers{"listing": "city"}, want: func(s Step) any { return s.Level }, is: "city"},
		{name: "list at no level", move: "list", who: desk, fields: answers{"listing": "province"}, code: CodeField},
		{name: "list again", move: "list", who: desk, fields: answers{"listing": "city"}, change: func(c *Snapshot) { c.Listed = "city" }, code: CodeGuard},
		{name: "delist", move: "delist", who: desk, change: func(c *Snapshot) { c.Listed = "city" }, want: func(s Step) any { return s.Stays }, is: true},
		{name: "delist what is not listed", move: "delist", who: desk, code: CodeGuard},

		// --- merge, split, reopen
		{name: "merge", move: "merge", who: desk, fields: answers{"into": 77.0},
			want: func(s Step) any { return []any{s.Into, s.To.End, s.Meets} }, is: []any{int64(77), "merged", []string(nil)}},
		{name: "merge into no number", move: "merge", who: desk, fields: answers{"into": "77"}, code: CodeField},
		{name: "split", move: "split", who: desk, fields: answers{"units": []any{6.0, 7.0}}, change: func(c *Snapshot) { c.State = "intake" },
			want: func(s Step) any { return []any{s.Parts, s.Move.Parts} }, is: []any{[]int64{6, 7}, "handling"}},
		{name: "split into one", move: "split", who: desk, fields: answers{"units": []any{6.0}}, change: func(c *Snapshot) { c.State = "intake" }, code: CodeField, says: "at least two"},
		{name: "split into one twice", move: "split", who: desk, fields: answers{"units": []any{6.0, 6.0}}, change: func(c *Snapshot) { c.State = "intake" }, code: CodeField},
		{name: "done with a part open", move: "report-done", who: operator, change: func(c *Snapshot) { c.OpenParts = 1 }, code: CodeGuard},
		{name: "done with the parts closed", move: "report-done", who: operator,
			want: func(s Step) any { return s.Begins[0].ID }, is: "call-back"},
		{name: "reopen", move: "reopen", who: desk, fields: answers{"why": "not lit"}, change: func(c *Snapshot) { c.State = "closed" },
			want: func(s Step) any { return []any{s.To.ID, s.Begins[0].ID, len(s.Begins)} }, is: []any{"handling", "closing", 1}},
		{name: "reopen what is open", move: "reopen", who: desk, fields: answers{"why": "not lit"}, code: CodeWrongState},
		{name: "reopen what was merged", move: "reopen", who: desk, fields: answers{"why": "not lit"}, change: func(c *Snapshot) { c.State = "merged" }, code: CodeWrongState},
		{name: "another move in a closed case", move: "answer", who: operator, change: func(c *Snapshot) { c.State = "closed" }, code: CodeClosed},

		// --- promises
		{name: "the first answer", move: "answer", who: operator, want: func(s Step) any { return s.Meets }, is: []string{"first-answer"}},
		{name: "the end", move: "confirm", who: desk, change: func(c *Snapshot) { c.State = "done" },
			want: func(s Step) any { return s.Meets }, is: []string{"closing", "call-back"}},

		// --- approval
		{name: "asked for, decided on whenever", move: "tell", who: desk, change: func(c *Snapshot) { c.State = "intake" },
			want: func(s Step) any { return []any{s.Ask, s.DecideBy.IsZero()} }, is: []any{true, true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := handling()
			if tt.change != nil {
				tt.change(&c)
			}
			step, refusal := k.Decide(c, tt.who, tt.move, tt.fields, noon.Add(tt.after))
			checkRefusal(t, refusal, tt.code, tt.says)
			if tt.want != nil && refusal == nil {
				if got := tt.want(step); !reflect.DeepEqual(got, tt.is) {
					t.Errorf("got %v, want %v", got, tt.is)
				}
			}
			// What the console shows beforehand may leave open what the form will say, but never refuses what is allowed.
			if refusal == nil {
				checkRefusal(t, k.Preview(c, tt.who, k.Move(tt.move), noon.Add(tt.after)), "", "")
			}
		})
	}
}

// What can be known before the form is filled in is shown before.
func TestPreviewOfEffects(t *testing.T) {
	k := request(t)
	operator := of(5, 1, "operator")
	for _, tt := range []struct {
		move, code string
		after      time.Duration
		change     func(c *Snapshot)
	}{
		{move: "send-back", code: CodeNobody},
		{move: "extend", code: CodeNoLimit, change: func(c *Snapshot) { c.Limits = nil }},
		{move: "extend", code: CodeExtension, change: func(c *Snapshot) { c.Limits[0].Extensions = 2 }},
		{move: "extend", code: CodeExtension, after: 4*day + time.Second},
		{move: "extend", code: CodeAsked, change: func(c *Snapshot) { c.Asks = []string{"extend"} }},
	} {
		c := handling()
		if tt.change != nil {
			tt.change(&c)
		}
		checkRefusal(t, k.Preview(c, operator, k.Move(tt.move), noon.Add(tt.after)), tt.code, "")
	}
}

func TestGrant(t *testing.T) {
	k := request(t)
	asked := Asked{Move: "extend", By: 1, At: noon.Add(3 * day), Answers: map[string]any{"until": at(9 * day)}}
	for _, tt := range []struct {
		name   string
		who    access.Actor
		asked  func(a *Asked)
		change func(c *Snapshot)
		code   string
	}{
		{name: "by another person of the desk", who: of(9, 2)},
		{name: "by the asker, in another session", who: of(9, 1), code: CodeSecondPerson},
		{name: "by the owner", who: of(5, 2), code: CodeSide},
		{name: "by a role that may not", who: of(9, 2, "operator"), code: CodeRole},
		{name: "by a device", who: access.DeviceActor(2, "sensor", "x"), code: CodeNeedsPerson},
		{name: "by the program", who: access.System("respond"), code: CodeNeedsPerson},
		{name: "asked for too late", who: of(9, 2), asked: func(a *Asked) { a.At = noon.Add(4*day + time.Second) }, code: CodeExtension},
		{name: "while it waits", who: of(9, 2), change: func(c *Snapshot) { c.Asks = []string{"extend"} }},
		{name: "after the case has moved on", who: of(9, 2), change: func(c *Snapshot) { c.State = "done" }, code: CodeWrongState},
		{name: "after the end", who: of(9, 2), change: func(c *Snapshot) { c.State = "closed" }, code: CodeClosed},
		{name: "what needs no approval", who: of(9, 2), asked: func(a *Asked) { a.Move = "answer" }, code: CodeUnknownMove},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, a := handling(), asked
			if tt.change != nil {
				tt.change(&c)
			}
			if tt.asked != nil {
				tt.asked(&a)
			}
			// The decision comes in time for the desk, though no longer in time for an ask.
			step, refusal := k.Grant(c, tt.who, a, noon.Add(4*day+time.Hour))
			checkRefusal(t, refusal, tt.code, "")
			if refusal == nil && (step.Ask || !step.Until.Equal(noon.Add(9*day))) {
				t.Errorf("%+v", step)
			}
		})
	}
}

// Who is barred from a move can't have it either by granting it.
func TestSecondPersonGrants(t *testing.T) {
	k := request(t)
	m := k.Move("confirm")
	m.Approval = &Approval{Who: []string{"duty-officer"}}
	c := handling()
	c.State, c.Past = "done", []PastMove{{"report-done", 3}}
	_, refusal := k.Grant(c, of(9, 3), Asked{Move: "confirm", By: 2, At: noon}, noon)
	checkRefusal(t, refusal, CodeSecondPerson, "Report done")
	_, refusal = k.Grant(c, of(9, 4), Asked{Move: "confirm", By: 2, At: noon}, noon)
	checkRefusal(t, refusal, "", "")
}

// Answers that were kept as JSON come back as they were.
func TestKeptAnswers(t *testing.T) {
	k := request(t)
	got := k.Move("split").kept(map[string]any{"units": []any{6.0, 7.0}, "other": "x"})
	if !reflect.DeepEqual(got, map[string]any{"units": []int64{6, 7}, "other": "x"}) {
		t.Errorf("%#v", got)
	}
	if got := k.Move("merge").kept(map[string]any{"into": 77.0}); got["into"] != int64(77) {
		t.Errorf("%#v", got)
	}
}

// A move asks for no more of a case than it needs: each part is a statement.
func TestNeeds(t *testing.T) {
	k := request(t)
	for move, want := range map[string]Needs{
		"answer": {}, "dispatch": {}, "send-back": {Before: true}, "extend": {Limits: true}, "report-done": {Parts: true},
		"confirm": {Past: true}, "delist": {Limits: true}, "reopen": {},
	} {
		if got := k.Move(move).Needs(); got != want {
			t.Errorf("%s needs %+v, want %+v", move, got, want)
		}
	}
}

// The unit that holds an incident may be the one that leads the response: the move leads on. One that leads nowhere and gives the
// case to who has it does nothing, and says so.
func TestTransferToWhoHasIt(t *testing.T) {
	k := kind(t, "incident", "incident")
	c := handling()
	c.State = "graded"
	step, refusal := k.Decide(c, of(9, 2, "duty-officer"), "respond", map[string]any{"lead": 5.0, "response": "iii"}, noon)
	checkRefusal(t, refusal, "", "")
	if step.Owner != 5 || step.To.ID != "responding" {
		t.Errorf("%+v", step)
	}
	c.State = "responding"
	_, refusal = k.Decide(c, of(9, 2, "duty-officer"), "hand-over", map[string]any{"lead": 5.0, "transfer_reason": "nearer"}, noon)
	checkRefusal(t, refusal, CodeField, "has the case already")
}
