package partner

import (
	"context"
	"database/sql"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// Routes adds the room's routes.
func (s *Service) Routes(r *web.Router) {
	api := r.API()
	op := func(method, path, id, summary string) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, Tags: []string{"Warnings of partners"}}
	}
	huma.Register(api, op("GET", "/api/v1/warnings/partners", "list-warning-partners", "Services whose warnings are taken in, with how reading them goes"),
		func(ctx context.Context, _ *struct{}) (*partnersOut, error) {
			out := &partnersOut{}
			var err error
			out.Body.Items, err = s.Views(ctx)
			return out, err
		})
	add := op("POST", "/api/v1/warnings/partners", "add-warning-partner", "Register a service whose warnings are to be taken in; it is read at once")
	add.DefaultStatus = http.StatusCreated
	huma.Register(api, add, func(ctx context.Context, in *struct{ Body Registration }) (*body[View], error) {
		return s.one(ctx)(s.Add(ctx, in.Body))
	})
	huma.Register(api, op("PATCH", "/api/v1/warnings/partners/{id}", "change-warning-partner", "Change a partner; what is absent stays as it is. Its feed is read anew as a whole"),
		func(ctx context.Context, in *struct {
			ID   int64 `path:"id"`
			Body Changes
		}) (*body[View], error) {
			return s.one(ctx)(s.Change(ctx, in.ID, in.Body.apply))
		})
	remove := op("DELETE", "/api/v1/warnings/partners/{id}", "remove-warning-partner", "Read a partner no more; what it sent is at once no longer in force")
	remove.DefaultStatus = http.StatusNoContent
	huma.Register(api, remove, func(ctx context.Context, in *idIn) (*struct{}, error) { return nil, s.Remove(ctx, in.ID) })
	huma.Register(api, op("POST", "/api/v1/warnings/partners/{id}/poll", "poll-warning-partner", "Read a partner now"),
		func(ctx context.Context, in *idIn) (*body[View], error) { return s.one(ctx)(s.Poll(ctx, in.ID)) })
	huma.Register(api, op("GET", "/api/v1/warnings/received", "list-received-warnings", "Messages of partners, newest first"),
		func(ctx context.Context, in *struct {
			State   string `query:"state" enum:"in-force,all" default:"in-force"`
			Partner int64  `query:"partner" doc:"of one partner"`
			After   int64  `query:"after" doc:"the next of the page before"`
			Limit   int    `query:"limit" minimum:"1" maximum:"200" default:"100"`
		}) (*receivedOut, error) {
			items, err := s.Received(ctx, in.State, in.Partner, in.After, in.Limit+1)
			out := &receivedOut{}
			if len(items) > in.Limit {
				items = items[:in.Limit]
				out.Body.Next = &items[in.Limit-1].ID
			}
			out.Body.Items = append([]*Message{}, items...)
			return out, err
		})
	huma.Register(api, op("GET", "/api/v1/warnings/received/{id}/message", "get-received-warning", "One message of a partner with its document"),
		func(ctx context.Context, in *idIn) (*body[WithDocument], error) {
			m, document, err := s.ReceivedOne(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			return &body[WithDocument]{WithDocument{*m, document}}, nil
		})
}

type (
	body[T any] struct{ Body T }
	idIn        struct {
		ID int64 `path:"id"`
	}
	partnersOut struct {
		Body struct {
			Items []View `json:"items"`
		}
	}
	receivedOut struct {
		Body struct {
			Items []*Message `json:"items"`
			Next  *int64     `json:"next"`
		}
	}
)

// WithDocument is a message with what was received.
type WithDocument struct {
	Message
	Document string `json:"document" doc:"as it was received; of a refused one the beginning, of one that lies elsewhere nothing"`
}

// Changes are what a person changes of a partner.
type Changes struct {
	Title   *page.Text         `json:"title,omitempty"`
	URL     *string            `json:"url,omitempty"`
	Service *string            `json:"service,omitempty" enum:"weather,marine,seismology,other"`
	Every   *int               `json:"every,omitempty" minimum:"30" maximum:"86400"`
	Trust   *string            `json:"trust,omitempty" enum:"transport,signed"`
	Pinned  *string            `json:"pinned,omitempty"`
	Covers  *string            `json:"covers,omitempty" enum:"city,wider"`
	Events  *map[string]string `json:"events,omitempty"`
	Hosts   *[]string          `json:"hosts,omitempty"`
	Active  *bool              `json:"active,omitempty"`
}

