package sta

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/anlan-city/anlan/internal/platform/web"
)

// maxBatchAnswer bounds the answer to a batch in bytes.
const maxBatchAnswer = 32 << 20

// batch answers a $batch: its requests one after the other, each change set as one transaction.
type batch struct {
	s    *Service
	r    *http.Request // that brought the batch
	root string
	read http.Handler
	left int // how many bytes the answer may still have
}

// postBatch answers $batch (OData 4.0 part 1, 11.7, as OGC 18-088 asks for).
func (s *Service) postBatch(w http.ResponseWriter, r *http.Request, read http.Handler) {
	body, release, err := s.readBody(w, r, maxBatch)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	defer release()
	if r.Header.Get("Idempotency-Key") != "" {
		web.WriteError(w, r, badBatch("a batch is not one deed: give each request of it its own Idempotency-Key"))
		return
	}
	parts, err := (&batchReader{}).read(body, r.Header.Get("Content-Type"), false)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	b := &batch{s: s, r: r, root: s.root(r), read: read, left: maxBatchAnswer}
	boundary := "batch_" + rand.Text()
	w.Header().Set("Content-Type", "multipart/mixed; boundary="+boundary)
	var out bytes.Buffer
	for i := range parts {
		fmt.Fprintf(&out, "--%s\r\n", boundary)
		if parts[i].set {
			b.changeSet(&out, &parts[i])
		} else {
			b.single(&out, &parts[i])
		}
	}
	fmt.Fprintf(&out, "--%s--\r\n", boundary)
	_, _ = w.Write(out.Bytes()) // a client that has gone gets no answer
}

// single answers a request that stands by itself.
func (b *batch) single(out io.Writer, p *batchPart) {
	answer := &recorder{header: http.Header{}, left: &b.left}
	switch p.method {
	case http.MethodGet, http.MethodHead:
		b.get(answer, p)
	default:
		a, err := b.write(b.r.Context(), p)
		b.settle(answer, a, err)
	}
	answer.writeTo(out, p.id)
}

