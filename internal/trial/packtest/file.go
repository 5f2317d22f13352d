package packtest

import (
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/trial/casetest"
)

// Declaration is what a file of tests may hold.
func Declaration() pack.Declaration {
	return pack.Declaration{File: pack.Tests, Title: "Tests of the detectors, what instruments say and which alerts come of it; and of the kinds of case, what people do and what comes of that", Of: []testDoc{}}
}

// A test as it stands in the file.
type testDoc struct {
	Name    pack.String           `yaml:"name" pack:"required" doc:"what the test shows, as a sentence"`
	Every   pack.Duration         `yaml:"every" pack:"above 0s" default:"1m" doc:"time from one reading of a series to the next"`
	Start   pack.String           `yaml:"start" default:"2026-01-05T00:00:00+08:00" doc:"local time of the first reading, with its offset; a Monday where it is left out"`
	Until   pack.Duration         `yaml:"until" doc:"how long the test lasts; left out: until its last reading, report or expectation"`
	Places  pack.Map[placeDoc]    `yaml:"places" doc:"where assets stand; a place that is left out is known by its name alone"`
	Assets  pack.Map[assetDoc]    `yaml:"assets" doc:"what carries the instruments; one that is called by its kind, such as kitchen-alarm or kitchen-alarm-2, may be left out"`
	Series  pack.Map[pack.Phrase] `yaml:"series" doc:"what an instrument says, under asset/property, such as kitchen-alarm/methane: 0x10 2+1x20 _x3 stale"`
	Late    []lateDoc             `yaml:"late" doc:"readings of the series that arrive later than they were taken"`
	Reports []reportDoc           `yaml:"reports" doc:"what people report"`
	Expect  *[]expectDoc          `yaml:"expect" doc:"all that becomes of it, in any order; [] for nothing at all"`
	casetest.Doc
	Pos pack.Pos `pack:"exactly one of expect steps"`
}

type placeDoc struct {
	Title pack.Text     `yaml:"title" doc:"the place's name in texts; left out: its key"`
	Point []pack.Number `yaml:"point" pack:"exactly 2 items" doc:"[longitude, latitude]"`
	Area  pack.String   `yaml:"area" doc:"the area that the place lies in"`
	Pos   pack.Pos
}

type assetDoc struct {
	Kind         pack.String   `yaml:"kind" doc:"a kind of asset; left out where the asset is called by it"`
	Title        pack.Text     `yaml:"title" doc:"the asset's name in texts; left out: its key"`
	Place        pack.String   `yaml:"place" doc:"where it stands; left out: at a place of its own, called as itself"`
	Organisation pack.String   `yaml:"organisation" doc:"who holds it"`
	Point        []pack.Number `yaml:"point" pack:"exactly 2 items" doc:"[longitude, latitude]; left out: that of its place"`
	Feeds        pack.Names    `yaml:"feeds" doc:"the assets that lie downstream of it"`
	Pos          pack.Pos
}

type lateDoc struct {
	Series  pack.String   `yaml:"series" pack:"required" doc:"asset/property"`
	At      pack.Duration `yaml:"at" pack:"required" doc:"when the reading was taken"`
	Arrives pack.Duration `yaml:"arrives" pack:"required" doc:"when it arrives"`
	Pos     pack.Pos
}

type reportDoc struct {
	At       pack.Duration `yaml:"at" pack:"required" doc:"when it is received"`
	Category pack.String   `yaml:"category" pack:"required" doc:"a category of reports that is about places"`
	Place    pack.String   `yaml:"place" pack:"required" doc:"where it is; the place needs a point"`
	Text     pack.String   `yaml:"text" doc:"what was said"`
	Pos      pack.Pos
}

// An expectation: one step of one alert.
type expectDoc struct {
	Detector pack.String     `yaml:"detector" pack:"required" doc:"whose alert"`
	At       pack.Duration   `yaml:"at" doc:"exactly when, from the start of the test"`
	Within   []pack.Duration `yaml:"within" pack:"exactly 2 items" doc:"[from, to]: when at the earliest and at the latest"`
	By       pack.Duration   `yaml:"by" doc:"when at the latest"`
	Level    pack.String     `yaml:"level" pack:"one of blue yellow orange red" doc:"the level that is reached, upward or downward"`
	Cleared  bool            `yaml:"cleared" pack:"one of true" doc:"true: the alert ends"`
	Silent   bool            `yaml:"silent" pack:"one of true" doc:"true: an instrument of the detector has fallen silent; with cleared: is heard again"`
	Stuck    bool            `yaml:"stuck" pack:"one of true" doc:"true: the value of an instrument of the detector does not move; with cleared: moves again"`
	Comms    bool            `yaml:"comms" pack:"one of true" doc:"true: the link to many instruments of one organisation is lost at once; with cleared: all are heard again"`
	Asset    pack.String     `yaml:"asset" doc:"where"`
	Place    pack.String     `yaml:"place" doc:"where"`
	Area     pack.String     `yaml:"area" doc:"where"`
	Text     *textDoc        `yaml:"text" doc:"words that the alert's reason has in it"`
	Opens    pack.String     `yaml:"opens" doc:"the kind of case that the step opens"`
	Pos      pack.Pos        `pack:"exactly one of at within by, at least one of level cleared silent stuck comms, at most one of level cleared, at most one of level silent stuck comms"`
}

type textDoc struct {
	EN  pack.String `yaml:"en" doc:"in English"`
	ZH  pack.String `yaml:"zh-CN" doc:"in Chinese"`
	Pos pack.Pos    `pack:"at least one of en zh-CN"`
}
