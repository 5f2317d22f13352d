package watch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
)

func (w *world) handover(ctx context.Context, id int64) *HandoverPage {
	w.t.Helper()
	p, err := w.HandoverPage(ctx, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func keys(items []Item) []string {
	var out []string
	for _, i := range items {
		out = append(out, i.key())
	}
	return out
}

func TestHandover(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := ok(t)
		c := w.call("general")
		id(w.Instruct(officer(1), InstructionRequest{Text: "查明原因", Leader: "分管副市长", Case: c, Teams: []Team{{40, "gas-crew"}}, DueAt: start.Add(time.Hour)}, ""))
		id(w.PutPost(officer(1), Post{Organisation: 40, Name: "duty-office", Covered: true}, ""))
		w.city.raise(Item{Kind: ItemAlert, ID: 118, Title: Text{En: "Methane", Zh: "甲烷"}})
		w.city.raise(Item{Kind: ItemShelved, ID: 119, Title: Text{En: "Pressure", Zh: "压力"}})
		w.city.raise(Item{Kind: ItemWarning, ID: 21, Title: Text{En: "Rainstorm", Zh: "暴雨"}})

		h := id(w.Begin(officer(1), ""))
		if again := id(w.Begin(officer(2), "")); again != h {
			t.Errorf("a second one was begun: %d and %d", h, again)
		}
		p := w.handover(officer(1), h)
		want := fmt.Sprintf("report:1 instruction:1 alert:118 warning:21 case:%d task:1 shelved:119 gap:1", c)
		if got := strings.Join(keys(p.Items), " "); got != want || p.MaySign != "leave" {
			t.Fatalf("%s, may %s\nwant %s", got, p.MaySign, want)
		}
		id(w.Remark(officer(1), h, "alert:118", "已通知燃气公司", ""))
		id(w.Remark(officer(1), h, "alert:118", "抢修队14时到场，电话13812345678", ""))
		refused(t, "watch.item")(w.Remark(officer(1), h, "person:1", "x", ""))

		// Something comes between looking and signing: the signing is refused with it.
		w.city.raise(Item{Kind: ItemAlert, ID: 120, Title: Text{En: "Level", Zh: "水位"}})
		_, err := w.Leave(officer(1), h, SignRequest{Seen: p.Seen}, "")
		var e *web.Error
		if !errors.As(err, &e) || e.Code != "watch.handover_news" || len(e.Errors) != 1 || e.Errors[0].Field != "alert:120" {
			t.Fatalf("%v %+v", err, e)
		}
		refused(t, "watch.handover_state")(w.Arrive(officer(2), h, SignRequest{Seen: p.Seen}, ""))
		refused(t, "watch.seen")(w.Leave(officer(1), h, SignRequest{Seen: "everything"}, ""))
		refused(t, "watch.other_desk")(w.Leave(of(40, 7), h, SignRequest{Seen: p.Seen}, ""))
		p = w.handover(officer(1), h)
		id(w.Leave(officer(1), h, SignRequest{Seen: p.Seen, Remark: "一切正常"}, ""))
		refused(t, "watch.handover_state")(w.Remark(officer(1), h, "alert:118", "later", ""))

		// What was signed stays, also when an alert of it clears; what comes since is added for the arriving officer.
		w.city.clear(ItemAlert, 118)
		w.clock.Advance(time.Minute)
		before := w.handover(officer(2), h)
		w.city.raise(Item{Kind: ItemAlert, ID: 121, Title: Text{En: "Flow", Zh: "流量"}})
		refused(t, "access.same_person")(w.Arrive(officer(1), h, SignRequest{Seen: before.Seen}, ""))
		refused(t, "watch.handover_news")(w.Arrive(officer(2), h, SignRequest{Seen: before.Seen}, ""))
		now := w.handover(officer(2), h)
		if got := keys(now.Since); !slices.Equal(got, []string{"alert:121"}) || now.MaySign != "arrive" || w.handover(officer(1), h).MaySign != "" {
			t.Errorf("since %v, may %s", got, now.MaySign)
		}
		id(w.Arrive(officer(2), h, SignRequest{Seen: now.Seen}, ""))
		refused(t, "watch.handover_state")(w.Arrive(officer(3), h, SignRequest{Seen: now.Seen}, ""))

		done := w.handover(officer(3), h)
		if done.State != "done" || done.LeftBy != "officer-1" || done.ArrivedBy != "officer-2" || len(done.Since) != 1 || done.MaySign != "" {
			t.Errorf("%+v", done.HandoverView)
		}
		i := slices.IndexFunc(done.Items, func(x Item) bool { return x.key() == "alert:118" })
		if i < 0 || done.Items[i].Remark != "抢修队14时到场，电话***" {
			t.Errorf("the remark is lost: %+v", done.Items)
		}
		// The hashes in the ledger are those of what is stored.
		for column, hash := range map[string]string{"contents": done.Hash, "since": done.SinceHash} {
			var text string
			if err := w.DB.Read(t.Context(), func(tx *db.Tx) error {
				return tx.QueryRow(`select `+column+` from watch_handovers where id = $1`, h).Scan(&text)
			}); err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256([]byte(text))
			if hex.EncodeToString(sum[:]) != hash {
				t.Errorf("the hash of %s is another", column)
			}
			if n := w.count(`select count(*) from ledger_leaves where record like $1`, "%"+column+`_sha256":"`+hash+`"%`); n == 0 {
				t.Errorf("the hash of %s is not in the ledger", column)
			}
		}
		if n := w.subjects("watch.handed_over"); n != 1 {
			t.Errorf("told %d times", n)
		}
		if next := id(w.Begin(officer(2), "")); next == h {
			t.Error("no new one can be begun")
		}
	})
}

