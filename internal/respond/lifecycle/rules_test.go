package lifecycle

import (
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/pack"
)

var noon = time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)

// kind reads a definition from the packs that ship with Anlan.
func kind(t testing.TB, name, id string) *Kind {
	t.Helper()
	p, err := pack.Load(os.DirFS("../../../packs/"+name), "packs/"+name)
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := Kinds(p)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(kinds, func(k *Kind) bool { return k.ID == id })
	if i < 0 {
		t.Fatalf("pack %s has no kind %s", name, id)
	}
	return kinds[i]
}

func officer(id int64, roles ...string) access.Actor {
	if len(roles) == 0 {
		roles = []string{"duty-officer", "inspector"}
	}
	return access.Actor{Kind: access.KindAccount, ID: id, Name: "officer", Roles: roles}
}

// methane is a reading of the alarm (asset 7, datastream 70) that the gas cases of these tests are about.
func methane(value float64, at time.Time) Reading {
	return Reading{Datastream: 70, Asset: 7, Property: "gas/methane", Unit: "%LEL", Value: value, At: at}
}

// madeSafe is a gas leak that officer 1 reported safe at noon, seen ten minutes later with one good reading attached.
func madeSafe() Snapshot {
	good := methane(0.4, noon.Add(5*time.Minute))
	return Snapshot{
		State: "made-safe", Since: noon, OpenedAt: noon.Add(-time.Hour), Asset: 7, Datastreams: []int64{70},
		Past:     []PastMove{{"accept", 1}, {"arrive", 3}, {"report-safe", 1}},
		Evidence: []Evidence{{ID: 1, Kind: "reading", At: noon.Add(6 * time.Minute), Reading: &good}},
		Latest:   map[int64]Reading{70: methane(0.3, noon.Add(9*time.Minute))},
	}
}

