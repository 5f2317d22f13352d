package city

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"github.com/anlan-city/anlan/internal/platform/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the room's tables.
func Migrations() db.Migrations { return db.Embedded("city", migrations) }

// store is the register's SQL.
type store struct{ db *db.DB }

// pageRows is how many rows of a list are read in one read transaction, which may not last long. That nothing changed
// between two pages is seen by the revision.
const pageRows = 20_000

// errStale says that the register changed between the look at it and the write.
var errStale = errors.New("the register changed meanwhile")

// selects read each list as records: the id, then the fields in the list's order.
var selects = map[string]string{
	Areas: `select a.id, a.external_id, a.level, a.name_en, a.name_zh, coalesce(p.external_id, ''), a.geometry,
		coalesce(cast(a.residents as text), ''), coalesce(cast(a.residents_year as text), ''), a.residents_source
		from city_areas a left join city_areas p on p.id = a.parent
		where a.id > $1 order by a.id nulls last limit $2`,
	Organisations: `select o.id, o.external_id, o.kind, o.name_en, o.name_zh, coalesce(p.external_id, '')
		from city_organisations o left join city_organisations p on p.id = o.parent
		where o.id > $1 order by o.id nulls last limit $2`,
	Places: `select l.id, l.external_id, l.kind, l.name_en, l.name_zh, l.address, l.geometry, coalesce(a.external_id, ''), l.x, l.y
		from city_places l left join city_areas a on a.id = l.area
		where l.id > $1 order by l.id nulls last limit $2`,
	Assets: `select t.id, t.external_id, t.kind, t.name_en, t.name_zh, l.external_id, coalesce(o.external_id, ''), t.premises, t.properties, t.geometry, ''
		from city_assets t join city_places l on l.id = t.place left join city_organisations o on o.id = t.organisation
		where t.id > $1 order by t.id nulls last limit $2`,
	Duties: `select d.id, d.kind, o.external_id, coalesce(a.external_id, ''), coalesce(l.external_id, ''), coalesce(t.external_id, ''), d.pack, d.role, d.post
		from city_duties d join city_organisations o on o.id = d.organisation
		left join city_areas a on d.subject = 'area' and a.id = d.subject_id
		left join city_places l on d.subject = 'place' and l.id = d.subject_id
		left join city_assets t on d.subject = 'asset' and t.id = d.subject_id
		where d.id > $1 order by d.id nulls last limit $2`,
}

// records reads a whole list, in the order of ids.
func (s store) records(ctx context.Context, l *list, each func(*record) error) error {
	n := len(l.fields)
	into := make([]any, 0, n+4)
	for after, more := int64(0), true; more; {
		read := 0
		var page []*record
		err := s.db.Read(ctx, func(tx *db.Tx) error {
			from := after
			err := tx.Each(func(rows *sql.Rows) error {
				r := &record{values: make([]string, n)}
				texts := make([]sql.NullString, n)
				into = append(into[:0], &r.id)
				for i := range texts {
					into = append(into, &texts[i])
				}
				if l.name == Places {
					into = append(into, &r.area, &r.at[0], &r.at[1])
				}
				if err := rows.Scan(into...); err != nil {
					return err
				}
				for i, t := range texts {
					r.values[i] = t.String
				}
				read++
				after = r.id
				page = append(page, r)
				return nil
			}, selects[l.name], after, pageRows)
			if err != nil || l.name != Assets {
				return err
			}
			return readUpstream(tx, l, page, from, after)
		})
		for _, r := range page {
			if err == nil {
				err = each(r)
			}
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", l.name, err)
		}
		more = read == pageRows
	}
	return nil
}

// ids are a list's ids by external id.
func (s store) ids(ctx context.Context, name string) (map[string]int64, error) {
	ids := map[string]int64{}
	for after, more := int64(0), true; more; {
		read := 0
		err := s.db.Read(ctx, func(tx *db.Tx) error {
			return tx.Each(func(rows *sql.Rows) error {
				var key string
				if err := rows.Scan(&after, &key); err != nil {
					return err
				}
				ids[key] = after
				read++
				return nil
			}, "select id, external_id from city_"+name+" where id > $1 order by id nulls last limit $2", after, pageRows)
		})
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		more = read == pageRows
	}
	return ids, nil
}

func (s store) revision(ctx context.Context) (n int64, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow("select revision from city_settings where id = 1").Scan(&n)
	})
	return n, err
}

// resitings are the re-sitings since an instant by the id of the place or asset. What a place did counts for its assets.
func (s store) resitings(ctx context.Context, l *list, since time.Time) (map[int64][]time.Time, error) {
	found := map[int64][]time.Time{}
	add := func(rows *sql.Rows) error {
		var id, at int64
		if err := rows.Scan(&id, &at); err != nil {
			return err
		}
		found[id] = append(found[id], db.Time(at))
		return nil
	}
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		subject := strings.TrimSuffix(l.name, "s")
		if err := tx.Each(add, "select subject_id, at from city_resitings where subject = $1 and at > $2 order by id nulls last",
			subject, db.Micros(since)); err != nil || l.name != Assets {
			return err
		}
		return tx.Each(add, `select t.id, r.at from city_resitings r join city_assets t on t.place = r.subject_id
			where r.subject = 'place' and r.at > $1 and t.geometry is null order by r.id nulls last, t.id nulls last`, db.Micros(since))
	})
	return found, err
}

