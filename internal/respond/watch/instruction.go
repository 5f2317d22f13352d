package watch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
)

// instructionTimer is the name of the timer of an instruction's answer.
const instructionTimer = "instruction"

// maxTeams bounds to how many teams one instruction goes.
const maxTeams = 20

// Instruction is what a leader has instructed (批示). Leader is a post, such as the deputy mayor on duty.
type Instruction struct {
	ID         int64
	Desk       int64
	At         time.Time // when it was given
	RecordedAt time.Time
	Leader     string
	Text       string
	Case       int64 // 0: none, which can be no more
	// Organisation and Post are who answers one without a case; on a case its tasks say so.
	Organisation int64
	Post         string
	DueAt        time.Time
	ByID         int64
	By           string
	State        string // open, answered or withdrawn
	OverdueAt    time.Time
	EndedAt      time.Time
	EndedBy      string
	Answer       string
	Unfinished   string // why it was answered while teams were still at it
}

// origin is what the tasks of an instruction bear.
func (i Instruction) origin() string { return fmt.Sprintf("instruction:%d", i.ID) }

// Team is who is to do what was instructed.
type Team struct {
	Organisation int64  `json:"organisation"`
	Post         string `json:"post,omitempty"`
}

// InstructionRequest asks for an instruction to be taken down.
type InstructionRequest struct {
	Text   string     `json:"text" doc:"what was instructed, in its words"`
	Leader string     `json:"leader" doc:"which leader's post gave it; a post, not a name"`
	At     *time.Time `json:"at,omitempty" doc:"when; now when left out"`
	Case   int64      `json:"case" doc:"on which case: there its teams get their tasks, so one that is about nothing open has its case opened first"`
	Teams  []Team     `json:"teams" doc:"who is to answer: each gets a task"`
	DueAt  time.Time  `json:"due_at" doc:"by when the answer is due"`
}

// Instruct takes down an instruction on a case. It becomes a task for each team, with the answer due, in the team's inbox.
func (s *Service) Instruct(ctx context.Context, r InstructionRequest, key string) (respond.Receipt, error) {
	who, err := s.mine(ctx, "watch.write")
	if err != nil {
		return respond.Receipt{}, err
	}
	if err := errors.Join(words(&r.Text, "text", true, maxLine), words(&r.Leader, "leader", true, 80)); err != nil {
		return respond.Receipt{}, err
	}
	switch {
	case len(r.Teams) == 0:
		return respond.Receipt{}, bad("watch.missing", "teams", "say who is to answer")
	case len(r.Teams) > maxTeams:
		return respond.Receipt{}, bad("watch.teams", "teams", "at most %d teams", maxTeams)
	case r.Case == 0:
		return respond.Receipt{}, bad("watch.missing", "case", "say on which case; an instruction that is about none would reach nobody: open one for it")
	}
	for i := range r.Teams {
		t := &r.Teams[i]
		if t.Organisation == 0 {
			return respond.Receipt{}, bad("watch.missing", "teams", "say which organisation is to answer")
		}
		if err := errors.Join(s.organisation(ctx, t.Organisation, "teams"), words(&t.Post, "teams", false, 80)); err != nil {
			return respond.Receipt{}, err
		}
	}
	if err := s.mayInstruct(ctx, r.Case); err != nil {
		return respond.Receipt{}, err
	}
	return s.Cases.Once(ctx, key, []any{"instruct", r}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		return s.instruct(tx, who, r, now)
	})
}

// mayInstruct asks whether the actor may pass on what was instructed on a case: at the desk that runs it, whoever else takes part.
func (s *Service) mayInstruct(ctx context.Context, caseID int64) error {
	if err := s.Cases.Decide(ctx, "case.task", caseID); err != nil {
		return err
	}
	_, err := s.atDesk(ctx, caseID, func(*respond.Case) error { return nil })
	return err
}

