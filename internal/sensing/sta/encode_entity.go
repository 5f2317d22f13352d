package sta

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// item is one entity of an answer with what is shown within it.
type item struct {
	row    *row            // of the catalogue
	s      *sensing.Stored // or a reading
	inside []inside        // by expansion of the plan
}

// inside is what stands behind one navigation of an entity.
type inside struct {
	items []*item // of a to-one navigation, one or none
	count int64   // -1 where it was not asked for
	next  string  // @iot.nextLink, "" for none
}

// maxAnswer bounds the answer to a GET in bytes, but for what its last entity holds itself.
const maxAnswer = 64 << 20

// encoder appends the JSON of answers.
type encoder struct {
	v     *view
	root  string // as it stands within a JSON string
	items int    // entities appended; one that is shown in several places counts in each
}

func (v *view) encoder() *encoder {
	text := appendText(nil, v.root)
	return &encoder{v: v, root: string(text[1 : len(text)-1])}
}

// more says whether the answer has room for another entity: what is expanded within itself grows with each level.
func (e *encoder) more(dst []byte, p *plan) error {
	if e.items++; e.items > maxExpanded {
		return errExpanded(p.t.Set)
	}
	if len(dst) > maxAnswer {
		return web.Errorf(http.StatusUnprocessableEntity, "sensing.answer_too_large",
			"this answer would be larger than %d bytes; ask for fewer with $top, or for less of each with $select", maxAnswer).At("$top")
	}
	return nil
}

// item appends an entity.
func (e *encoder) item(dst []byte, p *plan, it *item) ([]byte, error) {
	if err := e.more(dst, p); err != nil {
		return dst, err
	}
	if it.s != nil {
		dst = e.reading(dst, p, it.s)
	} else {
		dst = e.row(dst, p, it.row)
	}
	if len(p.expands) > 0 {
		dst = dst[:len(dst)-1]
		for i, x := range p.expands {
			var err error
			if dst, err = e.inside(dst, x, &it.inside[i]); err != nil {
				return dst, err
			}
		}
		dst = append(dst, '}')
	}
	return dst, nil
}

// inside appends what stands behind an expanded navigation, as members of an object that is not closed yet.
func (e *encoder) inside(dst []byte, x *expansion, in *inside) (_ []byte, err error) {
	name := x.nav.Name
	if !x.nav.Many {
		dst = appendKey(dst, name)
		if len(in.items) == 0 {
			return append(dst, "null"...), nil
		}
		return e.item(dst, x.plan, in.items[0])
	}
	if in.count >= 0 {
		dst = appendInt(appendKey(dst, name+"@iot.count"), in.count)
	}
	dst = append(appendKey(dst, name), '[')
	for i, it := range in.items {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = e.item(dst, x.plan, it); err != nil {
			return dst, err
		}
	}
	dst = append(dst, ']')
	if in.next != "" {
		dst = appendText(appendKey(dst, name+"@iot.nextLink"), in.next)
	}
	return dst, nil
}

// begin appends what each entity begins with: its id and its own link.
func (e *encoder) begin(dst []byte, p *plan, id int64) []byte {
	dst = append(dst, '{')
	if p.id {
		dst = appendInt(append(dst, `"@iot.id":`...), id)
	}
	if p.self {
		if p.id {
			dst = append(dst, ',')
		}
		dst = appendPath(append(dst, `"@iot.selfLink":"`...), e.root, p.t.Set, id)
		dst = append(dst, '"')
	}
	return dst
}

// end appends the links to others and closes the entity.
func (e *encoder) end(dst []byte, p *plan, id int64) []byte {
	for _, n := range p.links {
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), n.Name...), `@iot.navigationLink":"`...)
		dst = appendPath(dst, e.root, p.t.Set, id)
		dst = append(append(append(dst, '/'), n.Name...), '"')
	}
	return append(dst, '}')
}

