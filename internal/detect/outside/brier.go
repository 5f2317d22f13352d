package outside

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/methods/verify"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// answersAtOnce is how many answers are read in one go.
const answersAtOnce = 200

// scores holds the kept answers against what came.
func (s *Service) scores(ctx context.Context, m *Model, e *evidence, f *Figures) error {
	var own, ours verify.Probabilities
	truth, newest := e.truth(), map[int64]int64{}
	forecasts := map[int64][]foretold{}
	for after := e.from - 1; ; {
		var page []*answerKept
		var last int64
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			page, last, err = answersAfter(tx, m.ID, f.Version, after, e.to, answersAtOnce)
			return err
		})
		if err != nil {
			return err
		}
		for _, a := range page {
			slices.SortFunc(a.Scores, func(x, y kept) int { return cmp.Compare(x.At, y.At) })
			for _, x := range a.Scores {
				t, there := truth[x.Datastream]
				if !there || x.At <= newest[x.Datastream] { // the first word about an instant counts
					continue
				}
				newest[x.Datastream] = x.At
				came, known := t.at(x.At, e.horizon)
				if !known {
					continue
				}
				own.Add(x.Score, came)
				ours.Add(t.alarmed(x.At), came)
			}
			for _, x := range a.Forecasts {
				if _, there := e.series[x.Datastream]; there && x.At <= e.to {
					forecasts[x.Datastream] = append(forecasts[x.Datastream], x)
				}
			}
		}
		if after = last; len(page) < answersAtOnce {
			break
		}
	}
	f.Scores, f.OursBrier = own.Scores(), ours.Brier()
	var err error
	f.Forecasts, err = s.foretold(ctx, m, e, forecasts)
	return errors.Join(err, ctx.Err())
}

// truthOf is what is known of one series.
type truthOf struct{ events, unknown, alarms []verify.Event }

// truth sorts what is known by series.
func (e *evidence) truth() map[int64]truthOf {
	out := map[int64]truthOf{}
	for id, s := range e.series {
		here := func(all []verify.Event) (some []verify.Event) {
			for _, x := range all {
				if slices.Contains(x.Assets, strconv.FormatInt(s.Asset, 10)) || s.Place != 0 && slices.Contains(x.Places, strconv.FormatInt(s.Place, 10)) {
					some = append(some, x)
				}
			}
			return some
		}
		t := truthOf{events: here(e.events), unknown: here(e.unknown)}
		for _, o := range e.others {
			if !strings.HasPrefix(o.Detector, detect.OutsidePrefix) && slices.Contains(o.Datastreams, id) {
				a := e.alert(db.Micros(o.Raised), o.Until, 0, 0)
				t.alarms = append(t.alarms, verify.Event{Start: a.From, End: a.To})
			}
		}
		out[id] = t
	}
	return out
}

// at says whether an event is under way at an instant or begins within the horizon; known is false where that can't be said.
func (t truthOf) at(at, horizon int64) (came, known bool) {
	holds := func(x verify.Event) bool { return x.Start-horizon <= at && at <= x.End }
	if slices.ContainsFunc(t.events, holds) {
		return true, true
	}
	return false, !slices.ContainsFunc(t.unknown, holds)
}

func (t truthOf) alarmed(at int64) float64 {
	if slices.ContainsFunc(t.alarms, func(x verify.Event) bool { return x.Start <= at && at <= x.End }) {
		return 1
	}
	return 0
}
