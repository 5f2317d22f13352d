//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// parts are what this program is in a process of its own: the server; and what looks into the store, since SQLite maps files
// into memory, which a process that is their file system at the same time can't do.
var parts = map[string]func(args []string) error{
	"serve": func(args []string) error { return serve(args, os.Stdout) },
	"fill": func([]string) error {
		var w fillWork
		return answer(&w, func() (any, error) { return fill(context.Background(), w) })
	},
	"read": func([]string) error {
		var data string
		return answer(&data, func() (any, error) { return read(context.Background(), data) })
	},
}

type fillWork struct {
	Data, Packs string
	Cases       int
	Owner       int64 // organisation
	Due         []time.Time
}

// answer reads what is asked from the standard input and writes what comes of it to the standard output.
func answer(asked any, do func() (any, error)) error {
	if err := json.NewDecoder(os.Stdin).Decode(asked); err != nil {
		return err
	}
	out, err := do()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

// ask has a part of this program do something in a process of its own.
func (t *trial) ask(ctx context.Context, self string, out any, part string, asked any) error {
	in, err := json.Marshal(asked)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, part)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", part, err)
	}
	return json.Unmarshal(text, out)
}
