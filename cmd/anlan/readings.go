package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"github.com/anlan-city/anlan/internal/sensing/intake"
)

type readingsCmd struct {
	Import readingsImportCmd `cmd:"" help:"Send files of measurements, with a mapping file that says what the columns mean."`
	Check  readingsCheckCmd  `cmd:"" help:"Say all that is wrong with mapping files, of webhooks and of files; needs no server."`
}

type readingsImportCmd struct {
	remote  `embed:""`
	Mapping string   `required:"" help:"The mapping file." placeholder:"FILE"`
	Files   []string `arg:"" help:"CSV or GeoJSON files of one layout."`
	Source  string   `help:"Who the readings come from, if the mapping does not say." placeholder:"NAME"`
	DryRun  bool     `help:"Read and check on the server; take nothing."`
	SkipBad bool     `help:"Leave out cells and rows with a problem instead of taking nothing."`
}

func (c readingsImportCmd) Run(ctx context.Context) error {
	mapping, err := os.ReadFile(c.Mapping)
	if err != nil {
		return err
	}
	if _, err := intake.ParseLayout(c.Mapping, mapping); err != nil { // before gigabytes are on their way
		return err
	}
	for _, file := range c.Files {
		if info, err := os.Stat(file); err != nil {
			return err
		} else if info.IsDir() {
			return fmt.Errorf("%s is a folder", file)
		}
	}
	query := url.Values{}
	if c.Source != "" {
		query.Set("source", c.Source)
	}
	if c.DryRun {
		query.Set("dry_run", "true")
	}
	if c.SkipBad {
		query.Set("skip_bad", "true")
	}
	body, contentType := c.form(mapping)
	defer body.Close() // ends the writer, if the server answered before it had read all
	res, err := c.send(ctx, http.MethodPost, "/api/v1/readings/import", query, body, contentType)
	var p *problem
	if errors.As(err, &p) {
		for i := range p.Errors {
			p.Errors[i].Field = "" // the message has it, behind the file and line
		}
	}
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var report intake.Report
	if err := json.NewDecoder(res.Body).Decode(&report); err != nil {
		return fmt.Errorf("the server's answer: %w", err)
	}
	return show(report)
}

// form writes the mapping and the files as they are read; nothing is held in memory.
func (c readingsImportCmd) form(mapping []byte) (io.ReadCloser, string) {
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		err := func() error {
			part, err := form.CreateFormFile("mapping", filepath.Base(c.Mapping))
			if err != nil {
				return err
			}
			if _, err := part.Write(mapping); err != nil {
				return err
			}
			for _, file := range c.Files {
				if err := copyPart(form, file); err != nil {
					return err
				}
			}
			return form.Close()
		}()
		w.CloseWithError(err)
	}()
	return r, form.FormDataContentType()
}

func copyPart(form *multipart.Writer, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close() // it was only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	part, err := form.CreateFormFile("file", filepath.Base(file))
	if err != nil {
		return err
	}
	_, err = io.Copy(part, newBar(file, f, info.Size()))
	return err
}

// show prints what became of the files. What was refused or left out makes the command fail, so that a script notices.
func show(r intake.Report) error {
	for _, f := range r.Files {
		fmt.Printf("%s: rows %d, readings %d, missing %d, left out %d", f.File, f.Rows, f.Readings, f.Missing, f.LeftOut)
		if f.Skipped > 0 {
			fmt.Printf(", %d rows not chosen", f.Skipped)
		}
		if f.Ambiguous > 0 {
			fmt.Printf(", %d times that the clock showed twice", f.Ambiguous)
		}
		fmt.Println()
	}
	for _, p := range r.Problems {
		fmt.Println("  " + p)
	}
	for _, f := range r.Refused {
		fmt.Printf("  %s [%s]\n", f.Message, f.Code)
	}
	if r.DryRun {
		fmt.Println("nothing was taken: a dry run")
	} else {
		fmt.Printf("%d readings accepted (%d of them marked as doubtful), %d refused\n", r.Accepted, r.Marked, r.RefusedN)
	}
	if r.RefusedN > 0 || r.ProblemsN > 0 {
		return fmt.Errorf("%d readings refused, %d problems in the files", r.RefusedN, r.ProblemsN)
	}
	return nil
}

type readingsCheckCmd struct {
	Mapping []string `arg:"" help:"Mapping files."`
}

func (c readingsCheckCmd) Run() error {
	var errs []error
	for _, file := range c.Mapping {
		content, err := os.ReadFile(file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		kind, err := intake.Check(file, content)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		fmt.Printf("%s: sound (a mapping of %s)\n", file, map[string]string{"webhook": "a webhook", "files": "files"}[kind])
	}
	return errors.Join(errs...)
}
