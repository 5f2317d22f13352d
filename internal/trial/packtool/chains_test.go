package packtool

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/respond/notify"
)

// Chains among the packs that are checked together: ids and beginnings are unique, and packs that are named exist. One that
// ships gives way to a city's own.
func TestChainsAmongPacks(t *testing.T) {
	dir := t.TempDir()
	write := func(name, chains string) string {
		t.Helper()
		folder := filepath.Join(dir, name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for file, text := range map[string]string{
			"pack.yaml": "pack: " + name + "\ntitle: {en: Pack, zh-CN: 场景包}\n", "chains.yaml": chains, "README.md": "# x\n",
		} {
			if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return folder
	}
	chain := func(id, begins string) string {
		return "- id: " + id + "\n  title: {en: Call, zh-CN: 通知}\n  steps: [{tell: owner}]\n" + begins
	}
	tool := Packs{
		Shipped: fstest.MapFS{
			"escalation/pack.yaml":   {Data: []byte("pack: escalation\ntitle: {en: Pack, zh-CN: 场景包}\n")},
			"escalation/chains.yaml": {Data: []byte(chain("late", "  begins: {on: task}\n"))},
		},
		Files: []pack.Declaration{pack.MainDeclaration(), notify.Declaration()},
		Clock: clock.System(),
	}
	one := write("one", chain("late", "")+chain("alarm", "  begins: {on: alert, of: [gass]}\n")+chain("task", "  begins: {on: task}\n"))
	two := write("two", chain("late", "")+chain("other", "  begins: {on: task}\n"))

	r, err := tool.Check(one)
	if err != nil {
		t.Fatal(err)
	}
	if text := r[0].Problems.Error(); r[0].Problems.Err() != nil || !strings.Contains(text, `there is no pack "gass" here`) {
		t.Errorf("alone, beside those that ship: %s", text)
	}
	var b strings.Builder
	r.Write(&b)
	if !strings.Contains(b.String(), "3 chains") {
		t.Error(b.String())
	}
	if r, err = tool.Check(one, two); err != nil {
		t.Fatal(err)
	}
	all := r[0].Problems.Error() + r[1].Problems.Error()
	for _, want := range []string{"the pack two has a chain \"late\" too", "the chain other of the pack two begins with task, too", "the pack one has a chain \"late\" too"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s in\n%s", want, all)
		}
	}
}
