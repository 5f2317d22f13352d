package city

import (
	"slices"
	"testing"
)

func TestFindPlaces(t *testing.T) {
	s := New(Deps{})
	s.picture.Store(&picture{
		places: map[int64]Spot{
			1: {Place: 1, PlaceName: Name{"Harbour School", "港区小学"}},
			2: {Place: 2, PlaceName: Name{"Old  Harbour Station", "老港站"}},
			3: {Place: 3, PlaceName: Name{"Flat above the harbour", "港区住宅"}},
			4: {Place: 4, PlaceName: Name{ZH: "山区医院"}},
		},
		assets: map[int64]Spot{9: {Asset: 9, Place: 3, Home: true}, 10: {Asset: 10, Place: 1}},
	})
	for _, c := range []struct {
		words string
		limit int
		want  []int64
	}{
		{"harbour", 9, []int64{1, 2}}, {" HARBOUR ", 1, []int64{1}}, {"old harbour", 9, []int64{2}}, {"港", 9, []int64{1, 2}}, {"医院", 9, []int64{4}},
		{"school\n港", 9, nil}, {"", 9, nil}, {"  ", 9, nil}, {"nowhere", 9, nil}, {"住宅", 9, nil},
	} {
		var got []int64
		for _, spot := range s.FindPlaces(c.words, c.limit) {
			got = append(got, spot.Place)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: %v, want %v", c.words, got, c.want)
		}
	}
	s.picture.Store(&picture{})
	if got := s.FindPlaces("x", 9); got != nil {
		t.Errorf("in an empty register: %v", got)
	}
}
