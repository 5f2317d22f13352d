package lifecycle

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/anlan-city/anlan/internal/pack"
)

// File is the name of the file in a pack that declares case kinds.
const File = "cases.yaml"

// Declaration is that of cases.yaml.
func Declaration() pack.Declaration {
	return pack.Declaration{File: File, Title: "The kinds of case: which states one goes through, who may move it, within what time, with what evidence", Of: []kindEntry{}}
}

// kindEntry and those below are the declaration of cases.yaml. Kind is what they become once nothing is wrong in them.
type kindEntry struct {
	ID        pack.String    `yaml:"id" pack:"required,name" doc:"unique among all packs"`
	Title     pack.Text      `yaml:"title" pack:"required" doc:"the kind's name for people"`
	OpenedBy  pack.Names     `yaml:"opened_by" pack:"required,one of alert finding report person" doc:"what opens a case of this kind; several are a list" example:"[finding, person]"`
	Calendar  pack.String    `yaml:"calendar" pack:"name" doc:"the calendar by which working days (3wd) count" example:"cn"`
	Private   bool           `yaml:"private" doc:"true: for its parties alone; what people write in it stands in the vault and is erased after the end"`
	Limits    []promiseEntry `yaml:"limits" doc:"limits that run across states"`
	Recurs    *recursEntry   `yaml:"recurs" doc:"when a closed case is opened again instead of a new one"`
	Owner     pack.String    `yaml:"owner" pack:"one of assigned" doc:"assigned: nobody has a case before a move that does transfer gives it to a unit; left out: who holds the asset or place has it"`
	Escalates pack.String    `yaml:"escalates" pack:"name" doc:"the chain of notices that begins when a limit passes"`
	States    []stateEntry   `yaml:"states" pack:"required" doc:"where a case can stand; it begins in the first"`
	Moves     []moveEntry    `yaml:"moves" pack:"required" doc:"how it gets from one state to another"`
	Pos       pack.Pos
}

type promiseEntry struct {
	ID    pack.String `yaml:"id" pack:"required,name" doc:"the limit's name in this kind"`
	Title pack.Text   `yaml:"title" pack:"required" doc:"what is promised"`
	Due   pack.Term   `yaml:"due" pack:"required,above 0s" doc:"within what time" example:"1wd"`
	From  pack.Names  `yaml:"from" doc:"the moves with which it begins; left out: when the case is opened"`
	Since pack.String `yaml:"since" pack:"one of opening" doc:"opening: it counts from when the case was opened, however late one of from is made; left out: from then"`
	MetBy pack.Names  `yaml:"met_by" doc:"the moves that meet it; left out: the end"`
	With  pack.String `yaml:"with" pack:"one of owner desk" doc:"who has to keep it; left out: the owner"`
	Pos   pack.Pos
}

type recursEntry struct {
	Within pack.Term   `yaml:"within" pack:"required,above 0s" doc:"how long after a proven end" example:"30d"`
	To     pack.String `yaml:"to" pack:"required" doc:"the state in which it goes on"`
	Pos    pack.Pos
}

type stateEntry struct {
	ID        pack.String `yaml:"id" pack:"required,name" doc:"the state's name in this file"`
	Title     pack.Text   `yaml:"title" pack:"required" doc:"the state's name for people"`
	Due       pack.Term   `yaml:"due" pack:"above 0s" doc:"how long a case may stand here before it is overdue" example:"30m"`
	DueBy     pack.String `yaml:"due_by" doc:"or the field of kind time that says until when"`
	End       pack.String `yaml:"end" pack:"one of proven unfounded merged closed" doc:"the case is closed here: mended with proof, nothing to mend, taken on by another case, or ended with a reason that proves nothing"`
	With      pack.String `yaml:"with" pack:"one of owner desk" doc:"who is on the clock here; left out: the owner"`
	Post      pack.String `yaml:"post" pack:"name" doc:"by which of its posts"`
	Escalates pack.String `yaml:"escalates" pack:"name" doc:"the chain of notices that begins when the limit passes; left out: the kind's"`
	Pos       pack.Pos    `pack:"at most one of due due_by end"`
}

