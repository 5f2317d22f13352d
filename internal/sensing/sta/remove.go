package sta

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

// prepareDelete checks a DELETE. What can't be without the entity goes with it.
func (s *Service) prepareDelete(ctx context.Context, steps []step) (deed, error) {
	last := steps[len(steps)-1]
	if err := s.mayChange(ctx, max(last.id, 1)); err != nil {
		return nil, err
	}
	return func(c *change) (*Answer, error) {
		m, err := c.resolve(steps)
		if err != nil {
			return nil, err
		}
		return &Answer{Status: http.StatusOK}, c.remove(m)
	}, nil
}

func (c *change) remove(m made) error {
	c.forget()
	defer c.forget()
	switch m.set {
	case setThings:
		return c.removeThing(m.id)
	case setLocations:
		return c.removeLocation(m.id)
	case setHistoricalLocations:
		return c.removePast(m.id)
	case setDatastreams:
		return c.removeDatastream(m.id)
	case setSensors:
		return c.removeOwner(m, "select id from sta_datastreams where sensor = $1 order by id nulls last")
	case setObservedProperties:
		return c.removeOwner(m, "select datastream from sta_datastream_properties where observed_property = $1 order by datastream nulls last")
	case setFeatures: // within a change set
		observed, err := c.any("select 1 from sta_datastream_features where feature = $1", m.id)
		if err == nil && observed {
			err = web.Errorf(http.StatusBadRequest, "sensing.not_in_set", "FeatureOfInterest %d is deleted with its Observations, "+
				"which may be too many for one transaction: send it outside of the change set", m.id)
		}
		if err != nil {
			return err
		}
		return c.removeFeature(m.id)
	}
	_, err := c.Delete(m.id)
	return err
}

// exec runs statements that all take the one id.
func (c *change) exec(id int64, statements ...string) error {
	for _, q := range statements {
		if _, err := c.Exec(q, id); err != nil {
			return fmt.Errorf("delete: %w", err)
		}
	}
	return nil
}

func (c *change) gone(set string, id int64, links ...sensing.Link) {
	c.Note(sensing.Entity{Set: set, ID: id, Op: sensing.Deleted, Links: links})
}

func (c *change) removeThing(id int64) error {
	if err := c.removeDatastreams("select id from sta_datastreams where thing = $1 order by id nulls last", id); err != nil {
		return err
	}
	past, err := c.ids("select id from sta_historical_locations where thing = $1 order by id nulls last", id)
	if err != nil {
		return err
	}
	for _, p := range past {
		if err := c.removePast(p); err != nil {
			return err
		}
	}
	c.gone(setThings, id)
	return c.exec(id, "delete from sta_thing_locations where thing = $1", "delete from sta_things where id = $1")
}

func (c *change) removeDatastreams(query string, id int64) error {
	ids, err := c.ids(query, id)
	if err != nil {
		return err
	}
	for _, d := range ids {
		if err := c.removeDatastream(d); err != nil {
			return err
		}
	}
	return nil
}

// removeDatastream deletes a datastream with its readings.
func (c *change) removeDatastream(id int64) error {
	if err := c.DeleteDatastream(id); err != nil {
		return err
	}
	c.AfterCommit(func() { c.s.features.forget([]int64{id}) })
	c.gone(setDatastreams, id)
	return c.exec(id, "delete from sta_datastream_features where datastream = $1",
		"delete from sta_datastream_properties where datastream = $1", "delete from sta_datastreams where id = $1")
}

func (c *change) removeOwner(m made, datastreams string) error {
	if err := c.removeDatastreams(datastreams, m.id); err != nil {
		return err
	}
	c.gone(m.set, m.id)
	return c.exec(m.id, "delete from "+kindOf(m.set).table+" where id = $1")
}

// removeLocation deletes a Location, and the HistoricalLocations that have no other.
func (c *change) removeLocation(id int64) error {
	if err := c.forgetFeatures("thing in (select tl.thing from sta_thing_locations tl where tl.location = $1)", id); err != nil {
		return err
	}
	alone, err := c.ids(`select h.historical_location from sta_historical_location_locations h where h.location = $1 and not exists
		(select 1 from sta_historical_location_locations o where o.historical_location = h.historical_location and o.location <> $1)
		order by h.historical_location nulls last`, id)
	if err != nil {
		return err
	}
	for _, p := range alone {
		if err := c.removePast(p); err != nil {
			return err
		}
	}
	c.gone(setLocations, id)
	return c.exec(id, "delete from sta_historical_location_locations where location = $1",
		"delete from sta_thing_locations where location = $1", "delete from sta_locations where id = $1")
}

