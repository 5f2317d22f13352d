package verify

import (
	"cmp"
	"maps"
	"slices"
)

// Outcome is what a person has found an alert to be.
type Outcome string

// The outcomes. An alert that nobody has judged yet is Unverified.
const (
	Unverified Outcome = ""
	Real       Outcome = "real"
	False      Outcome = "false"
	Unclear    Outcome = "unclear"
	Drill      Outcome = "drill"
)

// weight orders outcomes where alerts of one case were judged differently: what was once found to be real was real.
func (o Outcome) weight() int {
	return slices.Index([]Outcome{Unverified, False, Unclear, Drill, Real}, o)
}

// Verified is an alert with what people found.
type Verified struct {
	Detector string
	Hazard   string // the kind of case that the detector opens
	Case     int64  // alerts of one case are one alarm; 0: of none
	Raised   int64
	Outcome  Outcome
	Onset    int64 // when harm began or would have begun, as judged; 0 where nobody knows
}

// Missed is an event that came to light in another way, before any alert: a case of that hazard without one.
type Missed struct {
	Hazard    string
	Detectors []string // that watch there and should have spoken
	At        int64
}

// LiveFigures are what is known of one detector, or of all detectors of one hazard, in a time.
type LiveFigures struct {
	Name       string `json:"name"`
	Alarms     int    `json:"alarms" doc:"alerts of one case count once"`
	Real       int    `json:"real"`
	False      int    `json:"false"`
	Unclear    int    `json:"unclear"`
	Drill      int    `json:"drill"`
	Unverified int    `json:"unverified"`
	Missed     int    `json:"missed"`

	// Verified is the share of the alarms with a judgement. Where it is low, the figures below speak for the judged ones only.
	Verified    Score    `json:"verified"`
	POD         Score    `json:"pod"`
	PODInterval Interval `json:"pod_95"`
	FAR         Score    `json:"far"`
	FARInterval Interval `json:"far_95"`
	CSI         Score    `json:"csi"`
	Bias        Score    `json:"bias"`

	Lead LeadTimes `json:"lead" doc:"of the real alarms whose onset is known"`
}

// Live computes the figures of each detector and of each hazard from what was raised, and what was missed, at or after from
// and before to. Drills and unclear ones count for nothing. Nothing is known of quiet hours, so there is no POFD.
//
// POD rests on what came to light: an event that nobody ever heard of is missing from it, as everywhere.
func Live(alerts []Verified, missed []Missed, from, to int64) (detectors, hazards []LiveFigures) {
	within := func(at int64) bool { return at >= from && at < to }
	byDetector, byHazard := tally{}, tally{}
	for _, a := range alerts {
		if !within(a.Raised) {
			continue
		}
		byDetector.alert(a.Detector, a)
		if a.Hazard != "" {
			byHazard.alert(a.Hazard, a)
		}
	}
	for _, m := range missed {
		if !within(m.At) {
			continue
		}
		for _, d := range m.Detectors {
			byDetector.of(d).missed++
		}
		if m.Hazard != "" {
			byHazard.of(m.Hazard).missed++
		}
	}
	return byDetector.figures(), byHazard.figures()
}

// Nothing are the figures of what has raised and missed nothing: all scores are undefined.
func Nothing(name string) LiveFigures { return new(alarms).figures(name) }

// tally gathers alarms by name.
type tally map[string]*alarms

type alarms struct {
	cases  map[int64]Verified // the earliest of each case, with the weightiest outcome
	single []Verified
	missed int
}

func (t tally) of(name string) *alarms {
	if t[name] == nil {
		t[name] = &alarms{cases: map[int64]Verified{}}
	}
	return t[name]
}

func (t tally) alert(name string, a Verified) {
	x := t.of(name)
	if a.Case == 0 {
		x.single = append(x.single, a)
		return
	}
	old, ok := x.cases[a.Case]
	if !ok {
		x.cases[a.Case] = a
		return
	}
	old.Raised = min(old.Raised, a.Raised)
	if old.Onset == 0 || a.Onset != 0 && a.Onset < old.Onset {
		old.Onset = a.Onset
	}
	if a.Outcome.weight() > old.Outcome.weight() {
		old.Outcome = a.Outcome
	}
	x.cases[a.Case] = old
}

func (t tally) figures() []LiveFigures {
	out := make([]LiveFigures, 0, len(t))
	for name, x := range t {
		out = append(out, x.figures(name))
	}
	slices.SortFunc(out, func(a, b LiveFigures) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func (x *alarms) figures(name string) LiveFigures {
	f := LiveFigures{Name: name, Missed: x.missed}
	var leads []int64
	for _, a := range slices.AppendSeq(slices.Clone(x.single), maps.Values(x.cases)) {
		f.Alarms++
		switch a.Outcome {
		case Real:
			f.Real++
			if a.Onset != 0 {
				leads = append(leads, a.Onset-a.Raised)
			}
		case False:
			f.False++
		case Unclear:
			f.Unclear++
		case Drill:
			f.Drill++
		default:
			f.Unverified++
		}
	}
	t := Table{Hits: f.Real, Misses: f.Missed, FalseAlarms: f.False}
	s := t.Scores()
	f.Verified = ratio(f.Alarms-f.Unverified, f.Alarms)
	f.POD, f.PODInterval, f.FAR, f.FARInterval, f.CSI, f.Bias = s.POD, s.PODInterval, s.FAR, s.FARInterval, s.CSI, s.Bias
	slices.Sort(leads)
	f.Lead = LeadTimesOf(leads)
	return f
}
