package respond

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// sweepEvery is how often old requests are forgotten.
const sweepEvery = time.Hour

// Timers are what the room's timers do; see timers.New.
func (s *Service) Timers() map[string]timers.Fire {
	return map[string]timers.Fire{timerOwner: s.overdue}
}

// sweep forgets requests that nobody may repeat any more, until ctx ends.
func (s *Service) sweep(ctx context.Context) error {
	for {
		now := s.Clock.Now()
		if err := s.DB.Write(ctx, func(tx *db.Tx) error { return forgetRequests(tx, now) }); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "old requests are still kept", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.Clock.After(sweepEvery):
		}
	}
}

// overdue notes that a limit has passed and tells of it. Who is told next, and when, is for whoever hears the event.
func (s *Service) overdue(tx *db.Tx, t timers.Timer, now time.Time) error {
	c, err := getCase(tx, t.ID)
	if err != nil {
		return err
	}
	e := Entry{At: now, Actor: access.System("respond"), Kind: "overdue", Data: map[string]any{"due_at": t.DueAt}}
	var taskID int64
	if number, isTask := strings.CutPrefix(t.Name, "task:"); isTask {
		if taskID, err = strconv.ParseInt(number, 10, 64); err != nil {
			return err
		}
		all, err := tasks(tx, c.ID)
		if err != nil {
			return err
		}
		for _, task := range all {
			if task.ID == taskID {
				e.Text, e.Free = taskText("Task overdue", "任务超时", task), task.Free
			}
		}
		e.Data["task"] = taskID
	} else {
		k, err := s.version(tx, c.Definition)
		if err != nil {
			return err
		}
		title := k.State(c.State).Title
		e.Text = lifecycle.Words("Overdue in the state “"+title.En+"”", "环节“"+title.Zh+"”已超时")
		e.Data["state"] = c.State
	}
	if _, err := insertEntry(tx, c.ID, &e); err != nil {
		return err
	}
	return outbox.Put(tx, events.CaseOverdue{
		Case: c.ID, Kind: c.Kind, State: c.State, Task: taskID, Level: c.Level, Area: c.Area, Owner: c.Owner, DueAt: t.DueAt, At: now,
	})
}
