package joint

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

// Migrations are the room's tables.
func Migrations() db.Migrations { return db.Embedded("joint", migrations) }

// --- the room itself

func opened(tx *db.Tx, caseID int64) (bool, error) {
	var n int64
	err := tx.QueryRow(`select count(*) from rooms where case_id = $1`, caseID).Scan(&n)
	return n > 0, err
}

func markOpened(tx *db.Tx, caseID int64, now time.Time) error {
	_, err := tx.Exec(`insert into rooms (case_id, opened_at) values ($1, $2)`, caseID, db.Micros(now))
	return err
}

// --- seats

func sit(tx *db.Tx, caseID, organisation int64, post string, now time.Time) error {
	r, err := tx.Exec(`insert into room_seats (case_id, organisation, post, joined_at) values ($1, $2, $3, $4)
		on conflict (case_id, organisation, post) where left_at is null do nothing`, caseID, organisation, post, db.Micros(now))
	return one(r, err, web.Errorf(http.StatusConflict, "room.seat", "this post is in the room already").At("post"))
}

func leave(tx *db.Tx, caseID, organisation int64, post string, now time.Time) error {
	r, err := tx.Exec(`update room_seats set left_at = $1 where case_id = $2 and organisation = $3 and post = $4 and left_at is null`,
		db.Micros(now), caseID, organisation, post)
	return one(r, err, web.Errorf(http.StatusConflict, "room.no_seat", "this post is not in the room").At("post"))
}

// one turns a statement that met no row into the refusal.
func one(r sql.Result, err error, refusal error) error {
	if err != nil {
		return err
	}
	n, err := r.RowsAffected()
	if err == nil && n == 0 {
		return refusal
	}
	return err
}

func seats(tx *db.Tx, caseID int64) ([]SeatView, error) {
	out := []SeatView{}
	err := tx.Each(func(rows *sql.Rows) error {
		var v SeatView
		var joined int64
		var left sql.NullInt64
		err := rows.Scan(&v.Organisation, &v.Post, &joined, &left)
		v.JoinedAt, v.LeftAt = db.Time(joined), instant(left)
		out = append(out, v)
		return err
	}, `select organisation, post, joined_at, left_at from room_seats where case_id = $1 order by id nulls last`, caseID)
	return out, err
}

// --- marks

func insertMark(tx *db.Tx, caseID int64, by hand, kind, label string, drawn Shape, now time.Time) (id int64, err error) {
	body, err := json.Marshal(drawn)
	if err != nil {
		return 0, fmt.Errorf("encode mark: %w", err)
	}
	err = tx.QueryRow(`insert into room_marks (case_id, organisation, post, kind, label, shape, entry, placed_at)
		values ($1, $2, $3, $4, $5, $6, 0, $7) returning id`,
		caseID, by.Organisation, by.post, kind, label, string(body), db.Micros(now)).Scan(&id)
	return id, err
}

func markStands(tx *db.Tx, id, entry int64) error {
	_, err := tx.Exec(`update room_marks set entry = $1 where id = $2`, entry, id)
	return err
}

func markInForce(tx *db.Tx, caseID, id int64) (MarkView, error) {
	m, err := scanMark(tx.QueryRow(`select `+markColumns+` from room_marks where case_id = $1 and id = $2 and ended_at is null`, caseID, id))
	if errors.Is(err, db.ErrNotFound) {
		err = web.Errorf(http.StatusNotFound, "room.no_mark", "there is no mark %d in force", id)
	}
	return m, err
}

func moveMark(tx *db.Tx, id int64, label string, drawn Shape, entry int64) error {
	body, err := json.Marshal(drawn)
	if err != nil {
		return fmt.Errorf("encode mark: %w", err)
	}
	_, err = tx.Exec(`update room_marks set label = $1, shape = $2, entry = $3 where id = $4`, label, string(body), entry, id)
	return err
}

func endMark(tx *db.Tx, id int64, now time.Time) error {
	_, err := tx.Exec(`update room_marks set ended_at = $1 where id = $2`, db.Micros(now), id)
	return err
}

const markColumns = `id, organisation, post, kind, label, shape, entry, placed_at`

func scanMark(row interface{ Scan(...any) error }) (MarkView, error) {
	var v MarkView
	var shape string
	var at int64
	if err := row.Scan(&v.ID, &v.Organisation, &v.Post, &v.Kind, &v.Label, &shape, &v.Entry, &at); err != nil {
		return v, err
	}
	v.At = db.Time(at)
	return v, json.Unmarshal([]byte(shape), &v.Shape)
}

func marks(tx *db.Tx, caseID int64) ([]MarkView, error) {
	out := []MarkView{}
	err := tx.Each(func(rows *sql.Rows) error {
		v, err := scanMark(rows)
		out = append(out, v)
		return err
	}, `select `+markColumns+` from room_marks where case_id = $1 and ended_at is null order by id nulls last`, caseID)
	return out, err
}

