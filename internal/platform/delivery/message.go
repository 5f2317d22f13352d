package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	// maxKey bounds keys, in bytes.
	maxKey = 200
	// DefaultUntil is how long a message that names no end is tried for.
	DefaultUntil = 24 * time.Hour
)

// Priority orders what waits, and tells the channel how hard to knock.
type Priority int

// The priorities.
const (
	Low Priority = iota
	Normal
	High
	Urgent
)

// Text is a wording in the two languages of the product.
type Text struct {
	En string `json:"en"`
	Zh string `json:"zh-CN"`
}

// In is the text in "en" or "zh-CN".
func (t Text) In(lang string) string {
	if lang == "zh-CN" {
		return t.Zh
	}
	return t.En
}

// Message is what is to be sent.
type Message struct {
	// Key names the message among all that were ever put: one of a key that is known is not added again.
	Key string `json:"key"`
	// Channel is the adapter's name; Address is the receiver in the channel's own form: a file, a subscription, a number.
	Channel string `json:"-"`
	Address string `json:"-"`
	Subject Text   `json:"subject"`
	Body    Text   `json:"body"`
	// Language is "en" or "zh-CN" where the receiver has chosen one; empty: both are to be sent.
	Language string `json:"language,omitempty"`
	// Link is a path of this server that has more.
	Link string `json:"link,omitempty"`
	// Replaces is the thread of messages of which a receiver need only see the newest; empty: it stands alone.
	Replaces string   `json:"replaces,omitempty"`
	Priority Priority `json:"priority"`
	// At is when it was put; Until the time after which it is worth nothing, DefaultUntil after At when zero.
	At    time.Time `json:"at"`
	Until time.Time `json:"until,omitzero"`

	// Payload names JSON that goes out as it is, where the channel takes such: in place of Subject and Body, or beside them. See
	// PutPayload.
	Payload string `json:"payload,omitempty"`

	// Data is the payload, Secret what the receiver shares with us. Only the runner sets them; neither is ever stored here.
	Data   []byte `json:"-"`
	Secret string `json:"-"`
	// InDoubt says that an earlier attempt may have arrived. Only the runner sets it.
	InDoubt bool `json:"-"`
}

// Adapter sends messages over one channel. Send blocks until the channel has answered or ctx ends, and may be called for
// several messages at a time, but never for two of one address. proof is what the channel answered, for people: a number, a
// line, a status. An error that wraps ErrPermanent says that this message will never be taken; ErrGone that this address never
// takes one again; any other error may be repeated, not before After's time where it is a *Later. A message with InDoubt may
// have been sent by an earlier call with the same Key; who can tell by the key sends it once.
type Adapter interface {
	Send(ctx context.Context, m Message) (proof string, err error)
}

// Subject and text in the receiver's language, or in both.
func (m Message) subject() string { return m.wording(m.Subject, " ") }
func (m Message) text() string    { return m.wording(m.Body, "\n\n") }

func (m Message) wording(t Text, between string) string {
	switch {
	case m.Language != "":
		return t.In(m.Language)
	case t.En == t.Zh || t.En == "":
		return t.Zh
	case t.Zh == "":
		return t.En
	}
	return t.Zh + between + t.En
}

// Pace is how fast a channel is sent on.
type Pace struct {
	// AtOnce bounds how many addresses are with the adapter at a time, InARow how many messages of one address are claimed
	// together; they are sent one after the other.
	AtOnce, InARow int
}

// Paced is an adapter that says its pace; the others go at DefaultPace.
type Paced interface{ Pace() Pace }

// DefaultPace is that of an adapter that does not say.
func DefaultPace() Pace { return Pace{AtOnce: 8, InARow: 8} }

func paceOf(a Adapter) Pace {
	if p, ok := a.(Paced); ok {
		return p.Pace()
	}
	return DefaultPace()
}

var (
	// ErrPermanent marks the failure of a message that no repetition mends.
	ErrPermanent = errors.New("it will never be taken")
	// ErrGone marks the failure of an address that no longer exists. It is permanent, too.
	ErrGone = fmt.Errorf("the address is gone: %w", ErrPermanent)
)

// Later is a failure that the channel wants repeated no earlier than after a pause.
type Later struct {
	Pause time.Duration
	Err   error
}

// Error is that of the failure.
func (e *Later) Error() string { return e.Err.Error() }

// Unwrap is the failure.
func (e *Later) Unwrap() error { return e.Err }

// Status makes an error of an HTTP status: nil for success, ErrGone for 404 and 410, ErrPermanent for what a repetition won't
// mend.
func Status(code int, text string) error {
	err := fmt.Errorf("the channel answered %d %s", code, text)
	switch {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusNotFound, code == http.StatusGone:
		return fmt.Errorf("%w: %w", ErrGone, err)
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code >= 500:
		return err
	}
	return fmt.Errorf("%w: %w", ErrPermanent, err)
}

func (m Message) check() error {
	switch {
	case m.Key == "" || len(m.Key) > maxKey:
		return fmt.Errorf("message for %s: its key has %d bytes, expected 1 to %d", m.Channel, len(m.Key), maxKey)
	case m.Channel == "" || m.Address == "":
		return fmt.Errorf("message %s has no channel or no address", m.Key)
	case m.Priority < Low || m.Priority > Urgent:
		return fmt.Errorf("message %s: unknown priority %d", m.Key, m.Priority)
	case m.At.IsZero():
		return fmt.Errorf("message %s does not say when it was put", m.Key)
	}
	return nil
}

func (m Message) encode() (string, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("message %s: %w", m.Key, err)
	}
	return string(b), nil
}
