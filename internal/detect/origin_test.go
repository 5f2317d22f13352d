package detect

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// yard is a site of the harbour's fence: instruments 101 to 104 stand 60 m east, north, west and south of its middle, and two
// masts, of which the nearer one never says anything.
type yard struct {
	assets []Nearby
	masts  []Mast
	homes  map[int64]bool
	asked  []string
}

var yardMiddle = [2]float64{121.5, 31.2}

// stands is a point so many metres east and north of the yard's middle.
func stands(east, north float64) [2]float64 {
	return [2]float64{yardMiddle[0] + east/engine.MetresPerDegree/math.Cos(yardMiddle[1]*math.Pi/180), yardMiddle[1] + north/engine.MetresPerDegree}
}

func newYard() *yard {
	return &yard{
		assets: []Nearby{
			{Asset: 11, Name: Wording{EN: "Upwind valve", ZH: "上风向阀门"}, Point: stands(0, 0)},
			{Asset: 12, Name: Wording{EN: "Other valve", ZH: "另一阀门"}, Point: stands(60, -60)},
			{Asset: 13, Name: Wording{EN: "Valve without a point"}},
			{Asset: 14, Name: Wording{EN: "Valve far away"}, Point: stands(0, 700)},
		},
		masts: []Mast{
			{Nearby{Asset: 22, Name: Wording{EN: "Mast", ZH: "测风塔"}, Point: stands(300, 0)}, 303, 304},
			{Nearby{Asset: 21, Name: Wording{EN: "Mute mast"}, Point: stands(10, 0)}, 301, 302},
		},
	}
}

func (y *yard) Streams(_ context.Context, ids []int64) (map[int64]engine.Stream, error) {
	points := map[int64][2]float64{101: stands(60, 0), 102: stands(0, 60), 103: stands(-60, 0), 104: stands(0, -60)}
	out := map[int64]engine.Stream{}
	for _, id := range ids {
		st := harbour(id)
		if p, ok := points[id]; ok {
			st.Point = &p
		} else {
			st.Property, st.Kind = "weather/wind", "weather/station"
		}
		out[id] = st
	}
	return out, nil
}

func (y *yard) Zone(context.Context) (*time.Location, error) { return time.UTC, nil }

func (y *yard) Assets(kinds []string, _ [2]float64, _ float64) []Nearby {
	y.asked = kinds
	return y.assets
}

func (y *yard) Winds(string, string, [2]float64, float64) []Mast { return y.masts }

func (y *yard) Home(asset int64) bool { return y.homes[asset] }

// weather is a wind for so many minutes from t0 on, from the mast that speaks.
func weather(minutes int, from, speed float64) (rs []engine.Reading) {
	for m := range minutes {
		rs = append(rs, number(303, t0+int64(m)*minute, from), number(304, t0+int64(m)*minute, speed))
	}
	return rs
}

// plumeAt is clean air of 2 ppm for ten minutes at all four instruments, then 20 ppm at the one in the east until gas minutes
// have passed, then clean air again.
func plumeAt(minutes, gas int) (rs []engine.Reading) {
	for m := range minutes {
		for id := int64(101); id <= 104; id++ {
			v := 2.0
			if id == 101 && m >= 10 && m < 10+gas {
				v = 20
			}
			rs = append(rs, number(id, t0+int64(m)*minute, v))
		}
	}
	return rs
}

// yardRoom is a room over the readings, whose clock stands at the last of them, with its one alert raised.
func yardRoom(t *testing.T, d *db.DB, y *yard, change func(*Deps), readings ...[]engine.Reading) *Service {
	t.Helper()
	rules := replaceOnce(t, testDetectors, "  because: {en: \"{{value}} {{unit}}, ",
		"  origin: {among: [kitchen-alarm, power/substation], wind: {from: weather/wind-direction, speed: weather/wind-speed}}\n  because: {en: \"{{value}} {{unit}}, ")
	last := t0
	for _, rs := range readings {
		last = max(last, rs[len(rs)-1].At)
	}
	log := newLog(readings...)
	s := room(t, d, log, clock.NewVirtual(db.Time(last)), func(deps *Deps) {
		deps.Register, deps.Surroundings, deps.Detectors = y, y, compiled(t, rules)
		if change != nil {
			change(deps)
		}
	})
	drain(t, s, log)
	return s
}

