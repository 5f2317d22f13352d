package reach

import (
	"context"
	"embed"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/delivery"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// Deps are what the package needs.
type Deps struct {
	DB     *db.DB
	Clock  clock.Clock
	Access access.Decider
	// Areas lists the register's areas: each one's number and that of the one above it, 0 at the top.
	Areas func(ctx context.Context) (parents map[int64]int64, err error)
	// Hazards are the ids of what a warning can be about.
	Hazards func() []string
	// Number is the number of a warning, such as 2026-0001, if the one who asks may read it.
	Number func(ctx context.Context, id int64) (string, error)
	// CheckURL says what is wrong with the address of a webhook, nil if nothing.
	CheckURL func(address string) error
	// CheckBrowser says what is wrong with the subscription of a browser, as JSON; nil if nothing.
	CheckBrowser func(address string) error
	// Zone is that of the times in texts; UTC when nil.
	Zone *time.Location
	// KeyFile keeps the key under which addresses and secrets are sealed; it is made when it is not there.
	KeyFile string
}

// Service keeps recipients and puts warnings into the outbox for them. It is safe for concurrent use.
type Service struct {
	Deps
	seal       *sealer
	refreshing sync.Mutex                      // one at a time, so that older areas can't replace newer ones
	above      atomic.Pointer[map[int64]int64] // the register's areas when they were last read
}

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the package's tables.
func Migrations() db.Migrations { return db.Embedded("reach", migrations) }

// New returns the service.
func New(d Deps) (*Service, error) {
	s := &Service{Deps: d}
	var err error
	if s.seal, err = newSealer(d.KeyFile); err != nil {
		return nil, fmt.Errorf("key of recipients: %w", err)
	}
	return s, nil
}

func (s *Service) zone() *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}

// Refresh reads the register's areas. Whoever publishes calls it before the transaction, which must be quick.
func (s *Service) Refresh(ctx context.Context) {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	parents, err := s.Areas(ctx)
	if err != nil {
		slog.WarnContext(ctx, "the areas are not read; the last picture of them is used", "err", err)
		return
	}
	s.above.Store(&parents)
}

func (s *Service) parents() map[int64]int64 {
	if p := s.above.Load(); p != nil {
		return *p
	}
	return nil
}

func (s *Service) decide(ctx context.Context, id int64) error {
	return s.Access.Decide(ctx, "warning.recipients", access.Resource{Type: "recipient", ID: id}, access.Administration)
}

// List returns all recipients.
func (s *Service) List(ctx context.Context) (rs []Recipient, err error) {
	if err := s.decide(ctx, 0); err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		rs, err = list(tx, `deleted_at is null`)
		return err
	})
	return rs, err
}

// Add enters a recipient. The answer alone holds a secret that was made here.
func (s *Service) Add(ctx context.Context, d Draft) (Recipient, error) {
	if err := s.decide(ctx, 0); err != nil {
		return Recipient{}, err
	}
	r := Recipient{
		Title: d.Title, Organisation: d.Organisation, Channel: d.Channel, Language: d.Language, Areas: d.Areas, Hazards: d.Hazards, From: d.From,
		Statuses: d.Statuses, Restricted: d.Restricted, Active: true,
	}
	if r.From == "" {
		r.From = "blue"
	}
	if len(r.Statuses) == 0 {
		r.Statuses = []string{actual}
	}
	if err := s.check(ctx, &r); err != nil {
		return Recipient{}, err
	}
	kept := sealed{Address: strings.TrimSpace(d.Address), Secret: d.Secret}
	made := ""
	if d.Channel == Webhook && d.Secret == "" {
		made = delivery.NewWebhookSecret(d.Asymmetric)
		kept.Secret = made
	}
	if err := s.keep(&r, kept); err != nil {
		return Recipient{}, err
	}
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		var n int
		if err := tx.QueryRow(`select count(*) from warning_recipients where deleted_at is null`).Scan(&n); err != nil {
			return err
		}
		if n >= maxRecipients {
			return web.Errorf(409, "recipient.too_many", "there are %d recipients, and no more fit; a gateway or a feed reaches many at once", n)
		}
		r.CreatedAt = s.Clock.Now().UTC()
		r.ChangedAt = r.CreatedAt
		if err := s.insert(tx, &r, kept); err != nil {
			return err
		}
		return s.tell(ctx, tx, "add", r)
	})
	r.Secret = made
	return r, err
}

// Edit changes a recipient.
func (s *Service) Edit(ctx context.Context, id int64, c Change) (Recipient, error) {
	if err := s.decide(ctx, id); err != nil {
		return Recipient{}, err
	}
	var r Recipient
	var kept sealed
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		r, kept, err = s.get(tx, id)
		return err
	})
	if err != nil {
		return r, err
	}
	before := r.ChangedAt
	assign(&r.Title, c.Title)
	assign(&r.Organisation, c.Organisation)
	assign(&r.Language, c.Language)
	assign(&r.Areas, c.Areas)
	assign(&r.Hazards, c.Hazards)
	assign(&r.From, c.From)
	assign(&r.Statuses, c.Statuses)
	assign(&r.Restricted, c.Restricted)
	assign(&r.Active, c.Active)
	if err := s.check(ctx, &r); err != nil {
		return r, err
	}
	if c.Address != nil {
		kept.Address, r.GoneAt = strings.TrimSpace(*c.Address), nil
	}
	made := ""
	if c.Secret != nil {
		if kept.Secret = *c.Secret; kept.Secret == "" && r.Channel == Webhook {
			made = delivery.NewWebhookSecret(r.PublicKey != "")
			kept.Secret = made
		}
	}
	if err := s.keep(&r, kept); err != nil {
		return r, err
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if now, _, err := s.get(tx, id); err != nil {
			return err
		} else if !now.ChangedAt.Equal(before) {
			return web.Errorf(409, "recipient.changed", "somebody else has changed recipient %d meanwhile; look at it again", id)
		}
		r.ChangedAt = later(s.Clock.Now().UTC(), before)
		if err := s.update(tx, &r, kept); err != nil {
			return err
		}
		return s.tell(ctx, tx, "change", r)
	})
	r.Secret = made
	return r, err
}

