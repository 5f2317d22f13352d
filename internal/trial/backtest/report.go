package backtest

import (
	"encoding/json"
	"io"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/methods/verify"
)

// Report is what a backtest has found. All spans are in seconds.
type Report struct {
	Packs    []string  `json:"packs"`
	From     time.Time `json:"from"` // of the first reading
	To       time.Time `json:"to"`
	Hours    float64   `json:"hours"`
	Readings int       `json:"readings"`
	Streams  int       `json:"datastreams"`
	Events   int       `json:"events"` // within the readings' period
	Rule     RuleWords `json:"rule"`

	Detectors     []DetectorReport   `json:"detectors"`
	Probabilities []ProbabilityModel `json:"probabilities"`
	Positions     []Position         `json:"positions"`
	Notes         []engine.Wording   `json:"notes"` // what was left out and why
}

// RuleWords are the rule by which alerts belong to events.
type RuleWords struct {
	Before   float64 `json:"before_s" doc:"so long ahead of an event an alert may stand and count as a warning of it"`
	After    float64 `json:"after_s" doc:"so long behind it an alert may still find it"`
	Linger   float64 `json:"linger_s" doc:"an alert that stands only so long behind an event is no false alarm"`
	Join     float64 `json:"join_s" doc:"alerts of one source less than this apart are one episode"`
	Interval float64 `json:"interval_s" doc:"length of the intervals in which quiet times are counted"`
}

// DetectorReport is how one detector fared.
type DetectorReport struct {
	ID       string         `json:"id"`
	Title    engine.Wording `json:"title"`
	Maturity string         `json:"maturity"`
	Owner    string         `json:"owner"`
	Streams  int            `json:"datastreams"`

	Events    int `json:"events"` // that it should have found
	Found     int `json:"found"`
	Fresh     int `json:"found_by_new" doc:"found by an alert that was raised for it, not by one that had stood for longer; without events that had begun before the readings"`
	Missed    int `json:"missed"`
	Episodes  int `json:"episodes"`
	False     int `json:"false"`
	Repeated  int `json:"repeated" doc:"further episodes of events that had been found"`
	Lingering int `json:"lingering" doc:"episodes in the traces of an event"`

	Table  verify.Table  `json:"table"`
	Scores verify.Scores `json:"scores"`
	// FalsePer1000h counts hours without an event only.
	FalsePer1000h verify.Score     `json:"false_per_1000h"`
	Lead          verify.LeadTimes `json:"lead"`
	Leads         []float64        `json:"leads_s"`
	// Alarms are all that it raised, silences of its instruments included, before any joining.
	Alarms        int          `json:"alarms"`
	AlarmsPerHour verify.Score `json:"alarms_per_operator_hour"`

	EventList []EventReport `json:"event_list"`
	AlertList []AlertReport `json:"alert_list"`
}

// EventReport is how one event was found.
type EventReport struct {
	Name  string    `json:"name"`
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	Onset time.Time `json:"onset"`
	Found bool      `json:"found"`
	// By is when the first alert for it was raised, or, without a Lead, one that had stood for longer; nil: it was missed.
	By *time.Time `json:"alert"`
	// Lead is nil also for an event that had begun before the readings. A negative one came after the onset.
	Lead *float64 `json:"lead_s"`
}

// AlertReport is one episode.
type AlertReport struct {
	From    time.Time    `json:"from"`
	To      time.Time    `json:"to"`
	Level   engine.Level `json:"level"`
	Place   string       `json:"place"`
	Asset   string       `json:"asset"`
	Verdict string       `json:"verdict" enum:"hit,repeated,lingering,false"`
}

// ProbabilityModel is how the forecasts of one detector or model fared.
type ProbabilityModel struct {
	ID string `json:"id"`
	verify.ProbabilityScores
}

// Position is what one operating position would have had to bear.
type Position struct {
	Owner string `json:"owner"`
	verify.LoadReport
}

// WriteJSON writes the report as JSON.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
