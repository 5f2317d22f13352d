package plan

import (
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/platform/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of plans.
func Migrations() db.Migrations { return db.Embedded("plan", migrations) }

// --- definitions

func putDefinition(tx *db.Tx, hash, plan string, body []byte, at time.Time) error {
	_, err := tx.Exec(`insert into plan_definitions (hash, plan, body, at) values ($1, $2, $3, $4) on conflict (hash) do nothing`,
		hash, plan, string(body), db.Micros(at))
	if err != nil {
		return fmt.Errorf("keep definition of plan %s: %w", plan, err)
	}
	return nil
}

func getDefinition(tx *db.Tx, hash string) (*Plan, error) {
	var body string
	if err := tx.QueryRow(`select body from plan_definitions where hash = $1`, hash).Scan(&body); err != nil {
		return nil, fmt.Errorf("plan definition %s: %w", hash, err)
	}
	return Decode([]byte(body))
}

// --- reasons

// putReason keeps a reason that stands; one that had ended stands again. A warning or an alert may come with another level. event is
// the news that says so; fresh is false where the plan has heard it, or later news of the same: past news may come again.
func putReason(tx *db.Tx, event int64, plan, site string, r Reason, s inspect.Spot) (fresh bool, err error) {
	lon, lat := point(s.Point)
	streams, err := json.Marshal(r.Streams)
	if err != nil {
		return false, fmt.Errorf("encode datastreams: %w", err)
	}
	done, err := tx.Exec(`insert into plan_reasons
		(plan, site, kind, ref, name, level, en, zh, asset, place, area, owner, lon, lat, drill, streams, since, event, ended_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, null)
		on conflict (plan, kind, ref) do update set level = excluded.level, en = excluded.en, zh = excluded.zh, ended_at = null,
		since = case when plan_reasons.ended_at is null then plan_reasons.since else excluded.since end, event = excluded.event
		where plan_reasons.event < excluded.event`,
		plan, site, r.Kind, r.Ref, r.Name, r.Level, r.Text.En, r.Text.Zh, s.Asset, s.Place, s.Area, s.Owner, lon, lat, flag(r.Drill), string(streams), db.Micros(r.Since), event)
	if err != nil {
		return false, fmt.Errorf("keep reason %s %d for plan %s: %w", r.Kind, r.Ref, plan, err)
	}
	n, err := done.RowsAffected()
	return n == 1, err
}

// endReason lets a reason stand no longer and returns the plans and sites that it spoke for; where later news than event was heard,
// it does nothing.
func endReason(tx *db.Tx, event int64, kind string, ref int64, at time.Time) (sites [][2]string, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var s [2]string
		err := rows.Scan(&s[0], &s[1])
		sites = append(sites, s)
		return err
	}, `select plan, site from plan_reasons where kind = $1 and ref = $2 and ended_at is null and event < $3 order by id nulls last`,
		kind, ref, event)
	if err != nil || len(sites) == 0 {
		return nil, err
	}
	_, err = tx.Exec(`update plan_reasons set ended_at = $1, event = $4 where kind = $2 and ref = $3 and ended_at is null and event < $4`,
		db.Micros(at), kind, ref, event)
	return sites, err
}

// standing are the reasons that speak for a plan at a site, with the spot of each.
func standing(tx *db.Tx, plan, site string) (rs []Reason, spots []inspect.Spot, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var r Reason
		var s inspect.Spot
		var since, drill int64
		var lon, lat sql.NullFloat64
		var streams string
		err := rows.Scan(&r.Kind, &r.Ref, &r.Name, &r.Level, &r.Text.En, &r.Text.Zh, &s.Asset, &s.Place, &s.Area, &s.Owner, &lon, &lat, &drill,
			&streams, &since)
		if err == nil {
			err = json.Unmarshal([]byte(streams), &r.Streams)
		}
		r.Since, r.Drill, s.Point = db.Time(since), drill != 0, at(lon, lat)
		rs, spots = append(rs, r), append(spots, s)
		return err
	}, `select kind, ref, name, level, en, zh, asset, place, area, owner, lon, lat, drill, streams, since from plan_reasons
		where plan = $1 and site = $2 and ended_at is null order by id nulls last`, plan, site)
	return rs, spots, err
}

// --- activations

const activationColumns = `id, plan, definition, site, level, state, drill, case_id, asset, place, area, owner, lon, lat, agencies, generation,
	spoke, opened_at, ended_at`

