package lifecycle

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
)

const (
	// maxField is the longest answer in a form, in characters.
	maxField = 4000
	// clockSkew is how far ahead of our clock a sensor's may run before its reading is taken for one from the future.
	clockSkew = 2 * time.Minute
)

// Snapshot is what the rules need to know about a case.
type Snapshot struct {
	State string
	// Since is when the case came into its present state: evidence must be newer.
	Since    time.Time
	OpenedAt time.Time
	Level    string
	// Asset is what the case is about, Datastreams those whose readings opened it, if any did.
	Asset       int64
	Datastreams []int64
	Fields      map[string]any
	OpenTasks   int
	Evidence    []Evidence
	Past        []PastMove
	// Latest is the newest reading of each datastream that stands among the evidence, read just now.
	Latest map[int64]Reading

	// Owner holds the case, Desk runs it; 0 is the city's own watch. Before is who held it before it was given to this owner, nil
	// where nobody did or it was given back to whoever had it first; Returns is how often it was given back.
	Owner, Desk int64
	Before      *Holder
	Returns     int
	// Covers says whether an organisation is another or stands above it; nil: only itself and the city (0) do.
	Covers func(organisation, other int64) bool
	// Limits are those that run now.
	Limits []Limited
	// Asks are the moves that wait for approval.
	Asks []string
	// Extensions were granted of the limit of the present state, in all.
	Extensions int
	OpenParts  int
	Parent     int64 // the case that it is a part of
	Listed     string
	Reopened   int64
	// Days counts working days by the kind's calendar; nil where it has none.
	Days WorkingDays
}

// Holder is who has a case.
type Holder struct {
	Organisation int64
	Post         string
}

// StateLimit is the name of the limit of the state that a case is in; a promise's is "limit:" and its id.
const StateLimit = "state"

// PromiseLimit is the name of a promise's limit.
func PromiseLimit(id string) string { return "limit:" + id }

// Limited is a limit that runs.
type Limited struct {
	Name       string
	DueAt      time.Time
	Extensions int
}

// limit returns the running limit of that name, or nil.
func (c *Snapshot) limit(name string) *Limited {
	if i := slices.IndexFunc(c.Limits, func(l Limited) bool { return l.Name == name }); i >= 0 {
		return &c.Limits[i]
	}
	return nil
}

// PastMove is a move that was made, and by which account.
type PastMove struct {
	Move    string
	Account int64
}

// Evidence is something attached to a case to prove that what was said is so.
type Evidence struct {
	ID   int64
	Kind string
	At   time.Time
	// Reading is what the sensor said, for evidence of kind reading.
	Reading *Reading
}

// Reading is one observation of a datastream, with what it is an observation of.
type Reading struct {
	Datastream int64     `json:"datastream"`
	Asset      int64     `json:"asset"`
	Property   string    `json:"property"` // "gas/methane"
	Unit       string    `json:"unit"`
	Value      float64   `json:"value"`
	At         time.Time `json:"at"`
}

// Refusal is why a move cannot be made. Code is stable; Text is for people, in both languages; Field is the form field
// that it is about, if it is about one.
type Refusal struct {
	Code  string
	Text  Text
	Field string
}

// Error makes a Refusal an error.
func (r *Refusal) Error() string { return r.Code + ": " + r.Text.En }

// The codes of refusals.
const (
	CodeUnknownMove  = "case.unknown_move"
	CodeClosed       = "case.closed"
	CodeWrongState   = "case.wrong_state"
	CodeNeedsPerson  = "case.needs_person"
	CodeRole         = "case.role"
	CodeSecondPerson = "case.second_person"
	CodeField        = "case.field"
	CodeEvidence     = "case.evidence"
	CodeReading      = "case.reading"
	CodeGuard        = "case.guard"
	CodeUnknownField = "case.unknown_field"
	CodeOtherReading = "case.other_reading"
	CodeSide         = "case.side"
	CodeAsked        = "case.asked"
	CodeExtension    = "case.extension"
	CodeNoLimit      = "case.no_limit"
	CodeNobody       = "case.nobody"
)

func Refuse(code, field, en, zh string) *Refusal {
	return &Refusal{Code: code, Field: field, Text: Text{En: en, Zh: zh}}
}

