package respond

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// CaseView is a case as lists show it.
type CaseView struct {
	ID          int64           `json:"id"`
	Kind        string          `json:"kind"`
	KindTitle   lifecycle.Text  `json:"kind_title"`
	Title       any             `json:"title" doc:"{en, zh-CN}, or a person's own words"`
	State       string          `json:"state"`
	StateTitle  lifecycle.Text  `json:"state_title"`
	Level       string          `json:"level,omitempty"`
	Outcome     string          `json:"outcome,omitempty" doc:"once closed: proven or unfounded"`
	Alert       *int64          `json:"alert"`
	Finding     *int64          `json:"finding"`
	Report      *int64          `json:"report"`
	Asset       *int64          `json:"asset"`
	AssetName   *lifecycle.Text `json:"asset_name"`
	Place       *int64          `json:"place"`
	PlaceName   *lifecycle.Text `json:"place_name"`
	Area        *int64          `json:"area"`
	AreaName    *lifecycle.Text `json:"area_name"`
	Point       *[2]float64     `json:"point"`
	Owner       *int64          `json:"owner"`
	OwnerName   *lifecycle.Text `json:"owner_name"`
	Post        string          `json:"post,omitempty" doc:"the owner's post that has it"`
	Desk        *int64          `json:"desk" doc:"the organisation that runs the case; null is the city's own watch"`
	DeskName    *lifecycle.Text `json:"desk_name,omitempty"`
	Category    string          `json:"category,omitempty"`
	Listed      string          `json:"listed,omitempty" doc:"the level at which its supervision is listed"`
	ListedTitle *lifecycle.Text `json:"listed_title,omitempty"`
	Reopened    int64           `json:"reopened,omitempty" doc:"how often it was closed and opened again"`
	Parent      *int64          `json:"parent" doc:"the case that it is a part of"`
	MergedInto  *int64          `json:"merged_into" doc:"the case that goes on in its place"`
	Private     bool            `json:"private,omitempty"`
	OpenedAt    time.Time       `json:"opened_at"`
	Since       time.Time       `json:"since" doc:"when it came into its present state"`
	DueAt       *time.Time      `json:"due_at"`
	Overdue     bool            `json:"overdue"`
	ClosedAt    *time.Time      `json:"closed_at"`
}

// CasePage is a case with all that belongs to it.
type CasePage struct {
	CaseView
	Definition string         `json:"definition" doc:"SHA-256 of the definition that the case keeps"`
	Parties    []PartyView    `json:"parties"`
	Limits     []LimitView    `json:"limits" doc:"each promise of a time, in the order in which they began"`
	Asks       []AskView      `json:"asks" doc:"moves that needed another person's approval, or wait for it"`
	Parts      []PartView     `json:"parts" doc:"the cases that this one was split into"`
	Merged     []int64        `json:"merged" doc:"the cases that this one goes on in the place of"`
	Fields     map[string]any `json:"fields"`
	Timeline   []EntryView    `json:"timeline" doc:"its newest 100 lines, the oldest of them first"`
	Earlier    int            `json:"earlier" doc:"how many lines of the timeline stand before these"`
	Tasks      []TaskView     `json:"tasks"`
	Evidence   []EvidenceView `json:"evidence"`
	Moves      []MoveView     `json:"moves"`
}

// PartyView is an organisation that takes part beside owner and desk.
type PartyView struct {
	Party
	Name *lifecycle.Text `json:"name"`
}

// LimitView is a promise of a time.
type LimitView struct {
	Name             string          `json:"name" doc:"state, limit:…, task:… or ask:…"`
	Title            lifecycle.Text  `json:"title"`
	Organisation     *int64          `json:"organisation"`
	OrganisationName *lifecycle.Text `json:"organisation_name,omitempty"`
	Post             string          `json:"post,omitempty"`
	StartedAt        time.Time       `json:"started_at"`
	DueAt            time.Time       `json:"due_at"`
	FirstDueAt       time.Time       `json:"first_due_at" doc:"before it was set later"`
	Extensions       int             `json:"extensions"`
	EndedAt          *time.Time      `json:"ended_at"`
	State            string          `json:"state" enum:"running,met,withdrawn,passed-on"`
	Late             bool            `json:"late"`
	Inherited        bool            `json:"inherited,omitempty" doc:"it had passed when this organisation got the case, and is late for whoever had it then"`
}

