package pack

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// MaxCost bounds what one condition may cost, in CEL's own units (about one per operation). The largest condition that
// anyone has read aloud has a few dozen.
const MaxCost = 200

// Conditions compiles conditions over the same variables, all of them numbers. It is safe for concurrent use.
type Conditions struct {
	env     *cel.Env
	vars    []string
	units   []string // of the variables, where they are known
	reaches []Reach  // of the variables; nil: not known
}

// absolute is the one function that conditions have beside the operators.
const absolute = "abs"

// NewConditions declares the variables of conditions. Their order is that of the values in Condition.Holds.
func NewConditions(vars ...string) (*Conditions, error) {
	opts := []cel.EnvOption{cel.ClearMacros(), // no loops: the cost of a condition is known before it runs
		cel.Function(absolute, cel.Overload("abs_double", []*cel.Type{cel.DoubleType}, cel.DoubleType, cel.UnaryBinding(func(v ref.Val) ref.Val {
			return types.Double(math.Abs(float64(v.(types.Double))))
		})))}
	for _, v := range vars {
		opts = append(opts, cel.Variable(v, cel.DoubleType))
	}
	env, err := cel.NewEnv(opts...)
	if err != nil {
		return nil, fmt.Errorf("conditions over %s: %w", strings.Join(vars, ", "), err)
	}
	return &Conditions{env: env, vars: slices.Clone(vars)}, nil
}

// In says what units the variables have, in their order; they stand in messages.
func (c *Conditions) In(units ...string) *Conditions {
	with := *c
	with.units = slices.Clone(units)
	return &with
}

// Condition is a compiled condition. It is safe for concurrent use.
type Condition struct {
	source string
	vars   []string
	speaks []bool      // of which variables
	term   term        // what the condition says, where it is made of comparisons only
	prg    cel.Program // CEL's own evaluator, for all others
}

// term is a condition made of comparisons of a variable with a number, and, or, not: nearly all are. Walking it takes a
// tenth of the time of the general evaluator, and it can be said in words.
type term struct {
	op       string // operators.LogicalAnd, LogicalOr, LogicalNot, or a comparison; "" when it is something else
	variable int
	absolute bool // the variable without its sign is compared
	limit    float64
	parts    []term
}

// Compile makes a condition of e. What is wrong is noted in ds, with its place in the file; then the condition is nil.
func (c *Conditions) Compile(e Expr, ds *Diagnostics) *Condition {
	if e.Source == "" {
		return nil // noted by the decoder
	}
	parsed, iss := c.env.Parse(e.Source)
	if iss.Err() != nil {
		if !c.slip(e, ds) {
			c.note(e, iss, ds)
		}
		return nil
	}
	doubles(parsed.NativeRep().Expr())
	checked, iss := c.env.Check(parsed)
	if iss.Err() != nil {
		if !c.slip(e, ds) {
			c.note(e, iss, ds)
		}
		return nil
	}
	if !c.plain(e, checked, ds) {
		return nil
	}
	whole := e.place(1, 0, len([]rune(e.Source)))
	if e.block {
		whole = e.Pos
	}
	if checked.OutputType() != cel.BoolType {
		ds.Add(whole, CodeNotBoolean, "the condition is %s, not true or false; compare it with something, such as %q", outputWord(checked.OutputType()), e.Source+" >= 5")
		return nil
	}
	estimate, err := c.env.EstimateCost(checked, sizes{})
	if err != nil || estimate.Max > MaxCost {
		ds.Add(whole, CodeCost, "the condition may cost %d units, more than %d; make it simpler", estimate.Max, MaxCost)
		return nil
	}
	if !c.sensible(e, whole, checked, ds) {
		return nil
	}
	out := &Condition{source: strings.TrimSpace(e.Source), vars: c.vars, term: c.term(checked.NativeRep().Expr())}
	if out.term.op == "" { // a program takes some ten kilobytes
		if out.prg, err = c.env.Program(checked, cel.EvalOptions(cel.OptOptimize)); err != nil {
			ds.Add(whole, CodeCondition, "%s", err)
			return nil
		}
	}
	for _, v := range c.vars {
		out.speaks = append(out.speaks, out.Mentions(v))
	}
	return out
}

