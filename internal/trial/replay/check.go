package replay

import (
	"fmt"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/city/coords"
	"github.com/anlan-city/anlan/internal/platform/moment"
)

// check finds what is wrong in a mapping by itself, and completes what follows from it: zone, system and moments.
func (m *mapping) check() Problems {
	c := checker{m: m}
	c.zone(m.TimeZone, &m.zone)
	c.choice("order", m.Order, "time", "file")
	if m.Coordinates.s != "" {
		var err error
		if m.system, err = coords.Parse(m.Coordinates.s); err != nil {
			c.say(m.Coordinates.node, "coordinates", "%v", err)
		}
	}
	for i := range m.Places {
		c.entity(&m.Places[i], "place")
	}
	for i := range m.Assets {
		c.entity(&m.Assets[i], "asset")
	}
	for i := range m.Readings {
		c.readings(&m.Readings[i])
	}
	for i := range m.Reports {
		c.reports(&m.Reports[i])
	}
	if m.Truth != nil {
		c.truth(m.Truth)
	}
	if len(m.Places)+len(m.Assets)+len(m.Readings)+len(m.Reports) == 0 {
		c.say(position{}, "", "the mapping sends nothing: expected places, assets, readings or reports")
	}
	return c.problems
}

type checker struct {
	m        *mapping
	problems Problems
}

func (c *checker) say(at position, field, format string, args ...any) {
	c.problems = append(c.problems, Problem{c.m.file, at.line, at.column, field, fmt.Sprintf(format, args...)})
}

func (c *checker) need(node position, field string, t text) {
	if t.s == "" {
		c.say(node, field, "is missing")
	}
}

func (c *checker) choice(field string, t text, known ...string) {
	if t.s != "" && !slices.Contains(known, t.s) {
		c.say(t.node, field, "%s", unknown("value", t.s, known))
	}
}

func (c *checker) zone(t text, zone **time.Location) {
	if t.s == "" {
		return
	}
	var err error
	if *zone, err = moment.Zone(t.s); err != nil {
		c.say(t.node, "time_zone", "%v", err)
	}
}

func (c *checker) template(field string, t text) {
	if _, err := parseTemplate(t.s); err != nil {
		c.say(t.node, field, "%v", err)
	}
}

func (c *checker) source(node position, s *Source, needed bool) {
	if s.File.s == "" && (needed || s.Where != nil || s.Header != nil) {
		c.say(node, "file", "is missing")
	}
	c.choice("format", s.Format, "csv", "json", "jsonl")
	c.choice("delimiter", s.Delimiter, "comma", "semicolon", "tab")
	c.choice("encoding", s.Encoding, "utf-8", "gb18030")
	c.choice("decimal", s.Decimal, "point", "comma")
}

func (c *checker) when(node position, field string, w *when, needed bool) {
	if w == nil {
		if needed {
			c.say(node, field, "is missing: expected the column that holds it")
		}
		return
	}
	if len(w.Column) == 0 {
		c.say(node, field, "column is missing")
		return
	}
	zone := c.m.zone
	c.zone(w.TimeZone, &zone)
	var err error
	if w.moment, err = moment.New(w.Format.s, zone); err != nil {
		c.say(w.Format.node, field, "%v", err)
	}
}

func (c *checker) point(p *point) {
	if p == nil {
		return
	}
	if c.m.Coordinates.s == "" {
		c.say(p.node, "point", "say at the top of the mapping which system points are in, such as coordinates: wgs84")
	}
	if p.constant != nil {
		if err := checkPoint(p.constant[0], p.constant[1]); err != nil {
			c.say(p.node, "point", "%v", err)
		}
	}
}

