package intake

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/anlan-city/anlan/internal/platform/moment"
)

// Layout is the mapping of files of measurements: what their columns mean. It is read-only and safe for concurrent use. Its
// words are those of docs/replay.md where they mean the same.
type Layout struct {
	Title  map[string]string
	Source string // who the readings are said to come from, if the mapping says
	File   string // where the mapping stands, as shown to people

	format, delimiter, encoding, decimal word
	skipLines                            int
	header, missing                      []word
	where                                map[string][]string
	at                                   position // of the mapping, where nothing better can be pointed at
	time                                 []word   // one column, or several that are joined by a blank
	moment                               moment.Format
	series                               []series
}

// series is one column of values, or all columns of one form ("no2_{station}").
type series struct {
	measure
	column     word
	form       *regexp.Regexp // of column, where it is a form
	groups     []string       // of form
	id         word
	datastream template
	where      map[string][]string
	node       position
}

// ParseLayout reads the mapping of files. file is only for messages. The error is Problems.
func ParseLayout(file string, content []byte) (*Layout, error) {
	d, node := parse(file, content)
	if node == nil {
		return nil, d.problems.err()
	}
	l := &Layout{File: file, at: at(node)}
	var source word
	var when timeWords
	var mappingZone word
	var skip *float64
	fields := map[string]func(ast.Node){
		"title":      d.title(&l.Title),
		"source":     d.word(&source, "source"),
		"time_zone":  d.word(&mappingZone, "time_zone"),
		"format":     d.choice(&l.format, "format", "csv", "geojson"),
		"delimiter":  d.choice(&l.delimiter, "delimiter", "comma", "semicolon", "tab"),
		"encoding":   d.choice(&l.encoding, "encoding", "utf-8", "gb18030"),
		"decimal":    d.choice(&l.decimal, "decimal", "point", "comma"),
		"skip_lines": d.number(&skip, "skip_lines"),
		"header":     d.words(&l.header, "header"),
		"missing":    d.words(&l.missing, "missing"),
		"where":      d.table(&l.where, "where", true),
		"time":       func(n ast.Node) { d.when(n, &l.time, &when) },
		"series":     func(n ast.Node) { d.list(n, "series", func(n ast.Node) { l.series = append(l.series, d.series(n)) }) },
	}
	d.object(node, "the mapping", fields, map[string]string{"readings": "series", "timezone": "time_zone", "sheet": "format", "columns": "series", "hook": "source"})
	sound := len(d.problems) == 0 // a misspelt key is not missing besides
	if len(l.time) == 0 && sound {
		d.say(l.at, "time", "is missing: the column that holds the time")
	}
	if len(l.series) == 0 && sound {
		d.say(l.at, "series", "is missing: the columns that hold values")
	}
	if skip != nil {
		l.skipLines = int(*skip)
		if *skip != float64(l.skipLines) || *skip < 0 || *skip > 1e6 {
			d.say(l.at, "skip_lines", "expected a number of lines, got %v", *skip)
		}
	}
	var zone *time.Location
	if mappingZone.s != "" {
		var err error
		if zone, err = moment.Zone(mappingZone.s); err != nil {
			d.say(mappingZone.position, "time_zone", "%v", err)
		}
	}
	l.moment = when.moment(d, zone)
	l.Source = source.s
	return l, d.problems.err()
}

// when reads a column's name, or {column: NAME or [DATE, TIME], format: ..., time_zone: ...}.
func (d *document) when(n ast.Node, columns *[]word, t *timeWords) {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		d.object(n, "time", map[string]func(ast.Node){
			"column": d.words(columns, "column"), "format": d.word(&t.format, "format"), "time_zone": d.word(&t.zone, "time_zone"),
		}, map[string]string{"time_format": "format", "columns": "column"})
	default:
		d.words(columns, "time")(n)
	}
}

func (d *document) series(n ast.Node) series {
	s := series{node: at(n)}
	var times, plus *float64
	fields := map[string]func(ast.Node){
		"column":     d.word(&s.column, "column"),
		"datastream": d.word(&s.id, "datastream"),
		"where":      d.table(&s.where, "where", true),
		"times":      d.number(&times, "times"), // as docs/replay.md calls the scale and the offset
		"plus":       d.number(&plus, "plus"),
	}
	s.fields(d, fields)
	before := len(d.problems)
	d.object(n, "a series", fields, map[string]string{"value": "column", "property": "datastream", "asset": "datastream", "factor": "scale"})
	sound := len(d.problems) == before
	if s.column.s == "" && sound {
		d.say(s.node, "column", "is missing in this series")
	}
	if s.id.s == "" && sound {
		d.say(s.node, "datastream", "is missing in this series: the external id, such as \"{station}/level\"")
	}
	if times != nil && s.scale != nil || plus != nil && s.offset != nil {
		d.say(s.node, "scale", "scale and times, offset and plus are two words for the same; keep one")
	}
	if s.scale == nil {
		s.scale = times
	}
	if s.offset == nil {
		s.offset = plus
	}
	s.check(d)
	s.datastream = d.template(s.id, "datastream")
	if form := d.template(s.column, "column"); len(form.names) > 0 && len(form.literals) > len(form.names) {
		s.form, s.groups = form.matcher(), form.names
	}
	return s
}

// formatOf is csv or geojson: as declared, or after the file's name.
func (l *Layout) formatOf(name string) (string, error) {
	if l.format.s != "" {
		return l.format.s, nil
	}
	switch ext := strings.ToLower(filepath.Ext(name)); ext {
	case ".csv", ".txt", ".tsv", ".dat":
		return "csv", nil
	case ".geojson", ".json":
		return "geojson", nil
	default:
		return "", Problem{File: name, Message: fmt.Sprintf("the name's ending %q doesn't say what the file is: say format: csv or format: geojson in %s", ext, l.File)}
	}
}

func (l *Layout) isMissing(cell string) bool {
	if cell == "" {
		return true
	}
	for _, m := range l.missing {
		if cell == m.s {
			return true
		}
	}
	return false
}
