package sta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

const (
	jsonPatchType  = "application/json-patch+json"
	mergePatchType = "application/merge-patch+json"
)

// prepareChange checks a PATCH or a PUT. The body of a PATCH is the properties that change, a JSON Patch (RFC 6902) or,
// where the content type says so, a JSON Merge Patch (RFC 7396), both of the entity without its links.
func (s *Service) prepareChange(ctx context.Context, w *Writing, steps []step, refs bool) (deed, error) {
	last := steps[len(steps)-1]
	if err := s.mayChange(ctx, max(last.id, 1)); err != nil {
		return nil, err
	}
	kind := mediaType(w.ContentType)
	if w.Method == http.MethodPatch && (kind == jsonPatchType || kind == mergePatchType) {
		apply, err := patcher(kind, w.Body)
		if err != nil {
			return nil, err
		}
		return func(c *change) (*Answer, error) {
			m, err := c.resolve(steps)
			if err != nil {
				return nil, err
			}
			before, err := c.flatOf(m)
			if err != nil {
				return nil, err
			}
			after, err := apply(before)
			if err != nil {
				return nil, web.Errorf(http.StatusConflict, "sensing.bad_patch", "the patch does not fit %s %d: %s", entityName(m.set), m.id,
					strings.TrimSuffix(err.Error(), ": %!w(<nil>)"))
			}
			if len(after) > maxEntity {
				return nil, web.Errorf(http.StatusRequestEntityTooLarge, "web.too_large", "%s %d would be larger than %d bytes", entityName(m.set), m.id, maxEntity)
			}
			d, err := readDraft(after, m.set, put, false)
			if err != nil {
				return nil, err
			}
			return c.changeEntity(w, m, d, put)
		}, nil
	}
	how := patch
	if w.Method == http.MethodPut {
		how = put
	}
	d, err := readDraft(w.Body, last.set, how, refs)
	if err != nil {
		return nil, err
	}
	return func(c *change) (*Answer, error) {
		m, err := c.resolve(steps)
		if err != nil {
			return nil, err
		}
		return c.changeEntity(w, m, d, how)
	}, nil
}

// patcher reads a patch of an entity.
func patcher(kind string, body []byte) (func(doc []byte) ([]byte, error), error) {
	n, err := readJSON(body) // tells where it is wrong
	if err != nil {
		return nil, err
	}
	if kind == mergePatchType {
		return func(doc []byte) ([]byte, error) { return jsonpatch.MergePatch(doc, body) }, nil
	}
	p, err := jsonpatch.DecodePatch(body)
	if err == nil && n.kind != '[' {
		err = fmt.Errorf("got %s", n.what())
	}
	if err != nil {
		return nil, web.Errorf(http.StatusBadRequest, "sensing.bad_patch", "expected a JSON Patch, an array of operations (RFC 6902): %s", err)
	}
	limited := jsonpatch.NewApplyOptions()
	limited.AccumulatedCopySizeLimit = maxEntity // each copy may double what is there
	return func(doc []byte) ([]byte, error) { return p.ApplyWithOptions(doc, limited) }, nil
}

func readDraft(body []byte, set string, how mode, refs bool) (*draft, error) {
	n, err := readJSON(body)
	if err != nil {
		return nil, err
	}
	check := &checker{mode: how, refs: refs, problems: problems{src: body}}
	d := check.entity(n, set, "", "", 0)
	return d, check.err()
}

// flatOf is an entity as flat JSON without links.
func (c *change) flatOf(m made) ([]byte, error) {
	if k := kindOf(m.set); k != nil {
		cells, err := c.load(k, m.id)
		return flat(k, m.id, cells), err
	}
	r, err := c.reading(m.id)
	dst := appendInt([]byte(`{"@iot.id":`), m.id)
	return append(appendObservation(dst, &r.Reading), '}'), err
}

