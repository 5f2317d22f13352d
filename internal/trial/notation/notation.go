package notation

import (
	"fmt"
	"math"
	"strconv"
	"unicode"
)

// MaxReadings is the length of the longest series: a week at one reading every six seconds.
const MaxReadings = 100_800

// Step is what one instrument says at one time of the test.
type Step struct {
	Value   float64 // meaningless where Missing
	Missing bool    // it says nothing
	Stale   bool    // it says nothing because it has stopped; Missing is set too
}

// Error is a mistake in a series.
type Error struct {
	Column int // characters before the part that is meant
	Width  int // characters of that part
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("column %d: %s", e.Column+1, e.Reason) }

// Parse reads a series. The error is an *Error.
func Parse(s string) ([]Step, error) {
	var steps []Step
	words := split([]rune(s))
	for i := 0; i < len(words); i++ {
		var err error
		switch w := words[i]; w.rs[0] {
		case '(':
			n := 1
			for i+n < len(words) && words[i+n].rs[0] != ')' {
				n++
			}
			if i+n == len(words) {
				return nil, w.fail(0, 1, "the group is not closed; write it as (60 65 70)x7")
			}
			if steps, err = repeated(steps, words[i:i+n+1]); err != nil {
				return nil, err
			}
			i += n
		case ')':
			return nil, w.fail(0, 1, "no group is open here; write it as (60 65 70)x7")
		default:
			if steps, err = w.expand(steps); err != nil {
				return nil, err
			}
		}
	}
	if len(steps) == 0 {
		return nil, &Error{Width: max(len([]rune(s)), 1), Reason: "the series is empty; write readings such as 0x10 2+1x20 _x3 stale"}
	}
	return steps, nil
}

// split parts a series into words. A ( that begins one, and a ) with what follows it, are words of their own.
func split(rs []rune) (words []word) {
	for i := 0; i < len(rs); i++ {
		if unicode.IsSpace(rs[i]) {
			continue
		}
		w := word{start: i}
		for i++; i < len(rs) && !unicode.IsSpace(rs[i]) && rs[i] != ')' && rs[i-1] != '('; i++ {
		}
		w.rs = rs[w.start:i]
		words = append(words, w)
		i--
	}
	return words
}

// repeated appends a group as often as it says: its noise differs from one time to the next.
func repeated(steps []Step, group []word) ([]Step, error) {
	open, end := group[0], group[len(group)-1]
	end.at = 1
	n, err := end.times(1)
	if err != nil {
		return nil, err
	}
	if group = group[1 : len(group)-1]; len(group) == 0 {
		return nil, open.fail(0, 1, "the group is empty")
	}
	for range n {
		for _, w := range group {
			if w.rs[0] == '(' {
				return nil, w.fail(0, 1, "a group can't stand in a group")
			}
			if steps, err = w.expand(steps); err != nil {
				return nil, err
			}
		}
	}
	return steps, nil
}

// word is one word of a series and how far it has been read.
type word struct {
	rs    []rune
	start int // of the word in the series
	at    int // the next character of the word
}

// fail says what is wrong with a part of the word. Where something is missing at its end, the last character is meant.
func (w *word) fail(from, to int, format string, args ...any) error {
	from = min(from, len(w.rs)-1)
	return &Error{Column: w.start + from, Width: max(to-from, 1), Reason: fmt.Sprintf(format, args...)}
}

