package verify

import (
	"cmp"
	"slices"
)

// Event is something that really happened.
type Event struct {
	Start, End int64 // both included
	// Onset is when it begins to harm, to which lead time counts; 0 for Start.
	Onset int64
	// Assets and Places say where, by their ids. An event with neither may be anywhere.
	Assets, Places []string
}

func (e *Event) onset() int64 {
	if e.Onset != 0 {
		return e.Onset
	}
	return e.Start
}

// Alert is an alarm of one detector, as far as scoring needs it.
type Alert struct {
	From, To int64 // when it was raised, and until when its condition kept it up; both included
	// Source is what raises it, such as a detector on one asset: alerts of one source may be episodes of one alarm.
	Source         string
	Assets, Places []string // what it names
}

// Rule says when an alert belongs to an event: if it names one of the event's assets or places (see Event), and stands at
// some time from Before ahead of its start until After behind its end.
type Rule struct {
	Before int64 // how long ahead of an event an alert may stand and count as a warning of it
	After  int64 // how long behind it an alert may still find it: detectors wait before they speak
	// Linger is how long behind an event's end its traces last. An alert that stands only there is no hit, and no false alarm.
	Linger int64
	// Raised asks that the alert was raised within the time, not only stood then.
	Raised bool
	// Once lets an alert belong to one event only: the one that began last, since an earlier one has most likely been
	// alerted already.
	Once bool
}

// Verdict is what an alert was.
type Verdict uint8

// The verdicts.
const (
	FalseAlarm Verdict = iota // belongs to no event
	Hit                       // the first that found some event
	Repeated                  // belongs to events that others had found: neither a merit nor a false alarm
	Lingering                 // stands only in the traces of an event
)

// None stands for no index.
const None = -1

// Found tells how one event was found.
type Found struct {
	First int // index of the earliest alert that belongs to it, or None: it was missed
	// Fresh is the index of the earliest alert that was raised within the time of the rule, or None. An event with a First
	// and no Fresh met an alert that had stood for longer, so nobody can say what it warned of.
	Fresh int
	// Lead is from Fresh's raising to the onset: negative when it came too late. 0 without Fresh.
	Lead int64
}

// Matching is the outcome of Match, in the order of its events and alerts.
type Matching struct {
	Events   []Found
	Verdicts []Verdict
}

// Match tells which alerts belong to which events. The alerts need no order; of two that are raised at one instant the one
// with the lower index is the earlier.
func Match(events []Event, alerts []Alert, rule Rule) Matching {
	m := Matching{Events: make([]Found, len(events)), Verdicts: make([]Verdict, len(alerts))}
	for i := range m.Events {
		m.Events[i] = Found{First: None, Fresh: None}
	}
	x := newIndex(events)
	order := indices(len(alerts))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(alerts[a].From, alerts[b].From) })
	reach := max(rule.After, rule.Linger)
	for _, i := range order {
		a := &alerts[i]
		var mine []int
		lingers := false
		x.near(a.From, a.To, rule.Before, reach, func(k int) {
			switch e := &events[k]; {
			case !e.concerns(a):
			case a.From > e.End+rule.After, rule.Raised && a.From < e.Start-rule.Before:
				lingers = true
			default:
				mine = append(mine, k)
			}
		})
		if rule.Once && len(mine) > 1 {
			last := mine[0]
			for _, k := range mine[1:] {
				if events[k].Start > events[last].Start || events[k].Start == events[last].Start && k > last {
					last = k
				}
			}
			mine = []int{last}
		}
		switch {
		case len(mine) > 0:
			m.Verdicts[i] = Repeated
		case lingers:
			m.Verdicts[i] = Lingering
		}
		for _, k := range mine {
			f := &m.Events[k]
			if f.First == None {
				f.First, m.Verdicts[i] = i, Hit
			}
			if f.Fresh == None && a.From >= events[k].Start-rule.Before {
				f.Fresh, f.Lead = i, events[k].onset()-a.From
			}
		}
	}
	return m
}

// Table counts. Quiet is for the caller to fill in, by QuietIntervals.
func (m Matching) Table() Table {
	var t Table
	for _, f := range m.Events {
		if f.First == None {
			t.Misses++
		} else {
			t.Hits++
		}
	}
	t.FalseAlarms = m.Count(FalseAlarm)
	return t
}

// Count is how many alerts were that.
func (m Matching) Count(v Verdict) (n int) {
	for _, x := range m.Verdicts {
		if x == v {
			n++
		}
	}
	return n
}

// Leads are the lead times of the events that an alert was raised for, sorted.
func (m Matching) Leads() []int64 {
	var out []int64
	for _, f := range m.Events {
		if f.Fresh != None {
			out = append(out, f.Lead)
		}
	}
	slices.Sort(out)
	return out
}

// concerns says that the alert names what the event is about.
func (e *Event) concerns(a *Alert) bool {
	return len(e.Assets) == 0 && len(e.Places) == 0 || common(a.Assets, e.Assets) || common(a.Places, e.Places)
}

func common(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// index finds events by time: sorted by start, each with the latest end of it and all before it.
type index struct {
	events []Event
	order  []int
	ends   []int64
}

func newIndex(events []Event) index {
	x := index{events, indices(len(events)), make([]int64, len(events))}
	slices.SortStableFunc(x.order, func(a, b int) int { return cmp.Compare(events[a].Start, events[b].Start) })
	for n, k := range x.order {
		x.ends[n] = events[k].End
		if n > 0 {
			x.ends[n] = max(x.ends[n], x.ends[n-1])
		}
	}
	return x
}

// near calls fn for each event that from..to meets, the event being longer by before and after.
func (x *index) near(from, to, before, after int64, fn func(k int)) {
	n, _ := slices.BinarySearchFunc(x.order, to, func(k int, t int64) int {
		if x.events[k].Start-before <= t {
			return -1
		}
		return 1
	})
	for n--; n >= 0 && x.ends[n]+after >= from; n-- {
		if k := x.order[n]; x.events[k].End+after >= from {
			fn(k)
		}
	}
}

func indices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
