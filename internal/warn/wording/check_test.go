package wording

import (
	"errors"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
)

func TestCheck(t *testing.T) {
	for name, x := range map[string]struct {
		text        page.Text
		code, field string
	}{
		"good":         {page.Text{English: " Fire\r\nin the port ", Chinese: "火灾"}, "", ""},
		"one language": {page.Text{English: "Fire", Chinese: " "}, "warning.text_missing", "headline.zh-CN"},
		"long":         {page.Text{English: strings.Repeat("x", 21), Chinese: "火灾"}, "warning.text_long", "headline.en"},
		"a bell":       {page.Text{English: "Fire", Chinese: "火\x07灾"}, "warning.text_form", "headline.zh-CN"},
		"a blank":      {page.Text{English: "Fire at {{place}}", Chinese: "火灾"}, "warning.blank", "headline.en"},
	} {
		err := Check("headline", &x.text, 20)
		if code, field := told(err); code != x.code || field != x.field {
			t.Errorf("%s: %v at %q, want %s at %s", name, err, field, x.code, x.field)
		}
		if err == nil && x.text.English != "Fire\nin the port" {
			t.Errorf("%s: kept as %q", name, x.text.English)
		}
	}
}

// What nobody sees is refused, wherever it stands.
func TestHidden(t *testing.T) {
	for _, c := range []string{"\u200b", "\u202e", "\u2066", "\u2069", "\ufeff", "\u00ad", "\u0085", "\u2028", "\u2029", "\u3164", "\u180e", "\ufdd0", "\ue000"} {
		for field, text := range map[string]page.Text{"headline.en": {English: "Fi" + c + "re", Chinese: "火灾"}, "headline.zh-CN": {English: "Fire", Chinese: "火" + c + "灾"}} {
			err := Check("headline", &text, 20)
			if code, at := told(err); code != "warning.text_form" || at != field {
				t.Errorf("%q: %v at %q", c, err, at)
			}
		}
		if _, err := Reason("a" + c + "b"); err == nil {
			t.Errorf("a reason with %q was taken", c)
		}
	}
	only := page.Text{English: "\u200b", Chinese: "火灾"}
	if err := Check("headline", &only, 20); err == nil {
		t.Error("a headline of nothing to see")
	}
	for _, fine := range []string{"5 °C – 20 m³/h “now” …", "PM2.5 é ß №", "第一行\n第二行"} {
		if Control(fine) {
			t.Errorf("%q is refused", fine)
		}
	}
}

func TestLineAndLanguage(t *testing.T) {
	text := func(en, zh string) page.Text { return page.Text{English: en, Chinese: zh} }
	for name, x := range map[string]struct {
		err         error
		code, field string
	}{
		"one line":            {Line("headline", text("Fire", "火灾")), "", ""},
		"two lines":           {Line("headline", text("Fire", "火\n灾")), "warning.text_lines", "headline.zh-CN"},
		"each in its own":     {Spoken("headline", text("Fire at 港区", "METEC 起火")), "", ""},
		"English twice":       {Spoken("headline", text("only english", "only english")), "warning.text_language", "headline.zh-CN"},
		"Chinese twice":       {Spoken("headline", text("火灾", "火灾")), "warning.text_language", "headline.en"},
		"figures and signs":   {Spoken("headline", text("119!", "火灾")), "warning.text_language", "headline.en"},
		"a Chinese full stop": {Spoken("headline", text("Fire", "。。")), "warning.text_language", "headline.zh-CN"},
	} {
		if code, field := told(x.err); code != x.code || field != x.field {
			t.Errorf("%s: %v at %q", name, x.err, field)
		}
	}
}

func TestReason(t *testing.T) {
	if reason, err := Reason(" two lines\nof it "); err != nil || reason != "two lines\nof it" {
		t.Errorf("an honest reason: %q %v", reason, err)
	}
	for reason, want := range map[string]string{" ": "warning.no_reason", strings.Repeat("因", maxReason+1): "warning.text_long", "wrong\x01area": "warning.text_form", "a\uFFFEb": "warning.text_form"} {
		if _, err := Reason(reason); err == nil {
			t.Errorf("%.20q was taken", reason)
		} else if code, field := told(err); code != want || field != "reason" {
			t.Errorf("%.20q: %v", reason, err)
		}
	}
}

func told(err error) (code, field string) {
	var e *web.Error
	if errors.As(err, &e) {
		return e.Code, e.Field
	}
	return "", ""
}
