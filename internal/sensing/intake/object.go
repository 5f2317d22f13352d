package intake

import (
	"encoding/json"
	"maps"
	"slices"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// object is a JSON object for CEL. Its keys come in the order of the alphabet, where a Go map's would come in another one
// each time: the same body makes the same readings in the same order.
type object struct {
	traits.Mapper
	members map[string]any
}

var _ traits.Mapper = object{}

// Iterator goes through the keys. They are sorted here, since an object is made anew each time that an expression reaches
// it: body.values[name] for each of 10,000 names would sort 10,000 names each time.
func (o object) Iterator() traits.Iterator {
	return types.NewStringList(jsonValues{}, slices.Sorted(maps.Keys(o.members))).Iterator()
}

// maxExact is the largest whole number up to which a double holds each.
const maxExact = 1 << 53

// jsonValues makes CEL's values of what encoding/json decodes.
type jsonValues struct{}

var _ types.Adapter = jsonValues{}

// NativeToValue is a value for CEL.
func (a jsonValues) NativeToValue(v any) ref.Val {
	switch v := v.(type) {
	case map[string]any:
		return object{types.NewStringInterfaceMap(a, v), v}
	case []any:
		return types.NewDynamicList(a, v)
	case json.Number:
		// Numbers are doubles, so that they go together; but an id of 19 digits keeps them all.
		if n, err := v.Int64(); err == nil && (n > maxExact || n < -maxExact) {
			return types.Int(n)
		}
		f, _ := v.Float64() // out of range it is infinite, and refused where it is used
		return types.Double(f)
	}
	return types.DefaultTypeAdapter.NativeToValue(v)
}
