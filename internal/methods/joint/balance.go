package joint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Role is what a term does in a balance.
type Role uint8

// The roles of a term.
const (
	In    Role = iota + 1 // a flow into the zone
	Out                   // a flow out of it that is measured, into another zone for instance
	Store                 // what is stored in it: a level, times an area
)

// Term is one sensor of a balance.
type Term struct {
	Role Role

	// Factor turns a reading into the unit of the balance: for a flow into quantity per hour (1 when it is that already),
	// for a store into quantity (the area of a tank in m² for its level in m).
	Factor float64
}

// BalanceParams describes a zone. The same BalanceParams serves any number of states of that zone.
type BalanceParams struct {
	Terms []Term

	// Every is the interval for which the balance is drawn; intervals begin at multiples of it since 1970 UTC.
	Every int64

	// MaxAge is the longest time that a reading speaks for, and for how long after the end of an interval the balance waits
	// for a term that is behind. Every at most.
	MaxAge int64

	// Cover is the share of an interval that each flow's readings must have spoken for, or the interval is incomplete.
	Cover float64
}

// Check tells what is wrong with the parameters; nil is nothing.
func (p *BalanceParams) Check() error {
	flows := 0
	for i, t := range p.Terms {
		switch {
		case t.Role < In || t.Role > Store:
			return fmt.Errorf("balance: term %d: no role", i)
		case t.Factor == 0 || math.IsNaN(t.Factor) || math.IsInf(t.Factor, 0):
			return fmt.Errorf("balance: term %d: factor %g", i, t.Factor)
		case t.Role != Store:
			flows++
		}
	}
	switch {
	case flows == 0:
		return errors.New("balance: no flow")
	case p.Every <= 0 || p.MaxAge <= 0 || p.MaxAge > p.Every:
		return fmt.Errorf("balance: interval %d and greatest age %d of a reading: both must be positive, and the age no longer than the interval", p.Every, p.MaxAge)
	case p.Cover < 0 || p.Cover > 1:
		return fmt.Errorf("balance: cover %g is not between 0 and 1", p.Cover)
	}
	return nil
}

// Imbalance is the balance of one interval. Quantities are per hour: with flows in m³/h, all are m³/h.
type Imbalance struct {
	From, To int64
	In, Out  float64 // mean flows
	Stored   float64 // change of what is stored; positive when it grows
	Missing  int     // how many terms are missing: what was not seen long enough, or the store at one of the two ends
}

// Complete tells whether all terms are there.
func (b Imbalance) Complete() bool { return b.Missing == 0 }

// Value is what came in and neither went out nor was stored: consumption and loss. It means something only when the
// interval is Complete.
func (b Imbalance) Value() float64 { return b.In - b.Out - b.Stored }

// Balance draws up inflow minus outflow minus change of storage of a zone, interval by interval: the water balance of a
// district metered area (IWA, Losses in Water Distribution Networks, 2003, ch. 4), or of a tank or a gas line, with
// storage. A night figure, a profile of the week or a chart of shifts is then drawn on the Value of each interval.
//
// Terms report on their own clocks. The mean of a flow is over time: a reading speaks until the term's next one, for
// MaxAge at most; what is not covered is left out of the mean if the rest is enough (Cover). A store is taken at the two
// ends of the interval, between two readings that are no further apart than MaxAge, in proportion.
//
// An interval is over when every term has reached its end, or with the first reading MaxAge after it. Readings are to come
// in order of time, over all terms; one that is older than its term's newest is left out. A gap over several intervals
// yields one that is incomplete; the others are passed over, and Lost counts them. The zero value has seen nothing. A
// state holds 40 bytes, and 72 for each term.
type Balance struct {
	from  int64 // begin of the open interval; 0 before the first reading
	lost  int64
	terms []account
}

// account is what is known of one term in the open interval and, since one term may be ahead, in the next.
type account struct {
	at    int64 // time of the newest reading, 0 for none
	x     float64
	sum   [2]float64 // of a flow: readings times microseconds
	cover [2]int64   // and for how long
	begin float64    // of a store: at the begin of the open interval
	end   float64    // and at its end
	known [2]bool    // whether begin and end are known
}

// Lost is how many intervals were passed over in gaps.
func (s *Balance) Lost() int64 { return s.lost }

// Clone is a copy that shares nothing.
func (s *Balance) Clone() Balance {
	c := *s
	c.terms = slices.Clone(s.terms)
	return c
}

// Next takes one reading of a term, and returns the interval that it ends, if any. x must be finite. It allocates at the
// first reading only.
func (s *Balance) Next(p *BalanceParams, term int, at int64, x float64) (Imbalance, bool) {
	if s.terms == nil {
		s.terms = make([]account, len(p.Terms))
		s.from = floor(at, p.Every)
	}
	if at >= s.from+p.Every+p.MaxAge { // waited long enough
		b := s.close(p)
		s.advance(p)
		if at >= s.from+p.Every+p.MaxAge {
			s.pass(p, at)
		}
		s.record(p, term, at, x)
		return b, true
	}
	s.record(p, term, at, x)
	for i := range s.terms {
		if s.terms[i].at < s.from+p.Every {
			return Imbalance{}, false
		}
	}
	b := s.close(p)
	s.advance(p)
	return b, true
}

// record takes a reading into its account: what the reading before it has said about the time between, and, for a store,
// what it was when the interval ended in between.
func (s *Balance) record(p *BalanceParams, term int, at int64, x float64) {
	a := &s.terms[term]
	if a.at != 0 && at < a.at {
		return
	}
	end := s.from + p.Every
	if p.Terms[term].Role == Store {
		s.measure(p, a, s.from, at, x, &a.begin, &a.known[0])
		s.measure(p, a, end, at, x, &a.end, &a.known[1])
	} else {
		s.spend(p, a, min(at, a.at+p.MaxAge))
	}
	a.at, a.x = at, x
}