// Step is a move that may be made and what follows from it.
type Step struct {
	Move *Move
	From *State
	To   *State
	// Fields is what the case's forms hold afterwards; Answers is what this move filled in.
	Fields  map[string]any
	Answers map[string]any
	// Due is when the new state becomes overdue; zero means never. Stays says that the state, and with it its limit, is the same.
	Due   time.Time
	Stays bool
	// Ask says that the move only asks: it takes effect when another person grants it, by DecideBy (zero: whenever).
	Ask      bool
	DecideBy time.Time

	// What the move's effect comes to; Move.Does says which of these it is.
	Limit string    // extended: its name
	Until time.Time // and until when
	Owner int64     // given or given back to
	Post  string    // of it; empty: none in particular
	Level string    // of the listing
	Into  int64     // merged into
	Parts []int64   // organisations that get a part each

	// Meets are the promises that the move meets, Begins those that begin with it.
	Meets  []string
	Begins []Promise
}

// Decide says whether who may make a move now, given the answers to its form, and what follows. It is pure: the same
// arguments give the same result on every machine and at every replay.
func (k *Kind) Decide(c Snapshot, who access.Actor, move string, answers map[string]any, now time.Time) (Step, *Refusal) {
	m := k.Move(move)
	if m == nil {
		return Step{}, k.unknownMove(c.State, move)
	}
	if r := k.may(c, who, m); r != nil {
		return Step{}, r
	}
	answers, r := m.fill(answers)
	if r != nil {
		return Step{}, r
	}
	if slices.Contains(c.Asks, m.ID) {
		return Step{}, Refuse(CodeAsked, "", "This has been asked for already and waits for a decision.", "该申请已提交，正在等待审批。")
	}
	step, r := k.step(c, m, answers, now, now)
	if r == nil && m.Approval != nil {
		step.Ask = true
		if !m.Approval.Within.IsZero() {
			step.DecideBy = m.Approval.Within.After(now, c.Days)
		}
	}
	return step, r
}

// Asked is a move that somebody asked for: by which account, when, and what was filled in.
type Asked struct {
	Move    string
	By      int64
	At      time.Time
	Answers map[string]any
}

// Grant says whether who may decide on a move that was asked for, and what follows when it is granted. Whether it was asked for
// in time is judged by when that was; all else as it is now.
func (k *Kind) Grant(c Snapshot, who access.Actor, a Asked, now time.Time) (Step, *Refusal) {
	m := k.Move(a.Move)
	if m == nil || m.Approval == nil {
		return Step{}, k.unknownMove(c.State, a.Move)
	}
	if r := k.MayDecide(c, who, m, a.By); r != nil {
		return Step{}, r
	}
	if r := k.stands(c, m); r != nil {
		return Step{}, r
	}
	return k.step(c, m, m.kept(a.Answers), a.At, now)
}

// MayDecide says whether who may decide on a move that asker asked for.
func (k *Kind) MayDecide(c Snapshot, who access.Actor, m *Move, asker int64) *Refusal {
	if r := c.person(who, m.Approval.Who, m.Approval.Side); r != nil {
		return r
	}
	if who.ID == asker {
		return Refuse(CodeSecondPerson, "", "A second person must decide: you asked for it.", "须由他人审批：该申请由您提出。")
	}
	return k.another(c, who, m)
}

// another says whether somebody has made none of the moves that bar him from this one.
func (k *Kind) another(c Snapshot, who access.Actor, m *Move) *Refusal {
	for _, p := range c.Past {
		if p.Account == who.ID && slices.Contains(m.ByOtherThan, p.Move) {
			t := k.Move(p.Move).Title
			return Refuse(CodeSecondPerson, "", "A second person must do this: you made the move “"+t.En+"” in this case.",
				"须由他人操作：本案卷的“"+t.Zh+"”由您执行。")
		}
	}
	return nil
}

// kept brings answers that were checked once and read back from JSON into the form that fill gave them.
func (m *Move) kept(answers map[string]any) map[string]any {
	out := maps.Clone(answers)
	for _, q := range m.Requires {
		switch v := out[q.Field].(type) {
		case float64:
			if id, ok := whole(v); ok && (q.Kind == "organisation" || q.Kind == "case") {
				out[q.Field] = id
			}
		case []any:
			var ids []int64
			for _, x := range v {
				if id, ok := whole(x); ok {
					ids = append(ids, id)
				}
			}
			out[q.Field] = ids
		}
	}
	return out
}

