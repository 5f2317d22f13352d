package intake

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// What docs/intake.md shows works as it stands there.
func TestDocs(t *testing.T) {
	content, err := os.ReadFile("../../../docs/intake.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```(yaml|sh)\n(.*?)```").FindAllStringSubmatch(string(content), -1)
	checked := map[string]int{}
	hooks := exampleHooks(t)
	body := regexp.MustCompile(`(?s)hooks/([a-z]+)(\?event=up)?.*?(?:<<'BODY'\n(.*?)BODY\n|$)`)
	quoted := regexp.MustCompile(`BODY='([^']*)'`)
	for _, b := range blocks {
		if b[1] == "yaml" {
			kind, err := Check("docs/intake.md", []byte(b[2]))
			if err != nil {
				t.Errorf("%v\nin\n%s", err, b[2])
			}
			checked[kind]++
			continue
		}
		m := body.FindStringSubmatch(b[2])
		if m == nil {
			continue
		}
		text := m[3]
		if q := quoted.FindStringSubmatch(b[2]); q != nil {
			text = q[1]
		}
		mapped, refused, err := hooks[m[1]].Map(Body{JSON: []byte(text), Query: map[string]string{"event": strings.TrimPrefix(m[2], "?event=")}, Now: noon})
		if err != nil || len(refused) > 0 || len(mapped) == 0 {
			t.Errorf("%s: %v, %v\nof\n%s", m[1], err, refused, text)
		}
		checked["body"]++
	}
	if checked["webhook"] != 3 || checked["files"] != 1 || checked["body"] != 3 {
		t.Errorf("found %v", checked)
	}
}