// AskView is a move that needs another person's approval.
type AskView struct {
	ID        int64          `json:"id"`
	Move      string         `json:"move"`
	Title     lifecycle.Text `json:"title"`
	Fields    map[string]any `json:"fields"`
	Note      string         `json:"note,omitempty"`
	AskedBy   string         `json:"asked_by"`
	AskedAt   time.Time      `json:"asked_at"`
	DecideBy  *time.Time     `json:"decide_by"`
	State     string         `json:"state" enum:"open,granted,refused,withdrawn"`
	DecidedBy string         `json:"decided_by,omitempty"`
	DecidedAt *time.Time     `json:"decided_at"`
	Reason    string         `json:"reason,omitempty"`
	MayDecide bool           `json:"may_decide" doc:"whether the one who looks may decide"`
	Answers   []AnswerView   `json:"answers,omitempty" doc:"the fields, in the words of the form"`
}

// PartView is a part of a case.
type PartView struct {
	ID         int64           `json:"id"`
	Owner      *int64          `json:"owner"`
	OwnerName  *lifecycle.Text `json:"owner_name"`
	StateTitle lifecycle.Text  `json:"state_title"`
	Outcome    string          `json:"outcome,omitempty"`
	ClosedAt   *time.Time      `json:"closed_at"`
}

// EntryView is a line of the timeline. Text is in both languages where the program speaks, plain where a person does.
type EntryView struct {
	ID    int64          `json:"id"`
	At    time.Time      `json:"at"`
	Actor string         `json:"actor"`
	Kind  string         `json:"kind"`
	Text  any            `json:"text" doc:"{en, zh-CN}, or a person's own words"`
	Data  map[string]any `json:"data,omitempty"`
	// Program says that no person wrote it.
	Program bool `json:"program,omitempty"`
	// Answers are those of the move's form, on the page of the case.
	Answers []AnswerView `json:"answers,omitempty"`
}

// TaskView is a task of a case.
type TaskView struct {
	ID               int64           `json:"id"`
	Title            any             `json:"title" doc:"{en, zh-CN}, or a person's own words"`
	State            string          `json:"state"`
	Assignee         string          `json:"assignee"`
	Organisation     int64           `json:"organisation,omitempty"`
	OrganisationName *lifecycle.Text `json:"organisation_name,omitempty"`
	DueAt            *time.Time      `json:"due_at"`
	AcknowledgedAt   *time.Time      `json:"acknowledged_at"`
	AcknowledgedBy   string          `json:"acknowledged_by,omitempty"`
	DoneAt           *time.Time      `json:"done_at"`
	Origin           string          `json:"origin,omitempty" doc:"plan:7, instruction:3, lesson:2; absent where the case itself gave it"`
	Answer           string          `json:"answer,omitempty"`
	Yours
}

// EvidenceView is a piece of evidence.
type EvidenceView struct {
	ID      int64              `json:"id"`
	Kind    string             `json:"kind"`
	At      time.Time          `json:"at"`
	By      string             `json:"by"`
	Text    string             `json:"text"`
	URL     string             `json:"url,omitempty"`
	Media   string             `json:"media,omitempty"`
	SHA256  string             `json:"sha256,omitempty"`
	Reading *lifecycle.Reading `json:"reading,omitempty"`
}

// MoveView is a move out of the present state, and whether the one who asks can make it.
type MoveView struct {
	Name     string            `json:"name"`
	Title    lifecycle.Text    `json:"title"`
	To       string            `json:"to"`
	Does     string            `json:"does,omitempty" doc:"what it does beside leading to another state"`
	Approval bool              `json:"approval,omitempty" doc:"it takes effect only when another person grants it"`
	Allowed  bool              `json:"allowed"`
	WhyNot   *lifecycle.Text   `json:"why_not"`
	Requires []RequirementView `json:"requires"`
}

// RequirementView is what a move asks for: a form field with its kind, or a kind of evidence that must be there before.
type RequirementView struct {
	Field    string             `json:"field,omitempty"`
	Kind     string             `json:"kind,omitempty" doc:"of a field: text, number, time or choice"`
	Options  []lifecycle.Option `json:"options,omitempty"`
	Evidence string             `json:"evidence,omitempty" doc:"photo, form, note or reading"`
	Below    map[string]string  `json:"below,omitempty" doc:"of a reading: the limit of each property that serves"`
	Above    map[string]string  `json:"above,omitempty"`
	Met      bool               `json:"met" doc:"the evidence is there and good"`
	Title    lifecycle.Text     `json:"title"`
}

