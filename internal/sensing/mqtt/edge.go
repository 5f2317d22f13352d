package mqtt

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// Edge is the MQTT door. It is started and stopped once; its methods are safe for concurrent use.
type Edge struct {
	opts    Options
	limits  Limits
	mochi   *mochi.Server
	hub     *hub
	letters *letters
	count   counters

	listeners []*listener    // set by Start
	conns     sync.WaitGroup // listeners and connections
	tasks     sync.WaitGroup // hub, letters, keeper
	close     context.CancelFunc
	end       context.CancelFunc

	inFlight atomic.Int64 // bytes of publishes that await their commit or their dead letter
	sockets  atomic.Int64 // open connections, with those that have not sent a CONNECT
	names    atomic.Int64 // given to mochi
	now      atomic.Int64 // microseconds, as of the keeper's last round: what stalls is told by it, to the second

	weighed time.Time // when the keeper last looked how much of the log is held

	mu sync.Mutex
	// guarded by mu
	sessions  map[string]*session
	revoked   map[Owner]bool // since the start: a CONNECT may have been authenticated just before
	connected int
	stopping  bool
	held      int64 // as told to Feed.Hold
}

// New returns an edge that is not open yet.
func New(o Options) (*Edge, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	e := &Edge{opts: o, limits: o.Limits, sessions: map[string]*session{}, revoked: map[Owner]bool{}, letters: newLetters(o.DB)}
	e.hub = newHub(e)
	var err error
	if e.mochi, err = newMochi(e); err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	return e, nil
}

// Start loads the sessions, holds the log for them, and opens the listeners. It must come before whatever trims the log.
// When it fails, nothing is left open.
func (e *Edge) Start(ctx context.Context) error {
	now := e.opts.Clock.Now()
	e.now.Store(now.UnixMicro())
	rows, err := loadSessions(ctx, e.opts.DB)
	if err != nil {
		return err
	}
	for _, r := range rows {
		s := &session{
			id: r.client, owner: r.owner, expiry: r.expiry, goneAt: r.goneAt, position: r.position, filters: r.filters,
			stored: true, saved: r.position,
		}
		if s.goneAt.IsZero() { // it was connected when the process ended
			s.goneAt = now
		}
		e.sessions[s.id] = s
	}
	e.hold()
	for _, l := range e.opts.Listeners {
		opened, err := e.open(l)
		if err != nil {
			for _, before := range e.listeners {
				_ = before.ln.Close()
			}
			return err
		}
		e.listeners = append(e.listeners, opened)
	}
	var background, serving context.Context
	background, e.end = context.WithCancel(context.WithoutCancel(ctx))
	serving, e.close = context.WithCancel(background)
	e.tasks.Go(func() { e.hub.run(background) })
	e.tasks.Go(func() { e.letters.run(background) })
	e.tasks.Go(func() { e.keep(background) })
	for _, l := range e.listeners {
		e.conns.Go(func() { l.serve(serving) })
		slog.InfoContext(ctx, "mqtt listens", "listener", l.Name, "addr", l.ln.Addr().String(), "tls", l.TLS != nil,
			"websocket", l.WebSocket)
	}
	return nil
}

// Stop disconnects all clients (0x8B), writes where they are, and returns when nothing of the edge runs any more. It may be
// called twice, and without Start.
func (e *Edge) Stop() {
	e.mu.Lock()
	first := !e.stopping && e.close != nil
	e.stopping = true
	e.mu.Unlock()
	if !first {
		return
	}
	e.close()
	for _, l := range e.listeners {
		_ = l.ln.Close() // the WebSocket server may have closed it
	}
	e.conns.Wait()
	e.end()
	e.tasks.Wait()
	// Positions were queued as the connections ended; a write behind them is done when they are.
	if err := e.opts.DB.Write(context.Background(), func(*db.Tx) error { return nil }); err != nil {
		slog.Error("mqtt positions may be older than what was delivered; some messages will come again", "err", err)
	}
	if err := e.mochi.Close(); err != nil {
		slog.Error("mqtt", "err", err)
	}
}

// Addr is the address of a listener, nil if there is none of that name.
func (e *Edge) Addr(name string) net.Addr {
	for _, l := range e.listeners {
		if l.Name == name {
			return l.ln.Addr()
		}
	}
	return nil
}

