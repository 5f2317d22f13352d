package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/delivery"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// The channels of platform/delivery that notices leave by, and the file that all of them are written to.
const (
	FileChannel = "file"
	PushChannel = "webpush"
	NoticesFile = "notices.jsonl"
)

// call tells a post that something waits. An earlier call of the same run that nobody answered gives way to it.
func (s *Service) call(tx *db.Tx, r *Run, c *Chain, t target, at place, now time.Time) error {
	before, err := notices(tx, `run = $1 and over = 0 and state = 'open' and organisation = $2 and post = $3 order by id nulls last`, r.ID, t.Organisation, t.Post)
	if err != nil {
		return err
	}
	for _, n := range before {
		if err := endNotice(tx, n.ID, withdrawn, now, ""); err != nil {
			return err
		}
		if err := delivery.Withdraw(tx, deliveryKey(n), now); err != nil {
			return err
		}
	}
	n := Notice{
		Run: r.ID, Organisation: t.Organisation, Post: t.Post, About: r.About, AboutID: r.AboutID, Case: r.Case, Level: r.Level,
		Title: r.Title, Text: callWords(c, at.round), Step: at.step, Round: at.round, At: now,
	}
	if err := s.give(tx, &n, c); err != nil {
		return err
	}
	return s.enterCall(tx, r, c, n)
}

// enterCall writes into the case that a post was told.
func (s *Service) enterCall(tx *db.Tx, r *Run, c *Chain, n Notice) error {
	data := map[string]any{"notice": n.ID, "organisation": n.Organisation, "post": n.Post}
	var task lifecycle.Text
	if r.About == AboutTask {
		task = r.Title
	}
	return s.enter(tx, r, toldWords(c, s.called(s.Register.Name(n.Organisation), n.Post), task, n.Round), data, access.System("notify"), n.At)
}

// give adds a notice to an inbox, and puts it out to those who are to be reached elsewhere.
func (s *Service) give(tx *db.Tx, n *Notice, c *Chain) error {
	added, err := insertNotice(tx, n)
	if err != nil || !added {
		return err
	}
	if err := s.putOut(tx, *n); err != nil {
		return err
	}
	return outbox.Put(tx, events.NoticeGiven{Notice: n.event(n.At), Chain: c.ID, Round: n.Round, Over: n.Over})
}

func (n Notice) event(at time.Time) events.Notice {
	return events.Notice{
		Notice: n.ID, Organisation: n.Organisation, Post: n.Post, About: n.About, ID: n.AboutID, Case: n.Case, Level: n.Level, At: at,
	}
}

// deliveryKey is what the keys of a notice's messages begin with. Those of calls begin with their run's, so that they can be
// withdrawn together.
func deliveryKey(n Notice) string {
	if n.Over {
		return fmt.Sprintf("over/%d/%d/", n.Run, n.ID)
	}
	return fmt.Sprintf("%s%d/", runKey(n.Run), n.ID)
}

func runKey(run int64) string { return fmt.Sprintf("notice/%d/", run) }

// putOut puts a notice into the file that other programs read, and to the browsers of its post.
func (s *Service) putOut(tx *db.Tx, n Notice) error {
	m := delivery.Message{
		Key: deliveryKey(n) + "file", Channel: FileChannel, Address: NoticesFile, Subject: delivery.Text(n.Title), Body: delivery.Text(n.Text),
		Link: inboxLink(n.Organisation, n.Post), Replaces: fmt.Sprintf("run/%d", n.Run), Priority: priority(n), At: n.At,
	}
	if _, err := delivery.Put(tx, m); err != nil {
		return err
	}
	subs, err := subscribed(tx, n.Organisation, n.Post)
	if err != nil {
		return err
	}
	for _, x := range subs {
		// Asked anew: the account may have gone, or work elsewhere now.
		if a, ok := s.Accounts.Account(x.Account); !ok || s.decide(access.With(context.Background(), a), "notice.read", n.Organisation) != nil {
			if err := unsubscribe(tx, x.ID); err != nil {
				return err
			}
			continue
		}
		m.Key, m.Channel, m.Address, m.Language = fmt.Sprintf("%spush/%d", deliveryKey(n), x.ID), PushChannel, x.Address, x.Language
		if _, err := delivery.Put(tx, m); err != nil {
			return err
		}
	}
	return nil
}

func priority(n Notice) delivery.Priority {
	switch {
	case n.Over:
		return delivery.Low
	case n.Level == "red":
		return delivery.Urgent
	case n.Level == "yellow", n.Level == "blue":
		return delivery.Normal
	}
	return delivery.High
}

// sound has the consoles heard that see the thing.
func (s *Service) sound(tx *db.Tx, r *Run, c *Chain, now time.Time) error {
	return outbox.Put(tx, events.NoticeSounded{
		Notice: events.Notice{Organisation: r.Owner, Post: r.Post, About: r.About, ID: r.AboutID, Case: r.Case, Level: r.Level, At: now},
		Chain:  c.ID, Title: events.AlertText{EN: r.Title.En, ZH: r.Title.Zh},
	})
}

