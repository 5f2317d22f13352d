package detect

import (
	"time"

	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// The states of an alert. One that clears unacknowledged can still be acknowledged; it stays cleared.
const (
	Raised       = "raised"
	Acknowledged = "acknowledged"
	Cleared      = "cleared"
)

// Alert is a detector's claim that something is wrong at a place since a time, with its reasons.
type Alert struct {
	ID       int64   `json:"id"`
	Detector string  `json:"detector"`
	Kind     Kind    `json:"kind" enum:"hazard,monitoring" doc:"monitoring: about the watch itself, such as a silent instrument"`
	Title    Wording `json:"title"`
	Level    Level   `json:"level" enum:"none,blue,yellow,orange,red"`
	State    string  `json:"state" enum:"raised,acknowledged,cleared"`

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

	Datastream  int64   `json:"datastream" doc:"whose reading raised it"`
	Datastreams []int64 `json:"datastreams" doc:"all that the detector watches there"`
	Unit        string  `json:"unit"`
	// Readings are those that raised it: of Datastream, from Since until it was raised, the newest MaxCause.
	Readings []Sample `json:"readings" doc:"the readings that raised it; none for an instrument in a home"`

	Case *int64 `json:"case"`

	// Works is nil unless planned works were on when it was raised.
	Works *DuringWorks `json:"works" doc:"planned works that were on when it was raised; null: none"`

	// History is there when one alert is asked for.
	History []Step `json:"history,omitempty"`

	opens *events.AlertOpens
	key   key
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
	ID      int64     `json:"id"`
	At      time.Time `json:"at" doc:"event time"`
	Kind    string    `json:"kind" enum:"raised,level,acknowledged,works_over,cleared"`
	Level   Level     `json:"level" enum:"none,blue,yellow,orange,red"`
	Actor   string    `json:"actor,omitempty"`
	Note    string    `json:"note,omitempty"`
	Because *Wording  `json:"because,omitempty"`
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
	Opens       *events.AlertOpens `json:"opens,omitempty"`
	Works       *PlannedWorks      `json:"works,omitempty"`
}

// key names an alert for ever.
type key struct {
	detector string
	kind     Kind
	subject  Subject
	since    int64
}

func (c Change) key() key { return key{c.Detector.ID, c.Kind, c.Subject, c.Since} }

// alertOf makes the alert that a change raises.
func alertOf(c Change, s Stream, cause []Sample) *Alert {
	d := c.Detector
	a := &Alert{
		Detector: d.ID, Kind: c.Kind, Title: textOf(d.Title), Level: c.To, State: Raised,
		Asset: s.Asset, AssetName: s.AssetName, Place: s.Place, PlaceName: s.PlaceName, Area: s.Area, AreaName: s.AreaName,
		Organisation: s.Organisation, Point: s.Point,
		Since: db.Time(c.Since), RaisedAt: db.Time(c.At), Because: d.because(c, s), Rule: d.Rule, Clears: d.Clears,
		Datastream: c.Datastream, Datastreams: c.Datastreams, Unit: d.Property.Unit, Readings: cause, key: c.key(),
	}
	if c.Kind == Monitoring {
		a.Title, a.Because, a.Rule, a.Clears = d.silentWords(s)
	} else {
		a.opens = &events.AlertOpens{Case: d.Opens.Case, Plan: d.Opens.Plan, From: d.Opens.From.String()}
	}
	return a
}

// public is a datastream's place as an alert may tell it: an instrument in a home is called by its kind, since its name
// may hold the flat, and the place is the building.
func (d *Detector) public(s Stream) (Stream, bool) {
	for _, k := range d.Kinds {
		if k.ID == s.Kind && k.Home {
			s.AssetName = textOf(k.Title)
			return s, true
		}
	}
	return s, false
}

// news is what every event about the alert tells. By it an alert rests until alert.works_over was told, so that whoever
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
		Since: a.Since, Because: text(a.Because), Opens: a.opens, Works: works, At: at,
	}
}
