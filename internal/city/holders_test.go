package city

import (
	"fmt"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

func TestHolders(t *testing.T) {
	dbtest.Each(t, roomMigrations, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		// A second company, with a gas main in a cell of its own; and an office that assists.
		w.must(Organisations, "more.csv", "external_id,kind,name_en,name_zh,parent\nGAS-2,utility,Second Gas,二燃,\nFIRE,fire-brigade,Fire Brigade,消防救援支队,GOV\n")
		w.must(Assets, "more.csv", "external_id,kind,name_en,name_zh,place,organisation\nA9,gas/main,Main 9,主管 9,P2,GAS-2\n")
		w.must(Duties, "more.csv", "kind,organisation,area,place,asset,pack,role\nregulator,GOV,D1,,,,assist\nregulator,FIRE,,,A9,,lead\n")
		names := func(ids []int64, err error) string {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			var keys []string
			for _, id := range ids {
				keys = append(keys, w.picture.Load().organisations[id].key)
			}
			return fmt.Sprint(keys)
		}
		area := func(key string) int64 { return w.picture.Load().areas.node(key).id }
		asset := func(key string) int64 { return w.assetOf(key).ID }
		cell1, cell2 := area("D1-G1"), area("D1-G2")
		for _, x := range []struct{ what, got, want string }{
			{"of a cell, by the district around it", names(w.Holders(w.ctx, DutyTerritory, "", SubjectArea, cell1)), "[D1-OFFICE]"},
			{"one for the pack only with the pack", names(w.Holders(w.ctx, DutyRegulator, "", SubjectArea, cell1)), "[GOV]"},
			{"who leads before who assists", names(w.Holders(w.ctx, DutyRegulator, "gas", SubjectArea, cell1)), "[HOUSING GOV]"},
			{"of an asset, its pack counts", names(w.Holders(w.ctx, DutyRegulator, "", SubjectAsset, asset("A1"))), "[HOUSING GOV]"},
			{"who runs it answers for it", names(w.Holders(w.ctx, DutyEnterprise, "", SubjectAsset, asset("A9"))), "[GAS-2]"},
			{"of an unknown area", names(w.Holders(w.ctx, DutyTerritory, "", SubjectArea, 4711)), "[]"},
			{"for a kind, in the cell", names(w.HoldersFor(w.ctx, DutyEnterprise, "", "gas/main", w.assetOf("A9").Area)), "[GAS-2]"},
			{"for a kind, all over the city", names(w.HoldersFor(w.ctx, DutyEnterprise, "", "gas/main", 0)), "[GAS-2 GASCO]"},
			{"for a kind that no asset has", names(w.HoldersFor(w.ctx, DutyEnterprise, "", "water/tank", cell2)), "[]"},
			{"for a kind, those who supervise one", names(w.HoldersFor(w.ctx, DutyRegulator, "", "gas/main", cell1)), "[FIRE]"},
			{"of a kind of organisation", names(w.OrganisationsOf(w.ctx, "utility")), "[GAS-2 GASCO]"},
			{"of a kind that nobody is", names(w.OrganisationsOf(w.ctx, "harbour-master")), "[]"},
		} {
			if x.got != x.want {
				t.Errorf("%s: %s, want %s", x.what, x.got, x.want)
			}
		}
	})
}
