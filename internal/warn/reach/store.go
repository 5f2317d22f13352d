package reach

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

const columns = `id, title_en, title_zh, organisation, channel, address, signed, public_key, language, areas, hazards, from_level, statuses,
	restricted, active, created_at, changed_at, gone_at`

func scan(row interface{ Scan(...any) error }, more ...any) (r Recipient, err error) {
	var areas, hazards, statuses string
	var signed, restricted, active, created, changed int64
	var gone sql.NullInt64
	err = row.Scan(append([]any{&r.ID, &r.Title.English, &r.Title.Chinese, &r.Organisation, &r.Channel, &r.Address, &signed, &r.PublicKey, &r.Language, &areas, &hazards,
		&r.From, &statuses, &restricted, &active, &created, &changed, &gone}, more...)...)
	if err != nil {
		return r, err
	}
	r.Signed, r.Restricted, r.Active = signed == 1, restricted == 1, active == 1
	r.CreatedAt, r.ChangedAt = db.Time(created), db.Time(changed)
	if gone.Valid {
		at := db.Time(gone.Int64)
		r.GoneAt = &at
	}
	err = errors.Join(json.Unmarshal([]byte(areas), &r.Areas), json.Unmarshal([]byte(hazards), &r.Hazards), json.Unmarshal([]byte(statuses), &r.Statuses))
	if err != nil {
		return r, fmt.Errorf("recipient %d: %w", r.ID, err)
	}
	return r, nil
}

func list(tx *db.Tx, where string, args ...any) ([]Recipient, error) {
	rs := []Recipient{}
	err := tx.Each(func(rows *sql.Rows) error {
		r, err := scan(rows)
		rs = append(rs, r)
		return err
	}, `select `+columns+` from warning_recipients where `+where+` order by id nulls last`, args...)
	return rs, err
}

// get returns a recipient with what is sealed of it.
func (s *Service) get(tx *db.Tx, id int64) (Recipient, sealed, error) {
	var text string
	r, err := scan(tx.QueryRow(`select `+columns+`, sealed from warning_recipients where id = $1 and deleted_at is null`, id), &text)
	if errors.Is(err, db.ErrNotFound) {
		return r, sealed{}, web.Errorf(404, "recipient.unknown", "there is no recipient %d", id)
	}
	if err != nil {
		return r, sealed{}, err
	}
	kept, err := s.seal.open(text)
	if err != nil {
		return r, kept, fmt.Errorf("recipient %d: %w", id, err)
	}
	return r, kept, nil
}

// values are the columns of what can change, from title_en to active.
func (s *Service) values(r *Recipient, kept sealed) ([]any, error) {
	text, err := s.seal.close(kept)
	if err != nil {
		return nil, err
	}
	lists := make([]string, 3)
	if r.Areas == nil {
		r.Areas = []int64{}
	}
	if r.Hazards == nil {
		r.Hazards = []string{}
	}
	for i, v := range []any{r.Areas, r.Hazards, r.Statuses} {
		b, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		lists[i] = string(b)
	}
	return []any{r.Title.English, r.Title.Chinese, r.Organisation, r.Address, text, bit(r.Signed), r.PublicKey, r.Language, lists[0], lists[1], r.From, lists[2],
		bit(r.Restricted), bit(r.Active), db.Micros(r.ChangedAt)}, nil
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (s *Service) insert(tx *db.Tx, r *Recipient, kept sealed) error {
	values, err := s.values(r, kept)
	if err != nil {
		return err
	}
	err = tx.QueryRow(`insert into warning_recipients (title_en, title_zh, organisation, address, sealed, signed, public_key, language, areas, hazards, from_level,
			statuses, restricted, active, changed_at, channel, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) returning id`,
		append(values, r.Channel, db.Micros(r.CreatedAt))...).Scan(&r.ID)
	if err != nil {
		return fmt.Errorf("store a recipient: %w", err)
	}
	return nil
}

func (s *Service) update(tx *db.Tx, r *Recipient, kept sealed) error {
	values, err := s.values(r, kept)
	if err != nil {
		return err
	}
	var gone sql.NullInt64
	if r.GoneAt != nil {
		gone = sql.NullInt64{Int64: db.Micros(*r.GoneAt), Valid: true}
	}
	_, err = tx.Exec(`update warning_recipients set title_en = $1, title_zh = $2, organisation = $3, address = $4, sealed = $5, signed = $6, public_key = $7,
			language = $8, areas = $9, hazards = $10, from_level = $11, statuses = $12, restricted = $13, active = $14, changed_at = $15, gone_at = $16
		where id = $17`, append(values, gone, r.ID)...)
	if err != nil {
		return fmt.Errorf("store recipient %d: %w", r.ID, err)
	}
	return nil
}
