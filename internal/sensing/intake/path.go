package intake

import (
	"fmt"
	"strconv"
	"strings"

	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// missing is what a path of an expression leads to in vain, such as "item.object has no temperature, but temp, hum". It is
// "" where every path that can be followed leads somewhere.
func missing(e celast.Expr, vars map[string]any) string {
	var found string
	celast.PreOrderVisit(e, celast.NewExprVisitor(func(e celast.Expr) {
		if found == "" && (e.Kind() == celast.SelectKind || e.Kind() == celast.CallKind) {
			found = follow(e, vars).lost
		}
	}))
	return found
}

// step is where a path has come to.
type step struct {
	at   ref.Val // nil where it can't be followed: a call, a variable of a macro
	path string
	lost string // what is missing there
}

func follow(e celast.Expr, vars map[string]any) step {
	switch e.Kind() {
	case celast.IdentKind:
		v, ok := vars[e.AsIdent()]
		if !ok {
			return step{}
		}
		return step{at: jsonValues{}.NativeToValue(v), path: e.AsIdent()}
	case celast.SelectKind:
		s := e.AsSelect()
		from := follow(s.Operand(), vars)
		if from.at == nil || from.lost != "" || s.IsTestOnly() {
			return step{lost: from.lost}
		}
		return from.key(types.String(s.FieldName()))
	case celast.CallKind:
		c := e.AsCall()
		if c.FunctionName() != operators.Index || len(c.Args()) != 2 || c.Args()[1].Kind() != celast.LiteralKind {
			return step{}
		}
		from := follow(c.Args()[0], vars)
		if from.at == nil || from.lost != "" {
			return step{lost: from.lost}
		}
		return from.key(c.Args()[1].AsLiteral())
	}
	return step{}
}

// key goes one step on, into an object by its key or into a list by its index.
func (s step) key(k ref.Val) step {
	switch at := s.at.(type) {
	case traits.Mapper:
		if v, ok := at.Find(k); ok {
			return step{at: v, path: s.path + "." + fmt.Sprint(k.Value())}
		}
		return step{lost: fmt.Sprintf("%s has no %v%s", s.path, k.Value(), but(at))}
	case traits.Lister:
		n, _ := at.Size().(types.Int)
		i, err := strconv.ParseInt(fmt.Sprint(k.Value()), 10, 64)
		if err != nil {
			return step{lost: fmt.Sprintf("%s is a list of %d, and has no %v", s.path, n, k.Value())}
		}
		if i < 0 || i >= int64(n) {
			return step{lost: fmt.Sprintf("%s has %d elements, so there is no %s[%d]", s.path, n, s.path, i)}
		}
		return step{at: at.Get(types.Int(i)), path: fmt.Sprintf("%s[%d]", s.path, i)}
	}
	what := typeWord(typeOf(s.at))
	return step{lost: fmt.Sprintf("%s is %s, and has no %v", s.path, what, k.Value())}
}

// maxNamed bounds the objects whose keys are told: sorting thousands of them for each reading that fails takes long.
const maxNamed = 100

// but lists the first keys that there are, for whoever misspelt one.
func but(m traits.Mapper) string {
	if n, _ := m.Size().(types.Int); n > maxNamed {
		return fmt.Sprintf(", but %d others", n)
	}
	var keys []string
	for it := m.Iterator(); it.HasNext() == types.True && len(keys) < 8; {
		keys = append(keys, fmt.Sprint(it.Next().Value()))
	}
	if len(keys) == 0 {
		return ": it is empty"
	}
	sortKeys(keys)
	return ", but " + strings.Join(keys, ", ")
}
