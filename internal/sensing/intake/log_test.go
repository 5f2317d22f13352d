package intake

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/sensing"
)

// A body and a file all the way to the store, and back out of it.
func TestIntoTheRealLog(t *testing.T) {
	ctx := access.With(context.Background(), access.System("test"))
	log, err := sensing.New(ctx, sensing.Options{
		DB: dbtest.SQLite(t, ledger.Migrations(), sensing.Migrations()), Clock: clock.NewVirtual(noon), Access: access.AllowAll,
		Property: func(string) (sensing.Property, bool) { return sensing.Property{Unit: "m", Number: true}, true },
		Asset:    func(int64) sensing.Asset { return sensing.Asset{} },
	})
	if err != nil {
		t.Fatal(err)
	}
	var id int64
	err = log.Change(ctx, "test", func(tx *sensing.Tx) (err error) {
		id, err = tx.AddDatastream(sensing.Datastream{ExternalID: "a84041ffff24a438/level", Asset: 7, Property: "flood/level", Unit: "m", Name: "level"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	url := serve(t, Options{Log: log, Clock: clock.NewVirtual(noon), Access: access.AllowAll})
	status, got := post(t, url+"/api/v1/hooks/chirpstack?event=up", "lorawan", "application/json",
		strings.NewReader(`{"time":"2026-11-23T03:00:15.5Z","deviceInfo":{"devEui":"a84041ffff24a438"},"object":{"distance_mm":3765}}`))
	if status != 200 || got != `{"accepted":1,"marked":0,"refused":[],"refused_count":0}`+"\n" {
		t.Fatal(status, got)
	}
	const mapping = "source: lorawan\ntime: time\nseries: [{column: level, datastream: \"{eui}/level\", unit: mm}]\n"
	const file = "eui,time,level\na84041ffff24a438,2026-11-23T03:00:15.5Z,1235\na84041ffff24a438,2026-11-23T03:15:00Z,1240\n"
	for _, marked := range []string{`"accepted":2,"marked":1,`, `"accepted":2,"marked":2,`} { // the second time all are repeats
		contentType, body := form(t, "mapping", "m.yaml", mapping, "file", "l.csv", file)
		if status, got = post(t, url+"/api/v1/readings/import", "lorawan", contentType, body); status != 200 || !strings.Contains(got, marked) {
			t.Fatal(status, got)
		}
	}
	rs, err := log.History(ctx, id, time.Time{}, time.Time{}, 10)
	if err != nil || len(rs) != 5 {
		t.Fatal(rs, err)
	}
	if first, last := rs[0], rs[4]; first.Value.String() != "1.235" || first.At != time.Date(2026, 11, 23, 3, 0, 15, 5e8, time.UTC).UnixMicro() || last.Value.String() != "1.24" {
		t.Fatal(rs)
	}
}
