package area_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/internal/warn/warntest"
)

func withQuay() *area.Service {
	return area.New(area.Deps{Access: access.AllowAll, Register: warntest.Town{}, Ground: warntest.NewQuay()})
}

func TestWhereAWarningHolds(t *testing.T) {
	s := withQuay()
	for name, test := range map[string]struct {
		where area.Where
		names []string
		asks  []int64
	}{
		"an area":                 {area.Where{Areas: []int64{10}}, []string{"Harbour 港区"}, []int64{10}},
		"the same area twice":     {area.Where{Areas: []int64{10, 10}}, []string{"Harbour 港区"}, []int64{10}},
		"its part outside of it":  {area.Where{Areas: []int64{10, 12}}, []string{"Harbour 港区", "Two Islands 双岛镇"}, []int64{10, 12}},
		"drawn in a district":     {area.Where{Drawn: []area.Drawn{{Ring: warntest.Box(122.01, 30.01, .01)}}}, []string{"Part of Harbour 港区部分区域"}, []int64{10}},
		"drawn in a town":         {area.Where{Drawn: []area.Drawn{{Ring: warntest.Box(122.01, 30.06, .01)}}}, []string{"Part of Old Quay 老码头镇部分区域"}, []int64{11}},
		"drawn over a line":       {area.Where{Drawn: []area.Drawn{{Ring: warntest.Box(122.01, 30.045, .01)}}}, []string{"Parts of Old Quay and Harbour 老码头镇、港区部分区域"}, []int64{11, 10}},
		"over a town":             {area.Where{Drawn: []area.Drawn{{Ring: warntest.Box(121.999, 30.0495, .102)}}}, []string{"All of Old Quay, and parts of Harbour 老码头镇全域及港区部分区域"}, []int64{11, 10}},
		"over a district":         {area.Where{Drawn: []area.Drawn{{Ring: warntest.Box(121.999, 29.999, .102)}}}, []string{"Harbour 港区"}, []int64{11, 10}},
		"but for a sliver":        {area.Where{Drawn: []area.Drawn{{Ring: warntest.Box(122.001, 29.999, .102)}}}, []string{"Harbour 港区"}, []int64{11, 10}},
		"but for a strip":         {area.Where{Drawn: []area.Drawn{{Ring: warntest.Box(122.004, 29.999, .102)}}}, []string{"Parts of Old Quay and Harbour 老码头镇、港区部分区域"}, []int64{11, 10}},
		"with a name":             {area.Where{Drawn: []area.Drawn{{Name: page.Text{English: "Fish market", Chinese: "鱼市"}, Ring: warntest.Box(122.01, 30.01, .01)}}}, []string{"Fish market 鱼市"}, []int64{10}},
		"around an asset":         {area.Where{Around: []area.Around{{Asset: 7, Metres: 500}}}, []string{"Within 500 m of East Gate gauge (Harbour) 东门水位站周边500米（港区）"}, []int64{10}},
		"around it by kilometres": {area.Where{Around: []area.Around{{Asset: 7, Metres: 1500}}}, []string{"Within 1.5 km of East Gate gauge (Harbour) 东门水位站周边1.5公里（港区）"}, []int64{10}},
		"drawn within a district": {area.Where{Areas: []int64{10}, Drawn: []area.Drawn{{Ring: warntest.Box(122.01, 30.01, .01)}}}, []string{"Harbour 港区"}, []int64{10}},
		"twice the same ring":     {area.Where{Drawn: []area.Drawn{{Ring: warntest.Box(122.01, 30.01, .01)}, {Ring: warntest.Box(122.01, 30.01, .01)}}}, []string{"Part of Harbour 港区部分区域"}, []int64{10}},
		"one band in another":     {area.Where{Around: []area.Around{{Asset: 7, Metres: 500}, {Asset: 7, Metres: 800}}}, []string{"Within 800 m of East Gate gauge (Harbour) 东门水位站周边800米（港区）"}, []int64{10}},
	} {
		places, err := s.Places(t.Context(), test.where)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var names []string
		for _, p := range places {
			names = append(names, p.Name.English+" "+p.Name.Chinese)
			if !slices.Contains(p.Touches, 10) {
				t.Errorf("%s: %v doesn't touch the district", name, p.Touches)
			}
			for _, r := range p.Rings {
				if err := r.Check(); err != nil || len(r) > cap.MaxPoints {
					t.Errorf("%s: ring of %d points: %v", name, len(r), err)
				}
			}
		}
		if !slices.Equal(names, test.names) {
			t.Errorf("%s: %q, want %q", name, names, test.names)
		}
		if asks := area.IDs(places); !slices.Equal(asks, test.asks) {
			t.Errorf("%s: asks %v, want %v", name, asks, test.asks)
		}
	}
}

