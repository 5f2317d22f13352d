package access

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
)

const (
	// MaxIdle ends a session that nobody used: a shift. The console's stream counts when it connects.
	MaxIdle = 8 * time.Hour

	// MaxSession ends a session however busy: the person signs in once a day.
	MaxSession = 24 * time.Hour

	// LinkLife is how long a one-time link is good.
	LinkLife = 24 * time.Hour

	// refreshEvery is how soon a change made by another process takes effect here. One made here does at once.
	refreshEvery = 5 * time.Second

	// sweepEvery is how often dead sessions and links are removed; they are refused before that.
	sweepEvery = time.Hour

	// seenEvery is how exactly the last use of a session is known, so that reading the console doesn't write.
	seenEvery = time.Minute

	localTokenFile = "local.token"
)

// Deps are what access needs.
type Deps struct {
	DB    *db.DB
	Clock clock.Clock
	// People is the clock by which people live, which says when sessions and links end and who is held back: a drill's or a demo's
	// own time may run so fast that a day is over in a minute. Clock when nil.
	People clock.Clock
	// Scopes is city's answer to who answers for what. Without it an organisation covers only itself.
	Scopes Scopes
	// DataDir takes the file local.token, mode 0600, with which commands of this machine's user identify themselves. It
	// is written anew at each start. None if empty.
	DataDir string
	// Secure says that browsers reach this server by HTTPS though the server itself speaks HTTP, behind a proxy.
	Secure bool
	// TrustedProxies are believed about whom they forward for (X-Forwarded-For).
	TrustedProxies []netip.Prefix
	// Site is the layout of the page of one-time links.
	Site page.Site
	// About fills in what the session answer says of the city, the organisation and the program. May be nil.
	About func(ctx context.Context, organisation int64) About
	// Revoked is called once a device token is revoked, so that connections that were opened with it can be ended. May be
	// nil.
	Revoked func(ctx context.Context, token int64)
	Log     *slog.Logger
}

// Service knows who is asking. It is a Decider too. It is safe for concurrent use.
type Service struct {
	*Policy
	db      *db.DB
	clock   clock.Clock
	people  clock.Clock
	secure  bool
	proxies []netip.Prefix
	about   func(ctx context.Context, organisation int64) About
	revoked func(ctx context.Context, token int64)
	log     *slog.Logger
	pages   *page.Set

	hasher     *hasher
	throttle   *throttle
	localToken [sha256.Size]byte // zero when there is none
	demo       atomic.Bool
	demoPosts  atomic.Pointer[[]DemoPost]
	crossSite  *http.CrossOriginProtection

	refreshing sync.Mutex // one refresh at a time, so that an older state can't replace a newer one
	known      atomic.Pointer[state]
}

// state is a copy of accounts and tokens as of one generation. It is never changed.
type state struct {
	generation int64
	accounts   map[int64]*account
	names      map[string]*account // by nameKey
	tokens     map[[sha256.Size]byte]*token
}

var _ Decider = (*Service)(nil)

// New reads accounts and tokens and writes the local token file.
func New(ctx context.Context, d Deps) (*Service, error) {
	policy, err := NewPolicy(d.Scopes)
	if err != nil {
		return nil, err
	}
	pages, err := newPages(d.Site)
	if err != nil {
		return nil, err
	}
	s := &Service{
		Policy: policy, pages: pages, db: d.DB, clock: d.Clock, people: d.People, secure: d.Secure, proxies: d.TrustedProxies, about: d.About, revoked: d.Revoked, log: d.Log,
		hasher: newHasher(), throttle: newThrottle(), crossSite: http.NewCrossOriginProtection(),
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.people == nil {
		s.people = s.clock
	}
	s.crossSite.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.WriteError(w, r, web.Errorf(http.StatusForbidden, "access.cross_site", "this request was made by a page of another site"))
	}))
	if d.DataDir != "" {
		if s.localToken, err = writeLocalToken(d.DataDir); err != nil {
			return nil, err
		}
	}
	return s, s.refresh(ctx)
}

