package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var (
	guideBlock   = regexp.MustCompile("(?s)^```yaml\n# ((lamps/[a-z_.]+)(, at its end)?\n.*?)```$")
	guideCommand = regexp.MustCompile(`(?s)^    \$ (anlan [^\n]*)\n(.*)$`)
	guidePart    = regexp.MustCompile("(?ms)^```yaml\n.*?^```$|^    \\$ anlan [^\n]*\n(?:    [^\n]*\n)*")
)

// docs/cases.md as a duty officer follows it: its files are written, its commands run, and they print what it says.
func TestCasesGuide(t *testing.T) {
	page, err := os.ReadFile("../../docs/cases.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "\n## A new kind of case, step by step\n")
	guide, _, ended := strings.Cut(rest, "\n## ")
	if !found || !ended {
		t.Fatal("the page has no guide")
	}
	var script, files strings.Builder
	commands, blocks := 0, 0
	for _, part := range guidePart.FindAllString(guide, -1) {
		if m := guideBlock.FindStringSubmatch(part); m != nil {
			blocks++
			to := map[bool]string{true: ">>", false: ">"}[m[3] != ""]
			fmt.Fprintf(&files, "-- block%d --\n# %s", blocks, m[1])
			fmt.Fprintf(&script, "exec sh -c 'mkdir -p lamps && cat block%d %s%s'\n", blocks, to, m[2])
			continue
		}
		m := guideCommand.FindStringSubmatch(part)
		if m == nil {
			t.Fatalf("a block that does not say which file it is:\n%s", part)
		}
		commands++
		fmt.Fprintf(&files, "-- printed%d --\n%s", commands, regexp.MustCompile(`(?m)^    `).ReplaceAllString(m[2], ""))
		fmt.Fprintf(&script, "exec sh -c '%s || true'\ncmp stdout printed%d\n", m[1], commands)
	}
	if blocks < 6 || commands < 4 {
		t.Fatalf("only %d blocks and %d commands in the guide", blocks, commands)
	}
	file := filepath.Join(t.TempDir(), "guide.txtar")
	if err := os.WriteFile(file, []byte(script.String()+files.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Files: []string{file}})
}
