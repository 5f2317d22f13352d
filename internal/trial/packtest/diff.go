package packtest

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Diff is what another version of a pack changes.
type Diff struct {
	Old     string      `json:"old"` // folders
	New     string      `json:"new"`
	Stories []StoryDiff `json:"stories"`
}

// StoryDiff is what it changes in one test or one recorded period.
type StoryDiff struct {
	Story  string        `json:"story"` // the test's name, or the recorded period's
	Stay   int           `json:"stay"`  // alerts that are the same in both
	Appear []AlertFacts  `json:"appear"`
	Vanish []AlertFacts  `json:"vanish"`
	Change []AlertChange `json:"change"`

	clock bool // times are told by the calendar
}

// AlertFacts is an alert as it is told of.
type AlertFacts struct {
	Detector string     `json:"detector"`
	Level    string     `json:"level,omitempty"` // the highest that it reached
	Fault    string     `json:"fault,omitempty"` // of the watch: silent, stuck, comms
	Asset    string     `json:"asset"`
	Place    string     `json:"place,omitempty"`
	Since    time.Time  `json:"since"`
	Raised   time.Time  `json:"raised"`
	Reached  time.Time  `json:"reached"` // its highest level
	Cleared  *time.Time `json:"cleared"`
	Because  string     `json:"because"` // that it reached it

	start time.Time
}

// AlertChange is an alert that both versions raise, but not alike.
type AlertChange struct {
	Old     AlertFacts `json:"old"`
	New     AlertFacts `json:"new"`
	Differs []string   `json:"differs"` // level, raised, cleared, text
}

// Same says that nothing changes.
func (d *Diff) Same() bool {
	for _, s := range d.Stories {
		if len(s.Appear)+len(s.Vanish)+len(s.Change) > 0 {
			return false
		}
	}
	return true
}

// Recording is a recorded period to replay; see Recorded.
type Recording struct {
	name  string
	story story
}

// Compare plays the tests of both versions, and recorded periods, under both. A test that stands in both is played as the
// new one has it.
func Compare(old, new *Suite, recorded ...*Recording) *Diff {
	d := &Diff{Old: old.Dir, New: new.Dir, Stories: []StoryDiff{}}
	play := func(name string, s *story, clock bool) {
		x := compare(s, old.alerts(s), new.alerts(s))
		x.Story, x.clock = name, clock
		d.Stories = append(d.Stories, x)
	}
	known := map[string]bool{}
	for _, t := range new.Tests {
		known[t.File+" "+t.Name] = true
		play(t.Name, &t.story, false)
	}
	for _, t := range old.Tests {
		if !known[t.File+" "+t.Name] {
			play(t.Name, &t.story, false)
		}
	}
	for _, r := range recorded {
		play(r.name, &r.story, true)
	}
	return d
}

func (s *Suite) alerts(x *story) []*Alert { return alertsOf(play(s.rules, x)) }

// compare pairs the alerts of both: first those that began with the same reading, then those that overlap in time.
func compare(s *story, old, new []*Alert) StoryDiff {
	d := StoryDiff{Appear: []AlertFacts{}, Vanish: []AlertFacts{}, Change: []AlertChange{}}
	paired := map[*Alert]*Alert{}
	taken := map[*Alert]bool{}
	for _, like := range []func(a, b *Alert) bool{
		func(a, b *Alert) bool { return a.Since == b.Since },
		func(a, b *Alert) bool {
			return (!b.Ended || a.Since <= b.End) && (!a.Ended || b.Since <= a.End)
		},
	} {
		for _, a := range old {
			for _, b := range new {
				if paired[a] == nil && !taken[b] && a.Detector == b.Detector && a.subject == b.subject && like(a, b) {
					paired[a], taken[b] = b, true
				}
			}
		}
	}
	for _, a := range old {
		b := paired[a]
		if b == nil {
			d.Vanish = append(d.Vanish, s.facts(a))
		} else if differs := differ(a, b); differs != nil {
			d.Change = append(d.Change, AlertChange{s.facts(a), s.facts(b), differs})
		} else {
			d.Stay++
		}
	}
	for _, b := range new {
		if !taken[b] {
			d.Appear = append(d.Appear, s.facts(b))
		}
	}
	return d
}

