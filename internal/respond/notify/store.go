package notify

import (
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the package's tables.
func Migrations() db.Migrations { return db.Embedded("notify", migrations) }

// --- definitions

func putChain(tx *db.Tx, c *Chain) (hash string, err error) {
	hash, body, err := c.Hash()
	if err != nil {
		return "", err
	}
	_, err = tx.Exec(`insert into notice_chains (hash, chain, body) values ($1, $2, $3) on conflict (hash) do nothing`, hash, c.ID, string(body))
	if err != nil {
		return "", fmt.Errorf("keep chain %s: %w", c.ID, err)
	}
	return hash, nil
}

func getChain(tx *db.Tx, hash string) (*Chain, error) {
	var body string
	if err := tx.QueryRow(`select body from notice_chains where hash = $1`, hash).Scan(&body); err != nil {
		return nil, fmt.Errorf("chain %s: %w", hash, err)
	}
	c := &Chain{}
	if err := json.Unmarshal([]byte(body), c); err != nil {
		return nil, fmt.Errorf("chain %s: %w", hash, err)
	}
	return c, nil
}

// --- runs

const runColumns = `id, chain, definition, about, about_id, name, occasion, case_id, en, zh, level, owner, post, desk, asset, place, area,
	state_id, since, held_by, state, ready, step, round, link, generation, begun_at, ended_at, ended_by`

func scanRun(rows interface{ Scan(...any) error }) (*Run, error) {
	r := &Run{}
	var since, ready, begun int64
	var ended sql.NullInt64
	err := rows.Scan(&r.ID, &r.Chain, &r.Definition, &r.About, &r.AboutID, &r.Name, &r.Occasion, &r.Case, &r.Title.En, &r.Title.Zh, &r.Level,
		&r.Owner, &r.Post, &r.Desk, &r.Spot.Asset, &r.Spot.Place, &r.Spot.Area, &r.StateID, &since, &r.HeldBy, &r.State, &ready,
		&r.place.step, &r.place.round, &r.link, &r.Generation, &begun, &ended, &r.EndedBy)
	if err != nil {
		return nil, fmt.Errorf("run of a chain: %w", err)
	}
	r.Since, r.Ready, r.BegunAt, r.EndedAt = db.Time(since), ready == 1, db.Time(begun), instant(ended)
	return r, nil
}

func runs(tx *db.Tx, where string, args ...any) (rs []*Run, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		r, err := scanRun(rows)
		rs = append(rs, r)
		return err
	}, `select `+runColumns+` from notice_runs where `+where+` order by id nulls last`, args...)
	return rs, err
}

// readyRuns are up to limit runs after an id whose next step is due.
func readyRuns(tx *db.Tx, after int64, limit int) (ids []int64, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, `select id from notice_runs where ready = 1 and id > $1 order by id nulls last limit $2`, after, limit)
	return ids, err
}

func getRun(tx *db.Tx, id int64) (*Run, error) {
	return scanRun(tx.QueryRow(`select `+runColumns+` from notice_runs where id = $1`, id))
}

// insertRun adds r. The caller has seen to it that no other about the same thing is not over.
func insertRun(tx *db.Tx, r *Run) error {
	err := tx.QueryRow(`insert into notice_runs (chain, definition, about, about_id, name, occasion, case_id, en, zh, level, owner, post, desk,
		asset, place, area, state_id, since, held_by, state, ready, step, round, link, generation, begun_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26) returning id`,
		r.Chain, r.Definition, r.About, r.AboutID, r.Name, r.Occasion, r.Case, r.Title.En, r.Title.Zh, r.Level, r.Owner, r.Post, r.Desk,
		r.Spot.Asset, r.Spot.Place, r.Spot.Area, r.StateID, db.Micros(r.Since), r.HeldBy, r.State, flag(r.Ready), r.place.step, r.place.round,
		r.link, r.Generation, db.Micros(r.BegunAt)).Scan(&r.ID)
	if err != nil {
		return fmt.Errorf("begin chain %s about %s %d: %w", r.Chain, r.About, r.AboutID, err)
	}
	return nil
}

