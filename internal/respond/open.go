package respond

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/access/vault"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Opening is what a case is opened for and about. Of Alert, Finding and Report at most one is not 0.
type Opening struct {
	Kind     string
	Title    string
	Level    string
	Category string // the report's
	Alert    int64
	Finding  int64
	Report   int64
	// Parent is the case that this one is a part of, Desk the organisation that runs it, Post the owner's post that has it.
	Parent int64
	Desk   int64
	Post   string

	Fields      map[string]any
	Datastreams []int64
	inspect.Spot
}

var errUnknownKind = errors.New("no pack has the case kind")

// open adds a case and all that goes with it, by the law of its kind as it is now. opened is false when its alert, finding or
// report has one already.
func (s *Service) open(tx *db.Tx, who access.Actor, o Opening, first Entry, now time.Time) (c *Case, opened bool, err error) {
	k := s.kinds[o.Kind]
	if k == nil {
		return nil, false, fmt.Errorf("open case: %w %q", errUnknownKind, o.Kind)
	}
	hash, body, err := k.Hash()
	if err != nil {
		return nil, false, err
	}
	if err := putDefinition(tx, hash, k.ID, body, now); err != nil {
		return nil, false, err
	}
	if k.Owner == lifecycle.Assigned { // whose asset it is about need not be whose work it is
		o.Owner, o.Post = 0, ""
	}
	return s.openIn(tx, who, k, hash, k.Start(), o, first, now)
}

// openIn is open by a law that is kept already under its hash, in one of its states.
func (s *Service) openIn(tx *db.Tx, who access.Actor, k *lifecycle.Kind, hash string, start *lifecycle.State, o Opening, first Entry, now time.Time) (c *Case, opened bool, err error) {
	c = &Case{
		Kind: k.ID, Definition: hash, Title: o.Title, State: start.ID, Since: now, Level: o.Level, Fields: o.Fields, Category: o.Category,
		Alert: o.Alert, Finding: o.Finding, Report: o.Report, Parent: o.Parent, Desk: o.Desk, Post: o.Post, Private: k.Private, Spot: o.Spot,
		Datastreams: o.Datastreams, OpenedAt: now, DueAt: start.DueFrom(o.Fields, now, s.Calendars[k.Calendar]),
	}
	if c.Private { // it is theirs who opened it, wherever it may lie
		c.Desk, c.Spot, c.Level, c.Post = who.Organisation, inspect.Spot{Area: o.Area, Owner: who.Organisation}, "", ""
	}
	words := c.takeWords()
	if opened, err = insertCase(tx, c); err != nil || !opened {
		return nil, false, err
	}
	if err := c.sealWords(tx, words); err != nil {
		return nil, false, err
	}
	first.At, first.Actor = now, who
	if _, err := s.enter(tx, c, &first); err != nil {
		return nil, false, err
	}
	if err := beginState(tx, c, start); err != nil {
		return nil, false, err
	}
	for _, p := range k.Promises {
		if len(p.From) > 0 {
			continue
		}
		if err := s.beginPromise(tx, c, k, p, now); err != nil {
			return nil, false, err
		}
	}
	err = ledger.Append(tx, ledger.Entry{
		Action: "case.open", Actor: actorName(who), ActorID: who.ID, Subject: "case", SubjectID: c.ID, At: now,
		Detail: c.detail(map[string]any{"kind": c.Kind, "definition": c.Definition, "alert": c.Alert, "finding": c.Finding, "report": c.Report, "level": c.Level}),
	})
	if err != nil {
		return nil, false, err
	}
	if c.Private {
		return c, true, nil // it is told to nobody
	}
	return c, true, outbox.Put(tx, events.CaseOpened{
		Case: c.ID, Kind: c.Kind, State: c.State, Level: c.Level, Alert: c.Alert, Finding: c.Finding, Report: c.Report,
		Asset: c.Asset, Place: c.Place, Area: c.Area, Owner: c.Owner, Parties: c.resource().Parties, Point: c.Point, DueAt: optional(c.DueAt), At: now,
	})
}

// opener is the kind that news of a sort opens; only findings and reports have one each, an alert's rule names its own.
func (s *Service) opener(what string) *lifecycle.Kind {
	i := slices.IndexFunc(s.Kinds, func(k *lifecycle.Kind) bool { return slices.Contains(k.OpenedBy, what) })
	if i < 0 {
		return nil
	}
	return s.Kinds[i]
}

