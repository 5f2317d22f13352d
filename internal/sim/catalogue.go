package sim

import "slices"

// Property is an observed property: what a pack has to declare for its readings to be taken.
type Property struct {
	ID       string // "<pack>/<property>"
	Unit     string
	Name     Name
	decimals int // of the instrument's display
}

// Kind is a kind of asset and what it measures.
type Kind struct {
	ID       string // "<pack>/<kind>"
	Name     Name
	Measures []string
}

// Properties lists every observed property that the city's instruments report, in a fixed order.
func Properties() []Property { return slices.Clone(properties) }

// Kinds lists every kind of asset in the city.
func Kinds() []Kind { return slices.Clone(kinds) }

var properties = []Property{
	{"gas/methane", "%LEL", Name{"Methane in air", "甲烷浓度"}, 1},
	{"gas/methane-ambient", "ppm", Name{"Ambient methane", "环境甲烷浓度"}, 2},
	{"gas/carbon-monoxide", "ppm", Name{"Carbon monoxide", "一氧化碳浓度"}, 0},
	{"gas/pressure", "kPa", Name{"Gas pressure", "燃气压力"}, 2},
	{"gas/flow", "m3/h", Name{"Gas flow", "燃气流量"}, 1},
	{"gas/odorant", "mg/m3", Name{"Odorant", "加臭剂浓度"}, 1},
	{"gas/temperature", "°C", Name{"Temperature", "温度"}, 1},
	{"gas/battery", "V", Name{"Battery", "电池电压"}, 2},
	{"gas/signal", "dBm", Name{"Signal strength", "信号强度"}, 0},
	{"water/flow", "m3/h", Name{"Water flow", "供水流量"}, 1},
	{"water/pressure", "kPa", Name{"Water pressure", "供水压力"}, 1},
	{"water/level", "m", Name{"Water level", "水位"}, 3},
	{"water/power", "kW", Name{"Pump power", "水泵功率"}, 1},
	{"water/chlorine", "mg/L", Name{"Free chlorine", "余氯"}, 2},
	{"water/turbidity", "NTU", Name{"Turbidity", "浊度"}, 2},
	{"water/ph", "pH", Name{"pH", "酸碱度"}, 2},
	{"water/conductivity", "µS/cm", Name{"Conductivity", "电导率"}, 0},
	{"water/temperature", "°C", Name{"Water temperature", "水温"}, 1},
	{"water/battery", "V", Name{"Battery", "电池电压"}, 2},
	{"water/signal", "dBm", Name{"Signal strength", "信号强度"}, 0},
	{"flood/level", "m", Name{"River level", "河道水位"}, 2},
	{"flood/flow", "m3/s", Name{"River discharge", "河道流量"}, 1},
	{"flood/velocity", "m/s", Name{"Water velocity", "流速"}, 2},
	{"flood/rain", "mm/h", Name{"Rain intensity", "雨强"}, 1},
	{"flood/depth", "m", Name{"Water on the road", "积水深度"}, 2},
	{"flood/sump-level", "m", Name{"Sump level", "集水池水位"}, 2},
	{"flood/pumps-running", "1", Name{"Pumps running", "运行水泵台数"}, 0},
	{"flood/temperature", "°C", Name{"Temperature", "温度"}, 1},
	{"flood/battery", "V", Name{"Battery", "电池电压"}, 2},
	{"flood/signal", "dBm", Name{"Signal strength", "信号强度"}, 0},
	{"weather/temperature", "°C", Name{"Air temperature", "气温"}, 1},
	{"weather/humidity", "%", Name{"Relative humidity", "相对湿度"}, 0},
	{"weather/pressure", "hPa", Name{"Air pressure", "气压"}, 1},
	{"weather/wind-speed", "m/s", Name{"Wind speed", "风速"}, 1},
	{"weather/wind-direction", "°", Name{"Wind direction", "风向"}, 0},
	{"weather/rain", "mm/h", Name{"Rain intensity", "雨强"}, 1},
	{"weather/solar", "W/m2", Name{"Solar irradiance", "太阳辐照度"}, 0},
	{"weather/visibility", "m", Name{"Visibility", "能见度"}, 0},
	{"power/voltage", "%", Name{"Voltage", "电压"}, 1},
	{"power/supply", "%", Name{"Supplied", "供电状态"}, 0},
	{"lifts/service", "1", Name{"In service", "运行状态"}, 0},
	{"lifts/trapped", "1", Name{"Trapped alarm", "困人报警"}, 0},
	{"lifts/monitoring", "1", Name{"Monitoring connected", "监测在线状态"}, 0},
	{"lifts/pit-water", "m", Name{"Water in the pit", "底坑积水"}, 2},
}

