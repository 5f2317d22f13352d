package warn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/internal/warn/hazard"
	"github.com/anlan-city/anlan/internal/warn/wording"
)

type text = page.Text

func spoken(t events.AlertText) text { return text{English: t.EN, Chinese: t.ZH} }

// Text is a text of a pack as the API shows it.
type Text struct {
	Hazard      string           `json:"hazard"`
	ID          string           `json:"id"`
	Title       page.Text        `json:"title"`
	Levels      []Level          `json:"levels" doc:"the levels that it is written for"`
	Lasts       map[Level]string `json:"lasts" doc:"for how long a warning of each level is issued, such as 6h0m0s"`
	Headline    page.Text        `json:"headline" doc:"with blanks such as {{area}}"`
	Description page.Text        `json:"description"`
	Instruction page.Text        `json:"instruction" doc:"that of the hazard where the text has none"`
}

// Texts are the texts of a hazard, or of all ("").
func (s *Service) Texts(ctx context.Context, id string) ([]Text, error) {
	if err := s.access.Decide(ctx, "warning.read", access.Resource{Type: "warning"}, access.Operations); err != nil {
		return nil, err
	}
	hazards := s.hazards.All()
	if id != "" {
		h, err := composable(s.hazards, id)
		if err != nil {
			return nil, err
		}
		hazards = []Hazard{h}
	}
	out := []Text{}
	for _, h := range hazards {
		for _, t := range h.Texts {
			x := Text{Hazard: h.ID, ID: t.ID, Title: t.Title, Levels: t.Levels, Lasts: map[Level]string{}, Headline: t.Headline, Description: t.Description, Instruction: t.Instruction}
			for _, l := range t.Levels {
				x.Lasts[l] = t.Duration(l).String()
			}
			if x.Instruction == (page.Text{}) {
				x.Instruction = h.Instruction
			}
			out = append(out, x)
		}
	}
	return out, nil
}

// DraftRequest says what a draft is wanted of.
type DraftRequest struct {
	Hazard string `json:"hazard" doc:"id of a hazard, such as gas-leak"`
	Text   string `json:"text,omitempty" doc:"id of one of its texts; the first that is written for the level when absent"`
	Level  Level  `json:"level" enum:"red,orange,yellow,blue"`
	area.Where
	Alert int64 `json:"alert,omitempty" doc:"an alert that fills place, asset and because"`
}

// Draft is a proposal that was filled from a text.
type Draft struct {
	Proposal
	// SecondPerson says whether another officer has to approve it.
	SecondPerson bool     `json:"second_person"`
	Missing      []string `json:"missing" doc:"the blanks that nothing fills; they are left in the texts as {{place}}, and a proposal that has them still is refused"`
}

// Draft fills a proposal from a text. It stores nothing.
func (s *Service) Draft(ctx context.Context, in DraftRequest) (Draft, error) {
	if _, err := s.officer(ctx, "warning.propose"); err != nil {
		return Draft{}, err
	}
	h, err := composable(s.hazards, in.Hazard)
	if err != nil {
		return Draft{}, err
	}
	if !in.Level.Valid() {
		return Draft{}, web.Errorf(422, "warning.unknown_level", "level %q is not one of red, orange, yellow, blue", in.Level).At("level")
	}
	t := h.TextFor(in.Text, in.Level)
	if in.Text != "" {
		var ok bool
		if t, ok = h.Text(in.Text); !ok {
			return Draft{}, web.Errorf(422, "warning.unknown_text", "hazard %s has no text %q", h.ID, in.Text).At("text")
		}
	} else if t.ID == "" && len(h.Texts) > 0 {
		t = h.Texts[0]
	}
	var g claim
	var suggestion, site int64
	if in.Alert != 0 {
		if g, site, err = s.alertOf(ctx, in.Alert); err != nil {
			return Draft{}, err
		}
		if in.Empty() {
			in.Where = whereOf(h, g, site)
		}
		if suggestion, err = s.openFor(ctx, h.ID, site, in.Alert); err != nil {
			return Draft{}, err
		}
	}
	places, err := s.areas.Places(ctx, in.Where)
	if err != nil {
		return Draft{}, err
	}
	var names, round []page.Text
	for _, p := range places {
		names = append(names, area.InSentence(p.Name))
	}
	if len(in.Around) > 0 && len(in.Areas)+len(in.Drawn) == 0 {
		known, err := s.areas.Areas(ctx)
		if err != nil {
			return Draft{}, err
		}
		if i := slices.IndexFunc(known, func(a area.Area) bool { return a.ID == site }); i >= 0 {
			round = []page.Text{partsOf(known[i].Name)}
		}
	}
	d := s.fill(h, t, in.Level, in.Where, names, round, g, s.now())
	d.Suggestion = suggestion
	return d, nil
}

