package replay

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Plan is all that a mapping and its files come to, ready to be sent.
type Plan struct {
	Title       string
	Places      []Entity
	Assets      []Entity
	Datastreams []Datastream
	Readings    []Reading // in the order in which they are sent
	Reports     []Report  // by the time they were received
	Events      []Event   // the truth section's, by start
	Texts       []string  // what Reading.Text points into
	Count       Count

	outside bool // the places lie outside the city on purpose
	truth   *truth
}

// Entity is a place or an asset.
type Entity struct {
	ID, Pack, Kind, Place string
	Name                  map[string]string // by language; "" where none is named
	Lon, Lat              float64           // WGS 84
	HasPoint              bool
}

// Datastream is a series of readings. Asset is empty for one that exists on the server already.
type Datastream struct {
	ID, Asset, Property, Unit, Name string
	Missing                         int // cells without a value
}

// Reading is one measurement, small since there may be millions.
type Reading struct {
	At     int64   // microseconds since 1970 UTC
	Number float64 // the value, where Text < 0
	Text   int32   // index of a text or truth value in Plan.Texts, or noText
	Stream int32   // index in Plan.Datastreams
}

const noText = -1

// Report is what someone told the city, as POST /api/v1/reports/import takes it.
type Report struct {
	ExternalID string      `json:"external_id"`
	Category   string      `json:"category"`
	Text       string      `json:"text"`
	Point      *[2]float64 `json:"point,omitempty"` // lon, lat; nil where the place is unknown
	// PlaceUnknown says that the source knew no place and wrote a placeholder.
	PlaceUnknown bool       `json:"place_unknown,omitempty"`
	Address      string     `json:"address,omitempty"`
	ReceivedAt   time.Time  `json:"received_at"`
	DueAt        *time.Time `json:"due_at,omitempty"`
	ClosedAt     *time.Time `json:"closed_at,omitempty"`
	State        string     `json:"state,omitempty"`
	Channel      string     `json:"channel,omitempty"`
	Queue        string     `json:"queue,omitempty"`
}

// Event is something known to have happened.
type Event struct {
	Name       string
	Start, End int64 // microseconds since 1970 UTC
}

// Count says what became of all that was read: cells = readings + missing + repeated + left out,
// where no period was asked for.
type Count struct {
	Files, Rows  int
	Skipped      int // rows that a where: did not choose
	Cells        int // measurements the rows should hold
	Missing      int // cells without a value
	Repeated     int // the same datastream, time and value once more; sent once
	LeftOut      int // cells or rows with a problem, left out at the user's wish
	Ambiguous    int // local times that the clock showed twice; the first was taken
	PlaceUnknown int // reports at a placeholder point or without one
	Outside      int // readings and reports from before or after the period that was asked for
}

// Read reads a mapping and the files below dir. With skipBad, rows and cells with a problem are left out and returned as
// problems beside the plan; otherwise they are the error and there is no plan. A broken mapping or file is always an error.
func Read(mappingFile, dir string, skipBad bool) (*Plan, Problems, error) {
	return read(mappingFile, dir, "", skipBad)
}

// read also takes a file in place of the truth section's.
func read(mappingFile, dir, truthFile string, skipBad bool) (*Plan, Problems, error) {
	m, err := readMapping(mappingFile)
	if err != nil {
		return nil, nil, err
	}
	r := reader{m: m, dir: dir, plan: &Plan{Title: m.Title.s, truth: m.Truth, outside: m.Outside}, streams: map[string]int32{}, texts: map[string]int32{}}
	r.entities(m.Places, &r.plan.Places)
	r.entities(m.Assets, &r.plan.Assets)
	for i := range m.Readings {
		r.readings(&m.Readings[i])
	}
	for i := range m.Reports {
		r.reports(&m.Reports[i])
	}
	if m.Truth != nil {
		r.events(m.Truth, truthFile)
	} else if truthFile != "" {
		r.stop(position{}, "truth", "a truth file was given, but the mapping has no truth: section that explains it")
	}
	if len(r.fatal) > 0 {
		return nil, nil, append(r.fatal, r.bad...)
	}
	if len(r.bad) > 0 && !skipBad {
		return nil, nil, r.bad
	}
	r.plan.arrange(m.Order.s != "file")
	return r.plan, r.bad, nil
}

// reader gathers a plan. Its problems are either of single rows and cells (bad), or such that the mapping or a file makes
// no sense (fatal).
type reader struct {
	m          *mapping
	dir        string
	plan       *Plan
	streams    map[string]int32 // index in plan.Datastreams by id
	texts      map[string]int32
	bad, fatal Problems
}

