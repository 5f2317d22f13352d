package sta

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTimesAreISO8601(t *testing.T) {
	for us, want := range map[int64]string{
		0:                       "1970-01-01T00:00:00Z",
		1_420_070_400_000_000:   "2015-01-01T00:00:00Z",
		1_420_070_400_500_000:   "2015-01-01T00:00:00.500Z",
		1_420_070_400_500_001:   "2015-01-01T00:00:00.500001Z",
		-1:                      "1969-12-31T23:59:59.999999Z",
		-62_135_596_800_000_000: "0001-01-01T00:00:00Z",
		951_782_400_000_000:     "2000-02-29T00:00:00Z",
	} {
		if got := string(appendTime(nil, us)); got != want {
			t.Errorf("%d: got %s, want %s", us, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		us := rapid.Int64Range(-62_135_596_800_000_000, 253_402_300_799_999_999).Draw(t, "us")
		got := string(appendTime(nil, us))
		back, err := time.Parse(time.RFC3339Nano, got)
		if err != nil || back.UnixMicro() != us {
			t.Fatalf("%d became %s, which is %v, %v", us, got, back, err)
		}
	})
}

func TestTextIsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		var back string
		if err := json.Unmarshal(appendText(nil, s), &back); err != nil || back != s {
			t.Fatalf("%q became %s: %v", s, appendText(nil, s), err)
		}
	})
	if got := string(appendText(nil, "a\xffb")); got != `"a�b"` {
		t.Errorf("invalid UTF-8 became %s", got)
	}
}
