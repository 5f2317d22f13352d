package replay

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/anlan-city/anlan/internal/platform/textfile"
)

// table is one recorded file, read row by row. All cells are text.
type table struct {
	file    string // as shown in problems
	columns []string
	next    func(*row) error // io.EOF at the end; a Problem for a row that can't be read, after which next goes on
	close   func() error
}

// row is one record. It is only valid until the next.
type row struct {
	line       int
	cells      []string
	byteColumn func(cell int) int // nil where cells have no place of their own
}

// paths are the files that a source means.
func (s *Source) paths(dir string) ([]string, error) {
	pattern := filepath.Join(dir, filepath.FromSlash(s.File.s))
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("%q is not a file name or pattern", s.File.s)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("there is no file %s", pattern)
	}
	return paths, nil // Glob sorts
}

// open opens one recorded file.
func (s *Source) open(path string) (*table, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	t := &table{file: path, close: file.Close}
	in, err := textfile.Text(file)
	if err != nil {
		return nil, errors.Join(Problem{File: path, Message: err.Error()}, file.Close())
	}
	if s.Encoding.s == "gb18030" {
		in = bufio.NewReaderSize(simplifiedchinese.GB18030.NewDecoder().Reader(in), 1<<16)
	}
	switch s.format(path) {
	case "csv":
		err = s.openCSV(t, in)
	default:
		err = s.openJSON(t, in)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return t, nil
}

func (s *Source) format(path string) string {
	if s.Format.s != "" {
		return s.Format.s
	}
	switch filepath.Ext(strings.TrimSuffix(strings.ToLower(path), ".gz")) {
	case ".json", ".geojson":
		return "json"
	case ".jsonl", ".ndjson":
		return "jsonl"
	}
	return "csv"
}

func (s *Source) openCSV(t *table, in *bufio.Reader) error {
	for range s.SkipLines {
		if _, err := in.ReadString('\n'); err != nil {
			return Problem{File: t.file, Message: fmt.Sprintf("the file ends within the %d lines to skip", s.SkipLines)}
		}
	}
	r := csv.NewReader(in)
	r.Comma = s.comma(in)
	r.FieldsPerRecord = -1 // counted below, with a message that helps
	r.ReuseRecord = true
	if len(s.Header) > 0 {
		for _, h := range s.Header {
			t.columns = append(t.columns, h.s)
		}
	} else {
		header, err := r.Read()
		if errors.Is(err, io.EOF) {
			return Problem{File: t.file, Message: "the file is empty: expected a header line with the columns' names"}
		} else if err != nil {
			return csvProblem(t.file, s.SkipLines, err)
		}
		for _, h := range header {
			t.columns = append(t.columns, strings.TrimSpace(h))
		}
	}
	for i, c := range t.columns {
		if c != "" && slices.Index(t.columns, c) < i {
			return Problem{t.file, s.SkipLines + 1, 0, c, "two columns have this name"}
		}
	}
	t.next = func(into *row) error {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return err
		} else if err != nil {
			return csvProblem(t.file, s.SkipLines, err)
		}
		line, _ := r.FieldPos(0)
		*into = row{line + s.SkipLines, cells, func(cell int) int { _, col := r.FieldPos(cell); return col }}
		if len(cells) != len(t.columns) {
			return Problem{File: t.file, Line: into.line, Column: 1,
				Message: fmt.Sprintf("the row has %d fields, the header has %d", len(cells), len(t.columns))}
		}
		for i, c := range cells {
			if !utf8.ValidString(c) {
				return Problem{t.file, into.line, into.byteColumn(i), t.columns[i],
					"the text is not UTF-8: for a file from Chinese Excel say encoding: gb18030"}
			}
		}
		return nil
	}
	return nil
}

func csvProblem(file string, skipped int, err error) error {
	var syntax *csv.ParseError
	if !errors.As(err, &syntax) {
		return fmt.Errorf("%s: %w", file, err)
	}
	p := Problem{File: file, Line: syntax.Line + skipped, Column: syntax.Column, Message: syntax.Err.Error()}
	if errors.Is(syntax.Err, csv.ErrQuote) || errors.Is(syntax.Err, csv.ErrBareQuote) {
		p.Message = `a quote is out of place: expected "..." around the whole field, with quotes inside doubled`
	}
	return p
}

