package engine

import (
	"cmp"
	"math"
	"slices"
)

// minOutage is how many instruments of one organisation must fall silent together, at least, to be one fault of the link and
// not each a fault of its own.
const minOutage = 5

// alone is how often an instrument is taken to fall silent by itself. With n of them, x = n every/alone do so within one
// interval; more than minOutage + x + 5 √x at once are no chance (five deviations of a Poisson count).
const alone = 30 * 24 * usHour

// outageOf is how many of n instruments must fall silent together to be one fault: so many, or half of all.
func outageOf(n int, every int64) int {
	x := float64(n) * float64(every) / alone
	return max(minOutage, min(int(math.Ceil(minOutage+x+5*math.Sqrt(x))), (n+1)/2))
}

// silenceKey names what fell silent under a detector: a datastream, or an organisation with many.
type silenceKey struct {
	detector string
	id       int64
}

// outage is many instruments of one organisation that fell silent together under one detector.
type outage struct {
	detector *Detector
	org      int64
	since    int64
	lost     map[int64]bool // the datastreams that have not spoken again
}

// Tick looks at the clock: it appends the silences that began since it was last asked, and lets time pass for detectors that
// join others. now is the clock; from is when the program began to listen, before which nobody could be heard.
func (e *Engine) Tick(now, from int64, changes []Change) []Change {
	if len(e.unchained) > 0 {
		e.rechain()
	}
	first := len(changes)
	changes = e.silence(now, from, changes)
	return e.tick(now, e.pass(first, changes))
}

func (e *Engine) silence(now, from int64, changes []Change) []Change {
	fresh := e.overdue(now, from)
	slices.SortFunc(fresh, func(a, b *instrument) int {
		return cmp.Or(cmp.Compare(a.heard, b.heard), cmp.Compare(a.id, b.id), cmp.Compare(a.detector.ID, b.detector.ID))
	})
	for _, in := range fresh {
		if in.outage != nil {
			continue // one that came before it took it along
		}
		if lost := e.lostWith(in, now); lost != nil {
			changes = e.lose(in, lost, now, changes)
			continue
		}
		in.silent = in.heard
		changes = append(changes, Change{
			Detector: in.detector, Kind: Monitoring, Fault: SilentFault, Subject: Subject{ID: in.id}, Since: in.heard, At: now,
			Datastream: in.id, Datastreams: []int64{in.id},
		})
	}
	return changes
}

// usSecond is the width of a bucket of the clock in which silences come due.
const usSecond = int64(1e6)

// expect has the clock look at an instrument when it will have said nothing for too long, if it says no more.
func (e *Engine) expect(in *instrument, from int64) {
	after := micros(in.detector.SilenceOf(in.input))
	if after == 0 || !in.live || in.expected || in.silent != 0 || in.outage != nil {
		return
	}
	in.expected = true
	bucket := max((max(in.heard, from)+after+usSecond-1)/usSecond, e.looked+1)
	if len(e.due) == 0 || bucket < e.first {
		e.first = bucket
	}
	e.due[bucket] = append(e.due[bucket], in)
}

// overdue are the instruments that have said nothing for too long since it was last asked.
func (e *Engine) overdue(now, from int64) (fresh []*instrument) {
	for b := max(e.first, e.looked+1); b <= now/usSecond; b++ {
		if len(e.due) == 0 {
			break
		}
		ins := e.due[b]
		delete(e.due, b)
		e.looked = b
		for _, in := range ins {
			in.expected = false
			switch {
			case in.gone || in.silent != 0 || in.outage != nil:
			case now-max(in.heard, from) < micros(in.detector.SilenceOf(in.input)):
				e.expect(in, from) // it was heard meanwhile
			default:
				fresh = append(fresh, in)
			}
		}
	}
	e.looked = max(e.looked, now/usSecond)
	return fresh
}

// lostWith are the instruments of the same organisation and detector that said their last within one interval of this one's
// last, itself among them, where these are enough to be one fault; else nil. Those that are not called silent yet count: an
// instrument that spoke a little later before the link broke will be silent a little later.
func (e *Engine) lostWith(in *instrument, now int64) (lost []*instrument) {
	every := micros(in.detector.Every)
	heard := 0
	org := e.streams[in.id].Organisation
	if org == 0 {
		return nil
	}
	for x := range e.crews[silenceKey{in.detector.ID, org}] {
		if !x.live || x.silent != 0 {
			continue
		}
		heard++
		if x.outage == nil && x.heard-in.heard <= every && in.heard-x.heard <= every && now-x.heard > every {
			lost = append(lost, x)
		}
	}
	if len(lost) < outageOf(heard, every) {
		return nil
	}
	slices.SortFunc(lost, func(a, b *instrument) int { return cmp.Compare(a.id, b.id) })
	return lost
}