// OpenForFinding opens the case of a finding and returns its number; a finding that has one keeps it. Both the inspector's
// request and the event call it: whoever comes first opens, and a crash between the two loses nothing.
func (s *Service) OpenForFinding(ctx context.Context, f inspect.Finding) (int64, error) {
	k := s.opener("finding")
	if k == nil {
		return 0, fmt.Errorf("open case for finding %d: %w that is opened by a finding", f.ID, errUnknownKind)
	}
	r := access.Resource{Type: "case", Organisation: f.Owner, Area: f.Area}
	if err := s.Access.Decide(ctx, "case.open", r, access.Operations); err != nil {
		return 0, err
	}
	words := guard.Mask(f.Description)
	o := Opening{Kind: k.ID, Title: firstWords(words), Finding: f.ID, Spot: f.Spot, Fields: map[string]any{"grade": f.Grade}}
	if who := access.From(ctx); slices.Contains(who.Roles, access.Inspector) { // who inspects sees to it that it is mended
		o.Desk = s.deskOf(who, k, f.Owner)
	}
	first := Entry{
		Kind: "finding", Text: lifecycle.Words("Opened for a finding of an inspection", "根据检查发现的问题隐患立案"), Free: words,
		Data: map[string]any{"finding": f.ID, "grade": f.Grade, "checklist": guard.Mask(f.Checklist)},
	}
	// Where the event comes first, it is still the inspector who found it.
	who := access.From(ctx)
	if who.Kind == access.KindSystem && f.ByID != 0 && !k.Private {
		who = access.Actor{Kind: access.KindAccount, ID: f.ByID, Name: f.By}
	}
	var caseID int64
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		now := s.now()
		c, err := caseFor(tx, "finding", f.ID)
		if err == nil {
			caseID = c.ID
			return nil
		}
		if !errors.Is(err, db.ErrNotFound) {
			return err
		}
		if c, err = s.recur(tx, who, o, first, now); err != nil {
			return err
		}
		if c == nil {
			if c, _, err = s.open(tx, who, o, first, now); err != nil {
				return err
			}
		}
		caseID = c.ID
		return nil
	})
	return caseID, err
}

// recur opens the case again that was closed, as proven, so short a time ago that its kind takes what is told now for the same;
// nil when there is none.
func (s *Service) recur(tx *db.Tx, who access.Actor, o Opening, first Entry, now time.Time) (*Case, error) {
	kind := s.kinds[o.Kind]
	if kind == nil || kind.Recurs == nil || o.Asset == 0 && o.Place == 0 {
		return nil, nil
	}
	what := same(first)
	if what == "" {
		return nil, nil
	}
	c, err := lastProven(tx, o, first.Kind, what)
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	k, err := s.version(tx, c.Definition) // the case's own law says whether it recurs
	if err != nil {
		return nil, err
	}
	if k.Recurs == nil || now.After(k.Recurs.Within.After(c.ClosedAt, s.Calendars[k.Calendar])) {
		return nil, nil
	}
	first.At, first.Actor = now, who
	first.Text = lifecycle.Words("The same again, after the case was closed: "+first.Text.En, "结案后再次发生："+first.Text.Zh)
	if _, err := s.enter(tx, c, &first); err != nil {
		return nil, err
	}
	for what, id := range map[string]int64{"alert": o.Alert, "finding": o.Finding, "report": o.Report} {
		if id != 0 {
			if err := link(tx, c.ID, what, id); err != nil {
				return nil, err
			}
		}
	}
	if o.Level != "" {
		c.Level = o.Level
	}
	if c.Fields == nil {
		c.Fields = map[string]any{}
	}
	maps.Copy(c.Fields, o.Fields)
	return c, s.reopen(tx, who, c, k, k.State(k.Recurs.To), "", o.Alert, now)
}

// same is what must be the same, beside the asset or place, for news to be of what was there before: the item of the checklist, the
// category of the report, the detector. News that does not say comes again for nothing: two faults of one asset are two cases.
func same(e Entry) string {
	var key string
	switch e.Kind {
	case "finding":
		key = "checklist"
	case "report":
		key = "category"
	case "alert":
		key = "detector"
	}
	what, _ := e.Data[key].(string)
	return what
}