type moveEntry struct {
	ID          pack.String        `yaml:"id" pack:"required,name" doc:"the move's name in this file"`
	Title       pack.Text          `yaml:"title" pack:"required" doc:"the move's name for people"`
	From        []pack.String      `yaml:"from" pack:"required" doc:"the states it leaves"`
	To          pack.String        `yaml:"to" doc:"the state it leads to; may be left out where does says what happens"`
	Who         []pack.String      `yaml:"who" pack:"required,one of duty-officer inspector grid-worker operator analyst administrator" doc:"the roles that may make it"`
	Side        pack.String        `yaml:"side" pack:"one of owner desk either" doc:"of which organisation who makes it must be, or of one above it; either: of one of the two; left out: of any, also of one that only takes part"`
	ByOtherThan []pack.String      `yaml:"by_other_than" doc:"moves; who made one of them in this case cannot make this one"`
	Requires    []requirementEntry `yaml:"requires" doc:"what must be filled in or attached"`
	Guard       *guardEntry        `yaml:"guard" doc:"a condition that must hold"`
	Opens       []taskEntry        `yaml:"opens" doc:"the tasks that come into being with it"`
	Does        pack.String        `yaml:"does" pack:"one of extend transfer return list delist merge split reopen" doc:"what it does beside leading to another state"`
	Of          pack.String        `yaml:"of" doc:"of an extension: the limit across states that is set later; left out: that of the present state"`
	Before      pack.Term          `yaml:"before" pack:"above 0s" doc:"of an extension: how long before the limit it must be asked for" example:"20wd"`
	Most        pack.Term          `yaml:"most" pack:"above 0s" doc:"of an extension: how far beyond the limit it may reach" example:"15wd"`
	Times       int                `yaml:"times" pack:"at least 1" doc:"of an extension: how often it may be granted"`
	Parts       pack.String        `yaml:"parts" doc:"of a split: the state in which the parts begin; left out: the first"`
	Approval    *approvalEntry     `yaml:"approval" doc:"it takes effect only when another person grants it"`
	Pos         pack.Pos           `pack:"at least one of to does"`
}

type approvalEntry struct {
	Who    []pack.String `yaml:"who" pack:"required,one of duty-officer inspector grid-worker operator analyst administrator" doc:"the roles that may decide"`
	Side   pack.String   `yaml:"side" pack:"one of owner desk" doc:"of which organisation; left out: of any"`
	Within pack.Term     `yaml:"within" pack:"above 0s" doc:"within what time" example:"10wd"`
	Pos    pack.Pos
}

type requirementEntry struct {
	Title    pack.Text             `yaml:"title" pack:"required" doc:"what people are asked for"`
	Field    pack.String           `yaml:"field" doc:"the name under which the answer is kept"`
	Kind     pack.String           `yaml:"kind" pack:"one of text number time choice organisation organisations post case" doc:"the kind of answer"`
	Options  []optionEntry         `yaml:"options" doc:"the answers of a choice"`
	Evidence pack.String           `yaml:"evidence" pack:"one of photo form note reading" doc:"or the kind of evidence, newer than the present state"`
	Below    pack.Map[pack.String] `yaml:"below" doc:"for a reading: the limit of each property that serves, with its unit" example:"{methane: 3 %LEL}"`
	Above    pack.Map[pack.String] `yaml:"above" doc:"the same for what must be above it"`
	Pos      pack.Pos              `pack:"exactly one of field evidence,at most one of kind evidence"`
}

type optionEntry struct {
	ID    pack.String `yaml:"id" pack:"required,name" doc:"the answer as it is kept"`
	Title pack.Text   `yaml:"title" pack:"required" doc:"the answer for people"`
}

type guardEntry struct {
	When    pack.Expr `yaml:"when" pack:"required" doc:"CEL over fields, case and now"`
	Because pack.Text `yaml:"because" pack:"required" doc:"what people are told when it does not hold"`
	Pos     pack.Pos
}

type taskEntry struct {
	Title pack.Text   `yaml:"title" pack:"required" doc:"what is to be done"`
	Post  pack.String `yaml:"post" pack:"name" doc:"for which post of the case's owner"`
	Due   pack.Term   `yaml:"due" doc:"within what time"`
}

