package verify

import (
	"cmp"
	"math"
	"strconv"
)

// Score is a figure that may have no value, such as a share of nothing: NaN here, null in JSON.
type Score float64

// Undefined is the score that has no value.
func Undefined() Score { return Score(math.NaN()) }

// Defined says that there is a value.
func (s Score) Defined() bool { return !math.IsNaN(float64(s)) }

// Text is the value with so many digits behind the point, or a dash.
func (s Score) Text(digits int) string {
	if !s.Defined() {
		return "-"
	}
	return strconv.FormatFloat(float64(s), 'f', digits, 64)
}

// MarshalJSON writes null for what is not defined.
func (s Score) MarshalJSON() ([]byte, error) {
	if !s.Defined() {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(s), 'g', -1, 64), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Score) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*s = Undefined()
		return nil
	}
	v, err := strconv.ParseFloat(string(b), 64)
	*s = Score(v)
	return err
}

// ratio is part/whole, undefined for a part of nothing.
func ratio(part, whole int) Score {
	if whole == 0 {
		return Undefined()
	}
	return Score(part) / Score(whole)
}

// Interval is where the true value of a share may lie.
type Interval struct {
	Low  Score `json:"low"`
	High Score `json:"high"`
}

// z95 is the quantile of the normal distribution for an interval of 95 %.
const z95 = 1.959963984540054

// Wilson is the 95 % interval of a share of which part in whole were counted. It holds its level also for few counts and
// for shares near 0 and 1, where "plus or minus two standard errors" does not.
//
// Wilson 1927, J. Am. Stat. Assoc. 22, 209; recommended by Brown, Cai, DasGupta 2001, Stat. Sci. 16, 101.
func Wilson(part, whole int) Interval {
	if whole == 0 {
		return Interval{Undefined(), Undefined()}
	}
	n, p := float64(whole), float64(part)/float64(whole)
	middle := (p + z95*z95/(2*n)) / (1 + z95*z95/n)
	half := z95 / (1 + z95*z95/n) * math.Sqrt(p*(1-p)/n+z95*z95/(4*n*n))
	// At 0 and 1 the bound is exactly 0 or 1, which rounding misses by a hair.
	low, high := max(0, middle-half), min(1, middle+half)
	if part == 0 {
		low = 0
	}
	if part == whole {
		high = 1
	}
	return Interval{Score(low), Score(high)}
}

// Quantile is the smallest of the sorted values that a share of them does not exceed (the inverse of the empirical
// distribution, Hyndman and Fan's type 1): a value that was really seen, also among few. ok is false without values.
func Quantile[T cmp.Ordered](sorted []T, share float64) (value T, ok bool) {
	if len(sorted) == 0 {
		return value, false
	}
	i := int(math.Ceil(share*float64(len(sorted)))) - 1
	return sorted[min(max(i, 0), len(sorted)-1)], true
}

// LeadTimes are lead times as they are published: a negative one came too late.
type LeadTimes struct {
	N      int   `json:"n"`
	Median Score `json:"median_s"`
	Tenth  Score `json:"tenth_s" doc:"one in ten was as short or shorter"`
}

// LeadTimesOf sums up sorted lead times in microseconds.
func LeadTimesOf(sorted []int64) LeadTimes {
	at := func(share float64) Score {
		us, ok := Quantile(sorted, share)
		if !ok {
			return Undefined()
		}
		return Score(float64(us) / 1e6)
	}
	return LeadTimes{len(sorted), at(0.5), at(0.1)}
}
