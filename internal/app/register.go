package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city"
	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/reports"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/warn/area"
)

// register answers the rooms' questions about where things stand, from city and sensing. Each room declares what it asks;
// here the answers are put into its words.
type register struct{ *App }

var (
	_ detect.Register  = register{}
	_ detect.Names     = register{}
	_ inspect.Register = register{}
	_ respond.Register = register{}
	_ area.Register    = register{}
	_ area.Ground      = register{}
	_ respond.Readings = register{}
	_ access.Scopes    = register{}
)

// Covers fulfils access.Scopes. Access is built before the city, which asks it in turn.
func (r register) Covers(organisation, owner, area int64) bool {
	return r.city.Covers(organisation, owner, area)
}

// Touches fulfils access.Scopes.
func (r register) Touches(organisation, area int64) bool { return r.city.Touches(organisation, area) }

// asset is what sensing asks about an asset.
func (r register) asset(id int64) sensing.Asset {
	s, _ := r.city.AssetSpot(id)
	return sensing.Asset{Organisation: s.Organisation, Area: s.Area, Home: s.Home}
}

// Streams fulfils detect.Register.
func (r register) Streams(_ context.Context, ids []int64) (map[int64]engine.Stream, error) {
	out := make(map[int64]engine.Stream, len(ids))
	linked := map[int64]bool{}
	for _, id := range ids {
		d, ok := r.sensing.Lookup(id)
		if !ok {
			continue
		}
		s, ok := r.city.AssetSpot(d.Asset)
		if !ok || d.Property == "" {
			continue
		}
		point := [2]float64(s.Point)
		out[id] = engine.Stream{
			ID: id, Property: d.Property, Asset: d.Asset, Kind: s.Kind, Place: s.Place, Area: s.Area, Organisation: s.Organisation,
			Point: &point, AssetName: wording(s.AssetName), PlaceName: wording(s.PlaceName), AreaName: wording(r.city.AreaName(s.Area)),
		}
		for _, asset := range slices.Concat(r.city.Upstream(d.Asset), r.city.Downstream(d.Asset)) {
			linked[asset] = true
		}
	}
	if len(linked) == 0 {
		return out, nil
	}
	next := neighbours(r.sensing.On(linked))
	for id, st := range out {
		st.Upstream = next.of(st.Property, r.city.Upstream(st.Asset))
		st.Downstream = next.of(st.Property, r.city.Downstream(st.Asset))
		out[id] = st
	}
	return out, nil
}

// Instruments fulfils detect.Names. One in a home is called by its kind, since its name may hold the flat.
func (r register) Instruments(_ context.Context, ids []int64) map[int64]detect.Instrument {
	out := make(map[int64]detect.Instrument, len(ids))
	for _, id := range ids {
		d, ok := r.sensing.Lookup(id)
		if !ok {
			continue
		}
		in := detect.Instrument{Datastream: id, Name: d.Name, Property: engine.Wording{EN: d.Name, ZH: d.Name}, Unit: d.Unit, Asset: d.Asset}
		if p, ok := r.packs.properties[d.Property]; ok {
			in.Property = engine.TextOf(p.Title)
		}
		if s, ok := r.city.AssetSpot(d.Asset); ok {
			in.AssetName, in.Place, in.PlaceName, in.Home = wording(s.AssetName), s.Place, wording(s.PlaceName), s.Home
			for _, k := range r.packs.declared {
				if s.Home && k.ID == s.Kind {
					in.AssetName, in.Name = engine.TextOf(k.Title), in.Property.ZH
				}
			}
		}
		if st, ok := r.sensing.State(id); ok && st.HasLatest() {
			at := st.Latest.Time()
			in.HeardAt = &at
			if v, number := st.Latest.Value.Float(); number && !in.Home {
				in.Latest = &detect.Sample{At: at, Value: v}
			}
		}
		out[id] = in
	}
	return out
}

// neighbours are the datastreams on assets.
type neighbours map[int64][]sensing.Datastream

// of are the datastreams of one property on some assets.
func (n neighbours) of(property string, assets []int64) (ids []int64) {
	for _, a := range assets {
		for _, d := range n[a] {
			if d.Property == property {
				ids = append(ids, d.ID)
			}
		}
	}
	return ids
}

