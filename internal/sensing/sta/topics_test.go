package sta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/mqtt"
)

// heard subscribes to topics, does something, and returns the messages that each topic got.
func (w *readWorld) heard(do func(), topics ...string) map[string][]string {
	w.t.Helper()
	feed := w.s.Feed()
	var subs []mqtt.Subscription
	for _, topic := range topics {
		sub, err := feed.Compile(access.With(context.Background(), w.as), topic)
		if err != nil {
			w.t.Fatalf("%s: %v", topic, err)
		}
		subs = append(subs, sub)
	}
	before := feed.LastSeq()
	do()
	out := map[string][]string{}
	end := feed.LastSeq()
	if end == before {
		return out
	}
	enough := errors.New("enough")
	err := feed.Tail(context.Background(), before, func(row mqtt.Row) error {
		for _, sub := range subs {
			if err := sub.Messages(row, func(topic string, payload []byte) error {
				out[topic] = append(out[topic], string(payload))
				return nil
			}); err != nil {
				return err
			}
		}
		if row.Seq() >= end {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		w.t.Fatal(err)
	}
	return out
}

// like checks that a topic got exactly one message, and that it is what GET of the path gives.
func (w *readWorld) like(got map[string][]string, topic, path string) {
	w.t.Helper()
	if len(got[topic]) != 1 {
		w.t.Errorf("%s got %d messages: %s", topic, len(got[topic]), got[topic])
		return
	}
	_, _, body := w.call("GET", path, "")
	// Without a public URL messages have links relative to the server.
	body = strings.ReplaceAll(body, w.url, Root)
	var a, b map[string]any
	if err := errors.Join(json.Unmarshal([]byte(got[topic][0]), &a), json.Unmarshal([]byte(body), &b)); err != nil {
		w.t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		w.t.Errorf("%s got %s\n%s is %s", topic, got[topic][0], path, body)
	}
}

// one of each set, by a body that makes it and one that changes it.
var ofEachSet = []struct{ set, make, change, property string }{
	{setThings, `{"name":"t","description":"d","properties":{"a":1}}`, `{"name":"new"}`, "name"},
	{setLocations, `{"name":"l","description":"d","encodingType":"application/geo+json","location":{"type":"Point","coordinates":[8,51]},"Things":[{"@iot.id":1}]}`, `{"description":"new"}`, "description"},
	{setSensors, `{"name":"s","description":"d","encodingType":"text","metadata":"m"}`, `{"metadata":"new"}`, "metadata"},
	{setObservedProperties, `{"name":"p","definition":"http://example.org/p","description":"d"}`, `{"definition":"http://example.org/new"}`, "definition"},
	{setFeatures, `{"name":"f","description":"d","encodingType":"application/geo+json","feature":{"type":"Point","coordinates":[8,51]}}`, `{"name":"new"}`, "name"},
	{setDatastreams, `{"name":"ds","description":"d","observationType":"o","unitOfMeasurement":{"name":"n","symbol":"Cel","definition":"d"},
		"Thing":{"@iot.id":1},"Sensor":{"@iot.id":1},"ObservedProperty":{"@iot.id":1}}`, `{"unitOfMeasurement":{"name":"n","symbol":"K","definition":"d"}}`, "unitOfMeasurement"},
	{setHistoricalLocations, `{"time":"2015-01-01T00:00:00Z","Thing":{"@iot.id":1},"Locations":[{"@iot.id":1}]}`, `{"time":"2015-01-02T00:00:00Z"}`, "time"},
	{setObservations, `{"result":1,"phenomenonTime":"2016-01-01T00:00:00Z","Datastream":{"@iot.id":1},"FeatureOfInterest":{"@iot.id":1}}`, `{"result":43}`, "result"},
}

// selectsOf are the halves of what a set's entities have.
func selectsOf(set string) (even, odd string) {
	half := [2][]string{{"@iot.id"}, {"@iot.selfLink"}}
	props := []string{"phenomenonTime", "result", "resultTime", "parameters"}
	if k := kindOf(set); k != nil {
		props = nil
		for _, c := range k.columns {
			props = append(props, c.property)
		}
	}
	for i, p := range props {
		half[(i+1)%2] = append(half[(i+1)%2], p)
	}
	return strings.Join(half[0], ","), strings.Join(half[1], ",")
}

// A subscription of a kind of which there can be any number shares with nobody, so that nobody waits for it.
func TestKeysOfTopics(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		for _, e := range ofEachSet {
			w.post("/"+e.set, e.make)
		}
		for topic, shared := range map[string]bool{
			"v1.1/Observations": true, "v1.1/Things": true, "v1.1/Datastreams(1)/Observations": true, "v1.1/Things(1)": true,
			"v1.1/Things(1)/name": true, "v1.1/Things(1)/Datastreams": true,
			"v1.1/Observations?$select=result": false, "v1.1/Observations?$filter=result gt 3": false, "v1.1/Things?": false,
			"v1.1/Things(1)/Datastreams(1)/Observations": false, "v1.1/Datastreams(1)/Thing/Datastreams": false,
			"v1.1/FeaturesOfInterest(1)/Observations": false,
		} {
			sub, err := w.s.Feed().Compile(access.With(context.Background(), w.as), topic)
			if err != nil {
				t.Fatalf("%s: %v", topic, err)
			}
			if key := sub.Key(); key != "" != shared {
				t.Errorf("%s has the key %q", topic, key)
			}
		}
	})
}

