package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/methods/forecast"
	"github.com/anlan-city/anlan/internal/methods/series"
	"github.com/anlan-city/anlan/internal/pack"
)

// deriveDoc is one derived variable: exactly one of the keys besides `of` says how it is made. The variable has the name
// that stands before it.
type deriveDoc struct {
	Of pack.String `yaml:"of" doc:"the variable that it is made from; left out: value, or the only input"`

	Background *backgroundDoc `yaml:"above_background" doc:"how far it lies above its own moving background"`
	Rise       pack.Duration  `yaml:"rise_within" pack:"above 0s" doc:"how far it lies above its lowest within the span"`
	Fall       pack.Duration  `yaml:"fall_within" pack:"above 0s" doc:"how far it lies below its highest within the span"`
	Average    pack.Duration  `yaml:"average_over" pack:"above 0s" doc:"the mean of the span; unknown until readings speak for 75 % of it"`
	Lowest     pack.Duration  `yaml:"lowest_over" pack:"above 0s" doc:"the lowest reading of the span; unknown until readings speak for 75 % of it"`
	Highest    pack.Duration  `yaml:"highest_over" pack:"above 0s" doc:"the highest reading of the span; unknown until readings speak for 75 % of it"`
	Total      pack.Duration  `yaml:"total_over" pack:"above 0s" doc:"the sum of the readings of the span, of those that came: never more than the true one, so a limit that it passes is passed"`
	Amount     pack.Duration  `yaml:"amount_over" pack:"above 0s" doc:"what a rate per hour comes to over the span, mm/h of rain to mm, of the time that readings speak for: a limit that it passes is passed"`
	Daily      *dailyDoc      `yaml:"mean_between" doc:"one figure a day: the mean between two times of the day"`

	Unusual *unusualDoc `yaml:"unusual" doc:"how unusual the readings are by all that is known of the series, as a multiple of the limit that the budget sets; 0 while it learns"`
	Shift   *shiftDoc   `yaml:"shift" doc:"how clearly the mean has moved and stays moved (CUSUM), as a multiple of the limit that the budget sets; 0 while it learns"`
	Hour    *hourDoc    `yaml:"unlike_the_hour" doc:"how far it lies from what this hour of the week is used to, as a multiple of the limit that the budget sets; 0 while it learns"`
	Extreme *extremeDoc `yaml:"extreme" doc:"how far out in the tail of its own distribution it lies, as a multiple of the limit that the budget sets; 0 while it learns"`

	Crossing *crossingDoc `yaml:"hours_to" doc:"in how many hours its trend passes a level; without end when it does not within the span"`
	Wave     *waveDoc     `yaml:"peak_from_upstream" doc:"of a gauge: the highest level that the gauges upstream of it foretell; its own value until a first wave has taught the way"`
	Ahead    *dayAheadDoc `yaml:"day_ahead" doc:"a figure of the next 24 hours, forecast from the habits of the day and the week; unknown while it learns (six weeks), while it errs more than the same hours of the day before do, and after gaps"`
	Until    *untilDoc    `yaml:"hours_until" doc:"of a variable with day_ahead: in how many hours its highest or lowest hour is expected to begin"`
	Balance  *balanceDoc  `yaml:"balance" doc:"of inputs: what comes in and neither goes out nor is stored"`
	Jointly  *jointlyDoc  `yaml:"jointly" doc:"of inputs: how far all their instruments together are from how they are used to go together (T², Q and learned relations), as a multiple of the limit that the budget sets; 0 while it learns"`

	Pos pack.Pos `pack:"exactly one of above_background rise_within fall_within average_over lowest_over highest_over total_over amount_over mean_between unusual shift unlike_the_hour extreme hours_to peak_from_upstream day_ahead hours_until balance jointly"`
}

type backgroundDoc struct {
	Rise pack.Number   `yaml:"rise_per_hour" pack:"required,above 0" doc:"the fastest that clean air rises, in the property's unit per hour"`
	Fall pack.Duration `yaml:"fall" pack:"required,above 0s" doc:"time constant of coming down to a lower reading"`
	Pos  pack.Pos
}

