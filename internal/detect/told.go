package detect

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/methods/verify"
	"github.com/anlan-city/anlan/internal/platform/db"
)

const (
	tenMinutes = 10 * time.Minute
	loadDay    = 24 * time.Hour
)

// PositionLoad is what one operating position has on its hands just now.
type PositionLoad struct {
	Position   string     `json:"position" doc:"the post that owns the detectors; empty: of detectors that are gone"`
	Last10Min  int        `json:"last_10_min" doc:"alarms told in the last ten minutes"`
	LastHour   int        `json:"last_hour"`
	LastDay    int        `json:"last_day"`
	FloodSince *time.Time `json:"flood_since" doc:"since when alarms come faster than a person can follow; null: they don't"`
	Standing   int        `json:"standing" doc:"alerts that have not cleared and count"`
	Resting    int        `json:"resting" doc:"alerts that have not cleared and rest"`
}

// LoadNow is the load of each operating position as it stands: computed from the alerts' rows, so that a start changes nothing.
func (s *Service) LoadNow(ctx context.Context) (at time.Time, out []PositionLoad, err error) {
	if err := s.Access.Decide(ctx, "watch.read", access.Resource{Type: "watch"}, access.Operations); err != nil {
		return at, nil, err
	}
	at = s.Clock.Now()
	now := db.Micros(at)
	names, err := s.named(ctx)
	if err != nil {
		return at, nil, err
	}
	owner, positions, alarms := map[string]string{}, map[string]*PositionLoad{}, map[string][]int64{}
	position := func(name string) *PositionLoad {
		if positions[name] == nil {
			positions[name] = &PositionLoad{Position: name}
		}
		return positions[name]
	}
	for _, d := range names {
		owner[d.ID] = d.Owner
		if d.Watches {
			position(d.Owner)
		}
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		told, err := toldAlarms(tx, now-loadDay.Microseconds(), now+1)
		if err != nil {
			return err
		}
		for _, t := range told {
			if t.what != alarmRaised && t.what != alarmReturned && t.what != alarmCounts {
				continue
			}
			name := owner[t.detector]
			alarms[name] = append(alarms[name], t.at)
			p := position(name)
			p.LastDay++
			p.LastHour += int(bit(t.at > now-time.Hour.Microseconds()))
			p.Last10Min += int(bit(t.at > now-tenMinutes.Microseconds()))
		}
		works, err := s.resting(tx)
		if err != nil {
			return err
		}
		return standingByDetector(tx, works, at, func(detector string, standing, resting int) {
			p := position(owner[detector])
			p.Standing += standing
			p.Resting += resting
		})
	})
	if err != nil {
		return at, nil, fmt.Errorf("alarm load: %w", err)
	}
	out = []PositionLoad{}
	for _, name := range slices.Sorted(maps.Keys(positions)) {
		p := positions[name]
		if since, flooded := verify.FloodSince(alarms[name], now); flooded {
			t := db.Time(since)
			p.FloodSince = &t
		}
		out = append(out, *p)
	}
	return at, out, nil
}

// toldAlarm is something about an alert that an operating position was told, or was spared.
type toldAlarm struct {
	what                   alarmStep
	at                     int64 // by the clock
	alert                  int64
	detector               string
	scope, subject         int64
	fault                  string
	level                  engine.Level
	monitoring, grouped    bool
	flapping               bool
	works, shelved, design bool // of alarmRested: what for
}

// source names what keeps raising: a detector, or a fault that it sees, at one subject.
func (t toldAlarm) source() string {
	return t.detector + " " + t.fault + " " + strconv.FormatInt(t.scope, 10) + " " + strconv.FormatInt(t.subject, 10)
}

type alarmStep uint8

const (
	alarmRaised   alarmStep = iota
	alarmReturned           // it came back soon after it had cleared, as the same alert
	alarmCounts             // it was told while it rested, and rests no more
	alarmRested             // told while it rests
	alarmCleared
	alarmStood // at is since when; it lies before the time asked for
	alarmStale // it has counted and stood for over a day, at the end of the time asked for
)

