package casetest

import (
	"context"
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
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// This file alone knows the room of cases.

// Law is what the room needs beside the kinds.
type Law struct {
}

// docket is the room of cases with its tables, for one test.
type docket struct {
	dir   string
	db    *db.DB
	clock *clock.Virtual
	room  *respond.Service
	loop  *timers.Loop
	city  *town
	heard int64 // the last event that was looked at
	test  *Test
	news  int64 // alerts, findings and reports so far
}

func openDocket(ctx context.Context, t *Test, kinds []*lifecycle.Kind, law Law) (_ *docket, err error) {
	d := &docket{test: t, clock: clock.NewVirtual(t.start), city: newTown(t)}
	if d.dir, err = os.MkdirTemp("", "anlan-casetest-"); err != nil {
		return nil, err
	}
	if d.db, err = db.Open(ctx, db.Options{URL: "sqlite:" + filepath.Join(d.dir, "cases.db"), NoSync: true}); err != nil {
		return nil, errors.Join(err, os.RemoveAll(d.dir))
	}
	if err := d.db.Migrate(ctx, ledger.Migrations(), outbox.Migrations(), timers.Migrations(), vault.Migrations(), inspect.Migrations(), respond.Migrations()); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	findings := inspect.New(inspect.Deps{DB: d.db, Clock: d.clock, Access: access.AllowAll, Register: d.city})
	d.room, err = respond.New(respond.Deps{
		DB: d.db, Clock: d.clock, Access: access.AllowAll, Readings: d.city, Register: d.city, Findings: findings, Kinds: kinds,
	})
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	d.loop = timers.New(d.db, d.clock, d.room.Timers())
	return d, nil
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

func (d *docket) open(ctx context.Context, o *opening) (id int64, err error) {
	d.news++
	spot := d.city.spot(o.doc)
	w := respond.Opening{
		Kind: o.kind.ID, Title: o.doc.Title.Value, Level: o.doc.Level.Value, Spot: spot, Fields: map[string]any{},
	}
	for _, e := range o.doc.Fields {
		w.Fields[e.Key.Value] = e.Value.Value
	}
	for _, s := range o.doc.RaisedBy {
		w.Datastreams = append(w.Datastreams, d.city.stream(s.Value))
	}
	switch o.by {
	case "alert":
		w.Alert = d.news
	case "finding":
		w.Finding = d.news
	}
	first := respond.Entry{Kind: o.by, Text: lifecycle.Words("Opened by a test", "测试立案")}
	err = d.db.Write(ctx, func(tx *db.Tx) error {
		c, _, err := d.room.Open(tx, access.System("test"), w, first, d.clock.Now())
		if err == nil {
			id = c.ID
		}
		return err
	})
	return id, err
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

// probe asks whether a role could make a move: with an answer that no form asks for, so that it is never made.
func (d *docket) probe(ctx context.Context, id int64, k *lifecycle.Kind, move, role string) (*lifecycle.Refusal, error) {
	who := person{id: stranger, name: "stranger", roles: []string{role}, of: d.city.side(k.Move(move))}
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
			passed = append(passed, passing{e.Case, limitOf(e), e.At, ""})
		}
		return rows.Err()
	})
	return passed, err
}

func limitOf(e events.CaseOverdue) string {
	if e.Task != 0 {
		return fmt.Sprintf("task:%d", e.Task)
	}
	return "state:" + e.State
}

func (d *docket) look(ctx context.Context, id int64) (*sight, error) {
	page, err := d.room.Case(access.With(ctx, access.System("test")), id)
	if err != nil {
		return nil, err
	}
	s := &sight{state: page.State, ended: page.Outcome, fields: page.Fields, limits: map[string]limit{}}
	if page.DueAt != nil {
		s.due = *page.DueAt
	}
	if page.Owner != nil {
		s.owner = d.city.nameOf(*page.Owner)
	}
	for _, t := range page.Tasks {
		x := task{id: t.ID, post: t.Assignee, of: d.city.nameOf(t.Organisation), state: t.State}
		switch title := t.Title.(type) {
		case lifecycle.Text:
			x.title = title
		case string:
			x.title = lifecycle.Words(title, title)
		}
		if t.DueAt != nil {
			x.due = *t.DueAt
		}
		s.tasks = append(s.tasks, x)
	}
	return s, nil
}

