package watch

import (
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the room's tables.
func Migrations() db.Migrations { return db.Embedded("watch", migrations) }

type row interface{ Scan(...any) error }

// --- posts and shifts

const postColumns = `id, organisation, name, en, zh, phone, covered`

func scanPost(r row) (p Post, err error) {
	var covered int64
	err = r.Scan(&p.ID, &p.Organisation, &p.Name, &p.Title.En, &p.Title.Zh, &p.Phone, &covered)
	p.Covered = covered != 0
	return p, err
}

func putPost(tx *db.Tx, p *Post) error {
	err := tx.QueryRow(`insert into watch_posts (organisation, name, en, zh, phone, covered) values ($1, $2, $3, $4, $5, $6)
		on conflict (organisation, name) where removed_at is null do update
		set en = excluded.en, zh = excluded.zh, phone = excluded.phone, covered = excluded.covered returning id`,
		p.Organisation, p.Name, p.Title.En, p.Title.Zh, p.Phone, flag(p.Covered)).Scan(&p.ID)
	if err != nil {
		return fmt.Errorf("put post %s of organisation %d: %w", p.Name, p.Organisation, err)
	}
	return nil
}

func getPost(tx *db.Tx, id int64) (Post, error) {
	p, err := scanPost(tx.QueryRow(`select `+postColumns+` from watch_posts where id = $1 and removed_at is null`, id))
	if err != nil {
		err = fmt.Errorf("post %d: %w", id, err)
	}
	return p, err
}

func allPosts(tx *db.Tx) ([]Post, error) {
	var ps []Post
	err := tx.Each(func(rows *sql.Rows) error {
		p, err := scanPost(rows)
		ps = append(ps, p)
		return err
	}, `select `+postColumns+` from watch_posts where removed_at is null order by organisation nulls last, name nulls last, id nulls last`)
	return ps, err
}

// removePost takes a post away, and the shifts that have not begun.
func removePost(tx *db.Tx, id int64, now time.Time) error {
	_, err1 := tx.Exec(`update watch_posts set removed_at = $1 where id = $2 and removed_at is null`, db.Micros(now), id)
	_, err2 := tx.Exec(`update watch_shifts set removed_at = $1 where post = $2 and removed_at is null and from_at > $1`, db.Micros(now), id)
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("remove post %d: %w", id, err)
	}
	return nil
}

func insertShift(tx *db.Tx, r ShiftRequest) (id int64, err error) {
	err = tx.QueryRow(`insert into watch_shifts (post, from_at, to_at, who) values ($1, $2, $3, $4) returning id`,
		r.Post, db.Micros(r.From), db.Micros(r.To), r.Who).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("add shift of post %d: %w", r.Post, err)
	}
	return id, nil
}

func scanShift(r row) (x Shift, err error) {
	var from, to int64
	err = r.Scan(&x.ID, &x.Post, &from, &to, &x.Who)
	x.From, x.To = db.Time(from), db.Time(to)
	return x, err
}

func getShift(tx *db.Tx, id int64) (Shift, error) {
	x, err := scanShift(tx.QueryRow(`select id, post, from_at, to_at, who from watch_shifts where id = $1 and removed_at is null`, id))
	if err != nil {
		err = fmt.Errorf("shift %d: %w", id, err)
	}
	return x, err
}

// shifts are those of a post (0: of all) that touch a time, in the order of their beginning.
func shifts(tx *db.Tx, post int64, from, to time.Time) ([]Shift, error) {
	var xs []Shift
	err := tx.Each(func(rows *sql.Rows) error {
		x, err := scanShift(rows)
		xs = append(xs, x)
		return err
	}, `select id, post, from_at, to_at, who from watch_shifts where removed_at is null and (cast($1 as bigint) = 0 or post = $1)
		and from_at < $3 and to_at > $2 order by from_at nulls last, id nulls last`, post, db.Micros(from), db.Micros(to))
	return xs, err
}

