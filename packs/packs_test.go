package packs_test

import (
	"io/fs"
	"testing"

	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/packs"
)

// Every pack that is shipped loads, and its detectors compile.
func TestPacks(t *testing.T) {
	folders, err := fs.ReadDir(packs.FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		t.Run(f.Name(), func(t *testing.T) {
			sub, err := fs.Sub(packs.FS(), f.Name())
			if err != nil {
				t.Fatal(err)
			}
			p, err := pack.Load(sub, "packs/"+f.Name())
			if err != nil {
				t.Fatal(err)
			}
			ds, err := detect.Compile(p)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range ds {
				t.Logf("%s (%s)\n%s\n%s\n%s\n%s", d.ID, d.Maturity, d.Rule.EN, d.Clears.EN, d.Rule.ZH, d.Clears.ZH)
			}
		})
	}
}
