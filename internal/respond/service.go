package respond

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// maxText is the longest note, task or remark, in characters.
const maxText = 4000

// Readings looks into the observation log.
type Readings interface {
	// Latest returns the newest reading of a datastream, and what it is a reading of. A datastream that does not exist or
	// has no number yet gives an error that wraps db.ErrNotFound. It answers from memory and doesn't block.
	Latest(ctx context.Context, datastream int64) (lifecycle.Reading, error)
}

// Register is what respond asks of the city's register. It may read the store, so it is never asked within a transaction.
type Register interface {
	inspect.Register
	// Name returns what people call a thing; kind is asset, place, area or organisation. Empty when it is not known.
	Name(ctx context.Context, kind string, id int64) lifecycle.Text
}

// News is where other rooms' events come from; *bus.Bus fulfils it.
type News interface {
	Consume(ctx context.Context, durable string, subjects []string, fn func(ctx context.Context, m bus.Message) error) error
}

var _ News = (*bus.Bus)(nil)

// Deps are what the room needs.
type Deps struct {
	DB       *db.DB
	Clock    clock.Clock
	Access   access.Decider
	Readings Readings
	Register Register
	Findings *inspect.Service
	News     News
	// Kinds are the case kinds of all packs as they are now. Running cases keep the version they were opened with.
	Kinds []*lifecycle.Kind
}

// Service runs cases. Its methods are safe for concurrent use.
type Service struct {
	Deps
	kinds map[string]*lifecycle.Kind

	mu sync.Mutex
	// versions are the definitions that were used, by hash; guarded by mu. They never change, so they are never dropped.
	versions map[string]*lifecycle.Kind
}

// New returns the room. It refuses a set of kinds in which one is ambiguous.
func New(d Deps) (*Service, error) {
	s := &Service{Deps: d, kinds: map[string]*lifecycle.Kind{}, versions: map[string]*lifecycle.Kind{}}
	forFindings := ""
	for _, k := range d.Kinds {
		if s.kinds[k.ID] != nil {
			return nil, fmt.Errorf("case kind %s stands in two packs", k.ID)
		}
		s.kinds[k.ID] = k
		if k.OpenedBy == "finding" {
			if forFindings != "" {
				return nil, fmt.Errorf("case kinds %s and %s are both opened by a finding; only one can be", forFindings, k.ID)
			}
			forFindings = k.ID
		}
	}
	return s, nil
}

// --- opening

// Opening is what a case is opened for and about.
type Opening struct {
	Kind        string
	Title       string
	Level       string
	Alert       int64
	Finding     int64
	Fields      map[string]any
	Datastreams []int64
	inspect.Spot
}

// open adds a case and all that goes with it. opened is false when its alert or finding has one already.
func (s *Service) open(tx *db.Tx, who access.Actor, o Opening, first Entry, now time.Time) (c *Case, opened bool, err error) {
	k := s.kinds[o.Kind]
	if k == nil {
		return nil, false, fmt.Errorf("open case: %w %q", errUnknownKind, o.Kind)
	}
	hash, body, err := k.Hash()
	if err != nil {
		return nil, false, err
	}
	if err := putDefinition(tx, hash, k.ID, body, now); err != nil {
		return nil, false, err
	}
	start := k.Start()
	c = &Case{
		Kind: k.ID, Definition: hash, Title: o.Title, State: start.ID, Since: now, Level: o.Level, Fields: o.Fields,
		Alert: o.Alert, Finding: o.Finding, Spot: o.Spot, Datastreams: o.Datastreams, OpenedAt: now, DueAt: start.DueFrom(o.Fields, now),
	}
	if opened, err = insertCase(tx, c); err != nil || !opened {
		return nil, false, err
	}
	first.At, first.Actor = now, who
	if _, err := insertEntry(tx, c.ID, &first); err != nil {
		return nil, false, err
	}
	if err := s.setStateTimer(tx, c); err != nil {
		return nil, false, err
	}
	err = ledger.Append(tx, ledger.Entry{
		Action: "case.open", Actor: actorName(who), ActorID: who.ID, Subject: "case", SubjectID: c.ID, At: now,
		Detail: map[string]any{"kind": c.Kind, "definition": c.Definition, "alert": c.Alert, "finding": c.Finding, "level": c.Level},
	})
	if err != nil {
		return nil, false, err
	}
	return c, true, outbox.Put(tx, events.CaseOpened{
		Case: c.ID, Kind: c.Kind, State: c.State, Level: c.Level, Alert: c.Alert, Finding: c.Finding,
		Asset: c.Asset, Place: c.Place, Area: c.Area, Owner: c.Owner, Point: c.Point, DueAt: optional(c.DueAt), At: now,
	})
}