func (c *change) removePast(id int64) error {
	c.gone(setHistoricalLocations, id)
	return c.exec(id, "delete from sta_historical_location_locations where historical_location = $1",
		"delete from sta_historical_locations where id = $1")
}

// removeFeature deletes a feature that has no Observations any more.
func (c *change) removeFeature(id int64) error {
	c.gone(setFeatures, id)
	if err := c.forgetFeatures("feature = $1", id); err != nil {
		return err
	}
	return c.exec(id, "update sta_locations set feature = 0 where feature = $1",
		"delete from sta_datastream_features where feature = $1", "delete from sta_features where id = $1")
}

// removeAtOnce is how many Observations of a feature are deleted in one commit, so that the writer is not held long.
const removeAtOnce = 200

// deleteFeature deletes a FeatureOfInterest with its Observations, which may be too many for one commit: the feature is
// closed first, so that no reading takes it any more, then its Observations go some at a time, and at last itself. done is
// false for a request that is about something else.
func (s *Service) deleteFeature(ctx context.Context, w *Writing) (a *Answer, done bool, err error) {
	steps, err := readPath(w.Path, nil)
	if err != nil || steps[len(steps)-1].set != setFeatures || !steps[len(steps)-1].entity() {
		return nil, false, nil
	}
	if err := s.mayChange(ctx, max(steps[len(steps)-1].id, 1)); err != nil {
		return nil, true, err
	}
	var m made
	err = s.change(ctx, func(c *change) error {
		var err error
		m, err = c.resolve(steps)
		return err
	})
	if err != nil {
		return nil, true, err
	}
	s.flight.Lock()
	s.features.close(m.id)
	s.flight.Unlock()
	defer s.features.open(m.id)
	var datastreams []int64
	err = s.change(ctx, func(c *change) error {
		var err error
		datastreams, err = c.ids("select datastream from sta_datastream_features where feature = $1 order by datastream nulls last", m.id)
		return err
	})
	if err != nil {
		return nil, true, err
	}
	for after := int64(0); ; {
		found, err := s.readingsOf(ctx, m.id, datastreams, after)
		if err != nil {
			return nil, true, err
		}
		err = s.change(ctx, func(c *change) error {
			if err := c.removeReadings(found, m.id); err != nil || len(found) == removeAtOnce {
				return err
			}
			ok, err := c.exists(setFeatures, m.id)
			if err == nil && !ok { // someone else was quicker
				err = missing(setFeatures, m.id)
			}
			if err != nil {
				return err
			}
			return c.removeFeature(m.id)
		})
		if err != nil {
			return nil, true, err
		}
		if len(found) < removeAtOnce {
			break
		}
		after = found[len(found)-1]
	}
	return &Answer{Status: http.StatusOK}, true, nil
}

// removeReadings deletes readings that had a feature when they were looked for. Others may have deleted them since, or handed
// them over to another feature: these stay.
func (c *change) removeReadings(ids []int64, feature int64) error {
	for _, id := range ids {
		r, err := c.Tx.Get(id)
		if err == nil && r.Feature == feature {
			_, err = c.Delete(id)
		}
		if err != nil && !errors.Is(err, db.ErrNotFound) {
			return err
		}
	}
	return nil
}

// readingsOf are the ids of at most removeAtOnce Observations of a feature, behind an id.
func (s *Service) readingsOf(ctx context.Context, feature int64, datastreams []int64, after int64) ([]int64, error) {
	if len(datastreams) == 0 {
		return nil, nil
	}
	q := sensing.Query{Datastreams: datastreams, Order: sensing.ByID}
	if after != 0 {
		q.After = &sensing.Key{ID: after}
	}
	var found []int64
	err := s.Core.Scan(ctx, q, func(r sensing.Stored) error {
		if r.Feature == feature {
			found = append(found, r.ID)
		}
		if len(found) == removeAtOnce {
			return sensing.ErrStop
		}
		return nil
	})
	if err != nil && !errors.Is(err, sensing.ErrStop) {
		return nil, fmt.Errorf("look for the Observations of FeatureOfInterest %d: %w", feature, err)
	}
	return found, nil
}
