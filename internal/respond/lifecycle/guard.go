package lifecycle

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// guardCost bounds what one condition may cost to evaluate: a pack is written by a city, not by an attacker, but a slip
// must not stop the writer.
const guardCost = 10_000

var guardEnv = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.Variable("fields", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("case", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("now", cel.TimestampType),
		cel.CrossTypeNumericComparisons(true), // so that open_tasks == 0 reads as it is meant
	)
})

// compileGuard turns a condition into something that can be asked.
func compileGuard(text string) (cel.Program, error) {
	env, err := guardEnv()
	if err != nil {
		return nil, err
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		first, _, _ := strings.Cut(issues.Errors()[0].Message, "\n")
		return nil, fmt.Errorf("the condition is not understood: %s", first)
	}
	if t := ast.OutputType(); !t.IsExactType(cel.BoolType) && !t.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("the condition gives %s, not true or false", t)
	}
	return env.Program(ast, cel.CostLimit(guardCost))
}

// errUndecided says that a condition asks for something that is not there yet.
var errUndecided = errors.New("the condition could not be decided")

// holds evaluates the guard.
func (g *Guard) holds(c Snapshot, fields map[string]any, now time.Time) (bool, error) {
	g.once.Do(func() { g.program, g.err = compileGuard(g.When) })
	if g.err != nil {
		return false, g.err
	}
	v, _, err := g.program.Eval(map[string]any{
		"fields": fields,
		"case": map[string]any{
			"owner": c.Owner, "desk": c.Desk, "state": c.State, "level": c.Level, "open_tasks": c.OpenTasks, "opened_at": c.OpenedAt, "listed": c.Listed,
			"open_parts": c.OpenParts, "extensions": c.Extensions, "returns": c.Returns, "parent": c.Parent, "reopened": c.Reopened, "is_part": c.Parent != 0, "overdue": c.overdue(now),
		},
		"now": now,
	})
	if err != nil {
		return false, fmt.Errorf("%w: %w", errUndecided, err)
	}
	return v == types.True, nil
}

// overdue says whether a limit of the case has passed.
func (c *Snapshot) overdue(now time.Time) bool {
	return slices.ContainsFunc(c.Limits, func(l Limited) bool { return !l.DueAt.After(now) })
}