func insertActivation(tx *db.Tx, a *Activation) error {
	agencies, err := json.Marshal(a.Agencies)
	if err != nil {
		return fmt.Errorf("encode agencies: %w", err)
	}
	lon, lat := point(a.Point)
	err = tx.QueryRow(`insert into plan_activations
		(plan, definition, site, level, state, drill, case_id, asset, place, area, owner, lon, lat, agencies, generation, spoke, opened_at)
		values ($1, $2, $3, $4, 'active', $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, 0, $14) returning id`,
		a.Plan, a.Definition, a.Site, a.Level, flag(a.Drill), a.Case, a.Asset, a.Place, a.Area, a.Owner, lon, lat, string(agencies),
		db.Micros(a.OpenedAt)).Scan(&a.ID)
	if err != nil {
		return fmt.Errorf("open plan %s: %w", a.Plan, err)
	}
	a.State = "active"
	return nil
}

// changeActivation writes a change of level, or the end where at is not zero.
func changeActivation(tx *db.Tx, a *Activation, level string, ended time.Time) error {
	state := "active"
	if !ended.IsZero() {
		state = "ended"
	}
	r, err := tx.Exec(`update plan_activations set level = $1, state = $2, ended_at = $3, generation = generation + 1
		where id = $4 and generation = $5`, level, state, moment(ended), a.ID, a.Generation)
	if err != nil {
		return fmt.Errorf("change response %d: %w", a.ID, err)
	}
	if n, err := r.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("change response %d: changed by someone else at the same moment (%w)", a.ID, errors.Join(err, errMeanwhile))
	}
	a.Level, a.State, a.EndedAt = level, state, ended
	a.Generation++
	return nil
}

// spoke notes that the program's own reasons have justified some level during a response.
func spoke(tx *db.Tx, a *Activation) error {
	_, err := tx.Exec(`update plan_activations set spoke = 1 where id = $1`, a.ID)
	a.Spoke = true
	return err
}

var errMeanwhile = errors.New("response was changed meanwhile")

func scanActivation(row interface{ Scan(...any) error }) (*Activation, error) {
	a := &Activation{}
	var drill, spoke, opened int64
	var ended sql.NullInt64
	var lon, lat sql.NullFloat64
	var agencies string
	err := row.Scan(&a.ID, &a.Plan, &a.Definition, &a.Site, &a.Level, &a.State, &drill, &a.Case, &a.Asset, &a.Place, &a.Area, &a.Owner,
		&lon, &lat, &agencies, &a.Generation, &spoke, &opened, &ended)
	if err != nil {
		return nil, fmt.Errorf("response: %w", err)
	}
	a.Drill, a.Spoke, a.Point, a.OpenedAt, a.EndedAt = drill != 0, spoke != 0, at(lon, lat), db.Time(opened), instant(ended)
	return a, json.Unmarshal([]byte(agencies), &a.Agencies)
}

func getActivation(tx *db.Tx, id int64) (*Activation, error) {
	return scanActivation(tx.QueryRow(`select `+activationColumns+` from plan_activations where id = $1`, id))
}

// activeAt is the response under way for a plan at a site; nil when there is none.
func activeAt(tx *db.Tx, plan, site string) (*Activation, error) {
	a, err := scanActivation(tx.QueryRow(`select `+activationColumns+` from plan_activations where plan = $1 and site = $2 and state = 'active'`, plan, site))
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil
	}
	return a, err
}

// activations lists up to limit responses below the id before, newest first; before 0 means from the newest.
func activations(tx *db.Tx, active bool, caseID, before int64, limit int) (as []*Activation, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		a, err := scanActivation(rows)
		as = append(as, a)
		return err
	}, `select `+activationColumns+` from plan_activations where ($1 = 0 or state = 'active') and (cast($2 as bigint) = 0 or case_id = cast($2 as bigint))
		and (cast($3 as bigint) = 0 or id < cast($3 as bigint)) order by id desc nulls last limit $4`, flag(active), caseID, before, limit)
	return as, err
}

// lastEnded is the response by a plan at a site that ended last; nil when there is none.
func lastEnded(tx *db.Tx, plan, site string) (*Activation, error) {
	a, err := scanActivation(tx.QueryRow(`select `+activationColumns+` from plan_activations where plan = $1 and site = $2 and state = 'ended'
		order by ended_at desc nulls last, id desc nulls last limit 1`, plan, site))
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil
	}
	return a, err
}

