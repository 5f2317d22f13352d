package sta

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/mqtt"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// Feed is the log as subscribers of MQTT see it. Its methods are safe for concurrent use.
type Feed struct {
	s     *Service
	model *odata.Model
}

var _ mqtt.Feed = (*Feed)(nil)

// Feed is what the MQTT edge follows.
func (s *Service) Feed() *Feed { return &Feed{s, odata.SensorThings()} }

// LastSeq is the newest row of the log.
func (f *Feed) LastSeq() int64 { return f.s.Core.LastSeq() }

// Hold keeps the log after a position.
func (f *Feed) Hold(consumer string, position int64) { f.s.Core.Hold(consumer, position) }

// Size is about how many bytes of the log are kept after a position.
func (f *Feed) Size(ctx context.Context, after int64) (int64, error) {
	return f.s.Core.Size(ctx, after)
}

// Tail hands over the rows after a position, in order.
func (f *Feed) Tail(ctx context.Context, after int64, fn func(mqtt.Row) error) error {
	err := f.s.Core.Tail(ctx, after, func(b sensing.Batch) error { return fn(&feedRow{batch: b}) })
	if errors.Is(err, sensing.ErrTrimmed) {
		return mqtt.ErrTrimmed
	}
	return err
}

// Compile reads a topic filter for the actor of ctx: the path of a set, an entity or a property as in a URL, with $select
// or $filter where it is a set's. Examples: v1.1/Things, v1.1/Things(1)/Datastreams, v1.1/Datastreams(1)/Observations,
// v1.1/Observations?$select=result,phenomenonTime, v1.1/Things(1)/name.
func (f *Feed) Compile(ctx context.Context, filter string) (mqtt.Subscription, error) {
	if strings.ContainsAny(filter, "+#") {
		return nil, refusedTopic("wildcards are not served: subscribe to a set, such as %s/Observations", Root[1:])
	}
	path, options, _ := strings.Cut(filter, "?")
	path, ok := strings.CutPrefix(strings.TrimPrefix(path, "/"), Root[1:]+"/")
	if !ok {
		return nil, refusedTopic("expected a topic such as %s/Observations, got %s", Root[1:], shorten(filter))
	}
	res, err := odata.ParsePath(f.model, "/"+path)
	if err != nil {
		return nil, boundary(err)
	}
	switch res.Form {
	case odata.FormSet, odata.FormEntity, odata.FormProperty:
	default:
		return nil, refusedTopic("a subscription is to a set, an entity or a property, got %s", shorten(filter))
	}
	q, err := odata.ParseQuery(res.Type(), options)
	if err != nil {
		return nil, boundary(err)
	}
	if left := *q; true {
		left.Select, left.Filter = nil, nil
		if left.Encode() != "" || res.Form == odata.FormProperty && options != "" {
			return nil, refusedTopic("a topic can have $select and $filter, on sets and entities alone")
		}
	}
	return f.subscribe(ctx, filter, res, q)
}

func refusedTopic(format string, args ...any) *web.Error {
	return web.Errorf(http.StatusBadRequest, "sensing.bad_topic", format, args...)
}

// subscribe checks that the way to what is subscribed to exists and may be seen.
func (f *Feed) subscribe(ctx context.Context, filter string, res *odata.Resource, q *odata.Query) (mqtt.Subscription, error) {
	v := f.s.newView(ctx, f.s.root(nil))
	p, err := v.plan(res.Type(), q)
	if err != nil {
		return nil, err
	}
	if q.Filter != nil {
		for _, navs := range ways(q.Filter, nil, nil) {
			for _, n := range navs {
				if err := v.may(n.Target.Set); err != nil {
					return nil, err
				}
			}
		}
	}
	last := res.Steps[len(res.Steps)-1]
	s := &subscription{s: f.s, topic: filter, plan: p, res: res, system: v.system, set: last.Type.Set}
	s.filter, s.plain = q.Filter, !strings.Contains(filter, "?")
	if res.Form == odata.FormProperty {
		s.property = p.field(res.Property.Name)
	}
	// A fixed way is walked once: it must exist now. Its end may change later only where it leads over to-one navigations.
	before := res.Steps
	if res.Many() {
		before = before[:len(before)-1]
	}
	if len(before) > 0 {
		at, err := v.walk(before)
		if errors.Is(err, errNothing) {
			return nil, web.Errorf(http.StatusNotFound, "sensing.not_found", "%s leads to nothing", shorten(filter))
		}
		if err != nil {
			return nil, err
		}
		s.way, s.at = before, at.id()
		s.fixed = before[len(before)-1].HasID
	}
	return s, nil
}

// subscription is a compiled topic filter.
type subscription struct {
	s        *Service
	topic    string
	set      string // whose entities the messages are about
	plan     *plan
	res      *odata.Resource
	property field // of a subscription to a property
	filter   odata.Expr
	system   bool // the program subscribes: it sees homes too

	plain bool         // no $select and no $filter
	way   []odata.Step // to the entity that is subscribed to, or that the set belongs to; nil for a whole set
	at    int64        // its id
	fixed bool         // the way ends with an id, so at never changes
}

// Key is the same for subscriptions that give the same messages; "" for those that may cost much for a row.
func (s *subscription) Key() string {
	if !s.cheap() {
		return ""
	}
	if s.system {
		return "system " + s.topic
	}
	return "people " + s.topic
}

// cheap says whether all who subscribe like this can wait for each other: there are only so many topics of this kind, and a
// row is asked for no more than it has for them. That is so for a set, for a Datastream's Observations, and for an entity
// of the catalogue or what belongs to it; any number of options, longer ways and aliases could be thought of.
func (s *subscription) cheap() bool {
	switch {
	case !s.plain:
		return false
	case s.way == nil:
		return true
	case len(s.way) > 1 || !s.fixed:
		return false
	}
	return s.set != setObservations || s.res.Many() && s.way[0].Type.Set == setDatastreams
}

// end is the id of the entity at the end of the way, as it is now; 0 where the way leads nowhere any more.
func (s *subscription) end(v *view) (int64, error) {
	if s.fixed || s.way == nil {
		return s.at, nil
	}
	at, err := v.walk(s.way)
	var known *web.Error
	switch {
	case errors.Is(err, errNothing) || errors.Is(err, db.ErrNotFound) || errors.As(err, &known):
		return 0, nil
	case err != nil:
		return 0, err
	}
	return at.id(), nil
}
