package verify

import (
	"cmp"
	"slices"
)

// Episodes makes one of alerts of one source that follow each other by less than gap: to people they are one alarm. The
// result is in the order of raising.
func Episodes(alerts []Alert, gap int64) []Alert {
	in := slices.Clone(alerts)
	slices.SortStableFunc(in, func(a, b Alert) int { return cmp.Compare(a.From, b.From) })
	last := map[string]int{} // index in out by source
	var out []Alert
	for _, a := range in {
		if i, ok := last[a.Source]; ok && a.From-out[i].To < gap {
			out[i].To = max(out[i].To, a.To)
			out[i].Assets, out[i].Places = union(out[i].Assets, a.Assets), union(out[i].Places, a.Places)
			continue
		}
		last[a.Source] = len(out)
		out = append(out, a)
	}
	return out
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(slices.Clip(a), s) // the caller's slice stays as it is
		}
	}
	return a
}

// QuietIntervals counts the intervals of a length, counted from first, that lie wholly in first..last and in which neither
// an alert stood nor an event was under way, longer by the rule's times: the correct negatives. Where the events are, does
// not matter: the whole of what is watched is quiet, or not.
func QuietIntervals(events []Event, alerts []Alert, rule Rule, first, last, length int64) int {
	if length <= 0 || last < first {
		return 0
	}
	type span struct{ from, to int64 }
	var busy []span
	for _, e := range events {
		busy = append(busy, span{e.Start - rule.Before, e.End + max(rule.After, rule.Linger)})
	}
	for _, a := range alerts {
		busy = append(busy, span{a.From, a.To})
	}
	slices.SortFunc(busy, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	total := (last - first) / length
	quiet, done := total, int64(0) // intervals before done have been looked at
	for _, b := range busy {
		if b.to < first || b.from >= first+total*length {
			continue
		}
		from, to := max((max(b.from, first)-first)/length, done), min((b.to-first)/length, total-1)
		if to >= from {
			quiet -= to - from + 1
			done = to + 1
		}
	}
	return int(quiet)
}
