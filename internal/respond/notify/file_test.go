package notify

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/web"
)

func asError(err error, target **web.Error) bool { return errors.As(err, target) }

// load reads the chains of a file.
func load(t testing.TB, text string) ([]*Chain, error) {
	t.Helper()
	p, err := pack.Load(fstest.MapFS{
		"pack.yaml": {Data: []byte("pack: test\ntitle: {en: Test, zh-CN: 测试}\n")}, "chains.yaml": {Data: []byte(text)},
	}, "packs/test")
	if err != nil {
		t.Fatal(err)
	}
	return Chains(p)
}

const head = "- id: c\n  title: {en: Call, zh-CN: 通知}\n"

func TestFileIsRead(t *testing.T) {
	c := chain(t, head+`  begins: {on: alert, from: orange, of: [gas, water]}
  steps:
    - {tell: owner, post: crew}
    - {wait: 90s}
    - {sound: true}
    - {organisation: org-emergency}
    - {tell: regulator}
    - {wait: 1d}
  repeat: 10
  until: ended
`)
	want := `c
  title         Call · 通知
  begins with   an alert that nobody has acknowledged from orange on of gas, water · gas、water橙色及以上告警未签收
  steps         tell whoever has to act, crew · 通知承办单位（crew）
                wait 1m30s · 等待 1m30s
                sound the consoles · 控制台鸣响
                tell org-emergency · 通知 org-emergency
                tell who holds the regulator duty · 通知部门监管责任单位
                wait 1d · 等待 1d
  repeated      at most 10 times more · 最多再重复 10 次
  until         it is over · 事项办结为止
`
	if got := c.Words(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	plain := chain(t, head+"  steps: [{tell: desk}]\n")
	if plain.Until != UntilAcknowledged || plain.Repeat != 0 || plain.Begins != nil || plain.Pack != "test" {
		t.Errorf("%+v", plain)
	}
	h1, _, err := c.Hash()
	if err != nil {
		t.Fatal(err)
	}
	c.Repeat = 9
	if h2, _, _ := c.Hash(); h1 == h2 {
		t.Error("another definition has the same hash")
	}
}

func TestFileIsRefused(t *testing.T) {
	for name, x := range map[string]struct{ text, want string }{
		"tells nobody":               {head + "  steps: [{sound: true}]", "chain c tells nobody"},
		"no steps":                   {head + "  steps: []", "steps"},
		"two things at once":         {head + "  steps: [{tell: owner, wait: 5m}]", "[P010]"},
		"nothing":                    {head + "  steps: [{post: crew}, {tell: owner}]", "[P010]"},
		"a post that waits":          {head + "  steps: [{tell: owner}, {wait: 5m, post: crew}, {tell: desk}]", "[P010]"},
		"an unknown link":            {head + "  steps: [{tell: regulater}]", `did you mean "regulator"?`},
		"a wait of nothing":          {head + "  steps: [{tell: owner}, {wait: 0s}, {tell: desk}]", "[P006]"},
		"a wait of months":           {head + "  steps: [{tell: owner}, {wait: 31d}, {tell: desk}]", "[P006]"},
		"a last wait":                {head + "  steps: [{tell: owner}, {wait: 5m}]", "nothing follows this wait"},
		"repeated at once":           {head + "  steps: [{tell: owner}]\n  repeat: 2", "repeated without a wait"},
		"repeated every second":      {head + "  steps: [{tell: owner}, {wait: 1s}]\n  repeat: 2", "come to 1m0s at least"},
		"repeated too often":         {head + "  steps: [{tell: owner}, {wait: 5m}]\n  repeat: 11", "[P006]"},
		"repeated one and a half":    {head + "  steps: [{tell: owner}, {wait: 5m}]\n  repeat: 1.5", "whole number"},
		"a silent sound":             {head + "  steps: [{tell: owner}, {sound: false}]", "does nothing"},
		"until forever":              {head + "  steps: [{tell: owner}]\n  until: forever", "[P006]"},
		"a level of a task":          {head + "  steps: [{tell: owner}]\n  begins: {on: task, from: red}", "from is for alerts"},
		"packs of a limit":           {head + "  steps: [{tell: owner}]\n  begins: {on: overdue, of: [gas]}", "of is for alerts"},
		"one language":               {"- id: c\n  title: {en: Call}\n  steps: [{tell: owner}]", "[P009]"},
		"twice":                      {head + "  steps: [{tell: owner}]\n" + head + "  steps: [{tell: owner}]", "a second time"},
		"two that begin with tasks":  {head + "  steps: [{tell: owner}]\n  begins: {on: task}\n" + strings.Replace(head, "id: c", "id: d", 1) + "  steps: [{tell: owner}]\n  begins: {on: task}", "begins with task, too"},
		"a key that nothing reads":   {head + "  steps: [{tell: owner}]\n  repeats: 2", `did you mean "repeat"?`},
		"a person instead of a post": {head + "  steps: [{tell: owner, post: Wang Wei}]", "[P0"},
	} {
		_, err := load(t, x.text+"\n")
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v\nwant %s", name, err, x.want)
		}
	}
}

func TestSetsOfChains(t *testing.T) {
	one := chain(t, head+"  steps: [{tell: owner}]\n  begins: {on: alert, from: orange}\n")
	other := *one
	other.ID = "d"
	if _, err := NewSet([]*Chain{one, &other}); err == nil {
		t.Error("two chains begin with every alert")
	}
	own := chain(t, strings.Replace(head, "id: c", "id: e", 1)+"  steps: [{tell: desk}]\n  begins: {on: alert, of: [gas]}\n")
	set, err := NewSet([]*Chain{one, own})
	if err != nil {
		t.Fatal(err)
	}
	for pack, want := range map[string]string{"gas": "e", "water": "c"} {
		if c := set.on(OnAlert, pack); c == nil || c.ID != want {
			t.Errorf("alerts of %s: %v, want %s", pack, c, want)
		}
	}
	if set.on(OnTask, "") != nil || set.Named("x") != nil {
		t.Error("a chain out of nothing")
	}
	// A city's own chain takes the place of a shipped one.
	if all := InPlaceOf([]*Chain{one, own}, []*Chain{&other}); len(all) != 2 || all[0].ID != "d" || all[1].ID != "e" {
		t.Errorf("%v", all)
	}
}

// A round is gone through step by step; the last wait of the last round is none.
func TestStrides(t *testing.T) {
	c := chain(t, head+"  steps: [{tell: owner}, {sound: true}, {wait: 5m}, {tell: desk}, {wait: 10m}]\n  repeat: 1\n")
	var got []string
	for p := (place{}); ; {
		s := c.from(p)
		text := ""
		for _, x := range s.steps {
			en, _ := x.words()
			text += en + "; "
		}
		got = append(got, text+s.wait.String())
		if p = s.next; s.spent {
			break
		}
	}
	want := "tell whoever has to act; sound the consoles; 5m0s|tell the desk that runs it; 10m0s|tell whoever has to act; sound the consoles; 5m0s|tell the desk that runs it; 0s"
	if strings.Join(got, "|") != want {
		t.Errorf("%s", strings.Join(got, "|"))
	}
}
