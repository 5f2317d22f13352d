package city

import (
	"fmt"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// A gap has one name wherever it is met, and it is the one that MissingDuties tells.
func TestGap(t *testing.T) {
	dbtest.Each(t, roomMigrations, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		missing, _, err := w.MissingDuties(w.ctx, MaxPage)
		if err != nil {
			t.Fatal(err)
		}
		told := map[string]bool{}
		for _, m := range missing {
			told[fmt.Sprint(m.Kind, m.Subject, m.SubjectID)] = true
		}
		met := 0
		for _, a := range w.picture.Load().assetsByKey() {
			for _, kind := range DutyKinds {
				chain, err := w.DutiesFor(w.ctx, SubjectAsset, a.id)
				if err != nil {
					t.Fatal(err)
				}
				held := false
				for _, duty := range chain {
					held = held || duty.Kind == kind
				}
				if held {
					continue
				}
				met++
				at, name, point, err := w.Gap(w.ctx, kind, SubjectAsset, a.id)
				if err != nil {
					t.Fatal(err)
				}
				if !told[fmt.Sprint(kind, at.Subject, at.ID)] {
					t.Errorf("%s of %s: the gap is at %v, which MissingDuties does not tell: %+v", kind, a.key, at, missing)
				}
				if name == (Name{}) || (at.Subject == SubjectArea) != (point != nil) {
					t.Errorf("%s of %s: %v is called %v, point %v", kind, a.key, at, name, point)
				}
			}
		}
		if met == 0 {
			t.Fatal("the town has no gap at an asset: nothing was tested")
		}
		if _, _, _, err := w.Gap(w.ctx, DutyRegulator, SubjectAsset, 4711); err == nil {
			t.Error("a gap of an asset that does not exist")
		}
	})
}
