package sta

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/anlan-city/anlan/internal/platform/web"
)

// node is a JSON value of a request with its place, so that an error can name line and column.
type node struct {
	kind   jsontext.Kind
	text   string // of a string: its characters; of a number: how it was written
	raw    []byte // the value as it was written
	at     int    // the place of its first byte
	fields []member
	items  []*node
}

type member struct {
	name  string
	at    int
	value *node
}

// maxNesting bounds how deep JSON may nest: entities in each other as well as the values of a property.
const maxNesting = 64

func (n *node) null() bool { return n.kind == 'n' }

// compact is the value as it is stored.
func (n *node) compact() string {
	v := jsontext.Value(bytes.Clone(n.raw))
	if err := v.Compact(); err != nil {
		return string(n.raw) // it has been read once, so it is valid
	}
	return string(v)
}

// what names the kind of a value in an error.
func (n *node) what() string {
	switch n.kind {
	case 'n':
		return "null"
	case 't', 'f':
		return "a truth value"
	case '"':
		return "a text"
	case '0':
		return "a number"
	case '[':
		return "an array"
	}
	return "an object"
}

// readJSON reads one JSON value that is all of src. The error is a *web.Error with line and column.
func readJSON(src []byte) (*node, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(src))
	n, err := readNode(dec, src, 0)
	if err == nil {
		_, err = dec.ReadToken()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err == nil {
			err = badJSON(src, int(dec.InputOffset())-1, "something follows the end of the JSON")
		}
	}
	var known *web.Error
	if errors.As(err, &known) {
		return nil, known
	}
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return nil, badJSON(src, len(src), "the JSON ends before it is complete")
	case errors.As(err, &syntax):
		return nil, badJSON(src, int(syntax.ByteOffset), strings.TrimPrefix(syntax.Err.Error(), "jsontext: "))
	}
	return nil, badJSON(src, int(dec.InputOffset()), err.Error())
}

func badJSON(src []byte, at int, message string) *web.Error {
	e := web.Errorf(http.StatusBadRequest, "sensing.bad_json", "%s", message)
	e.Line, e.Column = place(src, at)
	return e
}

// place is the line and column, from 1, of a byte.
func place(src []byte, at int) (line, column int) {
	before := src[:min(max(at, 0), len(src))]
	line = bytes.Count(before, []byte("\n")) + 1
	return line, len([]rune(string(before[bytes.LastIndexByte(before, '\n')+1:]))) + 1
}

func readNode(dec *jsontext.Decoder, src []byte, depth int) (*node, error) {
	at := start(src, int(dec.InputOffset()))
	if depth > maxNesting {
		return nil, badJSON(src, at, fmt.Sprintf("the JSON nests deeper than %d levels", maxNesting))
	}
	tok, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	n := &node{kind: tok.Kind(), at: at}
	switch n.kind {
	case '"', '0':
		n.text = tok.String()
	case '{':
		for dec.PeekKind() != '}' {
			at := start(src, int(dec.InputOffset()))
			name, err := dec.ReadToken()
			if err != nil {
				return nil, err
			}
			m := member{name: name.String(), at: at}
			if strings.IndexByte(m.name, 0) >= 0 {
				return nil, badJSON(src, at, "a name holds the character U+0000, which is not stored")
			}
			if m.value, err = readNode(dec, src, depth+1); err != nil {
				return nil, err
			}
			n.fields = append(n.fields, m)
		}
		if _, err := dec.ReadToken(); err != nil {
			return nil, err
		}
	case '[':
		for dec.PeekKind() != ']' {
			item, err := readNode(dec, src, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, item)
		}
		if _, err := dec.ReadToken(); err != nil {
			return nil, err
		}
	}
	if n.kind == '"' && strings.IndexByte(n.text, 0) >= 0 {
		return nil, badJSON(src, at, "a text holds the character U+0000, which is not stored")
	}
	n.raw = src[at:dec.InputOffset()]
	return n, nil
}

// start is where the value after an offset begins.
func start(src []byte, at int) int {
	for at < len(src) && strings.IndexByte(" \t\r\n,:", src[at]) >= 0 {
		at++
	}
	return at
}

// problems collects all that is wrong with a request.
type problems struct {
	src  []byte
	list []web.Detail
}

// maxProblems is how many an answer lists.
const maxProblems = 50

func (p *problems) add(field string, at int, format string, args ...any) {
	if len(p.list) >= maxProblems {
		return
	}
	d := web.Detail{Message: fmt.Sprintf(format, args...), Field: field}
	d.Line, d.Column = place(p.src, at)
	p.list = append(p.list, d)
}

// err is one error that lists all problems, nil if there are none.
func (p *problems) err() error {
	switch len(p.list) {
	case 0:
		return nil
	case 1:
		d := p.list[0]
		e := web.Errorf(http.StatusBadRequest, "sensing.bad_entity", "%s", d.Message).At(d.Field)
		e.Line, e.Column = d.Line, d.Column
		return e
	}
	said := make([]string, len(p.list))
	for i, d := range p.list {
		said[i] = strings.TrimPrefix(d.Field+": "+d.Message, ": ")
	}
	e := web.Errorf(http.StatusBadRequest, "sensing.bad_entity", "%d things are wrong: %s", len(p.list), strings.Join(said, "; "))
	e.Field, e.Line, e.Column = p.list[0].Field, p.list[0].Line, p.list[0].Column
	e.Errors = p.list
	return e
}
