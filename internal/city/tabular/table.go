package tabular

import (
	"fmt"
	"io"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Format is a file format.
type Format string

// The formats.
const (
	CSV     Format = "csv"
	XLSX    Format = "xlsx"
	GeoJSON Format = "geojson"
)

// GeometryColumn is the column in which a GeoJSON feature's geometry stands.
const GeometryColumn = "geometry"

// FormatOf reads a format's name, or takes it from a file name's ending when the name is empty.
func FormatOf(name, filename string) (Format, error) {
	s := strings.ToLower(name)
	if s == "" {
		s = strings.TrimPrefix(strings.ToLower(path.Ext(filename)), ".")
	}
	switch s {
	case "csv":
		return CSV, nil
	case "xlsx":
		return XLSX, nil
	case "geojson", "json":
		return GeoJSON, nil
	case "xls":
		return "", fmt.Errorf("%s is the old Excel format: save the file as .xlsx", filename)
	case "":
		return "", fmt.Errorf("can't tell the format of %q: expected a name ending in .geojson, .csv or .xlsx", filename)
	}
	return "", fmt.Errorf("unknown format %q, expected geojson, csv or xlsx", s)
}

// Table is a file's content. Every row's cells stand in the order of Columns; a row may be shorter.
type Table struct {
	Columns []Column
	Rows    []Row
	// CRS is what a GeoJSON file of the time before RFC 7946 says about its coordinates; empty when it says nothing.
	CRS string
}

// Column is one column's name and where it stands.
type Column struct {
	Name         string
	Line, Column int
	// Number makes Write put numbers instead of text into a spreadsheet, which keeps 15 digits of them. Read doesn't set it.
	Number bool
}

// Row is one record; Line is where it begins.
type Row struct {
	Line  int
	Cells []Cell
}

// Cell is one value. Text is without white space at its ends. Line and Column count from 1, Column in characters (in a
// spreadsheet: in columns); Line 0 means that the record has no such field at all, which is not the same as an empty one.
type Cell struct {
	Text         string
	Line, Column int
	// JSON says that Text is a JSON object or array instead of plain text.
	JSON bool
}

// Problem is something wrong with a file, where it is wrong, and what was expected.
type Problem struct {
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

// Options tell how to read a file.
type Options struct {
	// Encoding is "utf-8", "gb18030" or empty: see Decode. CSV only.
	Encoding string
	// Sheet names the sheet to read; empty takes the first. XLSX only.
	Sheet string
}

// Read reads a file. When it finds problems the table holds what could be read nevertheless, so that the caller can go on
// looking for more.
func Read(f Format, file []byte, o Options) (Table, []Problem) {
	switch f {
	case CSV:
		return readCSV(file, o.Encoding)
	case XLSX:
		return readXLSX(file, o.Sheet)
	case GeoJSON:
		return readGeoJSON(file)
	}
	return Table{}, []Problem{{Message: fmt.Sprintf("unknown format %q", f)}}
}

// Write writes a table. It fails where the format can't hold a value instead of cutting it short.
func Write(w io.Writer, f Format, sheet string, t Table) error {
	switch f {
	case CSV:
		return writeCSV(w, t)
	case XLSX:
		return writeXLSX(w, sheet, t)
	case GeoJSON:
		return writeGeoJSON(w, t)
	}
	return fmt.Errorf("unknown format %q", f)
}

// header checks column names and keeps them.
func header(cols []Column) []Problem {
	var problems []Problem
	seen := map[string]bool{}
	for i := range cols {
		c := &cols[i]
		c.Name = trim(c.Name)
		if c.Name != "" && seen[c.Name] {
			problems = append(problems, Problem{c.Line, c.Column, c.Name, "this column stands twice in the header"})
		}
		seen[c.Name] = true
	}
	return problems
}

// checkRow looks for what the header doesn't announce.
func checkRow(cols []Column, r Row) []Problem {
	var problems []Problem
	for i, c := range r.Cells {
		if c.Text != "" && (i >= len(cols) || cols[i].Name == "") {
			problems = append(problems, Problem{c.Line, c.Column, "", fmt.Sprintf("the value %s stands in a column without a name", quote(c.Text))})
		}
	}
	return problems
}

// unprintable finds a character that no field of a register has a use for, and that databases and terminals trip over.
func unprintable(s string) (string, bool) {
	for i, r := range s {
		switch {
		case r == utf8.RuneError:
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return "bytes that are not UTF-8", true
			}
			return "the replacement character U+FFFD: the file was converted with the wrong encoding before", true
		case unicode.IsControl(r):
			return fmt.Sprintf("the control character U+%04X", r), true
		}
	}
	return "", false
}

// trim takes white space off the ends; the wide space of Chinese input methods counts.
func trim(s string) string { return strings.TrimFunc(s, unicode.IsSpace) }

// quote shows a value in a message, cut to a length that leaves the message readable.
func quote(s string) string {
	if rs := []rune(s); len(rs) > 40 {
		s = string(rs[:40]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

// cursor turns byte offsets, asked for in rising order, into lines and columns.
type cursor struct {
	text      []byte
	at        int
	line, col int
}

func newCursor(text []byte) *cursor { return &cursor{text: text, line: 1, col: 1} }

func (c *cursor) to(offset int) (line, col int) {
	for c.at < offset && c.at < len(c.text) {
		switch b := c.text[c.at]; {
		case b == '\n':
			c.line++
			c.col = 1
		case utf8.RuneStart(b):
			c.col++
		}
		c.at++
	}
	return c.line, c.col
}
