package casetest

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/access/vault"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/calendar"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// This file alone knows the room of cases.

// Law is what the tests of one pack run under: its kinds, and the calendars that they count by.
type Law struct {
	Kinds     []*lifecycle.Kind
	Calendars []*calendar.Calendar
}

// docket is the room of cases with its tables, for one test.
type docket struct {
	dir   string
	db    *db.DB
	clock *clock.Virtual
	room  *respond.Service
	eye   *respond.Service // the same room as one sees it who may see everything
	loop  *timers.Loop
	city  *town
	heard int64 // the last event that was looked at
	read  int64 // and the last line of a timeline
	news  int64 // alerts, findings, reports and events so far
}

func openDocket(ctx context.Context, t *Test, law Law) (_ *docket, err error) {
	d := &docket{clock: clock.NewVirtual(t.start), city: newTown(t)}
	if d.dir, err = os.MkdirTemp("", "anlan-casetest-"); err != nil {
		return nil, err
	}
	if d.db, err = db.Open(ctx, db.Options{URL: "sqlite:" + filepath.Join(d.dir, "cases.db"), NoSync: true}); err != nil {
		return nil, errors.Join(err, os.RemoveAll(d.dir))
	}
	if err := d.build(ctx, t, law); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *docket) build(ctx context.Context, t *Test, law Law) error {
	err := d.db.Migrate(ctx, ledger.Migrations(), outbox.Migrations(), timers.Migrations(), vault.Migrations(), inspect.Migrations(), respond.Migrations())
	if err != nil {
		return err
	}
	policy, err := access.NewPolicy(d.city)
	if err != nil {
		return err
	}
	deps := respond.Deps{
		DB: d.db, Clock: d.clock, Access: policy, Readings: d.city, Register: d.city, Kinds: law.Kinds, Calendars: map[string]lifecycle.WorkingDays{},
	}
	for _, c := range law.Calendars {
		deps.Calendars[c.ID] = c.In(t.start.Location())
	}
	if slices.ContainsFunc(law.Kinds, func(k *lifecycle.Kind) bool { return k.Private }) { // its key takes a moment to make
		deps.Vault, err = vault.New(ctx, vault.Deps{DB: d.db, Clock: d.clock, Access: policy, KeyFile: filepath.Join(d.dir, "vault.key")})
		if err != nil {
			return err
		}
	}
	if d.room, err = respond.New(deps); err != nil {
		return err
	}
	deps.Access = access.AllowAll
	if d.eye, err = respond.New(deps); err != nil {
		return err
	}
	d.loop = timers.New(d.db, d.clock, d.room.Timers())
	return nil
}

// Close takes the tables away again.
func (d *docket) Close() error { return errors.Join(d.db.Close(), os.RemoveAll(d.dir)) }

// sight is a case as a test looks at it.
type sight struct {
	state   string
	due     time.Time
	ended   string
	owner   string
	post    string
	listed  string
	ask     string // what became of the newest one
	asked   string // its move
	parts   []part
	alert   int64
	fields  map[string]any
	limits  map[string]limit // by their names: state:found, limit:closing
	tasks   []task
	parties []string
}

type limit struct {
	due, ended time.Time
	state      string // running, met, withdrawn, passed-on
}

// word is how a test calls the limit's state.
func (l limit) word() string {
	if l.state == "met" && l.ended.After(l.due) {
		return "late"
	}
	return l.state
}

func (l limit) String(clock func(time.Time) string) string { return l.word() + ", due " + clock(l.due) }

type part struct {
	id    int64
	owner string
}

type task struct {
	id       int64
	post, of string
	due      time.Time
	title    lifecycle.Text
	state    string
}

// field is what the forms hold under a name, as a test writes it.
func (s *sight) field(name string, p *player) string {
	switch v := s.fields[name].(type) {
	case nil:
		return "none"
	case string:
		if at, err := time.Parse(time.RFC3339, v); err == nil {
			return p.clock(at)
		}
		return v
	default:
		return fmt.Sprint(v)
	}
}

