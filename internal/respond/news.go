package respond

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Run listens to the other rooms until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	ctx = access.With(ctx, access.System("respond"))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.sweep(ctx) })
	g.Go(func() error {
		return s.News.Consume(ctx, "respond", []string{"alert.raised", "alert.changed", "alert.rest_over", "alert.cleared", "finding.recorded", "report.received"}, s.Hear)
	})
	return g.Wait()
}

// Hear takes an event of another room. It may come more than once.
func (s *Service) Hear(ctx context.Context, m bus.Message) error {
	switch m.Subject {
	case "alert.raised", "alert.changed", "alert.rest_over":
		return s.alert(ctx, m)
	case "alert.cleared":
		return s.alertCleared(ctx, m)
	case "finding.recorded":
		var e events.FindingRecorded
		if err := json.Unmarshal(m.Data, &e); err != nil {
			return drop(err)
		}
		f, err := s.Findings.Finding(ctx, e.Finding)
		if web.NotFound(err) {
			return drop(err) // news of before the store was restored
		}
		if err != nil {
			return err
		}
		if _, err = s.OpenForFinding(ctx, f); errors.Is(err, errUnknownKind) {
			return drop(err)
		}
		return err
	case "report.received":
		return s.report(ctx, m)
	}
	return nil
}

// drop lets an event go that no repeat can make good; the alert or the finding itself stays in its own list.
func drop(err error) error { return fmt.Errorf("%w: %w", bus.ErrDrop, err) }

// alert opens the case of an alert that asks for one at its level, or notes in the case that the level has changed. An alert
// that rests opens none; alert.rest_over comes when it no longer does. One that belongs to a group whose lead has an open case
// of the same kind is noted there.
func (s *Service) alert(ctx context.Context, m bus.Message) error {
	var a events.AlertFacts
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return drop(err)
	}
	spot, err := s.Register.Locate(ctx, inspect.Spot{Asset: a.Asset, Place: a.Place, Area: a.Area, Point: a.Point})
	if err != nil && !errors.Is(err, db.ErrNotFound) { // an asset that was deleted meanwhile has leaked all the same
		return fmt.Errorf("locate alert %d: %w", a.Alert, err)
	}
	r := access.Resource{Type: "case", Organisation: spot.Owner, Area: spot.Area}
	if err := s.Access.Decide(ctx, "case.open", r, access.Operations); err != nil {
		return err
	}
	who := access.From(ctx)
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		now := s.now()
		c, err := caseFor(tx, "alert", a.Alert)
		none := errors.Is(err, db.ErrNotFound)
		switch {
		case err != nil && !none:
			return err
		case none && (a.Opens == nil || a.Opens.Case == "" || !reaches(a.Level, a.Opens.From) || a.Rests):
			return nil
		}
		if fresh, err := takeNews(tx, a.Alert, m.ID); err != nil || !fresh {
			return err
		}
		if none {
			return s.opens(tx, m, a, spot, who, now)
		}
		if m.Subject == "alert.raised" || c.Level == a.Level {
			return nil // it says nothing new
		}
		own := c.Alert == a.Alert && c.MergedInto == 0
		if c, err = goesOn(tx, c); err != nil {
			return err
		}
		added, err := insertEntry(tx, c.ID, &Entry{
			At: now, Actor: who, Kind: "alert", Event: m.ID, Data: map[string]any{"alert": a.Alert, "level": a.Level},
			Text: lifecycle.Words("The alert is now "+a.Level, "告警级别变为"+levelNames[a.Level]),
		})
		if err != nil || !added {
			return err
		}
		if own || reaches(a.Level, c.Level) { // one of several alerts that calms down calms no case
			c.Level = a.Level
		}
		if err := updateCase(tx, c, c.Generation); err != nil {
			return err
		}
		return changed(tx, c, "alert", now)
	})
	if errors.Is(err, errUnknownKind) {
		return drop(err)
	}
	return err
}

// opens opens the case of an alert that has none, or has it noted in that of its lead. m is the news that says so.
func (s *Service) opens(tx *db.Tx, m bus.Message, a events.AlertFacts, spot inspect.Spot, who access.Actor, now time.Time) error {
	if a.Lead != 0 { // one cause is one case
		led, err := caseFor(tx, "alert", a.Lead)
		if err == nil {
			led, err = goesOn(tx, led)
		}
		if err == nil && led.Kind == a.Opens.Case && led.ClosedAt.IsZero() {
			return s.joins(tx, led, a, m.ID, who, now)
		}
		if err != nil && !errors.Is(err, db.ErrNotFound) {
			return err
		}
	}
	why := lifecycle.Words("Opened for the alert: "+a.Title.EN, "根据告警立案："+a.Title.ZH)
	if m.Subject == "alert.rest_over" {
		why = lifecycle.Words("Opened for an alert that had rested and stands: "+a.Title.EN, "暂缓处置的告警尚未恢复，现予立案："+a.Title.ZH)
	}
	o := Opening{Kind: a.Opens.Case, Level: a.Level, Alert: a.Alert, Datastreams: a.Datastreams, Spot: spot}
	first := Entry{Kind: "alert", Text: why, Event: m.ID, Data: map[string]any{"alert": a.Alert, "level": a.Level, "detector": a.Detector}}
	if again, err := s.recur(tx, who, o, first, now); err != nil || again != nil {
		return err
	}
	_, _, err := s.open(tx, who, o, first, now)
	return err
}

