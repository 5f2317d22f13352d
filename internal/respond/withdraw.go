package respond

import (
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Withdraw takes an open task of a case back, with why in words of the program and of a person. withdrawn is false where the
// task is not open any more.
func (s *Service) Withdraw(tx *db.Tx, who access.Actor, caseID, task int64, why lifecycle.Text, free string, now time.Time) (withdrawn bool, err error) {
	c, err := getCase(tx, caseID)
	if err != nil {
		return false, err
	}
	all, err := tasks(tx, caseID)
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(all, func(t Task) bool { return t.ID == task })
	if i < 0 {
		return false, nil
	}
	if withdrawn, err = endTask(tx, caseID, task, "withdrawn", now); err != nil || !withdrawn {
		return false, err
	}
	if err := timers.Drop(tx, timerOwner, caseID, taskTimer(task)); err != nil {
		return false, err
	}
	t := taskText("Task withdrawn", "任务撤销", all[i])
	if why != (lifecycle.Text{}) {
		t = lifecycle.Words(t.En+" ("+why.En+")", t.Zh+"（"+why.Zh+"）")
	}
	e := Entry{At: now, Actor: who, Kind: "task", Text: t, Free: guard.Mask(free), Data: map[string]any{"task": task, "state": "withdrawn"}}
	if _, err := insertEntry(tx, caseID, &e); err != nil {
		return false, err
	}
	if err := changed(tx, c, "task", now); err != nil {
		return false, err
	}
	return true, ledger.Append(tx, ledger.Entry{
		Action: "case.task", Actor: actorName(who), ActorID: who.ID, Subject: "case", SubjectID: caseID, At: now,
		Detail: map[string]any{"task": task, "state": "withdrawn"},
	})
}
