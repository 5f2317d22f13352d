package sta

import (
	"fmt"
	"strings"
	"testing"
)

// Create, update, delete: what a client of the standard does, on both stores.
func TestCreateUpdateDelete(t *testing.T) {
	cases := []struct {
		name  string
		calls []call
		grown string // what is there afterwards that was not before, beside a gauge
	}{
		{"a Thing", []call{
			{do: "POST /Things", body: `{"name":"t","description":"d","properties":{"a":{"b":1.10}}}`, status: 201, as: "t",
				want: "\"@iot.selfLink\":\"{root}/Things(\n\"properties\":{\"a\":{\"b\":1.10}}\n\"Datastreams@iot.navigationLink\""},
			{do: "GET /Things({t})", status: 200, want: `"name":"t"`},
		}, "Things+1"},
		{"a Location", []call{{do: "POST /Locations", body: location, status: 201, want: `"coordinates":[121.5,31.25]`}}, "Locations+1"},
		{"a Sensor", []call{{do: "POST /Sensors", body: sensor, status: 201, want: `"metadata":"https://example.org/probe.pdf"`}}, "Sensors+1"},
		{"an ObservedProperty", []call{{do: "POST /ObservedProperties", body: property, status: 201}}, "ObservedProperties+1"},
		{"a FeatureOfInterest", []call{{do: "POST /FeaturesOfInterest", body: feature, status: 201}}, "FeaturesOfInterest+1"},
		{"a Datastream of entities that exist", []call{
			{do: "POST /Datastreams", body: `{` + datastream + `,"Thing":{"@iot.id":{thing}},"Sensor":{"@iot.id":{sensor}},"ObservedProperty":{"@iot.id":{property}}}`, status: 201, as: "d"},
			{do: "GET /Datastreams({d})/Sensor", status: 200, want: `"@iot.id":{sensor},`},
		}, "Datastreams+1"},
		{"a Datastream under its Thing", []call{
			{do: "POST /Things({thing})/Datastreams", body: `{` + datastream + `,"Sensor":` + sensor + `,"ObservedProperty":{"@iot.id":{property}}}`, status: 201, as: "d"},
			{do: "GET /Datastreams({d})/Thing", status: 200, want: `"@iot.id":{thing},`},
		}, "Datastreams+1 Sensors+1"},
		{"a Datastream under its Sensor", []call{
			{do: "POST /Sensors({sensor})/Datastreams", body: `{` + datastream + `,"Thing":{"@iot.id":{thing}},"ObservedProperty":` + property + `}`, status: 201},
		}, "Datastreams+1 ObservedProperties+1"},
		{"a HistoricalLocation of long ago", []call{
			{do: "POST /Locations", body: location, status: 201, as: "l2"},
			{do: "POST /HistoricalLocations", body: `{"time":"2015-03-01T00:00:00Z","Thing":{"@iot.id":{thing}},"Locations":[{"@iot.id":{l2}}]}`, status: 201},
			{do: "GET /Things({thing})/Locations", status: 200, want: `"@iot.id":{location},`},
		}, "Locations+1 HistoricalLocations+1"},
		{"a HistoricalLocation under a Location, with another", []call{
			{do: "POST /Locations({location})/HistoricalLocations", body: `{"time":"2015-03-01T00:00:00Z"}`, status: 400, want: "needs Thing"},
			{do: "POST /Locations({location})/HistoricalLocations", body: `{"time":"2015-03-01T00:00:00Z","Thing":{"@iot.id":{thing}}}`, status: 201, as: "p1"},
			{do: "POST /Locations({location})/HistoricalLocations", body: `{"time":"2016-03-01T00:00:00Z","Thing":{"@iot.id":{thing}},"Locations":[` + location + `]}`, status: 201, as: "p2"},
			{do: "GET /HistoricalLocations({p1})/Locations?$count=true", status: 200, want: "\"@iot.count\":1\n\"@iot.id\":{location},"},
			{do: "GET /HistoricalLocations({p2})/Locations?$count=true", status: 200, want: "\"@iot.count\":2\n\"@iot.id\":{location},"},
		}, "Locations+1 HistoricalLocations+2"},
		{"a HistoricalLocation of today moves the Thing", []call{
			{do: "POST /Locations", body: location, status: 201, as: "l2"},
			{do: "POST /Things({thing})/HistoricalLocations", body: `{"time":"2026-11-24T00:00:00Z","Locations":[{"@iot.id":{l2}}]}`, status: 201},
			{do: "GET /Things({thing})/Locations", status: 200, want: "\"@iot.id\":{l2},\n!\"@iot.id\":{location},"},
		}, "Locations+1 HistoricalLocations+1"},
		{"everything at once", []call{
			{do: "POST /Things", status: 201, as: "t", body: `{"name":"t","description":"d","Locations":[` + location + `],"HistoricalLocations":[{"time":"2001-01-01T00:00:00+08:00","Locations":[` + location + `]}],
				"Datastreams":[{` + datastream + `,"Sensor":` + sensor + `,"ObservedProperty":` + property + `,
				"Observations":[{"phenomenonTime":"2015-03-01T00:10:00Z","result":10},{"phenomenonTime":"2015-03-01T00:40:00Z","result":11.5,"FeatureOfInterest":` + feature + `}]}]}`},
			{do: "GET /Things({t})/Datastreams?$expand=Observations($orderby=phenomenonTime)", status: 200, want: "\"result\":10,\n\"result\":11.5,"},
		}, "Things+1 Locations+2 HistoricalLocations+2 Datastreams+1 Sensors+1 ObservedProperties+1 Observations+2 FeaturesOfInterest+2"},
		{"a Location with a Thing", []call{
			{do: "POST /Locations", body: `{"name":"l","description":"d","encodingType":"application/geo+json","location":{"type":"Point","coordinates":[1,2]},"Things":[{"name":"t","description":"d"}]}`, status: 201, as: "l"},
			{do: "GET /Locations({l})/Things", status: 200, want: `"name":"t"`},
		}, "Things+1 Locations+1 HistoricalLocations+1"},
		{"a Thing under a Location", []call{
			{do: "POST /Locations({location})/Things", body: `{"name":"t","description":"d"}`, status: 201, as: "t"},
			{do: "GET /Things({t})/Locations", status: 200, want: `"@iot.id":{location},`},
		}, "Things+1 HistoricalLocations+1"},
		{"a Location under a Thing replaces the one of its encoding", []call{
			{do: "POST /Things({thing})/Locations", body: location, status: 201, as: "l2"},
			{do: "GET /Things({thing})/Locations", status: 200, want: "\"@iot.id\":{l2},\n!\"@iot.id\":{location},"},
			{do: "POST /Things({thing})/Locations", body: `{"name":"a","description":"d","encodingType":"text/plain","location":"behind the pumping station"}`, status: 201, as: "l3"},
			{do: "GET /Things({thing})/Locations", status: 200, want: "\"@iot.id\":{l2},\n\"@iot.id\":{l3},"},
		}, "Locations+2 HistoricalLocations+2"},
		{"an Observation derives its feature from the Location, once", []call{
			{do: "POST /Datastreams({datastream})/Observations", body: `{"phenomenonTime":"2026-11-23T03:00:00Z","result":1}`, status: 201, as: "o", want: `"resultTime":null`},
			{do: "POST /Observations", body: `{"phenomenonTime":"2026-11-23T03:01:00Z","result":2,"Datastream":{"@iot.id":{datastream}}}`, status: 201},
			{do: "GET /Observations({o})/FeatureOfInterest", status: 200, want: "\"feature\":{\"type\":\"Point\",\"coordinates\":[121.5,31.25]}\n\"name\":\"yard\""},
			{do: "GET /Datastreams({datastream})", status: 200, want: `"observedArea":{"type":"Point","coordinates":[121.5,31.25]}`},
		}, "Observations+2 FeaturesOfInterest+1"},
		{"an Observation of a feature of its own widens the observed area", []call{
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1}`, status: 201},
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1,"FeatureOfInterest":` + feature + `}`, status: 201},
			{do: "GET /Datastreams({datastream})", status: 200, want: `"observedArea":{"type":"Polygon","coordinates":[[[121.5,31.25],[121.6,31.25],[121.6,31.3],[121.5,31.3],[121.5,31.25]]]}`},
		}, "Observations+2 FeaturesOfInterest+2"},
		{"an observed area that was given stays", []call{
			{do: "PATCH /Datastreams({datastream})", body: `{"observedArea":{"type":"Point","coordinates":[0,0]}}`, status: 200},
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1}`, status: 201},
			{do: "GET /Datastreams({datastream})", status: 200, want: `"observedArea":{"type":"Point","coordinates":[0,0]}`},
		}, "Observations+1 FeaturesOfInterest+1"},
		{"an Observation under a feature", []call{
			{do: "POST /FeaturesOfInterest", body: feature, status: 201, as: "f"},
			{do: "POST /FeaturesOfInterest({f})/Observations", body: `{"result":1,"Datastream":{"@iot.id":{datastream}}}`, status: 201, as: "o"},
			{do: "GET /Observations({o})/FeatureOfInterest", status: 200, want: `"@iot.id":{f},`},
		}, "Observations+1 FeaturesOfInterest+1"},
		{"a feature with Observations", []call{
			{do: "POST /FeaturesOfInterest", body: `{"name":"f","description":"d","encodingType":"application/geo+json","feature":{"type":"Point","coordinates":[1,2]},"Observations":[{"result":true,"Datastream":{"@iot.id":{datastream}}}]}`, status: 201, as: "f"},
			{do: "GET /FeaturesOfInterest({f})/Observations", status: 200, want: `"result":true`},
		}, "Observations+1 FeaturesOfInterest+1"},
		{"a Thing that moves gives new readings another feature", []call{
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1}`, status: 201, as: "o1"},
			{do: "POST /Things({thing})/Locations", body: `{"name":"quay","description":"d","encodingType":"application/geo+json","location":{"type":"Point","coordinates":[5,6]}}`, status: 201},
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":2}`, status: 201, as: "o2"},
			{do: "GET /Observations({o1})/FeatureOfInterest", status: 200, want: `"name":"yard"`},
			{do: "GET /Observations({o2})/FeatureOfInterest", status: 200, want: `"name":"quay"`},
		}, "Locations+1 HistoricalLocations+1 Observations+2 FeaturesOfInterest+2"},
		{"all that an Observation can hold", []call{
			{do: "POST /Datastreams({datastream})/Observations", status: 201, as: "o", body: `{"phenomenonTime":"2026-11-23T11:00:00.123456789+08:00/2026-11-23T04:00:00-0000","result":12345678901234567890,
				"resultTime":"2026-11-23T03:00:01.5Z","validTime":"2026-11-23T03:00:00Z/2026-11-24T03:00:00Z","resultQuality":{"flag":"good"},"parameters":{"depth":1.50}}`,
				want: "\"phenomenonTime\":\"2026-11-23T03:00:00.123456Z/2026-11-23T04:00:00Z\"\n\"result\":12345678901234567890\n\"resultTime\":\"2026-11-23T03:00:01.500Z\"\n\"parameters\":{\"depth\":1.50}\n\"resultQuality\":{\"flag\":\"good\"}\n\"validTime\":\"2026-11-23T03:00:00Z/2026-11-24T03:00:00Z\""},
			{do: "GET /Observations({o})", status: 200, want: `"parameters":{"depth":1.50}`},
		}, "Observations+1 FeaturesOfInterest+1"},
		{"results of all kinds", []call{
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":"开"}`, status: 201, want: `"result":"开"`},
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":false}`, status: 201, want: `"result":false`},
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":null}`, status: 201, want: `"result":null`},
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":{"a":[1,2]}}`, status: 201, want: `"result":{"a":[1,2]}`},
		}, "Observations+4 FeaturesOfInterest+1"},
		{"no entity in the answer for who wants none", []call{
			{do: "POST /Things", body: `{"name":"t","description":"d"}`, header: "Prefer: return=minimal", status: 201, want: "!name", as: "t"},
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1}`, header: "Prefer: return=minimal", status: 201, want: "!result", as: "o"},
			{do: "GET /Observations({o})", status: 200, want: `"result":1`},
		}, "Things+1 Observations+1 FeaturesOfInterest+1"},
		{"PATCH changes what it names", []call{
			{do: "PATCH /Things({thing})", body: `{"description":"other"}`, status: 200, want: "\"description\":\"other\"\n\"name\":\"gauge\""},
			{do: "PATCH /Things({thing})", body: `{"properties":{"x":1}}`, status: 200, want: `"properties":{"x":1}`},
			{do: "PATCH /Things({thing})", body: `{"properties":null}`, status: 200, want: `!properties`},
			{do: "PATCH /Locations({location})", body: `{"location":{"type":"Point","coordinates":[114.05,-50]}}`, status: 200, want: `"coordinates":[114.05,-50]`},
			{do: "PATCH /Sensors({sensor})", body: `{"metadata":{"a":1}}`, status: 200, want: `"metadata":{"a":1}`},
			{do: "PATCH /ObservedProperties({property})", body: `{"description":"other"}`, status: 200, want: `"description":"other"`},
			{do: "PATCH /Datastreams({datastream})", body: `{"unitOfMeasurement":{"name":"Celsius","symbol":"°C","definition":"ucum:Cel"}}`, status: 200, want: `"symbol":"°C"`},
			{do: "PATCH /Datastreams({datastream})/Thing", body: `{"name":"other"}`, status: 200, want: `"@iot.id":{thing},`},
		}, ""},
		{"PATCH of an Observation", []call{
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1,"phenomenonTime":"2026-11-23T03:00:00Z","parameters":{"a":1}}`, status: 201, as: "o"},
			{do: "PATCH /Observations({o})", body: `{"result":2}`, status: 200, want: "\"result\":2\n\"phenomenonTime\":\"2026-11-23T03:00:00Z\"\n\"parameters\":{\"a\":1}"},
			{do: "PATCH /Observations({o})", body: `{"phenomenonTime":"2026-11-23T04:00:00Z","FeatureOfInterest":{"@iot.id":{f}}}`, status: 400, want: "unknown_link"},
			{do: "GET /Observations({o})", status: 200, want: "\"result\":2\n\"phenomenonTime\":\"2026-11-23T03:00:00Z\"\n\"resultTime\":null"},
			{do: "PUT /Observations({o})", body: `{"result":3,"phenomenonTime":"2026-11-23T05:00:00Z"}`, status: 200, want: "!parameters"},
			{do: "PATCH /Observations({o})", body: `{"Datastream":{"@iot.id":1000000}}`, status: 400},
		}, "Observations+1 FeaturesOfInterest+1"},
		{"PATCH of links", []call{
			{do: "POST /Things", body: `{"name":"other","description":"d"}`, status: 201, as: "t2"},
			{do: "PATCH /Datastreams({datastream})", body: `{"Thing":{"@iot.id":{t2}}}`, status: 200},
			{do: "GET /Datastreams({datastream})/Thing", status: 200, want: `"@iot.id":{t2},`},
			{do: "POST /Locations", body: location, status: 201, as: "l2"},
			{do: "PATCH /Things({thing})", body: `{"Locations":[{"@iot.id":{l2}}]}`, status: 200},
			{do: "GET /Things({thing})/Locations", status: 200, want: "\"@iot.id\":{l2},\n!\"@iot.id\":{location},"},
			{do: "PATCH /Things({t2})", body: `{"Locations":[{"@iot.id":{l2}}]}`, status: 200},
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1}`, status: 201},
			{do: "PATCH /Things({thing})", body: `{"Datastreams":[{"@iot.id":{datastream}}]}`, status: 200},
			{do: "GET /Datastreams({datastream})/Thing", status: 200, want: `"@iot.id":{thing},`},
		}, "Things+1 Locations+1 HistoricalLocations+2 Observations+1 FeaturesOfInterest+1"},
		{"a JSON Patch", []call{
			{do: "PATCH /Things({thing})", header: "Content-Type: application/json-patch+json", status: 200,
				body: `[{"op":"test","path":"/name","value":"gauge"},{"op":"replace","path":"/name","value":"n2"},{"op":"add","path":"/properties","value":{"a":1}}]`,
				want: "\"name\":\"n2\"\n\"properties\":{\"a\":1}"},
			{do: "PATCH /Things({thing})", header: "Content-Type: application/json-patch+json", status: 200,
				body: `[{"op":"add","path":"/properties/b","value":2}]`, want: `"properties":{"a":1,"b":2}`},
			{do: "PATCH /Things({thing})", header: "Content-Type: application/json-patch+json", status: 409, body: `[{"op":"test","path":"/name","value":"gauge"}]`},
			{do: "PATCH /Things({thing})", header: "Content-Type: application/json-patch+json", status: 400, body: `[{"op":"remove","path":"/name"}]`, want: "needs name"},
			{do: "PATCH /Things({thing})", header: "Content-Type: application/json-patch+json", status: 400, body: `{"name":"x"}`},
			{do: "PATCH /Things({thing})", header: "Content-Type: application/merge-patch+json", status: 200, body: `{"properties":{"b":null}}`, want: `"properties":{"a":1}`},
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1}`, status: 201, as: "o"},
			{do: "PATCH /Observations({o})", header: "Content-Type: application/json-patch+json", status: 200, body: `[{"op":"replace","path":"/result","value":7}]`, want: `"result":7`},
		}, "Observations+1 FeaturesOfInterest+1"},
		{"PUT replaces", []call{
			{do: "PATCH /Things({thing})", body: `{"properties":{"x":1}}`, status: 200},
			{do: "PUT /Things({thing})", body: `{"name":"n","description":"d"}`, status: 200, want: "\"name\":\"n\"\n!properties\""},
			{do: "PUT /Things({thing})", body: `{"name":"n"}`, status: 400, want: "description"},
			{do: "GET /Things({thing})/Locations", status: 200, want: `"@iot.id":{location},`},
			{do: "PUT /Datastreams({datastream})", body: `{` + datastream + `}`, status: 200},
		}, ""},
		{"what was read can be sent back", []call{
			{do: "PUT /Things({thing})", status: 200, body: `{"@iot.id":{thing},"@iot.selfLink":"{root}/Things({thing})","name":"n","description":"d","Locations@iot.navigationLink":"{root}/Things({thing})/Locations"}`},
		}, ""},
		{"no new entities in a PATCH", []call{
			{do: "PATCH /Things({thing})", body: `{"Locations":[` + location + `]}`, status: 400},
			{do: "PATCH /Sensors({sensor})", body: `{"Datastreams":[{` + datastream + `,"Thing":{"@iot.id":{thing}}}]}`, status: 400},
			{do: "PATCH /Datastreams({datastream})", body: `{"ObservedProperty":` + property + `}`, status: 400},
			{do: "PATCH /Datastreams({datastream})", body: `{"Observations":[{"result":1}]}`, status: 400},
		}, ""},
		{"what is not there", []call{
			{do: "PATCH /Things(9223372036854775807)", body: `{"name":"x"}`, status: 404},
			{do: "DELETE /Things(9223372036854775807)", status: 404},
			{do: "DELETE /Observations(9223372036854775807)", status: 404},
			{do: "DELETE /FeaturesOfInterest(9223372036854775807)", status: 404},
			{do: "POST /Things(9223372036854775807)/Datastreams", body: `{` + datastream + `,"Sensor":` + sensor + `,"ObservedProperty":` + property + `}`, status: 404},
			{do: "POST /Datastreams(9223372036854775807)/Observations", body: `{"result":1}`, status: 404},
			{do: "PATCH /Things({thing})/Datastreams(9223372036854775807)", body: `{"name":"x"}`, status: 404},
		}, ""},
		{"an id in the body of a POST is not taken", []call{
			{do: "POST /Things", body: `{"@iot.id":424242,"name":"t","description":"d"}`, status: 201, want: "!424242"},
		}, "Things+1"},
		{"a Datastream moved under another Thing keeps its readings", []call{
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1}`, status: 201, as: "o"},
			{do: "POST /Things", body: `{"name":"other","description":"d","Datastreams":[{"@iot.id":{datastream}}]}`, status: 201, as: "t2"},
			{do: "GET /Observations({o})/Datastream/Thing", status: 200, want: `"@iot.id":{t2},`},
		}, "Things+1 Observations+1 FeaturesOfInterest+1"},
		{"three Locations at once, the feature from the one that is GeoJSON", []call{
			{do: "POST /Things", status: 201, as: "t", body: `{"name":"t","description":"d","Locations":[{"name":"a","description":"d","encodingType":"text/plain","location":"behind the pump"},` + location +
				`,{"name":"b","description":"d","encodingType":"text/plain","location":"second yard"}],"Datastreams":[{` + datastream + `,"Sensor":` + sensor + `,"ObservedProperty":` + property + `,"Observations":[{"result":1}]}]}`},
			{do: "GET /Things({t})?$expand=Locations,Datastreams/Observations/FeatureOfInterest", status: 200, want: "\"location\":\"behind the pump\"\n\"location\":\"second yard\"\n\"feature\":{\"type\":\"Point\",\"coordinates\":[121.5,31.25]}"},
		}, "Things+1 Locations+3 HistoricalLocations+1 Datastreams+1 Sensors+1 ObservedProperties+1 Observations+1 FeaturesOfInterest+1"},
		{"two Things at one Location share its feature", []call{
			{do: "POST /Things", status: 201, as: "t", body: `{"name":"t","description":"d","Locations":[{"@iot.id":{location}}],"Datastreams":[{` + datastream + `,"Sensor":{"@iot.id":{sensor}},"ObservedProperty":{"@iot.id":{property}},"Observations":[{"result":1}]}]}`},
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":2}`, status: 201, as: "o"},
			{do: "GET /Observations({o})/FeatureOfInterest/Observations?$count=true&$top=0", status: 200, want: `"@iot.count":2`},
		}, "Things+1 HistoricalLocations+1 Datastreams+1 Observations+2 FeaturesOfInterest+1"},
		{"what the path says may be said again, not otherwise", []call{
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1,"Datastream":{"@iot.id":{datastream}}}`, status: 201},
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1,"Datastream":{"@iot.id":{datastream}}}`, status: 201},
			{do: "POST /Things({thing})/Datastreams", body: `{` + datastream + `,"Thing":{"@iot.id":{thing}},"Sensor":{"@iot.id":{sensor}},"ObservedProperty":{"@iot.id":{property}}}`, status: 201, as: "d2"},
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1,"Datastream":{"@iot.id":{d2}}}`, status: 400, want: "contradicts"},
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1,"Datastream":{` + datastream + `}}`, status: 400},
		}, "Datastreams+1 Observations+2 FeaturesOfInterest+1"},
		{"a path must hold", []call{
			{do: "POST /Things", body: `{"name":"t","description":"d"}`, status: 201, as: "t2"},
			{do: "POST /Things({thing})/Datastreams({datastream})/Observations", body: `{"result":1}`, status: 201, as: "o"},
			{do: "POST /Things({t2})/Datastreams({datastream})/Observations", body: `{"result":1}`, status: 404},
			{do: "PUT /Things({thing})/Datastreams({datastream})/Observations({o})", body: `{"result":2,"phenomenonTime":"2026-11-23T03:00:00Z"}`, status: 200},
			{do: "PUT /Things({t2})/Datastreams({datastream})/Observations({o})", body: `{"result":2,"phenomenonTime":"2026-11-23T03:00:00Z"}`, status: 404},
			{do: "PATCH /Things({t2})/Datastreams({datastream})/Observations({o})", body: `{"result":2}`, status: 404},
			{do: "DELETE /Things({t2})/Datastreams({datastream})/Observations({o})", status: 404},
			{do: "DELETE /Things({thing})/Datastreams({datastream})/Observations({o})", status: 200},
		}, "Things+1 FeaturesOfInterest+1"},
		{"the newest HistoricalLocation says where the Thing is", []call{
			{do: "POST /Locations", body: location, status: 201, as: "l2"},
			{do: "POST /Locations", body: location, status: 201, as: "l3"},
			{do: "PATCH /Things({thing})/HistoricalLocations({past})", body: `{"time":"2016-01-01T06:00:00Z"}`, status: 200},
			{do: "POST /HistoricalLocations", body: `{"time":"2016-01-01T07:00:00Z","Thing":{"@iot.id":{thing}},"Locations":[{"@iot.id":{l2}}]}`, status: 201},
			{do: "POST /HistoricalLocations", body: `{"time":"2016-01-01T05:00:00Z","Thing":{"@iot.id":{thing}},"Locations":[{"@iot.id":{l3}}]}`, status: 201},
			{do: "GET /Things({thing})/Locations", status: 200, want: "\"@iot.id\":{l2},\n!\"@iot.id\":{location},\n!\"@iot.id\":{l3},"},
		}, "Locations+2 HistoricalLocations+2"},
		{"text for what was GeoJSON, together with the encoding", []call{
			{do: "PATCH /Locations({location})", body: `{"location":"in the cellar"}`, status: 400, want: "expected GeoJSON"},
			{do: "PATCH /Locations({location})", body: `{"location":"in the cellar","encodingType":"text/plain"}`, status: 200, want: `"location":"in the cellar"`},
		}, ""},
		{"the encoding alone, of what is no GeoJSON", []call{
			{do: "PATCH /Locations({location})", body: `{"location":"in the cellar","encodingType":"text/plain"}`, status: 200},
			{do: "PATCH /Locations({location})", body: `{"encodingType":"application/geo+json"}`, status: 400, want: "\"field\":\"location\"\nexpected GeoJSON"},
			{do: "PATCH /Locations({location})", body: `{"encodingType":"application/geo+json","location":{"type":"Point","coordinates":[]}}`, status: 200},
			{do: "PATCH /Locations({location})", header: "Content-Type: application/json-patch+json", body: `[{"op":"replace","path":"/name","value":"nowhere"}]`, status: 200, want: `"name":"nowhere"`},
		}, ""},
		{"the encoding behind what it tells of", []call{
			{do: "POST /Locations", body: `{"location":{"type":"Heap","coordinates":[1,2]},"name":"l","description":"d","encodingType":"application/geo+json"}`, status: 400, want: "\"field\":\"location\"\nexpected GeoJSON"},
			{do: "POST /Locations", body: `{"location":"at the gate","name":"l","description":"d","encodingType":"text/plain"}`, status: 201},
		}, "Locations+1"},
		{"a time that no calendar has", []call{
			{do: "POST /Things({thing})/HistoricalLocations", body: `{"time":"0000-12-31T23:00:00Z","Locations":[{"@iot.id":{location}}]}`, status: 400, want: "\"field\":\"time\"\nbetween the years 1 and 9999"},
			{do: "POST /Things({thing})/HistoricalLocations", body: `{"time":"9999-12-31T23:00:00-08:00","Locations":[{"@iot.id":{location}}]}`, status: 400, want: "between the years 1 and 9999"},
			{do: "POST /Things({thing})/HistoricalLocations", body: `{"time":"0001-01-01T00:00:00Z","Locations":[{"@iot.id":{location}}]}`, status: 201, want: `"0001-01-01T00:00:00Z"`},
		}, "HistoricalLocations+1"},
		{"a JSON Patch that is none", []call{
			{do: "PATCH /Things({thing})", header: "Content-Type: application/json-patch+json", status: 400, body: `null`, want: "an array of operations"},
			{do: "PATCH /Things({thing})", header: "Content-Type: application/json-patch+json", status: 409, body: `[{"op":"replace","path":"","value":"x"}]`, want: "does not fit\n!%!"},
		}, ""},
		{"an Observation handed to another feature", []call{
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1}`, status: 201, as: "o"},
			{do: "POST /FeaturesOfInterest", body: `{"name":"f","description":"d","encodingType":"application/geo+json","feature":{"type":"Point","coordinates":[1,2]},"Observations":[{"@iot.id":{o}}]}`, status: 201, as: "f"},
			{do: "GET /Observations({o})/FeatureOfInterest", status: 200, want: `"@iot.id":{f},`},
		}, "Observations+1 FeaturesOfInterest+2"},
	}
	writeBoth(t, func(t *testing.T, w *writeWorld) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				w.t, w.names = t, map[string]string{"f": "888888"}
				w.gauge()
				w.names["past"] = w.idAt("/Things({thing})/HistoricalLocations")
				before := w.counts()
				for _, call := range c.calls {
					w.run(call)
				}
				if got := w.grown(before); got != c.grown {
					t.Errorf("grew by %q, want %q", got, c.grown)
				}
			})
		}
	})
}

// What goes with a deleted entity, and what stays. The table is that of OGC 18-088, 10.4.
func TestDeleteCascades(t *testing.T) {
	writeBoth(t, func(t *testing.T, w *writeWorld) {
		for _, c := range []struct{ path, gone string }{
			{"/Things({thing})", "Things-1 HistoricalLocations-1 Datastreams-1 Observations-2"},
			{"/Datastreams({datastream})", "Datastreams-1 Observations-2"},
			{"/Locations({location})", "Locations-1 HistoricalLocations-1"},
			{"/HistoricalLocations({past})", "HistoricalLocations-1"},
			{"/Sensors({sensor})", "Datastreams-1 Sensors-1 Observations-2"},
			{"/ObservedProperties({property})", "Datastreams-1 ObservedProperties-1 Observations-2"},
			{"/FeaturesOfInterest({feature})", "Observations-2 FeaturesOfInterest-1"},
			{"/Observations({o})", "Observations-1"},
			{"/Datastreams({datastream})/Observations({o})", "Observations-1"},
			{"/Things({thing})/Datastreams({datastream})", "Datastreams-1 Observations-2"},
		} {
			t.Run(c.path, func(t *testing.T) {
				w.t, w.names = t, map[string]string{}
				w.gauge()
				w.run(call{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1}`, status: 201, as: "o"})
				w.run(call{do: "POST /Datastreams({datastream})/Observations", body: `{"result":2}`, status: 201})
				w.names["feature"] = w.idAt("/Observations({o})/FeatureOfInterest")
				w.names["past"] = w.idAt("/Things({thing})/HistoricalLocations")
				before := w.counts()
				w.run(call{do: "DELETE " + c.path, status: 200})
				if got := w.grown(before); got != c.gone {
					t.Errorf("DELETE %s: %s, want %s", c.path, got, c.gone)
				}
				w.run(call{do: "DELETE " + c.path, status: 404})
				if c.path == "/FeaturesOfInterest({feature})" { // the next reading gets another
					w.run(call{do: "POST /Datastreams({datastream})/Observations", body: `{"result":3}`, status: 201, as: "o"})
					w.run(call{do: "GET /Observations({o})/FeatureOfInterest", status: 200, want: `!"@iot.id":{feature},`})
				}
			})
		}
	})
}

