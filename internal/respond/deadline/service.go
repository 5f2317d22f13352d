package deadline

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Register is what the report asks of the city. It answers from memory.
type Register interface {
	// Name returns what people call an organisation or an area; empty when it is not known.
	Name(ctx context.Context, kind string, id int64) lifecycle.Text
	// AreaAbove is the area in which an area lies; 0 for none.
	AreaAbove(area int64) int64
	// Zone is the city's local time.
	Zone(ctx context.Context) (*time.Location, error)
}

// Deps are what the report needs. KindTitle and CategoryTitle give the words for an id; empty when they know none.
type Deps struct {
	DB            *db.DB
	Clock         clock.Clock
	Access        access.Decider
	Register      Register
	KindTitle     func(kind string) lifecycle.Text
	CategoryTitle func(category string) lifecycle.Text
	PostTitle     func(post string) lifecycle.Text // that of a post without one is its id
}

// Service reports on deadlines. It is safe for concurrent use and writes nothing.
type Service struct{ Deps }

// New returns the report.
func New(d Deps) *Service { return &Service{d} }

// Report is the figures of a span.
type Report struct {
	From   *time.Time `json:"from"`
	To     *time.Time `json:"to"`
	At     time.Time  `json:"at" doc:"when they were counted; what is open is judged by it"`
	By     By         `json:"by"`
	Zone   string     `json:"zone" doc:"the city's time zone, in which days are days"`
	Total  Figures    `json:"total"`
	Groups []Group    `json:"groups"`
	// Names are the words for what the report was narrowed to: organisation, area, kind, category, what.
	Names map[string]lifecycle.Text `json:"names"`
	// Private is how many private cases lie in the span, in full tens, where nothing narrows the report but span and area; else 0.
	Private int `json:"private_cases"`
}

// Group is the figures of one organisation, post, category, area, kind or sort of limit.
type Group struct {
	Title   lifecycle.Text    `json:"title" doc:"empty: nobody knows a name, or there is none"`
	Filter  map[string]string `json:"filter" doc:"what to add to the query to get the rows behind the figures"`
	Figures Figures           `json:"figures"`
	Private int               `json:"private_cases"`
}

// Report counts.
func (s *Service) Report(ctx context.Context, ask Ask) (*Report, error) {
	q, now, zone, err := s.read(ctx, ask)
	if err != nil {
		return nil, err
	}
	q.Status = ""
	g := newGrouping(s, q)
	err = each(ctx, s.DB, q, now, beginning, s.inScope(ctx, func(r *Row) error {
		g.add(r, now)
		return nil
	}))
	if err != nil {
		return nil, err
	}
	out := &Report{From: optional(q.From), To: optional(q.To), At: now, By: q.By, Zone: zone.String()}
	out.Total, out.Groups, out.Private = g.result(ctx)
	out.Names = s.names(ctx, q)
	return out, nil
}

func (s *Service) names(ctx context.Context, q *Query) map[string]lifecycle.Text {
	names := map[string]lifecycle.Text{}
	if q.Organisation != nil {
		names["organisation"] = s.organisation(ctx, *q.Organisation)
	}
	if q.Area == noArea {
		names["area"] = noAreaWords()
	} else if q.Area != 0 {
		names["area"] = s.Register.Name(ctx, "area", q.Area)
	}
	if q.Kind != "" {
		names["kind"] = s.KindTitle(q.Kind)
	}
	if q.Category != nil {
		names["category"] = s.CategoryTitle(*q.Category)
	}
	if q.What != "" {
		names["what"] = whatWords(q.What)
	}
	return names
}

func noAreaWords() lifecycle.Text { return lifecycle.Words("No area", "未划入辖区") }

func (s *Service) read(ctx context.Context, ask Ask) (*Query, time.Time, *time.Location, error) {
	now := s.Clock.Now()
	if err := s.Access.Decide(ctx, "case.read", access.Resource{Type: "case"}, access.Operations); err != nil {
		return nil, now, nil, err
	}
	zone, err := s.Register.Zone(ctx)
	if err != nil {
		return nil, now, nil, err
	}
	q, err := ask.query(now, zone)
	return q, now, zone, err
}

// inScope lets only those rows through that the actor may see. A private row passes as what it is for the total of tens; whoever
// lists rows leaves it out.
func (s *Service) inScope(ctx context.Context, fn func(r *Row) error) func(r *Row) error {
	type who struct{ organisation, area int64 }
	may := map[who]bool{}
	return func(r *Row) error {
		w := who{r.Organisation, r.Area}
		ok, known := may[w]
		if !known {
			ok = s.Access.Decide(ctx, "case.read", access.Resource{Type: "case", ID: r.Case, Organisation: r.Organisation, Area: r.Area}, access.Operations) == nil
			may[w] = ok
		}
		if !ok {
			return nil
		}
		return fn(r)
	}
}

// --- grouping

// key is what rows are grouped by: a number or a word, and for areas the way down to it.
type key struct {
	number, below int64
	word          string
}

