package sta

import (
	"fmt"
	"slices"

	"github.com/anlan-city/anlan/internal/sensing"
)

// A Thing is in one place at a time. It has several Locations only where they say the same place in several encodings.

// placed is a Location that a Thing has.
type placed struct {
	id       int64
	encoding string
}

// move says that a Thing is at other Locations from now on, and keeps the fact as a HistoricalLocation. whole says that
// they are all it has; otherwise each replaces the one of its own encoding.
func (c *change) move(thing int64, locations []int64, whole bool) error {
	before, err := c.places(`select l.id, l.encoding_type from sta_thing_locations tl join sta_locations l on l.id = tl.location
		where tl.thing = $1 order by l.id nulls last`, thing)
	if err != nil {
		return err
	}
	var after []placed
	for _, id := range locations {
		found, err := c.places("select id, encoding_type from sta_locations where id = $1", id)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return missing(setLocations, id)
		}
		if slices.Contains(after, found[0]) {
			continue
		}
		after = append(after, found[0])
	}
	if !whole {
		for _, p := range before {
			if !slices.ContainsFunc(after, func(q placed) bool { return q.encoding == p.encoding }) {
				after = append(after, p)
			}
		}
	}
	slices.SortFunc(after, func(a, b placed) int { return int(a.id - b.id) })
	if slices.Equal(before, after) {
		return nil
	}
	ids := make([]int64, len(after))
	for i, p := range after {
		ids[i] = p.id
	}
	if err := c.setPlaces(thing, ids); err != nil || len(ids) == 0 {
		return err
	}
	_, err = c.insertPast(thing, []cell{{set: true, num: c.now}}, ids)
	return err
}

func (c *change) places(query string, id int64) ([]placed, error) {
	rows, err := c.Query(query, id)
	if err != nil {
		return nil, fmt.Errorf("read places: %w", err)
	}
	defer rows.Close()
	var out []placed
	for rows.Next() {
		var p placed
		if err := rows.Scan(&p.id, &p.encoding); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// setPlaces stores where a Thing is now. Its datastreams observe another feature from now on.
func (c *change) setPlaces(thing int64, locations []int64) error {
	if _, err := c.Exec("delete from sta_thing_locations where thing = $1", thing); err != nil {
		return fmt.Errorf("move Thing %d: %w", thing, err)
	}
	for _, l := range locations {
		if _, err := c.Exec("insert into sta_thing_locations (thing, location) values ($1, $2)", thing, l); err != nil {
			return fmt.Errorf("move Thing %d to Location %d: %w", thing, l, err)
		}
	}
	return c.forgetFeatures("thing = $1", thing)
}

// forgetFeatures has datastreams derive their feature anew.
func (c *change) forgetFeatures(which string, arg int64) error {
	ids, err := c.ids("select id from sta_datastreams where feature <> 0 and "+which, arg)
	c.forget()
	if err != nil || len(ids) == 0 {
		return err
	}
	if _, err := c.Exec("update sta_datastreams set feature = 0 where feature <> 0 and "+which, arg); err != nil {
		return fmt.Errorf("forget features: %w", err)
	}
	c.AfterCommit(func() { c.s.features.forget(ids) })
	return nil
}

// storePast stores a HistoricalLocation that a client told of. The newest says where the Thing is now.
func (c *change) storePast(thing int64, cells []cell, locations []int64) (int64, error) {
	id, err := c.insertPast(thing, cells, locations)
	if err != nil {
		return 0, err
	}
	return id, c.followPast(thing, id)
}

func (c *change) insertPast(thing int64, cells []cell, locations []int64) (int64, error) {
	k := kindOf(setHistoricalLocations)
	id, err := c.insert(k, cells, extra{"thing", thing})
	if err != nil {
		return 0, err
	}
	links := []sensing.Link{{Set: setThings, ID: thing}}
	for _, l := range locations {
		if err := c.joinPast(id, l); err != nil {
			return 0, err
		}
		links = append(links, sensing.Link{Set: setLocations, ID: l})
	}
	c.note(k, id, sensing.Created, cells, nil, links...)
	return id, nil
}

func (c *change) joinPast(past, location int64) error {
	_, err := c.Exec(`insert into sta_historical_location_locations (historical_location, location) values ($1, $2)
		on conflict (historical_location, location) do nothing`, past, location)
	if err != nil {
		return fmt.Errorf("join HistoricalLocation %d and Location %d: %w", past, location, err)
	}
	return nil
}

// addPast adds a Location to a HistoricalLocation.
func (c *change) addPast(past, location int64) error {
	if err := c.joinPast(past, location); err != nil {
		return err
	}
	var thing int64
	if err := c.QueryRow("select thing from sta_historical_locations where id = $1", past).Scan(&thing); err != nil {
		return err
	}
	return c.followPast(thing, past)
}

// followPast puts a Thing where a HistoricalLocation says, if none is newer.
func (c *change) followPast(thing, past int64) error {
	newer, err := c.any(`select 1 from sta_historical_locations o where o.thing = $1 and o.id <> $2
		and o.time > (select h.time from sta_historical_locations h where h.id = $2)`, thing, past)
	if err != nil || newer {
		return err
	}
	ids, err := c.ids("select location from sta_historical_location_locations where historical_location = $1 order by location nulls last", past)
	if err != nil || len(ids) == 0 {
		return err
	}
	return c.setPlaces(thing, ids)
}
