//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"time"
)

// questions are all that is asked. Each counts for a figure of the last line, or stands in the table only.
func (a *asker) questions() []question {
	out := []question{
		{"latest", "latest of all datastreams", func() string { return "/api/v1/latest" }, a.allLatest, false},
		{"count", "$count of all Observations", func() string { return "/v1.1/Observations?$count=true&$top=0" }, count(a.Rows), false},
		{"count", "$count of one datastream", func() string { return fmt.Sprintf("/v1.1/Datastreams(%d)/Observations?$count=true&$top=0", a.stream()) }, count(a.per()), false},
		a.byID(),
		{"history", "a year of a datastream in 500 buckets", func() string { return fmt.Sprintf("/api/v1/datastreams/%d/buckets?count=500", a.stream()) }, a.buckets, false},
		{"", "the same with percentiles", func() string {
			return fmt.Sprintf("/api/v1/datastreams/%d/buckets?count=500&percentiles=50,95", a.stream())
		}, a.buckets, false},
		{"", "a year of a datastream as CSV", func() string { return fmt.Sprintf("/api/v1/datastreams/%d/readings.csv", a.stream()) }, anything, false},
		{"expand", "Datastreams with their latest Observation", func() string {
			return fmt.Sprintf("/v1.1/Datastreams?$expand=Observations($top=1;$orderby=phenomenonTime desc)&$top=100&$skip=%d", a.deep(a.Streams))
		}, a.latestExpanded, false},
	}
	page := func(name string, target func() string) {
		out = append(out, question{"page", name, target, full, false})
	}
	chain := func(name string, target func() string) {
		out = append(out, question{"page", name + ", along nextLink", target, some, true})
	}
	at := func(format string, n func() any) func() string {
		return func() string { return fmt.Sprintf(format, n()) }
	}
	anyRow := func() any { return a.deep(a.Rows) }
	within := func() any { return a.deep(a.per()) }

	page("Observations, anywhere", at("/v1.1/Observations?$skip=%d&$top=100", anyRow))
	chain("Observations", at("/v1.1/Observations?$skip=%d&$top=100", anyRow))
	page("Observations, the newest", func() string { return "/v1.1/Observations?$orderby=phenomenonTime desc&$top=100" })
	page("Observations of a datastream, anywhere", func() string {
		return fmt.Sprintf("/v1.1/Datastreams(%d)/Observations?$skip=%d&$top=100", a.stream(), within())
	})
	page("Observations of a datastream, newest first, anywhere", func() string {
		return fmt.Sprintf("/v1.1/Datastreams(%d)/Observations?$orderby=phenomenonTime desc&$skip=%d&$top=100", a.stream(), within())
	})
	chain("Observations of a datastream, newest first", func() string {
		return fmt.Sprintf("/v1.1/Datastreams(%d)/Observations?$orderby=phenomenonTime desc&$skip=%d&$top=100", a.stream(), within())
	})
	page("Observations, Datastream/id eq, anywhere", func() string {
		return fmt.Sprintf("/v1.1/Observations?$filter=Datastream/id eq %d&$skip=%d&$top=100", a.stream(), within())
	})
	page("Observations, id gt", func() string {
		id, _, n := a.observation()
		return fmt.Sprintf("/v1.1/Observations?$filter=id gt %d&$top=100", id-int64(n))
	})
	page("Observations of a datastream since a time", func() string {
		return fmt.Sprintf("/v1.1/Datastreams(%d)/Observations?$filter=phenomenonTime ge %s&$top=100", a.stream(), a.stamp(pageSize))
	})
	page("Observations since a time", func() string {
		return fmt.Sprintf("/v1.1/Observations?$filter=phenomenonTime ge %s&$top=100", a.stamp(pageSize))
	})
	page("Observations of a month, anywhere", func() string {
		from := a.rng.IntN(a.per() - a.per()/12)
		return fmt.Sprintf("/v1.1/Observations?$filter=phenomenonTime ge %s and phenomenonTime lt %s&$skip=%d&$top=100",
			a.tick(from).Format(time.RFC3339), a.tick(from+a.per()/12).Format(time.RFC3339), a.deep(a.Rows/12))
	})
	page("Observations since a time, by time", func() string {
		return fmt.Sprintf("/v1.1/Observations?$filter=phenomenonTime ge %s&$orderby=phenomenonTime&$top=100", a.stamp(pageSize))
	})
	things := a.Streams / perThing
	for set, n := range a.sets() {
		page(set+", anywhere", func() string { return fmt.Sprintf("/v1.1/%s?$skip=%d&$top=100", set, a.deep(n)) })
		chain(set, func() string { return fmt.Sprintf("/v1.1/%s?$skip=%d&$top=100", set, a.deep(n)) })
		page(set+", id gt", func() string { return fmt.Sprintf("/v1.1/%s?$filter=id gt %d&$top=100", set, a.deep(n)) })
	}
	out = append(out,
		question{"page", "ObservedProperties", func() string { return "/v1.1/ObservedProperties" }, some, false},
		question{"page", "Datastreams of a Thing", func() string { return fmt.Sprintf("/v1.1/Things(%d)/Datastreams", a.thing()) }, some, false},
		question{"page", "Datastreams, Thing/id eq", func() string { return fmt.Sprintf("/v1.1/Datastreams?$filter=Thing/id eq %d", a.thing()) }, some, false},
		question{"page", "HistoricalLocations since a time", func() string {
			return "/v1.1/HistoricalLocations?$filter=time ge 2020-01-01T00:00:00Z&$top=100&$skip=" + fmt.Sprint(a.deep(things))
		}, full, false},
		question{"page", "Observations of a FeatureOfInterest, anywhere", func() string {
			return fmt.Sprintf("/v1.1/FeaturesOfInterest(%d)/Observations?$skip=%d&$top=100", 1+a.rng.IntN(things), a.deep(a.per()*perThing))
		}, full, false},
		question{"", "Things with their Datastreams and the latest of each", func() string {
			return fmt.Sprintf("/v1.1/Things?$expand=Datastreams($expand=Observations($top=1;$orderby=phenomenonTime desc))&$top=100&$skip=%d", a.deep(things))
		}, full, false},
		question{"", "Observations by time, anywhere", at("/v1.1/Observations?$orderby=phenomenonTime&$skip=%d&$top=100", anyRow), full, false},
		question{"", "Observations of a Thing", func() string {
			return fmt.Sprintf("/v1.1/Observations?$filter=Datastream/Thing/id eq %d&$top=100", a.thing())
		}, full, false},
		question{"", "Observations, result gt, in a datastream", func() string {
			return fmt.Sprintf("/v1.1/Datastreams(%d)/Observations?$filter=result gt 1&$top=100", a.stream())
		}, full, false},
	)
	return out
}