// Case returns a case as the actor may see it.
func (s *Service) Case(ctx context.Context, caseID int64) (*CasePage, error) {
	c, k, err := s.look(ctx, "case.read", caseID)
	if err != nil {
		return nil, err
	}
	var entries []Entry
	var earlier int
	var f facts
	var merged []*Case
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if c, err = getCase(tx, caseID); err != nil { // as it is now
			return err
		}
		if entries, earlier, err = stretch(tx, caseID, 0, DefaultLines); err != nil {
			return err
		}
		// Who made which move, and who had the case before, may stand further up than the page shows.
		if f.past, err = pastMoves(tx, caseID); err != nil {
			return err
		}
		if f.before, f.returns, err = holders(tx, c, k); err != nil {
			return err
		}
		if f.attached, err = evidence(tx, caseID); err != nil {
			return err
		}
		if f.tasks, err = tasks(tx, caseID); err != nil {
			return err
		}
		if f.limits, err = limits(tx, caseID, false); err != nil {
			return err
		}
		if f.asks, err = asks(tx, caseID, false); err != nil {
			return err
		}
		if f.parts, err = partsOf(tx, caseID); err != nil {
			return err
		}
		merged, err = mergedInto(tx, caseID)
		return err
	})
	if err != nil {
		return nil, err
	}
	snap := s.snapshot(c, k, f)
	attached, ts, ls, as, parts := f.attached, f.tasks, f.limits, f.asks, f.parts
	late := slices.ContainsFunc(ls, func(l Limit) bool { return (l.What == "state" || l.What == "case") && l.passed(s.Clock.Now()) })
	names := s.names(ctx)
	page := &CasePage{
		CaseView: s.view(c, k, names, late), Definition: c.Definition, Fields: maskAll(c.Fields), Timeline: lines(entries, k, names), Earlier: earlier, Tasks: []TaskView{},
		Evidence: []EvidenceView{}, Moves: []MoveView{}, Parties: []PartyView{}, Limits: []LimitView{}, Asks: []AskView{}, Parts: []PartView{},
		Merged: []int64{},
	}
	for _, t := range ts {
		v := t.view()
		v.OrganisationName, v.Yours = names("organisation", t.Organisation), s.Yours(ctx, c, t)
		page.Tasks = append(page.Tasks, v)
	}
	for _, a := range attached {
		page.Evidence = append(page.Evidence, a.view(c.ID))
	}
	for _, p := range c.Parties {
		page.Parties = append(page.Parties, PartyView{p, names("organisation", p.Organisation)})
	}
	for _, l := range ls {
		v := l.view(s.Clock.Now())
		v.OrganisationName = names("organisation", l.Organisation)
		page.Limits = append(page.Limits, v)
	}
	who := access.From(ctx)
	for _, a := range as {
		v := a.view(k, snap, who)
		v.Answers = answersOf(k, a.Move, v.Fields, names)
		page.Asks = append(page.Asks, v)
	}
	for _, p := range parts {
		v := PartView{ID: p.ID, Owner: ref(p.Owner), OwnerName: names("organisation", p.Owner), Outcome: p.Outcome, ClosedAt: optional(p.ClosedAt)}
		if st := k.State(p.State); st != nil {
			v.StateTitle = st.Title
		}
		page.Parts = append(page.Parts, v)
	}
	for _, m := range merged {
		page.Merged = append(page.Merged, m.ID)
	}
	if snap.Latest, err = s.latestOf(ctx, attached); err != nil {
		return nil, err
	}
	page.Moves = s.moves(ctx, k, c, snap)
	return page, nil
}

// passed says whether a limit that runs is over.
func (l Limit) passed(now time.Time) bool { return l.State == "running" && !l.DueAt.After(now) }

func (l Limit) view(now time.Time) LimitView {
	v := LimitView{Name: l.Name, Title: l.Title, Organisation: ref(l.Organisation), Post: l.Post, StartedAt: l.StartedAt, DueAt: l.DueAt,
		FirstDueAt: l.FirstDueAt, Extensions: l.Extensions, EndedAt: optional(l.EndedAt), State: l.State}
	at := now
	if !l.EndedAt.IsZero() {
		at = l.EndedAt
	}
	v.Late, v.Inherited = at.After(l.DueAt) && !l.Inherited, l.Inherited
	return v
}

func (a *Ask) view(k *lifecycle.Kind, c lifecycle.Snapshot, who access.Actor) AskView {
	v := AskView{ID: a.ID, Move: a.Move, Fields: maskAll(a.Fields), Note: guard.Mask(a.Note), AskedBy: a.AskedByName, AskedAt: a.AskedAt,
		DecideBy: optional(a.DecideBy), State: a.State, DecidedBy: a.DecidedBy, DecidedAt: optional(a.DecidedAt), Reason: guard.Mask(a.Reason)}
	if m := k.Move(a.Move); m != nil {
		v.Title = m.Title
		v.MayDecide = a.State == "open" && m.Approval != nil && k.MayDecide(c, who, m, a.AskedBy) == nil
	}
	return v
}

