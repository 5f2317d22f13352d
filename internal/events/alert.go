package events

import "time"

// AlertText is a wording in the two languages of the product.
type AlertText struct {
	EN string `json:"en"`
	ZH string `json:"zh-CN"`
}

// AlertFacts are what every event about an alert tells, so that who opens a case or draws a map need not ask back. Ids
// are 0 where nothing is known.
type AlertFacts struct {
	Alert    int64  `json:"alert"`
	Detector string `json:"detector"` // "gas/methane-indoor"
	// Kind is "hazard", or "monitoring" for an alert about the watch itself: a silent instrument.
	Kind  string    `json:"kind"`
	Title AlertText `json:"title"`
	// Level is "red", "orange", "yellow" or "blue"; "none" for monitoring. When the alert has cleared it is the last one.
	Level string `json:"level"`
	State string `json:"state"` // raised, acknowledged, cleared

	Asset        int64       `json:"asset,omitempty"`
	AssetName    AlertText   `json:"asset_name"`
	Place        int64       `json:"place,omitempty"`
	PlaceName    AlertText   `json:"place_name"`
	Area         int64       `json:"area,omitempty"`
	AreaName     AlertText   `json:"area_name"`
	Organisation int64       `json:"organisation,omitempty"` // holds the asset
	Point        *[2]float64 `json:"point,omitempty"`        // longitude, latitude
	Datastreams  []int64     `json:"datastreams"`            // what the detector watches there

	Since   time.Time `json:"since"` // of the first reading that led here
	Because AlertText `json:"because"`

	// Opens is what the detector asks for: a case of that kind once the alert has reached the level From. Nil: none.
	Opens *AlertOpens `json:"opens,omitempty"`

	// Fault is what is wrong with the watch: silent, stuck or comms; "" for a hazard.
	Fault string `json:"fault,omitempty"`

	// Lead is the alert that leads the group of one cause that this one belongs to; 0: it leads, or stands alone.
	Lead int64 `json:"lead,omitempty"`

	// Rests says that the alert calls nobody for now: it was raised during planned works, a person has shelved it, or another
	// alert explains it. No case is opened for it and nothing sounds. An alert that rests is followed by alert.rest_over, or
	// it clears before.
	Rests bool `json:"rests,omitempty"`

	// Works are the planned works that it was raised in. Nil: none.
	Works *AlertWorks `json:"works,omitempty"`

	At time.Time `json:"at"` // event time of the step
}

// AlertWorks are the planned works that were on at the alert's asset when it was raised.
type AlertWorks struct {
	Works  int64     `json:"works"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"` // as announced
	Rests  bool      `json:"rests"` // they are on still
}

// AlertOpens names the case that an alert opens.
type AlertOpens struct {
	Case string `json:"case"`
	Plan string `json:"plan,omitempty"`
	From string `json:"from"`
}

// AlertRaised says that a detector claims that something is wrong at a place.
type AlertRaised struct{ AlertFacts }

// Subject is the event's name.
func (AlertRaised) Subject() string { return "alert.raised" }

// AlertChanged says that a standing alert stepped up or down.
type AlertChanged struct {
	AlertFacts
	From string `json:"from"` // the level before
}

// Subject is the event's name.
func (AlertChanged) Subject() string { return "alert.changed" }

// AlertRestOver says that an alert which rested counts like any other from now on: the planned works or the time on the shelf
// are over, what explained it has cleared, or a person has said so.
type AlertRestOver struct {
	AlertFacts
	By     int64  `json:"by,omitempty"` // account; 0: time has passed
	ByName string `json:"by_name,omitempty"`
}

// Subject is the event's name.
func (AlertRestOver) Subject() string { return "alert.rest_over" }

// AlertCleared says that what the detector saw is over. Reason is "condition", "withdrawn" when the rule itself is gone, or
// "revised" when a reading that came late showed that it never was.
type AlertCleared struct {
	AlertFacts
	Reason string `json:"reason"`
}

// Subject is the event's name.
func (AlertCleared) Subject() string { return "alert.cleared" }

// AlertAcknowledged says that an official has taken note of an alert.
type AlertAcknowledged struct {
	AlertFacts
	By     int64  `json:"by"` // account
	ByName string `json:"by_name"`
}

// Subject is the event's name.
func (AlertAcknowledged) Subject() string { return "alert.acknowledged" }
