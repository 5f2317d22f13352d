package notify

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/delivery"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/reach"
)

// mostBrowsers is how many browsers one account may have reached.
const mostBrowsers = 10

// Subscribe is a browser that asks to be reached for a post.
type Subscribe struct {
	delivery.Subscription
	Organisation string `json:"organisation,omitempty" doc:"whose inbox; the account's own organisation when left out"`
	Post         string `json:"post,omitempty" doc:"which post; all when left out"`
	Language     string `json:"language,omitempty" enum:"en,zh-CN" doc:"both when left out"`
}

// PushKey is the public key that a browser subscribes with.
func (s *Service) PushKey(ctx context.Context) (string, error) {
	if err := s.decide(ctx, "notice.read", access.From(ctx).Organisation); err != nil {
		return "", err
	}
	if s.Push == nil {
		return "", web.Errorf(http.StatusNotFound, "push.off", "this server sends no notifications to browsers")
	}
	return s.Push.PublicKey(), nil
}

// Subscribe has a browser of the actor reached for the notices of a post. The same browser again changes which.
func (s *Service) Subscribe(ctx context.Context, r Subscribe) error {
	who := access.From(ctx)
	organisation, err := ParseOrganisation(ctx, r.Organisation)
	if err != nil {
		return err
	}
	if err := s.decide(ctx, "notice.read", organisation); err != nil {
		return err
	}
	switch {
	case s.Push == nil:
		return web.Errorf(http.StatusNotFound, "push.off", "this server sends no notifications to browsers")
	case who.Kind != access.KindAccount:
		return web.Errorf(http.StatusForbidden, "push.person", "only a person can have a browser reached")
	case len(r.Post) > 100:
		return web.Errorf(http.StatusUnprocessableEntity, "push.post", "the post has %d bytes, at most 100 fit", len(r.Post)).At("post")
	}
	if err := s.Push.Check(r.Subscription); err != nil {
		return web.Errorf(http.StatusUnprocessableEntity, "push.subscription", "%s", err).At("endpoint")
	}
	address, err := r.Subscription.Address()
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		now := s.now()
		if _, err := tx.Exec(`delete from push_subscriptions where endpoint = $1`, r.Endpoint); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
		_, err := tx.Exec(`insert into push_subscriptions (account, endpoint, address, organisation, post, language, at) values ($1, $2, $3, $4, $5, $6, $7)`,
			who.ID, r.Endpoint, address, organisation, r.Post, r.Language, db.Micros(now))
		if err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
		// A browser whose data was cleared never says goodbye: the oldest make room.
		_, err = tx.Exec(`delete from push_subscriptions where account = $1 and id not in
			(select id from push_subscriptions where account = $1 order by id desc nulls last limit $2)`, who.ID, mostBrowsers)
		if err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
		return nil
	})
}

// Unsubscribe has a browser of the actor no longer reached. One that was not is no mistake.
func (s *Service) Unsubscribe(ctx context.Context, endpoint string) error {
	who := access.From(ctx)
	if err := access.Known(ctx); err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`delete from push_subscriptions where endpoint = $1 and account = $2`, endpoint, who.ID)
		return err
	})
}

// Gone forgets a browser that its push service no longer knows; it is what delivery calls.
func (s *Service) Gone(tx *db.Tx, channel, address string) error {
	if channel != PushChannel {
		return nil
	}
	if _, err := tx.Exec(`delete from push_subscriptions where address = $1`, address); err != nil {
		return fmt.Errorf("forget a browser: %w", err)
	}
	return nil
}

// subscription is a browser that is to be reached.
type subscription struct {
	ID, Account       int64
	Address, Language string
}

// subscribed are the browsers of a post; those that asked for all posts, and all of the organisation for a notice to all.
func subscribed(tx *db.Tx, organisation int64, post string) (subs []subscription, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var x subscription
		err := rows.Scan(&x.ID, &x.Account, &x.Address, &x.Language)
		subs = append(subs, x)
		return err
	}, `select id, account, address, language from push_subscriptions where organisation = $1
		and (post = '' or cast($2 as text) = '' or post = cast($2 as text)) order by id nulls last`, organisation, post)
	return subs, err
}

