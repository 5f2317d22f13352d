package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

// maxReadings bounds the readings of one body.
const maxReadings = 10_000

// Body is what a sender posted to a hook.
type Body struct {
	JSON    []byte
	Headers map[string]string // by lower-case name, without Authorization and Cookie
	Query   map[string]string // the first value of each
	Now     time.Time         // when it came in: the time of readings whose mapping names none
}

// Mapped is a reading as the mapping made it of a body.
type Mapped struct {
	Index      int // among the readings of the body whose when held, from 0
	Datastream string
	At         int64 // microseconds since 1970 UTC
	Value      sensing.Value

	rule *rule
}

// Map makes readings of a body. Those that can't be made are refused, each with the place in the mapping, the expression
// and what the body lacks. The error is a *web.Error where the body as a whole makes no sense.
func (h *Hook) Map(b Body) ([]Mapped, []sensing.Refusal, error) {
	body, err := decode(b.JSON)
	if err != nil {
		return nil, nil, web.Errorf(http.StatusUnprocessableEntity, "intake.not_json", "hook %s: the body is not JSON: %v", h.Name, err).At("body")
	}
	whole := jsonValues{}.NativeToValue(body)
	s := &scope{vars: map[string]any{"body": whole, "headers": notNil(b.Headers), "query": notNil(b.Query)}}
	items := []ref.Val{whole}
	if h.each != nil {
		if items, err = h.items(s); err != nil {
			return nil, nil, web.Errorf(http.StatusUnprocessableEntity, "intake.not_mapped", "hook %s (%s:%d:%d): %v",
				h.Name, h.fileName(), h.each.line, h.each.column, err).At("each")
		}
	}
	var mapped []Mapped
	var refused []sensing.Refusal
	n := 0
	for i, item := range items {
		s.vars["item"] = item
		for j := range h.rules {
			if s.spent > maxBodyCost {
				return nil, nil, web.Errorf(http.StatusRequestEntityTooLarge, "intake.too_many",
					"hook %s: its expressions cost too much for one body, %d of %d items were reached; send it in parts, or make them simpler", h.Name, i, len(items))
			}
			m, field, err := h.rules[j].apply(s, b.Now)
			if err == nil && m == nil {
				continue // when did not hold
			}
			if n++; n > maxReadings {
				return nil, nil, web.Errorf(http.StatusRequestEntityTooLarge, "intake.too_many", "hook %s: more than %d readings in one body; send it in parts", h.Name, maxReadings)
			}
			if err != nil {
				refused = append(refused, sensing.Refusal{Index: n - 1, Code: "intake.not_mapped",
					Message: fmt.Sprintf("hook %s, item %d, reading %d (%s:%d:%d): %v", h.Name, i, n-1, h.fileName(), field.line, field.column, err)})
				continue
			}
			m.Index = n - 1
			mapped = append(mapped, *m)
		}
	}
	return mapped, refused, nil
}

// decode reads one JSON value and nothing after it.
func decode(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber() // see jsonValues
	var body any
	if err := d.Decode(&body); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("it is empty")
		}
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("something follows the value, at byte %d", d.InputOffset())
	}
	return body, nil
}

func notNil(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// items are the objects that each: takes out of a body.
func (h *Hook) items(s *scope) ([]ref.Val, error) {
	v, err := h.each.eval(s)
	if err != nil {
		return nil, err
	}
	list, ok := v.(traits.Lister)
	if !ok {
		return nil, h.each.wrap("expected a list of objects, got " + typeWord(typeOf(v)))
	}
	n, _ := list.Size().(types.Int)
	if n > maxReadings {
		return nil, h.each.wrap(fmt.Sprintf("a list of %d, at most %d are taken", n, maxReadings))
	}
	items := make([]ref.Val, n)
	for i := range items {
		items[i] = list.Get(types.Int(i))
	}
	return items, nil
}

// apply makes a reading of an item, or nothing where when: does not hold. field is where in the mapping an error stands.
func (r *rule) apply(s *scope, now time.Time) (m *Mapped, field position, err error) {
	if r.when != nil {
		v, err := r.when.eval(s)
		if err != nil {
			return nil, r.when.position, err
		}
		holds, ok := v.(types.Bool)
		if !ok {
			return nil, r.when.position, r.when.wrap("expected true or false, got " + typeWord(typeOf(v)))
		}
		if !holds {
			return nil, position{}, nil
		}
	}
	m = &Mapped{rule: r, At: now.UnixMicro()}
	v, err := r.datastream.eval(s)
	if err != nil {
		return nil, r.datastream.position, err
	}
	var ok bool
	if m.Datastream, ok = textOf(v); !ok || m.Datastream == "" || len(m.Datastream) > maxID {
		return nil, r.datastream.position, r.datastream.wrap("expected the external id of a datastream, got " + shown(v))
	}
	if r.time != nil {
		if m.At, err = r.at(s); err != nil {
			return nil, r.time.position, err
		}
	}
	if m.Value, err = r.measured(s); err != nil {
		return nil, r.value.position, err
	}
	return m, position{}, nil
}

func (r *rule) at(s *scope) (int64, error) {
	v, err := r.time.eval(s)
	if err != nil {
		return 0, err
	}
	if t, ok := v.(types.Timestamp); ok {
		return t.UnixMicro(), nil
	}
	var at int64
	switch f, isNumber := numberOf(v); {
	case isNumber && !r.moment.Counts():
		return 0, r.time.wrap("is a number: say time_unit (s, ms or us)")
	case isNumber:
		at, err = r.moment.Count(f)
	default:
		text, ok := v.(types.String)
		if !ok {
			return 0, r.time.wrap("expected " + r.moment.String() + ", got " + shown(v))
		}
		at, _, err = r.moment.Read(strings.TrimSpace(string(text)))
	}
	if err != nil {
		return 0, r.time.wrap(err.Error())
	}
	return at, nil
}

func (r *rule) measured(s *scope) (sensing.Value, error) {
	v, err := r.value.eval(s)
	if err != nil {
		return sensing.Value{}, err
	}
	if f, ok := numberOf(v); ok && r.values == nil && (r.kind.s == "" || r.kind.s == "number") {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return sensing.Value{}, r.value.wrap("is no finite number")
		}
		return r.number(f), nil
	}
	text, ok := textOf(v)
	if !ok {
		return sensing.Value{}, r.value.wrap("expected a " + kindWord(r.kind.s) + ", got " + shown(v) + "; leave it out with when: if it may be so")
	}
	if b, isBool := v.(types.Bool); isBool && r.kind.s == "" && r.values == nil {
		return sensing.Bool(bool(b)), nil
	}
	out, err := r.fromText(strings.TrimSpace(text), false)
	if err != nil {
		if _, isText := v.(types.String); isText && r.kind.s == "" {
			err = fmt.Errorf("%w; for a text say type: text", err)
		}
		return out, r.value.wrap(err.Error())
	}
	return out, nil
}

func kindWord(kind string) string {
	switch kind {
	case "text":
		return "text"
	case "truth":
		return "truth value"
	}
	return "number"
}

// shown is a value in a message: short, and with its quotes where it is a text.
func shown(v ref.Val) string {
	switch v := v.(type) {
	case types.String:
		return fmt.Sprintf("%.40q", string(v))
	case types.Null:
		return "null"
	}
	if s, ok := textOf(v); ok {
		return s
	}
	return typeWord(typeOf(v))
}
