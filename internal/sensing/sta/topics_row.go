package sta

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/mqtt"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// feedRow is a row of the log. It indexes itself by datastream when a subscription first asks for one.
type feedRow struct {
	batch    sensing.Batch
	byStream map[int64][]run
}

// run is some readings of a row that follow each other.
type run struct{ from, to int }

var (
	_ mqtt.Row          = (*feedRow)(nil)
	_ mqtt.Subscription = (*subscription)(nil)
)

// Seq is the row's place in the log.
func (r *feedRow) Seq() int64 { return r.batch.Seq }

func (r *feedRow) of(datastream int64) []run {
	if r.byStream == nil {
		r.byStream = map[int64][]run{}
		rs := r.batch.Readings
		for i := 0; i < len(rs); {
			j := i + 1
			for j < len(rs) && rs[j].Datastream == rs[i].Datastream {
				j++
			}
			r.byStream[rs[i].Datastream] = append(r.byStream[rs[i].Datastream], run{i, j})
			i = j
		}
	}
	return r.byStream[datastream]
}

// Messages hands over what a row holds for the subscription.
func (s *subscription) Messages(row mqtt.Row, emit func(topic string, payload []byte) error) error {
	r := row.(*feedRow)
	m := &messages{subscription: s, row: r, emit: emit}
	if s.set == setObservations {
		return m.readings()
	}
	return m.entities()
}

// messages is one row for one subscription.
type messages struct {
	*subscription
	row  *feedRow
	emit func(topic string, payload []byte) error

	v       *view // made when it is needed
	enc     *encoder
	program *odata.Program
}

// view looks at the catalogue as it is now, in the subscriber's name: what he may see was decided when he subscribed.
func (m *messages) view() *view {
	if m.v == nil {
		ctx := context.Background()
		if m.system {
			ctx = access.With(ctx, access.System("mqtt"))
		}
		m.v = m.s.newView(ctx, m.s.root(nil))
		m.v.mayKnow["datastream.read"], m.v.mayKnow["reading.read"] = true, true
		m.enc = m.v.encoder()
		if m.filter != nil {
			m.program = odata.Compile(m.filter, m.v.now)
		}
	}
	return m.v
}

// readings hands over readings that came in, and those that were changed.
func (m *messages) readings() error {
	rs := m.row.batch.Readings
	if len(rs)+len(m.row.batch.Amended) == 0 {
		return nil
	}
	whole := []run{{0, len(rs)}}
	if m.way != nil && m.res.Many() && m.owner() == setDatastreams && m.fixed {
		if whole = m.row.of(m.at); len(whole)+len(m.row.batch.Amended) == 0 {
			return nil
		}
	}
	end, err := m.end(m.view())
	if err != nil {
		return err
	}
	for _, at := range whole {
		for i := at.from; i < at.to; i++ {
			if err := m.reading(&rs[i], end, nil); err != nil {
				return err
			}
		}
	}
	for i := range m.row.batch.Amended {
		if a := &m.row.batch.Amended[i]; !a.Deleted {
			if err := m.reading(&a.After, end, &a.Before); err != nil {
				return err
			}
		}
	}
	return nil
}

// owner is the set of the entity at the end of the way.
func (m *messages) owner() string { return m.way[len(m.way)-1].Type.Set }

// reading hands over a reading if it is meant. before is what an amended one was; nil for a new one.
func (m *messages) reading(s *sensing.Stored, end int64, before *sensing.Stored) error {
	v := m.view()
	switch {
	case v.hidden(s.Datastream):
		return nil
	case m.way == nil:
	case !m.res.Many():
		if s.ID != end {
			return nil
		}
	case m.owner() == setDatastreams:
		if s.Datastream != end {
			return nil
		}
	default:
		if f, err := v.featureOf(s); err != nil || f != end {
			return err
		}
	}
	if m.program != nil {
		if keeps, err := m.program.Match(&readingEntity{v, s}); err != nil || !keeps {
			return err
		}
	}
	if m.res.Form != odata.FormProperty {
		return m.send(m.enc.reading(m.buffer(), m.plan, s))
	}
	value := appendReadingField(nil, m.property.name, s, false)
	if before != nil && bytes.Equal(value, appendReadingField(nil, m.property.name, before, false)) {
		return nil
	}
	return m.send(m.member(value))
}