// get has the reading half answer.
func (b *batch) get(answer *recorder, p *batchPart) {
	u := &url.URL{Path: Root + strings.TrimSuffix(p.path, "/"), RawQuery: p.query}
	r := (&http.Request{
		Method: p.method, URL: u, Host: b.r.Host, TLS: b.r.TLS, RemoteAddr: b.r.RemoteAddr, RequestURI: u.RequestURI(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header(p.header), Body: http.NoBody,
	}).WithContext(b.r.Context())
	r.Header.Del("X-Forwarded-Proto") // of it the proxy tells, not a part of the body
	if proto := b.r.Header["X-Forwarded-Proto"]; proto != nil {
		r.Header["X-Forwarded-Proto"] = proto
	}
	b.read.ServeHTTP(answer, r)
	if answer.overflow {
		answer.reset()
		web.WriteError(answer, b.r, badBatch("the answers to this batch are larger than %d bytes: ask for less at once", maxBatchAnswer))
	}
	if p.method == http.MethodHead {
		answer.body.Reset()
	}
}

func (b *batch) write(ctx context.Context, p *batchPart) (*Answer, error) {
	w := b.writing(p)
	switch p.path {
	case "/CreateObservations":
		if p.method == http.MethodPost {
			return b.s.createObservations(ctx, w)
		}
	case "/$batch":
		return nil, badBatch("a batch holds no other batch")
	}
	return b.s.Write(ctx, w)
}

func (b *batch) writing(p *batchPart) *Writing {
	return &Writing{
		Method: p.method, Path: p.path, Body: p.body, ContentType: p.header.Get("Content-Type"), Root: b.root,
		Minimal: minimal(http.Header(p.header)), Key: p.header.Get("Idempotency-Key"),
	}
}

// settle writes the outcome of a write.
func (b *batch) settle(answer *recorder, a *Answer, err error) {
	if err != nil {
		web.WriteError(answer, b.r, err)
		return
	}
	a.send(answer)
}

// changeSet carries out all of a change set or nothing, and answers each of its requests or, with one answer, that it failed.
func (b *batch) changeSet(out io.Writer, p *batchPart) {
	answers, err := b.changes(p)
	if err != nil {
		answer := &recorder{header: http.Header{}, left: &b.left}
		b.settle(answer, nil, err)
		answer.writeTo(out, p.id)
		return
	}
	boundary := "changeset_" + rand.Text()
	fmt.Fprintf(out, "Content-Type: multipart/mixed; boundary=%s\r\n\r\n", boundary)
	for i, a := range answers {
		fmt.Fprintf(out, "--%s\r\n", boundary)
		answer := &recorder{header: http.Header{}, left: &b.left}
		b.settle(answer, a, nil)
		answer.writeTo(out, p.changes[i].id)
	}
	fmt.Fprintf(out, "--%s--\r\n", boundary)
}

func (b *batch) changes(p *batchPart) ([]*Answer, error) {
	ctx := b.r.Context()
	sets := map[string]string{} // of what each part makes, by "$1"
	met := func(ref string) (string, bool) { set, ok := sets[ref]; return set, ok }
	deeds := make([]deed, len(p.changes))
	for i := range p.changes {
		c := &p.changes[i]
		w := b.writing(c)
		w.Path = strings.TrimPrefix(c.path, "/")
		var err error
		switch {
		case c.method == http.MethodGet || c.method == http.MethodHead:
			err = badBatch("a change set holds only changes, no %s", c.method)
		case w.Path == "CreateObservations" || w.Path == "$batch":
			err = badBatch("%s can't be part of a change set", w.Path)
		case w.Key != "":
			err = badBatch("a request of a change set has no Idempotency-Key of its own")
		default:
			deeds[i], err = b.s.prepare(ctx, w, met)
		}
		if err != nil {
			return nil, inPart(err, i, c.id)
		}
		if _, twice := sets["$"+c.id]; twice {
			return nil, inPart(badBatch("two requests have this Content-ID"), i, c.id)
		}
		if c.method == http.MethodPost && c.id != "" {
			if steps, err := readPath(w.Path, met); err == nil {
				sets["$"+c.id] = steps[len(steps)-1].set
			}
		}
	}
	answers := make([]*Answer, len(deeds))
	err := b.s.change(ctx, func(c *change) error {
		for i, do := range deeds {
			a, err := do(c)
			if err != nil {
				return inPart(err, i, p.changes[i].id)
			}
			answers[i] = a
			if id := p.changes[i].id; id != "" {
				c.met["$"+id] = a.made
			}
		}
		return nil
	})
	return answers, err
}

// inPart names the request of a change set that could not be carried out.
func inPart(err error, i int, id string) error {
	var e *web.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("request %d of the change set: %w", i+1, err)
	}
	c := *e
	c.Message = fmt.Sprintf("request %d of the change set: %s", i+1, e.Message)
	if id != "" {
		c.Message = fmt.Sprintf("request %d of the change set (Content-ID %s): %s", i+1, id, e.Message)
	}
	return &c
}

// recorder keeps the answer to a part.
type recorder struct {
	header   http.Header
	status   int
	body     bytes.Buffer
	left     *int
	overflow bool
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

var errOverflow = errors.New("the answer is too large")

func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	if *r.left -= len(b); *r.left < 0 {
		r.overflow = true
		return 0, errOverflow
	}
	return r.body.Write(b)
}

func (r *recorder) reset() {
	*r.left = 1024 // for the error
	r.header, r.status, r.overflow = http.Header{}, 0, false
	r.body.Reset()
}

// writeTo writes the answer as a part.
func (r *recorder) writeTo(out io.Writer, id string) {
	fmt.Fprint(out, "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n")
	if id != "" {
		fmt.Fprintf(out, "Content-ID: %s\r\n", oneLine(id))
	}
	r.WriteHeader(http.StatusOK)
	fmt.Fprintf(out, "\r\nHTTP/1.1 %d %s\r\n", r.status, http.StatusText(r.status))
	for name, values := range r.header {
		for _, v := range values {
			fmt.Fprintf(out, "%s: %s\r\n", textproto.CanonicalMIMEHeaderKey(name), oneLine(v))
		}
	}
	fmt.Fprintf(out, "Content-Length: %d\r\n\r\n", r.body.Len())
	_, _ = r.body.WriteTo(out) // into memory
	fmt.Fprint(out, "\r\n")
}

// oneLine keeps a header from becoming two.
func oneLine(s string) string { return strings.NewReplacer("\r", " ", "\n", " ").Replace(s) }
