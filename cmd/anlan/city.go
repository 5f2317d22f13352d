package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/city"
	"github.com/anlan-city/anlan/internal/pack"
)

type cityCmd struct {
	Import cityImportCmd `cmd:"" help:"Import a file into the register, as a whole or not at all."`
	Export cityExportCmd `cmd:"" help:"Write a list of the register to a file."`
}

type cityImportCmd struct {
	remote      `embed:""`
	File        string `arg:"" help:"A .geojson, .csv or .xlsx file."`
	As          string `required:"" help:"Which list: areas, places, assets, organisations or duties." placeholder:"LIST"`
	Coordinates string `help:"wgs84, cgcs2000 or gcj02; never guessed. GeoJSON is wgs84 by its standard." placeholder:"SYSTEM"`
	Encoding    string `help:"utf-8 or gb18030, for CSV that is not UTF-8." placeholder:"NAME"`
	Format      string `help:"geojson, csv or xlsx, if the file's name does not say." placeholder:"NAME"`
	Outside     bool   `help:"Take places that lie outside the city's grid, such as a partner's site."`
	Sheet       string `help:"The sheet of a spreadsheet; the first by default." placeholder:"NAME"`
}

// Validate finds what is misspelt before anything is read or sent.
func (c cityImportCmd) Validate() error {
	if err := knownList(c.As); err != nil {
		return fmt.Errorf("--as: %w", err)
	}
	// Not kong's own check of files, which makes the name absolute: messages show it as it was given.
	if info, err := os.Stat(c.File); err != nil {
		return err
	} else if info.IsDir() {
		return fmt.Errorf("%s is a folder", c.File)
	}
	return nil
}

func knownList(name string) error {
	if slices.Contains(city.Registers, name) {
		return nil
	}
	hint := pack.Suggest(name, city.Registers)
	if hint == "" {
		hint = ", expected one of " + strings.Join(city.Registers, ", ")
	}
	return fmt.Errorf("unknown list %q%s", name, hint)
}

func (c cityImportCmd) Run(ctx context.Context) error {
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	query := url.Values{"as": {c.As}, "filename": {filepath.Base(c.File)}}
	for name, value := range map[string]string{"coordinates": c.Coordinates, "encoding": c.Encoding, "format": c.Format, "sheet": c.Sheet} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if c.Outside {
		query.Set("outside", "true")
	}
	res, err := c.send(ctx, http.MethodPost, "/api/v1/city/import", query, newBar(c.File, f, info.Size()), "application/octet-stream")
	var p *problem
	if errors.As(err, &p) {
		p.file = c.File
	}
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var report struct{ Records, Added, Changed, Unchanged int }
	if err := json.NewDecoder(res.Body).Decode(&report); err != nil {
		return fmt.Errorf("the server's answer: %w", err)
	}
	records := "records"
	if report.Records == 1 {
		records = "record"
	}
	fmt.Printf("%s: %d %s as %s: %d added, %d changed, %d unchanged\n",
		c.File, report.Records, records, c.As, report.Added, report.Changed, report.Records-report.Added-report.Changed)
	return nil
}

type cityExportCmd struct {
	remote `embed:""`
	What   string `arg:"" help:"Which list: areas, places, assets, organisations or duties."`
	File   string `arg:"" help:"Where to write: a name that ends in .geojson, .csv or .xlsx."`
}

// Validate is as for imports.
func (c cityExportCmd) Validate() error { return knownList(c.What) }

func (c cityExportCmd) Run(ctx context.Context) error {
	query := url.Values{"what": {c.What}, "format": {strings.TrimPrefix(filepath.Ext(c.File), ".")}}
	res, err := c.send(ctx, http.MethodGet, "/api/v1/city/export", query, nil, "")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	f, err := os.CreateTemp(filepath.Dir(c.File), ".anlan-export-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	if _, err := io.Copy(f, res.Body); err != nil {
		f.Close()
		return fmt.Errorf("export %s: %w", c.What, err)
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), c.File)
}

// bar draws how much of a file has been sent, on a terminal.
type bar struct {
	io.Reader
	name        string
	sent, total int64
	drawn       int
}

func newBar(name string, r io.Reader, total int64) *bar {
	return &bar{Reader: r, name: name, total: total, drawn: -1}
}

func (b *bar) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.sent += int64(n)
	if percent := int(b.sent * 100 / max(b.total, 1)); percent != b.drawn && isTerminal(os.Stderr) {
		b.drawn = percent
		fmt.Fprintf(os.Stderr, "\r%s [%-40s] %3d %%", b.name, strings.Repeat("=", percent*40/100), percent)
		if percent == 100 {
			fmt.Fprintln(os.Stderr)
		}
	}
	return n, err
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
