package sim

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Report is what a resident tells the city. It holds no person: see ContactShare for the exception.
type Report struct {
	ID       string    `json:"id"`
	At       time.Time `json:"at"`
	Category string    `json:"category"` // "<pack>/<category>", see Categories
	Language string    `json:"language"` // "zh-CN" or "en"
	Text     string    `json:"text"`
	Point    LonLat    `json:"point"`
	Incident string    `json:"incident,omitempty"` // truth: what caused it; empty for everyday reports
}

const (
	// ReportsPerWeekday is the mean number of everyday reports on a weekday; weekends bring somewhat fewer, at other hours.
	ReportsPerWeekday = 220
	// EnglishShare is the share of reports in English.
	EnglishShare = 0.15
	// ContactShare of the reports carry an invented name and number, to exercise masking. The names are 张三 and 李四 (the
	// John Doe of Chinese forms), Jane Roe and John Doe. The Chinese numbers are 154 0000 0000 to 154 0000 0999: the network
	// number 154 is in nobody's use in the list that the ministry published in June 2023. The English ones are Ofcom's
	// numbers for drama, 07700 900000 to 900999.
	ContactShare = 0.03
	// reportScatter is how far off people put the pin, in metres (standard deviation).
	reportScatter = 25.0
)

// Category is what people report. Share is its part of the everyday reports.
type Category struct {
	ID    string
	Name  Name
	Share float64
	texts [2][]string // English, Chinese
}

// Categories lists what residents report, in a fixed order.
func Categories() []Category { return slices.Clone(categories) }

