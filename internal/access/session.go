package access

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// Sessions are rows of ours and not of a session library: they need columns, so that all sessions of an account can be
// ended and swept, must keep the clock by which people live, and must not write at each request, since there is one writer.

// cookieName is the session's cookie. With HTTPS it carries the prefix that keeps other hosts of the domain from setting
// it.
const cookieName = "anlan_session"

func (s *Service) cookieName(secure bool) string {
	if secure {
		return "__Host-" + cookieName
	}
	return cookieName
}

// cookie holds the session's secret, or takes the cookie back if value is empty. It ends with the browser; the server
// ends the session by its own clock.
func (s *Service) cookie(secure bool, value string) *http.Cookie {
	c := &http.Cookie{
		Name: s.cookieName(secure), Value: value, Path: "/",
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// peer is what Authenticate found out about the one who sent a request.
type peer struct {
	addr netip.Addr
	// sameMachine: the connection comes from this machine and nobody forwarded it.
	sameMachine bool
	// loopback: sameMachine, and by a name that can only mean this machine, so that no foreign page whose name was made
	// to point here can be behind it.
	loopback bool
	secure   bool
	session  *session // nil when not signed in
}

type peerKey struct{}

// identified is the context of a request of which is known who sent it: one where two would be made for each request.
type identified struct {
	context.Context
	actor any // Actor, and
	peer  any // peer, boxed once
}

func (c *identified) Value(key any) any {
	switch key.(type) {
	case actorKey:
		return c.actor
	case peerKey:
		return c.peer
	}
	return c.Context.Value(key)
}

func peerOf(ctx context.Context) peer {
	p, _ := ctx.Value(peerKey{}).(peer)
	return p
}

// Authenticate puts the actor of each request into its context: the account of a session cookie, the device or the local
// command of a bearer token, or the public. A bearer token that is not good is refused, not taken for the public. Requests
// that a page of another site makes a browser send are refused if they would change something.
func (s *Service) Authenticate(next http.Handler) http.Handler {
	return s.crossSite.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := s.peer(r)
		actor, err := s.identify(r, &p)
		if err != nil {
			if e := new(web.Error); errors.As(err, &e) && e.Status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Bearer realm="anlan"`)
			}
			web.WriteError(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(&identified{r.Context(), actor, p}))
	}))
}

// identify says who sent the request.
func (s *Service) identify(r *http.Request, p *peer) (Actor, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, text, _ := strings.Cut(header, " ")
		// Many clients of the SensorThings API know only a name and a password: the token is the password.
		if _, password, ok := r.BasicAuth(); ok {
			scheme, text = "Bearer", password
		}
		if !strings.EqualFold(scheme, "Bearer") {
			return Actor{}, badToken()
		}
		return s.bearer(r.Context(), strings.TrimSpace(text), *p)
	}
	c, err := r.Cookie(s.cookieName(p.secure))
	if err != nil || c.Value == "" {
		return Actor{}, nil
	}
	sess, a, err := s.resume(r.Context(), digest(c.Value))
	if err != nil {
		return Actor{}, err
	}
	if a == nil || a.demo && !(s.demo.Load() && p.loopback) {
		return Actor{}, nil // signed out meanwhile: whatever needs an account will say so
	}
	p.session = sess
	return a.actor(), nil
}

func badToken() error {
	return web.Errorf(http.StatusUnauthorized, "access.token", "this token is not good here: it is wrong or was revoked")
}

func (s *Service) bearer(ctx context.Context, text string, p peer) (Actor, error) {
	hash := digest(text)
	// Comparing digests tells nothing about a secret by its time: a guess can't be steered towards a digest.
	if p.sameMachine && s.localToken != [len(hash)]byte{} && hash == s.localToken {
		return System("local command"), nil
	}
	t := s.known.Load().tokens[hash]
	if t == nil || !t.revokedAt.IsZero() {
		return Actor{}, badToken()
	}
	s.touchToken(ctx, t)
	return t.actor(), nil
}

// Token is the actor of a device token, for those who do not come by HTTP.
func (s *Service) Token(ctx context.Context, text string) (Actor, error) {
	return s.bearer(ctx, text, peer{})
}

// touchToken keeps the hour of the last use, written at most once an hour and without being waited for.
func (s *Service) touchToken(ctx context.Context, t *token) {
	hour := db.Micros(s.clock.Now().Truncate(time.Hour))
	if old := t.usedAt.Load(); old >= hour || !t.usedAt.CompareAndSwap(old, hour) {
		return
	}
	s.later(ctx, "token use", func(tx *db.Tx) error {
		_, err := tx.Exec(`update access_tokens set used_at = $2 where id = $1`, t.id, hour)
		return err
	})
}

// later writes what nobody waits for.
func (s *Service) later(ctx context.Context, what string, fn func(tx *db.Tx) error) {
	report := func(err error) {
		if err != nil {
			s.log.ErrorContext(ctx, "not noted: "+what, "err", err)
		}
	}
	if err := s.db.WriteAsync(ctx, fn, report); err != nil {
		report(err)
	}
}

// resume finds the session of a cookie and its account; both are nil when there is none or it has ended.
func (s *Service) resume(ctx context.Context, token [32]byte) (*session, *account, error) {
	var sess session
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		sess, err = findSession(tx, token)
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("find session: %w", err)
	}
	now := s.people.Now()
	a := s.known.Load().accounts[sess.account]
	if a == nil || a.disabled || a.epoch != sess.epoch || now.Sub(sess.seenAt) > MaxIdle || now.Sub(sess.startedAt) > MaxSession {
		return nil, nil, nil
	}
	if now.Sub(sess.seenAt) >= seenEvery {
		s.later(ctx, "session use", func(tx *db.Tx) error {
			_, err := tx.Exec(`update access_sessions set seen_at = $2 where token = $1 and seen_at < $2`, token[:], db.Micros(now))
			return err
		})
	}
	return &sess, a, nil
}

// Alive reports whether the actor of ctx may still be believed: the session has not ended, the token was not revoked, the
// account was not disabled since the request began. A long answer, such as a stream of events, asks now and then.
func (s *Service) Alive(ctx context.Context) bool {
	switch a := From(ctx); a.Kind {
	case KindAccount:
		p := peerOf(ctx)
		if p.session == nil {
			return false
		}
		_, found, err := s.resume(ctx, p.session.token)
		return err == nil && found != nil && found.id == a.ID
	case KindDevice:
		for _, t := range s.known.Load().tokens {
			if t.id == a.ID {
				return t.revokedAt.IsZero()
			}
		}
		return false
	}
	return true
}

// signIn checks name and password and starts a session; it returns the cookie.
func (s *Service) signIn(ctx context.Context, name, password string) (*account, *http.Cookie, error) {
	p := peerOf(ctx)
	key := nameKey(name)
	a := s.known.Load().names[key]
	if wait, first := s.throttle.attempt(s.people.Now(), key, p.addr); wait > 0 {
		if first {
			if err := s.recordLimit(ctx, a); err != nil {
				return nil, nil, err
			}
		}
		seconds := strconv.Itoa(int(math.Ceil(wait.Seconds())))
		return nil, nil, huma.ErrorWithHeaders(
			web.Errorf(http.StatusTooManyRequests, "access.too_many_attempts", "too many attempts: try again in %s seconds", seconds),
			http.Header{"Retry-After": {seconds}})
	}
	phc := ""
	if a != nil && !a.disabled && !a.demo {
		phc = a.password
	}
	if len(password) > 4*MaxPassword { // nobody's, and not worth hashing
		phc, password = "", ""
	}
	ok, err := s.hasher.verify(ctx, phc, password)
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		return nil, nil, web.Errorf(http.StatusUnauthorized, "access.wrong_password", "the name or the password is wrong")
	}
	s.throttle.success(key, p.addr)
	c, err := s.start(ctx, a)
	return a, c, err
}

// recordLimit notes that someone was held back. The name that was tried goes in only if there is such an account: else it
// could be a password in the wrong field.
func (s *Service) recordLimit(ctx context.Context, a *account) error {
	var id int64
	detail := map[string]any{}
	if a != nil {
		id, detail["name"] = a.id, a.name
	}
	return s.db.Write(ctx, func(tx *db.Tx) error { return s.record(ctx, tx, "session.limited", "account", id, detail) })
}

// start makes a session with a secret of its own, never one that the browser brought along, and ends the one it had.
func (s *Service) start(ctx context.Context, a *account) (*http.Cookie, error) {
	p := peerOf(ctx)
	text := secret()
	now := s.people.Now()
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		if p.session != nil {
			if err := endSession(tx, p.session.token); err != nil {
				return err
			}
		}
		return putSession(tx, session{token: digest(text), account: a.id, epoch: a.epoch, startedAt: now, seenAt: now})
	})
	if err != nil {
		return nil, err
	}
	return s.cookie(p.secure, text), nil
}

// signOut ends the session and takes the cookie back.
func (s *Service) signOut(ctx context.Context) (*http.Cookie, error) {
	p := peerOf(ctx)
	if p.session != nil {
		if err := s.db.Write(ctx, func(tx *db.Tx) error { return endSession(tx, p.session.token) }); err != nil {
			return nil, err
		}
	}
	return s.cookie(p.secure, ""), nil
}

// changePassword sets the password of the signed-in account, who proves that it knows the old one. All its sessions end;
// the answer carries the cookie of a new one.
func (s *Service) changePassword(ctx context.Context, old, password string) (*account, *http.Cookie, error) {
	actor := From(ctx)
	a := s.known.Load().accounts[actor.ID]
	if actor.Kind != KindAccount || a == nil || a.demo {
		return nil, nil, denied("only an account with a password can change it")
	}
	if wait, _ := s.throttle.attempt(s.people.Now(), nameKey(a.name), peerOf(ctx).addr); wait > 0 {
		return nil, nil, web.Errorf(http.StatusTooManyRequests, "access.too_many_attempts", "too many attempts: try again later")
	}
	if ok, err := s.hasher.verify(ctx, a.password, old); err != nil {
		return nil, nil, err
	} else if !ok {
		return nil, nil, web.Errorf(http.StatusForbidden, "access.wrong_password", "the old password is wrong").At("password")
	}
	if err := checkPassword(password); err != nil {
		return nil, nil, err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return nil, nil, err
	}
	var next *account
	err = s.change(ctx, func(tx *db.Tx) error {
		accounts, err := allAccounts(tx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(accounts, func(o *account) bool { return o.id == a.id })
		if i < 0 || accounts[i].disabled || accounts[i].password != a.password {
			return web.Errorf(http.StatusConflict, "access.changed", "the account was changed by someone else, sign in again")
		}
		next = accounts[i]
		next.password, next.epoch = hash, next.epoch+1
		if err := endSessionsOf(tx, next.id); err != nil {
			return err
		}
		if err := changeAccount(tx, next); err != nil {
			return err
		}
		return s.record(ctx, tx, "account.password", "account", next.id, nil)
	})
	if err != nil {
		return nil, nil, err
	}
	s.throttle.success(nameKey(a.name), peerOf(ctx).addr)
	c, err := s.start(ctx, next)
	return next, c, err
}

// Client is the address of who sent a request, behind a trusted proxy too; the zero address before Authenticate.
func Client(r *http.Request) netip.Addr { return peerOf(r.Context()).addr }

// forwarding are the headers by which a proxy shows that it stands between.
var forwarding = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"}

// peer finds out where a request comes from.
func (s *Service) peer(r *http.Request) peer {
	p := peer{secure: r.TLS != nil || s.secure}
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		p.addr = ap.Addr().Unmap()
	}
	forwarded := slices.ContainsFunc(forwarding, func(h string) bool { return r.Header.Get(h) != "" })
	own, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	p.sameMachine = !forwarded && (p.addr.IsLoopback() || own != nil && isAddr(own, p.addr))
	p.loopback = !forwarded && p.addr.IsLoopback() && loopbackHost(r.Host)
	if s.trusted(p.addr) {
		// From the right: each proxy appends whom it heard. The first that is no proxy of ours is the client.
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for i := len(hops) - 1; i >= 0 && s.trusted(p.addr); i-- {
			a, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
			if err != nil {
				break
			}
			p.addr = a.Unmap()
		}
	}
	return p
}

func (s *Service) trusted(a netip.Addr) bool {
	return slices.ContainsFunc(s.proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

func isAddr(own net.Addr, a netip.Addr) bool {
	ap, err := netip.ParseAddrPort(own.String())
	return err == nil && ap.Addr().Unmap() == a
}

// loopbackHost says whether a host, with or without a port, can only mean this machine.
func loopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.Unmap().IsLoopback()
}