// A few lines of JSON Patch can double an entity again and again.
func TestPatchesDoNotGrowWithoutBound(t *testing.T) {
	w := writeStart(t, sqliteStore(t))
	w.gauge()
	const patched = "Content-Type: application/json-patch+json"
	ops := []string{`{"op":"add","path":"/properties","value":{"a":"` + strings.Repeat("x", 1000) + `"}}`}
	for i := range 40 {
		ops = append(ops, fmt.Sprintf(`{"op":"copy","from":"/properties","path":"/properties/c%d"}`, i))
	}
	w.run(call{do: "PATCH /Things({thing})", header: patched, body: "[" + strings.Join(ops, ",") + "]", status: 409, want: "does not fit"})
	w.run(call{do: "PATCH /Things({thing})", header: patched, body: "[" + strings.Join(ops[:4], ",") + "]", status: 200})
	half := `{"properties":{"%s":"` + strings.Repeat("x", maxEntity*2/3) + `"}}`
	w.run(call{do: "PATCH /Things({thing})", header: "Content-Type: application/merge-patch+json", body: fmt.Sprintf(half, "b"), status: 200})
	w.run(call{do: "PATCH /Things({thing})", header: "Content-Type: application/merge-patch+json", body: fmt.Sprintf(half, "c"), status: 413, want: "larger than"})
}
