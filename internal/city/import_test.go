package city

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/anlan-city/anlan/internal/city/tabular"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// Where both orders are valid degrees only the city's own bounds can tell that longitude and latitude are swapped.
func TestSwappedByBounds(t *testing.T) {
	w := empty(t, dbtest.SQLite(t, roomMigrations...))
	w.must(Areas, "port.csv", "external_id,level,name_en,geometry\nPORT,district,Port,\"POLYGON((7.4 43.7,7.5 43.7,7.5 43.8,7.4 43.8,7.4 43.7))\"\n")
	got := w.refused(Places, "swapped.csv", "external_id,name_en,lon,lat\nP1,Quay,43.75,7.45\n")
	if want := "swapped.csv:2:9: geometry: the position lies outside of the city and would lie in it with longitude and latitude swapped"; !strings.HasPrefix(got, want) {
		t.Errorf("%s\nwant %s", got, want)
	}
	// Outside either way is no swap; without grid cells a place may lie outside of all areas.
	w.must(Places, "far.csv", "external_id,name_en,lon,lat\nP2,Far,8,44\n")
}

func TestCoordinateSystems(t *testing.T) {
	w := empty(t, dbtest.SQLite(t, roomMigrations...))
	file := func(crs string) string {
		if crs != "" {
			crs = `"crs":{"type":"name","properties":{"name":"` + crs + `"}},`
		}
		return `{"type":"FeatureCollection",` + crs + `"features":[{"type":"Feature","properties":{"external_id":"P1","name_en":"x"},"geometry":{"type":"Point","coordinates":[113.1,23.1]}}]}`
	}
	for _, c := range []struct{ crs, declared, want string }{
		{"", "", ""},
		{"urn:ogc:def:crs:OGC:1.3:CRS84", "", ""},
		{"urn:ogc:def:crs:EPSG::4490", "cgcs2000", ""},
		{"urn:ogc:def:crs:EPSG::4490", "", "declare what it is"},
		{"urn:ogc:def:crs:OGC:1.3:CRS84", "gcj02", "declare what it is"},
		{"urn:ogc:def:crs:EPSG::3857", "", "export it in WGS 84"},
	} {
		_, err := w.Import(w.ctx, Places, "p.geojson", strings.NewReader(file(c.crs)), ImportOptions{Coordinates: c.declared})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%+v: %v", c, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%+v: %v", c, err)
		}
	}
	// A list without coordinates needs no declaration.
	if _, err := w.Import(w.ctx, Organisations, "o.csv", strings.NewReader("external_id,kind,name_en\nO,agency,x\n"), ImportOptions{}); err != nil {
		t.Error(err)
	}
}

func TestSpreadsheets(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, roomMigrations...))
	sheet := func(columns []string, rows ...[]string) string {
		table := tabular.Table{}
		for _, c := range columns {
			table.Columns = append(table.Columns, tabular.Column{Name: c})
		}
		for _, r := range rows {
			var cells []tabular.Cell
			for _, text := range r {
				cells = append(cells, tabular.Cell{Text: text})
			}
			table.Rows = append(table.Rows, tabular.Row{Cells: cells})
		}
		var b bytes.Buffer
		if err := tabular.Write(&b, tabular.XLSX, "list", table); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	got := w.refused(Assets, "a.xlsx", sheet([]string{"编码", "设施类型", "名称", "点位"},
		[]string{"1.1010100100100101E+17", "gas/main", "主管", "P1"}, []string{"B", "gas/mian", "主管", "P1"}))
	want := "a.xlsx:2:1: external_id: the cell is the number 1.1010100100100101E+17, of which a spreadsheet keeps 15 digits: make the column text and enter the code again"
	// Rows are lines, columns are counted.
	if !strings.HasPrefix(got, want) || !strings.Contains(got, "a.xlsx:3:2: kind: no pack has the kind") {
		t.Errorf("%s\nwant %s", got, want)
	}
	w.must(Assets, "a.xlsx", sheet([]string{"编码", "设施类型", "名称", "点位", "权属单位"}, []string{"007", "gas/main", "主管", "P1", "GASCO"}))
	if a := w.assetOf("007"); a.Name.ZH != "主管" || a.Organisation == 0 {
		t.Errorf("%+v", a)
	}

	// A shape that a cell can't hold is an error, not half a shape.
	var ring []string
	for i := range 3000 {
		ring = append(ring, number(113+float64(i)/1e5)+" 23.05")
	}
	w.must(Places, "long.csv", "external_id,name_en,geometry\nP1,Long,\"LINESTRING("+strings.Join(ring, ",")+")\"\n")
	if err := w.Export(w.ctx, &bytes.Buffer{}, Places, "xlsx"); err == nil || !strings.Contains(err.Error(), "export as GeoJSON or CSV") {
		t.Error(err)
	}
}

func TestNotesAndProgress(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, roomMigrations...))
	file := `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"external_id":"P1"},"geometry":{"type":"Point","coordinates":[113.1,23.1,12.5]}}]}`
	var steps []int
	r, err := w.Import(w.ctx, Places, "p.geojson", strings.NewReader(file), ImportOptions{Progress: func(done, total int) {
		if total != 1 {
			t.Errorf("total %d", total)
		}
		steps = append(steps, done)
	}})
	if err != nil || r.Unchanged != 1 || len(r.Notes) != 1 || !strings.Contains(r.Notes[0].Message, "heights") {
		t.Errorf("%+v %v", r, err)
	}
	if len(steps) < 2 || !slices.IsSorted(steps) || steps[len(steps)-1] != 1 {
		t.Errorf("progress %v", steps)
	}
}