// step is what follows from a move that may be made, with its answers; asked is when it was asked for.
func (k *Kind) step(c Snapshot, m *Move, answers map[string]any, asked, now time.Time) (Step, *Refusal) {
	if r := m.proven(c, now); r != nil {
		return Step{}, r
	}
	fields := maps.Clone(c.Fields)
	if fields == nil {
		fields = map[string]any{}
	}
	maps.Copy(fields, answers)
	if r := m.guarded(c, fields, now); r != nil {
		return Step{}, r
	}
	step := Step{Move: m, From: k.State(c.State), To: k.State(m.To), Fields: fields, Answers: answers}
	if m.To == "" {
		step.To, step.Stays = step.From, true
		if l := c.limit(StateLimit); l != nil {
			step.Due = l.DueAt
		}
	} else {
		step.Due = step.To.DueFrom(fields, now, c.Days)
	}
	for _, p := range k.Promises {
		// A case that another takes on has met nothing by that: the promise goes on there.
		if slices.Contains(p.MetBy, m.ID) || len(p.MetBy) == 0 && step.To.End != "" && step.To.End != "merged" {
			step.Meets = append(step.Meets, p.ID)
		}
		if slices.Contains(p.From, m.ID) || m.Does == Reopen && p.Again() {
			step.Begins = append(step.Begins, p)
		}
	}
	return step, m.effect(c, &step, asked)
}

// effect works out what the move does beside leading to another state.
func (m *Move) effect(c Snapshot, step *Step, asked time.Time) *Refusal {
	switch m.Does {
	case Extend:
		return m.extend(c, step, asked)
	case Transfer:
		step.Owner, step.Post = m.organisation(step.Answers)
		if step.Owner == c.Owner && step.Post == "" && step.Stays { // where it leads on, the unit that has it may well be the one chosen
			return Refuse(CodeField, m.ask("organisation").Field, "It has the case already; choose another.", "该单位即为当前责任单位，请另选。")
		}
	case Return:
		if c.Before == nil {
			return nobodyBefore()
		}
		step.Owner, step.Post = c.Before.Organisation, c.Before.Post
	case List:
		step.Level, _ = step.Answers[m.ask("choice").Field].(string)
	case Merge:
		step.Into, _ = step.Answers[m.ask("case").Field].(int64)
	case Split:
		step.Parts, _ = step.Answers[m.ask("organisations").Field].([]int64)
	}
	return nil
}

func nobodyBefore() *Refusal {
	return Refuse(CodeNobody, "", "Nobody had the case before.", "本案卷此前没有其他责任单位，无法退回。")
}

// extendable finds the limit that the move sets later, if that may still be asked for.
func (m *Move) extendable(c Snapshot, asked time.Time) (*Limited, *Refusal) {
	name := StateLimit
	if m.Of != "" {
		name = PromiseLimit(m.Of)
	}
	l := c.limit(name)
	switch {
	case l == nil:
		return nil, Refuse(CodeNoLimit, "", "There is no limit here that could be set later.", "当前环节没有可延长的时限。")
	case m.Times > 0 && l.Extensions >= m.Times:
		return nil, Refuse(CodeExtension, "", fmt.Sprintf("The limit was set later %d times already, which is as often as it may be.", l.Extensions),
			fmt.Sprintf("已延期 %d 次，不得再次延期。", l.Extensions))
	case !asked.Before(l.DueAt):
		return nil, Refuse(CodeExtension, "", "Too late: the limit has passed already.", "时限已届满，不能再申请延期。")
	case !m.Before.IsZero() && asked.After(m.Before.Before(l.DueAt, c.Days)):
		t := m.Before.Text()
		return nil, Refuse(CodeExtension, "", "Too late: more time must be asked for at least "+t.En+" before the limit.", "申请已逾期：应当在时限届满 "+t.Zh+"前提出延期申请。")
	}
	return l, nil
}

