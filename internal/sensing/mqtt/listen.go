package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/mochi-mqtt/server/v2/packets"
)

// spareConns is how many connections may be open beyond MaxClients: those that have not sent their CONNECT, and those that
// are to be told that there is no room.
const spareConns = 256

// listener is one open door. mochi has listeners too, but they can't tell the port of a WebSocket on ":0", wait for ever
// for a CONNECT, and take the process down when the codec panics.
type listener struct {
	Listen
	edge *Edge
	ln   net.Listener

	// What clients published here. received = accepted + refused + failed + in flight.
	received, accepted, refused, failed atomic.Int64
}

func (e *Edge) open(l Listen) (*listener, error) {
	host, port, err := net.SplitHostPort(l.Addr)
	if err != nil {
		return nil, fmt.Errorf("mqtt listener %s: address %q: expected host:port: %w", l.Name, l.Addr, err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	ln, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("mqtt listener %s: %w", l.Name, err)
	}
	ln = narrow{ln}
	if l.TLS != nil {
		ln = tls.NewListener(ln, l.TLS)
	}
	return &listener{Listen: l, edge: e, ln: ln}, nil
}

// sendBuffer is how many bytes the kernel keeps for a client that does not read. Left to itself it would keep megabytes, of
// which a third must be free before a blocked write goes on: a slow client would look like one that has stopped.
const sendBuffer = 128 << 10

// narrow is a listener whose connections have small send buffers.
type narrow struct{ net.Listener }

func (n narrow) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if t, ok := c.(*net.TCPConn); ok && err == nil {
		_ = t.SetWriteBuffer(sendBuffer) // it works without
	}
	return c, err
}

// serve takes connections until the listener is closed.
func (l *listener) serve(ctx context.Context) {
	if l.WebSocket {
		l.serveWeb(ctx)
		return
	}
	for {
		c, err := l.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of files, most likely
			slog.ErrorContext(ctx, "mqtt connection not taken", "listener", l.Name, "err", err)
			select {
			case <-l.edge.opts.Clock.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		l.edge.conns.Go(func() { l.handle(ctx, c) })
	}
}

func (l *listener) serveWeb(ctx context.Context) {
	up := websocket.Upgrader{
		Subprotocols: []string{"mqtt"}, HandshakeTimeout: l.edge.limits.ConnectTimeout,
		CheckOrigin: func(*http.Request) bool { return true }, // a page must know a password; no cookie speaks for it
	}
	srv := &http.Server{
		ReadHeaderTimeout: l.edge.limits.ConnectTimeout, IdleTimeout: l.edge.limits.ConnectTimeout,
		ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			l.edge.conns.Add(1) // hijacked connections are not the server's any more
			defer l.edge.conns.Done()
			c, err := up.Upgrade(w, r, nil)
			if err != nil {
				return // Upgrade has answered
			}
			l.handle(ctx, &webConn{Conn: c.NetConn(), ws: c})
		}),
	}
	l.edge.conns.Go(func() {
		if err := srv.Serve(l.ln); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			slog.ErrorContext(ctx, "mqtt websocket listener ended", "listener", l.Name, "err", err)
		}
	})
	<-ctx.Done()
	// Shutdown waits for handshakes under way: each of them has told conns of itself before its connection is hijacked.
	quick, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	if srv.Shutdown(quick) != nil {
		_ = srv.Close()
	}
}

// handle serves one connection to its end.
func (l *listener) handle(ctx context.Context, c net.Conn) {
	e := l.edge
	if e.sockets.Add(1) > int64(e.limits.MaxClients+spareConns) {
		e.sockets.Add(-1)
		e.count.turnedAway.Add(1)
		_ = c.Close()
		return
	}
	defer e.sockets.Add(-1)
	k := newLink(ctx, c, l)
	stop := context.AfterFunc(ctx, func() { k.end(packets.ErrServerShuttingDown) })
	defer stop()
	if err := c.SetReadDeadline(wall().Add(e.limits.ConnectTimeout)); err != nil {
		_ = c.Close()
		return
	}
	err := l.establish(k)
	k.end(packets.Code{})
	if k.client != nil {
		e.release(k.client)
	}
	k.finish(err)
}

// establish is mochi's part: read CONNECT, then packets, until the connection ends. The codec panics on some malformed
// packets (a SUBSCRIBE of MQTT 5 that ends before its options); that must not end more than this connection.
func (l *listener) establish(k *link) (err error) {
	defer func() {
		if p := recover(); p != nil {
			slog.Error("a packet made the codec panic; its connection was closed", "listener", l.Name, "panic", p,
				"stack", string(debug.Stack()))
			l.edge.count.panics.Add(1)
			err = packets.ErrMalformedPacket
		}
	}()
	return l.edge.mochi.EstablishConnection(l.Name, k)
}

// webConn is a WebSocket as a stream of bytes: packets may be split over messages in any way.
type webConn struct {
	net.Conn
	ws *websocket.Conn

	reading sync.Mutex
	rest    io.Reader
}

var errText = errors.New("expected a binary message")

func (w *webConn) Read(p []byte) (int, error) {
	w.reading.Lock()
	defer w.reading.Unlock()
	for {
		if w.rest == nil {
			kind, r, err := w.ws.NextReader()
			if err != nil {
				return 0, err
			}
			if kind != websocket.BinaryMessage {
				return 0, errText
			}
			w.rest = r
		}
		n, err := w.rest.Read(p)
		if err != nil {
			w.rest = nil // the end of a message, or a failure that NextReader tells again
		}
		if n > 0 || len(p) == 0 {
			return n, nil
		}
	}
}

func (w *webConn) Write(p []byte) (int, error) {
	if err := w.ws.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// goodbye ends the conversation in WebSocket's words.
func (w *webConn) goodbye() {
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = w.ws.WriteControl(websocket.CloseMessage, bye, wall().Add(lastWords)) // the client may be gone already
}
