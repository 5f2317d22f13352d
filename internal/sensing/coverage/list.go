package coverage

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// Line is an asset in the list.
type Line struct {
	ID           int64      `json:"id"`
	ExternalID   string     `json:"external_id"`
	Kind         string     `json:"kind"`
	KindTitle    Text       `json:"kind_title"`
	Name         Text       `json:"name" doc:"of an asset in a home: its kind"`
	Place        int64      `json:"place,omitempty"`
	PlaceName    Text       `json:"place_name"`
	Area         int64      `json:"area,omitempty"`
	AreaName     Text       `json:"area_name"`
	Organisation int64      `json:"organisation,omitempty"`
	Point        [2]float64 `json:"point"`

	State     State      `json:"state" enum:"unwatched,mute,partly,works,watched,none"`
	Late      bool       `json:"late" doc:"something speaks late"`
	Judged    bool       `json:"judged" doc:"a detector judges something of what is measured"`
	LastHeard *time.Time `json:"last_heard" doc:"when anything of it last spoke; null: never"`
	Reasons   []Reason   `json:"reasons" doc:"why it is not simply watched, the gravest first"`
	Works     *Work      `json:"works,omitempty" doc:"planned works that are on"`
	DueOn     string     `json:"due_on,omitempty" doc:"the nearest day on which a calibration is due; absent where none is known"`
	Due       Due        `json:"due,omitempty" enum:"ok,soon,overdue"`
}

// Detail is all that is known about one asset's coverage.
type Detail struct {
	Line
	Properties   []PropertyLine `json:"properties" doc:"what its kind measures, and what it measures besides"`
	Planned      []Work         `json:"planned" doc:"works that are on or to come"`
	Calibrations []Calibration  `json:"calibrations" doc:"the newest of the asset and of each of its datastreams"`
	MayAnnounce  bool           `json:"may_announce" doc:"whether you may announce and end works here"`
	MayCalibrate bool           `json:"may_calibrate" doc:"whether you may record calibrations here"`
}

// PropertyLine is one property of an asset.
type PropertyLine struct {
	Property    string       `json:"property"`
	Title       Text         `json:"title"`
	Unit        string       `json:"unit,omitempty"`
	Due         bool         `json:"due" doc:"its kind measures it, as the pack says"`
	Watched     bool         `json:"watched" doc:"a datastream is there"`
	Judged      bool         `json:"judged" doc:"a detector judges it on this kind"`
	Liveness    Liveness     `json:"liveness,omitempty" enum:"alive,late,mute,never" doc:"of the datastream that does best"`
	Datastreams []StreamLine `json:"datastreams"`
}

// StreamLine is a datastream.
type StreamLine struct {
	ID        int64      `json:"id"`
	Name      string     `json:"name,omitempty"`
	Liveness  Liveness   `json:"liveness" enum:"alive,late,mute,never"`
	LastHeard *time.Time `json:"last_heard"`
	Every     string     `json:"every" doc:"how often it should speak, ISO 8601"`
	From      Origin     `json:"every_from" enum:"set,datastream,thing,detector,default" doc:"who says so"`
}

// cursor is a place in the list; the zero value is its beginning.
type cursor struct {
	rank int
	id   int64
}

func (c cursor) behind(after cursor) bool {
	return after.id == 0 || c.rank > after.rank || c.rank == after.rank && c.id > after.id
}

func (c cursor) String() string {
	if c.id == 0 {
		return ""
	}
	return strconv.Itoa(c.rank) + "." + strconv.FormatInt(c.id, 10)
}

func parseCursor(s string) (c cursor, err error) {
	if s == "" {
		return c, nil
	}
	if n, err := fmt.Sscanf(s, "%d.%d", &c.rank, &c.id); err != nil || n != 2 || c.id <= 0 {
		return c, web.Errorf(http.StatusUnprocessableEntity, "coverage.bad_after", "expected the next of the page before, got %q", short(s)).At("after")
	}
	return c, nil
}

// Assets are up to limit assets, what is blind first, and the text to go on after; "" at the end.
func (s *Service) Assets(ctx context.Context, f Filter, after string, limit int) ([]Line, string, error) {
	if err := s.mayLook(ctx); err != nil {
		return nil, "", err
	}
	c, err := parseCursor(after)
	if err != nil {
		return nil, "", err
	}
	v, err := s.look()
	if err != nil {
		return nil, "", err
	}
	at, next := v.page(f, c, limit)
	return s.lines(v, at), next.String(), nil
}

// Totals are the counts of what passes the filter.
func (s *Service) Totals(ctx context.Context, f Filter) (t Totals, at time.Time, err error) {
	if err := s.mayLook(ctx); err != nil {
		return t, at, err
	}
	v, err := s.look()
	if err != nil {
		return t, at, err
	}
	return v.totals(f), db.Time(v.at), nil
}

