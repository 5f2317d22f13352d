package sta

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

const (
	// maxEntity bounds the body of a request that writes entities.
	maxEntity = 1 << 20

	// largeEntity is from where on a body counts among maxBulkUnderWay while its JSON is read, nodeFactor how many times its own
	// size it then takes at worst: an array of short numbers.
	largeEntity = 16 << 10
	nodeFactor  = 64
)

// Writes answers POST, PATCH, PUT and DELETE below Root. read answers what a batch asks with GET; it gets requests for
// paths below Root too.
func (s *Service) Writes(read http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, Root)
		if r.Method == http.MethodPost {
			switch strings.Trim(path, "/") {
			case "CreateObservations":
				s.postArrays(w, r)
				return
			case "$batch":
				s.postBatch(w, r, read)
				return
			}
		}
		body, release, err := s.readBody(w, r, maxEntity)
		if err != nil {
			web.WriteError(w, r, err)
			return
		}
		defer release()
		if r.Method == http.MethodPost && s.postReading(w, r, path, body) {
			return
		}
		a, err := s.Write(r.Context(), &Writing{
			Method: r.Method, Path: path, Body: body, ContentType: r.Header.Get("Content-Type"), Root: s.root(r),
			Minimal: minimal(r.Header), Key: r.Header.Get("Idempotency-Key"),
		})
		if err != nil {
			web.WriteError(w, r, err)
			return
		}
		a.send(w)
	})
}

// Writing is a request to write, over HTTP or as part of a batch.
type Writing struct {
	Method      string
	Path        string // below Root: /Things(1)/Datastreams
	Body        []byte
	ContentType string
	Root        string // the API's root as an absolute URL, for links
	Minimal     bool   // the sender does not want to see the entity
	Key         string // Idempotency-Key
}

// Answer is what a write is answered.
type Answer struct {
	Status   int
	Location string
	Body     []byte // JSON, or nil
	made     made
}

