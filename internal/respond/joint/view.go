package joint

import (
	"context"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/joint/sitrep"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// MaxEntries is the most that one page of a room's timeline holds.
const MaxEntries = 500

// Page is a room: what stands now, and a stretch of the timeline.
type Page struct {
	Case       respond.CaseView `json:"case"`
	Entries    []EntryView      `json:"entries" doc:"the oldest first"`
	Earlier    bool             `json:"earlier" doc:"there are entries before these"`
	Agencies   []AgencyView     `json:"agencies" doc:"owner, desk and parties of the case, and whoever is in the room"`
	Seats      []SeatView       `json:"seats"`
	Marks      []MarkView       `json:"marks" doc:"those in force"`
	Decisions  []DecisionView   `json:"decisions"`
	Objectives []ObjectiveView  `json:"objectives"`
	Requests   []RequestView    `json:"requests"`
	Reports    []ReportView     `json:"reports"`
	Actions    []ActionView     `json:"actions"`
	// What the one who asks may do here.
	Organisation int64 `json:"organisation"`
	MayWrite     bool  `json:"may_write"`
	MayDecide    bool  `json:"may_decide"`
	Commands     bool  `json:"commands" doc:"may end, move and supersede also what other organisations made"`
	MayInvite    bool  `json:"may_invite"`
	MayReport    bool  `json:"may_report"`
}

// EntryView is a line of the timeline with the agency that it is of.
type EntryView struct {
	respond.EntryView
	By   int64  `json:"by" doc:"the organisation of who wrote it; 0: the city's own watch, or the program"`
	Post string `json:"post,omitempty"`
}

// AgencyView is an organisation that takes part.
type AgencyView struct {
	ID    int64          `json:"id" doc:"0: the city's own watch"`
	Name  lifecycle.Text `json:"name"`
	Roles []string       `json:"roles" doc:"owner, desk, lead, assist, invited"`
	Here  bool           `json:"here" doc:"a post of it is in the room"`
}

// SeatView is a post in the room.
type SeatView struct {
	Organisation int64      `json:"organisation"`
	Post         string     `json:"post"`
	JoinedAt     time.Time  `json:"joined_at"`
	LeftAt       *time.Time `json:"left_at"`
}

// MarkView is a mark in force.
type MarkView struct {
	ID           int64          `json:"id"`
	Kind         string         `json:"kind"`
	Title        lifecycle.Text `json:"title"`
	Label        string         `json:"label"`
	Shape        Shape          `json:"shape"`
	Organisation int64          `json:"organisation"`
	Post         string         `json:"post,omitempty"`
	At           time.Time      `json:"at"`
	Entry        int64          `json:"entry" doc:"the entry that placed or last moved it"`
}

// DecisionView is a decision.
type DecisionView struct {
	ID           int64            `json:"id"`
	What         string           `json:"what"`
	Why          string           `json:"why"`
	Organisation int64            `json:"organisation"`
	Post         string           `json:"post"`
	By           string           `json:"by"`
	From         time.Time        `json:"from"`
	At           time.Time        `json:"at"`
	Facts        []map[string]any `json:"facts"`
	Entry        int64            `json:"entry"`
	SupersededBy int64            `json:"superseded_by,omitempty"`
}

// ObjectiveView is an objective.
type ObjectiveView struct {
	ID           int64      `json:"id"`
	Text         string     `json:"text"`
	State        string     `json:"state" enum:"current,met,dropped"`
	Organisation int64      `json:"organisation"`
	At           time.Time  `json:"at"`
	EndedAt      *time.Time `json:"ended_at"`
	Entry        int64      `json:"entry"`
}

// RequestView is a request for resources with its figures.
type RequestView struct {
	ID           int64            `json:"id"`
	What         string           `json:"what"`
	Kind         string           `json:"kind"`
	Unit         string           `json:"unit,omitempty"`
	Quantity     int64            `json:"quantity"`
	Place        string           `json:"place,omitempty"`
	NeededBy     *time.Time       `json:"needed_by"`
	Organisation int64            `json:"organisation"`
	Post         string           `json:"post,omitempty"`
	At           time.Time        `json:"at"`
	Entry        int64            `json:"entry"`
	Cancelled    bool             `json:"cancelled,omitempty"`
	Commitments  []CommitmentView `json:"commitments"`
	Committed    int64            `json:"committed" doc:"promised, on site or released"`
	Arrived      int64            `json:"arrived" doc:"has come, whether still there or released"`
	Released     int64            `json:"released"`
	Open         int64            `json:"open" doc:"nobody has promised it yet"`
}

// CommitmentView is what one agency answered.
type CommitmentView struct {
	ID           int64      `json:"id"`
	Organisation int64      `json:"organisation"`
	Post         string     `json:"post,omitempty"`
	Quantity     int64      `json:"quantity"`
	With         string     `json:"with,omitempty"`
	ETA          *time.Time `json:"eta"`
	State        string     `json:"state" enum:"declined,committed,arrived,released,withdrawn"`
	Entry        int64      `json:"entry"`
	At           time.Time  `json:"at"`
	ChangedAt    time.Time  `json:"changed_at"`
}

func (r *RequestView) count() {
	q := Request{Quantity: r.Quantity, Cancelled: r.Cancelled}
	for _, c := range r.Commitments {
		q.Commitments = append(q.Commitments, Commitment{Quantity: c.Quantity, State: c.State})
		switch c.State {
		case committed:
			r.Committed += c.Quantity
		case arrived:
			r.Committed, r.Arrived = r.Committed+c.Quantity, r.Arrived+c.Quantity
		case released:
			r.Committed, r.Arrived, r.Released = r.Committed+c.Quantity, r.Arrived+c.Quantity, r.Released+c.Quantity
		}
	}
	r.Open = q.Open()
}

// Room returns the room of a case, with the newest entries between two ids (exclusive; 0: no bound).
func (s *Service) Room(ctx context.Context, caseID, after, before int64, limit int) (*Page, error) {
	head, c, err := s.Cases.Head(ctx, caseID)
	if err != nil {
		return nil, err
	}
	if c.Private {
		return nil, web.Errorf(404, "room.private", "a private case has no joint room")
	}
	if limit < 1 || limit > MaxEntries {
		limit = MaxEntries
	}
	p := &Page{Case: head, Entries: []EntryView{}, Organisation: access.From(ctx).Organisation}
	err = s.Cases.DB.Read(ctx, func(tx *db.Tx) error {
		entries, err := respond.Entries(tx, caseID, after, before, limit+1)
		if err != nil {
			return err
		}
		if p.Earlier = len(entries) > limit; p.Earlier {
			entries = entries[1:]
		}
		for _, e := range entries {
			post, _ := e.Data["post"].(string)
			if e.Kind == "task" { // there it is whom the task is for
				post = ""
			}
			p.Entries = append(p.Entries, EntryView{EntryView: e.View(), By: e.By(), Post: post})
		}
		for _, part := range []func() error{
			func() (err error) { p.Seats, err = seats(tx, caseID); return err },
			func() (err error) { p.Marks, err = marks(tx, caseID); return err },
			func() (err error) { p.Decisions, err = decisions(tx, caseID); return err },
			func() (err error) { p.Objectives, err = objectives(tx, caseID); return err },
			func() (err error) { p.Requests, err = requests(tx, caseID, 0); return err },
			func() (err error) { p.Reports, err = reports(tx, caseID); return err },
			func() (err error) { p.Actions, err = actions(tx, caseID); return err },
		} {
			if err := part(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range p.Marks {
		p.Marks[i].Title = sitrep.MarkTitle(p.Marks[i].Kind)
	}
	p.Agencies = s.agencies(ctx, c, p)
	open := c.ClosedAt.IsZero()
	may := func(action string) bool { return s.Cases.Decide(ctx, action, caseID) == nil }
	p.Commands = commands(c, p.Organisation)
	p.MayWrite, p.MayDecide, p.MayInvite, p.MayReport = open && may("room.write"), open && may("room.decide"), open && may("case.assign"), may("room.report")
	return p, nil
}

// agencies are the organisations of a case and of its room, each with what it is in it.
func (s *Service) agencies(ctx context.Context, c *respond.Case, p *Page) []AgencyView {
	var out []AgencyView
	add := func(id int64, role string) *AgencyView {
		for i := range out {
			if out[i].ID == id {
				if role != "" {
					out[i].Roles = append(out[i].Roles, role)
				}
				return &out[i]
			}
		}
		v := AgencyView{ID: id, Name: s.orgName(ctx, id), Roles: []string{}}
		if role != "" {
			v.Roles = append(v.Roles, role)
		}
		out = append(out, v)
		return &out[len(out)-1]
	}
	add(c.Desk, "desk")
	if c.Owner != 0 {
		add(c.Owner, "owner")
	}
	for _, party := range c.Parties {
		add(party.Organisation, party.Role)
	}
	for _, seat := range p.Seats {
		if a := add(seat.Organisation, ""); seat.LeftAt == nil {
			a.Here = true
		}
	}
	for _, e := range p.Entries {
		if !e.Program {
			add(e.By, "")
		}
	}
	return out
}
