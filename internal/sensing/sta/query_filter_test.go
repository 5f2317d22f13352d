package sta

import (
	"fmt"
	"strings"
	"testing"
)

// relationsCity is the set-up of relations that FROST's test suite has: four Things, eight Locations, seven Datastreams,
// and six Observations on each of the first six.
func (w *readWorld) relationsCity() (things, locations, streams, properties, observations []string) {
	w.t.Helper()
	add := func(list *[]string, path, format string, args ...any) {
		*list = append(*list, fmt.Sprint(w.post(path, fmt.Sprintf(format, args...))))
	}
	for i, p := range []string{"", `,"properties":{"field":2,"string":"one"}`, `,"properties":{"field":3,"string":"two"}`, ""} {
		add(&things, "/Things", `{"name":"Thing %d","description":"d"%s}`, i+1, p)
	}
	polygon := `{"type":"Polygon","coordinates":[[[8,53],[7,52],[7,53],[8,53]]]}`
	line := func(a, b, c, d int) string {
		return fmt.Sprintf(`{"type":"LineString","coordinates":[[%d,%d],[%d,%d]]}`, a, b, c, d)
	}
	point := func(y int) string { return fmt.Sprintf(`{"type":"Point","coordinates":[8,%d]}`, y) }
	for i, l := range []struct {
		name, geometry, field string
		thing                 int
	}{
		{"Location 1.0", point(51), "1", 0}, {"Location 1.1", point(52), "1.1", 0}, {"Location 2", point(53), "2", 1}, {"Location 3", point(54), "3", 2},
		{"Location 4", polygon, "4", 3}, {"Location 5", line(5, 52, 5, 53), "5", -1}, {"Location 6", line(5, 52, 6, 53), "6", -1}, {"Location 7", line(4, 52, 8, 52), "7", -1},
	} {
		at := ""
		if l.thing >= 0 {
			at = fmt.Sprintf(`,"Things":[{"@iot.id":%s}]`, things[l.thing])
		}
		add(&locations, "/Locations", `{"name":%q,"description":"d","encodingType":"application/geo+json","location":%s,"properties":{"field":%s}%s}`, l.name, l.geometry, l.field, at)
		_ = i
	}
	var sensors []string
	for i := range 4 {
		add(&sensors, "/Sensors", `{"name":"Sensor %d","description":"d","encodingType":"text","metadata":"m"}`, i)
		add(&properties, "/ObservedProperties", `{"name":"ObservedProperty %d","definition":"http://example.org/%d","description":"d"}`, i, i)
	}
	units := []string{`{"name":"degree celsius","symbol":"°C","definition":"Cel"}`, `{"name":"degree fahrenheit","symbol":"°F","definition":"[degF]"}`}
	for i, d := range [][3]int{{0, 0, 0}, {0, 1, 1}, {0, 2, 2}, {1, 0, 0}, {1, 1, 1}, {1, 3, 3}, {2, 1, 0}} {
		add(&streams, "/Datastreams", `{"name":"Datastream %d","description":"d","observationType":"t","unitOfMeasurement":%s,"Thing":{"@iot.id":%s},"Sensor":{"@iot.id":%s},"ObservedProperty":{"@iot.id":%s}}`,
			i, units[min(i, 1)], things[d[0]], sensors[d[1]], properties[d[2]])
	}
	for d := range 6 {
		for range 6 {
			n := len(observations)
			quality := fmt.Sprint(n)
			if n%2 == 1 {
				quality = fmt.Sprintf(`"number-%d"`, n)
			}
			add(&observations, "/Datastreams("+streams[d]+")/Observations", `{"result":%d,"phenomenonTime":"2016-01-%02dT00:00:00Z","resultQuality":%s}`, n, n%28+1, quality)
		}
		if d == 2 {
			w.seal()
		}
	}
	return
}