func (a *Answer) send(w http.ResponseWriter) {
	if a.Location != "" {
		w.Header().Set("Location", a.Location)
	}
	if a.Body != nil {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // a client that has gone gets no answer
}

// deed is a checked request, still to be carried out in a transaction.
type deed func(c *change) (*Answer, error)

// Write carries out one request in one transaction.
func (s *Service) Write(ctx context.Context, w *Writing) (*Answer, error) {
	if w.Method == http.MethodDelete {
		if a, done, err := s.deleteFeature(ctx, w); done {
			return a, err
		}
	}
	do, err := s.prepare(ctx, w, nil)
	if err != nil {
		return nil, err
	}
	var a *Answer
	err = s.change(ctx, func(c *change) error {
		var err error
		a, err = c.once(w, do)
		return err
	})
	if err != nil {
		return nil, err
	}
	if a.made.set == setObservations && a.Body != nil { // only now it is known what is doubtful about it
		r, err := s.Core.Get(ctx, a.made.id)
		if err == nil {
			a.Body = appendReading(nil, w.Root, r.ID, &r.Reading)
		}
	}
	return a, nil
}

// prepare checks a request as far as that can be done before the transaction. met tells what earlier parts of a change set
// will make; it is nil outside of one.
func (s *Service) prepare(ctx context.Context, w *Writing, met func(ref string) (string, bool)) (deed, error) {
	if len(w.Body) > maxEntity { // a part of a batch
		return nil, &http.MaxBytesError{Limit: maxEntity}
	}
	if len(w.Body) > largeEntity {
		weight := int64(len(w.Body)) * nodeFactor
		if err := s.bulk.Acquire(ctx, weight); err != nil {
			return nil, err
		}
		defer s.bulk.Release(weight)
	}
	steps, err := readPath(w.Path, met)
	if err != nil {
		return nil, err
	}
	last := steps[len(steps)-1]
	switch {
	case w.Method == http.MethodPost && last.entity():
		return nil, web.Errorf(http.StatusMethodNotAllowed, "sensing.bad_method", "POST makes an entity of a set; use PATCH to change one")
	case w.Method == http.MethodPost:
		return s.prepareCreate(ctx, w, steps, met != nil)
	case !last.entity():
		return nil, web.Errorf(http.StatusMethodNotAllowed, "sensing.bad_method", "%s needs one entity, as %s(1)", w.Method, last.set)
	case w.Method == http.MethodPatch, w.Method == http.MethodPut:
		return s.prepareChange(ctx, w, steps, met != nil)
	case w.Method == http.MethodDelete:
		return s.prepareDelete(ctx, steps)
	}
	return nil, web.Errorf(http.StatusMethodNotAllowed, "sensing.bad_method", "%s is not served; expected POST, PATCH, PUT or DELETE", w.Method)
}

func (s *Service) prepareCreate(ctx context.Context, w *Writing, steps []step, refs bool) (deed, error) {
	last := steps[len(steps)-1]
	check := &checker{mode: create, refs: refs, problems: problems{src: w.Body}}
	n, err := readJSON(w.Body)
	if err != nil {
		return nil, err
	}
	given := ""
	if len(steps) > 1 {
		given = inverse(steps[len(steps)-2].set, last.set)
	}
	d := check.entity(n, last.set, "", given, 0)
	if err := check.err(); err != nil {
		return nil, err
	}
	if err := s.mayMake(ctx, check); err != nil {
		return nil, err
	}
	return func(c *change) (*Answer, error) {
		var id int64
		var err error
		if len(steps) == 1 {
			id, err = c.make(d, nil)
		} else {
			var parent made
			if parent, err = c.resolve(steps[:len(steps)-1]); err != nil {
				return nil, err
			}
			id, err = c.makeUnder(d, parent, last.nav)
		}
		if err != nil {
			return nil, err
		}
		return c.created(w, d, id)
	}, nil
}

// mayMake decides whether the actor may make what a request describes.
func (s *Service) mayMake(ctx context.Context, check *checker) error {
	if check.catalogue {
		if err := s.mayChange(ctx, 0); err != nil {
			return err
		}
	}
	if check.readings {
		return s.maySend(ctx)
	}
	return nil
}

// created is the answer to a POST.
func (c *change) created(w *Writing, d *draft, id int64) (*Answer, error) {
	a := &Answer{Status: http.StatusCreated, Location: string(appendPath(nil, w.Root, d.set, id)), made: made{d.set, id}}
	if w.Minimal {
		return a, nil
	}
	if d.kind == nil {
		a.Body = appendReading(nil, w.Root, id, &d.obs.reading)
		return a, nil
	}
	cells, err := c.load(d.kind, id)
	if err != nil {
		return nil, err
	}
	a.Body = appendEntity(nil, w.Root, d.kind, id, cells)
	return a, nil
}

// appendEntity is an entity as a GET shows it.
func appendEntity(dst []byte, root string, k *kind, id int64, cells []cell) []byte {
	dst = appendInt(append(dst, `{"@iot.id":`...), id)
	dst = append(appendPath(append(dst, `,"@iot.selfLink":"`...), root, k.set, id), '"')
	dst = appendProperties(dst, k, cells)
	for _, l := range k.links {
		dst = appendNavigation(dst, root, k.set, id, l.nav)
	}
	return append(dst, '}')
}

func appendNavigation(dst []byte, root, set string, id int64, nav string) []byte {
	dst = append(append(append(dst, `,"`...), nav...), `@iot.navigationLink":"`...)
	dst = appendPath(dst, root, set, id)
	return append(append(append(dst, '/'), nav...), '"')
}

// appendReading is an Observation as a GET shows it.
func appendReading(dst []byte, root string, id int64, r *sensing.Reading) []byte {
	dst = appendInt(append(dst, `{"@iot.id":`...), id)
	dst = appendPath(append(dst, `,"@iot.selfLink":"`...), root, setObservations, id)
	dst = appendMarks(appendObservation(append(dst, '"'), r), r.Marks)
	dst = append(dst, `,"Datastream@iot.navigationLink":"`...)
	dst = append(appendPath(dst, root, setObservations, id), `/Datastream","FeatureOfInterest@iot.navigationLink":"`...)
	return append(appendPath(dst, root, setObservations, id), `/FeatureOfInterest"}`...)
}

// appendObservation appends the properties of an Observation after the others of its object.
func appendObservation(dst []byte, r *sensing.Reading) []byte {
	dst = appendSpan(append(dst, `,"phenomenonTime":`...), r.At, r.End())
	dst = r.Value.AppendJSON(append(dst, `,"result":`...))
	dst = append(dst, `,"resultTime":`...)
	if r.ResultTime != 0 {
		dst = appendSpan(dst, r.ResultTime, r.ResultTime)
	} else {
		dst = append(dst, "null"...)
	}
	if m := r.More; m != nil {
		if m.Quality != "" {
			dst = append(append(dst, `,"resultQuality":`...), m.Quality...)
		}
		if m.ValidFrom != 0 || m.ValidUntil != 0 {
			dst = appendInterval(append(dst, `,"validTime":`...), m.ValidFrom, m.ValidUntil)
		}
		if m.Parameters != "" {
			dst = append(append(dst, `,"parameters":`...), m.Parameters...)
		}
	}
	return dst
}

// appendMarks appends what is doubtful about a reading, if anything is.
func appendMarks(dst []byte, marks sensing.Marks) []byte {
	for i, name := range marks.Names() {
		dst = append(dst, [...]string{`,"@anlan.marks":["`, `","`}[min(i, 1)]...)
		dst = append(dst, name...)
	}
	if marks != 0 {
		dst = append(dst, `"]`...)
	}
	return dst
}

// readBody reads a body of at most max bytes into a buffer that release gives back.
func (s *Service) readBody(w http.ResponseWriter, r *http.Request, max int64) (body []byte, release func(), err error) {
	if r.ContentLength > max {
		w.Header().Set("Connection", "close")
		return nil, nil, &http.MaxBytesError{Limit: max}
	}
	buf := s.buffers.get(int(r.ContentLength))
	in := io.Reader(r.Body)
	if r.ContentLength < 0 {
		in = http.MaxBytesReader(w, r.Body, max)
	}
	body, err = readAll(in, *buf)
	*buf = body[:0]
	if err != nil {
		s.buffers.put(buf)
		w.Header().Set("Connection", "close") // or the server would wait for more of the body before it answers
		var tooLarge *http.MaxBytesError
		if !errors.As(err, &tooLarge) {
			err = web.Errorf(http.StatusBadRequest, "sensing.bad_body", "the body did not arrive as a whole: %s", err)
		}
		return nil, nil, err
	}
	return body, func() { s.buffers.put(buf) }, nil
}

// readAll is io.ReadAll into a buffer that may have room.
func readAll(r io.Reader, buf []byte) ([]byte, error) {
	buf = buf[:0]
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

// minimal says whether a client asked for an answer without the entity (RFC 7240).
func minimal(h http.Header) bool {
	for _, v := range h["Prefer"] {
		if strings.Contains(v, "return=minimal") {
			return true
		}
	}
	return false
}

// mediaType is a content type without its parameters, in lower case.
func mediaType(contentType string) string {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	return t
}
