// Package testdata finds the recorded data that some tests read. The data lies beside the repository and is never copied
// into it; where it is absent the test says so and is skipped.
package testdata

import (
	"os"
	"path/filepath"
	"testing"
)

// Shared returns the path of a recorded file or folder below ../shared/data, seen from the module's root, or skips the
// test with the reason. ANLAN_REQUIRE_DATA=1 turns the skip into a failure, so that a machine that should have the data
// can't pass without it.
func Shared(t testing.TB, path ...string) string {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	p := filepath.Join(append([]string{root, "..", "shared", "data"}, path...)...)
	if _, err := os.Stat(p); err != nil {
		if os.Getenv("ANLAN_REQUIRE_DATA") != "" {
			t.Fatalf("recorded data required but absent: %v", err)
		}
		t.Skipf("recorded data absent: %v", err)
	}
	return p
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", os.ErrNotExist
		}
		dir = parent
	}
}
