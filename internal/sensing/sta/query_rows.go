package sta

import (
	"database/sql"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// row is one entity of the catalogue in memory.
type row struct {
	id   int64
	text []string // by column; "" where it is not a text
	time int64    // of a column that is a time: no kind has two
	ones []int64  // ids behind to-one links, in the order of the links; 0 for none
}

// scanRow reads what selects asks for, and further values into more.
func (k *kind) scanRow(rows *sql.Rows, more ...any) (*row, error) {
	r := &row{text: make([]string, len(k.columns))}
	into := make([]any, 0, 8+len(more))
	into = append(into, &r.id)
	for i := range k.columns {
		if k.columns[i].form == formTime {
			into = append(into, &r.time)
		} else {
			into = append(into, &r.text[i])
		}
	}
	ones := make([]sql.NullInt64, k.toOne())
	for i := range ones {
		into = append(into, &ones[i])
	}
	if err := rows.Scan(append(into, more...)...); err != nil {
		return nil, err
	}
	r.ones = make([]int64, len(ones))
	for i := range ones {
		r.ones[i] = ones[i].Int64
	}
	return r, nil
}

func (k *kind) toOne() (n int) {
	for i := range k.links {
		if !k.links[i].many {
			n++
		}
	}
	return n
}

// one is the id behind a to-one link of a row; 0 for none.
func (k *kind) one(r *row, nav string) int64 {
	n := 0
	for i := range k.links {
		if k.links[i].many {
			continue
		}
		if k.links[i].nav == nav {
			return r.ones[n]
		}
		n++
	}
	return 0
}

// value is a property of a row as expressions see it. What the observation log keeps of a Datastream is not in the row.
func (k *kind) value(r *row, property string) odata.Value {
	if property == "id" {
		return odata.ID(r.id)
	}
	for i := range k.columns {
		c := &k.columns[i]
		if c.property != property {
			continue
		}
		switch {
		case c.form == formTime:
			return odata.Instant(r.time)
		case c.form == formText:
			return odata.Text(r.text[i])
		case r.text[i] == "":
			return odata.Null()
		}
		return odata.JSON(r.text[i])
	}
	return odata.Null()
}

// loadRows reads all rows of a statement.
func loadRows(tx *db.Tx, k *kind, st *stmt) ([]*row, error) {
	var out []*row
	err := tx.Each(func(rows *sql.Rows) error {
		r, err := k.scanRow(rows)
		if err == nil {
			out = append(out, r)
		}
		return err
	}, st.String(), st.args...)
	return out, err
}

// loadInts reads all rows of a statement that gives numbers.
func loadInts(tx *db.Tx, st *stmt, width int, each func([]int64)) error {
	vals := make([]int64, width)
	into := make([]any, width)
	for i := range vals {
		into[i] = &vals[i]
	}
	return tx.Each(func(rows *sql.Rows) error {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		each(vals)
		return nil
	}, st.String(), st.args...)
}