// writeLocalToken makes a new token, in place of the old one all at once.
func writeLocalToken(dir string) ([sha256.Size]byte, error) {
	text := "anlan_local_" + secret()
	file := filepath.Join(dir, localTokenFile)
	tmp := file + ".new"
	if err := os.WriteFile(tmp, []byte(text+"\n"), 0o600); err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("write the local token: %w", err)
	}
	// A file left over from a crash keeps its mode when it is written again.
	if err := os.Chmod(tmp, 0o600); err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("write the local token: %w", err)
	}
	if err := os.Rename(tmp, file); err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("write the local token: %w", err)
	}
	return digest(text), nil
}

// Run takes over what other processes changed and removes dead sessions, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	swept := time.Time{}
	for {
		if now := s.people.Now(); now.Sub(swept) >= sweepEvery {
			if err := s.db.Write(ctx, func(tx *db.Tx) error { return sweep(tx, now) }); err != nil && ctx.Err() == nil {
				s.log.ErrorContext(ctx, "dead sessions not removed", "err", err)
			}
			swept = now
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.people.After(refreshEvery):
		}
		if err := s.refresh(ctx); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "accounts not refreshed", "err", err)
		}
	}
}

// Generation changes whenever an account or token changes. Whoever remembers a decision, for a stream of readings say,
// asks again when it has.
func (s *Service) Generation() int64 { return s.known.Load().generation }

// refresh takes over the state of the database if it changed.
func (s *Service) refresh(ctx context.Context) error {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	old := s.known.Load()
	next := &state{accounts: map[int64]*account{}, names: map[string]*account{}, tokens: map[[sha256.Size]byte]*token{}}
	unchanged := false
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		if next.generation, err = generation(tx); err != nil {
			return err
		}
		if unchanged = old != nil && old.generation == next.generation; unchanged {
			return nil
		}
		accounts, err := allAccounts(tx)
		if err != nil {
			return err
		}
		for _, a := range accounts {
			next.accounts[a.id], next.names[nameKey(a.name)] = a, a
		}
		tokens, err := allTokens(tx)
		if err != nil {
			return err
		}
		for _, t := range tokens {
			if old != nil && old.tokens[t.hash] != nil {
				t.usedAt = old.tokens[t.hash].usedAt
			}
			next.tokens[t.hash] = t
		}
		return nil
	})
	if err != nil || unchanged {
		return err
	}
	s.known.Store(next)
	return nil
}

// change runs fn in a write and takes over what it changed before it returns.
func (s *Service) change(ctx context.Context, fn func(tx *db.Tx) error) error {
	if err := s.db.Write(ctx, fn); err != nil {
		return err
	}
	return s.refresh(context.WithoutCancel(ctx))
}

// record appends an entry about accounts and tokens for the actor of ctx.
func (s *Service) record(ctx context.Context, tx *db.Tx, action, subject string, id int64, detail map[string]any) error {
	a := From(ctx)
	name := a.Name
	if name == "" {
		name = a.Kind.String()
	}
	return ledger.Append(tx, ledger.Entry{
		Action: action, Actor: name, ActorID: a.ID, Subject: subject, SubjectID: id, At: s.clock.Now(), Detail: detail,
	})
}

// AccountSpec is what an administrator says of an account.
type AccountSpec struct {
	Name         string   `json:"name" minLength:"2" maxLength:"64" doc:"letters, digits and -._@; a post's name is better than a person's"`
	Organisation int64    `json:"organisation" minimum:"0" doc:"whom the account works for; 0 with city_wide"`
	CityWide     bool     `json:"city_wide,omitempty" doc:"works for the city itself: everything lies in its scope"`
	Roles        []string `json:"roles" minItems:"1"`
}

// AccountChange is what an administrator can change of an account; nil leaves it.
type AccountChange struct {
	Organisation *int64   `json:"organisation,omitempty" minimum:"1"`
	CityWide     *bool    `json:"city_wide,omitempty"`
	Roles        []string `json:"roles,omitempty"`
	Disabled     *bool    `json:"disabled,omitempty"`
}