func (s *Service) lines(v *view, at []int32) []Line {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]Line, len(at))
	var sights []Sight
	for n, i := range at {
		// Judged again for what it was based on, at the same time. The state is the view's, so that the list and its totals
		// agree; the reasons may know of a reading that came a moment later.
		var x verdict
		sights = s.judge(v.index, int(i), v.at, s.day(v.at), &x, sights[:0], nil)
		out[n] = s.line(v, int(i), &v.verdicts[i], sights)
	}
	return out
}

// line is an asset as the list has it. The caller holds s.mu for reading.
func (s *Service) line(v *view, i int, x *verdict, sights []Sight) Line {
	a, k := &v.assets[i], v.entries[i].kind
	l := Line{
		ID: a.ID, ExternalID: a.Key, Kind: a.Kind, KindTitle: k.title, Name: a.Name, Place: a.Place, PlaceName: a.PlaceName,
		Area: a.Area, AreaName: v.areas[a.Area].Name, Organisation: a.Organisation, Point: a.Point,
		State: x.state, Late: x.late, Judged: x.state != None && x.state != Unwatched && !x.unjudged, LastHeard: instant(x.last),
		Works: x.work, Due: x.due, Reasons: s.reasons(v.index, i, x, sights, v.at),
	}
	if a.Home {
		l.Name = k.title
	}
	if l.Reasons == nil {
		l.Reasons = []Reason{}
	}
	if x.dueDay != 0 {
		l.DueOn = dateOf(x.dueDay)
	}
	return l
}

func instant(us int64) *time.Time {
	if us == 0 {
		return nil
	}
	t := db.Time(us)
	return &t
}

// Asset is all about one asset, judged now.
func (s *Service) Asset(ctx context.Context, id int64) (Detail, error) {
	if err := s.mayLook(ctx); err != nil {
		return Detail{}, err
	}
	ix := s.index.Load()
	if ix == nil {
		_, err := s.look()
		return Detail{}, err
	}
	i, ok := ix.homeOf[id]
	if !ok {
		return Detail{}, web.Errorf(http.StatusNotFound, "coverage.unknown_asset", "there is no asset %d, or it is so new that it is not counted yet", id)
	}
	now := db.Micros(s.Clock.Now())
	s.mu.RLock()
	defer s.mu.RUnlock()
	var x verdict
	today := s.day(now)
	sights := s.judge(ix, int(i), now, today, &x, nil, nil)
	d := Detail{Line: s.line(&view{index: ix, at: now}, int(i), &x, sights), Planned: []Work{}, Calibrations: []Calibration{}, Properties: []PropertyLine{}}
	calibrated := func(at subject) {
		if c := s.calibrations[at]; c != nil {
			c := *c
			c.Due = dueAt(c.dueDay, today)
			d.Calibrations = append(d.Calibrations, c)
		}
	}
	calibrated(subject{asset: id})
	for j := range ix.entries[i].sights {
		e, sight := &ix.entries[i].sights[j], sights[j]
		p := PropertyLine{Property: e.of.id, Title: e.of.title, Unit: e.of.unit, Due: e.due, Watched: sight.Watched, Judged: e.judged, Liveness: sight.Liveness, Datastreams: []StreamLine{}}
		for k := range e.streams {
			st := &e.streams[k]
			how, last := s.hear(st, now)
			p.Datastreams = append(p.Datastreams, StreamLine{ID: st.id, Name: st.name, Liveness: how, LastHeard: instant(last), Every: FormatEvery(st.expect.Every), From: st.expect.From})
			calibrated(subject{datastream: st.id})
		}
		d.Properties = append(d.Properties, p)
	}
	a := &ix.assets[i]
	for _, at := range []subject{{asset: id}, {place: a.Place}} {
		if at == (subject{}) {
			continue
		}
		for _, w := range s.works[at] {
			if w.End().After(db.Time(now)) && w.End().After(w.From) {
				d.Planned = append(d.Planned, *w)
			}
		}
	}
	r := access.Resource{Type: "asset", ID: id, Organisation: a.Organisation, Area: a.Area}
	d.MayAnnounce = s.Access.Decide(ctx, "alert.shelve", r, access.Maintenance) == nil
	d.MayCalibrate = s.Access.Decide(ctx, "city.change", r, access.Maintenance) == nil
	return d, nil
}

// ListWorks are works below an id, newest first: "current", "coming", "past" or "" for all; of one asset or place, or of all.
func (s *Service) ListWorks(ctx context.Context, when string, asset, place, before int64, limit int) (out []Work, err error) {
	if err := s.mayLook(ctx); err != nil {
		return nil, err
	}
	now := db.Micros(s.Clock.Now())
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = listWorks(tx, when, subject{asset: asset, place: place}, now, before, limit)
		return err
	})
	return out, err
}