func unsubscribe(tx *db.Tx, id int64) error {
	if _, err := tx.Exec(`delete from push_subscriptions where id = $1`, id); err != nil {
		return fmt.Errorf("forget a browser: %w", err)
	}
	return nil
}

// Left is what became of messages that left the program.
type Left struct {
	States map[string]int64 `json:"states" doc:"how many messages are waiting, sending, failed, sent, dead, withdrawn"`
	Items  []Sent           `json:"items"`
	Next   int64            `json:"next,omitempty"`
}

// Sent is one message that leaves the program. Whom it goes to is not shown: a browser's address is as good as a key.
type Sent struct {
	ID       int64      `json:"id"`
	Key      string     `json:"key"`
	Channel  string     `json:"channel"`
	State    string     `json:"state" enum:"waiting,sending,failed,sent,dead,withdrawn"`
	At       time.Time  `json:"at"`
	Attempts int64      `json:"attempts"`
	EndedAt  *time.Time `json:"ended_at,omitempty"`
	Answer   string     `json:"answer,omitempty" doc:"what the channel answered last"`
	InDoubt  bool       `json:"in_doubt,omitempty" doc:"an attempt may have arrived that nobody knows the outcome of"`
}

// Deliveries lists messages that leave the program, newest first: in one state, with keys that begin with prefix, or all.
func (s *Service) Deliveries(ctx context.Context, state, prefix string, before int64, limit int) (*Left, error) {
	if err := s.Access.Decide(ctx, "delivery.read", access.Resource{Type: "delivery"}, access.Operations); err != nil {
		return nil, err
	}
	out := &Left{Items: []Sent{}}
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		out.States, err = delivery.CountOf(tx, prefix)
		return err
	})
	if err != nil {
		return nil, err
	}
	most := max(limit+1, 200) // whoever may see little of it shall not ask for each row
	for {
		var ds []delivery.Delivery
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			ds, err = delivery.List(tx, delivery.Filter{State: state, Prefix: prefix, Before: before, Limit: most})
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, d := range ds {
			if s.readable(ctx, d.Key) != nil {
				continue
			}
			if len(out.Items) == limit {
				out.Next = out.Items[limit-1].ID
				return out, nil
			}
			out.Items = append(out.Items, sentOf(d))
		}
		if len(ds) < most {
			return out, nil
		}
		before = ds[len(ds)-1].ID
	}
}

// readable asks whether the one who asks may see that the message of a key has left: of a warning, whoever may read it.
func (s *Service) readable(ctx context.Context, key string) error {
	if number, ok := reach.NumberOf(key); ok {
		return s.Warnings.MayRead(ctx, number)
	}
	return nil
}

func sentOf(d delivery.Delivery) Sent {
	return Sent{d.ID, d.Key, d.Channel, d.State, d.At, d.Attempts, optional(d.EndedAt), d.Answer, d.InDoubt}
}

// Retry has a dead message sent again.
func (s *Service) Retry(ctx context.Context, id int64) (out Sent, err error) {
	if err := s.Access.Decide(ctx, "delivery.retry", access.Resource{Type: "delivery", ID: id}, access.Operations); err != nil {
		return out, err
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		now := s.Clock.Now()
		d, err := delivery.Retry(tx, id, now)
		switch {
		case errors.Is(err, db.ErrNotFound):
			return web.Errorf(404, "delivery.unknown", "there is no delivery %d", id)
		case errors.Is(err, delivery.ErrNotDead):
			return web.Errorf(409, "delivery.not_dead", "delivery %d is %s; only a dead one can be sent again", id, d.State)
		case errors.Is(err, delivery.ErrOver), errors.Is(err, delivery.ErrSuperseded):
			return web.Errorf(409, "delivery.over", "delivery %d is not sent again: %s", id, err)
		case err != nil:
			return err
		}
		if err := s.readable(ctx, d.Key); err != nil {
			return err
		}
		out = sentOf(d)
		actor := access.From(ctx)
		return ledger.Append(tx, ledger.Entry{
			Action: "delivery.retry", Actor: actor.Name, ActorID: actor.ID, Subject: "delivery", SubjectID: id, At: now,
			Detail: map[string]any{"key": d.Key, "channel": d.Channel, "attempts": d.Attempts},
		})
	})
	return out, err
}
