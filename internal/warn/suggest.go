package warn

import (
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/internal/warn/hazard"
)

// SuggestionKind is what a suggestion would have an officer do.
type SuggestionKind string

// The kinds of suggestion.
const (
	SuggestIssue     SuggestionKind = "issue"
	SuggestUpgrade   SuggestionKind = "upgrade"
	SuggestDowngrade SuggestionKind = "downgrade"
	SuggestAllClear  SuggestionKind = "all-clear"
)

// SuggestionState is what has become of a suggestion.
type SuggestionState string

// The states. Over is one whose reason went before anybody decided.
const (
	Open      SuggestionState = "open"
	Taken     SuggestionState = "taken"
	Dismissed SuggestionState = "dismissed"
	Over      SuggestionState = "over"
)

// answering is the warning that answers what stands at a site.
type answering struct {
	full
	linked bool  // an officer took a suggestion for it
	basis  Level // of the alerts when an officer said so last
	level  Level // what it says, or will once what waits is approved
	ever   bool  // it was published
}

// weigh compares the alerts that stand for a hazard at a site with the warning that answers them, and brings the suggestion up to
// date: at most one is open, and it says what an officer should decide now. It only ever suggests.
func (s *Service) weigh(tx *db.Tx, h Hazard, site int64, now time.Time) error {
	want, err := s.wanted(tx, h, site, now)
	if err != nil {
		return err
	}
	last, err := lastSuggestion(tx, h.ID, site)
	if err != nil {
		return err
	}
	open := last
	if last == nil || last.state != Open {
		open = nil
	}
	switch {
	case open != nil && want != nil && open.kind == want.kind && open.warning == want.warning:
		if open.level == want.level && open.text == want.text && slices.Equal(open.alerts, want.alerts) {
			return nil
		}
		open.level, open.text, open.alerts, open.changed = want.level, want.text, want.alerts, now
		if err := updateSuggestion(tx, open); err != nil {
			return err
		}
		return outbox.Put(tx, open.event(now))
	case open != nil:
		if err := s.settle(tx, open, now); err != nil {
			return err
		}
	}
	if want == nil || last != nil && last.state == Dismissed && want.within(*last) {
		return nil
	}
	if err := insertSuggestion(tx, want); err != nil {
		return err
	}
	return outbox.Put(tx, want.event(now))
}

// within says whether a suggestion asks for nothing that an officer hasn't dismissed already.
func (x *suggestion) within(d suggestion) bool {
	if x.kind != d.kind || x.warning != d.warning || x.kind != SuggestDowngrade && x.level.Rank() > d.level.Rank() {
		return false
	}
	switch x.kind {
	case SuggestAllClear:
		return true
	case SuggestDowngrade:
		return x.level == d.level
	}
	return !slices.ContainsFunc(x.alerts, func(a int64) bool { return !slices.Contains(d.alerts, a) })
}

// settle closes an open suggestion that nobody decided. An all-clear that an officer gave by hand was taken all the same.
func (s *Service) settle(tx *db.Tx, x *suggestion, now time.Time) error {
	x.state, x.changed = Over, now
	if x.kind == SuggestAllClear {
		r, err := loadWarning(tx, x.warning)
		if err != nil {
			return err
		}
		if r.state == Cancelled {
			x.state, x.decidedBy = Taken, r.endedBy
		}
	}
	if err := updateSuggestion(tx, x); err != nil {
		return err
	}
	return outbox.Put(tx, x.event(now))
}