// reopen has a closed case worked on again: by a move, or since something came again (move is empty then, alert what it was if it
// was one).
func (s *Service) reopen(tx *db.Tx, who access.Actor, c *Case, k *lifecycle.Kind, to *lifecycle.State, move string, alert int64, now time.Time) error {
	before := c.Generation
	was := c.Outcome
	c.State, c.Since, c.ClosedAt, c.Outcome, c.DueAt = to.ID, now, time.Time{}, "", to.DueFrom(c.Fields, now, s.Calendars[k.Calendar])
	if to.DueBy != "" && !c.DueAt.After(now) { // the time that was agreed on is past: it is to be agreed on anew, at once
		c.DueAt = now
	}
	c.Generation++
	c.Reopened++
	if err := updateCase(tx, c, before); err != nil {
		return err
	}
	if err := beginState(tx, c, to); err != nil {
		return err
	}
	for _, p := range k.Promises {
		if p.Again() || slices.Contains(p.From, move) {
			if err := s.beginPromise(tx, c, k, p, now); err != nil {
				return err
			}
		}
	}
	all, err := family(tx, c)
	if err != nil {
		return err
	}
	for _, x := range all {
		if err := vault.Reopen(tx, vault.Ref{Type: "case", ID: x.ID}); err != nil {
			return err
		}
	}
	err = ledger.Append(tx, ledger.Entry{
		Action: "case.reopen", Actor: actorName(who), ActorID: who.ID, Subject: "case", SubjectID: c.ID, At: now,
		Detail: map[string]any{"to": to.ID, "outcome_before": was, "generation": c.Generation, "move": move, "alert": alert},
	})
	if err != nil {
		return err
	}
	return outbox.Put(tx, events.CaseReopened{Case: c.ID, Kind: c.Kind, State: c.State, Alert: alert, Area: c.Area, Owner: c.Owner, Parties: c.resource().Parties, At: now})
}

// NewCase is a case that a person opens.
type NewCase struct {
	Kind   string         `json:"kind" doc:"a kind that is opened by a person"`
	Title  string         `json:"title" doc:"in a few words, without names of persons"`
	Text   string         `json:"text,omitempty" doc:"what is known"`
	Level  string         `json:"level,omitempty" enum:",blue,yellow,orange,red"`
	Asset  int64          `json:"asset,omitempty"`
	Place  int64          `json:"place,omitempty"`
	Area   int64          `json:"area,omitempty"`
	Owner  int64          `json:"owner,omitempty" doc:"the organisation that is to have it; left out: who holds the asset or place; none in a kind that a move assigns"`
	Post   string         `json:"post,omitempty"`
	Point  *[2]float64    `json:"point,omitempty" doc:"longitude and latitude, WGS 84"`
	Fields map[string]any `json:"fields,omitempty" doc:"answers that are known from the start"`
}

