package skill

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

const (
	// Due is how long after its end a warning may wait for its verdict before it is listed as overdue.
	Due = 7 * 24 * time.Hour
	// earliest is how long before a warning was out its danger may have begun; what began earlier is another one.
	earliest = 7 * 24 * time.Hour
	// DefaultSpan and MaxSpan bound the time that figures are about.
	DefaultSpan = 365 * 24 * time.Hour
	MaxSpan     = 5 * 366 * 24 * time.Hour

	maxText     = 2000
	maxEvidence = 20
	maxAreas    = 50
)

// Warning is a real warning that has ended, as its room knows it.
type Warning struct {
	ID       int64
	Number   string
	Hazard   string
	Event    page.Text
	Headline page.Text
	Scope    string // after CAP
	Steps    []Step // never empty
	Ended    time.Time
	End      string  // cancel, all-clear or expired
	Areas    []int64 // whose officers it takes
}

// Warnings knows the warnings of status Actual that were issued and have ended by now; the warning room fulfils it. It is called
// within a transaction.
type Warnings interface {
	// Ended are those that ended from one time until before another, newest first.
	Ended(tx *db.Tx, from, to time.Time) ([]Warning, error)
	// EndedByID is one of them; an error that its caller may read where there is none.
	EndedByID(tx *db.Tx, id int64) (Warning, error)
	// Event is what a hazard is called; ok is false for none.
	Event(hazard string) (name page.Text, ok bool)
	// AreaIDs are the areas for which warnings are issued; it is called outside of transactions.
	AreaIDs(ctx context.Context) ([]int64, error)
}

// Deps are what the package needs.
type Deps struct {
	DB       *db.DB
	Clock    clock.Clock
	Access   access.Decider
	Warnings Warnings
	// Find looks for a piece of evidence ("alert", "case", "report") as the one who asks may see it: an error of status 404 or 403 where
	// there is none for them. Nil: evidence isn't looked for.
	Find func(ctx context.Context, kind string, id int64) error
	Site page.Site
}