// wanted is what should be suggested; nil for nothing.
func (s *Service) wanted(tx *db.Tx, h Hazard, site int64, now time.Time) (*suggestion, error) {
	claims, err := standingClaims(tx, h.ID, site)
	if err != nil {
		return nil, err
	}
	a, err := s.answer(tx, h.ID, site, now)
	if err != nil {
		return nil, err
	}
	x := &suggestion{hazard: h.ID, site: site, state: Open, at: now, changed: now}
	for _, g := range claims {
		x.alerts = append(x.alerts, g.alert)
	}
	if a == nil {
		return s.wantedAnew(tx, h, x, claims)
	}
	x.warning = a.id
	top, ok := leading(claims)
	switch {
	case !ok:
		if !a.linked || !a.ever {
			return nil, nil // a warning that an officer composed without an alert ends when the officer says so
		}
		x.kind, x.level = SuggestAllClear, a.level
		x.alerts, err = causesOf(tx, a.id)
		return x, err
	case !a.ever:
		return nil, nil // it waits for approval, and whoever approves sees the alerts
	case top.level.Rank() > a.level.Rank() && top.level.Rank() > a.basis.Rank() && reaches(h, top):
		x.kind = SuggestUpgrade
	case a.linked && top.level.Rank() < a.level.Rank() && top.level.Rank() < a.basis.Rank():
		x.kind = SuggestDowngrade
	default:
		return nil, nil
	}
	x.level, x.text = top.level, textOf(h, top)
	return x, nil
}

// wantedAnew is what should be suggested where no warning answers. After an officer has ended one, what stood already when it ended
// is no reason for the next, unless it has become worse.
func (s *Service) wantedAnew(tx *db.Tx, h Hazard, x *suggestion, claims []claim) (*suggestion, error) {
	reached := slices.DeleteFunc(slices.Clone(claims), func(g claim) bool { return !reaches(h, g) })
	top, ok := leading(reached)
	if !ok {
		return nil, nil
	}
	ended, level, err := s.lastEnded(tx, h.ID, x.site)
	if err != nil {
		return nil, err
	}
	if !ended.IsZero() && top.level.Rank() <= level.Rank() && !slices.ContainsFunc(reached, func(g claim) bool { return g.since.After(ended) }) {
		return nil, nil
	}
	x.kind, x.level, x.text = SuggestIssue, top.level, textOf(h, top)
	return x, nil
}

// leading is the sign of the highest level, and of those the first.
func leading(claims []claim) (top claim, ok bool) {
	for _, g := range claims {
		if !ok || g.level.Rank() > top.level.Rank() {
			top, ok = g, true
		}
	}
	return top, ok
}

// reaches says whether a claim has the level from which the hazard asks for a warning.
func reaches(h Hazard, g claim) bool {
	t, ok := h.Trigger(g.facts.Detector)
	return ok && g.level.Rank() >= t.From.Rank()
}

func textOf(h Hazard, g claim) string {
	t, _ := h.Trigger(g.facts.Detector)
	return h.TextFor(t.Text, g.level).ID
}

// answer is the warning in force, or waiting for its first approval, that answers the alerts of a hazard at a site: one that was made
// of them or, without, a real one for that area. An exercise answers only what an officer made it of.
func (s *Service) answer(tx *db.Tx, hazard string, site int64, now time.Time) (*answering, error) {
	linked, err := answers(tx, hazard, site)
	if err != nil {
		return nil, err
	}
	list, err := listWarnings(tx, []State{Proposed, Issued}, 0, maxAnswers)
	if err != nil {
		return nil, err
	}
	var best *answering
	for _, f := range list {
		basis, ours := linked[f.id]
		if f.shown.content.Hazard != hazard || !f.expires.After(now) || f.status != cap.Actual && !(ours && f.status == cap.Exercise) {
			continue
		}
		if !ours && !slices.Contains(area.IDs(f.shown.content.Areas), site) {
			continue
		}
		a := &answering{full: f, linked: ours, basis: basis, level: f.shown.content.Level, ever: f.state == Issued}
		if f.pending != 0 && a.ever {
			vs, err := loadVersions(tx, f.id)
			if err != nil {
				return nil, err
			}
			if v, err := pendingOf(&f.record, vs); err == nil {
				a.level = v.content.Level
			}
		}
		if best == nil || bit(a.ever) > bit(best.ever) || a.ever == best.ever && a.level.Rank() > best.level.Rank() {
			best = a
		}
	}
	return best, nil
}

// maxAnswers bounds how many warnings are looked at; there are never so many in force.
const maxAnswers = 1000

