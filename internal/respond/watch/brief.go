package watch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/respond"
)

const (
	// briefHour is the local hour at which the morning brief of a date ends; it covers the 24 hours before.
	briefHour = 8
	// maxBrief bounds the time of a brief.
	maxBrief = 7 * 24 * time.Hour
	// maxRows bounds the rows that are listed behind a figure.
	maxRows = 2000
)

// The groups of figures, in the order of the page.
const (
	GroupCases        = "cases"
	GroupIncidents    = "incidents"
	GroupDistricts    = "districts"
	GroupWarnings     = "warnings"
	GroupAlarms       = "alarms"
	GroupReports      = "reports"
	GroupInstructions = "instructions"
	// GroupLists are the three lists of the page, whole.
	GroupLists = "lists"
)

// Figure is a number of the brief with the rows that it counts. It counts places, cases and posts, never accounts.
type Figure struct {
	Group string `json:"group" enum:"cases,incidents,districts,warnings,alarms,reports,instructions,lists"`
	// Line and Column are where it stands in the table of its group: Line is a kind of case, a grade, a district, a post.
	Line   string `json:"line"`
	Title  Text   `json:"title" doc:"of the line"`
	Column string `json:"column" doc:"new, closed, open, overdue, ..."`
	N      int    `json:"n"`
	Rows   []Item `json:"rows,omitempty" doc:"what it counts"`
}

// ID is the figure's name in links.
func (f Figure) ID() string { return f.Group + "/" + f.Line + "/" + f.Column }

// Brief is one morning's brief (值班日报).
type Brief struct {
	respond.Span
	At        time.Time
	Figures   []Figure
	Incidents []Item // that were open in the span, the gravest first
	Overdue   []Item // cases, reports and instructions
	Warnings  []Item // in force
}

// BriefSpan reads which brief is asked for: that of a date ("2026-11-23": the 24 hours before eight in the morning), one from a
// time to a time, or the last 24 hours.
func (s *Service) BriefSpan(date string, from, to time.Time) (respond.Span, error) {
	now := s.now()
	switch {
	case date != "":
		day, err := time.ParseInLocation("2006-01-02", date, s.Zone)
		if err != nil {
			return respond.Span{}, bad("watch.date", "date", "%q is no date; expected 2026-11-23", date)
		}
		end := time.Date(day.Year(), day.Month(), day.Day(), briefHour, 0, 0, 0, s.Zone)
		from, to = end.AddDate(0, 0, -1).UTC(), end.UTC()
	case from.IsZero() && to.IsZero():
		from, to = now.Add(-24*time.Hour), now
	}
	if !from.Before(to) || to.Sub(from) > maxBrief {
		return respond.Span{}, bad("watch.span", "to", "a brief is about more than nothing and %d days at most", int(maxBrief.Hours()/24))
	}
	if from.After(now) {
		return respond.Span{}, bad("watch.span", "date", "the time has not begun yet")
	}
	return respond.Span{From: from.UTC(), To: earlier(to.UTC(), now)}, nil
}

// Brief works out the figures of a span, of what the actor may see.
func (s *Service) Brief(ctx context.Context, span respond.Span) (*Brief, error) {
	if _, err := s.mine(ctx, "watch.log"); err != nil {
		return nil, err
	}
	b := &Brief{Span: span, At: s.now()}
	t := newTable()
	district, err := s.Register.District(ctx)
	if err != nil {
		return nil, fmt.Errorf("districts: %w", err)
	}
	if err := s.briefCases(ctx, b, t, district); err != nil {
		return nil, err
	}
	if err := s.briefWatch(ctx, b, t); err != nil {
		return nil, err
	}
	b.Figures = t.figures()
	elsewhere, err := s.Elsewhere.Figures(ctx, span)
	if err != nil {
		return nil, fmt.Errorf("figures of other rooms: %w", err)
	}
	for _, f := range elsewhere {
		if f.Group == GroupWarnings && f.Column == "active" {
			b.Warnings = append(b.Warnings, f.Rows...)
		}
	}
	b.Figures = append(b.Figures, elsewhere...)
	return b, nil
}