// extend sets a limit later.
func (m *Move) extend(c Snapshot, step *Step, asked time.Time) *Refusal {
	l, refusal := m.extendable(c, asked)
	if refusal != nil {
		return refusal
	}
	q := m.ask("time")
	text, _ := step.Answers[q.Field].(string)
	until, err := time.Parse(time.RFC3339, text)
	switch {
	case err != nil:
		return Refuse(CodeField, q.Field, "Fill in: "+q.Title.En+".", "请填写："+q.Title.Zh+"。")
	case !until.After(l.DueAt):
		return Refuse(CodeExtension, q.Field, "The new limit must lie after the present one.", "延长后的时限应晚于当前时限。")
	case !m.Most.IsZero() && until.After(m.Most.After(l.DueAt, c.Days)):
		t := m.Most.Text()
		return Refuse(CodeExtension, q.Field, "The new limit lies more than "+t.En+" after the present one.", "延长时间不得超过 "+t.Zh+"。")
	}
	step.Limit, step.Until = l.Name, until
	if step.Limit == StateLimit {
		step.Due = until
	}
	return nil
}

// Field is the field of the first question of that kind; empty where there is none.
func (m *Move) Field(kind string) string { return m.ask(kind).Field }

// ask is the first question of that kind; file.go sees to it that a move has those that its effect needs.
func (m *Move) ask(kind string) *Requirement {
	for i := range m.Requires {
		if m.Requires[i].Kind == kind {
			return &m.Requires[i]
		}
	}
	return &Requirement{}
}

// organisation is whom a transfer names, and its post if it names one.
func (m *Move) organisation(answers map[string]any) (id int64, post string) {
	id, _ = answers[m.ask("organisation").Field].(int64)
	post, _ = answers[m.ask("post").Field].(string)
	return id, post
}

// Preview says whether who could make the move once its form is filled in; nil means yes. It is what the console shows
// before anyone presses anything.
func (k *Kind) Preview(c Snapshot, who access.Actor, m *Move, now time.Time) *Refusal {
	if r := k.may(c, who, m); r != nil {
		return r
	}
	if slices.Contains(c.Asks, m.ID) {
		return Refuse(CodeAsked, "", "This has been asked for already and waits for a decision.", "该申请已提交，正在等待审批。")
	}
	if r := m.proven(c, now); r != nil {
		return r
	}
	switch m.Does {
	case Return:
		if c.Before == nil {
			return nobodyBefore()
		}
	case Extend:
		if _, r := m.extendable(c, now); r != nil {
			return r
		}
	}
	// What this move is about to ask for is not known yet, even if an earlier move filled in a field of that name.
	fields := maps.Clone(c.Fields)
	for _, r := range m.Requires {
		delete(fields, r.Field)
	}
	if m.Guard != nil {
		if ok, err := m.Guard.holds(c, fields, now); !ok && !errors.Is(err, errUndecided) {
			return &Refusal{Code: CodeGuard, Text: m.Guard.Because}
		}
	}
	return nil
}

// may is about the state of the case and the person, before any form or evidence.
func (k *Kind) may(c Snapshot, who access.Actor, m *Move) *Refusal {
	if r := k.stands(c, m); r != nil {
		return r
	}
	if r := c.person(who, m.Who, m.Side); r != nil {
		return r
	}
	return k.another(c, who, m)
}

// stands says whether the case is where the move can be made.
func (k *Kind) stands(c Snapshot, m *Move) *Refusal {
	state := k.State(c.State)
	if state.End != "" && m.Does != Reopen {
		return Refuse(CodeClosed, "", "The case is closed.", "案卷已办结。")
	}
	if !slices.Contains(m.From, c.State) {
		return Refuse(CodeWrongState, "", "Not possible from the state “"+state.Title.En+"”.", "当前状态为“"+state.Title.Zh+"”，不能执行此操作。")
	}
	return nil
}