var errUnknownKind = errors.New("no pack has the case kind")

// OpenForFinding opens the case of a finding and returns its number; a finding that has one keeps it. Both the inspector's
// request and the event call it: whoever comes first opens, and a crash between the two loses nothing.
func (s *Service) OpenForFinding(ctx context.Context, f inspect.Finding) (int64, error) {
	i := slices.IndexFunc(s.Kinds, func(k *lifecycle.Kind) bool { return k.OpenedBy == "finding" })
	if i < 0 {
		return 0, fmt.Errorf("open case for finding %d: %w that is opened by a finding", f.ID, errUnknownKind)
	}
	r := access.Resource{Type: "case", Organisation: f.Owner, Area: f.Area}
	if err := s.Access.Decide(ctx, "case.open", r, access.Operations); err != nil {
		return 0, err
	}
	words := guard.Mask(f.Description)
	o := Opening{
		Kind: s.Kinds[i].ID, Title: firstWords(words), Finding: f.ID, Spot: f.Spot, Fields: map[string]any{"grade": f.Grade},
	}
	first := Entry{
		Kind: "finding", Text: lifecycle.Words("Opened for a finding of an inspection", "根据检查发现的问题隐患立案"), Free: words,
		Data: map[string]any{"finding": f.ID, "grade": f.Grade, "checklist": guard.Mask(f.Checklist)},
	}
	var caseID int64
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		c, opened, err := s.open(tx, access.From(ctx), o, first, s.now())
		if err != nil {
			return err
		}
		if !opened {
			if c, err = caseForFinding(tx, f.ID); err != nil {
				return err
			}
		}
		caseID = c.ID
		return nil
	})
	return caseID, err
}

// --- what people do

// MoveRequest asks for a move.
type MoveRequest struct {
	Move   string         `json:"move"`
	Fields map[string]any `json:"fields,omitempty"`
	Note   string         `json:"note,omitempty"`
}

// Move takes a case to another state, or returns a *Refusal that says why not.
func (s *Service) Move(ctx context.Context, caseID int64, m MoveRequest, key string) (Receipt, error) {
	if err := s.decide(ctx, "case.move", caseID); err != nil {
		return Receipt{}, err
	}
	m.Note = strings.TrimSpace(m.Note)
	if err := checkText(m.Note, "note", false); err != nil {
		return Receipt{}, err
	}
	m.Note = guard.Mask(m.Note)
	for name, v := range m.Fields {
		if text, ok := v.(string); ok && !clean(text) {
			return Receipt{}, web.Errorf(http.StatusUnprocessableEntity, lifecycle.CodeField, "the text holds characters that cannot be shown").At(name)
		}
	}
	// The log is not SQL: its newest readings are fetched before the transaction, which then takes them as they are.
	latest, err := s.latest(ctx, caseID)
	if err != nil {
		return Receipt{}, err
	}
	who := access.From(ctx)
	request := []any{"move", caseID, m}
	return s.write(ctx, key, request, func(tx *db.Tx, now time.Time) (Receipt, error) {
		return s.move(tx, who, caseID, m, latest, now)
	})
}

