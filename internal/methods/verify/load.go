package verify

import (
	"cmp"
	"slices"
	"time"
)

// The figures that ISA-18.2 (clause 16, table of performance metrics; the same in IEC 62682) and EEMUA 191 give for one
// operating position, to be measured over at least 30 days. The limit is what one person can just manage.
const (
	TargetPerDay, LimitPerDay     = 150, 300
	TargetPerHour, LimitPerHour   = 6, 12
	TargetPer10Min, LimitPer10Min = 1, 2

	// FloodAbove alarms in ten minutes are a flood; it has ended in the first ten minutes with fewer than FloodBelow.
	FloodAbove, FloodBelow = 10, 5

	LimitOverShare  = 0.01 // of the ten-minute periods may have more than FloodAbove alarms
	LimitFloodShare = 0.01 // of the time may be flood
	LimitTopShare   = 0.05 // is what the ten most frequent sources should have of all alarms at most
	LimitStale      = 5    // alarms that have stood for more than a day must be fewer on any day
)

const (
	tenMinutes = int64(10 * time.Minute / time.Microsecond)
	hour       = 6 * tenMinutes
	day        = 24 * hour

	// chatterRaises of one source within chatterSpan are chattering (the count in use with ISA-18.2).
	chatterRaises, chatterSpan = 3, int64(time.Minute / time.Microsecond)
	// fleetingSpan: an alarm that has cleared again before anybody could have acted was fleeting. The standard gives no
	// number; one minute is ours.
	fleetingSpan = int64(time.Minute / time.Microsecond)
	staleAfter   = day
	topSources   = 10
)

// Priority is how soon a person must act. ISA-18.2 asks for about 80 % low, 15 % medium, 5 % high.
type Priority uint8

// The priorities.
const (
	Low Priority = iota
	Medium
	High
)

// Load measures the alarms of one operating position, one at a time. It takes constant time for each and memory for each
// source and each hour. Quiet hours count: an average over the busy ones alone would hide how quiet it is.
//
// A window of the past is measured anew from its alarms: thirty days at the limit are 9,000.
type Load struct {
	first, now int64
	alarms     int
	priorities [3]int
	sources    map[string]*source
	hours      []int // alarms in each hour from first

	period, inPeriod    int64 // the ten minutes that now lies in, counted from first, and the alarms in it
	raised, over        int   // periods with an alarm, and with more than FloodAbove
	largest             int64
	largestAt           int64
	floods              []Flood
	flooded             bool
	fleeting, chattered int
	stale               map[int64]int // alarms that were stale, by day
}

type source struct {
	name      string
	count     int
	last      [chatterRaises - 1]int64 // the raisings before, newest first; 0: none
	since     int64                    // when it was raised that stands; 0: none stands
	chattered bool
}

// NewLoad begins to measure at an instant.
func NewLoad(first int64) *Load {
	return &Load{first: first, now: first, sources: map[string]*source{}, stale: map[int64]int{}}
}

// Raise takes an alarm. Times that go back count as now.
func (l *Load) Raise(at int64, name string, p Priority) {
	l.advance(at)
	s := l.sources[name]
	if s == nil {
		s = &source{name: name}
		l.sources[name] = s
	}
	if s.count >= chatterRaises-1 && l.now-s.last[chatterRaises-2] <= chatterSpan && !s.chattered {
		s.chattered = true
		l.chattered++
	}
	copy(s.last[1:], s.last[:])
	s.last[0] = l.now
	s.count++
	if s.since == 0 {
		s.since = l.now
	}
	l.alarms++
	l.priorities[min(p, High)]++
	l.inPeriod++
	for n := int((l.now - l.first) / hour); len(l.hours) <= n; {
		l.hours = append(l.hours, 0)
	}
	l.hours[(l.now-l.first)/hour]++
}

// Clear says that the source's alarm no longer stands.
func (l *Load) Clear(at int64, name string) {
	l.advance(at)
	s := l.sources[name]
	if s == nil || s.since == 0 {
		return
	}
	if l.now-s.last[0] < fleetingSpan {
		l.fleeting++
	}
	l.stood(l.stale, s.since, l.now)
	s.since = 0
}

// stood counts the days on which an alarm that stood was stale.
func (l *Load) stood(days map[int64]int, since, until int64) {
	if until-since <= staleAfter {
		return
	}
	for d := (since + staleAfter - l.first) / day; d <= (until-l.first)/day; d++ {
		days[d]++
	}
}

// advance closes the periods before an instant.
func (l *Load) advance(at int64) {
	l.now = max(l.now, at)
	if n := (l.now - l.first) / tenMinutes; n > l.period {
		l.close()
		if n > l.period+1 && l.flooded { // an empty period lies between
			l.endFlood(l.period + 1)
		}
		l.period, l.inPeriod = n, 0
	}
}

// close counts the period that has ended.
func (l *Load) close() {
	n, start := l.inPeriod, l.first+l.period*tenMinutes
	if n > 0 {
		l.raised++
	}
	if n > l.largest {
		l.largest, l.largestAt = n, start
	}
	if n > FloodAbove {
		l.over++
		if !l.flooded {
			l.flooded = true
			l.floods = append(l.floods, Flood{Start: start})
		}
	}
	if !l.flooded {
		return
	}
	if n < FloodBelow {
		l.endFlood(l.period)
		return
	}
	f := &l.floods[len(l.floods)-1]
	f.Alarms += int(n)
	f.Largest = max(f.Largest, int(n))
}