func TestAHandoverCanBeGivenUp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := ok(t)(w.Begin(officer(1), ""))
		ok(t)(w.Leave(officer(1), h, SignRequest{Seen: w.handover(officer(1), h).Seen}, ""))
		ok(t)(w.Drop(officer(1), h, "", ""))
		refused(t, "watch.handover_state")(w.Drop(officer(1), h, "", ""))
		if next := ok(t)(w.Begin(officer(1), "")); next == h {
			t.Error("the old one came back")
		}
		refused(t, "watch.not_found")(w.Drop(officer(1), 99, "", ""))
		list, err := w.Handovers(officer(2))
		if err != nil || len(list) != 2 {
			t.Errorf("%+v, %v", list, err)
		}
		if list, err = w.Handovers(of(40, 3)); err != nil || len(list) != 0 {
			t.Errorf("another desk sees %+v, %v", list, err)
		}
	})
}

func TestWhoWithdrawsASignedHandover(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		signed := func() int64 {
			h := ok(t)(w.Begin(officer(1), ""))
			ok(t)(w.Leave(officer(1), h, SignRequest{Seen: w.handover(officer(1), h).Seen}, ""))
			return h
		}
		h := signed()
		refused(t, "watch.handover_signed")(w.Drop(officer(3), h, " ", ""))
		refused(t, "watch.other_desk")(w.Drop(of(40, 3), h, "x", ""))
		ok(t)(w.Drop(officer(2), h, "泵站状态未写明", ""))
		if p := w.handover(officer(3), h); p.State != "withdrawn" || p.EndedBy != "officer-2" || p.EndedWhy != "泵站状态未写明" {
			t.Errorf("%+v", p.HandoverView)
		}
		ok(t)(w.Drop(officer(1), signed(), "", ""))                       // his own signature
		ok(t)(w.Drop(officer(3), ok(t)(w.Begin(officer(1), "")), "", "")) // nobody has signed
		// Where the roster names the officers, it says who arrives.
		post := ok(t)(w.PutPost(officer(1), Post{Organisation: 41, Name: "duty-office", Covered: true}, ""))
		for i, who := range []string{"officer-1", "officer-2"} {
			from := start.Add(time.Duration(12*i-6) * time.Hour)
			ok(t)(w.AddShift(officer(1), ShiftRequest{Post: post, From: from, To: from.Add(12 * time.Hour), Who: who}, ""))
		}
		h = signed()
		refused(t, "watch.handover_signed")(w.Drop(officer(3), h, "让我来", ""))
		ok(t)(w.Drop(officer(2), h, "泵站状态未写明", ""))
	})
}

