package notify

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/delivery"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
	"github.com/anlan-city/anlan/internal/warn"
)

const (
	timerOwner = "notice"
	stepTimer  = "step"
	lapseTimer = "lapse"
	signal     = "notices"

	// atOnce bounds how many runs are worked on at a time; their writes share commits.
	atOnce = 16
	// readyMost bounds how many ready runs are read at a time.
	readyMost = 200
	// retry is the pause after a step that failed.
	retry = time.Second
	// grace is how long an alert whose group's first has ended is left alone: whoever acknowledges a group does so one by one.
	grace = time.Minute
)

// Alerts is what notify asks of the alerts; app fulfils it with detect.
type Alerts interface {
	// Standing says within a transaction how an alert stands: raised, acknowledged or cleared, and whether it rests.
	Standing(tx *db.Tx, alert int64) (state string, rests bool, err error)
	// Acknowledge notes that the actor of ctx has taken note of an alert. A refusal is a *web.Error.
	Acknowledge(ctx context.Context, alert int64) error
}

// Warnings is what notify asks of the warnings; *warn.Service fulfils it.
type Warnings interface {
	// MayRead asks whether the one who asks may read the warning of a number.
	MayRead(ctx context.Context, number string) error
	AskedProposal(tx *db.Tx, warning int64, version int) (warn.Asked, error)
	AskedSuggestion(tx *db.Tx, suggestion int64) (warn.Asked, error)
}

// Accounts say who an account is now. It answers from memory and doesn't block.
type Accounts interface {
	// Account returns an account as it is; ok is false where it is disabled or gone.
	Account(id int64) (a access.Actor, ok bool)
}

// Thing is an area, a place or an asset of the register.
type Thing struct {
	Subject string
	ID      int64
}

// Gap is where a missing link of the chain of responsibility is to be mended.
type Gap struct {
	Thing
	Name  lifecycle.Text
	Point *[2]float64 // within an area; nil: the thing is a place or an asset
}

// Holder is who holds a duty.
type Holder struct {
	Organisation int64
	Post         string
	Lead         bool
	// Over is what the duty is over.
	Over Thing
}

// Register is what notify asks of the city's register. It may read the store, so it is never asked within a transaction, but for
// Name of an organisation, which answers from memory.
type Register interface {
	// Holders are who answers for a thing, by the kind of link, the nearest first; around are the things whose duties concern
	// it. A thing that does not exist has none.
	Holders(ctx context.Context, t Thing) (by map[string][]Holder, around []Thing, err error)
	// Gap says where a link is missing that nobody holds for a thing.
	Gap(ctx context.Context, kind string, t Thing) (Gap, error)
	// City is the area that is the whole city; 0 when the register has none.
	City() int64
	// Organisation finds one by its external id.
	Organisation(key string) (id int64, ok bool)
	// Name returns what people call an organisation; empty when it is not known.
	Name(organisation int64) lifecycle.Text
	// Where says in words where something is, so that it may leave the program: never a flat.
	Where(s inspect.Spot) lifecycle.Text
}

// Findings takes what is wrong with the chain of responsibility; *inspect.Service fulfils it.
type Findings interface {
	Record(ctx context.Context, d inspect.Draft, request string) (inspect.Finding, error)
}

// Push is what notify asks of web push; *delivery.WebPush fulfils it.
type Push interface {
	PublicKey() string
	Check(s delivery.Subscription) error
}

var (
	_ Findings = (*inspect.Service)(nil)
	_ Push     = (*delivery.WebPush)(nil)
	_ Warnings = (*warn.Service)(nil)
)

// Deps are what the room needs.
type Deps struct {
	DB       *db.DB
	Clock    clock.Clock
	Access   access.Decider
	Accounts Accounts
	Cases    *respond.Service
	Alerts   Alerts
	Warnings Warnings
	Register Register
	Findings Findings
	News     respond.News
	Push     Push // nil: none
	// Chains of all packs as they are now.
	Chains []*Chain
	// Kinds are the titles of the kinds of case.
	Kinds func(kind string) lifecycle.Text
	// Posts are the titles of posts; one that has none is called by its id. nil: all are. It answers from memory.
	Posts func(post string) lifecycle.Text
}

