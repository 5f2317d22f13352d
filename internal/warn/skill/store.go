package skill

import (
	"database/sql"
	"encoding/json"

	"github.com/anlan-city/anlan/internal/platform/db"
)

const verdictColumns = "warning, version, verdict, began, what, reason, evidence, actor, at"

func scanVerdict(rows *sql.Rows) (warning int64, v Verdict, err error) {
	var began sql.NullInt64
	var evidence string
	var at int64
	if err = rows.Scan(&warning, &v.Version, &v.Verdict, &began, &v.What, &v.Reason, &evidence, &v.By, &at); err != nil {
		return 0, v, err
	}
	v.At = db.Time(at)
	if began.Valid {
		t := db.Time(began.Int64)
		v.Began = &t
	}
	return warning, v, json.Unmarshal([]byte(evidence), &v.Evidence)
}

// verdictsOf are all versions of the verdict on a warning, oldest first.
func verdictsOf(tx *db.Tx, warning int64) ([]Verdict, error) {
	out := []Verdict{}
	err := tx.Each(func(rows *sql.Rows) error {
		_, v, err := scanVerdict(rows)
		out = append(out, v)
		return err
	}, "select "+verdictColumns+" from warning_verdicts where warning = $1 order by version nulls last, id", warning)
	return out, err
}

// latestVerdicts are what counts, by warning.
func latestVerdicts(tx *db.Tx) (map[int64]*Verdict, error) {
	out := map[int64]*Verdict{}
	err := tx.Each(func(rows *sql.Rows) error {
		warning, v, err := scanVerdict(rows)
		out[warning] = &v
		return err
	}, "select "+verdictColumns+" from warning_verdicts order by warning nulls last, version nulls last, id")
	return out, err
}

func insertVerdict(tx *db.Tx, warning int64, v Verdict, actor int64) error {
	evidence, err := json.Marshal(append([]Evidence{}, v.Evidence...))
	if err != nil {
		return err
	}
	var began any
	if v.Began != nil {
		began = db.Micros(*v.Began)
	}
	_, err = tx.Exec(`insert into warning_verdicts (warning, version, verdict, began, what, reason, evidence, actor, actor_id, at)
		values ($1, $2, $3, cast($4 as bigint), $5, $6, $7, $8, $9, $10)`,
		warning, v.Version, v.Verdict, began, v.What, v.Reason, string(evidence), v.By, actor, db.Micros(v.At))
	return err
}

func insertMissed(tx *db.Tx, m *Missed, actor int64) error {
	areas, err := json.Marshal(m.Areas)
	if err != nil {
		return err
	}
	return tx.QueryRow(`insert into warning_missed (hazard, level, areas, began, what, source, actor, actor_id, at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id`,
		m.Hazard, m.Level, string(areas), db.Micros(m.At), m.What, m.Source, m.By, actor, db.Micros(m.Noted)).Scan(&m.ID)
}
