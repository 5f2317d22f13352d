package intake

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxRecord bounds one row or feature in bytes: behind a quote that is not closed the rest of the file would be one.
const maxRecord = 4 << 20

// tracker knows in which line and column of a stream an offset lies. It holds the bytes that were read and not yet passed.
type tracker struct {
	r            io.Reader
	file         string
	window       []byte
	from         int64 // offset of window[0]
	line, column int   // of window[0], from 1
}

func (t *tracker) Read(p []byte) (int, error) {
	if len(t.window) > maxRecord {
		return 0, Problem{File: t.file, Line: t.line, Column: t.column,
			Message: fmt.Sprintf("what begins here is longer than %d MB: a quote or a brace that is not closed?", maxRecord>>20)}
	}
	n, err := t.r.Read(p)
	t.window = append(t.window, p[:n]...)
	return n, err
}

// advance passes everything before an offset.
func (t *tracker) advance(to int64) {
	n := min(max(to-t.from, 0), int64(len(t.window)))
	t.line, t.column = walk(t.window[:n], t.line, t.column)
	t.window, t.from = t.window[n:], t.from+n
}

// place is where an offset lies that was not passed.
func (t *tracker) place(offset int64) (line, column int) {
	n := min(max(offset-t.from, 0), int64(len(t.window)))
	return walk(t.window[:n], t.line, t.column)
}

func walk(b []byte, line, column int) (int, int) {
	if n := bytes.Count(b, []byte{'\n'}); n > 0 {
		line, column = line+n, 1
		b = b[bytes.LastIndexByte(b, '\n')+1:]
	}
	return line, column + utf8.RuneCount(b)
}
