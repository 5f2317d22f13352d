package verify

// Standing says that an alarm of the source has stood since before the time that is measured. It is no alarm of that time, but
// it can be stale in it.
func (l *Load) Standing(since int64, name string) {
	s := l.sources[name]
	if s == nil {
		s = &source{name: name}
		l.sources[name] = s
	}
	if s.since == 0 {
		// Days before the first are not counted, so it need not stand for longer than makes it stale on the first.
		s.since = max(since, l.first-staleAfter)
		s.last[0] = s.since // it is not fleeting
	}
}

// FloodSince says whether a position is in a flood at an instant, and since when, from the times of its alarms in order: a
// flood begins when the ten minutes up to an alarm hold more than FloodAbove, and has ended once they hold fewer than
// FloodBelow (EEMUA 191; ISA-18.2 clause 16). Load counts the same in fixed periods of
// ten minutes; here the ten minutes slide, since nobody on duty waits for a period to end.
func FloodSince(alarms []int64, now int64) (since int64, flooded bool) {
	first := 0 // of those within ten minutes
	within := func(i int, at int64) int {
		for first < i && alarms[first] <= at-tenMinutes {
			first++
		}
		return i - first
	}
	n := 0
	for n < len(alarms) && alarms[n] <= now {
		at := alarms[n]
		if flooded && within(n, at-1) < FloodBelow { // it had ended before this alarm came
			flooded = false
		}
		n++
		if in := within(n, at); !flooded && in > FloodAbove {
			since, flooded = at, true
		}
	}
	if !flooded || within(n, now) < FloodBelow {
		return 0, false
	}
	return since, true
}
