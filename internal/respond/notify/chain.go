package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// MaxRepeat is how often a chain may be repeated at most.
const MaxRepeat = 10

// Who a step tells, beside organisations by their key.
const (
	TellOwner    = "owner"
	TellDesk     = "desk"
	TellNextLink = "next-link"
)

// Links of the chain of responsibility, from the nearest to the highest.
var links = []string{"enterprise", "regulator", "territory", "leadership"}

// What a chain ends by.
const (
	UntilAcknowledged = "acknowledged"
	UntilEnded        = "ended"
)

// What news a chain begins by itself with.
const (
	OnAlert   = "alert"    // an alert reaches a level and nobody has acknowledged it
	OnTask    = "task"     // a task is given
	OnOverdue = "overdue"  // a limit of a case has passed whose kind names no chain of its own
	OnNoOwner = "no-owner" // a case is opened that has no owner

	OnProposal   = "proposal"   // a warning, or a change to one, waits for a second officer
	OnSuggestion = "suggestion" // it is suggested to issue, change or end a warning
)

// Chain says who is told of something, and when the next. It is data: a run keeps the Chain that it began with.
type Chain struct {
	ID    string         `json:"id"`
	Title lifecycle.Text `json:"title"`
	// Begins is the news that it begins with; nil: only where it is named.
	Begins *Begins `json:"begins,omitempty"`
	Steps  []Step  `json:"steps"`
	// Repeat is how often the steps are gone through again.
	Repeat int `json:"repeat,omitempty"`
	// Until is acknowledged or ended.
	Until string `json:"until"`
	Pack  string `json:"pack"`
}

// Begins is the news that a chain begins with.
type Begins struct {
	On string `json:"on"`
	// From is the lowest level of an alert; Of are the packs whose alerts it is for, none for all that have no other chain.
	From string   `json:"from,omitempty"`
	Of   []string `json:"of,omitempty"`
}

// Step is one of: tell somebody, wait, sound.
type Step struct {
	// Tell is owner, desk, next-link or a link by its name.
	Tell string `json:"tell,omitempty"`
	// Organisation is the external id of one, instead.
	Organisation string `json:"organisation,omitempty"`
	// Post is which post of them; empty: the one that has it by its duty, or the whole organisation.
	Post  string        `json:"post,omitempty"`
	Wait  time.Duration `json:"wait,omitempty"`
	Sound bool          `json:"sound,omitempty"`
}

// Hash is the content address of a definition.
func (c *Chain) Hash() (hash string, body []byte, err error) {
	body, err = json.Marshal(c)
	if err != nil {
		return "", nil, fmt.Errorf("encode chain %s: %w", c.ID, err)
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]), body, nil
}

// place is where a run stands in its chain: the next step, of which round.
type place struct{ step, round int }

// stride is what is done at once: steps without a wait between them, where the run stands then, and how long it waits there.
type stride struct {
	steps []placed
	next  place
	wait  time.Duration
	// spent says that there is nothing after it.
	spent bool
}

// placed is a step and where it stands.
type placed struct {
	Step
	place
}

// from is the stride that begins at a place.
func (c *Chain) from(p place) (s stride) {
	for s.next = p; ; {
		if s.next.step >= len(c.Steps) {
			if s.next.round >= c.Repeat {
				s.spent = true
				return s
			}
			s.next = place{0, s.next.round + 1}
			continue
		}
		step := placed{c.Steps[s.next.step], s.next}
		s.next.step++
		if step.Wait > 0 {
			s.wait = step.Wait
			if s.next.step >= len(c.Steps) && s.next.round >= c.Repeat {
				s.wait, s.spent = 0, true // nothing comes after the wait
			}
			return s
		}
		s.steps = append(s.steps, step)
	}
}

// levels from the lowest.
var levels = []string{"blue", "yellow", "orange", "red"}

// reaches says whether level is at least from; an empty from asks for nothing.
func reaches(level, from string) bool {
	return from == "" || slices.Contains(levels, level) && slices.Index(levels, level) >= slices.Index(levels, from)
}

// Set is the chains of all packs.
type Set struct {
	byID map[string]*Chain
	all  []*Chain
}

// NewSet joins the chains of all packs. It refuses two of one id, and two that begin with the same news.
func NewSet(chains []*Chain) (*Set, error) {
	s := &Set{byID: map[string]*Chain{}, all: chains}
	begun := map[string]string{}
	for _, c := range chains {
		if s.byID[c.ID] != nil {
			return nil, fmt.Errorf("the chain %s stands in two packs", c.ID)
		}
		s.byID[c.ID] = c
		for _, news := range c.news() {
			if other := begun[news]; other != "" {
				return nil, fmt.Errorf("the chains %s and %s both begin with %s; one of them has to be left out", other, c.ID, news)
			}
			begun[news] = c.ID
		}
	}
	return s, nil
}

// news are the words for what the chain begins with, one for each pack that it is for.
func (c *Chain) news() (out []string) {
	switch {
	case c.Begins == nil:
		return nil
	case len(c.Begins.Of) == 0:
		return []string{c.Begins.On}
	}
	for _, p := range c.Begins.Of {
		out = append(out, c.Begins.On+" of "+p)
	}
	return out
}

// Both is the news that two chains would both begin with; empty where there is none.
func (c *Chain) Both(o *Chain) string {
	for _, news := range c.news() {
		if slices.Contains(o.news(), news) {
			return news
		}
	}
	return ""
}

// InPlaceOf joins the chains that ship with the program and a city's own: an own chain takes the place of a shipped one of its
// id, and of one that begins with the same news, since the times of those that ship are working values.
func InPlaceOf(shipped, own []*Chain) []*Chain {
	all := slices.Clone(own)
	for _, c := range shipped {
		if !slices.ContainsFunc(own, func(o *Chain) bool { return o.ID == c.ID || o.Both(c) != "" }) {
			all = append(all, c)
		}
	}
	return all
}

// Named returns the chain of that id, or nil.
func (s *Set) Named(id string) *Chain { return s.byID[id] }

// on is the chain that begins with news, the one for the pack before the one for all; nil where none does.
func (s *Set) on(news, pack string) *Chain {
	var general *Chain
	for _, c := range s.all {
		switch {
		case c.Begins == nil || c.Begins.On != news:
		case slices.Contains(c.Begins.Of, pack):
			return c
		case len(c.Begins.Of) == 0:
			general = c
		}
	}
	return general
}
