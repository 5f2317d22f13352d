package forecast

import "math"

// Crossing says when a series passes a level for the first time. A time of 0 stands for "not within the horizon".
type Crossing struct {
	Earliest int64 // when the upper edge of the band passes
	Likely   int64 // when the likely course does
	Latest   int64 // when the lower edge does: by then it will have passed
}

// Never tells that not even the upper edge of the band passes the level within the horizon.
func (c Crossing) Never() bool { return c.Earliest == 0 }

// Passes says when the path passes the level upwards. A series that stands at the level or above it passes it now.
//
// The times are a band like the path's own: that the series passes before Earliest, or has not passed by Latest, is as
// rare as that it lies above or below the path's band (of one step; over many steps somewhat less rare).
func (p *Path) Passes(level float64) Crossing { return p.passes(level, 1) }

// Falls says when the path passes the level downwards.
func (p *Path) Falls(level float64) Crossing { return p.passes(level, -1) }

func (p *Path) passes(level, sign float64) Crossing {
	if sign*(p.At-level) >= 0 {
		return Crossing{p.Now, p.Now, p.Now}
	}
	var c Crossing
	early, likely, late := p.At, p.At, p.At
	at := p.Now
	for k := range p.Likely {
		next := p.From + int64(k)*p.Step
		low, high := p.Band(k)
		if sign < 0 {
			low, high = high, low
		}
		pass(&c.Earliest, &early, high, sign, level, at, next)
		pass(&c.Likely, &likely, p.Likely[k], sign, level, at, next)
		pass(&c.Latest, &late, low, sign, level, at, next)
		at = next
	}
	return c
}

// pass sets when to the time at which the line from x at t0 to y at t1 passes the level, unless it is set, and moves x to y.
func pass(when *int64, x *float64, y, sign, level float64, t0, t1 int64) {
	if *when == 0 && sign*(y-level) >= 0 {
		*when = t0 + int64(math.Round((level-*x)/(y-*x)*float64(t1-t0)))
	}
	*x = y
}
