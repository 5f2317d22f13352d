package casetest

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Test is one test, ready to run.
type Test struct {
	Name string
	File string   // in the pack's folder
	Pos  pack.Pos // of its name
	Kind *lifecycle.Kind

	start   time.Time
	opened  opening
	others  []opening
	people  map[string]person
	names   []string // of people, in the order of the file
	streams map[string]*stream
	under   map[string]string // organisation -> the one above it
	steps   []step
}

type opening struct {
	name string // of others; "" for the case that the test is about
	kind *lifecycle.Kind
	doc  openedDoc
	by   string
	at   pack.Pos
}

// desk is the organisation that runs the case.
func (o *opening) desk() string {
	if o.doc.Desk.IsZero() {
		return nobody
	}
	return o.doc.Desk.Value
}

type person struct {
	id    int64
	name  string
	roles []string
	of    string
}

// stream is one datastream.
type stream struct {
	name, asset, property, unit string
}

type step struct {
	at   time.Time
	who  person // zero: nobody
	does string // the key that says what is done; "" for looking only
	doc  *StepDoc
	pos  pack.Pos
}

// LongestTest is how long a test may last.
const LongestTest = 4 * 366 * 24 * time.Hour

// Maker makes the tests of one pack. Kinds are those of the pack.
type Maker struct {
	*pack.Diagnostics
	Pack  *pack.Pack
	Kinds []*lifecycle.Kind
}

// Test makes a test of what is written.
func (m Maker) Test(name pack.String, start string, doc *Doc, file string, at pack.Pos) *Test {
	t := &Test{Name: name.Value, File: file, Pos: name.Pos, people: map[string]person{}, streams: map[string]*stream{}, under: map[string]string{}}
	w := writer{Maker: m, Test: t, others: map[string]bool{}}
	t.Kind = w.kind(doc.Case)
	var err error
	if t.start, err = time.Parse(time.RFC3339, start); err != nil {
		return t // noted by whoever reads the start
	}
	for _, e := range doc.People {
		w.person(e)
	}
	for _, e := range doc.Under {
		for _, o := range e.Value {
			if before, twice := t.under[o.Value]; twice {
				m.Add(o.Pos, pack.CodeTwice, "%s stands under %s already", o.Value, before)
			}
			t.under[o.Value] = e.Key.Value
		}
	}
	w.circles(doc)
	if doc.Opened != nil {
		t.opened = w.opening("", *doc.Opened, doc.Opened.Pos)
	} else {
		t.opened = w.opening("", openedDoc{Owner: pack.String{Value: "owner"}}, doc.Case.Pos)
	}
	for _, e := range doc.Others {
		if strings.HasPrefix(e.Key.Value, partPrefix) {
			m.Add(e.Key.Pos, pack.CodeValue, "names that begin with %s are those of parts", partPrefix)
		}
		w.others[e.Key.Value] = true
		t.others = append(t.others, w.opening(e.Key.Value, e.Value, e.Key.Pos))
	}
	if len(doc.Steps) == 0 {
		m.Add(at, pack.CodeRequired, "the test has no steps")
	}
	last := t.start
	for i := range doc.Steps {
		s := w.step(&doc.Steps[i], last)
		if last = s.at; last.Sub(t.start) > LongestTest {
			m.Add(s.doc.At.Pos, pack.CodeValue, "the test lasts longer than four years")
		}
		t.steps = append(t.steps, s)
	}
	return t
}

// partPrefix begins the name of a part: part-1 is the case that was split off first.
const partPrefix = "part-"

// writer makes one test, and notes what is wrong with it.
type writer struct {
	Maker
	*Test
	others map[string]bool
}

func (w *writer) kind(name pack.String) *lifecycle.Kind {
	i := slices.IndexFunc(w.Kinds, func(k *lifecycle.Kind) bool { return k.ID == name.Value })
	if i >= 0 {
		return w.Kinds[i]
	}
	var known []string
	for _, k := range w.Kinds {
		known = append(known, k.ID)
	}
	if name.Value != "" {
		w.Add(name.Pos, pack.CodeReference, "the pack has no case kind %q%s", name.Value, pack.Suggest(name.Value, known))
	}
	return nil
}

func (w *writer) person(e pack.Entry[personDoc]) {
	p := person{id: int64(len(w.people) + 1), name: e.Key.Value, of: e.Value.Of.Value}
	for _, r := range e.Value.As {
		p.roles = append(p.roles, r.Value)
	}
	w.people[p.name] = p
	w.names = append(w.names, p.name)
}

