package reach

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/delivery"
	"github.com/anlan-city/anlan/internal/platform/page"
)

var update = flag.Bool("update", false, "write testdata/words.txt anew")

// kinds are what a warning of the old dock says in the course of its life.
func kinds(p Publication) map[string]Publication {
	p.Level = "red"
	p.Headline = page.Text{English: "Gas leak, red level, Old Dock", Chinese: "老码头街道发布燃气泄漏红色预警"}
	p.Description = page.Text{English: "A main has broken.", Chinese: "燃气主管破裂。"}
	p.Places = []Place{{Name: page.Text{English: "Old Dock", Chinese: "老码头街道"}}}
	out := map[string]Publication{"alert": p}
	with := func(name string, change func(*Publication)) {
		q := p
		change(&q)
		out[name] = q
	}
	with("update", func(q *Publication) { q.Kind, q.Version, q.Before = "update", 2, "red" })
	with("upgrade", func(q *Publication) { q.Kind, q.Version, q.Before = "update", 2, "orange" })
	with("downgrade", func(q *Publication) { q.Kind, q.Version, q.Before, q.Level = "update", 2, "red", "yellow" })
	with("cancel", func(q *Publication) { q.Kind, q.Version, q.Before = "cancel", 2, "red" })
	with("all-clear", func(q *Publication) { q.Kind, q.Version, q.Before = "all-clear", 2, "red" })
	with("exercise", func(q *Publication) { q.Status = exercise })
	with("end of an exercise", func(q *Publication) { q.Status, q.Kind, q.Version = exercise, "all-clear", 2 })
	return out
}

var kindOrder = []string{"alert", "update", "upgrade", "downgrade", "cancel", "all-clear", "exercise", "end of an exercise"}

// What every channel says of every kind of message, word by word: go test ./internal/warn/reach -run TestWords -update.
func TestWords(t *testing.T) {
	b := newBench(t, dbtest.SQLite(t, mine...))
	all := kinds(b.publication())
	var got strings.Builder
	for _, name := range kindOrder {
		seen := map[string]string{}
		for _, channel := range channelNames() {
			for _, lang := range []string{page.Chinese, page.English, ""} {
				m := b.s.message(all[name], Recipient{ID: 7, Channel: channel, Language: lang}, map[wording]texts{})
				text := ""
				for _, l := range []string{page.Chinese, page.English} {
					if lang == "" || lang == l {
						text += fmt.Sprintf("%s\n%s\n", m.Subject.In(l), m.Body.In(l))
					}
					if lang == "" && m.Body.En == m.Body.Zh {
						break
					}
				}
				head := fmt.Sprintf("%s, %s, %s", name, channel, cmp.Or(lang, "both"))
				if same, ok := seen[lang+text]; ok { // all that take a title and a text take the same
					fmt.Fprintf(&got, "=== %s: as %s\n", head, same)
					continue
				}
				seen[lang+text] = channel
				fmt.Fprintf(&got, "=== %s\n%s\n", head, strings.TrimSpace(text))
			}
		}
	}
	const file = "testdata/words.txt"
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		have, should := strings.Split(got.String(), "\n"), strings.Split(string(want), "\n")
		for i := range min(len(have), len(should)) {
			if have[i] != should[i] {
				t.Fatalf("line %d of %s:\n%s\nexpected\n%s", i+1, file, have[i], should[i])
			}
		}
		t.Fatalf("%d lines, expected %d", len(have), len(should))
	}
}

// Whoever reads one message alone must be able to tell what it is.
func TestEveryKindIsTold(t *testing.T) {
	b := newBench(t, dbtest.SQLite(t, mine...))
	all := kinds(b.publication())
	for _, channel := range channelNames() {
		for _, lang := range []string{page.Chinese, page.English} {
			said := map[string]string{}
			for _, name := range kindOrder {
				m := b.s.message(all[name], Recipient{ID: 7, Channel: channel, Language: lang}, map[wording]texts{})
				text := m.Subject.In(lang) + m.Body.In(lang)
				if same, ok := said[text]; ok {
					t.Errorf("%s, %s: %s and %s are the same: %q", channel, lang, name, same, text)
				}
				said[text] = name
				if all[name].over() {
					if strings.Contains(text, "色预警】") || strings.Contains(text, "warning]") || m.Priority == delivery.Urgent {
						t.Errorf("%s, %s: the %s looks like a warning: %q", channel, lang, name, text)
					}
				}
				if over := strings.Contains(text, "险情已经解除") || strings.Contains(text, "danger is over"); channel != Webhook && over != (all[name].Kind == "all-clear") {
					t.Errorf("%s, %s: %s: %q", channel, lang, name, text)
				}
			}
		}
	}
}

// Sentences are whole, in one language as in two.
func TestShortTextsEndWithASentence(t *testing.T) {
	b := newBench(t, dbtest.SQLite(t, mine...))
	p := kinds(b.publication())["alert"]
	p.Instruction = page.Text{
		English: "Leave the area at once against the wind. Do not light anything. Do not use lifts! Help those who can't walk. Keep the roads free for the fire service.",
		Chinese: "请立即逆风撤离。严禁明火，不要开关电器。不要乘坐电梯！请帮助行动不便的人员。请为消防车辆让出道路。",
	}
	for _, channel := range []string{SMS, CellBroadcast} {
		for _, lang := range []string{page.Chinese, page.English, ""} {
			for more := range 12 { // longer and longer
				q := p
				for i := range more * 4 {
					q.Places = append(q.Places[:len(q.Places):len(q.Places)], Place{Name: page.Text{English: fmt.Sprint("Subdistrict ", i), Chinese: fmt.Sprintf("第%d街道", i)}})
				}
				text := b.s.texts(q, wording{channel, lang}).body.In(lang)
				if lang == "" {
					text = b.s.texts(q, wording{channel, lang}).body.Zh
				}
				lines := strings.Split(text, "\n")
				if lines[len(lines)-1] != q.URL {
					t.Errorf("%q", text)
				}
				for _, line := range lines[:len(lines)-1] {
					if !strings.ContainsAny(line[len(line)-1:], ".!") && !strings.HasSuffix(line, "。") && !strings.HasSuffix(line, "！") || strings.Contains(line, "...") {
						t.Errorf("%s, %s, %d places: cut inside a sentence: %q", channel, lang, len(q.Places), line)
					}
					if !strings.Contains(line, "有效至：11月28日10:00。") && !strings.Contains(line, "In force until: 28 Nov 10:00.") {
						t.Errorf("%s, %s, %d places: says no end: %q", channel, lang, len(q.Places), line)
					}
				}
			}
		}
	}
}