func (s *Service) move(tx *db.Tx, who access.Actor, caseID int64, m MoveRequest, latest map[int64]lifecycle.Reading, now time.Time) (Receipt, error) {
	c, err := getCase(tx, caseID)
	if err != nil {
		return Receipt{}, err
	}
	k, err := s.version(tx, c.Definition)
	if err != nil {
		return Receipt{}, err
	}
	snap, err := snapshot(tx, c)
	if err != nil {
		return Receipt{}, err
	}
	snap.Latest = latest
	step, refusal := k.Decide(snap, who, m.Move, m.Fields, now)
	if refusal != nil {
		return Receipt{}, refusal
	}

	before := c.Generation
	c.State, c.Since, c.Fields, c.DueAt = step.To.ID, now, step.Fields, step.Due
	c.Generation++
	if step.To.End != "" {
		c.ClosedAt, c.Outcome = now, step.To.End
	}
	if err := updateCase(tx, c, before); err != nil {
		return Receipt{}, err
	}
	e := Entry{At: now, Actor: who, Kind: "move", Move: step.Move.ID, Text: step.Move.Title, Free: m.Note, Data: map[string]any{
		"move": step.Move.ID, "from": step.From.ID, "to": step.To.ID, "fields": step.Answers,
	}}
	if _, err := insertEntry(tx, c.ID, &e); err != nil {
		return Receipt{}, err
	}
	if err := s.setStateTimer(tx, c); err != nil {
		return Receipt{}, err
	}
	if err := s.openTasks(tx, c, step.Move.Opens, now); err != nil {
		return Receipt{}, err
	}
	digest, err := answersDigest(step.Answers, m.Note)
	if err != nil {
		return Receipt{}, err
	}
	err = ledger.Append(tx, ledger.Entry{
		Action: "case.move", Actor: who.Name, ActorID: who.ID, Subject: "case", SubjectID: c.ID, At: now,
		Detail: map[string]any{
			"definition": c.Definition, "move": step.Move.ID, "from": step.From.ID, "to": step.To.ID, "generation": c.Generation,
			// The words themselves may name someone and stay in the timeline; their hash binds them.
			"answers_sha256": digest, "organisation": who.Organisation,
		},
	})
	if err != nil {
		return Receipt{}, err
	}
	err = outbox.Put(tx, events.CaseMoved{
		Case: c.ID, Kind: c.Kind, Move: step.Move.ID, From: step.From.ID, To: step.To.ID, By: who.ID, Area: c.Area, Owner: c.Owner,
		DueAt: optional(c.DueAt), At: now,
	})
	if err != nil {
		return Receipt{}, err
	}
	if step.To.End != "" {
		if err := s.end(tx, c, who, now); err != nil {
			return Receipt{}, err
		}
	}
	return Receipt{Case: c.ID, Entry: e.ID}, nil
}

// end withdraws what is still open in a closed case and tells of its outcome.
func (s *Service) end(tx *db.Tx, c *Case, who access.Actor, now time.Time) error {
	open, err := tasks(tx, c.ID)
	if err != nil {
		return err
	}
	for _, t := range open {
		ended, err := endTask(tx, c.ID, t.ID, "withdrawn", now)
		if err != nil {
			return err
		}
		if !ended {
			continue
		}
		e := Entry{At: now, Actor: who, Kind: "task", Text: taskText("Task withdrawn, since the case is closed", "案卷已办结，任务撤销", t), Free: t.Free,
			Data: map[string]any{"task": t.ID, "state": "withdrawn"}}
		if _, err := insertEntry(tx, c.ID, &e); err != nil {
			return err
		}
	}
	if err := timers.DropAll(tx, timerOwner, c.ID); err != nil {
		return err
	}
	return outbox.Put(tx, events.CaseClosed{
		Case: c.ID, Kind: c.Kind, State: c.State, Outcome: c.Outcome, Alert: c.Alert, Finding: c.Finding, Report: c.Report,
		Asset: c.Asset, Area: c.Area, Owner: c.Owner, At: now,
	})
}

