package casetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Result is what became of a test.
type Result struct {
	Test *Test
	// Told is what happened, a line each.
	Told     []string
	Failures []Failure

	seen seen
}

// Failed says whether the test failed.
func (r *Result) Failed() bool { return len(r.Failures) > 0 }

// Failure is a step that came otherwise than the test says.
type Failure struct {
	Pos     pack.Pos
	Message string
	rows    []row
}

// row is one thing that differs.
type row struct{ what, expected, got string }

// Run runs one test. The error is one of the machinery, not of the test.
func (t *Test) Run(ctx context.Context, law Law) (*Result, error) {
	d, err := openDocket(ctx, t, law)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	p := &player{Result: &Result{Test: t, seen: newSeen()}, docket: d, cases: map[string]int64{}}
	err = errors.Join(p.play(ctx), d.Close())
	return p.Result, err
}

// player goes through the steps of one test.
type player struct {
	*Result
	docket *docket
	cases  map[string]int64 // by their names in the test
	step   *step
}

// passing is a limit that has passed.
type passing struct {
	caseID   int64
	limit    string // state:found, limit:closing, task:1, ask:1
	at       time.Time
	escalate string
}

func (p *player) play(ctx context.Context) error {
	t := p.Test
	for _, o := range append([]opening{t.opened}, t.others...) {
		id, refused, err := p.docket.open(ctx, &o)
		if err != nil {
			return err
		}
		if refused != nil {
			p.fail(o.at, fmt.Sprintf("the case is not opened: %s: %s", refused.Code, refused.Text.En))
			return nil
		}
		p.cases[o.name] = id
	}
	c, err := p.docket.look(ctx, p.cases[""])
	if err != nil {
		return err
	}
	p.tell(t.start, "opened: %s%s", c.state, p.until(c.due))
	for i := range t.steps {
		p.step = &t.steps[i]
		if err := p.pass(ctx); err != nil {
			return err
		}
		if p.Failed() {
			return nil
		}
		if err := p.take(ctx); err != nil {
			return fmt.Errorf("%s: %w", p.step.pos, err)
		}
		if p.Failed() {
			return nil // what follows would only say the same again
		}
	}
	return nil
}

func (p *player) fail(at pack.Pos, message string, rows ...row) {
	p.Failures = append(p.Failures, Failure{at, message, rows})
}

// tell writes down what happened.
func (p *player) tell(at time.Time, format string, args ...any) {
	p.Told = append(p.Told, fmt.Sprintf("%s  %s", p.clock(at), fmt.Sprintf(format, args...)))
}

// clock is a time as the clock of the start shows it.
func (p *player) clock(at time.Time) string {
	if at = at.In(p.Test.start.Location()); at.Second() != 0 {
		return at.Format("2006-01-02 15:04:05")
	}
	return at.Format("2006-01-02 15:04")
}

func (p *player) until(due time.Time) string {
	if due.IsZero() {
		return ""
	}
	return ", due " + p.clock(due)
}

// pass lets the clock run to the step, and notes each limit that passes on the way. Those that pass at its very moment are the
// step's own if it says so.
func (p *player) pass(ctx context.Context) error {
	passed, err := p.docket.run(ctx, p.step.at)
	if err != nil {
		return err
	}
	var now []passing
	for _, x := range passed {
		if x.caseID != p.about() {
			continue
		}
		p.seen.passed[x.limit] = true
		p.tell(x.at, "%s has passed", x.limit)
		if p.step.does == "overdue" && x.at.Equal(p.step.at) {
			now = append(now, x)
			continue
		}
		p.fail(p.step.pos, fmt.Sprintf("%s passes at %s, which nothing expects", x.limit, p.clock(x.at)))
	}
	if p.step.does == "overdue" && !p.Failed() {
		p.overdue(now)
	}
	return nil
}

// about is the case that the step is about.
func (p *player) about() int64 { return p.cases[p.step.doc.In.Value] }

