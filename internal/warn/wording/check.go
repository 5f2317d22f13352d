package wording

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/hazard"
)

// maxReason bounds a reason, in characters.
const maxReason = 500

// Check holds that both languages are there and fit into so many characters. It trims them.
func Check(name string, t *page.Text, max int) error {
	for _, one := range []struct {
		lang string
		text *string
	}{{page.English, &t.English}, {page.Chinese, &t.Chinese}} {
		*one.text = strings.TrimSpace(strings.ReplaceAll(*one.text, "\r\n", "\n"))
		field := name + "." + one.lang
		if *one.text == "" {
			return web.Errorf(422, "warning.text_missing", "%s is missing in %s: the public reads both languages", name, one.lang).At(field)
		}
		if n := utf8.RuneCountInString(*one.text); n > max {
			return web.Errorf(422, "warning.text_long", "%s has %d characters, at most %d fit", name, n, max).At(field)
		}
		if r := hidden(*one.text); r >= 0 {
			return web.Errorf(422, "warning.text_form", "%s holds the character %U, which nobody can see; take it out", name, r).At(field)
		}
		if left := hazard.Unfilled(*one.text); left != "" {
			return web.Errorf(422, "warning.blank", "%s still has the blank %s; write what belongs there", name, left).At(field)
		}
	}
	return nil
}

// Reason holds that a deed comes with a reason, and trims it.
func Reason(reason string) (string, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" {
		return "", web.Errorf(422, "warning.no_reason", "say why").At("reason")
	}
	if n := utf8.RuneCountInString(reason); n > maxReason {
		return "", web.Errorf(422, "warning.text_long", "the reason has %d characters, at most %d fit", n, maxReason).At("reason")
	}
	if Control(reason) {
		return "", web.Errorf(422, "warning.text_form", "the reason holds a character that nobody can see").At("reason")
	}
	return reason, nil
}

// Line holds that a text that was checked is one line in both languages.
func Line(name string, t page.Text) error {
	for _, lang := range []string{page.English, page.Chinese} {
		if strings.ContainsAny(t.In(lang), "\n\t") {
			return web.Errorf(422, "warning.text_lines", "%s is one line", name).At(name + "." + lang)
		}
	}
	return nil
}

// Spoken holds that a text that was checked is written in the language that it stands for: the Chinese with Chinese characters, the
// English with letters. Names of places in the other language may stand in either.
func Spoken(name string, t page.Text) error {
	if !has(t.Chinese, unicode.Han) {
		return web.Errorf(422, "warning.text_language", "%s has no Chinese character in its Chinese text: the public reads both languages", name).At(name + "." + page.Chinese)
	}
	if !has(t.English, unicode.Latin) {
		return web.Errorf(422, "warning.text_language", "%s has no word of English in its English text: the public reads both languages", name).At(name + "." + page.English)
	}
	return nil
}

func has(text string, script *unicode.RangeTable) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(script, r) })
}

// Control says whether a text holds a character that XML can't, or that nobody can see: controls, those that turn the direction of
// writing or join characters, and fillers. With them a text reads otherwise than it is compared, or shows nothing at all.
func Control(text string) bool { return hidden(text) >= 0 }

// hidden is the first such character, -1 for none.
func hidden(text string) rune {
	i := strings.IndexFunc(text, func(r rune) bool {
		return r != '\n' && r != '\t' && !unicode.Is(unicode.Prepended_Concatenation_Mark, r) && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point)
	})
	if i < 0 {
		return -1
	}
	r, _ := utf8.DecodeRuneInString(text[i:])
	return r
}
