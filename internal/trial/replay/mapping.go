package replay

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/city/coords"
	"github.com/anlan-city/anlan/internal/platform/moment"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// mapping is a mapping file. docs/replay.md explains each key; a key that is not here is an error.
type mapping struct {
	Title       text `yaml:"title"`
	TimeZone    text `yaml:"time_zone"`   // of times without an offset
	Coordinates text `yaml:"coordinates"` // system of all points: wgs84, cgcs2000 or gcj02
	Outside     bool `yaml:"outside"`     // the places lie outside the server's city on purpose
	Order       text `yaml:"order"`       // time (default) or file: the order in which readings are sent

	Places   []entity       `yaml:"places"`
	Assets   []entity       `yaml:"assets"`
	Readings []readings     `yaml:"readings"`
	Reports  []reports      `yaml:"reports"`
	Truth    *truth         `yaml:"truth"`
	zone     *time.Location // of TimeZone
	system   coords.System  // of Coordinates
	file     string
}

// Source is a recorded file, or several of one layout, and how to read them.
type Source struct {
	File      text   `yaml:"file"`       // below --from; * and ? match several
	Format    text   `yaml:"format"`     // csv, json or jsonl; by default after the file's name
	Delimiter text   `yaml:"delimiter"`  // of csv: comma, semicolon or tab; by default what parts the header
	Encoding  text   `yaml:"encoding"`   // utf-8 (default) or gb18030
	SkipLines int    `yaml:"skip_lines"` // before the header
	Header    []text `yaml:"header"`     // the columns' names where the file has none
	Records   text   `yaml:"records"`    // of json: the path to the array, such as data.items
	Decimal   text   `yaml:"decimal"`    // point (default) or comma
	Missing   []text `yaml:"missing"`    // what stands for a missing value beside nothing at all
	Where     where  `yaml:"where"`      // only rows in which these columns hold these values
}

// entity is a place or an asset, or one for each row of a file.
type entity struct {
	Source `yaml:",inline"`
	ID     text   `yaml:"id"`
	Pack   text   `yaml:"pack"`
	Kind   text   `yaml:"kind"`
	Name   words  `yaml:"name"`
	Place  text   `yaml:"place"`
	Point  *point `yaml:"point"`
	node   position
}

// readings are files of measurements.
type readings struct {
	Source `yaml:",inline"`
	Time   *when      `yaml:"time"`
	Series []measured `yaml:"series"`
	node   position
}

// measured is one column of measurements, or several of one form ("ch4_{sensor}").
type measured struct {
	Column     text     `yaml:"column"`
	Asset      text     `yaml:"asset"`
	Property   text     `yaml:"property"`
	Unit       text     `yaml:"unit"`
	Datastream text     `yaml:"datastream"` // its external id; by default asset/property
	Name       text     `yaml:"name"`
	Type       text     `yaml:"type"`   // number (default), text or truth
	Values     words    `yaml:"values"` // what the file's words stand for
	Times      *float64 `yaml:"times"`  // unit = file's value * times + plus, brought into 0 to wrap
	Plus       float64  `yaml:"plus"`
	Wrap       float64  `yaml:"wrap"`
	Where      where    `yaml:"where"`
	node       position
}

// reports are files of what people told the city.
type reports struct {
	Source            `yaml:",inline"`
	ID                text         `yaml:"id"`
	Category          text         `yaml:"category"`
	Categories        words        `yaml:"categories"` // the city's name of a category for each of the file's
	Text              text         `yaml:"text"`
	Address           text         `yaml:"address"`
	Point             *point       `yaml:"point"`
	PlaceholderPoints [][2]float64 `yaml:"placeholder_points"` // points that stand for "place unknown", as in the file
	Received          *when        `yaml:"received"`
	Due               *when        `yaml:"due"`
	Closed            *when        `yaml:"closed"`
	State             text         `yaml:"state"`
	States            words        `yaml:"states"`
	Channel           text         `yaml:"channel"`
	Channels          words        `yaml:"channels"`
	Queue             text         `yaml:"queue"`
	node              position
}

// truth is what is known to have happened, to score alerts against.
type truth struct {
	Source   `yaml:",inline"`
	Name     text    `yaml:"name"`
	Start    *when   `yaml:"start"`
	End      *when   `yaml:"end"`
	Detector text    `yaml:"detector"`
	Compare  compare `yaml:"compare"`
	node     position
}

