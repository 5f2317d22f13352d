package public

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/anlan-city/anlan/internal/platform/page"
)

// Bounds of what a picture keeps ready. Only what exists is kept, so they matter to a city with thousands of areas alone.
const (
	maxDocuments     = 4096
	maxDocumentBytes = 64 << 20

	worthZipping = 1024
)

// key names a document: nothing of a request that doesn't change the answer is part of it.
type key struct {
	what string // the route
	name string
	area int64
	page.Reader
}

// sheet is an answer, ready to be sent.
type sheet struct {
	contentType string // empty for a page
	lang        string
	modified    time.Time // zero for what says the time itself
	body        []byte
	zipped      func() []byte // nil where it would gain nothing
	tag         string        // without its quotes
}

// newSheet makes the document ready.
func newSheet(contentType, lang string, body []byte, modified time.Time) (*sheet, error) {
	sum := sha256.Sum256(body)
	d := &sheet{contentType: contentType, lang: lang, modified: modified, body: body, tag: hex.EncodeToString(sum[:12])}
	d.zipped = sync.OnceValue(func() []byte { return zip(body) })
	return d, nil
}

// zip compresses what is worth it, nil where it is not. It is done when the first asks for it: after a change all pages are made anew
// at once, and most of those that few look at are asked for in one form before they are out of date.
func zip(body []byte) []byte {
	if len(body) < worthZipping {
		return nil
	}
	var b bytes.Buffer
	z := zippers.Get().(*gzip.Writer)
	defer zippers.Put(z)
	z.Reset(&b)
	if _, err := z.Write(body); err != nil {
		return nil // a buffer takes all
	}
	if err := z.Close(); err != nil {
		return nil
	}
	return b.Bytes()
}

// zippers are kept, since each holds large tables. The fastest level: after a change all pages are made anew at once.
var zippers = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	return z
}}

// size is what a document counts for in bytes, with its compressed form, which may follow.
func (d *sheet) size() int { return len(d.body) + len(d.body)/4 }

// zipped ends the tag of the compressed form: a tag names bytes, and these are others.
const zipped = "-gzip"

// serve answers with the document, or with 304 to those who have it.
func (d *sheet) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if d.contentType == "" {
		page.Headers(h, d.lang)
	} else {
		h.Set("Content-Type", d.contentType)
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("X-Content-Type-Options", "nosniff")
		if d.lang != "" {
			h.Set("Content-Language", d.lang)
			h.Add("Vary", "Accept-Language")
		}
	}
	h.Set("Cache-Control", "no-cache") // may be kept, but must be asked for: that a warning has ended shows at once
	body, tag := d.body, d.tag
	packed := len(body) >= worthZipping && acceptsGzip(r.Header.Get("Accept-Encoding"))
	if packed {
		tag += zipped
	}
	h.Set("ETag", `"`+tag+`"`)
	if d.modified.Unix() > 0 {
		h.Set("Last-Modified", d.modified.UTC().Format(http.TimeFormat))
	}
	if d.held(r.Header) {
		h.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if packed {
		body = d.zipped()
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	if _, err := w.Write(body); err != nil {
		slog.DebugContext(r.Context(), "document not sent", "path", r.URL.Path, "err", err)
	}
}

// held says whether the asker has the document already. A tag, where there is one, decides alone.
func (d *sheet) held(h http.Header) bool {
	if tags := h.Values("If-None-Match"); len(tags) > 0 {
		for _, list := range tags {
			for tag := range strings.SplitSeq(list, ",") {
				tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
				if tag == "*" || strings.TrimSuffix(strings.Trim(tag, `"`), zipped) == d.tag {
					return true
				}
			}
		}
		return false
	}
	since, err := http.ParseTime(h.Get("If-Modified-Since"))
	return err == nil && d.modified.Unix() > 0 && !d.modified.Truncate(time.Second).After(since)
}

// acceptsGzip reads Accept-Encoding.
func acceptsGzip(accept string) bool {
	for coding := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(coding, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		q, ok := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		return !ok || err == nil && weight > 0
	}
	return false
}

// shelf keeps the documents of one picture, each made when it is first asked for. It is safe for concurrent use.
type shelf struct {
	mu sync.Mutex
	// guarded by mu
	slots map[key]*slot
	bytes int
}

// slot is a document's place; whoever comes first makes it, the others wait.
type slot struct {
	once sync.Once
	doc  *sheet
	err  error
	size int // guarded by the shelf's mu: what it counts for in bytes
}

var errNotMade = errors.New("the document could not be made")

// get returns the document of the key. What can't be made is not kept.
func (s *shelf) get(k key, make func() (*sheet, error)) (*sheet, error) {
	s.mu.Lock()
	at := s.slots[k]
	if at == nil {
		if s.slots == nil {
			s.slots = map[key]*slot{}
		}
		at = &slot{err: errNotMade}
		s.evict(maxDocuments-1, maxDocumentBytes)
		s.slots[k] = at
	}
	s.mu.Unlock()
	at.once.Do(func() {
		at.doc, at.err = make()
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case s.slots[k] != at: // left the shelf meanwhile
		case at.err != nil:
			delete(s.slots, k)
		default:
			s.evict(maxDocuments, maxDocumentBytes-at.doc.size())
			if s.slots[k] == at {
				at.size = at.doc.size()
				s.bytes += at.size
			}
		}
	})
	return at.doc, at.err
}

// evict lets go of documents, whichever, until so many are left. mu is held.
func (s *shelf) evict(count, bytes int) {
	for k, at := range s.slots {
		if len(s.slots) <= count && s.bytes <= bytes {
			return
		}
		s.bytes -= at.size
		delete(s.slots, k)
	}
}
