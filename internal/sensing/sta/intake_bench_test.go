package sta

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/sensing"
)

func BenchmarkPostObservation(b *testing.B) {
	w := writeStart(b, sqliteStore(b))
	w.gauge()
	w.run(call{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1}`, status: 201})
	h := w.s.Handler()
	path := w.fill(Root + "/Datastreams({datastream})/Observations")
	ctx := access.With(context.Background(), access.System("bench"))
	var n atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			body := fmt.Appendf(nil, `{"phenomenonTime":"%s","result":21.5}`, time.UnixMicro(1_700_000_000_000_000+n.Add(1)*1000).UTC().Format(time.RFC3339Nano))
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, path, bytes.NewReader(body))
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			if rec.Code != 201 {
				b.Fatal(rec.Code, rec.Body)
			}
		}
	})
}

// The reading of one Observation, without the log.
func BenchmarkScanObservation(b *testing.B) {
	body := []byte(`{"phenomenonTime":"2026-11-23T03:00:00.123Z","result":21.5,"Datastream":{"@iot.id":12},"FeatureOfInterest":{"@iot.id":3}}`)
	b.ReportAllocs()
	for b.Loop() {
		var o observation
		if s := (scanner{b: body}); !s.observation(&o) {
			b.Fatal("not taken")
		}
	}
}

func BenchmarkDataArray(b *testing.B) {
	const rows = 10_000
	var body bytes.Buffer
	body.WriteString(`[{"Datastream":{"@iot.id":12},"components":["phenomenonTime","result"],"dataArray@iot.count":10000,"dataArray":[`)
	for i := range rows {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `["2026-11-23T03:%02d:%02d.%03dZ",%.2f]`, i/60%60, i%60, i%1000, math.Sin(float64(i))*20)
	}
	body.WriteString(`]}]`)
	b.ReportAllocs()
	var readings []sensing.Reading
	for b.Loop() {
		a := &arrays{scan: scanner{b: body.Bytes()}, wrong: map[int]string{}, stamp: func() int64 { return 1 }, readings: readings[:0]}
		if err := a.read(); err != nil || len(a.readings) != rows {
			b.Fatal(err, len(a.readings))
		}
		ids := make([]int64, rows)
		if answer := a.answer(&Writing{Root: "http://127.0.0.1:8080/v1.1"}, ids); len(answer.Body) == 0 {
			b.Fatal("no answer")
		}
		readings = a.readings
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/obs")
}

func BenchmarkCreateObservations(b *testing.B) {
	w := writeStart(b, sqliteStore(b))
	w.gauge()
	h := w.s.Handler()
	ctx := access.With(context.Background(), access.System("bench"))
	const rows = 10_000
	at := time.UnixMicro(1_700_000_000_000_000).UTC()
	var head = w.fill(`[{"Datastream":{"@iot.id":{datastream}},"components":["phenomenonTime","result"],"dataArray":[`)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		body := []byte(head)
		for i := range rows {
			at = at.Add(time.Millisecond)
			body = fmt.Appendf(body, `["%s",%d.5],`, at.Format(time.RFC3339Nano), i)
		}
		body = append(slices.Clip(body[:len(body)-1]), `]}]`...)
		b.StartTimer()
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, Root+"/CreateObservations", bytes.NewReader(body))
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code != 201 {
			b.Fatal(rec.Code, rec.Body)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/obs")
}
