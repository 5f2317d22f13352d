package packtest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	block  = regexp.MustCompile("(?s)```yaml\n# tunnels/([a-z_.]+)(, at its end)?\n(.*?)```")
	passes = regexp.MustCompile(`(?m)^    (tunnels: \d+ tests passed)$`)
)

// What the guide tells a newcomer to write is a pack whose tests pass and leave nothing open: after each block of tests that it
// shows, in the file that its first line names, and with as many tests as it says.
func TestGuide(t *testing.T) {
	content, err := os.ReadFile("../../../docs/packs.md")
	if err != nil {
		t.Fatal(err)
	}
	guide := string(content)
	dir := filepath.Join(t.TempDir(), "tunnels")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if blocks := len(block.FindAllString(guide, -1)); blocks != strings.Count(guide, "```yaml\n") || blocks < 7 {
		t.Fatalf("of %d blocks %d say which file they go into", strings.Count(guide, "```yaml\n"), blocks)
	}
	files := map[string]string{}
	said := passes.FindAllStringSubmatchIndex(guide, -1)
	for _, m := range block.FindAllStringSubmatchIndex(guide, -1) {
		name, text := guide[m[2]:m[3]], guide[m[6]:m[7]]
		if added := m[4] >= 0; added != (files[name] != "") {
			t.Fatalf("%s: it is new, or goes to its end, as its heading does not say:\n%s", name, text)
		}
		if files[name] != "" {
			text = files[name] + "\n" + text
		}
		files[name] = text
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "_test.yaml") {
			continue
		}
		last := guidePasses(t, dir)
		if len(said) > 0 && !strings.Contains(guide[m[1]:], "```yaml") || len(said) > 0 && said[0][0] < m[1]+strings.Index(guide[m[1]:], "```yaml") {
			if got := guide[said[0][2]:said[0][3]]; got != last {
				t.Errorf("the guide says %q, the program %q", got, last)
			}
			said = said[1:]
		}
	}
	if len(said) > 0 {
		t.Errorf("%d times the guide says what the program prints where it prints nothing", len(said))
	}
}

// guidePasses runs the pack as far as it is written, and gives the last line that the program prints.
func guidePasses(t *testing.T, dir string) string {
	t.Helper()
	s, err := Load(os.DirFS(dir), "tunnels")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range s.Pack.Warnings() {
		t.Errorf("%s", w)
	}
	r, err := s.Run(nil)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	r.Write(&b, false)
	if r.Failed > 0 || len(r.Gaps) > 0 {
		t.Errorf("\n%s", b.String())
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	return fmt.Sprint(lines[len(lines)-1])
}