// OpenByHand opens a case that a person asks for.
func (s *Service) OpenByHand(ctx context.Context, n NewCase, key string) (Receipt, error) {
	k := s.kinds[n.Kind]
	if k == nil || !slices.Contains(k.OpenedBy, "person") {
		var offered []string
		for _, k := range s.Kinds {
			if slices.Contains(k.OpenedBy, "person") {
				offered = append(offered, k.ID)
			}
		}
		return Receipt{}, web.Errorf(http.StatusUnprocessableEntity, "case.kind", "expected one of %s, got %q", strings.Join(offered, ", "), n.Kind).At("kind")
	}
	n.Title, n.Text, n.Post = guard.Mask(strings.TrimSpace(n.Title)), guard.Mask(strings.TrimSpace(n.Text)), strings.TrimSpace(n.Post)
	if err := errors.Join(checkText(n.Title, "title", true), checkText(n.Text, "text", false), checkText(n.Post, "post", false)); err != nil {
		return Receipt{}, err
	}
	for name, v := range n.Fields {
		if text, isText := v.(string); isText && !clean(text) {
			return Receipt{}, web.Errorf(http.StatusUnprocessableEntity, lifecycle.CodeField, "the text holds characters that cannot be shown").At("fields." + name)
		}
	}
	fields, refusal := k.Opening(n.Fields)
	if refusal != nil {
		refusal.Field = "fields." + refusal.Field
		return Receipt{}, refusal
	}
	for i := range k.Moves {
		if err := s.nameable(ctx, &k.Moves[i], n.Fields); err != nil {
			return Receipt{}, err
		}
	}
	n.Fields = fields // as they are kept, masked: the hash of the request binds these
	spot, err := s.Register.Locate(ctx, inspect.Spot{Asset: n.Asset, Place: n.Place, Area: n.Area, Point: n.Point})
	if errors.Is(err, db.ErrNotFound) {
		return Receipt{}, s.unknownSpot(ctx, n)
	}
	if err != nil {
		return Receipt{}, err
	}
	switch {
	case k.Owner == lifecycle.Assigned && n.Owner != 0:
		return Receipt{}, lifecycle.Refuse(CodeOwner, "owner", "Such a case is opened without a unit; a move gives it to one.", "此类案卷立案时不指定承办单位，由后续操作派发。")
	case k.Owner == lifecycle.Assigned:
		spot.Owner = 0
	case n.Owner != 0:
		if err := s.known(ctx, "organisation", n.Owner, "owner"); err != nil {
			return Receipt{}, err
		}
		spot.Owner = n.Owner
	}
	who := access.From(ctx)
	r := access.Resource{Type: "case", Organisation: spot.Owner, Area: spot.Area}
	if k.Private || who.Organisation != 0 && n.Owner == 0 && spot.Owner == 0 {
		r = access.Resource{Type: "case", Organisation: who.Organisation}
	}
	if err := s.Access.Decide(ctx, "case.open", r, access.Operations); err != nil {
		return Receipt{}, err
	}
	request := []any{"open", n}
	if k.Private {
		request = []any{"open", n.Kind, n.Area}
	}
	return s.write(ctx, key, request, func(tx *db.Tx, now time.Time) (Receipt, error) {
		o := Opening{Kind: k.ID, Title: n.Title, Level: n.Level, Post: n.Post, Spot: spot, Fields: n.Fields}
		if slices.Contains(who.Roles, access.DutyOfficer) {
			o.Desk = s.deskOf(who, k, spot.Owner) // it is run where there is a watch; an enterprise's own case by the city's
		}
		c, _, err := s.open(tx, who, o, Entry{Kind: "note", Text: lifecycle.Words("Opened by hand", "人工立案"), Free: n.Text}, now)
		if err != nil {
			return Receipt{}, err
		}
		return Receipt{Case: c.ID}, nil
	})
}

// CodeOwner refuses a case that is opened for a unit, of a kind that is given to one by a move.
const CodeOwner = "case.owner"

// deskOf is the organisation that runs a case which somebody opens: his own, but for one that is to be held to what it has to do,
// or stands below it: that runs under the eyes of the city's own watch.
func (s *Service) deskOf(who access.Actor, k *lifecycle.Kind, owner int64) int64 {
	if k.Parted() && !k.Private && owner != 0 && s.Register.Above(owner, who.Organisation) {
		return 0
	}
	return who.Organisation
}

// unknownSpot says which of the things that a case is said to be about does not exist.
func (s *Service) unknownSpot(ctx context.Context, n NewCase) error {
	for _, of := range []struct {
		field string
		id    int64
		spot  inspect.Spot
	}{
		{"asset", n.Asset, inspect.Spot{Asset: n.Asset}}, {"place", n.Place, inspect.Spot{Place: n.Place}}, {"area", n.Area, inspect.Spot{Area: n.Area}},
	} {
		if of.id == 0 {
			continue
		}
		if _, err := s.Register.Locate(ctx, of.spot); errors.Is(err, db.ErrNotFound) {
			return web.Errorf(http.StatusUnprocessableEntity, "case.unknown_spot", "there is no %s %d", of.field, of.id).At(of.field)
		}
	}
	return web.Errorf(http.StatusUnprocessableEntity, "case.unknown_spot", "nothing in the register is there").At("point")
}

// known refuses what the register does not know.
func (s *Service) known(ctx context.Context, kind string, id int64, field string) error {
	if s.Register.Name(ctx, kind, id) == (lifecycle.Text{}) {
		return web.Errorf(http.StatusUnprocessableEntity, "case.unknown_"+kind, "there is no %s %d", kind, id).At(field)
	}
	return nil
}

