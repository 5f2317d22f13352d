package verify

// Table is the two-by-two table of warnings and events. Where events and alarms have a length there is no natural number
// of quiet cases: Quiet then counts intervals of a stated length with neither (see QuietIntervals), and POFD and HK, which
// rest on it, hold for that length only.
type Table struct {
	Hits        int `json:"hits"`              // events with an alarm
	Misses      int `json:"misses"`            // events without one
	FalseAlarms int `json:"false_alarms"`      // alarms without an event
	Quiet       int `json:"correct_negatives"` // neither
}

// Add is both tables together.
func (t Table) Add(o Table) Table {
	return Table{t.Hits + o.Hits, t.Misses + o.Misses, t.FalseAlarms + o.FalseAlarms, t.Quiet + o.Quiet}
}

// POD is the probability of detection (hit rate): H/(H+M).
func (t Table) POD() Score { return ratio(t.Hits, t.Hits+t.Misses) }

// FAR is the false alarm ratio: F/(H+F).
func (t Table) FAR() Score { return ratio(t.FalseAlarms, t.Hits+t.FalseAlarms) }

// CSI is the critical success index (threat score): H/(H+M+F).
func (t Table) CSI() Score { return ratio(t.Hits, t.Hits+t.Misses+t.FalseAlarms) }

// POFD is the probability of false detection (false alarm rate): F/(F+Z).
func (t Table) POFD() Score { return ratio(t.FalseAlarms, t.FalseAlarms+t.Quiet) }

// Bias is the frequency bias, alarms for each event: (H+F)/(H+M). Above 1 there are too many.
func (t Table) Bias() Score { return ratio(t.Hits+t.FalseAlarms, t.Hits+t.Misses) }

// HK is the Hanssen-Kuipers discriminant (Peirce skill score): POD - POFD. 0 is what chance gives, 1 perfect.
func (t Table) HK() Score { return t.POD() - t.POFD() }

// Scores are all scores of a table, as they are published.
type Scores struct {
	POD         Score    `json:"pod" doc:"probability of detection, hits/(hits+misses)"`
	PODInterval Interval `json:"pod_95" doc:"Wilson interval, 95 %"`
	FAR         Score    `json:"far" doc:"false alarm ratio, false/(hits+false)"`
	FARInterval Interval `json:"far_95" doc:"Wilson interval, 95 %"`
	CSI         Score    `json:"csi" doc:"critical success index, hits/(hits+misses+false)"`
	POFD        Score    `json:"pofd" doc:"false alarm rate, false/(false+correct negatives)"`
	Bias        Score    `json:"bias" doc:"frequency bias, (hits+false)/(hits+misses)"`
	HK          Score    `json:"hk" doc:"Hanssen-Kuipers, POD-POFD"`
}

// Scores are the table's.
func (t Table) Scores() Scores {
	return Scores{
		POD: t.POD(), PODInterval: Wilson(t.Hits, t.Hits+t.Misses),
		FAR: t.FAR(), FARInterval: Wilson(t.FalseAlarms, t.Hits+t.FalseAlarms),
		CSI: t.CSI(), POFD: t.POFD(), Bias: t.Bias(), HK: t.HK(),
	}
}
