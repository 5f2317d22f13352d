package public

import (
	"context"
	"html/template"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/warn/area"
)

const (
	// pastShown is how long the public page tells that a warning is over.
	pastShown = 24 * time.Hour

	// redraw is the longest that a picture stands: its pages say which minute it is.
	redraw = time.Minute

	// patience bounds how long the store may take for what the public reads.
	patience = 5 * time.Second
)

// facts are what the public picture is drawn from, as the store had them at an instant.
type facts struct {
	generation uint64
	ours       uint64
	read       time.Time
	list       []Warning // published to all; in force, or over for no longer than pastShown; newest first
	relayed    []Warning // others', in force when the store was read
	changed    time.Time // when any of what the feed holds last changed
	steps      int64     // messages published to all, and warnings of theirs whose time had run out
	areas      []area.Area
	parents    map[int64]int64
}

// picture is what the public reads at an instant, and until when that holds. It never changes but for its shelf.
type picture struct {
	facts
	at, until time.Time
	inForce   []Warning // ours, the most severe first
	shown     []Warning // ours and others', the most severe first
	ended     []Warning // before their time: who holds them must learn of it
	past      []Warning // over for no longer than pastShown, the latest first
	changed   time.Time
	sequence  int64 // grows with each change of what is in force

	under struct { // the land under all maps
		sync.Once
		mapLand
	}
	shelf shelf
	parts sync.Map // key -> func() (template.HTML, error): what several pages share; what exists bounds it
}

// present returns the picture of this moment.
func (s *Service) present(ctx context.Context) (*picture, error) {
	if p := s.picture.Load(); p.holds(s.clock.Now(), s.generation.Load()) {
		return p, nil
	}
	s.drawing.Lock()
	defer s.drawing.Unlock()
	now, generation, ours := s.clock.Now(), s.generation.Load(), s.ours.Load() // before the store is read: what comes later makes it out of date
	before := s.picture.Load()
	if before.holds(now, generation) {
		return before, nil
	}
	// The picture is the public's, whoever happens to ask first and however soon they leave.
	ctx, cancel := context.WithTimeout(access.With(context.WithoutCancel(ctx), access.Actor{}), patience)
	defer cancel()
	if err := s.access.Decide(ctx, "warning.read", access.Resource{Type: "warning"}, access.PublicInformation); err != nil {
		return nil, err
	}
	f, err := s.gather(ctx, now, generation)
	if err != nil {
		// Nothing was published or ended since: what was read before is still right, and the clock says what is over.
		if before == nil || before.generation != generation || now.Before(before.read) {
			return nil, err
		}
		slog.WarnContext(ctx, "warnings are shown as they were last read", "read", before.read, "err", err)
		f = before.facts
	}
	f.ours = ours
	p := f.draw(now)
	if before != nil && before.ours != p.ours && p.changed.Unix() > 0 && before.changed.Unix() >= p.changed.Unix() {
		// Two changes within a second: the later must not look like the earlier to who asks by the second.
		p.changed = before.changed.Add(time.Second)
	}
	s.picture.Store(p)
	return p, nil
}

func (p *picture) holds(now time.Time, generation uint64) bool {
	return p != nil && p.generation == generation && !now.Before(p.at) && now.Before(p.until)
}

// part returns a part of pages, made when it is first needed.
func (p *picture) part(k key, make func() (template.HTML, error)) (template.HTML, error) {
	if f, ok := p.parts.Load(k); ok {
		return f.(func() (template.HTML, error))()
	}
	f, _ := p.parts.LoadOrStore(k, sync.OnceValues(make))
	return f.(func() (template.HTML, error))()
}

// gather reads the facts.
func (s *Service) gather(ctx context.Context, now time.Time, generation uint64) (facts, error) {
	f := facts{generation: generation, read: now, parents: map[int64]int64{}}
	published, err := s.warnings.Published(ctx, now.Add(-pastShown), now)
	if err != nil {
		return f, err
	}
	f.list, f.changed, f.steps = published.List, published.Changed, published.Steps
	f.areas, err = s.areas.Areas(ctx)
	for _, a := range f.areas {
		f.parents[a.ID] = a.Parent
	}
	if err != nil || s.relays == nil {
		return f, err
	}
	others, steps, err := s.relays.Standing(ctx, now)
	f.steps += steps
	for _, r := range others {
		f.relayed = append(f.relayed, s.passedOn(r, &f))
	}
	return f, err
}

// draw makes the picture of an instant that is not before the facts were read.
func (f facts) draw(now time.Time) *picture {
	p := &picture{facts: f, at: now, until: now.Truncate(redraw).Add(redraw), changed: f.changed, sequence: f.steps}
	until := func(t time.Time) {
		if t.After(now) && t.Before(p.until) {
			p.until = t
		}
	}
	for _, w := range f.list {
		over := w.over(now)
		switch {
		case over == nil:
			p.inForce = append(p.inForce, w)
			until(w.Onset)
		case now.Sub(over.At) < pastShown:
			p.past = append(p.past, w)
			until(over.At.Add(pastShown))
		}
		if over != nil && w.Expires.After(now) {
			p.ended = append(p.ended, w)
		}
		until(w.Expires)
		if w.Expires.After(f.read) && !w.Expires.After(now) { // its time ran out since
			if w.Expires.After(p.changed) {
				p.changed = w.Expires
			}
			if w.End == nil {
				p.sequence++
			}
		}
	}
	bySeverity := func(a, b Warning) int { return rank(a.Level) - rank(b.Level) }
	slices.SortStableFunc(p.inForce, bySeverity)
	p.shown = slices.Clone(p.inForce)
	for _, w := range f.relayed {
		switch {
		case w.Expires.After(now):
			p.shown = append(p.shown, w)
			until(w.Onset)
			until(w.Expires)
		case w.Expires.After(f.read):
			p.sequence++
		}
	}
	slices.SortStableFunc(p.shown, bySeverity)
	latest := func(a, b Warning) int { return b.over(now).At.Compare(a.over(now).At) }
	slices.SortStableFunc(p.ended, latest)
	slices.SortStableFunc(p.past, latest)
	return p
}

// over says how the warning ended, nil while it is in force. The clock decides, not what was written down.
func (w *Warning) over(now time.Time) *End {
	switch {
	case w.End != nil:
		return w.End
	case !w.Expires.After(now):
		return &End{"expired", w.Expires, ""}
	}
	return nil
}

// area returns the area of the id.
func (f *facts) area(id int64) (area.Area, bool) {
	at := slices.IndexFunc(f.areas, func(a area.Area) bool { return a.ID == id })
	if at < 0 {
		return area.Area{}, false
	}
	return f.areas[at], true
}
