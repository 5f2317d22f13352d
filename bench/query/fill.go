//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/anlan-city/anlan/bench/ingest/rig"
)

const (
	perThing   = 10 // datastreams, each with a sensor of its own
	clients    = 4  // that fill, each for its share of the datastreams
	perRequest = 20 // readings of each datastream
)

// city is what a store is filled with.
type city struct {
	Streams, Rows int
	Zeros         bool      // 12.0 for 12
	From          time.Time // the first reading of each datastream
}

// per is how many readings each datastream has.
func (c city) per() int { return c.Rows / c.Streams }

// step is the time between two of them: all together cover a year.
func (c city) step() time.Duration {
	return (365 * 24 * time.Hour / time.Duration(c.per())).Truncate(time.Second)
}

// tick is when the n-th readings are due.
func (c city) tick(n int) time.Time { return c.From.Add(time.Duration(n) * c.step()) }

// at is the time of a datastream's n-th reading: every second instrument keeps its time, the others are late by up to half
// a minute, each time anew.
func (c city) at(datastream int64, n int) time.Time {
	if datastream%2 == 0 {
		return c.tick(n)
	}
	return c.tick(n).Add(time.Duration(mix(uint64(datastream)<<32+uint64(n))%30) * time.Second)
}

// mix makes numbers that look random of numbers that count up (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// filled is a city that is in the store, and what it took to bring it there.
type filled struct {
	city
	Took time.Duration
	Peak int64 // bytes of memory
	CPU  time.Duration
}

func (f filled) print(out io.Writer) {
	fmt.Fprintf(out, "%d datastreams with %d readings each, one every %s; filled at %.0f readings/s, %.2f µs of the server's CPU each\n",
		f.Streams, f.per(), f.step(), float64(f.Rows)/f.Took.Seconds(), f.CPU.Seconds()*1e6/float64(f.Rows))
}

// fillOnce fills a store, unless the file says that it is full.
func fillOnce(ctx context.Context, s *rig.Server, file string, c city) (f filled, err error) {
	text, err := os.ReadFile(file)
	if err == nil {
		if err := json.Unmarshal(text, &f); err != nil {
			return f, fmt.Errorf("%s: %w", file, err)
		}
		if f.Streams != c.Streams || f.Rows != c.Rows || f.Zeros != c.Zeros {
			return f, fmt.Errorf("%s was filled with %d datastreams and %d rows (zeros: %v); name another folder", file, f.Streams, f.Rows, f.Zeros)
		}
		return f, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return f, err
	}
	if _, err := os.Stat(s.Data); err == nil {
		return f, fmt.Errorf("%s was begun and not finished; remove it", s.Data)
	}
	f.city = c
	f.From = time.Now().UTC().Truncate(time.Hour).Add(-time.Duration(c.per()) * c.step())
	if err := s.Start(ctx); err != nil {
		return f, err
	}
	defer s.Kill()
	if err := catalogue(ctx, s.Client(false), c.Streams/perThing); err != nil {
		return f, err
	}
	ids, err := datastreams(ctx, s.Client(false))
	if err != nil || len(ids) != c.Streams {
		return f, fmt.Errorf("%d datastreams of %d: %w", len(ids), c.Streams, err)
	}
	begin := time.Now()
	before, err := s.CPU()
	if err != nil {
		return f, err
	}
	var acked atomic.Int64
	if err := send(ctx, s, source{ids, c.Zeros, f.at}, 0, c.per(), &acked); err != nil {
		return f, err
	}
	if _, err := s.Client(false).Settled(ctx); err != nil {
		return f, err
	}
	f.Took = time.Since(begin)
	if f.CPU, err = s.CPU(); err != nil {
		return f, err
	}
	f.CPU -= before
	if f.Peak, err = s.Peak(); err != nil {
		return f, err
	}
	if err := s.Stop(); err != nil {
		return f, err
	}
	if text, err = json.Marshal(f); err != nil {
		return f, err
	}
	return f, os.WriteFile(file, text, 0o600)
}

// source says what is sent: for which datastreams, in which form, and the time of the n-th reading of each.
type source struct {
	ids   []int64
	zeros bool
	at    func(datastream int64, n int) time.Time
}