// Kinds reads the case kinds of a pack; none when it has no cases.yaml. All problems come at once, as pack.Diagnostics.
//
// A kind that comes back is sound: every name in it refers to something, each state can be reached and can reach an end,
// and each wording exists in both languages.
func Kinds(p *pack.Pack) ([]*Kind, error) {
	var entries []kindEntry
	err := p.Decode(File, &entries)
	if errors.Is(err, pack.ErrNoFile) {
		return nil, nil
	}
	var ds pack.Diagnostics
	ds.Join(err)
	// Else a name may be missing only because it could not be read. A value that is not allowed was read all the same.
	formed := !slices.ContainsFunc(ds, func(d pack.Diagnostic) bool { return d.Code != pack.CodeKeys && d.Code != pack.CodeValue })
	var kinds []*Kind
	seen := map[string]bool{}
	for i := range entries {
		c := checker{p: p, e: &entries[i], ds: &ds}
		if seen[c.e.ID.Value] {
			ds.Add(c.e.ID.Pos, pack.CodeTwice, "case kind %q stands here a second time", c.e.ID.Value)
		}
		seen[c.e.ID.Value] = true
		c.names()
		if formed {
			c.check()
		}
		kinds = append(kinds, c.kind())
	}
	if err := ds.Err(); err != nil {
		return nil, err
	}
	return kinds, nil
}

// checker holds one kind against the rules that go beyond the form of its parts.
type checker struct {
	p  *pack.Pack
	e  *kindEntry
	ds *pack.Diagnostics

	states, moves, promises []string
	// timeFields are the fields of kind time that some move fills in.
	timeFields []string
}

// names gathers what the parts may refer to.
func (c *checker) names() {
	for _, s := range c.e.States {
		c.states = append(c.states, s.ID.Value)
	}
	for _, p := range c.e.Limits {
		c.promises = append(c.promises, p.ID.Value)
	}
	for _, m := range c.e.Moves {
		c.moves = append(c.moves, m.ID.Value)
		for _, r := range m.Requires {
			if r.Kind.Value == "time" {
				c.timeFields = append(c.timeFields, r.Field.Value)
			}
		}
	}
}

func (c *checker) check() {
	before := len(*c.ds)
	if len(c.e.States) == 0 {
		c.ds.Add(c.e.Pos, pack.CodeRequired, "case kind %s has no states", c.e.ID.Value)
		return
	}
	for i, s := range c.e.States {
		c.once(s.ID, c.states[:i], "state")
		c.state(s)
	}
	for i, m := range c.e.Moves {
		c.once(m.ID, c.moves[:i], "move")
		c.move(m)
	}
	for i, p := range c.e.Limits {
		c.once(p.ID, c.promises[:i], "limit")
		c.promise(p)
	}
	if end := c.e.States[0].End; !end.IsZero() {
		c.ds.Add(end.Pos, pack.CodeValue, "a case begins in state %s, so that is no end", c.states[0])
	}
	c.recurs()
	c.private()
	c.assigned()
	c.calendar()
	if len(*c.ds) == before { // reachability in a broken graph would only say the same again in other words
		c.reach()
	}
}

func (c *checker) once(id pack.String, earlier []string, what string) {
	if slices.Contains(earlier, id.Value) {
		c.ds.Add(id.Pos, pack.CodeTwice, "%s %q stands here a second time", what, id.Value)
	}
}

// known notes a name that refers to nothing.
func (c *checker) known(name pack.String, what string, offered []string) bool {
	if slices.Contains(offered, name.Value) {
		return true
	}
	c.ds.Add(name.Pos, pack.CodeReference, "there is no %s %q%s", what, name.Value, pack.Suggest(name.Value, offered))
	return false
}

// answerOf are, for each effect, the kinds of answer that say what it is to be, and whether one is needed.
var answerOf = map[string]struct {
	kind   string
	needed bool
}{
	Extend: {"time", true}, Transfer: {"organisation", true}, List: {"choice", true}, Merge: {"case", true}, Split: {"organisations", true},
}

