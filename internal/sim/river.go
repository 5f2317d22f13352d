package sim

import "math"

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
