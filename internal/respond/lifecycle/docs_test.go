package lifecycle

import (
	"os"
	"strings"
	"testing"
)

// The example in docs/cases.md is a kind that works.
func TestDocsExample(t *testing.T) {
	page, err := os.ReadFile("../../../docs/cases.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	example, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("the page has no example")
	}
	kinds, err := decode(t, example)
	if err != nil || len(kinds) != 1 || len(kinds[0].Moves) != 2 {
		t.Errorf("%v %v", kinds, err)
	}
}