func TestDraftsThatNobodySignedAreHandedOver(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := ok(t)
		c := w.call("larger")
		h := id(w.Begin(officer(1), ""))
		drafts := func() (out []string) {
			for _, i := range w.handover(officer(1), h).Items {
				if i.Kind == ItemDraft {
					out = append(out, i.key()+" "+i.State.Zh)
				}
			}
			return out
		}
		report := id(w.Start(officer(1), StartRequest{Case: c, Report: First}, ""))
		id(w.Amend(officer(1), report, "初报", ""))
		if got := drafts(); len(got) != 1 || got[0] != fmt.Sprintf("draft:%d 第2稿，待签发", report) {
			t.Errorf("%v", got)
		}
		id(w.Sign(officer(1), report, 2, ""))
		if got := drafts(); got != nil {
			t.Errorf("signed, and still %v", got)
		}
		id(w.Amend(officer(1), report, "初报（补充）", ""))
		if got := drafts(); len(got) != 1 {
			t.Errorf("a new version is not signed: %v", got)
		}
		id(w.Tell(officer(1), report, TellRequest{Version: 3, How: ByPhone, To: cityOffice}, ""))
		if got := drafts(); got != nil {
			t.Errorf("told, and still %v", got)
		}
	})
}

func TestPrivateCasesAreNotHandedOver(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, tables()...))
	c := w.call("general")
	if err := w.DB.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`update cases set private = 1, parties = '[{"organisation":0,"role":"lead"}]' where id = $1`, c)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	h := ok(t)(w.Begin(officer(1), ""))
	if p := w.handover(officer(1), h); len(p.Items) != 0 {
		t.Errorf("%v", keys(p.Items))
	}
	refused(t, "watch.private_case")(w.Log(officer(1), LineRequest{Caller: Unit, UnitName: "x", Where: "y", What: "z", Case: c}, ""))
}

func TestSeenTokens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.MapOfN(rapid.SampledFrom(itemKinds[:]), rapid.SliceOfDistinct(rapid.Int64Range(1, 40), rapid.ID), 0, len(itemKinds)).Draw(t, "ids")
		var items []Item
		for _, kind := range itemKinds {
			for _, id := range ids[kind] {
				items = append(items, Item{Kind: kind, ID: id})
			}
		}
		seen, err := parseSeen(seenToken(items))
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range itemKinds {
			for id := int64(0); id <= 41; id++ {
				if got, want := seen.has(Item{Kind: kind, ID: id}), slices.Contains(ids[kind], id); got != want {
					t.Fatalf("%s:%d seen %v, want %v in %q", kind, id, got, want, seenToken(items))
				}
				if (seen.has(Item{Kind: kind, ID: id, Level: "red"})) {
					t.Fatalf("%s:%d counts as seen, and is red by now", kind, id)
				}
			}
		}
	})
	for _, token := range []string{"alert:1", "alert:1-3", "alert:1.", "alert:x.abc", "person:1.abc", "alert"} {
		if _, err := parseSeen(token); err == nil {
			t.Errorf("%q was taken", token)
		}
	}
	many := make([]Item, 1000)
	for i := range many {
		many[i] = Item{Kind: ItemCase, ID: int64(10_000 + i)}
	}
	if n := len(seenToken(many)); n > 16_000 {
		t.Errorf("the token of 1000 items has %d bytes", n)
	}
}

func TestWhatADigestBinds(t *testing.T) {
	due, later := start.Add(time.Hour), start.Add(2*time.Hour)
	item := func(change func(*Item)) string {
		i := Item{Kind: ItemGap, ID: 1, Title: Text{En: "a", Zh: "b"}, State: Text{En: "c", Zh: "d"}, Level: "blue", Since: &start, DueAt: &due,
			Later: []LaterGap{{From: due, To: &later}}}
		change(&i)
		return i.digest()
	}
	whole := item(func(*Item) {})
	for name, change := range map[string]func(*Item){
		"kind": func(i *Item) { i.Kind = ItemCase }, "id": func(i *Item) { i.ID = 2 }, "title": func(i *Item) { i.Title.En, i.Title.Zh = "ab", "" },
		"state": func(i *Item) { i.State.Zh = "e" }, "level": func(i *Item) { i.Level = "red" }, "due": func(i *Item) { i.DueAt = &later },
		"no due": func(i *Item) { i.DueAt = nil }, "beginning of a gap": func(i *Item) { i.Since = &due },
		"a later gap": func(i *Item) { i.Later = nil }, "its end": func(i *Item) { i.Later[0].To = nil },
	} {
		if item(change) == whole {
			t.Errorf("%s is not bound", name)
		}
	}
	for name, change := range map[string]func(*Item){
		"overdue": func(i *Item) { i.Overdue = true }, "remark": func(i *Item) { i.Remark = "x" },
		"zone": func(i *Item) { at := due.In(time.FixedZone("", 8*3600)); i.DueAt = &at },
	} {
		if item(change) != whole {
			t.Errorf("%s changes the digest", name)
		}
	}
}

