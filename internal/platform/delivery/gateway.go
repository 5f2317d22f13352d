package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"time"
)

// Gateway is the channel to a gateway of short messages or cell broadcasts that speaks the contract of docs/delivery.md: a POST
// of JSON with an Idempotency-Key, by which the gateway tells a repeat. The address of a message is the number, or the name
// under which the gateway knows where to broadcast.
type Gateway struct {
	url, token string
	carrier    Carrier
	wire       *wire
}

var (
	_ Adapter = (*Gateway)(nil)
	_ Paced   = (*Gateway)(nil)
)

// GatewayRequest is what a gateway is sent.
type GatewayRequest struct {
	ID       string `json:"id"`
	To       string `json:"to"`
	Text     string `json:"text"`
	Language string `json:"language,omitempty"`
	Length
	Urgent bool   `json:"urgent"`
	Until  string `json:"until"`
	// Warning is the message's payload, a GatewayWarning.
	Warning json.RawMessage `json:"warning,omitempty"`
}

// GatewayWarning is what a gateway is told beside the text, so that it can choose the class of the broadcast, the cells, and what
// the message takes the place of.
type GatewayWarning struct {
	Number      string        `json:"number"`
	Version     int           `json:"version"`
	Kind        string        `json:"kind"`
	Status      string        `json:"status"`
	Level       string        `json:"level"`
	LevelBefore string        `json:"level_before,omitempty"`
	Hazard      string        `json:"hazard"`
	Areas       []GatewayArea `json:"areas"`
	Onset       time.Time     `json:"onset"`
	Expires     time.Time     `json:"expires"`
	Sent        time.Time     `json:"sent"`
	Identifier  string        `json:"identifier"`
	// CAP is where the document can be fetched; empty of what is not public.
	CAP string `json:"cap,omitempty"`
}

// GatewayArea is one area of a warning. Polygons are as in CAP: pairs of latitude and longitude (WGS 84), parted by spaces, the
// last of which is the first.
type GatewayArea struct {
	Code     string   `json:"code,omitempty"`
	Name     Text     `json:"name"`
	Polygons []string `json:"polygons,omitempty"`
}

// NewGateway returns the channel. With a token each request shows it as a bearer.
func NewGateway(url, token string, c Carrier, networks []netip.Prefix) (*Gateway, error) {
	g := &Gateway{url, token, c, newWire(networks, DefaultPace().AtOnce)}
	if err := g.wire.check(url); err != nil {
		return nil, fmt.Errorf("address of the gateway: %w", err)
	}
	return g, nil
}

// Pace fulfils Paced.
func (g *Gateway) Pace() Pace { return Pace{AtOnce: 16, InARow: 4} }

// Send fulfils Adapter. 409 says that the gateway has the message already.
func (g *Gateway) Send(ctx context.Context, m Message) (string, error) {
	text := m.text()
	l := g.carrier.Measure(text)
	if l.Parts == 0 || l.Parts > g.carrier.Most {
		return "", fmt.Errorf("%w: the text takes %d parts, expected 1 to %d", ErrPermanent, l.Parts, g.carrier.Most)
	}
	b, err := json.Marshal(GatewayRequest{
		ID: WebhookID(m.Key), To: m.Address, Text: text, Language: m.Language, Length: l, Urgent: m.Priority == Urgent, Until: m.Until.UTC().Format("2006-01-02T15:04:05Z"),
		Warning: m.Data,
	})
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrPermanent, err)
	}
	header := http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {WebhookID(m.Key)}}
	if g.token != "" {
		header.Set("Authorization", "Bearer "+g.token)
	}
	status, answer, err := g.wire.post(ctx, g.url, header, b)
	if status == http.StatusConflict {
		return took(status, g.url) + ": it has it already", nil
	}
	if err != nil {
		return "", err
	}
	var said struct {
		Reference string `json:"reference"`
	}
	if json.Unmarshal(answer, &said) != nil || said.Reference == "" {
		return took(status, g.url), nil
	}
	return took(status, g.url) + ", reference " + said.Reference, nil
}