// Service keeps verdicts and counts them. It is safe for concurrent use.
type Service struct {
	Deps
	pages *page.Set
}

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed templates/*.html texts/*.json
var pageFiles embed.FS

// Migrations are the package's tables.
func Migrations() db.Migrations { return db.Embedded("warnskill", migrations) }

// New returns the service.
func New(d Deps) (*Service, error) {
	templates, err := fs.Sub(pageFiles, "templates")
	if err != nil {
		return nil, err
	}
	texts, err := fs.Sub(pageFiles, "texts")
	if err != nil {
		return nil, err
	}
	if d.Site.TimeZone == nil {
		d.Site.TimeZone = time.UTC
	}
	pages, err := page.New(d.Site, templates, texts)
	return &Service{Deps: d, pages: pages}, err
}

// Evidence points at what shows a verdict.
type Evidence struct {
	Kind string `json:"kind" enum:"alert,case,report"`
	ID   int64  `json:"id" minimum:"1"`
}

// Word is what an officer says about a warning.
type Word struct {
	Verdict  string     `json:"verdict" enum:"happened,partly,did-not,cannot-tell"`
	Began    *time.Time `json:"began,omitempty" doc:"when the danger began; needed for happened and partly, not taken for the others"`
	What     string     `json:"what,omitempty" doc:"what happened; numbers of people are masked"`
	Evidence []Evidence `json:"evidence,omitempty" required:"false" maxItems:"20"`
	Reason   string     `json:"reason,omitempty" doc:"why a verdict that was given is revised"`
	// Revises is not kept: it is the version before.
	Revises *int `json:"revises,omitempty" required:"false" doc:"the version that was read, 0 for none: refused where another stands by now; whatever stands is revised when absent"`
}

// Verdict is one version of what is said about a warning.
type Verdict struct {
	Version int `json:"version"`
	Word
	By string    `json:"by,omitempty" doc:"left out for the public, as what officers wrote is"`
	At time.Time `json:"at"`
}

func invalid(code, field, format string, args ...any) error {
	return web.Errorf(422, code, format, args...).At(field)
}

func plain(field string, text *string, needed bool) error {
	*text = guard.Mask(strings.TrimSpace(*text))
	if needed && *text == "" {
		return invalid("verdict.text", field, "%s is missing: say it in a sentence", field)
	}
	if n := utf8.RuneCountInString(*text); n > maxText {
		return invalid("verdict.text", field, "%s has %d characters, at most %d fit", field, n, maxText)
	}
	return nil
}

// check holds the rules of a verdict on a warning.
func (w *Word) check(about Warning, before []Verdict, now time.Time) error {
	if !slices.Contains([]string{Happened, Partly, DidNot, CannotTell}, w.Verdict) {
		return invalid("verdict.verdict", "verdict", "the verdict %q is none of happened, partly, did-not, cannot-tell", w.Verdict)
	}
	came := w.Verdict == Happened || w.Verdict == Partly
	switch {
	case came && w.Began == nil:
		return invalid("verdict.began", "began", "say when it began: without it nobody knows whether the warning came in time")
	case !came && w.Began != nil:
		return invalid("verdict.began", "began", "what is judged %s has no beginning", w.Verdict)
	case came && w.Began.After(now):
		return invalid("verdict.began", "began", "it began at %s, which is still to come", w.Began.Format(time.RFC3339))
	case came && !w.Began.Before(about.Ended):
		return invalid("verdict.began", "began", "it began at %s, when the warning had ended (%s): judge this warning did-not, and enter what came as missed", w.Began.Format(time.RFC3339), about.Ended.Format(time.RFC3339))
	case came && w.Began.Before(about.Steps[0].At.Add(-earliest)):
		return invalid("verdict.began", "began", "it began at %s, more than 7 days before the warning was out", w.Began.Format(time.RFC3339))
	case len(w.Evidence) > maxEvidence:
		return invalid("verdict.evidence", "evidence", "at most %d pieces of evidence are kept", maxEvidence)
	}
	for i, e := range w.Evidence {
		if !e.valid() {
			return invalid("verdict.evidence", fmt.Sprintf("evidence[%d]", i), "evidence is an alert, a case or a report, by its number")
		}
	}
	if came {
		began := w.Began.UTC().Truncate(time.Second)
		w.Began = &began
	}
	if err := plain("what", &w.What, came); err != nil {
		return err
	}
	if len(before) == 0 && w.Reason != "" {
		return invalid("verdict.reason", "reason", "a reason goes with a verdict that is revised; this is the first")
	}
	return plain("reason", &w.Reason, len(before) > 0)
}

// found refuses evidence that there is not, or that the officer may not see. It asks other rooms, so it stands outside of transactions.
func (s *Service) found(ctx context.Context, evidence []Evidence) error {
	if s.Find == nil || len(evidence) > maxEvidence {
		return nil // too much of it is refused by check
	}
	for i, e := range evidence {
		if !e.valid() {
			continue
		}
		err := s.Find(ctx, e.Kind, e.ID)
		var refused *web.Error
		if errors.As(err, &refused) && (refused.Status == 404 || refused.Status == 403) {
			return invalid("verdict.evidence", fmt.Sprintf("evidence[%d]", i), "there is no %s %d that you may see", e.Kind, e.ID)
		}
		if err != nil {
			return fmt.Errorf("look for %s %d: %w", e.Kind, e.ID, err)
		}
	}
	return nil
}

func (e Evidence) valid() bool {
	return slices.Contains([]string{"alert", "case", "report"}, e.Kind) && e.ID > 0
}

// officer returns the signed-in person who acts.
func (s *Service) officer(ctx context.Context) (access.Actor, error) {
	actor := access.From(ctx)
	if err := s.Access.Decide(ctx, "warning.judge", access.Resource{Type: "warning"}, access.Operations); err != nil {
		return actor, err
	}
	if actor.Kind != access.KindAccount || actor.ID == 0 {
		return actor, web.Errorf(403, "warning.person_only", "a verdict is given by an officer who signed in")
	}
	return actor, nil
}

func (s *Service) mayIn(ctx context.Context, id int64, areas []int64) error {
	for _, area := range areas {
		if err := s.Access.Decide(ctx, "warning.judge", access.Resource{Type: "warning", ID: id, Area: area}, access.Operations); err != nil {
			return err
		}
	}
	return nil
}

// Judge notes what an officer found out about a warning that has ended.
func (s *Service) Judge(ctx context.Context, id int64, w Word) ([]Verdict, error) {
	actor, err := s.officer(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.found(ctx, w.Evidence); err != nil {
		return nil, err
	}
	var out []Verdict
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		now := s.Clock.Now()
		about, err := s.Warnings.EndedByID(tx, id)
		if err != nil {
			return err
		}
		if err := s.mayIn(ctx, id, about.Areas); err != nil {
			return err
		}
		before, err := verdictsOf(tx, id)
		if err != nil {
			return err
		}
		if w.Revises != nil && *w.Revises != len(before) {
			return web.Errorf(409, "verdict.version", "version %d of the verdict was to be revised, but by now version %d stands: read it first", *w.Revises, len(before)).At("revises")
		}
		if err := w.check(about, before, now); err != nil {
			return err
		}
		w.Revises = nil
		v := Verdict{Version: len(before) + 1, Word: w, By: actor.Name, At: now}
		if err := insertVerdict(tx, id, v, actor.ID); err != nil {
			return fmt.Errorf("store the verdict on warning %s: %w", about.Number, err)
		}
		out = append(before, v)
		detail := map[string]any{"number": about.Number, "version": v.Version, "verdict": v.Verdict, "what": v.What}
		if v.Began != nil {
			detail["began"] = v.Began.Format(time.RFC3339)
		}
		if v.Reason != "" {
			detail["reason"] = v.Reason
		}
		err = ledger.Append(tx, ledger.Entry{Action: "warning.judge", Actor: actor.Name, ActorID: actor.ID, Subject: "warning", SubjectID: id, At: now, Detail: detail})
		if err != nil {
			return err
		}
		return outbox.Put(tx, events.WarningJudged{Warning: id, Number: about.Number, Scope: about.Scope, Concerns: about.Areas, Hazard: about.Hazard, Version: v.Version, Verdict: v.Verdict, Began: v.Began, By: actor.ID, At: now})
	})
	return out, err
}

// Verdicts are all versions of the verdict on one warning, oldest first.
func (s *Service) Verdicts(ctx context.Context, id int64) (out []Verdict, err error) {
	if err := s.Access.Decide(ctx, "warning.read", access.Resource{Type: "warning", ID: id}, access.Operations); err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		about, err := s.Warnings.EndedByID(tx, id)
		if err != nil {
			return err
		}
		if err := s.mayRead(ctx, about); err != nil {
			return err
		}
		out, err = verdictsOf(tx, id)
		return err
	})
	return out, err
}

// mayRead asks whether a warning that was not for the public was for the one who asks: whether they answer for a part of where it held.
func (s *Service) mayRead(ctx context.Context, w Warning) error {
	if w.Scope == cap.Public {
		return nil
	}
	return s.Access.Decide(ctx, "warning.restricted", access.Resource{Type: "warning", ID: w.ID, Touches: w.Areas}, access.Operations)
}

// Missed is a danger that came without a warning of its level.
type Missed struct {
	ID     int64     `json:"id" readOnly:"true"`
	Hazard string    `json:"hazard"`
	Level  string    `json:"level" enum:"red,orange,yellow,blue" doc:"the level at which a warning should have been out"`
	Areas  []int64   `json:"areas" maxItems:"50"`
	At     time.Time `json:"at" doc:"when it began"`
	What   string    `json:"what" doc:"numbers of people are masked"`
	Source string    `json:"source" doc:"how it is known"`
	By     string    `json:"by,omitempty" readOnly:"true"`
	Noted  time.Time `json:"noted,omitzero" readOnly:"true"`
	// TakenBack is nil while it counts.
	TakenBack *TakenBack `json:"taken_back,omitempty" readOnly:"true"`
}

func (m *Missed) check(w Warnings, now time.Time) error {
	if _, ok := w.Event(m.Hazard); !ok {
		return invalid("verdict.hazard", "hazard", "%q is not a hazard that warnings are about", m.Hazard)
	}
	switch {
	case rank(m.Level) < 0:
		return invalid("verdict.level", "level", "level %q is not one of red, orange, yellow, blue", m.Level)
	case len(m.Areas) == 0 || len(m.Areas) > maxAreas:
		return invalid("verdict.areas", "areas", "name 1 to %d areas where it came", maxAreas)
	case m.At.IsZero() || m.At.After(now):
		return invalid("verdict.at", "at", "say when it began, and not in the future")
	case now.Sub(m.At) > MaxSpan:
		return invalid("verdict.at", "at", "it began longer ago than figures reach")
	}
	m.At = m.At.UTC().Truncate(time.Second)
	if err := plain("what", &m.What, true); err != nil {
		return err
	}
	return plain("source", &m.Source, true)
}

// Miss notes a danger that came without a warning of its level.
func (s *Service) Miss(ctx context.Context, m Missed) (Missed, error) {
	actor, err := s.officer(ctx)
	if err != nil {
		return m, err
	}
	now := s.Clock.Now()
	if err := m.check(s.Warnings, now); err != nil {
		return m, err
	}
	if err := s.known(ctx, m.Areas); err != nil {
		return m, err
	}
	m.TakenBack = nil
	if err := s.mayIn(ctx, 0, m.Areas); err != nil {
		return m, err
	}
	m.By, m.Noted = actor.Name, now
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := insertMissed(tx, &m, actor.ID); err != nil {
			return fmt.Errorf("store a missed danger: %w", err)
		}
		err := ledger.Append(tx, ledger.Entry{Action: "warning.judge", Actor: actor.Name, ActorID: actor.ID, Subject: "missed-warning", SubjectID: m.ID, At: now,
			Detail: map[string]any{"hazard": m.Hazard, "level": m.Level, "began": m.At.Format(time.RFC3339), "what": m.What, "source": m.Source}})
		if err != nil {
			return err
		}
		return outbox.Put(tx, events.WarningMissed{Missed: m.ID, Hazard: m.Hazard, Level: m.Level, Areas: m.Areas, Began: m.At, By: actor.ID, At: now})
	})
	return m, err
}

// Item is a warning with its verdict.
type Item struct {
	Warning  int64      `json:"warning,omitempty" doc:"left out: missed"`
	Missed   int64      `json:"missed,omitempty"`
	Number   string     `json:"number,omitempty"`
	Hazard   string     `json:"hazard"`
	Event    page.Text  `json:"event"`
	Headline page.Text  `json:"headline"`
	Level    string     `json:"level" doc:"the highest that it had"`
	Issued   *time.Time `json:"issued" doc:"when it was first out at that level"`
	Ended    *time.Time `json:"ended"`
	End      string     `json:"end,omitempty" doc:"cancel, all-clear or expired"`
	Began    *time.Time `json:"began"`
	Lead     *float64   `json:"lead_minutes" doc:"negative when late"`
	Verdict  *Verdict   `json:"verdict" doc:"null: it waits"`
	Due      *time.Time `json:"due" doc:"when the verdict is due"`
	Overdue  bool       `json:"overdue"`

	row Row
}

// items are all warnings that ended in a time with what is said of them, and what was missed in it, newest first.
func (s *Service) items(ctx context.Context, from, to time.Time, publicOnly bool) (out []Item, err error) {
	now := s.Clock.Now()
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out = nil
		list, err := s.Warnings.Ended(tx, from, to)
		if err != nil {
			return err
		}
		said, err := latestVerdicts(tx)
		if err != nil {
			return err
		}
		for _, w := range list {
			if publicOnly && w.Scope != cap.Public {
				continue
			}
			it := itemOf(w, said[w.ID], now)
			unread := s.mayRead(ctx, w) != nil // it counts, and says nothing
			if unread {
				it.Headline = page.Text{}
			}
			if v := it.Verdict; v != nil && (publicOnly || unread) {
				it.Verdict = &Verdict{Version: v.Version, Word: Word{Verdict: v.Verdict, Began: v.Began}, At: v.At}
			}
			out = append(out, it)
		}
		missed, err := missedIn(tx, from, to)
		for _, m := range missed {
			event, _ := s.Warnings.Event(m.Hazard)
			began := m.At
			out = append(out, Item{Missed: m.ID, Hazard: m.Hazard, Event: event, Level: m.Level, Began: &began,
				row: Row{Missed: m.ID, Hazard: m.Hazard, Level: m.Level, Began: began}})
		}
		return err
	})
	return out, err
}

func itemOf(w Warning, v *Verdict, now time.Time) Item {
	row := Row{Warning: w.ID, Hazard: w.Hazard, Public: w.Scope == cap.Public, Steps: w.Steps, Ended: w.Ended}
	ended, due := w.Ended, w.Ended.Add(Due)
	it := Item{Warning: w.ID, Number: w.Number, Hazard: w.Hazard, Event: w.Event, Headline: w.Headline, Ended: &ended, End: w.End, Verdict: v}
	if v != nil {
		row.Verdict = v.Verdict
		if v.Began != nil {
			row.Began, it.Began = *v.Began, v.Began
		}
	} else {
		it.Due, it.Overdue = &due, now.After(due)
	}
	it.Level, it.row = row.top(), row
	for _, step := range w.Steps {
		if step.Level == it.Level {
			at := step.At
			it.Issued = &at
			break
		}
	}
	if lead, ok := row.lead(); ok {
		minutes := lead.Minutes()
		it.Lead = &minutes
	}
	return it
}

// Waiting lists warnings that have ended: those without a verdict, or those with one. overdue counts the first that are.
func (s *Service) Waiting(ctx context.Context, waiting bool) (out []Item, overdue int, err error) {
	if err := s.Access.Decide(ctx, "warning.read", access.Resource{Type: "warning"}, access.Operations); err != nil {
		return nil, 0, err
	}
	now := s.Clock.Now()
	all, err := s.items(ctx, now.Add(-MaxSpan), now.Add(time.Second), false)
	out = []Item{}
	for _, it := range all {
		if it.Warning != 0 && (it.Verdict == nil) == waiting {
			out = append(out, it)
			if it.Overdue {
				overdue++
			}
		}
	}
	return out, overdue, err
}

// Span is the time that figures are about; its zero value is the last year.
func (s *Service) span(from, to time.Time) (time.Time, time.Time, error) {
	now := s.Clock.Now()
	if to.IsZero() {
		to = now.Add(time.Second) // what ended this moment counts
	}
	if from.IsZero() {
		from = to.Add(-DefaultSpan)
	}
	if !from.Before(to) {
		return from, to, invalid("verdict.span", "from", "the time begins (%s) after it ends", from.Format(time.RFC3339))
	}
	if to.Sub(from) > MaxSpan {
		return from, to, invalid("verdict.span", "from", "figures are about 5 years at most")
	}
	return from, to, nil
}

// Skill is the quality of warnings in a time.
type Skill struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Partly  string    `json:"partly" doc:"how what happened in part counts"`
	Overdue int       `json:"overdue" doc:"verdicts that are due for more than a week"`
	Figures []Figures `json:"figures" doc:"all together first, then levels, then hazards"`
}

// Skill counts: for the public, what was public alone.
func (s *Service) Skill(ctx context.Context, from, to time.Time) (Skill, error) {
	publicOnly, err := s.looks(ctx)
	if err != nil {
		return Skill{}, err
	}
	out, _, err := s.skill(ctx, from, to, publicOnly)
	return out, err
}

// looks decides that someone may see figures: without an account those of public warnings, which stand on the public page as well.
func (s *Service) looks(ctx context.Context) (publicOnly bool, err error) {
	purpose := access.Operations
	if access.From(ctx).Kind == access.KindPublic {
		publicOnly, purpose = true, access.PublicInformation
	}
	return publicOnly, s.Access.Decide(ctx, "warning.read", access.Resource{Type: "warning"}, purpose)
}

func (s *Service) skill(ctx context.Context, from, to time.Time, publicOnly bool) (out Skill, items []Item, err error) {
	if out.From, out.To, err = s.span(from, to); err != nil {
		return out, nil, err
	}
	if items, err = s.items(ctx, out.From, out.To, publicOnly); err != nil {
		return out, nil, fmt.Errorf("skill of warnings: %w", err)
	}
	rows := make([]Row, len(items))
	for i, it := range items {
		rows[i] = it.row
		if it.Overdue {
			out.Overdue++
		}
	}
	out.Figures, out.Partly = table(rows), "counts as happened; shown apart as well"
	return out, items, nil
}

// Rows are what stands behind a count: for the public without what officers wrote.
func (s *Service) Rows(ctx context.Context, figure, hazard, level string, from, to time.Time) ([]Item, error) {
	publicOnly, err := s.looks(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(Counts(), figure) {
		return nil, invalid("verdict.figure", "figure", "figure %q is none of %s", figure, strings.Join(Counts(), ", "))
	}
	_, items, err := s.skill(ctx, from, to, publicOnly)
	return behind(items, figure, hazard, level), err
}

func behind(items []Item, figure, hazard, level string) []Item {
	out := []Item{}
	for _, it := range items {
		if it.row.counts(figure) && (hazard == "" || it.Hazard == hazard) && (level == "" || it.Level == level) {
			out = append(out, it)
		}
	}
	return out
}
