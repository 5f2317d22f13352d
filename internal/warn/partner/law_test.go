package partner

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// anyAlerts draws a family of messages: of two senders, of two statuses, some of which name others, some that no one sends.
func anyAlerts(t *rapid.T) []*cap.Alert {
	n := rapid.IntRange(1, 9).Draw(t, "messages")
	var all []*cap.Alert
	for i := range n {
		a := warning(fmt.Sprintf("m%d", i), nil)
		a.Sender = rapid.SampledFrom([]string{"a@partner.example", "b@partner.example"}).Draw(t, "sender")
		a.Status = rapid.SampledFrom([]string{cap.Actual, cap.Actual, cap.Exercise}).Draw(t, "status")
		a.MsgType = rapid.SampledFrom([]string{cap.TypeAlert, cap.TypeAlert, cap.TypeUpdate, cap.TypeUpdate, cap.TypeCancel, cap.TypeAck}).Draw(t, "type")
		a.Sent = cap.Time{Time: start.Add(time.Duration(rapid.IntRange(-120, 30).Draw(t, "sent")) * time.Minute)}
		a.Infos[0].Headline = a.Identifier
		a.Infos[0].Expires = &cap.Time{Time: start.Add(time.Duration(rapid.IntRange(-60, 120).Draw(t, "expires")) * time.Minute)}
		switch rapid.IntRange(0, 5).Draw(t, "where") {
		case 0:
			a.Infos[0].Areas[0].Polygons = []cap.Ring{ring(10, 50, 1)} // elsewhere
		case 1:
			a.Infos[0].Areas[0].Polygons = nil // nobody knows
		case 2:
			a.Infos[0].ResponseTypes = []string{"AllClear"}
		}
		all = append(all, a)
	}
	for _, a := range all {
		if a.MsgType == cap.TypeAlert {
			continue
		}
		for range rapid.IntRange(1, 3).Draw(t, "references") {
			r := all[rapid.IntRange(0, n-1).Draw(t, "named")].Reference()
			if rapid.IntRange(0, 5).Draw(t, "lost") == 0 {
				r.Identifier = "lost"
			}
			if !slices.Contains(a.References, r) {
				a.References = append(a.References, r)
			}
		}
	}
	return all
}

// force is the law in its plainest words, over the whole set at once: the names of what is in force for officers.
func force(all []*cap.Alert, now time.Time) (out []string) {
	for _, m := range all {
		i := m.Infos[0]
		isOver := len(i.ResponseTypes) > 0 && m.MsgType == cap.TypeUpdate
		here := len(i.Areas[0].Polygons) == 1 && i.Areas[0].Polygons[0][0].Lon > 100
		if m.MsgType != cap.TypeAlert && m.MsgType != cap.TypeUpdate || isOver || !here || !i.Expires.After(now) {
			continue
		}
		ended := false
		for _, r := range all {
			if r == m || r.MsgType != cap.TypeUpdate && r.MsgType != cap.TypeCancel || r.Sender != m.Sender || r.Status != m.Status {
				continue
			}
			for _, ref := range r.References {
				ended = ended || ref == m.Reference()
			}
		}
		if !ended {
			out = append(out, m.Identifier)
		}
	}
	slices.Sort(out)
	return out
}

// picture is all that is kept, in words that name no row.
func picture(t testing.TB, s *Service) string {
	ms := received(t, s, "all")
	name := map[int64]string{}
	for _, m := range ms {
		name[m.ID] = m.Identifier
	}
	slices.SortFunc(ms, func(a, b *Message) int { return cmp.Compare(a.Identifier, b.Identifier) })
	var b strings.Builder
	for _, m := range ms {
		ended := ""
		if m.EndedAt != nil {
			ended = m.EndedAt.Format(time.RFC3339)
		}
		fmt.Fprintln(&b, m.Identifier, m.Sender, m.Status, m.MsgType, m.Level, m.Hazard, m.Placement, m.Force, name[m.ReplacedBy], m.EndKind, ended)
	}
	return b.String()
}

