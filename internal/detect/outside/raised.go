package outside

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// Alert is what a model raised.
type Alert struct {
	ID         int64           `json:"id"`
	State      State           `json:"state" enum:"shadow,live" doc:"shadow: nobody was told; live: it stands in the list of alerts as well"`
	Version    string          `json:"version"`
	Datastream int64           `json:"datastream"`
	Asset      int64           `json:"asset"`
	AssetName  detect.Wording  `json:"asset_name"`
	Place      int64           `json:"place"`
	PlaceName  detect.Wording  `json:"place_name"`
	Level      engine.Level    `json:"level" enum:"blue,yellow,orange,red" doc:"the highest that it reached"`
	Since      time.Time       `json:"since"`
	RaisedAt   time.Time       `json:"raised_at"`
	ClearedAt  *time.Time      `json:"cleared_at"`
	Because    detect.Wording  `json:"because"`
	Readings   []detect.Sample `json:"readings" doc:"the newest that the model was given"`
	Unit       string          `json:"unit"`
}

type alertFacts struct {
	AssetName detect.Wording  `json:"asset_name"`
	PlaceName detect.Wording  `json:"place_name"`
	Because   detect.Wording  `json:"because"`
	Readings  []detect.Sample `json:"readings"`
	Unit      string          `json:"unit"`
}

// putAlert writes a step of what a model raised. A step that is there already changes nothing.
func putAlert(tx *db.Tx, m *Model, version string, t detect.Told) error {
	switch {
	case t.Raised():
		body, err := json.Marshal(alertFacts{t.Stream.AssetName, t.Stream.PlaceName, t.Because, t.Readings, t.Unit})
		if err != nil {
			return err
		}
		_, err = tx.Exec(`insert into outside_alerts (model, state, version, datastream, since, asset, place, level, raised_at, facts)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (model, datastream, since) do nothing`,
			m.ID, string(m.State), version, t.Subject.ID, t.Since, t.Stream.Asset, t.Stream.Place, int64(t.To), t.At, string(body))
		return err
	case t.Cleared:
		_, err := tx.Exec(`update outside_alerts set cleared_at = $1 where model = $2 and datastream = $3 and since = $4 and cleared_at is null`,
			t.At, m.ID, t.Subject.ID, t.Since)
		return err
	}
	_, err := tx.Exec(`update outside_alerts set level = $1 where model = $2 and datastream = $3 and since = $4 and level < $1`,
		int64(t.To), m.ID, t.Subject.ID, t.Since)
	return err
}

func alerts(tx *db.Tx, which string, args ...any) (out []Alert, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var a Alert
		var since, level, raised int64
		var cleared sql.NullInt64
		var body string
		err := rows.Scan(&a.ID, &a.State, &a.Version, &a.Datastream, &since, &a.Asset, &a.Place, &level, &raised, &cleared, &body)
		if err != nil {
			return err
		}
		var f alertFacts
		if err := json.Unmarshal([]byte(body), &f); err != nil {
			return fmt.Errorf("facts of alert %d of a model: %w", a.ID, err)
		}
		a.Since, a.Level, a.RaisedAt, a.ClearedAt = db.Time(since), engine.Level(level), db.Time(raised), optional(cleared)
		a.AssetName, a.PlaceName, a.Because, a.Unit = f.AssetName, f.PlaceName, f.Because, f.Unit
		a.Readings = append([]detect.Sample{}, f.Readings...)
		out = append(out, a)
		return nil
	}, `select id, state, version, datastream, since, asset, place, level, raised_at, cleared_at, facts from outside_alerts `+which, args...)
	return out, err
}

// --- cases

func caseOpened(e events.CaseOpened) func(tx *db.Tx) error {
	return func(tx *db.Tx) error {
		_, err := tx.Exec(`insert into outside_cases (case_id, kind, asset, place, opened_at, outcome) values ($1, $2, $3, $4, $5, '')
			on conflict (case_id) do update set asset = excluded.asset, place = excluded.place, opened_at = excluded.opened_at`,
			e.Case, e.Kind, e.Asset, e.Place, db.Micros(e.At))
		return err
	}
}

func caseClosed(e events.CaseClosed) func(tx *db.Tx) error {
	return func(tx *db.Tx) error {
		_, err := tx.Exec(`insert into outside_cases (case_id, kind, asset, place, closed_at, outcome) values ($1, $2, $3, 0, $4, $5)
			on conflict (case_id) do update set closed_at = excluded.closed_at, outcome = excluded.outcome`,
			e.Case, e.Kind, e.Asset, db.Micros(e.At), e.Outcome)
		return err
	}
}

// provenCase is a case that no alert opened and that there was something to.
type provenCase struct {
	asset, place   int64
	opened, closed int64
}

func provenCases(tx *db.Tx, kind string, from, to int64) (out []provenCase, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var c provenCase
		err := rows.Scan(&c.asset, &c.place, &c.opened, &c.closed)
		out = append(out, c)
		return err
	}, `select asset, place, opened_at, closed_at from outside_cases where outcome = 'proven' and kind = $1 and opened_at is not null
		and closed_at >= $2 and opened_at <= $3 order by case_id nulls last`, kind, from, to)
	return out, err
}
