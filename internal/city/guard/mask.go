package guard

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// masked stands in a text for what was taken out. It has a fixed length, so that it doesn't tell how long the number was.
const masked = "***"

// Mask takes identifiers of people out of free text, before it is stored or shown: identity and passport numbers, phone
// numbers, number plates, e-mail and messenger addresses, bank cards, device addresses, and any long run of digits that is
// not a date. Where Value is narrow, since it refuses, Mask is generous: a code that is hidden costs a look at the place, a
// phone number that was shown cannot be taken back. What must stay readable
// (house numbers, dates, times, measurements, coordinates, short codes, hotlines) is tested beside what must go. It can't
// find names. Mask(Mask(s)) equals Mask(s).
func Mask(s string) string {
	for {
		// What one pass spares for what stands before it, the next may see without it: the second number of
		// "13812345678.13812345678" looks like decimals. Each pass takes digits or an address out, so this ends.
		out := maskOnce(s)
		if out == s {
			return s
		}
		s = out
	}
}

func maskOnce(s string) string {
	folded := Fold(s)
	spans := find(folded)
	if len(spans) == 0 {
		return s
	}
	// Fold keeps one rune per rune, so places in the folded text are places in the original.
	from, to := []rune(folded), []rune(s)
	var b strings.Builder
	at, byteAt, runeAt := 0, 0, 0
	runes := func(byteIndex int) int { // spans are in order, so this only ever moves on
		runeAt += utf8.RuneCountInString(folded[byteAt:byteIndex])
		byteAt = byteIndex
		return runeAt
	}
	for _, span := range spans {
		begin := runes(span[0])
		end := runes(span[1])
		b.WriteString(string(to[at:begin]))
		b.WriteString(masked)
		at = end
	}
	b.WriteString(string(to[at:len(from)]))
	return b.String()
}

// Reveals says whether the text holds something that Mask would take out.
func Reveals(s string) bool { return len(find(Fold(s))) > 0 }

// Fold writes full-width and Chinese forms as ASCII, rune for rune.
func Fold(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '！' && r <= '～': // full-width ASCII
			return r - '！' + '!'
		case r == '　':
			return ' '
		case r == '〇' || r == '零':
			return '0'
		case r == '幺' || r == '一':
			return '1'
		case r == '·' || r == '•' || r == '・':
			return '·'
		case r == '–' || r == '—' || r == '‐' || r == '‑' || r == '−':
			return '-'
		case r >= '0' && r <= '9', r == utf8.RuneError:
			return r
		}
		if i := strings.IndexRune("二三四五六七八九", r); i >= 0 {
			return rune('2' + i/len("二"))
		}
		return r
	}, s)
}

// hidden is one form of identifier that Mask takes out. digits and words say when the pattern is worth a look, since an import asks a million
// times: how many digits the text must hold, and of which words one. group is the part that is masked (0: all); keep, when
// not nil, spares what it likes.
type hidden struct {
	digits  int
	words   []string // in lower case
	pattern *regexp.Regexp
	group   int
	keep    func(text string, span []int) bool
}

const provinces = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"

var messengers = []string{"微信", "weixin", "wechat", "vx", "qq", "抖音", "支付宝"}

