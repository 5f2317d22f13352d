package detect

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/methods/verify"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

const (
	// DefaultFiguresSpan is the time that figures are about when nothing else is asked for. ISA-18.2 measures alarm load over
	// 30 days at least.
	DefaultFiguresSpan = 30 * 24 * time.Hour
	// MaxFiguresSpan bounds it.
	MaxFiguresSpan = 366 * 24 * time.Hour
)

// Figures are what is known of the quality of the watch in a time, from what people found out.
type Figures struct {
	From      time.Time         `json:"from"`
	To        time.Time         `json:"to"`
	Detectors []DetectorFigures `json:"detectors" doc:"all there are, and those that are gone and raised something in the time"`
	Hazards   []HazardFigures   `json:"hazards" doc:"one for each pack"`
	Positions []PositionFigures `json:"positions" doc:"one for each post that owns a detector"`
	Missed    []MissedEvent     `json:"missed" doc:"newest first"`
	Targets   LoadTargets       `json:"targets"`
}

// DetectorFigures are those of one detector. Its name is its id.
type DetectorFigures struct {
	Title    Wording `json:"title"`
	Hazard   string  `json:"hazard" doc:"the pack"`
	Owner    string  `json:"owner" doc:"the operating position"`
	Maturity string  `json:"maturity" doc:"stable, trial or draft; empty when it is gone"`
	Raised   int     `json:"raised" doc:"alerts about a hazard; several of one case are one alarm"`
	verify.LiveFigures
}

// HazardFigures are those of all detectors of a pack. Its name is the pack's.
type HazardFigures struct {
	Raised    int `json:"raised" doc:"alerts about a hazard; several of one case are one alarm"`
	Unwatched int `json:"unwatched" doc:"of the missed events, those where no detector watches"`
	verify.LiveFigures
}

// PositionFigures are the alarm load of one operating position: of the post that owns the detectors. Alarms are counted when
// they are told. One that is told while it rests counts from when it rests no more, if it stands then.
type PositionFigures struct {
	Position   string            `json:"position" doc:"empty: of detectors that are gone"`
	Detectors  int               `json:"detectors"`
	Load       verify.LoadReport `json:"load"`
	Top        []TopSource       `json:"top" doc:"the ten most frequent sources, as in load.top, named"`
	Returned   int               `json:"returned" doc:"of the alarms, those by which an alert came back that had just cleared"`
	Monitoring int               `json:"monitoring" doc:"of the alarms, those about the watch itself"`
	Grouped    int               `json:"grouped" doc:"of the alarms, those that belong to the group of another"`
	Flapping   int               `json:"flapping" doc:"alerts that came and went and stood until they had settled"`
	Rested     Rested            `json:"rested"`
	StaleNow   int               `json:"stale_now" doc:"alerts that have stood for over 24 h at the end of the time"`
}

// Rested are alerts that were told while they rested, and are in no alarm count unless they counted later.
type Rested struct {
	Alerts    int `json:"alerts"`
	Works     int `json:"works" doc:"during planned works"`
	Shelved   int `json:"shelved" doc:"raised while a person had put the subject aside"`
	Design    int `json:"design" doc:"explained by another alert"`
	Counted   int `json:"counted" doc:"of these, those that counted later"`
	Shelvings int `json:"shelvings" doc:"how often a person has put an alert aside"`
}

// TopSource is a detector at one subject.
type TopSource struct {
	Detector string  `json:"detector"`
	Title    Wording `json:"title"`
	Asset    int64   `json:"asset"`
	Name     Wording `json:"name" doc:"of the asset, the place or the area"`
	Alarms   int     `json:"alarms"`
}

// MissedEvent is a case that came to light in another way than by an alert, and was proven.
type MissedEvent struct {
	Case      int64     `json:"case"`
	Kind      string    `json:"kind"`
	Hazard    string    `json:"hazard" doc:"the pack"`
	Report    int64     `json:"report,omitempty"`
	Finding   int64     `json:"finding,omitempty"`
	Asset     int64     `json:"asset,omitempty"`
	Place     int64     `json:"place,omitempty"`
	At        time.Time `json:"at" doc:"when the case was opened"`
	Detectors []string  `json:"detectors" doc:"those that watch there and said nothing; none: nobody watches there"`
}