// shiftsBeside says when the last shift of a post before a moment ended, and when the first after another begins; zero: there is none.
func shiftsBeside(tx *db.Tx, post int64, from, to time.Time) (before, after time.Time, err error) {
	var ended, begins sql.NullInt64
	err = tx.QueryRow(`select (select max(to_at) from watch_shifts where removed_at is null and post = $1 and to_at <= $2),
		(select min(from_at) from watch_shifts where removed_at is null and post = $1 and from_at >= $3)`,
		post, db.Micros(from), db.Micros(to)).Scan(&ended, &begins)
	if err != nil {
		return before, after, fmt.Errorf("shifts of post %d: %w", post, err)
	}
	if ended.Valid {
		before = db.Time(ended.Int64)
	}
	if begins.Valid {
		after = db.Time(begins.Int64)
	}
	return before, after, nil
}

func removeShift(tx *db.Tx, id int64, now time.Time) error {
	if _, err := tx.Exec(`update watch_shifts set removed_at = $1 where id = $2 and removed_at is null`, db.Micros(now), id); err != nil {
		return fmt.Errorf("remove shift %d: %w", id, err)
	}
	return nil
}

// --- the phone log

const lineColumns = `id, desk, at, recorded_at, by_id, by_name, caller, unit, unit_name, spot_text, asset, place, area, owner, lon, lat,
	what, harm, case_id, opened, contact, corrects`

func scanLine(r row) (l Line, err error) {
	var at, recorded, opened, contact int64
	var lon, lat sql.NullFloat64
	err = r.Scan(&l.ID, &l.Desk, &at, &recorded, &l.ByID, &l.By, &l.Caller, &l.Unit, &l.UnitName, &l.SpotText, &l.Asset, &l.Place, &l.Area,
		&l.Owner, &lon, &lat, &l.What, &l.Harm, &l.Case, &opened, &contact, &l.Corrects)
	l.At, l.RecordedAt, l.Opened, l.Contact = db.Time(at), db.Time(recorded), opened != 0, contact != 0
	if lon.Valid && lat.Valid {
		l.Point = &[2]float64{lon.Float64, lat.Float64}
	}
	return l, err
}

func insertLine(tx *db.Tx, l *Line) error {
	var lon, lat sql.NullFloat64
	if l.Point != nil {
		lon, lat = sql.NullFloat64{Float64: l.Point[0], Valid: true}, sql.NullFloat64{Float64: l.Point[1], Valid: true}
	}
	err := tx.QueryRow(`insert into watch_lines (desk, at, recorded_at, by_id, by_name, caller, unit, unit_name, spot_text, asset, place, area,
			owner, lon, lat, what, harm, case_id, opened, contact, corrects)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21) returning id`,
		l.Desk, db.Micros(l.At), db.Micros(l.RecordedAt), l.ByID, l.By, l.Caller, l.Unit, l.UnitName, l.SpotText, l.Asset, l.Place, l.Area,
		l.Owner, lon, lat, l.What, l.Harm, l.Case, flag(l.Opened), flag(l.Contact), l.Corrects).Scan(&l.ID)
	if err != nil {
		return fmt.Errorf("write the phone log: %w", err)
	}
	return nil
}

func getLine(tx *db.Tx, id int64) (Line, error) {
	l, err := scanLine(tx.QueryRow(`select `+lineColumns+` from watch_lines where id = $1`, id))
	if err != nil {
		err = fmt.Errorf("line %d: %w", id, err)
	}
	return l, err
}

func lines(tx *db.Tx, f LineFilter, before int64) ([]Line, error) {
	from, to := int64(0), int64(1)<<62
	if !f.From.IsZero() {
		from = db.Micros(f.From)
	}
	if !f.To.IsZero() {
		to = db.Micros(f.To)
	}
	return collectLines(tx, `select `+lineColumns+` from watch_lines where at >= $1 and at < $2 and (cast($3 as bigint) = 0 or case_id = $3)
		and (cast($4 as bigint) = 0 or id < $4) order by id desc nulls last limit $5`, from, to, f.Case, before, f.Limit)
}

// linesOf are the lines of a case, the first written first.
func linesOf(tx *db.Tx, caseID int64) ([]Line, error) {
	return collectLines(tx, `select `+lineColumns+` from watch_lines where case_id = $1 and case_id <> 0 order by id nulls last`, caseID)
}

