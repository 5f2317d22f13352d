package sim

import "math"

// modelKind says how a datastream's value follows from the city's state. Adding a kind of instrument means adding a case to
// (*World).value and nothing else.
type modelKind uint8

const (
	modelSteady modelKind = iota // a, drifting by b over period, with noise c
	modelBattery
	modelKitchen
	modelKitchenTemperature
	modelKitchenCO
	modelProbe
	modelAmbient
	modelRegulatorFlow
	modelRegulatorInlet
	modelRegulatorOutlet
	modelSourceFlow
	modelSourcePressure
	modelDMAFlow
	modelPressurePoint
	modelZoneInflow
	modelZoneOutflow
	modelReservoirLevel
	modelPlantFlow
	modelPumpPower
	modelWaterTemperature
	modelGroundTemperature
	modelRiverLevel
	modelRiverFlow
	modelRiverVelocity
	modelTide
	modelRain
	modelRoadDepth
	modelAirTemperature
	modelHumidity
	modelAirPressure
	modelWindSpeed
	modelWindDirection
	modelSolar
	modelVisibility
	modelSump
	modelPumpsRunning
	modelCanal
	modelFeederVoltage
	modelFeederSupply
	modelTransformerSupply
	modelLiftService
	modelLiftTrapped
	modelLiftMonitoring
	modelLiftPit
)

// model is a datastream's own numbers.
type model struct {
	kind    modelKind
	seed    uint64
	at      XY
	zone    int // index into networks, where the kind asks for one
	a, b, c float64
	period  int64   // seconds
	scale   float64 // 1 / resolution of the display
	phase   int64   // seconds after the full interval
}

// Noise of the instruments, as standard deviations; the noise itself is bounded at 3.46 of them. Tests hold the readings
// against these.
const (
	FlowNoise        = 0.004 // of the value, water and gas meters
	PressureNoise    = 1.2   // kPa, water
	GasTrunkNoise    = 0.8   // kPa
	GasOutletNoise   = 0.02  // kPa
	MethaneNoise     = 0.06  // %LEL
	AmbientNoise     = 0.03  // ppm
	LevelNoise       = 0.006 // m, rivers and tide
	ReservoirNoise   = 0.002 // m
	TemperatureNoise = 0.12  // °C
	HumidityNoise    = 0.8   // %
	AirPressureNoise = 0.12  // hPa
	GustNoise        = 0.18  // of the wind speed
	WindVeerNoise    = 7.0   // degrees
	SumpNoise        = 0.01  // m
	VoltageNoise     = 0.25  // % of nominal
)

// value is what datastream k shows at an instant, with the incidents of st. It is finite, rounded to the instrument's
// display, and depends on nothing else.
func (w *World) value(k int, m moment, st *state) float64 {
	d := &w.Datastreams[k].model
	v := w.exact(d, m, st)
	if r := st.roomOf(k); r != nil {
		v = math.Min(instrumentRange, v+r.methane(m.seconds(), st.leak.closed))
	}
	if v = math.Round(v*d.scale) / d.scale; v == 0 {
		return 0 // never -0, which some would print
	}
	return v
}

// instrumentRange is the end of a methane alarm's scale in %LEL.
const instrumentRange = 100

