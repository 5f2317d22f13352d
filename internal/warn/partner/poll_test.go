package partner

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

func TestAFeedIsReadPolitely(t *testing.T) {
	dbtest.Each(t, allMigrations, func(t *testing.T, d *db.DB) {
		s, c := newService(t, d)
		f := newFeed(t)
		rain := warning("rain", nil)
		f.put("/rain.xml", document(t, rain))
		f.put("/feed", f.atom("/rain.xml"))
		p := poll(t, s, add(t, s, f.registration()))
		if got := inForce(t, s); !slices.Equal(got, []string{"Heavy rain"}) {
			t.Fatalf("in force: %v; %s", got, p.LastError)
		}
		if p.Failures != 0 || p.LastError != "" || p.ETag == "" || !p.NextAt.Equal(start.Add(time.Minute)) {
			t.Errorf("after the first poll: %+v", p)
		}
		for range 3 {
			c.Advance(time.Minute)
			p = poll(t, s, p)
		}
		if !slices.Equal(f.statuses, []int{200, 200, 304, 304, 304}) || f.count("/rain.xml") != 1 {
			t.Errorf("answers %v, the document was fetched %d times", f.statuses, f.count("/rain.xml"))
		}
		for _, h := range f.requests {
			if h.Get("User-Agent") != "Anlan/test" || h.Get("Accept-Encoding") != "gzip" {
				t.Errorf("asked with %v", h)
			}
		}

		// An update takes its place, a cancel takes that back.
		update := warning("rain-2", after(cap.TypeUpdate, 5, rain))
		update.Infos[0].Severity, update.Infos[0].Headline = "Severe", "Very heavy rain"
		f.put("/rain-2.xml", document(t, update))
		f.put("/feed", f.atom("/rain.xml", "/rain-2.xml"))
		c.Advance(5 * time.Minute)
		p = poll(t, s, p)
		if got := inForce(t, s); !slices.Equal(got, []string{"Very heavy rain"}) {
			t.Errorf("after the update: %v", got)
		}
		f.put("/rain-3.xml", document(t, warning("rain-3", after(cap.TypeCancel, 9, update))))
		f.put("/feed", f.atom("/rain-2.xml", "/rain-3.xml"))
		c.Advance(5 * time.Minute)
		p = poll(t, s, p)
		if got := inForce(t, s); len(got) != 0 {
			t.Errorf("after the cancel: %v", got)
		}
		if f.count("/rain.xml") != 1 || f.count("/rain-2.xml") != 1 || f.count("/rain-3.xml") != 1 {
			t.Error("a known document was fetched again")
		}
		if got, want := told(t, d), []string{"relay.issued", "relay.updated", "relay.ended"}; !slices.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
	})
}

func TestExpiryIsToldByTheClock(t *testing.T) {
	dbtest.Each(t, allMigrations, func(t *testing.T, d *db.DB) {
		s, c := newService(t, d)
		f := newFeed(t)
		f.put("/feed", document(t, warning("rain", nil)))
		poll(t, s, add(t, s, f.registration()))
		c.Advance(6*time.Hour - time.Second)
		if s.expire(admin); len(inForce(t, s)) != 1 {
			t.Fatal("it is over before its end")
		}
		c.Advance(time.Second)
		if len(inForce(t, s)) != 0 {
			t.Error("it is in force after its end, as long as the loop stands still")
		}
		s.expire(admin)
		s.expire(admin)
		if got := told(t, d); !slices.Equal(got, []string{"relay.issued", "relay.ended"}) {
			t.Errorf("told %v", got)
		}
		m := received(t, s, "all")[0]
		if m.EndKind != byExpiry || !m.EndedAt.Equal(start.Add(6*time.Hour)) {
			t.Errorf("ended %v %s", m.EndedAt, m.EndKind)
		}
	})
}