// circles notes organisations that stand under themselves.
func (w *writer) circles(doc *Doc) {
	for _, e := range doc.Under {
		at, seen := e.Key.Value, map[string]bool{}
		for at != "" && !seen[at] {
			seen[at] = true
			at = w.under[at]
		}
		if at != "" {
			w.Add(e.Key.Pos, pack.CodeValue, "%s stands under itself", e.Key.Value)
			clear(w.under)
			return
		}
	}
}

func (w *writer) opening(name string, doc openedDoc, at pack.Pos) opening {
	o := opening{name: name, kind: w.Kind, doc: doc, by: doc.By.Value, at: at}
	if !doc.Kind.IsZero() {
		o.kind = w.kind(doc.Kind)
	}
	for _, s := range doc.RaisedBy {
		w.stream(s)
	}
	if o.kind == nil {
		return o
	}
	openers := openers(o.kind)
	if o.by == "" {
		o.by = openers[0]
	} else if !slices.Contains(openers, o.by) {
		w.Add(doc.By.Pos, pack.CodeValue, "%s is opened by %s, not by %q", o.kind.ID, strings.Join(openers, " or "), o.by)
	}
	if len(doc.RaisedBy) > 0 && o.by != "alert" {
		w.Add(doc.RaisedBy[0].Pos, pack.CodeValue, "raised_by belongs to a case that an alert opens")
	}
	if w.known(doc.Who, "person", slices.Sorted(maps.Keys(w.people))); doc.Who.Value != "" && o.by != "person" {
		w.Add(doc.Who.Pos, pack.CodeValue, "who belongs to a case that a person opens")
	}
	if !doc.Who.IsZero() && !doc.Desk.IsZero() {
		w.Add(doc.Desk.Pos, pack.CodeValue, "the desk is the organisation of the person who opens it; take it out")
	}
	return o
}

// stream finds or makes the datastream that is called asset/property.
func (w *writer) stream(name pack.String) {
	if w.streams[name.Value] != nil || name.Value == "" {
		return
	}
	asset, observed, ok := strings.Cut(name.Value, "/")
	if !ok {
		w.Add(name.Pos, pack.CodeValue, "%q is no series; write asset/property, such as kitchen-alarm/methane", name.Value)
		return
	}
	s := &stream{name: name.Value, asset: asset, property: w.Pack.ID(observed)}
	if p := w.Pack.Property(s.property); p != nil {
		s.unit = p.Unit
	} else if !strings.Contains(observed, "/") {
		var known []string
		for _, p := range w.Pack.Properties {
			known = append(known, strings.TrimPrefix(p.ID, w.Pack.Name+"/"))
		}
		w.Add(name.Pos, pack.CodeReference, "the pack observes no %q%s", observed, pack.Suggest(observed, known))
	}
	w.streams[s.name] = s
}

// known notes a name that is none of those that are there.
func (w *writer) known(name pack.String, what string, there []string) {
	if name.Value != "" && !slices.Contains(there, name.Value) {
		w.Add(name.Pos, pack.CodeReference, "the test has no %s %q%s", what, name.Value, pack.Suggest(name.Value, there))
	}
}

// clocks are the ways in which a time of the clock is written, beside RFC 3339.
var clocks = []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02"}

