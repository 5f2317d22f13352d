package sta

import (
	"errors"
	"net/http"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// found is the entity that a path has come to.
type found struct {
	t   *odata.EntityType
	row *row            // of the catalogue
	s   *sensing.Stored // or a reading
}

func (p found) id() int64 {
	if p.s != nil {
		return p.s.ID
	}
	return p.row.id
}

// errNothing says that a way to one entity leads to none.
var errNothing = errors.New("there is nothing")

// walk follows a path to an entity, which exists and belongs to those before it.
func (v *view) walk(steps []odata.Step) (*found, error) {
	var at *found
	for i := range steps {
		s := &steps[i]
		if err := v.may(s.Type.Set); err != nil {
			return nil, err
		}
		id := s.ID
		var err error
		if !s.HasID {
			if id, err = v.leads(at, s.Nav); err != nil {
				return nil, err
			}
		}
		next, err := v.find(s.Type, id)
		if errors.Is(err, db.ErrNotFound) {
			if !s.HasID {
				return nil, errNothing
			}
			return nil, missing(s.Type.Set, id)
		}
		if err != nil {
			return nil, err
		}
		if at != nil && s.HasID {
			belongs, err := v.belongs(at, s.Nav, next)
			if err != nil {
				return nil, err
			}
			if !belongs {
				return nil, web.Errorf(http.StatusNotFound, "sensing.not_found", "%s %d has no %s with the id %d", at.t.Name, at.id(), s.Type.Name, id)
			}
		}
		at = next
	}
	return at, nil
}

// leads is the id behind a to-one navigation; errNothing where there is none.
func (v *view) leads(at *found, nav *odata.Navigation) (id int64, err error) {
	switch {
	case at.s == nil:
		id = kindOf(at.t.Set).one(at.row, nav.Name)
	case nav.Name == "Datastream":
		id = at.s.Datastream
	default:
		id, err = v.featureOf(at.s)
	}
	if err == nil && id == 0 {
		err = errNothing
	}
	return id, err
}

// find is an entity; db.ErrNotFound if there is none.
func (v *view) find(t *odata.EntityType, id int64) (*found, error) {
	if t.Set != setObservations {
		r, err := v.row(t.Set, id)
		return &found{t: t, row: r}, err
	}
	s, err := v.Core.Get(v.ctx, id)
	if err != nil {
		return nil, err
	}
	if v.hidden(s.Datastream) {
		return nil, errHome()
	}
	return &found{t: t, s: &s}, nil
}

// belongs says whether an entity stands behind a to-many navigation of another.
func (v *view) belongs(at *found, nav *odata.Navigation, next *found) (bool, error) {
	k := kindOf(at.t.Set)
	if next.s != nil {
		if k.set == setDatastreams {
			return next.s.Datastream == at.row.id, nil
		}
		f, err := v.featureOf(next.s)
		return f == at.row.id, err
	}
	var st stmt
	a := listing{k: kindOf(next.t.Set), parent: &behindOne{k.link(nav.Name), at.row.id}}
	where := a.base(&st, "")
	st.add("select t.id from ", a.k.table, " t where ", where, " and t.id = ", st.arg(next.row.id))
	is := false
	err := v.read(func(tx *db.Tx) error {
		return loadInts(tx, &st, 1, func([]int64) { is = true })
	})
	return is, err
}