func differ(a, b *Alert) (differs []string) {
	for _, x := range []struct {
		what string
		yes  bool
	}{
		{"level", a.Highest != b.Highest},
		{"raised", a.Raised != b.Raised},
		{"cleared", a.Ended != b.Ended || a.End != b.End},
		{"text", a.Text != b.Text},
	} {
		if x.yes {
			differs = append(differs, x.what)
		}
	}
	return differs
}

func (s *story) facts(a *Alert) AlertFacts {
	f := AlertFacts{Detector: a.Detector, Level: a.Highest, Fault: a.Fault, Asset: a.Asset, Place: a.Place, Since: s.start.Add(a.Since),
		Raised: s.start.Add(a.Raised), Because: a.Text.EN, start: s.start}
	f.Reached = s.start.Add(a.Reached)
	if a.Ended {
		end := s.start.Add(a.End)
		f.Cleared = &end
	}
	return f
}

// WriteJSON writes all of it.
func (d *Diff) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(d)
}

// Write says what changes: + appears, - vanishes, ~ changes.
func (d *Diff) Write(w io.Writer) {
	var stay, appear, vanish, change int
	for _, s := range d.Stories {
		stay, appear, vanish, change = stay+s.Stay, appear+len(s.Appear), vanish+len(s.Vanish), change+len(s.Change)
		if len(s.Appear)+len(s.Vanish)+len(s.Change) == 0 {
			continue
		}
		fmt.Fprintln(w, s.Story)
		for _, a := range s.Vanish {
			fmt.Fprintf(w, "  - %s\n", a.say(s.clock))
		}
		for _, a := range s.Appear {
			fmt.Fprintf(w, "  + %s\n", a.say(s.clock))
		}
		for _, c := range s.Change {
			fmt.Fprintf(w, "  ~ %s\n", c.say(s.clock))
		}
	}
	fmt.Fprintf(w, "%s -> %s, in %d tests and recorded periods: %d alerts appear, %d vanish, %d change, %d stay\n",
		d.Old, d.New, len(d.Stories), appear, vanish, change, stay)
}

func (a *AlertFacts) level() string { return what(a.Level, a.Fault, false) }

func (a *AlertFacts) time(t *time.Time, clock bool) string {
	switch {
	case t == nil:
		return "never"
	case clock:
		return t.Format("2006-01-02 15:04")
	}
	return span(t.Sub(a.start))
}

func (a *AlertFacts) say(clock bool) string {
	then := ""
	if a.Reached.After(a.Raised) {
		then = fmt.Sprintf(", %s %s", a.Level, a.time(&a.Reached, clock))
	}
	return fmt.Sprintf("%s %s at %s, raised %s%s, cleared %s: %s", a.Detector, a.level(), a.Asset, a.time(&a.Raised, clock), then, a.time(a.Cleared, clock), a.Because)
}

func (c *AlertChange) say(clock bool) string {
	var parts []string
	for _, what := range c.Differs {
		from, to := "", ""
		switch what {
		case "level":
			from, to = c.Old.level(), c.New.level()
		case "raised":
			from, to = c.Old.time(&c.Old.Raised, clock), c.New.time(&c.New.Raised, clock)
		case "cleared":
			from, to = c.Old.time(c.Old.Cleared, clock), c.New.time(c.New.Cleared, clock)
		case "text":
			if len(c.Differs) > 1 {
				continue // it follows from the others
			}
			from, to = fmt.Sprintf("%q", c.Old.Because), fmt.Sprintf("%q", c.New.Because)
		}
		parts = append(parts, fmt.Sprintf("%s %s -> %s", what, from, to))
	}
	when := ""
	if c.Old.Raised.Equal(c.New.Raised) {
		when = ", raised " + c.New.time(&c.New.Raised, clock)
	}
	return fmt.Sprintf("%s %s at %s%s: %s", c.New.Detector, c.New.level(), c.New.Asset, when, strings.Join(parts, ", "))
}
