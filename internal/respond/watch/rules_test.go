package watch

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/anlan-city/anlan/internal/pack"
)

var start = time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)

// shipped are the rules of the pack that comes with Anlan.
func shipped(t testing.TB) *Rules {
	t.Helper()
	p, err := pack.Load(os.DirFS("../../../packs/watch"), "packs/watch")
	if err != nil {
		t.Fatal(err)
	}
	all, err := Upward(p)
	if err != nil || len(all) != 1 {
		t.Fatal(len(all), err)
	}
	return all[0]
}

func due(ws []Want) string {
	var out []string
	for _, w := range ws {
		out = append(out, w.ID+" +"+w.Due.Sub(start).String())
	}
	return strings.Join(out, ", ")
}

func TestWhatIsToBeTold(t *testing.T) {
	r := shipped(t)
	const city, gov = "City Party Committee and government duty office", "City government duty office"
	at := func(m int) time.Time { return start.Add(time.Duration(m) * time.Minute) }
	for name, c := range map[string]struct {
		i    Incident
		told []Told
		want string
	}{
		"ungraded counts as larger": {Incident{}, nil, "first-by-phone +1h0m0s, first-in-writing +2h0m0s"},
		"a major one":               {Incident{Grade: "major"}, nil, "first-by-phone +30m0s, first-in-writing +1h0m0s, first-to-centre +4h0m0s"},
		"a grade nobody knows":      {Incident{Grade: "huge"}, nil, "first-by-phone +1h0m0s, first-in-writing +2h0m0s"},
		"told by phone": {Incident{Grade: "larger"}, []Told{{First, ByPhone, city, at(20)}},
			"first-in-writing +2h0m0s, follow-up +24h20m0s"},
		"told to somebody else": {Incident{Grade: "larger"}, []Told{{First, ByPhone, "the district", at(20)}},
			"first-by-phone +1h0m0s, first-in-writing +2h0m0s, follow-up +24h20m0s"},
		"a follow-up begins the next": {Incident{Grade: "general"}, []Told{{First, InWriting, "City government duty office", at(60)}, {FollowUp, InWriting, "City government duty office", at(600)}},
			"follow-up +34h0m0s"},
		"raised to major after the larger one's reports": {Incident{Grade: "major", Since: at(90)}, []Told{{First, ByPhone, city, at(20)}, {First, InWriting, city, at(60)}},
			"first-to-centre +5h30m0s, follow-up +13h0m0s"},
		"over": {Incident{Grade: "general", Ended: at(120)}, []Told{{First, InWriting, "City government duty office", at(60)}}, "final +170h0m0s"},
		"over, and nobody has heard of it yet": {Incident{Grade: "general", Ended: at(10), Outcome: "proven"}, nil,
			"first-in-writing +2h0m0s, final +168h10m0s"},
		"over, and told": {Incident{Grade: "general", Ended: at(120), Outcome: "proven"},
			[]Told{{First, InWriting, "City government duty office", at(60)}, {Final, InWriting, "City government duty office", at(130)}}, ""},
		"it was nothing, and nobody was told": {Incident{Grade: "major", Ended: at(10), Outcome: "unfounded"}, nil, ""},
		"it was nothing, and some were told": {Incident{Grade: "larger", Ended: at(30), Outcome: "unfounded"}, []Told{{First, ByPhone, city, at(20)}},
			"final +360h30m0s"},
		"merged": {Incident{Grade: "major", Ended: at(30), Outcome: "merged"}, []Told{{First, ByPhone, city, at(20)}}, ""},
		"ended, told, and going on again": {Incident{Grade: "general"}, []Told{{First, InWriting, "City government duty office", at(60)}, {Final, InWriting, "City government duty office", at(130)}},
			"follow-up +26h10m0s"},
		"what was told elsewhere, or otherwise, puts no follow-up off": {Incident{Grade: "larger"},
			[]Told{{First, ByPhone, city, at(20)}, {First, InWriting, city, at(60)}, {FollowUp, ByPhone, city, at(600)}, {FollowUp, InWriting, "the district", at(700)}, {First, InWriting, gov, at(800)}},
			"follow-up +25h0m0s"},
		"nor does it before the office has heard in the way asked for": {Incident{Grade: "larger"},
			[]Told{{First, ByPhone, "the district", at(20)}, {FollowUp, InWriting, "the district", at(700)}}, "first-by-phone +1h0m0s, first-in-writing +2h0m0s, follow-up +24h20m0s"},
		"the joint office has told the government's": {Incident{Grade: "general"}, []Told{{First, InWriting, city, at(60)}}, "follow-up +25h0m0s"},
		"in whichever language":                      {Incident{Grade: "general"}, []Told{{First, InWriting, "市委、市政府总值班室", at(60)}}, "follow-up +25h0m0s"},
		"and not the other way round": {Incident{Grade: "larger", Since: at(90), Renewed: at(90)}, []Told{{First, InWriting, gov, at(60)}},
			"first-by-phone +2h30m0s, first-in-writing +3h30m0s, follow-up +25h0m0s"},
		"graver: who has heard hears of it at once": {Incident{Grade: "major", Since: at(90), Renewed: at(90)}, []Told{{First, ByPhone, city, at(20)}, {First, InWriting, city, at(60)}},
			"first-to-centre +5h30m0s, follow-up +2h30m0s"},
		"graver, and told of it": {Incident{Grade: "major", Since: at(90), Renewed: at(90)},
			[]Told{{First, ByPhone, city, at(20)}, {First, InWriting, city, at(60)}, {FollowUp, InWriting, city, at(100)}}, "first-to-centre +5h30m0s, follow-up +13h40m0s"},
		"graver shortly before the next is due anyway": {Incident{Grade: "major", Since: at(770), Renewed: at(770)}, []Told{{First, ByPhone, city, at(20)}, {First, InWriting, city, at(60)}},
			"first-to-centre +16h50m0s, follow-up +13h0m0s"},
		"going on again": {Incident{Grade: "general", Renewed: at(300)}, []Told{{First, InWriting, gov, at(60)}, {Final, InWriting, gov, at(130)}}, "follow-up +7h0m0s"},
	} {
		i := c.i
		i.Known = start
		if i.Since.IsZero() {
			i.Since = start
		}
		if got := due(r.wants(i, c.told)); got != c.want {
			t.Errorf("%s: %s\nwant %s", name, got, c.want)
		}
	}
}

