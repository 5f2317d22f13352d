package sta

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
)

func TestIdempotencyKey(t *testing.T) {
	writeBoth(t, func(t *testing.T, w *writeWorld) {
		for _, c := range []struct{ name, do, body, other, grown string }{
			{"a Thing", "POST /Things", `{"name":"t","description":"d"}`, `{"name":"u","description":"d"}`, "Things+1"},
			{"an Observation", "POST /Datastreams({datastream})/Observations", `{"result":1}`, `{"result":2}`, "Observations+1 FeaturesOfInterest+1"},
			{"rows", "POST /CreateObservations", `[{"Datastream":{"@iot.id":{datastream}},"components":["result"],"dataArray":[[1],["13812345678"],[3]]}]`,
				`[{"Datastream":{"@iot.id":{datastream}},"components":["result"],"dataArray":[[1]]}]`, "Observations+2 FeaturesOfInterest+1"},
		} {
			t.Run(c.name, func(t *testing.T) {
				w.t, w.names = t, map[string]string{}
				w.gauge()
				before := w.counts()
				key := "Idempotency-Key: 8e03978e-40d5-43dd-bc93-6894a57f9324 " + c.name
				h1, b1 := w.run(call{do: c.do, body: c.body, header: key, status: 201})
				h2, b2 := w.run(call{do: c.do, body: c.body, header: key, status: 201})
				if b1 != b2 || h1.Get("Location") != h2.Get("Location") || h1.Get("Content-Type") != h2.Get("Content-Type") {
					t.Errorf("answers differ: %s %s / %s %s", h1, b1, h2, b2)
				}
				w.run(call{do: c.do, body: c.other, header: key, status: 422, want: "key_reused"})
				if got := w.grown(before); got != c.grown {
					t.Errorf("grew by %q, want %q", got, c.grown)
				}
				// Another sender's keys are its own, and a key is forgotten after a day.
				w.run(call{do: c.do, body: c.body, header: key + "\nTest-Actor: other", status: 201})
				w.clock.Advance(25 * time.Hour)
				h3, _ := w.run(call{do: c.do, body: c.body, header: key, status: 201})
				if l := h3.Get("Location"); l != "" && l == h1.Get("Location") {
					t.Errorf("the answer of yesterday: %s", l)
				}
			})
		}
		t.Run("a request that failed may be sent again", func(t *testing.T) {
			w.t = t
			w.run(call{do: "POST /Things", body: `{"name":"t"}`, header: "Idempotency-Key: k", status: 400})
			w.run(call{do: "POST /Things", body: `{"name":"t","description":"d"}`, header: "Idempotency-Key: k", status: 201})
			w.run(call{do: "POST /Things", body: `{"name":"t","description":"d"}`, header: "Idempotency-Key: " + strings.Repeat("k", 300), status: 400})
		})
	})
}

