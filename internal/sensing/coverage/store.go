package coverage

import (
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of works, calibrations and heartbeats.
func Migrations() db.Migrations { return db.Embedded("coverage", migrations) }

func key(request string) sql.NullString { return sql.NullString{String: request, Valid: request != ""} }

// insertWork adds works unless this person has sent this request before: then w becomes what was made of it.
func insertWork(tx *db.Tx, w *Work, request string) (added bool, err error) {
	err = tx.QueryRow(`insert into coverage_works (asset, place, starts_at, until_at, reason, by_id, by_name, created_at, request)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (by_id, request) do nothing returning id`,
		w.Asset, w.Place, db.Micros(w.From), db.Micros(w.Until), w.Reason, w.ByID, w.By, db.Micros(w.CreatedAt), key(request)).Scan(&w.ID)
	if errors.Is(err, db.ErrNotFound) {
		*w, _, err = scanWork(tx.QueryRow(workColumns+" where by_id = $1 and request = $2", w.ByID, request))
		return false, err
	}
	if err != nil {
		return false, fmt.Errorf("insert works: %w", err)
	}
	return true, nil
}

const workColumns = `select id, asset, place, starts_at, until_at, reason, by_id, by_name, created_at, ended_at,
	coalesce(ended_by_id, 0), coalesce(ended_by, '') from coverage_works`

func scanWork(row interface{ Scan(...any) error }) (w Work, endedBy int64, err error) {
	var from, until, created int64
	var ended sql.NullInt64
	err = row.Scan(&w.ID, &w.Asset, &w.Place, &from, &until, &w.Reason, &w.ByID, &w.By, &created, &ended, &endedBy, &w.EndedBy)
	w.From, w.Until, w.CreatedAt = db.Time(from), db.Time(until), db.Time(created)
	if ended.Valid {
		at := db.Time(ended.Int64)
		w.EndedAt = &at
	}
	return w, endedBy, err
}

func workByID(tx *db.Tx, id int64) (Work, int64, error) {
	return scanWork(tx.QueryRow(workColumns+" where id = $1", id))
}

func endWork(tx *db.Tx, id int64, at time.Time, byID int64, by string) error {
	_, err := tx.Exec("update coverage_works set ended_at = $1, ended_by_id = $2, ended_by = $3 where id = $4", db.Micros(at), byID, by, id)
	if err != nil {
		return fmt.Errorf("end works %d: %w", id, err)
	}
	return nil
}

// worksSince are the works that were planned to last beyond a time.
func worksSince(tx *db.Tx, since int64, each func(Work)) error {
	return tx.Each(func(rows *sql.Rows) error {
		w, _, err := scanWork(rows)
		each(w)
		return err
	}, workColumns+" where until_at > $1 order by id nulls last", since)
}

// listWorks are works below an id (0: from the newest), newest first. when is "current", "coming", "past" or "" for all.
func listWorks(tx *db.Tx, when string, at subject, now, before int64, limit int) (out []Work, err error) {
	where := map[string]string{
		"":        "",
		"current": " and starts_at <= $1 and coalesce(ended_at, until_at) > $1",
		"coming":  " and starts_at > $1 and ended_at is null",
		"past":    " and coalesce(ended_at, until_at) <= $1",
	}[when]
	out = []Work{}
	err = tx.Each(func(rows *sql.Rows) error {
		w, _, err := scanWork(rows)
		out = append(out, w)
		return err
	}, workColumns+` where cast($1 as bigint) > 0 and (cast($2 as bigint) = 0 or id < cast($2 as bigint))
		and (cast($3 as bigint) = 0 or asset = cast($3 as bigint)) and (cast($4 as bigint) = 0 or place = cast($4 as bigint))`+where+
		` order by id desc nulls last limit $5`, now, before, at.asset, at.place, limit)
	return out, err
}

// insertCalibration adds a calibration unless this person has sent this request before: then c becomes what was made of it.
func insertCalibration(tx *db.Tx, c *Calibration, request string) (added bool, err error) {
	err = tx.QueryRow(`insert into coverage_calibrations (asset, datastream, certificate, calibrated_on, due_on, by_id, by_name, created_at, request)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (by_id, request) do nothing returning id`,
		c.Asset, c.Datastream, c.Certificate, c.CalibratedOn, c.DueOn, c.byID, c.By, db.Micros(c.CreatedAt), key(request)).Scan(&c.ID)
	if errors.Is(err, db.ErrNotFound) {
		*c, err = scanCalibration(tx.QueryRow(calibrationColumns+" where by_id = $1 and request = $2", c.byID, request))
		return false, err
	}
	if err != nil {
		return false, fmt.Errorf("insert calibration: %w", err)
	}
	return true, nil
}

const calibrationColumns = `select id, asset, datastream, certificate, calibrated_on, due_on, by_id, by_name, created_at from coverage_calibrations`

func scanCalibration(row interface{ Scan(...any) error }) (c Calibration, err error) {
	var created int64
	err = row.Scan(&c.ID, &c.Asset, &c.Datastream, &c.Certificate, &c.CalibratedOn, &c.DueOn, &c.byID, &c.By, &created)
	c.CreatedAt = db.Time(created)
	c.dueDay, _ = dayOf(c.DueOn)
	return c, err
}

// newestCalibrations are the newest of each subject.
func newestCalibrations(tx *db.Tx, each func(Calibration)) error {
	return tx.Each(func(rows *sql.Rows) error {
		c, err := scanCalibration(rows)
		each(c)
		return err
	}, calibrationColumns+" where id in (select max(id) from coverage_calibrations group by asset, datastream) order by id nulls last")
}

// putHeartbeat sets how often a datastream should speak; 0 takes it back.
func putHeartbeat(tx *db.Tx, datastream int64, every time.Duration, byID int64, by string, now time.Time) error {
	var err error
	if every == 0 {
		_, err = tx.Exec("delete from coverage_heartbeats where datastream = $1", datastream)
	} else {
		_, err = tx.Exec(`insert into coverage_heartbeats (datastream, every, by_id, by_name, set_at) values ($1, $2, $3, $4, $5)
			on conflict (datastream) do update set every = excluded.every, by_id = excluded.by_id, by_name = excluded.by_name, set_at = excluded.set_at`,
			datastream, every.Microseconds(), byID, by, db.Micros(now))
	}
	if err != nil {
		return fmt.Errorf("heartbeat of datastream %d: %w", datastream, err)
	}
	return nil
}

// readExpectations reads what was set here, and what senders declared as properties.heartbeat of a Datastream or its Thing.
// The catalogue's own tables are read, not written: both are parts of one room.
func readExpectations(tx *db.Tx) (x expectations, err error) {
	x = expectations{set: map[int64]Expectation{}, declared: map[int64]declaration{}}
	err = tx.Each(func(rows *sql.Rows) error {
		var id, every int64
		err := rows.Scan(&id, &every)
		x.set[id] = Expectation{time.Duration(every) * time.Microsecond, FromSetting}
		return err
	}, "select datastream, every from coverage_heartbeats order by datastream nulls last")
	if err != nil {
		return x, fmt.Errorf("heartbeats: %w", err)
	}
	err = tx.Each(func(rows *sql.Rows) error {
		var id int64
		var own, things sql.NullString
		err := rows.Scan(&id, &own, &things)
		switch {
		case own.String != "":
			x.declared[id] = declaration{own.String, FromDatastream}
		case things.String != "":
			x.declared[id] = declaration{things.String, FromThing}
		}
		return err
	}, `select d.id, json_text(coalesce(nullif(d.properties, ''), '{}'), 'heartbeat'), json_text(coalesce(nullif(t.properties, ''), '{}'), 'heartbeat')
		from sta_datastreams d join sta_things t on t.id = d.thing
		where d.properties like '%"heartbeat"%' or t.properties like '%"heartbeat"%' order by d.id nulls last`)
	if err != nil {
		return x, fmt.Errorf("declared heartbeats: %w", err)
	}
	return x, nil
}
