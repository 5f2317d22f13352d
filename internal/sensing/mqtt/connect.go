package mqtt

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"time"
	"unicode"

	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// maxClientID bounds a client id, in bytes.
const maxClientID = 256

// connect takes a CONNECT that mochi found valid. With an error code nothing is kept.
func (e *Edge) connect(k *link, id string, pk packets.Packet) (*client, packets.Code) {
	if pk.Properties.AuthenticationMethod != "" {
		return nil, packets.ErrBadAuthenticationMethod
	}
	ctx, err := e.opts.Auth.Authenticate(k.ctx, string(pk.Connect.Username), string(pk.Connect.Password), k.RemoteAddr())
	if err != nil {
		code := judgeLogin(err)
		if code.Code == packets.ErrServerUnavailable.Code {
			slog.ErrorContext(k.ctx, "an MQTT client could not be authenticated", "err", err)
		}
		return nil, code
	}
	if len(id) > maxClientID || strings.ContainsFunc(id, unicode.IsControl) {
		return nil, packets.Code{Code: packets.ErrClientIdentifierNotValid.Code, Reason: "expected at most 256 bytes without control characters"}
	}
	c := e.newClient(k, ctx, pk)
	if pk.Connect.ClientIdentifier == "" {
		c.assigned = id
	}
	actor := access.From(ctx)
	owner := Owner{actor.Kind, actor.ID}
	expiry := e.expiry(c, owner, pk)
	if code := e.claim(c, id, owner); code.Code != 0 {
		return nil, code
	}
	if err := e.resume(c, pk.Connect.Clean, expiry); err != nil {
		e.unclaim(c)
		slog.ErrorContext(ctx, "an MQTT session could not be opened", "client", id, "err", err)
		return nil, packets.Code{Code: packets.ErrServerUnavailable.Code, Reason: "the session could not be opened now; try again"}
	}
	k.client = c
	return c, packets.Code{}
}

func (e *Edge) newClient(k *link, ctx context.Context, pk packets.Packet) *client {
	c := &client{
		edge: e, link: k, from: k.listener, ctx: ctx, gone: make(chan struct{}),
		version: pk.ProtocolVersion, window: e.limits.Window, problemInfo: true,
		wake: make(chan struct{}, 1), slots: make(chan struct{}, 1), room: make(chan struct{}, 1),
		filters: map[string]*filter{}, unacked: map[uint16]*delivery{}, progress: e.now.Load(),
	}
	// 1.5 times it must fit mochi's 16 bits.
	longest := uint16(min(e.limits.MaxKeepalive/time.Second, math.MaxUint16/3*2))
	c.keepalive = pk.Connect.Keepalive
	if c.version < 5 {
		c.keepalive = min(c.keepalive, math.MaxUint16/3*2)
		return c
	}
	if c.keepalive == 0 || c.keepalive > longest {
		c.keepalive, c.shortened = longest, true
	}
	c.window = e.limits.MaxWindow
	if n := int(pk.Properties.ReceiveMaximum); n > 0 {
		c.window = min(n, c.window)
	}
	c.maxPacket = pk.Properties.MaximumPacketSize
	c.problemInfo = !pk.Properties.RequestProblemInfoFlag || pk.Properties.RequestProblemInfo != 0
	return c
}

// expiry is how long the session may live without a connection; 0: it ends with it.
func (e *Edge) expiry(c *client, owner Owner, pk packets.Packet) time.Duration {
	if c.version < 5 {
		if pk.Connect.Clean || owner.Kind == access.KindPublic {
			return 0
		}
		return e.limits.Expiry311
	}
	return e.cap(c, owner, pk.Properties.SessionExpiryInterval)
}

func (e *Edge) cap(c *client, owner Owner, seconds uint32) time.Duration {
	wish := time.Duration(seconds) * time.Second
	got := min(wish, e.limits.MaxExpiry)
	if owner.Kind == access.KindPublic {
		got = 0 // who comes back could be anyone
	}
	c.capped = got != wish
	return got
}

