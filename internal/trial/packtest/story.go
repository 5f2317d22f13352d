package packtest

import (
	"cmp"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/trial/notation"
)

// story is what happens in a test, or happened in a recorded period, before anyone judges it.
type story struct {
	start       time.Time
	every       time.Duration // how often the clock is looked at
	end         time.Duration // when the clock stops
	instruments []*instrument
	readings    []reading // in the order in which they arrive
	reports     []report  // in the order in which they are received
}

// words is a name in both languages.
type words struct{ EN, ZH string }

type place struct {
	id    int64
	name  string // its key in the test
	title words
	area  *area
	point *[2]float64 // longitude, latitude
}

type area struct {
	id   int64
	name string
}

type asset struct {
	id           int64
	name         string // its key in the test
	title        words
	kind         string // "gas/kitchen-alarm"
	place        *place
	organisation int64
	point        *[2]float64
	feeds        []*asset
}

// instrument is one datastream.
type instrument struct {
	id       int64
	name     string // "kitchen-alarm/methane"
	asset    *asset
	property string // "gas/methane"
	unit     string
	limits   []float64       // lowest and highest value that counts; nil where the pack says none
	steps    []notation.Step // one each `every`; nil in a recorded period
}

// reading is one reading. Times count from the start of the story.
type reading struct {
	of          *instrument
	at, arrives time.Duration
	value       float64
}

type report struct {
	at       time.Duration
	category string // "gas/gas-smell"
	place    *place
	text     string
}

// arrange puts all into the order in which it comes.
func (s *story) arrange() {
	slices.SortStableFunc(s.readings, func(a, b reading) int {
		return cmp.Or(cmp.Compare(a.arrives, b.arrives), cmp.Compare(a.at, b.at))
	})
	slices.SortStableFunc(s.reports, func(a, b report) int { return cmp.Compare(a.at, b.at) })
}

// silentWithin says whether one of the instruments left out a reading in a span of time.
func (s *story) silentWithin(names []string, from, to time.Duration) bool {
	for _, in := range s.instruments {
		if !slices.Contains(names, in.name) {
			continue
		}
		for i, step := range in.steps {
			if at := time.Duration(i) * s.every; step.Missing && at >= from && at <= to {
				return true
			}
		}
	}
	return false
}
