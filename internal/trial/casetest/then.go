package casetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/pack"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// then holds how the case stands against what was expected.
func (p *player) then(id int64, before, after *sight, again int64) {
	doc := p.step.doc.Then
	var rows []row
	differ := func(what, expected, got string) {
		if expected != "" && expected != got {
			rows = append(rows, row{what, expected, got})
		}
	}
	differ("state", doc.State.Value, after.state)
	rows = append(rows, p.time("due", doc.Due.Value, after.due)...)
	differ("ended", doc.Ended.Value, or(after.ended, "no"))
	differ("owner", doc.Owner.Value, or(after.owner, "none"))
	differ("post", doc.Post.Value, or(after.post, "none"))
	differ("listed", doc.Listed.Value, or(after.listed, "no"))
	differ("ask", doc.Ask.Value, or(after.ask, "none"))
	for _, e := range doc.Fields {
		differ("field "+e.Key.Value, e.Value.Value, after.field(e.Key.Value, p))
	}
	for _, e := range doc.Limits {
		name := e.Key.Value
		l, there := after.limits["limit:"+name]
		switch {
		case !there && e.Value.Value == "none":
		case !there:
			differ("limit "+name, e.Value.Value, "none")
		case slices.Contains(limitStates, e.Value.Value):
			differ("limit "+name, e.Value.Value, l.word())
		case l.state != "running":
			differ("limit "+name, e.Value.Value, l.word())
		default:
			rows = append(rows, p.time("limit "+name, e.Value.Value, l.due)...)
		}
	}
	if doc.Tasks != nil {
		rows = append(rows, p.given(doc.Tasks, after.tasks[min(len(before.tasks), len(after.tasks)):])...)
	}
	if w := doc.Opened.Value; w != "" {
		differ("opened", w, map[bool]string{true: "again", false: "anew"}[again == id])
	}
	if len(doc.Parts) > 0 {
		var owners []string
		for _, x := range after.parts {
			owners = append(owners, x.owner)
		}
		differ("parts", list(doc.Parts), strings.Join(owners, ", "))
	}
	if len(doc.Parties) > 0 {
		differ("parties", list(doc.Parties), strings.Join(after.parties, ", "))
	}
	if len(rows) > 0 {
		p.fail(doc.Pos, "the case stands otherwise", rows...)
	}
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func list(names pack.Names) string {
	var out []string
	for _, s := range names {
		out = append(out, s.Value)
	}
	return strings.Join(out, ", ")
}

// time compares a time of the case with one that the test writes.
func (p *player) time(what, expected string, got time.Time) []row {
	if expected == "" {
		return nil
	}
	shown := "none"
	if !got.IsZero() {
		shown = p.clock(got)
	}
	if expected == "none" {
		if shown != "none" {
			return []row{{what, expected, shown}}
		}
		return nil
	}
	want, _ := p.Test.moment(expected, p.step.at)
	if got.IsZero() || !want.Equal(got) {
		if written := p.clock(want); written != expected {
			expected += " (" + written + ")"
		}
		return []row{{what, expected, shown}}
	}
	return nil
}

// given compares the tasks that the step gave with those that were expected, in any order.
func (p *player) given(want []givenDoc, got []task) []row {
	var rows []row
	left := slices.Clone(got)
	for i := range want {
		w := &want[i]
		at := slices.IndexFunc(left, func(x task) bool {
			return (w.Post.IsZero() || w.Post.Value == x.post) && (w.Of.IsZero() || w.Of.Value == x.of) &&
				len(p.time("", w.Due.Value, x.due)) == 0 &&
				(w.Title == nil || strings.Contains(x.title.En, w.Title.EN.Value) && strings.Contains(x.title.Zh, w.Title.ZH.Value))
		})
		if at < 0 {
			rows = append(rows, row{"task", strings.TrimSpace(fmt.Sprintf("%s %s %s", w.Post.Value, w.Of.Value, w.Due.Value)), "none like it"})
			continue
		}
		left = slices.Delete(left, at, at+1)
	}
	for _, x := range left {
		rows = append(rows, row{"task", "none", fmt.Sprintf("%s of %s%s: %s", x.post, x.of, p.until(x.due), x.title.En)})
	}
	return rows
}
