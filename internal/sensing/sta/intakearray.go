package sta

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

const (
	// maxBulk bounds the body of CreateObservations, maxRows the Observations in it; maxBulkUnderWay the memory that all such
	// requests take together, as a multiple of their bodies.
	maxBulk         = 16 << 20
	maxRows         = 250_000
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
	return a.bad("a group has no member %s%s", shorten(key), didYouMean(key, []string{"Datastream", "components", "dataArray", "dataArray@iot.count"}))
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
			return a.bad("no component is called %s%s", shorten(string(name)), didYouMean(string(name), componentNames))
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

// resolve finds the feature of each reading. Readings whose datastream or feature there is not are wrong.
func (a *arrays) resolve(ctx context.Context, s *Service) error {
	own := map[int64]int64{}      // the feature of readings that name none; 0 where there is none
	reasons := map[int64]string{} // why there is none
	unknown := map[pair]string{}
	var ask []pair
	for i := range a.readings {
		r := &a.readings[i]
		if r.Feature != 0 {
			p := pair{r.Datastream, r.Feature}
			if _, asked := unknown[p]; !asked && !s.features.known(p.datastream, p.feature) {
				unknown[p] = ""
				ask = append(ask, p)
			}
			continue
		}
		feature, ok := own[r.Datastream]
		if !ok {
			var err error
			feature, err = s.derive(ctx, r.Datastream)
			if err != nil && !isRefusal(err) {
				return err
			}
			if err != nil {
				feature, reasons[r.Datastream] = 0, err.Error()
			}
			own[r.Datastream] = feature
		}
		r.Feature = feature
	}
	if len(ask) > 0 {
		wrong, err := s.admit(ctx, ask)
		if err != nil {
			return err
		}
		unknown = wrong
	} else {
		clear(unknown)
	}
	if len(unknown)+len(reasons) == 0 {
		return nil
	}
	kept, row, late := a.readings[:0], -1, map[int]string{}
	for _, r := range a.readings {
		row = a.next(row)
		why := unknown[pair{r.Datastream, r.Feature}]
		if r.Feature == 0 {
			why = reasons[r.Datastream]
		}
		if why != "" {
			late[row] = why // not yet, or next would pass over it
			continue
		}
		kept = append(kept, r)
	}
	a.readings = kept
	maps.Copy(a.wrong, late)
	return nil
}

// next is the place of the next row that was taken.
func (a *arrays) next(row int) int {
	for row++; ; row++ {
		if _, bad := a.wrong[row]; !bad {
			return row
		}
	}
}

// postArrays answers CreateObservations.
func (s *Service) postArrays(w http.ResponseWriter, r *http.Request) {
	if err := s.maySend(r.Context()); err != nil {
		w.Header().Set("Connection", "close") // or the server would wait for the body before it answers
		web.WriteError(w, r, err)
		return
	}
	size := r.ContentLength
	if size < 0 || size > maxBulk {
		size = maxBulk
	}
	if err := s.bulk.Acquire(r.Context(), size*bulkFactor); err != nil {
		web.WriteError(w, r, err)
		return
	}
	defer s.bulk.Release(size * bulkFactor)
	body, release, err := s.readBody(w, r, maxBulk)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	defer release()
	answer, err := s.createObservations(r.Context(), &Writing{
		Method: http.MethodPost, Path: "/CreateObservations", Body: body, Root: s.root(r), Minimal: minimal(r.Header), Key: r.Header.Get("Idempotency-Key"),
	})
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	answer.send(w)
}

// createObservations stores the Observations of a body. A body of at most 50,000 is one place in the log; of a larger one a
// part may be stored when the error comes.
func (s *Service) createObservations(ctx context.Context, w *Writing) (*Answer, error) {
	a := &arrays{scan: scanner{b: w.Body}, wrong: map[int]string{}, stamp: s.stamp, readings: s.readings.get()}
	defer s.readings.put(a)
	if err := a.read(); err != nil {
		return nil, err
	}
	s.flight.RLock()
	defer s.flight.RUnlock()
	if err := a.resolve(ctx, s); err != nil {
		return nil, err
	}
	if w.Key == "" {
		ids, err := s.appendAll(ctx, a)
		if err != nil {
			return nil, err
		}
		return a.answer(w, ids), nil
	}
	if len(a.readings) > appendAtOnce {
		return nil, web.Errorf(http.StatusRequestEntityTooLarge, "sensing.too_many",
			"%d Observations with an Idempotency-Key, at most %d are taken at once", len(a.readings), appendAtOnce)
	}
	var answer *Answer
	err := s.change(ctx, func(c *change) error {
		var err error
		answer, err = c.once(w, func(c *change) (*Answer, error) {
			ids, err := c.appendGood(a.readings, a.refuse())
			if err != nil {
				return nil, err
			}
			return a.answer(w, ids), nil
		})
		return err
	})
	return answer, err
}

// refuse notes why the i-th of the readings was not taken. Its places are counted before the first refusal.
func (a *arrays) refuse() func(i int, message string) {
	var places []int
	return func(i int, message string) {
		if places == nil {
			places = make([]int, len(a.readings))
			row := -1
			for j := range places {
				row = a.next(row)
				places[j] = row
			}
		}
		a.wrong[places[i]] = message
	}
}

// appendAll hands the readings to the log. The ids are those of the readings that it took.
func (s *Service) appendAll(ctx context.Context, a *arrays) ([]int64, error) {
	ids := make([]int64, 0, len(a.readings))
	refuse := a.refuse()
	for from := 0; from < len(a.readings); from += appendAtOnce {
		part := a.readings[from:min(from+appendAtOnce, len(a.readings))]
		receipt, err := s.Core.Append(ctx, s.source(ctx), part)
		if err != nil {
			return nil, err
		}
		for _, r := range receipt.Refused {
			refuse(from+r.Index, readingError(refusal(r), "").Error())
		}
		for _, id := range receipt.IDs {
			if id != 0 {
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}

// appendGood appends those readings of many that can be taken, in one transaction with the rest of the change.
func (c *change) appendGood(rs []sensing.Reading, refuse func(i int, message string)) ([]int64, error) {
	var ids []int64
	var try func(from, to int) error
	try = func(from, to int) error {
		if from == to {
			return nil
		}
		got, err := c.Append(rs[from:to])
		switch {
		case err == nil:
			ids = append(ids, got...)
			return nil
		case !isRefusal(err):
			return err
		case to-from == 1:
			var e *web.Error
			errors.As(err, &e)
			refuse(from, readingError(e, "").Error())
			return nil
		}
		if err := try(from, (from+to)/2); err != nil {
			return err
		}
		return try((from+to)/2, to)
	}
	return ids, try(0, len(rs))
}

// answer is an array with, for each row, the link of its Observation, or "error" and the reason.
func (a *arrays) answer(w *Writing, ids []int64) *Answer {
	out := &Answer{Status: http.StatusCreated}
	if w.Minimal && len(a.wrong) == 0 {
		return out
	}
	body := append(make([]byte, 0, a.rows*(len(w.Root)+32)+2), '[')
	for row := range a.rows {
		if row > 0 {
			body = append(body, ',')
		}
		if why, bad := a.wrong[row]; bad {
			body = appendText(body, "error: "+why)
			continue
		}
		body = append(appendPath(append(body, '"'), w.Root, setObservations, ids[0]), '"')
		ids = ids[1:]
	}
	out.Body = append(body, ']')
	return out
}
