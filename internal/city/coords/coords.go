// Package coords brings coordinates into the one system that Anlan keeps: WGS 84 longitude and latitude in degrees.
//
// A file says which system it is in; nothing here guesses. Three systems are known.
//
//   - WGS84 is taken as it is.
//   - CGCS2000, the national system of China (EPSG:4490), is taken as it is too. It is a realisation of ITRF97 at epoch
//     2000.0 on an ellipsoid whose flattening differs from that of WGS 84 so little that latitudes differ by 0.1 mm at
//     most; what remains is the drift of the Eurasian plate, about 3 cm a year. For a register of places both are
//     one system, and docs/city.md says so.
//   - GCJ02 is the obfuscated system of Chinese web maps, 100 to 700 m off. ToWGS84 undoes it.
//
// It must not know about areas, assets or files.
package coords

import (
	"fmt"
	"math"
	"strings"
)

// System is a coordinate system that a file may be in.
type System string

// The systems.
const (
	WGS84    System = "wgs84"
	CGCS2000 System = "cgcs2000"
	GCJ02    System = "gcj02"
)

// Parse reads a system's name. BD-09 and projected systems are refused by name, since people will ask for them.
func Parse(s string) (System, error) {
	switch strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s)) {
	case "wgs84", "epsg:4326", "crs84":
		return WGS84, nil
	case "cgcs2000", "epsg:4490":
		return CGCS2000, nil
	case "gcj02":
		return GCJ02, nil
	case "bd09", "bd09ll":
		return "", fmt.Errorf("coordinate system %q is not supported: export the file as gcj02 or wgs84", s)
	}
	return "", fmt.Errorf("unknown coordinate system %q, expected wgs84, cgcs2000 or gcj02", s)
}

// ToWGS84 converts a point of the system to WGS 84 degrees.
func (s System) ToWGS84(lon, lat float64) (float64, float64) {
	if s == GCJ02 {
		return gcj02Inverse(lon, lat)
	}
	return lon, lat
}

// FromWGS84 converts a WGS 84 point to the system.
func (s System) FromWGS84(lon, lat float64) (float64, float64) {
	if s == GCJ02 {
		return gcj02Forward(lon, lat)
	}
	return lon, lat
}

// The offset of GCJ-02 was never published by its owner. The formula below is the one that became public in 2010 and that
// every open implementation uses; constants and test points follow github.com/googollee/eviltransform. The ellipsoid is
// Krasovsky 1940. How far the public formula is from the official one is not known; users report metres at most.
const (
	krasovskyA  = 6378245.0
	krasovskyE2 = 0.00669342162296594323

	// inverseTolerance is where the iteration stops, in degrees (0.1 mm). The promise is 1e-6.
	inverseTolerance = 1e-9
	// inverseRounds bounds the iteration. The offset changes by less than 1 % over its own length, so each round gains
	// two digits at least and six rounds do; the bound is for input that is not a number.
	inverseRounds = 30
)

// offsetApplies is the rectangle of the public formula, which takes in more than China. Outside of it GCJ-02 is WGS 84.
func offsetApplies(lon, lat float64) bool {
	return lon >= 72.004 && lon <= 137.8347 && lat >= 0.8293 && lat <= 55.8271
}

func gcj02Forward(lon, lat float64) (float64, float64) {
	if !offsetApplies(lon, lat) {
		return lon, lat
	}
	dx, dy := gcj02Offset(lon, lat)
	return lon + dx, lat + dy
}

// gcj02Inverse looks for the point whose forward image is the given one: w = g - offset(w), a contraction.
func gcj02Inverse(lon, lat float64) (float64, float64) {
	if !offsetApplies(lon, lat) {
		return lon, lat
	}
	x, y := lon, lat
	for range inverseRounds {
		dx, dy := gcj02Offset(x, y)
		nx, ny := lon-dx, lat-dy
		moved := math.Max(math.Abs(nx-x), math.Abs(ny-y))
		x, y = nx, ny
		if moved < inverseTolerance {
			break
		}
	}
	return x, y
}

// gcj02Offset is the shift at a WGS 84 point, in degrees.
func gcj02Offset(lon, lat float64) (float64, float64) {
	x, y := lon-105, lat-35
	wave := (20*math.Sin(6*x*math.Pi) + 20*math.Sin(2*x*math.Pi)) * 2 / 3

	east := 300 + x + 2*y + 0.1*x*x + 0.1*x*y + 0.1*math.Sqrt(math.Abs(x)) + wave
	east += (20*math.Sin(x*math.Pi) + 40*math.Sin(x/3*math.Pi)) * 2 / 3
	east += (150*math.Sin(x/12*math.Pi) + 300*math.Sin(x/30*math.Pi)) * 2 / 3

	north := -100 + 2*x + 3*y + 0.2*y*y + 0.1*x*y + 0.2*math.Sqrt(math.Abs(x)) + wave
	north += (20*math.Sin(y*math.Pi) + 40*math.Sin(y/3*math.Pi)) * 2 / 3
	north += (160*math.Sin(y/12*math.Pi) + 320*math.Sin(y/30*math.Pi)) * 2 / 3

	phi := lat / 180 * math.Pi
	w := 1 - krasovskyE2*math.Sin(phi)*math.Sin(phi)
	meridian := krasovskyA * (1 - krasovskyE2) / (w * math.Sqrt(w))
	parallel := krasovskyA / math.Sqrt(w) * math.Cos(phi)
	return east * 180 / (parallel * math.Pi), north * 180 / (meridian * math.Pi)
}