// claim makes c the one connection of its client id. One that has it already is told that it was taken over, if it belongs
// to the same credential.
func (e *Edge) claim(c *client, id string, owner Owner) packets.Code {
	for {
		e.mu.Lock()
		s := e.sessions[id]
		if s != nil && s.owner != owner && !s.expired(e.opts.Clock.Now()) {
			e.mu.Unlock()
			return packets.Code{Code: packets.ErrClientIdentifierNotValid.Code, Reason: "the client id belongs to another credential"}
		}
		if s != nil && s.conn != nil {
			old := s.conn
			e.mu.Unlock()
			e.count.takenOver.Add(1)
			old.link.end(packets.ErrSessionTakenOver)
			select {
			case <-old.gone:
			case <-c.ctx.Done():
				return packets.ErrServerUnavailable
			}
			continue
		}
		defer e.mu.Unlock()
		switch {
		case e.stopping:
			return packets.ErrServerUnavailable
		case e.revoked[owner]:
			return revoked()
		case e.connected >= e.limits.MaxClients:
			return packets.ErrServerBusy
		case s == nil && (len(e.sessions) >= e.limits.MaxSessions || owner.Kind != access.KindPublic && e.sessionsOf(owner) >= e.limits.MaxSessionsEach):
			return packets.Code{Code: packets.ErrQuotaExceeded.Code, Reason: "there are too many sessions; let old ones end, or use their client ids"}
		case s == nil:
			s = &session{id: id, owner: owner}
			e.sessions[id] = s
		}
		s.conn, c.session = c, s
		e.connected++
		return packets.Code{}
	}
}

// sessionsOf is how many sessions a credential has. mu is held.
func (e *Edge) sessionsOf(owner Owner) (n int) {
	for _, s := range e.sessions {
		if s.owner == owner {
			n++
		}
	}
	return n
}

// unclaim gives a session back as it was.
func (e *Edge) unclaim(c *client) {
	e.mu.Lock()
	s := c.session
	s.conn = nil
	e.connected--
	if s.goneAt.IsZero() {
		delete(e.sessions, s.id) // it was made for this connection
	}
	e.mu.Unlock()
	close(c.gone)
}

