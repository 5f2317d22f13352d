package pack

import (
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Scalar is a text or a number, kept as it was written: an answer to a form whose kind stands elsewhere.
type Scalar struct {
	Value string
	Pos
}

var _ decodable = (*Scalar)(nil)

func (s *Scalar) decode(d *decoder, n ast.Node, what string) {
	at := d.doc.at(n)
	switch n := n.(type) {
	case *ast.StringNode:
		*s = Scalar{n.Value, at}
	case *ast.LiteralNode:
		*s = Scalar{n.Value.Value, at}
	case *ast.IntegerNode, *ast.FloatNode:
		*s = Scalar{n.GetToken().Value, at}
	default:
		d.Add(at, CodeType, "%s needs a text or a number, not %s", what, KindOf(n))
	}
}

// ParseDuration reads a span such as 30s, 1h30m or 3d.
func ParseDuration(s string) (time.Duration, error) { return parseDuration(s) }