// open opens a case as the news of its sort does, or as a person does by hand.
func (d *docket) open(ctx context.Context, o *opening) (id int64, refused *lifecycle.Refusal, err error) {
	fields := map[string]any{}
	for _, e := range o.doc.Fields {
		fields[e.Key.Value] = e.Value.Value
	}
	title := o.doc.Title.Value
	if title == "" {
		title = "A test"
	}
	spot := d.city.spot(o)
	if who, there := d.city.test.people[o.doc.Who.Value]; there {
		if o.kind.Owner == lifecycle.Assigned { // the town knows whose the place is
			spot.Owner = 0
		}
		r, err := d.room.OpenByHand(d.by(ctx, who), respond.NewCase{
			Kind: o.kind.ID, Title: title, Level: o.doc.Level.Value, Asset: spot.Asset, Place: spot.Place, Area: spot.Area, Owner: spot.Owner,
			Post: o.doc.Post.Value, Fields: fields,
		}, "")
		refused, err = refusal(err)
		return r.Case, refused, err
	}
	d.news++
	w := respond.Opening{
		Kind: o.kind.ID, Title: title, Level: o.doc.Level.Value, Category: o.doc.Category.Value, Desk: d.city.organisation(o.desk()),
		Post: o.doc.Post.Value, Spot: spot, Fields: fields,
	}
	for _, s := range o.doc.RaisedBy {
		w.Datastreams = append(w.Datastreams, d.city.stream(s.Value))
	}
	switch o.by {
	case "alert":
		w.Alert = d.news
	case "finding":
		w.Finding = d.news
	case "report":
		w.Report = d.news
	}
	first := respond.Entry{Kind: o.by, Text: lifecycle.Words("Opened by a test", "测试立案")}
	if key := map[string]string{"finding": "checklist", "report": "category", "alert": "detector"}[o.by]; key != "" {
		first.Data = map[string]any{key: sort(o.doc.Category.Value)}
	}
	err = d.db.Write(ctx, func(tx *db.Tx) error {
		c, _, err := d.room.Open(tx, access.System("test"), w, first, d.clock.Now())
		if err == nil {
			id = c.ID
		}
		return err
	})
	return id, nil, err
}

// actor is a person with an account.
func (d *docket) actor(p person) access.Actor {
	return access.Actor{Kind: access.KindAccount, ID: p.id, Name: p.name, Roles: p.roles, Organisation: d.city.organisation(p.of)}
}

func (d *docket) by(ctx context.Context, p person) context.Context {
	return access.With(ctx, d.actor(p))
}

// refusal parts what the law refuses from what went wrong.
func refusal(err error) (*lifecycle.Refusal, error) {
	var r *lifecycle.Refusal
	var e *web.Error
	switch {
	case errors.As(err, &r):
		return r, nil
	case errors.As(err, &e) && e.Code != "":
		return &lifecycle.Refusal{Code: e.Code, Field: e.Field, Text: lifecycle.Words(e.Message, e.Message)}, nil
	}
	return nil, err
}

func (d *docket) move(ctx context.Context, id int64, who person, move string, answers map[string]any, note string) (*lifecycle.Refusal, error) {
	_, err := d.room.Move(d.by(ctx, who), id, respond.MoveRequest{Move: move, Fields: answers, Note: note}, "")
	return refusal(err)
}

// probe asks whether somebody new with a role could make a move for an organisation: with an answer that no form asks for, so that
// it is never made.
func (d *docket) probe(ctx context.Context, id int64, move, role, of string) (*lifecycle.Refusal, error) {
	who := person{id: stranger, name: "stranger", roles: []string{role}, of: of}
	r, err := d.move(ctx, id, who, move, map[string]any{"-": "-"}, "")
	if r != nil && r.Code == lifecycle.CodeUnknownField {
		return nil, err
	}
	return r, err
}

// stranger is an account that has done nothing yet.
const stranger = 1_000_000

// A picture of one pixel.
var pixel = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82")

func (d *docket) attach(ctx context.Context, id int64, who person, kind string, of *stream) (*lifecycle.Refusal, error) {
	r := respond.EvidenceRequest{Kind: kind}
	switch kind {
	case "photo", "form":
		r.File = pixel
	case "note":
		r.Text = "as seen on site"
	case "reading":
		if of != nil {
			r.Datastream = d.city.stream(of.name)
		}
	}
	_, err := d.room.Attach(d.by(ctx, who), id, r, "")
	return refusal(err)
}

// run lets the clock go on to a moment, firing each timer at its own, and returns the limits that passed.
func (d *docket) run(ctx context.Context, to time.Time) ([]passing, error) {
	var passed []passing
	for {
		var next int64
		err := d.db.Read(ctx, func(tx *db.Tx) error {
			return tx.QueryRow(`select coalesce(min(due_at), 0) from timers`).Scan(&next)
		})
		if err != nil {
			return nil, err
		}
		at := time.UnixMicro(next)
		if next == 0 || at.After(to) {
			break
		}
		if at.After(d.clock.Now()) {
			d.clock.Set(at)
		}
		if _, err := d.loop.Fire(ctx); err != nil {
			return nil, err
		}
		now, err := d.passings(ctx)
		if err != nil {
			return nil, err
		}
		passed = append(passed, now...)
	}
	d.clock.Set(to)
	return passed, nil
}

