package notify

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

const (
	// inboxMost bounds how many tasks and how many notices an inbox shows.
	inboxMost = 200
	// overShown is how long news that something is over stays in an inbox that nobody clears.
	overShown = 24 * time.Hour
)

// Item is a task or a notice in an inbox.
type Item struct {
	What string `json:"what" enum:"task,notice"`
	ID   int64  `json:"id"`
	// About is what a notice is about.
	About  string          `json:"about,omitempty" doc:"of a notice: alert, task, case, warning, warning-suggestion, or another room's word"`
	On     int64           `json:"on,omitempty" doc:"its id"`
	Case   int64           `json:"case,omitempty"`
	Title  lifecycle.Text  `json:"title" doc:"of a notice: what it is about; of a task: what is to be done, empty where text says it"`
	Text   string          `json:"text,omitempty" doc:"of a task: words of who gave it"`
	Why    *lifecycle.Text `json:"why,omitempty" doc:"of a notice: why the post is told; of a task: the kind of case"`
	Level  string          `json:"level,omitempty" enum:"red,orange,yellow,blue"`
	Over   bool            `json:"over,omitempty" doc:"what was told before is over"`
	Round  int             `json:"round,omitempty" doc:"how often the chain was gone through before"`
	Post   string          `json:"post,omitempty"`
	At     time.Time       `json:"at"`
	DueAt  *time.Time      `json:"due_at,omitempty"`
	Origin string          `json:"origin,omitempty" doc:"what gave a task, such as plan:7"`

	AcknowledgedAt *time.Time `json:"acknowledged_at,omitempty"`
	AcknowledgedBy string     `json:"acknowledged_by,omitempty"`
}

// Inbox is what a post has to look at.
type Inbox struct {
	Organisation     int64          `json:"organisation" doc:"0: the city's own watch"`
	OrganisationName lifecycle.Text `json:"organisation_name"`
	Post             string         `json:"post,omitempty" doc:"empty: all posts"`
	Posts            []string       `json:"posts" doc:"the organisation's posts that have had anything"`
	Items            []Item         `json:"items"`
	// Waiting counts what nobody has acknowledged and is not over.
	Waiting int `json:"waiting"`
	// More says that there is more than is shown.
	More bool `json:"more,omitempty"`
}

// decide asks whether the actor may do this to the inbox of an organisation.
func (s *Service) decide(ctx context.Context, action string, organisation int64) error {
	// The id makes it a thing: the inbox of the city's own watch lies in the city's scope alone.
	return s.Access.Decide(ctx, action, access.Resource{Type: "inbox", ID: 1, Organisation: organisation}, access.Operations)
}

// Inbox returns what a post has to look at: the most urgent first, or the newest.
func (s *Service) Inbox(ctx context.Context, organisation int64, post string, newest bool) (*Inbox, error) {
	if err := s.decide(ctx, "notice.read", organisation); err != nil {
		return nil, err
	}
	in := &Inbox{Organisation: organisation, OrganisationName: s.name(organisation), Post: post, Posts: []string{}, Items: []Item{}}
	now := s.now()
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		ts, err := respond.TasksOf(tx, organisation, post, inboxMost+1)
		if err != nil {
			return err
		}
		ns, err := inbox(tx, organisation, post, now.Add(-overShown), inboxMost+1)
		if err != nil {
			return err
		}
		in.More = len(ts) > inboxMost || len(ns) > inboxMost
		for _, t := range ts[:min(len(ts), inboxMost)] {
			i, shown, err := s.taskItem(tx, access.From(ctx), t)
			if err != nil {
				return err
			}
			if shown {
				in.Items = append(in.Items, i)
			}
		}
		for _, n := range ns[:min(len(ns), inboxMost)] {
			in.Items = append(in.Items, noticeItem(n))
		}
		told, err := posts(tx, organisation)
		if err != nil {
			return err
		}
		given, err := respond.PostsOf(tx, organisation)
		in.Posts = slices.Compact(slices.Sorted(slices.Values(append(append(in.Posts, told...), given...))))
		return err
	})
	if err != nil {
		return nil, err
	}
	if in.Posts == nil {
		in.Posts = []string{}
	}
	for _, i := range in.Items {
		if i.waits() {
			in.Waiting++
		}
	}
	slices.SortStableFunc(in.Items, func(a, b Item) int {
		if newest {
			return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.ID, a.ID))
		}
		return urgency(a, b, now)
	})
	return in, nil
}

func (i Item) waits() bool { return !i.Over && i.AcknowledgedAt == nil }

// urgency puts what waits before what is taken on before what is over; of each what is late first, then the worse, then what is
// due sooner, then the newer.
func urgency(a, b Item, now time.Time) int {
	rank := func(i Item) int {
		switch {
		case i.Over:
			return 2
		case i.AcknowledgedAt != nil:
			return 1
		}
		return 0
	}
	late := func(i Item) int {
		if i.DueAt != nil && !i.DueAt.After(now) {
			return 0
		}
		return 1
	}
	due := func(i Item) int64 {
		if i.DueAt == nil {
			return 1<<63 - 1
		}
		return db.Micros(*i.DueAt)
	}
	return cmp.Or(
		cmp.Compare(rank(a), rank(b)), cmp.Compare(late(a), late(b)),
		cmp.Compare(slices.Index(levels, b.Level), slices.Index(levels, a.Level)), // -1 for none
		cmp.Compare(due(a), due(b)), b.At.Compare(a.At), cmp.Compare(a.What, b.What), cmp.Compare(b.ID, a.ID),
	)
}