// person is about who makes a move or decides on one.
func (c *Snapshot) person(who access.Actor, roles []string, side string) *Refusal {
	// A decision is a named official's. A device and the program itself have no name that could answer for it, and a
	// second person must be a person.
	if who.Kind != access.KindAccount || who.ID <= 0 {
		return Refuse(CodeNeedsPerson, "", "Only a person with an account can do this.", "仅限本人登录账号的工作人员操作。")
	}
	if !slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(who.Roles, r) }) {
		en, zh := roleNames(roles)
		return Refuse(CodeRole, "", "Only for: "+en+".", "仅限以下岗位："+zh+"。")
	}
	of := map[string][]int64{"owner": {c.Owner}, "desk": {c.Desk}, "either": {c.Owner, c.Desk}}
	if side != "" && !slices.ContainsFunc(of[side], func(o int64) bool { return c.covers(who.Organisation, o) }) {
		words := map[string]Text{
			"owner": {"the organisation that has the case", "责任单位"}, "desk": {"the organisation that runs the case", "派单（督办）单位"},
			"either": {"the organisations that have or run the case", "责任单位或派单（督办）单位"},
		}[side]
		return Refuse(CodeSide, "", "Only for "+words.En+".", "仅限"+words.Zh+"操作。")
	}
	return nil
}

func (c *Snapshot) covers(organisation, other int64) bool {
	return organisation == 0 || organisation == other || c.Covers != nil && other != 0 && c.Covers(organisation, other)
}

// fill checks the answers against the form and brings them into the form in which they are kept.
func (m *Move) fill(answers map[string]any) (map[string]any, *Refusal) {
	out := map[string]any{}
	for _, r := range m.Requires {
		if r.Field == "" {
			continue
		}
		v, refusal := r.answer(answers[r.Field])
		if refusal != nil {
			return nil, refusal
		}
		out[r.Field] = v
	}
	for name := range answers {
		if _, asked := out[name]; !asked {
			return nil, Refuse(CodeUnknownField, name, fmt.Sprintf("This move does not ask for %q.", name), "此操作没有“"+name+"”这一项。")
		}
	}
	return out, nil
}

// Opening checks answers that are given when a case is opened: each must be one that some move of the kind asks for. They come back in
// the form in which they are kept.
func (k *Kind) Opening(answers map[string]any) (map[string]any, *Refusal) {
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(answers)) {
		var refusal *Refusal
		asked, known := false, []string{}
		for _, m := range k.Moves {
			for _, r := range m.Requires {
				if r.Field != "" && !slices.Contains(known, r.Field) {
					known = append(known, r.Field)
				}
				if r.Field != name || asked && refusal == nil { // two moves may ask for different things under one name
					continue
				}
				asked = true
				out[name], refusal = r.answer(answers[name])
			}
		}
		if !asked {
			all := strings.Join(known, ", ")
			refusal = Refuse(CodeUnknownField, name, fmt.Sprintf("This kind of case asks for no %q; expected: %s.", name, all), "此类案卷没有“"+name+"”这一项；可填："+all+"。")
		}
		if refusal != nil {
			return nil, refusal
		}
	}
	return out, nil
}

// unknownMove says which moves there are.
func (k *Kind) unknownMove(state, move string) *Refusal {
	var offered []string
	for _, m := range k.Moves {
		if slices.Contains(m.From, state) {
			offered = append(offered, m.ID)
		}
	}
	en, zh := "no move is possible now", "当前环节无可执行操作"
	if len(offered) > 0 {
		en, zh = "expected one of "+strings.Join(offered, ", "), "可选："+strings.Join(offered, "、")
	}
	return Refuse(CodeUnknownMove, "move", fmt.Sprintf("There is no move %q in this kind of case; %s.", move, en), "此类案卷没有“"+move+"”这一操作；"+zh+"。")
}

// expected are the kinds of answer in words.
var expected = map[string]Text{
	"text": {"a text", "文字"}, "post": {"the id of a post", "岗位代码"}, "number": {"a number", "数字"}, "choice": {"the id of an option", "选项代码"},
	"time":         {"a date and time with its zone, as 2026-12-01T18:00:00+08:00", "带时区的日期时间，如 2026-12-01T18:00:00+08:00"},
	"organisation": {"the number of an organisation", "单位编号"}, "case": {"the number of a case", "案卷编号"},
	"organisations": {"a list of the numbers of organisations", "单位编号列表"},
}

