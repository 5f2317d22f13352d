package sta

import (
	"fmt"
	"math"
	"strings"

	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// draft is an entity of a request: one to be made, one to be changed, or a link to one that exists.
type draft struct {
	set   string
	kind  *kind  // nil for an Observation
	field string // its path in the request, "" for the whole
	at    int

	link int64  // the id of an entity that exists; 0 for one that is described here
	ref  string // "$1": the entity that an earlier part of the change set made

	encoding string       // its encodingType, wherever in the request that stands
	cells    []cell       // as kind.columns
	obs      *observation // of an Observation
	ones     map[string]*draft
	many     map[string][]*draft
}

// cell is the value of a column: text, or a number for a time.
type cell struct {
	set  bool // whether the request named it
	text string
	num  int64
	box  *box // of a geometry
}

// box is the smallest rectangle around a geometry, WGS 84 degrees.
type box struct{ minX, minY, maxX, maxY float64 }

func (d *draft) linked() bool { return d.link != 0 || d.ref != "" }

// under is the path of a property of the entity.
func (d *draft) under(property string) string { return strings.TrimPrefix(d.field+"."+property, ".") }

// mode is what a request does with an entity.
type mode uint8

const (
	create mode = iota // POST
	patch              // PATCH: what is not named stays
	put                // PUT: what is not named goes
)

// maxDepth is how deep entities may stand in each other.
const maxDepth = 8

// checker turns the JSON of a request into a draft and notes all that is wrong with it.
type checker struct {
	problems
	mode mode
	refs bool // whether "$1" may stand for an id

	catalogue bool // whether the request makes or changes anything besides Observations
	readings  bool // whether it makes Observations
}

// links of Observations, which have no table.
var observationLinks = []link{{nav: "Datastream", target: setDatastreams}, {nav: "FeatureOfInterest", target: setFeatures}}

func linksOf(set string) []link {
	if k := kindOf(set); k != nil {
		return k.links
	}
	return observationLinks
}

func entityName(set string) string {
	if k := kindOf(set); k != nil {
		return k.entity
	}
	return "Observation"
}

// inverse is the navigation property that leads back from a set to the one that a link started from.
func inverse(from, to string) string {
	for _, l := range linksOf(to) {
		if l.target == from {
			return l.nav
		}
	}
	return ""
}

// requiredLinks are the relations that an entity can't be without.
func requiredLinks(set string) []string {
	switch set {
	case setDatastreams:
		return []string{"Thing", "Sensor", "ObservedProperty"}
	case setHistoricalLocations:
		return []string{"Thing", "Locations"}
	case setObservations:
		return []string{"Datastream"}
	}
	return nil
}

// entity reads an entity of a set. given is the relation that follows from where it stands, "" for none.
func (c *checker) entity(n *node, set, field, given string, depth int) *draft {
	d := &draft{set: set, kind: kindOf(set), field: field, at: n.at, ones: map[string]*draft{}, many: map[string][]*draft{}}
	if n.kind != '{' {
		c.add(field, n.at, "expected %s as an object, got %s", article(entityName(set)), n.what())
		return d
	}
	if depth > 0 && c.isLink(n, d) {
		return d
	}
	if depth > maxDepth {
		c.add(field, n.at, "entities nest deeper than %d levels", maxDepth)
		return d
	}
	if d.kind != nil {
		c.catalogue = true
		d.cells = make([]cell, len(d.kind.columns))
	} else {
		c.readings = true
		d.obs = &observation{}
	}
	for _, m := range n.fields {
		if m.name == "encodingType" {
			d.encoding = m.value.text
		}
	}
	for _, m := range n.fields {
		c.property(d, m, given, depth)
	}
	c.complete(d, given)
	return d
}

// isLink reads {"@iot.id": 1}.
func (c *checker) isLink(n *node, d *draft) bool {
	var id *node
	own := false
	for _, m := range n.fields {
		if m.name == "@iot.id" {
			id = m.value
		} else if !strings.Contains(m.name, "@") {
			own = true
		}
	}
	switch {
	case id == nil && !own:
		c.add(d.field, n.at, `expected %s, or a link to one as {"@iot.id": 1}`, article(entityName(d.set)))
		return true
	case id == nil:
		if c.mode != create {
			c.add(d.field, n.at, `expected a link to %s that exists, as {"@iot.id": 1}: a %s makes no new ones`, article(entityName(d.set)), c.mode)
			return true
		}
		return false
	case own:
		c.add(d.field, n.at, "expected either @iot.id alone, to link %s that exists, or its properties without @iot.id, to make one",
			article(entityName(d.set)))
		return true
	}
	if id.kind == '"' && c.refs && strings.HasPrefix(id.text, "$") {
		d.ref = id.text
		return true
	}
	n64, ok := parseID(id.raw)
	if !ok || id.kind != '0' {
		c.add(d.under("@iot.id"), id.at, "expected an id as a positive integer, got %s", shorten(string(id.raw)))
		n64 = -1
	}
	d.link = n64
	return true
}

func (m mode) String() string { return [...]string{"POST", "PATCH", "PUT"}[m] }

// property reads one member of an entity.
func (c *checker) property(d *draft, m member, given string, depth int) {
	if strings.Contains(m.name, "@") {
		return // control information, such as in an entity that was read before
	}
	field := d.under(m.name)
	for _, l := range linksOf(d.set) {
		if l.nav != m.name {
			continue
		}
		c.relation(d, l, m, depth)
		if l.nav == given && !l.many && !d.ones[l.nav].linked() {
			c.add(field, m.at, "%s follows from where the %s stands: leave it out", l.nav, entityName(d.set))
		}
		return
	}
	if d.kind == nil {
		c.observationProperty(d.obs, m, field)
		return
	}
	for i, col := range d.kind.columns {
		if col.property == m.name {
			d.cells[i] = c.cell(d, col, m, field)
			return
		}
	}
	if d.set == setDatastreams && (m.name == "phenomenonTime" || m.name == "resultTime") {
		return // kept from the Observations
	}
	var known []string
	for _, col := range d.kind.columns {
		known = append(known, col.property)
	}
	for _, l := range d.kind.links {
		known = append(known, l.nav)
	}
	c.add(field, m.at, "%s has no property %s%s", article(d.kind.entity), shorten(m.name), odata.DidYouMean(m.name, known))
}

// relation reads the entities that an entity brings along or links.
func (c *checker) relation(d *draft, l link, m member, depth int) {
	field, back := d.under(l.nav), inverse(d.set, l.target)
	if !l.many {
		d.ones[l.nav] = c.entity(m.value, l.target, field, oneOnly(l.target, back), depth+1)
		return
	}
	if m.value.kind != '[' {
		c.add(field, m.at, "expected an array of %s, got %s", l.target, m.value.what())
		return
	}
	list := make([]*draft, len(m.value.items))
	for i, item := range m.value.items {
		list[i] = c.entity(item, l.target, fmt.Sprintf("%s[%d]", field, i), oneOnly(l.target, back), depth+1)
	}
	d.many[l.nav] = list
}

// oneOnly is the relation back if it is to one entity: the one around then is that one. Relations to many can have more.
func oneOnly(set, nav string) string {
	for _, l := range linksOf(set) {
		if l.nav == nav && !l.many {
			return nav
		}
	}
	return ""
}

// complete notes what is missing.
func (c *checker) complete(d *draft, given string) {
	if c.mode == patch {
		return
	}
	if d.kind == nil {
		if !d.obs.has(hasResult) {
			c.add(d.under("result"), d.at, "missing: an Observation needs a result")
		}
	} else {
		for i, col := range d.kind.columns {
			if col.required && !d.cells[i].set {
				c.add(d.under(col.property), d.at, "missing: %s needs %s", article(d.kind.entity), expectation(col))
			}
		}
	}
	if c.mode != create {
		return
	}
	for _, nav := range requiredLinks(d.set) {
		_, one := d.ones[nav]
		if nav != given && !one && len(d.many[nav]) == 0 {
			c.add(d.under(nav), d.at, "missing: %s needs %s, as an entity or as a link {\"@iot.id\": 1}", article(entityName(d.set)), nav)
		}
	}
}

func expectation(col column) string {
	switch {
	case col.property == "unitOfMeasurement":
		return `unitOfMeasurement as {"name": "Degree Celsius", "symbol": "°C", "definition": "ucum:Cel"}`
	case col.form == formGeometry:
		return col.property + " as GeoJSON"
	case col.form == formTime:
		return col.property + " as " + wantTime
	}
	return col.property
}

// cell reads the value of a column.
func (c *checker) cell(d *draft, col column, m member, field string) cell {
	v, out := m.value, cell{set: true}
	if v.null() {
		if col.required {
			if c.mode == patch {
				c.add(field, v.at, "expected %s, got null", expectation(col))
			}
			out.set = false // as if it were missing
		}
		return out
	}
	wrong := func(expected string) { c.add(field, v.at, "expected %s, got %s", expected, v.what()) }
	switch {
	case col.form == formText:
		if v.kind != '"' {
			wrong("a text")
			return out
		}
		out.text = v.text
		c.guardText(v, field)
		if d.set == setObservedProperties && col.property != "description" {
			if word, refused := guard.Name(v.text); refused {
				c.add(field, v.at, "%q announces something about a person: Anlan watches places and assets, and keeps none of that", word)
			}
		}
		return out
	case col.form == formTime:
		us, ok := int64(0), false
		if v.kind == '"' {
			us, ok = parseTime([]byte(v.text))
		}
		switch {
		case !ok:
			c.add(field, v.at, "expected %s, got %s", wantTime, shorten(string(v.raw)))
		case us < sensing.MinTime || us > sensing.MaxTime:
			c.add(field, v.at, "expected a time between the years 1 and 9999, got %s", shorten(v.text))
		}
		out.num = us
		return out
	case col.form == formGeometry:
		out.box = c.geometry(d, v, field)
	case col.property == "observedArea":
		if out.box = c.geometry(d, v, field); out.box == nil && v.kind != '{' {
			wrong("a GeoJSON geometry")
		}
	case (col.property == "properties" || col.property == "unitOfMeasurement") && v.kind != '{':
		wrong("an object")
	case col.property == "unitOfMeasurement":
		for _, part := range v.fields {
			if unitPart(part.name) && part.value.kind != '"' && !part.value.null() {
				c.add(field+"."+part.name, part.at, "expected a text or null, got %s", part.value.what())
			}
		}
	}
	c.guardJSON(v, field, col.property == "properties", col.form != formGeometry && col.property != "observedArea")
	out.text = v.compact()
	return out
}

func unitPart(name string) bool { return name == "name" || name == "symbol" || name == "definition" }

// article puts "a" or "an" before a word.
func article(word string) string {
	if strings.ContainsAny(word[:1], "AEIOUaeiou") {
		return "an " + word
	}
	return "a " + word
}

// shorten quotes what was sent for an error.
func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// parseID reads a positive integer.
func parseID(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' || n > (math.MaxInt64-9)/10 && (n > math.MaxInt64/10 || int64(c-'0') > math.MaxInt64%10) {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, n > 0
}
