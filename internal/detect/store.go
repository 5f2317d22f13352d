package detect

import (
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/platform/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the room's tables.
func Migrations() db.Migrations { return db.Embedded("detect", migrations) }

func (a *Alert) facts() (string, error) {
	var works *PlannedWorks
	if a.Works != nil {
		works = &a.Works.PlannedWorks
	}
	b, err := json.Marshal(facts{
		Title: a.Title, Because: a.Because, Rule: a.Rule, Clears: a.Clears, AssetName: a.AssetName, PlaceName: a.PlaceName, AreaName: a.AreaName,
		Unit: a.Unit, Readings: a.Readings, Datastreams: a.Datastreams, Maturity: a.Maturity, Opens: a.opens, Works: works,
		Figures: a.Figures, Others: a.others, Deviators: a.deviators, Signals: a.Signals,
	})
	return string(b), err
}

// insertEvent adds a row of an alert's history. fresh is false when it is there already.
func insertEvent(tx *db.Tx, alert int64, kind string, at, now time.Time, level engine.Level, actor string, actorID int64, note string, because *Wording) (fresh bool, err error) {
	body, err := json.Marshal(because)
	if err != nil {
		return false, err
	}
	var id int64
	err = tx.QueryRow(`insert into alert_events (alert, at, recorded_at, kind, level, actor, actor_id, note, facts)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (alert, kind, at, level) do nothing returning id`,
		alert, db.Micros(at), db.Micros(now), kind, int64(level), actor, actorID, note, string(body)).Scan(&id)
	if errors.Is(err, db.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// insertWord adds a row of an alert's history that is told from others of its instant by who said what: a second word is kept,
// a repeated one is not. It stands a microsecond behind the one before it.
func insertWord(tx *db.Tx, alert int64, kind string, at, now time.Time, level engine.Level, actor string, actorID int64, note string) error {
	for ; ; at = at.Add(time.Microsecond) {
		fresh, err := insertEvent(tx, alert, kind, at, now, level, actor, actorID, note, nil)
		if err != nil || fresh {
			return err
		}
		var same int
		err = tx.QueryRow(`select count(*) from alert_events where alert = $1 and kind = $2 and at = $3 and level = $4 and actor_id = $5 and note = $6`,
			alert, kind, db.Micros(at), int64(level), actorID, note).Scan(&same)
		if err != nil || same > 0 {
			return err
		}
	}
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

const columns = `id, detector, kind, fault, scope, subject, since, level, state, raised_at, acknowledged_at, coalesce(acknowledged_by, ''),
	cleared_at, datastream, asset, place, area, organisation, lon, lat, case_id, facts, works, works_over_at, lead, shelf, shelf_until,
	shelf_over_at, design, design_over_at, chatters, amended`

func scanAlert(row interface{ Scan(...any) error }) (*Alert, error) {
	a := &Alert{}
	var scope, since, level, raised, chatters, amended int64
	var acknowledged, cleared, caseID, works, over, lead, shelf, shelfUntil, shelfOver, design, designOver sql.NullInt64
	var lon, lat sql.NullFloat64
	var body string
	err := row.Scan(&a.ID, &a.Detector, &a.Kind, &a.Fault, &scope, &a.key.subject.ID, &since, &level, &a.State, &raised, &acknowledged, &a.AcknowledgedBy,
		&cleared, &a.Datastream, &a.Asset, &a.Place, &a.Area, &a.Organisation, &lon, &lat, &caseID, &body, &works, &over, &lead, &shelf, &shelfUntil,
		&shelfOver, &design, &designOver, &chatters, &amended)
	if err != nil {
		return nil, err
	}
	var f facts
	if err := json.Unmarshal([]byte(body), &f); err != nil {
		return nil, fmt.Errorf("facts of alert %d: %w", a.ID, err)
	}
	a.key.detector, a.key.kind, a.key.fault, a.key.subject.Scope, a.key.since = a.Detector, a.Kind, a.Fault, engine.Scope(scope), since
	a.Lead, a.Chatters, a.Amended, a.Maturity = lead.Int64, chatters == 1, amended == 1, f.Maturity
	if shelf.Valid {
		a.Shelf = &Shelved{Shelf: shelf.Int64, Until: db.Time(shelfUntil.Int64), OverAt: optional(shelfOver)}
	}
	if design.Valid {
		a.Design = &Explained{Alert: design.Int64, OverAt: optional(designOver)}
	}
	a.Level, a.Since, a.RaisedAt = engine.Level(level), db.Time(since), db.Time(raised)
	a.AcknowledgedAt, a.ClearedAt = optional(acknowledged), optional(cleared)
	a.Title, a.Because, a.Rule, a.Clears, a.opens = f.Title, f.Because, f.Rule, f.Clears, f.Opens
	a.AssetName, a.PlaceName, a.AreaName, a.Unit = f.AssetName, f.PlaceName, f.AreaName, f.Unit
	a.Readings, a.Datastreams, a.Figures = f.Readings, f.Datastreams, f.Figures
	a.others, a.deviators, a.Signals = f.Others, f.Deviators, f.Signals
	if lon.Valid && lat.Valid {
		a.Point = &[2]float64{lon.Float64, lat.Float64}
	}
	if caseID.Valid {
		a.Case = &caseID.Int64
	}
	if works.Valid && f.Works != nil {
		a.Works = &DuringWorks{PlannedWorks: *f.Works, OverAt: optional(over)}
	}
	return a, nil
}

func optional(us sql.NullInt64) *time.Time {
	if !us.Valid {
		return nil
	}
	t := db.Time(us.Int64)
	return &t
}

func optionalMicros(t *time.Time) sql.NullInt64 {
	if t == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: db.Micros(*t), Valid: true}
}

// null is an id as it is stored: 0 is none.
func null(id int64) sql.NullInt64 { return sql.NullInt64{Int64: id, Valid: id != 0} }

// alertByName is the alert that has, or had, a name.
func alertByName(tx *db.Tx, k key) (*Alert, error) {
	a, err := scanAlert(tx.QueryRow(`select `+columns+` from alerts where id = (select alert from alert_names where detector = $1 and kind = $2
			and fault = $3 and scope = $4 and subject = $5 and since = $6)`,
		k.detector, string(k.kind), string(k.fault), int64(k.subject.Scope), k.subject.ID, k.since))
	if err != nil {
		return nil, err
	}
	if a.AcknowledgedAt != nil {
		err = tx.QueryRow(`select coalesce(max(id), 0) from alert_events where alert = $1 and kind = 'acknowledged'`, a.ID).Scan(&a.acknowledgedIn)
	}
	return a, err
}

func alertByID(tx *db.Tx, id int64) (*Alert, error) {
	return scanAlert(tx.QueryRow(`select `+columns+` from alerts where id = $1`, id))
}

// restsIn says in SQL that an alert rests: $1 are the works that are on as a JSON list, $2 the time.
const restsIn = `(state <> 'cleared' and (works_over_at is null and works is not null and works in (select cast(value as bigint) from json_list($1))
	or shelf is not null and shelf_over_at is null and shelf_until > $2 or design is not null and design_over_at is null))`

// alerts are the alerts before an id (0: the newest), newest first. works are those that are on.
func alerts(tx *db.Tx, f Filter, works []int64, now time.Time, before int64, limit int) (out []*Alert, err error) {
	list, err := json.Marshal(works)
	if err != nil {
		return nil, err
	}
	where, args := map[Rest]string{"": "", RestsNow: " and " + restsIn, Counts: " and not coalesce(" + restsIn + ", false)"}[f.Rest], []any{string(list), db.Micros(now), limit}
	for _, c := range f.conditions(before) {
		args = append(args, c.value)
		where += fmt.Sprintf(" and "+c.sql, len(args))
	}
	if f.Open {
		where += " and state <> 'cleared'"
	}
	err = tx.Each(func(rows *sql.Rows) error {
		a, err := scanAlert(rows)
		out = append(out, a)
		return err
	}, `select `+columns+` from alerts where cast($1 as text) <> '' and cast($2 as bigint) <> 0`+where+` order by id desc nulls last limit $3`, args...)
	return out, err
}

// condition is one in SQL on one value.
type condition struct {
	sql   string // %[1]d is the number of the value
	value any
}

// conditions are those of the filter that are not about rests.
func (f Filter) conditions(before int64) (out []condition) {
	add := func(is bool, sql string, value any) {
		if is {
			out = append(out, condition{sql, value})
		}
	}
	owned, _ := json.Marshal(append([]string{}, f.owned...)) // strings can be written
	add(before != 0, "id < cast($%[1]d as bigint)", before)
	add(f.Led != 0, "lead = cast($%[1]d as bigint)", f.Led)
	add(strings.Contains(f.Detector, "/"), "detector = cast($%[1]d as text)", f.Detector)
	add(f.Detector != "" && !strings.Contains(f.Detector, "/"), "substr(detector, 1, length(cast($%[1]d as text))) = cast($%[1]d as text)", f.Detector+"/")
	add(f.Owner != "", "detector in (select value from json_list($%[1]d))", string(owned))
	add(f.Kind != "", "kind = cast($%[1]d as text)", f.Kind)
	add(f.Outcome == Unverified, "cast($%[1]d as text) <> '' and id not in (select alert from alert_verdicts)", f.Outcome)
	add(f.Outcome != "" && f.Outcome != Unverified, "id in (select alert from alert_verdicts where verdict = cast($%[1]d as text))", f.Outcome)
	add(f.Asset != 0, "asset = cast($%[1]d as bigint)", f.Asset)
	add(!f.From.IsZero(), "raised_at >= cast($%[1]d as bigint)", db.Micros(f.From))
	add(!f.To.IsZero(), "raised_at < cast($%[1]d as bigint)", db.Micros(f.To))
	return out
}

// countResting counts the alerts that rest. works are those that are on.
func countResting(tx *db.Tx, works []int64, now time.Time) (n int, err error) {
	list, err := json.Marshal(works)
	if err != nil {
		return 0, err
	}
	err = tx.QueryRow(`select count(*) from alerts where `+restsIn, string(list), db.Micros(now)).Scan(&n)
	return n, err
}

// markedAlerts are the alerts that stand and have a rest that was not told to be over.
func markedAlerts(tx *db.Tx) (out []*Alert, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		a, err := scanAlert(rows)
		out = append(out, a)
		return err
	}, `select `+columns+` from alerts where state <> 'cleared' and (works is not null and works_over_at is null
			or shelf is not null and shelf_over_at is null or design is not null and design_over_at is null) order by id nulls last`)
	return out, err
}

func history(tx *db.Tx, alert int64) ([]Step, error) {
	return steps(tx, `where alert = $1 order by id nulls last`, alert)
}

func steps(tx *db.Tx, which string, args ...any) (out []Step, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var s Step
		var at, level int64
		var since, undone sql.NullInt64
		var body string
		if err := rows.Scan(&s.ID, &at, &s.Kind, &level, &s.Actor, &s.Note, &body, &since, &undone); err != nil {
			return err
		}
		s.At, s.Level, s.since, s.UndoneAt = db.Time(at), engine.Level(level), since.Int64, optional(undone)
		err := s.take(body)
		out = append(out, s)
		return err
	}, `select id, at, kind, level, actor, note, facts, since, undone_at from alert_events `+which, args...)
	return out, err
}