// news is what a signature was refused for.
func news(t *testing.T, err error) string {
	t.Helper()
	var e *web.Error
	if !errors.As(err, &e) || e.Code != "watch.handover_news" {
		t.Fatalf("got %v, want watch.handover_news", err)
	}
	var out []string
	for _, d := range e.Errors {
		out = append(out, d.Field)
	}
	return strings.Join(out, " ")
}

func TestNobodySignsAnItemAsHeDidNotSeeIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		due := start.Add(72 * time.Hour)
		w.city.raise(Item{Kind: ItemCase, ID: 1000, Title: Text{En: "Methane"}, State: Text{En: "filed", Zh: "已立案"}, DueAt: &due})
		w.city.raise(Item{Kind: ItemAlert, ID: 118, State: Text{En: "raised"}, Level: "yellow"})
		tomorrow := start.Add(24 * time.Hour)
		dispatched := func(i *Item) { i.State, i.DueAt = Text{En: "dispatched", Zh: "已派遣"}, &tomorrow }
		changes := []struct {
			key    string
			change func()
		}{
			{"case:1000", func() { w.city.change(ItemCase, 1000, dispatched) }},
			{"case:1000", func() { soon := start.Add(time.Hour); w.city.change(ItemCase, 1000, func(i *Item) { i.DueAt = &soon }) }},
			{"alert:118", func() { w.city.change(ItemAlert, 118, func(i *Item) { i.Level = "red" }) }},
			{"alert:118", func() { w.city.change(ItemAlert, 118, func(i *Item) { i.State = Text{En: "acknowledged"} }) }},
		}
		h := ok(t)(w.Begin(officer(1), ""))
		for n, x := range changes {
			old := w.handover(officer(1), h)
			x.change()
			_, err := w.Leave(officer(1), h, SignRequest{Seen: old.Seen}, "")
			if got := news(t, err); got != x.key {
				t.Errorf("%d: refused for %s, want %s", n, got, x.key)
			}
			var e *web.Error
			if errors.As(err, &e); !strings.Contains(e.Errors[0].Message, "(changed: ") {
				t.Errorf("%d: %q does not say that it changed", n, e.Errors[0].Message)
			}
		}
		// What the clock alone moves does not hold a signature up.
		p := w.handover(officer(1), h)
		w.clock.Advance(time.Minute)
		ok(t)(w.Leave(officer(1), h, SignRequest{Seen: p.Seen}, ""))
		signed := w.handover(officer(2), h)
		if len(signed.Since)+len(signed.Changed) != 0 {
			t.Errorf("nothing has happened, and still %v %v", keys(signed.Since), keys(signed.Changed))
		}

		w.city.change(ItemCase, 1000, func(i *Item) { i.State, i.Overdue = Text{En: "at the scene", Zh: "处置中"}, true })
		if got := news(t, second(w.Arrive(officer(2), h, SignRequest{Seen: signed.Seen}, ""))); got != "case:1000" {
			t.Errorf("refused for %s", got)
		}
		now := w.handover(officer(2), h)
		if len(now.Changed) != 1 || now.Changed[0].State.En != "at the scene" || len(now.Since) != 0 {
			t.Errorf("changed %+v, since %v", now.Changed, keys(now.Since))
		}
		if i := slices.IndexFunc(now.Items, func(i Item) bool { return i.ID == 1000 }); now.Items[i].State.En != "dispatched" {
			t.Errorf("what was signed reads %+v", now.Items[i])
		}
		// It changes once more under the eyes of the arriving officer.
		w.city.change(ItemCase, 1000, func(i *Item) { i.State = Text{En: "burning"} })
		if got := news(t, second(w.Arrive(officer(2), h, SignRequest{Seen: now.Seen}, ""))); got != "case:1000" {
			t.Errorf("refused for %s", got)
		}
		ok(t)(w.Arrive(officer(2), h, SignRequest{Seen: w.handover(officer(2), h).Seen}, ""))
		w.city.clear(ItemCase, 1000)
		done := w.handover(officer(3), h)
		if len(done.Changed) != 1 || done.Changed[0].State.En != "burning" {
			t.Errorf("frozen as changed: %+v", done.Changed)
		}
		var text string
		if err := w.DB.Read(t.Context(), func(tx *db.Tx) error {
			return tx.QueryRow(`select since from watch_handovers where id = $1`, h).Scan(&text)
		}); err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256([]byte(text)); !strings.Contains(text, "burning") || hex.EncodeToString(sum[:]) != done.SinceHash {
			t.Errorf("the hash does not bind what changed: %s", text)
		}
	})
}

