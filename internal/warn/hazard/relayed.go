package hazard

import (
	"regexp"
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/platform/page"
)

// service is a hazard that the law gives to one service alone.
type service struct {
	id, from string
	names    []page.Text // the first is the usual one
}

// reserved can't be lifted by any pack: 气象法 and 气象灾害防御条例 give weather warnings to the weather service alone,
// 海洋观测预报管理条例 those of the sea to the marine service, 地震预报管理条例 those of earthquakes to seismology. The ids and names
// follow the signals of 气象灾害预警信号发布与传播办法. A pack may add to them (relayed_from).
var reserved = [...]service{
	{"typhoon", "weather", words("Typhoon", "台风", "Tropical cyclone", "热带气旋")},
	{"rainstorm", "weather", words("Rainstorm", "暴雨", "Heavy rain", "强降雨")},
	{"snowstorm", "weather", words("Snowstorm", "暴雪", "Blizzard", "雪灾")},
	{"cold-wave", "weather", words("Cold wave", "寒潮")},
	{"gale", "weather", words("Gale", "大风", "Strong wind", "强风")},
	{"sandstorm", "weather", words("Sandstorm", "沙尘暴", "Dust storm", "沙尘")},
	{"heat", "weather", words("Extreme heat", "高温", "Heat", "热浪", "Heat wave", "高温热浪")},
	{"drought", "weather", words("Drought", "干旱")},
	{"lightning", "weather", words("Lightning", "雷电")},
	{"thunderstorm", "weather", words("Thunderstorm", "雷暴大风", "Severe convection", "强对流天气", "Thunderstorm gale", "雷雨大风")},
	{"hail", "weather", words("Hail", "冰雹")},
	{"frost", "weather", words("Frost", "霜冻")},
	{"fog", "weather", words("Dense fog", "大雾", "Fog", "浓雾")},
	{"haze", "weather", words("Haze", "霾", "Smog", "雾霾")},
	{"road-icing", "weather", words("Road icing", "道路结冰", "Icy roads", "道路冰雪")},
	{"storm-surge", "marine", words("Storm surge", "风暴潮")},
	{"tsunami", "marine", words("Tsunami", "海啸")},
	{"earthquake", "seismology", words("Earthquake", "地震")},
}

func words(pairs ...string) (out []page.Text) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, page.Text{English: pairs[i], Chinese: pairs[i+1]})
	}
	return out
}

// reservedTo says to which service a hazard of the id or with the name belongs, "" for none.
func reservedTo(id string, name page.Text) string {
	for _, s := range reserved {
		if s.id == id || slices.ContainsFunc(s.names, func(n page.Text) bool {
			return strings.EqualFold(plain(name.English), plain(n.English)) || plain(name.Chinese) == n.Chinese
		}) {
			return s.from
		}
	}
	return ""
}

// plain is a name without the words that make a warning of it.
func plain(s string) string {
	return strings.TrimSpace(suffix.ReplaceAllString(strings.TrimSpace(s), ""))
}

var suffix = regexp.MustCompile(`(?i)(\s+(red|orange|yellow|blue))?(\s+(warning|alert|signal))+$|([红橙黄蓝]色)?预警(信号)?$`)

// title matches a text that is headed like the warnings of another service.
type title struct {
	hazard, from string
	pattern      *regexp.Regexp
}

// titles are how the warnings about a hazard are headed: its name and "warning", or 预警, with nothing between but the colour, blanks
// and signs.
func titles(hazard, from string, name page.Text) []title {
	return []title{
		{hazard, from, regexp.MustCompile(`(?i)(^|[^\p{L}])` + regexp.QuoteMeta(name.English) + `[\s\p{P}]+(?:(?:red|orange|yellow|blue)[\s\p{P}]+)?(?:warning|alert)`)},
		{hazard, from, regexp.MustCompile(regexp.QuoteMeta(name.Chinese) + `[\s\p{P}]*(?:[红橙黄蓝]\s*色?)?[\s\p{P}]*预\s*警`)},
	}
}

func reservedTitles() (out []title) {
	for _, s := range reserved {
		for _, n := range s.names {
			out = append(out, titles(s.id, s.from, n)...)
		}
	}
	return out
}

// poses returns the title that the text is headed with, if it is that of another service.
func poses(all []title, text string) (title, bool) {
	i := slices.IndexFunc(all, func(t title) bool { return t.pattern.MatchString(text) })
	if i < 0 {
		return title{}, false
	}
	return all[i], true
}
