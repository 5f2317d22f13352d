//go:build linux

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the drivers that the server has too
	_ "modernc.org/sqlite"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/sensing"
)

// ceiling is what the disk and the store can do with nothing around them.
type ceiling struct {
	syncs    float64 // of 4 KiB each, per second
	readings map[int]float64
	payload  map[int]int // bytes of a row, by the number of its readings
}

// sizes are the numbers of readings per row and request.
var sizes = []int{1, 1_000, 10_000}

func measureCeiling(ctx context.Context, o options, work string) (ceiling, error) {
	c := ceiling{readings: map[int]float64{}, payload: map[int]int{}}
	lasts := time.Duration(min(o.seconds/2, 3) * float64(time.Second))
	var err error
	if c.syncs, err = syncRate(filepath.Join(work, "sync"), lasts); err != nil {
		return c, err
	}
	for _, n := range sizes {
		payload, err := logPayload(ctx, filepath.Join(work, fmt.Sprintf("payload-%d.db", n)), n)
		if err != nil {
			return c, err
		}
		rows, err := rawRows(ctx, o.database, filepath.Join(work, fmt.Sprintf("raw-%d.db", n)), payload, lasts)
		if err != nil {
			return c, err
		}
		c.payload[n], c.readings[n] = len(payload), rows*float64(n)
	}
	return c, nil
}

func (c ceiling) print(out io.Writer) {
	fmt.Fprintf(out, "disk: %.0f writes of 4 KiB/s, each synced\n", c.syncs)
	for _, n := range sizes {
		fmt.Fprintf(out, "ceiling, raw synced rows of %d readings (%d bytes): %.0f rows/s, %.0f readings/s\n", n, c.payload[n], c.readings[n]/float64(n), c.readings[n])
	}
}

// syncRate is how often a second 4 KiB can be written to the end of a file and synced.
func syncRate(file string, lasts time.Duration) (float64, error) {
	f, err := os.Create(file)
	if err != nil {
		return 0, err
	}
	defer os.Remove(file)
	defer f.Close()
	page, n := make([]byte, 4096), 0
	begin := time.Now()
	for time.Since(begin) < lasts {
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		n++
	}
	return float64(n) / time.Since(begin).Seconds(), nil
}

// logPayload is what the log writes for n readings of a bulk request, by writing them.
func logPayload(ctx context.Context, file string, n int) (payload []byte, err error) {
	d, err := db.Open(ctx, db.Options{URL: "sqlite:" + file})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.Migrate(ctx, sensing.Migrations()); err != nil {
		return nil, err
	}
	s, err := sensing.New(ctx, sensing.Options{
		DB: d, Clock: clock.System(), Access: access.AllowAll,
		Asset:    func(int64) sensing.Asset { return sensing.Asset{} },
		Property: func(string) (sensing.Property, bool) { return sensing.Property{}, false },
	})
	if err != nil {
		return nil, err
	}
	rs := make([]sensing.Reading, 0, n)
	err = s.Change(ctx, "bench", func(t *sensing.Tx) error {
		for len(rs) < n {
			id, err := t.AddDatastream(sensing.Datastream{})
			if err != nil {
				return err
			}
			at := since(0)
			for i := range min(n, groupSize) {
				at = at.Add(bulkStep)
				rs = append(rs, sensing.Reading{Datastream: id, At: at.UnixMicro(), Feature: id, Value: sensing.Literal(wave(i))})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if _, err := s.Append(ctx, "bench", rs); err != nil {
		return nil, err
	}
	err = d.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow("select payload from log order by seq desc nulls last limit 1").Scan(&payload)
	})
	return payload, err
}

// rawRows is how many rows with a payload a second go into a table like log, each synced by its own commit.
func rawRows(ctx context.Context, database, file string, payload []byte, lasts time.Duration) (rate float64, err error) {
	driver, dsn, begin := "sqlite", sqliteDSN(file), "begin immediate"
	table := "create table bench_log (seq INTEGER PRIMARY KEY AUTOINCREMENT, payload BLOB not null) STRICT"
	if database != "" {
		driver, dsn, begin = "pgx", database, "begin"
		table = "create table bench_log (seq bigserial primary key, payload bytea not null)"
	}
	pool, err := sql.Open(driver, dsn)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	conn, err := pool.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer func() {
		_, dropErr := conn.ExecContext(context.WithoutCancel(ctx), "drop table if exists bench_log")
		err = errors.Join(err, dropErr, conn.Close())
	}()
	if _, err := conn.ExecContext(ctx, table); err != nil {
		return 0, err
	}
	exec := make([]func() error, 3)
	for i, text := range []string{begin, "insert into bench_log (payload) values ($1)", "commit"} {
		stmt, err := conn.PrepareContext(ctx, text)
		if err != nil {
			return 0, err
		}
		defer stmt.Close()
		var args []any
		if i == 1 {
			args = []any{payload}
		}
		exec[i] = func() error { _, err := stmt.ExecContext(ctx, args...); return err }
	}
	n := 0
	start := time.Now()
	for time.Since(start) < lasts {
		for _, do := range exec {
			if err := do(); err != nil {
				return 0, err
			}
		}
		n++
	}
	return float64(n) / time.Since(start).Seconds(), nil
}

// sqliteDSN opens a file with the settings of the server's writer.
func sqliteDSN(file string) string {
	q := url.Values{}
	for _, p := range []string{"busy_timeout(10000)", "foreign_keys(1)", "temp_store(MEMORY)", "mmap_size(268435456)", "journal_mode(WAL)",
		"synchronous(FULL)", "secure_delete(ON)", "journal_size_limit(67108864)", "cache_size(-65536)"} {
		q.Add("_pragma", p)
	}
	return "file:" + file + "?" + q.Encode()
}
