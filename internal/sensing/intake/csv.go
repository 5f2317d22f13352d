package intake

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// table is a file of measurements, record by record. All cells are text.
type table interface {
	// columns are the names so far. A CSV file's are fixed; a GeoJSON file's grow with its features.
	columns() []string
	// next reads a record, which is valid until the next call; io.EOF at the end. A Problem is a record that can't be read,
	// after which next goes on; any other error is the end.
	next(*record) error
}

// record is one row or feature.
type record struct {
	line  int
	cells []string                     // by column; shorter where the last columns have nothing
	place func(int) (line, column int) // of a cell
}

// csvTable reads CSV.
type csvTable struct {
	file    string
	names   []string
	r       *csv.Reader
	track   *tracker
	skipped int
	gb      bool // the text was GB 18030
}

var _ table = (*csvTable)(nil)

// openCSV reads the header. The error is a Problem where the file is no such CSV.
func openCSV(file string, source io.Reader, l *Layout) (*csvTable, error) {
	in := bufio.NewReaderSize(source, 1<<16)
	mark, _ := in.Peek(3) // an error only says that the file is shorter
	switch {
	case bytes.Equal(mark, []byte("\xef\xbb\xbf")):
		if l.encoding.s == "gb18030" {
			return nil, Problem{File: file, Message: "the mapping says gb18030, but the file begins with the mark of UTF-8"}
		}
		_, _ = in.Discard(3) // the three bytes were just seen
	case bytes.HasPrefix(mark, []byte("\xff\xfe")), bytes.HasPrefix(mark, []byte("\xfe\xff")):
		return nil, Problem{File: file, Message: "the file is UTF-16: save it as UTF-8 or GB 18030"}
	case bytes.HasPrefix(mark, []byte("PK")), bytes.HasPrefix(mark, []byte{0x1f, 0x8b}):
		return nil, Problem{File: file, Message: "the file is packed or a spreadsheet: unpack it, or save it as CSV"}
	}
	t := &csvTable{file: file, skipped: l.skipLines, gb: l.encoding.s == "gb18030"}
	if t.gb {
		in = bufio.NewReaderSize(simplifiedchinese.GB18030.NewDecoder().Reader(in), 1<<16)
	}
	for range l.skipLines {
		for {
			_, err := in.ReadSlice('\n')
			if err == nil {
				break
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return nil, Problem{File: file, Message: fmt.Sprintf("the file ends within the %d lines to skip", l.skipLines)}
			}
		}
	}
	comma := l.comma(in)
	t.track = &tracker{r: in, file: file, line: l.skipLines + 1, column: 1}
	t.r = csv.NewReader(t.track)
	t.r.Comma = comma
	t.r.FieldsPerRecord = -1 // counted below, with a message that helps
	t.r.ReuseRecord = true
	return t, t.readHeader(l)
}

func (t *csvTable) readHeader(l *Layout) error {
	if len(l.header) > 0 {
		for _, h := range l.header {
			t.names = append(t.names, h.s)
		}
	} else {
		header, err := t.r.Read()
		if errors.Is(err, io.EOF) {
			return Problem{File: t.file, Message: "the file is empty: expected a header line with the columns' names"}
		} else if err != nil {
			return t.problem(err)
		}
		for i, h := range header {
			if p := t.unreadable(header, i); p != nil {
				return *p
			}
			t.names = append(t.names, strings.TrimSpace(h))
		}
		t.track.advance(t.r.InputOffset())
	}
	for i, c := range t.names {
		if c != "" && slices.Index(t.names, c) < i {
			return Problem{t.file, t.skipped + 1, 0, c, "two columns have this name"}
		}
	}
	return nil
}

func (t *csvTable) columns() []string { return t.names }

func (t *csvTable) next(into *record) error {
	t.track.advance(t.r.InputOffset())
	cells, err := t.r.Read()
	if errors.Is(err, io.EOF) {
		return err
	} else if err != nil {
		return t.problem(err)
	}
	line, _ := t.r.FieldPos(0)
	*into = record{line + t.skipped, cells, func(cell int) (int, int) { return t.place(cells, cell) }}
	if len(cells) != len(t.names) {
		return Problem{File: t.file, Line: into.line, Column: 1, Message: fmt.Sprintf("the row has %d fields, expected %d as the header has", len(cells), len(t.names))}
	}
	for i, c := range cells {
		if p := t.unreadable(cells, i); p != nil {
			return *p
		}
		cells[i] = strings.TrimSpace(c)
	}
	return nil
}

// place is a cell's line and its column in characters: the reader counts bytes.
func (t *csvTable) place(cells []string, cell int) (line, column int) {
	if cell >= len(cells) {
		return t.track.line, 1
	}
	line, column = t.r.FieldPos(cell)
	for i := range cell {
		if l, _ := t.r.FieldPos(i); l == line && !strings.Contains(cells[i], "\n") {
			column -= len(cells[i]) - utf8.RuneCountInString(cells[i])
		}
	}
	return line + t.skipped, max(column, 1)
}

func (t *csvTable) unreadable(cells []string, i int) *Problem {
	valid := utf8.ValidString(cells[i])
	if valid && !(t.gb && strings.ContainsRune(cells[i], utf8.RuneError)) {
		return nil
	}
	line, column := t.place(cells, i)
	p := &Problem{t.file, line, column, "", "the text is not UTF-8: for a file from Chinese Excel say encoding: gb18030"}
	if t.gb {
		p.Message = "the text is not GB 18030, as the mapping says"
	}
	if i < len(t.names) {
		p.Field = t.names[i]
	}
	return p
}

func (t *csvTable) problem(err error) error {
	var syntax *csv.ParseError
	var own Problem
	switch {
	case errors.As(err, &own):
		return fatal{own}
	case !errors.As(err, &syntax):
		return fmt.Errorf("%s: %w", t.file, err)
	}
	p := Problem{File: t.file, Line: syntax.Line + t.skipped, Column: syntax.Column, Message: syntax.Err.Error()}
	if errors.Is(syntax.Err, csv.ErrQuote) || errors.Is(syntax.Err, csv.ErrBareQuote) {
		p.Message = `a quote is out of place: expected "..." around the whole field, with quotes inside doubled`
	}
	return p
}

// fatal is a problem after which a file can't be read on.
type fatal struct{ Problem }

// comma is the declared delimiter, or that of the three which stands most often in the first line.
func (l *Layout) comma(in *bufio.Reader) rune {
	if c, ok := map[string]rune{"comma": ',', "semicolon": ';', "tab": '\t'}[l.delimiter.s]; ok {
		return c
	}
	start, _ := in.Peek(in.Size()) // an error only says that the file is shorter
	line, _, _ := strings.Cut(string(start), "\n")
	best := ','
	for _, c := range []rune{';', '\t'} {
		if strings.Count(line, string(c)) > strings.Count(line, string(best)) {
			best = c
		}
	}
	return best
}
