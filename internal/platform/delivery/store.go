package delivery

import (
	"database/sql"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the package's tables.
func Migrations() db.Migrations { return db.Embedded("delivery", migrations) }

// The states of a delivery; doc.go says what they mean.
const (
	Waiting   = "waiting"
	Sending   = "sending"
	Failed    = "failed"
	Sent      = "sent"
	Dead      = "dead"
	Withdrawn = "withdrawn"
)

const (
	signal = "delivery"

	// keep is how long a row is kept once it has ended, and its key known.
	keep = 90 * 24 * time.Hour
	// forgetMost bounds how many old rows one transaction takes away.
	forgetMost = 1000
)

// Put adds a message to the transaction of the deed that it tells of; put is false where its key is known already.
func Put(tx *db.Tx, m Message) (put bool, err error) {
	n, err := PutAll(tx, []Message{m})
	return n == 1, err
}

// atATime is how many rows one statement adds: a thousand statements take much longer than ten.
const atATime = 100

// PutAll is Put for many; n is how many keys were not known.
func PutAll(tx *db.Tx, ms []Message) (n int64, err error) {
	for chunk := range slices.Chunk(ms, atATime) {
		var rows []string
		var args []any
		for _, m := range chunk {
			if err := m.check(); err != nil {
				return n, err
			}
			if m.Until.IsZero() {
				m.Until = m.At.Add(DefaultUntil)
			}
			body, err := m.encode()
			if err != nil {
				return n, err
			}
			at := len(args)
			rows = append(rows, fmt.Sprintf("(cast($%d as text), cast($%d as text), cast($%d as text), cast($%d as bigint), cast($%d as text), 'waiting', cast($%d as bigint), cast($%d as bigint), 0, cast($%d as text))",
				at+1, at+2, at+3, at+4, at+5, at+6, at+7, at+8))
			args = append(args, m.Key, m.Channel, m.Address, int64(m.Priority), body, db.Micros(m.At), db.Micros(m.Until), m.Payload)
		}
		r, err := tx.Exec(`insert into deliveries (key, channel, address, priority, message, state, put_at, until, next_at, payload)
			values `+strings.Join(rows, ", ")+` on conflict (key) do nothing`, args...)
		if err != nil {
			return n, fmt.Errorf("put %d messages from %s on: %w", len(chunk), chunk[0].Key, err)
		}
		put, err := r.RowsAffected()
		if err != nil {
			return n, err
		}
		n += put
	}
	if n > 0 {
		tx.Signal(signal)
	}
	return n, nil
}

// Tried are the keys that begin with prefix whose message was handed to its adapter at least once.
func Tried(tx *db.Tx, prefix string) (keys []string, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var key string
		err := rows.Scan(&key)
		keys = append(keys, key)
		return err
	}, `select key from deliveries where key >= $1 and key < $2 and attempts > 0 order by id nulls last`, prefix, prefix+"\U0010FFFF")
	return keys, err
}

// Withdraw takes back what has not been sent of the messages whose keys begin with prefix.
func Withdraw(tx *db.Tx, prefix string, at time.Time) error {
	_, err := tx.Exec(`update deliveries set state = 'withdrawn', ended_at = $3
		where key >= $1 and key < $2 and state in ('waiting', 'failed')`, prefix, prefix+"\U0010FFFF", db.Micros(at))
	if err != nil {
		return fmt.Errorf("withdraw messages %s: %w", prefix, err)
	}
	// One that is with its adapter is not tried again if it fails.
	_, err = tx.Exec(`update deliveries set until = $3 where key >= $1 and key < $2 and state = 'sending'`, prefix, prefix+"\U0010FFFF", db.Micros(at))
	if err != nil {
		return fmt.Errorf("withdraw messages %s: %w", prefix, err)
	}
	return nil
}

// Delivery is a message and what became of it.
type Delivery struct {
	ID int64
	Message
	State    string
	NextAt   time.Time
	Attempts int64
	EndedAt  time.Time // zero: not yet
	Answer   string
}

const columns = `id, key, channel, address, priority, message, state, put_at, until, next_at, attempts, doubt, ended_at, answer`

func scan(rows interface{ Scan(...any) error }) (d Delivery, err error) {
	var message string
	var put, until, next, doubt, priority int64
	var ended sql.NullInt64
	err = rows.Scan(&d.ID, &d.Key, &d.Channel, &d.Address, &priority, &message, &d.State, &put, &until, &next, &d.Attempts, &doubt, &ended, &d.Answer)
	if err != nil {
		return d, fmt.Errorf("delivery: %w", err)
	}
	if err := json.Unmarshal([]byte(message), &d.Message); err != nil {
		return d, fmt.Errorf("delivery %d: %w", d.ID, err)
	}
	d.Priority, d.At, d.Until, d.NextAt, d.InDoubt = Priority(priority), db.Time(put), db.Time(until), db.Time(next), doubt == 1
	if ended.Valid {
		d.EndedAt = db.Time(ended.Int64)
	}
	return d, nil
}

func list(tx *db.Tx, query string, args ...any) (ds []Delivery, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		d, err := scan(rows)
		ds = append(ds, d)
		return err
	}, `select `+columns+` from deliveries `+query, args...)
	return ds, err
}