// compare says which constant limits on the same readings to score beside the detector: each of Limits with each of Delays.
type compare struct {
	Property text      `yaml:"property"`
	Unit     text      `yaml:"unit"`
	Limits   []float64 `yaml:"limits"`
	Per      text      `yaml:"per"`   // datastream (default), asset or place: what raises one alarm
	Clear    duration  `yaml:"clear"` // an alarm ends once readings have stood below the limit for so long
	Every    duration  `yaml:"every"` // the longest time that one reading speaks for
	Delays   []delay   `yaml:"delays"`
}

// delay is how long readings must have stood at or above a limit; Within lets that be gathered in pieces. None is at once.
type delay struct {
	For    duration `yaml:"for"`
	Within duration `yaml:"within"`
}

// when is a column of times: its name, or {column: NAME or [DATE, TIME], format: ..., time_zone: ...}.
type when struct {
	Column   names `yaml:"column"`
	Format   text  `yaml:"format"`
	TimeZone text  `yaml:"time_zone"`
	moment   moment.Format
}

// point is [lon, lat], or {lon: COLUMN, lat: COLUMN}.
type point struct {
	Lon, Lat text
	constant *[2]float64
	node     position
}

// text is a word of the mapping that knows where it stands.
type text struct {
	s    string
	node position
}

type (
	words    map[string]string   // one text under "" where a plain text was given
	names    []text              // one name, or several
	where    map[string][]string // a value, or several, for each column
	duration struct{ time.Duration }
	position struct{ line, column int }
)

// readMapping reads and checks a mapping file as far as that can be done without the recorded files.
func readMapping(path string) (*mapping, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m := &mapping{file: path}
	file, err := parser.ParseBytes(content, 0)
	if err != nil {
		return nil, Problems{m.yamlProblem(err)}
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil, Problems{{File: path, Message: "the mapping is empty"}}
	}
	if err := yaml.NodeToValue(file.Docs[0].Body, m, yaml.Strict()); err != nil {
		// The decoder stops at the first key that it doesn't know, and whoever mends a mapping wants to see them all.
		ps := m.unknownKeys(file.Docs[0].Body, reflect.TypeFor[mapping]())
		var unknownKey *yaml.UnknownFieldError
		if len(ps) == 0 || !errors.As(err, &unknownKey) {
			ps = append(ps, m.yamlProblem(err))
		}
		slices.SortStableFunc(ps, func(a, b Problem) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		return nil, ps
	}
	if ps := m.check(); len(ps) > 0 {
		return nil, ps
	}
	return m, nil
}

func (m *mapping) yamlProblem(err error) Problem {
	p := Problem{File: m.file, Message: err.Error()}
	var mistake *mistake
	var located yaml.Error
	switch {
	case errors.As(err, &mistake):
		p.Line, p.Column, p.Message = mistake.node.line, mistake.node.column, mistake.message
	case errors.As(err, &located):
		if t := located.GetToken(); t != nil {
			p.Line, p.Column = t.Position.Line, t.Position.Column
		}
		p.Message = located.GetMessage()
	}
	return p
}

// unknownKeys are all keys below the node that the type has no place for, in the order of the file.
func (m *mapping) unknownKeys(n ast.Node, t reflect.Type) (ps Problems) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if list, ok := n.(*ast.SequenceNode); ok && t.Kind() == reflect.Slice {
		for _, item := range list.Values {
			ps = append(ps, m.unknownKeys(item, t.Elem())...)
		}
		return ps
	}
	known := keys(t)
	all, err := pairs(n, "")
	if err != nil || len(known) == 0 { // a form of its own, which its decoder checks
		return nil
	}
	for _, p := range all {
		key := p.Key.GetToken()
		switch of, ok := known[key.Value]; {
		case ok:
			ps = append(ps, m.unknownKeys(p.Value, of)...)
		case !p.Key.IsMergeKey():
			ps = append(ps, Problem{File: m.file, Line: key.Position.Line, Column: key.Position.Column,
				Message: unknown("key", key.Value, slices.Collect(maps.Keys(known)))})
		}
	}
	return ps
}

// keys are a struct's YAML keys and their types.
func keys(t reflect.Type) map[string]reflect.Type {
	all := map[string]reflect.Type{}
	if t.Kind() != reflect.Struct {
		return all
	}
	for f := range t.Fields() {
		switch tag := f.Tag.Get("yaml"); tag {
		case "":
		case ",inline":
			for k, v := range keys(f.Type) {
				all[k] = v
			}
		default:
			all[tag] = f.Type
		}
	}
	return all
}

// mistake is an error of a decoder below, with its place.
type mistake struct {
	node    position
	message string
}

func (m *mistake) Error() string { return m.message }

func at(n ast.Node) position {
	if all, err := pairs(n, ""); err == nil && len(all) > 0 {
		n = all[0].Key // a mapping's own token is the colon behind its first key
	}
	p := n.GetToken().Position
	return position{p.Line, p.Column}
}