// The wind is from the west and only the instrument in the east sees gas, so it is the valve in the middle and not the one in
// the south, which has no instrument downwind of it that sees anything.
func TestOriginIsUpwind(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		y := newYard()
		s := yardRoom(t, d, y, nil, weather(70, 270, 3), plumeAt(70, 60))
		a, err := s.Get(officer(1), 1)
		must(t, err)
		if !a.Origin {
			t.Fatal("the alert does not say that it has an origin")
		}
		o, err := s.Origin(officer(1), 1, time.Time{})
		must(t, err)
		if o.Verdict != OriginNamed || len(o.Candidates) != 2 || o.LeftOut != 0 || o.Instruments != 4 {
			t.Fatalf("%+v", o)
		}
		c := o.Candidates[0]
		if c.Asset != 11 || *c.Probability < 0.99 || math.Abs(c.Distance-60) > 0.1 || math.Abs(c.Bearing-270) > 0.1 || *o.None > 0.01 {
			t.Errorf("%+v, probability %v, none %v", c, *c.Probability, *o.None)
		}
		if w := o.Wind; w == nil || w.Asset != 22 || math.Abs(*w.From-270) > 0.01 || math.Abs(*w.Speed-3) > 0.01 || w.Carried != 1 || math.Abs(w.Distance-300) > 1 {
			t.Errorf("%+v", w)
		}
		if !o.From.Equal(db.Time(t0+10*minute)) || !o.Until.Equal(db.Time(t0+69*minute)) {
			t.Errorf("from %s until %s", o.From, o.Until)
		}
		if want := "The wind points at Upwind valve, 60 m west of Alarm 101: 99 % probable. A hint for where to look first, not a finding."; o.Says.EN != want {
			t.Error(o.Says.EN)
		}
		if want := "据风向研判，来源较可能为上风向阀门（位于报警器101以西约60米），可能性99%。仅供优先排查参考，不作为认定依据。"; o.Says.ZH != want {
			t.Error(o.Says.ZH)
		}
		if strings.Join(y.asked, " ") != "gas/kitchen-alarm power/substation" {
			t.Error(y.asked)
		}
	})
}

func TestOriginUndecided(t *testing.T) {
	gas := plumeAt(70, 60)
	for _, c := range []struct {
		name    string
		change  func(*yard)
		wind    []engine.Reading
		asOf    time.Time
		verdict string
		says    string
		wants   func(o *Origin) bool
	}{
		{"calm", nil, weather(70, 270, 0.3), time.Time{}, OriginNoWind, "under 0.5 m/s or not known",
			func(o *Origin) bool {
				return o.Wind != nil && o.Wind.Carried == 0 && o.Wind.From == nil && o.None == nil && o.Candidates[0].Probability == nil
			}},
		{"no mast", func(y *yard) { y.masts = nil }, weather(70, 270, 3), time.Time{}, OriginNoWind, "No instrument within 3 km told the wind",
			func(o *Origin) bool {
				return o.Wind == nil && o.Candidates[0].Asset == 11 && o.Candidates[0].Probability == nil
			}},
		{"a mast that says nothing", func(y *yard) { y.masts = y.masts[1:] }, weather(70, 270, 3), time.Time{}, OriginNoWind, "told the wind",
			func(o *Origin) bool { return o.Wind == nil }},
		{"a mast in a home", func(y *yard) { y.homes = map[int64]bool{22: true} }, weather(70, 270, 3), time.Time{}, OriginNoWind, "told the wind",
			func(o *Origin) bool { return o.Wind == nil }},
		{"the wind was lost early", nil, weather(12, 270, 3), time.Time{}, OriginNoWind, "not known",
			func(o *Origin) bool { return o.Wind.Carried > 0.1 && o.Wind.Carried < 0.3 }}, // 2 minutes, and ten that the last reading speaks for
		{"not yet two looks", nil, weather(70, 270, 3), db.Time(t0 + 16*minute), OriginUndecided, "does not decide it yet. Likeliest is Upwind valve",
			func(o *Origin) bool { return o.Until.Equal(db.Time(t0 + 16*minute)) }},
		{"the wind blows from where nothing stands", nil, weather(70, 45, 3), time.Time{}, OriginUndecided, "points at none of those listed",
			func(o *Origin) bool { return *o.None > 0.3 }},
		{"two upwind while the wind never turns", func(y *yard) { y.assets[1].Point = stands(10, -55) }, weather(70, 270, 3), time.Time{}, OriginUndecided,
			"does not decide it yet. Likeliest is Upwind valve, 60 m west of Alarm 101: 50 % probable, and next Other valve: 50 %; none of those listed: 1 %.",
			func(o *Origin) bool { return *o.None < 0.01 }},
		{"nothing stands around", func(y *yard) { y.assets = y.assets[2:] }, weather(70, 270, 3), time.Time{}, OriginUndecided, "The register has nothing within 500 m",
			func(o *Origin) bool { return len(o.Candidates) == 0 && *o.None == 1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			y := newYard()
			if c.change != nil {
				c.change(y)
			}
			s := yardRoom(t, dbtest.SQLite(t, tables...), y, nil, c.wind, gas)
			o, err := s.Origin(officer(1), 1, c.asOf)
			must(t, err)
			if o.Verdict != c.verdict || !strings.Contains(o.Says.EN, c.says) || o.Says.ZH == "" || !c.wants(o) {
				t.Errorf("%s: %+v, wind %+v", o.Says.EN, o, o.Wind)
			}
		})
	}
}

