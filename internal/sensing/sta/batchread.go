package sta

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/anlan-city/anlan/internal/platform/web"
)

const (
	// maxBatch bounds the body of a batch, maxParts the requests in it, counting those in change sets.
	maxBatch = 8 << 20
	maxParts = 1000
)

// batchPart is a request of a batch, or a change set.
type batchPart struct {
	id      string // Content-ID, "" for none
	method  string
	path    string // below Root
	query   string
	header  textproto.MIMEHeader
	body    []byte
	changes []batchPart // of a change set
	set     bool
}

// batchReader takes a batch apart.
type batchReader struct{ parts int }

// read reads the parts of a multipart body. inside says that it is a change set already.
func (b *batchReader) read(body []byte, contentType string, inside bool) ([]batchPart, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/mixed" || params["boundary"] == "" {
		return nil, badBatch("expected the content type multipart/mixed with a boundary, got %q", shorten(contentType))
	}
	r := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	var out []batchPart
	for {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) && len(out) > 0 {
			return out, nil
		}
		if err != nil {
			return nil, badBatch("part %d: the multipart body can't be read with the boundary %q: %s", len(out)+1, params["boundary"], err)
		}
		if b.parts++; b.parts > maxParts {
			return nil, web.Errorf(http.StatusRequestEntityTooLarge, "sensing.too_many", "a batch has at most %d requests", maxParts)
		}
		part, err := b.part(p, inside)
		if err != nil {
			return nil, badBatch("part %d: %s", len(out)+1, err)
		}
		out = append(out, part)
	}
}

func badBatch(format string, args ...any) error {
	return web.Errorf(http.StatusBadRequest, "sensing.bad_batch", format, args...)
}

func (b *batchReader) part(p *multipart.Part, inside bool) (batchPart, error) {
	body, err := io.ReadAll(p)
	if err != nil {
		return batchPart{}, err
	}
	out := batchPart{id: p.Header.Get("Content-ID")}
	contentType := p.Header.Get("Content-Type")
	switch kind := mediaType(contentType); {
	case kind == "application/http":
		return out, out.request(body)
	case kind == "multipart/mixed" && !inside:
		out.set = true
		out.changes, err = b.read(body, contentType, true)
		return out, err
	case kind == "multipart/mixed":
		return out, errors.New("a change set holds no other change set")
	}
	return out, fmt.Errorf("expected the content type application/http or multipart/mixed, got %q", shorten(contentType))
}

// request reads an HTTP request: its line, its headers, and what is left as its body.
func (p *batchPart) request(text []byte) error {
	r := bufio.NewReader(bytes.NewReader(text))
	line, err := textproto.NewReader(r).ReadLine()
	for err == nil && line == "" { // some clients leave an empty line more
		line, err = textproto.NewReader(r).ReadLine()
	}
	words := strings.Fields(line)
	if err != nil || len(words) < 2 || len(words) > 3 {
		return fmt.Errorf("expected a request line such as POST Things HTTP/1.1, got %q", shorten(line))
	}
	p.method = words[0]
	if err := p.target(words[1]); err != nil {
		return err
	}
	p.header, err = textproto.NewReader(r).ReadMIMEHeader()
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("headers of the request: %w", err)
	}
	if p.id == "" {
		p.id = p.header.Get("Content-ID") // where OData 2 had it
	}
	p.body, err = io.ReadAll(r)
	return err
}

// target reads the address of a request: absolute, from the host's root, or relative to the API's root.
func (p *batchPart) target(raw string) error {
	path, query, _ := strings.Cut(raw, "?")
	if _, rest, ok := strings.Cut(path, "://"); ok {
		_, path, _ = strings.Cut(rest, "/")
		path = "/" + path
	}
	if i := strings.Index(path+"/", Root+"/"); i >= 0 && strings.HasPrefix(path, "/") {
		path = path[i+len(Root):]
	}
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return fmt.Errorf("the address %q: %w", shorten(raw), err)
	}
	p.path, p.query = "/"+strings.TrimPrefix(decoded, "/"), query
	return nil
}