// reading is a stored Observation that is to be changed. Whoever changes one is shown all of it, so the rule for homes holds.
func (c *change) reading(id int64) (sensing.Stored, error) {
	r, err := c.Tx.Get(id)
	switch {
	case errors.Is(err, db.ErrNotFound):
		err = missing(setObservations, id)
	case err == nil && access.From(c.ctx).Kind != access.KindSystem && c.s.home(r.Datastream):
		err = errHome()
	}
	return r, err
}

// changeEntity brings an entity to what a draft says.
func (c *change) changeEntity(w *Writing, m made, d *draft, how mode) (*Answer, error) {
	a := &Answer{Status: http.StatusOK, made: m}
	if d.kind == nil {
		to, err := c.amend(m.id, d, how)
		if err == nil && !w.Minimal {
			a.Body = appendReading(nil, w.Root, m.id, &to)
		}
		return a, err
	}
	before, err := c.load(d.kind, m.id)
	if err != nil {
		return nil, err
	}
	after := slices.Clone(before)
	var changed []string
	for i, col := range d.kind.columns {
		if !d.cells[i].set && (how == patch || col.property == "observedArea") { // which is kept where nobody gives it
			continue
		}
		after[i] = d.cells[i]
		if after[i].text != before[i].text || after[i].num != before[i].num {
			changed = append(changed, col.property)
		}
	}
	if err := agreeing(d.kind, after, changed); err != nil {
		return nil, err
	}
	if len(changed) > 0 {
		if err := c.store(d, m.id, after, changed); err != nil {
			return nil, err
		}
	}
	if err := c.setLinks(m.id, d); err != nil {
		return nil, err
	}
	if len(changed) > 0 {
		c.note(d.kind, m.id, sensing.Updated, after, changed)
	}
	if w.Minimal {
		return a, nil
	}
	if after, err = c.load(d.kind, m.id); err != nil {
		return nil, err
	}
	a.Body = appendEntity(nil, w.Root, d.kind, m.id, after)
	return a, nil
}

// agreeing refuses a geometry that is not what the encodingType says, where either changed.
func agreeing(k *kind, cells []cell, changed []string) error {
	for i, col := range k.columns {
		if col.form != formGeometry || !slices.Contains(changed, col.property) && !slices.Contains(changed, "encodingType") ||
			!isGeoJSON(cellOf(k, cells, "encodingType").text) {
			continue
		}
		v, err := readJSON([]byte(cells[i].text))
		if err == nil {
			_, err = boxOf(v)
		}
		if err != nil {
			return web.Errorf(http.StatusBadRequest, "sensing.bad_entity", "expected GeoJSON, as the encodingType says: %s", err).At(col.property)
		}
	}
	return nil
}

// store writes the properties of an entity, and what follows from those that changed.
func (c *change) store(d *draft, id int64, cells []cell, changed []string) error {
	is := func(property string) bool { return slices.Contains(changed, property) }
	now := &draft{set: d.set, kind: d.kind, cells: cells}
	switch {
	case d.set == setThings && is("properties"):
		if err := c.update(d.kind, id, cells, extra{"asset", c.s.assetOf(cellOf(d.kind, cells, "properties").text)}); err != nil {
			return err
		}
		return c.rebindAll("select id from sta_datastreams where thing = $1 order by id nulls last", id)
	case d.set == setObservedProperties && (is("definition") || is("name")):
		name, err := c.s.packProperty(now)
		if err != nil {
			return err
		}
		if err := c.update(d.kind, id, cells, extra{"property", name}); err != nil {
			return err
		}
		if err := c.record(now, id); err != nil {
			return err
		}
		return c.rebindAll("select datastream from sta_datastream_properties where observed_property = $1 order by datastream nulls last", id)
	case d.set == setLocations && is("location"):
		// Readings of the old place keep its feature; new ones get another.
		if err := c.update(d.kind, id, cells, extra{"feature", int64(0)}); err != nil {
			return err
		}
		return c.forgetFeatures("thing in (select tl.thing from sta_thing_locations tl where tl.location = $1)", id)
	case d.set == setDatastreams:
		var extras []extra
		if is("observedArea") {
			given := int64(1)
			if cellOf(d.kind, cells, "observedArea").text == "" {
				given = 0
			}
			extras = append(extras, extra{"area_given", given})
		}
		if err := c.update(d.kind, id, cells, extras...); err != nil {
			return err
		}
		return c.rebind(id)
	case d.set == setHistoricalLocations:
		if err := c.update(d.kind, id, cells); err != nil {
			return err
		}
		var thing int64
		if err := c.QueryRow("select thing from sta_historical_locations where id = $1", id).Scan(&thing); err != nil {
			return err
		}
		return c.followPast(thing, id)
	}
	return c.update(d.kind, id, cells)
}

