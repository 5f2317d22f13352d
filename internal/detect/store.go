package detect

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the room's tables.
func Migrations() db.Migrations { return db.Embedded("detect", migrations) }

// step is one change with everything that its rows and its news need, gathered before the transaction.
type step struct {
	Change
	alert   *Alert // of a change that raises one
	because Wording
	reason  string // of a change that clears one
}

// record writes what changed. A step that is written already is left alone, with its news, so that a step may be recorded
// any number of times.
func record(ctx context.Context, d *db.DB, steps []step, now time.Time) error {
	return d.Write(ctx, func(tx *db.Tx) error {
		for _, s := range steps {
			if err := s.apply(tx, now); err != nil {
				return fmt.Errorf("alert of %s: %w", s.Detector.ID, err)
			}
		}
		return nil
	})
}

func (s step) apply(tx *db.Tx, now time.Time) error {
	at := db.Time(s.At)
	if s.alert != nil {
		fresh, err := insertAlert(tx, s.alert)
		if err != nil || !fresh {
			return err
		}
		if _, err := insertEvent(tx, s.alert.ID, "raised", at, now, s.To, "", 0, "", &s.because); err != nil {
			return err
		}
		return outbox.Put(tx, events.AlertRaised{AlertFacts: s.alert.news(at)})
	}
	a, err := alertByKey(tx, s.key())
	if errors.Is(err, db.ErrNotFound) {
		// The rule was changed under a standing alert and raised it on other grounds; or somebody tidied the table.
		return nil
	}
	if err != nil {
		return err
	}
	if s.Cleared {
		fresh, err := insertEvent(tx, a.ID, "cleared", at, now, a.Level, "", 0, s.reason, nil)
		if err != nil || !fresh {
			return err
		}
		a.State = Cleared
		if _, err := tx.Exec(`update alerts set state = 'cleared', cleared_at = $1 where id = $2`, s.At, a.ID); err != nil {
			return err
		}
		return outbox.Put(tx, events.AlertCleared{AlertFacts: a.news(at), Reason: s.reason})
	}
	fresh, err := insertEvent(tx, a.ID, "level", at, now, s.To, "", 0, "", &s.because)
	if err != nil || !fresh {
		return err
	}
	a.Level, a.Because = s.To, s.because
	body, err := a.facts()
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`update alerts set level = $1, facts = $2 where id = $3`, int64(a.Level), body, a.ID); err != nil {
		return err
	}
	return outbox.Put(tx, events.AlertChanged{AlertFacts: a.news(at), From: s.From.String()})
}

func (a *Alert) facts() (string, error) {
	var works *PlannedWorks
	if a.Works != nil {
		works = &a.Works.PlannedWorks
	}
	b, err := json.Marshal(facts{
		Title: a.Title, Because: a.Because, Rule: a.Rule, Clears: a.Clears, AssetName: a.AssetName, PlaceName: a.PlaceName, AreaName: a.AreaName,
		Unit: a.Unit, Readings: a.Readings, Datastreams: a.Datastreams, Opens: a.opens, Works: works,
	})
	return string(b), err
}

