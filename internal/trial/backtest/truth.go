package backtest

import (
	"cmp"
	"slices"
)

// Event is something that is known to have happened.
type Event struct {
	Name       string
	Start, End int64 // µs UTC, both included
	Onset      int64 // when it began to harm, to which lead time counts; 0: at its start
	// Assets and Places say where, by external ids; neither: anywhere.
	Assets, Places []string
	Detector       string // the one that should find it, "gas/methane-ambient" or "methane-ambient"; "": any
	Kind           string // the kind of case that it is, "gas-leak": for detectors that open such; "": any
}

// ReadTruth reads a list of events: CSV with the columns start and end, and if there are: name, harmful_at, place, asset
// (several parted by ;), detector, kind. An empty end means that it was over at once.
func ReadTruth(file string) ([]Event, error) {
	out := []Event{} // a list without events says that nothing happened
	err := openSheet(file, []string{"start", "end"}, []string{"name", "harmful_at", "place", "asset", "detector", "kind"}, func(s *sheet) {
		e := Event{Name: s.text("name"), Assets: s.list("asset"), Places: s.list("place"), Detector: s.text("detector"), Kind: s.text("kind")}
		var startOK, endOK bool
		if e.Start, startOK = s.time("start", 0); !startOK {
			return
		}
		e.End, endOK = s.time("end", e.Start)
		if s.text("harmful_at") != "" {
			if e.Onset, _ = s.time("harmful_at", 0); e.Onset != 0 && e.Onset < e.Start {
				s.say("harmful_at", "it harms before it starts")
			}
		}
		if endOK && e.End < e.Start {
			s.say("end", "the event ends before it starts")
		}
		out = append(out, e)
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(out, func(a, b Event) int { return cmp.Compare(a.Start, b.Start) })
	return out, nil
}

// Forecast is a probability that an event is under way at some time from From to Until, said at Issued.
type Forecast struct {
	Detector            string // the detector or outside model that said it
	Issued, From, Until int64  // µs UTC
	Assets, Places      []string
	Kind                string
	Probability         float64
}

// ReadForecasts reads forecasts with a probability: CSV with the columns detector, issued, from, until, probability, and if
// there are: place, asset, kind.
func ReadForecasts(file string) ([]Forecast, error) {
	var out []Forecast
	err := openSheet(file, []string{"detector", "issued", "from", "until", "probability"}, []string{"place", "asset", "kind"}, func(s *sheet) {
		f := Forecast{Detector: s.text("detector"), Assets: s.list("asset"), Places: s.list("place"), Kind: s.text("kind")}
		var ok [4]bool
		f.Issued, ok[0] = s.time("issued", 0)
		f.From, ok[1] = s.time("from", 0)
		f.Until, ok[2] = s.time("until", 0)
		f.Probability, ok[3] = s.number("probability")
		if f.Detector == "" {
			s.say("detector", "is empty")
		}
		if ok[1] && ok[2] && f.Until < f.From {
			s.say("until", "the time forecast ends before it starts")
		}
		if ok[0] && ok[2] && f.Issued > f.Until {
			s.say("issued", "it was said after the time it is about")
		}
		if ok[3] && (f.Probability < 0 || f.Probability > 1) {
			s.say("probability", "expected 0 to 1, got %g", f.Probability)
		}
		out = append(out, f)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