// A request that fails in its last part leaves nothing of the earlier ones.
func TestDeepInsertIsAllOrNothing(t *testing.T) {
	long := strings.Repeat("x", 5000) // longer than the log keeps
	cases := []struct{ name, do, body, want string }{
		{"the last reading is refused by the log", "POST /Things", strings.Replace(gaugeJSON, `"ObservedProperty":`, `"Observations":[{"result":1},{"result":2,"FeatureOfInterest":`+feature+`},{"result":"`+long+`"}],"ObservedProperty":`, 1),
			`"field":"Datastreams[0].Observations[2].result"`},
		{"the last link leads nowhere", "POST /Things", strings.Replace(gaugeJSON, `"Sensor":`+sensor, `"Sensor":{"@iot.id":987654321}`, 1), `"field":"Datastreams[0].Sensor"`},
		{"the last feature can't be derived", "POST /Things", `{"name":"t","description":"d","Datastreams":[{` + datastream + `,"Sensor":` + sensor + `,"ObservedProperty":` + property + `,"Observations":[{"result":1,"FeatureOfInterest":` + feature + `},{"result":1}]}]}`,
			`has no Location, so FeatureOfInterest can't be derived; send one or add a Location`},
		{"the register does not know the property", "POST /Sensors", `{"name":"s","description":"d","encodingType":"text/plain","metadata":"m","Datastreams":[{` + datastream + `,"Thing":{"name":"t","description":"d","Locations":[` + location + `]},"ObservedProperty":{"name":"n","definition":"urn:anlan:property:gas:methan","description":"d"}}]}`,
			"did you mean gas/methane?"},
		{"an Observation in a PATCH of links", "PATCH /Things({thing})", `{"name":"renamed","Locations":[{"@iot.id":{location}},{"@iot.id":987654321}]}`, `"field":"Locations[1]"`},
	}
	writeBoth(t, func(t *testing.T, w *writeWorld) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				w.t, w.names = t, map[string]string{}
				w.gauge()
				before, entries := w.counts(), w.count("select count(*) from ledger_leaves")
				seq := w.core.LastSeq()
				method, path, _ := strings.Cut(w.fill(c.do), " ")
				status, _, body := w.send(method, path, w.fill(c.body), "")
				if status < 400 || status > 499 || !strings.Contains(body, c.want) {
					t.Errorf("%d %s, want %s", status, body, c.want)
				}
				if got := w.grown(before); got != "" {
					t.Errorf("grew by %s", got)
				}
				if n := w.count("select count(*) from ledger_leaves"); n != entries {
					t.Errorf("%d entries of the ledger more", n-entries)
				}
				if w.core.LastSeq() != seq {
					t.Error("the log tells of it")
				}
				w.run(call{do: "GET /Things({thing})", status: 200, want: `"name":"gauge"`})
				// What was prepared in memory was taken back too.
				w.run(call{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1}`, status: 201, as: "o"})
				w.run(call{do: "GET /Observations({o})/FeatureOfInterest", status: 200, want: `"name":"yard"`})
			})
		}
	})
}

// The log tells subscribers what a deep insert made, owners first, as flat entities.
func TestChangesAreTold(t *testing.T) {
	w := writeStart(t, sqliteStore(t))
	from := w.core.LastSeq()
	w.gauge()
	w.run(call{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1}`, status: 201})
	w.run(call{do: "PATCH /Things({thing})", body: `{"name":"n2"}`, status: 200})
	w.run(call{do: "DELETE /Things({thing})", status: 200})
	want := strings.Split(w.fill(`created Things {thing} {"@iot.id":{thing},"name":"gauge","description":"a gauge"} []
created Locations {location} `+`{"@iot.id":{location},`+location[1:]+` [Things({thing})]
created HistoricalLocations 1 {"@iot.id":1,"time":"2026-11-23T12:00:00Z"} [Things({thing}) Locations({location})]
created Sensors {sensor} {"@iot.id":{sensor},`+sensor[1:]+` []
created ObservedProperties {property} {"@iot.id":{property},`+property[1:]+` []
created Datastreams {datastream} {"@iot.id":{datastream},`+datastream+`} [Things({thing}) Sensors({sensor}) ObservedProperties({property})]
created FeaturesOfInterest 1 {"@iot.id":1,"name":"yard","description":"the yard","encodingType":"application/geo+json","feature":{"type":"Point","coordinates":[121.5,31.25]}} []
updated Datastreams {datastream} observedArea
updated Things {thing} name
deleted Datastreams {datastream}
deleted HistoricalLocations 1
deleted Things {thing}`), "\n")
	ctx, cancel := context.WithTimeout(access.With(context.Background(), access.System("test")), 10*time.Second)
	defer cancel()
	got := w.told(ctx, from, len(want))
	for i, line := range want {
		if !strings.HasPrefix(got[i], line) {
			t.Errorf("entity %d\n got %s\nwant %s", i, got[i], line)
		}
	}
}
