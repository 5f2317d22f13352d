package coverage

import (
	"context"
	"net/http"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// SetHeartbeat says how often a datastream is expected to speak, as an ISO 8601 duration; "" takes back what was set, so that
// what its sender or a detector says counts again. Who may register datastreams may.
func (s *Service) SetHeartbeat(ctx context.Context, datastream int64, every string) error {
	d, ok := s.Streams.Lookup(datastream)
	if !ok {
		return web.Errorf(http.StatusNotFound, "coverage.unknown_datastream", "there is no datastream %d", datastream)
	}
	at, _ := s.Register.Asset(d.Asset)
	r := access.Resource{Type: "datastream", ID: datastream, Organisation: at.Organisation, Area: at.Area}
	if err := s.Access.Decide(ctx, "datastream.register", r, access.Maintenance); err != nil {
		return err
	}
	var e Expectation
	if every != "" {
		span, err := ParseEvery(every)
		if err != nil {
			return web.Errorf(http.StatusUnprocessableEntity, "coverage.bad_heartbeat", "%v", err).At("heartbeat")
		}
		e = Expectation{span, FromSetting}
	}
	now, who := s.Clock.Now(), access.From(ctx)
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := putHeartbeat(tx, datastream, e.Every, who.ID, who.Name, now); err != nil {
			return err
		}
		return ledger.Append(tx, ledger.Entry{
			Action: "datastream.heartbeat", Actor: who.Name, ActorID: who.ID, Subject: "datastream", SubjectID: datastream, At: now,
			Detail: map[string]any{"heartbeat": every},
		})
	})
	if err != nil {
		return err
	}
	return s.bind(ctx)
}