// checkPoint says what is wrong with a point in degrees.
func checkPoint(lon, lat float64) error {
	switch {
	case lon >= -180 && lon <= 180 && lat >= -90 && lat <= 90:
		return nil
	case lat >= -180 && lat <= 180 && lon >= -90 && lon <= 90:
		return fmt.Errorf("lon %g, lat %g: a latitude is between -90 and 90; are the two swapped?", lon, lat)
	}
	return fmt.Errorf("lon %g, lat %g is no point on earth in degrees", lon, lat)
}

func (c *checker) entity(e *entity, what string) {
	c.source(e.node, &e.Source, false)
	c.need(e.node, "id", e.ID)
	switch what {
	case "place":
		if e.Place.s != "" {
			c.say(e.Place.node, "place", "a place does not lie in another one")
		}
		if e.Point == nil {
			c.say(e.node, "point", "is missing: expected [lon, lat] or {lon: COLUMN, lat: COLUMN}")
		}
	case "asset":
		c.need(e.node, "kind", e.Kind)
		c.need(e.node, "place", e.Place)
	}
	if e.Name == nil {
		c.say(e.node, "name", "is missing")
	}
	c.point(e.Point)
	for field, t := range map[string]text{"id": e.ID, "kind": e.Kind, "pack": e.Pack, "place": e.Place} {
		c.template(field, t)
	}
	for _, name := range e.Name {
		c.template("name", text{name, e.node})
	}
}

func (c *checker) readings(r *readings) {
	c.source(r.node, &r.Source, true)
	c.when(r.node, "time", r.Time, true)
	if len(r.Series) == 0 {
		c.say(r.node, "series", "is missing: expected the columns that hold measurements")
	}
	for i := range r.Series {
		s := &r.Series[i]
		c.need(s.node, "column", s.Column)
		if s.Asset.s == "" && s.Datastream.s == "" {
			c.say(s.node, "asset", "is missing: expected the asset's id, or datastream: with the id of one that exists")
		}
		if s.Asset.s != "" {
			c.need(s.node, "property", s.Property)
			c.need(s.node, "unit", s.Unit)
		}
		c.choice("type", s.Type, "number", "text", "truth")
		if s.Type.s != "" && s.Type.s != "number" && (s.Times != nil || s.Plus != 0 || s.Wrap != 0) {
			c.say(s.node, "times", "times, plus and wrap are for numbers")
		}
		if s.Times != nil && *s.Times == 0 {
			c.say(s.node, "times", "0 would make every reading 0")
		}
		if s.Wrap < 0 {
			c.say(s.node, "wrap", "expected a positive number, such as 360 for degrees")
		}
		for field, t := range map[string]text{"column": s.Column, "asset": s.Asset, "property": s.Property,
			"unit": s.Unit, "datastream": s.Datastream, "name": s.Name} {
			c.template(field, t)
		}
	}
}

func (c *checker) reports(r *reports) {
	c.source(r.node, &r.Source, true)
	c.need(r.node, "id", r.ID)
	c.need(r.node, "category", r.Category)
	c.need(r.node, "text", r.Text)
	c.when(r.node, "received", r.Received, true)
	c.when(r.node, "due", r.Due, false)
	c.when(r.node, "closed", r.Closed, false)
	c.point(r.Point)
	if r.Point == nil && r.PlaceholderPoints != nil {
		c.say(r.node, "placeholder_points", "make sense only with point")
	}
	for field, t := range map[string]text{"id": r.ID, "category": r.Category, "text": r.Text, "address": r.Address,
		"state": r.State, "channel": r.Channel, "queue": r.Queue} {
		c.template(field, t)
	}
}

func (c *checker) truth(t *truth) {
	c.source(t.node, &t.Source, true)
	c.need(t.node, "detector", t.Detector)
	c.when(t.node, "start", t.Start, true)
	c.when(t.node, "end", t.End, true)
	c.template("name", t.Name)
	c.choice("per", t.Compare.Per, "datastream", "asset", "place")
	if len(t.Compare.Limits) > 0 {
		c.need(t.node, "compare: property", t.Compare.Property)
	}
}
