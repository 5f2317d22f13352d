package city

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/peterstace/simplefeatures/geom"

	"github.com/anlan-city/anlan/internal/city/coords"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/city/tabular"
)

const (
	maxText = 500 // characters in a field of text
	maxKey  = 120 // characters in an external id or a word
)

// draft is a record as a file gives it, before it is held against the register.
type draft struct {
	record
	given   []bool // which fields the file says something about; the others stay as they are
	refused []bool // which fields are empty because what stood there was refused
	spots   []spot // where each field stands
	line    int
	// names are the names of free properties, for the list of those that are new.
	names []string
}

// incomplete says that something of the record was refused, so that what it lacks proves nothing.
func (d draft) incomplete() bool { return slices.Contains(d.refused, true) }

type spot struct{ line, column int }

// decoder turns a table into drafts.
type decoder struct {
	list    *list
	format  tabular.Format
	system  coords.System // empty: not declared
	bounds  *atlas        // the areas known so far, to tell swapped coordinates
	targets []target      // by column
	// problems and notes are what was found; flat counts the shapes that lost a height.
	problems []tabular.Problem
	flat     int
	asked    bool // the missing coordinate system has been reported
}

// target says what a column is for.
type target struct {
	field    int // -1: nothing
	part     part
	property string
}

type part int

const (
	whole   part = iota
	nothing      // the column is refused
	lon
	lat
	property // one free property
)

func (d *decoder) problem(line, column int, field, format string, args ...any) {
	d.problems = append(d.problems, tabular.Problem{Line: line, Column: column, Field: field, Message: fmt.Sprintf(format, args...)})
}

// decode reads all rows and collects all problems.
func (d *decoder) decode(t tabular.Table, progress func(done, total int)) []draft {
	known, told := d.columns(t)
	if !told {
		return nil
	}
	drafts := make([]draft, 0, len(t.Rows))
	first := make(map[string]int, len(t.Rows))
	for i, row := range t.Rows {
		if progress != nil && i%1024 == 0 {
			progress(i, len(t.Rows))
		}
		dr, ok := d.row(row)
		if !known { // what seems to be missing may stand in a column that was refused
			for f := range dr.given {
				dr.refused[f] = dr.refused[f] || !dr.given[f]
			}
		}
		if !ok {
			continue
		}
		if key := d.list.key(&dr.record); d.list.name != Duties {
			if line, twice := first[key]; twice {
				d.problem(dr.spots[0].line, dr.spots[0].column, "external_id", "%q stands in line %d already: an external id is used once", key, line)
				continue
			}
			first[key] = dr.line
		}
		drafts = append(drafts, dr)
	}
	return drafts
}

// columns finds out what each column is for: whether it is known of all, and whether the records can be told apart.
func (d *decoder) columns(t tabular.Table) (ok, told bool) {
	known := map[string]target{}
	var names []string
	add := func(name string, tg target) {
		known[name] = tg
		names = append(names, name)
	}
	for i, f := range d.list.fields {
		add(f.name, target{field: i})
		for _, a := range f.aliases {
			add(a, target{field: i})
		}
		if f.form == formGeometry && d.format != tabular.GeoJSON {
			for name, p := range map[string]part{"lon": lon, "经度": lon, "lat": lat, "纬度": lat} {
				add(name, target{field: i, part: p})
			}
		}
	}
	ok, told = true, true
	seen := map[target]string{}
	d.targets = make([]target, len(t.Columns))
	for i, c := range t.Columns {
		d.targets[i].field = -1
		tg, found := known[strings.ToLower(c.Name)]
		if p := d.list.index("properties"); !found && p >= 0 {
			if name, has := strings.CutPrefix(c.Name, "properties."); has {
				tg, found = target{field: p, part: property, property: name}, true
				d.propertyName(c.Line, c.Column, name)
			}
		}
		switch {
		case c.Name == "": // its cells are reported by the reader, if they hold anything
		case c.Name == tabular.GeometryColumn && d.format == tabular.GeoJSON && !found:
			// Every feature has one; here it must be null, which row checks.
			d.targets[i].part = whole
		case !found:
			hint := suggest(c.Name, names)
			if hint == "" {
				hint = ", expected one of " + d.known()
			}
			d.problem(c.Line, c.Column, c.Name, "%s have no field %q%s", d.list.name, c.Name, hint)
			d.targets[i].part, ok = nothing, false
		case seen[tg] != "":
			d.problem(c.Line, c.Column, c.Name, "this column and %q mean the same field", seen[tg])
			d.targets[i].part, ok = nothing, false
		default:
			seen[tg] = c.Name
			d.targets[i] = tg
		}
	}
	for i, f := range d.list.fields {
		if slices.ContainsFunc(d.targets, func(t target) bool { return t.field == i }) {
			continue
		}
		switch {
		case i == 0 && len(t.Rows) > 0:
			d.problem(1, 1, f.name, "%s need the field %q", d.list.name, f.name)
			told = false
		case f.required && len(t.Rows) == 0 && len(t.Columns) > 0 && ok:
			// A table without records says nothing but its columns; with these no record could ever be added to it.
			d.problem(t.Columns[0].Line, 1, f.name, "%s need the field %q, and the file has no records", d.list.name, f.name)
		}
	}
	return ok, told
}

