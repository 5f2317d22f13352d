package reach

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/delivery"
	"github.com/anlan-city/anlan/internal/platform/page"
)

// Publication is one message of a warning as it is published.
type Publication struct {
	Number  string
	Version int
	Kind    string // alert, update, cancel or all-clear
	Status  string // Actual, Exercise, System, Test or Draft
	Scope   string // Public, Restricted or Private
	Level   string
	Before  string // the level of the version before; empty for the first
	Hazard  string

	// Headline is that of the warning, also in the message of its end; Told is how CAP has it there, with the word of the end
	// before it.
	Event, Headline, Told, Description, Instruction page.Text

	Places         []Place
	Onset, Expires time.Time
	Sent           time.Time
	Identifier     string // in CAP
	URL            string // where people read more
	CAP            string // the document, as published
	CAPURL         string // where the public fetches it; empty when it can't
}

// Place is where it holds. Touches are all areas of the register that it touches, of every level; where nobody says, those
// above and below ID count.
type Place struct {
	ID       int64
	Code     string
	Name     page.Text
	Touches  []int64
	Polygons []string // as in CAP
}

const (
	// endedFor is how long the end of a warning is tried at least, though the warning would be over sooner.
	endedFor = time.Hour
	// addressPrefix stands before a recipient's number in the outbox.
	addressPrefix = "recipient/"
)

// threadKey is what the keys of all messages of a warning begin with.
func threadKey(number string) string { return "warning:" + number + "." }

func messageKey(p Publication, recipient int64) string {
	return fmt.Sprintf("%s%d:%d", threadKey(p.Number), p.Version, recipient)
}

// Put puts a publication into the outbox, once for each recipient that it concerns, and takes back what has not left of the
// warning's former versions. It belongs into the transaction that publishes.
func (s *Service) Put(tx *db.Tx, p Publication) error {
	had, err := reached(tx, p.Number)
	if err != nil {
		return err
	}
	for v := 1; v < p.Version; v++ {
		if err := delivery.Withdraw(tx, fmt.Sprintf("%s%d:", threadKey(p.Number), v), p.Sent); err != nil {
			return err
		}
	}
	if p.Status != actual && p.Status != exercise {
		return nil
	}
	all, err := list(tx, `deleted_at is null and active = 1`)
	if err != nil {
		return err
	}
	touched := s.touched(p)
	payloads := map[string]string{} // by channel
	var ms []delivery.Message
	texts := map[wording]texts{}
	for _, r := range all {
		// Who may have got a former version must learn what became of it; who got none need not hear of its end.
		if !(had[r.ID] && r.takes(p)) && (p.over() && p.Version > 1 || !r.wants(p, touched)) {
			continue
		}
		m := s.message(p, r, texts)
		name, known := payloads[r.Channel]
		if !known {
			if name, err = putPayload(tx, p, r.Channel); err != nil {
				return err
			}
			payloads[r.Channel] = name
		}
		m.Payload = name
		ms = append(ms, m)
	}
	_, err = delivery.PutAll(tx, ms)
	return err
}

// reached are the recipients to which something of a warning may have gone: an attempt that failed may have arrived all the
// same.
func reached(tx *db.Tx, number string) (map[int64]bool, error) {
	keys, err := delivery.Tried(tx, threadKey(number))
	had := map[int64]bool{}
	for _, key := range keys {
		if id, ok := recipientOf(key); ok {
			had[id] = true
		}
	}
	return had, err
}

// NumberOf reads the number of the warning out of a message's key; ok is false where the message is of no warning.
func NumberOf(key string) (number string, ok bool) {
	rest, ok := strings.CutPrefix(key, "warning:")
	if !ok {
		return "", false
	}
	number, _, ok = strings.Cut(rest, ".")
	return number, ok
}

