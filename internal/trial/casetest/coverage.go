package casetest

import (
	"strings"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// File is the file whose kinds are tested.
const File = lifecycle.File

// Why a move can be refused, and what tests must show of it.
const (
	refusedRole     = "role"
	refusedSide     = "side" // somebody with the role, of an organisation whose move it is not
	refusedSecond   = "second person"
	refusedGuard    = "guard"
	refusedEvidence = "evidence"
	refusedBounds   = "bounds" // of an extension: too late, too long, too often
)

type seenRefusal struct{ move, why string }

// seen is what happened in a test.
type seen struct {
	made     map[string]bool
	refused  map[seenRefusal]bool
	passed   map[string]bool // state:found
	ended    map[string]bool // states
	decided  map[decision]bool
	reopened map[bool]bool // after the same news came again: the old case, or a new one
}

// decision is what became of a move that needed approval.
type decision struct {
	move    string
	granted bool
}

func newSeen() seen {
	return seen{map[string]bool{}, map[seenRefusal]bool{}, map[string]bool{}, map[string]bool{}, map[decision]bool{}, map[bool]bool{}}
}

// step notes what a step has shown.
func (s *seen) step(x *step, before, after *sight, refused *lifecycle.Refusal) {
	if refused == nil && after.ended != "" && before.ended == "" {
		s.ended[after.state] = true
	}
	if x.does == "decide" && refused == nil {
		s.decided[decision{after.asked, after.ask == "granted"}] = true
	}
	move := x.doc.Move.Value
	if move == "" {
		return
	}
	if refused == nil {
		s.made[move] = true
		return
	}
	why := map[string]string{
		lifecycle.CodeRole: refusedRole, lifecycle.CodeSide: refusedSide, lifecycle.CodeSecondPerson: refusedSecond, lifecycle.CodeGuard: refusedGuard,
		lifecycle.CodeEvidence: refusedEvidence, lifecycle.CodeReading: refusedEvidence, lifecycle.CodeExtension: refusedBounds,
	}[refused.Code]
	s.refused[seenRefusal{move, why}] = true
}

func (s *seen) again(reopened bool) { s.reopened[reopened] = true }

func (s *seen) add(o seen) {
	merge(s.made, o.made)
	merge(s.refused, o.refused)
	merge(s.passed, o.passed)
	merge(s.ended, o.ended)
	merge(s.decided, o.decided)
	merge(s.reopened, o.reopened)
}

func merge[K comparable](into, from map[K]bool) {
	for k := range from {
		into[k] = true
	}
}

// Coverage says which parts of the kinds the tests leave open: each move must have been made, and refused for each reason for
// which it can be; each limit must have passed; each end must have been reached. All of it is read from what happened when the
// tests ran, and not from what they are called. The gaps come as warnings that point at the part.
func Coverage(p *pack.Pack, kinds []*lifecycle.Kind, results []*Result) pack.Diagnostics {
	var ds pack.Diagnostics
	var docs []kindDoc
	_ = p.Decode(File, &docs) // read for its places; the room has judged it already
	for _, k := range kinds {
		all, tested := newSeen(), false
		for _, r := range results {
			if r.Test.Kind.ID == k.ID {
				all.add(r.seen)
				tested = true
			}
		}
		at := placesOf(docs, k.ID)
		if !tested {
			ds.Warn(at.kind, pack.CodeUntestedCase, "no test is about the case kind %s", k.ID)
			continue
		}
		gap := func(at pack.Pos, format string, args ...any) { ds.Warn(at, pack.CodeUncoveredCase, format, args...) }
		for _, m := range k.Moves {
			var lacks []string
			for _, why := range refusable(&m) {
				if !all.refused[seenRefusal{m.ID, why}] {
					lacks = append(lacks, why)
				}
			}
			switch {
			case !all.made[m.ID]:
				gap(at.moves[m.ID], "no test makes the move %s of %s", m.ID, k.ID)
			case len(lacks) > 0:
				gap(at.moves[m.ID], "no test is refused the move %s of %s for its %s", m.ID, k.ID, strings.Join(lacks, ", nor for its "))
			case m.Approval != nil && !all.decided[decision{m.ID, true}]:
				gap(at.moves[m.ID], "in no test the move %s of %s is granted", m.ID, k.ID)
			case m.Approval != nil && !all.decided[decision{m.ID, false}]:
				gap(at.moves[m.ID], "in no test the move %s of %s is not granted", m.ID, k.ID)
			}
		}
		for _, name := range limitNames(k) {
			if !all.passed["state:"+name] && !all.passed["limit:"+name] {
				gap(at.limit(name), "in no test the limit of %s passes in a case of %s", name, k.ID)
			}
		}
		for _, s := range k.States {
			if s.End != "" && !all.ended[s.ID] {
				gap(at.states[s.ID], "no test ends a case of %s in %s", k.ID, s.ID)
			}
		}
		if k.Recurs != nil && !all.reopened[true] {
			gap(at.recurs, "in no test a case of %s is opened again", k.ID)
		}
		if k.Recurs != nil && !all.reopened[false] {
			gap(at.recurs, "in no test it is too late to open a case of %s again", k.ID)
		}
	}
	return ds.Sorted()
}

// refusable are the reasons for which a move can be refused to somebody who is there.
func refusable(m *lifecycle.Move) []string {
	var why []string
	if len(m.Who) < len(roles) {
		why = append(why, refusedRole)
	}
	if m.Side != "" {
		why = append(why, refusedSide)
	}
	if len(m.ByOtherThan) > 0 {
		why = append(why, refusedSecond)
	}
	if m.Guard != nil {
		why = append(why, refusedGuard)
	}
	if !m.Before.IsZero() || !m.Most.IsZero() || m.Times > 0 {
		why = append(why, refusedBounds)
	}
	for _, r := range m.Requires {
		if r.Evidence != "" {
			return append(why, refusedEvidence)
		}
	}
	return why
}

// kindDoc is what coverage needs to know of a kind as it stands in the file: where its parts stand.
type kindDoc struct {
	ID     pack.String `yaml:"id"`
	States []partDoc   `yaml:"states"`
	Moves  []partDoc   `yaml:"moves"`
	Limits []partDoc   `yaml:"limits"`
	Recurs *recursDoc  `yaml:"recurs"`
}

type partDoc struct {
	ID pack.String `yaml:"id"`
}

type recursDoc struct {
	Within pack.Duration `yaml:"within"`
	Pos    pack.Pos
}

// places are where the parts of a kind stand.
type places struct {
	kind, recurs          pack.Pos
	states, moves, limits map[string]pack.Pos
}

func (p places) limit(name string) pack.Pos {
	if at, ok := p.states[name]; ok {
		return at
	}
	return p.limits[name]
}

func placesOf(docs []kindDoc, id string) places {
	out := places{states: map[string]pack.Pos{}, moves: map[string]pack.Pos{}, limits: map[string]pack.Pos{}}
	for _, d := range docs {
		if d.ID.Value != id {
			continue
		}
		out.kind = d.ID.Pos
		if d.Recurs != nil {
			out.recurs = d.Recurs.Pos
		}
		for into, list := range map[*map[string]pack.Pos][]partDoc{&out.states: d.States, &out.moves: d.Moves, &out.limits: d.Limits} {
			for _, x := range list {
				(*into)[x.ID.Value] = x.ID.Pos
			}
		}
	}
	return out
}
