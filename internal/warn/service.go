package warn

import (
	"context"
	"embed"
	"fmt"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/internal/warn/hazard"
	"github.com/anlan-city/anlan/internal/warn/wording"
)

// Defaults of Options.
const (
	DefaultBaseURL          = "http://127.0.0.1:8080"
	DefaultSender           = "warnings@anlan.example"
	DefaultIdentifierPrefix = "urn:anlan:warning:"
	DefaultGeocode          = "ANLAN:AREA"

	// retryExpiry is how long the clock's loop waits after a failure, and the
	// longest it sleeps at all, since a machine's clock can be set forward.
	retryExpiry = time.Minute

	signal = "warnings"
)

// Options are what a city sets.
type Options struct {
	// BaseURL is where the public reaches this server, without a slash at the end.
	BaseURL string
	// Sender names us in CAP: a name of the city's own, such as an e-mail address of the duty office or a domain.
	Sender     string
	SenderName page.Text
	// IdentifierPrefix stands before number and version in each identifier; a city with a WMO object identifier puts
	// it here ("urn:oid:2.49.0.1.156.…").
	IdentifierPrefix string
	// Contact is whom people and media may ask, an office and never a person.
	Contact string
	// GeocodeName says by which system areas are numbered; the value is the area's external id.
	GeocodeName string
	// TimeZone is that of the times in CAP and of the year in numbers; UTC (written -00:00) when nil.
	TimeZone    *time.Location
	MaxDuration time.Duration
	// KeyFile holds the key that signs messages, made at the first start; nothing is signed when empty.
	KeyFile string
}

func (o Options) withDefaults() Options {
	set := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	set(&o.BaseURL, DefaultBaseURL)
	set(&o.Sender, DefaultSender)
	set(&o.IdentifierPrefix, DefaultIdentifierPrefix)
	set(&o.GeocodeName, DefaultGeocode)
	set(&o.SenderName.English, "City duty office")
	set(&o.SenderName.Chinese, "市应急值班室")
	o.BaseURL = strings.TrimSuffix(o.BaseURL, "/")
	if o.MaxDuration == 0 {
		o.MaxDuration = DefaultMaxDuration
	}
	return o
}

func (o Options) zone() *time.Location {
	if o.TimeZone == nil {
		return time.UTC
	}
	return o.TimeZone
}

func (o Options) geocodeName() string { return o.GeocodeName }

// Areas says where warnings hold; area.Service fulfils it. It is safe for concurrent use.
type Areas interface {
	// Areas lists the districts and towns, parents before children; grid cells are left out.
	Areas(ctx context.Context) ([]area.Area, error)
	// Places looks up where a proposal holds, and freezes it.
	Places(ctx context.Context, w area.Where) ([]area.Place, error)
}

// Deps are what the room needs.
type Deps struct {
	DB      *db.DB
	Clock   clock.Clock
	Access  access.Decider
	Areas   Areas
	Options Options
	// Hazards are what packs say warnings can be about, and who may publish them.
	Hazards *hazard.Book
	// Organisation is the external id of an organisation, "" where it is not known. Nil: none is known.
	Organisation func(id int64) string
	// Changed is called in each transaction that changes what the public sees. Nil: nobody shows it.
	Changed func(tx *db.Tx)
	// Reach has what is published leave the program. May be nil.
	Reach Reach
	// News is where alerts are heard of. Nil: none are, and nothing is suggested.
	News News
	// Alert is what is known of an alert that no hazard listens for, as the one who asks may see it. Nil: nothing.
	Alert func(ctx context.Context, id int64) (events.AlertFacts, error)
	// District is the area that people know by its name in which an area lies, such as a grid cell; 0 for none. It answers from memory.
	// Nil: an area is its own.
	District func(area int64) int64
}

// Service composes, approves, publishes and ends warnings. It is safe for concurrent use.
type Service struct {
	db      *db.DB
	clock   clock.Clock
	access  access.Decider
	areas   Areas
	options Options
	hazards *hazard.Book
	// organisation is the external id of an organisation.
	organisation func(id int64) string
	changed      func(tx *db.Tx)
	reach        Reach
	news         News
	alert        func(ctx context.Context, id int64) (events.AlertFacts, error)
	district     func(area int64) int64
	signer       *cap.Signer // nil: messages go out unsigned
}

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the room's tables.
func Migrations() db.Migrations { return db.Embedded("warn", migrations) }

