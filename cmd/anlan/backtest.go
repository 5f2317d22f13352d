package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/trial/backtest"
)

type backtestCmd struct {
	Dir       []string `arg:"" type:"existingdir" help:"Folders of packs, one each."`
	From      string   `help:"The past in files: the folder that the mapping is about, or one plain CSV file with the columns asset, property, at, value." type:"path" placeholder:"PATH"`
	Map       string   `help:"The mapping file, which says what the columns mean." type:"existingfile" placeholder:"FILE"`
	Data      string   `help:"The past in a server's store, where --from is not given: its data folder (SQLite)." type:"path" placeholder:"DIR"`
	Truth     string   `help:"CSV of what really happened: start, end; perhaps name, harmful_at, place, asset, detector, kind. By default the mapping's truth section." type:"existingfile" placeholder:"FILE"`
	Forecasts string   `help:"CSV of forecasts with a probability: detector, issued, from, until, probability; perhaps place, asset, kind." type:"existingfile" placeholder:"FILE"`
	SkipBad   bool     `help:"Leave out cells and rows with a problem."`

	Before   time.Duration `default:"0" help:"How long ahead of an event an alert may stand and count as a warning of it."`
	After    time.Duration `default:"0" help:"How long behind an event an alert may still find it."`
	Linger   time.Duration `default:"0" help:"How long an event leaves traces: an alert that stands only there is no false alarm."`
	Join     time.Duration `default:"0" help:"Alerts of one source that are less than this apart are one."`
	Interval time.Duration `default:"1h" help:"Length of the intervals in which quiet times are counted."`

	JSON bool   `help:"Print the report as JSON."`
	HTML string `help:"Also write the report as a page with charts, which needs nothing else." type:"path" placeholder:"FILE"`
	Lang string `default:"en" enum:"en,zh-CN" help:"Language of the page: en or zh-CN."`
}

func (c backtestCmd) Run(ctx context.Context) error {
	packs, err := backtest.LoadPacks(c.Dir...)
	if err != nil {
		return err
	}
	history, closed, err := c.history(ctx, packs)
	if err != nil {
		return err
	}
	defer closed()
	o := backtest.Options{
		Packs: packs.Names, Detectors: packs.Detectors, History: history, Truth: history.Truth,
		Before: c.Before, After: c.After, Linger: c.Linger, Join: c.Join, Interval: c.Interval,
	}
	if c.Truth != "" {
		if o.Truth, err = backtest.ReadTruth(c.Truth); err != nil {
			return err
		}
	}
	if o.Truth == nil {
		return errors.New("nothing says what really happened: give --truth FILE, or a mapping with a truth section")
	}
	if c.Forecasts != "" {
		if o.Forecasts, err = backtest.ReadForecasts(c.Forecasts); err != nil {
			return err
		}
	}
	report, err := backtest.Run(ctx, o)
	if err != nil {
		return err
	}
	if c.HTML != "" {
		if err := writeFile(c.HTML, func(w io.Writer) error { return report.WriteHTML(w, c.Lang) }); err != nil {
			return err
		}
	}
	if c.JSON {
		return report.WriteJSON(os.Stdout)
	}
	return report.WriteText(os.Stdout)
}

// history opens the past; closed is to be called once it is no longer needed.
func (c backtestCmd) history(ctx context.Context, packs backtest.Packs) (h *backtest.History, closed func(), err error) {
	nothing := func() {}
	switch {
	case c.From == "" && c.Data == "":
		return nil, nothing, errors.New("where is the past? Give --from PATH or --data DIR")
	case c.From == "": // a data folder may also be named by the environment, so files come first
		return c.stored(ctx, packs)
	case c.Map != "":
		h, err = backtest.FromMapping(c.Map, c.From, c.SkipBad)
		return h, nothing, err
	}
	if info, err := os.Stat(c.From); err != nil {
		return nil, nothing, err
	} else if info.IsDir() {
		return nil, nothing, fmt.Errorf("%s is a folder: say with --map FILE what its files mean, or give one plain CSV file", c.From)
	}
	h, err = backtest.FromTable(c.From, packs.All)
	return h, nothing, err
}

// stored opens a server's store. Nothing is written, but the observation log is loaded in the turn of a writer, so a running
// server's writer waits for that moment.
func (c backtestCmd) stored(ctx context.Context, packs backtest.Packs) (*backtest.History, func(), error) {
	file := filepath.Join(c.Data, "anlan.db")
	if _, err := os.Stat(file); err != nil {
		return nil, nil, fmt.Errorf("no store in %s: %w", c.Data, err)
	}
	d, err := db.Open(ctx, db.Options{URL: "sqlite:" + file})
	if err != nil {
		return nil, nil, err
	}
	h, err := backtest.FromStore(ctx, d, packs.Properties())
	if err != nil {
		return nil, nil, errors.Join(err, d.Close())
	}
	return h, func() { _ = d.Close() }, nil // it was only read
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
