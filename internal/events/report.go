package events

import "time"

// ReportReceived says that somebody told the city of something at a place. The words stay in their room, and nothing here
// says who it was.
type ReportReceived struct {
	Report   int64  `json:"report"`
	Number   string `json:"number"`
	Category string `json:"category"`
	// About is "place", or "unknown" for a report that nobody has sorted yet: detectors read only the former.
	About   string      `json:"about"`
	Channel string      `json:"channel"`
	Area    int64       `json:"area,omitempty"`
	Point   *[2]float64 `json:"point,omitempty"` // longitude, latitude
	// Precision says how well the place is known: "point", "area" (Point is then the middle of the area) or "unknown".
	Precision string    `json:"precision"`
	At        time.Time `json:"at"` // when the city received it, which may be long ago for a history that is brought along
	// Closed says that it needed nothing more when it came: a history that is brought along.
	Closed bool `json:"closed,omitempty"`
}

// Subject is the event's name.
func (ReportReceived) Subject() string { return "report.received" }

// ReportClosed says that a report needs nothing more.
type ReportClosed struct {
	Report int64     `json:"report"`
	Number string    `json:"number"`
	Area   int64     `json:"area,omitempty"`
	At     time.Time `json:"at"`
}

// Subject is the event's name.
func (ReportClosed) Subject() string { return "report.closed" }
