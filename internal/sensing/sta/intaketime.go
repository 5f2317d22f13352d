package sta

import "bytes"

// parseTime reads an instant of ISO 8601 as RFC 3339 narrows it, with what clients of the standard write besides: an
// offset without its colon (-0700) or its minutes (+08), and times without seconds. It answers in microseconds since 1970;
// finer fractions are cut off. A time without an offset is refused, since nobody knows where its sender's clock hangs.
func parseTime(b []byte) (int64, bool) {
	if len(b) < len("2026-11-23T03:00Z") || b[4] != '-' || b[7] != '-' || b[10] != 'T' && b[10] != 't' && b[10] != ' ' || b[13] != ':' {
		return 0, false
	}
	year, ok0 := digits(b[0:4])
	month, ok1 := digits(b[5:7])
	dayOf, ok2 := digits(b[8:10])
	hour, ok3 := digits(b[11:13])
	minute, ok4 := digits(b[14:16])
	if !ok0 || !ok1 || !ok2 || !ok3 || !ok4 || month < 1 || month > 12 || dayOf < 1 || dayOf > daysIn(year, month) || hour > 23 || minute > 59 {
		return 0, false
	}
	rest, sec, fraction := b[16:], 0, int64(0)
	if len(rest) > 0 && rest[0] == ':' {
		var ok bool
		if len(rest) < 3 {
			return 0, false
		}
		if sec, ok = digits(rest[1:3]); !ok || sec > 60 { // 60: a leap second
			return 0, false
		}
		rest = rest[3:]
		if len(rest) > 0 && (rest[0] == '.' || rest[0] == ',') {
			n, unit := 1, int64(100_000)
			for ; n < len(rest) && '0' <= rest[n] && rest[n] <= '9'; n++ {
				fraction += int64(rest[n]-'0') * unit
				unit /= 10
			}
			if n == 1 {
				return 0, false
			}
			rest = rest[n:]
		}
	}
	offset, ok := zone(rest)
	if !ok {
		return 0, false
	}
	us := daysSince1970(year, month, dayOf)*day + int64(hour*3600+minute*60+sec-offset)*second + fraction
	return us, true
}

// zone reads an offset from UTC in seconds.
func zone(b []byte) (int, bool) {
	switch {
	case len(b) == 1:
		return 0, b[0] == 'Z' || b[0] == 'z'
	case len(b) < 3 || b[0] != '+' && b[0] != '-':
		return 0, false
	}
	hours, ok := digits(b[1:3])
	minutes, ok2 := 0, true
	switch {
	case len(b) == 5:
		minutes, ok2 = digits(b[3:5])
	case len(b) == 6 && b[3] == ':':
		minutes, ok2 = digits(b[4:6])
	case len(b) != 3:
		return 0, false
	}
	if !ok || !ok2 || hours > 23 || minutes > 59 {
		return 0, false
	}
	seconds := hours*3600 + minutes*60
	if b[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

// parseSpan reads an instant or an interval start/end. until is 0 for an instant.
func parseSpan(b []byte) (from, until int64, ok bool) {
	i := bytes.IndexByte(b, '/')
	if i < 0 {
		from, ok = parseTime(b)
		return from, 0, ok
	}
	from, until, ok = parseInterval(b)
	if until == from {
		until = 0
	}
	return from, until, ok
}

// parseInterval reads start/end, of which the end is not before the start.
func parseInterval(b []byte) (from, until int64, ok bool) {
	i := bytes.IndexByte(b, '/')
	if i < 0 {
		return 0, 0, false
	}
	from, ok = parseTime(b[:i])
	until, ok2 := parseTime(b[i+1:])
	return from, until, ok && ok2 && until >= from
}

func digits(b []byte) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSince1970 counts days in the proleptic Gregorian calendar. Howard Hinnant, "chrono-compatible low-level date
// algorithms", days_from_civil.
func daysSince1970(y, m, d int) int64 {
	if m <= 2 {
		y--
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yoe := y - era*400
	mp := (m + 9) % 12
	doy := (153*mp+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return int64(era)*146_097 + int64(doe) - 719_468
}
