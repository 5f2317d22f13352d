package sta

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

// owners are the entities that a new one belongs to because of where it stands: navigation property to id.
type owners map[string]int64

// make stores an entity with all that stands in it, owners first.
func (c *change) make(d *draft, given owners) (int64, error) {
	switch d.set {
	case setThings:
		return c.makeThing(d, given)
	case setLocations:
		return c.makeLocation(d, given)
	case setHistoricalLocations:
		return c.makeHistoricalLocation(d, given)
	case setDatastreams:
		return c.makeDatastream(d, given)
	case setObservations:
		ids, err := c.makeObservations([]*draft{d}, given)
		if err != nil {
			return 0, err
		}
		return ids[0], nil
	}
	var extras []extra
	if d.set == setObservedProperties {
		name, err := c.s.packProperty(d)
		if err != nil {
			return 0, err
		}
		extras = []extra{{"property", name}}
	}
	id, err := c.insert(d.kind, d.cells, extras...)
	if err != nil {
		return 0, err
	}
	c.note(d.kind, id, sensing.Created, d.cells, nil)
	switch d.set {
	case setObservedProperties:
		if err := c.record(d, id); err != nil {
			return 0, err
		}
		return id, c.bring(d, "Datastreams", owners{"ObservedProperty": id})
	case setSensors:
		return id, c.bring(d, "Datastreams", owners{"Sensor": id})
	default: // a FeatureOfInterest
		return id, c.bring(d, "Observations", owners{"FeatureOfInterest": id})
	}
}

// makeUnder stores an entity that was posted to a relation of another one.
func (c *change) makeUnder(d *draft, parent made, nav string) (int64, error) {
	id, err := c.make(d, owners{inverse(parent.set, d.set): parent.id})
	if err != nil || nav != "Locations" {
		return id, err
	}
	if parent.set == setThings {
		return id, c.move(parent.id, []int64{id}, false)
	}
	return id, c.addPast(parent.id, id)
}

// bring makes or links the entities of a relation to many. given says whom they belong to.
func (c *change) bring(d *draft, nav string, given owners) error {
	if list := d.many[nav]; len(list) > 0 && list[0].set == setObservations {
		return c.bringObservations(list, given)
	}
	for _, child := range d.many[nav] {
		if !child.linked() {
			if _, err := c.make(child, given); err != nil {
				return err
			}
			continue
		}
		id, err := c.linked(child)
		if err != nil {
			return err
		}
		for back, owner := range given {
			if err := c.relink(child.set, id, back, owner); err != nil {
				return err
			}
		}
	}
	return nil
}

// linked is the id of an entity that a request links, which must exist.
func (c *change) linked(d *draft) (int64, error) {
	if d.ref != "" {
		m, ok := c.met[d.ref]
		switch {
		case !ok:
			return 0, web.Errorf(http.StatusBadRequest, "sensing.unknown_link", "no earlier part of this change set has the Content-ID %s", d.ref[1:]).At(d.field)
		case m.set != d.set:
			return 0, web.Errorf(http.StatusBadRequest, "sensing.unknown_link", "%s is %s, not %s", d.ref, article(entityName(m.set)), article(entityName(d.set))).At(d.field)
		}
		return m.id, nil
	}
	ok, err := c.exists(d.set, d.link)
	if err == nil && !ok {
		err = unknownLink(d)
	}
	return d.link, err
}

func unknownLink(d *draft) error {
	return web.Errorf(http.StatusBadRequest, "sensing.unknown_link", "there is no %s with the id %d", entityName(d.set), d.link).At(d.field)
}

// owner is the one entity that a relation to one leads to: given, linked, or made now.
func (c *change) owner(d *draft, nav string, given owners) (int64, error) {
	o := d.ones[nav]
	if id, ok := given[nav]; ok {
		return id, c.agree(o, id)
	}
	if o == nil {
		return 0, nil
	}
	if o.linked() {
		return c.linked(o)
	}
	return c.make(o, nil)
}

// agree refuses a link that says otherwise than the place where its entity stands.
func (c *change) agree(o *draft, id int64) error {
	if o == nil {
		return nil
	}
	said, err := c.linked(o)
	if err == nil && said != id {
		err = web.Errorf(http.StatusBadRequest, "sensing.contradiction", "%s %d contradicts %s %d, where the entity was sent to",
			entityName(o.set), said, entityName(o.set), id).At(o.field)
	}
	return err
}

func (c *change) makeThing(d *draft, given owners) (int64, error) {
	id, err := c.insert(d.kind, d.cells, extra{"asset", c.s.assetOf(cellOf(d.kind, d.cells, "properties").text)})
	if err != nil {
		return 0, err
	}
	c.note(d.kind, id, sensing.Created, d.cells, nil, linksTo(d, given, "Locations")...)
	places, err := c.gather(d, "Locations", owners{"Things": id})
	if err != nil {
		return 0, err
	}
	if at, ok := given["Locations"]; ok {
		places = append(places, at)
	}
	if len(places) > 0 {
		if err := c.move(id, places, true); err != nil {
			return 0, at(err, d.under("Locations"))
		}
	}
	if err := c.bring(d, "HistoricalLocations", owners{"Thing": id}); err != nil {
		return 0, err
	}
	return id, c.bring(d, "Datastreams", owners{"Thing": id})
}