// Service runs chains and keeps inboxes. Its methods are safe for concurrent use.
type Service struct {
	Deps
	chains *Set
}

// New returns the room. It refuses a set of chains in which one is ambiguous.
func New(d Deps) (*Service, error) {
	set, err := NewSet(d.Chains)
	if err != nil {
		return nil, err
	}
	if d.Posts == nil {
		d.Posts = lifecycle.Verbatim
	}
	return &Service{Deps: d, chains: set}, nil
}

// Run listens to the other rooms and works on what is ready, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	ctx = access.With(ctx, access.System("notify"))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.News.Consume(ctx, "notify", heard, s.Hear) })
	g.Go(func() error {
		for {
			n, err := s.Step(ctx)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				slog.WarnContext(ctx, "notices wait", "err", err)
			}
			if err == nil && n > 0 {
				continue
			}
			select {
			case <-ctx.Done():
				return nil
			case <-s.DB.Signal(signal):
				if err == nil {
					continue
				}
				// What failed is tried again after the pause, not as often as something else becomes ready.
				select {
				case <-ctx.Done():
					return nil
				case <-s.Clock.After(retry):
				}
			case <-s.Clock.After(retry):
			}
		}
	})
	return g.Wait()
}

// Timers are what the room's timers do; see timers.New.
func (s *Service) Timers() map[string]timers.Fire {
	return map[string]timers.Fire{timerOwner: s.due}
}

