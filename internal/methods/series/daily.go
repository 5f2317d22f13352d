package series

import "time"

// DailyParams says which part of the day a Daily averages. The same DailyParams serves any number of series.
type DailyParams struct {
	// Zone is the local time of From and To. nil is UTC.
	Zone *time.Location

	// From and To are local clock times, as microseconds after midnight: 2 h and 4 h for the minimum night flow of water
	// supply. To before From means the next day, To equal to From a whole day.
	From, To int64

	// Every is the longest time that one reading speaks for.
	Every int64

	// Cover is the share of the window that readings must have spoken for, 0 to 1, or there is no figure.
	Cover float64
}

// Figure is the mean of a series over one window of one day.
type Figure struct {
	From, To int64   // the window
	Mean     float64 // mean over the time that readings spoke for, in the unit of the readings
	Cover    float64 // the share of the window that readings spoke for
}

// Daily makes one figure a day out of a series: its mean between two local clock times. The zero value has seen nothing.
//
// A reading speaks from its own time until the next, and for Every at most. The figure comes with the first reading at or
// after the end of the window. A day with too little is left out, so figures may be more than a day apart. 48 bytes.
type Daily struct {
	from, to int64 // the window that is open or the next to open
	at       int64 // time of the newest reading
	x        float64
	sum      float64 // readings times the time they spoke for
	covered  int64
}

// Next takes one reading, and returns the figure of the window that it ends. It allocates nothing.
func (s *Daily) Next(p *DailyParams, at int64, x float64) (f Figure, ok bool) {
	if s.to == 0 {
		s.from, s.to = p.window(at)
	} else {
		at = max(at, s.at)
		spoke := min(at, s.at+p.Every)
		if t := min(spoke, s.to) - max(s.at, s.from); t > 0 {
			s.sum += s.x * float64(t)
			s.covered += t
		}
		if at >= s.to {
			f, ok = s.figure(p)
			s.from, s.to = p.window(at)
			s.sum, s.covered = 0, 0
			if t := min(spoke, s.to) - max(s.at, s.from); t > 0 { // windows that meet, or a whole day
				s.sum, s.covered = s.x*float64(t), t
			}
		}
	}
	s.at, s.x = at, x
	return f, ok
}

func (s *Daily) figure(p *DailyParams) (Figure, bool) {
	f := Figure{From: s.from, To: s.to, Cover: float64(s.covered) / float64(s.to-s.from)}
	if s.covered == 0 || f.Cover < p.Cover {
		return Figure{}, false
	}
	f.Mean = s.sum / float64(s.covered)
	return f, true
}

// window is the first window that ends after at. Its clock times are local, so on the day of a change of clocks it may be
// longer or shorter.
func (p *DailyParams) window(at int64) (from, to int64) {
	zone := p.Zone
	if zone == nil {
		zone = time.UTC
	}
	y, m, d := time.UnixMicro(at).In(zone).Date()
	clock := func(days int, of int64) int64 {
		return time.Date(y, m, d+days, 0, 0, 0, int(of)*1000, zone).UnixMicro()
	}
	over := 0
	if p.To <= p.From {
		over = 1
	}
	for days := -1; ; days++ {
		if from, to = clock(days, p.From), clock(days+over, p.To); to > at && to > from {
			return from, to
		}
	}
}

const dailyVersion = 1

// AppendBinary appends the state, 49 bytes.
func (s *Daily) AppendBinary(b []byte) ([]byte, error) { return writeState(b, dailyVersion, s.fields) }

// UnmarshalBinary takes up a state that AppendBinary wrote.
func (s *Daily) UnmarshalBinary(b []byte) error {
	var n Daily
	if err := readState(b, "daily", dailyVersion, n.fields); err != nil {
		return err
	}
	*s = n
	return nil
}

func (s *Daily) fields(c *codec) {
	c.i64(&s.from, &s.to, &s.at, &s.covered)
	c.f64(&s.x, &s.sum)
}