func TestGradingMovesTheClocks(t *testing.T) {
	r := shipped(t)
	at := func(m int) time.Time { return start.Add(time.Duration(m) * time.Minute) }
	i := Incident{Known: start, Since: start}
	for _, c := range []struct {
		grade          string
		at             int
		since, renewed int // -1: never
	}{
		{"larger", 10, 10, -1}, // as which it counted before
		{"extraordinary", 60, 60, 60},
		{"extraordinary", 120, 60, 60}, // the same grade again changes nothing
		{"general", 180, 180, 60},
		{"major", 240, 240, 240},
	} {
		i.regrade(r, c.grade, at(c.at))
		renewed := time.Time{}
		if c.renewed >= 0 {
			renewed = at(c.renewed)
		}
		if !i.Since.Equal(at(c.since)) || !i.Renewed.Equal(renewed) {
			t.Errorf("%s at %d: since %s, renewed %s", c.grade, c.at, i.Since.Sub(start), i.Renewed.Sub(start))
		}
	}
	i.end(at(300), "proven", at(300))
	if !i.Renewed.Equal(at(240)) {
		t.Error("an end renews nothing")
	}
	i.end(time.Time{}, "", at(400))
	if !i.Renewed.Equal(at(400)) || !i.Ended.IsZero() {
		t.Error("one that goes on after its end is news")
	}
}

