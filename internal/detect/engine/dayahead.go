package engine

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/anlan-city/anlan/internal/methods/forecast"
	"github.com/anlan-city/anlan/internal/pack"
)

// day_ahead forecasts the hours of the coming day from the habits of the series. What is known of the habits takes some 20 kB,
// a hundred times what any other variable does, so it is kept once: the states of a subject that are at the same hour share it
// (habits), and none changes it.

type dayAheadDoc struct {
	Figure pack.String   `yaml:"figure" pack:"required,one of highest lowest mean" doc:"what of the coming hours, each of them the mean of its readings"`
	Within pack.Duration `yaml:"within" pack:"above 0s" default:"24h" doc:"how far ahead it looks: whole hours, 24 at most"`
	Edge   pack.String   `yaml:"edge" pack:"one of low likely high" default:"likely" doc:"which edge of the forecast: it turns out lower than low, or higher than high, one time in ten each"`
	Habits pack.String   `yaml:"habits" pack:"one of week day" default:"week" doc:"week: the days of the week differ, as in what people use; day: only the hours of the day do"`
	Level  pack.Duration `yaml:"level" pack:"at least 1d,at most 90d" default:"7d" doc:"the time constant of the level that it comes back to"`
	Factor pack.Number   `yaml:"factor_from" pack:"above 0" doc:"for what is never negative and varies by factors: well above this, a change counts as a share of it (forecast as ln(x + this)); left out: by amounts"`
	Series int           `yaml:"series" pack:"required,at least 1" doc:"how many series the rule is meant to watch: each takes some 20 kB, where other variables take some hundred bytes, so it is for few"`
	Pos    pack.Pos
}

// maxDayAhead is how many series one rule may be meant to forecast: 10 MB of habits, that are in each snapshot, too.
const maxDayAhead = 500

// dayAheadRule is what a rule says of one such variable.
type dayAheadRule struct {
	of     int
	hours  forecast.HourlyParams
	params forecast.DayAheadParams
	edge   string
}

// staleForecast is how many hours a forecast stands without a newer one.
const staleForecast = 3

func (c *compiler) dayAhead(d *Detector, of int, doc *dayAheadDoc, v *variable, base variable) {
	within := max(1, int(doc.Within.Value/time.Hour))
	switch {
	case !doc.Within.IsZero() && (doc.Within.Value%time.Hour != 0 || within > 24):
		c.Add(doc.Within.Pos, pack.CodeValue, "within is %s; it is told for whole hours, 24 at most", span(doc.Within.Value).EN)
		within = 24
	case base.perDay < 24:
		c.Add(doc.Pos, pack.CodeValue, "day_ahead needs a value each hour, and %s has %.3g a day", base.said.EN, base.perDay)
	case doc.Series > maxDayAhead:
		c.Add(doc.Pos, pack.CodeValue, "day_ahead takes 20 kB of memory and of each snapshot for a series, %d MB for %d of them; it is for the few that are worth it, %d at most",
			doc.Series*20/1000, doc.Series, maxDayAhead)
	}
	r := &dayAheadRule{of: of, edge: doc.Edge.Value, hours: forecast.HourlyParams{Every: int64(24 * usHour / base.perDay)}, params: forecast.DayAheadParams{
		Within: within,
		Figure: map[string]forecast.Figure{"highest": forecast.Highest, "lowest": forecast.Lowest, "mean": forecast.Mean}[doc.Figure.Value],
		// Memory, Clip and Cover were chosen by bench/forecast, on the first halves of its records.
		Habits: forecast.Habits{
			Log: !doc.Factor.IsZero(), Shift: doc.Factor.Value, Week: doc.Habits.Value == "week", Level: doc.Level.Value.Hours(),
			Memory: 120 * 24, Clip: 2, Cover: forecast.Cover{Share: 0.8, Rate: 0.02},
		},
	}}
	v.perDay = 24
	edge := map[string]Wording{"low": {", low estimate", "（偏低估计）"}, "high": {", high estimate", "（偏高估计）"}}[r.edge]
	figure := map[string]Wording{"highest": {"highest", "最高值"}, "lowest": {"lowest", "最低值"}, "mean": {"mean", "均值"}}[doc.Figure.Value]
	ahead := span(time.Duration(within) * time.Hour)
	if within == 24 {
		ahead = Wording{"24 h", "24小时"}
	}
	v.said = Wording{base.said.EN + ", " + figure.EN + " forecast for the next " + ahead.EN + edge.EN, base.said.ZH + "未来" + ahead.ZH + "预测" + figure.ZH + edge.ZH}
	v.ahead = r
	v.fresh = func() cell { return &dayAhead{rule: r} }
}