func (s *Service) instruct(tx *db.Tx, who access.Actor, r InstructionRequest, now time.Time) (respond.Receipt, error) {
	at, err := when(r.At, now, now.Add(-maxLate), "at")
	if err != nil {
		return respond.Receipt{}, err
	}
	due := r.DueAt.UTC().Truncate(time.Microsecond)
	if !due.After(now) {
		return respond.Receipt{}, bad("watch.due", "due_at", "the answer would be due in the past, at %s", due.Format(time.RFC3339))
	}
	if err := notPrivate(tx, r.Case); err != nil {
		return respond.Receipt{}, err
	}
	i := Instruction{
		Desk: who.Organisation, At: at, RecordedAt: now, Leader: r.Leader, Text: r.Text, Case: r.Case, DueAt: due, ByID: who.ID, By: actorName(who), State: "open",
	}
	if err := insertInstruction(tx, &i); err != nil {
		return respond.Receipt{}, err
	}
	e := respond.Entry{At: now, Actor: who, Kind: "instruction", Text: Text{En: "Instructed by " + r.Leader, Zh: r.Leader + "批示"}, Free: r.Text,
		Data: map[string]any{"instruction": i.ID, "given_at": at, "due_at": due}}
	if err := s.Cases.Enter(tx, r.Case, &e); err != nil {
		return respond.Receipt{}, err
	}
	for _, t := range r.Teams {
		task := respond.Task{Case: r.Case, Free: r.Leader + "：" + r.Text,
			Organisation: t.Organisation, Post: t.Post, OpenedAt: now, DueAt: due, Origin: i.origin()}
		if err := s.Cases.Give(tx, who, &task); err != nil {
			return respond.Receipt{}, err
		}
	}
	if err := timers.Set(tx, timers.Timer{Owner: timerOwner, ID: i.ID, Name: instructionTimer, DueAt: due}); err != nil {
		return respond.Receipt{}, err
	}
	return respond.Receipt{Case: r.Case, Item: i.ID}, s.instructed(tx, who, i, map[string]any{"leader": r.Leader, "case": r.Case, "teams": len(r.Teams),
		"due_at": due.Format(time.RFC3339), "text_sha256": digest(r.Text)}, now)
}

func (s *Service) instructed(tx *db.Tx, who access.Actor, i Instruction, detail map[string]any, now time.Time) error {
	return errors.Join(tell(tx, "instruction", i.ID, i.Case, i.Desk, now), ledger.Append(tx, ledger.Entry{
		Action: "watch.write", Actor: actorName(who), ActorID: who.ID, Subject: "instruction", SubjectID: i.ID, At: now, Detail: detail,
	}))
}

// InstructionAnswer says what was answered to the leader.
type InstructionAnswer struct {
	Answer string `json:"answer" doc:"what was answered to the leader"`
	Reason string `json:"reason,omitempty" doc:"why it is answered while teams have not reported back yet; needed then"`
}

// Answer writes down what was answered to the leader, and closes the instruction. While its teams are still at it that takes a
// reason; their tasks go on.
func (s *Service) Answer(ctx context.Context, id int64, r InstructionAnswer, key string) (respond.Receipt, error) {
	if err := words(&r.Reason, "reason", false, maxLine); err != nil {
		return respond.Receipt{}, err
	}
	return s.endInstruction(ctx, id, "answered", "answer", r.Answer, key, r.Reason, func(tx *db.Tx, i *Instruction, open []respond.Task, _ time.Time) error {
		if len(open) > 0 && r.Reason == "" {
			return web.Errorf(http.StatusConflict, "watch.instruction_unfinished",
				"%d teams have not reported back; wait for them, or say why it is answered already", len(open)).At("reason")
		}
		if len(open) > 0 {
			i.Unfinished = r.Reason
		}
		return nil
	})
}