// functions are what conditions are made of. CEL has more, of texts and times: there are none here.
var functions = []string{
	operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.Conditional, operators.In, operators.Negate,
	operators.Add, operators.Subtract, operators.Multiply, operators.Divide, absolute,
	operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
}

// plain notes functions that are CEL's and not the pack language's, and a division by zero: whether it holds, nobody means.
func (c *Conditions) plain(e Expr, checked *cel.Ast, ds *Diagnostics) bool {
	root, info := checked.NativeRep().Expr(), checked.NativeRep().SourceInfo()
	before := len(*ds)
	ast.PostOrderVisit(root, ast.NewExprVisitor(func(x ast.Expr) {
		if x.Kind() == ast.LiteralKind && x.AsLiteral().Type() == types.StringType && len(*ds) == before {
			ds.Add(c.placeOf(e, x, info, e.Pos), CodeCondition, "%s is a text; a condition compares numbers", c.said(x, info))
		}
		if x.Kind() != ast.CallKind || len(*ds) > before {
			return
		}
		switch name, args := x.AsCall().FunctionName(), x.AsCall().Args(); {
		case !slices.Contains(functions, name):
			ds.Add(c.placeOf(e, x, info, e.Pos), CodeCondition, "there is no function %q", strings.Trim(name, "_@"))
		case name == operators.Divide:
			if by, ok := c.reach(args[1]); ok && by.Lowest == 0 && by.Highest == 0 {
				ds.Add(c.placeOf(e, x, info, e.Pos), CodeCondition, "%s divides by 0", c.said(x, info))
			}
		}
	}))
	return len(*ds) == before
}

// note maps CEL's errors to places in the file. After a mistake of grammar, and after a function that there is not, what
// CEL says next is only a consequence.
func (c *Conditions) note(e Expr, iss *cel.Issues, ds *Diagnostics) {
	for _, err := range iss.Errors() {
		line, column := max(err.Location.Line(), 1), max(err.Location.Column(), 0)
		if grammar, ok := strings.CutPrefix(err.Message, "Syntax error: "); ok {
			message, width := syntaxWords(grammar)
			ds.Add(e.place(line, column, width), CodeCondition, "%s", message)
			return
		}
		if word, ok := strings.CutPrefix(err.Message, "undeclared reference to '"); ok {
			word, _, _ = strings.Cut(word, "'")
			at := e.place(line, column, len([]rune(word)))
			if c.called(e, word) {
				ds.Add(at, CodeCondition, "there is no function %q", word)
				return
			}
			ds.Add(at, CodeCondition, "unknown variable %q%s; there is %s", word, strings.TrimSuffix(suggest(word, c.vars), "?"), strings.Join(c.vars, ", "))
			continue
		}
		message, _, _ := strings.Cut(unmangled.Replace(err.Message), "\n")
		ds.Add(e.place(line, column, 1), CodeCondition, "%s", message)
	}
}

// called says that the word stands before a parenthesis.
func (c *Conditions) called(e Expr, word string) bool {
	_, after, ok := strings.Cut(e.Source, word)
	return ok && strings.HasPrefix(strings.TrimLeft(after, " "), "(")
}

// syntaxWords says a mistake of grammar in words, with the width of what it is about.
func syntaxWords(message string) (words string, width int) {
	message, _, _ = strings.Cut(message, " expecting ")
	_, rest, _ := strings.Cut(message, "'")
	word := strings.TrimSpace(strings.TrimSuffix(rest, "'"))
	meant := signsMeant[word]
	switch {
	case word == "<EOF>":
		return "the condition ends in the middle", 1
	case meant != "":
		return fmt.Sprintf("%q is no part of a condition, did you mean %q?", word, meant), len([]rune(word))
	case word != "" && !strings.Contains(word, "'"):
		return fmt.Sprintf("%q does not belong here", word), len([]rune(word))
	}
	return message, 1
}

