package hazard

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"

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
	{"typhoon", "weather", words("Typhoon", "台风", "Tropical cyclone", "热带气旋", "Tropical storm", "热带风暴", "Hurricane", "飓风")},
	{"rainstorm", "weather", words("Rainstorm", "暴雨", "Heavy rain", "强降雨", "Torrential rain", "特大暴雨", "Heavy rainfall", "强降水")},
	{"snowstorm", "weather", words("Snowstorm", "暴雪", "Blizzard", "雪灾", "Heavy snow", "大雪", "Ice and snow", "低温雨雪冰冻")},
	{"cold-wave", "weather", words("Cold wave", "寒潮", "Low temperature", "低温")},
	{"gale", "weather", words("Gale", "大风", "Strong wind", "强风", "High wind", "海上大风")},
	{"sandstorm", "weather", words("Sandstorm", "沙尘暴", "Dust storm", "沙尘")},
	{"heat", "weather", words("Extreme heat", "高温", "Heat", "热浪", "Heat wave", "高温热浪", "Hot weather", "酷热", "High temperature", "酷暑")},
	{"drought", "weather", words("Drought", "干旱")},
	{"lightning", "weather", words("Lightning", "雷电")},
	{"thunderstorm", "weather", words("Thunderstorm", "雷暴大风", "Severe convection", "强对流", "Severe weather", "灾害性天气", "Thunderstorm gale", "雷雨大风")},
	{"hail", "weather", words("Hail", "冰雹")},
	{"frost", "weather", words("Frost", "霜冻")},
	{"fog", "weather", words("Dense fog", "大雾", "Fog", "浓雾")},
	{"haze", "weather", words("Haze", "霾", "Smog", "雾霾")},
	{"road-icing", "weather", words("Road icing", "道路结冰", "Icy road", "道路冰雪", "Freezing rain", "冻雨")},
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
			return plain(name.English) == plain(n.English) || plain(name.Chinese) == plain(n.Chinese)
		}) {
			return s.from
		}
	}
	return ""
}

// The words by which a warning is known as one, as legible writes them.
const (
	level   = `(?:[红橙黄蓝]色?|(?:[一二三四1-4]|i{1,3}|iv)级)`
	signal  = `(?:预警|警报|警告|信号|风球|` + level + `警戒)(?:信号)?`
	graded  = `(?:(?:red|orange|yellow|blue|amber|black|weather|level|grade|category|class|no\.?|number|[ivx]+|[0-9]+|one|two|three|four)[\s\p{P}]+)*`
	warning = `(?:warning|alert|signal)s?`
	joint   = `[^\P{P}.;!?。]` // what stands between the words of one title: any sign that doesn't end a sentence
	// A title may name several dangers, 暴雨、内涝橙色预警, or say more of one, 暴雨（港区）橙色预警.
	joined = `(?:\s*(?:,|/|&|and|or)\s+\p{L}+(?:[ -]\p{L}+)?)*`
	zhMore = `(?:[、和及与或暨][^\P{Han}影响致引发因使造成]{1,6}|天气|气象|灾害|持续|继续|再次|加强|短时|临近|\([^()]{0,12}\))*`
)

// plain is a name without the words that make a warning of it.
func plain(s string) string {
	s = legible(s)
	if latin := strings.TrimSpace(suffix.ReplaceAllString(s, "")); !han(s) {
		return latin
	}
	return sealed.ReplaceAllString(packed(s), "")
}

var (
	suffix = regexp.MustCompile(`(?:[\s\p{P}]+(?:red|orange|yellow|blue))?[\s\p{P}]+` + warning + `$`)
	sealed = regexp.MustCompile(`(?:天气)?` + joint + `*` + level + `?` + joint + `*(?:` + signal + `)?$`)
)

func han(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// legible is a text as a reader takes it: without what can't be seen, in one width and case, with the simplified form of the
// characters that the titles of warnings are written with, and with Latin letters for those of other scripts that look the same.
func legible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.In(r, unicode.Cf, unicode.Cc) && !unicode.IsSpace(r), unicode.Is(unicode.Variation_Selector, r):
			return -1
		case alike[r] != 0:
			return alike[r]
		}
		return r
	}, strings.ToLower(norm.NFKC.String(s)))
}

