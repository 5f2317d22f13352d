package backtest

import (
	"context"
	"fmt"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/methods/ucum"
	"github.com/anlan-city/anlan/internal/pack"
)

// Stream is a datastream of the past.
type Stream struct {
	engine.Stream
	AssetKey, PlaceKey string // external ids, which the truth names
	Unit               string
	Home               bool // stands in a home: only its building may be named
}

// History is a past that detectors can be run over.
type History struct {
	Streams []Stream
	// Each hands the readings over in the order of event time.
	Each func(ctx context.Context, fn func(engine.Reading) error) error
	// Truth are events that came with the history, Detector what they are about ("" for any).
	Truth []Event
	Notes []engine.Wording // what was left out
}

// note says the same in both languages; the arguments stand in one order in both.
func note(en, zh string, args ...any) engine.Wording {
	return engine.Wording{EN: fmt.Sprintf(en, args...), ZH: fmt.Sprintf(zh, args...)}
}

// units are conversions of readings into the unit that a pack judges in, by datastream. A datastream that can't be converted
// is left out, with a note, for a detector must not take kPa for bar.
func (h *History) units(properties map[string]pack.Property) (conversions map[int64]ucum.Conversion, left []engine.Wording) {
	conversions = map[int64]ucum.Conversion{}
	kept := h.Streams[:0:0]
	for _, s := range h.Streams {
		p, watched := properties[s.Property]
		if watched && s.Unit != "" && s.Unit != p.Unit {
			c, err := between(s.Unit, p.Unit)
			if err != nil {
				left = append(left, note("%s of %s was left out: %v", "%s（%s）未参与回测：%v", s.Property, s.AssetKey, err))
				continue
			}
			conversions[s.ID] = c
		}
		kept = append(kept, s)
	}
	h.Streams = kept
	return conversions, left
}

func between(from, to string) (c ucum.Conversion, err error) {
	a, err := ucum.Parse(from)
	if err != nil {
		return c, fmt.Errorf("unit %q: %w", from, err)
	}
	b, err := ucum.Parse(to)
	if err != nil {
		return c, fmt.Errorf("unit %q: %w", to, err)
	}
	return ucum.Between(a, b)
}