func collectLines(tx *db.Tx, query string, args ...any) ([]Line, error) {
	var ls []Line
	err := tx.Each(func(rows *sql.Rows) error {
		l, err := scanLine(rows)
		ls = append(ls, l)
		return err
	}, query, args...)
	return ls, err
}

// correctedBy is the newest line that puts a line right; 0: none.
func correctedBy(tx *db.Tx, id int64) (by int64, err error) {
	err = tx.QueryRow(`select coalesce(max(id), 0) from watch_lines where corrects = $1 and corrects <> 0`, id).Scan(&by)
	return by, err
}

// --- incidents and clocks

func getIncident(tx *db.Tx, caseID int64) (Incident, error) {
	i := Incident{Case: caseID}
	var known, since int64
	var renewed, ended sql.NullInt64
	err := tx.QueryRow(`select known_at, since_at, renewed_at, grade, ended_at, outcome from watch_incidents where case_id = $1`, caseID).
		Scan(&known, &since, &renewed, &i.Grade, &ended, &i.Outcome)
	i.Known, i.Since, i.Renewed, i.Ended = db.Time(known), db.Time(since), instant(renewed), instant(ended)
	if err != nil {
		err = fmt.Errorf("incident of case %d: %w", caseID, err)
	}
	return i, err
}

func putIncident(tx *db.Tx, kind string, i Incident) error {
	_, err := tx.Exec(`insert into watch_incidents (case_id, kind, known_at, since_at, renewed_at, grade, ended_at, outcome) values ($1, $2, $3, $4, $5, $6, $7, $8)
		on conflict (case_id) do update set since_at = excluded.since_at, renewed_at = excluded.renewed_at, grade = excluded.grade,
		ended_at = excluded.ended_at, outcome = excluded.outcome`,
		i.Case, kind, db.Micros(i.Known), db.Micros(i.Since), moment(i.Renewed), i.Grade, moment(i.Ended), i.Outcome)
	if err != nil {
		return fmt.Errorf("incident of case %d: %w", i.Case, err)
	}
	return nil
}

const clockColumns = `id, case_id, step, report, how, to_en, to_zh, source, basis, grade, started_at, first_due_at, due_at, state, ended_at,
	overdue_at, telling`

func scanClock(r row) (*Clock, error) {
	c := &Clock{}
	var started, first, due int64
	var ended, overdue sql.NullInt64
	err := r.Scan(&c.ID, &c.Case, &c.Step.ID, &c.Report, &c.How, &c.To.En, &c.To.Zh, &c.Source, &c.Basis, &c.Grade, &started, &first, &due,
		&c.State, &ended, &overdue, &c.Telling)
	c.Started, c.FirstDue, c.Due, c.EndedAt, c.OverdueAt = db.Time(started), db.Time(first), db.Time(due), instant(ended), instant(overdue)
	return c, err
}

func insertClock(tx *db.Tx, c *Clock) error {
	err := tx.QueryRow(`insert into watch_clocks (case_id, step, report, how, to_en, to_zh, source, basis, grade, started_at, first_due_at, due_at,
			state, ended_at, overdue_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) returning id`,
		c.Case, c.Step.ID, c.Report, c.How, c.To.En, c.To.Zh, c.Source, c.Basis, c.Grade, db.Micros(c.Started), db.Micros(c.FirstDue), db.Micros(c.Due),
		c.State, moment(c.EndedAt), moment(c.OverdueAt)).Scan(&c.ID)
	if err != nil {
		return fmt.Errorf("start clock of case %d: %w", c.Case, err)
	}
	return nil
}

func updateClock(tx *db.Tx, c *Clock) error {
	_, err := tx.Exec(`update watch_clocks set grade = $1, started_at = $2, due_at = $3, state = $4, ended_at = $5, overdue_at = $6, telling = $7 where id = $8`,
		c.Grade, db.Micros(c.Started), db.Micros(c.Due), c.State, moment(c.EndedAt), moment(c.OverdueAt), c.Telling, c.ID)
	if err != nil {
		return fmt.Errorf("clock %d: %w", c.ID, err)
	}
	return nil
}

