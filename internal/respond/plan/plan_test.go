package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

func both(s string) lifecycle.Text { return lifecycle.Words(s, s) }

// storm is the plan of these tests: three levels, of which II leaves out a task of the levels below.
func storm() *Plan {
	return &Plan{
		ID: "storm", Pack: "flood", Title: lifecycle.Words("Storm", "暴雨应急预案"), About: "rainstorm", Source: "a test", Per: "city",
		Agencies: []Agency{
			{ID: "water", Title: lifecycle.Words("Water bureau", "水务局"), Lead: true, Found: []Way{{Organisation: "WATER"}}},
			{ID: "towns", Title: lifecycle.Words("Towns", "街镇"), Each: true, Found: []Way{{Kind: "town"}}},
			{ID: "police", Title: lifecycle.Words("Traffic police", "公安交警"), Found: []Way{{Duty: "regulator"}, {Kind: "police"}}},
		},
		Resources: []Resource{{ID: "pump-truck", Title: both("pump trucks"), Of: "water", Count: 6, Unit: both("trucks")}},
		Levels: []Level{
			{ID: "IV", Title: lifecycle.Words("Level IV", "四级响应"), DecidedBy: both("office"), ProposedBy: []Trigger{
				{Warning: "rainstorm", From: "blue", AtLeast: 1}, {Alerts: []string{"flood/river-level"}, From: "blue", AtLeast: 1}}},
			{ID: "III", Title: lifecycle.Words("Level III", "三级响应"), DecidedBy: both("command"), ProposedBy: []Trigger{
				{Warning: "rainstorm", From: "yellow", AtLeast: 1}, {Alerts: []string{"flood/road-water"}, From: "orange", AtLeast: 2}}},
			{ID: "II", Title: lifecycle.Words("Level II", "二级响应"), DecidedBy: both("office"), ProposedBy: []Trigger{
				{Alerts: []string{"flood/river-level"}, From: "orange", AtLeast: 1}, {Incident: "larger", AtLeast: 1}}, Without: []string{"patrol"}},
		},
		Tasks: []Task{
			{ID: "patrol", Title: lifecycle.Words("Patrol the banks", "巡查堤防"), Agency: "water", Post: "flood-crew", Due: time.Hour, From: "IV", Done: both("reported")},
			{ID: "drain", Title: lifecycle.Words("Drain the sumps", "预降水位"), Agency: "water", Post: "pump-station", Due: 30 * time.Minute, From: "IV",
				Needs: map[string]float64{"pump-truck": 2}, Asks: &Question{Title: lifecycle.Words("pumps running", "开机台数"), Kind: "number"}, Done: both("level")},
			{ID: "warn", Title: lifecycle.Words("Tell the streets", "告知居民"), Agency: "towns", Post: "town-duty", Due: time.Hour, From: "III", Done: both("reported")},
			{ID: "close", Title: lifecycle.Words("Close the underpasses", "封闭下穿通道"), Agency: "police", Post: "traffic-duty", Due: 20 * time.Minute, From: "III", Done: both("closed")},
			{ID: "post-men", Title: lifecycle.Words("Men at every bank", "堤防全线值守"), Agency: "water", Post: "flood-crew", Due: time.Hour, From: "II", Done: both("there")},
		},
	}
}

func ids(ts []Task) string {
	var out []string
	for _, t := range ts {
		out = append(out, t.ID)
	}
	return strings.Join(out, " ")
}

func TestTasksOfLevels(t *testing.T) {
	p := storm()
	for level, want := range map[string]string{
		"": "", "I": "", "IV": "patrol drain", "III": "patrol drain warn close", "II": "drain warn close post-men",
	} {
		if got := ids(p.At(level)); got != want {
			t.Errorf("%s has %q, want %q", level, got, want)
		}
	}
	for _, x := range []struct{ from, to, give, withdraw string }{
		{"", "IV", "patrol drain", ""},
		{"IV", "III", "warn close", ""},
		{"III", "II", "post-men", "patrol"},
		{"II", "III", "patrol", "post-men"}, // what the higher level left out comes back
		{"II", "IV", "patrol", "warn close post-men"},
		{"III", "III", "", ""},
	} {
		give, withdraw := p.Step(x.from, x.to)
		if ids(give) != x.give || strings.Join(withdraw, " ") != x.withdraw {
			t.Errorf("%s to %s gives %q and withdraws %q, want %q and %q", x.from, x.to, ids(give), withdraw, x.give, x.withdraw)
		}
	}
}

// Whatever way leads to a level, what is out is what that level has.
func TestStepsAddUp(t *testing.T) {
	p := storm()
	rapid.Check(t, func(t *rapid.T) {
		out, at := map[string]bool{}, ""
		for range rapid.IntRange(1, 8).Draw(t, "changes") {
			to := rapid.SampledFrom([]string{"IV", "III", "II"}).Draw(t, "to")
			give, withdraw := p.Step(at, to)
			for _, x := range give {
				if out[x.ID] {
					t.Fatalf("%s is given twice on the way from %q to %s", x.ID, at, to)
				}
				out[x.ID] = true
			}
			for _, id := range withdraw {
				if !out[id] {
					t.Fatalf("%s is withdrawn and was not out", id)
				}
				delete(out, id)
			}
			at = to
			for _, x := range p.At(at) {
				if !out[x.ID] {
					t.Fatalf("at %s %s is not out", at, x.ID)
				}
			}
			if len(out) != len(p.At(at)) {
				t.Fatalf("at %s there are %d tasks out, %d belong to it", at, len(out), len(p.At(at)))
			}
		}
	})
}

