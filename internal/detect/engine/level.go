package engine

import (
	"fmt"
	"slices"
	"strings"
)

// Level is the scale of alerts. It is not the scale of warnings, though both use the four colours.
type Level int8

// The levels, lowest first. None is the level of an alert about the watch itself, such as a sensor that fell silent.
const (
	None Level = iota
	Blue
	Yellow
	Orange
	Red
)

var levelNames = []string{"none", "blue", "yellow", "orange", "red"}

var levelWords = []Wording{
	{"none", "无"}, {"blue", "蓝色"}, {"yellow", "黄色"}, {"orange", "橙色"}, {"red", "红色"},
}

// Levels are the names of the levels that a rule may raise.
var Levels = levelNames[1:]

// String is the level's name in files, in the API and in SQL's place.
func (l Level) String() string { return levelNames[l] }

// MarshalText is String.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText takes what MarshalText gives.
func (l *Level) UnmarshalText(b []byte) (err error) {
	*l, err = ParseLevel(string(b))
	return err
}

// ParseLevel is the level with that name.
func ParseLevel(s string) (Level, error) {
	if i := slices.Index(levelNames, s); i >= 0 {
		return Level(i), nil
	}
	return None, fmt.Errorf("unknown level %q; there are %s", s, strings.Join(Levels, ", "))
}