func (l *Load) endFlood(period int64) {
	l.floods[len(l.floods)-1].End = l.first + period*tenMinutes
	l.flooded = false
}

// Flood is a time in which alarms came faster than a person can follow.
type Flood struct {
	Start   int64 `json:"start_us"`
	End     int64 `json:"end_us"`
	Alarms  int   `json:"alarms"`
	Largest int   `json:"largest" doc:"in ten minutes"`
}

// SourceCount is how often a source spoke.
type SourceCount struct {
	Source string `json:"source"`
	Alarms int    `json:"alarms"`
}

// LoadReport is what was measured.
type LoadReport struct {
	First  int64 `json:"first_us"`
	Last   int64 `json:"last_us"`
	Alarms int   `json:"alarms"`

	Per10Min Score `json:"per_10_min"`
	PerHour  Score `json:"per_hour"`
	PerDay   Score `json:"per_day"`

	Periods      int   `json:"periods" doc:"of ten minutes, the empty ones included"`
	EmptyPeriods int   `json:"empty_periods"`
	OverPeriods  int   `json:"over_periods" doc:"with more than 10 alarms"`
	OverShare    Score `json:"over_share"`
	Largest      int   `json:"largest" doc:"in ten minutes"`
	LargestAt    int64 `json:"largest_at_us"`

	Floods     []Flood `json:"floods"`
	FloodShare Score   `json:"flood_share" doc:"of the time"`

	Top        []SourceCount `json:"top" doc:"the ten most frequent sources"`
	TopShare   Score         `json:"top_share"`
	Chattering int           `json:"chattering" doc:"sources with 3 alarms within 60 s"`
	Fleeting   int           `json:"fleeting" doc:"alarms that cleared within a minute"`
	Stale      int           `json:"stale" doc:"alarms that had stood for over 24 h, on the day with the most of them"`

	Low    Score `json:"low"`
	Medium Score `json:"medium"`
	High   Score `json:"high"`

	Hours []int `json:"hours" doc:"alarms in each hour from first"`
}

// Report is what was measured until an instant, which must not lie before the last alarm. It changes nothing: the load can
// be measured on.
func (l *Load) Report(last int64) LoadReport {
	c := *l // the small part is copied, the rest below before it is changed
	c.floods = slices.Clone(l.floods)
	last = max(last, l.now)
	c.advance(last)
	c.close() // the period that has begun counts as it is
	if c.flooded {
		c.floods[len(c.floods)-1].End = last
	}
	r := LoadReport{
		First: l.first, Last: last, Alarms: l.alarms, OverPeriods: c.over, Largest: int(c.largest), LargestAt: c.largestAt,
		Floods: c.floods, Chattering: c.chattered, Fleeting: c.fleeting, Hours: make([]int, (last-l.first+hour-1)/hour),
		Low: ratio(l.priorities[Low], l.alarms), Medium: ratio(l.priorities[Medium], l.alarms), High: ratio(l.priorities[High], l.alarms),
	}
	if len(r.Hours) < len(l.hours) { // the last alarm came at the very end
		r.Hours = make([]int, len(l.hours))
	}
	copy(r.Hours, l.hours)
	r.Periods = max(int((last-l.first+tenMinutes-1)/tenMinutes), int(l.period)+1)
	r.EmptyPeriods = r.Periods - c.raised
	r.OverShare = ratio(c.over, r.Periods)
	per := func(span int64) Score {
		if last == l.first {
			return Undefined()
		}
		return Score(float64(l.alarms) * float64(span) / float64(last-l.first))
	}
	r.Per10Min, r.PerHour, r.PerDay = per(tenMinutes), per(hour), per(day)
	var flood int64
	for _, f := range r.Floods {
		flood += f.End - f.Start
	}
	r.FloodShare = Undefined()
	if last > l.first {
		r.FloodShare = Score(flood) / Score(last-l.first)
	}
	stale := map[int64]int{}
	for d, n := range l.stale {
		stale[d] = n
	}
	top := make([]SourceCount, 0, len(l.sources))
	for _, s := range l.sources {
		if s.count > 0 { // it may only have stood
			top = append(top, SourceCount{s.name, s.count})
		}
		if s.since != 0 {
			l.stood(stale, s.since, last)
		}
	}
	for _, n := range stale {
		r.Stale = max(r.Stale, n)
	}
	slices.SortFunc(top, func(a, b SourceCount) int {
		return cmp.Or(cmp.Compare(b.Alarms, a.Alarms), cmp.Compare(a.Source, b.Source))
	})
	r.Top = slices.Clip(top[:min(topSources, len(top))])
	n := 0
	for _, s := range r.Top {
		n += s.Alarms
	}
	r.TopShare = ratio(n, l.alarms)
	if r.Floods == nil {
		r.Floods = []Flood{} // a list in JSON from the start
	}
	return r
}
