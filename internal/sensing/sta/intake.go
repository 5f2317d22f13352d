package sta

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

// The way of most readings: an Observation for a datastream and a feature that are known. It needs no look into the
// catalogue and no transaction of its own; the log takes it with what others send. Everything else goes the general way,
// with the same outcome.

// pool lends buffers.
type pool struct{ sync.Pool }

// keepBuffer is the largest buffer that is kept for the next request.
const keepBuffer = 4 << 20

// get is an empty buffer with room for about n bytes.
func (p *pool) get(n int) *[]byte {
	if b, ok := p.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, max(n+1, 1024))
	return &b
}

func (p *pool) put(b *[]byte) {
	if cap(*b) <= keepBuffer {
		*b = (*b)[:0]
		p.Put(b)
	}
}

// readings lends slices of readings.
type readings struct{ sync.Pool }

func (p *readings) get() []sensing.Reading {
	if rs, ok := p.Get().(*[]sensing.Reading); ok {
		return *rs
	}
	return nil
}

// put takes the slice of a bulk back, without what it holds.
func (p *readings) put(a *arrays) {
	rs := a.readings[:cap(a.readings)]
	if len(rs) > 2*appendAtOnce {
		return
	}
	clear(rs)
	rs = rs[:0]
	p.Put(&rs)
}

// postReading answers a POST of an Observation that goes the short way; otherwise it returns false and has done nothing.
func (s *Service) postReading(w http.ResponseWriter, r *http.Request, path string, body []byte) bool {
	datastream, ok := readingPath(path)
	if !ok || len(r.Header["Idempotency-Key"]) > 0 {
		return false
	}
	rs := [1]sensing.Reading{}
	s.flight.RLock()
	if !s.quick(body, datastream, &rs[0]) {
		s.flight.RUnlock()
		return false
	}
	receipt, err := s.Core.Append(r.Context(), s.source(r.Context()), rs[:])
	s.flight.RUnlock()
	if err == nil && len(receipt.Refused) > 0 {
		err = readingError(refusal(receipt.Refused[0]), "")
	}
	if err != nil {
		web.WriteError(w, r, err)
		return true
	}
	if receipt.Marked > 0 {
		if st, err := s.Core.Get(r.Context(), receipt.IDs[0]); err == nil {
			rs[0] = st.Reading
		}
	}
	buf := s.buffers.get(512)
	defer s.buffers.put(buf)
	root := s.root(r)
	out := appendPath(*buf, root, setObservations, receipt.IDs[0])
	w.Header()["Location"] = []string{string(out)}
	if !minimal(r.Header) {
		w.Header()["Content-Type"] = []string{"application/json"}
		out = appendReading(out[:0], root, receipt.IDs[0], &rs[0])
	} else {
		out = out[:0]
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(out) // a client that has gone gets no answer
	*buf = out
	return true
}

// readingPath is the datastream of a path to which Observations are posted, 0 for the set of all.
func readingPath(path string) (datastream int64, ok bool) {
	path = strings.TrimPrefix(path, "/")
	if path == setObservations {
		return 0, true
	}
	rest, ok := strings.CutPrefix(path, setDatastreams+"(")
	if !ok {
		return 0, false
	}
	rest, ok = strings.CutSuffix(rest, ")/"+setObservations)
	if !ok || len(rest) > 19 {
		return 0, false
	}
	return parseID([]byte(rest))
}

// quick reads an Observation of the common form into r. datastream follows from the path, 0 for none. false means that it
// must go the general way. The caller holds flight until the reading is on disk.
func (s *Service) quick(body []byte, datastream int64, r *sensing.Reading) bool {
	var o observation
	if scan := (scanner{b: body}); !scan.observation(&o) {
		return false
	}
	if datastream != 0 && o.reading.Datastream != 0 && datastream != o.reading.Datastream {
		return false
	}
	datastream, feature := max(datastream, o.reading.Datastream), o.reading.Feature
	if datastream == 0 {
		return false
	}
	known := false
	if feature == 0 {
		feature, known = s.features.of(datastream)
	} else {
		known = s.features.known(datastream, feature)
	}
	if !known {
		return false
	}
	*r = o.stored(datastream, feature, s.stamp)
	return true
}

// refusal is the log's refusal of a reading as an error.
func refusal(r sensing.Refusal) *web.Error {
	status := http.StatusUnprocessableEntity
	switch r.Code {
	case "access.denied":
		status = http.StatusForbidden
	case "sensing.unknown_datastream":
		status = http.StatusNotFound
	}
	return web.Errorf(status, r.Code, "%s", r.Message)
}

// readingError says the log's refusal in the words of the standard: field is the Observation's place in the request.
func readingError(e *web.Error, field string) *web.Error {
	names := map[string]string{"value": "result", "at": "phenomenonTime", "datastream": "Datastream", "feature": "FeatureOfInterest"}
	c := *e
	c.Field = field
	if name, message, ok := strings.Cut(e.Message, ": "); ok && !strings.Contains(name, " ") {
		if standard, known := names[name]; known {
			name = standard
		}
		c.Message, c.Field = message, strings.TrimPrefix(field+"."+name, ".")
	}
	return &c
}

// mayAppend decides whether the actor may send readings of a datastream. The log decides for itself; this is asked before
// the catalogue changes for the sake of a reading.
func (s *Service) mayAppend(ctx context.Context, datastream int64) error {
	d, ok := s.Core.Lookup(datastream)
	if !ok {
		return missing(setDatastreams, datastream)
	}
	return s.Access.Decide(ctx, "reading.append",
		access.Resource{Type: "datastream", ID: d.ID, Source: s.source(ctx), Name: d.ExternalID}, access.Operations)
}

// derive finds the features for readings that name none, of datastreams of which it is not known yet, and says for which there
// is none.
func (s *Service) derive(ctx context.Context, datastreams []int64, own map[int64]int64) (reasons map[int64]string, err error) {
	reasons = map[int64]string{}
	for part := range slices.Chunk(datastreams, admitAtOnce) {
		err := s.change(ctx, func(c *change) error {
			for _, id := range part {
				err := s.mayAppend(ctx, id)
				if err == nil {
					own[id], err = c.featureOf(id)
				}
				if err != nil && !isRefusal(err) {
					return err
				}
				if err != nil {
					own[id], reasons[id] = 0, err.Error()
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return reasons, nil
}

// pair is a datastream and a feature that a reading of it has.
type pair struct{ datastream, feature int64 }

// admitAtOnce is how many pairs are admitted, and how many features found, in one transaction.
const admitAtOnce = 500

// admit makes pairs known whose feature exists, and says what is wrong with the others.
func (s *Service) admit(ctx context.Context, pairs []pair) (map[pair]string, error) {
	wrong := map[pair]string{}
	for len(pairs) > 0 {
		n := min(len(pairs), admitAtOnce)
		err := s.change(ctx, func(c *change) error {
			for _, p := range pairs[:n] {
				err := s.mayAppend(ctx, p.datastream)
				if err == nil {
					err = c.observed(p)
				}
				if err != nil && !isRefusal(err) {
					return err
				}
				if err != nil {
					wrong[p] = err.Error()
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		pairs = pairs[n:]
	}
	return wrong, nil
}

// observed is observe for a pair of which neither need exist.
func (c *change) observed(p pair) error {
	for set, id := range map[string]int64{setDatastreams: p.datastream, setFeatures: p.feature} {
		ok, err := c.exists(set, id)
		if err != nil {
			return err
		}
		if !ok {
			return missing(set, id)
		}
	}
	return c.observe(p.datastream, p.feature)
}