func (e *Edge) nextName() string { return strconv.FormatInt(e.names.Add(1), 10) }

// Revoke ends the connections and sessions of a credential that is no longer good.
func (e *Edge) Revoke(ctx context.Context, o Owner) error {
	e.mu.Lock()
	e.revoked[o] = true
	var gone []string
	for _, s := range e.sessions {
		if s.owner != o {
			continue
		}
		if s.conn != nil {
			s.ended = true
			s.conn.link.end(revoked())
		} else {
			delete(e.sessions, s.id)
			gone = append(gone, s.id)
		}
	}
	e.mu.Unlock()
	return e.forget(ctx, gone)
}

// forget deletes the rows of sessions that are no longer in memory.
func (e *Edge) forget(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	err := e.opts.DB.Write(ctx, func(tx *db.Tx) error {
		for _, id := range ids {
			if err := deleteSession(tx, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget MQTT sessions: %w", err)
	}
	return nil
}

// endSession gives a connected session up, visibly: its connection ends now and its next one starts anew.
func (e *Edge) endSession(s *session, why string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.endLocked(s, why)
}

func (e *Edge) endLocked(s *session, why string) {
	if s.ended {
		return
	}
	s.ended = true
	e.count.ended.Add(1)
	slog.Warn("an MQTT session was ended: its subscriber has not seen all changes and must look them up", "client", s.id, "why", why)
	if s.conn != nil {
		s.conn.link.end(packets.Code{Code: packets.ErrQuotaExceeded.Code, Reason: why})
	}
}

// Session is what operators see of a session.
type Session struct {
	Client    string        `json:"client"`
	Owner     Owner         `json:"-"`
	Connected bool          `json:"connected"`
	GoneAt    time.Time     `json:"gone_at,omitzero"`
	Expiry    time.Duration `json:"-"`
	Filters   int           `json:"filters"`
	Position  int64         `json:"position"`
	Lag       int64         `json:"lag" doc:"rows of the log that it has not acknowledged"`
}

// Sessions are all sessions, in no order.
func (e *Edge) Sessions() []Session {
	last := e.opts.Feed.LastSeq()
	var out []Session
	for _, v := range e.standing() {
		x := Session{
			Client: v.session.id, Owner: v.owner, Connected: v.conn != nil, GoneAt: v.goneAt, Expiry: v.expiry,
			Position: v.position, Filters: v.filters,
		}
		if v.filters > 0 {
			x.Lag = max(0, last-v.position)
		}
		out = append(out, x)
	}
	return out
}

// stand is where a session is in the log.
type stand struct {
	session  *session
	owner    Owner
	conn     *client // nil: nobody, or someone who is still being let in
	goneAt   time.Time
	expiry   time.Duration
	position int64
	filters  int
	stored   bool
	saved    int64
}

// standing looks at all sessions. Clients are asked without mu held, since the hub may be busy with a row.
func (e *Edge) standing() []stand {
	e.mu.Lock()
	out := make([]stand, 0, len(e.sessions))
	for _, s := range e.sessions {
		v := stand{
			session: s, owner: s.owner, goneAt: s.goneAt, expiry: s.expiry, position: s.position, filters: len(s.filters),
			stored: s.stored, saved: s.saved,
		}
		if s.conn != nil && s.conn.resumed {
			v.conn, v.goneAt = s.conn, time.Time{}
		}
		out = append(out, v)
	}
	e.mu.Unlock()
	for i := range out {
		if v := &out[i]; v.conn != nil {
			v.position, v.filters = e.hub.at(v.conn)
		}
	}
	return out
}

// EndSession ends a session on behalf of an operator.
func (e *Edge) EndSession(ctx context.Context, client string) error {
	e.mu.Lock()
	s := e.sessions[client]
	if s == nil {
		e.mu.Unlock()
		return web.Errorf(http.StatusNotFound, "mqtt.unknown_session", "there is no session of the client %q", client)
	}
	e.endLocked(s, "ended by an operator")
	away := s.conn == nil
	if away {
		delete(e.sessions, client)
	}
	e.mu.Unlock()
	if !away {
		return nil
	}
	return e.forget(ctx, []string{client})
}
