package odata

// Model is a schema: which entity sets there are, what an entity holds and where it leads. It must not be changed once it
// is in use.
type Model struct {
	Version string        // as in the URL: "v1.1"
	Types   []*EntityType // in the order in which the service root lists their sets
}

// EntityType is one kind of entity and the set that holds all of its kind.
type EntityType struct {
	Name        string // "Thing"
	Set         string // "Things"
	Properties  []*Property
	Navigations []*Navigation
}

// Property is a value of an entity.
type Property struct {
	Name      string
	Type      Type
	Mandatory bool // must be sent on creation
}

// Navigation leads from an entity to related ones.
type Navigation struct {
	Name      string
	Target    *EntityType
	Many      bool
	Mandatory bool   // the entity can't be without it
	Inverse   string // name of the way back, at Target
}

// Type is what is known of a value before it is seen: of a property from the model, of an expression from its parts.
type Type uint8

// The types.
const (
	TypeAny       Type = iota // any value: result, metadata, a part of a JSON value
	TypeNull                  // the literal null
	TypeBool                  // true or false
	TypeNumber                // a 64-bit float
	TypeID                    // a whole number, 0 or more
	TypeText                  // a string
	TypeInstant               // a point in time
	TypeInterval              // a start and an end
	TypeTime                  // either: phenomenonTime of an Observation
	TypeDate                  // a day, UTC
	TypeTimeOfDay             // a time without a day, UTC
	TypeDuration              // a length of time
	TypeGeometry              // GeoJSON
	TypeJSON                  // a JSON object; any JSON for resultQuality
)

func (t Type) String() string {
	return [...]string{"any value", "null", "a truth value", "a number", "an id", "a text", "an instant", "an interval", "a time",
		"a date", "a time of day", "a duration", "a geometry", "JSON"}[t]
}

// Set finds an entity type by the name of its set; nil when there is none.
func (m *Model) Set(name string) *EntityType {
	for _, t := range m.Types {
		if t.Set == name {
			return t
		}
	}
	return nil
}

// Type finds an entity type by its name; nil when there is none.
func (m *Model) Type(name string) *EntityType {
	for _, t := range m.Types {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// Property finds a property; nil when there is none. "@iot.id" is another name of "id".
func (t *EntityType) Property(name string) *Property {
	if name == "@iot.id" {
		name = "id"
	}
	for _, p := range t.Properties {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Navigation finds a navigation; nil when there is none.
func (t *EntityType) Navigation(name string) *Navigation {
	for _, n := range t.Navigations {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// names of all that a path may go on with.
func (t *EntityType) names() []string {
	var out []string
	for _, p := range t.Properties {
		out = append(out, p.Name)
	}
	for _, n := range t.Navigations {
		out = append(out, n.Name)
	}
	return out
}

func (m *Model) sets() []string {
	var out []string
	for _, t := range m.Types {
		out = append(out, t.Set)
	}
	return out
}