func getClock(tx *db.Tx, id int64) (*Clock, error) {
	c, err := scanClock(tx.QueryRow(`select `+clockColumns+` from watch_clocks where id = $1`, id))
	if err != nil {
		return nil, fmt.Errorf("clock %d: %w", id, err)
	}
	return c, nil
}

// clocksOf are the clocks of a case in the order of their due times; only those that run, if asked for.
func clocksOf(tx *db.Tx, caseID int64, running bool) ([]*Clock, error) {
	return collectClocks(tx, `select `+clockColumns+` from watch_clocks where case_id = $1 and ($2 = 0 or state = 'running')
		order by due_at nulls last, id nulls last`, caseID, flag(running))
}

func runningClocks(tx *db.Tx) ([]*Clock, error) {
	return collectClocks(tx, `select `+clockColumns+` from watch_clocks where state = 'running' order by due_at nulls last, id nulls last`)
}

// clocksIn are those that ran at some time of a span and were not withdrawn.
func clocksIn(tx *db.Tx, from, to time.Time) ([]*Clock, error) {
	return collectClocks(tx, `select `+clockColumns+` from watch_clocks where state <> 'withdrawn' and started_at < $2
		and (ended_at is null or ended_at >= $1) order by due_at nulls last, id nulls last`, db.Micros(from), db.Micros(to))
}

func collectClocks(tx *db.Tx, query string, args ...any) ([]*Clock, error) {
	var cs []*Clock
	err := tx.Each(func(rows *sql.Rows) error {
		c, err := scanClock(rows)
		cs = append(cs, c)
		return err
	}, query, args...)
	return cs, err
}

// --- reports

func insertReport(tx *db.Tx, r *Report) error {
	err := tx.QueryRow(`insert into watch_reports (case_id, report, number, at, by_name) values ($1, $2, $3, $4, $5) returning id`,
		r.Case, r.Kind, r.Number, db.Micros(r.At), r.By).Scan(&r.ID)
	if err != nil {
		return fmt.Errorf("start report of case %d: %w", r.Case, err)
	}
	return nil
}

func countReports(tx *db.Tx, caseID int64, report string) (n int, err error) {
	err = tx.QueryRow(`select count(*) from watch_reports where case_id = $1 and report = $2`, caseID, report).Scan(&n)
	return n, err
}

func insertVersion(tx *db.Tx, report int64, v Version, by int64) error {
	_, err := tx.Exec(`insert into watch_versions (report, version, at, by_id, by_name, text, drafted) values ($1, $2, $3, $4, $5, $6, $7)`,
		report, v.Version, db.Micros(v.At), by, v.By, v.Text, flag(v.Drafted))
	if err != nil {
		return fmt.Errorf("version %d of report %d: %w", v.Version, report, err)
	}
	return nil
}

func signVersion(tx *db.Tx, report int64, version int, who access.Actor, now time.Time) error {
	_, err := tx.Exec(`update watch_versions set signed_at = $1, signed_by_id = $2, signed_by = $3 where report = $4 and version = $5 and signed_at is null`,
		db.Micros(now), who.ID, actorName(who), report, version)
	if err != nil {
		return fmt.Errorf("sign version %d of report %d: %w", version, report, err)
	}
	return nil
}

// lastVersion is when the newest version of any report of a case was written; zero: none was.
func lastVersion(tx *db.Tx, caseID int64) (time.Time, error) {
	var at sql.NullInt64
	err := tx.QueryRow(`select max(v.at) from watch_versions v join watch_reports r on r.id = v.report where r.case_id = $1`, caseID).Scan(&at)
	return instant(at), err
}

func getReport(tx *db.Tx, id int64) (Report, error) {
	r := Report{ID: id}
	var at int64
	err := tx.QueryRow(`select case_id, report, number, at, by_name from watch_reports where id = $1`, id).Scan(&r.Case, &r.Kind, &r.Number, &at, &r.By)
	if err != nil {
		return r, fmt.Errorf("report %d: %w", id, err)
	}
	r.At = db.Time(at)
	return r, whole(tx, &r)
}

