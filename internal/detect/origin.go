package detect

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/methods/plume"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// What one answer about an origin may cost, whatever the alert: at most originsAtOnce are worked out at a time, each reads at
// most maxOriginSeries series of maxOriginReadings readings, one after the other, and keeps maxOriginSteps numbers of each (0.4
// MB); the plume is asked maxOriginSteps × maxOriginSeries × maxOriginSources times, 2 million, which takes about a second; an alert
// of eight instruments and five candidates takes 10 to 100 ms in all. After originTimeout there is no answer.
const (
	originsAtOnce     = 2
	originTimeout     = 10 * time.Second
	maxOriginSeries   = 32
	maxOriginReadings = 20_000
	maxOriginSteps    = 1440
	maxOriginSources  = 48
	maxOriginMasts    = 4
)

// How long readings count.
const (
	// look is the integral time of what a plume leaves unexplained at an instrument, as the recording of METEC has it; a step
	// that is longer is a look of its own.
	look = 4 * time.Minute
	// originMemories is how many time constants back evidence is gathered: what is older has faded to 1/3000.
	originMemories = 8
	// originWarmup is for how many time constants of its fall, and at most maxWarmup, a background is followed before the
	// alert, so that it has come down from whatever the first reading was.
	originWarmup = 24
	maxWarmup    = 24 * time.Hour
	// windHolds is how long a reading of the wind speaks: surface wind is averaged over ten minutes (WMO-No. 8, 5.1.3).
	windHolds = 10 * time.Minute
)

// What an Origin's verdict can be.
const (
	OriginNamed     = "named"
	OriginUndecided = "undecided"
	OriginNoWind    = "no_wind"
)

// Surroundings tells what stands around an alert. app fulfils it from city and sensing, from memory.
type Surroundings interface {
	// Assets are those of the kinds whose point lies within metres of a point, in any order. Those in homes, and those of which
	// no point is known, are left out.
	Assets(kinds []string, around [2]float64, metres float64) []Nearby
	// Winds are the assets that measure both properties, likewise.
	Winds(direction, speed string, around [2]float64, metres float64) []Mast
	// Home says whether an asset stands in a home.
	Home(asset int64) bool
}

// Nearby is an asset and where it stands.
type Nearby struct {
	Asset int64
	Name  Wording
	Point [2]float64 // longitude, latitude
}

// Mast is an asset that measures the wind, with its datastreams.
type Mast struct {
	Nearby
	Direction, Speed int64
}

// Origin is which of the assets around the wind points at: a hint for where to look first. It decides nothing, and nothing in
// the program reads it.
type Origin struct {
	Verdict     string      `json:"verdict" enum:"named,undecided,no_wind" doc:"named: one asset is more probable than all else together, and told apart from the next; no_wind: for most of the time no wind, or no known wind, carried anything"`
	Says        Wording     `json:"says" doc:"the same in a sentence"`
	From        time.Time   `json:"from" doc:"of the readings it rests on; those from before the alert only tell the background"`
	Until       time.Time   `json:"until"`
	Candidates  []Candidate `json:"candidates" doc:"the likeliest first, and of those alike the nearest"`
	None        *float64    `json:"none" doc:"how probable it is that it comes from none of them; null: the wind does not say"`
	LeftOut     int         `json:"left_out,omitempty" doc:"assets further away than the 48 nearest, which were not asked"`
	Instruments int         `json:"instruments" doc:"how many instruments of the alert had readings"`
	Wind        *OriginWind `json:"wind" doc:"the wind that was used; null: no instrument of it is near, or it had no readings"`
}

// Candidate is an asset that it may come from.
type Candidate struct {
	Asset       int64      `json:"asset"`
	Name        Wording    `json:"name"`
	Point       [2]float64 `json:"point" doc:"longitude, latitude"`
	Distance    float64    `json:"distance" doc:"metres from where the alert stands"`
	Bearing     float64    `json:"bearing" doc:"in which direction it lies from there, degrees clockwise from north"`
	Probability *float64   `json:"probability" doc:"null: the wind does not say"`
}

// OriginWind is the wind that an origin rests on.
type OriginWind struct {
	Asset    int64    `json:"asset" doc:"whose instrument"`
	Name     Wording  `json:"name"`
	Distance float64  `json:"distance" doc:"metres from the middle of the instruments"`
	From     *float64 `json:"from" doc:"where it came from on the whole, degrees clockwise from north, while it carried; null: it never did"`
	Speed    *float64 `json:"speed" doc:"m/s, mean over the time in which it carried"`
	Carried  float64  `json:"carried" doc:"the share of the time in which it was strong enough to carry, and known"`
}