func second(_ any, err error) error { return err }

func TestAnotherGapOfThePostIsNews(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := ok(t)
		post := id(w.PutPost(officer(1), Post{Organisation: 41, Name: "duty-office", Covered: true}, ""))
		shift := func(from, to int) int64 {
			return id(w.AddShift(officer(1), ShiftRequest{Post: post, From: start.Add(time.Duration(from) * time.Hour), To: start.Add(time.Duration(to) * time.Hour), Who: "officer-1"}, ""))
		}
		shift(-4, 4)
		shift(6, 10) // nobody from 4 to 6
		middle := shift(10, 14)
		shift(14, 30) // and from 30 on, beyond the day
		gap := func(items []Item) string {
			i := slices.IndexFunc(items, func(i Item) bool { return i.Kind == ItemGap })
			if i < 0 {
				return "none"
			}
			hours := func(at *time.Time) string {
				if at == nil {
					return "?"
				}
				return fmt.Sprint(at.Sub(start).Hours())
			}
			out := hours(items[i].Since) + "-" + hours(items[i].DueAt)
			for _, g := range items[i].Later {
				out += " " + hours(&g.From) + "-" + hours(g.To)
			}
			return out
		}
		h := id(w.Begin(officer(1), ""))
		p := w.handover(officer(1), h)
		if got := gap(p.Items); got != "4-6" {
			t.Fatalf("gap %s", got)
		}
		// The gap begins, and time goes on: it is the gap that was shown.
		w.clock.Advance(5 * time.Hour)
		if got := gap(w.handover(officer(1), h).Items); got != "4-6" {
			t.Errorf("within the gap: %s", got)
		}
		id(w.Leave(officer(1), h, SignRequest{Seen: p.Seen}, ""))
		signed := w.handover(officer(2), h)

		id(w.RemoveShift(officer(1), middle, ""))
		if got := news(t, second(w.Arrive(officer(2), h, SignRequest{Seen: signed.Seen}, ""))); got != fmt.Sprintf("gap:%d", post) {
			t.Errorf("refused for %s", got)
		}
		now := w.handover(officer(2), h)
		if got := gap(now.Changed); got != "4-6 10-14" || gap(now.Items) != "4-6" || len(now.Since) != 0 {
			t.Errorf("changed %s, signed %s", got, gap(now.Items))
		}
		// The first one is filled, the other stays: that too is another gap.
		shift(5, 6)
		if got := news(t, second(w.Arrive(officer(2), h, SignRequest{Seen: now.Seen}, ""))); got != fmt.Sprintf("gap:%d", post) {
			t.Errorf("refused for %s", got)
		}
		id(w.Arrive(officer(2), h, SignRequest{Seen: w.handover(officer(2), h).Seen}, ""))

		// A gap whose end nobody has planned.
		w.clock.Advance(5 * time.Hour)
		h = id(w.Begin(officer(2), ""))
		if got := gap(w.handover(officer(2), h).Items); got != "10-14 30-?" {
			t.Errorf("gap %s", got)
		}
	})
}