// Two processes import at the same time: the one that comes second looks again.
func TestStaleImport(t *testing.T) {
	dbtest.Each(t, roomMigrations, func(t *testing.T, d *db.DB) {
		here, there := newTown(t, d), empty(t, d)
		have, err := here.holdings(here.ctx, lists[Organisations])
		if err != nil {
			t.Fatal(err)
		}
		there.must(Organisations, "o.csv", "external_id,kind,name_en\nNEW,agency,New\n")
		j := &job{list: lists[Organisations], file: "late.csv"}
		c := &checker{list: j.list, have: have}
		c.changes = []change{{record: record{values: []string{"NEW", "agency", "Overwritten", "", ""}}, added: true}}
		if err := here.write(here.ctx, j, c, nil, Report{}); !errors.Is(err, errStale) {
			t.Errorf("a stale write went through: %v", err)
		}
		r := here.must(Organisations, "late.csv", "external_id,kind,name_en\nNEW,agency,Newer\n")
		if r.Changed != 1 || r.Added != 0 {
			t.Errorf("%+v", r)
		}
	})
}

// Run with -race: lookups go on while the picture is replaced.
func TestLookupsDuringImports(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, roomMigrations...))
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if got := len(w.AreaAt(113.1, 23.1)); got != 2 {
					t.Errorf("%d areas", got)
					return
				}
			}
		})
	}
	for _, x := range []string{"113.21", "113.22", "113.23"} {
		w.must(Areas, "areas.geojson", strings.ReplaceAll(w.read("areas.geojson"), "113.2,", x+","))
	}
	close(stop)
	readers.Wait()
}

// What an import added can be looked up when it returns, and stays so, also when somebody looks for changes meanwhile: an older
// picture must not come last.
func TestImportIsSeenAtOnce(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, roomMigrations...))
	for i := range 100 {
		var lookers sync.WaitGroup
		var ids []string
		for j := range 3 {
			id := fmt.Sprintf("NEW-%d-%d", i, j)
			ids = append(ids, id)
			w.must(Assets, "new.csv", "external_id,kind,name_en,place\n"+id+",gas/kitchen-alarm,Kitchen alarm,P1\n")
			lookers.Go(func() { // as the one does who hears of the import
				if err := w.Load(w.ctx); err != nil {
					t.Error(err)
				}
			})
			if _, ok := w.AssetByKey(id); !ok {
				t.Fatalf("%s is not known after its import", id)
			}
		}
		lookers.Wait()
		for _, id := range ids {
			if _, ok := w.AssetByKey(id); !ok {
				t.Fatalf("%s is not known any more", id)
			}
		}
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"kind", "name_en", "place", "organisation", "external_id"}
	for got, want := range map[string]string{
		"knid": "kind", "name": "name_en", "Organization": "organisation", "externalid": "external_id", "plcae": "place", "colour": "", "x": "",
	} {
		s := suggest(got, known)
		if want != "" {
			want = ", did you mean " + want + "?"
		}
		if s != want {
			t.Errorf("suggest(%q) = %q, want %q", got, s, want)
		}
	}
}

// Whatever a file holds, it is taken or refused with a reason; it never ends the program, and what was taken is taken
// again without a change.
func FuzzImport(f *testing.F) {
	w := newTown(f, dbtest.SQLite(f, roomMigrations...))
	for i, file := range townFiles {
		format := uint8(0)
		if strings.HasSuffix(file.file, "geojson") {
			format = 1
		}
		f.Add([]byte(w.read(file.file)), uint8(slices.Index(Registers, townFiles[i].as)), format, "wgs84")
	}
	have := map[string]holdings{}
	for _, name := range Registers {
		h, err := w.holdings(w.ctx, lists[name])
		if err != nil {
			f.Fatal(err)
		}
		have[name] = h
	}
	f.Fuzz(func(t *testing.T, file []byte, register, format uint8, system string) {
		l := lists[Registers[int(register)%len(Registers)]]
		fm := []tabular.Format{tabular.CSV, tabular.GeoJSON}[format%2]
		s, err := systemOf(system)
		if err != nil {
			return
		}
		table, problems := tabular.Read(fm, file, tabular.Options{Encoding: "utf-8"})
		d := &decoder{list: l, format: fm, system: s, bounds: have[l.name].areas}
		c := &checker{list: l, have: have[l.name], now: w.clock.Now()}
		drafts := d.decode(table, nil)
		c.check(drafts)
		for _, p := range slices.Concat(problems, d.problems, c.problems) {
			if p.Message == "" {
				t.Fatalf("%+v", p)
			}
		}
		if len(problems)+len(d.problems)+len(c.problems) == 0 && len(c.changes)+c.unchanged != len(drafts) {
			t.Fatalf("%d drafts, %d changes, %d unchanged", len(drafts), len(c.changes), c.unchanged)
		}
	})
}

// A place outside the grid is a mistake unless it is meant; meant, it lies in no area and survives a change of borders.
func TestPlacesOutside(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, roomMigrations...))
	const far = "external_id,name_en,lon,lat\nfar,Test site,-105.13985,40.59579\n"
	if got := w.refused(Places, "far.csv", far); !strings.Contains(got, "lies in no grid cell") {
		t.Fatal(got)
	}
	o := ImportOptions{Coordinates: "wgs84", Encoding: "utf-8", Outside: true}
	if _, err := w.Import(w.ctx, Places, "far.csv", strings.NewReader(far), o); err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		all, _, err := w.Places(w.ctx, 0, MaxPage)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range all {
			if p.ExternalID == "far" && p.Area == 0 {
				return
			}
		}
		t.Fatalf("no place far without an area in %+v", all)
	}
	check()
	w.must(Areas, "areas.geojson", strings.ReplaceAll(w.read("areas.geojson"), "113.2", "113.25"))
	check()
}
