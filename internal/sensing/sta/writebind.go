package sta

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/methods/ucum"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// What binds the catalogue to the city's register: a Thing with the property "asset" is the asset of that external id, an
// ObservedProperty whose definition is a URN of ours is the property of a pack.

const propertyURN = "urn:anlan:property:"

// definitionOf is the URN of a pack's property: gas/methane is urn:anlan:property:gas:methane.
func definitionOf(property string) string {
	return propertyURN + strings.Replace(property, "/", ":", 1)
}

// assetOf is the asset that a Thing with these properties is, 0 for none that the register knows.
func (s *Service) assetOf(properties string) int64 {
	var p struct {
		Asset any `json:"asset"`
	}
	if properties == "" || s.Assets == nil || json.Unmarshal([]byte(properties), &p) != nil {
		return 0
	}
	key, ok := p.Asset.(string)
	if !ok {
		return 0
	}
	id, _ := s.Assets.AssetByKey(key)
	return id
}

// packProperty is the pack's property that an ObservedProperty stands for, "" where its definition is none of ours.
func (s *Service) packProperty(d *draft) (string, error) {
	definition := cellOf(d.kind, d.cells, "definition")
	name, ours := strings.CutPrefix(definition.text, propertyURN)
	if !ours {
		return "", nil
	}
	name = strings.Replace(name, ":", "/", 1)
	if _, ok := s.Packs.Property(name); !ok {
		return "", web.Errorf(http.StatusBadRequest, "sensing.unknown_property", "no pack declares the property %s%s", name,
			odata.DidYouMean(name, s.Packs.Properties())).At(d.under("definition"))
	}
	return name, nil
}

// unit is a unitOfMeasurement.
type unit struct{ Name, Symbol, Definition string }

// readings in no unit are not measurements: truth values, categories, counts.
const measurement = "OM_Measurement"

// code is the unit as UCUM reads it: by a definition that says so, by its symbol, or by any definition.
func (u unit) code() (ucum.Unit, bool) {
	definition, said := strings.CutPrefix(u.Definition, "ucum:")
	texts := []string{u.Symbol, definition}
	if said {
		slices.Reverse(texts)
	}
	for _, t := range texts {
		if t == "" {
			continue
		}
		if parsed, err := ucum.Parse(t); err == nil {
			return parsed, true
		}
	}
	return ucum.Unit{}, false
}

// is says whether the unit is one that a pack names.
func (u unit) is(declared string) bool {
	if u.Symbol == declared || u.Definition == declared || u.Definition == "ucum:"+declared {
		return true
	}
	mine, ok := u.code()
	theirs, err := ucum.Parse(declared)
	return ok && err == nil && ucum.Same(mine, theirs)
}

// identity is what the log keeps of a datastream. Only one of an asset of the register that has a pack's property in the
// property's own unit is judged by that pack; one in another unit is kept and marked.
func (c *change) identity(cells []cell, thing, property int64) (sensing.Datastream, error) {
	k := kindOf(setDatastreams)
	var u unit
	if err := json.Unmarshal([]byte(cellOf(k, cells, "unitOfMeasurement").text), &u); err != nil {
		u = unit{}
	}
	out := sensing.Datastream{Thing: thing, Name: cellOf(k, cells, "name").text, Unit: u.Symbol}
	if out.Unit == "" {
		out.Unit = u.Name
	}
	if err := c.QueryRow("select asset from sta_things where id = $1", thing).Scan(&out.Asset); err != nil {
		return out, err
	}
	var name string
	if err := c.QueryRow("select property from sta_observed_properties where id = $1", property).Scan(&name); err != nil {
		return out, err
	}
	if _, ok := u.code(); !ok && strings.HasSuffix(cellOf(k, cells, "observationType").text, measurement) {
		out.Marks |= sensing.MarkUnit
	}
	declared, ok := c.s.Packs.Property(name)
	if name == "" || !ok {
		return out, nil
	}
	if !u.is(declared.Unit) {
		out.Marks |= sensing.MarkUnit
		return out, nil
	}
	out.Marks &^= sensing.MarkUnit
	out.Unit = declared.Unit
	if out.Asset != 0 {
		out.Property = name
	}
	return out, nil
}

// rebind tells the log what has become of a datastream whose row, Thing or ObservedProperty changed.
func (c *change) rebind(id int64) error {
	before, ok := c.Datastream(id)
	if !ok {
		return missing(setDatastreams, id)
	}
	cells, err := c.load(kindOf(setDatastreams), id)
	if err != nil {
		return err
	}
	var thing, property int64
	err = c.QueryRow(`select d.thing, p.observed_property from sta_datastreams d
		join sta_datastream_properties p on p.datastream = d.id and p.position = 0 where d.id = $1`, id).Scan(&thing, &property)
	if err != nil {
		return err
	}
	after, err := c.identity(cells, thing, property)
	if err != nil {
		return err
	}
	after.ID, after.ExternalID = id, before.ExternalID
	if after == before {
		return nil
	}
	return c.SetDatastream(after)
}

// rebindAll does so for all datastreams of a Thing, or of an ObservedProperty.
func (c *change) rebindAll(query string, id int64) error {
	ids, err := c.ids(query, id)
	if err != nil {
		return err
	}
	for _, d := range ids {
		if err := c.rebind(d); err != nil {
			return err
		}
	}
	return nil
}