// packed is a legible text without the blanks, dashes and other marks that may be set between characters. It keeps the ends of lines.
func packed(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Pc, unicode.Sk, unicode.So) || strings.ContainsRune("·・•*~|/+", r)) {
			return -1
		}
		return r
	}, s)
}

var alike = func() map[rune]rune {
	m := map[rune]rune{}
	const pairs = "аaеeоoрpсcхxуyіiѕsјjһhԁdԛqԝwαaεeοoνvρpτtυuκkιiıi" + "颱台臺台颶飓氣气熱热帶带強强風风對对塵尘溫温乾干電电霧雾結结凍冻災灾嘯啸預预報报號号發发佈布紅红黃黄藍蓝級级別别將将據据為为後后現现"
	r := []rune(pairs)
	for i := 0; i < len(r); i += 2 {
		m[r[i]] = r[i+1]
	}
	return m
}()

// title matches a text that is headed like the warnings of another service.
type title struct {
	hazard, from string
	chinese      bool // patterns match what is packed
	heads        *regexp.Regexp
	issues       []*regexp.Regexp
}

// titles are how the warnings about a hazard are headed: its name, then a colour or a level or neither, then "warning" or "signal" (预警,
// 信号); or "warning" first and then the name, with nothing more behind. Only blanks and signs may stand between. A name alone is none:
// 暴雨引发城市内涝橙色预警 and "Flood warning: heavy rain upstream" say where the water comes from.
//
// A description may name such a title, too: people are to know that 市气象台已发布暴雨橙色预警, or what to do 如发布暴雨红色预警. It is refused
// where it is the announcement itself: a sentence that is no more than the title and a name before it (港区暴雨橙色预警：…), or in which
// somebody issues it now (市气象台发布暴雨橙色预警信号, "the weather service issues a rainstorm warning"). What is cited (据, 因, 受, 已, 如,
// "according to", "has issued") is not. Whoever is bent on it finds other words: this holds off habit and the copied text, and the
// second officer reads the rest.
func titles(hazard, from string, names ...page.Text) []title {
	var inEnglish, inChinese []string
	for _, n := range names {
		word := regexp.QuoteMeta(plain(n.English))
		inEnglish = append(inEnglish, strings.NewReplacer(" ", `\s*`, "storm", `\s*storm`).Replace(word)) // rain storm is one
		inChinese = append(inChinese, regexp.QuoteMeta(plain(n.Chinese)))
	}
	en, zh := `(?:`+strings.Join(inEnglish, "|")+`)s?`, `(?:`+strings.Join(inChinese, "|")+`)`
	first := `(?:^|[^\p{L}])` + en + joined + joint + `*[\s\p{P}]` + joint + `*\s*` + graded + warning
	zhFirst := zh + zhMore + joint + `*(?:[0-9一二三四五六七八九十]+号|` + level + `)?` + joint + `*` + zhMore + joint + `*` + signal
	zhLast := `(?:^|[\p{P}\n]|发布|启动|气象台|天气|气象|[省市区县镇]|街道)` + level + `?` + joint + `*预警(?:信号)?` + joint + `*(?:` + level + joint + `*)?` + zh + `(?:天气)?(?:` + level + `)?(?:[)\]】》」.。!\n、和及与]|$)`
	last := `(?:^|[.:;!?\n]\s*|(?:^|[^\p{L}])(?:an?|the|issues?|issued|weather|service)\s+)` + graded + warning + `(?:` + joint + `|\s)+(?:(?:for|of|about|against|on|an?|the|level|red|orange|yellow|blue)\s+)*` +
		en + `(?:\s*(?:[.!;)\n]|$)|\s+(?:in|for|over|until|tonight|today|tomorrow)(?:[^\p{L}]|$))`
	compile := func(s string) *regexp.Regexp { return regexp.MustCompile(s) }
	return []title{
		{hazard, from, false, compile(first + `|` + last), []*regexp.Regexp{
			compile(`^\s*\p{P}*(?:\s*(?:red|orange|yellow|blue|the|an?))*\s*` + first + `(?:\s*(?:[:,)]|$)|\s+(?:in|for|over|until|no)(?:[^\p{L}]|$)|\s+is\s+(?:hereby\s+)?(?:issued|given|raised|announced|in))`),
			compile(`(?:^|[^\p{L}])(?:issues|announces|declares|raises|issuing|hereby|(?:we|to)\s+issue)\s.*` + first),
			compile(`^\s*` + last),
		}},
		{hazard, from, true, compile(zhFirst + `|` + zhLast), []*regexp.Regexp{
			compile(`^\p{P}*[^,:]{0,16}` + joint + `*` + zhFirst + `(?:$|[:)\]】》」])`),
			compile(`(?:发布|发出|签发|改发|启动|升级|升级为|升至|提升为|升为|变更为|更新为)(?:了|本?[省市区县镇])?` + joint + `*(?:` + level + `)?` + zhFirst),
			compile(zhLast),
		}},
	}
}