// Zone fulfils detect.Register.
func (r register) Zone(ctx context.Context) (*time.Location, error) {
	return zone(ctx, r.city, "detect")
}

// zone is the city's local time, as a room asks for it.
func zone(ctx context.Context, c *city.Service, room string) (*time.Location, error) {
	set, err := c.Settings(access.With(ctx, access.System(room)))
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(set.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("time zone of the city: %w", err)
	}
	return zone, nil
}

func wording(n city.Name) engine.Wording { return engine.Wording{EN: n.In("en"), ZH: n.In("zh-CN")} }

// Locate fulfils inspect.Register and respond.Register.
func (r register) Locate(_ context.Context, s inspect.Spot) (inspect.Spot, error) {
	var at city.Spot
	switch {
	case s.Asset != 0:
		var ok bool
		if at, ok = r.city.AssetSpot(s.Asset); !ok {
			return s, fmt.Errorf("asset %d: %w", s.Asset, db.ErrNotFound)
		}
	case s.Place != 0:
		var ok bool
		if at, ok = r.city.PlaceSpot(s.Place); !ok {
			return s, fmt.Errorf("place %d: %w", s.Place, db.ErrNotFound)
		}
	case s.Point != nil:
		areas := r.city.AreaAt(s.Point[0], s.Point[1])
		if len(areas) == 0 && r.city.HasAreas() {
			return s, web.Errorf(http.StatusUnprocessableEntity, "city.outside", "the point %v, %v lies outside the city", s.Point[0], s.Point[1]).At("point")
		}
		if len(areas) > 0 {
			s.Area = areas[0]
		}
		s.Owner = r.city.AnswersFor(s.Area)
		return s, nil
	default:
		return s, nil
	}
	s.Place, s.Area, s.Owner = at.Place, at.Area, at.Organisation
	if s.Owner == 0 {
		s.Owner = r.city.AnswersFor(s.Area)
	}
	if s.Point == nil {
		point := [2]float64(at.Point)
		s.Point = &point
	}
	return s, nil
}

// Name fulfils respond.Register.
func (r register) Name(_ context.Context, kind string, id int64) lifecycle.Text {
	var n city.Name
	switch kind {
	case "asset":
		s, _ := r.city.AssetSpot(id)
		n = s.AssetName
	case "place":
		s, _ := r.city.PlaceSpot(id)
		n = s.PlaceName
	case "area":
		n = r.city.AreaName(id)
	case "organisation":
		n = r.city.OrganisationName(id)
	}
	return lifecycle.Text{En: n.In("en"), Zh: n.In("zh-CN")}
}

// Latest fulfils respond.Readings.
func (r register) Latest(ctx context.Context, datastream int64) (lifecycle.Reading, error) {
	d, ok := r.sensing.Lookup(datastream)
	if !ok {
		return lifecycle.Reading{}, fmt.Errorf("datastream %d: %w", datastream, db.ErrNotFound)
	}
	st, err := r.sensing.Latest(access.With(ctx, access.System("respond")), datastream)
	if err != nil {
		return lifecycle.Reading{}, err
	}
	v, number := st.Latest.Value.Float()
	if !st.HasLatest() || !number {
		return lifecycle.Reading{}, fmt.Errorf("datastream %d has no number yet: %w", datastream, db.ErrNotFound)
	}
	return lifecycle.Reading{Datastream: datastream, Asset: d.Asset, Property: d.Property, Unit: d.Unit, Value: v, At: db.Time(st.Latest.At)}, nil
}

// Areas fulfils area.Register.
func (r register) Areas(ctx context.Context) ([]area.Area, error) {
	areas, err := r.districts(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]area.Area, len(areas))
	for i, a := range areas {
		out[i] = area.Area{ID: a.ID, Parent: a.Parent, Code: a.ExternalID, Name: text(a.Name)}
	}
	return out, nil
}

func text(n city.Name) page.Text { return page.Text{English: n.In("en"), Chinese: n.In("zh-CN")} }