// entryKind is that of the lines which the room writes into timelines.
const entryKind = "notice"

// enter writes a line into the timeline of the run's case, where it has one.
func (s *Service) enter(tx *db.Tx, r *Run, text lifecycle.Text, data map[string]any, who access.Actor, now time.Time) error {
	if r.Case == 0 {
		return nil
	}
	data["chain"], data["run"] = r.Chain, r.ID
	err := s.Cases.Enter(tx, r.Case, &respond.Entry{At: now, Actor: who, Kind: entryKind, Text: text, Data: data})
	return ignoreMissing(err)
}

// --- ending

// settle ends a run by what was found of its thing.
func (s *Service) settle(tx *db.Tx, r *Run, v verdict, now time.Time) error {
	switch {
	case v.is == ended, v.is == answered && r.State == Held:
		return s.end(tx, r, v.why, now)
	case v.is == answered && r.State != Acknowledged:
		return s.acknowledged(tx, r, 0, v.by, now)
	}
	return nil
}

// acknowledged stops a run: from here on nobody is told until it is over. notice is the one that was answered, or 0.
func (s *Service) acknowledged(tx *db.Tx, r *Run, notice int64, by string, now time.Time) error {
	if err := s.still(tx, r, notice, now); err != nil {
		return err
	}
	r.State, r.Ready, r.EndedBy = Acknowledged, false, by
	if err := updateRun(tx, r); err != nil {
		return err
	}
	return s.release(tx, r, now)
}

// end tells everyone who was told that it is over.
func (s *Service) end(tx *db.Tx, r *Run, why lifecycle.Text, now time.Time) error {
	if r.State == Over {
		return nil
	}
	if err := s.still(tx, r, 0, now); err != nil {
		return err
	}
	if err := timers.Drop(tx, timerOwner, r.ID, lapseTimer); err != nil {
		return err
	}
	c, err := getChain(tx, r.Definition)
	if err != nil {
		return err
	}
	all, err := told(tx, r.ID)
	if err != nil {
		return err
	}
	for _, t := range all {
		n := Notice{
			Run: r.ID, Over: true, Organisation: t.Organisation, Post: t.Post, About: r.About, AboutID: r.AboutID, Case: r.Case, Level: r.Level,
			Title: r.Title, Text: why, Step: r.place.step, Round: r.place.round, At: now,
		}
		if err := s.give(tx, &n, c); err != nil {
			return err
		}
	}
	r.State, r.Ready, r.EndedAt = Over, false, now
	if err := updateRun(tx, r); err != nil {
		return err
	}
	return s.release(tx, r, now)
}

// still takes back whatever would still call somebody; but is the notice that was answered.
func (s *Service) still(tx *db.Tx, r *Run, but int64, now time.Time) error {
	if err := timers.Drop(tx, timerOwner, r.ID, stepTimer); err != nil {
		return err
	}
	if err := delivery.Withdraw(tx, runKey(r.ID), now); err != nil {
		return err
	}
	calls, err := notices(tx, `run = $1 and over = 0 and state = 'open' order by id nulls last`, r.ID)
	if err != nil {
		return err
	}
	for _, n := range calls {
		if n.ID == but {
			continue
		}
		if err := endNotice(tx, n.ID, withdrawn, now, ""); err != nil {
			return err
		}
		if err := outbox.Put(tx, events.NoticeWithdrawn{Notice: n.event(now)}); err != nil {
			return err
		}
	}
	return nil
}

// release lets the next alert of a group have its say once the run of the first has ended: if it still stands, after a grace.
func (s *Service) release(tx *db.Tx, r *Run, now time.Time) error {
	if r.About != AboutAlert {
		return nil
	}
	waiting, err := runs(tx, `held_by = $1 and state = 'held'`, r.AboutID)
	if err != nil {
		return err
	}
	first := int64(0)
	for _, w := range waiting {
		if first != 0 {
			w.HeldBy = first
			if err := updateRun(tx, w); err != nil {
				return err
			}
			continue
		}
		v, err := s.lookAt(tx, w)
		if err != nil {
			return err
		}
		if v.is != standing {
			w.State, w.EndedAt = Over, now // nobody was told
			if err := updateRun(tx, w); err != nil {
				return err
			}
			continue
		}
		first = w.AboutID
		w.State, w.HeldBy = Running, 0
		err = timers.Set(tx, timers.Timer{Owner: timerOwner, ID: w.ID, Name: stepTimer, Generation: w.Generation, DueAt: now.Add(grace)})
		if err != nil {
			return err
		}
		if err := updateRun(tx, w); err != nil {
			return err
		}
	}
	return nil
}

// answer settles all runs about something that have not ended.
func (s *Service) answer(tx *db.Tx, rs []*Run, now time.Time) error {
	for _, r := range rs {
		r, err := getRun(tx, r.ID) // one of them may have released another
		if err != nil {
			return err
		}
		if r.State == Over {
			continue
		}
		v, err := s.lookAt(tx, r)
		if err != nil {
			return err
		}
		if err := s.settle(tx, r, v, now); err != nil {
			return err
		}
	}
	return nil
}