// --- what a case was opened for

// caseFor finds the case of an alert, a finding or a report: the one that it opened, or that it was added to.
func caseFor(tx *db.Tx, what string, id int64) (*Case, error) {
	c, err := scanCase(tx.QueryRow(`select `+caseColumns+` from cases where `+what+` = $1`, id))
	if !errors.Is(err, db.ErrNotFound) {
		return c, err
	}
	return scanCase(tx.QueryRow(`select `+caseColumns+` from cases where id = (select case_id from case_links where what = $1 and id = $2)`, what, id))
}

// link notes that an alert, a finding or a report belongs to a case that it did not open.
func link(tx *db.Tx, caseID int64, what string, id int64) error {
	if _, err := tx.Exec(`insert into case_links (what, id, case_id) values ($1, $2, $3) on conflict (what, id) do nothing`, what, id, caseID); err != nil {
		return fmt.Errorf("link %s %d to case %d: %w", what, id, caseID, err)
	}
	return nil
}

// lastProven is the case of a kind about an asset, or where that is 0 about a place, that was closed last as proven and in which
// there was the same news, if no later one of the same is open.
func lastProven(tx *db.Tx, o Opening, news, what string) (*Case, error) {
	where, id := "asset", o.Asset
	if id == 0 {
		where, id = "place", o.Place
	}
	var last int64
	err := tx.Each(func(rows *sql.Rows) error {
		e := Entry{Kind: news}
		var caseID int64
		var data string
		if err := rows.Scan(&caseID, &data); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(data), &e.Data); err != nil {
			return err
		}
		if last == 0 && same(e) == what {
			last = caseID
		}
		return nil
	}, `select t.case_id, t.data from case_timeline t join cases c on c.id = t.case_id
		where c.`+where+` = $1 and c.kind = $2 and c.private = 0 and t.kind = $3 order by t.case_id desc nulls last, t.id desc nulls last
		limit 500`, id, o.Kind, news) // what is older than the last 500 such lines is no longer the same
	if err != nil {
		return nil, err
	}
	if last == 0 {
		return nil, db.ErrNotFound
	}
	c, err := getCase(tx, last)
	if err == nil && (c.ClosedAt.IsZero() || c.Outcome != "proven") {
		return nil, db.ErrNotFound
	}
	return c, err
}

// partsOf are the cases that were split from one.
func partsOf(tx *db.Tx, parent int64) ([]*Case, error) {
	return casesWhere(tx, `parent = $1 and parent <> 0`, parent)
}

// mergedInto are the cases that one goes on in the place of.
func mergedInto(tx *db.Tx, id int64) ([]*Case, error) {
	return casesWhere(tx, `merged_into = $1 and merged_into <> 0`, id)
}

// family is a case with those that were merged into it, and into them.
func family(tx *db.Tx, c *Case) ([]*Case, error) {
	all := []*Case{c}
	for i := 0; i < len(all); i++ {
		more, err := mergedInto(tx, all[i].ID)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// goesOn is the case that goes on in the place of c: itself where it was not merged.
func goesOn(tx *db.Tx, c *Case) (*Case, error) {
	for c.MergedInto != 0 {
		next, err := getCase(tx, c.MergedInto)
		if err != nil {
			return nil, err
		}
		c = next
	}
	return c, nil
}

// linked are the alerts, findings and reports that belong to a case beside the one that opened it.
func linked(tx *db.Tx, caseID int64) (out []events.CaseClosed, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var what string
		var id int64
		if err := rows.Scan(&what, &id); err != nil {
			return err
		}
		var e events.CaseClosed
		switch what {
		case "alert":
			e.Alert = id
		case "finding":
			e.Finding = id
		case "report":
			e.Report = id
		}
		out = append(out, e)
		return nil
	}, `select what, id from case_links where case_id = $1 order by what nulls last, id nulls last`, caseID)
	return out, err
}

func casesWhere(tx *db.Tx, where string, args ...any) ([]*Case, error) {
	return casesBy(tx, `select `+caseColumns+` from cases where `+where+` order by id nulls last`, args...)
}