// send brings in the readings from..to-1 of each datastream, in the order of time.
func send(ctx context.Context, s *rig.Server, of source, from, to int, acked *atomic.Int64) error {
	g, ctx := errgroup.WithContext(ctx)
	share := len(of.ids) / clients
	for i := range clients {
		g.Go(func() error {
			conn, err := rig.Dial(s.Addr)
			if err != nil {
				return err
			}
			defer conn.Close()
			mine := of
			mine.ids = of.ids[i*share : (i+1)*share]
			walks := make([]walk, share)
			for j := range walks {
				walks[j] = newWalk(mine.ids[j])
			}
			var body []byte
			for n := from; n < to && ctx.Err() == nil; n += perRequest {
				body = mine.arrays(body[:0], walks, n)
				status, answer, err := conn.Do(conn.Request("POST", "/v1.1/CreateObservations", "Prefer: return=minimal\r\n", body))
				if err != nil {
					return err
				}
				if status != http.StatusCreated || bytes.Contains(answer, []byte(`"error`)) {
					return fmt.Errorf("CreateObservations was answered by %d %.300q", status, answer)
				}
				acked.Add(int64(share * perRequest))
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}

// arrays are the readings n..n+perRequest-1 of all as CreateObservations takes them.
func (of source) arrays(dst []byte, walks []walk, n int) []byte {
	dst = append(dst, '[')
	for i, id := range of.ids {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(append(dst, `{"Datastream":{"@iot.id":`...), id, 10)
		dst = append(dst, `},"components":["phenomenonTime","result"],"dataArray":[`...)
		for k := range perRequest {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = of.at(id, n+k).UTC().AppendFormat(append(dst, `["`...), time.RFC3339)
			dst = append(dst, `",`...)
			dst = append(walks[i].next(dst, of.zeros), ']')
		}
		dst = append(dst, "]}"...)
	}
	return append(dst, ']')
}

// walk is a value in tenths that varies slowly, by half a unit at most.
type walk struct {
	tenths int64
	seed   uint64
}

func newWalk(datastream int64) walk {
	return walk{tenths: 50 + datastream*7919%400, seed: mix(uint64(datastream))}
}

func (w *walk) next(dst []byte, zeros bool) []byte {
	w.seed++
	w.tenths = max(10, w.tenths+int64(mix(w.seed)%11)-5)
	dst = strconv.AppendInt(dst, w.tenths/10, 10)
	if tenth := w.tenths % 10; tenth != 0 || zeros {
		dst = append(dst, '.', byte('0'+tenth))
	}
	return dst
}

type obj = map[string]any

// catalogue makes Things with their Locations, Datastreams and Sensors, each by one deep insert.
func catalogue(ctx context.Context, c *rig.Client, things int) error {
	var properties [perThing]int64
	for i := range properties {
		var out struct {
			ID int64 `json:"@iot.id"`
		}
		err := c.Call(ctx, http.MethodPost, "/v1.1/ObservedProperties", "", obj{
			"name": fmt.Sprintf("property %d", i), "definition": fmt.Sprintf("https://example.org/property/%d", i), "description": "what a city measures"}, &out)
		if err != nil {
			return err
		}
		properties[i] = out.ID
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i := range things {
		g.Go(func() error {
			var streams []obj
			for j, property := range properties {
				name := fmt.Sprintf("thing %d property %d", i, j)
				streams = append(streams, obj{
					"name": name, "description": "as measured",
					"observationType":   "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
					"unitOfMeasurement": obj{"name": "degree Celsius", "symbol": "Cel", "definition": "ucum:Cel"},
					"ObservedProperty":  obj{"@iot.id": property},
					"Sensor":            obj{"name": name, "description": "one of many", "encodingType": "text/html", "metadata": "https://example.org/sensor"},
				})
			}
			return c.Call(ctx, http.MethodPost, "/v1.1/Things", "", obj{
				"name": fmt.Sprintf("thing %d", i), "description": "a thing of the city", "properties": obj{"district": i % 17},
				"Locations": []any{obj{"name": "place", "description": "where it stands", "encodingType": "application/geo+json",
					"location": obj{"type": "Point", "coordinates": []float64{121 + float64(i%100)/100, 31 + float64(i/100)/100}}}},
				"Datastreams": streams,
			}, nil)
		})
	}
	return g.Wait()
}

// datastreams are the ids of all, in their order.
func datastreams(ctx context.Context, c *rig.Client) (ids []int64, err error) {
	for {
		last := int64(0)
		if len(ids) > 0 {
			last = ids[len(ids)-1]
		}
		var page struct {
			Value []struct {
				ID int64 `json:"@iot.id"`
			} `json:"value"`
		}
		if err := c.Call(ctx, http.MethodGet, fmt.Sprintf("/v1.1/Datastreams?$select=id&$orderby=id&$top=1000&$filter=id%%20gt%%20%d", last), "", nil, &page); err != nil {
			return nil, err
		}
		if len(page.Value) == 0 {
			return ids, nil
		}
		for _, d := range page.Value {
			ids = append(ids, d.ID)
		}
	}
}