// whole reads the versions and tellings of a report.
func whole(tx *db.Tx, r *Report) error {
	err := tx.Each(func(rows *sql.Rows) error {
		var v Version
		var at, drafted int64
		var signed sql.NullInt64
		err := rows.Scan(&v.Version, &at, &v.By, &v.Text, &drafted, &signed, &v.SignedBy)
		v.At, v.Drafted, v.SignedAt = db.Time(at), drafted != 0, instant(signed)
		r.Versions = append(r.Versions, v)
		return err
	}, `select version, at, by_name, text, drafted, signed_at, signed_by from watch_versions where report = $1 order by version nulls last, id nulls last`, r.ID)
	if err != nil {
		return err
	}
	r.Tellings, err = collectTellings(tx, `where t.report = $1`, r.ID)
	return err
}

// listReports are those of a case (0: of all), the newest first.
func listReports(tx *db.Tx, caseID int64, limit int) ([]Report, error) {
	var rs []Report
	err := tx.Each(func(rows *sql.Rows) error {
		var r Report
		var at int64
		err := rows.Scan(&r.ID, &r.Case, &r.Kind, &r.Number, &at, &r.By)
		r.At = db.Time(at)
		rs = append(rs, r)
		return err
	}, `select id, case_id, report, number, at, by_name from watch_reports where (cast($1 as bigint) = 0 or case_id = $1) order by id desc nulls last limit $2`, caseID, limit)
	if err != nil {
		return nil, err
	}
	for i := range rs {
		if err := whole(tx, &rs[i]); err != nil {
			return nil, err
		}
	}
	return rs, nil
}

// drafts are the reports of cases that go on, or that have a report still to be told, whose newest version nobody has signed or
// told, each with that version alone.
func drafts(tx *db.Tx) ([]Report, error) {
	var rs []Report
	err := tx.Each(func(rows *sql.Rows) error {
		var r Report
		var v Version
		var at int64
		err := rows.Scan(&r.ID, &r.Case, &r.Kind, &r.Number, &v.Version, &at)
		v.At = db.Time(at)
		r.Versions = []Version{v}
		rs = append(rs, r)
		return err
	}, `select r.id, r.case_id, r.report, r.number, v.version, v.at from watch_reports r join watch_versions v on v.report = r.id
		where v.signed_at is null and v.version = (select max(x.version) from watch_versions x where x.report = r.id)
		and not exists (select 1 from watch_tellings t where t.report = r.id and t.version = v.version)
		and (exists (select 1 from watch_incidents i where i.case_id = r.case_id and i.ended_at is null)
			or exists (select 1 from watch_clocks k where k.case_id = r.case_id and k.state = 'running'))
		order by r.id nulls last`)
	return rs, err
}

func insertTelling(tx *db.Tx, t *Telling) error {
	err := tx.QueryRow(`insert into watch_tellings (case_id, report, version, how, recipient, clock, at, recorded_at, by_id, by_name)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id`,
		t.Case, t.Report, t.Version, t.How, t.To, t.Clock, db.Micros(t.At), db.Micros(t.RecordedAt), t.ByID, t.By).Scan(&t.ID)
	if err != nil {
		return fmt.Errorf("telling of report %d: %w", t.Report, err)
	}
	return nil
}

// tellingsOf are all tellings of a case.
func tellingsOf(tx *db.Tx, caseID int64) ([]Telling, error) {
	return collectTellings(tx, `where t.case_id = $1`, caseID)
}

func collectTellings(tx *db.Tx, where string, args ...any) ([]Telling, error) {
	var ts []Telling
	err := tx.Each(func(rows *sql.Rows) error {
		var t Telling
		var at, recorded int64
		err := rows.Scan(&t.ID, &t.Case, &t.Report, &t.kind, &t.Version, &t.How, &t.To, &t.Clock, &at, &recorded, &t.ByID, &t.By)
		t.At, t.RecordedAt = db.Time(at), db.Time(recorded)
		ts = append(ts, t)
		return err
	}, `select t.id, t.case_id, t.report, r.report, t.version, t.how, t.recipient, t.clock, t.at, t.recorded_at, t.by_id, t.by_name
		from watch_tellings t join watch_reports r on r.id = t.report `+where+` order by t.id nulls last`, args...)
	return ts, err
}

