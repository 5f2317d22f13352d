package sta

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// DatastreamSpec describes a datastream that is to exist.
type DatastreamSpec struct {
	ExternalID string // the sender's name for it, unique
	Asset      int64
	Property   string // "gas/methane": pack and observed property
	Unit       string // the property's own
	Name       string
}

// EnsureDatastreams returns the ids of the datastreams with the specs' external ids and makes those that there are not, all
// or none, with the Things, Sensors and ObservedProperties that they need: what the register knows is seen over the standard.
func (s *Service) EnsureDatastreams(ctx context.Context, specs []DatastreamSpec) ([]int64, error) {
	if err := s.mayChange(ctx, 0); err != nil {
		return nil, err
	}
	ids, missing, err := s.registered(specs)
	if err != nil {
		return nil, err
	}
	for _, i := range missing {
		if err := s.checkSpec(specs[i]); err != nil {
			return nil, err.At(fmt.Sprintf("items[%d].%s", i, err.Field))
		}
	}
	if len(missing) == 0 {
		return ids, nil
	}
	err = s.change(ctx, func(c *change) error {
		r := registration{change: c, things: map[int64]int64{}, sensors: map[string]int64{}, properties: map[string]int64{}}
		for _, i := range missing {
			if ids[i], err = r.datastream(specs[i]); err != nil {
				return err
			}
		}
		actor := access.From(ctx)
		return ledger.Append(c.Tx.Tx, ledger.Entry{
			Action: "datastream.register", Actor: actor.Name, ActorID: actor.ID, Subject: "datastream", SubjectID: ids[missing[0]],
			At: db.Time(c.now), Detail: map[string]any{"count": len(missing), "properties": slices.Sorted(maps.Keys(r.properties))},
		})
	})
	if db.IsUnique(err) {
		return s.registeredMeanwhile(ctx, specs, missing)
	}
	return ids, err
}

// registered finds the datastreams that exist already, which must be as the specs say.
func (s *Service) registered(specs []DatastreamSpec) (ids []int64, missing []int, err error) {
	ids = make([]int64, len(specs))
	for i, spec := range specs {
		d, ok := s.Core.LookupExternal(spec.ExternalID)
		switch {
		case !ok:
			missing = append(missing, i)
		case d.Asset != spec.Asset || d.Property != spec.Property || d.Unit != spec.Unit:
			return nil, nil, web.Errorf(http.StatusConflict, "sensing.datastream_differs",
				"datastream %q exists already with asset %d, property %s, unit %s", spec.ExternalID, d.Asset, d.Property, d.Unit).
				At(fmt.Sprintf("items[%d]", i))
		default:
			ids[i] = d.ID
		}
	}
	return ids, missing, nil
}

// registeredMeanwhile tries again after someone was quicker: once an empty write is through, what others wrote before it is
// in memory. Or an earlier try was carried out though its answer got lost: then only the store knows.
func (s *Service) registeredMeanwhile(ctx context.Context, specs []DatastreamSpec, missing []int) ([]int64, error) {
	nothing := func(ctx context.Context) error { return s.DB.Write(ctx, func(*db.Tx) error { return nil }) }
	for _, look := range []func(context.Context) error{nothing, s.Core.Learn} {
		if err := look(ctx); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(missing, func(i int) bool { _, known := s.Core.LookupExternal(specs[i].ExternalID); return known }) {
			return s.EnsureDatastreams(ctx, specs)
		}
	}
	return nil, web.Errorf(http.StatusConflict, "sensing.datastream_twice", "an external id stands twice in the list").At("items")
}

func (s *Service) checkSpec(spec DatastreamSpec) *web.Error {
	if spec.ExternalID == "" || len(spec.ExternalID) > 200 {
		return web.Errorf(http.StatusUnprocessableEntity, "sensing.bad_external_id", "expected 1 to 200 bytes, got %d", len(spec.ExternalID)).At("external_id")
	}
	declared, ok := s.Packs.Property(spec.Property)
	if !ok {
		return web.Errorf(http.StatusUnprocessableEntity, "sensing.unknown_property", "no pack declares the property %q%s", spec.Property,
			odata.DidYouMean(spec.Property, s.Packs.Properties())).At("property")
	}
	if declared.Unit != spec.Unit {
		return web.Errorf(http.StatusUnprocessableEntity, "sensing.wrong_unit", "%s is observed in %s, not in %q: convert before sending",
			spec.Property, declared.Unit, spec.Unit).At("unit")
	}
	for field, text := range map[string]string{"external_id": spec.ExternalID, "name": spec.Name} {
		if m, found := guard.Value(text); found {
			return web.Errorf(http.StatusUnprocessableEntity, "sensing.personal", "holds what looks like a person's %s: Anlan keeps none", m.Kind).At(field)
		}
	}
	return nil
}

// noAsset is the Thing of datastreams that were registered without an asset.
const noAsset = "without an asset"

// registration makes what datastreams of the register need. It remembers what it has found or made.
type registration struct {
	*change
	things              map[int64]int64  // by asset
	sensors, properties map[string]int64 // by the pack's property
}