var kinds = []Kind{
	{"gas/source-station", Name{"Gas source station", "燃气气源站"}, []string{"gas/flow", "gas/pressure", "gas/temperature", "gas/odorant", "gas/methane"}},
	{"gas/regulator", Name{"Pressure regulating station", "燃气调压站"}, []string{"gas/flow", "gas/pressure", "gas/temperature", "gas/methane", "gas/battery", "gas/signal"}},
	{"gas/main", Name{"Gas main", "燃气管段"}, nil},
	{"gas/kitchen-alarm", Name{"Restaurant gas alarm", "餐饮场所燃气报警器"}, []string{"gas/methane", "gas/carbon-monoxide", "gas/temperature", "gas/battery", "gas/signal"}},
	{"gas/street-probe", Name{"Street methane probe", "地下空间甲烷监测仪"}, []string{"gas/methane", "gas/temperature", "gas/battery", "gas/signal"}},
	{"gas/fence-monitor", Name{"Fence-line methane monitor", "厂界甲烷监测仪"}, []string{"gas/methane-ambient", "weather/wind-speed", "weather/wind-direction", "weather/temperature", "gas/battery", "gas/signal"}},
	{"water/plant", Name{"Water plant", "自来水厂"}, []string{"water/flow", "water/pressure", "water/level", "water/chlorine", "water/turbidity", "water/ph", "water/conductivity", "water/temperature", "water/power"}},
	{"water/reservoir", Name{"Service reservoir", "清水库"}, []string{"water/level", "water/flow", "water/chlorine", "water/temperature"}},
	{"water/pump-station", Name{"Pump station", "供水泵站"}, []string{"water/flow", "water/pressure", "water/power", "water/temperature"}},
	{"water/dma-inlet", Name{"District meter", "分区计量点"}, []string{"water/flow", "water/pressure", "water/temperature", "water/battery", "water/signal"}},
	{"water/pressure-point", Name{"Pressure point", "管网测压点"}, []string{"water/pressure", "water/temperature", "water/battery", "water/signal"}},
	{"water/quality-point", Name{"Water quality point", "管网水质监测点"}, []string{"water/chlorine", "water/turbidity", "water/ph", "water/conductivity", "water/temperature", "water/battery", "water/signal"}},
	{"water/main", Name{"Water main", "供水管段"}, nil},
	{"flood/river-gauge", Name{"River gauge", "河道水位站"}, []string{"flood/level", "flood/flow", "flood/velocity", "flood/temperature", "flood/battery", "flood/signal"}},
	{"flood/tide-gauge", Name{"Tide gauge", "潮位站"}, []string{"flood/level", "flood/temperature", "flood/battery", "flood/signal"}},
	{"flood/rain-gauge", Name{"Rain gauge", "雨量站"}, []string{"flood/rain", "flood/temperature", "flood/battery", "flood/signal"}},
	{"flood/road-gauge", Name{"Underpass water gauge", "道路积水监测点"}, []string{"flood/depth", "flood/temperature", "flood/battery", "flood/signal"}},
	{"flood/pump-station", Name{"Drainage pump station", "排水泵站"}, []string{"flood/sump-level", "flood/pumps-running", "flood/battery", "flood/signal"}},
	{"power/feeder", Name{"Feeder, 10 or 20 kV", "10（20）kV馈线"}, []string{"power/voltage", "power/supply"}},
	{"power/distribution-transformer", Name{"Distribution transformer", "配电变压器"}, []string{"power/supply"}},
	{"lifts/lift", Name{"Lift", "电梯"}, []string{"lifts/service", "lifts/trapped", "lifts/monitoring", "lifts/pit-water"}},
	{"weather/station", Name{"Weather station", "自动气象站"}, []string{"weather/temperature", "weather/humidity", "weather/pressure", "weather/wind-speed", "weather/wind-direction", "weather/rain", "weather/solar", "weather/visibility"}},
}

func propertyOf(id string) Property {
	k := slices.IndexFunc(properties, func(p Property) bool { return p.ID == id })
	if k < 0 {
		panic("sim: undeclared property " + id)
	}
	return properties[k]
}

func kindName(id string) Name {
	k := slices.IndexFunc(kinds, func(p Kind) bool { return p.ID == id })
	if k < 0 {
		panic("sim: undeclared kind " + id)
	}
	return kinds[k].Name
}
