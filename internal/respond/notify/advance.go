package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/respond"
)

// act is one thing that a stride does, worked out before the transaction.
type act struct {
	step    placed
	targets []target
	missing []missing
}

// missing is a link that nobody holds, with the finding that says so; 0 where it has no place that a finding could name.
type missing struct {
	kind    string
	gap     Gap
	n       int64
	finding int64
}

// advance takes a run that is ready to where it waits next.
func (s *Service) advance(ctx context.Context, id int64) error {
	var r *Run
	var c *Chain
	var v verdict
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if r, err = getRun(tx, id); err != nil {
			return err
		}
		if c, err = getChain(tx, r.Definition); err != nil {
			return err
		}
		if err := refresh(tx, r); err != nil {
			return err
		}
		v, err = s.look(tx, r, c)
		return err
	})
	if err != nil || !r.Ready {
		return err
	}
	st := c.from(r.place)
	var acts []act
	link := r.link
	worked := v.is == standing && v.until.IsZero()
	if worked {
		if acts, link, err = s.workOut(ctx, r, st); err != nil {
			return err
		}
	}
	seen := r.Generation
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		now := s.now()
		r, err := getRun(tx, id)
		if err != nil || !r.Ready || r.Generation != seen {
			return err // it has gone on meanwhile; if it is ready still, it is taken up again
		}
		if err := refresh(tx, r); err != nil {
			return err
		}
		// Asked again, in the transaction that tells.
		v, err := s.look(tx, r, c)
		if err != nil {
			return err
		}
		if v.is != standing {
			return s.settle(tx, r, v, now)
		}
		if !v.until.IsZero() { // told by a clock that had run ahead: nobody else is told before it has come to pass
			r.Ready = false
			err := timers.Set(tx, timers.Timer{Owner: timerOwner, ID: r.ID, Name: stepTimer, Generation: r.Generation, DueAt: v.until})
			if err != nil {
				return err
			}
			return updateRun(tx, r)
		}
		if !worked {
			return nil // it stands again: it is taken up once more
		}
		for _, a := range acts {
			if err := s.do(tx, r, c, a, now); err != nil {
				return err
			}
		}
		r.place, r.link, r.Ready = st.next, link, false
		if st.spent {
			r.State = Spent
			return updateRun(tx, r)
		}
		err = timers.Set(tx, timers.Timer{Owner: timerOwner, ID: r.ID, Name: stepTimer, Generation: r.Generation, DueAt: now.Add(st.wait)})
		if err != nil {
			return err
		}
		return updateRun(tx, r)
	})
}

