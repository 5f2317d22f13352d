package respond

import (
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the room's tables.
func Migrations() db.Migrations { return db.Embedded("respond", migrations) }

// --- definitions

func putDefinition(tx *db.Tx, hash, kind string, body []byte, at time.Time) error {
	_, err := tx.Exec(`insert into case_definitions (hash, kind, body, at) values ($1, $2, $3, $4) on conflict (hash) do nothing`,
		hash, kind, string(body), db.Micros(at))
	if err != nil {
		return fmt.Errorf("keep definition of %s: %w", kind, err)
	}
	return nil
}

func getDefinition(tx *db.Tx, hash string) (*lifecycle.Kind, error) {
	var body string
	if err := tx.QueryRow(`select body from case_definitions where hash = $1`, hash).Scan(&body); err != nil {
		return nil, fmt.Errorf("definition %s: %w", hash, err)
	}
	k, err := lifecycle.Decode([]byte(body))
	if err != nil {
		return nil, fmt.Errorf("definition %s: %w", hash, err)
	}
	return k, nil
}

// --- cases

// insertCase adds c unless its alert or finding has a case already; added says which.
func insertCase(tx *db.Tx, c *Case) (added bool, err error) {
	fields, streams, parties, err := encodeCase(c)
	if err != nil {
		return false, err
	}
	lon, lat := point(c.Point)
	err = tx.QueryRow(`insert into cases
		(kind, definition, title, state, since, generation, level, fields, alert, finding, report, asset, place, area, owner,
		 lon, lat, datastreams, opened_at, due_at, closed_at, outcome, post, desk, parties, private, parent, merged_into, category,
		 listed, reopened)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
		 $23, $24, $25, $26, $27, $28, $29, $30, $31)
		on conflict do nothing returning id`,
		c.Kind, c.Definition, c.Title, c.State, db.Micros(c.Since), c.Generation, c.Level, fields, id(c.Alert), id(c.Finding),
		c.Report, c.Asset, c.Place, c.Area, c.Owner, lon, lat, streams, db.Micros(c.OpenedAt), moment(c.DueAt),
		moment(c.ClosedAt), c.Outcome, c.Post, c.Desk, parties, flag(c.Private), c.Parent, c.MergedInto, c.Category, c.Listed,
		c.Reopened).Scan(&c.ID)
	if errors.Is(err, db.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("insert case: %w", err)
	}
	if len(c.resource().Parties) == 0 {
		return true, nil
	}
	return true, keepParties(tx, c)
}

// updateCase writes what a move changes. It fails when the case was moved by someone else since it was read, which only
// another process on the same PostgreSQL can do.
func updateCase(tx *db.Tx, c *Case, generation int64) error {
	fields, streams, parties, err := encodeCase(c)
	if err != nil {
		return err
	}
	r, err := tx.Exec(`update cases set state = $1, since = $2, generation = $3, level = $4, fields = $5, due_at = $6,
		closed_at = $7, outcome = $8, datastreams = $9, owner = $10, post = $11, desk = $12, parties = $13, merged_into = $14,
		listed = $15, reopened = $16 where id = $17 and generation = $18`,
		c.State, db.Micros(c.Since), c.Generation, c.Level, fields, moment(c.DueAt), moment(c.ClosedAt), c.Outcome, streams,
		c.Owner, c.Post, c.Desk, parties, c.MergedInto, c.Listed, c.Reopened, c.ID, generation)
	if err != nil {
		return fmt.Errorf("update case %d: %w", c.ID, err)
	}
	if n, err := r.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("update case %d: moved by someone else at the same moment (%w)", c.ID, errors.Join(err, errMovedMeanwhile))
	}
	return keepParties(tx, c)
}

var errMovedMeanwhile = errors.New("case was moved meanwhile")

// holders are those who had a case before its present owner, the last at the end, and how often it was given back. Each time that
// it was given to another is a step down, each return a step up again.
func holders(tx *db.Tx, c *Case, k *lifecycle.Kind) (before []lifecycle.Holder, returns int, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var move string
		var h lifecycle.Holder
		if err := rows.Scan(&move, &h.Organisation, &h.Post); err != nil {
			return err
		}
		before, returns = handed(k, move, h, before, returns)
		return nil
	}, `select move, cast(json_num(data, 'owner_before') as bigint), coalesce(json_text(data, 'post_before'), '') from case_timeline
		where case_id = $1 and kind = 'move' and json_num(data, 'owner_before') is not null order by id nulls last`, c.ID)
	return before, returns, err
}