func (w *World) exact(d *model, m moment, st *state) float64 {
	noise := bell(d.seed, m.sec)
	n := &w.net
	switch d.kind {
	case modelSteady:
		return d.a + d.b*drift(d.seed+1, m.sec, d.period) + d.c*noise
	case modelBattery: // falls over five years from a date of its own, a little lower in the cold
		age := math.Mod(float64(m.sec)/(5*365.25*86400)+unit(d.seed, -1), 1)
		return 3.65 - 0.35*age + 0.002*(w.sky.slow(m)-16) + 0.004*noise

	case modelKitchen:
		return math.Max(0, w.kitchen(d, m)+MethaneNoise*noise)
	case modelKitchenTemperature:
		return 19 + d.a + 0.35*w.sky.slow(m) + 2.2*n.gas.at(m) + TemperatureNoise*noise
	case modelKitchenCO: // burners; the alarm's own limit is far above
		return math.Max(0, 0.8+1.6*n.gas.at(m)+0.8*drift(d.seed+1, m.sec, 1800)+0.4*noise)
	case modelProbe:
		return math.Max(0, d.a*(1+0.4*drift(d.seed+1, m.sec, 86400))+MethaneNoise*noise)
	case modelAmbient: // background, which pools on still nights, and a whiff from the terminal
		calm := math.Exp(-square(length(w.sky.wind(m))) / 8)
		return 1.96 + 0.18*calm*(1-m.sun())/2 + 0.05*drift(d.seed+1, m.sec, 900) + 0.04*calm*drift(w.Seed+3, m.sec, 2400) + AmbientNoise*noise

	case modelRegulatorFlow:
		return w.regulatorFlow(d.zone, m, st) * (1 + FlowNoise*noise)
	case modelRegulatorInlet:
		load := n.gas.at(m) * w.heating(m)
		km := math.Min(d.at.distance(n.sources[0]), d.at.distance(n.sources[1])) / 1000
		return w.trunkPressure(m) - 6*km*load*load - 40*st.leakNear(d.at, m) + GasTrunkNoise*noise
	case modelRegulatorOutlet:
		return 2.75 - 0.09*n.gas.at(m) + 0.05*drift(d.seed+1, m.sec, 4*3600) - 0.15*st.leakNear(d.at, m) + GasOutletNoise*noise
	case modelSourceFlow:
		return d.a * w.gasSupply(m, st) * (1 + FlowNoise*noise)
	case modelSourcePressure:
		return w.trunkPressure(m) + GasTrunkNoise*noise

	case modelDMAFlow:
		return w.dmaFlow(d.zone, m, st) * (1 + FlowNoise*noise)
	case modelPressurePoint:
		q := n.water.at(m)
		return n.dmas[d.zone].head - d.a - 14*q*q - 3*drift(d.seed+1, m.sec, 5*3600) - st.burstDrop(d.zone, d.at, m) + PressureNoise*noise
	case modelZoneInflow:
		share := d.a
		if share == 0 {
			share = 1
		}
		return share * w.zoneInflow(d.zone, m, st) * (1 + FlowNoise*noise)
	case modelZoneOutflow:
		return w.zoneOutflow(d.zone, m, st) * (1 + FlowNoise*noise)
	case modelReservoirLevel:
		return w.reservoirLevel(d.zone, m) + ReservoirNoise*noise
	case modelPlantFlow:
		return w.plantFlow(m, st) * (1 + FlowNoise*noise)
	case modelPumpPower: // head times flow over an efficiency of 0.72
		flow, head := 0.0, 520.0
		if d.zone < 0 {
			flow = w.plantFlow(m, st)
		} else {
			flow, head = d.a*w.zoneInflow(d.zone, m, st), n.zones[d.zone].head-240
		}
		return flow / 3600 * head / 0.72 * (1 + 0.01*noise)
	case modelWaterTemperature:
		return 15.5 + 0.75*(w.sky.slow(m)-16) + 0.4*drift(d.seed+1, m.sec, 40*3600) + TemperatureNoise*noise
	case modelGroundTemperature:
		return 16.5 + 0.45*(w.sky.slow(m)-16) + 0.3*m.sun() + TemperatureNoise*noise

	case modelRiverLevel:
		return w.hydro.level(m, d.a, w.riverFlow(m, d.a, st)) + LevelNoise*noise
	case modelRiverFlow:
		return w.riverFlow(m, d.a, st) * (1 + 0.02*noise)
	case modelRiverVelocity:
		flow := w.riverFlow(m, d.a, st)
		return flow / (stage(flow) * (50 + 60*tideShare(d.a))) * (1 + 0.03*noise)
	case modelTide:
		return 4 + w.hydro.tide(m) + 0.06*drift(d.seed+1, m.sec, 6*3600) + LevelNoise*noise
	case modelRain:
		return w.rain(m, d.at, st) * (1 + 0.05*noise)
	case modelRoadDepth: // gullies take 12 mm/h; what is more stands on the road
		return d.a*0.016*math.Max(0, w.sky.rain(m, d.at)+st.floodRain(m, d.at)-12) + st.pond(d.zone, m)

	case modelAirTemperature:
		return w.sky.temperature(m) + d.a - 0.12*math.Min(8, w.sky.rain(m, d.at)) + TemperatureNoise*noise
	case modelHumidity:
		return math.Min(100, w.sky.humidity(m, w.sky.rain(m, d.at))+HumidityNoise*noise)
	case modelAirPressure:
		return w.sky.pressure(m) + d.a + AirPressureNoise*noise
	case modelWindSpeed:
		return length(w.sky.wind(m)) * math.Max(0, 1+GustNoise*noise)
	case modelWindDirection: // where it comes from, clockwise from north
		v := w.sky.wind(m)
		return math.Floor(math.Mod(math.Atan2(-v.X, -v.Y)*180/math.Pi+WindVeerNoise*noise+720, 360))
	case modelSolar:
		return w.sky.solar(m) * (1 + 0.02*noise)
	case modelVisibility:
		rain := w.sky.rain(m, d.at)
		return math.Round((24000-160*(w.sky.humidity(m, rain)-40))/(1+rain/6)/100*(1+0.02*noise)) * 100

	case modelSump:
		level, _ := w.sump(d, m, st)
		return level + SumpNoise*noise
	case modelPumpsRunning:
		_, running := w.sump(d, m, st)
		return running
	case modelCanal:
		return canalLevel + 0.06*drift(d.seed+1, m.sec, 9*3600) + st.canalRise(m) + LevelNoise*noise

	case modelFeederVoltage:
		if st.feederDead(d.zone, m) {
			return 0
		}
		return 101.2 - 1.1*n.gas.at(m) + 0.8*drift(d.seed+1, m.sec, 3*3600) + VoltageNoise*noise
	case modelFeederSupply, modelTransformerSupply:
		if st.feederDead(d.zone, m) {
			return 0
		}
		return 100
	case modelLiftService:
		return 1 - yes(st.liftStopped(d.zone, m))
	case modelLiftTrapped:
		return yes(st.liftTrapped(d.zone, m))
	case modelLiftMonitoring: // the device has a battery of its own
		return 1
	case modelLiftPit:
		return st.pit(d.zone, m)
	}
	panic("sim: a datastream without a model")
}

