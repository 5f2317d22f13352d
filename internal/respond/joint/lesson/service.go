package lesson

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

const (
	// CaseKind is the kind of case that a lesson opens.
	CaseKind = "lesson"

	// targetChunk and taskChunk are how many rows, and how many tasks, one transaction writes: a lesson must not hold up a move.
	targetChunk = 500
	taskChunk   = 25
	// maxAnswers is how many assets one answer may be about.
	maxAnswers = 500
	// keepDrafts is how long a draft is kept that nobody sent.
	keepDrafts = time.Hour
	// sweepEvery is how often the background looks again without being called.
	sweepEvery = time.Minute

	maxWords = 4000
	maxPost  = 80

	signal = "lessons"
)

// Deps are what lessons need.
type Deps struct {
	Cases    *respond.Service
	Register Register
	// Finish says that a task of a lesson's case is done, once its last asset was answered for. A task that has ended gives nil.
	Finish func(ctx context.Context, caseID, task int64, answer string) error
}

// Service keeps lessons. Its methods are safe for concurrent use.
type Service struct{ Deps }

// New returns the room.
func New(d Deps) *Service { return &Service{d} }

// Request asks for a lesson.
type Request struct {
	Post      string    `json:"post" doc:"the post that sends it"`
	Case      int64     `json:"case" doc:"the case that it is drawn from"`
	Text      string    `json:"text" doc:"what to look for"`
	Why       string    `json:"why" doc:"what happened"`
	Selection Selection `json:"selection"`
	Per       string    `json:"per" enum:"asset,holder" doc:"one task per asset, or one per holder"`
	DueAt     time.Time `json:"due_at"`
	// Assets is the number that the preview showed.
	Assets int `json:"assets" doc:"how many assets the preview showed; if it is another number by now, nothing is sent"`
}

// Preview says what a selection would send out.
func (s *Service) Preview(ctx context.Context, sel Selection, per string) (*Preview, error) {
	if err := s.Cases.Access.Decide(ctx, "lesson.send", access.Resource{Type: "lesson"}, access.Operations); err != nil {
		return nil, err
	}
	_, p, err := s.pick(ctx, sel, per)
	return p, err
}

// Send sends a lesson out: its case opens at once, its tasks follow in chunks.
func (s *Service) Send(ctx context.Context, r Request, key string) (respond.Receipt, error) {
	words, err1 := text(r.Text, "text", maxWords)
	why, err2 := text(r.Why, "why", maxWords)
	post, err3 := text(r.Post, "post", maxPost)
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			return respond.Receipt{}, err
		}
	}
	if r.Per != "asset" && r.Per != "holder" {
		return respond.Receipt{}, web.Errorf(http.StatusUnprocessableEntity, "lesson.per", "expected asset or holder, got %q", r.Per).At("per")
	}
	if !slices.ContainsFunc(s.Cases.Kinds, func(k *lifecycle.Kind) bool { return k.ID == CaseKind }) {
		return respond.Receipt{}, web.Errorf(http.StatusConflict, "lesson.no_kind", "no pack has the case kind %q", CaseKind)
	}
	if err := s.Cases.Decide(ctx, "lesson.send", r.Case); err != nil {
		return respond.Receipt{}, err
	}
	_, source, err := s.Cases.Head(ctx, r.Case)
	if err != nil {
		return respond.Receipt{}, err
	}
	if source.Private {
		return respond.Receipt{}, web.Errorf(http.StatusConflict, "room.private", "no lesson is drawn from a private case").At("case")
	}
	found, p, err := s.pick(ctx, r.Selection, r.Per)
	if err != nil {
		return respond.Receipt{}, err
	}
	if err := p.refuse(); err != nil {
		return respond.Receipt{}, err
	}
	if p.Assets != r.Assets {
		return respond.Receipt{}, web.Errorf(http.StatusConflict, "lesson.changed", "the selection has %d assets by now, the preview showed %d: look again", p.Assets, r.Assets).At("assets")
	}
	who := access.From(ctx)
	l := &Lesson{Source: r.Case, Text: words, Why: why, Selection: r.Selection, Per: r.Per, DueAt: r.DueAt.UTC().Truncate(time.Microsecond), Assets: len(found),
		Post: post, Organisation: who.Organisation, By: who.Name, byID: who.ID, SentAt: s.now()}
	if !l.DueAt.After(l.SentAt) {
		return respond.Receipt{}, web.Errorf(http.StatusUnprocessableEntity, "case.task", "the time limit lies in the past").At("due_at")
	}
	if err := s.draft(ctx, l, found); err != nil {
		return respond.Receipt{}, err
	}
	receipt, err := s.Cases.Once(ctx, key, []any{"lesson", r}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		return s.send(tx, who, l, found, now)
	})
	if err != nil || receipt.Item != l.ID { // refused, or a repeat: the first one stands
		return receipt, errors.Join(err, s.Cases.DB.Write(ctx, func(tx *db.Tx) error { return forget(tx, l.ID) }))
	}
	return receipt, nil
}

