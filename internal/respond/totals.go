package respond

import (
	"cmp"
	"context"
	"database/sql"
	"net/http"
	"slices"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// leastTotal is the smallest number of private cases that is told: fewer could be somebody.
const leastTotal = 10

// TownTotal is how many private cases of a kind there were in a town.
type TownTotal struct {
	Area     int64           `json:"area"`
	AreaName *lifecycle.Text `json:"area_name"`
	Cases    int             `json:"cases" doc:"10 or more"`
}

// Totals counts the private cases of a kind, open and closed, by town. A town with fewer than ten is left out, and what lies in no
// town as well; nothing else is told of them, and no narrower count exists.
func (s *Service) Totals(ctx context.Context, kind string) ([]TownTotal, error) {
	if err := s.Access.Decide(ctx, "case.read", access.Resource{Type: "case"}, access.Operations); err != nil {
		return nil, err
	}
	if k := s.kinds[kind]; k == nil || !k.Private {
		return nil, web.Errorf(http.StatusUnprocessableEntity, "case.kind", "expected a kind whose cases are private, got %q", kind).At("kind")
	}
	counts := map[int64]int{}
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			var area int64
			var n int
			if err := rows.Scan(&area, &n); err != nil {
				return err
			}
			if s.Town != nil {
				area = s.Town(area)
			}
			counts[area] += n
			return nil
		}, `select area, count(*) from cases where kind = $1 and private = 1 group by area order by area nulls last`, kind)
	})
	if err != nil {
		return nil, err
	}
	names := s.names(ctx)
	out := []TownTotal{}
	for area, n := range counts {
		if area != 0 && n >= leastTotal {
			out = append(out, TownTotal{area, names("area", area), n})
		}
	}
	slices.SortFunc(out, func(a, b TownTotal) int { return cmp.Compare(a.Area, b.Area) })
	return out, nil
}
