package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// PutPayload keeps what many messages carry, once: a thousand receivers of one warning share its document. A name that is known
// keeps the body that it had.
func PutPayload(tx *db.Tx, name string, body []byte, at time.Time) error {
	_, err := tx.Exec(`insert into delivery_payloads (name, body, put_at) values ($1, $2, $3) on conflict (name) do nothing`, name, string(body), db.Micros(at))
	if err != nil {
		return fmt.Errorf("put payload %s: %w", name, err)
	}
	return nil
}

// payload reads one. The last is kept: messages of one payload leave together.
func (r *Runner) payload(ctx context.Context, name string) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock() // while it is read, too: the others want the same
	if r.lastName == name {
		return r.lastBody, nil
	}
	var body string
	err := r.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`select body from delivery_payloads where name = $1`, name).Scan(&body)
	})
	if err != nil {
		return nil, fmt.Errorf("payload %s: %w", name, err)
	}
	r.lastName, r.lastBody = name, []byte(body)
	return r.lastBody, nil
}

// forgetPayloads removes those that no message can need: as old as messages that have ended are when they go.
func forgetPayloads(tx *db.Tx, now time.Time) error {
	_, err := tx.Exec(`delete from delivery_payloads where id in (select p.id from delivery_payloads p where p.put_at <= $1
		and not exists (select 1 from deliveries d where d.payload = p.name) order by p.put_at nulls last, p.id nulls last limit $2)`,
		db.Micros(now.Add(-keep)), forgetMost)
	if err != nil {
		return fmt.Errorf("forget payloads: %w", err)
	}
	return nil
}
