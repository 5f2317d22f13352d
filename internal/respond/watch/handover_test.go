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
			}
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
		open := map[string]bool{}
		for _, i := range w.city.items {
			open[i.key()] = true
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
			there := keys(items)
			for key := range open {
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
				open[i.key()] = true
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
					check(append(slices.Clone(p.Items), p.Since...), "page")
				}
				pages[who] = p
			},
			"sign": func(t *rapid.T) {
				who := rapid.Int64Range(1, 3).Draw(t, "who")
				p := pages[who]
				if p == nil {
					t.Skip("has not looked")
				}
				shown := append(keys(p.Items), keys(p.Since)...)
				news := false
				for key := range open {
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
					check(append(slices.Clone(after.Items), after.Since...), "signed")
					if leaving {
						signed = keys(after.Items)
					} else if got := keys(after.Items); !slices.Equal(got, signed) {
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