// Renew brings the next step of each chain forward that was measured by a clock that had run ahead: none is further off than the
// chain waits, from now or from when what it is about will have come to pass.
func (s *Service) Renew(tx *db.Tx, now time.Time) error {
	var set []timers.Timer
	err := tx.Each(func(rows *sql.Rows) error {
		t := timers.Timer{Owner: timerOwner, Name: stepTimer}
		var due int64
		err := rows.Scan(&t.ID, &t.Generation, &due)
		t.DueAt = db.Time(due)
		set = append(set, t)
		return err
	}, `select id, generation, due_at from timers where owner = $1 and name = $2 and due_at > cast($3 as bigint) order by id nulls last`,
		timerOwner, stepTimer, db.Micros(now))
	if err != nil {
		return fmt.Errorf("steps of chains: %w", err)
	}
	for _, t := range set {
		r, err := getRun(tx, t.ID)
		if err != nil {
			return err
		}
		c, err := getChain(tx, r.Definition)
		if err != nil {
			return err
		}
		if r.place.step == 0 {
			continue // it waits for what has yet to come to pass
		}
		var v verdict
		if r.About == AboutTask || r.About == AboutCase {
			if v, err = s.look(tx, r, c); err != nil {
				return err
			}
		}
		from := now
		if v.until.After(now) {
			from = v.until
		}
		if next := from.Add(c.Steps[r.place.step-1].Wait); next.Before(t.DueAt) {
			t.DueAt = next
			if err := timers.Set(tx, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// due marks a run whose wait is over, and ends one whose thing may have lapsed.
func (s *Service) due(tx *db.Tx, t timers.Timer, _ time.Time) error {
	r, err := getRun(tx, t.ID)
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err == nil && t.Name == lapseTimer {
		return s.answer(tx, []*Run{r}, s.now())
	}
	if err != nil || r.State != Running {
		return err
	}
	r.Ready = true
	tx.Signal(signal)
	return updateRun(tx, r)
}

// Step works on the runs that are ready, and says how many there were. One that fails holds up no other.
func (s *Service) Step(ctx context.Context) (n int, failed error) {
	ctx = access.With(ctx, access.System("notify"))
	for after := int64(0); ; {
		var ready []int64
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			ready, err = readyRuns(tx, after, readyMost)
			return err
		})
		if err != nil || len(ready) == 0 {
			return n, errors.Join(failed, err)
		}
		n, after = n+len(ready), ready[len(ready)-1]
		errs := make([]error, len(ready))
		var g errgroup.Group
		g.SetLimit(atOnce)
		for i, id := range ready {
			g.Go(func() error {
				if err := s.advance(ctx, id); err != nil {
					errs[i] = fmt.Errorf("run %d: %w", id, err)
				}
				return nil
			})
		}
		g.Wait() // nothing in it returns an error
		failed = errors.Join(append(errs, failed)...)
	}
}

// now is the time to the microsecond, which is what the store keeps.
func (s *Service) now() time.Time { return s.Clock.Now().Truncate(time.Microsecond) }

// --- beginning

// want is a chain that is to begin.
type want struct {
	chain *Chain
	run   Run // About, AboutID, Name, Occasion, Case, Title, Level, Owner, Post, Desk, Spot, StateID, Since, HeldBy
}

// begin begins a chain, or begins one anew that was acknowledged. Old news begins nothing, and neither does news about
// something that is answered already.
func (s *Service) begin(tx *db.Tx, w want, now time.Time) error {
	r := w.run
	r.Chain, r.State, r.Ready, r.link, r.BegunAt = w.chain.ID, Running, true, -1, now
	last, err := lastOccasion(tx, r.Chain, r.About, r.AboutID, r.Name)
	if err != nil || r.Occasion <= last {
		return err
	}
	if r.Definition, err = putChain(tx, w.chain); err != nil {
		return err
	}
	v, err := s.look(tx, &r, w.chain)
	if err != nil || v.is != standing {
		return err
	}
	before, err := runs(tx, `chain = $1 and about = $2 and about_id = $3 and name = $4 and state <> 'over'`, r.Chain, r.About, r.AboutID, r.Name)
	if err != nil {
		return err
	}
	if r.HeldBy != 0 {
		leads, err := runs(tx, `about = $1 and about_id = $2 and state in ('running', 'spent')`, AboutAlert, r.HeldBy)
		if err != nil {
			return err
		}
		if r.HeldBy == r.AboutID || len(leads) == 0 {
			r.HeldBy = 0
		} else {
			r.State, r.Ready = Held, false
		}
	}
	tx.Signal(signal)
	if len(before) == 0 {
		if err := insertRun(tx, &r); err != nil || v.lapses.IsZero() {
			return err
		}
		return timers.Set(tx, timers.Timer{Owner: timerOwner, ID: r.ID, Name: lapseTimer, Generation: r.Generation, DueAt: v.lapses})
	}
	old := before[0]
	worse := old.State == Spent && !reaches(old.Level, r.Level)
	old.Occasion, old.Level, old.Title = r.Occasion, r.Level, r.Title
	if old.State == Acknowledged || worse { // it has come back: those who were told are told of one end
		old.Definition, old.State, old.Ready, old.HeldBy, old.place, old.link = r.Definition, r.State, r.Ready, r.HeldBy, place{}, -1
		old.StateID, old.Since, old.EndedBy = r.StateID, r.Since, ""
	}
	return updateRun(tx, old)
}

// --- looking

// standing, answered and ended say how a thing is that a run is about.
const (
	standing = iota
	answered
	ended
)

// verdict is how the thing is that a run is about.
type verdict struct {
	is int
	// by is who has answered; why is what people are told when it is over.
	by  string
	why lifecycle.Text
	// until is when it will have come to pass, where the clock had run ahead when it was told; zero: it has.
	until time.Time
	// lapses is when it ends by itself; zero: never.
	lapses time.Time
}

// look asks the thing itself. Things of other rooms are answered by their events alone.
func (s *Service) look(tx *db.Tx, r *Run, c *Chain) (verdict, error) {
	var v verdict
	var err error
	switch r.About {
	case AboutAlert:
		v, err = s.lookAlert(tx, r)
	case AboutTask:
		v, err = lookTask(tx, r, s.now())
	case AboutCase:
		v, err = lookCase(tx, r, s.now())
	case AboutWarning, AboutSuggestion:
		var a warn.Asked
		a, err = s.asked(tx, r)
		if v.lapses = a.Until; a.Settled != (page.Text{}) {
			v = verdict{is: ended, why: lifecycle.Words(a.Settled.English, a.Settled.Chinese)}
		}
	}
	if v.is == answered && c.Until == UntilEnded {
		v.is = standing
	}
	return v, err
}

// lookAt is look with the definition that the run began with.
func (s *Service) lookAt(tx *db.Tx, r *Run) (verdict, error) {
	c, err := getChain(tx, r.Definition)
	if err != nil {
		return verdict{}, err
	}
	return s.look(tx, r, c)
}

func (s *Service) lookAlert(tx *db.Tx, r *Run) (verdict, error) {
	state, rests, err := s.Alerts.Standing(tx, r.AboutID)
	switch {
	case err != nil:
		return verdict{}, fmt.Errorf("alert %d: %w", r.AboutID, err)
	case state == "cleared":
		return verdict{is: ended, why: lifecycle.Words("The alert has cleared", "告警已恢复")}, nil
	case state == "acknowledged" || rests: // what rests was put to rest by a person, or is explained
		return verdict{is: answered}, nil
	}
	return verdict{}, nil
}

func lookTask(tx *db.Tx, r *Run, now time.Time) (verdict, error) {
	t, err := respond.TaskByID(tx, r.AboutID)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return verdict{is: ended, why: lifecycle.Words("The task is no more", "任务已不存在")}, nil
	case err != nil:
		return verdict{}, err
	case t.State == "done":
		return verdict{is: ended, why: lifecycle.Words("The task is done", "任务已完成")}, nil
	case t.State != "open":
		return verdict{is: ended, why: lifecycle.Words("The task was withdrawn", "任务已撤销")}, nil
	case !t.AcknowledgedAt.IsZero() && r.Name != nameOverdue: // that somebody took it on long ago answers no delay
		return verdict{is: answered, by: t.AcknowledgedBy}, nil
	case r.Name == nameOverdue && t.DueAt.After(now): // a task's limit is not set later
		return verdict{until: t.DueAt}, nil
	}
	return verdict{}, nil
}

func lookCase(tx *db.Tx, r *Run, now time.Time) (verdict, error) {
	c, err := respond.Find(tx, r.AboutID)
	if errors.Is(err, db.ErrNotFound) {
		return verdict{is: ended, why: lifecycle.Words("The case is no more", "案卷已不存在")}, nil
	}
	if err != nil {
		return verdict{}, err
	}
	moved := verdict{is: ended, why: lifecycle.Words("What was late has been done", "超时事项已办理")}
	switch {
	case !c.ClosedAt.IsZero():
		return verdict{is: ended, why: lifecycle.Words("The case is closed", "案卷已办结")}, nil
	case c.Private: // it has become one of its parties alone
		return verdict{is: ended, why: lifecycle.Words("It is over", "事项已结束")}, nil
	case r.Name == nameOwner:
		if c.Owner != 0 {
			return verdict{is: ended, why: lifecycle.Words("The case has an owner now", "案卷已明确承办单位")}, nil
		}
		return verdict{}, nil
	}
	if r.StateID != "" && (c.State != r.StateID || c.Since.After(r.Since)) {
		return moved, nil // the limit of that name is the next state's by now
	}
	switch l, known, err := respond.LimitOf(tx, c.ID, r.Name); {
	case err != nil:
		return verdict{}, err
	case !known:
		return moved, nil
	case l.DueAt.After(now) && l.Told:
		return verdict{until: l.DueAt}, nil
	case l.DueAt.After(now):
		return verdict{is: ended, why: lifecycle.Words("The time limit has been extended", "时限已延长")}, nil
	}
	return verdict{}, nil
}