// moment reads a time: a span from base, or what the clock of the start shows.
func (t *Test) moment(text string, base time.Time) (time.Time, bool) {
	if d, err := pack.ParseDuration(text); err == nil {
		return base.Add(d), true
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, true
	}
	for _, layout := range clocks {
		if at, err := time.ParseInLocation(layout, text, t.start.Location()); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

const howTimesAreWritten = "write a span such as 3d or 1h30m, or a time such as 2026-11-24 10:00"

// when notes a text that is no time.
func (w *writer) when(s pack.Scalar, base time.Time) time.Time {
	at, ok := w.moment(s.Value, base)
	if !ok && !s.IsZero() {
		w.Add(s.Pos, pack.CodeValue, "%q is no time; %s", s.Value, howTimesAreWritten)
	}
	return at
}

func (w *writer) step(doc *StepDoc, last time.Time) step {
	s := step{at: last, doc: doc, pos: doc.Pos, does: doc.does()}
	if !doc.At.IsZero() {
		if at := w.when(doc.At, w.start); !at.IsZero() {
			s.at = at
		}
		if s.at.Before(last) {
			w.Add(doc.At.Pos, pack.CodeValue, "the step lies before the one above it; write the steps in the order of time")
		}
	}
	if doc.In.Value != "" && !w.others[doc.In.Value] && partNumber(doc.In.Value) == 0 {
		w.Add(doc.In.Pos, pack.CodeReference, "the test has no other case %q%s", doc.In.Value, pack.Suggest(doc.In.Value, slices.Sorted(maps.Keys(w.others))))
	}
	w.actor(doc, &s)
	for _, e := range doc.Reads {
		w.stream(e.Key)
	}
	w.stream(doc.From)
	if kind := w.kindIn(doc.In.Value); kind != nil {
		w.deed(doc, kind)
		w.passing(doc, kind)
		if doc.Then != nil {
			w.then(doc.Then, kind, s.at)
		}
	}
	return s
}

// kindIn is the kind of the case that a step is about.
func (w *writer) kindIn(name string) *lifecycle.Kind {
	for _, o := range w.Test.others {
		if o.name == name {
			return o.kind
		}
	}
	return w.Kind
}

// partNumber is 1 for part-1; 0 where it is no part's name.
func partNumber(name string) int {
	number, ok := strings.CutPrefix(name, partPrefix)
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 1 {
		return 0
	}
	return n
}

// does is the key of what is done.
func (doc *StepDoc) does() string {
	switch {
	case !doc.Move.IsZero():
		return "move"
	case len(doc.Evidence) > 0:
		return "evidence"
	case !doc.Decide.IsZero():
		return "decide"
	case !doc.Acknowledge.IsZero():
		return "acknowledge"
	case !doc.Done.IsZero():
		return "done"
	case !doc.Give.IsZero():
		return "give"
	case !doc.Invite.IsZero():
		return "invite"
	case !doc.Again.IsZero():
		return "again"
	case !doc.Level.IsZero():
		return "level"
	case len(doc.Overdue) > 0:
		return "overdue"
	case len(doc.May) > 0:
		return "may"
	case len(doc.Sees) > 0:
		return "sees"
	}
	return ""
}

// byPersons are the deeds that somebody does.
var byPersons = []string{"move", "evidence", "decide", "acknowledge", "done", "give", "invite"}

func (w *writer) actor(doc *StepDoc, s *step) {
	personal := slices.Contains(byPersons, s.does)
	switch {
	case personal && doc.Who.IsZero():
		w.Add(doc.Pos, pack.CodeRequired, "the step does not say who does it")
	case !personal && !doc.Who.IsZero():
		w.Add(doc.Who.Pos, pack.CodeValue, "nobody does what this step says; take out who")
	}
	w.known(doc.Who, "person", slices.Sorted(maps.Keys(w.people)))
	s.who = w.people[doc.Who.Value]
	if len(doc.As) > 0 {
		s.who.roles = nil
		for _, r := range doc.As {
			s.who.roles = append(s.who.roles, r.Value)
		}
	}
	if !doc.Of.IsZero() {
		s.who.of = doc.Of.Value
	}
}

// deed notes what is wrong with what is done.
func (w *writer) deed(doc *StepDoc, k *lifecycle.Kind) {
	var moves []string
	for _, m := range k.Moves {
		moves = append(moves, m.ID)
	}
	move := func(name pack.String) *lifecycle.Move {
		m := k.Move(name.Value)
		if m == nil && name.Value != "" {
			w.Add(name.Pos, pack.CodeReference, "%s has no move %q%s", k.ID, name.Value, pack.Suggest(name.Value, moves))
		}
		return m
	}
	if m := move(doc.Move); m != nil {
		w.answers(doc.Fields, m)
	} else if len(doc.Fields) > 0 && doc.Move.IsZero() {
		w.Add(doc.Fields[0].Key.Pos, pack.CodeValue, "fields belong to a move")
	}
	for _, e := range doc.May {
		move(e.Key)
		for _, r := range e.Value {
			if !slices.Contains(roles, r.Value) {
				w.Add(r.Pos, pack.CodeReference, "there is no role %q%s", r.Value, pack.Suggest(r.Value, roles))
			}
		}
	}
	for _, s := range doc.Sees {
		if s.Value != "none" {
			w.known(s, "person", w.names)
		}
	}
	if !doc.Refused.IsZero() {
		if !slices.Contains(byPersons, doc.does()) {
			w.Add(doc.Refused.Pos, pack.CodeValue, "nobody does what this step says, so nobody can be refused")
		}
		if !strings.Contains(doc.Refused.Value, ".") {
			w.Add(doc.Refused.Pos, pack.CodeValue, "%q is no code of a refusal; docs/cases.md lists them%s", doc.Refused.Value,
				pack.Suggest("case."+doc.Refused.Value, refusals))
		}
	}
	if doc.Says != nil && doc.Refused.IsZero() {
		w.Add(doc.Says.Pos, pack.CodeValue, "says belongs to a step that is refused")
	}
}

// roles are those that packs know.
var roles = []string{"duty-officer", "inspector", "grid-worker", "operator", "analyst", "administrator"}

// refusals are offered to whoever writes one otherwise.
var refusals = []string{
	lifecycle.CodeClosed, lifecycle.CodeWrongState, lifecycle.CodeRole, lifecycle.CodeSecondPerson, lifecycle.CodeField, lifecycle.CodeEvidence,
	lifecycle.CodeReading, lifecycle.CodeGuard, lifecycle.CodeUnknownField, lifecycle.CodeSide, lifecycle.CodeAsked, lifecycle.CodeExtension,
	lifecycle.CodeNoLimit, lifecycle.CodeNobody,
}

// answers notes fields that a move does not ask for; where the test is of that very refusal, it says refused.
func (w *writer) answers(fields pack.Map[pack.Scalar], m *lifecycle.Move) {
	var asked []string
	for _, r := range m.Requires {
		if r.Field != "" {
			asked = append(asked, r.Field)
		}
	}
	for _, e := range fields {
		i := slices.IndexFunc(m.Requires, func(r lifecycle.Requirement) bool { return r.Field == e.Key.Value })
		if i < 0 {
			w.Add(e.Key.Pos, pack.CodeReference, "the move %s does not ask for %q%s", m.ID, e.Key.Value, pack.Suggest(e.Key.Value, asked))
			continue
		}
		if _, err := strconv.ParseFloat(e.Value.Value, 64); m.Requires[i].Kind == "number" && err != nil {
			w.Add(e.Value.Pos, pack.CodeValue, "%s needs a number, not %q", e.Key.Value, e.Value.Value)
		}
	}
}

// passing notes limits that the kind does not have.
func (w *writer) passing(doc *StepDoc, k *lifecycle.Kind) {
	known := limitNames(k)
	for _, s := range doc.Overdue {
		what, _, numbered := strings.Cut(s.Value, ":")
		if numbered && (what == "task" || what == "ask") || slices.Contains(known, s.Value) || slices.Contains(known, bare(s.Value)) {
			continue
		}
		w.Add(s.Pos, pack.CodeReference, "%s has no limit %q%s", k.ID, s.Value, pack.Suggest(s.Value, known))
	}
}

// bare is a limit's name without what it is of: found of state:found.
func bare(name string) string { return name[strings.Index(name, ":")+1:] }

func (w *writer) then(doc *thenDoc, k *lifecycle.Kind, at time.Time) {
	var states []string
	for _, s := range k.States {
		states = append(states, s.ID)
	}
	if s := doc.State; s.Value != "" && k.State(s.Value) == nil {
		w.Add(s.Pos, pack.CodeReference, "%s has no state %q%s", k.ID, s.Value, pack.Suggest(s.Value, states))
	}
	if ended := []string{"proven", "unfounded", "merged", "closed", "no"}; doc.Ended.Value != "" && !slices.Contains(ended, doc.Ended.Value) {
		w.Add(doc.Ended.Pos, pack.CodeValue, "ended is %q; it may be %s", doc.Ended.Value, strings.Join(ended, ", "))
	}
	if doc.Due.Value != "none" {
		w.when(doc.Due, at)
	}
	for _, e := range doc.Limits {
		if known := acrossNames(k); !slices.Contains(known, e.Key.Value) {
			w.Add(e.Key.Pos, pack.CodeReference, "%s has no limit %q%s", k.ID, e.Key.Value, pack.Suggest(e.Key.Value, known))
		}
		if !slices.Contains(limitStates, e.Value.Value) {
			w.when(e.Value, at)
		}
	}
	for i := range doc.Tasks {
		if d := doc.Tasks[i].Due; d.Value != "none" {
			w.when(d, at)
		}
	}
}

// limitStates are what a limit can be, other than running until a time.
var limitStates = []string{"met", "late", "withdrawn", "none"}
