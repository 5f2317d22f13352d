package skill

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Verdicts on a warning.
const (
	Happened   = "happened"
	Partly     = "partly"
	DidNot     = "did-not"
	CannotTell = "cannot-tell"
)

// levels, highest first.
var levels = []string{"red", "orange", "yellow", "blue"}

// rank is how high a level is; -1 for none.
func rank(level string) int {
	i := slices.Index(levels, level)
	if i < 0 {
		return -1
	}
	return len(levels) - 1 - i
}

// Step is a message that set or kept a warning's level.
type Step struct {
	At    time.Time
	Level string
}

// Row is a warning, or a danger that came without one, as it is counted.
type Row struct {
	Warning int64 // 0: missed
	Missed  int64
	Hazard  string
	Public  bool
	Steps   []Step // of a warning, oldest first; the first issue is one
	Level   string // of what was missed
	Ended   time.Time
	Verdict string // empty: waits
	Began   time.Time
}

// top is the highest level that a warning had, or the level of what was missed. A warning counts once, by it: it is what people were
// asked to be ready for.
func (r Row) top() string {
	if r.Warning == 0 {
		return r.Level
	}
	best := ""
	for _, s := range r.Steps {
		if rank(s.Level) > rank(best) || best == "" {
			best = s.Level
		}
	}
	return best
}

// lead is how long before the danger began the warning was first out at its highest level; negative when it came late.
func (r Row) lead() (time.Duration, bool) {
	if r.Began.IsZero() || r.Verdict != Happened && r.Verdict != Partly {
		return 0, false
	}
	top := rank(r.top())
	for _, s := range r.Steps {
		if rank(s.Level) >= top {
			return r.Began.Sub(s.At), true
		}
	}
	return 0, false
}

// The names of the counts, by which the rows behind them are asked for.
const (
	CountIssued  = "issued"
	CountJudged  = "judged"
	CountWaiting = "waiting"
	CountHits    = "hits"
	CountPartly  = "partly"
	CountFalse   = "false"
	CountUnclear = "cannot-tell"
	CountMissed  = "missed"
	CountLead    = "lead"
	CountLate    = "late"
)

// Counts are the names of all counts.
func Counts() []string {
	return []string{CountIssued, CountJudged, CountWaiting, CountHits, CountPartly, CountFalse, CountUnclear, CountMissed, CountLead, CountLate}
}

// counts says whether the row stands behind a count.
func (r Row) counts(figure string) bool {
	warning := r.Warning != 0
	lead, led := r.lead()
	switch figure {
	case CountIssued:
		return warning
	case CountJudged:
		return warning && r.Verdict != ""
	case CountWaiting:
		return warning && r.Verdict == ""
	case CountHits: // what happened in part counts as a hit: the danger came
		return warning && (r.Verdict == Happened || r.Verdict == Partly)
	case CountPartly:
		return warning && r.Verdict == Partly
	case CountFalse:
		return warning && r.Verdict == DidNot
	case CountUnclear:
		return warning && r.Verdict == CannotTell
	case CountMissed:
		return !warning
	case CountLead:
		return warning && led
	case CountLate:
		return warning && led && lead <= 0
	}
	return false
}

// Ratio is a share with what it was counted from. Value is null where that is nothing.
type Ratio struct {
	Value *float64 `json:"value"`
	Of    int      `json:"of" doc:"the denominator"`
}

func ratio(n, of int) Ratio {
	if of == 0 {
		return Ratio{}
	}
	v := float64(n) / float64(of)
	return Ratio{&v, of}
}