func (d *decoder) known() string {
	var names []string
	for _, f := range d.list.fields {
		switch {
		case f.form == formGeometry && d.format == tabular.GeoJSON:
		case f.form == formGeometry:
			names = append(names, "lon", "lat", f.name)
		case f.form == formProperties:
			names = append(names, f.name, f.name+".NAME")
		default:
			names = append(names, f.name)
		}
	}
	return strings.Join(names, ", ")
}

// row reads one record. ok is false when it can't even be told which record it is.
func (d *decoder) row(row tabular.Row) (draft, bool) {
	n := len(d.list.fields)
	dr := draft{record: record{values: make([]string, n)}, given: make([]bool, n), refused: make([]bool, n), spots: make([]spot, n), line: row.Line}
	for i := range dr.spots {
		dr.spots[i] = spot{row.Line, 1}
	}
	var position [2]tabular.Cell // lon and lat
	props := properties{}
	for i, c := range row.Cells {
		if c.Line == 0 || i >= len(d.targets) {
			continue
		}
		tg := d.targets[i]
		if tg.part == nothing {
			continue
		}
		if tg.field < 0 {
			if c.Text != "" && d.format == tabular.GeoJSON {
				d.problem(c.Line, c.Column, tabular.GeometryColumn, "%s have no geometry: expected null", d.list.name)
			}
			continue
		}
		f := d.list.fields[tg.field]
		dr.given[tg.field] = true
		if tg.part == whole || c.Text != "" {
			dr.spots[tg.field] = spot{c.Line, c.Column}
		}
		before := len(d.problems)
		switch {
		case tg.part == lon:
			position[0] = c
		case tg.part == lat:
			position[1] = c
		case tg.part == property:
			if c.JSON {
				d.problem(c.Line, c.Column, "properties."+tg.property, "expected text, this is %s", shorten(c.Text))
			} else if c.Text != "" {
				d.text(c, "properties."+tg.property, maxText)
				props[tg.property] = c.Text
			}
		case f.form == formProperties:
			d.properties(c, props)
		case f.form == formGeometry:
			d.geometry(c, &dr, tg.field)
		default:
			dr.values[tg.field] = d.value(c, f)
		}
		dr.refused[tg.field] = dr.refused[tg.field] || len(d.problems) > before
	}
	if g := d.list.index("geometry"); g >= 0 && (position[0].Text != "" || position[1].Text != "") {
		d.position(position, &dr, g)
		dr.refused[g] = dr.values[g] == ""
	} else if g >= 0 && d.asked {
		dr.refused[g] = true
	}
	if p := d.list.index("properties"); p >= 0 && dr.given[p] {
		dr.values[p] = props.canonical()
		for name := range props {
			dr.names = append(dr.names, name)
		}
		if len(props) > MaxProperties || len(dr.values[p]) > MaxPropertiesBytes {
			d.problem(dr.spots[p].line, dr.spots[p].column, "properties", "an asset has at most %d free properties and %d bytes of them", MaxProperties, MaxPropertiesBytes)
		}
	}
	if d.list.name != Duties && dr.values[0] == "" {
		d.problem(dr.spots[0].line, dr.spots[0].column, d.list.fields[0].name, "this must not be empty")
		return dr, false
	}
	return dr, true
}

