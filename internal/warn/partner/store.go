package partner

import (
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the room's tables.
func Migrations() db.Migrations { return db.Embedded("partner", migrations) }

// --- partners

const partnerColumns = `id, title_en, title_zh, url, service, every, trust, pinned, covers, events, hosts, active, revision, added_at,
	etag, last_modified, next_at, last_ok_at, last_error, failures`

func scanPartner(row interface{ Scan(...any) error }) (*Partner, error) {
	p := &Partner{}
	var events, hosts string
	var active bool
	var added, next int64
	var ok sql.NullInt64
	err := row.Scan(&p.ID, &p.Title.English, &p.Title.Chinese, &p.URL, &p.Service, &p.Every, &p.Trust, &p.Pinned, &p.Covers, &events, &hosts,
		&active, &p.revision, &added, &p.ETag, &p.LastModified, &next, &ok, &p.LastError, &p.Failures)
	if err != nil {
		return nil, err
	}
	p.Active, p.AddedAt, p.NextAt, p.LastOKAt = &active, db.Time(added), db.Time(next), optional(ok)
	return p, errors.Join(json.Unmarshal([]byte(events), &p.Events), json.Unmarshal([]byte(hosts), &p.Hosts))
}

func optional(us sql.NullInt64) *time.Time {
	if !us.Valid {
		return nil
	}
	t := db.Time(us.Int64)
	return &t
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// partners are those that were not removed.
func partners(tx *db.Tx) (out []*Partner, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		p, err := scanPartner(rows)
		out = append(out, p)
		return err
	}, `select `+partnerColumns+` from warning_partners where removed_at is null order by id nulls last`)
	return out, err
}

func partnerByID(tx *db.Tx, id int64) (*Partner, error) {
	p, err := scanPartner(tx.QueryRow(`select `+partnerColumns+` from warning_partners where id = $1 and removed_at is null`, id))
	if errors.Is(err, db.ErrNotFound) {
		return nil, errUnknown(id)
	}
	return p, err
}

// same says whether a partner is still as it was when it began to be read.
func same(tx *db.Tx, p *Partner) (bool, error) {
	var n int
	err := tx.QueryRow(`select count(*) from warning_partners where id = $1 and revision = $2 and removed_at is null`, p.ID, p.revision).Scan(&n)
	return n == 1, err
}

func (r *Registration) lists() (events, hosts string, err error) {
	e, err := json.Marshal(r.Events)
	if err != nil {
		return "", "", err
	}
	h, err := json.Marshal(r.Hosts)
	return string(e), string(h), err
}

func insertPartner(tx *db.Tx, p *Partner) error {
	events, hosts, err := p.lists()
	if err != nil {
		return err
	}
	return tx.QueryRow(`insert into warning_partners (title_en, title_zh, url, service, every, trust, pinned, covers, events, hosts, active, revision,
			added_at, etag, last_modified, next_at, last_error, failures)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, '', '', $13, '', 0) returning id`,
		p.Title.English, p.Title.Chinese, p.URL, p.Service, p.Every, p.Trust, p.Pinned, p.Covers, events, hosts, flag(*p.Active),
		db.Micros(p.AddedAt), db.Micros(p.NextAt)).Scan(&p.ID)
}