// New returns the room.
func New(d Deps) (*Service, error) {
	s := &Service{db: d.DB, clock: d.Clock, access: d.Access, areas: d.Areas, options: d.Options.withDefaults(), hazards: d.Hazards, organisation: d.Organisation,
		changed: d.Changed, reach: d.Reach, news: d.News, alert: d.Alert, district: d.District}
	if s.changed == nil {
		s.changed = func(*db.Tx) {}
	}
	if s.district == nil {
		s.district = func(area int64) int64 { return area }
	}
	if file := s.options.KeyFile; file != "" {
		var err error
		if s.signer, err = cap.NewSigner(file, s.options.Sender); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Proposal is what an officer asks to be published.
type Proposal struct {
	Level       Level         `json:"level" enum:"red,orange,yellow,blue"`
	Hazard      string        `json:"hazard" doc:"id of a hazard, such as gas-leak"`
	Areas       []int64       `json:"areas,omitempty" required:"false" maxItems:"50"`
	Drawn       []area.Drawn  `json:"drawn,omitempty" required:"false" maxItems:"20"`
	Around      []area.Around `json:"around,omitempty" required:"false" maxItems:"20"`
	Headline    page.Text     `json:"headline"`
	Description page.Text     `json:"description"`
	Instruction page.Text     `json:"instruction,omitempty" required:"false" doc:"what to do; the hazard's own text when absent"`
	Onset       time.Time     `json:"onset,omitzero" required:"false" doc:"when the danger begins; now when absent"`
	Expires     time.Time     `json:"expires"`
	Urgency     string        `json:"urgency,omitempty" doc:"Immediate, Expected or Future; by the level when absent"`
	Certainty   string        `json:"certainty,omitempty" doc:"Observed, Likely or Possible; by the level when absent"`
	Status      string        `json:"status,omitempty" doc:"Actual (the default), Exercise, System, Test or Draft; only Actual ever reaches the public. An update keeps its warning's."`
	Scope       string        `json:"scope,omitempty" doc:"Public (the default) or Restricted. An update keeps its warning's."`
	Restriction string        `json:"restriction,omitempty" maxLength:"200" doc:"whom a Restricted warning is for"`
	Suggestion  int64         `json:"suggestion,omitempty" doc:"the suggestion that it was made of, which is taken by it"`
}

// Propose puts a new warning before a second officer.
func (s *Service) Propose(ctx context.Context, p Proposal) (Warning, error) {
	actor, content, err := s.prepare(ctx, 0, p)
	if err != nil {
		return Warning{}, err
	}
	r := record{status: orElse(p.Status, cap.Actual), scope: orElse(p.Scope, cap.Public), restriction: strings.TrimSpace(p.Restriction), state: Proposed, pending: 1, expires: content.Expires}
	if err := checkAudience(r.status, r.scope, r.restriction); err != nil {
		return Warning{}, err
	}
	var id int64
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		now := s.now()
		year := now.In(s.options.zone()).Year()
		serial, err := nextSerial(tx, year)
		if err != nil {
			return fmt.Errorf("number a warning: %w", err)
		}
		r.number = fmt.Sprintf("%d-%04d", year, serial)
		v := version{n: 1, kind: kindAlert, state: Proposed, content: content, proposedAt: now, proposedBy: actor.ID, proposedByName: actor.Name}
		if _, err := s.options.compose(r.message(v, now, nil)); err != nil {
			return err
		}
		if err := insertWarning(tx, &r, year, serial, now); err != nil {
			return fmt.Errorf("store warning %s: %w", r.number, err)
		}
		id, v.warning = r.id, r.id
		if err := s.take(tx, p.Suggestion, &r, content, actor.Name, now); err != nil {
			return err
		}
		return s.storeProposal(tx, &r, v, actor, now)
	})
	if err != nil {
		return Warning{}, err
	}
	return s.load(ctx, id)
}

