package intake

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// functions are the names of our own functions in expressions.
var functions = []string{"int16", "uint32", "int32", "float32", "bit", "text"}

// words are the functions that a mapping has beside CEL's own. Registers of 16 bits come as numbers; a value of 32 bits is
// in two of them, the high word first in the call, whichever way round the device sends them.
var words = []cel.EnvOption{
	pairFunction("float32", func(w uint32) ref.Val { return types.Double(math.Float32frombits(w)) }),
	pairFunction("int32", func(w uint32) ref.Val { return types.Double(int32(w)) }),
	pairFunction("uint32", func(w uint32) ref.Val { return types.Double(w) }),
	cel.Function("int16", cel.Overload("int16_word", []*cel.Type{cel.DynType}, cel.DoubleType,
		cel.UnaryBinding(func(v ref.Val) ref.Val {
			w, ok := register(v)
			if !ok {
				return types.NewErr("int16(word): %v is no register of 16 bits (0 to 65535)", v.Value())
			}
			return types.Double(int16(w))
		}))),
	cel.Function("bit", cel.Overload("bit_word_int", []*cel.Type{cel.DynType, cel.DynType}, cel.BoolType,
		cel.BinaryBinding(func(v, n ref.Val) ref.Val {
			w, ok := register(v)
			i, okToo := register(n)
			if !ok || !okToo || i > 15 {
				return types.NewErr("bit(word, n): expected a register of 16 bits and a number from 0 to 15, got %v and %v", v.Value(), n.Value())
			}
			return types.Bool(w>>i&1 == 1)
		}))),
	cel.Function("text", cel.Overload("text_any", []*cel.Type{cel.DynType}, cel.StringType,
		cel.UnaryBinding(func(v ref.Val) ref.Val {
			s, ok := textOf(v)
			if !ok {
				return types.NewErr("text(x): expected a text, a number or a truth value, got %s", typeWord(typeOf(v)))
			}
			return types.String(s)
		}))),
}

func pairFunction(name string, of func(uint32) ref.Val) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_words", []*cel.Type{cel.DynType, cel.DynType}, cel.DoubleType,
		cel.BinaryBinding(func(hi, lo ref.Val) ref.Val {
			h, ok := register(hi)
			l, okToo := register(lo)
			if !ok || !okToo {
				return types.NewErr("%s(hi, lo): %v and %v are not both registers of 16 bits (0 to 65535)", name, hi.Value(), lo.Value())
			}
			return of(binary.BigEndian.Uint32([]byte{byte(h >> 8), byte(h), byte(l >> 8), byte(l)}))
		})))
}

// register reads a register of 16 bits. Some gateways send those above 32767 as negative numbers.
func register(v ref.Val) (uint16, bool) {
	f, ok := numberOf(v)
	switch {
	case !ok || f != math.Trunc(f) || f < math.MinInt16 || f > math.MaxUint16:
		return 0, false
	case f < 0:
		return uint16(int16(f)), true
	}
	return uint16(f), true
}

func numberOf(v ref.Val) (float64, bool) {
	switch v := v.(type) {
	case types.Double:
		return float64(v), true
	case types.Int:
		return float64(v), true
	case types.Uint:
		return float64(v), true
	}
	return 0, false
}

// textOf is a plain value as text, a number without an exponent: it is most often part of a datastream's id.
func textOf(v ref.Val) (string, bool) {
	switch v := v.(type) {
	case types.Double:
		return strconv.FormatFloat(float64(v), 'f', -1, 64), true
	case types.Int:
		return strconv.FormatInt(int64(v), 10), true
	case types.Uint:
		return strconv.FormatUint(uint64(v), 10), true
	case types.String:
		return string(v), true
	case types.Bool:
		return strconv.FormatBool(bool(v)), true
	}
	return "", false
}

func typeOf(v ref.Val) *cel.Type {
	if t, ok := v.Type().(*cel.Type); ok {
		return t
	}
	return cel.DynType
}

func sortKeys(keys []string) { slices.Sort(keys) }
