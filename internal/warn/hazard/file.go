package hazard

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// File is the name of the file in a pack that says what warnings can be about, and who may publish them.
const File = "warnings.yaml"

// Limits of the texts of packs, in characters.
const (
	MaxTitle    = 35 // of a hazard's title, which CAP carries as the event: what displays and phones show of it
	maxBody     = 4000
	maxDuration = 7 * 24 // hours; a longer danger is kept in force by updates
)

// Declaration is that of warnings.yaml.
func Declaration() pack.Declaration {
	return pack.Declaration{File: File, Title: "Warnings: what they can be about, with texts in two languages; who may publish them; when two persons are needed", Of: warningsFile{}}
}

// warningsFile and those below are the declaration of warnings.yaml. Set is what they become once nothing is wrong in them.
type warningsFile struct {
	Hazards   []hazardEntry `yaml:"hazards" doc:"what a warning can be about"`
	Authority []ruleEntry   `yaml:"authority" doc:"who may publish (发布权限); of the rules that speak of a warning the first decides, a city's own packs come first, and where none speaks nobody may"`
	Second    []secondEntry `yaml:"second_person" doc:"from which level a second person must approve; the first rule that speaks of the hazard decides, and where none speaks two are always needed"`
	Care      []groupEntry  `yaml:"needs_care" doc:"what needs care first where a warning holds: schools, hospitals, ..."`
	Kinds     []groupEntry  `yaml:"other_kinds" doc:"what other kinds of places are called where a warning holds"`
}

type hazardEntry struct {
	ID          pack.String             `yaml:"id" pack:"required,name" doc:"unique among all packs that ship; a city's own takes the place of a shipped one of its id"`
	Title       pack.Text               `yaml:"title" pack:"required" doc:"what the warning is about, CAP's event: at most 35 characters" example:"{en: River flood, zh-CN: 洪水}"`
	Relayed     pack.String             `yaml:"relayed_from" pack:"one of weather marine seismology" doc:"the service that alone issues such warnings: they are passed on and never composed here"`
	Category    pack.Names              `yaml:"category" pack:"one of Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other" doc:"CAP's categories" example:"[Infra, Safety]"`
	Response    pack.Names              `yaml:"response" pack:"one of Shelter Evacuate Prepare Execute Avoid Monitor Assess" doc:"CAP's response types: what people should do" example:"[Evacuate, Avoid]"`
	Instruction *pack.Text              `yaml:"instruction" doc:"what people are told to do when the officer writes nothing else"`
	Levels      pack.Map[overrideEntry] `yaml:"levels" pack:"one of red orange yellow blue" doc:"what a level says otherwise"`
	Texts       []textEntry             `yaml:"texts" doc:"texts that a warning can be filled from"`
	ProposedBy  []triggerEntry          `yaml:"proposed_by" doc:"the detectors whose alerts suggest a warning; a person decides"`
	Pos         pack.Pos
}

type overrideEntry struct {
	Response    pack.Names `yaml:"response" pack:"one of Shelter Evacuate Prepare Execute Avoid Monitor Assess" doc:"CAP's response types at this level"`
	Instruction *pack.Text `yaml:"instruction" doc:"what people are told to do at this level"`
}

type textEntry struct {
	ID          pack.String             `yaml:"id" pack:"required,name" doc:"the text's name within the hazard"`
	Title       pack.Text               `yaml:"title" pack:"required" doc:"the text's name for officers"`
	Levels      pack.Names              `yaml:"levels" pack:"one of red orange yellow blue" doc:"the levels that it is written for; left out: all"`
	Lasts       pack.Duration           `yaml:"lasts" pack:"required,above 0s,at most 7d" doc:"for how long such a warning is issued" example:"12h"`
	LastsAt     pack.Map[pack.Duration] `yaml:"lasts_at" pack:"one of red orange yellow blue" doc:"the same for single levels" example:"{red: 6h}"`
	Headline    pack.Text               `yaml:"headline" pack:"required" doc:"at most 160 characters. Blanks of texts: {{level}}, {{area}}, {{place}}, {{asset}}, {{because}}, {{from}}, {{until}}" example:"{en: \"Gas leak near {{place}}\", zh-CN: \"{{place}}附近发生燃气泄漏\"}"`
	Description pack.Text               `yaml:"description" pack:"required" doc:"what has happened and what is to be expected"`
	Instruction *pack.Text              `yaml:"instruction" doc:"what to do; left out: the hazard's"`
	Pos         pack.Pos
}