func (r *reader) stop(at position, field, format string, args ...any) {
	r.fatal = append(r.fatal, Problem{r.m.file, at.line, at.column, field, fmt.Sprintf(format, args...)})
}

// each opens a source's files in turn. prepare looks at the columns and returns what to do with a row, or nil to give up.
func (r *reader) each(s *Source, prepare func(*table) func(*row)) {
	paths, err := s.paths(r.dir)
	if err != nil {
		r.stop(s.File.node, "file", "%v", err)
		return
	}
	for _, path := range paths {
		t, err := s.open(path)
		if err != nil {
			r.fileProblem(path, err)
			continue
		}
		r.plan.Count.Files++
		b := binder{r: r, t: t}
		chosen := b.where(s.Where, s.File.node)
		do := prepare(t)
		if do == nil || chosen == nil {
			_ = t.close() // it was only read
			continue
		}
		var current row
		for {
			err := t.next(&current)
			if errors.Is(err, io.EOF) {
				break
			}
			var p Problem
			if errors.As(err, &p) {
				r.plan.Count.Rows++
				r.leaveOut(p)
				continue
			} else if err != nil {
				r.fileProblem(path, err)
				break
			}
			r.plan.Count.Rows++
			if !chosen(&current) {
				r.plan.Count.Skipped++
				continue
			}
			do(&current)
		}
		_ = t.close() // it was only read
	}
}

func (r *reader) fileProblem(path string, err error) {
	var p Problem
	if !errors.As(err, &p) {
		p = Problem{File: path, Message: strings.TrimPrefix(err.Error(), path+": ")}
	}
	r.fatal = append(r.fatal, p)
}

func (r *reader) leaveOut(p Problem) {
	r.bad = append(r.bad, p)
	r.plan.Count.LeftOut++
}

// entities reads what is declared once, or once for each row of a file.
func (r *reader) entities(all []entity, into *[]Entity) {
	seen := map[string]bool{}
	add := func(e Entity, where Problem) {
		if seen[e.ID] {
			where.Message = fmt.Sprintf("the id %q was declared before", e.ID)
			r.fatal = append(r.fatal, where)
			return
		}
		seen[e.ID] = true
		*into = append(*into, e)
	}
	for i := range all {
		e := &all[i]
		build := func(t *table) func(*row) (Entity, bool) {
			b := binder{r: r, t: t}
			id, pack, kind, place := b.text("id", e.ID), b.text("pack", e.Pack), b.text("kind", e.Kind), b.text("place", e.Place)
			point := b.point(e.Point)
			name := map[string]filler{}
			for language, n := range e.Name {
				name[language] = b.text("name", text{n, e.node})
			}
			if b.failed {
				return nil
			}
			return func(current *row) (Entity, bool) {
				out := Entity{ID: id(current), Pack: pack(current), Kind: kind(current), Place: place(current), Name: map[string]string{}}
				for language, n := range name {
					out.Name[language] = n(current)
				}
				var ok bool
				out.Lon, out.Lat, out.HasPoint, ok = point(current)
				return out, ok
			}
		}
		if e.File.s == "" {
			if single := build(&table{file: r.m.file}); single != nil {
				out, _ := single(&row{})
				add(out, Problem{File: r.m.file, Line: e.ID.node.line, Column: e.ID.node.column, Field: "id"})
			}
			continue
		}
		r.each(&e.Source, func(t *table) func(*row) {
			from := build(t)
			if from == nil {
				return nil
			}
			return func(current *row) {
				if out, ok := from(current); ok {
					add(out, Problem{File: t.file, Line: current.line, Column: 1, Field: "id"})
				}
			}
		})
	}
}

// readings reads files of measurements.
func (r *reader) readings(src *readings) {
	matched := make([]bool, len(src.Series))
	missing := missingWords(&src.Source)
	r.each(&src.Source, func(t *table) func(*row) {
		b := binder{r: r, t: t}
		at := b.when(src.Time)
		var columns []column
		for i := range src.Series {
			found := b.columns(&src.Series[i])
			matched[i] = matched[i] || len(found) > 0
			columns = append(columns, found...)
		}
		if b.failed || at == nil {
			return nil
		}
		decimalComma := src.Decimal.s == "comma"
		return func(current *row) {
			when, ok := at(current)
			for i := range columns {
				c := &columns[i]
				if !c.chosen(current) {
					continue
				}
				r.plan.Count.Cells++
				if !ok {
					continue // the row's time is the problem, said once and counted for each cell below
				}
				r.cell(t, c, current, when, missing, decimalComma)
			}
			if !ok { // leaveOut counted the row as one
				n := 0
				for i := range columns {
					if columns[i].chosen(current) {
						n++
					}
				}
				r.plan.Count.LeftOut += n - 1
			}
		}
	})
	for i, s := range src.Series {
		if !matched[i] && len(r.fatal) == 0 {
			r.stop(s.Column.node, "column", "no file has a column like %q", s.Column.s)
		}
	}
}

