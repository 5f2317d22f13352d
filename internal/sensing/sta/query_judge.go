package sta

import (
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// judge decides for each reading whether what is left of a filter keeps it. What the filter asks of the datastream and the
// feature it works out once for both, and asks of each reading only what remains.
type judge struct {
	v    *view
	rest odata.Expr // nil keeps all

	started bool
	whole   *odata.Program
	reduced map[subject]verdict // nil where the filter asks nothing of datastream and feature
	last    subject
	now     verdict // of last

	seen readingEntity // one for all, so that judging allocates nothing
}

// subject is what a reading is about.
type subject struct{ datastream, feature int64 }

// verdict is what remains of a filter for a subject.
type verdict struct {
	all, none bool
	program   *odata.Program
}

func (j *judge) keeps(s *sensing.Stored) (bool, error) {
	if j.rest == nil {
		return true, nil
	}
	if !j.started {
		j.start()
	}
	j.seen = readingEntity{j.v, s}
	if j.reduced == nil {
		return j.whole.Match(&j.seen)
	}
	about := subject{s.Datastream, s.Feature}
	if about != j.last {
		known, ok := j.reduced[about]
		if !ok {
			var err error
			if known, err = j.reduce(s); err != nil {
				return false, err
			}
			j.reduced[about] = known
		}
		j.last, j.now = about, known
	}
	if j.now.all || j.now.none {
		return j.now.all, nil
	}
	return j.now.program.Match(&j.seen)
}

func (j *judge) start() {
	j.started = true
	j.whole = odata.Compile(j.rest, j.v.now)
	if slices.ContainsFunc(odata.Touches(j.rest), func(way string) bool { return way != "" }) {
		j.reduced = map[subject]verdict{}
	}
}

// reduce settles what the filter asks of a reading's datastream and feature.
func (j *judge) reduce(s *sensing.Stored) (verdict, error) {
	var failed error
	rest := odata.Reduce(j.rest, func(e odata.Expr) (odata.Value, bool) {
		ways := odata.Touches(e)
		if len(ways) == 0 || slices.ContainsFunc(ways, ofReading) || failed != nil {
			return odata.Null(), false
		}
		v, err := odata.Compile(e, j.v.now).Value(&readingEntity{j.v, s})
		if err != nil {
			failed = err
		}
		return v, err == nil
	})
	if failed != nil {
		return verdict{}, failed
	}
	if l, ok := rest.(*odata.Literal); ok {
		yes, _ := l.Value.Bool()
		return verdict{all: yes, none: !yes}, nil
	}
	return verdict{program: odata.Compile(rest, j.v.now)}, nil
}

// ofReading tells whether a way ends at the Observation itself.
func ofReading(way string) bool {
	first, _, _ := strings.Cut(way, "/")
	return first != "Datastream" && first != "FeatureOfInterest"
}