// Origin works out where what an alert's instruments see may come from, as of a time; the zero time is now, or when the alert
// had its end. It may be asked by whoever may read the alert. Of an alert whose rule looks for no origin, and of one in a home,
// there is none.
func (s *Service) Origin(ctx context.Context, id int64, asOf time.Time) (*Origin, error) {
	a, err := s.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	d := s.originOf(a)
	if d == nil {
		return nil, web.Errorf(http.StatusNotFound, "alert.no_origin", "of alert %d it is not worked out where it comes from", id)
	}
	if !asOf.IsZero() && asOf.Before(a.Since) {
		return nil, web.Errorf(http.StatusUnprocessableEntity, "alert.as_of", "the alert began after that, %s", a.Since.Format(time.RFC3339)).At("as_of")
	}
	ctx, cancel := context.WithTimeout(access.With(ctx, access.System("detect")), originTimeout)
	defer cancel()
	select {
	case s.origins <- struct{}{}:
		defer func() { <-s.origins }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	o, err := s.locate(ctx, a, d, asOf)
	if err != nil {
		return nil, fmt.Errorf("origin of alert %d: %w", id, err)
	}
	return o, nil
}

// originOf is the rule by which an alert's origin is looked for, or nil.
func (s *Service) originOf(a *Alert) *engine.Detector {
	i := slices.IndexFunc(s.Detectors, func(d *engine.Detector) bool { return d.ID == a.Detector })
	if i < 0 || a.Kind != engine.Hazard || s.Detectors[i].Origin == nil || s.Surroundings == nil || s.Readings == nil || s.Surroundings.Home(a.Asset) {
		return nil
	}
	return s.Detectors[i]
}

// instrument is a series of an alert and where it is read.
type instrument struct {
	datastream int64
	at         [2]float64
}

func (s *Service) locate(ctx context.Context, a *Alert, d *engine.Detector, asOf time.Time) (*Origin, error) {
	instruments, err := s.standing(ctx, a, d)
	if err != nil {
		return nil, err
	}
	if len(instruments) == 0 {
		return nil, web.Errorf(http.StatusNotFound, "alert.no_origin", "the instruments of alert %d have no point in the register", a.ID)
	}
	w := window{from: db.Micros(a.Since), every: d.Every.Microseconds()}
	if w.until, err = s.lastWord(ctx, a, d, instruments, asOf); err != nil {
		return nil, err
	}
	memory := max(d.Origin.Memory, 10*look)
	w.shorten(originMemories * memory.Microseconds())

	middle, reach := midpoint(instruments)
	home := middle
	if a.Point != nil && known(*a.Point) {
		home = *a.Point
	}
	o := &Origin{From: db.Time(w.from), Until: db.Time(w.until)}
	found := s.around(d, instruments, middle, reach)
	for i := range found {
		found[i].Distance, found[i].Bearing = metres(home, found[i].Point), bearing(home, found[i].Point)
	}
	slices.SortStableFunc(found, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.Asset, b.Asset))
	})
	if len(found) > maxOriginSources {
		o.LeftOut, found = len(found)-maxOriginSources, found[:maxOriginSources]
	}
	o.Candidates = found

	site := &plume.Site{
		Blank: d.Origin.Blank, Meander: d.Origin.Meander, Calm: d.Origin.Calm,
		Look: max(look, d.Every).Microseconds(), Memory: memory.Microseconds(), Every: w.every,
	}
	for _, x := range instruments {
		site.Instruments = append(site.Instruments, onSite(middle, x.at))
	}
	for _, c := range found {
		site.Sources = append(site.Sources, onSite(middle, c.Point))
	}
	wind, err := s.wind(ctx, d.Origin, middle, w)
	if err != nil {
		return nil, err
	}
	excess := make([][]float64, len(instruments))
	for i, x := range instruments {
		var heard bool
		if excess[i], heard, err = s.excess(ctx, d, x.datastream, w); err != nil {
			return nil, err
		}
		if heard {
			o.Instruments++
		}
	}
	e, err := gather(ctx, site, w, middle, wind, excess)
	if err != nil {
		return nil, err
	}
	o.Wind = wind.told(middle, d.Origin.Calm)
	o.judge(site, e, wind == nil)
	o.Says = o.says(a, d.Origin)
	return o, nil
}

// gather runs the evidence over the window.
func gather(ctx context.Context, site *plume.Site, w window, middle [2]float64, wind *blowing, excess [][]float64) (*plume.Evidence, error) {
	var e plume.Evidence
	seen := make([]float64, len(excess))
	for n := range w.steps() {
		silent := true
		for i := range excess {
			seen[i] = excess[i][n]
			silent = silent && math.IsNaN(seen[i])
		}
		if silent {
			continue
		}
		at := w.from + int64(n)*w.every
		blows := plume.Wind{From: math.NaN(), Speed: math.NaN()}
		if wind != nil {
			blows = plume.Wind{From: wind.from[n], Speed: wind.speed[n], Class: plume.Stability(wind.speed[n], plume.Sun(middle[1], middle[0], at))}
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e.Next(site, at, blows, seen)
	}
	return &e, nil
}

// judge takes the finding from the evidence.
func (o *Origin) judge(site *plume.Site, e *plume.Evidence, noWind bool) {
	o.Verdict = OriginUndecided
	switch f := e.Finding(site); {
	case noWind || f.Verdict == plume.NoWind:
		o.Verdict = OriginNoWind
		return
	case f.Verdict == plume.Named:
		o.Verdict = OriginNamed
	}
	none := 1.0
	for k, p := range e.Probabilities(site, nil) {
		o.Candidates[k].Probability = &p
		none -= p
	}
	none = max(none, 0)
	o.None = &none
	slices.SortStableFunc(o.Candidates, func(a, b Candidate) int { return cmp.Compare(*b.Probability, *a.Probability) })
	// While the wind never turns, assets on the upwind side explain the readings alike, each with a rate of its own: then a hair
	// decides which is beyond one half.
	if len(o.Candidates) > 1 && percent(*o.Candidates[0].Probability) == percent(*o.Candidates[1].Probability) {
		o.Verdict = OriginUndecided
	}
}
