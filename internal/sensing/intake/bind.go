package intake

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/sensing"
)

// binding is a layout on one file's columns.
type binding struct {
	l       *Layout
	file    string
	names   []string // of the columns that were bound
	fixed   bool     // there will be no other columns
	series  []bound
	time    []int
	where   []condition
	counts  *FileReport
	targets map[aim]target

	// missing are columns that the layout names and the file does not have so far, each once.
	missing Problems
}

// bound is a series on one column.
type bound struct {
	*series
	cell  int
	parts []part // of the datastream's id
	where []condition
}

// part is a piece of text, or a cell.
type part struct {
	text string // or the column's name
	cell int    // -1: the text; absent: a column that is not there
}

type condition struct {
	cell   int
	values []string
}

// aim is a series' datastream, for remembering what was looked up.
type aim struct {
	series *series
	id     string
}

const absent = -2

// maxTargets bounds what is remembered. A file with more datastreams is only slower.
const maxTargets = 100_000

// bind finds the columns. It is called again when a file turns out to have more of them.
func (b *binding) bind(names []string) {
	b.names = slices.Clone(names)
	b.series, b.missing = nil, nil
	b.time = nil
	for _, w := range b.l.time {
		b.time = append(b.time, b.column(w.s, w.position, "time"))
	}
	b.where = b.conditions(b.l.where, b.l.at)
	for i := range b.l.series {
		s := &b.l.series[i]
		if s.form == nil {
			b.add(s, b.column(s.column.s, s.column.position, "column"), nil)
			continue
		}
		found := false
		for cell, name := range names {
			if m := s.form.FindStringSubmatch(name); m != nil {
				found = true
				b.add(s, cell, m[1:])
			}
		}
		if !found {
			b.lack(s.column.position, "column", "no column of the file is of the form "+s.column.s)
		}
	}
}

func (b *binding) add(s *series, cell int, groups []string) {
	t := bound{series: s, cell: cell, where: b.conditions(s.where, s.node)}
	for i, literal := range s.datastream.literals {
		t.parts = append(t.parts, part{literal, -1})
		if i == len(s.datastream.names) {
			break
		}
		name := s.datastream.names[i]
		if g := slices.Index(s.groups, name); g >= 0 && groups != nil {
			t.parts = append(t.parts, part{groups[g], -1})
			continue
		}
		t.parts = append(t.parts, part{name, b.column(name, s.id.position, "datastream")})
	}
	b.series = append(b.series, t)
}

func (b *binding) conditions(where map[string][]string, at position) []condition {
	var out []condition
	for name, values := range where {
		out = append(out, condition{b.column(name, at, "where"), values})
	}
	return out
}

func (b *binding) column(name string, at position, field string) int {
	if i := slices.Index(b.names, name); i >= 0 {
		return i
	}
	hint := pack.Suggest(name, b.names)
	if hint == "" {
		hint = "; its columns: " + strings.Join(b.names[:min(len(b.names), 20)], ", ")
	}
	b.lack(at, field, fmt.Sprintf("%s has no column %q%s", b.file, name, hint))
	return absent
}

func (b *binding) lack(at position, field, message string) {
	p := Problem{b.l.File, at.line, at.column, field, message}
	if !slices.Contains(b.missing, p) {
		b.missing = append(b.missing, p)
	}
}

func (c condition) holds(r *record) bool { return slices.Contains(c.values, r.cell(c.cell)) }

func (r *record) cell(i int) string {
	if i < 0 || i >= len(r.cells) {
		return ""
	}
	return r.cells[i]
}

// each hands the readings of a record to take, and what is wrong to bad.
func (b *binding) each(log Log, r *record, take func(sensing.Reading, int), bad func(Problem)) {
	for _, c := range b.where {
		if !c.holds(r) {
			b.counts.Skipped++
			return
		}
	}
	var at int64
	timed := false
	for i := range b.series {
		s := &b.series[i]
		if slices.ContainsFunc(s.where, func(c condition) bool { return !c.holds(r) }) {
			continue
		}
		text := r.cell(s.cell)
		if b.l.isMissing(text) {
			b.counts.Missing++
			continue
		}
		if !timed {
			var err error
			if at, err = b.at(r); err != nil { // once, not for each series
				bad(b.problem(r, b.time[0], b.l.time[0].s, err))
				return
			}
			timed = true
		}
		// A number of JSON has a point, whatever the texts beside it have.
		comma := b.l.decimal.s == "comma" && (b.fixed || strings.Contains(text, ","))
		v, err := s.fromText(text, comma)
		if err != nil {
			bad(b.problem(r, s.cell, b.names[s.cell], err))
			continue
		}
		id, lacking := s.idOf(r)
		if lacking != nil {
			bad(b.problem(r, lacking.cell, lacking.text, errors.New("is empty, and is a part of the datastream's id "+s.id.s)))
			continue
		}
		if len(id) > maxID {
			bad(b.problem(r, s.cell, b.names[s.cell], fmt.Errorf("expected the external id of a datastream, at most %d bytes long, got %.60q", maxID, id)))
			continue
		}
		t, ok := b.targets[aim{s.series, id}]
		if !ok {
			if len(b.targets) == maxTargets {
				clear(b.targets)
			}
			t = s.aim(log, id)
			b.targets[aim{s.series, id}] = t
			if t.none != "" { // once for each datastream, not for each of its rows
				bad(b.problem(r, s.cell, b.names[s.cell], errors.New(t.none)))
				continue
			}
		}
		if t.none != "" {
			b.counts.LeftOut++
			continue
		}
		take(sensing.Reading{Datastream: t.id, At: at, Value: t.convert(v)}, r.line)
	}
}

func (b *binding) at(r *record) (int64, error) {
	var joined []string
	for _, cell := range b.time {
		if text := r.cell(cell); text != "" {
			joined = append(joined, text)
		}
	}
	if len(joined) < len(b.time) {
		return 0, errors.New("the time is missing")
	}
	at, ambiguous, err := b.l.moment.Read(strings.Join(joined, " "))
	if ambiguous {
		b.counts.Ambiguous++
	}
	return at, err
}

// idOf is the datastream's id, or the cell that it lacks.
func (s *bound) idOf(r *record) (id string, lacking *part) {
	if len(s.parts) == 1 {
		return s.parts[0].text, nil
	}
	var b strings.Builder
	for i := range s.parts {
		p := &s.parts[i]
		if p.cell == -1 {
			b.WriteString(p.text)
			continue
		}
		text := r.cell(p.cell)
		if text == "" {
			return "", p
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

func (b *binding) problem(r *record, cell int, field string, err error) Problem {
	line, column := r.line, 1
	if cell >= 0 {
		line, column = r.place(cell)
	}
	return Problem{b.file, line, column, field, err.Error()}
}