func TestVerify(t *testing.T) {
	k := kind(t, "gas", "gas-leak")
	now := noon.Add(10 * time.Minute)
	attach := func(c *Snapshot, r Reading) { c.Evidence[0].Reading = &r }
	for _, tt := range []struct {
		name   string
		who    access.Actor
		change func(c *Snapshot)
		code   string
		says   string
	}{
		{name: "a second officer with a good reading", who: officer(2)},
		{name: "the same officer", who: officer(1), code: CodeSecondPerson, says: "Report made safe"},
		{name: "the same officer under another name, from another session",
			who:  access.Actor{Kind: access.KindAccount, ID: 1, Name: "somebody else", Organisation: 9, Roles: []string{"duty-officer"}},
			code: CodeSecondPerson},
		{name: "who reported it safe the first time, though another did the second", who: officer(1), code: CodeSecondPerson,
			change: func(c *Snapshot) {
				c.Past = append(c.Past, PastMove{"send-back", 2}, PastMove{"report-safe", 3})
			}},
		{name: "a device", who: access.Actor{Kind: access.KindDevice, ID: 2, Roles: []string{"duty-officer"}}, code: CodeNeedsPerson},
		{name: "the program", who: access.System("timer"), code: CodeNeedsPerson},
		{name: "the program with roles", who: access.Actor{Kind: access.KindSystem, ID: 2, Roles: []string{"duty-officer"}}, code: CodeNeedsPerson},
		{name: "the public", who: access.Actor{Roles: []string{"duty-officer"}}, code: CodeNeedsPerson},
		{name: "an account without a number", who: officer(0), code: CodeNeedsPerson},
		{name: "a role that may not", who: officer(2, "operator", "analyst"), code: CodeRole, says: "duty officer, inspector"},

		{name: "no evidence", who: officer(2), change: func(c *Snapshot) { c.Evidence = nil }, code: CodeEvidence},
		{name: "a photo in place of a reading", who: officer(2), code: CodeEvidence,
			change: func(c *Snapshot) { c.Evidence[0] = Evidence{Kind: "photo", At: now} }},
		{name: "a reading above the limit", who: officer(2), code: CodeReading, says: "7.5 %LEL; it must be below 3 %LEL",
			change: func(c *Snapshot) { attach(c, methane(7.5, noon.Add(5*time.Minute))) }},
		{name: "a reading at the limit", who: officer(2), code: CodeReading,
			change: func(c *Snapshot) { attach(c, methane(3, noon.Add(5*time.Minute))) }},
		{name: "a reading that is not a number", who: officer(2), code: CodeReading,
			change: func(c *Snapshot) { attach(c, methane(math.NaN(), noon.Add(5*time.Minute))) }},
		{name: "a reading taken before the place was reported safe, attached after", who: officer(2), code: CodeReading, says: "before",
			change: func(c *Snapshot) { attach(c, methane(0.1, noon.Add(-time.Minute))) }},
		{name: "a reading taken in the very moment of the report", who: officer(2), code: CodeReading,
			change: func(c *Snapshot) { attach(c, methane(0.1, noon)) }},
		{name: "a reading attached before the place was reported safe", who: officer(2), code: CodeEvidence,
			change: func(c *Snapshot) { c.Evidence[0].At = noon.Add(-time.Second) }},
		{name: "a reading from the future", who: officer(2), code: CodeReading, says: "future",
			change: func(c *Snapshot) { attach(c, methane(0.1, now.Add(time.Hour))) }},
		{name: "another sensor of another asset", who: officer(2), code: CodeReading, says: "not from the sensor",
			change: func(c *Snapshot) {
				r := methane(0.1, noon.Add(5*time.Minute))
				r.Asset, r.Datastream = 8, 80
				attach(c, r)
				c.Latest[80] = r
			}},
		{name: "a second sensor of the same asset", who: officer(2), code: CodeReading,
			change: func(c *Snapshot) {
				r := methane(0.1, noon.Add(5*time.Minute))
				r.Datastream = 71
				attach(c, r)
				c.Latest[71] = r
			}},
		{name: "the right sensor number on another asset", who: officer(2), code: CodeReading,
			change: func(c *Snapshot) { c.Asset = 8 }},
		{name: "a case about no asset", who: officer(2), code: CodeReading,
			change: func(c *Snapshot) {
				c.Asset, c.Datastreams = 0, nil
				r := methane(0.1, noon.Add(5*time.Minute))
				r.Asset = 0
				attach(c, r)
			}},
		{name: "a case about a place, by an instrument that opened it", who: officer(2),
			change: func(c *Snapshot) { c.Asset, c.Datastreams = 0, []int64{60, 70} }},
		{name: "a case about a place, by another instrument", who: officer(2), code: CodeReading, says: "not from the sensor",
			change: func(c *Snapshot) { c.Asset, c.Datastreams = 0, []int64{60} }},
		{name: "another property of the same sensor", who: officer(2), code: CodeReading, says: "gas/pressure",
			change: func(c *Snapshot) {
				r := methane(0.1, noon.Add(5*time.Minute))
				r.Property = "gas/pressure"
				attach(c, r)
			}},
		{name: "the same property of another pack", who: officer(2), code: CodeReading,
			change: func(c *Snapshot) {
				r := methane(0.1, noon.Add(5*time.Minute))
				r.Property = "air/methane"
				attach(c, r)
			}},
		{name: "another unit", who: officer(2), code: CodeReading, says: "cannot be compared",
			change: func(c *Snapshot) {
				r := methane(0.1, noon.Add(5*time.Minute))
				r.Unit = "ppm"
				attach(c, r)
			}},
		{name: "a good reading, but the gas came back since", who: officer(2), code: CodeReading, says: "22 %LEL",
			change: func(c *Snapshot) { c.Latest[70] = methane(22, noon.Add(9*time.Minute)) }},
		{name: "a good reading, but the sensor's memory is older than the report", who: officer(2), code: CodeReading,
			change: func(c *Snapshot) { c.Latest[70] = methane(0.3, noon.Add(-time.Minute)) }},
		{name: "a good reading of a sensor that is gone", who: officer(2), code: CodeReading,
			change: func(c *Snapshot) { c.Latest = nil }},
		{name: "a bad reading and a good one", who: officer(2),
			change: func(c *Snapshot) {
				bad := methane(9, noon.Add(2*time.Minute))
				c.Evidence = append([]Evidence{{Kind: "reading", At: noon.Add(3 * time.Minute), Reading: &bad}}, c.Evidence...)
			}},
		{name: "from another state", who: officer(2), code: CodeWrongState, says: "On site",
			change: func(c *Snapshot) { c.State = "on-site" }},
		{name: "when closed", who: officer(2), code: CodeClosed, change: func(c *Snapshot) { c.State = "closed" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := madeSafe()
			if tt.change != nil {
				tt.change(&c)
			}
			step, refusal := k.Decide(c, tt.who, "verify", nil, now)
			checkRefusal(t, refusal, tt.code, tt.says)
			if refusal == nil && (step.To.ID != "closed" || !step.Due.IsZero()) {
				t.Errorf("step to %s due %v, want closed and nothing due", step.To.ID, step.Due)
			}
			// What the console shows beforehand must be what happens.
			checkRefusal(t, k.Preview(c, tt.who, k.Move("verify"), now), tt.code, tt.says)
		})
	}
}

