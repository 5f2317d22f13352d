package access

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/platform/web"
)

// Words are one text in both languages.
type Words struct {
	English string `json:"en"`
	Chinese string `json:"zh-CN"`
}

// About is what the console needs to know besides who signed in. City fills it in.
type About struct {
	OrganisationName string
	City             CityInfo
	Version          string
}

// CityInfo names the city and says where and when it is.
type CityInfo struct {
	Name     Words      `json:"name"`
	TimeZone string     `json:"time_zone" doc:"such as Asia/Shanghai"`
	Bounds   [4]float64 `json:"bounds" doc:"west, south, east, north in degrees"`
}

type sessionBody struct {
	Actor   actorBody `json:"actor"`
	Demo    bool      `json:"demo"`
	Notice  *Words    `json:"notice,omitempty" doc:"what must be shown in the demo"`
	City    CityInfo  `json:"city"`
	Version string    `json:"version"`
}

type actorBody struct {
	ID               int64    `json:"id"`
	Name             string   `json:"name"`
	Organisation     int64    `json:"organisation"`
	OrganisationName string   `json:"organisation_name"`
	Roles            []string `json:"roles"`
}

type sessionOutput struct {
	SetCookie *http.Cookie `header:"Set-Cookie"`
	NoStore   string       `header:"Cache-Control"`
	Body      sessionBody
}

type cookieOutput struct {
	SetCookie *http.Cookie `header:"Set-Cookie"`
}

type accountOutput struct {
	Body AccountInfo
}

type linkOutput struct {
	NoStore string `header:"Cache-Control"`
	Body    struct {
		Account *AccountInfo `json:"account,omitempty"`
		Link    string       `json:"link" doc:"path of the one-time link by which the holder sets a password; shown once"`
	}
}

type secretOutput struct {
	NoStore string `header:"Cache-Control"`
	Body    struct {
		Token  TokenInfo `json:"token"`
		Secret string    `json:"secret" doc:"send it as Bearer; shown once"`
	}
}

type demoOutput struct {
	Body struct {
		Demo   bool  `json:"demo" doc:"a visitor can sign in without a password, from where this was asked"`
		Notice Words `json:"notice"`
		// Posts are those of agencies, beside the two officers of the city's own watch.
		Posts []demoPost `json:"posts"`
	}
}

type demoPost struct {
	As           string `json:"as"`
	Title        Words  `json:"title"`
	Organisation int64  `json:"organisation"`
}

type listOutput[T any] struct {
	Body struct {
		Items []T `json:"items"`
	}
}

func list[T any](items []T) *listOutput[T] {
	out := &listOutput[T]{}
	out.Body.Items = items
	return out
}