// {at} is an address, {street} a street, {when} a time of day.
var categories = []Category{
	{"gas/gas-smell", Name{"Smell of gas", "燃气异味"}, 0.008, [2][]string{{
		"There is a strong smell of gas near {at}. It gets worse by the minute.",
		"Smells like gas on {street}, just outside {at}. Please send someone.",
		"I can smell gas in the stairwell at {at}, windows are open already.",
		"Rotten egg smell all along {street} {when}, could be a gas leak.",
		"The kitchen alarm next door at {at} keeps beeping and the whole alley smells of gas.",
	}, {
		"{at}附近有很浓的煤气味，越来越重，请尽快派人来看看。",
		"{street}上闻到燃气味道，就在{at}门口，怀疑管道漏气。",
		"我们楼道里有煤气味，地址{at}，窗户已经打开了。",
		"{when}路过{street}，一股臭鸡蛋味，是不是燃气泄漏？",
		"隔壁饭店的报警器一直在响，{at}这边弄堂里全是煤气味。",
	}}},
	{"water/low-pressure", Name{"Low water pressure", "水压不足"}, 0.06, [2][]string{{
		"Water pressure at {at} is very low {when}, barely a trickle on the top floor.",
		"The tap on the fifth floor at {at} hardly runs.",
		"Low water pressure on {street} {when}, the heater does not even switch on.",
	}, {
		"{at}{when}水压很低，高层几乎没水。",
		"{at}五楼水龙头出水很小，热水器打不着火。",
		"{street}这一片水压不足，反映一下。",
	}}},
	{"water/no-water", Name{"No water", "停水"}, 0.02, [2][]string{{
		"No water at {at} {when}. Was there a notice?",
		"The water has been cut off on {street}, nobody told us.",
	}, {
		"{at}{when}突然停水，没有看到通知。",
		"{street}停水了，什么时候能来水？",
	}}},
	{"water/water-on-road", Name{"Water coming up on the road", "路面冒水"}, 0.02, [2][]string{{
		"Water is coming up through the road on {street} in front of {at}.",
		"Clean water is running down {street} and the asphalt is lifting.",
		"Looks like a burst pipe outside {at}, the pavement is under water.",
	}, {
		"{street}路面往外冒水，就在{at}门前，像是水管爆了。",
		"{at}门口马路上一直在淌清水，路面有点鼓起来了。",
		"{street}自来水管漏水，人行道都淹了。",
	}}},
	{"flood/standing-water", Name{"Standing water", "道路积水"}, 0.03, [2][]string{{
		"The underpass at {street} is filling with water, cars are turning back.",
		"Ankle-deep water near {at} after the rain.",
		"Drain is blocked on {street}, water stands across both lanes.",
	}, {
		"{street}下穿通道积水，小车过不去了。",
		"下雨后{at}附近积水到脚踝，老人孩子不好走。",
		"{street}雨水口堵了，两个车道都是水。",
	}}},
	{"power/power-cut", Name{"Power cut", "停电"}, 0, [2][]string{{ // the everyday city has none
		"No electricity at {at} and the whole side of {street} is dark.",
		"Power has been out on {street} for a while, traffic lights too.",
		"The power went off at {at}, the lift stands still.",
	}, {
		"{at}停电了，{street}这一侧全黑了。",
		"{street}停电有一会儿了，红绿灯也不亮。",
		"{at}突然停电，电梯也停了。",
	}}},
	{"lifts/lift-broken", Name{"Lift out of order", "电梯停运"}, 0, [2][]string{{
		"The lift at {at} has stopped and somebody is knocking inside.",
		"Lift at {at} stands between two floors, the alarm is ringing.",
	}, {
		"{at}电梯停在半层，里面有人敲门。",
		"{at}电梯突然停了，警铃一直在响。",
	}}},
	{"roads/pothole", Name{"Pothole", "路面坑洞"}, 0.15, [2][]string{{
		"Deep pothole on {street} near {at}, a scooter went down {when}.",
		"The road surface on {street} is broken, please repair it.",
	}, {
		"{street}靠近{at}有个大坑，{when}有电瓶车摔倒。",
		"{street}路面破损严重，请安排修补。",
		"{at}门前路面坑坑洼洼，下雨天看不见。",
	}}},
	{"roads/street-light", Name{"Street light out", "路灯不亮"}, 0.15, [2][]string{{
		"Street lights are out on {street} by {at}.",
		"Three lamps in a row are dark on {street}, it is hard to see at night.",
	}, {
		"{street}{at}一段路灯不亮，晚上很黑。",
		"{street}连着三盏路灯坏了，请尽快修复。",
	}}},
	{"roads/manhole-cover", Name{"Manhole cover", "井盖缺损"}, 0.07, [2][]string{{
		"A manhole cover near {at} is loose and bangs whenever a truck passes.",
		"Missing manhole cover on {street}, somebody put a branch in it.",
	}, {
		"{at}附近井盖松动，车一过就响，晚上影响休息。",
		"{street}有个井盖不见了，有人插了根树枝，很危险。",
	}}},
	{"hotline/rubbish", Name{"Rubbish", "垃圾堆放"}, 0.20, [2][]string{{
		"Rubbish has been piling up at {at} for days.",
		"Somebody dumped building waste on {street}.",
	}, {
		"{at}垃圾好几天没人清运，味道很大。",
		"{street}有人偷倒建筑垃圾。",
		"{at}旁边垃圾桶满了，地上都是。",
	}}},
	{"hotline/noise", Name{"Noise", "噪声扰民"}, 0.18, [2][]string{{
		"Construction noise at {at} {when}, it has been going on for hours.",
		"Loud ventilation fan at the back of {at}, please measure it.",
	}, {
		"{at}工地{when}还在施工，声音很大。",
		"{at}后面的排风机噪声很大，希望检测一下。",
		"{street}广场音响太吵，影响孩子学习。",
	}}},
	{"hotline/fallen-tree", Name{"Fallen tree or branch", "树木倒伏"}, 0.05, [2][]string{{
		"A branch has come down on {street} and blocks the cycle lane.",
		"Tree leaning over the pavement near {at} after the wind.",
	}, {
		"{street}有树枝断了，非机动车道过不去。",
		"刮风后{at}门口有棵树歪了，怕倒下来。",
	}}},
	{"fire/blocked-exit", Name{"Blocked fire lane", "消防通道堵塞"}, 0.062, [2][]string{{
		"The fire lane at {at} is blocked by parked vans again.",
		"Electric bikes are being charged in the stairwell of {at}.",
	}, {
		"{at}消防通道又被车堵住了。",
		"{at}楼道里有电瓶车充电，很不安全。",
		"{at}楼道堆满杂物，消防门打不开。",
	}}},
}

// spoken are the kinds of place by which people say where they are.
var spoken = map[string]bool{
	"residential-building": true, "restaurant": true, "shop": true, "office": true, "school": true, "village-house": true,
}

