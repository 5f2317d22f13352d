package respond

import (
	"os"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

var noon = time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)

// kind reads a definition from the packs that ship with Anlan.
func kind(t testing.TB, name, id string) *lifecycle.Kind {
	t.Helper()
	p, err := pack.Load(os.DirFS("../../packs/"+name), "packs/"+name)
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := lifecycle.Kinds(p)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(kinds, func(k *lifecycle.Kind) bool { return k.ID == id })
	if i < 0 {
		t.Fatalf("pack %s has no kind %s", name, id)
	}
	return kinds[i]
}

// made reads a definition from testdata.
func made(t testing.TB, name string) *lifecycle.Kind {
	t.Helper()
	body, err := os.ReadFile("testdata/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := pack.Load(fstest.MapFS{
		pack.Main: {Data: []byte("pack: test\ntitle: {en: Test, zh-CN: 测试}\n")}, lifecycle.File: {Data: body},
	}, "packs/test")
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := lifecycle.Kinds(p)
	if err != nil {
		t.Fatal(err)
	}
	return kinds[0]
}

// everyDay is a calendar in which every day is a working day.
type everyDay struct{}

func (everyDay) Add(t time.Time, days int) time.Time { return t.AddDate(0, 0, days) }

// of is an account of an organisation.
func of(organisation, id int64, roles ...string) access.Actor {
	a := officer(id, roles...)
	a.Organisation = organisation
	return a
}

func officer(id int64, roles ...string) access.Actor {
	if len(roles) == 0 {
		roles = []string{"duty-officer", "inspector"}
	}
	return access.Actor{Kind: access.KindAccount, ID: id, Name: "officer", Roles: roles}
}

// methane is a reading of the alarm (asset 7, datastream 70) that the gas cases of these tests are about.
func methane(value float64, at time.Time) lifecycle.Reading {
	return lifecycle.Reading{Datastream: 70, Asset: 7, Property: "gas/methane", Unit: "%LEL", Value: value, At: at}
}
