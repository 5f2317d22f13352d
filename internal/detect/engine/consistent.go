package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/pack"
)

// maxProbes bounds how many combinations of values a rule is tried at.
const maxProbes = 4096

// consistent tries the conditions at, between and around all numbers that stand in them, as far as the variables reach: a level and the clear condition
// must never hold together, and where a level holds those below it must hold too, or a worse leak would sound less bad.
// Only where one condition speaks of all variables of the other are two held against each other: of different variables
// nobody knows which values can come together (rain within three hours is never more than rain within twelve).
func (c *compiler) consistent(doc *ruleDoc, d *Detector) {
	clashes := map[Level]bool{}
	for i, l := range d.Levels {
		c.against(d, l.When, d.Clear, func(in []float64) bool {
			if l.When.Holds(in...) && d.Clear.Holds(in...) && !clashes[l.Level] {
				clashes[l.Level] = true
				c.Add(doc.level(l.Level).When.Pos, pack.CodeClash, "%s and clear both hold at %s", l.Level, d.at(in, l.When))
				return false
			}
			return true
		})
		if i == 0 {
			continue
		}
		below := d.Levels[i-1]
		c.against(d, l.When, below.When, func(in []float64) bool {
			if l.When.Holds(in...) && !below.When.Holds(in...) {
				c.Add(doc.level(l.Level).When.Pos, pack.CodeOrder, "%s holds at %s and %s does not", l.Level, d.at(in, l.When), below.Level)
				return false
			}
			return true
		})
	}
}

// against calls try with the values at which two conditions could differ, until it says stop.
func (c *compiler) against(d *Detector, a, b *pack.Condition, try func(in []float64) bool) {
	if a == nil || b == nil {
		return
	}
	in := make([]float64, len(d.vars))
	probes := make([][]float64, len(d.vars))
	total := 1
	var onlyA, onlyB bool
	for i, v := range d.vars {
		inA, inB := a.Mentions(v.name), b.Mentions(v.name)
		onlyA, onlyB = onlyA || inA && !inB, onlyB || inB && !inA
		if onlyA && onlyB {
			return
		}
		if probes[i] = []float64{0}; inA || inB {
			if probes[i] = v.reach.Reached(v.name, a, b); probes[i] == nil {
				return // it does more with the variable than compare it
			}
		}
		if total *= len(probes[i]); total > maxProbes {
			return
		}
	}
	for n := range total {
		for i := range probes {
			in[i] = probes[i][n%len(probes[i])]
			n /= len(probes[i])
		}
		if !try(in) {
			return
		}
	}
}

func (doc *ruleDoc) level(l Level) levelDoc {
	e, _ := doc.Levels.Get(l.String())
	return e
}

// at says the values that a condition speaks of.
func (d *Detector) at(in []float64, c *pack.Condition) string {
	var parts []string
	for i, v := range d.vars {
		if c.Mentions(v.name) {
			parts = append(parts, fmt.Sprintf("%s = %s", v.name, pack.FormatNumber(in[i])))
		}
	}
	return strings.Join(slices.Compact(parts), ", ")
}
