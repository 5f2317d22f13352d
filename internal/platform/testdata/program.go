package testdata

import (
	"os"
	"os/exec"
	"testing"
)

// Program returns the path of a program that tests compare with, or skips the test with the reason and the Debian package that brings
// it. ANLAN_REQUIRE_CLIENTS=1 turns the skip into a failure.
func Program(t testing.TB, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("ANLAN_REQUIRE_CLIENTS") != "" {
			t.Fatalf("%s is required but not installed (Debian: %s)", name, debian)
		}
		t.Skipf("%s is not installed (Debian: %s)", name, debian)
	}
	return path
}
