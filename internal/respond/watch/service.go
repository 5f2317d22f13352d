package watch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

const (
	// IncidentKind is the kind of case that a call about an emergency opens (突发事件).
	IncidentKind = "incident"

	// maxText and maxLine bound what a person writes, in characters: a report, and a single field.
	maxText = 20_000
	maxLine = 2000

	// timerOwner is whose the timers of the watch are.
	timerOwner = "watch"
)

// Text is a wording in both languages.
type Text = lifecycle.Text

// Register is what the watch asks of the city's register. It may read the store, so it is never asked within a transaction.
type Register interface {
	inspect.Register
	// Name returns what people call a thing; kind is asset, place, area or organisation. Empty when it is not known.
	Name(ctx context.Context, kind string, id int64) lifecycle.Text
	// District returns the way from an area to the district around it, with its name; 0 and no name outside all of them.
	District(ctx context.Context) (func(area int64) (int64, Text), error)
	// Posts returns the posts that the duties of the register name, each once.
	Posts(ctx context.Context) ([]RegisterPost, error)
}

// RegisterPost is a post as a duty of the register names it.
type RegisterPost struct {
	Organisation int64
	Name         string
}

// Elsewhere is what the watch asks of the rooms before it. It answers for the actor of ctx: what he may not see is left out.
type Elsewhere interface {
	// Open returns what is open there just now: alerts that have not cleared, shelved ones as such, and warnings in force or
	// waiting. Each once.
	Open(ctx context.Context) ([]Item, error)
	// Figures returns the figures of these rooms in a span, for the morning brief.
	Figures(ctx context.Context, s respond.Span) ([]Figure, error)
}

// Vault opens what is sealed for a case; *vault.Service fulfils it.
type Vault interface {
	Open(ctx context.Context, r access.Resource, p access.Purpose) (map[string]string, error)
}

// Deps are what the room needs.
type Deps struct {
	DB        *db.DB
	Clock     clock.Clock
	Access    access.Decider
	Cases     *respond.Service
	Register  Register
	Elsewhere Elsewhere
	Vault     Vault
	News      respond.News
	// Upward are the rules of all packs on what is reported upward.
	Upward []*Rules
	// City is how reports call the city, Zone its local time.
	City Text
	Zone *time.Location
	// Posts are the titles of posts that the directory has none for; one without a title is called by its id. nil: all are. It
	// answers from memory.
	Posts func(post string) Text
}

// Service is the watch. Its methods are safe for concurrent use.
type Service struct {
	Deps
	rules map[string]*Rules
	pages *briefPages
}

// New returns the room. It refuses rules in which a kind of case stands twice.
func New(d Deps) (*Service, error) {
	s := &Service{Deps: d, rules: map[string]*Rules{}}
	if s.Zone == nil {
		s.Zone = time.UTC
	}
	if s.Posts == nil {
		s.Posts = lifecycle.Verbatim
	}
	for _, r := range d.Upward {
		if s.rules[r.Case] != nil {
			return nil, fmt.Errorf("the packs %s and %s both say what is reported of %s", s.rules[r.Case].Pack, r.Pack, r.Case)
		}
		s.rules[r.Case] = r
	}
	var err error
	s.pages, err = newBriefPages()
	return s, err
}

// Run listens for news of cases until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	subjects := []string{
		events.CaseOpened{}.Subject(), events.CaseMoved{}.Subject(), events.CaseClosed{}.Subject(), events.CaseReopened{}.Subject(),
	}
	return s.News.Consume(ctx, "watch", subjects, s.Hear)
}

// Hear takes news of a case.
func (s *Service) Hear(ctx context.Context, m bus.Message) error {
	return s.hear(ctx, m)
}

// Timers are what the room's timers do; see timers.New.
func (s *Service) Timers() map[string]timers.Fire {
	return map[string]timers.Fire{timerOwner: s.fire}
}

// fire does what a timer of the watch is for.
func (s *Service) fire(tx *db.Tx, t timers.Timer, now time.Time) error {
	switch t.Name {
	case clockTimer:
		return s.clockPassed(tx, t.ID, now)
	case instructionTimer:
		return s.instructionPassed(tx, t.ID, now)
	}
	return fmt.Errorf("the watch has no timer %q", t.Name)
}

// --- shared

// now is the time to the microsecond, which is what the store keeps.
func (s *Service) now() time.Time { return s.Clock.Now().Truncate(time.Microsecond) }

