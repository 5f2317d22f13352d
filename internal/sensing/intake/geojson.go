package intake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// FeatureID is the column of a feature's own id; all others are its properties.
const FeatureID = "@id"

// geojsonTable reads a FeatureCollection (RFC 7946), feature by feature. Properties inside properties are columns such as
// meta.station, elements of lists levels.0. Geometries are skipped: a reading belongs to a datastream, which has its place.
type geojsonTable struct {
	file    string
	dec     *jsontext.Decoder
	track   *tracker
	names   []string
	index   map[string]int
	kind    string // of the collection, where that has been read
	inside  bool   // among the features
	offsets []int64
}

var _ table = (*geojsonTable)(nil)

func openGeoJSON(file string, source io.Reader) (*geojsonTable, error) {
	t := &geojsonTable{file: file, index: map[string]int{}, track: &tracker{r: source, file: file, line: 1, column: 1}}
	t.dec = jsontext.NewDecoder(skipMark(t.track), jsontext.AllowDuplicateNames(true))
	if k := t.dec.PeekKind(); k != '{' {
		if _, err := t.dec.ReadToken(); err != nil {
			return nil, t.syntax(err)
		}
		return nil, t.expected("a GeoJSON FeatureCollection")
	}
	if _, err := t.dec.ReadToken(); err != nil {
		return nil, t.syntax(err)
	}
	return t, t.members()
}

// skipMark leaves out a byte-order mark, which RFC 8259 lets a reader ignore.
func skipMark(r io.Reader) io.Reader {
	start := make([]byte, 3)
	n, _ := io.ReadFull(r, start) // an error only says that the file is shorter, and comes again
	if n == 3 && string(start) == "\xef\xbb\xbf" {
		start = []byte("   ") // so that offsets stay
	}
	return io.MultiReader(bytes.NewReader(start[:n]), r)
}

func (t *geojsonTable) columns() []string { return t.names }

// members reads the collection's members up to the features, or to its end.
func (t *geojsonTable) members() error {
	for {
		token, err := t.dec.ReadToken()
		if err != nil {
			return t.syntax(err)
		}
		if token.Kind() == '}' {
			return nil
		}
		switch token.String() {
		case "features":
			if t.inside = t.dec.PeekKind() == '['; !t.inside {
				return t.expected("a list of features")
			}
			if _, err := t.dec.ReadToken(); err != nil {
				return t.syntax(err)
			}
			return nil
		case "type":
			v, err := t.dec.ReadValue()
			if err != nil {
				return t.syntax(err)
			}
			if t.kind, err = strconv.Unquote(string(v)); err != nil || t.kind != "FeatureCollection" {
				return t.expected("a GeoJSON FeatureCollection, and this is %s", v)
			}
		default:
			if err := t.dec.SkipValue(); err != nil {
				return t.syntax(err)
			}
		}
	}
}

func (t *geojsonTable) next(into *record) error {
	t.track.advance(t.dec.InputOffset())
	for t.inside && t.dec.PeekKind() == ']' {
		if _, err := t.dec.ReadToken(); err != nil {
			return t.syntax(err)
		}
		t.inside = false
		if err := t.members(); err != nil { // type may stand behind the features
			return err
		}
	}
	if !t.inside {
		if t.kind != "FeatureCollection" {
			return fatal{Problem{t.file, 1, 1, "type", "expected a GeoJSON FeatureCollection with features"}}
		}
		if _, err := t.dec.ReadToken(); !errors.Is(err, io.EOF) {
			return t.expected("the end of the file behind the FeatureCollection")
		}
		return io.EOF
	}
	return t.feature(into)
}

// feature reads one feature as a whole, and then its members.
func (t *geojsonTable) feature(into *record) error {
	raw, err := t.dec.ReadValue()
	if err != nil {
		return t.syntax(err)
	}
	begin := t.dec.InputOffset() - int64(len(raw))
	line, column := t.track.place(begin)
	cells := into.cells[:0]
	t.offsets = t.offsets[:0]
	f := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true))
	isFeature, err := t.take(f, begin, &cells)
	*into = record{line, cells, func(cell int) (int, int) {
		if cell < len(t.offsets) && t.offsets[cell] > 0 {
			return t.track.place(t.offsets[cell])
		}
		return line, column
	}}
	if err != nil {
		return Problem{t.file, line, column, "", err.Error()}
	}
	if !isFeature {
		return Problem{t.file, line, column, "type", `expected an object of type "Feature"`}
	}
	return nil
}

