package forecast

import (
	"math"
	"math/bits"
)

// Figure is what a DayAhead tells of the coming hours.
type Figure int8

// The figures.
const (
	Highest Figure = iota // the highest hour
	Lowest                // the lowest hour
	Mean                  // the mean of the hours
)

// DayAheadParams say what is forecast, and from what. The same ones serve any number of series and are read-only.
type DayAheadParams struct {
	Habits Habits
	Figure Figure
	Within int // hours ahead, 1 to 24
}

// DayAhead is a Season that is asked for one figure of the coming hours and keeps the record of what it told. The zero value has
// seen nothing.
//
// The highest of a likely course is not the likely highest: each hour may be higher, and one of them mostly is. So what the
// figure erred by in the last weeks is put on top, and its band is that of the figure and not of an hour. It is told only
// while its record is good: it has been judged for a fortnight, and erred by no more than the same hours of the day before do.
// From nothing that takes some six weeks.
type DayAhead struct {
	season Season
	told   [daily]figureTold // by the hour in which it was told
	heard  uint32            // the last 24 hours, the newest in bit 0: whether each was read
	judged int64             // how often the figure was
	middle float64           // mean error
	size   float64           // usual absolute error
	rival  float64           // usual absolute error of the same hours of the day before
	band   Spread
}

// figureTold is what was told of the coming hours, and what the same hours of the day before came to. A likely of NaN: nothing was.
type figureTold struct{ likely, below, above, yesterday float64 }

const (
	// recordHours is how many forecasts have to be judged before the first is told.
	recordHours = 14 * daily
	// recordMemory is how many hours the record reaches back.
	recordMemory = 28 * daily
	// wholeDay is how many of 24 hours have to be read for a figure to be judged: as many as GB 3095 asks for a daily mean.
	wholeDay = 20
	// halfDay is how many have to be for one to be told: an hour that is missing is filled with its own forecast.
	halfDay = 12
)

// Next takes the mean of an hour (the one that at lies in). An hour not newer than the last is left aside.
func (s *DayAhead) Next(p *DayAheadParams, at int64, x float64) {
	slot, was := at/hour, s.season.slot
	if slot <= was {
		return
	}
	for k := was + 1; k < slot && k <= was+daily; k++ {
		s.told[k%daily].likely = math.NaN()
	}
	if was == 0 {
		for i := range s.told {
			s.told[i].likely = math.NaN()
		}
	}
	s.heard = s.heard<<min(slot-was, 32)&(1<<daily-1) | 1
	s.season.Next(&p.Habits, at, x, math.NaN(), nil)
	s.judge(p)
	s.tell(p)
}

// Newest is the beginning of the newest hour; 0: none.
func (s *DayAhead) Newest() int64 { return s.season.slot * hour }

// read says whether of the last n hours so many were read as `of` is of a day.
func (s *DayAhead) read(n, of int) bool { return bits.OnesCount32(s.heard&(1<<n-1))*daily >= of*n }

// judge holds what was told Within hours ago against what came.
func (s *DayAhead) judge(p *DayAheadParams) {
	n := p.Within
	t := s.told[(s.season.slot+daily-int64(n))%daily]
	if math.IsNaN(t.likely) || math.IsNaN(t.yesterday) || !s.read(n, wholeDay) {
		return
	}
	came := s.past(p, s.season.slot-int64(n))
	e := came - t.likely
	if s.judged == 0 {
		s.band = Spread{1.6, 1.6} // as that of an hour
	} else {
		s.band.Learn(&p.Habits.Cover, -e > t.below, e > t.above)
	}
	s.judged++
	pace := 1 / float64(min(s.judged, recordMemory))
	s.size += (math.Abs(e) - s.size) * pace
	s.rival += (math.Abs(came-t.yesterday) - s.rival) * pace
	s.middle += min(max(e, -p.Habits.Clip*s.size), p.Habits.Clip*s.size) * pace
}

// past is the figure of the Within hours after an hour, all of which have come.
func (s *DayAhead) past(p *DayAheadParams, after int64) float64 {
	return p.figure(func(k int) float64 { return p.Habits.out(s.season.at(after + 1 + int64(k))) })
}

// figure is of Within hours, as the habits count.
func (p *DayAheadParams) figure(hour func(k int) float64) float64 {
	f := hour(0)
	for k := 1; k < p.Within; k++ {
		switch x := hour(k); p.Figure {
		case Highest:
			f = max(f, x)
		case Lowest:
			f = min(f, x)
		case Mean:
			f += x
		}
	}
	if p.Figure == Mean {
		f /= float64(p.Within)
	}
	return p.Habits.in(f)
}

// tell writes down what is forecast now. Until the season has learned there is nothing to tell.
func (s *DayAhead) tell(p *DayAheadParams) {
	t := &s.told[s.season.slot%daily]
	*t = figureTold{likely: math.NaN(), yesterday: math.NaN()}
	path, ok := s.season.Forecast(&p.Habits)
	if !ok || s.season.fed <= 2*weekly || s.season.seen <= kept {
		return
	}
	t.likely = p.figure(func(k int) float64 { return path.Likely[k] }) + s.middle
	t.below, t.above = s.size*s.band.below, s.size*s.band.above
	if s.read(daily, wholeDay) {
		t.yesterday = s.past(p, s.season.slot-daily)
	}
}

// Foretold is a figure of the coming hours, with the band that holds it four times in five (Cover), and when it is expected.
type Foretold struct {
	Likely, Low, High float64
	At                int64 // the beginning of the highest or lowest hour; of a mean: of the first
}

// Tell is what the newest hour foretells. It is false while the record is not good, and when half of the last 24 hours were
// not read.
func (s *DayAhead) Tell(p *DayAheadParams) (Foretold, bool) {
	t := s.told[s.season.slot%daily]
	if s.judged < recordHours || s.size > s.rival || !s.read(daily, halfDay) || math.IsNaN(t.likely) {
		return Foretold{}, false
	}
	f := Foretold{p.Habits.out(t.likely), p.Habits.out(t.likely - t.below), p.Habits.out(t.likely + t.above), s.Newest() + hour}
	path, _ := s.season.Forecast(&p.Habits)
	best := 0
	for k, x := range path.Likely[:p.Within] {
		if p.Figure == Highest && x > path.Likely[best] || p.Figure == Lowest && x < path.Likely[best] {
			best = k
		}
	}
	f.At += int64(best) * hour
	return f, true
}

func (s *DayAhead) fields(c *shuttle) {
	s.season.fields(c)
	for i := range s.told {
		c.floats(&s.told[i].likely, &s.told[i].below, &s.told[i].above, &s.told[i].yesterday)
	}
	heard := int64(s.heard)
	c.time(&heard)
	c.bad = c.bad || heard >= 1<<daily
	s.heard = uint32(heard)
	c.time(&s.judged)
	c.floats(&s.middle, &s.size, &s.rival)
	c.spread(&s.band)
}

// AppendBinary appends the state.
func (s *DayAhead) AppendBinary(b []byte) ([]byte, error) { return save(b, s.fields) }

// UnmarshalBinary takes up a state that AppendBinary wrote.
func (s *DayAhead) UnmarshalBinary(b []byte) error {
	n := new(DayAhead)
	if err := load("day ahead", b, n.fields); err != nil {
		return err
	}
	*s = *n
	return nil
}
