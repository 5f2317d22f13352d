package packtest

import (
	"io/fs"
	"testing"

	"github.com/anlan-city/anlan/packs"
)

// Every shipped pack's tests pass, and each of its detectors is tested.
func TestShippedPacks(t *testing.T) {
	entries, err := fs.ReadDir(packs.FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Run(e.Name(), func(t *testing.T) {
			sub, err := fs.Sub(packs.FS(), e.Name())
			if err != nil {
				t.Fatal(err)
			}
			s, err := Load(sub, "packs/"+e.Name())
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range s.Tests {
				r := s.run(x)
				for _, f := range r.Failures {
					t.Errorf("%s: %+v %+v", x.Name, f.Expected, f.Got)
				}
				if t.Failed() {
					for _, st := range r.Steps {
						t.Logf("%s %s %s cleared=%v silent=%v %s", st.Detector, span(st.At), st.Level, st.Cleared, st.Silent, st.Text.EN)
					}
				}
			}
		})
	}
}
