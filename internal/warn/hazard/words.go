package hazard

import (
	"fmt"
	"strings"
)

// Words say what the set declares as a person would read it, for anlan pack explain.
func (s *Set) Words() string {
	var b strings.Builder
	line := func(what, text string) { fmt.Fprintf(&b, "  %-14s%s\n", what, text) }
	for _, h := range s.Hazards {
		fmt.Fprintf(&b, "\n%s/%s\n", s.Pack, h.ID)
		line("warns of", h.Event.English+" · "+h.Event.Chinese)
		if h.RelayedFrom != "" {
			line("relayed", "from the "+h.RelayedFrom+" service; never composed here")
			continue
		}
		for _, t := range h.Texts {
			line("text", fmt.Sprintf("%s, %s · %s: %s", t.ID, t.Title.English, t.Title.Chinese, levelsOf(t.Levels)))
			line("", t.Headline.English)
			line("", t.Headline.Chinese)
		}
		for _, t := range h.ProposedBy {
			where := "for the area it is in"
			if t.Around > 0 {
				where = fmt.Sprintf("%g m round its asset", t.Around)
			}
			mark := ""
			if t.Exercise {
				mark = ", as an exercise"
			}
			line("suggested", fmt.Sprintf("by %s from %s on, with the text %s, %s%s", t.Detector, t.From, t.Text, where, mark))
		}
		if len(h.ProposedBy) == 0 {
			line("suggested", "by nothing: people see the need")
		}
	}
	for i, r := range s.Authority {
		if i == 0 {
			fmt.Fprintf(&b, "\n%s, who may publish: the first rule that speaks of a warning decides\n", s.Pack)
		}
		text := fmt.Sprintf("%s at %s: %s", strings.Join(r.Hazards, ", "), levelsOf(r.Levels), strings.Join(r.Roles, ", "))
		for _, x := range []struct {
			what string
			who  []string
		}{{" of ", r.Organisations}, {" in ", r.Areas}, {"; may be proposed by ", r.Proposers}} {
			if len(x.who) > 0 {
				text += x.what + strings.Join(x.who, ", ")
			}
		}
		line("rule", text)
	}
	for _, x := range s.Second {
		line("second person", fmt.Sprintf("from %s on, for %s", x.From, strings.Join(x.Hazards, ", ")))
	}
	return b.String()
}

func levelsOf(ls []Level) string {
	if len(ls) == 4 {
		return "all levels"
	}
	var out []string
	for _, l := range ls {
		out = append(out, string(l))
	}
	return strings.Join(out, ", ")
}
