package events

import "time"

// FindingRecorded says that an inspection found something wrong. The description stays in its room: free text may hold a
// name.
type FindingRecorded struct {
	Finding   int64       `json:"finding"`
	Grade     string      `json:"grade"`               // general or major, as the inspector proposes it
	Checklist string      `json:"checklist,omitempty"` // the checklist item that failed
	Asset     int64       `json:"asset,omitempty"`
	Place     int64       `json:"place,omitempty"`
	Area      int64       `json:"area,omitempty"`
	Owner     int64       `json:"owner,omitempty"` // organisation that answers for the place
	Point     *[2]float64 `json:"point,omitempty"` // longitude, latitude
	At        time.Time   `json:"at"`
}

// Subject is the event's name.
func (FindingRecorded) Subject() string { return "finding.recorded" }
