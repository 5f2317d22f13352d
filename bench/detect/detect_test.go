package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	var out bytes.Buffer
	run(&out, 5000, 2, false)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 7 {
		t.Errorf("%d lines, want a title, a head, four detectors and the result", len(lines))
	}
	last := lines[len(lines)-1]
	if !regexp.MustCompile(`^ns_per_point=[0-9.]+ bytes_per_series=24[0-9] points_per_s=[1-9][0-9]+$`).MatchString(last) {
		t.Errorf("last line %q", last)
	}
}
