package tabular

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/go-json-experiment/json/jsontext"
)

// readGeoJSON reads a FeatureCollection (RFC 7946). A feature's properties are the cells; the columns are the names that
// occur. Members that the standard allows and we have no use for (id, bbox, foreign ones) are skipped.
func readGeoJSON(file []byte) (Table, []Problem) {
	text, bad := Decode(file, "utf-8") // RFC 8259 leaves no choice
	if bad != nil {
		bad.Message = "the file is not UTF-8, as JSON must be"
		return Table{}, []Problem{*bad}
	}
	g := &geojsonReader{text: text, cur: newCursor(text), index: map[string]int{}}
	g.readFrom(0)
	if err := g.collection(); err != nil {
		g.salvage(g.syntax(err))
	}
	return g.table, g.problems
}

type geojsonReader struct {
	text     []byte
	dec      *jsontext.Decoder
	base     int // where in the text dec began
	cur      *cursor
	index    map[string]int // column by name
	table    Table
	problems []Problem
}

// readFrom goes on at an offset. Names that stand twice are told by the reader itself, which goes on after them.
func (g *geojsonReader) readFrom(offset int) {
	g.base = offset
	g.dec = jsontext.NewDecoder(bytes.NewBuffer(g.text[offset:]), jsontext.AllowDuplicateNames(true))
}

// offset is how far the text has been read.
func (g *geojsonReader) offset() int { return g.base + int(g.dec.InputOffset()) }

// next is where the next value begins.
func (g *geojsonReader) next() (line, col int) {
	at := g.offset()
	for at < len(g.text) && bytes.IndexByte([]byte(" \t\r\n,:"), g.text[at]) >= 0 {
		at++
	}
	return g.cur.to(at)
}

func (g *geojsonReader) problem(line, col int, field, format string, args ...any) {
	g.problems = append(g.problems, Problem{line, col, field, fmt.Sprintf(format, args...)})
}

// syntax reports what is not JSON, and returns where it stands.
func (g *geojsonReader) syntax(err error) (at int) {
	var s *jsontext.SyntacticError
	at = g.offset()
	message := err.Error()
	if errors.As(err, &s) {
		at, message = g.base+int(s.ByteOffset), s.Err.Error()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		at, message = len(g.text), "the file ends too early"
	}
	line, col := newCursor(g.text).to(at)
	g.problem(line, col, "", "not valid JSON: %s", message)
	return at
}

// featureStart is how nearly every program writes the beginning of a feature. Within a string it can't stand, since its
// quotes would be escaped there.
var featureStart = regexp.MustCompile(`\{\s*"type"\s*:\s*"Feature"`)

// salvage goes on with the features that follow a syntax error, so that one slip doesn't hide what else is wrong. Nothing of
// the file is imported any more, so a feature that is misread here costs no more than a line in the list.
func (g *geojsonReader) salvage(at int) {
	for {
		found := featureStart.FindIndex(g.text[at:])
		if found == nil {
			return
		}
		begin := at + found[0]
		g.readFrom(begin)
		if err := g.feature(); err != nil {
			at = max(g.syntax(err), begin+1)
			continue
		}
		at = g.offset()
		if rest := bytes.TrimLeft(g.text[at:], " \t\r\n"); bytes.HasPrefix(rest, []byte("{")) {
			line, col := g.cur.to(len(g.text) - len(rest))
			g.problem(line, col, "", "not valid JSON: expected a comma between two features")
		}
	}
}

// twice reports a name that stands twice in an object; later programs would see only one of its values.
func (g *geojsonReader) twice(line, col int) {
	g.problem(line, col, "", "not valid JSON: this name stands twice in one object")
}

// object calls member for every member of an object; the value is the next to be read. ok is false when the next value is
// no object; it has been skipped then.
func (g *geojsonReader) object(member func(name string) error) (ok bool, err error) {
	if g.dec.PeekKind() != '{' {
		return false, g.dec.SkipValue()
	}
	if _, err := g.dec.ReadToken(); err != nil {
		return true, err
	}
	seen := map[string]bool{}
	for g.dec.PeekKind() != '}' {
		line, col := g.next()
		token, err := g.dec.ReadToken()
		if err != nil {
			return true, err
		}
		name := token.String()
		if seen[name] {
			g.twice(line, col)
		}
		seen[name] = true
		if err := member(name); err != nil {
			return true, err
		}
	}
	_, err = g.dec.ReadToken()
	return true, err
}

func (g *geojsonReader) collection() error {
	line, col := g.next()
	var kind string
	found := false
	ok, err := g.object(func(name string) error {
		switch name {
		case "type":
			c, err := g.value()
			kind = c.Text
			return err
		case "crs":
			c, err := g.value()
			var crs struct{ Properties struct{ Name string } }
			if json.Unmarshal([]byte(c.Text), &crs) == nil {
				g.table.CRS = crs.Properties.Name
			}
			return err
		case "features":
			found = true
			return g.features()
		}
		return g.dec.SkipValue()
	})
	if err != nil {
		return err
	}
	if !ok || kind != "FeatureCollection" {
		g.problem(line, col, "type", `expected a GeoJSON FeatureCollection, this is %s`, quote(kind))
	} else if !found {
		g.problem(line, col, "features", "the FeatureCollection has no features")
	}
	if _, err := g.dec.ReadToken(); !errors.Is(err, io.EOF) {
		line, col := g.next()
		g.problem(line, col, "", "something follows the FeatureCollection")
	}
	return nil
}