type tally struct {
	sum     Sum
	private map[int64]bool // cases
}

type grouping struct {
	s      *Service
	q      *Query
	groups map[key]*tally
	ways   map[int64][]int64 // of areas, from the area upwards
}

func newGrouping(s *Service, q *Query) *grouping {
	return &grouping{s: s, q: q, groups: map[key]*tally{}, ways: map[int64][]int64{}}
}

func (g *grouping) add(r *Row, now time.Time) {
	way := g.way(r.Area)
	if !within(g.q, way) {
		return
	}
	k := key{}
	switch g.q.By {
	case ByOrganisation:
		k.number = r.Organisation
	case ByPost:
		k.number, k.word = r.Organisation, r.Post
	case ByCategory:
		k.word = r.Category
	case ByKind:
		k.word = r.Kind
	case ByWhat:
		k.word = r.What
	case ByArea:
		k.number, k.below = step(g.q, way)
	}
	t := g.groups[k]
	if t == nil {
		t = &tally{private: map[int64]bool{}}
		g.groups[k] = t
	}
	if r.Private {
		t.private[r.Case] = true
		return
	}
	t.sum.Add(r, now)
}

// way is an area and those it lies in, upwards.
func (g *grouping) way(area int64) []int64 {
	if area == 0 {
		return nil
	}
	way, ok := g.ways[area]
	if !ok {
		for a := area; a != 0 && len(way) < 100; a = g.s.Register.AreaAbove(a) { // areas cannot stand in a circle, but a bound costs nothing
			way = append(way, a)
		}
		g.ways[area] = way
	}
	return way
}

// within says whether an area, by its way up, is one that the query is about.
func within(q *Query, way []int64) bool {
	switch {
	case q.Area == 0:
		return true
	case q.Area == noArea:
		return len(way) == 0
	case q.Only:
		return len(way) > 0 && way[0] == q.Area
	default:
		return slices.Contains(way, q.Area)
	}
}

// step is the group of an area: of those right below the query's area the one that it lies in, or that area itself (below 0). With no
// area asked for it is the topmost and the one below that, which result joins where there are several topmost.
func step(q *Query, way []int64) (area, below int64) {
	switch i := slices.Index(way, q.Area); {
	case len(way) == 0:
		return 0, 0
	case i > 0:
		return way[i], way[i-1]
	case i == 0:
		return way[0], 0
	case len(way) == 1:
		return way[0], 0
	default:
		return way[len(way)-1], way[len(way)-2]
	}
}

// tens is a number of private cases as it may be told.
func tens(n int) int { return n / 10 * 10 }

func (g *grouping) result(ctx context.Context) (Figures, []Group, int) {
	if g.q.By == ByArea && g.q.Area == 0 {
		g.joinTopmost()
	}
	var total Sum
	private := map[int64]bool{}
	groups := []Group{}
	for k, t := range g.groups {
		total.Merge(&t.sum)
		for c := range t.private {
			private[c] = true
		}
		group := Group{Figures: t.sum.Figures()}
		if g.q.By == ByArea && g.q.plain() {
			group.Private = tens(len(t.private))
		}
		if group.Figures.Rows == 0 && group.Private == 0 {
			continue // only private ones, which are told in tens or not at all
		}
		group.Title, group.Filter = g.name(ctx, k)
		groups = append(groups, group)
	}
	// The worst first: open past the limit, then late; the name decides between equals, so that lists do not move.
	slices.SortFunc(groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Figures.Past, a.Figures.Past), cmp.Compare(b.Figures.Late, a.Figures.Late), cmp.Compare(b.Figures.Rows, a.Figures.Rows),
			cmp.Compare(a.Title.En, b.Title.En), cmp.Compare(filterText(a.Filter), filterText(b.Filter)))
	})
	if !g.q.plain() {
		return total.Figures(), groups, 0
	}
	return total.Figures(), groups, tens(len(private))
}

// joinTopmost groups by topmost areas where there are several; where there is one, the city, by those right below it.
func (g *grouping) joinTopmost() {
	tops := map[int64]bool{}
	for k := range g.groups {
		if k.number != 0 {
			tops[k.number] = true
		}
	}
	if len(tops) < 2 {
		return
	}
	joined := map[key]*tally{}
	for k, t := range g.groups {
		k := key{number: k.number, below: k.number}
		if k.number == 0 {
			k.below = 0
		}
		if joined[k] == nil {
			joined[k] = &tally{private: map[int64]bool{}}
		}
		joined[k].sum.Merge(&t.sum)
		for c := range t.private {
			joined[k].private[c] = true
		}
	}
	g.groups = joined
}

func filterText(f map[string]string) string {
	return f["organisation"] + "/" + f["post"] + "/" + f["area"] + "/" + f["category"] + "/" + f["kind"] + "/" + f["what"]
}

