package packtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// Each file of testdata/update is a file of tests before and after --update, or why it is refused.
func TestUpdate(t *testing.T) {
	names, err := filepath.Glob("testdata/update/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			before, section, want := string(a.Files[0].Data), a.Files[1].Name, string(a.Files[1].Data)
			crlf := strings.Contains(filepath.Base(name), "crlf")
			if crlf {
				before, want = strings.ReplaceAll(before, "\n", "\r\n"), strings.ReplaceAll(want, "\n", "\r\n")
			}
			s := suite(t, before)
			out, err := s.Update(ran(t, s))
			got := ""
			switch {
			case err != nil && section == "refused":
				got = err.Error() + "\n"
			case err != nil:
				t.Fatal(err)
			case section == "refused" || len(out) != 1 || out[0].File != "a_test.yaml":
				t.Fatalf("%+v", out)
			default:
				got = out[0].Content
			}
			if *update {
				a.Files[1].Data = []byte(strings.ReplaceAll(got, "\r\n", "\n"))
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != want {
				t.Errorf("--- got\n%s--- want\n%s", got, want)
			}
			if err == nil {
				if again := ran(t, suite(t, got)); again.Failed != 0 {
					t.Error("what was written fails")
				}
			}
		})
	}
}