// A band is named with where it lies: nobody but its owner knows where an instrument stands.
func TestABandSaysWhereItLies(t *testing.T) {
	name := func(en, zh string) page.Text { return page.Text{English: en, Chinese: zh} }
	gauge, harbour, clouds := name("fence gauge 1", "厂界1号监测仪"), name("Harbour Street", "临港街道"), name("Clouds Street", "云帆街道")
	for want, got := range map[page.Text]page.Text{
		name("Within 500 m of fence gauge 1", "厂界1号监测仪周边500米"):                                                       area.BandName(gauge, 500, nil, false),
		name("Within 500 m of fence gauge 1 (Harbour Street and Clouds Street)", "厂界1号监测仪周边500米（临港街道、云帆街道）"):         area.BandName(gauge, 500, []page.Text{harbour, clouds}, false),
		name("Within 2 km of fence gauge 1 (Harbour Street, Clouds Street and others)", "厂界1号监测仪周边2公里（临港街道、云帆街道等地）"): area.BandName(gauge, 2000, []page.Text{harbour, clouds}, true),
	} {
		if got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	// A name that the program gives is one that it takes back when the warning is updated.
	road := name("Ring Expressway (Baize Road to Ninghe Road) underpass water gauge", "环城快速路（白泽路至宁荷路）道路积水监测点")
	if got, want := area.BandName(road, 500, []page.Text{harbour, clouds}, false).English, "Within 500 m of Ring Expressway (Baize Road to Ninghe Road) underpass water gauge"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := area.BandName(name("the water gauge in the underpass of the ring road", "环路积水监测点"), 500, []page.Text{harbour, clouds, harbour}, false).English, "Within 500 m of the water gauge in the underpass of the ring road (Harbour Street and others)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for n := range 250 {
		long := area.BandName(name(strings.Repeat("a", n+1), strings.Repeat("甲", n+1)), 12_000, []page.Text{harbour, clouds}, n%2 == 0)
		for _, text := range []string{long.English, long.Chinese} {
			if utf8.RuneCountInString(text) > 100 || !strings.Contains(text, "12") {
				t.Fatalf("a thing of %d characters: %q", n+1, text)
			}
		}
	}
}

func TestTouchesAreLowestFirst(t *testing.T) {
	s := withQuay()
	places, err := s.Places(t.Context(), area.Where{Drawn: []area.Drawn{{Ring: warntest.Box(122.01, 30.06, .01)}}})
	if err != nil || !slices.Equal(places[0].Touches, []int64{11, 10}) {
		t.Errorf("touches %v %v", places, err)
	}
	if places, err = s.Places(t.Context(), area.Where{Areas: []int64{10}}); err != nil || !slices.Equal(places[0].Touches, []int64{11, 12, 10}) {
		t.Errorf("touches %v %v", places, err)
	}
}