func TestTopicsOfSets(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		ids := map[string]int64{}
		for _, e := range ofEachSet {
			even, odd := selectsOf(e.set)
			topics := []string{"v1.1/" + e.set, "v1.1/" + e.set + "?$select=" + even, "v1.1/" + e.set + "?$select=" + odd}
			got := w.heard(func() { ids[e.set] = w.post("/"+e.set, e.make) }, topics...)
			if e.set == setDatastreams && len(got[topics[0]]) > 1 {
				t.Errorf("%s", got[topics[0]])
			}
			for _, topic := range topics {
				path := fmt.Sprintf("/%s(%d)", e.set, ids[e.set])
				if _, options, ok := strings.Cut(topic, "?"); ok {
					path += "?" + options
				}
				w.like(got, topic, path)
			}
		}
		for _, method := range []string{"PATCH", "PUT"} {
			for _, e := range ofEachSet {
				one := fmt.Sprintf("%s(%d)", e.set, ids[e.set])
				even, odd := selectsOf(e.set)
				topics := []string{"v1.1/" + e.set, "v1.1/" + e.set + "?$select=" + even, "v1.1/" + e.set + "?$select=" + odd, "v1.1/" + one, "v1.1/" + one + "/" + e.property}
				body := e.change
				if method == "PUT" {
					body = strings.NewReplacer(`"n"`, `"put"`, `"t"`, `"put"`, `"d"`, `"put"`, `:"m"`, `:"put"`, "2015-01-01", "2015-02-02", `"p"`, `"put"`, "/p\"", "/put\"", `"result":1`, `"result":99`, `"f"`, `"put"`).Replace(e.make)
					body = strings.Split(body, `,"Things"`)[0]
					body = strings.Split(strings.Split(body, `,
		"Thing"`)[0], `,"Thing"`)[0]
					body = strings.Split(body, `,"Datastream"`)[0]
					if !strings.HasSuffix(body, "}}") && !strings.HasSuffix(body, "}") {
						body += "}"
					}
					if strings.Count(body, "{") > strings.Count(body, "}") {
						body += "}"
					}
				}
				got := w.heard(func() {
					if status, _, answer := w.call(method, "/"+one, body); status != 200 {
						t.Fatalf("%s %s %s: %d %s", method, one, body, status, answer)
					}
				}, topics...)
				w.like(got, topics[0], "/"+one)
				w.like(got, topics[1], "/"+one+"?$select="+even)
				w.like(got, topics[2], "/"+one+"?$select="+odd)
				w.like(got, topics[3], "/"+one)
				w.like(got, topics[4], "/"+one+"/"+e.property)
			}
		}
	})
}

