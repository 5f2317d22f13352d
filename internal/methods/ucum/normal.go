package ucum

import (
	"regexp"
	"strings"
)

// signs are characters that people write and UCUM, which is ASCII, spells otherwise.
var signs = map[rune]string{
	'µ': "u", 'μ': "u", 'Ω': "Ohm", '\u2126': "Ohm", 'Å': "Ao", '\u212b': "Ao",
	'℃': "Cel", '℉': "[degF]", '°': "deg", 'º': "deg", '˚': "deg", '′': "'", '″': "''", '％': "%", '‰': "[ppth]",
	'·': ".", '⋅': ".", '∙': ".", '•': ".", '×': ".", '／': "/", '⁄': "/", '∕': "/", '−': "-", '–': "-", '⁻': "-", '⁺': "+",
	'⁰': "0", '¹': "1", '²': "2", '³': "3", '⁴': "4", '⁵': "5", '⁶': "6", '⁷': "7", '⁸': "8", '⁹': "9",
	'㎡': "m2", '㎥': "m3", '㎜': "mm", '㎝': "cm", '㎞': "km", '㎎': "mg", '㎏': "kg", '㎍': "ug", '㎖': "mL", '㎾': "kW", '㎸': "kV", '㎪': "kPa",
	'（': "(", '）': ")", '\u00a0': " ", '\u3000': " ",
}

// degree is a symbol of a temperature scale, for suggesting kelvin in its place.
var degree = regexp.MustCompile(`°[CF]|Cel|\[degF\]|℃|℉`)

// newParser brings a text into UCUM's characters, each with its place in the text. What stands in brackets and braces is
// left alone.
func newParser(text string, t *table) *parser {
	p := &parser{text: text, table: t}
	in := []rune(text)
	closing := rune(0)
	put := func(s string, at int) {
		for _, r := range s {
			p.in = append(p.in, r)
			p.place = append(p.place, at+1)
		}
	}
	for i := 0; i < len(in); i++ {
		r := in[i]
		next := rune(0)
		if i+1 < len(in) {
			next = in[i+1]
		}
		switch {
		case closing != 0:
			if r == closing {
				closing = 0
			}
			put(string(r), i)
			continue
		case r == '[':
			closing = ']'
		case r == '{':
			closing = '}'
		case (r == '°' || r == 'º' || r == '˚') && (next == 'C' || next == 'F'):
			put(map[rune]string{'C': "Cel", 'F': "[degF]"}[next], i)
			i++
			continue
		case (r == '^' || r == '*') && !p.afterTen():
			if r == '*' && next == '*' {
				i++
			} else if r == '*' {
				put(".", i)
			}
			continue // m^3 and m**3 are m3
		}
		if s, ok := signs[r]; ok {
			put(s, i)
		} else {
			put(string(r), i)
		}
	}
	p.dropBlanks()
	return p
}

// afterTen says that the characters so far end in the number 10, so that * or ^ makes it the symbol of the power of ten.
func (p *parser) afterTen() bool {
	n := len(p.in)
	return n >= 2 && p.in[n-2] == '1' && p.in[n-1] == '0' && (n == 2 || strings.ContainsRune("./(", p.in[n-3]))
}

// dropBlanks takes out the blanks at both ends and around operators: "m3 / h".
func (p *parser) dropBlanks() {
	in, place := p.in, p.place
	p.in, p.place = nil, nil
	joint := true // at the beginning, or behind an operator
	for i := range in {
		if in[i] == ' ' {
			j := i
			for j < len(in) && in[j] == ' ' {
				j++
			}
			if joint || j == len(in) || in[j] == '.' || in[j] == '/' {
				continue
			}
		}
		joint = in[i] == '.' || in[i] == '/'
		p.in, p.place = append(p.in, in[i]), append(p.place, place[i])
	}
}