// nextRevision claims the register for a write that was prepared against the revision given.
func nextRevision(tx *db.Tx, from int64) error {
	res, err := tx.Exec("update city_settings set revision = revision + 1 where id = 1 and revision = $1", from)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(errStale, err)
	}
	return nil
}

// put writes the changed records of a list.
func (s store) put(tx *db.Tx, l *list, v *verdict, have *holdings) error {
	t := tables[l.name]
	rows := make([][]any, len(v.changes))
	for i := range v.changes {
		rows[i] = t.row(l, &v.changes[i], have)
	}
	if err := upsert(tx, rowsPerStatement(s.db.Engine()), "city_"+l.name, t.key, t.columns, rows); err != nil {
		return err
	}
	switch l.name {
	case Areas, Organisations:
		return putParents(tx, l, v.changes)
	case Places:
		return putSites(tx, l, v.changes)
	case Assets:
		return errors.Join(putSites(tx, l, v.changes), putUpstream(tx, l, v.changes))
	}
	return nil
}

// table is how a list's records become rows.
type table struct {
	key     string // the columns that tell rows apart
	columns []string
	row     func(l *list, c *change, have *holdings) []any
}

var boxColumns = []string{"geometry", "min_x", "min_y", "max_x", "max_y"}

var tables = map[string]table{
	Areas: {"external_id", append([]string{"external_id", "level", "name_en", "name_zh", "residents", "residents_year", "residents_source"}, boxColumns...),
		func(l *list, c *change, _ *holdings) []any {
			lo, hi, _ := box(c.shapeNow(l))
			return []any{c.values[0], c.values[1], c.values[2], c.values[3], numberOrNil(l.get(&c.record, "residents")),
				numberOrNil(l.get(&c.record, "residents_year")), l.get(&c.record, "residents_source"),
				[]byte(l.get(&c.record, "geometry")), lo[0], lo[1], hi[0], hi[1]}
		}},
	Organisations: {"external_id", []string{"external_id", "kind", "name_en", "name_zh"},
		func(_ *list, c *change, _ *holdings) []any {
			return []any{c.values[0], c.values[1], c.values[2], c.values[3]}
		}},
	Places: {"external_id", append(append([]string{"external_id", "kind", "name_en", "name_zh", "address", "area"}, boxColumns...), "x", "y"),
		func(l *list, c *change, have *holdings) []any {
			g := c.shapeNow(l)
			lo, hi, _ := box(g)
			x, y, _ := pointOf(g)
			var area *int64
			if n := have.areas.node(c.area); n != nil {
				area = &n.id
			}
			return []any{c.values[0], c.values[1], c.values[2], c.values[3], c.values[4], area,
				[]byte(l.get(&c.record, "geometry")), lo[0], lo[1], hi[0], hi[1], x, y}
		}},
	Assets: {"external_id", append(append([]string{"external_id", "kind", "name_en", "name_zh", "place", "organisation", "premises", "properties"}, boxColumns...), "x", "y"),
		func(l *list, c *change, have *holdings) []any {
			var wkb any
			var lo, hi [2]float64 // without a geometry of its own putSites fills these in
			var x, y float64
			if s := l.get(&c.record, "geometry"); s != "" {
				wkb = []byte(s)
				g := c.shapeNow(l)
				lo, hi, _ = box(g)
				x, y, _ = pointOf(g)
			}
			return []any{c.values[0], c.values[1], c.values[2], c.values[3], have.ids[Places][l.get(&c.record, "place")],
				idOrNil(have.ids[Organisations], l.get(&c.record, "organisation")), l.get(&c.record, "premises"), l.get(&c.record, "properties"),
				wkb, lo[0], lo[1], hi[0], hi[1], x, y}
		}},
	Duties: {"kind, organisation, subject, subject_id, pack", []string{"kind", "organisation", "subject", "subject_id", "pack", "role", "post"},
		func(l *list, c *change, have *holdings) []any {
			subject, id := SubjectArea, int64(0)
			for over, of := range map[string]string{SubjectArea: Areas, SubjectPlace: Places, SubjectAsset: Assets} {
				if key := l.get(&c.record, over); key != "" {
					subject, id = over, have.ids[of][key]
				}
			}
			return []any{l.get(&c.record, "kind"), have.ids[Organisations][l.get(&c.record, "organisation")], subject, id,
				l.get(&c.record, "pack"), l.get(&c.record, "role"), l.get(&c.record, "post")}
		}},
}