// does checks what a move does beside leading to another state.
func (c *checker) does(m moveEntry) {
	does := m.Does.Value
	if does != Extend {
		for _, key := range []struct {
			name string
			pos  pack.Pos
		}{{"of", m.Of.Pos}, {"before", m.Before.Pos}, {"most", m.Most.Pos}} {
			if !key.pos.IsZero() {
				c.ds.Add(key.pos, pack.CodeValue, "%s belongs to a move that does extend, and only to it", key.name)
			}
		}
	}
	if a, ok := answerOf[does]; ok {
		n := 0
		for _, r := range m.Requires {
			if r.Kind.Value == a.kind {
				n++
			}
		}
		if n == 0 || n > 1 && does != Extend {
			c.ds.Add(m.Does.Pos, pack.CodeRequired, "a move that does %s requires one field of kind %s, this one has %d", does, a.kind, n)
		}
	}
	for _, r := range m.Requires {
		if k := r.Kind.Value; (k == "organisations" && does != Split) || (k == "case" && does != Merge) {
			c.ds.Add(r.Kind.Pos, pack.CodeValue, "an answer of kind %s belongs to a move that does %s", k, map[string]string{"organisations": Split, "case": Merge}[k])
		}
	}
	if does == Extend {
		c.extend(m)
	}
	if !m.Parts.IsZero() {
		switch {
		case does != Split:
			c.ds.Add(m.Parts.Pos, pack.CodeValue, "parts belongs to a move that does split, and only to it")
		case c.known(m.Parts, "state", c.states) && c.end(m.Parts.Value) != "":
			c.ds.Add(m.Parts.Pos, pack.CodeValue, "state %s is an end; a part begins where there is something to do", m.Parts.Value)
		}
	}
	end := c.end(m.To.Value)
	switch {
	case end != "" && does != "" && does != Merge && does != Reopen:
		c.ds.Add(m.To.Pos, pack.CodeValue, "state %s is an end; a move that does %s leaves the case open", m.To.Value, does)
	case does == Merge && end != "merged":
		c.ds.Add(m.Does.Pos, pack.CodeValue, "a move that does merge leads to a state with end: merged")
	case does != Merge && end == "merged":
		c.ds.Add(m.To.Pos, pack.CodeValue, "state %s is for cases that were merged; only a move that does merge leads there", m.To.Value)
	case does == Reopen && (m.To.IsZero() || end != ""):
		c.ds.Add(m.Does.Pos, pack.CodeValue, "a move that does reopen leads from an end to a state that is none")
	}
	if c.e.Private && slices.Contains([]string{List, Delist, Merge, Split, Reopen}, does) {
		c.ds.Add(m.Does.Pos, pack.CodeValue, "a private case stands for itself: no move of it does %s", does)
	}
}

// extend checks that what is to be set later is a limit.
func (c *checker) extend(m moveEntry) {
	if !m.To.IsZero() {
		c.ds.Add(m.To.Pos, pack.CodeValue, "a move that does extend leaves the case where it is; leave out to")
	}
	if !m.Of.IsZero() {
		c.known(m.Of, "limit", c.promises)
		return
	}
	for _, from := range m.From {
		if i := slices.Index(c.states, from.Value); i >= 0 && c.e.States[i].End.IsZero() && c.e.States[i].Due.IsZero() && c.e.States[i].DueBy.IsZero() {
			c.ds.Add(from.Pos, pack.CodeValue, "state %s has no limit that could be set later; name one in of", from.Value)
		}
	}
}

// end is the word under end of a state; empty where there is none, or no such state.
func (c *checker) end(state string) string {
	if i := slices.Index(c.states, state); i >= 0 {
		return c.e.States[i].End.Value
	}
	return ""
}

// private checks that nothing leads out of a case that is for its parties alone.
func (c *checker) private() {
	if !c.e.Private {
		return
	}
	for _, by := range c.e.OpenedBy {
		if by.Value != "person" {
			c.ds.Add(by.Pos, pack.CodeValue, "a private case is opened by a person, not by news (%s) that others see", by.Value)
		}
	}
	if c.e.Recurs != nil {
		c.ds.Add(c.e.Recurs.Pos, pack.CodeValue, "a private case is linked to no other: it cannot recur")
	}
	chains := []pack.String{c.e.Escalates}
	for _, s := range c.e.States {
		chains = append(chains, s.Escalates)
	}
	for _, chain := range chains {
		if !chain.IsZero() {
			c.ds.Add(chain.Pos, pack.CodeValue, "a private case is told to nobody: it does not escalate")
		}
	}
	for _, m := range c.e.Moves {
		for _, r := range m.Requires {
			if r.Evidence.Value == "reading" {
				c.ds.Add(r.Evidence.Pos, pack.CodeValue, "a private case is about no asset: no reading proves it")
			}
		}
	}
}

