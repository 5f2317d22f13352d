package warn

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn/hazard"
)

// A warning around many places has a headline that fits: it names what lies around them all, or the first and counts the others, or counts all.
func TestAHeadlineNamesAsManyPlacesAsItHasRoomFor(t *testing.T) {
	headline := page.Text{English: "Urban waterlogging, {{level}} level, in {{area}}: streets under water", Chinese: "{{area}}城市内涝{{level}}预警：部分道路积水"}
	gauge := page.Text{English: "500 m around Tingtang Road gauge", Chinese: "汀塘路积水站周边500米"}
	long := page.Text{English: "the area within 500 m of " + strings.Repeat("a", 50), Chinese: "汀塘路积水站周边500米"}
	endless := page.Text{English: strings.Repeat("a", 200), Chinese: "汀塘路积水站周边500米"}
	quay := []page.Text{{English: "parts of Old Quay", Chinese: "老码头街道部分区域"}}
	for _, c := range []struct {
		name            page.Text
		n               int
		says, inChinese string
		round           []page.Text
	}{
		{gauge, 1, "in 500 m around Tingtang Road gauge:", "汀塘路积水站周边500米城市内涝", nil},
		{gauge, 2, "in 500 m around Tingtang Road gauge and 500 m around Tingtang Road gauge:", "汀塘路积水站周边500米、汀塘路积水站周边500米城市内涝", nil},
		{gauge, 12, "in 500 m around Tingtang Road gauge, 500 m around Tingtang Road gauge and 10 more areas:", "汀塘路积水站周边500米、汀塘路积水站周边500米等12个区域城市内涝", nil},
		{long, 2, "and one more area:", "汀塘路积水站周边500米等2个区域城市内涝", nil},
		{gauge, 12, "in parts of Old Quay:", "老码头街道部分区域", quay},
		{gauge, 2, "in 500 m around Tingtang Road gauge and 500 m around Tingtang Road gauge:", "汀塘路积水站周边500米、汀塘路积水站周边500米", quay},
		{long, 2, "in parts of Old Quay:", "老码头街道部分区域", quay},
		{endless, 5, "in 5 areas:", "5个区域城市内涝", nil},
		{endless, 1, "in one area:", "1个区域城市内涝", nil},
	} {
		v := hazard.Values{Level: "orange"}
		for range c.n {
			v.Areas = append(v.Areas, c.name)
		}
		filled, _ := fitting(v, headline, c.round).Fill(headline)
		if n := utf8.RuneCountInString(filled.English); n > maxHeadline || !strings.Contains(filled.English, c.says) || !strings.HasPrefix(filled.Chinese, c.inChinese) {
			t.Errorf("%d places: %d characters, %s · %s", c.n, n, filled.English, filled.Chinese)
		}
	}
}