// handed is one step of holders: move took the case from h.
func handed(k *lifecycle.Kind, move string, h lifecycle.Holder, before []lifecycle.Holder, returns int) ([]lifecycle.Holder, int) {
	m := k.Move(move)
	switch {
	case m == nil:
	case m.Does == lifecycle.Return:
		if returns++; len(before) > 0 {
			before = before[:len(before)-1]
		}
	default:
		before = append(before, h)
	}
	return before, returns
}

func encodeCase(c *Case) (fields, streams, parties string, err error) {
	f, err1 := json.Marshal(c.Fields)
	s, err2 := json.Marshal(c.Datastreams)
	p := []byte("[]")
	var err3 error
	if len(c.Parties) > 0 {
		p, err3 = json.Marshal(c.Parties)
	}
	if err := errors.Join(err1, err2, err3); err != nil {
		return "", "", "", fmt.Errorf("encode case: %w", err)
	}
	return string(f), string(s), string(p), nil
}

const caseColumns = `id, kind, definition, title, state, since, generation, level, fields, alert, finding, report, asset,
	place, area, owner, lon, lat, datastreams, opened_at, due_at, closed_at, outcome, post, desk, parties, private, parent,
	merged_into, category, listed, reopened`

func scanCase(row interface{ Scan(...any) error }) (*Case, error) {
	c := &Case{}
	var since, opened int64
	var due, closed, alert, finding sql.NullInt64
	var lon, lat sql.NullFloat64
	var fields, streams, parties string
	var private int64
	err := row.Scan(&c.ID, &c.Kind, &c.Definition, &c.Title, &c.State, &since, &c.Generation, &c.Level, &fields, &alert, &finding,
		&c.Report, &c.Asset, &c.Place, &c.Area, &c.Owner, &lon, &lat, &streams, &opened, &due, &closed, &c.Outcome,
		&c.Post, &c.Desk, &parties, &private, &c.Parent, &c.MergedInto, &c.Category, &c.Listed, &c.Reopened)
	if err != nil {
		return nil, fmt.Errorf("case: %w", err)
	}
	if err := json.Unmarshal([]byte(fields), &c.Fields); err != nil {
		return nil, fmt.Errorf("case %d: fields: %w", c.ID, err)
	}
	if err := json.Unmarshal([]byte(streams), &c.Datastreams); err != nil {
		return nil, fmt.Errorf("case %d: datastreams: %w", c.ID, err)
	}
	if err := json.Unmarshal([]byte(parties), &c.Parties); err != nil {
		return nil, fmt.Errorf("case %d: parties: %w", c.ID, err)
	}
	c.Private = private != 0
	c.Since, c.OpenedAt, c.DueAt, c.ClosedAt = db.Time(since), db.Time(opened), instant(due), instant(closed)
	c.Alert, c.Finding = alert.Int64, finding.Int64
	if lon.Valid && lat.Valid {
		c.Point = &[2]float64{lon.Float64, lat.Float64}
	}
	return c, nil
}

func getCase(tx *db.Tx, id int64) (*Case, error) {
	return scanCase(tx.QueryRow(`select `+caseColumns+` from cases where id = $1`, id))
}

// newestCases returns up to limit cases of a scope below the id before, newest first; before 0 means from the newest. Only what
// narrows the list stands in the statement, so that an index serves it.
func newestCases(tx *db.Tx, sc scope, f Filter, before int64, now time.Time, limit int) ([]*Case, error) {
	var where []string
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	add := func(condition string, v any) { where = append(where, strings.ReplaceAll(condition, "?", arg(v))) }
	if before != 0 {
		add("id < cast(? as bigint)", before)
	}
	if f.Open {
		where = append(where, "closed_at is null")
	}
	if f.Kind != "" {
		add("kind = ?", f.Kind)
	}
	if f.Owner != nil {
		add("owner = cast(? as bigint)", *f.Owner)
	}
	if f.Post != "" {
		add("post = ?", f.Post)
	}
	if f.Listed {
		where = append(where, "listed <> ''")
	}
	if f.Parent != 0 {
		add("parent = cast(? as bigint) and parent <> 0", f.Parent)
	}
	if f.Overdue {
		add("id in (select case_id from case_limits where state = 'running' and what in ('state', 'case') and due_at <= cast(? as bigint))", db.Micros(now))
	}
	// An id is never null; PostgreSQL goes down the primary key only where the nulls, too, come in the order of an index.
	newest := ` order by id desc nulls first limit ` + arg(limit)
	takesPart := func() string {
		return "id in (select case_id from case_parties where organisation = cast(" + arg(sc.organisation) + " as bigint))"
	}
	those := func(more ...string) string {
		if all := append(slices.Clone(where), more...); len(all) > 0 {
			return ` from cases where ` + strings.Join(all, ` and `) + newest
		}
		return ` from cases` + newest
	}
	switch {
	case sc.all && sc.private:
		return casesBy(tx, `select `+caseColumns+those(), args...)
	case sc.all:
		return casesBy(tx, `select `+caseColumns+those("(private = 0 or "+takesPart()+")"), args...)
	}
	// Numbers one by one, not as a JSON list, so that the planner knows how many there are and which; padded to a power of two, so
	// that there are few texts to plan.
	branches := []string{`select id from (select id` + those(takesPart()) + `) shared`}
	for _, of := range []struct {
		column string
		ids    []int64
	}{{"owner", sc.owners}, {"area", sc.areas}} {
		if len(of.ids) == 0 {
			continue
		}
		var list []string
		for i := range 1 << bits.Len(uint(len(of.ids)-1)) {
			id := int64(-1)
			if i < len(of.ids) {
				id = of.ids[i]
			}
			list = append(list, arg(id))
		}
		branches = append(branches, `select id from (select id`+those("private = 0", of.column+" in ("+strings.Join(list, ", ")+")")+`) by_`+of.column)
	}
	return casesBy(tx, `select `+caseColumns+` from cases where id in (`+strings.Join(branches, ` union `)+`)`+newest, args...)
}