// refresh asks a case and a task who has to act now: a case that was handed on is somebody else's to answer.
func refresh(tx *db.Tx, r *Run) error {
	if r.Case == 0 {
		return nil
	}
	c, err := respond.Find(tx, r.Case)
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	r.Desk = c.Desk
	switch r.About {
	case AboutTask:
		t, err := respond.TaskByID(tx, r.AboutID)
		if err != nil {
			return ignoreMissing(err)
		}
		r.Owner, r.Post = t.Organisation, t.Post
	case AboutCase:
		l, known, err := respond.LimitOf(tx, c.ID, r.Name)
		if err != nil {
			return err
		}
		if r.Owner, r.Post = c.Owner, c.Post; known && l.Organisation != 0 {
			r.Owner, r.Post = l.Organisation, l.Post
		}
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	return err
}

// workOut finds who is told by the steps of a stride, and records what is missing. It returns the link that was told last.
func (s *Service) workOut(ctx context.Context, r *Run, st stride) (acts []act, link int, err error) {
	chain := responsibility{s: s, r: r}
	link = r.link
	for _, step := range st.steps {
		a := act{step: step}
		switch step.Tell {
		case TellOwner:
			if a.targets = []target{{r.Owner, or(step.Post, r.Post)}}; r.Owner == 0 {
				a.targets = []target{{r.Desk, step.Post}} // nobody has to act: whoever gives it out
			}
		case TellDesk:
			a.targets = []target{{r.Desk, step.Post}}
		case TellNextLink:
			link, err = chain.up(ctx, &a, min(link+1, len(links)-1)) // the highest is told again
		case "":
			if step.Organisation == "" {
				break // sound
			}
			if id, ok := s.Register.Organisation(step.Organisation); ok {
				a.targets = []target{{id, step.Post}}
			} else {
				slog.WarnContext(ctx, "a chain tells an organisation that the register does not know", "chain", r.Chain, "organisation", step.Organisation)
			}
		default:
			link, err = chain.up(ctx, &a, slices.Index(links, step.Tell))
		}
		if err != nil {
			return nil, 0, err
		}
		acts = append(acts, a)
	}
	return acts, link, nil
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// responsibility is the chain of who answers for where a run's thing is, looked up once.
type responsibility struct {
	s      *Service
	r      *Run
	asked  bool
	by     map[string][]Holder
	around []Thing
}

// thing is what the links are asked for: the asset, else the place, else the area. ok is false where nothing is known.
func thing(s inspect.Spot) (t Thing, ok bool) {
	switch {
	case s.Asset != 0:
		return Thing{"asset", s.Asset}, true
	case s.Place != 0:
		return Thing{"place", s.Place}, true
	case s.Area != 0:
		return Thing{"area", s.Area}, true
	}
	return Thing{}, false
}

// up tells the link at an index, or the nearest one above it that somebody holds; each that is missing on the way is noted. It
// returns the index of the link told, the highest where there was none. Of what is in no place that the register knows (a
// response of the whole city, a call about somewhere) only those who lead the city can be known: they are told in the stead of
// every link; and where not even the city is known, the desk.
func (c *responsibility) up(ctx context.Context, a *act, index int) (int, error) {
	top := len(links) - 1
	t, known := thing(c.r.Spot)
	if !known {
		t, index = Thing{"area", c.s.Register.City()}, top
	}
	if t.ID == 0 {
		a.targets = []target{{c.r.Desk, a.step.Post}}
		return top, nil
	}
	if !c.asked {
		var err error
		if c.by, c.around, err = c.s.Register.Holders(ctx, t); err != nil {
			return 0, fmt.Errorf("who answers for %s %d: %w", t.Subject, t.ID, err)
		}
		c.asked = true
	}
	for ; index < len(links); index++ {
		kind := links[index]
		holders := nearest(c.by[kind])
		if len(holders) == 0 {
			m, err := c.s.gap(ctx, kind, t, c.r.Spot)
			if err != nil {
				return 0, err
			}
			a.missing = append(a.missing, m)
			continue
		}
		if err := c.s.filled(ctx, kind, c.around); err != nil {
			return 0, err
		}
		for _, h := range holders {
			a.targets = append(a.targets, target{h.Organisation, or(a.step.Post, h.Post)})
		}
		return index, nil
	}
	return top, nil
}

// nearest are those who hold a duty over the nearest thing that anybody holds it over: those who lead, else all.
func nearest(hs []Holder) (out []Holder) {
	if len(hs) == 0 {
		return nil
	}
	var lead []Holder
	for _, h := range hs {
		if h.Over != hs[0].Over {
			continue
		}
		if out = append(out, h); h.Lead {
			lead = append(lead, h)
		}
	}
	if len(lead) > 0 {
		return lead
	}
	return out
}

// gap finds where a link is missing, and records the finding of it unless there is one. The same gap asks under the same key, so
// a crash before the row is written doubles nothing.
func (s *Service) gap(ctx context.Context, kind string, t Thing, spot inspect.Spot) (missing, error) {
	g, err := s.Register.Gap(ctx, kind, t)
	if err != nil {
		return missing{}, fmt.Errorf("gap of %s at %s %d: %w", kind, t.Subject, t.ID, err)
	}
	m := missing{kind: kind, gap: g}
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		m.finding, m.n, err = gapOf(tx, kind, g)
		return err
	})
	if err != nil || m.finding != 0 {
		return m, err
	}
	d := inspect.Draft{Grade: inspect.General, Checklist: "duty-chain", Description: gapWords(kind, g)}
	switch {
	case g.Point != nil:
		d.Point = g.Point
	case g.Subject == "asset":
		d.Asset = g.ID
	case g.Subject == "place":
		d.Place = g.ID
	default:
		return m, nil
	}
	f, err := s.Findings.Record(ctx, d, fmt.Sprintf("duty-gap/%s/%s/%d/%d", kind, g.Subject, g.ID, m.n))
	if err != nil {
		return m, fmt.Errorf("record the gap of %s at %s %d: %w", kind, g.Subject, g.ID, err)
	}
	m.finding = f.ID
	return m, nil
}

// filled notes that a link is there, so that a gap that comes back is a new one.
func (s *Service) filled(ctx context.Context, kind string, around []Thing) error {
	var any bool
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		any, err = openGaps(tx, kind, around)
		return err
	})
	if err != nil || !any {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error { return fillGaps(tx, kind, around, s.now()) })
}

// do does one step of a stride.
func (s *Service) do(tx *db.Tx, r *Run, c *Chain, a act, now time.Time) error {
	for _, m := range a.missing {
		if m.finding != 0 {
			if err := putGap(tx, m.kind, m.gap, m.n, m.finding, now); err != nil {
				return err
			}
		}
		if err := s.enter(tx, r, missingWords(m), map[string]any{"link": m.kind, "finding": m.finding}, access.System("notify"), now); err != nil {
			return err
		}
	}
	if a.step.Sound {
		return s.sound(tx, r, c, now)
	}
	for _, t := range a.targets {
		if err := s.call(tx, r, c, t, a.step.place, now); err != nil {
			return err
		}
	}
	return nil
}
