package cap

import (
	"bytes"
	"errors"
)

// Assessment is all that is to be said of one document.
type Assessment struct {
	Verdict  Verdict
	Kind     string // "cap 1.2" and the like, or a feed's format; empty for what is neither
	MsgType  string // of a message
	Messages int    // whole messages in it
	Problems []Problem
}

// Assess judges a document that somebody sent, be it a message or a feed of
// messages, as Decode, ReadFeed and Check see it. In a feed the rules are always
// those for Receiving.
func Assess(document []byte, use Use) Assessment {
	if IsFeed(document) {
		f, problems, err := ReadFeed(bytes.NewReader(document))
		if err != nil {
			return unreadable(err)
		}
		a := Assessment{Kind: f.Format, Verdict: JudgeFeed(f, problems), Problems: problems}
		for _, e := range f.Entries {
			a.Problems = append(a.Problems, e.Problems...)
			if e.Alert != nil {
				a.Messages++
			}
		}
		return a
	}
	m, problems, err := Decode(bytes.NewReader(document))
	if err != nil {
		return unreadable(err)
	}
	problems = append(problems, Check(m, use)...)
	return Assessment{Kind: "cap " + m.Version, MsgType: m.MsgType, Messages: 1, Verdict: Judge(problems), Problems: problems}
}

func unreadable(err error) Assessment {
	p := Problem{Grade: Wrong, Rule: "document", Path: "/", Message: err.Error()}
	var at *documentError
	if errors.As(err, &at) {
		p.Line, p.Message = at.line, at.err.Error()
	}
	return Assessment{Verdict: Reject, Problems: []Problem{p}}
}
