package coverage

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The shortest and the longest interval that can be declared.
const (
	minEvery = time.Second
	maxEvery = 366 * 24 * time.Hour
)

var errDuration = errors.New("expected an ISO 8601 duration of weeks, days, hours, minutes and seconds, such as PT10M or P1D")

// ParseEvery reads an ISO 8601 duration: PnW, or PnDTnHnMnS with what is 0 left out; the last part may have decimals. Years
// and months have no fixed length and are refused, and so is what lies outside 1 s to 366 days.
func ParseEvery(s string) (time.Duration, error) {
	rest, ok := strings.CutPrefix(s, "P")
	if !ok || rest == "" || strings.HasSuffix(rest, "T") {
		return 0, errDuration
	}
	var total float64
	clock, units := false, "WD"
	for rest != "" {
		if !clock && rest[0] == 'T' {
			clock, units, rest = true, "HMS", rest[1:]
		}
		n := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if n <= 0 || n > 12 {
			return 0, errDuration
		}
		unit := strings.IndexByte(units, rest[n])
		amount, err := strconv.ParseFloat(rest[:n], 64)
		if unit < 0 || err != nil || rest[0] == '.' || rest[n-1] == '.' || (strings.Contains(rest[:n], ".") && n+1 != len(rest)) {
			return 0, errDuration
		}
		total += amount * secondsOf(units[unit], clock)
		units, rest = units[unit+1:], rest[n+1:] // in falling order, each once
	}
	if total < minEvery.Seconds() || total > maxEvery.Seconds() {
		return 0, errors.New("expected 1 second to 366 days")
	}
	return time.Duration(total * float64(time.Second)).Round(time.Microsecond), nil
}

func secondsOf(unit byte, clock bool) float64 {
	switch {
	case unit == 'W':
		return 7 * 24 * 3600
	case unit == 'D':
		return 24 * 3600
	case unit == 'H':
		return 3600
	case unit == 'M' && clock:
		return 60
	}
	return 1
}

// FormatEvery writes a duration as ParseEvery reads it.
func FormatEvery(d time.Duration) string {
	var b strings.Builder
	b.WriteByte('P')
	if days := d / (24 * time.Hour); days > 0 {
		b.WriteString(strconv.FormatInt(int64(days), 10) + "D")
		d -= days * 24 * time.Hour
	}
	if d == 0 && b.Len() > 1 {
		return b.String()
	}
	b.WriteByte('T')
	if h := d / time.Hour; h > 0 {
		b.WriteString(strconv.FormatInt(int64(h), 10) + "H")
		d -= h * time.Hour
	}
	if m := d / time.Minute; m > 0 {
		b.WriteString(strconv.FormatInt(int64(m), 10) + "M")
		d -= m * time.Minute
	}
	if d > 0 || strings.HasSuffix(b.String(), "T") {
		b.WriteString(strconv.FormatInt(int64(d/time.Second), 10))
		if us := d % time.Second / time.Microsecond; us > 0 {
			b.WriteString("." + strings.TrimRight(fmt.Sprintf("%06d", us), "0"))
		}
		b.WriteByte('S')
	}
	return b.String()
}
