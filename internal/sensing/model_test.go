package sensing

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// model is what the store should hold, kept in the plainest way.
type model struct {
	s        *Service
	streams  []int64
	stored   map[int64]Stored
	accepted int64
	deleted  int64
}

// clear takes away what an earlier run has left.
func (m *model) clear(t *rapid.T) {
	err := m.s.Change(ctx, "model", func(tx *Tx) error {
		for id := range m.s.streams {
			if err := tx.DeleteDatastream(id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	m.accepted, _ = m.s.Counters().Totals()
	m.deleted = m.accepted
}

func (m *model) append(t *rapid.T) {
	var rs []Reading
	for range rapid.IntRange(1, 6).Draw(t, "n") {
		r := rd(rapid.SampledFrom(m.streams).Draw(t, "ds"), at(rapid.IntRange(0, 30).Draw(t, "at")), Number(float64(rapid.IntRange(0, 3).Draw(t, "v"))))
		switch rapid.IntRange(0, 5).Draw(t, "extra") {
		case 0:
			r.Value = Text("open")
		case 1:
			r.Feature = 5
		case 2:
			r.More = &More{Until: r.At + int64(rapid.IntRange(1, 3).Draw(t, "minutes"))*60e6}
		case 3:
			r.ResultTime = r.At + 1
		}
		rs = append(rs, r)
	}
	receipt, err := m.s.Append(ctx, "model", rs)
	if err != nil || receipt.Accepted != len(rs) {
		t.Fatal(receipt, err)
	}
	m.take(rs, receipt.IDs)
}

// take stores readings, each marked if it repeats one that came before.
func (m *model) take(rs []Reading, ids []int64) {
	for i, r := range rs {
		var last int64
		for _, old := range m.stored {
			a, b := pack(old.Reading), pack(r)
			if old.Datastream != r.Datastream || old.At != r.At || !a.sameSubject(&b) || old.ID < last {
				continue
			}
			if last, r.Marks = old.ID, MarkConflict; old.Value.same(r.Value) {
				r.Marks = MarkDuplicate
			}
		}
		m.stored[ids[i]] = Stored{ids[i], r}
		m.accepted++
	}
}

func (m *model) one(t *rapid.T) (Stored, bool) {
	if len(m.stored) == 0 {
		return Stored{}, false
	}
	return m.stored[rapid.SampledFrom(slices.Sorted(maps.Keys(m.stored))).Draw(t, "one")], true
}

// change amends and deletes readings, and deletes a datastream now and then, in one transaction; some fail at the end.
func (m *model) change(t *rapid.T) {
	fail := errors.New("taken back")
	after := maps.Clone(m.stored)
	deleted, streams, accepted := m.deleted, slices.Clone(m.streams), m.accepted
	err := m.s.Change(ctx, "model", func(tx *Tx) error {
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			old, ok := m.one(t)
			if _, still := after[old.ID]; !ok || !still {
				continue
			}
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0, 1:
				to := after[old.ID].Reading
				to.At, to.Value = at(rapid.IntRange(0, 30).Draw(t, "at")), Number(float64(rapid.IntRange(10, 13).Draw(t, "v")))
				to.More = nil
				if _, err := tx.Amend(old.ID, to); err != nil {
					return err
				}
				after[old.ID] = Stored{old.ID, to}
			case 2, 3, 4:
				before, err := tx.Delete(old.ID)
				if err != nil {
					return err
				}
				if !same(before.Reading, after[old.ID].Reading) {
					t.Fatalf("deleted %+v, expected %+v", before, after[old.ID])
				}
				delete(after, old.ID)
				deleted++
			default:
				if len(streams) == 1 {
					continue
				}
				if err := tx.DeleteDatastream(old.Datastream); err != nil {
					return err
				}
				streams = slices.DeleteFunc(streams, func(id int64) bool { return id == old.Datastream })
				for id, r := range after {
					if r.Datastream == old.Datastream {
						delete(after, id)
						deleted++
					}
				}
			}
		}
		if rapid.IntRange(0, 3).Draw(t, "fail") == 0 {
			return fail
		}
		return nil
	})
	switch {
	case errors.Is(err, fail):
	case err != nil:
		t.Fatal(err)
	default:
		m.stored, m.deleted, m.streams, m.accepted = after, deleted, streams, accepted
	}
}

// query draws a query, and answers it from the model.
func (m *model) query(t *rapid.T) (q Query, want []Stored) {
	q.Order = Order(rapid.IntRange(0, 3).Draw(t, "order"))
	if rapid.Bool().Draw(t, "some") {
		q.Datastreams = []int64{rapid.SampledFrom(m.streams).Draw(t, "ds"), 999}
	}
	if rapid.Bool().Draw(t, "bounded") {
		q.From = at(rapid.IntRange(0, 30).Draw(t, "from"))
		q.To = q.From + int64(rapid.IntRange(0, 20).Draw(t, "to"))*60e6
	}
	if rapid.IntRange(0, 4).Draw(t, "ends") == 0 {
		q.Until = at(rapid.IntRange(0, 30).Draw(t, "until"))
	}
	q.Skip = int64(rapid.SampledFrom([]int{0, 0, 1, 3, 10}).Draw(t, "skip"))
	order := func(a, b Stored) int {
		c := cmp.Compare(a.ID, b.ID)
		if q.Order >= ByTime {
			c = cmp.Or(cmp.Compare(a.At, b.At), c)
		}
		if q.Order == ByIDDesc || q.Order == ByTimeDesc {
			return -c
		}
		return c
	}
	if after, ok := m.one(t); ok && rapid.Bool().Draw(t, "after") {
		q.After = &Key{after.At, after.ID}
	}
	for _, r := range m.stored {
		if q.Datastreams != nil && !slices.Contains(q.Datastreams, r.Datastream) || q.To != 0 && (r.At < q.From || r.At > q.To) || q.Until != 0 && r.End() > q.Until {
			continue
		}
		if q.After != nil && order(r, Stored{q.After.ID, Reading{At: q.After.At}}) <= 0 {
			continue
		}
		want = append(want, r)
	}
	slices.SortFunc(want, order)
	return q, want
}

func (m *model) check(t *rapid.T) {
	q, want := m.query(t)
	uncut := q
	uncut.After = nil
	if q.After == nil {
		if n, err := m.s.Count(ctx, uncut); err != nil || n != int64(len(want)) {
			t.Fatalf("%+v: counted %d, expected %d: %v", q, n, len(want), err)
		}
	}
	var got []Stored
	if err := m.s.Scan(ctx, q, func(r Stored) error { got = append(got, r); return nil }); err != nil {
		t.Fatal(err)
	}
	want = want[min(int64(len(want)), q.Skip):]
	if len(got) != len(want) {
		t.Fatalf("%+v: %d readings, expected %d\n got %v\nwant %v", q, len(got), len(want), got, want)
	}
	for i := range got {
		if got[i].ID != want[i].ID || !same(got[i].Reading, want[i].Reading) {
			t.Fatalf("%+v: reading %d is\n     %+v, expected\n     %+v", q, i, got[i], want[i])
		}
	}
	if r, ok := m.one(t); ok {
		if g, err := m.s.Get(ctx, r.ID); err != nil || !same(g.Reading, r.Reading) {
			t.Fatalf("%d is %+v, expected %+v: %v", r.ID, g, r, err)
		}
	}
	for _, id := range m.streams {
		var w State
		w.HeardAt = noon.UnixMicro()
		for _, r := range slices.SortedFunc(maps.Values(m.stored), func(a, b Stored) int { return cmp.Compare(a.ID, b.ID) }) {
			if c := pack(r.Reading); r.Datastream == id {
				w.add(r.ID, id, &c)
			}
		}
		g, ok := m.s.State(id)
		g.HeardAt = w.HeardAt
		if !ok || fmt.Sprintf("%+v", g) != fmt.Sprintf("%+v", w) && !(same(g.Latest.Reading, w.Latest.Reading) && g.Count == w.Count && g.MinAt == w.MinAt && g.MaxAt == w.MaxAt && g.MinResult == w.MinResult && g.MaxResult == w.MaxResult && g.Latest.ID == w.Latest.ID) {
			t.Fatalf("state of %d is\n %+v, expected\n %+v", id, g, w)
		}
	}
	c := m.s.Counters()
	if a, _ := c.Totals(); a != m.accepted || c.Logged != a || c.Stored != int64(len(m.stored)) || c.Deleted != m.deleted {
		t.Fatalf("accepted %d, logged %d, stored %d, deleted %d; expected %d, %d, %d", a, c.Logged, c.Stored, c.Deleted, m.accepted, len(m.stored), m.deleted)
	}
}

// Whatever mix of appends, amendments, deletions, seals, changes that fail and restarts: the store holds what a plain map
// would hold, in every order, with every bound, and the counters add up.
func TestModel(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			var d *db.DB
			if engine == "sqlite" {
				d = dbtest.SQLite(t, all...)
			} else {
				d = dbtest.Postgres(t, all...)
			}
			run := 0
			rapid.Check(t, func(r *rapid.T) {
				run++
				m := &model{s: start(r, d), stored: map[int64]Stored{}}
				m.s.laneSize = 7
				m.clear(r)
				for i := range 3 {
					m.streams = append(m.streams, datastream(r, m.s, fmt.Sprint(run, i)))
				}
				r.Repeat(map[string]func(*rapid.T){
					"append": m.append,
					"more":   m.append,
					"change": m.change,
					"seal": func(t *rapid.T) {
						if err := m.s.Seal(ctx); err != nil {
							t.Fatal(err)
						}
					},
					"hold": func(t *rapid.T) { m.s.Hold("slow", rapid.Int64Range(0, m.s.LastSeq()).Draw(t, "position")) },
					"restart": func(t *rapid.T) {
						m.s = start(t, d)
						m.s.laneSize = 7
					},
					"": m.check,
				})
			})
		})
	}
}