// entities hands over entities of the catalogue that were made or changed.
func (m *messages) entities() error {
	for i := range m.row.batch.Entities {
		e := &m.row.batch.Entities[i]
		if e.Set != m.set || e.Op == sensing.Deleted || e.Body == nil {
			continue
		}
		if err := m.entity(e); err != nil {
			return err
		}
	}
	return nil
}

// entity hands over an entity if it is meant.
func (m *messages) entity(e *sensing.Entity) error {
	belongs, err := m.belongs(e)
	if err != nil || !belongs {
		return err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(e.Body, &members); err != nil {
		return err
	}
	v := m.view()
	r := m.plan.k.rowOf(e.ID, members)
	if m.program != nil {
		if now, err := v.row(e.Set, e.ID); err == nil {
			r.ones = now.ones
		}
		if keeps, err := m.program.Match(&entity{v, m.plan.k, r}); err != nil || !keeps {
			return err
		}
	}
	if m.res.Form == odata.FormProperty {
		value, ok := members[m.property.name]
		if !ok || e.Fields != nil && !slices.Contains(e.Fields, m.property.name) {
			return nil
		}
		return m.send(m.member(value))
	}
	dst := m.enc.begin(m.buffer(), m.plan, e.ID)
	for i := range m.plan.fields {
		f := &m.plan.fields[i]
		if len(f.parts) > 0 {
			dst = appendParts(dst, f, &entity{v, m.plan.k, r})
		} else if value, ok := members[f.name]; ok {
			dst = append(appendKey(dst, f.name), value...)
		}
	}
	return m.send(m.enc.end(dst, m.plan, e.ID))
}

// belongs says whether an entity is the one, or stands behind the one, that is subscribed to.
func (m *messages) belongs(e *sensing.Entity) (bool, error) {
	if m.way == nil {
		return true, nil
	}
	v := m.view()
	end, err := m.end(v)
	if err != nil || end == 0 {
		return false, err
	}
	if !m.res.Many() {
		return e.ID == end, nil
	}
	owner := m.owner()
	for _, l := range e.Links {
		if l.Set == owner && l.ID == end {
			return true, nil
		}
	}
	last := m.res.Steps[len(m.res.Steps)-1]
	at, err := v.find(m.way[len(m.way)-1].Type, end)
	if err != nil {
		return false, ignoreMissing(err)
	}
	if at.s != nil {
		return false, nil
	}
	next, err := v.find(last.Type, e.ID)
	if err != nil {
		return false, ignoreMissing(err)
	}
	return v.belongs(at, last.Nav, next)
}

// ignoreMissing is nil for what is no longer there.
func ignoreMissing(err error) error {
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	return err
}

// rowOf is an entity's body as a row; what it links to is not known.
func (k *kind) rowOf(id int64, members map[string]json.RawMessage) *row {
	r := &row{id: id, text: make([]string, len(k.columns)), ones: make([]int64, k.toOne())}
	for i := range k.columns {
		c := &k.columns[i]
		raw := members[c.property]
		switch v := odata.JSON(string(raw)); {
		case raw == nil:
		case c.form == formText:
			r.text[i] = v.Text()
		case c.form == formTime:
			r.time, _, _ = parseSpan([]byte(v.Text()))
		default:
			r.text[i] = string(raw)
		}
	}
	return r
}

// member is an object with the property that is subscribed to.
func (m *messages) member(value []byte) []byte {
	return append(append(appendKey(append(m.buffer(), '{'), m.property.name), value...), '}')
}

func (m *messages) buffer() []byte { return make([]byte, 0, 512) }

func (m *messages) send(payload []byte) error { return m.emit(m.topic, payload) }
