package respond

import (
	"os"
	"slices"
	"testing"
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

// everyDay counts every day as a working day.
type everyDay struct{}

func (everyDay) Add(t time.Time, days int) time.Time { return t.AddDate(0, 0, days) }