// Routes adds sign-in, the administration of accounts and device tokens, and the page of one-time links.
func (s *Service) Routes(r *web.Router) {
	api := r.API()
	op := func(method, path, id, summary string, status int) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, Tags: []string{"access"}, DefaultStatus: status}
	}
	huma.Register(api, op("GET", "/api/v1/session", "get-session", "Who is signed in", 200),
		func(ctx context.Context, _ *struct{}) (*sessionOutput, error) {
			a := From(ctx)
			if a.Kind != KindAccount {
				return nil, web.Errorf(http.StatusUnauthorized, "access.sign_in", "nobody is signed in")
			}
			return s.sessionAnswer(ctx, s.known.Load().accounts[a.ID], nil)
		})
	huma.Register(api, op("POST", "/api/v1/session", "sign-in", "Sign in", 200),
		func(ctx context.Context, in *struct {
			Body struct {
				Name     string `json:"name" maxLength:"200"`
				Password string `json:"password" maxLength:"2000"`
			}
		}) (*sessionOutput, error) {
			a, c, err := s.signIn(ctx, in.Body.Name, in.Body.Password)
			if err != nil {
				return nil, err
			}
			return s.sessionAnswer(ctx, a, c)
		})
	huma.Register(api, op("DELETE", "/api/v1/session", "sign-out", "Sign out", 204),
		func(ctx context.Context, _ *struct{}) (*cookieOutput, error) {
			c, err := s.signOut(ctx)
			return &cookieOutput{c}, err
		})
	huma.Register(api, op("PUT", "/api/v1/session/password", "change-password", "Change the own password", 200),
		func(ctx context.Context, in *struct {
			Body struct {
				Password    string `json:"password" maxLength:"2000" doc:"the old one"`
				NewPassword string `json:"new_password" maxLength:"2000"`
			}
		}) (*sessionOutput, error) {
			a, c, err := s.changePassword(ctx, in.Body.Password, in.Body.NewPassword)
			if err != nil {
				return nil, err
			}
			return s.sessionAnswer(ctx, a, c)
		})
	huma.Register(api, op("GET", "/api/v1/session/demo", "demo-offer", "Whether this is a demo", 200),
		func(ctx context.Context, _ *struct{}) (*demoOutput, error) {
			out := &demoOutput{}
			out.Body.Demo, out.Body.Notice = s.demo.Load() && peerOf(ctx).loopback, demoNotice
			out.Body.Posts = []demoPost{}
			if out.Body.Demo {
				for _, p := range s.offered() {
					out.Body.Posts = append(out.Body.Posts, demoPost{p.ID, p.Title, p.Organisation})
				}
			}
			return out, nil
		})
	huma.Register(api, op("POST", "/api/v1/session/demo", "demo-sign-in", "Sign in as a demo officer, from this machine only", 200),
		func(ctx context.Context, in *struct {
			Body struct {
				As string `json:"as" doc:"duty-officer, second-officer, or one of the offered posts"`
			}
		}) (*sessionOutput, error) {
			a, c, err := s.demoSignIn(ctx, in.Body.As)
			if err != nil {
				return nil, err
			}
			return s.sessionAnswer(ctx, a, c)
		})

	huma.Register(api, op("GET", "/api/v1/accounts", "list-accounts", "Accounts", 200),
		func(ctx context.Context, _ *struct{}) (*listOutput[AccountInfo], error) {
			items, err := s.Accounts(ctx)
			return list(items), err
		})
	huma.Register(api, op("POST", "/api/v1/accounts", "create-account", "Create an account; its holder sets the password by the link", 201),
		func(ctx context.Context, in *struct{ Body AccountSpec }) (*linkOutput, error) {
			a, link, err := s.CreateAccount(ctx, in.Body)
			out := &linkOutput{NoStore: "no-store"}
			out.Body.Account, out.Body.Link = &a, link
			return out, err
		})
	huma.Register(api, op("PATCH", "/api/v1/accounts/{id}", "change-account", "Change roles, organisation, or disable", 200),
		func(ctx context.Context, in *struct {
			ID   int64 `path:"id"`
			Body AccountChange
		}) (*accountOutput, error) {
			a, err := s.ChangeAccount(ctx, in.ID, in.Body)
			return &accountOutput{a}, err
		})
	huma.Register(api, op("POST", "/api/v1/accounts/{id}/link", "new-account-link", "A new one-time link to set the password", 201),
		func(ctx context.Context, in *struct {
			ID int64 `path:"id"`
		}) (*linkOutput, error) {
			link, err := s.NewLink(ctx, in.ID)
			out := &linkOutput{NoStore: "no-store"}
			out.Body.Link = link
			return out, err
		})

	huma.Register(api, op("GET", "/api/v1/tokens", "list-tokens", "Device tokens", 200),
		func(ctx context.Context, _ *struct{}) (*listOutput[TokenInfo], error) {
			items, err := s.Tokens(ctx)
			return list(items), err
		})
	huma.Register(api, op("POST", "/api/v1/tokens", "create-token", "Create a device token", 201),
		func(ctx context.Context, in *struct{ Body TokenSpec }) (*secretOutput, error) {
			t, text, err := s.CreateToken(ctx, in.Body)
			out := &secretOutput{NoStore: "no-store"}
			out.Body.Token, out.Body.Secret = t, text
			return out, err
		})
	huma.Register(api, op("DELETE", "/api/v1/tokens/{id}", "revoke-token", "Revoke a device token at once", 204),
		func(ctx context.Context, in *struct {
			ID int64 `path:"id"`
		}) (*struct{}, error) {
			return nil, s.RevokeToken(ctx, in.ID)
		})

	s.setupRoutes(r)
}

// sessionAnswer describes the session of an account.
func (s *Service) sessionAnswer(ctx context.Context, a *account, c *http.Cookie) (*sessionOutput, error) {
	out := &sessionOutput{SetCookie: c, NoStore: "no-store"}
	out.Body.Actor = actorBody{ID: a.id, Name: a.name, Organisation: a.organisation, Roles: a.roles}
	if a.demo {
		out.Body.Demo, out.Body.Notice = true, &demoNotice
	}
	if s.about != nil {
		about := s.about(With(ctx, a.actor()), a.organisation)
		out.Body.Actor.OrganisationName, out.Body.City, out.Body.Version = about.OrganisationName, about.City, about.Version
	}
	return out, nil
}