// updatePartner writes what a person has changed. The feed is read anew as a whole, since what was refused or lay elsewhere may
// now be judged otherwise.
func updatePartner(tx *db.Tx, p *Partner) error {
	events, hosts, err := p.lists()
	if err != nil {
		return err
	}
	_, err = tx.Exec(`update warning_partners set title_en = $1, title_zh = $2, url = $3, service = $4, every = $5, trust = $6, pinned = $7, covers = $8,
			events = $9, hosts = $10, active = $11, revision = revision + 1, etag = '', last_modified = '', next_at = $12, last_error = '', failures = 0
		where id = $13`,
		p.Title.English, p.Title.Chinese, p.URL, p.Service, p.Every, p.Trust, p.Pinned, p.Covers, events, hosts, flag(*p.Active), db.Micros(p.NextAt), p.ID)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from partner_links where partner = $1`, p.ID); err != nil {
		return err
	}
	for _, statement := range []string{
		`delete from received_messages where partner = $1 and verdict = 'reject' and ended_at is null`,
		`delete from received_references where message in (select id from received_messages where partner = $1 and placement = 'elsewhere')`,
		`delete from received_messages where partner = $1 and placement = 'elsewhere'`,
	} {
		if _, err := tx.Exec(statement, p.ID); err != nil {
			return err
		}
	}
	return nil
}

// polled writes how a poll went.
func polled(tx *db.Tx, p *Partner) error {
	var ok any
	if p.LastOKAt != nil {
		ok = db.Micros(*p.LastOKAt)
	}
	_, err := tx.Exec(`update warning_partners set etag = $1, last_modified = $2, next_at = $3, last_ok_at = cast($4 as bigint), last_error = $5, failures = $6
		where id = $7 and revision = $8`, p.ETag, p.LastModified, db.Micros(p.NextAt), ok, p.LastError, p.Failures, p.ID, p.revision)
	return err
}

// --- links

type known struct {
	message int64
	tries   int
}

func links(tx *db.Tx, partner int64) (map[link]known, error) {
	out := map[link]known{}
	err := tx.Each(func(rows *sql.Rows) error {
		var l link
		var k known
		err := rows.Scan(&l.url, &l.version, &k.message, &k.tries)
		out[l] = k
		return err
	}, `select url, version, message, tries from partner_links where partner = $1`, partner)
	return out, err
}

func putLink(tx *db.Tx, partner int64, l link, k known, fault string, now time.Time) error {
	_, err := tx.Exec(`insert into partner_links (partner, url, version, message, tries, fault, seen_at) values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (partner, url, version) do update set message = excluded.message, tries = excluded.tries, fault = excluded.fault, seen_at = excluded.seen_at`,
		partner, l.url, l.version, k.message, k.tries, fault, db.Micros(now))
	return err
}

// --- messages

const messageColumns = `id, partner, sender, identifier, sent, msg_type, status, scope, verdict, problems, signed_by, received_at, hazard, level,
	texts, places, placement, speaks, clears, onset, expires, replaced_by, ended_at, end_kind, thread, told, unlisted_at, concerns`

func scanMessage(row interface{ Scan(...any) error }) (*Message, error) {
	m := &Message{}
	var problems, texts, places, concerns string
	var sent, received, onset, expires int64
	var ended, unlisted sql.NullInt64
	err := row.Scan(&m.ID, &m.Partner, &m.Sender, &m.Identifier, &sent, &m.MsgType, &m.Status, &m.Scope, &m.Verdict, &problems, &m.SignedBy, &received,
		&m.Hazard, &m.Level, &texts, &places, &m.Placement, &m.Speaks, &m.Clears, &onset, &expires, &m.ReplacedBy, &ended, &m.EndKind, &m.thread, &m.told, &unlisted, &concerns)
	if err != nil {
		return nil, err
	}
	m.Sent, m.ReceivedAt, m.Onset, m.Expires = db.Time(sent), db.Time(received), db.Time(onset), db.Time(expires)
	m.EndedAt, m.UnlistedAt = optional(ended), optional(unlisted)
	return m, errors.Join(json.Unmarshal([]byte(problems), &m.Problems), json.Unmarshal([]byte(texts), &m.Texts), json.Unmarshal([]byte(places), &m.Places),
		json.Unmarshal([]byte(concerns), &m.concerns))
}

func scanMessages(tx *db.Tx, query string, args ...any) (out []*Message, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		m, err := scanMessage(rows)
		out = append(out, m)
		return err
	}, query, args...)
	return out, err
}

// byDigest is the message of that content, or 0.
func byDigest(tx *db.Tx, partner int64, digest string) (id int64, err error) {
	err = tx.QueryRow(`select id from received_messages where partner = $1 and digest = $2`, partner, digest).Scan(&id)
	if errors.Is(err, db.ErrNotFound) {
		return 0, nil
	}
	return id, err
}

// byName is the message of that name which was not refused, with the digest of its content; id 0 for none.
func byName(tx *db.Tx, partner int64, a *cap.Alert) (id int64, digest string, err error) {
	err = tx.QueryRow(`select id, digest from received_messages where partner = $1 and sender = $2 and identifier = $3 and sent = $4 and verdict <> 'reject'`,
		partner, a.Sender, a.Identifier, db.Micros(a.Sent.Time)).Scan(&id, &digest)
	if errors.Is(err, db.ErrNotFound) {
		return 0, "", nil
	}
	return id, digest, err
}

// areasJSON is a list of areas as it is kept.
func areasJSON(ids []int64) string {
	text, _ := json.Marshal(append([]int64{}, ids...)) // numbers can be written
	return string(text)
}

func updateConcerns(tx *db.Tx, m *Message) error {
	_, err := tx.Exec(`update received_messages set concerns = $1 where id = $2`, areasJSON(m.concerns), m.ID)
	return err
}

func insertMessage(tx *db.Tx, m *Message, digest, document string) error {
	problems, err := json.Marshal(m.Problems)
	if err != nil {
		return err
	}
	texts, err := json.Marshal(m.Texts)
	if err != nil {
		return err
	}
	places, err := json.Marshal(m.Places)
	if err != nil {
		return err
	}
	err = tx.QueryRow(`insert into received_messages (partner, digest, sender, identifier, sent, msg_type, status, scope, document, verdict, problems,
			signed_by, received_at, hazard, level, texts, places, placement, speaks, clears, onset, expires, replaced_by, end_kind, thread, told, concerns)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, 0, '', 0, 0, $23) returning id`,
		m.Partner, digest, m.Sender, m.Identifier, db.Micros(m.Sent), m.MsgType, m.Status, m.Scope, document, m.Verdict, string(problems),
		m.SignedBy, db.Micros(m.ReceivedAt), m.Hazard, m.Level, string(texts), string(places), m.Placement, flag(m.Speaks), flag(m.Clears),
		db.Micros(m.Onset), db.Micros(m.Expires), areasJSON(m.concerns)).Scan(&m.ID)
	if err != nil {
		return fmt.Errorf("keep message %s of partner %d: %w", m.Identifier, m.Partner, err)
	}
	return nil
}

func insertReference(tx *db.Tx, m *Message, r cap.Reference) error {
	_, err := tx.Exec(`insert into received_references (message, partner, sender, identifier, sent) values ($1, $2, $3, $4, $5)
		on conflict (message, sender, identifier, sent) do nothing`, m.ID, m.Partner, r.Sender, r.Identifier, refTime(r))
	return err
}

// refTime is a reference's time as it is kept; 0 where it names none.
func refTime(r cap.Reference) int64 {
	if r.Sent.IsZero() {
		return 0
	}
	return db.Micros(r.Sent.Time)
}

func timeOfRef(us int64) cap.Time {
	if us == 0 {
		return cap.Time{}
	}
	return cap.Time{Time: db.Time(us)}
}

// enders are the messages of a message's partner that name it, and that were not refused.
func enders(tx *db.Tx, m *Message) (out []heard, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var h heard
		var sent, named int64
		err := rows.Scan(&h.id, &h.sender, &h.identifier, &sent, &h.msgType, &h.status, &h.clears, &named)
		h.sent = db.Time(sent)
		h.references = cap.References{{Sender: m.Sender, Identifier: m.Identifier, Sent: timeOfRef(named)}}
		out = append(out, h)
		return err
	}, `select m.id, m.sender, m.identifier, m.sent, m.msg_type, m.status, m.clears, r.sent
		from received_references r join received_messages m on m.id = r.message
		where r.partner = $1 and r.sender = $2 and r.identifier = $3 and m.verdict <> 'reject' order by m.id nulls last`, m.Partner, m.Sender, m.Identifier)
	return out, err
}

// named are the messages of a partner that a reference names, and that were not refused.
func named(tx *db.Tx, partner int64, r cap.Reference) ([]*Message, error) {
	return scanMessages(tx, `select `+messageColumns+` from received_messages where partner = $1 and sender = $2 and identifier = $3
		and (cast($4 as bigint) = 0 or sent = cast($4 as bigint)) and verdict <> 'reject' order by id nulls last`, partner, r.Sender, r.Identifier, refTime(r))
}

func updateEnd(tx *db.Tx, m *Message) error {
	var at any
	if m.EndedAt != nil {
		at = db.Micros(*m.EndedAt)
	}
	_, err := tx.Exec(`update received_messages set replaced_by = $1, ended_at = cast($2 as bigint), end_kind = $3 where id = $4`, m.ReplacedBy, at, m.EndKind, m.ID)
	return err
}

func updateTold(tx *db.Tx, m *Message) error {
	_, err := tx.Exec(`update received_messages set thread = $1, told = $2 where id = $3`, m.thread, m.told, m.ID)
	return err
}

// standing is the condition under which a message is in force at $1, whatever its status and scope.
const standing = ` verdict <> 'reject' and speaks = 1 and placement in ('placed', 'city') and ended_at is null and expires > $1 `

// due are messages that were told of as in force and have expired by now.
func due(tx *db.Tx, now time.Time) ([]*Message, error) {
	return scanMessages(tx, `select `+messageColumns+` from received_messages where told = 1 and ended_at is null and expires <= $1
		order by expires nulls last, id limit 100`, db.Micros(now))
}

// nextEnd is when the next message that was told of expires.
func nextEnd(tx *db.Tx) (t time.Time, ok bool, err error) {
	var us int64
	err = tx.QueryRow(`select coalesce(min(expires), 0) from received_messages where told = 1 and ended_at is null`).Scan(&us)
	return db.Time(us), us > 0, err
}

// unlist marks the messages of a partner that its feed, read as a whole, no longer lists, and takes the mark from those that it
// lists again.
func unlist(tx *db.Tx, partner int64, listed []int64, now time.Time) error {
	list, err := json.Marshal(listed)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`update received_messages set unlisted_at = null where partner = $1 and unlisted_at is not null
		and id in (select cast(value as bigint) from json_list($2))`, partner, string(list)); err != nil {
		return err
	}
	if _, err := tx.Exec(`update partner_links set seen_at = $3 where partner = $1 and message in (select cast(value as bigint) from json_list($2))`,
		partner, string(list), db.Micros(now)); err != nil {
		return err
	}
	_, err = tx.Exec(`update received_messages set unlisted_at = $3 where partner = $1 and unlisted_at is null and ended_at is null and expires > $3
		and verdict <> 'reject' and id not in (select cast(value as bigint) from json_list($2))`, partner, string(list), db.Micros(now))
	return err
}
