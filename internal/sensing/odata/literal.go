package odata

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/peterstace/simplefeatures/geom"
)

// readTime reads a point in time with its offset.
func readTime(s string) (int64, error) {
	for _, layout := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UnixMicro(), nil
		}
	}
	if _, err := time.Parse("2006-01-02T15:04:05", s); err == nil {
		return 0, fmt.Errorf("the time %s has no offset, expected Z or +hh:mm; in a URL a plus is written %%2B", s)
	}
	return 0, fmt.Errorf("%q is no time, expected one such as 2015-01-01T00:00:00Z", s)
}

// ParseTime reads an instant or an interval start/end, with offsets: 2015-01-01T00:00:00Z, 2015-01-01T00:00:00.5+01:00. Digits
// past the microsecond are dropped. It reads the same times in a body as in a URL.
func ParseTime(s string) (Value, error) {
	from, until, both := strings.Cut(s, "/")
	start, err := readTime(from)
	if err != nil {
		return Value{}, err
	}
	if !both {
		return Instant(start), nil
	}
	end, err := readTime(until)
	if err != nil {
		return Value{}, err
	}
	if end < start {
		return Value{}, fmt.Errorf("the interval %s ends before it starts", s)
	}
	return Interval(start, end), nil
}

func readDate(s string) (Value, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Value{}, fmt.Errorf("%q is no date, expected one such as 2015-01-01", s)
	}
	return Date(t.UnixMicro()), nil
}

func readTimeOfDay(s string) (Value, error) {
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return TimeOfDay(t.Sub(t.Truncate(24 * time.Hour)).Microseconds()), nil
		}
	}
	return Value{}, fmt.Errorf("%q is no time of day, expected one such as 12:30:00", s)
}

// readDuration reads an ISO 8601 duration of days and smaller. Years and months have no fixed length.
func readDuration(s string) (Value, error) {
	m := regexp.MustCompile(`^(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d+))?S)?)?$`).FindStringSubmatch(strings.ToUpper(s))
	if m == nil || !strings.ContainsAny(s, "0123456789") || strings.HasSuffix(strings.ToUpper(s), "T") {
		return Value{}, fmt.Errorf("%q is no duration, expected days, hours, minutes and seconds such as P1D or PT1H30M", s)
	}
	total := int64(0)
	for i, unit := range []int64{86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000} {
		if m[i+2] == "" {
			continue
		}
		n, err := strconv.ParseInt(m[i+2], 10, 64)
		if err != nil || n > (maxDuration-total)/unit {
			return Value{}, fmt.Errorf("the duration %s is too long", s)
		}
		total += n * unit
	}
	if m[6] != "" {
		frac, _ := strconv.ParseInt((m[6] + "000000")[:6], 10, 64)
		total += frac
	}
	if m[1] != "" {
		total = -total
	}
	return Duration(total), nil
}

// maxDuration is more than from mindatetime to maxdatetime, and small enough that a time and a duration can be added.
const maxDuration = 1 << 60

// The bounds that mindatetime and maxdatetime name: the years 1 to 9999.
const (
	minTime int64 = -62_135_596_800_000_000
	maxTime int64 = 253_402_300_799_999_999
)

// readGeometry reads WKT, which may say that it is in WGS 84 (SRID=4326;).
func readGeometry(s string) (Value, error) {
	wkt := strings.TrimSpace(s)
	if len(wkt) > 5 && strings.EqualFold(wkt[:5], "SRID=") {
		srid, rest, _ := strings.Cut(wkt[5:], ";")
		if srid != "4326" && srid != "0" {
			return Value{}, fmt.Errorf("SRID %s is not known here, expected 4326: degrees of longitude and latitude", srid)
		}
		wkt = rest
	}
	g, err := geom.UnmarshalWKT(wkt)
	if err != nil {
		return Value{}, fmt.Errorf("not a geometry: %w; expected WKT such as POINT(30 10)", err)
	}
	return Geometry(&g), nil
}

func readNumber(s string) (Value, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) {
		return Value{}, fmt.Errorf("%q is no number", s)
	}
	return Number(f), nil
}
