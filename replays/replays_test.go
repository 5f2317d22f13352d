// Package replays holds the mapping files for recorded sets. Its test sends each set through a whole server.
package replays

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/app"
	"github.com/anlan-city/anlan/internal/platform/testdata"
)

// TestThroughAServer: with the command that a user types, every reading and report of the three sets is accepted, a second run doubles nothing, and the
// alerts of the methane set meet the releases.
func TestThroughAServer(t *testing.T) {
	methane, river, boston := testdata.Shared(t, "sensors", "methane-metec"), testdata.Shared(t, "sensors", "river-wear-2022"),
		testdata.Shared(t, "reports", "boston-2015")
	data := t.TempDir()
	server, err := app.New(app.Options{Listen: "127.0.0.1:0", Data: data, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	anlan := filepath.Join(t.TempDir(), "anlan")
	if text, err := exec.Command("go", "build", "-o", anlan, "../cmd/anlan").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	run := func(mapping, from string) string {
		t.Helper()
		text, err := exec.Command(anlan, "replay", mapping, "--from", from, "--url", server.URL(), "--data", data).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", mapping, err, text)
		}
		return string(text)
	}
	holds := func(out string, lines ...string) {
		t.Helper()
		for _, line := range lines {
			if !strings.Contains(out, line) {
				t.Errorf("no %q in\n%s", line, out)
			}
		}
	}

	holds(run("river.yaml", river), "accepted   14,088\n", "refused    0\n")

	out := run("methane.yaml", methane)
	holds(out, "accepted   96,571\n", "refused    0\n")
	_, row, _ := strings.Cut(out, "\ngas/methane-ambient ")
	var found, of, alerts, outside int
	if _, err := fmt.Sscanf(row, "%d of %d %d %d", &found, &of, &alerts, &outside); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	// Measured on 2026-11-23: 17 of 17 with 21 alerts, 2 of them outside. A better rule may move a little, not much.
	if of != 17 || found < 16 || outside > 3 {
		t.Errorf("%d of %d releases found, %d alerts outside:\n%s", found, of, outside, out)
	}
	holds(run("methane.yaml", methane), "known      96,571 readings that the server has already; not sent again\n", "sent       0 in ")

	holds(run("boston.yaml", boston), "accepted   115,773\n", "refused    0\n")
}