// moves lists the moves out of the present state, as the rules and the policy judge them for the actor.
func (s *Service) moves(ctx context.Context, k *lifecycle.Kind, c *Case, snap lifecycle.Snapshot) []MoveView {
	who, now := access.From(ctx), s.now()
	policy := s.Access.Decide(ctx, "case.move", c.resource(), access.Operations)
	out := []MoveView{}
	for i := range k.Moves {
		m := &k.Moves[i]
		if !slices.Contains(m.From, c.State) {
			continue
		}
		v := MoveView{Name: m.ID, Title: m.Title, To: m.To, Does: m.Does, Approval: m.Approval != nil, Requires: []RequirementView{}}
		switch why := k.Preview(snap, who, m, now); {
		case policy != nil:
			v.WhyNot = &lifecycle.Text{En: "Your account may not work on this case.", Zh: "您的账号无权处理本案卷。"}
		case why != nil:
			v.WhyNot = &why.Text
		default:
			v.Allowed = true
		}
		for _, r := range m.Requires {
			v.Requires = append(v.Requires, RequirementView{
				Field: r.Field, Kind: r.Kind, Options: r.Options, Evidence: r.Evidence, Below: limitTexts(r.Below), Above: limitTexts(r.Above),
				Met: r.Evidence != "" && r.Met(snap, now) == nil, Title: r.Title,
			})
		}
		out = append(out, v)
	}
	return out
}

// Filter says which cases are asked for.
type Filter struct {
	Open    bool   // not the closed ones
	Kind    string // empty: all
	Owner   *int64 // nil: all; 0 is the city's own watch
	Post    string // empty: all
	Overdue bool   // those past the limit of a state, or of a promise across states
	Listed  bool   // those whose supervision is listed
	Parent  int64  // the parts of that case; 0: all
	Before  int64  // go on below this id; 0: from the newest
	Limit   int
}

// Cases returns the cases that the actor may see, newest first. next is what to pass as Before to go on; 0 when there is
// nothing more.
func (s *Service) Cases(ctx context.Context, f Filter) (found []CaseView, next int64, err error) {
	if err := s.Access.Decide(ctx, "case.read", access.Resource{Type: "case"}, access.Operations); err != nil {
		return nil, 0, err
	}
	var cs []*Case
	var ks []*lifecycle.Kind
	var late map[int64]bool
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if cs, ks, next, err = s.seen(ctx, tx, f); err != nil {
			return err
		}
		late, err = lateAmong(tx, cs, s.Clock.Now())
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	found = make([]CaseView, len(cs))
	names := s.names(ctx)
	for i, c := range cs {
		found[i] = s.view(c, ks[i], names, late[c.ID])
	}
	return found, next, nil
}

// readMost bounds how many cases one list looks at: where more of them are not for the actor, it ends short and says where to go
// on.
const readMost = 2000

// seen reads the cases of a list that the actor may see, with their laws.
func (s *Service) seen(ctx context.Context, tx *db.Tx, f Filter) (cs []*Case, ks []*lifecycle.Kind, next int64, err error) {
	sc, err := s.scope(ctx, tx)
	if err != nil {
		return nil, nil, 0, err
	}
	before := f.Before
	for read := 0; read < readMost; {
		page, err := newestCases(tx, sc, f, before, s.Clock.Now(), f.Limit)
		if err != nil {
			return nil, nil, 0, err
		}
		for _, c := range page {
			before = c.ID
			if s.Access.Decide(ctx, "case.read", c.resource(), access.Operations) != nil {
				continue
			}
			k, err := s.version(tx, c.Definition)
			if err != nil {
				return nil, nil, 0, err
			}
			cs, ks = append(cs, c), append(ks, k)
			if len(cs) == f.Limit {
				return cs, ks, before, nil
			}
		}
		if len(page) < f.Limit {
			return cs, ks, 0, nil
		}
		read += len(page)
	}
	return cs, ks, before, nil
}

// names asks the register for each name once.
func (s *Service) names(ctx context.Context) func(kind string, id int64) *lifecycle.Text {
	type thing struct {
		kind string
		id   int64
	}
	known := map[thing]*lifecycle.Text{}
	return func(kind string, id int64) *lifecycle.Text {
		if id == 0 {
			return nil
		}
		t := thing{kind, id}
		if _, asked := known[t]; !asked {
			name := s.Register.Name(ctx, kind, id)
			known[t] = &name
		}
		return known[t]
	}
}

