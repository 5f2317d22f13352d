package odata

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// decoded is a percent-encoded text as it was meant. In a query a plus is a space; in a path it is a plus.
func decoded(option, raw string, plus bool) (string, error) {
	unescape := url.PathUnescape
	if plus {
		unescape = url.QueryUnescape
	}
	s, err := unescape(raw)
	if err != nil {
		at := max(0, strings.Index(raw, strings.Trim(strings.TrimPrefix(err.Error(), "invalid URL escape "), `"`)))
		return "", &Error{Option: option, Pos: at, Message: fmt.Sprintf("%v; a percent sign is written %%25", err), Text: raw}
	}
	return s, checkText(option, s)
}

// checkText refuses what is too long and what no store can keep.
func checkText(option, s string) error {
	limit := MaxText
	if option == "$skiptoken" {
		limit = MaxToken
	}
	if len(s) > limit {
		return &Error{Option: option, Message: fmt.Sprintf("longer than %d bytes", limit)}
	}
	if i := strings.IndexByte(s, 0); i >= 0 {
		return &Error{Option: option, Pos: i, Message: "contains a zero byte", Text: s}
	}
	if !utf8.ValidString(s) {
		i := 0
		for r, n := utf8.DecodeRuneInString(s); r != utf8.RuneError || n > 1; r, n = utf8.DecodeRuneInString(s[i:]) {
			i += n
		}
		return &Error{Option: option, Pos: i, Message: "is not UTF-8", Text: strings.ToValidUTF8(s, "?")}
	}
	return nil
}