func (e *Engine) lose(in *instrument, lost []*instrument, now int64, changes []Change) []Change {
	org := e.streams[in.id].Organisation
	if o := e.outages[silenceKey{in.detector.ID, org}]; o != nil { // more of the same
		for _, x := range lost {
			x.outage, o.lost[x.id] = o, true
		}
		return changes
	}
	o := &outage{detector: in.detector, org: org, since: in.heard, lost: map[int64]bool{}}
	c := Change{
		Detector: in.detector, Kind: Monitoring, Fault: CommsFault, Subject: Subject{ScopeOrganisation, o.org}, Since: o.since, At: now,
		Datastream: in.id, Value: float64(len(lost)),
	}
	for _, x := range lost {
		x.outage = o
		o.lost[x.id] = true
		c.Datastreams = append(c.Datastreams, x.id)
	}
	e.outages[silenceKey{o.detector.ID, o.org}] = o
	return append(changes, c)
}

// hear notes that an instrument has spoken at a time, or that it is gone, and ends what was said about its silence.
func (e *Engine) hear(in *instrument, at int64, gone bool, changes []Change) []Change {
	if o := in.outage; o != nil {
		in.outage = nil
		changes = e.find(o, in.id, at, gone, changes)
	}
	key := silenceKey{in.detector.ID, in.id}
	if gone {
		in.silent = max(in.silent, e.silences[key])
		delete(e.silences, key)
	}
	if in.silent != 0 && (at > in.silent || gone) {
		changes = append(changes, Change{
			Detector: in.detector, Kind: Monitoring, Fault: SilentFault, Subject: Subject{ID: in.id}, Since: in.silent, At: at,
			Cleared: true, Withdrawn: gone, Datastream: in.id, Datastreams: []int64{in.id},
		})
		in.silent = 0
	}
	return changes
}

// find takes a datastream out of an outage, which ends with its last.
func (e *Engine) find(o *outage, id, at int64, gone bool, changes []Change) []Change {
	if delete(o.lost, id); len(o.lost) > 0 {
		return changes
	}
	delete(e.outages, silenceKey{o.detector.ID, o.org})
	return append(changes, Change{
		Detector: o.detector, Kind: Monitoring, Fault: CommsFault, Subject: Subject{ScopeOrganisation, o.org}, Since: o.since,
		At: at, Cleared: true, Withdrawn: gone, Datastream: id,
	})
}

// part takes a datastream out of the outages that no instrument of it belongs to: it is gone, judged by other detectors or
// another organisation's, maybe since before a restart.
func (e *Engine) part(id int64, under []*instrument, changes []Change) []Change {
	var left []*outage
	for _, o := range e.outages {
		if o.lost[id] && !slices.ContainsFunc(under, func(in *instrument) bool { return in.outage == o }) {
			left = append(left, o)
		}
	}
	slices.SortFunc(left, func(a, b *outage) int {
		return cmp.Or(cmp.Compare(a.detector.ID, b.detector.ID), cmp.Compare(a.org, b.org))
	})
	for _, o := range left {
		changes = e.find(o, id, o.since, true, changes)
	}
	return changes
}

// ResumeSilence marks a silence that was reported and still stands.
func (e *Engine) ResumeSilence(d *Detector, datastream, since int64) {
	e.silences[silenceKey{d.ID, datastream}] = since
}

// ResumeOutage marks a fault of many instruments that was reported and still stands.
func (e *Engine) ResumeOutage(d *Detector, organisation, since int64, datastreams []int64) {
	o := &outage{detector: d, org: organisation, since: since, lost: map[int64]bool{}}
	for _, id := range datastreams {
		o.lost[id] = true
	}
	e.outages[silenceKey{d.ID, organisation}] = o
}

// rejoin puts an instrument back into the outage that it was part of before a restart, unless it has spoken since. Out of that
// of another organisation it takes it: see part.
func (e *Engine) rejoin(in *instrument, organisation int64, changes []Change) []Change {
	if in.outage != nil && in.outage.org != organisation {
		in.outage = nil
	}
	o := e.outages[silenceKey{in.detector.ID, organisation}]
	if o == nil || !o.lost[in.id] || in.outage != nil {
		return changes
	}
	if !in.live {
		e.soil(in.subject)
	}
	in.outage, in.live = o, true
	if in.heard-o.since > micros(in.detector.Every) {
		changes = e.hear(in, in.heard, false, changes)
	}
	return changes
}