func casesBy(tx *db.Tx, query string, args ...any) ([]*Case, error) {
	var cs []*Case
	err := tx.Each(func(rows *sql.Rows) error {
		c, err := scanCase(rows)
		cs = append(cs, c)
		return err
	}, query, args...)
	return cs, err
}

// lateAmong returns which of some cases are past a limit of theirs, tasks and asks left out.
func lateAmong(tx *db.Tx, cs []*Case, now time.Time) (map[int64]bool, error) {
	ids := make([]int64, len(cs))
	for i, c := range cs {
		ids[i] = c.ID
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	late := map[int64]bool{}
	return late, tx.Each(func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		late[id] = true
		return err
	}, `select case_id from case_limits where state = 'running' and what in ('state', 'case') and due_at <= cast($2 as bigint)
		and case_id in (select cast(value as bigint) from json_list($1))`, string(list), db.Micros(now))
}

// --- timeline

// insertEntry adds e, unless the event that it tells of stands there already; added says which.
func insertEntry(tx *db.Tx, caseID int64, e *Entry) (added bool, err error) {
	facts := e.Data
	if e.Actor.Kind == access.KindAccount && e.Actor.Organisation != 0 {
		facts = maps.Clone(e.Data)
		if facts == nil {
			facts = map[string]any{}
		}
		facts["by"] = e.Actor.Organisation // which agency acted: a log per agency asks for it (see Entry.By)
	}
	data, err := json.Marshal(facts)
	if err != nil {
		return false, fmt.Errorf("encode timeline entry: %w", err)
	}
	err = tx.QueryRow(`insert into case_timeline
		(case_id, at, actor_kind, actor_id, actor, kind, move, en, zh, text, data, event)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict (case_id, event) do nothing returning id`,
		caseID, db.Micros(e.At), e.Actor.Kind.String(), e.Actor.ID, e.Actor.Name, e.Kind, e.Move, e.Text.En, e.Text.Zh, e.Free,
		string(data), id(e.Event)).Scan(&e.ID)
	if errors.Is(err, db.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("add to the timeline of case %d: %w", caseID, err)
	}
	return true, nil
}

