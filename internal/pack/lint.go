package pack

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"github.com/anlan-city/anlan/internal/methods/ucum"
)

// What is no error, but for certain not what its writer wants. Each of these is a warning.

var placeholder = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)

// tongues warns where the two languages of a text say different things.
func (d *decoder) tongues(t Text, what string) {
	en, zh := placeholders(t.EN.Value), placeholders(t.ZH.Value)
	for _, p := range en {
		if !slices.Contains(zh, p) {
			d.Warn(t.ZH.Pos, CodeOneLanguage, "{{%s}} stands in the English %s, but not in the Chinese", p, what)
		}
	}
	for _, p := range zh {
		if !slices.Contains(en, p) {
			d.Warn(t.EN.Pos, CodeOneLanguage, "{{%s}} stands in the Chinese %s, but not in the English", p, what)
		}
	}
	if han(t.EN.Value) {
		d.Warn(t.EN.Pos, CodeWrongTongue, "the English %s has Chinese characters in it", what)
	}
	if !han(t.ZH.Value) && len(latinWords.FindAllString(placeholder.ReplaceAllString(t.ZH.Value, ""), -1)) > 1 {
		d.Warn(t.ZH.Pos, CodeWrongTongue, "the Chinese %s has no Chinese character in it", what)
	}
	if at, sign := halfWidth(t.ZH.Value); at >= 0 {
		d.Warn(t.ZH.within(at, 1), CodePunctuation, "half-width %q in Chinese, did you mean %q?", sign, fullWidth[sign])
	}
}

var latinWords = regexp.MustCompile(`[A-Za-z]{2,}`)

func placeholders(s string) []string {
	var names []string
	for _, m := range placeholder.FindAllStringSubmatch(s, -1) {
		names = append(names, m[1])
	}
	return names
}

func han(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

var fullWidth = map[string]string{",": "，", ";": "；", ":": "：", "?": "？", "!": "！", ".": "。", "(": "（", ")": "）"}

// halfWidth finds the first sign of half width that touches a Chinese character on the side where only one of full width
// may: in runes from the beginning, -1 for none. A decimal point and the colon of a time touch digits.
func halfWidth(s string) (at int, sign string) {
	rs := []rune(s)
	isHan := func(i int) bool { return i >= 0 && i < len(rs) && unicode.Is(unicode.Han, rs[i]) }
	for i, r := range rs {
		wrong := false
		switch r {
		case ',', ';':
			wrong = isHan(i-1) || isHan(i+1)
		case ':', '?', '!', '.', ')':
			wrong = isHan(i - 1)
		case '(':
			wrong = isHan(i-1) || isHan(i+1)
		}
		if wrong {
			return i, string(r)
		}
	}
	return -1, ""
}

// within is the place of a part of the text, counted in characters. Where the text does not stand in its line as it is
// (in a block, or with escapes), it is the place of the whole.
func (s String) within(at, width int) Pos {
	p := s.Pos
	if p.in == nil || p.Line < 1 || p.Line > len(p.in.lines) {
		return p
	}
	rs := []rune(p.in.lines[p.Line-1])
	rest := string(rs[min(p.Column-1, len(rs)):])
	unquoted := strings.TrimLeft(rest, `"'`)
	if !strings.HasPrefix(unquoted, s.Value) {
		return p
	}
	p.Column += utf8.RuneCountInString(rest) - utf8.RuneCountInString(unquoted) + at
	p.Width = width
	return p
}

// misread are units that can be read, but as something that nobody observes in a city.
var misread = map[string]string{
	"mt": `a thousandth of a tonne, did you mean "m" or "t"?`,
}

// unit warns where a unit can't be read.
func (d *decoder) unit(s String) {
	if strings.TrimSpace(s.Value) == "" {
		return // noted by the decoder
	}
	if meant := misread[s.Value]; meant != "" {
		d.Warn(s.within(0, utf8.RuneCountInString(s.Value)), CodeUnit, "%q is read as %s", s.Value, meant)
	}
	_, err := ucum.Parse(s.Value)
	if e, ok := err.(*ucum.Error); ok {
		hint := ""
		if e.Suggestion != "" {
			hint = ", did you mean \"" + e.Suggestion + "\"?"
		}
		d.Warn(s.within(e.Column-1, max(1, utf8.RuneCountInString(s.Value)-e.Column+1)), CodeUnit, "%s%s", e.Message, hint)
	}
}

// At is the place of the thing with that id in a file that is a list, or of what stands under some keys of it. It is the
// nearest place that is there; the zero place where there is no such thing.
func (p *Pack) At(file, id string, keys ...string) Pos {
	doc := p.docs[file]
	if doc == nil {
		return Pos{}
	}
	list, ok := doc.body.(*ast.SequenceNode)
	if !ok {
		return Pos{}
	}
	for _, item := range list.Values {
		name := under(item, "id")
		if s, ok := name.(*ast.StringNode); !ok || s.Value != id {
			continue
		}
		at := name
		for _, key := range keys {
			if item = under(item, key); item == nil {
				break
			}
			at = item
		}
		return doc.at(at)
	}
	return Pos{}
}

// under is what stands under a key of a mapping, nil where nothing does.
func under(n ast.Node, key string) ast.Node {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	}
	for _, v := range values {
		if k, ok := v.Key.(*ast.StringNode); ok && k.Value == key {
			return v.Value
		}
	}
	return nil
}