// draft writes the targets, many to a transaction. Until send has made it a lesson, nobody sees it.
func (s *Service) draft(ctx context.Context, l *Lesson, found []Asset) error {
	if err := s.Cases.DB.Write(ctx, func(tx *db.Tx) error { return insertLesson(tx, l) }); err != nil {
		return err
	}
	for chunk := range slices.Chunk(found, targetChunk) {
		if err := s.Cases.DB.Write(ctx, func(tx *db.Tx) error { return insertTargets(tx, l.ID, chunk) }); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) send(tx *db.Tx, who access.Actor, l *Lesson, found []Asset, now time.Time) (respond.Receipt, error) {
	c, _, err := s.Cases.Open(tx, who, respond.Opening{
		Kind: CaseKind, Title: firstWords(l.Text), Spot: inspect.Spot{Owner: l.Organisation},
	}, respond.Entry{
		Kind: "lesson", Free: l.Text, Data: map[string]any{"lesson": l.ID, "source": l.Source, "assets": l.Assets, "why": l.Why, "post": l.Post},
		Text: lifecycle.Words(fmt.Sprintf("Lesson from case %d, for %d assets", l.Source, l.Assets), fmt.Sprintf("由%d号案卷举一反三，涉及设施设备%d处", l.Source, l.Assets)),
	}, now)
	if err != nil {
		return respond.Receipt{}, err
	}
	l.Case, l.State, l.SentAt = c.ID, "sending", now
	if err := startSending(tx, l); err != nil {
		return respond.Receipt{}, err
	}
	e := respond.Entry{
		At: now, Actor: who, Kind: "lesson", Free: l.Text, Data: map[string]any{"lesson": l.ID, "case": c.ID, "assets": l.Assets, "post": l.Post},
		Text: lifecycle.Words(fmt.Sprintf("Lesson drawn: case %d, %d assets", c.ID, l.Assets), fmt.Sprintf("举一反三：开设%d号案卷，涉及设施设备%d处", c.ID, l.Assets)),
	}
	if err := s.Cases.Enter(tx, l.Source, &e); err != nil {
		return respond.Receipt{}, err
	}
	h := sha256.New()
	for _, a := range found {
		fmt.Fprintln(h, a.ID)
	}
	words := sha256.Sum256([]byte(l.Text + "\n" + l.Why))
	tx.Signal(signal)
	return respond.Receipt{Case: c.ID, Entry: e.ID, Item: l.ID}, ledger.Append(tx, ledger.Entry{
		Action: "lesson.send", Actor: who.Name, ActorID: who.ID, Subject: "case", SubjectID: c.ID, At: now,
		Detail: map[string]any{
			"lesson": l.ID, "source": l.Source, "kind": l.Selection.Kind, "assets": l.Assets, "per": l.Per, "assets_sha256": hex.EncodeToString(h.Sum(nil)),
			"words_sha256": hex.EncodeToString(words[:]), "due_at": l.DueAt.Format(time.RFC3339),
		},
	})
}

// AnswerRequest says what was found at some assets of a lesson.
type AnswerRequest struct {
	Post   string  `json:"post,omitempty"`
	Assets []int64 `json:"assets" doc:"one, where something is wrong"`
	Result string  `json:"result" enum:"sound,wrong"`
	Note   string  `json:"note,omitempty" doc:"what is wrong"`
	Grade  string  `json:"grade,omitempty" enum:"general,major" doc:"of what is wrong, as proposed"`
}

// Answer says that assets were looked at. What is wrong becomes a finding with a case of its own.
func (s *Service) Answer(ctx context.Context, lesson int64, r AnswerRequest, key string) (respond.Receipt, error) {
	if r.Result != "sound" && r.Result != "wrong" {
		return respond.Receipt{}, web.Errorf(http.StatusUnprocessableEntity, "lesson.result", "expected sound or wrong, got %q", r.Result).At("result")
	}
	if n := len(r.Assets); n == 0 || n > maxAnswers || r.Result == "wrong" && n != 1 {
		return respond.Receipt{}, web.Errorf(http.StatusUnprocessableEntity, "lesson.assets", "name from 1 to %d assets; one where something is wrong", maxAnswers).At("assets")
	}
	note, post := "", ""
	var err error
	if r.Result == "wrong" || strings.TrimSpace(r.Note) != "" {
		if note, err = text(r.Note, "note", maxWords); err != nil {
			return respond.Receipt{}, err
		}
	}
	if strings.TrimSpace(r.Post) != "" {
		if post, err = text(r.Post, "post", maxPost); err != nil {
			return respond.Receipt{}, err
		}
	}
	var l *Lesson
	targets := make([]target, len(r.Assets))
	err = s.Cases.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if l, err = findLesson(tx, lesson); err != nil {
			return err
		}
		for i, asset := range r.Assets {
			if targets[i], err = findTarget(tx, lesson, asset); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return respond.Receipt{}, err
	}
	for _, t := range targets {
		at := access.Resource{Type: "asset", ID: t.Asset, Organisation: t.Organisation, Area: t.Area}
		if err := s.Cases.Access.Decide(ctx, "lesson.answer", at, access.Operations); err != nil {
			return respond.Receipt{}, err
		}
	}
	if t := targets[0]; r.Result == "wrong" && t.Result == "wrong" && t.Finding == 0 { // a crash came between the answer and its finding
		return respond.Receipt{Case: l.Case, Item: t.Asset}, s.found(ctx, lesson, t.Asset, r.Grade, t.Note)
	}
	who := access.From(ctx)
	name := s.name(ctx, "asset", r.Assets[0])
	receipt, err := s.Cases.Once(ctx, key, []any{"lesson answer", lesson, r}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		for _, asset := range r.Assets {
			if err := answer(tx, lesson, asset, r.Result, note, now); err != nil {
				return respond.Receipt{}, err
			}
		}
		title := lifecycle.Words(fmt.Sprintf("Checked and sound: %d assets", len(r.Assets)), fmt.Sprintf("排查未见问题：%d处", len(r.Assets)))
		switch {
		case r.Result == "wrong":
			title = lifecycle.Words("Found wrong: "+name.En, "排查发现问题："+name.Zh)
		case len(r.Assets) == 1:
			title = lifecycle.Words("Checked and sound: "+name.En, "排查未见问题："+name.Zh)
		}
		e := respond.Entry{At: now, Actor: who, Kind: "lesson", Text: title, Free: note,
			Data: map[string]any{"lesson": lesson, "assets": r.Assets, "result": r.Result, "post": post}}
		if err := s.Cases.Enter(tx, l.Case, &e); err != nil {
			return respond.Receipt{}, err
		}
		tx.Signal(signal)
		return respond.Receipt{Case: l.Case, Entry: e.ID, Item: r.Assets[0]}, ledger.Append(tx, ledger.Entry{
			Action: "lesson.answer", Actor: who.Name, ActorID: who.ID, Subject: "case", SubjectID: l.Case, At: now,
			Detail: map[string]any{"lesson": lesson, "entry": e.ID, "assets": len(r.Assets), "first": r.Assets[0], "result": r.Result, "organisation": who.Organisation},
		})
	})
	if err != nil || r.Result == "sound" {
		return receipt, err
	}
	return receipt, s.found(ctx, lesson, r.Assets[0], r.Grade, note)
}

