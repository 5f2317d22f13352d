package detect

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// Alerts of one cause make one group: a leak is one thing, however many instruments it reaches. What is raised at a place,
// or near it in the same domain, or next to it in its network, within groupWithin of an alert that stands there, belongs to
// the group of that one.
const (
	groupWithin = 30 * time.Minute
	groupNear   = 300.0 // metres
)

// group finds the alert that leads the group of one that is raised, among those that stand.
func (s *Service) group(tx *db.Tx, st step, a *Alert) error {
	if a.Kind != engine.Hazard {
		return nil
	}
	pack, _, _ := strings.Cut(a.Detector, "/")
	box := [4]float64{1, 0, 1, 0} // of no point
	if a.Point != nil {
		dy := groupNear / engine.MetresPerDegree
		dx := dy / max(math.Cos(a.Point[1]*math.Pi/180), 0.01)
		box = [4]float64{a.Point[0] - dx, a.Point[0] + dx, a.Point[1] - dy, a.Point[1] + dy}
	}
	var next []int64
	for _, id := range st.Datastreams {
		next = append(next, s.neighbours(id)...)
	}
	list, err := json.Marshal(append([]int64{}, next...))
	if err != nil {
		return err
	}
	at := db.Micros(a.RaisedAt)
	err = tx.QueryRow(`select coalesce(lead, id) from alerts where state <> 'cleared' and kind = 'hazard'
			and raised_at between cast($1 as bigint) and cast($2 as bigint)
			and (place = cast($3 as bigint) and place <> 0 or substr(detector, 1, length(cast($4 as text))) = cast($4 as text) and (lon between $5 and $6 and lat between $7 and $8
				or datastream in (select cast(value as bigint) from json_list($9))))
			order by id nulls last limit 1`,
		at-groupWithin.Microseconds(), at+groupWithin.Microseconds(), a.Place, pack+"/", box[0], box[1], box[2], box[3], string(list)).Scan(&a.Lead)
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	return err
}

// neighbours are the datastreams next to one in its network.
func (s *Service) neighbours(datastream int64) []int64 {
	if s.engine == nil {
		return nil
	}
	st := s.engine.Stream(datastream)
	return append(slices.Clone(st.Upstream), st.Downstream...)
}

// tellGroups completes alerts with how many others they lead, and whether their group was acknowledged as a whole.
func tellGroups(tx *db.Tx, alerts ...*Alert) error {
	byID := map[int64]*Alert{}
	var ids, leads []int64
	for _, a := range alerts {
		byID[a.ID] = a
		ids, leads = append(ids, a.ID), append(leads, cmp.Or(a.Lead, a.ID))
	}
	whole, err := wholeGroups(tx, leads...)
	if err != nil {
		return err
	}
	for i, a := range alerts {
		a.WholeGroup = whole[leads[i]]
	}
	list, err := json.Marshal(append([]int64{}, ids...))
	if err != nil {
		return err
	}
	return tx.Each(func(rows *sql.Rows) error {
		var lead int64
		var n int
		if err := rows.Scan(&lead, &n); err != nil {
			return err
		}
		byID[lead].Group = n
		return nil
	}, `select lead, count(*) from alerts where lead is not null and state <> 'cleared' and lead in (select cast(value as bigint) from json_list($1)) group by lead`, string(list))
}
