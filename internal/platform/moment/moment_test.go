package moment

import (
	"strings"
	"testing"
	"time"
)

func TestRead(t *testing.T) {
	for _, c := range []struct{ format, zone, text, want string }{
		{"", "", "2026-11-23T03:00:00Z", "2026-11-23T03:00:00Z"},
		{"iso", "", "2026-11-23T11:00:00.25+08:00", "2026-11-23T03:00:00.25Z"},
		{"iso", "", "2026-11-23 11:00:00+0800", "2026-11-23T03:00:00Z"},
		{"iso", "", "2026-11-23 11:00:00+08", "2026-11-23T03:00:00Z"},
		{"iso", "Asia/Shanghai", "2026-11-23 11:00", "2026-11-23T03:00:00Z"},
		{"iso", "Asia/Shanghai", "2026-11-23", "2026-11-22T16:00:00Z"},
		{"iso", "", "2026-11-23 11:00", `the time "2026-11-23 11:00" has no offset: say time_zone`},
		{"iso", "UTC", "23.11.2026", `expected a time such as 2026-11-23T03:00:00Z, got "23.11.2026"`},
		{"unix", "", "1795402800", "2026-11-23T03:00:00Z"},
		{"unix", "", "1795402800.5", "2026-11-23T03:00:00.5Z"},
		{"unix_ms", "", "1795402800250", "2026-11-23T03:00:00.25Z"},
		{"unix_us", "", "-1", "1969-12-31T23:59:59.999999Z"},
		{"unix", "", "9223372036854775807", "expected seconds since 1970, got 9.2"},
		{"unix", "", "NaN", "expected seconds since 1970, got NaN"},
		{"unix_ms", "", "soon", `expected milliseconds since 1970, got "soon"`},
		{"DD.MM.YYYY hh:mm", "Asia/Shanghai", "23.11.2026 11:00", "2026-11-23T03:00:00Z"},
		{"MM/DD/YYYY hh:mm:ss AM", "UTC", "11/23/2026 03:00:01 PM", "2026-11-23T15:00:01Z"},
		{"D MMM YYYY hh:mm ZZ", "", "3 Nov 2026 11:00 +08:00", "2026-11-03T03:00:00Z"},

		// Clocks that are put forward and back.
		{"iso", "Europe/Berlin", "2026-10-25 02:30", "2026-10-25T00:30:00Z, the first of two"},
		{"iso", "Europe/Berlin", "2026-10-25 03:00", "2026-10-25T02:00:00Z"},
		{"iso", "Europe/Berlin", "2026-03-29 02:30", `the time "2026-03-29 02:30" does not exist in Europe/Berlin`},
		{"iso", "America/St_Johns", "2026-07-01T00:00:00", "2026-07-01T02:30:00Z"},
	} {
		var zone *time.Location
		if c.zone != "" {
			var err error
			if zone, err = Zone(c.zone); err != nil {
				t.Fatal(err)
			}
		}
		f, err := New(c.format, zone)
		if err != nil {
			t.Fatal(err)
		}
		us, ambiguous, err := f.Read(c.text)
		got := time.UnixMicro(us).UTC().Format(time.RFC3339Nano)
		if ambiguous {
			got += ", the first of two"
		}
		if err != nil {
			got = err.Error()
		}
		if got != c.want && (err == nil || !strings.HasPrefix(got, c.want)) {
			t.Errorf("%s in %q of %q: %s, expected %s", c.text, c.zone, c.format, got, c.want)
		}
	}
}

func TestUnknown(t *testing.T) {
	if _, err := New("unixms", nil); err == nil || !strings.Contains(err.Error(), `unknown time format "unixms", expected iso, unix, unix_ms`) {
		t.Error(err)
	}
	for _, name := range []string{"", "Local", "China"} {
		if zone, err := Zone(name); err == nil {
			t.Errorf("%q is %s", name, zone)
		}
	}
}
