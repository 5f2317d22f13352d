package ucum

import (
	"fmt"
	"math/big"
	"strings"
	"sync"
)

// atom is a unit with a symbol of its own.
type atom struct {
	unit   Unit
	metric bool // takes prefixes
	name   string
}

// table is all symbols. It is built once and read-only afterwards.
type table struct {
	atoms    map[string]atom
	order    []string // of atoms, as they were declared
	prefixes map[string]*big.Rat
	symbols  map[string]spelling // other spellings of symbols
	wholes   map[string]string   // other spellings of whole units
}

// known is the one table. A mistake in it is found by any test that parses a unit.
var known = sync.OnceValue(func() *table {
	t := &table{atoms: map[string]atom{}, prefixes: map[string]*big.Rat{}, symbols: map[string]spelling{}, wholes: map[string]string{}}
	for _, p := range prefixes {
		f, ok := new(big.Rat).SetString(p.factor)
		if !ok {
			panic("ucum: prefix " + p.symbol)
		}
		t.prefixes[p.symbol] = f
	}
	for i, symbol := range baseUnits {
		u := Unit{}
		u.dim[i] = 1
		t.add(symbol, atom{unit: u, metric: true, name: [...]string{"metre", "second", "gram", "radian", "kelvin", "coulomb", "candela"}[i]})
	}
	for _, group := range [][]definition{numbers, si, everyday, constants, cgs, customary, pressures, heat, chemistry, levels, information} {
		for _, d := range group {
			t.define(d)
		}
	}
	for _, s := range spellings {
		if s.whole {
			t.wholes[s.text] = s.code
		} else {
			t.symbols[s.text] = s
		}
	}
	return t
})

func (t *table) add(symbol string, a atom) {
	t.atoms[symbol] = a
	t.order = append(t.order, symbol)
}

func (t *table) define(d definition) {
	p := newParser(d.of, t)
	p.quiet = true
	u, err := p.unit()
	value, ok := new(big.Rat).SetString(d.value)
	if err != nil || !ok {
		panic(fmt.Sprintf("ucum: definition of %s: %v", d.symbol, err))
	}
	u.factor = value.Mul(value, u.ratio())
	u.curve = d.curve
	if d.arbitrary {
		u.kinds = []string{d.symbol}
	}
	t.add(d.symbol, atom{u, d.metric, d.name})
}

// lookup finds what a symbol means, and how UCUM writes that.
func (t *table) lookup(symbol string) (u Unit, code string, ok bool) {
	s, other := t.symbols[symbol]
	if other && s.first {
		return t.spelt(s, "")
	}
	if a, ok := t.atoms[symbol]; ok {
		return a.unit, symbol, true
	}
	for n := 1; n <= 2 && n < len(symbol); n++ {
		if a, ok := t.atoms[symbol[n:]]; ok && a.metric && t.prefixes[symbol[:n]] != nil {
			return prefixed(a.unit, t.prefixes[symbol[:n]]), symbol, true
		}
	}
	if other {
		return t.spelt(s, "")
	}
	for n := 1; n <= 2 && n < len(symbol); n++ {
		if s, ok := t.symbols[symbol[n:]]; ok && s.metric && t.prefixes[symbol[:n]] != nil {
			return t.spelt(s, symbol[:n])
		}
	}
	return Unit{}, "", false
}

// spelt reads what another spelling stands for. Its first symbol takes the prefix, so kWh is kW.h.
func (t *table) spelt(s spelling, prefix string) (Unit, string, bool) {
	p := newParser(prefix+s.code, t)
	p.quiet = true
	u, err := p.unit()
	if err != nil {
		panic(fmt.Sprintf("ucum: spelling %s: %v", s.text, err))
	}
	return u, u.code, true
}

// prefixed is a unit with a metric prefix. A special unit's number is multiplied before its curve: 30 dB are 3 B.
func prefixed(u Unit, factor *big.Rat) Unit {
	if u.curve != nil {
		u.inner = new(big.Rat).Mul(rat(u.inner), factor)
	} else {
		u.factor = new(big.Rat).Mul(u.ratio(), factor)
	}
	return u
}

// near is the whole unit with a symbol that is probably meant in place of the one at from, "" where none is near.
func (p *parser) near(symbol string, from int) string {
	if p.quiet || len(symbol) > 40 {
		return ""
	}
	if p.text == strings.ToUpper(p.text) { // from a device without lower case: MG/L
		if text := p.try(strings.ToLower(p.text)); text != "" {
			return text
		}
	}
	for _, candidate := range p.table.like(symbol) {
		if text := p.try(string(p.in[:from]) + candidate + string(p.in[p.at:])); text != "" {
			return text
		}
	}
	return ""
}

// like are symbols that look like one that is not known: first those that differ in upper and lower case only, then those
// whose name it is, then those that differ in one character.
func (t *table) like(symbol string) []string {
	var cases, names, typos []string
	singular := strings.TrimSuffix(strings.ReplaceAll(strings.ToLower(symbol), "meter", "metre"), "s")
	consider := func(candidate, name string) {
		switch {
		case strings.EqualFold(candidate, symbol) || strings.EqualFold(candidate, "["+symbol+"]"):
			cases = append(cases, candidate)
		case name == singular:
			names = append(names, candidate)
		case len(symbol) >= 3 && len(candidate) >= 2 && oneApart(candidate, symbol):
			typos = append(typos, candidate)
		}
	}
	for _, a := range t.order {
		consider(a, t.atoms[a].name)
	}
	for _, s := range spellings { // in the order of the file, not of a map: the same text always gets the same advice
		if !s.whole {
			consider(s.text, "")
		}
	}
	for _, pre := range prefixes {
		for _, a := range t.order {
			rare := len(a) == 1 && !strings.Contains("kmucMGn", pre.symbol) // hH is no better than hh
			if at := t.atoms[a]; at.metric && !rare {
				consider(pre.symbol+a, pre.name+at.name)
			}
		}
	}
	return append(append(cases, names...), typos...)
}

// oneApart says that one insertion, deletion, substitution or swap of neighbours makes one text the other.
func oneApart(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	return i < len(a) && (a[i+1:] == b[i+1:] ||
		i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:])
}