// comma is the declared delimiter, or that of the three which stands most often in the first line.
func (s *Source) comma(in *bufio.Reader) rune {
	known := map[string]rune{"comma": ',', "semicolon": ';', "tab": '\t'}
	if c, ok := known[s.Delimiter.s]; ok {
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

// openJSON reads a whole file of JSON records, since only then all their fields are known. Fields of nested objects are
// columns such as payload.value.
func (s *Source) openJSON(t *table, in io.Reader) error {
	content, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("%s: %w", t.file, err)
	}
	var starts []int // of lines
	for i := range content {
		if i == 0 || content[i-1] == '\n' {
			starts = append(starts, i)
		}
	}
	line := func(offset int64) int { return sort.SearchInts(starts, int(offset)+1) }

	d := json.NewDecoder(bytes.NewReader(content))
	d.UseNumber() // a number's text stays as it was written
	mistake := func(err error) error {
		offset := d.InputOffset()
		// The decoder's own count leaves out what lies between values, so the broken value is read once more by itself.
		begin := max(0, offset+int64(bytes.IndexAny(content[offset:], "{["))) // at worst one before the offset
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) && errors.As(json.Unmarshal(content[begin:], new(any)), &syntax) {
			offset = begin + syntax.Offset - 1
		}
		l := line(offset)
		p := Problem{File: t.file, Line: l, Message: err.Error()}
		if l > 0 {
			p.Column = int(offset) - starts[l-1] + 1
		}
		return p
	}
	if s.format(t.file) == "json" {
		if err := enterArray(d, s.Records.s); err != nil {
			return mistake(err)
		}
	}
	type record struct {
		line   int
		fields map[string]string
	}
	var records []record
	index := map[string]bool{}
	for d.More() {
		var object map[string]any
		before := d.InputOffset()
		if err := d.Decode(&object); err != nil {
			return mistake(err)
		}
		// The offset stands behind the previous record; the record itself begins with the next brace.
		begin := before + int64(bytes.IndexByte(content[before:], '{'))
		r := record{line(begin), map[string]string{}}
		flatten("", object, r.fields)
		records = append(records, r)
		for c := range r.fields {
			if !index[c] {
				index[c] = true
				t.columns = append(t.columns, c)
			}
		}
	}
	if len(records) == 0 {
		return Problem{File: t.file, Message: "the file holds no records"}
	}
	slices.Sort(t.columns)
	cells := make([]string, len(t.columns))
	t.next = func(into *row) error {
		if len(records) == 0 {
			return io.EOF
		}
		r := records[0]
		records = records[1:]
		for i, c := range t.columns {
			cells[i] = r.fields[c] // an absent field is an empty cell, as null is
		}
		*into = row{line: r.line, cells: cells}
		return nil
	}
	return nil
}

// enterArray reads up to the first element of the array at a path of keys, or at the top.
func enterArray(d *json.Decoder, path string) error {
	var keys []string
	if path != "" {
		keys = strings.Split(path, ".")
	}
	for _, key := range keys {
		if t, err := d.Token(); err != nil {
			return err
		} else if t != json.Delim('{') {
			return fmt.Errorf("expected an object with %q, as records: says", key)
		}
		for {
			if !d.More() {
				return fmt.Errorf("there is no %q, which records: names", key)
			}
			t, err := d.Token()
			if err != nil {
				return err
			}
			if t == key {
				break
			}
			var skipped json.RawMessage
			if err := d.Decode(&skipped); err != nil {
				return err
			}
		}
	}
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('[') {
		return errors.New("expected an array of records; if it lies deeper, say where with records: KEY.KEY, and for one object a line say format: jsonl")
	}
	return nil
}

func flatten(prefix string, object map[string]any, into map[string]string) {
	for k, v := range object {
		switch v := v.(type) {
		case nil:
		case map[string]any:
			flatten(prefix+k+".", v, into)
		case string:
			into[prefix+k] = v
		case json.Number:
			into[prefix+k] = v.String()
		case bool:
			into[prefix+k] = fmt.Sprint(v)
		case []any:
			for i, element := range v { // such as the coordinates of a GeoJSON point: coordinates.0
				flatten(prefix, map[string]any{fmt.Sprintf("%s.%d", k, i): element}, into)
			}
		}
	}
}
