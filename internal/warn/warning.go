package warn

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/internal/warn/hazard"
	"github.com/anlan-city/anlan/internal/warn/wording"
)

// Level is the colour of a warning. Red is the highest (一级).
type Level = hazard.Level

// The levels, highest first.
const (
	Red    = hazard.Red
	Orange = hazard.Orange
	Yellow = hazard.Yellow
	Blue   = hazard.Blue
)

// levels is the order in which warnings are listed.
var levels = hazard.Levels()

// The words that an officer may choose instead of the table's: never Unknown, never Past.
var (
	urgencies   = []string{"Immediate", "Expected", "Future"}
	certainties = []string{"Observed", "Likely", "Possible"}
)

// State is where a warning stands.
type State string

// The states. A warning that was withdrawn before anyone approved it is cancelled too.
const (
	Proposed  State = "proposed"
	Issued    State = "issued"
	Cancelled State = "cancelled"
	Expired   State = "expired"
)

// Limits of what an officer writes, in characters.
const (
	maxHeadline    = cap.MaxHeadline
	maxDescription = 4000
)

// DefaultMaxDuration is the longest time for which a warning may be issued at
// once; a longer danger is kept in force by updates.
const DefaultMaxDuration = 7 * 24 * time.Hour

// Content is what a warning says: what the proposer writes, the approver reads
// and the public gets. It is stored as JSON.
type Content struct {
	Level       Level        `json:"level"`
	Hazard      string       `json:"hazard"`
	About       Hazard       `json:"about"` // as it was when this was proposed, so that a warning can be ended whatever the table says by then
	Headline    page.Text    `json:"headline"`
	Description page.Text    `json:"description"`
	Instruction page.Text    `json:"instruction"`
	Onset       time.Time    `json:"onset"`
	Expires     time.Time    `json:"expires"`
	Urgency     string       `json:"urgency,omitempty"`   // by the level when empty
	Certainty   string       `json:"certainty,omitempty"` // by the level when empty
	Areas       []area.Place `json:"areas"`
}

// check holds the rules of what an officer may write. It fills in what the
// hazard and the clock decide.
func (c *Content) check(book *hazard.Book, now time.Time, longest time.Duration) error {
	if !c.Level.Valid() {
		return web.Errorf(422, "warning.unknown_level", "level %q is not one of red, orange, yellow, blue", c.Level).At("level")
	}
	var err error
	if c.About, err = composable(book, c.Hazard); err != nil {
		return err
	}
	c.About = c.About.At(c.Level)
	if strings.TrimSpace(c.Instruction.English+c.Instruction.Chinese) == "" {
		c.Instruction = c.About.Instruction
	}
	for _, f := range []struct {
		name string
		text *page.Text
		max  int
	}{{"headline", &c.Headline, maxHeadline}, {"description", &c.Description, maxDescription}, {"instruction", &c.Instruction, maxDescription}} {
		if err := wording.Check(f.name, f.text, f.max); err != nil {
			return err
		}
		if err := wording.Spoken(f.name, *f.text); err != nil {
			return err
		}
	}
	if err := wording.Line("headline", c.Headline); err != nil {
		return err
	}
	if c.Headline.English == c.Description.English || c.Headline.Chinese == c.Description.Chinese {
		return web.Errorf(422, "warning.description_repeats", "the description must say more than the headline").At("description")
	}
	for _, lang := range []string{page.English, page.Chinese} {
		if err := poses(book, c.Headline.In(lang), "headline."+lang); err != nil {
			return err
		}
		if err := announces(book, c.Description.In(lang), "description."+lang); err != nil {
			return err
		}
		if err := announces(book, c.Instruction.In(lang), "instruction."+lang); err != nil {
			return err
		}
	}
	if c.Onset.IsZero() {
		c.Onset = now
	}
	c.Onset, c.Expires = c.Onset.UTC().Truncate(time.Second), c.Expires.UTC().Truncate(time.Second)
	switch {
	case c.Expires.IsZero():
		return web.Errorf(422, "warning.no_end", "a warning needs an end").At("expires")
	case !c.Expires.After(now):
		return web.Errorf(422, "warning.over", "the end (%s) lies in the past", c.Expires.Format(time.RFC3339)).At("expires")
	case c.Expires.Sub(now) > longest:
		return web.Errorf(422, "warning.too_long", "a warning lasts at most %s; a longer danger is kept in force by updates", longest).At("expires")
	case c.Onset.Before(now.Add(-longest)):
		return web.Errorf(422, "warning.long_begun", "the danger began %s, more than %s ago; say since when it holds now", c.Onset.Format(time.RFC3339), longest).At("onset")
	case !c.Onset.Before(c.Expires):
		return web.Errorf(422, "warning.onset", "the danger begins (%s) after the warning ends", c.Onset.Format(time.RFC3339)).At("onset")
	case c.Urgency != "" && !slices.Contains(urgencies, c.Urgency):
		return web.Errorf(422, "warning.urgency", "urgency %q is not one of %s", c.Urgency, strings.Join(urgencies, ", ")).At("urgency")
	case c.Certainty != "" && !slices.Contains(certainties, c.Certainty):
		return web.Errorf(422, "warning.certainty", "certainty %q is not one of %s", c.Certainty, strings.Join(certainties, ", ")).At("certainty")
	case len(c.Areas) == 0:
		return web.Errorf(422, "warning.no_area", "a warning needs at least one area").At("areas")
	case len(c.Areas) > area.MaxAreas:
		return web.Errorf(422, "warning.too_many_areas", "a warning holds for at most %d areas; choose a larger one", area.MaxAreas).At("areas")
	}
	return nil
}

