package city

import "math"

// Near calls fn with each asset of the kinds (all, where there are none) whose point lies within metres of a point, in no
// order. An asset with a shape counts by the point that stands for it. It answers from memory, in the time of one look at every
// asset: some milliseconds for a hundred thousand.
func (s *Service) Near(kinds []string, lon, lat, metres float64, fn func(Spot)) {
	wanted := make(map[string]bool, len(kinds))
	for _, k := range kinds {
		wanted[k] = true
	}
	narrow := math.Cos(lat * math.Pi / 180)
	reach := metres / metresPerDegree
	for _, a := range s.picture.Load().assets {
		if (len(wanted) == 0 || wanted[a.Kind]) && a.Point != (Point{}) && math.Hypot((a.Point[0]-lon)*narrow, a.Point[1]-lat) <= reach {
			fn(a)
		}
	}
}

// metresPerDegree is of latitude, on a sphere of the earth's mean radius.
const metresPerDegree = 111_195.08