// expand appends what the word stands for.
func (w *word) expand(steps []Step) ([]Step, error) {
	switch {
	case string(w.rs) == "stale":
		return w.repeat(steps, 1, func(int) Step { return Step{Missing: true, Stale: true} })
	case w.rs[0] == '_':
		w.at++
		n, err := w.times(1)
		if err != nil {
			return nil, err
		}
		return w.repeat(steps, n, func(int) Step { return Step{Missing: true} })
	}
	first, err := w.number("a reading such as 4.9, _ or stale")
	if err != nil {
		return nil, err
	}
	var slope, noise float64
	if c := w.peek(); c == '+' || c == '-' {
		w.at++
		if slope, err = w.number(fmt.Sprintf("a number after %c, such as 2%c1x20", c, c)); err != nil {
			return nil, err
		}
		if c == '-' {
			slope = -slope
		}
	}
	if w.peek() == '~' {
		w.at++
		from := w.at
		if noise, err = w.number("a standard deviation after ~, such as 5~0.3x60"); err != nil {
			return nil, err
		}
		if noise < 0 {
			return nil, w.fail(from, w.at, "a standard deviation can't be negative")
		}
	}
	n, err := w.times(0)
	switch {
	case err != nil:
		return nil, err
	case n == 0 && slope != 0:
		return nil, w.fail(0, len(w.rs), "%s lacks how many readings follow the first, such as %sx20", string(w.rs), string(w.rs))
	}
	last := first + slope*float64(n)
	if math.IsInf(last, 0) {
		return nil, w.fail(0, len(w.rs), "the readings grow beyond all numbers")
	}
	return w.repeat(steps, n+1, func(i int) Step {
		v := round(first + slope*float64(i))
		if noise > 0 {
			v = round(v + noise*gauss(uint64(len(steps)+i)))
		}
		return Step{Value: v}
	})
}

func (w *word) repeat(steps []Step, n int, step func(i int) Step) ([]Step, error) {
	if len(steps)+n > MaxReadings {
		return nil, w.fail(0, len(w.rs), "the series is longer than %d readings", MaxReadings)
	}
	all := steps // step closes over the length before this word
	for i := range n {
		all = append(all, step(i))
	}
	return all, nil
}

// peek is the next character of the word, 0 at its end.
func (w *word) peek() rune {
	if w.at < len(w.rs) {
		return w.rs[w.at]
	}
	return 0
}

// number reads a decimal number.
func (w *word) number(want string) (float64, error) {
	from := w.at
	if c := w.peek(); c == '-' || c == '+' {
		w.at++
	}
	digits, point := 0, false
	for ; w.at < len(w.rs); w.at++ {
		switch c := w.rs[w.at]; {
		case c >= '0' && c <= '9':
			digits++
			continue
		case c == '.' && !point:
			point = true
			continue
		}
		break
	}
	if digits == 0 {
		w.at = from
		return 0, w.fail(from, len(w.rs), "expected %s", want)
	}
	v, err := strconv.ParseFloat(string(w.rs[from:w.at]), 64)
	if err != nil {
		return 0, w.fail(from, w.at, "%s is no number that fits", string(w.rs[from:w.at]))
	}
	return v, nil
}

// times reads xN at the end of the word, or takes what is meant where nothing more stands there.
func (w *word) times(none int) (int, error) {
	if w.at == len(w.rs) {
		return none, nil
	}
	if w.peek() != 'x' {
		return 0, w.fail(w.at, len(w.rs), "%q is no part of a series; after a reading come +step, -step, ~noise and xTIMES", string(w.rs[w.at:]))
	}
	from := w.at + 1
	n, err := strconv.ParseUint(string(w.rs[from:]), 10, 31)
	switch {
	case err != nil:
		return 0, w.fail(from-1, len(w.rs), "expected a whole number after x, such as x10")
	case n == 0 && none == 1:
		return 0, w.fail(from-1, len(w.rs), "%cx0 stands for nothing; leave it out", w.rs[0])
	case n > MaxReadings:
		return 0, w.fail(from, len(w.rs), "the series is longer than %d readings", MaxReadings)
	}
	return int(n), nil
}

// round takes away what adding binary fractions leaves behind: 0.1 taken three times is 0.3.
func round(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 12, 64), 64)
	if err != nil {
		return v // cannot happen: what was just formatted can be read
	}
	return r
}

// gauss is the n-th number of one fixed sequence of standard normal noise: SplitMix64 (Steele, Lea, Flood, "Fast splittable
// pseudorandom number generators", OOPSLA 2014) for two uniform numbers, and the Box-Muller transform of them.
func gauss(n uint64) float64 {
	uniform := func(n uint64) float64 {
		z := (n + 1) * 0x9e3779b97f4a7c15
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return (float64((z^z>>31)>>11) + 0.5) / (1 << 53)
	}
	return math.Sqrt(-2*math.Log(uniform(2*n))) * math.Cos(2*math.Pi*uniform(2*n+1))
}