func expected(n ast.Node, what string) error {
	return &mistake{position{n.GetToken().Position.Line, n.GetToken().Position.Column}, fmt.Sprintf("expected %s", what)}
}

// The five below only note where they stand; the plain types are there to be decoded without these methods.

func (e *entity) UnmarshalYAML(n ast.Node) error {
	type plain entity
	e.node = at(n)
	return yaml.NodeToValue(n, (*plain)(e), yaml.Strict())
}

func (r *readings) UnmarshalYAML(n ast.Node) error {
	type plain readings
	r.node = at(n)
	return yaml.NodeToValue(n, (*plain)(r), yaml.Strict())
}

func (s *measured) UnmarshalYAML(n ast.Node) error {
	type plain measured
	s.node = at(n)
	return yaml.NodeToValue(n, (*plain)(s), yaml.Strict())
}

func (r *reports) UnmarshalYAML(n ast.Node) error {
	type plain reports
	r.node = at(n)
	return yaml.NodeToValue(n, (*plain)(r), yaml.Strict())
}

func (t *truth) UnmarshalYAML(n ast.Node) error {
	type plain truth
	t.node = at(n)
	return yaml.NodeToValue(n, (*plain)(t), yaml.Strict())
}

func (t *text) UnmarshalYAML(n ast.Node) error {
	switch n := n.(type) {
	case *ast.StringNode:
		t.s = n.Value
	case *ast.LiteralNode:
		t.s = strings.TrimSpace(n.Value.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		t.s = n.GetToken().Value
	default:
		return expected(n, "a text")
	}
	t.node = at(n)
	return nil
}

func (w *words) UnmarshalYAML(n ast.Node) error {
	var one text
	if one.UnmarshalYAML(n) == nil {
		*w = words{"": one.s}
		return nil
	}
	all, err := pairs(n, "a text, or one text for each language or value")
	if err != nil {
		return err
	}
	*w = words{}
	for _, p := range all {
		var v text
		if err := v.UnmarshalYAML(p.Value); err != nil {
			return err
		}
		(*w)[p.Key.GetToken().Value] = v.s
	}
	return nil
}

func (ns *names) UnmarshalYAML(n ast.Node) error {
	list := []ast.Node{n}
	if s, ok := n.(*ast.SequenceNode); ok {
		list = s.Values
	}
	*ns = make(names, len(list))
	for i, item := range list {
		if err := (*ns)[i].UnmarshalYAML(item); err != nil {
			return err
		}
	}
	return nil
}

func (w *where) UnmarshalYAML(n ast.Node) error {
	all, err := pairs(n, "columns with the values to take, such as {status: [1, 2]}")
	if err != nil {
		return err
	}
	*w = where{}
	for _, p := range all {
		var values names
		if err := values.UnmarshalYAML(p.Value); err != nil {
			return err
		}
		for _, v := range values {
			column := p.Key.GetToken().Value
			(*w)[column] = append((*w)[column], v.s)
		}
	}
	return nil
}

func (d *duration) UnmarshalYAML(n ast.Node) error {
	v, err := time.ParseDuration(n.GetToken().Value)
	if err != nil || v < 0 {
		return expected(n, "a span of time such as 90s, 10m or 2h")
	}
	d.Duration = v
	return nil
}

func (w *when) UnmarshalYAML(n ast.Node) error {
	if w.Column.UnmarshalYAML(n) == nil {
		return nil
	}
	type plain when // without this method
	return yaml.NodeToValue(n, (*plain)(w), yaml.Strict())
}

func (p *point) UnmarshalYAML(n ast.Node) error {
	const form = "a point: [lon, lat], or {lon: COLUMN, lat: COLUMN}"
	p.node = at(n)
	if s, ok := n.(*ast.SequenceNode); ok {
		var c [2]float64
		if len(s.Values) != 2 || yaml.NodeToValue(s.Values[0], &c[0]) != nil || yaml.NodeToValue(s.Values[1], &c[1]) != nil {
			return expected(n, form)
		}
		p.constant = &c
		return nil
	}
	var columns struct {
		Lon text `yaml:"lon"`
		Lat text `yaml:"lat"`
	}
	if err := yaml.NodeToValue(n, &columns, yaml.Strict()); err != nil || columns.Lon.s == "" || columns.Lat.s == "" {
		return expected(n, form)
	}
	p.Lon, p.Lat = columns.Lon, columns.Lat
	return nil
}

func pairs(n ast.Node, what string) ([]*ast.MappingValueNode, error) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, nil
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, nil
	}
	return nil, expected(n, what)
}