// ProposeUpdate puts new content for an issued warning before a second officer; until it is approved the old content
// stays in force. Status and scope can't change: an exercise never becomes real. Nor can the hazard: who was warned of a flood must hear
// when that is over, and a gas leak is a warning of its own.
func (s *Service) ProposeUpdate(ctx context.Context, id int64, p Proposal) (Warning, error) {
	actor, content, err := s.prepare(ctx, id, p)
	if err != nil {
		return Warning{}, err
	}
	err = s.change(ctx, id, func(tx *db.Tx, r *record, vs []version, now time.Time) error {
		if p.Status != "" && p.Status != r.status || p.Scope != "" && p.Scope != r.scope || p.Restriction != "" && p.Restriction != r.restriction {
			return web.Errorf(422, "warning.audience_fixed", "status, scope and restriction of a warning never change; propose a new one").At("status")
		}
		if err := inForce(r, now); err != nil {
			return err
		}
		if is := vs[0].content.Hazard; content.Hazard != is {
			return web.Errorf(422, "warning.hazard_fixed", "this warning is about %s and stays so; end it, and propose one about %s", is, content.Hazard).At("hazard")
		}
		if r.pending != 0 {
			return web.Errorf(409, "warning.pending", "version %d already waits for approval; withdraw it first", r.pending)
		}
		v := version{warning: id, n: vs[len(vs)-1].n + 1, kind: kindUpdate, state: Proposed, content: content, proposedAt: now, proposedBy: actor.ID, proposedByName: actor.Name}
		m := r.message(v, now, references(vs, s.options.Sender, s.options.zone()))
		m.from = levelBefore(vs, v.n)
		if _, err := s.options.compose(m); err != nil {
			return err
		}
		r.pending = v.n
		if err := updatePending(tx, r); err != nil {
			return fmt.Errorf("store update of warning %s: %w", r.number, err)
		}
		if err := s.take(tx, p.Suggestion, r, content, actor.Name, now); err != nil {
			return err
		}
		return s.storeProposal(tx, r, v, actor, now)
	})
	if err != nil {
		return Warning{}, err
	}
	return s.load(ctx, id)
}

// prepare checks a proposal and freezes its areas. Geometry is fetched here, before the writer is asked.
func (s *Service) prepare(ctx context.Context, id int64, p Proposal) (access.Actor, Content, error) {
	actor, err := s.officer(ctx, "warning.propose")
	if err != nil {
		return actor, Content{}, err
	}
	c := Content{Level: p.Level, Hazard: p.Hazard, Headline: p.Headline, Description: p.Description, Instruction: p.Instruction,
		Onset: p.Onset, Expires: p.Expires, Urgency: p.Urgency, Certainty: p.Certainty}
	if c.Areas, err = s.areas.Places(ctx, area.Where{Areas: p.Areas, Drawn: p.Drawn, Around: p.Around}); err != nil {
		return actor, Content{}, err
	}
	if err := s.mayIn(ctx, "warning.propose", id, c); err != nil {
		return actor, Content{}, err
	}
	if err := c.check(s.hazards, s.now(), s.options.MaxDuration); err != nil {
		return actor, c, err
	}
	rules, err := s.authority(ctx)
	if err != nil {
		return actor, c, err
	}
	return actor, c, rules.mayPropose(actor, c)
}

// officer returns the signed-in person who acts. The program itself, a device or the public never propose, approve or
// end a warning, whatever the policy says.
func (s *Service) officer(ctx context.Context, action string) (access.Actor, error) {
	actor := access.From(ctx)
	if err := s.access.Decide(ctx, action, access.Resource{Type: "warning"}, access.Operations); err != nil {
		return actor, err
	}
	if actor.Kind != access.KindAccount || actor.ID == 0 {
		return actor, web.Errorf(403, "warning.person_only", "a warning is proposed, approved and ended by officers who signed in")
	}
	return actor, nil
}

func (s *Service) storeProposal(tx *db.Tx, r *record, v version, actor access.Actor, now time.Time) error {
	if err := insertVersion(tx, &v); err != nil {
		return fmt.Errorf("store proposal of warning %s: %w", r.number, err)
	}
	vs, err := loadVersions(tx, r.id)
	if err != nil {
		return err
	}
	return s.tell(tx, "warning.propose", r, v, actor, now, "", events.WarningProposed{Warning: r.event(v, vs, actor.ID, now)})
}