func TestWhereIsRefused(t *testing.T) {
	s := withQuay()
	circle := func(n int) (o area.Outline) {
		for i := range n {
			a := 2 * math.Pi * float64(i) / float64(n)
			o = append(o, [2]float64{122.05 + .01*math.Cos(a), 30.02 + .01*math.Sin(a)})
		}
		return o
	}
	for name, test := range map[string]struct {
		where area.Where
		code  string
		field string
	}{
		"unknown area":       {area.Where{Areas: []int64{10, 99}}, "warning.unknown_area", "areas[1]"},
		"unmapped area":      {area.Where{Areas: []int64{20}}, "warning.area_unmapped", "areas[0]"},
		"two points":         {area.Where{Drawn: []area.Drawn{{Ring: area.Outline{{122, 30}, {122.1, 30}, {122, 30}}}}}, "warning.drawn_points", "drawn[0].ring"},
		"one point often":    {area.Where{Drawn: []area.Drawn{{Ring: area.Outline{{122, 30}, {122, 30}, {122, 30}, {122, 30}}}}}, "warning.drawn_points", "drawn[0].ring"},
		"nothing":            {area.Where{Drawn: []area.Drawn{{}}}, "warning.drawn_points", "drawn[0].ring"},
		"a line":             {area.Where{Drawn: []area.Drawn{{Ring: area.Outline{{122, 30}, {122.1, 30}, {122.05, 30}}}}}, "warning.drawn_crosses", "drawn[0].ring"},
		"a bow tie":          {area.Where{Drawn: []area.Drawn{{Ring: warntest.Box(122, 30, .1)}, {Ring: area.Outline{{122, 30}, {122.1, 30.1}, {122.1, 30}, {122, 30.1}}}}}, "warning.drawn_crosses", "drawn[1].ring"},
		"under a metre":      {area.Where{Drawn: []area.Drawn{{Ring: warntest.Box(122, 30, .000002)}}}, "warning.drawn_small", "drawn[0].ring"},
		"swapped":            {area.Where{Drawn: []area.Drawn{{Ring: area.Outline{{122, 30}, {122.1, 30}, {122.1, 30.1}, {30, 122}}}}}, "warning.drawn_range", "drawn[0].ring[3]"},
		"another city":       {area.Where{Drawn: []area.Drawn{{Ring: area.Outline{{122, 30}, {122.1, 30}, {122.1, 30.1}, {116, 40}}}}}, "warning.drawn_outside", "drawn[0].ring[3]"},
		"not a number":       {area.Where{Drawn: []area.Drawn{{Ring: area.Outline{{math.NaN(), 30}, {122.1, 30}, {122.1, 30.1}}}}}, "warning.drawn_range", "drawn[0].ring[0]"},
		"just over the line": {area.Where{Drawn: []area.Drawn{{Ring: warntest.Box(121.9, 29.9, .05)}}}, "warning.drawn_outside", "drawn[0].ring"},
		"too many points":    {area.Where{Drawn: []area.Drawn{{Ring: circle(area.MaxCorners + 1)}}}, "warning.drawn_points", "drawn[0].ring"},
		"too many rings":     {area.Where{Drawn: make([]area.Drawn, area.MaxDrawn+1)}, "warning.too_many_areas", "drawn"},
		"a name in one":      {area.Where{Drawn: []area.Drawn{{Name: page.Text{English: "Market"}, Ring: warntest.Box(122, 30, .01)}}}, "warning.text_missing", "drawn[0].name.zh-CN"},
		"a name of two":      {area.Where{Drawn: []area.Drawn{{Name: page.Text{English: "A\nB", Chinese: "甲"}, Ring: warntest.Box(122, 30, .01)}}}, "warning.text_lines", "drawn[0].name.en"},
		"unknown asset":      {area.Where{Around: []area.Around{{Asset: 99, Metres: 500}}}, "warning.unknown_asset", "around[0].asset"},
		"9 m":                {area.Where{Around: []area.Around{{Asset: 7, Metres: 9}}}, "warning.around_metres", "around[0].metres"},
		"100 km":             {area.Where{Around: []area.Around{{Asset: 7, Metres: 500}, {Asset: 7, Metres: 100_000}}}, "warning.around_metres", "around[1].metres"},
		"no distance":        {area.Where{Around: []area.Around{{Asset: 7, Metres: math.NaN()}}}, "warning.around_metres", "around[0].metres"},
		"far away":           {area.Where{Around: []area.Around{{Asset: 8, Metres: 500}}}, "warning.drawn_outside", "around[0].asset"},
		"too many bands":     {area.Where{Around: make([]area.Around, area.MaxAround+1)}, "warning.too_many_areas", "around"},
	} {
		_, err := s.Places(t.Context(), test.where)
		var e *web.Error
		if !errors.As(err, &e) || e.Code != test.code || e.Field != test.field {
			t.Errorf("%s: %v (field %q), want %s at %s", name, err, warntest.Field(err), test.code, test.field)
		}
	}
	// A ring of many points is taken, and published with few.
	places, err := s.Places(t.Context(), area.Where{Drawn: []area.Drawn{{Ring: circle(area.MaxCorners)}}})
	if err != nil || len(places[0].Rings[0]) > cap.MaxPoints {
		t.Errorf("a circle: %v", err)
	}
}

