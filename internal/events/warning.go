package events

import "time"

// Warning is what every event about a warning says of it. Texts and reasons stay in their room; what was published is at
// /warnings/{number}.xml.
type Warning struct {
	Warning int64   `json:"warning"`
	Number  string  `json:"number"`
	Version int     `json:"version"` // which proposal or message of this warning; 1 is the first
	Status  string  `json:"status"`  // Actual, Exercise, System, Test or Draft, after CAP
	Scope   string  `json:"scope"`   // Public, Restricted or Private, after CAP
	Level   string  `json:"level"`   // red, orange, yellow, blue
	Hazard  string  `json:"hazard"`  // "gas-leak"
	Areas   []int64 `json:"areas"`
	// Concerns are the areas of all its versions: whose people may hear of it where its scope isn't Public.
	Concerns []int64 `json:"concerns"`
	// By is the account that did it, 0 for the clock.
	By int64     `json:"by,omitempty"`
	At time.Time `json:"at"`
}

// WarningProposed says that an officer has put a warning, or a change to one, before a second officer.
type WarningProposed struct{ Warning }

// Subject is the event's name.
func (WarningProposed) Subject() string { return "warning.proposed" }

// WarningWithdrawn says that a proposal was taken back before anyone approved it.
type WarningWithdrawn struct{ Warning }

// Subject is the event's name.
func (WarningWithdrawn) Subject() string { return "warning.withdrawn" }

// WarningIssued says that a second officer has approved a warning and that it is out.
type WarningIssued struct {
	Warning
	Onset   time.Time `json:"onset"`
	Expires time.Time `json:"expires"`
}

// Subject is the event's name.
func (WarningIssued) Subject() string { return "warning.issued" }

// WarningUpdated says that a message has replaced the earlier ones of a warning that stays in force.
type WarningUpdated struct {
	Warning
	From    string    `json:"from"` // the level that was in force before
	Onset   time.Time `json:"onset"`
	Expires time.Time `json:"expires"`
}

// Subject is the event's name.
func (WarningUpdated) Subject() string { return "warning.updated" }

// WarningCancelled says that an issued warning is no longer in force, before its time.
type WarningCancelled struct {
	Warning
	AllClear bool `json:"all_clear"` // the danger is over; false: the warning was taken back
}

// Subject is the event's name.
func (WarningCancelled) Subject() string { return "warning.cancelled" }

// WarningExpired says that a warning has reached its end.
type WarningExpired struct{ Warning }

// Subject is the event's name.
func (WarningExpired) Subject() string { return "warning.expired" }

// WarningSuggested says what the program suggests to an officer because of alerts, and what has become of it. Nothing is warned of
// by it: a person proposes and a person approves.
type WarningSuggested struct {
	Suggestion int64     `json:"suggestion"`
	Kind       string    `json:"kind"`  // issue, upgrade, downgrade, all-clear
	State      string    `json:"state"` // open, taken, dismissed, over
	Hazard     string    `json:"hazard"`
	Level      string    `json:"level"`
	Area       int64     `json:"area,omitempty"`
	Warning    int64     `json:"warning,omitempty"` // that it is about, or that was made of it
	Alerts     []int64   `json:"alerts"`
	At         time.Time `json:"at"`
}

// Subject is the event's name.
func (WarningSuggested) Subject() string { return "warning.suggested" }

// WarningJudged says what an officer found out about a warning that has ended: happened, partly, did-not or cannot-tell.
type WarningJudged struct {
	Warning  int64      `json:"warning"`
	Number   string     `json:"number"`
	Scope    string     `json:"scope"`
	Concerns []int64    `json:"concerns"` // the areas whose people may hear of it where its scope isn't Public
	Hazard   string     `json:"hazard"`
	Version  int        `json:"version"` // of the verdict; 2 and more revise
	Verdict  string     `json:"verdict"`
	Began    *time.Time `json:"began,omitempty"`
	By       int64      `json:"by"`
	At       time.Time  `json:"at"`
}

// Subject is the event's name.
func (WarningJudged) Subject() string { return "warning.judged" }

// WarningMissed says that a danger came without a warning of its level.
type WarningMissed struct {
	Missed int64     `json:"missed"`
	Hazard string    `json:"hazard"`
	Level  string    `json:"level"`
	Areas  []int64   `json:"areas"`
	Began  time.Time `json:"began"`
	By     int64     `json:"by"`
	At     time.Time `json:"at"`
}

// Subject is the event's name.
func (WarningMissed) Subject() string { return "warning.missed" }

// WarningMissTakenBack says that what was noted as missed was noted by mistake.
type WarningMissTakenBack struct {
	Missed int64     `json:"missed"`
	Hazard string    `json:"hazard"`
	Level  string    `json:"level"`
	Areas  []int64   `json:"areas"`
	By     int64     `json:"by"`
	At     time.Time `json:"at"`
}

// Subject is the event's name.
func (WarningMissTakenBack) Subject() string { return "warning.miss_taken_back" }
