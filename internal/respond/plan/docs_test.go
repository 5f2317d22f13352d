package plan

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/anlan-city/anlan/internal/pack"
)

// The plan of the docs is sound.
func TestDocsExample(t *testing.T) {
	page, err := os.ReadFile("../../../docs/plans.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	text, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/plans.md has no example")
	}
	p, err := pack.Load(fstest.MapFS{
		"pack.yaml": {Data: []byte("pack: flood\ntitle: {en: Flood, zh-CN: 防汛}\nassets: {pump-station: {title: {en: Pump station, zh-CN: 泵站}, measures: []}}\n")},
		File:        {Data: []byte(text)},
	}, "docs/flood")
	if err != nil {
		t.Fatal(err)
	}
	plans, err := Plans(p, nil)
	if err != nil || len(plans) != 1 || ids(plans[0].At("III")) != "pump" {
		t.Errorf("%+v %v", plans, err)
	}
	if ws := p.Warnings(); len(ws) > 0 {
		t.Error(ws)
	}
}