// found records a finding for what is wrong at an asset, and opens its case. Each step is done once, so a repeat of the request
// mends what a crash has left half done.
func (s *Service) found(ctx context.Context, lesson, asset int64, grade, note string) error {
	if grade == "" {
		grade = inspect.General
	}
	f, err := s.Cases.Findings.Record(ctx, inspect.Draft{Asset: asset, Description: note, Grade: grade, Checklist: fmt.Sprintf("lesson:%d", lesson)},
		fmt.Sprintf("lesson:%d/asset:%d", lesson, asset))
	if err != nil {
		return err
	}
	opened, err := s.Cases.OpenForFinding(ctx, f)
	if err != nil {
		return err
	}
	return s.Cases.DB.Write(ctx, func(tx *db.Tx) error { return linkFinding(tx, lesson, asset, f.ID, opened) })
}

// Run gives the tasks of lessons that were sent, and ends those that were answered, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	ctx = access.With(ctx, access.System("lesson"))
	for {
		if err := s.Pass(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "lessons wait", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.Cases.DB.Signal(signal):
		case <-s.Cases.Clock.After(sweepEvery):
		}
	}
}

// Pass does once what Run does whenever it is called.
func (s *Service) Pass(ctx context.Context) error {
	old := s.now().Add(-keepDrafts)
	if err := s.Cases.DB.Write(ctx, func(tx *db.Tx) error { return forgetDrafts(tx, old) }); err != nil {
		return err
	}
	var sending []int64
	err := s.Cases.DB.Read(ctx, func(tx *db.Tx) (err error) {
		sending, err = lessonsIn(tx, "sending")
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range sending {
		for more := true; more && ctx.Err() == nil; {
			if more, err = s.giveSome(ctx, id); err != nil {
				return fmt.Errorf("give the tasks of lesson %d: %w", id, err)
			}
		}
	}
	return s.finish(ctx)
}

// giveSome gives the next tasks of a lesson in one transaction; more is false when there are no others.
func (s *Service) giveSome(ctx context.Context, id int64) (more bool, err error) {
	var l *Lesson
	var next []target
	err = s.Cases.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if l, err = findLesson(tx, id); err == nil {
			next, err = withoutTask(tx, id, l.Per, taskChunk)
		}
		return err
	})
	if err != nil {
		return false, err
	}
	// Names are asked before the transaction: the register may read the store.
	tasks := make([]respond.Task, len(next))
	for i, t := range next {
		tasks[i] = respond.Task{Case: l.Case, Organisation: t.Organisation, DueAt: l.DueAt, Origin: Origin(id)}
		if t.Organisation == 0 {
			tasks[i].Organisation = l.Organisation
		}
		if l.Per == "asset" {
			n := s.name(ctx, "asset", t.Asset)
			tasks[i].Text = lifecycle.Words("Check "+n.En+": "+l.Text, "排查"+n.Zh+"："+l.Text)
		} else {
			tasks[i].Text = lifecycle.Words(fmt.Sprintf("Check %d assets: %s", t.assets, l.Text), fmt.Sprintf("排查设施设备%d处：%s", t.assets, l.Text))
		}
	}
	sender := access.Actor{Kind: access.KindAccount, ID: l.byID, Name: l.By, Organisation: l.Organisation}
	err = s.Cases.DB.Write(ctx, func(tx *db.Tx) error {
		now := s.now()
		for i, t := range next {
			if taken, err := hasTask(tx, id, t); err != nil || taken {
				if err != nil {
					return err
				}
				continue
			}
			tasks[i].OpenedAt = now
			if err := s.Cases.Give(tx, sender, &tasks[i]); err != nil {
				return err
			}
			if err := taskGiven(tx, id, t, l.Per, tasks[i].ID); err != nil {
				return err
			}
		}
		if len(next) < taskChunk {
			return allSent(tx, id)
		}
		return nil
	})
	if refusal := (*lifecycle.Refusal)(nil); errors.As(err, &refusal) { // its case was closed meanwhile: nothing more goes out
		return false, s.Cases.DB.Write(ctx, func(tx *db.Tx) error { return allSent(tx, id) })
	}
	return len(next) == taskChunk, err
}