func (p *player) overdue(now []passing) {
	var got []string
	for _, x := range now {
		got = append(got, x.limit)
		if then := p.step.doc.Then; then != nil && !then.Escalate.IsZero() && then.Escalate.Value != x.escalate {
			p.fail(then.Escalate.Pos, x.limit+" has passed", row{"escalates", then.Escalate.Value, x.escalate})
		}
	}
	for _, s := range p.step.doc.Overdue {
		i := slices.IndexFunc(got, func(name string) bool {
			return name == s.Value || bare(name) == s.Value && !strings.HasPrefix(name, "task:")
		})
		if i < 0 {
			p.fail(s.Pos, fmt.Sprintf("%s does not pass at %s", s.Value, p.clock(p.step.at)), p.dues()...)
			return
		}
		got = slices.Delete(got, i, i+1)
	}
	for _, name := range got {
		p.fail(p.step.pos, fmt.Sprintf("%s passes at %s too, which nothing expects", name, p.clock(p.step.at)))
	}
}

// dues are the limits that run, for whoever expected another.
func (p *player) dues() []row {
	c, err := p.docket.look(context.Background(), p.about())
	if err != nil {
		return nil
	}
	rows := []row{{"state", "", c.state + p.until(c.due)}}
	for _, name := range sortedKeys(c.limits) {
		rows = append(rows, row{name, "", c.limits[name].String(p.clock)})
	}
	return rows
}

// take does what the step says, and holds what came of it against what was expected.
func (p *player) take(ctx context.Context) error {
	doc := p.step.doc
	for _, e := range doc.Reads {
		p.docket.says(p.Test.streams[e.Key.Value], e.Value.Value)
		p.tell(p.step.at, "%s reads %g %s", e.Key.Value, e.Value.Value, p.Test.streams[e.Key.Value].unit)
	}
	id := p.about()
	if n := partNumber(doc.In.Value); n > 0 {
		whole, err := p.docket.look(ctx, p.cases[""])
		if err != nil {
			return err
		}
		if n > len(whole.parts) {
			p.fail(doc.In.Pos, fmt.Sprintf("there is no %s; the case has %d parts", doc.In.Value, len(whole.parts)))
			return nil
		}
		id = whole.parts[n-1].id
		p.cases[doc.In.Value] = id
	}
	before, err := p.docket.look(ctx, id)
	if err != nil {
		return err
	}
	switch p.step.does {
	case "may":
		return p.may(ctx, id, before)
	case "sees":
		return p.sees(ctx, id)
	}
	refused, again, err := p.deed(ctx, id, before)
	if err != nil {
		return err
	}
	after, err := p.docket.look(ctx, id)
	if err != nil {
		return err
	}
	p.said(before, after, refused)
	p.seen.step(p.step, before, after, refused)
	if again != 0 {
		p.seen.again(again == id)
	}
	if !p.refusal(refused) || doc.Then == nil {
		return nil
	}
	p.then(id, before, after, again)
	return nil
}

// deed does what the step says. again is the case that stands open after the news came again.
func (p *player) deed(ctx context.Context, id int64, before *sight) (refused *lifecycle.Refusal, again int64, err error) {
	doc, who := p.step.doc, p.step.who
	switch p.step.does {
	case "move":
		refused, err = p.docket.move(ctx, id, who, doc.Move.Value, p.answers(), doc.Note.Value)
	case "evidence":
		for _, kind := range doc.Evidence {
			if refused, err = p.docket.attach(ctx, id, who, kind.Value, p.Test.streams[doc.From.Value]); refused != nil || err != nil {
				break
			}
		}
	case "decide":
		refused, err = p.docket.decide(ctx, id, who, doc.Decide.Value == "granted", doc.Note.Value)
	case "acknowledge":
		refused, err = p.docket.acknowledge(ctx, id, who, doc.Acknowledge.Value)
	case "done":
		refused, err = p.docket.done(ctx, id, who, doc.Done.Value, doc.Note.Value)
	case "give":
		refused, err = p.docket.give(ctx, id, who, doc.Give.Value)
	case "invite":
		refused, err = p.docket.invite(ctx, id, who, doc.Invite.Value)
	case "again":
		again, err = p.docket.again(ctx, p.openingOf(doc.In.Value), doc.Again.Value, doc.Category.Value)
	case "level":
		err = p.docket.level(ctx, before, p.openingOf(doc.In.Value), doc.Level.Value)
	}
	return refused, again, err
}

