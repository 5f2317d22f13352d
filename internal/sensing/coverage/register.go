package coverage

import (
	"context"
	"time"

	"github.com/anlan-city/anlan/internal/sensing"
)

// Text is a text in the two languages of the product.
type Text struct {
	EN string `json:"en"`
	ZH string `json:"zh-CN"`
}

// Asset is an asset of the register. Zeros are what is not known.
type Asset struct {
	ID, Place, Area, Organisation int64
	Key                           string // external id
	Kind                          string // "gas/kitchen-alarm"
	Name, PlaceName               Text
	Point                         [2]float64 // longitude, latitude
	Home                          bool       // stands in a home: called by its kind
}

// Area is an area of the register. Parent is 0 for the outermost.
type Area struct {
	ID, Parent int64
	Name       Text
}

// Spot is where an asset or a place stands and whose it is.
type Spot struct{ Place, Area, Organisation int64 }

// Register is the city's register; app fulfils it.
type Register interface {
	// Assets hands each asset to fn, by rising id. It may take long: it is asked at the start and after Refresh.
	Assets(ctx context.Context, fn func(Asset)) error
	// Areas are all areas, parents before or after children. As Assets, it may take long.
	Areas(ctx context.Context) ([]Area, error)
	// Zone is the city's time zone, in which a day begins.
	Zone(ctx context.Context) (*time.Location, error)

	// The rest answers from memory.

	// Asset is where an asset stands, and false for one that does not exist.
	Asset(id int64) (Spot, bool)
	// Place is where a place lies, and who answers for it; false for one that does not exist.
	Place(id int64) (Spot, bool)
	// AssetByKey is the asset with an external id.
	AssetByKey(externalID string) (int64, bool)
}

// Streams are the datastreams with what is kept about them; the observation log fulfils it, from memory.
type Streams interface {
	Lookup(id int64) (sensing.Datastream, bool)
	LookupExternal(externalID string) (sensing.Datastream, bool)
	State(id int64) (sensing.State, bool)
	// All hands over every datastream, by rising id.
	All(fn func(sensing.DatastreamState))
}

var _ Streams = (*sensing.Service)(nil)

// Detector is what coverage needs of a detector of a pack.
type Detector struct {
	ID          string
	Property    string   // "gas/methane"
	Kinds       []string // of assets that it judges
	SilentAfter time.Duration
}