func TestJustified(t *testing.T) {
	p := storm()
	alert := func(ref int64, name, level string) Reason {
		return Reason{Kind: "alert", Ref: ref, Name: "flood/" + name, Level: level}
	}
	warning := func(level string) Reason { return Reason{Kind: "warning", Ref: 1, Name: "rainstorm", Level: level} }
	for _, x := range []struct {
		what     string
		standing []Reason
		level    string
		why      string
	}{
		{"nothing", nil, "", "[]"},
		{"a warning in the lowest colour", []Reason{warning("blue")}, "IV", "[warning 1]"},
		{"another hazard", []Reason{{Kind: "warning", Ref: 1, Name: "haze", Level: "red"}}, "", "[]"},
		{"a red warning reaches no further than it is told to", []Reason{warning("red")}, "III", "[warning 1]"},
		{"one road is too few", []Reason{alert(2, "road-water", "red")}, "", "[]"},
		{"two roads are enough", []Reason{alert(2, "road-water", "red"), alert(3, "road-water", "orange")}, "III", "[alert 2 alert 3]"},
		{"two, one of them not grave enough", []Reason{alert(2, "road-water", "red"), alert(3, "road-water", "yellow")}, "", "[]"},
		{"the highest counts, with its own reasons", []Reason{warning("yellow"), alert(4, "river-level", "orange")}, "II", "[alert 4]"},
		{"all reasons of a level", []Reason{warning("yellow"), alert(2, "road-water", "red"), alert(3, "road-water", "red"), alert(4, "river-level", "blue")}, "III", "[warning 1 alert 2 alert 3]"},
		{"an incident by its grade", []Reason{{Kind: "incident", Ref: 9, Level: "major"}}, "II", "[incident 9]"},
		{"one that is not graded so high", []Reason{{Kind: "incident", Ref: 9, Level: "general"}}, "", "[]"},
		{"a level nobody knows", []Reason{warning("purple")}, "", "[]"},
	} {
		level, why := p.Justified(x.standing)
		refs := []string{}
		for _, r := range why {
			refs = append(refs, fmt.Sprintf("%s %d", r.Kind, r.Ref))
		}
		if level != x.level || fmt.Sprint(refs) != x.why {
			t.Errorf("%s: %q by %v, want %q by %s", x.what, level, refs, x.level, x.why)
		}
	}
}

// What is justified never falls when a reason is added or grows.
func TestJustifiedIsMonotone(t *testing.T) {
	p := storm()
	rapid.Check(t, func(t *rapid.T) {
		var rs []Reason
		for i := range rapid.IntRange(0, 6).Draw(t, "reasons") {
			rs = append(rs, Reason{
				Kind: rapid.SampledFrom([]string{"alert", "warning", "incident"}).Draw(t, "kind"), Ref: int64(i),
				Name:  rapid.SampledFrom([]string{"flood/river-level", "flood/road-water", "rainstorm"}).Draw(t, "name"),
				Level: rapid.SampledFrom([]string{"blue", "yellow", "orange", "red", "general", "larger"}).Draw(t, "level"),
			})
		}
		before, why := p.Justified(rs)
		for _, r := range why {
			if !slices.ContainsFunc(rs, func(x Reason) bool { return x.Ref == r.Ref }) {
				t.Fatalf("%v speaks for %s and does not stand", r, before)
			}
		}
		if len(rs) == 0 {
			return
		}
		i := rapid.IntRange(0, len(rs)-1).Draw(t, "which")
		more := slices.Clone(rs)
		for _, scale := range [][]string{colours[:], grades[:]} {
			if at := slices.Index(scale, more[i].Level); at >= 0 && at < len(scale)-1 {
				more[i].Level = scale[at+1]
			}
		}
		if after, _ := p.Justified(more); rank(after) < rank(before) {
			t.Fatalf("a graver reason %v lowered %s to %s", more[i], before, after)
		}
		if fewer, _ := p.Justified(slices.Delete(slices.Clone(rs), i, i+1)); rank(fewer) > rank(before) {
			t.Fatalf("without %v it is %s instead of %s", rs[i], fewer, before)
		}
	})
}

func TestNext(t *testing.T) {
	for _, x := range []struct {
		inForce, justified string
		stood              bool
		want               string
	}{
		{"", "", false, ""}, {"", "IV", false, "open"}, {"IV", "IV", true, ""}, {"IV", "II", false, "raise"},
		{"II", "III", true, "lower"}, {"II", "", true, "end"},
		{"II", "", false, ""}, {"II", "IV", false, ""}, // opened by hand, and no reason of the program's own has stood
	} {
		if got := next(x.inForce, x.justified, x.stood); got != x.want {
			t.Errorf("in force %q, justified %q: %q, want %q", x.inForce, x.justified, got, x.want)
		}
	}
}

func TestHash(t *testing.T) {
	a, body, err := storm().Hash()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(body)
	if err != nil {
		t.Fatal(err)
	}
	if b, _, _ := back.Hash(); a != b {
		t.Errorf("read back it is another: %s, %s", a, b)
	}
	changed := storm()
	changed.Tasks[0].Due++
	if b, _, _ := changed.Hash(); a == b {
		t.Error("another due has the same hash")
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		30 * time.Minute: "30 min 30分钟", 90 * time.Minute: "1 h 30 min 1小时30分钟", 36 * time.Hour: "1 d 12 h 1天12小时", 45 * time.Second: "45 s 45秒",
	} {
		if s := span(d); s.En+" "+s.Zh != want {
			t.Errorf("%v is %q", d, s)
		}
	}
}