// AccountInfo is what is shown of an account.
type AccountInfo struct {
	ID           int64     `json:"id"`
	Name         string    `json:"name"`
	Organisation int64     `json:"organisation"`
	CityWide     bool      `json:"city_wide"`
	Roles        []string  `json:"roles"`
	Disabled     bool      `json:"disabled"`
	Demo         bool      `json:"demo"`
	HasPassword  bool      `json:"has_password"`
	CreatedAt    time.Time `json:"created_at"`
}

func (a *account) info() AccountInfo {
	return AccountInfo{
		ID: a.id, Name: a.name, Organisation: a.organisation, CityWide: a.organisation == 0, Roles: a.roles,
		Disabled: a.disabled, Demo: a.demo, HasPassword: a.password != "", CreatedAt: a.createdAt,
	}
}

func (a *account) resource() Resource {
	return Resource{Type: "account", ID: a.id, Organisation: a.organisation}
}

// Accounts lists the accounts that the actor may see.
func (s *Service) Accounts(ctx context.Context) ([]AccountInfo, error) {
	if err := s.Decide(ctx, "account.read", Resource{Type: "account"}, Administration); err != nil {
		return nil, err
	}
	list := []AccountInfo{}
	for _, a := range s.known.Load().accounts {
		if s.Decide(ctx, "account.read", a.resource(), Administration) == nil {
			list = append(list, a.info())
		}
	}
	slices.SortFunc(list, func(a, b AccountInfo) int { return strings.Compare(nameKey(a.Name), nameKey(b.Name)) })
	return list, nil
}

// CreateAccount makes an account without a password and returns the path of the one-time link by which its holder sets
// one.
func (s *Service) CreateAccount(ctx context.Context, spec AccountSpec) (AccountInfo, string, error) {
	a := &account{name: spec.Name, organisation: spec.Organisation, roles: spec.Roles, createdAt: s.clock.Now()}
	if err := checkAccount(a, spec.CityWide); err != nil {
		return AccountInfo{}, "", err
	}
	if err := s.mayGive(ctx, "account.create", Resource{Type: "account", Organisation: a.organisation}); err != nil {
		return AccountInfo{}, "", err
	}
	link := secret()
	err := s.change(ctx, func(tx *db.Tx) error {
		if err := putAccount(tx, a); err != nil {
			return err
		}
		if err := putLink(tx, digest(link), a.id, s.people.Now().Add(LinkLife)); err != nil {
			return err
		}
		return s.record(ctx, tx, "account.create", "account", a.id,
			map[string]any{"name": a.name, "organisation": a.organisation, "roles": a.roles})
	})
	if db.IsUnique(err) {
		return AccountInfo{}, "", web.Errorf(http.StatusConflict, "access.name_taken", "there is an account named %q already", a.name).At("name")
	}
	if err != nil {
		return AccountInfo{}, "", err
	}
	return a.info(), setupPath(link), nil
}

// mayGive decides about access that is given to an organisation. What is given to the city itself reaches everywhere, so
// only those who work for the city may give it.
func (s *Service) mayGive(ctx context.Context, action string, r Resource) error {
	if err := s.Decide(ctx, action, r, Administration); err != nil {
		return err
	}
	if a := From(ctx); r.Organisation == 0 && a.Kind == KindAccount && a.Organisation != 0 {
		return denied("only an administrator of the city itself may give access to the whole city (%s)", action)
	}
	return nil
}

func checkAccount(a *account, cityWide bool) error {
	switch {
	case !validName(a.name):
		return web.Errorf(http.StatusUnprocessableEntity, "access.name", "a name has 2 to 64 letters, digits or -._@").At("name")
	case len(a.roles) == 0:
		return web.Errorf(http.StatusUnprocessableEntity, "access.roles", "an account needs a role: %s", strings.Join(roles, ", ")).At("roles")
	case cityWide != (a.organisation == 0):
		return web.Errorf(http.StatusUnprocessableEntity, "access.organisation",
			"say an organisation, or city_wide for an account of the city itself, not both and not neither").At("organisation")
	}
	for _, r := range a.roles {
		if !slices.Contains(roles, r) {
			return web.Errorf(http.StatusUnprocessableEntity, "access.roles", "there is no role %q, only %s", r, strings.Join(roles, ", ")).At("roles")
		}
	}
	slices.Sort(a.roles)
	a.roles = slices.Compact(a.roles)
	return nil
}

