package reports

import (
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"time"
)

// alphabet holds 31 characters that can't be mistaken for one another when read aloud or by hand: no 0 and O, no 1, I and
// L. 31 is prime, which the check character needs.
const alphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"

// randomPart is how many characters are drawn: 31^6 (887 million) numbers a day, so that knowing one says nothing about the
// next, and two rarely meet. Where two do, the store refuses the second and it is drawn again.
const randomPart = 6

// newNumber draws a number such as 261123-K7Q-MXR4: the day in the city's zone, six random characters and a check character.
func newNumber(day time.Time, random io.Reader) (string, error) {
	var b [randomPart]byte
	text := make([]byte, 0, randomPart+1)
	for len(text) < randomPart {
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return "", fmt.Errorf("draw a report number: %w", err)
		}
		for _, x := range b {
			if x < 248 && len(text) < randomPart { // 8 × 31: no character is likelier than another
				text = append(text, alphabet[x%31])
			}
		}
	}
	date := day.Format("060102")
	text = append(text, checkCharacter(date+string(text)))
	return date + "-" + string(text[:3]) + "-" + string(text[3:]), nil
}

// ParseNumber reads a number as people write it: in any case, with or without the hyphens. It says no to a number with
// one wrong character or two neighbours exchanged, so that a slip finds nobody else's report.
func ParseNumber(s string) (string, bool) {
	s = strings.ToUpper(strings.NewReplacer("-", "", " ", "", "–", "").Replace(s))
	if len(s) != 6+randomPart+1 || strings.Trim(s[:6], "0123456789") != "" || strings.Trim(s[6:], alphabet) != "" {
		return "", false
	}
	if checkCharacter(s[:len(s)-1]) != s[len(s)-1] {
		return "", false
	}
	return s[:6] + "-" + s[6:9] + "-" + s[9:], true
}

// checkCharacter is a weighted sum modulo 31. All weights differ and none is 0, so every single wrong character and every
// exchange of two characters changes it.
func checkCharacter(s string) byte {
	sum := 0
	for i := range len(s) {
		value := strings.IndexByte(alphabet, s[i])
		if i < 6 {
			value = int(s[i] - '0')
		}
		sum += (i + 2) * value
	}
	return alphabet[sum%31]
}

// systemRandom is the source of numbers outside tests.
var systemRandom io.Reader = rand.Reader