// joins notes in an open case that a further alert belongs to its cause. event is the news that says so.
func (s *Service) joins(tx *db.Tx, c *Case, a events.AlertFacts, event int64, who access.Actor, now time.Time) error {
	added, err := insertEntry(tx, c.ID, &Entry{
		At: now, Actor: who, Kind: "alert", Event: event, Data: map[string]any{"alert": a.Alert, "level": a.Level},
		Text: lifecycle.Words("A further alert of the same cause: "+a.Title.EN+", "+a.Level, "同因告警："+a.Title.ZH+"，"+levelNames[a.Level]),
	})
	if err != nil || !added {
		return err
	}
	if err := link(tx, c.ID, "alert", a.Alert); err != nil {
		return err
	}
	for _, id := range a.Datastreams {
		if !slices.Contains(c.Datastreams, id) {
			c.Datastreams = append(c.Datastreams, id)
		}
	}
	if reaches(a.Level, c.Level) {
		c.Level = a.Level
	}
	if err := updateCase(tx, c, c.Generation); err != nil {
		return err
	}
	return changed(tx, c, "alert", now)
}

// report opens the case of a report, where a pack has a kind for reports: one report, one case. What was said stays in its room.
func (s *Service) report(ctx context.Context, m bus.Message) error {
	k := s.opener("report")
	if k == nil {
		return nil
	}
	var r events.ReportReceived
	if err := json.Unmarshal(m.Data, &r); err != nil {
		return drop(err)
	}
	if r.Closed || s.now().Sub(r.At) > historyAfter {
		return nil
	}
	spot, err := s.Register.Locate(ctx, inspect.Spot{Area: r.Area, Point: r.Point})
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return fmt.Errorf("locate report %d: %w", r.Report, err)
	}
	spot.Owner = 0 // whose work it is, the desk decides
	if err := s.Access.Decide(ctx, "case.open", access.Resource{Type: "case", Area: spot.Area}, access.Operations); err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		if _, err := caseFor(tx, "report", r.Report); !errors.Is(err, db.ErrNotFound) {
			return err
		}
		o := Opening{Kind: k.ID, Category: r.Category, Report: r.Report, Spot: spot}
		first := Entry{Kind: "report", Text: lifecycle.Words("Opened for report "+r.Number, "根据诉求 "+r.Number+" 立案"), Event: m.ID,
			Data: map[string]any{"report": r.Report, "number": r.Number, "category": r.Category, "channel": r.Channel}}
		now := s.now()
		if again, err := s.recur(tx, access.From(ctx), o, first, now); err != nil || again != nil {
			return err
		}
		_, _, err := s.open(tx, access.From(ctx), o, first, now)
		return err
	})
}

// historyAfter is how old a report may be that opens a case: older ones are brought along, not told now.
const historyAfter = 7 * 24 * time.Hour

// alertCleared notes that an alert is over. It closes nothing: that the sensor is quiet is not yet a proof.
func (s *Service) alertCleared(ctx context.Context, m bus.Message) error {
	var a events.AlertFacts
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return drop(err)
	}
	who := access.From(ctx)
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		c, err := caseFor(tx, "alert", a.Alert)
		if errors.Is(err, db.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if fresh, err := takeNews(tx, a.Alert, m.ID); err != nil || !fresh {
			return err
		}
		if c, err = goesOn(tx, c); err != nil {
			return err
		}
		now := s.now()
		added, err := insertEntry(tx, c.ID, &Entry{
			At: now, Actor: who, Kind: "alert", Event: m.ID, Data: map[string]any{"alert": a.Alert, "state": "cleared"},
			Text: lifecycle.Words("The alert has cleared", "告警已恢复"),
		})
		if err != nil || !added {
			return err
		}
		return changed(tx, c, "alert", now)
	})
}

// levels from the lowest.
var levels = []string{"blue", "yellow", "orange", "red"}

var levelNames = map[string]string{"blue": "蓝色", "yellow": "黄色", "orange": "橙色", "red": "红色"}

// reaches says whether level is at least from; an empty from asks for nothing.
func reaches(level, from string) bool {
	return from == "" || slices.Index(levels, level) >= 0 && slices.Index(levels, level) >= slices.Index(levels, from)
}
