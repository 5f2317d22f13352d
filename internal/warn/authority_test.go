package warn

import (
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/warn/warntest"
)

// ruled is a room with the rules of a city's own pack; organisation 7 is org-port.
func ruled(t *testing.T, text string) *desk {
	t.Helper()
	s, _ := newService(t, dbtest.SQLite(t, allMigrations...))
	s.hazards = warntest.City(t, text)
	s.organisation = func(id int64) string { return map[int64]string{7: "org-port"}[id] }
	return s
}

func officerOf(id, organisation int64, roles ...string) access.Actor {
	if len(roles) == 0 {
		roles = []string{"duty-officer"}
	}
	return access.Actor{Kind: access.KindAccount, ID: id, Name: "Officer", Organisation: organisation, Roles: roles}
}

func TestWhoMayPublishIsData(t *testing.T) {
	const rules = `
authority:
  - {hazards: [gas-leak, fire], levels: [red, orange], roles: duty-officer, organisations: city, proposals_from: [org-port]}
  - {hazards: fire, levels: yellow, roles: duty-officer, areas: ["310100"], organisations: [org-port]}
  - {hazards: fire, levels: [yellow], roles: inspector}
  - {hazards: dam, levels: [blue], roles: [analyst]}
`
	city, city2, port, port2, other := officerOf(1, 0), officerOf(2, 0), officerOf(3, 7), officerOf(4, 7), officerOf(5, 8)
	for name, x := range map[string]struct {
		hazard            string
		level             Level
		areas             []int64
		proposer, approve access.Actor
		propose, publish  string // error codes
		who               string // in the error
	}{
		"the city publishes":                       {"gas-leak", Red, []int64{10}, city, city2, "", "", ""},
		"an organisation may only propose":         {"gas-leak", Red, []int64{10}, port, port2, "", "warning.not_authorised", "role duty-officer of city may"},
		"and the city publishes it":                {"gas-leak", Orange, []int64{10}, port, city, "", "", ""},
		"another may not even propose":             {"gas-leak", Orange, []int64{10}, other, city, "warning.not_authorised", "", "role duty-officer of city may"},
		"an organisation for its district":         {"fire", Yellow, []int64{10}, port, port2, "", "", ""},
		"and for what lies in it":                  {"fire", Yellow, []int64{11, 12}, port, port2, "", "", ""},
		"there the next rule is not asked":         {"fire", Yellow, []int64{11}, officerOf(6, 0, "inspector"), port, "warning.not_authorised", "", "of org-port may"},
		"a level that only the shipped rule knows": {"gas-leak", Blue, []int64{10}, other, city, "", "", ""},
		"a role that nobody here has":              {"dam", Blue, []int64{10}, city, city2, "warning.not_authorised", "", "role analyst may"},
	} {
		s := ruled(t, rules)
		p := gasLeak()
		p.Hazard, p.Level, p.Areas = x.hazard, x.level, x.areas
		w, err := s.Propose(as(x.proposer), p)
		if code(err) != x.propose || err != nil && !strings.Contains(err.Error(), x.who) {
			t.Errorf("%s: proposed with %v, want %q", name, err, x.propose)
		}
		if err != nil {
			continue
		}
		seen, err := s.Get(as(x.approve), w.ID)
		if err != nil || seen.MayApprove != (x.publish == "") {
			t.Errorf("%s: may_approve %v %v", name, seen.MayApprove, err)
		}
		_, err = s.Approve(as(x.approve), w.ID, 0)
		if code(err) != x.publish || err != nil && !strings.Contains(err.Error(), x.who) {
			t.Errorf("%s: approved with %v, want %q", name, err, x.publish)
		}
	}
}

