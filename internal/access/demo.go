package access

import (
	"context"
	"fmt"
	"net/http"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// demoAccounts are posts, not invented people. Two, since a warning needs a second pair of eyes.
var demoAccounts = map[string]string{
	"duty-officer":   "demo-duty-officer",
	"second-officer": "demo-second-officer",
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
			if a := have[name]; a != nil {
				if !a.demo {
					return fmt.Errorf("there is a real account named %s: rename it or do without the demo", name)
				}
				continue
			}
			a := &account{name: name, roles: []string{DutyOfficer}, demo: true, createdAt: s.clock.Now()}
			if err := putAccount(tx, a); err != nil {
				return err
			}
			err := s.record(With(ctx, System("demo")), tx, "account.create", "account", a.id, map[string]any{"name": name, "roles": a.roles, "demo": true})
			if err != nil {
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

// demoSignIn starts a session of a demo account. It looks at the connection and at the name that the browser used: a page
// of the internet whose name was made to point to 127.0.0.1 does not get in.
func (s *Service) demoSignIn(ctx context.Context, as string) (*account, *http.Cookie, error) {
	if !s.demo.Load() {
		return nil, nil, web.Errorf(http.StatusNotFound, "access.no_demo", "this is not a demo")
	}
	if !peerOf(ctx).loopback {
		return nil, nil, web.Errorf(http.StatusForbidden, "access.demo_loopback", "the demo signs in only from the machine it runs on, at http://127.0.0.1 or http://localhost")
	}
	a := s.known.Load().names[demoAccounts[as]]
	if a == nil || !a.demo || a.disabled {
		return nil, nil, web.Errorf(http.StatusUnprocessableEntity, "access.demo_post", "the demo has the posts duty-officer and second-officer, not %q", as).At("as")
	}
	c, err := s.start(ctx, a)
	return a, c, err
}
