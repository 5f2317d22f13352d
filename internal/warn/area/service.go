package area

import (
	"context"

	"github.com/peterstace/simplefeatures/geom"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn/hazard"
)

// Area is a place that people know by its name, for which warnings are issued.
type Area struct {
	ID     int64
	Parent int64  // 0 at the top
	Code   string // the city's own, such as 310105
	Name   page.Text
}

// Register knows the areas of the city; city fulfils it. It is safe for concurrent use.
type Register interface {
	// Areas lists the districts and towns, parents before children; grid cells are left out.
	Areas(ctx context.Context) ([]Area, error)
	// Geometry returns the outer rings of an area as longitude, latitude; several for a multipolygon, none for an area
	// without an outline.
	Geometry(ctx context.Context, id int64) ([][][2]float64, error)
}

// Ground knows what warnings hold on; city fulfils it. It is safe for concurrent use.
type Ground interface {
	// Shapes are the shapes of all areas but grid cells, by id.
	Shapes(ctx context.Context) (map[int64]geom.Geometry, error)
	// Thing is an asset with its shape, or with the building's name and shape where it stands in a home; ok is false for none.
	Thing(ctx context.Context, asset int64) (name page.Text, shape geom.Geometry, ok bool, err error)
}

// Standing is a place or an asset as it stands on the ground.
type Standing struct {
	Asset     bool
	ID        int64
	Kind      string // of an asset pack/kind
	Name      page.Text
	Place     int64 // of an asset
	PlaceName page.Text
	Home      bool // of an asset: it stands in a home, of which only the building is told
}

// Residents is how many people live in an area, as the register knows it.
type Residents struct {
	Total  int
	Year   int
	Source string
}

// Holdings knows what stands on the ground and how many live there; city fulfils it, from memory.
type Holdings interface {
	// Standing calls fn with each place and asset at whose point in says yes, in no order. An asset counts by its own point.
	Standing(in func(lon, lat float64) bool, fn func(Standing))
	// KindTitle is what a kind of asset is called.
	KindTitle(kind string) (page.Text, bool)
	// Residents of an area; ok is false where the register has no number.
	Residents(area int64) (n Residents, ok bool)
}

// Deps are what the room needs.
type Deps struct {
	Access   access.Decider
	Register Register
	Ground   Ground // nil: areas have the outlines that Register knows, and nothing is known of assets
	// Holdings is what stands inside an area. Nil: nothing is known of it.
	Holdings Holdings
	// Hazards say which sorts of places and assets need care.
	Hazards *hazard.Book
}

// Service says where warnings hold, and what lies there. It keeps nothing, and is safe for concurrent use.
type Service struct {
	access   access.Decider
	register Register
	ground   Ground
	holdings Holdings // may be nil
	hazards  *hazard.Book
}

// New returns the room.
func New(d Deps) *Service {
	s := &Service{access: d.Access, register: d.Register, ground: d.Ground, holdings: d.Holdings, hazards: d.Hazards}
	if s.ground == nil {
		s.ground = GroundOf(d.Register)
	}
	return s
}

// Areas lists the districts and towns, parents before children; grid cells are left out.
func (s *Service) Areas(ctx context.Context) ([]Area, error) { return s.register.Areas(ctx) }
