package replay

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// binder ties what a mapping says to the columns of one file. What does not fit is said at the mapping's place, once.
type binder struct {
	r      *reader
	t      *table
	failed bool
}

// filler makes a text of a row.
type filler func(*row) string

func (b *binder) stop(at position, field, format string, args ...any) {
	b.failed = true
	p := Problem{b.r.m.file, at.line, at.column, field, fmt.Sprintf(format, args...)}
	if !slices.Contains(b.r.fatal, p) { // several files of one pattern would each say it
		b.r.fatal = append(b.r.fatal, p)
	}
}

// column finds a column by name.
func (b *binder) column(at position, field, name string) int {
	if i := slices.Index(b.t.columns, name); i >= 0 {
		return i
	}
	if len(b.t.columns) == 0 {
		b.stop(at, field, "{%s} stands for a column, but no file is named here", name)
	} else {
		b.stop(at, field, "%s: %s", b.t.file, unknown("column", name, b.t.columns))
	}
	return -1
}

// text binds a text with {columns} in it.
func (b *binder) text(field string, t text) filler { return b.textWith(field, t, nil) }

// textWith also knows some names that a column's own name gave.
func (b *binder) textWith(field string, t text, given map[string]string) filler {
	tpl, err := parseTemplate(t.s)
	if err != nil {
		b.stop(t.node, field, "%v", err)
		return nil
	}
	columns := make([]int, len(tpl.names))
	constants := make([]string, len(tpl.names))
	constant := true
	for i, name := range tpl.names {
		if v, ok := given[name]; ok {
			columns[i], constants[i] = -1, v
			continue
		}
		constant = false
		columns[i] = b.column(t.node, field, name)
	}
	if constant {
		s := tpl.fill(func(i int) string { return constants[i] })
		return func(*row) string { return s }
	}
	return func(current *row) string {
		return tpl.fill(func(i int) string {
			if columns[i] < 0 {
				return constants[i]
			}
			return strings.TrimSpace(current.cells[columns[i]])
		})
	}
}

// when binds a column of times, or two that are joined by a blank. A time that can't be read is left out with its row.
func (b *binder) when(w *when) func(*row) (int64, bool) {
	var columns []int
	for _, c := range w.Column {
		columns = append(columns, b.column(c.node, "column", c.s))
	}
	if b.failed {
		return nil
	}
	return func(current *row) (int64, bool) {
		s := strings.TrimSpace(current.cells[columns[0]])
		for _, c := range columns[1:] {
			s += " " + strings.TrimSpace(current.cells[c])
		}
		at, ambiguous, err := w.moment.Read(s)
		if err != nil {
			b.r.leaveOut(b.t.problem(current, columns[0], "%v", err))
			return 0, false
		}
		if ambiguous {
			b.r.plan.Count.Ambiguous++
		}
		return at, true
	}
}

// optionalWhen binds a column of times that may be empty; so may the binding.
func (b *binder) optionalWhen(w *when, missing map[string]bool) func(*row) (*time.Time, bool) {
	if w == nil {
		return func(*row) (*time.Time, bool) { return nil, true }
	}
	at := b.when(w)
	if at == nil {
		return nil
	}
	first := slices.Index(b.t.columns, w.Column[0].s)
	return func(current *row) (*time.Time, bool) {
		if missing[strings.TrimSpace(current.cells[first])] {
			return nil, true
		}
		us, ok := at(current)
		t := time.UnixMicro(us).UTC()
		return &t, ok
	}
}

// point binds a point, which comes out in WGS 84. has is false where none is declared.
func (b *binder) point(p *point) func(*row) (lon, lat float64, has, ok bool) {
	switch {
	case p == nil:
		return func(*row) (float64, float64, bool, bool) { return 0, 0, false, true }
	case p.constant != nil:
		lon, lat := b.r.m.system.ToWGS84(p.constant[0], p.constant[1])
		return func(*row) (float64, float64, bool, bool) { return lon, lat, true, true }
	}
	raw := b.raw(p)
	return func(current *row) (float64, float64, bool, bool) {
		lon, lat, ok := raw(current)
		if !ok {
			return 0, 0, false, false
		}
		lon, lat = b.r.m.system.ToWGS84(lon, lat)
		return lon, lat, true, true
	}
}

// placed binds a report's point: nil for empty cells and for a placeholder, which is told.
func (b *binder) placed(p *point, placeholders [][2]float64, missing map[string]bool) func(*row) (at *[2]float64, placeholder, ok bool) {
	if p == nil || p.constant != nil {
		point := b.point(p)
		return func(current *row) (*[2]float64, bool, bool) {
			lon, lat, has, ok := point(current)
			if !has {
				return nil, false, ok
			}
			return &[2]float64{lon, lat}, false, ok
		}
	}
	raw := b.raw(p)
	if b.failed {
		return nil
	}
	lonColumn := slices.Index(b.t.columns, p.Lon.s)
	return func(current *row) (*[2]float64, bool, bool) {
		if missing[strings.TrimSpace(current.cells[lonColumn])] {
			return nil, false, true
		}
		lon, lat, ok := raw(current)
		if placeholder := slices.Contains(placeholders, [2]float64{lon, lat}); !ok || placeholder {
			return nil, placeholder, ok
		}
		lon, lat = b.r.m.system.ToWGS84(lon, lat)
		return &[2]float64{lon, lat}, false, true
	}
}