// LoadTargets are what one person can bear: see methods/verify.
type LoadTargets struct {
	Per10Min   TargetLimit `json:"per_10_min"`
	PerHour    TargetLimit `json:"per_hour"`
	PerDay     TargetLimit `json:"per_day"`
	OverShare  float64     `json:"over_share" doc:"of the ten-minute periods may have more than 10 alarms"`
	FloodShare float64     `json:"flood_share" doc:"of the time may be flood"`
	TopShare   float64     `json:"top_share" doc:"of the alarms may come from the ten most frequent sources"`
	Stale      int         `json:"stale" doc:"alarms that stand for over 24 h must be fewer on any day"`
}

// TargetLimit is what is very likely acceptable, and the most that can be managed.
type TargetLimit struct {
	Target int `json:"target"`
	Limit  int `json:"limit"`
}

var loadTargets = LoadTargets{
	Per10Min:  TargetLimit{verify.TargetPer10Min, verify.LimitPer10Min},
	PerHour:   TargetLimit{verify.TargetPerHour, verify.LimitPerHour},
	PerDay:    TargetLimit{verify.TargetPerDay, verify.LimitPerDay},
	OverShare: verify.LimitOverShare, FloodShare: verify.LimitFloodShare, TopShare: verify.LimitTopShare, Stale: verify.LimitStale,
}

// Figures computes the figures of what was raised at or after from and before to; zero times are the last 30 days. Hits and
// misses go by the time that an alert was raised for, the alarm load by when people were told.
func (s *Service) Figures(ctx context.Context, from, to time.Time) (*Figures, error) {
	if err := s.Access.Decide(ctx, "watch.read", access.Resource{Type: "watch"}, access.Operations); err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	if to.IsZero() {
		to = now
	}
	if from.IsZero() {
		from = to.Add(-DefaultFiguresSpan)
	}
	switch {
	case !from.Before(to):
		return nil, web.Errorf(http.StatusUnprocessableEntity, "watch.span", "the time ends at %s, before it begins", to.Format(time.RFC3339)).At("to")
	case to.Sub(from) > MaxFiguresSpan:
		return nil, web.Errorf(http.StatusUnprocessableEntity, "watch.span", "figures are given for %d days at most", int(MaxFiguresSpan.Hours()/24)).At("from")
	}
	names, err := s.named(ctx)
	if err != nil {
		return nil, err
	}
	f := &Figures{From: from, To: to, Targets: loadTargets}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		raised, err := verifiedAlerts(tx, from, to)
		if err != nil {
			return err
		}
		if f.Missed, err = missedEvents(tx, from, to); err != nil {
			return err
		}
		score(f, names, raised)
		f.Positions, err = positions(tx, names, from, to, now)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("figures of the watch: %w", err)
	}
	return f, nil
}

// score fills in what detectors found and missed.
func score(f *Figures, names []Named, raised []verify.Verified) {
	perDetector, perHazard := map[string]int{}, map[string]int{}
	for _, a := range raised {
		perDetector[a.Detector]++
		perHazard[a.Hazard]++
	}
	var missed []verify.Missed
	unwatched := map[string]int{}
	for _, m := range f.Missed {
		missed = append(missed, verify.Missed{Hazard: m.Hazard, Detectors: m.Detectors, At: db.Micros(m.At)})
		if len(m.Detectors) == 0 {
			unwatched[m.Hazard]++
		}
	}
	detectors, hazards := verify.Live(raised, missed, db.Micros(f.From), db.Micros(f.To))
	ofDetector, ofHazard := byName(detectors), byName(hazards)
	known := map[string]Named{}
	for _, d := range names { // those that raised and missed nothing are there as well
		known[d.ID] = d
		if !d.Watches {
			continue
		}
		if _, ok := ofDetector[d.ID]; !ok {
			ofDetector[d.ID] = verify.Nothing(d.ID)
		}
		if hazard := hazardOf(d.ID); ofHazard[hazard].Name == "" {
			ofHazard[hazard] = verify.Nothing(hazard)
		}
	}
	f.Detectors, f.Hazards = []DetectorFigures{}, []HazardFigures{}
	for _, id := range slices.Sorted(maps.Keys(ofDetector)) {
		x := DetectorFigures{Title: Wording{EN: id, ZH: id}, Hazard: hazardOf(id), Raised: perDetector[id], LiveFigures: ofDetector[id]}
		if d, ok := known[id]; ok {
			x.Title, x.Owner, x.Maturity = d.Title, d.Owner, d.Maturity
		}
		f.Detectors = append(f.Detectors, x)
	}
	for _, name := range slices.Sorted(maps.Keys(ofHazard)) {
		f.Hazards = append(f.Hazards, HazardFigures{Raised: perHazard[name], Unwatched: unwatched[name], LiveFigures: ofHazard[name]})
	}
}