// A plain model of a handover: what is open, what each page showed, and who has signed what. Random officers look, sign, and are
// overtaken by what happens; nothing that is open at a signature may be missing in what was signed.
func TestNothingOpenIsLeftOut(t *testing.T) {
	d := dbtest.SQLite(t, tables()...)
	w := newWorld(t, d)
	next := int64(0)
	rapid.Check(t, func(t *rapid.T) {
		mark := func(i Item) string { return i.key() + " " + i.State.En }
		marks := func(items []Item) (out []string) {
			for _, i := range items {
				out = append(out, mark(i))
			}
			return out
		}
		open := map[string]string{} // key: as it stands
		for _, i := range w.city.items {
			open[i.key()] = mark(i)
		}
		id, err := w.Begin(officer(1), "")
		if err != nil {
			t.Fatal(err)
		}
		h := id.Item
		state, leftBy := "draft", int64(0)
		var signed []string
		pages := map[int64]*HandoverPage{} // what each officer has looked at last
		check := func(items []Item, what string) {
			there := marks(items)
			for _, key := range open {
				if !slices.Contains(there, key) {
					t.Fatalf("%s: %s is open and left out of %v", what, key, there)
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"raise": func(t *rapid.T) {
				next++
				i := Item{Kind: rapid.SampledFrom([]string{ItemAlert, ItemWarning, ItemShelved}).Draw(t, "kind"), ID: next}
				w.city.raise(i)
				open[i.key()] = mark(i)
			},
			"change": func(t *rapid.T) {
				if len(w.city.items) == 0 {
					t.Skip("nothing is open")
				}
				i := w.city.items[rapid.IntRange(0, len(w.city.items)-1).Draw(t, "item")]
				i.State = Text{En: rapid.SampledFrom([]string{"", "worse", "worst"}).Draw(t, "state")}
				w.city.change(i.Kind, i.ID, func(x *Item) { x.State = i.State })
				open[i.key()] = mark(i)
			},
			"clear": func(t *rapid.T) {
				if len(open) == 0 {
					t.Skip("nothing is open")
				}
				all := make([]string, 0, len(open))
				for key := range open {
					all = append(all, key)
				}
				slices.Sort(all)
				key := rapid.SampledFrom(all).Draw(t, "item")
				kind, number, _ := strings.Cut(key, ":")
				var n int64
				if _, err := fmt.Sscan(number, &n); err != nil {
					t.Fatal(err)
				}
				w.city.clear(kind, n)
				delete(open, key)
			},
			"look": func(t *rapid.T) {
				who := rapid.Int64Range(1, 3).Draw(t, "who")
				p, err := w.HandoverPage(officer(who), h)
				if err != nil {
					t.Fatal(err)
				}
				if state != "done" {
					check(slices.Concat(p.Items, p.Since, p.Changed), "page")
				}
				pages[who] = p
			},
			"sign": func(t *rapid.T) {
				who := rapid.Int64Range(1, 3).Draw(t, "who")
				p := pages[who]
				if p == nil {
					t.Skip("has not looked")
				}
				shown := marks(slices.Concat(p.Items, p.Since, p.Changed))
				news := false
				for _, key := range open {
					news = news || !slices.Contains(shown, key)
				}
				for _, key := range signed {
					news = news || state == "left" && !slices.Contains(shown, key)
				}
				leaving := rapid.Bool().Draw(t, "leaving")
				var err error
				if leaving {
					_, err = w.Leave(officer(who), h, SignRequest{Seen: p.Seen}, "")
				} else {
					_, err = w.Arrive(officer(who), h, SignRequest{Seen: p.Seen}, "")
				}
				want := ""
				switch {
				case leaving && state != "draft", !leaving && state != "left":
					want = "watch.handover_state"
				case !leaving && who == leftBy:
					want = "access.same_person"
				case news:
					want = "watch.handover_news"
				}
				var e *web.Error
				switch {
				case want == "" && err != nil:
					t.Fatalf("refused: %v", err)
				case want != "" && (!errors.As(err, &e) || e.Code != want):
					t.Fatalf("got %v, want %s", err, want)
				case want == "" && leaving:
					state, leftBy = "left", who
				case want == "":
					state = "done"
				}
				if want == "" {
					after, err := w.HandoverPage(officer(who), h)
					if err != nil {
						t.Fatal(err)
					}
					check(slices.Concat(after.Items, after.Since, after.Changed), "signed")
					if leaving {
						signed = marks(after.Items)
					} else if got := marks(after.Items); !slices.Equal(got, signed) {
						t.Fatalf("what was signed has changed: %v, was %v", got, signed)
					}
				}
			},
		})
		if state != "done" { // once it is signed, only who signed takes it back
			if _, err := w.Drop(officer(max(leftBy, 1)), h, "", ""); err != nil {
				t.Fatal(err)
			}
		}
	})
}
