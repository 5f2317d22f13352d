package engine

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/anlan-city/anlan/internal/methods/series"
)

// leastCover is how much of a span readings must speak for before its mean, lowest and highest are known. GB 3095 and HJ 633
// count a mean of 24 hours that has 20 hourly values, one of 8 hours that has 6, an hour that has 45 minutes: 75 % is the
// least of these.
const leastCover = 0.75

// covers is a state machine over a span that knows how much of it readings speak for.
type covers[S any] interface {
	machine[S]
	Share(o *series.Over, at int64) float64
}

// mean is that of a span.
type mean = series.Integral

// extremes are the lowest and highest of a span. The integral is there for the time that readings speak for.
type extremes struct {
	of   series.Extremes
	seen series.Integral
}

func (s *extremes) next(o *series.Over, at int64, x float64) (low, high float64) {
	s.seen.Next(o, at, x)
	return s.of.Next(o, at, x)
}

func (s *extremes) Share(o *series.Over, at int64) float64 { return s.seen.Share(o, at) }

func (s *extremes) AppendBinary(b []byte) ([]byte, error) {
	of, err := s.of.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	b = append(binary.AppendUvarint(b, uint64(len(of))), of...)
	return s.seen.AppendBinary(b)
}

func (s *extremes) UnmarshalBinary(b []byte) error {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return errors.New("extremes: a saved state is damaged")
	}
	b = b[size:]
	if err := s.of.UnmarshalBinary(b[:n]); err != nil {
		return err
	}
	return s.seen.UnmarshalBinary(b[n:])
}

// spans makes cells of a state machine over a span. Such a variable is unknown while too little of its span is covered:
// after a start, and after a gap. What rests on it is then missing data, and no more: an alert that stands does not clear by
// it, however long its instrument is silent. Once that is taken away and a whole span is without a reading of it, nothing is
// measured there, and the variable has no value, as if there had never been one.
func spans[S any, P covers[S]](of int, o *series.Over, step func(s P, o *series.Over, at int64, x float64) float64) func() cell {
	return func() cell {
		return &spanned[S, P]{over: o, single: single[S, P]{of: of, last: math.NaN(), step: func(s P, _ *known, at int64, x float64) (float64, bool) {
			v := step(s, o, at, x)
			if s.Share(o, at) < leastCover {
				v = math.NaN()
			}
			return v, true
		}}}
	}
}

// spanned is the cell of a variable that is about a span.
type spanned[S any, P covers[S]] struct {
	single[S, P]
	over *series.Over
}

func (c *spanned[S, P]) next(at int64, k *known) (float64, bool) {
	v, fresh := c.single.next(at, k)
	if i := len(k.vars); math.IsNaN(v) {
		k.unsure[i] = k.unsure[i] || !math.IsNaN(k.vars[c.of]) || P(&c.s).Share(c.over, at) > 0
	}
	return v, fresh
}

func (c *spanned[S, P]) set(from cell) { c.single.set(&from.(*spanned[S, P]).single) }
