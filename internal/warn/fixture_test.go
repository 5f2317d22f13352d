package warn

import (
	"io/fs"
	"path"
	"testing"
	"testing/fstest"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/warn/hazard"
	"github.com/anlan-city/anlan/packs"
)

// shipped are what the packs in the binary say of warnings.
func shippedSets(t testing.TB) (sets []*hazard.Set) {
	t.Helper()
	entries, err := fs.ReadDir(packs.FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		files, err := fs.Sub(packs.FS(), e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if set := readSet(t, files, path.Join("packs", e.Name())); set != nil {
			sets = append(sets, set)
		}
	}
	return sets
}

func readSet(t testing.TB, files fs.FS, dir string) *hazard.Set {
	t.Helper()
	if _, err := fs.Stat(files, hazard.File); err != nil {
		return nil
	}
	p, err := pack.Load(files, dir)
	if err != nil {
		t.Fatal(err)
	}
	detectors, err := engine.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	set, err := hazard.Read(p, detectors)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func shippedBook(t testing.TB) *hazard.Book { return cityBook(t, "") }

// cityBook is that of a city whose own pack says what text does.
func cityBook(t testing.TB, text string) *hazard.Book {
	t.Helper()
	var own []*hazard.Set
	if text != "" {
		own = append(own, readSet(t, fstest.MapFS{
			"pack.yaml": {Data: []byte("pack: ours\ntitle: {en: Ours, zh-CN: 本市}\n")},
			hazard.File: {Data: []byte(text)},
		}, "ours"))
	}
	book, err := hazard.Bind(own, shippedSets(t))
	if err != nil {
		t.Fatal(err)
	}
	return book
}

func hazardOf(t testing.TB, s *Service, id string) Hazard {
	t.Helper()
	h, ok := s.hazards.Get(id)
	if !ok {
		t.Fatalf("no hazard %s", id)
	}
	return h
}

// bookOf is what one pack alone says.
func bookOf(t testing.TB, text string) *hazard.Book {
	t.Helper()
	book, err := hazard.Bind([]*hazard.Set{readSet(t, fstest.MapFS{
		"pack.yaml": {Data: []byte("pack: ours\ntitle: {en: Ours, zh-CN: 本市}\n")},
		hazard.File: {Data: []byte(text)},
	}, "ours")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return book
}