// assigned checks that a case that nobody has at first is given to somebody, and holds nobody to anything until then.
func (c *checker) assigned() {
	if c.e.Owner.IsZero() {
		return
	}
	if c.e.Private {
		c.ds.Add(c.e.Owner.Pos, pack.CodeValue, "a private case is theirs who open it: it is not assigned")
	}
	if !slices.ContainsFunc(c.e.Moves, func(m moveEntry) bool { return m.Does.Value == Transfer }) {
		c.ds.Add(c.e.Owner.Pos, pack.CodeRequired, "owner: assigned needs a move that does transfer; case kind %s has none", c.e.ID.Value)
	}
	if first := c.e.States[0]; first.With.Value != "desk" && (!first.Due.IsZero() || !first.DueBy.IsZero()) {
		c.ds.Add(first.ID.Pos, pack.CodeValue, "nobody has the case in state %s, so its limit is the desk's: with: desk", first.ID.Value)
	}
}

// recurs checks when a closed case is opened again.
func (c *checker) recurs() {
	r := c.e.Recurs
	if r == nil {
		return
	}
	if c.known(r.To, "state", c.states) && c.end(r.To.Value) != "" {
		c.ds.Add(r.To.Pos, pack.CodeValue, "state %s is an end; a case that recurs goes on in a state that is none", r.To.Value)
	}
	if !slices.ContainsFunc(c.e.OpenedBy, func(by pack.String) bool { return by.Value != "person" }) {
		c.ds.Add(r.Pos, pack.CodeValue, "an alert, a finding or a report recurs; case kind %s is opened by none of them", c.e.ID.Value)
	}
	if !slices.ContainsFunc(c.e.States, func(s stateEntry) bool { return s.End.Value == "proven" }) {
		c.ds.Add(r.Pos, pack.CodeValue, "recurs counts from an end that is proven; case kind %s has none", c.e.ID.Value)
	}
}

// promise checks a limit that runs across states.
func (c *checker) promise(p promiseEntry) {
	if !p.Since.IsZero() && len(p.From) == 0 {
		c.ds.Add(p.Since.Pos, pack.CodeValue, "limit %s begins when the case is opened; since belongs to one that begins with a move (from)", p.ID.Value)
	}
	for _, of := range [][]pack.String{p.From, p.MetBy} {
		for _, m := range of {
			c.known(m, "move", c.moves)
		}
	}
	for _, m := range p.MetBy {
		if slices.ContainsFunc(p.From, func(from pack.String) bool { return from.Value == m.Value }) {
			c.ds.Add(m.Pos, pack.CodeValue, "limit %s cannot begin with the move that meets it", p.ID.Value)
		}
	}
}

// calendar checks that working days are counted by one.
func (c *checker) calendar() {
	if !c.e.Calendar.IsZero() {
		return
	}
	count := func(t pack.Term) {
		if t.WorkingDays > 0 {
			c.ds.Add(t.Pos, pack.CodeRequired, "working days need a calendar; say which, such as calendar: cn, in case kind %s", c.e.ID.Value)
		}
	}
	for _, p := range c.e.Limits {
		count(p.Due)
	}
	if c.e.Recurs != nil {
		count(c.e.Recurs.Within)
	}
	for _, s := range c.e.States {
		count(s.Due)
	}
	for _, m := range c.e.Moves {
		count(m.Before)
		count(m.Most)
		if m.Approval != nil {
			count(m.Approval.Within)
		}
		for _, t := range m.Opens {
			count(t.Due)
		}
	}
}

func (c *checker) state(s stateEntry) {
	if !s.DueBy.IsZero() {
		c.known(s.DueBy, "field of kind time", c.timeFields)
	}
}

