//go:build linux

// Command alerts measures how long it takes from a reading to its alert while 10,000 detectors judge 100,000 readings a second.
//
//	go run ./bench/alerts
//	go run ./bench/alerts -short
//
// The server is the real program on a real disk, a child process that is open to this machine; client and server share the
// machine's cores. It loads packs with 10,000 rules over 900 kinds of asset (rules.go). 100,000 datastreams stand on 10,000
// assets, each judged by one of the rules, and those that two rules watch by two. Every datastream speaks once a second: 100
// requests of 1,000 readings each (CreateObservations) are due at even steps, whether the server keeps up or not.
//
// Exceedances are planted at times and places that the program knows. The clock of a reading starts when its request is due,
// so what waits for a free connection waits for the server too. It stops when the event of its alert has come to this program
// over the server's live stream: by then the alert is in the database, its event has left the outbox, and a browser would
// show it. After the sending all alerts are read over the API and held against what was planted: none may be missing, there
// twice, or of something that was not planted.
//
// The last line is for machines. The exit code is not 0 when an alert is lost or doubled, or a reading is.
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
	seconds  int
	planted  int
	dir      string
	data     string
	binary   string
	database string
}

func main() {
	o := options{}
	short := flag.Bool("short", false, "20 seconds instead of 60")
	flag.IntVar(&o.seconds, "seconds", 60, "how long readings are sent")
	flag.IntVar(&o.planted, "planted", 20, "exceedances a second")
	flag.StringVar(&o.dir, "dir", "", "folder for the data, on the disk to be measured; by default one for temporary files")
	flag.StringVar(&o.data, "data", "", "data folder that is kept; one that an earlier run filled is used again")
	flag.StringVar(&o.binary, "bin", "", "the server to measure; by default it is built from ./cmd/anlan")
	flag.StringVar(&o.database, "database", "", "postgres://... of an empty database instead of SQLite")
	flag.Parse()
	if *short {
		o.seconds = min(o.seconds, 20)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "alerts:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) (err error) {
	work, err := os.MkdirTemp(o.dir, "anlan-alerts-")
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
	packs, err := writePacks(filepath.Join(work, "packs"))
	if err != nil {
		return err
	}
	if o.data == "" {
		o.data = filepath.Join(work, "data")
	}
	s := &rig.Server{
		Binary: o.binary, Data: o.data, Log: filepath.Join(work, "server.log"), Database: o.database, Packs: packs, NoMQTT: true,
	}
	if err := s.Start(ctx); err != nil {
		return err
	}
	defer s.Kill()
	r := result{ready: s.Ready}
	begin := time.Now()
	ids, err := known(ctx, s.Client(false))
	if err == nil && ids == nil {
		ids, err = register(ctx, s.Client(false))
	}
	if err != nil {
		return fmt.Errorf("register %d datastreams: %w", datastreams, err)
	}
	r.registered = time.Since(begin)
	if err := measure(ctx, s, o, ids, &r); err != nil {
		return err
	}
	if err := s.Stop(); err != nil {
		return err
	}
	if err := s.Start(ctx); err != nil {
		return fmt.Errorf("start again: %w", err)
	}
	r.again = s.Ready
	after := fates{}
	if err := after.read(ctx, s.Client(false)); err != nil {
		return err
	}
	r.afterRestart = after.total()
	if err := s.Stop(); err != nil {
		return err
	}
	r.print(out)
	return errors.Join(r.lastLine(out), r.verdict())
}
