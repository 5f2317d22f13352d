package odata

import (
	"net/url"
	"strconv"
	"strings"
)

// Form is what a resource path addresses.
type Form uint8

// The forms.
const (
	FormRoot     Form = iota // /
	FormSet                  // /Things, /Things(1)/Datastreams
	FormEntity               // /Things(1), /Datastreams(1)/Thing
	FormProperty             // /Things(1)/name, /Things(1)/properties/a/b
	FormValue                // /Things(1)/name/$value
	FormRef                  // /Things(1)/Datastreams/$ref, /Datastreams(1)/Thing/$ref
)

// Resource is a parsed resource path.
type Resource struct {
	Form     Form
	Steps    []Step // from the service root; none for the root itself
	Property *Property
	Sub      []Key // the way into a JSON property
}

// Step is one part of the way to a set or an entity.
type Step struct {
	At    int
	Type  *EntityType // of the set or entity
	Nav   *Navigation // nil in the first step
	HasID bool        // an id was given
	ID    int64
}

// Type is the type of the addressed set or entity, or of the entity that holds the property; nil for the root.
func (r *Resource) Type() *EntityType {
	if len(r.Steps) == 0 {
		return nil
	}
	return r.Steps[len(r.Steps)-1].Type
}

// Many tells whether the last step is a set: FormSet, or FormRef of a set.
func (r *Resource) Many() bool {
	if len(r.Steps) == 0 {
		return false
	}
	last := r.Steps[len(r.Steps)-1]
	return !last.HasID && (last.Nav == nil || last.Nav.Many)
}

// ParsePath reads what follows the version in a URL, as it came: /Things(1)/Datastreams. Every error is of the kind that is
// answered with 404, an unreadable percent escape with 400.
func ParsePath(m *Model, escaped string) (*Resource, error) {
	text, err := decoded("path", escaped, false)
	if err != nil {
		return nil, err
	}
	if strings.Contains(strings.ToLower(escaped), "%2f") {
		return nil, &Error{Option: "path", Pos: strings.Index(strings.ToLower(escaped), "%2f"), Message: "an escaped slash can't be part of a name", Text: escaped}
	}
	s := &scanner{option: "path", text: text}
	r := &Resource{}
	s.accept('/')
	for s.pos < len(s.text) {
		if err := r.segment(m, s); err != nil {
			return nil, err
		}
		if s.pos < len(s.text) && !s.accept('/') {
			return nil, s.fail(s.pos, "expected / or the end, got %s", s.here())
		}
	}
	return r, nil
}

// segment reads one part of the path, up to the next slash.
func (r *Resource) segment(m *Model, s *scanner) error {
	at := s.pos
	name := s.until("/(")
	switch {
	case name == "":
		return s.fail(at, "expected a name, got %s", s.here())
	case r.Form == FormValue || r.Form == FormRef:
		return s.fail(at, "nothing can follow $value or $ref, got %s", name)
	case name == "$value" && r.Form == FormProperty:
		r.Form = FormValue
		return nil
	case name == "$ref" && (r.Form == FormSet || r.Form == FormEntity):
		r.Form = FormRef
		return nil
	case name == "$count":
		return s.fail(at, "$count is not a path in SensorThings, ask for ?$count=true")
	case name == "$value" || name == "$ref":
		return s.fail(at, "%s does not apply here: $value follows a property, $ref a set or an entity", name)
	}
	switch r.Form {
	case FormRoot:
		t := m.Set(name)
		if t == nil {
			return s.fail(at, "there is no set %s%s", name, DidYouMean(name, m.sets()))
		}
		return r.step(s, Step{At: at, Type: t})
	case FormSet:
		return s.fail(at, "%s is a set, expected an id before /%s: %s(1)/%s", r.Type().Set, name, r.Type().Set, name)
	case FormEntity:
		if n := r.Type().Navigation(name); n != nil {
			return r.step(s, Step{At: at, Type: n.Target, Nav: n})
		}
		return r.property(s, at, name)
	}
	return r.part(s, at, name)
}