// TestNoRingPanics: whatever is drawn, nearly in line and tiny or long, it is taken or refused.
func TestNoRingPanics(t *testing.T) {
	s := withQuay()
	rapid.Check(t, func(t *rapid.T) {
		size := math.Pow(10, rapid.Float64Range(-8, -1).Draw(t, "size"))
		noise := math.Pow(10, rapid.Float64Range(-18, -3).Draw(t, "noise"))
		dx, dy := rapid.Float64Range(-1, 1).Draw(t, "dx"), rapid.Float64Range(-1, 1).Draw(t, "dy")
		off := rapid.Float64Range(-noise, noise)
		var there, back area.Outline
		n := rapid.IntRange(1, 80).Draw(t, "corners")
		for i := range n {
			f := size * float64(i) / float64(n)
			there = append(there, [2]float64{122.05 + dx*f, 30.05 + dy*f + math.Abs(off.Draw(t, "off"))})
			back = append(area.Outline{{122.05 + dx*f, 30.05 + dy*f - math.Abs(off.Draw(t, "off"))}}, back...)
		}
		places, err := s.Places(context.Background(), area.Where{Drawn: []area.Drawn{{Ring: append(there, back...)}}})
		if err == nil && (len(places) != 1 || places[0].Rings[0].Check() != nil) {
			t.Fatalf("%+v", places)
		}
	})
}

// boroughs is a city of three districts in a row, one with four towns.
type boroughs struct{}

func (boroughs) Areas(context.Context) (out []area.Area, err error) {
	for i := range int64(3) {
		out = append(out, area.Area{ID: i + 1, Name: page.Text{English: string(rune('A' + i)), Chinese: string("甲乙丙"[3*i : 3*i+3])}})
	}
	for i := range int64(4) {
		out = append(out, area.Area{ID: i + 10, Parent: 1, Name: page.Text{English: string(rune('a' + i)), Chinese: string("子丑寅卯"[3*i : 3*i+3])}})
	}
	return out, nil
}

func (boroughs) Geometry(_ context.Context, id int64) ([][][2]float64, error) {
	ring := warntest.Box(122+.1*float64(id-1), 30, .1)
	if id >= 10 {
		lat := 30 + .025*float64(id-10)
		ring = area.Outline{{122, lat}, {122.1, lat}, {122.1, lat + .025}, {122, lat + .025}}
	}
	return [][][2]float64{append(ring, ring[0])}, nil
}

// TestDrawnOverDistricts: what lies inside as a whole is called by its name, and all districts together are the city.
func TestDrawnOverDistricts(t *testing.T) {
	s := area.New(area.Deps{Access: access.AllowAll, Register: boroughs{}})
	box := func(west, south, east, north float64) area.Outline {
		return area.Outline{{west, south}, {east, south}, {east, north}, {west, north}}
	}
	for name, test := range map[string]struct {
		ring     area.Outline
		en, zh   string
		whole    []int64
		sentence string
	}{
		"the city":             {box(121.999, 29.999, 122.301, 30.101), "The whole city", "全市", []int64{10, 11, 12, 13, 1, 2, 3}, "the whole city"},
		"two districts":        {box(121.999, 29.999, 122.2, 30.101), "A and B", "甲、乙", []int64{10, 11, 12, 13, 1, 2}, "A and B"},
		"one and a half":       {box(121.999, 29.999, 122.15, 30.101), "All of A, and parts of B", "甲全域及乙部分区域", []int64{10, 11, 12, 13, 1}, "all of A, and parts of B"},
		"two towns of four":    {box(121.999, 29.999, 122.1, 30.05), "a and b", "子、丑", []int64{10, 11}, "a and b"},
		"towns in parts":       {box(122.01, 29.999, 122.1, 30.101), "Part of A", "甲部分区域", nil, "part of A"},
		"towns and a district": {box(122.01, 29.999, 122.2, 30.101), "All of B, and parts of a, b and others", "", []int64{2}, ""},
	} {
		places, err := s.Places(t.Context(), area.Where{Drawn: []area.Drawn{{Ring: test.ring}}})
		if err != nil || len(places) != 1 {
			t.Fatalf("%s: %v %v", name, places, err)
		}
		p := places[0]
		if p.Name.English != test.en || test.zh != "" && (p.Name.Chinese != test.zh || area.InSentence(p.Name).English != test.sentence) || !slices.Equal(p.Whole, test.whole) {
			t.Errorf("%s: %q, in a sentence %q, whole %v", name, p.Name, area.InSentence(p.Name).English, p.Whole)
		}
	}
}