// Withdraw closes an instruction that was taken back, with the reason. Its open tasks are taken back with it.
func (s *Service) Withdraw(ctx context.Context, id int64, reason, key string) (respond.Receipt, error) {
	who := access.From(ctx)
	return s.endInstruction(ctx, id, "withdrawn", "reason", reason, key, "", func(tx *db.Tx, i *Instruction, open []respond.Task, now time.Time) error {
		for _, t := range open {
			why := Text{En: "the instruction is withdrawn", Zh: "批示已撤回"}
			if _, err := s.Cases.Withdraw(tx, who, t.Case, t.ID, why, i.Answer, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// endInstruction closes an instruction; more does what else is to be done, with the tasks of it that are open.
func (s *Service) endInstruction(ctx context.Context, id int64, state, field, said, key, reason string,
	more func(*db.Tx, *Instruction, []respond.Task, time.Time) error) (respond.Receipt, error) {
	if err := words(&said, field, true, maxLine); err != nil {
		return respond.Receipt{}, err
	}
	var i Instruction
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		i, err = getInstruction(tx, id)
		return err
	})
	if err != nil {
		return respond.Receipt{}, unknown(err, "instruction", id)
	}
	if err := s.decide(ctx, "watch.write", id, i.Desk); err != nil {
		return respond.Receipt{}, err
	}
	who := access.From(ctx)
	return s.Cases.Once(ctx, key, []any{state, id, said, reason}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		i, err := getInstruction(tx, id)
		if err != nil {
			return respond.Receipt{}, err
		}
		if i.State != "open" {
			return respond.Receipt{}, web.Errorf(http.StatusConflict, "watch.instruction_ended", "the instruction is %s", i.State)
		}
		open, err := respond.Tasks(tx, i.origin())
		if err != nil {
			return respond.Receipt{}, err
		}
		open = slices.DeleteFunc(open, func(t respond.Task) bool { return t.State != "open" })
		i.State, i.EndedAt, i.EndedBy, i.Answer = state, now, actorName(who), said
		if err := more(tx, &i, open, now); err != nil {
			return respond.Receipt{}, err
		}
		if err := updateInstruction(tx, i, who.ID); err != nil {
			return respond.Receipt{}, err
		}
		if err := timers.Drop(tx, timerOwner, id, instructionTimer); err != nil {
			return respond.Receipt{}, err
		}
		if i.Case != 0 {
			e := i.ended()
			e.At, e.Actor = now, who
			if err := s.Cases.Enter(tx, i.Case, &e); err != nil {
				return respond.Receipt{}, err
			}
		}
		return respond.Receipt{Case: i.Case, Item: id}, s.instructed(tx, who, i, map[string]any{"state": state, "text_sha256": digest(said, i.Unfinished), "open_tasks": len(open)}, now)
	})
}

// ended is what the case's timeline says of the end of an instruction.
func (i Instruction) ended() respond.Entry {
	e := respond.Entry{Kind: "instruction", Free: i.Answer, Data: map[string]any{"instruction": i.ID, "state": i.State}}
	switch {
	case i.State == "withdrawn":
		e.Text = Text{En: "Instruction of " + i.Leader + " withdrawn", Zh: i.Leader + "批示已撤回"}
	case i.Unfinished != "":
		e.Text = Text{En: "Answered to " + i.Leader + " while teams are still at it", Zh: "承办单位尚未全部办结，先行向" + i.Leader + "反馈"}
		e.Free += "（" + i.Unfinished + "）"
	default:
		e.Text = Text{En: "Answered to " + i.Leader, Zh: "向" + i.Leader + "反馈批示落实情况"}
	}
	return e
}

// instructionPassed notes that an answer is late and tells of it.
func (s *Service) instructionPassed(tx *db.Tx, id int64, now time.Time) error {
	i, err := getInstruction(tx, id)
	if err != nil {
		return err
	}
	if i.State != "open" || i.DueAt.After(now) || !i.OverdueAt.IsZero() {
		return nil
	}
	i.OverdueAt = now
	if err := updateInstruction(tx, i, 0); err != nil {
		return err
	}
	if i.Case != 0 {
		e := respond.Entry{At: now, Actor: access.System("watch"), Kind: "overdue", Text: Text{En: "Answer to an instruction of " + i.Leader + " overdue", Zh: i.Leader + "批示反馈超时"},
			Data: map[string]any{"instruction": id, "due_at": i.DueAt}}
		if err := s.Cases.Enter(tx, i.Case, &e); err != nil {
			return err
		}
	}
	return outbox.Put(tx, events.WatchOverdue{What: "instruction", ID: id, Case: i.Case, Desk: i.Desk, DueAt: i.DueAt, At: now})
}

// InstructionView is an instruction as people see it.
type InstructionView struct {
	ID         int64      `json:"id"`
	At         time.Time  `json:"at"`
	Leader     string     `json:"leader"`
	Text       string     `json:"text"`
	Case       int64      `json:"case,omitempty"`
	Teams      []TeamView `json:"teams"`
	DueAt      time.Time  `json:"due_at"`
	Overdue    bool       `json:"overdue"`
	State      string     `json:"state" enum:"open,answered,withdrawn"`
	By         string     `json:"by" doc:"who took it down"`
	EndedAt    *time.Time `json:"ended_at"`
	EndedBy    string     `json:"ended_by,omitempty"`
	Answer     string     `json:"answer,omitempty" doc:"what was answered to the leader, or why it was withdrawn"`
	Unfinished string     `json:"unfinished,omitempty" doc:"why it was answered while teams were still at it"`
	RecordedAt time.Time  `json:"recorded_at"`
}

// TeamView is what a team made of an instruction.
type TeamView struct {
	Organisation     int64      `json:"organisation"`
	OrganisationName *Text      `json:"organisation_name"`
	Post             string     `json:"post,omitempty"`
	Task             int64      `json:"task,omitempty"`
	State            string     `json:"state,omitempty"`
	AcknowledgedAt   *time.Time `json:"acknowledged_at"`
	DoneAt           *time.Time `json:"done_at"`
	Answer           string     `json:"answer,omitempty"`
}

// Instructions returns those of the desks that the actor sees: the open ones by when they are due, or all, the newest first.
func (s *Service) Instructions(ctx context.Context, open bool) ([]InstructionView, error) {
	if _, err := s.mine(ctx, "watch.log"); err != nil {
		return nil, err
	}
	sees, name, now := s.seen(ctx), s.names(ctx), s.now()
	out := []InstructionView{}
	given := map[int64][]respond.Task{}
	var all []Instruction
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		var list []Instruction
		var err error
		if open {
			list, err = openInstructions(tx)
		} else {
			list, err = newestInstructions(tx, maxReports)
		}
		if err != nil {
			return err
		}
		for _, i := range list {
			if !sees(i.Desk) {
				continue
			}
			if given[i.ID], err = respond.Tasks(tx, i.origin()); err != nil {
				return err
			}
			all = append(all, i)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, i := range all {
		v := InstructionView{
			ID: i.ID, At: i.At, Leader: guard.Mask(i.Leader), Text: guard.Mask(i.Text), Case: i.Case, Teams: []TeamView{}, DueAt: i.DueAt, State: i.State, By: i.By,
			EndedAt: optional(i.EndedAt), EndedBy: i.EndedBy, Answer: guard.Mask(i.Answer), Unfinished: guard.Mask(i.Unfinished), RecordedAt: i.RecordedAt,
			Overdue: i.State == "open" && !i.DueAt.After(now),
		}
		if i.Organisation != 0 {
			v.Teams = append(v.Teams, TeamView{Organisation: i.Organisation, OrganisationName: name(i.Organisation), Post: i.Post})
		}
		for _, t := range given[i.ID] {
			v.Teams = append(v.Teams, TeamView{Organisation: t.Organisation, OrganisationName: name(t.Organisation), Post: guard.Mask(t.Post), Task: t.ID,
				State: t.State, AcknowledgedAt: optional(t.AcknowledgedAt), DoneAt: optional(t.DoneAt), Answer: guard.Mask(t.Answer)})
		}
		out = append(out, v)
	}
	return out, nil
}
