package inspect

import (
	"database/sql"
	"embed"
	"errors"
	"fmt"

	"github.com/anlan-city/anlan/internal/platform/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the room's tables.
func Migrations() db.Migrations { return db.Embedded("inspect", migrations) }

// insert adds the finding unless this inspector has sent this request before; added says which.
func insert(tx *db.Tx, f *Finding, request string) (added bool, err error) {
	var lon, lat sql.NullFloat64
	if f.Point != nil {
		lon, lat = sql.NullFloat64{Float64: f.Point[0], Valid: true}, sql.NullFloat64{Float64: f.Point[1], Valid: true}
	}
	err = tx.QueryRow(`insert into findings
		(at, by_id, by_name, description, grade, checklist, asset, place, area, owner, lon, lat, request)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		on conflict (by_id, request) do nothing returning id`,
		db.Micros(f.At), f.ByID, f.By, f.Description, f.Grade, f.Checklist, f.Asset, f.Place, f.Area, f.Owner, lon, lat,
		sql.NullString{String: request, Valid: request != ""}).Scan(&f.ID)
	if errors.Is(err, db.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("insert finding: %w", err)
	}
	return true, nil
}

const columns = `id, at, by_id, by_name, description, grade, checklist, asset, place, area, owner, lon, lat`

func scan(row interface{ Scan(...any) error }) (Finding, error) {
	var f Finding
	var at int64
	var lon, lat sql.NullFloat64
	err := row.Scan(&f.ID, &at, &f.ByID, &f.By, &f.Description, &f.Grade, &f.Checklist, &f.Asset, &f.Place, &f.Area, &f.Owner, &lon, &lat)
	if err != nil {
		return f, fmt.Errorf("finding: %w", err)
	}
	f.At = db.Time(at)
	if lon.Valid && lat.Valid {
		f.Point = &[2]float64{lon.Float64, lat.Float64}
	}
	return f, nil
}

func byRequest(tx *db.Tx, by int64, request string) (Finding, error) {
	return scan(tx.QueryRow(`select `+columns+` from findings where by_id = $1 and request = $2`, by, request))
}

func byID(tx *db.Tx, id int64) (Finding, error) {
	return scan(tx.QueryRow(`select `+columns+` from findings where id = $1`, id))
}

// newest returns up to limit findings below the id before, newest first; before 0 means from the newest.
func newest(tx *db.Tx, before int64, limit int) ([]Finding, error) {
	var fs []Finding
	err := tx.Each(func(rows *sql.Rows) error {
		f, err := scan(rows)
		fs = append(fs, f)
		return err
	}, `select `+columns+` from findings where cast($1 as bigint) = 0 or id < cast($1 as bigint) order by id desc nulls last limit $2`, before, limit)
	return fs, err
}