// later is now, or just after before where the clock has been put back: two changes are never of one time.
func later(now, before time.Time) time.Time {
	if now.After(before) {
		return now
	}
	return before.Add(time.Microsecond)
}

func assign[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// Remove takes a recipient out. Its address and its secret go; its name stays with what went to it.
func (s *Service) Remove(ctx context.Context, id int64) error {
	if err := s.decide(ctx, id); err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		r, _, err := s.get(tx, id)
		if err != nil {
			return err
		}
		now := s.Clock.Now()
		_, err = tx.Exec(`update warning_recipients set deleted_at = $2, active = 0, address = '', sealed = '' where id = $1`, id, db.Micros(now))
		if err != nil {
			return fmt.Errorf("remove recipient %d: %w", id, err)
		}
		return s.tell(ctx, tx, "remove", r)
	})
}

// check holds all rules but those of the address.
func (s *Service) check(ctx context.Context, r *Recipient) error {
	if err := r.check(); err != nil {
		return err
	}
	known := s.Hazards()
	for i, h := range r.Hazards {
		if !slices.Contains(known, h) {
			return web.Errorf(422, "recipient.hazards", "hazard %q is not known; known are %s", h, strings.Join(known, ", ")).At(fmt.Sprintf("hazards[%d]", i))
		}
	}
	if len(r.Areas) > 0 {
		s.Refresh(ctx)
	}
	parents := s.parents()
	for i, id := range r.Areas {
		if _, ok := parents[id]; !ok {
			return web.Errorf(422, "recipient.areas", "there is no area %d", id).At(fmt.Sprintf("areas[%d]", i))
		}
	}
	return nil
}

// keep holds the rules of address and secret, and notes what of them may be shown.
func (s *Service) keep(r *Recipient, kept sealed) error {
	var err error
	if r.Address, err = s.checkAddress(r.Channel, kept.Address); err != nil {
		return err
	}
	r.Signed, r.PublicKey = kept.Secret != "", ""
	switch {
	case r.Channel == Webhook:
		if err := delivery.CheckWebhookSecret(kept.Secret); err != nil {
			return web.Errorf(422, "recipient.secret", "%s", err).At("secret")
		}
		r.PublicKey = delivery.WebhookPublicKey(kept.Secret)
	case r.Channel != DingTalk && r.Channel != Feishu && kept.Secret != "":
		return web.Errorf(422, "recipient.secret", "channel %s has no secret", r.Channel).At("secret")
	}
	return nil
}

// tell writes into the ledger what was done to a recipient, without its secrets.
func (s *Service) tell(ctx context.Context, tx *db.Tx, what string, r Recipient) error {
	actor := access.From(ctx)
	name := actor.Name
	if name == "" {
		name = actor.Kind.String()
	}
	return ledger.Append(tx, ledger.Entry{
		Action: "warning.recipient." + what, Actor: name, ActorID: actor.ID, Subject: "recipient", SubjectID: r.ID, At: s.Clock.Now(),
		Detail: map[string]any{
			"title": r.Title.English, "channel": r.Channel, "address": r.Address, "areas": r.Areas, "hazards": r.Hazards, "from": r.From,
			"statuses": r.Statuses, "restricted": r.Restricted, "active": r.Active, "language": r.Language,
		},
	})
}

// --- what the outbox asks

func address(id int64) string { return addressPrefix + strconv.FormatInt(id, 10) }

// Resolve fulfils delivery.Deps.Resolve: it puts the address and the secret of a recipient into a message for one.
func (s *Service) Resolve(ctx context.Context, m delivery.Message) (delivery.Message, error) {
	text, ok := strings.CutPrefix(m.Address, addressPrefix)
	id, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil {
		return m, nil
	}
	var r Recipient
	var kept sealed
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		r, kept, err = s.get(tx, id)
		return err
	})
	switch {
	case web.NotFound(err):
		return m, fmt.Errorf("%w: the recipient was removed", delivery.ErrPermanent)
	case err != nil:
		return m, err
	case !r.Active:
		return m, fmt.Errorf("%w: the recipient was switched off", delivery.ErrPermanent)
	}
	m.Address, m.Secret = kept.Address, kept.Secret
	return m, nil
}

// Gone fulfils delivery.Deps.Gone: it notes that an address takes nothing. The recipient stays, and later warnings are tried: a
// receiver that is set up wrongly for an hour must not be dropped for ever.
func (s *Service) Gone(tx *db.Tx, _, at string) error {
	text, ok := strings.CutPrefix(at, addressPrefix)
	id, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil {
		return nil
	}
	_, err = tx.Exec(`update warning_recipients set gone_at = $2 where id = $1 and deleted_at is null`, id, db.Micros(s.Clock.Now()))
	if err != nil {
		return fmt.Errorf("recipient %d is gone: %w", id, err)
	}
	return nil
}
