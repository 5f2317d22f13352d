package respond

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

const (
	timerSignal = "respond.timers"
	// lookEvery is the longest that the loop sleeps, whatever the next appointment: after a jump of the machine's clock a
	// sleep that was measured before it would wake too late.
	lookEvery = time.Second
	// timerBatch bounds how many timers fire in one transaction, so that a restart after a long night does not hold the
	// writer.
	timerBatch = 100
)

// runTimers fires due timers until ctx ends.
func (s *Service) runTimers(ctx context.Context) error {
	swept := s.Clock.Now()
	for {
		pause, err := s.fire(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			slog.ErrorContext(ctx, "timers wait", "err", err)
			pause = lookEvery
		}
		if now := s.Clock.Now(); now.Sub(swept) >= time.Hour || now.Before(swept) {
			swept = now
			if err := s.DB.Write(ctx, func(tx *db.Tx) error { return forgetRequests(tx, now) }); err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "old requests are still kept", "err", err)
			}
		}
		if pause <= 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.DB.Signal(timerSignal):
		case <-s.Clock.After(pause):
		}
	}
}

// fire fires up to one batch of due timers and says how long to sleep; 0 when more may be due.
func (s *Service) fire(ctx context.Context) (time.Duration, error) {
	now := s.Clock.Now()
	var due []timer
	var next time.Time
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if due, err = dueTimers(tx, now, timerBatch); err != nil || len(due) > 0 {
			return err
		}
		next, err = nextTimer(tx)
		return err
	})
	if err != nil || len(due) == 0 {
		if next.IsZero() {
			return lookEvery, err
		}
		return min(next.Sub(now), lookEvery), err
	}
	// Each timer is a write of its own, so that one which cannot fire holds up no other; they share a commit.
	errs := make(chan error, len(due))
	var failed error
	queued := 0
	for _, t := range due {
		if err := s.DB.WriteAsync(ctx, func(tx *db.Tx) error { return s.fireOne(tx, t) }, func(err error) { errs <- err }); err != nil {
			failed = err
			break
		}
		queued++
	}
	for range queued {
		failed = errors.Join(failed, <-errs)
	}
	return 0, failed
}

func (s *Service) fireOne(tx *db.Tx, t timer) error {
	taken, err := takeTimer(tx, t)
	if err != nil || !taken { // not taken: the case has moved on since the timers were read
		return err
	}
	return s.overdue(tx, t, s.now())
}

// overdue notes that a limit has passed and tells of it. Who is told next, and when, is for whoever hears the event.
func (s *Service) overdue(tx *db.Tx, t timer, now time.Time) error {
	c, err := getCase(tx, t.Case)
	if err != nil {
		return err
	}
	e := Entry{At: now, Actor: access.System("respond"), Kind: "overdue", Data: map[string]any{"due_at": t.DueAt}}
	var taskID int64
	if number, isTask := strings.CutPrefix(t.Name, "task:"); isTask {
		if taskID, err = strconv.ParseInt(number, 10, 64); err != nil {
			return fmt.Errorf("timer %q of case %d: %w", t.Name, t.Case, err)
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