// passings are the limits of which the room has told since it was last asked.
func (d *docket) passings(ctx context.Context) ([]passing, error) {
	var passed []passing
	err := d.db.Read(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(`select id, payload from outbox where id > $1 and subject = $2 order by id nulls last`, d.heard, events.CaseOverdue{}.Subject())
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var payload string
			var e events.CaseOverdue
			if err := rows.Scan(&d.heard, &payload); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(payload), &e); err != nil {
				return err
			}
			passed = append(passed, passing{e.Case, limitOf(e), e.At, e.Chain})
		}
		return rows.Err()
	})
	if err != nil {
		return nil, err
	}
	// Of a private case nobody is told: its timeline alone says so.
	err = d.db.Read(ctx, func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			var e events.CaseOverdue
			var at int64
			var data string
			if err := rows.Scan(&d.read, &e.Case, &at, &data); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				return err
			}
			passed = append(passed, passing{e.Case, limitOf(e), db.Time(at), ""})
			return nil
		}, `select t.id, t.case_id, t.at, t.data from case_timeline t join cases c on c.id = t.case_id
			where c.private = 1 and t.kind = 'overdue' and t.id > $1 order by t.id nulls last`, d.read)
	})
	return passed, err
}

// limitOf is what tests call a limit: the room has but one name for that of any state.
func limitOf(e events.CaseOverdue) string {
	if e.Limit == lifecycle.StateLimit {
		return "state:" + e.State
	}
	return e.Limit
}

func (d *docket) look(ctx context.Context, id int64) (*sight, error) {
	page, err := d.eye.Case(access.With(ctx, access.System("test")), id)
	if err != nil {
		return nil, err
	}
	s := &sight{
		state: page.State, ended: page.Outcome, post: page.Post, listed: page.Listed, fields: page.Fields, limits: map[string]limit{},
		due: moment(page.DueAt), owner: d.city.nameOf(page.Owner), alert: number(page.Alert),
	}
	for _, t := range page.Tasks {
		x := task{id: t.ID, post: t.Assignee, of: d.city.nameOf(&t.Organisation), due: moment(t.DueAt), state: t.State}
		switch title := t.Title.(type) {
		case lifecycle.Text:
			x.title = title
		case string:
			x.title = lifecycle.Words(title, title)
		}
		s.tasks = append(s.tasks, x)
	}
	for _, l := range page.Limits { // of several of one name the last is the one that counts
		s.limits[l.Name] = limit{due: l.DueAt, ended: moment(l.EndedAt), state: l.State}
	}
	for _, a := range page.Asks {
		s.ask, s.asked = a.State, a.Move
	}
	for _, p := range page.Parts {
		s.parts = append(s.parts, part{p.ID, d.city.nameOf(p.Owner)})
	}
	for _, p := range page.Parties {
		s.parties = append(s.parties, d.city.nameOf(&p.Organisation))
	}
	return s, nil
}

func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func number(id *int64) int64 {
	if id == nil {
		return 0
	}
	return *id
}

func (d *docket) decide(ctx context.Context, id int64, who person, granted bool, reason string) (*lifecycle.Refusal, error) {
	c, err := d.eye.Case(access.With(ctx, access.System("test")), id)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(c.Asks, func(a respond.AskView) bool { return a.State == "open" })
	if i < 0 {
		return lifecycle.Refuse("case.no_ask", "", "Nothing waits for a decision.", "没有待审批的申请。"), nil
	}
	_, err = d.room.DecideAsk(d.by(ctx, who), id, c.Asks[i].ID, respond.Decision{Granted: granted, Reason: reason}, "")
	return refusal(err)
}

func (d *docket) acknowledge(ctx context.Context, id int64, who person, task string) (*lifecycle.Refusal, error) {
	t, err := d.task(ctx, id, task)
	if err != nil || t == 0 {
		return noTask(task), err
	}
	_, err = d.room.AcknowledgeTask(d.by(ctx, who), id, t, "")
	return refusal(err)
}

func (d *docket) done(ctx context.Context, id int64, who person, name, answer string) (*lifecycle.Refusal, error) {
	t, err := d.task(ctx, id, name)
	if err != nil || t == 0 {
		return noTask(name), err
	}
	_, err = d.room.FinishTask(d.by(ctx, who), id, t, answer, "")
	return refusal(err)
}

