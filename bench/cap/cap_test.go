package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/testdata"
)

// TestRun holds the recorded verdicts, the bounds, and the form of the last line.
func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run(&out, testdata.Shared(t, "cap"), true); err != nil {
		t.Error(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if last := lines[len(lines)-1]; last != "verdicts=33/33" {
		t.Errorf("the last line is %q\n%s", last, out.String())
	}
}

// TestRunCounts: a verdict that differs is counted and shown, and a file that can't be read is an error.
func TestRunCounts(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.xml", "<a/>")
	write("expectations.csv", "reason,expected,file\nbecause,reject,a.xml\nnot so,accept,a.xml\n")
	var out strings.Builder
	if err := run(&out, dir, true); err != nil {
		t.Error(err)
	}
	if !strings.HasSuffix(out.String(), "\nverdicts=1/2\n") || !strings.Contains(out.String(), "<-- differs: not so") {
		t.Error(out.String())
	}
	write("expectations.csv", "file,expected\nb.xml,reject\n")
	if err := run(&out, dir, true); err == nil {
		t.Error("a missing file passes")
	}
}