func TestTopicsBelowOthers(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		w.city()
		first := idsOf(w.get("/Datastreams(1)/Observations?$top=1")["value"])
		for _, c := range []struct {
			entity string // what is changed
			change string
			topics []string // that hear of it
			deaf   []string // that must not
		}{
			{"Things(1)", `{"name":"x"}`,
				[]string{"Datastreams(1)/Thing", "Locations(1)/Things", "Observations(" + first + ")/Datastream/Thing", "HistoricalLocations(1)/Thing", "Datastreams(2)/Thing"},
				[]string{"Datastreams(3)/Thing", "Locations(2)/Things", "Things(2)", "Things(1)/description"}},
			{"Datastreams(1)", `{"description":"x"}`,
				[]string{"Things(1)/Datastreams", "Sensors(1)/Datastreams", "ObservedProperties(1)/Datastreams", "Datastreams(2)/Thing/Datastreams", "Observations(" + first + ")/Datastream", "Things(1)/Datastreams(1)"},
				[]string{"Things(2)/Datastreams", "Sensors(2)/Datastreams", "Datastreams(1)/name"}},
			{"Locations(1)", `{"name":"x"}`, []string{"Things(1)/Locations", "Datastreams(1)/Thing/Locations", "HistoricalLocations(1)/Locations"}, []string{"Things(2)/Locations"}},
			{"HistoricalLocations(1)", `{"time":"2014-01-01T00:00:00Z"}`, []string{"Things(1)/HistoricalLocations", "Locations(1)/HistoricalLocations"}, []string{"Things(2)/HistoricalLocations"}},
			{"Sensors(1)", `{"metadata":"x"}`, []string{"Datastreams(1)/Sensor", "Observations(" + first + ")/Datastream/Sensor"}, []string{"Datastreams(2)/Sensor"}},
			{"FeaturesOfInterest(1)", `{"name":"x"}`, []string{"Observations(" + first + ")/FeatureOfInterest"}, []string{"FeaturesOfInterest(2)"}},
			{"Observations(" + first + ")", `{"result":77}`,
				[]string{"Datastreams(1)/Observations", "FeaturesOfInterest(1)/Observations", "Observations(" + first + ")", "Things(1)/Datastreams(1)/Observations"},
				[]string{"Datastreams(2)/Observations", "FeaturesOfInterest(2)/Observations", "Observations(" + first + ")/phenomenonTime"}},
		} {
			var topics []string
			for _, topic := range append(c.topics[:len(c.topics):len(c.topics)], c.deaf...) {
				topics = append(topics, "v1.1/"+topic)
			}
			got := w.heard(func() { w.call("PATCH", "/"+c.entity, c.change) }, topics...)
			for _, topic := range c.topics {
				w.like(got, "v1.1/"+topic, "/"+c.entity)
			}
			for _, topic := range c.deaf {
				if len(got["v1.1/"+topic]) > 0 {
					t.Errorf("%s heard of %s: %s", topic, c.entity, got["v1.1/"+topic])
				}
			}
		}
		// A deep insert tells each of its sets once, the HistoricalLocation that came by itself too.
		topics := []string{"v1.1/Things", "v1.1/Locations", "v1.1/HistoricalLocations", "v1.1/Datastreams", "v1.1/Sensors", "v1.1/ObservedProperties"}
		got := w.heard(func() {
			w.post("/Things", `{"name":"t","description":"d","Locations":[{"name":"l","description":"d","encodingType":"application/geo+json",
				"location":{"type":"Point","coordinates":[8,51]}}],"Datastreams":[`+stream(9, 1)+`]}`)
		}, topics...)
		for _, topic := range topics {
			if len(got[topic]) != 1 {
				t.Errorf("%s: %d messages", topic, len(got[topic]))
			}
		}
		// An Observation brings its FeatureOfInterest along.
		topics = []string{"v1.1/Observations", "v1.1/FeaturesOfInterest", "v1.1/Datastreams(5)/Observations?$select=phenomenonTime,result", "v1.1/Datastreams(1)/Observations"}
		got = w.heard(func() {
			w.post("/Datastreams(5)/Observations", `{"result":1.5,"phenomenonTime":"2016-01-01T00:00:00Z"}`)
		}, topics...)
		if len(got[topics[0]]) != 1 || len(got[topics[1]]) != 1 || len(got[topics[3]]) != 0 || fmt.Sprint(got[topics[2]]) != `[{"phenomenonTime":"2016-01-01T00:00:00Z","result":1.5}]` {
			t.Errorf("%v", got)
		}
		// Filters in topics, as FROST has them.
		topics = []string{"v1.1/Observations?$filter=result gt 4", "v1.1/Observations?$filter=result gt 5", "v1.1/Observations?$filter=Datastream/id eq 2",
			"v1.1/Observations?$filter=startswith(FeatureOfInterest/name,'x')"}
		got = w.heard(func() {
			for _, result := range []int{10, 5, 0} {
				w.post("/Datastreams(2)/Observations", fmt.Sprintf(`{"result":%d}`, result))
			}
		}, topics...)
		if len(got[topics[0]]) != 2 || len(got[topics[1]]) != 1 || len(got[topics[2]]) != 3 || len(got[topics[3]]) != 3 {
			t.Errorf("%v", got)
		}
	})
}

func TestTopicsThatAreRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.city()
		for _, topic := range []string{
			"", "v1.1", "v1.1/", "v1.1/#", "v1.1/+/1", "v2.0/Things", "v1.1/Thigs", "v1.1/Things(99)/Datastreams", "v1.1/Things(1)/Datastreams(3)/Observations",
			"v1.1/Things?$expand=Datastreams", "v1.1/Things?$top=1", "v1.1/Things/$ref", "v1.1/Things(1)/name/$value", "v1.1/Things?$select=nothing", "v1.1/Things(1)/name?$select=name",
		} {
			if _, err := w.s.Feed().Compile(access.With(context.Background(), w.as), topic); err == nil {
				t.Errorf("%q was taken", topic)
			}
		}
	})
}

// BenchmarkTopics is a row of 10,000 readings of 1,000 datastreams, for subscriptions to one of them each and to all.
func BenchmarkTopics(b *testing.B) {
	w := readStart(b, dbtest.SQLite(b, readMigrations()...))
	w.city()
	feed := w.s.Feed()
	row := func() *feedRow {
		r := &feedRow{}
		for i := range 10_000 {
			r.batch.Readings = append(r.batch.Readings, sensing.Stored{ID: int64(i + 1<<30), Reading: sensing.Reading{Datastream: int64(i%1000 + 1), At: 1_700_000_000_000_000, Value: sensing.Number(21.5), Feature: 1}})
		}
		return r
	}()
	for _, c := range []struct {
		name, topic string
		n           int
	}{{"100 of one datastream", "v1.1/Datastreams(1)/Observations", 100}, {"one of all", "v1.1/Observations", 1}, {"one of a catalogue set", "v1.1/Things", 1}} {
		sub, err := feed.Compile(access.With(context.Background(), w.as), c.topic)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			messages := 0
			for b.Loop() {
				row.byStream = nil
				for range c.n {
					if err := sub.Messages(row, func(string, []byte) error { messages++; return nil }); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(messages)/float64(b.N), "messages/op")
		})
	}
}
