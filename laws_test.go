// Package anlan_test holds the laws of the house: tests that read the source and say what is out of place, and why it
// matters.
package anlan_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/anlan-city/anlan/"

// rooms in the order in which data walks through them. A room may import those before it.
var rooms = []string{
	"platform", "methods", "events", "ledger", "access", "city", "pack", "sensing", "reports", "inspect", "detect", "warn",
	"respond", "dispatch", "share", "assist", "trial", "sim", "app",
}

type source struct {
	path string // slashed, from the module's root
	file *ast.File
	fset *token.FileSet
}

func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && p != ".") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(p) != ".go" {
			return nil
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, p, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		out = append(out, source{filepath.ToSlash(p), f, fset})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// room is the room a file or an import path stands in, "" outside internal/.
func room(p string) string {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(p, module), "internal/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

func TestImportsGoLeftOnly(t *testing.T) {
	for _, s := range sources(t) {
		from := room(s.path)
		if from != "" && !slices.Contains(rooms, from) {
			t.Errorf("%s: internal/%s is not a room of the house; put it into the list in laws_test.go, where data passes it", s.path, from)
		}
		for _, imp := range s.file.Imports {
			p, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			to := room(p)
			if to == "" || to == from {
				continue
			}
			at := s.fset.Position(imp.Pos())
			switch {
			case from == "events":
				t.Errorf("%s: events imports %s; an event is a plain struct, so that everyone can import it", at, to)
			case from == "":
				if from, _, _ := strings.Cut(s.path, "/"); to != "app" && to != "platform" && from != "cmd" && from != "bench" {
					t.Errorf("%s: %s is outside the house and imports %s; it should go through app", at, s.path, to)
				}
			case slices.Index(rooms, to) > slices.Index(rooms, from):
				t.Errorf("%s: %s imports %s, which stands after it; a room calls only what stands before it, "+
					"and learns what comes later through events or a small interface that app fulfils", at, from, to)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	said, seen := map[string]bool{}, map[string]bool{}
	for _, s := range sources(t) {
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		dir := path.Dir(s.path)
		seen[dir] = true
		if s.file.Doc != nil {
			said[dir] = true
		}
	}
	for dir := range seen {
		if !said[dir] {
			t.Errorf("%s: no package comment; say what it is for, what it promises and what it must not do", dir)
		}
	}
}

// The clock is platform/clock, so that a replay, a backtest and a test run the same code on a virtual one. A sleep in a
// test is a guess about how long something takes; wait for the event instead.
func TestTimeComesFromTheClock(t *testing.T) {
	mayAsk := []string{
		"internal/platform/",     // the clock itself, and what starts other processes
		"internal/app/",          // the process around the rooms
		"internal/trial/replay/", // a client at the other end of the wire, paced by the world's clock
		"bench/", "cmd/",         // measure real time
	}
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); !ok || x.Name != "time" || x.Obj != nil {
				return true
			}
			at := s.fset.Position(sel.Pos())
			test := strings.HasSuffix(s.path, "_test.go")
			allowed := slices.ContainsFunc(mayAsk, func(p string) bool { return strings.HasPrefix(s.path, p) })
			switch sel.Sel.Name {
			case "Sleep":
				if test {
					t.Errorf("%s: a sleep in a test; wait for the event", at)
				} else if !allowed {
					t.Errorf("%s: time.Sleep; take clock.Clock and wait on After", at)
				}
			case "Now", "After", "NewTimer", "NewTicker", "Tick", "Since", "Until":
				if !test && !allowed {
					t.Errorf("%s: time.%s; take clock.Clock, the only clock", at, sel.Sel.Name)
				}
			}
			return true
		})
	}
}

func TestNoHiddenStarts(t *testing.T) {
	for _, s := range sources(t) {
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: func init; app starts things, in an order that can be read", s.fset.Position(f.Pos()))
			}
		}
	}
}
