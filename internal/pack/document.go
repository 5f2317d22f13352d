package pack

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// MaxFile is the size of the largest file of a pack in bytes: a pack is read aloud by people.
const MaxFile = 1 << 20

// document is one parsed file.
type document struct {
	*text
	body ast.Node // nil when the file is empty
}

// text is a file as it is written. It stands apart from what the parser made of it, so that places in it, which rules keep,
// don't keep that too: it is a hundred times as large.
type text struct {
	path  string // as shown to people
	lines []string
}

// Pos is a place in a file of a pack. The zero value is nowhere.
type Pos struct {
	in                  *text
	Line, Column, Width int
}

// IsZero says that the place is nowhere: what would stand there is missing.
func (p Pos) IsZero() bool { return p.in == nil }

// String is "path:line:column".
func (p Pos) String() string {
	if p.in == nil {
		return "-"
	}
	return fmt.Sprintf("%s:%d:%d", p.in.path, p.Line, p.Column)
}

func (p Pos) diagnostic(code, message string) Diagnostic {
	d := Diagnostic{Line: p.Line, Column: p.Column, Width: p.Width, Code: code, Severity: Error, Message: message}
	if p.in != nil {
		d.Path = p.in.path
		if p.Line >= 1 && p.Line <= len(p.in.lines) {
			d.source = p.in.lines[p.Line-1]
		}
	}
	return d
}

// parse reads one file. An empty body is nil.
func parse(fsys fs.FS, name, path string) (*document, error) {
	src, err := fs.ReadFile(fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, Diagnostics{{Path: path, Code: CodeFile, Severity: Error, Message: "the file is missing"}}
	case err != nil:
		return nil, Diagnostics{{Path: path, Code: CodeFile, Severity: Error, Message: err.Error()}}
	case len(src) > MaxFile:
		return nil, Diagnostics{{Path: path, Code: CodeFile, Severity: Error, Message: fmt.Sprintf("the file has %d bytes, more than %d", len(src), MaxFile)}}
	case !utf8.Valid(src):
		return nil, Diagnostics{foreign(src, path)}
	}
	return read(src, path)
}

// foreign notes that a file is not UTF-8, at the first place where it isn't, and what it most likely is.
func foreign(src []byte, path string) Diagnostic {
	if bytes.HasPrefix(src, []byte{0xff, 0xfe}) || bytes.HasPrefix(src, []byte{0xfe, 0xff}) {
		return Diagnostic{Path: path, Line: 1, Column: 1, Code: CodeFile, Severity: Error, Message: "the file is not UTF-8 but UTF-16; save it as UTF-8"}
	}
	at, message := 0, "the file is not UTF-8 from here on"
	for r, size := utf8.DecodeRune(src); r != utf8.RuneError || size != 1; r, size = utf8.DecodeRune(src[at:]) {
		at += size
	}
	text := src
	if read, err := simplifiedchinese.GB18030.NewDecoder().Bytes(src); err == nil && han(string(read)) && !han(string(src[:at])) {
		at = bytes.IndexFunc(src, func(r rune) bool { return r >= utf8.RuneSelf }) // the first characters may look like others of UTF-8
		text, message = read, "the file is not UTF-8 but, by its look, GBK; save it as UTF-8"
	}
	before := src[:at]
	line := bytes.Count(before, []byte("\n"))
	d := Diagnostic{Path: path, Line: line + 1, Column: utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1, Width: 1,
		Code: CodeFile, Severity: Error, Message: message}
	d.source = strings.ToValidUTF8(strings.TrimSuffix(strings.Split(string(text), "\n")[line], "\r"), "\ufffd")
	return d
}

// read parses text.
func read(src []byte, path string) (*document, error) {
	content := strings.ReplaceAll(strings.TrimPrefix(string(src), "\ufeff"), "\r\n", "\n")
	doc := &document{text: &text{path, strings.Split(content, "\n")}}
	for i, line := range doc.lines { // the parser would end the line there, and all places after it would be other ones
		if at := strings.IndexByte(line, '\r'); at >= 0 {
			doc.lines[i] = line[:at] // what is shown of it
			return nil, Diagnostics{doc.spot(i+1, at, 1).diagnostic(CodeSyntax, "a carriage return stands here that ends no line; save the file with line ends of one kind, LF or CRLF")}
		}
	}
	// Duplicate keys are let through here, so that the decoder finds all of them and not the first only.
	file, err := parser.ParseBytes([]byte(content), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, Diagnostics{doc.syntax(err)}
	}
	for _, d := range file.Docs {
		if d.Body == nil {
			continue
		}
		if doc.body != nil {
			return nil, Diagnostics{doc.at(d.Body).diagnostic(CodeLanguage, "a second document in one file; write one file for each")}
		}
		doc.body = d.Body
	}
	return doc, nil
}

func (doc *document) syntax(err error) Diagnostic {
	var positioned interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if errors.As(err, &positioned) && positioned.GetToken() != nil {
		at, message := doc.meant(doc.token(positioned.GetToken()), positioned.GetMessage())
		return at.diagnostic(CodeSyntax, message)
	}
	return Diagnostic{Path: doc.path, Code: CodeSyntax, Severity: Error, Message: strings.SplitN(err.Error(), "\n", 2)[0]}
}

// at is where a node begins. A mapping begins at its first key, not at the colon that the parser takes for its token.
func (doc *document) at(n ast.Node) Pos {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return doc.at(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return doc.at(n.Key)
	case *ast.SequenceNode:
		if !n.IsFlowStyle && len(n.Entries) > 0 && n.Entries[0].Start != nil {
			return doc.token(n.Entries[0].Start)
		}
	}
	return doc.token(n.GetToken())
}

// token is the place of a token. Its width is that of its text in the source, quotes and all.
func (doc *document) token(t *token.Token) Pos {
	if t == nil || t.Position == nil {
		return Pos{in: doc.text, Line: 1, Column: 1, Width: 1}
	}
	p := Pos{in: doc.text, Line: max(t.Position.Line, 1), Column: max(t.Position.Column, 1), Width: 1}
	if p.Line <= len(doc.lines) {
		// The parser's origin carries the white space around the token.
		if origin, _, _ := strings.Cut(strings.TrimSpace(t.Origin), "\n"); origin != "" {
			rest := string([]rune(doc.lines[p.Line-1])[min(p.Column-1, utf8.RuneCountInString(doc.lines[p.Line-1])):])
			if strings.HasPrefix(rest, origin) {
				p.Width = utf8.RuneCountInString(origin)
			}
		}
	}
	return p
}