// whereOf is where a warning because of an alert holds: around its asset where the hazard says so, else in its district.
func whereOf(h Hazard, g claim, site int64) area.Where {
	switch t, _ := h.Trigger(g.facts.Detector); {
	case t.Around != 0 && g.facts.Asset != 0:
		return area.Where{Around: []area.Around{{Asset: g.facts.Asset, Metres: t.Around}}}
	case site != 0:
		return area.Where{Areas: []int64{site}}
	}
	return area.Where{}
}

// openFor is the open suggestion to warn because of an alert; 0 for none.
func (s *Service) openFor(ctx context.Context, hazard string, site, alert int64) (id int64, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		x, err := lastSuggestion(tx, hazard, site)
		if err == nil && x != nil && x.state == Open && x.kind == SuggestIssue && slices.Contains(x.alerts, alert) {
			id = x.id
		}
		return err
	})
	return id, err
}

// alertOf finds an alert among those that hazards listen for, or asks detect.
func (s *Service) alertOf(ctx context.Context, id int64) (g claim, site int64, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		g, site, err = claimOf(tx, id)
		return err
	})
	if !errors.Is(err, db.ErrNotFound) {
		return g, site, err
	}
	if s.alert == nil {
		return g, 0, web.Errorf(422, "warning.unknown_alert", "there is no alert %d that a hazard listens for", id).At("alert")
	}
	facts, err := s.alert(ctx, id)
	return claim{alert: id, facts: facts}, s.district(facts.Area), err
}

// fill makes a proposal of a text. names are those of where it holds, round what lies around it all where they are too long for a headline.
func (s *Service) fill(h Hazard, t hazard.Text, level Level, w area.Where, names, round []page.Text, g claim, now time.Time) Draft {
	d := Draft{Proposal: Proposal{Hazard: h.ID, Level: level, Areas: w.Areas, Drawn: w.Drawn, Around: w.Around, Onset: now, Expires: now.Add(t.Duration(level))},
		SecondPerson: s.hazards.SecondPerson(h.ID, level), Missing: []string{}}
	if d.Areas == nil {
		d.Areas = []int64{}
	}
	if _, listens := h.Trigger(g.facts.Detector); listens && h.Drill() {
		d.Status = cap.Exercise
	}
	v := fitting(g.values(hazard.Values{Level: level, Areas: names, From: now.In(s.options.zone()), Until: d.Expires.In(s.options.zone())}), t.Headline, round)
	instruction := t.Instruction
	if instruction == (page.Text{}) {
		instruction = h.At(level).Instruction
	}
	for _, f := range []struct {
		to   *page.Text
		from page.Text
	}{{&d.Headline, t.Headline}, {&d.Description, t.Description}, {&d.Instruction, instruction}} {
		var missing []string
		*f.to, missing = v.Fill(f.from)
		for _, m := range missing {
			if !slices.Contains(d.Missing, m) {
				d.Missing = append(d.Missing, m)
			}
		}
	}
	return d
}