func (r *Requirement) answer(v any) (any, *Refusal) {
	if text, isText := v.(string); v == nil || isText && strings.TrimSpace(text) == "" {
		return nil, Refuse(CodeField, r.Field, "Fill in: "+r.Title.En+".", "请填写："+r.Title.Zh+"。")
	}
	what := expected[r.Kind]
	wrong := Refuse(CodeField, r.Field, r.Title.En+": expected "+what.En+".", r.Title.Zh+"：应填"+what.Zh+"。")
	switch r.Kind {
	case "number":
		f, ok := v.(float64)
		if !ok {
			return nil, wrong
		}
		return f, nil
	case "organisation", "case":
		id, ok := whole(v)
		if !ok {
			return nil, wrong
		}
		return id, nil
	case "organisations":
		list, ok := v.([]any)
		if !ok {
			return nil, wrong
		}
		var ids []int64
		for _, v := range list {
			id, ok := whole(v)
			if !ok {
				return nil, wrong
			}
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		if len(ids) < 2 || len(ids) < len(list) {
			return nil, Refuse(CodeField, r.Field, r.Title.En+": name at least two organisations, each once.", r.Title.Zh+"：请至少选择两个单位，不得重复。")
		}
		return ids, nil
	}
	s, ok := v.(string)
	if !ok {
		return nil, wrong
	}
	s = strings.TrimSpace(s)
	switch r.Kind {
	case "text", "post":
		if utf8.RuneCountInString(s) > maxField {
			return nil, Refuse(CodeField, r.Field, fmt.Sprintf("%s: at most %d characters.", r.Title.En, maxField),
				fmt.Sprintf("%s：最多 %d 字。", r.Title.Zh, maxField))
		}
		s = guard.Mask(s) // before it is kept, or bound by a hash
	case "time":
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return nil, wrong
		}
		s = t.UTC().Format(time.RFC3339)
	case "choice":
		if !slices.ContainsFunc(r.Options, func(o Option) bool { return o.ID == s }) {
			var ids []string
			for _, o := range r.Options {
				ids = append(ids, o.ID)
			}
			return nil, Refuse(CodeField, r.Field, fmt.Sprintf("%s: %q is none of the options; expected one of %s.", r.Title.En, s, strings.Join(ids, ", ")),
				r.Title.Zh+"：“"+s+"”不在选项之中，可选："+strings.Join(ids, "、")+"。")
		}
	}
	return s, nil
}

// whole is a positive whole number, as JSON gives it.
func whole(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, v > 0
	case float64:
		return int64(v), v > 0 && v == float64(int64(v)) && v < 1<<53
	}
	return 0, false
}

// proven checks that each piece of evidence that the move asks for is there and good.
func (m *Move) proven(c Snapshot, now time.Time) *Refusal {
	for _, r := range m.Requires {
		if r.Evidence == "" {
			continue
		}
		if refusal := r.Met(c, now); refusal != nil {
			return refusal
		}
	}
	return nil
}

// met is nil when the evidence is there. Of several readings that do not serve, the newest gives the reason.
func (r *Requirement) Met(c Snapshot, now time.Time) *Refusal {
	why := Refuse(CodeEvidence, r.Evidence, "Attach first: "+r.Title.En+".", "请先提交："+r.Title.Zh+"。")
	for _, e := range c.Evidence {
		if e.Kind != r.Evidence || !e.At.After(c.Since) {
			continue
		}
		if r.Evidence != "reading" {
			return nil
		}
		if why = r.reading(c, e, now); why == nil {
			return nil
		}
	}
	return why
}

// reading judges one reading: the right sensor, taken since the case came into its state, within the limit, and the
// sensor's newest reading still is.
func (r *Requirement) reading(c Snapshot, e Evidence, now time.Time) *Refusal {
	bad := func(en, zh string) *Refusal { return Refuse(CodeReading, r.Evidence, en, zh) }
	if e.Reading == nil {
		return bad("The reading is missing.", "缺少监测数据。")
	}
	latest, ok := c.Latest[e.Reading.Datastream]
	if !ok {
		return bad("The sensor has no reading now.", "该监测点位当前无数据。")
	}
	for _, got := range []Reading{*e.Reading, latest} {
		switch {
		case len(c.Datastreams) > 0 && !slices.Contains(c.Datastreams, got.Datastream),
			c.Asset == 0 && len(c.Datastreams) == 0, // about nothing that an instrument stands for
			c.Asset != 0 && got.Asset != c.Asset:    // of an area or a place only the instruments are known
			return bad("The reading is not from the sensor that this case is about.", "该数据不是本案卷所涉监测点位的数据。")
		case !got.At.After(c.Since):
			return bad("The reading was taken before the case came into this state.", "该数据早于当前环节开始时间，请以新的数据为准。")
		case got.At.After(now.Add(clockSkew)):
			return bad("The reading bears a time in the future.", "该数据的时间晚于当前时间，不予采用。")
		}
		if refusal := r.limits(got, bad); refusal != nil {
			return refusal
		}
	}
	return nil
}