// taskItem is a task as an inbox shows it. Of a case that is private to its parties nothing but the task itself is shown, and that to
// them alone, whoever else may look into the inbox.
func (s *Service) taskItem(tx *db.Tx, who access.Actor, t respond.Task) (i Item, shown bool, err error) {
	i = Item{
		What: "task", ID: t.ID, Case: t.Case, Title: t.Text, Text: guard.Mask(t.Free), Post: t.Post, At: t.OpenedAt, DueAt: optional(t.DueAt), Origin: t.Origin,
		AcknowledgedAt: optional(t.AcknowledgedAt), AcknowledgedBy: t.AcknowledgedBy,
	}
	c, err := respond.Find(tx, t.Case)
	if err != nil || c.Private {
		return i, err != nil || c.TakesPart(who.Organisation), ignoreMissing(err)
	}
	i.Level = c.Level
	if kind := s.Kinds(c.Kind); kind != (lifecycle.Text{}) {
		i.Why = &kind
	}
	return i, true, nil
}

func noticeItem(n Notice) Item {
	return Item{
		What: "notice", ID: n.ID, About: n.About, On: n.AboutID, Case: n.Case, Title: n.Title, Why: &n.Text, Level: n.Level, Over: n.Over,
		Round: n.Round, Post: n.Post, At: n.At,
	}
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// name is what an organisation is called.
func (s *Service) name(organisation int64) lifecycle.Text {
	if organisation == 0 {
		return city
	}
	return s.Register.Name(organisation)
}

// Acknowledge notes that the actor has taken note of a notice for its post. What it is about is acknowledged with it, where the
// actor may do that; and its chain stops, if it is one that ends by that. A second time, by whomever, changes nothing.
func (s *Service) Acknowledge(ctx context.Context, id int64, key string) (Notice, error) {
	n, err := s.notice(ctx, id)
	if err != nil {
		return n, err
	}
	if err := s.decide(ctx, "notice.acknowledge", n.Organisation); err != nil {
		return n, err
	}
	if n.State == open && !n.Over {
		if err := s.acknowledgeThing(ctx, n); err != nil {
			return n, err
		}
	}
	who := access.From(ctx)
	_, err = s.Cases.Once(ctx, key, []any{"notice", id}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		return respond.Receipt{Item: id}, s.acknowledge(tx, who, id, now)
	})
	if err != nil {
		return n, err
	}
	return s.notice(ctx, id)
}

func (s *Service) notice(ctx context.Context, id int64) (n Notice, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		n, err = getNotice(tx, id)
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		err = web.Errorf(http.StatusNotFound, "notice.not_found", "there is no notice %d", id)
	}
	return n, err
}

// acknowledgeThing acknowledges what a notice is about. That the actor may not, or that another was quicker, keeps nobody from
// taking note of the notice.
func (s *Service) acknowledgeThing(ctx context.Context, n Notice) (err error) {
	switch {
	case n.About == AboutAlert:
		err = s.Alerts.Acknowledge(ctx, n.AboutID)
	case n.About == AboutTask:
		// Only its own team takes a task on; whoever else is told takes note that it has not.
		var t *respond.Task
		err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			t, err = respond.TaskByID(tx, n.AboutID)
			return err
		})
		if err != nil {
			return ignoreMissing(err)
		}
		if t.Organisation == n.Organisation {
			_, err = s.Cases.AcknowledgeTask(ctx, n.Case, n.AboutID, "")
		}
	}
	var refused *web.Error
	if errors.As(err, &refused) {
		switch refused.Status {
		case http.StatusForbidden, http.StatusConflict, http.StatusNotFound, http.StatusUnprocessableEntity:
			return nil
		}
	}
	return err
}

func (s *Service) acknowledge(tx *db.Tx, who access.Actor, id int64, now time.Time) error {
	n, err := getNotice(tx, id)
	if err != nil {
		return err
	}
	r, err := getRun(tx, n.Run)
	if err != nil {
		return err
	}
	// The acknowledgement of the alert, on its way as an event, may have withdrawn the notice before this did.
	if n.State != open {
		return nil
	}
	if err := endNotice(tx, n.ID, Acknowledged, now, who.Name); err != nil {
		return err
	}
	if err := outbox.Put(tx, events.NoticeAcknowledged{Notice: n.event(now), By: who.ID}); err != nil {
		return err
	}
	err = ledger.Append(tx, ledger.Entry{
		Action: "notice.acknowledge", Actor: who.Name, ActorID: who.ID, Subject: "notice", SubjectID: n.ID, At: now,
		Detail: map[string]any{"organisation": n.Organisation, "post": n.Post, "about": n.About, "id": n.AboutID, "case": n.Case, "over": n.Over},
	})
	if err != nil || n.Over {
		return err
	}
	by := s.called(s.name(n.Organisation), n.Post)
	text := lifecycle.Words(by.En+" has taken note", by.Zh+"已签收通知")
	if err := s.enter(tx, r, text, map[string]any{"notice": n.ID, "organisation": n.Organisation, "post": n.Post}, who, now); err != nil {
		return err
	}
	c, err := getChain(tx, r.Definition)
	if err != nil || c.Until == UntilEnded || r.State != Running && r.State != Spent {
		return err
	}
	return s.acknowledged(tx, r, n.ID, who.Name, now)
}

// ParseOrganisation reads the organisation of a request: empty is the actor's own.
func ParseOrganisation(ctx context.Context, text string) (int64, error) {
	if text == "" {
		return access.From(ctx).Organisation, nil
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 0 {
		return 0, web.Errorf(http.StatusUnprocessableEntity, "notice.organisation", "expected the number of an organisation, got %q", text).At("organisation")
	}
	return id, nil
}
