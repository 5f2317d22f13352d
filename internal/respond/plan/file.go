package plan

import (
	"errors"
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/city"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// File is the name of the file in a pack that declares emergency plans.
const File = "plans.yaml"

// Declaration is that of plans.yaml.
func Declaration() pack.Declaration {
	return pack.Declaration{File: File, Title: "Emergency plans: what each agency does at each response level, with what, within what time", Of: []planEntry{}}
}

// planEntry and those below are the declaration of plans.yaml. Plan is what they become once nothing is wrong in them.
type planEntry struct {
	ID        pack.String     `yaml:"id" pack:"required,name" doc:"unique among all packs"`
	Title     pack.Text       `yaml:"title" pack:"required" doc:"the plan's name for people"`
	About     pack.String     `yaml:"about" pack:"required,name" doc:"the hazard, as warnings name it"`
	Source    pack.String     `yaml:"source" pack:"required" doc:"the real plan or rule that it follows, with its clauses; and which values are working values"`
	Per       pack.String     `yaml:"per" pack:"one of city place" default:"city" doc:"whether there is one response at a time, or one for each place where it happens"`
	Agencies  []agencyEntry   `yaml:"agencies" pack:"required" doc:"the parts to play"`
	Resources []resourceEntry `yaml:"resources" doc:"what the agencies have ready"`
	Levels    []levelEntry    `yaml:"levels" pack:"required" doc:"the response levels, from the lowest to the highest"`
	Tasks     []taskEntry     `yaml:"tasks" pack:"required" doc:"what is done"`
	Pos       pack.Pos
}

type agencyEntry struct {
	ID    pack.String `yaml:"id" pack:"required,name" doc:"the part's name in this plan"`
	Title pack.Text   `yaml:"title" pack:"required" doc:"the part's name for people"`
	Lead  bool        `yaml:"lead" doc:"it leads and owns the case; exactly one does"`
	Each  bool        `yaml:"each" doc:"every organisation that is found plays it, each with tasks of its own; else only the first"`
	Found []wayEntry  `yaml:"found_by" pack:"required" doc:"ways to find in the register who plays it; the first that finds any counts"`
	Pos   pack.Pos
}

type wayEntry struct {
	Organisation pack.String `yaml:"organisation" doc:"the organisation's external id" example:"org-emergency"`
	Kind         pack.String `yaml:"kind" doc:"or the kind of organisation" example:"fire-brigade"`
	Duty         pack.String `yaml:"duty" pack:"one of leadership territory regulator enterprise" doc:"or who has this duty for the place, the nearest first"`
	Pack         pack.String `yaml:"pack" pack:"name" doc:"with duty: one that is limited to this pack counts too"`
	Of           pack.String `yaml:"of" doc:"with duty: the duty for assets of this kind, in the area or the nearest around it that has any" example:"pump-station"`
	Pos          pack.Pos    `pack:"exactly one of organisation kind duty"`
}

type resourceEntry struct {
	ID    pack.String `yaml:"id" pack:"required,name" doc:"the resource's name in this plan"`
	Title pack.Text   `yaml:"title" pack:"required" doc:"its name for people"`
	Of    pack.String `yaml:"of" pack:"required" doc:"the agency that has it"`
	Count pack.Number `yaml:"count" pack:"required,above 0" doc:"how many it has ready"`
	Unit  pack.Text   `yaml:"unit" pack:"required" doc:"what is counted" example:"{en: trucks, zh-CN: 辆}"`
	Pos   pack.Pos
}

type levelEntry struct {
	ID         pack.String    `yaml:"id" pack:"required,one of IV III II I" doc:"the level"`
	Title      pack.Text      `yaml:"title" pack:"required" doc:"its name for people"`
	DecidedBy  pack.Text      `yaml:"decided_by" pack:"required" doc:"the office that opens it by the plan"`
	ProposedBy []triggerEntry `yaml:"proposed_by" doc:"when the program proposes it; any one suffices. Without, it is opened by hand only"`
	Without    []pack.String  `yaml:"without" doc:"tasks of lower levels that this one does not have"`
	Pos        pack.Pos
}

type triggerEntry struct {
	Warning  pack.String `yaml:"warning" doc:"a warning about this hazard is in force" example:"rainstorm"`
	Alert    pack.Names  `yaml:"alert" doc:"or an alert of one of these detectors stands; those of another pack as pack/name" example:"[river-level, weather/cold-wave]"`
	Incident pack.String `yaml:"incident" pack:"one of general larger major extraordinary" doc:"or an incident about this hazard is open, of this grade or above"`
	From     pack.String `yaml:"from" pack:"one of blue yellow orange red" doc:"with warning or alert: the lowest colour that counts"`
	AtLeast  pack.Number `yaml:"at_least" pack:"at least 1" default:"1" doc:"how many of them there must be at a time"`
	Pos      pack.Pos    `pack:"exactly one of warning alert incident,at most one of incident from"`
}

type taskEntry struct {
	ID     pack.String           `yaml:"id" pack:"required,name" doc:"the task's name in this plan"`
	Title  pack.Text             `yaml:"title" pack:"required" doc:"what is to be done"`
	Agency pack.String           `yaml:"agency" pack:"required" doc:"who does it"`
	Post   pack.String           `yaml:"post" pack:"required,name" doc:"which post of the agency"`
	Due    pack.Duration         `yaml:"due" pack:"required,above 0s" doc:"within what time of the opening of the level that brings it" example:"30m"`
	From   pack.String           `yaml:"from" pack:"one of IV III II I" doc:"the lowest level that has it; the lowest of the plan when left out"`
	Needs  pack.Map[pack.Number] `yaml:"needs" pack:"name" doc:"how much of each resource it takes" example:"{pump-truck: 4}"`
	Asks   *questionEntry        `yaml:"asks" doc:"what the team answers when it is done"`
	Done   pack.Text             `yaml:"done_when" pack:"required" doc:"how it is known to be done"`
	Pos    pack.Pos
}

type questionEntry struct {
	Title pack.Text   `yaml:"title" pack:"required" doc:"the question"`
	Kind  pack.String `yaml:"kind" pack:"one of text number" default:"text" doc:"the kind of answer"`
	Pos   pack.Pos
}

// Plans reads the emergency plans of a pack; none when it has no plans.yaml. detectors are those of the same pack. All problems
// come at once, as pack.Diagnostics; warnings are left with the pack.
//
// A plan that comes back is sound: every name in it refers to something of the plan or the pack, its levels stand in order, and
// each wording exists in both languages. Names of other packs are for whoever knows them all (Plan.Elsewhere).
func Plans(p *pack.Pack, detectors []*engine.Detector) ([]*Plan, error) {
	var entries []planEntry
	err := p.Decode(File, &entries)
	if errors.Is(err, pack.ErrNoFile) {
		return nil, nil
	}
	var ds pack.Diagnostics
	ds.Join(err)
	var plans []*Plan
	var seen []string
	for i := range entries {
		c := checker{p: p, detectors: detectors, e: &entries[i], ds: &ds}
		c.once(c.e.ID, &seen, "plan")
		c.check()
		plans = append(plans, c.plan())
	}
	if err := ds.Err(); err != nil {
		return nil, err
	}
	for i := range plans {
		scarce(p, plans[i], entries[i].Levels)
	}
	return plans, nil
}

// Elsewhere are the names that the plan takes from other packs: detectors, and kinds of asset.
func (p *Plan) Elsewhere() (detectors, kinds []string) {
	for _, l := range p.Levels {
		for _, t := range l.ProposedBy {
			for _, d := range t.Alerts {
				if !strings.HasPrefix(d, p.Pack+"/") && !slices.Contains(detectors, d) {
					detectors = append(detectors, d)
				}
			}
		}
	}
	for _, a := range p.Agencies {
		for _, w := range a.Found {
			if w.Of != "" && !strings.HasPrefix(w.Of, p.Pack+"/") && !slices.Contains(kinds, w.Of) {
				kinds = append(kinds, w.Of)
			}
		}
	}
	return detectors, kinds
}

// Hazards are the hazards that the plan names: its own, and those whose warnings are a reason to open it. All packs together say
// which there are.
func (p *Plan) Hazards() []string {
	out := []string{p.About}
	for _, l := range p.Levels {
		for _, t := range l.ProposedBy {
			if t.Warning != "" && !slices.Contains(out, t.Warning) {
				out = append(out, t.Warning)
			}
		}
	}
	return out
}

// checker holds one plan against the rules that go beyond the form of its parts.
type checker struct {
	p         *pack.Pack
	detectors []*engine.Detector
	e         *planEntry
	ds        *pack.Diagnostics

	agencies, resources, levels, tasks []string
}

// once notes a name that stands there a second time.
func (c *checker) once(id pack.String, seen *[]string, what string) {
	if id.IsZero() {
		return
	}
	if slices.Contains(*seen, id.Value) {
		c.ds.Add(id.Pos, pack.CodeTwice, "%s %q stands here a second time", what, id.Value)
	}
	*seen = append(*seen, id.Value)
}

// known notes a name that refers to nothing.
func (c *checker) known(name pack.String, what string, offered []string) bool {
	if name.IsZero() || slices.Contains(offered, name.Value) {
		return !name.IsZero()
	}
	c.ds.Add(name.Pos, pack.CodeReference, "there is no %s %q%s", what, name.Value, pack.Suggest(name.Value, offered))
	return false
}

func (c *checker) check() {
	for _, a := range c.e.Agencies {
		c.once(a.ID, &c.agencies, "agency")
	}
	for _, r := range c.e.Resources {
		c.once(r.ID, &c.resources, "resource")
	}
	for _, l := range c.e.Levels {
		c.once(l.ID, &c.levels, "level")
	}
	for _, t := range c.e.Tasks {
		c.once(t.ID, &c.tasks, "task")
	}
	c.lead()
	for _, a := range c.e.Agencies {
		for _, w := range a.Found {
			c.way(w)
		}
	}
	for _, r := range c.e.Resources {
		c.known(r.Of, "agency", c.agencies)
	}
	for i, l := range c.e.Levels {
		c.level(i, l)
	}
	for _, t := range c.e.Tasks {
		c.task(t)
	}
}

func (c *checker) lead() {
	n := 0
	for _, a := range c.e.Agencies {
		if a.Lead {
			n++
			if n > 1 {
				c.ds.Add(a.Pos, pack.CodeKeys, "only one agency leads, and %s is another", a.ID.Value)
			}
			if a.Each {
				c.ds.Add(a.Pos, pack.CodeKeys, "agency %s leads; it cannot be each of several", a.ID.Value)
			}
		}
	}
	if n == 0 && len(c.e.Agencies) > 0 {
		c.ds.Add(c.e.Pos, pack.CodeKeys, "no agency leads; write lead: true at the one that does")
	}
}

func (c *checker) way(w wayEntry) {
	for _, s := range []pack.String{w.Pack, w.Of} {
		if !s.IsZero() && w.Duty.IsZero() {
			c.ds.Add(s.Pos, pack.CodeKeys, "this belongs to duty: {duty: enterprise, of: pump-station}")
		}
	}
	if w.Of.IsZero() || w.Duty.IsZero() {
		return
	}
	if w.Duty.Value != city.DutyEnterprise && w.Duty.Value != city.DutyRegulator {
		c.ds.Add(w.Of.Pos, pack.CodeValue, "duties for assets are those of regulator and enterprise, not of %s", w.Duty.Value)
	}
	if c.ours(w.Of.Value) && c.p.Kind(c.p.ID(w.Of.Value)) == nil {
		var offered []string
		for _, k := range c.p.Kinds {
			offered = append(offered, strings.TrimPrefix(k.ID, c.p.Name+"/"))
		}
		c.known(w.Of, "kind of asset", offered)
	}
}

// ours says whether a name is one of this pack.
func (c *checker) ours(name string) bool { return strings.HasPrefix(c.p.ID(name), c.p.Name+"/") }

// level holds the i-th level against the one below it.
func (c *checker) level(i int, l levelEntry) {
	at := rank(l.ID.Value)
	if i > 0 && at > 0 {
		below := rank(c.e.Levels[i-1].ID.Value)
		switch {
		case below == 0 || at == below: // told elsewhere
		case at < below:
			c.ds.Add(l.ID.Pos, pack.CodeOrder, "level %s stands after %s; write levels from the lowest, IV, to the highest, I", l.ID.Value, c.e.Levels[i-1].ID.Value)
		case at > below+1:
			c.ds.Add(l.ID.Pos, pack.CodeOrder, "level %s is missing between %s and %s", levels[below], c.e.Levels[i-1].ID.Value, l.ID.Value)
		}
	}
	for _, t := range l.ProposedBy {
		c.trigger(t)
	}
	for _, w := range l.Without {
		if !c.known(w, "task", c.tasks) {
			continue
		}
		t := c.e.Tasks[slices.IndexFunc(c.e.Tasks, func(t taskEntry) bool { return t.ID.Value == w.Value })]
		if at > 0 && rank(c.from(t)) >= at {
			c.ds.Add(w.Pos, pack.CodeValue, "no level below %s has the task %s; there is nothing to leave out", l.ID.Value, w.Value)
		}
	}
}

// from is the lowest level of a task.
func (c *checker) from(t taskEntry) string {
	if t.From.IsZero() && len(c.e.Levels) > 0 {
		return c.e.Levels[0].ID.Value
	}
	return t.From.Value
}

func (c *checker) trigger(t triggerEntry) {
	if t.From.IsZero() && t.Incident.IsZero() {
		c.ds.Add(t.Pos, pack.CodeRequired, "say from which colour on: from: yellow")
	}
	for _, name := range t.Alert {
		if c.ours(name.Value) {
			c.alert(name, t.From)
		}
	}
}

func (c *checker) alert(name, from pack.String) {
	id := c.p.ID(name.Value)
	i := slices.IndexFunc(c.detectors, func(d *engine.Detector) bool { return d.ID == id })
	if i < 0 {
		var offered []string
		for _, d := range c.detectors {
			offered = append(offered, strings.TrimPrefix(d.ID, c.p.Name+"/"))
		}
		if len(offered) > 0 { // else they may be missing only because they could not be read
			c.known(name, "detector", offered)
		}
		return
	}
	least := slices.Index(colours[:], from.Value)
	if least >= 0 && !slices.ContainsFunc(c.detectors[i].Levels, func(l engine.RuleLevel) bool {
		return slices.Index(colours[:], l.Level.String()) >= least
	}) {
		c.ds.Add(from.Pos, pack.CodeLevel, "detector %s never raises %s or above", name.Value, from.Value)
	}
}

func (c *checker) task(t taskEntry) {
	c.known(t.Agency, "agency", c.agencies)
	if !t.From.IsZero() && !slices.Contains(c.levels, t.From.Value) {
		c.ds.Add(t.From.Pos, pack.CodeReference, "the plan has no level %s; it has %s", t.From.Value, strings.Join(c.levels, ", "))
	}
	for _, n := range t.Needs {
		c.known(n.Key, "resource", c.resources)
		if n.Value.Value <= 0 {
			c.ds.Add(n.Value.Pos, pack.CodeValue, "task %s needs %g of %s; write how many", t.ID.Value, n.Value.Value, n.Key.Value)
		}
	}
	if t.Asks == nil {
		return
	}
	for _, s := range []pack.String{t.Asks.Title.EN, t.Asks.Title.ZH} {
		if word, bad := pack.Personal(s.Value); bad {
			c.ds.Add(s.Pos, pack.CodePerson, "%q asks for an identifier of a person (%s); a plan keeps none", s.Value, word)
		}
	}
}

// scarce warns of a level whose tasks take more of a resource than there is.
func scarce(p *pack.Pack, plan *Plan, entries []levelEntry) {
	for i, l := range plan.Levels {
		needs := plan.Needs(l.ID)
		for _, r := range plan.Resources {
			if needs[r.ID] > r.Count && (i == 0 || plan.Needs(plan.Levels[i-1].ID)[r.ID] <= r.Count) {
				p.Warn(entries[i].ID.Pos, pack.CodeScarce, "the tasks of level %s take %g of %s, and there are %g", l.ID, needs[r.ID], r.ID, r.Count)
			}
		}
	}
}

// plan makes the definition of what was read.
func (c *checker) plan() *Plan {
	e := c.e
	p := &Plan{
		ID: e.ID.Value, Pack: c.p.Name, Title: text(e.Title), About: e.About.Value, Source: strings.TrimSpace(e.Source.Value), Per: e.Per.Value,
	}
	for _, a := range e.Agencies {
		x := Agency{ID: a.ID.Value, Title: text(a.Title), Lead: a.Lead, Each: a.Each}
		for _, w := range a.Found {
			way := Way{Organisation: w.Organisation.Value, Kind: w.Kind.Value, Duty: w.Duty.Value, Pack: w.Pack.Value}
			if !w.Of.IsZero() {
				way.Of = c.p.ID(w.Of.Value)
			}
			x.Found = append(x.Found, way)
		}
		p.Agencies = append(p.Agencies, x)
	}
	for _, r := range e.Resources {
		p.Resources = append(p.Resources, Resource{ID: r.ID.Value, Title: text(r.Title), Of: r.Of.Value, Count: r.Count.Value, Unit: text(r.Unit)})
	}
	for _, l := range e.Levels {
		x := Level{ID: l.ID.Value, Title: text(l.Title), DecidedBy: text(l.DecidedBy)}
		for _, t := range l.ProposedBy {
			trigger := Trigger{Warning: t.Warning.Value, From: t.From.Value, AtLeast: int(t.AtLeast.Value), Incident: t.Incident.Value}
			for _, name := range t.Alert {
				trigger.Alerts = append(trigger.Alerts, c.p.ID(name.Value))
			}
			x.ProposedBy = append(x.ProposedBy, trigger)
		}
		for _, w := range l.Without {
			x.Without = append(x.Without, w.Value)
		}
		p.Levels = append(p.Levels, x)
	}
	for _, t := range e.Tasks {
		x := Task{
			ID: t.ID.Value, Title: text(t.Title), Agency: t.Agency.Value, Post: t.Post.Value, Due: t.Due.Value, From: c.from(t), Done: text(t.Done),
		}
		for _, n := range t.Needs {
			if x.Needs == nil {
				x.Needs = map[string]float64{}
			}
			x.Needs[n.Key.Value] = n.Value.Value
		}
		if t.Asks != nil {
			x.Asks = &Question{Title: text(t.Asks.Title), Kind: t.Asks.Kind.Value}
		}
		p.Tasks = append(p.Tasks, x)
	}
	return p
}

func text(t pack.Text) lifecycle.Text { return lifecycle.Words(t.EN.Value, t.ZH.Value) }
