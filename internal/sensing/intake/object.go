package intake

import (
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
	keys []string
}

var _ traits.Mapper = object{}

// Iterator goes through the keys.
func (o object) Iterator() traits.Iterator {
	return types.NewStringList(jsonValues{}, o.keys).Iterator()
}

// jsonValues makes CEL's values of what encoding/json decodes.
type jsonValues struct{}

var _ types.Adapter = jsonValues{}

// NativeToValue is a value for CEL.
func (a jsonValues) NativeToValue(v any) ref.Val {
	switch v := v.(type) {
	case map[string]any:
		return object{types.NewStringInterfaceMap(a, v), slices.Sorted(maps.Keys(v))}
	case []any:
		return types.NewDynamicList(a, v)
	}
	return types.DefaultTypeAdapter.NativeToValue(v)
}
