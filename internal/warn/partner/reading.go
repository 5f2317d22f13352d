package partner

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// unstated is for how long a message counts that doesn't say when it expires; CAP leaves that to the receiver. A working value.
const unstated = 24 * time.Hour

// Hazard is what a warning can be about, as the city calls it.
type Hazard struct {
	ID    string
	Title page.Text
}

// Text is what a message says, in one language, in its issuer's words.
type Text struct {
	Event       string `json:"event"`
	Issuer      string `json:"issuer,omitempty" doc:"who issued it, as the message names it"`
	Headline    string `json:"headline,omitempty"`
	Description string `json:"description,omitempty"`
	Instruction string `json:"instruction,omitempty"`
	Web         string `json:"web,omitempty"`
	Contact     string `json:"contact,omitempty"`
}

// reading is what a message says to this city.
type reading struct {
	hazard, level  string
	texts          map[string]Text // by language: en, zh-CN, or another as the message has it
	places         []Place
	placement      string
	speaks         bool // it warns: an Alert or Update that isn't over
	clears         bool // it says that the danger is over
	onset, expires time.Time
}

// read tells what a message that was not refused says to the city. It knows no clock.
func read(a *cap.Alert, p *Partner, hazards []Hazard, g *ground) reading {
	r := reading{texts: map[string]Text{}, places: []Place{}}
	infos := r.where(a, p, g)
	if live := slices.DeleteFunc(slices.Clone(infos), over); len(live) > 0 {
		infos = live
	} else {
		r.clears = len(infos) > 0 && a.MsgType == cap.TypeUpdate
	}
	r.speaks = a.MsgType == cap.TypeAlert || a.MsgType == cap.TypeUpdate && !r.clears
	for _, i := range infos {
		lang := language(i.Language)
		if _, has := r.texts[lang]; !has {
			r.texts[lang] = Text{Event: i.Event, Issuer: orElse(i.SenderName, a.Sender), Headline: i.Headline, Description: i.Description,
				Instruction: i.Instruction, Web: i.Web, Contact: i.Contact}
		}
		if l := levelOf(i); slices.Index(levels, l) > slices.Index(levels, r.level) {
			r.level = l
		}
		if r.hazard == "" {
			r.hazard = hazardOf(i, p.Events, hazards)
		}
		begins := a.Sent.Time
		switch {
		case i.Onset != nil:
			begins = i.Onset.Time
		case i.Effective != nil:
			begins = i.Effective.Time
		}
		if r.onset.IsZero() || begins.Before(r.onset) {
			r.onset = begins
		}
		ends := begins.Add(unstated)
		if i.Expires != nil {
			ends = i.Expires.Time
		}
		if ends.After(r.expires) {
			r.expires = ends
		}
	}
	if len(infos) == 0 {
		r.onset, r.expires = a.Sent.Time, a.Sent.Add(unstated)
	}
	return r
}

// where puts the message's areas on the map and returns the infos that concern the city: of a message for several regions, those of
// the others say nothing here.
func (r *reading) where(a *cap.Alert, p *Partner, g *ground) (infos []*cap.Info) {
	room, anyHit, allKnown, some := maxRings, false, true, false
	seen := map[string]bool{}
	var all, here []*cap.Info
	for i := range a.Infos {
		info := &a.Infos[i]
		all = append(all, info)
		hit := len(info.Areas) == 0
		for j := range info.Areas {
			some = true
			x := &info.Areas[j]
			place, hits, known := g.place(x, &room)
			hit, anyHit, allKnown = hit || hits || !known, anyHit || hits, allKnown && known
			// The other languages repeat the outlines.
			if key := outline(place); (hits || p.Covers == CoversCity || !known) && !seen[key] {
				seen[key] = true
				r.places = append(r.places, place)
			}
		}
		if hit {
			here = append(here, info)
		}
	}
	switch {
	case anyHit:
		r.placement = placed
	case p.Covers == CoversCity:
		r.placement = wholeCity
		return all
	case !some || !allKnown:
		r.placement = unplaced
	default:
		r.placement = elsewhere
		return all
	}
	return here
}

func outline(p Place) string {
	var b strings.Builder
	if len(p.Rings) == 0 {
		b.WriteString(p.Name)
	}
	for _, r := range p.Rings {
		for _, at := range r {
			b.Write(appendPoint(nil, at))
		}
		b.WriteByte('/')
	}
	return b.String()
}

func over(i *cap.Info) bool {
	return i.Urgency == "Past" || slices.Contains(i.ResponseTypes, "AllClear")
}