// Of an alert that has cleared, the hour that it only waited in says nothing about where the gas came from.
func TestOriginOfAClearedAlert(t *testing.T) {
	s := yardRoom(t, dbtest.SQLite(t, tables...), newYard(), nil, weather(200, 270, 3), plumeAt(200, 60))
	a, err := s.Get(officer(1), 1)
	must(t, err)
	o, err := s.Origin(officer(1), 1, time.Time{})
	must(t, err)
	if a.State != Cleared || o.Verdict != OriginNamed || o.Until.After(db.Time(t0+71*minute)) {
		t.Errorf("%s until %s: %+v", a.State, o.Until, o)
	}
}

// The furthest are left out where there are too many.
func TestOriginAsksTheNearest(t *testing.T) {
	y := newYard()
	for i := range 60 {
		y.assets = append(y.assets, Nearby{Asset: int64(100 + i), Name: Wording{EN: "More"}, Point: stands(-100-float64(i), 20)})
	}
	s := yardRoom(t, dbtest.SQLite(t, tables...), y, nil, weather(70, 270, 3), plumeAt(70, 60))
	o, err := s.Origin(officer(1), 1, time.Time{})
	must(t, err)
	if len(o.Candidates) != maxOriginSources || o.LeftOut != 62-maxOriginSources {
		t.Errorf("%d candidates, %d left out", len(o.Candidates), o.LeftOut)
	}
}

func TestOriginRefused(t *testing.T) {
	readings := [][]engine.Reading{weather(70, 270, 3), plumeAt(70, 60)}
	code := func(err error) (string, int) {
		var e *web.Error
		if !errors.As(err, &e) {
			return "", 0
		}
		return e.Code, e.Status
	}
	s := yardRoom(t, dbtest.SQLite(t, tables...), newYard(), nil, readings...)
	if _, err := s.Origin(officer(1), 1, db.Time(t0)); err == nil {
		t.Error("asked as of before the alert")
	} else if c, status := code(err); c != "alert.as_of" || status != http.StatusUnprocessableEntity {
		t.Error(err)
	}
	if _, err := s.Origin(officer(1), 9, time.Time{}); err == nil {
		t.Error("of an alert that is not there")
	}
	denied := errors.New("not for you")
	for _, c := range []struct {
		name   string
		y      *yard
		change func(*Deps)
		code   string
	}{
		{"a rule without an origin", newYard(), func(d *Deps) { d.Detectors = compiled(t, testDetectors) }, "alert.no_origin"},
		{"in a home", &yard{homes: map[int64]bool{1101: true}}, nil, "alert.no_origin"},
		{"nothing known of what is around", newYard(), func(d *Deps) { d.Surroundings = nil }, "alert.no_origin"},
		{"who may not read the alert", newYard(), func(d *Deps) { d.Access = denying{denied} }, ""},
	} {
		s := yardRoom(t, dbtest.SQLite(t, tables...), c.y, c.change, readings...)
		_, err := s.Origin(officer(1), 1, time.Time{})
		if got, _ := code(err); err == nil || got != c.code || c.code == "" && !errors.Is(err, denied) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// denying lets the program itself do anything, and nobody else.
type denying struct{ why error }

func (d denying) Decide(ctx context.Context, _ string, _ access.Resource, _ access.Purpose) error {
	if access.From(ctx).Kind == access.KindSystem {
		return nil
	}
	return d.why
}

// However long an alert stands, an answer reads no more than so much of it.
func TestOriginWindow(t *testing.T) {
	w := window{from: t0, until: t0 + 30*24*hour, every: minute}
	w.shorten(16 * hour)
	if w.steps() != 16*60 || w.until != t0+30*24*hour || w.of(w.from) != 0 || w.of(w.until) != w.steps()-1 {
		t.Errorf("%+v", w)
	}
	w = window{from: t0, until: t0 + 30*24*hour, every: second}
	w.shorten(16 * hour)
	if w.steps() != maxOriginSteps {
		t.Error(w.steps())
	}
	w = window{from: t0, until: t0 + 90*second, every: minute}
	if w.shorten(hour); w.steps() != 2 || w.from != t0 {
		t.Errorf("%+v", w)
	}
}

func TestCompass(t *testing.T) {
	for degrees, want := range map[float64]string{0: "north", 22: "north", 23: "north-east", 180: "south", 292: "west", 293: "north-west", 338: "north", 359.9: "north"} {
		if got := compass(degrees); got.EN != want || got.ZH == "" {
			t.Errorf("%g: %s", degrees, got.EN)
		}
	}
}
