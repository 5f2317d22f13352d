package sensing

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// Latest is what is kept about a datastream, for one who may see it.
func (s *Service) Latest(ctx context.Context, datastream int64) (State, error) {
	if err := s.mayRead(ctx, datastream); err != nil {
		return State{}, err
	}
	st, ok := s.State(datastream)
	if !ok {
		return State{}, unknownDatastream(datastream)
	}
	return st, nil
}

// mayRead decides whether the actor may see a datastream, which lies where its asset lies.
func (s *Service) mayRead(ctx context.Context, datastream int64) error {
	d, ok := s.Lookup(datastream)
	if !ok {
		return unknownDatastream(datastream)
	}
	return s.mayReadAsset(ctx, d.Asset)
}

func (s *Service) mayReadAsset(ctx context.Context, asset int64) error {
	at := s.Asset(asset)
	return s.Access.Decide(ctx, "reading.read",
		access.Resource{Type: "asset", ID: asset, Organisation: at.Organisation, Area: at.Area}, access.Operations)
}

// Hidden says whether the values of an asset must not be shown to the actor: it stands in a home. The program itself needs
// them to judge.
func (s *Service) Hidden(ctx context.Context, asset int64) bool {
	return s.Asset(asset).Home && access.From(ctx).Kind != access.KindSystem
}

// Datastreams are those of an asset, with their states, by id.
func (s *Service) Datastreams(ctx context.Context, asset int64) ([]DatastreamState, error) {
	if err := s.mayReadAsset(ctx, asset); err != nil {
		return nil, err
	}
	var out []DatastreamState
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		ids, err := datastreamsOf(tx, asset)
		if err != nil {
			return err
		}
		s.mu.RLock()
		defer s.mu.RUnlock()
		for _, id := range ids {
			if st, ok := s.streams[id]; ok {
				out = append(out, DatastreamState{st.Datastream, st.state, s.Hidden(ctx, asset)})
			}
		}
		return nil
	})
	return out, err
}

// History is the readings of a datastream with from <= time <= to, in the order of time, then id; the newest limit of them.
func (s *Service) History(ctx context.Context, datastream int64, from, to time.Time, limit int) ([]Stored, error) {
	if err := s.mayShow(ctx, datastream); err != nil {
		return nil, err
	}
	q := Query{Datastreams: []int64{datastream}, From: MinTime, To: MaxTime, Order: ByTimeDesc}
	if !from.IsZero() {
		q.From = from.UnixMicro()
	}
	if !to.IsZero() {
		q.To = to.UnixMicro()
	}
	var out []Stored
	err := s.Scan(ctx, q, func(r Stored) error {
		if len(out) == limit {
			return ErrStop
		}
		out = append(out, r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("history of datastream %d: %w", datastream, err)
	}
	slices.Reverse(out)
	return out, nil
}

// mayShow decides whether the actor may see a datastream's values.
func (s *Service) mayShow(ctx context.Context, datastream int64) error {
	if err := s.mayRead(ctx, datastream); err != nil {
		return err
	}
	if d, _ := s.Lookup(datastream); s.Hidden(ctx, d.Asset) {
		return web.Errorf(http.StatusForbidden, "sensing.home", "a sensor in a home shows whether it is alive, and no values")
	}
	return nil
}
