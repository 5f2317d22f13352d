package respond

import (
	"context"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// quarter: organisation 7 stands above 8; 9 has a duty for area 21.
type quarter struct{}

func (quarter) Covers(organisation, owner, area int64) bool {
	return organisation == owner && owner != 0 || organisation == 7 && owner == 8 || organisation == 9 && area == 21
}

// Touches fulfils access.Scopes; nothing here touches several areas.
func (quarter) Touches(int64, int64) bool { return false }

// scoped is a room with real access.
func scoped(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := newWorld(t, d, made(t, "request"), made(t, "dispute"))
	policy, err := access.NewPolicy(quarter{})
	if err != nil {
		t.Fatal(err)
	}
	w.Access = policy
	return w
}

// put adds a case without anything that goes with it.
func put(tx *db.Tx, c *Case) error {
	c.Definition, c.State, c.Since, c.OpenedAt = "h", "handling", noon, noon
	_, err := insertCase(tx, c)
	return err
}

// A list shows whoever looks exactly what access lets it see, whatever it is narrowed by, page by page and after each change.
func TestListsFollowAccess(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := scoped(t, d)
		k := made(t, "request")
		_, body, err := k.Hash()
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Write(context.Background(), func(tx *db.Tx) error { return putDefinition(tx, "h", k.ID, body, noon) }); err != nil {
			t.Fatal(err)
		}
		var all []*Case
		rapid.Check(t, func(rt *rapid.T) {
			organisation := rapid.SampledFrom([]int64{0, 5, 6, 7, 8, 9})
			random := func(c *Case) {
				c.Owner, c.Desk, c.Parties = organisation.Draw(rt, "owner"), organisation.Draw(rt, "desk"), nil
				c.Area = rapid.SampledFrom([]int64{0, 21, 22}).Draw(rt, "area")
				c.Private = rapid.IntRange(0, 3).Draw(rt, "private") == 0
				c.Post = rapid.SampledFrom([]string{"", "crew"}).Draw(rt, "post")
				c.Listed = rapid.SampledFrom([]string{"", "city"}).Draw(rt, "listed")
				for range rapid.IntRange(0, 2).Draw(rt, "parties") {
					c.Parties = append(c.Parties, Party{Organisation: organisation.Draw(rt, "party"), Role: "assist"})
				}
			}
			err := d.Write(context.Background(), func(tx *db.Tx) error {
				for range rapid.IntRange(1, 5).Draw(rt, "new") {
					c := &Case{Kind: "request"}
					random(c)
					if err := put(tx, c); err != nil {
						return err
					}
					all = append(all, c)
				}
				c := rapid.SampledFrom(all).Draw(rt, "changed")
				area, private := c.Area, c.Private
				random(c)
				c.Area, c.Private = area, private
				if c.ClosedAt = (time.Time{}); rapid.Bool().Draw(rt, "closed") {
					c.ClosedAt = noon
				}
				return updateCase(tx, c, c.Generation)
			})
			if err != nil {
				rt.Fatal(err)
			}
			who := of(organisation.Draw(rt, "who"), 1, "duty-officer")
			f := Filter{Open: rapid.Bool().Draw(rt, "open"), Listed: rapid.Bool().Draw(rt, "only listed"), Limit: rapid.IntRange(1, 4).Draw(rt, "limit")}
			if rapid.Bool().Draw(rt, "of a post") {
				f.Post = "crew"
			}
			if rapid.Bool().Draw(rt, "of an owner") {
				owner := organisation.Draw(rt, "its owner")
				f.Owner = &owner
			}
			var want, got []int64
			for _, c := range slices.Backward(all) {
				if w.Access.Decide(as(who), "case.read", c.resource(), access.Operations) == nil && (!f.Open || c.ClosedAt.IsZero()) &&
					(!f.Listed || c.Listed != "") && (f.Post == "" || c.Post == f.Post) && (f.Owner == nil || c.Owner == *f.Owner) {
					want = append(want, c.ID)
				}
			}
			for {
				found, next, err := w.Cases(as(who), f)
				if err != nil {
					rt.Fatal(err)
				}
				for _, c := range found {
					got = append(got, c.ID)
				}
				if f.Before = next; next == 0 {
					break
				}
			}
			if !slices.Equal(got, want) {
				rt.Fatalf("organisation %d sees %v, access says %v", who.Organisation, got, want)
			}
		})
	})
}

// However many cases others have, a list reads those of its reader.
func TestListAmongManyCases(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := scoped(t, d)
		k := made(t, "request")
		_, body, err := k.Hash()
		if err != nil {
			t.Fatal(err)
		}
		err = d.Write(context.Background(), func(tx *db.Tx) error {
			if err := putDefinition(tx, "h", k.ID, body, noon); err != nil {
				return err
			}
			if err := put(tx, &Case{Kind: "request", Spot: inspect.Spot{Owner: 5}}); err != nil {
				return err
			}
			_, err := tx.Exec(`insert into cases (kind, definition, title, state, since, generation, level, fields, report, asset, place, area, owner,
					datastreams, opened_at, outcome)
				with recursive n (i) as (select 1 union all select i + 1 from n where i < 50000)
				select 'request', 'h', '', 'handling', 0, 0, '', '{}', 0, 0, 0, 30, 6, '[]', 0, '' from n`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			organisation int64
			cases        int
		}{{5, 1}, {4, 0}, {6, 100}, {9, 0}, {0, 100}} {
			began := time.Now()
			found, next, err := w.Cases(as(of(c.organisation, 1, "duty-officer")), Filter{Open: true, Limit: 100})
			if took := time.Since(began); err != nil || len(found) != c.cases || (next != 0) != (c.cases == 100) || took > 3*time.Second {
				t.Errorf("organisation %d: %d cases after %v, next %d (%v)", c.organisation, len(found), took, next, err)
			}
		}
	})
}
