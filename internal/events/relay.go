package events

import "time"

// Relay is what every event about another service's warning says of it. Its texts, and where it holds, stay in their room.
type Relay struct {
	// Relay is the same through all messages that replace one another: the number of the first.
	Relay   int64     `json:"relay"`
	Message int64     `json:"message"`
	Partner int64     `json:"partner"`
	Issuer  AlertText `json:"issuer"`  // the partner's name
	Service string    `json:"service"` // weather, marine, seismology or other
	Status  string    `json:"status"`  // Actual or Exercise; others are not told
	Scope   string    `json:"scope"`   // Public, Restricted or Private, after CAP
	Hazard  string    `json:"hazard"`  // "rainstorm"; empty where the city has no word for it
	Level   string    `json:"level"`   // red, orange, yellow, blue; empty where it states none
	Areas   []int64   `json:"areas"`   // areas of the register that it touches; none: the city as a whole
	// Concerns are the areas whose people may hear of it where its scope isn't Public; none: the city's own people.
	Concerns  []int64   `json:"concerns"`
	Onset     time.Time `json:"onset"`
	Expires   time.Time `json:"expires"`
	WholeCity bool      `json:"whole_city,omitempty"` // its issuer speaks of this city alone
	At        time.Time `json:"at"`
}

// RelayIssued says that another service's warning is in force here.
type RelayIssued struct{ Relay }

// Subject is the event's name.
func (RelayIssued) Subject() string { return "relay.issued" }

// RelayUpdated says that a message of the service has replaced the earlier ones of a warning that stays in force.
type RelayUpdated struct{ Relay }

// Subject is the event's name.
func (RelayUpdated) Subject() string { return "relay.updated" }

// RelayEnded says that a relayed warning is no longer in force.
type RelayEnded struct {
	Relay
	// How is update (another warning has taken its place, which is told by itself, or which no longer concerns the city),
	// cancel, all-clear, expired, removed or distrusted.
	How string `json:"how"`
}

// Subject is the event's name.
func (RelayEnded) Subject() string { return "relay.ended" }
