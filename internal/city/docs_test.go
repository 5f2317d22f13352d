package city

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/city.md names every field with its Chinese header, and every error code.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "city.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	for _, l := range lists {
		for _, f := range l.fields {
			if !strings.Contains(page, f.name) || !strings.Contains(page, f.aliases[0]) {
				t.Errorf("%s: %s %s is not in docs/city.md", l.name, f.name, f.aliases[0])
			}
		}
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	for _, name := range sources {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`Errorf\([^"]*"(city\.[a-z_]+)"`).FindAllStringSubmatch(string(src), -1) {
			codes++
			if !strings.Contains(page, "`"+m[1]+"`") && m[1] != "city.no_" {
				t.Errorf("%s: the code %s is not in docs/city.md", name, m[1])
			}
		}
	}
	if codes < 10 {
		t.Errorf("%d codes found", codes)
	}
}