// finish ends the tasks all of whose assets were answered for.
func (s *Service) finish(ctx context.Context) error {
	for {
		var over []ended
		err := s.Cases.DB.Read(ctx, func(tx *db.Tx) (err error) {
			over, err = answered(tx, taskChunk)
			return err
		})
		if err != nil || len(over) == 0 {
			return err
		}
		for _, e := range over {
			answer := fmt.Sprintf("%d / %d", e.wrong, e.assets)
			if err := s.Finish(ctx, e.caseID, e.task, answer); err != nil {
				return fmt.Errorf("end task %d: %w", e.task, err)
			}
			if err := s.Cases.DB.Write(ctx, func(tx *db.Tx) error { return taskClosed(tx, e.lesson, e.task) }); err != nil {
				return err
			}
		}
	}
}

// Origin is what the tasks of a lesson say they come from.
func Origin(lesson int64) string { return fmt.Sprintf("lesson:%d", lesson) }

func (s *Service) now() time.Time { return s.Cases.Clock.Now().UTC().Truncate(time.Microsecond) }

// text brings what a person wrote into form: trimmed, bounded, masked, not empty.
func text(words, field string, most int) (string, error) {
	words = strings.TrimSpace(words)
	switch {
	case words == "":
		return "", web.Errorf(http.StatusUnprocessableEntity, "case.text", "write something here").At(field)
	case utf8.RuneCountInString(words) > most:
		return "", web.Errorf(http.StatusUnprocessableEntity, "room.too_long", "at most %d characters", most).At(field)
	case !utf8.ValidString(words) || strings.ContainsRune(words, 0):
		return "", web.Errorf(http.StatusUnprocessableEntity, "case.text", "the text holds characters that cannot be shown").At(field)
	}
	return guard.Mask(words), nil
}

// firstWords makes a title of what was masked already.
func firstWords(words string) string {
	const most = 40
	line, _, _ := strings.Cut(words, "\n")
	if r := []rune(line); len(r) > most {
		return string(r[:most]) + "…"
	}
	return line
}
