package drill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
	"github.com/anlan-city/anlan/internal/trial/backtest"
)

// Listener is a room that hears of alerts.
type Listener interface {
	Hear(ctx context.Context, m bus.Message) error
}

// Drill is a past under way. It is for one goroutine, but Latest may be asked by any room that the drill itself calls.
type Drill struct {
	clock *clock.Virtual
	rooms []Listener
	loop  *timers.Loop

	streams map[int64]*backtest.Stream
	units   map[string]string // of properties, as detectors judge them
	next    func() (moment, error, bool)
	stop    func()
	ahead   *moment // what was taken from the past and lies beyond the drill's time

	latest map[int64]lifecycle.Reading
	alerts map[alertKey]*alert
	event  int64
	// Raised counts alerts, by detector.
	Raised map[string]int
}

// moment is a reading with what it made the detectors claim.
type moment struct {
	reading engine.Reading
	changes []engine.Change
}

type alertKey struct {
	detector string
	subject  engine.Subject
	since    int64
}

type alert struct {
	id    int64
	level engine.Level
}

var _ respond.Readings = (*Drill)(nil)

// New prepares a drill, which begins where the clock stands. The rooms are given later, by Join, since they want Latest.
func New(ctx context.Context, c *clock.Virtual, detectors []*engine.Detector, h *backtest.History) *Drill {
	d := &Drill{
		clock: c, streams: map[int64]*backtest.Stream{}, units: map[string]string{}, latest: map[int64]lifecycle.Reading{}, alerts: map[alertKey]*alert{}, Raised: map[string]int{},
	}
	for i := range h.Streams {
		d.streams[h.Streams[i].ID] = &h.Streams[i]
	}
	for _, x := range detectors {
		d.units[x.Property.ID] = x.Property.Unit
		for _, in := range x.Inputs {
			d.units[in.Property.ID] = in.Property.Unit
		}
	}
	d.next, d.stop = iter.Pull2(func(yield func(moment, error) bool) {
		over := errors.New("the drill is over")
		err := backtest.Walk(ctx, detectors, h, func(r engine.Reading, changes []engine.Change) error {
			m := moment{reading: r}
			m.changes = append(m.changes, changes...)
			if !yield(m, nil) {
				return over
			}
			return nil
		})
		if err != nil && !errors.Is(err, over) {
			yield(moment{}, err)
		}
	})
	return d
}

// Join lets rooms hear of alerts, and timers fire with the clock.
func (d *Drill) Join(loop *timers.Loop, rooms ...Listener) { d.loop, d.rooms = loop, rooms }

// Close ends the drill.
func (d *Drill) Close() { d.stop() }

// Latest fulfils respond.Readings.
func (d *Drill) Latest(_ context.Context, datastream int64) (lifecycle.Reading, error) {
	r, ok := d.latest[datastream]
	if !ok {
		return r, fmt.Errorf("datastream %d: %w", datastream, db.ErrNotFound)
	}
	return r, nil
}

// To plays the past until the moment at, and leaves the clock there.
func (d *Drill) To(ctx context.Context, at time.Time) error {
	_, err := d.play(ctx, at, func() (bool, error) { return false, nil })
	return err
}

// Until plays the past until enough says so after some reading, at the latest until the moment by; reached says whether it did.
func (d *Drill) Until(ctx context.Context, by time.Time, enough func() (bool, error)) (reached bool, err error) {
	return d.play(ctx, by, enough)
}

func (d *Drill) play(ctx context.Context, by time.Time, enough func() (bool, error)) (bool, error) {
	for {
		m := d.ahead
		if d.ahead = nil; m == nil {
			x, err, ok := d.next()
			if err != nil {
				return false, err
			}
			if !ok {
				return false, d.advance(ctx, by)
			}
			m = &x
		}
		at := time.UnixMicro(m.reading.At).UTC()
		if at.After(by) {
			d.ahead = m
			return false, d.advance(ctx, by)
		}
		if err := d.advance(ctx, at); err != nil {
			return false, err
		}
		d.read(m.reading)
		told := false
		for _, c := range m.changes {
			did, err := d.tell(ctx, c)
			if err != nil {
				return false, err
			}
			told = told || did
		}
		if !told {
			continue
		}
		if done, err := enough(); done || err != nil {
			return done, err
		}
	}
}