// What was asked for already under the grade before goes on; nobody gains time by grading.
func TestAClockGoesOnUnderAnotherGrade(t *testing.T) {
	r := shipped(t)
	at := func(m int) time.Time { return start.Add(time.Duration(m) * time.Minute) }
	step := func(grade, id string) Step {
		for _, s := range r.grade(grade).Steps {
			if s.ID == id {
				return s
			}
		}
		t.Fatalf("%s has no %s", grade, id)
		return Step{}
	}
	clock := func(grade, as, id string, due int) *Clock {
		return &Clock{Want: Want{step(as, id), start, at(due)}, Grade: grade}
	}
	for name, c := range map[string]struct {
		before *Clock
		grade  string
		id     string
		graded int
		want   int
	}{
		"first grading, graver":                     {clock("", "larger", "first-in-writing", 120), "major", "first-in-writing", 10, 60},
		"first grading, another office":             {clock("", "larger", "first-in-writing", 120), "general", "first-in-writing", 90, 120},
		"graver: its own time from now":             {clock("larger", "larger", "first-by-phone", 60), "major", "first-by-phone", 25, 55},
		"graver: not more than was left":            {clock("larger", "larger", "first-by-phone", 60), "major", "first-by-phone", 50, 60},
		"lighter: its own time, from the beginning": {clock("major", "major", "first-in-writing", 60), "larger", "first-in-writing", 50, 120},
		"nothing has changed":                       {clock("major", "major", "first-in-writing", 60), "major", "first-in-writing", 0, 60},
		"newly asked for":                           {clock("", "larger", "first-in-writing", 120), "major", "first-to-centre", 10, 250},
		"another office that is not told":           {clock("general", "general", "first-in-writing", 120), "larger", "first-in-writing", 30, 150},
	} {
		i := Incident{Known: start, Since: at(c.graded), Grade: c.grade}
		s := step(c.grade, c.id)
		w := Want{s, i.Since, i.Since.Add(s.Within)}
		if before := r.before(w, []*Clock{c.before}); before != nil {
			w = w.goesOn(before, i)
		}
		if !w.Due.Equal(at(c.want)) {
			t.Errorf("%s: due after %s, want %d min", name, w.Due.Sub(start), c.want)
		}
	}
}

func TestFileSaysWhatIsWrong(t *testing.T) {
	const good = `
- case: incident
  grade_field: grade
  until_graded: general
  offices:
    - {office: duty, title: {en: Duty office, zh-CN: 值班室}, covers: second}
    - {office: second, title: {en: Second office, zh-CN: 总值班室}}
  grades:
    - grade: general
      title: {en: General, zh-CN: 一般}
      reports:
        - {id: first, report: first, how: phone, within: 1h, to: duty, source: s, basis: rule}
        - {id: next, report: follow-up, how: writing, every: 2h, to: duty, source: s, basis: working}
`
	read := func(text string) error {
		p, err := pack.Load(fstest.MapFS{
			"pack.yaml":  {Data: []byte("pack: x\ntitle: {en: X, zh-CN: 某}\n")},
			"watch.yaml": {Data: []byte(text)},
		}, "packs/x")
		if err != nil {
			t.Fatal(err)
		}
		_, err = Upward(p)
		return err
	}
	if err := read(good); err != nil {
		t.Fatal(err)
	}
	for old, c := range map[string][2]string{
		"until_graded: general":            {"until_graded: genral", `watch.yaml:4:17: there is no grade "genral", did you mean "general"?`},
		"every: 2h":                        {"within: 2h", "watch.yaml:13:63: a follow-up comes again and again: write every, not within"},
		"how: phone, within: 1h":           {"how: phone, every: 1h", "a first report comes once"},
		"id: next":                         {"id: first", `watch.yaml:13:16: report "first" stands here a second time`},
		"report: first":                    {"report: final", "watch.yaml:9:7: grade general has no first report"},
		"how: phone":                       {"how: pigeon", `how is "pigeon"`},
		", within: 1h":                     {"", "within"},
		"zh-CN: 值班室}":                      {"zh-CN: 手机号}", "an identifier of a person"},
		"to: duty, source: s, basis: rule": {"to: dutty, source: s, basis: rule", `there is no office "dutty", did you mean "duty"?`},
		"covers: second":                   {"covers: third", `there is no office "third"`},
		"office: second":                   {"office: duty", `office "duty" stands here a second time`},
	} {
		err := read(strings.Replace(good, old, c[0], 1))
		if err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s -> %s: %v\nwant %s", old, c[0], err, c[1])
		}
	}
}