func (c Changes) apply(r *Registration) {
	set(&r.Title, c.Title)
	set(&r.URL, c.URL)
	set(&r.Service, c.Service)
	set(&r.Every, c.Every)
	set(&r.Trust, c.Trust)
	set(&r.Pinned, c.Pinned)
	set(&r.Covers, c.Covers)
	set(&r.Events, c.Events)
	set(&r.Hosts, c.Hosts)
	if c.Active != nil {
		r.Active = c.Active
	}
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// View is a partner as the API shows it.
type View struct {
	ID int64 `json:"id"`
	Registration
	AddedAt   time.Time  `json:"added_at"`
	NextAt    time.Time  `json:"next_at" doc:"when it is read next"`
	LastOKAt  *time.Time `json:"last_ok_at" doc:"when its feed was last read"`
	LastError string     `json:"last_error,omitempty" doc:"why the last poll failed, or what of the feed it could not take"`
	Failures  int        `json:"failures" doc:"polls in a row that failed"`
	Unread    bool       `json:"unread" doc:"it has failed so often in a row that nobody should rely on it"`
	// What came of it.
	Messages  int `json:"messages" doc:"received and not refused"`
	InForce   int `json:"in_force"`
	Unplaced  int `json:"unplaced" doc:"of which can't be told whether they concern the city; they are listed, and not in force"`
	Elsewhere int `json:"elsewhere" doc:"that don't concern the city"`
	Refused   int `json:"refused"`
	Unfetched int `json:"unfetched" doc:"documents that it links and that can't be fetched"`
}

// Views are all partners.
func (s *Service) Views(ctx context.Context) (out []View, err error) {
	if err := s.Access.Decide(ctx, "warning.received", access.Resource{Type: "partner"}, access.Operations); err != nil {
		return nil, err
	}
	return s.views(ctx)
}

func (s *Service) views(ctx context.Context) (out []View, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out = []View{}
		all, err := partners(tx)
		if err != nil {
			return err
		}
		at := map[int64]int{}
		for i, p := range all {
			at[p.ID] = i
			out = append(out, View{ID: p.ID, Registration: p.Registration, AddedAt: p.AddedAt, NextAt: p.NextAt, LastOKAt: p.LastOKAt, LastError: p.LastError,
				Failures: p.Failures, Unread: *p.Active && p.Failures >= Unread})
		}
		err = tx.Each(func(rows *sql.Rows) error {
			var id int64
			var v View
			if err := rows.Scan(&id, &v.Messages, &v.InForce, &v.Unplaced, &v.Elsewhere, &v.Refused); err != nil {
				return err
			}
			if i, ok := at[id]; ok {
				x := &out[i]
				x.Messages, x.InForce, x.Unplaced, x.Elsewhere, x.Refused = v.Messages, v.InForce, v.Unplaced, v.Elsewhere, v.Refused
			}
			return nil
		}, `select partner, sum(case when verdict <> 'reject' then 1 else 0 end), sum(case when `+standing+` then 1 else 0 end),
			sum(case when verdict <> 'reject' and placement = 'unplaced' and speaks = 1 then 1 else 0 end),
			sum(case when verdict <> 'reject' and placement = 'elsewhere' then 1 else 0 end),
			sum(case when verdict = 'reject' then 1 else 0 end) from received_messages group by partner`, db.Micros(s.Clock.Now()))
		if err != nil {
			return err
		}
		return tx.Each(func(rows *sql.Rows) error {
			var id int64
			var n int
			err := rows.Scan(&id, &n)
			if i, ok := at[id]; ok {
				out[i].Unfetched = n
			}
			return err
		}, `select partner, count(*) from partner_links where message = 0 group by partner`)
	})
	return out, err
}

// one answers with a partner as the API shows it.
func (s *Service) one(ctx context.Context) func(*Partner, error) (*body[View], error) {
	return func(p *Partner, err error) (*body[View], error) {
		if err != nil {
			return nil, err
		}
		all, err := s.views(ctx)
		for _, v := range all {
			if v.ID == p.ID {
				return &body[View]{v}, err
			}
		}
		if err == nil {
			err = errUnknown(p.ID)
		}
		return nil, err
	}
}