type triggerEntry struct {
	Detector pack.String `yaml:"detector" pack:"required" doc:"the detector; that of another pack as pack/name" example:"river-level"`
	From     pack.String `yaml:"from" pack:"required,one of blue yellow orange red" doc:"the lowest level of an alert that suggests a warning"`
	Text     pack.String `yaml:"text" pack:"required,name" doc:"which of the texts it is filled from"`
	Around   pack.Number `yaml:"around" pack:"above 0,at most 20000" doc:"metres round the asset of the alert; left out: its district"`
	Exercise bool        `yaml:"exercise" doc:"true: a drill. What is suggested has status Exercise, and no other warning can be made of it; a hazard has this in all of its items or in none"`
	Pos      pack.Pos
}

type ruleEntry struct {
	Hazards       pack.Names `yaml:"hazards" pack:"required,name" doc:"about which hazards: all, or their ids"`
	Levels        pack.Names `yaml:"levels" pack:"required,one of all red orange yellow blue" doc:"at which levels: all, or some of the four"`
	Roles         pack.Names `yaml:"roles" pack:"required,one of duty-officer inspector grid-worker operator analyst administrator" doc:"officers with one of these roles, as far as access lets the role approve warnings at all"`
	Organisations pack.Names `yaml:"organisations" doc:"of one of these organisations, by external id; city: of none but the city itself. Left out: of any"`
	Proposals     pack.Names `yaml:"proposals_from" doc:"whose officers may propose such a warning though they may not publish it: all, or external ids of organisations. Left out: who may not publish may not propose"`
	Areas         pack.Names `yaml:"areas" doc:"for warnings in these areas and what lies in them, by external id. Left out: everywhere"`
	Pos           pack.Pos
}

type secondEntry struct {
	From    pack.String `yaml:"from" pack:"required,one of blue yellow orange red" doc:"from this level on a second person approves; below it the proposer may publish alone. blue: always two"`
	Hazards pack.Names  `yaml:"hazards" pack:"name" doc:"of which hazards; left out: of all"`
	Pos     pack.Pos
}