// task is the newest open task of a post, or the one with that number; 0 where there is none.
func (d *docket) task(ctx context.Context, id int64, name string) (int64, error) {
	c, err := d.look(ctx, id)
	if err != nil {
		return 0, err
	}
	for _, t := range slices.Backward(c.tasks) {
		if t.post == name && t.state == "open" || strconv.FormatInt(t.id, 10) == name {
			return t.id, nil
		}
	}
	return 0, nil
}

// noTask is how a test learns that it speaks of a task that is not there.
func noTask(name string) *lifecycle.Refusal {
	return lifecycle.Refuse("case.no_task", "", "There is no open task of "+name+".", "没有“"+name+"”的待办任务。")
}

func (d *docket) give(ctx context.Context, id int64, who person, post string) (*lifecycle.Refusal, error) {
	_, err := d.room.OpenTask(d.by(ctx, who), id, respond.TaskRequest{Title: "A task of a test", Assignee: post}, "")
	return refusal(err)
}

func (d *docket) invite(ctx context.Context, id int64, who person, organisation string) (*lifecycle.Refusal, error) {
	_, err := d.room.InviteByHand(d.by(ctx, who), id, respond.PartyRequest{Organisation: d.city.organisation(organisation)}, "")
	return refusal(err)
}

// sort is the category, item of the checklist or detector of some news.
func sort(category string) string {
	if category == "" {
		return "any"
	}
	return category
}

// again has the news of a sort come once more about what a case was opened for, of another category where one is named, and returns
// the case that stands open for it.
func (d *docket) again(ctx context.Context, o *opening, by, category string) (int64, error) {
	if category != "" {
		other := *o
		other.doc.Category.Value = category
		o = &other
	}
	d.news++
	spot := d.city.spot(o)
	ctx = access.With(ctx, access.System("test"))
	switch by {
	case "finding":
		return d.room.OpenForFinding(ctx, inspect.Finding{ID: d.news, At: d.clock.Now(), Description: "the same again", Grade: inspect.General, Checklist: sort(o.doc.Category.Value), Spot: spot})
	case "alert":
		return d.alert(ctx, o, "alert.raised", d.news)
	}
	body, err := json.Marshal(events.ReportReceived{Report: d.news, Number: strconv.FormatInt(d.news, 10), Category: sort(o.doc.Category.Value), Area: spot.Area, At: d.clock.Now()})
	if err != nil {
		return 0, err
	}
	if err := d.room.Hear(ctx, bus.Message{ID: d.news, Subject: "report.received", Data: body}); err != nil {
		return 0, err
	}
	return d.newest(ctx)
}

// alert tells the room of an alert, and returns the case that stands open for it.
func (d *docket) alert(ctx context.Context, o *opening, subject string, alert int64) (int64, error) {
	d.news++
	spot := d.city.spot(o)
	a := events.AlertFacts{
		Alert: alert, Detector: sort(o.doc.Category.Value), Level: o.doc.Level.Value, Asset: spot.Asset, Place: spot.Place, Opens: &events.AlertOpens{Case: o.kind.ID}, Since: d.clock.Now(),
	}
	for _, s := range o.doc.RaisedBy {
		a.Datastreams = append(a.Datastreams, d.city.stream(s.Value))
	}
	body, err := json.Marshal(a)
	if err != nil {
		return 0, err
	}
	if err := d.room.Hear(ctx, bus.Message{ID: d.news, Subject: subject, Data: body}); err != nil {
		return 0, err
	}
	return d.newest(ctx)
}

// newest is the case that was opened, or opened again, last.
func (d *docket) newest(ctx context.Context) (id int64, err error) {
	err = d.db.Read(ctx, func(tx *db.Tx) error {
		var payload string
		err := tx.QueryRow(`select payload from outbox where subject in ('case.opened', 'case.reopened') order by id desc nulls last limit 1`).Scan(&payload)
		if err != nil {
			return err
		}
		var e struct{ Case int64 }
		err = json.Unmarshal([]byte(payload), &e)
		id = e.Case
		return err
	})
	return id, err
}

// level has the alert of a case change its level.
func (d *docket) level(ctx context.Context, c *sight, o *opening, level string) error {
	changed := *o
	changed.doc.Level.Value = level
	_, err := d.alert(access.With(ctx, access.System("test")), &changed, "alert.changed", c.alert)
	return err
}