// name gives a group its words and the filter that leads to its rows.
func (g *grouping) name(ctx context.Context, k key) (lifecycle.Text, map[string]string) {
	number := strconv.FormatInt(k.number, 10)
	switch g.q.By {
	case ByOrganisation:
		return g.s.organisation(ctx, k.number), map[string]string{"organisation": number}
	case ByPost:
		return g.s.organisation(ctx, k.number), map[string]string{"organisation": number, "post": orNone(k.word)}
	case ByCategory:
		return g.s.CategoryTitle(k.word), map[string]string{"category": orNone(k.word)}
	case ByKind:
		return g.s.KindTitle(k.word), map[string]string{"kind": k.word}
	case ByWhat:
		return whatWords(k.word), map[string]string{"what": k.word}
	}
	switch {
	case k.number == 0:
		return noAreaWords(), map[string]string{"area": "0"}
	case k.below == 0:
		return g.s.Register.Name(ctx, "area", k.number), map[string]string{"area": number, "only": "true"}
	default:
		return g.s.Register.Name(ctx, "area", k.below), map[string]string{"area": strconv.FormatInt(k.below, 10)}
	}
}

func (s *Service) organisation(ctx context.Context, id int64) lifecycle.Text {
	if id == 0 {
		return lifecycle.Words("The city's watch", "市值班室")
	}
	return s.Register.Name(ctx, "organisation", id)
}

func whatWords(what string) lifecycle.Text {
	switch what {
	case "state":
		return lifecycle.Words("Step of a case", "环节时限")
	case "case":
		return lifecycle.Words("Whole case", "全程时限")
	case "task":
		return lifecycle.Words("Task", "任务时限")
	case "ask":
		return lifecycle.Words("Approval", "审批时限")
	default:
		return lifecycle.Text{}
	}
}

func orNone(word string) string {
	if word == "" {
		return None
	}
	return word
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// --- rows

// RowView is a row as lists show it.
type RowView struct {
	ID               int64          `json:"id"`
	Case             int64          `json:"case"`
	What             string         `json:"what"`
	Title            lifecycle.Text `json:"title"`
	Kind             string         `json:"kind"`
	KindTitle        lifecycle.Text `json:"kind_title"`
	Category         string         `json:"category,omitempty"`
	CategoryTitle    lifecycle.Text `json:"category_title"`
	Organisation     int64          `json:"organisation"`
	OrganisationName lifecycle.Text `json:"organisation_name"`
	Post             string         `json:"post,omitempty"`
	Area             int64          `json:"area"`
	AreaName         lifecycle.Text `json:"area_name"`
	StartedAt        time.Time      `json:"started_at"`
	FirstDueAt       time.Time      `json:"first_due_at"`
	DueAt            time.Time      `json:"due_at"`
	Extensions       int            `json:"extensions"`
	EndedAt          *time.Time     `json:"ended_at"`
	Status           Status         `json:"status" enum:"on-time,late,within,past,passed-on,withdrawn"`
	Late             int64          `json:"late_s" doc:"seconds past the limit, of those that are late or open past it"`
}

// RowPage is some rows, in the order of their limits.
type RowPage struct {
	At    time.Time `json:"at"`
	Items []RowView `json:"items"`
	Next  string    `json:"next,omitempty"`
}

// Rows lists the rows behind figures.
func (s *Service) Rows(ctx context.Context, ask Ask, after string, limit int) (*RowPage, error) {
	q, now, _, err := s.read(ctx, ask)
	if err != nil {
		return nil, err
	}
	from, err := cursorOf(after)
	if err != nil {
		return nil, err
	}
	out := &RowPage{At: now, Items: []RowView{}}
	g := newGrouping(s, q) // for the ways of areas
	var last cursor
	err = each(ctx, s.DB, q, now, from, s.inScope(ctx, func(r *Row) error {
		if r.Private || !within(q, g.way(r.Area)) || q.Status != "" && r.Status(now) != q.Status {
			return nil
		}
		if len(out.Items) == limit {
			out.Next = last.String()
			return errEnough
		}
		last = cursor{db.Micros(r.Due), r.ID}
		out.Items = append(out.Items, s.view(ctx, r, now))
		return nil
	}))
	return out, err
}

func (s *Service) view(ctx context.Context, r *Row, now time.Time) RowView {
	v := RowView{
		ID: r.ID, Case: r.Case, What: r.What, Title: r.Title, Kind: r.Kind, KindTitle: s.KindTitle(r.Kind), Category: r.Category,
		Organisation: r.Organisation, OrganisationName: s.organisation(ctx, r.Organisation), Post: r.Post, Area: r.Area,
		StartedAt: r.Started, FirstDueAt: r.FirstDue, DueAt: r.Due, Extensions: r.Extensions, EndedAt: optional(r.Ended),
		Status: r.Status(now), Late: int64(r.Lateness(now) / time.Second),
	}
	if r.Category != "" {
		v.CategoryTitle = s.CategoryTitle(r.Category)
	}
	if r.Area != 0 {
		v.AreaName = s.Register.Name(ctx, "area", r.Area)
	}
	return v
}