// value reads a field that is no geometry and no free JSON.
func (d *decoder) value(c tabular.Cell, f field) string {
	switch {
	case c.Text == "":
		return ""
	case f.form == formReferences:
		return d.references(c, f)
	case f.form == formCount:
		return d.count(c, f)
	case c.JSON:
		d.problem(c.Line, c.Column, f.name, "expected text, this is %s", shorten(c.Text))
		return ""
	}
	if d.format == tabular.XLSX && spreadsheetNumber.MatchString(c.Text) {
		d.problem(c.Line, c.Column, f.name, "the cell is the number %s, of which a spreadsheet keeps 15 digits: make the column text and enter the code again", c.Text)
		return ""
	}
	switch f.form {
	case formChoice:
		for _, ch := range f.choices {
			if strings.EqualFold(c.Text, ch.value) || c.Text == ch.zh {
				return ch.value
			}
		}
		var values []string
		for _, ch := range f.choices {
			values = append(values, ch.value)
		}
		d.problem(c.Line, c.Column, f.name, "unknown %s %q, expected %s%s", f.name, c.Text, strings.Join(values, ", "), suggest(c.Text, values))
		return ""
	case formWord:
		d.text(c, f.name, maxKey)
		if word, refused := guard.Name(c.Text); refused {
			d.problem(c.Line, c.Column, f.name, "%q names people or their devices (%s): the register holds places and things only", c.Text, word)
		}
		if d.list.name == Areas && c.Text == "网格" {
			return GridLevel
		}
	case formKey, formReference:
		d.text(c, f.name, maxKey)
	default:
		d.text(c, f.name, maxText)
	}
	return c.Text
}

// count reads a whole number as it is written: nothing is rounded, and no sign parts its digits.
func (d *decoder) count(c tabular.Cell, f field) string {
	n, err := strconv.Atoi(c.Text)
	if err != nil || strconv.Itoa(n) != c.Text || n < f.least || n > f.most {
		d.problem(c.Line, c.Column, f.name, "expected a whole number from %d to %d in digits alone, got %s", f.least, f.most, shorten(c.Text))
		return ""
	}
	return c.Text
}

// spreadsheetNumber is how a spreadsheet stores a code of more digits than it can keep.
var spreadsheetNumber = regexp.MustCompile(`^-?\d(\.\d+)?E\+\d+$`)

// text refuses what no field may hold.
func (d *decoder) text(c tabular.Cell, name string, most int) {
	if n := utf8.RuneCountInString(c.Text); n > most {
		d.problem(c.Line, c.Column, name, "%d characters, at most %d", n, most)
		return
	}
	if m, found := guard.Value(c.Text); found {
		column := c.Column
		if d.format == tabular.CSV {
			column += m.Offset
		}
		d.problem(c.Line, column, name, "%s", refusal(m))
	}
}

// refusal tells what looks personal without repeating it: problems are shown and logged.
func refusal(m guard.Match) string {
	s := fmt.Sprintf("this looks like a person's %s, which the register does not keep", m.Kind)
	if m.Kind == guard.PhoneNumber || m.Kind == guard.IMEI || m.Kind == guard.IMSI {
		s += "; write a code of this shape with a letter right before its digits"
	}
	return s
}

// geometry reads GeoJSON or WKT.
func (d *decoder) geometry(c tabular.Cell, dr *draft, at int) {
	if c.Text == "" || !d.declared(c.Line, c.Column) {
		return
	}
	if d.format == tabular.GeoJSON && !c.JSON {
		d.problem(c.Line, c.Column, "geometry", "expected a geometry object or null")
		return
	}
	g, flat, err := readShape(c.Text, d.system)
	if err != nil {
		d.problem(c.Line, c.Column, "geometry", "%v", err)
		return
	}
	if flat {
		d.flat++
	}
	d.shape(g, dr, at)
}

// position reads the columns lon and lat.
func (d *decoder) position(p [2]tabular.Cell, dr *draft, at int) {
	if dr.values[at] != "" {
		d.problem(p[0].Line, p[0].Column, "lon", "the record has both lon, lat and geometry: leave one empty")
		return
	}
	if !d.declared(max(p[0].Line, p[1].Line), max(p[0].Column, 1)) {
		return
	}
	var xy [2]float64
	ok := true
	for i, name := range []string{"lon", "lat"} {
		x, err := strconv.ParseFloat(p[i].Text, 64)
		if err != nil || !decimal.MatchString(p[i].Text) {
			line, column := p[i].Line, p[i].Column
			if line == 0 {
				line, column = dr.line, 1
			}
			d.problem(line, column, name, "expected decimal degrees such as %s, got %q", []string{"113.264", "23.129"}[i], p[i].Text)
			ok = false
		}
		xy[i] = x
	}
	if !ok {
		return
	}
	g, err := normal(geom.NewPointXY(xy[0], xy[1]).AsGeometry(), d.system)
	if err != nil {
		d.problem(p[0].Line, p[0].Column, "lon", "%v", err)
		return
	}
	dr.spots[at] = spot{p[0].Line, p[0].Column}
	d.shape(g, dr, at)
}

