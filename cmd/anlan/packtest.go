package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/anlan-city/anlan/internal/app"
	"github.com/anlan-city/anlan/internal/trial/packtest"
)

type packTestCmd struct {
	Dir     []string `arg:"" help:"Folders, one pack each."`
	Only    string   `name:"run" help:"Only tests whose name this regular expression finds." placeholder:"REGEX"`
	Verbose bool     `short:"v" help:"Show every test, and every step of every alert in it."`
	JUnit   string   `name:"junit" help:"Also write the results to this file, as build servers read them." placeholder:"FILE"`
	Update  bool     `help:"Write what came into the tests that failed. Read the difference before you keep it."`
}

// exitLint is the exit code where all tests passed and only their coverage has gaps.
const exitLint = 3

func (c packTestCmd) Run() error {
	var match *regexp.Regexp
	if c.Only != "" {
		var err error
		if match, err = regexp.Compile(c.Only); err != nil {
			return fmt.Errorf("--run: %w", err)
		}
	}
	var reports []*packtest.Report
	var unread []packtest.Unread
	var errs []error
	failed, gaps, ran, there := 0, 0, 0, 0
	for _, dir := range c.Dir {
		report, err := c.test(dir, match)
		if err != nil {
			errs = append(errs, err)
			unread = append(unread, packtest.Unread{Dir: folder(dir), Err: err})
			continue
		}
		report.Write(os.Stdout, c.Verbose)
		reports = append(reports, report)
		failed += report.Failed
		gaps += len(report.Gaps)
		ran += report.Ran()
		there += len(report.Suite.Tests) + len(report.Suite.Cases)
	}
	if c.Only != "" && ran == 0 && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("--run %s finds the name of no test, of %d; -v without --run lists them", c.Only, there))
	}
	if c.JUnit != "" {
		errs = append(errs, writeJUnit(c.JUnit, reports, unread))
	}
	if failed > 0 {
		errs = append(errs, fmt.Errorf("%d of the tests failed", failed))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if gaps > 0 && ran == 0 {
		return exitError{exitLint, errors.New("there is no test; the coverage has gaps")}
	}
	if gaps > 0 {
		return exitError{exitLint, errors.New("all tests passed; the coverage has gaps")}
	}
	return nil
}

func (c packTestCmd) test(dir string, match *regexp.Regexp) (*packtest.Report, error) {
	suite, report, err := c.load(dir, match)
	if err != nil || !c.Update || report.Failed == 0 {
		return report, err
	}
	files, err := suite.Update(report)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		path := filepath.Join(dir, f.File)
		if err := os.WriteFile(path, []byte(f.Content), 0o644); err != nil {
			return nil, err
		}
		fmt.Printf("%s: %d of its tests rewritten\n", path, f.Changed)
	}
	_, report, err = c.load(dir, match)
	return report, err
}

func folder(dir string) string { return filepath.ToSlash(filepath.Clean(dir)) }

func (c packTestCmd) load(dir string, match *regexp.Regexp) (*packtest.Suite, *packtest.Report, error) {
	suite, err := packtest.Load(os.DirFS(dir), folder(dir), app.PackTool().Calendars(c.Dir...)...)
	if err != nil {
		return nil, nil, err
	}
	report, err := suite.Run(match)
	return suite, report, err
}

func writeJUnit(path string, reports []*packtest.Report, unread []packtest.Unread) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return packtest.WriteJUnit(f, reports, unread)
}

type packDiffCmd struct {
	Old     string `arg:"" help:"The folder of the one version."`
	New     string `arg:"" help:"The folder of the other."`
	Mapping string `type:"existingfile" help:"Replay a recorded period too: the mapping file that says what its columns mean." placeholder:"FILE"`
	From    string `type:"existingdir" help:"The folder of the recorded files." placeholder:"DIR"`
	JSON    bool   `help:"Print JSON."`
}

func (c packDiffCmd) Run() error {
	if (c.Mapping == "") != (c.From == "") {
		return errors.New("a recorded period needs both --mapping and --from")
	}
	old, err := packtest.LoadStories(os.DirFS(c.Old), folder(c.Old))
	if err != nil {
		return err
	}
	changed, err := packtest.LoadStories(os.DirFS(c.New), folder(c.New))
	if err != nil {
		return err
	}
	var recorded []*packtest.Recording
	if c.Mapping != "" {
		r, err := packtest.Recorded(changed, c.Mapping, c.From)
		if err != nil {
			return err
		}
		recorded = append(recorded, r)
	}
	diff := packtest.Compare(old, changed, recorded...)
	if c.JSON {
		return diff.WriteJSON(os.Stdout)
	}
	diff.Write(os.Stdout)
	return nil
}