func checkRefusal(t *testing.T, r *Refusal, code, says string) {
	t.Helper()
	if r == nil {
		if code != "" {
			t.Errorf("allowed, want refusal %s", code)
		}
		return
	}
	if r.Code != code {
		t.Errorf("refused with %v, want %q", r, code)
	}
	if !strings.Contains(r.Text.En, says) {
		t.Errorf("the reason %q does not say %q", r.Text.En, says)
	}
	if r.Text.Zh == "" || !strings.ContainsFunc(r.Text.Zh, func(c rune) bool { return c > 0x4e00 }) {
		t.Errorf("the reason has no Chinese text: %q", r.Text.Zh)
	}
	if strings.Contains(r.Text.En+r.Text.Zh, "%!") {
		t.Errorf("the reason is misformatted: %q %q", r.Text.En, r.Text.Zh)
	}
}

func TestForm(t *testing.T) {
	k := kind(t, "hazard", "hazard-rectification")
	good := func() map[string]any {
		return map[string]any{
			"responsible": "Harbour Works, depot 3", "measures": "replace the hose", "funds": "2,000 yuan, own budget",
			"rectify_by": "2026-12-01T18:00:00+08:00", "contingency": "valve closed until then",
		}
	}
	c := Snapshot{State: "graded", OpenedAt: noon.Add(-time.Hour), Since: noon.Add(-time.Hour), Fields: map[string]any{"grade": "major"}}
	for _, tt := range []struct {
		name   string
		change func(a map[string]any)
		code   string
		field  string
	}{
		{name: "all five elements"},
		{name: "responsible missing", change: func(a map[string]any) { delete(a, "responsible") }, code: CodeField, field: "responsible"},
		{name: "measures blank", change: func(a map[string]any) { a["measures"] = " 　\t" }, code: CodeField, field: "measures"},
		{name: "funds missing", change: func(a map[string]any) { a["funds"] = nil }, code: CodeField, field: "funds"},
		{name: "limit missing", change: func(a map[string]any) { delete(a, "rectify_by") }, code: CodeField, field: "rectify_by"},
		{name: "contingency missing", change: func(a map[string]any) { delete(a, "contingency") }, code: CodeField, field: "contingency"},
		{name: "limit without a zone", change: func(a map[string]any) { a["rectify_by"] = "2026-12-01T18:00:00" }, code: CodeField, field: "rectify_by"},
		{name: "limit in the past", change: func(a map[string]any) { a["rectify_by"] = "2026-11-01T18:00:00+08:00" }, code: CodeGuard},
		{name: "text as a number", change: func(a map[string]any) { a["funds"] = 5.0 }, code: CodeField, field: "funds"},
		{name: "text too long", change: func(a map[string]any) { a["funds"] = strings.Repeat("元", maxField+1) }, code: CodeField, field: "funds"},
		{name: "a field nobody asked for", change: func(a map[string]any) { a["phone"] = "x" }, code: CodeUnknownField, field: "phone"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := good()
			if tt.change != nil {
				tt.change(a)
			}
			step, refusal := k.Decide(c, officer(1), "plan", a, noon)
			checkRefusal(t, refusal, tt.code, "")
			if refusal != nil {
				if refusal.Field != tt.field {
					t.Errorf("field %q, want %q", refusal.Field, tt.field)
				}
				return
			}
			if want := time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC); !step.Due.Equal(want) {
				t.Errorf("due %v, want the limit of the form, %v", step.Due, want)
			}
			if step.Fields["grade"] != "major" || step.Fields["funds"] == nil {
				t.Errorf("fields %v: the earlier answers and these belong together", step.Fields)
			}
			if c.Fields["funds"] != nil {
				t.Error("Decide changed the snapshot it was given")
			}
		})
	}
	_, refusal := k.Decide(Snapshot{State: "found"}, officer(1), "grade", map[string]any{"grade": "huge", "grade_basis": "x"}, noon)
	checkRefusal(t, refusal, CodeField, "none of the options")
	_, refusal = k.Decide(Snapshot{State: "found"}, officer(1), "vanish", nil, noon)
	checkRefusal(t, refusal, CodeUnknownMove, "vanish")
}

