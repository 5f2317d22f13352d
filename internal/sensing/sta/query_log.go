package sta

import (
	"context"
	"errors"
	"net/http"
	"slices"
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

// homes are the datastreams that stand in homes. nil means that there is none.
func (v *view) homes() []int64 {
	if v.system {
		return nil
	}
	var out []int64
	v.Core.All(func(d sensing.DatastreamState) {
		if v.Core.Asset(d.Asset).Home {
			out = append(out, d.ID)
		}
	})
	return out
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