// decide asks whether the actor may do this to what a desk holds; desk 0 is the city's own.
func (s *Service) decide(ctx context.Context, action string, id, desk int64) error {
	return s.Access.Decide(ctx, action, access.Resource{Type: "watch", ID: id, Organisation: desk}, access.Operations)
}

// mine asks whether the actor may do this at his own desk, and says which that is.
func (s *Service) mine(ctx context.Context, action string) (who access.Actor, err error) {
	who = access.From(ctx)
	return who, s.decide(ctx, action, 0, who.Organisation)
}

// seen says for each desk once whether the actor may read what it holds.
func (s *Service) seen(ctx context.Context) func(desk int64) bool {
	known := map[int64]bool{}
	return func(desk int64) bool {
		may, asked := known[desk]
		if !asked {
			may = s.decide(ctx, "watch.log", -1, desk) == nil
			known[desk] = may
		}
		return may
	}
}

// tell puts that something has changed into the outbox.
func tell(tx *db.Tx, what string, id, caseID, desk int64, now time.Time) error {
	return outbox.Put(tx, events.WatchChanged{What: what, ID: id, Case: caseID, Desk: desk, At: now})
}

// words brings what a person wrote into form: trimmed, within its length, and without numbers of persons.
func words(s *string, field string, required bool, most int) error {
	*s = strings.TrimSpace(*s)
	switch {
	case required && *s == "":
		return bad("watch.missing", field, "write something here")
	case utf8.RuneCountInString(*s) > most:
		return bad("watch.too_long", field, "at most %d characters", most)
	case !utf8.ValidString(*s) || strings.ContainsRune(*s, 0):
		return bad("watch.unreadable", field, "the text holds characters that cannot be shown")
	}
	*s = guard.Mask(*s)
	return nil
}

func bad(code, field, format string, args ...any) error {
	return web.Errorf(http.StatusUnprocessableEntity, code, format, args...).At(field)
}

func missing(what string, id int64) error {
	return web.Errorf(http.StatusNotFound, "watch.not_found", "there is no %s %d", what, id)
}

// unknown turns a row that isn't there into an error for people.
func unknown(err error, what string, id int64) error {
	if errors.Is(err, db.ErrNotFound) {
		return missing(what, id)
	}
	return err
}

// organisation refuses one that the register does not know.
func (s *Service) organisation(ctx context.Context, id int64, field string) error {
	if id != 0 && s.Register.Name(ctx, "organisation", id) == (Text{}) {
		return bad("watch.unknown_organisation", field, "there is no organisation %d", id)
	}
	return nil
}

// names asks the register for the name of each organisation once.
func (s *Service) names(ctx context.Context) func(id int64) *Text {
	known := map[int64]*Text{}
	return func(id int64) *Text {
		if id == 0 {
			return nil
		}
		if known[id] == nil {
			name := s.Register.Name(ctx, "organisation", id)
			known[id] = &name
		}
		return known[id]
	}
}

// hasKind says whether some pack has the kind of case.
func (s *Service) hasKind(id string) bool {
	return slices.ContainsFunc(s.Cases.Kinds, func(k *lifecycle.Kind) bool { return k.ID == id })
}

// notPrivate refuses a case that is for its parties alone: what the watch writes of it would stand where others read. 0 is none.
func notPrivate(tx *db.Tx, caseID int64) error {
	if caseID == 0 {
		return nil
	}
	c, err := respond.Find(tx, caseID)
	if err != nil {
		return unknown(err, "case", caseID)
	}
	if c.Private {
		return web.Errorf(http.StatusConflict, "watch.private_case", "case %d is for its parties alone; nothing of it stands in the log of the watch", caseID).At("case")
	}
	return nil
}

// when reads a time that something happened: now where none is given, never in the future, never before the earliest.
func when(at *time.Time, now time.Time, earliest time.Time, field string) (time.Time, error) {
	if at == nil || at.IsZero() {
		return now, nil
	}
	t := at.UTC().Truncate(time.Microsecond)
	switch {
	case t.After(now.Add(time.Minute)): // a desk's clock may be a little ahead
		return t, bad("watch.future", field, "%s lies in the future", t.Format(time.RFC3339))
	case t.Before(earliest):
		return t, bad("watch.too_early", field, "%s is before %s, the earliest possible", t.Format(time.RFC3339), earliest.Format(time.RFC3339))
	case t.After(now):
		return now, nil
	}
	return t, nil
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// actorName is who stands in rows and in the ledger.
func actorName(who access.Actor) string {
	if who.Name != "" {
		return who.Name
	}
	return who.Kind.String()
}