// takeNews notes that the case of an alert takes an event about it. fresh is false where it has taken that one, or a later one: a
// run of past events comes again in order, so that what it says last was true when it was first told, and need not be now.
func takeNews(tx *db.Tx, alert, event int64) (fresh bool, err error) {
	r, err := tx.Exec(`insert into case_alert_news (alert, event) values ($1, $2)
		on conflict (alert) do update set event = excluded.event where case_alert_news.event < excluded.event`, alert, event)
	if err != nil {
		return false, fmt.Errorf("news of alert %d: %w", alert, err)
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

// entryColumns are what scanEntries reads.
const entryColumns = `id, at, actor_kind, actor_id, actor, kind, move, en, zh, text, data`

func timeline(tx *db.Tx, caseID int64) ([]Entry, error) {
	return scanEntries(tx, `select `+entryColumns+` from case_timeline where case_id = $1 order by id nulls last`, caseID)
}

// stretch returns the newest entries before one, at most so many, the oldest first; before is 0 for the newest of all. earlier says
// how many stand before them.
func stretch(tx *db.Tx, caseID, before int64, most int) (es []Entry, earlier int, err error) {
	if before == 0 {
		before = math.MaxInt64
	}
	es, err = scanEntries(tx, `select `+entryColumns+` from case_timeline where case_id = $1 and id < $2 order by id desc nulls last limit $3`,
		caseID, before, most)
	if err != nil || len(es) < most {
		slices.Reverse(es)
		return es, 0, err
	}
	slices.Reverse(es)
	err = tx.QueryRow(`select count(*) from case_timeline where case_id = $1 and id < $2`, caseID, es[0].ID).Scan(&earlier)
	if err != nil {
		return nil, 0, fmt.Errorf("timeline of case %d: %w", caseID, err)
	}
	return es, earlier, nil
}

func scanEntries(tx *db.Tx, query string, args ...any) ([]Entry, error) {
	var es []Entry
	err := tx.Each(func(rows *sql.Rows) error {
		var e Entry
		var at int64
		var kind, data string
		if err := rows.Scan(&e.ID, &at, &kind, &e.Actor.ID, &e.Actor.Name, &e.Kind, &e.Move, &e.Text.En, &e.Text.Zh, &e.Free, &data); err != nil {
			return err
		}
		e.At, e.Actor.Kind = db.Time(at), actorKind(kind)
		es = append(es, e)
		return json.Unmarshal([]byte(data), &es[len(es)-1].Data)
	}, query, args...)
	return es, err
}

// pastMoves returns which moves were made by which account. Who asked for a move that another granted has made it too.
func pastMoves(tx *db.Tx, caseID int64) ([]lifecycle.PastMove, error) {
	var ps []lifecycle.PastMove
	err := tx.Each(func(rows *sql.Rows) error {
		var p lifecycle.PastMove
		err := rows.Scan(&p.Move, &p.Account)
		ps = append(ps, p)
		return err
	}, `select move, actor_id from case_timeline where case_id = $1 and kind = 'move' and actor_kind = 'account'
		union all select move, asked_by from case_asks where case_id = $1 and state = 'granted'`, caseID)
	return ps, err
}

func actorKind(word string) access.Kind {
	for _, k := range []access.Kind{access.KindAccount, access.KindDevice, access.KindSystem} {
		if k.String() == word {
			return k
		}
	}
	return access.KindPublic
}

// --- evidence

func insertEvidence(tx *db.Tx, caseID int64, a *Attachment) error {
	var reading sql.NullString
	if a.Reading != nil {
		b, err := json.Marshal(a.Reading)
		if err != nil {
			return fmt.Errorf("encode reading: %w", err)
		}
		reading = sql.NullString{String: string(b), Valid: true}
	}
	err := tx.QueryRow(`insert into case_evidence (case_id, kind, at, by_id, by_name, text, blob, reading)
		values ($1, $2, $3, $4, $5, $6, $7, $8) returning id`,
		caseID, a.Kind, db.Micros(a.At), a.ByID, a.By, a.Text, sql.NullString{String: a.Blob, Valid: a.Blob != ""}, reading).Scan(&a.ID)
	if err != nil {
		return fmt.Errorf("attach evidence to case %d: %w", caseID, err)
	}
	return nil
}

func putBlob(tx *db.Tx, sha, media string, body []byte) error {
	_, err := tx.Exec(`insert into evidence_blobs (sha256, media, size, body) values ($1, $2, $3, $4) on conflict (sha256) do nothing`,
		sha, media, len(body), body)
	if err != nil {
		return fmt.Errorf("keep file %s: %w", sha, err)
	}
	return nil
}

func getBlob(tx *db.Tx, caseID, evidence int64) (media string, body []byte, err error) {
	err = tx.QueryRow(`select b.media, b.body from case_evidence e join evidence_blobs b on b.sha256 = e.blob
		where e.case_id = $1 and e.id = $2`, caseID, evidence).Scan(&media, &body)
	if err != nil {
		return "", nil, fmt.Errorf("file of evidence %d: %w", evidence, err)
	}
	return media, body, nil
}

// entryOf is the entry of the timeline that tells of a piece of evidence.
func entryOf(tx *db.Tx, caseID, evidence int64) (entry int64, err error) {
	err = tx.QueryRow(`select id from case_timeline where case_id = $1 and kind = 'evidence' and cast(json_num(data, 'evidence') as bigint) = cast($2 as bigint)`,
		caseID, evidence).Scan(&entry)
	if err != nil {
		return 0, fmt.Errorf("entry of evidence %d: %w", evidence, err)
	}
	return entry, nil
}

func evidence(tx *db.Tx, caseID int64) ([]Attachment, error) {
	var as []Attachment
	err := tx.Each(func(rows *sql.Rows) error {
		var a Attachment
		var at int64
		var blob, media, reading sql.NullString
		if err := rows.Scan(&a.ID, &a.Kind, &at, &a.ByID, &a.By, &a.Text, &blob, &media, &reading); err != nil {
			return err
		}
		a.At, a.Blob, a.Media = db.Time(at), blob.String, media.String
		if reading.Valid {
			a.Reading = &lifecycle.Reading{}
			if err := json.Unmarshal([]byte(reading.String), a.Reading); err != nil {
				return err
			}
		}
		as = append(as, a)
		return nil
	}, `select e.id, e.kind, e.at, e.by_id, e.by_name, e.text, e.blob, b.media, e.reading
		from case_evidence e left join evidence_blobs b on b.sha256 = e.blob where e.case_id = $1 order by e.id nulls last`, caseID)
	return as, err
}

// --- tasks

func insertTask(tx *db.Tx, t *Task) error {
	err := tx.QueryRow(`insert into case_tasks (case_id, en, zh, text, organisation, post, state, opened_at, due_at, origin)
		values ($1, $2, $3, $4, $5, $6, 'open', $7, $8, $9) returning id`,
		t.Case, t.Text.En, t.Text.Zh, t.Free, t.Organisation, t.Post, db.Micros(t.OpenedAt), moment(t.DueAt), t.Origin).Scan(&t.ID)
	if err != nil {
		return fmt.Errorf("open task of case %d: %w", t.Case, err)
	}
	return nil
}

// acknowledgeTask notes who took an open task on; first is false when somebody has already.
func acknowledgeTask(tx *db.Tx, task int64, by string, at time.Time) (t Task, first bool, err error) {
	t, err = scanTask(tx.QueryRow(`update case_tasks set acknowledged_at = $1, acknowledged_by = $2
		where id = $3 and acknowledged_at is null and state = 'open' returning `+taskColumns, db.Micros(at), by, task))
	if errors.Is(err, db.ErrNotFound) {
		return t, false, nil
	}
	if err != nil {
		return t, false, fmt.Errorf("acknowledge task %d: %w", task, err)
	}
	return t, true, nil
}

// endTask ends an open task; ended is false when it was not open.
func endTask(tx *db.Tx, caseID, task int64, state, answer string, at time.Time) (ended bool, err error) {
	r, err := tx.Exec(`update case_tasks set state = $1, done_at = $2, answer = $3 where id = $4 and case_id = $5 and state = 'open'`,
		state, db.Micros(at), answer, task, caseID)
	if err != nil {
		return false, fmt.Errorf("end task %d: %w", task, err)
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

const taskColumns = `id, case_id, en, zh, text, organisation, post, state, opened_at, due_at, acknowledged_at, acknowledged_by, done_at,
	origin, answer`

func scanTask(rows interface{ Scan(...any) error }) (t Task, err error) {
	var opened int64
	var due, acknowledged, done sql.NullInt64
	err = rows.Scan(&t.ID, &t.Case, &t.Text.En, &t.Text.Zh, &t.Free, &t.Organisation, &t.Post, &t.State, &opened, &due, &acknowledged,
		&t.AcknowledgedBy, &done, &t.Origin, &t.Answer)
	t.OpenedAt, t.DueAt, t.AcknowledgedAt, t.DoneAt = db.Time(opened), instant(due), instant(acknowledged), instant(done)
	return t, err
}

func tasks(tx *db.Tx, caseID int64) ([]Task, error) {
	var ts []Task
	err := tx.Each(func(rows *sql.Rows) error {
		t, err := scanTask(rows)
		ts = append(ts, t)
		return err
	}, `select `+taskColumns+` from case_tasks where case_id = $1 order by id nulls last`, caseID)
	return ts, err
}

func tasksOf(tx *db.Tx, origin string) ([]Task, error) {
	var ts []Task
	err := tx.Each(func(rows *sql.Rows) error {
		t, err := scanTask(rows)
		ts = append(ts, t)
		return err
	}, `select `+taskColumns+` from case_tasks where origin = $1 and origin <> '' order by id nulls last`, origin)
	return ts, err
}

// --- small conversions

func id(n int64) sql.NullInt64 { return sql.NullInt64{Int64: n, Valid: n != 0} }

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func moment(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: db.Micros(t), Valid: !t.IsZero()}
}

func instant(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return db.Time(n.Int64)
}

func point(p *[2]float64) (lon, lat sql.NullFloat64) {
	if p == nil {
		return
	}
	return sql.NullFloat64{Float64: p[0], Valid: true}, sql.NullFloat64{Float64: p[1], Valid: true}
}
