package inspect

import (
	"regexp"
	"strings"
)

// Numbers of persons as they stand in free text. Masking is generous where the guard of the register is narrow: a code
// that loses its middle on a screen costs a look at the record, a phone number that is shown cannot be taken back.
var masked = regexp.MustCompile(strings.Join([]string{
	`[0-9]{15,18}[0-9Xx]?`, // identity number, bank card
	`[0-9０-９]{6}[ -]?(?:[0-9０-９]{4}[ -]?){2}[0-9０-９]{3}[0-9Xx０-９]`,       // identity number in groups or full width
	`(?:[+＋][ -]?[0-9]{1,3}[ -]?)?1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}`, // mobile
	`１[３-９][０-９]{9}`,                              // the same in full width
	`0[0-9]{2,3}-[0-9]{7,8}`,                      // landline with its area code
	`[+＋][1-9][0-9]{0,2}(?:[ -]?[0-9]{2,4}){3,4}`, // abroad
	`[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Za-z][·• ]?[A-Za-z0-9]{4,5}[A-Za-z0-9学警港澳挂]`, // number plate
	`[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+`, // e-mail
}, "|"))

// Mask hides what looks like a person's number, plate or address in free text, for display. The first two and the last
// two characters stay, so that who wrote it can tell which one was meant.
func Mask(text string) string {
	return masked.ReplaceAllStringFunc(text, func(found string) string {
		r := []rune(found)
		for i := 2; i < len(r)-2; i++ {
			r[i] = '*'
		}
		return string(r)
	})
}