// insertAlert adds an alert and sets its id. fresh is false when it is there already.
func insertAlert(tx *db.Tx, a *Alert) (fresh bool, err error) {
	body, err := a.facts()
	if err != nil {
		return false, err
	}
	var lon, lat sql.NullFloat64
	if a.Point != nil {
		lon, lat = sql.NullFloat64{Float64: a.Point[0], Valid: true}, sql.NullFloat64{Float64: a.Point[1], Valid: true}
	}
	var works, over sql.NullInt64
	if w := a.Works; w != nil {
		works = sql.NullInt64{Int64: w.Works, Valid: true}
		if w.OverAt != nil {
			over = sql.NullInt64{Int64: db.Micros(*w.OverAt), Valid: true}
		}
	}
	err = tx.QueryRow(`insert into alerts (detector, kind, on_place, subject, since, level, state, raised_at, datastream, asset, place,
			area, organisation, lon, lat, facts, works, works_over_at)
		values ($1, $2, $3, $4, $5, $6, 'raised', $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
		on conflict (detector, kind, on_place, subject, since) do nothing returning id`,
		a.key.detector, string(a.key.kind), bit(a.key.subject.Place), a.key.subject.ID, a.key.since, int64(a.Level), db.Micros(a.RaisedAt),
		a.Datastream, a.Asset, a.Place, a.Area, a.Organisation, lon, lat, body, works, over).Scan(&a.ID)
	if errors.Is(err, db.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// insertEvent adds a row of an alert's history. fresh is false when it is there already.
func insertEvent(tx *db.Tx, alert int64, kind string, at, now time.Time, level Level, actor string, actorID int64, note string, because *Wording) (fresh bool, err error) {
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

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

const columns = `id, detector, kind, on_place, subject, since, level, state, raised_at, acknowledged_at, coalesce(acknowledged_by, ''),
	cleared_at, datastream, asset, place, area, organisation, lon, lat, case_id, facts, works, works_over_at`

func scanAlert(row interface{ Scan(...any) error }) (*Alert, error) {
	a := &Alert{}
	var onPlace, since, level, raised int64
	var acknowledged, cleared, caseID, works, over sql.NullInt64
	var lon, lat sql.NullFloat64
	var body string
	err := row.Scan(&a.ID, &a.Detector, &a.Kind, &onPlace, &a.key.subject.ID, &since, &level, &a.State, &raised, &acknowledged, &a.AcknowledgedBy,
		&cleared, &a.Datastream, &a.Asset, &a.Place, &a.Area, &a.Organisation, &lon, &lat, &caseID, &body, &works, &over)
	if err != nil {
		return nil, err
	}
	var f facts
	if err := json.Unmarshal([]byte(body), &f); err != nil {
		return nil, fmt.Errorf("facts of alert %d: %w", a.ID, err)
	}
	a.key.detector, a.key.kind, a.key.subject.Place, a.key.since = a.Detector, a.Kind, onPlace == 1, since
	a.Level, a.Since, a.RaisedAt = Level(level), db.Time(since), db.Time(raised)
	a.AcknowledgedAt, a.ClearedAt = optional(acknowledged), optional(cleared)
	a.Title, a.Because, a.Rule, a.Clears, a.opens = f.Title, f.Because, f.Rule, f.Clears, f.Opens
	a.AssetName, a.PlaceName, a.AreaName, a.Unit = f.AssetName, f.PlaceName, f.AreaName, f.Unit
	a.Readings, a.Datastreams = f.Readings, f.Datastreams
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

func alertByKey(tx *db.Tx, k key) (*Alert, error) {
	return scanAlert(tx.QueryRow(`select `+columns+` from alerts where detector = $1 and kind = $2 and on_place = $3 and subject = $4 and since = $5`,
		k.detector, string(k.kind), bit(k.subject.Place), k.subject.ID, k.since))
}

func alertByID(tx *db.Tx, id int64) (*Alert, error) {
	return scanAlert(tx.QueryRow(`select `+columns+` from alerts where id = $1`, id))
}

// restsIn says in SQL that an alert rests, $1 being the works that are on as a JSON list.
const restsIn = `(state <> 'cleared' and works_over_at is null and works is not null and works in (select cast(value as bigint) from json_list($1)))`

// alerts are the alerts before an id (0: the newest), newest first. works are those that are on.
func alerts(tx *db.Tx, f Filter, works []int64, before int64, limit int) (out []*Alert, err error) {
	list, err := json.Marshal(works)
	if err != nil {
		return nil, err
	}
	where := map[Rest]string{"": "", RestsNow: " and " + restsIn, Counts: " and not coalesce(" + restsIn + ", false)"}[f.Rest]
	err = tx.Each(func(rows *sql.Rows) error {
		a, err := scanAlert(rows)
		out = append(out, a)
		return err
	}, `select `+columns+` from alerts where cast($1 as text) <> '' and (cast($2 as bigint) = 0 or state <> 'cleared')
			and (cast($3 as bigint) = 0 or id < cast($3 as bigint))`+where+` order by id desc nulls last limit $4`,
		string(list), bit(f.Open), before, limit)
	return out, err
}

// countResting counts the alerts that rest. works are those that are on.
func countResting(tx *db.Tx, works []int64) (n int, err error) {
	list, err := json.Marshal(works)
	if err != nil {
		return 0, err
	}
	err = tx.QueryRow(`select count(*) from alerts where `+restsIn, string(list)).Scan(&n)
	return n, err
}

// markedAlerts are the alerts that stand, were raised during planned works, and have not counted again since.
func markedAlerts(tx *db.Tx) (out []*Alert, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		a, err := scanAlert(rows)
		if err == nil && a.Works != nil {
			out = append(out, a)
		}
		return err
	}, `select `+columns+` from alerts where works is not null and works_over_at is null and state <> 'cleared' order by id nulls last`)
	return out, err
}

func history(tx *db.Tx, alert int64) (out []Step, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var s Step
		var at, level int64
		var body string
		if err := rows.Scan(&s.ID, &at, &s.Kind, &level, &s.Actor, &s.Note, &body); err != nil {
			return err
		}
		s.At, s.Level = db.Time(at), Level(level)
		out = append(out, s)
		return json.Unmarshal([]byte(body), &out[len(out)-1].Because)
	}, `select id, at, kind, level, actor, note, facts from alert_events where alert = $1 order by id nulls last`, alert)
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
		out[asset] = AssetState{Level: Level(level), Silent: silent > 0}
		return nil
	}, `select asset, max(level), max(case when kind = 'monitoring' then 1 else 0 end) from alerts
		where state <> 'cleared' and asset in (select cast(value as bigint) from json_list($1)) group by asset`, string(list))
	return out, err
}