func TestWithoutARuleNobodyMay(t *testing.T) {
	s := ruled(t, "")
	// The shipped rule is the only one that lets anybody; without it nothing is allowed.
	s.hazards = warntest.Book(t, `
hazards:
  - id: gas-leak
    title: {en: Gas leak, zh-CN: 燃气泄漏}
    category: Infra
    response: Avoid
    instruction: {en: Keep away., zh-CN: 请勿靠近。}
    texts: [{id: a, title: {en: A, zh-CN: 甲}, lasts: 1h, headline: {en: Gas, zh-CN: 燃气}, description: {en: Gas leaks., zh-CN: 燃气泄漏。}}]
`)
	if _, err := s.Propose(as(first), gasLeak()); code(err) != "warning.no_authority" {
		t.Errorf("proposed: %v", err)
	}
}

func TestSecondPersonFromALevel(t *testing.T) {
	s := ruled(t, "second_person: [{from: orange, hazards: [gas-leak]}, {from: yellow, hazards: fire}]")
	for _, x := range []struct {
		hazard string
		level  Level
		two    bool
	}{
		{"gas-leak", Red, true}, {"gas-leak", Orange, true}, {"gas-leak", Yellow, false}, {"gas-leak", Blue, false},
		{"fire", Yellow, true}, {"fire", Blue, false},
		{"dam", Blue, true}, // the shipped rule: always two
	} {
		p := gasLeak()
		p.Hazard, p.Level = x.hazard, x.level
		w, err := s.Propose(as(first), p)
		if err != nil {
			t.Fatal(err)
		}
		if w.SecondPerson != x.two || w.MayApprove == x.two {
			t.Errorf("%v: second_person %v, may_approve %v", x, w.SecondPerson, w.MayApprove)
		}
		want := ""
		if x.two {
			want = "warning.second_officer"
		}
		if w, err = s.Approve(as(first), w.ID, 0); code(err) != want {
			t.Errorf("%v: approved by its proposer: %v", x, err)
		} else if err == nil && (w.State != Issued || w.ApprovedBy != w.ProposedBy) {
			t.Errorf("%+v", w)
		}
	}
	// What lowers a warning that two had to agree to needs two as well.
	p := gasLeak()
	p.Level = Red
	w := issue(t, s, p)
	p.Level = Blue
	if _, err := s.ProposeUpdate(as(first), w.ID, p); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Approve(as(first), w.ID, 0); code(err) != "warning.second_officer" {
		t.Errorf("one officer lowered a red warning: %v", err)
	}
	if w, err := s.Approve(as(second), w.ID, 0); err != nil || w.Level != Blue {
		t.Errorf("%v", err)
	}
	// And what raises one that needed only one.
	p.Level = Yellow
	if w, _ = s.Propose(as(first), p); w.SecondPerson {
		t.Fatal("yellow needs two")
	}
	if _, err := s.Approve(as(first), w.ID, 0); err != nil {
		t.Fatal(err)
	}
	p.Level = Red
	if w, err := s.ProposeUpdate(as(first), w.ID, p); err != nil || !w.SecondPerson || w.MayApprove {
		t.Errorf("raised: %+v %v", w, err)
	}
	if _, err := s.Approve(as(first), w.ID, 0); code(err) != "warning.second_officer" {
		t.Errorf("one officer raised to red: %v", err)
	}
}

func TestABlankThatIsLeftIsRefused(t *testing.T) {
	s, _ := newService(t, dbtest.SQLite(t, allMigrations...))
	for field, change := range map[string]func(*Proposal){
		"headline.en":       func(p *Proposal) { p.Headline.English = "Gas at {{place}}" },
		"description.zh-CN": func(p *Proposal) { p.Description.Chinese = "{{because}}。" },
		"instruction.en":    func(p *Proposal) { p.Instruction.English, p.Instruction.Chinese = "Go to {{ area", "请前往" },
	} {
		p := gasLeak()
		p.Expires = start.Add(time.Hour)
		change(&p)
		if _, err := s.Propose(as(first), p); code(err) != "warning.blank" || !strings.HasPrefix(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
