package intake

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/anlan-city/anlan/internal/methods/ucum"
	"github.com/anlan-city/anlan/internal/sensing"
)

// Log is what intake needs of the observation log; *sensing.Service is one.
type Log interface {
	// Append takes readings and returns once they are on disk; see sensing.Service.
	Append(ctx context.Context, source string, rs []sensing.Reading) (sensing.Receipt, error)
	// LookupExternal is the datastream with a sender's id. It answers from memory.
	LookupExternal(externalID string) (sensing.Datastream, bool)
}

var _ Log = (*sensing.Service)(nil)

// measure is what a mapping says about a value: its type, the words for it, how it is scaled, its unit.
type measure struct {
	kind          word // number (default), text or truth
	values        map[string][]string
	scale, offset *float64
	unitText      word
	unit          *ucum.Unit // nil: the datastream's own
}

// fields are the keys of a mapping that make a measure.
func (m *measure) fields(d *document, into map[string]func(ast.Node)) {
	into["type"] = d.choice(&m.kind, "type", "number", "text", "truth")
	into["values"] = d.table(&m.values, "values", false)
	into["scale"] = d.number(&m.scale, "scale")
	into["offset"] = d.number(&m.offset, "offset")
	into["unit"] = func(n ast.Node) {
		d.word(&m.unitText, "unit")(n)
		if m.unitText.s == "" {
			return
		}
		u, err := ucum.Parse(m.unitText.s)
		if err != nil {
			d.say(m.unitText.position, "unit", "%v", err)
			return
		}
		m.unit = &u
	}
}

func (m *measure) check(d *document) {
	if m.kind.s == "" || m.kind.s == "number" {
		return
	}
	if m.scale != nil || m.offset != nil || m.unit != nil {
		d.say(m.kind.position, "type", "a %s can't have a scale, an offset or a unit", m.kind.s)
	}
}

// fromText reads a value that came as text. comma: its numbers have a decimal comma.
func (m *measure) fromText(text string, comma bool) (sensing.Value, error) {
	if m.values != nil {
		to, ok := m.values[text]
		if !ok {
			to, ok = m.values["*"]
		}
		if !ok && m.kind.s != "number" && m.kind.s != "" {
			return sensing.Value{}, fmt.Errorf("%.60q is not among the values of the mapping", text)
		}
		if ok {
			text, comma = to[0], false
		}
	}
	switch m.kind.s {
	case "text":
		return sensing.Text(text), nil
	case "truth":
		switch strings.ToLower(text) {
		case "true", "1":
			return sensing.Bool(true), nil
		case "false", "0":
			return sensing.Bool(false), nil
		}
		return sensing.Value{}, fmt.Errorf("expected true or false, got %.60q; say in values what the words stand for", text)
	}
	number := text
	if comma {
		if strings.Contains(text, ".") { // 1.234 would be a thousandth of what was meant
			return sensing.Value{}, fmt.Errorf("expected a number with a decimal comma and no points, got %.60q", text)
		}
		number = strings.Replace(text, ",", ".", 1)
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || strings.ContainsAny(text, "_xXpP") {
		return sensing.Value{}, fmt.Errorf("expected a number, got %.60q", text)
	}
	return m.number(f), nil
}

func (m *measure) number(f float64) sensing.Value {
	if m.scale != nil {
		f = scaled(f, *m.scale)
	}
	if m.offset != nil {
		f += *m.offset
	}
	return sensing.Number(f)
}

// scaled is f times scale. 215 × 0.1 would be 21.500000000000004: a scale that is one over a whole number divides.
func scaled(f, scale float64) float64 {
	if inverse := math.Round(1 / scale); scale != 0 && math.Abs(scale) < 1 && math.Abs(inverse) < 1<<53 && 1/inverse == scale {
		return f / inverse
	}
	return f * scale
}

// target is a datastream that readings go to, with the conversion to its unit.
type target struct {
	id   int64
	to   ucum.Conversion
	none string // why there is none
	code string // and the code of that
}

// maxID bounds a datastream's external id, in bytes: each of many readings holds one.
const maxID = 1000

// aim finds the datastream and the way to its unit.
func (m *measure) aim(log Log, externalID string) target {
	ds, ok := log.LookupExternal(externalID)
	switch {
	case !ok:
		return target{code: "sensing.unknown_datastream", none: "datastream: there is none with the external id " + strconv.Quote(externalID)}
	case m.unit == nil:
		return target{id: ds.ID}
	}
	refused := func(err error) target {
		return target{code: "intake.unit", none: fmt.Sprintf("unit: datastream %s is in %q: %v", externalID, ds.Unit, err)}
	}
	own, err := ucum.Parse(ds.Unit)
	if err != nil {
		return refused(err)
	}
	to, err := ucum.Between(*m.unit, own)
	if err != nil {
		return refused(err)
	}
	return target{id: ds.ID, to: to}
}

// convert brings a value into the datastream's unit.
func (t target) convert(v sensing.Value) sensing.Value {
	if f, ok := v.Float(); ok {
		return sensing.Number(t.to.Of(f))
	}
	return v
}