// ChangeAccount changes an account. What it may do changes with its next request; disabling ends its sessions.
func (s *Service) ChangeAccount(ctx context.Context, id int64, c AccountChange) (AccountInfo, error) {
	old := s.known.Load().accounts[id]
	if old == nil {
		return AccountInfo{}, noAccount(id)
	}
	if err := s.mayGive(ctx, "account.change", old.resource()); err != nil {
		return AccountInfo{}, err
	}
	var a account
	err := s.change(ctx, func(tx *db.Tx) error {
		accounts, err := allAccounts(tx) // as they are now, not as they were when this was asked
		if err != nil {
			return err
		}
		i := slices.IndexFunc(accounts, func(a *account) bool { return a.id == id })
		if i < 0 {
			return noAccount(id)
		}
		a = *accounts[i]
		if a.organisation != old.organisation {
			return web.Errorf(http.StatusConflict, "access.changed", "the account was changed by someone else, look at it again")
		}
		if c.CityWide != nil && *c.CityWide {
			a.organisation = 0
		}
		if c.Organisation != nil {
			a.organisation = *c.Organisation
		}
		if c.Roles != nil {
			a.roles = slices.Clone(c.Roles)
		}
		if c.Disabled != nil {
			a.disabled = *c.Disabled
		}
		if err := checkAccount(&a, a.organisation == 0); err != nil {
			return err
		}
		if err := s.mayGive(ctx, "account.change", a.resource()); err != nil {
			return err
		}
		if accounts[i].governs() && !a.governs() && !slices.ContainsFunc(accounts, func(o *account) bool { return o.id != id && o.governs() }) {
			return web.Errorf(http.StatusConflict, "access.last_administrator", "this is the last administrator of the city: make another one first")
		}
		if a.disabled {
			if err := endSessionsOf(tx, id); err != nil {
				return err
			}
		}
		if err := changeAccount(tx, &a); err != nil {
			return err
		}
		return s.record(ctx, tx, "account.change", "account", id, map[string]any{
			"name": a.name, "organisation": a.organisation, "roles": a.roles, "disabled": a.disabled,
			"before": map[string]any{"organisation": accounts[i].organisation, "roles": accounts[i].roles, "disabled": accounts[i].disabled},
		})
	})
	return a.info(), err
}

// governs says whether the account can administer the city.
func (a *account) governs() bool {
	return !a.disabled && !a.demo && a.organisation == 0 && slices.Contains(a.roles, Administrator)
}

func noAccount(id int64) error {
	return web.Errorf(http.StatusNotFound, "access.no_account", "there is no account %d", id)
}

// NewLink returns a fresh one-time link by which the account's holder sets a new password. Until then the old one holds.
func (s *Service) NewLink(ctx context.Context, id int64) (string, error) {
	a := s.known.Load().accounts[id]
	if a == nil {
		return "", noAccount(id)
	}
	if err := s.mayGive(ctx, "account.change", a.resource()); err != nil {
		return "", err
	}
	if a.demo {
		return "", web.Errorf(http.StatusConflict, "access.demo_account", "a demo account has no password")
	}
	link := secret()
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		if err := putLink(tx, digest(link), id, s.people.Now().Add(LinkLife)); err != nil {
			return err
		}
		return s.record(ctx, tx, "account.link", "account", id, map[string]any{"name": a.name})
	})
	return setupPath(link), err
}

// SetupLink returns the path of the link for the first administrator, or "" if there is an administrator. A link
// printed before stops working. app prints it at the start, after the server's address.
func (s *Service) SetupLink(ctx context.Context) (string, error) {
	for _, a := range s.known.Load().accounts {
		if a.governs() && a.password != "" {
			return "", nil
		}
	}
	link := secret()
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		return putLink(tx, digest(link), 0, s.people.Now().Add(LinkLife))
	})
	return setupPath(link), err
}

