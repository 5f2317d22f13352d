package warntest

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

// shippedSets are what the packs in the binary say of warnings.
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

// Shipped is the book of a city without packs of its own.
func Shipped(t testing.TB) *hazard.Book {
	t.Helper()
	return City(t, "")
}

// City is the book of a city whose own pack says what text does.
func City(t testing.TB, text string) *hazard.Book {
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

// Book is what one pack alone says.
func Book(t testing.TB, text string) *hazard.Book {
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
