package intake

import (
	"context"
	"io"
	"testing"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/clock"
)

// What a body of a hook costs before the log has it.
func BenchmarkHook(b *testing.B) {
	h := exampleHooks(b)["chirpstack"]
	s := &Service{Options: Options{Log: &counting{fake: newFake(ours)}, Clock: clock.NewVirtual(noon), Access: access.AllowAll}}
	body := Body{Query: map[string]string{"event": "up"}, Now: noon,
		JSON: []byte(`{"time":"2026-11-23T03:00:15Z","deviceInfo":{"devEui":"a84041ffff24a438"},"object":{"temperature":21.5,"distance_mm":3765,"battery":3.58}}`)}
	for b.Loop() {
		if r, err := s.Post(context.Background(), h, body, ""); err != nil || r.Accepted != 3 {
			b.Fatal(r, err)
		}
	}
}

// What a row of a file costs, read twice, before the log has it.
func BenchmarkImportRow(b *testing.B) {
	s := &Service{Options: Options{Log: &counting{fake: newFake(stations)}, Clock: clock.NewVirtual(noon), Access: access.AllowAll}}
	l := layoutOf(b, "source: w\nheader: [site, time, level, flow]\ntime: time\nseries: [{column: level, datastream: \"{site}/level\", unit: cm}]\n")
	in := Input{"l.csv", func() (io.ReadCloser, error) { return &endless{rows: b.N}, nil }}
	b.ResetTimer()
	if r, err := s.Import(context.Background(), l, []Input{in}, ImportOptions{}); err != nil || r.Accepted != b.N {
		b.Fatal(r, err)
	}
}
