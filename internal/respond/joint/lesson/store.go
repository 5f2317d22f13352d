package lesson

import (
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of lessons.
func Migrations() db.Migrations { return db.Embedded("lesson", migrations) }

// Lesson is what was drawn from a case.
type Lesson struct {
	ID           int64     `json:"id"`
	Source       int64     `json:"source" doc:"the case that it is drawn from"`
	Case         int64     `json:"case" doc:"the case that its tasks stand in"`
	Text         string    `json:"text"`
	Why          string    `json:"why"`
	Selection    Selection `json:"selection"`
	Per          string    `json:"per" enum:"asset,holder"`
	DueAt        time.Time `json:"due_at"`
	Assets       int       `json:"assets"`
	State        string    `json:"state" enum:"sending,sent"`
	SentAt       time.Time `json:"sent_at"`
	By           string    `json:"by"`
	Organisation int64     `json:"organisation"`
	Post         string    `json:"post"`

	byID int64
}

// target is an asset of a lesson; per holder, the first of the holder's with how many there are.
type target struct {
	Asset, Organisation, Area int64
	Task                      int64
	Result, Note              string
	AnsweredAt                *time.Time
	Finding, FindingCase      int64
	assets                    int
}

func insertLesson(tx *db.Tx, l *Lesson) error {
	sel, err := json.Marshal(l.Selection)
	if err != nil {
		return fmt.Errorf("encode selection: %w", err)
	}
	return tx.QueryRow(`insert into lessons (source, case_id, words, why, kind, selection, per, due_at, assets, state, sent_at, by_id, by_name, organisation, post)
		values ($1, 0, $2, $3, $4, $5, $6, $7, $8, 'draft', $9, $10, $11, $12, $13) returning id`,
		l.Source, l.Text, l.Why, l.Selection.Kind, string(sel), l.Per, db.Micros(l.DueAt), l.Assets, db.Micros(l.SentAt), l.byID, l.By, l.Organisation, l.Post).Scan(&l.ID)
}

func insertTargets(tx *db.Tx, lesson int64, assets []Asset) error {
	for _, a := range assets {
		_, err := tx.Exec(`insert into lesson_targets (lesson, asset, organisation, area, task, result, note, finding, finding_case, closed)
			values ($1, $2, $3, $4, 0, '', '', 0, 0, 0)`, lesson, a.ID, a.Organisation, a.Area)
		if err != nil {
			return fmt.Errorf("asset %d of lesson %d: %w", a.ID, lesson, err)
		}
	}
	return nil
}

func startSending(tx *db.Tx, l *Lesson) error {
	r, err := tx.Exec(`update lessons set case_id = $1, state = 'sending', sent_at = $2 where id = $3 and state = 'draft'`, l.Case, db.Micros(l.SentAt), l.ID)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return fmt.Errorf("the draft of lesson %d was forgotten meanwhile", l.ID)
}

func allSent(tx *db.Tx, id int64) error {
	_, err := tx.Exec(`update lessons set state = 'sent' where id = $1`, id)
	return err
}

// forget removes a draft.
func forget(tx *db.Tx, id int64) error {
	if _, err := tx.Exec(`delete from lesson_targets where lesson in (select id from lessons where id = $1 and state = 'draft')`, id); err != nil {
		return err
	}
	_, err := tx.Exec(`delete from lessons where id = $1 and state = 'draft'`, id)
	return err
}

func forgetDrafts(tx *db.Tx, before time.Time) error {
	_, err := tx.Exec(`delete from lesson_targets where lesson in (select id from lessons where state = 'draft' and sent_at < $1)`, db.Micros(before))
	if err != nil {
		return err
	}
	_, err = tx.Exec(`delete from lessons where state = 'draft' and sent_at < $1`, db.Micros(before))
	return err
}

const lessonColumns = `id, source, case_id, words, why, selection, per, due_at, assets, state, sent_at, by_id, by_name, organisation, post`

func scanLesson(row interface{ Scan(...any) error }) (*Lesson, error) {
	l := &Lesson{}
	var sel string
	var due, sent int64
	err := row.Scan(&l.ID, &l.Source, &l.Case, &l.Text, &l.Why, &sel, &l.Per, &due, &l.Assets, &l.State, &sent, &l.byID, &l.By, &l.Organisation, &l.Post)
	if err != nil {
		return nil, err
	}
	l.DueAt, l.SentAt = db.Time(due), db.Time(sent)
	return l, json.Unmarshal([]byte(sel), &l.Selection)
}

// findLesson returns a lesson that was sent.
func findLesson(tx *db.Tx, id int64) (*Lesson, error) {
	l, err := scanLesson(tx.QueryRow(`select `+lessonColumns+` from lessons where id = $1 and state <> 'draft'`, id))
	if errors.Is(err, db.ErrNotFound) {
		err = web.Errorf(http.StatusNotFound, "lesson.unknown", "there is no lesson %d", id)
	}
	return l, err
}

// lessonsOf are those drawn from a case or carried out in it, newest first; of any case where it is 0.
func lessonsOf(tx *db.Tx, caseID int64, limit int) ([]*Lesson, error) {
	out := []*Lesson{}
	err := tx.Each(func(rows *sql.Rows) error {
		l, err := scanLesson(rows)
		out = append(out, l)
		return err
	}, `select `+lessonColumns+` from lessons where state <> 'draft'
		and (cast($1 as bigint) = 0 or source = cast($1 as bigint) or case_id = cast($1 as bigint)) order by id desc nulls last limit $2`, caseID, limit)
	return out, err
}

func lessonsIn(tx *db.Tx, state string) (ids []int64, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, `select id from lessons where state = $1 order by id nulls last`, state)
	return ids, err
}

