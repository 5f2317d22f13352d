package mqtt

import (
	"context"
	"errors"
	"net"
)

// Intake takes what clients publish.
type Intake interface {
	// Publish takes one message. It blocks only for backpressure, until ctx ends; a message that it has taken is no longer
	// stopped by the end of ctx. Calls for one client come in the order of its packets.
	//
	// done is called exactly once, from any goroutine, perhaps before Publish returns, and does not block. nil: the
	// message is valid and its commit is synced. A *web.Error with a status below 500 (but for 429) says what is wrong
	// with the message, which will never be taken: 401 and 403 not allowed, 404 there is no such topic, 413 too large,
	// others a wrong payload. Any other error says that it could not be stored now.
	//
	// payload belongs to Intake, which may keep it but must not change it.
	Publish(ctx context.Context, topic string, payload []byte, done func(error))
}

// Row is one row of the log, which only the feed can read. The same value is handed to many subscriptions, never to two at
// once, so it may index itself when it is first asked.
type Row interface {
	// Seq is the row's place in the log. Seqs grow; there may be gaps.
	Seq() int64
}

// Feed is the one order of changes.
type Feed interface {
	// LastSeq is the newest row of the log, from memory.
	LastSeq() int64
	// Tail hands the rows after a position to fn, in order, each once, and waits for new ones until ctx ends, then returns
	// nil, or until fn fails, then returns its error. fn may block for long. It returns ErrTrimmed if rows after the
	// position are gone.
	Tail(ctx context.Context, after int64, fn func(Row) error) error
	// Hold says that the consumer will never again ask for rows up to position.
	Hold(consumer string, position int64)
	// Size is about how many bytes the log keeps after a position. It reads the store.
	Size(ctx context.Context, after int64) (int64, error)
	// Compile checks a topic filter, which has no wildcards, for the actor of ctx. A *web.Error says why it is refused: 401 and 403 not allowed,
	// others not a filter that can be served.
	Compile(ctx context.Context, filter string) (Subscription, error)
}

// ErrTrimmed is what Feed.Tail returns if rows that it should hand out are no longer there.
var ErrTrimmed = errors.New("the log was trimmed past the position")

// Subscription is a compiled topic filter.
type Subscription interface {
	// Key names what the subscription gives: two subscriptions with the same key give the same messages for every row, and
	// are asked once for all clients. Where actors see different things their rights are part of the key. "" says that it
	// may take long over a row, or is of a kind of which there can be any number: its client then reads the log by itself, so
	// that nobody waits for it.
	Key() string
	// Messages hands the messages that a row holds for the filter to emit, in order, and returns emit's error. The same
	// row gives the same messages whenever it is asked, as far as the actor's rights are the same. The topic is the filter's
	// own text. Payloads are not changed afterwards. It is called for every row; with a key the
	// hub waits: it answers from memory then, and at once where the row holds nothing for it. With an error the client is
	// disconnected and asks again from the same row; what the actor may not see is left out, without one.
	Messages(row Row, emit func(topic string, payload []byte) error) error
}

// Authenticator knows who may connect.
type Authenticator interface {
	// Authenticate returns a context derived from ctx that carries the actor (access.From). user and password are "" where
	// the client sent none. A *web.Error with a status below 500 refuses the client; any other error says that it could
	// not be decided now.
	Authenticate(ctx context.Context, user, password string, remote net.Addr) (context.Context, error)
}