// step goes on to a set or an entity, and reads the id.
func (r *Resource) step(s *scanner, step Step) error {
	set := step.Nav == nil || step.Nav.Many
	r.Form = FormEntity
	if set {
		r.Form = FormSet
	}
	if s.byte() == '(' {
		at := s.pos + 1
		s.pos++
		digits := s.until("/)")
		id, err := strconv.ParseInt(digits, 10, 64)
		switch {
		case !set:
			return s.fail(at, "%s is one entity and takes no id", step.Nav.Name)
		case err != nil || id < 0 || digits[0] == '+':
			return s.fail(at, "ids are whole numbers, got %q: expected %s(1)", digits, step.Type.Set)
		case s.byte() != ')':
			return s.fail(s.pos, "expected ) after the id, got %s", s.here())
		}
		s.pos++
		step.HasID, step.ID, r.Form = true, id, FormEntity
	}
	r.Steps = append(r.Steps, step)
	return nil
}

func (r *Resource) property(s *scanner, at int, name string) error {
	if s.byte() == '(' {
		return s.fail(s.pos, "%s takes no id", name)
	}
	plain, keys, err := s.indexed(at, name)
	if err != nil {
		return err
	}
	p := r.Type().Property(plain)
	if p == nil {
		return s.fail(at, "%s has no property or navigation %s%s", r.Type().Name, plain, DidYouMean(plain, r.Type().names()))
	}
	if len(keys) > 0 && !p.parts() {
		return s.fail(at, "%s is %s and has no parts", p.Name, p.Type)
	}
	r.Form, r.Property, r.Sub = FormProperty, p, keys
	return nil
}

// part goes on into a JSON value. Its names may hold anything but a slash.
func (r *Resource) part(s *scanner, at int, name string) error {
	if !r.Property.parts() {
		return s.fail(at, "%s is %s and has no parts", r.Property.Name, r.Property.Type)
	}
	name += s.until("/")
	plain, keys, err := s.indexed(at, name)
	if err != nil {
		return err
	}
	r.Sub = append(append(r.Sub, Key{Name: plain}), keys...)
	return nil
}

// parts tells whether a path can lead into values of the property.
func (p *Property) parts() bool {
	return p.Type == TypeJSON || p.Type == TypeAny || p.Type == TypeGeometry
}

// indexed cuts indices such as [0][1] off a name.
func (s *scanner) indexed(at int, name string) (string, []Key, error) {
	plain, rest, found := strings.Cut(name, "[")
	if !found {
		return name, nil, nil
	}
	var keys []Key
	for _, digits := range strings.Split(rest, "[") {
		digits, closed := strings.CutSuffix(digits, "]")
		n, err := strconv.ParseUint(digits, 10, 31)
		if err != nil || !closed || plain == "" {
			return "", nil, s.fail(at, "expected an index such as [0] in %s", name)
		}
		keys = append(keys, Key{Index: int(n)})
	}
	return plain, keys, nil
}

// String is the path as it is written in a URL, escaped, beginning with a slash.
func (r *Resource) String() string {
	var b strings.Builder
	for _, step := range r.Steps {
		if step.Nav != nil {
			b.WriteString("/" + step.Nav.Name)
		} else {
			b.WriteString("/" + step.Type.Set)
		}
		if step.HasID {
			b.WriteString("(" + strconv.FormatInt(step.ID, 10) + ")")
		}
	}
	if r.Property != nil {
		b.WriteString("/" + r.Property.Name)
	}
	for _, k := range r.Sub {
		if k.Name != "" {
			b.WriteString("/" + url.PathEscape(k.Name))
		} else {
			b.WriteString("[" + strconv.Itoa(k.Index) + "]")
		}
	}
	switch {
	case r.Form == FormValue:
		b.WriteString("/$value")
	case r.Form == FormRef:
		b.WriteString("/$ref")
	case r.Form == FormRoot:
		b.WriteByte('/')
	}
	return b.String()
}