// unmangled takes the mangling out of CEL's messages.
var unmangled = strings.NewReplacer("'_", "'", "_'", "'", "found no matching overload for ", "nothing takes ", "'@", "'",
	"(double", "(number", ", double", ", number", "(string", "(text", ", string", ", text", "ERROR: <input>:", "")

// doubles turns the integer literals of an expression into doubles: every variable is one, and CEL has no implicit
// conversion, so "value >= 5" would not compile.
func doubles(e ast.Expr) {
	factory := ast.NewExprFactory()
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.LiteralKind {
			return
		}
		switch v := e.AsLiteral().(type) {
		case types.Int:
			e.SetKindCase(factory.NewLiteral(e.ID(), types.Double(v)))
		case types.Uint:
			e.SetKindCase(factory.NewLiteral(e.ID(), types.Double(v)))
		}
	}))
}

func outputWord(t *cel.Type) string {
	switch t {
	case cel.DoubleType:
		return "a number"
	case cel.StringType:
		return "a text"
	}
	return t.String()
}

// sizes tells the estimator nothing: there are only numbers, whose size is 1.
type sizes struct{}

func (sizes) EstimateSize(cost.AstNode) *cost.SizeEstimate { return nil }
func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

var _ cost.Estimator = sizes{}

// mirrored is the comparison with its sides swapped.
var mirrored = map[string]string{
	operators.Less: operators.Greater, operators.LessEquals: operators.GreaterEquals,
	operators.Greater: operators.Less, operators.GreaterEquals: operators.LessEquals,
	operators.Equals: operators.Equals, operators.NotEquals: operators.NotEquals,
}

func (c *Conditions) term(e ast.Expr) term {
	if e.Kind() != ast.CallKind {
		return term{}
	}
	call := e.AsCall()
	args := call.Args()
	switch op := call.FunctionName(); op {
	case operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot:
		t := term{op: op}
		for _, a := range args {
			p := c.term(a)
			if p.op == "" {
				return term{}
			}
			if p.op == op && op != operators.LogicalNot { // a && b && c is one list, not pairs of pairs
				t.parts = append(t.parts, p.parts...)
				continue
			}
			t.parts = append(t.parts, p)
		}
		return t
	case operators.In: // one of these numbers
		t := term{op: operators.LogicalOr}
		if args[1].Kind() != ast.ListKind {
			return term{}
		}
		for _, el := range args[1].AsList().Elements() {
			v, abs, limit, ok := c.sides(args[0], el)
			if !ok {
				return term{}
			}
			t.parts = append(t.parts, term{op: operators.Equals, variable: v, absolute: abs, limit: limit})
		}
		switch len(t.parts) {
		case 0:
			return term{}
		case 1:
			return t.parts[0]
		}
		return t
	default:
		swapped, comparison := mirrored[op]
		if !comparison {
			return term{}
		}
		if v, abs, limit, ok := c.sides(args[0], args[1]); ok {
			return term{op: op, variable: v, absolute: abs, limit: limit}
		}
		if v, abs, limit, ok := c.sides(args[1], args[0]); ok {
			return term{op: swapped, variable: v, absolute: abs, limit: limit}
		}
	}
	return term{}
}

func (c *Conditions) sides(a, b ast.Expr) (variable int, abs bool, limit float64, ok bool) {
	if a.Kind() == ast.CallKind && a.AsCall().FunctionName() == absolute {
		variable, _, limit, ok = c.sides(a.AsCall().Args()[0], b)
		return variable, true, limit, ok
	}
	if a.Kind() != ast.IdentKind {
		return 0, false, 0, false
	}
	variable = slices.Index(c.vars, a.AsIdent())
	if b.Kind() == ast.CallKind && b.AsCall().FunctionName() == operators.Negate {
		_, _, limit, ok = c.sides(a, b.AsCall().Args()[0])
		return variable, false, -limit, ok
	}
	if b.Kind() != ast.LiteralKind {
		return 0, false, 0, false
	}
	d, ok := b.AsLiteral().(types.Double)
	return variable, false, float64(d), ok && variable >= 0
}