// Approve publishes the version that waits. From the level on that the packs set, the approver is never its proposer. seen is the version that the approver has
// read: another that has taken its place is not approved; 0 approves whatever waits.
func (s *Service) Approve(ctx context.Context, id int64, seen int) (Warning, error) {
	actor, err := s.officer(ctx, "warning.approve")
	if err != nil {
		return Warning{}, err
	}
	rules, err := s.authority(ctx)
	if err != nil {
		return Warning{}, err
	}
	err = s.change(ctx, id, func(tx *db.Tx, r *record, vs []version, now time.Time) error {
		v, err := pendingOf(r, vs)
		if err != nil {
			return err
		}
		if err := s.mayIn(ctx, "warning.approve", id, v.content); err != nil {
			return err
		}
		if seen != 0 && seen != v.n {
			return web.Errorf(409, "warning.version", "version %d was to be approved, but version %d waits: read it first", seen, v.n).At("version")
		}
		if err := rules.mayPublish(actor, r, vs, v); err != nil {
			return err
		}
		if v.proposedBy == actor.ID && rules.second(r, vs, v) {
			return web.Errorf(403, "warning.second_officer", "whoever proposed a warning can't approve it; a second officer must")
		}
		if v.kind == kindUpdate {
			if err := inForce(r, now); err != nil {
				return err
			}
		}
		if !v.content.Expires.After(now) {
			return web.Errorf(409, "warning.over", "its end (%s) has passed; propose it anew", v.content.Expires.Format(time.RFC3339))
		}
		if err := s.publish(r, &v, vs, actor, now); err != nil {
			return err
		}
		if err := issueVersion(tx, &v); err != nil {
			return fmt.Errorf("store approval of warning %s: %w", r.number, err)
		}
		r.state, r.current, r.pending, r.expires = Issued, v.n, 0, v.content.Expires
		if err := updateWarning(tx, r, now); err != nil {
			return fmt.Errorf("issue warning %s: %w", r.number, err)
		}
		s.changedPublic(tx)
		var event outbox.Event = events.WarningIssued{Warning: r.event(v, vs, actor.ID, now), Onset: v.content.Onset, Expires: r.expires}
		if v.kind == kindUpdate {
			event = events.WarningUpdated{Warning: r.event(v, vs, actor.ID, now), From: string(levelBefore(vs, v.n)), Onset: v.content.Onset, Expires: r.expires}
		}
		if err := s.reachOut(tx, r, v, vs); err != nil {
			return err
		}
		return s.tell(tx, "warning.approve", r, v, actor, now, "", event)
	})
	if err != nil {
		return Warning{}, err
	}
	return s.load(ctx, id)
}

// Withdraw takes back what waits for approval. A warning that was never issued ends with it.
func (s *Service) Withdraw(ctx context.Context, id int64, reason string) (Warning, error) {
	actor, err := s.officer(ctx, "warning.cancel")
	if err != nil {
		return Warning{}, err
	}
	if reason, err = wording.Reason(reason); err != nil {
		return Warning{}, err
	}
	err = s.change(ctx, id, func(tx *db.Tx, r *record, vs []version, now time.Time) error {
		if err := s.mayIn(ctx, "warning.cancel", id, vs[len(vs)-1].content); err != nil {
			return err
		}
		return s.withdraw(tx, r, vs, actor, now, reason)
	})
	if err != nil {
		return Warning{}, err
	}
	return s.load(ctx, id)
}

func (s *Service) withdraw(tx *db.Tx, r *record, vs []version, actor access.Actor, now time.Time, reason string) error {
	v, err := pendingOf(r, vs)
	if err != nil {
		return err
	}
	if err := withdrawVersion(tx, &v, reason); err != nil {
		return fmt.Errorf("withdraw proposal of warning %s: %w", r.number, err)
	}
	if r.current == 0 {
		r.state, r.endedAt, r.endedBy, r.endKind, r.endReason = Cancelled, &now, actor.Name, "withdrawn", reason
		if err := updateWarning(tx, r, now); err != nil {
			return fmt.Errorf("withdraw warning %s: %w", r.number, err)
		}
	} else {
		r.pending = 0
		if err := updatePending(tx, r); err != nil {
			return fmt.Errorf("withdraw update of warning %s: %w", r.number, err)
		}
	}
	return s.tell(tx, "warning.withdraw", r, v, actor, now, reason, events.WarningWithdrawn{Warning: r.event(v, vs, actor.ID, now)})
}