// setLinks brings the relations of an entity to what a draft says.
func (c *change) setLinks(id int64, d *draft) error {
	for _, l := range d.kind.links {
		if o := d.ones[l.nav]; o != nil {
			owner, err := c.linked(o)
			if err != nil {
				return err
			}
			if err := c.relink(d.set, id, l.nav, owner); err != nil {
				return at(err, o.field)
			}
		}
		list, named := d.many[l.nav]
		if !named {
			continue
		}
		var err error
		switch {
		case d.set == setThings && l.nav == "Locations":
			var places []int64
			if places, err = c.gather(d, l.nav, nil); err == nil {
				err = c.move(id, places, true)
			}
		case d.set == setHistoricalLocations:
			var places []int64
			if places, err = c.gather(d, l.nav, nil); err == nil {
				err = c.replacePast(id, places)
			}
		case l.target == setObservations:
			err = c.bringObservations(list, owners{inverse(d.set, l.target): id})
		default:
			err = c.bring(d, l.nav, owners{inverse(d.set, l.target): id})
		}
		if err != nil {
			return at(err, d.under(l.nav))
		}
	}
	return nil
}

// relink hands an entity over to another owner.
func (c *change) relink(set string, id int64, nav string, owner int64) error {
	var err error
	switch {
	case set == setThings: // a Location of it
		return c.move(id, []int64{owner}, false)
	case set == setHistoricalLocations && nav == "Locations":
		return c.addPast(id, owner)
	case set == setHistoricalLocations:
		if _, err = c.Exec("update sta_historical_locations set thing = $1 where id = $2", owner, id); err == nil {
			err = c.followPast(owner, id)
		}
	case nav == "Thing":
		if _, err = c.Exec("update sta_datastreams set thing = $1 where id = $2", owner, id); err == nil {
			err = c.forgetFeatures("id = $1", id)
		}
	case nav == "Sensor":
		_, err = c.Exec("update sta_datastreams set sensor = $1 where id = $2", owner, id)
	default:
		_, err = c.Exec("update sta_datastream_properties set observed_property = $1 where datastream = $2 and position = 0", owner, id)
	}
	if err != nil {
		return fmt.Errorf("link %s %d to %s %d: %w", entityName(set), id, nav, owner, err)
	}
	if set == setDatastreams {
		if err := c.rebind(id); err != nil {
			return err
		}
	}
	k := kindOf(set)
	cells, err := c.load(k, id)
	if err != nil {
		return err
	}
	var links []sensing.Link
	for _, l := range k.links {
		if l.nav == nav {
			links = append(links, sensing.Link{Set: l.target, ID: owner})
		}
	}
	c.note(k, id, sensing.Updated, cells, []string{nav}, links...)
	return nil
}

// replacePast says anew which Locations a HistoricalLocation has.
func (c *change) replacePast(past int64, locations []int64) error {
	if len(locations) == 0 {
		return web.Errorf(http.StatusBadRequest, "sensing.bad_entity", "a HistoricalLocation needs at least one Location")
	}
	if _, err := c.Exec("delete from sta_historical_location_locations where historical_location = $1", past); err != nil {
		return err
	}
	for _, l := range locations[1:] {
		if err := c.joinPast(past, l); err != nil {
			return err
		}
	}
	return c.addPast(past, locations[0])
}