type untilDoc struct{ Pos pack.Pos }

// until is the variable that says when the highest or lowest hour is expected.
func (c *compiler) until(d *Detector, of int, doc *deriveDoc, v *variable, base variable) {
	if base.ahead == nil || base.ahead.params.Figure == forecast.Mean {
		c.Add(doc.Pos, pack.CodeValue, "hours_until is made of a variable with day_ahead that is the highest or the lowest")
		return
	}
	v.said, v.unit = Wording{"time until " + base.said.EN, "距" + base.said.ZH + "出现的时间"}, "h"
	u := until{of: of, cell: of - d.given}
	v.fresh = func() cell { return u }
}

// dayAhead is the cell of a series that is forecast a day ahead.
type dayAhead struct {
	rule   *dayAheadRule
	hours  forecast.Hourly
	habits *habits // nil: no hour has ended
	lead   float64 // hours until what is foretold, NaN where nothing is
}

// habits is what is known after an hour. It never changes, but for what it became.
type habits struct {
	forecast.DayAhead
	told forecast.Foretold
	ok   bool

	// What it became with the hour after it, so that the state that follows behind, for the sake of late readings, need not
	// work it out again.
	at   int64
	mean float64
	then *habits
}

func (h *habits) next(p *forecast.DayAheadParams, at int64, mean float64) *habits {
	if h != nil && h.then != nil && h.at == at && h.mean == mean {
		return h.then
	}
	n := &habits{}
	if h != nil {
		n.DayAhead = h.DayAhead
	}
	n.DayAhead.Next(p, at, mean)
	n.told, n.ok = n.Tell(p)
	if h != nil {
		h.at, h.mean, h.then = at, mean, n
	}
	return n
}

func (c *dayAhead) next(at int64, k *known) (float64, bool) {
	r := c.rule
	if k.zone != nil {
		_, offset := time.UnixMicro(at).In(k.zone).Zone()
		at += int64(offset) * 1e6
	}
	ended := false
	if x := k.vars[r.of]; k.fresh[r.of] && !math.IsNaN(x) {
		c.hours.Next(&r.hours, at, x, func(at int64, mean float64) {
			c.habits, ended = c.habits.next(&r.params, at, mean), true
		})
	}
	h := c.habits
	c.lead = math.NaN()
	if h == nil || !h.ok || float64(at-h.Newest()) >= (staleForecast+1)*usHour {
		k.unsure[len(k.vars)] = k.unsure[r.of]
		return math.NaN(), ended
	}
	c.lead = max(0, float64(h.told.At-at)/usHour)
	switch r.edge {
	case "low":
		return h.told.Low, ended
	case "high":
		return h.told.High, ended
	}
	return h.told.Likely, ended
}

func (c *dayAhead) set(from cell) {
	f := from.(*dayAhead)
	c.hours, c.habits, c.lead = f.hours, f.habits, f.lead
}

func (c *dayAhead) AppendBinary(b []byte) ([]byte, error) {
	hours, err := c.hours.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	b = append(binary.AppendUvarint(b, uint64(len(hours))), hours...)
	if c.habits == nil {
		return b, nil
	}
	return c.habits.AppendBinary(b)
}

func (c *dayAhead) UnmarshalBinary(b []byte) error {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return errors.New("day_ahead: a saved state is cut short")
	}
	b = b[size:]
	if err := c.hours.UnmarshalBinary(b[:n]); err != nil {
		return err
	}
	if c.habits = nil; len(b) == int(n) {
		return nil
	}
	h := &habits{}
	if err := h.UnmarshalBinary(b[n:]); err != nil {
		return err
	}
	h.told, h.ok = h.Tell(&c.rule.params)
	c.habits = h
	return nil
}

// until is the cell that says when what another cell foretells is expected.
type until struct {
	of   int // the variable of the other cell
	cell int
}

func (c until) next(_ int64, k *known) (float64, bool) {
	k.unsure[len(k.vars)] = k.unsure[c.of]
	return k.cells[c.cell].(*dayAhead).lead, k.fresh[c.of]
}
func (until) set(cell)                              {}
func (until) AppendBinary(b []byte) ([]byte, error) { return b, nil }
func (until) UnmarshalBinary(b []byte) error {
	if len(b) != 0 {
		return errors.New("hours_until: a saved state is damaged")
	}
	return nil
}