func (s *Service) setStateTimer(tx *db.Tx, c *Case) error {
	if c.DueAt.IsZero() {
		return timers.Drop(tx, timerOwner, c.ID, stateTimer)
	}
	return timers.Set(tx, timers.Timer{Owner: timerOwner, ID: c.ID, Name: stateTimer, Generation: c.Generation, DueAt: c.DueAt})
}

func (s *Service) openTasks(tx *db.Tx, c *Case, templates []lifecycle.TaskTemplate, now time.Time) error {
	for _, t := range templates {
		task := Task{Case: c.ID, Text: t.Title, Organisation: c.Owner, Post: t.Post, OpenedAt: now}
		if t.Due > 0 {
			task.DueAt = now.Add(t.Due)
		}
		if _, err := s.openTask(tx, access.System("respond"), &task); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) openTask(tx *db.Tx, who access.Actor, t *Task) (entry int64, err error) {
	if err := insertTask(tx, t); err != nil {
		return 0, err
	}
	if !t.DueAt.IsZero() {
		if err := timers.Set(tx, timers.Timer{Owner: timerOwner, ID: t.Case, Name: taskTimer(t.ID), DueAt: t.DueAt}); err != nil {
			return 0, err
		}
	}
	e := Entry{At: t.OpenedAt, Actor: who, Kind: "task", Text: taskText("Task given", "派发任务", *t), Free: t.Free,
		Data: map[string]any{"task": t.ID, "state": "open", "post": t.Post, "organisation": t.Organisation}}
	_, err = insertEntry(tx, t.Case, &e)
	return e.ID, err
}

// changed tells that something was added to a case without a move.
func changed(tx *db.Tx, c *Case, what string, now time.Time) error {
	return outbox.Put(tx, events.CaseChanged{Case: c.ID, What: what, Area: c.Area, Owner: c.Owner, At: now})
}

// Note adds a remark to the timeline. A closed case takes remarks too.
func (s *Service) Note(ctx context.Context, caseID int64, text, key string) (Receipt, error) {
	if err := s.decide(ctx, "case.note", caseID); err != nil {
		return Receipt{}, err
	}
	text = strings.TrimSpace(text)
	if err := checkText(text, "text", true); err != nil {
		return Receipt{}, err
	}
	text = guard.Mask(text)
	who := access.From(ctx)
	return s.write(ctx, key, []any{"note", caseID, text}, func(tx *db.Tx, now time.Time) (Receipt, error) {
		c, err := getCase(tx, caseID)
		if err != nil {
			return Receipt{}, err
		}
		e := Entry{At: now, Actor: who, Kind: "note", Free: text}
		if _, err := insertEntry(tx, caseID, &e); err != nil {
			return Receipt{}, err
		}
		if err := changed(tx, c, "note", now); err != nil {
			return Receipt{}, err
		}
		digest, err := answersDigest(nil, text)
		if err != nil {
			return Receipt{}, err
		}
		return Receipt{Case: caseID, Entry: e.ID}, ledger.Append(tx, ledger.Entry{
			Action: "case.note", Actor: actorName(who), ActorID: who.ID, Subject: "case", SubjectID: caseID, At: now,
			Detail: map[string]any{"answers_sha256": digest},
		})
	})
}

// TaskRequest asks for a task by hand.
type TaskRequest struct {
	Title        string     `json:"title" doc:"what is to be done"`
	Assignee     string     `json:"assignee,omitempty" doc:"the post it is for, such as gas-crew"`
	Organisation int64      `json:"organisation,omitempty" doc:"the organisation it is for; the case's owner when left out"`
	DueAt        *time.Time `json:"due_at,omitempty"`
}

// OpenTask gives a task to an organisation or a post.
func (s *Service) OpenTask(ctx context.Context, caseID int64, r TaskRequest, key string) (Receipt, error) {
	if err := s.decide(ctx, "case.task", caseID); err != nil {
		return Receipt{}, err
	}
	r.Title, r.Assignee = strings.TrimSpace(r.Title), strings.TrimSpace(r.Assignee)
	if err := errors.Join(checkText(r.Title, "title", true), checkText(r.Assignee, "assignee", false)); err != nil {
		return Receipt{}, err
	}
	r.Title, r.Assignee = guard.Mask(r.Title), guard.Mask(r.Assignee)
	if r.Organisation != 0 && s.Register.Name(ctx, "organisation", r.Organisation) == (lifecycle.Text{}) {
		return Receipt{}, web.Errorf(http.StatusUnprocessableEntity, "case.unknown_organisation", "there is no organisation %d", r.Organisation).At("organisation")
	}
	who := access.From(ctx)
	return s.write(ctx, key, []any{"task", caseID, r}, func(tx *db.Tx, now time.Time) (Receipt, error) {
		c, err := s.openCase(tx, caseID)
		if err != nil {
			return Receipt{}, err
		}
		t := Task{Case: c.ID, Free: r.Title, Organisation: r.Organisation, Post: r.Assignee, OpenedAt: now}
		if t.Organisation == 0 {
			t.Organisation = c.Owner
		}
		if r.DueAt != nil {
			if t.DueAt = r.DueAt.UTC(); !t.DueAt.After(now) {
				return Receipt{}, web.Errorf(http.StatusUnprocessableEntity, "case.task", "the time limit lies in the past").At("due_at")
			}
		}
		entry, err := s.openTask(tx, who, &t)
		if err != nil {
			return Receipt{}, err
		}
		if err := changed(tx, c, "task", now); err != nil {
			return Receipt{}, err
		}
		return Receipt{Case: c.ID, Entry: entry, Item: t.ID}, ledger.Append(tx, ledger.Entry{
			Action: "case.task", Actor: actorName(who), ActorID: who.ID, Subject: "case", SubjectID: c.ID, At: now,
			Detail: map[string]any{"task": t.ID, "organisation": t.Organisation, "post": t.Post},
		})
	})
}

// FinishTask says that a task is done.
func (s *Service) FinishTask(ctx context.Context, caseID, task int64, key string) (Receipt, error) {
	if err := s.decide(ctx, "case.task", caseID); err != nil {
		return Receipt{}, err
	}
	who := access.From(ctx)
	return s.write(ctx, key, []any{"done", caseID, task}, func(tx *db.Tx, now time.Time) (Receipt, error) {
		c, err := getCase(tx, caseID)
		if err != nil {
			return Receipt{}, err
		}
		all, err := tasks(tx, caseID)
		if err != nil {
			return Receipt{}, err
		}
		i := slices.IndexFunc(all, func(t Task) bool { return t.ID == task })
		if i < 0 {
			return Receipt{}, web.Errorf(http.StatusNotFound, "case.no_task", "case %d has no task %d", caseID, task)
		}
		ended, err := endTask(tx, caseID, task, "done", now)
		if err != nil {
			return Receipt{}, err
		}
		if !ended {
			return Receipt{}, web.Errorf(http.StatusConflict, "case.task_ended", "the task is %s", all[i].State)
		}
		if err := timers.Drop(tx, timerOwner, caseID, taskTimer(task)); err != nil {
			return Receipt{}, err
		}
		e := Entry{At: now, Actor: who, Kind: "task", Text: taskText("Task done", "任务完成", all[i]), Free: all[i].Free,
			Data: map[string]any{"task": task, "state": "done"}}
		if _, err := insertEntry(tx, caseID, &e); err != nil {
			return Receipt{}, err
		}
		if err := changed(tx, c, "task", now); err != nil {
			return Receipt{}, err
		}
		return Receipt{Case: caseID, Entry: e.ID, Item: task}, ledger.Append(tx, ledger.Entry{
			Action: "case.task", Actor: actorName(who), ActorID: who.ID, Subject: "case", SubjectID: caseID, At: now,
			Detail: map[string]any{"task": task, "state": "done"},
		})
	})
}

// EvidenceRequest attaches evidence. A reading names its datastream and nothing more: what it says is read from the log,
// never taken from the person.
type EvidenceRequest struct {
	Kind       string `json:"kind" enum:"photo,form,note,reading"`
	Text       string `json:"text,omitempty"`
	Datastream int64  `json:"datastream,omitempty" doc:"for a reading; the one that opened the case when left out"`
	// File is the body of a photo or a form.
	File []byte `json:"-"`
}

// Attach adds evidence to an open case.
func (s *Service) Attach(ctx context.Context, caseID int64, r EvidenceRequest, key string) (Receipt, error) {
	if err := s.decide(ctx, "case.attach", caseID); err != nil {
		return Receipt{}, err
	}
	who := access.From(ctx)
	a := Attachment{Evidence: lifecycle.Evidence{Kind: r.Kind}, By: actorName(who), ByID: who.ID, Text: strings.TrimSpace(r.Text)}
	if err := checkText(a.Text, "text", r.Kind == "note"); err != nil {
		return Receipt{}, err
	}
	a.Text = guard.Mask(a.Text)
	r.Text = a.Text
	var body []byte
	var err error
	switch r.Kind {
	case "photo", "form":
		if body, a.Media, err = acceptFile(r.File, r.Kind); err != nil {
			return Receipt{}, err
		}
		sum := sha256.Sum256(body)
		a.Blob = hex.EncodeToString(sum[:])
	case "reading":
		if a.Reading, err = s.reading(ctx, caseID, r.Datastream); err != nil {
			return Receipt{}, err
		}
	case "note":
	default:
		return Receipt{}, web.Errorf(http.StatusUnprocessableEntity, "case.evidence_kind", "expected one of %s, got %q",
			strings.Join(lifecycle.EvidenceKinds, ", "), r.Kind).At("kind")
	}
	// The reading is left out of what must stay the same under one key: a repeat asks for the same thing, though the log
	// has gone on.
	request := []any{"evidence", caseID, r, a.Blob}
	return s.write(ctx, key, request, func(tx *db.Tx, now time.Time) (Receipt, error) {
		c, err := s.openCase(tx, caseID)
		if err != nil {
			return Receipt{}, err
		}
		a.At = now
		if a.Blob != "" {
			if err := putBlob(tx, a.Blob, a.Media, body); err != nil {
				return Receipt{}, err
			}
		}
		if err := insertEvidence(tx, caseID, &a); err != nil {
			return Receipt{}, err
		}
		data := map[string]any{"evidence": a.ID, "kind": a.Kind}
		detail := map[string]any{"evidence": a.ID, "kind": a.Kind}
		if a.Blob != "" {
			data["sha256"], detail["sha256"] = a.Blob, a.Blob
		}
		if a.Reading != nil {
			data["reading"] = a.Reading
			detail["datastream"], detail["value"], detail["unit"] = a.Reading.Datastream, a.Reading.Value, a.Reading.Unit
			detail["reading_at"] = a.Reading.At.UTC().Format(time.RFC3339Nano)
		}
		e := Entry{At: now, Actor: who, Kind: "evidence", Text: evidenceText(a), Free: a.Text, Data: data}
		if _, err := insertEntry(tx, caseID, &e); err != nil {
			return Receipt{}, err
		}
		if err := changed(tx, c, "evidence", now); err != nil {
			return Receipt{}, err
		}
		return Receipt{Case: caseID, Entry: e.ID, Item: a.ID}, ledger.Append(tx, ledger.Entry{
			Action: "case.attach", Actor: actorName(who), ActorID: who.ID, Subject: "case", SubjectID: caseID, At: now, Detail: detail,
		})
	})
}

// reading is the newest of a datastream; 0 means the one that opened the case. It is refused when it can prove nothing in
// the case, whatever it says. Neither the asset nor the definition of a case ever changes, so this holds until the write.
func (s *Service) reading(ctx context.Context, caseID, datastream int64) (*lifecycle.Reading, error) {
	var c *Case
	var k *lifecycle.Kind
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if c, err = getCase(tx, caseID); err == nil {
			k, err = s.version(tx, c.Definition)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if datastream == 0 && len(c.Datastreams) > 0 {
		datastream = c.Datastreams[0]
	}
	r, err := s.Readings.Latest(ctx, datastream)
	if errors.Is(err, db.ErrNotFound) {
		return nil, web.Errorf(http.StatusUnprocessableEntity, "case.no_reading", "the datastream has no reading").At("datastream")
	}
	if err != nil {
		return nil, fmt.Errorf("newest reading of datastream %d: %w", datastream, err)
	}
	if refusal := k.Belongs(r, c.Asset, c.Datastreams); refusal != nil {
		return nil, refusal
	}
	return &r, nil
}

// File returns the file of a piece of evidence and its media type.
func (s *Service) File(ctx context.Context, caseID, evidence int64) (media string, body []byte, err error) {
	if err := s.decide(ctx, "case.read", caseID); err != nil {
		return "", nil, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		media, body, err = getBlob(tx, caseID, evidence)
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		err = web.Errorf(http.StatusNotFound, "case.no_file", "there is no such file")
	}
	return media, body, err
}

// --- shared

// now is the time to the microsecond, which is what the store keeps.
func (s *Service) now() time.Time { return s.Clock.Now().Truncate(time.Microsecond) }

// write runs a deed in one transaction, once per key. The time is taken inside, so that what the one writer does in order
// bears times in order.
func (s *Service) write(ctx context.Context, key string, request any, deed func(tx *db.Tx, now time.Time) (Receipt, error)) (Receipt, error) {
	var r Receipt
	err := s.DB.Write(ctx, func(tx *db.Tx) (err error) {
		now := s.now()
		r, err = once(tx, access.From(ctx), key, request, now, func() (Receipt, error) { return deed(tx, now) })
		return err
	})
	return r, err
}

// decide asks whether the actor may do this to a case.
func (s *Service) decide(ctx context.Context, action string, caseID int64) error {
	var c *Case
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		c, err = getCase(tx, caseID)
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		return web.Errorf(http.StatusNotFound, "case.not_found", "there is no case %d", caseID)
	}
	if err != nil {
		return err
	}
	return s.Access.Decide(ctx, action, c.resource(), access.Operations)
}

// openCase returns a case that is not closed.
func (s *Service) openCase(tx *db.Tx, caseID int64) (*Case, error) {
	c, err := getCase(tx, caseID)
	if err != nil {
		return nil, err
	}
	if !c.ClosedAt.IsZero() {
		return nil, lifecycle.Refuse(lifecycle.CodeClosed, "", "The case is closed.", "案卷已办结。")
	}
	return c, nil
}

// version returns a definition by its hash.
func (s *Service) version(tx *db.Tx, hash string) (*lifecycle.Kind, error) {
	s.mu.Lock()
	k := s.versions[hash]
	s.mu.Unlock()
	if k != nil {
		return k, nil
	}
	k, err := getDefinition(tx, hash)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.versions[hash] = k
	s.mu.Unlock()
	return k, nil
}

// snapshot gathers what the rules need to know, but for the newest readings.
func snapshot(tx *db.Tx, c *Case) (lifecycle.Snapshot, error) {
	past, err := pastMoves(tx, c.ID)
	if err != nil {
		return lifecycle.Snapshot{}, err
	}
	attached, err := evidence(tx, c.ID)
	if err != nil {
		return lifecycle.Snapshot{}, err
	}
	ts, err := tasks(tx, c.ID)
	if err != nil {
		return lifecycle.Snapshot{}, err
	}
	return c.snapshot(past, attached, ts), nil
}

func (c *Case) snapshot(past []lifecycle.PastMove, attached []Attachment, ts []Task) lifecycle.Snapshot {
	snap := lifecycle.Snapshot{
		State: c.State, Since: c.Since, OpenedAt: c.OpenedAt, Level: c.Level, Asset: c.Asset, Datastreams: c.Datastreams,
		Fields: c.Fields, Past: past,
	}
	for _, a := range attached {
		snap.Evidence = append(snap.Evidence, a.Evidence)
	}
	for _, t := range ts {
		if t.State == "open" {
			snap.OpenTasks++
		}
	}
	return snap
}

// latest returns the newest reading of each datastream that stands among a case's evidence. One that has none is left out.
func (s *Service) latest(ctx context.Context, caseID int64) (map[int64]lifecycle.Reading, error) {
	var attached []Attachment
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		attached, err = evidence(tx, caseID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.latestOf(ctx, attached)
}

func (s *Service) latestOf(ctx context.Context, attached []Attachment) (map[int64]lifecycle.Reading, error) {
	out := map[int64]lifecycle.Reading{}
	for _, a := range attached {
		if a.Reading == nil {
			continue
		}
		if _, seen := out[a.Reading.Datastream]; seen {
			continue
		}
		r, err := s.Readings.Latest(ctx, a.Reading.Datastream)
		if errors.Is(err, db.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("newest reading of datastream %d: %w", a.Reading.Datastream, err)
		}
		out[a.Reading.Datastream] = r
	}
	return out, nil
}

func answersDigest(answers map[string]any, note string) (string, error) {
	b, err := json.Marshal(map[string]any{"fields": answers, "note": note}) // map keys come out sorted
	if err != nil {
		return "", fmt.Errorf("encode answers: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// checkText refuses what cannot be kept or shown.
func checkText(text, field string, required bool) error {
	switch {
	case required && text == "":
		return web.Errorf(http.StatusUnprocessableEntity, "case.text", "write something here").At(field)
	case utf8.RuneCountInString(text) > maxText:
		return web.Errorf(http.StatusUnprocessableEntity, "case.text", "at most %d characters", maxText).At(field)
	case !clean(text):
		return web.Errorf(http.StatusUnprocessableEntity, "case.text", "the text holds characters that cannot be shown").At(field)
	}
	return nil
}

func clean(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// firstWords makes a title of a description, which is masked already: a number that the cut has halved would not be known
// for one.
func firstWords(text string) string {
	const most = 40
	line, _, _ := strings.Cut(text, "\n")
	if r := []rune(line); len(r) > most {
		return string(r[:most]) + "…"
	}
	return line
}

func taskText(en, zh string, t Task) lifecycle.Text {
	if t.Text == (lifecycle.Text{}) {
		return lifecycle.Words(en, zh)
	}
	return lifecycle.Words(en+": "+t.Text.En, zh+"："+t.Text.Zh)
}

func evidenceText(a Attachment) lifecycle.Text {
	t := map[string]lifecycle.Text{
		"photo":   lifecycle.Words("Photo attached", "上传照片"),
		"form":    lifecycle.Words("Signed form attached", "上传签字表单"),
		"note":    lifecycle.Words("Written evidence attached", "提交文字说明"),
		"reading": lifecycle.Words("Reading attached", "提交监测数据"),
	}[a.Kind]
	if a.Reading != nil {
		value := fmt.Sprintf("%g %s", a.Reading.Value, a.Reading.Unit)
		t = lifecycle.Words(t.En+": "+value, t.Zh+"："+value)
	}
	return t
}

func taskTimer(task int64) string { return fmt.Sprintf("task:%d", task) }

// actorName is who stands in the ledger: the program itself has a name, and the public has none.
func actorName(who access.Actor) string {
	if who.Name != "" {
		return who.Name
	}
	return who.Kind.String()
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