func (s *Service) view(c *Case, k *lifecycle.Kind, name func(kind string, id int64) *lifecycle.Text, late bool) CaseView {
	v := CaseView{
		ID: c.ID, Kind: c.Kind, KindTitle: k.Title, State: c.State, StateTitle: k.State(c.State).Title,
		Level: c.Level, Outcome: c.Outcome, Alert: ref(c.Alert), Finding: ref(c.Finding), Report: ref(c.Report),
		Asset: ref(c.Asset), Place: ref(c.Place), Area: ref(c.Area), Owner: ref(c.Owner), Point: c.Point,
		Post: c.Post, Desk: ref(c.Desk), Category: c.Category, Listed: c.Listed, Reopened: c.Reopened, Parent: ref(c.Parent),
		MergedInto: ref(c.MergedInto), Private: c.Private,
		OpenedAt: c.OpenedAt, Since: c.Since, DueAt: optional(c.DueAt), ClosedAt: optional(c.ClosedAt),
	}
	v.Overdue = c.ClosedAt.IsZero() && late
	v.AssetName, v.PlaceName = name("asset", c.Asset), name("place", c.Place)
	v.AreaName, v.OwnerName, v.DeskName = name("area", c.Area), name("organisation", c.Owner), name("organisation", c.Desk)
	v.ListedTitle = k.Listing(c.Listed)
	switch {
	case c.Title != "":
		v.Title = guard.Mask(c.Title)
	case c.Private:
		v.Title = k.Title
	case c.Category != "" && s.Category != nil && s.Category(c.Category) != lifecycle.Text{}:
		v.Title = s.Category(c.Category)
	case v.AssetName != nil && *v.AssetName != lifecycle.Text{}:
		v.Title = v.AssetName
	case v.PlaceName != nil && *v.PlaceName != lifecycle.Text{}:
		v.Title = v.PlaceName
	default:
		v.Title = k.Title
	}
	return v
}

func (e Entry) view() EntryView {
	v := EntryView{ID: e.ID, At: e.At, Actor: actorName(e.Actor), Kind: e.Kind, Data: maskAll(e.Data), Program: e.Actor.Kind != access.KindAccount}
	words := guard.Mask(e.Free)
	switch {
	case e.Text == lifecycle.Text{}:
		v.Text = words
	case words == "":
		v.Text = e.Text
	default:
		v.Text = lifecycle.Words(e.Text.En+": "+words, e.Text.Zh+"："+words)
	}
	return v
}

func (t Task) view() TaskView {
	v := TaskView{
		ID: t.ID, Title: t.Text, State: t.State, Assignee: guard.Mask(t.Post), Organisation: t.Organisation,
		DueAt: optional(t.DueAt), DoneAt: optional(t.DoneAt), AcknowledgedAt: optional(t.AcknowledgedAt), AcknowledgedBy: t.AcknowledgedBy,
		Origin: t.Origin, Answer: guard.Mask(t.Answer),
	}
	if t.Text == (lifecycle.Text{}) {
		v.Title = guard.Mask(t.Free)
	}
	return v
}

func (a Attachment) view(caseID int64) EvidenceView {
	v := EvidenceView{
		ID: a.ID, Kind: a.Kind, At: a.At, By: a.By, Text: guard.Mask(a.Text), Media: a.Media, SHA256: a.Blob, Reading: a.Reading,
	}
	if a.Blob != "" {
		v.URL = fmt.Sprintf("/api/v1/cases/%d/evidence/%d/file", caseID, a.ID)
	}
	return v
}

// maskAll masks every text in values of JSON. Hashes are hexadecimal and could by chance look like a number of a person;
// they are left as they are.
func maskAll(values map[string]any) map[string]any {
	out := make(map[string]any, len(values))
	for k, v := range values {
		switch v := v.(type) {
		case string:
			if k != "sha256" {
				out[k] = guard.Mask(v)
				continue
			}
			out[k] = v
		case map[string]any:
			out[k] = maskAll(v)
		default:
			out[k] = v
		}
	}
	return out
}

func limitTexts(limits map[string]lifecycle.Limit) map[string]string {
	if len(limits) == 0 {
		return nil
	}
	out := map[string]string{}
	for property, l := range limits {
		out[property] = fmt.Sprintf("%g %s", l.Value, l.Unit)
	}
	return out
}

func ref(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}
