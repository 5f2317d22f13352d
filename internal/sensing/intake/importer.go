package intake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

const (
	// batchSize is how many readings are handed to the log at once.
	batchSize = 20_000
	// maxProblems bounds the problems that are kept in memory; the rest is counted.
	maxProblems = 1000
)

// Input is a file on its way in.
type Input struct {
	Name string                        // as its owner calls it
	Open func() (io.ReadCloser, error) // called twice, from its beginning each time
}

// ImportOptions say how to deal with files.
type ImportOptions struct {
	Source  string // who the readings come from; "" takes the layout's
	DryRun  bool   // read and check, take nothing
	SkipBad bool   // leave out cells and rows with a problem, and list them, in place of refusing all
}

// Report says what files came to.
type Report struct {
	Files     []FileReport  `json:"files"`
	Accepted  int           `json:"accepted"`
	Marked    int           `json:"marked"`  // accepted, with a mark: a repeat, an unlikely time, out of range
	Refused   []FileRefusal `json:"refused"` // by the log, at most the first 100
	RefusedN  int           `json:"refused_count"`
	Problems  []string      `json:"problems,omitempty"` // what was left out, with SkipBad; at most the first 100
	ProblemsN int           `json:"problems_count,omitempty"`
	DryRun    bool          `json:"dry_run,omitempty"`
}

// FileReport counts one file: the cells of its series are readings, missing, or left out.
type FileReport struct {
	File      string `json:"file"`
	Rows      int    `json:"rows"`
	Skipped   int    `json:"skipped"` // rows that where: did not choose
	Readings  int    `json:"readings"`
	Missing   int    `json:"missing"`   // cells without a value
	LeftOut   int    `json:"left_out"`  // cells and rows with a problem
	Ambiguous int    `json:"ambiguous"` // times that the clock showed twice; the first was taken
}

// FileRefusal is a reading that the log did not take.
type FileRefusal struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Import reads files of one layout and hands their readings to the log, in the order of the files and rows. All files are
// read to their end first; if anything is wrong with one of them the error is a *web.Error with all problems, and nothing
// was taken. If the log fails on the way, the error says how many readings were taken by then; the files can be sent again,
// since the log marks repeats and nothing judges by them.
func (s *Service) Import(ctx context.Context, l *Layout, inputs []Input, o ImportOptions) (Report, error) {
	var err error
	if o.Source, err = s.sourceOf(ctx, l, o); err != nil {
		return Report{}, err
	}
	i := &importer{log: s.Log, layout: l, options: o, report: Report{DryRun: o.DryRun, Refused: []FileRefusal{}}}
	for _, in := range inputs {
		counts := FileReport{File: in.Name}
		if err := i.read(ctx, in, &counts, i.note, func(sensing.Reading, int) error { return nil }); err != nil {
			return Report{}, err
		}
		i.report.Files = append(i.report.Files, counts)
	}
	if i.stopped || len(i.problems) > 0 && !o.SkipBad {
		_ = i.problems.err() // sorts
		return Report{}, i.problems.web("intake.bad_file", i.total)
	}
	for n, p := range i.problems {
		if n < maxListed {
			i.report.Problems = append(i.report.Problems, p.Error())
		}
	}
	i.report.ProblemsN = i.total
	if o.DryRun {
		return i.report, nil
	}
	for _, in := range inputs {
		if err := i.take(ctx, in); err != nil {
			if i.report.Accepted > 0 {
				slog.ErrorContext(ctx, "an import came half way", "source", o.Source, "accepted", i.report.Accepted, "err", err)
				err = web.Errorf(http.StatusInternalServerError, "intake.half_done",
					"the log failed in %s, after %d readings were taken; send the same files again, what repeats is marked", in.Name, i.report.Accepted)
			}
			return i.report, err
		}
	}
	return i.report, nil
}

// sourceOf is who the readings of an import come from, if the actor may send for it.
func (s *Service) sourceOf(ctx context.Context, l *Layout, o ImportOptions) (string, error) {
	source := cmp.Or(o.Source, l.Source)
	if source == "" {
		return "", web.Errorf(http.StatusUnprocessableEntity, "intake.no_source", "say who the readings come from: source in the mapping, or as a parameter").At("source")
	}
	return source, s.may(ctx, source)
}

