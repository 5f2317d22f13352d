package engine

import (
	"fmt"
	"math"

	"github.com/anlan-city/anlan/internal/methods/series"
	"github.com/anlan-city/anlan/internal/pack"
)

// deriveDoc is one derived variable: exactly one of the keys besides `of` says how it is made. The variable has the name
// that stands before it.
type deriveDoc struct {
	Of         pack.String    `yaml:"of" doc:"the variable that it is made from; left out: value, or the only input"`
	Background *backgroundDoc `yaml:"above_background" doc:"how far it lies above its own moving background"`
	Pos        pack.Pos       `pack:"exactly one of above_background"`
}

// variable is something that conditions speak of.
type variable struct {
	name string
	// said is the variable in words, in both languages.
	said Wording
	unit string
	// fresh makes the state that a derived variable needs in a subject; nil for what is given.
	fresh func() cell
	// ratio says that the variable is a multiple of the limit that the alarm budget sets.
	ratio bool
}

// cell is the state of one derived variable: of one instrument, or of one subject that judges several inputs together.
type cell interface {
	// next takes the variables that stand before this one, and gives its value; NaN while it has none.
	next(at int64, k *known) float64
	// set makes the cell a copy of another of the same variable.
	set(from cell)
	AppendBinary(b []byte) ([]byte, error)
	UnmarshalBinary(b []byte) error
}

// machine is a streaming state machine of methods/.
type machine[S any] interface {
	*S
	AppendBinary(b []byte) ([]byte, error)
	UnmarshalBinary(b []byte) error
}

// single is the cell of a state machine that follows one variable.
type single[S any, P machine[S]] struct {
	s    S
	of   int
	step func(s P, at int64, x float64) float64
}

func (c *single[S, P]) next(at int64, k *known) float64 {
	x := k.vars[c.of]
	if math.IsNaN(x) {
		return x
	}
	return c.step(&c.s, at, x)
}

func (c *single[S, P]) set(from cell) {
	f := from.(*single[S, P])
	if x, ok := any(&f.s).(interface{ Clone() S }); ok {
		c.s = x.Clone()
		return
	}
	c.s = f.s
}

func (c *single[S, P]) AppendBinary(b []byte) ([]byte, error) { return P(&c.s).AppendBinary(b) }
func (c *single[S, P]) UnmarshalBinary(b []byte) error        { return P(&c.s).UnmarshalBinary(b) }

// derived compiles a derived variable. vars are those that stand before it.
func (c *compiler) derived(d *Detector, name string, doc *deriveDoc) variable {
	of := c.of(d, doc)
	v := variable{name: name, unit: d.vars[of].unit}
	said := d.vars[of].said
	switch {
	case doc.Background != nil:
		f := c.background(d, doc.Background)
		v.said = Wording{said.EN + " above background", said.ZH + "高出本底"}
		v.fresh = func() cell {
			return &single[series.Background, *series.Background]{of: of, step: func(s *series.Background, at int64, x float64) float64 { return s.Excess(f, at, x) }}
		}
	default:
		v.fresh = func() cell { return nothing{} }
	}
	return v
}

// of is the index of the variable that a derived one is made from.
func (c *compiler) of(d *Detector, doc *deriveDoc) int {
	if doc.Of.IsZero() {
		if len(d.Inputs) > 1 {
			c.Add(doc.Pos, pack.CodeRequired, "with several inputs it needs to say of which it is made: of: …")
		}
		return 0
	}
	names := make([]string, len(d.vars))
	for i, v := range d.vars {
		if names[i] = v.name; v.name == doc.Of.Value {
			return i
		}
	}
	c.Add(doc.Of.Pos, pack.CodeReference, "no variable %q stands before it%s", doc.Of.Value, pack.Suggest(doc.Of.Value, names))
	return 0
}

func (c *compiler) background(d *Detector, b *backgroundDoc) *series.Follow {
	return &series.Follow{Rise: b.Rise.Value, Fall: micros(b.Fall.Value), Every: micros(d.Every)}
}

// nothing is the cell of a variable that did not compile.
type nothing struct{}

func (nothing) next(int64, *known) float64            { return math.NaN() }
func (nothing) set(cell)                              {}
func (nothing) AppendBinary(b []byte) ([]byte, error) { return b, nil }
func (nothing) UnmarshalBinary([]byte) error          { return fmt.Errorf("no state") }
