package lifecycle

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Term is how long something may take: a span of time, or working days by the kind's calendar. At most one is not zero.
type Term struct {
	Span        time.Duration
	WorkingDays int
}

// WorkingDays counts in working days.
type WorkingDays interface {
	// Add is the moment that ends a term of so many working days which begins at t; days < 0 counts back. It is pure.
	Add(t time.Time, days int) time.Time
}

// IsZero says that there is no limit.
func (x Term) IsZero() bool { return x == Term{} }

// After is when a term that begins at t is over. Without a calendar a working day is a day: a kind that counts in working days
// has one, or it is not loaded.
func (x Term) After(t time.Time, days WorkingDays) time.Time { return x.from(t, days, 1) }

// Before is when a term has to begin that is over at t.
func (x Term) Before(t time.Time, days WorkingDays) time.Time { return x.from(t, days, -1) }

func (x Term) from(t time.Time, days WorkingDays, sign int) time.Time {
	switch {
	case x.WorkingDays == 0:
		return t.Add(time.Duration(sign) * x.Span)
	case days == nil:
		return t.AddDate(0, 0, sign*x.WorkingDays)
	}
	return days.Add(t, sign*x.WorkingDays)
}

// Text is the term for people.
func (x Term) Text() Text {
	if x.WorkingDays > 0 {
		return Words(fmt.Sprintf("%d working days", x.WorkingDays), fmt.Sprintf("%d 个工作日", x.WorkingDays))
	}
	switch d := x.Span; {
	case d%(24*time.Hour) == 0:
		return Words(fmt.Sprintf("%d days", d/(24*time.Hour)), fmt.Sprintf("%d 天", d/(24*time.Hour)))
	case d%time.Hour == 0:
		return Words(fmt.Sprintf("%d h", d/time.Hour), fmt.Sprintf("%d 小时", d/time.Hour))
	default:
		return Words(fmt.Sprintf("%d min", d/time.Minute), fmt.Sprintf("%d 分钟", d/time.Minute))
	}
}

// MarshalJSON gives nanoseconds, as definitions that were kept before there were working days have them, or "3wd".
func (x Term) MarshalJSON() ([]byte, error) {
	if x.WorkingDays > 0 {
		return json.Marshal(fmt.Sprintf("%dwd", x.WorkingDays))
	}
	return json.Marshal(x.Span)
}

// UnmarshalJSON reads what MarshalJSON gives.
func (x *Term) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) != nil {
		return json.Unmarshal(b, &x.Span)
	}
	n, err := strconv.Atoi(strings.TrimSuffix(text, "wd"))
	x.WorkingDays = n
	return err
}