// row appends an entity of the catalogue.
func (e *encoder) row(dst []byte, p *plan, r *row) []byte {
	dst = e.begin(dst, p, r.id)
	for i := range p.fields {
		f := &p.fields[i]
		switch {
		case len(f.parts) > 0:
			dst = appendParts(dst, f, &entity{e.v, p.k, r})
		case f.column >= 0:
			dst = appendColumn(dst, &p.k.columns[f.column], r, f.column)
		default:
			st, _ := e.v.Core.State(r.id)
			if start, end, ok := spanOf(&st, f.name).Span(); ok {
				dst = appendInterval(appendKey(dst, f.name), start, end)
			}
		}
	}
	return e.end(dst, p, r.id)
}

// appendColumn appends a property of a row as a member; nothing where it has none.
func appendColumn(dst []byte, c *column, r *row, i int) []byte {
	switch {
	case c.form == formTime:
		return appendSpan(appendKey(dst, c.property), r.time, r.time)
	case c.form == formText:
		return appendText(appendKey(dst, c.property), r.text[i])
	case r.text[i] == "":
		return dst
	}
	return append(appendKey(dst, c.property), r.text[i]...)
}

// reading appends an Observation.
func (e *encoder) reading(dst []byte, p *plan, s *sensing.Stored) []byte {
	dst = e.begin(dst, p, s.ID)
	for i := range p.fields {
		f := &p.fields[i]
		if len(f.parts) > 0 {
			dst = appendParts(dst, f, &readingEntity{e.v, s})
			continue
		}
		dst = appendReadingField(dst, f.name, s, true)
	}
	if p.marks && s.Marks != 0 {
		dst = append(appendKey(dst, "@anlan.marks"), '[')
		for i, name := range s.Marks.Names() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(append(append(dst, '"'), name...), '"')
		}
		dst = append(dst, ']')
	}
	return e.end(dst, p, s.ID)
}

// appendReadingField appends a property of a reading, as a member or by itself. A member that has no value is left out,
// but for resultTime, which the standard asks for always; by itself it is null.
func appendReadingField(dst []byte, name string, s *sensing.Stored, member bool) []byte {
	begin := len(dst)
	if member {
		dst = appendKey(dst, name)
	}
	switch name {
	case "phenomenonTime":
		return appendSpan(dst, s.At, s.End())
	case "result":
		return s.Value.AppendJSON(dst)
	case "resultTime":
		if s.ResultTime != 0 {
			return append(appendTime(append(dst, '"'), s.ResultTime), '"')
		}
		return append(dst, "null"...)
	}
	if m := s.More; m != nil {
		switch {
		case name == "validTime" && (m.ValidFrom != 0 || m.ValidUntil != 0):
			return appendInterval(dst, m.ValidFrom, m.ValidUntil)
		case name == "parameters" && m.Parameters != "":
			return append(dst, m.Parameters...)
		case name == "resultQuality" && m.Quality != "":
			return append(dst, m.Quality...)
		}
	}
	if member {
		return dst[:begin]
	}
	return append(dst, "null"...)
}

// appendParts appends the selected parts of a JSON property, nested as they are there. It is rare, so it may be slow.
func appendParts(dst []byte, f *field, e odata.Entity) []byte {
	top := map[string]any{}
	for _, part := range f.parts {
		v, err := part.get.Value(e)
		if err != nil || v.IsNull() {
			continue
		}
		at := top
		for _, k := range part.keys[:len(part.keys)-1] {
			next, ok := at[k].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[k] = next
			}
			at = next
		}
		at[part.keys[len(part.keys)-1]] = json.RawMessage(appendValue(nil, v))
	}
	if len(top) == 0 {
		return dst
	}
	b, err := json.Marshal(top)
	if err != nil {
		return dst // raw parts of JSON always have a JSON form
	}
	return append(appendKey(dst, f.name), b...)
}

// appendValue appends a value of an expression as JSON.
func appendValue(dst []byte, v odata.Value) []byte {
	switch v.Kind() {
	case odata.KindBool:
		b, _ := v.Bool()
		return strconv.AppendBool(dst, b)
	case odata.KindNumber:
		f, _ := v.Number()
		return sensing.Number(f).AppendJSON(dst)
	case odata.KindText:
		return appendText(dst, v.Text())
	case odata.KindJSON:
		return append(dst, v.Text()...)
	case odata.KindTime:
		start, end, _ := v.Span()
		return appendSpan(dst, start, end)
	}
	return append(dst, "null"...)
}
