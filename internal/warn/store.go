package warn

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// record is a warning as stored.
type record struct {
	id                 int64
	number             string
	status, scope      string
	restriction        string
	state              State
	current, pending   int
	expires            time.Time
	endedAt            *time.Time
	endedBy            string
	endKind, endReason string
}

// version is a proposal or a published message as stored.
type version struct {
	warning        int64
	n              int
	kind           Kind
	state          State // Proposed, Issued or Cancelled (withdrawn)
	content        Content
	reason         string
	proposedAt     time.Time
	proposedBy     int64
	proposedByName string
	approvedBy     int64
	approvedByName string
	identifier     string
	sent           time.Time
	cap            string
}

const recordColumns = `w.id, w.number, w.status, w.scope, w.restriction, w.state, w.current, w.pending, w.expires,
	w.ended_at, coalesce(w.ended_by, ''), coalesce(w.end_kind, ''), coalesce(w.end_reason, '')`

func (r *record) targets() []any {
	return []any{&r.id, &r.number, &r.status, &r.scope, &r.restriction, &r.state, &r.current, &r.pending, instant{&r.expires},
		maybe{&r.endedAt}, &r.endedBy, &r.endKind, &r.endReason}
}

const versionColumns = `v.warning, v.version, v.kind, v.state, v.content, v.reason, v.proposed_at, v.proposed_by, v.proposed_by_name,
	coalesce(v.approved_by, 0), coalesce(v.approved_by_name, ''), coalesce(v.identifier, ''), coalesce(v.sent, 0), coalesce(v.cap, '')`

func (v *version) targets() []any {
	return []any{&v.warning, &v.n, &v.kind, &v.state, asJSON{&v.content}, &v.reason, instant{&v.proposedAt}, &v.proposedBy, &v.proposedByName,
		&v.approvedBy, &v.approvedByName, &v.identifier, instant{&v.sent}, &v.cap}
}

// instant scans microseconds, maybe the same or null, asJSON a JSON text.
type (
	instant struct{ t *time.Time }
	maybe   struct{ t **time.Time }
	asJSON  struct{ to any }
)

func (i instant) Scan(src any) error {
	us, ok := src.(int64)
	if !ok {
		return fmt.Errorf("expected microseconds, found %T", src)
	}
	*i.t = db.Time(us)
	return nil
}

func (m maybe) Scan(src any) error {
	if src == nil {
		*m.t = nil
		return nil
	}
	t := new(time.Time)
	*m.t = t
	return instant{t}.Scan(src)
}

func (j asJSON) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("expected JSON text, found %T", src)
	}
	return json.Unmarshal([]byte(text), j.to)
}

// nextSerial returns the number that comes next in the year. The one writer
// makes this safe: nobody else counts at the same time.
func nextSerial(tx *db.Tx, year int) (serial int, err error) {
	err = tx.QueryRow("select coalesce(max(serial), 0) + 1 from warnings where year = $1", year).Scan(&serial)
	return serial, err
}

func insertWarning(tx *db.Tx, r *record, year, serial int, now time.Time) error {
	return tx.QueryRow(`insert into warnings (number, year, serial, status, scope, restriction, state, current, pending, expires, changed)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning id`,
		r.number, year, serial, r.status, r.scope, r.restriction, string(r.state), r.current, r.pending, db.Micros(r.expires), db.Micros(now)).Scan(&r.id)
}

func insertVersion(tx *db.Tx, v *version) error {
	content, err := json.Marshal(v.content)
	if err != nil {
		return err
	}
	var approvedBy, approvedByName, identifier, sent, document any
	if v.state == Issued {
		approvedBy, approvedByName, identifier, sent, document = v.approvedBy, v.approvedByName, v.identifier, db.Micros(v.sent), v.cap
	}
	_, err = tx.Exec(`insert into warning_versions (warning, version, kind, state, content, reason, proposed_at, proposed_by, proposed_by_name,
			approved_by, approved_by_name, identifier, sent, cap)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, cast($10 as bigint), cast($11 as text), cast($12 as text), cast($13 as bigint), cast($14 as text))`,
		v.warning, v.n, string(v.kind), string(v.state), string(content), v.reason, db.Micros(v.proposedAt), v.proposedBy, v.proposedByName,
		approvedBy, approvedByName, identifier, sent, document)
	return err
}

// issueVersion writes the approval. It changes nothing when the version is no longer proposed.
func issueVersion(tx *db.Tx, v *version) error {
	return one(tx.Exec(`update warning_versions set state = 'issued', approved_by = $3, approved_by_name = $4, identifier = $5, sent = $6, cap = $7
		where warning = $1 and version = $2 and state = 'proposed'`,
		v.warning, v.n, v.approvedBy, v.approvedByName, v.identifier, db.Micros(v.sent), v.cap))
}

