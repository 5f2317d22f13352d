package engine

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/pack"
)

// What values a variable can have, where that is plainly known from the ranges of the properties: a condition beyond it is
// a mistake. What is said here must be true whatever the readings; where in doubt, a variable reaches everywhere.

// reachOf is that of a property's readings: what lies outside the range counts as its end.
func reachOf(p pack.Property) pack.Reach {
	if p.ID == "" {
		return pack.Anything // it was not found, which is noted
	}
	return pack.Reach{Lowest: p.Range[0], Highest: p.Range[1], Words: outside(p)}
}

// outside says what a property's values can be.
func outside(p pack.Property) string {
	_, name, _ := strings.Cut(p.ID, "/")
	return ranges(name, p.Range[0], p.Range[1], p.Unit)
}

func ranges(name string, lowest, highest float64, unit string) string {
	if unit == "1" {
		unit = ""
	}
	return strings.TrimSpace(fmt.Sprintf("%s ranges from %s to %s %s", name, pack.FormatNumber(lowest), pack.FormatNumber(highest), unit))
}

// reach is that of an input.
func (in *Input) reach() pack.Reach {
	r := reachOf(in.Property)
	r.Unknown = r.Unknown || math.IsNaN(in.Unknown)
	if in.Combine == "sum" { // of how many, nobody knows
		if r.Highest > 0 {
			r.Highest = math.Inf(1)
		}
		if r.Lowest < 0 {
			r.Lowest = math.Inf(-1)
		}
		if !math.IsNaN(in.Unknown) {
			r.Lowest, r.Highest = min(r.Lowest, in.Unknown), max(r.Highest, in.Unknown)
		}
	}
	return r
}

// reach is that of a derived variable, made of one of those before it. Each of them may be unknown for a while.
func reach(doc *deriveDoc, before []variable) pack.Reach {
	base := before[0]
	if !doc.Of.IsZero() {
		i := slices.IndexFunc(before, func(v variable) bool { return v.name == doc.Of.Value })
		if i < 0 {
			return pack.Anything // it was not found, which is noted
		}
		base = before[i]
	}
	lowest, highest := base.reach.Lowest, base.reach.Highest
	width := highest - lowest
	r := pack.Anything
	switch {
	case !doc.Average.IsZero(), !doc.Lowest.IsZero(), !doc.Highest.IsZero(), doc.Daily != nil:
		r.Lowest, r.Highest = lowest, highest
	case !doc.Rise.IsZero(), !doc.Fall.IsZero():
		r.Lowest, r.Highest = 0, width
	case doc.Background != nil:
		r.Lowest, r.Highest = -width, width
	case !doc.Total.IsZero(), !doc.Amount.IsZero():
		if lowest >= 0 {
			r.Lowest = 0
		}
		if highest <= 0 {
			r.Highest = 0
		}
	case doc.Crossing != nil, doc.Unusual != nil, doc.Shift != nil, doc.Jointly != nil:
		r.Lowest = 0
	}
	switch named := base.reach.Words; {
	case named == "":
	case math.IsInf(r.Lowest, 0) && math.IsInf(r.Highest, 0):
	default:
		r.Words = named
	}
	return r
}

// reaches finds out those of the derived variables, and gives those of all.
func (d *Detector) reaches(doc *ruleDoc) []pack.Reach {
	all := make([]pack.Reach, len(d.vars))
	for i := range d.vars {
		if n := i - d.given; n >= 0 && n < len(doc.Derives) {
			d.vars[i].reach = reach(&doc.Derives[n].Value, d.vars[:i])
		}
		all[i] = d.vars[i].reach
	}
	return all
}