// acknowledge marks an alert. It is the caller's to look whether it may be.
func acknowledge(tx *db.Tx, a *Alert, by string, byID int64, at time.Time) error {
	if a.State == Raised {
		a.State = Acknowledged
	}
	a.AcknowledgedAt, a.AcknowledgedBy = &at, by
	_, err := tx.Exec(`update alerts set state = $1, acknowledged_at = $2, acknowledged_by = $3, acknowledged_by_id = $4 where id = $5`,
		a.State, db.Micros(at), by, byID, a.ID)
	return err
}

// linkCase notes which case works on an alert.
func linkCase(tx *db.Tx, alert, caseID int64) error {
	_, err := tx.Exec(`update alerts set case_id = $1 where id = $2`, caseID, alert)
	return err
}

// openByAsset are the worst open level and whether an instrument is silent, for each of the assets that has an open alert.
func openByAsset(tx *db.Tx, assets []int64) (map[int64]AssetState, error) {
	list, err := json.Marshal(assets)
	if err != nil {
		return nil, err
	}
	out := map[int64]AssetState{}
	err = tx.Each(func(rows *sql.Rows) error {
		var asset, level, silent int64
		if err := rows.Scan(&asset, &level, &silent); err != nil {
			return err
		}
		out[asset] = AssetState{Level: engine.Level(level), Silent: silent > 0}
		return nil
	}, `select asset, max(level), max(case when kind = 'monitoring' then 1 else 0 end) from alerts
		where state <> 'cleared' and asset in (select cast(value as bigint) from json_list($1)) group by asset`, string(list))
	return out, err
}

// silentAssets counts the assets about which nothing is claimed but silence.
func silentAssets(tx *db.Tx) (n int, err error) {
	err = tx.QueryRow(`select count(*) from (select asset from alerts where state <> 'cleared' group by asset having max(level) = $1) as quiet`, int(engine.None)).Scan(&n)
	return n, err
}
