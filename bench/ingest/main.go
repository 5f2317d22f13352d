//go:build linux

// Command ingest measures how many readings Anlan takes: single POSTs and data arrays over SensorThings, and MQTT, each with
// and without people at work on cases beside it.
//
//	go run ./bench/ingest
//	go run ./bench/ingest -short
//	go run ./bench/ingest -database postgres://user@host/empty
//
// The server is the real program, a child process that is open to this machine (--open-sensorthings write); client and server
// share the machine's cores. Every write is synced before its answer. The client is lean on purpose: requests are bytes that
// were made before the clock starts, in which only the time is moved on, over bare connections; what it costs all the same
// stands in the table. All readings are methane of gas alarms, so each is judged by the gas pack's detectors.
//
// The ceiling is measured in the same run: rows with the payload that the log writes for as many readings, put into a table
// like log by one goroutine with the server's settings of the store, each synced by its own commit, with nothing before and
// nothing after. It is no bound in the strict sense: the server may share one row, and so one sync, among several requests.
//
// After each phase the program waits until all readings are judged, and counts them datastream by datastream: lost are those
// that were acknowledged and are not there. The last line is for machines. The exit code is not 0 when one is lost or there
// twice.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/anlan-city/anlan/bench/ingest/rig"
)

type options struct {
	seconds  float64
	database string
	dir      string
	binary   string
	only     string
}

func main() {
	var o options
	short := flag.Bool("short", false, "under 45 seconds")
	flag.Float64Var(&o.seconds, "seconds", 10, "how long each phase is measured")
	flag.StringVar(&o.database, "database", "", "postgres://... of an empty database instead of SQLite")
	flag.StringVar(&o.dir, "dir", "", "folder for the data, on the disk to be measured; by default one for temporary files")
	flag.StringVar(&o.binary, "bin", "", "the server to measure; by default it is built from ./cmd/anlan")
	flag.StringVar(&o.only, "only", "", "only phases whose name contains this; the last line then has zeros")
	flag.Parse()
	if *short {
		o.seconds = min(o.seconds, 1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "ingest:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) (err error) {
	work, err := os.MkdirTemp(o.dir, "anlan-ingest-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			fmt.Fprintln(out, "the server's log is in", work)
			return
		}
		err = os.RemoveAll(work)
	}()
	if o.binary == "" {
		if o.binary, err = rig.Build(ctx, work); err != nil {
			return err
		}
	}
	c, err := measureCeiling(ctx, o, work)
	if err != nil {
		return fmt.Errorf("ceiling: %w", err)
	}
	c.print(out)
	s := &rig.Server{Binary: o.binary, Data: filepath.Join(work, "data"), Log: filepath.Join(work, "server.log"), Database: o.database}
	if err := s.Start(ctx); err != nil {
		return err
	}
	defer s.Kill()
	t, err := prepare(ctx, s, o)
	if err != nil {
		return err
	}
	var rows []row
	for i, p := range phases() {
		if !p.named(o.only) {
			continue
		}
		r, err := t.phase(ctx, p, since(i))
		if err != nil {
			return fmt.Errorf("%s: %w", p.name(), err)
		}
		rows = append(rows, r)
	}
	if err := s.Stop(); err != nil {
		return err
	}
	printTable(out, rows, c)
	return errors.Join(lastLine(out, rows, c), verdict(rows))
}

// since is when the readings of a phase begin: a year of its own for each, all in the past and none past its time.
func since(phase int) time.Time {
	day := time.Now().UTC().Truncate(24 * time.Hour)
	return day.AddDate(0, 0, 365*(phase-len(phases())))
}
