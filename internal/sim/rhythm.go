package sim

import "math"

// All the city's clocks run on China Standard Time, UTC+8 without summer time.
const cityZoneSeconds = 8 * 3600

// moment is an instant taken apart once, in the city's time.
type moment struct {
	us      int64 // microseconds since 1970 UTC
	sec     int64 // seconds since 1970 UTC
	day     int64 // local days since 1970
	minute  float64
	weekend int // 1 on Saturday and Sunday
}

func momentOf(us int64) moment {
	sec := floorDiv(us, 1e6)
	local := sec + cityZoneSeconds
	day := floorDiv(local, 86400)
	m := moment{us: us, sec: sec, day: day, minute: float64(local-day*86400) / 60}
	if w := (day%7 + 11) % 7; w == 0 || w == 6 { // 1 January 1970 was a Thursday
		m.weekend = 1
	}
	return m
}

func (m moment) hour() float64    { return m.minute / 60 }
func (m moment) seconds() float64 { return float64(m.us) / 1e6 }

// rhythm is how a demand runs through a day: a curve with mean 1 over a weekday, and another for weekends on the same
// scale. Its integral is kept beside it, so that what storage holds is known at any instant without adding up the past.
type rhythm struct {
	value    [2][1441]float64
	integral [2][1441]float64 // hours, of value minus the day's mean, from midnight: it ends where it began
	mean     [2]float64
}

// bump is a busy time: height at hour, falling off over width hours.
type bump struct{ hour, width, height float64 }

func newRhythm(base float64, weekday, weekend []bump) *rhythm {
	r := &rhythm{}
	for k, bumps := range [2][]bump{weekday, weekend} {
		for m := range 1441 {
			v := base
			for _, b := range bumps {
				d := math.Abs(float64(m)/60 - b.hour)
				d = math.Min(d, 24-d) // round the clock
				v += b.height * math.Exp(-square(d/b.width))
			}
			r.value[k][m] = v
		}
		for m := range 1440 {
			r.mean[k] += (r.value[k][m] + r.value[k][m+1]) / 2 / 1440
		}
	}
	scale := 1 / r.mean[0]
	for k := range 2 {
		r.mean[k] *= scale
		for m := range r.value[k] {
			r.value[k][m] *= scale
		}
		for m := range 1440 {
			r.integral[k][m+1] = r.integral[k][m] + ((r.value[k][m]+r.value[k][m+1])/2-r.mean[k])/60
		}
	}
	return r
}

func (r *rhythm) at(m moment) float64 { return lerpMinute(&r.value[m.weekend], m.minute) }

// surplus is the demand above the day's mean, and stored what that surplus has drawn since midnight, in hours of mean demand.
func (r *rhythm) surplus(m moment) float64 { return r.at(m) - r.mean[m.weekend] }
func (r *rhythm) stored(m moment) float64  { return -lerpMinute(&r.integral[m.weekend], m.minute) }

func lerpMinute(table *[1441]float64, minute float64) float64 {
	k := int(minute)
	f := minute - float64(k)
	return table[k] + (table[k+1]-table[k])*f
}

// The profiles that the tests hold the readings against.
func waterRhythm() *rhythm {
	return newRhythm(0.45,
		[]bump{{7.2, 1.3, 0.85}, {12, 1.7, 0.5}, {19.3, 2.2, 0.95}},
		[]bump{{9.0, 1.9, 0.75}, {12.6, 2.0, 0.6}, {19.6, 2.3, 0.95}})
}

func gasRhythm() *rhythm {
	return newRhythm(0.40,
		[]bump{{6.8, 1.1, 0.9}, {11.6, 1.3, 1.4}, {18.1, 1.6, 1.8}},
		[]bump{{7.9, 1.5, 0.8}, {11.9, 1.5, 1.6}, {18.2, 1.8, 1.9}})
}

func reportRhythm() *rhythm {
	return newRhythm(0.18,
		[]bump{{9.6, 1.6, 1.5}, {14.8, 1.9, 1.2}, {19.6, 1.8, 0.9}},
		[]bump{{10.5, 2.2, 0.9}, {16, 2.6, 0.8}, {19.8, 2, 0.8}})
}