// --- decisions

func insertDecision(tx *db.Tx, caseID int64, by hand, what, why string, facts []map[string]any, from, now time.Time) (id int64, err error) {
	body, err := json.Marshal(facts)
	if err != nil {
		return 0, fmt.Errorf("encode facts: %w", err)
	}
	err = tx.QueryRow(`insert into room_decisions (case_id, organisation, post, what, why, facts, from_at, entry, decided_at, by_name)
		values ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9) returning id`,
		caseID, by.Organisation, by.post, what, why, string(body), db.Micros(from), db.Micros(now), by.Name).Scan(&id)
	return id, err
}

func decisionStands(tx *db.Tx, id, entry int64) error {
	_, err := tx.Exec(`update room_decisions set entry = $1 where id = $2`, entry, id)
	return err
}

// decisionInForce returns whose a decision of a room is.
func decisionInForce(tx *db.Tx, caseID, id int64) (organisation int64, err error) {
	err = tx.QueryRow(`select organisation from room_decisions where case_id = $1 and id = $2 and superseded_by is null`, caseID, id).Scan(&organisation)
	if errors.Is(err, db.ErrNotFound) {
		err = web.Errorf(http.StatusConflict, "room.superseded", "decision %d is not in force in this room", id).At("supersedes")
	}
	return organisation, err
}

func supersede(tx *db.Tx, caseID, old, by int64) error {
	r, err := tx.Exec(`update room_decisions set superseded_by = $1 where case_id = $2 and id = $3 and id <> $4 and superseded_by is null`,
		by, caseID, old, by)
	return one(r, err, web.Errorf(http.StatusConflict, "room.superseded", "decision %d is not in force in this room", old).At("supersedes"))
}

func decisions(tx *db.Tx, caseID int64) ([]DecisionView, error) {
	out := []DecisionView{}
	err := tx.Each(func(rows *sql.Rows) error {
		var v DecisionView
		var facts string
		var from, at int64
		var by sql.NullInt64
		if err := rows.Scan(&v.ID, &v.Organisation, &v.Post, &v.What, &v.Why, &facts, &from, &v.Entry, &at, &v.By, &by); err != nil {
			return err
		}
		v.From, v.At, v.SupersededBy = db.Time(from), db.Time(at), by.Int64
		out = append(out, v)
		return json.Unmarshal([]byte(facts), &out[len(out)-1].Facts)
	}, `select id, organisation, post, what, why, facts, from_at, entry, decided_at, by_name, superseded_by from room_decisions
		where case_id = $1 order by id nulls last`, caseID)
	return out, err
}

// --- objectives

func insertObjective(tx *db.Tx, caseID int64, by hand, words string, now time.Time) (id int64, err error) {
	err = tx.QueryRow(`insert into room_objectives (case_id, organisation, post, words, entry, set_at, state) values ($1, $2, $3, $4, 0, $5, 'current') returning id`,
		caseID, by.Organisation, by.post, words, db.Micros(now)).Scan(&id)
	return id, err
}

func objectiveStands(tx *db.Tx, id, entry int64) error {
	_, err := tx.Exec(`update room_objectives set entry = $1 where id = $2`, entry, id)
	return err
}

func endObjective(tx *db.Tx, caseID, id int64, state string, now time.Time) (words string, organisation int64, err error) {
	err = tx.QueryRow(`update room_objectives set state = $1, ended_at = $2 where case_id = $3 and id = $4 and state = 'current'
		returning words, organisation`, state, db.Micros(now), caseID, id).Scan(&words, &organisation)
	if errors.Is(err, db.ErrNotFound) {
		err = web.Errorf(http.StatusConflict, "room.no_objective", "objective %d is not a current one of this room", id)
	}
	return words, organisation, err
}

func objectives(tx *db.Tx, caseID int64) ([]ObjectiveView, error) {
	out := []ObjectiveView{}
	err := tx.Each(func(rows *sql.Rows) error {
		var v ObjectiveView
		var at int64
		var ended sql.NullInt64
		err := rows.Scan(&v.ID, &v.Organisation, &v.Text, &v.Entry, &at, &v.State, &ended)
		v.At, v.EndedAt = db.Time(at), instant(ended)
		out = append(out, v)
		return err
	}, `select id, organisation, words, entry, set_at, state, ended_at from room_objectives where case_id = $1 order by id nulls last`, caseID)
	return out, err
}

// --- requests for resources

