package intake

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"
	"pgregory.net/rapid"

	"cel.dev/cel-go/common/types"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/sensing"
)

// The same readings written as a long table, a wide one and GeoJSON, in any delimiter and encoding, come in the same.
func TestAnyFormOfFileIsReadTheSame(t *testing.T) {
	sites := []string{"east", "west", "东门", `a "b", c;d`, "x\ty"}
	units := map[string]string{}
	for _, s := range sites {
		units[s+"/level"] = "m"
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "n")
		type row struct {
			site  string
			at    time.Time
			value float64
		}
		rows := make([]row, n)
		for i := range rows {
			rows[i] = row{rapid.SampledFrom(sites).Draw(t, "site"), time.UnixMilli(rapid.Int64Range(0, 1<<41).Draw(t, "at")).UTC(),
				math.Round(rapid.Float64Range(-1e6, 1e6).Draw(t, "value")*1000) / 1000}
		}
		comma := rapid.SampledFrom([]string{"comma", "semicolon", "tab"}).Draw(t, "delimiter")
		gb := rapid.Bool().Draw(t, "gb18030")
		var long, wide [][]string
		features := []any{}
		long = append(long, []string{"site", "time", "level"})
		wide = append(wide, append([]string{"time"}, sites...))
		for _, r := range rows {
			value := strconv.FormatFloat(r.value, 'f', -1, 64)
			long = append(long, []string{r.site, r.at.Format(time.RFC3339Nano), value})
			cells := make([]string, len(sites)+1)
			cells[0], cells[1+slices.Index(sites, r.site)] = r.at.Format(time.RFC3339Nano), value
			wide = append(wide, cells)
			features = append(features, map[string]any{"type": "Feature", "geometry": nil, "properties": map[string]any{
				"site": r.site, "time": r.at, "level": r.value}})
		}
		header := "source: w\ntime: time\ndelimiter: " + comma + "\n"
		if gb {
			header += "encoding: gb18030\n"
		}
		perSite := header + "series:\n"
		for _, s := range sites {
			quoted, _ := json.Marshal(s) // a text is always written
			id, _ := json.Marshal(s + "/level")
			perSite += fmt.Sprintf("  - {column: %s, datastream: %s}\n", quoted, id)
		}
		collection, err := json.Marshal(map[string]any{"type": "FeatureCollection", "features": features})
		if err != nil {
			t.Fatal(err)
		}
		one := header + "series: [{column: level, datastream: \"{site}/level\"}]\n"
		want := ""
		for _, c := range []struct{ mapping, name, content string }{
			{one, "l.csv", table2csv(t, long, comma, gb)}, {perSite, "w.csv", table2csv(t, wide, comma, gb)}, {one, "g.geojson", string(collection)},
		} {
			l, err := ParseLayout("m.yaml", []byte(c.mapping))
			if err != nil {
				t.Fatal(err)
			}
			log := newFake(units)
			s := &Service{Options: Options{Log: log, Clock: clock.NewVirtual(noon), Access: access.AllowAll}}
			in := Input{c.name, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(c.content)), nil }}
			r, err := s.Import(context.Background(), l, []Input{in}, ImportOptions{})
			if err != nil || r.Accepted != n {
				t.Fatalf("%s: %v, %+v", c.name, err, r)
			}
			if got := said(log); want == "" {
				want = got
			} else if got != want {
				t.Fatalf("%s:\n%s\nthe long table:\n%s", c.name, got, want)
			}
		}
	})
}

func table2csv(t *rapid.T, rows [][]string, comma string, gb bool) string {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Comma = map[string]rune{"comma": ',', "semicolon": ';', "tab": '\t'}[comma]
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	if !gb {
		return b.String()
	}
	out, err := simplifiedchinese.GB18030.NewEncoder().String(b.String())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What a device splits into two registers is put together again.
func TestRegisters(t *testing.T) {
	h := hookOf(t, "datastream: \"'a'\"\nvalue: float32(item.hi, item.lo)")
	ints := hookOf(t, "datastream: \"'a'\"\nvalue: int32(item.hi, item.lo)")
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.Float32Range(-1e30, 1e30).Draw(t, "value")
		bits := math.Float32bits(want)
		body := fmt.Sprintf(`{"hi":%d,"lo":%d}`, bits>>16, bits&0xffff)
		if rapid.Bool().Draw(t, "signed registers") {
			body = fmt.Sprintf(`{"hi":%d,"lo":%d}`, int16(bits>>16), int16(bits&0xffff))
		}
		for hook, want := range map[*Hook]float64{h: float64(want), ints: float64(int32(bits))} {
			mapped, refused, err := hook.Map(Body{JSON: []byte(body)})
			if err != nil || len(refused) > 0 || len(mapped) != 1 || mapped[0].Value != sensing.Number(want) {
				t.Fatalf("%s: %v %v %v, expected %v", body, mapped, refused, err, want)
			}
		}
	})
	if v, ok := register(types.Double(0.5)); ok {
		t.Errorf("half is the register %d", v)
	}
}