// updateRun writes all that changes of a run, as its next generation.
func updateRun(tx *db.Tx, r *Run) error {
	before := r.Generation
	r.Generation++
	n, err := tx.Exec(`update notice_runs set definition = $1, occasion = $2, case_id = $3, en = $4, zh = $5, level = $6, owner = $7, post = $8,
		desk = $9, state_id = $10, since = $11, held_by = $12, state = $13, ready = $14, step = $15, round = $16, link = $17,
		generation = $18, ended_at = $19, ended_by = $20 where id = $21 and generation = $22`,
		r.Definition, r.Occasion, r.Case, r.Title.En, r.Title.Zh, r.Level, r.Owner, r.Post, r.Desk, r.StateID, db.Micros(r.Since), r.HeldBy,
		r.State, flag(r.Ready), r.place.step, r.place.round, r.link, r.Generation, moment(r.EndedAt), r.EndedBy, r.ID, before)
	if err != nil {
		return fmt.Errorf("run %d: %w", r.ID, err)
	}
	if changed, err := n.RowsAffected(); err != nil || changed != 1 {
		return fmt.Errorf("run %d was changed by someone else at the same moment (%w)", r.ID, errors.Join(err, errMeanwhile))
	}
	return nil
}

var errMeanwhile = errors.New("changed meanwhile")

// lastOccasion is the newest event that a run of that chain about that thing has taken; 0: none.
func lastOccasion(tx *db.Tx, chain, about string, id int64, name string) (last int64, err error) {
	err = tx.QueryRow(`select coalesce(max(occasion), 0) from notice_runs where chain = $1 and about = $2 and about_id = $3 and name = $4`,
		chain, about, id, name).Scan(&last)
	if err != nil {
		return 0, fmt.Errorf("runs about %s %d: %w", about, id, err)
	}
	return last, nil
}

// --- notices

const noticeColumns = `id, run, over, organisation, post, about, about_id, case_id, level, en, zh, text_en, text_zh, step, round, at, state,
	acknowledged_at, acknowledged_by`

func scanNotice(rows interface{ Scan(...any) error }) (n Notice, err error) {
	var over, at int64
	var acknowledged sql.NullInt64
	err = rows.Scan(&n.ID, &n.Run, &over, &n.Organisation, &n.Post, &n.About, &n.AboutID, &n.Case, &n.Level, &n.Title.En, &n.Title.Zh,
		&n.Text.En, &n.Text.Zh, &n.Step, &n.Round, &at, &n.State, &acknowledged, &n.AcknowledgedBy)
	if err != nil {
		return n, fmt.Errorf("notice: %w", err)
	}
	n.Over, n.At, n.AcknowledgedAt = over == 1, db.Time(at), instant(acknowledged)
	return n, nil
}

func notices(tx *db.Tx, rest string, args ...any) (ns []Notice, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		n, err := scanNotice(rows)
		ns = append(ns, n)
		return err
	}, `select `+noticeColumns+` from notices where `+rest, args...)
	return ns, err
}

func getNotice(tx *db.Tx, id int64) (Notice, error) {
	return scanNotice(tx.QueryRow(`select `+noticeColumns+` from notices where id = $1`, id))
}

// insertNotice adds n; added is false where the post has been told of the end already.
func insertNotice(tx *db.Tx, n *Notice) (added bool, err error) {
	err = tx.QueryRow(`insert into notices (run, over, organisation, post, about, about_id, case_id, level, en, zh, text_en, text_zh, step, round,
		at, state) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 'open') on conflict do nothing returning id`,
		n.Run, flag(n.Over), n.Organisation, n.Post, n.About, n.AboutID, n.Case, n.Level, n.Title.En, n.Title.Zh, n.Text.En, n.Text.Zh,
		n.Step, n.Round, db.Micros(n.At)).Scan(&n.ID)
	if errors.Is(err, db.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("notice of run %d: %w", n.Run, err)
	}
	n.State = open
	return true, nil
}