func (p *player) openingOf(name string) *opening {
	for i := range p.Test.others {
		if p.Test.others[i].name == name {
			return &p.Test.others[i]
		}
	}
	return &p.Test.opened
}

// answers are the step's fields as the form takes them.
func (p *player) answers() map[string]any {
	out := map[string]any{}
	m := p.kindOf().Move(p.step.doc.Move.Value)
	for _, e := range p.step.doc.Fields {
		i := slices.IndexFunc(m.Requires, func(r lifecycle.Requirement) bool { return r.Field == e.Key.Value })
		out[e.Key.Value] = p.answer(m.Requires[i].Kind, e.Value.Value)
	}
	return out
}

func (p *player) kindOf() *lifecycle.Kind {
	if o := p.openingOf(p.step.doc.In.Value); o.kind != nil {
		return o.kind
	}
	return p.Test.Kind
}

func (p *player) answer(kind, text string) any {
	switch kind {
	case "number":
		if v, err := strconv.ParseFloat(text, 64); err == nil {
			return v
		}
	case "time":
		if at, ok := p.Test.moment(text, p.step.at); ok {
			return at.Format(time.RFC3339)
		}
	case "organisation":
		return float64(p.docket.city.organisation(text))
	case "organisations":
		ids := []any{}
		for _, name := range strings.Fields(text) {
			ids = append(ids, float64(p.docket.city.organisation(name)))
		}
		return ids
	case "case":
		return float64(p.cases[text])
	}
	return text
}

// said writes down what the step did.
func (p *player) said(before, after *sight, refused *lifecycle.Refusal) {
	if p.step.does == "" || p.step.does == "overdue" {
		return
	}
	doc, what := p.step.doc, p.step.does
	for _, s := range []pack.String{doc.Move, doc.Decide, {Value: doc.Acknowledge.Value}, {Value: doc.Done.Value}, doc.Give, doc.Invite, doc.Again, doc.Level} {
		if s.Value != "" {
			what += " " + s.Value
		}
	}
	for _, s := range doc.Evidence {
		what += " " + s.Value
	}
	if p.step.who.name != "" {
		what = p.step.who.name + ": " + what
	}
	switch {
	case refused != nil:
		what += fmt.Sprintf(": refused, %s: %s", refused.Code, refused.Text.En)
	case before.state != after.state:
		what += ": " + after.state + p.until(after.due)
	case !before.due.Equal(after.due):
		what += p.until(after.due)
	}
	p.tell(p.step.at, "%s", what)
	for _, x := range after.tasks[min(len(before.tasks), len(after.tasks)):] {
		p.tell(p.step.at, "task %d for %s of %s: %s%s", x.id, x.post, x.of, x.title.En, p.until(x.due))
	}
}