// lastEnded says when the last warning that answered alerts at the site ended, and at what level it was, if an officer ended it. One
// that its time ended says nothing of the danger, and a proposal that was withdrawn has answered nothing.
func (s *Service) lastEnded(tx *db.Tx, hazard string, site int64) (at time.Time, level Level, err error) {
	linked, err := answers(tx, hazard, site)
	if err != nil {
		return at, level, err
	}
	for id := range linked {
		r, err := loadWarning(tx, id)
		if err != nil {
			return at, level, err
		}
		end := r.expires
		if r.state == Cancelled && r.endedAt != nil {
			end = *r.endedAt
		}
		if r.current == 0 || end.Before(at) {
			continue
		}
		at, level = end, ""
		if r.state == Cancelled {
			vs, err := loadVersions(tx, id)
			if err != nil {
				return at, level, err
			}
			level = currentOf(r, vs).content.Level
		}
	}
	if level == "" {
		at = time.Time{}
	}
	return at, level, nil
}

// reweigh brings the suggestions up to date that a deed about a warning may have changed.
func (s *Service) reweigh(tx *db.Tx, hazard string, warning int64, now time.Time) error {
	h, ok := s.hazards.Get(hazard)
	if !ok {
		return nil // it left the packs meanwhile: nothing listens for it any more
	}
	sites, err := sitesOf(tx, hazard, warning)
	if err != nil {
		return err
	}
	for _, site := range sites {
		if err := s.weigh(tx, h, site, now); err != nil {
			return err
		}
	}
	return nil
}

// take marks the suggestion that a proposal was made of, and links the warning to its alerts.
func (s *Service) take(tx *db.Tx, id int64, r *record, c Content, by string, now time.Time) error {
	if id == 0 {
		return nil
	}
	x, err := loadSuggestion(tx, id)
	if err != nil {
		return err
	}
	update := r.current != 0
	switch {
	case x.state != Open:
		return web.Errorf(409, "warning.suggestion_settled", "suggestion %d is %s; only an open one can be taken", id, x.state).At("suggestion")
	case x.hazard != c.Hazard:
		return web.Errorf(422, "warning.suggestion_other", "suggestion %d is about %s, not %s", id, x.hazard, c.Hazard).At("suggestion")
	case s.drill(x.hazard) && r.status != cap.Exercise:
		return web.Errorf(422, "warning.suggestion_exercise", "suggestion %d was made of a drill; only a warning with status Exercise can be made of it, not %s", id, r.status).At("status")
	case x.kind == SuggestAllClear:
		return web.Errorf(422, "warning.suggestion_other", "suggestion %d is that warning %d ends; end it instead", id, x.warning).At("suggestion")
	case !update && x.kind != SuggestIssue:
		return web.Errorf(422, "warning.suggestion_other", "suggestion %d is about warning %d; propose an update of that", id, x.warning).At("suggestion")
	case update && x.kind != SuggestIssue && x.warning != r.id:
		return web.Errorf(422, "warning.suggestion_other", "suggestion %d is about warning %d, not %d", id, x.warning, r.id).At("suggestion")
	}
	x.state, x.warning, x.changed, x.decidedBy = Taken, r.id, now, by
	if err := updateSuggestion(tx, x); err != nil {
		return err
	}
	if err := link(tx, r.id, x.alerts, x.level); err != nil {
		return err
	}
	return outbox.Put(tx, x.event(now))
}

// drill says whether what is suggested about a hazard is an exercise.
func (s *Service) drill(hazard string) bool {
	h, _ := s.hazards.Get(hazard)
	return h.Drill()
}

func (x *suggestion) event(at time.Time) events.WarningSuggested {
	return events.WarningSuggested{Suggestion: x.id, Kind: string(x.kind), State: string(x.state), Hazard: x.hazard, Level: string(x.level),
		Area: x.site, Warning: x.warning, Alerts: x.alerts, At: at}
}

func errNoSuggestion(id int64) error {
	return web.Errorf(404, "warning.unknown_suggestion", "there is no suggestion %d", id)
}

// values are what the blanks of a text are filled with from an alert.
func (g claim) values(v hazard.Values) hazard.Values {
	v.Place, v.Asset, v.Because = spoken(g.facts.PlaceName), spoken(g.facts.AssetName), spoken(g.facts.Because)
	if v.Place == (text{}) {
		v.Place = spoken(g.facts.AreaName)
	}
	if v.Asset == (text{}) {
		v.Asset = v.Place
	}
	return v
}