func yes(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func length(v XY) float64 { return math.Hypot(v.X, v.Y) }

// kitchen is the everyday methane of a restaurant's kitchen in %LEL: a trace, and a puff when burners are lit.
func (w *World) kitchen(d *model, m moment) float64 {
	const slot = 300 // seconds
	k := floorDiv(m.sec, slot)
	trace := 0.12 + 0.06*drift(d.seed+1, m.sec, 3*3600)
	if unit(d.seed+2, k) < 0.02*w.net.gas.at(m) {
		f := float64(m.sec-k*slot) / slot
		trace += (0.3 + 1.5*unit(d.seed+3, k)) * 4 * f * (1 - f)
	}
	return trace
}

// heating is how much more gas a cold day takes, thirst how much more water a hot one does.
func (w *World) heating(m moment) float64 { return 1 + 0.03*math.Max(0, 15-w.sky.slow(m)) }
func (w *World) thirst(m moment) float64  { return 1 + 0.008*math.Max(0, w.sky.slow(m)-22) }

// regulatorFlow in m3/h: demand and, if the leak is downstream of this one, what leaks.
func (w *World) regulatorFlow(k int, m moment, st *state) float64 {
	r := &w.net.regulators[k]
	wobble := 1 + 0.04*drift(r.seed, m.sec, 3600) + 0.02*drift(r.seed+1, m.sec, 420)
	return r.mean*w.net.gas.at(m)*w.heating(m)*wobble + st.leakFlow(k, m)
}

// gasSupply is what both sources feed together; linePack in m3 is what the trunk mains hold above their mean.
func (w *World) gasSupply(m moment, st *state) float64 {
	sum := w.net.gasMean * GasLoss
	for k := range w.net.regulators {
		sum += w.regulatorFlow(k, m, st)
	}
	return sum - GasBuffered*w.net.gasMean*w.net.gas.surplus(m)
}

func (w *World) linePack(m moment) float64 {
	return GasBuffered * w.net.gasMean * w.net.gas.stored(m)
}

func (w *World) trunkPressure(m moment) float64 {
	return gasTrunkPressure + w.linePack(m)/GasLinePack
}

// dmaFlow in m3/h through a district meter. Leakage rises a little at night, when pressure does.
func (w *World) dmaFlow(k int, m moment, st *state) float64 {
	d := &w.net.dmas[k]
	return w.dmaDemand(k, m) + d.leak*(1-0.1*w.net.water.surplus(m)) + st.burstFlow(k, m)
}

func (w *World) dmaDemand(k int, m moment) float64 {
	d := &w.net.dmas[k]
	wobble := 1 + 0.04*drift(d.seed, m.sec, 2*3600) + 0.02*drift(d.seed+1, m.sec, 600)
	return d.demand * w.net.water.at(m) * w.thirst(m) * wobble
}

func (w *World) zoneOutflow(z int, m moment, st *state) float64 {
	sum := 0.0
	for _, k := range w.net.zones[z].dmas {
		sum += w.dmaFlow(k, m, st)
	}
	return sum
}

func (w *World) zoneInflow(z int, m moment, st *state) float64 {
	return w.zoneOutflow(z, m, st) - WaterBuffered*w.net.zones[z].mean*w.net.water.surplus(m)
}

func (w *World) reservoirLevel(z int, m moment) float64 {
	zn := &w.net.zones[z]
	return zn.middle + WaterBuffered*zn.mean*w.net.water.stored(m)/zn.floor
}

func (w *World) plantFlow(m moment, st *state) float64 {
	sum := w.net.waterMean * WaterTrunkLoss
	for z := range w.net.zones {
		sum += w.zoneInflow(z, m, st)
	}
	return sum
}

func (w *World) riverFlow(m moment, inland float64, st *state) float64 {
	return w.hydro.flow(w.sky, m, inland) + st.floodFlow(m, w.hydro.lag(inland))
}

func (w *World) rain(m moment, at XY, st *state) float64 {
	return w.sky.rain(m, at) + st.floodRain(m, at) + st.stormRain(m, at)
}
