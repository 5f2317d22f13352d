package respond

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// scope is what an actor may see of the cases, in words that a statement can use, so that a list reads no more than it shows.
// access decides about each case all the same.
type scope struct {
	// private: whatever is private, all: whatever is not.
	private, all bool
	// owners and areas are those whose cases it may see; organisation is its own, which sees what it takes part in.
	owners, areas []int64
	organisation  int64
}

// scope asks access about each owner and each area that has cases. That an organisation covers an owner or an area are two
// grounds, of which one is enough (access.Scopes), so they can be asked for one by one.
func (s *Service) scope(ctx context.Context, tx *db.Tx) (sc scope, err error) {
	sees := func(r access.Resource) bool {
		r.Type, r.ID = "case", 1 // the id makes it a thing, not a list
		return s.Access.Decide(ctx, "case.read", r, access.Operations) == nil
	}
	sc = scope{private: sees(access.Resource{Private: true}), all: sees(access.Resource{}), organisation: access.From(ctx).Organisation}
	if sc.all {
		return sc, nil
	}
	if sc.owners, err = among(tx, "owner", func(id int64) bool { return sees(access.Resource{Organisation: id}) }); err != nil {
		return sc, err
	}
	sc.areas, err = among(tx, "area", func(id int64) bool { return sees(access.Resource{Area: id}) })
	return sc, err
}

// among returns those values of a column of cases that fn holds of. It goes from one value to the next by the column's index.
func among(tx *db.Tx, column string, fn func(id int64) bool) (ids []int64, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		if err == nil && fn(id) {
			ids = append(ids, id)
		}
		return err
	}, `with recursive known (id) as (
			select min(`+column+`) from cases where `+column+` > 0
			union all
			select (select min(c.`+column+`) from cases c where c.`+column+` > known.id) from known where known.id is not null
		) select id from known where id is not null order by id nulls last`)
	if err != nil {
		return nil, fmt.Errorf("which %s of cases: %w", column, err)
	}
	return ids, nil
}

// keepParties writes who takes part in a case, as lists find it.
func keepParties(tx *db.Tx, c *Case) error {
	ids := c.resource().Parties
	if ids == nil {
		ids = []int64{}
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`delete from case_parties where case_id = $1
		and organisation not in (select cast(value as bigint) from json_list($2))`, c.ID, string(list))
	if err == nil && len(ids) > 0 {
		_, err = tx.Exec(`insert into case_parties (organisation, case_id)
			select distinct cast(value as bigint), cast($1 as bigint) from json_list($2) where true on conflict do nothing`, c.ID, string(list))
	}
	if err != nil {
		return fmt.Errorf("parties of case %d: %w", c.ID, err)
	}
	return nil
}
