package sim

import (
	"cmp"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/methods/verify"
)

// Alert is what the product claimed, as far as scoring needs it. Assets and Places are external ids; an alert about one
// thing has one asset, one about a site may have several or only a place.
type Alert struct {
	ID     string    `json:"id"`
	Raised time.Time `json:"raised_at"`
	Assets []string  `json:"assets,omitempty"`
	Places []string  `json:"places,omitempty"`
}

// Card is a score card.
type Card struct {
	Planted int `json:"planted"`
	Found   int `json:"found"`
	Missed  int `json:"missed"`
	Pending int `json:"pending"` // have not begun yet, so nobody can have missed them
	False   int `json:"false_alerts"`
	// Repeated counts the further alerts of incidents that had been found: neither a merit nor a false alarm.
	Repeated  int             `json:"repeated"`
	Warning   []float64       `json:"minutes_of_warning"` // of the incidents found, in their order
	Incidents []IncidentScore `json:"incidents"`
}

// IncidentScore tells how one incident was found.
type IncidentScore struct {
	ID        string     `json:"id"`
	Kind      string     `json:"kind"`
	Name      Name       `json:"name"`
	Start     time.Time  `json:"start"`
	HarmfulAt time.Time  `json:"harmful_at"`
	Found     bool       `json:"found"`
	Alert     string     `json:"alert,omitempty"`
	Raised    *time.Time `json:"raised_at,omitempty"`
	// Warning is how many minutes before harm the first alert came; negative when it came after.
	Warning *float64 `json:"minutes_of_warning,omitempty"`
}

// FindingGrace is how long after an incident's end an alert may still belong to it: detectors wait before they speak.
const FindingGrace = 10 * time.Minute

// Score holds alerts against the truth, at the instant now.
//
//   - An alert belongs to an incident if it was raised from the incident's start until FindingGrace after its end, and names
//     one of the incident's assets or places. With several such incidents it belongs to the one that began last, since an
//     earlier one has most likely been alerted already.
//   - An incident is found if an alert belongs to it. The first one counts; the others are repeated. One that begins after
//     now is pending, and any other missed.
//   - Minutes of warning are from that first alert to the instant at which harm would have begun if nobody had done
//     anything, so a repair does not shorten them. They are negative when the alert came too late; the incident then is
//     still found, since it was told, but nobody was warned.
//   - What a repair has averted did not happen and is not scored.
//   - An alert that belongs to no incident is false. Alerts before the scenario's start are not scored at all: there was
//     nothing planted yet, and the history before it is only background to learn from.
//
// The order of the alerts does not matter.
func Score(truth Truth, alerts []Alert, now time.Time) Card {
	truth.Incidents = slices.DeleteFunc(slices.Clone(truth.Incidents), func(i Incident) bool { return i.Averted })
	alerts = slices.Clone(alerts)
	slices.SortStableFunc(alerts, func(a, b Alert) int {
		return cmp.Or(a.Raised.Compare(b.Raised), cmp.Compare(a.ID, b.ID))
	})
	card := Card{Planted: len(truth.Incidents), Warning: []float64{}, Incidents: []IncidentScore{}} // lists in JSON from the start
	var events []verify.Event
	for _, i := range truth.Incidents {
		card.Incidents = append(card.Incidents, IncidentScore{ID: i.ID, Kind: i.Kind, Name: i.Name, Start: i.Start, HarmfulAt: i.HarmfulAt})
		events = append(events, verify.Event{Start: i.Start.UnixMicro(), End: i.End.UnixMicro(), Assets: i.Assets, Places: i.Places})
	}
	alerts = slices.DeleteFunc(alerts, func(a Alert) bool { return a.Raised.Before(truth.Start) })
	var claims []verify.Alert
	for _, a := range alerts {
		at := a.Raised.UnixMicro()
		claims = append(claims, verify.Alert{From: at, To: at, Assets: a.Assets, Places: a.Places})
	}
	m := verify.Match(events, claims, verify.Rule{After: FindingGrace.Microseconds(), Raised: true, Once: true})
	card.False, card.Repeated = m.Count(verify.FalseAlarm), m.Count(verify.Repeated)
	for k, f := range m.Events {
		if f.First == verify.None {
			continue
		}
		a, s := &alerts[f.First], &card.Incidents[k]
		minutes := s.HarmfulAt.Sub(a.Raised).Minutes()
		s.Found, s.Alert, s.Raised, s.Warning = true, a.ID, &a.Raised, &minutes
	}
	for _, s := range card.Incidents {
		switch {
		case s.Found:
			card.Found++
			card.Warning = append(card.Warning, *s.Warning)
		case s.Start.After(now):
			card.Pending++
		default:
			card.Missed++
		}
	}
	return card
}