// Cancel takes back a warning: an issued one by a Cancel message, at once and without a second officer, since a wrong
// warning must not stand while one is looked for; one that was only proposed is withdrawn. The reason is public.
func (s *Service) Cancel(ctx context.Context, id int64, reason string) (Warning, error) {
	return s.end(ctx, id, kindCancel, reason)
}

// AllClear ends an issued warning because the danger is over.
func (s *Service) AllClear(ctx context.Context, id int64, reason string) (Warning, error) {
	return s.end(ctx, id, kindAllClear, reason)
}

func (s *Service) end(ctx context.Context, id int64, kind Kind, reason string) (Warning, error) {
	actor, err := s.officer(ctx, "warning.cancel")
	if err != nil {
		return Warning{}, err
	}
	if reason, err = wording.Reason(reason); err != nil {
		return Warning{}, err
	}
	err = s.change(ctx, id, func(tx *db.Tx, r *record, vs []version, now time.Time) error {
		if err := s.mayIn(ctx, "warning.cancel", id, currentOf(r, vs).content); err != nil {
			return err
		}
		if r.state == Proposed && kind == kindCancel {
			return s.withdraw(tx, r, vs, actor, now, reason)
		}
		if err := inForce(r, now); err != nil {
			return err
		}
		if r.pending != 0 { // what waits would change a warning that is over
			v, err := pendingOf(r, vs)
			if err != nil {
				return err
			}
			if err := withdrawVersion(tx, &v, reason); err != nil {
				return fmt.Errorf("withdraw update of warning %s: %w", r.number, err)
			}
			r.pending = 0
		}
		v := version{warning: id, n: vs[len(vs)-1].n + 1, kind: kind, state: Issued, content: currentOf(r, vs).content, reason: reason,
			proposedAt: now, proposedBy: actor.ID, proposedByName: actor.Name}
		if err := s.publish(r, &v, vs, actor, now); err != nil {
			return err
		}
		if err := insertVersion(tx, &v); err != nil {
			return fmt.Errorf("store end of warning %s: %w", r.number, err)
		}
		r.state, r.current, r.endedAt, r.endedBy, r.endKind, r.endReason = Cancelled, v.n, &now, actor.Name, string(kind), reason
		if err := updateWarning(tx, r, now); err != nil {
			return fmt.Errorf("end warning %s: %w", r.number, err)
		}
		s.changedPublic(tx)
		if err := s.reachOut(tx, r, v, vs); err != nil {
			return err
		}
		return s.tell(tx, "warning."+string(kind), r, v, actor, now, reason,
			events.WarningCancelled{Warning: r.event(v, vs, actor.ID, now), AllClear: kind == kindAllClear})
	})
	if err != nil {
		return Warning{}, err
	}
	return s.load(ctx, id)
}

// publish composes and signs the message and puts its document into v.
func (s *Service) publish(r *record, v *version, vs []version, actor access.Actor, now time.Time) error {
	m := r.message(*v, now, references(vs, s.options.Sender, s.options.zone()))
	m.from = levelBefore(vs, v.n)
	a, err := s.options.compose(m)
	if err != nil {
		return err
	}
	document, err := cap.Encode(a)
	if err == nil && s.signer != nil {
		document, err = s.signer.Sign(document)
	}
	if err != nil {
		return err
	}
	v.state, v.approvedBy, v.approvedByName = Issued, actor.ID, actor.Name
	v.identifier, v.sent, v.cap = a.Identifier, now, string(document)
	return nil
}

// change runs fn on a warning inside the one writer.
func (s *Service) change(ctx context.Context, id int64, fn func(tx *db.Tx, r *record, vs []version, now time.Time) error) error {
	if s.reach != nil {
		s.reach.Refresh(ctx)
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		r, err := loadWarning(tx, id)
		if err != nil {
			return err
		}
		vs, err := loadVersions(tx, id)
		if err != nil {
			return fmt.Errorf("load warning %d: %w", id, err)
		}
		return fn(tx, r, vs, s.now())
	})
}