// --- targets

func findTarget(tx *db.Tx, lesson, asset int64) (target, error) {
	t, err := scanTarget(tx.QueryRow(`select `+targetColumns+` from lesson_targets where lesson = $1 and asset = $2`, lesson, asset))
	if errors.Is(err, db.ErrNotFound) {
		err = web.Errorf(http.StatusUnprocessableEntity, "lesson.no_asset", "lesson %d is not for asset %d", lesson, asset).At("assets")
	}
	return t, err
}

const targetColumns = `asset, organisation, area, task, result, note, answered_at, finding, finding_case`

func scanTarget(row interface{ Scan(...any) error }) (t target, err error) {
	var answered sql.NullInt64
	err = row.Scan(&t.Asset, &t.Organisation, &t.Area, &t.Task, &t.Result, &t.Note, &answered, &t.Finding, &t.FindingCase)
	if answered.Valid {
		at := db.Time(answered.Int64)
		t.AnsweredAt = &at
	}
	return t, err
}

// withoutTask are the next targets that have no task yet; per holder, one for each holder.
func withoutTask(tx *db.Tx, lesson int64, per string, limit int) ([]target, error) {
	query := `select asset, organisation, 1 from lesson_targets where lesson = $1 and task = 0 order by asset nulls last limit $2`
	if per == "holder" {
		query = `select min(asset), organisation, count(*) from lesson_targets where lesson = $1 and task = 0 group by organisation
			order by organisation nulls last limit $2`
	}
	var out []target
	err := tx.Each(func(rows *sql.Rows) error {
		var t target
		err := rows.Scan(&t.Asset, &t.Organisation, &t.assets)
		out = append(out, t)
		return err
	}, query, lesson, limit)
	return out, err
}

func hasTask(tx *db.Tx, lesson int64, t target) (bool, error) {
	var n int64
	err := tx.QueryRow(`select count(*) from lesson_targets where lesson = $1 and asset = $2 and task <> 0`, lesson, t.Asset).Scan(&n)
	return n > 0, err
}

func taskGiven(tx *db.Tx, lesson int64, t target, per string, task int64) error {
	if per == "holder" {
		_, err := tx.Exec(`update lesson_targets set task = $1 where lesson = $2 and organisation = $3 and task = 0`, task, lesson, t.Organisation)
		return err
	}
	_, err := tx.Exec(`update lesson_targets set task = $1 where lesson = $2 and asset = $3`, task, lesson, t.Asset)
	return err
}

func answer(tx *db.Tx, lesson, asset int64, result, note string, now time.Time) error {
	r, err := tx.Exec(`update lesson_targets set result = $1, note = $2, answered_at = $3 where lesson = $4 and asset = $5 and result = ''`,
		result, note, db.Micros(now), lesson, asset)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return web.Errorf(http.StatusConflict, "lesson.answered", "asset %d was answered for already", asset).At("assets")
}

func linkFinding(tx *db.Tx, lesson, asset, finding, caseID int64) error {
	_, err := tx.Exec(`update lesson_targets set finding = $1, finding_case = $2 where lesson = $3 and asset = $4`, finding, caseID, lesson, asset)
	return err
}

// ended is a task all of whose assets were answered for.
type ended struct {
	lesson, caseID, task int64
	assets, wrong        int
}

func answered(tx *db.Tx, limit int) ([]ended, error) {
	var out []ended
	err := tx.Each(func(rows *sql.Rows) error {
		var e ended
		err := rows.Scan(&e.lesson, &e.caseID, &e.task, &e.assets, &e.wrong)
		out = append(out, e)
		return err
	}, `select t.lesson, l.case_id, t.task, count(*), sum(case when t.result = 'wrong' then 1 else 0 end)
		from lesson_targets t join lessons l on l.id = t.lesson where t.task <> 0 and t.closed = 0
		group by t.lesson, l.case_id, t.task having sum(case when t.result = '' then 1 else 0 end) = 0
		order by t.task nulls last limit $1`, limit)
	return out, err
}

func taskClosed(tx *db.Tx, lesson, task int64) error {
	_, err := tx.Exec(`update lesson_targets set closed = 1 where lesson = $1 and task = $2`, lesson, task)
	return err
}

// targets are those of a lesson after an asset, narrowed to an area or a holder where these are not nil.
func targets(tx *db.Tx, lesson, after int64, area, holder *int64, limit int) ([]target, error) {
	var out []target
	number := func(n *int64) sql.NullInt64 {
		if n == nil {
			return sql.NullInt64{}
		}
		return sql.NullInt64{Int64: *n, Valid: true}
	}
	err := tx.Each(func(rows *sql.Rows) error {
		t, err := scanTarget(rows)
		out = append(out, t)
		return err
	}, `select `+targetColumns+` from lesson_targets where lesson = $1 and asset > $2
		and (cast($3 as bigint) is null or area = cast($3 as bigint)) and (cast($4 as bigint) is null or organisation = cast($4 as bigint))
		order by asset nulls last limit $5`, lesson, after, number(area), number(holder), limit)
	return out, err
}