func (c *checker) move(m moveEntry) {
	if len(m.From) == 0 {
		c.ds.Add(m.Pos, pack.CodeRequired, "move %s leaves no state; name one in from", m.ID.Value)
	}
	for _, from := range m.From {
		if !c.known(from, "state", c.states) {
			continue
		}
		switch end := !c.e.States[slices.Index(c.states, from.Value)].End.IsZero(); {
		case end && m.Does.Value != Reopen:
			c.ds.Add(from.Pos, pack.CodeValue, "state %s is an end; no move leaves it but one that does reopen", from.Value)
		case c.end(from.Value) == "merged":
			c.ds.Add(from.Pos, pack.CodeValue, "a case in state %s goes on in another; that one is to be reopened", from.Value)
		case !end && m.Does.Value == Reopen:
			c.ds.Add(from.Pos, pack.CodeValue, "state %s is no end; a move that does reopen leaves ends only", from.Value)
		}
	}
	if !m.To.IsZero() {
		c.known(m.To, "state", c.states)
	}
	c.does(m)
	for _, o := range m.ByOtherThan {
		if c.known(o, "move", c.moves) && o.Value == m.ID.Value {
			c.ds.Add(o.Pos, pack.CodeValue, "move %s cannot be by another person than itself", m.ID.Value)
		}
	}
	var fields []string
	for _, r := range m.Requires {
		if !r.Field.IsZero() {
			c.once(r.Field, fields, "field")
			fields = append(fields, r.Field.Value)
		}
		c.requirement(r)
	}
	if m.Guard != nil {
		if _, err := compileGuard(m.Guard.When.Source); err != nil {
			c.ds.Add(m.Guard.When.Pos, pack.CodeCondition, "%s", err)
		}
	}
}

func (c *checker) requirement(r requirementEntry) {
	isReading := r.Evidence.Value == "reading"
	if !r.Field.IsZero() {
		if !fieldName(r.Field.Value) {
			c.ds.Add(r.Field.Pos, pack.CodeValue, "%q is no field; fields are lower-case words of a-z and 0-9 joined by underscores, such as rectify_by", r.Field.Value)
		}
		for _, s := range []pack.String{r.Field, r.Title.EN, r.Title.ZH} {
			if word, bad := pack.Personal(s.Value); bad {
				c.ds.Add(s.Pos, pack.CodePerson, "%q asks for an identifier of a person (%s); a case keeps none", s.Value, word)
			}
		}
		if r.Kind.IsZero() {
			c.ds.Add(r.Field.Pos, pack.CodeRequired, "field %s lacks its kind: text, number, time, choice, organisation, organisations, post or case", r.Field.Value)
		}
	}
	if (r.Kind.Value == "choice") != (len(r.Options) > 0) {
		c.ds.Add(r.Pos, pack.CodeValue, "options belong to a field of kind choice, and only to it")
	}
	if isReading != (len(r.Below)+len(r.Above) > 0) {
		c.ds.Add(r.Pos, pack.CodeValue, "below or above belongs to evidence of kind reading, and only to it: below: {methane: 3 %%LEL}")
	}
	for _, side := range []pack.Map[pack.String]{r.Below, r.Above} {
		for _, e := range side {
			c.limit(e)
		}
	}
}

func (c *checker) limit(e pack.Entry[pack.String]) {
	l, err := parseLimit(e.Value.Value)
	if err != nil {
		c.ds.Add(e.Value.Pos, pack.CodeValue, "%s", err)
		return
	}
	id := c.p.ID(e.Key.Value)
	if !strings.HasPrefix(id, c.p.Name+"/") {
		return // another pack's property is that pack's word
	}
	property := c.p.Property(id)
	if property == nil {
		var offered []string
		for _, p := range c.p.Properties {
			offered = append(offered, strings.TrimPrefix(p.ID, c.p.Name+"/"))
		}
		c.known(e.Key, "property", offered)
		return
	}
	if property.Unit != l.Unit {
		c.ds.Add(e.Value.Pos, pack.CodeValue, "%s is observed in %s, so the limit cannot be in %s", e.Key.Value, property.Unit, l.Unit)
	}
}

// reach walks the graph both ways: a state that nothing leads to is a slip, one that leads to no end is a trap.
func (c *checker) reach() {
	reached, leads := map[string]bool{c.states[0]: true}, map[string]bool{}
	if c.e.Recurs != nil {
		reached[c.e.Recurs.To.Value] = true
	}
	for _, s := range c.e.States {
		if !s.End.IsZero() {
			leads[s.ID.Value] = true
		}
	}
	for range c.states { // each pass settles at least one more state, or none is left
		for _, m := range c.e.Moves {
			for _, from := range m.From {
				if !m.Parts.IsZero() {
					reached[m.Parts.Value] = reached[m.Parts.Value] || reached[from.Value]
				}
				if m.To.IsZero() {
					continue
				}
				reached[m.To.Value] = reached[m.To.Value] || reached[from.Value]
				leads[from.Value] = leads[from.Value] || leads[m.To.Value]
			}
		}
	}
	for _, s := range c.e.States {
		if !reached[s.ID.Value] {
			c.ds.Add(s.ID.Pos, pack.CodeReach, "no move leads to state %q", s.ID.Value)
		}
		if !leads[s.ID.Value] {
			c.ds.Add(s.ID.Pos, pack.CodeReach, "from state %q there is no way to an end", s.ID.Value)
		}
	}
}

