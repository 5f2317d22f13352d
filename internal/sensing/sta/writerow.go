package sta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

// change is a transaction of the catalogue under way.
type change struct {
	*sensing.Tx
	s   *Service
	ctx context.Context
	now int64           // the server's clock, microseconds
	met map[string]made // what the parts of a change set made, by "$1"

	// What this change has looked up, so that many Observations in one request cost few statements. It is forgotten when
	// anything moves or goes.
	there map[made]struct{} // entities that exist
	own   map[int64]int64   // features of datastreams
	pairs map[pair]struct{} // that are in sta_datastream_features
}

func (c *change) forget() {
	c.there, c.own, c.pairs = map[made]struct{}{}, map[int64]int64{}, map[pair]struct{}{}
}

// made names an entity that a change made.
type made struct {
	set string
	id  int64
}

// change runs fn in one transaction: all of it happens or nothing.
func (s *Service) change(ctx context.Context, fn func(c *change) error) error {
	return s.Core.Change(ctx, s.source(ctx), func(t *sensing.Tx) error {
		c := &change{Tx: t, s: s, ctx: ctx, now: db.Micros(s.Clock.Now()), met: map[string]made{}}
		c.forget()
		return fn(c)
	})
}

// extra is a column of a row that is no property of its entity.
type extra struct {
	name  string
	value any
}

// insert stores a row and returns its id, which the database gives unless extras name one.
func (c *change) insert(k *kind, cells []cell, extras ...extra) (id int64, err error) {
	names, args := rowOf(k, cells, extras)
	marks := make([]string, len(names))
	for i := range marks {
		marks[i] = "$" + strconv.Itoa(i+1)
	}
	err = c.QueryRow("insert into "+k.table+" ("+strings.Join(names, ", ")+") values ("+strings.Join(marks, ", ")+") returning id", args...).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("store a %s: %w", k.entity, err)
	}
	return id, nil
}

// update stores a row anew.
func (c *change) update(k *kind, id int64, cells []cell, extras ...extra) error {
	names, args := rowOf(k, cells, extras)
	for i := range names {
		names[i] += " = $" + strconv.Itoa(i+2)
	}
	_, err := c.Exec("update "+k.table+" set "+strings.Join(names, ", ")+" where id = $1", append([]any{id}, args...)...)
	if err != nil {
		return fmt.Errorf("change %s %d: %w", k.entity, id, err)
	}
	return nil
}

func rowOf(k *kind, cells []cell, extras []extra) (names []string, args []any) {
	for i, col := range k.columns {
		names = append(names, col.name)
		if col.form == formTime {
			args = append(args, cells[i].num)
			continue
		}
		args = append(args, cells[i].text)
		if col.form == formGeometry {
			names = append(names, "min_x", "min_y", "max_x", "max_y")
			if b := cells[i].box; b != nil {
				args = append(args, b.minX, b.minY, b.maxX, b.maxY)
			} else {
				args = append(args, nil, nil, nil, nil)
			}
		}
	}
	for _, e := range extras {
		names, args = append(names, e.name), append(args, e.value)
	}
	return names, args
}

// load reads the properties of an entity. A geometry's box is read with it.
func (c *change) load(k *kind, id int64) ([]cell, error) {
	cells := make([]cell, len(k.columns))
	var names []string
	var into []any
	var boxed *cell
	var sides [4]*float64
	for i, col := range k.columns {
		names = append(names, col.name)
		if col.form == formTime {
			into = append(into, &cells[i].num)
		} else {
			into = append(into, &cells[i].text)
		}
		if col.form == formGeometry {
			names = append(names, "min_x", "min_y", "max_x", "max_y")
			into = append(into, &sides[0], &sides[1], &sides[2], &sides[3])
			boxed = &cells[i]
		}
	}
	err := c.QueryRow("select "+strings.Join(names, ", ")+" from "+k.table+" where id = $1", id).Scan(into...)
	if errors.Is(err, db.ErrNotFound) {
		return nil, missing(k.set, id)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s %d: %w", k.entity, id, err)
	}
	if boxed != nil && sides[0] != nil {
		boxed.box = &box{*sides[0], *sides[1], *sides[2], *sides[3]}
	}
	for i, col := range k.columns {
		cells[i].set = col.form == formTime || col.form == formText || cells[i].text != ""
	}
	return cells, nil
}

// exists says whether there is an entity with an id.
func (c *change) exists(set string, id int64) (bool, error) {
	if _, yes := c.there[made{set, id}]; yes {
		return true, nil
	}
	k := kindOf(set)
	if k == nil {
		_, err := c.Tx.Get(id)
		if errors.Is(err, db.ErrNotFound) {
			return false, nil
		}
		return err == nil, err
	}
	yes, err := c.any("select 1 from "+k.table+" where id = $1", id)
	if yes {
		c.there[made{set, id}] = struct{}{}
	}
	return yes, err
}

// any says whether a query has a row.
func (c *change) any(query string, args ...any) (bool, error) {
	var one int64
	err := c.QueryRow(query, args...).Scan(&one)
	if errors.Is(err, db.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// ids are the first column of a query.
func (c *change) ids(query string, args ...any) ([]int64, error) {
	rows, err := c.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

// note tells subscribers of an entity's change. fields nil means all of it.
func (c *change) note(k *kind, id int64, op sensing.Op, cells []cell, fields []string, links ...sensing.Link) {
	e := sensing.Entity{Set: k.set, ID: id, Op: op, Fields: fields, Links: links}
	if op != sensing.Deleted {
		e.Body = flat(k, id, cells)
	}
	if k.set == setDatastreams && op == sensing.Updated {
		e.Body = c.appendSpans(e.Body, id) // a message shows what GET does
	}
	c.Note(e)
}

// appendSpans adds to a Datastream what the log keeps about it.
func (c *change) appendSpans(body []byte, id int64) []byte {
	st, _ := c.s.Core.State(id)
	body = body[:len(body)-1]
	for _, name := range []string{"phenomenonTime", "resultTime"} {
		if start, end, ok := spanOf(&st, name).Span(); ok {
			body = appendInterval(appendKey(body, name), start, end)
		}
	}
	return append(body, '}')
}

// flat is an entity as JSON without links.
func flat(k *kind, id int64, cells []cell) []byte {
	dst := appendInt(append(make([]byte, 0, 256), `{"@iot.id":`...), id)
	return append(appendProperties(dst, k, cells), '}')
}

func appendProperties(dst []byte, k *kind, cells []cell) []byte {
	for i, col := range k.columns {
		switch {
		case col.form == formTime:
			dst = appendSpan(appendKey(dst, col.property), cells[i].num, cells[i].num)
		case col.form == formText:
			dst = appendText(appendKey(dst, col.property), cells[i].text)
		case cells[i].text != "":
			dst = append(appendKey(dst, col.property), cells[i].text...)
		}
	}
	return dst
}

// cellOf is the cell of a property.
func cellOf(k *kind, cells []cell, property string) *cell {
	i := slices.IndexFunc(k.columns, func(col column) bool { return col.property == property })
	return &cells[i]
}

func missing(set string, id int64) *web.Error {
	return web.Errorf(http.StatusNotFound, "sensing.not_found", "there is no %s with the id %d", entityName(set), id)
}