// cell reads one measurement.
func (r *reader) cell(t *table, c *column, current *row, at int64, missing map[string]bool, decimalComma bool) {
	s := c.series
	cell := strings.TrimSpace(current.cells[c.index])
	stream := c.stream(current)
	if missing[cell] {
		r.plan.Count.Missing++
		r.plan.Datastreams[stream].Missing++
		return
	}
	say := func(format string, args ...any) {
		r.leaveOut(t.problem(current, c.index, format, args...))
	}
	if s.Values != nil {
		word, ok := s.Values.lookup(cell)
		if !ok {
			say("%s", unknown("value", cell, s.Values.known()))
			return
		}
		cell = word
	}
	out := Reading{At: at, Stream: stream, Text: noText}
	switch s.Type.s {
	case "text":
		out.Text = r.text(cell)
	case "truth":
		v, err := strconv.ParseBool(strings.ToLower(cell))
		if err != nil {
			say("%q is neither true nor false; say what it stands for, such as values: {%s: true}", cell, cell)
			return
		}
		out.Text = r.text(strconv.FormatBool(v))
	default:
		if decimalComma {
			cell = strings.Replace(cell, ",", ".", 1)
		}
		v, err := strconv.ParseFloat(cell, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			say("%q is not a number; if it stands for a missing value, say missing: [%q]", cell, cell)
			return
		}
		out.Number = s.convert(v)
	}
	r.plan.Readings = append(r.plan.Readings, out)
}

func (r *reader) text(s string) int32 {
	i, ok := r.texts[s]
	if !ok {
		i = int32(len(r.plan.Texts))
		r.texts[s] = i
		r.plan.Texts = append(r.plan.Texts, s)
	}
	return i
}

// convert brings a file's number into the declared unit. Nine digits are more than any instrument has, and fewer than a
// conversion's rounding spoils.
func (s *measured) convert(v float64) float64 {
	if s.Times == nil && s.Plus == 0 && s.Wrap == 0 {
		return v
	}
	if s.Times != nil {
		v *= *s.Times
	}
	v += s.Plus
	if s.Wrap > 0 {
		v = math.Mod(v, s.Wrap)
		if v < 0 {
			v += s.Wrap
		}
	}
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 9, 64), 64) // what was just formatted can be read
	return v
}

// reports reads files of what people told the city.
func (r *reader) reports(src *reports) {
	missing := missingWords(&src.Source)
	seen := map[string]int{} // line by id
	r.each(&src.Source, func(t *table) func(*row) {
		b := binder{r: r, t: t}
		id, category, words, address := b.text("id", src.ID), b.text("category", src.Category), b.text("text", src.Text), b.text("address", src.Address)
		state, channel, queue := b.text("state", src.State), b.text("channel", src.Channel), b.text("queue", src.Queue)
		received, due, closed := b.when(src.Received), b.optionalWhen(src.Due, missing), b.optionalWhen(src.Closed, missing)
		point := b.placed(src.Point, src.PlaceholderPoints, missing)
		translations := []translation{
			b.translation("categories", category, src.Categories, src.node),
			b.translation("states", state, src.States, src.node),
			b.translation("channels", channel, src.Channels, src.node),
		}
		if b.failed {
			return nil
		}
		return func(current *row) {
			out := Report{ExternalID: id(current), Text: words(current), Address: address(current), Queue: queue(current)}
			at, ok := received(current)
			if !ok {
				return
			}
			out.ReceivedAt = time.UnixMicro(at).UTC()
			if out.DueAt, ok = due(current); !ok {
				return
			}
			if out.ClosedAt, ok = closed(current); !ok {
				return
			}
			if out.Point, out.PlaceUnknown, ok = point(current); !ok {
				return
			}
			if line, twice := seen[out.ExternalID]; twice {
				r.leaveOut(Problem{t.file, current.line, 1, "id", fmt.Sprintf("the report %q was in line %d already", out.ExternalID, line)})
				return
			}
			for i, into := range []*string{&out.Category, &out.State, &out.Channel} {
				if *into, ok = translations[i].of(current); !ok {
					r.leaveOut(translations[i].problem(t, current))
					return
				}
			}
			if out.State == "" {
				out.State = "open"
				if out.ClosedAt != nil {
					out.State = "closed"
				}
			}
			if out.Point == nil {
				r.plan.Count.PlaceUnknown++
			}
			seen[out.ExternalID] = current.line
			r.plan.Reports = append(r.plan.Reports, out)
		}
	})
}

