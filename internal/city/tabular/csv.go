package tabular

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

func readCSV(file []byte, encoding string) (Table, []Problem) {
	text, bad := Decode(file, encoding)
	if bad != nil {
		return Table{}, []Problem{*bad}
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1 // counted here, with a message that names the columns
	r.ReuseRecord = true
	lines := lineIndex(text)
	var t Table
	var problems []Problem
	for first := true; ; {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			// The reader goes on with the next line, so one stray quote doesn't hide what else is wrong.
			problems = append(problems, Problem{
				Line: syntax.Line, Column: lines.column(syntax.Line, syntax.Column), Message: csvMistake(syntax)})
			if first {
				return t, problems
			}
			continue
		}
		if err != nil {
			return t, append(problems, Problem{Message: err.Error()})
		}
		row := Row{Cells: make([]Cell, len(record))}
		for i, field := range record {
			line, col := r.FieldPos(i)
			row.Cells[i] = Cell{Text: strings.Clone(trim(field)), Line: line, Column: lines.column(line, col)}
			if what, bad := unprintable(row.Cells[i].Text); bad {
				problems = append(problems, Problem{line, row.Cells[i].Column, name(t.Columns, i), "the value holds " + what})
			}
		}
		row.Line = row.Cells[0].Line
		if first {
			first = false
			for _, c := range row.Cells {
				t.Columns = append(t.Columns, Column{Name: c.Text, Line: c.Line, Column: c.Column})
			}
			problems = append(problems, header(t.Columns)...)
			if len(t.Columns) == 1 && strings.ContainsAny(t.Columns[0].Name, ";\t") {
				return t, append(problems, Problem{Line: 1, Column: 1, Message: "the fields are not parted by commas: save the file as CSV with commas"})
			}
			continue
		}
		if blank(row) {
			continue
		}
		if got, want := len(row.Cells), len(t.Columns); got < want {
			problems = append(problems, Problem{row.Line, 1, "", fmt.Sprintf("the record has %d fields, the header has %d", got, want)})
		}
		problems = append(problems, checkRow(t.Columns, row)...)
		t.Rows = append(t.Rows, row)
	}
	if len(t.Columns) == 0 && len(problems) == 0 {
		problems = append(problems, Problem{Line: 1, Column: 1, Message: "the file is empty: expected a header line with the columns' names"})
	}
	return t, problems
}

func csvMistake(e *csv.ParseError) string {
	switch {
	case errors.Is(e.Err, csv.ErrQuote):
		m := `a quoted field is not closed, or something follows its closing quote: expected "..." with quotes inside doubled`
		if e.StartLine != e.Line {
			m += fmt.Sprintf(" (the record begins in line %d)", e.StartLine)
		}
		return m
	case errors.Is(e.Err, csv.ErrBareQuote):
		return `a quote stands inside a field that does not begin with one: put the field in quotes and double those inside`
	}
	return e.Err.Error()
}

func name(cols []Column, i int) string {
	if i < len(cols) {
		return cols[i].Name
	}
	return ""
}

func blank(r Row) bool {
	for _, c := range r.Cells {
		if c.Text != "" {
			return false
		}
	}
	return true
}

// lineStarts finds lines in a text, so that the reader's columns in bytes become columns in characters.
type lineStarts struct {
	text   []byte
	starts []int
}

func lineIndex(text []byte) lineStarts {
	l := lineStarts{text: text, starts: []int{0}}
	for i, b := range text {
		if b == '\n' {
			l.starts = append(l.starts, i+1)
		}
	}
	return l
}

func (l lineStarts) column(line, byteColumn int) int {
	if line < 1 || line > len(l.starts) || byteColumn < 1 {
		return 1
	}
	from := l.starts[line-1]
	to := min(from+byteColumn-1, len(l.text))
	return utf8.RuneCount(l.text[from:to]) + 1
}

func writeCSV(w io.Writer, t Table) error {
	cw := csv.NewWriter(w)
	record := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		record[i] = c.Name
	}
	if err := cw.Write(record); err != nil {
		return err
	}
	for _, r := range t.Rows {
		clear(record)
		for i, c := range r.Cells {
			record[i] = c.Text
		}
		if err := cw.Write(record); err != nil {
			return err
		}
	}
	cw.Flush()
	return cw.Error()
}