// Mentions says whether a file has the key with that text anywhere.
func (p *Pack) Mentions(file, key, text string) bool {
	doc := p.docs[file]
	if doc == nil || doc.body == nil {
		return false
	}
	found := false
	ast.Walk(visitor(func(n ast.Node) {
		if s, ok := under(n, key).(*ast.StringNode); ok && s.Value == text {
			found = true
		}
	}), doc.body)
	return found
}

// Under are the texts that stand under a key anywhere in a file, in its order.
func (p *Pack) Under(file, key string) []String {
	doc := p.docs[file]
	if doc == nil || doc.body == nil {
		return nil
	}
	var found []String
	ast.Walk(visitor(func(n ast.Node) {
		// A mapping's entries are visited by themselves, too.
		if v, ok := n.(*ast.MappingValueNode); ok {
			if s, ok := under(v, key).(*ast.StringNode); ok {
				found = append(found, String{Value: s.Value, Pos: doc.at(s)})
			}
		}
	}), doc.body)
	return found
}

type visitor func(ast.Node)

func (v visitor) Visit(n ast.Node) ast.Visitor {
	v(n)
	return v
}

// misnamed notes the files that would be the pack's, had they its ending: nothing reads them, and a rule that nobody reads
// never speaks. Those of subfolders are kept for Unread.
func (p *Pack) misnamed(fsys fs.FS) (ds Diagnostics) {
	entries, _ := fs.ReadDir(fsys, ".") // what can't be listed can't be read either, which Read says
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~"): // the editor's own
		case e.IsDir():
			below, _ := fs.ReadDir(fsys, name)
			if slices.ContainsFunc(below, func(e fs.DirEntry) bool { return e.Name() == Main }) {
				continue // another pack
			}
			for _, e := range below {
				if !e.IsDir() && (asYAML(e.Name()) != "" || strings.HasSuffix(e.Name(), ".yaml")) {
					p.below = append(p.below, path.Join(name, e.Name()))
				}
			}
		case asYAML(name) != "":
			ds = append(ds, Diagnostic{Path: p.Path(name), Code: CodeUnread, Severity: Error,
				Message: fmt.Sprintf("nothing reads this file: the files of a pack end in .yaml; call it %q", asYAML(name))})
		}
	}
	return ds
}

var nearlyYAML = regexp.MustCompile(`(?i)^(.+?)\.ya?ml(\.txt)?$`)

// asYAML is what a file should be called whose name ends in nearly .yaml: .yml, .YAML, .yaml.txt. It is "" for all others.
func asYAML(name string) string {
	m := nearlyYAML.FindStringSubmatch(name)
	if m == nil || strings.HasSuffix(name, ".yaml") {
		return ""
	}
	return m[1] + ".yaml"
}

// Unread are the files of the pack that none of the declarations is for.
func (p *Pack) Unread(all []Declaration) Diagnostics {
	var known, stems []string
	for _, d := range all {
		known = append(known, d.File)
		stems = append(stems, strings.TrimSuffix(d.File, ".yaml"))
	}
	var ds Diagnostics
	for _, name := range p.Files() {
		if !slices.ContainsFunc(all, func(d Declaration) bool { return d.Matches(name) }) {
			hint := "; the files of a pack are " + joined(known, " and ")
			if near := nearest(strings.TrimSuffix(name, ".yaml"), stems); near != "" {
				hint = fmt.Sprintf(", did you mean %q?", near+".yaml")
			}
			ds = append(ds, Diagnostic{Path: p.Path(name), Code: CodeUnread, Severity: Error, Message: "nothing reads this file" + hint})
		}
	}
	for _, name := range p.below {
		d := Diagnostic{Path: p.Path(name), Code: CodeUnread, Severity: Warning,
			Message: "nothing reads this file: all files of a pack stand in its folder, and none below it"}
		if slices.ContainsFunc(all, func(d Declaration) bool { return d.Matches(path.Base(name)) || d.Matches(asYAML(path.Base(name))) }) {
			d.Severity = Error
		}
		ds = append(ds, d)
	}
	return ds
}
