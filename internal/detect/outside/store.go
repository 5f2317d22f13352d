package outside

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/platform/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the room's tables.
func Migrations() db.Migrations { return db.Embedded("outside", migrations) }

const columns = `id, state, registration, ids_key, registered_at, registered_by, registered_by_id, moved_at, shadow_at, live_at,
	approved_by, approved_by_id, approved_version, version, answered_at, fails, fault`

func scanModel(row interface{ Scan(...any) error }) (*Model, error) {
	m := &Model{}
	var body string
	var registered, moved int64
	var shadow, live, answered sql.NullInt64
	err := row.Scan(&m.ID, &m.State, &body, &m.idsKey, &registered, &m.RegisteredBy, &m.registeredByID, &moved, &shadow, &live,
		&m.ApprovedBy, &m.approvedByID, &m.Approved, &m.Version, &answered, &m.Fails, &m.Fault)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(body), &m.Registration); err != nil {
		return nil, fmt.Errorf("registration of model %d: %w", m.ID, err)
	}
	m.RegisteredAt, m.MovedAt, m.ShadowAt, m.LiveAt, m.AnsweredAt = db.Time(registered), db.Time(moved), optional(shadow), optional(live), optional(answered)
	return m, m.complete()
}

func optional(us sql.NullInt64) *time.Time {
	if !us.Valid {
		return nil
	}
	t := db.Time(us.Int64)
	return &t
}

func optionalMicros(t *time.Time) sql.NullInt64 {
	if t == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: db.Micros(*t), Valid: true}
}

func models(tx *db.Tx) (out []*Model, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		m, err := scanModel(rows)
		out = append(out, m)
		return err
	}, `select `+columns+` from outside_models order by id nulls last`)
	return out, err
}

func modelByID(tx *db.Tx, id int64) (*Model, error) {
	return scanModel(tx.QueryRow(`select `+columns+` from outside_models where id = $1`, id))
}

// insertModel adds a model and sets its id.
func insertModel(tx *db.Tx, m *Model) error {
	body, err := json.Marshal(m.Registration)
	if err != nil {
		return err
	}
	err = tx.QueryRow(`insert into outside_models (name, state, registration, ids_key, registered_at, registered_by, registered_by_id, moved_at,
			approved_by, approved_by_id, approved_version, version, fails, fault)
		values ($1, $2, $3, $4, $5, $6, $7, $8, '', 0, '', '', 0, '') returning id`,
		m.Registration.Name, string(m.State), string(body), m.idsKey, db.Micros(m.RegisteredAt), m.RegisteredBy, m.registeredByID, db.Micros(m.MovedAt)).Scan(&m.ID)
	if err != nil {
		return err
	}
	return addAuthor(tx, m.ID, m.registeredByID)
}

func updateRegistration(tx *db.Tx, m *Model) error {
	body, err := json.Marshal(m.Registration)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`update outside_models set registration = $1, name = $2, registered_at = $3, registered_by = $4, registered_by_id = $5 where id = $6`,
		string(body), m.Registration.Name, db.Micros(m.RegisteredAt), m.RegisteredBy, m.registeredByID, m.ID)
	if err != nil {
		return err
	}
	return addAuthor(tx, m.ID, m.registeredByID)
}

func addAuthor(tx *db.Tx, model, account int64) error {
	_, err := tx.Exec(`insert into outside_authors (model, account) values ($1, $2) on conflict (model, account) do nothing`, model, account)
	return err
}

func isAuthor(tx *db.Tx, model, account int64) (bool, error) {
	var n int
	err := tx.QueryRow(`select count(*) from outside_authors where model = $1 and account = $2`, model, account).Scan(&n)
	return n > 0, err
}