func setupPath(link string) string { return "/setup/" + link }

// errLink is the answer to a link that is wrong, used or too old: it does not say which.
var errLink = web.Errorf(http.StatusNotFound, "access.link", "this link is not valid: it works once and for 24 hours")

// linkFor says whose link it is: the account, or nil for the first administrator.
func (s *Service) linkFor(ctx context.Context, link string) (*account, error) {
	var id int64
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		id, err = findLink(tx, digest(link), s.people.Now())
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		return nil, errLink
	}
	if err != nil {
		return nil, err
	}
	if id == 0 {
		return nil, nil
	}
	a := s.known.Load().accounts[id]
	if a == nil || a.disabled {
		return nil, errLink
	}
	return a, nil
}

// useLinkOf sets the password by a one-time link, and for the first administrator makes the account. The link and all
// sessions of the account end with it.
func (s *Service) useLinkOf(ctx context.Context, link, name, password string) (*account, error) {
	if _, err := s.linkFor(ctx, link); err != nil { // before any work is spent on strangers
		return nil, err
	}
	if err := checkPassword(password); err != nil {
		return nil, err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return nil, err
	}
	var a *account
	err = s.change(ctx, func(tx *db.Tx) error {
		id, err := useLink(tx, digest(link), s.people.Now())
		if errors.Is(err, db.ErrNotFound) {
			return errLink
		}
		if err != nil {
			return err
		}
		accounts, err := allAccounts(tx)
		if err != nil {
			return err
		}
		if id == 0 {
			if slices.ContainsFunc(accounts, func(a *account) bool { return a.governs() && a.password != "" }) {
				return errLink
			}
			a = &account{name: name, roles: []string{Administrator}, password: hash, createdAt: s.clock.Now()}
			if err := checkAccount(a, true); err != nil {
				return err
			}
			if err := putAccount(tx, a); err != nil {
				return err
			}
		} else {
			i := slices.IndexFunc(accounts, func(a *account) bool { return a.id == id })
			if i < 0 || accounts[i].disabled || accounts[i].demo {
				return errLink
			}
			a = accounts[i]
			a.password, a.epoch = hash, a.epoch+1
			if err := endSessionsOf(tx, id); err != nil {
				return err
			}
			if err := changeAccount(tx, a); err != nil {
				return err
			}
		}
		return s.record(With(ctx, a.actor()), tx, "account.setup", "account", a.id,
			map[string]any{"name": a.name, "first_administrator": id == 0})
	})
	if db.IsUnique(err) {
		return nil, web.Errorf(http.StatusConflict, "access.name_taken", "there is an account named %q already", name).At("name")
	}
	return a, err
}

// TokenSpec is what an administrator says of a device token.
type TokenSpec struct {
	Name         string   `json:"name" minLength:"1" maxLength:"100" doc:"which device or gateway holds it"`
	Source       string   `json:"source" minLength:"1" maxLength:"100" doc:"the source that its readings come from"`
	Prefixes     []string `json:"prefixes,omitempty" maxItems:"100" doc:"external ids of datastreams begin with one of these; any if empty"`
	May          []string `json:"may,omitempty" maxItems:"2" enum:"read,register" doc:"what it may do beside sending readings: read them, register sensors"`
	Organisation int64    `json:"organisation" minimum:"0" doc:"who runs the device; 0: the city itself"`
}

// TokenInfo is what is shown of a device token.
type TokenInfo struct {
	ID           int64      `json:"id"`
	Name         string     `json:"name"`
	Source       string     `json:"source"`
	Prefixes     []string   `json:"prefixes"`
	May          []string   `json:"may"`
	Organisation int64      `json:"organisation"`
	CreatedAt    time.Time  `json:"created_at"`
	LastUsed     *time.Time `json:"last_used" doc:"to the hour"`
	RevokedAt    *time.Time `json:"revoked_at"`
}