// TestAnyOrderGivesTheSamePicture: whatever the order and however often messages come, and whether the clock's loop runs between them
// or not, the picture is that of the plain law.
func TestAnyOrderGivesTheSamePicture(t *testing.T) {
	dbtest.Each(t, allMigrations, func(t *testing.T, d *db.DB) {
		s, _ := newService(t, d)
		areas, _ := town{}.Areas(context.Background())
		hazards, _ := town{}.Hazards(context.Background())
		g := newGround(areas)
		rapid.Check(t, func(rt *rapid.T) {
			all := anyAlerts(rt)
			var first string
			for round := range 2 {
				err := d.Write(admin, func(tx *db.Tx) error {
					for _, table := range []string{"received_references", "received_messages", "partner_links", "warning_partners", "outbox"} {
						if _, err := tx.Exec("delete from " + table); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				p := &Partner{Registration: Registration{URL: "https://x.example/feed", Service: "weather"}}
				p.complete()
				if err := d.Write(admin, func(tx *db.Tx) error { return insertPartner(tx, p) }); err != nil {
					t.Fatal(err)
				}
				p.revision = 1
				order := rapid.Permutation(slices.Concat(all, rapid.SliceOfN(rapid.SampledFrom(all), 0, 4).Draw(rt, "again"))).Draw(rt, "order")
				for chunk := range slices.Chunk(order, 4) {
					err := d.Write(admin, func(tx *db.Tx) error {
						for _, a := range chunk {
							c := s.judge(p, []byte(document(t, a)), hazards, g, start)
							if c.Verdict == cap.Reject {
								return fmt.Errorf("refused: %+v", c.Problems)
							}
							if _, err := s.insert(tx, p, c, start); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						t.Fatal(err)
					}
					if rapid.Bool().Draw(rt, "loop") {
						s.expire(admin)
					}
				}
				var got []string
				for _, m := range received(t, s, "in-force") {
					got = append(got, m.Identifier)
				}
				slices.Sort(got)
				if want := force(all, start); !slices.Equal(got, want) {
					rt.Fatalf("in force %v, want %v\n%s", got, want, picture(t, s))
				}
				consistent(rt, t, d, s)
				if p := picture(t, s); round == 0 {
					first = p
				} else if p != first {
					rt.Fatalf("another order gives another picture:\n%s\n%s", first, p)
				}
			}
		})
	})
}

// consistent holds that the other rooms were told of what is in force, and of nothing else: what was issued or updated and not ended
// is one thread for each message in force.
func consistent(rt *rapid.T, t *testing.T, d *db.DB, s *Service) {
	open := map[float64]bool{}
	err := d.Read(admin, func(tx *db.Tx) error {
		rows, err := tx.Query(`select subject, json_num(payload, 'relay') from outbox order by id nulls last`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var subject string
			var relay float64
			if err := rows.Scan(&subject, &relay); err != nil {
				return err
			}
			switch {
			case subject == "relay.issued" && open[relay], subject != "relay.issued" && !open[relay]:
				rt.Fatalf("%s of %v, which is open: %v", subject, relay, open[relay])
			case subject == "relay.ended":
				delete(open, relay)
			default:
				open[relay] = true
			}
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	s.expire(admin)
	if n := len(received(t, s, "in-force")); len(open) != n {
		rt.Fatalf("the others know %d as in force, and %d are", len(open), n)
	}
}

func TestANameUsedTwiceIsRefusedAndShown(t *testing.T) {
	s, c := newService(t, dbtest.SQLite(t, allMigrations...))
	f := newFeed(t)
	f.put("/feed", document(t, warning("rain", nil)))
	p := poll(t, s, add(t, s, f.registration()))
	f.put("/feed", document(t, warning("rain", func(a *cap.Alert) { a.Infos[0].Headline = "All is well" })))
	c.Advance(time.Minute)
	poll(t, s, p)
	ms := received(t, s, "all")
	if got := inForce(t, s); !slices.Equal(got, []string{"Heavy rain"}) || len(ms) != 2 {
		t.Fatalf("in force %v, %d kept", got, len(ms))
	}
	if m := ms[0]; m.Verdict != cap.Reject || m.Problems[len(m.Problems)-1].Rule != "identifier-reused" || m.Force {
		t.Errorf("the second: %+v", m)
	}
}