// resume takes up the session that c has claimed, or begins a new one in its place. With an error nothing was changed.
func (e *Edge) resume(c *client, clean bool, expiry time.Duration) error {
	s := c.session
	actor := access.From(c.ctx)
	e.mu.Lock()
	// goneAt is zero in a session that was made for this connection. The other two were given up already.
	known := !s.goneAt.IsZero() && !s.ended && e.opts.Clock.Now().Before(s.goneAt.Add(s.expiry))
	restored, written := known && !clean, s.stored
	next := stored{client: s.id, owner: Owner{actor.Kind, actor.ID}, expiry: expiry}
	var kept []filter
	if restored {
		next.position, kept = s.position, s.filters
	}
	e.mu.Unlock()

	filters, dropped, err := e.recompile(c, kept)
	if err != nil {
		return err
	}
	for _, f := range filters {
		if f.key == "" && !e.mayReadAlone(c) {
			return errors.New("too many clients read the log by themselves")
		}
	}
	write := written || expiry > 0
	if write {
		err := e.opts.DB.Write(c.ctx, func(tx *db.Tx) error { return replaceSession(tx, next, restored, dropped) })
		if err != nil {
			return err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !restored {
		s.position, s.sentBefore, s.saved = 0, 0, 0
		s.mu.Lock()
		s.awaiting = nil
		s.mu.Unlock()
	}
	s.owner, s.expiry, s.ended, s.filters, s.stored = next.owner, expiry, false, nil, write && (restored || expiry > 0)
	c.filters, c.present, c.seen, c.resumed = filters, restored, s.position, true
	return nil
}

// recompile compiles the filters of a session anew: rights may have changed since.
func (e *Edge) recompile(c *client, kept []filter) (map[string]*filter, []string, error) {
	filters := map[string]*filter{}
	var dropped []string
	for _, f := range kept {
		sub, err := e.opts.Feed.Compile(c.ctx, f.text)
		var refusal *web.Error
		if errors.As(err, &refusal) && refusal.Status < 500 {
			slog.WarnContext(c.ctx, "a subscription is no longer allowed and was dropped", "client", c.session.id, "filter", f.text,
				"err", err)
			dropped = append(dropped, f.text)
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		filters[f.text] = f.compiled(sub)
	}
	return filters, dropped, nil
}

// replaceSession writes what a connection makes of a session.
func replaceSession(tx *db.Tx, next stored, restored bool, dropped []string) error {
	if !restored {
		if err := deleteSession(tx, next.client); err != nil {
			return err
		}
		if next.expiry == 0 {
			return nil
		}
	}
	if err := putSession(tx, next); err != nil {
		return err
	}
	return dropFilters(tx, next.client, dropped)
}

// row is the session as it is to be stored, without its filters. Edge.mu is held.
func (s *session) row(goneAt time.Time) stored {
	return stored{client: s.id, owner: s.owner, expiry: s.expiry, position: s.position, goneAt: goneAt}
}

// welcome completes a CONNACK that accepts.
func (c *client) welcome(pk *packets.Packet) {
	pk.SessionPresent = c.present
	if c.version < 5 {
		return
	}
	e := c.edge
	p := &pk.Properties
	p.ReceiveMaximum = uint16(min(e.limits.MaxInFlight, math.MaxUint16))
	p.MaximumQosFlag, p.MaximumQos = true, 1
	p.RetainAvailableFlag, p.SharedSubAvailableFlag, p.WildcardSubAvailableFlag = true, true, true // none of the three is
	p.MaximumPacketSize = uint32(e.limits.MaxPacket)
	p.TopicAliasMaximum = maxAliases
	p.AssignedClientID = c.assigned
	if c.shortened {
		p.ServerKeepAliveFlag, p.ServerKeepAlive = true, c.keepalive
	}
	if c.capped {
		e.mu.Lock()
		p.SessionExpiryIntervalFlag, p.SessionExpiryInterval = true, uint32(c.session.expiry/time.Second)
		e.mu.Unlock()
	}
}

// leaving takes a DISCONNECT, which in MQTT 5 may change how long the session lives on.
func (c *client) leaving(pk *packets.Packet) packets.Code {
	if c.version < 5 || !pk.Properties.SessionExpiryIntervalFlag {
		return packets.Code{}
	}
	e, s := c.edge, c.session
	e.mu.Lock()
	defer e.mu.Unlock()
	if s.expiry == 0 && pk.Properties.SessionExpiryInterval > 0 {
		return packets.ErrProtocolViolationZeroNonZeroExpiry
	}
	s.expiry = e.cap(c, s.owner, pk.Properties.SessionExpiryInterval)
	return packets.Code{}
}

// release gives a session back when its connection has ended, and has it written down.
func (e *Edge) release(c *client) {
	c.mu.Lock()
	c.over = true // from here on nothing new is started for it
	c.mu.Unlock()
	c.work.Wait()
	position := e.hub.release(c)
	s := c.session
	now := e.opts.Clock.Now()
	e.mu.Lock()
	s.conn, s.goneAt, s.position = nil, now, max(s.position, position)
	s.sentBefore = max(s.sentBefore, c.sentUpTo)
	s.filters = s.filters[:0]
	for _, f := range c.filters {
		idle := *f
		idle.sub, idle.key = nil, ""
		s.filters = append(s.filters, idle)
	}
	e.connected--
	ends := s.expiry == 0 || s.ended
	if ends {
		delete(e.sessions, s.id)
	}
	row, written := s.row(now), s.stored
	e.mu.Unlock()
	if written {
		// Writes keep their order, so whoever connects next with this client id need not wait for this one.
		err := e.opts.DB.WriteAsync(context.WithoutCancel(c.ctx), func(tx *db.Tx) error {
			if ends {
				return deleteSession(tx, s.id)
			}
			return putSession(tx, row)
		}, func(err error) { e.written(s, row.position, err) })
		if err != nil {
			e.written(s, row.position, err)
		}
	}
	close(c.gone)
}

// written notes what the disk knows of a session.
func (e *Edge) written(s *session, position int64, err error) {
	if err != nil {
		slog.Error("an MQTT session could not be written; some messages may come again", "client", s.id, "err", err)
		return
	}
	e.mu.Lock()
	s.saved = max(s.saved, position)
	e.mu.Unlock()
}
