package sim

import (
	"math"
)

// sky is the weather over the city: one state for one instant, with rain that moves across from the west. It is a function
// of time, drawn from hashes, and knows nothing of the past.
type sky struct{ seed uint64 }

func newSky(seed uint64) sky { return sky{seed ^ 0x5c1e5} }

// slow is the part of the temperature (°C) that a house or a heating system feels: season and passing weather.
func (s sky) slow(m moment) float64 {
	return 16.4 - 11.8*math.Cos((m.yearDays()-26)/365.25*2*math.Pi) + 3.2*drift(s.seed+1, m.sec, 4*86400)
}

// yearDays is the day in a year of 365.25 days; good to a day, which is what a season needs.
func (m moment) yearDays() float64 { return math.Mod(float64(m.sec+cityZoneSeconds)/86400, 365.25) }

// sun is the height of the day's heat, -1 to 1, at its most at half past two.
func (m moment) sun() float64 { return math.Cos((m.hour() - 14.5) / 12 * math.Pi) }

func (s sky) cloud(m moment) float64 {
	return math.Max(0, math.Min(1, 0.5+0.6*drift(s.seed+2, m.sec, 14*3600)))
}

func (s sky) temperature(m moment) float64 {
	return s.slow(m) + (3.6-2.2*s.cloud(m))*m.sun() + 0.8*drift(s.seed+3, m.sec, 5*3600)
}

// humidity in percent runs against the day's heat.
func (s sky) humidity(m moment, rain float64) float64 {
	h := 74 - 11*m.sun()*(1-0.5*s.cloud(m)) + 9*drift(s.seed+4, m.sec, 30*3600) + 14*(1-math.Exp(-rain/2))
	return math.Max(22, math.Min(99.5, h))
}

// pressure in hPa at sea level.
func (s sky) pressure(m moment) float64 {
	return 1015.5 + 8.5*math.Cos((m.yearDays()-15)/365.25*2*math.Pi) + 5.5*drift(s.seed+5, m.sec, 3*86400) +
		0.9*math.Cos((m.hour()-10)/6*math.Pi)
}

// wind is the vector the air moves along, in m/s east and north: monsoon, weather, and the breeze that turns between land
// and sea.
func (s sky) wind(m moment) XY {
	winter := math.Cos((m.yearDays() - 20) / 365.25 * 2 * math.Pi)
	breeze := -1.3 * m.sun()
	return XY{
		1.2*winter - 0.6 + 2.8*drift(s.seed+6, m.sec, 22*3600) + 0.9*drift(s.seed+7, m.sec, 2*3600) + breeze,
		-2.6*winter + 2.8*drift(s.seed+8, m.sec, 25*3600) + 0.9*drift(s.seed+9, m.sec, 2*3600) + 0.3*breeze,
	}
}

// storm is one rain event over the city's middle.
type storm struct {
	start, end float64 // seconds since 1970
	peak       float64 // mm/h
}

// depth of the whole event in mm: the mean of sin² is a half.
func (s storm) depth() float64 { return s.peak * (s.end - s.start) / 7200 }

// stormsPerDay is the most that one day can bring; wetShare the chance of each.
const (
	stormsPerDay = 2
	wetShare     = 0.22
)

// storms lists the events that begin on a local day; an absent one has no peak.
func (s sky) storms(day int64) (out [stormsPerDay]storm) {
	for k := range out {
		at := day*stormsPerDay + int64(k)
		if unit(s.seed+10, at) >= wetShare {
			continue
		}
		start := float64(day*86400-cityZoneSeconds) + 86400*unit(s.seed+11, at)
		hours := 0.8 + 4*unit(s.seed+12, at)
		u := unit(s.seed+13, at)
		out[k] = storm{start, start + 3600*hours, 0.8 + 11*u*u*u}
	}
	return out
}

// rainSpeed is how fast rain crosses the city from west to east, in m/s.
const rainSpeed = 9

// rain in mm/h at a place.
func (s sky) rain(m moment, at XY) float64 {
	t := float64(m.us)/1e6 - at.X/rainSpeed
	sum := 0.0
	for d := m.day - 1; d <= m.day; d++ {
		for _, e := range s.storms(d) {
			if e.peak > 0 && t > e.start && t < e.end {
				x := math.Sin(math.Pi * (t - e.start) / (e.end - e.start))
				sum += e.peak * x * x
			}
		}
	}
	if sum == 0 {
		return 0
	}
	return sum * (1 + 0.25*drift(s.seed+14, int64(t), 420) + 0.2*relief(s.seed+15, at.add(XY{t * -3, 0}), 2500))
}

