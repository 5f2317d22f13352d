package coverage

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/coverage.md names every error code.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "coverage.md"))
	if err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`"(coverage\.[a-z_]+)", "|bad\("[a-z_]+", "([a-z_]+)"`)
	codes := map[string]bool{}
	for _, name := range sources {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, m := range found.FindAllStringSubmatch(string(src), -1) {
			code := m[1]
			if code == "" {
				code = "coverage." + m[2]
			}
			codes[code] = true
			if !strings.Contains(string(page), "`"+code+"`") {
				t.Errorf("%s: the code %s is not in docs/coverage.md", name, code)
			}
		}
	}
	if len(codes) < 12 {
		t.Errorf("%d codes found", len(codes))
	}
}
