package intake

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/anlan-city/anlan/internal/pack"
)

const (
	// maxItemCost and maxEachCost bound what evaluating one expression may cost, in CEL's own units (about one per
	// operation): the small one for what is evaluated for each reading, the large one for what takes the body apart.
	maxItemCost = 20_000
	maxEachCost = 2_000_000

	// maxBodyCost bounds what all expressions together may cost for one body: 10,000 readings at 20,000 each would keep a
	// processor busy for half a minute.
	maxBodyCost = 10_000_000

	maxExpression = 4096 // characters
)

// expression is CEL as it was written in a mapping.
type expression struct {
	source string
	position
	block  bool // a | or > block: the source begins on the next line, indented
	indent int
	quoted bool
}

// expression reads one.
func (d *document) expression(into **expression, field string) func(ast.Node) {
	return func(n ast.Node) {
		e := expression{position: at(n)}
		switch n := n.(type) {
		case *ast.StringNode:
			e.source = n.Value
			e.quoted = n.Token.Type == token.DoubleQuoteType || n.Token.Type == token.SingleQuoteType
		case *ast.LiteralNode:
			e.source, e.block = n.Value.Value, true
			if e.line < len(d.lines) {
				e.indent = len(d.lines[e.line]) - len(strings.TrimLeft(d.lines[e.line], " "))
			}
		case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode:
			e.source = n.GetToken().Value
		default:
			d.say(at(n), field, "needs an expression such as item.value, not %s", pack.KindOf(n))
			return
		}
		switch {
		case strings.TrimSpace(e.source) == "":
			d.say(e.position, field, "is empty; it needs an expression such as item.value")
		case len(e.source) > maxExpression:
			d.say(e.position, field, "is longer than %d characters", maxExpression)
		default:
			*into = &e
		}
	}
}

// place maps a line (from 1) and a column (from 0) of the source to the file.
func (e expression) place(line, column int) position {
	switch {
	case e.block:
		return position{e.line + line, e.indent + column + 1}
	case line > 1:
		return e.position // a plain scalar over several lines: folded, so the columns are gone
	case e.quoted:
		return position{e.line, e.column + column + 1}
	}
	return position{e.line, e.column + column}
}

// language compiles expressions over some of the variables.
type language struct {
	env  *cel.Env
	vars []string
	cost uint64
}

// The two languages of a mapping: of each: and of what is evaluated for each item. They are built once and read-only.
var (
	ofBodies = sync.OnceValues(func() (*language, error) { return newLanguage(maxEachCost, "body", "headers", "query") })
	ofItems  = sync.OnceValues(func() (*language, error) {
		return newLanguage(maxItemCost, "item", "body", "headers", "query")
	})
)

// newLanguage declares the variables. body and item are whatever JSON holds; headers and query are texts by name.
func newLanguage(cost uint64, vars ...string) (*language, error) {
	opts := []cel.EnvOption{
		ext.Strings(ext.StringsVersion(2)), ext.Lists(ext.ListsVersion(1)), cel.CrossTypeNumericComparisons(true),
		cel.ParserRecursionLimit(50), cel.ParserExpressionSizeLimit(maxExpression),
	}
	for _, v := range vars {
		t := cel.DynType
		if v == "headers" || v == "query" {
			t = cel.MapType(cel.StringType, cel.StringType)
		}
		opts = append(opts, cel.Variable(v, t))
	}
	env, err := cel.NewEnv(append(opts, words...)...)
	if err != nil {
		return nil, fmt.Errorf("expressions over %s: %w", strings.Join(vars, ", "), err)
	}
	return &language{env, vars, cost}, nil
}

// program is a compiled expression. It is safe for concurrent use.
type program struct {
	expression
	field string
	prg   cel.Program
	tree  celast.Expr
	cost  uint64 // what one evaluation may cost
}

// scope is what expressions see of one body, and what they have cost so far.
type scope struct {
	vars  map[string]any
	spent uint64
}