func (t *token) info() TokenInfo {
	i := TokenInfo{
		ID: t.id, Name: t.name, Source: t.source, Prefixes: append([]string{}, t.prefixes...), May: append([]string{}, t.may...),
		Organisation: t.organisation, CreatedAt: t.createdAt,
	}
	if us := t.usedAt.Load(); us != 0 {
		at := db.Time(us)
		i.LastUsed = &at
	}
	if !t.revokedAt.IsZero() {
		i.RevokedAt = &t.revokedAt
	}
	return i
}

func (t *token) resource() Resource {
	return Resource{Type: "token", ID: t.id, Organisation: t.organisation}
}

// Tokens lists the device tokens that the actor may see, without their secrets.
func (s *Service) Tokens(ctx context.Context) ([]TokenInfo, error) {
	if err := s.Decide(ctx, "token.read", Resource{Type: "token"}, Administration); err != nil {
		return nil, err
	}
	list := []TokenInfo{}
	for _, t := range s.known.Load().tokens {
		if s.Decide(ctx, "token.read", t.resource(), Administration) == nil {
			list = append(list, t.info())
		}
	}
	slices.SortFunc(list, func(a, b TokenInfo) int { return int(a.ID - b.ID) })
	return list, nil
}

// CreateToken makes a device token and returns its secret, which is never shown again.
func (s *Service) CreateToken(ctx context.Context, spec TokenSpec) (TokenInfo, string, error) {
	if spec.Source == "" || spec.Name == "" || slices.Contains(spec.Prefixes, "") {
		return TokenInfo{}, "", web.Errorf(http.StatusUnprocessableEntity, "access.token", "a token needs a name and a source, and no empty prefix")
	}
	for _, m := range spec.May {
		if m != MayRead && m != MayRegister {
			return TokenInfo{}, "", web.Errorf(http.StatusUnprocessableEntity, "access.token", "a token may %s or %s, not %q", MayRead, MayRegister, m).At("may")
		}
	}
	if err := s.mayGive(ctx, "token.create", Resource{Type: "token", Organisation: spec.Organisation}); err != nil {
		return TokenInfo{}, "", err
	}
	text := "anlan_device_" + secret() // the prefix lets scanners for leaked secrets find it
	t := &token{
		name: spec.Name, hash: digest(text), source: spec.Source, prefixes: spec.Prefixes, may: spec.May, organisation: spec.Organisation,
		createdAt: s.clock.Now(), usedAt: new(atomic.Int64),
	}
	err := s.change(ctx, func(tx *db.Tx) error {
		tokens, err := allTokens(tx)
		if err != nil {
			return err
		}
		for _, o := range tokens {
			if o.source == t.source && o.organisation != t.organisation && o.revokedAt.IsZero() {
				return web.Errorf(http.StatusConflict, "access.source_taken", "the source %q belongs to another organisation", t.source).At("source")
			}
		}
		if err := putToken(tx, t); err != nil {
			return err
		}
		return s.record(ctx, tx, "token.create", "token", t.id,
			map[string]any{"name": t.name, "source": t.source, "prefixes": append([]string{}, t.prefixes...), "may": append([]string{}, t.may...), "organisation": t.organisation})
	})
	return t.info(), text, err
}

// RevokeToken ends a device token at once.
func (s *Service) RevokeToken(ctx context.Context, id int64) error {
	var t *token
	for _, o := range s.known.Load().tokens {
		if o.id == id {
			t = o
		}
	}
	gone := web.Errorf(http.StatusNotFound, "access.no_token", "there is no token %d that is still good", id)
	if t == nil {
		if err := s.Decide(ctx, "token.revoke", Resource{Type: "token"}, Administration); err != nil {
			return err
		}
		return gone
	}
	if err := s.Decide(ctx, "token.revoke", t.resource(), Administration); err != nil {
		return err
	}
	err := s.change(ctx, func(tx *db.Tx) error {
		if err := revokeToken(tx, id, s.clock.Now()); err != nil {
			return err
		}
		return s.record(ctx, tx, "token.revoke", "token", id, map[string]any{"name": t.name, "source": t.source})
	})
	if errors.Is(err, db.ErrNotFound) {
		return gone
	}
	if err == nil && s.revoked != nil {
		s.revoked(ctx, id)
	}
	return err
}