// updateState writes the state that a model came into. What its rule remembers begins anew.
func updateState(tx *db.Tx, m *Model) error {
	_, err := tx.Exec(`update outside_models set state = $1, moved_at = $2, shadow_at = $3, live_at = $4, approved_by = $5, approved_by_id = $6,
			approved_version = $7, fails = 0, fault = '' where id = $8`,
		string(m.State), db.Micros(m.MovedAt), optionalMicros(m.ShadowAt), optionalMicros(m.LiveAt), m.ApprovedBy, m.approvedByID, m.Approved, m.ID)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`update outside_alerts set cleared_at = $1 where model = $2 and cleared_at is null`, db.Micros(m.MovedAt), m.ID); err != nil {
		return err
	}
	_, err = tx.Exec(`delete from outside_state where model = $1`, m.ID)
	return err
}

// stillIn says whether a model is in the state in which it was asked.
func stillIn(tx *db.Tx, m *Model) (bool, error) {
	var n int
	err := tx.QueryRow(`select count(*) from outside_models where id = $1 and state = $2 and moved_at = $3`, m.ID, string(m.State), db.Micros(m.MovedAt)).Scan(&n)
	return n == 1, err
}

// --- questions

// lastAsked is the newest window that a model was asked for, or 0.
func lastAsked(tx *db.Tx, model int64) (due int64, err error) {
	err = tx.QueryRow(`select coalesce(max(due), 0) from outside_asks where model = $1`, model).Scan(&due)
	return due, err
}

// begin notes that a window is being asked for. fresh is false when it was before.
func begin(tx *db.Tx, m *Model, due, now time.Time) (fresh bool, err error) {
	if still, err := stillIn(tx, m); err != nil || !still {
		return false, err
	}
	r, err := tx.Exec(`insert into outside_asks (model, due, state, asked_at, outcome, attempts, version, fault, series, scores, forecasts)
		values ($1, $2, $3, $4, 'asking', 0, '', '', 0, 0, 0) on conflict (model, due) do nothing`, m.ID, db.Micros(due), string(m.State), db.Micros(now))
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

// loseAsks marks the questions that nobody waits for any more.
func loseAsks(now time.Time) func(tx *db.Tx) error {
	return func(tx *db.Tx) error {
		_, err := tx.Exec(`update outside_asks set outcome = 'lost', ended_at = $1, fault = 'the program ended while it was asked' where outcome = 'asking'`, db.Micros(now))
		return err
	}
}

// endAsk writes what became of a question, and how the model does.
func endAsk(tx *db.Tx, m *Model, due time.Time, r *result, now time.Time) error {
	var body []byte
	var scores, forecasts int
	if r.answer != nil {
		scores, forecasts = len(r.answer.Scores), len(r.answer.Forecasts)
		var err error
		if body, err = r.answer.pack(); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`update outside_asks set ended_at = $1, outcome = $2, attempts = $3, version = $4, fault = $5, series = $6, scores = $7,
			forecasts = $8, answer = $9 where model = $10 and due = $11`,
		db.Micros(now), r.outcome, r.attempts, r.version, r.fault, r.series, scores, forecasts, body, m.ID, db.Micros(due))
	if err != nil {
		return err
	}
	switch r.outcome {
	case answered:
		_, err = tx.Exec(`update outside_models set version = $1, answered_at = $2, fails = 0, fault = '' where id = $3`, r.version, db.Micros(now), m.ID)
	case failed, refused:
		_, err = tx.Exec(`update outside_models set fails = fails + 1, fault = $1 where id = $2`, r.fault, m.ID)
	}
	return err
}

// prune removes answers of before a time.
func prune(before time.Time) func(tx *db.Tx) error {
	return func(tx *db.Tx) error {
		_, err := tx.Exec(`delete from outside_asks where due < $1`, db.Micros(before))
		return err
	}
}

// Asked is one question with what became of it.
type Asked struct {
	Due       time.Time  `json:"due" doc:"end of the window"`
	State     State      `json:"state" enum:"shadow,live" doc:"of the model when it was asked"`
	AskedAt   time.Time  `json:"asked_at"`
	EndedAt   *time.Time `json:"ended_at"`
	Outcome   string     `json:"outcome" enum:"asking,answered,failed,refused,lost" doc:"failed: no answer; refused: an answer that breaks the contract; lost: the program ended or the model was moved meanwhile"`
	Attempts  int        `json:"attempts"`
	Version   string     `json:"version,omitempty"`
	Fault     string     `json:"fault,omitempty" doc:"what went wrong"`
	Series    int        `json:"series"`
	Scores    int        `json:"scores"`
	Forecasts int        `json:"forecasts"`
}

// asks are a model's questions of before a window (0: the newest), newest first.
func asks(tx *db.Tx, model, before int64, limit int) (out []Asked, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var a Asked
		var due, at int64
		var ended sql.NullInt64
		err := rows.Scan(&due, &a.State, &at, &ended, &a.Outcome, &a.Attempts, &a.Version, &a.Fault, &a.Series, &a.Scores, &a.Forecasts)
		a.Due, a.AskedAt, a.EndedAt = db.Time(due), db.Time(at), optional(ended)
		out = append(out, a)
		return err
	}, `select due, state, asked_at, ended_at, outcome, attempts, version, fault, series, scores, forecasts from outside_asks
		where model = $1 and (cast($2 as bigint) = 0 or due < cast($2 as bigint)) order by due desc nulls last limit $3`, model, before, limit)
	return out, err
}