// A preview cannot know what will be filled in: a limit that has passed since the first round is no reason to refuse the
// move that sets a new one.
func TestPreviewLeavesOpenWhatTheFormWillSay(t *testing.T) {
	k := kind(t, "hazard", "hazard-rectification")
	c := Snapshot{State: "done", Since: noon, Fields: map[string]any{"rectify_by": "2026-11-01T00:00:00Z"}}
	if r := k.Preview(c, officer(2), k.Move("fail"), noon.Add(time.Hour)); r != nil {
		t.Errorf("refused: %v", r)
	}
}

// The photo of a repair that failed does not prove the next one.
func TestEvidenceOfAnEarlierRoundDoesNotCount(t *testing.T) {
	k := kind(t, "hazard", "hazard-rectification")
	c := Snapshot{State: "rectifying", Since: noon, Evidence: []Evidence{{Kind: "photo", At: noon.Add(-time.Hour)}}}
	answers := map[string]any{"done_summary": "mended again"}
	_, refusal := k.Decide(c, officer(1), "report-done", answers, noon.Add(time.Hour))
	checkRefusal(t, refusal, CodeEvidence, "Photo after the work")
	c.Evidence = append(c.Evidence, Evidence{Kind: "photo", At: noon.Add(time.Minute)})
	_, refusal = k.Decide(c, officer(1), "report-done", answers, noon.Add(time.Hour))
	checkRefusal(t, refusal, "", "")
}

func TestGuardThatCannotBeDecidedDoesNotHold(t *testing.T) {
	k := &Kind{States: []State{{ID: "a"}, {ID: "b", End: "proven"}}, Moves: []Move{{
		ID: "go", From: []string{"a"}, To: "b", Who: []string{"inspector"},
		Guard: &Guard{When: `fields.grade == "major"`, Because: Text{"only major", "仅限重大隐患"}},
	}}}
	_, refusal := k.Decide(Snapshot{State: "a"}, officer(1), "go", nil, noon)
	checkRefusal(t, refusal, CodeGuard, "only major")
	_, refusal = k.Decide(Snapshot{State: "a", Fields: map[string]any{"grade": "major"}}, officer(1), "go", nil, noon)
	checkRefusal(t, refusal, "", "")
}
