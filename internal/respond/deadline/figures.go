package deadline

import (
	"math"
	"slices"
	"time"
)

// Figures are the sums over some rows. Rows is the sum of the six that follow it.
type Figures struct {
	Rows      int `json:"rows"`
	OnTime    int `json:"on_time"`
	Late      int `json:"late"`
	Within    int `json:"within" doc:"open, the limit not passed"`
	Past      int `json:"past" doc:"open past the limit"`
	PassedOn  int `json:"passed_on" doc:"passed on to somebody else before the limit, or taken over after it"`
	Withdrawn int `json:"withdrawn"`
	// What is told beside them.
	LatePassedOn  int `json:"late_passed_on" doc:"of the late ones, those passed on after their limit"`
	WithdrawnPast int `json:"withdrawn_past" doc:"of the withdrawn ones, those past their limit then"`
	Extensions    int `json:"extensions" doc:"how often a limit was extended"`
	Extended      int `json:"extended" doc:"rows whose limit was extended"`
	AfterFirst    int `json:"after_first" doc:"of those on time, those that were so only since the limit was extended"`
	// OnTimeShare is on time / (on time + late + open past the limit); absent where there is none of them.
	OnTimeShare *float64 `json:"on_time_share,omitempty"`
	// Lateness in seconds of those that are late or open past the limit: the least that half, and nine in ten, of them do not exceed.
	LateMedian *int64 `json:"late_median_s,omitempty"`
	Late90     *int64 `json:"late_90_s,omitempty"`
}

// Sum adds rows up.
type Sum struct {
	f    Figures
	late []time.Duration
}

// Add adds a row as it is now.
func (s *Sum) Add(r *Row, now time.Time) {
	f := &s.f
	f.Rows++
	switch r.Status(now) {
	case OnTime:
		f.OnTime++
		if r.Extensions > 0 && r.Ended.After(r.FirstDue) {
			f.AfterFirst++
		}
	case Late:
		f.Late++
		s.late = append(s.late, r.Lateness(now))
		if r.State == PassedOn {
			f.LatePassedOn++
		}
	case Within:
		f.Within++
	case Past:
		f.Past++
		s.late = append(s.late, r.Lateness(now))
	case Passed:
		f.PassedOn++
	case IsWithdrawn:
		f.Withdrawn++
		if r.Ended.After(r.Due) {
			f.WithdrawnPast++
		}
	}
	f.Extensions += r.Extensions
	if r.Extensions > 0 {
		f.Extended++
	}
}

// Merge adds the rows of another sum.
func (s *Sum) Merge(o *Sum) {
	late := append(s.late, o.late...)
	f, g := &s.f, &o.f
	for _, p := range [...]struct {
		to   *int
		from int
	}{
		{&f.Rows, g.Rows}, {&f.OnTime, g.OnTime}, {&f.Late, g.Late}, {&f.Within, g.Within}, {&f.Past, g.Past}, {&f.PassedOn, g.PassedOn},
		{&f.Withdrawn, g.Withdrawn}, {&f.LatePassedOn, g.LatePassedOn}, {&f.WithdrawnPast, g.WithdrawnPast},
		{&f.Extensions, g.Extensions}, {&f.Extended, g.Extended}, {&f.AfterFirst, g.AfterFirst},
	} {
		*p.to += p.from
	}
	s.late = late
}

// Figures are the sums so far.
func (s *Sum) Figures() Figures {
	f := s.f
	if decided := f.OnTime + f.Late + f.Past; decided > 0 {
		share := float64(f.OnTime) / float64(decided)
		f.OnTimeShare = &share
	}
	if n := len(s.late); n > 0 {
		late := slices.Sorted(slices.Values(s.late))
		f.LateMedian, f.Late90 = seconds(late[rank(n, 0.5)]), seconds(late[rank(n, 0.9)])
	}
	return f
}

// rank is the index of the least of n sorted values that a share of them does not exceed (nearest rank).
func rank(n int, share float64) int {
	return max(int(math.Ceil(share*float64(n)-1e-9)), 1) - 1
}

func seconds(d time.Duration) *int64 {
	s := int64(d / time.Second)
	return &s
}