var decimal = regexp.MustCompile(`^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$`)

func (d *decoder) shape(g geom.Geometry, dr *draft, at int) {
	s := dr.spots[at]
	if d.list.shapes != nil && !slices.Contains(d.list.shapes, g.Type()) {
		d.problem(s.line, s.column, "geometry", "%s are polygons, this is a %s", d.list.name, g.Type())
		return
	}
	if swapped(g, d.bounds) {
		d.problem(s.line, s.column, "geometry", "the position lies outside of the city and would lie in it with longitude and latitude swapped: longitude comes first")
		return
	}
	dr.values[at] = string(g.AsBinary())
	dr.shape = g
}

// declared makes sure that the file's coordinate system was stated, and says so once when it wasn't.
func (d *decoder) declared(line, column int) bool {
	if d.system == "" && !d.asked {
		d.asked = true
		d.problem(line, column, "", "the file has coordinates: declare their system (--coordinates wgs84, cgcs2000 or gcj02)")
	}
	return d.system != ""
}

// properties are free properties by name. Numbers keep their text.
type properties map[string]any

// canonical is the form that is stored: names in order, no spaces, empty text for none at all.
func (p properties) canonical() string {
	if len(p) == 0 {
		return ""
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(map[string]any(p)); err != nil {
		return "" // can't be: the values come out of a JSON decoder or are text
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// properties reads free JSON: an object whose names and values pass the guards at any depth.
func (d *decoder) properties(c tabular.Cell, into properties) {
	if c.Text == "" {
		return
	}
	var obj map[string]any
	dec := json.NewDecoder(strings.NewReader(c.Text))
	dec.UseNumber()
	// encoding/json would pass over names that stand twice and bytes that are not UTF-8.
	if err := dec.Decode(&obj); err != nil || obj == nil || !jsontext.Value(c.Text).IsValid() {
		d.problem(c.Line, c.Column, "properties", "expected a JSON object such as {\"diameter_mm\": 300}, got %s", shorten(c.Text))
		return
	}
	names := make([]string, 0, len(obj))
	for name := range obj {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if _, twice := into[name]; twice {
			d.problem(c.Line, c.Column, "properties", "the property %q is given twice", name)
		}
		into[name] = obj[name]
		d.free(c, "properties."+name, name, obj[name])
	}
}

// free walks through free JSON.
func (d *decoder) free(c tabular.Cell, path, name string, v any) {
	d.propertyName(c.Line, c.Column, name)
	switch v := v.(type) {
	case string:
		if strings.ContainsFunc(v, func(r rune) bool { return r == utf8.RuneError || unicode.IsControl(r) && r != '\n' && r != '\t' }) {
			d.problem(c.Line, c.Column, path, "the value holds a control character or a character that was lost in conversion")
		}
		if m, found := guard.Value(v); found {
			d.problem(c.Line, c.Column, path, "%s", refusal(m))
		}
	case json.Number:
		if m, found := guard.Value(v.String()); found {
			d.problem(c.Line, c.Column, path, "%s", refusal(m))
		}
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			d.free(c, path+"."+name, name, v[name])
		}
	case []any:
		for i, e := range v {
			d.free(c, fmt.Sprintf("%s[%d]", path, i), name, e)
		}
	}
}

func (d *decoder) propertyName(line, column int, name string) {
	word, refused := guard.Name(name)
	_, looks := guard.Value(name)
	switch {
	case name == "" || utf8.RuneCountInString(name) > maxKey || strings.ContainsFunc(name, unicode.IsControl):
		d.problem(line, column, "properties", "a property's name has 1 to %d printable characters", maxKey)
	case refused:
		d.problem(line, column, "properties."+name, "%q names people or their devices (%s): the register holds places and things only", name, word)
	case looks:
		d.problem(line, column, "properties", "a property's name looks like a person's number")
	}
}

func shorten(s string) string {
	if rs := []rune(s); len(rs) > 40 {
		return string(rs[:40]) + "…"
	}
	return s
}
