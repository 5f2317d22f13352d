package backtest

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/anlan-city/anlan/internal/detect/engine"
)

// claim is one alert of the past.
type claim struct {
	detector *engine.Detector
	kind     engine.Kind
	stream   *Stream // whose reading, or silence, raised it
	streams  []int64 // all that the subject watches
	source   string  // the detector and its subject
	raised   int64
	// stood is until when its condition kept it up: an alert that waits for its off-delay claims nothing more.
	stood   int64
	cleared int64 // 0: it stood at the end
	first   engine.Level
	highest engine.Level
}

// past is what the detectors made of a history.
type past struct {
	claims      []claim // in the order of raising
	first, last int64   // of the readings
	readings    int     // that were judged or could have been
	streams     map[string]int
	text        int // readings that are no numbers
}

// play runs detectors over a history. The clock is the time of the newest reading, so that an instrument which stopped in
// the past is found silent as it would have been then.
func play(ctx context.Context, detectors []*engine.Detector, h *History) (*past, error) {
	p := &past{streams: map[string]int{}, first: math.MaxInt64, last: math.MinInt64}
	for _, d := range detectors {
		p.streams[d.ID] = watchedBy(d, detectors, h.Streams)
	}
	streams := map[int64]*Stream{}
	for i := range h.Streams {
		streams[h.Streams[i].ID] = &h.Streams[i]
	}
	var book engine.Book
	err := p.walk(ctx, detectors, h, func(_ engine.Reading, changes []engine.Change) error {
		book.Add(changes...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, a := range book.Episodes() {
		p.claims = append(p.claims, claimOf(a, streams, p.last))
	}
	slices.SortStableFunc(p.claims, func(a, b claim) int {
		return cmp.Or(cmp.Compare(a.raised, b.raised), cmp.Compare(a.source, b.source))
	})
	return p, nil
}

// Walk hands a history to detectors, reading by reading in the order of event time, and tells what each reading changed, the
// silences that were found before it included. tell must keep no changes.
func Walk(ctx context.Context, detectors []*engine.Detector, h *History, tell func(r engine.Reading, changes []engine.Change) error) error {
	p := &past{streams: map[string]int{}, first: math.MaxInt64, last: math.MinInt64}
	return p.walk(ctx, detectors, h, tell)
}

func (p *past) walk(ctx context.Context, detectors []*engine.Detector, h *History, tell func(r engine.Reading, changes []engine.Change) error) error {
	e := engine.New(detectors)
	for i := range h.Streams {
		e.Bind(h.Streams[i].Stream, nil)
	}
	properties := map[string]packProperty{}
	for _, d := range detectors {
		properties[d.Property.ID] = d.Property
		for _, in := range d.Inputs {
			properties[in.Property.ID] = in.Property
		}
	}
	conversions, left := h.units(properties)
	h.Notes = append(h.Notes, left...)
	watched := map[int64]bool{}
	for _, s := range h.Streams {
		watched[s.ID] = true
	}

	var changes []engine.Change
	every, longest := silences(detectors)
	var asked int64 // when silences were last looked for
	return h.Each(ctx, func(r engine.Reading) error {
		if !watched[r.Datastream] {
			return nil
		}
		if p.readings == 0 {
			asked = r.At
		}
		changes = changes[:0]
		// Step by step: a silence is found when it was. After a gap of the whole network all have been found silent.
		for ; r.At-asked >= every; asked += every {
			if p.readings > 0 && asked-p.last > longest+every {
				asked = r.At - (r.At-asked)%every
				break
			}
			changes = e.Tick(asked+every, p.first, changes)
		}
		p.readings++
		p.first, p.last = min(p.first, r.At), max(p.last, r.At)
		if !r.Number {
			p.text++
		}
		if c, ok := conversions[r.Datastream]; ok {
			r.Value = c.Of(r.Value)
		}
		changes = e.Evaluate(r, p.last, changes)
		return tell(r, changes)
	})
}

// claimOf is an alert of the past. One that stood at the end did so until last.
func claimOf(a *engine.Episode, streams map[int64]*Stream, last int64) claim {
	first := a.Steps[0]
	x := claim{
		detector: a.Detector, kind: a.Kind, stream: streams[first.Datastream], streams: first.Datastreams, source: sourceOf(a),
		raised: a.RaisedAt, first: first.To, highest: a.Level, cleared: a.ClearedAt, stood: last,
	}
	if a.ClearedAt != 0 {
		if x.stood = max(x.raised, a.ClearedAt-a.Detector.ClearFor.Microseconds()); a.Kind == engine.Monitoring {
			x.stood = a.ClearedAt
		}
	}
	return x
}

func sourceOf(a *engine.Episode) string {
	s := a.Detector.ID + "@" + []string{"", "place ", "asset ", "area ", "organisation "}[a.Subject.Scope] + itoa(a.Subject.ID)
	if a.Fault != engine.NoFault {
		s += " " + string(a.Fault)
	}
	return s
}

// watchedBy counts the datastreams that a detector judges, by itself or through the detectors that it joins.
func watchedBy(d *engine.Detector, all []*engine.Detector, streams []Stream) (n int) {
	if d.Joins != nil {
		for _, m := range d.Joins.Of {
			for _, x := range all {
				if x.ID == m.Alert {
					n += watchedBy(x, all, streams)
				}
			}
		}
		return n
	}
	for _, s := range streams {
		if d.Watches(s.Property, s.Kind) {
			n++
		}
	}
	return n
}

// silences tells how often to look for silences, a tenth of the shortest time that counts as one, and the longest such time.
func silences(detectors []*engine.Detector) (every, longest int64) {
	const least = int64(60e6)
	every = math.MaxInt64
	for _, d := range detectors {
		for i := range max(len(d.Inputs), 1) {
			after := d.SilenceOf(i).Microseconds()
			every, longest = min(every, after/10), max(longest, after)
		}
	}
	return max(every, least), longest
}