// districts are all areas but grid cells, parents before children.
func (r register) districts(ctx context.Context) ([]city.Area, error) {
	areas, err := r.city.Areas(access.With(ctx, access.System("register")), "")
	if err != nil {
		return nil, err
	}
	areas = slices.DeleteFunc(areas, func(a city.Area) bool { return a.Level == city.GridLevel })
	byID := make(map[int64]city.Area, len(areas))
	for _, a := range areas {
		byID[a.ID] = a
	}
	depth := func(a city.Area) (d int) {
		for ok := true; ok; d++ { // areas can't stand in a circle
			a, ok = byID[a.Parent]
		}
		return d
	}
	slices.SortStableFunc(areas, func(a, b city.Area) int { return depth(a) - depth(b) })
	return areas, nil
}

// Geometry fulfils area.Register.
func (r register) Geometry(ctx context.Context, id int64) ([][][2]float64, error) {
	areas, err := r.districts(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range areas {
		if a.ID == id {
			return outerRings(a.Geometry.Geometry), nil
		}
	}
	return nil, fmt.Errorf("area %d: %w", id, db.ErrNotFound)
}

func outerRings(g geom.Geometry) (rings [][][2]float64) {
	add := func(p geom.Polygon) {
		seq := p.ExteriorRing().Coordinates()
		ring := make([][2]float64, seq.Length())
		for i := range ring {
			xy := seq.GetXY(i)
			ring[i] = [2]float64{xy.X, xy.Y}
		}
		rings = append(rings, ring)
	}
	switch {
	case g.IsPolygon():
		add(g.MustAsPolygon())
	case g.IsMultiPolygon():
		mp := g.MustAsMultiPolygon()
		for i := range mp.NumPolygons() {
			add(mp.PolygonN(i))
		}
	}
	return rings
}

// locator fulfils reports.Locator.
type locator struct{ register }

var _ reports.Locator = locator{}

// AreaAt lists the areas at a point, the smallest first.
func (l locator) AreaAt(lon, lat float64) []int64 { return l.city.AreaAt(lon, lat) }

// Areas lists districts and towns with a point inside each, parents first.
func (l locator) Areas(ctx context.Context) ([]reports.Area, error) {
	areas, err := l.districts(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]reports.Area, len(areas))
	for i, a := range areas {
		out[i] = reports.Area{ID: a.ID, Parent: a.Parent, Name: text(a.Name)}
		if xy, ok := a.Geometry.PointOnSurface().XY(); ok {
			out[i].Point = [2]float64{xy.X, xy.Y}
		}
	}
	return out, nil
}

// states tells the register what the rooms below it know about assets.
type states struct{ *App }

var _ city.Decorations = states{}

// States fulfils city.Decorations: an asset without an open alert is well if it has sent a reading.
func (s states) States(assets []int64) map[int64]city.State {
	out := make(map[int64]city.State, len(assets))
	wanted := make(map[int64]bool, len(assets))
	for _, id := range assets {
		wanted[id] = true
	}
	s.sensing.All(func(d sensing.DatastreamState) {
		if wanted[d.Asset] && d.State.Count > 0 {
			out[d.Asset] = city.State{State: "ok"}
		}
	})
	open, err := s.detect.States(context.Background(), assets)
	if err != nil {
		slog.Warn("the states of assets are not known", "err", err)
		return nil
	}
	for id, st := range open {
		switch {
		case st.Level != engine.None:
			out[id] = city.State{State: "alert", AlertLevel: st.Level.String()}
		case st.Silent:
			out[id] = city.State{State: "silent"}
		}
	}
	return out
}

// Datastreams fulfils city.Decorations.
func (s states) Datastreams(ctx context.Context, asset int64) (any, error) {
	ds, err := s.sensing.Datastreams(ctx, asset)
	if err != nil {
		return nil, err
	}
	out := make([]sensing.DatastreamJSON, len(ds))
	for i, d := range ds {
		out[i] = d.JSON()
	}
	return out, nil
}

// Above fulfils respond.Register.
func (r register) Above(organisation, other int64) bool {
	return organisation == other || r.city.Covers(organisation, other, 0)
}
