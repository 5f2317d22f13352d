package reports

import (
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// insertChunk is how many rows one statement takes. More would be slower: SQLite looks each parameter up by its place among
// all. Two texts of the statement exist, for a whole chunk and for one row,
// since the writer keeps the plan of each.
const insertChunk = 10

const insertColumns = 19

var insertMany, insertOne = insertStatement(insertChunk), insertStatement(1)

// insertStatement skips rows whose external id the source has sent before, or whose form was sent before; a number that
// is taken stays an error, for then another is drawn.
func insertStatement(rows int) string {
	casts := [insertColumns]string{
		"text", "text", "text", "text", "text", "text", "text", "text", "text", "text",
		"bigint", "double precision", "double precision", "text", "text", "bigint", "bigint", "bigint", "bigint",
	}
	var b strings.Builder
	b.WriteString(`insert into reports (number, source, external_id, submission, category, source_category, text, address, channel, queue,
		area, lon, lat, precision, state, contact, received_at, due_at, closed_at) values `)
	n := 0
	for i := range rows {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('(')
		for j := range insertColumns {
			if j > 0 {
				b.WriteString(", ")
			}
			n++
			fmt.Fprintf(&b, "cast($%d as %s)", n, casts[j])
		}
		b.WriteByte(')')
	}
	b.WriteString(" on conflict (source, external_id) do nothing returning id, number")
	return b.String()
}

// insert stores the rows and returns the ids of those that were new, by number.
func insert(tx *db.Tx, rows []row) (map[string]int64, error) {
	ids := make(map[string]int64, len(rows))
	for len(rows) > 0 {
		statement, n := insertOne, 1
		if len(rows) >= insertChunk {
			statement, n = insertMany, insertChunk
		}
		args := make([]any, 0, n*insertColumns)
		for _, r := range rows[:n] {
			args = append(args, r.number, null(r.source), null(r.externalID), null(r.submission), r.category, r.sourceCategory, r.text, r.address, r.channel, r.queue,
				r.area, lon(r.point), lat(r.point), string(r.precision), string(r.state), flag(r.contact), db.Micros(r.received), micros(r.due), micros(r.closed))
		}
		err := tx.Each(func(rows *sql.Rows) error {
			var id int64
			var number string
			err := rows.Scan(&id, &number)
			ids[number] = id
			return err
		}, statement, args...)
		if err != nil {
			return nil, err
		}
		rows = rows[n:]
	}
	return ids, nil
}

const columns = `id, number, coalesce(external_id, ''), category, source_category, text, address, channel, queue, area, lon, lat,
	precision, state, contact, received_at, due_at, closed_at`

func scan(scanner interface{ Scan(...any) error }, c categories) (Report, error) {
	var r Report
	var lon, lat sql.NullFloat64
	var contact, received int64
	var due, closed sql.NullInt64
	err := scanner.Scan(&r.ID, &r.Number, &r.ExternalID, &r.Category, &r.SourceCategory, &r.Text, &r.Address, &r.Channel, &r.Queue, &r.Area, &lon, &lat,
		&r.Precision, &r.State, &contact, &received, &due, &closed)
	r.CategoryTitle = c.byID[r.Category].Title
	// Masked once more on the way out, so that a form that Mask learns later is masked in old rows too.
	r.Text, r.Address = guard.Mask(r.Text), guard.Mask(r.Address)
	if lon.Valid && lat.Valid {
		r.Point = &[2]float64{lon.Float64, lat.Float64}
	}
	r.Contact, r.ReceivedAt = contact == 1, db.Time(received)
	if due.Valid {
		t := db.Time(due.Int64)
		r.DueAt = &t
	}
	if closed.Valid {
		t := db.Time(closed.Int64)
		r.ClosedAt = &t
	}
	return r, err
}

// Query chooses reports. The zero value is all of them, newest first.
type Query struct {
	State    State       // empty: any
	Category string      // empty: any
	BBox     *[4]float64 // west, south, east, north; west > east crosses the date line
	Limit    int
	After    cursor // zero: from the start
}

// cursor is the last report of the page before.
type cursor struct {
	received int64
	id       int64
}

func list(tx *db.Tx, q Query, c categories) ([]Report, error) {
	box := [4]float64{-180, -90, 180, 90}
	boxed := 0
	if q.BBox != nil {
		box, boxed = *q.BBox, 1
	}
	across := flag(box[0] > box[2])
	var out []Report
	err := tx.Each(func(rows *sql.Rows) error {
		r, err := scan(rows, c)
		out = append(out, r)
		return err
	}, `select `+columns+` from reports
		where ($1 = '' or state = $1) and ($2 = '' or category = $2)
		and (cast($3 as bigint) = 0 or received_at < $3 or (received_at = $3 and id < $4))
		and (cast($5 as bigint) = 0 or (lat between $6 and $7
			and ((cast($8 as bigint) = 0 and lon between $9 and $10) or (cast($8 as bigint) = 1 and (lon >= $9 or lon <= $10)))))
		order by received_at desc nulls last, id desc nulls last limit $11`,
		string(q.State), q.Category, q.After.received, q.After.id, boxed, box[1], box[3], across, box[0], box[2], q.Limit)
	return out, err
}

func byNumber(tx *db.Tx, number string, c categories) (Report, error) {
	return scan(tx.QueryRow("select "+columns+" from reports where number = $1", number), c)
}

func byID(tx *db.Tx, id int64, c categories) (Report, error) {
	return scan(tx.QueryRow("select "+columns+" from reports where id = $1", id), c)
}

// bySubmission returns the number of the report that this form was filed as.
func bySubmission(tx *db.Tx, submission string) (number string, err error) {
	err = tx.QueryRow("select number from reports where submission = $1", submission).Scan(&number)
	return number, err
}

// closeReport closes an open report and says whether it did.
func closeReport(tx *db.Tx, id int64, at time.Time) (bool, error) {
	res, err := tx.Exec("update reports set state = 'closed', closed_at = $2 where id = $1 and state = 'open'", id, db.Micros(at))
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func lon(p *[2]float64) any {
	if p == nil {
		return nil
	}
	return p[0]
}

func lat(p *[2]float64) any {
	if p == nil {
		return nil
	}
	return p[1]
}

func micros(t *time.Time) any {
	if t == nil {
		return nil
	}
	return db.Micros(*t)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
