package sta

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// step is a part of the path of a write: a set, or one entity.
type step struct {
	set  string
	nav  string // the relation that leads here from the step before; "" at the first
	id   int64  // 0: the set, or the one entity that a relation to one leads to
	ref  string // "$1", at the first step in a change set
	many bool   // a set, of which id names one
}

func (s step) entity() bool { return s.id != 0 || s.ref != "" || !s.many }

var sets = []string{setThings, setLocations, setHistoricalLocations, setDatastreams, setSensors, setObservedProperties, setObservations, setFeatures}

// readPath takes a path below the API's root apart: /Things(1)/Datastreams. Reading has more forms of path; these are the
// ones that can be written to. met tells the set of a "$1".
func readPath(path string, met func(ref string) (set string, ok bool)) ([]step, error) {
	var steps []step
	for _, part := range strings.Split(strings.Trim(path, "/"), "/") {
		name, id, err := readPart(part)
		if err != nil {
			return nil, err
		}
		if len(steps) == 0 {
			s := step{set: name, id: id, many: true}
			if strings.HasPrefix(part, "$") && met != nil {
				set, ok := met(part)
				if !ok {
					return nil, web.Errorf(http.StatusBadRequest, "sensing.unknown_link", "no earlier part of this change set has the Content-ID %s", part[1:])
				}
				s = step{set: set, ref: part, many: true}
			} else if kindOf(name) == nil && name != setObservations {
				return nil, web.Errorf(http.StatusNotFound, "sensing.unknown_set", "there is no entity set %s%s", shorten(name), odata.DidYouMean(name, sets))
			}
			steps = append(steps, s)
			continue
		}
		last := steps[len(steps)-1]
		if !last.entity() {
			return nil, web.Errorf(http.StatusNotFound, "sensing.bad_path", "%s is a set: name one entity of it, as %s(1)/%s", last.set, last.set, shorten(part))
		}
		next := step{}
		var navs []string
		for _, l := range linksOf(last.set) {
			navs = append(navs, l.nav)
			if l.nav == name {
				next = step{set: l.target, nav: name, id: id, many: l.many}
			}
		}
		if next.set == "" || id != 0 && !next.many {
			return nil, web.Errorf(http.StatusNotFound, "sensing.bad_path", "%s has no relation %s%s; only sets and entities can be written to",
				article(entityName(last.set)), shorten(part), odata.DidYouMean(name, navs))
		}
		steps = append(steps, next)
		if len(steps) > maxDepth {
			return nil, web.Errorf(http.StatusBadRequest, "sensing.bad_path", "the path is longer than %d steps", maxDepth)
		}
	}
	return steps, nil
}

// readPart takes Things(1) apart.
func readPart(part string) (name string, id int64, err error) {
	name, rest, found := strings.Cut(part, "(")
	if !found {
		return part, 0, nil
	}
	digits, closed := strings.CutSuffix(rest, ")")
	id, ok := parseID([]byte(digits))
	if !closed || !ok {
		return "", 0, web.Errorf(http.StatusNotFound, "sensing.bad_id", "expected an id as a positive integer in parentheses, as %s(1), got %s", shorten(name), shorten(part))
	}
	return name, id, nil
}

// resolve follows a path to its last entity, which exists.
func (c *change) resolve(steps []step) (made, error) {
	first := steps[0]
	cur := made{first.set, first.id}
	if first.ref != "" {
		cur = c.met[first.ref]
	}
	ok, err := c.exists(cur.set, cur.id)
	if err == nil && !ok {
		err = missing(cur.set, cur.id)
	}
	if err != nil {
		return made{}, err
	}
	for _, s := range steps[1:] {
		id, err := c.follow(cur, s)
		if err != nil {
			return made{}, err
		}
		cur = made{s.set, id}
	}
	return cur, nil
}

// follow is the id of the entity that a step leads to.
func (c *change) follow(from made, s step) (int64, error) {
	none := web.Errorf(http.StatusNotFound, "sensing.not_found", "%s %d has no %s", entityName(from.set), from.id, entityName(s.set))
	if s.id != 0 {
		none = web.Errorf(http.StatusNotFound, "sensing.not_found", "%s %d has no %s with the id %d", entityName(from.set), from.id, entityName(s.set), s.id)
	}
	if from.set == setObservations || s.set == setObservations {
		return c.followReading(from, s, none)
	}
	k, to := kindOf(from.set), kindOf(s.set)
	var query string
	args := []any{from.id}
	for _, l := range k.links {
		switch {
		case l.nav != s.nav:
		case l.own != "":
			query = "select " + l.own + " from " + k.table + " where id = $1"
		case l.other != "":
			query = "select id from " + to.table + " where " + l.other + " = $1"
		default:
			query = "select " + l.through.that + " from " + l.through.table + " where " + l.through.this + " = $1"
		}
		if l.nav == s.nav && l.many {
			column := "id"
			if l.through != nil {
				column = l.through.that
			}
			query, args = query+" and "+column+" = $2", append(args, s.id)
		}
	}
	var id int64
	err := c.QueryRow(query, args...).Scan(&id)
	if errors.Is(err, db.ErrNotFound) {
		return 0, none
	}
	if err != nil {
		return 0, fmt.Errorf("follow %s: %w", s.nav, err)
	}
	return id, nil
}

// followReading follows a step to or from an Observation.
func (c *change) followReading(from made, s step, none error) (int64, error) {
	reading := from.id
	if s.set == setObservations {
		reading = s.id
	}
	r, err := c.Tx.Get(reading)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return 0, none
	case err != nil:
		return 0, err
	case s.nav == "Datastream":
		return r.Datastream, nil
	case s.nav == "FeatureOfInterest" && r.Feature != 0:
		return r.Feature, nil
	case from.set == setDatastreams && r.Datastream == from.id, from.set == setFeatures && r.Feature == from.id:
		return reading, nil
	}
	return 0, none
}