// Source is the condition as it was written.
func (c *Condition) Source() string { return c.source }

// Holds evaluates the condition for the values of the variables, in the order in which they were declared. A condition that
// can't be evaluated (it divides by zero, say) does not hold.
func (c *Condition) Holds(values ...float64) bool {
	if c.term.op != "" {
		return c.term.holds(values)
	}
	return c.eval(values)
}

func (c *Condition) eval(values []float64) bool {
	in := make(map[string]any, len(values))
	for i, v := range c.vars {
		in[v] = values[i]
	}
	out, _, err := c.prg.Eval(in)
	return err == nil && out == types.True
}

func (t term) holds(values []float64) bool {
	v := 0.0
	if t.parts == nil {
		if v = values[t.variable]; t.absolute {
			v = math.Abs(v)
		}
	}
	switch t.op {
	case operators.LogicalAnd:
		for _, p := range t.parts {
			if !p.holds(values) {
				return false
			}
		}
		return true
	case operators.LogicalOr:
		for _, p := range t.parts {
			if p.holds(values) {
				return true
			}
		}
		return false
	case operators.LogicalNot:
		return !t.parts[0].holds(values)
	case operators.Less:
		return v < t.limit
	case operators.LessEquals:
		return v <= t.limit
	case operators.Greater:
		return v > t.limit
	case operators.GreaterEquals:
		return v >= t.limit
	case operators.Equals:
		return v == t.limit
	default:
		return v != t.limit
	}
}

// Truth is what a condition comes to where variables may be unknown.
type Truth int8

// A condition holds, fails, or can't be told.
const (
	Fails Truth = iota
	Holds
	Unknown
)

// Judge evaluates the condition as Holds does, where some variables are unknown: they have a value, and nobody knows it. What
// holds or fails whatever that value is does so (Kleene, Introduction to Metamathematics, 1952, section 64); all else is
// Unknown. A condition that is made of more than comparisons is so as soon as it speaks of such a variable.
func (c *Condition) Judge(values []float64, unknown []bool) Truth {
	sure := true
	for i, u := range unknown {
		if u && c.speaks[i] {
			sure = false
		}
	}
	switch {
	case sure && c.Holds(values...):
		return Holds
	case sure:
		return Fails
	case c.term.op != "":
		return c.term.judge(values, unknown)
	}
	return Unknown
}

func (t term) judge(values []float64, unknown []bool) Truth {
	switch t.op {
	case operators.LogicalAnd, operators.LogicalOr:
		decides := Fails
		if t.op == operators.LogicalOr {
			decides = Holds
		}
		all := Holds + Fails - decides
		for _, p := range t.parts {
			switch p.judge(values, unknown) {
			case decides:
				return decides
			case Unknown:
				all = Unknown
			}
		}
		return all
	case operators.LogicalNot:
		switch t.parts[0].judge(values, unknown) {
		case Fails:
			return Holds
		case Holds:
			return Fails
		}
		return Unknown
	}
	switch {
	case unknown[t.variable]:
		return Unknown
	case t.holds(values):
		return Holds
	}
	return Fails
}

// Limits are the numbers that the condition compares the variable with, sorted. ok is false when it does more with it
// than compare.
func (c *Condition) Limits(variable string) (limits []float64, ok bool) {
	if c.term.op == "" {
		return nil, false
	}
	c.term.limits(slices.Index(c.vars, variable), &limits)
	slices.Sort(limits)
	return slices.Compact(limits), true
}