// sets are the sets of the catalogue that are long enough for depth, with how many are in them.
func (a *asker) sets() func(func(string, int) bool) {
	things := a.Streams / perThing
	return func(yield func(string, int) bool) {
		_ = yield("Things", things) && yield("Locations", things) && yield("HistoricalLocations", things) &&
			yield("FeaturesOfInterest", things) && yield("Datastreams", a.Streams) && yield("Sensors", a.Streams)
	}
}

func (a *asker) thing() int64 { return a.things[a.rng.IntN(len(a.things))] }

// byID asks for one Observation and sees that it is the right one.
func (a *asker) byID() question {
	var id, owner int64
	var n int
	return question{"byid", "one Observation by its id", func() string {
		id, owner, n = a.observation()
		return fmt.Sprintf("/v1.1/Observations(%d)", id)
	}, func(answer []byte) error {
		var o struct {
			ID   int64     `json:"@iot.id"`
			Time time.Time `json:"phenomenonTime"`
		}
		if err := json.Unmarshal(answer, &o); err != nil {
			return err
		}
		if want := a.at(owner, n); o.ID != id || !o.Time.Equal(want) {
			return fmt.Errorf("expected %d of %s, got %d of %s", id, want, o.ID, o.Time)
		}
		return nil
	}, false}
}

func (a *asker) allLatest(answer []byte) error {
	var all struct {
		Items []struct {
			Datastream int64     `json:"datastream"`
			At         time.Time `json:"at"`
			Count      int       `json:"count"`
		} `json:"items"`
	}
	if err := json.Unmarshal(answer, &all); err != nil {
		return err
	}
	if len(all.Items) != a.Streams {
		return fmt.Errorf("%d datastreams, expected %d", len(all.Items), a.Streams)
	}
	for _, d := range all.Items {
		if want := a.at(d.Datastream, a.per()-1); d.Count != a.per() || !d.At.Equal(want) {
			return fmt.Errorf("datastream %d has %d readings until %s, expected %d until %s", d.Datastream, d.Count, d.At, a.per(), want)
		}
	}
	return nil
}

func (a *asker) buckets(answer []byte) error {
	var all struct {
		Items []struct {
			Count int `json:"count"`
		} `json:"items"`
	}
	if err := json.Unmarshal(answer, &all); err != nil {
		return err
	}
	sum := 0
	for _, b := range all.Items {
		sum += b.Count
	}
	if sum != a.per() || len(all.Items) > 500 {
		return fmt.Errorf("%d readings in %d buckets, expected %d in 500", sum, len(all.Items), a.per())
	}
	return nil
}

func (a *asker) latestExpanded(answer []byte) error {
	var page struct {
		Value []struct {
			ID           int64 `json:"@iot.id"`
			Observations []struct {
				Time time.Time `json:"phenomenonTime"`
			} `json:"Observations"`
		} `json:"value"`
	}
	if err := json.Unmarshal(answer, &page); err != nil {
		return err
	}
	if len(page.Value) != pageSize {
		return fmt.Errorf("%d datastreams on the page", len(page.Value))
	}
	for _, d := range page.Value {
		if want := a.at(d.ID, a.per()-1); len(d.Observations) != 1 || !d.Observations[0].Time.Equal(want) {
			return fmt.Errorf("expected the latest of datastream %d, of %s, got %v", d.ID, want, d.Observations)
		}
	}
	return nil
}

func count(want int) func([]byte) error {
	return func(answer []byte) error {
		var c struct {
			Count int `json:"@iot.count"`
		}
		if err := json.Unmarshal(answer, &c); err != nil {
			return err
		}
		if c.Count != want {
			return fmt.Errorf("expected %d", want)
		}
		return nil
	}
}

// full takes a page of pageSize entities, some one that may be shorter.
func full(answer []byte) error { return holds(answer, pageSize) }
func some(answer []byte) error { return holds(answer, 1) }

func holds(answer []byte, least int) error {
	var page struct {
		Value []struct {
			ID int64 `json:"@iot.id"`
		} `json:"value"`
	}
	if err := json.Unmarshal(answer, &page); err != nil {
		return err
	}
	seen := map[int64]bool{}
	for _, e := range page.Value {
		seen[e.ID] = true
	}
	if len(page.Value) < least || len(seen) != len(page.Value) {
		return fmt.Errorf("%d entities on the page, %d different, expected at least %d", len(page.Value), len(seen), least)
	}
	return nil
}

func anything([]byte) error { return nil }