func byName(all []verify.LiveFigures) map[string]verify.LiveFigures {
	out := map[string]verify.LiveFigures{}
	for _, f := range all {
		out[f.Name] = f
	}
	return out
}

// hazardOf is the pack that a detector belongs to.
func hazardOf(detector string) string {
	pack, _, _ := strings.Cut(detector, "/")
	return pack
}

// positions measures the alarm load of each operating position.
func positions(tx *db.Tx, names []Named, from, to, now time.Time) ([]PositionFigures, error) {
	told, err := toldAlarms(tx, db.Micros(from), db.Micros(to))
	if err != nil {
		return nil, err
	}
	owner := map[string]string{}
	loads := map[string]*positionLoad{}
	load := func(position string) *positionLoad {
		if loads[position] == nil {
			loads[position] = &positionLoad{load: verify.NewLoad(db.Micros(from)), last: map[string]int64{}}
			loads[position].Position = position
		}
		return loads[position]
	}
	for _, d := range names {
		if owner[d.ID] = d.Owner; d.Watches {
			load(d.Owner).Detectors++
		}
	}
	for _, t := range told {
		load(owner[t.detector]).take(t)
	}
	shelvings, err := shelvingsOf(tx, from, to)
	if err != nil {
		return nil, err
	}
	for detector, n := range shelvings {
		load(owner[detector]).Rested.Shelvings += n
	}
	out := []PositionFigures{}
	last := db.Micros(to)
	if now.Before(to) {
		last = db.Micros(now) // what is still to come is not quiet
	}
	for _, p := range slices.Sorted(maps.Keys(loads)) {
		x := loads[p]
		x.Load = x.load.Report(max(last, db.Micros(from)))
		x.Top = []TopSource{}
		for _, t := range x.Load.Top {
			a, err := alertByID(tx, x.last[t.Source])
			if err != nil {
				return nil, err
			}
			name := cmp.Or(a.AssetName, a.PlaceName, a.AreaName)
			x.Top = append(x.Top, TopSource{Detector: a.Detector, Title: a.Title, Asset: a.Asset, Name: name, Alarms: t.Alarms})
		}
		out = append(out, x.PositionFigures)
	}
	return out, nil
}

// positionLoad gathers what one position was told.
type positionLoad struct {
	PositionFigures
	load *verify.Load
	last map[string]int64 // the newest alert of each source
}

func (p *positionLoad) take(t toldAlarm) {
	source := t.source()
	switch t.what {
	case alarmStood:
		p.load.Standing(t.at, source)
		p.last[source] = t.alert
	case alarmCleared:
		p.load.Clear(t.at, source)
	case alarmStale:
		p.StaleNow++
	case alarmRested:
		p.Rested.Alerts++
		p.Rested.Works += int(bit(t.works))
		p.Rested.Shelved += int(bit(t.shelved))
		p.Rested.Design += int(bit(t.design))
	default:
		p.load.Raise(t.at, source, priority(t.level))
		p.last[source] = t.alert
		p.Returned += int(bit(t.what == alarmReturned))
		p.Rested.Counted += int(bit(t.what == alarmCounts))
		p.Monitoring += int(bit(t.monitoring))
		p.Grouped += int(bit(t.grouped))
		p.Flapping += int(bit(t.flapping))
	}
}

// priority is how soon a person must act: at red at once, at orange soon.
func priority(l engine.Level) verify.Priority {
	switch l {
	case engine.Red:
		return verify.High
	case engine.Orange:
		return verify.Medium
	}
	return verify.Low
}
