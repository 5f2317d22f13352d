package backtest

import (
	"maps"
	"slices"

	"github.com/anlan-city/anlan/internal/methods/verify"
)

// probabilities scores forecasts against the events: a forecast came true if an event that it is about was under way at some
// time that it speaks of. Forecasts that reach beyond the readings' period can't be judged and do not count.
func probabilities(forecasts []Forecast, truth []Event, first, last int64, say func(en, zh string, args ...any)) []ProbabilityModel {
	models := map[string]*verify.Probabilities{}
	beyond := 0
	for _, f := range forecasts {
		if f.From < first || f.Until > last {
			beyond++
			continue
		}
		if models[f.Detector] == nil {
			models[f.Detector] = &verify.Probabilities{}
		}
		models[f.Detector].Add(f.Probability, slices.ContainsFunc(truth, func(e Event) bool { return f.about(e) }))
	}
	if beyond > 0 {
		say("%d forecasts reach beyond the readings' period and do not count", "%d 条预报超出数据时段，不计入", beyond)
	}
	out := []ProbabilityModel{}
	for _, id := range slices.Sorted(maps.Keys(models)) {
		out = append(out, ProbabilityModel{id, models[id].Scores()})
	}
	return out
}

// about says that the event is one that the forecast spoke of.
func (f *Forecast) about(e Event) bool {
	if f.Kind != "" && e.Kind != "" && f.Kind != e.Kind {
		return false
	}
	event := e.verified()
	said := verify.Alert{From: f.From, To: f.Until, Assets: f.Assets, Places: f.Places}
	if len(f.Assets)+len(f.Places) == 0 { // of the whole city
		event.Assets, event.Places = nil, nil
	}
	return verify.Match([]verify.Event{event}, []verify.Alert{said}, verify.Rule{}).Events[0].First != verify.None
}