// answerKept is an answer as it is kept for figures.
type answerKept struct {
	Scores    []kept     `json:"s,omitempty"`
	Forecasts []foretold `json:"f,omitempty"`
}

type kept struct {
	Datastream int64   `json:"d"`
	At         int64   `json:"t"` // µs
	Score      float64 `json:"p"`
}

type foretold struct {
	Datastream int64    `json:"d"`
	At         int64    `json:"t"`
	Issued     int64    `json:"i"`
	Median     float64  `json:"m"`
	Low        float64  `json:"l"`
	High       float64  `json:"h"`
	Cover      float64  `json:"c"`
	Then       *float64 `json:"n"` // the value when it was issued; null: none was known
}

func (a *answerKept) pack() ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if err := errors.Join(json.NewEncoder(w).Encode(a), w.Close()); err != nil {
		return nil, fmt.Errorf("keep an answer: %w", err)
	}
	return b.Bytes(), nil
}

func unpack(b []byte) (*answerKept, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("kept answer: %w", err)
	}
	a := &answerKept{}
	if err := json.NewDecoder(io.LimitReader(r, 1<<30)).Decode(a); err != nil {
		return nil, fmt.Errorf("kept answer: %w", err)
	}
	return a, nil
}

// answersAfter are the next answers of one version after a window, until a time, oldest first.
func answersAfter(tx *db.Tx, model int64, version string, after, to int64, limit int) (out []*answerKept, last int64, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var body []byte
		if err := rows.Scan(&last, &body); err != nil {
			return err
		}
		a, err := unpack(body)
		out = append(out, a)
		return err
	}, `select due, answer from outside_asks where model = $1 and outcome = 'answered' and version = $2 and due > $3 and due <= $4
		order by due nulls last limit $5`, model, version, after, to, limit)
	return out, last, err
}

// --- states of the rules

func loadStates(tx *db.Tx, model int64) (out []engine.Shard, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var x engine.Shard
		var scope int64
		err := rows.Scan(&scope, &x.N, &x.State)
		x.Scope = engine.Scope(scope)
		out = append(out, x)
		return err
	}, `select scope, shard, state from outside_state where model = $1 order by scope nulls last, shard nulls last`, model)
	return out, err
}

func saveStates(tx *db.Tx, model int64, states []engine.Shard) error {
	for _, x := range states {
		_, err := tx.Exec(`insert into outside_state (model, scope, shard, state) values ($1, $2, $3, $4)
			on conflict (model, scope, shard) do update set state = excluded.state`, model, int64(x.Scope), x.N, x.State)
		if err != nil {
			return err
		}
	}
	return nil
}
