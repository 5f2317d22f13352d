package hazard

import (
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/platform/page"
)

// Level is the colour of a warning. Red is the highest (一级).
type Level string

// The levels, highest first.
const (
	Red    Level = "red"
	Orange Level = "orange"
	Yellow Level = "yellow"
	Blue   Level = "blue"
)

// levels is the order in which warnings are listed.
var levels = [...]Level{Red, Orange, Yellow, Blue}

// Levels are all four, the highest first.
func Levels() []Level { return levels[:] }

// Valid says whether the level is one of the four.
func (l Level) Valid() bool { return slices.Contains(levels[:], l) }

// Rank orders the levels: blue is 1, red 4; what is no level is 0, below all.
func (l Level) Rank() int {
	if i := slices.Index(levels[:], l); i >= 0 {
		return len(levels) - i
	}
	return 0
}

// Words are the level's name for people.
func (l Level) Words() page.Text {
	return page.Text{English: string(l), Chinese: map[Level]string{Red: "红色", Orange: "橙色", Yellow: "黄色", Blue: "蓝色"}[l]}
}

// Scale is what a level means in CAP's words. Severity is fixed by the level;
// urgency and certainty depend on whether the danger is there already, and an
// officer may say otherwise.
type Scale struct {
	Severity             string
	Urgency, Certainty   string // when the onset has come
	AheadOf, AheadOfSure string // urgency and certainty while it is still to come
}

// scales is the one table of colours and CAP values; the colour itself travels
// in a parameter, since it is not the same thing as CAP's severity.
//
// The four grades are those of 突发事件应对法 (2007, article 42; the revision of 2024 renumbers it): 一级 to 四级, red, orange, yellow,
// blue. They are laid on the severities of CAP 1.2 (Extreme, Severe, Moderate, Minor) in their order; MeteoAlarm does the same with its
// three colours. Neither text says what urgency and certainty a colour has: these are working values, chosen so that a red warning
// of a danger that is there reads Immediate and Observed, and none that is still to come claims to be observed.
var scales = map[Level]Scale{
	Red:    {"Extreme", "Immediate", "Observed", "Expected", "Likely"},
	Orange: {"Severe", "Expected", "Likely", "Expected", "Likely"},
	Yellow: {"Moderate", "Expected", "Likely", "Future", "Possible"},
	Blue:   {"Minor", "Future", "Possible", "Future", "Possible"},
}

// Words are CAP's three words for a warning of the level that begins at onset and is sent at sent.
func Words(l Level, onset, sent time.Time) (urgency, severity, certainty string) {
	s := scales[l]
	if onset.After(sent) {
		return s.AheadOf, s.Severity, s.AheadOfSure
	}
	return s.Urgency, s.Severity, s.Certainty
}
