package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/web"
)

const (
	// MaxImport is the size of the largest upload of files in bytes, all files together.
	MaxImport = 4 << 30

	// patience is how long an upload may stand still. There is none for the whole of it: a gigabyte over a slow line takes
	// its time.
	patience = 30 * time.Second

	maxFiles = 1000

	// maxImports is how many uploads may lie in TempDir at a time, since each may take MaxImport of it.
	maxImports = 2

	// uploads begins the names of the folders that hold them.
	uploads = "anlan-import-"
)

// postImport takes a form with the part mapping first and then one part file or more.
func (s *Service) postImport(w http.ResponseWriter, r *http.Request) {
	report, err := s.upload(w, r)
	answer(w, r, report, err)
}

func (s *Service) upload(w http.ResponseWriter, r *http.Request) (Report, error) {
	o := ImportOptions{Source: r.URL.Query().Get("source")}
	for name, into := range map[string]*bool{"dry_run": &o.DryRun, "skip_bad": &o.SkipBad} {
		var err error
		if *into, err = truth(r, name); err != nil {
			return Report{}, err
		}
	}
	select {
	case s.importing <- struct{}{}:
		defer func() { <-s.importing }()
	default:
		w.Header().Set("Connection", "close") // or the server would wait for the body before it answers
		w.Header().Set("Retry-After", "60")
		return Report{}, web.Errorf(http.StatusServiceUnavailable, "intake.busy", "%d imports are under way; try again when one of them is done", maxImports)
	}
	r.Body = &patient{r.Body, http.NewResponseController(w)}
	form, err := r.MultipartReader()
	if err != nil {
		return Report{}, badForm("expected multipart/form-data with the parts mapping and file: %v", err)
	}
	dir, err := os.MkdirTemp(s.TempDir, uploads+"*")
	if err != nil {
		return Report{}, fmt.Errorf("put down an upload: %w", err)
	}
	defer os.RemoveAll(dir) // what is left there is only disk space
	layout, inputs, err := s.receive(r.Context(), form, dir, o)
	if err != nil {
		w.Header().Set("Connection", "close") // the rest of the body is of no use
		return Report{}, err
	}
	return s.Import(r.Context(), layout, inputs, o)
}

// receive reads the mapping and puts the files down, since they are read twice. Those of someone who may not send for the
// source are not.
func (s *Service) receive(ctx context.Context, form *multipart.Reader, dir string, o ImportOptions) (*Layout, []Input, error) {
	var layout *Layout
	var inputs []Input
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, formError(err)
		}
		switch name := part.FormName(); {
		case name == "mapping" && layout == nil:
			content, err := io.ReadAll(io.LimitReader(part, maxMapping+1))
			if err != nil {
				return nil, nil, formError(err)
			}
			if layout, err = ParseLayout(named(part, "mapping"), content); err != nil {
				var ps Problems
				if errors.As(err, &ps) {
					err = ps.web("intake.bad_mapping", len(ps))
				}
				return nil, nil, err
			}
			if _, err := s.sourceOf(ctx, layout, o); err != nil {
				return nil, nil, err
			}
		case name == "file" && layout != nil && len(inputs) < maxFiles:
			path := fmt.Sprintf("%s%c%d", dir, os.PathSeparator, len(inputs))
			if err := putDown(path, part); err != nil {
				return nil, nil, formError(err)
			}
			inputs = append(inputs, Input{named(part, "file"), func() (io.ReadCloser, error) { return os.Open(path) }})
		case name == "file" && layout == nil:
			return nil, nil, badForm("the part mapping must stand before the files")
		default:
			return nil, nil, badForm("unexpected part %q: expected mapping once, then file, at most %d times", name, maxFiles)
		}
	}
	switch {
	case layout == nil:
		return nil, nil, badForm("the part mapping is missing")
	case len(inputs) == 0:
		return nil, nil, badForm("the part file is missing")
	}
	return layout, inputs, nil
}

// clear removes what uploads that a process did not live to end have left behind.
func (s *Service) clear() error {
	if s.TempDir == "" {
		return nil // the system's own folder is not ours to clear
	}
	left, err := filepath.Glob(filepath.Join(s.TempDir, uploads+"*"))
	for _, dir := range left {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}

func putDown(path string, part io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, part)
	return errors.Join(err, f.Close())
}

func named(part *multipart.Part, fallback string) string {
	if name := part.FileName(); name != "" {
		return name
	}
	return fallback
}

func badForm(format string, args ...any) error {
	return web.Errorf(http.StatusUnprocessableEntity, "intake.bad_form", format, args...)
}

// formError is a broken form as the sender's mistake, but for what has a meaning of its own.
func formError(err error) error {
	var tooLarge *http.MaxBytesError
	var disk *os.PathError
	if errors.As(err, &tooLarge) || errors.As(err, &disk) {
		return err
	}
	return badForm("the form breaks off: %v", err)
}

// patient lets a body come in for as long as it keeps coming.
type patient struct {
	io.ReadCloser
	conn *http.ResponseController
}

func (p *patient) Read(b []byte) (int, error) {
	// The machine's clock, whatever time the city lives in. Where the connection has no deadlines, there is nothing to do.
	_ = p.conn.SetReadDeadline(clock.System().Now().Add(patience))
	n, err := p.ReadCloser.Read(b)
	if err != nil {
		_ = p.conn.SetReadDeadline(time.Time{}) // passing it later would end the request's context
	}
	return n, err
}