// rowsPerStatement is how many rows go into one statement. PostgreSQL pays for each round trip; SQLite's driver looks each
// parameter up in a list of all, so many parameters cost it their square. The statements' texts must be few, since their
// plans are kept: the rest goes in row by row.
func rowsPerStatement(e db.Engine) int {
	if e == db.Postgres {
		return 100
	}
	return 6
}

// upsert inserts rows or changes those whose key is there.
func upsert(tx *db.Tx, most int, table, key string, columns []string, rows [][]any) error {
	for len(rows) > 0 {
		n := 1
		if len(rows) >= most {
			n = most
		}
		var q strings.Builder
		fmt.Fprintf(&q, "insert into %s (%s) values ", table, strings.Join(columns, ", "))
		args := make([]any, 0, n*len(columns))
		for i, row := range rows[:n] {
			if i > 0 {
				q.WriteString(", ")
			}
			for j := range row {
				sep := ", "
				if j == 0 {
					sep = "("
				}
				fmt.Fprintf(&q, "%s$%d", sep, len(args)+j+1)
			}
			q.WriteByte(')')
			args = append(args, row...)
		}
		fmt.Fprintf(&q, " on conflict (%s) do update set ", key)
		for j, c := range columns {
			if j > 0 {
				q.WriteString(", ")
			}
			fmt.Fprintf(&q, "%s = excluded.%s", c, c)
		}
		if _, err := tx.Exec(q.String(), args...); err != nil {
			return fmt.Errorf("write %s: %w", table, err)
		}
		rows = rows[n:]
	}
	return nil
}

// putParents comes after all rows are there, since a file may name the child first.
func putParents(tx *db.Tx, l *list, changes []change) error {
	p := l.index("parent")
	q := fmt.Sprintf("update city_%s set parent = (select p.id from city_%s p where p.external_id = $2) where external_id = $1", l.name, l.name)
	for _, c := range changes {
		if _, err := tx.Exec(q, c.values[0], c.values[p]); err != nil {
			return fmt.Errorf("write parents of %s: %w", l.name, err)
		}
	}
	return nil
}

// putSites puts assets without a geometry of their own where their place is.
func putSites(tx *db.Tx, l *list, changes []change) error {
	column := "p.external_id"
	if l.name == Assets {
		column = "city_assets.external_id"
	}
	var keys []string
	for _, c := range changes {
		if l.name == Places && c.resited || l.name == Assets && l.get(&c.record, "geometry") == "" {
			keys = append(keys, c.values[0])
		}
	}
	if len(keys) == 0 {
		return nil
	}
	_, err := tx.Exec(`update city_assets set min_x = p.min_x, min_y = p.min_y, max_x = p.max_x, max_y = p.max_y, x = p.x, y = p.y
		from city_places p where p.id = city_assets.place and city_assets.geometry is null
		and `+column+` in (select value from json_list($1))`, jsonList(keys))
	if err != nil {
		return fmt.Errorf("write sites of assets: %w", err)
	}
	return nil
}

// putMoved tells places the area that they lie in now.
func putMoved(tx *db.Tx, moved map[string]string) error {
	byArea := map[string][]string{}
	for place, area := range moved {
		byArea[area] = append(byArea[area], place)
	}
	for area, places := range byArea {
		_, err := tx.Exec(`update city_places set area = (select a.id from city_areas a where a.external_id = $1)
			where external_id in (select value from json_list($2))`, area, jsonList(places))
		if err != nil {
			return fmt.Errorf("write areas of places: %w", err)
		}
	}
	return nil
}

// putResitings remembers who got another site.
func putResitings(tx *db.Tx, l *list, changes []change, at time.Time) error {
	for _, c := range changes {
		if !c.resited {
			continue
		}
		if _, err := tx.Exec("insert into city_resitings (subject, subject_id, at) values ($1, $2, $3)",
			strings.TrimSuffix(l.name, "s"), c.id, db.Micros(at)); err != nil {
			return fmt.Errorf("write re-sitings: %w", err)
		}
	}
	return nil
}

// learn adds a word to the vocabulary; isNew says that it wasn't there.
func learn(tx *db.Tx, subject, term string, at time.Time) (isNew bool, err error) {
	res, err := tx.Exec("insert into city_vocabulary (subject, term, at) values ($1, $2, $3) on conflict (subject, term) do nothing",
		subject, term, db.Micros(at))
	if err != nil {
		return false, fmt.Errorf("write vocabulary: %w", err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// shapeNow is the record's shape, whether it came with the file or was stored before.
func (r *record) shapeNow(l *list) geom.Geometry {
	if !r.shape.IsEmpty() {
		return r.shape
	}
	return storedShape(l.get(r, "geometry"))
}

func idOrNil(ids map[string]int64, key string) *int64 {
	id, ok := ids[key]
	if !ok {
		return nil
	}
	return &id
}

func jsonList(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return string(b)
}