// compile makes a program, or notes what is wrong with the expression and returns nil. want are the types that it may
// have; a type that only the body can tell is always good.
func (l *language) compile(d *document, e *expression, field string, want ...*cel.Type) *program {
	if e == nil {
		return nil
	}
	checked, iss := l.check(e.source, true)
	if iss.Err() != nil {
		// size(x) - 1 needs its literal as it is, and the messages are about what was written.
		checked, iss = l.check(e.source, false)
	}
	if iss.Err() != nil {
		for _, err := range iss.Errors() {
			d.say(e.place(max(err.Location.Line(), 1), max(err.Location.Column(), 0)), field, "%s", l.message(err.Message))
		}
		return nil
	}
	if out := checked.OutputType(); !out.IsExactType(cel.DynType) && !slices.ContainsFunc(want, func(t *cel.Type) bool { return t.IsAssignableType(out) }) {
		d.say(e.position, field, "gives %s, expected %s", typeWord(out), expectedTypes(want))
		return nil
	}
	prg, err := l.env.Program(checked, cel.CostLimit(l.cost), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		d.say(e.position, field, "%v", err)
		return nil
	}
	return &program{*e, field, prg, checked.NativeRep().Expr(), l.cost}
}

func (l *language) check(source string, doubles bool) (*cel.Ast, *cel.Issues) {
	parsed, iss := l.env.Parse(source)
	if iss.Err() != nil {
		return nil, iss
	}
	if doubles {
		literals(parsed.NativeRep().Expr())
	}
	return l.env.Check(parsed)
}

// arithmetic are the operators beside which a whole number is meant as any number: JSON has doubles only, and CEL has no
// implicit conversion, so "item.t * 2" would fail. An index stays an integer.
var arithmetic = []string{operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Negate}

func literals(e celast.Expr) {
	factory := celast.NewExprFactory()
	celast.PostOrderVisit(e, celast.NewExprVisitor(func(e celast.Expr) {
		if e.Kind() != celast.CallKind || !slices.Contains(arithmetic, e.AsCall().FunctionName()) {
			return
		}
		for _, arg := range e.AsCall().Args() {
			if arg.Kind() != celast.LiteralKind {
				continue
			}
			if v, ok := arg.AsLiteral().(types.Int); ok {
				arg.SetKindCase(factory.NewLiteral(arg.ID(), types.Double(v)))
			}
		}
	}))
}

// plain takes the mangling out of CEL's messages.
var plain = strings.NewReplacer("'_", "'", "_'", "'", "found no matching overload for ", "nothing takes ", "'@", "'", "ERROR: <input>:", "")

func (l *language) message(m string) string {
	m, _, _ = strings.Cut(m, " expecting {")
	if word, ok := strings.CutPrefix(m, "undeclared reference to '"); ok {
		word, _, _ = strings.Cut(word, "'")
		return fmt.Sprintf("unknown word %q%s; there is %s", word, strings.TrimSuffix(pack.Suggest(word, slices.Concat(l.vars, functions)), "?"), strings.Join(l.vars, ", "))
	}
	m, _, _ = strings.Cut(plain.Replace(m), "\n")
	return m
}

func typeWord(t *cel.Type) string {
	switch t.Kind() {
	case types.StringKind:
		return "a text"
	case types.DoubleKind, types.IntKind, types.UintKind:
		return "a number"
	case types.BoolKind:
		return "true or false"
	case types.ListKind:
		return "a list"
	case types.MapKind:
		return "an object"
	case types.NullTypeKind:
		return "null"
	case types.TimestampKind:
		return "a time"
	}
	return t.String()
}

func expectedTypes(want []*cel.Type) string {
	var names []string
	for _, t := range want {
		if w := typeWord(t); !slices.Contains(names, w) {
			names = append(names, w)
		}
	}
	return strings.Join(names, " or ")
}

// eval evaluates in a scope. The error says what is missing in the body, where that is why it failed.
func (p *program) eval(s *scope) (v ref.Val, err error) {
	defer func() {
		if r := recover(); r != nil { // in the evaluator, by a body: no more than a refused reading
			v, err = nil, p.wrap(fmt.Sprintf("can't be evaluated: %v", r))
		}
	}()
	out, details, err := p.prg.Eval(s.vars)
	if cost := details.ActualCost(); cost != nil {
		s.spent += *cost
	} else {
		s.spent += p.cost // it was stopped there
	}
	if err == nil {
		return out, nil
	}
	if missing := missing(p.tree, s.vars); missing != "" {
		return nil, p.wrap(missing)
	}
	m := err.Error()
	if strings.Contains(m, "cost limit") {
		m = "costs too much; make it simpler, or send less at once"
	} else if strings.Contains(m, "no such overload") {
		m = "the types don't go together: JSON's numbers are numbers, so write text(item.id) + '/x', and double(item.x) for a number in quotes"
	}
	return nil, p.wrap(m)
}

func (p *program) wrap(message string) error {
	return fmt.Errorf("%s: %s: %s", p.field, short(strings.Join(strings.Fields(p.source), " "), 80), short(message, 400))
}

// short is the beginning of a text.
func short(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}
