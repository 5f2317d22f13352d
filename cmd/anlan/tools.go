package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/app"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/sim"
	"github.com/anlan-city/anlan/internal/trial/replay"
)

type replayCmd struct {
	remote  `embed:""`
	Mapping string    `arg:"" type:"existingfile" help:"The mapping file, which says what the columns mean."`
	From    string    `required:"" type:"existingdir" help:"The folder of the recorded files." placeholder:"DIR"`
	Speed   float64   `default:"0" help:"Recorded seconds per second: 1 is the recorded pace, 0 as fast as it goes."`
	Follow  bool      `help:"Send everything when the clock of the server, which is a drill, reaches it."`
	Since   time.Time `help:"Only what happened from this time on, such as 2022-10-20T00:00:00Z." placeholder:"TIME"`
	Until   time.Time `help:"Only what happened before this time." placeholder:"TIME"`
	Truth   string    `type:"existingfile" help:"A file of known events in place of the mapping's." placeholder:"FILE"`
	SkipBad bool      `help:"Leave out cells and rows with a problem instead of sending nothing."`
	Check   bool      `help:"Read and count only; no server is needed."`
}

func (c replayCmd) Run(ctx context.Context) error {
	return replay.Run(ctx, replay.Options{
		Mapping: c.Mapping, From: c.From, Speed: c.Speed, Follow: c.Follow, Since: c.Since, Until: c.Until, URL: c.URL, Token: c.Token, TokenFile: filepath.Join(c.Data, "local.token"),
		Truth: c.Truth, SkipBad: c.SkipBad, Check: c.Check, Out: os.Stdout, Terminal: isTerminal(os.Stdout), Clock: clock.System(),
	})
}

type ledgerCmd struct {
	Verify ledgerVerifyCmd `cmd:"" help:"Prove that no entry was changed or taken away."`
	Export ledgerExportCmd `cmd:"" help:"Write the ledger to files that anyone can verify with the public key."`
}

// store says which ledger, beside a running server or without one.
type store struct {
	Data     string `default:"data" type:"path" help:"The server's data folder."`
	Database string `help:"postgres://user@host/name, if the server uses PostgreSQL." placeholder:"URL"`
}

func (s store) open(ctx context.Context) (*db.DB, error) {
	url := s.Database
	if url == "" {
		file := filepath.Join(s.Data, "anlan.db")
		if _, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("no ledger in %s: %w", s.Data, err)
		}
		url = "sqlite:" + file
	}
	return db.Open(ctx, db.Options{URL: url, ReadOnly: true})
}

type ledgerVerifyCmd struct {
	store `embed:""`
	Dir   string   `help:"Verify exported files instead of a server's data." type:"existingdir" placeholder:"DIR"`
	Key   string   `help:"The public key; by default the file ledger.pub in the data folder." placeholder:"KEY"`
	Since []string `help:"Earlier checkpoints that the ledger must extend." type:"existingfile" placeholder:"FILE"`
}

func (c ledgerVerifyCmd) Run(ctx context.Context) error {
	key := c.Key
	if key == "" {
		b, err := os.ReadFile(filepath.Join(c.Data, app.LedgerKeyFile))
		if err != nil {
			return fmt.Errorf("the public key: %w; give it with --key", err)
		}
		key = strings.TrimSpace(string(b))
	}
	earlier, err := ledger.Earlier(c.Since...)
	if err != nil {
		return err
	}
	var report ledger.Report
	if c.Dir != "" {
		report, err = ledger.Verify(c.Dir, key, earlier...)
	} else {
		var d *db.DB
		if d, err = c.open(ctx); err != nil {
			return err
		}
		defer d.Close()
		report, err = ledger.VerifyStore(ctx, d, key, earlier...)
	}
	if err != nil {
		return err
	}
	fmt.Println(report)
	return nil
}

type ledgerExportCmd struct {
	store `embed:""`
	Dir   string `arg:"" help:"The folder to write to."`
}

func (c ledgerExportCmd) Run(ctx context.Context) error {
	d, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	return ledger.Export(ctx, d, c.Dir)
}

type simCmd struct {
	Export simExportCmd `cmd:"" help:"Write the city of a seed as the files that anlan city import reads."`
}

type simExportCmd struct {
	Seed uint64 `default:"1" help:"Which city."`
	Dir  string `arg:"" help:"The folder to write to."`
}

func (c simExportCmd) Run() error { return sim.Build(c.Seed).Export(c.Dir) }
