package pack

import (
	"math"
	"regexp"
	"strconv"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// What stands in a YAML file that people write, for packs and for whoever else reads such files.

// NumberOf is the finite number that a node is.
func NumberOf(n ast.Node) (float64, bool) {
	switch n := n.(type) {
	case *ast.IntegerNode:
		switch v := n.Value.(type) {
		case int64:
			return float64(v), true
		case uint64:
			return float64(v), true
		}
	case *ast.FloatNode:
		return n.Value, finite(n.Value)
	case *ast.StringNode: // the parser takes 1e6, and a whole number of more than 19 digits, for a text
		if plainNumber.MatchString(n.Value) && n.Token.Type != token.DoubleQuoteType && n.Token.Type != token.SingleQuoteType {
			v, err := strconv.ParseFloat(n.Value, 64)
			return v, err == nil
		}
	}
	return 0, false
}

var plainNumber = regexp.MustCompile(`^[-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?$`)

// KindOf names what stands there in the words of someone who does not know YAML: "needs a number, not a list".
func KindOf(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return "a text"
	case *ast.FloatNode:
		if !finite(n.Value) {
			return "no finite number"
		}
		return "a number"
	case *ast.IntegerNode:
		return "a number"
	case *ast.BoolNode:
		return n.String()
	case *ast.NullNode, nil:
		return "nothing"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys"
	case *ast.SequenceNode:
		return "a list"
	case *ast.InfinityNode, *ast.NanNode:
		return "no finite number"
	}
	return "an anchor, an alias or a tag"
}

func finite(v float64) bool { return !math.IsInf(v, 0) && !math.IsNaN(v) }