func (g *geojsonReader) features() error {
	line, col := g.next()
	if g.dec.PeekKind() != '[' {
		g.problem(line, col, "features", "expected a list of features")
		return g.dec.SkipValue()
	}
	if _, err := g.dec.ReadToken(); err != nil {
		return err
	}
	for g.dec.PeekKind() != ']' {
		if err := g.feature(); err != nil {
			return err
		}
	}
	_, err := g.dec.ReadToken()
	return err
}

func (g *geojsonReader) feature() error {
	line, col := g.next()
	row := Row{Line: line}
	isFeature := false
	ok, err := g.object(func(name string) error {
		switch name {
		case "type":
			c, err := g.value()
			isFeature = c.Text == "Feature"
			return err
		case "geometry":
			c, err := g.value()
			g.put(&row, GeometryColumn, c)
			return err
		case "properties":
			line, col := g.next()
			null := g.dec.PeekKind() == 'n'
			ok, err := g.object(func(name string) error {
				c, err := g.value()
				if err != nil {
					return err
				}
				if name == GeometryColumn {
					g.problem(c.Line, c.Column, name, "a property may not be called geometry: the feature's own geometry is meant")
					return nil
				}
				if what, bad := unprintable(c.Text); bad && !c.JSON {
					g.problem(c.Line, c.Column, name, "the value holds %s", what)
				}
				g.put(&row, name, c)
				return nil
			})
			if !ok && !null && err == nil {
				g.problem(line, col, "properties", "expected an object")
			}
			return err
		}
		return g.dec.SkipValue()
	})
	if err != nil {
		return err
	}
	if !ok || !isFeature {
		g.problem(line, col, "type", `expected an object of type "Feature"`)
	}
	if !ok {
		return nil
	}
	g.table.Rows = append(g.table.Rows, row)
	return nil
}

func (g *geojsonReader) put(row *Row, name string, c Cell) {
	i, ok := g.index[name]
	if !ok {
		i = len(g.table.Columns)
		g.index[name] = i
		g.table.Columns = append(g.table.Columns, Column{Name: name, Line: c.Line, Column: c.Column})
	}
	for len(row.Cells) <= i {
		row.Cells = append(row.Cells, Cell{})
	}
	row.Cells[i] = c
}

// value reads the next value as a cell: text unquoted, null empty, numbers and truth values as written.
func (g *geojsonReader) value() (Cell, error) {
	line, col := g.next()
	v, err := g.dec.ReadValue()
	if err != nil {
		return Cell{}, err
	}
	c := Cell{Line: line, Column: col}
	switch v.Kind() {
	case 'n':
	case '"':
		text, err := jsontext.AppendUnquote(nil, []byte(v))
		if err != nil {
			return c, err
		}
		c.Text = trim(string(text))
	case '{', '[':
		c.Text, c.JSON = string(v), true
		if !v.IsValid() { // it is JSON, so it is a name that stands twice
			var s *jsontext.SyntacticError
			_, err := jsontext.NewDecoder(bytes.NewBuffer(v)).ReadValue()
			if errors.As(err, &s) {
				g.twice(g.cur.to(g.offset() - len(v) + int(s.ByteOffset)))
			}
		}
	default:
		c.Text = string(v)
	}
	return c, nil
}

// writeGeoJSON puts each feature on a line of its own, so that an error in the file can be found again by its line.
func writeGeoJSON(w io.Writer, t Table) error {
	b := bufio.NewWriter(w)
	b.WriteString("{\"type\":\"FeatureCollection\",\"features\":[")
	for n, r := range t.Rows {
		if n > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n{\"type\":\"Feature\",\"geometry\":")
		geometry, first := "null", true
		var props bytes.Buffer
		for i, c := range r.Cells {
			if t.Columns[i].Name == GeometryColumn {
				if c.Text != "" {
					geometry = c.Text
				}
				continue
			}
			if !first {
				props.WriteByte(',')
			}
			first = false
			name, err := jsontext.AppendQuote(nil, t.Columns[i].Name)
			if err != nil {
				return err
			}
			props.Write(name)
			props.WriteByte(':')
			switch {
			case c.JSON:
				props.WriteString(c.Text)
			case c.Text == "":
				props.WriteString("null")
			default:
				text, err := jsontext.AppendQuote(nil, c.Text)
				if err != nil {
					return err
				}
				props.Write(text)
			}
		}
		b.WriteString(geometry)
		b.WriteString(",\"properties\":{")
		b.Write(props.Bytes())
		b.WriteString("}}")
	}
	b.WriteString("\n]}\n")
	return b.Flush()
}
