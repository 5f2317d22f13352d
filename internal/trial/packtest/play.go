package packtest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/pack"
)

// This file alone knows the engine.

// What can be wrong with the watch.
const (
	silent = string(engine.SilentFault)
	stuck  = string(engine.StuckFault)
	comms  = string(engine.CommsFault)
)

// rules are the compiled detectors of a pack.
type rules []*engine.Detector

func compile(p *pack.Pack) (rules, error) { return engine.Compile(p) }

// compileTrial compiles rules that were made easier: what is no longer sensible in them is no mistake of the pack.
func compileTrial(p *pack.Pack) (rules, error) { return engine.CompileTrial(p) }

// Step is one step of one alert. Times count from the start of the story.
type Step struct {
	Detector  string // in full
	At, Since time.Duration
	Level     string // that is reached; "" where it cleared, and of a fault of the watch
	Down      bool   // it is reached from a higher one
	Cleared   bool
	Fault     string // of the watch: silent, stuck, comms; "" for a hazard
	Opens     string // the kind of case that the step opens
	Series    string // whose reading, or silence, made the step
	Watched   []string
	Asset     string
	Place     string
	Area      string
	Value     float64
	Text      words

	subject string // tells alerts of one detector apart
	scope   string // what the alert is of: asset, place or area
}

// scopes are what alerts are of, by the key that expectations have for it.
var scopes = map[engine.Scope]string{engine.ScopeDatastream: "asset", engine.ScopeAsset: "asset", engine.ScopePlace: "place", engine.ScopeArea: "area"}

// alone says that a detector judges each instrument by itself.
func (rs rules) alone(detector string) bool {
	return slices.ContainsFunc(rs, func(d *engine.Detector) bool {
		return d.ID == detector && len(d.Inputs) == 0 && !d.Together && d.Joins == nil
	})
}

// reads says whether a detector judges what the instrument says.
func (rs rules) reads(detector string, in *instrument) bool {
	for _, d := range rs {
		if d.ID != detector {
			continue
		}
		on := func(property pack.Property, kinds []pack.Kind) bool {
			return property.ID == in.property && slices.ContainsFunc(kinds, func(k pack.Kind) bool { return k.ID == in.asset.kind })
		}
		for _, input := range d.Inputs {
			if on(input.Property, input.Kinds) {
				return true
			}
		}
		if d.Joins != nil {
			return slices.ContainsFunc(d.Joins.Of, func(m engine.Member) bool { return m.Alert != "" && m.Alert != detector && rs.reads(m.Alert, in) })
		}
		return len(d.Inputs) == 0 && on(d.Property, d.Kinds)
	}
	return false
}

// play runs a story through the detectors and returns every step of every alert that holds in the end, in the order of time.
func play(rs rules, s *story) []Step {
	e := engine.New(rs)
	p := player{story: s, streams: map[int64]*instrument{}}
	var book engine.Book
	for _, in := range s.instruments {
		p.streams[in.id] = in
		book.Add(e.Bind(p.streamOf(in), nil)...)
	}
	at := func(t time.Duration) int64 { return s.start.Add(t).UnixMicro() }
	reading, reported := 0, 0
	for now := time.Duration(0); now <= s.end; now += s.every {
		for ; reading < len(s.readings) && s.readings[reading].arrives <= now; reading++ {
			r := s.readings[reading]
			book.Add(e.Evaluate(engine.Reading{Datastream: r.of.id, At: at(r.at), Value: r.value, Number: true}, at(r.arrives), nil)...)
		}
		for ; reported < len(s.reports) && s.reports[reported].at <= now; reported++ {
			r := s.reports[reported]
			book.Add(e.Report(engine.Report{ID: int64(reported + 1), At: at(r.at), Category: r.category, Point: r.place.point}, nil)...)
		}
		book.Add(e.Tick(at(now), at(0), nil)...)
	}
	var steps []Step
	for _, a := range book.Episodes() {
		for _, c := range a.Steps {
			steps = append(steps, p.step(c, e.Stream(c.Datastream)))
		}
	}
	slices.SortStableFunc(steps, func(a, b Step) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Detector, b.Detector))
	})
	return steps
}

func (p *player) streamOf(in *instrument) engine.Stream {
	a := in.asset
	s := engine.Stream{
		ID: in.id, Property: in.property, Asset: a.id, Kind: a.kind, Organisation: a.organisation, Point: a.point,
		AssetName: engine.Wording(a.title),
	}
	if at := a.place; at != nil {
		s.Place, s.PlaceName = at.id, engine.Wording(at.title)
		if s.Point == nil {
			s.Point = at.point
		}
		if at.area != nil {
			s.Area, s.AreaName = at.area.id, engine.Wording{EN: at.area.name, ZH: at.area.name}
		}
	}
	for _, other := range p.story.instruments {
		if other.property != in.property {
			continue
		}
		if slices.Contains(other.asset.feeds, a) {
			s.Upstream = append(s.Upstream, other.id)
		}
		if slices.Contains(a.feeds, other.asset) {
			s.Downstream = append(s.Downstream, other.id)
		}
	}
	return s
}

type player struct {
	story   *story
	streams map[int64]*instrument
}

func (p *player) step(c engine.Change, where engine.Stream) Step {
	in := p.streams[c.Datastream]
	s := Step{
		Detector: c.Detector.ID, At: p.since(c.At), Since: p.since(c.Since), Cleared: c.Cleared, Fault: string(c.Fault),
		Series: in.name, Asset: in.asset.name, Value: c.Value, subject: fmt.Sprintf("%s %v", c.Fault, c.Subject),
	}
	if place := in.asset.place; place != nil {
		s.Place = place.name
		if place.area != nil {
			s.Area = place.area.name
		}
	}
	for _, id := range c.Datastreams {
		s.Watched = append(s.Watched, p.streams[id].name)
	}
	if c.Detector.Joins != nil {
		s.Watched = append(s.Watched, in.name)
	}
	if s.Fault == "" && !c.Cleared {
		s.Level, s.Down = c.To.String(), c.From > c.To
		if o := c.Detector.Opens; o.Case != "" && c.To >= o.From && c.From < o.From {
			s.Opens = o.Case
		}
	}
	s.scope = scopes[c.Subject.Scope]
	where, _ = c.Detector.Public(where)
	s.Text = words(c.Detector.Because(c, where))
	if c.Kind == engine.Monitoring {
		_, because, _, _ := c.Detector.FaultWords(c, where)
		s.Text = words(because)
	}
	return s
}

func (p *player) since(micros int64) time.Duration {
	return time.UnixMicro(micros).Sub(p.story.start)
}