// Reports yields what residents of the quiet city report in [from, to), in order of time. Each hour's reports come from the
// hour's own generator, so any span can be asked for.
func (w *World) Reports(from, to time.Time) iter.Seq[Report] {
	return func(yield func(Report) bool) {
		for hour := floorDiv(from.Unix(), 3600); hour*3600 < to.Unix()+1; hour++ {
			for _, r := range w.hourOfReports(hour) {
				if r.At.Before(from) || !r.At.Before(to) {
					continue
				}
				if !yield(r) {
					return
				}
			}
		}
	}
}

// Reports is (*World).Reports with those that the incidents cause.
func (s *Scenario) Reports(from, to time.Time) iter.Seq[Report] {
	return func(yield func(Report) bool) {
		caused := s.causedReports()
		next, _ := slices.BinarySearchFunc(caused, from, func(r Report, t time.Time) int { return r.At.Compare(t) })
		for r := range s.World.Reports(from, to) {
			for ; next < len(caused) && caused[next].At.Before(r.At); next++ {
				if !yield(caused[next]) {
					return
				}
			}
			if !yield(r) {
				return
			}
		}
		for ; next < len(caused) && caused[next].At.Before(to); next++ {
			if !yield(caused[next]) {
				return
			}
		}
	}
}

func (w *World) hourOfReports(hour int64) []Report {
	r := generator(w.Seed, "reports", hour)
	middle := momentOf((hour*3600 + 1800) * 1e6)
	mean := ReportsPerWeekday / 24.0 * w.habit.at(middle)
	var out []Report
	for k := range poisson(r, mean) {
		at := time.UnixMicro(hour*3600e6 + r.Int64N(3600e6)).UTC().Truncate(time.Second)
		c := w.pickCategory(r, momentOf(at.UnixMicro()))
		p := &w.Places[w.addressed[r.IntN(len(w.addressed))]]
		out = append(out, w.report(r, fmt.Sprintf("report-%d-%02d", hour, k+1), at, c, p.Name, p.at, ""))
	}
	slices.SortStableFunc(out, func(a, b Report) int { return a.At.Compare(b.At) })
	return out
}

// pickCategory follows the shares, and the weather: standing water is seen in the rain, fallen trees in the wind, dark lamps
// at night.
func (w *World) pickCategory(r *rand.Rand, m moment) *Category {
	var weights [32]float64
	sum := 0.0
	for k, c := range categories {
		v := c.Share
		switch c.ID {
		case "flood/standing-water":
			v *= 0.15 + math.Min(6, w.sky.rain(m, XY{}))
		case "hotline/fallen-tree":
			v *= 0.2 + square(length(w.sky.wind(m))/5)
		case "roads/street-light":
			if m.hour() > 7 && m.hour() < 17 {
				v *= 0.3
			}
		}
		weights[k] = v
		sum += v
	}
	u := r.Float64() * sum
	for k := range categories {
		if u -= weights[k]; u < 0 {
			return &categories[k]
		}
	}
	return &categories[len(categories)-1]
}

// report writes one: the words, the pin beside the address, and now and then an invented contact.
func (w *World) report(r *rand.Rand, id string, at time.Time, c *Category, address Name, place XY, incident string) Report {
	language, k := "zh-CN", 1
	if r.Float64() < EnglishShare {
		language, k = "en", 0
	}
	text := c.texts[k][r.IntN(len(c.texts[k]))]
	street, when := streetIn(address), dayPart(momentOf(at.UnixMicro()))
	fill := func(n Name) string { return [2]string{n.En, n.Zh}[k] }
	text = strings.NewReplacer("{at}", fill(address), "{street}", fill(street), "{when}", fill(when)).Replace(text)
	// The contact is drawn from a generator of its own, so that the share can change without changing any other report.
	if own := generator(w.Seed, "contact", id); own.Float64() < ContactShare {
		n := own.IntN(1000)
		switch {
		case k == 0:
			text += fmt.Sprintf(" Call me back on 07700 900%03d, %s.", n, [2]string{"Jane Roe", "John Doe"}[n%2])
		default:
			text += fmt.Sprintf("联系人%s，电话1540000%04d。", [2]string{"张三", "李四"}[n%2], n)
		}
	}
	pin := place.add(XY{r.NormFloat64(), r.NormFloat64()}.times(reportScatter))
	return Report{ID: id, At: at, Category: c.ID, Language: language, Text: text, Point: Position(pin), Incident: incident}
}

