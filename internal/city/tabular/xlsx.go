package tabular

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

const (
	// maxUnzipped bounds what a spreadsheet may unfold to, against files that are small only when packed.
	maxUnzipped = 1 << 30
	// maxUnzippedInMemory is above what a sheet is unfolded to a temporary file.
	maxUnzippedInMemory = 64 << 20
	// MaxSheetCell is the number of characters that a spreadsheet's cell can hold.
	MaxSheetCell = excelize.TotalCellChars
)

func readXLSX(file []byte, sheet string) (t Table, problems []Problem) {
	// The library has panicked on damaged files before; a damaged file is the sender's mistake, not ours.
	defer func() {
		if p := recover(); p != nil {
			t, problems = Table{}, []Problem{{Message: fmt.Sprintf("the file is damaged: %v", p)}}
		}
	}()
	switch {
	case bytes.HasPrefix(file, []byte("\xD0\xCF\x11\xE0")):
		return t, []Problem{{Message: "the file is in the old Excel format or has a password: save it as .xlsx without one"}}
	case !bytes.HasPrefix(file, []byte("PK")):
		return t, []Problem{{Message: "the file is not a spreadsheet: expected .xlsx"}}
	}
	f, err := excelize.OpenReader(bytes.NewReader(file), excelize.Options{
		RawCellValue: true, UnzipSizeLimit: maxUnzipped, UnzipXMLSizeLimit: maxUnzippedInMemory})
	if err != nil {
		return t, []Problem{{Message: "the file is not a readable spreadsheet: " + err.Error()}}
	}
	defer f.Close()
	sheets := f.GetSheetList()
	if len(sheets) == 0 {
		return t, []Problem{{Message: "the file has no sheet"}}
	}
	if sheet == "" {
		sheet = sheets[0]
	} else if i, err := f.GetSheetIndex(sheet); err != nil || i < 0 {
		return t, []Problem{{Message: fmt.Sprintf("there is no sheet %q, only %s", sheet, strings.Join(sheets, ", "))}}
	}
	rows, err := f.Rows(sheet)
	if err != nil {
		return t, []Problem{{Message: err.Error()}}
	}
	defer rows.Close()
	for line := 1; rows.Next(); line++ {
		fields, err := rows.Columns(excelize.Options{RawCellValue: true})
		if err != nil {
			return t, append(problems, Problem{Line: line, Message: err.Error()})
		}
		row := Row{Line: line, Cells: make([]Cell, len(fields))}
		for i, s := range fields {
			row.Cells[i] = Cell{Text: trim(s), Line: line, Column: i + 1}
			if what, bad := unprintable(row.Cells[i].Text); bad {
				problems = append(problems, Problem{line, i + 1, name(t.Columns, i), "the value holds " + what})
			}
		}
		if blank(row) {
			continue
		}
		if t.Columns == nil {
			for _, c := range row.Cells {
				t.Columns = append(t.Columns, Column{Name: c.Text, Line: c.Line, Column: c.Column})
			}
			problems = append(problems, header(t.Columns)...)
			continue
		}
		// A row ends with its last filled cell; the rest are empty cells, not absent ones.
		for i := len(row.Cells); i < len(t.Columns); i++ {
			row.Cells = append(row.Cells, Cell{Line: line, Column: i + 1})
		}
		problems = append(problems, checkRow(t.Columns, row)...)
		t.Rows = append(t.Rows, row)
	}
	if err := rows.Error(); err != nil {
		problems = append(problems, Problem{Message: err.Error()})
	}
	if t.Columns == nil && len(problems) == 0 {
		problems = append(problems, Problem{Line: 1, Column: 1, Message: "the sheet is empty: expected a row with the columns' names"})
	}
	return t, problems
}

func writeXLSX(w io.Writer, sheet string, t Table) error {
	f := excelize.NewFile()
	defer f.Close()
	if err := f.SetSheetName(f.GetSheetName(0), sheet); err != nil {
		return err
	}
	sw, err := f.NewStreamWriter(sheet)
	if err != nil {
		return err
	}
	if err := sw.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	values := make([]any, len(t.Columns))
	for i, c := range t.Columns {
		values[i] = c.Name
	}
	if err := sw.SetRow("A1", values); err != nil {
		return err
	}
	for n, r := range t.Rows {
		clear(values)
		for i, c := range r.Cells {
			if n := utf8.RuneCountInString(c.Text); n > MaxSheetCell {
				return fmt.Errorf("row %d, column %s: the value has %d characters and a cell of a spreadsheet holds %d; export as GeoJSON or CSV",
					r.Line, t.Columns[i].Name, n, MaxSheetCell)
			}
			values[i] = c.Text
			if t.Columns[i].Number && c.Text != "" {
				if x, err := strconv.ParseFloat(c.Text, 64); err == nil {
					values[i] = x
				}
			}
		}
		if err := sw.SetRow("A"+strconv.Itoa(n+2), values); err != nil {
			return err
		}
	}
	if err := sw.Flush(); err != nil {
		return err
	}
	return f.Write(w)
}