// fitting has the texts name what lies around it all, or else fewer places, until the headline fits: under a wide storm a warning holds
// around a dozen instruments. Where it holds stands in full in its areas.
func fitting(v hazard.Values, headline page.Text, round []page.Text) hazard.Values {
	fits := func() bool {
		filled, _ := v.Fill(headline)
		return utf8.RuneCountInString(filled.English) <= maxHeadline && utf8.RuneCountInString(filled.Chinese) <= maxHeadline
	}
	if len(round) > 0 && (len(v.Areas) > hazard.ManyAreas || !fits()) {
		v.Areas = round
	}
	for v.Fewer < hazard.ManyAreas && !fits() {
		v.Fewer++
	}
	return v
}

// Suggestion is what the program suggests to an officer. It never warns by itself.
type Suggestion struct {
	ID     int64             `json:"id"`
	Kind   SuggestionKind    `json:"kind" enum:"issue,upgrade,downgrade,all-clear"`
	State  SuggestionState   `json:"state" enum:"open,taken,dismissed,over"`
	Hazard string            `json:"hazard"`
	Event  page.Text         `json:"event"`
	Level  Level             `json:"level"`
	Text   string            `json:"text" doc:"which of the hazard's texts; empty for an all-clear"`
	Areas  []area.AreaName   `json:"areas"`
	Around []SuggestedAround `json:"around" doc:"assets round which to warn rather than in the whole area; empty: in the area"`
	Alerts []SuggestedBy     `json:"alerts" doc:"why: the alerts, the leading one first"`
	// Warning is the one that it is about or, once taken, the one that was made of it.
	Warning   int64     `json:"warning,omitempty"`
	At        time.Time `json:"at"`
	ChangedAt time.Time `json:"changed_at"`
	DecidedBy string    `json:"decided_by,omitempty"`
	Reason    string    `json:"reason,omitempty" doc:"why it was dismissed"`
	Draft     *Draft    `json:"draft" doc:"a proposal filled from the text, as of now; null for an all-clear and once it was decided"`
}

// SuggestedAround is a distance round an asset.
type SuggestedAround struct {
	Asset  int64     `json:"asset"`
	Name   page.Text `json:"name"`
	Metres float64   `json:"metres"`
}

// SuggestedBy is an alert that a suggestion was made of.
type SuggestedBy struct {
	Alert   int64     `json:"alert"`
	Title   page.Text `json:"title"`
	Level   Level     `json:"level"`
	Asset   page.Text `json:"asset"`
	Place   page.Text `json:"place"`
	Because page.Text `json:"because"`
	Since   time.Time `json:"since"`
	Stands  bool      `json:"stands"`
}

// Suggestions are those in a state ("all": in any), the newest first.
func (s *Service) Suggestions(ctx context.Context, state string, limit int) ([]Suggestion, error) {
	if err := s.access.Decide(ctx, "warning.read", access.Resource{Type: "warning"}, access.Operations); err != nil {
		return nil, err
	}
	known, err := s.areas.Areas(ctx)
	if err != nil {
		return nil, fmt.Errorf("list areas: %w", err)
	}
	if state == "all" {
		state = ""
	}
	out := []Suggestion{}
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		list, err := listSuggestions(tx, state, limit)
		if err != nil {
			return err
		}
		for _, x := range list {
			v, err := s.suggested(tx, x, known)
			if err != nil {
				return err
			}
			out = append(out, v)
		}
		return nil
	})
	return out, err
}

