package warn

import (
	"fmt"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// Asked is what an officer is to decide, as the duty posts are told of it.
type Asked struct {
	Title page.Text
	Level Level
	// Settled is what came of it; empty: it waits.
	Settled page.Text
	// Until is when it lapses by itself; zero: never.
	Until time.Time
}

// marked says of a title what is not real.
func marked(status string, title page.Text) page.Text {
	switch status {
	case cap.Actual:
		return title
	case cap.Exercise:
		return join(page.Text{English: "EXERCISE · ", Chinese: "【演练】"}, title)
	}
	return join(page.Text{English: "TEST · ", Chinese: "【测试】"}, title)
}

// AskedProposal says within a transaction how a version of a warning stands that was put before a second officer.
func (s *Service) AskedProposal(tx *db.Tx, warning int64, n int) (a Asked, err error) {
	r, err := loadWarning(tx, warning)
	if err != nil {
		return a, err
	}
	vs, err := loadVersions(tx, warning)
	if err != nil {
		return a, err
	}
	i := slices.IndexFunc(vs, func(v version) bool { return v.n == n })
	if i < 0 {
		return a, fmt.Errorf("warning %s has no version %d", r.number, n)
	}
	v := vs[i]
	a.Level, a.Until = v.content.Level, v.content.Expires
	a.Title = page.Text{English: "Warning " + r.number, Chinese: "预警 " + r.number}
	if v.kind == kindUpdate {
		a.Title = page.Text{English: "Update of warning " + r.number, Chinese: "更新预警 " + r.number}
	}
	a.Title = marked(r.status, join(a.Title, page.Text{English: " · ", Chinese: " · "}, v.content.Headline))
	switch {
	case v.state == Issued:
		a.Settled = page.Text{English: "The warning is issued", Chinese: "预警已签发"}
	case v.state != Proposed && r.state == Expired, !a.Until.After(s.now()):
		a.Settled = page.Text{English: "Its time has passed; it was not issued", Chinese: "预警时限已过，未予签发"}
	case v.state != Proposed:
		a.Settled = page.Text{English: "The proposal was withdrawn", Chinese: "预警提请已撤回"}
	}
	return a, nil
}

// suggests are what is said of a suggestion, by its kind.
var suggests = map[SuggestionKind]page.Text{
	SuggestIssue:     {English: "A warning is suggested", Chinese: "建议发布预警"},
	SuggestUpgrade:   {English: "An upgrade is suggested", Chinese: "建议升级预警"},
	SuggestDowngrade: {English: "A downgrade is suggested", Chinese: "建议降级预警"},
	SuggestAllClear:  {English: "The all-clear is suggested", Chinese: "建议解除预警"},
}

// AskedSuggestion says the same of a suggestion.
func (s *Service) AskedSuggestion(tx *db.Tx, id int64) (a Asked, err error) {
	x, err := loadSuggestion(tx, id)
	if err != nil {
		return a, err
	}
	event := page.Text{English: x.hazard, Chinese: x.hazard}
	if h, ok := s.hazards.Get(x.hazard); ok {
		event = h.Event
	}
	a.Level = x.level
	a.Title = join(suggests[x.kind], page.Text{English: ": ", Chinese: "："}, event)
	status := cap.Actual
	if s.drill(x.hazard) {
		status = cap.Exercise
	}
	if x.kind != SuggestIssue && x.warning != 0 {
		r, err := loadWarning(tx, x.warning)
		if err != nil {
			return a, err
		}
		status = r.status
		a.Title = join(a.Title, page.Text{English: " " + r.number, Chinese: " " + r.number})
	}
	a.Title = marked(status, a.Title)
	switch x.state {
	case Taken:
		a.Settled = page.Text{English: "The suggestion was taken", Chinese: "建议已采纳"}
	case Dismissed:
		a.Settled = page.Text{English: "The suggestion was dismissed", Chinese: "建议不予采纳"}
	case Over:
		a.Settled = page.Text{English: "There is no reason for it any more", Chinese: "建议已失效"}
	}
	return a, nil
}

func join(parts ...page.Text) (t page.Text) {
	for _, p := range parts {
		t.English += p.English
		t.Chinese += p.Chinese
	}
	return t
}
