package joint

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/peterstace/simplefeatures/geom"

	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/platform/web"
)

const (
	maxWords = 4000
	maxLabel = 80
	maxFacts = 50
	// maxQuantity bounds one request; a city that needs more asks twice.
	maxQuantity = 1_000_000
	// maxVertices bounds one shape on the map.
	maxVertices = 500
)

// topics say what a line of the log is about, for the forms that ask for it; empty: nothing in particular.
var topics = []string{"", "situation", "casualties", "damage", "threat", "safety", "measures", "next", "public"}

var markKinds = []string{"cordon", "command-post", "closed-road", "staging", "medical", "shelter", "hazard", "other"}

var resourceKinds = []string{"team", "vehicle", "equipment", "supplies", "expert", "facility"}

// text brings what a person wrote into form: trimmed, bounded, masked. An empty one is refused where it is required.
func text(words, field string, most int, required bool) (string, error) {
	words = strings.TrimSpace(words)
	switch {
	case required && words == "":
		return "", web.Errorf(http.StatusUnprocessableEntity, "case.text", "write something here").At(field)
	case utf8.RuneCountInString(words) > most:
		return "", web.Errorf(http.StatusUnprocessableEntity, "room.too_long", "at most %d characters", most).At(field)
	case !utf8.ValidString(words) || strings.ContainsRune(words, 0):
		return "", web.Errorf(http.StatusUnprocessableEntity, "case.text", "the text holds characters that cannot be shown").At(field)
	}
	return guard.Mask(words), nil
}

func oneOf(v, field string, all []string) error {
	if slices.Contains(all, v) {
		return nil
	}
	return web.Errorf(http.StatusUnprocessableEntity, "room.choice", "expected one of %s, got %q", strings.Join(all, ", "), v).At(field)
}

// shape checks a drawing: a point, a line or a polygon in degrees, and returns it as it is kept. A polygon's ring may be left
// open by who typed its corners; it is closed here.
func shape(g Shape) (Shape, error) {
	bad := func(format string, args ...any) (Shape, error) {
		return Shape{}, web.Errorf(http.StatusUnprocessableEntity, "room.shape", format, args...).At("shape")
	}
	var points [][2]float64
	var err error
	switch g.Type {
	case "Point":
		var p [2]float64
		err = json.Unmarshal(g.Coordinates, &p)
		points = [][2]float64{p}
	case "LineString":
		err = json.Unmarshal(g.Coordinates, &points)
		if err == nil && len(points) < 2 {
			return bad("a line needs two points or more")
		}
	case "Polygon":
		var rings [][][2]float64
		if err = json.Unmarshal(g.Coordinates, &rings); err == nil {
			if len(rings) != 1 {
				return bad("a polygon has one ring, got %d", len(rings))
			}
			if points = rings[0]; len(points) > 0 && points[0] != points[len(points)-1] {
				points = append(points, points[0])
			}
			if len(points) < 4 {
				return bad("a polygon needs three corners or more")
			}
		}
	default:
		return bad("expected a Point, a LineString or a Polygon, got %q", g.Type)
	}
	if err != nil {
		return bad("the coordinates are not those of a %s", g.Type)
	}
	if len(points) > maxVertices {
		return bad("at most %d points, got %d", maxVertices, len(points))
	}
	for _, p := range points {
		if !(p[0] >= -180 && p[0] <= 180 && p[1] >= -90 && p[1] <= 90) { // a NaN fails each comparison
			return bad("expected longitude and latitude in degrees, got %v, %v", p[0], p[1])
		}
	}
	var coordinates any = points
	switch g.Type {
	case "Point":
		coordinates = points[0]
	case "Polygon":
		coordinates = [][][2]float64{points}
	}
	out := Shape{Type: g.Type}
	if out.Coordinates, err = json.Marshal(coordinates); err != nil {
		return Shape{}, fmt.Errorf("encode shape: %w", err)
	}
	whole, err := json.Marshal(out)
	if err != nil {
		return Shape{}, fmt.Errorf("encode shape: %w", err)
	}
	if _, err := geom.UnmarshalGeoJSON(whole); err != nil {
		return bad("this is no simple shape: %s", err)
	}
	return out, nil
}

// Shape is a GeoJSON geometry: a Point, a LineString or a Polygon with one ring.
type Shape struct {
	Type        string          `json:"type" enum:"Point,LineString,Polygon"`
	Coordinates json.RawMessage `json:"coordinates" doc:"as in GeoJSON: longitude before latitude"`
}

// facts is the shape as entries hold it.
func (s Shape) facts() map[string]any {
	var coordinates any
	if json.Unmarshal(s.Coordinates, &coordinates) != nil {
		return nil
	}
	return map[string]any{"type": s.Type, "coordinates": coordinates}
}
