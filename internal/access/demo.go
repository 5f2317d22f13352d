package access

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// demoAccounts are posts, not invented people. Two, since a warning needs a second pair of eyes.
var demoAccounts = map[string]string{
	"duty-officer":   "demo-duty-officer",
	"second-officer": "demo-second-officer",
}

// DemoPost is a further post of the demo: one of an agency, with that agency's scope and no other.
type DemoPost struct {
	ID           string // what a visitor signs in as; the account is called "demo-" and this
	Organisation int64
	Title        Words
	Roles        []string
}

// Notice is what the demo says wherever it signs someone in.
var demoNotice = Words{
	English: "Demo: signed in without a password. This works only from this machine, and every entry you make is marked as the demo officer's.",
	Chinese: "演示：无需密码即已登录。仅限本机使用，所有操作均记录在演示值班员名下。",
}

// EnableDemo lets a visitor of this machine sign in as a demo duty officer without a password. listen is the address that
// the server listens on: anything but a loopback address is refused, since the demo would stand open to the network. Not
// calling it closes the demo again, for sessions that are still open too.
func (s *Service) EnableDemo(ctx context.Context, listen string) error {
	if !loopbackHost(listen) {
		return fmt.Errorf("the demo signs visitors in without a password, so it listens on 127.0.0.1, [::1] or localhost only, not on %q", listen)
	}
	err := s.change(ctx, func(tx *db.Tx) error {
		accounts, err := allAccounts(tx)
		if err != nil {
			return err
		}
		have := map[string]*account{}
		for _, a := range accounts {
			have[nameKey(a.name)] = a
		}
		for _, name := range demoAccounts {
			if err := s.demoAccount(ctx, tx, have[name], account{name: name, roles: []string{DutyOfficer}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("enable the demo: %w", err)
	}
	s.demo.Store(true)
	return nil
}

// OfferDemoPosts adds posts of agencies to a demo that is enabled, in the order in which they are offered.
func (s *Service) OfferDemoPosts(ctx context.Context, posts ...DemoPost) error {
	err := s.change(ctx, func(tx *db.Tx) error {
		accounts, err := allAccounts(tx)
		if err != nil {
			return err
		}
		have := map[string]*account{}
		for _, a := range accounts {
			have[nameKey(a.name)] = a
		}
		for _, p := range posts {
			if p.Organisation == 0 {
				return fmt.Errorf("the post %s has no organisation, and would see the whole city", p.ID)
			}
			a := account{name: demoName(p.ID), organisation: p.Organisation, roles: p.Roles}
			if err := s.demoAccount(ctx, tx, have[a.name], a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("offer the posts of the demo: %w", err)
	}
	s.demoPosts.Store(&posts)
	return nil
}

func demoName(post string) string { return "demo-" + post }

// demoAccount makes an account of the demo, if it is not there as it should be. was may be nil.
func (s *Service) demoAccount(ctx context.Context, tx *db.Tx, was *account, a account) error {
	deed, put := "account.create", putAccount
	if was == nil {
		a.createdAt = s.clock.Now()
	} else {
		if !was.demo {
			return fmt.Errorf("there is a real account named %s: rename it or do without the demo", a.name)
		}
		if was.organisation == a.organisation && slices.Equal(was.roles, a.roles) {
			return nil
		}
		organisation, roles := a.organisation, a.roles
		a = *was
		a.organisation, a.roles = organisation, roles
		deed, put = "account.change", changeAccount
	}
	a.demo = true
	if err := put(tx, &a); err != nil {
		return err
	}
	return s.record(With(ctx, System("demo")), tx, deed, "account", a.id,
		map[string]any{"name": a.name, "organisation": a.organisation, "roles": a.roles, "demo": true})
}

// offered are the posts of agencies.
func (s *Service) offered() []DemoPost {
	if p := s.demoPosts.Load(); p != nil {
		return *p
	}
	return nil
}

// demoSignIn starts a session of a demo account. It looks at the connection and at the name that the browser used: a page
// of the internet whose name was made to point to 127.0.0.1 does not get in.
func (s *Service) demoSignIn(ctx context.Context, as string) (*account, *http.Cookie, error) {
	if !s.demo.Load() {
		return nil, nil, web.Errorf(http.StatusNotFound, "access.no_demo", "this is not a demo")
	}
	if !peerOf(ctx).loopback {
		return nil, nil, web.Errorf(http.StatusForbidden, "access.demo_loopback", "the demo signs in only from the machine it runs on, at http://127.0.0.1 or http://localhost")
	}
	name, posts := demoAccounts[as], []string{"duty-officer", "second-officer"}
	for _, p := range s.offered() {
		if posts = append(posts, p.ID); p.ID == as {
			name = demoName(p.ID)
		}
	}
	a := s.known.Load().names[name]
	if a == nil || !a.demo || a.disabled {
		return nil, nil, web.Errorf(http.StatusUnprocessableEntity, "access.demo_post", "the demo has the posts %s, not %q", strings.Join(posts, ", "), as).At("as")
	}
	c, err := s.start(ctx, a)
	return a, c, err
}