// toldAlarms are what was told at or after from and before to, in order, with what stood at either end. Steps that a late
// reading took back were told all the same, so they count, except that an alert is told as raised only once and that a taken
// back end or return of it leaves no mark.
func toldAlarms(tx *db.Tx, from, to int64) ([]toldAlarm, error) {
	const which = `(select alert from alert_events where kind in ('raised', 'again', 'cleared') and recorded_at >= $1 and recorded_at < $2
		union select id from alerts where state <> 'cleared' union select id from alerts where cleared_at is not null and cleared_at >= $2 and raised_at < $1)`
	lives := map[int64]*alertLife{}
	err := tx.Each(func(rows *sql.Rows) error {
		x := &alertLife{}
		var kind string
		var lead, works, worksOver, shelf, shelfOver, shelfUntil, design, designOver sql.NullInt64
		err := rows.Scan(&x.alert, &x.detector, &kind, &x.fault, &x.scope, &x.subject, &lead, &works, &worksOver, &shelf, &shelfOver, &shelfUntil, &design, &designOver)
		x.monitoring, x.grouped = kind == string(engine.Monitoring), lead.Valid
		x.shelf = rest{shelf.Valid, shelfOver}
		x.shelfUntil = shelfUntil.Int64
		x.inWorks, x.byDesign = rest{works.Valid, worksOver}, rest{design.Valid, designOver}
		lives[x.alert] = x
		return err
	}, `select id, detector, kind, fault, scope, subject, lead, works, works_over_at, shelf, shelf_over_at, shelf_until, design, design_over_at
		from alerts where id in `+which, from, to)
	if err != nil {
		return nil, err
	}
	err = tx.Each(func(rows *sql.Rows) error {
		var alert, level int64
		var e lifeEvent
		if err := rows.Scan(&alert, &e.kind, &e.at, &level, &e.note, &e.undone); err != nil {
			return err
		}
		e.level = engine.Level(level)
		if x := lives[alert]; x != nil {
			x.events = append(x.events, e)
		}
		return nil
	}, `select alert, kind, recorded_at, level, note, case when undone_at is null then 0 else 1 end from alert_events
		where kind in ('raised', 'again', 'cleared', 'shelved') and alert in `+which+` order by recorded_at nulls last, id nulls last`, from, to)
	if err != nil {
		return nil, err
	}
	var out []toldAlarm
	for _, id := range slices.Sorted(maps.Keys(lives)) {
		out = lives[id].tell(out, from, to)
	}
	slices.SortStableFunc(out, func(a, b toldAlarm) int { return cmp.Compare(a.at, b.at) })
	return out, nil
}

// alertLife is an alert with what was told of it.
type alertLife struct {
	toldAlarm
	inWorks, shelf, byDesign rest
	shelfUntil               int64
	events                   []lifeEvent
}

// rest is one of an alert's reasons to rest.
type rest struct {
	is   bool
	over sql.NullInt64
}

// by is when the rest is over; ok is false while it is not.
func (r rest) by() (at int64, ok bool) {
	if !r.is {
		return 0, true
	}
	return r.over.Int64, r.over.Valid
}

type lifeEvent struct {
	kind   string
	at     int64
	level  engine.Level
	note   string
	undone bool
}

// tell adds what was told of the alert in [from, to).
func (x *alertLife) tell(out []toldAlarm, from, to int64) []toldAlarm {
	first := slices.IndexFunc(x.events, func(e lifeEvent) bool { return e.kind == "raised" })
	if first < 0 {
		return out
	}
	told := x.events[first].at
	add := func(what alarmStep, at int64, level engine.Level) {
		t := x.toldAlarm
		t.what, t.at, t.level = what, at, level
		out = append(out, t)
	}
	within := func(at int64) bool { return at >= from && at < to }

	// A shelf that was put up for this alert came after it was told.
	shelvedAt := int64(0)
	for _, e := range x.events {
		if e.kind == "shelved" && shelvedAt == 0 {
			shelvedAt = e.at
		}
	}
	onShelf := rest{x.shelf.is && shelvedAt == 0, x.shelf.over}
	counts, known := told, true
	for _, r := range []rest{x.inWorks, onShelf, x.byDesign} {
		at, ok := r.by()
		counts, known = max(counts, at), known && ok
	}
	rested := !known || counts > told
	if rested && within(told) {
		x.works, x.shelved, x.design = x.inWorks.is, onShelf.is, x.byDesign.is
		add(alarmRested, told, x.events[first].level)
		x.works, x.shelved, x.design = false, false, false
	}
	if !known {
		return out
	}
	shelfEnd := x.shelfUntil
	if x.shelf.over.Valid {
		shelfEnd = x.shelf.over.Int64
	}
	stands, since := true, counts
	switch {
	case !within(counts):
	case rested:
		add(alarmCounts, counts, x.events[first].level)
	default:
		add(alarmRaised, counts, x.events[first].level)
	}
	stood := counts < from
	for _, e := range x.events {
		if e.at < counts || e.undone || e.at >= to {
			continue
		}
		switch e.kind {
		case "cleared":
			if stands && stood && e.at >= from {
				add(alarmStood, since, e.level)
				stood = false
			}
			if within(e.at) {
				add(alarmCleared, e.at, e.level)
			}
			stands = false
		case "again":
			if !stands {
				since = e.at
				stood = e.at < from
			}
			stands = true
			if within(e.at) && !(shelvedAt != 0 && e.at >= shelvedAt && e.at < shelfEnd) {
				x.flapping = e.note == chattering
				add(alarmReturned, e.at, e.level)
				x.flapping = false
			}
		}
	}
	if counts >= to || !stands {
		return out
	}
	if stood {
		add(alarmStood, since, x.events[first].level)
	}
	if to-since > loadDay.Microseconds() {
		add(alarmStale, to, x.events[first].level)
	}
	return out
}