// events reads what is known to have happened.
func (r *reader) events(src *truth, file string) {
	s := src.Source
	dir := r.dir
	if file != "" {
		s.File.s, r.dir = file, ""
	}
	r.each(&s, func(t *table) func(*row) {
		b := binder{r: r, t: t}
		name, start, end := b.text("name", src.Name), b.when(src.Start), b.when(src.End)
		if b.failed {
			return nil
		}
		return func(current *row) {
			out := Event{Name: name(current)}
			var ok bool
			if out.Start, ok = start(current); !ok {
				return
			}
			if out.End, ok = end(current); !ok {
				return
			}
			if out.End < out.Start {
				r.leaveOut(Problem{t.file, current.line, 1, "end", "the event ends before it starts"})
				return
			}
			r.plan.Events = append(r.plan.Events, out)
		}
	})
	r.dir = dir
}

func missingWords(s *Source) map[string]bool {
	all := map[string]bool{"": true}
	for _, m := range s.Missing {
		all[m.s] = true
	}
	return all
}

// arrange drops what is repeated and brings all into the order of sending.
func (p *Plan) arrange(byTime bool) {
	order := make([]int32, len(p.Readings))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		x, y := p.Readings[a], p.Readings[b]
		return cmp.Or(cmp.Compare(x.At, y.At), cmp.Compare(x.Stream, y.Stream), cmp.Compare(x.Number, y.Number), cmp.Compare(x.Text, y.Text))
	})
	repeated := make([]bool, len(order))
	for i := 1; i < len(order); i++ {
		if p.Readings[order[i]] == p.Readings[order[i-1]] {
			repeated[order[i]] = true
			p.Count.Repeated++
		}
	}
	kept := p.Readings[:0:0]
	if byTime {
		kept = make([]Reading, 0, len(order)-p.Count.Repeated)
		for _, i := range order {
			if !repeated[i] {
				kept = append(kept, p.Readings[i])
			}
		}
		p.Readings = kept
	} else if p.Count.Repeated > 0 {
		for i, r := range p.Readings {
			if !repeated[i] {
				kept = append(kept, r)
			}
		}
		p.Readings = kept
	}
	slices.SortStableFunc(p.Reports, func(a, b Report) int { return a.ReceivedAt.Compare(b.ReceivedAt) })
	slices.SortStableFunc(p.Events, func(a, b Event) int { return cmp.Compare(a.Start, b.Start) })
}

// within leaves only what happened from since on and before until; a zero is no bound. Of what is known to have happened, all
// that reaches into the period stays.
func (p *Plan) within(since, until time.Time) {
	from, to := int64(math.MinInt64), int64(math.MaxInt64)
	if !since.IsZero() {
		from = since.UnixMicro()
	}
	if !until.IsZero() {
		to = until.UnixMicro()
	}
	outside := func(at int64) bool { return at < from || at >= to }
	all := len(p.Readings) + len(p.Reports)
	p.Readings = slices.DeleteFunc(p.Readings, func(r Reading) bool { return outside(r.At) })
	p.Reports = slices.DeleteFunc(p.Reports, func(r Report) bool { return outside(r.ReceivedAt.UnixMicro()) })
	p.Events = slices.DeleteFunc(p.Events, func(e Event) bool { return e.End < from || e.Start >= to })
	p.Count.Outside = all - len(p.Readings) - len(p.Reports)
}

// Value is a reading's value as text.
func (p *Plan) Value(r Reading) string {
	if r.Text >= 0 {
		return p.Texts[r.Text]
	}
	return strconv.FormatFloat(r.Number, 'g', -1, 64)
}

// Period is the time of the first and the last reading; both 0 without readings.
func (p *Plan) Period() (first, last int64) {
	for i, r := range p.Readings {
		if i == 0 || r.At < first {
			first = r.At
		}
		last = max(last, r.At)
	}
	return first, last
}
