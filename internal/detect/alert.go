package detect

import (
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// Wording is a text in both languages.
type Wording = engine.Wording

// The states of an alert. One that clears unacknowledged can still be acknowledged; it stays cleared.
const (
	Raised       = "raised"
	Acknowledged = "acknowledged"
	Cleared      = "cleared"
)

// Alert is a detector's claim that something is wrong at a place since a time, with its reasons.
type Alert struct {
	ID       int64          `json:"id"`
	Detector string         `json:"detector"`
	Kind     engine.Kind    `json:"kind" enum:"hazard,monitoring" doc:"monitoring: about the watch itself, such as a silent instrument"`
	Fault    engine.Fault   `json:"fault,omitempty" enum:"silent,stuck,comms" doc:"what is wrong with the watch"`
	Title    engine.Wording `json:"title"`
	Level    engine.Level   `json:"level" enum:"none,blue,yellow,orange,red"`
	State    string         `json:"state" enum:"raised,acknowledged,cleared"`
	Maturity string         `json:"maturity,omitempty" enum:"stable,trial,draft" doc:"how far its detector may be trusted"`

	Asset        int64       `json:"asset"`
	AssetName    Wording     `json:"asset_name"`
	Place        int64       `json:"place"`
	PlaceName    Wording     `json:"place_name"`
	Area         int64       `json:"area"`
	AreaName     Wording     `json:"area_name"`
	Organisation int64       `json:"organisation"`
	Point        *[2]float64 `json:"point" doc:"longitude, latitude"`

	Since          time.Time  `json:"since" doc:"the first reading that led here"`
	RaisedAt       time.Time  `json:"raised_at"`
	AcknowledgedAt *time.Time `json:"acknowledged_at"`
	AcknowledgedBy string     `json:"acknowledged_by,omitempty"`
	ClearedAt      *time.Time `json:"cleared_at"`

	Because Wording `json:"because" doc:"the reason, at its latest step"`
	Rule    Wording `json:"rule" doc:"the detector's rule in words, as it was when it raised the alert"`
	Clears  Wording `json:"clears" doc:"what ends it, in words"`

	// Figures are what the rule's variables came to, at its latest step.
	Figures []engine.Figure `json:"figures,omitempty" doc:"what the variables of the rule came to, at its latest step"`

	Datastream  int64   `json:"datastream" doc:"whose reading raised it"`
	Datastreams []int64 `json:"datastreams" doc:"all that the detector watches there"`
	// Instruments are there when one alert is asked for.
	Instruments []Instrument `json:"instruments,omitempty" doc:"the same, under their names; when one alert is asked for"`
	Signals     []Signal     `json:"signals,omitempty" doc:"of a rule that joins others: the alerts and reports that it had before it at its latest step"`
	Unit        string       `json:"unit"`
	// Readings are those that raised it: of Datastream, from Since until it was raised, the newest MaxCause.
	Readings []Sample `json:"readings" doc:"the readings that raised it; none for an instrument in a home"`

	Case *int64 `json:"case"`

	// Works is nil unless planned works were on when it was raised.
	Works *DuringWorks `json:"works" doc:"planned works that were on when it was raised; null: none"`
	// Shelf is nil unless a person has put the alert aside; Design unless another alert explains it.
	Shelf  *Shelved   `json:"shelf" doc:"who put it aside until when; null: nobody"`
	Design *Explained `json:"design" doc:"the alert that explains it, by the rule's suppressed_by or suppressed_from_upstream; null: none"`
	Rests  bool       `json:"rests" doc:"during planned works, shelved, or explained by another alert: it is listed and counted, no case is opened and nothing sounds"`

	// Lead is the alert that leads the group of one cause that this one belongs to, or 0: it leads, or stands alone. Group is
	// how many others it leads that have not cleared.
	Lead  int64 `json:"lead,omitempty" doc:"the alert that leads the group of one cause; left out: this one leads or stands alone"`
	Group int   `json:"group,omitempty" doc:"how many open alerts this one leads"`
	// WholeGroup is nil unless the group that it leads or belongs to was acknowledged as a whole. One that is raised all the
	// same has joined since, or come back.
	WholeGroup *WholeGroup `json:"group_acknowledged,omitempty" doc:"who has acknowledged the group as a whole, and when; one that is raised has joined since or come back; left out: nobody"`
	// Chatters says that it comes and goes; it stands until it has settled.
	Chatters bool `json:"chatters,omitempty" doc:"it comes and goes, and stands until it has settled"`
	// Amended says that a reading of the time it stood was changed or removed afterwards. Detectors don't run again.
	Amended bool `json:"amended,omitempty" doc:"readings that it rests on were changed afterwards; it was not judged again"`

	// Outcome is what people found out about it: see Verdict.
	Outcome *Verdict `json:"outcome,omitempty" doc:"what people found out; left out: nobody has said"`

	// Origin is told when one alert is asked for.
	Origin bool `json:"origin,omitempty" doc:"when one alert is asked for: where it may come from can be asked, at …/origin"`

	// History is there when one alert is asked for.
	History []Step `json:"history,omitempty"`

	opens *events.AlertOpens
	key   key
	// others are readings at the time it was raised, of the instruments beside Datastream; deviators those that deviated most.
	others    []reading
	deviators []int64
	// acknowledgedIn is the row of the history that acknowledged it.
	acknowledgedIn int64
}

// MaxCause is how many readings are kept with an alert as its cause.
const MaxCause = 120

// Sample is one reading.
type Sample struct {
	At    time.Time `json:"at"`
	Value float64   `json:"value"`
}

// Step is one row of an alert's history.
type Step struct {
	ID      int64        `json:"id"`
	At      time.Time    `json:"at" doc:"event time"`
	Kind    string       `json:"kind" enum:"raised,level,again,acknowledged,group_acknowledged,works_over,shelved,shelf_over,design_over,amended,verdict,cleared"`
	Level   engine.Level `json:"level" enum:"none,blue,yellow,orange,red"`
	Actor   string       `json:"actor,omitempty"`
	Note    string       `json:"note,omitempty"`
	Because *Wording     `json:"because,omitempty"`
	// Figures are those of a step of the detector.
	Figures []engine.Figure `json:"figures,omitempty" doc:"what the variables of the rule came to"`
	// UndoneAt is when a reading that came late showed that the step was not so.
	UndoneAt *time.Time `json:"undone_at,omitempty" doc:"when a reading that came late showed that it was not so"`

	since int64 // of a step of the detector: names the run
}

// facts are what an alert knows beyond what is searched by; they are stored as JSON.
type facts struct {
	Title       Wording            `json:"title"`
	Because     Wording            `json:"because"`
	Rule        Wording            `json:"rule"`
	Clears      Wording            `json:"clears"`
	AssetName   Wording            `json:"asset_name"`
	PlaceName   Wording            `json:"place_name"`
	AreaName    Wording            `json:"area_name"`
	Unit        string             `json:"unit"`
	Readings    []Sample           `json:"readings"`
	Datastreams []int64            `json:"datastreams"`
	Maturity    string             `json:"maturity,omitempty"`
	Opens       *events.AlertOpens `json:"opens,omitempty"`
	Works       *PlannedWorks      `json:"works,omitempty"`
	Figures     []engine.Figure    `json:"figures,omitempty"`
	Others      []reading          `json:"others,omitempty"`
	Deviators   []int64            `json:"deviators,omitempty"`
	Signals     []Signal           `json:"signals,omitempty"`
}

// key is one of the names of an alert.
type key struct {
	detector string
	kind     engine.Kind
	fault    engine.Fault
	subject  engine.Subject
	since    int64
}

func keyOf(c engine.Change) key { return key{c.Detector.ID, c.Kind, c.Fault, c.Subject, c.Since} }

// alertOf makes the alert that a change raises.
func alertOf(c engine.Change, s engine.Stream, cause []Sample) *Alert {
	d := c.Detector
	a := &Alert{
		Detector: d.ID, Kind: c.Kind, Fault: c.Fault, Title: engine.TextOf(d.Title), Level: c.To, State: Raised, Maturity: d.Maturity,
		Asset: s.Asset, AssetName: s.AssetName, Place: s.Place, PlaceName: s.PlaceName, Area: s.Area, AreaName: s.AreaName,
		Organisation: s.Organisation, Point: s.Point,
		Since: db.Time(c.Since), RaisedAt: db.Time(c.At), Because: d.Because(c, s), Rule: d.Rule, Clears: d.Clears,
		Datastream: c.Datastream, Datastreams: c.Datastreams, Unit: d.Property.Unit, Readings: cause, key: keyOf(c),
		Figures: d.Figures(c), deviators: c.Deviators,
	}
	if c.Kind == engine.Monitoring {
		a.Title, a.Because, a.Rule, a.Clears = d.FaultWords(c, s)
		a.Figures = nil
		if c.Fault == engine.CommsFault { // it is about many, here and there
			a.Asset, a.AssetName, a.Place, a.PlaceName, a.Point = 0, Wording{}, 0, Wording{}, nil
		}
		return a
	}
	if d.Opens.Case != "" {
		a.opens = &events.AlertOpens{Case: d.Opens.Case, Plan: d.Opens.Plan, From: d.Opens.From.String()}
	}
	return a
}

// Facts are what an event about the alert would tell at the time.
func (a *Alert) Facts(at time.Time) events.AlertFacts { return a.news(at) }

// news is what every event about the alert tells. By it an alert rests until alert.rest_over was told, so that whoever
// waits for that never waits in vain.
func (a *Alert) news(at time.Time) events.AlertFacts {
	text := func(w Wording) events.AlertText { return events.AlertText(w) }
	var works *events.AlertWorks
	if w := a.Works; w != nil {
		works = &events.AlertWorks{Works: w.Works, Reason: w.Reason, Until: w.Until, Rests: w.OverAt == nil && a.State != Cleared}
	}
	return events.AlertFacts{
		Alert: a.ID, Detector: a.Detector, Kind: string(a.Kind), Title: text(a.Title), Level: a.Level.String(), State: a.State,
		Asset: a.Asset, AssetName: text(a.AssetName), Place: a.Place, PlaceName: text(a.PlaceName), Area: a.Area, AreaName: text(a.AreaName),
		Organisation: a.Organisation, Point: a.Point, Datastreams: a.Datastreams,
		Since: a.Since, Because: text(a.Because), Opens: a.opens, Works: works, At: at, Fault: string(a.Fault), Lead: a.Lead,
		Rests: a.State != Cleared && (works != nil && works.Rests || a.Shelf != nil && a.Shelf.OverAt == nil || a.Design != nil && a.Design.OverAt == nil),
	}
}
