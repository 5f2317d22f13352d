package area_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/warntest"
)

// stock is what stands in the town.
type stock struct {
	things    []area.Standing
	at        [][2]float64
	residents map[int64]area.Residents
}

func (s *stock) put(lon, lat float64, x area.Standing) {
	s.things, s.at = append(s.things, x), append(s.at, [2]float64{lon, lat})
}

func (s *stock) Standing(in func(lon, lat float64) bool, fn func(area.Standing)) {
	for i, x := range s.things {
		if in(s.at[i][0], s.at[i][1]) {
			fn(x)
		}
	}
}

func (*stock) KindTitle(kind string) (page.Text, bool) {
	return page.Text{English: "Kitchen alarm", Chinese: "厨房报警器"}, kind == "gas/kitchen-alarm"
}

func (s *stock) Residents(area int64) (area.Residents, bool) {
	r, ok := s.residents[area]
	return r, ok
}

func withStock(t testing.TB, s *stock) *area.Service {
	t.Helper()
	return area.New(area.Deps{Access: access.AllowAll, Register: warntest.Town{}, Ground: warntest.NewQuay(), Holdings: s, Hazards: warntest.Shipped(t)})
}

func both(s string) page.Text { return page.Text{English: s, Chinese: s} }

func TestInside(t *testing.T) {
	held := &stock{}
	held.put(122.02, 30.02, area.Standing{ID: 1, Kind: "shop", Name: both("Shop 1")})
	held.put(122.02, 30.021, area.Standing{ID: 2, Kind: "school", Name: both("School 2")})
	held.put(122.02, 30.022, area.Standing{ID: 3, Kind: "windmill", Name: both("Mill 3")})
	held.put(122.02, 30.023, area.Standing{ID: 4, Kind: "医院", Name: both("Hospital 4")})
	held.put(122.2, 30.02, area.Standing{ID: 5, Kind: "school", Name: both("School far away")})
	for i := range int64(3) {
		held.put(122.02, 30.024, area.Standing{Asset: true, ID: 10 + i, Kind: "gas/kitchen-alarm", Name: both(fmt.Sprintf("Flat %d", i)), Place: 6, PlaceName: both("Building 6"), Home: true})
	}
	held.put(122.02, 30.025, area.Standing{Asset: true, ID: 20, Kind: "gas/main", Name: both("Main 20"), Place: 7, PlaceName: both("Quay Road")})
	s := withStock(t, held)
	var out area.Inside
	text := warntest.Call(t, warntest.Handler(s), warntest.First, "POST", "/api/v1/warnings/inside", `{"drawn": [{"ring": [[122.01, 30.01], [122.03, 30.01], [122.03, 30.03], [122.01, 30.03]]}]}`, 200, &out)
	if out.Places != 4 || out.Assets != 4 || out.Residents != nil {
		t.Errorf("%s", text)
	}
	var got []string
	for _, k := range out.Kinds {
		got = append(got, fmt.Sprintf("%s/%s/%v/%d/%d", k.ID, k.Title.Chinese, k.NeedsCare, k.Count, len(k.Items)))
	}
	want := []string{"hospitals/医院/true/1/1", "schools/学校/true/1/1", "shops/商铺/false/1/1", "gas/kitchen-alarm/厨房报警器/false/3/1", "gas/main/gas/main/false/1/1", "windmill/windmill/false/1/1"}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if strings.Contains(text, "Flat") || !strings.Contains(text, "Building 6") {
		t.Errorf("a home is told by its building alone: %s", text)
	}
	if len(out.Areas) != 1 || out.Areas[0].ID != 10 || math.Abs(out.Areas[0].Share-.04) > .001 {
		t.Errorf("areas %+v", out.Areas)
	}
	for body, field := range map[string]string{
		`{}`:              "areas",
		`{"areas": [99]}`: "areas[0]",
		`{"around": [{"asset": 7, "metres": 1}]}`:                                                          "around[0].metres",
		`{"drawn": [{"ring": [[122.01, 30.01], [122.03, 30.03], [122.03, 30.01], [122.01, 30.03]]}]}`:      "drawn[0].ring",
		`{"drawn": [{"ring": [[122.01, 30.01], [122.03, 30.01], [22.03, 30.03], [122.01, 30.03]]}]}`:       "drawn[0].ring[2]",
		`{"areas": [10], "drawn": [{"name": {"en": "x"}, "ring": [[122, 30], [122.1, 30], [122, 30.1]]}]}`: "drawn[0].name",
	} {
		var e struct{ Field string }
		if text := warntest.Call(t, warntest.Handler(s), warntest.First, "POST", "/api/v1/warnings/inside", body, 422, &e); !strings.HasPrefix(e.Field, field) {
			t.Errorf("%s: %s", body, text)
		}
	}
}