// advance moves the clock and fires what is due on the way.
func (d *Drill) advance(ctx context.Context, to time.Time) error {
	for now := d.clock.Now(); now.Before(to); now = d.clock.Now() {
		// In steps, so that a timer finds the clock near its own time.
		d.clock.Advance(min(to.Sub(now), time.Minute))
		for {
			pause, err := d.loop.Fire(ctx)
			if err != nil {
				return err
			}
			if pause > 0 {
				break
			}
		}
	}
	return nil
}

func (d *Drill) read(r engine.Reading) {
	s := d.streams[r.Datastream]
	if s == nil || !r.Number {
		return
	}
	unit := s.Unit
	if u := d.units[s.Property]; u != "" {
		unit = u // into which it was converted
	}
	d.latest[r.Datastream] = lifecycle.Reading{
		Datastream: r.Datastream, Asset: s.Asset, Property: s.Property, Unit: unit, Value: r.Value, At: time.UnixMicro(r.At).UTC(),
	}
}

// tell tells the rooms of a change of a hazard's alert; those of the watch itself concern no plan.
func (d *Drill) tell(ctx context.Context, c engine.Change) (bool, error) {
	if c.Kind != engine.Hazard {
		return false, nil
	}
	if c.Undo { // of a past in the order of time nothing comes late
		return false, fmt.Errorf("%s takes back what it told; a drill has no late readings", c.Detector.ID)
	}
	key := alertKey{c.Detector.ID, c.Subject, c.Since}
	a := d.alerts[key]
	subject := "alert.changed"
	switch {
	case a == nil:
		a = &alert{id: int64(len(d.alerts) + 1)}
		d.alerts[key] = a
		d.Raised[c.Detector.ID]++
		subject = "alert.raised"
	case c.Cleared:
		subject = "alert.cleared"
	}
	if !c.Cleared {
		a.level = c.To
	}
	facts := d.facts(a, c)
	body, err := json.Marshal(facts)
	if err != nil {
		return false, fmt.Errorf("encode alert: %w", err)
	}
	d.event++
	for _, room := range d.rooms {
		if err := room.Hear(ctx, bus.Message{ID: d.event, Subject: subject, Data: body}); err != nil && !errors.Is(err, bus.ErrDrop) {
			return false, fmt.Errorf("%s of %s: %w", subject, c.Detector.ID, err)
		}
	}
	return true, nil
}

func (d *Drill) facts(a *alert, c engine.Change) events.AlertFacts {
	f := events.AlertFacts{
		Alert: a.id, Detector: c.Detector.ID, Kind: "hazard", Level: a.level.String(), Datastreams: c.Datastreams,
		Title: events.AlertText{EN: c.Detector.Title.In("en"), ZH: c.Detector.Title.In("zh-CN")},
		Since: time.UnixMicro(c.Since).UTC(), At: time.UnixMicro(c.At).UTC(),
	}
	if o := c.Detector.Opens; o.Case != "" {
		f.Opens = &events.AlertOpens{Case: o.Case, Plan: o.Plan, From: o.From.String()}
	}
	s := d.streams[c.Datastream]
	if s == nil && len(c.Datastreams) > 0 {
		s = d.streams[c.Datastreams[0]]
	}
	if s == nil {
		return f
	}
	f.Place, f.Area, f.Organisation, f.Point = s.Place, s.Area, s.Organisation, s.Point
	f.PlaceName, f.AreaName = events.AlertText(s.PlaceName), events.AlertText(s.AreaName)
	if c.Subject.Scope == engine.ScopeAsset || c.Subject.Scope == engine.ScopeDatastream {
		f.Asset, f.AssetName = s.Asset, events.AlertText(s.AssetName)
	}
	because := c.Detector.Because(c, s.Stream)
	f.Because = events.AlertText(because)
	return f
}
