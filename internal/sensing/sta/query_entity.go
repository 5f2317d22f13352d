package sta

import (
	"errors"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// entity is an entity of the catalogue as expressions see it. What it leads to is read when it is asked for, once.
type entity struct {
	v *view
	k *kind
	r *row
}

var (
	_ odata.Entity = (*entity)(nil)
	_ odata.Entity = (*readingEntity)(nil)
)

// Property is a value of the row, or what the log keeps about a Datastream.
func (e *entity) Property(name string) odata.Value {
	if e.k.set == setDatastreams && (name == "phenomenonTime" || name == "resultTime") {
		st, _ := e.v.Core.State(e.r.id)
		return spanOf(&st, name)
	}
	v := e.k.value(e.r, name)
	if v.Kind() == odata.KindJSON && e.v.ctx.Err() != nil {
		// Comparing two large geometries is the longest that an expression does in one go. The answer is not sent then.
		return odata.Null()
	}
	return v
}

// spanOf is the phenomenonTime or resultTime of a Datastream; null while there is none.
func spanOf(st *sensing.State, name string) odata.Value {
	switch {
	case st.Count == 0:
	case name == "phenomenonTime":
		return odata.Interval(st.MinAt, st.MaxAt)
	case st.MinResult != 0:
		return odata.Interval(st.MinResult, st.MaxResult)
	}
	return odata.Null()
}

// One is the entity behind a to-one navigation.
func (e *entity) One(nav string) (odata.Entity, error) {
	l := e.k.link(nav)
	id := e.k.one(e.r, nav)
	if l == nil || id == 0 {
		return nil, nil
	}
	return e.v.entity(l.target, id)
}

// entity is an entity of the catalogue; nil where there is none.
func (v *view) entity(set string, id int64) (odata.Entity, error) {
	r, err := v.row(set, id)
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &entity{v, kindOf(set), r}, nil
}

// Many hands over the entities behind a to-many navigation.
func (e *entity) Many(nav string, each func(odata.Entity) (bool, error)) error {
	l := e.k.link(nav)
	if l == nil {
		return nil
	}
	if l.target == setObservations {
		return e.readings(each)
	}
	if err := e.v.behind(e.k, l, []int64{e.r.id}); err != nil {
		return err
	}
	ids := e.v.many[manyKey{e.k.set, nav, e.r.id}]
	if err := e.v.load(l.target, ids); err != nil {
		return err
	}
	target := kindOf(l.target)
	for _, id := range ids {
		r := e.v.rows[l.target][id]
		if r == nil {
			continue
		}
		if err := e.v.ctx.Err(); err != nil { // sets within sets are much work, though nothing need be read
			return err
		}
		if more, err := each(&entity{e.v, target, r}); err != nil || !more {
			return err
		}
	}
	return nil
}

// readings hands over the Observations of a Datastream or a FeatureOfInterest.
func (e *entity) readings(each func(odata.Entity) (bool, error)) error {
	if err := e.v.may(setObservations); err != nil {
		return err
	}
	list := &logScan{v: e.v, query: e.v.bounded}
	list.query.Datastreams = []int64{e.r.id}
	if e.k.set == setFeatures {
		var a asked
		if err := e.v.ofFeature(&a, e.r.id); err != nil {
			return err
		}
		list.query.Datastreams, list.feature = a.datastreams, a.feature
	}
	o := &readingEntity{v: e.v}
	return list.scan(e.v.ctx, func(s *sensing.Stored) error {
		o.s = s
		more, err := each(o)
		if err == nil && !more {
			return sensing.ErrStop
		}
		return err
	})
}

// readingEntity is an Observation as expressions see it.
type readingEntity struct {
	v *view
	s *sensing.Stored
}

// Property is a value of the reading.
func (o *readingEntity) Property(name string) odata.Value {
	r := &o.s.Reading
	switch name {
	case "id":
		return odata.ID(o.s.ID)
	case "phenomenonTime":
		return odata.Interval(r.At, r.End())
	case "result":
		return resultOf(r.Value)
	case "resultTime":
		if r.ResultTime != 0 {
			return odata.Instant(r.ResultTime)
		}
	}
	if r.More == nil {
		return odata.Null()
	}
	switch name {
	case "validTime":
		if r.More.ValidFrom != 0 || r.More.ValidUntil != 0 {
			return odata.Interval(r.More.ValidFrom, r.More.ValidUntil)
		}
	case "parameters":
		return jsonOf(r.More.Parameters)
	case "resultQuality":
		return jsonOf(r.More.Quality)
	}
	return odata.Null()
}

func jsonOf(text string) odata.Value {
	if text == "" {
		return odata.Null()
	}
	return odata.JSON(text)
}

// resultOf is a result as expressions see it.
func resultOf(v sensing.Value) odata.Value {
	switch v.Kind() {
	case sensing.KindNumber:
		f, _ := v.Float()
		return odata.Number(f)
	case sensing.KindText:
		return odata.Text(v.Str())
	case sensing.KindBool:
		return odata.Bool(v.String() == "true")
	}
	return odata.JSON(v.Str())
}

// One is the Datastream or the FeatureOfInterest.
func (o *readingEntity) One(nav string) (odata.Entity, error) {
	switch nav {
	case "Datastream":
		return o.v.entity(setDatastreams, o.s.Datastream)
	case "FeatureOfInterest":
		id, err := o.v.featureOf(o.s)
		if err != nil || id == 0 {
			return nil, err
		}
		return o.v.entity(setFeatures, id)
	}
	return nil, nil
}

// Many hands over nothing: an Observation leads to no set.
func (o *readingEntity) Many(string, func(odata.Entity) (bool, error)) error { return nil }