// kind makes the definition of what was read.
func (c *checker) kind() *Kind {
	k := &Kind{ID: c.e.ID.Value, Title: text(c.e.Title), OpenedBy: words(c.e.OpenedBy), Calendar: c.e.Calendar.Value, Private: c.e.Private,
		Owner: c.e.Owner.Value, Escalates: c.e.Escalates.Value, Pack: c.p.Name}
	for _, p := range c.e.Limits {
		k.Promises = append(k.Promises, Promise{ID: p.ID.Value, Title: text(p.Title), Due: term(p.Due), From: words(p.From),
			Since: p.Since.Value, MetBy: words(p.MetBy), With: p.With.Value})
	}
	if r := c.e.Recurs; r != nil {
		k.Recurs = &Recurrence{Within: term(r.Within), To: r.To.Value}
	}
	for _, s := range c.e.States {
		k.States = append(k.States, State{ID: s.ID.Value, Title: text(s.Title), Due: term(s.Due), DueBy: s.DueBy.Value, End: s.End.Value,
			With: s.With.Value, Post: s.Post.Value, Escalates: s.Escalates.Value})
	}
	for _, m := range c.e.Moves {
		move := Move{
			ID: m.ID.Value, Title: text(m.Title), From: words(m.From), To: m.To.Value, Who: words(m.Who), Side: m.Side.Value,
			ByOtherThan: words(m.ByOtherThan), Does: m.Does.Value, Of: m.Of.Value, Before: term(m.Before), Most: term(m.Most), Times: m.Times,
			Parts: m.Parts.Value,
		}
		if a := m.Approval; a != nil {
			move.Approval = &Approval{Who: words(a.Who), Side: a.Side.Value, Within: term(a.Within)}
		}
		for _, r := range m.Requires {
			req := Requirement{
				Field: r.Field.Value, Kind: r.Kind.Value, Evidence: r.Evidence.Value, Title: text(r.Title),
				Below: c.limits(r.Below), Above: c.limits(r.Above),
			}
			for _, o := range r.Options {
				req.Options = append(req.Options, Option{o.ID.Value, text(o.Title)})
			}
			move.Requires = append(move.Requires, req)
		}
		if m.Guard != nil {
			move.Guard = &Guard{When: m.Guard.When.Source, Because: text(m.Guard.Because)}
		}
		for _, t := range m.Opens {
			move.Opens = append(move.Opens, TaskTemplate{Title: text(t.Title), Post: t.Post.Value, Due: term(t.Due)})
		}
		k.Moves = append(k.Moves, move)
	}
	return k
}

func (c *checker) limits(m pack.Map[pack.String]) map[string]Limit {
	if len(m) == 0 {
		return nil
	}
	out := map[string]Limit{}
	for _, e := range m {
		if l, err := parseLimit(e.Value.Value); err == nil {
			out[c.p.ID(e.Key.Value)] = l
		}
	}
	return out
}

// parseLimit reads "3 %LEL". A number without its unit is refused: 3 ppm and 3 %LEL are worlds apart.
func parseLimit(s string) (Limit, error) {
	number, unit, _ := strings.Cut(strings.TrimSpace(s), " ")
	v, err := strconv.ParseFloat(number, 64)
	if unit = strings.TrimSpace(unit); err != nil || unit == "" || math.IsNaN(v) || math.IsInf(v, 0) {
		return Limit{}, fmt.Errorf("%q is no limit; write a number and its unit, such as 3 %%LEL", s)
	}
	return Limit{v, unit}, nil
}

func fieldName(s string) bool {
	for _, part := range strings.Split(s, "_") {
		if part == "" || strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return false
		}
	}
	return s[0] > '9'
}

func text(t pack.Text) Text { return Text{En: t.EN.Value, Zh: t.ZH.Value} }

func term(t pack.Term) Term { return Term{t.Value, t.WorkingDays} }

func words(list []pack.String) []string {
	var out []string
	for _, s := range list {
		out = append(out, s.Value)
	}
	return out
}