func (d *docket) decide(ctx context.Context, id int64, who person, granted bool, reason string) (*lifecycle.Refusal, error) {
	c, err := d.room.Case(d.by(ctx, who), id)
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

func (d *docket) invite(ctx context.Context, id int64, who person, organisation string) (*lifecycle.Refusal, error) {
	return nil, errors.ErrUnsupported
}

func (d *docket) again(ctx context.Context, o *opening, by string) (int64, error) {
	return 0, errors.ErrUnsupported
}

func (d *docket) level(ctx context.Context, id int64, level string) error {
	return errors.ErrUnsupported
}

func (d *docket) parts(ctx context.Context, id int64) ([]int64, error) {
	return nil, nil
}

func (d *docket) partOwners(ctx context.Context, id int64) ([]string, error) {
	return nil, errors.ErrUnsupported
}

func (d *docket) sees(ctx context.Context, id int64, who person) (bool, error) {
	return false, errors.ErrUnsupported
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
	// names of organisations, assets, places and datastreams in the order in which they came up; an id is a place in its list.
	organisations, assets, places, streams []string
	latest                                 map[int64]lifecycle.Reading
}

func newTown(t *Test) *town {
	return &town{test: t, organisations: []string{""}, assets: []string{""}, places: []string{""}, streams: []string{""}, latest: map[int64]lifecycle.Reading{}}
}

// numbered finds or adds a name.
func numbered(list *[]string, name string) int64 {
	i := slices.Index(*list, name)
	if i < 0 {
		i = len(*list)
		*list = append(*list, name)
	}
	return int64(i)
}

// organisation is the number of one by its name; none is 0, the city's own watch.
func (c *town) organisation(name string) int64 {
	if name == "none" {
		name = ""
	}
	return numbered(&c.organisations, name)
}

func (c *town) nameOf(organisation int64) string {
	if organisation < 0 || int(organisation) >= len(c.organisations) {
		return fmt.Sprint(organisation)
	}
	return c.organisations[organisation]
}

func (c *town) asset(name string) int64  { return numbered(&c.assets, name) }
func (c *town) stream(name string) int64 { return numbered(&c.streams, name) }

// side is the organisation for which a move is made.
func (c *town) side(*lifecycle.Move) string { return "owner" }

// spot is where a case is about. One that names neither asset nor place is about a place of its own.
func (c *town) spot(doc openedDoc) inspect.Spot {
	s := inspect.Spot{Area: 1, Owner: c.organisation(doc.Owner.Value)}
	name := doc.Asset.Value
	if name == "" && len(doc.RaisedBy) > 0 {
		name, _, _ = strings.Cut(doc.RaisedBy[0].Value, "/")
	}
	if name != "" {
		s.Asset = c.asset(name)
	}
	s.Place = numbered(&c.places, pack.String{Value: "at " + name}.Value)
	if doc.Place.Value != "" {
		s.Place = numbered(&c.places, doc.Place.Value)
	}
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

// Locate leaves a spot as it is.
func (*town) Locate(_ context.Context, s inspect.Spot) (inspect.Spot, error) { return s, nil }

// Above says that each organisation stands for itself.
func (*town) Above(organisation, other int64) bool { return organisation == other }

// Name is what people call a thing.
func (c *town) Name(_ context.Context, kind string, id int64) lifecycle.Text {
	if kind == "organisation" && id > 0 && int(id) < len(c.organisations) {
		return lifecycle.Words(c.organisations[id], c.organisations[id])
	}
	if kind == "organisation" {
		return lifecycle.Text{}
	}
	return lifecycle.Words(fmt.Sprintf("%s %d", kind, id), fmt.Sprintf("%s %d", kind, id))
}

var (
	_ respond.Register = (*town)(nil)
	_ respond.Readings = (*town)(nil)
)
