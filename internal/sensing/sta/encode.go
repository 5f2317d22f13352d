package sta

import (
	"strconv"
	"unicode/utf8"
)

// The JSON of answers is appended to a slice: a page of Observations is built without reflection and without a map.

const hex = "0123456789abcdef"

// appendText appends a JSON string. Text without anything to escape, which is most, is copied. Invalid UTF-8 becomes the
// replacement character.
func appendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			dst = append(append(dst, s[from:i]...), "\uFFFD"...)
			i++
			from = i
			continue
		}
		dst = append(dst, s[from:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}

// appendKey appends "key":, with a comma before it unless it is the object's first.
func appendKey(dst []byte, key string) []byte {
	if last := dst[len(dst)-1]; last != '{' && last != '[' {
		dst = append(dst, ',')
	}
	dst = append(append(append(dst, '"'), key...), '"', ':')
	return dst
}

const (
	microsecond = 1
	second      = 1_000_000 * microsecond
	day         = 24 * 3600 * second
)

// appendTime appends an instant as ISO 8601 in UTC, with milliseconds or microseconds only where there are any.
func appendTime(dst []byte, us int64) []byte {
	days := us / day
	rest := us - days*day
	if rest < 0 {
		days--
		rest += day
	}
	y, m, d := civil(days)
	dst = appendDigits(dst, y, 4)
	dst = appendDigits(append(dst, '-'), m, 2)
	dst = appendDigits(append(dst, '-'), d, 2)
	seconds := int(rest / second)
	dst = appendDigits(append(dst, 'T'), seconds/3600, 2)
	dst = appendDigits(append(dst, ':'), seconds/60%60, 2)
	dst = appendDigits(append(dst, ':'), seconds%60, 2)
	if fraction := int(rest % second); fraction != 0 {
		dst = append(dst, '.')
		if fraction%1000 == 0 {
			dst = appendDigits(dst, fraction/1000, 3)
		} else {
			dst = appendDigits(dst, fraction, 6)
		}
	}
	return append(dst, 'Z')
}

func appendDigits(dst []byte, n, width int) []byte {
	var b [6]byte
	for i := width - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, b[:width]...)
}

// civil is the date of a day counted from 1970-01-01, in the proleptic Gregorian calendar, for the years 0 to 9999.
// Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
func civil(days int64) (year, month, d int) {
	z := days + 719_468
	era := z / 146_097
	if z < 0 {
		era = (z - 146_096) / 146_097
	}
	doe := z - era*146_097
	yoe := (doe - doe/1460 + doe/36_524 - doe/146_096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = int(doy - (153*mp+2)/5 + 1)
	month = int(mp + 3)
	if month > 12 {
		month -= 12
	}
	year = int(yoe + era*400)
	if month <= 2 {
		year++
	}
	return year, month, d
}

// appendSpan appends a time as a JSON string: an instant, or start/end.
func appendSpan(dst []byte, start, end int64) []byte {
	dst = appendTime(append(dst, '"'), start)
	if end != start {
		dst = appendTime(append(dst, '/'), end)
	}
	return append(dst, '"')
}

// appendInterval appends start/end as a JSON string, also where both are the same.
func appendInterval(dst []byte, start, end int64) []byte {
	dst = appendTime(append(dst, '"'), start)
	dst = appendTime(append(dst, '/'), end)
	return append(dst, '"')
}

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

// appendPath appends Set(id) to a root without a slash at its end.
func appendPath(dst []byte, root, set string, id int64) []byte {
	dst = append(append(dst, root...), '/')
	dst = append(append(dst, set...), '(')
	return append(appendInt(dst, id), ')')
}
