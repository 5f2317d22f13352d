package cap

import (
	"bytes"
	"errors"
	"fmt"
)

// Assessment is all that is to be said of one document.
type Assessment struct {
	Verdict  Verdict
	Kind     string // "cap 1.2" and the like, or a feed's format; empty for what is neither
	MsgType  string // of a message
	Messages int    // whole messages in it
	// Signature says in words whether there is one and whether it holds; empty for what can't be read.
	Signature string
	Problems  []Problem
}

// Assess judges a document that somebody sent, be it a message or a feed of
// messages, as Decode, ReadFeed and Check see it. In a feed the rules are always
// those for Receiving. With pins, each message must be signed by one of them.
func Assess(document []byte, use Use, pins ...Pin) Assessment {
	if IsFeed(document) {
		f, problems, err := ReadFeed(bytes.NewReader(document))
		if err != nil {
			return unreadable(err)
		}
		var signed signatures
		for i := range f.Entries {
			if e := &f.Entries[i]; e.Alert != nil {
				if p := signed.look(e.Document, e.Alert, pins); p != nil {
					p.Path, p.Line = e.container+"/"+p.Path, max(p.Line, e.Line)
					e.Problems = append(e.Problems, *p)
				}
			}
		}
		a := Assessment{Kind: f.Format, Verdict: JudgeFeed(f, problems), Messages: signed.messages, Signature: signed.String(), Problems: problems}
		for _, e := range f.Entries {
			a.Problems = append(a.Problems, e.Problems...)
		}
		return a
	}
	m, problems, err := Decode(bytes.NewReader(document))
	if err != nil {
		return unreadable(err)
	}
	problems = append(problems, Check(m, use)...)
	if use == Publishing {
		for i, p := range problems { // as Check does with its own
			if p.Grade == Doubt {
				problems[i].Grade = Wrong
			}
		}
	}
	var signed signatures
	if p := signed.look(document, m, pins); p != nil {
		problems = append(problems, *p)
	}
	return Assessment{Kind: "cap " + m.Version, MsgType: m.MsgType, Messages: 1, Verdict: Judge(problems), Signature: signed.String(), Problems: problems}
}

// signatures counts what was seen of them over the messages of a document.
type signatures struct {
	messages, signed, verified int
	asked                      bool
	by                         string // the last pin that one verified with
}

// look takes one message into account. With pins, the problem says why it does not verify.
func (s *signatures) look(document []byte, a *Alert, pins []Pin) *Problem {
	s.messages++
	if a.Signatures > 0 {
		s.signed++
	}
	if len(pins) == 0 {
		return nil
	}
	s.asked = true
	who, err := Verify(document, pins)
	if err != nil {
		path := "alert"
		if a.Signatures > 0 {
			path = "alert/Signature"
		}
		return &Problem{Grade: Wrong, Rule: "signature", Path: path, Line: a.line(path), Message: err.Error()}
	}
	s.verified++
	s.by = who
	return nil
}

func (s *signatures) String() string {
	what := "none"
	switch {
	case s.signed == 0:
		return what
	case !s.asked:
		what = "there is one, not checked against a certificate"
	case s.verified == 0:
		what = "there is one, it does not verify"
	case s.verified < s.messages:
		what = "verifies on some messages only, with " + s.by
	default:
		what = "verifies with " + s.by
	}
	if s.messages > 1 {
		what = fmt.Sprintf("%s (%d messages, %d signed, %d verified)", what, s.messages, s.signed, s.verified)
	}
	return what
}

func unreadable(err error) Assessment {
	p := Problem{Grade: Wrong, Rule: "document", Path: "/", Line: 1, Message: err.Error()}
	var at *documentError
	if errors.As(err, &at) {
		p.Line, p.Message = at.line, at.err.Error()
	}
	return Assessment{Verdict: Reject, Problems: []Problem{p}}
}
