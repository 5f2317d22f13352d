package pack

import (
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// Phrase is a text in a small language of its own, such as a series of readings. It knows where each of its characters
// stands, so that a mistake in it can be pointed at. A number is taken as it was written: 0x10 is no hexadecimal here.
type Phrase struct {
	Source string
	Pos
	block  bool // a | or > block: the source begins on the line after Pos
	quoted bool
}

var _ decodable = (*Phrase)(nil)

func (p *Phrase) decode(d *decoder, n ast.Node, what string) {
	*p = Phrase{Pos: d.doc.at(n)}
	switch n := n.(type) {
	case *ast.StringNode:
		p.Source = n.Value
		p.quoted = n.Token.Type == token.DoubleQuoteType || n.Token.Type == token.SingleQuoteType
	case *ast.IntegerNode, *ast.FloatNode:
		p.Source = n.GetToken().Value
	case *ast.LiteralNode:
		p.Source, p.block = n.Value.Value, true
	default:
		d.Add(p.Pos, CodeType, "%s needs a text, not %s", what, KindOf(n))
		*p = Phrase{}
	}
}

// Place is where width characters of the source from the given one on (from 0) stand in the file. White space is not
// counted on the way, since YAML folds it: the place is right in blocks and in texts of several lines too. After an escape
// in a quoted text it may be off within the text.
func (p Phrase) Place(from, width int) Pos {
	at := p.Pos
	at.Width = max(width, 1)
	if p.in == nil {
		return at
	}
	source := []rune(p.Source)
	ink := 0 // characters before the meant one that are no white space
	for _, r := range source[:min(max(from, 0), len(source))] {
		if !unicode.IsSpace(r) {
			ink++
		}
	}
	if strings.TrimSpace(p.Source) == "" {
		return p.Pos
	}
	if p.block {
		at.Line, at.Column = at.Line+1, 1
	} else if p.quoted {
		at.Column++
	}
	for ; at.Line <= len(p.in.lines); at.Line, at.Column = at.Line+1, 1 {
		line := []rune(p.in.lines[at.Line-1])
		for i := at.Column - 1; i < len(line); i++ {
			if unicode.IsSpace(line[i]) {
				continue
			}
			if ink == 0 {
				at.Column = i + 1
				return at
			}
			ink--
		}
	}
	return p.Pos
}