// --- instructions

const instructionColumns = `id, desk, at, recorded_at, leader, text, case_id, organisation, post, due_at, by_id, by_name, state, overdue_at,
	ended_at, ended_by, answer, unfinished`

func scanInstruction(r row) (i Instruction, err error) {
	var at, recorded, due int64
	var overdue, ended sql.NullInt64
	err = r.Scan(&i.ID, &i.Desk, &at, &recorded, &i.Leader, &i.Text, &i.Case, &i.Organisation, &i.Post, &due, &i.ByID, &i.By, &i.State, &overdue,
		&ended, &i.EndedBy, &i.Answer, &i.Unfinished)
	i.At, i.RecordedAt, i.DueAt, i.OverdueAt, i.EndedAt = db.Time(at), db.Time(recorded), db.Time(due), instant(overdue), instant(ended)
	return i, err
}

func insertInstruction(tx *db.Tx, i *Instruction) error {
	err := tx.QueryRow(`insert into watch_instructions (desk, at, recorded_at, leader, text, case_id, organisation, post, due_at, by_id, by_name, state)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'open') returning id`,
		i.Desk, db.Micros(i.At), db.Micros(i.RecordedAt), i.Leader, i.Text, i.Case, i.Organisation, i.Post, db.Micros(i.DueAt), i.ByID, i.By).Scan(&i.ID)
	if err != nil {
		return fmt.Errorf("take down instruction: %w", err)
	}
	return nil
}

func updateInstruction(tx *db.Tx, i Instruction, by int64) error {
	_, err := tx.Exec(`update watch_instructions set state = $1, overdue_at = $2, ended_at = $3, ended_by_id = $4, ended_by = $5, answer = $6, unfinished = $7
		where id = $8`, i.State, moment(i.OverdueAt), moment(i.EndedAt), by, i.EndedBy, i.Answer, i.Unfinished, i.ID)
	if err != nil {
		return fmt.Errorf("instruction %d: %w", i.ID, err)
	}
	return nil
}

func getInstruction(tx *db.Tx, id int64) (Instruction, error) {
	i, err := scanInstruction(tx.QueryRow(`select `+instructionColumns+` from watch_instructions where id = $1`, id))
	if err != nil {
		err = fmt.Errorf("instruction %d: %w", id, err)
	}
	return i, err
}

// openInstructions are all that are open, by when their answer is due.
func openInstructions(tx *db.Tx) ([]Instruction, error) {
	return collectInstructions(tx, `select `+instructionColumns+` from watch_instructions where state = 'open' order by due_at nulls last, id nulls last`)
}

func newestInstructions(tx *db.Tx, limit int) ([]Instruction, error) {
	return collectInstructions(tx, `select `+instructionColumns+` from watch_instructions order by id desc nulls last limit $1`, limit)
}

// instructionsIn are those that were open at some time of a span.
func instructionsIn(tx *db.Tx, from, to time.Time) ([]Instruction, error) {
	return collectInstructions(tx, `select `+instructionColumns+` from watch_instructions where recorded_at < $2 and (ended_at is null or ended_at >= $1)
		order by due_at nulls last, id nulls last`, db.Micros(from), db.Micros(to))
}

func collectInstructions(tx *db.Tx, query string, args ...any) ([]Instruction, error) {
	var is []Instruction
	err := tx.Each(func(rows *sql.Rows) error {
		i, err := scanInstruction(rows)
		is = append(is, i)
		return err
	}, query, args...)
	return is, err
}

// --- handovers

const handoverColumns = `id, desk, state, begun_at, begun_by_id, begun_by, contents, hash, left_at, left_by_id, left_by, left_remark, since,
	since_hash, arrived_at, arrived_by_id, arrived_by, arrived_remark, ended_at, ended_by, ended_why`

