package backtest

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/anlan-city/anlan/internal/detect"
)

// claim is one alert of the past.
type claim struct {
	detector *detect.Detector
	kind     detect.Kind
	stream   *Stream // whose reading, or silence, raised it
	streams  []int64 // all that the subject watches
	source   string  // the detector and its subject
	raised   int64
	// stood is until when its condition kept it up: an alert that waits for its off-delay claims nothing more.
	stood   int64
	cleared int64 // 0: it stood at the end
	first   detect.Level
	highest detect.Level
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
func play(ctx context.Context, detectors []*detect.Detector, h *History) (*past, error) {
	p := &past{streams: map[string]int{}, first: math.MaxInt64, last: math.MinInt64}
	engine := detect.NewEngine(detectors)
	streams := map[int64]*Stream{}
	for i := range h.Streams {
		s := &h.Streams[i]
		streams[s.ID] = s
		engine.Bind(s.Stream, nil)
	}
	for _, d := range detectors {
		for _, s := range h.Streams {
			if d.Property.ID == s.Property && slices.ContainsFunc(d.Kinds, func(k kindOf) bool { return k.ID == s.Kind }) {
				p.streams[d.ID]++
			}
		}
	}
	properties := map[string]packProperty{}
	for _, d := range detectors {
		properties[d.Property.ID] = d.Property
	}
	conversions, left := h.units(properties)
	h.Notes = append(h.Notes, left...)
	watched := map[int64]bool{}
	for _, s := range h.Streams {
		watched[s.ID] = true
	}

	standing := map[claimKey]int{} // index in p.claims
	take := func(changes []detect.Change) {
		for _, c := range changes {
			key := claimKey{c.Detector.ID, c.Kind, c.Subject, c.Since}
			i, ok := standing[key]
			switch {
			case c.Raised() && !ok:
				standing[key] = len(p.claims)
				p.claims = append(p.claims, claim{
					detector: c.Detector, kind: c.Kind, stream: streams[c.Datastream], streams: c.Datastreams, source: sourceOf(c),
					raised: c.At, first: c.To, highest: c.To,
				})
			case !ok: // a step of an alert that was never raised here
			case c.Cleared:
				x := &p.claims[i]
				x.cleared = c.At
				x.stood = max(x.raised, c.At-c.Detector.ClearFor.Microseconds())
				if c.Kind == detect.Monitoring {
					x.stood = c.At
				}
				delete(standing, key)
			default:
				p.claims[i].highest = max(p.claims[i].highest, c.To)
			}
		}
	}
	var changes []detect.Change
	every, longest := silences(detectors)
	var asked int64 // when silences were last looked for
	err := h.Each(ctx, func(r detect.Reading) error {
		if !watched[r.Datastream] {
			return nil
		}
		if p.readings == 0 {
			asked = r.At
		}
		// Step by step: a silence is found when it was. After a gap of the whole network all have been found silent.
		for ; r.At-asked >= every; asked += every {
			if p.readings > 0 && asked-p.last > longest+every {
				asked = r.At - (r.At-asked)%every
				break
			}
			changes = engine.Silent(asked+every, p.first, changes[:0])
			take(changes)
		}
		p.readings++
		p.first, p.last = min(p.first, r.At), max(p.last, r.At)
		if !r.Number {
			p.text++
		}
		if c, ok := conversions[r.Datastream]; ok {
			r.Value = c.Of(r.Value)
		}
		changes = engine.Evaluate(r, p.last, changes[:0])
		take(changes)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, i := range standing {
		p.claims[i].stood = p.last
	}
	slices.SortStableFunc(p.claims, func(a, b claim) int {
		return cmp.Or(cmp.Compare(a.raised, b.raised), cmp.Compare(a.source, b.source))
	})
	return p, nil
}

// claimKey names an alert for ever, as the engine's changes do.
type claimKey struct {
	detector string
	kind     detect.Kind
	subject  detect.Subject
	since    int64
}

func sourceOf(c detect.Change) string {
	s := c.Detector.ID + "@"
	if c.Subject.Place {
		s += "place "
	}
	s += itoa(c.Subject.ID)
	if c.Kind == detect.Monitoring {
		s += " silent"
	}
	return s
}

// silences tells how often to look for silences, a tenth of the shortest time that counts as one, and the longest such time.
func silences(detectors []*detect.Detector) (every, longest int64) {
	const least = int64(60e6)
	every = math.MaxInt64
	for _, d := range detectors {
		every, longest = min(every, d.SilentAfter.Microseconds()/10), max(longest, d.SilentAfter.Microseconds())
	}
	return max(every, least), longest
}
