package guard

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Kind says what a value looks like.
type Kind string

// The shapes that Value knows.
const (
	IdentityNumber Kind = "identity number"
	PhoneNumber    Kind = "phone number"
	NumberPlate    Kind = "number plate"
	MACAddress     Kind = "MAC address"
	IMSI           Kind = "IMSI"
	IMEI           Kind = "IMEI"
)

// Match is what Value found: its shape, and where it starts in the text, in characters from 0.
type Match struct {
	Kind   Kind
	Offset int
}

// Value finds the first part of a text that looks like an identifier of a person or of a person's device.
func Value(s string) (Match, bool) {
	folded := s
	if !isASCII(s) {
		folded = norm.NFKC.String(s)
	}
	digits, hex := count(folded)
	best := -1
	var kind Kind
	for _, shape := range shapes {
		if digits < shape.digits || hex < shape.hex {
			continue
		}
		for _, at := range shape.pattern.FindAllStringIndex(folded, -1) {
			if best >= 0 && at[0] >= best {
				break
			}
			if alone(folded, at[0], at[1]) && shape.valid(folded[at[0]:at[1]]) {
				best, kind = at[0], shape.kind
				break
			}
		}
	}
	if best < 0 {
		return Match{}, false
	}
	return Match{Kind: kind, Offset: utf8.RuneCountInString(folded[:best])}, true
}

// shapes are tried in this order; where two start at one place the first names it. digits and hex are how many digits of
// either sort a text must hold for the pattern to be worth a look: an import asks a million times.
var shapes = []struct {
	kind        Kind
	digits, hex int
	pattern     *regexp.Regexp
	valid       func(string) bool
}{
	{IdentityNumber, 17, 0, regexp.MustCompile(`[1-9](?:[ -]?\d){5}[ -]?(?:1[ -]?[89]|2[ -]?0)(?:[ -]?\d){9}[ -]?[\dXx]`), validIdentity},
	{MACAddress, 0, 12, regexp.MustCompile(`(?i)[0-9a-f]{2}(?::[0-9a-f]{2}){5,}`), sixPairs},
	{MACAddress, 0, 12, regexp.MustCompile(`(?i)[0-9a-f]{2}(?:-[0-9a-f]{2}){5,}`), sixPairsWithLetter},
	{MACAddress, 0, 12, regexp.MustCompile(`(?i)[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}`), hasHexLetter},
	{PhoneNumber, 8, 0, regexp.MustCompile(`(?:\+|00)[1-9](?:[ .()-]{0,2}\d){7,14}`), validInternational},
	{PhoneNumber, 8, 0, regexp.MustCompile(`1[3-9]\d[ -]?\d{4}[ -]?\d{4}`), func(string) bool { return true }},
	{IMSI, 15, 0, regexp.MustCompile(`460(?:0[0-9]|11|15)\d{10}`), func(string) bool { return true }},
	{IMEI, 15, 0, regexp.MustCompile(`(?:01|35|86|91|98|99)\d{13}|(?:01|35|86|91|98|99)-\d{6}-\d{6}-\d`), validIMEI},
	{NumberPlate, 2, 0, regexp.MustCompile(`[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Za-hj-np-z][·•・. -]?[A-HJ-NP-Za-hj-np-z0-9]{4,5}[A-HJ-NP-Za-hj-np-z0-9挂学警港澳]`), validPlate},
}

// alone says whether the part from i to j is not just a piece of a longer code or of a decimal number.
func alone(s string, i, j int) bool {
	if i > 0 {
		if b := s[i-1]; isWord(b) && !phoneWord(s[:i]) {
			return false
		}
		if i > 1 && (s[i-1] == '.' || s[i-1] == ':') && isDigit(s[i-2]) && isDigit(s[i]) {
			return false
		}
	}
	if j < len(s) {
		if isWord(s[j]) {
			return false
		}
		if j+1 < len(s) && s[j] == '.' && isDigit(s[j+1]) && isDigit(s[j-1]) {
			return false
		}
	}
	return true
}

var phoneWords = regexp.MustCompile(`(?i)(?:^|[^a-z])(?:tel|phone|mobile|mob)$`)

func phoneWord(before string) bool { return phoneWords.MatchString(before) }

// checkCharacters are those of ISO 7064 MOD 11-2 in the order in which GB 11643-1999 assigns them.
const checkCharacters = "10X98765432"

var identityWeights = [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}

func validIdentity(s string) bool {
	s = strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(s))
	if len(s) != 18 {
		return false
	}
	if _, err := time.Parse("20060102", s[6:14]); err != nil {
		return false
	}
	sum := 0
	for i, w := range identityWeights {
		sum += w * int(s[i]-'0')
	}
	return s[17] == checkCharacters[sum%11]
}

// validInternational leaves decimal numbers, dates and versions alone: what stands between the digits of a phone number
// is spaces, hyphens and one pair of brackets, and dots only in groups of two digits or more.
func validInternational(s string) bool {
	if strings.HasPrefix(s, "00") {
		// Without the plus a long number is a code more often than a call abroad: only China's own prefix counts.
		s = strings.NewReplacer(" ", "", "-", "", ".", "", "(", "", ")", "").Replace(s)
		return len(s) == 15 && strings.HasPrefix(s, "00861") && s[5] >= '3'
	}
	return strings.Count(s, ".") != 1
}

func sixPairs(s string) bool { return len(s) == 17 }

func sixPairsWithLetter(s string) bool { return len(s) == 17 && hasHexLetter(s) }

func hasHexLetter(s string) bool { return strings.ContainsAny(s, "abcdefABCDEF") }

func validIMEI(s string) bool {
	s = strings.ReplaceAll(s, "-", "")
	if s[:3] == "350" && s[3] != '0' {
		return false
	}
	sum := 0
	for i := range 15 {
		d := int(s[i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// validPlate asks for as many digits as GA 36 leaves on every plate, so that a word after a province's short name passes.
func validPlate(s string) bool {
	digits := 0
	for _, r := range s {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	return digits >= 2
}

func count(s string) (digits, hex int) {
	for i := range len(s) {
		switch b := s[i]; {
		case isDigit(b):
			digits++
			hex++
		case 'a' <= b|0x20 && b|0x20 <= 'f':
			hex++
		}
	}
	return digits, hex
}

func isWord(b byte) bool {
	return isDigit(b) || b == '_' || 'a' <= b|0x20 && b|0x20 <= 'z'
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