func (s *Service) briefCases(ctx context.Context, b *Brief, t *table, district func(int64) (int64, Text)) error {
	kinds := map[string]Text{}
	for _, k := range s.Cases.Kinds {
		kinds[k.ID] = k.Title
	}
	name := s.names(ctx)
	states := map[string]Text{}
	for _, k := range s.Cases.Kinds {
		for _, x := range k.States {
			states[k.ID+"/"+x.ID] = x.Title
		}
	}
	incidents := map[int64]bool{}
	count := func(column string, c *respond.Case) {
		title, known := kinds[c.Kind]
		if !known {
			title = Text{En: c.Kind, Zh: c.Kind} // of a pack that is gone
		}
		row := briefItem(c, title, states[c.Kind+"/"+c.State], s.placeOf(ctx, c), name(c.Owner), b.To)
		t.add(GroupCases, c.Kind, title, column, row)
		if column == "new" || column == "open" {
			id, called := district(c.Area)
			if id == 0 {
				called = Text{En: "Elsewhere", Zh: "其他"}
			}
			t.add(GroupDistricts, fmt.Sprint(id), called, column, row)
		}
		if r := s.rules[c.Kind]; r != nil {
			grade, _ := c.Fields[r.Field].(string)
			t.add(GroupIncidents, cmp.Or(grade, "ungraded"), gradeTitle(r, grade), column, row)
			if !incidents[c.ID] {
				incidents[c.ID] = true
				b.Incidents = append(b.Incidents, row)
			}
		}
		if column == "overdue" {
			b.Overdue = append(b.Overdue, row)
		}
	}
	var open, opened, closed []*respond.Case
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		gather := func(to *[]*respond.Case) func(*respond.Case) error {
			return func(c *respond.Case) error {
				if s.Cases.Sees(ctx, c) {
					*to = append(*to, c)
				}
				return nil
			}
		}
		if err := respond.StoodOpen(tx, b.To, gather(&open)); err != nil {
			return err
		}
		if err := respond.Opened(tx, b.Span, gather(&opened)); err != nil {
			return err
		}
		return respond.Closed(tx, b.Span, gather(&closed))
	})
	for _, c := range open {
		count("open", c)
		if !c.DueAt.IsZero() && !c.DueAt.After(b.To) {
			count("overdue", c)
		}
	}
	for _, c := range opened {
		count("new", c)
	}
	for _, c := range closed {
		count("closed", c)
	}
	rank := func(i Item) int {
		if at := slices.Index(grades[:], i.Level); at >= 0 {
			return at
		}
		return len(grades)
	}
	slices.SortStableFunc(b.Incidents, func(x, y Item) int { return cmp.Or(rank(x)-rank(y), cmp.Compare(x.ID, y.ID)) })
	return err
}

func gradeTitle(r *Rules, grade string) Text {
	for _, g := range r.Grades {
		if g.ID == grade {
			return g.Title
		}
	}
	return Text{En: "Not graded yet", Zh: "未定级"}
}

// briefItem is a case as a row of the brief. Its names are those of the kind, the state and the owner; no account stands in it.
func briefItem(c *respond.Case, kind, state, place Text, owner *Text, at time.Time) Item {
	about := place
	if words := guard.Mask(c.Title); words != "" {
		about = Text{En: words, Zh: words}
	}
	title := kind
	if about != (Text{}) {
		title = Text{En: kind.En + ": " + about.En, Zh: kind.Zh + "：" + about.Zh}
	}
	if owner != nil {
		state = Text{En: state.En + " · " + owner.En, Zh: state.Zh + " · " + owner.Zh}
	}
	grade, _ := c.Fields["grade"].(string)
	i := Item{Kind: ItemCase, ID: c.ID, Case: c.ID, Title: title, State: state, Since: &c.OpenedAt, DueAt: optional(c.DueAt), Level: cmp.Or(grade, c.Level)}
	i.Overdue = c.ClosedAt.IsZero() && !c.DueAt.IsZero() && !c.DueAt.After(at)
	return i
}