type dailyDoc struct {
	From pack.String `yaml:"from" pack:"required" doc:"local time, such as 02:00" example:"\"02:00\""`
	To   pack.String `yaml:"to" pack:"required" doc:"local time; before from: of the next day" example:"\"04:00\""`
	Pos  pack.Pos
}

type unusualDoc struct{ Pos pack.Pos }

type shiftDoc struct {
	Direction pack.String   `yaml:"direction" pack:"one of up down both" default:"both" doc:"which shifts count"`
	Size      pack.Number   `yaml:"size" pack:"above 0,at most 10" default:"1" doc:"the shift, in standard deviations, that is to be found soonest"`
	Learn     pack.Duration `yaml:"learn" pack:"required" doc:"how long the first mean is learned; at least 200 readings, or 14 figures of a day"`
	Forget    pack.Duration `yaml:"forget" doc:"over how long a shift that stays is forgotten; left out: never"`
	Pos       pack.Pos
}

type hourDoc struct {
	Direction pack.String   `yaml:"direction" pack:"one of up down both" default:"both" doc:"which deviations count"`
	Learn     pack.Duration `yaml:"learn" pack:"at least 14d" default:"28d" doc:"how long it learns before it judges"`
	Follow    pack.Duration `yaml:"follow" doc:"the time constant with which it follows a season; left out: it does not, beside what a week teaches"`
	Pos       pack.Pos
}

type extremeDoc struct {
	Direction pack.String `yaml:"direction" pack:"one of up down both" default:"up" doc:"which tail counts"`
	Learn     int         `yaml:"learn" pack:"at least 200,at most 9000" default:"1000" doc:"readings before the first is judged"`
	Mean      int         `yaml:"moving_mean" pack:"at least 0" default:"0" doc:"readings of the moving mean that it counts from; 0: from zero"`
	Pos       pack.Pos
}

type crossingDoc struct {
	Above  *pack.Number  `yaml:"above" doc:"the level that it would pass upwards"`
	Below  *pack.Number  `yaml:"below" doc:"the level that it would pass downwards"`
	Within pack.Duration `yaml:"within" pack:"required,above 0s" doc:"how far ahead it looks"`
	Memory pack.Duration `yaml:"memory" doc:"how far back the trend looks; left out: a third of within"`
	Time   pack.String   `yaml:"time" pack:"one of earliest likely latest" default:"likely" doc:"which edge of the forecast: it passes before the earliest, or after the latest, one time in ten each"`
	Pos    pack.Pos      `pack:"exactly one of above below"`
}

type waveDoc struct {
	Ahead pack.Duration `yaml:"ahead" pack:"required,above 0s" doc:"how far ahead it looks; no further than the wave takes down the river"`
	Rise  pack.Number   `yaml:"first_wave" pack:"above 0" default:"0.25" doc:"metres by which the gauge rises in the wave that teaches the way"`
	Pos   pack.Pos
}

type balanceDoc struct {
	In       pack.Names    `yaml:"in" pack:"required" doc:"inputs that flow in, in a unit per hour"`
	Out      pack.Names    `yaml:"out" doc:"inputs that flow out, likewise"`
	Stored   []storedDoc   `yaml:"stored" doc:"what is stored"`
	Interval pack.Duration `yaml:"interval" doc:"over how long it is drawn up; left out: 1h, or every where that is longer"`
	Pos      pack.Pos
}

type storedDoc struct {
	Level pack.String `yaml:"level" pack:"required" doc:"the input that is a level in metres"`
	Area  pack.Number `yaml:"area_m2" pack:"required,above 0" doc:"the area of the tank in m²; several tanks of one input: their mean level, so the sum of their areas"`
	Pos   pack.Pos
}

type jointlyDoc struct {
	Learn      pack.Duration `yaml:"learn" pack:"required" doc:"how long it learns how they go together"`
	Calibrate  pack.Duration `yaml:"calibrate" pack:"required" doc:"how long it then calibrates its limits on readings it has not learned"`
	States     pack.Names    `yaml:"states" doc:"the inputs that are on or off, 1 or 0"`
	Resolution pack.Number   `yaml:"resolution" pack:"at least 0" default:"0" doc:"the step to which readings of the other inputs are rounded first"`
	Pos        pack.Pos
}

