package warn

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn/hazard"
)

// A warning around many places has a headline that fits: it names the first and counts the others, or counts all.
func TestAHeadlineNamesAsManyPlacesAsItHasRoomFor(t *testing.T) {
	headline := page.Text{English: "Urban waterlogging, {{level}} level, in {{area}}: streets under water", Chinese: "{{area}}发布城市内涝{{level}}预警：部分道路积水"}
	short := page.Text{English: "500 m around Tingtang Road gauge", Chinese: "汀塘路积水站周边500米"}
	long := page.Text{English: "the area within 500 m of " + strings.Repeat("a", 60), Chinese: "汀塘路积水站周边500米"}
	for _, c := range []struct {
		what  string
		name  page.Text
		n     int
		named int
		last  string
	}{
		{"one", long, 1, 1, long.English},
		{"two that fit", short, 2, 2, short.English},
		{"twelve", short, 12, 2, "10 other places"},
		{"four, of which two are named", short, 4, 2, "2 other places"},
		{"so long that none can be named", long, 5, 0, "5 places"},
	} {
		v := hazard.Values{Level: "orange"}
		for range c.n {
			v.Areas = append(v.Areas, c.name)
		}
		v.Areas = fitting(v, headline)
		filled, _ := v.Fill(headline)
		if n := utf8.RuneCountInString(filled.English); n > maxHeadline || strings.Count(filled.English, c.name.English) != c.named || v.Areas[len(v.Areas)-1].English != c.last {
			t.Errorf("%s: %d characters, %s", c.what, n, filled.English)
		}
	}
}
