package replay

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

const minute = int64(time.Minute / time.Microsecond)

func TestScore(t *testing.T) {
	events := []Event{
		{"before the readings", 0, 5 * minute},
		{"had begun before them", 5 * minute, 20 * minute},
		{"second", 40 * minute, 50 * minute},
		{"third", 60 * minute, 70 * minute},
		{"after them", 200 * minute, 210 * minute},
	}
	first, last := 10*minute, 100*minute
	for _, test := range []struct {
		name   string
		alerts []Interval
		want   Score
	}{
		{"no alert", nil, Score{Events: 3}},
		{"one in each, one outside", []Interval{{12 * minute, 13 * minute}, {42 * minute, 80 * minute}, {90 * minute, 95 * minute}},
			Score{Events: 3, Found: 3, Alerts: 3, Outside: 1, Delays: []time.Duration{0, 2 * time.Minute, 2 * time.Minute}}},
		{"two in one event count once", []Interval{{41 * minute, 42 * minute}, {44 * minute, 45 * minute}},
			Score{Events: 3, Found: 1, Alerts: 2, Delays: []time.Duration{time.Minute}}},
		{"one that touches the end", []Interval{{50 * minute, 51 * minute}},
			Score{Events: 3, Found: 1, Alerts: 1, Delays: []time.Duration{10 * time.Minute}}},
		{"one that stands for ever", []Interval{{45 * minute, open}},
			Score{Events: 3, Found: 2, Alerts: 1, Delays: []time.Duration{0, 5 * time.Minute}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := score(events, test.alerts, first, last); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestConstantLimit(t *testing.T) {
	// One letter a minute: values of instruments a and b of one place; _ is no reading.
	for _, test := range []struct {
		name, per, a, b string
		rule            compare
		on              delay
		want            []Interval
	}{
		{"raised at the limit, cleared once below for long enough", "datastream", "115115511111", "", compare{Clear: duration{3 * time.Minute}}, delay{},
			[]Interval{{2 * minute, 10 * minute}}},
		{"still standing at the end", "datastream", "11515", "", compare{Clear: duration{3 * time.Minute}}, delay{}, []Interval{{2 * minute, open}}},
		{"must stand for a while first", "datastream", "1511555111", "", compare{}, delay{For: duration{2 * time.Minute}},
			[]Interval{{6 * minute, 7 * minute}}},
		{"an alarm for each instrument", "datastream", "1511", "1151", compare{}, delay{}, []Interval{{minute, 2 * minute}, {2 * minute, 3 * minute}}},
		{"or one for the place", "place", "151111", "115111", compare{Clear: duration{2 * time.Minute}}, delay{}, []Interval{{minute, 5 * minute}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &Plan{
				Assets:      []Entity{{ID: "a", Place: "x"}, {ID: "b", Place: "x"}},
				Datastreams: []Datastream{{ID: "a/q", Asset: "a", Property: "p/q"}, {ID: "b/q", Asset: "b", Property: "p/q"}, {ID: "a/o", Asset: "a", Property: "p/other"}},
			}
			for stream, values := range []string{test.a, test.b} {
				for i, v := range values {
					p.Readings = append(p.Readings,
						Reading{At: int64(i) * minute, Number: float64(v - '0'), Text: noText, Stream: int32(stream)},
						Reading{At: int64(i) * minute, Number: 99, Text: noText, Stream: 2})
				}
			}
			for i := range p.Readings { // time 0 means "never" to the state machine
				p.Readings[i].At += 1000 * minute
			}
			test.rule.Property.s = "p/q"
			got := constant(p, &test.rule, 5, test.on, p.alarmGroup(test.per))
			for i := range got {
				got[i].Start -= 1000 * minute
				if got[i].End != math.MaxInt64 {
					got[i].End -= 1000 * minute
				}
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %v, want %v (in minutes: %s)", got, test.want, inMinutes(got))
			}
		})
	}
}

func inMinutes(all []Interval) string {
	var b strings.Builder
	for _, a := range all {
		b.WriteString(time.Duration(a.Start*1000).String() + " to " + time.Duration(min(a.End, math.MaxInt64/1000)*1000).String() + "; ")
	}
	return b.String()
}

func TestDelayInWords(t *testing.T) {
	for want, d := range map[string]delay{
		"":                 {},
		", 1h30m":          {For: duration{90 * time.Minute}},
		", 1m30s":          {For: duration{90 * time.Second}},
		", 5m within 1h":   {For: duration{5 * time.Minute}, Within: duration{time.Hour}},
		", 30s within 10m": {For: duration{30 * time.Second}, Within: duration{10 * time.Minute}},
	} {
		if got := d.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
