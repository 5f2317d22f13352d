package app_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/anlan-city/anlan/internal/app"
)

// What rules are in force is decided by files: the ledger says from when, and which.
func TestTheLedgerKnowsThePacks(t *testing.T) {
	data, dir := t.TempDir(), filepath.Join(t.TempDir(), "site")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	type detail struct {
		Packs                   map[string]string
		Added, Changed, Removed []string
	}
	run := func(folders ...string) (all []detail) {
		t.Helper()
		s := start(t, app.Options{Data: data, Packs: folders})
		var got struct {
			Items []struct {
				Record struct {
					Action string
					Detail detail
				}
			}
		}
		if err := json.Unmarshal(s.do("GET", "/api/v1/ledger?subject=packs", "", ""), &got); err != nil {
			t.Fatal(err)
		}
		for _, x := range got.Items {
			if x.Record.Action != "packs.load" {
				t.Errorf("action %q", x.Record.Action)
			}
			all = append(all, x.Record.Detail)
		}
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		return all
	}
	equal := func(got, want []string) bool {
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(want)
		return string(a) == string(b)
	}

	write("pack.yaml", "pack: site\ntitle: {en: Site, zh-CN: 场站}\n")
	first := run(dir)
	if len(first) != 1 || len(first[0].Packs["site"]) != 64 || len(first[0].Packs) < 7 || len(first[0].Added) != len(first[0].Packs) {
		t.Fatalf("after the first start: %+v", first)
	}
	if again := run(dir); len(again) != 1 {
		t.Errorf("nothing changed, and there are %d entries", len(again))
	}
	write("warnings.yaml", "authority:\n  - {hazards: all, levels: all, roles: duty-officer}\n")
	changed := run(dir)
	if len(changed) != 2 || !equal(changed[0].Changed, []string{"site"}) || !equal(changed[0].Added, []string{}) || changed[0].Packs["site"] == first[0].Packs["site"] {
		t.Fatalf("after a change of who may publish: %+v", changed)
	}
	write("more_test.yaml", "[]\n")
	if again := run(dir); len(again) != 2 {
		t.Errorf("a test was added, and there are %d entries", len(again))
	}
	if gone := run(); len(gone) != 3 || !equal(gone[0].Removed, []string{"site"}) {
		t.Errorf("after its end: %+v", gone)
	}
}
