package engine

import (
	"math"
	"slices"
)

// staleAfter is how many intervals a source's newest value speaks for, where several inputs are judged together.
const staleAfter = 2

// joint gathers the readings of one interval and judges them together: once, when every source has spoken in it, or when a
// reading of a later interval shows that no more will come. An input of which nothing new was heard for staleAfter intervals
// is unknown (NaN), and so is what is made of it, unless the rule says what it counts as then: there is a value, and nobody
// knows it. So an alert neither comes nor goes by it. Of an input without an instrument there is no value to be known: a station
// that measures no ozone is not to keep an alert of its dust.
func (s *state) joint(sub *subject, e entry, k *known, changes []Change) []Change {
	every := micros(sub.detector.Every)
	frame := e.at/every + 1
	if s.frame != 0 && frame > s.frame && s.judgedIn < s.frame {
		changes = s.judgeFrame(sub, e, k, changes)
	}
	s.frame = max(s.frame, frame)
	in := &s.ins[e.source]
	value := sub.detector.clamp(sub.inputs[e.source], e.value)
	changes = s.still(sub.detector.stuckOf(sub.inputs[e.source]), in, e, value, changes)
	in.last, in.value = e.at, value
	if s.judgedIn < s.frame && s.complete(every) {
		changes = s.judgeFrame(sub, e, k, changes)
	}
	return changes
}

func (s *state) complete(every int64) bool {
	for i := range s.ins {
		if s.ins[i].last/every+1 < s.frame {
			return false
		}
	}
	return true
}

func (s *state) judgeFrame(sub *subject, e entry, k *known, changes []Change) []Change {
	d := sub.detector
	every := micros(d.Every)
	s.judgedIn = s.frame
	at := int64(0)
	k.sources, k.of = k.sources[:0], k.of[:0]
	for i := range s.ins {
		v := s.ins[i].value
		if s.frame-(s.ins[i].last/every+1) >= staleAfter {
			v = math.NaN()
		}
		at = max(at, s.ins[i].last)
		k.sources, k.of = append(k.sources, v), append(k.of, sensor{sub.sources[i].id, sub.inputs[i]})
	}
	k.begin()
	unknown := true
	for i := range d.Inputs {
		v := combine(d.Inputs[i].Combine, i, k)
		if unknown = unknown && math.IsNaN(v); math.IsNaN(v) {
			v = d.Inputs[i].Unknown
		}
		k.give(v, true)
		k.unsure[i] = math.IsNaN(v) && slices.Contains(sub.inputs, i)
	}
	if unknown {
		return changes
	}
	derive(s.cells, at, k)
	j := d.judge(k)
	var span int64
	if s.last != 0 {
		span = at - s.last
	}
	n := len(changes)
	changes = s.judged(d, entry{at: at, source: e.source}, span, s.prev, j, k.vars[0], k.vars, changes)
	for i := n; i < len(changes); i++ {
		changes[i].deviating = deviating(s.cells)
	}
	s.last, s.prev = at, j.met
	return changes
}

// combine is what the instruments of one input come to.
func combine(how string, input int, k *known) float64 {
	n, sum := 0, 0.0
	lowest, highest := math.Inf(1), math.Inf(-1)
	for i, v := range k.sources {
		if k.of[i].input != input {
			continue
		}
		if math.IsNaN(v) {
			if how == "sum" {
				return v // a part of a sum is another quantity
			}
			continue
		}
		n++
		sum, lowest, highest = sum+v, min(lowest, v), max(highest, v)
	}
	switch {
	case n == 0:
		return math.NaN()
	case how == "sum":
		return sum
	case how == "highest":
		return highest
	case how == "lowest":
		return lowest
	}
	return sum / float64(n)
}

// deviator is a cell that can say which sources it is about.
type deviator interface{ deviating() []int }

func deviating(cells []cell) []int {
	for _, c := range cells {
		if x, ok := c.(deviator); ok {
			return x.deviating()
		}
	}
	return nil
}