// refusal holds a refusal against what was expected, and says whether the deed was done.
func (p *player) refusal(got *lifecycle.Refusal) (done bool) {
	doc := p.step.doc
	switch {
	case got == nil && doc.Refused.IsZero():
		return true
	case got == nil:
		p.fail(doc.Refused.Pos, "it is not refused", row{"refused", doc.Refused.Value, "done"})
	case doc.Refused.IsZero():
		p.fail(p.step.pos, fmt.Sprintf("%s: refused with %s: %s", p.step.does, got.Code, got.Text.En), row{"says zh-CN", "", got.Text.Zh})
	case got.Code != doc.Refused.Value:
		p.fail(doc.Refused.Pos, "it is refused for another reason", row{"refused", doc.Refused.Value, got.Code}, row{"says", "", got.Text.En})
	case doc.Says != nil:
		var rows []row
		if s := doc.Says.EN; !strings.Contains(got.Text.En, s.Value) {
			rows = append(rows, row{"says en", s.Value, got.Text.En})
		}
		if s := doc.Says.ZH; !strings.Contains(got.Text.Zh, s.Value) {
			rows = append(rows, row{"says zh-CN", s.Value, got.Text.Zh})
		}
		if len(rows) > 0 {
			p.fail(doc.Says.Pos, "it is refused in other words", rows...)
		}
	}
	return false
}

// may tries each role at each of the moves, and wants it allowed for those that the step names and no others; and where a move
// belongs to one side, for no one of the other.
func (p *player) may(ctx context.Context, id int64, before *sight) error {
	for _, e := range p.step.doc.May {
		var want, got []string
		for _, r := range e.Value {
			want = append(want, r.Value)
		}
		mine, others := p.sides(p.kindOf().Move(e.Key.Value), before)
		for _, role := range roles {
			r, err := p.docket.probe(ctx, id, e.Key.Value, role, mine)
			if err != nil {
				return err
			}
			switch {
			case r == nil:
			case r.Code == lifecycle.CodeRole || strings.HasPrefix(r.Code, "access.") || r.Code == "case.not_found": // so a private case answers
				p.seen.refused[seenRefusal{e.Key.Value, refusedRole}] = true
				continue
			case r.Code == lifecycle.CodeWrongState || r.Code == lifecycle.CodeClosed:
				p.fail(e.Key.Pos, fmt.Sprintf("%s is not a move out of the state %s", e.Key.Value, before.state))
				return nil
			}
			got = append(got, role)
			if others == "" {
				continue
			}
			if r, err = p.docket.probe(ctx, id, e.Key.Value, role, others); err != nil {
				return err
			}
			switch {
			case r == nil:
				p.fail(e.Key.Pos, fmt.Sprintf("people of %s may make the move %s too", others, e.Key.Value))
			case r.Code == lifecycle.CodeSide:
				p.seen.refused[seenRefusal{e.Key.Value, refusedSide}] = true
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			p.fail(e.Key.Pos, fmt.Sprintf("other roles may make the move %s", e.Key.Value), row{"may", strings.Join(want, ", "), strings.Join(got, ", ")})
		}
	}
	return nil
}

// sides are an organisation for which a move may be made, and one of the other side for which it may not; "" where there is none.
func (p *player) sides(m *lifecycle.Move, c *sight) (mine, others string) {
	desk := p.openingOf(p.step.doc.In.Value).desk()
	if who, there := p.Test.people[p.openingOf(p.step.doc.In.Value).doc.Who.Value]; there {
		desk = who.of
	}
	mine, others = c.owner, desk
	switch m.Side {
	case "", "either":
		return mine, ""
	case "desk":
		mine, others = others, mine
	}
	city := p.docket.city
	if others == nobody || city.Above(city.organisation(others), city.organisation(mine)) {
		return mine, "" // the city stands above all
	}
	return mine, others
}

// sees wants the case readable for those whom the step names, and for nobody else of the test.
func (p *player) sees(ctx context.Context, id int64) error {
	var want, got []string
	for _, s := range p.step.doc.Sees {
		if s.Value != "none" {
			want = append(want, s.Value)
		}
	}
	for _, name := range p.Test.names {
		ok, err := p.docket.sees(ctx, id, p.Test.people[name])
		if err != nil {
			return err
		}
		if ok {
			got = append(got, name)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		p.fail(p.step.doc.Sees[0].Pos, "others may read the case", row{"sees", strings.Join(want, ", "), strings.Join(got, ", ")})
	}
	return nil
}