// importer is one import under way.
type importer struct {
	log      Log
	layout   *Layout
	options  ImportOptions
	report   Report
	problems Problems
	total    int
	stopped  bool // a problem that is not of single cells and rows
}

func (i *importer) note(p Problem) {
	if i.total++; len(i.problems) < maxProblems {
		i.problems = append(i.problems, p)
	}
}

// read goes through a file once.
func (i *importer) read(ctx context.Context, in Input, counts *FileReport, bad func(Problem), take func(sensing.Reading, int) error) error {
	f, err := in.Open()
	if err != nil {
		return err
	}
	defer f.Close() // it was only read
	b := &binding{l: i.layout, file: in.Name, counts: counts, targets: map[aim]target{}}
	stop := func(err error) error {
		var p Problem
		var end fatal
		switch {
		case errors.As(err, &end):
			p = end.Problem
		case !errors.As(err, &p):
			return err
		}
		i.stopped = true
		bad(p)
		return nil
	}
	t, err := i.open(in.Name, f)
	if err != nil {
		return stop(err)
	}
	_, b.fixed = t.(*csvTable)
	if b.fixed {
		if b.bind(t.columns()); len(b.missing) > 0 {
			i.lack(b, bad)
			return nil
		}
	}
	var failed error
	var current record
	for failed == nil {
		err := t.next(&current)
		if errors.Is(err, io.EOF) {
			break
		}
		counts.Rows++
		var p Problem
		if errors.As(err, &p) {
			counts.LeftOut++
			bad(p)
			continue
		} else if err != nil {
			return stop(err)
		}
		if counts.Rows%1000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if len(b.names) < len(t.columns()) || b.names == nil {
			b.bind(t.columns())
		}
		b.each(i.log, &current, func(r sensing.Reading, line int) {
			counts.Readings++
			failed = errors.Join(failed, take(r, line))
		}, func(p Problem) {
			counts.LeftOut++
			bad(p)
		})
	}
	if failed == nil && !b.fixed {
		if b.names == nil {
			return stop(fatal{Problem{File: in.Name, Message: "the file holds no features"}})
		}
		i.lack(b, bad)
	}
	return failed
}

// lack notes the columns that a file turned out not to have.
func (i *importer) lack(b *binding, bad func(Problem)) {
	for _, p := range b.missing {
		i.stopped = true
		bad(p)
	}
}

func (i *importer) open(name string, f io.Reader) (table, error) {
	format, err := i.layout.formatOf(name)
	if err != nil {
		return nil, err
	}
	if format == "geojson" {
		t, err := openGeoJSON(name, f)
		if err != nil {
			return nil, err // not a typed nil
		}
		return t, nil
	}
	t, err := openCSV(name, f, i.layout)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// take goes through a file once more, and hands its readings to the log.
func (i *importer) take(ctx context.Context, in Input) error {
	rs := make([]sensing.Reading, 0, batchSize)
	lines := make([]int, 0, batchSize)
	flush := func() error {
		if len(rs) == 0 {
			return nil
		}
		receipt, err := i.log.Append(ctx, i.options.Source, rs)
		if err != nil {
			return err
		}
		i.report.Accepted += receipt.Accepted
		i.report.Marked += receipt.Marked
		i.report.RefusedN += len(receipt.Refused)
		for _, r := range receipt.Refused {
			if len(i.report.Refused) < maxListed {
				i.report.Refused = append(i.report.Refused, FileRefusal{in.Name, lines[r.Index], r.Code, fmt.Sprintf("%s:%d: %s", in.Name, lines[r.Index], r.Message)})
			}
		}
		// A new slice: the log may still hold the old one.
		rs, lines = make([]sensing.Reading, 0, batchSize), lines[:0]
		return nil
	}
	err := i.read(ctx, in, &FileReport{}, func(Problem) {}, func(r sensing.Reading, line int) error {
		rs, lines = append(rs, r), append(lines, line)
		if len(rs) < batchSize {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}
