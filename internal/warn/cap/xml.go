package cap

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// Bounds on what Decode reads. Real messages with an embedded recording stay
// under 200 kB and the richest has some hundred elements.
const (
	MaxBytes    = 4 << 20
	MaxDepth    = 32
	MaxElements = 50_000

	maxAttributes = 64       // of one element
	maxTag        = 64 << 10 // bytes of one tag
)

// space is all that XML takes for white space; package strings takes more.
const space = " \t\r\n"

func isSpace(r rune) bool      { return strings.ContainsRune(space, r) }
func trim(s string) string     { return strings.Trim(s, space) }
func fields(s string) []string { return strings.FieldsFunc(s, isSpace) }

// bounds are those of one kind of document.
type bounds struct{ bytes, depth, elements int }

var messageBounds = bounds{MaxBytes, MaxDepth, MaxElements}

// node is one element with its text and children.
type node struct {
	name       xml.Name
	attributes []xml.Attr
	line       int
	path       string
	start, end int // where it stands in the UTF-8 text
	text       strings.Builder
	children   []*node
	parent     *node
}

// qualified reads a name out of an attribute's value, by the prefixes in scope.
func (n *node) qualified(value string) xml.Name {
	prefix, local, found := strings.Cut(value, ":")
	if !found {
		prefix, local = "", prefix
	}
	for ; n != nil; n = n.parent {
		for _, a := range n.attributes {
			if found && a.Name.Space == "xmlns" && a.Name.Local == prefix || !found && a.Name.Space == "" && a.Name.Local == "xmlns" {
				return xml.Name{Space: a.Value, Local: local}
			}
		}
	}
	return xml.Name{Local: local}
}

// alone is the element as a document of its own: as it stands, and with the namespaces that it has from around it where it does not
// declare its own.
func (n *node) alone(text []byte) []byte {
	document := text[n.start:n.end]
	var declared []string
	var b bytes.Buffer
	for at := n; at != nil; at = at.parent {
		for _, a := range at.attributes {
			name := a.Name.Local
			if a.Name.Space == "xmlns" {
				name = "xmlns:" + name
			}
			if !isDeclaration(a) || slices.Contains(declared, name) {
				continue
			}
			declared = append(declared, name)
			if at == n && a.Value == n.name.Space {
				return document
			}
			if at != n {
				b.WriteString(" " + name + `="`)
				xml.EscapeText(&b, []byte(a.Value)) // a buffer takes all
				b.WriteByte('"')
			}
		}
	}
	name := bytes.IndexAny(document, space+"/>")
	return slices.Concat(document[:name], b.Bytes(), document[name:])
}

// child returns the first child of that name, nil if there is none.
func (n *node) child(space, local string) *node {
	for _, c := range n.children {
		if c.name.Local == local && c.name.Space == space {
			return c
		}
	}
	return nil
}