func TestInsideListsAreBounded(t *testing.T) {
	held := &stock{}
	for i := range int64(5000) {
		held.put(122.02, 30.02, area.Standing{ID: 5000 - i, Kind: "school", Name: both("School")})
		held.put(122.02, 30.02, area.Standing{Asset: true, ID: i + 1, Kind: fmt.Sprintf("x/kind-%d", i), Name: both("Thing")})
	}
	out, err := withStock(t, held).Inside(t.Context(), area.Where{Areas: []int64{10}})
	if err != nil || len(out.Kinds) != area.MaxSorts || out.LeftOut != 5000-area.MaxSorts+1 {
		t.Fatalf("%d kinds, %d left out, %v", len(out.Kinds), out.LeftOut, err)
	}
	if k := out.Kinds[0]; k.Count != 5000 || len(k.Items) != area.MaxCareItems || k.Items[0].ID != 1 || k.Items[99].ID != 100 {
		t.Errorf("%d %d", k.Count, len(k.Items))
	}
}

func TestResidentsInside(t *testing.T) {
	all := map[int64]area.Residents{10: {Total: 9000, Year: 2020, Source: "census"}, 11: {Total: 4000, Year: 2023, Source: "yearbook"}, 12: {Total: 3000, Year: 2023, Source: "yearbook"}}
	for name, test := range map[string]struct {
		where    area.Where
		known    []int64
		about    int
		shown    string
		complete bool
	}{
		"a whole area":              {area.Where{Areas: []int64{10}}, []int64{10, 11, 12}, 9000, "约9000人", true},
		"half a town":               {area.Where{Drawn: []area.Drawn{{Ring: warntest.Box(122, 30.05, .05)}}}, []int64{11}, 1000, "约1000人", true},
		"by the towns in it":        {area.Where{Drawn: []area.Drawn{{Ring: warntest.Box(122, 30.06, .04)}}}, []int64{10, 11}, 640, "约640人", true},
		"by the district's number":  {area.Where{Drawn: []area.Drawn{{Ring: warntest.Box(122, 30.01, .04)}}}, []int64{10, 11}, 1400, "约1400人", true},
		"of a part it is not known": {area.Where{Drawn: []area.Drawn{{Ring: warntest.Box(122, 30.03, .04)}}}, []int64{11}, 320, "约320人", false},
		"few":                       {area.Where{Around: []area.Around{{Asset: 7, Metres: 20}}}, []int64{10}, 0, "<20", true},
	} {
		held := &stock{residents: map[int64]area.Residents{}}
		for _, id := range test.known {
			held.residents[id] = all[id]
		}
		out, err := withStock(t, held).Inside(t.Context(), area.Where{Areas: test.where.Areas, Drawn: test.where.Drawn, Around: test.where.Around})
		if err != nil || out.Residents == nil {
			t.Errorf("%s: %+v %v", name, out.Residents, err)
			continue
		}
		r := out.Residents
		if (r.About == nil) != (test.about == 0) || r.Shown.Chinese != test.shown || r.Complete != test.complete || r.About != nil && *r.About != test.about {
			b, _ := json.Marshal(r)
			t.Errorf("%s: %s", name, b)
		}
	}
}

// BenchmarkInside asks what lies inside a district with two hundred thousand things, and inside many bands.
func BenchmarkInside(b *testing.B) {
	held := &stock{residents: map[int64]area.Residents{10: {Total: 9000, Year: 2020, Source: "census"}}}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range int64(100_000) {
		held.put(122+r.Float64()*.1, 30+r.Float64()*.1, area.Standing{ID: i + 1, Kind: []string{"shop", "school", "office"}[i%3], Name: both("Place")})
		held.put(122+r.Float64()*.1, 30+r.Float64()*.1, area.Standing{Asset: true, ID: i + 1, Kind: "gas/kitchen-alarm", Name: both("Alarm"), Home: i%2 == 0, Place: i/8 + 1})
	}
	s := withStock(b, held)
	many := area.Where{}
	for i := range 20 {
		many.Around = append(many.Around, area.Around{Asset: 7, Metres: 500 + float64(i)})
		many.Drawn = append(many.Drawn, area.Drawn{Ring: warntest.Box(122+float64(i)*.004, 30+float64(i)*.004, .03)})
	}
	for name, w := range map[string]area.Where{"district": {Areas: []int64{10}}, "many": many} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Inside(b.Context(), w); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
