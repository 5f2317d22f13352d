package joint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/joint/sitrep"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Facts are what a decision can rest on beside entries of its case. app fulfils it.
type Facts interface {
	// Alert is what an alert says, for an actor who may read it; else the error says why not.
	Alert(ctx context.Context, id int64) (lifecycle.Text, error)
	// Reading is the newest of a datastream, for an actor who may read it. One in a home shows no value and is refused.
	Reading(ctx context.Context, datastream int64) (lifecycle.Reading, error)
}

// Deps are what the room needs.
type Deps struct {
	Cases *respond.Service
	Facts Facts
	// City is what the city is called, and Zone its time.
	City lifecycle.Text
	Zone *time.Location
	// Posts are the titles of posts; one that has none is called by its id. nil: all are. It answers from memory.
	Posts func(post string) lifecycle.Text
}

// Service runs joint rooms. Its methods are safe for concurrent use.
type Service struct {
	Deps
	pages *pages
}

// New returns the room.
func New(d Deps) (*Service, error) {
	if d.Zone == nil {
		d.Zone = time.UTC
	}
	if d.Posts == nil {
		d.Posts = lifecycle.Verbatim
	}
	p, err := newPages(d.Zone)
	if err != nil {
		return nil, err
	}
	return &Service{d, p}, nil
}

// hand is who acts: a person, for an organisation, at a post.
type hand struct {
	access.Actor
	post string
	name lifecycle.Text // of the organisation with the post
}

// deed is something done in a room: what changes and what is written down.
type deed struct {
	action string // the access action
	post   string // of the one who acts
	// needsPost refuses a deed by nobody in particular.
	needsPost bool
	// afterwards says that a closed case takes it too.
	afterwards bool
	key        string
	request    any
	do         func(tx *db.Tx, c *respond.Case, by hand, now time.Time) (respond.Receipt, error)
}

// carry carries a deed out: decided, once per key, in one transaction.
func (s *Service) carry(ctx context.Context, caseID int64, d deed) (respond.Receipt, error) {
	if err := s.Cases.Decide(ctx, d.action, caseID); err != nil {
		return respond.Receipt{}, err
	}
	by := hand{Actor: access.From(ctx)}
	var err error
	if by.post, err = text(d.post, "post", maxLabel, d.needsPost); err != nil {
		return respond.Receipt{}, err
	}
	by.name = s.orgName(ctx, by.Organisation)
	if err := s.ownPost(ctx, caseID, by); err != nil {
		return respond.Receipt{}, err
	}
	if by.post != "" {
		p := s.Posts(by.post)
		by.name = lifecycle.Words(by.name.En+" ("+p.En+")", by.name.Zh+"（"+p.Zh+"）")
	}
	opening, err := s.opening(ctx, caseID)
	if err != nil {
		return respond.Receipt{}, err
	}
	return s.Cases.Once(ctx, d.key, []any{d.action, caseID, by.post, d.request}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		c, err := respond.Find(tx, caseID)
		if err != nil {
			return respond.Receipt{}, err
		}
		if !d.afterwards && !c.ClosedAt.IsZero() {
			return respond.Receipt{}, lifecycle.Refuse(lifecycle.CodeClosed, "", "The case is closed.", "案卷已办结。")
		}
		if opening != nil {
			if err := s.open(tx, caseID, *opening, by, now); err != nil {
				return respond.Receipt{}, err
			}
		}
		r, err := d.do(tx, c, by, now)
		r.Case = caseID
		return r, err
	})
}

// ownPost refuses a post that names another organisation of the case: who acts says for which post, and the organisation's own
// name always stands before it.
func (s *Service) ownPost(ctx context.Context, caseID int64, by hand) error {
	if by.post == "" {
		return nil
	}
	var c *respond.Case
	err := s.Cases.DB.Read(ctx, func(tx *db.Tx) (err error) {
		c, err = respond.Find(tx, caseID)
		return err
	})
	if err != nil {
		return err
	}
	others := []int64{0, c.Owner, c.Desk}
	for _, p := range c.Parties {
		others = append(others, p.Organisation)
	}
	for _, id := range others {
		if id == by.Organisation {
			continue
		}
		if n := s.orgName(ctx, id); namedIn(by.post, n.Zh, by.name.Zh) || namedIn(by.post, n.En, by.name.En) {
			return lifecycle.Refuse("room.not_your_post", "post", "This post names "+n.En+": give one of your own organisation.",
				"该岗位带有“"+n.Zh+"”字样，请填写本单位岗位。")
		}
	}
	return nil
}

