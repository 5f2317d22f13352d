package wording

import (
	"strings"
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
		if Control(*one.text) {
			return web.Errorf(422, "warning.text_form", "%s holds control characters", name).At(field)
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
		return "", web.Errorf(422, "warning.text_form", "the reason holds control characters").At("reason")
	}
	return reason, nil
}

// Control says whether a text holds a character that XML can't, or that nobody means to write.
func Control(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 && r != '\n' && r != '\t' || r == 0xFFFE || r == 0xFFFF })
}