func TestWhatIsNoLongerListedStaysUntilItsEnd(t *testing.T) {
	dbtest.Each(t, allMigrations, func(t *testing.T, d *db.DB) {
		s, c := newService(t, d)
		f := newFeed(t)
		f.put("/rain.xml", document(t, warning("rain", nil)))
		f.put("/feed", f.atom("/rain.xml"))
		p := poll(t, s, add(t, s, f.registration()))
		f.put("/feed", f.atom())
		c.Advance(time.Minute)
		p = poll(t, s, p)
		m := received(t, s, "in-force")
		if len(m) != 1 || m[0].UnlistedAt == nil || !m[0].UnlistedAt.Equal(start.Add(time.Minute)) {
			t.Fatalf("no longer listed: %+v", m)
		}
		c.Advance(time.Minute)
		f.put("/feed", f.atom("/rain.xml"))
		poll(t, s, p)
		if m = received(t, s, "in-force"); m[0].UnlistedAt != nil {
			t.Error("listed again, and still marked")
		}
	})
}

func TestOnlyRealPublicWarningsReachThePublic(t *testing.T) {
	s, _ := newService(t, dbtest.SQLite(t, allMigrations...))
	f := newFeed(t)
	var pages []string
	for _, status := range []string{cap.Actual, cap.Exercise, cap.System, cap.Test, cap.Draft} {
		for _, scope := range []string{cap.Public, cap.Restricted, cap.Private} {
			path := "/" + status + scope
			f.put(path, document(t, warning(status+scope, func(a *cap.Alert) {
				a.Status, a.Scope, a.Infos[0].Headline = status, scope, status+" "+scope
				switch scope {
				case cap.Restricted:
					a.Restriction = "offices"
				case cap.Private:
					a.Addresses = "office@partner.example"
				}
			})))
			pages = append(pages, path)
		}
	}
	f.put("/feed", f.atom(pages...))
	poll(t, s, add(t, s, f.registration()))
	if got := inForce(t, s); !slices.Equal(got, []string{"Actual Public"}) {
		t.Errorf("shown to the public: %v", got)
	}
	if n := len(received(t, s, "all")); n != 15 {
		t.Errorf("%d kept, want 15", n)
	}
	if got := told(t, s.DB); len(got) != 6 { // Actual and Exercise, of any scope
		t.Errorf("told of %d", len(got))
	}
}

// wards has the organisations 11 and 12 answer for the towns of these numbers in the district 10.
type wards struct{}

func (wards) Covers(organisation, _, area int64) bool { return organisation == area }

func (wards) Touches(organisation, area int64) bool {
	return organisation == area || area == 10 && (organisation == 11 || organisation == 12)
}

