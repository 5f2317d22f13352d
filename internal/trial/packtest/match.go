package packtest

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Result is what became of a test.
type Result struct {
	Test     *Test
	Steps    []Step // all that happened
	Failures []Failure

	matched []int // for each expectation, the step that fulfils it, or -1
}

// Failed says whether the test failed.
func (r *Result) Failed() bool { return len(r.Failures) > 0 }

// Failure is an expectation that nothing fulfilled, or something that nothing expected, or both: what was expected and
// what came instead.
type Failure struct {
	Expected *Expectation // nil: nothing like it was expected
	Got      *Step        // nil: nothing like it happened
}

// run runs one test.
func (s *Suite) run(t *Test) *Result {
	r := &Result{Test: t, Steps: play(s.rules, &t.story)}
	free := s.match(r)
	for i := range t.Expect {
		if r.matched[i] >= 0 {
			continue
		}
		e := &t.Expect[i]
		f := Failure{Expected: e}
		if n := s.nearest(e, r.Steps, free); n >= 0 {
			f.Got = &r.Steps[n]
			free = slices.DeleteFunc(free, func(x int) bool { return x == n })
		}
		r.Failures = append(r.Failures, f)
	}
	for _, n := range free {
		r.Failures = append(r.Failures, Failure{Got: &r.Steps[n]})
	}
	return r
}

// match gives as many expectations as possible a step each, and returns the steps that are left. Two windows may overlap,
// so the first step that fits may be another's only one: augmenting paths (Kuhn, "The Hungarian method", 1955).
func (s *Suite) match(r *Result) (free []int) {
	r.matched = make([]int, len(r.Test.Expect))
	taken := make([]int, len(r.Steps))
	for i := range r.matched {
		r.matched[i] = -1
	}
	for i := range taken {
		taken[i] = -1
	}
	var place func(e int, seen []bool) bool
	place = func(e int, seen []bool) bool {
		for n := range r.Steps {
			if seen[n] || len(s.differences(&r.Test.Expect[e], &r.Steps[n])) > 0 {
				continue
			}
			seen[n] = true
			if taken[n] < 0 || place(taken[n], seen) {
				taken[n], r.matched[e] = e, n
				return true
			}
		}
		return false
	}
	for e := range r.Test.Expect {
		place(e, make([]bool, len(r.Steps)))
	}
	for n, e := range taken {
		if e < 0 {
			free = append(free, n)
		}
	}
	return free
}

// What a step can differ in from what was expected.
const (
	differsDetector = "detector"
	differsWhat     = "what"
	differsTime     = "time"
	differsAsset    = "asset"
	differsPlace    = "place"
	differsArea     = "area"
	differsOpens    = "opens"
	differsTextEN   = "text in en"
	differsTextZH   = "text in zh-CN"
)

func (s *Suite) differences(e *Expectation, got *Step) []string {
	var ds []string
	differ := func(what string, yes bool) {
		if yes {
			ds = append(ds, what)
		}
	}
	differ(differsDetector, s.Pack.ID(e.Detector) != got.Detector)
	differ(differsWhat, e.Cleared != got.Cleared || e.Fault != got.Fault || e.Level != got.Level)
	differ(differsTime, got.At < e.From || got.At > e.To)
	differ(differsAsset, e.Asset != "" && e.Asset != got.Asset)
	differ(differsPlace, e.Place != "" && e.Place != got.Place)
	differ(differsArea, e.Area != "" && e.Area != got.Area)
	differ(differsOpens, e.Opens != "" && e.Opens != got.Opens)
	differ(differsTextEN, !strings.Contains(got.Text.EN, e.Text.EN))
	differ(differsTextZH, !strings.Contains(got.Text.ZH, e.Text.ZH))
	return ds
}

// nearest is the step among the free ones that was most likely meant, or -1: of the same detector, with the fewest
// differences, at the least distance in time.
func (s *Suite) nearest(e *Expectation, steps []Step, free []int) int {
	best, least, far := -1, 0, time.Duration(0)
	for _, n := range free {
		ds := s.differences(e, &steps[n])
		if slices.Contains(ds, differsDetector) {
			continue
		}
		score := len(ds)
		if slices.Contains(ds, differsWhat) {
			score += 10
		}
		distance := max(e.From-steps[n].At, steps[n].At-e.To, 0)
		if best < 0 || cmp.Or(cmp.Compare(score, least), cmp.Compare(distance, far)) < 0 {
			best, least, far = n, score, distance
		}
	}
	return best
}
