package mqtt

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
)

//go:embed migrations
var migrationFiles embed.FS

// Migrations are the package's tables.
func Migrations() db.Migrations { return db.Embedded("mqtt", migrationFiles) }

// stored is a session as a row.
type stored struct {
	client   string
	owner    Owner
	expiry   time.Duration
	position int64
	goneAt   time.Time // zero: connected
	filters  []filter
}

func loadSessions(ctx context.Context, d *db.DB) ([]stored, error) {
	var out []stored
	at := map[string]int{}
	err := d.Read(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(`select client, owner_kind, owner_id, expiry, position, gone_at from mqtt_sessions
			order by client nulls first`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var s stored
			var kind, expiry, gone int64
			if err := rows.Scan(&s.client, &kind, &s.owner.ID, &expiry, &s.position, &gone); err != nil {
				return err
			}
			s.owner.Kind, s.expiry = access.Kind(kind), time.Duration(expiry)*time.Second
			if gone != 0 {
				s.goneAt = db.Time(gone)
			}
			at[s.client] = len(out)
			out = append(out, s)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		rows.Close()
		filters, err := tx.Query(`select client, filter, qos, options, identifier, start from mqtt_filters
			order by client nulls first, filter nulls first`)
		if err != nil {
			return err
		}
		defer filters.Close()
		for filters.Next() {
			var client string
			var f filter
			if err := filters.Scan(&client, &f.text, &f.qos, &f.options, &f.identifier, &f.start); err != nil {
				return err
			}
			if i, ok := at[client]; ok {
				out[i].filters = append(out[i].filters, f)
			}
		}
		return filters.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read the MQTT sessions: %w", err)
	}
	return out, nil
}

// putSession writes a session's row, with its filters left as they are.
func putSession(tx *db.Tx, s stored) error {
	gone := int64(0)
	if !s.goneAt.IsZero() {
		gone = db.Micros(s.goneAt)
	}
	_, err := tx.Exec(`insert into mqtt_sessions (client, owner_kind, owner_id, expiry, position, gone_at)
		values ($1, $2, $3, $4, $5, $6)
		on conflict (client) do update set owner_kind = excluded.owner_kind, owner_id = excluded.owner_id,
			expiry = excluded.expiry, position = excluded.position, gone_at = excluded.gone_at`,
		s.client, int64(s.owner.Kind), s.owner.ID, int64(s.expiry/time.Second), s.position, gone)
	return err
}

func deleteSession(tx *db.Tx, client string) error {
	_, err := tx.Exec("delete from mqtt_sessions where client = $1", client)
	return err
}

func putFilters(tx *db.Tx, client string, filters []filter) error {
	for _, f := range filters {
		if _, err := tx.Exec(`insert into mqtt_filters (client, filter, qos, options, identifier, start)
			values ($1, $2, $3, $4, $5, $6)
			on conflict (client, filter) do update set qos = excluded.qos, options = excluded.options,
				identifier = excluded.identifier, start = excluded.start`,
			client, f.text, int64(f.qos), int64(f.options), int64(f.identifier), f.start); err != nil {
			return err
		}
	}
	return nil
}

func dropFilters(tx *db.Tx, client string, filters []string) error {
	for _, f := range filters {
		if _, err := tx.Exec("delete from mqtt_filters where client = $1 and filter = $2", client, f); err != nil {
			return err
		}
	}
	return nil
}

// putPosition moves a session's position on. It never moves it back: what is written may be older than what is there.
func putPosition(tx *db.Tx, client string, position int64) error {
	_, err := tx.Exec("update mqtt_sessions set position = $2 where client = $1 and position < $2", client, position)
	return err
}
