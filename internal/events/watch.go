package events

import "time"

// WatchLogged says that a line was written into the phone log. What was said stays there.
type WatchLogged struct {
	Line   int64     `json:"line"`
	Case   int64     `json:"case,omitempty"`
	Opened bool      `json:"opened,omitempty"` // it opened the case
	Desk   int64     `json:"desk,omitempty"`   // whose watch took the call; 0: the city's own
	Area   int64     `json:"area,omitempty"`
	At     time.Time `json:"at"`
}

// Subject is the event's name.
func (WatchLogged) Subject() string { return "watch.logged" }

// WatchChanged says that something of the watch has changed: a post or shift, a report upward, an instruction, a handover.
type WatchChanged struct {
	What string    `json:"what"` // roster, report, instruction, handover
	ID   int64     `json:"id"`
	Case int64     `json:"case,omitempty"`
	Desk int64     `json:"desk,omitempty"`
	At   time.Time `json:"at"`
}

// Subject is the event's name.
func (WatchChanged) Subject() string { return "watch.changed" }

// WatchOverdue says that a report upward was not told, or an instruction not answered, in time. It comes once per limit.
type WatchOverdue struct {
	What   string    `json:"what"` // report or instruction
	ID     int64     `json:"id"`
	Report string    `json:"report,omitempty"` // first, follow-up or final
	How    string    `json:"how,omitempty"`    // phone or writing
	Case   int64     `json:"case,omitempty"`
	Desk   int64     `json:"desk,omitempty"`
	Area   int64     `json:"area,omitempty"`
	DueAt  time.Time `json:"due_at"`
	At     time.Time `json:"at"`
}

// Subject is the event's name.
func (WatchOverdue) Subject() string { return "watch.overdue" }

// WatchHandedOver says that a shift was handed over and taken over.
type WatchHandedOver struct {
	Handover int64     `json:"handover"`
	Desk     int64     `json:"desk,omitempty"`
	Open     int       `json:"open"` // things that went over
	At       time.Time `json:"at"`
}

// Subject is the event's name.
func (WatchHandedOver) Subject() string { return "watch.handed_over" }
