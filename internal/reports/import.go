package reports

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/city/guard"
)

// MaxImport is the most reports of one bulk request.
const MaxImport = 1000

// clockSlack is how far a closing may lie before the receiving: the clocks of a hotline and of a field crew differ, by
// seconds in real records (about 200 of 115,773 in Boston's). Both times are kept as they came.
const clockSlack = time.Hour

// Import is a bulk of reports of one source.
type Import struct {
	// Source names where the external ids come from, so that two systems may use the same ones.
	Source string `json:"source,omitempty" maxLength:"100" doc:"name of the system that the external ids belong to; \"import\" when absent"`
	Items  []Item `json:"items" minItems:"1" maxItems:"1000"`
}

// Item is one report of a bulk. Times are text, so that one that is written wrongly spoils its own item and not the bulk.
type Item struct {
	ExternalID   string      `json:"external_id" required:"false"`
	Category     string      `json:"category" required:"false" doc:"one of ours, or the source's own, which is then kept as source_category"`
	Text         string      `json:"text" required:"false" doc:"stored masked: a bulk brings no personal data in"`
	Point        *[2]float64 `json:"point" required:"false" doc:"longitude, latitude in WGS 84"`
	PlaceUnknown bool        `json:"place_unknown" required:"false" doc:"the point is a placeholder, such as city hall, and is not to be used"`
	Address      string      `json:"address" required:"false"`
	ReceivedAt   string      `json:"received_at" required:"false" doc:"RFC 3339, with an offset"`
	ClosedAt     *string     `json:"closed_at" required:"false"`
	DueAt        *string     `json:"due_at" required:"false"`
	State        State       `json:"state" required:"false" doc:"open or closed; by closed_at when absent"`
	Channel      string      `json:"channel" required:"false"`
	Queue        string      `json:"queue" required:"false"`
}

// Imported says what became of a bulk: accepted + duplicate + refused = items.
type Imported struct {
	Accepted  int       `json:"accepted"`
	Duplicate int       `json:"duplicate"`
	Refused   []Refused `json:"refused"`
}

// Refused is an item that was not taken, and why.
type Refused struct {
	Index   int    `json:"index"`
	Field   string `json:"field"`
	Message string `json:"message"`
}

// row is a report on its way into the store.
type row struct {
	number, externalID, source, category, sourceCategory string
	text, address, channel, queue, submission            string
	area                                                 int64
	point                                                *[2]float64
	precision                                            Precision
	state                                                State
	contact                                              bool
	received                                             time.Time
	due, closed                                          *time.Time
}

// check reads one item. An error names the field that is wrong.
func (it Item) check(c categories, source string, now time.Time) (row, *Refused) {
	no := func(field, format string, args ...any) (row, *Refused) {
		return row{}, &Refused{Field: field, Message: fmt.Sprintf(format, args...)}
	}
	// Guard 3: a bulk brings no identifier of a person in where a name or a code should stand.
	for _, f := range []struct {
		field, text string
		max         int
		needed      bool
	}{
		{"external_id", it.ExternalID, maxName, true}, {"category", it.Category, maxName, true}, {"channel", it.Channel, maxName, false},
		{"queue", it.Queue, maxName, false}, {"address", it.Address, maxAddress, false}, {"text", it.Text, maxText, false},
	} {
		switch {
		case f.needed && strings.TrimSpace(f.text) == "":
			return no(f.field, "%s is missing", f.field)
		case utf8.RuneCountInString(f.text) > f.max:
			return no(f.field, "%s is longer than %d characters", f.field, f.max)
		case unprintable(f.text):
			return no(f.field, "%s holds control characters or is not UTF-8", f.field)
		}
		if f.field != "text" {
			if m, ok := guard.Value(f.text); ok {
				return no(f.field, "%s holds what looks like a %s at character %d", f.field, m.Kind, m.Offset+1)
			}
		}
	}
	r := row{externalID: it.ExternalID, source: source, category: it.Category, text: guard.Mask(it.Text), address: guard.Mask(it.Address),
		channel: orElse(it.Channel, "import"), queue: it.Queue, state: it.State, precision: Unknown}
	if _, ours := c.byID[it.Category]; !ours {
		if word, ok := aboutPeopleElsewhere(it.Category); ok {
			return no("category", "category %q is about people, not a place (%s)", it.Category, word)
		}
		r.category, r.sourceCategory = Unsorted, it.Category
	}
	for _, f := range []struct {
		field string
		text  *string
		to    **time.Time
	}{{"closed_at", it.ClosedAt, &r.closed}, {"due_at", it.DueAt, &r.due}} {
		if f.text == nil || *f.text == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, *f.text)
		if err != nil {
			return no(f.field, "%s (%q) is not a time such as 2026-11-23T08:30:00+08:00", f.field, *f.text)
		}
		*f.to = &t
	}
	var err error
	switch r.received, err = time.Parse(time.RFC3339, it.ReceivedAt); {
	case err != nil:
		return no("received_at", "received_at (%q) is not a time such as 2026-11-23T08:30:00+08:00", it.ReceivedAt)
	case r.received.After(now.Add(time.Hour)):
		return no("received_at", "received_at (%s) lies in the future", it.ReceivedAt)
	case r.received.Before(now.AddDate(-maxAgeYears, 0, 0)):
		return no("received_at", "received_at (%s) is more than %d years ago", it.ReceivedAt, maxAgeYears)
	case r.closed != nil && r.closed.Before(r.received.Add(-clockSlack)):
		return no("closed_at", "closed_at (%s) is before received_at (%s)", *it.ClosedAt, it.ReceivedAt)
	}
	switch {
	case it.State == "" && r.closed != nil:
		r.state = Closed
	case it.State == "":
		r.state = Open
	case it.State != Open && it.State != Closed:
		return no("state", "state %q is not open or closed", it.State)
	case it.State == Open && r.closed != nil:
		return no("state", "state is open, but there is a closed_at")
	}
	if p := it.Point; p != nil && !it.PlaceUnknown {
		if !(math.Abs(p[0]) <= 180 && math.Abs(p[1]) <= 90) { // NaN is on no globe either
			return no("point", "point %v,%v is not a longitude and latitude", p[0], p[1])
		}
		r.point, r.precision = p, ByPoint
	}
	return r, nil
}