// raw reads a point's two columns as they stand in the file.
func (b *binder) raw(p *point) func(*row) (lon, lat float64, ok bool) {
	lonColumn, latColumn := b.column(p.Lon.node, "lon", p.Lon.s), b.column(p.Lat.node, "lat", p.Lat.s)
	return func(current *row) (float64, float64, bool) {
		var degrees [2]float64
		for i, c := range []int{lonColumn, latColumn} {
			var err error
			cell := strings.TrimSpace(current.cells[c])
			if degrees[i], err = strconv.ParseFloat(cell, 64); err != nil {
				b.r.leaveOut(b.t.problem(current, c, "%q is not a number of degrees", cell))
				return 0, 0, false
			}
		}
		if err := checkPoint(degrees[0], degrees[1]); err != nil {
			b.r.leaveOut(b.t.problem(current, lonColumn, "%v", err))
			return 0, 0, false
		}
		return degrees[0], degrees[1], true
	}
}

// where binds a choice of rows; nil if it names a column that is not there.
func (b *binder) where(w where, at position) func(*row) bool {
	type condition struct {
		column int
		values []string
	}
	var all []condition
	for name, values := range w {
		all = append(all, condition{b.column(at, "where", name), values})
	}
	if b.failed {
		return nil
	}
	return func(current *row) bool {
		return !slices.ContainsFunc(all, func(c condition) bool {
			return !slices.Contains(c.values, strings.TrimSpace(current.cells[c.column]))
		})
	}
}

// column is one column of measurements in one file.
type column struct {
	series *measured
	index  int
	chosen func(*row) bool
	stream func(*row) int32
}

// columns finds the columns that a series means.
func (b *binder) columns(s *measured) []column {
	tpl, err := parseTemplate(s.Column.s)
	if err != nil {
		b.stop(s.Column.node, "column", "%v", err)
		return nil
	}
	chosen := b.where(s.Where, s.node)
	if len(tpl.names) == 0 {
		i := b.column(s.Column.node, "column", s.Column.s)
		if b.failed {
			return nil
		}
		return []column{{s, i, chosen, b.stream(s, nil)}}
	}
	matcher := tpl.matcher()
	var found []column
	for i, name := range b.t.columns {
		groups := matcher.FindStringSubmatch(name)
		if groups == nil {
			continue
		}
		given := map[string]string{}
		for j, n := range tpl.names {
			given[n] = groups[j+1]
		}
		found = append(found, column{s, i, chosen, b.stream(s, given)})
	}
	return found
}

// stream tells, for a row, which datastream a series is, and declares it when it is met first.
func (b *binder) stream(s *measured, given map[string]string) func(*row) int32 {
	asset, property, unit := b.textWith("asset", s.Asset, given), b.textWith("property", s.Property, given), b.textWith("unit", s.Unit, given)
	id, name := b.textWith("datastream", s.Datastream, given), b.textWith("name", s.Name, given)
	if b.failed {
		return nil
	}
	r := b.r
	var last Datastream // rows often come in runs of one datastream
	lastIndex := int32(-1)
	return func(current *row) int32 {
		d := Datastream{ID: id(current), Asset: asset(current), Property: property(current), Unit: unit(current), Name: name(current)}
		if d.ID == "" {
			d.ID = d.Asset + "/" + d.Property
		}
		if lastIndex >= 0 && d == last {
			return lastIndex
		}
		i, ok := r.streams[d.ID]
		if !ok {
			i = int32(len(r.plan.Datastreams))
			r.streams[d.ID] = i
			r.plan.Datastreams = append(r.plan.Datastreams, d)
		} else if was := r.plan.Datastreams[i]; was.Asset != d.Asset || was.Property != d.Property || was.Unit != d.Unit {
			b.stop(s.node, "datastream", "%q is %s of %s in %s, and %s of %s in %s as well", d.ID, was.Property, was.Asset, was.Unit, d.Property, d.Asset, d.Unit)
		}
		last, lastIndex = d, i
		return i
	}
}

// problem is something wrong with one cell.
func (t *table) problem(current *row, cell int, format string, args ...any) Problem {
	p := Problem{File: t.file, Line: current.line, Field: t.columns[cell], Message: fmt.Sprintf(format, args...)}
	if current.byteColumn != nil {
		p.Column = current.byteColumn(cell)
	}
	return p
}

// translation puts Anlan's word in the place of the file's; the word may hold {column}. Without words the file's stays.
type translation struct {
	field string
	from  filler
	words words
	to    map[string]filler
}

func (b *binder) translation(field string, from filler, w words, at position) translation {
	t := translation{field, from, w, map[string]filler{}}
	for _, word := range w {
		t.to[word] = b.text(field, text{word, at})
	}
	return t
}

func (t translation) of(current *row) (string, bool) {
	word := t.from(current)
	if t.words == nil {
		return word, true
	}
	to, ok := t.words.lookup(word)
	if !ok {
		return "", false
	}
	return t.to[to](current), true
}

func (t translation) problem(in *table, current *row) Problem {
	return Problem{in.file, current.line, 1, t.field, unknown("value", t.from(current), t.words.known()) + `; "*" stands for all others`}
}

// lookup finds what a file's word stands for; "*" stands for all that are not named.
func (w words) lookup(word string) (string, bool) {
	if s, ok := w[word]; ok {
		return s, true
	}
	s, ok := w["*"]
	return s, ok
}

func (w words) known() []string {
	var all []string
	for k := range w {
		all = append(all, k)
	}
	return all
}
