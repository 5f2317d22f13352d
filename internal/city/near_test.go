package city

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

func TestNear(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, roomMigrations...))
	at := w.assetOf("A3").Point
	w.must(Assets, "near.csv", "external_id,kind,name_en,place,lon,lat\n"+
		"N1,gas/main,Main,P3,"+fmt.Sprintf("%.7f", at[0])+","+fmt.Sprintf("%.7f", at[1]+0.0009)+"\n"+ // 100 m north
		"N2,gas/main,Main,P3,"+fmt.Sprintf("%.7f", at[0])+","+fmt.Sprintf("%.7f", at[1]+0.0045)+"\n") // 500 m
	near := func(metres float64, kinds ...string) string {
		var keys []string
		w.Near(kinds, at[0], at[1], metres, func(s Spot) { keys = append(keys, s.AssetKey) })
		slices.Sort(keys)
		return strings.Join(keys, " ")
	}
	for _, c := range []struct {
		metres float64
		kinds  []string
		want   string
	}{
		{99, []string{"gas/main"}, "A3"},
		{102, []string{"gas/main"}, "A3 N1"},
		{501, []string{"gas/main", "water/pump"}, "A3 N1 N2"},
		{501, []string{"water/none"}, ""},
		{0, nil, "A3"},
	} {
		if got := near(c.metres, c.kinds...); got != c.want {
			t.Errorf("%v within %g m: %q, want %q", c.kinds, c.metres, got, c.want)
		}
	}
}