func (n *node) attribute(local string) string {
	for _, a := range n.attributes {
		if a.Name.Local == local && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// parse builds the tree, within the bounds and without a document type. It holds
// what encoding/xml leaves out of well-formedness: the place and form of the XML
// declaration, attributes that stand twice or without a blank between them,
// prefixes that nobody declared, references to what is no character.
func parse(data []byte, limit bounds) (*node, error) {
	text, err := toUTF8(data, limit.bytes)
	if err != nil {
		return nil, err
	}
	if err := scan(text, limit); err != nil {
		return nil, err
	}
	x := xml.NewDecoder(bytes.NewReader(text))
	x.CharsetReader = converted
	p := parser{limit: limit, declared: map[string]int{nsXML: 1}}
	for {
		start := int(x.InputOffset())
		token, err := x.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		line, _ := x.InputPos()
		if err != nil {
			var syntax *xml.SyntaxError
			if errors.As(err, &syntax) {
				err = errors.New(syntax.Msg)
			}
			return nil, &documentError{line, fmt.Errorf("not well-formed XML: %w", err)}
		}
		if err := p.take(token, text, start, int(x.InputOffset())); err != nil {
			return nil, &documentError{line, err}
		}
		if _, ok := token.(xml.StartElement); ok { // reported where its tag begins
			p.open[len(p.open)-1].line = line - bytes.Count(text[start:x.InputOffset()], []byte("\n"))
		}
	}
	if p.root == nil {
		return nil, errors.New("no XML element in the message")
	}
	return p.root, nil
}

// scan holds the bounds in one cheap pass, before anything is built: a tag of a million attributes would cost a hundred
// times its size. It needs to be right on well-formed text only; what isn't is refused by the decoder.
func scan(text []byte, limit bounds) error {
	fail := func(at int, format string, args ...any) error {
		return &documentError{1 + bytes.Count(text[:at], []byte("\n")), fmt.Errorf(format, args...)}
	}
	depth, elements := 0, 0
	for at := 0; ; {
		i := bytes.IndexByte(text[at:], '<')
		if i < 0 {
			return nil
		}
		at += i
		rest, end := text[at:], ""
		switch {
		case bytes.HasPrefix(rest, []byte("<!--")):
			end = "-->"
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			end = "]]>"
		case bytes.HasPrefix(rest, []byte("<?")):
			end = "?>"
		case bytes.HasPrefix(rest, []byte("<!")):
			return fail(at, "a document type declaration is not allowed")
		}
		if end != "" {
			n := bytes.Index(rest[2:], []byte(end))
			if n < 0 {
				return nil
			}
			at += 2 + n + len(end)
			continue
		}
		n, apart := tagLength(rest)
		if n < 0 || n > maxTag {
			return fail(at, "a tag has no end, or more than %d bytes", maxTag)
		}
		if !apart {
			return fail(at, "not well-formed XML: no blank between two attributes")
		}
		switch {
		case rest[1] == '/':
			depth--
		default:
			if elements++; elements > limit.elements || depth >= limit.depth {
				return fail(at, "more than %d elements, or nested deeper than %d", limit.elements, limit.depth)
			}
			if rest[n-2] != '/' {
				depth++
			}
		}
		at += n
	}
}

// tagLength returns the length of the tag that text begins with, minding quotes, -1 without an end in reach; apart says
// that each value is followed by a blank or the tag's end.
func tagLength(text []byte) (n int, apart bool) {
	var quote byte
	apart = true
	for i := 1; i < len(text) && i <= maxTag; i++ {
		switch c := text[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
				apart = apart && i+1 < len(text) && strings.IndexByte(space+"/>", text[i+1]) >= 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1, apart
		}
	}
	return -1, apart
}

// documentError says on which line a document can't be read further.
type documentError struct {
	line int
	err  error
}

func (e *documentError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }
func (e *documentError) Unwrap() error { return e.err }

const (
	nsXML = "http://www.w3.org/XML/1998/namespace"
	nsXSI = "http://www.w3.org/2001/XMLSchema-instance"
	nsXSD = "http://www.w3.org/2001/XMLSchema"
)

type parser struct {
	limit    bounds
	root     *node
	open     []*node
	elements int
	declared map[string]int // namespaces in scope, how often
}

func (p *parser) take(token xml.Token, text []byte, start, end int) error {
	switch token := token.(type) {
	case xml.Directive:
		return errors.New("a document type declaration is not allowed")
	case xml.ProcInst:
		if strings.EqualFold(token.Target, "xml") && (start != 0 || token.Target != "xml") {
			return errors.New("an XML declaration stands at the very beginning or nowhere")
		}
		if token.Target == "xml" && !xmlDeclaration.Match(text[start:end]) {
			return errors.New("not well-formed XML: the XML declaration must give version, encoding and standalone, in that order and form")
		}
	case xml.StartElement:
		if err := references(text[start:end]); err != nil {
			return err
		}
		return p.begin(token, start)
	case xml.EndElement:
		n := p.open[len(p.open)-1]
		n.end = end
		p.open = p.open[:len(p.open)-1]
		for _, a := range n.attributes {
			if isDeclaration(a) {
				p.declared[a.Value]--
			}
		}
	case xml.CharData:
		if raw := text[start:end]; !bytes.HasPrefix(raw, []byte("<![CDATA[")) {
			if err := references(raw); err != nil {
				return err
			}
		}
		if len(p.open) > 0 {
			p.open[len(p.open)-1].text.Write(token)
		} else if len(bytes.Trim(text[start:end], " \t\r\n")) > 0 { // as written: a reference to a space is text too
			return errors.New("text outside the message")
		}
	}
	return nil
}

// references holds that no character reference, in text as written, names half of a surrogate pair: the decoder puts
// U+FFFD in its place.
func references(raw []byte) error {
	for {
		_, after, found := bytes.Cut(raw, []byte("&#"))
		if !found {
			return nil
		}
		reference, _, _ := bytes.Cut(after, []byte(";"))
		number, base := reference, 10
		if hex, ok := bytes.CutPrefix(number, []byte("x")); ok {
			number, base = hex, 16
		}
		if n, err := strconv.ParseUint(string(number), base, 32); err == nil && n >= 0xd800 && n <= 0xdfff {
			return fmt.Errorf("not well-formed XML: &#%s; is no character", reference)
		}
		raw = after
	}
}

func (p *parser) begin(token xml.StartElement, start int) error {
	p.elements++
	if p.elements > p.limit.elements || len(p.open) >= p.limit.depth {
		return fmt.Errorf("more than %d elements, or nested deeper than %d", p.limit.elements, p.limit.depth)
	}
	n := &node{name: token.Name, start: start}
	if len(token.Attr) > 0 {
		n.attributes = append(n.attributes, token.Attr...) // the decoder uses its slice again
	}
	if err := p.attributes(n); err != nil {
		return err
	}
	switch {
	case len(p.open) > 0:
		parent := p.open[len(p.open)-1]
		parent.children, n.parent = append(parent.children, n), parent
	case p.root != nil:
		return errors.New("a second element after the end of the message")
	default:
		p.root = n
	}
	p.open = append(p.open, n)
	return nil
}

func (p *parser) attributes(n *node) error {
	if len(n.attributes) > maxAttributes {
		return fmt.Errorf("an element has more than %d attributes", maxAttributes)
	}
	for _, a := range n.attributes {
		if isDeclaration(a) {
			p.declared[a.Value]++
		}
	}
	for i, a := range n.attributes {
		for _, b := range n.attributes[:i] {
			if a.Name == b.Name {
				return fmt.Errorf("attribute %.100s stands twice", a.Name.Local)
			}
		}
		if a.Name.Space == "xmlns" {
			if a.Value == "" {
				return fmt.Errorf("prefix %.100s stands for no namespace", a.Name.Local)
			}
		} else if a.Name.Space != "" && p.declared[a.Name.Space] == 0 {
			return fmt.Errorf("prefix %.100s was not declared", a.Name.Space)
		}
	}
	if n.name.Space != "" && p.declared[n.name.Space] == 0 {
		return fmt.Errorf("prefix %.100s was not declared", n.name.Space)
	}
	return nil
}

func isDeclaration(a xml.Attr) bool {
	return a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns"
}

// converted is the CharsetReader for a document out of toUTF8: whatever it says of itself, it is UTF-8 by now.
func converted(_ string, r io.Reader) (io.Reader, error) { return r, nil }

var xmlDeclaration = regexp.MustCompile(`^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*("1\.[0-9]+"|'1\.[0-9]+')` +
	`([ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*("[A-Za-z][A-Za-z0-9._-]*"|'[A-Za-z][A-Za-z0-9._-]*'))?` +
	`([ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*("(yes|no)"|'(yes|no)'))?[ \t\r\n]*\?>$`)

var declaredEncoding = regexp.MustCompile(`^<\?xml[^>]{0,200}?[ \t\r\n]encoding[ \t\r\n]*=[ \t\r\n]*["\']([A-Za-z][A-Za-z0-9._-]*)["\']`)

// toUTF8 turns the document into UTF-8 by its byte order mark or its declaration, as XML 1.0 appendix F says, and
// refuses what is not text in the encoding that it names. The names are those of IANA's registry.
func toUTF8(data []byte, most int) ([]byte, error) {
	if len(data) > most {
		return nil, fmt.Errorf("the message is larger than %d bytes", most)
	}
	name := "utf-8"
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		data = data[3:]
	case bytes.HasPrefix(data, []byte("\xfe\xff")), bytes.HasPrefix(data, []byte("\x00<\x00")):
		name = "utf-16be"
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("<\x00")):
		name = "utf-16le"
	default:
		if m := declaredEncoding.FindSubmatch(data[:min(len(data), 400)]); m != nil {
			name = strings.ToLower(string(m[1]))
		}
	}
	var e encoding.Encoding
	switch name {
	case "utf-8", "utf8":
		if !utf8.Valid(data) {
			return nil, errors.New("not well-formed XML: the text is not UTF-8")
		}
		return data, nil
	case "us-ascii", "ascii":
		if bytes.ContainsFunc(data, func(r rune) bool { return r >= 0x80 }) {
			return nil, errors.New("not well-formed XML: the text is not ASCII")
		}
		return data, nil
	case "utf-16be":
		e = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case "utf-16le":
		e = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case "gb2312":
		e = simplifiedchinese.GBK // which holds it
	default:
		var err error
		if e, err = ianaindex.IANA.Encoding(name); err != nil || e == nil {
			return nil, fmt.Errorf("character set %.40q is not supported", name)
		}
	}
	text, err := e.NewDecoder().Bytes(data)
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
		return nil, fmt.Errorf("not well-formed XML: the text is not %s", name)
	}
	return text, nil
}