// briefWatch counts the reports upward and the instructions.
func (s *Service) briefWatch(ctx context.Context, b *Brief, t *table) error {
	sees := s.seen(ctx)
	return s.DB.Read(ctx, func(tx *db.Tx) error {
		cases := map[int64]*respond.Case{} // nil: not to be seen
		clocks, err := clocksIn(tx, b.From, b.To)
		if err != nil {
			return err
		}
		for _, k := range clocks {
			c, asked := cases[k.Case]
			if !asked {
				if c, err = respond.Find(tx, k.Case); err != nil {
					return err
				}
				if c.Private || !s.Cases.Sees(ctx, c) {
					c = nil
				}
				cases[k.Case] = c
			}
			if c == nil {
				continue
			}
			row := clockItem(k, c, b.To)
			line, title := k.Report, capital(reportWords(k.Report))
			switch {
			case k.State == "met" && !k.EndedAt.Before(b.From) && k.EndedAt.Before(b.To):
				t.add(GroupReports, line, title, "told", row)
				if k.EndedAt.After(k.Due) {
					t.add(GroupReports, line, title, "late", row)
				}
			case k.State == "running" || !k.EndedAt.Before(b.To): // it ran at the end of the span
				t.add(GroupReports, line, title, "due", row)
				if !k.Due.After(b.To) {
					t.add(GroupReports, line, title, "overdue", row)
					b.Overdue = append(b.Overdue, row)
				}
			}
		}
		list, err := instructionsIn(tx, b.From, b.To)
		if err != nil {
			return err
		}
		for _, i := range list {
			if !sees(i.Desk) {
				continue
			}
			row := instructionItem(i, b.To)
			add := func(column string) {
				t.add(GroupInstructions, "all", Text{En: "Instructions", Zh: "领导批示"}, column, row)
			}
			if !i.RecordedAt.Before(b.From) {
				add("new")
			}
			open := i.EndedAt.IsZero() || !i.EndedAt.Before(b.To)
			switch {
			case open:
				add("open")
				if !i.DueAt.After(b.To) {
					add("overdue")
					b.Overdue = append(b.Overdue, row)
				}
			case !i.EndedAt.Before(b.From):
				add("closed")
			}
		}
		return nil
	})
}

func clockItem(k *Clock, c *respond.Case, at time.Time) Item {
	what := stepWords(k.Report, k.How)
	title := Text{En: upperFirst(what.En) + " to " + k.To.En, Zh: what.Zh + "，报" + k.To.Zh}
	if words := guard.Mask(c.Title); words != "" {
		title = Text{En: title.En + ": " + words, Zh: title.Zh + "：" + words}
	}
	i := Item{Kind: ItemReport, ID: k.ID, Case: k.Case, Since: &k.Started, DueAt: &k.Due, Overdue: k.State == "running" && !k.Due.After(at), Level: k.Grade,
		Title: title, State: Text{En: "not told yet", Zh: "待报送"}}
	if k.State == "met" {
		i.State = Text{En: "told", Zh: "已报送"}
	}
	return i
}

func instructionItem(i Instruction, at time.Time) Item {
	words := guard.Mask(i.Leader) + "：" + guard.Mask(i.Text)
	out := Item{Kind: ItemInstruction, ID: i.ID, Title: Text{En: words, Zh: words}, State: Text{En: "not answered yet", Zh: "待反馈"},
		Case: i.Case, Since: &i.At, DueAt: &i.DueAt, Overdue: i.State == "open" && !i.DueAt.After(at)}
	switch i.State {
	case "answered":
		out.State = Text{En: "answered", Zh: "已反馈"}
	case "withdrawn":
		out.State = Text{En: "withdrawn", Zh: "已撤回"}
	}
	return out
}

func capital(t Text) Text { return Text{En: upperFirst(t.En), Zh: t.Zh} }

// table gathers figures in the order in which their lines were first met.
type table struct {
	at map[string]int
	fs []Figure
}

func newTable() *table { return &table{at: map[string]int{}} }

func (t *table) add(group, line string, title Text, column string, row Item) {
	f := Figure{Group: group, Line: line, Title: title, Column: column}
	i, there := t.at[f.ID()]
	if !there {
		i = len(t.fs)
		t.at[f.ID()] = i
		t.fs = append(t.fs, f)
	}
	t.fs[i].N++
	if len(t.fs[i].Rows) < maxRows {
		t.fs[i].Rows = append(t.fs[i].Rows, row)
	}
}

func (t *table) figures() []Figure { return t.fs }

// lists are the three lists of the page with all their rows.
func (b *Brief) lists() []Figure {
	all := func(line string, title Text, rows []Item) Figure {
		return Figure{Group: GroupLists, Line: line, Title: title, Column: "all", N: len(rows), Rows: rows[:min(len(rows), maxRows)]}
	}
	return []Figure{
		all("incidents", Text{En: "Emergency incidents", Zh: "突发事件"}, b.Incidents),
		all("warnings", Text{En: "Warnings in force", Zh: "生效中的预警"}, b.Warnings),
		all("overdue", Text{En: "Overdue", Zh: "超时事项"}, b.Overdue),
	}
}

// Figure returns one figure of a span with its rows.
func (s *Service) Figure(ctx context.Context, span respond.Span, id string) (*Figure, error) {
	b, err := s.Brief(ctx, span)
	if err != nil {
		return nil, err
	}
	for _, f := range append(b.Figures, b.lists()...) {
		if f.ID() == id {
			return &f, nil
		}
	}
	return &Figure{}, bad("watch.figure", "figure", "the brief has no figure %q with any rows", id)
}
