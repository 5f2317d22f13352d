package notify

import (
	"errors"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// File is the name of the file in a pack that declares chains of notices.
const File = "chains.yaml"

const (
	// leastRound is the least that a chain which is repeated has to wait in a round.
	leastRound = time.Minute
)

// Declaration is that of chains.yaml.
func Declaration() pack.Declaration {
	return pack.Declaration{File: File, Title: "Chains of notices: who is told when nobody answers, after how long, and how often", Of: []chainEntry{}}
}

// chainEntry and those below are the declaration of chains.yaml. Chain is what they become once nothing is wrong in them.
type chainEntry struct {
	ID     pack.String  `yaml:"id" pack:"required,name" doc:"unique among all packs; a kind of case names it under escalates"`
	Title  pack.Text    `yaml:"title" pack:"required" doc:"what people are told the notice is for"`
	Source pack.String  `yaml:"source" doc:"the rule that gives the times, with its clause; or that they are working values"`
	Begins *beginsEntry `yaml:"begins" doc:"the news that it begins with by itself; left out: it begins where it is named"`
	Steps  []stepEntry  `yaml:"steps" pack:"required" doc:"what is done, in order"`
	Repeat pack.Number  `yaml:"repeat" pack:"at least 0,at most 10" default:"0" doc:"how often the steps are gone through again while nobody has answered"`
	Until  pack.String  `yaml:"until" pack:"one of acknowledged ended" default:"acknowledged" doc:"what stops it: somebody has taken note, or only that it is over"`
	Pos    pack.Pos
}

type beginsEntry struct {
	On   pack.String   `yaml:"on" pack:"required,one of alert task overdue no-owner proposal suggestion" doc:"an alert that nobody has acknowledged; a task that was given; a limit that has passed; a case without an owner; a warning that waits for a second officer; a suggestion about a warning"`
	From pack.String   `yaml:"from" pack:"one of blue yellow orange red" doc:"for an alert: from which level on"`
	Of   []pack.String `yaml:"of" pack:"name" doc:"for an alert: of which packs; left out: of all that have no chain of their own" example:"[gas, water]"`
	Pos  pack.Pos
}

type stepEntry struct {
	Tell         pack.String   `yaml:"tell" pack:"one of owner desk next-link enterprise regulator territory leadership" doc:"who is told: the owner that has to act, the desk that runs it, the next link above the one told last, or a link of the chain of responsibility"`
	Organisation pack.String   `yaml:"organisation" doc:"or the organisation with this external id" example:"org-emergency"`
	Post         pack.String   `yaml:"post" pack:"name" doc:"which post of them; left out: the post that holds the duty, or all" example:"shift-leader"`
	Wait         pack.Duration `yaml:"wait" pack:"above 0s,at most 30d" doc:"or how long to wait before the next step" example:"10m"`
	Sound        *bool         `yaml:"sound" doc:"or true: the consoles that see it are heard"`
	Pos          pack.Pos      `pack:"exactly one of tell organisation wait sound,at most one of post wait,at most one of post sound"`
}

// Chains reads the chains of a pack; none when it has no chains.yaml. All problems come at once, as pack.Diagnostics.
//
// A chain that comes back is sound: it tells somebody, and a round that is repeated waits.
func Chains(p *pack.Pack) ([]*Chain, error) {
	var entries []chainEntry
	err := p.Decode(File, &entries)
	if errors.Is(err, pack.ErrNoFile) {
		return nil, nil
	}
	var ds pack.Diagnostics
	ds.Join(err)
	var chains []*Chain
	var seen, begun []string
	for _, e := range entries {
		if !e.ID.IsZero() && slices.Contains(seen, e.ID.Value) {
			ds.Add(e.ID.Pos, pack.CodeTwice, "chain %q stands here a second time", e.ID.Value)
		}
		seen = append(seen, e.ID.Value)
		check(&ds, e)
		c := e.chain(p.Name)
		for _, news := range c.news() {
			if slices.Contains(begun, news) {
				ds.Add(e.Begins.Pos, pack.CodeTwice, "another chain of this file begins with %s, too", news)
			}
			begun = append(begun, news)
		}
		chains = append(chains, c)
	}
	if err := ds.Err(); err != nil {
		return nil, err
	}
	return chains, nil
}

func check(ds *pack.Diagnostics, e chainEntry) {
	if b := e.Begins; b != nil && b.On.Value != OnAlert {
		if !b.From.IsZero() {
			ds.Add(b.From.Pos, pack.CodeKeys, "from is for alerts; a chain that begins with %s has no level", b.On.Value)
		}
		if len(b.Of) > 0 {
			ds.Add(b.Of[0].Pos, pack.CodeKeys, "of is for alerts; a chain that begins with %s is for all packs", b.On.Value)
		}
	}
	if len(e.Steps) == 0 {
		return // that it is required was said
	}
	tells := false
	var waits time.Duration
	for _, s := range e.Steps {
		tells = tells || !s.Tell.IsZero() || !s.Organisation.IsZero()
		waits += s.Wait.Value
		if s.Sound != nil && !*s.Sound {
			ds.Add(s.Pos, pack.CodeValue, "sound: false does nothing; take the step out")
		}
	}
	if !tells {
		ds.Add(e.Pos, pack.CodeValue, "chain %s tells nobody", e.ID.Value)
	}
	if e.Repeat.Value != float64(int(e.Repeat.Value)) {
		ds.Add(e.Repeat.Pos, pack.CodeValue, "repeat is a whole number")
	}
	switch last := e.Steps[len(e.Steps)-1]; {
	case e.Repeat.Value > 0 && waits < leastRound:
		ds.Add(e.Repeat.Pos, pack.CodeValue, "chain %s is repeated without a wait: give it steps of wait that come to %s at least", e.ID.Value, leastRound)
	case e.Repeat.Value == 0 && !last.Wait.IsZero():
		ds.Add(last.Pos, pack.CodeValue, "nothing follows this wait; take it out, or repeat the chain")
	}
}

func (e chainEntry) chain(packName string) *Chain {
	c := &Chain{
		ID: e.ID.Value, Title: lifecycle.Words(e.Title.EN.Value, e.Title.ZH.Value), Repeat: int(e.Repeat.Value), Until: e.Until.Value, Pack: packName,
	}
	if c.Until == "" {
		c.Until = UntilAcknowledged
	}
	if e.Begins != nil {
		c.Begins = &Begins{On: e.Begins.On.Value, From: e.Begins.From.Value}
		for _, p := range e.Begins.Of {
			c.Begins.Of = append(c.Begins.Of, p.Value)
		}
	}
	for _, s := range e.Steps {
		c.Steps = append(c.Steps, Step{
			Tell: s.Tell.Value, Organisation: s.Organisation.Value, Post: s.Post.Value, Wait: s.Wait.Value, Sound: s.Sound != nil && *s.Sound,
		})
	}
	return c
}
