package intake

import (
	"io/fs"
	"testing"
)

func TestCheck(t *testing.T) {
	hook, err := fs.ReadFile(Examples(), "modbus.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ mapping, kind, wrong string }{
		{string(hook), "webhook", ""},
		{"hook: a\n", "webhook", "m.yaml:1:1: readings: is missing: what to make of each object"},
		{"time: t\nseries: [{column: v, datastream: x}]\n", "files", ""},
		{"time: t\n", "files", "m.yaml:1:1: series: is missing: the columns that hold values"},
		{"", "files", "m.yaml: the mapping is empty"},
	} {
		kind, err := Check("m.yaml", []byte(c.mapping))
		if kind != c.kind || err == nil && c.wrong != "" || err != nil && err.Error() != c.wrong {
			t.Errorf("%q: %s, %v; expected %s, %s", c.mapping, kind, err, c.kind, c.wrong)
		}
	}
}
