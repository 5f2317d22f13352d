package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Every post that a shipped pack names has a title in one of them: nobody reads an id.
func TestShippedPostsHaveTitles(t *testing.T) {
	report, err := PackTool().Check("../../packs/...")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range report {
		for _, d := range c.Problems {
			if d.Code == pack.CodeUntitled {
				t.Error(d)
			}
		}
	}
	p, err := LoadPacks()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range p.detectors {
		if _, ok := p.posts[d.Owner]; !ok {
			t.Errorf("%s is owned by %s, which has no title", d.ID, d.Owner)
		}
	}
	for _, x := range p.plans {
		for _, k := range x.Tasks {
			if _, ok := p.posts[k.Post]; !ok {
				t.Errorf("%s gives work to %s, which has no title", x.ID, k.Post)
			}
		}
	}
	if got, want := p.posts.title("flood-crew"), lifecycle.Words("Flood crew", "防汛抢险队"); got != want {
		t.Errorf("flood-crew is called %v", got)
	}
	if got, want := p.posts.title("harbour-watch"), lifecycle.Words("harbour-watch", "harbour-watch"); got != want {
		t.Errorf("a post of a register's own is called %v", got)
	}
}

// A city's pack calls a post as the others do, and may add its own.
func TestLoadPacksHoldsPostsTogether(t *testing.T) {
	load := func(posts string) (packs, error) {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "harbour")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		text := "pack: harbour\ntitle: {en: Harbour, zh-CN: 港口}\nposts:\n" + posts
		if err := os.WriteFile(filepath.Join(dir, pack.Main), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return LoadPacks(dir)
	}
	p, err := load("  town-duty: {title: {en: Town duty office, zh-CN: 街镇值班室}}\n  harbour-watch: {title: {en: Harbour watch, zh-CN: 港口值班室}}\n")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.posts.title("harbour-watch"), lifecycle.Words("Harbour watch", "港口值班室"); got != want {
		t.Errorf("harbour-watch is called %v", got)
	}
	_, err = load("  town-duty: {title: {en: Town hall, zh-CN: 镇政府}}\n")
	if want := "harbour/pack.yaml:4:3: the pack watch calls the post town-duty {en: Town duty office, zh-CN: 街镇值班室}; all packs call a post the same"; err == nil || strings.Count(err.Error(), want) != 1 {
		t.Errorf("want once %s, got %v", want, err)
	}
}
