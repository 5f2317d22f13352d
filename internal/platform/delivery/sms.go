package delivery

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Carrier says how much text fits into one kind of message of a mobile network, in units: septets of the GSM 7-bit default
// alphabet (3GPP TS 23.038, 6.2.1), where a character of its extension table takes two, or code units of UCS-2, where one
// outside the basic plane takes two, once a single character is in neither table.
type Carrier struct {
	// Single is what one message holds that stands alone, Joined what each of several holds.
	GSMSingle, GSMJoined int
	UCSSingle, UCSJoined int
	// Most is how many there may be.
	Most int
}

// SMS is the carrier of short messages, at most that many joined: 140 octets each (3GPP TS 23.040), of which the header that
// joins them takes 6.
func SMS(most int) Carrier {
	return Carrier{GSMSingle: 160, GSMJoined: 153, UCSSingle: 70, UCSJoined: 67, Most: most}
}

// CellBroadcast is that of cell broadcasts: at most 15 pages of 82 octets (3GPP TS 23.041, 9.3 and 9.4), each of 93 septets
// or, since the language may stand in the first two octets (TS 23.038, 5), of 40 units of UCS-2.
func CellBroadcast() Carrier {
	return Carrier{GSMSingle: 93, GSMJoined: 93, UCSSingle: 40, UCSJoined: 40, Most: 15}
}

// Half is a carrier of half as many messages, rounded up: for one of two languages.
func (c Carrier) Half() Carrier {
	c.Most = (c.Most + 1) / 2
	return c
}

// Codings of a text in a mobile network.
const (
	GSM7 = "GSM-7"
	UCS2 = "UCS-2"
)

// The default alphabet in the order of its table, without the escape, and the characters behind the escape.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmMore  = "\f^{}\\[~]|€"
)

// Length is how long a text is for a carrier.
type Length struct {
	Coding string `json:"coding"`
	Units  int    `json:"units"`
	Parts  int    `json:"parts"`
}

// Measure says how long a text is. Bytes that are no UTF-8 count as the replacement character.
func (c Carrier) Measure(text string) Length {
	l := Length{Coding: coding(text), Parts: len(c.Split(text))}
	for _, r := range text {
		l.Units += units(r, l.Coding)
	}
	return l
}

// coding is the narrowest that holds all of a text.
func coding(text string) string {
	for _, r := range text {
		if !strings.ContainsRune(gsmBasic, r) && !strings.ContainsRune(gsmMore, r) {
			return UCS2
		}
	}
	return GSM7
}

// units is how many units a character takes.
func units(r rune, coding string) int {
	switch {
	case coding == UCS2:
		return max(1, utf16.RuneLen(r))
	case strings.ContainsRune(gsmMore, r):
		return 2
	}
	return 1
}

// Split cuts a text into the messages that carry it, however many. No character stands half in one and half in the next.
func (c Carrier) Split(text string) []string {
	cod := coding(text)
	single, joined := c.GSMSingle, c.GSMJoined
	if cod == UCS2 {
		single, joined = c.UCSSingle, c.UCSJoined
	}
	if parts := cutAt(text, single, cod); len(parts) <= 1 {
		return parts
	}
	return cutAt(text, joined, cod)
}

func cutAt(text string, most int, coding string) (parts []string) {
	begin, used := 0, 0
	for i, r := range text {
		n := units(r, coding)
		if used+n > most {
			parts = append(parts, text[begin:i])
			begin, used = i, 0
		}
		used += n
	}
	if begin < len(text) {
		parts = append(parts, text[begin:])
	}
	return parts
}

// Fit returns text and ending if they fit, or as much of text as fits, an ellipsis that says that there is more, and ending. It
// cuts between words where it can, and never between a character and what is put on it. What does not even hold the ending
// holds the beginning of it.
func (c Carrier) Fit(text, ending string) string {
	text, ending = strings.ToValidUTF8(text, "\uFFFD"), strings.ToValidUTF8(ending, "\uFFFD")
	fits := func(s string) bool { return len(c.Split(s)) <= c.Most }
	if fits(text + ending) {
		return text + ending
	}
	cuts := boundaries(text)
	cut := func(i int) string {
		kept := strings.TrimRightFunc(text[:cuts[i]], unicode.IsSpace)
		return kept + more(kept+ending) + ending
	}
	// The longest that fits. Shorter ones fit as well but for the width of the ellipsis, so what was found is looked at again.
	low, high := 0, len(cuts)-1
	for low < high {
		if mid := (low + high + 1) / 2; fits(cut(mid)) {
			low = mid
		} else {
			high = mid - 1
		}
	}
	for low > 0 && !fits(cut(low)) {
		low--
	}
	if !fits(cut(low)) {
		if ending == "" || text == "" {
			return hard(c, text+ending)
		}
		return c.Fit(ending, "")
	}
	return cut(wordEnd(text, cuts, low))
}

// more is the ellipsis in the coding of what it stands in.
func more(text string) string {
	if coding(text) == GSM7 {
		return "..."
	}
	return "…"
}

// hard is the beginning of a text that fits.
func hard(c Carrier, text string) string {
	parts := c.Split(text)
	return strings.Join(parts[:min(len(parts), c.Most)], "")
}

// boundaries are the places where a text may be cut: not before a mark, a selector or a joiner, and not behind a joiner.
func boundaries(text string) []int {
	cuts := []int{0}
	joined := false
	for i, r := range text {
		mark := unicode.In(r, unicode.Mn, unicode.Me, unicode.Variation_Selector) || r == '\u200D' || r >= 0x1F3FB && r <= 0x1F3FF
		if i > 0 && !mark && !joined {
			cuts = append(cuts, i)
		}
		joined = r == '\u200D'
	}
	return append(cuts, len(text))
}

// wordEnd moves a cut back to the end of a word, if there is one near.
func wordEnd(text string, cuts []int, at int) int {
	const near = 24
	inWord := func(i int) bool {
		before, _ := utf8.DecodeLastRuneInString(text[:cuts[i]])
		after, _ := utf8.DecodeRuneInString(text[cuts[i]:])
		letter := func(r rune) bool { return (unicode.IsLetter(r) || unicode.IsDigit(r)) && !unicode.Is(unicode.Han, r) }
		return letter(before) && letter(after)
	}
	for i := at; i > 0 && i > at-near; i-- {
		if cuts[i] < len(text) && !inWord(i) {
			return i
		}
	}
	return at
}