// reservedTitles are made once; whoever adds to them takes a copy.
var reservedTitles = sync.OnceValue(func() (out []title) {
	for _, s := range reserved {
		out = append(out, titles(s.id, s.from, s.names...)...)
	}
	return slices.Clip(out)
})

// poses returns the title that the text is headed with, if it is that of another service. One that is named as the reason for something
// else, 因暴雨橙色预警，地铁停运, heads nothing.
func poses(all []title, text string) (title, bool) {
	plain := legible(text)
	tight := packed(plain)
	for _, t := range all {
		of := pick(t.chinese, tight, plain)
		for {
			at := t.heads.FindStringIndex(of)
			if at == nil {
				break
			}
			why := reason.FindStringIndex(of[:at[0]])
			if why == nil || !led.MatchString(of[:why[0]]) && !follows.MatchString(of[at[1]:]) {
				return t, true
			}
			of = of[at[1]:]
		}
	}
	return title{}, false
}

var (
	// reason stands right before a title that is named as one: 因, 受, "because of the weather service's". What is issued for a
	// reason, 因强降雨发布暴雨橙色预警, is issued, unless those issue it whose it is.
	reason = regexp.MustCompile(`(?:因|受|由于|鉴于|据|根据|按照)(?:[^,:;!?。发启升影致]{0,12}|[^,:;!?。]{0,6}(?:气象|海洋|地震)[^,:;!?。]{0,4}发布的?)$` +
		`|(?:^|[^\p{L}])(?:because of|due to|owing to|after|following|given|under|amid|in view of)(?:\s+(?:the|an?|weather|marine|service|bureau|red|orange|yellow|blue|\p{L}+['’]s))*$`)
	// led and follows say something beside the reason, before it or behind.
	led     = regexp.MustCompile(`\p{Han}{4}[,:;(]$|\p{L}+\s+\p{L}+[\s,:;(]*$`)
	follows = regexp.MustCompile(`\p{Han}{4}|\p{L}+\s+\p{L}+`)
)

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// announces returns the title of another service's warning that a text of several sentences issues, if it does.
func announces(all []title, text string) (title, bool) {
	for _, sentence := range sentences.Split(legible(text), -1) {
		tight := packed(sentence)
		for _, t := range all {
			of := pick(t.chinese, tight, sentence)
			at := t.heads.FindStringIndex(of)
			if at == nil || cited.MatchString(of[:at[0]]) {
				continue
			}
			if slices.ContainsFunc(t.issues, func(p *regexp.Regexp) bool { return p.MatchString(of) }) {
				return t, true
			}
		}
	}
	return title{}, false
}

var (
	sentences = regexp.MustCompile(`[。!?;\n]+|\.(?:\s|$)`)
	// cited stands before a title that is only spoken of.
	cited = regexp.MustCompile(`据|因|由于|鉴于|受|按照|随着|关注|留意|收听|已|曾|如|若|一旦|目前|当前|处于|仍|(?:^|[^\p{L}])(?:according|because|due|after|since|under|given|if|when|while|during|unless|has|have|had|watch|follow|heed)(?:[^\p{L}]|$)`)
)
