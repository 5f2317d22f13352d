package sta

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

const (
	// defaultLatest is how many datastreams an answer of Latest has where nothing was said, maxLatest how many at most.
	defaultLatest = 10_000
	maxLatest     = 100_000
)

// Latest answers GET /api/v1/latest: the latest reading of each datastream from what is kept, in the order of ids.
//
//	?datastream=1,2,3   only these
//	?after=1000         only ids above, to go on where the last answer ended
//	?limit=500          at most so many, 10000 where nothing is said
//
// The answer is {"items":[{"datastream":1,"name":"...","unit":"...","count":3,"at":"...","value":1.5,"id":1073741824}],"next":1000};
// next is the after of the next answer and missing at the end. A datastream without readings has no at, value and id, one in a
// home no value.
func (s *Service) Latest() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := s.newView(r.Context(), s.root(r))
		if err := v.may(setObservations); err != nil {
			web.WriteError(w, r, err)
			return
		}
		wanted, err := latestAsked(r)
		if err != nil {
			web.WriteError(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(v.latest(wanted)) // a client that has gone gets no answer
	})
}

// latestOf says which datastreams Latest is asked about.
type latestOf struct {
	ids   []int64 // sorted; nil for all
	after int64
	limit int64
}

func latestAsked(r *http.Request) (latestOf, error) {
	q := r.URL.Query()
	out := latestOf{limit: defaultLatest}
	number := func(name, text string, into *int64) error {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return web.Errorf(http.StatusBadRequest, "sensing.bad_query", "expected a whole number, 0 or more, got %q", shorten(text)).At(name)
		}
		*into = n
		return nil
	}
	for name, values := range q {
		var err error
		switch text := strings.Join(values, ","); name {
		case "after":
			err = number(name, text, &out.after)
		case "limit":
			err = number(name, text, &out.limit)
		case "datastream":
			out.ids = []int64{}
			for part := range strings.SplitSeq(text, ",") {
				var id int64
				if err = number(name, part, &id); err != nil {
					break
				}
				out.ids = append(out.ids, id)
			}
		default:
			err = web.Errorf(http.StatusBadRequest, "sensing.bad_query", "there is no option %s%s", shorten(name), odata.DidYouMean(name, []string{"after", "datastream", "limit"})).At(name)
		}
		if err != nil {
			return out, err
		}
	}
	out.limit = min(max(out.limit, 1), maxLatest)
	slices.Sort(out.ids)
	return out, nil
}

func (v *view) latest(of latestOf) []byte {
	room := int64(len(of.ids))
	if of.ids == nil {
		room = min(of.limit, defaultLatest)
	}
	dst := append(make([]byte, 0, 256+160*room), `{"items":[`...)
	n, last, more := int64(0), int64(0), false
	show := func(id int64, d *sensing.Datastream, st *sensing.State) {
		if id <= of.after || more {
			return
		}
		if n >= of.limit {
			more = true
			return
		}
		if n > 0 {
			dst = append(dst, ',')
		}
		n, last = n+1, id
		dst = appendInt(append(dst, `{"datastream":`...), id)
		dst = appendText(append(dst, `,"name":`...), d.Name)
		dst = appendText(append(dst, `,"unit":`...), d.Unit)
		dst = appendInt(append(dst, `,"count":`...), st.Count)
		if st.HasLatest() {
			dst = append(appendTime(append(dst, `,"at":"`...), st.Latest.At), '"')
			if v.system || !v.Core.Asset(d.Asset).Home {
				dst = st.Latest.Value.AppendJSON(append(dst, `,"value":`...))
				dst = appendInt(append(dst, `,"id":`...), st.Latest.ID)
			}
		}
		dst = append(dst, '}')
	}
	if of.ids == nil {
		v.Core.All(func(d sensing.DatastreamState) { show(d.ID, &d.Datastream, &d.State) })
	} else {
		for _, id := range slices.Compact(of.ids) {
			if d, ok := v.Core.Lookup(id); ok {
				st, _ := v.Core.State(id)
				show(id, &d, &st)
			}
		}
	}
	dst = append(dst, ']')
	if more {
		dst = appendInt(append(dst, `,"next":`...), last)
	}
	return append(dst, '}')
}