// Figures are those of one hazard and level; either is empty for all of them together.
type Figures struct {
	Hazard  string `json:"hazard" doc:"empty: all"`
	Level   string `json:"level" doc:"the highest that a warning had; empty: all"`
	Issued  int    `json:"issued" doc:"warnings that ended in the time"`
	Judged  int    `json:"judged"`
	Waiting int    `json:"waiting" doc:"ended, without a verdict"`
	Hits    int    `json:"hits" doc:"what was warned of happened, in part included"`
	Partly  int    `json:"partly" doc:"of the hits, those where it happened in part"`
	False   int    `json:"false" doc:"it did not happen"`
	Unclear int    `json:"cannot_tell" doc:"nobody can tell; in no ratio"`
	Missed  int    `json:"missed" doc:"dangers that came without a warning of their level"`

	POD Ratio `json:"pod" doc:"probability of detection: hits of hits and missed"`
	FAR Ratio `json:"far" doc:"false alarm ratio: false of hits and false"`
	CSI Ratio `json:"csi" doc:"critical success index: hits of hits, false and missed"`

	Lead Lead `json:"lead"`
}

// Lead is how long before the danger the warning was out.
type Lead struct {
	N      int      `json:"n" doc:"hits with a time at which the danger began"`
	Late   int      `json:"late" doc:"of these, those that came when it had begun, or just then"`
	Median *float64 `json:"median_minutes" doc:"negative when late; null without any"`
	Tenth  *float64 `json:"tenth_minutes" doc:"nine of ten had at least as long"`
}

// figures counts rows. The formulas are those of the 2x2 table of WMO-No. 1023 (Guidelines on Performance Assessment of Public Weather
// Services) and of the WWRP/WGNE Joint Working Group on Forecast Verification Research, "Forecast Verification: methods and FAQ":
//
//	POD = hits/(hits+misses)
//	FAR = false alarms/(hits+false alarms), the ratio, not the rate (POFD), which needs correct negatives that warnings don't have
//	CSI = hits/(hits+misses+false alarms), the threat score
//
// A warning that nobody could judge, or that waits, is in none of them.
func figures(hazard, level string, rows []Row) Figures {
	f := Figures{Hazard: hazard, Level: level}
	var leads []float64
	for _, r := range rows {
		if hazard != "" && r.Hazard != hazard || level != "" && r.top() != level {
			continue
		}
		for figure, n := range map[string]*int{CountIssued: &f.Issued, CountJudged: &f.Judged, CountWaiting: &f.Waiting, CountHits: &f.Hits, CountPartly: &f.Partly,
			CountFalse: &f.False, CountUnclear: &f.Unclear, CountMissed: &f.Missed, CountLead: &f.Lead.N, CountLate: &f.Lead.Late} {
			if r.counts(figure) {
				*n++
			}
		}
		if d, ok := r.lead(); ok {
			leads = append(leads, d.Minutes())
		}
	}
	f.POD, f.FAR, f.CSI = ratio(f.Hits, f.Hits+f.Missed), ratio(f.False, f.Hits+f.False), ratio(f.Hits, f.Hits+f.Missed+f.False)
	if len(leads) > 0 {
		slices.Sort(leads)
		median, tenth := quantile(leads, .5), quantile(leads, .1)
		f.Lead.Median, f.Lead.Tenth = &median, &tenth
	}
	return f
}

// quantile of sorted values, linear between two (type 7 of Hyndman and Fan, 1996).
func quantile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	low := int(math.Floor(at))
	if low+1 >= len(sorted) {
		return sorted[low]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}

// table returns the figures of all together, of each hazard, of each level, and of each hazard at each level that has any rows.
func table(rows []Row) []Figures {
	type key struct{ hazard, level string }
	seen := map[key]bool{{}: true}
	for _, r := range rows {
		for _, k := range []key{{r.Hazard, ""}, {"", r.top()}, {r.Hazard, r.top()}} {
			seen[k] = true
		}
	}
	out := []Figures{}
	for k := range seen {
		out = append(out, figures(k.hazard, k.level, rows))
	}
	slices.SortFunc(out, func(a, b Figures) int {
		return cmp.Or(cmp.Compare(a.Hazard, b.Hazard), cmp.Compare(place(a.Level), place(b.Level)))
	})
	return out
}

// place is where a level stands in a list: all first, then the highest.
func place(level string) int { return slices.Index(levels, level) }