// namedIn says whether a post has another's name in it, beside that of its own organisation, in which the other's may stand.
func namedIn(post, other, own string) bool {
	post = strings.ReplaceAll(strings.ToLower(post), strings.ToLower(own), "")
	return other != "" && strings.Contains(post, strings.ToLower(other))
}

// opening is the entry that a room begins with: what is known of the incident. nil where the room is open already.
func (s *Service) opening(ctx context.Context, caseID int64) (*respond.Entry, error) {
	head, c, err := s.Cases.Head(ctx, caseID)
	if err != nil {
		return nil, err
	}
	if c.Private {
		return nil, web.Errorf(http.StatusConflict, "room.private", "a private case has no joint room")
	}
	var open bool
	err = s.Cases.DB.Read(ctx, func(tx *db.Tx) (err error) {
		open, err = opened(tx, caseID)
		return err
	})
	if err != nil || open {
		return nil, err
	}
	en, zh := "Joint room opened for: "+titleIn(head.Title, "en"), "合成处置开设："+titleIn(head.Title, "zh")
	for _, part := range []struct {
		en, zh string
		name   *lifecycle.Text
	}{{"place", "地点", head.PlaceName}, {"area", "辖区", head.AreaName}, {"held by", "承办单位", head.OwnerName}} {
		if part.name != nil && *part.name != (lifecycle.Text{}) {
			en, zh = en+"; "+part.en+": "+part.name.En, zh+"；"+part.zh+"："+part.name.Zh
		}
	}
	en, zh = en+"; state: "+head.StateTitle.En, zh+"；当前环节："+head.StateTitle.Zh
	return &respond.Entry{Kind: sitrep.KindRoom, Text: lifecycle.Words(en, zh), Data: map[string]any{"state": c.State}}, nil
}

// titleIn is the title of a case, which is one text or one in two languages.
func titleIn(title any, lang string) string {
	switch t := title.(type) {
	case string:
		return t
	case lifecycle.Text:
		return in(t, lang)
	case *lifecycle.Text:
		return in(*t, lang)
	}
	return ""
}

func in(t lifecycle.Text, lang string) string {
	if lang == "zh" {
		return t.Zh
	}
	return t.En
}

// open writes the room's first entry, unless somebody has been faster.
func (s *Service) open(tx *db.Tx, caseID int64, e respond.Entry, by hand, now time.Time) error {
	if is, err := opened(tx, caseID); err != nil || is {
		return err
	}
	if err := markOpened(tx, caseID, now); err != nil {
		return err
	}
	return s.enter(tx, caseID, &e, by, now)
}

// enter writes an entry of the timeline and its leaf of the ledger. The words themselves may name somebody and stay in the
// timeline; their hash binds them.
func (s *Service) enter(tx *db.Tx, caseID int64, e *respond.Entry, by hand, now time.Time) error {
	e.At, e.Actor = now, by.Actor
	if e.Data == nil {
		e.Data = map[string]any{}
	}
	e.Data["post"] = by.post
	if err := s.Cases.Enter(tx, caseID, e); err != nil {
		return err
	}
	b, err := json.Marshal(map[string]any{"text": e.Free, "data": e.Data})
	if err != nil {
		return fmt.Errorf("encode entry: %w", err)
	}
	sum := sha256.Sum256(b)
	return ledger.Append(tx, ledger.Entry{
		Action: "room." + e.Kind, Actor: by.Name, ActorID: by.ID, Subject: "case", SubjectID: caseID, At: now,
		Detail: map[string]any{"entry": e.ID, "step": e.Data["step"], "organisation": by.Organisation, "sha256": hex.EncodeToString(sum[:])},
	})
}

// orgName is what an organisation is called; 0 is the city's own watch.
func (s *Service) orgName(ctx context.Context, id int64) lifecycle.Text {
	if id == 0 {
		return sitrep.CityWatch()
	}
	if n := s.Cases.Register.Name(ctx, "organisation", id); n != (lifecycle.Text{}) {
		return n
	}
	return lifecycle.Words(fmt.Sprintf("organisation %d", id), fmt.Sprintf("%d号单位", id))
}

// knownOrganisation refuses an organisation that the register does not have.
func (s *Service) knownOrganisation(ctx context.Context, id int64) error {
	if s.Cases.Register.Name(ctx, "organisation", id) == (lifecycle.Text{}) {
		return web.Errorf(http.StatusUnprocessableEntity, "case.unknown_organisation", "there is no organisation %d", id).At("organisation")
	}
	return nil
}
