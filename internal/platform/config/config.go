// Package config gives each setting one declaration: a struct field with kong's tags. From it come the flag, the
// environment variable (ANLAN_ and the flag's name), the key of the YAML file and the line on the docs page.
//
// A flag beats the environment, which beats the file, which beats the default. A key that no setting has is an error with
// its place and the nearest name; nothing is ever ignored.
package config

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// EnvPrefix starts the name of every environment variable.
const EnvPrefix = "ANLAN"

// YAML reads settings from a file: a flat mapping from flag names to values. It is a kong.ConfigurationLoader.
func YAML(r io.Reader) (kong.Resolver, error) {
	path := "configuration file"
	if f, ok := r.(*os.File); ok {
		path = f.Name()
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	y := &yamlFile{path: path, settings: map[string]setting{}}
	for _, doc := range f.Docs {
		switch body := doc.Body.(type) {
		case nil, *ast.NullNode, *ast.CommentGroupNode:
		case *ast.MappingNode:
			for _, v := range body.Values {
				if err := y.add(v); err != nil {
					return nil, err
				}
			}
		case *ast.MappingValueNode:
			if err := y.add(body); err != nil {
				return nil, err
			}
		default:
			return nil, y.errorf(body, "expected settings as name: value")
		}
	}
	return y, nil
}

type yamlFile struct {
	path     string
	settings map[string]setting
}

type setting struct {
	value string
	key   ast.Node
}

func (y *yamlFile) add(v *ast.MappingValueNode) error {
	name := v.Key.GetToken().Value
	var value string
	switch node := v.Value.(type) {
	case *ast.SequenceNode:
		items := make([]string, len(node.Values))
		for i, item := range node.Values {
			items[i] = item.GetToken().Value
		}
		value = strings.Join(items, ",")
	case *ast.MappingNode, *ast.MappingValueNode:
		return y.errorf(v.Key, "%s: expected a value, not a mapping", name)
	case *ast.NullNode:
		return y.errorf(v.Key, "%s: expected a value", name)
	default:
		value = node.GetToken().Value
	}
	y.settings[name] = setting{value, v.Key}
	return nil
}

func (y *yamlFile) errorf(at ast.Node, format string, args ...any) error {
	p := at.GetToken().Position
	return fmt.Errorf("%s:%d:%d: %s", y.path, p.Line, p.Column, fmt.Sprintf(format, args...))
}

// Validate refuses keys that no command has.
func (y *yamlFile) Validate(app *kong.Application) error {
	known := map[string]bool{}
	for _, f := range flags(app.Node) {
		known[f.Name] = true
	}
	for name, s := range y.settings {
		if !known[name] {
			hint := ""
			if near := nearest(name, known); near != "" {
				hint = fmt.Sprintf(", did you mean %q?", near)
			}
			return y.errorf(s.key, "unknown setting %q%s", name, hint)
		}
	}
	return nil
}

// Resolve is the file's value for a flag, unless the environment has one: kong would ask the file last.
func (y *yamlFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, env := range flag.Envs {
		if _, ok := os.LookupEnv(env); ok {
			return nil, nil
		}
	}
	if s, ok := y.settings[flag.Name]; ok {
		return s.value, nil
	}
	return nil, nil
}

var (
	_ kong.Resolver            = (*yamlFile)(nil)
	_ kong.ConfigurationLoader = YAML
)

// UnknownEnv warns of variables that look like ours and set nothing: a misspelt one would be ignored in silence. The names
// with _REQUIRE_ are the tests' own.
func UnknownEnv(app *kong.Application, environ []string) (warnings []string) {
	known := map[string]bool{}
	for _, f := range flags(app.Node) {
		for _, e := range f.Envs {
			known[e] = true
		}
	}
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, EnvPrefix+"_") || strings.HasPrefix(name, EnvPrefix+"_REQUIRE_") || known[name] {
			continue
		}
		w := "warning: the environment variable " + name + " sets nothing"
		if near := nearest(name, known); near != "" {
			w += ", did you mean " + near + "?"
		}
		warnings = append(warnings, w)
	}
	return warnings
}

// Docs is the page that lists the settings of the commands named, in Markdown.
func Docs(app *kong.Application, commands ...string) string {
	var b strings.Builder
	b.WriteString("| flag and YAML key | environment | default | what it does |\n|---|---|---|---|\n")
	seen := map[string]bool{}
	for _, f := range flags(app.Node, commands...) {
		if f.Hidden || f.Name == "help" || seen[f.Name] {
			continue
		}
		seen[f.Name] = true
		env := ""
		if len(f.Envs) > 0 {
			env = "`" + f.Envs[0] + "`"
		}
		def := f.Default
		if def != "" {
			def = "`" + def + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Name, env, def, f.Help)
	}
	return b.String()
}

// flags are those of a node and of the commands below it that are named; of all if none is.
func flags(n *kong.Node, commands ...string) []*kong.Flag {
	out := n.Flags
	for _, c := range n.Children {
		if len(commands) == 0 || slices.Contains(commands, c.Name) {
			out = append(out[:len(out):len(out)], flags(c)...)
		}
	}
	return out
}

// nearest is the known name within two edits of name, or "".
func nearest(name string, known map[string]bool) string {
	best, distance := "", 3
	for k := range known {
		if d := edits(name, k); d < distance || d == distance && best != "" && k < best {
			best, distance = k, d
		}
	}
	return best
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
