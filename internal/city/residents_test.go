package city

import (
	"bytes"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

const (
	bigSquare   = `"POLYGON((113 23,113.4 23,113.4 23.4,113 23.4,113 23))"`
	townSquare  = `"POLYGON((113 23,113.2 23,113.2 23.2,113 23.2,113 23))"`
	smallSquare = `"POLYGON((113 23,113.1 23,113.1 23.1,113 23.1,113 23))"`
	houseSquare = `"POLYGON((113 23,113.001 23,113.001 23.001,113 23.001,113 23))"`
	header      = "external_id,level,name_en,parent,geometry,residents,residents_year,residents_source\n"
)

// A number of residents goes in by each format, comes out by the API, from memory and by the export, and can be taken away.
func TestResidents(t *testing.T) {
	dbtest.Each(t, roomMigrations, func(t *testing.T, d *db.DB) {
		w := empty(t, d)
		w.must(Areas, "areas.csv", header+"D,district,D,,"+bigSquare+",812345,2020,Seventh census\nT,town,T,D,"+townSquare+",45678,2025,Yearbook\nG,grid,G,T,"+smallSquare+",,,\n")
		check := func(want string) {
			t.Helper()
			areas, err := w.Areas(w.ctx, "")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, a := range areas {
				if r, ok := w.Service.Residents(a.ID); ok != (a.Residents != nil) || ok && r != *a.Residents {
					t.Errorf("%s: in memory %+v, listed %+v", a.ExternalID, r, a.Residents)
				}
				if a.Residents != nil {
					got = append(got, a.ExternalID+" "+number(float64(a.Residents.Total))+" "+number(float64(a.Residents.Year))+" "+a.Residents.Source)
				}
			}
			if strings.Join(got, ", ") != want {
				t.Errorf("%v, want %s", got, want)
			}
		}
		check("D 812345 2020 Seventh census, T 45678 2025 Yearbook")
		for _, format := range []string{"csv", "xlsx", "geojson"} {
			var file bytes.Buffer
			if err := w.Export(w.ctx, &file, Areas, format); err != nil {
				t.Fatal(err)
			}
			if r, err := w.load(Areas, "areas."+format, file.String()); err != nil || r.Changed+r.Added != 0 {
				t.Errorf("%s: %+v %v", format, r, err)
			}
			if format == "geojson" && !strings.Contains(file.String(), `"residents":812345`) {
				t.Errorf("no number in %s", file.String())
			}
		}
		w.must(Areas, "renamed.csv", "external_id,name_en\nT,Town\n")
		check("D 812345 2020 Seventh census, T 45678 2025 Yearbook")
		w.must(Areas, "cleared.csv", "external_id,常住人口\nT,\n")
		check("D 812345 2020 Seventh census")
	})
}

// Guard 5 (design §2): no number of people of a grid cell, of a part of a town, or of a house; by whatever way.
func TestGuardResidents(t *testing.T) {
	w := empty(t, dbtest.SQLite(t, roomMigrations...))
	w.must(Areas, "areas.csv", header+"D,district,D,,"+bigSquare+",812345,2020,Census\nT,town,T,D,"+townSquare+",,,\nV,village,V,T,"+smallSquare+",,,\nG,grid,G,V,"+smallSquare+",,,\nB,hamlet,B,D,"+houseSquare+",,,\n")
	set := "external_id,residents,residents_year,residents_source\n"
	for name, test := range map[string]struct{ file, want string }{
		"a cell":                 {set + "G,500,2020,x\n", "a grid cell"},
		"a part of a town":       {set + "V,500,2020,x\n", `part of the town "T"`},
		"a house":                {set + "B,500,2020,x\n", "smaller than a town"},
		"few":                    {set + "T,19,2020,x\n", "from 20 to"},
		"negative":               {set + "T,-500,2020,x\n", "from 20 to"},
		"a fraction":             {set + "T,500.5,2020,x\n", "whole number"},
		"signs between":          {set + "T,\"45,678\",2020,x\n", "whole number"},
		"zeros ahead":            {set + "T,0500,2020,x\n", "whole number"},
		"without a year":         {set + "T,500,,x\n", "needs the year"},
		"without a source":       {set + "T,500,2020,\n", "needs its source"},
		"of next century":        {set + "T,500,2101,x\n", "in the future"},
		"a year of nothing":      {set + "T,,2020,\n", "no number of residents"},
		"a person as the source": {set + "T,500,2020,call 13812345678\n", "looks like a person"},
		"made a cell afterwards": {"external_id,level\nD,grid\n", "a grid cell"},
	} {
		if got := w.refused(Areas, "attack.csv", test.file); !strings.Contains(got, test.want) {
			t.Errorf("%s: refused with %q, want %q", name, got, test.want)
		}
	}
	w.must(Areas, "town.csv", set+"T,500,2020,x\n")
	// T becomes a ward with a number, in a district that becomes a town: the number would be of a part of it.
	if got := w.refused(Areas, "attack.csv", "external_id,level\nT,ward\nD,town\n"); !strings.Contains(got, `part of the town "D"`) {
		t.Errorf("refused with %q", got)
	}
	w.must(Areas, "ward.csv", "external_id,level\nT,ward\n")
	if got := w.refused(Areas, "attack.csv", "external_id,level\nD,town\n"); !strings.Contains(got, `part of the town "D"`) {
		t.Errorf("refused with %q", got)
	}
	if got := w.refused(Areas, "attack.geojson", `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":null,"properties":{"external_id":"D","residents":1e6}}]}`); !strings.Contains(got, "whole number") {
		t.Errorf("refused with %q", got)
	}
}