// tell writes the ledger entry and the event of a step. The ledger names the identifier of what was published, so that
// it proves which message was approved by whom.
func (s *Service) tell(tx *db.Tx, action string, r *record, v version, actor access.Actor, now time.Time, reason string, event outbox.Event) error {
	detail := map[string]any{
		"number": r.number, "version": v.n, "status": r.status, "level": string(v.content.Level), "hazard": v.content.Hazard,
		"expires": v.content.Expires.Format(time.RFC3339), "areas": area.IDs(v.content.Areas),
	}
	if v.identifier != "" {
		detail["identifier"], detail["sha256"] = v.identifier, digest(v.cap)
	}
	if reason != "" {
		detail["reason"] = reason
	}
	err := ledger.Append(tx, ledger.Entry{Action: action, Actor: orElse(actor.Name, actor.Kind.String()), ActorID: actor.ID,
		Subject: "warning", SubjectID: r.id, At: now, Detail: detail})
	if err != nil {
		return err
	}
	if err := outbox.Put(tx, event); err != nil {
		return err
	}
	return s.reweigh(tx, v.content.Hazard, r.id, now)
}

// changedPublic says that what the public sees changes with the transaction, and wakes the clock's loop: the next end may be another.
func (s *Service) changedPublic(tx *db.Tx) {
	s.changed(tx)
	tx.Signal(signal)
}

// Run ends warnings when their time has come, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	for {
		wait := s.expire(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-s.db.Signal(signal):
		case <-s.clock.After(wait):
		}
	}
}

// expire ends what is due and returns how long to wait for the next.
func (s *Service) expire(ctx context.Context) time.Duration {
	wait := retryExpiry
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		now := s.clock.Now()
		due, err := dueWarnings(tx, now)
		if err != nil {
			return err
		}
		for _, f := range due {
			at := f.expires // the moment it ended, not the moment we noticed
			if f.pending != 0 {
				if err := withdrawVersion(tx, &version{warning: f.id, n: f.pending}, "the warning ended"); err != nil {
					return err
				}
			}
			f.state, f.pending, f.endedAt, f.endKind = Expired, 0, &at, "expired"
			if err := updateWarning(tx, &f.record, at); err != nil {
				return err
			}
			vs, err := loadVersions(tx, f.id)
			if err != nil {
				return err
			}
			if err := s.tell(tx, "warning.expire", &f.record, f.shown, access.System("clock"), now, "", events.WarningExpired{Warning: f.event(f.shown, vs, 0, at)}); err != nil {
				return err
			}
		}
		if next, ok, err := nextExpiry(tx); err != nil {
			return err
		} else if ok {
			wait = max(0, min(wait, next.Sub(now)))
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		s.log(ctx, "warnings not expired", err)
		return retryExpiry
	}
	return wait
}

// now is the present in whole seconds: what CAP can say.
func (s *Service) now() time.Time { return s.clock.Now().Truncate(time.Second) }

func (r *record) message(v version, sent time.Time, refs cap.References) message {
	return message{kind: v.kind, number: r.number, version: v.n, status: r.status, scope: r.scope, rest: r.restriction,
		reason: v.reason, content: v.content, sent: sent, references: refs}
}

func (r *record) event(v version, vs []version, by int64, at time.Time) events.Warning {
	return events.Warning{Warning: r.id, Number: r.number, Version: v.n, Status: r.status, Scope: r.scope,
		Level: string(v.content.Level), Hazard: v.content.Hazard, Areas: area.IDs(v.content.Areas), Concerns: concerned(vs), By: by, At: at}
}

// pendingOf returns the version that waits.
func pendingOf(r *record, vs []version) (version, error) {
	for _, v := range vs {
		if v.n == r.pending && v.state == Proposed {
			return v, nil
		}
	}
	return version{}, web.Errorf(409, "warning.nothing_pending", "nothing of warning %s waits for approval", r.number)
}

func currentOf(r *record, vs []version) version {
	for _, v := range vs {
		if v.n == r.current {
			return v
		}
	}
	return vs[0]
}

// inForce says why a warning can't be changed any more.
func inForce(r *record, now time.Time) error {
	if r.state != Issued {
		return web.Errorf(409, "warning.not_in_force", "warning %s is %s; only an issued one can be changed or ended", r.number, r.state)
	}
	if !r.expires.After(now) {
		return web.Errorf(409, "warning.not_in_force", "warning %s ended at %s", r.number, r.expires.Format(time.RFC3339))
	}
	return nil
}

func errUnknown(id int64) error {
	return web.Errorf(404, "warning.unknown", "there is no warning %d", id)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
