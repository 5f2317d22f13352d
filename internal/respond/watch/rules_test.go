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
	const city = "City Party Committee and government duty office"
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
	i := Incident{Known: start, Since: start}
	i.regrade("major", start.Add(10*time.Minute))
	if !i.Since.Equal(start) {
		t.Error("the first grading runs from when the watch knew")
	}
	i.regrade("extraordinary", start.Add(time.Hour))
	if !i.Since.Equal(start.Add(time.Hour)) {
		t.Error("a grade that changes begins clocks of its own")
	}
	i.regrade("extraordinary", start.Add(2*time.Hour))
	if !i.Since.Equal(start.Add(time.Hour)) {
		t.Error("the same grade again changes nothing")
	}
}

func TestFileSaysWhatIsWrong(t *testing.T) {
	const good = `
- case: incident
  grade_field: grade
  until_graded: general
  grades:
    - grade: general
      title: {en: General, zh-CN: 一般}
      reports:
        - {id: first, report: first, how: phone, within: 1h, to: {en: Duty office, zh-CN: 值班室}, source: s, basis: rule}
        - {id: next, report: follow-up, how: writing, every: 2h, to: {en: Duty office, zh-CN: 值班室}, source: s, basis: working}
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
		"until_graded: general":  {"until_graded: genral", `watch.yaml:4:17: there is no grade "genral", did you mean "general"?`},
		"every: 2h":              {"within: 2h", "watch.yaml:10:63: a follow-up comes again and again: write every, not within"},
		"how: phone, within: 1h": {"how: phone, every: 1h", "a first report comes once"},
		"id: next":               {"id: first", `watch.yaml:10:16: report "first" stands here a second time`},
		"report: first":          {"report: final", "watch.yaml:6:7: grade general has no first report"},
		"how: phone":             {"how: pigeon", `how is "pigeon"`},
		", within: 1h":           {"", "within"},
		"zh-CN: 值班室}, source: s, basis: rule": {"zh-CN: 手机号}, source: s, basis: rule", "an identifier of a person"},
	} {
		err := read(strings.Replace(good, old, c[0], 1))
		if err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s -> %s: %v\nwant %s", old, c[0], err, c[1])
		}
	}
}