// Read reads what a pack says of warnings; nil when it has no warnings.yaml. detectors are those of the same pack. All problems
// come at once, as pack.Diagnostics; names of other packs are for whoever knows them all (Bind, Set.Elsewhere, Set.Spoken).
func Read(p *pack.Pack, detectors []*engine.Detector) (*Set, error) {
	var f warningsFile
	err := p.Decode(File, &f)
	if errors.Is(err, pack.ErrNoFile) {
		return nil, nil
	}
	c := checker{p: p, detectors: detectors, titles: reservedTitles()}
	c.ds.Join(err)
	var seen []string
	for _, h := range f.Hazards {
		c.once(h.ID, &seen, "hazard")
		if h.Relayed.Value != "" {
			c.titles = append(c.titles, titles(h.ID.Value, h.Relayed.Value, text(h.Title))...)
		}
	}
	s := &Set{Pack: p.Name}
	for i := range f.Hazards {
		c.hazard(&f.Hazards[i])
		s.Hazards = append(s.Hazards, c.made(&f.Hazards[i]))
	}
	for _, r := range f.Authority {
		s.Authority = append(s.Authority, r.rule(p.Name))
	}
	for _, r := range f.Second {
		x := Second{Pack: p.Name, From: Level(r.From.Value), Hazards: []string{All}}
		if len(r.Hazards) > 0 {
			x.Hazards, x.named = values(r.Hazards), named(r.Hazards)
		}
		s.Second = append(s.Second, x)
	}
	var groups []string
	s.Groups = append(c.groups(f.Care, true, &groups), c.groups(f.Kinds, false, &groups)...)
	if err := c.ds.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// checker holds the file against the rules that go beyond the form of its parts.
type checker struct {
	p         *pack.Pack
	detectors []*engine.Detector
	titles    []title
	ds        pack.Diagnostics
}

func (c *checker) once(id pack.String, seen *[]string, what string) {
	if id.IsZero() {
		return
	}
	if slices.Contains(*seen, id.Value) {
		c.ds.Add(id.Pos, pack.CodeTwice, "%s %q stands here a second time", what, id.Value)
	}
	*seen = append(*seen, id.Value)
}

func (c *checker) hazard(h *hazardEntry) {
	if h.ID.Value == All {
		c.ds.Add(h.ID.Pos, pack.CodeValue, "%q means all hazards; give this one a name of its own", All)
	}
	c.short(h.Title, "the title of a hazard", MaxTitle)
	if !h.Relayed.IsZero() {
		for _, x := range []struct {
			there bool
			key   string
		}{
			{len(h.Category) > 0, "category"}, {len(h.Response) > 0, "response"}, {h.Instruction != nil, "instruction"},
			{len(h.Levels) > 0, "levels"}, {len(h.Texts) > 0, "texts"}, {len(h.ProposedBy) > 0, "proposed_by"},
		} {
			if x.there {
				c.ds.Add(h.Relayed.Pos, pack.CodeKeys, "%s is relayed from another service, which brings its own %s; take that out", h.ID.Value, x.key)
			}
		}
		return
	}
	if service := reservedTo(h.ID.Value, text(h.Title)); service != "" {
		c.ds.Add(h.ID.Pos, pack.CodeValue, "warnings about %s are issued by the %s service alone; write relayed_from: %s", h.ID.Value, service, service)
	}
	for _, x := range []struct {
		missing bool
		key     string
	}{{len(h.Category) == 0, "category"}, {len(h.Response) == 0, "response"}, {h.Instruction == nil, "instruction"}, {len(h.Texts) == 0, "texts"}} {
		if x.missing && !h.ID.IsZero() {
			c.ds.Add(h.ID.Pos, pack.CodeRequired, "hazard %s lacks %q", h.ID.Value, x.key)
		}
	}
	if h.Instruction != nil {
		c.body(*h.Instruction, "the instruction", nil)
	}
	for _, l := range h.Levels {
		if l.Value.Instruction != nil {
			c.body(*l.Value.Instruction, "the instruction", nil)
		}
	}
	var texts []string
	for _, t := range h.Texts {
		c.once(t.ID, &texts, "text")
		c.text(t)
	}
	var heard []string
	for _, t := range h.ProposedBy {
		c.once(t.Detector, &heard, "detector")
		c.trigger(h, t, texts)
		if t.Exercise != h.ProposedBy[0].Exercise { // else a drill could stand where a danger should be warned of
			c.ds.Add(t.Pos, pack.CodeKeys, "hazard %s is a drill for some detectors and real for others; write exercise: true in all items or in none", h.ID.Value)
		}
	}
}

func (c *checker) text(t textEntry) {
	c.short(t.Headline, "a headline", cap.MaxHeadline)
	// What an alert says of itself may be longer than a headline has room for.
	c.body(t.Headline, "the headline", slices.DeleteFunc(slices.Clone(blanks[:]), func(b string) bool { return b == BlankBecause }))
	c.body(t.Description, "the description", blanks[:])
	if t.Instruction != nil {
		c.body(*t.Instruction, "the instruction", blanks[:])
	}
	for _, s := range []pack.String{t.Headline.EN, t.Headline.ZH} {
		if at, bad := poses(c.titles, s.Value); bad {
			c.ds.Add(s.Pos, pack.CodeValue, "this is how the %s service heads its warnings; a warning that is composed here must not look like one", at.from)
		}
	}
	for _, s := range []pack.String{t.Description.EN, t.Description.ZH} {
		if at, bad := announces(c.titles, s.Value); bad {
			c.ds.Add(s.Pos, pack.CodeValue, "this issues a warning of the %s service; say that it was issued (已发布, has issued), or leave it out", at.from)
		}
	}
	for _, pair := range [][2]pack.String{{t.Headline.EN, t.Description.EN}, {t.Headline.ZH, t.Description.ZH}} {
		if !pair[1].IsZero() && pair[0].Value == pair[1].Value {
			c.ds.Add(pair[1].Pos, pack.CodeValue, "the description must say more than the headline")
		}
	}
}

// short notes a text that is too long for its place, blanks not counted.
func (c *checker) short(t pack.Text, what string, most int) {
	for _, s := range []pack.String{t.EN, t.ZH} {
		if n := utf8.RuneCountInString(blank.ReplaceAllString(s.Value, "")); n > most {
			c.ds.Add(s.Pos, pack.CodeValue, "%s has at most %d characters, and this has %d", what, most, n)
		}
	}
}

// body notes blanks that nothing fills.
func (c *checker) body(t pack.Text, what string, known []string) {
	c.short(t, what, maxBody)
	for _, s := range []pack.String{t.EN, t.ZH} {
		for _, m := range blank.FindAllStringSubmatch(s.Value, -1) {
			switch {
			case slices.Contains(known, m[1]):
			case len(known) == 0:
				c.ds.Add(s.Pos, pack.CodeTemplate, "{{%s}}: %s of a hazard has no blanks; write it into one of the texts", m[1], what)
			default:
				c.ds.Add(s.Pos, pack.CodeTemplate, "nothing fills {{%s}} in %s; the blanks are %s%s", m[1], what, strings.Join(known, ", "), pack.Suggest(m[1], known))
			}
		}
		if braces.MatchString(blank.ReplaceAllString(s.Value, "")) {
			c.ds.Add(s.Pos, pack.CodeTemplate, "a brace of %s is not closed; a blank is written {{area}}", what)
		}
	}
}

func (c *checker) trigger(h *hazardEntry, t triggerEntry, texts []string) {
	if !t.Text.IsZero() {
		i := slices.IndexFunc(h.Texts, func(x textEntry) bool { return x.ID.Value == t.Text.Value })
		switch {
		case i < 0:
			c.ds.Add(t.Text.Pos, pack.CodeReference, "hazard %s has no text %q%s", h.ID.Value, t.Text.Value, pack.Suggest(t.Text.Value, texts))
		case len(h.Texts[i].Levels) > 0 && !slices.Contains(values(h.Texts[i].Levels), t.From.Value) && Level(t.From.Value).Valid():
			c.ds.Add(t.Text.Pos, pack.CodeLevel, "the text %s is not written for %s", t.Text.Value, t.From.Value)
		}
	}
	id := c.p.ID(t.Detector.Value)
	if t.Detector.IsZero() || !strings.HasPrefix(id, c.p.Name+"/") {
		return
	}
	i := slices.IndexFunc(c.detectors, func(d *engine.Detector) bool { return d.ID == id })
	if i < 0 {
		var offered []string
		for _, d := range c.detectors {
			offered = append(offered, strings.TrimPrefix(d.ID, c.p.Name+"/"))
		}
		c.ds.Add(t.Detector.Pos, pack.CodeReference, "there is no detector %q%s", t.Detector.Value, pack.Suggest(t.Detector.Value, offered))
		return
	}
	if from := Level(t.From.Value); from.Valid() && !slices.ContainsFunc(c.detectors[i].Levels, func(l engine.RuleLevel) bool {
		return Level(l.Level.String()).Rank() >= from.Rank()
	}) {
		c.ds.Add(t.From.Pos, pack.CodeLevel, "detector %s never raises %s or above", t.Detector.Value, from)
	}
}

// made is the hazard of what was read.
func (c *checker) made(e *hazardEntry) Hazard {
	h := Hazard{ID: e.ID.Value, Event: text(e.Title), Categories: values(e.Category), Responses: values(e.Response), RelayedFrom: e.Relayed.Value,
		Instruction: maybe(e.Instruction), Pack: c.p.Name, pos: e.ID.Pos}
	for _, l := range e.Levels {
		if h.Overrides == nil {
			h.Overrides = map[Level]Override{}
		}
		h.Overrides[Level(l.Key.Value)] = Override{Responses: values(l.Value.Response), Instruction: maybe(l.Value.Instruction)}
	}
	for _, t := range e.Texts {
		x := Text{ID: t.ID.Value, Title: text(t.Title), Lasts: t.Lasts.Value, Headline: text(t.Headline), Description: text(t.Description), Instruction: maybe(t.Instruction)}
		for _, l := range Levels() {
			if len(t.Levels) == 0 || slices.Contains(values(t.Levels), string(l)) {
				x.Levels = append(x.Levels, l)
			}
		}
		for _, d := range t.LastsAt {
			if x.LastsAt == nil {
				x.LastsAt = map[Level]time.Duration{}
			}
			if d.Value.Value <= 0 || d.Value.Value.Hours() > maxDuration {
				c.ds.Add(d.Value.Pos, pack.CodeValue, "a warning is issued for more than nothing and at most 7d")
			}
			x.LastsAt[Level(d.Key.Value)] = d.Value.Value
		}
		h.Texts = append(h.Texts, x)
	}
	for _, t := range e.ProposedBy {
		h.ProposedBy = append(h.ProposedBy, Trigger{Detector: c.p.ID(t.Detector.Value), From: Level(t.From.Value), Text: t.Text.Value, Around: t.Around.Value, Exercise: t.Exercise, pos: t.Detector.Pos})
	}
	return h
}

func (e ruleEntry) rule(pack string) Rule {
	r := Rule{Pack: pack, Hazards: values(e.Hazards), Roles: values(e.Roles), Organisations: values(e.Organisations), Proposers: values(e.Proposals), Areas: values(e.Areas)}
	if !slices.Contains(r.Hazards, All) {
		r.named = named(e.Hazards)
	}
	for _, l := range Levels() {
		if covers(values(e.Levels), string(l)) {
			r.Levels = append(r.Levels, l)
		}
	}
	return r
}

func named(names pack.Names) (out []Named) {
	for _, n := range names {
		out = append(out, Named{n.Value, n.Pos})
	}
	return out
}

func values(names pack.Names) (out []string) {
	for _, n := range names {
		out = append(out, n.Value)
	}
	return out
}

func maybe(t *pack.Text) page.Text {
	if t == nil {
		return page.Text{}
	}
	return text(*t)
}

func text(t pack.Text) page.Text {
	trim := func(s string) string { return strings.TrimRight(s, "\n") }
	return page.Text{English: trim(t.EN.Value), Chinese: trim(t.ZH.Value)}
}
