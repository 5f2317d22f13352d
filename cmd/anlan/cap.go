package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/anlan-city/anlan/internal/warn/cap"
)

// capCmd is what people who exchange warnings work with.
type capCmd struct {
	Check capCheckCmd `cmd:"" help:"Say what a careful receiver does with a CAP message or a feed of them, and why: 0 to accept it, 3 to take it with doubts, 1 to reject it."`
}

type capCheckCmd struct {
	File       string `arg:"" help:"The message or feed; - reads standard input."`
	Publishing bool   `help:"Hold the message to the rules for what we publish ourselves."`
	Pin        string `placeholder:"FILE" help:"Demand that each message is signed with the key of this certificate (or public key), in PEM."`
	JSON       bool   `help:"Print the verdict and the problems as JSON."`
}

// exitDoubt is the code for what may be taken, with doubts.
const exitDoubt = 3

func (c capCheckCmd) Run() error {
	document, err := c.read()
	if err != nil {
		return err
	}
	use := cap.Receiving
	if c.Publishing {
		use = cap.Publishing
	}
	pins, err := c.pins()
	if err != nil {
		return err
	}
	a := cap.Assess(document, use, pins...)
	if c.JSON {
		err = writeAssessment(os.Stdout, a)
	} else {
		err = c.print(os.Stdout, a)
	}
	if err != nil {
		return err
	}
	switch a.Verdict {
	case cap.Reject:
		return exitError{1, fmt.Errorf("%s is to be rejected", c.File)}
	case cap.Warn:
		return exitError{exitDoubt, fmt.Errorf("%s may be taken, with doubts", c.File)}
	}
	return nil
}

// read takes no more than any message or feed may have, and one byte to show that it has more.
func (c capCheckCmd) read() ([]byte, error) {
	var in io.Reader = os.Stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	return io.ReadAll(io.LimitReader(in, cap.MaxFeedBytes+1))
}

func (c capCheckCmd) pins() ([]cap.Pin, error) {
	if c.Pin == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.Pin)
	if err != nil {
		return nil, err
	}
	pin, err := cap.ParsePin(c.Pin, text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Pin, err)
	}
	return []cap.Pin{pin}, nil
}

func (c capCheckCmd) print(w io.Writer, a cap.Assessment) error {
	for _, p := range a.Problems {
		if _, err := fmt.Fprintf(w, "%s:%d: %s: %s: %s [%s]\n", c.File, p.Line, p.Grade, p.Path, p.Message, p.Rule); err != nil {
			return err
		}
	}
	if a.Signature != "" {
		if _, err := fmt.Fprintf(w, "%s: signature: %s\n", c.File, a.Signature); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s: %s\n", c.File, a.Verdict)
	return err
}

func writeAssessment(w io.Writer, a cap.Assessment) error {
	type problem struct {
		Grade   string `json:"grade"`
		Rule    string `json:"rule"`
		Path    string `json:"path"`
		Line    int    `json:"line"`
		Message string `json:"message"`
	}
	out := struct {
		Verdict   string    `json:"verdict"`
		Kind      string    `json:"kind"`
		Messages  int       `json:"messages"`
		Signature string    `json:"signature"`
		Problems  []problem `json:"problems"`
	}{string(a.Verdict), a.Kind, a.Messages, a.Signature, []problem{}}
	for _, p := range a.Problems {
		out.Problems = append(out.Problems, problem{p.Grade.String(), p.Rule, p.Path, p.Line, p.Message})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}
