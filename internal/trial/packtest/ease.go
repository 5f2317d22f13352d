package packtest

import (
	"errors"
	"io/fs"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/pack"
)

// A test is just below a level when the rule as it stands does not raise the level in it, and the same rule would if it
// were a little easier:
//
//   - each limit in its levels' conditions nearer by Ease of itself (5 becomes 4.75, and a limit of 0 moves by ten times
//     Ease; of signals that count together, and of reports, one fewer is enough), or
//   - each level's `for` shorter by one reading of the test.
//
// So the rules themselves say what is near, whatever they are made of. The easier rule never clears, since it would
// contradict itself where its clear condition stands closer to the limit than that. Where it contradicts itself all the
// same, its limits move half as far, and half of that again.

// Ease is by how much of itself a limit is moved.
const Ease = 0.05

// leastEase is where an easier rule that contradicts itself is given up, and only its delay is made easier.
const leastEase = 0.001

// easier are the rules with nearer limits, of one level only where it is not "".
func (s *Suite) easier(level string) (rules, error) {
	share := make([]float64, len(s.written))
	for i := range share {
		share[i] = Ease
	}
	for range 12 {
		var edits []splice
		for i := range s.written {
			edits = append(edits, s.written[i].nearer(share[i], level)...)
			edits = append(edits, s.written[i].endless()...)
		}
		rs, err := s.recompile(edits)
		var ds pack.Diagnostics
		if err == nil || !errors.As(err, &ds) {
			return rs, err
		}
		known := false
		for i := range s.written {
			if s.written[i].named(ds) {
				known = true
				if share[i] /= 2; share[i] < leastEase {
					share[i] = 0
				}
			}
		}
		if !known {
			return nil, err
		}
	}
	return s.rules, nil // cannot happen: every share is 0 by now
}

// sooner are the rules with delays that are shorter by one reading, of one level only where it is not "".
func (s *Suite) sooner(every time.Duration, level string) (rules, error) {
	var edits []splice
	for _, r := range s.written {
		for _, l := range r.Levels {
			if d := l.Value.For; !d.IsZero() && d.Value > 0 && (level == "" || level == l.Key.Value) {
				edits = append(edits, splice{d.Pos, span(max(d.Value-every, 0))})
			}
		}
	}
	return s.recompile(edits)
}

func (s *Suite) recompile(edits []splice) (rules, error) {
	content, err := fs.ReadFile(s.files, RulesFile)
	if err != nil {
		return nil, err
	}
	p, err := pack.Load(overlay{s.files, RulesFile, apply(string(content), edits)}, s.Dir)
	if err != nil {
		return nil, err
	}
	return compileTrial(p)
}

// named says whether a problem stands in a line of one of the rule's conditions.
func (r *ruleDoc) named(ds pack.Diagnostics) bool {
	for _, d := range ds {
		for _, l := range r.Levels {
			if d.Line >= l.Key.Line && d.Line <= l.Value.When.Line+strings.Count(l.Value.When.Source, "\n")+1 {
				return true
			}
		}
	}
	return false
}

// endless is the edit by which the rule never clears, where its condition stands in one line.
func (r *ruleDoc) endless() []splice {
	if r.Clear == nil || r.Clear.When.IsZero() {
		return nil
	}
	p := r.Clear.When
	if p.Place(len([]rune(p.Source))-1, 1).Line != p.Line {
		return nil
	}
	return []splice{{p.Pos, `"false"`}}
}

var (
	comparison = regexp.MustCompile(`(signals\s*)?([<>]=?)\s*(-?\d+(?:\.\d+)?)`)
	mirrored   = regexp.MustCompile(`((?:\B-|\b)\d+(?:\.\d+)?)\s*([<>]=?)\s*(signals)?`)
)

// nearer are the edits that move the limits of the rule's levels. A condition with a "not" in it stays as it is.
func (r *ruleDoc) nearer(share float64, level string) []splice {
	if share == 0 {
		return nil
	}
	var edits []splice
	move := func(p pack.Phrase, from, to int, up, counts bool) {
		limit, err := strconv.ParseFloat(p.Source[from:to], 64)
		if err != nil {
			return // the pattern takes numbers only
		}
		by := share * math.Abs(limit)
		switch {
		case counts:
			by = 1
		case limit == 0:
			by = 10 * share
		}
		if !up {
			by = -by
		}
		place := p.Place(len([]rune(p.Source[:from])), to-from)
		edits = append(edits, splice{place, strconv.FormatFloat(limit+by, 'f', -1, 64)})
	}
	for _, l := range r.Levels {
		p := l.Value.When
		if strings.Contains(strings.ReplaceAll(p.Source, "!=", ""), "!") || level != "" && level != l.Key.Value {
			continue
		}
		for _, m := range comparison.FindAllStringSubmatchIndex(p.Source, -1) {
			move(p, m[6], m[7], p.Source[m[4]] == '<', m[2] >= 0)
		}
		for _, m := range mirrored.FindAllStringSubmatchIndex(p.Source, -1) {
			move(p, m[2], m[3], p.Source[m[4]] == '>', m[6] >= 0)
		}
	}
	if r.Joins != nil {
		for _, of := range r.Joins.Of {
			if n, err := strconv.Atoi(of.AtLeast.Source); err == nil && n > 1 {
				edits = append(edits, splice{of.AtLeast.Place(0, len(of.AtLeast.Source)), strconv.Itoa(n - 1)})
			}
		}
	}
	return edits
}
