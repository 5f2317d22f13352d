package intake

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"github.com/goccy/go-yaml/ast"

	"github.com/anlan-city/anlan/internal/platform/moment"
)

// maxRules bounds the readings entries of one mapping.
const maxRules = 200

// Hook is a webhook: the mapping of one sender's JSON to readings. It is read-only and safe for concurrent use.
type Hook struct {
	Name   string            // in the URL
	Title  map[string]string // by language: "en", "zh-CN"
	Source string            // who the readings are said to come from, by default Name
	File   string            // where the mapping stands, as shown to people

	signature *signature
	each      *program
	rules     []rule
}

// Signed says that a body must carry a signature, and needs no token then.
func (h *Hook) Signed() bool { return h.signature != nil }

// rule makes one reading of each object.
type rule struct {
	measure
	node                          position
	datastream, time, value, when *program
	moment                        moment.Format
}

// LoadHooks reads the mappings in the paths, which are files or folders with .yaml and .yml files. Names must differ. The
// error is Problems where a mapping is wrong: all that is wrong with all of them. getenv gives the secrets; nil is
// os.LookupEnv.
func LoadHooks(paths []string, getenv func(string) (string, bool)) ([]*Hook, error) {
	var files []string
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, p)
			continue
		}
		entries, err := os.ReadDir(p)
		if err != nil {
			return nil, err
		}
		for _, e := range entries { // sorted by name
			if ext := filepath.Ext(e.Name()); !e.IsDir() && (ext == ".yaml" || ext == ".yml") {
				files = append(files, filepath.Join(p, e.Name()))
			}
		}
	}
	return loadHooks(files, os.ReadFile, getenv)
}

func loadHooks(files []string, read func(string) ([]byte, error), getenv func(string) (string, bool)) ([]*Hook, error) {
	var hooks []*Hook
	var problems Problems
	for _, file := range files {
		content, err := read(file)
		if err != nil {
			return nil, err
		}
		h, err := ParseHook(file, content, getenv)
		var ps Problems
		switch {
		case errors.As(err, &ps):
			problems = append(problems, ps...)
			continue
		case err != nil:
			return nil, err
		}
		if i := slices.IndexFunc(hooks, func(o *Hook) bool { return o.Name == h.Name }); i >= 0 {
			problems = append(problems, Problem{File: file, Line: 1, Column: 1, Field: "hook", Message: h.Name + " is the hook of " + hooks[i].File + " already"})
			continue
		}
		hooks = append(hooks, h)
	}
	return hooks, problems.err()
}

var hookName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// ParseHook reads one mapping. file is only for messages. The error is Problems.
func ParseHook(file string, content []byte, getenv func(string) (string, bool)) (*Hook, error) {
	if getenv == nil {
		getenv = os.LookupEnv
	}
	whole, err := ofBodies()
	if err != nil {
		return nil, err
	}
	item, err := ofItems()
	if err != nil {
		return nil, err
	}
	d, node := parse(file, content)
	if node == nil {
		return nil, d.problems.err()
	}
	h := &Hook{File: file}
	var name, source word
	var each *expression
	given := false
	d.object(node, "the mapping", map[string]func(ast.Node){
		"hook":   d.word(&name, "hook"),
		"title":  d.title(&h.Title),
		"source": d.word(&source, "source"),
		"secret": func(n ast.Node) { h.signature = d.signature(n, getenv) },
		"each":   d.expression(&each, "each"),
		"readings": func(n ast.Node) {
			given = true
			d.list(n, "readings", func(n ast.Node) {
				if len(h.rules) == maxRules {
					d.say(at(n), "readings", "more than %d entries", maxRules)
				}
				if len(h.rules) <= maxRules {
					h.rules = append(h.rules, d.rule(n, item))
				}
			})
		},
	}, map[string]string{"name": "hook", "series": "readings"})
	top, sound := at(node), len(d.problems) == 0 // a misspelt key is not missing besides
	switch {
	case name.line == 0 && sound:
		d.say(top, "hook", "is missing: the hook's name in the URL")
	case name.s != "" && (!hookName.MatchString(name.s) || len(name.s) > 60):
		d.say(name.position, "hook", "%q is no name; names are words of a-z and 0-9 joined by hyphens, such as water-gateway", name.s)
	}
	if !given && sound {
		d.say(top, "readings", "is missing: what to make of each object")
	}
	h.Name, h.Source = name.s, cmp.Or(source.s, name.s)
	h.each = whole.compile(d, each, "each", cel.ListType(cel.DynType))
	return h, d.problems.err()
}

func (d *document) rule(n ast.Node, l *language) rule {
	r := rule{node: at(n)}
	var datastream, when, value, time *expression
	var t timeWords
	fields := map[string]func(ast.Node){
		"datastream":  d.expression(&datastream, "datastream"),
		"time":        d.expression(&time, "time"),
		"time_format": d.word(&t.format, "time_format"),
		"time_unit":   d.choice(&t.unit, "time_unit", "s", "ms", "us"),
		"time_zone":   d.word(&t.zone, "time_zone"),
		"value":       d.expression(&value, "value"),
		"when":        d.expression(&when, "when"),
	}
	r.fields(d, fields)
	before := len(d.problems)
	d.object(n, "an entry of readings", fields, map[string]string{
		"times": "scale", "factor": "scale", "plus": "offset", "format": "time_format", "if": "when", "where": "when", "at": "time", "id": "datastream"})
	sound := len(d.problems) == before
	for _, needed := range []struct {
		field string
		e     *expression
	}{{"datastream", datastream}, {"value", value}} {
		if needed.e == nil && sound { // a misspelt key is not missing besides
			d.say(r.node, needed.field, "is missing in this entry of readings")
		}
	}
	r.check(d)
	r.moment = t.moment(d, nil)
	if time == nil && (t.format.s != "" || t.unit.s != "" || t.zone.s != "") && sound {
		d.say(r.node, "time", "is missing, though it is said how to read it")
	}
	r.datastream = l.compile(d, datastream, "datastream", cel.StringType, cel.DoubleType, cel.IntType)
	r.time = l.compile(d, time, "time", cel.StringType, cel.DoubleType, cel.IntType, cel.TimestampType)
	r.value = l.compile(d, value, "value", cel.DoubleType, cel.IntType, cel.UintType, cel.StringType, cel.BoolType)
	r.when = l.compile(d, when, "when", cel.BoolType)
	return r
}

// fileName is a hook's mapping as messages name it: without the folder, which is nobody's business on the wire.
func (h *Hook) fileName() string { return h.File[strings.LastIndexAny(h.File, `/\`)+1:] }