func TestFiltersOnRelations(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		things, locations, streams, properties, observations := w.relationsCity()
		for _, c := range []struct{ set, filter, want string }{
			{"Things", "Locations/name eq 'Location 2'", "1"},
			{"Things", "startswith(HistoricalLocations/Locations/name, 'Location 1')", "0"},
			{"Things", "HistoricalLocations/Locations/properties/field eq properties/field", "1,2"},
			{"ObservedProperties", "Datastreams/Thing/Datastreams/ObservedProperty/name eq 'ObservedProperty 0'", "0-3"},
			{"ObservedProperties", "Datastreams/Thing/Datastreams/ObservedProperty/name eq 'ObservedProperty 3'", "0,1,3"},
			{"Things", "substring(properties/string, 1) eq 'wo'", "2"},
			{"Things", "substring(properties/string, 1, 1) eq 'w'", "2"},
			{"Things", "substring(name, 4) eq 'g 4'", "3"},
			{"Things", "substring(name, 4, 3) eq 'g 4'", "3"},
			{"Things", "properties/field eq null", "0,3"},
			{"Things", "Datastreams/id eq null", "3"},
			{"Things", "properties/field ne null", "1,2"},
			{"Things", "Datastreams/id ne null", "0-2"},
			{"Observations", "resultQuality eq 'number-1'", "1"},
			{"Observations", "resultQuality eq 2", "2"},
			{"Things", "Locations/any(l:l/name eq 'Location 2')", "1"},
			{"Things", "HistoricalLocations/any(hl : hl/Locations/any(l : startswith(l/name, 'Location 1')))", "0"},
			{"Things", "HistoricalLocations/any(hl : hl/Locations/any(l : l/properties/field eq properties/field))", "1,2"},
			{"Things", "Datastreams/any(d:d/ObservedProperty/name eq 'ObservedProperty 0') and Datastreams/any(d:d/ObservedProperty/name eq 'ObservedProperty 1')", "0,1"},
			{"Things", "Datastreams/any(d:d/ObservedProperty/name eq 'ObservedProperty 3') and Datastreams/any(d:d/ObservedProperty/name eq 'ObservedProperty 1')", "1"},
			{"Things", "Datastreams/any(d:d/ObservedProperty/name eq 'ObservedProperty 0' and d/Sensor/name eq 'Sensor 1')", "2"},
			{"Things", "name in ('Thing 1','Thing 3','Thing 9')", "0,2"},
			{"Things", "endswith(name,'2') or substringof('ing 4',name)", "1,3"},
			{"Things", "not startswith(name,'Thing 1') and not name eq 'Thing 2'", "2,3"},
			{"Things", "Datastreams/Observations/result gt 29", "1"},
			{"Things", "Datastreams/Observations/result gt 17 and Datastreams/Observations/result lt 6", ""},
			{"Things", "Datastreams/Observations/any(o:o/result eq 3)", "0"},
			{"Datastreams", "Observations/phenomenonTime eq 2016-01-03T00:00:00Z", "0,5"},
			{"Datastreams", "Thing/id eq THING1", "3-5"},
			{"Datastreams", "Thing/name eq 'Thing 1' or Sensor/name eq 'Sensor 3'", "0-2,5"},
			{"Datastreams", "ObservedProperty/name ne 'ObservedProperty 0'", "1,2,4,5"},
			{"Datastreams", "unitOfMeasurement/symbol eq '°C'", "0"},
			{"Datastreams", "unitOfMeasurement/definition eq '[degF]'", "1-6"},
			{"Datastreams", "phenomenonTime eq null", "6"},
			{"Observations", "Datastream/Thing/name eq 'Thing 1' and result ge 16", "16,17"},
			{"Observations", "Datastream/id eq STREAM3", "18-23"},
			{"Observations", "Datastream/id in (STREAM0,STREAM5) and result mod 6 eq 0", "0,30"},
			{"Observations", "Datastream/id eq STREAM0 or result eq 35", "0-5,35"},
			{"Observations", "FeatureOfInterest/name ne 'x' and Datastream/Sensor/name eq 'Sensor 2' and result lt 14", "12,13"},
			{"Observations", "Datastream/Thing/properties/field eq 2 and result gt 33", "34,35"},
			{"Observations", "not Datastream/Thing/name eq 'Thing 1' and result lt 19", "18"},
			{"Observations", "id eq OBS7", "7"},
			{"Observations", "id in (OBS7,OBS20)", "7,20"},
			{"Observations", "id gt OBS33", "34,35"},
			{"Observations", "result eq 2 and result eq 1 or result eq 1", "1"},
			{"Observations", "(result eq 2 and result eq 1) or result eq 1", "1"},
			{"Observations", "result eq 2 and (result eq 1 or result eq 1)", ""},
			{"Observations", "not result lt 1 and not result gt 1", "1"},
			{"Observations", "1 add result mul 2 sub -1 eq 4", "1"},
			{"Observations", "6 div 2 sub result eq 2", "1"},
			{"Observations", "14 div (result add 1) mod 3 mul 3 eq 3", "1,13"},
			{"Locations", "geo.distance(location, geography'POINT(8 54.1)') lt 1", "3"},
			{"Locations", "geo.distance(location, geography'POINT(8 54.1)') gt 1", "0-2,4-7"},
			{"Locations", "geo.intersects(location, geography'LINESTRING(7.5 51, 7.5 54)')", "4,7"},
			{"Locations", "geo.length(location) gt 1", "6,7"},
			{"Locations", "geo.length(location) ge 1", "5-7"},
			{"Locations", "st_contains(BOX, location)", "1,2"},
			{"Locations", "st_crosses(geography'LINESTRING(7.5 51.5, 7.5 53.5)', location)", "4,7"},
			{"Locations", "st_disjoint(BOX, location)", "0,3,5,6"},
			{"Locations", "st_equals(location, geography'POINT(8 53)')", "2"},
			{"Locations", "st_intersects(location, geography'LINESTRING(7.5 51, 7.5 54)')", "4,7"},
			{"Locations", "st_overlaps(BOX, location)", "4"},
			{"Locations", "st_relate(BOX, location, 'T********')", "1,2,4,7"},
			{"Locations", "st_touches(geography'POLYGON((8 53, 7.5 54.5, 8.5 54.5, 8 53))', location)", "2,4"},
			{"Locations", "st_within(geography'POINT(7.5 52.75)', location)", "4"},
			{"Things", "st_within(Locations/location, geography'POLYGON((7.9 52.9, 8.1 52.9, 8.1 53.1, 7.9 53.1, 7.9 52.9))')", "1"},
		} {
			ids := map[string][]string{"Things": things, "Locations": locations, "Datastreams": streams, "ObservedProperties": properties, "Observations": observations}[c.set]
			filter := strings.NewReplacer("THING1", things[1], "STREAM0", streams[0], "STREAM3", streams[3], "STREAM5", streams[5], "OBS7", observations[7],
				"OBS20", observations[20], "OBS33", observations[33], "BOX", "geography'POLYGON((7.5 51.5, 7.5 53.5, 8.5 53.5, 8.5 51.5, 7.5 51.5))'").Replace(c.filter)
			w.filtered("/"+c.set, filter, pick(ids, c.want))
		}
		// A name that would be a statement, were texts pasted together.
		odd := `x'); drop table sta_things; --%_\`
		id := fmt.Sprint(w.post("/Things", fmt.Sprintf(`{"name":%s,"description":"d"}`, appendText(nil, odd))))
		quoted := strings.ReplaceAll(odd, "'", "''")
		for _, filter := range []string{"name eq '" + quoted + "'", "startswith(name,'" + quoted[:8] + "')", `endswith(name,'%_\')`, "name in ('" + quoted + "')", "substringof('" + quoted + "',name)"} {
			w.filtered("/Things", filter, id)
		}
		w.filtered("/Things", `endswith(name,'%')`, "")
		w.filtered("/Observations", "Datastream/name eq '"+quoted+"'", "")
	})
}

