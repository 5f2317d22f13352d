package mqtt

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/anlan-city/anlan/internal/platform/clock"
)

const (
	// lastWords is how long a DISCONNECT may take to be written, and how long we wait for the client to read it: closing a
	// connection with unread input would reset it, and the client would never see why.
	lastWords = time.Second
)

var errEnded = errors.New("the connection is ending")

// link is a connection. mochi reads from it and writes its answers to it; all that is sent goes through Write, packet by
// packet. Only finish closes the socket, so that there is time for a DISCONNECT: mochi's Close merely ends the reading.
type link struct {
	net.Conn
	listener *listener
	ctx      context.Context // ends when the connection is ending
	cancel   context.CancelFunc

	// Only the reader and, after it, finish look at these two.
	client *client // once CONNECT was accepted
	told   bool    // mochi has written a DISCONNECT of its own

	writing sync.Mutex
	broken  bool // guarded by writing: a write failed, perhaps in the middle of a packet, or the last word was said

	mu sync.Mutex
	// guarded by mu
	ending bool
	ours   bool         // the end began on our side
	cause  packets.Code // told to an MQTT 5 client; the zero value says nothing
}

func newLink(ctx context.Context, c net.Conn, l *listener) *link {
	k := &link{Conn: c, listener: l}
	k.ctx, k.cancel = context.WithCancel(ctx)
	return k
}

// Write sends whole packets.
func (k *link) Write(p []byte) (int, error) {
	k.writing.Lock()
	defer k.writing.Unlock()
	if k.broken {
		return 0, errEnded
	}
	n, err := k.Conn.Write(p)
	if err != nil {
		k.broken = true
	}
	return n, err
}

// SetDeadline is how mochi enforces the keepalive. It bounds reading only: whether writing stalls is for us to judge.
func (k *link) SetDeadline(t time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ending {
		return errEnded // or the reader would go on
	}
	return k.Conn.SetReadDeadline(t)
}

// Close is mochi's way to say that it is done.
func (k *link) Close() error {
	k.stop(packets.Code{}, false)
	return nil
}

// end makes the reader and a stalled writer return, and says whether this call did it. The first cause counts.
func (k *link) end(cause packets.Code) bool { return k.stop(cause, true) }

func (k *link) stop(cause packets.Code, ours bool) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ending {
		return false
	}
	k.ending, k.cause, k.ours = true, cause, ours
	k.cancel()
	past := time.Unix(1, 0)
	if err := errors.Join(k.Conn.SetReadDeadline(past), k.Conn.SetWriteDeadline(past)); err != nil {
		slog.Debug("deadline of an ending connection", "err", err)
	}
	return true
}

// wall is the time of the machine, which is what sockets know, whatever the clock of the city shows.
func wall() time.Time { return clock.System().Now() }

// finish tells an MQTT 5 client why, if it can still be told, and closes the socket. The reader has returned with err.
func (k *link) finish(err error) {
	k.mu.Lock()
	cause, ours := k.cause, k.ours
	k.mu.Unlock()
	var code packets.Code
	var late net.Error
	switch {
	case cause.Code != 0:
	case errors.As(err, &code) && code.Code >= packets.ErrUnspecifiedError.Code:
		cause = code // mochi found a packet that it could not take
	case !ours && errors.As(err, &late) && late.Timeout():
		cause = packets.ErrKeepAliveTimeout
	}
	if k.client != nil && k.client.version == 5 && cause.Code != 0 && !k.told {
		k.sayWhy(cause)
	}
	k.writing.Lock()
	k.broken = true
	k.writing.Unlock()
	if ours || cause.Code != 0 {
		k.linger() // otherwise the client said goodbye, or is gone
	}
	if err := k.Conn.Close(); err != nil {
		slog.Debug("connection closed", "err", err)
	}
}

func (k *link) sayWhy(cause packets.Code) {
	var buf bytes.Buffer
	pk := packets.Packet{
		ProtocolVersion: 5, FixedHeader: packets.FixedHeader{Type: packets.Disconnect}, ReasonCode: cause.Code,
		Properties: packets.Properties{ReasonString: cut(cause.Reason, maxReason)}, Mods: k.client.mods(),
	}
	if err := pk.DisconnectEncode(&buf); err != nil {
		return
	}
	k.writing.Lock()
	defer k.writing.Unlock()
	if k.broken {
		return
	}
	k.broken = true
	if err := k.Conn.SetWriteDeadline(wall().Add(lastWords)); err != nil {
		return
	}
	if _, err := k.Conn.Write(buf.Bytes()); err != nil {
		slog.Debug("a client was not told why", "client", k.client.session.id, "err", err)
	}
}

// linger reads what the client had under way, until it closes its end or has had its time.
func (k *link) linger() {
	c := k.Conn
	if w, ok := c.(*webConn); ok {
		w.goodbye()
		c = w.Conn
	}
	half, ok := c.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || c.SetReadDeadline(wall().Add(lastWords)) != nil {
		return
	}
	_, _ = io.Copy(io.Discard, c) // its end is the event, whatever it is
}