var hiddens = []hidden{
	// Addresses on the net.
	{words: []string{"@", "(at)", "[at]"}, pattern: regexp.MustCompile(`[A-Za-z0-9._%+-]+ ?(?:@|\(at\)|\[at\]) ?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+`)},
	{words: messengers, pattern: regexp.MustCompile(`(?i)(?:微信号?|weixin|wechat|vx|qq号?|抖音号?|支付宝)(?:id)? ?[:=是为] ?([A-Za-z0-9][A-Za-z0-9_-]{4,24})`), group: 1},
	{digits: 1, words: messengers, pattern: regexp.MustCompile(`(?i)(?:微信号?|weixin|wechat|vx|qq号?|抖音号?|支付宝)(?:id)? ?([A-Za-z0-9][A-Za-z0-9_-]{4,24})`), group: 1, keep: noDigit},
	{words: []string{":", "-"}, pattern: regexp.MustCompile(`(?i)\b[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}\b`)},
	// Chinese number plates; elsewhere they look like any code, so a word must name them.
	{digits: 2, pattern: regexp.MustCompile(`[` + provinces + `][A-HJ-NP-Za-hj-np-z][ ·.-]?[A-HJ-NP-Za-hj-np-z0-9]{4,5}[A-HJ-NP-Za-hj-np-z0-9挂学警港澳]`), keep: fewDigits},
	{digits: 1, words: []string{"plate", "reg", "车牌", "牌照"}, pattern: regexp.MustCompile(`(?i)(?:number ?plate|licen[cs]e ?plate|plate|registration|reg|车牌号?码?|牌照)(?: ?(?:no\.?|number|is|was|号))?[ :=#是为]*([A-Z0-9]{1,5}(?:[ -]?[A-Z0-9]{1,5}){1,2})\b`), group: 1, keep: noDigit},
	// Identity numbers, also written in groups.
	{digits: 17, pattern: regexp.MustCompile(`[1-9](?:[ -]?[0-9]){5}[ -]?(?:1[ -]?[89]|2[ -]?0)(?:[ -]?[0-9]){9}[ -]?[0-9Xx]`), keep: inside},
	{digits: 5, words: []string{"passport", "护照", "通行证", "证件", "card"}, pattern: regexp.MustCompile(`(?i)(?:passport|护照|通行证|证件|id card|identity card)(?: ?(?:no\.?|number|号码?))?[ :=#是为]*([A-Z]{0,3}[0-9][A-Z0-9]{5,11})\b`), group: 1},
	// Phones.
	{digits: 7, words: []string{"+", "00"}, pattern: regexp.MustCompile(`(?:\+|\b00)[1-9](?:[ .()-]{0,2}[0-9]){6,14}`)},
	{digits: 11, pattern: regexp.MustCompile(`1[3-9][0-9][ ·.-]?[0-9]{4}[ ·.-]?[0-9]{4}`), keep: inside},
	{digits: 9, words: []string{"0"}, pattern: regexp.MustCompile(`\(?0[1-9][0-9]{1,3}\)?[ -]?[0-9]{3,4}[ -]?[0-9]{3,4}\b(?:-[0-9]{1,6})?`), keep: inside},
	{digits: 10, pattern: regexp.MustCompile(`\(?\b[2-9][0-9]{2}\)?[ .-]{1,2}[0-9]{3}[ .-][0-9]{4}\b`), keep: inside},
	{digits: 9, words: []string{"00"}, pattern: regexp.MustCompile(`\b[48]00[ -][0-9]{3,4}[ -][0-9]{3,4}\b`)},
	{digits: 6, words: []string{"tel", "phone", "mobile", "cell", "call", "ring", "电话", "手机", "联系", "座机"}, pattern: regexp.MustCompile(`(?i)(?:tel|phone|mobile|cell|call me|ring me|电话|手机|联系方式|座机)[a-z]*(?: ?(?:no\.?|number|号码?|at|on|is))*[ :=.是为]*([0-9]{3,4}[ -]?[0-9]{3,4})\b`), group: 1},
	// Cards and codes in groups of four.
	{digits: 12, pattern: regexp.MustCompile(`\b[0-9]{4}(?:[ -][0-9]{4}){2,3}(?:[ -][0-9]{1,4})?\b`)},
	// Digits spelled out one by one.
	{digits: 7, pattern: regexp.MustCompile(`[0-9](?:[ .,·、-][0-9]){6,}`), keep: isNumber},
	// Any other long run.
	{digits: 7, pattern: regexp.MustCompile(`[0-9]{7,}[Xx]?`), keep: isNumber},
}

// find returns what is to be masked, as byte spans in order and without overlap.
func find(folded string) [][2]int {
	var spans [][2]int
	n, lower := digits(folded), strings.ToLower(folded)
	for _, h := range hiddens {
		if n < h.digits || h.words != nil && !slices.ContainsFunc(h.words, func(w string) bool { return strings.Contains(lower, w) }) {
			continue
		}
		for _, m := range h.pattern.FindAllStringSubmatchIndex(folded, -1) {
			span := m[2*h.group : 2*h.group+2]
			if span[0] < 0 || h.keep != nil && h.keep(folded, span) {
				continue
			}
			spans = append(spans, [2]int{span[0], span[1]})
		}
	}
	slices.SortFunc(spans, func(a, b [2]int) int { return a[0] - b[0] })
	merged := spans[:0]
	for _, s := range spans {
		if n := len(merged); n > 0 && s[0] <= merged[n-1][1] {
			merged[n-1][1] = max(merged[n-1][1], s[1])
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// fewDigits spares words that begin like a Chinese plate but hold fewer than two digits.
func fewDigits(text string, span []int) bool { return digits(text[span[0]:span[1]]) < 2 }

func noDigit(text string, span []int) bool { return digits(text[span[0]:span[1]]) == 0 }

func digits(s string) (n int) {
	for _, r := range s {
		if r >= '0' && r <= '9' {
			n++
		}
	}
	return n
}

// inside spares a piece of a longer run of digits (the run as a whole is judged by itself) and of a decimal number.
func inside(text string, span []int) bool {
	before, after := text[:span[0]], text[span[1]:]
	digit := func(s string, i int) bool { return i >= 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' }
	last := len(before) - 1
	return digit(before, last) || digit(after, 0) || digit(before, last-1) && before[last] == '.'
}

// isDate spares 20261123, with or without a time after it.
func isDate(text string, span []int) bool {
	s := text[span[0]:span[1]]
	for _, layout := range []string{"20060102", "200601021504", "20060102150405", "2006 01 02", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1949 && t.Year() < 2100 {
			return true
		}
	}
	return false
}

// isNumber spares dates and the digits of a decimal number, such as a coordinate.
func isNumber(text string, span []int) bool {
	if isDate(text, span) {
		return true
	}
	before := text[:span[0]]
	return len(before) > 1 && before[len(before)-1] == '.' && before[len(before)-2] >= '0' && before[len(before)-2] <= '9'
}