func TestFiltersOnJSON(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		letters := strings.Repeat("abcdefghijklmnopqrstuvwxyz", 2)
		fields := func(i int) string {
			ints := func(from, n int, format string) string {
				var out []string
				for j := range n {
					out = append(out, fmt.Sprintf(format, from+j))
				}
				return "[" + strings.Join(out, ",") + "]"
			}
			var objects []string
			for j := range 3 {
				objects = append(objects, fmt.Sprintf(`{"string":%q,"boolean":%t,"int":%d,"intArray":%s}`, letters[i+j:i+j+10], (i+j)%2 == 0, i+j, ints(i+j, 3, "%d")))
			}
			return fmt.Sprintf(`"string":%q,"boolean":%t,"int":%d,"intArray":%s,"strArray":%s,"intIntArray":[%s,%s,%s],"objArray":[%s]`,
				letters[i%8:i%8+10], i%2 == 0, i, ints(i, 5, "%d"), ints(i, 5, `"s%d"`), ints(i, 3, "%d"), ints(i+1, 3, "%d"), ints(i+2, 3, "%d"), strings.Join(objects, ","))
		}
		var things, observations []string
		for i := range 4 {
			body := fmt.Sprintf(`{"name":"t%d","description":"d","properties":{%s}`, i, fields(i+8))
			if i == 0 {
				body += `,"Locations":[{"name":"l","description":"d","encodingType":"application/geo+json","location":{"type":"Point","coordinates":[8,51]}}],"Datastreams":[` + stream(1, 1) + "]"
			}
			things = append(things, fmt.Sprint(w.post("/Things", body+"}")))
		}
		for i := range 16 {
			p := fields(i)
			switch i {
			case 13, 14:
				p = `"string":true,"boolean":"no","int":"many","intArray":"x","objArray":7`
			case 15:
				p = `"boolean":"true","int":"5"`
			}
			quality := `{"DQ_Status":{"code":2}}`
			if i%2 == 1 {
				quality = `[{"DQ_Result":{"code":2}},{"DQ_Result":{"code":1}}]`
			}
			if i > 12 {
				quality = "null"
			}
			observations = append(observations, fmt.Sprint(w.post("/Datastreams(1)/Observations",
				fmt.Sprintf(`{"result":%d,"phenomenonTime":"2016-01-%02dT00:00:00Z","parameters":{%s},"resultQuality":%s}`, i, i+1, p, quality))))
			if i == 9 {
				w.seal()
			}
		}
		for _, c := range []struct{ set, filter, want string }{
			{"Things", "properties/string eq 'cdefghijkl'", "2"},
			{"Things", "properties/int eq 10", "2"},
			{"Things", "properties/int gt 9", "2,3"},
			{"Things", "properties/intArray[1] gt 10", "2,3"},
			{"Things", "properties/intIntArray[1][0] lt 10", "0"},
			{"Things", "properties/objArray[1]/intArray[0] gt 10", "2,3"},
			{"Things", "properties/boolean eq false", "1,3"},
			{"Things", "properties/boolean", "0,2"},
			{"Things", "not properties/boolean", "1,3"},
			{"Things", "properties/int in (8,9)", "0,1"},
			{"Things", "9 in properties/intArray", "0,1"},
			{"Things", "'s10' in properties/strArray", "0-2"},
			{"Observations", "parameters/int eq 2", "2"},
			{"Observations", "parameters/int gt 8", "9-12"},
			{"Observations", "parameters/int lt 8", "0-7"},
			{"Observations", "parameters/int eq '5'", "5,15"},
			{"Observations", "parameters/intArray[1] lt 9", "0-7"},
			{"Observations", "parameters/boolean eq false", "1,3,5,7,9,11"},
			{"Observations", "parameters/boolean", "0,2,4,6,8,10,12"},
			{"Observations", "not parameters/boolean", "1,3,5,7,9,11"},
			{"Observations", "parameters/int eq Datastream/Thing/properties/int", "8"},
			{"Observations", "resultQuality/DQ_Status/code eq 2", "0,2,4,6,8,10,12"},
			{"Observations", "resultQuality[0]/DQ_Result/code eq 2", "1,3,5,7,9,11"},
		} {
			w.filtered("/"+c.set, c.filter, pick(map[string][]string{"Things": things, "Observations": observations}[c.set], c.want))
		}
		status, _, body := w.call("GET", "/Things("+things[0]+")?$select=name,properties/objArray,properties/int", "")
		if status != 200 || !strings.HasPrefix(body, `{"name":"t0","properties":{"int":8,"objArray":[{`) {
			t.Errorf("%d %s", status, body)
		}
		if status, _, body := w.call("GET", "/Datastreams(1)?$select=unitOfMeasurement/symbol", ""); status != 200 || body != `{"unitOfMeasurement":{"symbol":"Cel"}}` {
			t.Errorf("%d %s", status, body)
		}
		if status, _, body := w.call("GET", "/Things("+things[0]+")/properties/intIntArray%5B0%5D%5B1%5D", ""); status != 200 || body != `{"intIntArray[0][1]":9}` {
			t.Errorf("%d %s", status, body)
		}
	})
}