// Filter chooses deliveries.
type Filter struct {
	State  string // "" for any
	Prefix string // what the key begins with
	Before int64  // below this id; 0: from the newest
	Limit  int
}

// List returns deliveries, newest first.
func List(tx *db.Tx, f Filter) ([]Delivery, error) {
	return list(tx, `where ($1 = '' or state = $1) and (cast($2 as bigint) = 0 or id < cast($2 as bigint)) and key >= $3 and ($3 = '' or key < $4)
		order by id desc nulls last limit $5`, f.State, f.Before, f.Prefix, f.Prefix+"\U0010FFFF", f.Limit)
}

// Count says how many deliveries there are in each state.
func Count(tx *db.Tx) (map[string]int64, error) { return CountOf(tx, "") }

// CountOf is Count for those whose key begins with prefix.
func CountOf(tx *db.Tx, prefix string) (map[string]int64, error) {
	out := map[string]int64{}
	err := tx.Each(func(rows *sql.Rows) error {
		var state string
		var n int64
		err := rows.Scan(&state, &n)
		out[state] = n
		return err
	}, `select state, count(*) from deliveries where key >= $1 and ($1 = '' or key < $2) group by state order by state nulls last`, prefix, prefix+"\U0010FFFF")
	return out, err
}

// lookAhead bounds how many rows that may be sent are looked through for addresses that are free.
const lookAhead = 4096

// due returns what a channel may send now, the most urgent first, and among those of one urgency what was never tried before
// what failed: a receiver that is down does not stand before one that nobody has asked yet. Of an address that is not among the
// busy ones there are at most inARow. What would have to wait for longer than any pause was put off before the clock was put
// back.
func due(tx *db.Tx, channel string, now time.Time, busy []string, inARow, limit int) ([]Delivery, error) {
	names, err := json.Marshal(append([]string{}, busy...)) // [] for nil
	if err != nil {
		return nil, err
	}
	const tried = "case when attempts > 0 then 1 else 0 end"
	return list(tx, `where id in (
			select id from (
				select id, priority, tried, row_number() over (partition by address order by priority desc nulls last, id nulls last) as place from (
					select id, address, priority, `+tried+` as tried from deliveries
					where channel = $1 and state in ('waiting', 'failed') and (next_at <= $2 or next_at > $3)
						and address not in (select value from json_list($4))
					order by priority desc nulls last, `+tried+` nulls last, id nulls last limit $5) as rows_due) as lanes
			where place <= $6
			order by priority desc nulls last, tried nulls last, id nulls last limit $7)
		order by priority desc nulls last, `+tried+` nulls last, id nulls last`,
		channel, db.Micros(now), db.Micros(now.Add(mostPause)), string(names), lookAhead, inARow, limit)
}

// nextDue is when the next row of a channel may be sent; known is false where none waits.
func nextDue(tx *db.Tx, channel string) (at time.Time, known bool, err error) {
	var next sql.NullInt64
	err = tx.QueryRow(`select min(next_at) from deliveries where channel = $1 and state in ('waiting', 'failed')`, channel).Scan(&next)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("next delivery: %w", err)
	}
	return db.Time(next.Int64), next.Valid, nil
}

// claim notes that a row goes to its adapter; ok is false where it was withdrawn since it was read.
func claim(tx *db.Tx, id int64) (ok bool, err error) {
	r, err := tx.Exec(`update deliveries set state = 'sending', attempts = attempts + 1 where id = $1 and state in ('waiting', 'failed')`, id)
	if err != nil {
		return false, fmt.Errorf("claim delivery %d: %w", id, err)
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

// settle writes what became of an attempt. ended is zero where it is to be repeated at next.
func settle(tx *db.Tx, id int64, state, answer string, next, ended time.Time, doubt bool) error {
	var in int64
	if doubt {
		in = 1
	}
	_, err := tx.Exec(`update deliveries set state = $2, answer = $3, next_at = $4, ended_at = $5, doubt = $6 where id = $1 and state = 'sending'`,
		id, state, answer, db.Micros(next), sql.NullInt64{Int64: db.Micros(ended), Valid: !ended.IsZero()}, in)
	if err != nil {
		return fmt.Errorf("settle delivery %d: %w", id, err)
	}
	return nil
}

// resume puts rows that were with an adapter when the process died back in line: each may have arrived.
func resume(tx *db.Tx, channels string) error {
	_, err := tx.Exec(`update deliveries set state = 'failed', doubt = 1, answer = 'the program stopped while it was being sent'
		where state = 'sending' and channel in (select value from json_list($1))`, channels)
	if err != nil {
		return fmt.Errorf("recover deliveries: %w", err)
	}
	return nil
}

// forget removes rows that ended long ago; n says how many.
func forget(tx *db.Tx, now time.Time) (n int64, err error) {
	r, err := tx.Exec(`delete from deliveries where id in (select id from deliveries where ended_at <= $1 order by ended_at nulls last, id nulls last limit $2)`,
		db.Micros(now.Add(-keep)), forgetMost)
	if err != nil {
		return 0, fmt.Errorf("forget deliveries: %w", err)
	}
	return r.RowsAffected()
}
