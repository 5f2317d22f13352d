package packtest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var block = regexp.MustCompile("(?s)```yaml\n# tunnels/([a-z_.]+)\n(.*?)```")

// What the guide tells a newcomer to write is a pack whose tests pass and leave nothing open.
func TestGuide(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/packs.md")
	if err != nil {
		t.Fatal(err)
	}
	// The guide says which block goes to the end of which file.
	into := map[string]string{"together.yaml": "detectors.yaml", "together_test.yaml": "detectors_test.yaml"}
	files := map[string]string{}
	for _, m := range block.FindAllStringSubmatch(string(guide), -1) {
		name := m[1]
		if other := into[name]; other != "" {
			name = other
		}
		files[name] += m[2] + "\n"
	}
	dir := filepath.Join(t.TempDir(), "tunnels")
	if err := os.Mkdir(dir, 0o755); err != nil || len(files) != 3 {
		t.Fatal(len(files), err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Load(os.DirFS(dir), "tunnels")
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Run(nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Failed > 0 {
		var b strings.Builder
		r.Write(&b, false)
		t.Errorf("\n%s", b.String())
	}
	for _, gap := range r.Gaps {
		if strings.Contains(gap.Message, " carbon-monoxide ") { // the others' are left to the reader
			t.Errorf("%s", gap)
		}
	}
}
