package coords

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The points that github.com/googollee/eviltransform tests all its implementations with.
var published = []struct {
	where                string
	lat, lon, gLat, gLon float64
}{
	{"Shanghai", 31.1774276, 121.5272106, 31.17530398364597, 121.531541859215},
	{"Shenzhen", 22.543847, 113.912316, 22.540796131694766, 113.9171764808363},
	{"Beijing", 39.911954, 116.377817, 39.91334545536069, 116.38404722455657},
}

func TestPublishedPoints(t *testing.T) {
	for _, p := range published {
		lon, lat := GCJ02.FromWGS84(p.lon, p.lat)
		// Some of the published implementations use the radius of WGS 84 instead of Krasovsky's, 1e-8 degrees apart.
		if d := apart(lon, lat, p.gLon, p.gLat); d > 1e-7 {
			t.Errorf("%s: forward is %.3g degrees off", p.where, d)
		}
		lon, lat = GCJ02.ToWGS84(p.gLon, p.gLat)
		if d := apart(lon, lat, p.lon, p.lat); d > 1e-7 {
			t.Errorf("%s: inverse is %.3g degrees off", p.where, d)
		}
	}
}

func TestInverseUndoesForward(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Clear of the rectangle's edge, where the public formula jumps and so has no inverse.
		lon := rapid.Float64Range(72.1, 137.7).Draw(t, "lon")
		lat := rapid.Float64Range(0.9, 55.7).Draw(t, "lat")
		gLon, gLat := GCJ02.FromWGS84(lon, lat)
		if apart(lon, lat, gLon, gLat) < 1e-5 {
			t.Fatalf("no offset at %v %v", lon, lat)
		}
		x, y := GCJ02.ToWGS84(gLon, gLat)
		if d := apart(x, y, lon, lat); d > 1e-8 {
			t.Fatalf("inverse is %.3g degrees off at %v %v", d, lon, lat)
		}
	})
}

func TestWhatIsLeftAlone(t *testing.T) {
	if x, y := CGCS2000.ToWGS84(113.3, 23.1); x != 113.3 || y != 23.1 {
		t.Errorf("CGCS2000 was moved to %v %v", x, y)
	}
	if x, y := GCJ02.ToWGS84(7.42, 43.73); x != 7.42 || y != 43.73 {
		t.Errorf("a point in Monaco was moved to %v %v", x, y)
	}
	if x, _ := GCJ02.ToWGS84(math.NaN(), 1); !math.IsNaN(x) {
		t.Errorf("not a number became %v", x)
	}
}

func TestParse(t *testing.T) {
	for in, want := range map[string]System{"wgs84": WGS84, "WGS 84": WGS84, "GCJ-02": GCJ02, "cgcs2000": CGCS2000} {
		if got, err := Parse(in); err != nil || got != want {
			t.Errorf("Parse(%q) = %q, %v", in, got, err)
		}
	}
	for in, want := range map[string]string{"bd09": "not supported", "mercator": "expected wgs84", "": "unknown"} {
		if _, err := Parse(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) says %v, want %q", in, err, want)
		}
	}
}

func apart(x1, y1, x2, y2 float64) float64 {
	return math.Max(math.Abs(x1-x2), math.Abs(y1-y2))
}