// solar irradiance in W/m².
func (s sky) solar(m moment) float64 {
	noon := 620 - 270*math.Cos((m.yearDays()-10)/365.25*2*math.Pi)
	return math.Max(0, noon*math.Sin((m.hour()-6)/12*math.Pi)*(1-0.75*s.cloud(m)))
}

// hydrology is the Lan River: what rain makes of its flow, and what the tide does to its mouth. Like the weather it is a
// function of time alone: the flow at an instant is the base flow and the pulses of the storms of the last days, each pulse
// a gamma curve (the unit hydrograph of a chain of three equal reservoirs, Nash 1957), delayed by the way the wave has to go.
type hydrology struct {
	seed   uint64
	source float64 // metres inland where the river enters the city
}

func newHydrology(seed uint64, _ *land) hydrology {
	return hydrology{seed: seed ^ 0x21fe2, source: cityReach}
}

const (
	baseFlow = 35.0 // m3/s
	// waveSpeed is how fast a flood wave travels down the river, in m/s.
	waveSpeed = 3.0
	// memoryDays is how long a storm is felt in the river.
	memoryDays = 5
)

// pulse is the gamma curve x³ e^(3(1-x)), which peaks with 1 at x = 1.
func pulse(x float64) float64 {
	if x <= 0 {
		return 0
	}
	p := x * math.Exp(1-x)
	return p * p * p
}

// stage is the depth (m) at which the river carries a flow where it is not held up by the sea.
func stage(flow float64) float64 { return 1.6 * math.Pow(flow/baseFlow, 0.55) }

// lag is how many seconds a wave needs from the city's western limit to a gauge.
func (h hydrology) lag(inland float64) float64 { return math.Max(0, h.source-inland) / waveSpeed }

// flow in m3/s, without incidents. Storms saturate: the everyday river never exceeds ordinaryFlow.
func (h hydrology) flow(s sky, m moment, inland float64) float64 {
	t := float64(m.us)/1e6 - h.lag(inland)
	day := floorDiv(int64(t)+cityZoneSeconds, 86400)
	sum := 0.0
	for d := day - memoryDays; d <= day; d++ {
		for _, e := range s.storms(d) {
			if e.peak > 0 {
				sum += e.depth() * 2.4 * pulse((t-(e.start+e.end)/2-5400)/(7*3600))
			}
		}
	}
	return baseFlow + 9*drift(h.seed+1, int64(t), 5*86400) + ordinaryPulse*(1-math.Exp(-sum/ordinaryPulse))
}

const (
	ordinaryPulse = 140.0
	ordinaryFlow  = baseFlow + 9 + ordinaryPulse
)

// tide at the open coast in m about the mean sea: the four great constituents, with amplitudes as off the Yangtze.
func (h hydrology) tide(m moment) float64 {
	t := float64(m.sec) / 3600
	wave := func(amplitude, period, phase float64) float64 {
		return amplitude * math.Cos(2*math.Pi*(t/period)+phase)
	}
	return wave(1.20, 12.4206012, 0.3) + wave(0.50, 12, 1.1) + wave(0.24, 23.9344697, 2.0) + wave(0.16, 25.8193417, 0.7)
}

const tideLimit = 1.20 + 0.50 + 0.24 + 0.16

// A gauge's zero lies at the river's bed; upstream the river's own depth counts, at the mouth the tide.
func riverShare(inland float64) float64 { return 1 - 0.6*math.Exp(-inland/2200) }
func tideShare(inland float64) float64  { return math.Exp(-inland / 4200) }

// level at a gauge in m for a given flow.
func (h hydrology) level(m moment, inland, flow float64) float64 {
	return 1.4 + stage(flow)*riverShare(inland) + h.tide(m)*tideShare(inland)
}

// Every gauge has two marks: WarningLevel (警戒水位), which everyday water does not reach, and GuaranteeLevel (保证水位), up
// to which the dykes are built. Both follow from the gauge's distance from the sea in metres.
func WarningLevel(inland float64) float64 {
	return 1.4 + (stage(ordinaryFlow)+0.25)*riverShare(inland) + tideLimit*tideShare(inland) + 0.1
}

// GuaranteeLevel is the level that becomes harmful; see WarningLevel.
func GuaranteeLevel(inland float64) float64 { return WarningLevel(inland) + 0.9*riverShare(inland) }
