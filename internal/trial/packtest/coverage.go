package packtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/pack"
)

// Coverage says which levels the tests leave open. Of each level of each detector there must be a test in which
//
//   - the level is raised,
//   - it is just not raised (ease.go says what that is),
//   - an alert that had been raised to it ends,
//   - a reading is missing while such an alert builds up or stands;
//
// and of each detector with silent_after one in which an instrument falls silent, with stuck one in which a value is. All of it is read from what happened when
// the tests ran, and not from what they are called.
//
// The gaps come as warnings that point at the level in the rules.
func (s *Suite) Coverage(results []*Result) (pack.Diagnostics, error) {
	near, err := s.near(results)
	if err != nil {
		return nil, err
	}
	seen := map[seenKey]bool{}
	for _, r := range results {
		s.see(r, seen)
	}
	var ds pack.Diagnostics
	for _, rule := range s.written {
		id := rule.ID.Value
		named := slices.ContainsFunc(s.Tests, func(t *Test) bool {
			return slices.ContainsFunc(t.Expect, func(e Expectation) bool { return e.Detector == id })
		})
		if !named {
			ds.Warn(rule.ID.Pos, pack.CodeUntested, "no test expects anything of %s", id)
			continue
		}
		for _, l := range rule.Levels {
			level := l.Key.Value
			for _, kind := range []string{raises, ends, lacks} {
				if !seen[seenKey{id, level, kind}] {
					ds.Warn(l.Key.Pos, pack.CodeUncovered, "level %s of %s has no test %s", level, id, kind)
				}
			}
			if !near[seenKey{id, level, below}] {
				ds.Warn(l.Key.Pos, pack.CodeUncovered, "level %s of %s has no test %s: one %s", level, id, below, justNot)
			}
		}
		if at := rule.silentAt(); !at.IsZero() && !seen[seenKey{id, "", silences}] {
			ds.Warn(at, pack.CodeUncovered, "%s has no test %s", id, silences)
		}
		if at := rule.stuckAt(); !at.IsZero() && !seen[seenKey{id, "", sticks}] {
			ds.Warn(at, pack.CodeUncovered, "%s has no test %s", id, sticks)
		}
	}
	return ds.Sorted(), nil
}

// What a level must be tested for.
const (
	raises   = "that raises it"
	below    = "just below it"
	justNot  = "in which a limit is missed by at most 5 %, or its time by one reading"
	ends     = "in which it clears"
	lacks    = "with a reading missing while it builds up or stands"
	silences = "in which an instrument falls silent"
	sticks   = "in which an instrument's value is stuck"
)

type seenKey struct{ detector, level, kind string }

// see notes what happened in a test.
func (s *Suite) see(r *Result, seen map[seenKey]bool) {
	for _, a := range alertsOf(r.Steps) {
		id := s.short(a.Detector)
		if a.Fault != "" {
			seen[seenKey{id, "", map[string]string{silent: silences, stuck: sticks, comms: silences}[a.Fault]}] = true
			continue
		}
		// A reading that is missing before the first one that counted delays what would have begun earlier.
		until := r.Test.story.end
		if a.Ended {
			until = a.End
		}
		missing := r.Test.story.silentWithin(a.Watched, a.Since-r.Test.story.every, until)
		for _, level := range a.Levels {
			seen[seenKey{id, level, raises}] = true
			if a.Ended {
				seen[seenKey{id, level, ends}] = true
			}
			if missing {
				seen[seenKey{id, level, lacks}] = true
			}
		}
	}
}

// near notes which levels the tests came near to without reaching them. Where all levels are easier at a time, a rule may
// jump over one of them to the next; so those that are still open are tried by themselves as well.
func (s *Suite) near(results []*Result) (map[seenKey]bool, error) {
	near := map[seenKey]bool{}
	if len(s.written) == 0 {
		return near, nil
	}
	if err := s.nearAt("", results, near); err != nil {
		return nil, err
	}
	for _, level := range levelNames {
		open := slices.ContainsFunc(s.written, func(r ruleDoc) bool {
			return r.level(level) && len(r.Levels) > 1 && !near[seenKey{r.ID.Value, level, below}]
		})
		if !open {
			continue
		}
		if err := s.nearAt(level, results, near); err != nil {
			return nil, err
		}
	}
	return near, nil
}

// nearAt is near with one level easier, all where it is "".
func (s *Suite) nearAt(level string, results []*Result, near map[seenKey]bool) error {
	easier, err := s.easier(level)
	if err != nil {
		return fmt.Errorf("%s with nearer limits: %w", s.Dir, err)
	}
	sooner := map[time.Duration]rules{}
	for _, r := range results {
		every := r.Test.story.every
		if sooner[every] == nil {
			if sooner[every], err = s.sooner(every, level); err != nil {
				return fmt.Errorf("%s with shorter delays: %w", s.Dir, err)
			}
		}
		was := reached(r.Steps)
		for _, rs := range []rules{easier, sooner[every]} {
			for key := range reached(play(rs, &r.Test.story)) {
				if !was[key] && (level == "" || level == key.level) {
					near[seenKey{s.short(key.detector), key.level, below}] = true
				}
			}
		}
	}
	return nil
}

type reachedKey struct{ detector, subject, level string }

// reached are the levels that each detector raised for each instrument or place.
func reached(steps []Step) map[reachedKey]bool {
	all := map[reachedKey]bool{}
	for _, st := range steps {
		if st.Level != "" && !st.Down {
			all[reachedKey{st.Detector, st.subject, st.Level}] = true
		}
	}
	return all
}

// Alert is an alert from its first step to its last.
type Alert struct {
	Detector string // in full
	Fault    string // of the watch: silent, stuck, comms; "" for a hazard
	Since    time.Duration
	Raised   time.Duration
	Highest  string        // level; "" of a fault
	Reached  time.Duration // when it reached that
	Levels   []string      // that it was raised to, in that order
	Ended    bool
	End      time.Duration
	Series   string
	Asset    string
	Place    string
	Watched  []string
	Text     words // of the step that reached it

	subject string
}

// alertsOf puts steps together to alerts, in the order in which these were raised.
func alertsOf(steps []Step) []*Alert {
	type key struct{ detector, subject string }
	var all []*Alert
	standing := map[key]*Alert{}
	for _, st := range steps {
		k := key{st.Detector, st.subject}
		a := standing[k]
		if a == nil {
			if st.Cleared {
				continue // its beginning was not seen
			}
			a = &Alert{Detector: st.Detector, Fault: st.Fault, Since: st.Since, Raised: st.At, Series: st.Series,
				Asset: st.Asset, Place: st.Place, subject: st.subject}
			a.Text, a.Reached = st.Text, st.At
			standing[k] = a
			all = append(all, a)
		}
		if st.Cleared {
			a.Ended, a.End = true, st.At
			delete(standing, k)
			continue
		}
		a.Watched = st.Watched
		if st.Level != "" && !st.Down && !slices.Contains(a.Levels, st.Level) {
			a.Levels = append(a.Levels, st.Level)
		}
		if slices.Index(levelNames, st.Level) > slices.Index(levelNames, a.Highest) {
			a.Highest, a.Reached, a.Text = st.Level, st.At, st.Text
		}
	}
	return all
}

// levelNames are the levels, lowest first.
var levelNames = []string{"blue", "yellow", "orange", "red"}