// gather makes or looks up the entities of a relation to many and returns their ids.
func (c *change) gather(d *draft, nav string, given owners) ([]int64, error) {
	var ids []int64
	for _, child := range d.many[nav] {
		var id int64
		var err error
		if child.linked() {
			id, err = c.linked(child)
		} else {
			id, err = c.make(child, given)
		}
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func (c *change) makeLocation(d *draft, given owners) (int64, error) {
	id, err := c.insert(d.kind, d.cells)
	if err != nil {
		return 0, err
	}
	c.note(d.kind, id, sensing.Created, d.cells, nil, linksTo(d, given, "Things", "HistoricalLocations")...)
	if err := c.bring(d, "Things", owners{"Locations": id}); err != nil {
		return 0, err
	}
	return id, c.bring(d, "HistoricalLocations", owners{"Locations": id})
}

func (c *change) makeHistoricalLocation(d *draft, given owners) (int64, error) {
	thing, err := c.owner(d, "Thing", given)
	if err != nil {
		return 0, err
	}
	places, err := c.gather(d, "Locations", nil)
	if err != nil {
		return 0, err
	}
	if at, ok := given["Locations"]; ok {
		places = append(places, at)
	}
	return c.storePast(thing, d.cells, places)
}

func (c *change) makeDatastream(d *draft, given owners) (int64, error) {
	var ids [3]int64
	for i, nav := range []string{"Thing", "Sensor", "ObservedProperty"} {
		var err error
		if ids[i], err = c.owner(d, nav, given); err != nil {
			return 0, err
		}
	}
	known, err := c.identity(d.cells, ids[0], ids[2])
	if err != nil {
		return 0, err
	}
	id, err := c.storeDatastream(known, d.cells, ids[1], ids[2])
	if err != nil {
		return 0, at(err, d.field)
	}
	return id, c.bring(d, "Observations", owners{"Datastream": id})
}

// storeDatastream makes a datastream in the log and its row here, under one id.
func (c *change) storeDatastream(known sensing.Datastream, cells []cell, sensor, property int64) (int64, error) {
	k := kindOf(setDatastreams)
	id, err := c.AddDatastream(known)
	if err != nil {
		return 0, err
	}
	given := int64(0)
	if cellOf(k, cells, "observedArea").text != "" {
		given = 1
	}
	_, err = c.insert(k, cells, extra{"id", id}, extra{"thing", known.Thing}, extra{"sensor", sensor}, extra{"area_given", given})
	if err != nil {
		return 0, err
	}
	_, err = c.Exec("insert into sta_datastream_properties (datastream, position, observed_property) values ($1, 0, $2)", id, property)
	if err != nil {
		return 0, fmt.Errorf("store the property of datastream %d: %w", id, err)
	}
	c.note(k, id, sensing.Created, cells, nil, sensing.Link{Set: setThings, ID: known.Thing}, sensing.Link{Set: setSensors, ID: sensor},
		sensing.Link{Set: setObservedProperties, ID: property})
	return id, nil
}

// bringObservations makes the Observations of an entity, and hands linked ones over to it.
func (c *change) bringObservations(list []*draft, given owners) error {
	var fresh []*draft
	for _, d := range list {
		if !d.linked() {
			fresh = append(fresh, d)
			continue
		}
		feature, ok := given["FeatureOfInterest"]
		if !ok {
			return web.Errorf(http.StatusBadRequest, "sensing.fixed_datastream", "an Observation can't move to another Datastream").At(d.field)
		}
		if err := c.refeature(d, feature); err != nil {
			return err
		}
	}
	_, err := c.makeObservations(fresh, given)
	return err
}

// makeObservations stores Observations as readings of the log.
func (c *change) makeObservations(list []*draft, given owners) ([]int64, error) {
	if len(list) == 0 {
		return nil, nil
	}
	readings := make([]sensing.Reading, len(list))
	for i, d := range list {
		datastream, err := c.owner(d, "Datastream", given)
		if err != nil {
			return nil, err
		}
		feature, err := c.owner(d, "FeatureOfInterest", given)
		if err == nil && feature != 0 {
			err = c.observe(datastream, feature)
		} else if err == nil {
			feature, err = c.featureOf(datastream)
		}
		if err != nil {
			return nil, at(err, d.field)
		}
		readings[i] = d.obs.stored(datastream, feature, c.s.stamp)
	}
	ids, err := c.Append(readings)
	for i, d := range list {
		d.obs.reading = readings[i] // for the answer
	}
	return ids, refused(err, list)
}

// refused puts the log's refusal of one reading where the request has it.
func refused(err error, list []*draft) error {
	var e *web.Error
	if !errors.As(err, &e) {
		return err
	}
	i := 0
	if n, convErr := strconv.Atoi(strings.Trim(e.Field, "[]")); convErr == nil && n < len(list) {
		i = n
	}
	return readingError(e, list[i].field)
}

// at names the field of an error that names none.
func at(err error, field string) error {
	var e *web.Error
	if errors.As(err, &e) && e.Field == "" && field != "" {
		return e.At(field)
	}
	return err
}

// linksTo are the entities of some relations that are known before the entity itself is stored.
func linksTo(d *draft, given owners, navs ...string) []sensing.Link {
	var links []sensing.Link
	for _, nav := range navs {
		for _, l := range d.kind.links {
			if l.nav != nav {
				continue
			}
			if id, ok := given[nav]; ok {
				links = append(links, sensing.Link{Set: l.target, ID: id})
			}
			for _, o := range d.many[nav] {
				if o.link != 0 {
					links = append(links, sensing.Link{Set: l.target, ID: o.link})
				}
			}
		}
	}
	return links
}

// record puts a new ObservedProperty into the ledger: what the city observes is a decision.
func (c *change) record(d *draft, id int64) error {
	actor := access.From(c.ctx)
	return ledger.Append(c.Tx.Tx, ledger.Entry{
		Action: "property.register", Actor: actor.Name, ActorID: actor.ID, Subject: "observed_property", SubjectID: id, At: db.Time(c.now),
		Detail: map[string]any{"name": cellOf(d.kind, d.cells, "name").text, "definition": cellOf(d.kind, d.cells, "definition").text},
	})
}
