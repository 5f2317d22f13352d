package sta

import (
	"embed"

	"github.com/anlan-city/anlan/internal/platform/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of the catalogue.
func Migrations() db.Migrations { return db.Embedded("sta", migrations) }

// form is how a property stands in its column and in JSON.
type form uint8

const (
	formText     form = iota // TEXT; a JSON string
	formJSON                 // TEXT holding compact JSON, '' for none
	formGeometry             // as formJSON, and the row's box follows from it
	formTime                 // INTEGER microseconds; an ISO 8601 instant
)

// column is a property of an entity and where it stands.
type column struct {
	property string
	name     string
	form     form
	required bool
}

// link is a navigation property and how SQL follows it. Exactly one of the three ways is set; observations have none, since
// they are not in SQL.
type link struct {
	nav    string // as the standard names it
	target string // the entity set it leads to
	many   bool

	own     string // a column of this table that holds the other's id
	other   string // a column of the target's table that holds this one's id
	through *join  // a table between the two
}

type join struct{ table, this, that string }

// kind is an entity set of the catalogue as SQL sees it. Observations stand in the log instead.
type kind struct {
	set     string // "Things"
	entity  string // "Thing"
	table   string
	columns []column
	links   []link
}

// The entity sets of the standard.
const (
	setThings              = "Things"
	setLocations           = "Locations"
	setHistoricalLocations = "HistoricalLocations"
	setDatastreams         = "Datastreams"
	setSensors             = "Sensors"
	setObservedProperties  = "ObservedProperties"
	setObservations        = "Observations"
	setFeatures            = "FeaturesOfInterest"
)

var (
	colName        = column{"name", "name", formText, true}
	colDescription = column{"description", "description", formText, true}
	colEncoding    = column{"encodingType", "encoding_type", formText, true}
	colProperties  = column{"properties", "properties", formJSON, false}
)

// kinds are the sets of the catalogue in the order in which the root lists them.
var kinds = []kind{
	{setThings, "Thing", "sta_things",
		[]column{colName, colDescription, colProperties},
		[]link{
			{nav: "Locations", target: setLocations, many: true, through: &join{"sta_thing_locations", "thing", "location"}},
			{nav: "HistoricalLocations", target: setHistoricalLocations, many: true, other: "thing"},
			{nav: "Datastreams", target: setDatastreams, many: true, other: "thing"},
		}},
	{setLocations, "Location", "sta_locations",
		[]column{colName, colDescription, colEncoding, {"location", "location", formGeometry, true}, colProperties},
		[]link{
			{nav: "Things", target: setThings, many: true, through: &join{"sta_thing_locations", "location", "thing"}},
			{nav: "HistoricalLocations", target: setHistoricalLocations, many: true,
				through: &join{"sta_historical_location_locations", "location", "historical_location"}},
		}},
	{setHistoricalLocations, "HistoricalLocation", "sta_historical_locations",
		[]column{{"time", "time", formTime, true}},
		[]link{
			{nav: "Thing", target: setThings, own: "thing"},
			{nav: "Locations", target: setLocations, many: true,
				through: &join{"sta_historical_location_locations", "historical_location", "location"}},
		}},
	// phenomenonTime and resultTime of a Datastream are kept by the observation log.
	{setDatastreams, "Datastream", "sta_datastreams",
		[]column{colName, colDescription, {"observationType", "observation_type", formText, true},
			{"unitOfMeasurement", "unit", formJSON, true}, {"observedArea", "observed_area", formJSON, false}, colProperties},
		[]link{
			{nav: "Thing", target: setThings, own: "thing"},
			{nav: "Sensor", target: setSensors, own: "sensor"},
			{nav: "ObservedProperty", target: setObservedProperties,
				through: &join{"sta_datastream_properties", "datastream", "observed_property"}},
			{nav: "Observations", target: setObservations, many: true},
		}},
	{setSensors, "Sensor", "sta_sensors",
		[]column{colName, colDescription, colEncoding, {"metadata", "metadata", formJSON, true}, colProperties},
		[]link{{nav: "Datastreams", target: setDatastreams, many: true, other: "sensor"}}},
	{setObservedProperties, "ObservedProperty", "sta_observed_properties",
		[]column{colName, {"definition", "definition", formText, true}, colDescription, colProperties},
		[]link{{nav: "Datastreams", target: setDatastreams, many: true,
			through: &join{"sta_datastream_properties", "observed_property", "datastream"}}}},
	{setFeatures, "FeatureOfInterest", "sta_features",
		[]column{colName, colDescription, colEncoding, {"feature", "feature", formGeometry, true}, colProperties},
		[]link{{nav: "Observations", target: setObservations, many: true}}},
}

// kindOf is the kind with a set's name, nil for Observations.
func kindOf(set string) *kind {
	for i := range kinds {
		if kinds[i].set == set {
			return &kinds[i]
		}
	}
	return nil
}
