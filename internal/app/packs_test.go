package app

import (
	"strings"
	"testing"
)

// Every pack that is shipped is sound, and what its detectors open exists.
func TestShippedPacks(t *testing.T) {
	p, err := LoadPacks()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, k := range p.cases {
		kinds[k.ID] = true
	}
	for _, d := range p.detectors {
		if d.Opens.Case != "" && !kinds[d.Opens.Case] {
			t.Errorf("%s opens %q, which no pack declares", d.ID, d.Opens.Case)
		}
		t.Logf("%s (%s)\n%s\n%s\n%s\n%s", d.ID, d.Maturity, d.Rule.EN, d.Clears.EN, d.Rule.ZH, d.Clears.ZH)
	}
	if len(p.detectors) == 0 || len(p.cases) == 0 {
		t.Fatal("no detectors or no case kinds")
	}
}

func TestLoadPacksNamesThePlace(t *testing.T) {
	_, err := LoadPacks("testdata/broken")
	if err == nil {
		t.Fatal("a broken pack is sound")
	}
	for _, want := range []string{`testdata/broken/detectors.yaml:10:5: `, `did you mean "orange"?`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
}