// recipientOf reads the recipient out of a message's key.
func recipientOf(key string) (int64, bool) {
	_, text, ok := strings.Cut(strings.TrimPrefix(key, "warning:"), ":")
	id, err := strconv.ParseInt(text, 10, 64)
	return id, ok && err == nil
}

// touched are all areas that a publication concerns, for the question whether one of a recipient's is among them.
func (s *Service) touched(p Publication) map[int64]bool {
	out := map[int64]bool{}
	parents := s.parents()
	up := func(id int64) {
		for ; id != 0 && !out[id]; id = parents[id] {
			out[id] = true
		}
	}
	for _, place := range p.Places {
		for _, id := range place.Touches {
			up(id)
		}
		if len(place.Touches) > 0 || place.ID == 0 {
			continue
		}
		up(place.ID)
		for id := range parents { // what lies in it
			for at := id; at != 0; at = parents[at] {
				if at == place.ID {
					out[id] = true
				}
			}
		}
	}
	return out
}

// putPayload keeps what the messages of a channel carry, the same for all of them; "" where they carry nothing.
func putPayload(tx *db.Tx, p Publication, channel string) (string, error) {
	name := fmt.Sprintf("%s%d", threadKey(p.Number), p.Version)
	var body any
	switch channel {
	case Webhook:
		body = hookOf(p)
	case SMS, CellBroadcast, File:
		name += "/" + channel
		body = gatewayOf(p, channel != SMS) // a short message goes to a number, wherever that is
	default:
		return "", nil
	}
	b, err := json.Marshal(body)
	if err != nil {
		return "", fmt.Errorf("payload of warning %s: %w", p.Number, err)
	}
	return name, delivery.PutPayload(tx, name, b, p.Sent)
}

// hookOf is what webhooks carry.
func hookOf(p Publication) any {
	type area struct {
		ID   int64     `json:"id,omitempty"`
		Code string    `json:"code,omitempty"`
		Name page.Text `json:"name"`
	}
	body := struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      any       `json:"data"`
	}{Type: "warning." + map[string]string{"alert": "issued", "update": "updated", "cancel": "cancelled", "all-clear": "all-clear"}[p.Kind], Timestamp: p.Sent.UTC()}
	areas := []area{}
	for _, x := range p.Places {
		areas = append(areas, area{x.ID, x.Code, x.Name})
	}
	body.Data = map[string]any{
		"number": p.Number, "version": p.Version, "status": p.Status, "scope": p.Scope, "level": p.Level, "level_before": p.Before, "hazard": p.Hazard, "event": p.Event,
		"headline": p.Told, "description": p.Description, "instruction": p.Instruction, "areas": areas, "onset": p.Onset.UTC(),
		"expires": p.Expires.UTC(), "sent": p.Sent.UTC(), "identifier": p.Identifier, "url": p.URL, "cap": p.CAP,
	}
	return body
}

// gatewayOf is what a gateway, or the file in its place, is told beside the text.
func gatewayOf(p Publication, outlines bool) delivery.GatewayWarning {
	g := delivery.GatewayWarning{
		Number: p.Number, Version: p.Version, Kind: p.Kind, Status: p.Status, Level: p.Level, LevelBefore: p.Before, Hazard: p.Hazard,
		Areas: []delivery.GatewayArea{}, Onset: p.Onset.UTC(), Expires: p.Expires.UTC(), Sent: p.Sent.UTC(), Identifier: p.Identifier, CAP: p.CAPURL,
	}
	for _, x := range p.Places {
		a := delivery.GatewayArea{Code: x.Code, Name: delivery.Text{En: x.Name.English, Zh: x.Name.Chinese}}
		if outlines {
			a.Polygons = x.Polygons
		}
		g.Areas = append(g.Areas, a)
	}
	return g
}

// versionOf reads the version out of a message's key.
func versionOf(key string) int {
	middle, _, _ := strings.Cut(strings.TrimPrefix(key, "warning:"), ":")
	_, text, _ := strings.Cut(middle, ".")
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}
