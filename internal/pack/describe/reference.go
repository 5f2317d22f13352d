package describe

import (
	"fmt"
	"strings"

	"github.com/anlan-city/anlan/internal/pack"
)

// Reference is a page with all keys of all files, for people who write packs.
func Reference(all []pack.Declaration) string {
	var b strings.Builder
	b.WriteString(introduction)
	for _, d := range all {
		p := page{b: &b, file: strings.ReplaceAll(d.File, "*", ""), seen: map[*pack.Form]string{}}
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n", d.File, d.Title)
		form, what := d.Form(), "The file has these keys."
		if form.Type == pack.TypeList {
			form, what = form.Item, "The file is a list. Each item has these keys."
		}
		p.seen[form] = d.File
		p.keys(form, what)
		for len(p.next) > 0 {
			n := p.next[0]
			p.next = p.next[1:]
			fmt.Fprintf(&b, "\n### %s\n", n.heading)
			p.keys(n.form, n.what)
		}
	}
	return b.String()
}

const introduction = `# Reference of the pack language

Every key of every file of a pack. This page is made from the declarations that the program reads packs with; how to write
a pack from the beginning stands in [packs.md](packs.md), how a rule is judged in [pack-rules.md](pack-rules.md), what a message means in
[diagnostics.md](diagnostics.md). Editors
with a YAML language server show the same while you type, from the schemas in ` + "`packs/schema`" + `, if a file's first line is

    # yaml-language-server: $schema=../schema/detectors.json

| type | how it is written |
|---|---|
| text | words; in quotes where they begin with a sign such as % or { or have a colon and a space in them |
| name | lower-case words of a-z and 0-9 joined by hyphens: ` + "`kitchen-alarm`" + `; those of inputs and derived numbers, of which conditions speak, by underscores: ` + "`rain_3h`" + ` |
| text in both languages | ` + "`{en: Methane in air, zh-CN: 甲烷浓度}`" + ` |
| one name or a list of names | ` + "`kitchen-alarm`" + ` or ` + "`[kitchen-alarm, home-alarm]`" + ` |
| number | ` + "`5`, `0.25`, `-3`" + ` |
| duration | ` + "`30s`, `10m`, `2h`, `1h30m`, `3d`" + ` |
| condition | comparisons in quotes, joined by ` + "`&&` (and), `\\|\\|` (or), `!` (not): `\"value >= 5 && value < 20\"`" + `; [all that it may contain](pack-rules.md#conditions) |
| series of readings | in a test: ` + "`0x10 2+1x20 _x3 stale`" + ` |
| true or false | ` + "`true`, `false`" + ` |
| list | ` + "`[a, b]`" + `, or one item a line, each after a dash |
| keys of your own | names that the pack gives, with the same keys under each |

A default holds where the key is left out.
`

// page writes the tables of one file, a form in one place only.
type page struct {
	b    *strings.Builder
	file string
	seen map[*pack.Form]string // the heading under which a form stands
	next []section
}

type section struct {
	heading, what string
	form          *pack.Form
}

func (p *page) keys(f *pack.Form, what string) {
	fmt.Fprintf(p.b, "\n%s", what)
	for _, g := range f.Groups {
		if len(g.Keys) == 1 {
			fmt.Fprintf(p.b, " %s must be there, even if it is empty.", code(g.Keys))
		} else {
			fmt.Fprintf(p.b, " %s one of %s stands there.", strings.ToUpper(g.Word[:1])+g.Word[1:], code(g.Keys))
		}
	}
	p.b.WriteString("\n\n")
	p.b.WriteString("| key | type | required | default | meaning |\n|---|---|---|---|---|\n")
	for _, field := range f.Fields {
		required := ""
		if field.Required {
			required = "yes"
		}
		meaning := field.Doc
		if field.Example != "" {
			meaning += ". Such as `" + field.Example + "`"
		}
		fmt.Fprintf(p.b, "| `%s` | %s | %s | %s | %s |\n", field.Key, cell(p.typ(field)), required, byDefault(field), cell(meaning))
	}
}

// typ says what stands under a key, and puts down its own keys for a section of their own.
func (p *page) typ(f pack.Field) string { return p.form(f.Form, f, f.Rules) }

func (p *page) form(form *pack.Form, f pack.Field, r pack.Rules) string {
	switch form.Type {
	case pack.TypeList:
		item := p.form(form.Item, f, pack.Rules{Name: r.Name, OneOf: r.OneOf, Bounds: r.Bounds})
		if r.Count > 0 {
			return fmt.Sprintf("list of %d, each: %s", r.Count, item)
		}
		return "list, each item: " + item
	case pack.TypeMap:
		keys := "keys of your own"
		if len(r.OneOf) > 0 {
			keys = "keys out of " + code(r.OneOf)
		}
		return keys + ", under each: " + p.form(form.Item, f, pack.Rules{})
	case pack.TypeKeys:
		return "keys, see " + p.section(form, f)
	case pack.TypeText:
		switch {
		case len(r.OneOf) > 0:
			return "one of " + code(r.OneOf)
		case r.Name:
			return "name"
		}
	}
	words := string(form.Type)
	for i, b := range r.Bounds {
		if i == 0 {
			words += " " + b.String()
		} else {
			words += " and " + b.String()
		}
	}
	return words
}

// section is a link to the section of a form with keys, which is put down where it is not yet.
func (p *page) section(form *pack.Form, f pack.Field) string {
	if _, seen := p.seen[form]; !seen {
		heading := p.file + " " + f.Key
		for p.taken(heading) {
			heading += " of " + form.Name
		}
		p.seen[form] = heading
		what := "Under it stand these keys."
		switch f.Form.Type {
		case pack.TypeList:
			what = "Each item has these keys."
		case pack.TypeMap:
			what = "Under each key stand these."
		}
		p.next = append(p.next, section{heading, what, form})
	}
	heading := p.seen[form]
	label := heading
	if _, key, inner := strings.Cut(heading, " "); inner {
		label = key
	}
	return fmt.Sprintf("[%s](#%s)", label, anchor(heading))
}

// anchor is the link that a heading gets: lower case, blanks to hyphens, without other signs.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '.' || r == '*' || r == '`':
			return -1
		}
		return r
	}, strings.ToLower(heading))
}

func (p *page) taken(heading string) bool {
	for _, h := range p.seen {
		if h == heading {
			return true
		}
	}
	return false
}

func byDefault(f pack.Field) string {
	switch other, ok := strings.CutPrefix(f.Default, "as "); {
	case f.Default == "":
		return ""
	case ok:
		return "that of `" + other + "`"
	}
	return "`" + f.Default + "`"
}

func code(words []string) string { return "`" + strings.Join(words, "`, `") + "`" }

// cell keeps a text from ending its cell of the table.
func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }
