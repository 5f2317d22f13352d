package sta

import (
	"bytes"
	"fmt"
	"net/http"
	"runtime"

	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

const (
	// yieldEvery is after how many rows others get a turn.
	yieldEvery = 512

	// maxBulk bounds the body of CreateObservations, maxRows the Observations in it; maxUploads what such bodies take together
	// while they arrive, maxBulkUnderWay what they take once they are there, as a multiple of their sizes.
	maxBulk         = 16 << 20
	maxRows         = 250_000
	maxUploads      = 256 << 20
	maxBulkUnderWay = 128 << 20
	bulkFactor      = 4

	// appendAtOnce is how many readings the log takes in one row.
	appendAtOnce = 50_000
)

// arrays is a body of CreateObservations: Observations as rows of values, grouped by Datastream.
type arrays struct {
	scan     scanner
	readings []sensing.Reading // of the rows that could be read
	rows     int
	wrong    map[int]string // why a row could not be taken, by its place among all
	stamp    func() int64
}

// group is one element of the body.
type group struct {
	datastream int64
	components []component
	rowsAt     int // where dataArray stands, if it came before what it needs; -1
	rows       bool
}

// component is what a column of the rows holds.
type component uint8

const (
	compTime component = iota
	compResult
	compResultTime
	compQuality
	compValidTime
	compParameters
	compFeature
)

// componentNames are as the standard writes them.
var componentNames = []string{"phenomenonTime", "result", "resultTime", "resultQuality", "validTime", "parameters", "FeatureOfInterest/id"}

// bad is what is wrong with the JSON itself, or with a group: nothing of the body is taken.
func (a *arrays) bad(format string, args ...any) error {
	if len(bytes.TrimSpace(a.scan.b)) == 0 {
		return badJSON(a.scan.b, 0, "the body is empty")
	}
	// What is no JSON at all is told by its place.
	if _, err := readJSON(a.scan.b); err != nil {
		return err
	}
	e := web.Errorf(http.StatusBadRequest, "sensing.bad_data_array", format, args...)
	e.Line, e.Column = place(a.scan.b, a.scan.i)
	return e
}

const wantArrays = `expected an array of {"Datastream": {"@iot.id": 1}, "components": [...], "dataArray": [[...], ...]}`

// read takes the body apart.
func (a *arrays) read() error {
	s := &a.scan
	if !s.take('[') {
		return a.bad(wantArrays)
	}
	if s.take(']') {
		return a.end()
	}
	for {
		if err := a.group(); err != nil {
			return err
		}
		if s.take(',') {
			continue
		}
		if !s.take(']') {
			return a.bad(wantArrays)
		}
		return a.end()
	}
}

func (a *arrays) end() error {
	if a.scan.peek(); a.scan.i < len(a.scan.b) {
		return a.bad("something follows the end of the JSON")
	}
	return nil
}

// group reads one Datastream's rows.
func (a *arrays) group() error {
	s, g := &a.scan, group{rowsAt: -1}
	if !s.take('{') {
		return a.bad(wantArrays)
	}
	for first := true; ; first = false {
		if first && s.peek() == '}' {
			s.i++
			break
		}
		key, ok := s.text()
		if !ok || !s.take(':') {
			return a.bad(wantArrays)
		}
		if err := a.member(&g, string(key)); err != nil {
			return err
		}
		if s.take(',') {
			continue
		}
		if !s.take('}') {
			return a.bad(wantArrays)
		}
		break
	}
	switch {
	case g.datastream == 0:
		return a.bad(`a group names no Datastream, as {"@iot.id": 1}`)
	case g.components == nil:
		return a.bad("a group names no components, such as [\"phenomenonTime\", \"result\"]")
	case !g.rows && g.rowsAt < 0:
		return a.bad("a group has no dataArray")
	case g.rowsAt >= 0:
		after := s.i
		s.i = g.rowsAt
		if err := a.table(&g); err != nil {
			return err
		}
		s.i = after
	}
	return nil
}

func (a *arrays) member(g *group, key string) error {
	s := &a.scan
	switch key {
	case "Datastream":
		if g.datastream != 0 {
			return a.bad("a group names its Datastream twice")
		}
		id, ok := s.link()
		if !ok {
			return a.bad(`expected a Datastream as {"@iot.id": 1}`)
		}
		g.datastream = id
		return nil
	case "components":
		if g.components != nil {
			return a.bad("a group names its components twice")
		}
		return a.components(g)
	case "dataArray":
		if g.rows || g.rowsAt >= 0 {
			return a.bad("a group has two dataArrays")
		}
		if g.datastream == 0 || g.components == nil {
			s.space()
			g.rowsAt = s.i
			if _, ok := s.skip(); !ok {
				return a.bad("the dataArray does not end")
			}
			return nil
		}
		return a.table(g)
	case "dataArray@iot.count":
		if _, ok := s.number(); !ok {
			return a.bad("expected dataArray@iot.count as a number")
		}
		return nil
	}
	return a.bad("a group has no member %s%s", shorten(key), odata.DidYouMean(key, []string{"Datastream", "components", "dataArray", "dataArray@iot.count"}))
}

func (a *arrays) components(g *group) error {
	s := &a.scan
	if !s.take('[') {
		return a.bad("expected components as an array of names")
	}
	seen := 0
	for {
		name, ok := s.text()
		if !ok {
			return a.bad("expected components as an array of names")
		}
		c := -1
		for i, known := range componentNames {
			if known == string(name) {
				c = i
			}
		}
		switch {
		case c < 0:
			return a.bad("no component is called %s%s", shorten(string(name)), odata.DidYouMean(string(name), componentNames))
		case seen&(1<<c) != 0:
			return a.bad("the component %s is named twice", name)
		}
		seen |= 1 << c
		g.components = append(g.components, component(c))
		if s.take(',') {
			continue
		}
		if !s.take(']') {
			return a.bad("expected components as an array of names")
		}
		if seen&(1<<compResult) == 0 {
			return a.bad("the components hold no result")
		}
		return nil
	}
}

// table reads the rows of a group.
func (a *arrays) table(g *group) error {
	s := &a.scan
	g.rows = true
	if !s.take('[') {
		return a.bad("expected dataArray as an array of rows")
	}
	if s.take(']') {
		return nil
	}
	for {
		if a.rows >= maxRows {
			return web.Errorf(http.StatusRequestEntityTooLarge, "sensing.too_many", "more than %d Observations in one request: send the rest in another", maxRows)
		}
		if err := a.row(g); err != nil {
			return err
		}
		a.rows++
		if a.rows%yieldEvery == 0 {
			runtime.Gosched() // a bulk must not keep a sender of one reading waiting for a processor
		}
		if s.take(',') {
			continue
		}
		if !s.take(']') {
			return a.bad("expected a comma or the end of the dataArray after a row")
		}
		return nil
	}
}

// row reads one Observation. What is wrong with its values is kept for the answer and does not keep others out.
func (a *arrays) row(g *group) error {
	s := &a.scan
	if !s.take('[') {
		return a.bad("expected a row as an array of values")
	}
	var o observation
	o.reading.Datastream = g.datastream
	why, n := "", 0
	for empty := s.peek() == ']'; !empty; {
		if n < len(g.components) {
			at := s.i
			if !s.component(&o, g.components[n]) {
				s.i = at
				message, err := a.cell(&o, g.components[n])
				if err != nil {
					return err
				}
				if why == "" {
					why = message
				}
			}
		} else if _, err := a.any(); err != nil {
			return err
		}
		n++
		if s.take(',') {
			continue
		}
		break
	}
	if !s.take(']') {
		return a.bad("expected a comma or the end of the row after a value")
	}
	if n != len(g.components) {
		why = fmt.Sprintf("expected %d values, as many as components, got %d", len(g.components), n)
	}
	if why != "" {
		a.wrong[a.rows] = why
		return nil
	}
	a.readings = append(a.readings, o.stored(g.datastream, o.reading.Feature, a.stamp))
	return nil
}

// component reads a value of the common form.
func (s *scanner) component(o *observation, c component) (ok bool) {
	switch c {
	case compTime:
		var t []byte
		if t, ok = s.text(); ok {
			o.reading.At, o.more.Until, ok = parseSpan(t)
			o.sent |= hasTime
		}
	case compResult:
		o.reading.Value, ok = s.result()
	case compResultTime:
		if s.word("null") {
			return true
		}
		var t []byte
		if t, ok = s.text(); ok {
			o.reading.ResultTime, ok = parseTime(t)
		}
	case compFeature:
		var n []byte
		if n, ok = s.number(); ok {
			o.reading.Feature, ok = parseID(n)
		}
	}
	return ok
}

// cell reads a value of any form. why says what is wrong with it; the error is for what is no JSON.
func (a *arrays) cell(o *observation, c component) (why string, err error) {
	n, err := a.any()
	if err != nil {
		return "", err
	}
	name := componentNames[c]
	if c == compFeature {
		id, ok := parseID(n.raw)
		if n.null() {
			return "", nil
		}
		if !ok {
			return fmt.Sprintf("%s: expected an id as a positive integer, got %s", name, shorten(string(n.raw))), nil
		}
		o.reading.Feature = id
		return "", nil
	}
	check := &checker{problems: problems{src: n.raw}}
	check.observationProperty(o, member{name: name, value: n}, name)
	if len(check.list) > 0 {
		return check.list[0].Field + ": " + check.list[0].Message, nil
	}
	return "", nil
}

// any reads any value.
func (a *arrays) any() (*node, error) {
	raw, ok := a.scan.skip()
	if !ok {
		return nil, a.bad("a value does not end")
	}
	n, err := readJSON(raw)
	if err != nil {
		return nil, a.bad("a value is no JSON")
	}
	return n, nil
}
