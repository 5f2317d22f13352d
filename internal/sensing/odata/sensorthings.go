package odata

// SensorThings is the model of SensorThings API 1.1, Part 1: Sensing (OGC 18-088, clause 8), without MultiDatastreams.
func SensorThings() *Model {
	thing := entityType("Thing", "Things", must("name", TypeText), must("description", TypeText), may("properties", TypeJSON))
	location := entityType("Location", "Locations", must("name", TypeText), must("description", TypeText),
		must("encodingType", TypeText), must("location", TypeGeometry), may("properties", TypeJSON))
	historical := entityType("HistoricalLocation", "HistoricalLocations", must("time", TypeInstant))
	datastream := entityType("Datastream", "Datastreams", must("name", TypeText), must("description", TypeText),
		must("observationType", TypeText), must("unitOfMeasurement", TypeJSON), may("observedArea", TypeGeometry),
		may("phenomenonTime", TypeInterval), may("resultTime", TypeInterval), may("properties", TypeJSON))
	sensor := entityType("Sensor", "Sensors", must("name", TypeText), must("description", TypeText),
		must("encodingType", TypeText), must("metadata", TypeAny), may("properties", TypeJSON))
	observedProperty := entityType("ObservedProperty", "ObservedProperties", must("name", TypeText),
		must("definition", TypeText), must("description", TypeText), may("properties", TypeJSON))
	observation := entityType("Observation", "Observations", may("phenomenonTime", TypeTime), must("result", TypeAny),
		may("resultTime", TypeInstant), may("resultQuality", TypeJSON), may("validTime", TypeInterval), may("parameters", TypeJSON))
	feature := entityType("FeatureOfInterest", "FeaturesOfInterest", must("name", TypeText), must("description", TypeText),
		must("encodingType", TypeText), must("feature", TypeGeometry), may("properties", TypeJSON))

	thing.Navigations = []*Navigation{many(location, "Things"), many(historical, "Thing"), many(datastream, "Thing")}
	location.Navigations = []*Navigation{many(thing, "Locations"), many(historical, "Locations")}
	historical.Navigations = []*Navigation{one(thing, "HistoricalLocations", true), many(location, "HistoricalLocations")}
	datastream.Navigations = []*Navigation{one(thing, "Datastreams", true), one(sensor, "Datastreams", true),
		one(observedProperty, "Datastreams", true), many(observation, "Datastream")}
	sensor.Navigations = []*Navigation{many(datastream, "Sensor")}
	observedProperty.Navigations = []*Navigation{many(datastream, "ObservedProperty")}
	observation.Navigations = []*Navigation{one(datastream, "Observations", true), one(feature, "Observations", false)}
	feature.Navigations = []*Navigation{many(observation, "FeatureOfInterest")}

	return &Model{Version: "v1.1", Types: []*EntityType{
		thing, location, historical, datastream, sensor, observedProperty, observation, feature,
	}}
}

func entityType(name, set string, ps ...*Property) *EntityType {
	return &EntityType{Name: name, Set: set, Properties: append([]*Property{may("id", TypeID)}, ps...)}
}

func must(name string, t Type) *Property { return &Property{Name: name, Type: t, Mandatory: true} }

func may(name string, t Type) *Property { return &Property{Name: name, Type: t} }

func many(target *EntityType, inverse string) *Navigation {
	return &Navigation{Name: target.Set, Target: target, Many: true, Inverse: inverse}
}

func one(target *EntityType, inverse string, mandatory bool) *Navigation {
	return &Navigation{Name: target.Name, Target: target, Mandatory: mandatory, Inverse: inverse}
}