// checkAudience holds the rules of CAP status and scope.
func checkAudience(status, scope, restriction string) error {
	switch {
	case !slices.Contains([]string{cap.Actual, cap.Exercise, cap.System, cap.Test, cap.Draft}, status):
		return web.Errorf(422, "warning.status", "status %q is not one of Actual, Exercise, System, Test, Draft", status).At("status")
	case scope != cap.Public && scope != cap.Restricted:
		return web.Errorf(422, "warning.scope", "scope %q is not Public or Restricted", scope).At("scope")
	case (scope == cap.Restricted) != (restriction != ""):
		return web.Errorf(422, "warning.restriction", "a restriction goes with scope Restricted, and with no other").At("restriction")
	case wording.Control(restriction):
		return web.Errorf(422, "warning.text_form", "the restriction holds a character that nobody can see").At("restriction")
	}
	return nil
}

// words returns CAP's three words for the content at the time of sending.
func (c Content) words(sent time.Time) (urgency, severity, certainty string) {
	urgency, severity, certainty = hazard.Words(c.Level, c.Onset, sent)
	if c.Urgency != "" {
		urgency = c.Urgency
	}
	if c.Certainty != "" {
		certainty = c.Certainty
	}
	return urgency, severity, certainty
}

// Kind is what a version of a warning does.
type Kind string

// The kinds of version.
const (
	kindAlert    Kind = "alert"
	kindUpdate   Kind = "update"
	kindCancel   Kind = "cancel"
	kindAllClear Kind = "all-clear"
)

// message is one version as it was or would be published.
type message struct {
	kind       Kind
	number     string
	version    int
	status     string
	scope      string
	rest       string // restriction
	reason     string
	content    Content
	sent       time.Time
	references cap.References
	from       Level // that was in force before; empty for the first message
}

