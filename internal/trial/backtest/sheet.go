package backtest

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/moment"
	"github.com/anlan-city/anlan/internal/platform/textfile"
)

// Problem is something wrong in a file, at the place where a person can mend it.
type Problem struct {
	File  string
	Line  int    // from 1
	Field string // the column
	What  string
}

func (p Problem) Error() string {
	if p.Field == "" {
		return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.What)
	}
	return fmt.Sprintf("%s:%d: %s: %s", p.File, p.Line, p.Field, p.What)
}

// maxProblems is how many are told at once.
const maxProblems = 20

// sheet is a CSV file with a header of known columns, read row by row, gzipped or not.
type sheet struct {
	file     string
	columns  []string
	problems []error

	line  int
	cells []string
}

// readSheet calls each for every row of a file that has the needed columns and no other than these and the optional ones.
// All problems come at once, as far as there are not too many.
func readSheet(file string, in io.Reader, needed, optional []string, each func(s *sheet)) error {
	s := &sheet{file: file}
	text, err := textfile.Text(in)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	r := csv.NewReader(text)
	r.ReuseRecord = true
	r.FieldsPerRecord = -1 // counted below, with a message that helps
	r.Comment = '#'
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return Problem{file, 1, "", "the file is empty: expected a header with the columns " + strings.Join(needed, ", ")}
	} else if err != nil {
		return s.broken(err)
	}
	s.line, _ = r.FieldPos(0)
	known := slices.Concat(needed, optional)
	for _, c := range header {
		c = strings.TrimSpace(c)
		switch {
		case slices.Contains(s.columns, c):
			s.say(c, "the column stands there twice")
		case !slices.Contains(known, c):
			s.say(c, "unknown column%s; there are %s", pack.Suggest(c, known), strings.Join(known, ", "))
		}
		s.columns = append(s.columns, c)
	}
	for _, c := range needed {
		if !slices.Contains(s.columns, c) {
			s.say(c, "the column is missing")
		}
	}
	if len(s.problems) > 0 { // the rows would say the same again
		return errors.Join(s.problems...)
	}
	for len(s.problems) < maxProblems {
		s.cells, err = r.Read()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return s.broken(err)
		}
		s.line, _ = r.FieldPos(0)
		if len(s.cells) != len(s.columns) {
			s.say("", "the row has %d fields, the header has %d", len(s.cells), len(s.columns))
			continue
		}
		each(s)
	}
	return errors.Join(s.problems...)
}

func openSheet(file string, needed, optional []string, each func(s *sheet)) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close() // it was only read
	return readSheet(file, f, needed, optional, each)
}

func (s *sheet) broken(err error) error {
	var syntax *csv.ParseError
	if errors.As(err, &syntax) {
		return Problem{s.file, syntax.Line, "", syntax.Err.Error()}
	}
	return fmt.Errorf("%s: %w", s.file, err)
}

func (s *sheet) say(field, format string, args ...any) {
	s.problems = append(s.problems, Problem{s.file, max(s.line, 1), field, fmt.Sprintf(format, args...)})
}

// text is a cell, empty where there is no such column.
func (s *sheet) text(column string) string {
	i := slices.Index(s.columns, column)
	if i < 0 {
		return ""
	}
	return strings.TrimSpace(s.cells[i])
}

// list is a cell that may hold several words, parted by semicolons.
func (s *sheet) list(column string) []string {
	var out []string
	for w := range strings.SplitSeq(s.text(column), ";") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// time is a cell with a time, in microseconds. empty is what an empty cell stands for.
func (s *sheet) time(column string, empty int64) (int64, bool) {
	cell := s.text(column)
	if cell == "" && empty != 0 {
		return empty, true
	}
	iso, err := moment.New("iso", nil)
	if err != nil {
		panic(err) // a format of ours
	}
	us, _, err := iso.Read(cell)
	if err != nil {
		s.say(column, "expected a time with its offset, such as 2026-11-23T03:00:00Z or 2026-11-23 11:00:00+08:00, got %.60q", cell)
		return 0, false
	}
	return us, true
}

func (s *sheet) number(column string) (float64, bool) {
	v, err := strconv.ParseFloat(s.text(column), 64)
	if err != nil || v-v != 0 { // neither NaN nor infinite
		s.say(column, "expected a number, got %.60q", s.text(column))
		return 0, false
	}
	return v, true
}
