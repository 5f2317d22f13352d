package pack

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// What people write in conditions who know no CEL, and what they meant by it.

// signsMeant are what people write for an operator of CEL.
var signsMeant = map[string]string{
	"and": "&&", "AND": "&&", "or": "||", "OR": "||", "not": "!", "NOT": "!", "=": "==", "&": "&&", "|": "||", "<>": "!=",
	"=>": ">=", "=<": "<=", "≥": ">=", "≤": "<=", "≠": "!=", "＞": ">", "＜": "<", "＝": "==", "且": "&&", "或": "||", "非": "!",
	"（": "(", "）": ")", "“": "", "”": "", "‘": "", "’": "",
}

var (
	unseen     = regexp.MustCompile("[\u00a0\u2000-\u200f\u2028-\u202f\u2060\u3000\ufeff]")
	beyond     = regexp.MustCompile(`\b(?:[0-9]{19,}|[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]{3,})\b`)
	wideSigns  = regexp.MustCompile(`[０-９＋－＊．，＆｜！；：]+`)
	arrow      = regexp.MustCompile(`=>|=<|<>`)
	wide       = regexp.MustCompile(`[（）“”‘’]`)
	negation   = regexp.MustCompile(`\b(?:not|NOT)\b`)
	chain      = regexp.MustCompile(`(-?[\w.]+)\s*([<>]=?)\s*(-?[\w.]+)\s*([<>]=?)\s*(-?[\w.]+)`)
	inQuotes   = regexp.MustCompile(`"([^"]*)"|'([^']*)'`)
	aNumber    = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)
	unitBehind = regexp.MustCompile(`([A-Za-z_]\w*)\s*(?:[<>]=?|[=!]=)\s*(-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\s*([%‰°µ℃A-Za-z][^\s()&|<>=!]*)`)
	hyphened   = regexp.MustCompile(`[A-Za-z_]\w*(?:-[A-Za-z0-9_]+)+`)
)

// slip notes a mistake of a kind that people who write conditions make often, and says whether there was one. It is asked
// only where a condition does not compile.
func (c *Conditions) slip(e Expr, ds *Diagnostics) bool {
	note := func(from, to int, format string, args ...any) bool {
		before := e.Source[:from]
		line := 1 + strings.Count(before, "\n")
		column := utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:])
		ds.Add(e.place(line, column, utf8.RuneCountInString(e.Source[from:to])), CodeCondition, format, args...)
		return true
	}
	if m := inQuotes.FindStringSubmatchIndex(e.Source); m != nil {
		text := e.Source[m[0]+1 : m[1]-1]
		if aNumber.MatchString(text) {
			return note(m[0], m[1], "a number has no quotes around it: write %s", text)
		}
		return note(m[0], m[1], "%s is a text; a condition compares numbers", e.Source[m[0]:m[1]])
	}
	if m := wide.FindStringIndex(e.Source); m != nil {
		sign := e.Source[m[0]:m[1]]
		if meant := signsMeant[sign]; meant != "" {
			return note(m[0], m[1], "%q is full-width, write %q", sign, meant)
		}
		return note(m[0], m[1], "%q is no quotation mark of YAML; write \" around the condition", sign)
	}
	if m := unseen.FindStringIndex(e.Source); m != nil {
		return note(m[0], m[1], "a space stands here that is none to a program (%U); delete it and type a space", []rune(e.Source[m[0]:m[1]])[0])
	}
	if m := wideSigns.FindStringIndex(e.Source); m != nil {
		return note(m[0], m[1], "%q is full-width, write %q", e.Source[m[0]:m[1]], width.Narrow.String(e.Source[m[0]:m[1]]))
	}
	if m := beyond.FindStringIndex(e.Source); m != nil {
		return note(m[0], m[1], "%s is beyond all that can be reckoned with", e.Source[m[0]:m[1]])
	}
	for _, signs := range []*regexp.Regexp{arrow, negation} {
		if m := signs.FindStringIndex(e.Source); m != nil && !slices.Contains(c.vars, e.Source[m[0]:m[1]]) {
			sign := e.Source[m[0]:m[1]]
			return note(m[0], m[1], "%q is no part of a condition, did you mean %q?", sign, signsMeant[sign])
		}
	}
	if m := chain.FindStringSubmatch(e.Source); m != nil {
		at := chain.FindStringIndex(e.Source)
		return note(at[0], at[1], "two comparisons need && between them, did you mean %q?", fmt.Sprintf("%s %s %s && %s %s %s", m[1], m[2], m[3], m[3], m[4], m[5]))
	}
	for _, m := range unitBehind.FindAllStringSubmatchIndex(e.Source, -1) {
		variable, number, unit := e.Source[m[2]:m[3]], e.Source[m[4]:m[5]], e.Source[m[6]:m[7]]
		if signsMeant[unit] != "" || unit == "in" {
			continue
		}
		in := ""
		if i := slices.Index(c.vars, variable); i >= 0 && i < len(c.units) && c.units[i] != "" && c.units[i] != "1" {
			in = fmt.Sprintf(", and %s is in %s", variable, c.units[i])
		}
		return note(m[6], m[7], "a limit has no unit%s: write %s", in, number)
	}
	for _, m := range hyphened.FindAllStringIndex(e.Source, -1) {
		if meant := strings.ReplaceAll(e.Source[m[0]:m[1]], "-", "_"); slices.Contains(c.vars, meant) {
			return note(m[0], m[1], "names of variables are joined by underscores: write %s", meant)
		}
	}
	return false
}