// variable is something that conditions speak of.
type variable struct {
	name string
	// said is the variable in words, in both languages.
	said Wording
	unit string
	// perDay is how many new values it has a day.
	perDay float64
	// fresh makes the state that a derived variable needs in a subject; nil for what is given.
	fresh func() cell
	// reach is what values it can have.
	reach pack.Reach
	// ratio says that the variable is a multiple of the limit that the alarm budget sets.
	ratio bool
	// ahead is what is forecast, of a variable with day_ahead.
	ahead *dayAheadRule
}

// cell is the state of one derived variable: of one instrument, or of one subject that judges several inputs together.
type cell interface {
	// next takes what is known, and gives the variable's value, NaN while it has none, and whether it is a new one. Where it
	// has none because its readings are too few yet, or what it is made of is unsure, it says so in k.unsure, which has a place
	// for it.
	next(at int64, k *known) (v float64, fresh bool)
	// set makes the cell a copy of another of the same variable.
	set(from cell)
	AppendBinary(b []byte) ([]byte, error)
	UnmarshalBinary(b []byte) error
}

// derived compiles a derived variable. The variables before it are there.
func (c *compiler) derived(d *Detector, name string, doc *deriveDoc) variable {
	of := c.of(d, doc)
	base := d.vars[of]
	v := variable{name: name, unit: base.unit, perDay: base.perDay, fresh: func() cell { return nothing{} }}
	every := micros(d.Every)
	said := func(en, zh string) { v.said = Wording{base.said.EN + en, base.said.ZH + zh} }
	over := func(span pack.Duration) *series.Over { // a value speaks for as long as until the next one is due
		return &series.Over{Span: micros(span.Value), Every: max(every, int64(24*usHour/base.perDay))}
	}
	switch {
	case doc.Background != nil:
		f := doc.Background.follow(every)
		said(" above background", "高出本底")
		v.fresh = follows(of, func(s *series.Background, _ *known, at int64, x float64) float64 { return s.Excess(f, at, x) })
	case !doc.Rise.IsZero():
		o := c.change(over(doc.Rise), doc.Rise)
		said(", rise within "+window(doc.Rise.Value).EN, window(doc.Rise.Value).ZH+"内升幅")
		v.fresh = follows(of, func(s *series.Change, _ *known, at int64, x float64) float64 {
			rise, _ := s.Next(o, at, x)
			return rise
		})
	case !doc.Fall.IsZero():
		o := c.change(over(doc.Fall), doc.Fall)
		said(", fall within "+window(doc.Fall.Value).EN, window(doc.Fall.Value).ZH+"内降幅")
		v.fresh = follows(of, func(s *series.Change, _ *known, at int64, x float64) float64 {
			_, fall := s.Next(o, at, x)
			return fall
		})
	case !doc.Average.IsZero():
		o := over(doc.Average)
		said(", mean of "+window(doc.Average.Value).EN, window(doc.Average.Value).ZH+"均值")
		v.fresh = spans(of, o, func(s *mean, o *series.Over, at int64, x float64) float64 {
			_, mean := s.Next(o, at, x)
			return mean
		})
	case !doc.Lowest.IsZero():
		o := over(doc.Lowest)
		said(", lowest of "+window(doc.Lowest.Value).EN, window(doc.Lowest.Value).ZH+"最低值")
		v.fresh = spans(of, o, func(s *extremes, o *series.Over, at int64, x float64) float64 {
			low, _ := s.next(o, at, x)
			return low
		})
	case !doc.Highest.IsZero():
		o := over(doc.Highest)
		said(", highest of "+window(doc.Highest.Value).EN, window(doc.Highest.Value).ZH+"最高值")
		v.fresh = spans(of, o, func(s *extremes, o *series.Over, at int64, x float64) float64 {
			_, high := s.next(o, at, x)
			return high
		})
	case !doc.Total.IsZero():
		o := over(doc.Total)
		said(", sum of "+window(doc.Total.Value).EN, window(doc.Total.Value).ZH+"合计")
		v.fresh = follows(of, func(s *series.Sum, _ *known, at int64, x float64) float64 { sum, _ := s.Next(o, at, x); return sum })
	case !doc.Amount.IsZero():
		o := over(doc.Amount)
		said(", amount in "+window(doc.Amount.Value).EN, window(doc.Amount.Value).ZH+"累计")
		v.unit = strings.TrimSuffix(base.unit, "/h")
		v.fresh = follows(of, func(s *series.Integral, _ *known, at int64, x float64) float64 {
			sum, _ := s.Next(o, at, x)
			return sum
		})
	case doc.Daily != nil:
		c.daily(d, of, doc.Daily, &v)
		said(", mean "+doc.Daily.From.Value+" to "+doc.Daily.To.Value, doc.Daily.From.Value+"至"+doc.Daily.To.Value+"均值")
	case doc.Crossing != nil:
		c.crossing(d, of, doc.Crossing, &v, base)
	case doc.Wave != nil:
		c.wave(d, of, doc.Wave, &v)
		said(" foretold by the gauges upstream", "（上游来水预测峰值）")
	case doc.Ahead != nil:
		c.dayAhead(d, of, doc.Ahead, &v, base)
	case doc.Until != nil:
		c.until(d, of, doc, &v, base)
	case doc.Balance != nil:
		c.balance(d, doc.Balance, &v)
	default:
		c.statistical(d, of, doc, &v, base)
	}
	return v
}