// silentAssets counts the assets about which nothing is claimed but silence.
func silentAssets(tx *db.Tx) (n int, err error) {
	err = tx.QueryRow(`select count(*) from (select asset from alerts where state <> 'cleared' group by asset having max(level) = $1) as quiet`, int(None)).Scan(&n)
	return n, err
}

// saved is the last snapshot.
type saved struct {
	position, evaluated, late int64
}

// loadState reads the last snapshot and the alerts that are open.
func loadState(ctx context.Context, d *db.DB) (s saved, shards []Shard, open []*Alert, err error) {
	err = d.Read(ctx, func(tx *db.Tx) error {
		err := tx.QueryRow(`select position, evaluated, late from detect_position where id = 1`).Scan(&s.position, &s.evaluated, &s.late)
		if err != nil && !errors.Is(err, db.ErrNotFound) {
			return err
		}
		err = tx.Each(func(rows *sql.Rows) error {
			var x Shard
			var onPlace int64
			if err := rows.Scan(&x.Detector, &onPlace, &x.N, &x.Rule, &x.State); err != nil {
				return err
			}
			x.Place = onPlace == 1
			shards = append(shards, x)
			return nil
		}, `select detector, on_place, shard, rule, state from detect_state order by detector nulls last, on_place nulls last, shard nulls last`)
		if err != nil {
			return err
		}
		return tx.Each(func(rows *sql.Rows) error {
			a, err := scanAlert(rows)
			open = append(open, a)
			return err
		}, `select `+columns+` from alerts where state <> 'cleared' order by id nulls last`)
	})
	if err != nil {
		err = fmt.Errorf("load the detectors' state: %w", err)
	}
	return s, shards, open, err
}

// saveState writes a snapshot: the position and the states that changed, together.
func saveState(ctx context.Context, d *db.DB, s saved, shards []Shard, now time.Time) error {
	return d.Write(ctx, func(tx *db.Tx) error {
		for _, x := range shards {
			_, err := tx.Exec(`insert into detect_state (detector, on_place, shard, rule, state) values ($1, $2, $3, $4, $5)
				on conflict (detector, on_place, shard) do update set rule = excluded.rule, state = excluded.state`,
				x.Detector, bit(x.Place), x.N, x.Rule, x.State)
			if err != nil {
				return fmt.Errorf("save state of %s: %w", x.Detector, err)
			}
		}
		_, err := tx.Exec(`insert into detect_position (id, position, evaluated, late, saved_at) values (1, $1, $2, $3, $4)
			on conflict (id) do update set position = excluded.position, evaluated = excluded.evaluated, late = excluded.late, saved_at = excluded.saved_at`,
			s.position, s.evaluated, s.late, db.Micros(now))
		if err != nil {
			return fmt.Errorf("save the detectors' position: %w", err)
		}
		return nil
	})
}