// sees says whether a person may read a case.
func (d *docket) sees(ctx context.Context, id int64, who person) (bool, error) {
	_, err := d.room.Case(d.by(ctx, who), id)
	r, err := refusal(err)
	return r == nil, err
}

// says sets what an instrument says from now on.
func (d *docket) says(s *stream, value float64) {
	id := d.city.stream(s.name)
	d.city.latest[id] = lifecycle.Reading{
		Datastream: id, Asset: d.city.asset(s.asset), Property: s.property, Unit: s.unit, Value: value, At: d.clock.Now(),
	}
}

// town is the register and the observation log of a test.
type town struct {
	test *Test
	// holders are who holds each place.
	holders map[int64]int64
	// names of organisations, assets, places and datastreams in the order in which they came up; an id is a place in its list.
	organisations, assets, places, streams []string
	latest                                 map[int64]lifecycle.Reading
}

func newTown(t *Test) *town {
	return &town{test: t, holders: map[int64]int64{}, organisations: []string{nobody}, assets: []string{nobody}, places: []string{nobody}, streams: []string{nobody}, latest: map[int64]lifecycle.Reading{}}
}

// nobody is what tests call the organisation 0: nobody in particular, or the city's own watch.
const nobody = "none"

// numbered finds or adds a name.
func numbered(list *[]string, name string) int64 {
	i := slices.Index(*list, name)
	if i < 0 {
		i = len(*list)
		*list = append(*list, name)
	}
	return int64(i)
}

func (c *town) organisation(name string) int64 { return numbered(&c.organisations, name) }
func (c *town) asset(name string) int64        { return numbered(&c.assets, name) }
func (c *town) stream(name string) int64       { return numbered(&c.streams, name) }

func (c *town) nameOf(organisation *int64) string {
	switch {
	case organisation == nil:
		return nobody
	case *organisation < 0 || int(*organisation) >= len(c.organisations):
		return strconv.FormatInt(*organisation, 10)
	}
	return c.organisations[*organisation]
}

// Above says whether an organisation is another, or stands above it by the test's under.
func (c *town) Above(organisation, other int64) bool {
	name := c.nameOf(&organisation)
	for at := c.nameOf(&other); at != ""; at = c.test.under[at] {
		if at == name {
			return true
		}
	}
	return false
}

// Covers is Above: nobody in a test has a duty for an area.
func (c *town) Covers(organisation, owner, _ int64) bool {
	return owner != 0 && c.Above(organisation, owner)
}

// Touches fulfils access.Scopes; nothing here touches several areas.
func (*town) Touches(int64, int64) bool { return false }

// spot is where a case is about. One that names neither asset nor place is about a place of its own.
func (c *town) spot(o *opening) inspect.Spot {
	s := inspect.Spot{Area: 1, Owner: c.organisation(o.doc.Owner.Value)}
	name := o.doc.Asset.Value
	if name == "" && len(o.doc.RaisedBy) > 0 {
		name, _, _ = strings.Cut(o.doc.RaisedBy[0].Value, "/")
	}
	if name != "" {
		s.Asset = c.asset(name)
	}
	s.Place = numbered(&c.places, "at "+name+" "+o.name)
	if o.doc.Place.Value != "" {
		s.Place = numbered(&c.places, o.doc.Place.Value)
	}
	c.holders[s.Place] = s.Owner
	return s
}

// Latest is the newest reading of a datastream.
func (c *town) Latest(_ context.Context, datastream int64) (lifecycle.Reading, error) {
	r, ok := c.latest[datastream]
	if !ok {
		return r, fmt.Errorf("datastream %d: %w", datastream, db.ErrNotFound)
	}
	return r, nil
}

// Locate adds to a spot who holds it.
func (c *town) Locate(_ context.Context, s inspect.Spot) (inspect.Spot, error) {
	if s.Owner == 0 {
		s.Owner = c.holders[s.Place]
	}
	return s, nil
}

// Name is what people call a thing.
func (c *town) Name(_ context.Context, kind string, id int64) lifecycle.Text {
	if kind != "organisation" {
		return lifecycle.Words(fmt.Sprintf("%s %d", kind, id), fmt.Sprintf("%s %d", kind, id))
	}
	if id <= 0 || int(id) >= len(c.organisations) {
		return lifecycle.Text{}
	}
	return lifecycle.Words(c.organisations[id], c.organisations[id])
}

var (
	_ respond.Register = (*town)(nil)
	_ respond.Readings = (*town)(nil)
	_ access.Scopes    = (*town)(nil)
)