func (t term) limits(variable int, into *[]float64) {
	if t.parts == nil && t.variable == variable {
		if *into = append(*into, t.limit); t.absolute {
			*into = append(*into, -t.limit, 0)
		}
	}
	for _, p := range t.parts {
		p.limits(variable, into)
	}
}

// Probes are values of a variable at, between and around the limits of some conditions: two conditions over one variable
// that agree on the probes agree everywhere.
func Probes(variable string, cs ...*Condition) []float64 {
	var limits []float64
	for _, c := range cs {
		if c == nil {
			continue
		}
		ls, ok := c.Limits(variable)
		if !ok {
			return nil
		}
		limits = append(limits, ls...)
	}
	slices.Sort(limits)
	limits = slices.Compact(limits)
	var probes []float64
	for i, l := range limits {
		if i == 0 {
			probes = append(probes, l-1)
		} else {
			probes = append(probes, (limits[i-1]+l)/2)
		}
		probes = append(probes, l)
	}
	if len(limits) > 0 {
		probes = append(probes, limits[len(limits)-1]+1)
	}
	return probes
}

// Words says the condition in the signs that both languages read ("value ≥ 5 %LEL"), with the variables named and given
// units as the caller wants. What is more than comparisons is said as it was written.
func (c *Condition) Words(name func(variable string) (name, unit string), and, or, not string) string {
	if c.term.op == "" { // it reckons: it is read from left to right as it was written
		return spoken.ReplaceAllStringFunc(c.source, func(token string) string {
			said, known := map[string]string{
				"&&": and, "||": or, "!": not, ">=": " ≥ ", "<=": " ≤ ", "==": " = ", "!=": " ≠ ", ">": " > ", "<": " < ", "*": " × ", "/": " ÷ ",
			}[strings.TrimSpace(token)]
			switch {
			case known:
				return said
			case slices.Contains(c.vars, token):
				said, _ = name(token)
				return said
			}
			return token
		})
	}
	return c.term.words(func(i int) (string, string) { return name(c.vars[i]) }, and, or, not)
}

// spoken are the parts of a condition that have words: operators with the space around them, and names, whole.
var spoken = regexp.MustCompile(`\s*(?:&&|\|\||[<>=!]=|[<>*/])\s*|!|[A-Za-z_][A-Za-z0-9_.]*`)

var signs = map[string]string{
	operators.Less: "<", operators.LessEquals: "≤", operators.Greater: ">", operators.GreaterEquals: "≥",
	operators.Equals: "=", operators.NotEquals: "≠",
}

func (t term) words(name func(int) (string, string), and, or, not string) string {
	inner := func(p term) string {
		if p.op == operators.LogicalAnd || p.op == operators.LogicalOr {
			return "(" + p.words(name, and, or, not) + ")"
		}
		return p.words(name, and, or, not)
	}
	list := func(between string) string {
		parts := make([]string, len(t.parts))
		for i, p := range t.parts {
			parts[i] = inner(p)
		}
		return strings.Join(parts, between)
	}
	switch t.op {
	case operators.LogicalAnd:
		return list(and)
	case operators.LogicalOr:
		return list(or)
	case operators.LogicalNot:
		return not + inner(t.parts[0])
	}
	what, unit := name(t.variable)
	if t.absolute {
		what = "|" + what + "|"
	}
	return strings.TrimSpace(what + " " + signs[t.op] + " " + strconv.FormatFloat(t.limit, 'f', -1, 64) + " " + unit)
}

// Compound says that the condition is several, joined by and or or: in a sentence it stands in brackets.
func (c *Condition) Compound() bool {
	return c.term.op == operators.LogicalAnd || c.term.op == operators.LogicalOr
}

// FormatNumber writes a number for people: three significant digits, all digits before the point, no exponent.
func FormatNumber(v float64) string {
	digits := 0
	if a := math.Abs(v); a != 0 && a < 100 {
		digits = min(max(2-int(math.Floor(math.Log10(a))), 0), 6)
	}
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