func endNotice(tx *db.Tx, id int64, state string, at time.Time, by string) error {
	_, err := tx.Exec(`update notices set state = $1, acknowledged_at = $2, acknowledged_by = $3 where id = $4 and state = 'open'`,
		state, sql.NullInt64{Int64: db.Micros(at), Valid: state == Acknowledged}, by, id)
	if err != nil {
		return fmt.Errorf("end notice %d: %w", id, err)
	}
	return nil
}

// told are the posts that a run has called, in the order in which they were first.
func told(tx *db.Tx, run int64) (ts []target, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var t target
		var first int64
		err := rows.Scan(&t.Organisation, &t.Post, &first)
		ts = append(ts, t)
		return err
	}, `select organisation, post, min(id) from notices where run = $1 and over = 0 group by organisation, post order by min(id) nulls last`, run)
	return ts, err
}

// inbox are up to limit open notices of a post, the newest first. News that something is over stays for a while only. An empty
// post means all of the organisation.
func inbox(tx *db.Tx, organisation int64, post string, since time.Time, limit int) ([]Notice, error) {
	return notices(tx, `organisation = $1 and state = 'open' and (cast($2 as text) = '' or post = '' or post = cast($2 as text))
		and (over = 0 or at >= $3) order by id desc nulls last limit $4`, organisation, post, db.Micros(since), limit)
}

// posts are those of an organisation that have been told anything.
func posts(tx *db.Tx, organisation int64) (out []string, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var p string
		err := rows.Scan(&p)
		out = append(out, p)
		return err
	}, `select distinct post from notices where organisation = $1 and post <> '' order by post nulls last limit 100`, organisation)
	return out, err
}

// --- gaps

// putGap notes the finding of a gap; n is how often it came back.
func putGap(tx *db.Tx, kind string, g Gap, n, finding int64, at time.Time) error {
	_, err := tx.Exec(`insert into notice_gaps (kind, subject, subject_id, n, finding, found_at) values ($1, $2, $3, $4, $5, $6)
		on conflict do nothing`, kind, g.Subject, g.ID, n, finding, db.Micros(at))
	if err != nil {
		return fmt.Errorf("gap of %s at %s %d: %w", kind, g.Subject, g.ID, err)
	}
	return nil
}

// gapOf is the finding of a gap that is open, 0 where there is none; n is how often it was filled before.
func gapOf(tx *db.Tx, kind string, g Gap) (finding, n int64, err error) {
	err = tx.QueryRow(`select coalesce(max(case when filled_at is null then finding else 0 end), 0), count(filled_at) from notice_gaps
		where kind = $1 and subject = $2 and subject_id = $3`, kind, g.Subject, g.ID).Scan(&finding, &n)
	if err != nil {
		return 0, 0, fmt.Errorf("gap of %s at %s %d: %w", kind, g.Subject, g.ID, err)
	}
	return finding, n, nil
}

// fillGaps notes that a link is there that was missing at one of the things.
func fillGaps(tx *db.Tx, kind string, around []Thing, at time.Time) error {
	for _, t := range around {
		_, err := tx.Exec(`update notice_gaps set filled_at = $1 where kind = $2 and subject = $3 and subject_id = $4 and filled_at is null`,
			db.Micros(at), kind, t.Subject, t.ID)
		if err != nil {
			return fmt.Errorf("fill gap of %s: %w", kind, err)
		}
	}
	return nil
}

// openGaps says whether any gap of that kind is open at one of the things.
func openGaps(tx *db.Tx, kind string, around []Thing) (bool, error) {
	for _, t := range around {
		var n int
		err := tx.QueryRow(`select count(*) from notice_gaps where kind = $1 and subject = $2 and subject_id = $3 and filled_at is null`,
			kind, t.Subject, t.ID).Scan(&n)
		if err != nil || n > 0 {
			return n > 0, err
		}
	}
	return false, nil
}

// --- small conversions

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