// TestWhatIsNotForAllIsReadWhereItHolds: a message that isn't Public is listed, on full pages, for those only who answer for a part of
// where it, or what it replaced, holds; one that can't be placed, or not be read, for the city's own people.
func TestWhatIsNotForAllIsReadWhereItHolds(t *testing.T) {
	s, _ := newService(t, dbtest.SQLite(t, allMigrations...))
	f := newFeed(t)
	secret := func(change func(a *cap.Alert)) func(a *cap.Alert) {
		return func(a *cap.Alert) {
			a.Scope, a.Restriction = cap.Restricted, "offices"
			if change != nil {
				change(a)
			}
		}
	}
	f.put("/open", document(t, warning("open", nil)))
	f.put("/here", document(t, warning("here", secret(nil))))
	f.put("/there", document(t, warning("there", secret(func(a *cap.Alert) { a.Infos[0].Areas[0].Polygons[0] = ring(122.12, 30.12, .02) }))))
	f.put("/nowhere", document(t, warning("nowhere", secret(func(a *cap.Alert) { a.Infos[0].Areas[0].Polygons = nil }))))
	here, there := warning("here", secret(nil)), warning("there", secret(nil))
	f.put("/moved", document(t, warning("moved", secret(func(a *cap.Alert) {
		after(cap.TypeUpdate, 1, here)(a)
		a.Infos[0].Areas[0].Polygons[0] = ring(122.12, 30.12, .02)
	}))))
	f.put("/end", document(t, warning("end", secret(func(a *cap.Alert) { after(cap.TypeCancel, 1, there)(a); a.Infos = nil }))))
	f.put("/early", document(t, warning("early", secret(func(a *cap.Alert) { after(cap.TypeCancel, 1, warning("late", nil))(a); a.Infos = nil }))))
	f.put("/late", document(t, warning("late", secret(nil)))) // comes after its end
	f.put("/broken", "<alert")
	f.put("/open-too", document(t, warning("open-too", nil)))
	f.put("/feed", f.atom("/open", "/here", "/there", "/nowhere", "/broken", "/moved", "/end", "/early", "/late", "/open-too"))
	poll(t, s, add(t, s, f.registration()))
	g := newFeed(t)
	g.put("/city", document(t, warning("city", secret(func(a *cap.Alert) { a.Infos[0].Areas[0].Polygons = nil }))))
	g.put("/feed", g.atom("/city"))
	whole := g.registration()
	whole.Covers = "city"
	poll(t, s, add(t, s, whole))
	policy, err := access.NewPolicy(wards{})
	if err != nil {
		t.Fatal(err)
	}
	s.Access = policy
	for _, c := range []struct {
		organisation int64
		want         []string
	}{
		{11, []string{"city", "early", "here", "late", "moved", "open", "open-too"}},
		{12, []string{"city", "end", "moved", "open", "open-too", "there"}},
		{99, []string{"open", "open-too"}},
		{0, []string{"", "city", "early", "end", "here", "late", "moved", "nowhere", "open", "open-too", "there"}},
	} {
		ctx := access.With(t.Context(), access.Actor{Kind: access.KindAccount, ID: 1, Organisation: c.organisation, Roles: []string{access.DutyOfficer}})
		var got []string
		for after := int64(0); ; {
			page, err := s.Received(ctx, "all", 0, after, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range page {
				got, after = append(got, m.Identifier), m.ID
			}
			if len(page) < 2 {
				break
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("organisation %d reads %q, want %q", c.organisation, got, c.want)
		}
		for _, m := range received(t, s, "all") {
			_, _, err := s.ReceivedOne(ctx, m.ID)
			if listed := slices.Contains(c.want, m.Identifier); listed != (err == nil) {
				t.Errorf("organisation %d, %q: %v", c.organisation, m.Identifier, err)
			}
		}
	}
}

// TestWhoReadTheBeginningReadsTheEnd: a chain of messages concerns in the end whom each of it concerned, in whatever order they come,
// also where two of them end the same one; what another sender says of it does not.
func TestWhoReadTheBeginningReadsTheEnd(t *testing.T) {
	at := func(lon float64) func(a *cap.Alert) {
		return func(a *cap.Alert) {
			a.Scope, a.Restriction = cap.Restricted, "offices"
			a.Infos[0].Areas[0].Polygons[0] = ring(lon, lon-92, .02) // 122.02 lies in 11, 122.12 in 12
		}
	}
	first := warning("first", at(122.02))
	second := warning("second", func(a *cap.Alert) { at(122.12)(a); after(cap.TypeUpdate, 1, first)(a) })
	cancel := func(id, sender string) *cap.Alert {
		return warning(id, func(a *cap.Alert) {
			at(122.12)(a)
			after(cap.TypeCancel, 2, second)(a)
			a.Infos, a.Sender = nil, sender
		})
	}
	all := []*cap.Alert{first, second, cancel("third", first.Sender), cancel("again", first.Sender), cancel("foreign", "somebody@else.example")}
	want := map[string]string{"first": "[11]", "second": "[11 12]", "third": "[11 12]", "again": "[11 12]", "foreign": "[]"}
	rapid.Check(t, func(rt *rapid.T) {
		s, _ := newService(t, dbtest.SQLite(t, allMigrations...))
		f := newFeed(t)
		f.put("/feed", f.atom())
		p := add(t, s, f.registration())
		var pages []string
		for _, a := range rapid.Permutation(all).Draw(rt, "order") {
			pages = append(pages, "/"+a.Identifier)
			f.put(pages[len(pages)-1], document(t, a))
			f.put("/feed", f.atom(pages...))
			poll(t, s, p)
		}
		for _, m := range received(t, s, "all") {
			slices.Sort(m.concerns)
			if got := fmt.Sprint(m.concerns); got != want[m.Identifier] {
				rt.Errorf("%s concerns %s, want %s", m.Identifier, got, want[m.Identifier])
			}
		}
	})
}

func TestNobodyElseEndsAWarning(t *testing.T) {
	s, _ := newService(t, dbtest.SQLite(t, allMigrations...))
	f, g := newFeed(t), newFeed(t)
	rain := warning("rain", nil)
	f.put("/rain", document(t, rain))
	f.put("/foreign", document(t, warning("c1", func(a *cap.Alert) { after(cap.TypeCancel, 1, rain)(a); a.Sender = "mallory@elsewhere.example" })))
	f.put("/exercise", document(t, warning("c2", func(a *cap.Alert) { after(cap.TypeCancel, 1, rain)(a); a.Status = cap.Exercise })))
	f.put("/ack", document(t, warning("c3", after(cap.TypeAck, 1, rain))))
	f.put("/self", document(t, warning("rain-self", func(a *cap.Alert) { after(cap.TypeUpdate, 1)(a); a.References = cap.References{a.Reference()} })))
	f.put("/feed", f.atom("/foreign", "/exercise", "/ack", "/rain", "/self"))
	g.put("/cancel", document(t, warning("c4", after(cap.TypeCancel, 1, rain))))
	g.put("/feed", g.atom("/cancel"))
	other := g.registration()
	other.URL = g.URL + "/feed"
	poll(t, s, add(t, s, other))
	poll(t, s, add(t, s, f.registration()))
	if got := inForce(t, s); len(got) != 2 {
		t.Errorf("in force %v, want the warning and the one that names itself", got)
	}
}

func received(t testing.TB, s *Service, state string) []*Message {
	t.Helper()
	ms, err := s.Received(admin, state, 0, 0, 200)
	if err != nil {
		t.Fatal(err)
	}
	return ms
}

func TestARestartDoublesNothing(t *testing.T) {
	dbtest.Each(t, allMigrations, func(t *testing.T, d *db.DB) {
		s, c := newService(t, d)
		f := newFeed(t)
		var pages []string
		for i := range 6 {
			path := fmt.Sprintf("/w%d", i)
			f.put(path, document(t, warning(path, nil)))
			pages = append(pages, path)
		}
		f.put("/feed", f.atom(pages...))
		// The partner falls silent in the middle: three links in a row fail, and the poll gives up.
		for _, path := range pages[2:5] {
			f.serve(path, nil)
		}
		p := poll(t, s, add(t, s, f.registration()))
		if got := len(inForce(t, s)); got != 2 || p.ETag != "" || p.LastError == "" {
			t.Fatalf("%d in force, ETag %q, %q", got, p.ETag, p.LastError)
		}
		for _, path := range pages[2:5] {
			f.put(path, document(t, warning(path, nil)))
		}
		c.Advance(time.Minute)
		s, c2 := newService(t, d) // a new process on the same store
		c2.Set(c.Now())
		p = poll(t, s, p)
		if got := len(inForce(t, s)); got != 6 || p.ETag == "" || p.LastError != "" {
			t.Errorf("%d in force after the restart, ETag %q, %q", got, p.ETag, p.LastError)
		}
		if f.count("/w0") != 1 || f.count("/w5") != 1 {
			t.Error("fetched again what was on disk")
		}
		if got := told(t, d); len(got) != 6 {
			t.Errorf("told %d times", len(got))
		}
	})
}
