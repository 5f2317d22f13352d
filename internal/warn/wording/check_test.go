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
