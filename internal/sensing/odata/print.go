package odata

import (
	"strconv"
	"strings"
	"time"
)

// precedence of operators, from loosest to tightest.
const (
	levelNone = iota
	levelOr
	levelAnd
	levelNot // not before what is no condition in itself
	levelIn
	levelEquality
	levelRelation
	levelSum
	levelProduct
	levelUnary
)

func (o Op) level() int {
	switch o {
	case OpOr:
		return levelOr
	case OpAnd:
		return levelAnd
	case OpIn:
		return levelIn
	case OpEq, OpNe:
		return levelEquality
	case OpGt, OpGe, OpLt, OpLe:
		return levelRelation
	case OpAdd, OpSub:
		return levelSum
	case OpMul, OpDiv, OpMod:
		return levelProduct
	}
	return levelUnary
}

func (e *Literal) String() string { return text(e) }
func (e *Path) String() string    { return text(e) }
func (e *Unary) String() string   { return text(e) }
func (e *Binary) String() string  { return text(e) }
func (e *Logic) String() string   { return text(e) }
func (e *In) String() string      { return text(e) }
func (e *InArray) String() string { return text(e) }
func (e *Call) String() string    { return text(e) }
func (e *Lambda) String() string  { return text(e) }

func text(e Expr) string { return string(appendExpr(nil, e, levelNone)) }

// appendExpr writes an expression, in parentheses where an operator of the given level would otherwise take it apart.
func appendExpr(b []byte, e Expr, level int) []byte {
	own := levelUnary + 1
	switch e := e.(type) {
	case *Binary:
		own = e.Op.level()
	case *Logic:
		own = e.Op.level()
	case *In, *InArray:
		own = levelIn
	case *Unary:
		own = levelUnary
		if e.Op == OpNot && e.X.Type() != TypeBool {
			own = levelNot
		}
	}
	if own < level {
		b = append(b, '(')
		return append(appendExpr(b, e, levelNone), ')')
	}
	switch e := e.(type) {
	case *Literal:
		b = appendLiteral(b, e.Value)
	case *Path:
		b = appendPath(b, e)
	case *Unary:
		if e.Op == OpNot {
			return appendExpr(append(b, "not "...), e.X, levelUnary)
		}
		// -3 would read back as one literal, --x not at all.
		return append(appendExpr(append(b, "-("...), e.X, levelNone), ')')
	case *Binary:
		b = appendExpr(b, e.L, own)
		b = append(append(append(b, ' '), e.Op.String()...), ' ')
		b = appendExpr(b, e.R, own+1)
	case *Logic:
		for i, t := range e.Terms {
			if i > 0 {
				b = append(append(append(b, ' '), e.Op.String()...), ' ')
			}
			b = appendExpr(b, t, own+1)
		}
	case *In:
		b = append(appendExpr(b, e.X, own), " in ("...)
		for i, l := range e.List {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendLiteral(b, l.Value)
		}
		b = append(b, ')')
	case *InArray:
		b = appendPath(append(appendExpr(b, e.X, own), " in "...), e.Array)
	case *Call:
		b = append(append(b, e.Func.String()...), '(')
		for i, a := range e.Args {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendExpr(b, a, levelNone)
		}
		b = append(b, ')')
	case *Lambda:
		b = appendPath(b, e.Over)
		if e.All {
			b = append(b, "/all("...)
		} else {
			b = append(b, "/any("...)
		}
		if e.Body != nil {
			b = appendExpr(append(append(b, e.Var...), ": "...), e.Body, levelNone)
		}
		b = append(b, ')')
	}
	return b
}

func appendPath(b []byte, p *Path) []byte {
	start := len(b)
	segment := func(name string) {
		if len(b) > start {
			b = append(b, '/')
		}
		b = append(b, name...)
	}
	if p.Var != "" {
		segment(p.Var)
	}
	for _, n := range p.Navs {
		segment(n.Name)
	}
	if p.Prop != nil {
		segment(p.Prop.Name)
	}
	return appendKeys(b, p.Sub)
}

func appendKeys(b []byte, keys []Key) []byte {
	for _, k := range keys {
		if k.Name != "" {
			b = append(append(b, '/'), k.Name...)
		} else {
			b = append(strconv.AppendInt(append(b, '['), int64(k.Index), 10), ']')
		}
	}
	return b
}

func appendLiteral(b []byte, v Value) []byte {
	switch v.kind {
	case KindBool:
		return strconv.AppendBool(b, v.a != 0)
	case KindNumber:
		return strconv.AppendFloat(b, v.float(), 'g', -1, 64)
	case KindText, KindJSON:
		return quoted(b, "", v.text)
	case KindTime:
		b = AppendTime(b, v.a)
		if v.b != v.a {
			b = AppendTime(append(b, '/'), v.b)
		}
		return b
	case KindDate:
		return utc(v.a).AppendFormat(b, time.DateOnly)
	case KindTimeOfDay:
		return utc(v.a).AppendFormat(b, "15:04:05.999999")
	case KindDuration:
		return quoted(b, "duration", durationText(v.a))
	case KindGeometry:
		return quoted(b, "geography", v.geo.AsText())
	}
	return append(b, "null"...)
}

func quoted(b []byte, prefix, s string) []byte {
	b = append(append(b, prefix...), '\'')
	b = append(b, strings.ReplaceAll(s, "'", "''")...)
	return append(b, '\'')
}

// AppendTime writes a time as it is written everywhere in the API: UTC, with as many digits as it needs.
func AppendTime(b []byte, us int64) []byte {
	return utc(us).AppendFormat(b, "2006-01-02T15:04:05.999999Z")
}

func utc(us int64) time.Time { return time.UnixMicro(us).UTC() }

// durationText is ISO 8601 with days as the largest unit.
func durationText(us int64) string {
	var b []byte
	n := uint64(us)
	if us < 0 {
		b, n = append(b, '-'), -n
	}
	b = append(b, 'P')
	const second, day = 1_000_000, 86_400_000_000
	if d := n / day; d > 0 {
		b = append(strconv.AppendUint(b, d, 10), 'D')
		n %= day
		if n == 0 {
			return string(b)
		}
	}
	b = append(b, 'T')
	if h := n / (3600 * second); h > 0 {
		b = append(strconv.AppendUint(b, h, 10), 'H')
	}
	if m := n / (60 * second) % 60; m > 0 {
		b = append(strconv.AppendUint(b, m, 10), 'M')
	}
	if rest := n % (60 * second); rest > 0 || b[len(b)-1] == 'T' {
		b = strconv.AppendUint(b, rest/second, 10)
		if frac := rest % second; frac > 0 {
			b = append(b, '.')
			b = append(b, strings.TrimRight(strconv.FormatUint(second+frac, 10)[1:], "0")...)
		}
		b = append(b, 'S')
	}
	return string(b)
}