// language is the key under which a text is kept: the two of the house, or another as it stands.
func language(tag string) string {
	low := strings.ToLower(tag)
	switch {
	case low == "" || low == "en" || strings.HasPrefix(low, "en-"): // CAP takes en-US where nothing is said
		return page.English
	case strings.HasPrefix(low, "zh-hant"), low == "zh-tw", low == "zh-hk", low == "zh-mo":
		return tag
	case low == "zh" || strings.HasPrefix(low, "zh-"):
		return page.Chinese
	}
	return tag
}

// levels from none to the highest.
var levels = []string{"", "blue", "yellow", "orange", "red"}

var (
	colourHan  = regexp.MustCompile(`([红橙黄蓝])色`)
	colourWord = regexp.MustCompile(`(?i)\b(red|orange|amber|yellow|blue)\b`)
	headed     = regexp.MustCompile(`([红橙黄蓝])色预警`)
)

// levelOf is the level that an info states: by a parameter or code that names a colour, else by its headline, else by its
// severity.
func levelOf(i *cap.Info) string {
	for _, v := range slices.Concat(i.Parameters, i.EventCodes) {
		if !speaksOfLevel(v.Name) {
			continue
		}
		if c := colour(v.Value); c != "" {
			return c
		}
		if c := painted(v.Value); c != "" {
			return c
		}
		if strings.Contains(strings.ToLower(v.Value), "green") { // MeteoAlarm: nothing to be warned of
			return ""
		}
	}
	if m := headed.FindStringSubmatch(i.Headline); m != nil {
		return colour(m[0])
	}
	return map[string]string{"Extreme": "red", "Severe": "orange", "Moderate": "yellow", "Minor": "blue"}[i.Severity]
}

// speaksOfLevel says whether a parameter's name is that of a level or a colour: any may hold a colour's word ("blue flag beaches").
// Known are awareness_level (MeteoAlarm), AREA_COLOR (the German weather service), 颜色, 预警级别 and colour (our own).
func speaksOfLevel(name string) bool {
	low := strings.ToLower(name)
	for _, word := range []string{"colour", "color", "level", "颜色", "级别", "等级"} {
		if strings.Contains(low, word) {
			return true
		}
	}
	return false
}

func colour(text string) string {
	if m := colourHan.FindStringSubmatch(text); m != nil {
		return map[string]string{"红": "red", "橙": "orange", "黄": "yellow", "蓝": "blue"}[m[1]]
	}
	switch t := strings.TrimSpace(text); t {
	case "红", "橙", "黄", "蓝":
		return colour(t + "色")
	}
	if m := colourWord.FindString(text); m != "" {
		if m = strings.ToLower(m); m == "amber" {
			return "orange"
		}
		return m
	}
	return ""
}

// painted is the colour of a red, green, blue triple such as "251 140 0", by its hue; violet stands above red.
func painted(text string) string {
	var r, g, b float64
	if n, err := fmt.Sscanf(strings.ReplaceAll(text, ",", " "), "%g %g %g", &r, &g, &b); n != 3 || err != nil {
		return ""
	}
	most, least := max(r, g, b), min(r, g, b)
	if most > 255 || least < 0 || most-least < 64 { // grey is no level
		return ""
	}
	var hue float64
	switch d := (most - least) / 60; most {
	case r:
		hue = (g - b) / d
	case g:
		hue = 120 + (b-r)/d
	default:
		hue = 240 + (r-g)/d
	}
	switch {
	case hue < 0 && hue >= -90, hue >= 0 && hue < 20, hue >= 270:
		return "red"
	case hue >= 20 && hue < 45:
		return "orange"
	case hue >= 45 && hue < 70:
		return "yellow"
	case hue >= 190 && hue < 270:
		return "blue"
	}
	return ""
}

var signalled = regexp.MustCompile(`(?:[红橙黄蓝]色)?预警(?:信号)?$`)

// hazardOf is the hazard that an info is about: as the administrator has said of the partner's words, else by the city's own title.
func hazardOf(i *cap.Info, events map[string]string, hazards []Hazard) string {
	said := []string{i.Event}
	for _, c := range i.EventCodes {
		said = append(said, c.Value)
	}
	for _, s := range said {
		best := ""
		for word, id := range events { // of two spellings of one word the same must win every time
			if strings.EqualFold(strings.TrimSpace(word), strings.TrimSpace(s)) && (best == "" || id < best) {
				best = id
			}
		}
		if best != "" {
			return best
		}
	}
	event := strings.TrimSpace(i.Event)
	bare := signalled.ReplaceAllString(event, "")
	for _, h := range hazards {
		for _, title := range []string{h.Title.English, h.Title.Chinese} {
			if title != "" && (strings.EqualFold(title, event) || title == bare) {
				return h.ID
			}
		}
	}
	return ""
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
