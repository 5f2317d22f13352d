package sta

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

// Publish takes an Observation that was published to v1.1/Observations, v1.1/Datastreams(id)/Observations or
// v1.1/FeaturesOfInterest(id)/Observations. done is called once: with nil when the Observation is on disk, otherwise with a
// *web.Error that says why it is not. It may be called before Publish returns, and must not block.
func (s *Service) Publish(ctx context.Context, topic string, payload []byte, done func(error)) {
	path, ok := strings.CutPrefix(strings.TrimPrefix(topic, "/"), Root[1:]+"/")
	if !ok {
		done(web.Errorf(http.StatusNotFound, "sensing.bad_topic", "expected a topic such as %s/Observations, got %s", Root[1:], shorten(topic)))
		return
	}
	if len(payload) > maxEntity {
		done(web.Errorf(http.StatusRequestEntityTooLarge, "web.too_large", "the payload is larger than %d bytes", maxEntity))
		return
	}
	datastream, short := readingPath(path)
	var rs [1]sensing.Reading
	s.flight.RLock()
	if short && s.quick(payload, datastream, &rs[0]) {
		err := s.Core.AppendAsync(ctx, s.source(ctx), rs[:], func(r sensing.Receipt, err error) {
			s.flight.RUnlock()
			if err == nil && len(r.Refused) > 0 {
				err = readingError(refusal(r.Refused[0]), "")
			}
			done(err)
		})
		if err != nil {
			s.flight.RUnlock()
			done(err)
		}
		return
	}
	s.flight.RUnlock()
	done(s.publishSlowly(ctx, path, payload))
}

// publishSlowly takes what brings entities along, or comes first for its datastream.
func (s *Service) publishSlowly(ctx context.Context, path string, payload []byte) error {
	steps, err := readPath(path, nil)
	if err != nil {
		return err
	}
	if last := steps[len(steps)-1]; last.set != setObservations || last.entity() {
		return web.Errorf(http.StatusMethodNotAllowed, "sensing.bad_topic",
			"only Observations are made by publishing; make %s over HTTP", steps[len(steps)-1].set)
	}
	_, err = s.Write(ctx, &Writing{Method: http.MethodPost, Path: path, Body: payload, Minimal: true})
	return err
}

// isRefusal says whether an error is one that a sender can mend, not one of ours.
func isRefusal(err error) bool {
	var e *web.Error
	return errors.As(err, &e) && e.Status < http.StatusInternalServerError
}
