package hazard

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/platform/page"
)

// The blanks that a text may have.
const (
	BlankLevel   = "level"   // orange · 橙色
	BlankArea    = "area"    // for where it holds
	BlankPlace   = "place"   // where the alert is
	BlankAsset   = "asset"   // what it is about
	BlankBecause = "because" // what the alert says of itself
	BlankFrom    = "from"    // when the danger begins
	BlankUntil   = "until"   // when the warning ends
)

var blanks = [...]string{BlankLevel, BlankArea, BlankPlace, BlankAsset, BlankBecause, BlankFrom, BlankUntil}

var (
	blank  = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)
	braces = regexp.MustCompile(`\{\{|\}\}`)
)

// Text is a text of a pack, with blanks.
type Text struct {
	ID          string        `json:"id"`
	Title       page.Text     `json:"title"`
	Levels      []Level       `json:"levels" doc:"the levels that it is written for"`
	Lasts       time.Duration `json:"-"` // for how long such a warning is issued, unless LastsAt says otherwise
	LastsAt     map[Level]time.Duration
	Headline    page.Text `json:"headline"`
	Description page.Text `json:"description"`
	Instruction page.Text `json:"instruction"` // empty: the hazard's
}

// For says whether the text is written for a level.
func (t Text) For(l Level) bool { return slices.Contains(t.Levels, l) }

// Duration is for how long a warning of the level is issued with this text.
func (t Text) Duration(l Level) time.Duration {
	if d := t.LastsAt[l]; d > 0 {
		return d
	}
	return t.Lasts
}

// Values are what blanks are filled with. What is empty stays blank.
type Values struct {
	Level                 Level
	Areas                 []page.Text
	Place, Asset, Because page.Text
	From, Until           time.Time // in the zone of the city
	Fewer                 int       // how many fewer areas than usual are named, the others being counted
}

// ManyAreas is how many areas a text names; the message itself has all of them.
const ManyAreas = 3

// Fill fills the blanks of a text in both languages. A blank for which there is no value is left as it is, so that nobody can
// overlook it; missing names it.
func (v Values) Fill(t page.Text) (filled page.Text, missing []string) {
	in := func(lang string, s string) string {
		return blank.ReplaceAllStringFunc(s, func(b string) string {
			name := blank.FindStringSubmatch(b)[1]
			if text := v.value(name, lang); text != "" {
				return text
			}
			if !slices.Contains(missing, name) {
				missing = append(missing, name)
			}
			return b
		})
	}
	return page.Text{English: upper(in(page.English, t.English)), Chinese: in(page.Chinese, t.Chinese)}, missing
}

// Unfilled is the first blank that is left in a text, "" when none is.
func Unfilled(s string) string {
	if b := blank.FindString(s); b != "" {
		return b
	}
	return braces.FindString(s)
}

func (v Values) value(name, lang string) string {
	switch name {
	case BlankLevel:
		return v.Level.Words().In(lang)
	case BlankArea:
		return areas(v.Areas, ManyAreas-v.Fewer, lang)
	case BlankPlace:
		return v.Place.In(lang)
	case BlankAsset:
		return v.Asset.In(lang)
	case BlankBecause:
		return v.Because.In(lang)
	case BlankFrom:
		return moment(v.From, lang)
	case BlankUntil:
		return moment(v.Until, lang)
	}
	return ""
}

// areas is "Harbour, Old Quay and Hills", or 港区、老码头镇、山区; beyond most it counts them.
func areas(names []page.Text, most int, lang string) string {
	shown := names[:min(len(names), max(0, most))]
	var texts []string
	for _, n := range shown {
		texts = append(texts, n.In(lang))
	}
	rest := len(names) - len(shown)
	switch {
	case rest == 0, len(shown) > 0:
	case lang == page.Chinese:
		return fmt.Sprintf("%d个区域", rest)
	case rest == 1:
		return "one area"
	default:
		return fmt.Sprintf("%d areas", rest)
	}
	if lang == page.Chinese {
		s := strings.Join(texts, "、")
		if rest > 0 {
			s += fmt.Sprintf("等%d个区域", len(names))
		}
		return s
	}
	if rest == 1 {
		return strings.Join(texts, ", ") + " and one more area"
	}
	if rest > 0 {
		return fmt.Sprintf("%s and %d more areas", strings.Join(texts, ", "), rest)
	}
	if last := len(texts) - 1; last > 0 {
		return strings.Join(texts[:last], ", ") + " and " + texts[last]
	}
	return strings.Join(texts, "")
}

// moment is "16:30 on 23 November", or 11月23日16时30分.
func moment(t time.Time, lang string) string {
	switch {
	case t.IsZero():
		return ""
	case lang == page.Chinese && t.Minute() == 0:
		return t.Format("1月2日15时")
	case lang == page.Chinese:
		return t.Format("1月2日15时04分")
	}
	return t.Format("15:04 on 2 January")
}

// upper begins a text with a capital: a blank may stand at its beginning.
func upper(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
