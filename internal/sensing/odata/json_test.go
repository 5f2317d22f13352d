package odata

import (
	"encoding/json"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// anyJSON draws what a JSON text may hold.
func anyJSON(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kinds := 6
		if depth == 0 {
			kinds = 4
		}
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return rapid.Float64Range(-1e9, 1e9).Draw(t, "number")
		case 3:
			return rapid.String().Draw(t, "text")
		case 4:
			return rapid.SliceOfN(anyJSON(depth-1), 0, 3).Draw(t, "array")
		}
		return rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", `"`, `\`, "键", "{", " ]"}), anyJSON(depth-1), 0, 3).Draw(t, "object")
	})
}

// The way into a JSON text must find what encoding/json finds.
func TestLookupFindsWhatADecoderFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := anyJSON(3).Draw(t, "document")
		raw, err := json.Marshal(doc)
		if rapid.Bool().Draw(t, "indented") {
			raw, err = json.MarshalIndent(doc, " ", "\t")
		}
		if err != nil {
			t.Fatal(err)
		}
		var keys []Key
		want, found := doc, true
		for range rapid.IntRange(0, 3).Draw(t, "steps") {
			name, n := rapid.SampledFrom([]string{"a", "b", `"`, `\`, "键", "{", " ]", "0", "1"}).Draw(t, "key"), rapid.IntRange(0, 2).Draw(t, "index")
			asIndex := rapid.Bool().Draw(t, "as index")
			switch x := want.(type) {
			case map[string]any:
				want, found = x[name], found && !asIndex && has(x, name)
			case []any:
				if !asIndex {
					var err error
					if n, err = strconv.Atoi(name); err != nil {
						n = -1
					}
				}
				if found = found && n >= 0 && n < len(x); found {
					want = x[n]
				}
			default:
				found = false
			}
			if asIndex {
				keys = append(keys, Key{Index: n})
			} else {
				keys = append(keys, Key{Name: name})
			}
		}
		got, ok := lookup(string(raw), keys)
		if ok != found {
			t.Fatalf("%s %+v: found %v, want %v", raw, keys, ok, found)
		}
		if !ok {
			return
		}
		var back any
		if err := json.Unmarshal([]byte(got), &back); err != nil {
			t.Fatalf("%s %+v: %q, %v", raw, keys, got, err)
		}
		a, _ := json.Marshal(back)
		b, _ := json.Marshal(want)
		if string(a) != string(b) {
			t.Fatalf("%s %+v: %s, want %s", raw, keys, a, b)
		}
		v := fromJSON(got)
		if s, isText := want.(string); isText && v != Text(s) {
			t.Fatalf("%s is %+v", got, v)
		}
		if f, isNumber := want.(float64); isNumber && v != Number(f) {
			t.Fatalf("%s is %+v", got, v)
		}
	})
}

func has(m map[string]any, name string) bool { _, ok := m[name]; return ok }

func TestBrokenJSONIsNull(t *testing.T) {
	for _, raw := range []string{"", " ", "tru", "nul", "null", `"a`, `"a"b`, "1x", "NaN", "-", "+1", `"\x"`} {
		if v := JSON(raw); !v.IsNull() {
			t.Errorf("%q is %+v", raw, v)
		}
	}
	for _, raw := range []string{`{"a"`, `{"a":`, `{"a":1`, `{"b":1 "a":2}`, `{"a":{"b":1}`, `{a:1}`, `[1`, `[`, `{`} {
		if s, ok := lookup(raw, []Key{{Name: "a"}, {Name: "c"}}); ok {
			t.Errorf("%q holds %q", raw, s)
		}
	}
}

func FuzzLookup(f *testing.F) {
	f.Add(`{"a":[{"b":"\u00e9\""},2]}`, "a", 1)
	f.Fuzz(func(_ *testing.T, raw, name string, n int) {
		for _, keys := range [][]Key{{{Name: name}}, {{Index: n}}, {{Name: name}, {Index: n}}, {{Index: n}, {Name: name}}} {
			if got, ok := lookup(raw, keys); ok {
				fromJSON(got)
			}
		}
		JSON(raw).geometry()
	})
}
