package sta

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

// maxWalk ends a request that must look at each reading by itself: it can hold neither a processor nor the client for
// longer than a person would wait.
const maxWalk = 5 * time.Second

// logScan walks readings of the log that the asker may see.
type logScan struct {
	v       *view
	query   sensing.Query
	feature int64 // only readings with this FeatureOfInterest; 0 for all
}

// scan hands over the readings in the order of the query. The reading is good until fn returns.
func (l *logScan) scan(ctx context.Context, fn func(*sensing.Stored) error) error {
	if l.query.Datastreams != nil {
		l.query.Datastreams = l.v.visible(l.query.Datastreams)
		if len(l.query.Datastreams) == 0 {
			return nil
		}
	}
	n := 0
	return l.v.Core.Scan(ctx, l.query, func(s sensing.Stored) error {
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if l.v.hidden(s.Datastream) {
			return nil
		}
		if l.feature != 0 {
			if f, err := l.v.featureOf(&s); err != nil || f != l.feature {
				return err
			}
		}
		return fn(&s)
	})
}

// visible is the datastreams without those in homes.
func (v *view) visible(datastreams []int64) []int64 {
	if !slices.ContainsFunc(datastreams, v.hidden) {
		return datastreams
	}
	return slices.DeleteFunc(slices.Clone(datastreams), v.hidden)
}

// homes remembers which datastreams stand in homes, so that counting need not look at each. The list may be a second old:
// no value rests on it, since each reading that is shown is looked at by itself.
type homes struct {
	mu   sync.Mutex
	at   time.Time // when the list was made; guarded by mu, as what follows
	seq  int64     // the newest row of the log then
	list []int64   // sorted; not changed once it was handed out
}

// maxHomesAge is how old the list may be.
const maxHomesAge = time.Second

// homes are the datastreams that stand in homes, by id, for one who must not see their readings. nil means that there is none.
func (v *view) homes() []int64 {
	if v.system {
		return nil
	}
	h := &v.Service.homes
	h.mu.Lock()
	defer h.mu.Unlock()
	now, seq := v.Clock.Now(), v.Core.LastSeq()
	if age := now.Sub(h.at).Abs(); age < maxHomesAge && (age > 0 || seq == h.seq) { // a virtual clock may stand still
		return h.list
	}
	var list []int64
	v.Core.All(func(d sensing.DatastreamState) {
		if v.Core.Asset(d.Asset).Home {
			list = append(list, d.ID)
		}
	})
	h.at, h.seq, h.list = now, seq, list
	return list
}

// counted is how many readings a query asks for that may be seen, from what is kept. It must not name a feature.
func (l *logScan) counted(ctx context.Context) (int64, error) {
	q := l.query
	q.After, q.Skip = nil, 0
	if q.Datastreams != nil {
		if q.Datastreams = l.v.visible(q.Datastreams); len(q.Datastreams) == 0 {
			return 0, nil
		}
		return l.v.Core.Count(ctx, q)
	}
	all, err := l.v.Core.Count(ctx, q)
	if err != nil {
		return 0, err
	}
	if q.Datastreams = l.v.homes(); len(q.Datastreams) == 0 {
		return all, nil
	}
	hidden, err := l.v.Core.Count(ctx, q)
	return all - hidden, err
}

// errTooLong says what a filter must name so that it can be answered.
func errTooLong(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return web.Errorf(http.StatusUnprocessableEntity, "sensing.filter_too_broad",
		"after %d s not all readings had been looked at, so there is no answer; narrow it by a datastream (/Datastreams(1)/Observations, or Datastream/id eq 1), "+
			"by a time (phenomenonTime ge 2026-01-01T00:00:00Z and phenomenonTime lt 2026-02-01T00:00:00Z), or by ids, and leave out $count", int(maxWalk.Seconds())).At("$filter")
}