// belongs is nil when a reading may stand among the evidence of a case: it was taken at the case's asset, or by an
// instrument whose readings opened it, and some move judges what it measures.
func (k *Kind) Belongs(r Reading, asset int64, datastreams []int64) *Refusal {
	if !slices.Contains(datastreams, r.Datastream) && (r.Asset == 0 || r.Asset != asset) {
		return Refuse(CodeOtherReading, "datastream", "The reading is not from the asset that this case is about.", "该数据不是本案卷所涉设施的数据。")
	}
	for _, m := range k.Moves {
		for _, q := range m.Requires {
			_, below := q.Below[r.Property]
			_, above := q.Above[r.Property]
			if below || above {
				return nil
			}
		}
	}
	return Refuse(CodeOtherReading, "datastream", "A reading of "+r.Property+" proves nothing in this kind of case.",
		"“"+r.Property+"”数据不能作为此类案卷的证据。")
}

func (r *Requirement) limits(got Reading, bad func(en, zh string) *Refusal) *Refusal {
	known := false
	for _, side := range []struct {
		limits map[string]Limit
		ok     func(v, limit float64) bool
		en, zh string
	}{
		{r.Below, func(v, limit float64) bool { return v < limit }, "below", "低于"},
		{r.Above, func(v, limit float64) bool { return v > limit }, "above", "高于"},
	} {
		limit, ok := side.limits[got.Property]
		if !ok {
			continue
		}
		known = true
		if got.Unit != limit.Unit {
			return bad("The limit is in "+limit.Unit+", the sensor measures in "+got.Unit+": they cannot be compared.",
				"限值单位为 "+limit.Unit+"，监测单位为 "+got.Unit+"，无法比较。")
		}
		if !side.ok(got.Value, limit.Value) { // a value that is not a number is never within a limit
			return bad(fmt.Sprintf("The reading is %g %s; it must be %s %g %s.", got.Value, got.Unit, side.en, limit.Value, limit.Unit),
				fmt.Sprintf("监测值为 %g %s，应%s %g %s。", got.Value, got.Unit, side.zh, limit.Value, limit.Unit))
		}
	}
	if !known {
		return bad("A reading of "+got.Property+" proves nothing here.", "“"+got.Property+"”数据不能作为此项证据。")
	}
	return nil
}

func (m *Move) guarded(c Snapshot, fields map[string]any, now time.Time) *Refusal {
	if m.Guard == nil {
		return nil
	}
	// What cannot be decided does not hold: a rule that fails open is none.
	if ok, err := m.Guard.holds(c, fields, now); err != nil || !ok {
		return &Refusal{Code: CodeGuard, Text: m.Guard.Because}
	}
	return nil
}

// DueFrom is when a case that comes into s now becomes overdue; zero means never.
func (s *State) DueFrom(fields map[string]any, now time.Time, days WorkingDays) time.Time {
	if s.DueBy != "" {
		text, _ := fields[s.DueBy].(string)
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			return t
		}
		return now // a limit that nobody filled in is a limit that has passed: it must not be a way to have none
	}
	if s.Due.IsZero() {
		return time.Time{}
	}
	return s.Due.After(now, days)
}

// roleNames are the roles' words on the console.
func roleNames(ids []string) (en, zh string) {
	words := map[string]Text{
		"duty-officer":  {"duty officer", "值班员"},
		"inspector":     {"inspector", "检查员"},
		"grid-worker":   {"grid worker", "网格员"},
		"operator":      {"operator of the utility", "运营单位"},
		"analyst":       {"analyst", "分析员"},
		"administrator": {"administrator", "管理员"},
	}
	var ens, zhs []string
	for _, id := range ids {
		ens, zhs = append(ens, words[id].En), append(zhs, words[id].Zh)
	}
	return strings.Join(ens, ", "), strings.Join(zhs, "、")
}