// measure sets what a store was at time t, if t lies between its last reading and this one.
func (s *Balance) measure(p *BalanceParams, a *account, t, at int64, x float64, value *float64, known *bool) {
	switch {
	case *known || at < t:
	case at == t:
		*value, *known = x, true
	case a.at != 0 && a.at <= t && at-a.at <= p.MaxAge:
		*value, *known = a.x+(x-a.x)*float64(t-a.at)/float64(at-a.at), true
	}
}

// spend counts the newest reading of a flow from where it was counted to the given time.
func (s *Balance) spend(p *BalanceParams, a *account, until int64) {
	if a.at == 0 {
		return
	}
	for i := range a.sum {
		from := s.from + int64(i)*p.Every
		if t := min(until, from+p.Every) - max(a.at, from); t > 0 {
			a.sum[i] += a.x * float64(t)
			a.cover[i] += t
		}
	}
}

// close draws up the open interval.
func (s *Balance) close(p *BalanceParams) Imbalance {
	b := Imbalance{From: s.from, To: s.from + p.Every}
	for i := range s.terms {
		a, t := &s.terms[i], p.Terms[i]
		if t.Role == Store {
			if !a.known[0] || !a.known[1] {
				b.Missing++
				continue
			}
			b.Stored += t.Factor * (a.end - a.begin) / (float64(p.Every) / hour)
			continue
		}
		sum, cover := a.sum[0], a.cover[0]
		if a.at != 0 && a.at < b.To { // the term is behind: its last reading still speaks
			if from := max(a.at, b.From); from < min(b.To, a.at+p.MaxAge) {
				rest := min(b.To, a.at+p.MaxAge) - from
				sum, cover = sum+a.x*float64(rest), cover+rest
			}
		}
		if cover == 0 || float64(cover) < p.Cover*float64(p.Every) {
			b.Missing++
			continue
		}
		mean := t.Factor * sum / float64(cover)
		if t.Role == In {
			b.In += mean
		} else {
			b.Out += mean
		}
	}
	return b
}

// advance opens the next interval.
func (s *Balance) advance(p *BalanceParams) {
	s.from += p.Every
	for i := range s.terms {
		a := &s.terms[i]
		a.sum = [2]float64{a.sum[1], 0}
		a.cover = [2]int64{a.cover[1], 0}
		a.begin, a.known = a.end, [2]bool{a.known[1], false}
	}
}

// pass opens the interval in which at lies, after a gap.
func (s *Balance) pass(p *BalanceParams, at int64) {
	to := floor(at, p.Every)
	s.lost += (to - s.from) / p.Every
	s.from = to
	for i, a := range s.terms {
		s.terms[i] = account{at: a.at, x: a.x}
	}
}

func floor(at, every int64) int64 {
	r := at % every
	if r < 0 {
		r += every
	}
	return at - r
}

const (
	hour           = 3600e6 // microseconds
	balanceVersion = 1
)

// AppendBinary appends the state, about 60 bytes for each term.
func (s *Balance) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, balanceVersion)
	b = binary.AppendVarint(b, s.from)
	b = binary.AppendVarint(b, s.lost)
	b = binary.AppendUvarint(b, uint64(len(s.terms)))
	for _, a := range s.terms {
		b = binary.AppendVarint(b, a.at)
		b = binary.AppendVarint(b, a.cover[0])
		b = binary.AppendVarint(b, a.cover[1])
		var known byte
		for i, k := range a.known {
			if k {
				known |= 1 << i
			}
		}
		b = append(b, known)
		for _, v := range [...]float64{a.x, a.sum[0], a.sum[1], a.begin, a.end} {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
	}
	return b, nil
}

// UnmarshalBinary takes up a state that AppendBinary wrote.
func (s *Balance) UnmarshalBinary(b []byte) error {
	if len(b) == 0 || b[0] != balanceVersion {
		return errors.New("balance state: unknown version")
	}
	bad := errors.New("balance state: cut short, too long, or not a number")
	b = b[1:]
	next := func() (v int64, ok bool) {
		v, n := binary.Varint(b)
		b = b[max(n, 0):]
		return v, n > 0
	}
	var n Balance
	var ok [3]bool
	n.from, ok[0] = next()
	n.lost, ok[1] = next()
	count, size := binary.Uvarint(b)
	const least = 3 + 1 + 5*8 // bytes of a term
	if !ok[0] || !ok[1] || size <= 0 || count > uint64(len(b))/least {
		return bad
	}
	b = b[size:]
	if count > 0 {
		n.terms = make([]account, count)
	}
	for i := range n.terms {
		a := &n.terms[i]
		a.at, ok[0] = next()
		a.cover[0], ok[1] = next()
		a.cover[1], ok[2] = next()
		if !ok[0] || !ok[1] || !ok[2] || len(b) < 1+5*8 || b[0] > 3 {
			return bad
		}
		a.known = [2]bool{b[0]&1 != 0, b[0]&2 != 0}
		b = b[1:]
		for _, v := range [...]*float64{&a.x, &a.sum[0], &a.sum[1], &a.begin, &a.end} {
			*v = math.Float64frombits(binary.LittleEndian.Uint64(b))
			b = b[8:]
			if math.IsNaN(*v) || math.IsInf(*v, 0) {
				return bad
			}
		}
	}
	if len(b) != 0 {
		return bad
	}
	*s = n
	return nil
}