// change notes a span that never holds two readings: nothing rises or falls within it.
func (c *compiler) change(o *series.Over, span pack.Duration) *series.Over {
	if span.Value > 0 && o.Span < o.Every && !c.trial {
		c.Add(span.Pos, pack.CodeValue, "the span is shorter than the time between two readings, %s: it never holds two that could differ", window(time.Duration(o.Every)*time.Microsecond).EN)
	}
	return o
}

// of is the index of the variable that a derived one is made from.
func (c *compiler) of(d *Detector, doc *deriveDoc) int {
	vector := doc.Balance != nil || doc.Jointly != nil
	switch {
	case vector && len(d.Inputs) == 0:
		c.Add(doc.Pos, pack.CodeValue, "this is made of inputs, which the detector does not have")
		return 0
	case vector && !doc.Of.IsZero():
		c.Add(doc.Of.Pos, pack.CodeValue, "this is made of inputs, not of one variable")
		return 0
	case vector:
		return 0
	case doc.Of.IsZero():
		if len(d.Inputs) > 1 {
			c.Add(doc.Pos, pack.CodeRequired, "with several inputs it needs to say of which it is made: of: …")
		}
		return 0
	}
	names := make([]string, len(d.vars))
	for i, v := range d.vars {
		if names[i] = v.name; v.name == doc.Of.Value {
			return i
		}
	}
	c.Add(doc.Of.Pos, pack.CodeReference, "no variable %q stands before it%s", doc.Of.Value, pack.Suggest(doc.Of.Value, names))
	return 0
}

var timesOfDay = regexp.MustCompile(`^(?:([01]?[0-9]|2[0-3]):([0-5][0-9])|(24):(00))$`)

// timeOfDay reads a local time of the day, up to 24:00, as microseconds after midnight.
func (c *compiler) timeOfDay(s pack.String) int64 {
	m := timesOfDay.FindStringSubmatch(s.Value)
	if m == nil {
		if !s.IsZero() {
			c.Add(s.Pos, pack.CodeValue, "%q is no time of the day such as \"02:00\"", s.Value)
		}
		return 0
	}
	hours, _ := strconv.Atoi(m[1] + m[3])
	minutes, _ := strconv.Atoi(m[2] + m[4])
	return micros(time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute)
}

func (c *compiler) daily(d *Detector, of int, doc *dailyDoc, v *variable) {
	p := series.DailyParams{From: c.timeOfDay(doc.From), To: c.timeOfDay(doc.To), Every: micros(d.Every), Cover: 0.5}
	v.perDay = 1
	v.fresh = func() cell {
		return &single[series.Daily, *series.Daily]{of: of, last: math.NaN(), step: func(s *series.Daily, k *known, at int64, x float64) (float64, bool) {
			p := p
			p.Zone = k.zone
			f, ok := s.Next(&p, at, x)
			return f.Mean, ok
		}}
	}
}

