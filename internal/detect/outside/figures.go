package outside

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/methods/verify"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// linger is how long the traces of an event last: an alert that is raised there is no hit, and no false alarm.
const linger = time.Hour

// Period narrows figures. Zero times are the whole time: since the model came into shadow, as far back as answers are kept.
type Period struct{ From, To time.Time }

// Figures are how good a model was, and our detectors on the same series in the same time.
type Figures struct {
	Model   string    `json:"model"`
	Version string    `json:"version" doc:"the figures hold for this version alone"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Series  int       `json:"series" doc:"that the model is asked about"`
	Events  int       `json:"events" doc:"alerts that people found to be real and proven cases at these series, those of one case or group being one"`
	Unknown int       `json:"unknown" doc:"alerts there that nobody has judged, that stayed unclear, or that were drills: they count for nobody and against nobody"`

	Own       Row   `json:"own" doc:"the model"`
	Ours      Row   `json:"ours" doc:"our detectors together"`
	Detectors []Row `json:"detectors" doc:"each of ours that raised anything"`

	Scores verify.ProbabilityScores `json:"scores" doc:"the model's scores as probabilities that an event is under way or begins within the horizon"`
	// OursBrier is the Brier score of our detectors' yes or no: an alert stands, or none does, at the same instants.
	OursBrier verify.Score      `json:"ours_brier" doc:"Brier score of our detectors at the same instants: 1 while an alert of theirs stands, else 0"`
	Forecasts []ForecastFigures `json:"forecasts"`

	Asked    int `json:"asked"`
	Answered int `json:"answered"`
	Failed   int `json:"failed"`
	Refused  int `json:"refused"`
}

// Row is the score of one who raises alerts.
type Row struct {
	Name     string       `json:"name"`
	Alarms   int          `json:"alarms"`
	PerDay   verify.Score `json:"alarms_per_day"`
	Hits     int          `json:"hits" doc:"events with an alarm"`
	Misses   int          `json:"misses" doc:"events without one"`
	False    int          `json:"false" doc:"alarms without an event. An alarm in shadow that nobody went to look at is among them"`
	Alone    int          `json:"alone" doc:"of the false: nobody else alarmed there, so nobody went to look"`
	Unjudged int          `json:"unjudged" doc:"alarms beside one that is unknown; they count for nothing"`

	POD   verify.Score     `json:"pod"`
	POD95 verify.Interval  `json:"pod_95"`
	FAR   verify.Score     `json:"far"`
	FAR95 verify.Interval  `json:"far_95"`
	CSI   verify.Score     `json:"csi"`
	Lead  verify.LeadTimes `json:"lead" doc:"of the events whose onset is known"`
}

// brief is what the ledger keeps of figures.
func (f *Figures) brief() map[string]any {
	row := func(r Row) map[string]any {
		return map[string]any{"alarms": r.Alarms, "alarms_per_day": r.PerDay, "hits": r.Hits, "misses": r.Misses, "false": r.False,
			"pod": r.POD, "far": r.FAR, "lead_median_s": r.Lead.Median, "lead_10_s": r.Lead.Tenth}
	}
	return map[string]any{
		"from": f.From.Format(time.RFC3339), "to": f.To.Format(time.RFC3339), "events": f.Events, "answered": f.Answered, "asked": f.Asked,
		"model": row(f.Own), "ours": row(f.Ours), "brier": f.Scores.Brier, "brier_ours": f.OursBrier, "scores": f.Scores.Forecasts,
	}
}

// Figures are a model's figures.
func (s *Service) Figures(ctx context.Context, id int64, p Period) (*Figures, error) {
	m, err := s.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.figures(ctx, m, p)
}

func (s *Service) figures(ctx context.Context, m *Model, p Period) (*Figures, error) {
	now := s.Clock.Now()
	first := now.Add(-Keep)
	if m.ShadowAt != nil && m.ShadowAt.After(first) {
		first = *m.ShadowAt
	}
	if p.From.Before(first) {
		p.From = first
	}
	if p.To.IsZero() || p.To.After(now) {
		p.To = now
	}
	f := &Figures{Model: m.Registration.Name, Version: m.Version, From: p.From, To: p.To}
	if m.State == Live {
		f.Version = m.Approved
	}
	e, err := s.evidence(ctx, m, f)
	if err != nil {
		return nil, fmt.Errorf("figures of model %s: %w", m.Registration.Name, err)
	}
	e.compare(f)
	if err := s.scores(ctx, m, e, f); err != nil {
		return nil, fmt.Errorf("scores of model %s: %w", m.Registration.Name, err)
	}
	return f, nil
}

// evidence is what figures rest on.
type evidence struct {
	from, to int64
	horizon  int64
	series   map[int64]Series
	own      []Alert          // of the model and version
	others   []detect.Outcome // alerts at the series, or that open the same kind of case at their places
	cases    []provenCase

	events  []verify.Event
	known   []bool // the event's onset is known
	unknown []verify.Event
	untrue  []verify.Event // where our detectors were found to be wrong
}

func (s *Service) evidence(ctx context.Context, m *Model, f *Figures) (*evidence, error) {
	r := &m.Registration
	e := &evidence{from: db.Micros(f.From), to: db.Micros(f.To), horizon: m.horizon.Microseconds(), series: map[int64]Series{}}
	all, err := s.Catalogue.Series(ctx, Selection{r.Property, r.Kinds, r.Datastreams})
	if err != nil {
		return nil, err
	}
	assets, places := map[int64]bool{}, map[int64]bool{}
	for _, x := range all {
		if !x.Home {
			e.series[x.ID], assets[x.Asset], places[x.Place] = x, true, x.Place != 0
		}
	}
	f.Series = len(e.series)
	outcomes, err := s.Alerts.Outcomes(ctx, f.From, f.To)
	if err != nil {
		return nil, err
	}
	for _, o := range outcomes {
		if e.watches(o) || r.Opens != nil && o.Opens == r.Opens.Case && places[o.Place] {
			e.others = append(e.others, o)
		}
	}
	return e, s.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		e.own, err = alerts(tx, `where model = $1 and version = $2 and raised_at >= $3 and raised_at <= $4 order by id nulls last`, m.ID, f.Version, e.from, e.to)
		if err != nil {
			return err
		}
		err = tx.QueryRow(`select count(*), coalesce(sum(case when outcome = 'answered' then 1 else 0 end), 0), coalesce(sum(case when outcome = 'failed' then 1 else 0 end), 0),
				coalesce(sum(case when outcome = 'refused' then 1 else 0 end), 0) from outside_asks where model = $1 and due >= $2 and due <= $3`,
			m.ID, e.from, e.to).Scan(&f.Asked, &f.Answered, &f.Failed, &f.Refused)
		if err != nil || r.Opens == nil {
			return err
		}
		cases, err := provenCases(tx, r.Opens.Case, e.from, e.to)
		for _, c := range cases {
			if assets[c.asset] && c.asset != 0 || places[c.place] {
				e.cases = append(e.cases, c)
			}
		}
		return err
	})
}

// watches says whether an alert's detector watches one of the series.
func (e *evidence) watches(o detect.Outcome) bool {
	return slices.ContainsFunc(o.Datastreams, func(id int64) bool { _, ok := e.series[id]; return ok })
}

// compare fills in events and rows.
func (e *evidence) compare(f *Figures) {
	e.sort()
	f.Events, f.Unknown = len(e.events), len(e.unknown)
	days := float64(e.to-e.from) / float64((24 * time.Hour).Microseconds())
	var own []claim
	for _, a := range e.own {
		own = append(own, claim{Alert: e.alert(db.Micros(a.RaisedAt), a.ClearedAt, a.Asset, a.Place)})
	}
	f.Own = e.row(f.Model, own, days)
	by := map[string][]claim{}
	var ours []claim
	for _, o := range e.others {
		if strings.HasPrefix(o.Detector, detect.OutsidePrefix) || !e.watches(o) {
			continue
		}
		c := claim{Alert: e.alert(db.Micros(o.Raised), o.Until, o.Asset, o.Place), verdict: o.Verdict}
		by[o.Detector] = append(by[o.Detector], c)
		ours = append(ours, c)
	}
	f.Ours = e.row("ours", ours, days)
	f.Detectors = []Row{}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		f.Detectors = append(f.Detectors, e.row(name, by[name], days))
	}
}

// claim is an alert with what people said of that very alert.
type claim struct {
	verify.Alert
	verdict string
}

func (e *evidence) alert(raised int64, until *time.Time, asset, place int64) verify.Alert {
	to := e.to
	if until != nil {
		to = db.Micros(*until)
	}
	return verify.Alert{From: raised, To: max(to, raised), Assets: ids(asset), Places: ids(place)}
}

func ids(id int64) []string {
	if id == 0 {
		return nil
	}
	return []string{strconv.FormatInt(id, 10)}
}

// sort makes events of what people found out.
func (e *evidence) sort() {
	type event struct {
		verify.Event
		known bool
	}
	cluster := func(o detect.Outcome) string {
		switch {
		case o.Case != 0:
			return "case " + strconv.FormatInt(o.Case, 10)
		case o.Lead != 0:
			return "alert " + strconv.FormatInt(o.Lead, 10)
		}
		return "alert " + strconv.FormatInt(o.Alert, 10)
	}
	span := func(o detect.Outcome) verify.Event {
		a := e.alert(db.Micros(o.Raised), o.Until, o.Asset, o.Place)
		return verify.Event{Start: a.From, End: a.To, Assets: a.Assets, Places: a.Places}
	}
	real := map[string]*event{}
	for _, o := range e.others {
		if o.Verdict != detect.Real {
			continue
		}
		x := span(o)
		if o.Onset != nil {
			x.Start = db.Micros(*o.Onset)
			x.End = max(x.End, x.Start)
		}
		at := real[cluster(o)]
		if at == nil {
			real[cluster(o)] = &event{x, o.Onset != nil}
			continue
		}
		// One with an onset says when it began, whatever the others say.
		if o.Onset != nil && (!at.known || x.Start < at.Start) || o.Onset == nil && !at.known && x.Start < at.Start {
			at.Start, at.known = x.Start, o.Onset != nil
		}
		at.End = max(at.End, x.End)
		at.Assets, at.Places = union(at.Assets, x.Assets), union(at.Places, x.Places)
	}
	for _, o := range e.others {
		at, x := real[cluster(o)], span(o)
		switch {
		case o.Verdict == detect.Real:
		case o.Verdict == detect.False:
			e.untrue = append(e.untrue, x)
		case at == nil:
			e.unknown = append(e.unknown, x)
		default: // of the case or group of one that was real, and nobody has said otherwise
			at.End, at.Assets, at.Places = max(at.End, x.End), union(at.Assets, x.Assets), union(at.Places, x.Places)
		}
	}
	for _, c := range e.cases {
		real[fmt.Sprintf("found otherwise %d %d %d", c.opened, c.asset, c.place)] = &event{verify.Event{Start: c.opened, End: max(c.opened, c.closed), Assets: ids(c.asset), Places: ids(c.place)}, false}
	}
	for _, k := range slices.SortedFunc(maps.Keys(real), func(a, b string) int {
		return cmp.Or(cmp.Compare(real[a].Start, real[b].Start), cmp.Compare(a, b))
	}) {
		e.events, e.known = append(e.events, real[k].Event), append(e.known, real[k].known)
	}
}

func union(a, b []string) []string {
	out := append(slices.Clone(a), b...)
	slices.Sort(out)
	return slices.Compact(out)
}

// row scores who raised these alerts.
func (e *evidence) row(name string, claims []claim, days float64) Row {
	r := Row{Name: name, Alarms: len(claims), PerDay: verify.Undefined()}
	if days > 0 {
		r.PerDay = verify.Score(float64(len(claims)) / days)
	}
	rule := verify.Rule{Before: e.horizon, Linger: linger.Microseconds()}
	var as []verify.Alert
	for _, c := range claims {
		if c.verdict == detect.False {
			r.False++ // the word about this very alert weighs more than an event nearby
			continue
		}
		as = append(as, c.Alert)
	}
	m := verify.Match(e.events, as, rule)
	var rest []verify.Alert
	for i, v := range m.Verdicts {
		if v == verify.FalseAlarm {
			rest = append(rest, as[i])
		}
	}
	beside := verify.Match(e.unknown, rest, rule)
	var alone []verify.Alert
	for i, v := range beside.Verdicts {
		if v == verify.Hit || v == verify.Repeated {
			r.Unjudged++
			continue
		}
		alone = append(alone, rest[i])
	}
	r.False += len(alone)
	r.Alone = verify.Match(e.untrue, alone, rule).Count(verify.FalseAlarm)
	var leads []int64
	for k, x := range m.Events {
		if x.First == verify.None {
			r.Misses++
			continue
		}
		r.Hits++
		if x.Fresh != verify.None && e.known[k] {
			leads = append(leads, x.Lead)
		}
	}
	slices.Sort(leads)
	t := verify.Table{Hits: r.Hits, Misses: r.Misses, FalseAlarms: r.False}
	s := t.Scores()
	r.POD, r.POD95, r.FAR, r.FAR95, r.CSI, r.Lead = s.POD, s.PODInterval, s.FAR, s.FARInterval, s.CSI, verify.LeadTimesOf(leads)
	return r
}