func insertRequest(tx *db.Tx, caseID int64, by hand, what, unit, place string, r ResourceRequest, now time.Time) (id int64, err error) {
	err = tx.QueryRow(`insert into room_requests (case_id, organisation, post, what, kind, unit, quantity, place, needed_by, entry, asked_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10) returning id`,
		caseID, by.Organisation, by.post, what, r.Kind, unit, r.Quantity, place, moment(r.NeededBy), db.Micros(now)).Scan(&id)
	return id, err
}

func requestStands(tx *db.Tx, id, entry int64) error {
	_, err := tx.Exec(`update room_requests set entry = $1 where id = $2`, entry, id)
	return err
}

func cancelRequest(tx *db.Tx, id int64, now time.Time) error {
	_, err := tx.Exec(`update room_requests set cancelled_at = $1 where id = $2`, db.Micros(now), id)
	return err
}

func insertCommitment(tx *db.Tx, request int64, by hand, quantity int64, with string, eta *time.Time, state string, now time.Time) (id int64, err error) {
	err = tx.QueryRow(`insert into room_commitments (request, organisation, post, quantity, means, eta, state, entry, at, changed_at)
		values ($1, $2, $3, $4, $5, $6, $7, 0, $8, $8) returning id`,
		request, by.Organisation, by.post, quantity, with, moment(eta), state, db.Micros(now)).Scan(&id)
	return id, err
}

func commitmentStands(tx *db.Tx, id, entry int64) error {
	_, err := tx.Exec(`update room_commitments set entry = $1 where id = $2`, entry, id)
	return err
}

func setCommitment(tx *db.Tx, id int64, state string, now time.Time) error {
	_, err := tx.Exec(`update room_commitments set state = $1, changed_at = $2 where id = $3`, state, db.Micros(now), id)
	return err
}

// asked is a request with what a title needs.
type asked struct {
	Request
	What, Unit string
}

func requestOf(tx *db.Tx, caseID, id int64) (asked, error) {
	all, err := requests(tx, caseID, id)
	if err != nil {
		return asked{}, err
	}
	if len(all) == 0 {
		return asked{}, web.Errorf(http.StatusNotFound, "room.no_request", "this room has no request %d", id)
	}
	v := all[0]
	a := asked{Request: Request{ID: v.ID, Organisation: v.Organisation, Quantity: v.Quantity, Cancelled: v.Cancelled}, What: v.What, Unit: v.Unit}
	for _, c := range v.Commitments {
		a.Commitments = append(a.Commitments, Commitment{ID: c.ID, Organisation: c.Organisation, Quantity: c.Quantity, State: c.State})
	}
	return a, nil
}

// requests are those of a room with their commitments; only is one of them, 0 all.
func requests(tx *db.Tx, caseID, only int64) ([]RequestView, error) {
	out := []RequestView{}
	at := map[int64]int{}
	err := tx.Each(func(rows *sql.Rows) error {
		v := RequestView{Commitments: []CommitmentView{}}
		var asked int64
		var needed, cancelled sql.NullInt64
		err := rows.Scan(&v.ID, &v.Organisation, &v.Post, &v.What, &v.Kind, &v.Unit, &v.Quantity, &v.Place, &needed, &v.Entry, &asked, &cancelled)
		v.NeededBy, v.At, v.Cancelled = instant(needed), db.Time(asked), cancelled.Valid
		at[v.ID] = len(out)
		out = append(out, v)
		return err
	}, `select id, organisation, post, what, kind, unit, quantity, place, needed_by, entry, asked_at, cancelled_at from room_requests
		where case_id = $1 and (cast($2 as bigint) = 0 or id = cast($2 as bigint)) order by id nulls last`, caseID, only)
	if err != nil {
		return nil, err
	}
	err = tx.Each(func(rows *sql.Rows) error {
		var request int64
		var v CommitmentView
		var eta sql.NullInt64
		var given, changed int64
		if err := rows.Scan(&request, &v.ID, &v.Organisation, &v.Post, &v.Quantity, &v.With, &eta, &v.State, &v.Entry, &given, &changed); err != nil {
			return err
		}
		v.ETA, v.At, v.ChangedAt = instant(eta), db.Time(given), db.Time(changed)
		r := &out[at[request]]
		r.Commitments = append(r.Commitments, v)
		return nil
	}, `select c.request, c.id, c.organisation, c.post, c.quantity, c.means, c.eta, c.state, c.entry, c.at, c.changed_at
		from room_commitments c join room_requests r on r.id = c.request
		where r.case_id = $1 and (cast($2 as bigint) = 0 or r.id = cast($2 as bigint)) order by c.id nulls last`, caseID, only)
	for i := range out {
		out[i].count()
	}
	return out, err
}

// --- small conversions

func moment(t *time.Time) sql.NullInt64 {
	if t == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: db.Micros(*t), Valid: true}
}

func instant(n sql.NullInt64) *time.Time {
	if !n.Valid {
		return nil
	}
	t := db.Time(n.Int64)
	return &t
}
