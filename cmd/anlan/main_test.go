package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts below testdata/script run the command itself.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"anlan": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}

func TestSettingsPageIsUpToDate(t *testing.T) {
	page, err := os.ReadFile("../../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(build(t), "settings").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(page), "\n\n"+string(out)) {
		t.Errorf("docs/settings.md is not what `anlan settings` prints:\n%s", out)
	}
}

// build makes the binary that the tests of whole programs run.
func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "anlan")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}