func (s *Service) suggested(tx *db.Tx, x suggestion, known []area.Area) (Suggestion, error) {
	v := Suggestion{ID: x.id, Kind: x.kind, State: x.state, Hazard: x.hazard, Event: page.Text{English: x.hazard, Chinese: x.hazard}, Level: x.level, Text: x.text,
		Areas: []area.AreaName{}, Around: []SuggestedAround{}, Alerts: []SuggestedBy{}, Warning: x.warning, At: x.at, ChangedAt: x.changed, DecidedBy: x.decidedBy, Reason: x.reason}
	h, ok := s.hazards.Get(x.hazard)
	if ok {
		v.Event = h.Event
	}
	areas := []int64{}
	if i := slices.IndexFunc(known, func(a area.Area) bool { return a.ID == x.site }); i >= 0 {
		v.Areas = append(v.Areas, area.AreaName{ID: x.site, Name: known[i].Name})
		areas = append(areas, x.site)
	}
	claims, err := claimsOf(tx, x.hazard, x.alerts)
	if err != nil {
		return v, err
	}
	slices.SortStableFunc(claims, func(a, b claim) int { return b.level.Rank() - a.level.Rank() })
	whole := false
	for _, g := range claims {
		v.Alerts = append(v.Alerts, SuggestedBy{Alert: g.alert, Title: spoken(g.facts.Title), Level: g.level, Asset: spoken(g.facts.AssetName), Place: spoken(g.facts.PlaceName),
			Because: spoken(g.facts.Because), Since: g.since, Stands: g.standing})
		t, _ := h.Trigger(g.facts.Detector)
		if t.Around == 0 || g.facts.Asset == 0 {
			whole = true // one that speaks for the whole area
		} else if !slices.ContainsFunc(v.Around, func(a SuggestedAround) bool { return a.Asset == g.facts.Asset }) {
			v.Around = append(v.Around, SuggestedAround{Asset: g.facts.Asset, Name: spoken(g.facts.AssetName), Metres: t.Around})
		}
	}
	if whole {
		v.Around = []SuggestedAround{}
	}
	if t, known2 := h.Text(x.text); known2 && x.state == Open && len(claims) > 0 {
		w, names, round := area.Where{Areas: areas}, areaTitles(v.Areas), []page.Text(nil)
		if len(v.Around) > 0 {
			w, names = area.Where{}, nil
			for _, in := range areaTitles(v.Areas) {
				round = append(round, partsOf(in))
			}
			for _, a := range v.Around {
				w.Around = append(w.Around, area.Around{Asset: a.Asset, Metres: a.Metres})
				names = append(names, area.InSentence(area.BandName(a.Name, a.Metres, areaTitles(v.Areas), false)))
			}
		}
		d := s.fill(h, t, x.level, w, names, round, claims[0], s.now())
		d.Suggestion = x.id
		v.Draft = &d
	}
	return v, nil
}

func partsOf(in page.Text) page.Text {
	return page.Text{English: "parts of " + in.English, Chinese: in.Chinese + "部分区域"}
}

func areaTitles(areas []area.AreaName) (names []page.Text) {
	for _, a := range areas {
		names = append(names, a.Name)
	}
	return names
}

// Dismiss says that an officer will not follow a suggestion. It isn't made again unless there is more to it.
func (s *Service) Dismiss(ctx context.Context, id int64, reason string) (Suggestion, error) {
	actor, err := s.officer(ctx, "warning.propose")
	if err != nil {
		return Suggestion{}, err
	}
	if reason, err = wording.Reason(reason); err != nil {
		return Suggestion{}, err
	}
	known, err := s.areas.Areas(ctx)
	if err != nil {
		return Suggestion{}, fmt.Errorf("list areas: %w", err)
	}
	var v Suggestion
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		x, err := loadSuggestion(tx, id)
		if err != nil {
			return err
		}
		if x.site != 0 {
			if err := s.access.Decide(ctx, "warning.propose", access.Resource{Type: "warning", Area: x.site}, access.Operations); err != nil {
				return err
			}
		}
		if x.state != Open {
			return web.Errorf(409, "warning.suggestion_settled", "suggestion %d is %s; only an open one can be dismissed", id, x.state)
		}
		now := s.now()
		x.state, x.decidedBy, x.reason, x.changed = Dismissed, actor.Name, reason, now
		if err := updateSuggestion(tx, x); err != nil {
			return err
		}
		err = ledger.Append(tx, ledger.Entry{Action: "warning.dismiss", Actor: actor.Name, ActorID: actor.ID, Subject: "warning-suggestion", SubjectID: id, At: now,
			Detail: map[string]any{"hazard": x.hazard, "kind": string(x.kind), "level": string(x.level), "alerts": x.alerts, "warning": x.warning, "reason": reason}})
		if err != nil {
			return err
		}
		if err := outbox.Put(tx, x.event(now)); err != nil {
			return err
		}
		v, err = s.suggested(tx, *x, known)
		return err
	})
	return v, err
}