func scanHandover(r row) (h Handover, err error) {
	var begun int64
	var left, arrived, ended sql.NullInt64
	err = r.Scan(&h.ID, &h.Desk, &h.State, &begun, &h.BegunByID, &h.BegunBy, &h.Contents, &h.Hash, &left, &h.LeftByID, &h.LeftBy, &h.LeftRemark,
		&h.Since, &h.SinceHash, &arrived, &h.ArrivedByID, &h.ArrivedBy, &h.ArrivedRemark, &ended, &h.EndedBy, &h.EndedWhy)
	h.BegunAt, h.LeftAt, h.ArrivedAt, h.EndedAt = db.Time(begun), instant(left), instant(arrived), instant(ended)
	return h, err
}

func insertHandover(tx *db.Tx, h *Handover) error {
	err := tx.QueryRow(`insert into watch_handovers (desk, state, begun_at, begun_by_id, begun_by) values ($1, 'draft', $2, $3, $4) returning id`,
		h.Desk, db.Micros(h.BegunAt), h.BegunByID, h.BegunBy).Scan(&h.ID)
	if err != nil {
		return fmt.Errorf("begin handover: %w", err)
	}
	return nil
}

// updateHandover writes a step of a handover that stands in the state before; what was signed is written once.
func updateHandover(tx *db.Tx, h Handover, before string) error {
	r, err := tx.Exec(`update watch_handovers set state = $1, contents = $2, hash = $3, left_at = $4, left_by_id = $5, left_by = $6, left_remark = $7,
		since = $8, since_hash = $9, arrived_at = $10, arrived_by_id = $11, arrived_by = $12, arrived_remark = $13, ended_at = $14,
		ended_by = $15, ended_why = $16 where id = $17 and state = $18`,
		h.State, h.Contents, h.Hash, moment(h.LeftAt), h.LeftByID, h.LeftBy, h.LeftRemark, h.Since, h.SinceHash, moment(h.ArrivedAt), h.ArrivedByID,
		h.ArrivedBy, h.ArrivedRemark, moment(h.EndedAt), h.EndedBy, h.EndedWhy, h.ID, before)
	if err != nil {
		return fmt.Errorf("handover %d: %w", h.ID, err)
	}
	if n, err := r.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("handover %d: signed by someone else at the same moment (%w)", h.ID, errors.Join(err, errSignedMeanwhile))
	}
	return nil
}

var errSignedMeanwhile = errors.New("handover was signed meanwhile")

func getHandover(tx *db.Tx, id int64) (Handover, error) {
	h, err := scanHandover(tx.QueryRow(`select `+handoverColumns+` from watch_handovers where id = $1`, id))
	if err != nil {
		err = fmt.Errorf("handover %d: %w", id, err)
	}
	return h, err
}

// openHandover is the one of a desk that is under way.
func openHandover(tx *db.Tx, desk int64) (Handover, error) {
	return scanHandover(tx.QueryRow(`select `+handoverColumns+` from watch_handovers where desk = $1 and state in ('draft', 'left')`, desk))
}

func listHandovers(tx *db.Tx, limit int) ([]Handover, error) {
	var hs []Handover
	err := tx.Each(func(rows *sql.Rows) error {
		h, err := scanHandover(rows)
		hs = append(hs, h)
		return err
	}, `select `+handoverColumns+` from watch_handovers order by id desc nulls last limit $1`, limit)
	return hs, err
}

func insertRemark(tx *db.Tx, handover int64, item, text string, who access.Actor, now time.Time) error {
	_, err := tx.Exec(`insert into watch_remarks (handover, item, text, at, by_id, by_name) values ($1, $2, $3, $4, $5, $6)`,
		handover, item, text, db.Micros(now), who.ID, actorName(who))
	if err != nil {
		return fmt.Errorf("remark on handover %d: %w", handover, err)
	}
	return nil
}

// remarksOf are the newest remarks of a handover, by item.
func remarksOf(tx *db.Tx, handover int64) (map[string]string, error) {
	out := map[string]string{}
	err := tx.Each(func(rows *sql.Rows) error {
		var item, text string
		err := rows.Scan(&item, &text)
		out[item] = text
		return err
	}, `select item, text from watch_remarks where handover = $1 order by id nulls last`, handover)
	return out, err
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
