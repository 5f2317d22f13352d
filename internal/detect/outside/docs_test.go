package outside

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The examples of docs/models.md are what the code takes and sends, and every error code stands there.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "models.md"))
	must(t, err)
	doc := string(text)
	example := func(name string) []byte {
		_, rest, ok := strings.Cut(doc, "<!-- "+name+" -->\n```json\n")
		body, _, end := strings.Cut(rest, "\n```")
		if !ok || !end {
			t.Fatalf("docs/models.md has no example of a %s", name)
		}
		return []byte(body)
	}
	strict := func(name string, into any) {
		d := json.NewDecoder(bytes.NewReader(example(name)))
		d.DisallowUnknownFields()
		if err := d.Decode(into); err != nil {
			t.Errorf("the %s: %v", name, err)
		}
	}
	var q Question
	strict("question", &q)
	a, err := q.Read(example("answer"))
	if err != nil || len(a.Scores) != 1 || len(a.Forecasts) != 1 {
		t.Errorf("the answer: %v", err)
	}
	strict("answer", &answerDoc{})
	var r Registration
	strict("registration", &r)
	if _, err := r.check([]string{"flood"}); err != nil {
		t.Errorf("the registration: %v", err)
	}

	sources, err := filepath.Glob("*.go")
	must(t, err)
	found := regexp.MustCompile(`"(model\.[a-z_]+)", "|bad\([^"]*"[^"]*"[^"]*"([a-z_]+)", "|bad\(field, "([a-z_]+)"`)
	codes := map[string]bool{}
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		must(t, err)
		for _, m := range found.FindAllStringSubmatch(string(src), -1) {
			code := m[1]
			for _, short := range m[2:] {
				if short != "" {
					code = "model." + short
				}
			}
			codes[code] = true
			if !strings.Contains(doc, "`"+code+"`") {
				t.Errorf("%s: the code %s is not in docs/models.md", name, code)
			}
		}
	}
	if len(codes) < 18 {
		t.Errorf("%d codes found: %v", len(codes), codes)
	}
}