func withdrawVersion(tx *db.Tx, v *version, reason string) error {
	return one(tx.Exec(`update warning_versions set state = 'cancelled', reason = $3 where warning = $1 and version = $2 and state = 'proposed'`,
		v.warning, v.n, reason))
}

// updateWarning writes where the warning stands.
func updateWarning(tx *db.Tx, r *record, changed time.Time) error {
	var endedAt, endedBy, endKind, endReason any
	if r.endedAt != nil {
		endedAt, endedBy, endKind, endReason = db.Micros(*r.endedAt), r.endedBy, r.endKind, r.endReason
	}
	return one(tx.Exec(`update warnings set state = $2, current = $3, pending = $4, expires = $5, changed = $6,
			ended_at = cast($7 as bigint), ended_by = cast($8 as text), end_kind = cast($9 as text), end_reason = cast($10 as text)
		where id = $1`,
		r.id, string(r.state), r.current, r.pending, db.Micros(r.expires), db.Micros(changed), endedAt, endedBy, endKind, endReason))
}

// updatePending writes which version waits; the public picture doesn't change by it.
func updatePending(tx *db.Tx, r *record) error {
	return one(tx.Exec("update warnings set pending = $2 where id = $1", r.id, r.pending))
}

// one holds that a statement changed exactly one row.
func one(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n != 1 {
		err = fmt.Errorf("%d rows changed, expected one", n)
	}
	return err
}

func loadWarning(tx *db.Tx, id int64) (*record, error) {
	var r record
	err := tx.QueryRow("select "+recordColumns+" from warnings w where w.id = $1", id).Scan(r.targets()...)
	if errors.Is(err, db.ErrNotFound) {
		return nil, errUnknown(id)
	}
	return &r, err
}

// loadVersions returns all versions of a warning, oldest first.
func loadVersions(tx *db.Tx, warning int64) ([]version, error) {
	var vs []version
	err := tx.Each(func(rows *sql.Rows) error {
		var v version
		err := rows.Scan(v.targets()...)
		vs = append(vs, v)
		return err
	}, "select "+versionColumns+" from warning_versions v where v.warning = $1 order by v.version nulls last, v.id", warning)
	return vs, err
}

// full is a warning with the version that speaks for it: what is in force, or
// what waits when nothing was issued yet.
type full struct {
	record
	shown version
}

const fullFrom = ` from warnings w join warning_versions v on v.warning = w.id
	and v.version = case when w.current > 0 then w.current else w.pending end `

func (f *full) scan(rows *sql.Rows) error {
	return rows.Scan(append(f.record.targets(), f.shown.targets()...)...)
}

// listWarnings returns the warnings in one of the states, newest first, after the
// given id (0: from the start).
func listWarnings(tx *db.Tx, states []State, after int64, limit int) ([]full, error) {
	list, err := json.Marshal(states)
	if err != nil {
		return nil, err
	}
	var out []full
	err = tx.Each(func(rows *sql.Rows) error {
		var f full
		err := f.scan(rows)
		out = append(out, f)
		return err
	}, "select "+recordColumns+", "+versionColumns+fullFrom+
		`where w.state in (select value from json_list($1)) and ($2 = 0 or w.id < $2) order by w.id desc nulls last limit $3`, string(list), after, limit)
	return out, err
}

// dueWarnings returns the issued warnings that have ended by now.
func dueWarnings(tx *db.Tx, now time.Time) ([]full, error) {
	var out []full
	err := tx.Each(func(rows *sql.Rows) error {
		var f full
		err := f.scan(rows)
		out = append(out, f)
		return err
	}, "select "+recordColumns+", "+versionColumns+fullFrom+`where w.state = 'issued' and w.expires <= $1 order by w.expires nulls last, w.id limit 100`, db.Micros(now))
	return out, err
}

// nextExpiry returns when the next issued warning ends.
func nextExpiry(tx *db.Tx) (t time.Time, ok bool, err error) {
	var us int64
	err = tx.QueryRow("select coalesce(min(expires), 0) from warnings where state = 'issued'").Scan(&us)
	return db.Time(us), us > 0, err
}

// references names every message of the warning that was published before.
func references(vs []version, sender string, zone *time.Location) cap.References {
	var rs cap.References
	for _, v := range vs {
		if v.state == Issued {
			rs = append(rs, cap.Reference{Sender: sender, Identifier: v.identifier, Sent: cap.Time{Time: v.sent.In(zone)}})
		}
	}
	return rs
}