// compose writes the message in CAP. The texts of a cancellation and of an
// all-clear are fixed, so that nobody has to find words in both languages before
// people can be told that it is over.
func (o Options) compose(m message) (*cap.Alert, error) {
	sent := cap.Time{Time: m.sent.In(o.zone())}
	a := &cap.Alert{
		Identifier: o.identifier(m.number, m.version), Sender: o.Sender, Sent: sent,
		Status: m.status, Scope: m.scope, Restriction: m.rest,
		References: m.references, Incidents: m.number,
	}
	if m.status == cap.Exercise {
		a.Note = "EXERCISE EXERCISE EXERCISE 演练 演练 演练 " + m.number
	}
	if note := changeNotes[m.kind.change(m.from, m.content.Level)]; note != "" {
		a.Note = strings.TrimSpace(a.Note + " " + fmt.Sprintf(note, m.from, m.content.Level, m.from.Words().Chinese, m.content.Level.Words().Chinese))
	}
	if m.reason != "" {
		a.Note = strings.TrimSpace(a.Note + " " + m.reason)
	}
	said := m.kind.terms(m.content, m.sent)
	a.MsgType = said.messageType
	onset, end := cap.Time{Time: said.onset.In(o.zone())}, cap.Time{Time: m.content.Expires.In(o.zone())}
	for _, lang := range []string{page.English, page.Chinese} {
		headline, description, instruction := m.kind.texts(m.content, lang)
		info := cap.Info{
			Language: lang, Categories: m.content.About.Categories, Event: m.content.About.Event.In(lang), ResponseTypes: said.responses,
			Urgency: said.urgency, Severity: said.severity, Certainty: said.certainty,
			EventCodes: []cap.Value{{Name: codeHazard, Value: m.content.About.ID}},
			Effective:  &sent, Onset: &onset, Expires: &end,
			SenderName: o.SenderName.In(lang), Headline: headline, Description: description, Instruction: instruction,
			Web: o.BaseURL + "/warnings/" + m.number, Contact: o.Contact,
			Parameters: []cap.Value{{Name: parameterLevel, Value: string(m.content.Level)}},
		}
		for _, place := range m.content.Areas {
			one := cap.Area{Description: place.Name.In(lang), Polygons: cap.Outer(place.Rings)} // the register knows holes, and islands in them
			if place.Code != "" {
				one.Geocodes = []cap.Value{{Name: o.geocodeName(), Value: place.Code}}
			}
			info.Areas = append(info.Areas, one)
		}
		a.Infos = append(a.Infos, info)
	}
	if problems := cap.Check(a, cap.Publishing); cap.Judge(problems) == cap.Reject {
		e := web.Errorf(422, "warning.not_publishable", "the message would not be a valid CAP message: %s", problems[0].Message)
		for _, p := range problems {
			e.Errors = append(e.Errors, web.Detail{Message: p.Message, Field: p.Path})
		}
		return nil, e
	}
	return a, nil
}

// How the colour and the hazard are named in CAP.
const (
	parameterLevel = "ANLAN:LEVEL"
	codeHazard     = "ANLAN:HAZARD"
)

var endWords = map[Kind]struct{ title, text page.Text }{
	kindCancel: {
		page.Text{English: "Cancelled: ", Chinese: "预警撤销："},
		page.Text{English: "This warning was taken back and is no longer in force.", Chinese: "该预警已撤销，不再有效。"},
	},
	kindAllClear: {
		page.Text{English: "All clear: ", Chinese: "预警解除："},
		page.Text{English: "The danger is over and this warning has ended.", Chinese: "险情已经解除，该预警已结束。"},
	},
}

// terms are what a message says in CAP's own words.
type terms struct {
	messageType                  string
	responses                    []string
	urgency, severity, certainty string
	onset                        time.Time
}

// terms are those of a message of this kind about the content.
func (k Kind) terms(c Content, sent time.Time) terms {
	t := terms{messageType: cap.TypeAlert, responses: c.About.Responses, onset: c.Onset}
	t.urgency, t.severity, t.certainty = c.words(sent)
	switch k {
	case kindUpdate:
		t.messageType = cap.TypeUpdate
	case kindCancel:
		t.messageType, t.responses, t.onset = cap.TypeCancel, []string{"None"}, sent
	case kindAllClear:
		t.messageType, t.responses, t.urgency, t.onset = cap.TypeUpdate, []string{"AllClear"}, "Past", sent
	}
	return t
}

// texts are what a message of this kind tells people about the content.
func (k Kind) texts(c Content, lang string) (headline, description, instruction string) {
	headline = c.Headline.In(lang)
	words, over := endWords[k]
	if !over {
		return headline, c.Description.In(lang), c.Instruction.In(lang)
	}
	headline = words.title.In(lang) + headline
	if utf8.RuneCountInString(headline) > maxHeadline {
		headline = string([]rune(headline)[:maxHeadline-1]) + "…"
	}
	return headline, words.text.In(lang), ""
}

func (o Options) identifier(number string, version int) string {
	return fmt.Sprintf("%s%s.%d", o.IdentifierPrefix, number, version)
}