// streetIn cuts the street out of an address as town.go writes them: "Name, 12 Some Road" and 某某路12号某某.
func streetIn(address Name) Name {
	en := address.En
	if k := strings.LastIndex(en, ", "); k >= 0 {
		en = en[k+2:]
	}
	if k := strings.IndexByte(en, ' '); k >= 0 && en[0] >= '0' && en[0] <= '9' {
		en = en[k+1:]
	}
	zh := address.Zh
	if k := strings.IndexAny(zh, "0123456789（"); k > 0 {
		zh = zh[:k]
	}
	return Name{en, zh}
}

func dayPart(m moment) Name {
	switch h := m.hour(); {
	case h < 5:
		return Name{"in the middle of the night", "半夜"}
	case h < 9:
		return Name{"this morning", "今天早上"}
	case h < 12:
		return Name{"this morning", "今天上午"}
	case h < 18:
		return Name{"this afternoon", "今天下午"}
	}
	return Name{"tonight", "今晚"}
}

// poisson draws by Knuth's product method, which suits the small means of an hour.
func poisson(r *rand.Rand, mean float64) int {
	limit, n := math.Exp(-mean), 0
	for p := r.Float64(); p > limit; p *= r.Float64() {
		n++
	}
	return n
}

// wave is how an incident makes people report.
type wave struct {
	incident string
	category string
	count    int
	delay    time.Duration // median, from the incident's start
	reach    float64       // metres around it
}

// What people notice and how long they take: a smell is reported within minutes, a weak tap when it has been weak a while.
var waves = []wave{
	{LeakID, "gas/gas-smell", 9, 4 * time.Minute, 140},
	{BurstID, "water/water-on-road", 7, 9 * time.Minute, 90},
	{BurstID, "water/low-pressure", 9, 25 * time.Minute, 600},
	{BurstID, "water/no-water", 3, 40 * time.Minute, 350},
	{FloodID, "flood/standing-water", 12, 75 * time.Minute, 0},
}

// causedReports are those that the incidents bring, in order of time. Once a repair has worked for a while, nobody reports
// what is no longer there.
func (s *Scenario) causedReports() []Report {
	st := s.now.Load()
	var out []Report
	cause := func(i Incident, v wave, from func(k int) *rand.Rand) {
		c := &categories[slices.IndexFunc(categories, func(c Category) bool { return c.ID == v.category })]
		places := s.around(i, v.reach)
		for k := range v.count {
			r := from(k)
			// Delays are lognormal: most soon, a few late.
			delay := time.Duration(float64(v.delay) * math.Exp(0.55*r.NormFloat64())).Truncate(time.Second)
			at := i.Start.Add(delay)
			p := &s.World.Places[places[r.IntN(len(places))]]
			if at.After(i.End) {
				continue
			}
			out = append(out, s.World.report(r, fmt.Sprintf("report-%s-%s-%02d", i.ID, v.category[strings.IndexByte(v.category, '/')+1:], k+1), at, c, p.Name, p.at, i.ID))
		}
	}
	for n, v := range waves {
		if k := slices.IndexFunc(st.incidents, func(i Incident) bool { return i.ID == v.incident }); k >= 0 {
			cause(st.incidents[k], v, func(k int) *rand.Rand { return generator(s.World.Seed, "caused", n, k) })
		}
	}
	for _, i := range st.incidents {
		for _, v := range stormWaves[i.Kind] {
			if !i.Averted {
				cause(i, v, func(k int) *rand.Rand { return generator(s.World.Seed, "caused", i.ID, v.category, k) })
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Report) int { return a.At.Compare(b.At) })
	return out
}

// around lists the addresses within reach of an incident, or, for a flood, near the wet gauges.
func (s *Scenario) around(i Incident, reach float64) []int {
	w := s.World
	centres := []XY{w.Assets[w.assets[i.Asset]].at}
	if reach == 0 {
		centres, reach = nil, 450
		for _, id := range i.Assets {
			if a := &w.Assets[w.assets[id]]; a.Kind == "flood/road-gauge" {
				centres = append(centres, a.at)
			}
		}
	}
	var out []int
	for ; len(out) == 0; reach *= 2 {
		for _, p := range w.addressed {
			if slices.ContainsFunc(centres, func(c XY) bool { return c.distance(w.Places[p].at) <= reach }) {
				out = append(out, p)
			}
		}
		if len(centres) == 0 {
			return w.addressed
		}
	}
	return out
}