func (r *registration) datastream(spec DatastreamSpec) (int64, error) {
	thing, err := r.thing(spec.Asset)
	if err != nil {
		return 0, err
	}
	property, err := r.property(spec.Property)
	if err != nil {
		return 0, err
	}
	sensor, err := r.sensor(spec.Property)
	if err != nil {
		return 0, err
	}
	declared, _ := r.s.Packs.Property(spec.Property)
	name, kind := spec.Name, "OM_Observation"
	if name == "" {
		name = spec.ExternalID
	}
	if declared.Number {
		kind = measurement
	}
	cells := cellsOf(setDatastreams, map[string]string{
		"name": name, "description": spec.Property, "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/" + kind,
		"unitOfMeasurement": object("name", spec.Unit, "symbol", spec.Unit, "definition", "ucum:"+spec.Unit),
		"properties":        object("external_id", spec.ExternalID),
	})
	known := sensing.Datastream{ExternalID: spec.ExternalID, Thing: thing, Asset: spec.Asset, Property: spec.Property, Unit: spec.Unit, Name: name}
	return r.storeDatastream(known, cells, sensor, property)
}

// thing is the Thing of an asset, standing where the asset stands. All that have no asset belong to one Thing.
func (r *registration) thing(asset int64) (int64, error) {
	return remembered(r.things, asset, func() (int64, error) {
		if asset == 0 {
			return r.found("select min(id) from sta_things where asset = 0 and name = $1", noAsset)
		}
		return r.found("select min(id) from sta_things where asset = $1", asset)
	}, func() (int64, error) {
		a, ok := RegisterAsset{}, false
		if r.s.Assets != nil {
			a, ok = r.s.Assets.Asset(asset)
		}
		switch {
		case asset == 0:
			a.Name = noAsset
		case !ok:
			a.Name = fmt.Sprintf("asset %d", asset)
		}
		d := &draft{set: setThings, kind: kindOf(setThings), many: map[string][]*draft{}}
		texts := map[string]string{"name": a.Name, "description": a.Description}
		if a.ExternalID != "" {
			texts["properties"] = object("asset", a.ExternalID)
		}
		d.cells = cellsOf(setThings, texts)
		if a.Placed {
			at := box{a.Lon, a.Lat, a.Lon, a.Lat}
			l := &draft{set: setLocations, kind: kindOf(setLocations)}
			l.cells = cellsOf(setLocations, map[string]string{
				"name": a.Name, "description": a.Description, "encodingType": "application/geo+json", "location": at.geoJSON(),
			})
			cellOf(l.kind, l.cells, "location").box = &at
			d.many["Locations"] = []*draft{l}
		}
		id, err := r.make(d, nil)
		if err == nil && a.ExternalID == "" { // the register does not show it: bind by number
			_, err = r.Exec("update sta_things set asset = $1 where id = $2", asset, id)
		}
		return id, err
	})
}

func (r *registration) property(name string) (int64, error) {
	return remembered(r.properties, name, func() (int64, error) {
		return r.found("select min(id) from sta_observed_properties where property = $1", name)
	}, func() (int64, error) {
		d := &draft{set: setObservedProperties, kind: kindOf(setObservedProperties)}
		d.cells = cellsOf(d.set, map[string]string{"name": name, "definition": definitionOf(name), "description": "property of a pack"})
		return r.make(d, nil)
	})
}

// sensor is the Sensor of a pack's property: the register knows what an asset reports, not by which instrument.
func (r *registration) sensor(property string) (int64, error) {
	metadata := object("property", property)
	return remembered(r.sensors, property, func() (int64, error) {
		return r.found("select min(id) from sta_sensors where metadata = $1", metadata)
	}, func() (int64, error) {
		d := &draft{set: setSensors, kind: kindOf(setSensors)}
		d.cells = cellsOf(d.set, map[string]string{
			"name": "instruments of " + property, "description": "which instrument it is, the register does not say",
			"encodingType": "application/json", "metadata": metadata,
		})
		return r.make(d, nil)
	})
}

// found is the id that a query gives, 0 for none.
func (r *registration) found(query string, arg any) (int64, error) {
	var id *int64
	if err := r.QueryRow(query, arg).Scan(&id); err != nil && !errors.Is(err, db.ErrNotFound) {
		return 0, err
	}
	if id == nil {
		return 0, nil
	}
	return *id, nil
}

// remembered is the id for a key: known, found or made.
func remembered[K comparable](known map[K]int64, key K, find, make func() (int64, error)) (int64, error) {
	if id, ok := known[key]; ok {
		return id, nil
	}
	id, err := find()
	if err == nil && id == 0 {
		id, err = make()
	}
	if err == nil {
		known[key] = id
	}
	return id, err
}

// cellsOf are the cells of an entity from the texts of its properties.
func cellsOf(set string, texts map[string]string) []cell {
	k := kindOf(set)
	cells := make([]cell, len(k.columns))
	for i, col := range k.columns {
		cells[i] = cell{set: true, text: texts[col.property]}
	}
	return cells
}

// object is a JSON object of texts.
func object(pairs ...string) string {
	dst := []byte{'{'}
	for i := 0; i < len(pairs); i += 2 {
		dst = appendText(appendKey(dst, pairs[i]), pairs[i+1])
	}
	return string(append(dst, '}'))
}