func (c *compiler) crossing(d *Detector, of int, doc *crossingDoc, v *variable, base variable) {
	p := &forecast.TrendParams{Ahead: micros(doc.Within.Value), Memory: micros(doc.Memory.Value), Every: 2 * micros(d.Every), Cover: forecast.Cover{Share: 0.8, Rate: 0.05}}
	if p.Memory == 0 {
		p.Memory = p.Ahead / 3
	}
	level, up := 0.0, doc.Above != nil
	switch {
	case up:
		level = doc.Above.Value
	case doc.Below != nil:
		level = doc.Below.Value
	}
	text := pack.FormatNumber(level)
	v.said = Wording{"time until " + base.said.EN + " passes " + text + " " + base.unit, base.said.ZH + "到达" + text + " " + base.unit + "的预计时间"}
	v.unit = "h"
	edge := doc.Time.Value
	v.fresh = follows(of, func(s *forecast.Trend, _ *known, at int64, x float64) float64 {
		s.Next(p, at, x)
		path, ok := s.Forecast(p, at)
		if !ok {
			return math.Inf(1)
		}
		cross := path.Falls(level)
		if up {
			cross = path.Passes(level)
		}
		when := map[string]int64{"earliest": cross.Earliest, "likely": cross.Likely, "latest": cross.Latest}[edge]
		if when == 0 {
			return math.Inf(1)
		}
		return float64(when-at) / usHour
	})
}

// usHour is an hour in µs.
const usHour = 3600e6

// machine is a streaming state machine of methods/.
type machine[S any] interface {
	*S
	AppendBinary(b []byte) ([]byte, error)
	UnmarshalBinary(b []byte) error
}

// follows makes cells of a state machine that gives a value for each new value of another variable.
func follows[S any, P machine[S]](of int, step func(s P, k *known, at int64, x float64) float64) func() cell {
	return func() cell {
		return &single[S, P]{of: of, last: math.NaN(), step: func(s P, k *known, at int64, x float64) (float64, bool) { return step(s, k, at, x), true }}
	}
}

// single is the cell of a state machine that follows one variable.
type single[S any, P machine[S]] struct {
	s    S
	of   int
	last float64 // its newest value
	step func(s P, k *known, at int64, x float64) (v float64, fresh bool)
}

func (c *single[S, P]) next(at int64, k *known) (float64, bool) {
	x := k.vars[c.of]
	if math.IsNaN(x) {
		k.unsure[len(k.vars)] = k.unsure[c.of]
		return math.NaN(), false
	}
	if !k.fresh[c.of] {
		return c.last, false
	}
	v, fresh := c.step(&c.s, k, at, x)
	if fresh {
		c.last = v
	}
	return c.last, fresh
}

func (c *single[S, P]) set(from cell) {
	f := from.(*single[S, P])
	c.last = f.last
	if x, ok := any(&f.s).(interface{ Clone() S }); ok {
		c.s = x.Clone()
		return
	}
	c.s = f.s
}

func (c *single[S, P]) AppendBinary(b []byte) ([]byte, error) {
	return P(&c.s).AppendBinary(appendFloat(b, c.last))
}

func (c *single[S, P]) UnmarshalBinary(b []byte) (err error) {
	if c.last, b, err = cutFloat(b); err != nil {
		return err
	}
	return P(&c.s).UnmarshalBinary(b)
}

func appendFloat(b []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
}

func cutFloat(b []byte) (float64, []byte, error) {
	if len(b) < 8 {
		return 0, nil, errors.New("a value is cut short")
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b)), b[8:], nil
}

// nothing is the cell of a variable that did not compile.
type nothing struct{}

func (nothing) next(int64, *known) (float64, bool)    { return math.NaN(), false }
func (nothing) set(cell)                              {}
func (nothing) AppendBinary(b []byte) ([]byte, error) { return b, nil }
func (nothing) UnmarshalBinary([]byte) error          { return fmt.Errorf("no state") }