func (t *geojsonTable) take(f *jsontext.Decoder, begin int64, cells *[]string) (isFeature bool, err error) {
	if f.PeekKind() != '{' {
		return false, nil
	}
	_, err = f.ReadToken()
	for err == nil && f.PeekKind() != '}' {
		var token jsontext.Token
		if token, err = f.ReadToken(); err != nil {
			break
		}
		switch token.String() {
		case "type":
			var v jsontext.Value
			v, err = f.ReadValue()
			isFeature = string(v) == `"Feature"`
		case "id":
			err = t.flatten(f, FeatureID, begin, cells)
		case "properties":
			if k := f.PeekKind(); k != '{' && k != 'n' {
				return isFeature, errors.New("properties: expected an object")
			}
			err = t.flatten(f, "", begin, cells)
		default:
			err = f.SkipValue()
		}
	}
	return isFeature, err
}

// flatten puts a value into the cell of its name, and what lies inside it into cells of names with dots.
func (t *geojsonTable) flatten(f *jsontext.Decoder, name string, begin int64, cells *[]string) error {
	switch kind := f.PeekKind(); kind {
	case '{', '[':
		if _, err := f.ReadToken(); err != nil {
			return err
		}
		for i := 0; f.PeekKind() != kind+2; i++ { // } stands two behind { as ] does behind [
			inner := strconv.Itoa(i)
			if kind == '{' {
				token, err := f.ReadToken()
				if err != nil {
					return err
				}
				inner = token.String()
			}
			if name != "" {
				inner = name + "." + inner
			}
			if err := t.flatten(f, inner, begin, cells); err != nil {
				return err
			}
		}
		_, err := f.ReadToken()
		return err
	case 'n':
		return f.SkipValue()
	default:
		v, err := f.ReadValue()
		if err != nil {
			return err
		}
		text := string(v)
		if kind == '"' {
			unquoted, err := jsontext.AppendUnquote(nil, v)
			if err != nil {
				return err
			}
			text = string(unquoted)
		}
		return t.put(name, text, begin+f.InputOffset()-int64(len(v)), cells)
	}
}

// maxColumns bounds how many names all features together may have: someone's ids as names would fill the memory.
const maxColumns = 10_000

func (t *geojsonTable) put(name, text string, offset int64, cells *[]string) error {
	i, ok := t.index[name]
	if !ok {
		if len(t.names) == maxColumns {
			return fmt.Errorf("more than %d different properties", maxColumns)
		}
		i = len(t.names)
		t.index[name], t.names = i, append(t.names, name)
	}
	for len(*cells) <= i {
		*cells = append(*cells, "")
	}
	for len(t.offsets) <= i {
		t.offsets = append(t.offsets, 0)
	}
	(*cells)[i], t.offsets[i] = text, offset
	return nil
}

func (t *geojsonTable) expected(format string, args ...any) error {
	line, column := t.track.place(t.dec.InputOffset())
	return fatal{Problem{t.file, line, column, "", "expected " + fmt.Sprintf(format, args...)}}
}

// syntax is the end of the file: what follows a slip in JSON can't be told apart.
func (t *geojsonTable) syntax(err error) error {
	var own Problem
	if errors.As(err, &own) {
		return fatal{own}
	}
	at, message := t.dec.InputOffset(), err.Error()
	var s *jsontext.SyntacticError
	if errors.As(err, &s) {
		at, message = s.ByteOffset, s.Err.Error()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		at, message = t.track.from+int64(len(t.track.window)), "the file ends too early"
	}
	line, column := t.track.place(at)
	return fatal{Problem{t.file, line, column, "", "not valid JSON: " + message}}
}
