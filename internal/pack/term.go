package pack

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Term is how long something may take: a span such as 30m or 10d, or a number of working days such as 3wd, which a calendar
// turns into a moment. At most one of the two is not zero.
type Term struct {
	Value       time.Duration
	WorkingDays int
	Pos
}

// TermPattern is what a term looks like.
const TermPattern = `^(([0-9]+(\.[0-9]+)?(d|h|ms|m|s))+|[0-9]+wd)$`

// maxWorkingDays is more than ten years of them.
const maxWorkingDays = 2600

var _ decodable = (*Term)(nil)

func (x *Term) decode(d *decoder, n ast.Node, what string) {
	const want = "needs a term such as 30m, 4h, 10d or, in working days, 3wd"
	s, ok := n.(*ast.StringNode)
	if !ok {
		d.Add(d.doc.at(n), CodeType, "%s %s, not %s%s", what, want, KindOf(n), inUnits(n))
		return
	}
	v, days, err := parseTerm(s.Value)
	if err != nil {
		d.Add(d.doc.at(n), CodeValue, "%s %s, not %q%s", what, want, s.Value, inDays(s.Value))
		return
	}
	*x = Term{v, days, d.doc.at(n)}
}

func parseTerm(s string) (time.Duration, int, error) {
	if number, ok := strings.CutSuffix(s, "wd"); ok {
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 || n > maxWorkingDays || strings.HasPrefix(number, "+") {
			return 0, 0, fmt.Errorf("%q is no number of working days", s)
		}
		return 0, n, nil
	}
	v, err := parseDuration(s)
	return v, 0, err
}

// seconds is the term for a comparison with a bound; a working day counts as a day.
func (x Term) seconds() float64 { return x.Value.Seconds() + float64(x.WorkingDays)*86400 }
