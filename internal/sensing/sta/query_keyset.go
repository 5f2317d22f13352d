package sta

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"

	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// keyset is the place of an entity in an order: the values that it is ordered by, and its id. A page that continues behind
// a keyset is right whatever came or went before it meanwhile.
type keyset struct {
	values []odata.Value
	id     int64
	shown  int64 // the id of a reading that was shown though its place is behind; 0 for none
}

// ordering is what a list is ordered by. The id comes last, upwards unless the orders say otherwise.
type ordering struct {
	by      []odata.Order
	idDesc  bool
	idGiven bool // the request said how ids are ordered
}

// orderingOf is the order of a list: what comes after the id can't matter, since ids are unique.
func orderingOf(orders []odata.Order) ordering {
	for i, o := range orders {
		if isID(o.Expr) {
			return ordering{orders[:i:i], o.Desc, true}
		}
	}
	return ordering{by: orders}
}

// isID tells whether an expression is the entity's own id.
func isID(e odata.Expr) bool {
	p, ok := e.(*odata.Path)
	return ok && p.Prop != nil && p.Prop.Name == "id" && len(p.Navs) == 0 && p.Var == ""
}

// compare says which of two places comes first.
func (o ordering) compare(a, b keyset) int {
	for i := range o.by {
		if c := odata.Compare(a.values[i], b.values[i]); c != 0 {
			if o.by[i].Desc {
				return -c
			}
			return c
		}
	}
	if o.idDesc {
		return cmp.Compare(b.id, a.id)
	}
	return cmp.Compare(a.id, b.id)
}

// check is a short text of a set and an order: a token is good for these only.
func (o ordering) check(set string) string {
	h := fnv.New32a()
	h.Write([]byte(set))
	for _, by := range o.by {
		h.Write([]byte("\x00" + by.String()))
	}
	if o.idDesc {
		h.Write([]byte("\x00desc"))
	}
	return strconv.FormatUint(uint64(h.Sum32()), 36)
}

// token is what stands in $skiptoken.
type token struct {
	Check  string `json:"c"`
	ID     int64  `json:"i"`
	Shown  int64  `json:"s,omitempty"`
	Values []any  `json:"v,omitempty"`
}

func (o ordering) token(set string, at keyset) string {
	t := token{Check: o.check(set), ID: at.id, Shown: at.shown}
	for _, v := range at.values {
		t.Values = append(t.Values, wire(v))
	}
	b, err := json.Marshal(t)
	if err != nil {
		return "" // texts and numbers always have a JSON form
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// wire is a value as JSON: null, truth values and numbers as they are, anything else as a text that begins with its kind.
func wire(v odata.Value) any {
	switch v.Kind() {
	case odata.KindNull, odata.KindGeometry: // geometries have no order
		return nil
	case odata.KindBool:
		b, _ := v.Bool()
		return b
	case odata.KindNumber:
		f, _ := v.Number()
		return f
	case odata.KindText:
		return "s" + v.Text()
	case odata.KindJSON:
		return "j" + v.Text()
	case odata.KindTime:
		start, end, _ := v.Span()
		return "t" + strconv.FormatInt(start, 10) + "/" + strconv.FormatInt(end, 10)
	}
	us, _ := v.Microseconds()
	return strings.Repeat("x", int(v.Kind())) + strconv.FormatInt(us, 10)
}

func unwire(v any) (odata.Value, bool) {
	switch v := v.(type) {
	case nil:
		return odata.Null(), true
	case bool:
		return odata.Bool(v), true
	case float64:
		return odata.Number(v), true
	case string:
		return unwireText(v)
	}
	return odata.Null(), false
}

func unwireText(s string) (odata.Value, bool) {
	switch {
	case s == "":
		return odata.Null(), false
	case s[0] == 's':
		return odata.Text(s[1:]), true
	case s[0] == 'j':
		return odata.JSON(s[1:]), true
	case s[0] == 't':
		from, to, _ := strings.Cut(s[1:], "/")
		start, err1 := strconv.ParseInt(from, 10, 64)
		end, err2 := strconv.ParseInt(to, 10, 64)
		return odata.Interval(start, end), err1 == nil && err2 == nil
	}
	digits := strings.TrimLeft(s, "x")
	us, err := strconv.ParseInt(digits, 10, 64)
	switch odata.Kind(len(s) - len(digits)) {
	case odata.KindDate:
		return odata.Date(us), err == nil
	case odata.KindTimeOfDay:
		return odata.TimeOfDay(us), err == nil
	case odata.KindDuration:
		return odata.Duration(us), err == nil
	}
	return odata.Null(), false
}

// after reads a $skiptoken; nil where there is none.
func (o ordering) after(set, text string) (*keyset, error) {
	if text == "" {
		return nil, nil
	}
	refuse := func(why string) error {
		return web.Errorf(http.StatusBadRequest, "sensing.bad_skiptoken", "%s; follow @iot.nextLink as it was given", why).At("$skiptoken")
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	var t token
	if err != nil || json.Unmarshal(b, &t) != nil {
		return nil, refuse("this is no token of a next page")
	}
	if t.Check != o.check(set) || len(t.Values) != len(o.by) {
		return nil, refuse("this token continues another list, or one in another order")
	}
	at := &keyset{id: t.ID, shown: t.Shown}
	for _, v := range t.Values {
		value, ok := unwire(v)
		if !ok || value.Kind() == odata.KindText && !storable(value.Text()) {
			return nil, refuse("this is no token of a next page")
		}
		at.values = append(at.values, value)
	}
	return at, nil
}