func insertChange(tx *db.Tx, activation int64, c Change) error {
	_, err := tx.Exec(`insert into plan_changes (activation, at, from_level, to_level, by_id, by_name, organisation, why, proposal,
		decided_en, decided_zh) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		activation, db.Micros(c.At), c.From, c.To, c.ByID, c.By, c.Organisation, c.Why, c.Proposal, c.DecidedBy.En, c.DecidedBy.Zh)
	if err != nil {
		return fmt.Errorf("note change of response %d: %w", activation, err)
	}
	return nil
}

func changes(tx *db.Tx, activation int64) (cs []Change, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var c Change
		var at int64
		err := rows.Scan(&at, &c.From, &c.To, &c.ByID, &c.By, &c.Organisation, &c.Why, &c.Proposal, &c.DecidedBy.En, &c.DecidedBy.Zh)
		c.At = db.Time(at)
		cs = append(cs, c)
		return err
	}, `select at, from_level, to_level, by_id, by_name, organisation, why, proposal, decided_en, decided_zh from plan_changes
		where activation = $1 order by id nulls last`, activation)
	return cs, err
}

// --- tasks

func insertGiven(tx *db.Tx, activation int64, g Given) error {
	_, err := tx.Exec(`insert into plan_tasks (task, activation, name, agency, level) values ($1, $2, $3, $4, $5)`,
		g.Task, activation, g.Name, g.Agency, g.Level)
	if err != nil {
		return fmt.Errorf("note task %d of response %d: %w", g.Task, activation, err)
	}
	return nil
}

func given(tx *db.Tx, activation int64) (gs []Given, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var g Given
		err := rows.Scan(&g.Task, &g.Name, &g.Agency, &g.Level)
		gs = append(gs, g)
		return err
	}, `select task, name, agency, level from plan_tasks where activation = $1 order by task nulls last`, activation)
	return gs, err
}

// --- proposals

const proposalColumns = `id, plan, site, what, level, activation, state, reasons, drill, asset, place, area, owner, lon, lat, at, changed_at,
	decided_at, decided_by, why`

func insertProposal(tx *db.Tx, p *Proposal) error {
	reasons, err := json.Marshal(p.Reasons)
	if err != nil {
		return fmt.Errorf("encode reasons: %w", err)
	}
	lon, lat := point(p.Point)
	err = tx.QueryRow(`insert into plan_proposals
		(plan, site, what, level, activation, state, reasons, drill, asset, place, area, owner, lon, lat, at, changed_at, decided_by, why)
		values ($1, $2, $3, $4, $5, 'open', $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, '', '') returning id`,
		p.Plan, p.Site, p.What, p.Level, p.Activation, string(reasons), flag(p.Drill), p.Asset, p.Place, p.Area, p.Owner, lon, lat,
		db.Micros(p.At)).Scan(&p.ID)
	if err != nil {
		return fmt.Errorf("propose for plan %s: %w", p.Plan, err)
	}
	p.State = "open"
	return nil
}

// renewProposal gives an open proposal its present reasons.
func renewProposal(tx *db.Tx, p *Proposal) error {
	reasons, err := json.Marshal(p.Reasons)
	if err != nil {
		return fmt.Errorf("encode reasons: %w", err)
	}
	_, err = tx.Exec(`update plan_proposals set reasons = $1, drill = $2, changed_at = $3 where id = $4 and state = 'open'`,
		string(reasons), flag(p.Drill), db.Micros(p.ChangedAt), p.ID)
	return err
}

// settleProposal ends an open proposal; settled is false when it was not open.
func settleProposal(tx *db.Tx, id int64, state, by, why string, now time.Time) (settled bool, err error) {
	r, err := tx.Exec(`update plan_proposals set state = $1, decided_by = $2, why = $3, decided_at = $4 where id = $5 and state = 'open'`,
		state, by, why, db.Micros(now), id)
	if err != nil {
		return false, fmt.Errorf("settle proposal %d: %w", id, err)
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

func scanProposal(row interface{ Scan(...any) error }) (*Proposal, error) {
	p := &Proposal{}
	var drill, made, changed int64
	var decided sql.NullInt64
	var lon, lat sql.NullFloat64
	var reasons string
	err := row.Scan(&p.ID, &p.Plan, &p.Site, &p.What, &p.Level, &p.Activation, &p.State, &reasons, &drill, &p.Asset, &p.Place, &p.Area, &p.Owner,
		&lon, &lat, &made, &changed, &decided, &p.DecidedBy, &p.Why)
	if err != nil {
		return nil, fmt.Errorf("proposal: %w", err)
	}
	p.Drill, p.Point, p.At, p.ChangedAt, p.DecidedAt = drill != 0, at(lon, lat), db.Time(made), db.Time(changed), instant(decided)
	return p, json.Unmarshal([]byte(reasons), &p.Reasons)
}

func getProposal(tx *db.Tx, id int64) (*Proposal, error) {
	return scanProposal(tx.QueryRow(`select `+proposalColumns+` from plan_proposals where id = $1`, id))
}

// lastProposal is the newest proposal for a plan at a site in one of two states; nil when there is none.
func lastProposal(tx *db.Tx, plan, site, state string) (*Proposal, error) {
	p, err := scanProposal(tx.QueryRow(`select `+proposalColumns+` from plan_proposals where plan = $1 and site = $2 and state = $3
		order by id desc nulls last limit 1`, plan, site, state))
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil
	}
	return p, err
}

// declinedAfter are the proposals for a plan at a site that were declined after a time.
func declinedAfter(tx *db.Tx, plan, site string, after time.Time) (ps []*Proposal, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		p, err := scanProposal(rows)
		ps = append(ps, p)
		return err
	}, `select `+proposalColumns+` from plan_proposals where plan = $1 and site = $2 and state = 'declined' and decided_at > $3
		order by id nulls last`, plan, site, db.Micros(after))
	return ps, err
}

// declinedSites are the plans and sites of the proposals that were declined in a span of time.
func declinedSites(tx *db.Tx, from, until time.Time) (sites [][2]string, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var s [2]string
		err := rows.Scan(&s[0], &s[1])
		sites = append(sites, s)
		return err
	}, `select plan, site from plan_proposals where state = 'declined' and decided_at > $1 and decided_at <= $2
		group by plan, site order by plan nulls last, site nulls last`, db.Micros(from), db.Micros(until))
	return sites, err
}

// proposals lists up to limit proposals below the id before, newest first.
func proposals(tx *db.Tx, open bool, before int64, limit int) (ps []*Proposal, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		p, err := scanProposal(rows)
		ps = append(ps, p)
		return err
	}, `select `+proposalColumns+` from plan_proposals where ($1 = 0 or state = 'open')
		and (cast($2 as bigint) = 0 or id < cast($2 as bigint)) order by id desc nulls last limit $3`, flag(open), before, limit)
	return ps, err
}

// --- advice

func insertAdvice(tx *db.Tx, a *Advice, digest string) error {
	body, err := json.Marshal(a.Body)
	if err != nil {
		return fmt.Errorf("encode advice: %w", err)
	}
	err = tx.QueryRow(`insert into plan_advice (activation, digest, body, state, at, decided_by, why) values ($1, $2, $3, 'open', $4, '', '') returning id`,
		a.Activation, digest, string(body), db.Micros(a.At)).Scan(&a.ID)
	if err != nil {
		return fmt.Errorf("keep advice for response %d: %w", a.Activation, err)
	}
	a.State = "open"
	return nil
}

func settleAdvice(tx *db.Tx, id int64, state, by, why string, now time.Time) (settled bool, err error) {
	r, err := tx.Exec(`update plan_advice set state = $1, decided_by = $2, why = $3, decided_at = $4 where id = $5 and state = 'open'`,
		state, by, why, db.Micros(now), id)
	if err != nil {
		return false, fmt.Errorf("settle advice %d: %w", id, err)
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

// advice lists the advice for a response, oldest first, with the digest of each.
func advice(tx *db.Tx, activation int64) (as []Advice, digests []string, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var a Advice
		var body, digest string
		var made int64
		var decided sql.NullInt64
		if err := rows.Scan(&a.ID, &a.Activation, &digest, &body, &a.State, &made, &decided, &a.DecidedBy, &a.Why); err != nil {
			return err
		}
		a.At, a.DecidedAt = db.Time(made), instant(decided)
		as, digests = append(as, a), append(digests, digest)
		return json.Unmarshal([]byte(body), &as[len(as)-1].Body)
	}, `select id, activation, digest, body, state, at, decided_at, decided_by, why from plan_advice where activation = $1
		order by id nulls last`, activation)
	return as, digests, err
}

// --- small conversions

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func moment(t time.Time) sql.NullInt64 { return sql.NullInt64{Int64: db.Micros(t), Valid: !t.IsZero()} }

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

func at(lon, lat sql.NullFloat64) *[2]float64 {
	if !lon.Valid || !lat.Valid {
		return nil
	}
	return &[2]float64{lon.Float64, lat.Float64}
}
